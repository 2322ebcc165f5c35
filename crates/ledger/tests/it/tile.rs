use allod_ledger::Error;
use allod_ledger::tile::{Bundle, MAX_ENTRY_BYTES, Tile, append_entry, bundles_between, tiles_between};
use allod_ledger::tree::MAX_SIZE;
use proptest::prelude::*;

#[test]
fn paths_are_those_of_the_specification() {
    for (level, index, width, path) in [
        (0, 0, 256, "tile/0/000"),
        (0, 999, 256, "tile/0/999"),
        (0, 1000, 256, "tile/0/x001/000"),
        (0, 1_234_067, 256, "tile/0/x001/x234/067"),
        (0, 1_234_067, 8, "tile/0/x001/x234/067.p/8"),
        (7, 0, 127, "tile/7/000.p/127"),
    ] {
        let tile = Tile::new(level, index, width).unwrap();
        assert_eq!(tile.path(), path);
        assert_eq!(Tile::parse(path).unwrap(), tile);
        if level == 0 {
            let path = path.replace("tile/0/", "tile/entries/");
            assert_eq!(Bundle::new(index, width).unwrap().path(), path);
            assert_eq!(Bundle::parse(&path).unwrap().tile(), tile);
        }
    }
}

#[test]
fn other_paths_are_refused() {
    for path in [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/00/000",
        "tile/+0/000",
        "tile/0/000/",
        "/tile/0/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/00a",
        "tile/0/٠٠٠",
        "tile/0/../000",
        "tile/8/000.p/1",
        "tile/64/000",
        "tile/7/000",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
        "tile/entries/000",
    ] {
        assert!(matches!(Tile::parse(path), Err(Error::TilePath(_))), "{path}");
        let path = path.replace("tile/0/", "tile/entries/").replace("tile/entries/000", "tile/0/000");
        assert!(Bundle::parse(&path).is_err(), "{path}");
    }
}

#[test]
fn the_tiles_of_the_sizes_that_the_specification_counts() {
    let shown = |size| {
        let mut whole = [0; 3];
        let mut partial = Vec::new();
        for tile in tiles_between(0, size) {
            if tile.is_partial() { partial.push(tile.path()) } else { whole[usize::from(tile.level())] += 1 }
        }
        (whole, partial.join(" "))
    };
    assert_eq!(shown(0), ([0, 0, 0], String::new()));
    assert_eq!(shown(256), ([1, 0, 0], "tile/1/000.p/1".into()));
    assert_eq!(shown(70_000), ([273, 1, 0], "tile/0/273.p/112 tile/1/001.p/17 tile/2/000.p/1".into()));
}

#[test]
fn no_tile_is_beyond_the_largest_tree() {
    for level in 0..=u8::MAX {
        for (index, width) in [(0, 1), (0, 256), (u64::MAX, 1), (MAX_SIZE / 256, 255), (MAX_SIZE / 256, 256)] {
            if let Some(tile) = Tile::new(level, index, width) {
                assert_eq!(Tile::at(level, index, MAX_SIZE).unwrap().width().min(width), width);
                assert_eq!(Tile::parse(&tile.path()).unwrap(), tile);
            }
        }
    }
    assert_eq!(Tile::new(0, 0, 0), None);
    assert_eq!(Tile::new(0, 0, 257), None);
}

#[test]
fn broken_bundles_are_refused() {
    let bundle = Bundle::new(0, 2).unwrap();
    for (bytes, entries) in [
        (&b"\0\0\0\0"[..], Some([&b""[..], b""])),
        (b"\0\x01a\0\x02bc", Some([b"a", b"bc"])),
        (b"", None),
        (b"\0\x01a", None),
        (b"\0\x01a\0", None),
        (b"\0\x01a\0\x02b", None),
        (b"\0\x01a\0\x02bc\0", None),
        (b"\xff\xffa\0\x02bc", None),
    ] {
        assert_eq!(bundle.decode(bytes).ok(), entries.map(Vec::from), "{bytes:?}");
    }
    let mut bytes = Vec::new();
    append_entry(&mut bytes, &vec![7; MAX_ENTRY_BYTES]).unwrap();
    assert!(append_entry(&mut bytes, &vec![7; MAX_ENTRY_BYTES + 1]).is_err());
    assert_eq!(Bundle::new(9, 1).unwrap().decode(&bytes).unwrap(), [vec![7; MAX_ENTRY_BYTES]]);
}

proptest! {
    #[test]
    fn bundles_hold_what_was_put_in(entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..=256)) {
        let mut bytes = Vec::new();
        for entry in &entries {
            append_entry(&mut bytes, entry).unwrap();
        }
        let bundle = Bundle::new(0, entries.len() as u16).unwrap();
        prop_assert_eq!(bundle.decode(&bytes).unwrap(), entries);
    }

    #[test]
    fn paths_agree_with_the_other_implementation(level in 0..8_u8, index in 0..MAX_SIZE / 256, width in 1..=256_u16) {
        let index = index >> (8 * level);
        let other = tlog_tiles::Tile::new(8, level, index, width.into(), false);
        if let Some(tile) = Tile::new(level, index, width) {
            // Theirs begins with the height.
            prop_assert_eq!(tile.path().replacen("tile/", "tile/8/", 1), other.path());
        }
    }

    #[test]
    fn growth_writes_the_tiles_that_the_other_implementation_writes(old in 0..200_000_u64, more in 0..100_000_u64) {
        let new = old + more;
        let mut ours: Vec<_> = tiles_between(old, new).map(|tile| tile.path().replacen("tile/", "tile/8/", 1)).collect();
        let mut theirs: Vec<_> = tlog_tiles::Tile::new_tiles(8, old, new).iter().map(|tile| tile.path()).collect();
        ours.sort();
        theirs.sort();
        prop_assert_eq!(ours, theirs);
        let bundles: Vec<_> = bundles_between(old, new).map(|bundle| bundle.tile()).collect();
        let bottom: Vec<_> = tiles_between(old, new).filter(|tile| tile.level() == 0).collect();
        prop_assert_eq!(bundles, bottom);
    }
}
