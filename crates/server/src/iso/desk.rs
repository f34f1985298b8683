//! One document at a time: what it asks, done, and the document that answers it.

use std::sync::Arc;

use client::{Refusal, v1};
use engine::{Answer, Question};
use iso20022::{
    AnyMessage, BusinessMessage, CreditTransfer, Message, MessageKind, RefusedOrder, Rules, SchemaFault,
    StatusReport, Surplus, is_rejection, read_any_message, read_message,
};
use ledger::{About, BusinessDate, Outcome, RefusedBody, RefusedPayment};
use tonic::{Code, Status};
use types::{Bic, Channel, Date, PaymentOrder, ReasonCode, StatusReason, Timestamp};

use super::keep::{keep, received, sent};
use super::outgoing::{Dress, Outgoing, not_permitted, not_taken, unreadable};
use super::reports::{MessageOf, finish, message_id, payment_id, status};
use crate::admission::{Admission, Order, admit_refused};
use crate::caller::Caller;
use crate::mailbox::reserved;
use crate::node::{Node, Patience};
use crate::quota::Places;
use crate::refusals::{bank_not_yours, not_yet, unanswered};
use crate::values::{PaymentFacts, PaymentReferences, facts, payment_outcome};

/// Takes documents of one caller.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) node: Node,
    pub(super) caller: Caller,
    /// The bank that is connected, if one is.
    pub(super) bank: Option<Bic>,
    pub(super) told: Told,
}

/// Where the outcome of a payment is told that a document submits.
#[derive(Clone, Copy, Debug)]
pub(super) enum Told {
    /// In the answer.
    Here(Patience),
    /// Among the reports to the bank, apart from the repeat of an earlier answer.
    InItsTurn,
}

/// What answers a document.
#[derive(Debug, Default)]
pub(super) struct Reply {
    pub(super) document: Option<Outgoing>,
    pub(super) outcome: Option<v1::PaymentOutcome>,
}

impl From<Outgoing> for Reply {
    fn from(document: Outgoing) -> Self {
        Self { document: Some(document), outcome: None }
    }
}

/// A document that has been read.
pub(super) struct Incoming<'document> {
    pub(super) document: &'document [u8],
    pub(super) kind: MessageKind,
    /// Whom its header or its group header names as the sender.
    pub(super) sender: Option<Bic>,
    pub(super) dress: Dress,
}

impl Desk {
    /// Does what a document asks.
    pub(super) async fn take(&self, document: &[u8]) -> Result<Reply, Status> {
        let signature = self.node.limits.iso.bic;
        let dates = settlement_dates(self.node.handle.now());
        let rules = Rules { profile: self.node.limits.iso.profile, ..Rules::sct_inst_2025(dates) };
        let message = match self.read(document, &rules).await? {
            Ok(message) => message,
            Err(_) if is_rejection(document) => {
                tracing::warn!("a bank rejected a document, and its rejection can't be read");
                return Ok(Reply::default());
            }
            Err(fault) => return self.beside_payments(document, &rules, fault).await,
        };
        let dress = Dress::answering(&message, signature);
        let is_rejection = matches!(message.message, Message::Rejection(_));
        match self.message(document, message, dress).await {
            Err(status) if is_rejection => {
                tracing::warn!(code = ?status.code(), "a rejection of a document could not be taken");
                Ok(Reply::default())
            }
            done => self.done(document, done, dress),
        }
    }

    /// Reads a message about the decision on a payment. If nothing but the business date lets its settlement date stand,
    /// that does.
    async fn read(
        &self,
        document: &[u8],
        rules: &Rules,
    ) -> Result<Result<BusinessMessage, SchemaFault>, Status> {
        let read = read_message(document, rules);
        let Ok(BusinessMessage { message: Message::RefusedTransfer(refused), .. }) = &read else {
            return Ok(read);
        };
        if refused.path != SETTLEMENT_DATE {
            return Ok(read);
        }
        let dates = self.settlement_dates().await?;
        let rules = Rules { profile: rules.profile, ..Rules::sct_inst_2025(dates) };
        Ok(read_message(document, &rules))
    }

    /// The dates that a settlement may bear at this moment: the day, and the business date if one was set.
    pub(super) async fn settlement_dates(&self) -> Result<Vec<Date>, Status> {
        let business_date = self.business_date().await?;
        let now = self.node.handle.now();
        let mut dates = settlement_dates(now);
        if let Some(business_date) = business_date {
            let both = [Some(business_date.date()), business_date.before()].into_iter().flatten();
            dates.extend(both.filter(|date| business_date.accepts(*date, now)));
        }
        Ok(dates)
    }

    /// The business date, if one was set.
    pub(super) async fn business_date(&self) -> Result<Option<BusinessDate>, Status> {
        let answered = self.node.ask(Question::Calendar).await?;
        let Answer::Calendar(calendar) = answered.answer else { return Err(unanswered()) };
        Ok(calendar.business_date)
    }

