#![no_main]

allod_fuzz::reader_target!("cyclonedx", "bom.json");
