use crate::args::{Global, Register as RegisterArgs, RegisterAsk};
use crate::commands::audit::{failure, layer};
use crate::exit::{Exit, Failure};
use crate::output::write;
use allod_engine::Options;
use allod_facts::{Clue, ClueKind, Ecosystem, Layer};
use allod_register::{Claim, Entity, Matchers, Records, Register, Service, Software, check, load_file};
use allod_stack::Home;
use std::fmt::Write as _;
use std::path::PathBuf;

pub fn run(args: &RegisterArgs, _global: &Global) -> Result<Exit, Failure> {
    if let RegisterAsk::Check { files } = &args.ask {
        return check_files(files);
    }
    let home = Home::new(&[]).map_err(|unknown| Failure::new("E002", unknown.0))?;
    let options = Options { paths: Vec::new(), home, register: args.register.clone(), resolve: None };
    let register = allod_engine::register(&options).map_err(|error| failure(&error))?;
    let text = match &args.ask {
        RegisterAsk::List { layer: only } => list(&register, only.as_deref().map(layer).transpose()?),
        RegisterAsk::Show { id } => show(&register, id)?,
        RegisterAsk::Find { text } => find(&register, text)?,
        RegisterAsk::Check { .. } => String::new(),
    };
    write(None, |out| out.write_all(text.as_bytes()))?;
    Ok(Exit::Clean)
}

/// One line of `register list`.
struct Row<'a> {
    layer: Layer,
    software: bool,
    id: &'a str,
    name: &'a str,
    entity: Option<&'a Entity>,
    users_own: bool,
}

fn list(register: &Register, only: Option<Layer>) -> String {
    let entity = |id: Option<&str>| id.and_then(|id| register.entity(id));
    let services = register.records.services.iter().map(|one| Row {
        layer: one.layer,
        software: false,
        id: &one.id,
        name: &one.name,
        entity: entity(one.operator.as_deref()),
        users_own: one.origin.users_own,
    });
    let software = register.records.software.iter().map(|one| Row {
        layer: one.layer,
        software: true,
        id: &one.id,
        name: &one.name,
        entity: entity(one.publisher.as_deref()),
        users_own: one.origin.users_own,
    });
    let mut rows: Vec<Row<'_>> =
        services.chain(software).filter(|row| only.is_none_or(|layer| layer == row.layer)).collect();
    rows.sort_by_key(|row| (row.layer, row.software, row.id));
    let mut out = String::new();
    for row in rows {
        let from = row.entity.map_or("?".to_owned(), |entity| from(register, entity));
        let kind = if row.software { " software" } else { "" };
        let own = if row.users_own { "  (your own)" } else { "" };
        let _ = writeln!(out, "{:<15} {:<34} {from:<9} {}{kind}{own}", row.layer.name(), row.id, row.name);
    }
    out
}

/// The countries from which an entity is controlled, `?` where one is not known.
fn from(register: &Register, entity: &Entity) -> String {
    let (countries, some_unknown) = register.countries(entity);
    let mut codes: Vec<String> = countries.iter().map(ToString::to_string).collect();
    if some_unknown {
        codes.push("?".to_owned());
    }
    codes.join(",")
}

fn show(register: &Register, id: &str) -> Result<String, Failure> {
    let mut out = String::new();
    if let Some(service) = register.service(id) {
        show_service(register, service, &mut out);
    } else if let Some(software) = register.software(id) {
        show_software(register, software, &mut out);
    } else if let Some(entity) = register.entity(id) {
        show_entity(register, entity, 0, &mut out);
    } else {
        let records = &register.records;
        let ids = records.services.iter().map(|one| &one.id).chain(records.software.iter().map(|one| &one.id));
        let near: Vec<&str> = ids
            .chain(records.entities.iter().map(|one| &one.id))
            .filter(|known| known.contains(id))
            .map(|id| id.as_str())
            .take(8)
            .collect();
        let failure = Failure::new("E002", format!("the register has no record `{id}`"));
        return Err(match near.as_slice() {
            [] => failure.hint("`allod register list` shows all; `allod register find HOST` looks by name"),
            near => failure.hint(format!("did you mean one of these: {}", near.join(", "))),
        });
    }
    Ok(out)
}

