//! Forwards a pacs.008 as it was received, except for what belongs to the hop.
//!
//! Under profile `sct-inst-2025` an order holds everything that its document may have, and is written anew from
//! what the log keeps. Under `pass-through` a document may have more. It is not passed on byte for byte: a naive
//! receiver can be made to read another value than we did, by comments inside values, CDATA or odd prefixes. So
//! it is copied element by element into the plain form in which all of Solvo's documents are written.
//!
//! Invariant: read again, the copy is the same order with the same surplus in another envelope.

use crate::fault::SchemaFault;
use crate::message::{MessageKind, open_kind};
use crate::schema::{Content, Element, Form};
use crate::walk::{Children, Foreign, Walker};
use crate::xml_write::XmlWriter;
use crate::{Envelope, PACS008_NAMESPACE, wrapper};

/// Writes a received credit transfer for the next hop: with the message id, times, date and agents of this
/// envelope, and everything else as it was. A header or wrapper of the last hop is left behind.
///
/// # Errors
/// A [`SchemaFault`] if the document is not a pacs.008 that follows its schema. It is what was read before, so
/// it does.
pub fn forward_pacs008(document: &[u8], envelope: &Envelope) -> Result<String, SchemaFault> {
    let (mut walker, opened) = open_kind(document, MessageKind::CreditTransfer)?;
    let mut children = opened.children;
    let mut xml = XmlWriter::document(PACS008_NAMESPACE);
    while let Some(message) = walker.next(&mut children)? {
        xml.open(message.name);
        let mut parts = Children::inside(message);
        while let Some(part) = walker.next(&mut parts)? {
            match part.name {
                "GrpHdr" => copy_group_header(&mut walker, part, envelope, &mut xml)?,
                "CdtTrfTxInf" => copy_transaction(&mut walker, part, envelope, &mut xml)?,
                _ => copy(&mut walker, part, &mut xml)?,
            }
        }
        xml.close();
    }
    wrapper::close(walker, opened.wrapper)?;
    Ok(xml.finish())
}

fn copy_group_header(
    walker: &mut Walker<'_>,
    header: &'static Element,
    envelope: &Envelope,
    xml: &mut XmlWriter,
) -> Result<(), SchemaFault> {
    xml.open(header.name);
    xml.text("MsgId", &envelope.message_id);
    xml.leaf("CreDtTm", &envelope.created_at.to_string());
    let mut children = Children::inside(header);
    while let Some(child) = walker.next(&mut children)? {
        match child.name {
            "MsgId" | "CreDtTm" | "IntrBkSttlmDt" | "InstgAgt" | "InstdAgt" => walker.skip(child)?,
            // Which is mandatory, and stands behind the date.
            "SttlmInf" => {
                xml.leaf("IntrBkSttlmDt", &envelope.settlement_date.to_string());
                copy(walker, child, xml)?;
            }
            _ => copy(walker, child, xml)?,
        }
    }
    xml.agent("InstgAgt", envelope.instructing_agent);
    xml.agent("InstdAgt", envelope.instructed_agent);
    xml.close();
    Ok(())
}

fn copy_transaction(
    walker: &mut Walker<'_>,
    transaction: &'static Element,
    envelope: &Envelope,
    xml: &mut XmlWriter,
) -> Result<(), SchemaFault> {
    xml.open(transaction.name);
    let mut children = Children::inside(transaction);
    while let Some(child) = walker.next(&mut children)? {
        match child.name {
            // They stand in the group header.
            "IntrBkSttlmDt" | "InstgAgt" | "InstdAgt" => walker.skip(child)?,
            "AccptncDtTm" => {
                walker.skip(child)?;
                xml.leaf(child.name, &envelope.acceptance_time.to_string());
            }
            _ => copy(walker, child, xml)?,
        }
    }
    xml.close();
    Ok(())
}

/// Writes the child that was opened last, with all that is inside.
pub(crate) fn copy(
    walker: &mut Walker<'_>,
    element: &'static Element,
    xml: &mut XmlWriter,
) -> Result<(), SchemaFault> {
    match element.content {
        Content::Value(Form::Amount) => {
            let (value, currency) = walker.amount(element)?;
            xml.amount(element.name, &currency, &value);
        }
        Content::Value(_) => {
            let value = walker.value(element)?;
            xml.leaf(element.name, &value);
        }
        Content::Group(_) => {
            xml.open(element.name);
            let mut children = Children::inside(element);
            while let Some(child) = walker.next(&mut children)? {
                copy(walker, child, xml)?;
            }
            xml.close();
        }
        Content::Anything(namespace) => {
            let bindings = walker.bindings();
            let foreign = walker.anything(namespace)?;
            xml.open(element.name);
            copy_foreign(walker, &foreign, &bindings, xml);
            xml.close();
        }
    }
    Ok(())
}

/// An element of another schema stays as it was written, but brings along the namespaces that were declared
/// further up.
fn copy_foreign(
    walker: &Walker<'_>,
    foreign: &Foreign,
    bindings: &[(Option<String>, String)],
    xml: &mut XmlWriter,
) {
    let text = walker.stretch(foreign.range.clone());
    let (name, rest) = text.split_at(1 + foreign.name_length);
    xml.raw(name);
    let default = bindings.iter().find(|(prefix, _)| prefix.is_none()).map_or("", |(_, name)| name);
    if default != PACS008_NAMESPACE && !foreign.declared.contains(&None) {
        xml.declaration("xmlns", default);
    }
    for (prefix, name) in bindings {
        let Some(declared) = prefix else { continue };
        // Texts may hold prefixes too, and nothing here knows which do.
        if !foreign.declared.contains(prefix) && text.contains(&format!("{declared}:")) {
            xml.declaration(&format!("xmlns:{declared}"), name);
        }
    }
    xml.raw(rest);
}
