use crate::memory::{Memory, log, log_of};
use crate::{ORIGIN, key, log_key};
use allod_ledger::Error;
use allod_ledger::checkpoint::Checkpoint;
use allod_ledger::note::{KeyKind, Note, SigningKey, VerifyingKey};
use allod_ledger::tree::{EMPTY_ROOT, Hash, leaf_hash, prove_consistency};
use allod_ledger::witness::{Answer, Next, Request, Seen, Store, Submission, Witness};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};

const SIZE: u64 = 40;
/// Two histories of one log: the same up to entry 20, then another.
const FORK: u64 = 20;
static ONE: LazyLock<Memory> = LazyLock::new(|| log(SIZE));
static OTHER: LazyLock<Memory> = LazyLock::new(|| {
    let mut leaves = ONE.leaves().to_vec();
    for (index, leaf) in leaves.iter_mut().enumerate().skip(FORK as usize) {
        *leaf = leaf_hash(format!("another entry {index}").as_bytes());
    }
    log_of(leaves)
});

#[derive(Default)]
struct Records(Mutex<BTreeMap<String, Seen>>);

impl Store for Records {
    fn latest(&self, origin: &str) -> Result<Option<Seen>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(self.0.lock().unwrap().get(origin).cloned())
    }

    fn replace(
        &self,
        origin: &str,
        expected: Option<(u64, Hash)>,
        new: &Seen,
    ) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
        let mut records = self.0.lock().unwrap();
        if records.get(origin).map(|seen| (seen.size, seen.root)) != expected {
            return Ok(false);
        }
        records.insert(origin.to_owned(), new.clone());
        Ok(true)
    }
}

fn witness_key() -> SigningKey {
    key("witness.example", KeyKind::Cosignature, 5)
}

fn witness() -> Witness {
    let mut witness = Witness::new(witness_key()).unwrap();
    witness.know(ORIGIN, log_key().verifying_key().clone());
    witness
}

fn signed(log: &Memory, size: u64) -> Note {
    Checkpoint::new(ORIGIN, size, log.root(size)).unwrap().sign(&log_key()).unwrap()
}

fn request(log: &Memory, old: u64, size: u64) -> Request {
    let proof = prove_consistency(old.min(size), size, log).unwrap();
    Request::new(old, proof, signed(log, size)).unwrap()
}