    /// A document that is about no decision on a payment: what it asks, done, or why it is not taken.
    async fn beside_payments(
        &self,
        document: &[u8],
        rules: &Rules,
        fault: SchemaFault,
    ) -> Result<Reply, Status> {
        let (now, signature) = (self.node.handle.now(), self.node.limits.iso.bic);
        let unreadable = |fault| unreadable(document, &fault, now, Dress::rejecting(document, signature));
        let (wrapper, header, message) = match read_any_message(document, rules) {
            Ok(BusinessMessage { wrapper, header, message }) => (wrapper, header, message),
            Err(fault) => return Ok(unreadable(fault).into()),
        };
        let dress = Dress::back(wrapper, header.as_ref(), signature);
        let from = header.and_then(|header| header.from);
        if from.is_some_and(|from| !self.caller.may_act_for(from)) {
            return self.done(document, Err(bank_not_yours().into_status()), dress);
        }
        let incoming = |kind, agent: Option<Bic>| {
            let sender = self.bank.or(from).or(agent);
            Incoming { document, kind, sender, dress }
        };
        let done = match &message {
            AnyMessage::LiquidityTransfer(transfer) => {
                self.move_liquidity(&incoming(MessageKind::LiquidityTransfer, None), transfer).await
            }
            AnyMessage::Recall(recall) => {
                self.recall(&incoming(MessageKind::Recall, Some(recall.details.debtor_agent)), recall).await
            }
            AnyMessage::Return(given) => {
                self.payment_return(&incoming(MessageKind::Return, given.instructing_agent), given).await
            }
            AnyMessage::NegativeAnswer(answer) => {
                let incoming = incoming(MessageKind::NegativeAnswer, answer.assignment.assigner);
                self.negative_answer(&incoming, answer).await
            }
            AnyMessage::RecallStatusRequest(request) => {
                let incoming = incoming(MessageKind::StatusRequest, request.instructing_agent);
                self.recall_enquiry(&incoming, request).await
            }
            // No message about a payment, and none that is taken here.
            AnyMessage::Payment(_)
            | AnyMessage::ReportOn(..)
            | AnyMessage::Receipt(_)
            | AnyMessage::BalanceAlert(_) => return Ok(unreadable(fault).into()),
        };
        self.done(document, done, dress)
    }

    /// What was done, or that the document was not taken.
    fn done(&self, document: &[u8], done: Result<Reply, Status>, dress: Dress) -> Result<Reply, Status> {
        let now = self.node.handle.now();
        match done {
            Err(status) if status.code() == Code::PermissionDenied && self.bank.is_some() => {
                Ok(not_permitted(document, &status, now, dress).into())
            }
            Err(status) => Ok(not_taken(document, status, now, dress)?.into()),
            done => done,
        }
    }

    async fn message(
        &self,
        document: &[u8],
        message: BusinessMessage,
        dress: Dress,
    ) -> Result<Reply, Status> {
        let from = message.header.and_then(|header| header.from);
        if from.is_some_and(|from| !self.caller.may_act_for(from)) {
            return Err(bank_not_yours().into_status());
        }
        let incoming = |kind, agent: Option<Bic>| {
            let sender = self.bank.or(from).or(agent);
            Incoming { document, kind, sender, dress }
        };
        match message.message {
            Message::CreditTransfer(transfer) => {
                let sender = transfer.order.instructing_agent.or(Some(transfer.order.debtor_agent));
                let incoming = incoming(MessageKind::CreditTransfer, sender);
                let CreditTransfer { order, surplus } = *transfer;
                self.transfer(&incoming, Arc::new(order), surplus).await
            }
            Message::RefusedTransfer(refused) => {
                let incoming = incoming(MessageKind::CreditTransfer, Some(refused.debtor_agent));
                self.refused(&incoming, *refused).await
            }
            Message::StatusReport(report) => {
                self.answer(&incoming(MessageKind::StatusReport, report.instructing_agent), &report).await
            }
            Message::StatusRequest(request) => {
                let incoming = incoming(MessageKind::StatusRequest, request.instructing_agent);
                self.enquiry(&incoming, &request).await
            }
            Message::Rejection(rejection) => {
                self.rejection(&incoming(MessageKind::Rejection, None), &rejection).await?;
                Ok(Reply::default())
            }
        }
    }

    /// A payment.
    async fn transfer(
        &self,
        incoming: &Incoming<'_>,
        order: Arc<PaymentOrder>,
        surplus: Option<Surplus>,
    ) -> Result<Reply, Status> {
        let mut places = Places::default();
        let mut commands = self.node.handle.commands(self.caller.principal);
        {
            let mut admission = Admission::new(&self.node, &self.caller);
            let mut candidate = admission.prepare(Order::Full(Arc::clone(&order)));
            admission.admit(&mut candidate, &mut places).map_err(Refusal::into_status)?;
            let surplus = surplus.as_ref().map(Surplus::body);
            candidate.write_document(&mut commands, &order, surplus, self.node.handle.now());
        }
        commands.evidence(&incoming.kept(About::RecordBefore));
        let patience = self.patience();
        let progress = self.node.submit_payment(commands, places, patience.to_the_end())?;
        let outcome = self.node.in_the_end(progress, patience).await?;
        let report = |id, created_at, status| StatusReport::on_order(&order, id, created_at, status);
        self.decided(incoming, &outcome, order.debtor_agent, order.transaction_id.as_str(), None, report)
    }

