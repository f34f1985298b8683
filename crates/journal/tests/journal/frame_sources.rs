//! Reading by position: one suite for every implementation.

use std::ops::ControlFlow::{Break, Continue};
use std::sync::Arc;

use journal::{
    Append, Fate, FileStorage, FrameHeader, FrameKind, FrameSource, Journal, LocalJournal, MemoryJournal,
    MemoryStorage, ReadError, Writer,
};
use types::{BatchNumber, Sequence};

use crate::support::{Node, SEGMENT_BYTES, create, empty_archive, identity, open, seal, settings};

/// A journal that can be found again.
trait Subject {
    type Journal: Journal;

    fn create(&mut self) -> Self::Journal;
    fn restart(&mut self, journal: Self::Journal) -> Self::Journal;
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

    fn empty_archive(&mut self, _: &MemoryJournal) {}
}

#[derive(Default)]
struct LocalInMemory(MemoryStorage);

impl Subject for LocalInMemory {
    type Journal = LocalJournal<MemoryStorage>;

    fn create(&mut self) -> Self::Journal {
        create(&self.0)
    }

    fn restart(&mut self, journal: Self::Journal) -> Self::Journal {
        drop(journal);
        self.0 = self.0.after_power_loss(&mut |_| Fate::Lose);
        open(&self.0)
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
        LocalJournal::open(storage, None, settings(SEGMENT_BYTES, 4)).unwrap()
    }

    fn empty_archive(&mut self, journal: &Self::Journal) {
        empty_archive(journal);
    }
}

macro_rules! suite {
    ($name:ident, $new:expr, [$($test:ident),* $(,)?]) => {
        mod $name {
            use super::*;

            $(
                #[test]
                fn $test() {
                    super::$test($new);
                }
            )*
        }
    };
    ($name:ident, $new:expr) => {
        suite!($name, $new, [
            every_position_is_a_place_to_begin,
            positions_are_looked_up,
            an_empty_log_has_no_frames,
            a_reader_sees_what_is_durable_when_it_begins,
            a_visitor_breaks_and_goes_on,
            a_reopened_log_is_read_as_before,
            a_frame_that_conflicts_is_not_visited,
            what_is_trimmed_is_named,
            readers_follow_a_writer,
        ]);
    };
}

suite!(shared_log_in_memory, Shared(None));
suite!(folder_in_memory, LocalInMemory::default());
suite!(folder_of_the_system, LocalFiles(tempfile::tempdir().unwrap()));

/// Appends a frame of commands with this many records of this many bytes each.
pub(crate) fn commands<J: Journal>(node: &mut Node<J>, count: u32, length: usize) {
    for _ in 1..count {
        node.builder.push_record(&vec![9; length]);
    }
    node.commands(if count == 0 { 0 } else { length });
}

/// Ten segments' worth: frames of many lengths, with none, one and many records, and markers.
fn fill<J: Journal>(node: &mut Node<J>) {
    for round in 0..12_usize {
        commands(node, 3, 10 + round * 500);
        commands(node, 0, 0);
        commands(node, 1, 20_000);
        commands(node, 40, 700);
        node.marker();
    }
}

fn headers<J: Journal>(journal: &mut J) -> Vec<FrameHeader> {
    let mut headers = Vec::new();
    journal
        .read(BatchNumber(0), &mut |frame, _| {
            headers.push(*frame.header());
            Ok(())
        })
        .unwrap();
    headers
}

pub(crate) fn batches_after(source: &dyn FrameSource, after: u64) -> Result<Vec<u64>, ReadError> {
    let mut batches = Vec::new();
    source.read_after(Sequence(after), &mut |frame| {
        batches.push(frame.header().batch.0);
        Continue(())
    })?;
    Ok(batches)
}

pub(crate) fn batches_at(source: &dyn FrameSource, positions: &[u64]) -> Result<Vec<u64>, ReadError> {
    let positions: Vec<_> = positions.iter().copied().map(Sequence).collect();
    let mut batches = Vec::new();
    source.read_at(&positions, &mut |frame| {
        batches.push(frame.header().batch.0);
        Continue(())
    })?;
    Ok(batches)
}

