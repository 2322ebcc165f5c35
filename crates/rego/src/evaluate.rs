use crate::Document;
use crate::document::to_json;
use crate::error::{Error, located};
use crate::limits::MAX_RESULTS;
use crate::policies::{ByComponents, Place, Policies, Rule};
use regorus::{Engine, Value};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a rule says about a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    pub level: Level,
    /// The package of the rule.
    pub namespace: String,
    pub rule: String,
    pub message: String,
    /// What the rule gave beside its message.
    pub details: Map<String, Json>,
    /// The file that was looked at.
    pub input: Arc<str>,
    /// The file and line that the rule itself names (`_loc`).
    pub location: Option<(Option<String>, Option<u32>)>,
    /// The definition that gave the message; of several that give the same one, the first.
    pub place: Option<Place>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// `deny` and `violation`.
    Fail,
    Warn,
    /// The rule was not asked, because an `exception` names it.
    Excepted,
}

impl Policies {
    /// Asks every rule about a document, part by part: sorted by rule, then as the rule gives them.
    ///
    /// A rule gives a set or list of messages: texts, or objects with `msg`. Differently from conftest, anything else is
    /// an error and not a pass.
    ///
    /// # Errors
    /// When the rules are not usable, when one cannot be evaluated, and at the limits. No part of the answer is given
    /// then: a half one could be taken for the whole.
    pub fn evaluate(&self, document: &Document) -> Result<Vec<Violation>, Error> {
        if !self.is_usable() {
            return Err(Error::Unusable);
        }
        let mut run = Run {
            policies: self,
            engine: self.engine.clone(),
            input: &document.path,
            started: Instant::now(),
            violations: Vec::new(),
        };
        if self.reads_file_name {
            run.tell_file_name()?;
        }
        for part in &document.parts {
            run.engine.set_input(part.clone());
            for rule in &self.rules {
                run.ask(rule)?;
            }
        }
        Ok(run.violations)
    }
}

struct Run<'a> {
    policies: &'a Policies,
    engine: Engine,
    input: &'a Arc<str>,
    started: Instant,
    violations: Vec<Violation>,
}

