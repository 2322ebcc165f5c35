use super::*;

/// The clinic, outside of this repository, with a workspace.
fn workspace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(&root().join("examples/clinic"), &folder.path().join("clinic"));
    let output = at(&["init", "--origin", "logs.clinic.example/allod"], &folder);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    folder
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// In the clinic, with a home of its own: what the machine has seen of ledgers is kept there.
fn at(args: &[&str], folder: &tempfile::TempDir) -> Output {
    Command::new(env!("CARGO_BIN_EXE_allod"))
        .args(args)
        .current_dir(folder.path().join("clinic"))
        .env("COLUMNS", "80")
        .env("XDG_STATE_HOME", folder.path().join("state"))
        .output()
        .unwrap()
}

fn log(folder: &tempfile::TempDir, args: &[&str]) -> Vec<Value> {
    let output = at(&[&["log", "--format", "json"], args].concat(), folder);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn actions(records: &[Value]) -> Vec<String> {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    records
        .iter()
        .map(|one| format!("{} {}", word(&one["entry"]["what"]["action"]), word(&one["entry"]["phase"])))
        .collect()
}

#[test]
fn a_check_is_written_down_before_and_after() {
    let folder = workspace();
    let checked = at(&["check"], &folder);
    assert_eq!(code(&checked), 1);
    assert!(text(&checked.stderr).contains("logged: entries 1 and 2 of logs.clinic.example/allod (unwitnessed)"));
    let records = log(&folder, &[]);
    assert_eq!(actions(&records), ["init event", "check intent", "check result"]);
    let result = &records[2]["entry"];
    assert_eq!((&result["outcome"]["intent"], &result["outcome"]["result"]), (&1.into(), &"refused".into()));
    assert_eq!(result["why"]["verdict"], "deny");
    assert_eq!(result["why"]["rules"], records[1]["entry"]["why"]["rules"]);
    // The report that was given is the one that was logged.
    let report = at(&["check", "--format", "json", "--quiet"], &folder);
    let last = log(&folder, &["-n", "1"]);
    assert_eq!(last[0]["entry"]["what"]["after"], digest(&report.stdout, &folder));
}

/// By another program.
fn digest(bytes: &[u8], folder: &tempfile::TempDir) -> Value {
    let file = folder.path().join("bytes");
    std::fs::write(&file, bytes).unwrap();
    let output = Command::new("sha256sum").arg(&file).output().unwrap();
    format!("sha256:{}", text(&output.stdout).split(' ').next().unwrap()).into()
}

#[test]
fn rules_that_changed_exceptions_and_drills_are_entries() {
    let folder = workspace();
    at(&["check"], &folder);
    let more = "version: 1\nexceptions:\n  - { rule: aws-runs-the-website-only, component: \"*aws_s3_bucket*\", until: 2099-03-31, by: ciso@clinic.example, why: migration }\n";
    std::fs::write(folder.path().join("clinic/rules/exceptions.yaml"), more).unwrap();
    at(&["check"], &folder);
    at(&["drill", "--cut", "US"], &folder);
    let records = log(&folder, &[]);
    assert_eq!(
        actions(&records)[3..],
        ["rules-change event", "check intent", "check result", "exception event", "drill intent", "drill result"]
    );
    assert_eq!(records[3]["entry"]["what"]["before"], records[2]["entry"]["why"]["rules"]);
    assert_eq!(records[3]["entry"]["what"]["after"], records[5]["entry"]["why"]["rules"]);
    let exception = &records[6];
    assert_eq!(exception["entry"]["why"]["determining"][0], "aws-runs-the-website-only");
    assert_eq!(exception["opened"]["why.reason"]["value"], "until 2099-03-31, by ciso@clinic.example: migration");
    assert_eq!(records[7]["opened"]["what.object"]["value"], "cut US over .");
}

#[test]
fn a_gate_that_cannot_write_says_no() {
    let folder = workspace();
    let key = folder.path().join("clinic/.allod/keys/log.key");
    let kept = std::fs::read(&key).unwrap();
    std::fs::write(&key, "no key").unwrap();
    let output = at(&["check"], &folder);
    assert_eq!((code(&output), output.stdout.len()), (2, 0));
    insta::assert_snapshot!(text(&output.stderr).replace(&*folder.path().to_string_lossy(), "FOLDER"));
    // A pure reader goes on, and says so.
    let audit = at(&["audit", "."], &folder);
    assert_eq!(code(&audit), 1);
    assert!(text(&audit.stderr).contains("warning[W004]: actions here cannot be logged"), "{}", text(&audit.stderr));
    std::fs::write(&key, kept).unwrap();
    assert_eq!(text(&at(&["audit", "."], &folder).stderr), "");
    assert_eq!(code(&at(&["check"], &folder)), 1);
}

#[test]
fn a_check_that_fails_is_an_entry() {
    let folder = workspace();
    std::fs::write(folder.path().join("clinic/rules/clinic.yaml"), "version: 1\nrules: 7\n").unwrap();
    assert_eq!(code(&at(&["check"], &folder)), 2);
    let records = log(&folder, &["--verdict", "deny"]);
    assert_eq!(actions(&records), ["check result"]);
    assert_eq!(records[0]["entry"]["outcome"]["result"], "failed");
}

#[test]
fn entries_are_found_again() {
    let folder = workspace();
    at(&["check"], &folder);
    at(&["drill", "--cut", "US"], &folder);
    let count = |args: &[&str]| log(&folder, args).len();
    assert_eq!(count(&[]), 5);
    assert_eq!(count(&["--action-is", "drill"]), 2);
    assert_eq!(count(&["--rule", "no-foreign-off-switch"]), 1);
    assert_eq!(count(&["--rule", "no-such-rule"]), 0);
    assert_eq!(count(&["--component", "aws_s3_bucket.backups"]), 1);
    assert_eq!(count(&["--component", "s3_bucket.backups"]), 0, "a component by its whole name");
    assert_eq!(count(&["--by", "nobody"]), 0);
    assert_eq!(count(&["--since", "2026-01-01", "--until", "2999-01-01T00:00"]), 5);
    assert_eq!(count(&["--until", "2026-01-01"]), 0);
    assert_eq!(code(&at(&["log", "--since", "yesterday"], &folder)), 2);
    assert_eq!(code(&at(&["log", "--action-is", "chekc"], &folder)), 2);
    let stats = at(&["log", "stats", "--format", "json"], &folder);
    let stats: Value = serde_json::from_slice(&stats.stdout).unwrap();
    assert_eq!(
        (&stats["actions"]["check"], &stats["verdicts"]["deny"], &stats["unproved"]),
        (&1.into(), &1.into(), &0.into())
    );
    assert_eq!(stats["unfinished"], Value::Array(Vec::new()));
}

#[test]
fn what_was_changed_is_found() {
    let folder = workspace();
    at(&["check"], &folder);
    let verify = at(&["ledger", "verify"], &folder);
    assert_eq!(code(&verify), 0, "{}", text(&verify.stdout));
    let served = folder.path().join("clinic/.allod/ledger/public");
    let earlier = folder.path().join("earlier");
    std::fs::copy(served.join("checkpoint"), &earlier).unwrap();
    at(&["check"], &folder);
    let earlier = earlier.to_string_lossy().into_owned();
    assert_eq!(code(&at(&["ledger", "verify", "--earlier", &earlier, "--range", "1..3"], &folder)), 0);
    assert_eq!(code(&at(&["ledger", "verify", "--range", "3..1"], &folder)), 2);
    let bundle = served.join("tile/entries/000.p/5");
    let mut bytes = std::fs::read(&bundle).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&bundle, bytes).unwrap();
    let verify = at(&["ledger", "verify"], &folder);
    assert_eq!(code(&verify), 1);
    assert!(text(&verify.stdout).contains("tile/entries/000.p/5"), "{}", text(&verify.stdout));
}

