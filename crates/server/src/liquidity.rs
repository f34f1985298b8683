//! `LiquidityService`: money in and out of positions, and what stands beside them.

mod values;

use client::convert::{FieldReader, Path};
use client::v1;
use client::v1::liquidity_service_server::LiquidityService;
use engine::{Answer, LiquidityAnswer, Question};
use ledger::{LiquidityDirection, TransferLiquidity};
use tonic::{Request, Response, Status};

use crate::caller::Caller;
use crate::node::Node;
use crate::refusals::{bank_not_yours, invalid, participant_unknown, refused};
use crate::values::{confirmation, decimal, request_id, wire_block};

use self::values::{read_alert, read_block, read_own_funds, read_party, wire_bounds, wire_party};

#[derive(Debug)]
pub(crate) struct Liquidity(pub(crate) Node);

#[tonic::async_trait]
impl LiquidityService for Liquidity {
    async fn fund(&self, request: Request<v1::FundRequest>) -> Result<Response<v1::FundResponse>, Status> {
        let caller = Caller::of(&request)?;
        let wire = request.into_inner();
        let fields = Fields {
            request_id: &wire.request_id,
            bic: &wire.bic,
            amount: wire.amount.as_ref(),
            external_reference: &wire.external_reference,
        };
        let (confirmation, balance) = self.transfer(caller, LiquidityDirection::Fund, fields).await?;
        Ok(Response::new(v1::FundResponse { confirmation: Some(confirmation), balance }))
    }

    async fn defund(
        &self,
        request: Request<v1::DefundRequest>,
    ) -> Result<Response<v1::DefundResponse>, Status> {
        let caller = Caller::of(&request)?;
        let wire = request.into_inner();
        let fields = Fields {
            request_id: &wire.request_id,
            bic: &wire.bic,
            amount: wire.amount.as_ref(),
            external_reference: &wire.external_reference,
        };
        let (confirmation, balance) = self.transfer(caller, LiquidityDirection::Defund, fields).await?;
        Ok(Response::new(v1::DefundResponse { confirmation: Some(confirmation), balance }))
    }

    async fn get_position(
        &self,
        request: Request<v1::GetPositionRequest>,
    ) -> Result<Response<v1::GetPositionResponse>, Status> {
        let caller = Caller::of(&request)?;
        let wire = request.get_ref();
        let mut reader = FieldReader::new();
        let bic = reader.bic(&Path::root("bic"), &wire.bic);
        let currency = reader.currency(&Path::root("currency_code"), &wire.currency_code);
        let (bic, currency) = reader.finish(bic.zip(currency)).map_err(invalid)?;
        if !caller.may_see(bic) {
            return Err(bank_not_yours().into_status());
        }
        let answered = self.0.ask(Question::Liquidity { bic, currency }).await?;
        let Answer::Liquidity(Some(LiquidityAnswer { position: Some(account), technical, bounds, .. })) =
            answered.answer
        else {
            return Err(match self.0.handle.directory().participant(bic) {
                Some(_) => refused(ledger::Refusal::PositionUnknown).into_status(),
                None => participant_unknown(),
            });
        };
        let position = v1::Position {
            bic: bic.to_string(),
            currency_code: currency.code().to_owned(),
            balance: decimal(account.balance(), currency),
            reserved: decimal(account.reserved(), currency),
            available: decimal(account.available(), currency),
            technical_balance: technical
                .map_or_else(String::new, |account| decimal(account.balance(), currency)),
            alert: wire_bounds(bounds, currency),
            block: wire_block(account.blocks()).into(),
        };
        let as_of_sequence = answered.as_of.sequence.0;
        Ok(Response::new(v1::GetPositionResponse { position: Some(position), as_of_sequence }))
    }

