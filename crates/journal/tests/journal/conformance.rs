//! One suite that every implementation of the journal passes: invariants I1 to I7 of the trait.

use journal::{
    Append, ClaimError, Fate, Fault, FileStorage, FrameBuilder, FrameKind, Journal, LocalJournal,
    MemoryFault, MemoryJournal, MemoryStorage, ReadError, Refusal, TrimError, Writer,
};
use types::{BatchNumber, Epoch};

use crate::support::{Node, SEGMENT_BYTES, empty_archive, hashes, identity, seal, settings};

/// An implementation under test.
trait Subject {
    type Journal: Journal;

    fn create(&mut self) -> Self::Journal;
    /// The journal as the next process finds it.
    fn restart(&mut self, journal: Self::Journal) -> Self::Journal;
    /// Makes the next append end in `Unknown`, landed or not; says whether it can.
    fn lose_next_answer(&mut self, landed: bool) -> bool;
    /// Makes the next append that needs space be refused, or ends that; says whether it can.
    fn refuse_space(&mut self, refuse: bool) -> bool;
    /// Removes for good what was trimmed.
    fn empty_archive(&mut self, journal: &Self::Journal);
}

struct Shared(Option<MemoryJournal>);

impl Subject for Shared {
    type Journal = MemoryJournal;

    fn create(&mut self) -> MemoryJournal {
        self.0.insert(MemoryJournal::new(identity())).clone()
    }

    fn restart(&mut self, _: MemoryJournal) -> MemoryJournal {
        self.0.clone().unwrap()
    }

    fn lose_next_answer(&mut self, landed: bool) -> bool {
        let fault = if landed { MemoryFault::AnswerLost } else { MemoryFault::RequestLost };
        self.0.as_ref().unwrap().inject(fault);
        true
    }

    fn refuse_space(&mut self, refuse: bool) -> bool {
        if refuse {
            self.0.as_ref().unwrap().inject(MemoryFault::Refused);
        }
        true
    }

    fn empty_archive(&mut self, _: &MemoryJournal) {}
}

#[derive(Default)]
struct LocalInMemory {
    storage: MemoryStorage,
    fate: Option<Fate>,
}

impl Subject for LocalInMemory {
    type Journal = LocalJournal<MemoryStorage>;

    fn create(&mut self) -> Self::Journal {
        LocalJournal::create(self.storage.clone(), identity(), settings(SEGMENT_BYTES, 3)).unwrap()
    }

    fn restart(&mut self, journal: Self::Journal) -> Self::Journal {
        drop(journal);
        let fate = self.fate.take().unwrap_or(Fate::Lose);
        self.storage = self.storage.after_power_loss(&mut |_| fate);
        LocalJournal::open(self.storage.clone(), Some(identity().cluster), settings(SEGMENT_BYTES, 4))
            .unwrap()
    }

    fn lose_next_answer(&mut self, landed: bool) -> bool {
        self.storage.inject_next(Fault::PowerLoss);
        self.fate = Some(if landed { Fate::Keep } else { Fate::Lose });
        true
    }

    fn refuse_space(&mut self, refuse: bool) -> bool {
        self.storage.limit_space(refuse.then_some(SEGMENT_BYTES));
        true
    }

    fn empty_archive(&mut self, journal: &Self::Journal) {
        empty_archive(journal);
    }
}

struct LocalFiles(tempfile::TempDir);

impl Subject for LocalFiles {
    type Journal = LocalJournal<FileStorage>;

    fn create(&mut self) -> Self::Journal {
        let storage = FileStorage::create(&self.0.path().join("journal")).unwrap();
        LocalJournal::create(storage, identity(), settings(SEGMENT_BYTES, 3)).unwrap()
    }

    fn restart(&mut self, journal: Self::Journal) -> Self::Journal {
        drop(journal);
        let storage = FileStorage::open(&self.0.path().join("journal")).unwrap();
        LocalJournal::open(storage, Some(identity().cluster), settings(SEGMENT_BYTES, 4)).unwrap()
    }

    fn lose_next_answer(&mut self, _: bool) -> bool {
        false
    }

    fn refuse_space(&mut self, _: bool) -> bool {
        false
    }

    fn empty_archive(&mut self, journal: &Self::Journal) {
        empty_archive(journal);
    }
}

