//! Cuts a document that is too long for memory into pieces that the walker reads like documents of their own.
//!
//! A piece is held together with the start tags of the elements around it in front and their end tags behind. What
//! stands between the pieces that a reader asks for is walked here.
//!
//! Invariants:
//! - A piece, with the tags around it, is as long as any other document may be, and no more than one is held.
//! - Every byte is in exactly one piece, and every piece is walked to its end. A cut at a wrong place makes a piece that
//!   is not well-formed, never one that means something else.

use std::io::{self, BufRead};
use std::ops::Range;

use crate::fault::{SchemaFault, Violation};
use crate::limits::{DOCUMENT_BYTES_MAX, PACKAGE_BYTES_MAX};
use crate::schema::Group;
use crate::walk::{Children, Walker};

/// Why a file of orders, or a report on one, can't be read on.
#[derive(Debug, thiserror::Error)]
pub enum PackageReadError {
    /// The document could not be read.
    #[error("the file could not be read: {0}")]
    Read(#[from] io::Error),
    /// The document is not one of these files as it should be.
    #[error(transparent)]
    Fault(#[from] SchemaFault),
}

/// How a message is laid out: its element holds parts, and each of them lines.
pub(crate) struct Layout {
    pub(crate) namespace: &'static str,
    pub(crate) part: &'static str,
    pub(crate) line: &'static str,
    /// The table of what stands between two parts: nothing.
    pub(crate) gap: &'static Group,
    /// The table of what stands behind the last line of a part: nothing.
    pub(crate) part_end: &'static Group,
    /// The table of what stands behind the last part.
    pub(crate) tail: &'static Group,
}

/// What has been cut off, and is to be walked before the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// What stands before the first part, or in a message without parts.
    Head {
        /// There are no parts.
        is_alone: bool,
    },
    /// What stands in a part before its first line.
    Part,
    /// One element of a part behind that. Its table says whether it is a line.
    Line,
}

/// Where in the document the next piece begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    Head,
    /// At the start tag of a part, which has been read.
    Part,
    Lines,
    /// Behind the end tag of a part whose start tag is still around the pieces.
    PartEnd,
    Gap,
    /// Behind the end tag of the message.
    Rest,
    End,
}

/// Where a piece ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// Before a start tag, which has been read.
    Before,
    /// Behind an element.
    Behind,
    /// Behind the end tag of the element around it.
    ParentEnd,
}

/// A piece of markup, by what it does to the nesting.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Markup {
    Start,
    Empty,
    End,
    /// A comment, a CDATA section or the declaration.
    Other,
    EndOfInput,
}

/// The start tag of an element around the pieces.
struct Opened {
    /// Where it stands among the tags in front of a piece.
    tag: Range<usize>,
    name_length: usize,
}

/// A document being cut.
pub(crate) struct Pieces<Input> {
    input: Input,
    layout: &'static Layout,
    place: Place,
    /// The start tags of the elements around the pieces.
    around: Vec<u8>,
    opened: Vec<Opened>,
    /// The piece between those tags.
    document: Vec<u8>,
    piece: Range<usize>,
    /// The start tag before which the last piece was cut.
    carried: Vec<u8>,
    tag_start: usize,
    /// How many bytes of the input have been read, and how many before this piece.
    offset: u64,
    piece_offset: u64,
}

impl<Input: BufRead> Pieces<Input> {
    pub(crate) fn new(input: Input, layout: &'static Layout) -> Self {
        Self {
            input,
            layout,
            place: Place::Start,
            around: Vec::new(),
            opened: Vec::with_capacity(3),
            document: Vec::with_capacity(4096),
            piece: 0..0,
            carried: Vec::new(),
            tag_start: 0,
            offset: 0,
            piece_offset: 0,
        }
    }

