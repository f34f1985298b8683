//! Documents of every writer, for validation by a schema processor that nobody here wrote.
//!
//! With `SOLVO_SAMPLE_OUT` set to a folder, the test leaves `NAME.MESSAGE.xml` files there, where MESSAGE is
//! the name of the XSD. Without it, the documents are only made.

use std::path::PathBuf;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use types::{CategoryPurpose, ReasonCode, StatusReason, Text, Timestamp};

use super::enquiry::request;
use super::pass_through::LEFT_OUT;
use super::round_trip;
use super::status::{rejected, report};
use crate::{
    Envelope, Header, MessageKind, Originator, Pacs008, Rejection, SchemaFault, Status, StatusReport,
    StatusRequest, Violation, forward_pacs008, read_pacs002, read_pacs028, write_admi002, write_header,
    write_pacs002, write_pacs008, write_pacs028,
};

/// Enough random orders to have every attribute many times.
const ORDERS: usize = 60;

#[test]
fn write_samples_for_schema_validation() {
    let folder = std::env::var_os("SOLVO_SAMPLE_OUT").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped writing: SOLVO_SAMPLE_OUT names no folder");
    }
    for (name, document) in samples() {
        if let Some(folder) = &folder {
            std::fs::create_dir_all(folder).unwrap();
            std::fs::write(folder.join(name), document).unwrap();
        }
    }
}

pub(super) fn samples() -> Vec<(String, String)> {
    let mut samples = Vec::new();
    let mut runner = TestRunner::deterministic();
    for number in 0..ORDERS {
        let order = round_trip::order().new_tree(&mut runner).unwrap().current();
        let document = write_pacs008(&order, &Envelope::of(&order).unwrap());
        samples.push((format!("order-{number:02}.pacs.008.001.08.xml"), document));
    }
    let Ok(Pacs008::Order(order)) = super::read(super::DOCUMENT) else { panic!("the document is valid") };
    let smallest = write_pacs008(&order, &Envelope::of(&order).unwrap());
    samples.push(("smallest.pacs.008.001.08.xml".into(), smallest));
    for (name, report) in reports() {
        let document = write_pacs002(&report);
        assert_eq!(read_pacs002(document.as_bytes()), Ok(report), "{name}");
        samples.push((format!("{name}.pacs.002.001.10.xml"), document));
    }
    samples.extend(hops());
    samples.extend(super::cases::samples());
    samples.extend(super::statement::samples());
    samples.extend(super::package::samples());
    samples.extend(super::package_report::samples());
    samples.extend(super::request_to_pay::samples());
    for what in Violation::ALL {
        let fault = SchemaFault { path: "CdtTrfTxInf/Dbtr".into(), offset: 1, what };
        let rejection = Rejection::of(super::DOCUMENT.as_bytes(), &fault, Timestamp::default());
        samples.push((format!("{}.admi.002.001.01.xml", what.name()), write_admi002(&rejection)));
    }
    let fault = SchemaFault { path: String::new(), offset: 0, what: Violation::NotWellFormed };
    let unreadable = write_admi002(&Rejection::of(b"", &fault, Timestamp::default()));
    samples.push(("unreadable.admi.002.001.01.xml".into(), unreadable));
    samples
}

/// Enquiries, headers, and a credit transfer of profile pass-through on its next hop.
fn hops() -> Vec<(String, String)> {
    let small = request();
    let full = StatusRequest {
        instructing_agent: report().debtor_agent,
        instructed_agent: report().debtor_agent,
        original_instruction_id: Text::parse("<I>").ok(),
        original_uetr: Text::parse("128551e7-3799-41b3-b82b-f87a59e8345f").ok(),
        category_purpose: Some(CategoryPurpose::Code(Text::parse("SALA").unwrap())),
        ..request()
    };
    let bare =
        StatusRequest { request_id: None, original_end_to_end_id: None, acceptance_time: None, ..request() };
    let mut samples = Vec::new();
    for (name, request) in [("small", small), ("full", full), ("bare", bare)] {
        let document = write_pacs028(&request);
        assert_eq!(read_pacs028(document.as_bytes()), Ok(request), "{name}");
        samples.push((format!("{name}.pacs.028.001.03.xml"), document));
    }
    let bic = request().debtor_agent;
    for kind in MessageKind::ALL {
        let mut header = Header::new(kind, request().message_id, bic, bic, report().created_at);
        samples.push((format!("{}-bare.head.001.001.02.xml", kind.name()), write_header(&header)));
        header.business_service = Text::parse("instant & irrevocable").ok();
        header.possible_duplicate = true;
        samples.push((format!("{}.head.001.001.02.xml", kind.name()), write_header(&header)));
    }
    let Ok(Pacs008::Order(order)) = super::read(super::DOCUMENT) else { panic!("the document is valid") };
    for (number, (from, to)) in LEFT_OUT.into_iter().enumerate() {
        let document = super::edited(from, to);
        let forwarded = forward_pacs008(document.as_bytes(), &Envelope::of(&order).unwrap()).unwrap();
        samples.push((format!("passed-through-{number:02}.pacs.008.001.08.xml"), forwarded));
    }
    samples
}

/// Codes that banks, profiles and enquiries give beside those of Solvo's own rules.
const OTHER_REASONS: [&str; 6] = ["AB06", "AB09", "BE04", "MS03", "RR04", "TM01"];

/// One report for each reason, and the others with all and with no optional elements.
fn reports() -> Vec<(String, StatusReport)> {
    let mut reports: Vec<(String, StatusReport)> = StatusReason::ALL
        .into_iter()
        .map(|reason| {
            (format!("rejected-{}", reason.code()), StatusReport { status: rejected(reason), ..report() })
        })
        .collect();
    reports.extend(OTHER_REASONS.map(|code| {
        let reason = ReasonCode::parse(code).unwrap();
        let originator = Text::parse("A customer & sons").ok().map(Originator::Customer);
        let status = Status::Rejected { reason, originator, additional_information: None };
        (format!("rejected-{code}"), StatusReport { status, ..report() })
    }));
    let message_only = StatusReport {
        status: Status::Accepted,
        status_id: None,
        original_end_to_end_id: None,
        original_transaction_id: None,
        acceptance_time: None,
        debtor_agent: None,
        ..report()
    };
    reports.push(("accepted-message-only".into(), message_only));
    reports.push(("accepted".into(), StatusReport { status: Status::Accepted, ..report() }));
    let full = StatusReport {
        instructing_agent: report().debtor_agent,
        instructed_agent: report().debtor_agent,
        status: Status::Rejected {
            reason: StatusReason::InvalidFileFormat.code(),
            originator: report().debtor_agent.map(Originator::Bank),
            additional_information: Text::parse(&"&".repeat(105)).ok(),
        },
        original_instruction_id: Text::parse("<I>").ok(),
        original_uetr: Text::parse("128551e7-3799-41b3-b82b-f87a59e8345f").ok(),
        category_purpose: Some(CategoryPurpose::Code(Text::parse("SALA").unwrap())),
        ..report()
    };
    reports.push(("full".into(), full));
    let bare = StatusReport {
        status: Status::Rejected {
            reason: StatusReason::Duplication.code(),
            originator: None,
            additional_information: None,
        },
        status_id: None,
        original_end_to_end_id: None,
        acceptance_time: None,
        category_purpose: Some(CategoryPurpose::Proprietary(Text::parse("OWN").unwrap())),
        ..report()
    };
    reports.push(("bare".into(), bare));
    reports
}
