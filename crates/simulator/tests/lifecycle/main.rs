//! The lifecycle of a payment that waits for a bank, checked exhaustively (stateright).
//!
//! The simulator runs the real node through what chance brings; this model is a page of rules, and all that can happen
//! to it happens: every order of messages that are lost, doubled and late, every crash, every moment for the deadline.
//! What is bounded: one payment, one question, frames of at most two commands.
//!
//! The promises are checked as sharply as their flaws are found: each known mistake must break the promise that it
//! is about.

mod ledger;
mod promises;
mod world;

use std::collections::BTreeSet;

use stateright::{Checker, HasDiscoveries, Model};

use world::Lifecycle;

/// A mistake that the checker must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    /// There is none.
    None,
    /// The payee's bank is asked when the frame is sealed.
    ForwardBeforeDurable,
    /// Everyone hears of a frame when it is sealed.
    TellBeforeDurable,
    /// A frame has the time of its first command.
    StampAtOpening,
    /// A payment whose time is over counts as open until a sweep has come to it.
    SweepOnlyExpiry,
    /// The answer of a bank that was silent to the end still counts.
    AnswerAfterExpiry,
    /// Any bank may answer.
    AnyBankAnswers,
    /// What expires stays set aside.
    KeepReserved,
    /// A late acceptance is told what it hopes for.
    BelieveLateAnswer,
    /// A restart begins without what was reserved.
    LoseReservationsOnRestart,
    /// A bank that connects hears of outcomes and not of open questions.
    ForgetQuestionsOnConnect,
}

const FLAWS: [(Flaw, &str); 10] = [
    (Flaw::ForwardBeforeDurable, promises::ASKED_WHEN_DURABLE),
    (Flaw::TellBeforeDurable, promises::TOLD_WHEN_DURABLE),
    (Flaw::StampAtOpening, promises::IN_TIME),
    (Flaw::SweepOnlyExpiry, promises::IN_TIME),
    (Flaw::AnswerAfterExpiry, promises::ONE_END),
    (Flaw::AnyBankAnswers, promises::ASKED_BANK_DECIDES),
    (Flaw::KeepReserved, promises::GIVEN_BACK),
    (Flaw::BelieveLateAnswer, promises::SAME_END),
    (Flaw::LoseReservationsOnRestart, promises::MEMORY_IS_LOG),
    (Flaw::ForgetQuestionsOnConnect, promises::ANSWERED),
];

#[test]
fn every_promise_holds_in_every_state() {
    let checker = Lifecycle { flaw: Flaw::None }.checker().threads(2).spawn_bfs().join();
    checker.assert_properties();
    assert!(checker.is_done(), "every state has been visited");
    assert!(checker.unique_state_count() > 100_000, "{} states", checker.unique_state_count());
}

#[test]
fn every_flaw_breaks_its_promise() {
    for (flaw, promise) in FLAWS {
        let found = HasDiscoveries::AllOf(BTreeSet::from([promise]));
        let checker = Lifecycle { flaw }.checker().finish_when(found).spawn_bfs().join();
        assert!(checker.discovery(promise).is_some(), "{flaw:?} goes unnoticed");
    }
}
