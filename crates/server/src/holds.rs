//! `HoldService`: money of customers' accounts that is set aside, paid out, and given back.
//!
//! Invariants:
//! - Whoever asks about the accounts of other banks learns nothing, not even whether there is one.
//! - Where accounts are is said by the core and the directory, never by callers; the core checks it again.

mod wire;

use client::v1;
use client::v1::hold_service_server::HoldService;
use engine::{Answer, Answered, HOLDS_ASKED_MAX, HoldFound, HoldsAsked, Question};
use ledger::{CaptureHold, HoldLeg, HoldText, Refusal, ReleaseHold, Stage};
use tonic::{Request, Response, Status};
use types::{Currency, Sequence};

use crate::caller::Caller;
use crate::log::texts_left;
use crate::node::Node;
use crate::refusals::{bank_not_yours, refused, unanswered};
use crate::values::{confirmation, decimal};

#[derive(Debug)]
pub(crate) struct Holds(pub(crate) Node);

/// Holds on a page if the caller does not say.
const PAGE_USUAL: usize = 100;

#[tonic::async_trait]
impl HoldService for Holds {
    async fn hold(&self, request: Request<v1::HoldRequest>) -> Result<Response<v1::HoldResponse>, Status> {
        let caller = Caller::of(&request)?;
        let wanted = wire::read_hold(request.get_ref())?;
        let account = wanted.account;
        let (_, bank) = self.0.place_of(account.iban, account.currency).await?.ok_or_else(account_unknown)?;
        if !caller.may_act_for(bank) {
            return Err(account_unknown());
        }
        let mut commands = self.0.handle.commands(caller.principal);
        commands.place_hold(&wanted.at(bank));
        self.0.check_active(&commands, Stage::Debit, std::iter::once((bank, account.iban))).await?;
        let outcome = self.0.carry_out(commands).await?;
        let hold = outcome.repeat_of().unwrap_or(outcome.sequence);
        Ok(Response::new(v1::HoldResponse {
            confirmation: Some(confirmation(&outcome)),
            hold_id: self.0.handle.payment_id(hold).to_string(),
            held_on_account: decimal(outcome.balances[1], account.currency),
        }))
    }

    async fn capture(
        &self,
        request: Request<v1::CaptureRequest>,
    ) -> Result<Response<v1::CaptureResponse>, Status> {
        let caller = Caller::of(&request)?;
        let wire::Captured { request_id, bank, hold, legs, is_final } =
            wire::read_capture(&self.0.handle, &caller, request.get_ref())?;
        if !caller.may_act_for(bank) {
            return Err(bank_not_yours().into_status());
        }
        let found = self.one(hold).await?.0.filter(|found| found.bank == bank);
        // What an unknown hold would be in is not known either; a repeat is answered all the same.
        let currency = found
            .map_or_else(|| legs.first().map_or(Currency::EUR, |leg| leg.currency), |found| found.currency);
        let mut placed = Vec::with_capacity(legs.len());
        for (index, leg) in legs.into_iter().enumerate() {
            leg.check_currency(index, currency)?;
            let kept_at = self.0.place_of(leg.iban, currency).await?;
            let wire::Leg { iban, amount, reference, remittance, .. } = leg;
            placed.push(HoldLeg { iban, kept_at, amount, reference, remittance });
        }
        let kept = |leg: &HoldLeg| leg.kept_at.map(|(_, bank)| (bank, leg.iban));
        let payees: Vec<_> = placed.iter().filter_map(kept).collect();
        let mut commands = self.0.handle.commands(caller.principal);
        commands.capture_hold(&CaptureHold {
            request_id,
            bank,
            hold,
            held_on: found.map(|found| (found.hold.account(), found.currency)),
            legs: placed,
            is_final,
        });
        self.0.check_active(&commands, Stage::Credit, payees.into_iter()).await?;
        let outcome = self.0.carry_out(commands).await?;
        let held = decimal(outcome.balances[1], currency);
        Ok(Response::new(v1::CaptureResponse { confirmation: Some(confirmation(&outcome)), held }))
    }