impl Run<'_> {
    fn ask(&mut self, rule: &Rule) -> Result<(), Error> {
        if rule.has_exceptions && self.is_excepted(rule)? {
            let message = format!("excepted by `{}.exception`", rule.namespace);
            let excepted = self.violation(rule, message);
            self.violations.push(Violation { level: Level::Excepted, ..excepted });
            return Ok(());
        }
        let answer = self.eval(rule, &rule.components)?;
        let results = results_of(&answer).map_err(|found| self.wrong_shape(rule, found))?;
        if results.len() > MAX_RESULTS {
            return Err(Error::Results { rule: rule.name.clone(), input: self.input.clone(), limit: MAX_RESULTS });
        }
        let places = if results.is_empty() { BTreeMap::new() } else { self.places(rule) };
        for result in &results {
            let violation = self.read(rule, result)?;
            // Of one definition alone the place is known.
            let place = if rule.places.len() > 1 { places.get(result).cloned() } else { violation.place };
            self.violations.push(Violation { place, ..violation });
        }
        Ok(())
    }

    fn read(&self, rule: &Rule, result: &Value) -> Result<Violation, Error> {
        match result {
            Value::String(message) => Ok(self.violation(rule, message.to_string())),
            Value::Object(_) => {
                let Json::Object(mut details) = to_json(result) else {
                    return Err(self.wrong_shape(rule, "an object".into()));
                };
                let Some(Json::String(message)) = details.remove("msg") else {
                    return Err(self.wrong_shape(rule, "an object without the text `msg`".into()));
                };
                let location = details.remove("_loc").and_then(|place| location(&place));
                Ok(Violation { details, location, ..self.violation(rule, message) })
            }
            other => Err(self.wrong_shape(rule, kind_of(other).into())),
        }
    }

    fn violation(&self, rule: &Rule, message: String) -> Violation {
        Violation {
            level: rule.level,
            namespace: rule.namespace.clone(),
            rule: rule.name.clone(),
            message,
            details: Map::new(),
            input: self.input.clone(),
            location: None,
            place: rule.places.first().cloned(),
        }
    }

    /// Which of several definitions gives which message. The first one is looked up last, so that it wins.
    fn places(&mut self, rule: &Rule) -> BTreeMap<Value, Place> {
        let mut places = BTreeMap::new();
        if rule.definitions.len() < 2 {
            return places;
        }
        for ((module, definition), place) in rule.definitions.iter().zip(&rule.places).rev() {
            // An error costs the line only: the messages are known already.
            let Ok(data) = self.engine.eval_rule_in_module(module, definition, false) else { continue };
            let answer = rule.components.iter().try_fold(&data, |value, key| match value {
                Value::Object(fields) => fields.get(&Value::from(key.as_str())),
                _ => None,
            });
            let Some(answer) = answer else { continue };
            places.extend(results_of(answer).unwrap_or_default().into_iter().map(|one| (one, place.clone())));
        }
        places
    }

    /// Whether `exception[_][_]` is the name of the rule behind its first word (`""` for a bare `deny`).
    fn is_excepted(&mut self, rule: &Rule) -> Result<bool, Error> {
        let mut path = rule.components.clone();
        path.pop();
        path.push("exception".into());
        let wanted = rule.name.split_once('_').map_or("", |(_, rest)| rest);
        let exceptions = self.eval(rule, &path)?;
        let names =
            |inner: &Value| elements(inner).iter().any(|name| matches!(name, Value::String(name) if **name == *wanted));
        Ok(elements(&exceptions).iter().any(names))
    }

    fn eval(&mut self, rule: &Rule, components: &[String]) -> Result<Value, Error> {
        let limit_ms = self.policies.options.time_limit_ms;
        let too_long = || Error::Time { input: self.input.clone(), limit_ms };
        let answer = self.engine.eval_rule_by_components(components);
        if self.started.elapsed() > Duration::from_millis(limit_ms) {
            return Err(too_long());
        }
        answer.map_err(|error| {
            let found = located(error.as_ref());
            Error::Rule {
                rule: format!("{}.{}", rule.namespace, rule.name),
                input: self.input.clone(),
                policy: found.place,
                message: found.message,
            }
        })
    }

    /// `data.conftest.file` says which file is looked at: its name and its folder, as given.
    fn tell_file_name(&mut self) -> Result<(), Error> {
        let (folder, name) = self.input.rsplit_once('/').unwrap_or((".", self.input));
        let object = |key: &str, value: Value| Value::from(BTreeMap::from([(Value::from(key), value)]));
        let file =
            BTreeMap::from([(Value::from("name"), Value::from(name)), (Value::from("dir"), Value::from(folder))]);
        self.engine.add_data(object("conftest", object("file", Value::from(file)))).map_err(|error| Error::Rule {
            rule: "data.conftest.file".into(),
            input: self.input.clone(),
            policy: None,
            message: located(error.as_ref()).message,
        })
    }

    fn wrong_shape(&self, rule: &Rule, found: String) -> Error {
        Error::Shape { rule: format!("{}.{}", rule.namespace, rule.name), input: self.input.clone(), found }
    }
}

/// The messages of a rule, or what it gave instead.
fn results_of(answer: &Value) -> Result<Vec<Value>, String> {
    match answer {
        Value::Undefined | Value::Bool(false) => Ok(Vec::new()),
        Value::Set(_) | Value::Array(_) => Ok(elements(answer)),
        Value::Object(fields) if fields.is_empty() => Ok(Vec::new()),
        other => Err(kind_of(other).into()),
    }
}

/// What `value[_]` goes through.
fn elements(value: &Value) -> Vec<Value> {
    match value {
        Value::Set(items) => items.iter().cloned().collect(),
        Value::Array(items) => items.iter().cloned().collect(),
        Value::Object(fields) => fields.iter().map(|(_, value)| value.clone()).collect(),
        _ => Vec::new(),
    }
}

fn location(place: &Json) -> Option<(Option<String>, Option<u32>)> {
    let file = place.get("file").and_then(Json::as_str).map(str::to_owned);
    let line = place.get("line").and_then(Json::as_u64).and_then(|line| u32::try_from(line).ok());
    (file.is_some() || line.is_some()).then_some((file, line))
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text instead of a set",
        Value::Array(_) => "a list",
        Value::Set(_) => "a set",
        Value::Object(_) => "an object instead of a set",
        Value::Undefined => "nothing",
    }
}
