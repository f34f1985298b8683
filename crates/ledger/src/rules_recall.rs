//! The rules of recalls: a settled payment is asked back, and its payee's bank answers.
//!
//! Of a request, in order of precedence: both banks known and taking part, the payment as the table of payments still has
//! it, settled, not asked back before, within the window of the reason (10 banking days for a fault of the bank's own,
//! else 13 months), with a calendar that reaches to the end of the time for an answer (15 banking days), and room. What is
//! refused leaves the payment as it was, and it may be asked back again.
//!
//! Of an answer: the recall known, of this bank and without an answer, and then what the answer itself takes. Days are
//! those of UTC.
//!
//! Invariants:
//! - A return is a settlement of its own in the opposite direction: it waits for nobody, takes from the payee and the
//!   position of its bank only what is there, and gives back no more than was paid.
//! - Where Solvo keeps the payee's account, a bank says only what is true of it.

use types::{
    AccountNumber, Amount, Balance, Bic, Currency, Date, Digest, Incarnation, ParticipantNumber,
    PaymentState, RecallReason, RecallRefusal, Sequence, StatusReason, Timestamp,
};

use crate::accounts::Transfer;
use crate::bookings::{Booked, Bookings, Sides};
use crate::command::Direction;
use crate::mutants::{Mutant, is_on};
use crate::participants::Participant;
use crate::recalls::{Answered, Recall};
use crate::rules_masterdata::Answer;
use crate::{
    AccountMode, AccountStatus, Ledger, Outcome, Position, RecallAnswer, Recalled, Refusal, layout,
    rules_exceptions, rules_liquidity,
};

/// How many banking days a bank may ask back what it sent by a fault of its own.
const REQUEST_BANKING_DAYS: u16 = 10;
/// How many months anything else may be asked back.
const REQUEST_MONTHS: u16 = 13;
/// How many banking days there are for an answer.
const ANSWER_BANKING_DAYS: u16 = 15;

const CHECKED: &str = "records are checked when they are read";

pub(crate) fn request(ledger: &mut Ledger, at: Position, record: &layout::RequestRecall) -> Answer {
    let original = &record.original;
    let bank = |bic| participant(ledger, bic);
    let (debtor_bank, creditor_bank) = (bank(original.debtor_agent)?, bank(original.creditor_agent)?);
    let reason = RecallReason::from_code(record.reason).expect(CHECKED);
    let payment = Sequence(original.payment.get());
    check_original(ledger, at, original)?;
    if ledger.recalls.of_payment(payment).is_some() {
        return Err(Refusal::RecallExists);
    }
    let today = at.time.date();
    let settled = Timestamp::from_nanoseconds(original.decided_time.get()).expect(CHECKED).date();
    let last_day = match is_short(reason) {
        true => ledger.calendar.banking_day_after(settled, REQUEST_BANKING_DAYS),
        false => settled.plus_months(REQUEST_MONTHS),
    };
    if today > last_day.ok_or(Refusal::CalendarUnknown)? {
        return Err(Refusal::RecallWindowOver);
    }
    let answer_by = ledger.calendar.banking_day_after(today, ANSWER_BANKING_DAYS);
    let answer_by = answer_by.ok_or(Refusal::CalendarUnknown)?;
    if ledger.recalls.is_full() {
        return Err(Refusal::RecallLimit);
    }
    let currency = Currency::from_number(original.currency.get()).expect(CHECKED);
    let recall = Recall {
        sequence: at.sequence,
        time: at.time,
        payment,
        amount: Amount::from_minor_units(original.amount.get()).expect(CHECKED),
        currency,
        reason,
        debtor_bank,
        creditor_bank,
        debtor_account: side(ledger, debtor_bank, original.debtor_account_digest, currency)?,
        creditor_account: side(ledger, creditor_bank, original.creditor_account_digest, currency)?,
        answer_by,
        answered: None,
    };
    ledger.recalls.add(recall);
    Ok((day_number(answer_by), 0))
}

/// What is said about the payment fits what is known of it here, and it was settled.
fn check_original(ledger: &Ledger, at: Position, original: &layout::Original) -> Result<(), Refusal> {
    match check_known(ledger, at, original)? {
        PaymentState::Settled => Ok(()),
        PaymentState::Reserved
        | PaymentState::Rejected
        | PaymentState::Expired
        | PaymentState::Unresolved => Err(Refusal::OriginalNotSettled),
    }
}

