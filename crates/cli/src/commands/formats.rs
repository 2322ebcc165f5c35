use crate::exit::{Exit, Failure};
use crate::output::write;

pub fn run() -> Result<Exit, Failure> {
    write(None, |out| {
        allod_engine::readers().iter().try_for_each(|reader| writeln!(out, "{:<18} {}", reader.id, reader.about))
    })?;
    Ok(Exit::Clean)
}
