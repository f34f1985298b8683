//! Logs of every version of the rules, as the program of that time wrote them: each replays to what it told, under its
//! own version, and to the state that is stored beside it.
//!
//! `SOLVO_UPDATE_GOLDEN=1` writes logs that are not there yet, and the states of all. A log that is there stays as it is;
//! a state may only change together with the layout of states.

use std::path::{Path, PathBuf};

use journal::{LocalJournal, MemoryStorage, SegmentSize, Settings, StateDigester, Storage, segment_name};
use ledger::{
    AccountMode, AccountRange, AccountSelector, Bounds, ExpectedVersion, Fees, GlAccount, OwnAccount,
    OwnedAccount, PartyLimit, PostingClass, PostingLine, PostingSubject, RULES_VERSION, RequestId,
    RollBusinessDate, SetActivation, SetCustomerLimit, SetFees, SetPositionAlert, SetPostingMap,
    SetReachableParty, SetRestricted, SetVersion, SetZone, TransferOwnFunds, Zone, ZoneChange, ZoneOffset,
};
use types::{Balance, Currency, PaymentState, Text};

use crate::testing::{
    LIMITS, Node, SECOND, answer, bank, commands, enter_remote, euro_cents, hold, iban, identity, interest,
    key, now, pay, pay_remote, payment, replay, request, world,
};
use crate::testing_exceptions::except;
use crate::testing_holds::hold_and_keep;
use crate::testing_orders::order_and_execute;
use crate::testing_recall::{give_back, set_closing_days};
use crate::testing_requests::ask_and_answer;
use crate::{Outcomes, Replayer};

const FILES: [&str; 3] = ["MANIFEST", "segment-0000000000000001.log", "segment-0000000000000002.log"];

/// The files of a version's log: older versions need one segment.
fn files(version: u32) -> &'static [&'static str] {
    &FILES[..if version < 4 { 2 } else { 3 }]
}

fn folder(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("golden/rules-v{version}"))
}

fn settings() -> Settings {
    let segment_size = SegmentSize::new(32 * 4096).unwrap();
    Settings { segment_size, entropy: Box::new(|| 0x5EED) }
}

/// A log with some of everything that the version knows. Each begins under the first, and is raised step by step.
fn written(version: u32) -> MemoryStorage {
    let storage = MemoryStorage::new();
    let journal = LocalJournal::create(storage.clone(), identity(), settings()).unwrap();
    let mut node = Node::start_under(1, journal, now()).unwrap();
    node.submit(0, world());
    node.write_all();
    let mut writer = commands();
    enter_remote(&mut writer);
    node.submit(1, writer);
    node.write_all();
    node.subscribe(1, interest("C", true, Outcomes::All));
    for raised in 1..=version {
        if raised > 1 {
            let mut writer = commands();
            let request_id = RequestId::parse(&format!("raise-{raised}")).unwrap();
            writer.set_version(&SetVersion::new(request_id, raised).unwrap());
            node.submit(2, writer);
            node.write_all();
        }
        if raised == 3 {
            customers(&mut node);
        }
        under_one_version(&mut node, raised);
        if raised == 3 {
            positions(&mut node);
            recall(&mut node);
        }
        if raised == 4 {
            hold_and_keep(&mut node, 60, "v4");
        }
        if raised == 5 {
            switch(&mut node, 75);
            name_accounts(&mut node);
            except(&mut node, 180, "v5");
            order_and_execute(&mut node, 70, "v5");
            ask_and_answer(&mut node, 80, "v5-ask");
        }
    }
    node.advance(SECOND);
    node.write_all();
    assert!(node.core.told() == node.core.ledger().position().sequence, "all is told");
    storage
}

