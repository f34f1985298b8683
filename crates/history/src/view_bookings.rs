//! What can be asked of the bookings of a bank's book.

use std::ops::ControlFlow;

use types::{AccountNumber, Bic, Currency, Sequence, Timestamp};

use super::{Page, Taking, View};
use crate::bookings::{Book, BookSums, BookingRow};
use crate::bytes::RowReader;
use crate::keys::{self, Series};
use crate::query::is_between;
use crate::rows::Place;
use crate::store::{Space, StoreError};
use crate::walk::{self, Order};

impl View {
    /// Behind which position every booking of a bank is here; `None` if all of them are.
    ///
    /// History may begin behind the bank's registration, or was kept by a program that did not take bookings in yet.
    ///
    /// # Errors
    /// If the store can't be read.
    pub fn bookings_lack(&self, bank: Bic) -> Result<Option<Sequence>, StoreError> {
        let row = self.reading.get(Space::State, keys::BOOKINGS_SINCE)?;
        let since = match row {
            Some(row) => {
                let since = RowReader::new(&row).number().map(Sequence);
                since.ok_or(StoreError::Row("the beginning of bookings"))?
            }
            None => self.watermark.told,
        };
        let bank = self.reading.banks.find(bank);
        Ok(bank.filter(|bank| since > Sequence(0) && bank.registered_at <= since).map(|_| since))
    }

    /// The bookings of a bank's book in the order of the log, between two times, behind a place.
    ///
    /// # Errors
    /// If the store can't be read.
    pub fn bookings(
        &self,
        (bank, currency): (Bic, Currency),
        (from, until): (Option<Timestamp>, Option<Timestamp>),
        after: Option<Place>,
        count_max: usize,
    ) -> Result<Page<BookingRow>, StoreError> {
        let range = self.between(from, until, Order::OldestFirst, after)?;
        let mut taking = Taking::new(count_max);
        let Some(series) = self.bookings_of(bank, currency) else { return Ok(taking.page) };
        walk::series(&self.reading, Space::Series, series, range, Order::OldestFirst, |row: BookingRow| {
            Ok(taking.take(row.place, Some(row).filter(|row| is_between(from, until, row.time))))
        })?;
        Ok(taking.page)
    }

    /// The last booking of a bank's book up to a place.
    ///
    /// # Errors
    /// If the store can't be read.
    pub fn last_booking(
        &self,
        (bank, currency): (Bic, Currency),
        upto: Place,
    ) -> Result<Option<BookingRow>, StoreError> {
        match self.bookings_of(bank, currency) {
            Some(series) => walk::last(&self.reading, series, upto),
            None => Ok(None),
        }
    }

    /// The booking with the posting of this number; `None` if there is none.
    ///
    /// # Errors
    /// If the store can't be read.
    pub fn booking_of(
        &self,
        book @ (bank, currency): (Bic, Currency),
        number: u64,
    ) -> Result<Option<BookingRow>, StoreError> {
        let Some(series) = self.bookings_of(bank, currency).filter(|_| number > 0) else { return Ok(None) };
        // Numbers rise with positions: the first position is found by halving behind which there are so many.
        let (mut before, mut upto) = (Sequence(0), self.watermark.told);
        if self.book_sums(bank, currency)?.count < number {
            return Ok(None);
        }
        while upto.0 - before.0 > 1 {
            let middle = Sequence(before.0 + (upto.0 - before.0) / 2);
            let last = self.last_booking(book, Place::last_at(middle))?;
            match last.map_or(0, |last| last.after().count) >= number {
                true => upto = middle,
                false => before = middle,
            }
        }
        let mut found = None;
        let range = (Place::first_at(upto), Place::last_at(upto));
        walk::series(&self.reading, Space::Series, series, range, Order::OldestFirst, |row: BookingRow| {
            found = Some(row).filter(|row| row.after().count >= number);
            Ok(if found.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        Ok(found)
    }

    /// What a bank's book had come to in front of everything at a time.
    ///
    /// # Errors
    /// If the store can't be read.
    pub fn book_sums_before(
        &self,
        (bank, currency): (Bic, Currency),
        time: Timestamp,
    ) -> Result<BookSums, StoreError> {
        let mut sums = BookSums::default();
        let Some(series) = self.bookings_of(bank, currency) else { return Ok(sums) };
        let range = (Place::default(), Place::last_at(walk::first_after(&self.reading, time)?));
        walk::series(&self.reading, Space::Series, series, range, Order::NewestFirst, |row: BookingRow| {
            if row.time >= time {
                return Ok(ControlFlow::Continue(()));
            }
            sums = row.after();
            Ok(ControlFlow::Break(()))
        })?;
        Ok(sums)
    }

    /// What a bank's book has come to, as far as history has come.
    ///
    /// # Errors
    /// If the store can't be read.
    pub fn book_sums(&self, bank: Bic, currency: Currency) -> Result<BookSums, StoreError> {
        let last = self.last_booking((bank, currency), Place::LAST)?;
        Ok(last.map_or_else(BookSums::default, |last| last.after()))
    }

    /// Whether a customer's account is one for savings.
    ///
    /// # Errors
    /// If the store can't be read.
    pub fn is_savings(&self, account: AccountNumber) -> Result<bool, StoreError> {
        Ok(self.reading.get(Space::State, &keys::savings(account))?.is_some())
    }

    fn bookings_of(&self, bank: Bic, currency: Currency) -> Option<Series> {
        let bank = self.reading.banks.find(bank)?.number;
        Some(Series::bookings(Book { bank, currency }))
    }
}