#[test]
fn the_answers_are_those_of_the_specification() {
    let stranger = key("stranger.example", KeyKind::Ed25519, 8);
    let unknown = Checkpoint::new("stranger.example", 3, ONE.root(3)).unwrap().sign(&stranger).unwrap();
    let text = signed(&ONE, 8).text().to_owned();
    let by_stranger = Note::new(text.as_str(), vec![stranger.sign(&text).unwrap()]).unwrap();
    let bad = allod_ledger::note::Signature::new(ORIGIN, log_key().verifying_key().id(), vec![7; 64]).unwrap();
    let mut with_bad = signed(&ONE, 8);
    with_bad.add(bad).unwrap();
    let mut with_unknown = signed(&ONE, 8);
    with_unknown.add(stranger.sign(&text).unwrap()).unwrap();
    let empty = |root| Checkpoint::new(ORIGIN, 0, root).unwrap().sign(&log_key()).unwrap();
    let proof = |old, size| prove_consistency(old, size, &*ONE).unwrap();
    let ask = |old, proof, note: &Note| Request::new(old, proof, note.clone()).unwrap().to_string();
    for (seen, body, status, answer) in [
        // The first of a log, with nothing or something in it.
        (0, ask(0, vec![], &empty(EMPTY_ROOT)), 200, None),
        (0, request(&ONE, 0, 5).to_string(), 200, None),
        (5, request(&ONE, 5, 8).to_string(), 200, None),
        (5, request(&ONE, 5, 5).to_string(), 200, None),
        (5, ask(5, proof(5, 8), &with_unknown), 200, None),
        (5, "old 5\n".into(), 400, Some("")),
        (5, request(&ONE, 5, 8).to_string().replace("old 5", "old 05"), 400, Some("")),
        (5, request(&ONE, 9, 8).to_string(), 400, Some("")),
        (
            5,
            format!("old 5\n{}\n{}", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n".repeat(64), signed(&ONE, 8)),
            400,
            Some(""),
        ),
        (5, ask(5, proof(5, 8), &Note::new("text\n", vec![stranger.sign("text\n").unwrap()]).unwrap()), 400, Some("")),
        (5, ask(5, proof(5, 8), &by_stranger), 403, Some("")),
        (5, ask(5, proof(5, 8), &with_bad), 403, Some("")),
        (0, ask(0, vec![], &unknown), 404, Some("")),
        (5, request(&ONE, 4, 8).to_string(), 409, Some("5\n")),
        (5, request(&ONE, 0, 8).to_string(), 409, Some("5\n")),
        (5, request(&ONE, 4, 4).to_string(), 409, Some("5\n")),
        (0, request(&ONE, 3, 8).to_string(), 409, Some("0\n")),
        (0, ask(0, vec![], &empty([7; 32])), 422, Some("")),
        (0, ask(0, proof(5, 8), &signed(&ONE, 8)), 422, Some("")),
        (5, ask(5, vec![], &signed(&ONE, 8)), 422, Some("")),
        (5, ask(5, proof(5, 9), &signed(&ONE, 8)), 422, Some("")),
        (30, request(&OTHER, 30, 31).to_string(), 422, Some("")),
        (30, request(&OTHER, 30, 30).to_string(), 422, Some("")),
    ] {
        let (witness, records) = (witness(), Records::default());
        if seen > 0 {
            witness.add_checkpoint(&records, request(&ONE, 0, seen).to_string().as_bytes(), 1).unwrap();
        }
        let before = records.latest(ORIGIN).unwrap();
        let given = witness.add_checkpoint(&records, body.as_bytes(), 2).unwrap();
        assert_eq!(given.status(), status, "{body}");
        let after = records.latest(ORIGIN).unwrap();
        if let Some(answer) = answer {
            assert_eq!(given.body(), answer);
            assert_eq!(after, before, "what is refused changes nothing");
            assert_eq!(given.content_type() == "text/x.tlog.size", status == 409);
            continue;
        }
        // What monitors are served: the log's signature and ours, and nothing of strangers.
        let kept = Note::parse(after.unwrap().note.as_bytes()).unwrap();
        assert_eq!(kept.signatures().len(), 2);
        assert_eq!(kept.verify([witness.verifying_key(), log_key().verifying_key()]).unwrap().len(), 2);
        assert_eq!(format!("{}\n", kept.signatures()[1]), given.body());
    }
}

/// A store to which another request comes between the look and the change.
struct Overtaken<'a> {
    records: &'a Records,
    by: Mutex<Option<String>>,
}

impl Store for Overtaken<'_> {
    fn latest(&self, origin: &str) -> Result<Option<Seen>, Box<dyn std::error::Error + Send + Sync>> {
        self.records.latest(origin)
    }

    fn replace(
        &self,
        origin: &str,
        expected: Option<(u64, Hash)>,
        new: &Seen,
    ) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
        if let Some(body) = self.by.lock().unwrap().take() {
            assert_eq!(witness().add_checkpoint(self.records, body.as_bytes(), 1)?.status(), 200);
        }
        self.records.replace(origin, expected, new)
    }
}

#[test]
fn a_request_that_was_overtaken_is_not_cosigned() {
    for (first, second, status) in [
        (request(&ONE, 0, 30), request(&ONE, 0, 20), 409),
        (request(&ONE, 0, 20), request(&ONE, 0, 30), 409),
        (request(&ONE, 0, 30), request(&OTHER, 0, 30), 409),
        (request(&ONE, 0, 0), request(&ONE, 0, 30), 200),
    ] {
        let records = Records::default();
        let store = Overtaken { records: &records, by: Mutex::new(Some(first.to_string())) };
        let answer = witness().add_checkpoint(&store, second.to_string().as_bytes(), 2).unwrap();
        assert_eq!(answer.status(), status);
        let kept = if status == 200 { &second } else { &first };
        assert_eq!(
            Note::parse(records.latest(ORIGIN).unwrap().unwrap().note.as_bytes()).unwrap().text(),
            kept.checkpoint().text()
        );
    }
}

