//! Any message that a bank may send: which one it is, its header, and what it says.

use types::PaymentOrder;

use crate::fault::{SchemaFault, Violation};
use crate::header::Header;
use crate::pacs008::Surplus;
use crate::schema::Group;
use crate::walk::Walker;
use crate::wrapper::{self, Wrapper};
use crate::{
    ADMI002_NAMESPACE, PACS002_NAMESPACE, PACS008_NAMESPACE, PACS028_NAMESPACE, Pacs008, ReceivedRejection,
    RefusedOrder, Rules, StatusReport, StatusRequest, admi002_read, pacs002_read, pacs002_schema,
    pacs008_read, pacs008_schema, pacs028_read, pacs028_schema,
};

/// The messages of this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// pacs.008.001.08.
    CreditTransfer,
    /// pacs.002.001.10.
    StatusReport,
    /// pacs.028.001.03.
    StatusRequest,
    /// admi.002.001.01.
    Rejection,
}

impl MessageKind {
    /// Every message.
    pub const ALL: [Self; 4] =
        [Self::CreditTransfer, Self::StatusReport, Self::StatusRequest, Self::Rejection];

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
            Self::Rejection => &admi002_read::DOCUMENT,
        }
    }
}

/// A message as it came, with what stood around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusinessMessage {
    /// What held header and document together; an answer is best written in the same dress.
    pub wrapper: Wrapper,
    /// The business application header, if there was one.
    pub header: Option<Header>,
    /// The message itself.
    pub message: Message,
}

/// What a message says.
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

/// Reads whatever message a document holds.
///
/// # Errors
/// A [`SchemaFault`] if it is none of this crate's messages, does not follow its schema, or lacks what an answer
/// or a look-up needs.
pub fn read_message(document: &[u8], rules: &Rules) -> Result<BusinessMessage, SchemaFault> {
    let mut walker = Walker::new(document)?;
    let opened = wrapper::open(&mut walker)?;
    let (wrapper, header) = (opened.wrapper, opened.header);
    let (walker, message) = match opened.kind {
        MessageKind::CreditTransfer => {
            let (walker, read) = pacs008_read::read(walker, opened.children, rules)?;
            wrapper::close(walker, wrapper)?;
            let message = match read.conclude(rules, document)? {
                (Pacs008::Order(order), surplus) => {
                    Message::CreditTransfer(Box::new(CreditTransfer { order: *order, surplus }))
                }
                (Pacs008::Refused(refused), _) => Message::RefusedTransfer(refused),
            };
            return Ok(BusinessMessage { wrapper, header, message });
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
    };
    wrapper::close(walker, wrapper)?;
    Ok(BusinessMessage { wrapper, header, message })
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