/// From the beginning, from the end, and from everywhere between, in the middle of frames too.
fn every_position_is_a_place_to_begin(mut subject: impl Subject) {
    let mut node = Node::start(subject.create());
    fill(&mut node);
    let headers = headers(&mut node.journal);
    let source = node.journal.frame_source();
    let end = node.writer.tail().next_sequence.0;
    for after in 0..end + 3 {
        let expected: Vec<_> =
            headers.iter().filter(|it| it.last_sequence().0 > after).map(|it| it.batch.0).collect();
        assert_eq!(batches_after(&*source, after).unwrap(), expected, "after {after}");
    }
    assert!(batches_after(&*source, u64::MAX).unwrap().is_empty());

    let mut hashes = Vec::new();
    source
        .read_after(Sequence(0), &mut |frame| {
            assert_eq!(frame.header(), &headers[hashes.len()]);
            hashes.push(frame.hash());
            Continue(())
        })
        .unwrap();
    assert_eq!(hashes, node.acknowledged);
}

fn positions_are_looked_up(mut subject: impl Subject) {
    let mut node = Node::start(subject.create());
    fill(&mut node);
    let headers = headers(&mut node.journal);
    let source = node.journal.frame_source();
    let end = node.writer.tail().next_sequence.0;
    for distance in [1, 2, 7, 44, 45, 46, 300] {
        for first in 1..distance.min(50) + 1 {
            let positions: Vec<_> = (first..end + 50).step_by(usize::try_from(distance).unwrap()).collect();
            let stands = |it: &&FrameHeader| {
                let places = it.first_sequence.0..it.next_sequence().0;
                positions.iter().any(|position| places.contains(position))
            };
            let expected: Vec<_> = headers.iter().filter(stands).map(|it| it.batch.0).collect();
            assert_eq!(batches_at(&*source, &positions).unwrap(), expected, "{first}, then every {distance}");
        }
    }
    let last = end - 1;
    let newest = headers.last().unwrap().batch.0;
    assert_eq!(batches_at(&*source, &[1, 1, last, last, end, u64::MAX]).unwrap(), [1, newest]);
    assert!(batches_at(&*source, &[]).unwrap().is_empty());
    assert!(batches_at(&*source, &[end, u64::MAX]).unwrap().is_empty());
    let mut first = None;
    source
        .read_at(&[Sequence(3), Sequence(last)], &mut |frame| {
            assert_eq!(first.replace(frame.hash()), None, "it goes on after a break");
            Break(())
        })
        .unwrap();
    assert_eq!(first, Some(node.acknowledged[1]));
}

fn an_empty_log_has_no_frames(mut subject: impl Subject) {
    let mut journal = subject.create();
    let source = journal.frame_source();
    for _ in 0..2 {
        assert!(batches_after(&*source, 0).unwrap().is_empty());
        assert!(batches_at(&*source, &[1, 2]).unwrap().is_empty());
        journal.read(BatchNumber(0), &mut |_, _| Ok(())).unwrap();
    }
}

/// What is appended while a visitor runs is left to the next call.
fn a_reader_sees_what_is_durable_when_it_begins(mut subject: impl Subject) {
    let mut node = Node::start(subject.create());
    commands(&mut node, 3, 100);
    let source = node.journal.frame_source();
    let mut seen = Vec::new();
    source
        .read_after(Sequence(0), &mut |frame| {
            seen.push(frame.header().batch.0);
            commands(&mut node, 2, 30_000);
            Continue(())
        })
        .unwrap();
    assert_eq!(seen, [1, 2]);
    assert_eq!(batches_after(&*source, 5).unwrap(), [3, 4]);
}

fn a_visitor_breaks_and_goes_on(mut subject: impl Subject) {
    let mut node = Node::start(subject.create());
    fill(&mut node);
    let source = node.journal.frame_source();
    let mut hashes = Vec::new();
    let mut after = Sequence(0);
    for calls in 1.. {
        let mut left = 1 + calls % 4;
        let before = hashes.len();
        source
            .read_after(after, &mut |frame| {
                hashes.push(frame.hash());
                after = frame.header().last_sequence();
                left -= 1;
                if left == 0 { Break(()) } else { Continue(()) }
            })
            .unwrap();
        assert!(hashes.len() - before <= 1 + calls % 4);
        if hashes.len() == before {
            break;
        }
    }
    assert_eq!(hashes, node.acknowledged);
}

