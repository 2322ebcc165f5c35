#![no_main]

use allod_ledger::policy::Policy;
use allod_ledger::proof::Proof;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(proof) = Proof::parse(data) {
        assert_eq!(proof.to_string().as_bytes(), data);
        let policy = "log example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\nquorum none\n";
        // Nobody has the key of this log, so nothing that is made up can hold.
        assert!(proof.verify(&[7; 32], &Policy::parse(policy.as_bytes()).unwrap()).is_err());
    }
});
