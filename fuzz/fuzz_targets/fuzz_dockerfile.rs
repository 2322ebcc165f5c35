#![no_main]

allod_fuzz::reader_target!("dockerfile", "Dockerfile");
