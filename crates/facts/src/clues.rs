use crate::Clue;
use std::cmp::Ordering;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// The clues of a component, the most telling first. One pointer, because the resources of a large plan are of few kinds:
/// those of one kind share it.
#[derive(Clone, Default)]
pub struct Clues(Option<Arc<Vec<Clue>>>);

static NONE: Vec<Clue> = Vec::new();

impl Deref for Clues {
    type Target = Vec<Clue>;

    fn deref(&self) -> &Vec<Clue> {
        self.0.as_deref().unwrap_or(&NONE)
    }
}

/// What is shared is copied before it is changed.
impl DerefMut for Clues {
    fn deref_mut(&mut self) -> &mut Vec<Clue> {
        Arc::make_mut(self.0.get_or_insert_default())
    }
}

impl From<Vec<Clue>> for Clues {
    fn from(clues: Vec<Clue>) -> Clues {
        Clues((!clues.is_empty()).then(|| Arc::new(clues)))
    }
}

impl FromIterator<Clue> for Clues {
    fn from_iter<I: IntoIterator<Item = Clue>>(clues: I) -> Clues {
        Clues::from(clues.into_iter().collect::<Vec<Clue>>())
    }
}

impl<'c> IntoIterator for &'c Clues {
    type Item = &'c Clue;
    type IntoIter = std::slice::Iter<'c, Clue>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Debug for Clues {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, out)
    }
}

impl PartialEq for Clues {
    fn eq(&self, other: &Clues) -> bool {
        **self == **other
    }
}

impl Eq for Clues {}

impl PartialOrd for Clues {
    fn partial_cmp(&self, other: &Clues) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Clues {
    fn cmp(&self, other: &Clues) -> Ordering {
        (**self).cmp(&**other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ClueKind;

    #[test]
    fn what_is_shared_stays_as_it_is() {
        let shared = Clues::from(vec![Clue::new(ClueKind::Host, "a.lu")]);
        let mut own = shared.clone();
        own.push(Clue::new(ClueKind::Host, "b.lu"));
        assert_eq!((shared.len(), own.len()), (1, 2));
        own.clear();
        assert_eq!(own, Clues::default());
        assert!(own < shared);
    }
}
