//! ISO 20022 messages of SCT Inst: strict readers into the vocabulary of `types`, and writers out of it.
//!
//! Reading asks two questions. Does the document follow the schema of its message? If not, the answer is a
//! [`SchemaFault`]: nothing is logged, the transaction id stays free, the sender hears admi.002. Does it
//! keep the rules of the scheme? If not, but its duplicate key can be read, the answer is a
//! [`RefusedOrder`], which is logged and remembered like any other outcome and reported by pacs.002.
//!
//! Invariants:
//! - Bytes from outside never panic, and [`limits`] bounds what reading them costs.
//! - No DTD, no processing instruction and no entity other than the five of XML is ever expanded.
//! - What is written validates against the ISO schema and reads back as what it was written from.
//! - Faults and `{:?}` name elements, never their content.

mod admi002;
mod canonical;
mod date_time;
mod fault;
pub mod limits;
mod pacs002;
mod pacs002_read;
mod pacs008;
mod pacs008_draft;
mod pacs008_party;
mod pacs008_read;
mod pacs008_schema;
mod pacs008_write;
mod restamp;
mod scan;
mod schema;
mod schema_common;
mod walk;
mod xml;
mod xml_write;

#[cfg(test)]
mod tests;

pub use admi002::{Rejection, write_admi002};
pub use fault::{SchemaFault, Violation};
pub use pacs002::{Status, StatusReport, write_pacs002};
pub use pacs002_read::read_pacs002;
pub use pacs008::{Envelope, Pacs008, RefusedOrder, Rules};
pub use pacs008_read::read_pacs008;
pub use pacs008_write::write_pacs008;
pub use restamp::Restamper;
pub use scan::message_id_of;

/// The namespace of pacs.008, the credit transfer from bank to bank.
pub const PACS008_NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08";

/// The namespace of pacs.002, the payment status report.
pub const PACS002_NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:pacs.002.001.10";

/// The namespace of admi.002, the rejection of a message that was not taken.
pub const ADMI002_NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:admi.002.001.01";

/// Stands in a mandatory reference that nobody gave.
pub const NOT_PROVIDED: &str = "NOTPROVIDED";
