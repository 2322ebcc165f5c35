//! `allod audit --watch`, as a user sees it.

use super::{allod, code, text, tree};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// The longest that one line is waited for; it comes within a second.
const DEADLINE: Duration = Duration::from_secs(60);

/// Ends the process with the test.
struct Watching {
    child: Child,
    lines: Receiver<String>,
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Watching {
    /// Waits for a line with some words, and gives it.
    fn line(&self, words: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("no line with `{words}`"));
            if line.contains(words) {
                return line;
            }
        }
    }
}

#[test]
fn a_change_is_shown_in_counts_and_findings() {
    let folder = tree(&[("main.tf", "resource \"hcloud_server\" \"a\" {}\n")]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_allod"))
        .args(["audit", ".", "--watch", "--quiet"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (send, lines) = channel();
    let out = BufReader::new(child.stdout.take().unwrap());
    std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
    let watching = Watching { child, lines };
    watching.line("Who can read, stop or change");

    let bucket = "resource \"aws_s3_bucket\" \"b\" {}\n";
    std::fs::write(folder.path().join("more.tf"), bucket).unwrap();
    let counts = watching.line("1 file changed: ");
    assert!(counts.contains("controlled from abroad (+"), "{counts}");
    let gained = watching.line("more.tf:1");
    assert!(gained.starts_with("  + F"), "{gained}");

    std::fs::remove_file(folder.path().join("more.tf")).unwrap();
    let counts = watching.line("1 file changed: ");
    assert!(counts.contains("controlled from abroad (-"), "{counts}");
    assert!(watching.line("more.tf:1").starts_with("  - F"));
}

#[test]
fn options_that_contradict_it_are_errors() {
    let folder = tree(&[("main.tf", "")]);
    let cases = [
        (&["--format", "json"][..], "in no other format"),
        (&["--output", "x"], "cannot be used with"),
        (&["--chokepoints"], "cannot be used with"),
        (&["--resolve"], "cannot be used with"),
        (&["--explain", "x"], "cannot be used with"),
    ];
    for (more, expect) in cases {
        let output = allod(&[&["audit", ".", "--watch"], more].concat(), folder.path());
        assert_eq!(code(&output), 2, "{more:?}");
        assert!(text(&output.stderr).contains(expect), "{more:?}: {}", text(&output.stderr));
    }
    let nothing = tree(&[]);
    let output = allod(&["audit", ".", "--watch"], nothing.path());
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains("error[E001]"), "{}", text(&output.stderr));
}
