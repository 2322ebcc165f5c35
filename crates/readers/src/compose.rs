//! Docker Compose: services as the organisation's own parts, the images they are built from, what their environment
//! and commands send to, their volumes, models and log drivers.
//!
//! Override files, `extends`, `include` and `.env` are followed inside the tree. Nothing is started and no variable of
//! the process that audits is read.

mod environment;
mod project;
mod service;
mod top;

use crate::files::Files;
use crate::{Read, Reader, Scope};
use allod_facts::{Component, Confidence, Evidence, Facts, Layer, Role};
use project::{Project, Service};

pub const READER: Reader = Reader {
    id: "compose",
    about: "Docker Compose files",
    scope: Scope::Groups(project::groups),
    read: Read::Loaded(read),
};

pub(crate) const ID: &str = "compose";

fn read(files: &Files, mine: &[&str]) -> Facts {
    let mut facts = Facts::new();
    let project = Project::load(files, mine, &mut facts);
    let services = project.services(&mut facts);
    // Every service is known before any is read: they name each other.
    let own: Vec<_> = services.iter().map(|service| facts.add(component(service))).collect();
    let names = project::Names::new(&project, &services, &own);
    for (service, own) in services.iter().zip(own) {
        service::read(files, &project, &names, service, own, &mut facts);
    }
    top::read(&project, &mut facts);
    facts
}

fn component(service: &Service<'_>) -> Component {
    let mut evidence = service.layers.iter().rev().map(|layer| Evidence {
        path: layer.path.clone(),
        line: layer.line,
        end_line: layer.node.end_line.max(layer.line),
        reader: ID,
    });
    let seen = evidence.next().unwrap_or_else(|| Evidence::line(&service.path, 0, ID));
    let mut component = Component::new(&service.id(), &service.name, "service", Layer::Application, Role::Own, seen);
    component.evidence.extend(evidence);
    if !service.always {
        component.confidence = Confidence::Medium;
    }
    component
}

#[cfg(test)]
mod tests;
