//! Any message that a bank may send: which one it is, its header, and what it says.

use types::PaymentOrder;

use crate::fault::{SchemaFault, Violation};
use crate::header::Header;
use crate::pacs008::Surplus;
use crate::schema::Group;
use crate::walk::Walker;
use crate::wrapper::{self, Opened, Wrapper};
use crate::{
    ADMI002_NAMESPACE, BalanceAlert, CAMT004_NAMESPACE, CAMT025_NAMESPACE, CAMT029_NAMESPACE,
    CAMT050_NAMESPACE, CAMT056_NAMESPACE, LiquidityTransfer, NegativeAnswer, PACS002_NAMESPACE,
    PACS004_NAMESPACE, PACS008_NAMESPACE, PACS028_NAMESPACE, Pacs008, PaymentReturn, Recall,
    RecallStatusRequest, Receipt, ReceivedRejection, RefusedOrder, ReportedMessage, Rules, StatusReport,
    StatusRequest, admi002_read, camt004, camt004_schema, camt025, camt025_schema, camt029_read,
    camt029_schema, camt050, camt050_schema, camt056_read, camt056_schema, pacs002_read, pacs002_schema,
    pacs004_read, pacs004_schema, pacs008_read, pacs008_schema, pacs028_read, pacs028_recall, pacs028_schema,
};

/// The messages of this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// pacs.008.001.08.
    CreditTransfer,
    /// pacs.002.001.10.
    StatusReport,
    /// pacs.028.001.03, about a payment or about recalls.
    StatusRequest,
    /// camt.056.001.08.
    Recall,
    /// pacs.004.001.09.
    Return,
    /// camt.029.001.09.
    NegativeAnswer,
    /// camt.050.001.05.
    LiquidityTransfer,
    /// camt.025.001.05.
    Receipt,
    /// camt.004.001.08.
    BalanceAlert,
    /// admi.002.001.01.
    Rejection,
}

impl MessageKind {
    /// Every message.
    pub const ALL: [Self; 10] = [
        Self::CreditTransfer,
        Self::StatusReport,
        Self::StatusRequest,
        Self::Recall,
        Self::Return,
        Self::NegativeAnswer,
        Self::LiquidityTransfer,
        Self::Receipt,
        Self::BalanceAlert,
        Self::Rejection,
    ];

    /// The message's name with its version, such as `pacs.008.001.08`.
    pub fn name(self) -> &'static str {
        self.namespace().rsplit(':').next().expect("a split has at least one part")
    }

    /// The namespace of its elements.
    pub const fn namespace(self) -> &'static str {
        match self {
            Self::CreditTransfer => PACS008_NAMESPACE,
            Self::StatusReport => PACS002_NAMESPACE,
            Self::StatusRequest => PACS028_NAMESPACE,
            Self::Recall => CAMT056_NAMESPACE,
            Self::Return => PACS004_NAMESPACE,
            Self::NegativeAnswer => CAMT029_NAMESPACE,
            Self::LiquidityTransfer => CAMT050_NAMESPACE,
            Self::Receipt => CAMT025_NAMESPACE,
            Self::BalanceAlert => CAMT004_NAMESPACE,
            Self::Rejection => ADMI002_NAMESPACE,
        }
    }

    pub(crate) fn of_namespace(namespace: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.namespace() == namespace)
    }

    pub(crate) fn table(self) -> &'static Group {
        match self {
            Self::CreditTransfer => &pacs008_schema::DOCUMENT,
            Self::StatusReport => &pacs002_schema::DOCUMENT,
            Self::StatusRequest => &pacs028_schema::DOCUMENT,
            Self::Recall => &camt056_schema::DOCUMENT,
            Self::Return => &pacs004_schema::DOCUMENT,
            Self::NegativeAnswer => &camt029_schema::DOCUMENT,
            Self::LiquidityTransfer => &camt050_schema::DOCUMENT,
            Self::Receipt => &camt025_schema::DOCUMENT,
            Self::BalanceAlert => &camt004_schema::DOCUMENT,
            Self::Rejection => &admi002_read::DOCUMENT,
        }
    }
}

