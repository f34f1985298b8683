//! The rules of everything that is not a payment: participants and what they want to decide, accounts, postings,
//! liquidity. Versions of the rules, the calendar and recalls have files of their own.
//!
//! Every such command carries a request id. The same id with the same body gets the stored answer, refusals
//! included; with another body it is refused and changes nothing.

use types::{AccountNumber, Balance, Bic, Currency, Digest, ParticipantNumber, Sequence, Timestamp};

use crate::accounts::{Account, Transfer};
use crate::alerts::Alerts;
use crate::blocks::Blocks;
use crate::limits::UNANSWERED_MAX;
use crate::participants::{Book, Books, Name, Participant};
use crate::reachable::LimitNumber;
use crate::{
    AccountKind, AccountMode, AccountStatus, Command, DecisionPolicy, DecisionScope, Direction, Fees, Ledger,
    LiquidityDirection, Outcome, ParticipantStatus, Position, Record, Refusal, Remark, Silence, StagePolicy,
    Verdict, Zone, layout,
};
use crate::{
    rules_activation, rules_calendar, rules_customer, rules_exceptions, rules_holders, rules_holds,
    rules_liquidity, rules_orders, rules_packages, rules_postings, rules_recall, rules_records,
    rules_requests_to_pay, rules_version,
};

/// What a command made or changed, and the balance afterwards.
pub(crate) type Answer = Result<(u64, i64), Refusal>;

pub(crate) fn apply(ledger: &mut Ledger, at: Position, record: &Record<'_>) -> Outcome {
    let command = record.command;
    let request = *request_of(command);
    let mut outcome = Outcome {
        sequence: at.sequence,
        decided_at: at.sequence,
        decided_time: at.time,
        accepted: Timestamp::default(),
        kind: command.kind(),
        verdict: Verdict::Refused { refusal: Refusal::RequestIdReused, repeat_of: None },
        alerts: Alerts::NONE,
        late: false,
        remark: Remark::None,
        balances: [0; 4],
    };
    match ledger.requests.find(&request) {
        Some((earlier, true)) => return repeat(at.sequence, &earlier),
        Some((_, false)) => return outcome,
        None => {}
    }
    let answer = match command {
        Command::RegisterParticipant(register) => {
            register_participant(ledger, at.sequence, register, Name::new(record.text))
        }
        Command::SetParticipantStatus(record) => set_participant_status(ledger, record),
        Command::OpenAccount(record) => open_account(ledger, at.sequence, record),
        Command::SetAccountStatus(record) => set_account_status(ledger, at.sequence, record),
        Command::SetAccountFloor(record) => set_account_floor(ledger, at.sequence, record),
        Command::PostEntry(record) => post_entry(ledger, at.sequence, record),
        Command::TransferLiquidity(record) => transfer_liquidity(ledger, at, record, &mut outcome.alerts),
        Command::SetVersion(record) => rules_version::apply(ledger, record),
        Command::SetDecisionPolicy(record) => set_decision_policy(ledger, record),
        Command::SetAccountFlag(record) => set_account_flag(ledger, at.sequence, record),
        Command::SetReservationLimit(record) => set_reservation_limit(ledger, record),
        Command::SetCustomerLimit(record) => rules_customer::set_customer_limit(ledger, at, record),
        Command::SetRestricted(record) => rules_customer::set_restricted(ledger, at, record),
        Command::SetFees(record) => rules_customer::set_fees(ledger, record),
        Command::SetZone(record) => rules_customer::set_zone(ledger, record),
        Command::SetClosingDays(record) => rules_calendar::set_closing_days(ledger, at, record),
        Command::RollBusinessDate(record) => rules_calendar::roll(ledger, at, record),
        Command::RequestRecall(record) => rules_recall::request(ledger, at, record),
        Command::AnswerRecall(record) => rules_recall::answer(ledger, at, record, &mut outcome),
        Command::SetRecallPolicy(record) => rules_recall::set_policy(ledger, record),
        Command::SetPositionAlert(record) => rules_liquidity::set_position_alert(ledger, record),
        Command::SetReachableParty(record) => {
            rules_liquidity::set_reachable_party(ledger, at.sequence, record)
        }
        Command::SetBlock(record) => rules_liquidity::set_block(ledger, at.sequence, record),
        Command::TransferOwnFunds(record) => {
            rules_liquidity::transfer_own_funds(ledger, at, record, &mut outcome)
        }
        Command::SetAccountHolders(record) => rules_holders::apply(ledger, record),
        Command::CreateRequestToPay(record) => rules_requests_to_pay::create(ledger, at, record),
        Command::PresentRequestToPay(record) => rules_requests_to_pay::present(ledger, at, record),
        Command::AnswerRequestToPay(record) => rules_requests_to_pay::answer(ledger, at, record),
        Command::CancelRequestToPay(record) => rules_requests_to_pay::cancel(ledger, at, record),
        Command::PlaceHold(record) => rules_holds::place(ledger, at, record, &mut outcome),
        Command::CaptureHold(record) => rules_holds::capture(ledger, at, record, &mut outcome),
        Command::ReleaseHold(record) => rules_holds::release(ledger, at, record, &mut outcome),
        Command::PutRecord(record) => rules_records::put(ledger, at, record),
        Command::RemoveRecord(record) => rules_records::remove(ledger, at, record),
        Command::SetActivation(record) => rules_activation::apply(ledger, record),
        Command::SetPostingMap(record) => rules_postings::set(ledger, at, record),
        Command::RaiseException(record) => rules_exceptions::raise(ledger, at, record),
        Command::AssignException(record) => rules_exceptions::assign(ledger, at, record),
        Command::ResolveException(record) => rules_exceptions::resolve(ledger, at, record, &mut outcome),
        Command::OpenPackage(record) => rules_packages::open(ledger, at, record),
        Command::ClosePackage(record) => rules_packages::close(ledger, at, record),
        Command::PlaceOrder(record) => rules_orders::place(ledger, at, record),
        Command::ChangeOrder(record) => rules_orders::change(ledger, at, record),
        Command::CancelOrders(record) => rules_orders::cancel(ledger, at, record),
        Command::PackageLine(_)
        | Command::Genesis(_)
        | Command::SetProfile(_)
        | Command::Payment(_)
        | Command::RefusedPayment(_)
        | Command::Evidence(_)
        | Command::BeginIncarnation(_)
        | Command::SealDuplicates(_)
        | Command::Void(_)
        | Command::Answer(_) => {
            unreachable!("commands without a request have rules of their own")
        }
    };
    outcome.verdict = match answer {
        Ok((subject, balance)) => {
            outcome.balances[0] = balance;
            Verdict::Done { subject, repeat_of: None }
        }
        Err(refusal) => Verdict::Refused { refusal, repeat_of: None },
    };
    ledger.requests.add(request, &outcome);
    outcome
}

