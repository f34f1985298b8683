//! Writing the commands of payments that another bank decides, and what the engine adds to a payment when it seals.

use zerocopy::FromBytes;

use super::RecordWriter;
use crate::{
    Answer, AnswerPayment, Connected, Kind, SetAccountFlag, SetDecisionPolicy, SetReservationLimit, Stage,
    layout,
};

impl RecordWriter {
    /// A bank answers the question about a payment.
    pub fn answer(&mut self, command: &AnswerPayment) {
        let record = layout::Answer {
            payment: command.payment.0.into(),
            bic: *command.bic.as_bytes(),
            stage: command.stage.number(),
            code: match command.answer {
                Answer::Accept => [0; 4],
                Answer::Reject(reason) => *reason.as_bytes(),
            },
            evidence_upto: 0.into(),
            reserved: [0; 16],
        };
        self.push(Kind::Answer, &record, &[]);
    }

    /// A bank says about which payments it wants to decide.
    pub fn set_decision_policy(&mut self, command: &SetDecisionPolicy) {
        let (debits, credits) = (command.policy.debits, command.policy.credits);
        let (debit_scope, debit_above) = debits.scope.stored();
        let (credit_scope, credit_above) = credits.scope.stored();
        let mut record = layout::SetDecisionPolicy {
            request: self.request(&command.request_id),
            bic: *command.bic.as_bytes(),
            debit_scope,
            debit_silence: debits.silence.number(),
            credit_scope,
            credit_silence: credits.silence.number(),
            reserved: 0,
            debit_above: debit_above.into(),
            credit_above: credit_above.into(),
        };
        record.request.body_digest = self.body(Kind::SetDecisionPolicy, &record, &[]);
        self.push(Kind::SetDecisionPolicy, &record, &[]);
    }

    /// An account is flagged, or not any more.
    pub fn set_account_flag(&mut self, command: &SetAccountFlag) {
        let mut record = layout::SetAccountFlag {
            request: self.request(&command.request_id),
            iban_digest: self.key.iban(command.account.iban.as_str()).0,
            currency: command.account.currency.number().into(),
            is_flagged: command.is_flagged.into(),
            reserved: [0; 5],
        };
        record.request.body_digest = self.body(Kind::SetAccountFlag, &record, &[]);
        self.push(Kind::SetAccountFlag, &record, &[]);
    }

    /// How many questions a bank may have unanswered.
    pub fn set_reservation_limit(&mut self, command: &SetReservationLimit) {
        let mut record = layout::SetReservationLimit {
            request: self.request(&command.request_id),
            bic: *command.bic.as_bytes(),
            reserved: 0,
            unanswered_max: command.unanswered_max.into(),
        };
        record.request.body_digest = self.body(Kind::SetReservationLimit, &record, &[]);
        self.push(Kind::SetReservationLimit, &record, &[]);
    }

    /// Marks the record written last, as [`mark_connected`] does.
    pub fn mark_last_connected(&mut self, is_connected: impl Fn(&[u8; 11]) -> bool) {
        let length = self.split().last().map_or(0, <[u8]>::len);
        let start = self.records.len() - length;
        mark_connected(&mut self.records[start..], |_, bic| is_connected(bic));
    }
}

/// Writes into the record of a payment which of its banks are connected at this moment, the payer's for questions
/// about debits and the payee's for those about credits; other records stay as they
/// are. The engine does this when it seals a frame, because what decides must stand in the log.
///
/// A payment neither of whose banks is connected stays in version 1, and keeps logs readable for the programs before.
pub fn mark_connected(record: &mut [u8], is_connected: impl Fn(Stage, &[u8; 11]) -> bool) {
    let Ok((header, structure)) = layout::Header::mut_from_prefix(record) else { return };
    if header.kind.get() != Kind::Payment.number() {
        return;
    }
    let Ok((payment, _)) = layout::Payment::mut_from_prefix(structure) else { return };
    let connected = Connected {
        debtor: is_connected(Stage::Debit, &payment.key.debtor_agent),
        creditor: is_connected(Stage::Credit, &payment.creditor_agent),
    };
    if connected == Connected::default() {
        return;
    }
    // A later version has these flags as well.
    header.version = header.version.get().max(layout::PAYMENT_VERSION_CONNECTED).into();
    payment.set_connected(connected);
}

