//! What is written by hand is what the generated messages give.

use std::sync::mpsc;
use std::time::Duration;

use client::convert::order_from_payment;
use engine::{Banks, Interest, Notice, Outcomes, StoredOrder, Subscription, Waiting};
use ledger::{
    AccountMode, Answer, AnswerPayment, LiquidityDirection, Outcome, Payment, RecordWriter,
    RegisterParticipant, RequestId, TransferLiquidity,
};
use types::{AccountNumber, Amount, Bic, Channel, Currency, PrincipalNumber, Sequence, Text};

use super::*;
use crate::values::{PaymentReferences, payment_outcome};

const PAYERS: &str = "ALFABEBBXXX";
const PAYEES: &str = "GAMAFRPPXXX";

/// An engine with two banks that keep their accounts themselves, and what the payee's bank hears.
struct World {
    handle: Handle,
    subscription: Subscription,
    woken: mpsc::Receiver<()>,
    _engine: engine::Engine,
    _folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = engine::Config {
            folder: folder.path().to_owned(),
            segment_size: journal::SegmentSize::new(1 << 20).unwrap(),
            limits: ledger::Limits { accounts_max: 64, payments_max: 64, requests_max: 64 },
            payments_ready: 0,
            commands_per_second_max: None,
            master_key: None,
            follower: engine::FollowerSettings::default(),
            is_parallel: false,
        };
        let engine = engine::start(&config).unwrap();
        let handle = engine.handle();
        let interest = Interest {
            banks: Banks::Listed(Box::new([Bic::parse(PAYEES).unwrap()])),
            questions: engine::Questions::ALL,
            outcomes: Outcomes::All,
            notices_max: 64,
            bytes_max: 1 << 16,
        };
        let (wake, woken) = mpsc::sync_channel(64);
        let wake = Box::new(move || {
            let _ = wake.try_send(());
        });
        let subscription = handle.subscribe(interest, wake).unwrap();
        let world = Self { handle, subscription, woken, _engine: engine, _folder: folder };
        world.set_up();
        world
    }

    fn set_up(&self) {
        let request_id = |text| RequestId::parse(text).unwrap();
        for bank in [PAYERS, PAYEES] {
            self.submit(|commands| {
                commands.register_participant(&RegisterParticipant {
                    request_id: request_id(bank),
                    bic: Bic::parse(bank).unwrap(),
                    name: Text::parse("A bank").unwrap(),
                    mode: AccountMode::Remote,
                    currency: Currency::EUR,
                });
            });
        }
        self.submit(|commands| {
            commands.transfer_liquidity(&TransferLiquidity {
                request_id: request_id("fund"),
                bic: Bic::parse(PAYERS).unwrap(),
                direction: LiquidityDirection::Fund,
                amount: Amount::from_minor_units(1_000_000).unwrap(),
                currency: Currency::EUR,
                external_reference: Text::parse("FUND").unwrap(),
            });
        });
    }

    fn submit(&self, write: impl FnOnce(&mut RecordWriter)) -> Outcome {
        let mut commands = self.handle.commands(PrincipalNumber(1));
        write(&mut commands);
        let (told, outcome) = mpsc::sync_channel(1);
        let sink = move |outcomes: &[Outcome], _: &mut Waiting<'_>| told.send(outcomes[0]).unwrap();
        self.handle.submit(commands, Box::new(sink)).unwrap();
        outcome.recv_timeout(Duration::from_secs(60)).unwrap()
    }

    /// The next notice that `wanted` takes something from.
    fn next<Found>(&self, mut wanted: impl FnMut(Notice) -> Option<Found>) -> Found {
        loop {
            let mut notices = Vec::new();
            let _ = self.subscription.take(1, &mut notices);
            match notices.pop() {
                Some(notice) => {
                    if let Some(found) = wanted(notice) {
                        return found;
                    }
                }
                None => self.woken.recv_timeout(Duration::from_secs(60)).unwrap(),
            }
        }
    }

    fn ask(&self, wire: &v1::Payment) -> Asked {
        let order = order_from_payment(wire).unwrap();
        self.submit(|commands| {
            commands.payment(&order, self.handle.now(), Channel::Grpc, |_, _| AccountNumber(0));
        });
        self.next(|notice| match notice {
            Notice::Asked { question, payment, order, .. } => {
                Some(Asked { question, payment, order: order.unwrap(), is_repeat: false })
            }
            Notice::Outcome { .. }
            | Notice::Changed { .. }
            | Notice::Crossed(_)
            | Notice::Recall(_)
            | Notice::HoldExpired(_)
            | Notice::Exception(_)
            | Notice::Request(_)
            | Notice::Orders(_) => None,
        })
    }

    fn settle(&self, payment: Sequence) -> Payment {
        let bic = Bic::parse(PAYEES).unwrap();
        let answer = AnswerPayment { payment, bic, stage: Stage::Credit, answer: Answer::Accept };
        self.submit(|commands| commands.answer(&answer));
        self.next(|notice| match notice {
            Notice::Outcome { payment, outcome, .. } => {
                (outcome.decided_at > outcome.sequence).then_some(payment)
            }
            Notice::Asked { .. }
            | Notice::Changed { .. }
            | Notice::Crossed(_)
            | Notice::Recall(_)
            | Notice::HoldExpired(_)
            | Notice::Exception(_)
            | Notice::Request(_)
            | Notice::Orders(_) => None,
        })
    }
}

