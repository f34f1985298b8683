//! The step and a sealer beside it: payments leave the table while others come with evidence of every age.

use journal::{MemoryJournal, MemoryStorage, Storage, run_name};
use ledger::{Outcome, SealMarks, Verdict};
use types::PaymentState;

use super::*;
use crate::testing::{
    Node, SECOND, Told, answer, by_key, commands, enter_remote, identity, key, now, pay, pay_remote, payment,
};
use crate::{Answered, Event, Handing, Sealer, Slice};

const MARKS: SealMarks = SealMarks { above: 4, run_payments: 4 };

/// A node, its disk, and what seals.
struct Sealed {
    node: Node<MemoryJournal>,
    storage: MemoryStorage,
    duplicates: Arc<Duplicates>,
    handing: Handing,
    sealer: Sealer<MemoryStorage>,
    tickets: u32,
}

impl Sealed {
    fn new() -> Self {
        let (node, storage) = (Node::with_world(), MemoryStorage::new());
        let (duplicates, sealer) = open(&storage, &node).unwrap();
        Self { node, storage, duplicates, handing: Handing::new(Some(MARKS)), sealer, tickets: 10 }
    }

    fn ticket(&mut self) -> u32 {
        self.tickets += 1;
        self.tickets
    }

    /// Submits commands as they are and returns what their ticket was told in the end.
    fn submit(&mut self, commands: RecordWriter) -> Vec<Outcome> {
        let ticket = self.ticket();
        self.node.submit(ticket, commands);
        self.node.write_all();
        while let Some(place) = self.node.told.iter().position(|told| matches!(told, Told::AskAgain(_))) {
            let Told::AskAgain(mut again) = self.node.told.remove(place) else { unreachable!() };
            assert_eq!(again.ticket, ticket);
            self.duplicates.look_up_again(&mut again).unwrap();
            self.node.step(Event::Submit(again));
            self.node.write_all();
        }
        self.node.outcomes_of(ticket)
    }

    /// The same with a look on disk before.
    fn submit_looked_up(&mut self, mut commands: RecordWriter) -> Vec<Outcome> {
        self.duplicates.look_up(&mut commands).unwrap();
        self.submit(commands)
    }

    /// Makes a run, if there are too many payments, and returns it before the log names it.
    fn make_run(&mut self) -> Option<SealedRun> {
        let told = self.node.core.ledger().position().sequence;
        loop {
            let slice = self.handing.step(self.node.core.ledger(), told)?;
            self.sealer.take(&slice).unwrap();
            while self.sealer.is_ending() {
                if let Some(run) = self.sealer.step(1).unwrap() {
                    return Some(run);
                }
            }
        }
    }

    fn name(&mut self, run: &SealedRun) -> bool {
        let ticket = self.ticket();
        self.node.step(Event::Submit(Submission::naming(run, key(), ticket)));
        self.node.write_all();
        let is_named = matches!(self.node.outcomes_of(ticket)[0].verdict, Verdict::Done { .. });
        if self.sealer.is_new(run.number) {
            self.handing.ended();
        }
        self.sealer.named(run.number, is_named).unwrap();
        is_named
    }

    fn seal_all(&mut self) {
        while let Some(run) = self.make_run() {
            assert!(self.name(&run));
        }
    }

    fn ask(&mut self, question: Question) -> Answered {
        let ticket = self.ticket();
        self.node.ask(ticket, question);
        self.node.write_all();
        self.node.idle();
        self.node.write_all();
        match self.node.told.pop().unwrap() {
            Told::LookUp(mut look_up) => {
                self.duplicates.complete(&mut look_up, &key()).unwrap();
                look_up.into_answer().1
            }
            Told::Answer(_, answered) => *answered,
            told @ (Told::Outcomes(..)
            | Told::AskAgain(_)
            | Told::Late(_)
            | Told::Halt(_)
            | Told::Stopped) => panic!("{told:?}"),
        }
    }

    /// Replays the log, once everything is told.
    fn check_log(&mut self) {
        self.node.advance(SECOND);
        self.node.write_all();
        self.node.check_log();
    }

