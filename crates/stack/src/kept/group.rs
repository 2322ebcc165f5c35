use super::{Kept, NOWHERE};
use crate::graph::local;
use crate::merge::unite_links;
use crate::resolve::Part;
use allod_facts::{Evidence, Layer, Link, LinkKind, Role};
use allod_register::Service;
use std::collections::BTreeSet;

/// A component as it stands in the stack, with its links. What a link leads to is told by number.
pub(super) struct Group<'r> {
    pub part: Part<'r>,
    pub links: Vec<Link>,
    /// Its mail, when it is a part of its own.
    pub mail: Option<(Part<'r>, Vec<Link>)>,
    /// What its software talks to by default.
    pub talks: Vec<(&'r Service, Vec<Evidence>)>,
}

impl<'r> Kept<'r> {
    /// Does the passes over the graph for one component. Links to defaults and to own names are not there yet: see
    /// [`Kept::complete`].
    pub(super) fn group(&self, slot: u32) -> Option<Group<'r>> {
        let node = self.node(slot)?;
        let mut part = self.shown(slot)?.clone();
        let mut links: Vec<Link> = self
            .links(&node.sightings)
            .filter(|(to, _)| *to != slot)
            .map(|(to, link)| Link { from: slot, to, ..link.clone() })
            .collect();
        self.by_rank(&mut links, unite_links);
        let mine = self.deliveries.iter().filter(|one| one.by != slot && local::is_delivered(&part, &one.what));
        let delivered: Vec<Link> =
            mine.map(|one| local::plain_link(slot, LinkKind::DeployedBy, one.by, vec![one.evidence.clone()])).collect();
        if !delivered.is_empty() {
            links.extend(delivered);
            self.by_rank(&mut links, unite_links);
        }
        let mail = self.mail(slot, &part, &mut links);
        links.retain(|link| self.shown(link.to).is_some());
        let software = links
            .iter()
            .filter(|link| link.kind == LinkKind::BuiltFrom)
            .filter_map(|link| Some((link, self.shown(link.to)?.software?)));
        let mut layers = BTreeSet::new();
        let mut talks = Vec::new();
        for (link, software) in software {
            layers.insert((software.layer, software.id.as_str()));
            if part.fact.role == Role::Own && !link.evidence.is_empty() {
                let services = software.talks_to.iter().filter_map(|talk| self.register.service(&talk.service));
                talks.extend(services.map(|service| (service, link.evidence.clone())));
            }
        }
        if let [(layer, _)] = &*Vec::from_iter(layers) {
            part.layer = local::layer_from_image(&part, *layer);
        }
        let name = local::name_to_state(&part).and_then(|name| self.named(&name));
        if name.and_then(|name| self.shown(name)).is_some_and(local::states_name) {
            part.control = crate::resolve::Control::SelfHosted;
        }
        Some(Group { part, links, mail, talks })
    }

    /// Takes the links of its mail out of those of a zone or name.
    fn mail(&self, slot: u32, part: &Part<'r>, links: &mut Vec<Link>) -> Option<(Part<'r>, Vec<Link>)> {
        let is_mail = |link: &Link| {
            let to = self.node(link.to).and_then(|node| node.part.as_ref());
            link.kind == LinkKind::SendsTo
                && !link.evidence.is_empty()
                && to.is_some_and(|to| to.fact.layer == Layer::Mail)
        };
        if !local::has_mail(part) {
            return None;
        }
        let mut mail: Vec<Link> = links.extract_if(.., |link| is_mail(link)).collect();
        let seen = mail.first()?.evidence.first()?.clone();
        mail.push(local::plain_link(slot, LinkKind::ResolvedBy, slot, vec![seen.clone()]));
        mail.retain(|link| self.shown(link.to).is_some());
        self.by_rank(&mut mail, |links| local::sort_links(links));
        Some((local::mail_of(part, seen, self.register), mail))
    }

    /// Adds the links to defaults and own names, and puts all in the order of a stack.
    pub(super) fn complete(&self, slot: u32, group: &mut Group<'r>) {
        for (service, evidence) in std::mem::take(&mut group.talks) {
            if let Some((to, _)) = self.defaults.get(service.id.as_str()) {
                group.links.push(local::plain_link(slot, LinkKind::SendsTo, *to, evidence));
            }
        }
        let names = local::own_names(&group.part, &self.own_zones);
        for to in names.iter().filter_map(|id| self.named(id)).filter(|to| self.shown(*to).is_some()) {
            let seen = group.part.fact.evidence.first().cloned();
            group.links.push(local::plain_link(slot, LinkKind::ResolvedBy, to, seen.into_iter().collect()));
        }
        self.by_rank(&mut group.links, |links| local::sort_links(links));
    }

    pub(super) fn named(&self, id: &str) -> Option<u32> {
        self.ids.get(id).copied()
    }

    /// Does something with links whose targets are told by their rank in the order of parts.
    fn by_rank(&self, links: &mut Vec<Link>, run: impl FnOnce(&mut Vec<Link>)) {
        let mut targets: Vec<u32> = links.iter().map(|link| link.to).collect();
        targets.sort_unstable();
        targets.dedup();
        targets.sort_by(|a, b| self.order(*a, *b));
        let ranks: rustc_hash::FxHashMap<u32, u32> = targets.iter().copied().zip(0..).collect();
        links.iter_mut().for_each(|link| link.to = ranks.get(&link.to).copied().unwrap_or(NOWHERE));
        run(links);
        links.iter_mut().for_each(|link| link.to = targets.get(link.to as usize).copied().unwrap_or(NOWHERE));
    }
}