    /// Goes on to the next piece; `None` at the end of the document.
    pub(crate) fn next(&mut self) -> Result<Option<Piece>, PackageReadError> {
        loop {
            match self.place {
                Place::Start => {
                    self.cut_opening()?;
                    self.place = Place::Head;
                }
                Place::Head => {
                    let is_alone = self.cut_before(self.layout.part)? == Cut::ParentEnd;
                    self.place = if is_alone { Place::Rest } else { Place::Part };
                    return Ok(Some(Piece::Head { is_alone }));
                }
                Place::Part => {
                    self.enter_carried();
                    let is_empty = self.cut_before(self.layout.line)? == Cut::ParentEnd;
                    self.place = if is_empty { Place::PartEnd } else { Place::Lines };
                    return Ok(Some(Piece::Part));
                }
                Place::Lines => {
                    if self.cut_element()? == Cut::Behind {
                        return Ok(Some(Piece::Line));
                    }
                    self.check(self.layout.part_end)?;
                    self.place = Place::PartEnd;
                }
                Place::PartEnd => {
                    self.leave();
                    self.place = Place::Gap;
                }
                Place::Gap => {
                    let is_last = self.cut_before(self.layout.part)? == Cut::ParentEnd;
                    self.check(if is_last { self.layout.tail } else { self.layout.gap })?;
                    self.place = if is_last { Place::Rest } else { Place::Part };
                }
                Place::Rest => {
                    self.leave();
                    self.cut_rest()?;
                    self.check(&NOTHING)?;
                    self.place = Place::End;
                }
                Place::End => return Ok(None),
            }
        }
    }

    /// Up to the start tag of the message's element: whether it is the expected message shows before more is read.
    fn cut_opening(&mut self) -> Result<(), PackageReadError> {
        self.begin();
        while self.opened.len() < 2 {
            match self.markup()? {
                Markup::Start => {
                    let tag = self.document[self.tag_start..].to_vec();
                    self.enter(&tag);
                }
                Markup::Other => {}
                Markup::Empty | Markup::End => return Err(self.fault_here(Violation::WrongMessage)),
                Markup::EndOfInput => return Err(self.fault_here(Violation::NotWellFormed)),
            }
        }
        self.end(Cut::Before);
        Ok(self.check(self.layout.gap)?)
    }

    /// Up to the first element of this name, or behind the end of the element around.
    fn cut_before(&mut self, name: &str) -> Result<Cut, PackageReadError> {
        self.begin();
        let mut depth = 0_usize;
        loop {
            match self.markup()? {
                Markup::Start if depth == 0 && self.is_named(name) => {
                    self.carried.extend_from_slice(&self.document[self.tag_start..]);
                    self.document.truncate(self.tag_start);
                    self.end(Cut::Before);
                    return Ok(Cut::Before);
                }
                Markup::Start => depth += 1,
                Markup::End if depth == 0 => {
                    self.end(Cut::ParentEnd);
                    return Ok(Cut::ParentEnd);
                }
                Markup::End => depth -= 1,
                Markup::Empty | Markup::Other => {}
                Markup::EndOfInput => return Err(self.fault_here(Violation::NotWellFormed)),
            }
        }
    }

    /// Behind the next element, or behind the end of the element around.
    fn cut_element(&mut self) -> Result<Cut, PackageReadError> {
        let mut depth = usize::from(!self.carried.is_empty());
        self.begin();
        let cut = loop {
            match self.markup()? {
                Markup::Start => depth += 1,
                Markup::Empty if depth == 0 => break Cut::Behind,
                Markup::End if depth == 0 => break Cut::ParentEnd,
                Markup::End if depth == 1 => break Cut::Behind,
                Markup::End => depth -= 1,
                Markup::Empty | Markup::Other => {}
                Markup::EndOfInput => return Err(self.fault_here(Violation::NotWellFormed)),
            }
        };
        self.end(cut);
        Ok(cut)
    }

    /// Up to the end of the input.
    fn cut_rest(&mut self) -> Result<(), PackageReadError> {
        self.begin();
        self.until(|_| false)?;
        self.end(Cut::ParentEnd);
        Ok(())
    }

    /// Begins a piece, with the start tag before which the last one was cut.
    fn begin(&mut self) {
        self.document.clear();
        self.document.extend_from_slice(&self.around);
        let carried = u64::try_from(self.carried.len()).expect("a tag is shorter than its document");
        self.piece = self.document.len()..self.document.len();
        self.piece_offset = self.offset - carried;
        self.document.append(&mut self.carried);
    }

