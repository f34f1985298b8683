//! Many payments that wait at once: bounded ticks, what no tick has come to yet, and lists page by page.

use types::{
    AccountNumber, Channel, Duration, PaymentState, PrincipalNumber, ReasonCode, Sequence, StatusReason,
    Timestamp,
};

use crate::limits::ENDED_PER_TICK_MAX;
use crate::testing::{LIMITS, apply_frame, apply_records, genesis, read_again};
use crate::testing_words::{Words, bank, iban, key, order, start};
use crate::{AnswerEffect, Ledger, Outcome, Position, Profile, RecordWriter, Records, Verdict};

/// One more than a tick takes: the others follow in order, and meanwhile count as expired.
#[test]
fn mass_expiry_takes_several_ticks() {
    let count = ENDED_PER_TICK_MAX + 1000;
    let mut node = Node::with_payments(count);
    node.frame(Duration::from_seconds(7), "");
    assert_eq!(node.decided.len(), ENDED_PER_TICK_MAX);
    assert!(node.decided.is_sorted_by_key(|outcome| outcome.sequence));
    assert_eq!(node.ledger.next_due(), Some(start().plus(Duration::from_seconds(7))), "more is due");
    let unswept = Sequence(node.first.0 + u64::try_from(count).unwrap() - 1);
    assert_eq!(node.ledger.open_question(unswept).unwrap().payment, unswept);

    // An answer and a retry find those expired that no tick has come to, also in a ledger that was read.
    node.ledger = read_again(&node.ledger);
    node.frame(Duration::from_seconds(7), &format!("answer {} C yes", count - 1));
    assert_eq!(node.decided.len(), 1000);
    assert_eq!(node.ledger.reservation_count(), 0);
    assert_eq!(node.ledger.next_due(), None);
    assert!(matches!(
        node.outcomes[0].verdict,
        Verdict::Answer { effect: AnswerEffect::Late, state: Some(PaymentState::Expired), .. }
    ));
    node.ledger.validate();
}

/// Bounded ticks, and commands that meet what no tick has come to.
#[test]
fn what_is_due_and_not_swept_has_ended() {
    let count = ENDED_PER_TICK_MAX + 3;
    for command in ["answer {last} C yes", "pay T{last} A1 C1 0.01 accepted @0s", "refuse T{last} A FF01"] {
        let mut node = Node::with_payments(count);
        let last = count - 1;
        node.frame(Duration::from_seconds(8), &command.replace("{last}", &last.to_string()));
        let changed_body = command.starts_with("refuse");
        assert_eq!(node.decided.len(), ENDED_PER_TICK_MAX + usize::from(!changed_body), "{command}");
        assert_eq!(node.ledger.reservation_count(), if changed_body { 3 } else { 2 }, "{command}");
        if !changed_body {
            let decided = node.decided.last().unwrap();
            assert_eq!(decided.decided_at, node.tick, "{command}: the tick decides");
            if let Verdict::Payment { state, repeat_of, .. } = node.outcomes[0].verdict {
                assert_eq!((state, repeat_of), (PaymentState::Expired, Some(decided.sequence)));
                assert_eq!(node.outcomes[0].decided_at, node.tick);
            } else {
                let late = node.ledger.answer_totals().of(AnswerEffect::Late);
                assert_eq!(late, 1, "{command}");
            }
        }
        node.frame(Duration::from_seconds(8), "");
        assert_eq!(node.ledger.reservation_count(), 0);
    }
}

#[test]
fn a_profile_that_changes_leaves_open_payments_alone() {
    let mut node = Node::with_payments(1);
    let mut writer = RecordWriter::new(key(), PrincipalNumber(0));
    let mut profile = Profile::sct_inst_2025();
    profile.expiry = Duration::from_seconds(6);
    profile.timeout_to_originator = ReasonCode::parse("AB06").unwrap();
    writer.set_profile(&profile);
    node.apply(Duration::from_seconds(1), &writer);
    node.frame(Duration::from_seconds(6), "");
    assert_eq!(node.decided.len(), 0);
    node.frame(Duration::from_seconds(7), "");
    let reason = Some(StatusReason::TimeoutCreditorAgent.code());
    let verdict = Verdict::Payment { state: PaymentState::Expired, reason, repeat_of: None };
    assert_eq!(node.decided[0].verdict, verdict);
}

/// Open questions page by page, while some of them are answered.
#[test]
fn open_questions_page_by_page() {
    let mut node = Node::with_payments(10);
    let bic = bank("C");
    let page = |node: &Node, from| {
        let page = node.ledger.open_questions(bic, from, 4).unwrap();
        let positions = page.questions.iter().map(|question| question.payment.0 - node.first.0);
        (positions.collect::<Vec<_>>(), page.next)
    };
    let (first, next) = page(&node, None);
    assert_eq!(first, [0, 1, 2, 3]);
    assert_eq!(page(&node, next).0, [4, 5, 6, 7]);
    // The last one shown goes, and one before it, and one behind it.
    node.frame(Duration::ZERO, "answer 3 C yes | answer 1 C yes | answer 4 C no AC04");
    let (second, next) = page(&node, next);
    assert_eq!(second, [5, 6, 7, 8]);
    let (third, next) = page(&node, next);
    assert_eq!((third, next), (vec![9], None));
    assert!(node.ledger.open_questions(bank("X"), None, 4).is_none());
}

