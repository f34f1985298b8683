//! Damage: whatever happens to a document on its way, reading it gives an answer and never a panic, and no
//! value is changed without being noticed.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use types::{PaymentOrder, Timestamp};

use super::enquiry::request;
use super::status::report;
use super::{date, fixtures};
use crate::canonical::canonical_body;
use crate::{
    AnyMessage, Assignment, CreditTransfer, Envelope, Header, Message, MessageKind, PackageReader,
    PackageReportReader, Rejection, Restamper, Rules, Wrapper, forward_pacs008, header_of, is_rejection,
    message_id_of, read_any_message, read_message, read_pacs002, read_pacs008, read_pacs028, wrap,
    write_admi002, write_camt004, write_camt025, write_camt029, write_camt050, write_camt056, write_pacs002,
    write_pacs002_on, write_pacs004, write_pacs028, write_pacs028_on_recall,
};

fn scheme() -> Rules {
    Rules::sct_inst_2025(vec![date("2026-11-23")])
}

fn pass_through() -> Rules {
    Rules::pass_through(vec![date("2026-11-23")])
}

/// Reads a document in every way there is; what is read as an order is forwarded and read again.
fn survive(document: &[u8]) {
    for rules in [scheme(), pass_through()] {
        match read_message(document, &rules).map(|read| read.message) {
            Ok(Message::CreditTransfer(transfer)) => check_forwarded(document, &transfer, &rules),
            Ok(_) => {}
            Err(fault) => {
                assert!(fault.offset <= document.len());
                write_admi002(&Rejection::of(document, &fault, Timestamp::default()));
            }
        }
    }
    if let Ok(read) = read_any_message(document, &scheme()) {
        check_written_again(&read.message);
    }
    let _ = (read_pacs008(document, &scheme()), read_pacs002(document), read_pacs028(document));
    let _ = (message_id_of(document), is_rejection(document), header_of(document));
    let _ = PackageReader::open(document).map(Iterator::count);
    let _ = PackageReportReader::open(document).map(Iterator::count);
    Restamper::new("M").unwrap().restamp(document, Timestamp::default());
}

/// What is read of a message beside payments is written again, and read as the same.
#[track_caller]
fn check_written_again(message: &AnyMessage) {
    let Some(written) = write_again(message) else { return };
    let again = read_any_message(written.as_bytes(), &scheme()).expect("what is written is read");
    // Not the values are compared: times of less than a millisecond are cut when they are written.
    assert_eq!(write_again(&again.message), Some(written));
}

/// Payments have tests of their own. A sender or receiver that is not named by its BIC can't be written.
fn write_again(message: &AnyMessage) -> Option<String> {
    let named = |hop: &Assignment| hop.assigner.is_some() && hop.assignee.is_some();
    match message {
        AnyMessage::Payment(_) => None,
        AnyMessage::ReportOn(message, report) => Some(write_pacs002_on(*message, report)),
        AnyMessage::Recall(recall) => named(&recall.assignment).then(|| write_camt056(recall)),
        AnyMessage::NegativeAnswer(answer) => named(&answer.assignment).then(|| write_camt029(answer)),
        AnyMessage::RecallStatusRequest(request) => Some(write_pacs028_on_recall(request)),
        AnyMessage::Return(payment_return) => Some(write_pacs004(payment_return)),
        AnyMessage::LiquidityTransfer(transfer) => Some(write_camt050(transfer)),
        AnyMessage::Receipt(receipt) => Some(write_camt025(receipt)),
        AnyMessage::BalanceAlert(alert) => Some(write_camt004(alert)),
    }
}

#[track_caller]
fn check_forwarded(document: &[u8], transfer: &CreditTransfer, rules: &Rules) {
    let envelope = Envelope::of(&transfer.order).unwrap();
    let forwarded = forward_pacs008(document, &envelope).unwrap();
    let Ok(Message::CreditTransfer(again)) =
        read_message(forwarded.as_bytes(), rules).map(|read| read.message)
    else {
        panic!("what was accepted is not accepted when it is forwarded: {forwarded}");
    };
    assert_eq!(content(&again), content(transfer), "{forwarded}");
}

/// What has to be the same on both sides of a hop; times are written in milliseconds.
fn content(transfer: &CreditTransfer) -> CreditTransfer {
    let order = PaymentOrder {
        created_at: None,
        acceptance_time: transfer
            .order
            .acceptance_time
            .and_then(|time| Timestamp::from_nanoseconds(time.milliseconds() * 1_000_000)),
        ..transfer.order.clone()
    };
    CreditTransfer { order, surplus: transfer.surplus.clone() }
}

