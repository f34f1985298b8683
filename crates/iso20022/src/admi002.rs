//! admi.002.001.01: the answer to a document that was not taken.

use types::{Text, Timestamp};

use crate::fault::SchemaFault;
use crate::xml_write::XmlWriter;
use crate::{ADMI002_NAMESPACE, NOT_PROVIDED, message_id_of};

/// The rejection of a message as such. It says nothing about a payment: none came into being.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// `RltdRef/Ref`: the message's own `MsgId`, if it could be found; else [`NOT_PROVIDED`] is written.
    pub original_message_id: Option<Text<35>>,
    /// `RjctgPtyRsn`: a short code.
    pub reason: Text<35>,
    /// `RjctnDtTm`.
    pub rejected_at: Timestamp,
    /// `ErrLctn`: the element and the place.
    pub location: Option<Text<350>>,
    /// `RsnDesc`: one sentence for persons.
    pub description: Option<Text<350>>,
}

impl Rejection {
    /// The rejection of a document for a fault of its own.
    pub fn of(document: &[u8], fault: &SchemaFault, rejected_at: Timestamp) -> Self {
        let place = match fault.path.is_empty() {
            true => format!("byte {}", fault.offset),
            false => format!("{}, byte {}", fault.path, fault.offset),
        };
        Self {
            original_message_id: message_id_of(document),
            reason: Text::parse(fault.what.name()).expect("names of violations are short"),
            rejected_at,
            location: Text::parse(&place).ok(),
            description: Text::parse(&fault.what.to_string()).ok(),
        }
    }
}

/// Writes the rejection of a message.
pub fn write_admi002(rejection: &Rejection) -> String {
    let mut xml = XmlWriter::document(ADMI002_NAMESPACE);
    // The message element is named like the message itself: the schema is older than the naming rules.
    xml.open("admi.002.001.01");
    xml.open("RltdRef");
    xml.leaf("Ref", rejection.original_message_id.as_ref().map_or(NOT_PROVIDED, Text::as_str));
    xml.close();
    xml.open("Rsn");
    xml.text("RjctgPtyRsn", &rejection.reason);
    xml.leaf("RjctnDtTm", &rejection.rejected_at.to_string());
    xml.optional_text("ErrLctn", rejection.location.as_ref());
    xml.optional_text("RsnDesc", rejection.description.as_ref());
    xml.close();
    xml.close();
    xml.finish()
}
