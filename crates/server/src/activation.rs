//! `ActivationService`: which accounts take part in payments, while banks move here from another system.
//!
//! Invariant: a payment that is not taken for its account is told so as a call that was not done, on every way in.

use client::convert::{FieldReader, Path};
use client::v1;
use client::v1::activation_service_server::ActivationService;
use engine::{Answer, Question};
use ledger::{AccountRange, AccountRangeError, Outcome, RecordWriter, SetActivation, Stage, Verdict};
use tonic::{Request, Response, Status};
use types::{Bic, Iban};

use crate::caller::Caller;
use crate::node::Node;
use crate::participants::ask_participant;
use crate::refusals::{account_not_active, invalid, unanswered};
use crate::values::{confirmation, request_id};

#[derive(Debug)]
pub(crate) struct Activation(pub(crate) Node);

#[tonic::async_trait]
impl ActivationService for Activation {
    async fn set_activation(
        &self,
        request: Request<v1::SetActivationRequest>,
    ) -> Result<Response<v1::SetActivationResponse>, Status> {
        let caller = Caller::of(&request)?;
        let command = read_set(request.get_ref())?;
        let mut commands = self.0.handle.commands(caller.principal);
        commands.set_activation(&command);
        let confirmation = Some(confirmation(&self.0.carry_out(commands).await?));
        Ok(Response::new(v1::SetActivationResponse { confirmation }))
    }

    async fn get_activation(
        &self,
        request: Request<v1::GetActivationRequest>,
    ) -> Result<Response<v1::GetActivationResponse>, Status> {
        let caller = Caller::of(&request)?;
        let (found, _) = ask_participant(&self.0, &caller, &request.get_ref().bic).await?;
        let bank = found.participant.bic();
        let table = self.0.handle.directory().activations().table();
        let activation = match table.is_active_as_a_whole(bank) {
            true => v1::Activation::Active,
            false => v1::Activation::Inactive,
        };
        Ok(Response::new(v1::GetActivationResponse {
            bic: bank.to_string(),
            activation: activation.into(),
            exceptions: table.ranges(bank).map(wire_range).collect(),
            switch_count: table.number(),
        }))
    }
}

fn wire_range(range: &AccountRange) -> v1::AccountRange {
    v1::AccountRange {
        country_code: range.country().to_owned(),
        first_number: range.first().to_owned(),
        last_number: range.last().to_owned(),
    }
}

fn read_set(wire: &v1::SetActivationRequest) -> Result<SetActivation, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let bank = reader.bic(&Path::root("bic"), &wire.bic);
    let range = match &wire.range {
        None => Some(None),
        Some(range) => read_range(&mut reader, range).map(Some),
    };
    let is_active = match wire.activation() {
        v1::Activation::Active => Some(true),
        v1::Activation::Inactive => Some(false),
        v1::Activation::Unspecified => {
            reader.missing(&Path::root("activation"));
            None
        }
    };
    let reason = reader.text(&Path::root("reason"), &wire.reason);
    let command = (|| {
        let (request_id, bank, range) = (request_id?, bank?, range?);
        Some(SetActivation { request_id, bank, range, is_active: is_active?, reason: reason? })
    })();
    reader.finish(command).map_err(invalid)
}

fn read_range(reader: &mut FieldReader, wire: &v1::AccountRange) -> Option<AccountRange> {
    let (first, last) = (&wire.first_number, &wire.last_number);
    let error = match AccountRange::new(&wire.country_code, first, last) {
        Ok(range) => return Some(range),
        Err(error) => error,
    };
    let field = match error {
        AccountRangeError::Country => "country_code",
        AccountRangeError::Length { found, .. } if found == first.len() => "first_number",
        AccountRangeError::Length { .. } | AccountRangeError::Order => "last_number",
        AccountRangeError::Character => "first_number",
    };
    reader.violation(&Path::root("range").field(field), error);
    None
}

/// A payment that was not taken for an account that takes no part.
pub(crate) fn check_taken(outcome: &Outcome) -> Result<(), client::Refusal> {
    match outcome.verdict {
        Verdict::NotActive { stage } => Err(account_not_active(stage)),
        Verdict::Payment { .. }
        | Verdict::Answer { .. }
        | Verdict::Done { .. }
        | Verdict::Refused { .. }
        | Verdict::LegBooked { .. }
        | Verdict::HoldExpired { .. }
        | Verdict::RequestEnded { .. }
        | Verdict::NotExecuted { .. }
        | Verdict::OrderEnded { .. }
        | Verdict::PackageComplete { .. }
        | Verdict::AskAgain => Ok(()),
    }
}

impl Node {
    /// Refuses what is done to accounts that take no part, unless it repeats what was done before.
    pub(crate) async fn check_active(
        &self,
        commands: &RecordWriter,
        stage: Stage,
        accounts: impl Iterator<Item = (Bic, Iban)> + Send,
    ) -> Result<(), Status> {
        let table = self.handle.directory().activations().table();
        let are_active = { accounts }.all(|(bank, iban)| table.is_active(bank, &iban));
        let Some(request) = commands.first_request().filter(|_| !are_active) else { return Ok(()) };
        let asked = self.ask(Question::Request(request)).await?;
        let Answer::Request { is_known } = asked.answer else { return Err(unanswered()) };
        if is_known { Ok(()) } else { Err(account_not_active(stage).into_status()) }
    }
}
