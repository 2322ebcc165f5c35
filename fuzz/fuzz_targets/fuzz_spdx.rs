#![no_main]

allod_fuzz::reader_target!("spdx", "a.spdx.json");
