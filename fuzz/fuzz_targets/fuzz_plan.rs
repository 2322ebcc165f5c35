#![no_main]

allod_fuzz::reader_target!("terraform-json", "plan.json");