    async fn release(
        &self,
        request: Request<v1::ReleaseRequest>,
    ) -> Result<Response<v1::ReleaseResponse>, Status> {
        let caller = Caller::of(&request)?;
        let wire::Released { request_id, bank, hold, money } =
            wire::read_release(&self.0.handle, &caller, request.get_ref())?;
        if !caller.may_act_for(bank) {
            return Err(bank_not_yours().into_status());
        }
        let found = self.one(hold).await?.0.filter(|found| found.bank == bank);
        let currency = found.map(|found| found.currency).or(money.map(|(_, currency)| currency));
        let currency = currency.unwrap_or(Currency::EUR);
        wire::check_money(money, currency)?;
        let amount = money.map(|(amount, _)| amount);
        let mut commands = self.0.handle.commands(caller.principal);
        commands.release_hold(&ReleaseHold { request_id, bank, hold, amount });
        let outcome = self.0.carry_out(commands).await?;
        let held = decimal(outcome.balances[1], currency);
        Ok(Response::new(v1::ReleaseResponse { confirmation: Some(confirmation(&outcome)), held }))
    }

    async fn get_hold(
        &self,
        request: Request<v1::GetHoldRequest>,
    ) -> Result<Response<v1::GetHoldResponse>, Status> {
        let caller = Caller::of(&request)?;
        let hold = wire::read_id(&self.0.handle, "hold_id", &request.get_ref().hold_id)?;
        let (found, as_of) = self.one(hold).await?;
        let found = found.filter(|found| caller.may_see(found.bank));
        let found = found.ok_or_else(|| refused(Refusal::HoldUnknown).into_status())?;
        let hold = self.told(vec![found]).await?.pop();
        Ok(Response::new(v1::GetHoldResponse { hold, as_of_sequence: as_of.0 }))
    }

    async fn list_holds(
        &self,
        request: Request<v1::ListHoldsRequest>,
    ) -> Result<Response<v1::ListHoldsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let wire::Listed { iban, currency, after, page_size } =
            wire::read_list(&self.0.handle, request.get_ref())?;
        let account = self.0.place_of(iban, currency).await?;
        if !account.is_some_and(|(_, bank)| caller.may_see(bank)) {
            return Err(account_unknown());
        }
        let count_max = match page_size {
            0 => PAGE_USUAL,
            size => size.min(HOLDS_ASKED_MAX),
        };
        let asked = HoldsAsked::OfAccount { iban, currency, after, count_max };
        let Answered { answer, as_of } = self.0.ask(Question::Holds(asked)).await?;
        let Answer::Holds(found) = answer else { return Err(unanswered()) };
        let holds = self.told(found).await?;
        Ok(Response::new(v1::ListHoldsResponse { holds, as_of_sequence: as_of.sequence.0 }))
    }
}

impl Holds {
    /// The open hold at a position, if there is one, and the position of the answer.
    async fn one(&self, hold: Sequence) -> Result<(Option<HoldFound>, Sequence), Status> {
        let Answered { answer, as_of } = self.0.ask(Question::Holds(HoldsAsked::At(hold))).await?;
        let Answer::Holds(mut found) = answer else { return Err(unanswered()) };
        Ok((found.pop(), as_of.sequence))
    }

    /// Holds with their texts, which stand in the log.
    async fn told(&self, found: Vec<HoldFound>) -> Result<Vec<v1::AccountHold>, Status> {
        let positions = found.iter().map(|found| found.hold.sequence()).collect();
        let texts = texts_left(&self.0, positions).await?;
        let told = found.iter().zip(texts).map(|(found, text)| {
            let text = text.and_then(|text| HoldText::decode(&text).ok());
            wire::hold(&self.0.handle, found, text)
        });
        Ok(told.collect())
    }
}

fn account_unknown() -> Status {
    refused(Refusal::AccountUnknown).into_status()
}
