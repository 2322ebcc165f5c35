#![no_main]

allod_fuzz::reader_target!("config", "application.yml");
