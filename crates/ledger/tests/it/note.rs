use crate::{ORIGIN, each_bit_flipped, key, log_key};
use allod_ledger::Error;
use allod_ledger::checkpoint::Checkpoint;
use allod_ledger::cosignature::cosign;
use allod_ledger::note::{KeyKind, MAX_SIGNATURES, Note, Signature, SigningKey, VerifyingKey};
use allod_ledger::tree::{EMPTY_ROOT, MAX_SIZE};
use proptest::prelude::*;
use signed_note::{Signer as _, Verifier as _};

/// The example of the specification.
const EXAMPLE_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const EXAMPLE: &str = "This is an example message.\n\n\u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

#[test]
fn the_example_of_the_specification_verifies_and_no_bit_of_it_can_change() {
    let key = VerifyingKey::parse(EXAMPLE_KEY).unwrap();
    assert_eq!(key.to_string(), EXAMPLE_KEY);
    let note = Note::parse(EXAMPLE.as_bytes()).unwrap();
    assert_eq!(note.to_string(), EXAMPLE);
    assert_eq!(note.text(), "This is an example message.\n");
    assert_eq!(note.verify([&key]).unwrap()[0].time_s, None);
    for (bit, bytes) in each_bit_flipped(EXAMPLE.as_bytes()) {
        let read = Note::parse(&bytes).and_then(|note| note.verify([&key]).map(|_| ()));
        assert!(read.is_err(), "bit {bit}");
    }
}

