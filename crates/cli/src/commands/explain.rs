use crate::args::Explain;
use crate::exit::{Exit, Failure};
use crate::output::write;
use allod_facts::{CODES, code};

mod pages;

pub fn run(args: &Explain) -> Result<Exit, Failure> {
    match &args.code {
        None => write(None, |out| {
            CODES.iter().try_for_each(|code| writeln!(out, "{}  {:<32} {}", code.id, code.name, code.summary))
        })?,
        Some(asked) => {
            let page = code(asked).and_then(|code| pages::page(code.id));
            let page = page.ok_or_else(|| {
                Failure::new("E002", format!("`{asked}` is no code")).hint("`allod explain` lists all codes")
            })?;
            write(None, |out| out.write_all(page.as_bytes()))?;
        }
    }
    Ok(Exit::Clean)
}
