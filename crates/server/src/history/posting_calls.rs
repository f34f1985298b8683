//! `PostingService`: what a bank's general ledger takes up, and what it calls its accounts.
//!
//! Invariants:
//! - Whatever is told of postings comes from history, so the stream and the files of days say the same.
//! - A caller is told of the banks that it may see, and sets the maps of those for which it acts.

use std::io;

use client::v1;
use client::v1::posting_service_server::PostingService;
use history::View;
use reports::{Days, NoPostings, PostingBook, PostingDay, PostingFault};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};
use types::{Bic, Currency, Date, PrincipalNumber};

use super::pieces::{Pieces, tell_in_pieces, until_over};
use super::posting_wire::{
    DayAsked, read_day, read_export, read_list, read_map, read_watch, totals_of, wire_map,
};
use super::statement_calls::not_now;
use super::told::as_of;
use super::{Fault, NOT_KEPT, not_taken_in, posting_watch, read_past};
use crate::caller::Caller;
use crate::node::Node;
use crate::refusals::{bank_not_yours, history_unavailable, postings_incomplete};
use crate::values::confirmation;

#[derive(Debug)]
pub(crate) struct PostingCalls(pub(crate) Node);

/// Maps that are listed at a time.
const MAPS_MAX: usize = 50;

#[tonic::async_trait]
impl PostingService for PostingCalls {
    type WatchStream = ReceiverStream<Result<v1::PostingServiceWatchResponse, Status>>;
    type GetTotalsStream = Pieces<v1::GetTotalsResponse>;
    type ExportDayStream = Pieces<v1::ExportDayResponse>;

    async fn set_posting_map(
        &self,
        request: Request<v1::SetPostingMapRequest>,
    ) -> Result<Response<v1::SetPostingMapResponse>, Status> {
        let caller = Caller::of(&request)?;
        let command = read_map(&self.0, &caller, request.get_ref())?;
        if !caller.may_act_for(command.bank) {
            return Err(bank_not_yours().into_status());
        }
        let mut commands = self.0.handle.commands(caller.principal);
        commands.set_posting_map(&command);
        let outcome = self.0.carry_out(commands).await?;
        let confirmation = confirmation(&outcome);
        // A map is named by where it was set first, also where the request is repeated.
        let map_id = outcome.repeat_of().unwrap_or(outcome.sequence).0;
        Ok(Response::new(v1::SetPostingMapResponse { confirmation: Some(confirmation), map_id }))
    }

    async fn list_posting_maps(
        &self,
        request: Request<v1::ListPostingMapsRequest>,
    ) -> Result<Response<v1::ListPostingMapsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let (bank, currency, before) = read_list(&caller, request.get_ref())?;
        let readings = &self.0.past.readings;
        let found = read_past(&self.0, readings, caller.principal, move |view, _| {
            let known = view.is_registered(bank);
            Ok((known, view.posting_maps(bank, currency)?))
        });
        let found = found.await?.ok_or_else(|| history_unavailable(NOT_KEPT))?;
        let (is_known, maps) = found.rows;
        if !is_known {
            return Err(not_taken_in(&self.0, bank));
        }
        let maps = maps.iter().rev().filter(|map| before.is_none_or(|before| map.at < before));
        let as_of = Some(as_of(&self.0, &found.watermark));
        let maps = maps.take(MAPS_MAX).map(wire_map).collect();
        Ok(Response::new(v1::ListPostingMapsResponse { maps, as_of }))
    }

    async fn watch(
        &self,
        request: Request<v1::PostingServiceWatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let caller = Caller::of(&request)?;
        let asked = read_watch(&caller, request.get_ref())?;
        let place = self.0.watchers.enter(caller.principal, self.0.limits.watchers_per_caller)?;
        posting_watch::begin(self.0.clone(), caller.principal, asked, place).await.map(Response::new)
    }

    async fn get_totals(
        &self,
        request: Request<v1::GetTotalsRequest>,
    ) -> Result<Response<Self::GetTotalsStream>, Status> {
        let caller = Caller::of(&request)?;
        let asked = read_day(&caller, request.get_ref())?;
        let told = self.tell(caller.principal, asked, move |node, view, day, sender| {
            let (is_over, send) = (day.is_over(), |reply| sender.send(Ok(reply)));
            let counted = |counted_number| v1::GetTotalsResponse { counted_number, totals: None };
            let totals = day.totals(|number| send(counted(number)));
            match totals {
                Ok(None) => Ok(()),
                Ok(Some(totals)) => {
                    let counted_number = totals.number_last;
                    let mut totals = totals_of(&totals, asked);
                    (totals.day_over, totals.as_of) = (is_over, Some(as_of(node, view.watermark())));
                    send(v1::GetTotalsResponse { counted_number, totals: Some(totals) });
                    Ok(())
                }
                Err(fault) => told_fault(fault).map(|status| {
                    sender.send(Err(status));
                }),
            }
        });
        told.await.map(Response::new)
    }

    async fn export_day(
        &self,
        request: Request<v1::ExportDayRequest>,
    ) -> Result<Response<Self::ExportDayStream>, Status> {
        let caller = Caller::of(&request)?;
        let asked = read_export(&caller, request.get_ref())?;
        let told = self.tell(caller.principal, asked, move |node, view, day, sender| {
            if let Some(why) = day.not_over() {
                sender.send(Err(not_now(why)));
                return Ok(());
            }
            let asked = DayAsked { date: Some(day.date()), ..asked };
            let first = v1::ExportDayResponse { file_name: day.file_name(), ..Default::default() };
            let mut output = Output { send: |piece| sender.send(Ok(piece)), waiting: first };
            match day.write(node.handle.lives(), &mut output) {
                Ok(totals) => {
                    let mut totals = totals_of(&totals, asked);
                    (totals.day_over, totals.as_of) = (true, Some(as_of(node, view.watermark())));
                    let last =
                        v1::ExportDayResponse { complete: true, totals: Some(totals), ..output.waiting };
                    (output.send)(last);
                    Ok(())
                }
                // The caller has gone, or was told why it is cut off.
                Err(PostingFault::Write(_)) => Ok(()),
                Err(fault) => told_fault(fault).map(|status| {
                    sender.send(Err(status));
                }),
            }
        });
        told.await.map(Response::new)
    }
}

