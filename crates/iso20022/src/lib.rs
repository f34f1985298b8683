//! ISO 20022 messages of SCT Inst: strict readers into the vocabulary of `types`, and writers out of it.
//!
//! Reading asks two questions. Does the document follow the schema of its message? If not, the answer is a
//! [`SchemaFault`]: nothing is logged, the transaction id stays free, the sender hears admi.002. Does it
//! keep the rules of the scheme? If not, but its duplicate key can be read, the answer is a
//! [`RefusedOrder`], which is logged and remembered like any other outcome and reported by pacs.002.
//!
//! [`read_message`] reads what is said while a payment is decided, [`read_any_message`] everything, with or without business application header ([`Wrapper`] says what
//! may hold the two together). What ISO 20022 has and the scheme leaves out depends on the [`Profile`]: it is
//! refused, or kept as [`Surplus`] and forwarded by [`forward_pacs008`].
//!
//! After a payment has settled, it can be asked back ([`Recall`]), given back ([`PaymentReturn`]) or not
//! ([`NegativeAnswer`]). What these repeat of it is an [`OriginalReferences`] and [`OriginalDetails`]. Such messages
//! have no second kind of answer: one that breaks a rule of the scheme is not taken, and the [`SchemaFault`] says which.
//!
//! Statements of accounts are written and read entry by entry ([`write_statement`], [`StatementReader`]), because they
//! have no limit that would fit into memory.
//!
//! So are the files of orders that customers hand in ([`PackageReader`], [`write_pain001`]) and the reports on them
//! ([`write_pain002`], [`PackageReportReader`]), but as strictly as payments: they are cut into pieces that the walker
//! reads like documents of their own. A line that breaks a rule is a [`LineRefusal`] among lines that do not.
//!
//! Requests to pay ([`read_pain013`]) and the reports on them ([`write_pain014`]) are short documents again. The scheme's own
//! versions of them are not at hand; here they are .07.
//!
//! Versions are those that the scheme's guidelines of 2025 name. Of the messages about liquidity and of statements,
//! TARGET uses later ones since June 2026 (camt.050 and camt.025 in .07, camt.053 and camt.054 in .12), whose schemas
//! are not at hand: here they are .05 and .08. The reader of statements takes later ones too.
//!
//! Invariants:
//! - Bytes from outside never panic, and [`limits`] bounds what reading them costs.
//! - No DTD, no processing instruction and no entity other than the five of XML is ever expanded.
//! - What is written validates against the ISO schema and reads back as what it was written from.
//! - Faults and `{:?}` name elements, never their content.

mod admi002;
mod admi002_read;
mod camt004;
mod camt004_schema;
mod camt025;
mod camt025_schema;
mod camt029;
mod camt029_read;
mod camt029_schema;
mod camt050;
mod camt050_schema;
mod camt056;
mod camt056_read;
mod camt056_schema;
mod canonical;
mod control_sum;
mod date_time;
mod evidence;
mod evidence_dictionary;
mod fault;
mod forward;
mod header;
mod header_schema;
pub mod limits;
mod message;
mod original;
mod original_read;
mod pacs002;
mod pacs002_read;
mod pacs002_schema;
mod pacs004;
mod pacs004_read;
mod pacs004_schema;
mod pacs008;
mod pacs008_draft;
mod pacs008_party;
mod pacs008_read;
mod pacs008_schema;
mod pacs008_write;
mod pacs028;
mod pacs028_read;
mod pacs028_recall;
mod pacs028_schema;
mod pain001;
mod pain001_line;
mod pain001_payment;
mod pain001_read;
mod pain001_schema;
mod pain001_write;
mod pain002;
mod pain002_read;
mod pain002_schema;
mod pain002_write;
mod pain013;
mod pain013_read;
mod pain013_schema;
mod pain014;
mod pain014_read;
mod pain014_schema;
mod pieces;
mod restamp;
mod scan;
mod schema;
mod schema_common;
mod schema_original;
mod schema_remittance;
mod statement;
mod statement_entry_read;
mod statement_events;
mod statement_read;
mod statement_write;
mod values;
mod walk;
mod wrapper;
mod xml;
mod xml_write;

#[cfg(test)]
mod tests;

