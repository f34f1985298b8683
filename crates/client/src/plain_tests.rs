//! What is read the short way is what the long way reads, whatever the bytes are.

use proptest::option::of;
use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::convert::order_from_payment;
use crate::v1;

/// Payments whose texts are right or wrong, and that have uncommon fields now and then.
fn payment() -> impl Strategy<Value = v1::Payment> {
    let bic = prop_oneof![9 => Just("SLVOBEBB"), 9 => Just("SLVODEFF001"), 1 => Just("slvo"), 1 => Just("")];
    let iban = prop_oneof![
        9 => Just("BE68539007547034"),
        9 => Just("DE89370400440532013000"),
        1 => Just("DE88370400440532013000"),
    ];
    let text = prop_oneof![9 => "[A-Za-z0-9]{1,20}", 1 => "\\PC{0,6}"];
    let money = prop_oneof![9 => "[1-9]{1,5}\\.[0-9]{2}", 1 => "[0-9.]{0,4}"];
    let time = (0..2_000_000_000_i64, 0..1_100_000_000_i32);
    let texts = (text.clone(), text.clone(), text.clone(), text.clone(), of(text.clone()), of("[A-Z]{3,5}"));
    (bic.clone(), bic, iban.clone(), iban, money, of(time), texts, 0..20_u8).prop_map(
        |(debtor_agent, creditor_agent, debtor_account, creditor_account, amount, time, texts, uncommon)| {
            let party = |name: String| Some(v1::Party { name, ..Default::default() });
            let mut payment = v1::Payment {
                debtor_agent: debtor_agent.to_owned(),
                transaction_id: texts.0,
                creditor_agent: creditor_agent.to_owned(),
                debtor_account: debtor_account.to_owned(),
                creditor_account: creditor_account.to_owned(),
                amount: Some(v1::Money { amount, currency_code: "EUR".to_owned() }),
                acceptance_time: time.map(|(seconds, nanos)| prost_types::Timestamp { seconds, nanos }),
                end_to_end_id: texts.1,
                debtor: party(texts.2),
                creditor: party(texts.3),
                remittance: texts.4.map(v1::payment::Remittance::Unstructured),
                purpose: texts.5.unwrap_or_default(),
                ..Default::default()
            };
            match uncommon {
                0 => payment.message_id = "M1".to_owned(),
                1 => payment.ultimate_debtor = party("Somebody".to_owned()),
                2 => payment.amount = None,
                3 => {
                    let reference =
                        v1::CreditorReference { reference: "RF18".to_owned(), ..Default::default() };
                    payment.remittance = Some(v1::payment::Remittance::CreditorReference(reference));
                }
                4 => payment.creditor.as_mut().unwrap().address = Some(v1::Address::default()),
                _ => {}
            }
            payment
        },
    )
}

/// The short way may leave an order to the long way, and must not read another one.
fn agrees(bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Some(order) = plain_order(bytes) {
        let payment = v1::Payment::decode(bytes).expect("what is plain can be decoded");
        let long_way = order_from_payment(&payment).expect("what is plain is valid");
        prop_assert_eq!(order.to_order(), long_way);
    }
    Ok(())
}

proptest! {
    #[test]
    fn payments_are_read_alike(payment in payment()) {
        let bytes = payment.encode_to_vec();
        agrees(&bytes)?;
        let uncommon = |payment: &v1::Payment| {
            let address = payment.creditor.as_ref().is_some_and(|party| party.address.is_some());
            let reference = matches!(payment.remittance, Some(v1::payment::Remittance::CreditorReference(_)));
            !payment.message_id.is_empty() || payment.ultimate_debtor.is_some() || address || reference
        };
        let valid = order_from_payment(&payment).is_ok() && !uncommon(&payment);
        // An empty text counts as absent, and takes the long way.
        let empty = payment.remittance == Some(v1::payment::Remittance::Unstructured(String::new()));
        prop_assert_eq!(plain_order(&bytes).is_some(), valid && !empty);
    }

    #[test]
    fn damaged_payments_are_read_alike(payment in payment(), at: prop::sample::Index, byte: u8, how in 0..3_u8) {
        let mut bytes = payment.encode_to_vec();
        let at = at.index(bytes.len());
        match how {
            0 => bytes[at] = byte,
            1 => bytes.truncate(at),
            _ => bytes.insert(at, byte),
        }
        agrees(&bytes)?;
    }

    #[test]
    fn a_repeated_field_takes_the_long_way(payment in payment(), again in payment()) {
        let bytes = [payment.encode_to_vec(), again.encode_to_vec()].concat();
        prop_assert_eq!(plain_order(&bytes), None);
    }

    #[test]
    fn messages_are_taken_apart_alike(
        payments in proptest::collection::vec((any::<u64>(), payment()), 1..5),
        damage in of((any::<prop::sample::Index>(), any::<u8>())),
    ) {
        let payments = payments.into_iter();
        let payments = payments
            .map(|(caller_id, payment)| v1::PaymentSubmission { caller_id, payment: Some(payment) })
            .collect();
        let mut bytes = v1::SubmitPaymentsRequest { payments }.encode_to_vec();
        if let Some((at, byte)) = damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let mut submissions = Vec::new();
        let read = plain_submissions(&bytes, &mut submissions);
        prop_assert!(read.is_some() || damage.is_some());
        // What is inside a payment may still be damaged; that is found when the payment is read.
        if let (Some(()), Ok(message)) = (read, v1::SubmitPaymentsRequest::decode(bytes.as_slice())) {
            prop_assert_eq!(message.payments.len(), submissions.len());
            for (plain, wire) in submissions.iter().zip(&message.payments) {
                prop_assert_eq!(plain.caller_id, wire.caller_id);
                prop_assert_eq!(Some(v1::Payment::decode(plain.payment).unwrap()), wire.payment.clone());
            }
        }
    }

    #[test]
    fn submissions_are_counted_among_other_fields(count in 0..50_usize, other in 3..2000_u64) {
        let mut bytes = Vec::new();
        for place in 0..count {
            // A number, a text and a fixed number of a later version of the contract.
            let kind = [0, 2, 5, 1][place % 4];
            prost::encoding::encode_varint(other << 3 | kind, &mut bytes);
            bytes.extend_from_slice([&[7_u8][..], &[1, b'x'], &[0; 4], &[0; 8]][place % 4]);
            bytes.extend_from_slice(&[10, 0]);
        }
        prop_assert_eq!(submission_count(&bytes), count);
        prop_assert_eq!(v1::SubmitPaymentsRequest::decode(bytes.as_slice()).unwrap().payments.len(), count);
    }

    #[test]
    fn requests_are_taken_apart_alike(payment in payment(), wait_ms in of(0..100_u32)) {
        let message = v1::SubmitPaymentRequest { payment: Some(payment.clone()), wait_ms };
        let bytes = message.encode_to_vec();
        let plain = plain_request(&bytes).map(<[u8]>::to_vec);
        prop_assert_eq!(plain, wait_ms.is_none().then(|| payment.encode_to_vec()));
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
        agrees(&bytes)?;
        let _ = plain_request(&bytes);
        let _ = plain_submissions(&bytes, &mut Vec::new());
    }
}
