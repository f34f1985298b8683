//! The steps of positions, the calendar and recalls as the ledger's records.

use ledger::{
    AnswerRecall, BlockTarget, Bounds, OwnedAccount, PartyLimit, RecallText, RecordWriter, RequestId,
    RequestRecall, RollBusinessDate, SetBlock, SetClosingDays, SetPositionAlert, SetReachableParty,
    SetRecallPolicy, TransferOwnFunds,
};
use types::{AccountNumber, Amount, Balance, Incarnation, Text};

use super::{AccountSelector, bic, currency, digest_key, iban};
use crate::step::{Original, Recalled, Request, Target};

const IN_RANGE: &str = "steps have amounts in range";

/// Appends the record of a request that is about one of them.
pub(super) fn write(writer: &mut RecordWriter, request_id: RequestId, body: &Request) {
    match *body {
        Request::SetBounds { bank, currency: number, bounds } => {
            let [floor, ceiling] =
                bounds.map(|bound| bound.map(|it| Balance::from_minor_units(it).expect(IN_RANGE)));
            let bounds = Bounds::new(floor, ceiling).expect("steps have a floor below the ceiling");
            let (bic, currency) = (bic(bank), currency(number));
            writer.set_position_alert(&SetPositionAlert { request_id, bic, currency, bounds });
        }
        Request::SetParty { bank, mode, host, currency: number, limit } => {
            let limit = match limit {
                None => PartyLimit::Unlimited,
                Some(0) => PartyLimit::ZERO,
                Some(limit) => PartyLimit::upto(amount(limit)),
            };
            writer.set_reachable_party(&SetReachableParty {
                request_id,
                bic: bic(bank),
                name: Text::parse("A simulated party").expect("plain letters"),
                mode,
                host: bic(host),
                currency: currency(number),
                limit,
            });
        }
        Request::SetBlock { target, blocks } => {
            let target = match target {
                Target::Bank(bank) => BlockTarget::Participant(bic(bank)),
                Target::Position(bank, number) => BlockTarget::Position(bic(bank), currency(number)),
                Target::Limit(bank, number) => BlockTarget::PartyLimit(bic(bank), currency(number)),
                Target::Account(account, number) => {
                    BlockTarget::Account(AccountSelector { iban: iban(account), currency: currency(number) })
                }
            };
            writer.set_block(&SetBlock { request_id, target, blocks });
        }
        Request::MoveOwn { from, to, currency: number, amount: minor } => {
            let owned = |(bank, account)| OwnedAccount { bic: bic(bank), account };
            writer.transfer_own_funds(&TransferOwnFunds {
                request_id,
                from: owned(from),
                to: owned(to),
                amount: amount(minor),
                currency: currency(number),
                reference: Text::parse("OWN").expect("plain letters"),
            });
        }
        Request::SetClosingDays(closing_days) => {
            writer.set_closing_days(&SetClosingDays { request_id, closing_days });
        }
        Request::Roll { date, due } => {
            writer.roll_business_date(&RollBusinessDate { request_id, date, due });
        }
        Request::Recall { original, reason } => {
            let (original, text) = (self::original(&original), text());
            writer.request_recall(&RequestRecall { request_id, original, reason, text });
        }
        Request::AnswerRecall { recall, recalled, bank, answer, has_consent, is_elsewhere } => {
            writer.answer_recall(&AnswerRecall {
                request_id,
                recall,
                recalled: told(&recalled),
                bic: bic(bank),
                answer,
                has_consent,
                is_elsewhere,
                text: text(),
            });
        }
        Request::SetRecallPolicy { bank, is_silence_answered } => {
            let bic = bic(bank);
            writer.set_recall_policy(&SetRecallPolicy { request_id, bic, is_silence_answered });
        }
        Request::Register { .. }
        | Request::SetBankStatus { .. }
        | Request::Open { .. }
        | Request::SetAccountStatus { .. }
        | Request::SetFloor { .. }
        | Request::Post { .. }
        | Request::Move { .. }
        | Request::SetPolicy { .. }
        | Request::SetFlag { .. }
        | Request::SetHolders { .. }
        | Request::SetVersion { .. }
        | Request::SetActivation { .. }
        | Request::Allow { .. }
        | Request::Restrict { .. }
        | Request::SetFees { .. }
        | Request::SetZone { .. }
        | Request::SetLimit { .. }
        | Request::Exception(_)
        | Request::Place { .. }
        | Request::Capture { .. }
        | Request::Release { .. }
        | Request::Put { .. }
        | Request::Remove { .. }
        | Request::SetMap { .. }
        | Request::OpenPackage { .. }
        | Request::ClosePackage { .. }
        | Request::PlaceOrder(_)
        | Request::ChangeOrder { .. }
        | Request::Cancel { .. }
        | Request::AskToPay(_)
        | Request::PresentToPay { .. }
        | Request::AcceptToPay { .. }
        | Request::RefuseToPay { .. }
        | Request::TakeBackToPay { .. } => unreachable!("other requests are written elsewhere"),
    }
}

fn amount(minor_units: i64) -> Amount {
    Amount::from_minor_units(minor_units).expect(IN_RANGE)
}

fn text() -> RecallText {
    let reference = Text::parse("REFERENCE").expect("plain letters");
    RecallText { reference, originator: None, information: Vec::new(), settlement_date: None }
}

/// A payment as its banks have read it.
pub(super) fn original(original: &Original) -> ledger::Original {
    let ([debtor_agent, creditor_agent], [debtor, creditor]) = (original.banks.map(bic), original.accounts);
    let digest = |account| digest_key().iban(iban(account).as_str());
    ledger::Original {
        payment: original.payment,
        incarnation: Incarnation(original.incarnation),
        state: original.state,
        decided_at: original.decided_at,
        decided_time: original.decided_time,
        amount: amount(original.amount),
        currency: currency(original.currency),
        debtor_agent,
        creditor_agent,
        debtor_account: digest(debtor),
        creditor_account: digest(creditor),
    }
}

fn told(recalled: &Recalled) -> ledger::Recalled {
    let [debtor_account, creditor_account] = recalled.accounts.map(AccountNumber);
    ledger::Recalled {
        payment: recalled.payment,
        debtor_agent: bic(recalled.debtor_bank),
        debtor_account,
        creditor_account,
        currency: currency(recalled.currency),
    }
}
