#![no_main]

allod_fuzz::reader_target!("terraform", "main.tf");
