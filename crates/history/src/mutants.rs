//! Mistakes that the tests must find, each one that could slip in. They are chosen at run time, in a build with
//! `--cfg solvo_mutants`, which is never released.
//!
//! Invariant: in every other build [`is_on`] is constant, so that nothing of them is left.

/// A mistake.
#[cfg_attr(not(solvo_mutants), allow(dead_code, unreachable_pub))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// The watermark is written apart from the rows that it speaks of.
    WatermarkApart,
}

#[cfg(not(solvo_mutants))]
pub(crate) const fn is_on(_mutant: Mutant) -> bool {
    false
}

#[cfg(solvo_mutants)]
std::thread_local! {
    static ACTIVE: std::cell::Cell<Option<Mutant>> = const { std::cell::Cell::new(None) };
}

/// Makes this mistake on this thread from now on, or none.
#[cfg(solvo_mutants)]
pub fn set(mutant: Option<Mutant>) {
    ACTIVE.set(mutant);
}

#[cfg(solvo_mutants)]
pub(crate) fn is_on(mutant: Mutant) -> bool {
    ACTIVE.get() == Some(mutant)
}
