//! Restores to every kind of point of logs with voided commands, runs of duplicates and half begun lives: what was
//! restored serves, goes on and verifies.

use std::sync::mpsc;

use clap::Parser;
use engine::{Engine, FollowerSettings, Handle, NotTaken};
use journal::{
    FrameBuilder, FrameKind, Journal, LocalJournal, SealInput, SealedFrame, SegmentSize, Settings, Tail,
    VoidEntry, Writer,
};
use ledger::{Kind, PaymentAnswer, RULES_VERSION, RecordWriter};
use types::{BatchNumber, Duration, PaymentState, PrincipalNumber, Sequence, Timestamp};

use super::*;
use crate::backup::{self, BackupArgs};
use crate::verify::sample_log::{self, pay, start, submit};
use crate::verify::verify_folder;

const SEGMENT_SIZE: SegmentSize = SegmentSize::new(1 << 20).expect("a whole number of blocks");

/// Folders of a node, its backup, and what is restored.
struct Folders {
    all: tempfile::TempDir,
    data: PathBuf,
    backup: PathBuf,
}

#[derive(Parser)]
struct Shell {
    #[command(flatten)]
    args: BackupArgs,
}

fn back_up(data: &Path, to: &Path) {
    let options = ["backup", "--json", "--data", data.to_str().unwrap(), "--to", to.to_str().unwrap()];
    backup::run(&Shell::try_parse_from(options).unwrap().args).unwrap();
}

fn check(backup: &Path) -> anyhow::Result<()> {
    let options = ["backup", "--json", "--check", backup.to_str().unwrap()];
    backup::run(&Shell::try_parse_from(options).unwrap().args).map(|_| ())
}

impl Folders {
    fn new() -> Self {
        let all = tempfile::tempdir().unwrap();
        let [data, backup] = ["data", "backup"].map(|name| all.path().join(name));
        Self { all, data, backup }
    }

    fn try_restore(&self, until: Option<Sequence>) -> anyhow::Result<(PathBuf, Outcome)> {
        let data = self.all.path().join(format!("restored-{until:?}"));
        let until = until.map(Until::Sequence);
        let args = RestoreArgs { from: self.backup.clone(), data: data.clone(), until, json: true };
        Ok((data, restore(&args)?))
    }

    fn restore(&self, until: Option<Sequence>) -> (PathBuf, Outcome) {
        self.try_restore(until).unwrap_or_else(|error| panic!("until {until:?}: {error:#}"))
    }
}

fn open(folder: &Path) -> LocalJournal<FileStorage> {
    let settings = Settings { segment_size: SEGMENT_SIZE, entropy: Box::new(|| 5) };
    LocalJournal::open(FileStorage::open(folder).unwrap(), None, settings).unwrap()
}

fn seal(builder: &mut FrameBuilder, kind: FrameKind, identity: Identity, previous: Tail) -> SealedFrame {
    builder.seal(&SealInput {
        kind,
        identity,
        previous,
        time: previous.time.plus(Duration::from_nanoseconds(1).unwrap()),
        rules_version: RULES_VERSION,
        durable_mark: previous.batch,
        personal_key: 0,
    })
}

/// Starts a node twice, which takes so many payments each time, one in a frame; then all of it verifies.
fn goes_on(folder: &Path, payments: usize) {
    for round in 0..2 {
        let engine = start(folder);
        let handle = engine.handle();
        for number in 0..payments {
            let mut commands = handle.commands(PrincipalNumber(1));
            pay(&mut commands, &format!("LATER-{round}-{number}"), "0.01", handle.now());
            submit(&handle, commands);
        }
        engine.stop();
        verify_folder(folder, &mut ()).unwrap_or_else(|fault| panic!("round {round}: {fault:?}"));
    }
}

/// A log whose last frame holds a payment of which nothing was told, and that is voided; and a start with it.
fn voided(folders: &Folders) -> VoidEntry {
    sample_log::written(&folders.data);
    let key = {
        let engine = start(&folders.data);
        let key = *engine.handle().digest_key();
        engine.stop();
        key
    };
    let mut journal = open(&folders.data);
    let identity = journal.identity();
    let tail = journal.read(BatchNumber(0), &mut |_, _| Ok(())).unwrap();
    let mut builder = FrameBuilder::new(2);
    let mut first = seal(&mut builder, FrameKind::EpochStart, identity, tail);
    let mut writer = journal.claim(&tail, &mut first).unwrap();
    let mut commands = RecordWriter::new(key, PrincipalNumber(1));
    pay(&mut commands, "POISON", "0.01", first.tail().time);
    commands.split().for_each(|record| builder.push_record(record));
    builder.push_personal(commands.texts());
    let mut frame = seal(&mut builder, FrameKind::Commands, identity, first.tail());
    assert!(matches!(writer.append(&mut frame), journal::Append::Durable));
    let entry = VoidEntry {
        sequence: Sequence(frame.header().first_sequence.0 + 1),
        batch: frame.header().batch,
        frame_hash: frame.hash(),
        kind: Kind::Payment.number(),
        logged_at: Sequence(0),
    };
    journal.store_voids(&[entry]).unwrap();
    drop((writer, journal));
    goes_on(&folders.data, 3);
    open(&folders.data).voids().unwrap()[0]
}

