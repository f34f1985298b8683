//! The state's stream: its bytes are the same for ever, each of them counts, and no bytes break a ledger.
//!
//! That a ledger goes on from its stream as if nothing had happened is checked by every script of this crate, after each
//! of its frames ([`crate::testing`]).

use types::Duration;

use super::*;
use crate::testing::{LIMITS, genesis, ledger_after_under, read_again, state};
use crate::{Records, SealedRun};

/// The state of [`golden_ledger`], as version 1 of every section stores it. It is one of rules version 2: those that
/// came later have sections that stand behind these (`state_later_tests.rs`).
const GOLDEN: &[u8] = include_bytes!("../golden/state-v1.bin");

/// A little of everything: banks of each mode, books in two currencies, accounts of each kind, payments in each state,
/// questions to the payer's bank and to the payee's, requests and a payment that have been forgotten.
fn golden_ledger() -> Ledger {
    let mut ledger = ledger_after_under(
        2,
        "bank A hosted | bank B mixed | bank C remote => any
        fund A 900.00 ref F1 | fund C 90.00 ref F2 | defund A 1.00 ref F3 => any
        open A1 | open A2 savings floor -5.00 | open B1 | open B4 USD | open A6 | open A7 => any
        post A1 +500.00 | close A6 | block A2 | flag B1 => any
        pay T1 A1 B1 1.00 => settled
        decide A debits above 5.00 accept | decide B credits flagged | limit C 7 => any
        at 4d
        post B1 +5.00 | post A2 -77.00 => any
        at 6d
        online A | online C
        pay T2 A1 A7 0.50 => any
        pay T3 A1 A6 0.50 => any
        refuse T4 A FF01 => any
        pay T5 A1 C1 2.00 => reserved
        pay T6 A1 C2 3.00 => reserved
        answer T6 C no AC04 => any
        at 6d+20s
        pay T7 A1 C1 10.00 => reserved
        pay T8 A1 C1 11.00 => reserved
        answer T8 A yes debit => any
        pay T9 A1 C1 4.00 => reserved
        answer T3 C yes => any",
    );
    let settled = ledger.payments.find(crate::testing_words::bank("A"), b"T2").unwrap().sequence();
    ledger.mark_late(settled);
    let life = types::Life { incarnation: types::Incarnation(8), first: types::Sequence(3) };
    assert!(ledger.lives.begin(life));
    let (first, last) = (Sequence(7), Sequence(settled.0 - 1));
    let newest_time = ledger.position().time;
    let run =
        |number, after, upto| SealedRun { number, after, upto, newest_time, payments: 9, hash: [0xAB; 32] };
    ledger.payments.sealed.raise(run(4, Sequence(0), first));
    ledger.payments.sealed.raise(run(3, first, last));
    // What older rules don't know is tested beside what it is.
    ledger.rules = Rules::before_a_frame(HAS_RULEBOOK - 1).unwrap();
    ledger
}

#[test]
fn golden_state_is_read_and_written_as_it_was() {
    let ledger = golden_ledger();
    let count = |state| ledger.payment_totals().of(state);
    use types::PaymentState::{Expired, Rejected, Reserved, Settled};
    assert_eq!([Reserved, Settled, Rejected, Expired].map(count), [3, 2, 3, 1]);
    assert_eq!(ledger.payments.forgotten(), 1);
    assert!(ledger.requests.forgotten() > 0 && ledger.requests.count() > 0);

    let read = Ledger::read_state(&mut &GOLDEN[..], LIMITS).unwrap();
    assert!(state(&read) == GOLDEN, "what is stored is written again, byte for byte");
    assert!(state(&ledger) == GOLDEN, "the format is the one that is stored");
    let balances =
        |ledger: &Ledger| ledger.accounts().map(|(_, account)| account.balance()).collect::<Vec<_>>();
    assert_eq!(balances(&read), balances(&ledger));
    let names = |ledger: &Ledger| -> Vec<_> {
        ledger.participants().map(|(_, participant)| participant.name().to_owned()).collect()
    };
    assert_eq!(names(&read), names(&ledger));
}

#[test]
fn empty_ledger_has_a_state() {
    let read = read_again(&Ledger::new(LIMITS));
    assert_eq!(read.position(), Position::default());
    assert!(read.setup().is_none());
}

