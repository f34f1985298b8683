//! Crossings of bounds: what the log tells of them, against what was told live.

use ledger::{
    AccountMode, Bounds, LiquidityDirection, OwnAccount, OwnedAccount, PartyLimit, SetPositionAlert,
    SetReachableParty, TransferLiquidity, TransferOwnFunds,
};
use types::{Balance, Currency, Text};

use super::*;
use crate::testing::{euro_cents, request, told_in_log};
use crate::testing_recall::{give_back, set_closing_days};

const BANKS: [&str; 4] = ["A", "B", "C", "P"];

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    Happens(Happens),
    /// A bank wants to hear when its position leaves this surrounding of where it stands.
    Bounds {
        bank: usize,
        below: i64,
        above: i64,
    },
    Fund {
        bank: usize,
        cents: i64,
        is_out: bool,
    },
    Own {
        bank: usize,
        cents: i64,
        is_out: bool,
    },
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => happens().prop_map(Step::Happens),
        2 => (0_usize..4, 0_i64..300, 0_i64..300)
            .prop_map(|(bank, below, above)| Step::Bounds { bank, below, above }),
        2 => (0_usize..3, 1_i64..300, any::<bool>())
            .prop_map(|(bank, cents, is_out)| Step::Fund { bank, cents, is_out }),
        1 => (0_usize..3, 1_i64..300, any::<bool>())
            .prop_map(|(bank, cents, is_out)| Step::Own { bank, cents, is_out }),
    ]
}

/// Bank B has a party P, to whose account half of the payments go.
fn enter_party(node: &mut MemoryNode) {
    let mut writer = commands();
    writer.set_reachable_party(&SetReachableParty {
        request_id: request("party"),
        bic: bank("P"),
        name: Text::parse("A party").unwrap(),
        mode: AccountMode::Hosted,
        host: bank("B"),
        currency: Currency::EUR,
        limit: PartyLimit::ZERO,
    });
    crate::testing::open(&mut writer, "P1");
    node.submit(0, writer);
    assert!(node.write_all());
}

fn step(node: &mut MemoryNode, what: &Step, ticket: u32, accepted: Timestamp) {
    let mut writer = commands();
    let id = format!("step-{ticket}");
    let (request_id, currency) = (request(&id), Currency::EUR);
    match *what {
        Step::Happens(Happens::Pay { is_remote: false, id }) if id % 2 == 0 => {
            crate::testing::pay_to(&mut writer, &format!("T{id}"), "P", accepted);
        }
        Step::Happens(ref what) => return happen(node, what, ticket, accepted),
        Step::Bounds { bank: letter, below, above } => {
            let bic = bank(BANKS[letter]);
            let ledger = node.core.ledger();
            let left = match ledger.reachable_party(bic, currency) {
                Some(party) => party.headroom().unwrap(),
                None => {
                    let position = ledger.participant(bic).unwrap().1.position(currency).unwrap();
                    ledger.account_by_number(position).balance()
                }
            };
            let bound = |minor_units| Balance::from_minor_units(minor_units);
            let bounds = Bounds::new(bound(left - below - 1), bound(left + above)).unwrap();
            writer.set_position_alert(&SetPositionAlert { request_id, bic, currency, bounds });
        }
        Step::Fund { bank: letter, cents, is_out } => writer.transfer_liquidity(&TransferLiquidity {
            request_id,
            bic: bank(BANKS[letter]),
            direction: if is_out { LiquidityDirection::Defund } else { LiquidityDirection::Fund },
            amount: euro_cents(cents),
            currency,
            external_reference: Text::parse_identifier(&id).unwrap(),
        }),
        Step::Own { bank: letter, cents, is_out } => {
            let own = |account| OwnedAccount { bic: bank(BANKS[letter]), account };
            let (position, technical) = (own(OwnAccount::Position), own(OwnAccount::Technical));
            let (from, to) = if is_out { (position, technical) } else { (technical, position) };
            let (amount, reference) = (euro_cents(cents), Text::parse_identifier(&id).unwrap());
            writer.transfer_own_funds(&TransferOwnFunds {
                request_id,
                from,
                to,
                amount,
                currency,
                reference,
            });
        }
    }
    node.submit(ticket, writer);
}

fn crossings_live(outbox: &Outbox) -> Vec<Crossing> {
    let told = |notice| if let Notice::Crossed(crossing) = notice { Some(crossing) } else { None };
    take_all(outbox).into_iter().filter_map(told).collect()
}

fn crossings_logged(view: &LogView, after: Sequence, upto: Sequence, banks: &Banks) -> Vec<Crossing> {
    told_in_log(view, (after, upto), banks, |read| read.crossings)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Nothing is lost, nothing is told twice, and each says the same, for whoever listens to whichever bank.
    #[test]
    fn the_log_tells_the_crossings_that_were_told_live(
        what in proptest::collection::vec(steps(), 1..120),
        skipped in 0_usize..10,
    ) {
        let mut node = node();
        enter_party(&mut node);
        let all = [Banks::All, banks(&["A"]), banks(&["B"]), banks(&["C"]), banks(&["P"])];
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
        let upto = node.core.ledger().position().sequence;
        let hosts = crate::crossings::Hosts::default();
        hosts.set(bank("P"), Currency::EUR, bank("B"));
        let view = view(&node).with_hosts(Arc::new(hosts));
        for (banks, outbox) in all.iter().zip(&outboxes) {
            let heard = crossings_live(outbox);
            prop_assert_eq!(&crossings_logged(&view, after, upto, banks), &heard);
            if let Some(crossing) = heard.get(skipped) {
                let rest: Vec<_> =
                    heard.iter().filter(|told| told.decided_at > crossing.decided_at).copied().collect();
                prop_assert_eq!(crossings_logged(&view, crossing.decided_at, upto, banks), rest);
            }
        }
        node.check_log();
    }
}

#[test]
fn what_a_return_crosses_is_told_by_the_log_too() {
    let mut node = node();
    let mut writer = commands();
    set_closing_days(&mut writer);
    crate::testing::pay(&mut writer, "comes-back", 100, node.now.wall);
    node.submit(1, writer);
    assert!(node.write_all());
    let paid = *node.outcomes_of(1).last().unwrap();
    let mut writer = commands();
    for letter in ["A", "B"] {
        let (bic, currency) = (bank(letter), Currency::EUR);
        let position = node.core.ledger().participant(bic).unwrap().1.position(currency).unwrap();
        let bound = Balance::from_minor_units(node.core.ledger().account_by_number(position).balance());
        let bounds = if letter == "A" { Bounds::new(None, bound) } else { Bounds::new(bound, None) };
        let (request_id, bounds) = (request(&format!("bounds-{letter}")), bounds.unwrap());
        writer.set_position_alert(&SetPositionAlert { request_id, bic, currency, bounds });
    }
    node.submit(2, writer);
    assert!(node.write_all());
    let all = [Banks::All, banks(&["A"]), banks(&["B"])];
    let outboxes: Vec<_> = (0..).zip(&all).map(|(id, banks)| listen(&mut node, id, banks.clone())).collect();
    let after = outboxes[0].starts_after().unwrap();
    give_back(&mut node, &paid, 90);
    quiet(&mut node);
    let upto = node.core.ledger().position().sequence;
    for ((banks, outbox), count) in all.iter().zip(&outboxes).zip([2, 1, 1]) {
        let heard = crossings_live(outbox);
        assert_eq!(heard.len(), count, "the payee's bank falls below its floor, the payer's rises");
        assert_eq!(crossings_logged(&view(&node), after, upto, banks), heard);
    }
}
