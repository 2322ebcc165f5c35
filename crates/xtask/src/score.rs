use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// A label is found when a component has evidence within so many lines of it.
const LINES_NEAR: i64 = 3;

/// Scores the audit against a folder of cases with `labels.json`: a list of `{id, case, labels: [{component, evidence:
/// "path:line", expect: {controlled_from | not_controlled_from | control}}]}`.
pub fn score(root: &Path, cases: &Path) -> Result<(), String> {
    let labels = std::fs::read_to_string(cases.join("labels.json")).map_err(|error| format!("labels.json: {error}"))?;
    let labels: Vec<Value> = serde_json::from_str(&labels).map_err(|error| format!("labels.json: {error}"))?;
    let build =
        Command::new("cargo").args(["build", "--quiet", "--release", "--bin", "allod"]).current_dir(root).status();
    if !build.is_ok_and(|status| status.success()) {
        return Err("the release build failed".to_owned());
    }
    let (mut found_all, mut all, mut wrong_country) = (0, 0, 0);
    for case in &labels {
        let text = |key: &str| case.get(key).and_then(Value::as_str).unwrap_or_default();
        let output = Command::new(root.join("target/release/allod"))
            .args(["audit", "--format", "json", "--exit-zero"])
            .arg(cases.join(text("case")))
            .output()
            .map_err(|error| error.to_string())?;
        let audit: Value = serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("{}: {error}: {}", text("case"), String::from_utf8_lossy(&output.stderr)))?;
        let list = case.get("labels").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut found = 0;
        for label in &list {
            match judge(&audit, label) {
                Ok(()) => found += 1,
                Err(why) => {
                    let name = label.get("component").and_then(Value::as_str).unwrap_or_default();
                    println!("  miss: {} · {name} · {why}", text("case"));
                    wrong_country += usize::from(why.starts_with("near it"));
                }
            }
        }
        println!("{:<12} {found} of {}", text("id"), list.len());
        found_all += found;
        all += list.len();
    }
    println!(
        "in all: {found_all} of {all} labels ({:.1} %), {wrong_country} with another country",
        100.0 * found_all as f64 / all.max(1) as f64
    );
    if found_all * 10 < all * 9 {
        return Err("fewer than 90 % of the labels were found".to_owned());
    }
    Ok(())
}

fn judge(audit: &Value, label: &Value) -> Result<(), String> {
    let place = label.get("evidence").and_then(Value::as_str).unwrap_or_default();
    let (path, line) = place.rsplit_once(':').ok_or("the label has no line")?;
    let line: i64 = line.parse().map_err(|_| "the label has no line")?;
    let near: Vec<&Value> = audit
        .get("components")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter(|component| {
            component.get("evidence").and_then(Value::as_array).into_iter().flatten().any(|seen| {
                let at = seen.get("line").and_then(Value::as_i64).unwrap_or(-100);
                seen.get("path").and_then(Value::as_str) == Some(path) && (at - line).abs() <= LINES_NEAR
            })
        })
        .collect();
    let from = |component: &Value| -> Vec<String> {
        let list = component.get("controlled_from").and_then(Value::as_array);
        list.into_iter().flatten().filter_map(|code| code.as_str().map(str::to_owned)).collect()
    };
    let expect = label.get("expect").ok_or("the label expects nothing")?;
    let wanted = |key: &str| -> Option<Vec<String>> {
        Some(expect.get(key)?.as_array()?.iter().filter_map(|code| code.as_str().map(str::to_owned)).collect())
    };
    let shown = || {
        near.iter()
            .map(|one| format!("{} {:?}", one.get("id").and_then(Value::as_str).unwrap_or_default(), from(one)))
            .collect::<Vec<_>>()
            .join("; ")
    };
    if let Some(codes) = wanted("controlled_from") {
        return if near.iter().any(|one| codes.iter().all(|code| from(one).contains(code))) {
            Ok(())
        } else if near.is_empty() {
            Err("nothing is seen there".to_owned())
        } else {
            Err(format!("near it: {}", shown()))
        };
    }
    if let Some(codes) = wanted("not_controlled_from") {
        return match near.iter().find(|one| codes.iter().any(|code| from(one).contains(code))) {
            None => Ok(()),
            Some(_) => Err(format!("near it: {}", shown())),
        };
    }
    let control = expect.get("control").and_then(Value::as_str).ok_or("the label expects nothing known")?;
    let fits = |one: &&Value| one.get("control").and_then(Value::as_str) == Some(control);
    if control == "unknown" && near.iter().any(|one| !from(one).is_empty() && fits(one)) {
        return Err(format!("near it: {}", shown()));
    }
    if near.iter().any(fits) { Ok(()) } else { Err(format!("no component there is `{control}`: {}", shown())) }
}
