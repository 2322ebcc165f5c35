use crate::memory::{Memory, entry, log};
use crate::{ORIGIN, each_bit_flipped, key, log_key};
use allod_ledger::checkpoint::Checkpoint;
use allod_ledger::cosignature::cosign;
use allod_ledger::note::KeyKind;
use allod_ledger::policy::Policy;
use allod_ledger::proof::{MAX_EXTRA_BYTES, Proof};
use allod_ledger::tree::{leaf_hash, prove_inclusion};

fn proof(log: &Memory, index: u64, size: u64) -> Proof {
    let checkpoint = Checkpoint::new(ORIGIN, size, log.root(size)).unwrap();
    let mut note = checkpoint.sign(&log_key()).unwrap();
    note.add(cosign(&key("w.example", KeyKind::Cosignature, 3), &checkpoint.to_string(), 1_000).unwrap()).unwrap();
    Proof::new(index, prove_inclusion(index, size, log).unwrap(), note).unwrap()
}

fn policy() -> Policy {
    let witness = key("w.example", KeyKind::Cosignature, 3);
    let text = format!("log {}\nwitness w {}\nquorum w\n", log_key().verifying_key(), witness.verifying_key());
    Policy::parse(text.as_bytes()).unwrap()
}

#[test]
fn a_proof_says_which_entry_is_in_which_log_and_no_bit_of_it_can_change() {
    let log = log(300);
    let (policy, leaf) = (policy(), leaf_hash(&entry(131)));
    let written = proof(&log, 131, 300).to_string();
    insta::assert_snapshot!(written);
    let read = Proof::parse(written.as_bytes()).unwrap();
    assert_eq!(read.to_string(), written);
    let accepted = read.verify(&leaf, &policy).unwrap();
    assert_eq!((accepted.checkpoint.size(), accepted.witnesses[0].1), (300, 1_000));
    assert!(read.verify(&leaf_hash(&entry(130)), &policy).is_err());
    for (bit, bytes) in each_bit_flipped(written.as_bytes()) {
        let verified = Proof::parse(&bytes).and_then(|proof| proof.verify(&leaf, &policy).map(|_| ()));
        assert!(verified.is_err(), "bit {bit}");
    }
    for end in 0..written.len() {
        let verified =
            Proof::parse(&written.as_bytes()[..end]).and_then(|proof| proof.verify(&leaf, &policy).map(|_| ()));
        assert!(verified.is_err(), "cut at {end}");
    }
}

#[test]
fn the_only_entry_needs_no_hashes() {
    let log = log(1);
    let only = proof(&log, 0, 1);
    assert!(only.hashes().is_empty());
    let read = Proof::parse(only.to_string().as_bytes()).unwrap();
    read.verify(&leaf_hash(&entry(0)), &policy()).unwrap();
}

#[test]
fn extra_data_is_carried() {
    let plain = proof(&log(1), 0, 1);
    let with = plain.clone().with_extra(b"context".to_vec()).unwrap();
    let read = Proof::parse(with.to_string().as_bytes()).unwrap();
    assert_eq!(read, with);
    assert_eq!(read.extra(), Some(&b"context"[..]));
    assert!(plain.clone().with_extra(Vec::new()).is_err());
    assert!(plain.clone().with_extra(vec![0; MAX_EXTRA_BYTES + 1]).is_err());
}

#[test]
fn what_is_no_proof_is_refused() {
    let signed = proof(&log(1), 0, 1).checkpoint().to_string();
    let hash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
    for (head, fine) in [
        ("c2sp.org/tlog-proof@v1\nindex 0\n".to_owned(), true),
        (format!("c2sp.org/tlog-proof@v1\nindex 0\n{}", hash.repeat(63)), true),
        (format!("c2sp.org/tlog-proof@v1\nindex 0\n{}", hash.repeat(64)), false),
        ("c2sp.org/tlog-proof@v2\nindex 0\n".to_owned(), false),
        ("index 0\n".to_owned(), false),
        ("c2sp.org/tlog-proof@v1\n".to_owned(), false),
        ("c2sp.org/tlog-proof@v1\nindex 00\n".to_owned(), false),
        ("c2sp.org/tlog-proof@v1\nindex -1\n".to_owned(), false),
        ("c2sp.org/tlog-proof@v1\nindex 0\nindex 0\n".to_owned(), false),
        ("c2sp.org/tlog-proof@v1\nindex 0\nextra AA==\n".to_owned(), false),
        ("c2sp.org/tlog-proof@v1\nextra AA==\nindex 0\n".to_owned(), true),
        ("c2sp.org/tlog-proof@v1\nextra AA==\nextra AA==\nindex 0\n".to_owned(), false),
        ("c2sp.org/tlog-proof@v1\nextra \nindex 0\n".to_owned(), false),
        ("c2sp.org/tlog-proof@v1\nextra A\nindex 0\n".to_owned(), false),
        ("c2sp.org/tlog-proof@v1\nindex 0\nAA==\n".to_owned(), false),
        ("c2sp.org/tlog-proof@v1\nindex 0\n\n".to_owned(), false),
    ] {
        let text = format!("{head}\n{signed}");
        match Proof::parse(text.as_bytes()) {
            Ok(read) => assert!(fine && read.to_string() == text, "{head}"),
            Err(error) => assert!(!fine, "{head}: {error}"),
        }
    }
}
