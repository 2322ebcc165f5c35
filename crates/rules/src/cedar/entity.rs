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

    pub fn uid(&self, subject: &Subject) -> EntityUid {
        EntityUid::from_type_name_and_id(self.component.clone(), EntityId::new(&*subject.id))
    }

    /// A component with its attributes and tags.
    pub fn entity(&self, subject: &Subject) -> Option<Entity> {
        let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
        let flag = RestrictedExpression::new_bool;
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
            tags,
        } = subject;
        let attributes = [
            ("id", text(id)),
            ("name", text(name)),
            ("kind", text(kind)),
            ("layer", text(layer)),
            ("role", text(role)),
            ("ours", flag(*ours)),
            ("hint", flag(*hint)),
            ("placed", flag(*placed)),
            ("described", flag(*described)),
            ("atRest", flag(*at_rest)),
            ("data", set(data)),
            ("environments", set(environments)),
            ("workloads", set(workloads)),
            ("tiers", set(tiers)),
            ("labels", set(labels)),
            ("namespace", text(namespace)),
            ("address", text(address)),
            ("service", text(service)),
            ("parties", set(parties)),
            ("controlledFrom", set(controlled_from)),
            ("countries", set(countries)),
            ("keys", text(keys)),
            ("audit", set(audit)),
            ("exitTestedDays", RestrictedExpression::new_long(*exit_tested_days)),
        ];
        let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value));
        let tags = tags.iter().map(|(name, values)| (name.clone(), set(values)));
        Entity::new_with_tags(self.uid(subject), attributes, [], tags).ok()
    }
}

fn set(values: &Set) -> RestrictedExpression {
    RestrictedExpression::new_set(values.iter().map(|value| RestrictedExpression::new_string(value.to_string())))
}
