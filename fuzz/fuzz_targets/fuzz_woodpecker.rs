#![no_main]

allod_fuzz::reader_target!("woodpecker", ".woodpecker.yml");
