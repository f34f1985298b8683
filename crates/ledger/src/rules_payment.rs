//! The rules of a payment, in order of precedence; the first that fails decides.
//!
//! Evidence on disk that reaches to the floor (without it nothing is decided, and the engine asks again), sender entitled
//! (RC01; before everything else), payer's bank known (DNOR; before the key), duplicate (the stored answer, or
//! AM05 for a changed body), what was wrong on reading, both accounts take part (else it is not taken, or asked again
//! where that was looked up by an older table), payee's bank known (CNOR), both active and not blocked (AG10,
//! AG11), in time (AB05, DT01), accounts known (AC01, AC02), open (AC04), not blocked (AC06), not restricted (RR04), of a
//! type that permits it (AG01), in the currency (AM03), the payer's own limits (AM14), position and limit not blocked
//! (ED05), customer's funds, the fee included (AM04), position and headroom (AM23), room (AM02), a connection to each bank that has to be
//! asked (AB08, AB07), and room among its unanswered questions (AB10).

use types::{
    AccountNumber, Bic, Currency, Digest, ParticipantNumber, PaymentState, ReasonCode, StatusReason,
    Timestamp,
};

use crate::alerts::Alerts;
use crate::bookings::{Bookings, Sides};
use crate::command::Direction;
use crate::ledger::ReplayError;
use crate::mutants::{Mutant, is_on};
use crate::participants::Participant;
use crate::payments::{HOLDS_KEY, STAMPED};
use crate::reservations::Reservation;
use crate::rules_customer::Refused;
use crate::{
    Account, AccountKind, AccountMode, AccountStatus, Connected, Kind, Ledger, NotExecuted, Outcome, Payment,
    Position, Profile, QuestionState, Remark, Silence, Stage, Verdict, layout, rules_activation,
    rules_answer, rules_customer, rules_duplicates, rules_liquidity, rules_orders,
};

/// What is to be done about a payment. Committing it can't fail.
// A decision is made and committed at once; it never lies in memory.
#[allow(clippy::large_enum_variant)]
enum Decision {
    /// The answer to an earlier attempt is given again.
    Repeat(Payment),
    /// It is refused.
    Reject {
        why: Refused,
        /// Whether this attempt uses the key up.
        holds_key: bool,
    },
    /// It is booked.
    Settle(Bookings),
    /// Funds are set aside, and a bank is asked.
    Reserve(Bookings, Reservation),
}

/// The fields that both kinds of payment record have.
struct Attempt<'record> {
    key: &'record layout::PaymentKey,
    debtor_agent: Bic,
    key_hash: u64,
    kind: Kind,
    body_digest: [u8; 16],
    acceptance_time: Timestamp,
    stamped: bool,
    /// The payment of the same key that evidence on disk holds, if it still counts.
    found: Option<Payment>,
}

pub(crate) fn apply(
    ledger: &mut Ledger,
    at: Position,
    record: &layout::Payment,
    found: Option<&layout::StoredPayment>,
) -> Result<Outcome, ReplayError> {
    if rules_duplicates::is_short(ledger, record.evidence_upto) {
        return Ok(rules_duplicates::ask_again(at, Kind::Payment));
    }
    let debtor_agent = record.key.bank();
    let attempt = Attempt {
        key: &record.key,
        debtor_agent,
        key_hash: ledger.payments.hash(debtor_agent, record.key.id()),
        kind: Kind::Payment,
        body_digest: record.body_digest,
        acceptance_time: checked_time(record.acceptance_time.get()),
        stamped: record.flags.get() & layout::PAYMENT_STAMPED != 0,
        found: rules_duplicates::still_counts(at, found),
    };
    let profile = ledger.profile(record.profile.get())?;
    if record.order.get() > 0 {
        let profile = *profile;
        return Ok(execute(ledger, at, record, &attempt, &profile));
    }
    let is_late = || profile.deadline(attempt.acceptance_time) <= at.time;
    let decision = match known(ledger, &attempt) {
        Some(decision) if !is_on(Mutant::ExpiryBeforeDuplicate) || !is_late() => decision,
        _ => match rules_activation::stops(ledger, at, record) {
            Some(outcome) => return Ok(outcome),
            None => judge(ledger, at, record, profile)
                .unwrap_or_else(|why| Decision::Reject { why, holds_key: true }),
        },
    };
    Ok(commit(ledger, at, &attempt, decision))
}

