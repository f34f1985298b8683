//! head.001.001.02, the business application header: who sends which message to whom.
//!
//! The header belongs to one hop, like an envelope. What it says about sender and receiver has to agree with the
//! connection that it came by, which the caller checks. head.001.001.01 is read too.

use types::{Bic, Text, Timestamp};

use crate::fault::SchemaFault;
use crate::header_schema::{HEADER, HEADER_1};
use crate::message::MessageKind;
use crate::schema::Group;
use crate::values::{bic, instant, text};
use crate::walk::{Children, Walker};
use crate::xml_write::XmlWriter;
use crate::{HEADER_1_NAMESPACE, HEADER_NAMESPACE};

/// A business application header, as far as Solvo uses one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// `Fr/FIId/FinInstnId/BICFI`, or `Fr/OrgId/Id/OrgId/AnyBIC`: the sender, if it is named by its BIC.
    pub from: Option<Bic>,
    /// `To`, likewise: the receiver.
    pub to: Option<Bic>,
    /// `BizMsgIdr`: the sender's identification of the message.
    pub business_message_id: Text<35>,
    /// `MsgDefIdr`, such as `pacs.008.001.08`.
    pub message_name: Text<35>,
    /// `BizSvc`: the agreement under which the message is sent.
    pub business_service: Option<Text<35>>,
    /// `CreDt`.
    pub created_at: Timestamp,
    /// `PssblDplct`: the sender does not know whether it has sent this before.
    pub possible_duplicate: bool,
}

impl Header {
    /// The header of a message of this crate's writers, from one bank to another.
    pub fn new(kind: MessageKind, message_id: Text<35>, from: Bic, to: Bic, created_at: Timestamp) -> Self {
        Self {
            from: Some(from),
            to: Some(to),
            business_message_id: message_id,
            message_name: Text::parse(kind.name()).expect("a message name has 15 characters"),
            business_service: None,
            created_at,
            possible_duplicate: false,
        }
    }
}

/// The namespace and table of a header, if this is the namespace of one.
pub(crate) fn header_table(namespace: &str) -> Option<(&'static str, &'static Group)> {
    match namespace {
        HEADER_NAMESPACE => Some((HEADER_NAMESPACE, &HEADER)),
        HEADER_1_NAMESPACE => Some((HEADER_1_NAMESPACE, &HEADER_1)),
        _ => None,
    }
}

/// Reads a header whose start tag has been read.
pub(crate) fn read_header(walker: &mut Walker<'_>, children: &mut Children) -> Result<Header, SchemaFault> {
    let (mut from, mut to, mut created_at) = (None, None, None);
    let (mut business_message_id, mut message_name, mut business_service) = (None, None, None);
    let mut possible_duplicate = false;
    while let Some(child) = walker.next(children)? {
        match child.name {
            "Fr" => from = bic(walker, child)?,
            "To" => to = bic(walker, child)?,
            "BizMsgIdr" => business_message_id = Some(text(walker, child)?),
            "MsgDefIdr" => message_name = Some(text(walker, child)?),
            "BizSvc" => business_service = Some(text(walker, child)?),
            "CreDt" => created_at = Some(instant(walker, child)?),
            "PssblDplct" => possible_duplicate = matches!(walker.value(child)?.as_ref(), "true" | "1"),
            _ => walker.skip(child)?,
        }
    }
    const COMPLETE: &str = "the walker ends a header only after its mandatory elements";
    Ok(Header {
        from,
        to,
        business_message_id: business_message_id.expect(COMPLETE),
        message_name: message_name.expect(COMPLETE),
        business_service,
        created_at: created_at.expect(COMPLETE),
        possible_duplicate,
    })
}

/// Writes a header as a document of its own (head.001.001.02).
///
/// # Panics
/// If sender or receiver has no BIC: every bank that Solvo writes to has one.
pub fn write_header(header: &Header) -> String {
    let mut xml = XmlWriter::root("AppHdr", Some(HEADER_NAMESPACE));
    write_children(&mut xml, header);
    xml.finish()
}

/// Writes a header into a wrapper.
pub(crate) fn write_header_into(xml: &mut XmlWriter, header: &Header) {
    xml.open_in("AppHdr", HEADER_NAMESPACE);
    write_children(xml, header);
    xml.close();
}

fn write_children(xml: &mut XmlWriter, header: &Header) {
    for (name, bic) in [("Fr", header.from), ("To", header.to)] {
        xml.open(name);
        xml.agent("FIId", Some(bic.expect("a header that is written names sender and receiver")));
        xml.close();
    }
    xml.text("BizMsgIdr", &header.business_message_id);
    xml.text("MsgDefIdr", &header.message_name);
    xml.optional_text("BizSvc", header.business_service.as_ref());
    xml.leaf("CreDt", &header.created_at.to_string());
    if header.possible_duplicate {
        xml.leaf("PssblDplct", "true");
    }
}
