//! A day's end: a bank's statements of a day that is over, one after the other in one call, from one view of history.
//!
//! Invariants:
//! - Statements come in the order of the accounts' numbers, so a call that ended can be gone on with.
//! - Memory holds the accounts of one part and no more, however many there are.
//! - An account's number is read from the log. One that has been erased there is not guessed at.

use client::convert::{FieldReader, Path};
use client::v1;
use engine::LogView;
use history::{OwnedAccount, Owner, View};
use ledger::AccountText;
use reports::{Asked, Days, Form, Holder, NotNow, prepare};
use tonic::Status;
use types::{AccountNumber, Bic, Date, Iban, Sequence, Timestamp};

use super::asked::check_bank;
use super::pieces::{PieceSender, Pieces, tell_in_pieces, until_over};
use super::statement_calls::{LogTexts, give, not_now};
use super::{Fault, left_of, not_taken_in};
use crate::caller::Caller;
use crate::node::Node;
use crate::refusals::invalid;

/// So many accounts are found at a time, which reads all accounts once,
const ACCOUNTS_FOUND: usize = 1 << 18;
/// and the numbers of so many are read from the log.
const ACCOUNTS_NAMED: usize = 500;

/// What is asked for.
#[derive(Clone, Copy)]
struct Read {
    bank: Bic,
    /// The last day that is over if none is named.
    date: Option<Date>,
    form: Form,
    after: AccountNumber,
    is_moved_only: bool,
}

/// Gives the statements of a day.
pub(super) async fn tell(
    node: &Node,
    caller: &Caller,
    wire: &v1::GetDayEndRequest,
) -> Result<Pieces<v1::GetDayEndResponse>, Status> {
    let asked = read(caller, wire)?;
    if let Some(date) = asked.date {
        until_over(node, date, move |view| Days::of_bank(view, asked.bank).map(Some)).await?;
    }
    let (inner, now) = (node.clone(), node.handle.now());
    tell_in_pieces(node, caller.principal, move |view, log, sender| {
        let end = DayEnd { node: &inner, view, log, sender, asked, now };
        if let Told::Refused(status) = end.tell()? {
            sender.send(Err(status));
        }
        Ok(())
    })
    .await
}

/// Whether to go on.
enum Told {
    Whole,
    /// Nobody waits for it any more.
    Gone,
    Refused(Status),
}

/// Whose statement is next, and of which day.
struct Next<'day> {
    holder: Holder,
    days: &'day Days,
    date: Date,
    number: AccountNumber,
    is_closed: bool,
}

struct DayEnd<'call> {
    node: &'call Node,
    view: &'call View,
    log: &'call LogView,
    sender: &'call PieceSender<v1::GetDayEndResponse>,
    asked: Read,
    now: Timestamp,
}

