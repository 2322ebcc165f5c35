#![no_main]

allod_fuzz::reader_target!("config", ".env");