/// A ledger that was read has other slots. Its lists are the same, and go on where those of the one before ended.
#[test]
fn lists_go_on_in_a_ledger_that_was_read() {
    let mut node = Node::with_payments(1500);
    let answered: Vec<_> = (3..700).filter(|number| number % 97 != 0).collect();
    for numbers in answered.chunks(300) {
        let answers: Vec<_> = numbers.iter().map(|number| format!("answer {number} C yes")).collect();
        node.frame(Duration::ZERO, &answers.join(" | "));
    }
    let read = read_again(&node.ledger);
    let page = |ledger: &Ledger, from| {
        let page = ledger.open_questions(bank("C"), from, 100).unwrap();
        (page.questions.iter().map(|question| question.payment).collect::<Vec<_>>(), page.next)
    };
    let (mut from, mut listed) = (None, 0);
    loop {
        let (whole, next) = page(&node.ledger, from);
        assert_eq!(page(&read, from).0, whole);
        listed += whole.len();
        match next {
            Some(next) => from = Some(next),
            None => break,
        }
    }
    assert_eq!(listed, 1500 - answered.len());
}

/// A ledger with payments from A1 to bank C, all open and of one frame; positions are counted from the first.
struct Node {
    ledger: Ledger,
    first: Sequence,
    tick: Sequence,
    outcomes: Vec<Outcome>,
    decided: Vec<Outcome>,
}

impl Node {
    fn with_payments(count: usize) -> Self {
        let mut ledger = Ledger::new(LIMITS);
        let first = genesis();
        let at = |sequence| Position { sequence: Sequence(sequence), time: start() };
        apply_frame(&mut ledger, at(1), first.records(), first.texts());
        let mut node =
            Self { ledger, first: Sequence(0), tick: Sequence(0), outcomes: Vec::new(), decided: Vec::new() };
        node.frame(
            Duration::ZERO,
            "bank A hosted | bank C remote | open A1 | post A1 +90000.00 | fund A 90000.00",
        );
        let (mut records, mut texts) = (Vec::new(), Vec::new());
        for number in 0..count {
            let mut writer = RecordWriter::new(key(), PrincipalNumber(1));
            let mut order = order(&format!("T{number}"), iban("A1"), iban("C1"));
            order.creditor_agent = bank("C");
            writer.payment(&order, start(), Channel::Grpc, |_, _| AccountNumber(0));
            writer.mark_last_connected(|_| true);
            records.extend_from_slice(writer.records());
            texts.extend_from_slice(writer.texts());
        }
        node.first = Sequence(node.ledger.position().sequence.0 + 2);
        // All checks after each of thousands of payments would take their time; once at the end will do.
        let mut position = at(node.first.0 - 1);
        node.ledger.reserve_for_frame(count);
        node.ledger.tick(position);
        for record in Records::new(&records, &texts) {
            position.sequence = position.sequence.next();
            node.ledger.apply(position, &record.unwrap()).unwrap();
        }
        node.ledger.validate();
        assert_eq!(node.ledger.reservation_count(), count);
        node
    }

    /// One frame of commands, so long after the start.
    fn frame(&mut self, after: Duration, commands: &str) {
        let mut writer = RecordWriter::new(key(), PrincipalNumber(1));
        let time = start().plus(after);
        let mut records = (Vec::new(), Vec::new());
        for (count, command) in commands.split('|').map(str::trim).filter(|line| !line.is_empty()).enumerate()
        {
            let mut words = Words::new(command);
            let position = |label: &str| Sequence(self.first.0 + label.parse::<u64>().unwrap());
            let unique = usize::try_from(self.ledger.position().sequence.0).unwrap() * 100 + count;
            let known = [];
            writer = match words.word() {
                "answer" => words.answer(&position).0,
                verb => words.command(verb, unique, time, &known, &|_, _| AccountNumber(0)).0,
            };
            records.0.extend_from_slice(writer.records());
            records.1.extend_from_slice(writer.texts());
        }
        drop(writer);
        self.apply_records(time, &records.0, &records.1);
    }

    fn apply(&mut self, after: Duration, writer: &RecordWriter) {
        self.apply_records(start().plus(after), writer.records(), writer.texts());
    }

    fn apply_records(&mut self, time: Timestamp, records: &[u8], texts: &[u8]) {
        let first = Position { sequence: self.ledger.position().sequence.next(), time };
        self.tick = first.sequence;
        let applied = apply_records(&mut self.ledger, first, &Records::new(records, texts));
        self.outcomes = applied.outcomes;
        self.decided = applied.decided;
    }
}