macro_rules! suite {
    ($name:ident, $new:expr) => {
        mod $name {
            use super::*;

            #[test]
            fn frames_have_one_order() {
                super::frames_have_one_order($new);
            }

            #[test]
            fn a_claim_fences_earlier_writers() {
                super::a_claim_fences_earlier_writers($new);
            }

            #[test]
            fn durable_frames_stay() {
                super::durable_frames_stay($new);
            }

            #[test]
            fn unknown_resolves_once() {
                super::unknown_resolves_once($new);
            }

            #[test]
            fn a_conflict_appends_nothing() {
                super::a_conflict_appends_nothing($new);
            }

            #[test]
            fn an_outdated_claim_is_lost() {
                super::an_outdated_claim_is_lost($new);
            }

            #[test]
            fn a_refusal_leaves_the_writer_good() {
                super::a_refusal_leaves_the_writer_good($new);
            }

            #[test]
            fn trimming_keeps_what_is_not_covered() {
                super::trimming_keeps_what_is_not_covered($new);
            }

            #[test]
            fn a_visitor_can_end_a_read() {
                super::a_visitor_can_end_a_read($new);
            }
        }
    };
}

suite!(shared_log_in_memory, Shared(None));
suite!(folder_in_memory, LocalInMemory::default());
suite!(folder_of_the_system, LocalFiles(tempfile::tempdir().unwrap()));

/// I1.
fn frames_have_one_order(mut subject: impl Subject) {
    let mut node = Node::start(subject.create());
    for length in [10, 5_000, 30_000, 30_000, 1, 0] {
        node.commands(length);
    }
    node.marker();
    let mut batches = Vec::new();
    let tail = node
        .journal
        .read(BatchNumber(3), &mut |frame, _| {
            batches.push(frame.header().batch.0);
            Ok(())
        })
        .unwrap();
    assert_eq!(batches, [4, 5, 6, 7, 8]);
    assert_eq!(tail, *node.writer.tail());
    assert!(tail.ends_in_marker());
    assert_eq!(hashes(&mut node.journal).1, node.acknowledged);
}

/// I2 and I6.
fn a_claim_fences_earlier_writers(mut subject: impl Subject) {
    let mut node = Node::start(subject.create());
    node.commands(100);
    let tail = *node.writer.tail();
    let mut builder = FrameBuilder::new(0);
    let mut start = seal(&mut builder, FrameKind::EpochStart, tail, 0);
    let mut late = seal(&mut builder, FrameKind::Commands, tail, 7);
    let mut second = node.journal.claim(&tail, &mut start).unwrap();
    assert!(matches!(node.writer.append(&mut late), Append::Fenced { epoch: Epoch(2) }));
    let mut next = seal(&mut builder, FrameKind::Commands, *second.tail(), 9);
    assert!(matches!(second.append(&mut next), Append::Durable));
    assert!(matches!(node.writer.append(&mut next), Append::Fenced { epoch: Epoch(2) }));
    node.acknowledged.extend([start.hash(), next.hash()]);
    assert_eq!(hashes(&mut node.journal).1, node.acknowledged);
}

/// I3 and I4.
fn durable_frames_stay(mut subject: impl Subject) {
    let mut journal = subject.create();
    let mut acknowledged = Vec::new();
    for round in 1..5_u64 {
        let mut node = Node::start(journal);
        assert_eq!(node.acknowledged[..acknowledged.len()], acknowledged);
        assert_eq!(node.writer.tail().epoch, Epoch(round));
        node.commands(20_000);
        node.commands(20_000);
        node.marker();
        (journal, acknowledged) = node.stop();
        journal = subject.restart(journal);
    }
    assert_eq!(hashes(&mut journal).1, acknowledged);
}

/// I5.
fn unknown_resolves_once(mut subject: impl Subject) {
    let mut journal = subject.create();
    for landed in [true, false, true, true, false] {
        let mut node = Node::start(journal);
        node.commands(50);
        if !subject.lose_next_answer(landed) {
            return;
        }
        let mut frame = seal(&mut node.builder, FrameKind::Commands, *node.writer.tail(), 60);
        assert!(matches!(node.writer.append(&mut frame), Append::Unknown(_)));
        // The writer stays useless: an answer now could be wrong.
        assert!(matches!(node.writer.append(&mut frame), Append::Unknown(_)));
        let (stopped, acknowledged) = node.stop();
        journal = subject.restart(stopped);
        for _ in 0..2 {
            let (_, found) = hashes(&mut journal);
            assert_eq!(found.contains(&frame.hash()), landed);
            assert_eq!(found[..acknowledged.len()], acknowledged);
            assert_eq!(found.len(), acknowledged.len() + usize::from(landed));
        }
    }
}

