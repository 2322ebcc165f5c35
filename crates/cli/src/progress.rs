use crate::args::Global;
use allod_engine::Stage;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Nothing is shown for work that is shorter than this.
const SHOWN_AFTER_MS: u64 = 500;

/// A line on a terminal's stderr that says what is going on; silent when quiet or no terminal.
pub struct Progress {
    bar: Option<ProgressBar>,
    started: Instant,
}

impl Progress {
    pub fn new(global: &Global) -> Progress {
        let wanted = !global.quiet && std::io::stderr().is_terminal();
        let bar = wanted.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_style(ProgressStyle::default_spinner());
            bar
        });
        Progress { bar, started: Instant::now() }
    }

    pub fn tell(&self, stage: Stage) {
        let Some(bar) = &self.bar else { return };
        if self.started.elapsed() < Duration::from_millis(SHOWN_AFTER_MS) && !matches!(stage, Stage::Reading { .. }) {
            return;
        }
        let text = match stage {
            Stage::Walking { files } => format!("walking: {files} files"),
            Stage::Loading { files } => format!("looking at {files} files"),
            Stage::Reading { files } => format!("reading {files} files"),
            Stage::Resolving { done, names } => format!("looking up names: {done} of {names}"),
            Stage::Building => "building the stack".to_owned(),
        };
        bar.set_message(text);
        if self.started.elapsed() >= Duration::from_millis(SHOWN_AFTER_MS) {
            bar.tick();
        } else {
            bar.enable_steady_tick(Duration::from_millis(SHOWN_AFTER_MS));
        }
    }

    pub fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
