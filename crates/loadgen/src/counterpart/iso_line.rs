//! A bank's connection in ISO 20022 documents, in the words of messages.
//!
//! A payment is named here by its key, `DEBTORAGENT/TRANSACTIONID`: a pacs.008 has no payment id.

use std::collections::{HashMap, VecDeque};

use client::convert::timestamp;
use client::{ClientError, Heard, IsoExchange, v1};
use iso20022::{
    Message, NOT_PROVIDED, Rules, Status, StatusReport, StatusRequest, read_message, write_pacs002,
    write_pacs028,
};
use types::{Bic, Date, Duration, PaymentOrder, ReasonCode, Text};

use crate::RunId;
use crate::clock::now;

/// Orders that can be answered or asked about; older ones are forgotten.
const ORDERS_MAX: usize = 1 << 16;

/// How long after its acceptance a payment is given up without an answer, by the scheme (7 s). A document does not say.
const EXPIRY: Duration = Duration::from_seconds(7);

/// What is told to a payee's bank whose answer did not come.
const TIMED_OUT: &str = "TM01";

/// What is told about a payment that is not there.
const UNKNOWN: &str = "AG09";

/// `Iso20022Service.Exchange`, in the words of messages.
#[derive(Debug)]
pub(super) struct IsoLine {
    bic: Bic,
    exchange: IsoExchange,
    orders: HashMap<String, PaymentOrder>,
    /// Their names, the oldest first.
    oldest: VecDeque<String>,
    /// What message ids of this connection begin with.
    prefix: String,
    messages: u64,
}

impl IsoLine {
    /// The connection of a bank with this number.
    pub(super) fn new(bic: Bic, number: usize, exchange: IsoExchange) -> Self {
        let nanoseconds = u64::try_from(now().nanoseconds()).expect("not before 1970");
        let prefix = format!("B{}-{number}-", RunId::from_time(nanoseconds));
        Self { bic, exchange, orders: HashMap::new(), oldest: VecDeque::new(), prefix, messages: 0 }
    }

    pub(super) async fn next(&mut self) -> Result<Vec<Heard>, ClientError> {
        let response = self.exchange.next().await?;
        Ok(vec![self.read(&response)])
    }

    pub(super) fn processed(&mut self, sequence: u64) {
        self.exchange.processed(sequence);
    }

    pub(super) fn disconnect(&mut self) {
        self.exchange.disconnect();
    }

    /// Sends answers as reports (pacs.002). A document can say nothing about debits, nor about a payment of which the bank
    /// has no order.
    pub(super) async fn answer(&mut self, answers: Vec<v1::PaymentAnswer>) -> bool {
        for answer in answers.iter().filter(|answer| answer.stage() == v1::DecisionStage::Credit) {
            let Some(order) = self.order(&answer.payment_id) else { continue };
            let status = match ReasonCode::parse(&answer.reason_code) {
                Ok(reason) if answer.decision() == v1::Decision::Reject => {
                    Status::Rejected { reason, originator: None, additional_information: None }
                }
                Ok(_) | Err(_) => Status::Accepted,
            };
            let report = StatusReport::on_order(&order, self.message_id(), now(), status);
            let report = StatusReport { instructing_agent: Some(self.bic), ..report };
            if !self.exchange.documents().send(write_pacs002(&report).into_bytes()).await {
                return false;
            }
        }
        true
    }

    /// Asks what became of payments (pacs.028).
    pub(super) async fn enquire(&mut self, payments: &[String]) {
        for payment in payments {
            let Some(order) = self.orders.get(payment).cloned() else { continue };
            let request = StatusRequest {
                message_id: self.message_id(),
                created_at: now(),
                instructing_agent: Some(self.bic),
                instructed_agent: None,
                original_message_id: order.message_id.clone().unwrap_or_else(not_provided),
                request_id: None,
                original_instruction_id: order.instruction_id.clone(),
                original_end_to_end_id: Some(order.end_to_end_id.clone()),
                original_transaction_id: order.transaction_id.clone(),
                original_uetr: order.uetr.clone(),
                acceptance_time: order.acceptance_time,
                category_purpose: order.category_purpose.clone(),
                debtor_agent: order.debtor_agent,
            };
            // What is lost with its connection is asked again before long.
            self.exchange.documents().send(write_pacs028(&request).into_bytes()).await;
        }
    }