/// The engine writes a state between frames; it can be written within one as well.
#[test]
fn ledger_goes_on_in_the_middle_of_a_frame() {
    let writer = genesis();
    let mut ledger = Ledger::new(LIMITS);
    let mut at = Position { sequence: Sequence(1), time: crate::testing_words::start() };
    ledger.reserve_for_frame(2);
    ledger.tick(at);
    for record in Records::new(writer.records(), writer.texts()) {
        at.sequence = at.sequence.next();
        ledger.apply(at, &record.unwrap()).unwrap();
        ledger = read_again(&ledger);
        ledger.reserve_for_frame(2);
    }
    assert_eq!(ledger.last_kind, Some(Kind::SetProfile));
    assert_eq!(ledger.ticked, Sequence(1));
}

/// Whatever single byte is changed: the state is refused, or another state is read, whose stream has that byte. So no
/// byte is without meaning, and what is read keeps every invariant, now and when time passes.
#[test]
fn every_byte_counts_and_none_breaks_a_ledger() {
    let mut bytes = GOLDEN.to_vec();
    let mut read_as_another = 0;
    for place in 0..bytes.len() {
        for change in [0x01, 0x80, 0xFF] {
            bytes[place] ^= change;
            let mut source = bytes.as_slice();
            // A state of older rules ends earlier, and whoever reads on meets what it does not expect.
            let read = Ledger::read_state(&mut source, LIMITS).ok().filter(|_| source.is_empty());
            if let Some(mut ledger) = read {
                read_as_another += 1;
                assert!(state(&ledger) == bytes, "byte {place} is lost");
                ledger.validate();
                let Position { sequence, time } = ledger.position();
                for (turn, seconds) in (1..).zip([5, 60]) {
                    let time = time.plus(Duration::from_seconds(seconds));
                    ledger.reserve_for_frame(1);
                    ledger.tick(Position { sequence: Sequence(sequence.0 + turn), time });
                    ledger.validate();
                }
            }
            bytes[place] ^= change;
        }
    }
    assert!(read_as_another > 1000, "most digests, times and names may be others: {read_as_another}");
}

#[test]
fn state_that_is_cut_short_says_where() {
    for length in (0..GOLDEN.len()).step_by(5) {
        let error = Ledger::read_state(&mut &GOLDEN[..length], LIMITS).unwrap_err();
        assert!(matches!(error, StateError::Ends { .. }), "{length}: {error}");
    }
    let error = Ledger::read_state(&mut &GOLDEN[..200], LIMITS).unwrap_err();
    assert_eq!(error.to_string(), "the state ends within section `head`");
}

/// Where each section of the golden state begins.
fn starts() -> Vec<usize> {
    let mut starts = vec![0];
    let number = |at: usize, bytes: usize| {
        GOLDEN[at..at + bytes].iter().rev().fold(0, |number, byte| number * 256 + usize::from(*byte))
    };
    while let Some(last) = starts.last().filter(|last| **last < GOLDEN.len()) {
        starts.push(last + 16 + number(last + 4, 4) * number(last + 8, 8));
    }
    starts
}

fn refusal(change: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut bytes = GOLDEN.to_vec();
    change(&mut bytes);
    Ledger::read_state(&mut bytes.as_slice(), LIMITS).unwrap_err().to_string()
}

