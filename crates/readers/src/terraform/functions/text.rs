use super::{done, text_at, whole_at};
use crate::limits::MAX_TEXT_BYTES;
use crate::terraform::eval::TextBuilder;
use crate::terraform::value::{Data, Value, number_text};

/// Functions whose result has a shape although a part is unknown.
pub(super) fn tolerant(name: &str, args: &[Value]) -> Option<Value> {
    match name {
        "join" => {
            let glue = text_at(args, 0)?;
            let mut built = TextBuilder::default();
            let lists = args.get(1..).unwrap_or_default();
            let items: Option<Vec<&[Value]>> = lists.iter().map(Value::as_list).collect();
            for (at, item) in items?.into_iter().flatten().enumerate() {
                if at > 0 {
                    built.push_text(&glue);
                }
                built.push(item);
            }
            Some(built.finish())
        }
        "format" => format(&text_at(args, 0)?, args.get(1..).unwrap_or_default()),
        "formatlist" => format_list(args),
        _ => None,
    }
}

pub(super) fn strict(name: &str, args: &[Value]) -> Option<Value> {
    let text = |text: Option<String>| done(text.map(|text| Value::text(&text)));
    let first = || text_at(args, 0);
    let both = || text_at(args, 0).zip(text_at(args, 1));
    match name {
        "lower" => text(first().map(|text| text.to_lowercase())),
        "upper" => text(first().map(|text| text.to_uppercase())),
        "title" => text(first().map(|text| title(&text))),
        "chomp" => text(first().map(|text| text.trim_end_matches(['\n', '\r']).to_owned())),
        "trimspace" => text(first().map(|text| text.trim().to_owned())),
        "strrev" => text(first().map(|text| text.chars().rev().collect())),
        "trim" => text(both().map(|(text, set)| text.trim_matches(|c| set.contains(c)).to_owned())),
        "trimprefix" => text(both().map(|(text, end)| text.strip_prefix(&*end).unwrap_or(&text).to_owned())),
        "trimsuffix" => text(both().map(|(text, end)| text.strip_suffix(&*end).unwrap_or(&text).to_owned())),
        "startswith" => done(both().map(|(text, start)| Value::bool(text.starts_with(&*start)))),
        "endswith" => done(both().map(|(text, end)| Value::bool(text.ends_with(&*end)))),
        "strcontains" => done(both().map(|(text, part)| Value::bool(text.contains(&*part)))),
        "split" => done(both().map(|(glue, text)| split(&glue, &text))),
        "indent" => text(whole_at(args, 0).zip(text_at(args, 1)).map(|(spaces, text)| {
            let spaces = " ".repeat(usize::try_from(spaces).unwrap_or(0).min(1_000));
            text.replace('\n', &format!("\n{spaces}"))
        })),
        "substr" => text(first().and_then(|text| substr(&text, whole_at(args, 1)?, whole_at(args, 2)?))),
        "replace" => replace(args),
        "basename" => text(first().map(|path| last_part(&path).to_owned())),
        "dirname" => text(first().map(|path| dirname(&path))),
        "abspath" | "pathexpand" => text(first().map(|path| path.to_string())),
        "type" => Some(Value::unknown("U002", "types are not evaluated".to_owned())),
        _ => None,
    }
}

/// `%s`, `%d`, `%q`, `%v`, `%f`, `%x`, `%t`, with width, padding zeros and precision.
fn format(pattern: &str, args: &[Value]) -> Option<Value> {
    let mut built = TextBuilder::default();
    let mut args = args.iter();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('%') {
        built.push_text(before);
        let verb_at = after.find(|c: char| c.is_ascii_alphabetic() || c == '%')?;
        let (flags, verb_on) = after.split_at_checked(verb_at)?;
        let mut letters = verb_on.chars();
        let verb = letters.next()?;
        rest = letters.as_str();
        if verb == '%' {
            built.push_text("%");
            continue;
        }
        // `%[2]s` takes an argument by its number, which few do: not evaluated.
        if flags.contains('[') {
            return None;
        }
        let value = args.next()?;
        match verbatim(verb, flags, value) {
            Some(text) => built.push(&Value::text(&text).from(&value.origin)),
            None => built.push(value),
        }
    }
    built.push_text(rest);
    Some(built.finish())
}