fn request_of<'frame>(command: Command<'frame>) -> &'frame layout::Request {
    match command {
        Command::RegisterParticipant(record) => &record.request,
        Command::SetParticipantStatus(record) => &record.request,
        Command::OpenAccount(record) => &record.request,
        Command::SetAccountStatus(record) => &record.request,
        Command::SetAccountFloor(record) => &record.request,
        Command::PostEntry(record) => &record.request,
        Command::TransferLiquidity(record) => &record.request,
        Command::SetVersion(record) => &record.request,
        Command::SetDecisionPolicy(record) => &record.request,
        Command::SetAccountFlag(record) => &record.request,
        Command::SetReservationLimit(record) => &record.request,
        Command::SetCustomerLimit(record) => &record.request,
        Command::SetRestricted(record) => &record.request,
        Command::SetFees(record) => &record.request,
        Command::SetZone(record) => &record.request,
        Command::SetClosingDays(record) => &record.request,
        Command::RollBusinessDate(record) => &record.request,
        Command::RequestRecall(record) => &record.request,
        Command::AnswerRecall(record) => &record.request,
        Command::SetRecallPolicy(record) => &record.request,
        Command::SetPositionAlert(record) => &record.request,
        Command::SetReachableParty(record) => &record.request,
        Command::SetBlock(record) => &record.request,
        Command::TransferOwnFunds(record) => &record.request,
        Command::SetAccountHolders(record) => &record.request,
        Command::CreateRequestToPay(record) => &record.request,
        Command::PresentRequestToPay(record) => &record.request,
        Command::AnswerRequestToPay(record) => &record.request,
        Command::CancelRequestToPay(record) => &record.request,
        Command::PlaceHold(record) => &record.request,
        Command::CaptureHold(record) => &record.request,
        Command::ReleaseHold(record) => &record.request,
        Command::PutRecord(record) => &record.request,
        Command::RemoveRecord(record) => &record.request,
        Command::SetActivation(record) => &record.request,
        Command::SetPostingMap(record) => &record.request,
        Command::RaiseException(record) => &record.request,
        Command::AssignException(record) => &record.request,
        Command::ResolveException(record) => &record.request,
        Command::OpenPackage(record) => &record.request,
        Command::ClosePackage(record) => &record.request,
        Command::PlaceOrder(record) => &record.request,
        Command::ChangeOrder(record) => &record.request,
        Command::CancelOrders(record) => &record.request,
        Command::PackageLine(_)
        | Command::Genesis(_)
        | Command::SetProfile(_)
        | Command::Payment(_)
        | Command::RefusedPayment(_)
        | Command::Evidence(_)
        | Command::BeginIncarnation(_)
        | Command::SealDuplicates(_)
        | Command::Void(_)
        | Command::Answer(_) => {
            unreachable!("commands without a request have rules of their own")
        }
    }
}

