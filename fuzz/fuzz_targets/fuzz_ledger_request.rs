#![no_main]

use allod_ledger::note::{KeyKind, SigningKey};
use allod_ledger::tree::Hash;
use allod_ledger::witness::{Request, Seen, Store, Submission, Witness};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A witness that has seen nothing yet, and must not be made to remember anything.
struct Untouched;

impl Store for Untouched {
    fn latest(&self, _: &str) -> Result<Option<Seen>, Failure> {
        Ok(None)
    }

    fn replace(&self, _: &str, _: Option<(u64, Hash)>, _: &Seen) -> Result<bool, Failure> {
        panic!("a checkpoint that the log did not sign was believed")
    }
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(request) = Request::parse(data) {
        assert_eq!(request.to_string().as_bytes(), data);
        let witness = SigningKey::from_seed("witness.example", KeyKind::Cosignature, &[5; 32]).unwrap();
        let known = vec![witness.verifying_key().clone()];
        if let Ok(mut submission) = Submission::new(request.checkpoint().clone(), known, request.old()) {
            for status in [200, 409] {
                drop(submission.answered(status, "text/x.tlog.size", data));
            }
        }
    }
    let key = SigningKey::from_seed("witness.example", KeyKind::Cosignature, &[5; 32]).unwrap();
    // The log's own key is made of a seed that no honest input has.
    let log = SigningKey::from_seed("log.example/audit", KeyKind::Ed25519, &[0xb7; 32]).unwrap();
    let mut witness = Witness::new(key).unwrap();
    witness.know("log.example/audit", log.verifying_key().clone());
    assert_ne!(witness.add_checkpoint(&Untouched, data, 1).unwrap().status(), 200);
});
