//! Payments on the wire: messages come in as they are; outcomes and questions go out as the ledger has them.

mod codec;
mod connect;
mod outcome;

pub(crate) use codec::{Codec, Encoded};
pub(crate) use connect::{ConnectReply, Event};
pub(crate) use outcome::{BatchReply, Decided, OutcomeReply, PaymentReference};

/// The generated servers.
pub(crate) mod service {
    // Generated code: its style is the generator's.
    #![allow(unreachable_pub, missing_debug_implementations, dead_code, clippy::all)]
    include!(concat!(env!("OUT_DIR"), "/solvo.v1.PaymentService.rs"));
    include!(concat!(env!("OUT_DIR"), "/solvo.v1.ParticipantService.rs"));
}
