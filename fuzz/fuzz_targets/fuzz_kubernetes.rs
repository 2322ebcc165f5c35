#![no_main]

allod_fuzz::reader_target!("kubernetes", "app.yaml");
