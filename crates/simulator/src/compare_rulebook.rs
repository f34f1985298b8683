//! The model beside the ledger: positions and limits, the calendar, recalls, holds, the records of gateways, the maps of postings,
//! exceptions and orders.

use std::collections::BTreeSet;

use ledger::{Alerts, Crossing, ExceptionKind, Ledger, OrderState, PartyLimit, RecallAnswer};
use rust_decimal::Decimal;
use types::Sequence;

use super::same;
use crate::model::{Crossed, Exception, Model, Place, money};
use crate::step::{ACCOUNTS, BANKS, CURRENCIES};
use crate::words::{bic, currency, iban, named, owner_of};

/// Says how a ledger differs from the model.
pub(super) fn ledger(model: &Model, ledger: &Ledger) -> Result<(), String> {
    positions(model, ledger)?;
    let closing: Vec<_> = model.closing.values().copied().collect();
    same("closing days", &closing.as_slice(), &ledger.closing_days())?;
    let found = ledger.business_date().map(|date| date.date());
    same("the business date", &model.business_date, &found)?;
    recalls(model, ledger)?;
    gateways(model, ledger)?;
    activations(model, ledger)?;
    maps(model, ledger)?;
    exceptions(model, ledger)?;
    orders(model, ledger)?;
    to_pay(model, ledger)
}

fn to_pay(model: &Model, ledger: &Ledger) -> Result<(), String> {
    same("requests to pay", &model.to_pay.len(), &ledger.request_to_pay_count())?;
    for (sequence, expected) in &model.to_pay {
        let found = ledger.request_to_pay(*sequence);
        let found = found.ok_or_else(|| format!("the request to pay at {sequence} is missing"))?;
        let name = format!("the request to pay at {sequence}");
        same(&name, &expected.status_at(ledger.position().time), &found.status())?;
        same(&name, &(expected.payment, expected.reason), &(found.payment(), found.reason()))?;
        let order = (expected.order.0 > 0).then_some(expected.order);
        same(&name, &(order, expected.asked.body.amount), &(found.accepted_at(), found.amount()))?;
    }
    Ok(())
}

/// Account by account: how ranges are kept is the ledger's own business.
fn activations(model: &Model, ledger: &Ledger) -> Result<(), String> {
    let table = ledger.activation_table();
    let count = u32::try_from(model.activations.len()).expect("they are few");
    same("the table of accounts that take part", &count, &table.number())?;
    for bank in 0..BANKS {
        for account in 0..ACCOUNTS {
            let found = table.is_active(bic(bank), &iban(account));
            let what = format!("whether account {account} of bank {bank} takes part");
            same(&what, &model.is_active(bank, account), &found)?;
        }
    }
    Ok(())
}

fn maps(model: &Model, ledger: &Ledger) -> Result<(), String> {
    same("maps of postings", &model.posting_maps.len(), &ledger.posting_map_count())?;
    for ((bank, number), expected) in &model.posting_maps {
        let found = ledger.posting_map(bic(*bank), currency(*number));
        let found = found.map(|map| (map.set_at(), map.from().map(|from| from.days()), map.set_count()));
        let expected = (expected.set_at, expected.from, expected.count);
        same(&format!("the map of bank {bank}"), &Some(expected), &found)?;
    }
    Ok(())
}

