//! A history that begins with a snapshot against the whole one, which knows everything.

use std::sync::Arc;

use journal::FrameView;
use ledger::{
    AccountMode, BlockTarget, Blocks, Bounds, Fees, PartyLimit, RollBusinessDate, SetBlock, SetClosingDays,
    SetFees, SetPositionAlert, SetReachableParty, SetZone, ZoneOffset,
};
use proptest::prelude::*;
use types::{Balance, ClosingDays};

use super::*;
use crate::query::PaymentQuery;
use crate::rows::{EntryKind, EntryRow};
use crate::store::Store;
use crate::testing::{KEY, Log, SECOND, bank, iban};
use crate::view::tests::{index, log_of, step};
use crate::view::{Moment, Page, View};
use crate::walk::Order;

/// History of what comes after so many frames, from the state after them on.
fn begun(log: &Log, frames: usize) -> (tempfile::TempDir, Arc<Store>) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let mut indexer = Indexer::open(Arc::clone(&store), Some(KEY)).unwrap();
    indexer.begin(&log.with_snapshot(frames)).unwrap();
    for frame in &log.frames[frames..] {
        indexer.step(&FrameView::parse(frame).unwrap()).unwrap();
    }
    indexer.commit().unwrap();
    (folder, store)
}

fn all<Row>(page: Page<Row>) -> Vec<Row> {
    assert_eq!(page.next, None);
    page.rows
}

