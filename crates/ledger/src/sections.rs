//! The frame of a stored state: sections of items of one kind, one behind the other.
//!
//! A section is a [`SectionHeader`] and its items. A program reads the sections that it knows in the order in which
//! it knows them, so one state has one stream of bytes, and what a program does not know it names and refuses.
//!
//! Writing and reading hold one buffer, however long a section is, and nothing is read from behind the last item.

use std::io::{self, Read, Write};

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::layout::stored;

/// Bytes that cannot be read as a state.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The source failed.
    #[error("the state can't be read: {0}")]
    Read(#[from] io::Error),
    /// The bytes end too early.
    #[error("the state ends within section `{section}`")]
    Ends {
        /// The section.
        section: &'static str,
    },
    /// A section or version that this program does not know, or not at this place.
    #[error("section {kind} version {version} stands where this version of Solvo reads `{expected}`")]
    Section {
        /// The section's number.
        kind: u16,
        /// Its version.
        version: u16,
        /// What should stand there.
        expected: &'static str,
    },
    /// Items whose length is not their section's.
    #[error("section `{section}` has items of {found} bytes")]
    ItemLength {
        /// The section.
        section: &'static str,
        /// As the header says.
        found: u32,
    },
    /// A section with another number of items than the rest of the state asks for.
    #[error("section `{section}` has {found} items and not {expected}")]
    Count {
        /// The section.
        section: &'static str,
        /// As the header says.
        found: u64,
        /// As the rest of the state says.
        expected: u64,
    },
    /// There is more than there is room for. Start with higher limits.
    #[error("section `{section}` has {found} items, and the limits leave room for {max}")]
    Limit {
        /// The section.
        section: &'static str,
        /// As the header says.
        found: u64,
        /// As the limits say.
        max: u64,
    },
    /// A field that holds what it can't.
    #[error("`{field}` of item {item} in section `{section}` holds an impossible value")]
    Item {
        /// The section.
        section: &'static str,
        /// Which of its items, counted from 0.
        item: u64,
        /// The field.
        field: &'static str,
    },
}

/// A field that holds what it can't.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Impossible(
    /// The field.
    pub &'static str,
);

stored! {
    /// What every section starts with.
    SectionHeader[16] {
        /// Which section.
        kind: U16,
        /// Which version of its items.
        version: U16,
        /// Bytes of one item.
        item_length: U32,
        /// How many items follow.
        count: U64,
    }
}

/// A section, by its number, the version and length of its items, and a name for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    kind: u16,
    version: u16,
    item_length: usize,
    name: &'static str,
}

impl Section {
    /// The section with this number, this version and these items.
    pub const fn of<Item>(kind: u16, version: u16, name: &'static str) -> Self {
        Self { kind, version, item_length: size_of::<Item>(), name }
    }

    /// Its name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Bytes that it takes with so many items.
    pub fn length(&self, items: usize) -> u64 {
        let length = |bytes: usize| u64::try_from(bytes).expect("64 bits");
        length(size_of::<SectionHeader>()) + length(self.item_length) * length(items)
    }

    /// The error that one of its items is not possible.
    pub const fn impossible(&self, item: u64, Impossible(field): Impossible) -> StateError {
        StateError::Item { section: self.name, item, field }
    }

    fn item_length(&self) -> u32 {
        u32::try_from(self.item_length).expect("items are short")
    }
}

/// Bytes that are gathered before they are passed on.
const BUFFER_BYTES: usize = 256 << 10;

/// Writes sections.
pub struct SectionWriter<'sink> {
    sink: &'sink mut dyn Write,
    buffer: Vec<u8>,
}

impl<'sink> SectionWriter<'sink> {
    /// Writes to this sink.
    pub fn new(sink: &'sink mut dyn Write) -> Self {
        Self { sink, buffer: Vec::with_capacity(BUFFER_BYTES) }
    }

