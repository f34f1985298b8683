//! Walking through a document along its schema.
//!
//! The walker holds the document against the tables of `schema`: which element may stand where, how often,
//! and with what value. A reader asks for one child after the other and says what to do with it.
//!
//! Invariant: `path` names the open elements. Whoever opens a child closes it, by reading its value, by
//! asking for its children up to the last, or by skipping it.

use std::borrow::Cow;
use std::ops::Range;

use quick_xml::events::BytesStart;
use quick_xml::name::PrefixDeclaration;

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

/// Where in the document an element stands whose schema is not known here.
pub(crate) struct Foreign {
    pub(crate) range: Range<usize>,
    /// How long its name is, with its prefix.
    pub(crate) name_length: usize,
    /// The prefixes that it declares itself; `None` is the default.
    pub(crate) declared: Vec<Option<String>>,
}

/// How far the reading of a group of elements has come.
pub(crate) struct Children {
    group: &'static Group,
    /// The element that may come next, and how often it has been there.
    index: usize,
    count: u16,
}

impl<'document> Walker<'document> {
    /// Starts reading a document.
    pub(crate) fn new(document: &'document [u8]) -> Result<Self, SchemaFault> {
        let xml = Xml::new(document).map_err(|what| SchemaFault { path: String::new(), offset: 0, what })?;
        Ok(Self { xml, path: Vec::with_capacity(16), currency: String::new() })
    }

