//! UTF-16 with a byte order mark as UTF-8, as a stream: what PowerShell writes for `terraform show -json > plan.json`.

use std::io::{BufRead, Read, Result};

pub(super) struct Utf16<'r> {
    from: &'r mut dyn BufRead,
    unit: fn([u8; 2]) -> u16,
    /// The first half of a pair that waits for the second one.
    high: Option<u16>,
    /// The first byte of a unit whose second one is in the next chunk.
    odd: Option<u8>,
    ready: Vec<u8>,
    /// What of `ready` was handed out.
    taken: usize,
}

impl<'r> Utf16<'r> {
    /// `None` when the input does not start with a mark; nothing is consumed then.
    pub fn opened(from: &'r mut dyn BufRead) -> std::result::Result<Utf16<'r>, &'r mut dyn BufRead> {
        let unit: fn([u8; 2]) -> u16 = match from.fill_buf() {
            Ok([0xff, 0xfe, ..]) => u16::from_le_bytes,
            Ok([0xfe, 0xff, ..]) => u16::from_be_bytes,
            _ => return Err(from),
        };
        from.consume(2);
        Ok(Utf16 { from, unit, high: None, odd: None, ready: Vec::new(), taken: 0 })
    }

    /// Converts the next chunk; `false` at the end.
    fn refill(&mut self) -> Result<bool> {
        self.ready.clear();
        self.taken = 0;
        while self.ready.is_empty() {
            let chunk = self.from.fill_buf()?;
            if chunk.is_empty() {
                return Ok(false);
            }
            let mut units = Vec::with_capacity(chunk.len() / 2 + 2);
            units.extend(self.high.take());
            for &byte in chunk {
                match self.odd.take() {
                    Some(first) => units.push((self.unit)([first, byte])),
                    None => self.odd = Some(byte),
                }
            }
            let length = chunk.len();
            self.from.consume(length);
            if let Some(last) = units.pop_if(|last| (0xd800..0xdc00).contains(last)) {
                self.high = Some(last);
            }
            for character in char::decode_utf16(units) {
                let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
                self.ready.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        Ok(true)
    }
}

impl Read for Utf16<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if self.taken >= self.ready.len() && !self.refill()? {
            return Ok(0);
        }
        let rest = self.ready.get(self.taken..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        if let (Some(from), Some(to)) = (rest.get(..length), buffer.get_mut(..length)) {
            to.copy_from_slice(from);
        }
        self.taken += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    #[test]
    fn both_orders_and_any_chunk() {
        let text = "{\"é\": \"😀\"}\n";
        for big in [false, true] {
            let units = std::iter::once(0xfeff).chain(text.encode_utf16());
            let bytes: Vec<u8> = units.flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect();
            for capacity in 2..9 {
                let mut from = BufReader::with_capacity(capacity, bytes.as_slice());
                let mut read = String::new();
                Utf16::opened(&mut from).ok().unwrap().read_to_string(&mut read).unwrap();
                assert_eq!(read, text, "{capacity}");
            }
        }
        let mut plain = "{}".as_bytes();
        assert!(Utf16::opened(&mut plain).is_err());
    }
}
