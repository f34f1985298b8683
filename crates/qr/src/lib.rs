//! Payment codes: the QR codes on invoices and at tills that fill in a SEPA credit transfer (EPC069-12).
//!
//! A [`PaymentCode`] is what the code says, a [`Payload`] the lines in which it says it, a [`Symbol`] the squares that
//! are printed. [`read_png`] goes the whole way back, from an image.
//!
//! Invariants:
//! - What is written is read back as the same code, and keeps to the guideline: at most [`PAYLOAD_BYTES_MAX`] bytes, error
//!   correction M, and no symbol beyond version [`SYMBOL_VERSION_MAX`].
//! - Texts and images may hold anything: what is no payment code is refused with the line and the rule, and nothing panics.
//! - Reading an image takes bounded memory and time ([`ImageLimits`], [`SEARCH_TIME_MAX`]).
//! - Names, account numbers and remittance information enter no error and no `{:?}`.

mod character_set;
mod creditor_reference;
mod gray_image;
mod payload;
mod payment_code;
mod read_image;
mod render;
mod symbol;

#[cfg(test)]
mod external_tests;
#[cfg(test)]
mod samples;

pub use character_set::CharacterSet;
pub use creditor_reference::{CreditorReference, CreditorReferenceError};
pub use gray_image::{ImageError, ImageLimits};
pub use payload::{Line, LineFault, PAYLOAD_BYTES_MAX, Payload, PayloadError};
pub use payment_code::{PaymentCode, Purpose, Remittance, Scheme, Version};
pub use read_image::{ReadError, SEARCH_TIME_MAX, is_png, read_png};
pub use symbol::{SYMBOL_VERSION_MAX, Symbol};
