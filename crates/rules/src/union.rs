//! Places that are in the Union without saying in which country: multi-regions of providers, which the register calls
//! `EU`. Whoever allows every member of the Union allows them.

use allod_facts::Country;
use allod_stack::Home;

/// The code by which the register says so (reserved for the Union in ISO 3166-1, no country).
const CODE: &str = "EU";

/// Adds the Union to places among which all of its members are.
pub(crate) fn add(places: &mut Vec<Country>) {
    let Ok(members) = Home::new(&[CODE.to_owned()]) else { return };
    if members.countries().all(|member| places.contains(&member)) {
        places.extend(Country::new(CODE));
        places.sort_unstable();
        places.dedup();
    }
}

/// Whether a place is at home.
pub(crate) fn is_home(home: &Home, place: Country) -> bool {
    let mut places: Vec<Country> = home.countries().collect();
    add(&mut places);
    places.contains(&place)
}

/// Whether it is the Union itself.
pub(crate) fn is_union(place: Country) -> bool {
    place.code() == CODE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_home_of(names: &[&str], place: &str) -> bool {
        let home = Home::new(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>()).unwrap();
        is_home(&home, Country::new(place).unwrap())
    }

    #[test]
    fn the_union_is_home_where_all_its_members_are() {
        assert!(is_home_of(&["EU"], "EU"));
        assert!(is_home_of(&["EEA"], "EU"));
        assert!(is_home_of(&["EU", "CH"], "EU"));
        assert!(!is_home_of(&["LU", "DE"], "EU"));
        assert!(!is_home_of(&["EU"], "CH"));
    }
}
