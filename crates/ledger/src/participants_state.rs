//! Participants as they stand in a stored state. Their names are a section of their own.

use types::{AccountNumber, Bic, Currency, ParticipantNumber};
use zerocopy::FromZeros;

use super::{BOOKS_MAX, Book, Books, NAME_BYTES_MAX, Name, Participant, Participants};
use crate::blocks::Blocks;
use crate::reachable::LimitNumber;
use crate::sections::{Impossible, SectionReader, StateError, holds, value, zero};
use crate::state_layout::{self, FUNDING, NAMES, PARTICIPANTS};
use crate::{
    AccountMode, DecisionPolicy, DecisionScope, Fees, ParticipantStatus, Silence, StagePolicy, Zone,
};

#[path = "houses_state.rs"]
mod houses;

/// What is made room for before participants are read. There are few, and a count in a file proves nothing.
const AT_ONCE: usize = 1024;

impl Name {
    const EMPTY: Self = Self { length: 0, bytes: [0; NAME_BYTES_MAX] };

    fn to_state(self) -> state_layout::Name {
        let length = u16::try_from(self.length).expect("a name is short").into();
        state_layout::Name { length, reserved: [0; 6], bytes: state_layout::NameBytes(self.bytes) }
    }

    fn from_state(stored: &state_layout::Name) -> Result<Self, Impossible> {
        let length = usize::from(stored.length.get());
        let (text, rest) = value(stored.bytes.0.split_at_checked(length), "length")?;
        value(std::str::from_utf8(text).ok(), "bytes")?;
        zero(rest)?;
        zero(&stored.reserved)?;
        Ok(Self::new(text))
    }
}

impl Book {
    fn to_state(self) -> state_layout::Book {
        state_layout::Book {
            currency: self.currency.number().into(),
            reserved: [0; 2],
            core: self.core.0.into(),
            clearing: self.clearing.0.into(),
            position: self.position.0.into(),
        }
    }

    fn from_state(stored: &state_layout::Book) -> Result<Self, Impossible> {
        zero(&stored.reserved)?;
        Ok(Self {
            currency: value(Currency::from_number(stored.currency.get()).ok(), "currency")?,
            core: AccountNumber(stored.core.get()),
            clearing: AccountNumber(stored.clearing.get()),
            position: AccountNumber(stored.position.get()),
            fees: Fees::default(),
            limit: LimitNumber::NONE,
            host_position: AccountNumber(0),
        })
    }
}

impl Books {
    fn from_state(count: u8, stored: &[state_layout::Book; BOOKS_MAX]) -> Result<Self, Impossible> {
        let mut books = Self { books: [None; BOOKS_MAX] };
        for (place, stored) in stored.iter().enumerate() {
            if place >= usize::from(count) {
                holds(*stored == state_layout::Book::new_zeroed(), "books")?;
                continue;
            }
            let book = Book::from_state(stored)?;
            holds(books.iter().all(|known| known.currency != book.currency), "currency")?;
            books.add(book);
        }
        holds((1..=BOOKS_MAX).contains(&usize::from(count)), "book_count")?;
        Ok(books)
    }
}

impl Participant {
    /// The stored form of a participant that was asked so many questions.
    fn to_state(&self, asked: u64) -> state_layout::Participant {
        let mut books = [state_layout::Book::new_zeroed(); BOOKS_MAX];
        books.iter_mut().zip(self.books.iter()).for_each(|(stored, book)| *stored = book.to_state());
        let DecisionPolicy { debits, credits } = self.policy;
        let (debit_scope, debit_above) = debits.scope.stored();
        let (credit_scope, credit_above) = credits.scope.stored();
        state_layout::Participant {
            bic: *self.bic.as_bytes(),
            mode: self.mode.number(),
            status: self.status.number(),
            debit_scope,
            debit_silence: debits.silence.number(),
            credit_scope,
            credit_silence: credits.silence.number(),
            book_count: u8::try_from(self.books.iter().count()).expect("books are few"),
            reserved: [0; 2],
            unanswered_max: self.unanswered_max.into(),
            debit_above: debit_above.into(),
            credit_above: credit_above.into(),
            asked: asked.into(),
            books,
        }
    }