fn payment(handle: &Handle, transaction_id: &str) -> v1::Payment {
    let party = |name: &str| Some(v1::Party { name: name.to_owned(), ..v1::Party::default() });
    v1::Payment {
        debtor_agent: PAYERS.to_owned(),
        transaction_id: transaction_id.to_owned(),
        creditor_agent: PAYEES.to_owned(),
        debtor_account: "BE68539007547034".to_owned(),
        creditor_account: "FR1420041010050500013M02606".to_owned(),
        amount: Some(v1::Money { amount: "12.34".to_owned(), currency_code: "EUR".to_owned() }),
        acceptance_time: Some(timestamp(handle.now())),
        end_to_end_id: "NOTPROVIDED".to_owned(),
        debtor: party("Ines Aerts"),
        creditor: party(&"Société Générale de Plomberie et de Chauffage ".repeat(3).trim_end()[..130]),
        ..v1::Payment::default()
    }
}

fn expected_question(handle: &Handle, wire: &v1::Payment, asked: &Asked) -> v1::PaymentQuestion {
    v1::PaymentQuestion {
        payment_id: handle.payment_id(asked.question.payment).to_string(),
        stage: v1::DecisionStage::Credit.into(),
        payment: Some(wire.clone()),
        answer_by: Some(timestamp(asked.question.answer_by)),
        sequence: asked.question.asked_at.0,
        possible_repeat: asked.is_repeat,
    }
}

#[test]
fn questions_and_reports_are_the_generated_messages_bytes() {
    let world = World::new();
    let handle = &world.handle;
    let common = payment(handle, "T1");
    let with_text = v1::Payment {
        remittance: Some(v1::payment::Remittance::Unstructured("Merci".to_owned())),
        purpose: "SALA".to_owned(),
        ..payment(handle, "T2")
    };
    let uncommon = v1::Payment {
        ultimate_debtor: Some(v1::Party::default()),
        message_id: "MSG-1".to_owned(),
        ..payment(handle, "T3")
    };
    let mut events = vec![Event::Started(v1::ConnectStarted {
        as_of_sequence: 7,
        as_of_time: Some(timestamp(handle.now())),
        unanswered: 3,
        incarnation: Some(u64::MAX),
    })];
    let mut expected = vec![match &events[0] {
        Event::Started(started) => v1::connect_event::Event::Started(*started),
        Event::Heard(_) | Event::AnswerResult(_) => unreachable!("the start comes first"),
    }];
    for (number, wire) in [common, with_text, uncommon].iter().enumerate() {
        let asked = Asked { is_repeat: number == 1, ..world.ask(wire) };
        assert_eq!(asked.order.plain_order().is_some(), number < 2);
        expected.push(v1::connect_event::Event::Question(expected_question(handle, wire, &asked)));
        let position = asked.question.payment;
        let order: StoredOrder = asked.order.clone();
        events.push(Event::Heard(Heard::Asked(asked)));
        let payment = world.settle(position);
        let told = payment.told_to(Stage::Credit).unwrap();
        let (is_late, is_repeat) = (number == 0, number == 1);
        let outcome = v1::PaymentOutcome {
            late: is_late,
            ..payment_outcome(handle, PaymentReferences::of(&payment), &PaymentFacts::of(&payment))
        };
        expected.push(v1::connect_event::Event::Report(v1::PaymentReport {
            outcome: Some(outcome),
            side: v1::PaymentSide::Creditor.into(),
            possible_repeat: is_repeat,
        }));
        let (side, order) = (Stage::Credit, Some(order));
        events.push(Event::Heard(Heard::Report(Report { payment, side, told, is_late, order, is_repeat })));
    }
    let result = v1::AnswerResult {
        payment_id: "X".to_owned(),
        stage: v1::DecisionStage::Credit.into(),
        effect: v1::AnswerEffect::PaymentUnknown.into(),
        outcome: None,
        sequence: 9,
    };
    events.push(Event::AnswerResult(result.clone()));
    expected.push(v1::connect_event::Event::AnswerResult(result));
    let expected = expected.into_iter().map(|event| v1::ConnectEvent { event: Some(event) });
    let expected = v1::ConnectResponse { events: expected.collect() };
    let mut bytes = Vec::new();
    ConnectReply { handle: handle.clone(), events }.encode(&mut bytes);
    assert_eq!(v1::ConnectResponse::decode(bytes.as_slice()).unwrap(), expected);
    assert_eq!(bytes, expected.encode_to_vec());
}
