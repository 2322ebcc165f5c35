#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for path in ["a", "a.yaml", "a.json", "a.toml", "a.sh", "a.conf", "x/templates/a.yaml"] {
        let _ = allod_readers::recognise(path, data);
    }
    if let Ok(text) = allod_readers::files::decode(data) {
        drop(allod_readers::endpoint::host_of(&text));
        drop(allod_readers::image::parse(&text));
    }
});
