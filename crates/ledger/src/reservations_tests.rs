//! Lists of open questions are read in pages while questions come and are answered.

use proptest::prelude::*;

use super::*;

const BANK: ParticipantNumber = ParticipantNumber(2);

fn reservation(number: u64) -> Reservation {
    let time = Timestamp::default();
    Reservation {
        sequence: Sequence(number),
        asked_at: Sequence(number),
        deadline: time,
        target: time,
        due: time,
        fee: 0,
        amount: 1,
        payment: 0,
        debtor_account: AccountNumber(0),
        creditor_account: AccountNumber(0),
        debtor_bank: ParticipantNumber(1),
        creditor_bank: BANK,
        currency: Currency::EUR,
        stage: Stage::Credit,
        credit_follows: false,
        silences: [Silence::Reject; 2],
        timeout_to_originator: *b"AB05",
        timeout_to_beneficiary: *b"TM01",
    }
}

/// So many open questions to the bank.
fn asked(count: u64) -> Reservations {
    let mut reservations = Reservations::new(8192);
    (1..=count).for_each(|number| ask(&mut reservations, number));
    reservations
}

fn ask(reservations: &mut Reservations, number: u64) {
    reservations.reserve(1, 3);
    reservations.add(reservation(number));
}

fn answer(reservations: &mut Reservations, number: u64) {
    if let Some(slot) = reservations.find(Sequence(number)) {
        reservations.remove(slot);
    }
}

fn cursor(reservations: &Reservations, number: u64) -> Cursor {
    reservations.cursor(reservations.find(Sequence(number)).unwrap())
}

/// The questions that are open behind this place.
fn behind(reservations: &Reservations, cursor: Cursor) -> Vec<u64> {
    let slot = reservations.behind(BANK, cursor);
    reservations.asked_of(BANK, Some(slot)).map(|(_, held)| held.sequence.0).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Runs of questions are answered, and some slots are used again. Behind each question, answered or not, stand
    /// exactly the open ones that were asked after it.
    #[test]
    fn a_list_goes_on_behind_any_question(
        runs in proptest::collection::vec((1..=1500_u64, 1..700_u64), 1..4),
        again in 0..400_u64,
        places in proptest::collection::vec(1..=1500_u64, 8),
    ) {
        let mut reservations = asked(1500);
        let cursors: Vec<_> = places.iter().map(|place| cursor(&reservations, *place)).collect();
        let mut open: Vec<u64> = (1..=1500).collect();
        for (start, length) in runs {
            (start..start + length).for_each(|number| answer(&mut reservations, number));
            open.retain(|number| !(start..start + length).contains(number));
        }
        for number in 1501..1501 + again {
            ask(&mut reservations, number);
            open.push(number);
        }
        reservations.validate(3);
        for (place, cursor) in places.iter().zip(cursors) {
            let expected: Vec<_> = open.iter().copied().filter(|number| number > place).collect();
            prop_assert_eq!(behind(&reservations, cursor), expected);
        }
    }
}

#[test]
fn a_list_whose_questions_are_all_answered_has_ended() {
    let mut reservations = asked(600);
    let cursor = cursor(&reservations, 300);
    (300..=600).for_each(|number| answer(&mut reservations, number));
    assert!(behind(&reservations, cursor).is_empty());
    (1..300).for_each(|number| answer(&mut reservations, number));
    assert!(behind(&reservations, cursor).is_empty());
    reservations.validate(3);
}
