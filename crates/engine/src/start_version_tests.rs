//! Logs that an older program began: they go on as they are until the version is raised.

use ledger::{Kind, RULES_VERSION, Refusal, RequestId, SetVersion, Verdict};
use types::BatchNumber;

use super::tests::{begin_world, config, submit};
use super::*;

/// Begins a log as a program did that knew only the first version of the rules.
fn begin_as_before(config: &Config) {
    let mut journal = open(config).unwrap();
    let identity = journal.identity();
    let tail = journal.read(BatchNumber(0), &mut |_, _| Ok(())).unwrap();
    let clock = LogClock::new(now(), tail.time);
    let mut log = Log { builder: FrameBuilder::new(2), identity, tail, clock, rules_version: 1 };
    let mut epoch_start = log.seal(FrameKind::EpochStart);
    let mut writer = journal.claim(&tail, &mut epoch_start).unwrap();
    let mut commands = RecordWriter::new(DigestKey::new([7; 16]), PrincipalNumber(0));
    commands.genesis(identity.cluster, identity.incarnation);
    commands.set_profile(&Profile::sct_inst_2025());
    for record in commands.split() {
        log.builder.push_record(record);
    }
    assert!(matches!(writer.append(&mut log.seal(FrameKind::Commands)), Append::Durable));
}

/// The versions of all frames, in order, each once.
fn versions(config: &Config) -> Vec<u32> {
    let mut versions = Vec::new();
    let reader = journal::Reader::open(FileStorage::open(&config.folder).unwrap()).unwrap();
    let read = reader.read(BatchNumber(0), &mut |frame, _| {
        versions.push(frame.header().rules_version);
        Ok(())
    });
    read.unwrap();
    versions.dedup();
    versions
}

fn raise(handle: &Handle, id: &str, version: u32) -> Verdict {
    let mut commands = handle.commands(PrincipalNumber(1));
    commands.set_version(&SetVersion::new(RequestId::parse(id).unwrap(), version).unwrap());
    let outcome = submit(handle, commands).recv().unwrap()[0];
    assert_eq!(outcome.kind, Kind::SetVersion);
    outcome.verdict
}

#[test]
fn a_log_begins_under_the_newest_version() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let engine = start(&config).unwrap();
    assert_eq!(engine.handle().rules_version(), RULES_VERSION);
    engine.stop();
    assert_eq!(versions(&config), [RULES_VERSION]);
}

#[test]
fn an_older_log_keeps_its_version_over_starts_until_it_is_raised() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    begin_as_before(&config);
    for _ in 0..2 {
        let engine = start(&config).unwrap();
        assert_eq!(engine.handle().rules_version(), 1);
        begin_world(&engine.handle());
        engine.stop();
        assert_eq!(versions(&config), [1], "what was there before can still read it");
    }
    let engine = start(&config).unwrap();
    let handle = engine.handle();
    let not_next = Verdict::Refused { refusal: Refusal::VersionNotNext, repeat_of: None };
    assert_eq!(raise(&handle, "the-same", 1), not_next);
    assert!(matches!(raise(&handle, "the-next", 2), Verdict::Done { .. }));
    assert_eq!(handle.rules_version(), 2, "whoever hears that it was raised may use it");
    engine.stop();
    assert_eq!(versions(&config), [1, 2]);
    let engine = start(&config).unwrap();
    assert_eq!(engine.handle().rules_version(), 2);
    assert!(matches!(raise(&engine.handle(), "the-next", 2), Verdict::Done { repeat_of: Some(_), .. }));
    engine.stop();
    assert_eq!(versions(&config), [1, 2]);
}