impl DayEnd<'_> {
    fn tell(&self) -> Result<Told, Fault> {
        let (view, Read { bank, .. }) = (self.view, self.asked);
        if !view.is_registered(bank) {
            return Ok(Told::Refused(not_taken_in(self.node, bank)));
        }
        let days = Days::of_bank(view, bank)?;
        let Some(date) = self.asked.date.or_else(|| days.last_over(view.watermark())) else {
            return Ok(Told::Refused(not_now(NotNow::NoDate)));
        };
        match days.passed(date, view.watermark()) {
            Ok(passed) if passed.is_over => {}
            Ok(passed) => {
                let reached = reports::reached(view.watermark());
                let until = days.span(date).ok().and_then(|span| span.until).unwrap_or(passed.until).time;
                return Ok(Told::Refused(not_now(NotNow::NotOver { until, reached })));
            }
            Err(why) => return Ok(Told::Refused(not_now(why))),
        }
        let (participant, date_told) = (bank.to_string(), date.to_string());
        let head = v1::GetDayEndResponse { participant, date: date_told, ..Default::default() };
        if !self.sender.send(Ok(head)) {
            return Ok(Told::Gone);
        }
        let mut totals = v1::DayEndTotals::default();
        let told = match self.position(date, &mut totals)? {
            Told::Whole => self.accounts(&days, date, &mut totals)?,
            ended @ (Told::Gone | Told::Refused(_)) => ended,
        };
        if let Told::Whole = told {
            self.sender.send(Ok(v1::GetDayEndResponse { totals: Some(totals), ..Default::default() }));
        }
        Ok(told)
    }

    /// The statements of the bank's position and of its technical account, which come before all others.
    fn position(&self, date: Date, totals: &mut v1::DayEndTotals) -> Result<Told, Fault> {
        let Read { bank, after, .. } = self.asked;
        let currency = self.view.position_currency(bank).filter(|_| after == AccountNumber(0));
        let Some(currency) = currency else { return Ok(Told::Whole) };
        let days = Days::of_positions(self.view)?;
        if days.span(date) == Err(NotNow::NoDate) {
            return Ok(Told::Whole);
        }
        let own = [self.view.position(bank, currency), self.view.technical_account(bank, currency)?];
        for found in own.into_iter().flatten() {
            let holder = Holder::own_account(found, currency);
            let next = Next { holder, days: &days, date, number: after, is_closed: false };
            match self.statement(next, totals)? {
                Told::Whole => {}
                ended @ (Told::Gone | Told::Refused(_)) => return Ok(ended),
            }
        }
        Ok(Told::Whole)
    }

    fn accounts(&self, days: &Days, date: Date, totals: &mut v1::DayEndTotals) -> Result<Told, Fault> {
        let mut after = self.asked.after;
        loop {
            let accounts = self.view.accounts_of(self.asked.bank, after, ACCOUNTS_FOUND)?;
            for some in accounts.chunks(ACCOUNTS_NAMED) {
                let named = self.named(some)?;
                for (account, iban) in some.iter().zip(named) {
                    let Owner::Account(number) = account.found.owner else { continue };
                    after = number;
                    let Some(iban) = iban else {
                        totals.unnamed += 1;
                        continue;
                    };
                    let holder = Holder::account(account.found, &iban, account.currency);
                    let next = Next { holder, days, date, number, is_closed: account.is_closed };
                    match self.statement(next, totals)? {
                        Told::Whole => {}
                        ended @ (Told::Gone | Told::Refused(_)) => return Ok(ended),
                    }
                }
            }
            if accounts.len() < ACCOUNTS_FOUND {
                return Ok(Told::Whole);
            }
        }
    }

    /// The numbers of accounts, as far as the log has them.
    fn named(&self, accounts: &[OwnedAccount]) -> Result<Vec<Option<Iban>>, Fault> {
        // In the order of the log, and each to its place again.
        let positions =
            accounts.iter().enumerate().filter_map(|(place, account)| Some((account.named_at?, place)));
        let mut positions: Vec<(Sequence, usize)> = positions.collect();
        positions.sort_unstable();
        let sorted: Vec<Sequence> = positions.iter().map(|(position, _)| *position).collect();
        let texts = left_of(&sorted, |positions| self.log.texts_at(positions))?;
        let mut named: Vec<Option<Iban>> = vec![None; accounts.len()];
        for ((_, place), text) in positions.into_iter().zip(texts) {
            let text = text.and_then(|text| AccountText::decode(&text).ok());
            let digest = accounts[place].digest;
            let is_it = |iban: &Iban| self.node.handle.digest_key().iban(iban.as_str()) == digest;
            named[place] = text.map(|text| text.iban).filter(is_it);
        }
        Ok(named)
    }

    /// One statement.
    fn statement(&self, next: Next<'_>, totals: &mut v1::DayEndTotals) -> Result<Told, Fault> {
        let Next { holder, days, date, number, is_closed } = next;
        let asked = Asked { holder, form: self.asked.form, date, days: days.clone(), after: None };
        let prepared = match prepare(self.view, asked, self.now)? {
            Ok(prepared) => prepared,
            Err(NotNow::NotOpened) => return Ok(Told::Whole),
            Err(why) => return Ok(Told::Refused(not_now(why))),
        };
        let (opening, closing) = prepared.balances();
        let moved = prepared.totals();
        let is_moved = opening != closing || moved.credit_count + moved.debit_count > 0;
        if !is_moved && (self.asked.is_moved_only || is_closed) {
            totals.unmoved += 1;
            return Ok(Told::Whole);
        }
        let texts = LogTexts { log: self.log, lives: self.node.handle.lives().clone() };
        let send = |piece| {
            let (statement, number) = (Some(piece), number.0);
            self.sender.send(Ok(v1::GetDayEndResponse { statement, number, ..Default::default() }))
        };
        Ok(match give(self.node, self.view, &texts, &prepared, send)? {
            None => Told::Gone,
            Some(Err(status)) => Told::Refused(status),
            Some(Ok(())) => {
                totals.statements += 1;
                Told::Whole
            }
        })
    }
}

fn read(caller: &Caller, wire: &v1::GetDayEndRequest) -> Result<Read, Status> {
    let mut reader = FieldReader::new();
    let path = Path::root("participant");
    let bank = reader.optional_bic(&path, &wire.participant);
    let bank = bank.or_else(|| caller.only_bank());
    if bank.is_none() && wire.participant.is_empty() {
        reader.missing(&path);
    }
    let date = reader.optional_date(&Path::root("date"), &wire.date);
    let form = match wire.form() {
        v1::StatementForm::Camt053 => Some(Form::Camt053),
        v1::StatementForm::Csv => Some(Form::Csv),
        v1::StatementForm::Camt052 | v1::StatementForm::Camt054 => {
            reader.violation(&Path::root("form"), "a day's end has camt053 or csv");
            None
        }
        v1::StatementForm::Unspecified => {
            reader.missing(&Path::root("form"));
            None
        }
    };
    let (after, is_moved_only) = (AccountNumber(wire.after_number), wire.moved_only);
    let read = bank.zip(form).map(|(bank, form)| Read { bank, date, form, after, is_moved_only });
    let read = reader.finish(read).map_err(invalid)?;
    check_bank(caller, Some(read.bank))?;
    Ok(read)
}
