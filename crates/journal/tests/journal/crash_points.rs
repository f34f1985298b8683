//! The machine stops at each operation in turn, and what was not durable meets every fate: whatever was
//! acknowledged is found again, and nothing that was never sealed.

use journal::{
    Append, Fate, Fault, FrameBuilder, FrameHash, FrameKind, Journal, LocalJournal, MemoryStorage, OpenError,
    Operation, SeededChoices, Unsynced, Writer,
};
use types::BatchNumber;

use crate::support::{Node, hashes, identity, seal, settings};

/// Four blocks: a header and three frames of one block.
const SMALL_SEGMENT: u64 = 4 * 4096;

/// What a life of the journal was told before the machine stopped.
#[derive(Default)]
struct Told {
    created: bool,
    sealed: Vec<FrameHash>,
    acknowledged: Vec<FrameHash>,
    trimmed_asked: u64,
}

/// Creates, prepares, claims, fills segments, trims and starts again, until something fails.
fn live(storage: &MemoryStorage, told: &mut Told) -> Option<()> {
    let mut journal = LocalJournal::create(storage.clone(), identity(), settings(SMALL_SEGMENT, 5)).ok()?;
    told.created = true;
    for round in 0..3 {
        let tail = journal.read(BatchNumber(told.trimmed_asked), &mut |_, _| Ok(())).ok()?;
        let mut builder = FrameBuilder::new(0);
        let mut start = seal(&mut builder, FrameKind::EpochStart, tail, 0);
        told.sealed.push(start.hash());
        let mut writer = journal.claim(&tail, &mut start).ok()?;
        told.acknowledged.push(start.hash());
        let mut preparer = journal.preparer();
        for length in [10, 5_000, 100, 20] {
            let mut frame = seal(&mut builder, FrameKind::Commands, *writer.tail(), length);
            told.sealed.push(frame.hash());
            let Append::Durable = writer.append(&mut frame) else { return None };
            told.acknowledged.push(frame.hash());
            let _ = preparer.step();
        }
        if round == 1 {
            told.trimmed_asked = 4;
            let trimmed = journal.trim(BatchNumber(4)).ok()?;
            told.trimmed_asked = trimmed.last.0;
        }
        drop((writer, preparer, journal));
        journal = LocalJournal::open(storage.clone(), None, settings(SMALL_SEGMENT, 6 + round)).ok()?;
    }
    Some(())
}

