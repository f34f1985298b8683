//! A tolerant search for the text of single elements, in documents that may be broken anywhere.
//!
//! It knows tags, comments, CDATA and nothing else: no nesting, no schema, no encoding but ASCII names.
//! Invariant: it never fails, and what it finds are ranges inside the document.

use std::ops::Range;

use types::Text;

use crate::ADMI002_NAMESPACE;
use crate::limits::DOCUMENT_BYTES_MAX;

/// The local name of an element with nothing but text (or one CDATA section) inside, and where that text is.
pub(crate) struct Leaf<'document> {
    pub(crate) name: &'document [u8],
    pub(crate) text: Range<usize>,
}

/// Goes through the start tags of a document.
pub(crate) struct Leaves<'document> {
    document: &'document [u8],
    position: usize,
}

impl<'document> Leaves<'document> {
    pub(crate) fn new(document: &'document [u8]) -> Self {
        Self { document, position: 0 }
    }

    /// The position behind the next occurrence of a mark, or the end of the document.
    fn behind(&self, from: usize, mark: &[u8]) -> usize {
        let rest = self.document.get(from..).unwrap_or_default();
        let found = rest.windows(mark.len()).position(|window| window == mark);
        found.map_or(self.document.len(), |found| from + found + mark.len())
    }

    /// The position behind the `>` of a tag; attribute values may have one inside.
    fn behind_tag(&self, from: usize) -> usize {
        let mut quote = None;
        for (index, byte) in self.document.iter().enumerate().skip(from) {
            match (quote, byte) {
                (None, b'>') => return index + 1,
                (None, b'"' | b'\'') => quote = Some(byte),
                (Some(open), byte) if open == byte => quote = None,
                _ => {}
            }
        }
        self.document.len()
    }

    /// The text that starts here, if an end tag follows it.
    fn text(&self, from: usize) -> Option<Range<usize>> {
        const CDATA: &[u8] = b"<![CDATA[";
        let rest = self.document.get(from..)?;
        let (start, end, next) = if rest.starts_with(CDATA) {
            let behind = self.behind(from, b"]]>");
            (from + CDATA.len(), behind.checked_sub(3)?, behind)
        } else {
            let end = from + rest.iter().position(|byte| *byte == b'<')?;
            (from, end, end)
        };
        let closes = self.document.get(next..)?.starts_with(b"</");
        (closes && start <= end).then_some(start..end)
    }
}

impl<'document> Iterator for Leaves<'document> {
    type Item = Leaf<'document>;

    fn next(&mut self) -> Option<Leaf<'document>> {
        loop {
            let open = self.behind(self.position, b"<");
            let rest = self.document.get(open..).filter(|rest| !rest.is_empty())?;
            if rest.starts_with(b"!--") {
                self.position = self.behind(open + 3, b"-->");
                continue;
            }
            if rest.starts_with(b"![CDATA[") {
                self.position = self.behind(open, b"]]>");
                continue;
            }
            self.position = self.behind_tag(open);
            let local = local_name(rest);
            let empty = self.document[..self.position].ends_with(b"/>");
            // An end tag has no name before its slash.
            let passes = empty || local.is_empty();
            if let (false, Some(text)) = (passes, self.text(self.position)) {
                return Some(Leaf { name: local, text });
            }
        }
    }
}

/// The message id of a document that could not be read, if it has one that can be repeated to its sender.
pub fn message_id_of(document: &[u8]) -> Option<Text<35>> {
    let head = &document[..document.len().min(DOCUMENT_BYTES_MAX)];
    let leaf = Leaves::new(head).find(|leaf| matches!(leaf.name, b"MsgId" | b"BizMsgIdr"))?;
    Text::parse_identifier(std::str::from_utf8(&head[leaf.text]).ok()?).ok()
}

