use allod_register::{Problem, Records, check as check_records, load_file};
use std::path::Path;

const COMPILED: &str = "crates/register/compiled/register.json";

/// Compiles the YAML records; fails on any problem in them.
pub fn compile(root: &Path) -> Result<(), String> {
    let (text, records) = compiled(root)?;
    std::fs::write(root.join(COMPILED), text).map_err(|error| format!("{COMPILED}: {error}"))?;
    println!("{}", summary(&records));
    Ok(())
}

pub fn check(root: &Path) -> Result<(), String> {
    let (text, records) = compiled(root)?;
    let there = std::fs::read_to_string(root.join(COMPILED)).unwrap_or_default();
    if there != text {
        return Err(format!("{COMPILED} is not what the YAML says: run `cargo xtask register`"));
    }
    println!("{}", summary(&records));
    Ok(())
}

fn summary(records: &Records) -> String {
    let claims = records.entities.iter().filter(|one| one.claim.is_some()).count()
        + records.services.iter().filter(|one| one.claim.is_some()).count()
        + records.software.iter().filter(|one| one.claim.is_some()).count();
    let all = records.entities.len() + records.services.len() + records.software.len();
    format!(
        "{} services, {} software, {} entities, {} region tables; {claims} of {all} records have a sourced claim",
        records.services.len(),
        records.software.len(),
        records.entities.len(),
        records.regions.len()
    )
}

fn compiled(root: &Path) -> Result<(String, Records), String> {
    let folder = root.join("crates/register/data");
    let mut paths: Vec<_> = std::fs::read_dir(&folder)
        .map_err(|error| format!("{}: {error}", folder.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    paths.sort();
    let (mut records, mut problems) = (Records::default(), Vec::new());
    for path in paths {
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        load_file(&name, &text, &mut records, &mut problems);
    }
    problems.extend(check_records(&records));
    problems.sort();
    if !problems.is_empty() {
        return Err(problems.iter().map(line).collect::<Vec<_>>().join("\n"));
    }
    // One record a line: a change of one record is a diff of one line.
    let mut text = String::from("{");
    section(&mut text, "entities", &records.entities, true)?;
    section(&mut text, "services", &records.services, false)?;
    section(&mut text, "software", &records.software, false)?;
    section(&mut text, "regions", &records.regions, false)?;
    text.push_str("\n}\n");
    Ok((text, records))
}

fn section<T: serde::Serialize>(text: &mut String, name: &str, records: &[T], first: bool) -> Result<(), String> {
    text.push_str(if first { "\n" } else { ",\n" });
    text.push_str(&format!("\"{name}\": ["));
    for (at, record) in records.iter().enumerate() {
        text.push_str(if at == 0 { "\n" } else { ",\n" });
        text.push_str(&serde_json::to_string(record).map_err(|error| error.to_string())?);
    }
    text.push_str("\n]");
    Ok(())
}

fn line(problem: &Problem) -> String {
    format!("crates/register/data/{}:{}: {} {}", problem.path, problem.line, problem.code, problem.message)
}