    /// Ends a piece, and the elements around it that have not ended in it.
    fn end(&mut self, cut: Cut) {
        self.piece.end = self.document.len();
        let ended = usize::from(cut == Cut::ParentEnd);
        for opened in self.opened.iter().rev().skip(ended) {
            let name = opened.tag.start + 1;
            self.document.extend_from_slice(b"</");
            self.document.extend_from_slice(&self.around[name..name + opened.name_length]);
            self.document.push(b'>');
        }
    }

    fn enter_carried(&mut self) {
        let tag = std::mem::take(&mut self.carried);
        self.enter(&tag);
    }

    /// From here on, pieces stand inside the element with this start tag.
    fn enter(&mut self, tag: &[u8]) {
        let start = self.around.len();
        self.around.extend_from_slice(tag);
        self.opened.push(Opened { tag: start..self.around.len(), name_length: name(tag).len() });
    }

    fn leave(&mut self) {
        let opened = self.opened.pop().expect("an element is left as often as it was entered");
        self.around.truncate(opened.tag.start);
    }

    /// Whether the tag that was read last is an element's with this name, whatever its prefix.
    fn is_named(&self, expected: &str) -> bool {
        let name = name(&self.document[self.tag_start..]);
        let local = name.rsplit(|byte| *byte == b':').next().unwrap_or(name);
        local == expected.as_bytes()
    }

    /// Reads on behind the next piece of markup.
    fn markup(&mut self) -> Result<Markup, PackageReadError> {
        if self.until(|byte| byte == b'<')?.is_none() {
            return Ok(Markup::EndOfInput);
        }
        self.tag_start = self.document.len() - 1;
        loop {
            let Some(found) = self.until(|byte| matches!(byte, b'>' | b'"' | b'\''))? else {
                return Err(self.fault_here(Violation::NotWellFormed));
            };
            match &self.document[self.tag_start..] {
                [b'<', b'!', b'-', b'-', inside @ ..] if inside.ends_with(b"-->") => {
                    return Ok(Markup::Other);
                }
                [b'<', b'!', b'[', inside @ ..] if inside.ends_with(b"]]>") => return Ok(Markup::Other),
                [b'<', b'!', b'-', b'-', ..] | [b'<', b'!', b'[', ..] => {}
                [b'<', b'?', inside @ ..] if self.place == Place::Start => {
                    if inside.ends_with(b"?>") {
                        return Ok(Markup::Other);
                    }
                }
                [b'<', b'!' | b'?', ..] => return Err(self.fault_here(Violation::ForbiddenMarkup)),
                [b'<', b'/', ..] if found == b'>' => return Ok(Markup::End),
                [.., b'/', b'>'] if found == b'>' => return Ok(Markup::Empty),
                _ if found == b'>' => return Ok(Markup::Start),
                // The value of an attribute may have the end of a tag inside.
                _ => {
                    self.until(|byte| byte == found)?;
                }
            }
        }
    }

    /// Reads on behind the next such byte, and says which it is; `None` at the end of the input.
    fn until(&mut self, is_end: impl Fn(u8) -> bool) -> Result<Option<u8>, PackageReadError> {
        loop {
            let available = match self.input.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            if available.is_empty() {
                return Ok(None);
            }
            let room = DOCUMENT_BYTES_MAX.saturating_sub(self.document.len());
            let stretch = &available[..available.len().min(room)];
            let found = stretch.iter().position(|byte| is_end(*byte));
            let used = found.map_or(stretch.len(), |at| at + 1);
            let last = found.map(|at| stretch[at]);
            self.document.extend_from_slice(&stretch[..used]);
            self.input.consume(used);
            self.offset += u64::try_from(used).expect("a piece is shorter than its limit");
            if room == 0 || self.offset > PACKAGE_BYTES_MAX {
                return Err(self.fault_here(Violation::Limit));
            }
            if last.is_some() {
                return Ok(last);
            }
        }
    }
}

impl<Input> Pieces<Input> {
    /// Starts walking the piece, along a table of `Document`.
    pub(crate) fn walk(&self, table: &'static Group) -> Result<(Walker<'_>, Children), SchemaFault> {
        let mut walker = Walker::new(&self.document)?;
        let start = walker.element()?.ok_or_else(|| walker.fault(Violation::NotWellFormed))?;
        let is_document = start.local_name().into_inner() == "Document"
            && walker.namespace_of(&start) == self.layout.namespace;
        if !is_document {
            return Err(walker.fault(Violation::WrongMessage));
        }
        let children = walker.enter("Document", self.layout.namespace, table);
        Ok((walker, children))
    }