    /// Writes a section of so many items.
    ///
    /// # Panics
    /// If there are fewer items or more.
    pub fn section<Item: IntoBytes + Immutable>(
        &mut self,
        section: Section,
        count: usize,
        items: impl Iterator<Item = Item>,
    ) -> io::Result<()> {
        assert!(section.item_length == size_of::<Item>(), "the items are the section's");
        let header = SectionHeader {
            kind: section.kind.into(),
            version: section.version.into(),
            item_length: section.item_length().into(),
            count: u64::try_from(count).expect("64 bits").into(),
        };
        self.buffer.extend_from_slice(header.as_bytes());
        let mut written = 0;
        for item in items {
            if self.buffer.len() + size_of::<Item>() > BUFFER_BYTES {
                self.flush()?;
            }
            self.buffer.extend_from_slice(item.as_bytes());
            written += 1;
        }
        assert!(written == count, "a section has as many items as it says");
        self.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

/// Reads sections.
pub struct SectionReader<'source> {
    source: &'source mut dyn Read,
    buffer: Vec<u8>,
}

impl<'source> SectionReader<'source> {
    /// Reads from this source.
    pub fn new(source: &'source mut dyn Read) -> Self {
        Self { source, buffer: vec![0; BUFFER_BYTES] }
    }

    /// Begins this section, which has to come next; says how many items it has.
    pub fn begin(&mut self, section: Section) -> Result<u64, StateError> {
        let mut header = [0; size_of::<SectionHeader>()];
        read(self.source, &mut header, section)?;
        let SectionHeader { kind, version, item_length, count } = zerocopy::transmute!(header);
        if (kind.get(), version.get()) != (section.kind, section.version) {
            let (kind, version) = (kind.get(), version.get());
            return Err(StateError::Section { kind, version, expected: section.name });
        }
        if item_length.get() != section.item_length() {
            return Err(StateError::ItemLength { section: section.name, found: item_length.get() });
        }
        Ok(count.get())
    }

    /// The same, where so many items are expected.
    pub fn begin_exactly(&mut self, section: Section, expected: u64) -> Result<u64, StateError> {
        match self.begin(section)? {
            found if found == expected => Ok(found),
            found => Err(StateError::Count { section: section.name, found, expected }),
        }
    }

    /// The same, where there is room for so many items.
    pub fn begin_within(&mut self, section: Section, max: usize) -> Result<usize, StateError> {
        let found = self.begin(section)?;
        let max_found = u64::try_from(max).expect("64 bits");
        match usize::try_from(found) {
            Ok(count) if count <= max => Ok(count),
            Ok(_) | Err(_) => Err(StateError::Limit { section: section.name, found, max: max_found }),
        }
    }

    /// Reads the items of a section that has begun, in their order.
    pub fn items<Item>(
        &mut self,
        section: Section,
        count: u64,
        mut take: impl FnMut(&Item) -> Result<(), Impossible>,
    ) -> Result<(), StateError>
    where
        Item: FromBytes + KnownLayout + Immutable + Unaligned,
    {
        assert!(section.item_length == size_of::<Item>(), "the items are the section's");
        let at_once = BUFFER_BYTES / size_of::<Item>();
        let mut next = 0;
        while next < count {
            let items = usize::try_from(count - next).map_or(at_once, |left| left.min(at_once));
            let bytes = &mut self.buffer[..items * size_of::<Item>()];
            read(self.source, bytes, section)?;
            for item in bytes.chunks_exact(size_of::<Item>()) {
                let item = Item::ref_from_bytes(item).expect("a chunk has an item's length");
                take(item).map_err(|impossible| section.impossible(next, impossible))?;
                next += 1;
            }
        }
        Ok(())
    }
}

fn read(source: &mut dyn Read, bytes: &mut [u8], section: Section) -> Result<(), StateError> {
    source.read_exact(bytes).map_err(|error| {
        let ends = error.kind() == io::ErrorKind::UnexpectedEof;
        if ends { StateError::Ends { section: section.name } } else { StateError::Read(error) }
    })
}

/// Says which field is impossible, if the condition does not hold.
pub(crate) const fn holds(condition: bool, field: &'static str) -> Result<(), Impossible> {
    if condition { Ok(()) } else { Err(Impossible(field)) }
}

/// Reserved bytes are zero.
pub(crate) fn zero(bytes: &[u8]) -> Result<(), Impossible> {
    holds(bytes.iter().all(|byte| *byte == 0), "reserved")
}

/// The value of a field, if it has one.
pub(crate) fn value<Value>(value: Option<Value>, field: &'static str) -> Result<Value, Impossible> {
    value.ok_or(Impossible(field))
}

#[cfg(test)]
#[path = "sections_tests.rs"]
mod tests;