pub use admi002::{Rejection, write_admi002};
pub use admi002_read::{ReceivedRejection, read_admi002};
pub use camt004::{AlertBound, AlertSubject, BalanceAlert, read_camt004, write_camt004};
pub use camt025::{Receipt, read_camt025, write_camt025};
pub use camt029::{NegativeAnswer, RefusalText, write_camt029};
pub use camt029_read::read_camt029;
pub use camt050::{LiquidityTransfer, read_camt050, write_camt050};
pub use camt056::{Recall, write_camt056};
pub use camt056_read::read_camt056;
pub use control_sum::ControlSum;
pub use evidence::{EvidenceError, compress_evidence, decompress_evidence};
pub use fault::{SchemaFault, Violation};
pub use forward::forward_pacs008;
pub use header::{Header, write_header};
pub use message::{
    AnyMessage, BusinessMessage, CreditTransfer, Message, MessageKind, read_any_message, read_message,
};
pub use original::{Assignment, OriginalAccount, OriginalDetails, OriginalReferences};
pub use pacs002::{Originator, ReportedMessage, Status, StatusReport, write_pacs002, write_pacs002_on};
pub use pacs002_read::{read_pacs002, read_pacs002_on};
pub use pacs004::{PaymentReturn, ReturnFee, write_pacs004};
pub use pacs004_read::read_pacs004;
pub use pacs008::{Envelope, Pacs008, Profile, RefusedOrder, Rules, Surplus};
pub use pacs008_read::read_pacs008;
pub use pacs008_write::write_pacs008;
pub use pacs028::{StatusRequest, write_pacs028};
pub use pacs028_read::read_pacs028;
pub use pacs028_recall::{
    RecallStatusRequest, RecalledPayment, read_pacs028_on_recall, write_pacs028_on_recall,
};
pub use pain001::{
    LineCompletion, LineRefusal, PackageHeader, PackageLine, PackageOrder, PackageTotals, PaymentInformation,
    PaymentTerms,
};
pub use pain001_read::PackageReader;
pub use pain001_write::{PackageWriteError, write_pain001};
pub use pain002::{
    GroupStatus, LineReport, LineStatus, PackageReport, PackageReportPart, PaymentReport, StatusCount,
    StatusDetail,
};
pub use pain002_read::PackageReportReader;
pub use pain002_write::{PackageReportWriteError, write_pain002};
pub use pain013::{ActivationRequest, REQUESTED_PURPOSE, RequestedPayment, write_pain013};
pub use pain013_read::read_pain013;
pub use pain014::{ActivationReport, ActivationStatus, RequestReport, write_pain014};
pub use pain014_read::read_pain014;
pub use pieces::PackageReadError;
pub use restamp::Restamper;
pub use scan::{is_rejection, message_id_of};
pub use statement::{
    BalanceChain, BalanceKind, BookingCode, EntryDirection, EntryTotals, EntryTransaction, Moment, Page,
    Period, Statement, StatementAccount, StatementBalance, StatementEntry, StatementKind,
};
pub use statement_read::{StatementReadError, StatementReader};
pub use statement_write::{StatementError, write_statement};
pub use wrapper::{Wrapper, header_of, wrap};

/// The namespace of pacs.008, the credit transfer from bank to bank.
pub const PACS008_NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08";

/// The namespace of pacs.002, the payment status report.
pub const PACS002_NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:pacs.002.001.10";

/// The namespace of pacs.028, the payment status request.
pub const PACS028_NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:pacs.028.001.03";

/// The namespace of camt.056, the request to give a settled payment back.
pub const CAMT056_NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:camt.056.001.08";

/// The namespace of pacs.004, the return of a payment.
pub const PACS004_NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:pacs.004.001.09";

/// The namespace of camt.029, the refusal to give a payment back.
pub const CAMT029_NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:camt.029.001.09";

/// The namespace of camt.050, the order to move liquidity.
pub const CAMT050_NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:camt.050.001.05";

/// The namespace of camt.025, the receipt for such an order.
pub const CAMT025_NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:camt.025.001.05";

/// The namespace of camt.004, the notice that a bound was crossed.
pub const CAMT004_NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:camt.004.001.08";

/// The namespace of camt.052, the report on an account within a day.
pub const CAMT052_NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:camt.052.001.08";

/// The namespace of camt.053, the statement of an account.
pub const CAMT053_NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08";

/// The namespace of camt.054, the notification of entries.
pub const CAMT054_NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:camt.054.001.08";

/// The namespace of pain.001, a customer's file of orders.
pub const PAIN001_NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09";

/// The namespace of pain.002, the report on such a file.
pub const PAIN002_NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.10";

/// The namespace of pain.013, a payee's requests to pay.
pub const PAIN013_NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:pain.013.001.07";

/// The namespace of pain.014, the report on such requests.
pub const PAIN014_NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:pain.014.001.07";

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