/// What is said about the payment fits what is known of it here. Tells where it stands.
pub(crate) fn check_known(
    ledger: &Ledger,
    at: Position,
    original: &layout::Original,
) -> Result<PaymentState, Refusal> {
    let payment = Sequence(original.payment.get());
    let stands_before = payment < at.sequence && original.decided_at.get() < at.sequence.0;
    let decided_time = Timestamp::from_nanoseconds(original.decided_time.get()).expect(CHECKED);
    let life = ledger.lives.at(payment).incarnation;
    if !stands_before || life != Incarnation(original.incarnation.get()) || decided_time > at.time {
        return Err(Refusal::OriginalDiffers);
    }
    if let Some(known) = ledger.payments.at(payment) {
        let is_same = known.debtor_agent() == checked_bic(original.debtor_agent)
            && known.decided_at() == Sequence(original.decided_at.get())
            && known.decided_time() == decided_time
            && known.state().number() == original.state;
        if !is_same {
            return Err(Refusal::OriginalDiffers);
        }
    }
    Ok(PaymentState::from_number(original.state).expect(CHECKED))
}

/// Whether the window is one of banking days, as it is for a fault of the bank's own, and not of months.
const fn is_short(reason: RecallReason) -> bool {
    match reason {
        RecallReason::Duplicate | RecallReason::TechnicalProblem => true,
        RecallReason::Fraud
        | RecallReason::WrongAccount
        | RecallReason::WrongAmount
        | RecallReason::Customer => false,
    }
}

/// The account of one side of the payment, or 0 if its bank keeps it elsewhere.
fn side(
    ledger: &Ledger,
    bank: ParticipantNumber,
    digest: [u8; 16],
    currency: Currency,
) -> Result<AccountNumber, Refusal> {
    let is_its = |account: &AccountNumber| ledger.accounts.get(*account).owner() == bank;
    let account = ledger.accounts.find(AccountNumber(0), Digest(digest), currency).filter(is_its);
    match (ledger.participants.get(bank).mode(), account) {
        (AccountMode::Remote, _) | (AccountMode::Mixed, None) => Ok(AccountNumber(0)),
        (AccountMode::Hosted | AccountMode::Mixed, Some(account)) => Ok(account),
        // Its payment was settled, so the account was here.
        (AccountMode::Hosted, None) => Err(Refusal::OriginalDiffers),
    }
}

pub(crate) fn answer(
    ledger: &mut Ledger,
    at: Position,
    record: &layout::AnswerRecall,
    outcome: &mut Outcome,
) -> Answer {
    let sequence = Sequence(record.recall.get());
    let recall = *ledger.recalls.at(sequence).ok_or(Refusal::RecallUnknown)?;
    if participant(ledger, record.bic)? != recall.creditor_bank {
        return Err(Refusal::RecallOfAnotherBank);
    }
    if ledger.recalled(&recall) != recalled_of(record) {
        return Err(Refusal::OriginalDiffers);
    }
    let answer = RecallAnswer::from_stored(record).expect(CHECKED);
    let may_answer = match answer {
        RecallAnswer::Return { .. } => recall.may_return(),
        RecallAnswer::Refuse(_) | RecallAnswer::TimeOver(_) => recall.answered().is_none(),
    };
    if !may_answer {
        return Err(Refusal::RecallAnswered);
    }
    match answer {
        RecallAnswer::Return { amount, fee } => {
            if recall.reason.needs_consent() && recall.creditor_account().is_some() && record.consent == 0 {
                return Err(Refusal::ConsentMissing);
            }
            let booked = give_back(ledger, at, &recall, (amount, fee), record.elsewhere == 1)?;
            (outcome.balances, outcome.alerts) = (booked.balances, booked.alerts);
        }
        RecallAnswer::Refuse(refusal) => check_truth(ledger, &recall, refusal)?,
        RecallAnswer::TimeOver(refusal) => check_time_over(ledger, at, &recall, refusal)?,
    }
    let is_elsewhere = record.is_returned_elsewhere();
    ledger.recalls.answer(sequence, Answered { sequence: at.sequence, time: at.time, answer, is_elsewhere });
    rules_exceptions::recall_answered(ledger, recall.creditor_bank, sequence);
    Ok((sequence.0, outcome.balances[0]))
}

fn recalled_of(record: &layout::AnswerRecall) -> Recalled {
    Recalled {
        payment: Sequence(record.payment.get()),
        debtor_agent: checked_bic(record.debtor_agent),
        debtor_account: AccountNumber(record.debtor_account.get()),
        creditor_account: AccountNumber(record.creditor_account.get()),
        currency: Currency::from_number(record.currency.get()).expect(CHECKED),
    }
}

