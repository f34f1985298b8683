//! Documents that leave: their dress, and the rejections of those that were not taken.

use client::Refusal;
use client::v1::ErrorReason;
use iso20022::{
    BusinessMessage, Header, MessageKind, Rejection, SchemaFault, Wrapper, header_of, wrap, write_admi002,
};
use tonic::{Code, Status};
use types::{Bic, Text, Timestamp};

/// A document that leaves.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) kind: MessageKind,
    pub(super) bytes: Vec<u8>,
}

/// What stands around the documents to somebody.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dress {
    wrapper: Wrapper,
    ends: Option<Ends>,
}

/// Who a header says that a document is from and to.
#[derive(Clone, Copy, Debug)]
struct Ends {
    from: Bic,
    to: Bic,
}

impl Dress {
    /// No header.
    pub(super) const BARE: Self = Self { wrapper: Wrapper::None, ends: None };

    /// A header, to this bank.
    pub(super) const fn to(bank: Bic, from: Bic) -> Self {
        Self { wrapper: Wrapper::Envelope, ends: Some(Ends { from, to: bank }) }
    }

    /// That of a document which answers this one. A header that names no BIC can't be answered by one that does.
    pub(super) fn answering(message: &BusinessMessage, signature: Option<Bic>) -> Self {
        Self::back(message.wrapper, message.header.as_ref(), signature)
    }

    /// That of the rejection of a document which could not be read.
    pub(super) fn rejecting(document: &[u8], signature: Option<Bic>) -> Self {
        match header_of(document) {
            Some((wrapper, header)) => Self::back(wrapper, Some(&header), signature),
            None => Self::BARE,
        }
    }

    /// That of an answer to a document with this wrapper and header.
    pub(super) fn back(wrapper: Wrapper, header: Option<&Header>, signature: Option<Bic>) -> Self {
        let ends = header.and_then(|header| {
            let to = header.from?;
            Some(Ends { from: signature.or(header.to).unwrap_or(to), to })
        });
        if ends.is_some() { Self { wrapper, ends } } else { Self::BARE }
    }

    /// Finishes a document.
    pub(super) fn finish(
        self,
        kind: MessageKind,
        document: String,
        message_id: Text<35>,
        created_at: Timestamp,
        is_repeat: bool,
    ) -> Outgoing {
        let document = match self.ends {
            None => document,
            Some(Ends { from, to }) => {
                let header = Header::new(kind, message_id, from, to, created_at);
                wrap(document, self.wrapper, &Header { possible_duplicate: is_repeat, ..header })
            }
        };
        Outgoing { kind, bytes: document.into_bytes() }
    }
}

/// The rejection of a document that does not follow its schema.
pub(super) fn unreadable(document: &[u8], fault: &SchemaFault, now: Timestamp, dress: Dress) -> Outgoing {
    rejected(&Rejection::of(document, fault, now), dress)
}

/// The rejection of a document that was not taken for what it asks, or for what is under way. Only a node that takes
/// nothing at all answers with a status.
pub(super) fn not_taken(
    document: &[u8],
    status: Status,
    now: Timestamp,
    dress: Dress,
) -> Result<Outgoing, Status> {
    let refusal = Refusal::from_status(&status);
    let reason = refusal.reason.as_str_name().trim_start_matches("ERROR_REASON_");
    let (reason, description) = match (status.code(), refusal.field_violations.first()) {
        (Code::ResourceExhausted, _) => (reason, status.message()),
        (Code::FailedPrecondition, _) if refusal.reason == ErrorReason::AccountNotActive => {
            (reason, status.message())
        }
        (Code::InvalidArgument, Some(violation)) => ("INVALID_ARGUMENT", violation.description.as_str()),
        _ => return Err(status),
    };
    Ok(rejected(&rejection(document, reason, description, now), dress))
}

/// The rejection of a document whose sender may not send it.
pub(super) fn not_permitted(document: &[u8], status: &Status, now: Timestamp, dress: Dress) -> Outgoing {
    rejected(&rejection(document, "BANK_NOT_YOURS", status.message(), now), dress)
}

/// The rejection of an enquiry that can't be answered. Not AG09, on which a bank gives its customer the money back.
pub(super) fn undecided(
    document: &[u8],
    reason: &str,
    description: &str,
    now: Timestamp,
    dress: Dress,
) -> Outgoing {
    rejected(&rejection(document, reason, description, now), dress)
}

fn rejection(document: &[u8], reason: &str, description: &str, rejected_at: Timestamp) -> Rejection {
    Rejection {
        original_message_id: iso20022::message_id_of(document),
        reason: Text::parse(reason).expect("names of reasons are short"),
        rejected_at,
        location: None,
        description: Text::parse(description).ok(),
    }
}

fn rejected(rejection: &Rejection, dress: Dress) -> Outgoing {
    let nobody = || Text::parse("ADMI002").expect("seven letters");
    let message_id = rejection.original_message_id.clone().unwrap_or_else(nobody);
    dress.finish(MessageKind::Rejection, write_admi002(rejection), message_id, rejection.rejected_at, false)
}
