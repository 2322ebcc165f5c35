use super::Hash;
use sha2::block_api::compress256;

/// The root of the tree without entries: the hash of nothing (RFC 6962 section 2.1).
pub const EMPTY_ROOT: Hash = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41,
    0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// SHA-256 works on blocks of so many bytes.
const BLOCK: usize = 64;
type Block = [u8; BLOCK];
/// The initial state of SHA-256 (FIPS 180-4 section 5.3.3).
const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];
/// The mark that ends a message, and how many bytes the length behind it takes.
const END: u8 = 0x80;
const LENGTH: usize = 8;
const LEAF: u8 = 0;
const NODE: u8 = 1;

/// The hash of an entry: SHA-256 of a zero byte and the entry.
///
/// The blocks are laid out here and not by a hasher with a buffer: an audit hashes millions of small entries, and there
/// the buffer costs as much as the hashing.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    let mut state = INITIAL;
    let bits = (entry.len() as u64).wrapping_add(1).wrapping_mul(8);
    let mut tail = [0; 2 * BLOCK];
    let Some((head, rest)) = entry.split_first_chunk::<{ BLOCK - 1 }>() else {
        tail[0] = LEAF;
        finish(&mut state, &mut tail, 1, entry, bits);
        return bytes(state);
    };
    let mut first: Block = [0; BLOCK];
    first[0] = LEAF;
    first[1..].copy_from_slice(head);
    compress256(&mut state, std::slice::from_ref(&first));
    let (whole, rest) = rest.as_chunks::<BLOCK>();
    compress256(&mut state, whole);
    finish(&mut state, &mut tail, 0, rest, bits);
    bytes(state)
}

/// The hash of two hashes: SHA-256 of a one byte, the left and the right hash.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    const BITS: u64 = 8 * (1 + 32 + 32);
    let mut blocks = [0; 2 * BLOCK];
    blocks[0] = NODE;
    blocks[1..33].copy_from_slice(left);
    blocks[33..65].copy_from_slice(right);
    blocks[65] = END;
    blocks[2 * BLOCK - LENGTH..].copy_from_slice(&BITS.to_be_bytes());
    let mut state = INITIAL;
    compress256(&mut state, blocks.as_chunks().0);
    bytes(state)
}

/// Hashes what is left of a message, `rest` behind the `filled` bytes of `tail`, with its end and its length. `tail` is
/// zero behind `filled`, and `filled` with `rest` is less than a block.
fn finish(state: &mut [u32; 8], tail: &mut [u8; 2 * BLOCK], filled: usize, rest: &[u8], bits: u64) {
    let end = filled + rest.len();
    debug_assert!(end < BLOCK);
    if let Some(place) = tail.get_mut(filled..end) {
        place.copy_from_slice(rest);
    }
    if let Some(place) = tail.get_mut(end) {
        *place = END;
    }
    let length = bits.to_be_bytes();
    let blocks = tail.as_chunks_mut::<BLOCK>().0;
    let used = if end + 1 + LENGTH <= BLOCK { 1 } else { 2 };
    let Some(blocks) = blocks.get_mut(..used) else { return };
    if let Some(last) = blocks.last_mut() {
        last[BLOCK - LENGTH..].copy_from_slice(&length);
    }
    compress256(state, blocks);
}

fn bytes(state: [u32; 8]) -> Hash {
    let mut hash = [0; 32];
    for (place, word) in hash.as_chunks_mut().0.iter_mut().zip(state) {
        *place = word.to_be_bytes();
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    fn plain(prefix: u8, parts: &[&[u8]]) -> Hash {
        let mut hasher = Sha256::new().chain_update([prefix]);
        for part in parts {
            hasher.update(part);
        }
        hasher.finalize().into()
    }

    #[test]
    fn the_empty_root_is_the_hash_of_nothing() {
        assert_eq!(EMPTY_ROOT, <Hash>::from(Sha256::digest([])));
    }

    #[test]
    fn entries_of_every_length_around_the_blocks_hash_as_sha256_says() {
        let entry: Vec<u8> = (0..1024u32).map(|at| (at * 7 + 3) as u8).collect();
        for length in 0..=entry.len() {
            assert_eq!(leaf_hash(&entry[..length]), plain(0, &[&entry[..length]]), "{length} bytes");
        }
    }

    proptest! {
        #[test]
        fn hashes_are_those_of_sha256(entry in proptest::collection::vec(any::<u8>(), 0..70_000), left: Hash, right: Hash) {
            prop_assert_eq!(leaf_hash(&entry), plain(0, &[&entry]));
            prop_assert_eq!(node_hash(&left, &right), plain(1, &[&left, &right]));
        }
    }
}
