#![no_main]

allod_fuzz::reader_target!("forgejo-actions", ".forgejo/workflows/ci.yml");
