//! The functions that rules call: each must be there before anything is evaluated, because an evaluator that meets a
//! missing one inside a function may take it for undefined, and so for a pass.

use super::problem;
use super::rules::path_of;
use allod_facts::Diagnostic;
use regorus::unstable::{BUILTINS, Expr, Literal, Module, Query, Ref, Rule, RuleHead};
use std::collections::{BTreeMap, BTreeSet};

/// The only function that may look at a clock, when the caller gives one.
pub(super) const NOW: &str = "time.now_ns";

/// Functions of OPA that reach out, read the environment or differ from run to run.
const OUTWARD: &[&str] =
    &["http.send", "net.lookup_ip_addr", "opa.runtime", "rand.intn", "uuid.rfc4122", "rego.parse_module", NOW];

pub(super) fn check(modules: &[Ref<Module>], has_clock: bool) -> Vec<Diagnostic> {
    let functions: BTreeSet<String> = modules.iter().flat_map(|module| defined(module)).collect();
    let mut diagnostics = Vec::new();
    let mut calls_of: BTreeMap<String, Vec<Called>> = BTreeMap::new();
    for module in modules {
        let scope = Scope::of(module);
        for rule in &module.policy {
            let mut found = Vec::new();
            visit_rule(rule, &mut |path, span| found.push((path, span.source.file().to_owned(), span.line)));
            for (path, file, line) in found {
                match scope.resolve(&path, &functions) {
                    Some(function) => {
                        if let Some(own) = function_name(module, rule) {
                            calls_of.entry(own).or_default().push(Called { function, file, line });
                        }
                    }
                    None => diagnostics.extend(missing(&path.join("."), &file, line, has_clock)),
                }
            }
        }
    }
    diagnostics.extend(recursion(&calls_of));
    diagnostics
}

struct Called {
    function: String,
    file: String,
    line: u32,
}

fn missing(name: &str, file: &str, line: u32, has_clock: bool) -> Option<Diagnostic> {
    let outward = OUTWARD.contains(&name) && !(name == NOW && has_clock);
    if !outward && (BUILTINS.contains_key(name) || name == "print" || name == NOW) {
        return None;
    }
    let message = if outward {
        format!("`{name}` is not available: rules see their input and their data, and nothing else")
    } else {
        format!("there is no function `{name}`")
    };
    Some(problem("P042", file, line, message))
}

/// Functions that call themselves never end; Rego forbids them.
fn recursion(calls_of: &BTreeMap<String, Vec<Called>>) -> Option<Diagnostic> {
    for (start, calls) in calls_of {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&str> = calls.iter().map(|call| call.function.as_str()).collect();
        while let Some(function) = open.pop() {
            if function == start {
                let first = calls.first()?;
                let name = start.trim_start_matches("data.");
                return Some(problem("P041", &first.file, first.line, format!("`{name}` calls itself")));
            }
            if seen.insert(function) {
                open.extend(calls_of.get(function).into_iter().flatten().map(|call| call.function.as_str()));
            }
        }
    }
    None
}

/// What names mean inside a module.
struct Scope {
    package: String,
    imports: BTreeMap<String, String>,
}

impl Scope {
    fn of(module: &Module) -> Scope {
        let package = package_of(module);
        let mut imports = BTreeMap::new();
        for import in &module.imports {
            let Some(path) = path_of(&import.refr) else { continue };
            let alias = import.r#as.as_ref().map(|span| span.text().to_owned()).or_else(|| path.last().cloned());
            if let Some(alias) = alias.filter(|_| path.first().is_some_and(|root| root == "data")) {
                imports.insert(alias, path.join("."));
            }
        }
        Scope { package, imports }
    }

    fn resolve(&self, path: &[String], functions: &BTreeSet<String>) -> Option<String> {
        let (first, rest) = path.split_first()?;
        let written = path.join(".");
        let imported = self.imports.get(first).map(|target| {
            std::iter::once(target.as_str()).chain(rest.iter().map(String::as_str)).collect::<Vec<_>>().join(".")
        });
        let own = format!("{}.{written}", self.package);
        [Some(own), imported, Some(written)].into_iter().flatten().find(|name| functions.contains(name))
    }
}

