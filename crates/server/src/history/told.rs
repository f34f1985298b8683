//! What is told of the past, on the wire.

use client::convert::{money, payment_from_order, timestamp};
use client::v1;
use engine::StoredOrder;
use history::{EntryKind, EntryRow, PaymentRow, Place, Side, Watermark};
use ledger::{CaptureText, EntryText, ExceptionText, RecallText, Remark};
use types::{Amount, Bic, Currency};

use super::asked::PageAsked;
use super::posting_wire::entry_type;
use super::{Behind, token};
use crate::node::Node;
use crate::values::{PaymentFacts, PaymentReferences, decimal, payment_outcome};

/// A payment with its order, as a side of it is told.
pub(super) fn record(
    node: &Node,
    row: &PaymentRow,
    side: Side,
    order: Option<StoredOrder>,
) -> v1::PaymentRecord {
    let payment = order.as_ref().and_then(StoredOrder::order).as_ref().map(payment_from_order);
    v1::PaymentRecord {
        outcome: Some(outcome(node, row, side)),
        received_time: Some(timestamp(row.received_time)),
        creditor_agent: row.creditor_agent.map_or_else(String::new, |bank| bank.to_string()),
        amount: row.amount.map(|(amount, currency)| money(amount, currency)),
        // What was refused on reading is no order.
        erased: payment.is_none() && row.amount.is_some(),
        payment,
    }
}

/// What came of a payment, as a side of it is told.
pub(super) fn outcome(node: &Node, row: &PaymentRow, side: Side) -> v1::PaymentOutcome {
    let reason = match side {
        Side::Debtor => row.reason,
        Side::Creditor => row.reason_to_creditor.or(row.reason),
    };
    let facts = PaymentFacts {
        sequence: row.sequence,
        decided_at: row.decided_at,
        decided_time: row.decided_time,
        acceptance_time: row.acceptance_time,
        state: row.state,
        // A payment that waits has none yet.
        reason: reason.filter(|_| row.reason.is_some()),
        repeat: false,
        late: row.is_late,
        remark: match side {
            Side::Debtor => row.remark,
            Side::Creditor => Remark::None,
        },
    };
    let references = PaymentReferences {
        transaction_id: row.transaction_id.as_str().to_owned(),
        debtor_agent: row.debtor_agent.to_string(),
    };
    payment_outcome(&node.handle, references, &facts)
}

/// An entry of a bank's account or position, with what stands behind it.
pub(super) fn entry(
    node: &Node,
    row: &EntryRow,
    bank: Bic,
    currency: Currency,
    behind: &Behind,
) -> v1::Entry {
    let amount = Amount::from_minor_units(row.change.abs());
    let r#type = entry_type(row.kind);
    let direction = if row.change < 0 { v1::EntryDirection::Debit } else { v1::EntryDirection::Credit };
    let plain = v1::Entry {
        sequence: row.place.at.0,
        time: Some(timestamp(row.time)),
        r#type: r#type.into(),
        direction: direction.into(),
        amount: amount.map(|amount| money(amount, currency)),
        balance: decimal(row.balance, currency),
        ..v1::Entry::default()
    };
    let Some((payment, order)) = behind.payments.get(&row.command) else {
        // Several entries of a page may be of one command.
        let text = behind.texts.get(&row.command).map(AsRef::as_ref);
        let Told { booking_key, reference, remittance } = texts_of(row, text).unwrap_or_default();
        return v1::Entry { erased: text.is_none(), booking_key, reference, remittance, ..plain };
    };
    let order = order.as_ref().and_then(StoredOrder::order).as_ref().map(payment_from_order);
    let other = match row.change < 0 {
        // The payer's bank itself took it.
        true if row.kind == EntryKind::Fee => Some(bank),
        true => payment.creditor_agent,
        false => Some(payment.debtor_agent),
    };
    // On a host's position stand the payments of its parties too, whose texts are none of its business.
    let is_own = payment.debtor_agent == bank || payment.creditor_agent == Some(bank);
    v1::Entry {
        payment_id: node.handle.payment_id(row.command).to_string(),
        transaction_id: payment.transaction_id.as_str().to_owned(),
        counterpart: other.map_or_else(String::new, |bank| bank.to_string()),
        erased: is_own && order.is_none(),
        payment: order.filter(|_| is_own),
        ..plain
    }
}

/// What the texts of a command that is no payment say of an entry.
#[derive(Default)]
struct Told {
    booking_key: String,
    reference: String,
    remittance: String,
}

fn texts_of(row: &EntryRow, text: Option<&[u8]>) -> Option<Told> {
    let text = text?;
    let with_reference = |reference: &str| Told { reference: reference.to_owned(), ..Told::default() };
    Some(match row.kind {
        EntryKind::Payment | EntryKind::Fee => return None,
        EntryKind::Posting => {
            let EntryText { booking_key, core_reference } = EntryText::decode(text).ok()?;
            Told { booking_key: booking_key.as_str().to_owned(), ..with_reference(core_reference.as_str()) }
        }
        EntryKind::Return | EntryKind::ReturnFee => {
            with_reference(RecallText::decode(text).ok()?.reference.as_str())
        }
        EntryKind::HoldCapture => {
            let leg = CaptureText::decode(text).ok()?.legs.into_iter().nth(usize::from(row.place.turn))?;
            let remittance = leg.remittance.map_or_else(String::new, |text| text.as_str().to_owned());
            Told { remittance, ..with_reference(leg.reference.as_str()) }
        }
        EntryKind::Exception => {
            let note = ExceptionText::decode(text).ok()?.note;
            let remittance = note.map_or_else(String::new, |text| text.as_str().to_owned());
            Told { remittance, ..Told::default() }
        }
        EntryKind::Liquidity | EntryKind::OwnFunds => with_reference(std::str::from_utf8(text).ok()?),
    })
}

/// The token of the next page; empty if there is none.
pub(super) fn page(node: &Node, asked: &PageAsked, next: Option<Place>) -> String {
    next.map_or_else(String::new, |next| token::make(node.handle.digest_key(), &asked.question, next))
}

/// Up to where history goes.
pub(super) fn as_of(node: &Node, watermark: &Watermark) -> v1::HistoryAsOf {
    let progress = node.past.history.as_ref().map(history::History::progress);
    v1::HistoryAsOf {
        sequence: watermark.told.0,
        time: Some(timestamp(watermark.told_time)),
        caught_up: progress.is_some_and(|progress| progress.is_current()),
        incarnation: Some(node.handle.lives().last().incarnation.0),
        begins_after_sequence: watermark.begins.0,
        begins_after_time: (watermark.begins.0 > 0).then(|| timestamp(watermark.begins_time)),
    }
}
