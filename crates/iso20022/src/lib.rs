//! ISO 20022 messages of SCT Inst: strict readers into the vocabulary of `types`, and writers out of it.
//!
//! Reading asks two questions. Does the document follow the schema of its message? If not, the answer is a
//! [`SchemaFault`]: nothing is logged, the transaction id stays free, the sender hears admi.002. Does it
//! keep the rules of the scheme? If not, but its duplicate key can be read, the answer is a
//! [`RefusedOrder`], which is logged and remembered like any other outcome and reported by pacs.002.
//!
//! [`read_message`] reads whatever comes, with or without business application header ([`Wrapper`] says what
//! may hold the two together). What ISO 20022 has and the scheme leaves out depends on the [`Profile`]: it is
//! refused, or kept as [`Surplus`] and forwarded by [`forward_pacs008`].
//!
//! Invariants:
//! - Bytes from outside never panic, and [`limits`] bounds what reading them costs.
//! - No DTD, no processing instruction and no entity other than the five of XML is ever expanded.
//! - What is written validates against the ISO schema and reads back as what it was written from.
//! - Faults and `{:?}` name elements, never their content.

mod admi002;
mod admi002_read;
mod canonical;
mod date_time;
mod evidence;
mod evidence_dictionary;
mod fault;
mod forward;
mod header;
mod header_schema;
pub mod limits;
mod message;
mod pacs002;
mod pacs002_read;
mod pacs002_schema;
mod pacs008;
mod pacs008_draft;
mod pacs008_party;
mod pacs008_read;
mod pacs008_schema;
mod pacs008_write;
mod pacs028;
mod pacs028_read;
mod pacs028_schema;
mod restamp;
mod scan;
mod schema;
mod schema_common;
mod schema_original;
mod schema_remittance;
mod values;
mod walk;
mod wrapper;
mod xml;
mod xml_write;

#[cfg(test)]
mod tests;

pub use admi002::{Rejection, write_admi002};
pub use admi002_read::{ReceivedRejection, read_admi002};
pub use evidence::{EvidenceError, compress_evidence, decompress_evidence};
pub use fault::{SchemaFault, Violation};
pub use forward::forward_pacs008;
pub use header::{Header, write_header};
pub use message::{BusinessMessage, CreditTransfer, Message, MessageKind, read_message};
pub use pacs002::{Originator, Status, StatusReport, write_pacs002};
pub use pacs002_read::read_pacs002;
pub use pacs008::{Envelope, Pacs008, Profile, RefusedOrder, Rules, Surplus};
pub use pacs008_read::read_pacs008;
pub use pacs008_write::write_pacs008;
pub use pacs028::{StatusRequest, write_pacs028};
pub use pacs028_read::read_pacs028;
pub use restamp::Restamper;
pub use scan::{is_rejection, message_id_of};
pub use wrapper::{Wrapper, header_of, wrap};

/// The namespace of pacs.008, the credit transfer from bank to bank.
pub const PACS008_NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08";

/// The namespace of pacs.002, the payment status report.
pub const PACS002_NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:pacs.002.001.10";

/// The namespace of pacs.028, the payment status request.
pub const PACS028_NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:pacs.028.001.03";

/// The namespace of admi.002, the rejection of a message that was not taken.
pub const ADMI002_NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:admi.002.001.01";

/// The namespace of head.001, the business application header, as it is written.
pub const HEADER_NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:head.001.001.02";

/// The namespace of the header's predecessor, which is read too.
pub const HEADER_1_NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:head.001.001.01";

/// The namespace of the envelope that ISO 20022 has for a header and its document.
pub const ENVELOPE_NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:nvlp.001.001.01";

/// Stands in a mandatory reference that nobody gave.
pub const NOT_PROVIDED: &str = "NOTPROVIDED";