/// Books a return, if everything is there that it takes.
fn give_back(
    ledger: &mut Ledger,
    at: Position,
    recall: &Recall,
    (amount, fee): (Amount, Balance),
    is_elsewhere: bool,
) -> Result<Booked, Refusal> {
    let (amount, fee) = (amount.minor_units(), fee.minor_units());
    if amount + fee > recall.amount.minor_units() {
        return Err(Refusal::AboveOriginal);
    }
    let [debtor_bank, creditor_bank] =
        [recall.debtor_bank, recall.creditor_bank].map(|bank| ledger.participants.get(bank));
    // The money leaves the payee's bank, as that of a payment leaves the payer's.
    let sides = [(creditor_bank, Direction::Debit), (debtor_bank, Direction::Credit)];
    let is_closed =
        |(bank, direction)| rules_liquidity::is_closed_for(ledger, bank, recall.currency, direction);
    if sides.into_iter().any(is_closed) {
        return Err(Refusal::ParticipantSuspended);
    }
    if let Some(account) = recall.creditor_account().map(|account| ledger.accounts.get(account)) {
        if account.status() == AccountStatus::Closed {
            return Err(Refusal::AccountClosed);
        }
        // What is frozen stays where it is.
        if account.is_blocked_for(Direction::Debit) || account.is_restricted() {
            return Err(Refusal::AccountBlocked);
        }
    }
    // The scheme lets no payer's bank refuse a return, so it gets the money in any case.
    if recall.debtor_account().is_some_and(|account| takes_no_return(ledger, account)) != is_elsewhere {
        return Err(Refusal::AnswerNotTrue);
    }
    let book = |bank: &Participant| bank.book(recall.currency).copied().ok_or(Refusal::PositionUnknown);
    let (debtor_book, creditor_book) = (book(debtor_bank)?, book(creditor_bank)?);
    let sides = Sides {
        debtor_bank: creditor_bank,
        creditor_bank: debtor_bank,
        debtor: recall.creditor_account,
        creditor: if is_elsewhere { debtor_book.core } else { recall.debtor_account },
    };
    let bookings = Bookings::plan(sides, recall.currency, amount, 0).map_err(|_| Refusal::PositionUnknown)?;
    if !is_on(Mutant::ReturnOverBlock) {
        let takes_it = bookings.check_blocks(&ledger.accounts, &ledger.reachable);
        takes_it.map_err(|_| Refusal::PositionBlocked)?;
    }
    let kept_fee = recall.creditor_account().filter(|_| fee > 0);
    let covers_fee = |account| ledger.accounts.get(account).covers(amount + fee);
    if kept_fee.is_some_and(|account| !covers_fee(account)) {
        return Err(Refusal::InsufficientFunds);
    }
    bookings.check(&ledger.accounts, &ledger.reachable).map_err(|reason| {
        let is_short = [StatusReason::InsufficientFunds, StatusReason::AmountExceedsSettlementLimit]
            .map(StatusReason::code)
            .contains(&reason);
        if is_short { Refusal::InsufficientFunds } else { Refusal::BalanceLimit }
    })?;
    let core = creditor_book.core;
    if kept_fee.is_some() && !ledger.accounts.get(core).has_room_for(amount + fee) {
        return Err(Refusal::BalanceLimit);
    }
    let Ledger { accounts, reachable, watched, .. } = &mut *ledger;
    let booked = bookings.book(accounts, reachable, watched, at.sequence);
    if let Some(account) = kept_fee {
        accounts.transfer(Transfer { debit: account, credit: core }, fee, at.sequence);
    }
    if !booked.alerts.is_none() {
        rules_liquidity::note(ledger, at, &bookings, booked.alerts);
    }
    Ok(Booked { balances: bookings.balances(&ledger.accounts), ..booked })
}

/// Whether the money of a return can't be booked to this account of the payer, so that its bank gets it.
fn takes_no_return(ledger: &Ledger, account: AccountNumber) -> bool {
    let account = ledger.accounts.get(account);
    account.status() != AccountStatus::Active
        || account.is_blocked_for(Direction::Credit)
        || account.is_restricted()
}

