//! Recalls as they stand in a stored state.

use std::io;

use types::{AccountNumber, Amount, Currency, Date, ParticipantNumber, RecallReason, Sequence, Timestamp};
use zerocopy::FromZeros;

use super::{Answered, Recall, Recalls};
use crate::accounts::Accounts;
use crate::limits::{RECALLS_MAX, ROOM_BEYOND};
use crate::participants::Participants;
use crate::recall::RETURNED;
use crate::sections::{Impossible, SectionReader, SectionWriter, StateError, holds, value, zero};
use crate::state_layout::{self, RECALL_POLICIES, RECALLS};
use crate::{Account, Position, RecallAnswer, layout};

impl Recall {
    fn to_state(self) -> state_layout::Recall {
        let answer = self.answered.map(|answered| answered.answer.stored());
        let (number, returned, fee, code) = answer.unwrap_or((0, 0, 0, [0; 4]));
        state_layout::Recall {
            sequence: self.sequence.0.into(),
            time: self.time.nanoseconds().into(),
            payment: self.payment.0.into(),
            amount: self.amount.minor_units().into(),
            answered_at: self.answered.map_or(0, |answered| answered.sequence.0).into(),
            answered_time: self.answered.map_or(0, |answered| answered.time.nanoseconds()).into(),
            returned: returned.into(),
            fee: fee.into(),
            debtor_bank: self.debtor_bank.0.into(),
            creditor_bank: self.creditor_bank.0.into(),
            debtor_account: self.debtor_account.0.into(),
            creditor_account: self.creditor_account.0.into(),
            answer_by: self.answer_by.days().into(),
            reason: *self.reason.code().as_bytes(),
            code,
            currency: self.currency.number().into(),
            answer: number,
            elsewhere: self.answered.is_some_and(|answered| answered.is_elsewhere).into(),
            reserved: [0; 8],
        }
    }

    fn from_state(stored: &state_layout::Recall, last: Position) -> Result<Self, Impossible> {
        zero(&stored.reserved)?;
        let time = value(Timestamp::from_nanoseconds(stored.time.get()), "time")?;
        let sequence = Sequence(stored.sequence.get());
        holds(sequence <= last.sequence && stored.payment < stored.sequence, "sequence")?;
        holds(time <= last.time, "time")?;
        let amount = value(Amount::from_minor_units(stored.amount.get()), "amount")?;
        Ok(Self {
            sequence,
            time,
            payment: Sequence(stored.payment.get()),
            amount,
            currency: value(Currency::from_number(stored.currency.get()).ok(), "currency")?,
            reason: value(RecallReason::from_code(stored.reason), "reason")?,
            debtor_bank: ParticipantNumber(stored.debtor_bank.get()),
            creditor_bank: ParticipantNumber(stored.creditor_bank.get()),
            debtor_account: AccountNumber(stored.debtor_account.get()),
            creditor_account: AccountNumber(stored.creditor_account.get()),
            answer_by: value(Date::from_days(stored.answer_by.get()), "answer_by")?,
            answered: answered(stored, sequence, time, amount, last)?,
        })
    }
}

fn answered(
    stored: &state_layout::Recall,
    recall: Sequence,
    requested: Timestamp,
    paid: Amount,
    last: Position,
) -> Result<Option<Answered>, Impossible> {
    if stored.answer == 0 {
        let is_empty = stored.answered_at.get() == 0
            && stored.answered_time.get() == 0
            && stored.returned.get() == 0
            && stored.fee.get() == 0
            && stored.code == [0; 4]
            && stored.elsewhere == 0;
        return holds(is_empty, "answer").map(|()| None);
    }
    let mut record = layout::AnswerRecall::new_zeroed();
    (record.amount, record.fee) = (stored.returned, stored.fee);
    (record.answer, record.code) = (stored.answer, stored.code);
    let answer = value(RecallAnswer::from_stored(&record), "answer")?;
    if let RecallAnswer::Return { amount, fee } = answer {
        let given = amount.minor_units() + fee.minor_units();
        holds(given <= paid.minor_units(), "returned")?;
    }
    // Only an account that is kept here can be one that takes no bookings.
    let may_be_elsewhere = stored.answer == RETURNED && stored.debtor_account.get() != 0;
    holds(stored.elsewhere <= u8::from(may_be_elsewhere), "elsewhere")?;
    let sequence = Sequence(stored.answered_at.get());
    let time = value(Timestamp::from_nanoseconds(stored.answered_time.get()), "answered_time")?;
    holds(sequence > recall && sequence <= last.sequence, "answered_at")?;
    holds(time >= requested && time <= last.time, "answered_time")?;
    Ok(Some(Answered { sequence, time, answer, is_elsewhere: stored.elsewhere == 1 }))
}

