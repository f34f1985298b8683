//! XML as this crate accepts it: one well-formed element tree in UTF-8, its namespaces resolved.
//!
//! The parser below forgives some things that XML 1.0 does not (illegal characters, text around the root,
//! odd names); here they are faults. Comments vanish, and so does the difference between text, CDATA and
//! references.

use std::borrow::Cow;
use std::ops::Range;

use quick_xml::events::attributes::Attributes as XmlAttributes;
use quick_xml::events::{BytesDecl, BytesStart, Event};
use quick_xml::name::{Namespace, NamespaceError, PrefixDeclaration, QName, ResolveResult};
use quick_xml::reader::NsReader;
use quick_xml::{Error, XmlVersion};

use crate::fault::Violation;
use crate::limits::{ATTRIBUTES_BYTES_MAX, DEPTH_MAX, DOCUMENT_BYTES_MAX, NAMESPACES_MAX};

/// The namespace of `xsi:schemaLocation`, an attribute that any element may have.
const SCHEMA_INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// The next thing in a document.
pub(crate) enum Node<'document> {
    /// A start tag, and whether its element is in the message's namespace.
    Open(BytesStart<'document>, bool),
    /// A piece of text inside an element.
    Text(Cow<'document, str>),
    /// The end of the innermost open element.
    Close,
    /// The end of the document, behind its root.
    End,
}

/// A document being read.
pub(crate) struct Xml<'document> {
    text: &'document str,
    reader: NsReader<&'document [u8]>,
    /// The namespace of the message or header that is being read.
    namespace: &'static str,
    depth: usize,
    progress: Progress,
}

/// Where in the document the reader stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// Before its first byte.
    Start,
    /// Before the root.
    Prolog,
    /// In or behind the root.
    Root,
}

/// The attributes that mean something in these messages.
#[derive(Default)]
pub(crate) struct Attributes {
    /// `Ccy`.
    pub(crate) currency: Option<String>,
    /// There is one that the schemas do not have.
    pub(crate) unknown: bool,
    /// There is one that would change how a schema processor reads the element, such as `xsi:type`.
    pub(crate) instance: bool,
}

impl<'document> Xml<'document> {
    /// Starts reading a document, in no namespace yet.
    pub(crate) fn new(document: &'document [u8]) -> Result<Self, Violation> {
        if document.len() > DOCUMENT_BYTES_MAX {
            return Err(Violation::Limit);
        }
        let text = std::str::from_utf8(document).map_err(|_| Violation::Encoding)?;
        if !has_only_xml_characters(text) {
            return Err(Violation::NotWellFormed);
        }
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        let mut reader = NsReader::from_str(text);
        reader.resolver_mut().set_max_namespace_bindings(NAMESPACES_MAX);
        let config = reader.config_mut();
        config.check_comments = true;
        config.check_end_names = true;
        config.expand_empty_elements = true;
        Ok(Self { text, reader, namespace: "", depth: 0, progress: Progress::Start })
    }

    /// From here on, elements are expected in this namespace.
    pub(crate) fn enter(&mut self, namespace: &'static str) {
        self.namespace = namespace;
    }

    /// The namespace of an element, `""` if it is in none.
    pub(crate) fn namespace_of(&self, start: &BytesStart<'_>) -> &str {
        match self.reader.resolver().resolve_element(start.name()).0 {
            ResolveResult::Bound(Namespace(name)) => name,
            ResolveResult::Unbound | ResolveResult::Unknown(_) => "",
        }
    }

    /// The namespaces in scope: prefixes, `None` for the default, and names as they are written.
    pub(crate) fn bindings(&self) -> Vec<(Option<String>, String)> {
        let named = |(prefix, Namespace(name)): (PrefixDeclaration<'_>, Namespace<'_>)| match prefix {
            PrefixDeclaration::Default => (None, name.to_owned()),
            PrefixDeclaration::Named(prefix) => (Some(prefix.to_owned()), name.to_owned()),
        };
        self.reader.resolver().bindings().map(named).collect()
    }