#[test]
fn a_log_with_a_voided_command_is_restored_to_every_point() {
    let folders = Folders::new();
    let entry = voided(&folders);
    let (poison, logged_at) = (entry.sequence, entry.logged_at);
    assert!(logged_at > poison);
    back_up(&folders.data, &folders.backup);
    check(&folders.backup).unwrap();
    let whole = vec![entry];
    let unlogged = vec![VoidEntry { logged_at: Sequence(0), ..entry }];
    let points = [
        (None, whole.clone()),
        (Some(logged_at), whole),
        (Some(Sequence(logged_at.0 - 1)), unlogged.clone()),
        (Some(poison), unlogged),
        (Some(Sequence(poison.0 - 1)), vec![]),
        (Some(Sequence(poison.0 - 4)), vec![]),
    ];
    for (until, expected) in points {
        let (folder, outcome) = folders.restore(until);
        assert_eq!(open(&folder).voids().unwrap(), expected, "until {until:?}");
        verify_folder(&folder, &mut ()).unwrap_or_else(|fault| panic!("until {until:?}: {fault:?}"));
        goes_on(&folder, 5);
        let engine = start(&folder);
        let (sender, answers) = mpsc::channel();
        let sink = move |answered: engine::Answered| sender.send(answered.answer).unwrap();
        engine.handle().ask(engine::Question::PaymentAt(poison), Box::new(sink)).unwrap();
        let engine::Answer::Payment(answer) = answers.recv().unwrap() else { panic!() };
        let is_kept = outcome.point.tail.last_sequence() >= poison;
        if let PaymentAnswer::Found(payment) = answer {
            let reason = payment.reason().map(|reason| reason.to_string());
            assert_eq!(is_kept, reason.as_deref() == Some("MS03"), "until {until:?}: {payment:?}");
        }
        engine.stop();
        assert_eq!(open(&folder).voids().unwrap().len(), usize::from(is_kept), "until {until:?}");
    }
}

#[test]
fn a_life_that_was_claimed_and_not_begun_is_backed_up_and_restored() {
    let mut folders = Folders::new();
    sample_log::written(&folders.data);
    back_up(&folders.data, &folders.backup);
    let (first, outcome) = folders.restore(None);
    let (oldest, contents) = (outcome.point.identity.incarnation, outcome.contents);
    let mut journal = open(&first);
    let tail = journal.read(BatchNumber(0), &mut |_, _| Ok(())).unwrap();
    let mut claim = seal(&mut FrameBuilder::new(1), FrameKind::EpochStart, journal.identity(), tail);
    drop(journal.claim(&tail, &mut claim).unwrap());
    drop(journal);
    folders.backup = folders.all.path().join("second");
    back_up(&first, &folders.backup);
    let (second, outcome) = folders.restore(Some(claim.header().last_sequence()));
    assert_eq!(outcome.point.identity, contents.identity, "its last frame is of the life that was not begun");
    assert_eq!(outcome.contents.restored.unwrap().previous, oldest, "and no record tells of that");
    verify_folder(&second, &mut ()).unwrap();
    goes_on(&second, 2);
}

/// Above 128 payments in memory, runs of 16 are made.
fn start_small(folder: &Path) -> Engine {
    sample_log::start_with_room(folder, 256, SEGMENT_SIZE, FollowerSettings::default())
}

/// Submits a payment of one cent, accepted now or as it was before, and again if the node can't keep up with the disk.
fn send(handle: &Handle, id: usize, accepted: Option<Timestamp>) -> ledger::Outcome {
    loop {
        let mut commands = handle.commands(PrincipalNumber(1));
        pay(&mut commands, &format!("CENT-{id}"), "0.01", accepted.unwrap_or(handle.now()));
        let (sender, outcomes) = mpsc::channel();
        let sink = move |outcomes: &[ledger::Outcome], _: &mut engine::Waiting<'_>| {
            let _ = sender.send(outcomes[0]);
        };
        match handle.submit(commands, Box::new(sink)) {
            Ok(()) => return outcomes.recv().unwrap(),
            Err(NotTaken::Full | NotTaken::Overloaded) => std::thread::yield_now(),
            Err(reason) => panic!("{reason}"),
        }
    }
}

/// The numbers of the runs in a folder.
fn numbers(folder: &Path) -> Vec<u64> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut numbers: Vec<u64> =
        names.filter_map(|name| journal::run_number(&name.to_string_lossy())).collect();
    numbers.sort_unstable();
    numbers
}