/// What is noticed of late confirmations follows from clocks that the model does not know.
fn exceptions(model: &Model, ledger: &Ledger) -> Result<(), String> {
    let noticed = ledger.noticed_exceptions().filter(|(kind, _)| *kind == ExceptionKind::LatePositive);
    let noticed: Vec<_> = noticed.map(|(_, noticed)| (noticed.decided, noticed.payment)).collect();
    same("what was noticed", &model.noticed.iter().copied().collect::<Vec<_>>(), &noticed)?;
    let open = model.exceptions.values().filter(|exception| !exception.is_resolved());
    same("open exceptions", &open.count(), &ledger.open_exception_count())?;
    same("exceptions", &model.exceptions.len(), &ledger.exceptions(Sequence(0)).count())?;
    for (at, expected) in &model.exceptions {
        let found = ledger.exception(*at).map(|found| {
            let acted = found.acted().map(|acted| (acted.action, acted.time));
            let owner = found.owner().map(|(owner, _)| owner);
            let amount = found.amount().map(|amount| money(amount.minor_units()));
            (
                found.kind(),
                amount,
                found.direction(),
                owner,
                acted,
                found.is_in_suspense(),
                found.asked_count(),
            )
        });
        let Exception { kind, amount, direction, owner, acted, is_in_suspense, asked, .. } = *expected;
        let owner = owner.map(owner_of);
        let expected = (kind, amount, direction, owner, acted, is_in_suspense, asked);
        same(&format!("the exception at {at}"), &Some(expected), &found)?;
    }
    let over = model
        .exceptions
        .iter()
        .filter(|(_, exception)| exception.is_over && !exception.is_resolved() && !exception.is_in_suspense);
    let over: Vec<_> = over.map(|(at, _)| *at).collect();
    let found: Vec<_> = ledger.exceptions_over().map(ledger::Exception::sequence).collect();
    same("exceptions that came right by themselves", &over, &found)
}

fn orders(model: &Model, ledger: &Ledger) -> Result<(), String> {
    same("orders", &model.orders.len(), &ledger.order_count())?;
    for (sequence, expected) in &model.orders {
        let found = ledger.order(*sequence).ok_or_else(|| format!("the order at {sequence} is missing"))?;
        let (order, state) = found;
        let name = format!("the order at {sequence}");
        same(&name, &expected.state, &state)?;
        // What it waited for before its package was cancelled says nothing any more.
        let said = |reason| if state == OrderState::Cancelled { None } else { reason };
        same(&name, &said(expected.reason), &said(order.reason))?;
        let waits = (expected.due, expected.terms.give_up, expected.occurrence);
        let found = (order.due.nanoseconds(), order.give_up.nanoseconds(), order.occurrence);
        same(&name, &waits, &found)?;
        same(&name, &expected.payment.unwrap_or_default(), &order.payment)?;
        same(&name, &expected.line, &(!order.is_single()).then_some((order.package, order.line)))?;
    }
    same("packages", &model.packages.len(), &ledger.package_count())?;
    for (sequence, expected) in &model.packages {
        let found =
            ledger.package(*sequence).ok_or_else(|| format!("the package at {sequence} is missing"))?;
        let name = format!("the package at {sequence}");
        same(&name, &(expected.logged, expected.complete.is_some()), &(found.logged, found.is_complete()))?;
        if ledger.lines_of(*sequence, 1).count() < usize::try_from(found.logged).expect("lines are few") {
            continue;
        }
        let count = |states: &[OrderState]| model.lines_in(*sequence, states).0;
        let waiting = count(&[OrderState::Pending, OrderState::Awaiting]);
        let rejected = count(&[OrderState::Rejected, OrderState::Expired]);
        let (settled, sum) = model.lines_in(*sequence, &[OrderState::Settled]);
        let counts = [waiting, count(&[OrderState::Awaiting]), count(&[OrderState::Sent]), settled, rejected];
        let known = [found.pending, found.awaiting, found.sent, found.settled, found.rejected];
        same(&name, &counts, &known)?;
        let others = [count(&[OrderState::Cancelled]), count(&[OrderState::Refused])];
        same(&name, &others, &[found.cancelled, found.refused])?;
        same(&name, &sum, &money(found.sum_settled))?;
    }
    let now = ledger.position().time;
    let mut expected: Vec<_> = model.due_at(now).iter().map(|(sequence, _)| *sequence).collect();
    let due = |group| ledger.due_orders(group, None, now).map(|order| order.sequence);
    let mut found: Vec<_> = ledger.due_groups(None, now).flat_map(due).collect();
    expected.sort_unstable();
    found.sort_unstable();
    same("what is due", &expected, &found)
}

fn gateways(model: &Model, ledger: &Ledger) -> Result<(), String> {
    same("open holds", &model.holds.len(), &ledger.hold_count())?;
    for (sequence, expected) in &model.holds {
        let found =
            ledger.hold(*sequence).map(|(hold, _)| (hold.account().0, money(hold.held()), hold.expires()));
        let expected = (expected.account, expected.held, expected.expires);
        same(&format!("the hold at {sequence}"), &Some(expected), &found)?;
    }
    same("records of gateways", &model.kept.len(), &ledger.kept_record_count())?;
    for (name, expected) in &model.kept {
        let (owner, key) = named(*name);
        let found = ledger.kept_record(&owner, &key);
        let found = found.map(|found| (found.version(), found.length(), found.expires()));
        let expected = (expected.version, u32::from(expected.length), expected.expires);
        same(&format!("the record {name:?}"), &Some(expected), &found)?;
    }
    Ok(())
}

