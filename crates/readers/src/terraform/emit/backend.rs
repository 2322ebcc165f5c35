use super::Emitter;
use super::names::{state_kind, state_name};
use crate::endpoint::{HostKind, host_kind};
use crate::files::folder_of;
use crate::terraform::emit::hosts::host_in;
use crate::terraform::eval::{Each, Instance, Scope};
use crate::terraform::value::{LineRef, Unknown, Value};
use allod_facts::{Clue, ClueKind, Component, ComponentRef, Layer, LinkKind, Place, Role};
use std::rc::Rc;

/// Where the arguments of a backend say who keeps the state.
const ADDRESSES: &[&str] = &[
    "endpoints.s3",
    "endpoint",
    "hostname",
    "address",
    "conn_str",
    "host",
    "auth_url",
    "metadata_host",
    "custom_endpoint",
];

impl<'t> Emitter<'_, 't> {
    /// The `backend` or `cloud` block of a root module: whoever holds the state controls the stack.
    pub(super) fn backend(&mut self, instance: &Rc<Instance<'t>>, root: ComponentRef) -> Option<ComponentRef> {
        let backend = instance.module.backends.last()?;
        if backend.kind == "local" {
            return None;
        }
        let scope = Scope { instance, file: backend.file, each: &Each::default(), bound: None };
        let fields = Value::object(self.eval.body_fields(&backend.block.body, scope));
        let at = LineRef { file: backend.file, line: backend.block.line };
        let seen = self.evidence(at, backend.block.end_line);
        let home = self.home_of(instance, backend.file, &fields);
        let path = self.eval.tree.paths.get(backend.file as usize).map_or("", |path| &**path);
        let mut component = Component::new(
            &format!("{home}#backend"),
            &state_name(folder_of(path)),
            &state_kind(&backend.kind),
            Layer::Iac,
            Role::Provided,
            seen.clone(),
        );
        let clues = state_clues(&backend.kind, &fields);
        match clues {
            StateHolder::Service(clues) => component.clues = clues.into(),
            StateHolder::Own => component.role = Role::Own,
            StateHolder::Unknown => {}
        }
        component.place = fields.known_field("region").and_then(Value::as_text).map(Place::region);
        let component = self.facts.add(component);
        if matches!(state_clues(&backend.kind, &fields), StateHolder::Unknown) {
            let why = Unknown { code: "U007", reason: "no file says where the state is kept".to_owned(), shape: None };
            self.unresolved(&why, &format!("backend `{}`", backend.kind), Some(component), at);
        }
        self.link(root, LinkKind::DeployedBy, component, seen, None);
        Some(component)
    }
}

pub(super) enum StateHolder {
    Service(Vec<Clue>),
    Own,
    Unknown,
}

/// Who keeps a state of this backend type with these arguments.
pub(super) fn state_clues(kind: &str, fields: &Value) -> StateHolder {
    for argument in ADDRESSES {
        let Some(value) = at_path(fields, argument) else { continue };
        let Some(host) = host_in(&value) else { continue };
        return match host_kind(&host) {
            HostKind::Internal => StateHolder::Own,
            // The default host, said aloud.
            _ if host.ends_with("terraform.io") => StateHolder::Service(vec![
                Clue::new(ClueKind::Host, &host),
                Clue::new(ClueKind::TerraformBackend, kind),
            ]),
            _ => StateHolder::Service(vec![Clue::new(ClueKind::Host, &host)]),
        };
    }
    if matches!(kind, "http" | "pg" | "consul" | "kubernetes" | "etcdv3" | "swift" | "artifactory") {
        return StateHolder::Unknown;
    }
    StateHolder::Service(vec![Clue::new(ClueKind::TerraformBackend, kind)])
}

/// A value by a path of names; lists (nested blocks) are looked into.
pub(super) fn at_path(value: &Value, path: &str) -> Option<Value> {
    let mut at = value.clone();
    for name in path.split('.') {
        if let Some([first, ..]) = at.as_list() {
            at = first.clone();
        }
        at = at.known_field(name)?.clone();
    }
    (!at.is_null()).then_some(at)
}
