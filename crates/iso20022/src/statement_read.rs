//! Reads camt.052, camt.053 and camt.054 entry by entry, for those who compare them with their own books.
//!
//! Other banks and clearing systems write them, in later versions too, so this reader asks for what it understands and
//! passes over everything else: unlike a payment, a statement is not acted on, it is compared. Of parties it reads the
//! names. What it does read is held to its form, and entries that are not booked are passed over.

use std::io::{self, BufRead};

use types::{Balance, Bic, Currency, Text, Timestamp};

use crate::camt004::signed;
use crate::fault::{SchemaFault, Violation};
use crate::limits::FURTHER_BALANCES_MAX;
use crate::statement::{
    BalanceChain, BalanceKind, EntryTotals, Moment, Page, Period, Statement, StatementAccount,
    StatementBalance, StatementEntry, StatementKind,
};
use crate::statement_entry_read::{Entry, bic, date, text, time, without_zeros};
use crate::statement_events::{Events, Step};
use crate::values::required;

/// Why a statement can't be read on.
#[derive(Debug, thiserror::Error)]
pub enum StatementReadError {
    /// The document could not be read.
    #[error("the statement could not be read: {0}")]
    Read(#[from] io::Error),
    /// The document is not a statement as it should be.
    #[error(transparent)]
    Fault(#[from] SchemaFault),
}

/// A statement being read: first what stands before the entries, then each as an iterator.
pub struct StatementReader<Input> {
    events: Events<Input>,
    statement: Statement,
    totals: EntryTotals,
    /// The first entry has been opened while what stands before it was read.
    is_in_entry: bool,
    has_ended: bool,
}

impl<Input: BufRead> StatementReader<Input> {
    /// Reads up to the first entry.
    ///
    /// # Errors
    /// A [`StatementReadError`] if it is no statement, or one without account.
    pub fn open(input: Input) -> Result<Self, StatementReadError> {
        let mut events = Events::new(input);
        let mut head = Head::default();
        let (is_in_entry, has_ended) = loop {
            match events.step()? {
                Step::Open if is_entry(events.path()) => break (true, false),
                Step::Open => head.open(&events)?,
                Step::Leaf(value) => head.leaf(&events, value.trim())?,
                Step::Close => head.close(&events)?,
                Step::End => break (false, true),
            }
        };
        let statement = head.finish(&events)?;
        Ok(Self { events, statement, totals: EntryTotals::default(), is_in_entry, has_ended })
    }

    /// What stands before the entries. `chain` is there if both its balances are.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// What the entries that have been read come to.
    pub fn totals(&self) -> EntryTotals {
        self.totals
    }

    fn entry(&mut self) -> Result<Option<StatementEntry>, StatementReadError> {
        loop {
            if !std::mem::take(&mut self.is_in_entry) && !self.find_entry()? {
                return Ok(None);
            }
            self.events.next_part();
            let Some(entry) = self.inside_entry()? else { continue };
            let totals = self.totals.with(&entry);
            self.totals = totals.ok_or_else(|| self.events.fault(Violation::Amount))?;
            return Ok(Some(entry));
        }
    }

    /// Goes on to the next entry, if there is one.
    fn find_entry(&mut self) -> Result<bool, StatementReadError> {
        self.events.next_part();
        loop {
            match self.events.step()? {
                Step::Open if is_entry(self.events.path()) => return Ok(true),
                Step::Open if self.events.path().len() == 3 && !is_supplement(self.events.path()) => {
                    return Err(self.events.fault(Violation::Repeated));
                }
                Step::Open | Step::Leaf(_) | Step::Close => {}
                Step::End => return Ok(false),
            }
        }
    }

    /// Reads an entry whose start tag has been read; `None` if it is not booked.
    fn inside_entry(&mut self) -> Result<Option<StatementEntry>, StatementReadError> {
        let mut draft = Entry::default();
        loop {
            let step = self.events.step()?;
            let names: Vec<&str> = self.events.path().iter().skip(4).map(String::as_str).collect();
            match step {
                Step::Open if names == ["NtryDtls", "TxDtls"] && draft.transaction.is_some() => {
                    // One booking of many payments has no place in these values.
                    return Err(self.events.fault(Violation::Repeated));
                }
                Step::Open if names == ["NtryDtls", "TxDtls"] => draft.transaction = Some(Box::default()),
                Step::Open => {}
                Step::Leaf(_) if names.is_empty() => return Err(self.events.fault(Violation::Missing)),
                Step::Leaf(value) => {
                    draft
                        .leaf(&names, value.trim(), self.events.currency.as_deref(), &self.statement)
                        .map_err(|what| self.events.fault(what))?;
                }
                Step::Close if names.is_empty() => {
                    return draft.finish().map_err(|name| self.events.missing(name));
                }
                Step::Close => {}
                Step::End => return Err(self.events.fault(Violation::NotWellFormed)),
            }
        }
    }
}

/// Ends with the document, or with the first error.
impl<Input: BufRead> Iterator for StatementReader<Input> {
    type Item = Result<StatementEntry, StatementReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_ended {
            return None;
        }
        let entry = self.entry().transpose();
        self.has_ended = !matches!(entry, Some(Ok(_)));
        entry
    }
}

fn is_entry(path: &[String]) -> bool {
    path.len() == 4 && path[3] == "Ntry"
}

fn is_supplement(path: &[String]) -> bool {
    path[2] == "SplmtryData"
}

/// What has been read before the entries so far.
#[derive(Default)]
struct Head {
    kind: Option<StatementKind>,
    message_id: Option<Text<35>>,
    created_at: Option<Timestamp>,
    id: Option<Text<35>>,
    page_number: Option<u32>,
    is_last_page: Option<bool>,
    sequence_number: Option<u32>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    account: Option<Text<34>>,
    currency: Option<Currency>,
    owner_name: Option<Text<140>>,
    owner_bic: Option<Bic>,
    servicer: Option<Bic>,
    balance: BalanceDraft,
    balances: Vec<StatementBalance>,
    counts: [Option<u64>; 2],
    sums: [Option<Balance>; 2],
}

/// What has been read of a balance so far.
#[derive(Default)]
struct BalanceDraft {
    kind: Option<BalanceKind>,
    amount: Option<String>,
    direction: Option<String>,
    moment: Option<Moment>,
}

impl Head {
    fn open<Input: BufRead>(&mut self, events: &Events<Input>) -> Result<(), StatementReadError> {
        let path = events.path();
        match path.len() {
            2 => {
                let family = |kind: &StatementKind| {
                    let (name, _) = kind.namespace().rsplit_once('.').expect("a namespace has points");
                    path[0] == "Document"
                        && path[1] == kind.elements()[0]
                        && events.root_namespace().is_some_and(|namespace| namespace.starts_with(name))
                };
                self.kind = StatementKind::ALL.into_iter().find(family);
                match self.kind {
                    Some(_) => Ok(()),
                    None => Err(events.fault(Violation::WrongMessage)),
                }
            }
            3 if path[2] != "GrpHdr" && !is_supplement(path) && self.id.is_some() => {
                Err(events.fault(Violation::Repeated))
            }
            _ => Ok(()),
        }
    }

