//! Known mistakes that the simulator must find, each within a stated number of seeds.
//!
//! The mistakes are lines in the crates that they are about, compiled only with `--cfg solvo_mutants`.

/// A mistake, and within how many seeds it must be found.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// What is wrong with the node.
    pub name: &'static str,
    /// It must be found by a seed below this.
    pub seeds_max: u64,
    which: Which,
}

/// How a mistake was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caught {
    /// By this seed.
    pub seed: u64,
    /// As this broken promise.
    pub violation: String,
}

#[derive(Clone, Copy, Debug)]
enum Which {
    Journal(journal::mutants::Mutant),
    Engine(engine::mutants::Mutant),
    Ledger(ledger::mutants::Mutant),
}

/// All of them.
pub const MUTANTS: [Mutant; 39] = {
    use engine::mutants::Mutant as Engine;
    use journal::mutants::Mutant as Journal;
    use ledger::mutants::Mutant as Ledger;
    const fn mutant(name: &'static str, seeds_max: u64, which: Which) -> Mutant {
        Mutant { name, seeds_max, which }
    }
    [
        mutant("release before durable", 100, Which::Journal(Journal::ReleaseBeforeDurable)),
        mutant("skip a directory sync", 100, Which::Journal(Journal::SkipDirectorySync)),
        mutant("retry a failed sync", 1000, Which::Journal(Journal::RetryFailedSync)),
        mutant("accept a frame of another epoch", 100, Which::Journal(Journal::AcceptOtherEpoch)),
        mutant("treat mid-log damage as a torn tail", 200, Which::Journal(Journal::DamageAsTorn)),
        mutant("skip key destruction", 20, Which::Journal(Journal::SkipKeyDestruction)),
        mutant("forget a refusal", 50, Which::Ledger(Ledger::ForgetRefusal)),
        mutant("check expiry before duplicate", 50, Which::Ledger(Ledger::ExpiryBeforeDuplicate)),
        mutant("ignore a changed body", 50, Which::Ledger(Ledger::IgnoreChangedBody)),
        mutant("stamp the frame at opening", 50, Which::Engine(Engine::StampAtOpening)),
        mutant("drop the marker", 50, Which::Engine(Engine::DropMarker)),
        mutant("reuse an account number", 500, Which::Ledger(Ledger::ReuseAccountNumber)),
        mutant("sweep-only expiry", 200, Which::Ledger(Ledger::SweepOnlyExpiry)),
        mutant("apply an answer after expiry", 200, Which::Ledger(Ledger::ApplyAnswerAfterExpiry)),
        mutant("act on another bank's answer", 50, Which::Ledger(Ledger::ActOnAnotherBanksAnswer)),
        mutant("apply twice after restart", 200, Which::Engine(Engine::ApplyTwice)),
        mutant("forward before durable", 20, Which::Engine(Engine::ForwardBeforeDurable)),
        mutant("lose open reservations on restart", 50, Which::Engine(Engine::LoseOpenReservationsOnRestart)),
        mutant("truncate before verified", 100, Which::Engine(Engine::TruncateBeforeVerified)),
        mutant("answer a duplicate from below the floor", 200, Which::Ledger(Ledger::AnswerBelowFloor)),
        mutant("lose a timer in a snapshot", 100, Which::Ledger(Ledger::LoseTimerInState)),
        mutant("take the fee from the amount", 50, Which::Ledger(Ledger::FeeFromAmount)),
        mutant("keep an allowance that was not used", 100, Which::Ledger(Ledger::KeepAllowance)),
        mutant("return a payment twice", 50, Which::Ledger(Ledger::ReturnTwice)),
        mutant("return over a block", 200, Which::Ledger(Ledger::ReturnOverBlock)),
        mutant("book a capture in part", 50, Which::Ledger(Ledger::CaptureInPart)),
        mutant("hold that never ends", 50, Which::Ledger(Ledger::HoldOutlives)),
        mutant("late positive unnoticed", 50, Which::Ledger(Ledger::MissLatePositive)),
        mutant("raise an exception twice", 50, Which::Ledger(Ledger::RaiseTwice)),
        mutant("resolve an exception twice", 50, Which::Ledger(Ledger::ResolveTwice)),
        mutant("put a record blindly", 50, Which::Ledger(Ledger::PutBlindly)),
        mutant("decide a payment of an inactive account", 50, Which::Ledger(Ledger::InactivePays)),
        mutant("decide by an old table of accounts", 50, Which::Ledger(Ledger::OldTableDecides)),
        mutant("execute an order twice", 50, Which::Ledger(Ledger::OrderTwice)),
        mutant("forget a cancellation", 50, Which::Ledger(Ledger::CancelForgotten)),
        mutant("await no funds", 50, Which::Ledger(Ledger::FundsNotAwaited)),
        mutant("pay a request twice", 50, Which::Ledger(Ledger::RequestPaidTwice)),
        mutant("accept an expired request", 50, Which::Ledger(Ledger::ExpiredRequestAccepted)),
        mutant("leave a line out", 50, Which::Ledger(Ledger::LineSkipped)),
    ]
};

impl Mutant {
    /// Runs seeds from 0 until one finds the mistake, or none below the bound does.
    pub fn hunt(&self) -> Option<Caught> {
        self.set(true);
        let caught = (0..self.seeds_max)
            .find_map(|seed| crate::run(seed, false).err().map(|violation| Caught { seed, violation }));
        self.set(false);
        caught
    }

    fn set(&self, is_on: bool) {
        match self.which {
            Which::Journal(mutant) => journal::mutants::set(is_on.then_some(mutant)),
            Which::Engine(mutant) => engine::mutants::set(is_on.then_some(mutant)),
            Which::Ledger(mutant) => ledger::mutants::set(is_on.then_some(mutant)),
        }
    }
}
