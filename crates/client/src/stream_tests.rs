//! How items become messages. The stream itself is tested from outside, in `tests/`.

use super::*;
use crate::v1;

fn submission(caller_id: u64, bytes: usize) -> v1::PaymentSubmission {
    let payment = v1::Payment { transaction_id: "x".repeat(bytes), ..Default::default() };
    v1::PaymentSubmission { caller_id, payment: Some(payment) }
}

fn counts(items: Vec<v1::PaymentSubmission>, items_max: usize) -> Vec<usize> {
    let batches = split::<Payments>(items, items_max).unwrap();
    assert!(batches.iter().all(|batch| batch.encoded_len() <= MESSAGE_BYTES_MAX));
    batches.iter().map(|batch| batch.payments.len()).collect()
}

#[test]
fn messages_are_bounded_by_count_and_length() {
    assert_eq!(counts(vec![], 4), Vec::<usize>::new());
    assert_eq!(counts((0..9).map(|id| submission(id, 1)).collect(), 4), [4, 4, 1]);
    let half = MESSAGE_BYTES_MAX / 2 - 100;
    assert_eq!(counts((0..3).map(|id| submission(id, half)).collect(), 4), [2, 1]);
    assert_eq!(counts((0..2).map(|id| submission(id, half + 100)).collect(), 4), [1, 1]);
}

#[test]
fn what_fits_no_message_is_refused_before_anything_is_sent() {
    let items = vec![submission(0, 1), submission(1, MESSAGE_BYTES_MAX)];
    assert_eq!(split::<Payments>(items, 4).unwrap_err(), SendError::TooLong { index: 1 });
}
