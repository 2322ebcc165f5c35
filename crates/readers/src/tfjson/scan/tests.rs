use super::*;
use proptest::prelude::*;
use serde_json::{Map, Value};

/// A tree by way of the pull interface, to compare with what `serde_json` builds.
fn tree(scan: &mut Scan<'_>) -> Result<Value> {
    Ok(match scan.peek()? {
        b'{' => {
            let mut open = scan.object()?.unwrap();
            let mut map = Map::new();
            while let Some(key) = scan.key(&mut open, str::to_owned)? {
                map.insert(key, tree(scan)?);
            }
            Value::Object(map)
        }
        b'[' => {
            let mut open = scan.array()?.unwrap();
            let mut items = Vec::new();
            while scan.item(&mut open)? {
                items.push(tree(scan)?);
            }
            Value::Array(items)
        }
        b'"' => Value::String(scan.string()?.unwrap().to_owned()),
        b'n' => {
            scan.skip()?;
            Value::Null
        }
        byte @ (b't' | b'f') => {
            scan.skip()?;
            Value::Bool(byte == b't')
        }
        _ => serde_json::from_str(&scan.scalar()?.unwrap()).unwrap(),
    })
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i32>().prop_map(Value::from),
        "[ -~\n\té\"\\\\]{0,20}".prop_map(Value::String),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec(("[a-zé\"]{0,9}", inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// Hands out a few bytes at a time, so that strings and numbers cross chunks.
struct Drip<'a>(&'a [u8], usize);

impl std::io::Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.1.min(self.0.len()).min(buffer.len());
        buffer[..length].copy_from_slice(&self.0[..length]);
        self.0 = &self.0[length..];
        Ok(length)
    }
}

proptest! {
    #[test]
    fn same_tree_as_serde(value in json(), pretty in any::<bool>(), drip in 1_usize..20) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let mut from = std::io::BufReader::with_capacity(1, Drip(text.as_bytes(), drip));
        let mut scan = Scan::new(&mut from).unwrap();
        prop_assert_eq!(tree(&mut scan).unwrap(), value);
        scan.end().unwrap();
        prop_assert_eq!(scan.line() as usize, text.lines().count().max(1));
        let mut from = std::io::BufReader::with_capacity(1, Drip(text.as_bytes(), drip));
        let mut scan = Scan::new(&mut from).unwrap();
        scan.skip().unwrap();
        scan.end().unwrap();
    }

    #[test]
    fn what_serde_refuses_is_refused_and_nothing_panics(value in json(), cut in 0_usize..400, byte in any::<u8>()) {
        let mut bytes = serde_json::to_vec(&value).unwrap();
        let length = bytes.len();
        bytes[cut % length] = byte;
        let mut from = bytes.as_slice();
        let skipped = Scan::new(&mut from).and_then(|mut scan| { scan.skip()?; scan.end() });
        // Numbers are not checked further, and strings that are skipped may hold anything.
        let numeric = byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
        if serde_json::from_slice::<Value>(&bytes).is_ok() {
            prop_assert!(skipped.is_ok());
        } else if !numeric && byte.is_ascii() && byte != b'\\' && std::str::from_utf8(&bytes).is_ok() {
            prop_assert!(skipped.is_err() || length < 4 || value.is_number() || value.to_string().contains(['0', '-', '\\']));
        }
    }
}

#[test]
fn stops_have_code_and_line() {
    let check = |text: &str, code: &str, line: u32| {
        let mut from = text.as_bytes();
        let stop = Scan::new(&mut from).and_then(|mut scan| {
            scan.skip()?;
            scan.end()
        });
        let stop = stop.unwrap_err();
        assert_eq!((stop.code, stop.line), (code, line), "{text:.40}: {stop:?}");
    };
    check("", "D004", 1);
    check("{\n\"a\": [1,\n", "D004", 3);
    check("{\"a\"\n 1}", "D004", 2);
    check("[1,]", "D004", 1);
    check("{} {}", "D004", 1);
    check("[tru]", "D004", 1);
    check("[\"a\nb\"]", "D004", 1);
    check(&"[".repeat(1_000_000), "D005", 1);
    check("\0\0", "D002", 1);
}
