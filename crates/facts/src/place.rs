use serde::Serialize;
use std::fmt;
use std::sync::Arc;

/// An ISO 3166-1 alpha-2 country code, upper case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

impl Country {
    /// `None` when the text is not two ASCII letters.
    pub fn new(code: &str) -> Option<Country> {
        match code.as_bytes() {
            [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                Some(Country([a.to_ascii_uppercase(), b.to_ascii_uppercase()]))
            }
            _ => None,
        }
    }

    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("??")
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Country {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

/// Where a file says that a thing is. Which country a region lies in is the register's knowledge, not the file's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The provider's own name of the region or zone, as written (`eu-west-1`, `West Europe`, `fr-par`).
    pub region: Option<Arc<str>>,
    /// A country, only when the file itself states one.
    pub country: Option<Country>,
}

impl Place {
    pub fn region(name: &str) -> Place {
        Place { region: Some(Arc::from(name)), country: None }
    }
}
