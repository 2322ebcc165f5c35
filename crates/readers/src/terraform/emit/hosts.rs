//! Hosts in values.

use crate::endpoint::{host_of, is_host_name};
use crate::terraform::value::{Data, HOLE, Value};

/// The host of a known value, or the known end of a host whose first labels are not known.
pub(super) fn host_in(value: &Value) -> Option<String> {
    match &value.data {
        Data::Text(text) => host_in_text(text),
        Data::Unknown(unknown) => host_in_shape(unknown.shape.as_deref()?),
        Data::List(list) => list.items.iter().find_map(host_in),
        _ => None,
    }
}

/// As [`host_of`], and also `name:port` and local sockets, which only a place that wants an address may hold.
pub(super) fn host_in_text(text: &str) -> Option<String> {
    if let Some(host) = host_of(text) {
        return Some(host);
    }
    if text.starts_with("unix:") || text.starts_with("npipe:") || text == "localhost" {
        return Some("localhost".to_owned());
    }
    let (name, port) = text.trim().split_once(':')?;
    let fine = is_host_name(name) && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    fine.then(|| name.to_ascii_lowercase())
}

/// `https://<unknown>.example.net/x`: the part that is known says whose it is, when it starts at a dot and has at least
/// two labels.
pub(super) fn host_in_shape(shape: &str) -> Option<String> {
    let rest = shape.split_once("://").map_or(shape, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next()?;
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let Some((_, known)) = authority.rsplit_once(HOLE) else {
        // The unknown part stands behind the host.
        return if shape.contains("://") { host_of(&format!("x://{authority}")) } else { host_of(authority) };
    };
    let known = known.strip_prefix('.')?;
    let known = known.split_once(':').map_or(known, |(host, _)| host);
    (known.contains('.') && is_host_name(known)).then(|| known.to_ascii_lowercase())
}
