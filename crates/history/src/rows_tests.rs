use super::*;

fn payment(sequence: u64) -> PaymentRow {
    let time = |nanoseconds| Timestamp::from_nanoseconds(nanoseconds).unwrap();
    PaymentRow {
        sequence: Sequence(sequence),
        received_time: time(1_770_000_000_000_000_000 + i64::try_from(sequence).unwrap()),
        decided_at: Sequence(sequence + 3),
        decided_time: time(1_770_000_000_500_000_000),
        acceptance_time: Some(time(1_769_999_999_000_000_000)),
        state: PaymentState::Rejected,
        reason: ReasonCode::from_bytes(*b"AM04"),
        reason_to_creditor: None,
        debtor_agent: Bic::parse("ALFABEBB").unwrap(),
        creditor_agent: None,
        debtor_account: AccountOf::Here(AccountNumber(1)),
        creditor_account: AccountOf::Elsewhere([7; 8]),
        amount: Amount::from_minor_units(1234).map(|amount| (amount, Currency::EUR)),
        transaction_id: Text::parse_identifier("TX-1").unwrap(),
        channel: Channel::Iso20022,
        is_not_entitled: true,
        is_late: false,
        is_told_to_creditor: true,
        is_debtor_asked: false,
        is_creditor_asked: false,
        remark: Remark::None,
    }
}

fn written<T: Item>(items: &[T]) -> Vec<u8> {
    let mut row = RowWriter::default();
    for (index, item) in items.iter().enumerate() {
        item.write(index.checked_sub(1).map(|before| &items[before]), &Banks::default(), &mut row);
    }
    row.bytes
}

#[test]
fn a_run_comes_back_as_it_was_written() {
    let refused = PaymentRow {
        acceptance_time: None,
        amount: None,
        debtor_account: AccountOf::NotRead,
        creditor_account: AccountOf::NotRead,
        ..payment(12)
    };
    let above = |sequence, remark| PaymentRow { remark, ..payment(sequence) };
    let [one, day] = [above(20, Remark::LimitPerPayment), above(21, Remark::LimitPerDay)];
    let payments = [payment(5), payment(9), refused, one, day, payment(1 << 40)];
    let bytes = written(&payments);
    let first = Place::first_at(Sequence(5));
    assert_eq!(read_run::<PaymentRow>(first, &bytes, &Banks::default()).unwrap(), payments);
    for length in 0..bytes.len() {
        // Cut between two items it is a shorter run, anywhere else none.
        if let Some(items) = read_run::<PaymentRow>(first, &bytes[..length], &Banks::default()) {
            assert_eq!(items, payments[..items.len()]);
        }
    }
}

#[test]
fn entries_of_one_position_keep_their_turns() {
    let entry = |at, turn, change| EntryRow {
        place: Place { at: Sequence(at), turn },
        time: Timestamp::from_nanoseconds(1 << 60).unwrap(),
        kind: EntryKind::Payment,
        command: Sequence(3),
        change,
        balance: 1000 - change,
    };
    let entries = [entry(7, 2, -5), entry(7, 3, 6), entry(9, 0, i64::MAX >> 1), entry(9, 9, 1)];
    let bytes = written(&entries);
    assert_eq!(read_run::<EntryRow>(entries[0].place, &bytes, &Banks::default()).unwrap(), entries);
}

#[test]
fn a_banks_list_and_a_decision_come_back() {
    let listed = ListedRow {
        place: Place { at: Sequence(70), turn: 1 },
        time: Timestamp::from_nanoseconds(5).unwrap(),
        payment: Sequence(60),
        is_debtor_side: false,
        is_creditor_side: true,
        state: PaymentState::Settled,
        amount: 17,
        currency: 978,
        counterpart: 3,
    };
    let later = ListedRow { place: Place::first_at(Sequence(71)), state: PaymentState::Unresolved, ..listed };
    let bytes = written(&[listed, later]);
    assert_eq!(read_run::<ListedRow>(listed.place, &bytes, &Banks::default()).unwrap(), [listed, later]);
    let decided = Decided {
        decided_at: Sequence(90),
        decided_time: Timestamp::from_nanoseconds(77).unwrap(),
        state: PaymentState::Expired,
        reason: ReasonCode::from_bytes(*b"AB05"),
        reason_to_creditor: ReasonCode::from_bytes(*b"AB06"),
        is_late: false,
        is_told_to_creditor: true,
        is_debtor_asked: false,
        is_creditor_asked: true,
    };
    let both = Decided { is_debtor_asked: true, ..decided };
    for decided in [decided, both] {
        assert_eq!(Decided::read(Sequence(60), &decided.write(Sequence(60))), Some(decided));
    }
}

#[test]
fn places_have_neighbours() {
    let place = |at, turn| Place { at: Sequence(at), turn };
    assert_eq!(place(5, 6).next(), place(5, 7));
    assert_eq!(place(5, u16::MAX).next(), place(6, 0));
    assert_eq!(place(6, 0).before(), Some(place(5, u16::MAX)));
    assert_eq!(place(0, 0).before(), None);
    assert_eq!(Place::from_bytes(place(1 << 50, 9).to_bytes()), place(1 << 50, 9));
}
