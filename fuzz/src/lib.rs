//! What fuzz targets do: hand arbitrary bytes to one reader, as a file of the given name, or to a parser of rules.

use allod_readers::{Files, READERS, Read};
use allod_register::Register;
use std::sync::LazyLock;

/// Reads `data` with the reader `id` as the file `path`. Panics (and so fails) when the reader does.
pub fn read(id: &str, path: &str, data: &[u8]) {
    let reader = READERS.iter().find(|reader| reader.id == id).unwrap_or_else(|| panic!("no reader `{id}`"));
    match reader.read {
        Read::Loaded(read) => {
            let mut files = Files::new();
            files.insert(path, data.to_vec());
            drop(read(&files, &[path]));
        }
        Read::Streamed(read) => drop(read(path, &mut &*data)),
    }
}

/// The built-in register, read once.
pub fn register() -> &'static Register {
    static REGISTER: LazyLock<Register> = LazyLock::new(|| Register::builtin().unwrap());
    &REGISTER
}

/// A fuzz target of one reader and one file name.
#[macro_export]
macro_rules! reader_target {
    ($id:literal, $path:literal) => {
        libfuzzer_sys::fuzz_target!(|data: &[u8]| $crate::read($id, $path, data));
    };
}
