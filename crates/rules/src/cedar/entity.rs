use super::uses::Seen;
use crate::subject::{Set, Subject};
use cedar_policy::{Entity, EntityId, EntityTypeName, EntityUid, RestrictedExpression};
use std::str::FromStr as _;

/// Entity names that all requests share.
pub(super) struct Names {
    component: EntityTypeName,
}

impl Names {
    /// `None` never happens: the name is a constant that parses.
    pub fn new() -> Option<Names> {
        Some(Names { component: EntityTypeName::from_str("Allod::Component").ok()? })
    }

    pub fn uid(&self, id: &str) -> EntityUid {
        EntityUid::from_type_name_and_id(self.component.clone(), EntityId::new(id))
    }

    /// A component with the attributes and tags that are looked at.
    pub fn entity(&self, uid: EntityUid, seen: &Seen<'_>) -> Option<Entity> {
        let attributes = seen.attributes.iter().map(|(name, value)| ((*name).to_owned(), value.expression()));
        let tags = seen.tags.iter().map(|(name, value)| ((*name).to_owned(), value.expression()));
        Entity::new_with_tags(uid, attributes, [], tags).ok()
    }
}

/// The value of an attribute or tag.
#[derive(Clone, Copy)]
pub(super) enum Value<'s> {
    Text(&'s str),
    Flag(bool),
    Number(i64),
    Words(&'s Set),
}

impl Value<'_> {
    fn expression(&self) -> RestrictedExpression {
        let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
        match self {
            Value::Text(value) => text(value),
            Value::Flag(value) => RestrictedExpression::new_bool(*value),
            Value::Number(value) => RestrictedExpression::new_long(*value),
            Value::Words(values) => RestrictedExpression::new_set(values.iter().map(|value| text(value))),
        }
    }

    /// Writes the value with its length, so that no two values of one kind are written alike.
    pub fn write(&self, into: &mut Vec<u8>) {
        let mut text = |text: &str| {
            into.extend(text.len().to_le_bytes());
            into.extend(text.as_bytes());
        };
        match self {
            Value::Text(value) => text(value),
            Value::Flag(value) => into.push(u8::from(*value)),
            Value::Number(value) => into.extend(value.to_le_bytes()),
            Value::Words(values) => {
                into.extend(values.len().to_le_bytes());
                values.iter().for_each(|value| Value::Text(value).write(into));
            }
        }
    }
}

/// Attributes of the schema.
pub(super) const ATTRIBUTES: usize = 24;

/// Every attribute of a component by its name in the schema; `id` is the first.
pub(super) fn attributes(subject: &Subject) -> [(&'static str, Value<'_>); ATTRIBUTES] {
    let Subject {
        id,
        name,
        kind,
        layer,
        role,
        ours,
        hint,
        placed,
        described,
        at_rest,
        data,
        environments,
        workloads,
        tiers,
        labels,
        namespace,
        address,
        service,
        parties,
        controlled_from,
        countries,
        keys,
        audit,
        exit_tested_days,
        tags: _,
    } = subject;
    [
        ("id", Value::Text(id)),
        ("name", Value::Text(name)),
        ("kind", Value::Text(kind)),
        ("layer", Value::Text(layer)),
        ("role", Value::Text(role)),
        ("ours", Value::Flag(*ours)),
        ("hint", Value::Flag(*hint)),
        ("placed", Value::Flag(*placed)),
        ("described", Value::Flag(*described)),
        ("atRest", Value::Flag(*at_rest)),
        ("data", Value::Words(data)),
        ("environments", Value::Words(environments)),
        ("workloads", Value::Words(workloads)),
        ("tiers", Value::Words(tiers)),
        ("labels", Value::Words(labels)),
        ("namespace", Value::Text(namespace)),
        ("address", Value::Text(address)),
        ("service", Value::Text(service)),
        ("parties", Value::Words(parties)),
        ("controlledFrom", Value::Words(controlled_from)),
        ("countries", Value::Words(countries)),
        ("keys", Value::Text(keys)),
        ("audit", Value::Words(audit)),
        ("exitTestedDays", Value::Number(*exit_tested_days)),
    ]
}
