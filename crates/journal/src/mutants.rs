//! Mistakes that the simulator must find, each one that could slip in. They are chosen at run time, in a build with
//! `--cfg solvo_mutants`, which is never released.
//!
//! Invariant: in every other build [`is_on`] is constant, so that nothing of them is left.

/// A mistake.
#[cfg_attr(not(solvo_mutants), allow(dead_code, unreachable_pub))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// A frame is answered as durable before it is.
    ReleaseBeforeDurable,
    /// A new segment's name is not made durable.
    SkipDirectorySync,
    /// A sync that failed is tried again, and believed.
    RetryFailedSync,
    /// A frame of a former writer's epoch is taken.
    AcceptOtherEpoch,
    /// Damage in the middle of the log is taken for a torn tail.
    DamageAsTorn,
    /// The keys that are to be destroyed stay in KEYS.
    SkipKeyDestruction,
}

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
