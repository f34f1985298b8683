//! What can be asked of history. Every answer is of one moment, which the view names: its watermark.
//!
//! Limits: a question examines at most [`EXAMINED_MAX`] items and then says where to go on, so that no question keeps
//! a thread for long. What a filter leaves out is examined as well.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use types::{AccountNumber, Bic, Currency, Date, Digest, DigestKey, ParticipantNumber, Sequence, Timestamp};

use crate::banks::Bank;
use crate::keys::{self, Name, Series};
use crate::query::{AccountFilter, PaymentQuery, is_between};
use crate::rows::{EntryRow, PaymentRow, Place};
use crate::store::{AccountRow, Reading, Space, Store, StoreError, Watermark};
use crate::walk::{self, Order};

#[path = "view_bookings.rs"]
mod bookings;

/// Items that one question examines at the most.
pub const EXAMINED_MAX: usize = 20_000;

/// Days that one question about a reference searches at the most.
pub const DAYS_MAX: u16 = 400;

/// History at one moment.
pub struct View {
    reading: Reading,
    watermark: Watermark,
}

impl std::fmt::Debug for View {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("View").field("watermark", &self.watermark).finish_non_exhaustive()
    }
}

/// Some of what was asked for, and where to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<Row> {
    /// What was found. It may be less than asked for, or nothing, though there is more.
    pub rows: Vec<Row>,
    /// The last place that was examined; `None` if there is nothing more.
    pub next: Option<Place>,
}

/// Whose money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A customer's account.
    Account(AccountNumber),
    /// A bank's position.
    Position(ParticipantNumber),
    /// A bank's technical account.
    Technical(ParticipantNumber),
}

/// An account that was opened, a position or a technical account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Whose money.
    pub owner: Owner,
    /// The bank whose it is.
    pub bank: Bic,
    /// Where it was opened, or where history begins if that was before.
    pub opened_at: Sequence,
    /// The time of that.
    pub opened_time: Timestamp,
    /// What was on it there, in minor units.
    pub opening_balance: i64,
}

/// One of a bank's accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnedAccount {
    /// The account.
    pub found: Found,
    /// The keyed digest of its IBAN.
    pub digest: Digest,
    /// Its currency.
    pub currency: Currency,
    /// Whether it is closed.
    pub is_closed: bool,
    /// The position of the command whose text has its IBAN; `None` if that is not known.
    pub named_at: Option<Sequence>,
}

/// Until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A time: everything at this time or before it.
    Time(Timestamp),
    /// A position: everything up to it and at it.
    Position(Sequence),
}

/// What was on an account, position or technical account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BalanceAt {
    /// In minor units.
    pub balance: i64,
    /// The position of the last entry before that, or of the opening.
    pub since: Sequence,
    /// Its time.
    pub since_time: Timestamp,
}

impl View {
    /// A view of a store; `None` if nothing has been taken in.
    ///
    /// # Errors
    /// If the store can't be read.
    pub fn new(store: &Arc<Store>) -> Result<Option<Self>, StoreError> {
        let reading = store.reading();
        Ok(reading.watermark()?.map(|watermark| Self { reading, watermark }))
    }

    /// The moment of which this is.
    pub const fn watermark(&self) -> &Watermark {
        &self.watermark
    }

    pub(crate) const fn reading(&self) -> &Reading {
        &self.reading
    }

    /// The payment at a position.
    ///
    /// # Errors
    /// If the store can't be read.
    pub fn payment(&self, sequence: Sequence) -> Result<Option<PaymentRow>, StoreError> {
        walk::payment(&self.reading, sequence)
    }

