#![no_main]

allod_fuzz::reader_target!("github-actions", ".github/workflows/ci.yml");