    async fn transfer_own_funds(
        &self,
        request: Request<v1::TransferOwnFundsRequest>,
    ) -> Result<Response<v1::TransferOwnFundsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let command = read_own_funds(request.get_ref())?;
        // The other side is for the ledger to refuse.
        if !caller.may_act_for(command.from.bic) {
            return Err(bank_not_yours().into_status());
        }
        let mut commands = self.0.handle.commands(caller.principal);
        commands.transfer_own_funds(&command);
        let outcome = self.0.carry_out(commands).await?;
        let [position, technical, ..] = outcome.balances;
        Ok(Response::new(v1::TransferOwnFundsResponse {
            confirmation: Some(confirmation(&outcome)),
            position_balance: decimal(position, command.currency),
            technical_balance: decimal(technical, command.currency),
        }))
    }

    async fn set_position_alert(
        &self,
        request: Request<v1::SetPositionAlertRequest>,
    ) -> Result<Response<v1::SetPositionAlertResponse>, Status> {
        let caller = Caller::of(&request)?;
        let command = read_alert(request.get_ref())?;
        if !caller.may_act_for(command.bic) {
            return Err(bank_not_yours().into_status());
        }
        let mut commands = self.0.handle.commands(caller.principal);
        commands.set_position_alert(&command);
        let confirmation = Some(confirmation(&self.0.carry_out(commands).await?));
        Ok(Response::new(v1::SetPositionAlertResponse { confirmation }))
    }

    async fn set_reachable_party(
        &self,
        request: Request<v1::SetReachablePartyRequest>,
    ) -> Result<Response<v1::SetReachablePartyResponse>, Status> {
        let caller = Caller::of(&request)?;
        let command = read_party(request.get_ref())?;
        let mut commands = self.0.handle.commands(caller.principal);
        commands.set_reachable_party(&command);
        let confirmation = Some(confirmation(&self.0.carry_out(commands).await?));
        Ok(Response::new(v1::SetReachablePartyResponse { confirmation }))
    }

    async fn get_reachable_party(
        &self,
        request: Request<v1::GetReachablePartyRequest>,
    ) -> Result<Response<v1::GetReachablePartyResponse>, Status> {
        let caller = Caller::of(&request)?;
        let wire = request.get_ref();
        let mut reader = FieldReader::new();
        let bic = reader.bic(&Path::root("bic"), &wire.bic);
        let currency = reader.currency(&Path::root("currency_code"), &wire.currency_code);
        let (bic, currency) = reader.finish(bic.zip(currency)).map_err(invalid)?;
        let answered = self.0.ask(Question::Liquidity { bic, currency }).await?;
        let found = if let Answer::Liquidity(Some(found)) = answered.answer { found.party } else { None };
        let host = found.map(|(_, host)| host);
        if !caller.may_see(bic) && !host.is_some_and(|host| caller.may_see(host)) {
            return Err(bank_not_yours().into_status());
        }
        let Some((party, host)) = found else {
            return Err(match self.0.handle.directory().participant(bic) {
                Some(_) => refused(ledger::Refusal::LimitUnknown).into_status(),
                None => participant_unknown(),
            });
        };
        let as_of_sequence = answered.as_of.sequence.0;
        let party = Some(wire_party(&party, bic, host));
        Ok(Response::new(v1::GetReachablePartyResponse { party, as_of_sequence }))
    }

    async fn set_block(
        &self,
        request: Request<v1::SetBlockRequest>,
    ) -> Result<Response<v1::SetBlockResponse>, Status> {
        let caller = Caller::of(&request)?;
        let command = read_block(request.get_ref())?;
        let mut commands = self.0.handle.commands(caller.principal);
        commands.set_block(&command);
        let confirmation = Some(confirmation(&self.0.carry_out(commands).await?));
        Ok(Response::new(v1::SetBlockResponse { confirmation }))
    }
}

/// What funding and defunding have in common.
struct Fields<'wire> {
    request_id: &'wire str,
    bic: &'wire str,
    amount: Option<&'wire v1::Money>,
    external_reference: &'wire str,
}

impl Liquidity {
    async fn transfer(
        &self,
        caller: Caller,
        direction: LiquidityDirection,
        fields: Fields<'_>,
    ) -> Result<(v1::Confirmation, String), Status> {
        let command = read_transfer(direction, &fields)?;
        let mut commands = self.0.handle.commands(caller.principal);
        commands.transfer_liquidity(&command);
        let outcome = self.0.carry_out(commands).await?;
        Ok((confirmation(&outcome), decimal(outcome.balances[0], command.currency)))
    }
}

fn read_transfer(direction: LiquidityDirection, wire: &Fields<'_>) -> Result<TransferLiquidity, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, wire.request_id);
    let bic = reader.bic(&Path::root("bic"), wire.bic);
    let money = reader.money(&Path::root("amount"), wire.amount);
    let external_reference = reader.identifier(&Path::root("external_reference"), wire.external_reference);
    let command = (|| {
        let (amount, currency) = money?;
        let (request_id, bic, external_reference) = (request_id?, bic?, external_reference?);
        Some(TransferLiquidity { request_id, bic, direction, amount, currency, external_reference })
    })();
    reader.finish(command).map_err(invalid)
}
