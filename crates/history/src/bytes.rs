//! Rows in bytes: numbers as short as they are, so that a payment takes little room.
//!
//! Bytes from a disk may be anything: reading them gives `None` where they are no such row, and never panics.

use types::{Sequence, Timestamp};

/// Appends what a row is made of.
#[derive(Debug, Default)]
pub(crate) struct RowWriter {
    pub(crate) bytes: Vec<u8>,
}

impl RowWriter {
    pub(crate) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Seven bits a byte, the lowest first; all but the last have the eighth set.
    pub(crate) fn number(&mut self, mut number: u64) {
        loop {
            let [low, ..] = number.to_le_bytes();
            number >>= 7;
            if number == 0 {
                return self.bytes.push(low & 0x7F);
            }
            self.bytes.push(low | 0x80);
        }
    }

    /// The sign goes into the lowest bit, so that small numbers of both signs are short.
    pub(crate) fn signed(&mut self, number: i64) {
        let folded = (number << 1) ^ (number >> 63);
        self.number(u64::from_le_bytes(folded.to_le_bytes()));
    }

    /// The span from one instant to another, either way.
    pub(crate) fn time(&mut self, from: Timestamp, to: Timestamp) {
        self.signed(to.nanoseconds().wrapping_sub(from.nanoseconds()));
    }
}

/// Reads what a row is made of, front to back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowReader<'row> {
    rest: &'row [u8],
}

impl<'row> RowReader<'row> {
    pub(crate) const fn new(row: &'row [u8]) -> Self {
        Self { rest: row }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    pub(crate) fn raw(&mut self, length: usize) -> Option<&'row [u8]> {
        let (raw, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(raw)
    }

    pub(crate) fn array<const LENGTH: usize>(&mut self) -> Option<[u8; LENGTH]> {
        let (array, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*array)
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7F);
            if bits << shift >> shift != bits {
                return None;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    pub(crate) fn signed(&mut self) -> Option<i64> {
        let folded = self.number()?;
        let number = (folded >> 1) ^ (folded & 1).wrapping_neg();
        Some(i64::from_le_bytes(number.to_le_bytes()))
    }

    pub(crate) fn time(&mut self, from: Timestamp) -> Option<Timestamp> {
        Timestamp::from_nanoseconds(from.nanoseconds().checked_add(self.signed()?)?)
    }

    /// A position that lies so far behind another.
    pub(crate) fn behind(&mut self, position: Sequence) -> Option<Sequence> {
        position.0.checked_sub(self.number()?).map(Sequence)
    }

    /// A position that lies so far ahead of another.
    pub(crate) fn ahead(&mut self, position: Sequence) -> Option<Sequence> {
        position.0.checked_add(self.number()?).map(Sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_are_short() {
        for (number, length) in [(0, 1), (127, 1), (128, 2), (u64::from(u32::MAX), 5), (u64::MAX, 10)] {
            let mut writer = RowWriter::default();
            writer.number(number);
            assert_eq!(writer.bytes.len(), length);
            assert_eq!(RowReader::new(&writer.bytes).number(), Some(number));
        }
        for number in [0, 1, -1, 63, -64, 1 << 40, i64::MAX, i64::MIN] {
            let mut writer = RowWriter::default();
            writer.signed(number);
            assert_eq!(RowReader::new(&writer.bytes).signed(), Some(number));
        }
    }

    #[test]
    fn what_is_no_number_is_none() {
        assert_eq!(RowReader::new(&[]).number(), None);
        assert_eq!(RowReader::new(&[0x80]).number(), None, "cut short");
        assert_eq!(RowReader::new(&[0xFF; 10]).number(), None, "more than 64 bits");
        assert_eq!(RowReader::new(&[1, 2]).array::<3>(), None);
    }
}
