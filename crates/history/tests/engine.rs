//! History behind a running engine whose table of payments is small: payments leave it for runs on disk, and some are
//! asked again.

// Helpers of tests are no tests to the lint.
#![allow(clippy::unwrap_used)]

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use engine::{Config, Engine, FollowerSettings, Handle, NotTaken, Waiting};
use history::{FOLDER, Keeper, Order, PaymentQuery, Rebuild, Store, Unavailable, View, with_oldest_snapshot};
use journal::{FileStorage, Reader, SegmentSize};
use ledger::{
    AccountKind, AccountMode, AccountSelector, Direction, Limits, OpenAccount, Outcome, OutcomeEntry,
    PostEntry, RecordWriter, RegisterParticipant, RequestId,
};
use types::{
    AccountNumber, Amount, Balance, BatchNumber, Bic, Channel, Currency, Date, Iban, MandatoryParts, Party,
    PaymentOrder, PaymentState, PrincipalNumber, Sequence, Text,
};

const BANK: &str = "ALFABEBBXXX";

fn bank() -> Bic {
    Bic::parse(BANK).unwrap()
}

fn iban(number: u32) -> Iban {
    Iban::with_check_digits("DE", &format!("{number:018}")).unwrap()
}

/// Above 128 payments, runs of 16 are made.
fn start(folder: &Path) -> Engine {
    let config = Config {
        folder: folder.to_owned(),
        segment_size: SegmentSize::new(4 << 20).unwrap(),
        limits: Limits { accounts_max: 64, payments_max: 256, requests_max: 64 },
        payments_ready: 0,
        commands_per_second_max: None,
        master_key: None,
        follower: FollowerSettings::default(),
        is_parallel: false,
    };
    engine::start(&config).unwrap()
}

/// Submits commands, and again as long as the node has no room for them.
fn submit(handle: &Handle, fill: impl Fn(&mut RecordWriter)) -> Receiver<Vec<Outcome>> {
    loop {
        let mut writer = handle.commands(PrincipalNumber(1));
        fill(&mut writer);
        let (sender, receiver) = channel();
        let sink = move |outcomes: &[Outcome], _: &mut Waiting<'_>| sender.send(outcomes.to_vec()).unwrap();
        match handle.submit(writer, Box::new(sink)) {
            Ok(()) => return receiver,
            Err(NotTaken::Full | NotTaken::Overloaded) => std::thread::yield_now(),
            Err(reason) => panic!("{reason}"),
        }
    }
}

fn enter(handle: &Handle) {
    let request = |what: &str| RequestId::parse(what).unwrap();
    let currency = Currency::EUR;
    let told = submit(handle, |writer| {
        writer.register_participant(&RegisterParticipant {
            request_id: request("bank"),
            bic: bank(),
            name: Text::parse("A bank").unwrap(),
            mode: AccountMode::Hosted,
            currency,
        });
        for number in 1..3 {
            writer.open_account(&OpenAccount {
                request_id: request(&format!("open-{number}")),
                participant: bank(),
                iban: iban(number),
                currency,
                kind: AccountKind::Current,
                floor: Balance::ZERO,
                holder_names: vec![Text::parse("A customer").unwrap()],
                identification: None,
            });
        }
        writer.post_entry(&PostEntry {
            request_id: request("post"),
            account: AccountSelector { iban: iban(1), currency },
            direction: Direction::Credit,
            amount: Amount::from_minor_units(100_000_000).unwrap(),
            value_date: Date::parse("2026-01-05").unwrap(),
            booking_key: Text::parse_identifier("SALA").unwrap(),
            core_reference: Text::parse_identifier("CORE-1").unwrap(),
        });
    });
    told.recv().unwrap();
}

