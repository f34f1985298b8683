//! `PaymentService` on the wire: messages come in as they are, outcomes go out as the ledger has them.

mod codec;
mod outcome;

pub(crate) use codec::{Codec, Encoded};
pub(crate) use outcome::{BatchReply, Decided, OutcomeReply, PaymentReference};

/// The generated server.
pub(crate) mod service {
    // Generated code: its style is the generator's.
    #![allow(unreachable_pub, missing_debug_implementations, dead_code, clippy::all)]
    include!(concat!(env!("OUT_DIR"), "/solvo.v1.PaymentService.rs"));
}
