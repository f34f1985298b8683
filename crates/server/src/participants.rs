//! `ParticipantService`: the banks that take part.

use client::convert::{FieldReader, Path};
use client::v1;
use engine::{Answer, ParticipantAnswer, Question};
use ledger::{
    AccountMode, ParticipantStatus, RegisterParticipant, SetParticipantStatus, SetReservationLimit,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};
use types::{Currency, Sequence};

use crate::caller::Caller;
use crate::connect::connect;
use crate::node::Node;
use crate::parallel::check_may_tell;
use crate::policy::{read_set_policy, wire_policy};
use crate::refusals::{bank_not_yours, invalid, participant_unknown};
use crate::values::{confirmation, request_id, wire_block};
use crate::wire::service::participant_service_server::ParticipantService;
use crate::wire::{ConnectReply, Encoded};

/// What the core knows of a participant, and as of which position, if the caller may see it.
pub(crate) async fn ask_participant(
    node: &Node,
    caller: &Caller,
    bic: &str,
) -> Result<(Box<ParticipantAnswer>, Sequence), Status> {
    let mut reader = FieldReader::new();
    let bic = reader.bic(&Path::root("bic"), bic);
    let bic = reader.finish(bic).map_err(invalid)?;
    if !caller.may_see(bic) {
        return Err(bank_not_yours().into_status());
    }
    let answered = node.ask(Question::Participant(bic)).await?;
    let Answer::Participant(Some(found)) = answered.answer else {
        return Err(participant_unknown());
    };
    Ok((found, answered.as_of.sequence))
}

#[derive(Debug)]
pub(crate) struct Participants(pub(crate) Node);

#[tonic::async_trait]
impl ParticipantService for Participants {
    async fn register_participant(
        &self,
        request: Request<v1::RegisterParticipantRequest>,
    ) -> Result<Response<v1::RegisterParticipantResponse>, Status> {
        let caller = Caller::of(&request)?;
        let command = read_register(request.get_ref())?;
        let mut commands = self.0.handle.commands(caller.principal);
        commands.register_participant(&command);
        let outcome = self.0.carry_out(commands).await?;
        Ok(Response::new(v1::RegisterParticipantResponse { confirmation: Some(confirmation(&outcome)) }))
    }

    async fn get_participant(
        &self,
        request: Request<v1::GetParticipantRequest>,
    ) -> Result<Response<v1::GetParticipantResponse>, Status> {
        let caller = Caller::of(&request)?;
        let (found, as_of) = ask_participant(&self.0, &caller, &request.get_ref().bic).await?;
        let ParticipantAnswer { participant: found, unanswered } = *found;
        let currency = found.books().next().map(|book| book.currency);
        let participant = v1::Participant {
            bic: found.bic().to_string(),
            name: found.name().to_owned(),
            account_mode: wire_mode(found.mode()).into(),
            currency_code: currency.map_or_else(String::new, |currency| currency.code().to_owned()),
            status: wire_status(found.status()).into(),
            decision_policy: currency.and_then(|currency| wire_policy(found.policy(), currency)),
            unanswered_max: found.unanswered_max(),
            unanswered,
            block: wire_block(found.blocks()).into(),
        };
        let as_of_sequence = as_of.0;
        Ok(Response::new(v1::GetParticipantResponse { participant: Some(participant), as_of_sequence }))
    }

    async fn set_participant_status(
        &self,
        request: Request<v1::SetParticipantStatusRequest>,
    ) -> Result<Response<v1::SetParticipantStatusResponse>, Status> {
        let caller = Caller::of(&request)?;
        let command = read_set_status(request.get_ref())?;
        let mut commands = self.0.handle.commands(caller.principal);
        commands.set_participant_status(&command);
        let outcome = self.0.carry_out(commands).await?;
        Ok(Response::new(v1::SetParticipantStatusResponse { confirmation: Some(confirmation(&outcome)) }))
    }

    async fn set_decision_policy(
        &self,
        request: Request<v1::SetDecisionPolicyRequest>,
    ) -> Result<Response<v1::SetDecisionPolicyResponse>, Status> {
        let caller = Caller::of(&request)?;
        let wire = request.get_ref();
        let currency = self.currency_of(wire).await?;
        let command = read_set_policy(wire, currency)?;
        let mut commands = self.0.handle.commands(caller.principal);
        commands.set_decision_policy(&command);
        let outcome = self.0.carry_out(commands).await?;
        Ok(Response::new(v1::SetDecisionPolicyResponse { confirmation: Some(confirmation(&outcome)) }))
    }