/// A message as it came, with what stood around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusinessMessage<Content = Message> {
    /// What held header and document together; an answer is best written in the same dress.
    pub wrapper: Wrapper,
    /// The business application header, if there was one.
    pub header: Option<Header>,
    /// The message itself.
    pub message: Content,
}

/// What any message of this crate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnyMessage {
    /// A payment, or what is said while it is decided.
    Payment(Message),
    /// A pacs.002 about another message than a credit transfer.
    ReportOn(ReportedMessage, Box<StatusReport>),
    /// A camt.056.
    Recall(Box<Recall>),
    /// A pacs.028 about recalls.
    RecallStatusRequest(Box<RecallStatusRequest>),
    /// A pacs.004.
    Return(Box<PaymentReturn>),
    /// A camt.029.
    NegativeAnswer(Box<NegativeAnswer>),
    /// A camt.050.
    LiquidityTransfer(Box<LiquidityTransfer>),
    /// A camt.025.
    Receipt(Box<Receipt>),
    /// A camt.004.
    BalanceAlert(Box<BalanceAlert>),
}

/// What a message says while a payment is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A pacs.008 that keeps the rules.
    CreditTransfer(Box<CreditTransfer>),
    /// A pacs.008 that breaks a rule, with a key under which its refusal can be remembered.
    RefusedTransfer(Box<RefusedOrder>),
    /// A pacs.002.
    StatusReport(Box<StatusReport>),
    /// A pacs.028.
    StatusRequest(Box<StatusRequest>),
    /// An admi.002. It is never answered.
    Rejection(Box<ReceivedRejection>),
}

/// A credit transfer that keeps the rules of its profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditTransfer {
    /// The order.
    pub order: PaymentOrder,
    /// What the order has no place for. Only profile `pass-through` lets such a document through: then it is
    /// forwarded by [`forward_pacs008`](crate::forward_pacs008), and this belongs to the body over which
    /// duplicates are compared.
    pub surplus: Option<Surplus>,
}

/// Reads whatever message about the decision on a payment a document holds.
///
/// # Errors
/// A [`SchemaFault`] if it is none of these messages, does not follow its schema, or lacks what an answer or a look-up
/// needs.
pub fn read_message(document: &[u8], rules: &Rules) -> Result<BusinessMessage, SchemaFault> {
    let mut walker = Walker::new(document)?;
    let opened = wrapper::open(&mut walker)?;
    let (wrapper, header) = (opened.wrapper, opened.header.clone());
    let message = read_payment(walker, opened, document, rules)?;
    Ok(BusinessMessage { wrapper, header, message })
}

/// Reads whatever message of this crate a document holds.
///
/// # Errors
/// A [`SchemaFault`] if it is none of them, does not follow its schema, or lacks what an answer or a look-up needs.
pub fn read_any_message(document: &[u8], rules: &Rules) -> Result<BusinessMessage<AnyMessage>, SchemaFault> {
    let mut walker = Walker::new(document)?;
    let opened = wrapper::open(&mut walker)?;
    let (wrapper, header, kind) = (opened.wrapper, opened.header.clone(), opened.kind);
    let children = opened.children;
    let (walker, message) = match kind {
        MessageKind::StatusReport => {
            let (walker, (about, report)) = pacs002_read::read_on(walker, children)?;
            let report = Box::new(report);
            (
                walker,
                match about {
                    ReportedMessage::CreditTransfer => AnyMessage::Payment(Message::StatusReport(report)),
                    ReportedMessage::Return | ReportedMessage::Recall | ReportedMessage::NegativeAnswer => {
                        AnyMessage::ReportOn(about, report)
                    }
                },
            )
        }
        MessageKind::CreditTransfer | MessageKind::Rejection => {
            let opened = Opened { wrapper, header: None, kind, children };
            let message = AnyMessage::Payment(read_payment(walker, opened, document, rules)?);
            return Ok(BusinessMessage { wrapper, header, message });
        }
        MessageKind::StatusRequest => {
            let message = read_status_request(document)?;
            return Ok(BusinessMessage { wrapper, header, message });
        }
        MessageKind::Recall => boxed(camt056_read::read(walker, children)?, AnyMessage::Recall),
        MessageKind::Return => boxed(pacs004_read::read(walker, children)?, AnyMessage::Return),
        MessageKind::NegativeAnswer => {
            boxed(camt029_read::read(walker, children)?, AnyMessage::NegativeAnswer)
        }
        MessageKind::LiquidityTransfer => {
            boxed(camt050::read(walker, children)?, AnyMessage::LiquidityTransfer)
        }
        MessageKind::Receipt => boxed(camt025::read(walker, children)?, AnyMessage::Receipt),
        MessageKind::BalanceAlert => boxed(camt004::read(walker, children)?, AnyMessage::BalanceAlert),
    };
    wrapper::close(walker, wrapper)?;
    Ok(BusinessMessage { wrapper, header, message })
}

