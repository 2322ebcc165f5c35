use crate::{ORIGIN, key, log_key};
use allod_ledger::Error;
use allod_ledger::checkpoint::Checkpoint;
use allod_ledger::cosignature::cosign;
use allod_ledger::note::{KeyKind, Note, SigningKey, VerifyingKey};
use allod_ledger::policy::Policy;

fn witness(number: u8) -> SigningKey {
    key(&format!("w{number}.example"), KeyKind::Cosignature, 10 + number)
}

/// The policy text with `{LOG}`, `{W1}` to `{W6}` put in.
fn policy(text: &str) -> Result<Policy, Error> {
    let mut text = text.replace("{LOG}", &log_key().verifying_key().to_string());
    for number in 1..=6 {
        text = text.replace(&format!("{{W{number}}}"), &witness(number).verifying_key().to_string());
    }
    Policy::parse(text.as_bytes())
}

/// The two levels of the specification's example.
const GROUPS: &str = "log {LOG} https://log.example/\n\n# two organisations\nwitness X1 {W1}\n\twitness  X2\t{W2} \nwitness X3 {W3} https://x3.example/\n\
    group X-witnesses 2 X1 X2 X3\nwitness Y1 {W4}\nwitness Y2 {W5}\nwitness Y3 {W6}\ngroup Y-witnesses any Y1 Y2 Y3\n\
    group X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n";

fn cosigned(by: &[u8]) -> Note {
    let checkpoint = Checkpoint::new(ORIGIN, 7, [7; 32]).unwrap();
    let mut note = checkpoint.sign(&log_key()).unwrap();
    for number in by {
        note.add(cosign(&witness(*number), &checkpoint.to_string(), 1_000 + u64::from(*number)).unwrap()).unwrap();
    }
    note
}

#[test]
fn a_quorum_is_what_the_groups_say() {
    for (text, by, holds) in [
        (GROUPS, &[1, 2, 4][..], true),
        (GROUPS, &[3, 1, 6], true),
        (GROUPS, &[1, 2, 3, 4, 5, 6], true),
        (GROUPS, &[1, 2, 3], false),
        (GROUPS, &[1, 4, 5, 6], false),
        (GROUPS, &[1, 1, 4], false),
        (GROUPS, &[], false),
        ("log {LOG}\nquorum none\n", &[], true),
        ("log {LOG}\nwitness a {W1}\nquorum none\n", &[1], true),
        ("log {LOG}\nwitness a {W1}\nquorum a\n", &[1], true),
        ("log {LOG}\nwitness a {W1}\nquorum a\n", &[2], false),
        ("witness a {W1}\nquorum a\nlog {LOG}\n", &[1], true),
    ] {
        let policy = policy(text).unwrap();
        let note = cosigned(by);
        let accepted = policy.verify(&note);
        assert_eq!(accepted.is_ok(), holds, "{text} {by:?}");
        match accepted {
            Ok(accepted) => {
                assert_eq!(accepted.log.key, *log_key().verifying_key());
                assert_eq!(accepted.witnesses.len(), by.len().min(policy.witnesses().count()));
                assert!(
                    accepted
                        .witnesses
                        .iter()
                        .all(|(witness, time_s)| witness.key.name().contains(&(time_s - 1_000).to_string()))
                );
            }
            Err(error) => assert!(matches!(error, Error::NoQuorum { .. }), "{error}"),
        }
    }
    assert!(policy(GROUPS).unwrap().is_witnessed() && !policy("quorum none\n").unwrap().is_witnessed());
}

#[test]
fn a_log_speaks_for_itself_only() {
    let other = key("other.example", KeyKind::Ed25519, 9);
    let text = Checkpoint::new(ORIGIN, 7, [7; 32]).unwrap().to_string();
    let foreign = Note::new(text.as_str(), vec![other.sign(&text).unwrap()]).unwrap();
    let both = policy(&format!("log {{LOG}}\nlog {}\nquorum none\n", other.verifying_key())).unwrap();
    assert!(matches!(both.verify(&foreign), Err(Error::NoLog { .. })));
    assert!(both.verify(&cosigned(&[])).is_ok());
    // Witnesses alone, no log at all, and a log that is not listed.
    assert!(matches!(policy("witness a {W1}\nquorum a\n").unwrap().verify(&cosigned(&[1])), Err(Error::NoLog { .. })));
    assert!(matches!(policy("quorum none\n").unwrap().verify(&cosigned(&[1])), Err(Error::Unsigned)));
}