#[test]
fn a_person_is_erased_only_when_it_is_meant() {
    let folder = workspace();
    at(&["check"], &folder);
    let name = log(&folder, &["-n", "1"])[0]["opened"]["who.principal"]["value"].as_str().unwrap().to_owned();
    assert_eq!(code(&at(&["ledger", "erase", &name], &folder)), 2);
    assert_eq!(log(&folder, &["--by", &name]).len(), 3);
    let erased = at(&["ledger", "erase", &name, "--yes"], &folder);
    assert_eq!(code(&erased), 0, "{}", text(&erased.stderr));
    // The erasure itself is by the same account, which is somebody new from then on.
    assert_eq!(actions(&log(&folder, &["--by", &name])), ["erase result"]);
    assert_eq!(code(&at(&["ledger", "verify"], &folder)), 0);
}

#[test]
fn without_a_workspace_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    copy(&root().join("examples/clinic"), &folder.path().join("clinic"));
    let output = at(&["check"], &folder);
    assert_eq!((code(&output), text(&output.stderr)), (1, String::new()));
    let output = at(&["log"], &folder);
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains("error[W002]"), "{}", text(&output.stderr));
    assert!(!folder.path().join("clinic/.allod").exists());
}

#[test]
fn the_log_reads_at_80_columns() {
    let folder = workspace();
    at(&["check"], &folder);
    let shown = text(&at(&["log"], &folder).stdout);
    // Time and account differ from run to run.
    let account = log(&folder, &["-n", "1"])[0]["opened"]["who.principal"]["value"].as_str().unwrap().to_owned();
    let lines = shown.lines().map(|line| {
        let fixed =
            line.replace(&*folder.path().to_string_lossy(), "FOLDER").replace(&format!("  {account}  "), "  marie  ");
        match fixed.split_once("  20") {
            Some((head, rest)) => format!("{head}  2026-11-24 17:30:00{}", rest.get(17..).unwrap_or_default()),
            None => fixed,
        }
    });
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
}

