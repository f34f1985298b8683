//! Liquidity in documents: camt.050 moves own funds, camt.025 says what became of that, and camt.004 tells that a bound
//! was crossed.
//!
//! Accounts of the settlement book are named like this, in 17 characters, here and in their statements: `P` for a position, `T` for a technical account
//! and `L` for a reachable party's limit; country and currency; the bank's BIC with 11 characters.

use engine::{Answer, LiquidityAnswer, Question};
use iso20022::{
    AlertBound, AlertSubject, BalanceAlert, LiquidityTransfer, MessageKind, Receipt, write_camt004,
    write_camt025,
};
use ledger::{
    About, Alerts, Crossing, OwnAccount, OwnedAccount, Refusal, RequestId, TransferOwnFunds, Verdict,
};
use reports::{POSITION, TECHNICAL, settlement_account_name as account_name};
use tonic::Status;
use types::{Balance, Bic, Currency, Date, Duration, ReasonCode, StatusReason, Text};

use super::desk::{Desk, Incoming, Reply};
use super::keep::{keep, sent};
use super::outgoing::{Dress, Outgoing};
use crate::log::ask;
use crate::node::Node;
use crate::refusals::bank_not_yours;
use crate::rights::right_to;
use crate::session::Crossed;

const LIMIT: char = 'L';

/// So long the same order gets the same status.
const REMEMBERED: Duration = Duration::from_seconds(5 * 24 * 3600);

/// The position or technical account with this name, in euro. `None` if there can be none.
fn own_account(name: &str) -> Option<OwnedAccount> {
    let account = match name.chars().next()? {
        POSITION => OwnAccount::Position,
        TECHNICAL => OwnAccount::Technical,
        _ => return None,
    };
    let bic = Bic::parse(name.get(6..17)?).ok()?;
    let letter = name.chars().next()?;
    let is_its_name = account_name(letter, bic, Currency::EUR).as_str() == name;
    is_its_name.then_some(OwnedAccount { bic, account })
}

/// The command that a document asks for, or why there is none.
fn command(transfer: &LiquidityTransfer) -> Result<TransferOwnFunds, StatusReason> {
    let reference = transfer.end_to_end_id.as_str();
    let reference: Text<35> =
        Text::parse_identifier(reference).map_err(|_| StatusReason::InvalidFileFormat)?;
    let account = |name: &Text<34>, owner: Option<Bic>, reason| {
        let named = own_account(name.as_str()).ok_or(reason)?;
        let is_owners = owner.is_none_or(|owner| owner == named.bic);
        if is_owners { Ok(named) } else { Err(reason) }
    };
    let from = account(&transfer.debtor_account, transfer.debtor, StatusReason::InvalidDebtorAccountNumber)?;
    let to = account(&transfer.creditor_account, transfer.creditor, StatusReason::IncorrectAccountNumber)?;
    // The sender's reference names the request: a document that comes again repeats it. Each bank has its own.
    let request_id = RequestId::parse(&format!("camt.050/{}/{}", from.bic, reference.as_str()));
    let request_id = request_id.ok_or(StatusReason::InvalidFileFormat)?;
    let (amount, currency) = (transfer.amount, Currency::EUR);
    Ok(TransferOwnFunds { request_id, from, to, amount, currency, reference })
}

/// The status that a receipt gives: settled, or why not.
fn status_of(verdict: &Verdict, from: OwnedAccount, is_registered: bool) -> (ReasonCode, Option<Text<140>>) {
    let Verdict::Refused { refusal, .. } = verdict else { return (settled(), None) };
    // Of a bank that is registered only the position can be missing; of one that is not, the account to debit is first.
    let missing = |is_debited| match is_debited {
        true => StatusReason::InvalidDebtorAccountNumber,
        false => StatusReason::IncorrectAccountNumber,
    };
    let reasons = [
        (Refusal::InsufficientFunds, StatusReason::InsufficientFunds),
        (Refusal::PairNotAllowed, StatusReason::TransactionForbidden),
        (Refusal::PositionBlocked, StatusReason::BlockedAccount),
        (Refusal::PositionUnknown, missing(from.account == OwnAccount::Position)),
        (Refusal::ParticipantUnknown, missing(!is_registered)),
        (Refusal::RequestIdReused, StatusReason::Duplication),
        (Refusal::BalanceLimit, StatusReason::NotAllowedAmount),
    ];
    let known = reasons.into_iter().find(|(known, _)| known == refusal);
    let reason = known.map_or(StatusReason::NotSpecified, |(_, reason)| reason);
    (reason.code(), Text::parse(refusal.meaning()).ok())
}

/// What a receipt says where the money has moved.
fn settled() -> ReasonCode {
    ReasonCode::parse("SSET").expect("four capital letters")
}

