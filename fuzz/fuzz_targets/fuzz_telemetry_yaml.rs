#![no_main]

allod_fuzz::reader_target!("telemetry", "otel.yaml");