impl Recalls {
    pub(crate) fn write_state(&self, writer: &mut SectionWriter<'_>) -> io::Result<()> {
        writer.section(RECALLS, self.count(), self.iter().map(|recall| recall.to_state()))
    }

    pub(crate) fn write_policies(&self, writer: &mut SectionWriter<'_>) -> io::Result<()> {
        let policies = self
            .answered_for
            .iter()
            .map(|bank| state_layout::RecallPolicy { bank: bank.0.into(), reserved: [0; 4] });
        writer.section(RECALL_POLICIES, self.answered_for.len(), policies)
    }

    pub(crate) fn policy_count(&self) -> usize {
        self.answered_for.len()
    }

    /// Reads recalls as of a position, between banks and accounts that have been read.
    pub(crate) fn read_state(
        reader: &mut SectionReader<'_>,
        last: Position,
        participants: &Participants,
        accounts: &Accounts,
    ) -> Result<Self, StateError> {
        let is_side = |bank: ParticipantNumber, account: AccountNumber, currency: Currency| {
            let is_its = |account: &Account| {
                account.owner() == bank && account.currency() == currency && account.kind().is_customer()
            };
            let is_kept = || number_within(account.0, accounts.count()) && is_its(accounts.get(account));
            number_within(bank.0, participants.count()) && (account.0 == 0 || is_kept())
        };
        let count = reader.begin_within(RECALLS, RECALLS_MAX + ROOM_BEYOND)?;
        let mut read = Self::new(RECALLS_MAX);
        read.reserve(count);
        reader.items(RECALLS, u64::try_from(count).expect("64 bits"), |item: &state_layout::Recall| {
            let recall = Recall::from_state(item, last)?;
            let before = read.window.entries().back();
            holds(before.is_none_or(|before| before.sequence < recall.sequence), "sequence")?;
            holds(before.is_none_or(|before| before.time <= recall.time), "time")?;
            holds(is_side(recall.debtor_bank, recall.debtor_account, recall.currency), "debtor_account")?;
            holds(
                is_side(recall.creditor_bank, recall.creditor_account, recall.currency),
                "creditor_account",
            )?;
            holds(read.of_payment(recall.payment).is_none(), "payment")?;
            read.keep(recall);
            Ok(())
        })?;
        Ok(read)
    }

    pub(crate) fn read_policies(
        &mut self,
        reader: &mut SectionReader<'_>,
        participants: usize,
    ) -> Result<(), StateError> {
        let count = reader.begin_within(RECALL_POLICIES, participants)?;
        let count = u64::try_from(count).expect("64 bits");
        reader.items(RECALL_POLICIES, count, |item: &state_layout::RecallPolicy| {
            zero(&item.reserved)?;
            let bank = ParticipantNumber(item.bank.get());
            let is_next = self.answered_for.last().is_none_or(|before| *before < bank);
            holds(number_within(bank.0, participants) && is_next, "bank")?;
            self.answered_for.push(bank);
            Ok(())
        })?;
        self.list();
        Ok(())
    }
}

/// Numbers start at 1.
fn number_within(number: u32, count: usize) -> bool {
    number != 0 && usize::try_from(number).is_ok_and(|number| number <= count)
}
