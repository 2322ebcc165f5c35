use crate::args::Global;
use crate::exit::Failure;
use allod_evidence::Look;
use std::io::{BufWriter, IsTerminal, Write};
use std::path::Path;

/// Columns when the output is no terminal and COLUMNS says nothing.
const DEFAULT_WIDTH: usize = 80;

/// How to show text on stdout: the terminal's width, colour only on a terminal that wants it.
pub fn look(global: &Global, to_file: bool) -> Look {
    let terminal = std::io::stdout().is_terminal() && !to_file;
    let no_colour = global.no_color
        || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let measured = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)).filter(|_| terminal);
    Look { width: columns.or(measured).unwrap_or(DEFAULT_WIDTH), colour: terminal && !no_colour }
}

/// Writes to a file, or to stdout. A reader of stdout that has gone away (`| head`) is no failure.
pub fn write(to: Option<&Path>, render: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        let place = to.map_or("standard output".to_owned(), |path| format!("`{}`", path.display()));
        let mut failure = Failure::new("E003", format!("could not write to {place}"));
        failure.causes.push(error.to_string());
        failure
    };
    match to {
        None => {
            let mut out = BufWriter::new(std::io::stdout().lock());
            match render(&mut out).and_then(|()| out.flush()) {
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
                done => done.map_err(failed),
            }
        }
        Some(path) => {
            let mut out = BufWriter::new(std::fs::File::create(path).map_err(failed)?);
            render(&mut out).and_then(|()| out.flush()).map_err(failed)
        }
    }
}