    fn from_state(stored: &state_layout::Participant) -> Result<Self, Impossible> {
        let scope = |number, above, field| value(DecisionScope::from_stored(number, above), field);
        let silence = |number, field| value(Silence::from_number(number), field);
        zero(&stored.reserved)?;
        Ok(Self {
            bic: value(Bic::from_bytes(stored.bic), "bic")?,
            name: Name::EMPTY,
            mode: value(AccountMode::from_number(stored.mode), "mode")?,
            status: value(ParticipantStatus::from_number(stored.status), "status")?,
            blocks: Blocks::NONE,
            books: Books::from_state(stored.book_count, &stored.books)?,
            policy: DecisionPolicy {
                debits: StagePolicy {
                    scope: scope(stored.debit_scope, stored.debit_above.get(), "debit_scope")?,
                    silence: silence(stored.debit_silence, "debit_silence")?,
                },
                credits: StagePolicy {
                    scope: scope(stored.credit_scope, stored.credit_above.get(), "credit_scope")?,
                    silence: silence(stored.credit_silence, "credit_silence")?,
                },
            },
            unanswered_max: stored.unanswered_max.get(),
            zone: Zone::default(),
        })
    }

    /// Which of its books is in this currency.
    pub(crate) fn place_of_book(&self, currency: Currency) -> Option<usize> {
        self.books.iter().position(|book| book.currency == currency)
    }
}

impl Participants {
    /// The items of [`PARTICIPANTS`], given how many questions each was asked.
    pub(crate) fn to_state(
        &self,
        asked: impl Fn(ParticipantNumber) -> u64,
    ) -> impl Iterator<Item = state_layout::Participant> {
        self.iter().map(move |(number, participant)| participant.to_state(asked(number)))
    }

    /// The items of [`NAMES`].
    pub(crate) fn names_to_state(&self) -> impl Iterator<Item = state_layout::Name> {
        self.participants.iter().map(|participant| participant.name.to_state())
    }

    /// The items of [`FUNDING`].
    pub(crate) fn funding_to_state(&self) -> impl Iterator<Item = state_layout::Funding> {
        self.funding_accounts().map(|(currency, account)| state_layout::Funding {
            currency: currency.number().into(),
            reserved: [0; 2],
            account: account.0.into(),
        })
    }

    pub(crate) fn funding_count(&self) -> usize {
        self.funding.len()
    }

    /// Reads participants, names and funding accounts; says how many questions each participant was asked. That their
    /// accounts are there is checked when these are read.
    pub(crate) fn read_state(
        reader: &mut SectionReader<'_>,
        participants_max: usize,
    ) -> Result<(Self, Vec<u64>), StateError> {
        let mut read = Self::default();
        let mut asked = Vec::new();
        let count = reader.begin_within(PARTICIPANTS, participants_max)?;
        read.reserve(count.min(AT_ONCE));
        let count = u64::try_from(count).expect("64 bits");
        reader.items(PARTICIPANTS, count, |stored: &state_layout::Participant| {
            let participant = Participant::from_state(stored)?;
            holds(read.find(participant.bic).is_none(), "bic")?;
            read.register(participant);
            asked.push(stored.asked.get());
            Ok(())
        })?;
        reader.begin_exactly(NAMES, count)?;
        let mut unnamed = read.participants.iter_mut();
        reader.items(NAMES, count, |stored| {
            let participant = unnamed.next().expect("there are as many names as participants");
            participant.name = Name::from_state(stored)?;
            Ok(())
        })?;
        read.read_funding(reader)?;
        Ok((read, asked))
    }

    fn read_funding(&mut self, reader: &mut SectionReader<'_>) -> Result<(), StateError> {
        let count = reader.begin(FUNDING)?;
        reader.items(FUNDING, count, |stored: &state_layout::Funding| {
            let currency = value(Currency::from_number(stored.currency.get()).ok(), "currency")?;
            holds(self.funding(currency).is_none(), "currency")?;
            zero(&stored.reserved)?;
            self.set_funding(currency, AccountNumber(stored.account.get()));
            Ok(())
        })
    }
}
