//! The rules of a payment, in order of precedence; the first that fails decides.
//!
//! Payer's bank known (DNOR; before the key), duplicate (the stored answer, or AM05 for a changed body), what
//! was wrong on reading, payee's bank known (CNOR), both active (AG10, AG11), in time (AB05, DT01), accounts
//! known (AC01, AC02), open (AC04), not blocked (AC06), of a type that permits it (AG01), in the currency
//! (AM03), customer's funds (AM04), position (AM23), room (AM02), and a connection to the payee's bank (AB08).

use types::{AccountNumber, Bic, Currency, Digest, PaymentState, ReasonCode, StatusReason, Timestamp};

use crate::accounts::Transfer;
use crate::ledger::ReplayError;
use crate::mutants::{Mutant, is_on};
use crate::participants::Participant;
use crate::{
    AccountKind, AccountMode, AccountStatus, Kind, Ledger, Outcome, ParticipantStatus, Payment, Position,
    Profile, Verdict, layout,
};

/// What is to be done about a payment. Committing it can't fail.
enum Decision {
    /// The answer to an earlier attempt is given again.
    Repeat(Payment),
    /// It is refused.
    Reject {
        reason: ReasonCode,
        /// Whether this attempt uses the key up.
        holds_key: bool,
    },
    /// It is booked.
    Settle(Settlement),
}

/// The bookings of a payment: one transfer in each book that it touches.
struct Settlement {
    amount: i64,
    transfers: [Option<Transfer>; 3],
    /// Accounts whose balances are told: payer, payee, payer's position, payee's position.
    told: [AccountNumber; 4],
}

/// The fields that both kinds of payment record have.
struct Attempt<'record> {
    key: &'record layout::PaymentKey,
    kind: Kind,
    body_digest: [u8; 16],
    acceptance_time: Timestamp,
    stamped: bool,
}

pub(crate) fn apply(
    ledger: &mut Ledger,
    at: Position,
    record: &layout::Payment,
) -> Result<Outcome, ReplayError> {
    let attempt = Attempt {
        key: &record.key,
        kind: Kind::Payment,
        body_digest: record.body_digest,
        acceptance_time: checked_time(record.acceptance_time.get()),
        stamped: record.flags.get() & layout::PAYMENT_STAMPED != 0,
    };
    let profile = ledger.profile(record.profile.get())?;
    let is_late = || profile.deadline(attempt.acceptance_time) <= at.time;
    let decision = match known(ledger, &attempt) {
        Some(decision) if !is_on(Mutant::ExpiryBeforeDuplicate) || !is_late() => decision,
        _ => match judge(ledger, at, record, profile) {
            Ok(settlement) => Decision::Settle(settlement),
            Err(reason) => Decision::Reject { reason, holds_key: true },
        },
    };
    Ok(commit(ledger, at, &attempt, decision))
}

pub(crate) fn apply_refused(ledger: &mut Ledger, at: Position, record: &layout::RefusedPayment) -> Outcome {
    let attempt = Attempt {
        key: &record.key,
        kind: Kind::RefusedPayment,
        body_digest: record.body_digest,
        acceptance_time: checked_time(record.acceptance_time.get()),
        stamped: false,
    };
    let reason = ReasonCode::from_bytes(record.reason).expect("records are checked when they are read");
    let decision = known(ledger, &attempt).unwrap_or(Decision::Reject { reason, holds_key: true });
    commit(ledger, at, &attempt, decision)
}

/// What comes before every check that depends on time, status or load: the payer's bank, and the key.
fn known(ledger: &Ledger, attempt: &Attempt<'_>) -> Option<Decision> {
    let bank = attempt.key.bank();
    if ledger.participants.find(bank).is_none() {
        let reason = StatusReason::DebtorBankNotRegistered.code();
        return Some(Decision::Reject { reason, holds_key: false });
    }
    let earlier = ledger.payments.find(bank, attempt.key.id())?;
    if earlier.body_digest == attempt.body_digest || is_on(Mutant::IgnoreChangedBody) {
        return Some(Decision::Repeat(*earlier));
    }
    Some(Decision::Reject { reason: StatusReason::Duplication.code(), holds_key: false })
}

/// One side of a payment.
#[derive(Clone, Copy)]
enum Side {
    /// An account here.
    Hosted {
        account: AccountNumber,
        /// It is kept in another currency than the payment's.
        other_currency: bool,
    },
    /// An account in the bank's own core.
    Remote,
    /// The bank's accounts live here, and this one does not exist.
    Unknown,
}

impl Side {
    const fn account(self) -> Option<AccountNumber> {
        match self {
            Self::Hosted { account, .. } => Some(account),
            Self::Remote | Self::Unknown => None,
        }
    }
}

