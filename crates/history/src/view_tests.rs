//! History against the ledger itself: what each account held after each position, and what came of each payment.

use std::ops::ControlFlow;

use journal::{FrameKind, FrameView};
use ledger::{Silence, Stage};
use proptest::prelude::*;
use types::{AccountNumber, Currency, PaymentState};

use super::*;
use crate::indexer::Indexer;
use crate::query::Side;
use crate::rows::EntryKind;
use crate::testing::{KEY, Log, MILLISECOND, SECOND, bank, euro_cents, iban};

/// Something that happens.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Pay {
        id: u8,
        from: u8,
        to: u8,
        cents: i64,
    },
    Refuse {
        id: u8,
        not_entitled: bool,
    },
    Answer {
        back: u8,
        by: u8,
        is_yes: bool,
    },
    Post {
        account: u8,
        cents: i64,
    },
    Fund {
        bank: u8,
        cents: i64,
    },
    Move {
        bank: u8,
        cents: i64,
    },
    Open(u8),
    Decide(bool),
    /// A frame ends, tells so many outcomes, and so much time passes.
    Frame {
        told_max: u8,
        milliseconds: u16,
    },
}

const ACCOUNTS: [&str; 6] = ["A1", "A2", "B1", "B2", "C1", "A9"];
const BANKS: [&str; 3] = ["A", "B", "C"];

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let cents =
        (1_i64..30_000, any::<bool>()).prop_map(|(cents, is_out)| if is_out { -cents } else { cents });
    prop_oneof![
        8 => (any::<u8>(), 0..6_u8, 0..6_u8, 1_i64..40_000)
            .prop_map(|(id, from, to, cents)| Step::Pay { id, from, to, cents }),
        1 => (any::<u8>(), any::<bool>()).prop_map(|(id, not_entitled)| Step::Refuse { id, not_entitled }),
        3 => (0..4_u8, 0..3_u8, any::<bool>()).prop_map(|(back, by, is_yes)| Step::Answer { back, by, is_yes }),
        1 => (0..6_u8, cents.clone()).prop_map(|(account, cents)| Step::Post { account, cents }),
        1 => (0..3_u8, cents.clone()).prop_map(|(bank, cents)| Step::Fund { bank, cents }),
        1 => (0..3_u8, cents).prop_map(|(bank, cents)| Step::Move { bank, cents }),
        1 => (10..14_u8).prop_map(Step::Open),
        1 => any::<bool>().prop_map(Step::Decide),
        5 => (0..5_u8, prop_oneof![3 => 0..20_u16, 1 => 0..9000_u16])
            .prop_map(|(told_max, milliseconds)| Step::Frame { told_max, milliseconds }),
    ]
}

/// The log of what happens, with everything told at its end.
pub(crate) fn log_of(steps: &[Step]) -> Log {
    let mut log = Log::new();
    let mut writer = log.writer();
    for step in steps {
        match *step {
            Step::Pay { id, from, to, cents } => {
                let [from, to] = [from, to].map(|account| ACCOUNTS[usize::from(account)]);
                log.pay(&mut writer, &format!("TX-{}", id % 40), from, to, cents);
            }
            Step::Refuse { id, not_entitled } => {
                log.refuse(&mut writer, &format!("TX-{}", id % 40), not_entitled)
            }
            Step::Answer { back, by, is_yes } => {
                if let Some(payment) = log.reserved.iter().rev().nth(usize::from(back)) {
                    log.answer(&mut writer, *payment, BANKS[usize::from(by)], is_yes);
                }
            }
            Step::Post { account, cents } => log.post(&mut writer, ACCOUNTS[usize::from(account)], cents),
            Step::Fund { bank, cents } => log.fund(&mut writer, BANKS[usize::from(bank)], cents),
            Step::Move { bank, cents } => {
                log.move_own_funds(&mut writer, BANKS[usize::from(bank)], cents);
            }
            Step::Open(number) => log.open(&mut writer, &format!("B{number}")),
            Step::Decide(accepts) => {
                let silence = if accepts { Silence::Accept } else { Silence::Reject };
                log.decide_credits(&mut writer, silence);
            }
            Step::Frame { told_max, milliseconds } => {
                log.frame(FrameKind::Commands, Some(&writer), usize::from(told_max) * 3);
                log.advance(i64::from(milliseconds) * MILLISECOND);
                writer = log.writer();
            }
        }
    }
    log.commands(&writer);
    log.advance(20 * SECOND);
    log.marker();
    log.marker();
    log
}