fn package_of(module: &Module) -> String {
    let path = path_of(&module.package.refr).unwrap_or_default();
    std::iter::once("data".to_owned()).chain(path).collect::<Vec<_>>().join(".")
}

fn defined(module: &Module) -> Vec<String> {
    module.policy.iter().filter_map(|rule| function_name(module, rule)).collect()
}

fn function_name(module: &Module, rule: &Rule) -> Option<String> {
    let refr = match rule {
        Rule::Spec { head: RuleHead::Func { refr, .. }, .. } => refr,
        Rule::Default { refr, args, .. } if !args.is_empty() => refr,
        _ => return None,
    };
    Some(format!("{}.{}", package_of(module), path_of(refr)?.join(".")))
}

type Visit<'v> = dyn FnMut(Vec<String>, &regorus::unstable::Span) + 'v;

fn visit_rule(rule: &Rule, visit: &mut Visit<'_>) {
    match rule {
        Rule::Default { value, .. } => visit_expr(value, visit),
        Rule::Spec { head, bodies, .. } => {
            match head {
                RuleHead::Compr { refr, assign, .. } | RuleHead::Func { refr, assign, .. } => {
                    visit_expr(refr, visit);
                    assign.iter().for_each(|assign| visit_expr(&assign.value, visit));
                }
                RuleHead::Set { refr, key, .. } => {
                    visit_expr(refr, visit);
                    key.iter().for_each(|key| visit_expr(key, visit));
                }
            }
            for body in bodies {
                body.assign.iter().for_each(|assign| visit_expr(&assign.value, visit));
                visit_query(&body.query, visit);
            }
        }
    }
}

fn visit_query(query: &Query, visit: &mut Visit<'_>) {
    for statement in &query.stmts {
        match &statement.literal {
            Literal::SomeVars { .. } => {}
            Literal::SomeIn { key, value, collection, .. } => {
                key.iter().chain([value, collection]).for_each(|expr| visit_expr(expr, visit));
            }
            Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => visit_expr(expr, visit),
            Literal::Every { domain, query, .. } => {
                visit_expr(domain, visit);
                visit_query(query, visit);
            }
        }
        for with in &statement.with_mods {
            visit_expr(&with.r#as, visit);
        }
    }
}

/// The parser limits the depth of expressions, so that this recursion ends.
fn visit_expr(expr: &Expr, visit: &mut Visit<'_>) {
    match expr {
        Expr::Call { span, fcn, params, .. } => {
            if let Some(path) = path_of(fcn) {
                visit(path, span);
            }
            params.iter().for_each(|param| visit_expr(param, visit));
        }
        Expr::Array { items, .. } | Expr::Set { items, .. } => items.iter().for_each(|item| visit_expr(item, visit)),
        Expr::Object { fields, .. } => fields.iter().for_each(|(_, key, value)| {
            visit_expr(key, visit);
            visit_expr(value, visit);
        }),
        Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
            visit_expr(term, visit);
            visit_query(query, visit);
        }
        Expr::ObjectCompr { key, value, query, .. } => {
            visit_expr(key, visit);
            visit_expr(value, visit);
            visit_query(query, visit);
        }
        Expr::UnaryExpr { expr, .. } => visit_expr(expr, visit),
        Expr::RefDot { refr, .. } => visit_expr(refr, visit),
        Expr::RefBrack { refr, index, .. } => {
            visit_expr(refr, visit);
            visit_expr(index, visit);
        }
        Expr::BinExpr { lhs, rhs, .. }
        | Expr::BoolExpr { lhs, rhs, .. }
        | Expr::ArithExpr { lhs, rhs, .. }
        | Expr::AssignExpr { lhs, rhs, .. } => {
            visit_expr(lhs, visit);
            visit_expr(rhs, visit);
        }
        Expr::Membership { key, value, collection, .. } => {
            key.iter().chain([value, collection]).for_each(|expr| visit_expr(expr, visit));
        }
        Expr::String { .. }
        | Expr::RawString { .. }
        | Expr::Number { .. }
        | Expr::Bool { .. }
        | Expr::Null { .. }
        | Expr::Var { .. } => {}
    }
}