fn judge(
    ledger: &Ledger,
    at: Position,
    record: &layout::Payment,
    profile: &Profile,
) -> Result<Settlement, ReasonCode> {
    let fails = |reason: StatusReason| Err(reason.code());
    let currency =
        Currency::from_number(record.currency.get()).expect("records are checked when they are read");
    let bank = |bic: Bic| ledger.participants.find(bic).map(|number| ledger.participants.get(number));
    let debtor_bank = bank(record.key.bank()).expect("the payer's bank was found before the key");
    let creditor_bic =
        Bic::from_bytes(record.creditor_agent).expect("records are checked when they are read");
    let Some(creditor_bank) = bank(creditor_bic) else {
        return fails(StatusReason::CreditorBankNotRegistered);
    };
    if debtor_bank.status() == ParticipantStatus::Suspended {
        return fails(StatusReason::AgentSuspended);
    }
    if creditor_bank.status() == ParticipantStatus::Suspended {
        return fails(StatusReason::CreditorAgentSuspended);
    }
    let accepted = checked_time(record.acceptance_time.get());
    if profile.deadline(accepted) <= at.time {
        return Err(profile.late_on_arrival);
    }
    if accepted > at.time.plus(profile.future_tolerance) {
        return fails(StatusReason::InvalidDate);
    }
    let digest = Digest(record.creditor_account_digest);
    let creditor = side(ledger, creditor_bank, record.creditor_account_hint.get(), digest, currency);
    let digest = Digest(record.debtor_account_digest);
    let debtor = side(ledger, debtor_bank, record.debtor_account_hint.get(), digest, currency);
    if matches!(creditor, Side::Unknown) {
        return fails(StatusReason::IncorrectAccountNumber);
    }
    if matches!(debtor, Side::Unknown) {
        return fails(StatusReason::InvalidDebtorAccountNumber);
    }
    check_accounts(ledger, [debtor, creditor])?;
    if record.debtor_account_digest == record.creditor_account_digest {
        return fails(StatusReason::TransactionForbidden);
    }
    let other_currency = |side| matches!(side, Side::Hosted { other_currency: true, .. });
    if currency != profile.currency || other_currency(debtor) || other_currency(creditor) {
        return fails(StatusReason::NotAllowedCurrency);
    }
    let settlement = plan(debtor_bank, creditor_bank, debtor, creditor, currency, record.amount.get())?;
    check_funds(ledger, &settlement)?;
    match creditor {
        Side::Hosted { .. } => Ok(settlement),
        Side::Remote | Side::Unknown => Err(profile.no_connection),
    }
}

/// Where an account lives: in a hosted bank it must be here; in a mixed one what is not here is asked for.
fn side(ledger: &Ledger, bank: &Participant, hint: u32, digest: Digest, currency: Currency) -> Side {
    if bank.mode() == AccountMode::Remote {
        return Side::Remote;
    }
    let owned = |account: &AccountNumber| {
        let owner = ledger.accounts.get(*account).owner();
        ledger.participants.get(owner).bic() == bank.bic()
    };
    if let Some(account) = ledger.accounts.find(AccountNumber(hint), digest, currency).filter(owned) {
        return Side::Hosted { account, other_currency: false };
    }
    if let Some(account) = ledger.accounts.find_in_any_currency(digest).filter(owned) {
        return Side::Hosted { account, other_currency: true };
    }
    if bank.mode() == AccountMode::Mixed { Side::Remote } else { Side::Unknown }
}

/// Closed, blocked, type: each for both sides before the next.
fn check_accounts(ledger: &Ledger, sides: [Side; 2]) -> Result<(), ReasonCode> {
    let accounts = sides.map(|side| side.account().map(|account| ledger.accounts.get(account)));
    let accounts = || accounts.iter().flatten();
    if accounts().any(|account| account.status() == AccountStatus::Closed) {
        return Err(StatusReason::ClosedAccountNumber.code());
    }
    if accounts().any(|account| account.status() == AccountStatus::Blocked) {
        return Err(StatusReason::BlockedAccount.code());
    }
    if accounts().any(|account| account.kind() != AccountKind::Current) {
        return Err(StatusReason::TransactionForbidden.code());
    }
    Ok(())
}

