//! Documents that are not taken: how XML, the schema or a limit is broken, and where that is said to be.

use super::{DOCUMENT, edited, read};
use crate::limits::{ATTRIBUTES_BYTES_MAX, DEPTH_MAX, DOCUMENT_BYTES_MAX, NAMESPACES_MAX};
use crate::{Pacs008, Violation, read_pacs008};

#[track_caller]
fn check_document(document: &str, what: Violation, path: &str) {
    let fault = read(document).expect_err("the document breaks the schema");
    assert_eq!((fault.what, fault.path.as_str()), (what, path), "{fault}");
    assert!(fault.offset <= document.len());
}

#[track_caller]
fn check(from: &str, to: &str, what: Violation, path: &str) {
    check_document(&edited(from, to), what, path);
}

#[test]
fn well_formedness() {
    let not_well_formed = Violation::NotWellFormed;
    check_document("", not_well_formed, "");
    check_document("no XML", not_well_formed, "");
    check_document(&DOCUMENT[..700], not_well_formed, "CdtTrfTxInf/DbtrAgt");
    check("</Document>", "", not_well_formed, "Document");
    check("</Document>", "</Document><Document/>", not_well_formed, "");
    check("</Document>", "</Document>text", not_well_formed, "");
    check("</Document>", "</Document></Document>", not_well_formed, "");
    check("</GrpHdr>", "</GrpHead>", not_well_formed, "GrpHdr");
    check("Thanks", "Tha]]>nks", not_well_formed, "CdtTrfTxInf/RmtInf/Ustrd");
    check("Thanks", "Tha & nks", not_well_formed, "CdtTrfTxInf/RmtInf/Ustrd");
    check("Thanks", "Tha\u{1}nks", not_well_formed, "");
    check("Thanks", "Tha\u{FFFF}nks", not_well_formed, "");
    for reference in ["&#0;", "&#1;", "&#xD800;", "&#xFFFFFFFF;", "&#;", "&#x;", "&#-1;", "&#+1;", "&#xFFFE;"]
    {
        check("Thanks", reference, not_well_formed, "CdtTrfTxInf/RmtInf/Ustrd");
    }
    check("<GrpHdr>", "<!-- a -- b --><GrpHdr>", not_well_formed, "Document/FIToFICstmrCdtTrf");
    check("<GrpHdr>", "<?xml version=\"1.0\"?><GrpHdr>", not_well_formed, "Document/FIToFICstmrCdtTrf");
    for declaration in [
        "version=\"1.1\"",
        "",
        "encoding=\"UTF-8\"",
        "encoding=\"UTF-8\" version=\"1.0\"",
        "version=\"1.0\" version=\"1.0\"",
        "version=\"1.0\" \"encoding=\"UTF-8\"",
        "version=\"1.0\" enc\"oding=\"UTF-8\"",
        "version=\"1.0\" standalone=\"maybe\"",
        "version=\"1.0\" more=\"x\"",
        "version=1.0",
    ] {
        check("<Document ", &format!("<?xml {declaration}?><Document "), not_well_formed, "");
    }
    check("<Document ", "<Document a=\"1\" a=\"2\" ", not_well_formed, "");
    check("<GrpHdr>", "<x:GrpHdr>", not_well_formed, "Document/FIToFICstmrCdtTrf");
}

