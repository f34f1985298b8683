//! The gRPC services of a node: identity, decoding, limits, and the way into the engine and back.
//!
//! Invariants:
//! - A handler that is dropped (disconnect, deadline, cancellation) never undoes what it submitted: the engine
//!   holds the submission, and only the reply is lost.
//! - Every reply is of a durable command; every refusal says whether anything was logged.
//! - Room for a stream's replies is reserved before its payments are submitted, so that the core thread never
//!   waits for a reader; a stream that is not read is ended.
//! - Each handler knows its [`Caller`].

mod accounts;
mod admission;
mod answers;
mod audit;
mod batch;
mod caller;
mod connect;
mod cores;
mod events;
mod finals;
mod iso;
mod limits;
mod liquidity;
mod log;
mod mailbox;
mod node;
mod participants;
mod payments;
mod policy;
mod quota;
mod refusals;
mod replies;
mod serve;
mod session;
mod status;
mod values;
mod watchers;
mod wire;

pub use caller::{Caller, Role};
pub use cores::{Connection, Connections, serve_on_cores};
pub use limits::ServerLimits;
pub use serve::{ServeError, serve};