    fn files(&self) -> Vec<String> {
        self.storage.list().unwrap()
    }
}

fn open(
    storage: &MemoryStorage,
    node: &Node<MemoryJournal>,
) -> Result<(Arc<Duplicates>, Sealer<MemoryStorage>), RunError> {
    let duplicates = Arc::new(Duplicates::default());
    let sealer = Sealer::open(storage.clone(), identity(), node.core.ledger(), Arc::clone(&duplicates))?;
    Ok((duplicates, sealer))
}

fn payments(ids: std::ops::Range<u32>) -> RecordWriter {
    let mut writer = commands();
    ids.for_each(|id| pay(&mut writer, &format!("T{id}"), 100, now().wall));
    writer
}

fn settled(repeat_of: Option<Sequence>) -> Verdict {
    Verdict::Payment { state: PaymentState::Settled, reason: None, repeat_of }
}

fn found(answered: &Answered) -> Option<(Sequence, PaymentState)> {
    let Answer::Payment(PaymentAnswer::Found(payment)) = &answered.answer else { return None };
    Some((payment.sequence(), payment.state()))
}

#[test]
fn a_retry_of_a_payment_on_disk_gets_the_stored_answer() {
    let mut sealed = Sealed::new();
    let first = sealed.submit(payments(0..10));
    sealed.seal_all();
    assert_eq!(sealed.files(), [run_name(1), run_name(2)]);
    let floor = sealed.node.core.ledger().sealed_upto();
    assert_eq!(floor, first[7].sequence);
    let again = sealed.submit_looked_up(payments(0..10));
    for (outcome, first) in again.iter().zip(&first) {
        assert_eq!(outcome.verdict, settled(Some(first.sequence)));
        assert_eq!((outcome.decided_time, outcome.accepted), (first.decided_time, first.accepted));
    }
    let mut changed = commands();
    pay(&mut changed, "T3", 101, now().wall);
    let told = sealed.submit_looked_up(changed);
    let Verdict::Payment { reason: Some(reason), repeat_of: None, .. } = told[0].verdict else { panic!() };
    assert_eq!(reason.as_str(), "AM05");
    sealed.check_log();
}

/// Evidence from before a run is named decides nothing; the submission is told as a whole, once, with its documents.
#[test]
fn evidence_that_is_too_old_is_looked_up_again() {
    let mut sealed = Sealed::new();
    let first = sealed.submit(payments(0..9));
    let mut late = payments(2..4);
    crate::testing::set_status(&mut late, "between", "B", ledger::ParticipantStatus::Active);
    pay(&mut late, "T20", 100, now().wall);
    sealed.seal_all();
    let told = sealed.submit(late);
    let verdicts: Vec<Verdict> = told.iter().map(|outcome| outcome.verdict).collect();
    let done = Verdict::Done { subject: 2, repeat_of: None };
    let expected = [settled(Some(first[2].sequence)), settled(Some(first[3].sequence)), done, settled(None)];
    assert_eq!(verdicts, expected);
    assert!(told[2].sequence < told[0].sequence, "what was decided at once stands");
    let whole = |told: &&Told| matches!(told, Told::Outcomes(_, outcomes) if outcomes.len() == 4);
    assert_eq!(sealed.node.told.iter().filter(whole).count(), 1, "told once");
    sealed.check_log();
}

/// Two runs that are named one after the other, with a look between them.
#[test]
fn a_look_reaches_further_than_the_floor_at_any_time() {
    let mut sealed = Sealed::new();
    sealed.submit(payments(0..9));
    let before = payments(1..2);
    let run = sealed.make_run().unwrap();
    assert_eq!(sealed.duplicates.upto(), run.upto, "the run can be looked up before it is named");
    let mut between = payments(1..2);
    sealed.duplicates.look_up(&mut between).unwrap();
    assert!(sealed.name(&run));
    let ticket = sealed.ticket();
    sealed.node.submit(ticket, between);
    sealed.node.write_all();
    assert!(matches!(
        sealed.node.outcomes_of(ticket)[0].verdict,
        Verdict::Payment { repeat_of: Some(_), .. }
    ));
    assert!(matches!(sealed.submit(before)[0].verdict, Verdict::Payment { repeat_of: Some(_), .. }));
}

