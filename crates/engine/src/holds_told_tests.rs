//! Holds that ended: what the log tells of them, against what was told live.

use ledger::Ledger;
use types::Currency;

use super::*;
use crate::HoldExpired;
use crate::testing::{iban, key, nanoseconds, told_in_log};
use crate::testing_holds::{capture, hold_and_keep, place, release};

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    Happens(Happens),
    /// Money is set aside for so many milliseconds.
    Place {
        cents: i64,
        milliseconds: i64,
    },
    /// A hold, often one that has ended, is paid out, or is released.
    Use {
        which: usize,
        cents: i64,
        is_released: bool,
    },
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => happens().prop_map(Step::Happens),
        3 => (1_i64..500, 1_i64..20_000)
            .prop_map(|(cents, milliseconds)| Step::Place { cents, milliseconds }),
        1 => (0_usize..6, 1_i64..300, any::<bool>())
            .prop_map(|(which, cents, is_released)| Step::Use { which, cents, is_released }),
    ]
}

fn open_hold(ledger: &Ledger, which: usize) -> Option<Sequence> {
    let (account, _) = ledger.account(&key(), iban("A1").as_str(), Currency::EUR)?;
    Some(ledger.holds_of(account, Sequence(0)).nth(which)?.sequence())
}

fn step(node: &mut MemoryNode, what: &Step, ticket: u32, accepted: Timestamp) {
    let mut writer = commands();
    let id = format!("hold-{ticket}");
    match *what {
        Step::Happens(ref what) => return happen(node, what, ticket, accepted),
        Step::Place { cents, milliseconds } => {
            let expires = node.now.wall.plus(nanoseconds(milliseconds * 1_000_000));
            place(&mut writer, &id, cents, expires);
        }
        Step::Use { which, cents, is_released } => {
            let ledger = node.core.ledger();
            let Some(hold) = open_hold(ledger, which) else { return };
            match is_released {
                true => release(&mut writer, &id, hold, None),
                false => capture(ledger, &mut writer, &id, hold, &[("B1", cents)], false),
            }
        }
    }
    node.submit(ticket, writer);
}

fn expired_live(outbox: &Outbox) -> Vec<HoldExpired> {
    let told = |notice| if let Notice::HoldExpired(told) = notice { Some(told) } else { None };
    take_all(outbox).into_iter().filter_map(told).collect()
}

fn expired_logged(view: &LogView, after: Sequence, upto: Sequence, banks: &Banks) -> Vec<HoldExpired> {
    told_in_log(view, (after, upto), banks, |read| read.expired)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Nothing is lost, nothing is told twice, and each says the same, to whoever listens to the bank.
    #[test]
    fn the_log_tells_the_holds_that_were_told_live(what in proptest::collection::vec(steps(), 1..120)) {
        let mut node = node();
        let all = [Banks::All, banks(&["A"]), banks(&["B"]), banks(&["B", "A"])];
        let outboxes: Vec<_> = (0..).zip(&all).map(|(id, banks)| listen(&mut node, id, banks.clone())).collect();
        let after = outboxes[0].starts_after().unwrap();
        let accepted = node.now.wall;
        for (ticket, what) in (1..).zip(&what) {
            step(&mut node, what, ticket, accepted);
        }
        if node.held.is_some() {
            assert!(node.write());
        }
        quiet(&mut node);
        node.advance(20_000_000_000);
        node.write_all();
        quiet(&mut node);
        let upto = node.core.ledger().position().sequence;
        let view = view(&node).with_banks_of(node.core.ledger());
        prop_assert_eq!(node.core.ledger().hold_count(), 0);
        for (banks, outbox) in all.iter().zip(&outboxes) {
            prop_assert_eq!(expired_logged(&view, after, upto, banks), expired_live(outbox));
        }
        node.check_log();
    }
}

#[test]
fn only_its_bank_is_told_of_a_hold_that_ended() {
    let mut node = node();
    let outboxes = ["A", "B"].map(|letter| {
        let id = if letter == "A" { 1 } else { 2 };
        listen(&mut node, id, banks(&[letter]))
    });
    hold_and_keep(&mut node, 60, "told");
    quiet(&mut node);
    let [first, second] = outboxes.each_ref().map(|outbox| expired_live(outbox));
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].released.minor_units(), 200);
    assert_eq!(second, []);
    node.check_log();
}
