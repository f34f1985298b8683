//! Payments that leave the table: against a ledger that keeps all of them, and one by one.

use proptest::prelude::*;
use types::{AccountNumber, PaymentState, PrincipalNumber, ReasonCode, Timestamp};

use super::*;
use crate::testing::{LIMITS, apply_frame, genesis};
use crate::testing_words::{Words, bank, key, span, start};
use crate::{Answer, AnswerEffect, AnswerPayment, AskedFor, PaymentAnswer, RecordWriter, Stage};

/// What was on disk at some moment: up to where, and how many of the payments.
#[derive(Clone, Copy)]
struct Look {
    upto: Sequence,
    count: usize,
}

/// A ledger whose payments leave the table, one whose payments stay, and the disk between them.
struct Pair {
    sealed: Ledger,
    plain: Ledger,
    disk: Vec<Payment>,
    now: Timestamp,
    /// Before the last seal, and now.
    looks: [Look; 2],
    accepted: Vec<(String, Option<Timestamp>)>,
    /// The positions of the same command in both.
    positions: Vec<[Sequence; 2]>,
    /// Positions of payments, in both.
    payments: Vec<[Sequence; 2]>,
    commands: usize,
}

impl Pair {
    fn new() -> Self {
        let look = Look { upto: Sequence(0), count: 0 };
        let mut pair = Self {
            sealed: Ledger::new(LIMITS),
            plain: Ledger::new(LIMITS),
            disk: Vec::new(),
            now: start(),
            looks: [look; 2],
            accepted: Vec::new(),
            positions: Vec::new(),
            payments: Vec::new(),
            commands: 0,
        };
        pair.both(&genesis());
        for line in [
            "bank A hosted",
            "bank C remote",
            "fund A 1000.00",
            "fund C 1000.00",
            "open A1",
            "open A2",
            "post A1 +300.00",
        ] {
            let writer = pair.command(line);
            pair.both(&writer);
        }
        pair
    }

    fn command(&mut self, line: &str) -> RecordWriter {
        self.commands += 1;
        let mut words = Words::new(line);
        let verb = words.word();
        let (mut writer, _) =
            words.command(verb, self.commands, self.now, &self.accepted, &|_, _| AccountNumber(0));
        self.accepted.extend(words.accepted.take());
        writer.mark_last_connected(|_| true);
        writer
    }

    fn frame(ledger: &mut Ledger, now: Timestamp, writer: &RecordWriter) -> Option<Outcome> {
        let at = Position { sequence: ledger.position().sequence.next(), time: now };
        apply_frame(ledger, at, writer.records(), writer.texts()).pop()
    }

    fn both(&mut self, writer: &RecordWriter) {
        Self::frame(&mut self.sealed, self.now, writer);
        Self::frame(&mut self.plain, self.now, writer);
    }

    /// What the disk held at a moment.
    fn look_up(&self, writer: &mut RecordWriter, look: Look) {
        let disk = &self.disk[..look.count];
        let found = writer.asked_for(look.upto).filter_map(|asked| match asked {
            AskedFor::Key { record, key: wanted, hash } => {
                let is_it = |payment: &&Payment| {
                    payment.stored_key(&key()) == Some(hash)
                        && payment.transaction_id().as_bytes() == wanted.id()
                };
                disk.iter().rev().find(is_it).map(|payment| (record, *payment))
            }
            AskedFor::Position { record, payment } => {
                disk.iter().find(|known| known.sequence == payment).map(|found| (record, *found))
            }
        });
        let found: Vec<_> = found.collect();
        writer.set_evidence(look.upto, &found);
    }

    /// The same command to both ledgers, to one of them with evidence, perhaps of before the last seal.
    fn submit(&mut self, plain: &RecordWriter, sealed: &RecordWriter, is_stale: bool) -> [Outcome; 2] {
        let [before, now] = self.looks;
        let mut first = sealed.clone();
        self.look_up(&mut first, if is_stale { before } else { now });
        let mut told = Self::frame(&mut self.sealed, self.now, &first).unwrap();
        if told.verdict == Verdict::AskAgain {
            assert!(is_stale, "evidence of now is enough");
            Self::frame(&mut self.plain, self.now, &RecordWriter::new(key(), PrincipalNumber(0)));
            let again = first.split().map(|record| (record, first.texts()));
            let mut again = RecordWriter::again(key(), again);
            again.mark_last_connected(|_| true);
            self.look_up(&mut again, now);
            told = Self::frame(&mut self.sealed, self.now, &again).unwrap();
        }
        let expected = Self::frame(&mut self.plain, self.now, plain).unwrap();
        self.positions.push([told.sequence, expected.sequence]);
        [told, expected]
    }