#[test]
fn a_bad_cosignature_condemns_and_an_unverifiable_one_never_counts() {
    let bad = allod_ledger::note::Signature::new("w2.example", witness(2).verifying_key().id(), vec![7; 72]).unwrap();
    let mut note = cosigned(&[1]);
    note.add(bad).unwrap();
    let any = policy("log {LOG}\nwitness a {W1}\nwitness b {W2}\ngroup g any a b\nquorum g\n").unwrap();
    assert!(matches!(any.verify(&note), Err(Error::BadSignature { .. })));
    assert!(policy("log {LOG}\nwitness a {W1}\nquorum a\n").unwrap().verify(&note).is_ok());

    let quantum = VerifyingKey::new("q.example", KeyKind::MlDsa44, &[7; 1312]).unwrap();
    let mut note = cosigned(&[]);
    note.add(allod_ledger::note::Signature::new("q.example", quantum.id(), vec![7; 2428]).unwrap()).unwrap();
    let asked = policy(&format!("log {{LOG}}\nwitness q {quantum}\nquorum q\n")).unwrap();
    assert!(matches!(asked.verify(&note), Err(Error::NoQuorum { .. })));
}

#[test]
fn what_is_no_policy_is_refused_with_its_line() {
    let plain = key("w.example", KeyKind::Ed25519, 3).verifying_key().to_string();
    let plain = format!("witness a {plain}\nquorum none\n");
    let renamed = key("renamed.example", KeyKind::Cosignature, 11).verifying_key().to_string();
    let renamed = format!("witness a {{W1}}\nwitness b {renamed}\nquorum a\n");
    let many = format!("quorum none\n{}", "group g any g\n".repeat(3));
    for (text, line, reason) in [
        ("", 1, "there is no quorum"),
        ("log {LOG}\n", 2, "there is no quorum"),
        ("quorum none", 1, "it does not end with a newline"),
        ("quorum none\nquorum none\n", 2, "there is a quorum already"),
        ("quorum a\nwitness a {W1}\n", 1, "the quorum is not defined before"),
        ("quorum\n", 1, "it has too few or too many words"),
        ("quorum none # comment\n", 1, "it has too few or too many words"),
        ("log\n", 1, "it has too few or too many words"),
        ("log {LOG} url more\n", 1, "it has too few or too many words"),
        ("Quorum none\n", 1, "it is no log, witness, group or quorum"),
        ("quorum none\r\n", 1, "it has a control character"),
        ("quorum none\x7f\n", 1, "it has a control character"),
        ("quorum\u{a0}none\n", 1, "it is no log, witness, group or quorum"),
        ("log nonsense\nquorum none\n", 1, "it is not `name+id+key`"),
        ("log {LOG}\nlog {LOG}\nquorum none\n", 2, "another log has the same key"),
        (&renamed, 2, "another witness has the same key"),
        (&plain, 1, "the key of a witness makes cosignatures, and this one is of another kind"),
        ("witness none {W1}\nquorum none\n", 1, "`none` is no name of a witness or group"),
        ("witness a {W1}\nwitness a {W2}\nquorum a\n", 2, "the name is taken already"),
        ("witness a {W1}\ngroup a any a\nquorum a\n", 2, "the name is taken already"),
        ("witness a {W1}\ngroup g 0 a\nquorum g\n", 2, "the threshold is zero or more than there are members"),
        ("witness a {W1}\ngroup g 2 a\nquorum g\n", 2, "the threshold is zero or more than there are members"),
        ("witness a {W1}\ngroup g any\nquorum g\n", 2, "the threshold is zero or more than there are members"),
        ("witness a {W1}\ngroup g all\nquorum g\n", 2, "the threshold is zero or more than there are members"),
        ("witness a {W1}\ngroup g 01 a\nquorum g\n", 2, "the threshold is not `any`, `all` or a number"),
        ("witness a {W1}\ngroup g 1 a a\nquorum g\n", 2, "a member is listed twice"),
        ("witness a {W1}\ngroup g 1 a\ngroup h 1 a\nquorum h\n", 3, "a member is listed twice"),
        ("group g any none\nquorum g\n", 1, "a member is not defined before"),
        (&many, 2, "a member is not defined before"),
    ] {
        match policy(text) {
            Err(error) => {
                assert_eq!(error.to_string(), format!("the policy cannot be used: line {line}: {reason}"), "{text}")
            }
            Ok(_) => panic!("{text}"),
        }
    }
    // Names are bytes.
    let text = [b"witness K\xff ", witness(1).verifying_key().to_string().as_bytes(), b"\nquorum K\xff\n"].concat();
    assert_eq!(Policy::parse(&text).unwrap().witnesses().next().unwrap().name, b"K\xff");
    assert!(Policy::parse(&text.repeat(1)[..text.len() - 2]).is_err());
    assert!(Policy::parse("quorum none\n".repeat(200_000).as_bytes()).is_err());
}
