//! `HistoryService`: payments, entries and balances of the past; and what history knows where the engine has forgotten.
//!
//! Invariants:
//! - A caller sees its own banks' side of a payment, as that side was told, and the money of its own banks.
//! - Nothing but these calls waits for history. Reading it waits for the disk, so it is done by threads that may, few
//!   at a time, and fewer for each caller. The look for a payment that the engine has forgotten has places of its own.

mod asked;
mod day_end;
mod pieces;
mod posting_calls;
mod posting_watch;
mod posting_wire;
mod report_calls;
mod statement_calls;
mod token;
mod told;

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use client::v1;
use client::v1::history_service_server::HistoryService;
use engine::{Answer, Answered, LogError, LogView, Question, StoredOrder};
use history::{EntryKind, EntryRow, History, PaymentRow, Side, StoreError, View, Watermark};
use ledger::PaymentAnswer;
use tonic::{Request, Response, Status};
use types::{Bic, DigestKey, Duration, PrincipalNumber, Sequence, Text, Timestamp};

use crate::caller::Caller;
use crate::lives;
use crate::log::GivesUp;
use crate::node::Node;
use crate::per_caller::Readings;
use crate::refusals::{
    bank_not_yours, before_history, history_unavailable, log_unreadable, participant_unknown, position_ahead,
};
use asked::{Whose, read_balance, read_entries, read_find, read_list};
use told::{as_of, entry, page, record};

pub(crate) use pieces::{PieceSender, Pieces, make_in_pieces};
pub(crate) use posting_calls::PostingCalls;
pub(crate) use report_calls::ReportCalls;
pub(crate) use statement_calls::StatementCalls;

/// Readings of history that may be under way at once: of everybody, and of one caller.
const READINGS_MAX: (usize, usize) = (8, 2);

/// Looks for forgotten payments that may be under way at once, in the same way.
const LOOKS_MAX: (usize, usize) = (4, 2);

/// Statements and reports that may be in the making at once, in the same way. They may take minutes.
const MAKINGS_MAX: (usize, usize) = (4, 2);

/// The node's history, if it keeps one.
#[derive(Debug)]
pub(crate) struct Past {
    history: Option<History>,
    readings: Readings,
    looks: Readings,
    makings: Readings,
}

impl Past {
    pub(crate) fn new(history: Option<History>) -> Self {
        let [readings, looks, makings] =
            [READINGS_MAX, LOOKS_MAX, MAKINGS_MAX].map(|(all, own)| Readings::new(all, own));
        Self { history, readings, looks, makings }
    }
}

#[derive(Debug)]
pub(crate) struct HistoryCalls(pub(crate) Node);

/// What was read of history, and up to where that went.
struct Found<Rows> {
    rows: Rows,
    watermark: Watermark,
}

/// Why history could not be read.
enum Fault {
    Store(StoreError),
    Log(LogError),
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<LogError> for Fault {
    fn from(error: LogError) -> Self {
        Self::Log(error)
    }
}

#[tonic::async_trait]
impl HistoryService for HistoryCalls {
    async fn list_payments(
        &self,
        request: Request<v1::ListPaymentsRequest>,
    ) -> Result<Response<v1::ListPaymentsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = read_list(&self.0, &caller, request.get_ref())?;
        let (query, account, page_asked) = (asked.query, asked.account, asked.page);
        let (after, size) = (page_asked.after, page_asked.size);
        let found = self.read(caller.principal, move |view, log| {
            let account = account.map(|digest| view.account_filter(digest)).transpose()?;
            let query = history::PaymentQuery { account, ..query };
            let unknown = query.bank.filter(|bank| !view.is_registered(*bank));
            let page = view.payments(&query, after, size)?;
            let orders = orders(log, &page.rows)?;
            Ok((page, orders, unknown))
        });
        let Found { rows: (found, orders, unknown), watermark } = found.await?;
        if let Some(bank) = unknown {
            return Err(not_taken_in(&self.0, bank));
        }
        let next_page_token = page(&self.0, &page_asked, found.next);
        let payments = found.rows.iter().zip(orders);
        let payments = payments.map(|(row, order)| record(&self.0, row, side_of(&caller, row), order));
        let as_of = Some(as_of(&self.0, &watermark));
        Ok(Response::new(v1::ListPaymentsResponse { payments: payments.collect(), next_page_token, as_of }))
    }

