#![no_main]

allod_fuzz::reader_target!("gitlab-ci", ".gitlab-ci.yml");