    async fn set_reservation_limit(
        &self,
        request: Request<v1::SetReservationLimitRequest>,
    ) -> Result<Response<v1::SetReservationLimitResponse>, Status> {
        let caller = Caller::of(&request)?;
        let command = read_set_limit(request.get_ref())?;
        let mut commands = self.0.handle.commands(caller.principal);
        commands.set_reservation_limit(&command);
        let outcome = self.0.carry_out(commands).await?;
        Ok(Response::new(v1::SetReservationLimitResponse { confirmation: Some(confirmation(&outcome)) }))
    }

    type ConnectStream = ReceiverStream<Result<ConnectReply, Status>>;

    async fn connect(
        &self,
        request: Request<Streaming<Encoded>>,
    ) -> Result<Response<Self::ConnectStream>, Status> {
        let caller = Caller::of(&request)?;
        check_may_tell(&self.0)?;
        Ok(Response::new(connect(&self.0, caller, request.into_inner())))
    }
}

impl Participants {
    /// The currency of a participant's position, in which amounts of its policy stand. A participant that is not known
    /// is refused by the ledger, which remembers the request.
    async fn currency_of(&self, wire: &v1::SetDecisionPolicyRequest) -> Result<Currency, Status> {
        let Some(bic) = FieldReader::new().bic(&Path::root("bic"), &wire.bic) else {
            return Ok(Currency::EUR);
        };
        let answered = self.0.ask(Question::Participant(bic)).await?;
        let Answer::Participant(Some(found)) = answered.answer else { return Ok(Currency::EUR) };
        Ok(found.participant.books().next().map_or(Currency::EUR, |book| book.currency))
    }
}

fn read_register(wire: &v1::RegisterParticipantRequest) -> Result<RegisterParticipant, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let bic = reader.bic(&Path::root("bic"), &wire.bic);
    let name = reader.text(&Path::root("name"), &wire.name);
    let mode = match wire.account_mode() {
        v1::AccountMode::Hosted => Some(AccountMode::Hosted),
        v1::AccountMode::Remote => Some(AccountMode::Remote),
        v1::AccountMode::Mixed => Some(AccountMode::Mixed),
        v1::AccountMode::Unspecified => {
            reader.missing(&Path::root("account_mode"));
            None
        }
    };
    let currency = reader.currency(&Path::root("currency_code"), &wire.currency_code);
    let command = (|| {
        let (request_id, bic, name) = (request_id?, bic?, name?);
        Some(RegisterParticipant { request_id, bic, name, mode: mode?, currency: currency? })
    })();
    reader.finish(command).map_err(invalid)
}

fn read_set_status(wire: &v1::SetParticipantStatusRequest) -> Result<SetParticipantStatus, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let bic = reader.bic(&Path::root("bic"), &wire.bic);
    let status = match wire.status() {
        v1::ParticipantStatus::Active => Some(ParticipantStatus::Active),
        v1::ParticipantStatus::Suspended => Some(ParticipantStatus::Suspended),
        v1::ParticipantStatus::Unspecified => {
            reader.missing(&Path::root("status"));
            None
        }
    };
    let command = (|| Some(SetParticipantStatus { request_id: request_id?, bic: bic?, status: status? }))();
    reader.finish(command).map_err(invalid)
}

fn read_set_limit(wire: &v1::SetReservationLimitRequest) -> Result<SetReservationLimit, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let bic = reader.bic(&Path::root("bic"), &wire.bic);
    let unanswered_max = wire.unanswered_max;
    if unanswered_max > UNANSWERED_MAX {
        reader.violation(&Path::root("unanswered_max"), format_args!("at most {UNANSWERED_MAX}"));
    }
    let command = (|| Some(SetReservationLimit { request_id: request_id?, bic: bic?, unanswered_max }))();
    reader.finish(command).map_err(invalid)
}

/// The most questions that a bank may be allowed to have unanswered.
const UNANSWERED_MAX: u32 = 1_000_000;

const fn wire_mode(mode: AccountMode) -> v1::AccountMode {
    match mode {
        AccountMode::Hosted => v1::AccountMode::Hosted,
        AccountMode::Remote => v1::AccountMode::Remote,
        AccountMode::Mixed => v1::AccountMode::Mixed,
    }
}

const fn wire_status(status: ParticipantStatus) -> v1::ParticipantStatus {
    match status {
        ParticipantStatus::Active => v1::ParticipantStatus::Active,
        ParticipantStatus::Suspended => v1::ParticipantStatus::Suspended,
    }
}