/// A bundle beside the clinic, with the key of its ledger.
fn bundle(folder: &tempfile::TempDir, args: &[&str]) -> (PathBuf, String) {
    let path = folder.path().join("bundle");
    let output = at(&[&["ledger", "bundle", &*path.to_string_lossy()], args].concat(), folder);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let policy = std::fs::read_to_string(path.join("policy")).unwrap();
    let key = policy.lines().next().unwrap().strip_prefix("log ").unwrap().to_owned();
    (path, key)
}

fn verified(folder: &tempfile::TempDir, bundle: &Path, args: &[&str]) -> (i32, String) {
    let output = at(&[&["verify", &*bundle.to_string_lossy()], args].concat(), folder);
    (code(&output), text(&output.stdout) + &text(&output.stderr))
}

#[test]
fn a_bundle_proves_what_it_says_to_who_has_the_key() {
    let folder = workspace();
    at(&["check"], &folder);
    let checkpoint = folder.path().join("earlier");
    std::fs::copy(folder.path().join("clinic/.allod/ledger/public/checkpoint"), &checkpoint).unwrap();
    let earlier = checkpoint.to_string_lossy().into_owned();
    at(&["check"], &folder);
    let (bundle, key) = bundle(&folder, &["--entries", "1..3,4", "--earlier", &earlier, "--show", "what.object"]);
    let (exit, said) = verified(&folder, &bundle, &["--key", &key, "--earlier", &earlier]);
    assert_eq!(exit, 0, "{said}");
    insta::assert_snapshot!(said);
    let (exit, said) = verified(&folder, &bundle, &[]);
    assert!(exit == 0 && said.contains("the key is the bundle's own"), "{said}");
    let openings: Value =
        serde_json::from_slice(&std::fs::read(bundle.join("entries/2.openings.json")).unwrap()).unwrap();
    assert_eq!(openings.as_object().unwrap().keys().collect::<Vec<_>>(), ["what.object"]);
    // Another ledger of the same name.
    let other = workspace();
    let policy = text(&at(&["ledger", "key"], &other).stdout);
    let other = policy.lines().next().unwrap().strip_prefix("log ").unwrap();
    let (exit, said) = verified(&folder, &bundle, &["--key", other]);
    assert!(exit == 1 && said.contains("NOT PROVED"), "{said}");
    // It is not written over.
    assert_eq!(code(&at(&["ledger", "bundle", &bundle.to_string_lossy()], &folder)), 2);
}

#[test]
fn a_bundle_that_was_changed_proves_nothing() {
    let folder = workspace();
    at(&["check"], &folder);
    let (bundle, key) = bundle(&folder, &[]);
    assert_eq!(verified(&folder, &bundle, &["--key", &key]).0, 0);
    let tampered = |file: &str, change: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        let path = bundle.join(file);
        let kept = std::fs::read(&path).unwrap();
        std::fs::write(&path, change(kept.clone())).unwrap();
        let (exit, said) = verified(&folder, &bundle, &["--key", &key]);
        std::fs::write(&path, kept).unwrap();
        assert!(exit == 1 && said.contains("NOT PROVED"), "{file}: {said}");
    };
    let flip = |at: usize| {
        move |mut bytes: Vec<u8>| {
            bytes[at] ^= 1;
            bytes
        }
    };
    let replace =
        |from: &'static str, to: &'static str| move |bytes: Vec<u8>| text(&bytes).replacen(from, to, 1).into_bytes();
    tampered("entries/2.json", &replace("refused", "allowed"));
    tampered("entries/2.json", &flip(20));
    tampered("entries/2.tlog-proof", &replace("index 2", "index 1"));
    tampered("entries/2.openings.json", &replace("aws-runs-the-website-only", "nothing"));
    tampered("checkpoint", &replace("\n3\n", "\n4\n"));
    tampered("checkpoint", &|_| Vec::new());
    let pipe = bundle.join("entries/7.json");
    std::os::unix::fs::symlink("/dev/zero", &pipe).unwrap();
    assert_eq!(verified(&folder, &bundle, &["--key", &key]).0, 1, "what is no plain file");
    std::fs::remove_file(pipe).unwrap();
    let stray = bundle.join("entries/9.openings.json");
    std::fs::write(&stray, "{}").unwrap();
    assert_eq!(verified(&folder, &bundle, &["--key", &key]).0, 1, "a file that is about no entry");
    std::fs::remove_file(stray).unwrap();
    std::fs::remove_file(bundle.join("entries/1.tlog-proof")).unwrap();
    assert_eq!(verified(&folder, &bundle, &["--key", &key]).0, 1);
    assert_eq!(verified(&folder, &folder.path().join("nowhere"), &[]).0, 2);
}