/// History of a log, committed after each frame or only at the end.
pub(crate) fn index(log: &Log, is_piecemeal: bool) -> (tempfile::TempDir, Arc<Store>) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let mut indexer = Indexer::open(Arc::clone(&store), Some(KEY)).unwrap();
    for frame in &log.frames {
        indexer.step(&FrameView::parse(frame).unwrap()).unwrap();
        if is_piecemeal {
            indexer.commit().unwrap();
        }
    }
    indexer.commit().unwrap();
    (folder, store)
}

/// Everything that history says, in words.
pub(crate) fn everything(view: &View) -> Vec<String> {
    let mut all = Vec::new();
    for order in [Order::OldestFirst, Order::NewestFirst] {
        for bank in [None, Some(bank("A")), Some(bank("B")), Some(bank("C"))] {
            let page = view.payments(&PaymentQuery::all(bank, order), None, usize::MAX).unwrap();
            all.extend(page.rows.iter().map(|row| format!("{bank:?} {order:?} {row:?}")));
        }
    }
    for name in ACCOUNTS.into_iter().chain(["B10", "B11", "B12", "B13"]) {
        let Some(found) = view.account(KEY.iban(iban(name).as_str()), Currency::EUR).unwrap() else {
            continue;
        };
        all.push(format!("{name} {found:?}"));
        let page = view.entries(found.owner, (None, None), Order::OldestFirst, None, usize::MAX).unwrap();
        all.extend(page.rows.iter().map(|row| format!("{name} {row:?}")));
    }
    for letter in BANKS {
        let position = view.position(bank(letter), Currency::EUR).unwrap();
        let technical = view.technical_account(bank(letter), Currency::EUR).unwrap().unwrap();
        for owner in [position.owner, technical.owner] {
            let page = view.entries(owner, (None, None), Order::NewestFirst, None, usize::MAX).unwrap();
            all.extend(page.rows.iter().map(|row| format!("{letter} {owner:?} {row:?}")));
        }
    }
    all
}

fn check_balances(log: &Log, view: &View, times: &[(Sequence, Timestamp)]) {
    let owners = log.ledger.accounts().map(|(number, account)| (number, *account));
    for (number, account) in owners {
        use ledger::AccountKind::{Current, Position, Technical};
        if !matches!(account.kind(), Current | Position | Technical) {
            continue;
        }
        let owner = log.ledger.participant_by_number(account.owner());
        let (opened_at, opened_time, _) = log.courses[&number.0][0];
        let found = if account.kind() == Position {
            view.position(owner.bic(), Currency::EUR).unwrap()
        } else if account.kind() == Technical {
            view.technical_account(owner.bic(), Currency::EUR).unwrap().unwrap()
        } else {
            let (owner, bank) = (Owner::Account(number), owner.bic());
            Found { owner, bank, opened_at, opened_time, opening_balance: 0 }
        };
        // The ledger has a technical account from the first money on, history from the beginning.
        let before = (account.kind() == Technical).then_some(0);
        let course = &log.courses[&number.0];
        for (position, time) in times {
            let of = |item: Option<&(Sequence, Timestamp, i64)>| item.map(|(.., balance)| *balance);
            let expected = of(course.iter().rfind(|(since, ..)| since <= position));
            let at = view.balance(&found, Moment::Position(*position)).unwrap();
            let is_there = *position >= found.opened_at;
            let expected = expected.or(before.filter(|_| is_there));
            assert_eq!(at.map(|at| at.balance), expected, "account {number} after {position}");
            let expected = of(course.iter().rfind(|(_, since, _)| since <= time));
            let at = view.balance(&found, Moment::Time(*time)).unwrap();
            let is_there = *time >= found.opened_time;
            let expected = expected.or(before.filter(|_| is_there));
            assert_eq!(at.map(|at| at.balance), expected, "account {number} at {time}");
        }
    }
}