/// A payment that executes an order.
fn execute(
    ledger: &mut Ledger,
    at: Position,
    record: &layout::Payment,
    attempt: &Attempt<'_>,
    profile: &Profile,
) -> Outcome {
    let known = known(ledger, attempt);
    // No other payment has the body of one that executes an order, so this is the order's own.
    if let Some(repeat @ Decision::Repeat(_)) = known {
        return commit(ledger, at, attempt, repeat);
    }
    let slot = match rules_orders::executable(ledger, at, record) {
        Ok(slot) => slot,
        Err(why) => return rules_orders::not_executed(at, record, why),
    };
    if known.is_none()
        && let Some(outdated) = rules_activation::outdated(ledger, at, record)
    {
        return outdated;
    }
    let judged = || {
        // No other system has the order, so it waits here for the payer's account, as for a bank that is suspended.
        let judged = match rules_activation::inactive_side(record) {
            Some(Stage::Debit) => Err(StatusReason::AgentSuspended.code().into()),
            Some(Stage::Credit) => Err(StatusReason::CreditorAgentSuspended.code().into()),
            None => judge(ledger, at, record, profile),
        };
        judged.unwrap_or_else(|why| Decision::Reject { why, holds_key: true })
    };
    let decision = known.unwrap_or_else(judged);
    if let Decision::Reject { why: Refused { reason, .. }, .. } = decision
        && rules_orders::waits(ledger, at, slot, reason)
    {
        rules_orders::set_awaiting(ledger, at, slot, reason);
        return rules_orders::not_executed(at, record, NotExecuted::Waits(reason));
    }
    let outcome = commit(ledger, at, attempt, decision);
    let Verdict::Payment { state, reason, .. } = outcome.verdict else {
        unreachable!("a decision is about the payment")
    };
    rules_orders::executed(ledger, at, slot, state, reason);
    outcome
}

pub(crate) fn apply_refused(
    ledger: &mut Ledger,
    at: Position,
    record: &layout::RefusedPayment,
    found: Option<&layout::StoredPayment>,
) -> Outcome {
    if record.is_entitled() && rules_duplicates::is_short(ledger, record.evidence_upto) {
        return rules_duplicates::ask_again(at, Kind::RefusedPayment);
    }
    let debtor_agent = record.key.bank();
    let attempt = Attempt {
        key: &record.key,
        debtor_agent,
        key_hash: ledger.payments.hash(debtor_agent, record.key.id()),
        kind: Kind::RefusedPayment,
        body_digest: record.body_digest,
        acceptance_time: checked_time(record.acceptance_time.get()),
        stamped: false,
        found: rules_duplicates::still_counts(at, found),
    };
    let reason = ReasonCode::from_bytes(record.reason).expect("records are checked when they are read");
    // What a stranger sends must not touch the key of the bank in whose name it is sent, nor tell what came of it.
    let why = reason.into();
    let decision = match record.is_entitled() {
        true => known(ledger, &attempt).unwrap_or(Decision::Reject { why, holds_key: true }),
        false => Decision::Reject { why, holds_key: false },
    };
    commit(ledger, at, &attempt, decision)
}

/// Takes down that a payment was voided: under its own id, and without touching its key.
pub(crate) fn pass_over(ledger: &mut Ledger, at: Position, record: &layout::Payment) -> Outcome {
    let stamped = record.flags.get() & layout::PAYMENT_STAMPED != 0;
    let fields = (record.body_digest, record.acceptance_time.get(), stamped);
    voided(ledger, at, &record.key, Kind::Payment, fields)
}

/// The same of a payment that was refused on reading.
pub(crate) fn pass_over_refused(
    ledger: &mut Ledger,
    at: Position,
    record: &layout::RefusedPayment,
) -> Outcome {
    let fields = (record.body_digest, record.acceptance_time.get(), false);
    voided(ledger, at, &record.key, Kind::RefusedPayment, fields)
}

