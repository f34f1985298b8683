//! The log goes on in a new life: the first record after a restore from a backup.
//!
//! Only the engine writes it, so one that does not go on from the life before makes the log none that Solvo wrote.

use types::{ClusterId, Incarnation, Life, Sequence};

use crate::ledger::done;
use crate::record::{Check, holds, zero};
use crate::{Command, Ledger, Outcome, Position, ReplayError, layout};

/// What its fields may hold.
pub(crate) fn check_record(begin: &layout::BeginIncarnation) -> Check {
    holds(begin.incarnation != begin.previous, "incarnation")?;
    holds(begin.restored_upto.get() > 0 && begin.restored_upto.get() < u64::MAX, "restored_upto")?;
    zero(&begin.reserved)
}

/// The new life counts from the point of the restore on, which the frames that carry its incarnation follow.
pub(crate) fn apply(
    ledger: &mut Ledger,
    at: Position,
    begin: &layout::BeginIncarnation,
) -> Result<Outcome, ReplayError> {
    let setup = ledger.setup().ok_or(ReplayError::Genesis)?;
    let restored_upto = Sequence(begin.restored_upto.get());
    let life = Life { incarnation: Incarnation(begin.incarnation.get()), first: restored_upto.next() };
    let goes_on = setup.cluster == ClusterId(begin.cluster)
        && ledger.lives.last().incarnation == Incarnation(begin.previous.get())
        && restored_upto < at.sequence;
    if goes_on && ledger.lives.begin(life) {
        Ok(done(at, Command::BeginIncarnation(begin)))
    } else {
        Err(ReplayError::Incarnation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{LIMITS, genesis};
    use crate::{RecordWriter, Records};
    use types::{DigestKey, PrincipalNumber, Timestamp};

    fn begin(cluster: u8, incarnation: u64, first: u64, previous: u64) -> RecordWriter {
        let mut writer = RecordWriter::new(DigestKey::new([0; 16]), PrincipalNumber(0));
        let life = Life { incarnation: Incarnation(incarnation), first: Sequence(first) };
        writer.begin_incarnation(ClusterId([cluster; 16]), life, Incarnation(previous));
        writer
    }

    fn apply(ledger: &mut Ledger, sequence: u64, writer: &RecordWriter) -> Result<Outcome, ReplayError> {
        let record = Records::erased(writer.records()).next().unwrap().unwrap();
        let time = Timestamp::from_nanoseconds(1).unwrap();
        ledger.apply(Position { sequence: Sequence(sequence), time }, &record)
    }

    #[test]
    fn a_life_goes_on_from_the_one_before() {
        let mut ledger = Ledger::new(LIMITS);
        assert_eq!(apply(&mut ledger, 1, &begin(1, 8, 101, 7)), Err(ReplayError::Genesis));
        apply(&mut ledger, 2, &genesis()).unwrap();
        assert_eq!(ledger.lives().last(), Life { incarnation: Incarnation(7), first: Sequence(1) });
        for (place, wrong) in
            [begin(2, 8, 101, 7), begin(1, 8, 101, 9), begin(1, 8, 300, 7)].iter().enumerate()
        {
            let at = 100 + u64::try_from(place).unwrap();
            assert_eq!(apply(&mut ledger, at, wrong), Err(ReplayError::Incarnation));
        }
        apply(&mut ledger, 103, &begin(1, 8, 101, 7)).unwrap();
        assert_eq!(apply(&mut ledger, 104, &begin(1, 7, 103, 8)), Err(ReplayError::Incarnation), "known");
        assert_eq!(apply(&mut ledger, 105, &begin(1, 9, 50, 8)), Err(ReplayError::Incarnation), "earlier");
        assert_eq!(ledger.lives().at(Sequence(100)).incarnation, Incarnation(7));
        assert_eq!(ledger.lives().at(Sequence(101)).incarnation, Incarnation(8));
        assert_eq!(ledger.setup().unwrap().incarnation, Incarnation(7), "the log's own first");
    }
}
