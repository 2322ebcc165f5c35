use crate::args::{Drill as DrillArgs, DrillFormat, Global};
use crate::commands::audit::failure;
use crate::exit::{Exit, Failure};
use crate::output::{look, write};
use crate::progress::Progress;
use allod_engine::{Options, audit_of, drill_logged};
use allod_evidence::{DrillReport, Replaced, drill_human, drill_json};
use allod_stack::{Holder, NoReplacement, Power, Replacement};

pub fn run(args: &DrillArgs, global: &Global) -> Result<Exit, Failure> {
    let Some(logbook) = super::log::logbook(&args.paths)? else { return drill(args, global) };
    let words = [("cut", &args.cut), ("compel", &args.compel), ("tamper", &args.tamper)];
    let said = words.iter().filter(|(_, names)| !names.is_empty());
    let said: Vec<String> = said.map(|(word, names)| format!("{word} {}", names.join(","))).collect();
    let paths: Vec<String> = args.paths.iter().map(|path| path.display().to_string()).collect();
    let object = format!("{} over {}", said.join(" "), paths.join(" "));
    drill_logged(&logbook, object, || drill(args, global), |error| failure(&error))
}

fn drill(args: &DrillArgs, global: &Global) -> Result<Exit, Failure> {
    let replacements = args.what_if.iter().map(|text| replacement(text)).collect::<Result<Vec<_>, _>>()?;
    let organisation = allod_engine::organisation(&args.paths, None).map_err(|error| failure(&error))?;
    let home = organisation.as_ref().and_then(|one| one.home.clone()).unwrap_or_default();
    let options = Options { paths: args.paths.clone(), home, register: args.register.clone(), resolve: None };
    let register = allod_engine::register(&options).map_err(|error| failure(&error))?;
    let progress = Progress::new(global);
    let audit = audit_of(&options, &register, organisation.as_ref(), &|stage| progress.tell(stage));
    progress.done();
    let mut audit = audit.map_err(|error| failure(&error))?;

    let mut replaced = Vec::new();
    for one in replacements {
        let components = audit.replace(&one).map_err(no_replacement)?;
        replaced.push(Replaced { what: one.what, by: one.by, components });
    }
    let (power, names) = [(Power::Stop, &args.cut), (Power::Read, &args.compel), (Power::Change, &args.tamper)]
        .into_iter()
        .find(|(_, names)| !names.is_empty())
        .ok_or_else(|| Failure::new("E002", "a drill needs --cut, --compel or --tamper"))?;
    let by = names.iter().map(|name| party(&audit.stack, name)).collect::<Result<Vec<Holder>, _>>()?;
    let drill = audit.powers.drill(&audit.stack, power, &by);
    let hit = !drill.hit.is_empty();
    let report = DrillReport { audit: &audit, drill, replaced };
    let look = look(global, args.output.is_some());
    write(args.output.as_deref(), |out| match args.format {
        DrillFormat::Human => out.write_all(drill_human(&report, global.verbose, look).as_bytes()),
        DrillFormat::Json => drill_json(&report, out),
    })?;
    Ok(if hit && !args.exit_zero { Exit::Foreign } else { Exit::Clean })
}

fn replacement(text: &str) -> Result<Replacement, Failure> {
    text.strip_prefix("replace=").and_then(Replacement::parse).ok_or_else(|| {
        Failure::new("E002", format!("`{text}` says no replacement"))
            .hint("for example: --what-if replace=datadog-eu:signoz-self")
    })
}

fn party(stack: &allod_stack::Stack<'_>, name: &str) -> Result<Holder, Failure> {
    stack.party(name).map_err(|missing| {
        let failure = Failure::new("E002", format!("nobody is known as `{}`", missing.asked));
        match missing.near.as_slice() {
            [] => failure.hint("a country code (US), or an entity or service of the register: allod register list"),
            near => failure.hint(format!("did you mean one of these:\n  {}", near.join("\n  "))),
        }
    })
}

fn no_replacement(missing: NoReplacement) -> Failure {
    let (failure, near) = match missing {
        NoReplacement::NoSuchPart { asked, near } => {
            (Failure::new("E002", format!("no component, service or entity of this stack is named `{asked}`")), near)
        }
        NoReplacement::NoSuchOffer { asked, near } => {
            (Failure::new("E002", format!("the register has no service or software `{asked}`")), near)
        }
    };
    match near.as_slice() {
        [] => failure.hint("what there is: allod audit --format json, allod register list"),
        near => failure.hint(format!("did you mean one of these:\n  {}", near.join("\n  "))),
    }
}
