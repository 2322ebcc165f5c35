#![no_main]

use allod_ledger::tile::{Bundle, Tile, append_entry};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(path) = std::str::from_utf8(data) {
        if let Ok(tile) = Tile::parse(path) {
            assert_eq!(tile.path(), path);
        }
        if let Ok(bundle) = Bundle::parse(path) {
            assert_eq!(bundle.path(), path);
        }
    }
    let Some((width, bytes)) = data.split_first() else { return };
    let bundle = Bundle::new(0, u16::from(*width) + 1).unwrap();
    if let Ok(entries) = bundle.decode(bytes) {
        let mut written = Vec::new();
        entries.iter().for_each(|entry| append_entry(&mut written, entry).unwrap());
        assert_eq!(written, bytes);
    }
    if let Ok(hashes) = bundle.tile().decode(bytes) {
        assert_eq!(Tile::encode(&hashes), bytes);
    }
});
