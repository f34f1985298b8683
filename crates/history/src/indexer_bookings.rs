//! The bookings of banks' books: what a command that was carried out booked, from each bank's side.
//!
//! The ledger tells the balances of customers and positions; the other side of each transfer follows from which of the two
//! sides of a payment are kept here, as the table of `ledger`'s bookings has it.

use ledger::ExceptionAction;
use types::{AccountNumber, Bic, Currency, Date, ParticipantNumber, Sequence};

use super::{IndexError, Indexer, When};
use crate::bookings::{Book, BookSide, BookSums, BookingRow, Heap, Moved};
use crate::keys::Series;
use crate::rows::{EntryKind, Place};
use crate::walk;
use crate::window::{ExceptionBooked, Return};

/// Money that goes from one bank's side to another's, or stays within a bank.
#[derive(Clone, Copy)]
pub(super) struct Passage {
    pub(super) kind: EntryKind,
    pub(super) command: Sequence,
    pub(super) currency: Currency,
    /// The payment that it is about, if it is about one.
    pub(super) payment: Option<Sequence>,
    /// In minor units.
    pub(super) amount: i64,
    /// The bank that pays, and on what in its book; `None` if its own core books it.
    pub(super) from: (Bic, Option<BookSide>),
    /// The same of the bank that is paid.
    pub(super) to: (Bic, Option<BookSide>),
}

/// What a booking is, of which the sides differ between banks.
#[derive(Clone, Copy)]
struct Booked {
    kind: EntryKind,
    command: Sequence,
    payment: Option<Sequence>,
    amount: i64,
    value_date: Option<Date>,
}

impl Indexer {
    /// Adds what a passage books.
    pub(super) fn pass(&mut self, passage: Passage, when: When) -> Result<(), IndexError> {
        let Passage { kind, command, currency, payment, amount, from: (payer, debit), to: (payee, credit) } =
            passage;
        let booked = Booked { kind, command, payment, amount, value_date: None };
        let [from, to] = [payer, payee].map(|bank| ParticipantNumber(self.banks.number(Some(bank))));
        if from == to {
            let inner = [debit.unwrap_or(BookSide::Core), credit.unwrap_or(BookSide::Core)];
            if inner[0] == inner[1] {
                return Ok(());
            }
            return self.booked(Book { bank: from, currency }, booked, when, Some(inner), None);
        }
        let positions = self.banks.positions([Some(payer), Some(payee)], currency);
        let [debited, credited] = positions;
        let touched = [Some(from), Some(to), debited, credited];
        for (place, bank) in touched.iter().enumerate() {
            let is_first = !touched[..place].contains(bank);
            let Some(bank) = bank.filter(|bank| is_first && bank.0 != 0) else { continue };
            let inner = match bank {
                _ if bank == from => debit.map(|side| [side, BookSide::Clearing]),
                _ if bank == to => credit.map(|side| [BookSide::Clearing, side]),
                _ => None,
            };
            let outer = match Some(bank) {
                moved if moved == debited => Some(Moved::Down),
                moved if moved == credited => Some(Moved::Up),
                _ => None,
            };
            self.booked(Book { bank, currency }, booked, when, inner, outer)?;
        }
        Ok(())
    }

    /// Adds what a customer pays its bank, behind what it is for.
    pub(super) fn charge(
        &mut self,
        kind: EntryKind,
        (command, payment): (Sequence, Sequence),
        (bank, currency, payer): (Bic, Currency, AccountNumber),
        fee: i64,
        when: When,
    ) -> Result<(), IndexError> {
        let bank = ParticipantNumber(self.banks.number(Some(bank)));
        let booked = Booked { kind, command, payment: Some(payment), amount: fee, value_date: None };
        let place = when.place.next();
        let inner = [BookSide::Customer(payer), BookSide::Fees];
        self.booked(Book { bank, currency }, booked, When { place, ..when }, Some(inner), None)
    }

