use super::pattern::{Assertion, Program, Step};
use std::rc::Rc;

/// Where a match and its groups lie.
#[derive(Clone, Debug)]
pub(super) struct Found {
    saved: Rc<Vec<Option<usize>>>,
}

impl Found {
    pub fn group(&self, number: usize) -> Option<(usize, usize)> {
        Some(((*self.saved.get(number * 2)?)?, (*self.saved.get(number * 2 + 1)?)?))
    }
}

/// The most steps of one search; more makes the value unknown.
const MAX_WORK: usize = 20_000_000;

/// The threads at one place of the text, the preferred one first.
struct Threads {
    list: Vec<(usize, Rc<Vec<Option<usize>>>)>,
    /// The round in which a step was last added.
    seen: Vec<usize>,
}

/// The leftmost match at or after `from`. `None`: too much work.
pub(super) fn find(program: &Program, text: &str, from: usize) -> Option<Option<Found>> {
    let rest = text.get(from..)?;
    if rest.len().saturating_mul(program.steps.len()) > MAX_WORK {
        return None;
    }
    let before = text.get(..from)?.chars().next_back();
    let empty = Rc::new(vec![None; (program.groups + 1) * 2]);
    let mut now = Threads { list: Vec::new(), seen: vec![0; program.steps.len()] };
    let mut next = Threads { list: Vec::new(), seen: vec![0; program.steps.len()] };
    let mut found: Option<Found> = None;
    let mut place = Place { at: from, before, after: rest.chars().next() };
    let mut letters = rest.chars();
    let mut round = 1;
    loop {
        if found.is_none() {
            add(program, &mut now, round, 0, &empty, &place);
        }
        if now.list.is_empty() && found.is_some() {
            break;
        }
        let letter = letters.next();
        let after = letters.clone().next();
        let width = letter.map_or(1, char::len_utf8);
        let moved = Place { at: place.at + width, before: letter, after };
        for (step, saved) in now.list.drain(..) {
            match program.steps.get(step) {
                Some(Step::Letter(class)) if letter.is_some_and(|letter| class.has(letter)) => {
                    add(program, &mut next, round + 1, step + 1, &saved, &moved);
                }
                Some(Step::Match) => {
                    // The threads behind this one are less preferred.
                    found = Some(Found { saved });
                    break;
                }
                _ => {}
            }
        }
        if letter.is_none() {
            break;
        }
        round += 1;
        place = moved;
        std::mem::swap(&mut now, &mut next);
        next.list.clear();
    }
    Some(found)
}

/// A place between two letters.
struct Place {
    at: usize,
    before: Option<char>,
    after: Option<char>,
}

/// Adds a thread with everything that it reaches without reading a letter.
fn add(
    program: &Program,
    threads: &mut Threads,
    round: usize,
    step: usize,
    saved: &Rc<Vec<Option<usize>>>,
    place: &Place,
) {
    let mut todo = vec![(step, saved.clone())];
    while let Some((step, mut saved)) = todo.pop() {
        match threads.seen.get_mut(step) {
            Some(seen) if *seen != round => *seen = round,
            _ => continue,
        }
        match program.steps.get(step) {
            Some(Step::Jump(to)) => todo.push((*to, saved)),
            Some(Step::Split(first, second)) => {
                todo.push((*second, saved.clone()));
                todo.push((*first, saved));
            }
            Some(Step::Save(slot)) => {
                if let Some(slot) = Rc::make_mut(&mut saved).get_mut(*slot) {
                    *slot = Some(place.at);
                }
                todo.push((step + 1, saved));
            }
            Some(Step::Assert(assertion)) if holds(*assertion, place) => todo.push((step + 1, saved)),
            Some(Step::Letter(_) | Step::Match) => threads.list.push((step, saved)),
            Some(Step::Assert(_)) | None => {}
        }
    }
}

fn holds(assertion: Assertion, place: &Place) -> bool {
    let word = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    match assertion {
        Assertion::Start => place.before.is_none() && place.at == 0,
        Assertion::End => place.after.is_none(),
        Assertion::LineStart => matches!(place.before, None | Some('\n')),
        Assertion::LineEnd => matches!(place.after, None | Some('\n')),
        Assertion::Word => word(place.before) != word(place.after),
        Assertion::NotWord => word(place.before) == word(place.after),
    }
}
