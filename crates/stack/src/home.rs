use allod_facts::Country;
use std::collections::BTreeSet;

/// The jurisdictions that are ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// As the user wrote them.
    pub names: Vec<String>,
    countries: BTreeSet<Country>,
}

/// A name that is neither `EU`, `EEA` nor a country code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownPlace(pub String);

/// The 27 member states.
/// Source: <https://european-union.europa.eu/principles-countries-history/eu-countries_en>, seen 2026-11-24.
const EU: &str = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK";
/// The EEA is the EU with these three.
/// Source: <https://www.efta.int/eea>, seen 2026-11-24.
const EEA_BESIDE_EU: &str = "IS LI NO";

/// The EU.
impl Default for Home {
    fn default() -> Home {
        Home { names: vec!["EU".to_owned()], countries: codes(EU).collect() }
    }
}

impl Home {
    /// # Errors
    /// [`UnknownPlace`] with the first name that is not known.
    pub fn new(names: &[String]) -> Result<Home, UnknownPlace> {
        let mut countries = BTreeSet::new();
        for name in names {
            match name.to_ascii_uppercase().as_str() {
                "EU" => countries.extend(codes(EU)),
                "EEA" => countries.extend(codes(EU).chain(codes(EEA_BESIDE_EU))),
                code => match Country::new(code).filter(Country::is_assigned) {
                    Some(country) => {
                        countries.insert(country);
                    }
                    None => return Err(UnknownPlace(name.clone())),
                },
            }
        }
        Ok(Home { names: names.iter().map(|name| name.to_ascii_uppercase()).collect(), countries })
    }

    /// Whether it is the same jurisdictions, however they were written.
    pub fn same_places(&self, other: &Home) -> bool {
        self.countries == other.countries
    }

    /// Every country of them, sorted.
    pub fn countries(&self) -> impl Iterator<Item = Country> + '_ {
        self.countries.iter().copied()
    }

    pub fn has(&self, country: Country) -> bool {
        self.countries.contains(&country)
    }
}

fn codes(list: &str) -> impl Iterator<Item = Country> + '_ {
    list.split(' ').filter_map(Country::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_places() {
        let check = |names: &[&str], inside: &str, outside: &str| {
            let home = Home::new(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
            assert!(codes(inside).all(|country| home.has(country)), "{names:?}");
            assert!(!codes(outside).any(|country| home.has(country)), "{names:?}");
        };
        check(&["EU"], "LU FR IE", "CH NO GB US");
        check(&["eea", "ch"], "LU NO CH", "GB US");
        check(&["LU"], "LU", "FR US");
        assert_eq!(Home::new(&["XX".into()]), Err(UnknownPlace("XX".into())));
        assert_eq!(Home::new(&["Europe".into()]), Err(UnknownPlace("Europe".into())));
    }
}