#[test]
fn encodings() {
    check("<Document ", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><Document ", Violation::Encoding, "");
    let mut bytes = DOCUMENT.as_bytes().to_vec();
    let at = DOCUMENT.find("Thanks").unwrap();
    bytes[at] = 0xE9;
    assert_eq!(read_pacs008(&bytes, &super::rules()).unwrap_err().what, Violation::Encoding);
    let utf16: Vec<u8> = DOCUMENT.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(read_pacs008(&utf16, &super::rules()).is_err());
    for accepted in [
        "<?xml version='1.0' encoding='utf-8' standalone='yes'?>\n",
        "\u{FEFF}",
        "\u{FEFF}<?xml version=\"1.0\"?>",
        "\n<!-- x -->",
    ] {
        assert!(
            matches!(read(&format!("{accepted}{DOCUMENT}\n<!-- end -->\n")), Ok(Pacs008::Order(_))),
            "{accepted}"
        );
    }
    check("<Document ", "\n<?xml version=\"1.0\"?><Document ", Violation::NotWellFormed, "");
}

#[test]
fn forbidden_markup() {
    let doctype = "<!DOCTYPE Document SYSTEM \"file:///etc/passwd\"><Document ";
    check("<Document ", doctype, Violation::ForbiddenMarkup, "");
    check("<Document ", "<!DOCTYPE d [<!ENTITY a \"b\">]><Document ", Violation::ForbiddenMarkup, "");
    check("<Document ", "<?xml-stylesheet href=\"x\"?><Document ", Violation::ForbiddenMarkup, "");
    check("<GrpHdr>", "<?target x?><GrpHdr>", Violation::ForbiddenMarkup, "Document/FIToFICstmrCdtTrf");
    check("Thanks", "&thanks;", Violation::ForbiddenMarkup, "CdtTrfTxInf/RmtInf/Ustrd");
    check("Thanks", "&nbsp;", Violation::ForbiddenMarkup, "CdtTrfTxInf/RmtInf/Ustrd");
}

#[test]
fn other_messages() {
    check("pacs.008.001.08", "pacs.008.001.02", Violation::WrongMessage, "");
    check(" xmlns=", " xmlns:p=", Violation::WrongMessage, "");
    check_document("<html/>", Violation::WrongMessage, "");
    let renamed = DOCUMENT.replace("Document", "Message");
    check_document(&renamed, Violation::WrongMessage, "");
    let transfer = DOCUMENT.replace("FIToFICstmrCdtTrf", "FICdtTrf");
    check_document(&transfer, Violation::UnexpectedElement, "Document/FICdtTrf");
}

#[test]
fn elements() {
    use Violation::{Missing, Repeated, UnexpectedElement, UnexpectedText};
    check("<MsgId>M1</MsgId>", "", UnexpectedElement, "GrpHdr/CreDtTm");
    check("<MsgId>M1</MsgId>", "<MsgId>M1</MsgId><MsgId>M1</MsgId>", Repeated, "GrpHdr/MsgId");
    check("<NbOfTxs>", "<Unheard-of/><NbOfTxs>", UnexpectedElement, "GrpHdr/Unheard-of");
    check("<ChrgBr>SLEV</ChrgBr>", "", UnexpectedElement, "CdtTrfTxInf/Dbtr");
    check("<Cdtr><Nm>Payee</Nm></Cdtr>", "", UnexpectedElement, "CdtTrfTxInf/CdtrAcct");
    check("<SttlmMtd>CLRG</SttlmMtd>", "", Missing, "GrpHdr/SttlmInf/SttlmMtd");
    check("<EndToEndId>E1</EndToEndId>", "", UnexpectedElement, "CdtTrfTxInf/PmtId/TxId");
    check("<Nm>Payer</Nm>", "<Nm>Payer</Nm>text", UnexpectedText, "CdtTrfTxInf/Dbtr");
    check("<Nm>Payer</Nm>", "<Nm>Pay<b/>er</Nm>", UnexpectedElement, "CdtTrfTxInf/Dbtr/Nm/b");
    check(
        "<Cd>SEPA</Cd>",
        "<Cd>SEPA</Cd><Prtry>X</Prtry>",
        UnexpectedElement,
        "GrpHdr/PmtTpInf/SvcLvl/Prtry",
    );
    check("<Cd>SEPA</Cd>", "", Missing, "GrpHdr/PmtTpInf/SvcLvl/Cd");
    check("<Nm>Payer</Nm>", "<Nm xmlns=\"\">Payer</Nm>", UnexpectedElement, "CdtTrfTxInf/Dbtr/Nm");
    let organisation_and_person = "</Nm><Id><OrgId/><PrvtId/></Id></Dbtr>";
    check("</Nm></Dbtr>", organisation_and_person, UnexpectedElement, "CdtTrfTxInf/Dbtr/Id/PrvtId");
    let reports = "<RgltryRptg/>".repeat(11);
    check("<RmtInf>", &format!("{reports}<RmtInf>"), Repeated, "CdtTrfTxInf/RgltryRptg");
    let lines = format!("</Nm><PstlAdr>{}</PstlAdr></Dbtr>", "<AdrLine>x</AdrLine>".repeat(8));
    check("</Nm></Dbtr>", &lines, Repeated, "CdtTrfTxInf/Dbtr/PstlAdr/AdrLine");
    let long = "x".repeat(100);
    check("<NbOfTxs>", &format!("<{long}/><NbOfTxs>"), UnexpectedElement, &format!("GrpHdr/{}", &long[..35]));
    check_document(
        r#"<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08"/>"#,
        Missing,
        "Document/FIToFICstmrCdtTrf",
    );
}

#[test]
fn values() {
    let lexical = Violation::Lexical;
    check("<MsgId>M1<", &format!("<MsgId>{}<", "M".repeat(36)), lexical, "GrpHdr/MsgId");
    check("<MsgId>M1<", "<MsgId><", lexical, "GrpHdr/MsgId");
    check("<MsgId>M1</MsgId>", "<MsgId/>", lexical, "GrpHdr/MsgId");
    check("<NbOfTxs>1<", "<NbOfTxs> 1<", lexical, "GrpHdr/NbOfTxs");
    check("10:00:00.12Z", "10:00Z", lexical, "GrpHdr/CreDtTm");
    check("<IntrBkSttlmDt>2026-11-21", "<IntrBkSttlmDt>2026-11-31", lexical, "GrpHdr/IntrBkSttlmDt");
    check(">CLRG<", ">CASH<", lexical, "GrpHdr/SttlmInf/SttlmMtd");
    check(
        r#"<IntrBkSttlmAmt Ccy="EUR">12.34"#,
        r#"<IntrBkSttlmAmt Ccy="EUR">-1"#,
        lexical,
        "CdtTrfTxInf/IntrBkSttlmAmt",
    );
    check(
        r#"<IntrBkSttlmAmt Ccy="EUR">12.34"#,
        r#"<IntrBkSttlmAmt Ccy="EUR">1e3"#,
        lexical,
        "CdtTrfTxInf/IntrBkSttlmAmt",
    );
    check("<BICFI>SLVODEFFXXX<", "<BICFI>SLVODEFFXX<", lexical, "CdtTrfTxInf/CdtrAgt/FinInstnId/BICFI");
    check("BE68539007547034", "BE 6853900754703", lexical, "CdtTrfTxInf/DbtrAcct/Id/IBAN");
    check("</TxId>", "</TxId><UETR>x</UETR>", lexical, "CdtTrfTxInf/PmtId/UETR");
    check("<ChrgBr>", "<XchgRate>1.12345678901</XchgRate><ChrgBr>", lexical, "CdtTrfTxInf/XchgRate");
}

#[test]
fn attributes() {
    let attribute = Violation::Attribute;
    check(r#"<IntrBkSttlmAmt Ccy="EUR">"#, "<IntrBkSttlmAmt>", attribute, "CdtTrfTxInf/IntrBkSttlmAmt");
    check(
        r#"<IntrBkSttlmAmt Ccy="EUR">"#,
        r#"<IntrBkSttlmAmt Ccy="eur">"#,
        attribute,
        "CdtTrfTxInf/IntrBkSttlmAmt",
    );
    check("<GrpHdr>", "<GrpHdr a=\"b\">", attribute, "GrpHdr");
    check("<GrpHdr>", "<GrpHdr Ccy=\"EUR\">", attribute, "GrpHdr");
    check("<GrpHdr>", "<GrpHdr xml:lang=\"de\">", attribute, "GrpHdr");
    check("<Document ", "<Document Ccy=\"EUR\" ", attribute, "");
    let location =
        "<Document xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:schemaLocation=\"a b\" ";
    assert!(matches!(read(&edited("<Document ", location)), Ok(Pacs008::Order(_))));
    check("<Document ", &location.replace("schemaLocation", "nil"), attribute, "");
}

#[test]
fn keys() {
    check("<TxId>T1</TxId>", "", Violation::Key, "CdtTrfTxInf/PmtId/TxId");
    check("<TxId>T1<", "<TxId>T1 <", Violation::Key, "CdtTrfTxInf/PmtId/TxId");
    check("<TxId>T1<", "<TxId>T\u{E9}<", Violation::Key, "CdtTrfTxInf/PmtId/TxId");
    let unnamed = "<FinInstnId><Nm>Bank</Nm></FinInstnId></DbtrAgt>";
    let path = "CdtTrfTxInf/DbtrAgt/FinInstnId/BICFI";
    check("<FinInstnId><BICFI>SLVOBEBB</BICFI></FinInstnId></DbtrAgt>", unnamed, Violation::Key, path);
}

#[test]
fn limits() {
    let padding = |length: usize| format!("{DOCUMENT}<!--{}-->", "x".repeat(length - DOCUMENT.len() - 7));
    assert!(read(&padding(DOCUMENT_BYTES_MAX)).is_ok());
    check_document(&padding(DOCUMENT_BYTES_MAX + 1), Violation::Limit, "");
    // Inside the supplementary data the sixth level begins.
    let nested = |levels: usize| {
        let inside = "<a>".repeat(levels) + &"</a>".repeat(levels);
        edited("</RmtInf>", &format!("</RmtInf><SplmtryData><Envlp>{inside}</Envlp></SplmtryData>"))
    };
    assert!(matches!(read(&nested(DEPTH_MAX - 5)), Ok(Pacs008::Refused(_))));
    check_document(&nested(DEPTH_MAX - 4), Violation::Limit, "CdtTrfTxInf/SplmtryData/Envlp");
    check_document(&"<a>".repeat(DOCUMENT_BYTES_MAX / 3), Violation::WrongMessage, "");
    let attributes = format!("<Document a=\"{}\" ", "x".repeat(ATTRIBUTES_BYTES_MAX));
    check("<Document ", &attributes, Violation::Limit, "");
    let namespaces =
        |count: usize| (1..count).map(|number| format!("xmlns:n{number}=\"n\" ")).collect::<String>();
    assert!(read(&edited("<Document ", &format!("<Document {}", namespaces(NAMESPACES_MAX)))).is_ok());
    check("<Document ", &format!("<Document {}", namespaces(NAMESPACES_MAX + 1)), Violation::Limit, "");
}
