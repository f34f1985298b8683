//! A document that is too long for memory, as a sequence of opened elements and values.
//!
//! Nobody here knows a schema: whoever reads asks for the paths that it understands and passes over all others.
//! Invariant: what is held at once is bounded, whatever the document has inside.

use std::io::{self, BufRead, Read};

use quick_xml::Error;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;

use crate::fault::{SchemaFault, Violation, printable_name};
use crate::limits::{DEPTH_MAX, NAMESPACES_MAX, STATEMENT_PART_BYTES_MAX};
use crate::statement_read::StatementReadError;
use crate::xml::{character, has_only_xml_characters, is_blank, violation, with_line_feeds};

/// What comes next. The path names the element until the next step.
#[derive(Debug)]
pub(crate) enum Step {
    /// A start tag.
    Open,
    /// The end of an element with nothing but this text inside.
    Leaf(String),
    /// The end of an element with others inside.
    Close,
    /// The end of the document.
    End,
}

/// A document being read.
pub(crate) struct Events<Input> {
    xml: NsReader<Metered<Input>>,
    buffer: Vec<u8>,
    path: Vec<String>,
    text: String,
    root_namespace: Option<String>,
    /// The innermost element has no elements inside so far.
    is_leaf: bool,
    /// The innermost element has ended.
    has_ended: bool,
    /// The currency of the element that was opened last.
    pub(crate) currency: Option<String>,
}

impl<Input: BufRead> Events<Input> {
    pub(crate) fn new(input: Input) -> Self {
        let mut xml = NsReader::from_reader(Metered { input, used: 0 });
        xml.resolver_mut().set_max_namespace_bindings(NAMESPACES_MAX);
        let config = xml.config_mut();
        config.check_comments = true;
        config.check_end_names = true;
        config.expand_empty_elements = true;
        Self {
            xml,
            buffer: Vec::new(),
            path: Vec::with_capacity(DEPTH_MAX),
            text: String::new(),
            root_namespace: None,
            is_leaf: false,
            has_ended: false,
            currency: None,
        }
    }

    /// The names of the open elements.
    pub(crate) fn path(&self) -> &[String] {
        &self.path
    }

    /// A fault in the innermost element: this child is missing.
    pub(crate) fn missing(&self, name: &str) -> StatementReadError {
        let below = self.path.get(2..).unwrap_or_default();
        let path = below.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join("/");
        StatementReadError::Fault(SchemaFault { path, offset: self.offset(), what: Violation::Missing })
    }

    pub(crate) fn offset(&self) -> usize {
        usize::try_from(self.xml.buffer_position()).unwrap_or(usize::MAX)
    }

    /// The next part of the document, such as an entry, begins: it may be as long as the one before.
    pub(crate) fn next_part(&mut self) {
        self.xml.get_mut().used = 0;
    }

    /// A fault at the innermost element.
    pub(crate) fn fault(&self, what: Violation) -> StatementReadError {
        let below = self.path.get(2..).unwrap_or_default();
        StatementReadError::Fault(SchemaFault { path: below.join("/"), offset: self.offset(), what })
    }

    /// The namespace of the root, once it has been opened.
    pub(crate) fn root_namespace(&self) -> Option<&str> {
        self.root_namespace.as_deref()
    }

    /// Goes on to the next start tag, value or end.
    pub(crate) fn step(&mut self) -> Result<Step, StatementReadError> {
        if std::mem::take(&mut self.has_ended) {
            self.path.pop();
        }
        loop {
            self.buffer.clear();
            let mut buffer = std::mem::take(&mut self.buffer);
            let step = self.event(&mut buffer);
            self.buffer = buffer;
            if let Some(step) = step? {
                return Ok(step);
            }
        }
    }