impl Desk {
    /// Moves own funds as a camt.050 says, and answers with a camt.025.
    pub(super) async fn move_liquidity(
        &self,
        incoming: &Incoming<'_>,
        transfer: &LiquidityTransfer,
    ) -> Result<Reply, Status> {
        // A document is no way round the rights: not everybody who sends payments for a bank moves its money.
        let right = right_to("/solvo.v1.LiquidityService/TransferOwnFunds").expect("the table has each call");
        if !right.roles.meets(self.caller.roles) {
            return Err(Status::permission_denied("no role of the caller's may move own funds"));
        }
        let command = match command(transfer) {
            Ok(command) => command,
            Err(reason) => {
                let description = Text::parse(reason.meaning()).ok();
                return Ok(self.receipt(incoming, transfer, reason.code(), description).into());
            }
        };
        if !self.caller.may_act_for(command.from.bic) {
            return Err(bank_not_yours().into_status());
        }
        if let Some(date) = transfer.settlement_date
            && !self.may_move_for(date).await?
        {
            let description =
                Text::parse("LqdtyCdtTrf/SttlmDt lies ahead, or days back; send it on its day").ok();
            return Ok(self
                .receipt(incoming, transfer, StatusReason::InvalidDate.code(), description)
                .into());
        }
        let mut commands = self.node.handle.commands(self.caller.principal);
        commands.transfer_own_funds(&command);
        commands.evidence(&incoming.kept(About::NoPayment));
        let outcome = self.node.submit(commands, ())?.await?;
        let is_registered = self.node.handle.directory().participant(command.from.bic).is_some();
        let (status, description) = status_of(&outcome.verdict, command.from, is_registered);
        let receipt = self.receipt(incoming, transfer, status, description);
        keep(&self.node, &self.caller, &[sent(&receipt, About::NoPayment, incoming.sender)]);
        Ok(receipt.into())
    }

    /// Whether own funds may move now by an order for this day: they move at once or not at all, so an order for a day to
    /// come is none for today. One for a day just past may have been carried out, and come again for its status.
    async fn may_move_for(&self, date: Date) -> Result<bool, Status> {
        let dates = self.settlement_dates().await?;
        let earliest = self.node.handle.now().minus(REMEMBERED).date();
        Ok(date >= earliest && dates.into_iter().any(|latest| date <= latest))
    }

    fn receipt(
        &self,
        incoming: &Incoming<'_>,
        transfer: &LiquidityTransfer,
        status: ReasonCode,
        description: Option<Text<140>>,
    ) -> Outgoing {
        let (id, now) = (transfer.message_id.clone(), self.node.handle.now());
        let receipt = Receipt::of(transfer, id.clone(), now, status, description);
        incoming.dress.finish(MessageKind::Receipt, write_camt025(&receipt), id, now, false)
    }
}

/// The notice that a bound was crossed. The log tells that it was, and a position's balance; what the bound is, and what
/// is left of a limit, is told as it stands now. `None` for a currency of which no document can be made.
pub(super) async fn alert(node: &Node, dress: Dress, crossed: &Crossed) -> Result<Option<Outgoing>, Status> {
    let Crossed { crossing, is_repeat } = *crossed;
    let Crossing { bank, currency, alert, balance, decided_time, .. } = crossing;
    if currency != Currency::EUR {
        return Ok(None);
    }
    let answered = ask(node, Question::Liquidity { bic: bank, currency }).await?;
    let Answer::Liquidity(Some(LiquidityAnswer { bounds, party, .. })) = answered.answer else {
        return Ok(None);
    };
    let is_floor = [Alerts::POSITION_FELL, Alerts::HEADROOM_FELL].contains(&alert);
    let (subject, letter) = match balance {
        Some(_) => (AlertSubject::Account, POSITION),
        None => (AlertSubject::Headroom, LIMIT),
    };
    let headroom = || party.and_then(|(party, _)| party.headroom()).unwrap_or_default();
    let available = balance.unwrap_or_else(headroom);
    let threshold = if is_floor { bounds.floor() } else { bounds.ceiling() };
    let within = |minor_units| Balance::from_minor_units(minor_units).unwrap_or_default();
    let place = Alerts::EACH.iter().position(|known| *known == alert).unwrap_or_default();
    let id = format!("{}-A{place}", node.handle.payment_id(crossing.decided_at));
    let message_id: Text<35> = Text::parse(&id).expect("a payment id has 31 characters");
    let notice = BalanceAlert {
        message_id: message_id.clone(),
        created_at: Some(decided_time),
        bound: if is_floor { AlertBound::Floor } else { AlertBound::Ceiling },
        subject,
        account: account_name(letter, bank, currency),
        available: within(available),
        // A bound that has been taken away since is not known any more.
        threshold: within(threshold.unwrap_or(available)),
    };
    let xml = write_camt004(&notice);
    Ok(Some(dress.finish(MessageKind::BalanceAlert, xml, message_id, decided_time, is_repeat)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_have_one_name() {
        let bank = Bic::parse("ALFABEBB").unwrap();
        let name = account_name(TECHNICAL, bank, Currency::EUR);
        assert_eq!(name.as_str(), "TBEEURALFABEBBXXX");
        let found = own_account(name.as_str()).unwrap();
        assert_eq!((found.bic, found.account), (bank, OwnAccount::Technical));
        for other in
            ["", "T", "XBEEURALFABEBBXXX", "TDEEURALFABEBBXXX", "TBEUSDALFABEBBXXX", "TBEEURALFABEBB"]
        {
            assert!(own_account(other).is_none(), "{other}");
        }
    }
}
