#![no_main]

allod_fuzz::reader_target!("octodns", "config/clinic.example.yaml");
