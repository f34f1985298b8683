//! Requests and their answers as they stand in a stored state.

use types::{Balance, Digest, Sequence, Timestamp};

use super::{Answered, Requests, hash};
use crate::index::{Filling, Twice};
use crate::limits::SLOTS_MAX;
use crate::sections::{Impossible, SectionReader, StateError, holds, value, zero};
use crate::state_layout::{self, REQUESTS};
use crate::{Kind, Position, Refusal};

impl Answered {
    fn to_state(self) -> state_layout::Answered {
        state_layout::Answered {
            request: self.request,
            sequence: self.sequence.0.into(),
            decided_time: self.decided_time.nanoseconds().into(),
            balances: self.balances.map(Into::into),
            subject: self.subject.into(),
            kind: self.kind.number().into(),
            refusal: self.refusal.map_or(0, Refusal::number),
            reserved: [0; 5],
        }
    }

    fn from_state(stored: &state_layout::Answered) -> Result<Self, Impossible> {
        zero(&stored.reserved)?;
        let balances = stored.balances.map(zerocopy::little_endian::I64::get);
        let are_balances = balances.iter().all(|balance| Balance::from_minor_units(*balance).is_some());
        holds(are_balances, "balances")?;
        let refusal = match stored.refusal {
            0 => None,
            number => Some(value(Refusal::from_number(number), "refusal")?),
        };
        holds(refusal.is_none() || stored.subject.get() == 0, "subject")?;
        let kind = value(Kind::from_number(stored.kind.get()), "kind")?;
        holds(kind.has_request(), "kind")?;
        Ok(Self {
            request: stored.request,
            sequence: Sequence(stored.sequence.get()),
            decided_time: value(Timestamp::from_nanoseconds(stored.decided_time.get()), "decided_time")?,
            balances,
            subject: stored.subject.get(),
            refusal,
            kind,
        })
    }
}

impl Requests {
    /// The items of [`REQUESTS`].
    pub(crate) fn to_state(&self) -> impl Iterator<Item = state_layout::Answered> {
        self.window.entries().iter().map(|answered| answered.to_state())
    }

    pub(crate) const fn forgotten(&self) -> u64 {
        self.window.forgotten()
    }

    /// Reads requests as of a position, of which so many have been forgotten, with room for so many.
    pub(crate) fn read_state(
        reader: &mut SectionReader<'_>,
        last: Position,
        forgotten: u64,
        requests_max: usize,
    ) -> Result<Self, StateError> {
        let mut read = Self::new(requests_max);
        let count = reader.begin_within(REQUESTS, read.window.entries().capacity().min(SLOTS_MAX))?;
        let mut filling = Filling::new(count);
        read.window.begin_at(forgotten);
        reader.items(REQUESTS, u64::try_from(count).expect("64 bits"), |stored| {
            let answered = Answered::from_state(stored)?;
            let before = read.window.entries().back();
            holds(before.is_none_or(|before| before.sequence < answered.sequence), "sequence")?;
            holds(before.is_none_or(|before| before.decided_time <= answered.decided_time), "decided_time")?;
            holds(answered.sequence <= last.sequence, "sequence")?;
            holds(answered.decided_time <= last.time, "decided_time")?;
            let slot = read.window.push(answered);
            // The request that is named is a few ahead of the one that is there twice.
            let pushed = filling.push(hash(&answered.request), slot, read.has_same_id());
            pushed.map_err(|_| Impossible("request"))
        })?;
        let twice =
            |Twice(slot)| REQUESTS.impossible(read.window.ordinal(slot) - forgotten, Impossible("request"));
        read.by_id = filling.finish(read.has_same_id()).map_err(twice)?;
        Ok(read)
    }

    fn has_same_id(&self) -> impl Fn(u32, u32) -> bool {
        let id = |slot| Digest(self.window.at_slot(slot).request.id_digest);
        move |left, right| id(left) == id(right)
    }
}