fn repeat(sequence: Sequence, earlier: &Outcome) -> Outcome {
    let repeat_of = Some(earlier.sequence);
    let verdict = match earlier.verdict {
        Verdict::Done { subject, .. } => Verdict::Done { subject, repeat_of },
        Verdict::Refused { refusal, .. } => Verdict::Refused { refusal, repeat_of },
        Verdict::Payment { .. }
        | Verdict::Answer { .. }
        | Verdict::AskAgain
        | Verdict::NotActive { .. }
        | Verdict::LegBooked { .. }
        | Verdict::RequestEnded { .. }
        | Verdict::HoldExpired { .. }
        | Verdict::NotExecuted { .. }
        | Verdict::OrderEnded { .. }
        | Verdict::PackageComplete { .. } => {
            unreachable!("only requests are remembered with them")
        }
    };
    Outcome { sequence, verdict, ..*earlier }
}

fn register_participant(
    ledger: &mut Ledger,
    at: Sequence,
    record: &layout::RegisterParticipant,
    name: Name,
) -> Answer {
    let bic = checked_bic(record.bic);
    if ledger.participants.find(bic).is_some() {
        return Err(Refusal::ParticipantExists);
    }
    let currency = checked_currency(record.currency.get());
    let mode = AccountMode::from_number(record.mode).expect("records are checked when they are read");
    let number = ledger.participants.next_number();
    if ledger.participants.funding(currency).is_none() {
        let funding = open_internal(ledger, ParticipantNumber(0), currency, AccountKind::Funding, at);
        ledger.participants.set_funding(currency, funding);
    }
    let mut book = open_book(ledger, number, currency, at);
    book.position = open_internal(ledger, number, currency, AccountKind::Position, at);
    let participant = Participant {
        bic,
        name,
        mode,
        status: ParticipantStatus::Active,
        blocks: Blocks::NONE,
        books: Books::one(book),
        policy: DecisionPolicy::NONE,
        unanswered_max: UNANSWERED_MAX,
        zone: Zone::default(),
    };
    ledger.participants.register(participant);
    Ok((u64::from(number.0), 0))
}

fn set_participant_status(ledger: &mut Ledger, record: &layout::SetParticipantStatus) -> Answer {
    let number = participant(ledger, record.bic)?;
    let status =
        ParticipantStatus::from_number(record.status).expect("records are checked when they are read");
    ledger.participants.get_mut(number).status = status;
    Ok((u64::from(number.0), 0))
}

/// Payments that are open keep what held when they were reserved.
fn set_decision_policy(ledger: &mut Ledger, record: &layout::SetDecisionPolicy) -> Answer {
    let number = participant(ledger, record.bic)?;
    let stage = |scope, above: i64, silence| StagePolicy {
        scope: DecisionScope::from_stored(scope, above).expect("records are checked when they are read"),
        silence: Silence::from_number(silence).expect("records are checked when they are read"),
    };
    ledger.participants.get_mut(number).policy = DecisionPolicy {
        debits: stage(record.debit_scope, record.debit_above.get(), record.debit_silence),
        credits: stage(record.credit_scope, record.credit_above.get(), record.credit_silence),
    };
    Ok((u64::from(number.0), 0))
}

fn set_account_flag(ledger: &mut Ledger, at: Sequence, record: &layout::SetAccountFlag) -> Answer {
    let number = customer_account(ledger, record.iban_digest, record.currency.get())?;
    if ledger.accounts.get(number).status() == AccountStatus::Closed {
        return Err(Refusal::AccountClosed);
    }
    ledger.accounts.set_flag(number, record.is_flagged == 1, at);
    Ok((u64::from(number.0), ledger.accounts.get(number).balance()))
}

