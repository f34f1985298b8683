//! Files of orders as streams: cut, damaged, hostile and long ones.

use std::io::BufReader;

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::package::{self, Endless};
use crate::limits::{DOCUMENT_BYTES_MAX, PACKAGE_PAYMENTS_MAX};
use crate::schema::Group;
use crate::walk::Walker;
use crate::{
    PAIN001_NAMESPACE, PAIN002_NAMESPACE, PackageReadError, PackageReader, PackageReportReader, SchemaFault,
    Violation, pain001_schema, pain002_schema,
};

/// Reads a document in one piece, by its table alone.
pub(super) fn follows_table(
    document: &[u8],
    namespace: &'static str,
    table: &'static Group,
) -> Result<(), SchemaFault> {
    let mut walker = Walker::new(document)?;
    let start = walker.element()?.ok_or_else(|| walker.fault(Violation::NotWellFormed))?;
    if start.local_name().into_inner() != "Document" || walker.namespace_of(&start) != namespace {
        return Err(walker.fault(Violation::WrongMessage));
    }
    let mut children = walker.enter("Document", namespace, table);
    while let Some(message) = walker.next(&mut children)? {
        walker.skip(message)?;
    }
    walker.finish()
}

/// The tables of the messages of this module, whole.
pub(super) fn follows_schema(name: &str, document: &[u8]) -> Result<(), SchemaFault> {
    match name {
        "pain.001.001.09" => follows_table(document, PAIN001_NAMESPACE, &pain001_schema::DOCUMENT),
        "pain.002.001.10" => follows_table(document, PAIN002_NAMESPACE, &pain002_schema::DOCUMENT),
        _ => unreachable!("{name} is read by another module"),
    }
}

#[test]
fn a_file_that_ends_early_is_no_file() {
    let document = package::document();
    assert!(package::read(document.as_bytes()).is_ok());
    for length in 0..document.len() {
        let read = package::read(&document.as_bytes()[..length]);
        assert!(matches!(read, Err(PackageReadError::Fault(_))), "{length} bytes: {read:?}");
    }
}

/// How many bytes a reader takes of a file that goes on for ever in one place.
#[track_caller]
fn taken(before: &str, again: &str, what: Violation) -> usize {
    let document = package::document();
    let at = document.find(before).unwrap();
    let mut pieces = vec![document.as_bytes()[..at].to_vec()];
    let again = again.as_bytes().to_vec();
    let mut input = BufReader::with_capacity(
        1024,
        Endless::new(move || Some(pieces.pop().unwrap_or_else(|| again.clone()))),
    );
    let read = PackageReader::open(&mut input).and_then(|reader| reader.collect::<Result<Vec<_>, _>>());
    match read {
        Err(PackageReadError::Fault(fault)) => assert_eq!(fault.what, what, "{fault}"),
        other => panic!("{other:?}"),
    }
    input.get_ref().given
}

#[test]
fn what_has_no_end_is_not_read_to_it() {
    use Violation::{ForbiddenMarkup, Limit, NotWellFormed, Totals};
    let room = package::document().len() + 2 * DOCUMENT_BYTES_MAX;
    let attribute = " a=\"x\"".repeat(500);
    for (before, again, what) in [
        ("<Document", " ", Limit),
        ("<Document", "<", Limit),
        ("<Document", "<!-- ", Limit),
        ("<Document", "<!DOCTYPE x [<!ENTITY y \"&y;&y;\">]>", ForbiddenMarkup),
        (" xmlns", &attribute, Limit),
        ("<GrpHdr>", "<GrpHdr><a>", Limit),
        ("<MsgId>", "<MsgId>", Limit),
        ("<InitgPty>", "<InitgPty>", Limit),
        ("<PmtInf>", "<SplmtryData></SplmtryData>", Limit),
        ("<Dbtr>", "<x>", Limit),
        ("<Ustrd>", "<Ustrd>", Limit),
        ("Thanks", "Thanks", Limit),
        ("Thanks", "<![CDATA[x]]>", Limit),
        ("Thanks", "&amp;", Limit),
        ("<CdtTrfTxInf>", " <!-- comment -->", Limit),
        ("</PmtInf>", "\n", Limit),
        ("</CstmrCdtTrfInitn>", "\n", Limit),
        ("</Document>", "</Document>", Limit),
        ("</Document>", "x", Limit),
        ("</RmtInf>", "</RmtInf></CdtTrfTxInf><CdtTrfTxInf><RmtInf>", Totals),
        ("<Ustrd>", "</x>", NotWellFormed),
    ] {
        let taken = taken(before, again, what);
        assert!(taken <= room, "{taken} bytes of {again:.20} before {before}");
    }
}

#[test]
fn names_and_nesting_are_bounded() {
    let name = "x".repeat(40_000);
    for (from, to) in [
        ("<Ustrd>Thanks</Ustrd>", format!("{}{}", "<a>".repeat(40), "</a>".repeat(40))),
        ("<PmtInf>", format!("<PmtInf {}>", "a='1' ".repeat(400))),
        ("<Ustrd>Thanks</Ustrd>", format!("<{name}></{name}>")),
    ] {
        let document = package::document().replacen(from, &to, 1);
        let Err(PackageReadError::Fault(fault)) = package::read(document.as_bytes()) else {
            panic!("{to:.20} is too much")
        };
        assert_eq!(fault.what, Violation::Limit, "{to:.20}");
        assert!(fault.path.len() < 200);
    }
    let unknown = package::document().replacen("<Ustrd>Thanks</Ustrd>", &format!("<{:x<500}/>", "x"), 1);
    let (_, lines) = package::read(unknown.as_bytes()).unwrap();
    assert!(lines[0].order.as_ref().unwrap_err().path.len() < 100, "a long name is cut");
}

