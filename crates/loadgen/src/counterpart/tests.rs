//! Banks against a node that is right, and against nodes that are wrong in one way each.

use std::collections::BTreeMap;

use client::ConnectOptions;
use client::v1::connect_event::Event;
use client::v1::connect_request::Request as Said;
use client::v1::participant_service_server::{ParticipantService, ParticipantServiceServer};
use tokio::net::TcpListener;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

use super::*;

/// What a node does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Nothing,
    /// Settles whatever the answer is.
    Deaf,
    /// Lets the last answer count.
    Fickle,
    /// Reports nothing.
    Mute,
}

/// A node that asks about so many payments as soon as a bank connects, and for which no time passes.
#[derive(Clone)]
struct Node {
    questions: u64,
    wrong: Wrong,
    /// The first answers, over all connections.
    decided: Arc<Mutex<BTreeMap<String, v1::Decision>>>,
}

const BIC: &str = "TESTBEBBXXX";

/// What banks of this behaviour come to at such a node.
async fn finished(behaviour: &str, wrong: Wrong) -> CounterpartReport {
    let node = Node { questions: 50, wrong, decided: Arc::default() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let service = ParticipantServiceServer::new(node);
    let incoming = TcpListenerStream::new(listener);
    tokio::spawn(Server::builder().add_service(service).serve_with_incoming(incoming));
    let client = Client::connect(&address, ConnectOptions::default()).await.unwrap();
    let mix = BehaviourMix::parse(&[behaviour], 1).unwrap();
    let bank = Bic::parse(BIC).unwrap();
    let options = CounterpartOptions { mix, ..CounterpartOptions::new(vec![bank]) };
    let mut banks = Counterparts::start(&client, options).await.unwrap();
    banks.wait(Some(Extent::Payments(50))).await;
    let mut report = banks.finish().await.unwrap();
    assert!(report.failures.is_empty(), "{report}");
    assert_eq!(report.passed(), report.banks[0].passed());
    assert_eq!(report.to_json()["banks"][0]["violation_count"], report.banks[0].violation_count);
    report.banks.remove(0)
}

#[tokio::test]
async fn a_right_node_passes_whatever_a_bank_does() {
    for (behaviour, settled) in
        [("accept", 50), ("reject:AC04", 0), ("slow:20", 50), ("double", 50), ("wrong", 50), ("flap", 50)]
    {
        let report = finished(behaviour, Wrong::Nothing).await;
        assert!(report.passed(), "{report}");
        assert_eq!(report.tally.settled, settled, "{report}");
    }
    let report = finished("contrary", Wrong::Nothing).await;
    assert!(report.passed(), "{report}");
    assert_eq!(report.tally.effects[&v1::AnswerEffect::Contrary], 50);
    assert!((1..50).contains(&report.tally.settled), "{report}");
}

#[tokio::test]
async fn a_wrong_node_is_found_out() {
    let rejected = finished("reject:AC04", Wrong::Deaf).await;
    assert_eq!(rejected.violation_count, 50, "{rejected}");
    let contrary = finished("contrary", Wrong::Fickle).await;
    assert!(contrary.violation_count > 0, "{contrary}");
    let mute = finished("accept", Wrong::Mute).await;
    assert_eq!((mute.unreported, mute.violation_count), (50, 50), "{mute}");
}

#[tokio::test]
async fn options_have_limits() {
    let bank = Bic::parse(BIC).unwrap();
    let options = CounterpartOptions::new(vec![bank]);
    options.validate().unwrap();
    assert!(CounterpartOptions { banks: Vec::new(), ..options.clone() }.validate().is_err());
    assert!(CounterpartOptions { banks: vec![bank, bank], ..options.clone() }.validate().is_err());
    for connections in [0, 17] {
        assert!(CounterpartOptions { connections, ..options.clone() }.validate().is_err());
    }
}

impl Node {
    fn payment(number: u64) -> String {
        format!("P-{number:03}")
    }

    fn question(number: u64, possible_repeat: bool) -> Event {
        Event::Question(v1::PaymentQuestion {
            payment_id: Self::payment(number),
            stage: v1::DecisionStage::Credit.into(),
            possible_repeat,
            ..Default::default()
        })
    }

    fn outcome(payment: &str, decision: v1::Decision) -> v1::PaymentOutcome {
        let status = match decision {
            v1::Decision::Accept => v1::PaymentStatus::Settled,
            v1::Decision::Reject | v1::Decision::Unspecified => v1::PaymentStatus::Rejected,
        };
        v1::PaymentOutcome { payment_id: payment.to_owned(), status: status.into(), ..Default::default() }
    }

    /// What a bank hears back.
    fn answered(&self, answer: &v1::PaymentAnswer) -> Option<Event> {
        let payment = answer.payment_id.as_str();
        let result = |effect: v1::AnswerEffect, outcome| {
            let payment_id = payment.to_owned();
            let (stage, effect) = (answer.stage, effect.into());
            Some(Event::AnswerResult(v1::AnswerResult { payment_id, stage, effect, outcome, sequence: 1 }))
        };
        if !(0..self.questions).any(|number| Self::payment(number) == payment) {
            return result(v1::AnswerEffect::PaymentUnknown, None);
        }
        if answer.stage() != v1::DecisionStage::Credit {
            return result(v1::AnswerEffect::NotAsked, None);
        }
        let mut decided = lock(&self.decided);
        let decision = if self.wrong == Wrong::Deaf { v1::Decision::Accept } else { answer.decision() };
        let first = decided.get(payment).copied();
        match first {
            Some(first) if self.wrong != Wrong::Fickle => {
                let same = first == decision;
                let effect = if same { v1::AnswerEffect::Double } else { v1::AnswerEffect::Contrary };
                return result(effect, Some(Self::outcome(payment, first)));
            }
            Some(_) | None => decided.insert(payment.to_owned(), decision),
        };
        let told = self.wrong != Wrong::Mute && decision == v1::Decision::Accept;
        told.then(|| {
            let outcome = Some(Self::outcome(payment, decision));
            let side = v1::PaymentSide::Creditor.into();
            Event::Report(v1::PaymentReport { outcome, side, possible_repeat: false })
        })
    }
}

type Answer<Message> = Result<Response<Message>, Status>;

#[tonic::async_trait]
impl ParticipantService for Node {
    type ConnectStream = ReceiverStream<Result<v1::ConnectResponse, Status>>;

    async fn connect(&self, request: Request<Streaming<v1::ConnectRequest>>) -> Answer<Self::ConnectStream> {
        let mut requests = request.into_inner();
        let first = requests.message().await?.and_then(|first| first.request);
        let Some(Said::Start(start)) = first else { return Err(Status::invalid_argument("no start")) };
        let (replies, receiver) = mpsc::channel(64);
        let node = self.clone();
        // A bank that goes on from somewhere was here before.
        let again = start.last_sequence.is_some();
        tokio::spawn(async move {
            let mut events =
                vec![Event::Started(v1::ConnectStarted { as_of_sequence: 1, ..Default::default() })];
            let open = |number: &u64| !lock(&node.decided).contains_key(&Self::payment(*number));
            events.extend((0..node.questions).filter(open).map(|number| Self::question(number, again)));
            loop {
                let wire = events.drain(..).map(|event| v1::ConnectEvent { event: Some(event) }).collect();
                let _ = replies.send(Ok(v1::ConnectResponse { events: wire })).await;
                let Ok(Some(v1::ConnectRequest { request: Some(Said::Answers(answers)) })) =
                    requests.message().await
                else {
                    return;
                };
                events.extend(answers.answers.iter().filter_map(|answer| node.answered(answer)));
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn register_participant(
        &self,
        _: Request<v1::RegisterParticipantRequest>,
    ) -> Answer<v1::RegisterParticipantResponse> {
        Err(Status::unimplemented("not part of these tests"))
    }

    async fn get_participant(
        &self,
        _: Request<v1::GetParticipantRequest>,
    ) -> Answer<v1::GetParticipantResponse> {
        Ok(Response::new(v1::GetParticipantResponse {
            participant: Some(v1::Participant::default()),
            as_of_sequence: 1,
        }))
    }

    async fn set_participant_status(
        &self,
        _: Request<v1::SetParticipantStatusRequest>,
    ) -> Answer<v1::SetParticipantStatusResponse> {
        Err(Status::unimplemented("not part of these tests"))
    }

    async fn set_decision_policy(
        &self,
        _: Request<v1::SetDecisionPolicyRequest>,
    ) -> Answer<v1::SetDecisionPolicyResponse> {
        Err(Status::unimplemented("not part of these tests"))
    }

    async fn set_reservation_limit(
        &self,
        _: Request<v1::SetReservationLimitRequest>,
    ) -> Answer<v1::SetReservationLimitResponse> {
        Err(Status::unimplemented("not part of these tests"))
    }
}
