use super::{done, number_at, text_at};
use crate::terraform::value::{Data, Value};

pub(super) fn call(name: &str, args: &[Value]) -> Option<Value> {
    let number = |value: Option<f64>| done(value.filter(|number| number.is_finite()).map(Value::number));
    match name {
        "abs" => number(number_at(args, 0).map(f64::abs)),
        "ceil" => number(number_at(args, 0).map(f64::ceil)),
        "floor" => number(number_at(args, 0).map(f64::floor)),
        "signum" => number(number_at(args, 0).map(|number| if number == 0.0 { 0.0 } else { number.signum() })),
        "log" => number(number_at(args, 0).zip(number_at(args, 1)).map(|(number, base)| number.log(base))),
        "pow" => number(number_at(args, 0).zip(number_at(args, 1)).map(|(number, power)| number.powf(power))),
        "max" => number(all(args).and_then(|all| all.into_iter().reduce(f64::max))),
        "min" => number(all(args).and_then(|all| all.into_iter().reduce(f64::min))),
        "sum" => number(args.first().and_then(Value::as_list).and_then(all).map(|all| all.iter().sum())),
        "parseint" => number(text_at(args, 0).zip(number_at(args, 1)).and_then(|(text, base)| {
            if !(2.0..=36.0).contains(&base) {
                return None;
            }
            i64::from_str_radix(&text, base as u32).ok().map(|number| number as f64)
        })),
        "tonumber" => done(null_or(args, |value| value.as_number().map(Value::number))),
        "tobool" => done(null_or(args, |value| value.as_bool().map(Value::bool))),
        "tostring" => done(null_or(args, |value| value.to_text().map(|text| Value::new(Data::Text(text))))),
        _ => None,
    }
}

fn all(values: &[Value]) -> Option<Vec<f64>> {
    values.iter().map(Value::as_number).collect()
}

fn null_or(args: &[Value], convert: impl Fn(&Value) -> Option<Value>) -> Option<Value> {
    let value = args.first()?;
    if value.is_null() { Some(Value::null()) } else { convert(value) }
}