#[test]
fn what_is_no_note_is_refused() {
    let line = "\u{2014} a AAAAAAE=\n";
    for (text, reason) in [
        (String::new(), "it has no empty line before its signatures"),
        (format!("text\n{line}"), "it has no empty line before its signatures"),
        (format!("text\n\n{}", line.trim_end()), "its last line does not end"),
        ("text\n\n".into(), "its last line does not end"),
        ("text\n\n\n".into(), "its last line does not end"),
        (format!("text\n\n{line}\n"), "its last line does not end"),
        (format!("te\txt\n\n{line}"), "it has a control character"),
        (format!("te\rxt\n\n{line}"), "it has a control character"),
        (format!("te\0xt\n\n{line}"), "it has a control character"),
        (format!("text\n\n{line}more\n"), "a line is no signature"),
        ("text\n\n- a AAAAAAE=\n".into(), "a line is no signature"),
        ("text\n\n\u{2014} a\n".into(), "a line is no signature"),
        ("text\n\n\u{2014}  AAAAAAE=\n".into(), "a signature has no proper name"),
        ("text\n\n\u{2014} a+b AAAAAAE=\n".into(), "a signature has no proper name"),
        ("text\n\n\u{2014} a\u{2003}b AAAAAAE=\n".into(), "a signature has no proper name"),
        ("text\n\n\u{2014} a\tb AAAAAAE=\n".into(), "a signature has no proper name"),
        ("text\n\n\u{2014} a AAAAAAE\n".into(), "a signature is not base64"),
        ("text\n\n\u{2014} a AAAAAAF=\n".into(), "a signature is not base64"),
        ("text\n\n\u{2014} a AAAAAAE= \n".into(), "a signature is not base64"),
        ("text\n\n\u{2014} a AAAAAA==\n".into(), "a signature is too short"),
        (format!("text\n\n{}", line.repeat(MAX_SIGNATURES + 1)), "it has too many signatures"),
        (format!("{}\n\n{line}", "x".repeat(1_000_000)), "it is too long"),
    ] {
        let error = Note::parse(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(error, format!("not a signed note: {reason}"), "{:?}", text.chars().take(60).collect::<String>());
    }
    assert!(Note::parse(b"te\xffxt\n\n\xe2\x80\x94 a AAAAAAE=\n").is_err());
    for text in [
        format!("text\n\n{line}"),
        format!("\n\n{line}"),
        format!("a\n\nb\n\n\n{line}"),
        format!("x\n\n{}", line.repeat(16)),
    ] {
        assert_eq!(Note::parse(text.as_bytes()).unwrap().to_string(), text);
    }
    assert!(Note::new("no end", vec![Signature::parse(line.trim_end()).unwrap()]).is_err());
    assert!(Note::new("text\n", Vec::new()).is_err());
}

#[test]
fn who_signed_is_who_is_known_and_whose_signature_fits() {
    let (one, two, other) =
        (key("one", KeyKind::Ed25519, 1), key("two", KeyKind::Ed25519, 2), key("one", KeyKind::Ed25519, 3));
    let text = "text\n";
    let bad = Signature::new("one", one.verifying_key().id(), vec![7; 64]).unwrap();
    let good = [one.sign(text).unwrap(), two.sign(text).unwrap(), other.sign(text).unwrap()];
    let strange = VerifyingKey::new("one", KeyKind::Other(0xff), b"anything").unwrap();
    let strangely = Signature::new("one", strange.id(), vec![1]).unwrap();
    let who = |signatures: &[&Signature], known: &[&VerifyingKey]| {
        let note = Note::new(text, signatures.iter().copied().cloned().collect()).unwrap();
        let verified = note.verify(known.iter().copied());
        verified
            .map(|found| found.iter().map(|one| one.key.to_string()).collect::<Vec<_>>())
            .map_err(|error| error.to_string())
    };
    let (k1, k2, k3) = (one.verifying_key(), two.verifying_key(), other.verifying_key());
    let names = |keys: &[&VerifyingKey]| Ok(keys.iter().map(|key| key.to_string()).collect::<Vec<_>>());
    let unsigned = Err("no signature by a known key".to_owned());
    let does_not_fit = Err("the signature by `one` does not fit the text".to_owned());
    assert_eq!(who(&[&good[0]], &[k1, k2]), names(&[k1]));
    assert_eq!(who(&[&good[0], &good[1], &good[0]], &[k2, k1]), names(&[k1, k2]));
    // The same name, another key.
    assert_eq!(who(&[&good[2]], &[k1]), unsigned);
    assert_eq!(who(&[&good[2], &good[0]], &[k1]), names(&[k1]));
    assert_eq!(who(&[&good[0]], &[]), unsigned);
    // A bad signature beside good ones, first or last, also a second one of a key that signed well.
    for signatures in [[&bad, &good[1]], [&good[1], &bad], [&good[0], &bad]] {
        assert_eq!(who(&signatures, &[k1, k2]), does_not_fit);
    }
    assert_eq!(who(&[&bad, &good[1]], &[k2, k3]), names(&[k2]));
    // A kind of key that is not verified here never counts.
    assert_eq!(who(&[&strangely], &[&strange]), unsigned);
    assert_eq!(who(&[&strangely, &good[1]], &[&strange, k2]), names(&[k2]));
}

#[test]
fn keys_have_one_text() {
    let key = log_key();
    let text = key.verifying_key().to_string();
    assert_eq!(VerifyingKey::parse(&text).unwrap(), *key.verifying_key());
    assert_eq!(SigningKey::parse(&key.to_secret_text()).unwrap().verifying_key(), key.verifying_key());
    assert!(!format!("{key:?}").contains(key.to_secret_text().rsplit_once('+').unwrap().1));
    for broken in [
        "",
        "name",
        "name+00000000",
        "name+00000000+",
        "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530D903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2",
        "example.com/ foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    ] {
        assert!(VerifyingKey::parse(broken).is_err(), "{broken}");
        assert!(SigningKey::parse(broken).is_err(), "{broken}");
        assert!(SigningKey::parse(&format!("PRIVATE+KEY+{broken}")).is_err(), "{broken}");
    }
    // The neutral point fits any text under a loose verification.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    assert!(VerifyingKey::new("name", KeyKind::Ed25519, &neutral).is_err());
    assert!(VerifyingKey::new("name", KeyKind::Ed25519, &[0; 31]).is_err());
    assert!(VerifyingKey::new("name", KeyKind::MlDsa44, &[0; 32]).is_err());
    assert!(VerifyingKey::new("name", KeyKind::MlDsa44, &[0; 1312]).is_ok());
    assert!(SigningKey::generate("name", KeyKind::MlDsa44).is_err());
    let (a, b) = (
        SigningKey::generate("name", KeyKind::Ed25519).unwrap(),
        SigningKey::generate("name", KeyKind::Ed25519).unwrap(),
    );
    assert_ne!(a.verifying_key(), b.verifying_key());
}

#[test]
fn checkpoints_are_written_one_way() {
    let root = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    for (text, reason) in [
        (format!("log\n7\n{root}\n"), None),
        (format!("log\n0\n{root}\n"), None),
        (format!("log\n{MAX_SIZE}\n{root}\nextension\n"), None),
        (format!("log with spaces + more\n7\n{root}\n"), None),
        (format!("log\n7\n{root}"), Some("its last line does not end")),
        ("log\n7\n".into(), Some("it has less than three lines")),
        (format!("log\n07\n{root}\n"), Some("its size is not a number")),
        (format!("log\n-7\n{root}\n"), Some("its size is not a number")),
        (format!("log\n7 \n{root}\n"), Some("its size is not a number")),
        ("log\n7\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n".into(), Some("its root is not a hash in base64")),
        ("log\n7\n47DEQpj8HBSa\n".into(), Some("its root is not a hash in base64")),
        (format!("\n7\n{root}\n"), Some("it has an empty line or a control character")),
        (format!("l\rog\n7\n{root}\n"), Some("it has an empty line or a control character")),
        (format!("log\n7\n{root}\n\n"), Some("it has an empty line or a control character")),
        (format!("log\n7\n{root}\n\nextension\n"), Some("it has an empty line or a control character")),
        (format!("log\n7\n{root}\n{}", "x\n".repeat(17)), Some("it has too many lines")),
    ] {
        match (Checkpoint::parse(&text), reason) {
            (Ok(read), None) => assert_eq!(read.to_string(), text),
            (Err(error), Some(reason)) => assert_eq!(error.to_string(), format!("not a checkpoint: {reason}")),
            (other, _) => panic!("{text:?}: {other:?}"),
        }
    }
    let larger = format!("log\n{}\n{root}\n", MAX_SIZE + 1);
    assert!(matches!(Checkpoint::parse(&larger), Err(Error::TreeTooLarge(_))));
    assert!(Checkpoint::new("two\nlines", 0, EMPTY_ROOT).is_err());
}

#[test]
fn a_checkpoint_is_opened_with_the_key_of_its_log_only() {
    let checkpoint = Checkpoint::new(ORIGIN, 7, [7; 32]).unwrap();
    let log = log_key();
    let signed = checkpoint.sign(&log).unwrap().to_string();
    insta::assert_snapshot!(signed);
    assert_eq!(Checkpoint::open(signed.as_bytes(), log.verifying_key()).unwrap().0, checkpoint);
    for (bit, bytes) in each_bit_flipped(signed.as_bytes()) {
        assert!(Checkpoint::open(&bytes, log.verifying_key()).is_err(), "bit {bit}");
    }
    // A log signs as itself, and a key of another log cannot speak for it.
    let other = key("other.example", KeyKind::Ed25519, 2);
    assert!(matches!(checkpoint.sign(&other), Err(Error::Origin { .. })));
    let text = checkpoint.to_string();
    let foreign = Note::new(text.as_str(), vec![other.sign(&text).unwrap()]).unwrap().to_string();
    assert!(matches!(Checkpoint::open(foreign.as_bytes(), other.verifying_key()), Err(Error::Origin { .. })));
}

#[test]
fn a_cosignature_covers_its_time_and_no_bit_of_it_can_change() {
    let witness = key("witness.example", KeyKind::Cosignature, 3);
    let checkpoint = Checkpoint::new(ORIGIN, 7, [7; 32]).unwrap();
    let text = checkpoint.to_string();
    let line = cosign(&witness, &text, 1_679_315_147).unwrap();
    insta::assert_snapshot!(line);
    let note = Note::new(text.as_str(), vec![line]).unwrap();
    let known = [witness.verifying_key()];
    assert_eq!(note.verify(known).unwrap()[0].time_s, Some(1_679_315_147));
    for (bit, bytes) in each_bit_flipped(note.to_string().as_bytes()) {
        assert!(Note::parse(&bytes).and_then(|note| note.verify(known).map(|_| ())).is_err(), "bit {bit}");
    }
    for time_s in [0, 1 << 63, u64::MAX] {
        assert!(cosign(&witness, &text, time_s).is_err());
    }
    assert!(cosign(&witness, "no checkpoint\n", 1).is_err());
    // The two kinds of signatures do not stand in for each other.
    assert!(cosign(&log_key(), &text, 1).is_err());
    assert!(witness.sign(&text).is_err());
}

proptest! {
    #[test]
    fn notes_are_signed_and_verified_by_the_other_implementation_too(lines in prop::collection::vec("[^\u{0}-\u{1f}]{0,40}", 1..5)) {
        let text = format!("{}\n", lines.join("\n"));
        let ours = log_key();
        let theirs = signed_note::StandardSigner::new(&ours.to_secret_text()).unwrap();
        let verifier = signed_note::StandardVerifier::new(&ours.verifying_key().to_string()).unwrap();
        prop_assert_eq!(ours.verifying_key().id(), verifier.key_id().to_be_bytes());

        let note = Note::new(text.as_str(), vec![ours.sign(&text).unwrap()]).unwrap();
        let read = signed_note::Note::from_bytes(note.to_string().as_bytes()).unwrap();
        let known = signed_note::VerifierList::new(vec![Box::new(verifier)]);
        prop_assert_eq!(read.verify(&known).unwrap().0.len(), 1);
        prop_assert_eq!(read.text(), text.as_bytes());

        let mut other = signed_note::Note::new(text.as_bytes(), &[]).unwrap();
        other.add_sigs(&[&theirs as &dyn signed_note::Signer]).unwrap();
        let read = Note::parse(&other.to_bytes()).unwrap();
        prop_assert_eq!(read.verify([ours.verifying_key()]).unwrap().len(), 1);
        prop_assert_eq!(read.to_string().into_bytes(), other.to_bytes());
        prop_assert_eq!(theirs.key_id().to_be_bytes(), ours.verifying_key().id());
    }

    /// What we read, they read, and both see the same.
    #[test]
    fn no_bytes_are_read_as_two_notes(bytes in prop::collection::vec(prop::sample::select(&["\n", "\n\n", "\u{2014} ", "a", " ", "AAAAAAE=", "+", "\t", "é"][..]), 0..14)) {
        let text = bytes.concat();
        if let Ok(note) = Note::parse(text.as_bytes()) {
            prop_assert_eq!(note.to_string(), text.as_str());
            let theirs = signed_note::Note::from_bytes(text.as_bytes()).unwrap();
            prop_assert_eq!(theirs.text(), note.text().as_bytes());
        }
    }

    #[test]
    fn checkpoints_are_read_by_the_other_implementation_too(origin in "[^\u{0}-\u{1f}]{1,40}", size in 0..=MAX_SIZE, root: [u8; 32]) {
        let ours = Checkpoint::new(&origin, size, root).unwrap();
        let theirs = tlog_tiles::Checkpoint::from_bytes(ours.to_string().as_bytes()).unwrap();
        prop_assert_eq!((theirs.origin(), theirs.size(), theirs.hash().0), (origin.as_str(), size, root));
        prop_assert_eq!(theirs.to_bytes(), ours.to_string().into_bytes());
        prop_assert_eq!(Checkpoint::parse(&ours.to_string()).unwrap(), ours);
    }
}
