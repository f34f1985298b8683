//! The gRPC services of a node: identity, decoding, limits, and the way into the engine and back.
//!
//! Invariants:
//! - A handler that is dropped (disconnect, deadline, cancellation) never undoes what it submitted: the engine
//!   holds the submission, and only the reply is lost.
//! - Every reply is of a durable command; every refusal says whether anything was logged.
//! - Room for a stream's replies is reserved before its payments are submitted, so that the core thread never
//!   waits for a reader; a stream that is not read is ended.
//! - Every call passes one gate, which gives it its [`Caller`] or refuses it ([`RIGHTS`]).

mod account_holders;
mod account_streams;
mod accounts;
mod activation;
mod admission;
mod answers;
mod audit;
mod batch;
mod calendar;
mod calendar_keeper;
mod caller;
mod certificate;
mod connect;
mod connection;
mod cores;
mod customers;
mod events;
mod exceptions;
mod finals;
mod frankfurt;
mod gate;
mod history;
mod holds;
mod identity;
mod iso;
mod keys;
mod limits;
mod liquidity;
mod lives;
mod log;
mod mailbox;
mod node;
mod orders;
mod own_work;
mod parallel;
mod participants;
mod payment_codes;
mod payments;
mod per_caller;
mod policy;
mod principals;
mod quota;
mod recalls;
mod receipts;
mod records;
mod recovering;
mod refusals;
mod replies;
mod request_body;
mod requests_to_pay;
mod rights;
mod serve;
mod session;
mod status;
mod tls;
mod values;
mod verification;
mod waste;
mod watchers;
mod wire;

pub use calendar_keeper::{Keeping, keep_calendar};
pub use caller::{Caller, Role, Roles};
pub use connection::{Connection, Peer};
pub use cores::{Connections, serve_on_cores};
pub use identity::Identities;
pub use keys::NewMasterKey;
pub use limits::{HOLDERS_RENEWED_AFTER_DAYS, IsoSettings, ServerLimits};
pub use principals::PrincipalsError;
pub use receipts::ReceiptDesk;
pub use recovering::serve_recovery;
pub use rights::{RIGHTS, Right, right_to};
pub use serve::{ServeError, Served, serve, serve_secured};
pub use tls::{IdentityError, IdentityFiles};
pub use verification::{
    Asked, Awaited, Given, HttpBanks, NoAnswer, OtherBanks, OtherBanksError, OtherBanksFiles, Told,
};
