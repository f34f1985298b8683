//! Where accounts are, for the edges: a table that many threads read while the core thread adds to it.
//!
//! A look-up costs one cache line in nearly all cases, and an edge can ask for that line long before it needs
//! it. An entry is 64 bits of an account number's digest beside the account's number and currency; four stand in
//! a line. Entries are added and never leave, and nothing of them changes but that an account is closed, so a reader needs
//! no lock but the one that tells it which lines are in use. A table that is three quarters full is copied into one of twice the size, a few lines
//! with each entry added, so no addition ever pauses for it.
//!
//! Invariant: an entry that was added before a view was taken is found in it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use ledger::memory::{advise_large_pages, prefetch};
use types::{AccountNumber, Currency, Digest};
use zerocopy::FromZeros;

/// The table.
#[derive(Debug)]
pub(crate) struct AccountsTable {
    lines: RwLock<AccountLines>,
    /// Held by whoever adds: the core thread, and before it the start of the node.
    additions: Mutex<Additions>,
}

/// A view of the accounts for a few look-ups. It may miss what is added later.
#[derive(Clone, Debug)]
pub struct AccountLines {
    current: Arc<Table>,
    /// The smaller table that is being copied. It still has every entry that it ever had.
    copied: Option<Arc<Table>>,
}

/// What an edge knows of a customer's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AccountEntry {
    pub(crate) number: AccountNumber,
    /// The bank that keeps it; 0 if that is not known.
    pub(crate) bank: u16,
    pub(crate) is_closed: bool,
}

/// Entries of one cache line: words of the digest first, then what stands for each.
#[derive(Debug, FromZeros)]
#[repr(C, align(64))]
struct Line([Entry; ENTRIES]);

/// A key of 0 is an empty place. The value is written first, so that whoever sees the key sees the value.
#[derive(Debug, FromZeros)]
#[repr(C)]
struct Entry {
    key: AtomicU64,
    value: AtomicU64,
}

const ENTRIES: usize = 4;
const LINES_MIN: usize = 256;
/// Lines copied with each entry that is added. The new table takes 3/2 of the old one's places before it is three
/// quarters full itself, so two at a time are done long before.
const LINES_COPIED_PER_ADDITION: usize = 2;

const _: () = assert!(size_of::<Line>() == 64);

#[derive(Debug)]
struct Table {
    lines: Box<[Line]>,
}

/// How far the table has been filled and copied.
#[derive(Debug, Default)]
struct Additions {
    /// Entries in the current table.
    count: usize,
    /// The first line of the smaller table that has not been copied.
    cursor: usize,
}

impl Default for AccountsTable {
    fn default() -> Self {
        let lines = AccountLines { current: Arc::new(Table::new(LINES_MIN)), copied: None };
        Self { lines: RwLock::new(lines), additions: Mutex::default() }
    }
}

impl AccountsTable {
    /// A view for the look-ups that follow at once.
    pub(crate) fn lines(&self) -> AccountLines {
        self.lines.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds an account that is not in the table.
    pub(crate) fn add(&self, digest: Digest, currency: Currency, account: AccountEntry) {
        let mut additions = self.additions.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines = self.lines();
        if let Some(smaller) = &lines.copied {
            let end = smaller.lines.len().min(additions.cursor + LINES_COPIED_PER_ADDITION);
            for line in &smaller.lines[additions.cursor..end] {
                for entry in &line.0 {
                    let key = entry.key.load(Ordering::Relaxed);
                    if key != 0 {
                        lines.current.add(key, entry.value.load(Ordering::Relaxed));
                        additions.count += 1;
                    }
                }
            }
            additions.cursor = end;
            if end == smaller.lines.len() {
                lines.copied = None;
                self.publish(&lines);
            }
        } else if (additions.count + 1) * 4 > lines.current.lines.len() * ENTRIES * 3 {
            let larger = Arc::new(Table::new(lines.current.lines.len() * 2));
            lines.copied = Some(std::mem::replace(&mut lines.current, larger));
            *additions = Additions::default();
            self.publish(&lines);
        }
        lines.current.add(key(digest), value(account, currency));
        additions.count += 1;
    }

    /// Notes that an account is closed.
    pub(crate) fn close(&self, digest: Digest, currency: Currency) {
        // Nothing is copied meanwhile, so whatever is copied later is copied as closed.
        let _additions = self.additions.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = self.lines();
        for table in lines.copied.iter().chain([&lines.current]) {
            if let Some((entry, _)) = table.find(key(digest), currency) {
                entry.value.fetch_or(CLOSED, Ordering::Relaxed);
            }
        }
    }

    fn publish(&self, lines: &AccountLines) {
        let lines = lines.clone();
        let before =
            std::mem::replace(&mut *self.lines.write().unwrap_or_else(PoisonError::into_inner), lines);
        // Giving a large table back takes a while, and nobody shall wait for it.
        drop(before);
    }
}

impl AccountLines {
    /// Asks for the memory that a look-up of this digest will touch.
    pub fn prefetch(&self, digest: Digest) {
        self.current.prefetch(key(digest));
        if let Some(smaller) = &self.copied {
            smaller.prefetch(key(digest));
        }
    }