    async fn find_payments(
        &self,
        request: Request<v1::FindPaymentsRequest>,
    ) -> Result<Response<v1::FindPaymentsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = read_find(&self.0, &caller, request.get_ref())?;
        let (after, size, days) = (asked.page.after, asked.page.size, asked.days);
        let (key, bank, sees) = (*self.0.handle.digest_key(), asked.bank, caller.clone());
        let found = self.read(caller.principal, move |view, log| {
            let is_wanted = |row: &PaymentRow| {
                let is_of_bank =
                    |bank: Bic| is_told_to(row, Side::Debtor, bank) || is_told_to(row, Side::Creditor, bank);
                may_see(&sees, row) && bank.is_none_or(is_of_bank)
            };
            let id = asked.end_to_end_id.as_str();
            let page = view.payments_by_end_to_end_id(&key, id, days, after, size, is_wanted)?;
            let orders = orders(log, &page.rows)?;
            Ok((page, orders))
        });
        let Found { rows: (found, orders), watermark } = found.await?;
        let next_page_token = page(&self.0, &asked.page, found.next);
        let payments = found.rows.iter().zip(orders);
        let payments = payments.map(|(row, order)| record(&self.0, row, side_of(&caller, row), order));
        let as_of = Some(as_of(&self.0, &watermark));
        Ok(Response::new(v1::FindPaymentsResponse { payments: payments.collect(), next_page_token, as_of }))
    }

    async fn list_entries(
        &self,
        request: Request<v1::ListEntriesRequest>,
    ) -> Result<Response<v1::ListEntriesResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = read_entries(&self.0, request.get_ref())?;
        let (after, size) = (asked.page.after, asked.page.size);
        let (whose, time, order) = (asked.whose, asked.time, asked.order);
        let node = self.0.clone();
        let found = self.read(caller.principal, move |view, log| {
            let owner = match whose.find(&node, view, &caller)? {
                Ok(owner) => owner,
                Err(refused) => return Ok(Err(refused)),
            };
            let page = view.entries(owner.owner, time, order, after, size)?;
            let behind = Behind::read(view, log, &page.rows)?;
            Ok(Ok((page, owner, behind)))
        });
        let Found { rows, watermark } = found.await?;
        let (found, owner, behind) = rows?;
        let currency = asked.whose.currency();
        let entries = found.rows.iter().map(|row| entry(&self.0, row, owner.bank, currency, &behind));
        let entries = entries.collect();
        let next_page_token = page(&self.0, &asked.page, found.next);
        let as_of = Some(as_of(&self.0, &watermark));
        Ok(Response::new(v1::ListEntriesResponse { entries, next_page_token, as_of }))
    }

    async fn get_balance(
        &self,
        request: Request<v1::GetBalanceRequest>,
    ) -> Result<Response<v1::GetBalanceResponse>, Status> {
        let caller = Caller::of(&request)?;
        let (whose, moment) = read_balance(request.get_ref())?;
        let whose: Whose = whose.on(&self.0);
        if let (history::Moment::Position(sequence), Some(life)) = (moment, request.get_ref().incarnation) {
            let named = lives::Named { sequence, given_by: Some(types::Incarnation(life)) };
            named.on(self.0.handle.lives())?;
        }
        let node = self.0.clone();
        let found = self.read(caller.principal, move |view, _| {
            if let history::Moment::Position(position) = moment
                && position > view.watermark().told
            {
                return Ok(Err(position_ahead()));
            }
            if view.is_before(moment) {
                return Ok(Err(before_history(view.watermark().begins)));
            }
            let balance = match whose.find(&node, view, &caller)? {
                Ok(owner) => view.balance(&owner, moment)?.ok_or_else(|| whose.unknown()),
                Err(refused) => Err(refused),
            };
            Ok(balance)
        });
        let Found { rows: balance, watermark } = found.await?;
        let balance = balance?;
        Ok(Response::new(v1::GetBalanceResponse {
            balance: crate::values::decimal(balance.balance, whose.currency()),
            since_sequence: balance.since.0,
            since_time: Some(client::convert::timestamp(balance.since_time)),
            as_of: Some(as_of(&self.0, &watermark)),
        }))
    }

    async fn get_history_status(
        &self,
        request: Request<v1::GetHistoryStatusRequest>,
    ) -> Result<Response<v1::GetHistoryStatusResponse>, Status> {
        Caller::of(&request)?;
        let past = self.0.past.as_ref();
        let Some(history) = &past.history else {
            let unavailable_description = NOT_KEPT.to_owned();
            let status = v1::GetHistoryStatusResponse { unavailable_description, ..Default::default() };
            return Ok(Response::new(status));
        };
        let progress = history.progress();
        Ok(Response::new(v1::GetHistoryStatusResponse {
            available: progress.unavailable.is_none() && progress.watermark.is_some(),
            unavailable_description: progress.unavailable.map_or_else(String::new, |why| why.to_string()),
            as_of: progress.watermark.map(|watermark| as_of(&self.0, &watermark)),
        }))
    }
}