/// Checks a folder after a power loss against what was told, and that it can be used from there on.
fn recover(storage: &MemoryStorage, told: &Told, context: &str) {
    let opened = LocalJournal::open(storage.clone(), None, settings(SMALL_SEGMENT, 99));
    let mut journal = match opened {
        Ok(journal) => journal,
        Err(OpenError::NotAJournal { .. }) if !told.created => {
            LocalJournal::create(storage.clone(), identity(), settings(SMALL_SEGMENT, 98)).unwrap()
        }
        Err(error) => panic!("{context}: {error}"),
    };
    let first = match journal.read(BatchNumber(0), &mut |_, _| Ok(())) {
        Ok(_) => BatchNumber(0),
        Err(journal::ReadError::Trimmed { first, .. }) => BatchNumber(first.0 - 1),
        Err(error) => panic!("{context}: {error}"),
    };
    assert!(first.0 <= told.trimmed_asked, "{context}");
    let mut found = Vec::new();
    let tail = journal
        .read(first, &mut |frame, _| {
            found.push(frame.hash());
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{context}: {error}"));
    let gone = usize::try_from(first.0).unwrap();
    assert!(gone + found.len() >= told.acknowledged.len(), "{context}: an acknowledged frame is missing");
    assert_eq!(found, told.sealed[gone..gone + found.len()], "{context}");

    // The log goes on from there, and the next start finds all of it.
    let mut builder = FrameBuilder::new(0);
    let mut start = seal(&mut builder, FrameKind::EpochStart, tail, 0);
    let mut writer = journal.claim(&tail, &mut start).unwrap();
    let mut frame = seal(&mut builder, FrameKind::Commands, *writer.tail(), 33);
    assert!(matches!(writer.append(&mut frame), Append::Durable), "{context}");
    found.extend([start.hash(), frame.hash()]);
    drop((writer, journal));
    let storage = storage.after_power_loss(&mut |_| Fate::Lose);
    let mut journal = LocalJournal::open(storage, None, settings(SMALL_SEGMENT, 97)).unwrap();
    let mut again = Vec::new();
    journal
        .read(first, &mut |frame, _| {
            again.push(frame.hash());
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{context}, second start: {error}"));
    assert_eq!(again, found, "{context}, second start");
}

/// Every combination of kept and lost for few unsynced things; for more, all, none, and seeded choices.
fn outcomes(storage: &MemoryStorage) -> Vec<MemoryStorage> {
    let mut count = 0_u32;
    let none = storage.after_power_loss(&mut |_: &Unsynced| {
        count += 1;
        Fate::Lose
    });
    let mut all = vec![none, storage.after_power_loss(&mut |_| Fate::Keep)];
    if count <= 4 {
        for combination in 1..(1_u32 << count) {
            let mut index = 0;
            all.push(storage.after_power_loss(&mut |_| {
                let keep = combination & (1 << index) != 0;
                index += 1;
                if keep { Fate::Keep } else { Fate::Lose }
            }));
        }
    }
    for seed in 0..12 {
        let mut choices = SeededChoices::new(seed);
        all.push(storage.after_power_loss(&mut |_| choices.fate()));
    }
    all
}

fn operations() -> Vec<Operation> {
    let storage = MemoryStorage::new();
    let mut told = Told::default();
    live(&storage, &mut told).unwrap();
    assert_eq!(told.sealed.len(), 15);
    storage.operations()
}

#[test]
fn whatever_was_acknowledged_survives_a_power_loss_at_every_operation() {
    let operations = operations();
    assert!(operations.len() > 60, "{}", operations.len());
    for (index, operation) in operations.iter().enumerate() {
        let storage = MemoryStorage::new();
        storage.inject(index, Fault::PowerLoss);
        let mut told = Told::default();
        assert!(live(&storage, &mut told).is_none());
        for (outcome, after) in outcomes(&storage).into_iter().enumerate() {
            recover(
                &after,
                &told,
                &format!("stopped at operation {index} ({operation:?}), outcome {outcome}"),
            );
        }
    }
}

/// A write or sync that fails, instead of the machine: the process ends, with or without the cache's bytes.
#[test]
fn whatever_was_acknowledged_survives_a_failure_of_every_operation() {
    for (index, operation) in operations().iter().enumerate() {
        let storage = MemoryStorage::new();
        let kind = journal::StorageErrorKind::Device("input/output error".to_owned());
        storage.inject(index, Fault::Error(kind));
        let mut told = Told::default();
        let _ = live(&storage, &mut told);
        let context = format!("operation {index} ({operation:?}) failed");
        for fate in [Fate::Keep, Fate::Lose, Fate::Tear(0b0011_0101)] {
            recover(&storage.after_exit(&mut |_| fate), &told, &context);
        }
        recover(&storage.after_power_loss(&mut |_| Fate::Lose), &told, &context);
    }
}

/// Stops again and again during recovery itself.
#[test]
fn a_start_that_is_cut_short_can_be_repeated() {
    let storage = MemoryStorage::new();
    let mut node =
        Node::start(LocalJournal::create(storage.clone(), identity(), settings(SMALL_SEGMENT, 5)).unwrap());
    node.commands(10);
    storage.inject_next(Fault::PowerLoss);
    let append = node.append(FrameKind::Commands, 5_000);
    assert!(matches!(append, Append::Unknown(_)));
    let torn = storage.after_power_loss(&mut |_| Fate::Tear(0b0101_0101));
    for operation in 0..40 {
        let mut disk = torn.after_exit(&mut |_| Fate::Lose);
        for start in 0..4_u64 {
            disk.inject(disk.operations().len() + operation, Fault::PowerLoss);
            if let Ok(mut journal) = LocalJournal::open(disk.clone(), None, settings(SMALL_SEGMENT, start)) {
                let (tail, found) = hashes(&mut journal);
                assert_eq!(found[..2], node.acknowledged[..]);
                let mut start = seal(&mut node.builder, FrameKind::EpochStart, tail, 0);
                let _ = journal.claim(&tail, &mut start);
            }
            disk = disk.after_power_loss(&mut |_| Fate::Tear(0b0000_0110));
        }
        let mut last = Node::start(LocalJournal::open(disk, None, settings(SMALL_SEGMENT, 9)).unwrap());
        last.commands(10);
        assert_eq!(hashes(&mut last.journal).1, last.acknowledged);
    }
}