#[test]
fn truncated_fixtures() {
    for fixture in fixtures::all().iter().step_by(5) {
        for length in (0..fixture.document.len()).step_by(3) {
            survive(&fixture.document[..length]);
        }
    }
}

/// One document of each message, and the credit transfers of the fixtures; some in a wrapper.
fn documents() -> Vec<Vec<u8>> {
    let mut documents: Vec<Vec<u8>> = fixtures::all().into_iter().map(|fixture| fixture.document).collect();
    let rejection = Rejection {
        original_message_id: None,
        reason: types::Text::parse("X").unwrap(),
        rejected_at: Timestamp::default(),
        location: types::Text::parse("GrpHdr").ok(),
        description: None,
    };
    let others = [
        (MessageKind::StatusReport, write_pacs002(&report())),
        (MessageKind::StatusRequest, write_pacs028(&request())),
        (MessageKind::Rejection, write_admi002(&rejection)),
    ];
    for (kind, document) in others.into_iter().chain(super::cases::one_each()) {
        let bic = request().debtor_agent;
        let header = Header::new(kind, request().message_id, bic, bic, Timestamp::default());
        for wrapper in [Wrapper::None, Wrapper::RequestPayload, Wrapper::Envelope] {
            // As often as the credit transfers, which are many.
            documents.extend((0..6).map(|_| wrap(document.clone(), wrapper, &header).into_bytes()));
        }
    }
    documents
}

fn document() -> impl Strategy<Value = Vec<u8>> {
    select(documents())
}

/// The paths and values of a document as the reader is to understand them.
fn leaves(document: &[u8]) -> Vec<String> {
    let body = String::from_utf8(canonical_body(document).unwrap()).unwrap();
    // Blanks around numbers and times do not belong to them, nor do zeros before or behind a total; a bank
    // with eight characters is its head office.
    let clean = |part: &str| {
        let part = part.trim().trim_matches('0').trim_end_matches('.').trim_end_matches("XXX");
        part.replace("+00:00", "Z").replace("-00:00", "Z")
    };
    body.split('\0').map(clean).collect()
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

    /// Two documents that are read as the same order say the same everywhere: no value is passed over.
    #[test]
    fn changed_characters_are_noticed(document in document(), at in any::<Index>(), character in "[0-9A-Za-z .:<+-]") {
        let Ok(Message::CreditTransfer(before)) = read_message(&document, &pass_through()).map(|read| read.message)
        else { return Ok(()) };
        let mut changed = document.clone();
        changed[at.index(document.len())] = character.as_bytes()[0];
        for rules in [scheme(), pass_through()] {
            let read = read_message(&changed, &rules).map(|read| read.message);
            let Ok(Message::CreditTransfer(after)) = read else { continue };
            let hop = |order: &PaymentOrder| PaymentOrder {
                message_id: None,
                created_at: None,
                settlement_date: None,
                instruction_id: None,
                instructing_agent: None,
                instructed_agent: None,
                settlement_method: types::SettlementMethod::ClearingSystem,
                settlement_account: None,
                clearing_system: None,
                ..order.clone()
            };
            if hop(&after.order) == hop(&before.order) && after.surplus == before.surplus {
                prop_assert_eq!(leaves(&changed), leaves(&document));
            }
        }
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
    fn deleted_stretches(document in document(), from in any::<Index>(), length in 1..60_usize) {
        let mut document = document;
        let from = from.index(document.len());
        document.drain(from..(from + length).min(document.len()));
        survive(&document);
    }

    #[test]
    fn repeated_elements(document in document(), at in any::<Index>()) {
        let text = String::from_utf8_lossy(&document).into_owned();
        let opens: Vec<usize> = text.match_indices('<').map(|(at, _)| at).filter(|at| !text[at + 1..].starts_with(['/', '!', '?'])).collect();
        if opens.is_empty() {
            return Ok(());
        }
        let open = opens[at.index(opens.len())];
        let name: String = text[open + 1..].chars().take_while(|character| !" \t\r\n/>".contains(*character)).collect();
        let Some(end) = text[open..].find(&format!("</{name}>")) else { return Ok(()) };
        let end = open + end + name.len() + 3;
        survive(format!("{}{}{}", &text[..end], &text[open..end], &text[end..]).as_bytes());
        survive(format!("{}{}", &text[..open], &text[end..]).as_bytes());
    }

    #[test]
    fn arbitrary_bytes(document in prop::collection::vec(any::<u8>(), 0..400)) {
        survive(&document);
    }
}
