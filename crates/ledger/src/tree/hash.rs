use super::Hash;
use sha2::block_api::compress256;
use sha2::{Digest as _, Sha256};

/// The root of the tree without entries: the hash of nothing (RFC 6962 section 2.1).
pub const EMPTY_ROOT: Hash = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41,
    0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// The initial state of SHA-256 (FIPS 180-4 section 5.3.3).
const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];
const LEAF: u8 = 0;
const NODE: u8 = 1;

/// The hash of an entry: SHA-256 of a zero byte and the entry.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Sha256::new().chain_update([LEAF]).chain_update(entry).finalize().into()
}

/// The hash of two hashes: SHA-256 of a one byte, the left and the right hash.
///
/// The message always has the same length, so its two blocks are laid out here: that is a quarter faster than a hasher that
/// gathers blocks in a buffer, and an audit of small entries does little else.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    const MESSAGE: usize = 1 + 32 + 32;
    const BLOCKS: usize = 2 * 64;
    let mut blocks = [0; BLOCKS];
    blocks[0] = NODE;
    blocks[1..33].copy_from_slice(left);
    blocks[33..MESSAGE].copy_from_slice(right);
    // The end of a message is a one bit, and its length in bits in the last eight bytes (FIPS 180-4 section 5.1.1).
    blocks[MESSAGE] = 0x80;
    blocks[BLOCKS - 8..].copy_from_slice(&(8 * MESSAGE as u64).to_be_bytes());
    let mut state = INITIAL;
    compress256(&mut state, blocks.as_chunks().0);
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

    proptest! {
        #[test]
        fn hashes_are_those_of_sha256(entry in proptest::collection::vec(any::<u8>(), 0..1_000), left: Hash, right: Hash) {
            prop_assert_eq!(leaf_hash(&entry), plain(0, &[&entry]));
            prop_assert_eq!(node_hash(&left, &right), plain(1, &[&left, &right]));
        }
    }
}