#[test]
fn a_store_that_does_not_work_gives_no_cosignature() {
    struct Broken(bool);
    impl Store for Broken {
        fn latest(&self, _: &str) -> Result<Option<Seen>, Box<dyn std::error::Error + Send + Sync>> {
            if self.0 { Ok(None) } else { Err("cannot be read".into()) }
        }
        fn replace(
            &self,
            _: &str,
            _: Option<(u64, Hash)>,
            _: &Seen,
        ) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
            Ok(false)
        }
    }
    let body = request(&ONE, 0, 5).to_string();
    assert!(matches!(witness().add_checkpoint(&Broken(false), body.as_bytes(), 1), Err(Error::Store { .. })));
    assert!(matches!(witness().add_checkpoint(&Broken(true), body.as_bytes(), 1), Err(Error::Unsettled { .. })));
}

/// Many clients at once, half of them with another history: whatever the order, all that is cosigned is one history.
#[test]
fn clients_at_once_cannot_get_two_histories_cosigned() {
    let (witness, records) = (witness(), Records::default());
    let cosigned: Mutex<Vec<(u64, Hash)>> = Mutex::default();
    std::thread::scope(|scope| {
        for number in 0..8_u64 {
            let (witness, records, cosigned) = (&witness, &records, &cosigned);
            scope.spawn(move || {
                let log = if number % 2 == 0 { &*ONE } else { &*OTHER };
                let mut old = 0;
                for size in (FORK - 5..SIZE).map(|size| size + number % 3).filter(|size| *size <= SIZE) {
                    // As a client does: once more from the size that the witness names.
                    for _ in 0..2 {
                        let body = request(log, old.min(size), size).to_string();
                        match witness.add_checkpoint(records, body.as_bytes(), 1).unwrap() {
                            Answer::Cosigned(_) => {
                                cosigned.lock().unwrap().push((size, log.root(size)));
                                old = size;
                                break;
                            }
                            Answer::Conflict { size } => old = size,
                            _ => {}
                        }
                    }
                }
            });
        }
    });
    let cosigned = cosigned.into_inner().unwrap();
    let of = |log: &Memory| cosigned.iter().all(|(size, root)| *root == log.root(*size));
    assert!(cosigned.iter().any(|(size, _)| *size > FORK), "the race went beyond the fork");
    assert!(of(&ONE) || of(&OTHER), "both histories were cosigned");
}

proptest! {
    /// Requests of any kind, one after the other: sizes only grow, and what was cosigned is one history.
    #[test]
    fn a_witness_cosigns_one_history(asked in prop::collection::vec((any::<bool>(), 0..=SIZE, 0..=SIZE, any::<bool>()), 1..30)) {
        let (witness, records) = (witness(), Records::default());
        let mut cosigned = Vec::new();
        for (fork, old, size, informed) in asked {
            let log = if fork { &*OTHER } else { &*ONE };
            let latest = records.latest(ORIGIN).unwrap().map_or(0, |seen| seen.size);
            let old = if informed { latest } else { old };
            let answer = witness.add_checkpoint(&records, request(log, old, size).to_string().as_bytes(), 1).unwrap();
            if answer.status() == 200 {
                prop_assert!(old == latest && size >= latest);
                cosigned.push((size, log.root(size)));
            }
            let latest = records.latest(ORIGIN).unwrap().map(|seen| (seen.size, seen.root));
            prop_assert_eq!(latest, cosigned.last().copied());
        }
        let of = |log: &Memory| cosigned.iter().all(|(size, root)| *root == log.root(*size));
        prop_assert!(of(&ONE) || of(&OTHER));
    }

    #[test]
    fn requests_are_read_as_written(old in 0..=SIZE, size in 0..=SIZE) {
        let request = request(&ONE, old, size);
        prop_assert_eq!(Request::parse(request.to_string().as_bytes()).unwrap(), request);
    }
}