#[test]
fn questions_are_answered_from_disk() {
    let mut sealed = Sealed::new();
    let first = sealed.submit(payments(0..9));
    sealed.seal_all();
    let expected = Some((first[1].sequence, PaymentState::Settled));
    assert_eq!(found(&sealed.ask(by_key("T1", Some(now().wall)))), expected);
    assert_eq!(found(&sealed.ask(by_key("T1", None))), expected);
    assert_eq!(found(&sealed.ask(Question::PaymentAt(first[1].sequence))), expected);
    assert_eq!(found(&sealed.ask(Question::Final(PaymentName::At(first[1].sequence)))), expected);
    let positions = [0, 8, 3].map(|place: usize| first[place].sequence).to_vec();
    let Answer::Payments(known) = sealed.ask(Question::Payments(positions.clone())).answer else { panic!() };
    let sequences: Vec<_> = known.iter().map(|payment| payment.unwrap().sequence()).collect();
    assert_eq!(sequences, positions);
    let nothing = sealed.ask(Question::PaymentAt(first[1].decided_at.next().next())).answer;
    assert!(matches!(nothing, Answer::Payment(PaymentAnswer::Found(_))), "{nothing:?}");
    // A marker stands there; whether it was a payment, older than the window, nobody knows any more.
    sealed.node.advance(SECOND);
    sealed.node.write_all();
    sealed.submit(payments(30..39));
    sealed.seal_all();
    let marker = first[8].sequence.next();
    let nothing = sealed.ask(Question::PaymentAt(marker)).answer;
    assert!(matches!(nothing, Answer::Payment(PaymentAnswer::Forgotten)), "{nothing:?}");
    sealed.node.advance(60 * SECOND);
    let nothing = sealed.ask(by_key("T99", Some(now().wall))).answer;
    assert!(matches!(nothing, Answer::Payment(PaymentAnswer::NotFound { is_final: true })), "{nothing:?}");
}

#[test]
fn a_bank_that_answers_late_is_told_what_became_of_the_payment() {
    let mut sealed = Sealed::new();
    let mut enter = commands();
    enter_remote(&mut enter);
    pay_remote(&mut enter, "R1", 100, now().wall);
    let outbox = sealed.node.subscribe(1, crate::testing::interest("C", true, crate::Outcomes::All));
    let reserved = sealed.submit(enter).pop().unwrap();
    assert!(matches!(reserved.verdict, Verdict::Payment { state: PaymentState::Reserved, .. }));
    sealed.submit(payments(0..9));
    assert!(sealed.make_run().is_none(), "a payment that waits holds up those behind it");
    sealed.node.advance(8 * SECOND);
    sealed.node.idle();
    sealed.node.write_all();
    sealed.seal_all();
    assert!(sealed.node.core.ledger().sealed_upto() >= reserved.sequence);
    let mut late = commands();
    answer(&mut late, reserved.sequence, None);
    answer(&mut late, Sequence(2), None);
    let told = sealed.submit(late);
    let Verdict::Answer { effect, state, .. } = told[0].verdict else { panic!("{told:?}") };
    assert_eq!((effect, state), (ledger::AnswerEffect::Late, Some(PaymentState::Expired)));
    let Verdict::Answer { effect, .. } = told[1].verdict else { panic!("{told:?}") };
    assert_eq!(effect, ledger::AnswerEffect::PaymentUnknown);
    sealed.check_log();
    drop(outbox);
}

