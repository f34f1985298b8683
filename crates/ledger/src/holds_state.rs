//! Holds as they stand in a stored state, in log order. Slots, rings, deadlines and indexes follow from that.
//!
//! Reading checks what the rules rely on: what is held on each account is what its holds hold.

use std::io;

use types::{AccountNumber, Amount, Sequence, Timestamp};

use super::{Hold, Holds};
use crate::accounts::Accounts;
use crate::limits::{HOLDS_MAX, HOLDS_PER_ACCOUNT_MAX, ROOM_BEYOND};
use crate::sections::{Impossible, SectionReader, SectionWriter, StateError, holds, value, zero};
use crate::state_layout::{self, HOLDS};
use crate::{Position, rules_holds};

impl Hold {
    fn to_state(self) -> state_layout::Hold {
        state_layout::Hold {
            sequence: self.sequence.0.into(),
            time: self.time.nanoseconds().into(),
            expires: self.expires.nanoseconds().into(),
            amount: self.amount.into(),
            held: self.held.into(),
            account: self.account.0.into(),
            reserved: [0; 4],
        }
    }

    fn from_state(stored: &state_layout::Hold, last: Position) -> Result<Self, Impossible> {
        zero(&stored.reserved)?;
        let sequence = Sequence(stored.sequence.get());
        let time = value(Timestamp::from_nanoseconds(stored.time.get()), "time")?;
        let expires = value(Timestamp::from_nanoseconds(stored.expires.get()), "expires")?;
        holds(sequence <= last.sequence, "sequence")?;
        holds(time <= last.time, "time")?;
        holds(rules_holds::is_within_reach(expires, time), "expires")?;
        let amount = value(Amount::from_minor_units(stored.amount.get()), "amount")?.minor_units();
        let held = value(Amount::from_minor_units(stored.held.get()), "held")?.minor_units();
        holds(held <= amount, "held")?;
        Ok(Self { sequence, time, expires, account: AccountNumber(stored.account.get()), amount, held })
    }
}

impl Holds {
    pub(crate) fn write_state(&self, writer: &mut SectionWriter<'_>) -> io::Result<()> {
        let mut sorted: Vec<&Hold> = self.iter().collect();
        sorted.sort_unstable_by_key(|hold| hold.sequence);
        writer.section(HOLDS, sorted.len(), sorted.into_iter().map(|hold| hold.to_state()))
    }

    /// Reads holds as of a position, on accounts that have been read and on which so much is held together.
    pub(crate) fn read_state(
        reader: &mut SectionReader<'_>,
        last: Position,
        accounts: &mut Accounts,
        held_total: i128,
    ) -> Result<Self, StateError> {
        let count = reader.begin_within(HOLDS, HOLDS_MAX + ROOM_BEYOND)?;
        let mut read = Self::new();
        read.reserve(count);
        let (mut before, mut matched) = (None::<Hold>, 0_i128);
        reader.items(HOLDS, u64::try_from(count).expect("64 bits"), |item: &state_layout::Hold| {
            let hold = Hold::from_state(item, last)?;
            holds(before.is_none_or(|before| before.sequence < hold.sequence), "sequence")?;
            holds(before.is_none_or(|before| before.time <= hold.time), "time")?;
            before = Some(hold);
            holds(accounts.is_customers(hold.account), "account")?;
            holds(read.count_of(hold.account) < HOLDS_PER_ACCOUNT_MAX, "account")?;
            holds(accounts.match_held(hold.account, hold.held), "held")?;
            matched += i128::from(hold.held);
            read.add(hold);
            Ok(())
        })?;
        // Each account had what was matched, so if the sums agree, nothing is left on any of them.
        let sound = holds(matched == held_total, "held");
        let item = u64::try_from(count).expect("64 bits").saturating_sub(1);
        sound.map_err(|impossible| HOLDS.impossible(item, impossible))?;
        read.iter().for_each(|hold| accounts.put_back_held(hold.account, hold.held));
        Ok(read)
    }
}
