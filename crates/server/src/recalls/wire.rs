//! Recalls between the contract and the vocabulary.

use client::convert::{FieldReader, Path, money, timestamp};
use client::v1;
use engine::{Handle, RecallFound, RecallStep, RecallTold, RecallsAsked};
use ledger::{Answered, RecallAnswer, RecallText, RequestId, SetRecallPolicy};
use tonic::Status;
use types::{
    Amount, Balance, Bic, Currency, Located, PaymentId, RecallReason, RecallRefusal, Sequence, Text,
};

use super::day;
use crate::caller::Caller;
use crate::refusals::invalid;
use crate::values::{decimal, request_id};

/// A request that asks a payment back.
pub(super) struct Asked {
    pub(super) request_id: RequestId,
    pub(super) payment: Sequence,
    pub(super) reason: RecallReason,
    pub(super) text: RecallText,
}

/// An answer to a recall.
pub(super) struct Said {
    pub(super) request_id: RequestId,
    pub(super) recall: Sequence,
    pub(super) answer: SaidAnswer,
    pub(super) has_consent: bool,
    pub(super) text: RecallText,
}

/// An answer whose currency has yet to be held against the payment's.
pub(super) enum SaidAnswer {
    Return { amount: Amount, currency: Currency, fee: Balance },
    Refuse(RecallRefusal),
}

/// Which work list, and from where.
pub(super) struct Listed {
    pub(super) bank: Bic,
    pub(super) after: Sequence,
    pub(super) page_size: usize,
}

/// So many lines of words may come.
const INFORMATION_MAX: usize = 13;

impl SaidAnswer {
    pub(super) fn of(self, paid: Currency) -> Result<RecallAnswer, Status> {
        match self {
            Self::Refuse(refusal) => Ok(RecallAnswer::Refuse(refusal)),
            Self::Return { amount, currency, fee } if currency == paid => {
                Ok(RecallAnswer::Return { amount, fee })
            }
            Self::Return { .. } => {
                let mut reader = FieldReader::new();
                let path = Path::root("returned");
                reader
                    .violation(&path.field("amount"), "money goes back in the currency in which it was paid");
                Err(invalid(reader.finish::<()>(None).expect_err("a fault was noted")))
            }
        }
    }
}

pub(super) fn read_request(handle: &Handle, wire: &v1::RequestRecallRequest) -> Result<Asked, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let payment = position(&mut reader, handle, "payment_id", &wire.payment_id);
    let reason = code(&wire.reason_code).and_then(RecallReason::from_code);
    if reason.is_none() {
        reader.violation(&Path::root("reason_code"), "one of DUPL, TECH, FRAD, AC03, AM09, CUST");
    }
    let text = read_text(&mut reader, &wire.reference, &wire.originator, &wire.information);
    let asked =
        (|| Some(Asked { request_id: request_id?, payment: payment?, reason: reason?, text: text? }))();
    reader.finish(asked).map_err(invalid)
}

pub(super) fn read_answer(handle: &Handle, wire: &v1::AnswerRecallRequest) -> Result<Said, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let recall = position(&mut reader, handle, "recall_id", &wire.recall_id);
    let answer = read_said(&mut reader, wire.answer.as_ref());
    let text = read_text(&mut reader, &wire.reference, &wire.originator, &wire.information);
    let has_consent = wire.payee_consent;
    let said = (|| {
        Some(Said { request_id: request_id?, recall: recall?, answer: answer?, has_consent, text: text? })
    })();
    reader.finish(said).map_err(invalid)
}

