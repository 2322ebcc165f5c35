use super::Check;
use crate::review::{Remark, from_folder, remark};
use crate::sarif::{level, result};
use crate::{github as of_github, gitlab as of_gitlab};
use allod_facts::{Evidence, Severity as Weight, code};
use allod_rules::{Severity, Violation};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write;

/// Writes violations as workflow commands of GitHub Actions, the gravest first. `folder` is the checked root as seen
/// from the root of the repository.
///
/// # Errors
/// What writing gives.
pub fn github(check: &Check, folder: &str, out: &mut dyn Write) -> std::io::Result<()> {
    of_github::commands(&remarks(check), folder, out)
}

/// Writes violations as a GitLab Code Quality report.
///
/// # Errors
/// What writing gives.
pub fn gitlab(check: &Check, folder: &str, out: &mut dyn Write) -> std::io::Result<()> {
    of_gitlab::report(&remarks(check), folder, out)
}

fn remarks(check: &Check) -> Vec<Remark<'_>> {
    let violations = check.violations.iter().map(|one| {
        let subject = [one.requirement, one.cause.as_str()];
        remark(&one.rule, weight(one.severity), sentence(one).into(), subject, one.evidence.as_ref())
    });
    let told = check.diagnostics.iter().map(|one| Remark {
        code: one.code,
        severity: one.severity,
        message: one.message.as_str().into(),
        subject: ["", ""],
        path: Some(&one.path),
        line: one.line,
        end_line: one.line,
    });
    violations.chain(told).collect()
}

fn weight(severity: Severity) -> Weight {
    match severity {
        Severity::Deny => Weight::Error,
        Severity::Warn => Weight::Warning,
    }
}

/// All that a reviewer needs, in one text: what failed, why it matters, what would pass.
fn sentence(one: &Violation) -> String {
    let mut text = one.message.clone();
    if let Some(why) = &one.why {
        text.push_str(&format!(" (why: {why})"));
    }
    if !one.way_out.is_empty() {
        text.push_str(&format!("; way out: {}", one.way_out.join("; or ")));
    }
    text
}

/// Writes violations as SARIF 2.1.0; excepted ones and those that were there before are suppressed results.
/// Source: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>.
///
/// # Errors
/// What writing gives.
pub fn sarif(check: &Check, folder: &str, out: &mut dyn Write) -> std::io::Result<()> {
    let of = |one: &Violation| {
        let seen: Vec<Evidence> = one.evidence.iter().cloned().collect();
        result(&one.rule, level(weight(one.severity)), &sentence(one), folder, &seen)
    };
    let mut results: Vec<Value> = check.violations.iter().map(of).collect();
    for one in &check.excepted {
        let why = format!("until {}, by {}: {}", one.until, one.by, one.why);
        results.push(suppressed(of(&one.violation), &why));
    }
    let before = check.before_is.as_deref().unwrap_or_default();
    results.extend(check.before.iter().map(|one| suppressed(of(one), &format!("there before: {before}"))));
    for one in check.diagnostics.iter() {
        let seen = Evidence { path: one.path.clone(), line: one.line, end_line: one.line, reader: "" };
        results.push(result(one.code, level(one.severity), &one.message, folder, &[seen]));
    }
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "allod", "version": env!("CARGO_PKG_VERSION"), "rules": rules_of(check) } },
            "columnKind": "utf16CodeUnits",
            "results": results,
        }],
    });
    serde_json::to_writer_pretty(&mut *out, &log).map_err(std::io::Error::from)?;
    out.write_all(b"\n")
}

/// All rules that were asked, and whatever else a result can name: policies of the user, codes of diagnostics.
fn rules_of(check: &Check) -> Vec<Value> {
    let asked = check.rules.iter().map(|rule| (rule.id.as_str(), rule.why.as_deref(), weight(rule.severity)));
    let excepted = check.excepted.iter().map(|one| &one.violation);
    let broken = check.violations.iter().chain(excepted).chain(&check.before);
    let broken = broken.map(|one| (one.rule.as_str(), one.why.as_deref(), weight(one.severity)));
    let told = check.diagnostics.iter().map(|one| (one.code, code(one.code).map(|code| code.summary), one.severity));
    let mut seen = BTreeSet::new();
    let once = asked.chain(broken).chain(told).filter(|(id, ..)| seen.insert(*id));
    once.map(|(id, why, severity)| {
        let default = json!({ "level": level(severity) });
        json!({ "id": id, "shortDescription": { "text": why.unwrap_or(id) }, "defaultConfiguration": default })
    })
    .collect()
}