impl HistoryCalls {
    /// Reads history and the log on a thread that may wait.
    async fn read<Rows: Send + 'static>(
        &self,
        caller: PrincipalNumber,
        read: impl FnOnce(&View, &LogView) -> Result<Rows, Fault> + Send + 'static,
    ) -> Result<Found<Rows>, Status> {
        let readings = &self.0.past.readings;
        read_past(&self.0, readings, caller, read).await?.ok_or_else(|| history_unavailable(NOT_KEPT))
    }
}

const NOT_KEPT: &str = "this node keeps no history";

/// Why history does not know a bank: there is none, or it was registered behind what history has taken in.
fn not_taken_in(node: &Node, bank: Bic) -> Status {
    match node.handle.directory().participant(bank) {
        Some(_) => {
            history_unavailable("history has not come as far as the participant's registration; ask again")
        }
        None => participant_unknown(),
    }
}

/// The orders of payments, as far as they are left.
fn orders(log: &LogView, payments: &[PaymentRow]) -> Result<Vec<Option<StoredOrder>>, LogError> {
    let positions: Vec<Sequence> = payments.iter().map(|row| row.sequence).collect();
    left_of(&positions, |positions| log.orders_at(positions))
}

/// What is left in the log of some positions: what has been trimmed is as good as erased.
pub(crate) fn left_of<Text>(
    positions: &[Sequence],
    read: impl Fn(&[Sequence]) -> Result<Vec<Option<Text>>, LogError>,
) -> Result<Vec<Option<Text>>, LogError> {
    if positions.is_empty() {
        return Ok(Vec::new());
    }
    let all = read(positions);
    let Some(first) = all.as_ref().err().and_then(LogError::trimmed_before) else { return all };
    let left: Vec<Sequence> = positions.iter().copied().filter(|position| *position >= first).collect();
    let mut found = if left.is_empty() { Vec::new() } else { read(&left)? }.into_iter();
    let found = positions.iter().map(|position| {
        let is_left = *position >= first;
        found.by_ref().take(usize::from(is_left)).next().flatten()
    });
    Ok(found.collect())
}

/// What stands behind the entries of a page, by the position of the command.
struct Behind {
    payments: HashMap<Sequence, (PaymentRow, Option<StoredOrder>)>,
    /// The texts of commands that are no payments.
    texts: HashMap<Sequence, Box<[u8]>>,
}

