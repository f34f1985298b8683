//! A statement of an account or position: of a day, of the day so far, or of single entries.
//!
//! Invariants:
//! - The closing balance of a day is the opening balance of the next: both are what history says was booked before the
//!   instant between them.
//! - Balances are asked of history apart from the entries, and the document ends in the middle if the entries do not lead
//!   from one to the other.
//! - A statement of the same time is the same whenever it is asked for, its number of the message and what has been erased
//!   apart.

use std::io;

use history::{BalanceAt, Found, Moment as At, Owner, Place, StoreError, View};
use iso20022::{
    BalanceChain, BalanceKind, EntryTotals, Moment, Period, Statement, StatementAccount, StatementBalance,
    StatementError, StatementKind, write_statement,
};
use types::{Balance, Bic, Currency, Date, Duration, Sequence, Text, Timestamp};

use crate::csv;
use crate::days::{self, Days, Edge, Passed};
use crate::entries::{Entries, Texts, Wanted, for_each_row};

/// In which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// camt.053 of a day that is over.
    Camt053,
    /// camt.052 of a day, or of as much of it as has passed.
    Camt052,
    /// camt.054: the entries of a day so far, without balances.
    Camt054,
    /// The day, or as much of it as has passed, as comma-separated values.
    Csv,
}

/// Whose statement it is.
#[derive(Clone, Debug)]
pub struct Holder {
    /// The account or position in history.
    pub found: Found,
    /// An IBAN, or what stands for a position.
    pub id: Text<34>,
    /// Its currency.
    pub currency: Currency,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Whose statement.
    pub holder: Holder,
    /// In which form.
    pub form: Form,
    /// Of which day.
    pub date: Date,
    /// How its days are bounded.
    pub days: Days,
    /// Only entries that were booked behind this position. Only of a camt.054.
    pub after: Option<Sequence>,
}

/// Why there is no such statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotNow {
    /// The day is not over, or history has not come to its end.
    #[error("the day ends at {until}, and history has come to {reached}: ask for a report of the day so far")]
    NotOver {
        /// The first instant after the day.
        until: Timestamp,
        /// How far history has come.
        reached: Timestamp,
    },
    /// The business date is this one still.
    #[error("the business date has not moved on from {date}: ask for a report of the day so far")]
    NotRolled {
        /// The last one.
        date: Date,
    },
    /// No business day bears this date: it is a day on which banks do not settle with each other.
    #[error("it was no business date: what was booked then belongs to the next one")]
    NoDate,
    /// The day has not begun.
    #[error("the day begins at {from}, and history has come to {reached}")]
    NotBegun {
        /// The first instant of the day.
        from: Timestamp,
        /// How far history has come.
        reached: Timestamp,
    },
    /// History begins later, because the log did not hold what was before.
    #[error("history begins after position {begins}; what was before is no longer known")]
    BeforeHistory {
        /// History begins behind this position.
        begins: Sequence,
    },
    /// The account or position was opened later.
    #[error("it was opened later")]
    NotOpened,
}

/// Why a statement could not be made to its end.
#[derive(Debug, thiserror::Error)]
pub enum StatementFault<Failure> {
    /// History can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log can't be read.
    #[error("the log can't be read")]
    Log(Failure),
    /// It could not be written to where it was to go.
    #[error(transparent)]
    Write(#[from] io::Error),
    /// History has an entry of a payment that it does not have.
    #[error("history has an entry of the payment at position {0}, and not the payment")]
    Payment(Sequence),
    /// An entry of nothing, or of more than an amount can be.
    #[error("the entry at position {0} has no amount")]
    Amount(Sequence),
    /// The entries do not lead from the opening to the closing balance.
    #[error(
        "after its entries the account has {found} minor units where the statement closes with {expected}"
    )]
    Chain {
        /// The closing balance.
        expected: i64,
        /// The opening balance with all entries.
        found: i64,
    },
    /// A balance or sum is more than a statement can say.
    #[error("a balance or sum has more than 18 digits")]
    Digits,
}

impl<Failure> From<StatementError<Self>> for StatementFault<Failure> {
    fn from(error: StatementError<Self>) -> Self {
        match error {
            StatementError::Entry(fault) => fault,
            StatementError::Write(error) => Self::Write(error),
            StatementError::Chain { expected, found } => {
                Self::Chain { expected: expected.minor_units(), found: found.minor_units() }
            }
            StatementError::Totals { expected, found } => {
                let net = |totals: EntryTotals| totals.net().map_or(0, Balance::minor_units);
                Self::Chain { expected: net(expected), found: net(found) }
            }
            StatementError::Digits => Self::Digits,
        }
    }
}

