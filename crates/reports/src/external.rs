//! The books of somebody else: a clearing system's camt.053, or what a core system exports as comma-separated values.

use std::io::{self, BufRead};

use iso20022::{EntryDirection, StatementEntry, StatementReadError, StatementReader};
use types::{Amount, Balance, Currency, Date};

use crate::compare::{By, Item, ItemError};
use crate::csv::{CsvError, CsvReader};

/// What stands in a statement, as far as it is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct External {
    /// The entries in their order.
    pub items: Vec<Item>,
    /// What was booked before them, in minor units, if it says so.
    pub opening: Option<i64>,
    /// What was booked after them.
    pub closing: Option<i64>,
}

/// Why a statement can't be compared.
#[derive(Debug, thiserror::Error)]
pub enum ExternalError {
    /// It can't be read.
    #[error("the file could not be read: {0}")]
    Read(#[from] io::Error),
    /// It is no statement of ISO 20022.
    #[error(transparent)]
    Statement(#[from] StatementReadError),
    /// It is no file of comma-separated values.
    #[error(transparent)]
    Csv(#[from] CsvError),
    /// The statement is kept in another currency.
    #[error("it is kept in {found}, and not in {wanted}")]
    Currency {
        /// The currency that was asked for.
        wanted: Currency,
        /// The currency of the statement.
        found: Currency,
    },
    /// A column is missing.
    #[error("the first line names no column {0}; see docs/reports.md for the columns that are read")]
    Column(&'static str),
    /// A line can't be understood.
    #[error("line {line}: {fault}")]
    Line {
        /// Which line, from 1.
        line: u64,
        /// What is wrong with it.
        fault: ItemError,
    },
    /// There are more entries than are compared at once.
    #[error("it has more than {ITEMS_MAX} entries; compare shorter spans")]
    TooMany,
}

/// Entries of one side that are compared at once: about 100 bytes each.
const ITEMS_MAX: usize = 10_000_000;

impl External {
    /// Reads a statement: XML if it begins with `<`, else comma-separated values.
    ///
    /// # Errors
    /// An [`ExternalError`].
    pub fn read(mut input: impl BufRead, currency: Currency, by: By) -> Result<Self, ExternalError> {
        let begin = input.fill_buf()?;
        let begin = begin.strip_prefix(b"\xef\xbb\xbf").unwrap_or(begin);
        let is_xml = begin.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<');
        if is_xml { Self::read_xml(input, currency, by) } else { Self::read_csv(input, currency, by) }
    }

    fn read_xml(input: impl BufRead, currency: Currency, by: By) -> Result<Self, ExternalError> {
        let mut reader = StatementReader::open(input)?;
        let statement = reader.statement();
        let found = statement.account.currency;
        if found != currency {
            return Err(ExternalError::Currency { wanted: currency, found });
        }
        let chain = statement.chain;
        let mut external = Self {
            items: Vec::new(),
            opening: chain.map(|chain| chain.opening.amount.minor_units()),
            closing: chain.map(|chain| chain.closing.amount.minor_units()),
        };
        for entry in &mut reader {
            external.push(item_of(&entry?, by))?;
        }
        Ok(external)
    }

    fn push(&mut self, item: Item) -> Result<(), ExternalError> {
        if self.items.len() == ITEMS_MAX {
            return Err(ExternalError::TooMany);
        }
        self.items.push(item);
        Ok(())
    }

    fn read_csv(input: impl BufRead, currency: Currency, by: By) -> Result<Self, ExternalError> {
        let mut reader = CsvReader::new(input);
        let header = reader.next()?.ok_or(ExternalError::Column("amount"))?;
        let columns = Columns::of(&header, by)?;
        let mut external = Self::default();
        while let Some(fields) = reader.next()? {
            let line = |fault| ExternalError::Line { line: reader.line(), fault };
            let row = Row { fields: &fields, columns: &columns, currency };
            match row.kind() {
                "OPENING" => external.opening = Some(row.balance().map_err(line)?),
                "CLOSING" | "INTERIM" => external.closing = Some(row.balance().map_err(line)?),
                _ => external.push(row.item().map_err(line)?)?,
            }
        }
        Ok(external)
    }

    /// The same as the other side of the books sees it: what is a credit here is a debit there.
    #[must_use]
    pub fn mirrored(mut self) -> Self {
        for item in &mut self.items {
            item.direction = match item.direction {
                EntryDirection::Credit => EntryDirection::Debit,
                EntryDirection::Debit => EntryDirection::Credit,
            };
        }
        self.opening = self.opening.map(|balance| -balance);
        self.closing = self.closing.map(|balance| -balance);
        self
    }
}

fn item_of(entry: &StatementEntry, by: By) -> Item {
    let transaction = entry.transaction.as_ref();
    let transaction_id = transaction.and_then(|found| found.transaction_id.as_ref()).map(|id| id.as_str());
    let end_to_end_id = transaction.and_then(|found| found.end_to_end_id.as_ref()).map(|id| id.as_str());
    let servicer = entry.servicer_reference.as_ref().map(|reference| reference.as_str());
    let own = entry.reference.as_ref().map(|reference| reference.as_str());
    let reference = match by {
        By::First => transaction_id.or(servicer).or(own),
        By::TransactionId => transaction_id,
        By::EndToEndId => end_to_end_id,
        By::ServicerReference => servicer,
        By::EntryReference => own,
    };
    Item {
        reference: reference.unwrap_or_default().into(),
        direction: entry.direction,
        amount: entry.amount.minor_units(),
        value_date: Some(entry.value_date),
    }
}

/// Where the columns stand that are read.
struct Columns {
    references: Vec<usize>,
    amount: usize,
    direction: Option<usize>,
    value_date: Option<usize>,
    kind: Option<usize>,
    balance: Option<usize>,
    currency: Option<usize>,
}

impl Columns {
    fn of(header: &[String], by: By) -> Result<Self, ExternalError> {
        let find = |name: &str| header.iter().position(|column| column.trim().eq_ignore_ascii_case(name));
        let names: &[&str] = match by {
            By::First => &["transaction_id", "payment_id", "reference", "entry"],
            By::TransactionId => &["transaction_id"],
            By::EndToEndId => &["end_to_end_id"],
            By::ServicerReference => &["payment_id", "reference"],
            By::EntryReference => &["entry"],
        };
        let references: Vec<usize> = names.iter().filter_map(|name| find(name)).collect();
        if references.is_empty() {
            return Err(ExternalError::Column(names[0]));
        }
        Ok(Self {
            references,
            amount: find("amount").ok_or(ExternalError::Column("amount"))?,
            direction: find("direction"),
            value_date: find("value_date").or_else(|| find("date")).or_else(|| find("booked")),
            kind: find("kind"),
            balance: find("balance"),
            currency: find("currency"),
        })
    }
}

/// A line as it lies in its columns.
struct Row<'line> {
    fields: &'line [String],
    columns: &'line Columns,
    currency: Currency,
}

impl<'line> Row<'line> {
    fn field(&self, column: usize) -> &'line str {
        self.fields.get(column).map_or("", |field| field.trim())
    }

    fn optional(&self, column: Option<usize>) -> Option<&'line str> {
        column.map(|column| self.field(column)).filter(|field| !field.is_empty())
    }

    fn kind(&self) -> &'line str {
        self.optional(self.columns.kind).unwrap_or_default()
    }