fn check_payments(log: &Log, view: &View) {
    let mut holders = std::collections::BTreeMap::new();
    for sequence in &log.payments {
        let (row, payment) =
            (view.payment(*sequence).unwrap().unwrap(), log.ledger.payment(*sequence).unwrap());
        assert_eq!(row.state, payment.state(), "{row:?}");
        assert_eq!(row.reason, payment.reason());
        assert_eq!((row.decided_at, row.decided_time), (payment.decided_at(), payment.decided_time()));
        assert_eq!(row.received_time, payment.received_time());
        assert_eq!(row.acceptance_time.unwrap_or_default(), payment.acceptance_time());
        assert_eq!(row.transaction_id.as_str(), payment.transaction_id());
        let told = payment.told_to(Stage::Credit);
        if row.is_told_to_creditor {
            assert_eq!(row.reason_to_creditor.or(row.reason), told.unwrap().reason, "{row:?}");
        } else {
            // What time decided to reject does not say that the payee's bank had been asked.
            let by_time = row.state == PaymentState::Rejected && row.decided_at != row.sequence;
            assert!(told.is_none() || by_time, "{row:?}");
        }
        if let ledger::PaymentAnswer::Found(holder) =
            log.ledger.payment_by_key(payment.debtor_agent(), payment.transaction_id(), None)
        {
            holders.insert((payment.debtor_agent(), payment.transaction_id().to_owned()), holder.sequence());
        }
    }
    for ((debtor_agent, id), holder) in holders {
        let found = view.payment_by_key(&KEY, debtor_agent, &id, None).unwrap().unwrap();
        assert_eq!(found.sequence, holder, "{id}");
        let near = Some(found.received_time);
        assert_eq!(view.payment_by_key(&KEY, debtor_agent, &id, near).unwrap().unwrap().sequence, holder);
        let days = (found.received_time.date(), found.received_time.date());
        let all = |_: &PaymentRow| true;
        let page = view.payments_by_end_to_end_id(&KEY, &format!("E2E-{id}"), days, None, 100, all).unwrap();
        // One that was refused on reading has none.
        assert!(found.amount.is_none() || page.rows.contains(&found));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn history_says_what_the_ledger_did(steps in proptest::collection::vec(step(), 1..120)) {
        let log = log_of(&steps);
        let (_folder, store) = index(&log, false);
        let view = View::new(&store).unwrap().unwrap();
        check_balances(&log, &view, &log.times);
        check_payments(&log, &view);
        let (_other_folder, other) = index(&log, true);
        prop_assert_eq!(everything(&view), everything(&View::new(&other).unwrap().unwrap()));
    }

    #[test]
    fn pages_are_the_list(steps in proptest::collection::vec(step(), 1..80), size in 1..7_usize) {
        let log = log_of(&steps);
        let (_folder, store) = index(&log, true);
        let view = View::new(&store).unwrap().unwrap();
        for order in [Order::OldestFirst, Order::NewestFirst] {
            for of in [None, Some(bank("B"))] {
                let query = PaymentQuery::all(of, order);
                let whole = view.payments(&query, None, usize::MAX).unwrap();
                prop_assert_eq!(whole.next, None);
                let (mut pages, mut after) = (Vec::new(), None);
                loop {
                    let page = view.payments(&query, after, size).unwrap();
                    prop_assert!(page.rows.len() <= size);
                    pages.extend(page.rows);
                    after = page.next;
                    if after.is_none() { break; }
                }
                prop_assert_eq!(pages, whole.rows);
            }
        }
    }
}

/// Payments of ten seconds, one each: A1 pays B1 1.00, 2.00, ….
fn ten_payments() -> Log {
    let mut log = Log::new();
    for number in 1..=10 {
        let mut writer = log.writer();
        log.pay(&mut writer, &format!("TX-{number}"), "A1", "B1", 100 * number);
        log.pay(&mut writer, &format!("NO-{number}"), "A2", "C1", 90_000);
        log.commands(&writer);
        log.marker();
        log.advance(SECOND);
    }
    log
}

#[test]
fn filters_narrow_a_list() {
    let log = ten_payments();
    let (_folder, store) = index(&log, true);
    let view = View::new(&store).unwrap().unwrap();
    let a = |order| PaymentQuery::all(Some(bank("A")), order);
    let count = |query: &PaymentQuery| view.payments(query, None, 1000).unwrap().rows.len();
    assert_eq!(count(&a(Order::NewestFirst)), 20);
    let settled = PaymentQuery { states: vec![PaymentState::Settled], ..a(Order::OldestFirst) };
    assert_eq!(count(&settled), 10);
    let amounts = PaymentQuery {
        amount_min: Some(euro_cents(300)),
        amount_max: Some(euro_cents(500)),
        ..a(Order::OldestFirst)
    };
    assert_eq!(count(&amounts), 3);
    assert_eq!(count(&PaymentQuery { counterpart: Some(bank("C")), ..a(Order::OldestFirst) }), 10);
    assert_eq!(count(&PaymentQuery { side: Some(Side::Creditor), ..a(Order::OldestFirst) }), 0);
    let b = PaymentQuery::all(Some(bank("B")), Order::OldestFirst);
    assert_eq!(count(&PaymentQuery { side: Some(Side::Creditor), ..b.clone() }), 10);
    assert_eq!(count(&PaymentQuery::all(Some(bank("C")), Order::OldestFirst)), 0, "it was told of none");
    for (account, expected) in [("A1", 10), ("A2", 10), ("B1", 10), ("C1", 10), ("B2", 0)] {
        let filter = view.account_filter(KEY.iban(iban(account).as_str())).unwrap();
        let query = PaymentQuery { account: Some(filter), ..PaymentQuery::all(None, Order::NewestFirst) };
        assert_eq!(count(&query), expected, "{account}");
    }
    let times: Vec<_> =
        view.payments(&settled, None, 1000).unwrap().rows.iter().map(|row| row.received_time).collect();
    let between = PaymentQuery { from: Some(times[2]), until: Some(times[5]), ..settled.clone() };
    assert_eq!(count(&between), 3, "from is included, until is not");
    let other = PaymentQuery { bank: None, from: Some(times[9]), ..settled };
    assert_eq!(count(&other), 1);
}

#[test]
fn entries_are_of_a_time() {
    let log = ten_payments();
    let (_folder, store) = index(&log, true);
    let view = View::new(&store).unwrap().unwrap();
    let found = view.account(KEY.iban(iban("A1").as_str()), Currency::EUR).unwrap().unwrap();
    let entries =
        |from, until, order| view.entries(found.owner, (from, until), order, None, 100).unwrap().rows;
    let all = entries(None, None, Order::OldestFirst);
    assert_eq!(all.len(), 11, "the first is a posting");
    assert_eq!((all[0].kind, all[0].change, all[0].balance), (EntryKind::Posting, 50_000, 50_000));
    assert_eq!((all[2].kind, all[2].change, all[2].balance), (EntryKind::Payment, -200, 49_700));
    let newest = entries(Some(all[3].time), Some(all[5].time), Order::NewestFirst);
    assert_eq!(newest, [all[4], all[3]]);
    assert!(
        entries(Some(all[10].time.plus(types::Duration::from_seconds(1))), None, Order::OldestFirst)
            .is_empty()
    );
}

/// Days change in the middle of this log, and an end-to-end id comes twice.
#[test]
fn references_are_found_on_their_days() {
    let mut log = ten_payments();
    log.advance(3 * 24 * 3600 * SECOND);
    let mut writer = log.writer();
    log.pay(&mut writer, "TX-3", "B1", "A1", 100);
    log.commands(&writer);
    log.marker();
    let (_folder, store) = index(&log, false);
    let view = View::new(&store).unwrap().unwrap();
    let days = (Date::parse("2026-02-01").unwrap(), Date::parse("2026-03-01").unwrap());
    let all = |_: &PaymentRow| true;
    let find =
        |after, size| view.payments_by_end_to_end_id(&KEY, "E2E-TX-3", days, after, size, all).unwrap();
    let page = find(None, 10);
    assert_eq!(page.rows.iter().map(|row| row.debtor_agent).collect::<Vec<_>>(), [bank("B"), bank("A")]);
    let first = find(None, 1);
    assert_eq!(first.rows, page.rows[..1]);
    assert_eq!(find(first.next, 1).rows, page.rows[1..]);
    let own = |row: &PaymentRow| row.debtor_agent == bank("A");
    let page = view.payments_by_end_to_end_id(&KEY, "E2E-TX-3", days, None, 10, own).unwrap();
    assert_eq!(page.rows.len(), 1);
    assert!(view.payment_by_key(&KEY, bank("C"), "TX-3", None).unwrap().is_none());
    assert!(view.payment_by_key(&KEY, bank("A"), "TX-99", None).unwrap().is_none());
}

/// A tick ends 4096 payments at the most. One more that a command touches ends there: at the command's place, although it
/// is decided at the tick's position.
#[test]
fn a_payment_that_a_command_finds_to_be_over_stands_at_the_command() {
    let mut log = Log::new();
    let mut writer = log.writer();
    log.decide_credits(&mut writer, Silence::Accept);
    log.commands(&writer);
    for frame in 0..70 {
        let mut writer = log.writer();
        (0..60).for_each(|number| log.pay(&mut writer, &format!("TX-{frame}-{number}"), "A1", "B1", 1));
        log.commands(&writer);
    }
    assert_eq!(log.reserved.len(), 4200);
    log.advance(20 * SECOND);
    let mut writer = log.writer();
    log.post(&mut writer, "A1", 1000);
    log.answer(&mut writer, log.reserved[4199], "B", true);
    log.post(&mut writer, "A1", 1000);
    log.commands(&writer);
    log.marker();
    log.marker();
    let (_folder, store) = index(&log, true);
    let view = View::new(&store).unwrap().unwrap();
    let touched = view.payment(log.reserved[4199]).unwrap().unwrap();
    let ticked = view.payment(log.reserved[0]).unwrap().unwrap();
    assert_eq!((touched.state, touched.decided_at), (ticked.state, ticked.decided_at));
    check_balances(&log, &view, &log.times[log.times.len() - 8..]);
}

#[test]
fn an_account_has_no_balance_before_it_is_opened() {
    let log = Log::new();
    let (_folder, store) = index(&log, true);
    let view = View::new(&store).unwrap().unwrap();
    // The last commands are not told yet, so nothing is known of them.
    assert_eq!(view.account(KEY.iban(iban("A1").as_str()), Currency::EUR).unwrap(), None);
    let mut log = log;
    log.marker();
    let (_folder, store) = index(&log, true);
    let view = View::new(&store).unwrap().unwrap();
    let found = view.account(KEY.iban(iban("A1").as_str()), Currency::EUR).unwrap().unwrap();
    let at = |position: u64| {
        view.balance(&found, Moment::Position(Sequence(position))).unwrap().map(|at| at.balance)
    };
    let opened = found.opened_at.0;
    assert_eq!((at(opened - 1), at(opened), at(opened + 1)), (None, Some(0), Some(50_000)));
    assert_eq!(
        found.owner,
        Owner::Account(AccountNumber(match found.owner {
            Owner::Account(number) => number.0,
            Owner::Position(_) | Owner::Technical(_) => 0,
        }))
    );
    let mut seen = 0;
    let range = (Place::default(), Place::LAST);
    let series = Series::account(AccountNumber(1));
    walk::series(&view.reading, Space::Series, series, range, Order::OldestFirst, |_: EntryRow| {
        seen += 1;
        Ok(ControlFlow::Continue(()))
    })
    .unwrap();
    assert_eq!(seen, 0, "inner accounts have no entries");
}