/// A limit below what is open lets nothing new in, and leaves what is open as it is.
fn set_reservation_limit(ledger: &mut Ledger, record: &layout::SetReservationLimit) -> Answer {
    let number = participant(ledger, record.bic)?;
    ledger.participants.get_mut(number).unanswered_max = record.unanswered_max.get();
    Ok((u64::from(number.0), 0))
}

fn open_account(ledger: &mut Ledger, at: Sequence, record: &layout::OpenAccount) -> Answer {
    let owner = participant(ledger, record.bic)?;
    match ledger.participants.get(owner).mode() {
        AccountMode::Remote => return Err(Refusal::AccountsNotHosted),
        AccountMode::Hosted | AccountMode::Mixed => {}
    }
    let currency = checked_currency(record.currency.get());
    let digest = Digest(record.iban_digest);
    if ledger.accounts.find(AccountNumber(0), digest, currency).is_some() {
        return Err(Refusal::AccountExists);
    }
    // An account number names its bank, so a second bank can't use it, not even in another currency.
    let known = ledger.accounts.find_in_any_currency(digest);
    if known.is_some_and(|known| ledger.accounts.get(known).owner() != owner) {
        return Err(Refusal::AccountExists);
    }
    let floor = record.floor.get();
    if floor > 0 {
        return Err(Refusal::FloorAboveAvailable);
    }
    if ledger.participants.get(owner).book(currency).is_none() {
        if ledger.participants.get(owner).books.is_full() {
            return Err(Refusal::CurrencyLimit);
        }
        let book = open_book(ledger, owner, currency, at);
        ledger.participants.get_mut(owner).books.add(book);
    }
    let kind = AccountKind::from_number(record.kind).expect("records are checked when they are read");
    let account = ledger.accounts.open(Account::new(owner, currency, kind, digest, floor, at));
    Ok((u64::from(account.0), 0))
}

/// A closed account stays closed, and only an empty one is closed: its money would have no owner.
fn set_account_status(ledger: &mut Ledger, at: Sequence, record: &layout::SetAccountStatus) -> Answer {
    let number = customer_account(ledger, record.iban_digest, record.currency.get())?;
    let account = ledger.accounts.get(number);
    if account.status() == AccountStatus::Closed {
        return Err(Refusal::AccountClosed);
    }
    let status = AccountStatus::from_number(record.status).expect("records are checked when they are read");
    let is_empty = account.balance() == 0 && account.reserved() == 0 && account.held() == 0;
    if status == AccountStatus::Closed && !is_empty {
        return Err(Refusal::AccountNotEmpty);
    }
    let balance = account.balance();
    ledger.accounts.set_status(number, status, at);
    Ok((u64::from(number.0), balance))
}

fn set_account_floor(ledger: &mut Ledger, at: Sequence, record: &layout::SetAccountFloor) -> Answer {
    let number = customer_account(ledger, record.iban_digest, record.currency.get())?;
    let account = ledger.accounts.get(number);
    if account.status() == AccountStatus::Closed {
        return Err(Refusal::AccountClosed);
    }
    let floor =
        Balance::from_minor_units(record.floor.get()).expect("records are checked when they are read");
    if floor.minor_units() > account.available() {
        return Err(Refusal::FloorAboveAvailable);
    }
    let balance = account.balance();
    ledger.accounts.set_floor(number, floor, at);
    Ok((u64::from(number.0), balance))
}

fn post_entry(ledger: &mut Ledger, at: Sequence, record: &layout::PostEntry) -> Answer {
    let number = customer_account(ledger, record.iban_digest, record.currency.get())?;
    let account = ledger.accounts.get(number);
    let direction = Direction::from_number(record.direction).expect("records are checked when they are read");
    if account.status() == AccountStatus::Closed {
        return Err(Refusal::AccountClosed);
    }
    if account.is_blocked_for(direction) {
        return Err(Refusal::AccountBlocked);
    }
    let book = ledger.participants.get(account.owner()).book(account.currency());
    let core = book.expect("a customer's account has a book").core;
    let transfer = match direction {
        Direction::Credit => Transfer { debit: core, credit: number },
        Direction::Debit => Transfer { debit: number, credit: core },
    };
    book_transfer(ledger, transfer, record.amount.get(), at)?;
    Ok((u64::from(number.0), ledger.accounts.get(number).balance()))
}