fn read_said(
    reader: &mut FieldReader,
    wire: Option<&v1::answer_recall_request::Answer>,
) -> Option<SaidAnswer> {
    use v1::answer_recall_request::Answer;
    match wire {
        None => {
            reader.missing(&Path::root("answer"));
            None
        }
        Some(Answer::RefusalCode(text)) => {
            let refusal = code(text).and_then(RecallRefusal::from_code);
            if refusal.is_none() {
                let path = Path::root("refusal_code");
                reader.violation(&path, "one of AC04, AM04, ARDT, CUST, LEGL, NOAS, NOOR");
            }
            refusal.map(SaidAnswer::Refuse)
        }
        Some(Answer::Returned(returned)) => {
            let path = Path::root("returned");
            let (amount, currency) = reader.money(&path.field("amount"), returned.amount.as_ref())?;
            let fee = match returned.fee.as_str() {
                "" => Balance::from_minor_units(0),
                fee => reader.optional_balance(&path.field("fee"), fee, currency),
            };
            if fee.is_some_and(|fee| fee.minor_units() < 0) {
                reader.violation(&path.field("fee"), "a fee is not negative");
                return None;
            }
            Some(SaidAnswer::Return { amount, currency, fee: fee? })
        }
    }
}

pub(super) fn read_choice(handle: &Handle, wire: &v1::GetRecallRequest) -> Result<RecallsAsked, Status> {
    use v1::get_recall_request::Choice;
    let mut reader = FieldReader::new();
    let asked = match &wire.choice {
        None => {
            reader.missing(&Path::root("choice"));
            None
        }
        Some(Choice::RecallId(text)) => {
            position(&mut reader, handle, "recall_id", text).map(RecallsAsked::At)
        }
        Some(Choice::PaymentId(text)) => {
            position(&mut reader, handle, "payment_id", text).map(RecallsAsked::OfPayment)
        }
    };
    reader.finish(asked).map_err(invalid)
}

pub(super) fn read_list(
    handle: &Handle,
    caller: &Caller,
    wire: &v1::ListOpenRecallsRequest,
) -> Result<Listed, Status> {
    let mut reader = FieldReader::new();
    let path = Path::root("bic");
    let bank = match wire.bic.as_str() {
        "" => caller.only_bank().or_else(|| {
            reader.missing(&path);
            None
        }),
        text => reader.bic(&path, text),
    };
    let after = match wire.after_recall_id.as_str() {
        "" => Some(Sequence(0)),
        text => position(&mut reader, handle, "after_recall_id", text),
    };
    let page_size = usize::try_from(wire.page_size).unwrap_or(usize::MAX);
    let listed = bank.zip(after).map(|(bank, after)| Listed { bank, after, page_size });
    reader.finish(listed).map_err(invalid)
}

pub(super) fn read_policy(wire: &v1::SetRecallPolicyRequest) -> Result<SetRecallPolicy, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let bic = reader.bic(&Path::root("bic"), &wire.bic);
    let is_silence_answered = wire.answer_silence;
    let command = request_id.zip(bic);
    let command = command.map(|(request_id, bic)| SetRecallPolicy { request_id, bic, is_silence_answered });
    reader.finish(command).map_err(invalid)
}

fn read_text(
    reader: &mut FieldReader,
    reference: &str,
    originator: &str,
    information: &[String],
) -> Option<RecallText> {
    let reference: Option<Text<35>> = reader.identifier(&Path::root("reference"), reference);
    let originator = match originator {
        "" => Some(None),
        text => reader.text(&Path::root("originator"), text).map(Some),
    };
    let path = Path::root("information");
    if information.len() > INFORMATION_MAX {
        reader.violation(&path, "at most 13 lines");
        return None;
    }
    let lines: Vec<Option<Text<105>>> = information.iter().map(|line| reader.text(&path, line)).collect();
    let information: Option<Vec<_>> = lines.into_iter().collect();
    let (originator, information) = (originator?, information?);
    Some(RecallText { reference: reference?, originator, information, settlement_date: None })
}

/// The position that an id of this log names; a position at which nothing stands if it is another log's.
fn position(reader: &mut FieldReader, handle: &Handle, field: &'static str, text: &str) -> Option<Sequence> {
    match PaymentId::parse(text) {
        Ok(id) => Some(match handle.locate(id) {
            Located::At(sequence) => sequence,
            Located::Lost { .. } | Located::Elsewhere => Sequence(u64::MAX),
        }),
        Err(error) => {
            reader.violation(&Path::root(field), error);
            None
        }
    }
}