    /// A document that breaks a rule of the scheme is a payment that is refused, logged and remembered.
    async fn refused(&self, incoming: &Incoming<'_>, mut refused: RefusedOrder) -> Result<Reply, Status> {
        let body = match (refused.order.take(), refused.surplus.take()) {
            (Some(order), Some(surplus)) => RefusedBody::OrderWithSurplus(order, surplus.body().to_vec()),
            (Some(order), None) => RefusedBody::Order(order),
            (None, _) => RefusedBody::Parts(std::mem::take(&mut refused.body)),
        };
        let command = RefusedPayment {
            debtor_agent: refused.debtor_agent,
            creditor_agent: refused.creditor_agent,
            transaction_id: refused.transaction_id.clone(),
            acceptance_time: refused.acceptance_time,
            reason: refused.reason.code(),
            path: refused.path.clone().into_boxed_str(),
            body,
            channel: Channel::Iso20022,
            not_entitled: !self.caller.may_act_for(refused.debtor_agent),
        };
        let outcome = self.submit_refused(incoming, &command).await?;
        let report = |id, created_at, status| {
            let report = StatusReport::on_refusal(&refused, id, created_at, None);
            // The log may know better than the reader: an unknown bank, a changed body, or an earlier answer.
            StatusReport { status, ..report }
        };
        let (bank, id, path) = (refused.debtor_agent, refused.transaction_id.as_str(), Some(&*refused.path));
        self.decided(incoming, &outcome, bank, id, path, report)
    }

    async fn submit_refused(
        &self,
        incoming: &Incoming<'_>,
        command: &RefusedPayment,
    ) -> Result<Outcome, Status> {
        let places = admit_refused(&self.node, &self.caller, command.debtor_agent);
        let places = places.map_err(Refusal::into_status)?;
        let mut commands = self.node.handle.commands(self.caller.principal);
        commands.refused_payment(command);
        commands.evidence(&incoming.kept(About::RecordBefore));
        let patience = self.patience();
        // What repeats an open payment waits for it, refused or not.
        let progress = self.node.submit_payment(commands, places, patience.to_the_end())?;
        self.node.in_the_end(progress, patience).await
    }

    const fn patience(&self) -> Patience {
        match self.told {
            Told::Here(patience) => patience,
            Told::InItsTurn => Patience::Logged,
        }
    }

    /// The answer to a payment of the caller's.
    fn decided(
        &self,
        incoming: &Incoming<'_>,
        outcome: &Outcome,
        debtor_agent: Bic,
        transaction_id: &str,
        path: Option<&str>,
        report: impl Fn(types::Text<35>, Timestamp, iso20022::Status) -> StatusReport,
    ) -> Result<Reply, Status> {
        let handle = &self.node.handle;
        let is_open = reserved(outcome).is_some();
        let facts: PaymentFacts = facts(outcome);
        // A stranger's attempt is no report of the bank's, so the reports do not tell it.
        let is_told_elsewhere = !facts.repeat && facts.reason != Some(NOT_ENTITLED);
        match self.told {
            Told::InItsTurn if is_open || is_told_elsewhere => return Ok(Reply::default()),
            Told::Here(_) if is_open => return Err(not_yet()),
            Told::InItsTurn | Told::Here(_) => {}
        }
        let id = message_id(handle, facts.sequence, MessageOf::DebtorReport);
        let mut report = report(id, facts.decided_time, status(facts.state, facts.reason, path));
        report.acceptance_time = report.acceptance_time.or(facts.acceptance_time);
        report.instructed_agent = Some(debtor_agent);
        report.status_id = Some(payment_id(handle, facts.sequence));
        let document = finish(&report, incoming.dress, false);
        keep(&self.node, &self.caller, &[sent(&document, About::Payment(facts.sequence), incoming.sender)]);
        let references = PaymentReferences {
            transaction_id: transaction_id.to_owned(),
            debtor_agent: debtor_agent.to_string(),
        };
        let outcome = Some(payment_outcome(handle, references, &facts));
        Ok(Reply { document: Some(document), outcome })
    }
}

const NOT_ENTITLED: ReasonCode = StatusReason::SenderNotEntitled.code();

impl Incoming<'_> {
    /// The document as it is kept.
    pub(super) fn kept(&self, about: About) -> ledger::Evidence {
        received(self.document, self.kind, about, self.sender)
    }
}

/// The path of the fault where a payment's settlement date is not current.
const SETTLEMENT_DATE: &str = "GrpHdr/IntrBkSttlmDt";

/// The calendar day at this moment, in UTC and in the zone of TARGET, which is one or two hours ahead; and the
/// day on which a payment that is still in time may have been sent.
pub(super) fn settlement_dates(now: Timestamp) -> Vec<Date> {
    let sent = now.minus(types::Duration::from_seconds(10));
    let ahead = now.plus(types::Duration::from_seconds(2 * 3600));
    let mut dates = vec![sent.date(), now.date(), ahead.date()];
    dates.dedup();
    dates
}
