//! Whether the ledger, history and statements say the same of an account or position.

use std::convert::Infallible;
use std::io;

use history::{Found, Moment as At, StoreError, View};
use iso20022::{EntryTotals, StatementReader};
use types::{Currency, Date, Lives, PaymentId, PaymentOrder, Sequence, Shard, Text, Timestamp};

use crate::days::{self, Days, Edge, Passed};
use crate::entries::{Facts, StoredText, Texts, Wanted, for_each_row};
use crate::statement::{Asked, Form, Holder, StatementFault, prepare};

/// What does not agree about one account or position.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Disagreement {
    /// History does not have it.
    #[error("the ledger has it, and history does not")]
    Missing,
    /// History and ledger have other balances.
    #[error("the ledger has {ledger} minor units, and history {history}")]
    Balance {
        /// In the ledger.
        ledger: i64,
        /// In history.
        history: i64,
    },
    /// An entry does not go on from the balance before it.
    #[error(
        "the entry at position {at} leaves {told} minor units, where what stands before it comes to {found}"
    )]
    Entry {
        /// Which entry.
        at: Sequence,
        /// What the entry says.
        told: i64,
        /// What the entries come to.
        found: i64,
    },
    /// A statement of a day does not say what history does.
    #[error("the statement of {date} {what}")]
    Statement {
        /// Of which day.
        date: Date,
        /// What is wrong with it.
        what: String,
    },
}

/// What a check came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Entries that were looked at.
    pub entries: u64,
    /// Statements that were written and read back.
    pub statements: u64,
    /// What does not agree.
    pub disagreements: Vec<Disagreement>,
}

/// Statements of more entries are written and not read back: they are read from memory, at about 500 bytes an entry.
const READ_BACK_MAX: u64 = 100_000;

/// So many entries of one account that do not go on are named; the rest of a store that is broken says nothing new.
const ENTRIES_NAMED_MAX: usize = 100;

/// No texts: statements are compared by their numbers here.
struct NoTexts(Lives);

impl Texts for NoTexts {
    type Failure = Infallible;

    fn orders(&self, positions: &[Sequence]) -> Result<Vec<Option<PaymentOrder>>, Infallible> {
        Ok(vec![None; positions.len()])
    }

    fn texts(&self, positions: &[Sequence]) -> Result<Vec<Option<StoredText>>, Infallible> {
        Ok(vec![None; positions.len()])
    }

    fn facts(&self, positions: &[Sequence]) -> Result<Vec<Facts>, Infallible> {
        Ok(vec![Facts::default(); positions.len()])
    }

    fn payment_id(&self, position: Sequence) -> PaymentId {
        self.0.payment_id(Shard(0), position)
    }
}

/// Checks one account or position, of which the ledger has so much at the end of history: that history ends with the same,
/// that its entries lead there one by one, and that the statements of all days on which something was booked say so.
///
/// # Errors
/// If history can't be read.
pub fn check_owner(
    view: &View,
    lives: &Lives,
    (found, currency, days): (Option<Found>, Currency, &Days),
    ledger: i64,
) -> Result<Checked, StoreError> {
    let mut checked = Checked::default();
    let Some(found) = found else {
        checked.disagreements.push(Disagreement::Missing);
        return Ok(checked);
    };
    let end = view.balance(&found, At::Position(Sequence(u64::MAX)))?;
    let history = end.map_or(0, |end| end.balance);
    if history != ledger {
        checked.disagreements.push(Disagreement::Balance { ledger, history });
    }
    let last = Timestamp::from_nanoseconds(i64::MAX).expect("it is not negative");
    let passed = Passed { from: Edge::at(Timestamp::default()), until: Edge::at(last), is_over: true };
    let wanted = Wanted { owner: found.owner, bank: found.bank, passed, after: None };
    let mut reached = found.opening_balance;
    let mut booked: Vec<Date> = Vec::new();
    for_each_row(view, &wanted, |row| {
        checked.entries += 1;
        let expected = reached.saturating_add(row.change);
        if expected != row.balance && checked.disagreements.len() < ENTRIES_NAMED_MAX {
            let (at, told) = (row.place.at, row.balance);
            checked.disagreements.push(Disagreement::Entry { at, told, found: expected });
        }
        reached = row.balance;
        let day = days.of(row.time, row.place.at);
        if booked.last() != Some(&day) {
            booked.push(day);
        }
    })?;
    let holder = Holder { found, id: Text::parse("CHECKED").expect("it is short"), currency };
    let texts = NoTexts(lives.clone());
    let mut closed = None;
    for date in booked {
        checked.statements += 1;
        let asked =
            Asked { holder: holder.clone(), form: Form::Camt052, date, days: days.clone(), after: None };
        match check_day(view, &texts, asked)? {
            // History begins in the middle of this day.
            Ok(None) => {}
            Ok(Some((opening, closing))) => {
                if closed.is_some_and(|closed| closed != opening) {
                    let what = "does not open with what the one before it closed with".to_owned();
                    checked.disagreements.push(Disagreement::Statement { date, what });
                }
                closed = Some(closing);
            }
            Err(what) => checked.disagreements.push(Disagreement::Statement { date, what }),
        }
    }
    if closed.is_some_and(|closed| closed != history) {
        let date = days.of(days::reached(view.watermark()), view.watermark().told);
        let what = "does not close with what history has".to_owned();
        checked.disagreements.push(Disagreement::Statement { date, what });
    }
    Ok(checked)
}

type Day = Result<Option<(i64, i64)>, String>;

/// Writes the statement of a day and reads it as anybody would: its opening and closing balance, or what is wrong.
fn check_day(view: &View, texts: &NoTexts, asked: Asked) -> Result<Day, StoreError> {
    let prepared = match prepare(view, asked, view.watermark().time)? {
        Ok(prepared) => prepared,
        Err(_) => return Ok(Ok(None)),
    };
    let EntryTotals { credit_count, debit_count, .. } = *prepared.totals();
    let is_read_back = credit_count + debit_count <= READ_BACK_MAX;
    let mut document = Vec::new();
    let written = match is_read_back {
        true => prepared.write(view, texts, &mut document),
        false => prepared.write(view, texts, io::sink()),
    };
    match written {
        Ok(_) if is_read_back => {}
        // Writing has checked that the entries lead from one balance to the other.
        Ok(_) => return Ok(Ok(Some(prepared.balances()))),
        Err(StatementFault::Store(error)) => return Err(error),
        Err(fault) => return Ok(Err(format!("can't be written: {fault}"))),
    }
    Ok(read_back(&document).map(|(opening, closing)| {
        assert_eq!((opening, closing), prepared.balances(), "a statement says what was written");
        Some((opening, closing))
    }))
}

fn read_back(document: &[u8]) -> Result<(i64, i64), String> {
    let mut reader = StatementReader::open(io::Cursor::new(document)).map_err(|fault| fault.to_string())?;
    let chain = reader.statement().chain.ok_or("has no balances")?;
    for entry in &mut reader {
        entry.map_err(|fault| format!("can't be read: {fault}"))?;
    }
    let (opening, closing) = (chain.opening.amount.minor_units(), chain.closing.amount.minor_units());
    let net = reader.totals().net().map_or(0, |net| net.minor_units());
    if opening + net != closing {
        return Err("has entries that do not lead to its closing balance".to_owned());
    }
    Ok((opening, closing))
}
