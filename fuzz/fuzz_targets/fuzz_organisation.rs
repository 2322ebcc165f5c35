#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        drop(allod_rules::Organisation::parse("allod.yaml", text));
    }
});
