#![no_main]

allod_fuzz::reader_target!("manifests", "go.mod");
