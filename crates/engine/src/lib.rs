//! The node's heart: a step without threads or clock, and the threads that drive it.
//!
//! [`Core::step`] takes one event and says what to do; a test or the simulator can drive it alone. [`start`]
//! recovers a journal and runs the step on a thread of its own, with the log written by a second one, segments prepared
//! by a third, and the log followed, compared and made into snapshots by a fourth ([`Follower`]). Callers hold a
//! [`Handle`].
//!
//! Invariants:
//! - Nobody outside sees the effect of a command before it is on stable storage: commands are applied, and
//!   answered, only from durable frames.
//! - One frame is being written at a time, so that only the last one can be torn.
//! - A failed write or sync, a divergence, and a panic on the core thread end the process.
//! - Whoever listens hears, in the order of positions, what is durable, and never holds the core thread up.
//! - Every queue has a limit, and a caller that has gone away never undoes what it submitted.

#![deny(clippy::as_conversions, clippy::float_arithmetic)]

mod accounts_table;
mod activations;
mod archive_readers;
mod clock;
mod connections;
mod core;
mod crossings;
mod deliveries;
mod directory;
mod driver;
mod duplicates;
mod event;
mod exceptions_told;
mod feed;
mod finals;
mod follow_error;
mod follower;
mod follower_status;
mod follower_watch;
mod following;
#[cfg(test)]
mod golden_tests;
mod handle;
mod holds_told;
mod inbox;
mod key_orders;
mod keys;
mod life;
mod log_view;
mod looking;
#[cfg(not(solvo_mutants))]
mod mutants;
#[cfg(solvo_mutants)]
pub mod mutants;
mod orders_told;
mod pace;
mod place;
mod preparing;
mod put_off;
mod question;
mod question_exceptions;
mod question_holds;
mod question_orders;
mod question_recalls;
mod question_requests;
mod recalls_told;
mod recovery;
#[cfg(test)]
mod recovery_tests;
mod replay;
mod requests_told;
mod sealer;
mod sealing;
mod spacing;
mod stages;
mod start;
mod stored_order;
mod subscription;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod testing_exceptions;
#[cfg(test)]
mod testing_holds;
#[cfg(test)]
mod testing_orders;
#[cfg(test)]
mod testing_recall;
#[cfg(test)]
mod testing_requests;
mod ticket;
mod voids;

pub use accounts_table::AccountLines;
pub use activations::Activations;
pub use archive_readers::TakenIn;
pub use clock::{ClockState, LogClock, Now};
pub use core::{Core, CoreSetup};
pub use crossings::Hosts;
pub use deliveries::Collector;
pub use directory::{Directory, ParticipantView};
pub use driver::Engine;
pub use duplicates::{Duplicates, facts_of};
pub use event::{Action, Event, Halt, LookUp, Submission};
pub use exceptions_told::{ExceptionStep, ExceptionTold};
pub use finals::{FinalSink, Waiting};
pub use follow_error::FollowError;
pub use follower::{Followed, Follower, FollowerSettings, FollowerSetup, Moment, Pause, digest};
pub use follower_status::{FollowerView, SnapshotView};
pub use handle::{AnswerSink, EVIDENCE_WITH_ANSWERS_MAX, Handle, NotTaken, OutcomeSink, Status};
pub use holds_told::HoldExpired;
pub use journal::{Destroyed, MONTHS_KEPT_MIN, MasterKey, day_of_key, erasable_before};
pub use key_orders::{Erased, KeySink, KeysUnchanged};
pub use ledger::RULES_VERSION;
pub use log_view::{BankChanged, Decision, Decisions, LogError, LogView, READ_BYTES_MAX};
pub use orders_told::{OrderEvent, OrdersTold};
pub use question::{
    Answer, Answered, CustomerAnswer, LiquidityAnswer, PAYMENTS_ASKED_MAX, ParticipantAnswer, PaymentName,
    Question, QuestionsOfBank,
};
pub use question_exceptions::{
    EXCEPTIONS_ASKED_MAX, EXCEPTIONS_LOOKED_AT_MAX, ExceptionFound, ExceptionsAnswer, ExceptionsAsked,
};
pub use question_holds::{
    HOLDS_ASKED_MAX, HoldFound, HoldsAsked, KeptAsked, KeptFound, RECORDS_LOOKED_AT_MAX,
};
pub use question_orders::{
    GROUPS_ASKED_MAX, ORDERS_ASKED_MAX, OrderFound, OrdersAsked, OrdersFound, PACKAGES_ASKED_MAX,
    PackageFound, PackagesAsked,
};
pub use question_recalls::{CalendarAnswer, RECALLS_ASKED_MAX, RecallFound, RecallsAsked};
pub use question_requests::{REQUESTS_ASKED_MAX, RequestFound, RequestSide, RequestsAsked, RequestsFound};
pub use recalls_told::{RecallStep, RecallTold};
pub use recovery::{Recovered, RecoveryProgress, RecoveryView, recover, recover_with_key};
pub use replay::{Divergence, ReplayTotals, Replayer};
pub use requests_told::{RequestStep, RequestTold};
pub use sealer::{Handing, SLICE_MAX, Sealer, Slice};
pub use stages::{Stage, StageTimes};
pub use start::{Config, StartError, start, start_telling};
pub use stored_order::StoredOrder;
pub use subscription::{
    BankChange, Banks, Interest, Notice, Outbox, Outcomes, Questions, Subscription, SubscriptionId, Taken,
};
pub use voids::{VoidError, void, voids_at};
