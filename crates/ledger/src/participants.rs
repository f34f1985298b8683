//! Participants, their books and their positions.
//!
//! A book is one participant's accounts in one currency: its customers', its core account and its clearing
//! account. Positions of all participants, with a funding account, form the settlement book of a currency.

use types::{AccountNumber, Bic, Currency, ParticipantNumber};

use crate::blocks::Blocks;
use crate::command::Direction;
use crate::reachable::LimitNumber;
use crate::{AccountMode, DecisionPolicy, Fees, ParticipantStatus, Zone};

#[path = "participants_state.rs"]
mod state;

/// A payment service provider that takes part.
#[derive(Clone, Debug)]
pub struct Participant {
    pub(crate) bic: Bic,
    pub(crate) name: Name,
    pub(crate) mode: AccountMode,
    pub(crate) status: ParticipantStatus,
    pub(crate) blocks: Blocks,
    pub(crate) books: Books,
    pub(crate) policy: DecisionPolicy,
    pub(crate) unanswered_max: u32,
    pub(crate) zone: Zone,
}

/// A name of at most 140 characters, in place. Empty once the personal section that held it has been erased.
#[derive(Clone, Copy)]
pub(crate) struct Name {
    length: usize,
    bytes: [u8; NAME_BYTES_MAX],
}

/// A character takes at most four bytes.
const NAME_BYTES_MAX: usize = 4 * 140;

impl Name {
    pub(crate) fn new(text: &[u8]) -> Self {
        let length = if text.len() <= NAME_BYTES_MAX { text.len() } else { 0 };
        let mut bytes = [0; NAME_BYTES_MAX];
        bytes[..length].copy_from_slice(&text[..length]);
        Self { length, bytes }
    }
}

impl std::fmt::Debug for Name {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Name({} bytes)", self.length)
    }
}

/// How many currencies one participant may keep. Few, so that a participant needs no memory of its own.
pub(crate) const BOOKS_MAX: usize = 4;

/// A participant's books, in place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Books {
    books: [Option<Book>; BOOKS_MAX],
}

impl Books {
    pub(crate) const fn one(book: Book) -> Self {
        Self { books: [Some(book), None, None, None] }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Book> {
        self.books.iter().flatten()
    }

    pub(crate) fn get_mut(&mut self, currency: Currency) -> Option<&mut Book> {
        self.books.iter_mut().flatten().find(|book| book.currency == currency)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.iter().count() == BOOKS_MAX
    }

    pub(crate) fn add(&mut self, book: Book) {
        let place = self.books.iter_mut().find(|place| place.is_none());
        *place.expect("the rules check that there is room for a book") = Some(book);
    }

    /// From now on the bank settles this currency on another bank's position.
    pub(crate) fn set_limit(&mut self, currency: Currency, limit: LimitNumber, host_position: AccountNumber) {
        let mut books = self.books.iter_mut().flatten();
        let book = books.find(|book| book.currency == currency).expect("a party has a book");
        assert!(book.position.0 == 0, "a reachable party has no position");
        (book.limit, book.host_position) = (limit, host_position);
    }
}

/// The accounts of a participant that are not its customers', in one currency.
#[derive(Clone, Copy, Debug)]
pub struct Book {
    /// The currency.
    pub currency: Currency,
    /// Counter-account of what the bank's own systems post.
    pub core: AccountNumber,
    /// Mirror of what went to and came from other banks.
    pub clearing: AccountNumber,
    /// The position in the settlement book, or 0 if the bank has none in this currency.
    pub position: AccountNumber,
    /// What is taken for payments from its customers' accounts.
    pub fees: Fees,
    /// Its limit on another bank's position, if it is a reachable party in this currency.
    pub(crate) limit: LimitNumber,
    /// That position, or 0.
    pub(crate) host_position: AccountNumber,
}

impl Book {
    /// The position on which the bank's payments to other banks settle, its own or that of its host.
    pub(crate) fn settles_on(&self) -> Option<AccountNumber> {
        let position = if self.limit == LimitNumber::NONE { self.position } else { self.host_position };
        (position.0 != 0).then_some(position)
    }
}

impl Participant {
    /// Its code.
    pub const fn bic(&self) -> Bic {
        self.bic
    }