fn verbatim(verb: char, flags: &str, value: &Value) -> Option<String> {
    let (width, precision) = flags.split_once('.').map_or((flags, None), |(width, p)| (width, p.parse::<usize>().ok()));
    let left = width.starts_with('-');
    let width = width.trim_start_matches(['-', '+', ' ', '#']);
    let zeros = width.starts_with('0');
    let width = width.parse::<usize>().unwrap_or(0).min(1_000);
    let text = match verb {
        'd' => number_text(value.as_number()?.trunc()),
        'x' => format!("{:x}", value.as_number()? as i64),
        'X' => format!("{:X}", value.as_number()? as i64),
        'b' => format!("{:b}", value.as_number()? as i64),
        'o' => format!("{:o}", value.as_number()? as i64),
        'f' | 'F' | 'g' | 'e' => match precision {
            Some(precision) => format!("{:.*}", precision.min(50), value.as_number()?),
            None => number_text(value.as_number()?),
        },
        'q' => format!("\"{}\"", value.to_text()?),
        's' | 'v' | 't' if value.to_text().is_some() => value.to_text()?.to_string(),
        's' | 'v' if value.first_unknown().is_none() => super::encoding::json(value)?,
        _ => return None,
    };
    let missing = width.saturating_sub(text.chars().count());
    Some(match (left, zeros) {
        (true, _) => format!("{text}{}", " ".repeat(missing)),
        (false, true) => format!("{}{text}", "0".repeat(missing)),
        (false, false) => format!("{}{text}", " ".repeat(missing)),
    })
}

fn format_list(args: &[Value]) -> Option<Value> {
    let pattern = text_at(args, 0)?;
    let values = args.get(1..)?;
    let length = values.iter().filter_map(Value::as_list).map(<[Value]>::len).max()?;
    if values.iter().any(|value| value.as_unknown().is_some()) {
        return None;
    }
    let mut all = Vec::with_capacity(length);
    for at in 0..length {
        let row: Option<Vec<Value>> = values
            .iter()
            .map(|value| match value.as_list() {
                Some(list) => list.get(at).cloned(),
                None => Some(value.clone()),
            })
            .collect();
        all.push(format(&pattern, &row?)?);
    }
    Some(Value::list(all))
}

fn title(text: &str) -> String {
    let mut start = true;
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if start {
            out.extend(letter.to_uppercase());
        } else {
            out.push(letter);
        }
        start = !letter.is_alphanumeric();
    }
    out
}

fn split(glue: &str, text: &str) -> Value {
    let parts: Vec<Value> = if text.is_empty() {
        vec![Value::text("")]
    } else if glue.is_empty() {
        text.chars().map(|letter| Value::text(letter.encode_utf8(&mut [0; 4]))).collect()
    } else {
        text.split(glue).map(Value::text).collect()
    };
    Value::list(parts)
}

fn substr(text: &str, from: i64, length: i64) -> Option<String> {
    let count = text.chars().count() as i64;
    let from = if from < 0 { (count + from).max(0) } else { from };
    let length = if length < 0 { count } else { length };
    Some(text.chars().skip(usize::try_from(from).ok()?).take(usize::try_from(length).ok()?).collect())
}

fn replace(args: &[Value]) -> Option<Value> {
    let (text, from, to) = (text_at(args, 0)?, text_at(args, 1)?, text_at(args, 2)?);
    if from.len() > 1 && from.starts_with('/') && from.ends_with('/') {
        return super::regex::replace(&text, from.trim_matches('/'), &to);
    }
    let times = if from.is_empty() { text.len() + 1 } else { text.matches(&*from).count() };
    if text.len().saturating_add(times.saturating_mul(to.len())) > MAX_TEXT_BYTES {
        return Some(Value::unknown("U002", format!("a text is longer than {MAX_TEXT_BYTES} bytes")));
    }
    Some(Value::new(Data::Text(text.replace(&*from, &to).into())))
}

fn last_part(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

fn dirname(path: &str) -> String {
    match path.trim_end_matches('/').rsplit_once('/') {
        Some(("", _)) => "/".to_owned(),
        Some((folder, _)) => folder.to_owned(),
        None => ".".to_owned(),
    }
}
