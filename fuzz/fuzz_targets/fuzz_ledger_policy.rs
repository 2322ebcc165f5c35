#![no_main]

use allod_ledger::policy::Policy;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(policy) = Policy::parse(data) {
        // More witnesses never take a quorum away, and without any there is none that asks for one.
        assert!(policy.has_quorum(|_| true));
        assert_eq!(policy.has_quorum(|_| false), !policy.is_witnessed());
    }
});
