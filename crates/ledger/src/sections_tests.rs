//! Sections that are longer than a buffer, from sources that give little at a time.

use super::*;

const NUMBERS: Section = Section::of::<[u8; 24]>(7, 3, "numbers");

fn item(number: u32) -> [u8; 24] {
    let mut item = [0; 24];
    item[10..14].copy_from_slice(&number.to_le_bytes());
    item
}

/// Gives and takes a little more than a thousand bytes at a time.
struct Slow(Vec<u8>);

impl Read for Slow {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let length = bytes.len().min(self.0.len()).min(1003);
        bytes[..length].copy_from_slice(&self.0[..length]);
        self.0.drain(..length);
        Ok(length)
    }
}

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        assert!(bytes.len() <= BUFFER_BYTES, "no more than a buffer goes out at once");
        let length = bytes.len().min(1003);
        self.0.extend_from_slice(&bytes[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn items_come_back_in_their_order_and_what_stands_behind_them_stays() {
    let at_once = u32::try_from(BUFFER_BYTES / 24).unwrap();
    for count in [0, 1, at_once - 1, at_once, at_once + 1, 3 * at_once + 5] {
        let mut slow = Slow(Vec::new());
        let items = usize::try_from(count).unwrap();
        SectionWriter::new(&mut slow).section(NUMBERS, items, (0..count).map(item)).unwrap();
        assert_eq!(u64::try_from(slow.0.len()), Ok(NUMBERS.length(items)));
        slow.0.extend_from_slice(b"behind");

        let mut next = 0;
        let mut reader = SectionReader::new(&mut slow);
        assert_eq!(reader.begin(NUMBERS).unwrap(), u64::from(count));
        let take = |found: &[u8; 24]| {
            assert_eq!(*found, item(next));
            next += 1;
            Ok(())
        };
        reader.items(NUMBERS, u64::from(count), take).unwrap();
        assert_eq!(next, count);
        assert_eq!(slow.0, b"behind");
    }
}

#[test]
fn impossible_item_is_counted_over_all_pieces() {
    let count = u32::try_from(BUFFER_BYTES / 24).unwrap() + 10;
    let mut bytes = Vec::new();
    let items = usize::try_from(count).unwrap();
    SectionWriter::new(&mut bytes).section(NUMBERS, items, (0..count).map(item)).unwrap();
    let mut source = bytes.as_slice();
    let mut reader = SectionReader::new(&mut source);
    reader.begin(NUMBERS).unwrap();
    let refuse = |found: &[u8; 24]| holds(*found != item(count - 2), "number");
    let error = reader.items(NUMBERS, u64::from(count), refuse).unwrap_err();
    assert!(matches!(error, StateError::Item { item, .. } if item == u64::from(count - 2)), "{error}");
}

#[test]
#[should_panic(expected = "as many items as it says")]
fn section_that_lies_about_its_items_is_our_bug() {
    let _ = SectionWriter::new(&mut io::sink()).section(NUMBERS, 2, (0..1).map(item));
}