    /// The next element that no table describes (a wrapper, a header, a document), or `None` at the end of the
    /// one around it.
    pub(crate) fn element(&mut self) -> Result<Option<BytesStart<'document>>, SchemaFault> {
        loop {
            match self.node()? {
                Node::Open(start, _) => {
                    self.check_attributes(&start, None)?;
                    return Ok(Some(start));
                }
                Node::Text(text) if is_blank(&text) => {}
                Node::Text(_) => return Err(self.fault(Violation::UnexpectedText)),
                Node::Close => return Ok(None),
                Node::End => return Err(self.fault(Violation::NotWellFormed)),
            }
        }
    }

    /// The namespace of an element, `""` if it is in none.
    pub(crate) fn namespace_of(&self, start: &BytesStart<'_>) -> &str {
        self.xml.namespace_of(start)
    }

    /// Goes on with the children of the element that was opened last, along a table.
    pub(crate) fn enter(
        &mut self,
        name: &'static str,
        namespace: &'static str,
        root: &'static Group,
    ) -> Children {
        self.path.push(name);
        self.xml.enter(namespace);
        Children::of(root)
    }

    /// Checks that nothing follows the root.
    pub(crate) fn finish(mut self) -> Result<(), SchemaFault> {
        match self.node()? {
            Node::End => Ok(()),
            Node::Open(..) | Node::Text(_) | Node::Close => Err(self.fault(Violation::NotWellFormed)),
        }
    }

    /// Goes on to the end of the document, of which only the form is looked at: it is known to break its schema.
    pub(crate) fn pass_to_end(&mut self) -> Result<(), SchemaFault> {
        loop {
            match self.node()? {
                Node::Open(start, _) => {
                    self.xml.attributes(&start).map_err(|what| self.fault(what))?;
                }
                Node::Text(_) | Node::Close => {}
                Node::End => return Ok(()),
            }
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
            Content::Group(_) | Content::Anything(_) => unreachable!("{} has no value", element.name),
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
            Content::Anything(namespace) => self.anything(namespace).map(|_| ()),
        }
    }

    /// Reads the one element inside the child that was opened last, which may be anything, and says where in
    /// the document it stands and how long its name is.
    pub(crate) fn anything(&mut self, namespace: Option<&str>) -> Result<Foreign, SchemaFault> {
        let mut found: Option<Foreign> = None;
        let mut depth = 0_usize;
        loop {
            let before = self.xml.offset();
            match self.node()? {
                Node::Open(start, inside) => {
                    self.check_foreign(&start, inside)?;
                    if depth == 0 {
                        let expected = namespace.is_none_or(|name| self.xml.namespace_of(&start) == name);
                        if found.is_some() || !expected {
                            let name = start.local_name().into_inner();
                            return Err(self.fault_of_child(name, Violation::UnexpectedElement));
                        }
                        found = Some(self.foreign(&start, before));
                    }
                    depth += 1;
                }
                Node::Text(text) if depth == 0 && !is_blank(&text) => {
                    return Err(self.fault(Violation::UnexpectedText));
                }
                Node::Text(_) => {}
                Node::Close if depth == 0 => {
                    let found = found.ok_or_else(|| self.fault(Violation::Missing))?;
                    self.path.pop();
                    return Ok(found);
                }
                Node::Close => {
                    depth -= 1;
                    let end = self.xml.offset();
                    found.iter_mut().for_each(|foreign| foreign.range.end = end);
                }
                Node::End => return Err(self.fault(Violation::NotWellFormed)),
            }
        }
    }

    fn foreign(&self, start: &BytesStart<'_>, before: usize) -> Foreign {
        let end = self.xml.offset();
        // No attribute has this character in its value, so the last one begins the tag.
        let tag = self.xml.stretch(before..end).rfind('<').expect("a start tag has been read");
        let declared = start.attributes().flatten().filter_map(|attribute| {
            attribute.key.as_namespace_binding().map(|binding| match binding {
                PrefixDeclaration::Default => None,
                PrefixDeclaration::Named(prefix) => Some(prefix.to_owned()),
            })
        });
        Foreign {
            range: before + tag..end,
            name_length: start.name().into_inner().len(),
            declared: declared.collect(),
        }
    }

    /// In the eyes of a schema processor an element that is `Document` would have to be one, and one that names
    /// its type would have to be of it.
    fn check_foreign(&self, start: &BytesStart<'_>, inside: bool) -> Result<(), SchemaFault> {
        let attributes = self.xml.attributes(start).map_err(|what| self.fault(what))?;
        let name = start.local_name().into_inner();
        match (attributes.instance, inside && name == "Document") {
            (true, _) => Err(self.fault(Violation::Attribute)),
            (false, true) => Err(self.fault_of_child(name, Violation::UnexpectedElement)),
            (false, false) => Ok(()),
        }
    }

    /// The namespaces in scope: prefixes, `None` for the default, and names as they are written.
    pub(crate) fn bindings(&self) -> Vec<(Option<String>, String)> {
        self.xml.bindings()
    }

    /// A stretch of the document.
    pub(crate) fn stretch(&self, range: Range<usize>) -> &'document str {
        self.xml.stretch(range)
    }

    /// How many bytes have been read.
    pub(crate) fn offset(&self) -> usize {
        self.xml.offset()
    }

    /// The names of the open elements.
    pub(crate) fn names(&self) -> &[&'static str] {
        &self.path
    }

    /// Where the walker stands, for faults that are not the schema's.
    pub(crate) fn path(&self) -> String {
        path_text(&self.path)
    }

    /// A fault at the innermost open element.
    pub(crate) fn fault(&self, what: Violation) -> SchemaFault {
        SchemaFault { path: self.path(), offset: self.xml.offset(), what }
    }

    /// A fault in a child whose value has just been read.
    pub(crate) fn fault_of(&self, element: &Element, what: Violation) -> SchemaFault {
        self.fault_of_child(element.name, what)
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
        start: &BytesStart<'_>,
        element: Option<&Element>,
    ) -> Result<(), SchemaFault> {
        let Attributes { currency, unknown, instance } =
            self.xml.attributes(start).map_err(|what| self.fault(what))?;
        let is_amount =
            element.is_some_and(|element| matches!(element.content, Content::Value(Form::Amount)));
        match currency {
            _ if unknown || instance => Err(self.fault(Violation::Attribute)),
            Some(currency) if is_amount && Form::Currency.accepts(&currency) => {
                self.currency = currency;
                Ok(())
            }
            None if !is_amount => Ok(()),
            Some(_) | None => Err(self.fault(Violation::Attribute)),
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
            Content::Value(_) | Content::Anything(_) => unreachable!("{} has no children", element.name),
        }
    }

    /// Moves to the element with this name. It stands at its place if no mandatory one is left out before it.
    fn step(&mut self, name: &str) -> Result<&'static Element, Violation> {
        let elements = self.group.elements;
        let Some(index) = (self.index..elements.len()).find(|index| elements[*index].name == name) else {
            return Err(Violation::UnexpectedElement);
        };
        if self.group.choice {
            let again = index == self.index && self.count < elements[index].most;
            if self.count > 0 && !again {
                return Err(Violation::UnexpectedElement);
            }
            (self.index, self.count) = (index, self.count + 1);
            return Ok(&elements[index]);
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