    /// The customer's account with this number's digest and currency, or 0.
    pub fn find(&self, digest: Digest, currency: Currency) -> AccountNumber {
        AccountNumber(self.value(digest, currency).map_or(0, number))
    }

    /// All that is known of it.
    pub(crate) fn entry(&self, digest: Digest, currency: Currency) -> Option<AccountEntry> {
        self.value(digest, currency).map(|value| AccountEntry {
            number: AccountNumber(number(value)),
            bank: u16::try_from(value >> 16 & 0xFFFF).expect("16 bits"),
            is_closed: value & CLOSED != 0,
        })
    }

    fn value(&self, digest: Digest, currency: Currency) -> Option<u64> {
        let find = |table: &Table| table.find(key(digest), currency).map(|(_, value)| value);
        find(&self.current).or_else(|| self.copied.as_deref().and_then(find))
    }
}

impl Table {
    fn new(lines: usize) -> Self {
        assert!(lines.is_power_of_two());
        let zeroed = <[Line]>::new_box_zeroed_with_elems(lines);
        let mut lines = zeroed.expect("as elsewhere, a process that gets no memory ends");
        advise_large_pages(&mut lines);
        Self { lines }
    }

    fn home(&self, key: u64) -> usize {
        // Digests are pseudo-random under a secret key, so any of their bits will do.
        usize::try_from(key >> 32).expect("32 bits") & (self.lines.len() - 1)
    }

    fn prefetch(&self, key: u64) {
        prefetch(&self.lines[self.home(key)]);
    }

    /// The lines in which a key may stand, from the one in which it most likely does.
    fn walk(&self, key: u64) -> impl Iterator<Item = &Line> {
        let home = self.home(key);
        (0..self.lines.len()).map(move |distance| &self.lines[(home + distance) & (self.lines.len() - 1)])
    }

    /// An entry, and its value.
    fn find(&self, key: u64, currency: Currency) -> Option<(&Entry, u64)> {
        for entry in self.walk(key).flat_map(|line| &line.0) {
            match entry.key.load(Ordering::Acquire) {
                0 => return None,
                found if found == key => {
                    let value = entry.value.load(Ordering::Relaxed);
                    if value & CURRENCY == u64::from(currency.number()) {
                        return Some((entry, value));
                    }
                }
                _ => {}
            }
        }
        None
    }