#[test]
fn refusals_name_section_item_and_field() {
    let starts = starts();
    let [
        head,
        profiles,
        participants,
        names,
        funding,
        accounts,
        payments,
        requests,
        references,
        reservations,
        lives,
        sealed,
        runs,
        end,
    ] = starts[..]
    else {
        panic!("thirteen sections and the end: {starts:?}")
    };
    assert_eq!(end, GOLDEN.len());
    let set = |at: usize, value: u8| refusal(|bytes| bytes[at] = value);
    for (found, expected) in [
        (set(accounts, 77), "section 77 version 1 stands where this version of Solvo reads `accounts`"),
        (set(accounts + 2, 2), "section 6 version 2 stands where this version of Solvo reads `accounts`"),
        (set(accounts + 4, 65), "section `accounts` has items of 65 bytes"),
        (set(names + 8, 2), "section `names` has 2 items and not 3"),
        (set(head + 8, 2), "section `head` has 2 items and not 1"),
        (set(reservations + 8, 2), "section `reservations` has 2 items and not 3"),
        (
            set(accounts + 8 + 3, 1),
            "section `accounts` has 16777234 items, and the limits leave room for 262208",
        ),
        (set(payments + 8, 2), "section `payments` has 2 items and not 8"),
        (set(head + 16 + 27, 1), "`is_parallel` of item 0 in section `head` holds an impossible value"),
        (set(profiles + 16 + 2, 1), "`profile` of item 0 in section `profiles` holds an impossible value"),
        (
            set(participants + 16 + 112 + 11, 9),
            "`mode` of item 1 in section `participants` holds an impossible value",
        ),
        (set(names + 16 + 568 + 567, 9), "`reserved` of item 1 in section `names` holds an impossible value"),
        (set(funding + 16 + 4, 9), "`kind` of item 8 in section `accounts` holds an impossible value"),
        (set(accounts + 16 + 62, 9), "`kind` of item 0 in section `accounts` holds an impossible value"),
        (set(payments + 16 + 116, 9), "`state` of item 0 in section `payments` holds an impossible value"),
        (set(requests + 16 + 88, 10), "`kind` of item 0 in section `requests` holds an impossible value"),
        (
            set(reservations + 16 + 90, 9),
            "`stage` of item 0 in section `reservations` holds an impossible value",
        ),
        (set(lives + 16 + 8, 0), "`life` of item 0 in section `lives` holds an impossible value"),
        (set(lives + 16 + 8 + 3, 9), "`life` of item 0 in section `lives` holds an impossible value"),
        (set(sealed + 16 + 7, 1), "`floor` of item 0 in section `sealed` holds an impossible value"),
        (set(runs + 8, 65), "section `runs` has 65 items, and the limits leave room for 64"),
        (set(runs + 16 + 72, 1), "`run` of item 0 in section `runs` holds an impossible value"),
    ] {
        assert_eq!(found, expected);
    }
    let twice = refusal(|bytes| bytes.copy_within(references + 16..references + 32, references + 32));
    assert_eq!(twice, "`digest` of item 1 in section `references` holds an impossible value");
}

/// A key that is there twice would be found by chance.
#[test]
fn nothing_is_there_twice() {
    let [.., accounts, payments, requests, _, _, _, _, _, _] = starts()[..] else {
        panic!("thirteen sections")
    };
    // The accounts of two customers of A, in one currency.
    let customers: Vec<usize> = (0..30)
        .map(|item| accounts + 16 + 64 * item)
        .filter(|at| [1, 2].contains(&GOLDEN[at + 62]))
        .take(2)
        .collect();
    let account = refusal(|bytes| bytes.copy_within(customers[0] + 32..customers[0] + 48, customers[1] + 32));
    assert!(account.contains("`digest`") && account.contains("accounts"), "{account}");
    let key = |item: usize| payments + 16 + 120 * item + 56;
    let payment = refusal(|bytes| bytes.copy_within(key(0)..key(0) + 48, key(1)));
    assert!(payment.contains("`key`") && payment.contains("payments"), "{payment}");
    let request = requests + 16;
    let request = refusal(|bytes| bytes.copy_within(request..request + 16, request + 96));
    assert!(request.contains("`request`") && request.contains("requests"), "{request}");
}

/// What a ledger is made to hold, and no more.
#[test]
fn limits_below_what_is_stored_are_named() {
    let small = Limits { accounts_max: 1, payments_max: 1, requests_max: 1 };
    assert!(Ledger::read_state(&mut &GOLDEN[..], small).is_ok(), "there is room beyond the limits");
    let [.., payments, requests, _, _, _, _, _, _] = starts()[..] else { panic!("thirteen sections") };
    let error = refusal(|bytes| bytes[requests + 10] = 0xFF);
    assert!(error.contains("`requests`") && error.contains("room for 262208"), "{error}");
    // Payments are counted as well, and the count of the section comes before that.
    let error = refusal(|bytes| bytes[payments + 10] = 0xFF);
    assert!(error.contains("`payments`") && error.contains("room for 262208"), "{error}");
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the device is gone"))
    }
}