    fn pay(&mut self, line: &str, is_stale: bool) {
        let writer = self.command(line);
        let [told, expected] = self.submit(&writer, &writer, is_stale);
        self.payments.push([told.sequence, expected.sequence]);
        assert_eq!(self.translated(told), without_place(expected), "{line}");
        assert_eq!((told.accepted, told.decided_time), (expected.accepted, expected.decided_time), "{line}");
    }

    fn answer(&mut self, which: usize, accepts: bool, is_stale: bool) {
        let Some(payment) = self.payments.get(which % self.payments.len().max(1)).copied() else { return };
        let reason = ReasonCode::parse("AC04").unwrap();
        let answer = if accepts { Answer::Accept } else { Answer::Reject(reason) };
        let [sealed, plain] = payment.map(|payment| {
            let mut writer = RecordWriter::new(key(), PrincipalNumber(1));
            writer.answer(&AnswerPayment { payment, bic: bank("C"), stage: Stage::Credit, answer });
            writer
        });
        let [told, expected] = self.submit(&plain, &sealed, is_stale);
        let (
            Verdict::Answer { effect, state, reason, .. },
            Verdict::Answer { effect: was, state: stood, reason: why, .. },
        ) = (told.verdict, expected.verdict)
        else {
            panic!("answers are answered")
        };
        assert_eq!((effect, state, reason), (was, stood, why));
    }

    /// Seals as many of the oldest payments as may be, up to this many.
    fn seal(&mut self, count_max: usize) -> Option<Outcome> {
        let after = self.sealed.sealed_upto();
        let payments: Vec<Payment> = self.sealed.payments_to_seal(after, count_max).copied().collect();
        let last = payments.last()?;
        let run = SealedRun {
            number: self.sealed.newest_run_number() + 1,
            after,
            upto: last.sequence,
            newest_time: last.received_time,
            payments: payments.len().try_into().unwrap(),
            hash: [1; 32],
        };
        let stored = payments.iter().map(|payment| Payment::from_stored(&payment.to_stored()).unwrap());
        self.disk.extend(stored);
        self.looks = [self.looks[1], Look { upto: run.upto, count: self.disk.len() }];
        self.name(&run)
    }

    fn name(&mut self, run: &SealedRun) -> Option<Outcome> {
        let mut writer = RecordWriter::new(key(), PrincipalNumber(0));
        writer.seal_duplicates(run);
        let told = Self::frame(&mut self.sealed, self.now, &writer);
        Self::frame(&mut self.plain, self.now, &RecordWriter::new(key(), PrincipalNumber(0)));
        told
    }

    /// Two runs that follow each other become one.
    fn merge(&mut self) {
        // Time may have ended the first of them.
        self.both(&RecordWriter::new(key(), PrincipalNumber(0)));
        let [first, second, ..] = *self.sealed.sealed_runs() else { return };
        let (number, payments) = (self.sealed.newest_run_number() + 1, first.payments + second.payments);
        let told = self.name(&SealedRun { number, after: first.after, payments, ..second });
        assert_eq!(told.unwrap().verdict, Verdict::Done { subject: number, repeat_of: None });
    }

    /// An outcome of the one ledger as the other tells it.
    fn translated(&self, told: Outcome) -> Verdict {
        let other = |position| self.positions.iter().find(|known| known[0] == position).unwrap()[1];
        match told.verdict {
            Verdict::Payment { state, reason, repeat_of } => {
                Verdict::Payment { state, reason, repeat_of: repeat_of.map(other) }
            }
            verdict @ (Verdict::Answer { .. }
            | Verdict::Done { .. }
            | Verdict::Refused { .. }
            | Verdict::NotActive { .. }
            | Verdict::AskAgain
            | Verdict::LegBooked { .. }
            | Verdict::HoldExpired { .. }
            | Verdict::RequestEnded { .. }
            | Verdict::NotExecuted { .. }
            | Verdict::OrderEnded { .. }
            | Verdict::PackageComplete { .. }) => verdict,
        }
    }

