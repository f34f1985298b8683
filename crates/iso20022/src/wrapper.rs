//! What stands around a message: nothing, or a business application header beside it and a wrapper around both.
//!
//! XML has one root, so a header and its document need an element that holds them. ISO 20022 registers one
//! (`BizMsgEnvlp`, nvlp.001.001.01); older than it and more common in the systems of TARGET is `RequestPayload`,
//! which has no namespace. Both are read. An answer is best written in the dress of the question.
//!
//! Invariants: the header comes first and names the message that follows; nothing else is in the wrapper.

use crate::ENVELOPE_NAMESPACE;
use crate::fault::{SchemaFault, Violation};
use crate::header::{Header, header_table, read_header, write_header_into};
use crate::message::MessageKind;
use crate::scan::root_name;
use crate::walk::{Children, Walker};
use crate::xml_write::{DECLARATION, XmlWriter};

/// What holds a header and a document together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Wrapper {
    /// Nothing: a document without header.
    #[default]
    None,
    /// `RequestPayload`, with `AppHdr` and `Document` inside.
    RequestPayload,
    /// `BizMsgEnvlp`, with `Hdr/AppHdr` and `Doc/Document` inside.
    Envelope,
}

impl Wrapper {
    /// The wrapper of a document that could not be read, as far as its root shows it. The rejection of such a
    /// document is best written in it, too.
    pub fn of(document: &[u8]) -> Self {
        match root_name(document) {
            b"RequestPayload" => Self::RequestPayload,
            b"BizMsgEnvlp" => Self::Envelope,
            _ => Self::None,
        }
    }
}

/// The header of a document that could not be read, if that much of it can. Its rejection is best written with a
/// header too.
pub fn header_of(document: &[u8]) -> Option<(Wrapper, Header)> {
    let mut walker = Walker::new(document).ok()?;
    let start = walker.element().ok()??;
    let wrapper = match (start.local_name().into_inner(), walker.namespace_of(&start)) {
        ("RequestPayload", "") => Wrapper::RequestPayload,
        ("BizMsgEnvlp", ENVELOPE_NAMESPACE) => Wrapper::Envelope,
        _ => return None,
    };
    if wrapper == Wrapper::Envelope {
        part(&mut walker, "Hdr").ok()?;
    }
    Some((wrapper, header(&mut walker).ok()?))
}

/// A document whose message is about to be read.
pub(crate) struct Opened {
    pub(crate) wrapper: Wrapper,
    pub(crate) header: Option<Header>,
    pub(crate) kind: MessageKind,
    /// The children of `Document`.
    pub(crate) children: Children,
}

/// Reads up to the children of `Document`.
pub(crate) fn open(walker: &mut Walker<'_>) -> Result<Opened, SchemaFault> {
    let start = walker.element()?.ok_or_else(|| walker.fault(Violation::NotWellFormed))?;
    let name = start.local_name().into_inner();
    let namespace = walker.namespace_of(&start);
    let wrapper = match (name, namespace) {
        ("Document", namespace) => {
            let kind = MessageKind::of_namespace(namespace);
            let kind = kind.ok_or_else(|| walker.fault(Violation::WrongMessage))?;
            let children = walker.enter("Document", kind.namespace(), kind.table());
            return Ok(Opened { wrapper: Wrapper::None, header: None, kind, children });
        }
        ("RequestPayload", "") => Wrapper::RequestPayload,
        ("BizMsgEnvlp", ENVELOPE_NAMESPACE) => Wrapper::Envelope,
        _ => return Err(walker.fault(Violation::WrongMessage)),
    };
    if wrapper == Wrapper::Envelope {
        part(walker, "Hdr")?;
    }
    let header = header(walker)?;
    if wrapper == Wrapper::Envelope {
        end(walker)?;
        part(walker, "Doc")?;
    }
    let start = walker.element()?.ok_or_else(|| missing(walker, "Document"))?;
    let kind = match start.local_name().into_inner() {
        "Document" => MessageKind::of_namespace(walker.namespace_of(&start)),
        _ => None,
    };
    let kind = kind.ok_or_else(|| walker.fault(Violation::WrongMessage))?;
    if header.message_name.as_str() != kind.name() {
        let path = "AppHdr/MsgDefIdr".into();
        return Err(SchemaFault { path, ..walker.fault(Violation::WrongMessage) });
    }
    let children = walker.enter("Document", kind.namespace(), kind.table());
    Ok(Opened { wrapper, header: Some(header), kind, children })
}

/// Reads what is left behind `Document`: the ends of the wrapper.
pub(crate) fn close(mut walker: Walker<'_>, wrapper: Wrapper) -> Result<(), SchemaFault> {
    let ends = match wrapper {
        Wrapper::None => 0,
        Wrapper::RequestPayload => 1,
        Wrapper::Envelope => 2,
    };
    for _ in 0..ends {
        end(&mut walker)?;
    }
    walker.finish()
}

fn header(walker: &mut Walker<'_>) -> Result<Header, SchemaFault> {
    let start = walker.element()?.ok_or_else(|| missing(walker, "AppHdr"))?;
    let table = match start.local_name().into_inner() {
        "AppHdr" => header_table(walker.namespace_of(&start)),
        _ => None,
    };
    let Some((namespace, table)) = table else { return Err(missing(walker, "AppHdr")) };
    let mut children = walker.enter("AppHdr", namespace, table);
    read_header(walker, &mut children)
}

/// An element of the envelope itself.
fn part(walker: &mut Walker<'_>, name: &'static str) -> Result<(), SchemaFault> {
    let start = walker.element()?.ok_or_else(|| missing(walker, name))?;
    let found = start.local_name().into_inner() == name && walker.namespace_of(&start) == ENVELOPE_NAMESPACE;
    if found { Ok(()) } else { Err(missing(walker, name)) }
}

fn end(walker: &mut Walker<'_>) -> Result<(), SchemaFault> {
    match walker.element()? {
        None => Ok(()),
        Some(_) => Err(walker.fault(Violation::UnexpectedElement)),
    }
}

fn missing(walker: &Walker<'_>, name: &str) -> SchemaFault {
    SchemaFault { path: name.to_owned(), ..walker.fault(Violation::Missing) }
}

/// A document of this crate's writers, with a header and in a wrapper.
///
/// With [`Wrapper::None`] the header has no place, and the document comes back as it is.
///
/// # Panics
/// If the document is not one of this crate's writers.
pub fn wrap(document: String, wrapper: Wrapper, header: &Header) -> String {
    let root =
        document.strip_prefix(DECLARATION).expect("the writers of this crate begin with a declaration");
    match wrapper {
        Wrapper::None => document,
        Wrapper::RequestPayload => {
            let mut xml = XmlWriter::root("RequestPayload", None);
            write_header_into(&mut xml, header);
            xml.raw(root);
            xml.finish()
        }
        Wrapper::Envelope => {
            let mut xml = XmlWriter::root("BizMsgEnvlp", Some(ENVELOPE_NAMESPACE));
            xml.open("Hdr");
            write_header_into(&mut xml, header);
            xml.close();
            xml.open("Doc");
            xml.raw(root);
            xml.close();
            xml.finish()
        }
    }
}
