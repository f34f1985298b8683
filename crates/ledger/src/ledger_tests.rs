//! The ledger as a whole: what can't stand in a log, and random sequences of commands.

use proptest::prelude::*;
use types::{Channel, Duration, PrincipalNumber};

use super::*;
use crate::testing::{LIMITS, apply_frame, check, genesis};
use crate::testing_words::{iban, key, order, start};
use crate::{Evidence, MessageName, Passage, RecordWriter, Records};

fn position(sequence: u64) -> Position {
    Position { sequence: Sequence(sequence), time: start() }
}

fn apply(ledger: &mut Ledger, sequence: u64, writer: &RecordWriter) -> Result<Outcome, ReplayError> {
    ledger.reserve_for_frame(1);
    let record = Records::new(writer.records(), writer.texts()).next().unwrap().unwrap();
    ledger.apply(position(sequence), &record)
}

#[test]
fn log_starts_with_its_genesis_and_has_one() {
    let mut profile = RecordWriter::new(key(), PrincipalNumber(0));
    profile.set_profile(&Profile::sct_inst_2025());
    let mut ledger = Ledger::new(LIMITS);
    ledger.tick(position(1));
    assert_eq!(apply(&mut ledger, 2, &profile), Err(ReplayError::Genesis));
    assert_eq!(ledger.setup(), None);
    apply(&mut ledger, 2, &genesis()).unwrap();
    assert_eq!(apply(&mut ledger, 3, &genesis()), Err(ReplayError::Genesis));
    let setup = ledger.setup().unwrap();
    assert_eq!((setup.incarnation, setup.digest_key), (Incarnation(7), key()));
    assert!(apply(&mut ledger, 4, &profile).is_ok());
}

#[test]
fn payment_needs_a_profile() {
    let mut ledger = Ledger::new(LIMITS);
    apply(&mut ledger, 1, &genesis()).unwrap();
    let mut payment = RecordWriter::new(key(), PrincipalNumber(1));
    payment.payment(&order("T1", iban("A1"), iban("A2")), start(), Channel::Grpc, |_, _| {
        types::AccountNumber(0)
    });
    assert_eq!(apply(&mut ledger, 2, &payment), Err(ReplayError::Profile(1)));
}

/// What a document is about stands before it; a log that says otherwise is not one that Solvo wrote.
#[test]
fn evidence_follows_what_it_is_about() {
    let document = |about| Evidence {
        about,
        passage: Passage::Received,
        message_name: MessageName::parse("pacs.008.001.08").unwrap(),
        counterpart: None,
        document_length: 3,
        compressed: b"...".to_vec(),
    };
    let alone = |about| {
        let mut writer = RecordWriter::new(key(), PrincipalNumber(1));
        writer.evidence(&document(about));
        writer
    };
    let mut ledger = Ledger::new(LIMITS);
    let first = genesis();
    apply_frame(&mut ledger, position(1), first.records(), first.texts());

    let mut together = RecordWriter::new(key(), PrincipalNumber(1));
    together.payment(&order("T1", iban("A1"), iban("A2")), start(), Channel::Grpc, |_, _| {
        types::AccountNumber(0)
    });
    together.evidence(&document(About::RecordBefore));
    assert_eq!(Records::new(together.records(), together.texts()).last().unwrap().unwrap().text, b"...");
    let mut records = Records::new(together.records(), together.texts());
    let done = Verdict::Done { subject: 0, repeat_of: None };
    ledger.tick(position(10));
    ledger.reserve_for_frame(2);
    ledger.apply(position(11), &records.next().unwrap().unwrap()).unwrap();
    assert_eq!(ledger.apply(position(12), &records.next().unwrap().unwrap()).unwrap().verdict, done);
    assert_eq!(ledger.payment_count(), 1, "evidence is on disk alone");

    // Written by hand: the writer would not.
    let behind = together.split().last().unwrap();
    let behind = Records::new(behind, b"...").next().unwrap().unwrap();
    assert_eq!(ledger.apply(position(13), &behind), Err(ReplayError::Evidence), "behind a document");
    ledger
        .apply(position(14), &Records::new(together.records(), together.texts()).next().unwrap().unwrap())
        .unwrap();
    ledger.tick(position(20));
    assert_eq!(ledger.apply(position(21), &behind), Err(ReplayError::Evidence), "in the frame after");

    let about = |position| About::Payment(Sequence(position));
    assert_eq!(apply(&mut ledger, 30, &alone(about(30))), Err(ReplayError::Evidence));
    assert_eq!(apply(&mut ledger, 31, &alone(about(30))).unwrap().verdict, done);
    assert_eq!(apply(&mut ledger, 32, &alone(About::NoPayment)).unwrap().verdict, done);
}

