#![no_main]

allod_fuzz::reader_target!("helm", "templates/app.yaml");
