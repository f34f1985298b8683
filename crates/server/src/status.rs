//! `NodeService`: what a node says about itself.

use client::convert::{FieldReader, Path, timestamp};
use client::v1;
use client::v1::node_service_server::NodeService;
use engine::{Answer, FollowerView, Question, Stage, StageTimes};
use ledger::{AnswerEffect, AnswerTotals, RULES_VERSION, SetVersion};
use tonic::{Request, Response, Status};

use crate::caller::Caller;
use crate::keys;
use crate::node::Node;
use crate::refusals::{invalid, version_unknown};
use crate::values::{confirmation, request_id};

#[derive(Debug)]
pub(crate) struct NodeStatus(pub(crate) Node);

#[tonic::async_trait]
impl NodeService for NodeStatus {
    async fn get_node_status(
        &self,
        request: Request<v1::GetNodeStatusRequest>,
    ) -> Result<Response<v1::GetNodeStatusResponse>, Status> {
        Caller::of(&request)?;
        let status = self.0.handle.status();
        let (open_reservation_count, answers) = self.lifecycle().await;
        Ok(Response::new(v1::GetNodeStatusResponse {
            ready: status.not_ready.is_none(),
            not_ready_description: status.not_ready.map_or_else(String::new, |reason| reason.to_string()),
            late_confirmation_count: status.late_confirmations,
            stages: self.0.handle.stage_times().into_iter().map(stage_times).collect(),
            open_reservation_count,
            answers,
            connected_banks: self.0.sessions.connected().iter().map(ToString::to_string).collect(),
            recovery: None,
            follower: Some(follower(&self.0.handle.follower())),
            rules_version: self.0.handle.rules_version(),
            rules_version_known: RULES_VERSION,
            parallel: self.0.handle.is_parallel(),
        }))
    }

    async fn set_rules_version(
        &self,
        request: Request<v1::SetRulesVersionRequest>,
    ) -> Result<Response<v1::SetRulesVersionResponse>, Status> {
        let caller = Caller::of(&request)?;
        let command = read_set_version(request.get_ref())?;
        let mut commands = self.0.handle.commands(caller.principal);
        commands.set_version(&command);
        let confirmation = Some(confirmation(&self.0.carry_out(commands).await?));
        Ok(Response::new(v1::SetRulesVersionResponse { confirmation }))
    }

    async fn erase_personal_data(
        &self,
        request: Request<v1::ErasePersonalDataRequest>,
    ) -> Result<Response<v1::ErasePersonalDataResponse>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(keys::erase(&self.0, &caller, request.get_ref()).await?))
    }

    async fn rotate_master_key(
        &self,
        request: Request<v1::RotateMasterKeyRequest>,
    ) -> Result<Response<v1::RotateMasterKeyResponse>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(keys::rotate(&self.0, &caller).await?))
    }
}

impl NodeStatus {
    /// Payments that wait, and what came of answers. A node that takes no questions has other troubles to tell of.
    async fn lifecycle(&self) -> (u64, Option<v1::AnswerCounts>) {
        match self.0.ask(Question::Lifecycle).await.map(|answered| answered.answer) {
            Ok(Answer::Lifecycle { reservations, answers }) => {
                (u64::try_from(reservations).expect("64 bits"), Some(answer_counts(&answers)))
            }
            _ => (0, None),
        }
    }
}

fn follower(view: &FollowerView) -> v1::Follower {
    v1::Follower {
        applied_sequence: view.applied.0,
        lag_sequence_count: view.lag,
        lag_milliseconds: u64::try_from(view.lag_time.nanoseconds() / 1_000_000).unwrap_or(0),
        snapshot: view.snapshot.map(|snapshot| v1::Snapshot {
            number: snapshot.number,
            sequence: snapshot.sequence.0,
            time: Some(timestamp(snapshot.time)),
        }),
        is_writing_snapshot: view.is_writing,
        log_byte_count_since_snapshot: view.bytes_since_snapshot,
        archived_segment_count: view.archived_segments,
        is_slowing: view.slows,
    }
}

/// A version that this node does not know is refused here: in the log, nobody could read on.
fn read_set_version(wire: &v1::SetRulesVersionRequest) -> Result<SetVersion, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    if wire.version == 0 {
        reader.missing(&Path::root("version"));
    }
    let request_id = reader.finish(request_id).map_err(invalid)?;
    SetVersion::new(request_id, wire.version).ok_or_else(|| version_unknown().into_status())
}

fn answer_counts(totals: &AnswerTotals) -> v1::AnswerCounts {
    v1::AnswerCounts {
        applied: totals.of(AnswerEffect::Applied),
        late: totals.of(AnswerEffect::Late),
        double: totals.of(AnswerEffect::Double),
        contrary: totals.of(AnswerEffect::Contrary),
        not_asked: totals.of(AnswerEffect::NotAsked),
        payment_unknown: totals.of(AnswerEffect::PaymentUnknown),
    }
}

fn stage_times((stage, times): (Stage, StageTimes)) -> v1::StageTimes {
    let stage = match stage {
        Stage::SealWait => v1::Stage::SealWait,
        Stage::Flush => v1::Stage::Flush,
        Stage::WakeUp => v1::Stage::WakeUp,
        Stage::Apply => v1::Stage::Apply,
    };
    v1::StageTimes {
        stage: stage.into(),
        count: times.count,
        median_nanoseconds: times.median,
        percentile_99_nanoseconds: times.percentile_99,
        percentile_999_nanoseconds: times.percentile_99_9,
        maximum_nanoseconds: times.maximum,
    }
}