fn show_service(register: &Register, service: &Service, out: &mut String) {
    let _ = writeln!(out, "{} ({})\nlayer: {}", service.name, service.id, service.layer.name());
    let _ = writeln!(out, "source: {}", claim(service.claim.as_ref()));
    if service.origin.users_own {
        let _ = writeln!(out, "from your own register: {}:{}", service.origin.file, service.origin.line);
    }
    match service.operator.as_ref().and_then(|id| register.entity(id)) {
        Some(entity) => {
            let _ = writeln!(out, "operator:");
            show_entity(register, entity, 1, out);
        }
        None => {
            let _ = writeln!(out, "operator: not known");
        }
    }
    for signed in &service.contracting {
        let _ = writeln!(
            out,
            "a customer in {} signs with {}: {}",
            signed.customer,
            signed.entity,
            claim(signed.claim.as_ref())
        );
    }
    for (kind, location) in &service.locations {
        let source = location.claim.as_ref();
        let _ = writeln!(out, "{kind} is kept in {}: {}", location.value.join(", "), claim(source));
    }
    for offer in &service.mitigations {
        let _ = writeln!(out, "offers {}: {}", offer.kind, claim(offer.claim.as_ref()));
    }
    if service.ends_tls {
        let _ = writeln!(out, "TLS ends here: it can read what passes");
    }
    if !service.alternatives.is_empty() {
        let _ = writeln!(out, "alternatives: {}", service.alternatives.join(", "));
    }
    matchers(&service.matchers, out);
    service.note.iter().for_each(|note| {
        let _ = writeln!(out, "note: {note}");
    });
}

fn show_software(register: &Register, software: &Software, out: &mut String) {
    let _ = writeln!(
        out,
        "{} ({}), software that one runs oneself\nlayer: {}",
        software.name,
        software.id,
        software.layer.name()
    );
    let _ = writeln!(out, "source: {}", claim(software.claim.as_ref()));
    software.licence.iter().for_each(|licence| {
        let _ = writeln!(out, "licence: {licence}");
    });
    if let Some(entity) = software.publisher.as_ref().and_then(|id| register.entity(id)) {
        let _ = writeln!(out, "publisher:");
        show_entity(register, entity, 1, out);
    }
    for talk in &software.talks_to {
        let _ = writeln!(out, "by default talks to {}: {}: {}", talk.service, talk.why, claim(talk.claim.as_ref()));
    }
    matchers(&software.matchers, out);
    software.note.iter().for_each(|note| {
        let _ = writeln!(out, "note: {note}");
    });
}

/// An entity and everybody above it, indented by steps.
fn show_entity(register: &Register, entity: &Entity, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    let country = entity.country.map_or("country not known".to_owned(), |country| country.to_string());
    let lei = entity.lei.as_ref().map_or(String::new(), |lei| format!(", LEI {lei}"));
    let _ = writeln!(out, "{indent}{} ({}), {country}{lei}: {}", entity.name, entity.id, claim(entity.claim.as_ref()));
    entity.note.iter().for_each(|note| {
        let _ = writeln!(out, "{indent}  note: {note}");
    });
    // Deeper than this there is a circle of holdings.
    if depth > 12 {
        return;
    }
    for edge in &entity.control {
        let share = edge.share_pct.map_or(String::new(), |share| format!(" {share} %"));
        let from = edge.from.as_ref().map_or(String::new(), |from| format!(" since {from}"));
        let _ = writeln!(out, "{indent}  {}{share}{from}: {}", edge.kind.name(), claim(edge.claim.as_ref()));
        match register.entity(&edge.holder) {
            Some(holder) => show_entity(register, holder, depth + 2, out),
            None => {
                let _ = writeln!(out, "{indent}    {}", edge.holder);
            }
        }
    }
}