/// What version 3 brought for customers: a limit that stands against a payment, a fee, a clock that changes, and an account that is
/// restricted and freed again.
fn customers(node: &mut Node<LocalJournal<MemoryStorage>>) {
    let of = |name| AccountSelector { iban: iban(name), currency: Currency::EUR };
    let mut writer = commands();
    let (per_payment, per_day) = (Some(euro_cents(5_000)), Some(euro_cents(100_000_000)));
    writer.set_customer_limit(&SetCustomerLimit {
        request_id: request("limit"),
        account: of("A1"),
        per_payment,
        per_day,
    });
    let fees = Fees::from_minor_units(25, 20).unwrap();
    let (bic, currency) = (bank("A"), Currency::EUR);
    writer.set_fees(&SetFees { request_id: request("fees"), bic, currency, fees });
    let change = ZoneChange { at: node.now.wall, offset: ZoneOffset::from_minutes(120).unwrap() };
    let zone = Zone { offset: ZoneOffset::from_minutes(60).unwrap(), change: Some(change) };
    writer.set_zone(&SetZone { request_id: request("zone"), bic, zone });
    for (id, is_restricted) in [("restrict", true), ("free", false)] {
        let (request_id, account) = (request(id), of("B1"));
        writer.set_restricted(&SetRestricted { request_id, account, is_restricted });
    }
    pay(&mut writer, "above-the-limit", 5_001, node.now.wall);
    node.submit(3, writer);
    node.write_all();
}

/// What version 5 brought for general ledgers: what banks call their accounts, said twice.
fn name_accounts(node: &mut Node<LocalJournal<MemoryStorage>>) {
    let line = |subject, name| PostingLine { subject, gl_account: GlAccount::parse(name).unwrap() };
    let account = node.core.ledger().account(&key(), iban("A1").as_str(), Currency::EUR).unwrap().0;
    let lines = [
        line(PostingSubject::Default, "9999"),
        line(PostingSubject::Class(PostingClass::Current), "2100"),
        line(PostingSubject::Account(account), "2100.1"),
    ];
    let from = node.now.wall.date().plus_days(2);
    for (id, from, lines) in [("map-1", None, &lines[..1]), ("map-2", from, &lines[..])] {
        let mut writer = commands();
        writer.set_posting_map(&SetPostingMap {
            request_id: request(id),
            bank: bank("A"),
            currency: Currency::EUR,
            expected: ExpectedVersion::Any,
            from,
            lines: lines.to_vec(),
        });
        node.submit(3, writer);
        node.write_all();
    }
}

/// What it brought for positions: bounds that are crossed, a bank that settles on another's position, own funds that
/// move to and fro.
fn positions(node: &mut Node<LocalJournal<MemoryStorage>>) {
    let (bic, currency) = (bank("A"), Currency::EUR);
    let mut writer = commands();
    let (request_id, bounds) = (request("bounds"), Bounds::new(Some(Balance::ZERO), None).unwrap());
    writer.set_position_alert(&SetPositionAlert { request_id, bic, currency, bounds });
    writer.set_reachable_party(&SetReachableParty {
        request_id: request("party"),
        bic: bank("P"),
        name: Text::parse("A party").unwrap(),
        mode: AccountMode::Hosted,
        host: bic,
        currency,
        limit: PartyLimit::upto(euro_cents(1000)),
    });
    let owned = |account| OwnedAccount { bic, account };
    let (position, technical) = (owned(OwnAccount::Position), owned(OwnAccount::Technical));
    for (id, from, to, cents) in [("own-1", position, technical, 500), ("own-2", technical, position, 200)] {
        let (request_id, amount) = (request(id), euro_cents(cents));
        let reference = Text::parse_identifier(id).unwrap();
        writer.transfer_own_funds(&TransferOwnFunds { request_id, from, to, amount, currency, reference });
    }
    node.submit(4, writer);
    node.write_all();
}

/// What it brought between banks: a calendar and its date, and the payment that was settled under it comes back.
fn recall(node: &mut Node<LocalJournal<MemoryStorage>>) {
    let paid = node.outcomes_of(30)[0];
    let (date, due) = (node.now.wall.date(), paid.decided_time);
    let mut writer = commands();
    set_closing_days(&mut writer);
    writer.roll_business_date(&RollBusinessDate { request_id: request("roll"), date, due });
    node.submit(5, writer);
    node.write_all();
    give_back(node, &paid, 90);
}

/// Accounts that take no part for a while: payments of them are not taken, and one that an older table let through comes
/// again.
fn switch(node: &mut Node<LocalJournal<MemoryStorage>>, ticket: u32) {
    let accepted = node.now.wall;
    let [first, last] = ["B1", "B9"].map(iban);
    let range = AccountRange::new(first.country(), &first.as_str()[4..], &last.as_str()[4..]).unwrap();
    let set = |range, is_active, id: &str| SetActivation {
        request_id: request(id),
        bank: bank("B"),
        range,
        is_active,
        reason: Text::parse("It moves").unwrap(),
    };
    let mut writer = commands();
    writer.set_activation(&set(Some(range), false, "branch-off"));
    pay(&mut writer, "overtaken", 100, accepted);
    node.submit(ticket, writer);
    node.write_all();
    node.submit(ticket + 1, payment("not-taken", accepted));
    node.write_all();
    let mut writer = commands();
    writer.set_activation(&set(None, false, "bank-off"));
    writer.set_activation(&set(Some(range), true, "branch-on"));
    node.submit(ticket + 2, writer);
    node.write_all();
    node.submit(ticket + 3, payment("taken", accepted));
    node.write_all();
}