/// A file that is longer than any buffer is read line by line.
#[test]
fn long_files_pass_in_small_pieces() {
    const LINES: usize = 20_000;
    let document = package::document();
    let line = document.find("<CdtTrfTxInf>").unwrap();
    let end = document.find("</CdtTrfTxInf>").unwrap() + "</CdtTrfTxInf>".len();
    let last = document.rfind("</PmtInf>").unwrap();
    let head = document[..line]
        .replace("<NbOfTxs>3", &format!("<NbOfTxs>{LINES}"))
        .replace("<CtrlSum>37.02", "<CtrlSum>246800");
    let (body, tail) = (document[line..end].to_owned(), document[last..].to_owned());
    let mut number = 0;
    let input = Endless::new(move || {
        number += 1;
        match number {
            1 => Some(head.clone().into_bytes()),
            _ if number <= LINES + 1 => Some(body.clone().into_bytes()),
            _ if number == LINES + 2 => Some(tail.clone().into_bytes()),
            _ => None,
        }
    });
    let mut reader = PackageReader::open(BufReader::new(input)).unwrap();
    let count = reader.by_ref().filter(|line| line.as_ref().is_ok_and(|line| line.order.is_ok())).count();
    assert_eq!((count, reader.totals().sum.to_decimal().as_str()), (LINES, "246800.00"));
}

#[test]
fn payment_informations_are_counted() {
    let document = package::document();
    let (head, rest) = document.split_at(document.find("<PmtInf>").unwrap());
    let part = rest[rest.rfind("<PmtInf>").unwrap()..rest.rfind("</CstmrCdt").unwrap()].to_owned();
    let head = head.replace("<NbOfTxs>3", "<NbOfTxs>20000").replace("<CtrlSum>37.02</CtrlSum>", "");
    let mut head = Some(head);
    let input = Endless::new(move || Some(head.take().unwrap_or_else(|| part.clone()).into_bytes()));
    let mut reader = PackageReader::open(BufReader::new(input)).unwrap();
    let fault = reader.by_ref().find_map(Result::err).unwrap();
    assert!(matches!(fault, PackageReadError::Fault(fault) if fault.what == Violation::Limit));
    assert_eq!(reader.totals().transactions, PACKAGE_PAYMENTS_MAX);
}

/// What the reader of pieces makes of a document is what the walker makes of the whole.
#[track_caller]
fn survive(document: &[u8]) {
    let whole = follows_schema("pain.001.001.09", document);
    let read = package::read(document);
    let in_drops = PackageReader::open(BufReader::with_capacity(5, document))
        .and_then(|reader| reader.collect::<Result<Vec<_>, _>>());
    let lines = read.as_ref().map(|(_, lines)| lines);
    assert_eq!(format!("{:?}", in_drops.as_ref()), format!("{lines:?}"));
    match read {
        Ok((_, lines)) if lines.iter().all(|line| line.order.is_ok()) => {
            assert_eq!(whole, Ok(()), "{}", String::from_utf8_lossy(document));
        }
        // A line that is refused may break its schema.
        Ok(_) => {
            let broken = whole.err().map(|fault| fault.what);
            let is_of_form = |what| {
                use Violation::{Encoding, ForbiddenMarkup, Limit, NotWellFormed, WrongMessage};
                [Encoding, ForbiddenMarkup, Limit, NotWellFormed, WrongMessage].contains(&what)
            };
            assert!(!broken.is_some_and(is_of_form), "{broken:?} {}", String::from_utf8_lossy(document));
        }
        Err(PackageReadError::Fault(fault)) => {
            assert!(fault.offset <= document.len());
            let is_of_file = matches!(fault.what, Violation::Totals | Violation::Rule | Violation::Limit);
            assert!(is_of_file || whole.is_err(), "{fault} {}", String::from_utf8_lossy(document));
        }
        Err(PackageReadError::Read(error)) => panic!("memory is always read: {error}"),
    }
    if let Ok(reader) = PackageReportReader::open(document) {
        let _ = reader.count();
    }
}

const PIECES: [&str; 18] = [
    "<",
    ">",
    "&",
    "</",
    "/>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?",
    "&amp;",
    "\"",
    "'",
    "xmlns=\"\"",
    "<PmtInf>",
    "</CdtTrfTxInf>",
    "</Document>",
    "<!-- <CdtTrfTxInf> ' -->",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn flipped_bytes(flips in prop::collection::vec((any::<Index>(), any::<u8>()), 1..4)) {
        let mut document = package::document().into_bytes();
        for (at, byte) in flips {
            let at = at.index(document.len());
            document[at] = byte;
        }
        survive(&document);
    }

    #[test]
    fn inserted_pieces(pieces in prop::collection::vec((any::<Index>(), select(&PIECES[..])), 1..4)) {
        let mut document = package::document().into_bytes();
        for (at, piece) in pieces {
            let at = at.index(document.len() + 1);
            document.splice(at..at, piece.bytes());
        }
        survive(&document);
    }

    /// Stretches between two tags are the ones that can make another valid file.
    #[test]
    fn moved_repeated_and_deleted_stretches(picks in any::<[Index; 3]>(), is_deleted in any::<bool>()) {
        let mut document = package::document();
        let tags: Vec<usize> = document.match_indices('<').map(|(at, _)| at).collect();
        let [from, length, to] = picks;
        let from = from.index(tags.len());
        let end = (from + length.index(30)).min(tags.len() - 1);
        let (from, end, to) = (tags[from], tags[end], tags[to.index(tags.len())]);
        let stretch = document[from..end].to_owned();
        match is_deleted {
            true => document.replace_range(from..end, ""),
            false => document.insert_str(to, &stretch),
        }
        survive(document.as_bytes());
    }
}