/// A statement that can be written: everything that stands before its entries.
#[derive(Clone, Debug)]
pub struct Prepared {
    asked: Asked,
    wanted: Wanted,
    opening: i64,
    closing: i64,
    totals: EntryTotals,
    reached: Sequence,
    created_at: Timestamp,
}

const MOMENT: Duration = Duration::from_milliseconds(1);

/// Works out what stands before the entries. `now` is when the statement is made.
///
/// # Errors
/// [`NotNow`] inside; outside, if history can't be read.
pub fn prepare(view: &View, asked: Asked, now: Timestamp) -> Result<Result<Prepared, NotNow>, StoreError> {
    let watermark = view.watermark();
    let passed = match asked.days.passed(asked.date, watermark) {
        Ok(passed) => passed,
        Err(why) => return Ok(Err(why)),
    };
    if asked.form == Form::Camt053 && !passed.is_over {
        return Ok(Err(not_over(&asked, days::reached(watermark))));
    }
    let found = asked.holder.found;
    let Some(BalanceAt { balance: closing, .. }) = balance_before(view, &found, passed.until)? else {
        return Ok(Err(NotNow::NotOpened));
    };
    let opening = balance_before(view, &found, passed.from)?;
    // What was opened within the day began with nothing on it.
    let opening = opening.map_or(0, |opening| opening.balance);
    let after = asked.after.filter(|_| asked.form == Form::Camt054).map(Place::last_at);
    let wanted = Wanted { owner: found.owner, bank: found.bank, passed, after };
    let totals = totals(view, &wanted)?;
    let (reached, created_at) = (watermark.told, now);
    Ok(Ok(Prepared { asked, wanted, opening, closing, totals, reached, created_at }))
}

fn not_over(asked: &Asked, reached: Timestamp) -> NotNow {
    match asked.days.span(asked.date).ok().and_then(|span| span.until) {
        Some(Edge { time: until, .. }) => NotNow::NotOver { until, reached },
        None => NotNow::NotRolled { date: asked.date },
    }
}

/// What was booked in front of an edge.
pub(crate) fn balance_before(
    view: &View,
    found: &Found,
    edge: Edge,
) -> Result<Option<BalanceAt>, StoreError> {
    let instant = Duration::from_nanoseconds(1).expect("it is not negative");
    let moment = match edge.behind {
        Sequence(0) => At::Time(edge.time.minus(instant)),
        position => At::Position(position),
    };
    view.balance(found, moment)
}

fn totals(view: &View, wanted: &Wanted) -> Result<EntryTotals, StoreError> {
    let [mut credits, mut debits] = [(0_u64, 0_i64); 2];
    for_each_row(view, wanted, |row| {
        let (count, sum) = if row.change < 0 { &mut debits } else { &mut credits };
        *count += 1;
        *sum = sum.saturating_add(row.change.saturating_abs());
    })?;
    let sum = |sum| Balance::from_minor_units(sum).unwrap_or_default();
    Ok(EntryTotals {
        credit_count: credits.0,
        credit_sum: sum(credits.1),
        debit_count: debits.0,
        debit_sum: sum(debits.1),
    })
}

impl Prepared {
    /// What the entries come to.
    pub const fn totals(&self) -> &EntryTotals {
        &self.totals
    }

    /// What was booked before and after, in minor units.
    pub const fn balances(&self) -> (i64, i64) {
        (self.opening, self.closing)
    }

    /// Whether it is about the whole of the day.
    pub const fn is_over(&self) -> bool {
        self.wanted.passed.is_over
    }

    /// The name that a file of it may have.
    pub fn file_name(&self) -> String {
        let form = match self.asked.form {
            Form::Camt053 => "camt053.xml",
            Form::Camt052 => "camt052.xml",
            Form::Camt054 => "camt054.xml",
            Form::Csv => "csv",
        };
        format!("{}.{form}", self.id())
    }

    /// Writes it, and says what its entries came to.
    ///
    /// # Errors
    /// A [`StatementFault`]. What has been written by then is not a whole statement.
    pub fn write<T: Texts>(
        &self,
        view: &View,
        texts: &T,
        output: impl io::Write,
    ) -> Result<EntryTotals, StatementFault<T::Failure>> {
        let entries = Entries::new(view, texts, self.wanted, &self.asked.days);
        let kind = match self.asked.form {
            Form::Camt053 => StatementKind::Statement,
            Form::Camt052 => StatementKind::Report,
            Form::Camt054 => StatementKind::Notification,
            Form::Csv => return csv::write(self, entries, output),
        };
        let head = self.head(kind).ok_or(StatementFault::Digits)?;
        Ok(write_statement(&head, entries.map(|full| Ok(full?.entry)), output)?)
    }

