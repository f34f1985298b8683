//! The table: by the ledger's number of an account, who holds it.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use ledger::AccountText;
use types::{AccountNumber, Currency, Date, Iban, Sequence, Text};
use zeroize::Zeroizing;

/// Parts of the table that are locked apart, so that a reader waits for at most one addition.
const PARTS: usize = 64;

/// Why the table does not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotComplete {
    /// It is being made from the log.
    #[error("the names of account holders are being read from the log; try again later")]
    Reading,
    /// Its thread has ended with a fault. The node goes on.
    #[error("the names of account holders can't be kept: {0}")]
    Stopped(String),
}

/// Who holds an account. Neither names nor code are shown by `{:?}`, because it has none.
pub struct HoldersOf {
    /// The account's number; `None` if it has been erased with the names.
    pub iban: Option<Iban>,
    /// The holders, as the bank has named them; empty if the names have been erased.
    pub names: Vec<Text<140>>,
    /// The code of a legal person.
    pub identification: Option<Text<35>>,
}

/// The names of an account, and where they stand in the log.
pub struct NamedAt {
    /// The position of the record that names its holders.
    pub position: Sequence,
    /// The day of that record, by log time.
    pub date: Date,
    /// The currency of the account.
    pub currency: Currency,
    /// What stands there.
    pub text: AccountText,
}

/// What a record says about the holders of an account.
pub(super) struct Naming {
    pub(super) position: Sequence,
    pub(super) date: Date,
    pub(super) currency: Currency,
    /// `None` if the texts are erased.
    pub(super) text: Option<AccountText>,
    /// It counts only if no other names have come since this position; 0 if it counts in any case.
    pub(super) repeats: Sequence,
}

/// An account's names in one piece: position (u64), day (i32), currency (u16), 1 if names follow, and the texts as
/// the log has them.
struct Entry(Zeroizing<Box<[u8]>>);

const HEAD: usize = 15;

impl Entry {
    /// Without the names if they are forgotten: that somebody was named there stays, so that nothing older counts.
    fn new(naming: &Naming, is_forgotten: bool) -> Self {
        let text = naming.text.as_ref().filter(|_| !is_forgotten).map(|text| Zeroizing::new(text.encode()));
        let text = text.as_deref().map(Vec::as_slice);
        let mut bytes = Vec::with_capacity(HEAD + text.map_or(0, <[u8]>::len));
        bytes.extend_from_slice(&naming.position.0.to_le_bytes());
        bytes.extend_from_slice(&naming.date.days().to_le_bytes());
        bytes.extend_from_slice(&naming.currency.number().to_le_bytes());
        bytes.push(u8::from(text.is_some()));
        bytes.extend_from_slice(text.unwrap_or_default());
        // The capacity is the length, so nothing is copied and left behind here.
        Self(Zeroizing::new(bytes.into_boxed_slice()))
    }

    fn position(&self) -> Sequence {
        Sequence(u64::from_le_bytes(*self.0.first_chunk().expect("an entry has a head")))
    }

    fn date(&self) -> Date {
        Date::from_days(self.days()).expect("it was a day when it was put there")
    }

    fn days(&self) -> i32 {
        i32::from_le_bytes(*self.0[8..].first_chunk().expect("an entry has a head"))
    }

    fn currency(&self) -> Currency {
        let number = u16::from_le_bytes(*self.0[12..].first_chunk().expect("an entry has a head"));
        Currency::from_number(number).expect("it was a currency when it was put there")
    }

    fn has_names(&self) -> bool {
        self.0[HEAD - 1] == 1
    }

    fn text(&self) -> Option<AccountText> {
        self.has_names().then(|| AccountText::decode(&self.0[HEAD..]).expect("it was encoded here"))
    }

    fn holders(&self) -> HoldersOf {
        let Some(text) = self.text() else {
            return HoldersOf { iban: None, names: Vec::new(), identification: None };
        };
        HoldersOf { iban: Some(text.iban), names: text.holder_names, identification: text.identification }
    }
}

/// Some of the accounts: those whose numbers leave the same rest. `None` where no holders are known.
#[derive(Default)]
struct Part(Vec<Option<Entry>>);

/// The table, and whether it is of use.
pub(super) struct Table {
    parts: [RwLock<Part>; PARTS],
    is_complete: AtomicBool,
    stopped: Mutex<Option<String>>,
    /// Up to here the log has been read.
    reached: AtomicU64,
    /// Names from before this day, counted from 1970, are not known any more, whoever has read them meanwhile.
    forgotten_before: AtomicI32,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            parts: std::array::from_fn(|_| RwLock::default()),
            is_complete: AtomicBool::new(false),
            stopped: Mutex::default(),
            reached: AtomicU64::new(0),
            forgotten_before: AtomicI32::new(i32::MIN),
        }
    }
}

impl Table {
    /// Takes over what a record says, unless something later is known.
    pub(super) fn name(&self, account: AccountNumber, naming: &Naming) {
        let (part, index) = place(account);
        let mut part = self.write(part);
        if part.0.len() <= index {
            part.0.resize_with(index + 1, || None);
        }
        let known = part.0[index].as_ref().map(Entry::position);
        let is_overtaken =
            naming.repeats != Sequence(0) && known.is_some_and(|known| known != naming.repeats);
        if is_overtaken || known.is_some_and(|known| known >= naming.position) {
            return;
        }
        // Looked at under the lock: whoever forgets takes it after having said from when on.
        let is_forgotten = naming.date.days() < self.forgotten_before.load(Ordering::SeqCst);
        part.0[index] = Some(Entry::new(naming, is_forgotten));
    }