    fn event(&mut self, buffer: &mut Vec<u8>) -> Result<Option<Step>, StatementReadError> {
        let event = match self.xml.read_event_into(buffer) {
            Ok(event) => event.into_owned(),
            Err(error) => return Err(self.error(error)),
        };
        let inside = !self.path.is_empty();
        match event {
            Event::Start(start) => self.open(&start).map(Some),
            Event::End(_) if inside => {
                self.has_ended = true;
                Ok(Some(match std::mem::take(&mut self.is_leaf) {
                    true => Step::Leaf(std::mem::take(&mut self.text)),
                    false => Step::Close,
                }))
            }
            Event::Text(text) if inside || is_blank(&text) => self.add(&with_line_feeds(text.into_inner())),
            Event::CData(text) if inside => self.add(&with_line_feeds(text.into_inner())),
            Event::GeneralRef(reference) if inside => {
                let text = character(&reference).map_err(|what| self.fault(what))?;
                self.add(&text)
            }
            Event::Comment(_) | Event::Decl(_) => Ok(None),
            Event::PI(_) | Event::DocType(_) => Err(self.fault(Violation::ForbiddenMarkup)),
            Event::Eof if !inside => Ok(Some(Step::End)),
            Event::Eof
            | Event::End(_)
            | Event::Empty(_)
            | Event::Text(_)
            | Event::CData(_)
            | Event::GeneralRef(_) => Err(self.fault(Violation::NotWellFormed)),
        }
    }

    fn add(&mut self, text: &str) -> Result<Option<Step>, StatementReadError> {
        if !has_only_xml_characters(text) {
            return Err(self.fault(Violation::NotWellFormed));
        }
        if self.is_leaf {
            self.text.push_str(text);
        } else if !is_blank(text) {
            return Err(self.fault(Violation::UnexpectedText));
        }
        Ok(None)
    }

    fn open(&mut self, start: &BytesStart<'_>) -> Result<Step, StatementReadError> {
        if self.path.len() == DEPTH_MAX {
            return Err(self.fault(Violation::Limit));
        }
        if self.is_leaf && !is_blank(&self.text) {
            return Err(self.fault(Violation::UnexpectedText));
        }
        self.text.clear();
        if self.path.is_empty() {
            let name = match self.xml.resolver().resolve_element(start.name()).0 {
                ResolveResult::Bound(Namespace(name)) => name,
                ResolveResult::Unbound | ResolveResult::Unknown(_) => "",
            };
            if self.root_namespace.replace(name.to_owned()).is_some() {
                return Err(self.fault(Violation::NotWellFormed));
            }
        }
        self.path.push(printable_name(start.local_name().into_inner()));
        self.is_leaf = true;
        self.currency = None;
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| self.fault(Violation::NotWellFormed))?;
            if attribute.key.into_inner() == "Ccy" {
                self.currency = Some(attribute.value.into_owned());
            }
        }
        Ok(Step::Open)
    }

    fn error(&self, error: Error) -> StatementReadError {
        match error {
            _ if self.xml.get_ref().is_over() => self.fault(Violation::Limit),
            Error::Io(error) => StatementReadError::Read(io::Error::new(error.kind(), error)),
            Error::Encoding(_) => self.fault(Violation::Encoding),
            error @ (Error::Syntax(_)
            | Error::IllFormed(_)
            | Error::InvalidAttr(_)
            | Error::Escape(_)
            | Error::Namespace(_)) => self.fault(violation(&error)),
        }
    }
}

/// An input that gives no more than a part's limit.
struct Metered<Input> {
    input: Input,
    used: usize,
}

impl<Input> Metered<Input> {
    fn is_over(&self) -> bool {
        self.used > STATEMENT_PART_BYTES_MAX
    }
}

impl<Input: BufRead> Read for Metered<Input> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl<Input: BufRead> BufRead for Metered<Input> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self.is_over() {
            true => Err(io::ErrorKind::FileTooLarge.into()),
            false => self.input.fill_buf(),
        }
    }

    fn consume(&mut self, count: usize) {
        self.used += count;
        self.input.consume(count);
    }
}
