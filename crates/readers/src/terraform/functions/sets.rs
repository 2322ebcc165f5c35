use super::{done, list_at};
use crate::limits::MAX_INSTANCES;
use crate::terraform::eval::set_of;
use crate::terraform::value::{Value, equal};

pub(super) fn call(name: &str, args: &[Value]) -> Option<Value> {
    match name {
        "setunion" => done(all_lists(args).map(|lists| Value::list(set_of(lists.concat())))),
        "setintersection" => done(all_lists(args).and_then(|lists| {
            let (first, others) = lists.split_first()?;
            let kept = first.iter().filter(|item| others.iter().all(|list| has(list, item))).cloned().collect();
            Some(Value::list(set_of(kept)))
        })),
        "setsubtract" => {
            done(list_at(args, 0).zip(list_at(args, 1)).map(|(left, right)| {
                Value::list(set_of(left.iter().filter(|item| !has(right, item)).cloned().collect()))
            }))
        }
        "setproduct" => done(product(args)),
        _ => None,
    }
}

fn all_lists(args: &[Value]) -> Option<Vec<Vec<Value>>> {
    args.iter().map(|arg| arg.as_list().map(<[Value]>::to_vec)).collect()
}

/// Long lists are compared by text only through their ends: sets of configurations are short.
fn has(list: &[Value], wanted: &Value) -> bool {
    list.iter().take(MAX_COMPARED).any(|item| equal(item, wanted) == Some(true))
}

const MAX_COMPARED: usize = 10_000;

fn product(args: &[Value]) -> Option<Value> {
    let lists = all_lists(args)?;
    let total = lists.iter().try_fold(1usize, |total, list| total.checked_mul(list.len()))?;
    if total > MAX_INSTANCES {
        return Some(Value::unknown("U002", format!("`setproduct` gives {total} combinations")));
    }
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for list in &lists {
        rows = rows
            .into_iter()
            .flat_map(|row| {
                list.iter().map(move |item| {
                    let mut longer = row.clone();
                    longer.push(item.clone());
                    longer
                })
            })
            .collect();
    }
    Some(Value::list(rows.into_iter().map(Value::list).collect()))
}
