//! What is written by hand is what the generated messages give.

use engine::Handle;
use ledger::{Kind, Verdict};
use proptest::option::of;
use proptest::prelude::*;
use types::{PaymentState, ReasonCode, Sequence};

use super::*;
use crate::values::{PaymentReferences, payment_outcome};

fn outcome() -> impl Strategy<Value = Outcome> {
    let time = (0..i64::MAX).prop_map(|time| Timestamp::from_nanoseconds(time).unwrap());
    let reason = prop_oneof!["[A-Z]{2}[0-9]{2}", Just("AM04".to_owned()), Just("AB05".to_owned())];
    let reason = reason.prop_map(|code| ReasonCode::parse(&code).unwrap());
    let state = (1..=5_u8).prop_map(|number| PaymentState::from_number(number).unwrap());
    (
        any::<u64>(),
        any::<u64>(),
        of(any::<u64>()),
        time.clone(),
        prop_oneof![Just(Timestamp::default()), time],
    )
        .prop_flat_map(move |(sequence, decided_at, repeat_of, decided_time, accepted)| {
            (state.clone(), of(reason.clone()), any::<bool>()).prop_map(move |(state, reason, late)| {
                Outcome {
                    sequence: Sequence(sequence),
                    decided_at: Sequence(decided_at),
                    decided_time,
                    accepted,
                    kind: Kind::Payment,
                    verdict: Verdict::Payment { state, reason, repeat_of: repeat_of.map(Sequence) },
                    alerts: ledger::Alerts::NONE,
                    late,
                    remark: ledger::Remark::None,
                    balances: [0; 4],
                }
            })
        })
}

fn handle() -> (engine::Engine, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let config = engine::Config {
        folder: folder.path().to_owned(),
        segment_size: journal::SegmentSize::new(1 << 20).unwrap(),
        limits: ledger::Limits { accounts_max: 1, payments_max: 1, requests_max: 1 },
        payments_ready: 0,
        commands_per_second_max: None,
        master_key: None,
        follower: engine::FollowerSettings::default(),
        is_parallel: false,
    };
    (engine::start(&config).unwrap(), folder)
}

fn expected(handle: &Handle, id: &str, outcome: &Outcome) -> v1::PaymentOutcome {
    let references =
        PaymentReferences { transaction_id: id.to_owned(), debtor_agent: "SLVOBEBBXXX".to_owned() };
    payment_outcome(handle, references, &facts(outcome))
}

#[test]
fn outcomes_are_the_generated_messages_bytes() {
    let (engine, _folder) = handle();
    let handle = engine.handle();
    let bank = Bic::parse("SLVOBEBB").unwrap();
    proptest!(|(
        decided in proptest::collection::vec((any::<u64>(), "[A-Za-z0-9]{1,35}", outcome()), 0..6),
        single in outcome(),
    )| {
        let mut bytes = Vec::new();
        let reference = PaymentReference::new(bank, "T1");
        OutcomeReply { handle: handle.clone(), reference, outcome: single }.encode(&mut bytes);
        let message = v1::SubmitPaymentResponse { outcome: Some(expected(&handle, "T1", &single)) };
        prop_assert_eq!(&bytes, &message.encode_to_vec());

        let results = decided.iter().map(|(caller_id, id, outcome)| {
            let outcome = expected(&handle, id, outcome);
            let result = Some(v1::payment_result::Result::Outcome(outcome));
            v1::PaymentResult { caller_id: *caller_id, result }
        });
        let message = v1::SubmitPaymentsResponse { results: results.collect() };
        let items = decided.into_iter().map(|(caller_id, id, outcome)| Decided {
            caller_id,
            reference: PaymentReference::new(bank, &id),
            outcome,
        });
        let mut bytes = Vec::new();
        BatchReply::Decided(handle.clone(), items.collect()).encode(&mut bytes);
        prop_assert_eq!(bytes, message.encode_to_vec());
    });
}
