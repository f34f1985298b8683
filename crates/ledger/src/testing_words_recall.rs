//! The words of test scripts about the calendar and recalls.

use types::{
    AccountNumber, Amount, Balance, ClosingDays, Date, Incarnation, PaymentState, PrincipalNumber,
    RecallReason, RecallRefusal, Sequence, Text, Timestamp,
};

use super::{Words, bank, iban, key, span, start};
use crate::{
    AnswerRecall, Original, RecallAnswer, RecallText, Recalled, RecordWriter, RequestId, RequestRecall,
    RollBusinessDate, SetClosingDays, SetRecallPolicy,
};

/// What became of a payment: its state, and position and time of the decision.
pub(crate) type Fate = (PaymentState, Sequence, Timestamp);

fn text() -> RecallText {
    RecallText {
        reference: Text::parse("REF-1").unwrap(),
        originator: None,
        information: Vec::new(),
        settlement_date: None,
    }
}

fn code(word: &str) -> [u8; 4] {
    word.as_bytes().try_into().unwrap()
}

impl Words<'_> {
    fn request_id(&mut self, count: usize) -> (RequestId, String) {
        let id = self.option("id").map_or_else(|| format!("request-{count}"), str::to_owned);
        (RequestId::parse(&id).unwrap(), id)
    }

    /// `closing 2026`, `closing 2026 and 2026-01-12`, `roll 2026-01-06 due 5s`, `silence C answered`.
    pub(crate) fn calendar(&mut self, verb: &str, count: usize, now: Timestamp) -> (RecordWriter, String) {
        let (request_id, id) = self.request_id(count);
        let mut writer = RecordWriter::new(key(), PrincipalNumber(1));
        match verb {
            "closing" => {
                let also = self.option("and").map(|day| Date::parse(day).unwrap());
                let target = ClosingDays::target(self.word().parse().unwrap()).unwrap();
                let closing_days = also.map_or(target, |day| target.with(day).unwrap());
                writer.set_closing_days(&SetClosingDays { request_id, closing_days });
            }
            "roll" => {
                let due = self.option("due").map_or(now, |due| start().plus(span(due)));
                let date = Date::parse(self.word()).unwrap();
                writer.roll_business_date(&RollBusinessDate { request_id, date, due });
            }
            _ => {
                let bic = bank(self.word());
                let is_silence_answered = self.word() == "answered";
                writer.set_recall_policy(&SetRecallPolicy { request_id, bic, is_silence_answered });
            }
        }
        (writer, id)
    }

    /// `recall T1 A1 B1 1.00 DUPL id R1`.
    pub(crate) fn recall(
        &mut self,
        count: usize,
        position: &dyn Fn(&str) -> Sequence,
        fate: &dyn Fn(Sequence) -> Fate,
    ) -> (RecordWriter, String) {
        let (request_id, id) = self.request_id(count);
        let original = self.told_original(position, fate);
        let reason = RecallReason::from_code(code(self.word())).unwrap();
        let mut writer = RecordWriter::new(key(), PrincipalNumber(1));
        writer.request_recall(&RequestRecall { request_id, original, reason, text: text() });
        (writer, id)
    }

    /// `T1 A1 B1 1.00`: a payment as an edge has read it.
    pub(crate) fn told_original(
        &mut self,
        position: &dyn Fn(&str) -> Sequence,
        fate: &dyn Fn(Sequence) -> Fate,
    ) -> Original {
        let currency = self.currency();
        let life = self.option("life").map_or(7, |life| life.parse().unwrap());
        let (from, to) = (self.option("from"), self.option("to"));
        let payment = position(self.word());
        let (payer, payee) = (self.word(), self.word());
        let (state, decided_at, decided_time) = fate(payment);
        Original {
            payment,
            incarnation: Incarnation(life),
            state,
            decided_at,
            decided_time,
            amount: Amount::parse(self.word(), currency).unwrap(),
            currency,
            debtor_agent: bank(from.unwrap_or(&payer[..1])),
            creditor_agent: bank(to.unwrap_or(&payee[..1])),
            debtor_account: key().iban(iban(payer).as_str()),
            creditor_account: key().iban(iban(payee).as_str()),
        }
    }

    /// `return R1 T1 B 1.00 fee 0.10 consent elsewhere`, `keep R1 T1 B CUST`, `over R1 T1 B NOAS`.
    pub(crate) fn answer_recall(
        &mut self,
        verb: &str,
        count: usize,
        position: &dyn Fn(&str) -> Sequence,
        recalled: &dyn Fn(Sequence) -> Option<Recalled>,
    ) -> (RecordWriter, String) {
        let (request_id, id) = self.request_id(count);
        let currency = self.currency();
        let (has_consent, is_elsewhere) = (self.flag("consent"), self.flag("elsewhere"));
        // What is said of the payment is not what the core knows.
        let is_wrong = self.flag("wrong");
        let fee = self.option("fee").map_or(0, super::minor_units);
        let (recall, payment, bic) = (position(self.word()), position(self.word()), bank(self.word()));
        // No record says that a recall stands before its payment.
        let payment = payment.min(Sequence(recall.0 - 1));
        let known = recalled(recall).unwrap_or(Recalled {
            payment,
            debtor_agent: bank("A"),
            debtor_account: AccountNumber(0),
            creditor_account: AccountNumber(0),
            currency,
        });
        let word = self.word();
        let answer = match verb {
            "return" => RecallAnswer::Return {
                amount: Amount::parse(word, currency).unwrap(),
                fee: Balance::from_minor_units(fee).unwrap(),
            },
            "keep" => RecallAnswer::Refuse(RecallRefusal::from_code(code(word)).unwrap()),
            _ => RecallAnswer::TimeOver(RecallRefusal::from_code(code(word)).unwrap()),
        };
        let text = text();
        let mut writer = RecordWriter::new(key(), PrincipalNumber(1));
        writer.answer_recall(&AnswerRecall {
            request_id,
            recall,
            recalled: if is_wrong { Recalled { payment, ..known } } else { known },
            bic,
            answer,
            has_consent,
            is_elsewhere,
            text,
        });
        (writer, id)
    }
}
