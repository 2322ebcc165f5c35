#![allow(clippy::unwrap_used)]

use allod_journal::{Action, Authentication, Digest, Phase, Succeeded, Verdict, Where};
use allod_workspace::{Act, Concluded, Error, Finding, Principal, Record, Truth, Workspace};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;

fn made() -> (TempDir, Workspace) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("repo")).unwrap();
    let workspace = Workspace::init(&folder.path().join("repo"), "clinic.example/ledger").unwrap();
    let seen = folder.path().join("seen");
    (folder, workspace.seen_in(seen))
}

fn act(who: &str) -> Act {
    Act {
        who: Principal { name: who.into(), authenticated: Authentication::OsUser, on_behalf_of: None },
        action: Action::Check,
        object: Some("deploy/prod".into()),
        before: None,
        rules: Some(Digest::of(b"rules")),
        place: Where { gate: Some("repository".into()), provider: None, region: None },
        trace: None,
        by: "allod test".into(),
    }
}

fn refused() -> Concluded {
    Concluded {
        result: Succeeded::Refused,
        verdict: Some(Verdict::Deny),
        determining: vec!["patient-stays".into()],
        reason: Some("the backup is in Virginia".into()),
        findings: vec![Finding { rule: "patient-stays".into(), component: "tf:backup.tf#aws_s3_bucket.b".into() }],
        after: None,
    }
}

fn all(workspace: &Workspace) -> Vec<Record> {
    let records = workspace.records().unwrap();
    let mut found = Vec::new();
    records.opened(0..records.size(), |_, record| found.push(record.unwrap())).unwrap();
    found
}

#[test]
fn an_action_is_an_intent_and_a_result() {
    let (_folder, workspace) = made();
    let intended = workspace.intend(act("marie")).unwrap();
    assert_eq!((intended.index, workspace.records().unwrap().size()), (0, 1), "durable before anything is done");
    assert_eq!(workspace.conclude(intended, refused()).unwrap(), 1);
    let [intent, result] = all(&workspace).try_into().unwrap();
    assert_eq!((intent.entry.phase, result.entry.phase), (Phase::Intent, Phase::Result));
    assert_eq!(intent.entry.id, result.entry.id);
    assert_eq!(result.entry.outcome.as_ref().unwrap().intent, 0);
    assert_eq!((result.opened("who.principal"), result.opened("what.object")), (Some("marie"), Some("deploy/prod")));
    assert_eq!(result.findings(), refused().findings);
    assert_eq!(workspace.last_rules().unwrap(), Some(Digest::of(b"rules")));
    let records = workspace.records().unwrap();
    assert!(records.verify(None, Vec::new(), None).is_whole());
}

/// The proof holds by the public key alone.
#[test]
fn an_entry_is_proved_to_who_has_the_public_key() {
    let (_folder, workspace) = made();
    for _ in 0..3 {
        workspace.event(&act("marie"), refused()).unwrap();
    }
    let (entry, proof) = workspace.records().unwrap().prove(1).unwrap();
    let policy = format!("log {}\nquorum none\n", workspace.key().unwrap());
    let policy = allod_ledger::policy::Policy::parse(policy.as_bytes()).unwrap();
    let hash = allod_ledger::tree::leaf_hash(&entry);
    assert!(proof.verify(&hash, &policy).is_ok());
    let other = allod_ledger::tree::leaf_hash(b"another entry");
    assert!(proof.verify(&other, &policy).is_err());
}

#[test]
fn erasure_leaves_every_proof_valid() {
    let (folder, workspace) = made();
    workspace.event(&act("jean"), refused()).unwrap();
    workspace.event(&act("marie"), refused()).unwrap();
    assert!(matches!(workspace.erase("nobody", act("marie")), Err(Error::NoSubject(_))));
    let erased = workspace.erase("jean", act("marie")).unwrap();
    assert_eq!(erased.entries, 1);
    let truths: Vec<bool> = all(&workspace).iter().map(|one| one.truth == Truth::Erased).collect();
    assert_eq!(truths, [true, false, false, false]);
    assert!(workspace.records().unwrap().verify(None, Vec::new(), None).is_whole());
    // Nothing in the whole folder says any more that it was Jean.
    assert_eq!(holds(folder.path(), b"jean"), Vec::<String>::new());
    assert!(matches!(workspace.erase("jean", act("marie")), Err(Error::NoSubject(_))));
}

fn holds(folder: &Path, text: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holds(&path, text));
        } else if std::fs::read(&path).unwrap().windows(text.len()).any(|window| window == text) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn nobody_in_the_clear_outside_of_the_names() {
    let (folder, workspace) = made();
    workspace.event(&act("marie"), refused()).unwrap();
    let found = holds(folder.path(), b"marie");
    assert!(matches!(found.as_slice(), [one] if one.ends_with("subjects/names.json")), "{found:?}");
    assert_eq!(holds(folder.path(), b"Virginia"), Vec::<String>::new());
}

