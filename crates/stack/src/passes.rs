use crate::graph::{Edge, Stack};
use crate::resolve::Part;
use allod_facts::{Layer, LinkKind, Mitigation, Role};

/// When a *stop* of what a part depends on stops the part itself, the soonest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    AtOnce,
    /// When the tokens that are valid now have run out.
    TokenRefresh,
    Deploy,
    Build,
    /// Of a certificate or a licence.
    Renewal,
}

impl Event {
    pub const ALL: [Event; 5] = [Event::AtOnce, Event::TokenRefresh, Event::Deploy, Event::Build, Event::Renewal];

    /// As schemas write it.
    pub fn id(self) -> &'static str {
        match self {
            Event::AtOnce => "at-once",
            Event::TokenRefresh => "token-refresh",
            Event::Deploy => "deploy",
            Event::Build => "build",
            Event::Renewal => "renewal",
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Event::AtOnce => "at once",
            Event::TokenRefresh => "at the next token refresh",
            Event::Deploy => "at the next deploy",
            Event::Build => "at the next build",
            Event::Renewal => "at the next renewal",
        }
    }
}

/// Which powers a link passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passes {
    pub read: bool,
    /// When *stop* over `to` takes effect on `from`; `None` when it does not.
    pub stop: Option<Event>,
    pub change: bool,
}

impl Passes {
    pub const NOTHING: Passes = Passes { read: false, stop: None, change: false };
}

impl Stack<'_> {
    /// What a link passes, its mitigations taken off.
    pub fn passes(&self, link: &Edge) -> Passes {
        let target = self.parts.get(link.to as usize);
        let layer = target.map(|to| to.layer);
        let at_once = Some(Event::AtOnce);
        let mut passes = match link.kind {
            LinkKind::RunsOn => Passes { read: true, stop: at_once, change: true },
            // Who is logged in stays so until the token runs out; a key or a secret is asked for anew each time.
            LinkKind::Trusts if layer == Some(Layer::Identity) => {
                Passes { read: true, stop: Some(Event::TokenRefresh), change: true }
            }
            LinkKind::Trusts => Passes { read: true, stop: at_once, change: true },
            LinkKind::StoresIn | LinkKind::SendsTo => Passes { read: true, stop: at_once, change: false },
            LinkKind::BuiltFrom => Passes { read: false, stop: Some(Event::Build), change: true },
            LinkKind::DeployedBy => Passes { read: false, stop: Some(Event::Deploy), change: true },
            LinkKind::ResolvedBy => Passes {
                // What is resolved by another of our own names passes on what reaches that name.
                read: target
                    .is_some_and(|to| to.fact.role == Role::Own || to.service.is_some_and(|service| service.ends_tls)),
                stop: if layer == Some(Layer::Certificates) { Some(Event::Renewal) } else { at_once },
                change: true,
            },
        };
        for mitigation in &link.mitigations {
            match mitigation {
                Mitigation::CustomerHeldKey | Mitigation::ClientSideEncryption | Mitigation::TlsPassesThrough => {
                    passes.read = false;
                }
                Mitigation::PinnedDigest => passes.change = false,
                Mitigation::LocalMirror | Mitigation::NotRequired => passes.stop = None,
            }
        }
        // Whoever runs what it is kept on sees what is encrypted.
        if self.parts.get(link.from as usize).is_some_and(|from| from.own_keys) {
            passes.read = false;
        }
        if target.is_none_or(Part::is_hint) {
            passes = Passes::NOTHING;
        }
        passes
    }
}
