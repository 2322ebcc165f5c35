use super::{namespace, problem};
use crate::Level;
use allod_facts::Diagnostic;
use regorus::Value;
use regorus::unstable::{Expr, Module, Ref, Rule as Ast, RuleHead};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A rule that is asked: all definitions of one name in one namespace.
#[derive(Clone, Debug)]
pub struct Rule {
    pub namespace: String,
    /// `deny`, `warn_latest_tag`.
    pub name: String,
    pub level: Level,
    /// Where it is defined, in the order of the files.
    pub places: Vec<Place>,
    /// Whether the namespace has exceptions.
    pub(crate) has_exceptions: bool,
    /// The path below `data`.
    pub(crate) components: Vec<String>,
    /// The definitions, each with its module, as `places`.
    pub(crate) definitions: Vec<(Ref<Module>, Ref<Ast>)>,
}

/// A line of a rule file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub path: Arc<str>,
    /// From 1.
    pub line: u32,
}

/// The rules of the chosen namespaces, sorted. What has the name of a rule and could never give a message is reported.
pub(super) fn of(modules: &[Ref<Module>], namespaces: &[String], diagnostics: &mut Vec<Diagnostic>) -> Vec<Rule> {
    let mut rules: BTreeMap<(String, String), Rule> = BTreeMap::new();
    let mut with_exceptions = Vec::new();
    for module in modules {
        let Some(package) = path_of(&module.package.refr) else { continue };
        let namespace = namespace::name(&package);
        if !namespaces.iter().any(|pattern| namespace::fits(pattern, &namespace)) {
            continue;
        }
        for ast in &module.policy {
            let Some((name, goes_on)) = head_name(ast) else { continue };
            if name == "exception" {
                with_exceptions.push(namespace.clone());
            }
            let Some(level) = level_of(&name) else { continue };
            let span = ast.span();
            if goes_on || is_flag(ast) {
                let path = span.source.file().as_str();
                let message = format!("`{name}` gives no message");
                let hint = format!("`{name} contains msg if {{ ... }}`, or in the old syntax `{name}[msg] {{ ... }}`");
                diagnostics.push(Diagnostic { hint: Some(hint), ..problem("P041", path, span.line, message) });
                continue;
            }
            let rule = rules.entry((namespace.clone(), name.clone())).or_insert_with(|| Rule {
                namespace: namespace.clone(),
                name: name.clone(),
                level,
                places: Vec::new(),
                has_exceptions: false,
                components: package.iter().cloned().chain([name.clone()]).collect(),
                definitions: Vec::new(),
            });
            rule.places.push(Place { path: Arc::from(span.source.file().as_str()), line: span.line });
            rule.definitions.push((module.clone(), ast.clone()));
        }
    }
    let mut rules: Vec<Rule> = rules.into_values().collect();
    for rule in &mut rules {
        rule.has_exceptions = with_exceptions.contains(&rule.namespace);
    }
    rules
}

/// `deny`, `violation` and `warn`, alone or with words behind (`deny_root_user`).
fn level_of(name: &str) -> Option<Level> {
    let mut words = name.split('_');
    let level = match words.next()? {
        "deny" | "violation" => Level::Fail,
        "warn" => Level::Warn,
        _ => return None,
    };
    words.all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(level)
}

/// The name of a rule that is no function, and whether its head goes on behind the name (`deny.x`).
fn head_name(rule: &Ast) -> Option<(String, bool)> {
    let mut refr = match rule {
        Ast::Spec { head: RuleHead::Compr { refr, .. } | RuleHead::Set { refr, .. }, .. } => refr,
        Ast::Default { refr, args, .. } if args.is_empty() => refr,
        _ => return None,
    };
    let mut goes_on = false;
    while let Expr::RefBrack { refr: inner, .. } | Expr::RefDot { refr: inner, .. } = refr.as_ref() {
        (refr, goes_on) = (inner, true);
    }
    let Expr::Var { span, .. } = refr.as_ref() else { return None };
    Some((span.text().to_owned(), goes_on))
}

/// Whether a rule is only true: `deny if { ... }`.
fn is_flag(rule: &Ast) -> bool {
    match rule {
        Ast::Spec { head: RuleHead::Compr { assign, .. }, .. } => match assign {
            None => true,
            Some(assign) => matches!(assign.value.as_ref(), Expr::Bool { value: Value::Bool(true), .. }),
        },
        _ => false,
    }
}

/// The parts of a reference that is written out.
pub(super) fn path_of(refr: &Expr) -> Option<Vec<String>> {
    match refr {
        Expr::Var { span, .. } => Some(vec![span.text().to_owned()]),
        Expr::RefDot { refr, field, .. } => {
            let mut path = path_of(refr)?;
            path.push(field.0.text().to_owned());
            Some(path)
        }
        Expr::RefBrack { refr, index, .. } => {
            let Expr::String { value: Value::String(text), .. } = index.as_ref() else { return None };
            let mut path = path_of(refr)?;
            path.push(text.to_string());
            Some(path)
        }
        _ => None,
    }
}
