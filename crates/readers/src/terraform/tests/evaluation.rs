use super::*;
use crate::terraform::eval::{Each, Evaluator, Scope};
use crate::terraform::value::{Data, Value};

/// The value of an expression in a module with these declarations, as text.
fn value(declarations: &str, expression: &str) -> String {
    let mut files = Files::new();
    let text = format!("{declarations}\noutput \"out\" {{\n  value = {expression}\n}}\n");
    files.insert("m/main.tf", text.as_bytes());
    files.insert("m/greeting.tftpl", &b"hi %{ for n in names }${n},%{ endfor }${end}"[..]);
    files.insert("m/data/a.json", &br#"{"k": [1, "x"]}"#[..]);
    files.insert("m/data/deep/b.json", &b"{}"[..]);
    let mut diagnostics = Vec::new();
    let loaded = module::load(&files, &["m/main.tf"], &mut diagnostics);
    let tree = module::build(&loaded, &files);
    assert!(diagnostics.is_empty() && tree.diagnostics.is_empty(), "{:?} in {text}", tree.diagnostics);
    let eval = Evaluator::new(&tree, &files, 1);
    let module = &tree.modules["m"];
    let instance = eval.root(module);
    let output = &module.outputs["out"];
    let scope = Scope { instance: &instance, file: output.file, each: &Each::default(), bound: None };
    show(&eval.eval(&output.value, scope))
}

fn show(value: &Value) -> String {
    match &value.data {
        Data::Unknown(unknown) => format!("?{} {}", unknown.code, unknown.reason),
        Data::Text(text) => format!("{text:?}"),
        Data::Null => "null".into(),
        Data::Bool(truth) => truth.to_string(),
        Data::Number(number) => crate::terraform::value::number_text(*number),
        Data::List(list) => format!("[{}]", list.items.iter().map(show).collect::<Vec<_>>().join(", ")),
        Data::Object(fields) => {
            let mut all: Vec<String> =
                fields.map.iter().map(|(key, value)| format!("{key}: {}", show(value))).collect();
            all.extend(fields.rest.as_ref().map(|rest| format!("..?{}", rest.code)));
            format!("{{{}}}", all.join(", "))
        }
    }
}

fn check(expression: &str, expect: &str) {
    assert_eq!(value("", expression), expect, "{expression}");
}

#[test]
fn operators_and_conditionals() {
    check("1 + 2 * 3 - 4 / 2", "5");
    check("-(1 + 2) % 2", "-1");
    check("!true || 1 < 2 && 2 >= 2", "true");
    check("\"a\" == \"a\" ? \"yes\" : \"no\"", "\"yes\"");
    check("1 == \"1\"", "true");
    check("[1, 2] == [1, 2]", "true");
    check("true ? 1 : var.none", "1");
    check("false && var.none", "false");
    check("var.none ? \"same\" : \"same\"", "\"same\"");
    check("1 / 0", "?failed a number has no finite value");
}

#[test]
fn texts_and_templates() {
    check("\"a${1 + 1}b\\n\\\"$${x}\\u00e9\"", "\"a2b\\n\\\"${x}é\"");
    check("\"%{ if true }x%{ else }y%{ endif }\"", "\"x\"");
    check("\"%{ for k, v in {a = 1, b = 2} ~} ${k}=${v};%{ endfor }\"", "\"a=1;b=2;\"");
    check("\"${[1]}\"", "[1]");
    check("<<-EOT\n    one\n      two ${1}\n  EOT", "\"one\\n  two 1\\n\"");
    check("<<EOT\n a\nEOT", "\" a\\n\"");
    check("\"https://${var.none}.example.net\"", "?U001 `var.none` is not declared");
}

#[test]
fn collections_and_references() {
    check("{a = 1, \"b\" : 2, (\"c\") = 3}[\"c\"]", "3");
    check("[for s in [\"a\", \"b\"] : upper(s) if s != \"a\"]", "[\"B\"]");
    check("{for i, v in [\"x\", \"y\"] : v => i}", "{x: 0, y: 1}");
    check("{for v in [\"x\", \"y\", \"xx\"] : substr(v, 0, 1) => v...}", "{x: [\"x\", \"xx\"], y: [\"y\"]}");
    check("[{a = 1}, {a = 2}][*].a", "[1, 2]");
    check("[{a = [1]}, {a = [2]}].*.a[0]", "[1]");
    check("[1, 2].1", "2");
    check("{a = 1}.b", "?failed there is no `b`");
}

#[test]
fn unknowns_stay_partial() {
    let declarations = "locals {\n  o = { known = \"k\", open = var.none }\n}\n";
    assert_eq!(value(declarations, "local.o.known"), "\"k\"");
    assert_eq!(value(declarations, "merge({a = 1}, local.o).a"), "1");
    assert_eq!(value(declarations, "merge({a = 1}, var.none).a"), "?U001 `var.none` is not declared");
    assert_eq!(value(declarations, "merge(var.none, {a = 1}).a"), "1");
    assert_eq!(value(declarations, "keys(local.o)"), "[\"known\", \"open\"]");
    assert_eq!(value(declarations, "jsonencode(local.o)"), "?U001 `var.none` is not declared");
    let resource = "resource \"aws_s3_bucket\" \"b\" {\n  bucket = \"logs\"\n}\n";
    assert_eq!(value(resource, "aws_s3_bucket.b.bucket"), "\"logs\"");
    assert_eq!(value(resource, "aws_s3_bucket.b.arn"), "?U005 `aws_s3_bucket.b` has it only after apply");
}

#[test]
fn errors_are_told_from_unknowns() {
    check("try({}.a, \"fallback\")", "\"fallback\"");
    check("try(var.none, \"fallback\")", "?U001 `var.none` is not declared");
    check("can({}.a)", "false");
    check("can(1)", "true");
    check("coalesce(null, \"\", \"x\")", "\"x\"");
    check("lookup({a = 1}, \"b\", 2)", "2");
    check("timestamp()", "?U005 `timestamp` gives its value only when it is run");
    check("sha256(\"x\")", "?U002 the function `sha256` is not evaluated");
}

#[test]
fn functions_of_text() {
    check("format(\"%s-%03d-%q-%v-%%\", \"a\", 7, \"b\", true)", "\"a-007-\\\"b\\\"-true-%\"");
    check("formatlist(\"%s.%s\", [\"a\", \"b\"], \"c\")", "[\"a.c\", \"b.c\"]");
    check("join(\"-\", [\"a\", 1])", "\"a-1\"");
    check("split(\",\", \"a,b\")", "[\"a\", \"b\"]");
    check("replace(\"a-b\", \"-\", \"_\")", "\"a_b\"");
    check("replace(\"a1b22\", \"/[0-9]+/\", \"<$0>\")", "\"a<1>b<22>\"");
    check("regex(\"(\\\\d+)-(?:x)\", \"12-x\")", "[\"12\"]");
    check("regex(\"(?P<y>\\\\d+)\", \"a12\").y", "\"12\"");
    check("regexall(\"[a-z]+\", \"ab1c\")", "[\"ab\", \"c\"]");
    check("title(\"hello world\")", "\"Hello World\"");
    check("trimsuffix(\"a.com.\", \".\")", "\"a.com\"");
    check("substr(\"hello\", -3, 2)", "\"ll\"");
    check("startswith(\"abc\", \"ab\")", "true");
    check("indent(2, \"a\\nb\")", "\"a\\n  b\"");
}

#[test]
fn functions_of_collections() {
    check("concat([1], [2, 3])", "[1, 2, 3]");
    check("flatten([[1, [2]], 3])", "[1, 2, 3]");
    check("distinct([\"b\", \"a\", \"b\"])", "[\"b\", \"a\"]");
    check("toset([\"b\", \"a\", \"b\"])", "[\"a\", \"b\"]");
    check("setproduct([\"a\", \"b\"], [1])", "[[\"a\", 1], [\"b\", 1]]");
    check("setsubtract([\"a\", \"b\"], [\"a\"])", "[\"b\"]");
    check("zipmap([\"a\"], [1])", "{a: 1}");
    check("element([1, 2, 3], 4)", "2");
    check("slice([1, 2, 3], 1, 3)", "[2, 3]");
    check("range(1, 7, 2)", "[1, 3, 5]");
    check("chunklist([1, 2, 3], 2)", "[[1, 2], [3]]");
    check("compact([\"a\", \"\", null])", "[\"a\"]");
    check("sort([\"b\", \"a\"])", "[\"a\", \"b\"]");
    check("contains([1, 2], 2)", "true");
    check("one([5])", "5");
    check("sum([1, 2])", "3");
    check("max([1, 5]...)", "5");
    check("transpose({a = [\"x\"], b = [\"x\"]})", "{x: [\"a\", \"b\"]}");
    check("alltrue([true, false])", "false");
}

#[test]
fn functions_of_encodings_and_networks() {
    check("jsonencode({b = [1, null], a = \"x\\\"\"})", "\"{\\\"a\\\":\\\"x\\\\\\\"\\\",\\\"b\\\":[1,null]}\"");
    check("jsondecode(\"{\\\"a\\\": [1, true]}\").a", "[1, true]");
    check("yamldecode(\"a:\\n  - 1\\n\").a[0]", "1");
    check("base64decode(base64encode(\"höhe\"))", "\"höhe\"");
    check("urlencode(\"a b/ü\")", "\"a+b%2F%C3%BC\"");
    check("csvdecode(\"a,b\\n1,2\\n\")[0].b", "\"2\"");
    check("cidrsubnet(\"10.0.0.0/16\", 8, 3)", "\"10.0.3.0/24\"");
    check("cidrsubnet(\"fd00:db9::/48\", 16, 2)", "\"fd00:db9:0:2::/64\"");
    check("cidrhost(\"10.1.0.0/24\", -2)", "\"10.1.0.254\"");
    check("cidrnetmask(\"10.0.0.0/12\")", "\"255.240.0.0\"");
    check("cidrsubnets(\"10.0.0.0/16\", 8, 4, 8)", "[\"10.0.0.0/24\", \"10.0.16.0/20\", \"10.0.32.0/24\"]");
    check("cidrsubnet(\"10.0.0.0/16\", 60, 3)", "?failed a function has arguments of the wrong type");
    check("parseint(\"ff\", 16)", "255");
}

#[test]
fn functions_of_files() {
    check("jsondecode(file(\"${path.module}/data/a.json\")).k[1]", "\"x\"");
    check("fileexists(\"data/none.json\")", "false");
    check("fileset(path.module, \"data/**/*.json\")", "[\"data/a.json\", \"data/deep/b.json\"]");
    check("fileset(\"data\", \"*.json\")", "[\"a.json\"]");
    check("templatefile(\"greeting.tftpl\", {names = [\"a\", \"b\"], end = \"!\"})", "\"hi a,b,!\"");
    check("basename(abspath(path.root))", "\"m\"");
    check("file(\"../../secret\")", "?U002 a file lies outside the tree");
    check("file(\"none\")", "?failed `m/none` is not in the tree");
}

#[test]
fn types_fill_in_optional_attributes() {
    let declarations = "variable \"v\" {\n  type = map(object({ region = optional(string, \"eu\"), n = optional(number) }))\n  \
                        default = { a = {}, b = { region = \"us\", n = \"3\" } }\n}\n";
    assert_eq!(value(declarations, "var.v"), "{a: {n: null, region: \"eu\"}, b: {n: 3, region: \"us\"}}");
    let set = "variable \"s\" {\n  type = set(string)\n  default = [\"b\", \"a\", \"b\"]\n}\n";
    assert_eq!(value(set, "var.s"), "[\"a\", \"b\"]");
}

#[test]
fn circles_end() {
    let declarations = "locals {\n  a = local.b\n  b = local.a\n}\n";
    assert_eq!(value(declarations, "local.a"), "?U002 `local.a` leads back to itself");
}