    fn leaf<Input: BufRead>(
        &mut self,
        events: &Events<Input>,
        value: &str,
    ) -> Result<(), StatementReadError> {
        let names: Vec<&str> = events.path().iter().skip(2).map(String::as_str).collect();
        let read = match names.as_slice() {
            ["GrpHdr", below @ ..] => self.group_header(below, value),
            [_, "Acct", below @ ..] => self.account(below, value),
            [_, "Bal", below @ ..] => self.balance(below, value, events.currency.as_deref()),
            [_, "TxsSummry", below @ ..] => self.totals(below, value),
            [_, below @ ..] => self.statement(below, value),
            [] => Ok(()),
        };
        read.map_err(|what| events.fault(what))
    }

    fn group_header(&mut self, names: &[&str], value: &str) -> Result<(), Violation> {
        match names {
            ["MsgId"] => self.message_id = Some(text(value)?),
            ["CreDtTm"] => self.created_at = Some(time(value)?),
            _ => {}
        }
        Ok(())
    }

    fn statement(&mut self, names: &[&str], value: &str) -> Result<(), Violation> {
        let number = || value.parse().map_err(|_| Violation::Lexical);
        match names {
            ["Id"] => self.id = Some(text(value)?),
            [page, "PgNb"] if page.ends_with("Pgntn") => self.page_number = Some(number()?),
            [page, "LastPgInd"] if page.ends_with("Pgntn") => {
                self.is_last_page = Some(match value {
                    "true" | "1" => true,
                    "false" | "0" => false,
                    _ => return Err(Violation::Lexical),
                });
            }
            ["ElctrncSeqNb"] => self.sequence_number = Some(number()?),
            ["FrToDt", "FrDtTm"] => self.from = Some(time(value)?),
            ["FrToDt", "ToDtTm"] => self.to = Some(time(value)?),
            _ => {}
        }
        Ok(())
    }

    fn account(&mut self, names: &[&str], value: &str) -> Result<(), Violation> {
        match names {
            ["Id", "IBAN"] | ["Id", "Othr", "Id"] => self.account = Some(text(value)?),
            ["Ccy"] => self.currency = Some(Currency::parse(value).map_err(|_| Violation::Lexical)?),
            ["Ownr", "Nm"] => self.owner_name = Some(text(value)?),
            ["Ownr", "Id", "OrgId", "AnyBIC"] => self.owner_bic = Some(bic(value)?),
            ["Svcr", "FinInstnId", "BICFI"] => self.servicer = Some(bic(value)?),
            _ => {}
        }
        Ok(())
    }

