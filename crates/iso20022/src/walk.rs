//! Walking through a document along its schema.
//!
//! The walker holds the document against the tables of `schema`: which element may stand where, how often,
//! and with what value. A reader asks for one child after the other and says what to do with it.
//!
//! Invariant: `path` names the open elements. Whoever opens a child closes it, by reading its value, by
//! asking for its children up to the last, or by skipping it.

use std::borrow::Cow;

use crate::fault::{SchemaFault, Violation, path_text, printable_name};
use crate::schema::{Content, Element, Form, Group};
use crate::xml::{Attributes, Node, Xml, is_blank};

/// A document being read along its schema.
pub(crate) struct Walker<'document> {
    xml: Xml<'document>,
    path: Vec<&'static str>,
    /// The currency of the amount that was opened last.
    currency: String,
}

/// How far the reading of a group of elements has come.
pub(crate) struct Children {
    group: &'static Group,
    /// The element that may come next, and how often it has been there.
    index: usize,
    count: u16,
}

impl<'document> Walker<'document> {
    /// Opens a document and reads up to the children of its root.
    pub(crate) fn open(
        document: &'document [u8],
        namespace: &'static str,
        root: &'static Group,
    ) -> Result<(Self, Children), SchemaFault> {
        let at_start = |what| SchemaFault { path: String::new(), offset: 0, what };
        let xml = Xml::new(document, namespace).map_err(at_start)?;
        let mut walker = Self { xml, path: Vec::with_capacity(16), currency: String::new() };
        let Node::Open(start, inside) = walker.node()? else {
            return Err(walker.fault(Violation::NotWellFormed));
        };
        if !inside || start.local_name().into_inner() != "Document" {
            return Err(walker.fault(Violation::WrongMessage));
        }
        walker.check_attributes(&start, None)?;
        walker.path.push("Document");
        Ok((walker, Children::of(root)))
    }

    /// Checks that nothing follows the root.
    pub(crate) fn finish(mut self) -> Result<(), SchemaFault> {
        match self.node()? {
            Node::End => Ok(()),
            Node::Open(..) | Node::Text(_) | Node::Close => Err(self.fault(Violation::NotWellFormed)),
        }
    }

    /// The next child, or `None` when its parent has ended and all that is mandatory was there.
    pub(crate) fn next(&mut self, children: &mut Children) -> Result<Option<&'static Element>, SchemaFault> {
        loop {
            match self.node()? {
                Node::Open(start, inside) => {
                    let name = start.local_name().into_inner();
                    let element = match inside {
                        true => children.step(name).map_err(|fault| self.fault_of_child(name, fault))?,
                        false => return Err(self.fault_of_child(name, Violation::UnexpectedElement)),
                    };
                    self.path.push(element.name);
                    self.check_attributes(&start, Some(element))?;
                    return Ok(Some(element));
                }
                Node::Text(text) if is_blank(&text) => {}
                Node::Text(_) => return Err(self.fault(Violation::UnexpectedText)),
                Node::Close => {
                    if let Some(missing) = children.missing() {
                        return Err(self.fault_of_child(missing, Violation::Missing));
                    }
                    self.path.pop();
                    return Ok(None);
                }
                Node::End => return Err(self.fault(Violation::NotWellFormed)),
            }
        }
    }

    /// The value of the child that was opened last, which ends with it.
    pub(crate) fn value(&mut self, element: &Element) -> Result<Cow<'document, str>, SchemaFault> {
        let form = match element.content {
            Content::Value(form) => form,
            Content::Group(_) | Content::Opaque => unreachable!("{} has no value", element.name),
        };
        let mut value = Cow::Borrowed("");
        loop {
            match self.node()? {
                Node::Text(text) if value.is_empty() => value = text,
                Node::Text(text) => value.to_mut().push_str(&text),
                Node::Close => break,
                Node::Open(start, _) => {
                    let name = start.local_name().into_inner();
                    return Err(self.fault_of_child(name, Violation::UnexpectedElement));
                }
                Node::End => return Err(self.fault(Violation::NotWellFormed)),
            }
        }
        if !form.keeps_blanks() {
            value = without_blanks(value);
        }
        if !form.accepts(&value) {
            return Err(self.fault(Violation::Lexical));
        }
        self.path.pop();
        Ok(value)
    }

    /// The value of an amount, and its currency.
    pub(crate) fn amount(&mut self, element: &Element) -> Result<(Cow<'document, str>, String), SchemaFault> {
        let currency = std::mem::take(&mut self.currency);
        Ok((self.value(element)?, currency))
    }

    /// Passes over the child that was opened last, whatever is in it.
    pub(crate) fn skip(&mut self, element: &'static Element) -> Result<(), SchemaFault> {
        match element.content {
            Content::Value(_) => self.value(element).map(|_| ()),
            Content::Group(group) => {
                let mut children = Children::of(group);
                while let Some(child) = self.next(&mut children)? {
                    self.skip(child)?;
                }
                Ok(())
            }
            Content::Opaque => self.skip_opaque(),
        }
    }

    fn skip_opaque(&mut self) -> Result<(), SchemaFault> {
        let mut depth = 0_usize;
        loop {
            match self.node()? {
                Node::Open(start, _) => {
                    self.xml.attributes(&start).map_err(|what| self.fault(what))?;
                    depth += 1;
                }
                Node::Text(_) => {}
                Node::Close if depth == 0 => {
                    self.path.pop();
                    return Ok(());
                }
                Node::Close => depth -= 1,
                Node::End => return Err(self.fault(Violation::NotWellFormed)),
            }
        }
    }

    /// Where the walker stands, for faults that are not the schema's.
    pub(crate) fn path(&self) -> String {
        path_text(&self.path)
    }

    /// A fault at the innermost open element.
    pub(crate) fn fault(&self, what: Violation) -> SchemaFault {
        SchemaFault { path: self.path(), offset: self.xml.offset(), what }
    }

    /// A fault at a child of the innermost open element.
    fn fault_of_child(&self, name: &str, what: Violation) -> SchemaFault {
        let name = printable_name(name);
        let mut path = self.path.clone();
        path.push(&name);
        SchemaFault { path: path_text(&path), offset: self.xml.offset(), what }
    }

    fn node(&mut self) -> Result<Node<'document>, SchemaFault> {
        self.xml.next().map_err(|what| self.fault(what))
    }

    fn check_attributes(
        &mut self,
        start: &quick_xml::events::BytesStart<'_>,
        element: Option<&Element>,
    ) -> Result<(), SchemaFault> {
        let Attributes { currency, unknown } = self.xml.attributes(start).map_err(|what| self.fault(what))?;
        let (is_amount, is_opaque) = match element.map(|element| &element.content) {
            Some(Content::Value(Form::Amount)) => (true, false),
            Some(Content::Opaque) => (false, true),
            Some(Content::Value(_) | Content::Group(_)) | None => (false, false),
        };
        match currency {
            Some(currency) if is_amount && !unknown && Form::Currency.accepts(&currency) => {
                self.currency = currency;
                Ok(())
            }
            None if !is_amount && !unknown => Ok(()),
            _ if is_opaque => Ok(()),
            _ => Err(self.fault(Violation::Attribute)),
        }
    }
}