fn matchers(matchers: &Matchers, out: &mut String) {
    for (list, texts) in &matchers.lists {
        let _ = writeln!(out, "{list}: {}", texts.join(", "));
    }
}

fn claim(claim: Option<&Claim>) -> String {
    claim.map_or("unverified".to_owned(), |claim| {
        format!("{} (seen {}, {})", claim.source, claim.seen, claim.confidence.name())
    })
}

fn find(register: &Register, text: &str) -> Result<String, Failure> {
    let host = allod_engine::host_of(text).unwrap_or_else(|| text.to_owned());
    let image = allod_engine::image_name(text).unwrap_or_else(|| text.to_owned());
    use ClueKind::*;
    let packages = [Ecosystem::Npm, Ecosystem::Pypi, Ecosystem::Cargo, Ecosystem::Go, Ecosystem::Maven];
    let kinds =
        [Host, NameServer, MailExchanger, CanonicalName, SpfInclude, CaaIssuer, TerraformType, TerraformProvider];
    let more = [TerraformBackend, Action, CiPlatform, Runner, EnvVar, Exporter, HelmChart, Kubernetes, Name];
    let clues = kinds
        .into_iter()
        .map(|kind| Clue::new(kind, &host))
        .chain([Clue::new(Image, &image)])
        .chain(more.into_iter().map(|kind| Clue::new(kind, text)))
        .chain(packages.into_iter().map(|ecosystem| Clue::new(Package(ecosystem), text)));
    let mut found: Vec<(&str, &str)> = Vec::new();
    for clue in clues {
        // A bare word is no image reference worth looking for on Docker Hub.
        if clue.kind == Image && !text.contains(['/', ':']) {
            continue;
        }
        let matched = register.find(&clue);
        let both = matched.service.map(|one| (one.record.id.as_str(), one.by));
        found.extend(both);
        found.extend(matched.software.map(|one| (one.record.id.as_str(), one.by)));
    }
    found.sort_unstable();
    found.dedup_by(|a, b| a.0 == b.0);
    if found.is_empty() {
        return Err(Failure::new("E002", format!("the register knows nobody behind `{text}`"))
            .hint("add what you know in an overlay: see crates/register/data/README.md"));
    }
    let mut out = String::new();
    for (at, (id, by)) in found.into_iter().enumerate() {
        if at > 0 {
            out.push('\n');
        }
        let _ = writeln!(out, "matched by `{by}`");
        out.push_str(&show(register, id)?);
    }
    Ok(out)
}

fn check_files(files: &[PathBuf]) -> Result<Exit, Failure> {
    let mut records = Records::default();
    let mut problems = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let mut failure = Failure::new("E001", format!("could not read `{}`", path.display()));
            failure.causes.push(error.to_string());
            failure
        })?;
        load_file(&path.display().to_string(), &text, &mut records, &mut problems);
    }
    let builtin = Register::builtin().map_err(|error| Failure::of("E004", &error))?;
    let mut all = builtin.records;
    all.replace(records);
    let ours = |path: &String| files.is_empty() || files.iter().any(|file| file.display().to_string() == *path);
    problems.extend(check(&all).into_iter().filter(|problem| ours(&problem.path)));
    problems.sort();
    write(None, |out| {
        problems.iter().try_for_each(|one| writeln!(out, "{}:{}: {} {}", one.path, one.line, one.code, one.message))?;
        let (entities, services) = (all.entities.len(), all.services.len());
        writeln!(
            out,
            "{entities} entities, {services} services, {} software: {} problems",
            all.software.len(),
            problems.len()
        )
    })?;
    Ok(if problems.is_empty() { Exit::Clean } else { Exit::Foreign })
}