/// Settled, refused for want of funds, repeated, changed, and between banks: accepted, rejected, expired and open.
fn under_one_version(node: &mut Node<LocalJournal<MemoryStorage>>, version: u32) {
    let accepted = node.now.wall;
    let id = |name: &str| format!("{name}-{version}");
    let mut writer = commands();
    pay(&mut writer, &id("settled"), 100, accepted);
    pay(&mut writer, &id("too-much"), 10_000_000, accepted);
    pay(&mut writer, &id("settled"), 100, accepted);
    pay(&mut writer, &id("settled"), 101, accepted);
    for name in ["accepted", "rejected", "silent"] {
        pay_remote(&mut writer, &id(name), 200, accepted);
    }
    if version >= 3 {
        hold(&mut writer, "A1", "Anna");
    }
    node.submit(10 * version, writer);
    node.write_all();
    let reserved = node.outcomes_of(10 * version);
    let mut writer = commands();
    answer(&mut writer, reserved[4].sequence, None);
    answer(&mut writer, reserved[5].sequence, Some("AC04"));
    answer(&mut writer, reserved[5].sequence, None);
    node.submit(10 * version + 1, writer);
    node.write_all();
    node.advance(8 * SECOND);
    node.write_all();
    let mut writer = payment(&id("after"), node.now.wall);
    pay_remote(&mut writer, &id("open"), 300, node.now.wall);
    node.submit(10 * version + 2, writer);
    node.write_all();
}

/// What a replay comes to, a line each.
fn told(replayer: &Replayer) -> String {
    let (totals, ledger) = (replayer.totals(), replayer.ledger());
    let mut digester = StateDigester::default();
    replayer.write_state(&mut digester).unwrap();
    let of = |state| ledger.payment_totals().of(state);
    format!(
        "frames {}\nrecords {}\noutcomes {}\nrules {}\nsettled {}\nrejected {}\nexpired {}\nreserved {}\nstate {}\n",
        totals.frames,
        totals.records,
        totals.outcomes_checked,
        ledger.rules_version(),
        of(PaymentState::Settled),
        of(PaymentState::Rejected),
        of(PaymentState::Expired),
        of(PaymentState::Reserved),
        digester.finish()
    )
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a test may read its environment and its own files, and write them"
)]
fn logs_of_every_version_replay_to_what_they_told() {
    let is_updated = std::env::var("SOLVO_UPDATE_GOLDEN").is_ok();
    for version in 1..=RULES_VERSION {
        let folder = folder(version);
        if is_updated && !folder.exists() {
            std::fs::create_dir_all(&folder).unwrap();
            let storage = written(version);
            assert_eq!(FILES[1..], [segment_name(1), segment_name(2)]);
            for name in files(version) {
                std::fs::write(folder.join(name), storage.bytes(name).unwrap()).unwrap();
            }
        }
        let storage = MemoryStorage::new();
        for name in files(version) {
            let bytes = std::fs::read(folder.join(name));
            storage.place_file(name, bytes.unwrap_or_else(|_| panic!("version {version} has its log")));
        }
        let mut journal = LocalJournal::open(storage.clone(), None, settings()).unwrap();
        let found = told(&replay(&mut journal));
        let path = folder.join("state.txt");
        if is_updated {
            std::fs::write(&path, &found).unwrap();
        }
        assert_eq!(found, std::fs::read_to_string(&path).unwrap(), "version {version}");
        // A node goes on with it, under the version that it has.
        drop(journal);
        let journal = LocalJournal::open(storage.clone(), None, settings()).unwrap();
        let mut node = Node::start(journal, now()).unwrap();
        assert_eq!(node.core.ledger().rules_version(), version);
        node.submit(1, world());
        assert!(node.write_all());
        assert!(storage.list().unwrap().len() > files(version).len());
        assert!(LIMITS.payments_max > node.core.ledger().payment_count());
    }
}
