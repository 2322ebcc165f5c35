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

impl Home {
    /// # Errors
    /// [`UnknownPlace`] with the first name that is not known.
    pub fn new(names: &[String]) -> Result<Home, UnknownPlace> {
        let mut countries = BTreeSet::new();
        for name in names {
            match name.to_ascii_uppercase().as_str() {
                "EU" => countries.extend(codes(EU)),
                "EEA" => countries.extend(codes(EU).chain(codes(EEA_BESIDE_EU))),
                code => match Country::new(code).filter(|_| ISO_CODES.split(' ').any(|known| known == code)) {
                    Some(country) => {
                        countries.insert(country);
                    }
                    None => return Err(UnknownPlace(name.clone())),
                },
            }
        }
        Ok(Home { names: names.iter().map(|name| name.to_ascii_uppercase()).collect(), countries })
    }

    pub fn has(&self, country: Country) -> bool {
        self.countries.contains(&country)
    }
}

fn codes(list: &str) -> impl Iterator<Item = Country> + '_ {
    list.split(' ').filter_map(Country::new)
}

/// ISO 3166-1 alpha-2, officially assigned.
const ISO_CODES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR \
BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI \
FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS \
IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO \
MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA \
RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT \
TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

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
