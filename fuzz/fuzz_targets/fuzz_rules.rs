#![no_main]

use allod_rules::{Compiled, Organisation, RuleSet};
use allod_stack::Home;

// What is sound is compiled: Cedar takes whatever a rule file can say.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for path in ["rules/a.yaml", "rules/a.cedar"] {
        let (rules, told) = RuleSet::parse(&[(path.to_owned(), text.to_owned())], &Home::default());
        if told.is_empty() {
            drop(Compiled::new(&rules, &Organisation::default(), allod_fuzz::register()));
        }
    }
});