/// A log whose payments have left memory, backed up now and then while runs were made of runs. The payments' positions
/// and when they were accepted.
fn sealed(folders: &Folders) -> Vec<(Sequence, Timestamp)> {
    let engine = start_small(&folders.data);
    let handle = engine.handle();
    sample_log::fill(&handle);
    let mut paid = Vec::new();
    loop {
        for _ in 0..150 {
            let outcome = send(&handle, paid.len(), None);
            assert!(matches!(outcome.verdict, ledger::Verdict::Payment { state: PaymentState::Settled, .. }));
            paid.push((outcome.sequence, outcome.accepted));
        }
        let numbers = numbers(&folders.data);
        // Many were made between two backups, and of them some have gone again.
        if numbers.last().is_some_and(|last| *last > 30 && numbers.len() < 20) {
            break;
        }
        if paid.len() == 450 {
            back_up(&folders.data, &folders.backup);
        }
    }
    back_up(&folders.data, &folders.backup);
    engine.stop();
    back_up(&folders.data, &folders.backup);
    paid
}

/// What was restored serves, knows each of these payments that it should by its number, and verifies.
fn knows<'p>(
    folder: &Path,
    outcome: &Outcome,
    paid: impl Iterator<Item = (usize, &'p (Sequence, Timestamp))>,
) {
    verify_folder(folder, &mut ()).unwrap();
    let engine = start_small(folder);
    let upto = outcome.point.tail.last_sequence();
    for (id, (sequence, accepted)) in paid.step_by(13).filter(|(_, paid)| paid.0 <= upto) {
        let again = send(&engine.handle(), id, Some(*accepted));
        assert_eq!(again.repeat_of(), Some(*sequence), "until {upto}: payment {id}");
    }
    engine.stop();
    verify_folder(folder, &mut ()).unwrap();
}

#[test]
fn runs_of_two_lives_are_restored() {
    let mut folders = Folders::new();
    let first = sealed(&folders);
    let border = first[first.len() * 2 / 3].0;
    let (second, outcome) = folders.restore(Some(border));
    let kept = first.iter().filter(|paid| paid.0 <= outcome.point.tail.last_sequence()).count();
    let engine = start_small(&second);
    let mut paid: Vec<_> = first[..kept].iter().copied().enumerate().collect();
    for id in 10_000..10_400 {
        let outcome = send(&engine.handle(), id, None);
        paid.push((id, (outcome.sequence, outcome.accepted)));
    }
    engine.stop();
    folders.backup = folders.all.path().join("second");
    back_up(&second, &folders.backup);
    check(&folders.backup).unwrap();
    let mut made = 0;
    for until in paid.iter().step_by(paid.len() / 6).map(|(_, paid)| Some(paid.0)).chain([None]) {
        let (folder, outcome) = folders.restore(until);
        made += outcome.runs.made;
        knows(&folder, &outcome, paid.iter().map(|(id, paid)| (*id, paid)));
    }
    assert!(made > 0);
}

#[test]
fn a_log_with_runs_of_duplicates_is_restored_to_every_point() {
    let folders = Folders::new();
    let paid = sealed(&folders);
    check(&folders.backup).unwrap();
    let kept = numbers(&folders.backup);
    assert!(kept.len() <= numbers(&folders.data).len() + 12, "runs that others hold have left it: {kept:?}");
    let (mut copied, mut made) = (0, 0);
    let points = paid.iter().step_by(paid.len() / 9).map(|paid| Some(paid.0)).chain([None]);
    for until in points {
        let (folder, outcome) = folders.restore(until);
        let Runs { copied: found, made: anew, outdated } = outcome.runs;
        assert_eq!(numbers(&folder).len(), usize::try_from(found + anew).unwrap(), "and no other");
        assert_eq!(outdated, 0);
        (copied, made) = (copied + found, made + anew);
        knows(&folder, &outcome, paid.iter().enumerate());
    }
    assert!(copied > 0 && made > 0, "{copied} copied, {made} made");
}

#[test]
fn a_backup_without_the_runs_that_the_log_lists_is_refused_by_name() {
    let folders = Folders::new();
    sealed(&folders);
    let mut catalogue = Catalogue::read(&folders.backup).unwrap().unwrap();
    catalogue.files.retain(|file| file.run().is_none());
    catalogue.write(&folders.backup).unwrap();
    for refused in [folders.try_restore(None).map(|_| ()), check(&folders.backup)] {
        let error = format!("{:#}", refused.unwrap_err());
        assert!(error.contains("duplicates-0") && error.contains("is not in the backup"), "{error}");
    }
}

#[test]
fn runs_that_an_interrupted_backup_has_copied_are_taken_up() {
    let folders = Folders::new();
    sealed(&folders);
    let at_node = numbers(&folders.data);
    let path = |number: &u64| folders.backup.join(journal::run_name(*number));
    let inode = |number: &u64| std::os::unix::fs::MetadataExt::ino(&fs::metadata(path(number)).unwrap());
    let before: Vec<u64> = at_node.iter().map(inode).collect();
    // As if it had not come to its end.
    let progress = folders.backup.join("BACKUP.progress");
    fs::rename(folders.backup.join("BACKUP"), progress).unwrap();
    let file = File::options().write(true).open(path(&at_node[0])).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &[1; 9], 5000).unwrap();
    back_up(&folders.data, &folders.backup);
    let after: Vec<u64> = at_node.iter().map(inode).collect();
    assert!(before[1..] == after[1..] && before[0] != after[0], "only the damaged one is copied again");
    check(&folders.backup).unwrap();
    folders.restore(None);
}