    fn add(&self, key: u64, value: u64) {
        let mut entries = self.walk(key).flat_map(|line| &line.0);
        let is_free = |entry: &&Entry| entry.key.load(Ordering::Relaxed) == 0;
        let free = entries.find(is_free).expect("a table is never full");
        free.value.store(value, Ordering::Relaxed);
        free.key.store(key, Ordering::Release);
    }
}

fn key(digest: Digest) -> u64 {
    // One digest in 2^64 is all zeros here; it shares its key with another one, and a hint may be wrong.
    digest.table_hash().max(1)
}

/// An account's number in the upper half, its bank in 16 bits, whether it is closed in one, and the currency's number in the
/// 15 below.
fn value(account: AccountEntry, currency: Currency) -> u64 {
    let closed = if account.is_closed { CLOSED } else { 0 };
    u64::from(account.number.0) << 32 | u64::from(account.bank) << 16 | closed | u64::from(currency.number())
}

const CLOSED: u64 = 1 << 15;
const CURRENCY: u64 = CLOSED - 1;

fn number(value: u64) -> u32 {
    u32::try_from(value >> 32).expect("32 bits")
}

#[cfg(test)]
mod tests {
    use types::DigestKey;

    use super::*;

    fn open(number: u32) -> AccountEntry {
        AccountEntry { number: AccountNumber(number), bank: 1, is_closed: false }
    }

    fn digest(account: u32) -> Digest {
        DigestKey::new([3; 16]).iban(&account.to_string())
    }

    #[test]
    fn every_account_is_found_while_the_table_grows() {
        let table = AccountsTable::default();
        for account in 1..=40_000 {
            table.add(digest(account), Currency::EUR, open(account));
            let lines = table.lines();
            for known in [1, account / 2 + 1, account] {
                lines.prefetch(digest(known));
                assert_eq!(lines.find(digest(known), Currency::EUR), AccountNumber(known));
            }
            assert_eq!(lines.find(digest(account + 1), Currency::EUR), AccountNumber(0));
        }
    }

    #[test]
    fn a_number_has_an_account_in_each_currency() {
        let table = AccountsTable::default();
        let crowns = Currency::parse("SEK").unwrap();
        table.add(digest(1), Currency::EUR, open(u32::MAX));
        table.add(digest(1), crowns, open(2));
        let lines = table.lines();
        assert_eq!(lines.find(digest(1), Currency::EUR), AccountNumber(u32::MAX));
        assert_eq!(lines.find(digest(1), crowns), AccountNumber(2));
        assert_eq!(lines.find(digest(1), Currency::parse("NOK").unwrap()), AccountNumber(0));
    }

    #[test]
    fn a_closed_account_stays_closed_while_the_table_grows() {
        let table = AccountsTable::default();
        let crowns = Currency::parse("SEK").unwrap();
        for account in 1..=5_000 {
            let added = AccountEntry { number: AccountNumber(account), bank: u16::MAX, is_closed: false };
            table.add(digest(account), Currency::EUR, added);
            table.add(digest(account), crowns, AccountEntry { bank: 2, ..open(account) });
            let closed = account / 2 + 1;
            table.close(digest(closed), Currency::EUR);
            for known in [1, closed] {
                let expected = AccountEntry { number: AccountNumber(known), bank: u16::MAX, is_closed: true };
                assert_eq!(table.lines().entry(digest(known), Currency::EUR), Some(expected));
                let other = AccountEntry { bank: 2, ..open(known) };
                assert_eq!(table.lines().entry(digest(known), crowns), Some(other));
            }
        }
        let last = table.lines().entry(digest(5_000), Currency::EUR).unwrap();
        assert!(!last.is_closed);
    }

    #[test]
    fn readers_find_what_was_there_before_they_looked() {
        let table = AccountsTable::default();
        let added = AtomicU64::new(0);
        std::thread::scope(|threads| {
            threads.spawn(|| {
                for account in 1..=20_000 {
                    table.add(digest(account), Currency::EUR, open(account));
                    added.store(u64::from(account), Ordering::Release);
                }
            });
            for seed in 1..=2_u32 {
                let (table, added) = (&table, &added);
                threads.spawn(move || {
                    let mut looked = seed;
                    loop {
                        let upto = u32::try_from(added.load(Ordering::Acquire)).unwrap();
                        let account = looked % upto.max(1) + 1;
                        if upto >= account {
                            let found = table.lines().find(digest(account), Currency::EUR);
                            assert_eq!(found, AccountNumber(account));
                        }
                        looked = looked.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        if upto == 20_000 {
                            return;
                        }
                    }
                });
            }
        });
    }
}