    /// What a document says.
    fn read(&mut self, response: &v1::Iso20022ServiceExchangeResponse) -> Heard {
        let (sequence, possible_repeat) = (response.sequence, response.possible_repeat);
        if response.document.is_empty() {
            return Heard::Started(v1::ConnectStarted { as_of_sequence: sequence, ..Default::default() });
        }
        match read_message(&response.document, &rules()).map(|read| read.message) {
            Ok(Message::CreditTransfer(transfer)) => self.question(transfer.order, sequence, possible_repeat),
            Ok(Message::StatusReport(report)) => self.report(&report, sequence, possible_repeat),
            Ok(Message::RefusedTransfer(refused)) => unreadable(&format!("{refused:?}")),
            Ok(Message::StatusRequest(_)) => unreadable("a pacs.028, which banks are not asked"),
            Ok(Message::Rejection(rejection)) => unreadable(&format!("{rejection:?}")),
            Err(fault) => unreadable(&fault.to_string()),
        }
    }

    fn question(&mut self, order: PaymentOrder, sequence: u64, possible_repeat: bool) -> Heard {
        let payment_id = name(order.debtor_agent, &order.transaction_id);
        let answer_by = order.acceptance_time.map(|accepted| timestamp(accepted.plus(EXPIRY)));
        if self.orders.insert(payment_id.clone(), order).is_none() {
            self.oldest.push_back(payment_id.clone());
        }
        if self.oldest.len() > ORDERS_MAX
            && let Some(oldest) = self.oldest.pop_front()
        {
            self.orders.remove(&oldest);
        }
        let stage = v1::DecisionStage::Credit.into();
        Heard::Question(v1::PaymentQuestion {
            payment_id,
            stage,
            payment: None,
            answer_by,
            sequence,
            possible_repeat,
        })
    }

    fn report(&self, report: &StatusReport, sequence: u64, possible_repeat: bool) -> Heard {
        let (Some(debtor_agent), Some(transaction_id)) =
            (report.debtor_agent, &report.original_transaction_id)
        else {
            return unreadable("a report that names no payment");
        };
        let payment_id = name(debtor_agent, transaction_id);
        let (status, reason) = match &report.status {
            Status::Accepted => (v1::PaymentStatus::Settled, String::new()),
            Status::Rejected { reason, .. } if reason.as_str() == UNKNOWN => {
                let effect = v1::AnswerEffect::PaymentUnknown.into();
                let stage = v1::DecisionStage::Credit.into();
                return Heard::AnswerResult(v1::AnswerResult {
                    payment_id,
                    stage,
                    effect,
                    outcome: None,
                    sequence,
                });
            }
            Status::Rejected { reason, .. } if reason.as_str() == TIMED_OUT => {
                (v1::PaymentStatus::Expired, reason.to_string())
            }
            Status::Rejected { reason, .. } => (v1::PaymentStatus::Rejected, reason.to_string()),
        };
        let outcome = v1::PaymentOutcome {
            payment_id,
            status: status.into(),
            reason_code: reason,
            decided_sequence: sequence,
            ..Default::default()
        };
        let side = if debtor_agent == self.bic { v1::PaymentSide::Debtor } else { v1::PaymentSide::Creditor };
        Heard::Report(v1::PaymentReport { outcome: Some(outcome), side: side.into(), possible_repeat })
    }

    /// The order of this name. A name with a digit too many is of a payment that is not there, and gets an order like that
    /// of the payment that is.
    fn order(&self, payment: &str) -> Option<PaymentOrder> {
        if let Some(order) = self.orders.get(payment) {
            return Some(order.clone());
        }
        let order = self.orders.get(payment.strip_suffix('0')?)?.clone();
        let transaction_id = Text::parse_identifier(&format!("{}0", order.transaction_id.as_str())).ok()?;
        Some(PaymentOrder { transaction_id, ..order })
    }

    fn message_id(&mut self) -> Text<35> {
        self.messages += 1;
        Text::parse_identifier(&format!("{}{}", self.prefix, self.messages))
            .expect("letters, digits and dashes")
    }
}

fn name(debtor_agent: Bic, transaction_id: &Text<35>) -> String {
    format!("{debtor_agent}/{}", transaction_id.as_str())
}

fn not_provided() -> Text<35> {
    Text::parse(NOT_PROVIDED).expect("eleven letters")
}

/// The day's rules, and generous: a bank to test with takes whatever a node forwards.
fn rules() -> Rules {
    let today = now().date().days();
    Rules::pass_through([today - 1, today, today + 1].into_iter().filter_map(Date::from_days).collect())
}

/// A document that makes no sense to a bank. It counts as a report without an outcome, which no book takes.
fn unreadable(why: &str) -> Heard {
    tracing::warn!(why, "a document makes no sense");
    Heard::Report(v1::PaymentReport::default())
}

#[cfg(test)]
#[path = "iso_line_tests.rs"]
mod tests;
