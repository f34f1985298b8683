//! Writing recalls and the answers to them.

use types::Bic;

use super::RecordWriter;
use crate::{AnswerRecall, Kind, Original, RequestRecall, SetRecallPolicy, layout};

impl RecordWriter {
    /// A settled payment is asked back.
    pub fn request_recall(&mut self, command: &RequestRecall) {
        let text = command.text.encode();
        let mut record = layout::RequestRecall {
            request: self.request(&command.request_id),
            original: stored_original(&command.original),
            reason: *command.reason.code().as_bytes(),
            reserved: [0; 4],
        };
        record.request.body_digest = self.body(Kind::RequestRecall, &record, &text);
        self.push(Kind::RequestRecall, &record, &text);
    }

    /// The payee's bank answers a recall, or its time to do so is over.
    pub fn answer_recall(&mut self, command: &AnswerRecall) {
        let text = command.text.encode();
        let (answer, amount, fee, code) = command.answer.stored();
        let mut record = layout::AnswerRecall {
            request: self.request(&command.request_id),
            recall: command.recall.0.into(),
            payment: command.recalled.payment.0.into(),
            amount: amount.into(),
            fee: fee.into(),
            debtor_account: command.recalled.debtor_account.0.into(),
            creditor_account: command.recalled.creditor_account.0.into(),
            debtor_agent: *command.recalled.debtor_agent.as_bytes(),
            bic: *command.bic.as_bytes(),
            currency: command.recalled.currency.number().into(),
            answer,
            code,
            consent: command.has_consent.into(),
            elsewhere: 0,
            reserved: 0,
        };
        // Where the money goes at the payer's bank is nothing that the caller says.
        record.request.body_digest = self.body(Kind::AnswerRecall, &record, &text);
        record.elsewhere = command.is_elsewhere.into();
        self.push(Kind::AnswerRecall, &record, &text);
    }

    /// A bank says whether its silence about recalls is answered for it.
    pub fn set_recall_policy(&mut self, command: &SetRecallPolicy) {
        let mut record = layout::SetRecallPolicy {
            request: self.request(&command.request_id),
            bic: *command.bic.as_bytes(),
            is_silence_answered: command.is_silence_answered.into(),
            reserved: [0; 4],
        };
        record.request.body_digest = self.body(Kind::SetRecallPolicy, &record, &[]);
        self.push(Kind::SetRecallPolicy, &record, &[]);
    }
}

pub(super) fn stored_original(original: &Original) -> layout::Original {
    let bytes = |bic: Bic| *bic.as_bytes();
    layout::Original {
        payment: original.payment.0.into(),
        incarnation: original.incarnation.0.into(),
        decided_at: original.decided_at.0.into(),
        decided_time: original.decided_time.nanoseconds().into(),
        amount: original.amount.minor_units().into(),
        debtor_account_digest: original.debtor_account.0,
        creditor_account_digest: original.creditor_account.0,
        debtor_agent: bytes(original.debtor_agent),
        creditor_agent: bytes(original.creditor_agent),
        currency: original.currency.number().into(),
        state: original.state.number(),
        reserved: [0; 7],
    }
}