#[test]
fn a_client_follows_the_witness_to_a_cosignature() {
    let (witness, records) = (witness(), Records::default());
    let keys = || vec![witness.verifying_key().clone()];
    witness.add_checkpoint(&records, request(&ONE, 0, 12).to_string().as_bytes(), 1).unwrap();
    let mut submission = Submission::new(signed(&ONE, 33), keys(), 0).unwrap();
    let mut answers = Vec::new();
    let cosignatures = loop {
        let body = submission.request(&*ONE).unwrap().to_string();
        let answer = witness.add_checkpoint(&records, body.as_bytes(), 2).unwrap();
        answers.push(answer.status());
        match submission.answered(answer.status(), answer.content_type(), answer.body().as_bytes()).unwrap() {
            Next::Cosigned(signatures) => break signatures,
            Next::Again => assert_eq!(submission.old(), 12),
        }
    };
    assert_eq!((answers, cosignatures.len()), (vec![409, 200], 1));
    // The witness is ahead of what the log says is its newest.
    let mut behind = Submission::new(signed(&ONE, 20), keys(), 33).unwrap();
    let answer = witness.add_checkpoint(&records, behind.request(&*ONE).unwrap().to_string().as_bytes(), 3).unwrap();
    let error = behind.answered(answer.status(), answer.content_type(), answer.body().as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "the witness has seen 33 entries of `log.example/audit`, and the checkpoint has 20");
    assert!(Submission::new(signed(&ONE, 1), vec![log_key().verifying_key().clone()], 0).is_err());
}

#[test]
fn a_client_believes_no_answer_that_it_cannot_check() {
    let line = |key: &SigningKey, size| {
        allod_ledger::cosignature::cosign(key, signed(&ONE, size).text(), 7).unwrap().to_string()
    };
    let (good, stranger) = (line(&witness_key(), 9), line(&key("stranger.example", KeyKind::Cosignature, 6), 9));
    let known: Vec<VerifyingKey> = vec![witness_key().verifying_key().clone()];
    let plain = "text/plain";
    let size = "text/x.tlog.size";
    for (status, content_type, body, expect) in [
        (200, plain, format!("{good}\n"), Ok(Some(1))),
        (200, plain, format!("{stranger}\n{good}\n"), Ok(Some(1))),
        (200, plain, format!("{stranger}\n"), Err("no signature by a known key")),
        (200, plain, good.clone(), Err("not a signed note: its last line does not end")),
        (200, plain, String::new(), Err("not a signed note: its last line does not end")),
        (200, plain, format!("{good}\n\n"), Err("not a signed note: a line is no signature")),
        (
            200,
            plain,
            format!("{}\n", line(&witness_key(), 8)),
            Err("the signature by `witness.example` does not fit the text"),
        ),
        (200, plain, format!("{good}\n").repeat(101), Err("not a signed note: it has too many signatures")),
        (409, size, "4\n".into(), Ok(None)),
        (409, size, "5\n".into(), Err("the witness answered with 409: it does not settle on a size")),
        (
            409,
            size,
            "10\n".into(),
            Err("the witness has seen 10 entries of `log.example/audit`, and the checkpoint has 9"),
        ),
        (409, size, "4".into(), Err("the witness answered with 409: it does not say which size it has seen")),
        (409, plain, "4\n".into(), Err("the witness answered with 409: it does not say which size it has seen")),
        (404, plain, String::new(), Err("the witness answered with 404: it does not know the log")),
        (503, plain, String::new(), Err("the witness answered with 503: it cannot answer now")),
    ] {
        let mut submission = Submission::new(signed(&ONE, 9), known.clone(), 5).unwrap();
        let next = submission.answered(status, content_type, body.as_bytes());
        let given = next.map(|next| match next {
            Next::Cosigned(signatures) => Some(signatures.len()),
            Next::Again => None,
        });
        assert_eq!(given.map_err(|error| error.to_string()), expect.map_err(str::to_owned), "{status} {body}");
    }
    // A witness that names one size after the other ends the submission.
    let mut submission = Submission::new(signed(&ONE, 9), known, 5).unwrap();
    let tries = (0..10_u64).take_while(|at| submission.answered(409, size, format!("{}\n", at % 2).as_bytes()).is_ok());
    assert_eq!(tries.count(), 3);
}
