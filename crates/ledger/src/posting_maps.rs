//! Which map of postings was set last for each book. The lines stand in the log, and history reads them there: no decision
//! depends on them.
//!
//! Invariant: one item for each book that ever had a map, in the order of banks and currencies.

use types::{Currency, Date, ParticipantNumber, Sequence};

#[path = "posting_maps_state.rs"]
mod state;

/// The map of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostingMap {
    pub(crate) bank: ParticipantNumber,
    pub(crate) currency: Currency,
    pub(crate) set_at: Sequence,
    pub(crate) from: Option<Date>,
    pub(crate) set_count: u32,
}

impl PostingMap {
    /// The position of the command that set it.
    pub const fn set_at(&self) -> Sequence {
        self.set_at
    }

    /// From which booking date on it counts, if not from its own position on.
    pub const fn from(&self) -> Option<Date> {
        self.from
    }

    /// How many maps were set for the book, this one included.
    pub const fn set_count(&self) -> u32 {
        self.set_count
    }

    const fn book(&self) -> (u32, u16) {
        (self.bank.0, self.currency.number())
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct PostingMaps {
    maps: Vec<PostingMap>,
}

impl PostingMaps {
    /// Makes room for the maps of so many more books.
    pub(crate) fn reserve(&mut self, books: usize) {
        self.maps.reserve(books);
    }

    pub(crate) const fn count(&self) -> usize {
        self.maps.len()
    }

    pub(crate) fn find(&self, bank: ParticipantNumber, currency: Currency) -> Option<&PostingMap> {
        let place = self.maps.binary_search_by_key(&(bank.0, currency.number()), PostingMap::book);
        place.ok().map(|place| &self.maps[place])
    }

    /// Puts a map in place of the one of its book.
    pub(crate) fn set(&mut self, map: PostingMap) {
        match self.maps.binary_search_by_key(&map.book(), PostingMap::book) {
            Ok(place) => {
                assert!(self.maps[place].set_at < map.set_at, "maps are set in the order of the log");
                self.maps[place] = map;
            }
            Err(place) => self.maps.insert(place, map),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &PostingMap> {
        self.maps.iter()
    }

    pub(crate) fn validate(&self) {
        assert!(self.maps.is_sorted_by_key(PostingMap::book), "maps stand in the order of their books");
        assert!(self.maps.iter().all(|map| map.set_count > 0), "a map was set");
    }
}
