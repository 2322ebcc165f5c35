use crate::limits::MAX_ORIGINS;
use std::rc::Rc;

/// A line of a file of the tree, by the file's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) struct LineRef {
    pub file: u32,
    pub line: u32,
}

/// An instance of a resource or data source that a value was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in super::super) struct ResourceRef {
    /// The number of the module instance.
    pub instance: u32,
    /// The number of the resource in its module.
    pub resource: u32,
    /// Which instance of `count` or `for_each`; `None`: all of them, or the only one.
    pub ordinal: Option<u32>,
}

/// What decided a value: lines of defaults, settings and locals, and the resources that it was taken from.
/// Bounded: the first ones are kept.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Origin(Option<Rc<Parts>>);

#[derive(Clone, Debug, Default)]
struct Parts {
    lines: Vec<LineRef>,
    resources: Vec<ResourceRef>,
    flippable: bool,
}

impl Origin {
    pub fn line(line: LineRef) -> Origin {
        Origin(Some(Rc::new(Parts { lines: vec![line], ..Parts::default() })))
    }

    pub fn resource(resource: ResourceRef) -> Origin {
        Origin(Some(Rc::new(Parts { resources: vec![resource], ..Parts::default() })))
    }

    /// A variable of a root module: an operator may set it to something else.
    pub fn flippable(mut self) -> Origin {
        self.parts_mut().flippable = true;
        self
    }

    pub fn is_flippable(&self) -> bool {
        self.0.as_ref().is_some_and(|parts| parts.flippable)
    }

    pub fn lines(&self) -> &[LineRef] {
        self.0.as_ref().map_or(&[], |parts| &parts.lines)
    }

    pub fn resources(&self) -> &[ResourceRef] {
        self.0.as_ref().map_or(&[], |parts| &parts.resources)
    }

    pub fn add(&mut self, other: &Origin) {
        let Some(new) = &other.0 else { return };
        match &self.0 {
            None => self.0 = Some(new.clone()),
            Some(old) if Rc::ptr_eq(old, new) => {}
            Some(old) if old.contains(new) => {}
            Some(_) => self.parts_mut().add(new),
        }
    }

    pub fn and(mut self, other: &Origin) -> Origin {
        self.add(other);
        self
    }

    fn parts_mut(&mut self) -> &mut Parts {
        Rc::make_mut(self.0.get_or_insert_default())
    }
}

impl Parts {
    fn contains(&self, other: &Parts) -> bool {
        (self.flippable || !other.flippable)
            && other.lines.iter().all(|line| self.lines.contains(line))
            && other.resources.iter().all(|resource| self.resources.contains(resource))
    }

    fn add(&mut self, other: &Parts) {
        self.flippable |= other.flippable;
        for line in &other.lines {
            if self.lines.len() < MAX_ORIGINS && !self.lines.contains(line) {
                self.lines.push(*line);
            }
        }
        for resource in &other.resources {
            if self.resources.len() < MAX_ORIGINS && !self.resources.contains(resource) {
                self.resources.push(*resource);
            }
        }
    }
}