    /// The account is closed.
    pub(super) fn close(&self, account: AccountNumber) {
        let (part, index) = place(account);
        if let Some(entry) = self.write(part).0.get_mut(index) {
            *entry = None;
        }
    }

    pub(super) fn set_reached(&self, reached: Sequence) {
        self.reached.store(reached.0, Ordering::Relaxed);
    }

    pub(super) fn set_complete(&self) {
        self.is_complete.store(true, Ordering::Release);
    }

    /// Its thread has ended: what it holds gets older from now on, so it goes.
    pub(super) fn stop(&self, why: String) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
        self.is_complete.store(false, Ordering::Release);
        self.clear();
        // Nothing in the log is kept for a thread that reads no more.
        self.set_reached(Sequence(u64::MAX));
    }

    /// Nothing is known any more.
    pub(super) fn clear(&self) {
        for part in 0..PARTS {
            self.write(part).0 = Vec::new();
        }
    }

    fn read(&self, part: usize) -> RwLockReadGuard<'_, Part> {
        // An entry is put in its place in one piece.
        self.parts[part].read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, part: usize) -> RwLockWriteGuard<'_, Part> {
        self.parts[part].write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// In which part an account stands, and where in it.
fn place(account: AccountNumber) -> (usize, usize) {
    let number = usize::try_from(account.0).expect("32 bits");
    (number % PARTS, number / PARTS)
}

/// A way to ask who holds an account. Cheap to clone.
#[derive(Clone)]
pub struct HoldersView(pub(super) Arc<Table>);

impl HoldersView {
    /// Who holds an account; `None` if nobody is known: it was never opened, is closed, or was named in a part of the log that
    /// is gone.
    ///
    /// # Errors
    /// If the table is not complete.
    pub fn of(&self, account: AccountNumber) -> Result<Option<HoldersOf>, NotComplete> {
        self.check()?;
        let (part, index) = place(account);
        Ok(self.0.read(part).0.get(index).and_then(Option::as_ref).map(Entry::holders))
    }

    /// How many accounts have holders whose names were last written before a day.
    ///
    /// # Errors
    /// If the table is not complete.
    pub fn count_before(&self, day: Date) -> Result<u64, NotComplete> {
        self.check()?;
        let count = |part: usize| {
            let part = self.0.read(part);
            part.0.iter().flatten().filter(|entry| entry.has_names() && entry.days() < day.days()).count()
        };
        Ok((0..PARTS).map(count).map(|count| u64::try_from(count).expect("64 bits")).sum())
    }

    /// Some of the accounts with holders whose names were last written before a day, at most so many.
    ///
    /// # Errors
    /// If the table is not complete.
    pub fn some_before(&self, day: Date, count_max: usize) -> Result<Vec<NamedAt>, NotComplete> {
        self.check()?;
        let mut found = Vec::new();
        for part in 0..PARTS {
            for entry in self.0.read(part).0.iter().flatten().filter(|entry| entry.days() < day.days()) {
                if found.len() == count_max {
                    return Ok(found);
                }
                let (position, date, currency) = (entry.position(), entry.date(), entry.currency());
                found.extend(entry.text().map(|text| NamedAt { position, date, currency, text }));
            }
        }
        Ok(found)
    }

    /// Names that were written before a day go, because the keys of those days have been destroyed. Says of how many
    /// accounts.
    pub fn forget_before(&self, day: Date) -> u64 {
        self.0.forgotten_before.fetch_max(day.days(), Ordering::SeqCst);
        let mut count = 0;
        for part in 0..PARTS {
            for entry in &mut self.0.write(part).0 {
                let Some(old) = entry.as_ref().filter(|entry| entry.has_names()) else { continue };
                if old.days() >= day.days() {
                    continue;
                }
                let (position, date, currency) = (old.position(), old.date(), old.currency());
                let naming = Naming { position, date, currency, text: None, repeats: Sequence(0) };
                *entry = Some(Entry::new(&naming, true));
                count += 1;
            }
        }
        count
    }

    /// Whether names of that day have been let go ([`Self::forget_before`]), so that whoever has read them before lets them go
    /// too.
    pub fn is_forgotten(&self, date: Date) -> bool {
        date.days() < self.0.forgotten_before.load(Ordering::SeqCst)
    }

    /// Up to here the log has been read. What is before the names' own positions is not read again before the next start.
    pub fn taken_in(&self) -> Sequence {
        Sequence(self.0.reached.load(Ordering::Relaxed))
    }

    /// Whether the table answers.
    ///
    /// # Errors
    /// Why it does not.
    pub fn check(&self) -> Result<(), NotComplete> {
        if self.0.is_complete.load(Ordering::Acquire) {
            return Ok(());
        }
        let stopped = self.0.stopped.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Err(stopped.map_or(NotComplete::Reading, NotComplete::Stopped))
    }
}

impl fmt::Debug for HoldersView {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("HoldersView").field("complete", &self.check()).finish_non_exhaustive()
    }
}