    /// The input, from which bytes may have been taken that are in no piece.
    pub(crate) fn into_input(self) -> Input {
        self.input
    }

    /// How many bytes of the input have been read.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.offset
    }

    /// The bytes of the piece.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.document[self.piece.clone()]
    }

    /// A fault of the piece, at its place in the input.
    pub(crate) fn located(&self, fault: SchemaFault) -> SchemaFault {
        let inside = fault.offset.clamp(self.piece.start, self.piece.end) - self.piece.start;
        let before = usize::try_from(self.piece_offset).unwrap_or(usize::MAX);
        SchemaFault { offset: before.saturating_add(inside), ..fault }
    }

    /// A fault where the reader stands.
    pub(crate) fn fault(&self, path: &str, what: Violation) -> SchemaFault {
        SchemaFault { path: path.into(), offset: usize::try_from(self.offset).unwrap_or(usize::MAX), what }
    }

    /// A fault in the piece that is being cut, about which no more is known than where it stands.
    fn fault_here(&self, what: Violation) -> PackageReadError {
        let path = match self.place {
            Place::Part => self.layout.part.to_owned(),
            Place::Lines => format!("{}/{}", self.layout.part, self.layout.line),
            Place::Start | Place::Head | Place::PartEnd | Place::Gap | Place::Rest | Place::End => {
                String::new()
            }
        };
        PackageReadError::Fault(self.fault(&path, what))
    }

    /// Walks a piece in which nobody looks for anything.
    fn check(&self, table: &'static Group) -> Result<(), SchemaFault> {
        let walk_through = || {
            let (mut walker, mut children) = self.walk(table)?;
            while let Some(child) = walker.next(&mut children)? {
                walker.skip(child)?;
            }
            walker.finish()
        };
        walk_through().map_err(|fault| self.located(fault))
    }
}

/// The table of a document with nothing more inside.
static NOTHING: Group = Group { choice: false, elements: &[] };

/// The name in a tag, with its prefix.
fn name(tag: &[u8]) -> &[u8] {
    let inside = tag.get(1..).unwrap_or_default();
    let ends_name = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>');
    &inside[..inside.iter().position(ends_name).unwrap_or(inside.len())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PAIN001_NAMESPACE;
    use crate::pain001_read::LAYOUT;

    #[test]
    fn every_byte_is_in_one_piece() {
        let opening = format!("<Document xmlns='{PAIN001_NAMESPACE}'><CstmrCdtTrfInitn>");
        let parts = [" <GrpHdr/>", "<a/>", "<CdtTrfTxInf b='/>'>1</CdtTrfTxInf>", "\n<c/>", "<!--d-->"];
        let [head, part, first, second, end] = parts;
        let document = format!(
            "{opening}{head}<PmtInf>{part}{first}{second}{end}</PmtInf></CstmrCdtTrfInitn></Document> "
        );
        let mut pieces = Pieces::new(document.as_bytes(), &LAYOUT);
        for (expected, bytes) in [
            (Piece::Head { is_alone: false }, head),
            (Piece::Part, part),
            (Piece::Line, first),
            (Piece::Line, second),
        ] {
            assert_eq!(pieces.next().unwrap(), Some(expected));
            assert_eq!(pieces.bytes(), bytes.as_bytes());
            let fault = SchemaFault { path: String::new(), offset: usize::MAX, what: Violation::Rule };
            assert_eq!(pieces.located(fault).offset, document.find(bytes).unwrap() + bytes.len());
        }
        assert_eq!(pieces.next().unwrap(), None);
        assert_eq!(pieces.offset, u64::try_from(document.len()).unwrap());
    }

    #[test]
    fn files_are_not_read_beyond_their_limit() {
        let document = format!("<Document xmlns='{PAIN001_NAMESPACE}'><CstmrCdtTrfInitn>");
        let mut pieces = Pieces::new(document.as_bytes(), &LAYOUT);
        pieces.offset = PACKAGE_BYTES_MAX - 10;
        let Err(PackageReadError::Fault(fault)) = pieces.next() else { panic!("the file is too long") };
        assert_eq!(fault.what, Violation::Limit);
    }
}
