//! `StatementService`: statements of accounts, positions and technical accounts, written as they are read.
//!
//! Invariant: a caller gets statements of the accounts and positions that it may see, and no piece of any other.

use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;

use client::convert::{FieldReader, Path};
use client::v1;
use client::v1::statement_service_server::StatementService;
use engine::{LogError, LogView, StoredOrder};
use history::{StoreError, View};
use ledger::{Command, Records};
use reports::{Asked, Days, Facts, Form, Holder, NotNow, Prepared, StatementFault, StoredText, Texts};
use tonic::{Request, Response, Status};
use types::{Bic, Date, Lives, PaymentId, PaymentOrder, Sequence, Shard, Timestamp};

use super::asked::{Named, Whose, read_account, read_position, read_technical_account};
use super::pieces::{Pieces, tell_in_pieces, until_over};
use super::told::as_of;
use super::{day_end, left_of, log_fault};
use crate::caller::Caller;
use crate::node::Node;
use crate::refusals::{before_history, day_not_there, history_unavailable, invalid};

#[derive(Debug)]
pub(crate) struct StatementCalls(pub(crate) Node);

/// What is asked for, as far as that can be said without history.
struct Read {
    named: Named,
    date: Date,
    form: Form,
    /// Another clock than that of the account's bank, in minutes ahead of UTC.
    utc_offset: Option<i32>,
    after: Option<Sequence>,
}

#[tonic::async_trait]
impl StatementService for StatementCalls {
    type GetStatementStream = Pieces<v1::GetStatementResponse>;
    type GetDayEndStream = Pieces<v1::GetDayEndResponse>;

    async fn get_statement(
        &self,
        request: Request<v1::GetStatementRequest>,
    ) -> Result<Response<Self::GetStatementStream>, Status> {
        let caller = Caller::of(&request)?;
        let asked = read(request.get_ref())?;
        let whose = asked.named.on(&self.0);
        let (date, utc_offset) = (asked.date, asked.utc_offset);
        until_over(&self.0, date, move |view| {
            // Whether there is such an account, and whose, is said below.
            let bank = whose.bank(view)?;
            bank.map(|bank| days(view, &whose, bank, utc_offset)).transpose()
        })
        .await?;
        let (node, now) = (self.0.clone(), self.0.handle.now());
        let told = tell_in_pieces(&self.0, caller.principal, move |view, log, sender| {
            let texts = LogTexts { log, lives: node.handle.lives().clone() };
            match prepare(&node, view, &whose, &caller, &asked, now)? {
                Ok(prepared) => {
                    let given = give(&node, view, &texts, &prepared, |piece| sender.send(Ok(piece)))?;
                    if let Some(Err(refused)) = given {
                        sender.send(Err(refused));
                    }
                }
                Err(refused) => {
                    sender.send(Err(refused));
                }
            }
            Ok(())
        });
        let told = told.await?;
        Ok(Response::new(told))
    }

    async fn get_day_end(
        &self,
        request: Request<v1::GetDayEndRequest>,
    ) -> Result<Response<Self::GetDayEndStream>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(day_end::tell(&self.0, &caller, request.get_ref()).await?))
    }
}

/// Works out what stands before the entries.
fn prepare(
    node: &Node,
    view: &View,
    whose: &Whose,
    caller: &Caller,
    asked: &Read,
    now: Timestamp,
) -> Result<Result<Prepared, Status>, StoreError> {
    let found = match whose.find(node, view, caller)? {
        Ok(found) => found,
        Err(refused) => return Ok(Err(refused)),
    };
    let is_ahead = found.opened_time > reports::reached(view.watermark());
    let holder = match &asked.named {
        Named::Account(iban, currency) => Holder::account(found, iban, *currency),
        Named::Position(_, currency) | Named::Technical(_, currency) => Holder::own_account(found, *currency),
    };
    let days = days(view, whose, found.bank, asked.utc_offset)?;
    let Read { form, date, after, .. } = *asked;
    let prepared = reports::prepare(view, Asked { holder, form, date, days, after }, now)?;
    Ok(prepared.map_err(|why| match why {
        NotNow::NotOpened if is_ahead => {
            history_unavailable("history has not come as far as the opening; ask again")
        }
        NotNow::NotOpened => whose.opened_later(),
        NotNow::NotOver { .. }
        | NotNow::NotRolled { .. }
        | NotNow::NotBegun { .. }
        | NotNow::NoDate
        | NotNow::BeforeHistory { .. } => not_now(why),
    }))
}

/// How the days of an account or position are bounded.
fn days(view: &View, whose: &Whose, bank: Bic, utc_offset: Option<i32>) -> Result<Days, StoreError> {
    match (whose, utc_offset.and_then(Days::offset)) {
        (Whose::Position(..) | Whose::Technical(..), _) => Days::of_positions(view),
        (Whose::Account(..), Some(days)) => Ok(days),
        (Whose::Account(..), None) => Days::of_bank(view, bank),
    }
}

/// Why a day can't be told of, to whoever asks for it.
pub(super) fn not_now(why: NotNow) -> Status {
    match why {
        NotNow::BeforeHistory { begins } => before_history(begins),
        NotNow::NotOver { .. }
        | NotNow::NotRolled { .. }
        | NotNow::NotBegun { .. }
        | NotNow::NoDate
        | NotNow::NotOpened => day_not_there(&why.to_string()),
    }
}

