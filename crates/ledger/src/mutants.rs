//! Mistakes that the simulator must find, each one that could slip in. They are chosen at run time, in a build with
//! `--cfg solvo_mutants`, which is never released.
//!
//! Invariant: in every other build [`is_on`] is constant, so that nothing of them is left.

/// A mistake.
#[cfg_attr(not(solvo_mutants), allow(dead_code, unreachable_pub))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// A refused payment leaves its key as it was.
    ForgetRefusal,
    /// Whether a payment is in time is checked before whether it is a duplicate.
    ExpiryBeforeDuplicate,
    /// A changed body gets the answer of the original.
    IgnoreChangedBody,
    /// A closed account's number is given to another.
    ReuseAccountNumber,
    /// A payment whose time is over counts as open until a sweep has come to it, and the sweep takes one at a time.
    SweepOnlyExpiry,
    /// An answer counts for a second after the deadline.
    ApplyAnswerAfterExpiry,
    /// Any bank may answer.
    ActOnAnotherBanksAnswer,
    /// A payment is decided though the evidence it carries does not reach to the floor.
    AnswerBelowFloor,
    /// When a state is read, one open question's end is never noticed.
    LoseTimerInState,
    /// The payee gets what the fee leaves of the amount.
    FeeFromAmount,
    /// What a customer's limits counted stays counted when the payment is not settled.
    KeepAllowance,
    /// A payment that came back comes back again.
    ReturnTwice,
    /// A capture that can't be made books the legs before the one at fault.
    CaptureInPart,
    /// A hold never ends by time.
    HoldOutlives,
    /// A record is put whatever version is there.
    PutBlindly,
    /// A request to pay that is accepted may be accepted once more, and is paid twice.
    RequestPaidTwice,
    /// A request to pay is accepted after its time.
    ExpiredRequestAccepted,
    /// A return is booked although a position or a limit does not take it.
    ReturnOverBlock,
    /// An order that was executed is executed once more.
    OrderTwice,
    /// An order that was cancelled is executed all the same.
    CancelForgotten,
    /// A lack of funds ends an order at once.
    FundsNotAwaited,
    /// A line is told to be logged although one is missing before it.
    LineSkipped,
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

/// Forgets every answer to a request.
#[cfg(solvo_mutants)]
pub fn forget_answers(ledger: &mut crate::Ledger) {
    ledger.requests = crate::requests::Requests::new(64);
}

/// Puts an account in the place of a closed one, if there is one; says where.
#[cfg(solvo_mutants)]
pub(crate) fn reuse(accounts: &mut [crate::Account], account: crate::Account) -> Option<usize> {
    let is_free = |known: &crate::Account| known.status() == crate::AccountStatus::Closed;
    let free = accounts.iter().position(is_free).filter(|_| is_on(Mutant::ReuseAccountNumber))?;
    accounts[free] = account;
    Some(free)
}
