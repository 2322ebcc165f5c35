#![no_main]

allod_fuzz::reader_target!("compose", "compose.yaml");
