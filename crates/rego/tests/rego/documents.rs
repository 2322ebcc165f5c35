use crate::document;
use allod_rego::{Document, Kind};

fn json(path: &str, text: &str) -> String {
    document(path, text).to_json().to_string()
}

#[test]
fn kinds_by_name() {
    for (path, kind) in [
        ("a/Dockerfile", Some(Kind::Dockerfile)),
        ("Dockerfile.dev", Some(Kind::Dockerfile)),
        ("dev.Dockerfile", Some(Kind::Dockerfile)),
        ("docker-compose.yml", Some(Kind::Yaml)),
        ("main.tf", Some(Kind::Hcl)),
        ("prod.tfvars", Some(Kind::Hcl)),
        (".env", Some(Kind::Dotenv)),
        (".env.prod", Some(Kind::Dotenv)),
        ("prod.env", Some(Kind::Dotenv)),
        ("plan.json", Some(Kind::Json)),
        ("a.toml", Some(Kind::Toml)),
        ("Jenkinsfile", None),
        ("README", None),
    ] {
        assert_eq!(Kind::of(path), kind, "{path}");
    }
}

#[test]
fn yaml_is_that_of_go() {
    for (text, expected) in [
        ("a: yes\nb: 'yes'\nc: Off\non: push\n", r#"[{"a":true,"b":"yes","c":false,"true":"push"}]"#),
        (
            "a: 0755\nb: 0o17\nc: 0x1F\nd: 1_000\ne: 08\nf: 0b11\ng: -0x10\n",
            r#"[{"a":493,"b":15,"c":31,"d":1000,"e":8,"f":3,"g":-16}]"#,
        ),
        (
            "a: 1.50\nb: .5\nc: 1e3\nd: 1.2.3\ne: +5\nf: 12e\ng: -x\nh: 1:2\n",
            r#"[{"a":1.5,"b":0.5,"c":1000,"d":"1.2.3","e":5,"f":"12e","g":"-x","h":"1:2"}]"#,
        ),
        (
            "a: 2020-01-01\nb: 18446744073709551615\nc: !!str 12\nd: ~\ne:\n",
            r#"[{"a":"2020-01-01","b":18446744073709551615,"c":"12","d":null,"e":null}]"#,
        ),
        ("1: a\n2.5: b\nfalse: c\na: 1\na: 2\n", r#"[{"1":"a","2.5":"b","a":2,"false":"c"}]"#),
        ("- 1\n- 2\n", "[1,2]"),
        ("a: 1\n---\n- 2\n", r#"[{"a":1},[2]]"#),
        ("", "[null]"),
        // Without a newline at the end of the text there is none at the end of the scalar, and the split takes one.
        ("a: |\n  x\n", r#"[{"a":"x\n"}]"#),
        ("a: |\n  x", r#"[{"a":"x"}]"#),
        ("a: >\n  x\n  y\n---\nb: \"z\\n\"", r#"[{"a":"x y"},{"b":"z\n"}]"#),
        // The split of conftest sees a document in front of the separator.
        ("# c\n---\na: 1\n", r#"[null,{"a":1}]"#),
        ("---\na: 1\n", r#"[{"a":1}]"#),
        ("%YAML 1.1\n---\na: 1\n", r#"[{"a":1}]"#),
        ("a: 1\r\n---\r\na: 2\r\n", r#"[{"a":1},{"a":2}]"#),
        // It would drop the second one without a word.
        ("a: 1\n--- # second\na: 2\n", r#"[{"a":1},{"a":2}]"#),
    ] {
        assert_eq!(json("a.yaml", text), expected, "{text}");
    }
}

#[test]
fn other_formats() {
    for (path, text, expected) in [
        ("a.json", "\u{feff}{\"a\": 12345678901234567890, \"b\": [1.0]}", r#"[{"a":12345678901234567890,"b":[1]}]"#),
        (
            "a.toml",
            "a = 1\nb = 1.5\nc = true\nd = 1979-05-27T07:32:00Z\ne = 'true'\n[f]\ng = [\"x\"]\n",
            r#"[{"a":1,"b":1.5,"c":true,"d":"1979-05-27T07:32:00Z","e":"true","f":{"g":["x"]}}]"#,
        ),
        (".env", "A=1\nB=\"x y\"\n", r#"[{"A":"1","B":"x y"}]"#),
        ("a.tf", "a \"b\" {\n  c = var.d\n}\n", r#"[{"a":{"b":[{"c":"${var.d}"}]}}]"#),
    ] {
        assert_eq!(json(path, text), expected, "{path}");
    }
}

#[test]
fn what_json_does_not_have_is_said() {
    for (path, text, line) in [
        ("a.yaml", "a: 1\nb: .inf\n", 2),
        ("a.yaml", "a: 1\n---\nb:\n  ? [x]\n  : 1\n", 4),
        ("a.yaml", "a: 1\n---\nb: [\n", 4),
        ("a.toml", "a = inf\n", 1),
        ("a.json", "{\"a\": 1,\n}", 2),
        ("a.tf", "a {\n", 2),
        (".env", "A=1\nB\n", 2),
    ] {
        let found = Document::parse(path, Kind::of(path).unwrap(), text).unwrap_err();
        assert_eq!((found.code, found.line), ("P044", line), "{path} {text}: {}", found.message);
    }
}