impl Behind {
    fn read(view: &View, log: &LogView, entries: &[EntryRow]) -> Result<Self, Fault> {
        let commands = |is_payment: bool| -> Vec<Sequence> {
            let is_about_one = |entry: &&EntryRow| matches!(entry.kind, EntryKind::Payment | EntryKind::Fee);
            let wanted = entries.iter().filter(|entry| is_about_one(entry) == is_payment);
            let mut wanted: Vec<Sequence> = wanted.map(|entry| entry.command).collect();
            // A payment and its fee stand side by side.
            wanted.dedup();
            wanted
        };
        let mut payments = Vec::new();
        for position in commands(true) {
            payments.extend(view.payment(position)?);
        }
        let orders = orders(log, &payments)?;
        let payments = payments.into_iter().zip(orders).map(|(row, order)| (row.sequence, (row, order)));
        let positions = commands(false);
        let texts = left_of(&positions, |positions| log.texts_at(positions))?;
        let texts = positions.into_iter().zip(texts).filter_map(|(position, text)| Some((position, text?)));
        Ok(Self { payments: payments.collect(), texts: texts.collect() })
    }
}

/// The same for any call; `None` if the node keeps no history.
async fn read_past<Rows: Send + 'static>(
    node: &Node,
    readings: &Readings,
    caller: PrincipalNumber,
    read: impl FnOnce(&View, &LogView) -> Result<Rows, Fault> + Send + 'static,
) -> Result<Option<Found<Rows>>, Status> {
    let Some(history) = node.past.history.clone() else { return Ok(None) };
    let place = readings.enter(caller).await;
    let gives_up = GivesUp::default();
    let is_given_up = gives_up.flag();
    let log = node.handle.log().until(gives_up.flag());
    let found = tokio::task::spawn_blocking(move || {
        if is_given_up.load(Ordering::Relaxed) {
            return Err(history_unavailable("nobody waits for it any more"));
        }
        let view = history.view().map_err(|why| history_unavailable(&why.to_string()))?;
        let rows = read(&view, &log).map_err(Fault::into_status)?;
        drop(place);
        Ok(Found { rows, watermark: *view.watermark() })
    });
    let found = found.await;
    drop(gives_up);
    found.map_err(|_| history_unavailable("a fault in the program"))?.map(Some)
}

impl Fault {
    fn into_status(self) -> Status {
        match self {
            Self::Store(error) => {
                tracing::error!(%error, "history could not be read");
                history_unavailable(&error.to_string())
            }
            Self::Log(error) => log_fault(error),
        }
    }
}

fn log_fault(error: LogError) -> Status {
    if !matches!(error, LogError::GivenUp) {
        tracing::error!(%error, "the log could not be read for history");
    }
    log_unreadable()
}

/// Whether a bank was told of a payment on a side.
fn is_told_to(row: &PaymentRow, side: Side, bank: Bic) -> bool {
    match side {
        Side::Debtor => row.debtor_agent == bank && !row.is_not_entitled,
        Side::Creditor => row.creditor_agent == Some(bank) && row.is_told_to_creditor,
    }
}

/// Whether a caller may know of a payment at all.
fn may_see(caller: &Caller, row: &PaymentRow) -> bool {
    caller.sees_everything()
        || caller.may_act_for(row.debtor_agent) && !row.is_not_entitled
        || row.creditor_agent.is_some_and(|bank| caller.may_act_for(bank)) && row.is_told_to_creditor
}

/// On which side of a payment a caller stands that may know of it.
fn side_of(caller: &Caller, row: &PaymentRow) -> Side {
    if caller.may_see(row.debtor_agent) { Side::Debtor } else { Side::Creditor }
}

/// A payment as a question names it.
enum Named {
    At(Sequence),
    Key { debtor_agent: Bic, transaction_id: Text<35>, acceptance_time: Option<Timestamp> },
}

