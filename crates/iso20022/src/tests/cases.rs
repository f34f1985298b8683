//! Documents of every writer beside those for payments: for schema validation, for damage, for headers.

use super::liquidity::{alert, enquiry, receipt, transfer};
use super::recall::{negative_answer, payment_return, recall, recall_for, refusal_for, with_fee};
use super::round_trip;
use super::status::report;
use crate::{
    AnyMessage, Header, MessageKind, OriginalDetails, OriginalReferences, Recall, RefusalText,
    ReportedMessage, Wrapper, read_any_message, wrap, write_camt004, write_camt025, write_camt029,
    write_camt050, write_camt056, write_pacs002_on, write_pacs004, write_pacs028_on_recall,
};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use types::{RecallReason, RecallRefusal};

/// One document of each kind.
pub(super) fn one_each() -> Vec<(MessageKind, String)> {
    vec![
        (MessageKind::StatusReport, write_pacs002_on(ReportedMessage::Return, &report())),
        (MessageKind::Recall, write_camt056(&recall())),
        (MessageKind::Return, write_pacs004(&with_fee())),
        (MessageKind::NegativeAnswer, write_camt029(&negative_answer())),
        (MessageKind::StatusRequest, write_pacs028_on_recall(&enquiry())),
        (MessageKind::LiquidityTransfer, write_camt050(&transfer())),
        (MessageKind::Receipt, write_camt025(&receipt())),
        (MessageKind::BalanceAlert, write_camt004(&alert())),
    ]
}

/// Every reason, and originals with all attributes.
pub(super) fn samples() -> Vec<(String, String)> {
    let mut samples: Vec<(String, String)> = one_each()
        .into_iter()
        .map(|(kind, document)| (format!("one-case.{}.xml", kind.name()), document))
        .collect();
    for reason in RecallReason::ALL {
        let document = write_camt056(&recall_for(reason));
        samples.push((format!("recalled-{}.camt.056.001.08.xml", reason.as_str()), document));
    }
    for message in ReportedMessage::ALL {
        let document = write_pacs002_on(message, &report());
        samples.push((format!("on-{}.pacs.002.001.10.xml", message.name()), document));
    }
    for reason in RecallRefusal::ALL {
        let mut answer = refusal_for(reason);
        samples.push((format!("refused-{}.camt.029.001.09.xml", reason.as_str()), write_camt029(&answer)));
        answer.additional_information = vec![RefusalText::ToOriginator.marked("no & never").unwrap()];
        answer.additional_information.extend([RefusalText::Account.marked("<unknown>").unwrap()]);
        let name = format!("refused-to-payer-{}.camt.029.001.09.xml", reason.as_str());
        samples.push((name, write_camt029(&answer)));
    }
    samples.push(("without-fee.pacs.004.001.09.xml".into(), write_pacs004(&payment_return())));
    let mut runner = TestRunner::deterministic();
    for number in 0..20 {
        let order = round_trip::order().new_tree(&mut runner).unwrap().current();
        let (original, details) = (OriginalReferences::of(&order), OriginalDetails::of(&order));
        let recall = Recall { original: original.clone(), details: details.clone(), ..recall() };
        samples.push((format!("original-{number:02}.camt.056.001.08.xml"), write_camt056(&recall)));
        let returned =
            crate::PaymentReturn { original: original.clone(), details: details.clone(), ..with_fee() };
        samples.push((format!("original-{number:02}.pacs.004.001.09.xml"), write_pacs004(&returned)));
        let answer = crate::NegativeAnswer { original, details, ..negative_answer() };
        samples.push((format!("original-{number:02}.camt.029.001.09.xml"), write_camt029(&answer)));
    }
    samples
}

#[test]
fn every_message_is_read_in_every_dress() {
    let bic = recall().details.debtor_agent;
    for (kind, document) in one_each() {
        let header = Header::new(kind, receipt().message_id, bic, bic, recall().assignment.created_at);
        for wrapper in [Wrapper::None, Wrapper::RequestPayload, Wrapper::Envelope] {
            let wrapped = wrap(document.clone(), wrapper, &header);
            let read = read_any_message(wrapped.as_bytes(), &super::rules()).unwrap();
            assert_eq!(read.wrapper, wrapper);
            assert_eq!(read.header, (wrapper != Wrapper::None).then(|| header.clone()));
            let found = match read.message {
                AnyMessage::Payment(_) => panic!("{} is about no decision", kind.name()),
                AnyMessage::ReportOn(about, _) => {
                    assert_eq!(about, ReportedMessage::Return);
                    MessageKind::StatusReport
                }
                AnyMessage::Recall(_) => MessageKind::Recall,
                AnyMessage::RecallStatusRequest(_) => MessageKind::StatusRequest,
                AnyMessage::Return(_) => MessageKind::Return,
                AnyMessage::NegativeAnswer(_) => MessageKind::NegativeAnswer,
                AnyMessage::LiquidityTransfer(_) => MessageKind::LiquidityTransfer,
                AnyMessage::Receipt(_) => MessageKind::Receipt,
                AnyMessage::BalanceAlert(_) => MessageKind::BalanceAlert,
            };
            assert_eq!(found, kind);
        }
    }
}
