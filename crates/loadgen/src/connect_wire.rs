//! A bank's connection, read and written no further than a load run needs.
//!
//! The banks of a run share their machine with the node, so they must cost little: of a question they read which one it
//! is, and pass over the payment. Tests compare both directions with the generated code.

use client::{ResumableCall, v1};
use prost::Message;
use prost::bytes::Bytes;

use crate::wire::OutcomeReply;

/// What a bank says: the fields of the `oneof` of a `ConnectRequest`, of which there is one.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Said {
    #[prost(message, optional, tag = "1")]
    pub(crate) start: Option<v1::ConnectStart>,
    #[prost(message, optional, tag = "2")]
    pub(crate) answers: Option<Answers>,
}

/// A `PaymentAnswers`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Answers {
    #[prost(message, repeated, tag = "1")]
    pub(crate) answers: Vec<Answer>,
}

/// A `PaymentAnswer` without a reason.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Answer {
    /// A text, which is passed back as it came.
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) payment_id: Bytes,
    #[prost(enumeration = "v1::DecisionStage", tag = "2")]
    pub(crate) stage: i32,
    #[prost(enumeration = "v1::Decision", tag = "3")]
    pub(crate) decision: i32,
}

/// A `ConnectResponse`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Heard {
    #[prost(message, repeated, tag = "1")]
    pub(crate) events: Vec<Event>,
}

/// The fields of the `oneof` of a `ConnectEvent`, of which there is one.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Event {
    #[prost(message, optional, tag = "1")]
    pub(crate) started: Option<v1::ConnectStarted>,
    #[prost(message, optional, tag = "2")]
    pub(crate) question: Option<Question>,
    #[prost(message, optional, tag = "3")]
    pub(crate) report: Option<Report>,
    #[prost(message, optional, tag = "4")]
    pub(crate) answer_result: Option<AnswerResult>,
}

/// What is read of a `PaymentQuestion`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Question {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) payment_id: Bytes,
    #[prost(enumeration = "v1::DecisionStage", tag = "2")]
    pub(crate) stage: i32,
}

/// What is read of a `PaymentReport`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Report {
    #[prost(message, optional, tag = "1")]
    pub(crate) outcome: Option<Outcome>,
    #[prost(bool, tag = "3")]
    pub(crate) possible_repeat: bool,
}

/// What is read of the `PaymentOutcome` of a report.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct Outcome {
    #[prost(enumeration = "v1::PaymentStatus", tag = "2")]
    pub(crate) status: i32,
    #[prost(uint64, tag = "9")]
    pub(crate) decided_sequence: u64,
}

/// What is read of an `AnswerResult`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct AnswerResult {
    #[prost(enumeration = "v1::AnswerEffect", tag = "3")]
    pub(crate) effect: i32,
    #[prost(message, optional, tag = "4")]
    pub(crate) outcome: Option<OutcomeReply>,
}

impl Question {
    /// The answer that the payment may go on.
    pub(crate) fn accept(self) -> Answer {
        let Self { payment_id, stage } = self;
        Answer { payment_id, stage, decision: v1::Decision::Accept.into() }
    }
}

/// `ParticipantService.Connect`, as a bank of a load run calls it.
#[derive(Debug)]
pub(crate) struct LeanConnect {
    pub(crate) bic: &'static str,
}

impl ResumableCall for LeanConnect {
    type Request = Said;
    type Response = Heard;

    const PATH: &'static str = "/solvo.v1.ParticipantService/Connect";
    const TALKS: bool = true;

    fn start(&self, position: Option<u64>, incarnation: Option<u64>) -> Said {
        let bic = self.bic.to_owned();
        let start = v1::ConnectStart { bic, last_sequence: position, incarnation, questions_only: false };
        Said { start: Some(start), answers: None }
    }

    fn incarnation(&self, heard: &Heard) -> Option<u64> {
        heard.events.iter().find_map(|event| event.started.as_ref()?.incarnation)
    }

