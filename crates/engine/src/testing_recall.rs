//! Payments of the tests that are asked back and returned.

use journal::Journal;
use ledger::{
    AnswerRecall, Original, Outcome, RecallAnswer, RecallText, RecordWriter, RequestRecall, SetClosingDays,
};
use types::{Balance, ClosingDays, Currency, PaymentState, RecallReason, Text};

use crate::testing::{Node, bank, commands, euro_cents, iban, identity, key, request};

/// The banking days of the year of the tests and of the year after it.
pub(crate) fn set_closing_days(writer: &mut RecordWriter) {
    for year in [2026, 2027] {
        let request_id = request(&format!("closing-{year}"));
        let closing_days = ClosingDays::target(year).unwrap();
        writer.set_closing_days(&SetClosingDays { request_id, closing_days });
    }
}

fn text(reference: &str) -> RecallText {
    RecallText {
        reference: Text::parse(reference).unwrap(),
        originator: None,
        information: Vec::new(),
        settlement_date: None,
    }
}

/// Bank A asks a euro back that its customer paid to B1, and so much of it comes back; bank B keeps the rest up to five
/// cents as its fee.
pub(crate) fn give_back<J: Journal>(node: &mut Node<J>, paid: &Outcome, cents: i64) {
    let payment = paid.sequence;
    let mut writer = commands();
    writer.request_recall(&RequestRecall {
        request_id: request(&format!("recall-{payment}")),
        original: Original {
            payment,
            incarnation: identity().incarnation,
            state: PaymentState::Settled,
            decided_at: paid.decided_at,
            decided_time: paid.decided_time,
            amount: euro_cents(100),
            currency: Currency::EUR,
            debtor_agent: bank("A"),
            creditor_agent: bank("B"),
            debtor_account: key().iban(iban("A1").as_str()),
            creditor_account: key().iban(iban("B1").as_str()),
        },
        reason: RecallReason::TechnicalProblem,
        text: text("RECALL"),
    });
    node.submit(7_000, writer);
    node.write_all();
    let ledger = node.core.ledger();
    let recall = *ledger.recall_of_payment(payment).expect("it is asked back");
    let fee = Balance::from_minor_units((100 - cents).min(5)).unwrap();
    let mut writer = commands();
    writer.answer_recall(&AnswerRecall {
        request_id: request(&format!("return-{payment}")),
        recall: recall.sequence(),
        recalled: ledger.recalled(&recall),
        bic: bank("B"),
        answer: RecallAnswer::Return { amount: euro_cents(cents), fee },
        has_consent: false,
        is_elsewhere: false,
        text: text("RETURN"),
    });
    node.submit(7_001, writer);
    node.write_all();
    let recall = node.core.ledger().recall_of_payment(payment).expect("it was asked back");
    assert!(!recall.may_return(), "it came back");
}
