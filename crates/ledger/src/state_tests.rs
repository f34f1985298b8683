//! The state's stream: its bytes are the same for ever, each of them counts, and no bytes break a ledger.
//!
//! That a ledger goes on from its stream as if nothing had happened is checked by every script of this crate, after each
//! of its frames ([`crate::testing`]).
