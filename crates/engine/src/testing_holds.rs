//! Holds of the tests, and records of gateways.

use journal::Journal;
use ledger::{
    AccountSelector, CaptureHold, ExpectedVersion, HoldLeg, Ledger, PlaceHold, PutRecord, RecordKey,
    RecordOwner, RecordSpace, RecordWriter, ReleaseHold, RemoveRecord,
};
use types::{AccountNumber, Bic, Currency, Sequence, Text, Timestamp};

use crate::testing::{Node, SECOND, bank, commands, euro_cents, iban, key, nanoseconds, request};

/// Money of bank A's customer is set aside.
pub(crate) fn place(writer: &mut RecordWriter, id: &str, cents: i64, expires: Timestamp) {
    writer.place_hold(&PlaceHold {
        request_id: request(id),
        bank: bank("A"),
        account: AccountSelector { iban: iban("A1"), currency: Currency::EUR },
        amount: euro_cents(cents),
        expires,
        reference: Text::parse("CARD-1").unwrap(),
        note: Some(Text::parse("A room by the sea").unwrap()),
    });
}

fn number(ledger: &Ledger, account: &str) -> Option<AccountNumber> {
    Some(ledger.account(&key(), iban(account).as_str(), Currency::EUR)?.0)
}

fn kept_at(ledger: &Ledger, account: &str) -> Option<(AccountNumber, Bic)> {
    Some((number(ledger, account)?, bank(&account[..1])))
}

/// What is held is paid out to these accounts.
pub(crate) fn capture(
    ledger: &Ledger,
    writer: &mut RecordWriter,
    id: &str,
    hold: Sequence,
    legs: &[(&str, i64)],
    is_final: bool,
) {
    let leg = |(account, cents): &(&str, i64)| HoldLeg {
        iban: iban(account),
        kept_at: kept_at(ledger, account),
        amount: euro_cents(*cents),
        reference: Text::parse(&format!("SHARE-{account}")).unwrap(),
        remittance: Some(Text::parse("A share of it").unwrap()),
    };
    writer.capture_hold(&CaptureHold {
        request_id: request(id),
        bank: bank("A"),
        hold,
        held_on: number(ledger, "A1").map(|account| (account, Currency::EUR)),
        legs: legs.iter().map(leg).collect(),
        is_final,
    });
}

/// What is held is held no more, or so much of it.
pub(crate) fn release(writer: &mut RecordWriter, id: &str, hold: Sequence, cents: Option<i64>) {
    let (request_id, bank, amount) = (request(id), bank("A"), cents.map(euro_cents));
    writer.release_hold(&ReleaseHold { request_id, bank, hold, amount });
}

fn owner() -> RecordOwner {
    RecordOwner { bank: bank("A"), space: RecordSpace::parse("consents").unwrap() }
}

/// A record of bank A is written.
pub(crate) fn put(
    writer: &mut RecordWriter,
    id: &str,
    key: &str,
    expected: ExpectedVersion,
    expires: Option<Timestamp>,
) {
    writer.put_record(&PutRecord {
        request_id: request(id),
        owner: owner(),
        key: RecordKey::parse(key).unwrap(),
        expected,
        bytes: id.as_bytes().to_vec(),
        expires,
        repeats: None,
    });
}

/// It is there no more.
pub(crate) fn remove(writer: &mut RecordWriter, id: &str, key: &str) {
    let key = RecordKey::parse(key).unwrap();
    writer.remove_record(&RemoveRecord { request_id: request(id), owner: owner(), key, expected: None });
}

/// Something of all of it, with names that begin like this; some stands open at the end.
pub(crate) fn hold_and_keep<J: Journal>(node: &mut Node<J>, ticket: u32, name: &str) {
    let of = |what: &str| format!("{name}-{what}");
    let after = |seconds: i64| node.now.wall.plus(nanoseconds(seconds * SECOND));
    let (soon, later) = (after(2), after(600));
    let mut writer = commands();
    place(&mut writer, &of("hold"), 900, later);
    place(&mut writer, &of("open"), 300, later);
    place(&mut writer, &of("short"), 200, soon);
    place(&mut writer, &of("too-much"), 90_000_000, later);
    for key in ["one", "two", "one"] {
        put(&mut writer, &of(key), key, ExpectedVersion::Absent, None);
    }
    put(&mut writer, &of("ends"), "ends", ExpectedVersion::Any, Some(soon));
    node.submit(ticket, writer);
    node.write_all();
    let holds: Vec<_> = node.outcomes_of(ticket).iter().map(|outcome| outcome.sequence).collect();
    let mut writer = commands();
    capture(node.core.ledger(), &mut writer, &of("paid"), holds[0], &[("B1", 200), ("B1", 150)], false);
    capture(node.core.ledger(), &mut writer, &of("above"), holds[0], &[("B1", 551)], true);
    release(&mut writer, &of("part"), holds[0], Some(50));
    capture(node.core.ledger(), &mut writer, &of("last"), holds[0], &[("B1", 100)], true);
    release(&mut writer, &of("none"), holds[0], None);
    remove(&mut writer, &of("removed"), "two");
    node.submit(ticket + 1, writer);
    node.write_all();
    node.advance(3 * SECOND);
    node.write_all();
}
