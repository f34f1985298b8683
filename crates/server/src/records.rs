//! `RecordService`: small records that banks' gateways keep in the log.
//!
//! Invariants:
//! - The bytes stand in the log and nowhere else: they are read where the core says that they stand.
//! - A record that is there although its bytes are not any more is told apart from one that is not there.

mod renewal;
mod wire;

pub(crate) use self::renewal::older_than;

use client::v1;
use client::v1::record_service_server::RecordService;
use engine::{Answer, Answered, HOLDS_ASKED_MAX, KeptAsked, KeptFound, Question};
use ledger::{PutRecord, RecordKey, RecordOwner, Refusal, RemoveRecord, Verdict};
use tonic::{Request, Response, Status};
use types::{Bic, Sequence};

use crate::caller::Caller;
use crate::log::texts_left;
use crate::node::Node;
use crate::refusals::{bank_not_yours, record_bytes_gone, refused, unanswered, version_conflict};
use crate::values::confirmation;

#[derive(Debug)]
pub(crate) struct Records(pub(crate) Node);

/// Records on a page if the caller does not say.
const PAGE_USUAL: usize = 100;

#[tonic::async_trait]
impl RecordService for Records {
    async fn put_record(
        &self,
        request: Request<v1::PutRecordRequest>,
    ) -> Result<Response<v1::PutRecordResponse>, Status> {
        let caller = Caller::of(&request)?;
        let command: PutRecord = wire::read_put(&caller, request.get_ref())?;
        check_bank(&caller, command.owner.bank)?;
        let mut commands = self.0.handle.commands(caller.principal);
        commands.put_record(&command);
        let (confirmation, version) = self.decided(commands, &command.owner, &command.key).await?;
        Ok(Response::new(v1::PutRecordResponse { confirmation: Some(confirmation), version }))
    }

    async fn get_record(
        &self,
        request: Request<v1::GetRecordRequest>,
    ) -> Result<Response<v1::GetRecordResponse>, Status> {
        let caller = Caller::of(&request)?;
        let (owner, key) = wire::read_get(&caller, request.get_ref())?;
        check_sees(&caller, owner.bank)?;
        let (found, as_of) = self.one(owner, key).await?;
        let found = found.ok_or_else(|| refused(Refusal::RecordUnknown).into_status())?;
        let content = self.bytes_of(&found).await?;
        let record = Some(v1::Record { content, ..wire::record(&found) });
        Ok(Response::new(v1::GetRecordResponse { record, as_of_sequence: as_of.0 }))
    }

    async fn list_records(
        &self,
        request: Request<v1::ListRecordsRequest>,
    ) -> Result<Response<v1::ListRecordsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let wire::Listed { owner, prefix, after, page_size } = wire::read_list(&caller, request.get_ref())?;
        check_sees(&caller, owner.bank)?;
        let count_max = match page_size {
            0 => PAGE_USUAL,
            size => size.min(HOLDS_ASKED_MAX),
        };
        let asked = KeptAsked::Listed { owner, prefix, after, count_max };
        let Answered { answer, as_of } = self.0.ask(Question::Kept(asked)).await?;
        let Answer::Kept(found) = answer else { return Err(unanswered()) };
        let is_full = found.len() == count_max;
        let last = found.last().filter(|_| is_full);
        Ok(Response::new(v1::ListRecordsResponse {
            records: found.iter().map(wire::record).collect(),
            next_page_token: last.map_or_else(String::new, |last| wire::page_token(last.record.key())),
            as_of_sequence: as_of.sequence.0,
        }))
    }

    async fn remove_record(
        &self,
        request: Request<v1::RemoveRecordRequest>,
    ) -> Result<Response<v1::RemoveRecordResponse>, Status> {
        let caller = Caller::of(&request)?;
        let command: RemoveRecord = wire::read_remove(&caller, request.get_ref())?;
        check_bank(&caller, command.owner.bank)?;
        let mut commands = self.0.handle.commands(caller.principal);
        commands.remove_record(&command);
        let (confirmation, version) = self.decided(commands, &command.owner, &command.key).await?;
        Ok(Response::new(v1::RemoveRecordResponse { confirmation: Some(confirmation), version }))
    }
}

impl Records {
    /// Where a command was decided, and the version that its outcome names, if the ledger carried it out. Where another
    /// version is there, the caller is told which.
    async fn decided(
        &self,
        commands: ledger::RecordWriter,
        owner: &RecordOwner,
        key: &RecordKey,
    ) -> Result<(v1::Confirmation, u64), Status> {
        let outcome = self.0.submit(commands, ())?.await?;
        match outcome.verdict {
            Verdict::Done { subject, .. } => Ok((confirmation(&outcome), subject)),
            Verdict::Refused { refusal: Refusal::VersionConflict, .. } => {
                let there = self.one(*owner, *key).await?.0;
                Err(version_conflict(there.map(|found| found.record.version())))
            }
            Verdict::Refused { refusal, .. } => Err(refused(refusal).into_status()),
            Verdict::Payment { .. }
            | Verdict::Answer { .. }
            | Verdict::LegBooked { .. }
            | Verdict::RequestEnded { .. }
            | Verdict::HoldExpired { .. }
            | Verdict::NotActive { .. }
            | Verdict::NotExecuted { .. }
            | Verdict::OrderEnded { .. }
            | Verdict::PackageComplete { .. }
            | Verdict::AskAgain => Err(unanswered()),
        }
    }

    async fn one(&self, owner: RecordOwner, key: RecordKey) -> Result<(Option<KeptFound>, Sequence), Status> {
        let asked = KeptAsked::One { owner, key };
        let Answered { answer, as_of } = self.0.ask(Question::Kept(asked)).await?;
        let Answer::Kept(mut found) = answer else { return Err(unanswered()) };
        Ok((found.pop(), as_of.sequence))
    }

    async fn bytes_of(&self, found: &KeptFound) -> Result<Vec<u8>, Status> {
        if found.record.length() == 0 {
            return Ok(Vec::new());
        }
        let text = texts_left(&self.0, vec![found.record.stands_at()]).await?.pop().flatten();
        text.map(Vec::from).ok_or_else(record_bytes_gone)
    }
}

fn check_bank(caller: &Caller, bank: Bic) -> Result<(), Status> {
    if caller.may_act_for(bank) { Ok(()) } else { Err(bank_not_yours().into_status()) }
}

fn check_sees(caller: &Caller, bank: Bic) -> Result<(), Status> {
    if caller.may_see(bank) { Ok(()) } else { Err(bank_not_yours().into_status()) }
}