/// What two histories say of the time after a position.
fn compare(log: &Log, whole: &View, part: &View, begins: Sequence) {
    let lists = [None, Some(bank("A")), Some(bank("B")), Some(bank("C")), Some(bank("P"))];
    for query in lists.map(|of| PaymentQuery::all(of, Order::OldestFirst)) {
        let rows = |view: &View| all(view.payments(&query, None, usize::MAX).unwrap());
        let is_since = |row: &PaymentRow| row.sequence > begins;
        let of_whole: Vec<_> = rows(whole).into_iter().filter(is_since).collect();
        let of_part: Vec<_> = rows(part).into_iter().filter(is_since).collect();
        assert_eq!(of_part, of_whole);
    }
    let named = ["A1", "A2", "B1", "B2", "B10", "B11", "B12", "B13", "P1"];
    let accounts = named.map(|name| KEY.iban(iban(name).as_str()));
    let found = |view: &View| {
        let accounts = accounts.iter().map(|digest| view.account(*digest, Currency::EUR).unwrap());
        let positions = ["A", "B", "C"].map(|letter| view.position(bank(letter), Currency::EUR));
        let technical =
            ["A", "B", "C"].map(|letter| view.technical_account(bank(letter), Currency::EUR).unwrap());
        accounts.chain(positions).chain(technical).collect::<Vec<_>>()
    };
    for (of_whole, of_part) in found(whole).into_iter().zip(found(part)) {
        let (Some(of_whole), Some(of_part)) = (of_whole, of_part) else {
            assert_eq!(of_whole.is_some(), of_part.is_some());
            continue;
        };
        assert_eq!((of_part.owner, of_part.bank), (of_whole.owner, of_whole.bank));
        let entries = |view: &View| {
            let page = view.entries(of_whole.owner, (None, None), Order::OldestFirst, None, usize::MAX);
            all(page.unwrap()).into_iter().filter(|entry| entry.place.at > begins).collect::<Vec<EntryRow>>()
        };
        assert_eq!(entries(part), entries(whole));
        for (position, time) in log.times.iter().filter(|(position, _)| *position >= begins) {
            for moment in [Moment::Position(*position), Moment::Time(*time)] {
                assert!(!part.is_before(moment));
                let balance = |view: &View, found| view.balance(found, moment).unwrap().map(|at| at.balance);
                assert_eq!(balance(part, &of_part), balance(whole, &of_whole), "{of_whole:?} at {moment:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn it_says_the_same_from_there_on(
        steps in proptest::collection::vec(step(), 1..120),
        at in any::<prop::sample::Index>(),
    ) {
        let log = log_of(&steps);
        // The first two frames are the log's beginning, and the state of the log's last frame leaves nothing to compare.
        let frames = 2 + at.index(log.frames.len() - 2);
        let (_folder, store) = begun(&log, frames);
        let (_whole_folder, whole_store) = index(&log, false);
        let begins = FrameView::parse(&log.frames[frames - 1]).unwrap().header().last_sequence();
        let whole = View::new(&whole_store).unwrap().unwrap();
        let part = View::new(&store).unwrap().unwrap();
        prop_assert_eq!(part.watermark().begins, begins);
        prop_assert!(part.is_before(Moment::Position(Sequence(begins.0 - 1))));
        compare(&log, &whole, &part, begins);
    }
}

/// A payment waits when history begins, and is settled afterwards.
fn waiting_payment() -> (Log, usize, Sequence) {
    let mut log = Log::new();
    let mut writer = log.writer();
    log.pay(&mut writer, "RE-1", "A1", "C1", 700);
    log.commands(&writer);
    log.marker();
    let (frames, payment) = (log.frames.len(), log.reserved[0]);
    let mut writer = log.writer();
    log.answer(&mut writer, payment, "C", true);
    log.pay(&mut writer, "TX-2", "A1", "B1", 100);
    log.commands(&writer);
    log.marker();
    (log, frames, payment)
}

#[test]
fn a_payment_that_waited_when_history_begins_is_known_from_then_on() {
    let (log, frames, payment) = waiting_payment();
    let (folder, store) = begun(&log, frames);
    let view = View::new(&store).unwrap().unwrap();
    let row = view.payment(payment).unwrap().unwrap();
    assert_eq!((row.state, row.transaction_id.as_str()), (PaymentState::Settled, "RE-1"));
    assert_eq!((row.debtor_agent, row.creditor_agent), (bank("A"), Some(bank("C"))));
    assert_eq!(row.amount.map(|(amount, _)| amount.minor_units()), Some(700));
    let by_key = |id| view.payment_by_key(&KEY, bank("A"), id, None).unwrap().map(|row| row.sequence);
    assert_eq!(by_key("RE-1"), Some(payment));
    assert!(by_key("TX-2").is_some());
    let account = view.account(KEY.iban(iban("A1").as_str()), Currency::EUR).unwrap().unwrap();
    assert_eq!(account.opening_balance, 50_000);
    let page = view.entries(account.owner, (None, None), Order::OldestFirst, None, 10).unwrap();
    let balances: Vec<_> = page.rows.iter().map(|entry| (entry.change, entry.balance)).collect();
    assert_eq!(balances, [(-700, 49_300), (-100, 49_200)]);
    let listed = view.payments(&PaymentQuery::all(Some(bank("C")), Order::OldestFirst), None, 10).unwrap();
    assert_eq!(listed.rows, [row]);
    drop((view, store));

    // What waited is still known after a restart.
    let store = Store::open(folder.path()).unwrap();
    let indexer = Indexer::open(store, Some(KEY)).unwrap();
    let begins = FrameView::parse(&log.frames[frames - 1]).unwrap().header().last_sequence();
    assert_eq!(indexer.reached().unwrap().begins, begins);
}

#[test]
fn what_waited_is_decided_after_a_restart_too() {
    let (log, frames, payment) = waiting_payment();
    let folder = tempfile::tempdir().unwrap();
    let open = || Indexer::open(Store::open(folder.path()).unwrap(), Some(KEY)).unwrap();
    open().begin(&log.with_snapshot(frames)).unwrap();
    let mut indexer = open();
    for frame in &log.frames[frames..] {
        indexer.step(&FrameView::parse(frame).unwrap()).unwrap();
    }
    indexer.commit().unwrap();
    let view = View::new(indexer.store()).unwrap().unwrap();
    assert_eq!(view.payment(payment).unwrap().unwrap().state, PaymentState::Settled);
}

#[test]
fn time_ends_what_waited() {
    let mut ended = Log::new();
    let mut writer = ended.writer();
    ended.pay(&mut writer, "RE-1", "A1", "C1", 700);
    ended.commands(&writer);
    ended.advance(60 * SECOND);
    ended.marker();
    ended.marker();
    let (_folder, store) = begun(&ended, ended.frames.len() - 2);
    let view = View::new(&store).unwrap().unwrap();
    let row = view.payment(ended.reserved[0]).unwrap().unwrap();
    assert_eq!(
        (row.state, row.reason_to_creditor),
        (PaymentState::Expired, ReasonCode::from_bytes(*b"TM01"))
    );
}

/// The state has items in every section that later rules put before what history needs of it: bounds, a bank that
/// settles on another's position, a block, and a payment that waits and has a fee.
#[test]
fn a_state_of_the_whole_rulebook_is_begun_with() {
    let mut log = Log::new();
    let mut writer = log.writer();
    let (currency, bic) = (Currency::EUR, bank("A"));
    let bounds = Bounds::new(Some(Balance::ZERO), None).unwrap();
    writer.set_position_alert(&SetPositionAlert { request_id: log.request(), bic, currency, bounds });
    writer.set_reachable_party(&SetReachableParty {
        request_id: log.request(),
        bic: bank("P"),
        name: Text::parse("A party").unwrap(),
        mode: AccountMode::Hosted,
        host: bic,
        currency,
        limit: PartyLimit::Unlimited,
    });
    let (target, blocks) = (BlockTarget::Participant(bank("B")), Blocks::new(true, false));
    writer.set_block(&SetBlock { request_id: log.request(), target, blocks });
    let fees = Fees::from_minor_units(25, 20).unwrap();
    writer.set_fees(&SetFees { request_id: log.request(), bic, currency, fees });
    log.open(&mut writer, "P1");
    log.post(&mut writer, "P1", 9_000);
    log.move_own_funds(&mut writer, "A", 300);
    log.pay(&mut writer, "RE-1", "A1", "C1", 700);
    log.commands(&writer);
    log.marker();
    assert_eq!(log.ledger.rules_version(), ledger::RULES_VERSION);
    let (frames, payment) = (log.frames.len(), log.reserved[0]);
    let begins = FrameView::parse(&log.frames[frames - 1]).unwrap().header().last_sequence();

    let mut writer = log.writer();
    log.answer(&mut writer, payment, "C", true);
    log.pay(&mut writer, "TX-2", "P1", "B1", 100);
    log.move_own_funds(&mut writer, "A", 50);
    log.commands(&writer);
    log.marker();
    let (_folder, store) = begun(&log, frames);
    let (_whole_folder, whole_store) = index(&log, false);
    let whole = View::new(&whole_store).unwrap().unwrap();
    let part = View::new(&store).unwrap().unwrap();
    compare(&log, &whole, &part, begins);
    let row = part.payment(payment).unwrap().unwrap();
    assert_eq!(row.state, PaymentState::Settled);
    let entries = |owner| {
        let page = part.entries(owner, (None, None), Order::OldestFirst, None, 10).unwrap();
        page.rows.iter().map(|entry| (entry.kind, entry.change, entry.balance)).collect::<Vec<_>>()
    };
    let customer = part.account(KEY.iban(iban("A1").as_str()), currency).unwrap().unwrap();
    let position = part.position(bic, currency).unwrap();
    assert_eq!(entries(customer.owner), [(EntryKind::Payment, -700, 49_300), (EntryKind::Fee, -20, 49_280)]);
    assert_eq!(
        entries(position.owner),
        [
            (EntryKind::Payment, -700, 99_000),
            (EntryKind::Payment, -100, 98_900),
            (EntryKind::OwnFunds, -50, 98_850),
        ],
        "what the party pays leaves its host's position"
    );
    let technical = part.technical_account(bic, currency).unwrap().unwrap();
    assert_eq!((technical.opening_balance, technical.opened_at), (300, begins));
    assert_eq!(entries(technical.owner), [(EntryKind::OwnFunds, 50, 350)]);
    assert_eq!(part.position(bank("P"), currency), None, "a party has none");
}

#[test]
fn a_snapshot_that_is_damaged_begins_nothing() {
    let (log, frames, _) = waiting_payment();
    let folder = tempfile::tempdir().unwrap();
    let open = || Indexer::open(Store::open(folder.path()).unwrap(), Some(KEY)).unwrap();
    for place in [0, 4096 + 20, 4096 + 1200, 4096 + 2900] {
        let error = open().begin(&log.with_damaged_snapshot(frames, place)).unwrap_err();
        assert!(matches!(error, BeginError::Snapshot { number: 1, .. }), "{error}");
        assert!(open().reached().is_none());
    }
    assert!(matches!(open().begin(&Log::without_snapshot()), Err(BeginError::NoSnapshot)));
}

#[test]
fn dates_and_clocks_go_on_from_the_state() {
    let date = |text: &str| Date::parse(text).unwrap();
    let zone = |minutes| Zone { offset: ZoneOffset::from_minutes(minutes).unwrap(), change: None };
    let change = |log: &mut Log, to: &str, minutes: i16| {
        let mut writer = log.writer();
        let closing_days = ClosingDays::target(2026).unwrap();
        writer.set_closing_days(&SetClosingDays { request_id: log.request(), closing_days });
        let (date, due) = (date(to), Timestamp::default());
        writer.roll_business_date(&RollBusinessDate { request_id: log.request(), date, due });
        let (bic, zone) = (bank("A"), zone(minutes));
        writer.set_zone(&SetZone { request_id: log.request(), bic, zone });
        log.commands(&writer);
    };
    let mut log = Log::new();
    change(&mut log, "2026-02-04", 60);
    let frames = log.frames.len();
    log.advance(86_400 * SECOND);
    change(&mut log, "2026-02-05", 120);
    log.marker();
    let (_whole_folder, whole) = index(&log, false);
    let (_folder, part) = begun(&log, frames);
    let [whole, part] = [whole, part].map(|store| View::new(&store).unwrap().unwrap());
    let rolled = whole.business_dates().unwrap();
    let dates: Vec<_> = rolled.iter().map(|rolled| (rolled.date, rolled.before)).collect();
    assert_eq!(dates, [(date("2026-02-04"), None), (date("2026-02-05"), Some(date("2026-02-04")))]);
    assert_eq!(part.business_dates().unwrap(), rolled);
    for view in [&whole, &part] {
        let clocks = view.clocks(bank("A")).unwrap();
        assert_eq!(clocks.iter().map(|set| set.zone).collect::<Vec<_>>(), [zone(60), zone(120)]);
        assert_eq!(view.clocks(bank("B")).unwrap(), []);
    }
    assert_eq!(part.clocks(bank("A")).unwrap()[0].time, part.watermark().begins_time);
}
