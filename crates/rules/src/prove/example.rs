use crate::subject::UNKNOWN;
use cedar_policy::{EntityUid, EvalResult};
use cedar_policy_symcc::Env;
use std::collections::BTreeMap;
use std::fmt;

/// A component that shows something: its attributes and tags that are not empty, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    pub values: BTreeMap<String, String>,
}

impl Example {
    pub(super) fn of(env: &Env) -> Option<Example> {
        let resource: &EntityUid = env.request.resource()?;
        let entity = env.entities.get(resource)?;
        let mut values = BTreeMap::new();
        for (name, value) in entity.attrs().chain(entity.tags()) {
            let text = shown(&value.ok()?);
            if !matches!(text.as_str(), "" | "\"\"" | "[]" | "false" | "0") {
                values.insert(name.to_string(), text);
            }
        }
        Some(Example { values })
    }
}

fn shown(value: &EvalResult) -> String {
    match value {
        EvalResult::Bool(flag) => flag.to_string(),
        EvalResult::Long(number) => number.to_string(),
        EvalResult::String(text) => format!("{text:?}"),
        EvalResult::Set(set) => {
            let mut texts: Vec<String> = set.iter().map(shown).collect();
            texts.sort();
            format!("[{}]", texts.join(", "))
        }
        other => format!("{other}"),
    }
}

impl fmt::Display for Example {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.values.is_empty() {
            return write!(formatter, "a component of which nothing else is {UNKNOWN} or set");
        }
        let each: Vec<String> = self.values.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        write!(formatter, "{}", each.join(", "))
    }
}