/// The local name of the first start tag; empty if there is none.
pub(crate) fn root_name(document: &[u8]) -> &[u8] {
    let mut tags = Leaves::new(&document[..document.len().min(DOCUMENT_BYTES_MAX)]);
    loop {
        let open = tags.behind(tags.position, b"<");
        let Some(rest) = tags.document.get(open..).filter(|rest| !rest.is_empty()) else { return b"" };
        if rest.starts_with(b"!--") {
            tags.position = tags.behind(open + 3, b"-->");
        } else if rest.starts_with(b"?") || rest.starts_with(b"!") {
            tags.position = tags.behind_tag(open);
        } else {
            return local_name(rest);
        }
    }
}

/// The local name at the start of a tag's inside.
fn local_name(tag: &[u8]) -> &[u8] {
    let ends_name = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>');
    let name = &tag[..tag.iter().position(ends_name).unwrap_or(tag.len())];
    name.rsplit(|byte| *byte == b':').next().unwrap_or(name)
}

/// Whether a document that could not be read looks like the rejection of a message. Rejections are never
/// answered, not even broken ones: two systems could go on rejecting each other's for ever.
pub fn is_rejection(document: &[u8]) -> bool {
    let head = &document[..document.len().min(DOCUMENT_BYTES_MAX)];
    head.windows(ADMI002_NAMESPACE.len()).any(|window| window == ADMI002_NAMESPACE.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(document: &str) -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let leaves = Leaves::new(document.as_bytes());
        leaves.map(|leaf| (text(leaf.name), document[leaf.text].to_owned())).collect()
    }

    #[track_caller]
    fn check(document: &str, expected: &[(&str, &str)]) {
        let expected: Vec<_> =
            expected.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect();
        assert_eq!(found(document), expected, "{document}");
    }

    #[test]
    fn leaves_are_found_in_whatever_dress() {
        check("<a><b>1</b></a>", &[("b", "1")]);
        check("<p:a x='>'><p:b y=\"/>\">1</p:b><p:c/></p:a>", &[("b", "1")]);
        check("<a><!-- <b>0</b> --><b><![CDATA[1<2]]></b></a>", &[("b", "1<2")]);
        check("<a><![CDATA[<b>0</b>]]></a><b >1</b >", &[("a", "<b>0</b>"), ("b", "1")]);
        check("<b></b>", &[("b", "")]);
    }

    #[test]
    fn broken_documents_end_the_search() {
        for document in
            ["", "<", "<a", "<a>", "<a>1", "<a>1<", "<!--", "<![CDATA[", "<a><![CDATA[", "<a x='", "</"]
        {
            check(document, &[]);
        }
        check("<a>1<b>2</b>", &[("b", "2")]);
    }

    #[test]
    fn the_root_shows_itself() {
        for (document, name) in [
            ("<?xml version='1.0'?>\n<!-- <a> --><p:Root x='>'><b/>", "Root"),
            ("\u{FEFF}<Root", "Root"),
            ("<!DOCTYPE a><Root/>", "Root"),
            ("", ""),
            ("text", ""),
            ("<", ""),
            ("<!--", ""),
            ("</a>", ""),
        ] {
            assert_eq!(root_name(document.as_bytes()), name.as_bytes(), "{document}");
        }
    }

    #[test]
    fn message_ids_are_repeated_only_if_usable() {
        assert_eq!(message_id_of(b"<x:MsgId>M-1</x:MsgId").unwrap().as_str(), "M-1");
        assert_eq!(message_id_of("<MsgId>Ä</MsgId>".as_bytes()), None);
        assert_eq!(message_id_of(b"<MsgId> M</MsgId>"), None);
        assert_eq!(message_id_of(b"no XML at all"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_searched_without_panic(document in "[<>/!a-c\\-\\[\\]CDAT'\" ]{0,60}") {
            for leaf in Leaves::new(document.as_bytes()) {
                proptest::prop_assert!(document.get(leaf.text).is_some());
            }
        }
    }
}