/// A profile that is set again replaces the one with its number.
#[test]
fn profile_is_replaced_by_its_number() {
    let mut ledger = Ledger::new(LIMITS);
    let first = genesis();
    apply_frame(&mut ledger, position(1), first.records(), first.texts());
    let longer = Profile { expiry: Duration::from_seconds(9), ..Profile::sct_inst_2025() };
    let other = Profile { number: 2, ..longer };
    for (sequence, profile) in [(10, longer), (11, other), (12, longer)] {
        let mut writer = RecordWriter::new(key(), PrincipalNumber(0));
        writer.set_profile(&profile);
        apply(&mut ledger, sequence, &writer).unwrap();
    }
    assert_eq!(ledger.profiles, [other, longer]);
}

#[test]
#[should_panic(expected = "positions ascend")]
fn position_used_twice_is_our_bug() {
    let mut ledger = Ledger::new(LIMITS);
    ledger.tick(position(1));
    ledger.tick(position(1));
}

#[test]
#[should_panic(expected = "time never runs backwards")]
fn time_that_runs_backwards_is_our_bug() {
    let mut ledger = Ledger::new(LIMITS);
    ledger.tick(position(1));
    ledger.tick(Position { sequence: Sequence(2), time: start().minus(Duration::from_seconds(1)) });
}

/// A line of a script about recalls: of payments that were made, and of others.
fn recall_line() -> impl Strategy<Value = String> {
    let bank = || proptest::sample::select(&["A", "A", "B", "B", "C", "M"][..]);
    let account = || (bank(), 1..3_u8).prop_map(|(bank, number)| format!("{bank}{number}"));
    let amount = || (1..600_u32).prop_map(|cents| format!("{}.{:02}", cents / 100, cents % 100));
    let (id, recall) = (0..8_u8, 0..4_u8);
    let reason = proptest::sample::select(&["DUPL", "FRAD", "CUST"][..]);
    let fee = proptest::sample::select(&["", "fee 0.10"][..]);
    let sort = proptest::sample::select(&["", "consent", "consent", "elsewhere"][..]);
    let refusal =
        proptest::sample::select(&["keep CUST", "keep AM04", "keep AC04", "over NOAS", "over AC04"][..]);
    prop_oneof![
        4 => (id.clone(), account(), account(), amount(), reason, recall.clone()).prop_map(
            |(id, payer, payee, amount, reason, recall)| {
                format!("recall T{id} {payer} {payee} {amount} {reason} id Q{recall}")
            }
        ),
        4 => (recall.clone(), id.clone(), bank(), amount(), fee, sort).prop_map(
            |(recall, id, bank, amount, fee, sort)| format!("return Q{recall} T{id} {bank} {amount} {fee} {sort}")
        ),
        1 => (recall, id, bank(), refusal).prop_map(|(recall, id, bank, refusal)| {
            let (verb, code) = refusal.split_once(' ').unwrap();
            format!("{verb} Q{recall} T{id} {bank} {code}")
        }),
        1 => (bank(), any::<bool>()).prop_map(|(bank, answered)| {
            format!("silence {bank} {}", if answered { "answered" } else { "own" })
        }),
    ]
}