    fn position_after(&self, position: Option<u64>, heard: &Heard) -> Option<u64> {
        let decided = |event: &Event| match event {
            Event { started: Some(started), .. } if position.is_none() => Some(started.as_of_sequence),
            Event { report: Some(Report { outcome: Some(outcome), .. }), .. } => {
                Some(outcome.decided_sequence)
            }
            Event { .. } => None,
        };
        // Whatever came is counted at once, so it has been processed.
        heard.events.iter().filter_map(decided).max().max(position)
    }
}

#[cfg(test)]
mod tests {
    use client::v1::connect_event::Event as Wire;

    use super::*;

    fn event(event: Wire) -> v1::ConnectEvent {
        v1::ConnectEvent { event: Some(event) }
    }

    #[test]
    fn events_are_read_as_the_generated_code_writes_them() {
        let question = v1::PaymentQuestion {
            payment_id: "P-1".to_owned(),
            stage: v1::DecisionStage::Credit.into(),
            payment: Some(v1::Payment { transaction_id: "T-1".to_owned(), ..Default::default() }),
            sequence: 7,
            ..Default::default()
        };
        let outcome = v1::PaymentOutcome {
            payment_id: "P-1".to_owned(),
            status: v1::PaymentStatus::Settled.into(),
            decided_sequence: 9,
            ..Default::default()
        };
        let report =
            v1::PaymentReport { outcome: Some(outcome.clone()), possible_repeat: true, ..Default::default() };
        let effect = v1::AnswerEffect::Double;
        let result = v1::AnswerResult { effect: effect.into(), outcome: Some(outcome), ..Default::default() };
        let events = vec![
            event(Wire::Started(v1::ConnectStarted { as_of_sequence: 5, ..Default::default() })),
            event(Wire::Question(question)),
            event(Wire::Report(report)),
            event(Wire::AnswerResult(result)),
        ];
        let heard = Heard::decode(v1::ConnectResponse { events }.encode_to_vec().as_slice()).unwrap();
        assert_eq!(heard.events[0].started.as_ref().unwrap().as_of_sequence, 5);
        assert_eq!(heard.events[1].question.as_ref().unwrap().payment_id, "P-1");
        let report = heard.events[2].report.as_ref().unwrap();
        assert_eq!(report.outcome.unwrap().status(), v1::PaymentStatus::Settled);
        assert!(report.possible_repeat);
        assert_eq!(heard.events[3].answer_result.as_ref().unwrap().effect(), effect);
        let call = LeanConnect { bic: "LOADATWW001" };
        assert_eq!(call.position_after(None, &heard), Some(9));
        assert_eq!(call.position_after(Some(12), &heard), Some(12));
        let standing = Heard { events: heard.events[..1].to_vec() };
        assert_eq!(call.position_after(None, &standing), Some(5));
        assert_eq!(
            call.position_after(Some(3), &standing),
            Some(3),
            "outcomes between them are still to come"
        );
    }

    #[test]
    fn answers_are_what_the_generated_code_writes() {
        let stage = v1::DecisionStage::Credit.into();
        let question = Question { payment_id: Bytes::from_static(b"P-1"), stage };
        let said = Said { answers: Some(Answers { answers: vec![question.accept()] }), start: None };
        let answer = v1::PaymentAnswer {
            payment_id: "P-1".to_owned(),
            stage,
            decision: v1::Decision::Accept.into(),
            reason_code: String::new(),
        };
        let answers = v1::connect_request::Request::Answers(v1::PaymentAnswers { answers: vec![answer] });
        let expected = v1::ConnectRequest { request: Some(answers) };
        assert_eq!(said.encode_to_vec(), expected.encode_to_vec());
        let start = LeanConnect { bic: "LOADATWW001" }.start(Some(4), Some(7));
        let read = v1::ConnectRequest::decode(start.encode_to_vec().as_slice()).unwrap();
        let Some(v1::connect_request::Request::Start(start)) = read.request else { panic!("{read:?}") };
        assert_eq!((start.bic.as_str(), start.last_sequence), ("LOADATWW001", Some(4)));
        assert_eq!(start.incarnation, Some(7));
    }
}
