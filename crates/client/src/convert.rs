//! Wire messages to values of `types`, and back.
//!
//! Core types are not serialisable: each field is converted by hand, both ways, and a property test proves
//! that an order comes back as it went out. Reading finds *all* faults of a message, not only the first, and
//! names each by its path. No description of a fault quotes the text that is at fault.

mod payment_read;
mod payment_write;
mod reader;
mod values;

pub use payment_read::order_from_payment;
pub use payment_write::payment_from_order;
pub use reader::{FieldReader, Path};
pub use values::{durability_name, money, payment_state, payment_status, timestamp, timestamp_from_wire};

#[cfg(test)]
#[path = "convert_tests.rs"]
mod tests;
