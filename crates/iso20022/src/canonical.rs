//! The canonical body of a document: what makes two documents the same instruction.
//!
//! Paths and values of all leaves, without prefixes, comments, indentation and whatever belongs to the
//! transport. It is made for documents that were refused, whose orders can't be encoded: a sender that
//! repeats one is to get the stored answer, not a complaint about a changed body.

use crate::PACS008_NAMESPACE;
use crate::fault::Violation;
use crate::xml::{Node, Xml, is_blank};

/// Ends each part. It can't occur in XML.
const SEPARATOR: u8 = 0;

/// The canonical body of a pacs.008, whatever wraps it. An error means that it is not well-formed.
pub(crate) fn canonical_body(document: &[u8]) -> Result<Vec<u8>, Violation> {
    let mut xml = Xml::new(document)?;
    xml.enter(PACS008_NAMESPACE);
    let mut body = Vec::with_capacity(document.len());
    let mut path: Vec<String> = Vec::with_capacity(16);
    let mut text = String::new();
    // Whether the innermost element has no elements inside so far.
    let mut leaf = false;
    loop {
        match xml.next()? {
            Node::Open(start, inside) => {
                let name = start.local_name().into_inner();
                if path.is_empty() && !(inside && name == "Document") {
                    continue;
                }
                path.push(name.to_owned());
                let currency = xml.attributes(&start)?.currency;
                text.clear();
                leaf = true;
                if let Some(currency) = currency {
                    path.push(format!("@{currency}"));
                    add(&mut body, &path, "");
                    path.pop();
                }
            }
            Node::Text(piece) => text.push_str(&piece),
            Node::Close => {
                if leaf || !is_blank(&text) {
                    add(&mut body, &path, &text);
                }
                path.pop();
                text.clear();
                leaf = false;
            }
            Node::End => return Ok(body),
        }
    }
}

fn add(body: &mut Vec<u8>, path: &[String], value: &str) {
    if path.is_empty() || is_transport(path) {
        return;
    }
    for part in path {
        body.extend_from_slice(part.as_bytes());
        body.push(b'/');
    }
    body.push(SEPARATOR);
    body.extend_from_slice(value.as_bytes());
    body.push(SEPARATOR);
}

/// Whether an element may differ between two sendings of one instruction.
pub(crate) fn is_transport(path: &[impl AsRef<str>]) -> bool {
    let part = |index: usize| path.get(index).map_or("", AsRef::as_ref);
    match (part(2), part(3)) {
        ("GrpHdr", "MsgId" | "CreDtTm" | "SttlmInf" | "IntrBkSttlmDt" | "InstgAgt" | "InstdAgt") => true,
        ("CdtTrfTxInf", "IntrBkSttlmDt" | "InstgAgt" | "InstdAgt") => true,
        ("CdtTrfTxInf", "PmtId") => part(4) == "InstrId",
        _ => false,
    }
}