fn boxed<'document, Content>(
    (walker, content): (Walker<'document>, Content),
    message: fn(Box<Content>) -> AnyMessage,
) -> (Walker<'document>, AnyMessage) {
    (walker, message(Box::new(content)))
}

/// An enquiry about a payment, or about recalls. Which of them shows only inside, so that the rarer is read twice.
fn read_status_request(document: &[u8]) -> Result<AnyMessage, SchemaFault> {
    match pacs028_read::read_pacs028(document) {
        Ok(request) => Ok(AnyMessage::Payment(Message::StatusRequest(Box::new(request)))),
        Err(fault) if fault.what == Violation::WrongMessage => {
            let request = pacs028_recall::read_pacs028_on_recall(document)?;
            Ok(AnyMessage::RecallStatusRequest(Box::new(request)))
        }
        Err(fault) => Err(fault),
    }
}

fn read_payment(
    walker: Walker<'_>,
    opened: Opened,
    document: &[u8],
    rules: &Rules,
) -> Result<Message, SchemaFault> {
    let (walker, message) = match opened.kind {
        MessageKind::CreditTransfer => {
            let (walker, read) = pacs008_read::read(walker, opened.children, rules)?;
            wrapper::close(walker, opened.wrapper)?;
            return Ok(match read.conclude(rules, document)? {
                (Pacs008::Order(order), surplus) => {
                    Message::CreditTransfer(Box::new(CreditTransfer { order: *order, surplus }))
                }
                (Pacs008::Refused(refused), _) => Message::RefusedTransfer(refused),
            });
        }
        MessageKind::StatusReport => {
            let (walker, report) = pacs002_read::read(walker, opened.children)?;
            (walker, Message::StatusReport(Box::new(report)))
        }
        MessageKind::StatusRequest => {
            let (walker, request) = pacs028_read::read(walker, opened.children)?;
            (walker, Message::StatusRequest(Box::new(request)))
        }
        MessageKind::Rejection => {
            let (walker, rejection) = admi002_read::read(walker, opened.children)?;
            (walker, Message::Rejection(Box::new(rejection)))
        }
        MessageKind::Recall
        | MessageKind::Return
        | MessageKind::NegativeAnswer
        | MessageKind::LiquidityTransfer
        | MessageKind::Receipt
        | MessageKind::BalanceAlert => {
            return Err(SchemaFault { path: String::new(), ..walker.fault(Violation::WrongMessage) });
        }
    };
    wrapper::close(walker, opened.wrapper)?;
    Ok(message)
}

/// Opens a document that has to be of one kind.
pub(crate) fn open_kind<'document>(
    document: &'document [u8],
    kind: MessageKind,
) -> Result<(Walker<'document>, wrapper::Opened), SchemaFault> {
    let mut walker = Walker::new(document)?;
    let opened = wrapper::open(&mut walker)?;
    match opened.kind == kind {
        true => Ok((walker, opened)),
        false => Err(SchemaFault { path: String::new(), ..walker.fault(Violation::WrongMessage) }),
    }
}