fn a_reopened_log_is_read_as_before(mut subject: impl Subject) {
    let mut journal = subject.create();
    let mut acknowledged = Vec::new();
    for _ in 0..3 {
        let mut node = Node::start(journal);
        commands(&mut node, 2, 15_000);
        commands(&mut node, 2, 15_000);
        (journal, acknowledged) = node.stop();
        journal = subject.restart(journal);
    }
    // A read that shows only the last frames knows of all the same.
    journal.read(BatchNumber(5), &mut |_, _| Ok(())).unwrap();
    let source = journal.frame_source();
    let mut hashes = Vec::new();
    source
        .read_after(Sequence(0), &mut |frame| {
            hashes.push(frame.hash());
            Continue(())
        })
        .unwrap();
    assert_eq!(hashes, acknowledged);
    let mut node = Node::start(journal);
    commands(&mut node, 1, 10);
    let end = node.writer.tail().next_sequence.0;
    assert_eq!(batches_after(&*source, end - 4).unwrap(), [10, 11], "a handle from before the claim");
    assert_eq!(batches_at(&*source, &[1, end - 1]).unwrap(), [1, 11]);
}

fn a_frame_that_conflicts_is_not_visited(mut subject: impl Subject) {
    let mut node = Node::start(subject.create());
    let before = *node.writer.tail();
    let mut conflicting = seal(&mut node.builder, FrameKind::Commands, before, 10);
    commands(&mut node, 1, 500);
    assert!(matches!(node.writer.append(&mut conflicting), Append::Conflict { .. }));
    assert_eq!(batches_after(&*node.journal.frame_source(), 0).unwrap(), [1, 2]);
}

fn what_is_trimmed_is_named(mut subject: impl Subject) {
    let mut node = Node::start(subject.create());
    (0..6).for_each(|_| commands(&mut node, 4, 8_000));
    let source = node.journal.frame_source();
    let trimmed = node.journal.trim(BatchNumber(4)).unwrap().last.0;
    assert!((2..=4).contains(&trimmed));
    subject.empty_archive(&node.journal);
    // The epoch start takes one position, every other frame five.
    let first = 2 + 5 * (trimmed - 1);
    let end = node.writer.tail().next_sequence.0;
    let check = |source: &dyn FrameSource| {
        for position in 1..first {
            let errors = [batches_after(source, position - 1), batches_at(source, &[position, end - 1])];
            for error in errors {
                let ReadError::Trimmed { first: batch, first_sequence } = error.unwrap_err() else {
                    panic!("not trimmed")
                };
                assert_eq!((batch.0, first_sequence.0), (trimmed + 1, first));
            }
        }
        let kept: Vec<_> = (trimmed + 1..=7).collect();
        assert_eq!(batches_after(source, first - 1).unwrap(), kept);
        assert_eq!(batches_at(source, &[first]).unwrap(), [trimmed + 1]);
        assert!(batches_after(source, end - 1).unwrap().is_empty());
    };
    check(&*source);
    let (journal, _) = node.stop();
    let mut journal = subject.restart(journal);
    journal.read(BatchNumber(trimmed), &mut |_, _| Ok(())).unwrap();
    check(&*journal.frame_source());
}

/// On other threads, across segments, each frame once and in order; the last read finds all of them.
// A test is a caller, and callers start the threads.
#[allow(clippy::disallowed_methods)]
fn readers_follow_a_writer(mut subject: impl Subject) {
    let mut node = Node::start(subject.create());
    let source = node.journal.frame_source();
    let (done, writing) = std::sync::mpsc::channel::<()>();
    let writing = Arc::new(std::sync::Mutex::new(writing));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (source, writing) = (Arc::clone(&source), Arc::clone(&writing));
            std::thread::spawn(move || {
                let mut seen = Vec::new();
                let mut after = Sequence(0);
                loop {
                    let ended = matches!(
                        writing.lock().unwrap().try_recv(),
                        Err(std::sync::mpsc::TryRecvError::Disconnected)
                    );
                    source
                        .read_after(after, &mut |frame| {
                            assert_eq!(frame.header().first_sequence, after.next());
                            after = frame.header().last_sequence();
                            seen.push(frame.hash());
                            Continue(())
                        })
                        .unwrap_or_else(|error| panic!("{error}"));
                    let again = Sequence(after.0 / 2 + 1);
                    let found = &mut |frame: journal::FrameView<'_>| {
                        let header = frame.header();
                        assert!(header.first_sequence <= again && again <= header.last_sequence());
                        Continue(())
                    };
                    source.read_at(&[again], found).unwrap_or_else(|error| panic!("{error}"));
                    if ended {
                        return seen;
                    }
                }
            })
        })
        .collect();
    for round in 0..120_usize {
        commands(&mut node, 2, 1 + round * 131 % 20_000);
    }
    drop(done);
    for reader in readers {
        assert_eq!(reader.join().unwrap(), node.acknowledged);
    }
}