#[test]
fn runs_become_one_and_old_ones_go() {
    let mut sealed = Sealed::new();
    let first = sealed.submit(payments(0..40));
    sealed.seal_all();
    assert_eq!(sealed.files().len(), 9);
    let mut merged = 0;
    while sealed.sealer.has_work() {
        if let Some(run) = sealed.sealer.step(1).unwrap() {
            assert!(sealed.name(&run));
            merged += 1;
        }
    }
    assert_eq!((merged, sealed.files().len()), (2, 3));
    let again = sealed.submit_looked_up(payments(0..40));
    let repeats = again.iter().zip(&first).all(|(told, first)| told.repeat_of() == Some(first.sequence));
    assert!(repeats, "all are found in the runs that were made of others");
    sealed.node.advance(6 * 86_400 * SECOND);
    sealed.submit_looked_up(commands_of_now());
    assert!(sealed.node.core.ledger().sealed_runs().is_empty());
    sealed.sealer.listed_behind(sealed.node.core.ledger().sealed_upto()).unwrap();
    assert_eq!(sealed.files(), [""; 0]);
    assert_eq!(sealed.duplicates.upto(), sealed.node.core.ledger().sealed_upto());
    let forgotten = sealed.ask(Question::PaymentAt(first[1].sequence)).answer;
    assert!(matches!(forgotten, Answer::Payment(PaymentAnswer::Forgotten)), "{forgotten:?}");
}

fn commands_of_now() -> RecordWriter {
    let mut writer = commands();
    crate::testing::set_status(&mut writer, "days-later", "B", ledger::ParticipantStatus::Active);
    writer
}

#[test]
fn a_start_opens_the_runs_that_the_log_names_and_no_others() {
    let mut sealed = Sealed::new();
    let first = sealed.submit(payments(0..8));
    sealed.seal_all();
    sealed.submit(payments(10..19));
    sealed.make_run().unwrap();
    assert_eq!(sealed.files(), [run_name(1), run_name(2)]);
    // The second run was made, and the log never named it.
    let node = Node::start(sealed.node.journal.clone(), sealed.node.now).unwrap();
    assert_eq!(node.core.ledger().sealed_upto(), first[3].sequence);
    let (duplicates, _) = open(&sealed.storage, &node).unwrap();
    assert_eq!(sealed.files(), [run_name(1)]);
    let mut again = payments(1..2);
    duplicates.look_up(&mut again).unwrap();
    assert_ne!(again.records(), payments(1..2).records());
    sealed.storage.take_file(&run_name(1));
    assert_eq!(open(&sealed.storage, &node).unwrap_err(), RunError::Missing { number: 1 });
}

#[test]
fn a_damaged_run_answers_nothing_from_then_on() {
    let mut sealed = Sealed::new();
    sealed.submit(payments(0..8));
    sealed.seal_all();
    sealed.storage.flip_bit(&run_name(1), 4096 + 200, 1);
    let mut again = payments(1..2);
    assert!(matches!(sealed.duplicates.look_up(&mut again), Err(RunError::Damaged { number: 1, page: 1 })));
    assert!(sealed.duplicates.is_unreadable());
    assert_eq!(again.records(), payments(1..2).records(), "nothing was found out");
}

/// A disk that is full while a run is made leaves nothing behind, and the next attempt succeeds.
#[test]
fn a_run_that_fails_is_made_again() {
    let mut sealed = Sealed::new();
    sealed.submit(payments(0..8));
    sealed.storage.limit_space(Some(2 * 4096));
    let told = sealed.node.core.ledger().position().sequence;
    let slice = sealed.handing.step(sealed.node.core.ledger(), told).unwrap();
    assert!(slice.is_last);
    let made = sealed.sealer.take(&slice).and_then(|()| {
        while sealed.sealer.is_ending() {
            let _ = sealed.sealer.step(1)?;
        }
        Ok(())
    });
    assert!(made.is_err());
    assert!(!sealed.sealer.is_ending());
    assert_eq!(sealed.files(), [""; 0]);
    sealed.sealer.take(&Slice { after: slice.payments[1].sequence(), ..slice }).unwrap();
    assert!(!sealed.sealer.is_ending(), "the rest of a run that was given up is left out");
    sealed.storage.limit_space(None);
    sealed.handing.ended();
    sealed.seal_all();
    assert_eq!(sealed.node.core.ledger().sealed_runs().len(), 1);
    let again = sealed.submit_looked_up(payment("T1", now().wall));
    assert!(again[0].repeat_of().is_some());
}