impl PostingCalls {
    /// Tells of a day of a book, on a thread that may wait.
    async fn tell<Piece: Send + 'static>(
        &self,
        caller: PrincipalNumber,
        asked: DayAsked,
        make: impl FnOnce(&Node, &View, PostingDay<'_>, &super::pieces::PieceSender<Piece>) -> Result<(), Fault>
        + Send
        + 'static,
    ) -> Result<Pieces<Piece>, Status> {
        let DayAsked { bank, currency, date } = asked;
        if let Some(date) = date {
            until_over(&self.0, date, move |view| Days::of_bank(view, bank).map(Some)).await?;
        }
        let node = self.0.clone();
        tell_in_pieces(&self.0, caller, move |view, _, sender| {
            match open_day(&node, view, (bank, currency), date)? {
                Ok(day) => make(&node, view, day, sender),
                Err(refused) => {
                    sender.send(Err(refused));
                    Ok(())
                }
            }
        })
        .await
    }
}

/// A day of a book, the last that is over if none is named; or why there is none.
fn open_day<'view>(
    node: &Node,
    view: &'view View,
    (bank, currency): (Bic, Currency),
    date: Option<Date>,
) -> Result<Result<PostingDay<'view>, Status>, Fault> {
    let book = match open_book(node, view, bank, currency)? {
        Ok(book) => book,
        Err(refused) => return Ok(Err(refused)),
    };
    let Some(date) = date.or_else(|| book.last_day_over()) else {
        return Ok(Err(not_now(reports::NotNow::NoDate)));
    };
    Ok(book.day(date)?.map_err(no_postings))
}

/// The book of a bank that history knows.
pub(super) fn open_book<'view>(
    node: &Node,
    view: &'view View,
    bank: Bic,
    currency: Currency,
) -> Result<Result<PostingBook<'view>, Status>, Fault> {
    if !view.is_registered(bank) {
        return Ok(Err(not_taken_in(node, bank)));
    }
    Ok(PostingBook::new(view, bank, currency)?.map_err(no_postings))
}

fn no_postings(why: NoPostings) -> Status {
    match why {
        NoPostings::NotNow(why) => not_now(why),
        NoPostings::Lacks { upto } => postings_incomplete(upto),
    }
}

/// Why a day could not be told to its end, where that is not history's own fault.
fn told_fault(fault: PostingFault) -> Result<Status, Fault> {
    match fault {
        PostingFault::Store(error) => Err(error.into()),
        fault @ (PostingFault::Write(_)
        | PostingFault::Gap { .. }
        | PostingFault::Uneven
        | PostingFault::Position { .. }) => {
            tracing::error!(%fault, "the postings of a day could not be told");
            Ok(history_unavailable(&fault.to_string()))
        }
    }
}

/// Bytes become pieces.
struct Output<Send> {
    send: Send,
    waiting: v1::ExportDayResponse,
}

/// A piece is no longer.
const PIECE_BYTES: usize = 64 << 10;

impl<Send: FnMut(v1::ExportDayResponse) -> bool> io::Write for Output<Send> {
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
