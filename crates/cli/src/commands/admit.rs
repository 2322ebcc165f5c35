use crate::args::{Admit, AdmitInstead, AdmitManifests, AdmitMode, Global};
use crate::commands::audit::failure;
use crate::exit::{Exit, Failure};
use crate::output::write;
use allod_engine::{Options, Policies, PolicyOptions, facts_of};
use allod_server::manifests::{Install, Trust, render};
use allod_server::{Admission, Connect, Judge, Log, Mode, PolicyJudge, Settings};
use allod_stack::Home;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

pub fn run(args: &Admit, global: &Global) -> Result<Exit, Failure> {
    if let Some(AdmitInstead::Manifests(install)) = &args.instead {
        return manifests(install);
    }
    let (Some(certificate), Some(key)) = (&args.tls_cert, &args.tls_key) else {
        return Err(Failure::new("E002", "`--tls-cert` and `--tls-key` are needed"));
    };
    let settings = Settings {
        mode: mode(args.mode),
        connect: connect(args.deny_connect),
        log_allowed: global.verbose,
        ..Settings::new(args.listen, args.probes, certificate.clone(), key.clone())
    };
    let log: Log = Arc::new(|line| {
        // A log that nobody reads any more is no reason to stop answering.
        let _ = writeln!(std::io::stderr().lock(), "{line}");
    });
    let admission = Admission::bind(settings, judge(args)?, log).map_err(|error| Failure::of("E010", &error))?;
    admission.run().map_err(|error| Failure::of("E010", &error))?;
    Ok(Exit::Clean)
}

/// Who judges. Rules that cannot be read keep the webhook from starting: it is told at once, not at the first object.
fn judge(args: &Admit) -> Result<Arc<dyn Judge>, Failure> {
    let failed = |error: &allod_engine::Error| failure(error);
    let policy =
        PolicyOptions { organisation: args.config.clone(), rules: args.rules.clone(), home: None, may_be_none: false };
    let here = if args.context.is_empty() { vec![PathBuf::from(".")] } else { args.context.clone() };
    let options =
        Options { paths: here.clone(), home: Home::default(), register: args.register.clone(), resolve: None };
    let register = allod_engine::register(&options).map_err(|error| failed(&error))?;
    let policies = Policies::load(&here, &policy, &register).map_err(|error| failed(&error))?;
    let context = match args.context.as_slice() {
        [] => Vec::new(),
        paths => facts_of(paths, &|_| {}).map_err(|error| failed(&error))?,
    };
    Ok(Arc::new(PolicyJudge { policies, register, context }))
}

fn mode(mode: AdmitMode) -> Mode {
    match mode {
        AdmitMode::Enforce => Mode::Enforce,
        AdmitMode::Audit => Mode::Audit,
    }
}

fn connect(deny: bool) -> Connect {
    if deny { Connect::Deny } else { Connect::Allow }
}

fn manifests(args: &AdmitManifests) -> Result<Exit, Failure> {
    let trust = match &args.ca_bundle {
        None => Trust::CertManager { namespace: args.cert_manager.clone() },
        Some(path) => Trust::Bundle(std::fs::read(path).map_err(|error| {
            let mut failure = Failure::new("E001", format!("could not read `{}`", path.display()));
            failure.causes.push(error.to_string());
            failure
        })?),
    };
    let text = render(&Install {
        namespace: args.namespace.clone(),
        image: args.image.clone(),
        replicas: args.replicas,
        mode: mode(args.mode),
        connect: connect(args.deny_connect),
        trust,
        exclude: args.exclude.clone(),
        also: args.also.clone(),
    })
    .map_err(|error| Failure::of("E002", &error))?;
    write(None, |out| out.write_all(text.as_bytes()))?;
    Ok(Exit::Clean)
}
