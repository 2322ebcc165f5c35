use super::failure;
use crate::args::Global;
use crate::exit::{Exit, Failure};
use crate::output::{look, write};
use crate::progress::Progress;
use allod_engine::{Options, Session};
use allod_evidence::{Glance, Show, glance_human, human};
use std::io::Write;
use std::time::Duration;

/// How often the files are looked at: soon enough for a person who saves one, and little work for a large tree.
const POLL_EVERY_MS: u64 = 700;

/// Shows the audit, and then what each change of the files changes in it. Ends with the process.
pub fn watch(options: &Options, show: Show, global: &Global) -> Result<Exit, Failure> {
    let look = look(global, false);
    let mut before: Option<Glance> = None;
    loop {
        // Another overlay is another register: everything is looked at anew with it.
        let overlay = allod_engine::overlay(options).map_err(|error| failure(&error))?;
        let register = match allod_engine::register(options) {
            Ok(register) => register,
            Err(error) if before.is_none() => return Err(failure(&error)),
            Err(error) => {
                tell(&failure(&error));
                wait_until(|| allod_engine::overlay(options).is_ok_and(|now| now != overlay));
                continue;
            }
        };
        let mut session = Session::new(options.clone(), &register);
        let mut told = None;
        loop {
            let progress = Progress::new(global);
            let audit = session.audit_if_changed(&|stage| progress.tell(stage));
            progress.done();
            match audit {
                Ok(Some(audit)) => {
                    told = None;
                    let now = Glance::of(audit);
                    match &before {
                        None => {
                            write(None, |out| out.write_all(human(audit, show, look).as_bytes()))?;
                            if !global.quiet {
                                say("watching; Ctrl-C ends it");
                            }
                        }
                        Some(before) => {
                            let text = glance_human(before, &now, session.work.changed, look);
                            write(None, |out| out.write_all(text.as_bytes()))?;
                        }
                    }
                    before = Some(now);
                }
                Ok(None) => {}
                Err(error) if before.is_none() => return Err(failure(&error)),
                // A tree in the middle of a change can have nothing to read, and have it again later.
                Err(error) => {
                    let text = error.to_string();
                    if told.as_ref() != Some(&text) {
                        tell(&failure(&error));
                    }
                    told = Some(text);
                }
            }
            std::thread::sleep(Duration::from_millis(POLL_EVERY_MS));
            if allod_engine::overlay(options).is_ok_and(|now| now != overlay) {
                break;
            }
        }
    }
}

fn wait_until(done: impl Fn() -> bool) {
    while !done() {
        std::thread::sleep(Duration::from_millis(POLL_EVERY_MS));
    }
}

fn tell(failure: &Failure) {
    say(&format!("error[{}]: {}", failure.code, failure.message));
}

fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