/// The steps of the README, by the shell, openssl and Python.
#[test]
fn a_bundle_is_verified_with_other_peoples_tools() {
    let folder = workspace();
    at(&["check"], &folder);
    at(&["drill", "--cut", "US"], &folder);
    at(&["check"], &folder);
    let (bundle, _) = bundle(&folder, &[]);
    let readme = std::fs::read_to_string(bundle.join("README.md")).unwrap();
    let block = |kind: &str| {
        let (_, rest) = readme.split_once(&format!("```{kind}\n")).unwrap();
        rest.split_once("```").unwrap().0.to_owned()
    };
    let run = |program: &str, flag: &str, script: &str| {
        let output = Command::new(program).args([flag, script]).current_dir(&bundle).output().unwrap();
        (output.status.success(), text(&output.stdout) + &text(&output.stderr))
    };
    let (signature, tree) = (format!("set -e\n{}", block("sh")), block("python"));
    let (holds, said) = run("sh", "-c", &signature);
    assert!(holds && said.contains("Signature Verified Successfully"), "{said}");
    let (holds, said) = run("python3", "-c", &tree);
    assert_eq!((holds, said.lines().count()), (true, 7), "{said}");
    let openings: Value =
        serde_json::from_slice(&std::fs::read(bundle.join("entries/2.openings.json")).unwrap()).unwrap();
    let one = &openings["who.principal"];
    let (salt, value) = (one["salt"].as_str().unwrap(), one["value"].as_str().unwrap());
    let (_, digest) = run("sh", "-c", &format!("printf '%s\\n%s' '{salt}' '{value}' | sha256sum"));
    let entry = std::fs::read_to_string(bundle.join("entries/2.json")).unwrap();
    assert!(entry.contains(&format!("\"principal\":\"sha256:{}\"", digest.split(' ').next().unwrap())));
    // And they refuse what was changed.
    std::fs::write(bundle.join("entries/2.json"), entry.replacen("refused", "allowed", 1)).unwrap();
    assert!(!run("python3", "-c", &tree).0);
    let checkpoint = std::fs::read_to_string(bundle.join("checkpoint")).unwrap();
    std::fs::write(bundle.join("checkpoint"), checkpoint.replacen("\n7\n", "\n8\n", 1)).unwrap();
    assert!(!run("sh", "-c", &signature).0);
}

#[test]
fn what_a_watch_sees_is_written_down() {
    let folder = workspace();
    let output = at(&["watch", ".", "--once"], &folder);
    assert_eq!(code(&output), 1, "{}", text(&output.stderr));
    let records = log(&folder, &["--action-is", "watch"]);
    let told = |one: &Value| one["opened"]["why.reason"]["value"].as_str().unwrap().to_owned();
    assert!(records.iter().any(|one| told(one).contains("patient-stays-in-luxembourg")), "{records:#?}");
    assert!(records.iter().all(|one| one["entry"]["where"]["gate"] == "running"));
}

#[test]
fn entries_are_told_to_other_systems() {
    let folder = workspace();
    at(&["check"], &folder);
    let as_format = |format: &str| {
        let output = at(&["log", "--format", format, "-n", "1"], &folder);
        assert_eq!(code(&output), 0, "{}", text(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let event = as_format("ocsf");
    assert_eq!((&event["class_uid"], &event["metadata"]["version"]), (&6003.into(), &"1.8.0".into()));
    assert_ne!(event["actor"]["user"]["name"], Value::Null);
    assert!(as_format("otel").is_object());
}

#[test]
fn the_entry_says_what_the_gate_said() {
    let folder = workspace();
    let baseline = folder.path().join("old.json").to_string_lossy().into_owned();
    assert_eq!(code(&at(&["check", "--write-baseline", &baseline, "--exit-zero"], &folder)), 0);
    assert_eq!(code(&at(&["check", "--baseline", &baseline], &folder)), 0);
    let said = |one: &Value| (one["entry"]["why"]["verdict"].clone(), one["entry"]["outcome"]["result"].clone());
    let records = log(&folder, &[]);
    let results: Vec<_> = records.iter().filter(|one| one["entry"]["phase"] == "result").map(said).collect();
    assert_eq!(results, [("deny".into(), "done".into()), ("allow".into(), "done".into())]);
}