    fn balance(&self) -> Result<i64, ItemError> {
        let text = self.optional(self.columns.balance).ok_or(ItemError::Balance)?;
        Balance::parse(text, self.currency).map(Balance::minor_units).map_err(|_| ItemError::Balance)
    }

    fn item(&self) -> Result<Item, ItemError> {
        if self.optional(self.columns.currency).is_some_and(|code| code != self.currency.code()) {
            return Err(ItemError::Currency);
        }
        let amount = self.field(self.columns.amount);
        let unsigned = amount.trim_start_matches(['+', '-']);
        let is_negative = amount.starts_with('-');
        let direction = match self.optional(self.columns.direction) {
            None if is_negative => EntryDirection::Debit,
            None => EntryDirection::Credit,
            Some(_) if unsigned != amount => return Err(ItemError::Amount),
            Some(word) => match word.to_ascii_uppercase().as_str() {
                "CRDT" | "CREDIT" | "C" => EntryDirection::Credit,
                "DBIT" | "DEBIT" | "D" => EntryDirection::Debit,
                _ => return Err(ItemError::Direction),
            },
        };
        let amount = Amount::parse(unsigned, self.currency).map_err(|_| ItemError::Amount)?;
        let reference = self.columns.references.iter().map(|column| self.field(*column));
        let value_date = match self.optional(self.columns.value_date) {
            None => None,
            Some(text) => {
                let day = text.get(..10).and_then(|day| Date::parse(day).ok());
                Some(day.ok_or(ItemError::Date)?)
            }
        };
        Ok(Item {
            reference: reference.into_iter().find(|text| !text.is_empty()).unwrap_or_default().into(),
            direction,
            amount: amount.minor_units(),
            value_date,
        })
    }
}
