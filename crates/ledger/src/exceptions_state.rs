//! Exceptions as they stand in a stored state: those that were raised in log order, those that were noticed by kind and then in
//! order. Slots and lists follow from that.
//!
//! Reading checks what the rules rely on: a suspense account holds what its bank's exceptions have there.

use std::io;

use types::{Currency, ParticipantNumber, Sequence, Timestamp};
use zerocopy::FromZeros;

use super::{Acted, Exception, Exceptions, NOTICED_KINDS, Noticed, index};
use crate::accounts::Accounts;
use crate::limits::{EXCEPTIONS_MAX, EXCEPTIONS_OPEN_MAX, NOTICED_MAX};
use crate::sections::{Impossible, SectionReader, SectionWriter, StateError, holds, value, zero};
use crate::state_layout::{self, EXCEPTIONS, NOTICED, OVERLOOKED};
use crate::{Direction, ExceptionAction, ExceptionKind, ExceptionOwner, Position};

const IN_SUSPENSE: u8 = 1;
const OVER: u8 = 2;

impl Exception {
    fn to_state(self) -> state_layout::Exception {
        let mut stored = state_layout::Exception::new_zeroed();
        stored.sequence = self.sequence.0.into();
        stored.time = self.time.nanoseconds().into();
        stored.subject = self.subject.0.into();
        stored.subject_digest = self.subject_digest;
        stored.amount = self.amount.into();
        stored.currency = self.currency.number().into();
        stored.kind = self.kind.number();
        stored.direction = self.direction.map_or(0, Direction::number);
        stored.bank = self.bank.0.into();
        stored.other_bank = self.other_bank.0.into();
        stored.asked_count = self.asked_count.into();
        if let Some(owner) = self.owner {
            stored.owner = *owner.as_bytes();
            stored.assigned_at = self.assigned_at.0.into();
        }
        if let Some(Acted { at, time, action }) = self.acted {
            stored.acted_at = at.0.into();
            stored.acted_time = time.nanoseconds().into();
            stored.action = action.number();
        }
        stored.marks = (u8::from(self.is_in_suspense) * IN_SUSPENSE) | (u8::from(self.is_over) * OVER);
        stored
    }

    fn from_state(stored: &state_layout::Exception, last: Position) -> Result<Self, Impossible> {
        zero(&stored.reserved)?;
        let sequence = Sequence(stored.sequence.get());
        let time = value(Timestamp::from_nanoseconds(stored.time.get()), "time")?;
        holds(sequence.0 != 0 && sequence <= last.sequence, "sequence")?;
        holds(time <= last.time, "time")?;
        let kind = value(ExceptionKind::from_number(stored.kind), "kind")?;
        let read = Self {
            sequence,
            time,
            kind,
            bank: ParticipantNumber(stored.bank.get()),
            other_bank: ParticipantNumber(stored.other_bank.get()),
            subject: Sequence(stored.subject.get()),
            subject_digest: stored.subject_digest,
            amount: stored.amount.get(),
            currency: value(Currency::from_number(stored.currency.get()).ok(), "currency")?,
            direction: direction(stored.direction)?,
            owner: owner(stored, last)?,
            assigned_at: Sequence(stored.assigned_at.get()),
            acted: acted(stored, sequence, last)?,
            asked_count: stored.asked_count.get(),
            is_in_suspense: stored.marks & IN_SUSPENSE != 0,
            is_over: stored.marks & OVER != 0,
        };
        holds(stored.marks & !(IN_SUSPENSE | OVER) == 0, "marks")?;
        let has_subject = kind.is_of_payment() || kind == ExceptionKind::RecallDue;
        holds(has_subject == (read.subject.0 != 0), "subject")?;
        holds(read.subject < sequence, "subject")?;
        holds(has_subject == (read.subject_digest == [0; 16]), "subject_digest")?;
        holds(read.amount().is_some() == (kind != ExceptionKind::StaleMirror), "amount")?;
        holds(read.amount >= 0, "amount")?;
        let is_said = kind == ExceptionKind::ReconciliationBreak;
        let has_direction =
            if is_said { read.direction.is_some() } else { read.direction == kind.direction() };
        holds(has_direction, "direction")?;
        holds(read.acted.is_none_or(|acted| kind.permits(acted.action)), "action")?;
        holds(!read.is_in_suspense || read.direction.is_some() && !read.is_resolved(), "marks")?;
        Ok(read)
    }
}

fn direction(number: u8) -> Result<Option<Direction>, Impossible> {
    match number {
        0 => Ok(None),
        number => value(Direction::from_number(number), "direction").map(Some),
    }
}

fn owner(stored: &state_layout::Exception, last: Position) -> Result<Option<ExceptionOwner>, Impossible> {
    let assigned_at = Sequence(stored.assigned_at.get());
    if assigned_at.0 == 0 {
        zero(&stored.owner)?;
        return Ok(None);
    }
    holds(assigned_at > Sequence(stored.sequence.get()) && assigned_at <= last.sequence, "assigned_at")?;
    value(ExceptionOwner::from_bytes(stored.owner), "owner").map(Some)
}

fn acted(
    stored: &state_layout::Exception,
    sequence: Sequence,
    last: Position,
) -> Result<Option<Acted>, Impossible> {
    let at = Sequence(stored.acted_at.get());
    if at.0 == 0 {
        holds(stored.acted_time.get() == 0 && stored.action == 0, "action")?;
        return Ok(None);
    }
    let time = value(Timestamp::from_nanoseconds(stored.acted_time.get()), "acted_time")?;
    holds(at > sequence && at <= last.sequence, "acted_at")?;
    holds(time.nanoseconds() >= stored.time.get() && time <= last.time, "acted_time")?;
    let action = value(ExceptionAction::from_number(stored.action), "action")?;
    Ok(Some(Acted { at, time, action }))
}