fn positions(model: &Model, ledger: &Ledger) -> Result<(), String> {
    let parties: usize = model.banks.iter().map(|bank| bank.parties.len()).sum();
    same("limits on positions of others", &parties, &ledger.reachable_parties().count())?;
    for bank in &model.banks {
        let code = bic(bank.bank);
        let known = ledger.participant(code).ok_or("a bank is missing")?.1;
        same("what a bank does not take", &bank.blocks, &known.blocks())?;
        for number in (0..).take(CURRENCIES.len()) {
            let party = bank.parties.get(&number);
            let expected = party.map(|party| {
                let host = model.bank(party.host).map(|(host, _)| host);
                let amounts = (party.limit, party.headroom(), party.utilisation, party.reserved);
                (host, amounts, party.blocks)
            });
            let found = ledger.reachable_party(code, currency(number)).map(|party| {
                let limit = match party.limit() {
                    PartyLimit::Unlimited => None,
                    PartyLimit::Upto(limit) => Some(money(limit)),
                };
                let (headroom, used) = (party.headroom().map(money), money(party.utilisation()));
                let host = Some(u64::from(party.host().0));
                (host, (limit, headroom, used, money(party.reserved())), party.blocks())
            });
            same(&format!("the limit of bank {}", bank.bank), &expected, &found)?;
            let position = model.internal(Some(bank.bank), Place::Position, number);
            let bounds = party.map(|party| party.bounds).or(position.map(|(_, known)| known.bounds));
            let found = ledger.bounds(code, currency(number));
            let found = found.map(|found| [found.floor(), found.ceiling()].map(|bound| bound.map(money)));
            same(&format!("the bounds of bank {}", bank.bank), &bounds, &found)?;
        }
    }
    Ok(())
}

/// Also what must hold of recalls whatever the model says: a payment has one, and no more comes back than was paid.
fn recalls(model: &Model, ledger: &Ledger) -> Result<(), String> {
    same("recalls", &model.recalls.len(), &ledger.recalls().count())?;
    let (mut payments, mut open) = (BTreeSet::new(), 0);
    for ((sequence, expected), found) in model.recalls.iter().zip(ledger.recalls()) {
        let what = format!("the recall at {sequence}");
        let original = &expected.original;
        let identity = (*sequence, original.payment, money(original.amount), expected.answer_by);
        let paid = money(found.amount().minor_units());
        same(&what, &identity, &(found.sequence(), found.payment(), paid, found.answer_by()))?;
        let accounts = [found.debtor_account(), found.creditor_account()];
        same(&what, &expected.accounts, &accounts.map(|account| account.map(|number| number.0)))?;
        let answer = found.answered().map(|answered| answered.answer);
        same(&what, &(expected.reason, expected.answer), &(found.reason(), answer))?;
        let is_elsewhere = found.answered().is_some_and(|answered| answered.is_elsewhere);
        same(&what, &expected.is_elsewhere, &is_elsewhere)?;
        if !payments.insert(found.payment()) {
            return Err(format!("{what}: payment {} is asked back twice", found.payment()));
        }
        if let Some(RecallAnswer::Return { amount, fee }) = answer
            && money(amount.minor_units()) + money(fee.minor_units()) > paid
        {
            return Err(format!("{what}: more comes back than was paid"));
        }
        open += usize::from(answer.is_none());
    }
    same("open recalls", &open, &ledger.open_recall_count())
}

/// A bound that was crossed, as the model tells it.
pub(crate) fn crossed(crossing: &Crossing, number: impl Fn(types::Bic) -> u8) -> Option<Crossed> {
    let which = Alerts::EACH.iter().position(|alert| *alert == crossing.alert)?;
    let balance: Option<Decimal> = crossing.balance.map(money);
    Some(Crossed { at: crossing.decided_at, which, bank: number(crossing.bank), balance })
}
