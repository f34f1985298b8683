//! `LiquidityService`: money in and out of positions.

use client::convert::{FieldReader, Path};
use client::v1;
use client::v1::liquidity_service_server::LiquidityService;
use engine::{Answer, Question};
use ledger::{LiquidityDirection, TransferLiquidity, Verdict};
use tonic::{Request, Response, Status};

use crate::caller::Caller;
use crate::node::Node;
use crate::refusals::{bank_not_yours, invalid, participant_unknown, refused};
use crate::values::{confirmation, decimal, request_id};

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
        let answered = self.0.ask(Question::Position { bic, currency }).await?;
        let Answer::Account(Some((_, account, _))) = answered.answer else {
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
        };
        let as_of_sequence = answered.as_of.sequence.0;
        Ok(Response::new(v1::GetPositionResponse { position: Some(position), as_of_sequence }))
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
        let outcome = self.0.submit(commands, ())?.await?;
        if let Verdict::Refused { refusal, .. } = outcome.verdict {
            return Err(refused(refusal).into_status());
        }
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