    /// Adds what a command booked between a customer's account and another of the same book.
    pub(super) fn on_account(
        &mut self,
        (account, other): (AccountNumber, BookSide),
        (kind, command, change): (EntryKind, Sequence, i64),
        value_date: Option<Date>,
        when: When,
    ) -> Result<(), IndexError> {
        let unknown = IndexError::Unknown { sequence: command, what: "account" };
        let (bank, currency) = self.accounts.book_of(account).ok_or(unknown)?;
        let amount = change.saturating_abs();
        let booked = Booked { kind, command, payment: None, amount, value_date };
        let customer = BookSide::Customer(account);
        let inner = if change < 0 { [customer, other] } else { [other, customer] };
        self.booked(Book { bank, currency }, booked, when, Some(inner), None)
    }

    /// Adds what was booked about an exception. The ledger tells what is in suspense afterwards, and so whether what a customer
    /// got or gave was there.
    pub(super) fn excepted(
        &mut self,
        it: &ExceptionBooked,
        command: Sequence,
        suspense: i64,
        when: When,
    ) -> Result<(), IndexError> {
        let ExceptionBooked { currency, action, account, change, .. } = *it;
        let book = Book { bank: ParticipantNumber(self.banks.number(Some(it.bank))), currency };
        let was_there = self.sums_of(Series::bookings(book))?.of(Heap::Suspense) != suspense;
        let of_bank = if was_there { BookSide::Suspense } else { BookSide::Core };
        let [from, to] = match account {
            Some(account) => [of_bank, BookSide::Customer(account)],
            None if action == ExceptionAction::ToSuspense => [BookSide::Core, BookSide::Suspense],
            None => [BookSide::Suspense, BookSide::Core],
        };
        let inner = if change < 0 { [to, from] } else { [from, to] };
        let (kind, amount) = (EntryKind::Exception, change.saturating_abs());
        let booked = Booked { kind, command, payment: None, amount, value_date: None };
        self.booked(book, booked, when, Some(inner), None)
    }

    /// Adds what moved a bank's position and no customer's money.
    pub(super) fn moved(
        &mut self,
        (bank, currency): (ParticipantNumber, Currency),
        (kind, command): (EntryKind, Sequence),
        change: i64,
        when: When,
    ) -> Result<(), IndexError> {
        let amount = change.saturating_abs();
        let booked = Booked { kind, command, payment: None, amount, value_date: None };
        let outer = if change < 0 { Moved::Down } else { Moved::Up };
        self.booked(Book { bank, currency }, booked, when, None, Some(outer))
    }

    /// Adds what a return books, and the fee behind it.
    pub(super) fn passed_back(
        &mut self,
        returned: &Return,
        command: Sequence,
        when: When,
    ) -> Result<(), IndexError> {
        let Return { debtor_agent, creditor_agent, currency, amount, fee, .. } = *returned;
        // What can't be booked to the payer goes to its bank.
        let payer = match returned.is_elsewhere {
            true => Some(BookSide::Core),
            false => returned.debtor_account.map(BookSide::Customer),
        };
        let from = (creditor_agent, returned.creditor_account.map(BookSide::Customer));
        let (kind, payment, to) = (EntryKind::Return, Some(returned.payment), (debtor_agent, payer));
        self.pass(Passage { kind, command, currency, payment, amount, from, to }, when)?;
        match returned.creditor_account.filter(|_| fee > 0) {
            Some(payee) => {
                let charged = (creditor_agent, currency, payee);
                self.charge(EntryKind::ReturnFee, (command, returned.payment), charged, fee, when)
            }
            None => Ok(()),
        }
    }

    fn booked(
        &mut self,
        book: Book,
        booked: Booked,
        when: When,
        inner: Option<[BookSide; 2]>,
        outer: Option<Moved>,
    ) -> Result<(), IndexError> {
        if inner.is_none() && outer.is_none() {
            return Ok(());
        }
        let series = Series::bookings(book);
        let before = self.sums_of(series)?;
        let Booked { kind, command, payment, amount, value_date } = booked;
        let When { place, time } = when;
        let row =
            BookingRow { place, time, kind, command, amount, payment, inner, outer, value_date, before };
        self.sums.insert(series, row.after());
        self.pending.booking(series, row);
        Ok(())
    }

    /// What a book has come to.
    fn sums_of(&self, series: Series) -> Result<BookSums, IndexError> {
        if let Some(sums) = self.sums.get(&series) {
            return Ok(*sums);
        }
        let last: Option<BookingRow> = walk::last(&self.store.reading(), series, Place::LAST)?;
        Ok(last.map_or_else(BookSums::default, |last| last.after()))
    }
}