/// A line of a script. Names are few, so that commands meet.
fn line() -> impl Strategy<Value = String> {
    let bank = prop_oneof![4 => Just("A"), 3 => Just("B"), 1 => Just("C"), 2 => Just("M"), 1 => Just("X")];
    let bank = bank.prop_map(str::to_owned).boxed();
    let account = (bank.clone(), 1..5_u8).prop_map(|(bank, number)| format!("{bank}{number}")).boxed();
    let cents = prop_oneof![1..2000_u32, Just(99_999_999_u32)];
    let amount = cents.prop_map(|cents| format!("{}.{:02}", cents / 100, cents % 100)).boxed();
    let currency = prop_oneof![8 => Just(""), 1 => Just("USD"), 1 => Just("GBP")];
    let id = (0..8_u8).prop_map(|id| id.to_string()).boxed();
    // Requests often repeat an id, with the same or another body; most are new.
    let request = prop_oneof![3 => Just(String::new()), 1 => id.clone().prop_map(|id| format!("id R{id}"))];
    let accepted = prop_oneof![
        6 => Just(""), 1 => Just("accepted none"), 1 => Just("accepted -8s"), 1 => Just("accepted +2s")
    ];
    let verb = |verbs: &'static [&'static str]| proptest::sample::select(verbs);
    let account2 = account.clone();
    prop_oneof![
        2 => (bank.clone(), verb(&["hosted", "remote", "mixed"]), currency.clone(), request.clone())
            .prop_map(|(bank, mode, currency, id)| format!("bank {bank} {mode} {currency} {id}")),
        1 => (verb(&["suspend", "resume"]), bank.clone(), request.clone())
            .prop_map(|(verb, bank, id)| format!("{verb} {bank} {id}")),
        3 => (account.clone(), verb(&["", "savings", "floor -5.00"]), currency.clone(), request.clone())
            .prop_map(|(account, sort, currency, id)| format!("open {account} {sort} {currency} {id}")),
        1 => (verb(&["close", "block", "unblock"]), account.clone(), request.clone())
            .prop_map(|(verb, account, id)| format!("{verb} {account} {id}")),
        1 => (account.clone(), verb(&["0.00", "-9.00", "1.00", "-max"]), request.clone())
            .prop_map(|(account, floor, id)| format!("floor {account} {floor} {id}")),
        3 => (account.clone(), verb(&["+", "+", "-"]), amount.clone(), currency.clone(), request.clone())
            .prop_map(|(account, sign, amount, currency, id)| {
                format!("post {account} {sign}{amount} {currency} {id}")
            }),
        2 => (verb(&["fund", "fund", "defund"]), bank.clone(), amount.clone(), id.clone(), request)
            .prop_map(|(verb, bank, amount, reference, id)| {
                format!("{verb} {bank} {amount} ref F{reference} {id}")
            }),
        12 => (id.clone(), account.clone(), account, amount, currency, accepted)
            .prop_map(|(id, payer, payee, amount, currency, accepted)| {
                format!("pay T{id} {payer} {payee} {amount} {currency} {accepted}")
            }),
        1 => (id.clone(), bank.clone()).prop_map(|(id, bank)| format!("refuse T{id} {bank} FF01")),
        6 => (id, bank.clone(), verb(&["yes", "yes", "no AC04"]), verb(&["", "", "debit"]))
            .prop_map(|(id, bank, answer, stage)| format!("answer T{id} {bank} {answer} {stage}")),
        1 => (bank.clone(), verb(&["debits", "credits"]), verb(&["nothing", "flagged", "above 5.00", "all"]),
              verb(&["", "accept"]))
            .prop_map(|(bank, side, scope, silence)| format!("decide {bank} {side} {scope} {silence}")),
        1 => (verb(&["flag", "unflag"]), account2).prop_map(|(verb, account)| format!("{verb} {account}")),
        1 => (bank.clone(), 0..4_u8).prop_map(|(bank, limit)| format!("limit {bank} {limit}")),
        6 => recall_line(),
        1 => (verb(&["online", "online", "offline"]), bank).prop_map(|(verb, bank)| format!("{verb} {bank}")),
        1 => Just("tick".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever comes in whatever order: every invariant holds after every command, hints and the way in which
    /// tables grew change nothing, and a replay gives the same bytes. `check` sees to all of it.
    #[test]
    fn random_commands_keep_every_invariant(
        lines in proptest::collection::vec((line(), 0..20_u8), 1..120)
    ) {
        let mut script = "bank A hosted | bank B hosted | bank C remote | fund A 90.00 | open A1 | open B1 => any
            post A1 +50.00 | online A | online B | online C | closing 2026 | closing 2027 => any
            ".to_owned();
        let (mut days, mut seconds) = (0, 0);
        let mut in_frame = false;
        for (line, turn) in lines {
            // Now and then three days pass, so that some keys are forgotten and others are not, and oftener some
            // seconds, so that some questions end and others do not.
            if turn == 0 && !in_frame {
                days += 3;
                script += &format!("at {days}d+{seconds}s\n");
            }
            if turn > 16 && !in_frame {
                seconds += 2;
                script += &format!("at {days}d+{seconds}s\n");
            }
            // Some commands share a frame.
            if turn == 1 && !in_frame {
                script += "frame {\n";
                in_frame = true;
            } else if turn == 2 && in_frame {
                script += "}\n";
                in_frame = false;
            }
            if line.starts_with("online") || line.starts_with("offline") {
                script += &format!("{line}\n");
            } else if line != "tick" {
                script += &format!("{line} => any\n");
            } else if !in_frame {
                script += "tick\n";
            }
        }
        script += if in_frame { "}\n" } else { "" };
        check(&(script + &format!("at {}d\ntick\nbooks => all zero", days + 1)));
    }
}