/// I1 and I6.
fn a_conflict_appends_nothing(mut subject: impl Subject) {
    let mut node = Node::start(subject.create());
    let before = *node.writer.tail();
    let mut first = seal(&mut node.builder, FrameKind::Commands, before, 10);
    let mut second = seal(&mut node.builder, FrameKind::Commands, before, 11);
    assert!(matches!(node.writer.append(&mut first), Append::Durable));
    assert!(matches!(node.writer.append(&mut first), Append::Durable), "the same frame again");
    let Append::Conflict { tail } = node.writer.append(&mut second) else { panic!("no conflict") };
    assert_eq!(tail, first.tail());
    assert_eq!(hashes(&mut node.journal).1.len(), 2);
    node.commands(5);
}

fn an_outdated_claim_is_lost(mut subject: impl Subject) {
    let mut node = Node::start(subject.create());
    let outdated = *node.writer.tail();
    node.commands(10);
    let mut start = seal(&mut node.builder, FrameKind::EpochStart, outdated, 0);
    match node.journal.claim(&outdated, &mut start) {
        Err(ClaimError::Lost { tail }) => assert_eq!(tail.hash, node.writer.tail().hash),
        other => panic!("{:?}", other.map(|_| ())),
    }
    node.commands(10);
}

fn a_refusal_leaves_the_writer_good(mut subject: impl Subject) {
    let mut node = Node::start(subject.create());
    node.commands(30_000);
    if !subject.refuse_space(true) {
        return;
    }
    let append = node.append(FrameKind::Commands, 40_000);
    assert!(matches!(append, Append::Refused(Refusal::NoSpace(_))), "{append:?}");
    subject.refuse_space(false);
    node.commands(40_000);
    assert_eq!(hashes(&mut node.journal).1, node.acknowledged);
}

/// I7.
fn trimming_keeps_what_is_not_covered(mut subject: impl Subject) {
    let mut node = Node::start(subject.create());
    (0..6).for_each(|_| node.commands(30_000));
    assert!(matches!(node.journal.trim(BatchNumber(8)), Err(TrimError::Beyond { last: BatchNumber(7) })));
    let trimmed = node.journal.trim(BatchNumber(4)).unwrap();
    assert!(trimmed.last >= BatchNumber(2), "whole segments at least");
    assert!(trimmed.last <= BatchNumber(4));
    subject.empty_archive(&node.journal);
    node.commands(10);
    let (journal, acknowledged) = node.stop();
    let mut journal = subject.restart(journal);
    for upto in [BatchNumber(4), BatchNumber(1)] {
        assert_eq!(journal.trim(upto).unwrap(), trimmed, "trimming never goes back");
        match journal.read(BatchNumber(0), &mut |_, _| Ok(())) {
            Err(ReadError::Trimmed { first, .. }) => assert_eq!(first, trimmed.last.next()),
            other => panic!("{other:?}"),
        }
        let mut found = Vec::new();
        let visit = &mut |frame: &journal::FrameView<'_>, _: journal::Location| {
            found.push(frame.hash());
            Ok(())
        };
        journal.read(trimmed.last, visit).unwrap();
        let kept = usize::try_from(trimmed.last.0).unwrap();
        assert_eq!(found, acknowledged[kept..]);
    }
}

fn a_visitor_can_end_a_read(mut subject: impl Subject) {
    let mut node = Node::start(subject.create());
    node.commands(10);
    node.commands(10);
    let result = node.journal.read(BatchNumber(0), &mut |frame, _| {
        if frame.header().batch == BatchNumber(2) { Err("enough".into()) } else { Ok(()) }
    });
    match result {
        Err(ReadError::Visit { batch, source, .. }) => {
            assert_eq!(batch, BatchNumber(2));
            assert_eq!(source.to_string(), "enough");
        }
        other => panic!("{other:?}"),
    }
}