    /// Its name; empty if that can't be read any more.
    pub fn name(&self) -> &str {
        std::str::from_utf8(&self.name.bytes[..self.name.length]).unwrap_or_default()
    }

    /// Where its customers' accounts live.
    pub const fn mode(&self) -> AccountMode {
        self.mode
    }

    /// Whether it takes part at present.
    pub const fn status(&self) -> ParticipantStatus {
        self.status
    }

    /// Which payments it does not take, whatever its status.
    pub const fn blocks(&self) -> Blocks {
        self.blocks
    }

    /// Whether it is closed for payments that it sends, or that it receives.
    pub(crate) fn is_closed_for(&self, direction: Direction) -> bool {
        self.status == ParticipantStatus::Suspended || self.blocks.covers(direction)
    }

    /// About which payments of its accounts here it wants to decide.
    pub const fn policy(&self) -> &DecisionPolicy {
        &self.policy
    }

    /// How many questions it may have unanswered.
    pub const fn unanswered_max(&self) -> u32 {
        self.unanswered_max
    }

    /// Its clock, by which its customers' days begin and end.
    pub const fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Its book in a currency. There are one or two, so a walk is the quickest look-up.
    pub fn book(&self, currency: Currency) -> Option<&Book> {
        self.books.iter().find(|book| book.currency == currency)
    }

    /// Its books, the first one from its registration.
    pub fn books(&self) -> impl Iterator<Item = &Book> {
        self.books.iter()
    }

    /// Its position in a currency.
    pub fn position(&self, currency: Currency) -> Option<AccountNumber> {
        self.book(currency).map(|book| book.position).filter(|position| position.0 != 0)
    }
}

/// All participants, in the order of registration, found by their code.
#[derive(Debug, Default)]
pub(crate) struct Participants {
    participants: Vec<Participant>,
    /// Sorted by code. Registrations are rare and look-ups are a binary search over one dense array.
    by_bic: Vec<(Bic, ParticipantNumber)>,
    /// The settlement book's counter-account in each currency.
    funding: Vec<(Currency, AccountNumber)>,
}

impl Participants {
    pub(crate) fn reserve(&mut self, registrations: usize) {
        self.participants.reserve(registrations);
        self.by_bic.reserve(registrations);
        self.funding.reserve(registrations);
    }

    pub(crate) fn count(&self) -> usize {
        self.participants.len()
    }

    pub(crate) fn find(&self, bic: Bic) -> Option<ParticipantNumber> {
        let at = self.by_bic.binary_search_by(|entry| entry.0.cmp(&bic)).ok()?;
        Some(self.by_bic[at].1)
    }

    pub(crate) fn get(&self, number: ParticipantNumber) -> &Participant {
        &self.participants[slot(number)]
    }

    pub(crate) fn get_mut(&mut self, number: ParticipantNumber) -> &mut Participant {
        &mut self.participants[slot(number)]
    }

    /// All participants in the order of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ParticipantNumber, &Participant)> {
        (1..).map(ParticipantNumber).zip(&self.participants)
    }

    pub(crate) fn next_number(&self) -> ParticipantNumber {
        let count = u32::try_from(self.participants.len()).expect("participants are few");
        ParticipantNumber(count + 1)
    }

    pub(crate) fn register(&mut self, participant: Participant) {
        let number = self.next_number();
        let at = self.by_bic.binary_search_by(|entry| entry.0.cmp(&participant.bic));
        let at = at.expect_err("the rules check that a code is registered once");
        self.by_bic.insert(at, (participant.bic, number));
        self.participants.push(participant);
    }

    pub(crate) fn funding(&self, currency: Currency) -> Option<AccountNumber> {
        self.funding.iter().find(|entry| entry.0 == currency).map(|entry| entry.1)
    }

    pub(crate) fn funding_accounts(&self) -> impl Iterator<Item = (Currency, AccountNumber)> {
        self.funding.iter().copied()
    }

    pub(crate) fn set_funding(&mut self, currency: Currency, account: AccountNumber) {
        assert!(self.funding(currency).is_none(), "a settlement book has one funding account");
        self.funding.push((currency, account));
    }
}

fn slot(number: ParticipantNumber) -> usize {
    let slot = number.0.checked_sub(1).expect("participant numbers start at 1");
    usize::try_from(slot).expect("addresses have at least 32 bits")
}
