//! The deterministic core: commands in, outcomes out.
//!
//! The ledger's state is a pure function of a prefix of the log. It is given the position and time of each
//! command and takes nothing else from outside, so every replay of the same frames gives the same state and
//! the same outcomes.
//!
//! Invariants:
//! - No clock, random source, float, hash-map iteration or I/O is in reach; lints and a dependency test see to it.
//! - Money moves only by transfers between two accounts of one book, so every book sums to zero after every command.
//! - No account's available funds go below its floor by a payment, a posting or a liquidity transfer.
//! - Every payment gets one final state, and that state never changes.
//! - What is reserved on an account or position is reserved for open reservations, and returns to zero with them; what
//!   is held on an account is held for open holds.
//! - Its state is one canonical stream of bytes ([`Ledger::write_state`]), and a ledger that is read from it goes on in
//!   the same way.
//! - Applying a command allocates nothing; what may grow, grows in [`Ledger::reserve_for_frame`].

#![deny(clippy::as_conversions, clippy::float_arithmetic)]

mod accounts;
mod activation;
mod alerts;
mod blocks;
mod bookings;
mod calendar;
mod command;
mod command_exceptions;
mod command_holders;
mod command_holds;
mod command_orders;
mod command_postings;
mod command_records;
mod command_requests_to_pay;
mod customer;
mod customer_limits;
mod deadlines;
mod decisions;
mod due_tree;
mod exceptions;
mod holds;
mod index;
mod kept_records;
pub mod layout;
mod ledger;
mod limits;
mod liquidity_state;
pub mod memory;
#[cfg(not(solvo_mutants))]
mod mutants;
#[cfg(solvo_mutants)]
pub mod mutants;
mod orders;
mod outcome;
mod packages;
mod participants;
mod payments;
mod posting_maps;
mod profile;
mod queries;
mod queries_lifecycle;
mod queries_liquidity;
mod reachable;
mod recall;
mod recalls;
mod record;
mod record_writer;
mod remark;
mod requests;
mod requests_to_pay;
mod reservations;
mod rings;
mod rules_activation;
mod rules_answer;
mod rules_calendar;
mod rules_customer;
mod rules_duplicates;
mod rules_exceptions;
mod rules_holders;
mod rules_holds;
mod rules_incarnation;
mod rules_liquidity;
mod rules_masterdata;
mod rules_orders;
mod rules_packages;
mod rules_payment;
mod rules_postings;
mod rules_recall;
mod rules_records;
mod rules_requests_to_pay;
mod rules_version;
mod rules_void;
mod schedule;
mod sealed;
pub mod sections;
pub mod state_layout;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod testing_words;
mod texts;
mod window;
mod zone;

pub use accounts::{Account, AccountKind, AccountStatus};
pub use activation::{AccountRange, AccountRangeError, ActivationTable, SetActivation};
pub use alerts::{Alerts, Bounds, Crossing, SetPositionAlert};
pub use blocks::{BlockTarget, Blocks, SetBlock};
pub use calendar::BusinessDate;
pub use command::{
    About, AccountMode, AccountSelector, Direction, Evidence, LiquidityDirection, MessageName, OpenAccount,
    OwnAccount, OwnedAccount, ParticipantStatus, Passage, PostEntry, RefusedBody, RefusedPayment,
    RegisterParticipant, RequestId, SetAccountFloor, SetAccountStatus, SetParticipantStatus,
    TransferLiquidity, TransferOwnFunds,
};
pub use command_exceptions::{
    AssignException, ExceptionAction, ExceptionKind, ExceptionOwner, ExceptionSeen, ExceptionSubject,
    ExceptionText, RaiseException, ResolveException,
};
pub use command_holders::SetAccountHolders;
pub use command_holds::{CaptureHold, CaptureText, HoldLeg, HoldText, LegText, PlaceHold, ReleaseHold};
pub use command_orders::{
    CancelOrders, CancelTarget, ChangeOrder, ClosePackage, Every, LineContent, LineText, OnClosedDay,
    OpenPackage, OrderContent, PACKAGE_LINES_MAX, PackageLine, PackageText, PlaceOrder, RefusedLineText,
    RepeatOrderText, Schedule, StoredTerms,
};
pub use command_postings::{GlAccount, PostingClass, PostingLine, PostingSubject, SetPostingMap};
pub use command_records::{
    ExpectedVersion, PutRecord, RecordKey, RecordName, RecordOwner, RecordSpace, RemoveRecord,
};
pub use command_requests_to_pay::{
    AnswerRequestToPay, CancelRequestToPay, CreateRequestToPay, PresentRequestToPay, RequestAnswer,
    RequestDetails, RequestToPayStatus, RequestToPayText,
};
pub use customer::{Fees, SetCustomerLimit, SetFees, SetRestricted, SetZone};
pub use customer_limits::CustomerLimit;
pub use decisions::{
    Answer, AnswerPayment, Connected, DecisionPolicy, DecisionScope, QuestionState, SetAccountFlag,
    SetDecisionPolicy, SetReservationLimit, Silence, Stage, StagePolicy,
};
pub use exceptions::{Acted, Exception, Noticed};
pub use holds::Hold;
pub use kept_records::KeptRecord;
pub use ledger::{Ledger, Position, ReplayError, Setup};
pub use limits::Limits;
pub use orders::{Order, OrderGroup, OrderState};
pub use outcome::{
    AnswerEffect, EndedOrder, NotExecuted, Outcome, OutcomeEntry, OutcomeError, Refusal, RequestEnd, Verdict,
};
pub use packages::Package;
pub use participants::{Book, Participant};
pub use payments::{Payment, SealMarks, Told};
pub use posting_maps::PostingMap;
pub use profile::Profile;
pub use queries::{BookTotals, PaymentAnswer, PaymentTotals};
pub use queries_lifecycle::{AnswerTotals, OpenQuestion, OpenQuestions, QuestionCursor};
pub use reachable::{PartyLimit, ReachableParty, SetReachableParty};
pub use recall::{
    AnswerRecall, Original, RecallAnswer, RecallText, Recalled, RequestRecall, SetRecallPolicy,
};
pub use recalls::{Answered, Recall};
pub use record::{Command, Kind, ReadAhead, Record, RecordError, Records};
pub use record_writer::{
    AccountHint, AskedFor, Needs, RecordWriter, mark_connected, mark_each_connected, order_transaction_id,
    payment_key,
};
pub use remark::Remark;
pub use requests_to_pay::RequestToPay;
pub use rules_calendar::{RollBusinessDate, SetClosingDays};
pub use rules_duplicates::duplicate_window_start;
pub use rules_version::{HAS_HOLDS, HAS_ORDERS, HAS_RULEBOOK, RULES_VERSION, SetVersion};
pub use rules_void::Void;
pub use sealed::SealedRun;
pub use sections::StateError;
pub use texts::{AccountText, EntryText, TextsError};
pub use zone::{LocalTime, Zone, ZoneChange, ZoneOffset};