fn suppressed(mut result: Value, why: &str) -> Value {
    if let Some(fields) = result.as_object_mut() {
        fields.insert("suppressions".into(), json!([{ "kind": "external", "justification": why }]));
    }
    result
}

/// Writes rules as test cases of JUnit XML: a rule that is broken has one failure for each violation; one that is about
/// nothing is skipped.
/// Source of the format as readers take it: <https://github.com/testmoapp/junitxml>.
///
/// # Errors
/// What writing gives.
pub fn junit(check: &Check, folder: &str, out: &mut dyn Write) -> std::io::Result<()> {
    let cases = cases(check, folder);
    let failures = cases.iter().filter(|case| !case.failures.is_empty()).count();
    let skipped = cases.iter().filter(|case| case.skipped.is_some()).count();
    let mut xml = Writer::new_with_indent(out, b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let tests = cases.len().to_string();
    let failures = failures.to_string();
    let skipped = skipped.to_string();
    let counts = [("tests", tests.as_str()), ("failures", failures.as_str()), ("errors", "0"), ("skipped", &skipped)];
    xml.create_element("testsuites").with_attribute(("name", "allod check")).write_inner_content(|xml| {
        xml.create_element("testsuite")
            .with_attribute(("name", xml_text(&check.root).as_str()))
            .with_attributes(counts)
            .write_inner_content(|xml| cases.iter().try_for_each(|case| case.write(xml)))?;
        Ok(())
    })?;
    xml.into_inner().write_all(b"\n")
}

/// A text without the letters that no XML 1.0 can have, however they are escaped; they stand as what cannot be shown.
/// Source: <https://www.w3.org/TR/xml/#charsets>.
fn xml_text(text: &str) -> String {
    let is_none = |letter: char| matches!(letter, '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    text.chars().map(|letter| if is_none(letter) { char::REPLACEMENT_CHARACTER } else { letter }).collect()
}

struct Case {
    rule: String,
    failures: Vec<String>,
    skipped: Option<String>,
}

impl Case {
    fn write<W: Write>(&self, xml: &mut Writer<W>) -> std::io::Result<()> {
        let case = xml.create_element("testcase").with_attribute(("name", xml_text(&self.rule).as_str()));
        let case = case.with_attribute(("classname", "allod"));
        case.write_inner_content(|xml| {
            // Several readers take one failure of a case: the first says how many there are.
            if let Some(first) = self.failures.first() {
                let message = match self.failures.len() {
                    1 => first.clone(),
                    more => format!("{first} (and {} more)", more - 1),
                };
                xml.create_element("failure")
                    .with_attribute(("message", xml_text(&message).as_str()))
                    .write_text_content(BytesText::new(&xml_text(&self.failures.join("\n"))))?;
            }
            if let Some(why) = &self.skipped {
                xml.create_element("skipped").with_attribute(("message", why.as_str())).write_empty()?;
            }
            Ok(())
        })?;
        Ok(())
    }
}

/// Denials fail; warnings, exceptions and old violations are told in other formats.
fn cases(check: &Check, folder: &str) -> Vec<Case> {
    let mut names: Vec<&str> = check.rules.iter().map(|rule| rule.id.as_str()).collect();
    let more = check.violations.iter().map(|one| one.rule.as_str());
    for name in more {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let each = names.into_iter().map(|name| {
        let of = check.violations.iter().filter(|one| one.rule == name && one.severity == Severity::Deny);
        let failures: Vec<String> = of.map(|one| format!("{}: {}", place(one, folder), sentence(one))).collect();
        let about = check.rules.iter().find(|rule| rule.id == name);
        let nothing = failures.is_empty() && about.is_some_and(|rule| rule.selected == 0);
        let skipped = nothing.then(|| "the rule is about no component".to_owned());
        Case { rule: name.to_owned(), failures, skipped }
    });
    each.collect()
}

fn place(one: &Violation, folder: &str) -> String {
    one.evidence.as_ref().map_or_else(String::new, |seen| format!("{}:{}", from_folder(folder, &seen.path), seen.line))
}