/// The same for records that stand one after the other, as the engine has them when it seals a frame.
///
/// # Panics
/// If they are not records that a [`RecordWriter`] wrote.
pub fn mark_each_connected(mut records: &mut [u8], is_connected: impl Fn(Stage, &[u8; 11]) -> bool) {
    while !records.is_empty() {
        let (header, _) = layout::Header::ref_from_prefix(records).expect("a record has a header");
        let length = usize::try_from(header.length.get()).expect("records are small");
        let (record, behind) = records.split_at_mut(length);
        mark_connected(record, &is_connected);
        records = behind;
    }
}

impl layout::Payment {
    fn set_connected(&mut self, connected: Connected) {
        let bit = |is_set, bit| if is_set { bit } else { 0 };
        let creditor = bit(connected.creditor, layout::PAYMENT_CONNECTED);
        let debtor = bit(connected.debtor, layout::PAYMENT_DEBTOR_CONNECTED);
        self.flags = (self.flags.get() & layout::PAYMENT_STAMPED | creditor | debtor).into();
    }

    /// Which of its banks were connected when its frame was sealed.
    pub const fn connected(&self) -> Connected {
        let flags = self.flags.get();
        Connected {
            debtor: flags & layout::PAYMENT_DEBTOR_CONNECTED != 0,
            creditor: flags & layout::PAYMENT_CONNECTED != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use types::{AccountNumber, Channel, PrincipalNumber};

    use super::*;
    use crate::testing_words::{bank, iban, key, order, start};
    use crate::{Command, Records};

    fn payment() -> RecordWriter {
        let mut order = order("T1", iban("A1"), iban("C1"));
        order.creditor_agent = bank("C");
        order.acceptance_time = None;
        let mut writer = RecordWriter::new(key(), PrincipalNumber(1));
        writer.payment(&order, start(), Channel::Grpc, |_, _| AccountNumber(0));
        writer
    }

    #[test]
    fn connections_are_told_and_nothing_else_changes() {
        let before = payment();
        for online in ["A", "C"] {
            let mut writer = payment();
            writer.mark_last_connected(|bic| bic == bank(online).as_bytes());
            let record = Records::erased(writer.records()).next().unwrap().unwrap();
            let Command::Payment(marked) = record.command else { panic!("a payment") };
            let expected = Connected { debtor: online == "A", creditor: online == "C" };
            assert_eq!(marked.connected(), expected);
            assert_eq!(marked.flags.get() & layout::PAYMENT_STAMPED, layout::PAYMENT_STAMPED);
            let changed = before.records().iter().zip(writer.records()).filter(|(left, right)| left != right);
            assert_eq!(changed.count(), 2, "the version and the flags");
        }
    }

    #[test]
    fn records_one_behind_the_other_are_marked_each_by_its_banks() {
        let mut all = payment().records().to_vec();
        let mut answer = RecordWriter::new(key(), PrincipalNumber(1));
        let payment_at = types::Sequence(7);
        let (bic, stage) = (bank("C"), crate::Stage::Credit);
        answer.answer(&AnswerPayment { payment: payment_at, bic, stage, answer: Answer::Accept });
        all.extend_from_slice(answer.records());
        all.extend_from_slice(payment().records());
        mark_each_connected(&mut all, |_, bic| bic == bank("C").as_bytes());
        let mut one = payment();
        one.mark_last_connected(|bic| bic == bank("C").as_bytes());
        assert_eq!(all, [one.records(), answer.records(), one.records()].concat());
    }

    #[test]
    fn what_is_not_connected_stays_in_version_1() {
        let mut writer = payment();
        writer.mark_last_connected(|_| false);
        assert_eq!(writer.records(), payment().records());
        let answer = AnswerPayment {
            payment: types::Sequence(7),
            bic: bank("C"),
            stage: crate::Stage::Credit,
            answer: Answer::Accept,
        };
        writer.answer(&answer);
        let before = writer.records().to_vec();
        writer.mark_last_connected(|_| true);
        assert_eq!(writer.records(), before, "only payments are marked");
    }
}
