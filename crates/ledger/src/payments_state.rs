//! Payments as they stand in a stored state.

use types::{Bic, DigestKey, ParticipantNumber, PaymentState, ReasonCode, Sequence, Timestamp};

use super::{Payment, Payments, are_marks};
use crate::index::{Filling, Twice};
use crate::limits::SLOTS_MAX;
use crate::sealed::Sealed;
use crate::sections::{Impossible, SectionReader, StateError, holds, value};
use crate::state_layout::{self, PAYMENTS};
use crate::{Position, QuestionState, layout, record};

impl QuestionState {
    const ALL: [Self; 5] = [Self::NotAsked, Self::Open, Self::Accepted, Self::Rejected, Self::Silent];

    const fn stored(self) -> u8 {
        match self {
            Self::NotAsked => 0,
            Self::Open => 1,
            Self::Accepted => 2,
            Self::Rejected => 3,
            Self::Silent => 4,
        }
    }

    fn from_stored(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.stored() == number)
    }
}

impl Payment {
    fn to_state(self) -> state_layout::Payment {
        let [debit_question, credit_question] = self.questions.map(QuestionState::stored);
        state_layout::Payment {
            sequence: self.sequence.0.into(),
            decided_at: self.decided_at.0.into(),
            received_time: self.received_time.nanoseconds().into(),
            decided_time: self.decided_time.nanoseconds().into(),
            acceptance_time: self.acceptance_time.nanoseconds().into(),
            body_digest: self.body_digest,
            key: layout::PaymentKey {
                debtor_agent: *self.debtor_agent.as_bytes(),
                transaction_id_length: self.transaction_id_length,
                transaction_id: self.transaction_id,
                reserved: 0,
            },
            reason: self.reason.map_or([0; 4], |reason| *reason.as_bytes()),
            reason_to_creditor: self.reason_to_creditor,
            creditor_bank: self.creditor_bank.0.into(),
            state: self.state.number(),
            marks: self.marks,
            debit_question,
            credit_question,
        }
    }

    fn from_state(stored: &state_layout::Payment, last: Position) -> Result<Self, Impossible> {
        let time = |nanoseconds, field| value(Timestamp::from_nanoseconds(nanoseconds), field);
        let question = |number, field| value(QuestionState::from_stored(number), field);
        record::check_key(&stored.key).map_err(|_| Impossible("key"))?;
        holds(are_marks(stored.marks, ReasonCode::from_bytes(stored.reason)), "marks")?;
        let payment = Self {
            sequence: Sequence(stored.sequence.get()),
            decided_at: Sequence(stored.decided_at.get()),
            received_time: time(stored.received_time.get(), "received_time")?,
            decided_time: time(stored.decided_time.get(), "decided_time")?,
            acceptance_time: time(stored.acceptance_time.get(), "acceptance_time")?,
            body_digest: stored.body_digest,
            debtor_agent: value(Bic::from_bytes(stored.key.debtor_agent), "key")?,
            transaction_id_length: stored.key.transaction_id_length,
            transaction_id: stored.key.transaction_id,
            state: value(PaymentState::from_number(stored.state), "state")?,
            reason: code(stored.reason, "reason")?,
            marks: stored.marks,
            questions: [
                question(stored.debit_question, "debit_question")?,
                question(stored.credit_question, "credit_question")?,
            ],
            creditor_bank: ParticipantNumber(stored.creditor_bank.get()),
            reason_to_creditor: stored.reason_to_creditor,
        };
        code(stored.reason_to_creditor, "reason_to_creditor")?;
        let has_reason = match payment.state {
            PaymentState::Rejected | PaymentState::Expired => true,
            PaymentState::Reserved | PaymentState::Settled => false,
            PaymentState::Unresolved => return Err(Impossible("state")),
        };
        holds(payment.reason.is_some() == has_reason, "reason")?;
        let is_open = payment.questions.contains(&QuestionState::Open);
        holds(is_open == (payment.state == PaymentState::Reserved), "debit_question")?;
        holds(payment.decided_at <= last.sequence, "decided_at")?;
        holds(payment.received_time <= last.time, "received_time")?;
        holds(payment.decided_time <= last.time, "decided_time")?;
        Ok(payment)
    }
}

/// A reason, or none if the bytes are zeros.
fn code(stored: [u8; 4], field: &'static str) -> Result<Option<ReasonCode>, Impossible> {
    match stored {
        [0, 0, 0, 0] => Ok(None),
        stored => value(ReasonCode::from_bytes(stored), field).map(Some),
    }
}