    /// A stretch of the document.
    pub(crate) fn stretch(&self, range: Range<usize>) -> &'document str {
        &self.text[range]
    }

    /// How many bytes have been read.
    pub(crate) fn offset(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).expect("a document is shorter than its limit")
    }

    /// The next element, text or end.
    pub(crate) fn next(&mut self) -> Result<Node<'document>, Violation> {
        loop {
            let event = self.reader.read_event().map_err(|error| violation(&error))?;
            let before = self.progress;
            self.progress = before.begun();
            match event {
                Event::Start(start) => return self.open(start),
                Event::End(_) => {
                    self.depth = self.depth.checked_sub(1).ok_or(Violation::NotWellFormed)?;
                    return Ok(Node::Close);
                }
                Event::Text(text) if self.depth == 0 => match is_blank(&text) {
                    true => {}
                    false => return Err(Violation::NotWellFormed),
                },
                Event::Text(text) if is_plain(&text) => return Ok(Node::Text(text.into_inner())),
                // The end of a CDATA section is no text.
                Event::Text(text) if text.contains("]]>") => return Err(Violation::NotWellFormed),
                Event::Text(text) => return Ok(Node::Text(with_line_feeds(text.into_inner()))),
                Event::CData(_) | Event::GeneralRef(_) if self.depth == 0 => {
                    return Err(Violation::NotWellFormed);
                }
                Event::CData(text) => return Ok(Node::Text(with_line_feeds(text.into_inner()))),
                Event::GeneralRef(reference) => return character(&reference).map(Node::Text),
                Event::Comment(_) => {}
                Event::Decl(declaration) if before == Progress::Start => check_declaration(&declaration)?,
                Event::Decl(_) | Event::Empty(_) => return Err(Violation::NotWellFormed),
                Event::PI(_) | Event::DocType(_) => return Err(Violation::ForbiddenMarkup),
                Event::Eof if self.depth == 0 && self.progress == Progress::Root => return Ok(Node::End),
                Event::Eof => return Err(Violation::NotWellFormed),
            }
        }
    }

    fn open(&mut self, start: BytesStart<'document>) -> Result<Node<'document>, Violation> {
        if self.depth == 0 && self.progress == Progress::Root {
            return Err(Violation::NotWellFormed);
        }
        self.progress = Progress::Root;
        self.depth += 1;
        if self.depth > DEPTH_MAX || start.attributes_raw().len() > ATTRIBUTES_BYTES_MAX {
            return Err(Violation::Limit);
        }
        let namespace = match self.reader.resolver().resolve_element(start.name()).0 {
            ResolveResult::Bound(Namespace(name)) => name == self.namespace,
            ResolveResult::Unbound => false,
            ResolveResult::Unknown(_) => return Err(Violation::NotWellFormed),
        };
        match is_name(start.name()) {
            true => Ok(Node::Open(start, namespace)),
            false => Err(Violation::NotWellFormed),
        }
    }

    /// The attributes of the element that was opened last.
    pub(crate) fn attributes(&self, start: &BytesStart<'_>) -> Result<Attributes, Violation> {
        let mut found = Attributes::default();
        if start.attributes_raw().is_empty() {
            return Ok(found);
        }
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| Violation::NotWellFormed)?;
            let value =
                attribute.normalized_value(XmlVersion::Explicit1_0).map_err(|_| Violation::NotWellFormed)?;
            if attribute.value.contains('<') || !is_name(attribute.key) {
                return Err(Violation::NotWellFormed);
            }
            if attribute.key.as_namespace_binding().is_some() {
                continue;
            }
            match self.reader.resolver().resolve_attribute(attribute.key) {
                (ResolveResult::Unbound, local) if local.into_inner() == "Ccy" => {
                    found.currency = Some(value.into_owned());
                }
                (ResolveResult::Bound(Namespace(SCHEMA_INSTANCE)), local)
                    if matches!(local.into_inner(), "schemaLocation" | "noNamespaceSchemaLocation") => {}
                (ResolveResult::Bound(Namespace(SCHEMA_INSTANCE)), _) => found.instance = true,
                (ResolveResult::Unknown(_), _) => return Err(Violation::NotWellFormed),
                (ResolveResult::Unbound | ResolveResult::Bound(_), _) => found.unknown = true,
            }
        }
        Ok(found)
    }
}

