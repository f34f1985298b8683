//! Requests to pay as they stand in a stored state, in log order. Slots, rings, deadlines and indexes follow from that.

use std::io;

use types::{AccountNumber, Amount, Digest, ParticipantNumber, ReasonCode, Sequence, Timestamp};

use super::{RequestToPay, RequestsToPay};
use crate::accounts::Accounts;
use crate::limits::{
    REQUESTS_TO_PAY_MAX, REQUESTS_TO_PAY_PER_ACCOUNT_MAX, REQUESTS_TO_PAY_PER_BANK_MAX, ROOM_BEYOND,
};
use crate::sections::{Impossible, SectionReader, SectionWriter, StateError, holds, value, zero};
use crate::state_layout::{self, REQUESTS_TO_PAY};
use crate::zone::LocalTime;
use crate::{Position, RequestToPayStatus, rules_requests_to_pay};

impl RequestToPay {
    fn to_state(self) -> state_layout::RequestToPay {
        let optional = |time: Option<LocalTime>| time.map_or(0, LocalTime::nanoseconds);
        state_layout::RequestToPay {
            sequence: self.sequence.0.into(),
            time: self.time.nanoseconds().into(),
            expires: self.expires.nanoseconds().into(),
            pay_by: optional(self.pay_by).into(),
            changed: self.changed.nanoseconds().into(),
            amount: self.amount.into(),
            accepted_at: self.accepted_at.0.into(),
            pay_at: optional(self.pay_at).into(),
            payment: self.payment.0.into(),
            payee_digest: self.payee_digest.0,
            payer: self.payer.0.into(),
            payee_bank: self.payee_bank.0.into(),
            reason: self.reason.map_or([0; 4], |reason| *reason.as_bytes()),
            status: self.status.number(),
            reserved: [0; 11],
        }
    }

    fn from_state(stored: &state_layout::RequestToPay) -> Result<Self, Impossible> {
        zero(&stored.reserved)?;
        let time = |nanoseconds, field| value(Timestamp::from_nanoseconds(nanoseconds), field);
        let optional = |nanoseconds, field| match nanoseconds {
            0 => Ok(None),
            nanoseconds => value(LocalTime::from_nanoseconds(nanoseconds), field).map(Some),
        };
        let reason = match stored.reason {
            [0, 0, 0, 0] => None,
            code => Some(value(ReasonCode::from_bytes(code), "reason")?),
        };
        Ok(Self {
            sequence: Sequence(stored.sequence.get()),
            time: time(stored.time.get(), "time")?,
            expires: time(stored.expires.get(), "expires")?,
            pay_by: optional(stored.pay_by.get(), "pay_by")?,
            changed: time(stored.changed.get(), "changed")?,
            amount: value(Amount::from_minor_units(stored.amount.get()), "amount")?.minor_units(),
            payee_digest: Digest(stored.payee_digest),
            payer: AccountNumber(stored.payer.get()),
            payee_bank: ParticipantNumber(stored.payee_bank.get()),
            status: value(RequestToPayStatus::from_number(stored.status), "status")?,
            accepted_at: Sequence(stored.accepted_at.get()),
            pay_at: optional(stored.pay_at.get(), "pay_at")?,
            payment: Sequence(stored.payment.get()),
            reason,
        })
    }

    /// Whether the rules can have made it by this position.
    fn check(&self, last: Position) -> Result<(), Impossible> {
        holds(self.sequence <= last.sequence, "sequence")?;
        holds(self.time <= self.changed && self.changed <= last.time, "changed")?;
        holds(rules_requests_to_pay::is_within_reach(self.expires, self.time), "expires")?;
        // By which clock it was judged is not kept; none is a day away from UTC.
        let near = |days| self.time.date().plus_days(days).map(LocalTime::of_day);
        let is_reached = |end| {
            near(-1).is_none_or(|now| end >= now)
                && near(1).is_none_or(|now| end <= rules_requests_to_pay::latest(now))
        };
        holds(self.pay_by.is_none_or(is_reached), "pay_by")?;
        let was_accepted = self.accepted_at.0 != 0;
        let is_later = self.accepted_at > self.sequence && self.accepted_at <= last.sequence;
        holds(!was_accepted || is_later, "accepted_at")?;
        holds(self.pay_at.is_none_or(|_| was_accepted), "pay_at")?;
        holds(self.pay_at.is_none_or(|at| self.pay_by.is_some_and(|by| at <= by)), "pay_at")?;
        let is_paid_later = was_accepted && self.payment > self.accepted_at && self.payment <= last.sequence;
        holds(self.payment.0 == 0 || is_paid_later, "payment")?;
        let (has_reason, has_payment) = (self.reason.is_some(), self.payment.0 != 0);
        match self.status {
            RequestToPayStatus::Created => {
                holds(!was_accepted, "accepted_at").and_then(|()| holds(!has_reason, "reason"))
            }
            RequestToPayStatus::Accepted => {
                holds(was_accepted, "accepted_at")?;
                holds(!has_payment, "payment").and_then(|()| holds(!has_reason, "reason"))
            }
            RequestToPayStatus::Paid => {
                holds(has_payment, "payment").and_then(|()| holds(!has_reason, "reason"))
            }
            RequestToPayStatus::Refused => holds(has_reason, "reason"),
            // Accepted before and not paid, so a reason was told.
            RequestToPayStatus::Presented | RequestToPayStatus::Cancelled | RequestToPayStatus::Expired => {
                holds(has_reason == was_accepted, "reason")
            }
        }
    }
}

impl RequestsToPay {
    pub(crate) fn write_state(&self, writer: &mut SectionWriter<'_>) -> io::Result<()> {
        let all = self.after(Sequence(0));
        writer.section(REQUESTS_TO_PAY, self.count(), all.map(|request| request.to_state()))
    }

    /// Reads requests as of a position, to accounts that have been read, from so many participants.
    pub(crate) fn read_state(
        reader: &mut SectionReader<'_>,
        last: Position,
        accounts: &Accounts,
        participants: usize,
    ) -> Result<Self, StateError> {
        let count = reader.begin_within(REQUESTS_TO_PAY, REQUESTS_TO_PAY_MAX + ROOM_BEYOND)?;
        let mut read = Self::new();
        read.reserve(count, participants);
        let mut before = None::<RequestToPay>;
        let items = u64::try_from(count).expect("64 bits");
        reader.items(REQUESTS_TO_PAY, items, |item: &state_layout::RequestToPay| {
            let request = RequestToPay::from_state(item)?;
            request.check(last)?;
            holds(before.is_none_or(|before| before.sequence < request.sequence), "sequence")?;
            holds(before.is_none_or(|before| before.time <= request.time), "time")?;
            before = Some(request);
            holds(accounts.is_customers(request.payer), "payer")?;
            let bank = usize::try_from(request.payee_bank.0);
            holds(bank.is_ok_and(|bank| (1..=participants).contains(&bank)), "payee_bank")?;
            holds(read.count_to(request.payer) < REQUESTS_TO_PAY_PER_ACCOUNT_MAX, "payer")?;
            holds(read.count_of_bank(request.payee_bank) < REQUESTS_TO_PAY_PER_BANK_MAX, "payee_bank")?;
            let is_accepted = request.status == RequestToPayStatus::Accepted;
            holds(!is_accepted || read.accepted(request.accepted_at).is_none(), "accepted_at")?;
            read.add(request);
            Ok(())
        })?;
        Ok(read)
    }
}