/// What a bank says of an account that is kept here is what is true of it.
fn check_truth(ledger: &Ledger, recall: &Recall, refusal: RecallRefusal) -> Result<(), Refusal> {
    let Some(account) = recall.creditor_account().map(|account| ledger.accounts.get(account)) else {
        return Ok(());
    };
    let is_true = match refusal {
        RecallRefusal::AccountClosed => account.status() == AccountStatus::Closed,
        RecallRefusal::InsufficientFunds => !account.covers(recall.amount.minor_units()),
        RecallRefusal::AlreadyReturned | RecallRefusal::NoOriginal => false,
        RecallRefusal::Customer | RecallRefusal::Legal | RecallRefusal::NoAnswer => true,
    };
    if is_true { Ok(()) } else { Err(Refusal::AnswerNotTrue) }
}

/// The time for an answer is over, and the bank is one whose silence is answered.
fn check_time_over(
    ledger: &Ledger,
    at: Position,
    recall: &Recall,
    refusal: RecallRefusal,
) -> Result<(), Refusal> {
    if at.time.date() <= recall.answer_by || !ledger.recalls.is_silence_answered(recall) {
        return Err(Refusal::NotDue);
    }
    if ledger.refusal_at_the_end(recall) == refusal { Ok(()) } else { Err(Refusal::AnswerNotTrue) }
}

pub(crate) fn set_policy(ledger: &mut Ledger, record: &layout::SetRecallPolicy) -> Answer {
    let number = participant(ledger, record.bic)?;
    ledger.recalls.set_answered_for(number, record.is_silence_answered == 1);
    Ok((u64::from(number.0), 0))
}

fn participant(ledger: &Ledger, bic: [u8; 11]) -> Result<ParticipantNumber, Refusal> {
    ledger.participants.find(checked_bic(bic)).ok_or(Refusal::ParticipantUnknown)
}

fn checked_bic(bytes: [u8; 11]) -> Bic {
    Bic::from_bytes(bytes).expect(CHECKED)
}

fn day_number(day: Date) -> u64 {
    u64::try_from(day.days()).expect("days count from 1970")
}

impl Ledger {
    /// The recall at this position, if it is kept.
    pub fn recall(&self, sequence: Sequence) -> Option<&Recall> {
        self.recalls.at(sequence)
    }

    /// The recall of the payment at this position, if there is one.
    pub fn recall_of_payment(&self, payment: Sequence) -> Option<&Recall> {
        self.recalls.of_payment(payment)
    }

    /// What an answer to a recall has to say of the payment that it asks back.
    pub fn recalled(&self, recall: &Recall) -> Recalled {
        Recalled {
            payment: recall.payment,
            debtor_agent: self.participants.get(recall.debtor_bank).bic(),
            debtor_account: recall.debtor_account,
            creditor_account: recall.creditor_account,
            currency: recall.currency,
        }
    }

    /// All recalls that are kept, in order.
    pub fn recalls(&self) -> impl Iterator<Item = &Recall> {
        self.recalls.iter()
    }

    /// The recalls that a bank has to answer and has not, behind this position, in order.
    pub fn open_recalls(&self, bank: ParticipantNumber, after: Sequence) -> impl Iterator<Item = &Recall> {
        self.recalls.open_of(bank, after)
    }

    /// All recalls without an answer behind this place, by the banks that have to give it and then in order.
    pub fn all_open_recalls(
        &self,
        after: Option<(ParticipantNumber, Sequence)>,
    ) -> impl Iterator<Item = &Recall> {
        self.recalls.all_open(after)
    }

    /// How many recalls have no answer.
    pub fn open_recall_count(&self) -> usize {
        self.recalls.open_count()
    }

    /// The open recalls whose time is over and whose bank's silence is to be answered for it, with what is to be said.
    pub fn recalls_to_end(&self) -> impl Iterator<Item = (&Recall, RecallRefusal)> {
        let ending = self.recalls.ending_before(self.position().time.date());
        ending.map(|recall| (recall, self.refusal_at_the_end(recall)))
    }

    /// Whether the money of a return would not reach the payer's account, because that takes no bookings any more.
    pub fn is_returned_elsewhere(&self, recall: &Recall) -> bool {
        recall.debtor_account().is_some_and(|account| takes_no_return(self, account))
    }

    /// What is said at the end of the time.
    fn refusal_at_the_end(&self, recall: &Recall) -> RecallRefusal {
        match recall.creditor_account().map(|account| self.accounts.get(account).status()) {
            Some(AccountStatus::Closed) => RecallRefusal::AccountClosed,
            Some(AccountStatus::Active | AccountStatus::Blocked) | None => RecallRefusal::NoAnswer,
        }
    }
}

#[cfg(test)]
#[path = "rules_recall_tests.rs"]
mod tests;
