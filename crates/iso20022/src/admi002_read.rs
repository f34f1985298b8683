//! Reads admi.002.001.01: a bank could not take what Solvo sent.

use types::{Text, Timestamp};

use crate::fault::SchemaFault;
use crate::message::{MessageKind, open_kind};
use crate::schema::{Element, Form, Group, group, one, optional, text as text_of, value};
use crate::values::{instant, required, text};
use crate::walk::{Children, Walker};
use crate::{NOT_PROVIDED, wrapper};

/// A rejection as it came. It is logged and never answered, so that two systems can't reject each other's
/// rejections for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedRejection {
    /// `RltdRef/Ref`: the message that was rejected, unless it is [`NOT_PROVIDED`].
    pub original_message_id: Option<Text<35>>,
    /// `RjctgPtyRsn`: why, in a code of the sender's own.
    pub reason: Text<35>,
    /// `RjctnDtTm`.
    pub rejected_at: Option<Timestamp>,
    /// `ErrLctn`, if it is a text that can be kept.
    pub location: Option<Text<350>>,
    /// `RsnDesc`, if it is a text that can be kept. It may repeat content of the message.
    pub description: Option<Text<350>>,
}

/// Reads the rejection of a message, with or without header.
///
/// # Errors
/// A [`SchemaFault`] if the document does not follow the schema.
pub fn read_admi002(document: &[u8]) -> Result<ReceivedRejection, SchemaFault> {
    let (walker, opened) = open_kind(document, MessageKind::Rejection)?;
    let (walker, rejection) = read(walker, opened.children)?;
    wrapper::close(walker, opened.wrapper)?;
    Ok(rejection)
}

/// Reads the children of `Document`.
pub(crate) fn read<'document>(
    mut walker: Walker<'document>,
    mut children: Children,
) -> Result<(Walker<'document>, ReceivedRejection), SchemaFault> {
    let mut draft = Draft::default();
    while let Some(message) = walker.next(&mut children)? {
        draft.parts(&mut walker, message)?;
    }
    let rejection = ReceivedRejection {
        original_message_id: draft.original_message_id.filter(|id| id.as_str() != NOT_PROVIDED),
        reason: required(draft.reason, "Rsn/RjctgPtyRsn", walker.offset())?,
        rejected_at: draft.rejected_at,
        location: draft.location,
        description: draft.description,
    };
    Ok((walker, rejection))
}

#[derive(Default)]
struct Draft {
    original_message_id: Option<Text<35>>,
    reason: Option<Text<35>>,
    rejected_at: Option<Timestamp>,
    location: Option<Text<350>>,
    description: Option<Text<350>>,
}

impl Draft {
    fn parts(&mut self, walker: &mut Walker<'_>, element: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(element);
        while let Some(child) = walker.next(&mut children)? {
            match child.name {
                "RltdRef" | "Rsn" => self.parts(walker, child)?,
                "Ref" => self.original_message_id = Text::parse(&walker.value(child)?).ok(),
                "RjctgPtyRsn" => self.reason = Some(text(walker, child)?),
                "RjctnDtTm" => self.rejected_at = Some(instant(walker, child)?),
                "ErrLctn" => self.location = Text::parse(&walker.value(child)?).ok(),
                "RsnDesc" => self.description = Text::parse(&walker.value(child)?).ok(),
                _ => walker.skip(child)?,
            }
        }
        Ok(())
    }
}

/// `Document`.
pub(crate) static DOCUMENT: Group =
    Group { choice: false, elements: &[one("admi.002.001.01", group(&MESSAGE))] };

/// `admi.002.001.01`.
static MESSAGE: Group =
    Group { choice: false, elements: &[one("RltdRef", group(&REFERENCE)), one("Rsn", group(&REASON))] };

/// `MessageReference`.
static REFERENCE: Group = Group { choice: false, elements: &[one("Ref", text_of(35))] };

/// `RejectionReason2`.
static REASON: Group = Group {
    choice: false,
    elements: &[
        one("RjctgPtyRsn", text_of(35)),
        optional("RjctnDtTm", value(Form::DateTime)),
        optional("ErrLctn", text_of(350)),
        optional("RsnDesc", text_of(350)),
        optional("AddtlData", text_of(20_000)),
    ],
};
