//! How much a document may cost its reader.

/// The largest document, in bytes. A pacs.008 of SCT Inst with every attribute at full length has about 12 KiB.
pub const DOCUMENT_BYTES_MAX: usize = 64 * 1024;

/// The deepest nesting of elements. The deepest part of the messages, tax records, needs thirteen, and a
/// wrapper two more.
pub const DEPTH_MAX: usize = 32;

/// The longest list of attributes in one start tag, in bytes: room for namespaces and schema locations.
pub const ATTRIBUTES_BYTES_MAX: usize = 2048;

/// How many namespaces may be declared at one place of a document: each is looked at for every element.
pub const NAMESPACES_MAX: usize = 32;

/// The most that a document may have of what the scheme leaves out and profile `pass-through` forwards, in bytes
/// as Solvo writes it. It is stored with the order, whose other texts need at most half as much.
pub const SURPLUS_BYTES_MAX: usize = 32 * 1024;

/// How many characters of an unknown element's name a fault repeats.
pub const FAULT_NAME_CHARACTERS_MAX: usize = 35;

/// How long each part of a statement that is read may be, in bytes: what stands before the entries, and each entry.
pub const STATEMENT_PART_BYTES_MAX: usize = 1024 * 1024;

/// How many bytes a file of orders, or a report on one, may have. A transaction with every attribute has about 4 KiB.
pub const PACKAGE_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;

/// How many transactions a file of orders may have.
pub const PACKAGE_TRANSACTIONS_MAX: u32 = 1_000_000;

/// How many payment informations a file of orders may have: groups of transactions with one payer and one date.
pub const PACKAGE_PAYMENTS_MAX: u32 = 10_000;

/// How many requests to pay a document may have: with every attribute at full length fewer fit into it.
pub const ACTIVATIONS_MAX: usize = 100;

/// How many further balances a statement that is read may have.
pub const FURTHER_BALANCES_MAX: usize = 100;

/// How many additional texts a recall or its answer may have, as the scheme counts them for answers.
pub const ADDITIONAL_INFORMATION_MAX: usize = 13;

/// How many transaction ids a [`Restamper`](crate::Restamper) remembers; later ones still become unique.
pub const RESTAMPED_IDS_MAX: usize = 100_000;

const _: () = assert!(ATTRIBUTES_BYTES_MAX < DOCUMENT_BYTES_MAX);
const _: () = assert!(SURPLUS_BYTES_MAX < DOCUMENT_BYTES_MAX);
const _: () = assert!(DEPTH_MAX < DOCUMENT_BYTES_MAX);
const _: () = assert!(PACKAGE_PAYMENTS_MAX <= PACKAGE_TRANSACTIONS_MAX);
