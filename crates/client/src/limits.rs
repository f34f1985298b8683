//! The limits of the contract. Client and server use the same numbers.

/// The longest message, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The most payments or account openings in one message of a stream.
pub const BATCH_ITEMS_MAX: usize = 1024;

/// The longest ISO 20022 document, in bytes.
pub const DOCUMENT_BYTES_MAX: usize = 64 * 1024;

/// The longest chunk of a file of orders, in bytes.
pub const PACKAGE_CHUNK_BYTES_MAX: usize = 1024 * 1024;

/// The longest request id, in characters.
pub const REQUEST_ID_CHARACTERS_MAX: usize = 64;

/// The most holders of an account.
pub const HOLDER_NAMES_MAX: usize = 4;

/// The most lines of an address (`AdrLine`).
pub const ADDRESS_LINES_MAX: usize = 7;

/// The most violations that one answer names; a body with more is far from valid.
pub const FIELD_VIOLATIONS_MAX: usize = 64;

/// The most payments or entries in one page of history.
pub const PAGE_SIZE_MAX: u32 = 500;

/// As many are in a page if the request does not say.
pub const PAGE_SIZE_USUAL: u32 = 100;

// A full batch of ordinary payments (about 220 bytes each, at most a few times that) fits one message.
const _: () = assert!(BATCH_ITEMS_MAX * 1024 <= MESSAGE_BYTES_MAX);
const _: () = assert!(DOCUMENT_BYTES_MAX < MESSAGE_BYTES_MAX);
const _: () = assert!(PACKAGE_CHUNK_BYTES_MAX < MESSAGE_BYTES_MAX);
