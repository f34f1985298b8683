//! `ParticipantService`: the banks that take part.

use client::convert::{FieldReader, Path};
use client::v1;
use client::v1::participant_service_server::ParticipantService;
use engine::{Answer, Question};
use ledger::{AccountMode, Outcome, ParticipantStatus, RegisterParticipant, SetParticipantStatus, Verdict};
use tonic::{Request, Response, Status};

use crate::caller::Caller;
use crate::node::Node;
use crate::refusals::{invalid, participant_unknown, refused};
use crate::values::{confirmation, request_id};

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
        let outcome = self.0.submit(commands, ())?.await?;
        check(&outcome)?;
        Ok(Response::new(v1::RegisterParticipantResponse { confirmation: Some(confirmation(&outcome)) }))
    }

    async fn get_participant(
        &self,
        request: Request<v1::GetParticipantRequest>,
    ) -> Result<Response<v1::GetParticipantResponse>, Status> {
        Caller::of(&request)?;
        let mut reader = FieldReader::new();
        let bic = reader.bic(&Path::root("bic"), &request.get_ref().bic);
        let bic = reader.finish(bic).map_err(invalid)?;
        let answered = self.0.ask(Question::Participant(bic)).await?;
        let Answer::Participant(Some(found)) = answered.answer else {
            return Err(participant_unknown());
        };
        let found = &found.participant;
        let currency = found.books().next().map_or("", |book| book.currency.code());
        let participant = v1::Participant {
            bic: bic.to_string(),
            name: found.name().to_owned(),
            account_mode: wire_mode(found.mode()).into(),
            currency_code: currency.to_owned(),
            status: wire_status(found.status()).into(),
        };
        let as_of_sequence = answered.as_of.sequence.0;
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
        let outcome = self.0.submit(commands, ())?.await?;
        check(&outcome)?;
        Ok(Response::new(v1::SetParticipantStatusResponse { confirmation: Some(confirmation(&outcome)) }))
    }
}

fn check(outcome: &Outcome) -> Result<(), Status> {
    match outcome.verdict {
        Verdict::Refused { refusal, .. } => Err(refused(refusal).into_status()),
        Verdict::Done { .. } | Verdict::Payment { .. } | Verdict::Answer { .. } => Ok(()),
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
