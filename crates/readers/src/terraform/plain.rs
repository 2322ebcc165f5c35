//! A configuration file as plain JSON, for rules that teams wrote against that shape: blocks by their labels, always in
//! lists; what is not written out as `${...}` with its source.
//!
//! Nothing is evaluated here. Source of the shape: hcl2json (`convert/convert.go`, without `simplify`).

use super::parse::parse;
use super::syntax::{Body, Expr, Kind, Op, Part};
use crate::node::Broken;
use serde_json::{Map, Number, Value};

/// Reads a file as JSON.
///
/// # Errors
/// The first place where the file breaks the syntax, or has blocks of one name with and without labels.
pub fn plain(text: &str) -> Result<Value, Broken> {
    let (body, broken) = parse(text);
    match broken {
        Some(broken) => Err(broken),
        None => Source { text }.body(&body).map(Value::Object),
    }
}

struct Source<'s> {
    text: &'s str,
}

impl Source<'_> {
    fn body(&self, body: &Body<'_>) -> Result<Map<String, Value>, Broken> {
        let mut out = Map::new();
        for block in &body.blocks {
            let inside = Value::Object(self.body(&block.body)?);
            let path = std::iter::once(&block.kind).chain(&block.labels);
            let mut names: Vec<&str> = path.map(|name| &**name).collect();
            let last = names.pop().unwrap_or_default();
            let mut at = &mut out;
            let mixed = || Broken {
                code: "D011",
                message: format!("blocks of `{}` have different numbers of labels", block.kind),
                line: block.line,
            };
            for name in names {
                let next = at.entry(name).or_insert_with(|| Value::Object(Map::new()));
                at = next.as_object_mut().ok_or_else(mixed)?;
            }
            let list = at.entry(last).or_insert_with(|| Value::Array(Vec::new()));
            list.as_array_mut().ok_or_else(mixed)?.push(inside);
        }
        for attribute in &body.attributes {
            out.insert(attribute.name.to_string(), self.value(&attribute.value));
        }
        Ok(out)
    }

    fn value(&self, expr: &Expr<'_>) -> Value {
        if self.source(expr).starts_with('(') {
            return Value::String(self.wrapped(expr));
        }
        match &expr.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Number(number) => number_of(*number),
            Kind::Unary(Op::Negate, inner) => match inner.kind {
                Kind::Number(number) => number_of(-number),
                _ => Value::String(self.wrapped(expr)),
            },
            Kind::Unary(Op::Not, inner) => match inner.kind {
                Kind::Bool(value) => Value::Bool(!value),
                _ => Value::String(self.wrapped(expr)),
            },
            Kind::Text(_) | Kind::Template(_) => Value::String(self.text(expr)),
            Kind::List(items) => Value::Array(items.iter().map(|item| self.value(item)).collect()),
            Kind::Object(items) => {
                Value::Object(items.iter().map(|item| (self.text(&item.key), self.value(&item.value))).collect())
            }
            _ => Value::String(self.wrapped(expr)),
        }
    }

    /// A piece of a text: literals as they are, conditions and loops as directives, everything else as its source.
    fn text(&self, expr: &Expr<'_>) -> String {
        match &expr.kind {
            Kind::Null => "null".into(),
            Kind::Bool(value) => value.to_string(),
            Kind::Number(number) => number_of(*number).to_string(),
            Kind::Text(text) => escaped(text),
            Kind::Template(parts) => self.parts(parts),
            Kind::If(all) => {
                let [condition, then, otherwise] = all.as_ref();
                self.condition(condition, &self.text(then), &self.text(otherwise))
            }
            _ => self.wrapped(expr),
        }
    }

    fn parts(&self, parts: &[Part<'_>]) -> String {
        let mut out = String::new();
        for part in parts {
            match part {
                Part::Text(text) => out.push_str(&escaped(text)),
                Part::Value(expr) => out.push_str(&self.text(expr)),
                Part::If(inner) => {
                    let (then, otherwise) = (self.parts(&inner.then), self.parts(&inner.otherwise));
                    out.push_str(&self.condition(&inner.condition, &then, &otherwise));
                }
                Part::For(inner) => {
                    let key = inner.key.as_ref().map(|key| format!("{key}, ")).unwrap_or_default();
                    let (value, source) = (&inner.value, self.source(&inner.source));
                    let body = self.parts(&inner.body);
                    out.push_str(&format!("%{{for {key}{value} in {source}}}{body}%{{endfor}}"));
                }
            }
        }
        out
    }

    fn condition(&self, condition: &Expr<'_>, then: &str, otherwise: &str) -> String {
        let condition = self.source(condition);
        let otherwise = if otherwise.is_empty() { String::new() } else { format!("%{{else}}{otherwise}") };
        format!("%{{if {condition}}}{then}{otherwise}%{{endif}}")
    }

    fn wrapped(&self, expr: &Expr<'_>) -> String {
        let source = self.source(expr);
        // `"${var.x}"` is the same as `var.x`.
        let inside = source.strip_prefix("\"${").and_then(|source| source.strip_suffix("}\""));
        format!("${{{}}}", inside.map_or(source, |inside| inside.trim_matches('~').trim()))
    }

    fn source(&self, expr: &Expr<'_>) -> &str {
        self.text.get(expr.span.0 as usize..expr.span.1 as usize).unwrap_or_default()
    }
}

/// Whole numbers are written without a point.
fn number_of(number: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        return Value::Number(Number::from(number as i64));
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

/// What looks like a template in a literal text is none.
fn escaped(text: &str) -> String {
    text.replace("${", "$${").replace("%{", "%%{")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn blocks_labels_and_sources() {
        let text = r#"
a = 1
b = -2.5
c = "x-${var.y}-$${z}"
d = [for s in var.list : upper(s)]
e = var.on ? "a" : "b"
f = { k = "v", "q r" = var.y[0].z, (var.n) = 1 }
g = "${var.only}"
h = "n-${var.on ? "a" : var.b}"
i = (1 + 2) * 3
j = !true
k = [null, true, "${ upper(var.y) }"]
m = <<-EOT
  one ${var.y}
  %{ if var.on }two%{ endif }
EOT
resource "t" "n" {
  inner { x = 1 }
  inner { x = f(var.y) }
}
locals { }
locals { z = 1 }
"#;
        let expected = json!({
            "a": 1, "b": -2.5, "c": "x-${var.y}-$${z}",
            "d": "${[for s in var.list : upper(s)]}",
            "e": "${var.on ? \"a\" : \"b\"}",
            "f": {"k": "v", "q r": "${var.y[0].z}", "${(var.n)}": 1},
            "g": "${var.only}",
            "h": "n-%{if var.on}a%{else}${var.b}%{endif}",
            "i": "${(1 + 2) * 3}", "j": false,
            "k": [null, true, "${upper(var.y)}"],
            "m": "one ${var.y}\n%{if var.on}two%{endif}\n",
            "resource": {"t": {"n": [{"inner": [{"x": 1}, {"x": "${f(var.y)}"}]}]}},
            "locals": [{}, {"z": 1}],
        });
        assert_eq!(plain(text).unwrap(), expected);
    }

    #[test]
    fn what_has_no_shape_is_an_error() {
        assert_eq!(plain("a {}\na \"b\" {}").unwrap_err().line, 2);
        assert_eq!(plain("a = [1\nb = 2").unwrap_err().code, "D004");
    }
}