impl Exceptions {
    pub(crate) fn write_state(&self, writer: &mut SectionWriter<'_>) -> io::Result<()> {
        writer.section(EXCEPTIONS, self.count(), self.iter().map(|exception| exception.to_state()))?;
        let noticed = self.noticed().map(|(kind, noticed)| state_layout::Noticed {
            decided: noticed.decided.nanoseconds().into(),
            payment: noticed.payment.0.into(),
            kind: kind.number(),
            reserved: [0; 7],
        });
        writer.section(NOTICED, self.noticed_count(), noticed)?;
        let overlooked = state_layout::Overlooked { counts: self.overlooked.map(Into::into) };
        writer.section(OVERLOOKED, 1, std::iter::once(overlooked))
    }

    pub(crate) fn noticed_count(&self) -> usize {
        self.noticed.iter().map(|list| list.len()).sum()
    }

    /// Reads the exceptions of so many participants as of a position, with the accounts that have been read.
    pub(crate) fn read_state(
        reader: &mut SectionReader<'_>,
        last: Position,
        participants: usize,
        accounts: &Accounts,
    ) -> Result<Self, StateError> {
        let count = reader.begin_within(EXCEPTIONS, EXCEPTIONS_MAX)?;
        let mut read = Self::new();
        read.reserve(count);
        let count = u64::try_from(count).expect("64 bits");
        let is_bank = |bank: ParticipantNumber| (1..=participants).contains(&index(bank.0));
        let mut before = None::<Exception>;
        reader.items(EXCEPTIONS, count, |item: &state_layout::Exception| {
            let exception = Exception::from_state(item, last)?;
            holds(before.is_none_or(|before| before.sequence < exception.sequence), "sequence")?;
            holds(before.is_none_or(|before| before.time <= exception.time), "time")?;
            before = Some(exception);
            holds(is_bank(exception.bank), "bank")?;
            holds(exception.other_bank.0 == 0 || is_bank(exception.other_bank), "other_bank")?;
            let is_named = !(exception.is_resolved() && exception.kind.recurs());
            holds(!is_named || read.named(&exception.name()).is_none(), "subject")?;
            read.put(exception, is_named);
            Ok(())
        })?;
        read.list();
        let is_within = read.open_count() <= EXCEPTIONS_OPEN_MAX;
        let sound = holds(is_within, "count").and_then(|()| read.check_suspense(accounts));
        sound.map_err(|impossible| EXCEPTIONS.impossible(count.saturating_sub(1), impossible))?;
        read.read_noticed(reader)?;
        Ok(read)
    }

    /// Adds an exception, and leaves it to [`Self::list`] to list it.
    fn put(&mut self, exception: Exception, is_named: bool) {
        let slot = u32::try_from(self.slots.len()).expect("slots have 32 bits");
        self.slots.push(Some(exception));
        self.order.push_back((exception.sequence, slot));
        if is_named {
            self.by_name.insert(super::hash(&exception.name()), slot);
        }
    }

    fn list(&mut self) {
        let mut resolved: Vec<(Sequence, Sequence)> = self
            .iter()
            .filter(|exception| exception.is_resolved())
            .filter_map(|exception| Some((exception.acted?.at, exception.sequence)))
            .collect();
        resolved.sort_unstable();
        self.resolved.extend(resolved.into_iter().map(|(_, sequence)| sequence));
        let over = self.iter().filter(|exception| exception.is_over && !exception.is_resolved());
        let over: Vec<Sequence> = over.map(Exception::sequence).collect();
        self.over.extend(over);
    }

    /// Every suspense account holds what its bank's exceptions have there, and they have nothing elsewhere.
    pub(crate) fn check_suspense(&self, accounts: &Accounts) -> Result<(), Impossible> {
        let mut left = accounts.suspense_balances();
        for exception in self.iter().filter(|exception| exception.is_in_suspense) {
            let account = accounts.suspense(exception.bank, exception.currency);
            let place = account.and_then(|account| left.iter().position(|(known, _)| *known == account));
            let place = value(place, "marks")?;
            left[place].1 -= i128::from(exception.suspended());
        }
        holds(left.iter().all(|(_, balance)| *balance == 0), "marks")
    }

    fn read_noticed(&mut self, reader: &mut SectionReader<'_>) -> Result<(), StateError> {
        let count = reader.begin_within(NOTICED, NOTICED_KINDS.len() * NOTICED_MAX)?;
        let count = u64::try_from(count).expect("64 bits");
        let mut before = None;
        reader.items(NOTICED, count, |item: &state_layout::Noticed| {
            zero(&item.reserved)?;
            let decided = value(Timestamp::from_nanoseconds(item.decided.get()), "decided")?;
            let kind = ExceptionKind::from_number(item.kind);
            let list = NOTICED_KINDS.iter().position(|known| Some(*known) == kind);
            let list = value(list, "kind")?;
            let noticed = Noticed { decided, payment: Sequence(item.payment.get()) };
            holds(before.is_none_or(|before| before < (list, noticed)), "decided")?;
            before = Some((list, noticed));
            holds(self.noticed[list].len() < NOTICED_MAX, "kind")?;
            self.noticed[list].push_back(noticed);
            Ok(())
        })?;
        reader.begin_exactly(OVERLOOKED, 1)?;
        reader.items(OVERLOOKED, 1, |item: &state_layout::Overlooked| {
            self.overlooked = item.counts.map(|count| count.get());
            Ok(())
        })
    }
}
