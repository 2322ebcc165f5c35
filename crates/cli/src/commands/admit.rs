use crate::args::{Admit, AdmitInstead, AdmitManifests, AdmitMode, Global};
use crate::exit::{Exit, Failure};
use crate::output::write;
use allod_server::manifests::{Install, Trust, render};
use allod_server::{Admission, Connect, Judge, Log, Mode, NoRules, Settings};
use std::io::Write;
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
    let admission = Admission::bind(settings, judge(args), log).map_err(|error| Failure::of("E010", &error))?;
    admission.run().map_err(|error| Failure::of("E010", &error))?;
    Ok(Exit::Clean)
}

/// Who judges.
fn judge(_args: &Admit) -> Arc<dyn Judge> {
    Arc::new(NoRules)
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
