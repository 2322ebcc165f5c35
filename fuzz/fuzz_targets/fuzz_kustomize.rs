#![no_main]

allod_fuzz::reader_target!("kustomize", "kustomization.yaml");
