use std::collections::BTreeMap;

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Program {
    pub steps: Vec<Step>,
    /// How many groups capture, without the whole match.
    pub groups: usize,
    pub names: BTreeMap<String, usize>,
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Letter(Class),
    /// Both ways, the first one preferred.
    Split(usize, usize),
    Jump(usize),
    Save(usize),
    Assert(Assertion),
    Match,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Assertion {
    Start,
    End,
    LineStart,
    LineEnd,
    Word,
    NotWord,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Class {
    ranges: Vec<(char, char)>,
    negated: bool,
    any_case: bool,
}

/// The longest program: repetitions are written out, and real patterns stay far below.
const MAX_STEPS: usize = 5_000;
const MAX_NESTING: usize = 30;

impl Class {
    pub fn has(&self, letter: char) -> bool {
        let within = |letter: char| self.ranges.iter().any(|(from, to)| (*from..=*to).contains(&letter));
        let found =
            within(letter) || self.any_case && (letter.to_lowercase().any(within) || letter.to_uppercase().any(within));
        found != self.negated
    }
}

/// `None`: no valid pattern, or one with something that is not understood.
pub(super) fn compile(pattern: &str) -> Option<Program> {
    let mut compiler = Compiler {
        letters: pattern.chars().collect(),
        at: 0,
        program: Program { steps: Vec::new(), groups: 0, names: BTreeMap::new() },
        any_case: false,
        dot_all: false,
        multi_line: false,
    };
    compiler.flags();
    compiler.push(Step::Save(0))?;
    compiler.alternatives(0)?;
    compiler.push(Step::Save(1))?;
    compiler.push(Step::Match)?;
    (compiler.at == compiler.letters.len()).then_some(compiler.program)
}

struct Compiler {
    letters: Vec<char>,
    at: usize,
    program: Program,
    any_case: bool,
    dot_all: bool,
    multi_line: bool,
}

impl Compiler {
    fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    fn eat(&mut self, text: &str) -> bool {
        let there = text.chars().enumerate().all(|(ahead, letter)| self.letters.get(self.at + ahead) == Some(&letter));
        if there {
            self.at += text.chars().count();
        }
        there
    }

    fn push(&mut self, step: Step) -> Option<usize> {
        self.program.steps.push(step);
        (self.program.steps.len() <= MAX_STEPS).then(|| self.program.steps.len() - 1)
    }

    fn set(&mut self, at: usize, step: Step) {
        if let Some(slot) = self.program.steps.get_mut(at) {
            *slot = step;
        }
    }

    /// `(?i)`, `(?s)`, `(?m)` at the start of the pattern.
    fn flags(&mut self) {
        let start = self.at;
        if !self.eat("(?") {
            return;
        }
        while let Some(letter) = self.peek() {
            self.at += 1;
            match letter {
                'i' => self.any_case = true,
                's' => self.dot_all = true,
                'm' => self.multi_line = true,
                ')' => return,
                _ => break,
            }
        }
        (self.at, self.any_case, self.dot_all, self.multi_line) = (start, false, false, false);
    }

    fn alternatives(&mut self, nesting: usize) -> Option<()> {
        if nesting > MAX_NESTING {
            return None;
        }
        let mut ends = Vec::new();
        loop {
            let split = self.push(Step::Jump(0))?;
            self.sequence(nesting)?;
            if !self.eat("|") {
                self.set(split, Step::Jump(split + 1));
                break;
            }
            ends.push(self.push(Step::Jump(0))?);
            let next = self.program.steps.len();
            self.set(split, Step::Split(split + 1, next));
        }
        let after = self.program.steps.len();
        for end in ends {
            self.set(end, Step::Jump(after));
        }
        Some(())
    }

    fn sequence(&mut self, nesting: usize) -> Option<()> {
        while let Some(letter) = self.peek() {
            if letter == '|' || letter == ')' {
                break;
            }
            let start = self.program.steps.len();
            self.atom(nesting)?;
            self.repeats(start)?;
        }
        Some(())
    }

    /// `*`, `+`, `?`, `{m,n}` after an atom, each also lazy.
    fn repeats(&mut self, start: usize) -> Option<()> {
        let (least, most) = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => return self.counted(start),
            _ => return Some(()),
        };
        self.at += 1;
        self.repeat(start, least, most)
    }

    fn counted(&mut self, start: usize) -> Option<()> {
        self.at += 1;
        let least = self.number()?;
        let most = if self.eat(",") {
            if self.peek() == Some('}') { None } else { Some(self.number()?) }
        } else {
            Some(least)
        };
        if !self.eat("}") || most.is_some_and(|most| most < least) || least > 1_000 || most > Some(1_000) {
            return None;
        }
        self.repeat(start, least, most)
    }

    fn number(&mut self) -> Option<usize> {
        let mut number: Option<usize> = None;
        while let Some(digit) = self.peek().and_then(|letter| letter.to_digit(10)) {
            number = Some(number.unwrap_or(0).checked_mul(10)?.checked_add(digit as usize)?);
            self.at += 1;
        }
        number
    }

    /// Writes the steps from `start` on as often as they may repeat.
    fn repeat(&mut self, start: usize, least: usize, most: Option<usize>) -> Option<()> {
        let lazy = self.eat("?");
        let split = |yes, no| if lazy { Step::Split(no, yes) } else { Step::Split(yes, no) };
        let atom: Vec<Step> = self.program.steps.split_off(start);
        for _ in 0..least {
            self.copy(&atom, start)?;
        }
        match most {
            None => {
                let at = self.push(Step::Match)?;
                self.copy(&atom, start)?;
                self.push(Step::Jump(at))?;
                self.set(at, split(at + 1, self.program.steps.len()));
            }
            Some(most) => {
                let mut splits = Vec::new();
                for _ in least..most {
                    splits.push(self.push(Step::Match)?);
                    self.copy(&atom, start)?;
                }
                let after = self.program.steps.len();
                for at in splits {
                    self.set(at, split(at + 1, after));
                }
            }
        }
        Some(())
    }

    /// Appends steps that stood at `from`, with their targets moved along.
    fn copy(&mut self, steps: &[Step], from: usize) -> Option<()> {
        let to = self.program.steps.len();
        for step in steps {
            let moved = match step {
                Step::Split(a, b) => Step::Split(a + to - from, b + to - from),
                Step::Jump(a) => Step::Jump(a + to - from),
                other => other.clone(),
            };
            self.push(moved)?;
        }
        Some(())
    }

    fn atom(&mut self, nesting: usize) -> Option<()> {
        let letter = self.peek()?;
        self.at += 1;
        let step = match letter {
            '(' => return self.group(nesting),
            '[' => Step::Letter(self.class()?),
            '.' if self.dot_all => Step::Letter(Class { negated: true, ..Class::default() }),
            '.' => Step::Letter(Class { ranges: vec![('\n', '\n')], negated: true, any_case: false }),
            '^' if self.multi_line => Step::Assert(Assertion::LineStart),
            '$' if self.multi_line => Step::Assert(Assertion::LineEnd),
            '^' => Step::Assert(Assertion::Start),
            '$' => Step::Assert(Assertion::End),
            '\\' => match self.peek()? {
                'b' => self.assertion(Assertion::Word),
                'B' => self.assertion(Assertion::NotWord),
                'A' => self.assertion(Assertion::Start),
                'z' => self.assertion(Assertion::End),
                _ => {
                    let (ranges, negated) = self.escape()?;
                    Step::Letter(Class { ranges, negated, any_case: self.any_case })
                }
            },
            '*' | '+' | '?' | ')' => return None,
            plain => Step::Letter(Class { ranges: vec![(plain, plain)], negated: false, any_case: self.any_case }),
        };
        self.push(step).map(|_| ())
    }

    fn assertion(&mut self, assertion: Assertion) -> Step {
        self.at += 1;
        Step::Assert(assertion)
    }

    fn group(&mut self, nesting: usize) -> Option<()> {
        let mut number = None;
        if self.eat("?:") {
        } else if self.eat("?P<")
            || (self.peek() == Some('?')
                && self.letters.get(self.at + 2).is_some_and(|c| c.is_alphabetic())
                && self.eat("?<"))
        {
            let mut name = String::new();
            while let Some(letter) = self.peek().filter(|letter| *letter != '>') {
                name.push(letter);
                self.at += 1;
            }
            if !self.eat(">") {
                return None;
            }
            self.program.groups += 1;
            self.program.names.insert(name, self.program.groups);
            number = Some(self.program.groups);
        } else if self.peek() == Some('?') {
            return None;
        } else {
            self.program.groups += 1;
            number = Some(self.program.groups);
        }
        if let Some(number) = number {
            self.push(Step::Save(number * 2))?;
        }
        self.alternatives(nesting + 1)?;
        if !self.eat(")") {
            return None;
        }
        if let Some(number) = number {
            self.push(Step::Save(number * 2 + 1))?;
        }
        Some(())
    }

    fn class(&mut self) -> Option<Class> {
        let mut class = Class { ranges: Vec::new(), negated: self.eat("^"), any_case: self.any_case };
        let mut first = true;
        loop {
            let letter = self.peek()?;
            self.at += 1;
            let from = match letter {
                ']' if !first => return Some(class),
                '[' if self.peek() == Some(':') => {
                    class.ranges.extend(self.named_class()?);
                    first = false;
                    continue;
                }
                '\\' => {
                    let (ranges, negated) = self.escape()?;
                    match ranges.as_slice() {
                        [(one, same)] if one == same && !negated => *one,
                        _ if negated => return None,
                        _ => {
                            class.ranges.extend(ranges);
                            first = false;
                            continue;
                        }
                    }
                }
                plain => plain,
            };
            first = false;
            let ranged = self.peek() == Some('-') && self.letters.get(self.at + 1).is_some_and(|letter| *letter != ']');
            if !ranged {
                class.ranges.push((from, from));
                continue;
            }
            self.at += 1;
            let mut to = self.peek()?;
            self.at += 1;
            if to == '\\' {
                to = self.escape()?.0.first()?.0;
            }
            class.ranges.push((from, to));
        }
    }

    /// `[:alpha:]` and its like, after the bracket.
    fn named_class(&mut self) -> Option<Vec<(char, char)>> {
        const NAMED: &[(&str, &[(char, char)])] = &[
            (":alpha:]", &[('a', 'z'), ('A', 'Z')]),
            (":alnum:]", &[('a', 'z'), ('A', 'Z'), ('0', '9')]),
            (":digit:]", &[('0', '9')]),
            (":lower:]", &[('a', 'z')]),
            (":upper:]", &[('A', 'Z')]),
            (":space:]", SPACE),
            (":word:]", WORD),
            (":xdigit:]", &[('a', 'f'), ('A', 'F'), ('0', '9')]),
            (":punct:]", &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
        ];
        NAMED.iter().find(|(name, _)| self.eat(name)).map(|(_, ranges)| ranges.to_vec())
    }

    /// The letters of an escape, after the backslash, and whether all others are meant.
    fn escape(&mut self) -> Option<(Vec<(char, char)>, bool)> {
        let letter = self.peek()?;
        self.at += 1;
        let one = |letter| Some((vec![(letter, letter)], false));
        match letter {
            'd' | 'D' => Some((vec![('0', '9')], letter == 'D')),
            'w' | 'W' => Some((WORD.to_vec(), letter == 'W')),
            's' | 'S' => Some((SPACE.to_vec(), letter == 'S')),
            'n' => one('\n'),
            't' => one('\t'),
            'r' => one('\r'),
            other if other.is_alphanumeric() => None,
            other => one(other),
        }
    }
}

const WORD: &[(char, char)] = &[('a', 'z'), ('A', 'Z'), ('0', '9'), ('_', '_')];
const SPACE: &[(char, char)] = &[(' ', ' '), ('\t', '\r')];
