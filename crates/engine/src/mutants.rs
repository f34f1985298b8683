//! Mistakes that the simulator must find, each one that could slip in. They are chosen at run time, in a build with
//! `--cfg solvo_mutants`, which is never released.
//!
//! Invariant: in every other build [`is_on`] is constant, so that nothing of them is left.

/// A mistake.
#[cfg_attr(not(solvo_mutants), allow(dead_code, unreachable_pub))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// A frame is stamped when it is opened, not when it is sealed.
    StampAtOpening,
    /// No marker follows the last frame.
    DropMarker,
    /// Answers given before a restart are forgotten, so that a retry is applied again.
    ApplyTwice,
    /// A frame is decided, and those who listen hear of it, when it is sealed and not when it is durable.
    ForwardBeforeDurable,
    /// Questions asked before a restart are not told again.
    LoseOpenReservationsOnRestart,
    /// A replay, and only a replay, dies on payments of [`POISON`] minor units.
    PoisonedReplay,
    /// A snapshot counts, and what it covers is gone, before it has been read back.
    TruncateBeforeVerified,
}

/// The amount that a poisoned replay dies on, in minor units: no other test or simulation has it.
#[cfg(any(test, solvo_mutants))]
#[cfg_attr(not(solvo_mutants), allow(unreachable_pub))]
pub const POISON: i64 = 66_613;

/// Dies on certain commands where a test wants a replay to.
#[cfg(any(test, solvo_mutants))]
pub(crate) fn poison(record: &ledger::Record<'_>) {
    let is_poisoned = cfg!(test) || is_on(Mutant::PoisonedReplay);
    if let ledger::Command::Payment(payment) = record.command {
        assert!(!is_poisoned || payment.amount.get() != POISON, "this command is poison");
    }
}

#[cfg(not(any(test, solvo_mutants)))]
pub(crate) const fn poison(_record: &ledger::Record<'_>) {}

#[cfg(not(solvo_mutants))]
pub(crate) const fn is_on(_mutant: Mutant) -> bool {
    false
}

#[cfg(solvo_mutants)]
static ACTIVE: std::sync::Mutex<Option<Mutant>> = std::sync::Mutex::new(None);

/// Makes this mistake from now on, or none.
#[cfg(solvo_mutants)]
pub fn set(mutant: Option<Mutant>) {
    if let Ok(mut active) = ACTIVE.lock() {
        *active = mutant;
    }
}

#[cfg(solvo_mutants)]
pub(crate) fn is_on(mutant: Mutant) -> bool {
    ACTIVE.lock().is_ok_and(|active| *active == Some(mutant))
}

/// The ledger that a restart begins with.
#[cfg(not(solvo_mutants))]
pub(crate) const fn restarted(ledger: ledger::Ledger) -> ledger::Ledger {
    ledger
}

/// The ledger that a restart begins with, or one that has forgotten its answers.
#[cfg(solvo_mutants)]
pub(crate) fn restarted(mut ledger: ledger::Ledger) -> ledger::Ledger {
    if is_on(Mutant::ApplyTwice) {
        ledger::mutants::forget_answers(&mut ledger);
    }
    ledger
}
