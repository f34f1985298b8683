//! Evidence: the bytes of received and sent documents, kept compressed beside the payment.
//!
//! The form is one byte for the version, four for the length of the document (little-endian), and the document:
//! as it is, or as an LZ4 block. Messages are short and mostly markup, so the block starts from a dictionary of
//! the markup that all of them have. A dictionary is part of the stored form and never changes: a better one gets
//! a new version.
//!
//! Invariants: decompression gives back the same bytes or an error, and never allocates more than the largest
//! document needs.

use lz4_flex::block;

use crate::evidence_dictionary::DICTIONARY_1;
use crate::limits::DOCUMENT_BYTES_MAX;

/// As it is: what LZ4 would make longer.
const STORED: u8 = 0;
/// An LZ4 block that starts from [`DICTIONARY_1`].
const LZ4_DICTIONARY_1: u8 = 1;

const HEADER_BYTES: usize = 5;

/// Why stored bytes are not evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// A version that this program does not know.
    #[error("evidence has the unknown version {0}")]
    Version(u8),
    /// The length is more than a document may have.
    #[error("evidence claims {0} bytes, more than a document has")]
    TooLong(usize),
    /// Cut short, damaged, or not of the length that it claims.
    #[error("evidence is damaged")]
    Damaged,
}

/// The stored form of a document.
///
/// # Panics
/// If the document is longer than [`DOCUMENT_BYTES_MAX`], which no reader takes and no writer makes.
pub fn compress_evidence(document: &[u8]) -> Vec<u8> {
    assert!(document.len() <= DOCUMENT_BYTES_MAX, "evidence is of documents that were read or written here");
    let length = u32::try_from(document.len()).expect("a document is shorter than its limit").to_le_bytes();
    let block = block::compress_with_dict(document, DICTIONARY_1.as_bytes());
    let (version, content) = match block.len() < document.len() {
        true => (LZ4_DICTIONARY_1, block.as_slice()),
        false => (STORED, document),
    };
    let mut evidence = Vec::with_capacity(HEADER_BYTES + content.len());
    evidence.push(version);
    evidence.extend_from_slice(&length);
    evidence.extend_from_slice(content);
    evidence
}

/// The document whose stored form this is.
///
/// # Errors
/// If the bytes are not evidence, or not any more.
pub fn decompress_evidence(evidence: &[u8]) -> Result<Vec<u8>, EvidenceError> {
    let Some((&[version, a, b, c, d], content)) = evidence.split_first_chunk::<HEADER_BYTES>() else {
        return Err(EvidenceError::Damaged);
    };
    let length = usize::try_from(u32::from_le_bytes([a, b, c, d])).map_err(|_| EvidenceError::Damaged)?;
    if length > DOCUMENT_BYTES_MAX {
        return Err(EvidenceError::TooLong(length));
    }
    let document = match version {
        STORED => content.to_vec(),
        LZ4_DICTIONARY_1 => block::decompress_with_dict(content, length, DICTIONARY_1.as_bytes())
            .map_err(|_| EvidenceError::Damaged)?,
        _ => return Err(EvidenceError::Version(version)),
    };
    match document.len() == length {
        true => Ok(document),
        false => Err(EvidenceError::Damaged),
    }
}

#[cfg(test)]
#[path = "evidence_tests.rs"]
mod tests;