/// The bookings of each kind of payment.
///
/// | payer | payee | transfers |
/// |---|---|---|
/// | hosted | hosted, same bank | payer to payee |
/// | hosted | hosted, other bank | payer to clearing; position to position; clearing to payee |
/// | remote | hosted, other bank | position to position; clearing to payee |
/// | remote | hosted, same (mixed) bank | core to payee |
/// | any | remote, other bank | the payer's half of the above, so that funds are checked |
/// | hosted | remote, same (mixed) bank | payer to core, so that funds are checked |
fn plan(
    debtor_bank: &Participant,
    creditor_bank: &Participant,
    debtor: Side,
    creditor: Side,
    currency: Currency,
    amount: i64,
) -> Result<Settlement, ReasonCode> {
    let none = AccountNumber(0);
    let transfer = |debit, credit| Some(Transfer { debit, credit });
    let not_settled_here = || StatusReason::NotAllowedCurrency.code();
    let debtor_book = debtor_bank.book(currency).ok_or_else(not_settled_here)?;
    let creditor_book = creditor_bank.book(currency).ok_or_else(not_settled_here)?;
    let told = |positions: [AccountNumber; 2]| {
        let [debtor_position, creditor_position] = positions;
        [
            debtor.account().unwrap_or(none),
            creditor.account().unwrap_or(none),
            debtor_position,
            creditor_position,
        ]
    };
    if debtor_bank.bic() == creditor_bank.bic() {
        let debit = debtor.account().unwrap_or(debtor_book.core);
        let credit = creditor.account().unwrap_or(debtor_book.core);
        let inside = if debit == credit { None } else { transfer(debit, credit) };
        return Ok(Settlement { amount, transfers: [inside, None, None], told: told([none; 2]) });
    }
    let debtor_position = debtor_bank.position(currency).ok_or_else(not_settled_here)?;
    let creditor_position = creditor_bank.position(currency).ok_or_else(not_settled_here)?;
    let transfers = [
        debtor.account().and_then(|account| transfer(account, debtor_book.clearing)),
        transfer(debtor_position, creditor_position),
        creditor.account().and_then(|account| transfer(creditor_book.clearing, account)),
    ];
    Ok(Settlement { amount, transfers, told: told([debtor_position, creditor_position]) })
}

/// Funds of every account that pays, then room in every account that receives. The customer's come first.
fn check_funds(ledger: &Ledger, settlement: &Settlement) -> Result<(), ReasonCode> {
    for transfer in settlement.transfers.iter().flatten() {
        let debit = ledger.accounts.get(transfer.debit);
        if !debit.covers(settlement.amount) {
            return Err(match debit.kind() {
                AccountKind::Current | AccountKind::Savings => StatusReason::InsufficientFunds.code(),
                AccountKind::Position => StatusReason::AmountExceedsSettlementLimit.code(),
                AccountKind::Core | AccountKind::Clearing | AccountKind::Funding => {
                    StatusReason::NotAllowedAmount.code()
                }
            });
        }
    }
    let mut credits =
        settlement.transfers.iter().flatten().map(|transfer| ledger.accounts.get(transfer.credit));
    match credits.all(|credit| credit.has_room_for(settlement.amount)) {
        true => Ok(()),
        false => Err(StatusReason::NotAllowedAmount.code()),
    }
}

fn commit(ledger: &mut Ledger, at: Position, attempt: &Attempt<'_>, decision: Decision) -> Outcome {
    let mut outcome = Outcome {
        sequence: at.sequence,
        decided_at: at.sequence,
        decided_time: at.time,
        accepted: attempt.acceptance_time,
        kind: attempt.kind,
        verdict: Verdict::Payment { state: PaymentState::Settled, reason: None, repeat_of: None },
        late: false,
        balances: [0; 4],
    };
    let (state, reason, holds_key) = match decision {
        Decision::Repeat(earlier) => {
            outcome.decided_at = earlier.decided_at;
            outcome.decided_time = earlier.decided_time;
            outcome.accepted = earlier.acceptance_time;
            outcome.late = earlier.late;
            let (state, reason) = (earlier.state, earlier.reason);
            outcome.verdict = Verdict::Payment { state, reason, repeat_of: Some(earlier.sequence) };
            return outcome;
        }
        Decision::Reject { reason, holds_key } => {
            (PaymentState::Rejected, Some(reason), holds_key && !is_on(Mutant::ForgetRefusal))
        }
        Decision::Settle(settlement) => {
            for transfer in settlement.transfers.into_iter().flatten() {
                ledger.accounts.transfer(transfer, settlement.amount, at.sequence);
            }
            outcome.balances = settlement.told.map(|account| match account.0 {
                0 => 0,
                _ => ledger.accounts.get(account).balance(),
            });
            (PaymentState::Settled, None, true)
        }
    };
    outcome.verdict = Verdict::Payment { state, reason, repeat_of: None };
    ledger.payments.add(Payment {
        sequence: at.sequence,
        decided_at: at.sequence,
        received_time: at.time,
        decided_time: at.time,
        acceptance_time: attempt.acceptance_time,
        body_digest: attempt.body_digest,
        debtor_agent: attempt.key.bank(),
        transaction_id_length: attempt.key.transaction_id_length,
        transaction_id: attempt.key.transaction_id,
        state,
        reason,
        holds_key,
        stamped: attempt.stamped,
        late: false,
    });
    outcome
}

fn checked_time(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanoseconds(nanoseconds).expect("records are checked when they are read")
}

#[cfg(test)]
#[path = "rules_payment_tests.rs"]
mod tests;