/// Writes a statement into a call; why it is not whole, or `None` if nobody waits for it any more.
pub(super) fn give(
    node: &Node,
    view: &View,
    texts: &LogTexts<'_>,
    prepared: &Prepared,
    send: impl FnMut(v1::GetStatementResponse) -> bool,
) -> Result<Option<Result<(), Status>>, StoreError> {
    let first = v1::GetStatementResponse {
        file_name: prepared.file_name(),
        as_of: Some(as_of(node, view.watermark())),
        ..Default::default()
    };
    let mut output = Output { send, waiting: first };
    let written = prepared.write(view, texts, &mut output);
    let status = match written {
        Ok(totals) => {
            let entry_count = totals.credit_count + totals.debit_count;
            let last = v1::GetStatementResponse { complete: true, entry_count, ..output.waiting };
            return Ok((output.send)(last).then_some(Ok(())));
        }
        Err(StatementFault::Store(error)) => return Err(error),
        // The caller has gone, or was told why it is cut off.
        Err(StatementFault::Write(_)) => return Ok(None),
        Err(StatementFault::Log(error)) => log_fault(error),
        Err(
            fault @ (StatementFault::Payment(_)
            | StatementFault::Amount(_)
            | StatementFault::Chain { .. }
            | StatementFault::Digits),
        ) => {
            tracing::error!(%fault, "a statement could not be made");
            history_unavailable(&fault.to_string())
        }
    };
    Ok(Some(Err(status)))
}

/// Bytes become pieces.
struct Output<Send> {
    send: Send,
    waiting: v1::GetStatementResponse,
}

/// A piece is no longer.
const PIECE_BYTES: usize = 64 << 10;

impl<Send: FnMut(v1::GetStatementResponse) -> bool> io::Write for Output<Send> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = PIECE_BYTES - self.waiting.content.len();
        let taken = bytes.len().min(room);
        self.waiting.content.extend_from_slice(&bytes[..taken]);
        if taken == room && !(self.send)(std::mem::take(&mut self.waiting)) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The texts in the log. What has been trimmed is as good as erased.
pub(super) struct LogTexts<'call> {
    pub(super) log: &'call LogView,
    pub(super) lives: Lives,
}

impl Texts for LogTexts<'_> {
    type Failure = LogError;

    fn orders(&self, positions: &[Sequence]) -> Result<Vec<Option<PaymentOrder>>, LogError> {
        let orders = left_of(positions, |positions| self.log.orders_at(positions))?;
        Ok(orders.into_iter().map(|order| order.as_ref().and_then(StoredOrder::order)).collect())
    }

    fn texts(&self, positions: &[Sequence]) -> Result<Vec<Option<StoredText>>, LogError> {
        left_of(positions, |positions| self.log.texts_at(positions))
    }

    fn facts(&self, positions: &[Sequence]) -> Result<Vec<Facts>, LogError> {
        let facts = left_of(positions, |positions| {
            let mut sorted = positions.to_vec();
            sorted.sort_unstable();
            let mut found: BTreeMap<Sequence, Facts> = BTreeMap::new();
            let mut read = Ok(());
            self.log.frames().read_at(&sorted, &mut |frame| {
                let mut at = frame.header().first_sequence;
                for record in Records::with_texts(frame.records(), frame.texts()) {
                    at = at.next();
                    match record.map(|record| record.command) {
                        Ok(Command::PostEntry(post)) => {
                            let value_date = Date::from_days(post.value_date.get());
                            found.insert(at, Facts { value_date, ..Facts::default() });
                        }
                        Ok(Command::AnswerRecall(answer)) => {
                            let original = Some(Sequence(answer.payment.get()));
                            found.insert(at, Facts { original, ..Facts::default() });
                        }
                        Ok(_) => {}
                        Err(error) => {
                            read = Err(error);
                            return ControlFlow::Break(());
                        }
                    }
                }
                ControlFlow::Continue(())
            })?;
            read?;
            Ok(positions.iter().map(|position| found.get(position).copied()).collect())
        })?;
        Ok(facts.into_iter().map(Option::unwrap_or_default).collect())
    }

    fn payment_id(&self, position: Sequence) -> PaymentId {
        self.lives.payment_id(Shard(0), position)
    }
}

fn read(wire: &v1::GetStatementRequest) -> Result<Read, Status> {
    use v1::get_statement_request::Owner;
    let mut reader = FieldReader::new();
    let named: Option<Named> = match &wire.owner {
        Some(Owner::Account(account)) => read_account(&mut reader, account),
        Some(Owner::Position(position)) => read_position(&mut reader, position),
        Some(Owner::TechnicalAccount(position)) => read_technical_account(&mut reader, position),
        None => {
            reader.missing(&Path::root("owner"));
            None
        }
    };
    let date_path = Path::root("date");
    let date = reader.optional_date(&date_path, &wire.date);
    if wire.date.is_empty() {
        reader.missing(&date_path);
    }
    let form = match wire.form() {
        v1::StatementForm::Camt053 => Some(Form::Camt053),
        v1::StatementForm::Camt052 => Some(Form::Camt052),
        v1::StatementForm::Camt054 => Some(Form::Camt054),
        v1::StatementForm::Csv => Some(Form::Csv),
        v1::StatementForm::Unspecified => {
            reader.missing(&Path::root("form"));
            None
        }
    };
    let is_position = matches!(wire.owner, Some(Owner::Position(_) | Owner::TechnicalAccount(_)));
    let utc_offset = wire.utc_offset_minutes;
    if let Some(minutes) = utc_offset {
        let path = Path::root("utc_offset_minutes");
        if is_position {
            reader.violation(&path, "a position has its own date");
        } else if Days::offset(minutes).is_none() {
            reader.violation(&path, "it lies between -840 and 840");
        }
    }
    if wire.after_sequence.is_some() && form != Some(Form::Camt054) {
        reader.violation(&Path::root("after_sequence"), "only a camt.054 goes on from a position");
    }
    let after = wire.after_sequence.map(Sequence);
    let read = (|| Some(Read { named: named?, date: date?, form: form?, utc_offset, after }))();
    reader.finish(read).map_err(invalid)
}
