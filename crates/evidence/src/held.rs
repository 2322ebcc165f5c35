use crate::Audit;
use allod_stack::{Holding, When};

/// The words for a power of a jurisdiction (or of a party that nobody knows).
pub(crate) trait Words {
    /// A country code, or `unknown`.
    fn who(&self) -> String;
    fn is_foreign(&self, audit: &Audit<'_>) -> bool;
    /// `now`, or `later` (at the next build, deploy or renewal).
    fn word_of_time(&self) -> &'static str;
    /// For *read*: the data classes.
    fn class_names<'a>(&self, audit: &'a Audit<'_>) -> Vec<&'a str>;
}

impl Words for Holding {
    fn who(&self) -> String {
        self.jurisdiction.map_or("unknown".to_owned(), |country| country.to_string())
    }

    fn is_foreign(&self, audit: &Audit<'_>) -> bool {
        self.jurisdiction.is_some_and(|country| !audit.home.has(country))
    }

    fn word_of_time(&self) -> &'static str {
        match self.when() {
            When::Now => "now",
            When::Later => "later",
        }
    }

    fn class_names<'a>(&self, audit: &'a Audit<'_>) -> Vec<&'a str> {
        self.classes.iter().filter_map(|class| audit.powers.classes.get(*class)).map(|name| &**name).collect()
    }
}