fn voided(
    ledger: &mut Ledger,
    at: Position,
    key: &layout::PaymentKey,
    kind: Kind,
    (body_digest, accepted, stamped): ([u8; 16], i64, bool),
) -> Outcome {
    let debtor_agent = key.bank();
    let attempt = Attempt {
        key,
        debtor_agent,
        key_hash: ledger.payments.hash(debtor_agent, key.id()),
        kind,
        body_digest,
        acceptance_time: checked_time(accepted),
        stamped,
        found: None,
    };
    let why = StatusReason::NotSpecified.code().into();
    commit(ledger, at, &attempt, Decision::Reject { why, holds_key: false })
}

/// What comes before every check that depends on time, status or load: the payer's bank, and the key.
fn known(ledger: &Ledger, attempt: &Attempt<'_>) -> Option<Decision> {
    let bank = attempt.debtor_agent;
    if ledger.participants.find(bank).is_none() {
        let why = StatusReason::DebtorBankNotRegistered.code().into();
        return Some(Decision::Reject { why, holds_key: false });
    }
    // What is on disk is older than all that the table holds.
    let earlier = ledger.payments.find_hashed(attempt.key_hash, bank, attempt.key.id());
    let earlier = earlier.or(attempt.found.as_ref())?;
    if earlier.body_digest == attempt.body_digest || is_on(Mutant::IgnoreChangedBody) {
        return Some(Decision::Repeat(*earlier));
    }
    Some(Decision::Reject { why: StatusReason::Duplication.code().into(), holds_key: false })
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
) -> Result<Decision, Refused> {
    let fails = |reason: StatusReason| Err(reason.code().into());
    let currency =
        Currency::from_number(record.currency.get()).expect("records are checked when they are read");
    let debtor_number = ledger.participants.find(record.key.bank());
    let debtor_number = debtor_number.expect("the payer's bank was found before the key");
    let debtor_bank = ledger.participants.get(debtor_number);
    let creditor_bic =
        Bic::from_bytes(record.creditor_agent).expect("records are checked when they are read");
    let Some(creditor_number) = ledger.participants.find(creditor_bic) else {
        return fails(StatusReason::CreditorBankNotRegistered);
    };
    let creditor_bank = ledger.participants.get(creditor_number);
    if rules_liquidity::is_closed_for(ledger, debtor_bank, currency, Direction::Debit) {
        return fails(StatusReason::AgentSuspended);
    }
    if rules_liquidity::is_closed_for(ledger, creditor_bank, currency, Direction::Credit) {
        return fails(StatusReason::CreditorAgentSuspended);
    }
    let accepted = checked_time(record.acceptance_time.get());
    if profile.deadline(accepted) <= at.time {
        return Err(profile.late_on_arrival.into());
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
    let [debtor_account, creditor_account] =
        [debtor, creditor].map(|side| side.account().unwrap_or_default());
    let sides = Sides { debtor_bank, creditor_bank, debtor: debtor_account, creditor: creditor_account };
    rules_customer::check_limits(ledger, at, debtor_account, record.amount.get())?;
    let fee = rules_customer::fee(&sides, currency);
    let bookings = Bookings::plan(sides, currency, record.amount.get(), fee)?;
    bookings.check_blocks(&ledger.accounts, &ledger.reachable)?;
    bookings.check(&ledger.accounts, &ledger.reachable)?;
    let questions = questions(ledger, sides, record, profile)?;
    if questions == [None; 2] {
        return Ok(Decision::Settle(bookings));
    }
    let banks = [debtor_number, creditor_number];
    check_unanswered(ledger, banks, questions)?;
    let accounts = [debtor_account, creditor_account];
    let reservation = reservation(at, record, profile, banks, accounts, questions);
    Ok(Decision::Reserve(bookings, Reservation { fee, ..reservation }))
}

/// What is kept of a payment while it waits for the banks that are asked.
fn reservation(
    at: Position,
    record: &layout::Payment,
    profile: &Profile,
    banks: [ParticipantNumber; 2],
    accounts: [AccountNumber; 2],
    questions: [Option<Silence>; 2],
) -> Reservation {
    let accepted = checked_time(record.acceptance_time.get());
    let ([debtor_bank, creditor_bank], [debtor_account, creditor_account]) = (banks, accounts);
    let [debit, credit] = questions;
    let reservation = Reservation {
        sequence: at.sequence,
        asked_at: at.sequence,
        deadline: profile.deadline(accepted),
        target: accepted.plus(profile.target),
        due: Timestamp::default(),
        amount: record.amount.get(),
        fee: 0,
        payment: 0,
        debtor_account,
        creditor_account,
        debtor_bank,
        creditor_bank,
        currency: profile.currency,
        stage: if debit.is_some() { Stage::Debit } else { Stage::Credit },
        credit_follows: debit.is_some() && credit.is_some(),
        silences: questions.map(|silence| silence.unwrap_or(Silence::Reject)),
        timeout_to_originator: *profile.timeout_to_originator.as_bytes(),
        timeout_to_beneficiary: *profile.timeout_to_beneficiary.as_bytes(),
    };
    Reservation { due: reservation.answer_by(at.time), ..reservation }
}

/// Which banks have to be asked, the payer's and the payee's, and what the silence of each means.
fn questions(
    ledger: &Ledger,
    sides: Sides<'_>,
    record: &layout::Payment,
    profile: &Profile,
) -> Result<[Option<Silence>; 2], ReasonCode> {
    let Connected { debtor, creditor } = record.connected();
    let asks = |bank: &Participant, stage, account: AccountNumber| {
        let policy = bank.policy().stage(stage);
        let is_flagged = ledger.accounts.get(account).is_flagged();
        policy.scope.covers(record.amount.get(), is_flagged).then_some(policy.silence)
    };
    let credit = match sides.creditor.0 {
        // Its own core alone knows the account, so its silence never accepts.
        0 if creditor => Some(Silence::Reject),
        0 => return Err(profile.no_connection),
        _ => match asks(sides.creditor_bank, Stage::Credit, sides.creditor) {
            // Nobody is there to be asked: the bank is silent from the start.
            Some(Silence::Reject) if !creditor => return Err(profile.no_connection),
            Some(Silence::Accept) if !creditor => None,
            wanted => wanted,
        },
    };
    let debit = match sides.debtor.0 {
        // A bank that keeps the payer's account itself has decided by sending.
        0 => None,
        _ => match asks(sides.debtor_bank, Stage::Debit, sides.debtor) {
            Some(Silence::Reject) if !debtor => return Err(StatusReason::AgentOffline.code()),
            Some(Silence::Accept) if !debtor => None,
            wanted => wanted,
        },
    };
    Ok([debit, credit])
}

/// Each bank that is asked, now or later, has room among its unanswered questions.
fn check_unanswered(
    ledger: &Ledger,
    banks: [ParticipantNumber; 2],
    questions: [Option<Silence>; 2],
) -> Result<(), ReasonCode> {
    let asked =
        || banks.iter().zip(questions).filter(|(_, question)| question.is_some()).map(|(bank, _)| *bank);
    for bank in asked() {
        let unanswered = u64::from(ledger.reservations.unanswered(bank));
        let more: u64 = asked().filter(|other| *other == bank).map(|_| 1).sum();
        if unanswered + more > u64::from(ledger.participants.get(bank).unanswered_max()) {
            return Err(StatusReason::InstructedAgentError.code());
        }
    }
    Ok(())
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

/// Closed, blocked, restricted, type: each for both sides before the next.
fn check_accounts(ledger: &Ledger, sides: [Side; 2]) -> Result<(), ReasonCode> {
    let [debtor, creditor] = sides.map(|side| side.account().map(|account| ledger.accounts.get(account)));
    let accounts = || debtor.iter().chain(creditor.iter());
    let is_usual = |account: &&Account| account.is_plain() && account.kind() == AccountKind::Current;
    if debtor.as_ref().is_none_or(is_usual) && creditor.as_ref().is_none_or(is_usual) {
        return Ok(());
    }
    if accounts().any(|account| account.status() == AccountStatus::Closed) {
        return Err(StatusReason::ClosedAccountNumber.code());
    }
    if debtor.is_some_and(|account| account.is_blocked_for(Direction::Debit))
        || creditor.is_some_and(|account| account.is_blocked_for(Direction::Credit))
    {
        return Err(StatusReason::BlockedAccount.code());
    }
    if accounts().any(|account| account.is_restricted()) {
        return Err(StatusReason::RegulatoryReason.code());
    }
    if accounts().any(|account| account.kind() != AccountKind::Current) {
        return Err(StatusReason::TransactionForbidden.code());
    }
    Ok(())
}

fn commit(ledger: &mut Ledger, at: Position, attempt: &Attempt<'_>, decision: Decision) -> Outcome {
    let mut outcome = Outcome {
        sequence: at.sequence,
        decided_at: at.sequence,
        decided_time: at.time,
        accepted: attempt.acceptance_time,
        kind: attempt.kind,
        verdict: Verdict::Payment { state: PaymentState::Settled, reason: None, repeat_of: None },
        alerts: Alerts::NONE,
        late: false,
        remark: Remark::None,
        balances: [0; 4],
    };
    let mut reserved = None;
    let (state, reason, holds_key) = match decision {
        Decision::Repeat(earlier) => return repeat(ledger, at, outcome, &earlier),
        Decision::Reject { why, holds_key } => {
            outcome.remark = why.remark;
            (PaymentState::Rejected, Some(why.reason), holds_key && !is_on(Mutant::ForgetRefusal))
        }
        Decision::Settle(bookings) => {
            let Ledger { accounts, reachable, watched, .. } = ledger;
            let booked = bookings.book(accounts, reachable, watched, at.sequence);
            rules_customer::count(ledger, at, bookings.payer(), bookings.amount());
            (outcome.balances, outcome.alerts, outcome.remark) =
                (booked.balances, booked.alerts, booked.remark);
            if !booked.alerts.is_none() {
                rules_liquidity::note(ledger, at, &bookings, booked.alerts);
            }
            (PaymentState::Settled, None, true)
        }
        Decision::Reserve(bookings, reservation) => {
            bookings.reserve(&mut ledger.accounts, &mut ledger.reachable, at.sequence);
            rules_customer::count(ledger, at, bookings.payer(), bookings.amount());
            outcome.balances = bookings.debtor_balances(&ledger.accounts);
            reserved = Some(reservation);
            (PaymentState::Reserved, None, true)
        }
    };
    outcome.verdict = Verdict::Payment { state, reason, repeat_of: None };
    let mark = |is_set, mark| if is_set { mark } else { 0 };
    let payment = Payment {
        sequence: at.sequence,
        decided_at: at.sequence,
        received_time: at.time,
        decided_time: at.time,
        acceptance_time: attempt.acceptance_time,
        body_digest: attempt.body_digest,
        debtor_agent: attempt.debtor_agent,
        transaction_id_length: attempt.key.transaction_id_length,
        transaction_id: attempt.key.transaction_id,
        state,
        reason,
        marks: mark(holds_key, HOLDS_KEY) | mark(attempt.stamped, STAMPED) | outcome.remark.mark(),
        questions: [QuestionState::NotAsked; 2],
        creditor_bank: reserved.map_or(ParticipantNumber(0), |reservation| reservation.creditor_bank),
        reason_to_creditor: [0; 4],
    };
    let slot = ledger.payments.add(payment, attempt.key_hash);
    if let Some(reservation) = reserved {
        rules_answer::ask(ledger, Reservation { payment: slot, ..reservation });
    }
    outcome
}

/// The answer to an earlier attempt, as it stands at this moment.
fn repeat(ledger: &mut Ledger, at: Position, outcome: Outcome, earlier: &Payment) -> Outcome {
    let earlier = rules_answer::up_to_date(ledger, at, earlier);
    let (state, reason) = (earlier.state, earlier.reason);
    Outcome {
        decided_at: earlier.decided_at,
        decided_time: earlier.decided_time,
        accepted: earlier.acceptance_time,
        late: earlier.is_late(),
        remark: earlier.remark(),
        verdict: Verdict::Payment { state, reason, repeat_of: Some(earlier.sequence) },
        ..outcome
    }
}

fn checked_time(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanoseconds(nanoseconds).expect("records are checked when they are read")
}

#[cfg(test)]
#[path = "rules_payment_tests.rs"]
mod tests;
