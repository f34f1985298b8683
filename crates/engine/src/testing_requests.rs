//! Requests to pay of the tests.

use journal::Journal;
use ledger::{
    AnswerRequestToPay, CancelRequestToPay, CreateRequestToPay, LocalTime, OrderContent, PresentRequestToPay,
    RecordWriter, RequestAnswer, RequestDetails,
};
use types::{AccountNumber, Channel, Currency, ReasonCode, Sequence, Text};

use crate::testing::{Node, SECOND, bank, commands, iban, key, nanoseconds, order, request};
use crate::testing_orders::{execute, terms_of};

/// Bank B's customer asks bank A's for money, for so many seconds.
pub(crate) fn ask<J: Journal>(node: &Node<J>, writer: &mut RecordWriter, id: &str, cents: i64, seconds: i64) {
    let payer = node.core.ledger().account(&key(), iban("A1").as_str(), Currency::EUR);
    writer.create_request_to_pay(&CreateRequestToPay {
        request_id: request(id),
        order: order("NOTPROVIDED", cents, None),
        payer: payer.map(|(number, _)| number),
        expires: node.now.wall.plus(nanoseconds(seconds * SECOND)),
        pay_by: None,
        details: RequestDetails {
            invoice_number: Some(Text::parse("2026/7").unwrap()),
            ..RequestDetails::default()
        },
    });
}

/// The payer answers it: with an order for so many cents, or with a reason.
pub(crate) fn answer(writer: &mut RecordWriter, id: &str, to_pay: Sequence, cents: Option<i64>) {
    let answer = match cents {
        Some(cents) => RequestAnswer::Accept(Box::new(OrderContent {
            order: order("NOTPROVIDED", cents, None),
            channel: Channel::Grpc,
            due: LocalTime::AT_ONCE,
            give_up: None,
        })),
        None => RequestAnswer::Refuse(ReasonCode::parse("MS02").unwrap()),
    };
    let (request_id, payer_bank, payee_bank) = (request(id), bank("A"), Some(bank("B")));
    let command = AnswerRequestToPay { request_id, to_pay, payer_bank, payee_bank, answer };
    writer.answer_request_to_pay(&command, |_, _| AccountNumber(0));
}

/// Something of all of it, with names that begin like this: one is paid, and one each is refused, taken back and over.
pub(crate) fn ask_and_answer<J: Journal>(node: &mut Node<J>, ticket: u32, name: &str) {
    let of = |what: &str| format!("{name}-{what}");
    let mut writer = commands();
    for (what, cents, seconds) in
        [("paid", 21, 3600), ("refused", 22, 3600), ("taken-back", 23, 3600), ("over", 24, 1)]
    {
        ask(node, &mut writer, &of(what), cents, seconds);
    }
    node.submit(ticket, writer);
    node.write_all();
    let at: Vec<_> = node.outcomes_of(ticket).iter().map(|outcome| outcome.sequence).collect();
    let (payer_bank, payee_bank) = (bank("A"), bank("B"));
    let mut writer = commands();
    answer(&mut writer, &of("accept"), at[0], Some(21));
    let terms = terms_of(&writer, 0);
    writer.present_request_to_pay(&PresentRequestToPay {
        request_id: request(&of("present")),
        to_pay: at[1],
        payer_bank,
        payee_bank: Some(payee_bank),
    });
    answer(&mut writer, &of("refuse"), at[1], None);
    writer.cancel_request_to_pay(&CancelRequestToPay {
        request_id: request(&of("take-back")),
        to_pay: at[2],
        payee_bank,
        payer_bank: Some(payer_bank),
    });
    node.submit(ticket + 1, writer);
    node.write_all();
    let placed = node.outcomes_of(ticket + 1)[0].sequence;
    let mut writer = commands();
    execute(node, &mut writer, placed, &terms);
    node.submit(ticket + 2, writer);
    node.write_all();
    node.advance(2 * SECOND);
    node.write_all();
}