fn code(text: &str) -> Option<[u8; 4]> {
    text.as_bytes().try_into().ok()
}

/// A recall as the contract has it. What became of the payer's account is told to those alone who may see the payer's
/// bank.
pub(super) fn recall(handle: &Handle, found: &RecallFound, sees_payer: bool) -> v1::Recall {
    let (open, recall) = (open(handle, found), &found.recall);
    match recall.answered() {
        Some(answered) => {
            let answered = Answered { is_elsewhere: answered.is_elsewhere && sees_payer, ..*answered };
            with_answer(open, &answered, recall.currency(), recall.is_late())
        }
        None => open,
    }
}

/// A recall as it stood right after something was said of it. Of one that is not kept any more, an answer does not say
/// all. Who may be told what is as in [`recall`].
pub(crate) fn recall_told(
    handle: &Handle,
    told: &RecallTold,
    kept: Option<&RecallFound>,
    sees_payer: bool,
) -> v1::Recall {
    let known = v1::Recall {
        recall_id: handle.payment_id(told.recall).to_string(),
        payment_id: handle.payment_id(told.payment).to_string(),
        debtor_agent: told.debtor_agent.to_string(),
        creditor_agent: told.creditor_agent.to_string(),
        ..v1::Recall::default()
    };
    match told.step {
        RecallStep::Requested { reason, amount, answer_by } => v1::Recall {
            reason_code: reason.code().to_string(),
            amount: Some(money(amount, told.currency)),
            requested_time: Some(timestamp(told.decided_time)),
            answer_by: day(answer_by),
            state: v1::RecallState::Open.into(),
            ..known
        },
        RecallStep::Answered(answer) => {
            let is_late = kept.is_some_and(|kept| told.decided_time.date() > kept.recall.answer_by());
            let is_elsewhere = told.is_elsewhere && sees_payer;
            let (sequence, time) = (told.decided_at, told.decided_time);
            let answered = Answered { sequence, time, answer, is_elsewhere };
            with_answer(kept.map_or(known, |kept| open(handle, kept)), &answered, told.currency, is_late)
        }
    }
}

/// A recall without its answer.
fn open(handle: &Handle, found: &RecallFound) -> v1::Recall {
    let recall = &found.recall;
    v1::Recall {
        recall_id: handle.payment_id(recall.sequence()).to_string(),
        payment_id: handle.payment_id(recall.payment()).to_string(),
        reason_code: recall.reason().code().to_string(),
        amount: Some(money(recall.amount(), recall.currency())),
        debtor_agent: found.recalled.debtor_agent.to_string(),
        creditor_agent: found.creditor_agent.to_string(),
        requested_time: Some(timestamp(recall.time())),
        answer_by: day(recall.answer_by()),
        state: v1::RecallState::Open.into(),
        ..v1::Recall::default()
    }
}

fn with_answer(open: v1::Recall, answered: &Answered, currency: Currency, late: bool) -> v1::Recall {
    let told = v1::Recall {
        late,
        answered_time: Some(timestamp(answered.time)),
        answered_sequence: answered.sequence.0,
        returned_to_bank: answered.is_elsewhere,
        ..open
    };
    let refused = |state: v1::RecallState, refusal: RecallRefusal| v1::Recall {
        state: state.into(),
        refusal_code: refusal.code().to_string(),
        ..told.clone()
    };
    match answered.answer {
        RecallAnswer::Refuse(refusal) => refused(v1::RecallState::Refused, refusal),
        RecallAnswer::TimeOver(refusal) => refused(v1::RecallState::Unanswered, refusal),
        RecallAnswer::Return { amount, fee } => v1::Recall {
            state: v1::RecallState::Returned.into(),
            returned_amount: Some(money(amount, currency)),
            fee: decimal(fee.minor_units(), currency),
            ..told
        },
    }
}