impl Children {
    /// The children of an element with this group inside, none of them read yet.
    pub(crate) fn of(group: &'static Group) -> Self {
        Self { group, index: 0, count: 0 }
    }

    /// The children of the element that was opened last.
    pub(crate) fn inside(element: &'static Element) -> Self {
        match element.content {
            Content::Group(group) => Self::of(group),
            Content::Value(_) | Content::Opaque => unreachable!("{} has no children", element.name),
        }
    }

    /// Moves to the element with this name. It stands at its place if no mandatory one is left out before it.
    fn step(&mut self, name: &str) -> Result<&'static Element, Violation> {
        let elements = self.group.elements;
        let Some(index) = (self.index..elements.len()).find(|index| elements[*index].name == name) else {
            return Err(Violation::UnexpectedElement);
        };
        if self.group.choice {
            let first = self.count == 0;
            (self.index, self.count) = (index, 1);
            return if first { Ok(&elements[index]) } else { Err(Violation::UnexpectedElement) };
        }
        if index > self.index {
            let skips_mandatory = |position: usize| elements[position].least > self.seen(position);
            if (self.index..index).any(skips_mandatory) {
                return Err(Violation::UnexpectedElement);
            }
            (self.index, self.count) = (index, 0);
        }
        self.count = self.count.saturating_add(1);
        match self.count > elements[index].most {
            true => Err(Violation::Repeated),
            false => Ok(&elements[index]),
        }
    }

    /// How often the element at a position has been there, as far as it may still be missing.
    fn seen(&self, position: usize) -> u16 {
        if position == self.index { self.count } else { 0 }
    }

    /// The first mandatory element that has not been there by the end of the group.
    fn missing(&self) -> Option<&'static str> {
        let elements = self.group.elements;
        if self.group.choice {
            return if self.count == 0 { Some(elements[0].name) } else { None };
        }
        (self.index..elements.len())
            .find(|position| elements[*position].least > self.seen(*position))
            .map(|position| elements[position].name)
    }
}

/// `xs:whiteSpace` collapse, for values that have no blanks inside.
fn without_blanks(value: Cow<'_, str>) -> Cow<'_, str> {
    const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];
    match value {
        Cow::Borrowed(value) => Cow::Borrowed(value.trim_matches(BLANKS)),
        Cow::Owned(value) => Cow::Owned(value.trim_matches(BLANKS).to_owned()),
    }
}