    fn check_questions(&self) {
        for [sealed, plain] in &self.payments {
            let PaymentAnswer::Found(expected) = self.plain.payment_at(*plain) else { continue };
            let on_disk = || self.disk.iter().find(|payment| payment.sequence == *sealed).copied();
            let found = self.sealed.payment(*sealed).copied().or_else(on_disk).unwrap();
            assert_eq!(*sealed <= self.sealed.sealed_upto(), self.sealed.payment(*sealed).is_none());
            assert_eq!(
                (found.state, found.reason, found.questions),
                (expected.state, expected.reason, expected.questions)
            );
        }
        assert_eq!(self.sealed.trial_balance(), self.plain.trial_balance());
        assert_eq!(self.sealed.payment_totals(), self.plain.payment_totals());
    }
}

fn without_place(outcome: Outcome) -> Verdict {
    outcome.verdict
}

#[derive(Clone, Debug)]
enum Step {
    Pay { id: u8, remote: bool, amount: u8, is_stale: bool, refused: bool },
    Answer { which: usize, accepts: bool, is_stale: bool },
    Seal(usize),
    Merge,
    Wait(&'static str),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..12_u8, any::<bool>(), 1..3_u8, any::<bool>(), proptest::bool::weighted(0.1)).prop_map(
            |(id, remote, amount, is_stale, refused)| Step::Pay { id, remote, amount, is_stale, refused }
        ),
        4 => (0..64_usize, any::<bool>(), any::<bool>())
            .prop_map(|(which, accepts, is_stale)| Step::Answer { which, accepts, is_stale }),
        3 => (1..6_usize).prop_map(Step::Seal),
        1 => Just(Step::Merge),
        3 => prop_oneof![Just("1ms"), Just("3s"), Just("8s"), Just("2d"), Just("3d+1ns")].prop_map(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// However payments leave the table, and however old the evidence is with which others come, everybody is told what
    /// a ledger tells that forgets nothing before its time.
    #[test]
    fn nobody_notices_that_payments_are_on_disk(steps in proptest::collection::vec(step(), 1..80)) {
        let mut pair = Pair::new();
        for step in steps {
            match step {
                Step::Pay { id, remote, amount, is_stale, refused } => {
                    let payee = if remote { "C1" } else { "A2" };
                    let refused = if refused { " refused FF01" } else { "" };
                    pair.pay(&format!("pay T{id} A1 {payee} {amount}.00{refused}"), is_stale);
                }
                Step::Answer { which, accepts, is_stale } => pair.answer(which, accepts, is_stale),
                Step::Seal(count_max) => {
                    if let Some(told) = pair.seal(count_max) {
                        prop_assert!(matches!(told.verdict, Verdict::Done { .. }), "{:?}", told);
                    }
                }
                Step::Merge => pair.merge(),
                Step::Wait(time) => pair.now = pair.now.plus(span(time)),
            }
            pair.check_questions();
        }
    }
}

#[test]
fn without_evidence_that_reaches_the_floor_nothing_is_decided() {
    let mut pair = Pair::new();
    pair.pay("pay T1 A1 A2 10.00", false);
    pair.seal(9).unwrap();
    let before = pair.sealed.trial_balance();
    for line in ["pay T1 A1 A2 10.00", "pay T2 A1 A2 10.00", "pay T3 A1 A2 10.00 refused FF01"] {
        let writer = pair.command(line);
        let told = Pair::frame(&mut pair.sealed, pair.now, &writer).unwrap();
        assert_eq!(told.verdict, Verdict::AskAgain);
        assert!(told.to_entry().is_asked_again());
        let payment = pair.sealed.payment_at(told.sequence);
        assert!(matches!(payment, PaymentAnswer::NotFound { is_final: true } | PaymentAnswer::Forgotten));
    }
    // Whoever may not act for the bank touches no key.
    let stranger = pair.command("pay T4 A1 A2 10.00 stranger");
    let told = Pair::frame(&mut pair.sealed, pair.now, &stranger).unwrap();
    let reason = Some(ReasonCode::parse("RC01").unwrap());
    assert_eq!(told.verdict, Verdict::Payment { state: PaymentState::Rejected, reason, repeat_of: None });
    assert_eq!(pair.sealed.trial_balance(), before);
}

#[test]
fn a_bank_that_answers_about_a_payment_on_disk_is_told_what_is_true() {
    let mut pair = Pair::new();
    pair.pay("pay T1 A1 C1 10.00", false);
    pair.now = pair.now.plus(span("8s"));
    pair.pay("pay T2 A1 A2 10.00", false);
    pair.seal(9).unwrap();
    let [payment, _] = pair.payments[0];
    let mut writer = RecordWriter::new(key(), PrincipalNumber(1));
    writer.answer(&AnswerPayment { payment, bic: bank("C"), stage: Stage::Credit, answer: Answer::Accept });
    assert_eq!(Pair::frame(&mut pair.sealed, pair.now, &writer).unwrap().verdict, Verdict::AskAgain);
    pair.look_up(&mut writer, pair.looks[1]);
    let told = Pair::frame(&mut pair.sealed, pair.now, &writer).unwrap();
    let Verdict::Answer { effect, state, .. } = told.verdict else { panic!("{told:?}") };
    assert_eq!((effect, state), (AnswerEffect::Late, Some(PaymentState::Expired)));
}

#[test]
fn a_run_that_does_not_fit_changes_nothing() {
    let mut pair = Pair::new();
    pair.pay("pay T1 A1 A2 10.00", false);
    pair.pay("pay T2 A1 C1 10.00", false);
    pair.pay("pay T3 A1 A2 10.00", false);
    let [first, reserved, last] = [0, 1, 2].map(|place| pair.payments[place][0]);
    let newest_time = pair.now;
    let right =
        SealedRun { number: 1, after: Sequence(0), upto: first, newest_time, payments: 1, hash: [0; 32] };
    let wrong = [
        SealedRun { upto: reserved, payments: 2, ..right },
        SealedRun { upto: last, payments: 3, ..right },
        SealedRun { after: Sequence(1), ..right },
        SealedRun { newest_time: newest_time.minus(span("1ns")), ..right },
        SealedRun { upto: Sequence(10_000), payments: 9, ..right },
    ];
    for run in wrong {
        let told = pair.name(&run).unwrap();
        assert_eq!(told.verdict, Verdict::Refused { refusal: Refusal::RunMisplaced, repeat_of: None });
        assert_eq!((pair.sealed.sealed_upto(), pair.sealed.sealed_runs().len()), (Sequence(0), 0));
    }
    assert!(matches!(pair.name(&right).unwrap().verdict, Verdict::Done { .. }));
    let again = pair.name(&right).unwrap();
    assert!(matches!(again.verdict, Verdict::Refused { .. }), "a number is used once");
    assert_eq!(pair.sealed.sealed_runs(), [right]);
}

#[test]
fn runs_are_listed_until_their_newest_payment_is_older_than_the_window() {
    let mut pair = Pair::new();
    pair.pay("pay T1 A1 A2 10.00", false);
    pair.now = pair.now.plus(span("1d"));
    pair.pay("pay T2 A1 A2 10.00", false);
    pair.seal(2).unwrap();
    pair.now = pair.now.plus(span("5d"));
    pair.both(&RecordWriter::new(key(), PrincipalNumber(0)));
    assert_eq!(pair.sealed.sealed_runs().len(), 1, "the newest is just as old as it may be");
    // The first is older than the window, and its key is free again; the second is not.
    pair.pay("pay T1 A1 A2 10.00", false);
    pair.pay("pay T2 A1 A2 10.00", false);
    pair.now = pair.now.plus(span("1ns"));
    pair.both(&RecordWriter::new(key(), PrincipalNumber(0)));
    assert_eq!(pair.sealed.sealed_runs(), []);
    assert_ne!(pair.sealed.sealed_upto(), Sequence(0), "the floor stays");
}

/// Payments leave the table a few at each tick, and none of them counts meanwhile.
#[test]
fn what_is_sealed_leaves_the_table() {
    let mut pair = Pair::new();
    (0..40).for_each(|id| pair.pay(&format!("pay T{id} A1 A2 0.01"), false));
    assert_eq!(pair.sealed.unsealed_count(), 40);
    pair.seal(30).unwrap();
    assert_eq!((pair.sealed.unsealed_count(), pair.sealed.payment_count()), (10, 40));
    pair.both(&RecordWriter::new(key(), PrincipalNumber(0)));
    assert_eq!((pair.sealed.unsealed_count(), pair.sealed.payment_count()), (10, 10));
    assert_eq!(pair.sealed.payment_totals().settled, 40);
}