impl Named {
    /// What a question may be about that the engine answers so, if it may be about something older than what it knows.
    fn of(question: &Question, answered: &Answered) -> Option<Self> {
        let Answer::Payment(answer) = &answered.answer else { return None };
        let is_forgotten = matches!(answer, PaymentAnswer::Forgotten);
        if let Question::PaymentAt(sequence) = question {
            return is_forgotten.then_some(Self::At(*sequence));
        }
        let Question::PaymentByKey { debtor_agent, transaction_id, acceptance_time } = question else {
            return None;
        };
        // Without an acceptance time the engine can't say of which time it is.
        let is_of_any_time = acceptance_time.is_none() && matches!(answer, PaymentAnswer::NotFound { .. });
        let (debtor_agent, acceptance_time) = (*debtor_agent, *acceptance_time);
        let transaction_id = transaction_id.clone();
        (is_forgotten || is_of_any_time).then_some(Self::Key {
            debtor_agent,
            transaction_id,
            acceptance_time,
        })
    }

    fn find(&self, view: &View, key: &DigestKey) -> Result<Option<PaymentRow>, StoreError> {
        match self {
            Self::At(sequence) => view.payment(*sequence),
            Self::Key { debtor_agent, transaction_id, acceptance_time } => {
                view.payment_by_key(key, *debtor_agent, transaction_id.as_str(), *acceptance_time)
            }
        }
    }

    /// Whether history would know the payment, had it ever come in time.
    fn is_covered(&self, watermark: &Watermark) -> bool {
        match self {
            // An id of another life of the log.
            Self::At(Sequence(0)) => false,
            Self::At(sequence) => *sequence > watermark.begins && *sequence <= watermark.told,
            Self::Key { acceptance_time: Some(accepted), .. } => {
                let is_since =
                    watermark.begins == Sequence(0) || *accepted >= watermark.begins_time.plus(LONG_AFTER);
                is_since && accepted.plus(LONG_AFTER) <= watermark.told_time
            }
            Self::Key { acceptance_time: None, .. } => false,
        }
    }
}

/// Looks into history for a payment that the engine may have forgotten: what came of it, as the caller may know it. Where
/// history knows that there is none, the engine's answer becomes that. If history can't be asked, the engine's answer
/// stands: it says that the payment may be older than what is at hand.
pub(crate) async fn older(
    node: &Node,
    caller: &Caller,
    question: &Question,
    answered: &mut Answered,
) -> Result<Option<v1::PaymentOutcome>, Status> {
    let Some(named) = Named::of(question, answered) else { return Ok(None) };
    let key = *node.handle.digest_key();
    let found = read_past(node, &node.past.looks, caller.principal, move |view, _| {
        let row = named.find(view, &key)?;
        Ok((row, named.is_covered(view.watermark())))
    });
    let Ok(Some(Found { rows: (row, is_covered), .. })) = found.await else { return Ok(None) };
    if let Some(row) = row {
        if !may_see(caller, &row) {
            return Err(bank_not_yours().into_status());
        }
        return Ok(Some(told::outcome(node, &row, side_of(caller, &row))));
    }
    // It is nowhere in the log, and can't come any more.
    if is_covered {
        answered.answer = Answer::Payment(PaymentAnswer::NotFound { is_final: true });
    }
    Ok(None)
}

/// What history knows of the payment at a position; `None` if that is nothing, or the node keeps no history.
pub(crate) async fn payment_at(
    node: &Node,
    caller: &Caller,
    payment: Sequence,
) -> Result<Option<PaymentRow>, Status> {
    let found =
        read_past(node, &node.past.looks, caller.principal, move |view, _| Ok(view.payment(payment)?));
    Ok(found.await?.and_then(|found| found.rows))
}

/// Longer than any profile lets a payment take.
const LONG_AFTER: Duration = Duration::from_seconds(24 * 3600);