/// What is known of payments before they are read.
pub(crate) struct Known {
    /// Where the state stands.
    pub(crate) last: Position,
    /// The log's key.
    pub(crate) key: DigestKey,
    /// How many payments have been forgotten.
    pub(crate) forgotten: u64,
    /// How many stand in each state or ended in it.
    pub(crate) counts: [u64; 5],
    /// How many participants there are.
    pub(crate) participants: usize,
}

impl Payments {
    /// The items of [`PAYMENTS`]: those that are forgotten or on disk, and dropped sooner or later, are none of them.
    pub(crate) fn to_state(&self) -> impl Iterator<Item = state_layout::Payment> {
        self.kept().map(|payment| payment.to_state())
    }

    /// How many payments have been forgotten or are on disk.
    pub(crate) fn forgotten(&self) -> u64 {
        let gone = self.count() - self.count_kept();
        self.window.forgotten() + u64::try_from(gone).expect("64 bits")
    }

    /// Takes what has left the table. What is there must not have.
    pub(crate) fn take_sealed(&mut self, sealed: Sealed) -> Result<(), Impossible> {
        let oldest = self.window.entries().front();
        holds(oldest.is_none_or(|oldest| oldest.sequence > sealed.floor()), "floor")?;
        self.sealed = sealed;
        Ok(())
    }

    /// How many payments came before the one in this slot, forgotten ones included.
    pub(crate) fn ordinal(&self, slot: u32) -> u64 {
        self.window.ordinal(slot)
    }

    /// The slot of the payment before which so many came, if it is still there.
    pub(crate) fn slot_of_ordinal(&self, ordinal: u64) -> Option<u32> {
        self.window.slot_of_ordinal(ordinal)
    }

    /// Reads payments, with room for so many.
    pub(crate) fn read_state(
        reader: &mut SectionReader<'_>,
        known: &Known,
        payments_max: usize,
    ) -> Result<Self, StateError> {
        let mut read = Self::new(payments_max);
        read.set_key(known.key);
        let count = reader.begin_within(PAYMENTS, read.window.entries().capacity().min(SLOTS_MAX))?;
        let stored = u64::try_from(count).expect("64 bits");
        let counted = known.counts.iter().try_fold(0_u64, |sum, count| sum.checked_add(*count));
        let expected = counted.and_then(|counted| counted.checked_sub(known.forgotten));
        if expected != Some(stored) {
            let expected = expected.unwrap_or_default();
            return Err(StateError::Count { section: PAYMENTS.name(), found: stored, expected });
        }
        read.window.begin_at(known.forgotten);
        let mut filling = Filling::new(count);
        reader.items(PAYMENTS, stored, |stored| {
            let payment = Payment::from_state(stored, known.last)?;
            read.check_next(&payment, known)?;
            read.counts[usize::from(payment.state.number() - 1)] += 1;
            let slot = read.window.push(payment);
            if payment.holds_key() {
                let hash = read.hash(payment.debtor_agent, payment.id());
                // The payment that is named is a few ahead of the one that is there twice.
                return filling.push(hash, slot, read.has_same_key()).map_err(|_| Impossible("key"));
            }
            Ok(())
        })?;
        let twice = |Twice(slot)| {
            let item = read.window.ordinal(slot) - known.forgotten;
            PAYMENTS.impossible(item, Impossible("key"))
        };
        read.by_key = filling.finish(read.has_same_key()).map_err(twice)?;
        // Forgotten payments were decided, so all that are reserved are there, and no more than were counted.
        let [reserved, ..] = known.counts;
        let are_possible = read.counts[0] == reserved
            && read.counts.iter().zip(known.counts).all(|(kept, counted)| *kept <= counted);
        let impossible = |impossible| PAYMENTS.impossible(stored.saturating_sub(1), impossible);
        holds(are_possible, "state").map_err(impossible)?;
        read.counts = known.counts;
        Ok(read)
    }

    fn check_next(&self, payment: &Payment, known: &Known) -> Result<(), Impossible> {
        let bank = usize::try_from(payment.creditor_bank.0).expect("32 bits");
        holds(bank <= known.participants, "creditor_bank")?;
        let before = self.window.entries().back();
        holds(before.is_none_or(|before| before.sequence < payment.sequence), "sequence")?;
        holds(before.is_none_or(|before| before.received_time <= payment.received_time), "received_time")?;
        holds(payment.sequence <= known.last.sequence, "sequence")
    }

    fn has_same_key(&self) -> impl Fn(u32, u32) -> bool {
        move |left, right| {
            let (left, right) = (self.window.at_slot(left), self.window.at_slot(right));
            left.has_key(right.debtor_agent, right.id())
        }
    }
}
