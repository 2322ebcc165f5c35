#![no_main]

allod_fuzz::reader_target!("zone", "example.zone");
