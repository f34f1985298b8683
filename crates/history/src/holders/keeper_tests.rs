//! Tables that are made from a log by either way, and kept up.

use ledger::{AccountSelector, AccountStatus, RecordWriter, SetAccountHolders, SetAccountStatus};
use types::{Currency, Date, Text};

use super::*;
use crate::keeper::Keeper;
use crate::testing::{Frames, KEY, Log, iban, never};

fn selector(account: &str) -> AccountSelector {
    AccountSelector { iban: iban(account), currency: Currency::EUR }
}

impl Log {
    fn hold(&mut self, writer: &mut RecordWriter, account: &str, name: &str, repeats: Option<Sequence>) {
        writer.set_account_holders(&SetAccountHolders {
            request_id: self.request(),
            account: selector(account),
            holder_names: vec![Text::parse(name).unwrap()],
            identification: None,
            repeats,
        });
    }

    fn close(&mut self, writer: &mut RecordWriter, account: &str) {
        let (request_id, status) = (self.request(), AccountStatus::Closed);
        writer.set_account_status(&SetAccountStatus { request_id, account: selector(account), status });
    }

    /// Frames with one command each, so that positions are easily named. Gives the command's position.
    fn one(&mut self, write: impl FnOnce(&mut Self, &mut RecordWriter)) -> Sequence {
        let mut writer = self.writer();
        write(self, &mut writer);
        self.commands(&writer);
        self.ledger.position().sequence
    }

    fn number(&self, account: &str) -> AccountNumber {
        self.ledger.account(&KEY, iban(account).as_str(), Currency::EUR).unwrap().0
    }
}

/// A1 has other names, A2 has its first, B1 is closed, B2 was named again by the node, and again by its bank before the node
/// did it a second time; B3 was opened and named later, and its second name is refused.
fn some_log() -> Log {
    let mut log = Log::new();
    log.one(|log, writer| log.hold(writer, "A1", "Anna Peeters", None));
    let first = log.one(|log, writer| log.hold(writer, "B2", "Berta One", None));
    log.one(|log, writer| log.hold(writer, "B2", "Berta One", Some(first)));
    log.one(|log, writer| log.hold(writer, "B2", "Berta Two", None));
    log.one(|log, writer| log.hold(writer, "B2", "Berta One", Some(first)));
    log.one(|log, writer| log.open(writer, "B3"));
    log.one(|log, writer| log.close(writer, "B3"));
    log.one(|log, writer| log.hold(writer, "B3", "Nobody", None));
    log.one(|log, writer| log.post(writer, "B1", -50_000));
    log.one(|log, writer| log.close(writer, "B1"));
    log.marker();
    log.marker();
    log
}

fn complete(keeper: &HoldersKeeper) -> HoldersView {
    let view = keeper.view();
    while let Err(error) = view.check() {
        assert_eq!(error, crate::holders::NotComplete::Reading);
        std::thread::yield_now();
    }
    view
}

fn names(view: &HoldersView, account: AccountNumber) -> Option<Vec<String>> {
    let holders = view.of(account).unwrap()?;
    Some(holders.names.iter().map(|name| name.as_str().to_owned()).collect())
}

fn check(log: &Log, view: &HoldersView) {
    let is_named = |account, name: &str| {
        assert_eq!(names(view, log.number(account)).unwrap(), [name], "{account}");
    };
    is_named("A1", "Anna Peeters");
    is_named("A2", "Sarah Secret");
    is_named("B2", "Berta Two");
    assert_eq!(names(view, log.number("B1")), None, "it is closed");
    assert_eq!(names(view, log.number("B3")), None, "it is closed");
    assert_eq!(names(view, AccountNumber(4_000_000_000)), None);
}

#[test]
fn the_log_alone_gives_the_names_in_force() {
    let log = some_log();
    let keeper = HoldersKeeper::start(Arc::new(log.source()), None).unwrap();
    check(&log, &complete(&keeper));
}

/// Wherever history stands, what it knows and the rest of the log give the same.
#[test]
fn history_saves_reading_the_log_and_gives_the_same() {
    let log = some_log();
    for count in [3, log.frames.len() / 2, log.frames.len() - 3, log.frames.len()] {
        let folder = tempfile::tempdir().unwrap();
        let known = Arc::new(Frames(log.frames[..count].to_vec()));
        let history = Keeper::start(folder.path().to_owned(), known, KEY, never()).unwrap();
        let keeper = HoldersKeeper::start(Arc::new(log.source()), Some(history.history())).unwrap();
        check(&log, &complete(&keeper));
    }
}

#[test]
fn names_go_with_the_key_of_their_day() {
    let log = some_log();
    let keeper = HoldersKeeper::start(Arc::new(log.source()), None).unwrap();
    let view = complete(&keeper);
    let day = Date::parse("2026-02-03").unwrap();
    let next = Date::parse("2026-02-04").unwrap();
    assert_eq!(view.count_before(day), Ok(0));
    assert!(view.some_before(day, 10).unwrap().is_empty());
    let old = view.count_before(next).unwrap();
    assert!(old >= 3, "{old}");
    let some = view.some_before(next, 2).unwrap();
    assert!(some.iter().all(|named| named.currency == Currency::EUR) && some.len() == 2);
    assert_eq!(view.forget_before(next), old);
    assert_eq!(view.count_before(next), Ok(0));
    assert_eq!(names(&view, log.number("A2")), Some(Vec::new()), "it has holders whose names are gone");
}

#[test]
fn nothing_is_known_when_the_keeper_has_gone() {
    let log = some_log();
    let keeper = HoldersKeeper::start(Arc::new(log.source()), None).unwrap();
    let view = complete(&keeper);
    drop(keeper);
    assert!(view.of(log.number("A1")).is_err());
    assert_eq!(view.taken_in(), Sequence(u64::MAX), "nothing in the log is kept for it");
    assert!(!format!("{view:?}").contains("Anna"));
}
