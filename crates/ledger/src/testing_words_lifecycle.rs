//! The words of test scripts about payments that wait for a bank.

use types::{Amount, PrincipalNumber, ReasonCode, Sequence, Text};

use super::{Words, bank, iban, key};
use crate::{
    AccountSelector, Answer, AnswerPayment, DecisionPolicy, DecisionScope, RecordWriter, RequestId,
    SetAccountFlag, SetAccountHolders, SetDecisionPolicy, SetReservationLimit, Silence, Stage, StagePolicy,
};

impl Words<'_> {
    /// `answer T1 C yes`, `answer T1 C no AC04`, `answer T1 A yes debit`.
    pub(crate) fn answer(&mut self, position: &dyn Fn(&str) -> Sequence) -> (RecordWriter, String) {
        let stage = if self.flag("debit") { Stage::Debit } else { Stage::Credit };
        let (payment, bic) = (position(self.word()), bank(self.word()));
        let answer = match self.word() {
            "yes" => Answer::Accept,
            "no" => Answer::Reject(ReasonCode::parse(self.word()).unwrap()),
            word => panic!("neither yes nor no: {word}"),
        };
        let mut writer = RecordWriter::new(key(), PrincipalNumber(1));
        writer.answer(&AnswerPayment { payment, bic, stage, answer });
        (writer, "answer".to_owned())
    }

    /// `hold A1 Anna`.
    pub(super) fn hold(&mut self, request_id: RequestId, writer: &mut RecordWriter) {
        let currency = self.currency();
        let account = AccountSelector { iban: iban(self.word()), currency };
        let holder_names = vec![Text::parse(self.word()).unwrap()];
        writer.set_account_holders(&SetAccountHolders {
            request_id,
            account,
            holder_names,
            identification: None,
            repeats: None,
        });
    }

    pub(super) fn keep_lifecycle(&mut self, verb: &str, request_id: RequestId, writer: &mut RecordWriter) {
        let currency = self.currency();
        let name = self.word();
        match verb {
            "decide" => {
                let silence = if self.flag("accept") { Silence::Accept } else { Silence::Reject };
                let is_debits = self.word() == "debits";
                let scope = match self.word() {
                    "nothing" => DecisionScope::Nothing,
                    "flagged" => DecisionScope::Flagged,
                    "above" => DecisionScope::Above(Amount::parse(self.word(), currency).unwrap()),
                    "all" => DecisionScope::All,
                    word => panic!("not a scope: {word}"),
                };
                let (wish, none) = (StagePolicy { scope, silence }, DecisionPolicy::NONE);
                let policy = match is_debits {
                    true => DecisionPolicy { debits: wish, ..none },
                    false => DecisionPolicy { credits: wish, ..none },
                };
                writer.set_decision_policy(&SetDecisionPolicy { request_id, bic: bank(name), policy });
            }
            "limit" => {
                let unanswered_max = self.word().parse().unwrap();
                let bic = bank(name);
                writer.set_reservation_limit(&SetReservationLimit { request_id, bic, unanswered_max });
            }
            verb => {
                let account = AccountSelector { iban: iban(name), currency };
                let is_flagged = verb == "flag";
                writer.set_account_flag(&SetAccountFlag { request_id, account, is_flagged });
            }
        }
    }
}