/// A snapshot lies beside the log, and whoever has both must not be able to try account numbers out.
#[test]
fn a_key_that_stands_outside_the_log_is_no_part_of_the_state() {
    let key = DigestKey::new(*b"outside the log.");
    let mut writer = crate::RecordWriter::new(key, types::PrincipalNumber(0));
    writer.genesis_without_key(ClusterId([1; 16]), Incarnation(2), 1);
    let ledger = |given: Option<DigestKey>| {
        let mut ledger = Ledger::new(LIMITS);
        given.into_iter().for_each(|key| ledger.set_digest_key(key));
        let at = Position { sequence: Sequence(1), time: Timestamp::default() };
        ledger.apply(at, &Records::erased(writer.records()).next().unwrap().unwrap()).unwrap();
        ledger
    };
    let (with, without) = (ledger(Some(key)), ledger(None));
    assert_eq!((with.setup().unwrap().digest_key, with.setup().unwrap().digest_key_id), (key, 1));
    let stored = state(&with);
    assert!(stored == state(&without), "the state is the same, with the key and without");
    assert!(!stored.windows(16).any(|window| window == key.as_bytes()));
    let read = Ledger::read_state_with_key(&mut &stored[..], LIMITS, Some(key)).unwrap();
    assert_eq!(read.setup(), with.setup());
    assert!(state(&read) == stored);
    // A log that holds its key takes no other.
    let own = Ledger::read_state(&mut &GOLDEN[..], LIMITS).unwrap();
    let given = Ledger::read_state_with_key(&mut &GOLDEN[..], LIMITS, Some(key)).unwrap();
    assert_eq!(given.setup(), own.setup());
}

#[test]
fn failing_source_is_told() {
    let error = Ledger::read_state(&mut Broken, LIMITS).unwrap_err();
    assert_eq!(error.to_string(), "the state can't be read: the device is gone");
}

/// The mistake that the simulator has to find: a deadline that is lost leaves no trace in the state itself, but time goes
/// on otherwise. The scripts of this crate compare what a ledger comes to after it was read, so they would find it.
#[test]
fn timer_that_is_lost_shows_when_its_time_comes() {
    let whole = Ledger::read_state(&mut &GOLDEN[..], LIMITS).unwrap();
    let mut lost = Ledger::read_state(&mut &GOLDEN[..], LIMITS).unwrap();
    lost.reservations.lose_first_timer();
    assert!(state(&lost) == GOLDEN);
    lost.validate();
    let [whole, lost] = [whole, lost].map(|mut ledger| {
        let Position { sequence, time } = ledger.position();
        ledger.reserve_for_frame(0);
        ledger.tick(Position { sequence: sequence.next(), time: time.plus(Duration::from_seconds(60)) });
        (ledger.decided().len(), state(&ledger))
    });
    assert!(lost.0 < whole.0, "one payment has not ended");
    assert!(lost.1 != whole.1);
}

/// What has left the table of payments is no part of it, dropped already or not.
#[test]
fn payments_on_disk_are_named_and_not_kept() {
    let mut ledger = golden_ledger();
    let [first, second] =
        [0, 1].map(|place| ledger.payments.behind(Sequence(0)).nth(place).copied().unwrap());
    assert!(first.state().is_final() && second.state().is_final());
    let before = state(&ledger).len();
    let floor = ledger.sealed_upto();
    let newest_time = ledger.position().time;
    let run = SealedRun {
        number: 5,
        after: floor,
        upto: second.sequence(),
        newest_time,
        payments: 2,
        hash: [1; 32],
    };
    ledger.payments.sealed.raise(run);
    assert_eq!(ledger.payment_count() - ledger.unsealed_count(), 2, "they are dropped later");
    assert_eq!(state(&ledger).len(), before + 80 - 2 * 120);
    let read = read_again(&ledger);
    assert_eq!((read.payment_count(), read.sealed_upto()), (ledger.unsealed_count(), second.sequence()));
    assert_eq!(read.sealed_runs(), ledger.sealed_runs());
    assert_eq!(read.newest_run_number(), 5);
    assert!(read.payment(first.sequence()).is_none());
}

#[test]
fn runs_that_do_not_follow_each_other_are_refused() {
    let wrong = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = GOLDEN.to_vec();
        change(&mut bytes);
        Ledger::read_state(&mut bytes.as_slice(), LIMITS).unwrap_err()
    };
    let runs = GOLDEN.len() - 2 * 80;
    assert!(wrong(&|bytes| bytes[runs] = 3).to_string().contains("run"), "a number is there twice");
    assert!(wrong(&|bytes| bytes[runs + 80 + 8] += 1).to_string().contains("after"), "a gap");
    assert!(wrong(&|bytes| bytes[runs + 80 + 16] += 1).to_string().contains("upto"), "not at the floor");
}