impl Progress {
    /// At least in the prolog, since something has been read.
    fn begun(self) -> Self {
        match self {
            Self::Start | Self::Prolog => Self::Prolog,
            Self::Root => Self::Root,
        }
    }
}

pub(crate) fn violation(error: &Error) -> Violation {
    match matches!(error, Error::Namespace(NamespaceError::TooManyBindings(_))) {
        true => Violation::Limit,
        false => Violation::NotWellFormed,
    }
}

/// Whether a text is what it looks like, as nearly all are. Most are so short that any search costs more.
fn is_plain(text: &str) -> bool {
    !text.bytes().fold(false, |found, byte| found | (byte == b'>') | (byte == b'\r'))
}

/// Whether a text is only what may stand between elements.
pub(crate) fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
}

/// XML 1.0, production 2.
pub(crate) fn has_only_xml_characters(text: &str) -> bool {
    // Without an early end the compiler looks at many bytes at once.
    let controls = text.bytes().fold(false, |found, byte| {
        found | ((byte < b' ') & (byte != b'\t') & (byte != b'\n') & (byte != b'\r'))
    });
    // U+FFFE and U+FFFF begin with this byte, and few documents have it at all.
    let suspicious = text.as_bytes().contains(&0xEF);
    !(controls || suspicious && text.contains(['\u{FFFE}', '\u{FFFF}']))
}

/// A name without the finer points of Unicode: letters, digits and `_-.`, one colon between two names.
fn is_name(name: QName<'_>) -> bool {
    let part = |part: &str| {
        let first = part.bytes().next();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte) || !byte.is_ascii();
        first.is_some_and(|byte| !byte.is_ascii_digit() && byte != b'-' && byte != b'.')
            && part.bytes().all(allowed)
    };
    match name.into_inner().split_once(':') {
        Some((prefix, local)) => part(prefix) && part(local),
        None => part(name.into_inner()),
    }
}

/// XML 1.0, production 23: a version, perhaps an encoding, perhaps whether other documents matter, and nothing else.
fn check_declaration(declaration: &BytesDecl<'_>) -> Result<(), Violation> {
    let mut names = ["version", "encoding", "standalone"].into_iter();
    let mut version = None;
    for part in XmlAttributes::new(declaration, "xml".len()) {
        let part = part.map_err(|_| Violation::NotWellFormed)?;
        let name = part.key.into_inner();
        if !names.any(|expected| expected == name) {
            return Err(Violation::NotWellFormed);
        }
        let is_known = match name {
            "version" => version.insert(part.value).as_ref() == "1.0",
            "encoding" if !part.value.eq_ignore_ascii_case("UTF-8") => return Err(Violation::Encoding),
            "standalone" => matches!(part.value.as_ref(), "yes" | "no"),
            _ => true,
        };
        if !is_known {
            return Err(Violation::NotWellFormed);
        }
    }
    version.map(|_| ()).ok_or(Violation::NotWellFormed)
}

/// A character reference, or one of the five entities that every document knows.
pub(crate) fn character(reference: &str) -> Result<Cow<'static, str>, Violation> {
    let predefined = match reference {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "apos" => "'",
        "quot" => "\"",
        _ => "",
    };
    if !predefined.is_empty() {
        return Ok(Cow::Borrowed(predefined));
    }
    let number = reference.strip_prefix('#').ok_or(Violation::ForbiddenMarkup)?;
    let (digits, radix) = match number.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(Violation::NotWellFormed);
    }
    let code = u32::from_str_radix(digits, radix).map_err(|_| Violation::NotWellFormed)?;
    let text = char::from_u32(code).ok_or(Violation::NotWellFormed)?.to_string();
    match has_only_xml_characters(&text) {
        true => Ok(Cow::Owned(text)),
        false => Err(Violation::NotWellFormed),
    }
}

/// XML 1.0, section 2.11: every end of line is read as one line feed.
pub(crate) fn with_line_feeds(text: Cow<'_, str>) -> Cow<'_, str> {
    match text.contains('\r') {
        true => Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")),
        false => text,
    }
}