fn transfer_liquidity(
    ledger: &mut Ledger,
    at: Position,
    record: &layout::TransferLiquidity,
    alerts: &mut Alerts,
) -> Answer {
    let number = participant(ledger, record.bic)?;
    let currency = checked_currency(record.currency.get());
    let position = ledger.participants.get(number).position(currency).ok_or(Refusal::PositionUnknown)?;
    let funding = ledger.participants.funding(currency).expect("a position has its funding account");
    let reference = Digest(record.reference_digest);
    if ledger.references.is_used(reference) {
        return Err(Refusal::ReferenceReused);
    }
    let direction = LiquidityDirection::from_number(record.direction);
    let (transfer, side) = match direction.expect("records are checked when they are read") {
        LiquidityDirection::Fund => (Transfer { debit: funding, credit: position }, Direction::Credit),
        LiquidityDirection::Defund => (Transfer { debit: position, credit: funding }, Direction::Debit),
    };
    if ledger.accounts.get(position).is_blocked_for(side) {
        return Err(Refusal::PositionBlocked);
    }
    book_transfer(ledger, transfer, record.amount.get(), at.sequence)?;
    *alerts = rules_liquidity::alerts_of(ledger, at, transfer, record.amount.get());
    ledger.references.set_used(reference);
    Ok((u64::from(position.0), ledger.accounts.get(position).balance()))
}

/// Checks a transfer and makes it.
pub(crate) fn book_transfer(
    ledger: &mut Ledger,
    transfer: Transfer,
    amount: i64,
    at: Sequence,
) -> Result<(), Refusal> {
    let debit = ledger.accounts.get(transfer.debit);
    if !debit.covers(amount) {
        return Err(match debit.kind() {
            AccountKind::Current | AccountKind::Savings | AccountKind::Position | AccountKind::Technical => {
                Refusal::InsufficientFunds
            }
            AccountKind::Core | AccountKind::Clearing | AccountKind::Funding | AccountKind::Suspense => {
                Refusal::BalanceLimit
            }
        });
    }
    if !ledger.accounts.get(transfer.credit).has_room_for(amount) {
        return Err(Refusal::BalanceLimit);
    }
    ledger.accounts.transfer(transfer, amount, at);
    Ok(())
}

pub(crate) fn open_book(
    ledger: &mut Ledger,
    owner: ParticipantNumber,
    currency: Currency,
    at: Sequence,
) -> Book {
    let core = open_internal(ledger, owner, currency, AccountKind::Core, at);
    let clearing = open_internal(ledger, owner, currency, AccountKind::Clearing, at);
    Book {
        currency,
        core,
        clearing,
        position: AccountNumber(0),
        fees: Fees::default(),
        limit: LimitNumber::NONE,
        host_position: AccountNumber(0),
    }
}

/// Counter-accounts may go as far below zero as a balance can; positions and technical accounts never go below zero.
pub(crate) fn open_internal(
    ledger: &mut Ledger,
    owner: ParticipantNumber,
    currency: Currency,
    kind: AccountKind,
    at: Sequence,
) -> AccountNumber {
    let is_own = matches!(kind, AccountKind::Position | AccountKind::Technical);
    let floor = if is_own { 0 } else { -Balance::MINOR_UNITS_MAX };
    ledger.accounts.open(Account::new(owner, currency, kind, Digest::default(), floor, at))
}

pub(crate) fn participant(ledger: &Ledger, bic: [u8; 11]) -> Result<ParticipantNumber, Refusal> {
    ledger.participants.find(checked_bic(bic)).ok_or(Refusal::ParticipantUnknown)
}

pub(crate) fn customer_account(
    ledger: &Ledger,
    digest: [u8; 16],
    currency: u16,
) -> Result<AccountNumber, Refusal> {
    let currency = checked_currency(currency);
    ledger.accounts.find(AccountNumber(0), Digest(digest), currency).ok_or(Refusal::AccountUnknown)
}

pub(crate) fn checked_bic(bytes: [u8; 11]) -> Bic {
    Bic::from_bytes(bytes).expect("records are checked when they are read")
}

pub(crate) fn checked_currency(number: u16) -> Currency {
    Currency::from_number(number).expect("records are checked when they are read")
}

#[cfg(test)]
#[path = "rules_masterdata_tests.rs"]
mod tests;
