//! Evidence comes back as it was, and damage is noticed or harmless.

use proptest::prelude::*;

use super::*;

const REPORT: &str = r#"<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.002.001.10"><FIToFIPmtStsRpt><GrpHdr><MsgId>S1</MsgId></GrpHdr></FIToFIPmtStsRpt></Document>"#;

#[test]
fn documents_come_back() {
    for document in [&b""[..], b"x", REPORT.as_bytes(), &[b'a'; DOCUMENT_BYTES_MAX]] {
        let evidence = compress_evidence(document);
        assert_eq!(decompress_evidence(&evidence).as_deref(), Ok(document));
        assert!(evidence.len() <= document.len() + HEADER_BYTES);
    }
    assert!(compress_evidence(REPORT.as_bytes()).len() < REPORT.len() / 3);
}

/// What was stored by this version is read by all later ones: the dictionary has not changed.
#[test]
fn the_stored_form_is_golden() {
    let evidence: Vec<u8> = GOLDEN
        .as_bytes()
        .chunks(2)
        .map(|digits| u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap())
        .collect();
    assert_eq!(decompress_evidence(&evidence).as_deref(), Ok(REPORT.as_bytes()));
    assert_eq!(DICTIONARY_1.len(), 2898);
}

const GOLDEN: &str = "0191000000143c0a000f7f031b0fb80617255331ba060561020393000b370460756d656e743e";

#[test]
fn what_is_not_evidence_is_refused() {
    let evidence = compress_evidence(REPORT.as_bytes());
    for length in 0..evidence.len() {
        assert!(decompress_evidence(&evidence[..length]).is_err(), "{length}");
    }
    let changed = |at: usize, byte: u8| {
        let mut evidence = evidence.clone();
        evidence[at] = byte;
        decompress_evidence(&evidence)
    };
    assert_eq!(changed(0, 2), Err(EvidenceError::Version(2)));
    assert_eq!(changed(3, 0xFF), Err(EvidenceError::TooLong(REPORT.len() | 0xFF_0000)));
    assert_eq!(changed(1, evidence[1] + 1), Err(EvidenceError::Damaged));
    assert_eq!(changed(1, evidence[1] - 1), Err(EvidenceError::Damaged));
    let mut longer = evidence.clone();
    longer.push(0);
    assert_eq!(decompress_evidence(&longer), Err(EvidenceError::Damaged));
}

/// A block that would grow without end stops at the length that its header gives.
#[test]
fn bombs_do_not_go_off() {
    let mut bomb = vec![LZ4_DICTIONARY_1, 0xFF, 0xFF, 0, 0, 0x1F, b'x', 1, 0];
    bomb.extend([0xFF; 60_000]);
    bomb.extend([0, 0x50, b'1', b'2', b'3', b'4', b'5']);
    assert_eq!(decompress_evidence(&bomb), Err(EvidenceError::Damaged));
}

proptest! {
    #[test]
    fn any_bytes_come_back(document in prop::collection::vec(any::<u8>(), 0..3000)) {
        prop_assert_eq!(decompress_evidence(&compress_evidence(&document)), Ok(document));
    }

    #[test]
    fn any_bytes_are_read_without_panic(mut evidence in prop::collection::vec(any::<u8>(), 0..400), version in 0..3_u8) {
        if let [first, _, _, third, fourth, ..] = evidence.as_mut_slice() {
            (*first, *third, *fourth) = (version, 0, 0);
        }
        if let Ok(document) = decompress_evidence(&evidence) {
            prop_assert!(document.len() <= DOCUMENT_BYTES_MAX);
        }
    }
}
