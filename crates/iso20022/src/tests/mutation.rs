//! Damage: whatever happens to a document on its way, reading it gives an answer and never a panic.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::fixtures;
use crate::{
    Rejection, Restamper, Rules, StatusReport, message_id_of, read_pacs002, read_pacs008, write_admi002,
};
use types::Timestamp;

/// Reads a document in every way there is; what is read as an order is written and read again.
fn survive(document: &[u8]) {
    let rules = Rules::sct_inst_2025(vec![super::date("2026-11-23")]);
    if let Err(fault) = read_pacs008(document, &rules) {
        assert!(fault.offset <= document.len());
        write_admi002(&Rejection::of(document, &fault, Timestamp::default()));
    }
    let _: Result<StatusReport, _> = read_pacs002(document);
    message_id_of(document);
    Restamper::new("M").unwrap().restamp(document, Timestamp::default());
}

#[test]
fn truncated_fixtures() {
    for fixture in fixtures::all().iter().step_by(5) {
        for length in (0..fixture.document.len()).step_by(3) {
            survive(&fixture.document[..length]);
        }
    }
}

fn document() -> impl Strategy<Value = Vec<u8>> {
    let documents: Vec<Vec<u8>> = fixtures::all().into_iter().map(|fixture| fixture.document).collect();
    select(documents)
}

/// Pieces that matter to XML and to the schema, to be put where they do not belong.
const PIECES: [&str; 20] = [
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
    "<!DOCTYPE x",
    "&#x110000;",
    "&amp;",
    "\"",
    "'",
    "xmlns=\"\"",
    "<TxId>",
    "</Document>",
    "\u{FEFF}",
    "\0",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn flipped_bytes(document in document(), flips in prop::collection::vec((any::<Index>(), any::<u8>()), 1..6)) {
        let mut document = document;
        for (at, byte) in flips {
            let at = at.index(document.len());
            document[at] = byte;
        }
        survive(&document);
    }

    #[test]
    fn inserted_pieces(document in document(), pieces in prop::collection::vec((any::<Index>(), select(&PIECES[..])), 1..4)) {
        let mut document = document;
        for (at, piece) in pieces {
            let at = at.index(document.len() + 1);
            document.splice(at..at, piece.bytes());
        }
        survive(&document);
    }

    #[test]
    fn moved_and_repeated_stretches(document in document(), from in any::<Index>(), length in 1..400_usize, to in any::<Index>()) {
        let mut document = document;
        let from = from.index(document.len());
        let stretch = document[from..(from + length).min(document.len())].to_vec();
        let to = to.index(document.len());
        document.splice(to..to, stretch);
        survive(&document);
    }

    #[test]
    fn arbitrary_bytes(document in prop::collection::vec(any::<u8>(), 0..400)) {
        survive(&document);
    }
}