    pub(crate) const fn asked(&self) -> &Asked {
        &self.asked
    }

    pub(crate) const fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// The same for every statement of this account and day.
    fn id(&self) -> String {
        let owner = match self.asked.holder.found.owner {
            Owner::Account(number) => format!("A{number}"),
            Owner::Position(number) => format!("P{number}"),
            Owner::Technical(number) => format!("T{number}"),
        };
        let (year, month, day) = self.asked.date.civil();
        format!("{owner}-{year:04}{month:02}{day:02}")
    }

    fn head(&self, kind: StatementKind) -> Option<Statement> {
        let Holder { found, id, currency } = &self.asked.holder;
        let letter = match kind {
            StatementKind::Statement => 'S',
            StatementKind::Report => 'R',
            StatementKind::Notification => 'N',
        };
        let of_day = self.id();
        // Distinct for each position up to which it goes, and at most 34 characters.
        let message_id = format!("{letter}{}{}", of_day.replace('-', "."), base36(self.reached.0));
        let is_customers = matches!(found.owner, Owner::Account(_));
        let Passed { from: Edge { time: from, .. }, until: Edge { time: until, .. }, .. } =
            self.wanted.passed;
        let opened = self.asked.days.of(found.opened_time, found.opened_at);
        let days = self.asked.date.days().checked_sub(opened.days()).and_then(|days| days.checked_add(1));
        Some(Statement {
            kind,
            message_id: Text::parse_identifier(&message_id).ok()?,
            created_at: self.created_at,
            id: Text::parse(&format!("{letter}{of_day}")).ok()?,
            page: None,
            // One for each day since the account was opened.
            sequence_number: days
                .and_then(|days| u32::try_from(days).ok())
                .filter(|_| kind == StatementKind::Statement),
            period: Some(Period { from, to: until.minus(MOMENT).max(from) }),
            account: StatementAccount {
                id: id.clone(),
                currency: *currency,
                owner_name: None,
                owner_bic: (!is_customers).then_some(found.bank),
                servicer: is_customers.then_some(found.bank),
            },
            chain: match kind {
                StatementKind::Notification => None,
                StatementKind::Statement | StatementKind::Report => Some(self.chain()?),
            },
            further_balances: Vec::new(),
            totals: Some(self.totals),
        })
    }

    fn chain(&self) -> Option<BalanceChain> {
        let date = Moment::Date(self.asked.date);
        let (kind, moment) = match self.is_over() {
            true => (BalanceKind::ClosingBooked, date),
            false => (BalanceKind::InterimBooked, Moment::Time(self.wanted.passed.until.time)),
        };
        let amount = Balance::from_minor_units;
        let opening = amount(self.opening)?;
        Some(BalanceChain {
            opening: StatementBalance { kind: BalanceKind::OpeningBooked, amount: opening, moment: date },
            closing: StatementBalance { kind, amount: amount(self.closing)?, moment },
        })
    }
}

impl Holder {
    /// A customer's account.
    pub fn account(found: Found, iban: &types::Iban, currency: Currency) -> Self {
        let id = Text::parse(iban.as_str()).expect("an IBAN has at most 34 characters");
        Self { found, id, currency }
    }

    /// A bank's position or technical account, under the name that it has in documents about liquidity.
    ///
    /// # Panics
    /// If what was found is a customer's account.
    pub fn own_account(found: Found, currency: Currency) -> Self {
        let letter = match found.owner {
            Owner::Position(_) => POSITION,
            Owner::Technical(_) => TECHNICAL,
            Owner::Account(_) => unreachable!("a customer's account has an IBAN"),
        };
        Self { found, id: settlement_account_name(letter, found.bank, currency), currency }
    }
}

/// The first letter of a position's name.
pub const POSITION: char = 'P';
/// The first letter of a technical account's name.
pub const TECHNICAL: char = 'T';

/// The name of an account of the settlement book, where another one has its IBAN: a letter, the country and currency, and the
/// bank's BIC, in 17 characters.
///
/// # Panics
/// If the letter is no capital letter.
pub fn settlement_account_name(letter: char, bank: Bic, currency: Currency) -> Text<34> {
    assert!(letter.is_ascii_uppercase(), "names begin with a capital letter");
    let bank = bank.to_string();
    let name = format!("{letter}{}{}{bank}", &bank[4..6], currency.code());
    Text::parse(&name).expect("17 letters and digits")
}

fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    loop {
        let digit = u32::try_from(number % 36).expect("it is below 36");
        digits.push(char::from_digit(digit, 36).expect("it is below 36").to_ascii_uppercase());
        number /= 36;
        if number == 0 {
            return digits.iter().rev().collect();
        }
    }
}