    /// The payment that holds a key: the latest, or the one that came in nearest after a time. Looks at the days around that
    /// time, and then at the latest [`DAYS_MAX`].
    ///
    /// # Errors
    /// If the store can't be read.
    pub fn payment_by_key(
        &self,
        key: &DigestKey,
        bank: Bic,
        transaction_id: &str,
        accepted: Option<Timestamp>,
    ) -> Result<Option<PaymentRow>, StoreError> {
        let name = Name::transaction_id(key, bank, transaction_id);
        let (first, last) = self.days();
        // A payment comes in on the day of its acceptance, or soon after; an acceptance time may lie a little ahead.
        let near = accepted
            .map(keys::day)
            .into_iter()
            .flat_map(|day| [day, day.saturating_add(1), day.saturating_sub(1)]);
        let days =
            near.filter(|day| (first..=last).contains(day)).chain((first..=last).rev().take(DAYS_MAX.into()));
        for day in days {
            if let Some(row) = self.reading.get(Space::Names, &name.on(day))? {
                let sequence = crate::bytes::RowReader::new(&row).number().map(Sequence);
                let found = self.payment(sequence.ok_or(StoreError::Row("a name"))?)?;
                // A digest may be of another id, however unlikely that is.
                let is_it = |row: &PaymentRow| {
                    row.debtor_agent == bank && row.transaction_id.as_str() == transaction_id
                };
                if let Some(found) = found.filter(is_it) {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }

    /// The payments with an end-to-end id that came in on some days, the latest first; those for which `is_wanted`
    /// says so. At most [`DAYS_MAX`] days.
    ///
    /// # Errors
    /// If the store can't be read.
    pub fn payments_by_end_to_end_id(
        &self,
        key: &DigestKey,
        end_to_end_id: &str,
        (from, upto): (Date, Date),
        after: Option<Place>,
        count_max: usize,
        is_wanted: impl Fn(&PaymentRow) -> bool,
    ) -> Result<Page<PaymentRow>, StoreError> {
        let name = Name::end_to_end_id(key, end_to_end_id);
        let (first, last) = self.days();
        let upto = after.map_or(keys::day_of(upto), |after| after.turn).min(last);
        let from = keys::day_of(from).max(first).max(upto.saturating_sub(DAYS_MAX));
        let (mut page, mut examined) = (Page { rows: Vec::new(), next: None }, 0);
        for day in (from..=upto).rev() {
            for found in self.reading.prefix(Space::Names, &name.shared_on(day)).rev() {
                let (key, _) = found?;
                let sequence = key.get(11..).and_then(|bytes| bytes.try_into().ok()).map(u64::from_be_bytes);
                let sequence = Sequence(sequence.ok_or(StoreError::Row("a name"))?);
                if after.is_some_and(|after| after.turn == day && sequence >= after.at) {
                    continue;
                }
                examined += 1;
                page.rows.extend(self.payment(sequence)?.filter(&is_wanted));
                if page.rows.len() >= count_max || examined >= EXAMINED_MAX {
                    page.next = Some(Place { at: sequence, turn: day });
                    return Ok(page);
                }
            }
        }
        Ok(page)
    }

    /// The account with a digest and currency.
    ///
    /// # Errors
    /// If the store can't be read.
    pub fn account(&self, digest: Digest, currency: Currency) -> Result<Option<Found>, StoreError> {
        let Some(account) = self.reading.account(digest, currency)? else { return Ok(None) };
        let bank = self.reading.banks.by_number(account.owner).ok_or(StoreError::Row("an account's bank"))?;
        Ok(Some(Found {
            owner: Owner::Account(account.number),
            bank: bank.bic,
            opened_at: account.opened_at,
            opened_time: account.opened_time,
            opening_balance: account.opening_balance,
        }))
    }

    /// Where the holders of each open account were named last. `None` if there is an account of which that is not known,
    /// because history begins after its opening.
    ///
    /// # Errors
    /// If the store can't be read.
    pub(crate) fn namings(&self) -> Result<Option<Vec<(AccountNumber, Sequence)>>, StoreError> {
        let mut accounts = Vec::new();
        self.reading.for_each_account(|_, _, account| accounts.push((account.number, account.opened_at)))?;
        let mut named = Vec::with_capacity(accounts.len());
        for (account, opened_at) in accounts {
            match self.reading.named_at(account)? {
                Some(Sequence(0)) => {}
                Some(position) => named.push((account, position)),
                None if opened_at > self.watermark.begins => named.push((account, opened_at)),
                None => return Ok(None),
            }
        }
        Ok(Some(named))
    }

    /// The accounts of a bank with a higher number than this, in the order of their numbers; at most so many.
    ///
    /// Accounts lie in the order of their digests, so every call reads all of them, of all banks.
    ///
    /// # Errors
    /// If the store can't be read.
    pub fn accounts_of(
        &self,
        bank: Bic,
        after: AccountNumber,
        count_max: usize,
    ) -> Result<Vec<OwnedAccount>, StoreError> {
        let Some(bank) = self.reading.banks.find(bank) else { return Ok(Vec::new()) };
        let mut owned = BTreeMap::new();
        self.reading.for_each_account(|digest, currency, account| {
            if account.owner == bank.number && account.number > after {
                owned.insert(account.number, (digest, currency, account));
                if owned.len() > count_max {
                    owned.pop_last();
                }
            }
        })?;
        let complete = |(number, (digest, currency, account)): (AccountNumber, (_, _, AccountRow))| {
            let named = self.reading.named_at(number)?;
            let opened_at = Some(account.opened_at).filter(|at| *at > self.watermark.begins);
            let AccountRow { opened_at: since, opened_time, opening_balance, .. } = account;
            let owner = Owner::Account(number);
            Ok(OwnedAccount {
                found: Found { owner, bank: bank.bic, opened_at: since, opened_time, opening_balance },
                digest,
                currency,
                is_closed: named == Some(Sequence(0)),
                named_at: named.filter(|at| *at > Sequence(0)).or(opened_at),
            })
        };
        owned.into_iter().map(complete).collect()
    }

    /// In which currency a bank's position is; `None` if it settles on another bank's.
    pub fn position_currency(&self, bank: Bic) -> Option<Currency> {
        let bank = self.reading.banks.find(bank)?;
        Some(bank.currency).filter(|currency| bank.settles_on(*currency) == bank.number)
    }

    /// What finds the payments of an account, in whichever currency and wherever it is kept.
    ///
    /// # Errors
    /// If the store can't be read.
    pub fn account_filter(&self, digest: Digest) -> Result<AccountFilter, StoreError> {
        let half_digest = *digest.0.first_chunk().expect("a digest has 16 bytes");
        Ok(AccountFilter { numbers: self.reading.accounts_of(digest)?, half_digest })
    }

    /// The position of a bank in a currency. A reachable party has none.
    pub fn position(&self, bank: Bic, currency: Currency) -> Option<Found> {
        let has_one = |bank: &&Bank| bank.currency == currency && bank.settles_on(currency) == bank.number;
        let bank = self.reading.banks.find(bank).filter(has_one)?;
        Some(Found {
            owner: Owner::Position(bank.number),
            bank: bank.bic,
            opened_at: bank.registered_at,
            opened_time: bank.registered_time,
            opening_balance: bank.opening_balance,
        })
    }

    /// The technical account beside a bank's position. It is there with the position, with nothing on it until money goes
    /// there.
    ///
    /// # Errors
    /// If the store can't be read.
    pub fn technical_account(&self, bank: Bic, currency: Currency) -> Result<Option<Found>, StoreError> {
        let Some(position) = self.position(bank, currency) else { return Ok(None) };
        let Owner::Position(number) = position.owner else { unreachable!("it is a position's") };
        let opening_balance = self.reading.own_funds(number)?;
        Ok(Some(Found { owner: Owner::Technical(number), opening_balance, ..position }))
    }

    /// Whether a bank is registered.
    pub fn is_registered(&self, bank: Bic) -> bool {
        self.reading.banks.find(bank).is_some()
    }

    /// Payments that answer a query, after the place where an earlier page ended.
    ///
    /// # Errors
    /// If the store can't be read.
    pub fn payments(
        &self,
        query: &PaymentQuery,
        after: Option<Place>,
        count_max: usize,
    ) -> Result<Page<PaymentRow>, StoreError> {
        let range = self.between(query.from, query.until, query.order, after)?;
        let mut taking = Taking::new(count_max);
        let Some(bank) = query.bank else {
            walk::series(
                &self.reading,
                Space::Payments,
                Series::PAYMENTS,
                range,
                query.order,
                |row: PaymentRow| {
                    let place = Place::first_at(row.sequence);
                    let is_in_time = query.is_in_time(row.received_time);
                    let row = walk::as_it_stands(&self.reading, row)?;
                    Ok(taking.take(place, Some(row).filter(|row| is_in_time && query.is_met_by(row))))
                },
            )?;
            return Ok(taking.page);
        };
        let Some(bank) = self.reading.banks.find(bank) else { return Ok(taking.page) };
        walk::series(
            &self.reading,
            Space::Series,
            Series::bank(bank.number),
            range,
            query.order,
            |listed| {
                let row = if query.may_be_met_by(&listed) { self.payment(listed.payment)? } else { None };
                Ok(taking.take(listed.place, row.filter(|row| query.is_met_by(row))))
            },
        )?;
        Ok(taking.page)
    }

    /// Entries of an account, position or technical account, after the place where an earlier page ended.
    ///
    /// # Errors
    /// If the store can't be read.
    pub fn entries(
        &self,
        owner: Owner,
        (from, until): (Option<Timestamp>, Option<Timestamp>),
        order: Order,
        after: Option<Place>,
        count_max: usize,
    ) -> Result<Page<EntryRow>, StoreError> {
        let range = self.between(from, until, order, after)?;
        let mut taking = Taking::new(count_max);
        walk::series(&self.reading, Space::Series, series_of(owner), range, order, |entry: EntryRow| {
            Ok(taking.take(entry.place, Some(entry).filter(|entry| is_between(from, until, entry.time))))
        })?;
        Ok(taking.page)
    }

    /// Whether a moment lies before history begins, so that nothing is known of it.
    pub fn is_before(&self, moment: Moment) -> bool {
        let Watermark { begins, begins_time, .. } = self.watermark;
        match moment {
            Moment::Position(position) => position < begins,
            Moment::Time(time) => time < begins_time,
        }
    }

    /// What was on an account, position or technical account at a moment; `None` if it had not been opened.
    ///
    /// # Errors
    /// If the store can't be read.
    pub fn balance(&self, found: &Found, moment: Moment) -> Result<Option<BalanceAt>, StoreError> {
        let upto = match moment {
            Moment::Position(position) => position,
            Moment::Time(time) => walk::first_after(&self.reading, time)?,
        };
        let is_before = |at: Sequence, time: Timestamp| match moment {
            Moment::Position(position) => at <= position,
            Moment::Time(moment) => time <= moment,
        };
        let range = (Place::default(), Place::last_at(upto));
        let mut last: Option<EntryRow> = None;
        let series = series_of(found.owner);
        walk::series(&self.reading, Space::Series, series, range, Order::NewestFirst, |entry: EntryRow| {
            if !is_before(entry.place.at, entry.time) {
                return Ok(ControlFlow::Continue(()));
            }
            last = Some(entry);
            Ok(ControlFlow::Break(()))
        })?;
        let Found { opened_at, opened_time, opening_balance, .. } = *found;
        let opened = BalanceAt { balance: opening_balance, since: opened_at, since_time: opened_time };
        let last = last.map(|EntryRow { balance, place, time, .. }| BalanceAt {
            balance,
            since: place.at,
            since_time: time,
        });
        Ok(last.or_else(|| is_before(found.opened_at, found.opened_time).then_some(opened)))
    }

    /// The days of the first and the last payment.
    fn days(&self) -> (u16, u16) {
        // With none, no day is between them.
        let first = if self.watermark.first_day == 0 { u16::MAX } else { self.watermark.first_day };
        (first, keys::day(self.watermark.told_time))
    }

    /// Between which places to look.
    fn between(
        &self,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
        order: Order,
        after: Option<Place>,
    ) -> Result<(Place, Place), StoreError> {
        let mut first = match from {
            None => Place::default(),
            Some(from) => Place::last_at(walk::last_before(&self.reading, from)?),
        };
        let before =
            until.map(|until| until.nanoseconds().checked_sub(1).and_then(Timestamp::from_nanoseconds));
        let mut last = match before {
            None => Place::LAST,
            Some(None) => return Ok((Place::LAST, Place::default())),
            Some(Some(before)) => Place::last_at(walk::first_after(&self.reading, before)?),
        };
        match (after, order) {
            (None, _) => {}
            (Some(after), Order::OldestFirst) => first = first.max(after.next()),
            (Some(after), Order::NewestFirst) => match after.before() {
                Some(before) => last = last.min(before),
                None => return Ok((Place::LAST, Place::default())),
            },
        }
        Ok((first, last))
    }
}

const fn series_of(owner: Owner) -> Series {
    match owner {
        Owner::Account(account) => Series::account(account),
        Owner::Position(bank) => Series::position(bank),
        Owner::Technical(bank) => Series::technical(bank),
    }
}

/// A page in the making.
struct Taking<Row> {
    page: Page<Row>,
    count_max: usize,
    examined: usize,
}

impl<Row> Taking<Row> {
    const fn new(count_max: usize) -> Self {
        Self { page: Page { rows: Vec::new(), next: None }, count_max, examined: 0 }
    }

    /// Takes in what was examined at a place, and whether it is asked for. Says whether to go on.
    fn take(&mut self, place: Place, row: Option<Row>) -> ControlFlow<()> {
        self.examined += 1;
        self.page.rows.extend(row);
        if self.page.rows.len() < self.count_max && self.examined < EXAMINED_MAX {
            return ControlFlow::Continue(());
        }
        self.page.next = Some(place);
        ControlFlow::Break(())
    }
}

#[cfg(test)]
#[path = "view_tests.rs"]
pub(crate) mod tests;

#[cfg(test)]
#[path = "view_bookings_tests.rs"]
pub(crate) mod bookings_tests;
#[cfg(test)]
#[path = "captures_tests.rs"]
mod captures_tests;
#[cfg(test)]
#[path = "exceptions_tests.rs"]
mod exceptions_tests;
#[cfg(test)]
#[path = "returns_tests.rs"]
mod returns_tests;