#[test]
fn what_is_secret_is_ours_alone() {
    let (_folder, workspace) = made();
    workspace.event(&act("marie"), refused()).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(workspace.root()), 0o700);
    let keys = workspace.root().join("keys");
    for name in ["log.key", "timekeeper.key"] {
        assert_eq!(mode(&keys.join(name)), 0o600);
    }
    std::fs::set_permissions(keys.join("log.key"), PermissionsExt::from_mode(0o640)).unwrap();
    assert!(matches!(workspace.intend(act("marie")), Err(Error::Exposed { .. })));
}

#[test]
fn a_workspace_is_found_within_its_repository() {
    let (folder, workspace) = made();
    let deep = folder.path().join("repo/deploy/prod");
    std::fs::create_dir_all(&deep).unwrap();
    let found = Workspace::find(&deep).unwrap().unwrap();
    assert_eq!(found.origin(), workspace.origin());
    std::fs::create_dir(deep.join(".git")).unwrap();
    assert!(Workspace::find(&deep).unwrap().is_none(), "another repository");
    assert!(matches!(Workspace::init(&folder.path().join("repo"), "other.example/l"), Err(Error::Exists { .. })));
    // One that is broken is not passed by.
    std::fs::write(workspace.root().join("workspace.json"), "{}").unwrap();
    assert!(matches!(Workspace::find(&folder.path().join("repo")), Err(Error::Broken { .. })));
}

#[test]
fn a_restored_older_copy_is_noticed() {
    let (folder, workspace) = made();
    workspace.event(&act("marie"), refused()).unwrap();
    let (ledger, copy) = (workspace.root().join("ledger"), folder.path().join("copy"));
    copy_folder(&ledger, &copy);
    workspace.event(&act("marie"), refused()).unwrap();
    std::fs::remove_dir_all(&ledger).unwrap();
    copy_folder(&copy, &ledger);
    let error = workspace.event(&act("marie"), refused()).unwrap_err();
    assert_eq!(error.code(), "L012", "{error:?}");
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn many_write_at_once() {
    let (_folder, workspace) = made();
    std::thread::scope(|scope| {
        for who in ["marie", "jean", "marie", "agent-7"] {
            let workspace = &workspace;
            scope.spawn(move || {
                let intended = workspace.intend(act(who)).unwrap();
                workspace.conclude(intended, refused()).unwrap();
            });
        }
    });
    let records = all(&workspace);
    assert_eq!(records.len(), 8);
    assert!(records.iter().all(|record| matches!(record.truth, Truth::Open(_))));
    let mut subjects: Vec<String> = records.iter().map(|one| one.entry.who.subject.to_string()).collect();
    subjects.sort_unstable();
    subjects.dedup();
    assert_eq!(subjects.len(), 3, "one key a person");
}

#[test]
fn openings_that_were_changed_are_not_believed() {
    let (_folder, workspace) = made();
    workspace.event(&act("marie"), refused()).unwrap();
    workspace.event(&act("marie"), refused()).unwrap();
    let mut files = Vec::new();
    for folder in std::fs::read_dir(workspace.root().join("openings")).unwrap() {
        files.extend(std::fs::read_dir(folder.unwrap().path()).unwrap().map(|file| file.unwrap().path()));
    }
    let [one, other] = files.as_slice() else { panic!("{files:?}") };
    std::fs::copy(one, other).unwrap();
    let mut truths: Vec<bool> = all(&workspace).iter().map(|one| one.truth == Truth::Wrong).collect();
    truths.sort_unstable();
    assert_eq!(truths, [false, true]);
}

#[test]
fn erasure_goes_past_what_is_broken() {
    let (_folder, workspace) = made();
    workspace.event(&act("jean"), refused()).unwrap();
    workspace.event(&act("jean"), refused()).unwrap();
    let openings = workspace.root().join("openings");
    let folders: Vec<_> = std::fs::read_dir(&openings).unwrap().map(|folder| folder.unwrap().path()).collect();
    // Left behind by a process that was killed, and damaged by somebody.
    std::fs::write(folders[0].join("half.17.new"), "{").unwrap();
    let broken = folders[0].join("broken.json");
    std::fs::write(&broken, "{").unwrap();
    std::fs::set_permissions(&broken, PermissionsExt::from_mode(0o600)).unwrap();
    assert!(matches!(workspace.erase("jean", act("marie")), Err(Error::Broken { .. })));
    let truths: Vec<bool> = all(&workspace).iter().map(|one| one.truth == Truth::Erased).collect();
    assert_eq!(truths, [true, true, false, false]);
    let left: usize = folders.iter().map(|folder| std::fs::read_dir(folder).unwrap().count()).sum();
    assert!(left >= 2, "what is broken stays, for somebody to look at");
}
