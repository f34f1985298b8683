//! Commands that stand in the log and decided nothing: those that were asked again, and voided ones.

use super::*;
use crate::query::PaymentQuery;
use crate::rebuild::Rebuild;
use crate::testing::{KEY, Log, SECOND, bank};
use crate::view::View;
use crate::view::tests::{everything, index};
use crate::walk::Order;

fn ids_of(view: &View, letter: &str) -> Vec<String> {
    let query = PaymentQuery::all(Some(bank(letter)), Order::OldestFirst);
    let rows = view.payments(&query, None, 100).unwrap().rows;
    rows.iter().map(|row| row.transaction_id.as_str().to_owned()).collect()
}

/// Payments leave the table, and whatever comes with a look of before decides nothing: payments, and an answer.
fn asked_again() -> Log {
    let mut log = Log::new();
    let mut writer = log.writer();
    log.pay(&mut writer, "TX-1", "A1", "B1", 100);
    log.pay(&mut writer, "TX-2", "A2", "B1", 100);
    log.commands(&writer);
    let mut writer = log.writer();
    log.pay(&mut writer, "RE-1", "A1", "C1", 100);
    log.commands(&writer);
    let reserved = log.reserved[0];
    let mut writer = log.writer();
    log.seal(&mut writer);
    log.commands(&writer);
    let mut writer = log.writer();
    log.pay(&mut writer, "TX-3", "A1", "B1", 100);
    log.refuse(&mut writer, "TX-4", false);
    log.commands(&writer);
    let upto = log.ledger.sealed_upto();
    let again = log.asked_again.len();
    assert_eq!(again, 2);
    let mut writer = log.writer();
    log.pay(&mut writer, "TX-3", "A1", "B1", 100);
    log.refuse(&mut writer, "TX-4", false);
    writer.set_evidence(upto, &[]);
    log.answer(&mut writer, reserved, "C", true);
    log.commands(&writer);
    log.marker();
    log.marker();
    log
}

#[test]
fn commands_that_were_asked_again_are_passed_over() {
    let log = asked_again();
    let (_folder, store) = index(&log, true);
    let view = View::new(&store).unwrap().unwrap();
    assert_eq!(ids_of(&view, "A"), ["TX-1", "TX-2", "RE-1", "TX-3", "TX-4"]);
    for again in &log.asked_again {
        assert_eq!(view.payment(*again).unwrap(), None);
    }
    let found = view.payment_by_key(&KEY, bank("A"), "TX-3", None).unwrap().unwrap();
    assert_eq!((found.state, log.asked_again.contains(&found.sequence)), (PaymentState::Settled, false));
    // And by a rebuild.
    let folder = tempfile::tempdir().unwrap();
    let mut rebuild = Rebuild::begin(&folder.path().join("history"), None).unwrap();
    log.frames.iter().for_each(|frame| rebuild.take(&FrameView::parse(frame).unwrap()).unwrap());
    rebuild.finish().unwrap();
    let rebuilt = Store::open(&folder.path().join("history")).unwrap();
    assert_eq!(everything(&View::new(&rebuilt).unwrap().unwrap()), everything(&view));
}

/// A voided payment leaves its key to the one that is sent again, also on another day.
#[test]
fn a_voided_payment_does_not_answer_for_its_key() {
    let mut log = Log::new();
    let mut writer = log.writer();
    log.pay(&mut writer, "TX-1", "A1", "B1", 100);
    log.voided.push(log.next_position(1));
    let accepted = log.time;
    log.commands(&writer);
    log.advance(24 * 3600 * SECOND);
    let mut writer = log.writer();
    log.pay(&mut writer, "TX-1", "A1", "B1", 100);
    log.commands(&writer);
    log.marker();
    let (_folder, store) = index(&log, false);
    let view = View::new(&store).unwrap().unwrap();
    let [voided, again] = log.payments[..] else { panic!("{:?}", log.payments) };
    let row = view.payment(voided).unwrap().unwrap();
    assert_eq!(row.reason, ReasonCode::from_bytes(*b"MS03"));
    for near in [None, Some(accepted), Some(log.time)] {
        let found = view.payment_by_key(&KEY, bank("A"), "TX-1", near).unwrap().unwrap();
        assert_eq!((found.sequence, found.state), (again, PaymentState::Settled), "{near:?}");
    }
    assert_eq!(ids_of(&view, "A"), ["TX-1", "TX-1"], "its bank sees both");
}
