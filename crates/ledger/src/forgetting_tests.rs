//! What is forgotten follows from the log alone: a ledger that goes on from a stored state forgets what one forgets that
//! has replayed everything, also while that one still holds payments in memory that are on disk.

use proptest::prelude::*;
use types::{AccountNumber, Channel, PrincipalNumber, ReasonCode, Text, Timestamp};

use super::*;
use crate::testing::{genesis, read_again, state};
use crate::testing_words::{Words, bank, key, span, start};
use crate::{Limits, RecordWriter, Records, RefusedBody, RefusedPayment};

/// More than the tests' other tables: a tick forgets thousands.
const ROOM: Limits = Limits { accounts_max: 64, payments_max: 1 << 15, requests_max: 64 };

/// Payments of a frame.
const PER_FRAME: usize = 1000;

fn command(line: &str, now: Timestamp) -> RecordWriter {
    let mut words = Words::new(line);
    let verb = words.word();
    words.command(verb, 1, now, &[], &|_, _| AccountNumber(0)).0
}

/// Payment number so many; each attempt is refused on reading, so deciding it touches nothing but its key.
fn attempt(writer: &mut RecordWriter, number: usize) {
    writer.refused_payment(&RefusedPayment {
        debtor_agent: bank("A"),
        creditor_agent: None,
        transaction_id: Text::parse_identifier(&format!("T{number}")).unwrap(),
        acceptance_time: None,
        reason: ReasonCode::parse("FF01").unwrap(),
        path: "/Document".into(),
        body: RefusedBody::Parts(Vec::new()),
        channel: Channel::Iso20022,
        not_entitled: false,
    });
}

fn frame(ledger: &mut Ledger, now: Timestamp, writer: &RecordWriter) -> Vec<Outcome> {
    let mut at = Position { sequence: ledger.position().sequence.next(), time: now };
    ledger.reserve_for_frame(usize::try_from(writer.count()).unwrap());
    ledger.tick(at);
    let records = Records::new(writer.records(), writer.texts());
    records
        .map(|record| {
            at.sequence = at.sequence.next();
            ledger.apply(at, &record.unwrap()).unwrap()
        })
        .collect()
}

fn nothing() -> RecordWriter {
    RecordWriter::new(key(), PrincipalNumber(0))
}

/// A ledger with so many payments of the same moment, the first of which the log has just said to be on disk.
fn with_payments(sealed: usize, unsealed: usize) -> Ledger {
    let now = start();
    let mut ledger = Ledger::new(ROOM);
    frame(&mut ledger, now, &genesis());
    frame(&mut ledger, now, &command("bank A hosted", now));
    let numbers: Vec<usize> = (0..sealed + unsealed).collect();
    for numbers in numbers.chunks(PER_FRAME) {
        let mut writer = nothing();
        numbers.iter().for_each(|number| attempt(&mut writer, *number));
        frame(&mut ledger, now, &writer);
    }
    if sealed > 0 {
        let upto = ledger.payments_to_seal(Sequence(0), sealed).last().unwrap().sequence();
        let run = SealedRun {
            number: 1,
            after: Sequence(0),
            upto,
            newest_time: now,
            payments: sealed.try_into().unwrap(),
            hash: [1; 32],
        };
        let mut writer = nothing();
        writer.seal_duplicates(&run);
        let told = frame(&mut ledger, now, &writer);
        assert!(matches!(told[..], [Outcome { verdict: Verdict::Done { .. }, .. }]));
    }
    ledger
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_stored_state_forgets_as_its_log_does(
        sealed in prop_oneof![Just(0_usize), 1..14_000_usize],
        unsealed in 1..10_000_usize,
        frames_before in 0..3_u32,
        retries in proptest::collection::vec(any::<prop::sample::Index>(), 4),
    ) {
        let mut replayed = with_payments(sealed, unsealed);
        for _ in 0..frames_before {
            frame(&mut replayed, start(), &nothing());
        }
        let mut stored = read_again(&replayed);
        prop_assert!(state(&stored) == state(&replayed));
        // Everything is as old as it may be, and then all of it is too old at once.
        for (place, retry) in retries.into_iter().enumerate() {
            let age = if place == 0 { span("5d") } else { span("5d+1ns") };
            let mut writer = nothing();
            attempt(&mut writer, sealed + retry.index(unsealed));
            writer.set_evidence(replayed.sealed_upto(), &[]);
            let now = start().plus(age);
            prop_assert_eq!(frame(&mut replayed, now, &writer), frame(&mut stored, now, &writer));
            prop_assert!(state(&stored) == state(&replayed), "after frame {}", place);
            prop_assert_eq!(stored.unsealed_count(), replayed.unsealed_count());
        }
    }
}

/// Forgetting keeps up with arriving, whatever else has to leave memory: after some frames nothing is left of either.
#[test]
fn what_is_gone_leaves_memory() {
    let mut ledger = with_payments(9_000, 9_000);
    let now = start().plus(span("5d+1ns"));
    let mut counts = Vec::new();
    for _ in 0..3 {
        frame(&mut ledger, now, &nothing());
        counts.push((ledger.unsealed_count(), ledger.payment_count()));
    }
    assert_eq!(counts, [(808, 18_000 - 8192 - 4096), (0, 808), (0, 0)]);
}