    fn balance(&mut self, names: &[&str], value: &str, currency: Option<&str>) -> Result<(), Violation> {
        match names {
            ["Tp", "CdOrPrtry", "Cd"] => {
                self.balance.kind = BalanceKind::ALL.into_iter().find(|kind| kind.code() == value);
            }
            ["Amt"] => {
                let found = currency.and_then(|code| Currency::parse(code).ok());
                let found = found.filter(|found| *found == *self.currency.get_or_insert(*found));
                let currency = found.ok_or(Violation::Amount)?;
                self.balance.amount = Some(without_zeros(value, currency).to_owned());
            }
            ["CdtDbtInd"] => self.balance.direction = Some(value.to_owned()),
            ["Dt", "Dt"] => self.balance.moment = Some(Moment::Date(date(value)?)),
            ["Dt", "DtTm"] => self.balance.moment = Some(Moment::Time(time(value)?)),
            _ => {}
        }
        Ok(())
    }

    fn totals(&mut self, names: &[&str], value: &str) -> Result<(), Violation> {
        let (place, part) = match names {
            ["TtlCdtNtries", part] => (0, *part),
            ["TtlDbtNtries", part] => (1, *part),
            _ => return Ok(()),
        };
        match part {
            "NbOfNtries" => self.counts[place] = Some(value.parse().map_err(|_| Violation::Lexical)?),
            "Sum" => {
                let currency = self.currency.ok_or(Violation::Amount)?;
                let sum = Balance::parse(without_zeros(value, currency), currency);
                self.sums[place] = Some(sum.map_err(|_| Violation::Amount)?);
            }
            _ => {}
        }
        Ok(())
    }

    /// A balance has ended: kinds that are not known here are passed over.
    fn close<Input: BufRead>(&mut self, events: &Events<Input>) -> Result<(), StatementReadError> {
        if events.path().len() != 4 || events.path()[3] != "Bal" {
            return Ok(());
        }
        if self.balances.len() == FURTHER_BALANCES_MAX {
            return Err(events.fault(Violation::Limit));
        }
        let read = std::mem::take(&mut self.balance);
        let Some(kind) = read.kind else { return Ok(()) };
        let amount = read.amount.ok_or_else(|| events.missing("Amt"))?;
        let direction = read.direction.ok_or_else(|| events.missing("CdtDbtInd"))?;
        let currency = self.currency.unwrap_or(Currency::EUR);
        let amount = signed(&amount, &direction, currency).ok_or_else(|| events.fault(Violation::Amount))?;
        let moment = read.moment.ok_or_else(|| events.missing("Dt"))?;
        self.balances.push(StatementBalance { kind, amount, moment });
        Ok(())
    }

    fn finish<Input: BufRead>(self, events: &Events<Input>) -> Result<Statement, StatementReadError> {
        let kind = self.kind.ok_or_else(|| events.fault(Violation::WrongMessage))?;
        let (end, inner) = (events.offset(), kind.elements()[1]);
        let (chain, further_balances) = chain(self.balances);
        let totals = match (self.counts, self.sums) {
            ([Some(credit_count), Some(debit_count)], [Some(credit_sum), Some(debit_sum)]) => {
                Some(EntryTotals { credit_count, credit_sum, debit_count, debit_sum })
            }
            _ => None,
        };
        let page = self.page_number.zip(self.is_last_page);
        Ok(Statement {
            kind,
            message_id: required(self.message_id, "GrpHdr/MsgId", end)?,
            created_at: required(self.created_at, "GrpHdr/CreDtTm", end)?,
            id: required(self.id, &format!("{inner}/Id"), end)?,
            page: page.map(|(number, is_last)| Page { number, is_last }),
            sequence_number: self.sequence_number,
            period: self.from.zip(self.to).map(|(from, to)| Period { from, to }),
            account: StatementAccount {
                id: required(self.account, &format!("{inner}/Acct/Id"), end)?,
                currency: self.currency.unwrap_or(Currency::EUR),
                owner_name: self.owner_name,
                owner_bic: self.owner_bic,
                servicer: self.servicer,
            },
            chain,
            further_balances,
            totals,
        })
    }
}

/// The first booked balance that can open a chain and the last that can close it, and all others.
fn chain(mut balances: Vec<StatementBalance>) -> (Option<BalanceChain>, Vec<StatementBalance>) {
    use BalanceKind::{ClosingBooked, InterimBooked, OpeningBooked};
    let is = |kinds: [BalanceKind; 2]| move |balance: &StatementBalance| kinds.contains(&balance.kind);
    let first = balances.iter().position(is([OpeningBooked, InterimBooked]));
    let last = balances.iter().rposition(is([ClosingBooked, InterimBooked]));
    let (Some(first), Some(last)) = (first, last) else { return (None, balances) };
    if first == last {
        return (None, balances);
    }
    let chain = BalanceChain { opening: balances[first], closing: balances[last] };
    balances.remove(first.max(last));
    balances.remove(first.min(last));
    (Some(chain), balances)
}