fn pay(writer: &mut RecordWriter, handle: &Handle, number: u32) {
    let party = |name| Party { name: Some(Text::parse(name).unwrap()), ..Party::default() };
    let mandatory = MandatoryParts {
        end_to_end_id: Text::parse("A BILL").unwrap(),
        transaction_id: Text::parse_identifier(&format!("TX-{number}")).unwrap(),
        amount: Amount::from_minor_units(1).unwrap(),
        currency: Currency::EUR,
        debtor: party("Ines Aerts"),
        debtor_account: iban(1),
        debtor_agent: bank(),
        creditor_agent: bank(),
        creditor: party("Paul Brandt"),
        creditor_account: iban(2),
    };
    let now = handle.now();
    let order = PaymentOrder { acceptance_time: Some(now), ..mandatory.into_order() };
    writer.payment(&order, now, Channel::Grpc, |_, _| AccountNumber(0));
}

/// How many commands the log says to have been asked again.
fn asked_again(handle: &Handle) -> usize {
    let mut count = 0;
    let visit = &mut |frame: journal::FrameView<'_>| {
        let told = OutcomeEntry::read_all(frame.outcomes()).unwrap();
        count += told.iter().filter(|entry| entry.is_asked_again()).count();
        ControlFlow::Continue(())
    };
    handle.log().frames().read_after(Sequence(0), visit).unwrap();
    count
}

/// Sends payments in bursts until some were asked again; says how many there are, and the last outcome.
fn send_until_asked_again(handle: &Handle) -> (u32, Sequence) {
    const IN_BURST: u32 = 64;
    const BURSTS_MAX: u32 = 500;
    let (mut sent, mut last) = (0, Sequence(0));
    for _ in 0..BURSTS_MAX {
        let burst = (0..IN_BURST).map(|number| submit(handle, |writer| pay(writer, handle, sent + number)));
        for receiver in burst.collect::<Vec<_>>() {
            let [outcome] = receiver.recv().unwrap()[..] else { panic!("one outcome for each") };
            assert_eq!(outcome.repeat_of(), None);
            last = last.max(outcome.sequence);
        }
        sent += IN_BURST;
        if asked_again(handle) > 0 {
            return (sent, last);
        }
    }
    panic!("nothing was asked again");
}

fn check(view: &View, sent: u32) {
    let query = PaymentQuery::all(Some(bank()), Order::OldestFirst);
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = view.payments(&query, after, 1000).unwrap();
        listed.extend(page.rows);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let mut ids: Vec<_> = listed.iter().map(|row| row.transaction_id.as_str().to_owned()).collect();
    let mut expected: Vec<_> = (0..sent).map(|number| format!("TX-{number}")).collect();
    ids.sort();
    expected.sort();
    assert_eq!(ids, expected);
    assert!(listed.iter().all(|row| row.state == PaymentState::Settled));
}

#[test]
fn history_goes_on_where_payments_are_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(folder.path());
    let handle = engine.handle();
    let store = folder.path().join(FOLDER);
    let begin = with_oldest_snapshot(folder.path().to_owned());
    let keeper = Keeper::start(store.clone(), handle.log().frames(), *handle.digest_key(), begin).unwrap();
    enter(&handle);
    let (sent, last) = send_until_asked_again(&handle);
    let history = keeper.history();
    while history.progress().watermark.is_none_or(|reached| reached.told < last) {
        let stopped = history.progress().unavailable;
        assert!(!matches!(stopped, Some(Unavailable::Stopped(_))), "{stopped:?}");
        std::thread::yield_now();
    }
    check(&history.view().unwrap(), sent);
    drop(keeper);
    engine.stop();

    let reader = Reader::open(FileStorage::open(folder.path()).unwrap()).unwrap();
    let reader = reader.with_keys_of_folder(None).unwrap();
    let mut rebuild = Rebuild::begin(&store, reader.keyring().digest_key()).unwrap();
    reader.read(BatchNumber(0), &mut |frame, _| Ok(rebuild.take(frame)?)).unwrap();
    assert_eq!(rebuild.finish().unwrap().aside, None);
    let rebuilt: Arc<Store> = Store::open(&store).unwrap();
    check(&View::new(&rebuilt).unwrap().unwrap(), sent);
}
