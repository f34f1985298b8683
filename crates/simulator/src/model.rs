//! The naive reference: what every command must come to, by the rules as they are written for people.
//!
//! Plain maps, walks over everything, decimal amounts. It follows section 3 of the design and docs/errors.md and
//! shares no code with the ledger but the names of its answers.
//!
//! Invariant: nothing here is fast, and nothing here is clever.

use std::collections::{BTreeMap, BTreeSet};

use ledger::{
    AccountKind, AccountMode, AccountStatus, AnswerEffect, Blocks, DecisionPolicy, Direction,
    ParticipantStatus, Position, QuestionState, Refusal, Remark, Stage, Verdict, Zone,
};
use rust_decimal::Decimal;
use types::{ClosingDays, Date, Duration, PaymentState, ReasonCode, Sequence, StatusReason, Timestamp};

use crate::step::{Body, RecordName, Request, Step};

const EURO: u8 = 0;
const REMEMBERED: Duration = Duration::from_seconds(5 * 24 * 3600);
const EXPIRY: Duration = Duration::from_seconds(7);
const TOLERANCE: Duration = Duration::from_seconds(1);
const CURRENCIES_MAX: usize = 4;
const UNANSWERED_MAX: u32 = 1_000_000;

/// What a command must come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    /// The decision.
    pub(crate) verdict: Verdict,
    /// The position that decided.
    pub(crate) decided_at: Sequence,
    /// What must be told of balances.
    pub(crate) balances: [Decimal; 4],
    /// What must be told beside it.
    pub(crate) remark: Remark,
    /// Which bounds it crossed: a position's floor and ceiling, a limit's floor and ceiling.
    pub(crate) alerts: [bool; 4],
}

/// What the question for a payment must come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// It was decided, at this position.
    Found(Sequence, PaymentState, Option<ReasonCode>),
    /// It is not known.
    NotFound {
        /// Whether it can never be taken any more.
        is_final: bool,
    },
    /// Nothing can be said.
    Forgotten,
}

/// Whose an account is, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A customer's, by its number.
    Customer(u8, AccountKind),
    /// A book's counter-account.
    Core,
    /// A book's mirror of other banks.
    Clearing,
    /// A settlement account.
    Position,
    /// A bank's money beside its position.
    Technical,
    /// What a bank has not found the owner of.
    Suspense,
    /// The counter-account of all positions in a currency.
    Funding,
}

/// An account.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// The bank; none for a funding account.
    pub(crate) bank: Option<u8>,
    /// What it is.
    pub(crate) place: Place,
    /// In which currency.
    pub(crate) currency: u8,
    /// Whether it takes bookings.
    pub(crate) status: AccountStatus,
    /// How far it may fall; none where nothing limits it.
    pub(crate) floor: Option<Decimal>,
    /// What is on it.
    pub(crate) balance: Decimal,
    /// What of it is set aside for payments that wait.
    pub(crate) reserved: Decimal,
    /// What of it is set aside for holds.
    pub(crate) held: Decimal,
    /// Whether its bank has flagged it.
    pub(crate) is_flagged: bool,
    /// Whether payments from it and to it are refused.
    pub(crate) is_restricted: bool,
    /// What its customer allows, if that was ever said.
    pub(crate) allowance: Option<Allowance>,
    /// What it does not take.
    pub(crate) blocks: Blocks,
    /// Of a position: its owner hears when it falls below the first or rises above the second.
    pub(crate) bounds: [Option<Decimal>; 2],
}

/// A bank.
#[derive(Clone, Debug)]
pub(crate) struct Bank {
    /// Which.
    pub(crate) bank: u8,
    /// Where its accounts live.
    pub(crate) mode: AccountMode,
    /// Whether it takes part.
    pub(crate) status: ParticipantStatus,
    /// About what it wants to decide.
    pub(crate) policy: DecisionPolicy,
    /// How many questions it may have unanswered.
    pub(crate) unanswered_max: u32,
    /// What it takes for a payment, by currency.
    pub(crate) fees: BTreeMap<u8, Decimal>,
    /// Its clock.
    pub(crate) zone: Zone,
    /// Which payments it takes no part in.
    pub(crate) blocks: Blocks,
    /// Where it settles on another's position, by currency.
    pub(crate) parties: BTreeMap<u8, Party>,
    /// Whether its silence about recalls is answered for it.
    pub(crate) is_silence_answered: bool,
}

/// A bank is asked about a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The position that asks.
    pub(crate) at: Sequence,
    /// The payment's position.
    pub(crate) payment: Sequence,
    /// Which bank.
    pub(crate) bank: u8,
    /// About what.
    pub(crate) stage: Stage,
    /// An answer counts before this time.
    pub(crate) answer_by: Timestamp,
}

/// Over what duplicates of a payment are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compared {
    Order(Body),
    /// Of a payment that executes an order, which no other has.
    OfOrder(Body),
    Parts(Body),
}

#[derive(Clone, Copy, Debug)]
struct Payment {
    key: (u8, u32),
    holds_key: bool,
    compared: Compared,
    received: Timestamp,
    state: PaymentState,
    reason: Option<ReasonCode>,
    /// Told each time.
    remark: Remark,
    decided_at: Sequence,
    decided_time: Timestamp,
    /// The questions to the payer's bank and to the payee's.
    questions: [QuestionState; 2],
    creditor_bank: u8,
    /// What is known of it while it waits.
    waits: Option<Waits>,
}

#[derive(Clone, Copy, Debug)]
struct Answered {
    body: Request,
    received: Timestamp,
    sequence: Sequence,
    expected: Expected,
}

/// Everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    /// In the order of registration.
    pub(crate) banks: Vec<Bank>,
    /// By number.
    pub(crate) accounts: BTreeMap<u32, Account>,
    payments: BTreeMap<Sequence, Payment>,
    has_forgotten: bool,
    answered: BTreeMap<u32, Answered>,
    references: BTreeSet<(u8, u32)>,
    /// Payments settled, rejected and expired since the log began.
    pub(crate) totals: [u64; 3],
    /// The questions that the last tick or step asked.
    pub(crate) asked: Vec<Asked>,
    /// Answers by their effect.
    pub(crate) effects: BTreeMap<AnswerEffect, u64>,
    /// Payments up to here are on disk.
    floor: Sequence,
    /// The runs that hold them, the oldest first.
    runs: Vec<Run>,
    /// The version of the rules that decides the next frame.
    pub(crate) rules_version: u32,
    /// The closing days of each year that is set.
    pub(crate) closing: BTreeMap<u16, ClosingDays>,
    /// The day of settlements between banks, once it was set.
    pub(crate) business_date: Option<Date>,
    /// By their positions.
    pub(crate) recalls: BTreeMap<Sequence, Recall>,
    /// The lives of the log after the first: where each begins, and its number.
    lives: Vec<(Sequence, u64)>,
    /// The bounds that were crossed by the last tick or step, in the order of decision.
    pub(crate) crossings: Vec<Crossed>,
    /// How many of them were crossed before the decision at hand.
    crossings_before: usize,
    /// By their positions.
    pub(crate) holds: BTreeMap<Sequence, Hold>,
    /// The records of gateways.
    pub(crate) kept: BTreeMap<RecordName, Kept>,
    /// What was said about which accounts take part, one after the other.
    pub(crate) activations: Vec<Activation>,
    /// By how many of these the next payment was looked up.
    pub(crate) looked_up_by: u32,
    /// The maps of postings that were set last, by bank and currency.
    pub(crate) posting_maps: BTreeMap<(u8, u8), PostingMap>,
    /// What the last tick or step did to holds beside what it came to itself: by the position that it is told of.
    /// By their positions.
    pub(crate) packages: BTreeMap<Sequence, Package>,
    /// By their positions.
    pub(crate) orders: BTreeMap<Sequence, Order>,
    /// By their positions.
    pub(crate) to_pay: BTreeMap<Sequence, ToPay>,
    /// What the last tick or step did to holds, orders, packages and requests to pay beside what it came to itself: by the position
    /// that it is told of.
    pub(crate) holds_told: Vec<(Sequence, Expected)>,
    /// The exceptions by their positions.
    pub(crate) exceptions: BTreeMap<Sequence, Exception>,
    /// The payments that were accepted although they were not settled, by the time of their decision.
    pub(crate) noticed: BTreeSet<(Timestamp, Sequence)>,
    /// Whose balances are told of a request, where it is not the subject's alone.
    told: Option<[Option<u32>; 4]>,
    /// What is told behind the subject's balance.
    beside: Decimal,
    /// The last position.
    pub(crate) at: Position,
}

impl Model {
    /// Before the first record of a log that begins under this version of the rules.
    pub(crate) fn begun_under(rules_version: u32) -> Self {
        Self { rules_version, ..Self::default() }
    }

    /// A frame begins: what is older than five days is forgotten, and questions whose time is over end. Says what was
    /// decided, in order.
    pub(crate) fn tick(&mut self, at: Position) -> Vec<(Sequence, Expected)> {
        self.begins(at);
        let limit = at.time.minus(REMEMBERED);
        // In order, and nothing that waits: what is decided now is remembered for another frame.
        while let Some(oldest) = self.payments.first_entry()
            && oldest.get().received < limit
            && oldest.get().waits.is_none()
        {
            oldest.remove();
            self.has_forgotten = true;
        }
        self.answered.retain(|_, answered| answered.received >= limit);
        self.forget_runs(limit);
        let decided = self.end_questions();
        self.end_holds();
        self.end_to_pay();
        self.kept.retain(|_, kept| kept.expires.is_none_or(|expires| expires > at.time));
        self.forget_exceptions();
        self.forget_orders();
        decided
    }

    /// The log's own records, which change no balance, have passed.
    pub(crate) const fn pass(&mut self, at: Position) {
        self.at = at;
    }

    fn begins(&mut self, at: Position) {
        self.at = at;
        self.asked.clear();
        self.crossings.clear();
        self.crossings_before = 0;
        self.told = None;
        self.beside = Decimal::ZERO;
        self.holds_told.clear();
    }

    /// What this step comes to here and now.
    pub(crate) fn apply(&mut self, at: Position, step: &Step) -> Expected {
        self.begins(at);
        match step {
            Step::Request { id, body } => self.request(*id, *body),
            Step::Pay(payment) if payment.order.0 > 0 => {
                self.execute(payment, Compared::OfOrder(payment.body))
            }
            Step::Pay(payment) => self.payment(payment, Compared::Order(payment.body), None),
            Step::Line(line) => self.line(line),
            Step::Answer { payment, bank, stage, answer } => self.answer(*payment, *bank, *stage, *answer),
            Step::Refuse { payment, whole } => {
                let compared = match whole {
                    true => Compared::Order(payment.body),
                    false => Compared::Parts(payment.body),
                };
                self.payment(payment, compared, Some(StatusReason::InvalidFileFormat))
            }
            Step::NotEntitled(payment) => self.not_entitled(payment),
        }
    }

    /// What the question for the payment at a position comes to.
    pub(crate) fn known_at(&self, sequence: Sequence) -> Known {
        let oldest = self.payments.range(self.floor.next()..).next().map(|(oldest, _)| oldest);
        match self.payments.get(&sequence) {
            Some(payment) => Known::Found(sequence, payment.state, payment.reason),
            None if sequence > self.at.sequence => Known::NotFound { is_final: false },
            None if self.may_have_forgotten() && oldest.is_none_or(|oldest| sequence < *oldest) => {
                Known::Forgotten
            }
            None => Known::NotFound { is_final: true },
        }
    }

    /// What the question for the payment with a key comes to.
    pub(crate) fn known(&self, key: (u8, u32), accepted: Option<Timestamp>) -> Known {
        if let Some((sequence, payment)) = self.held(key) {
            return Known::Found(sequence, payment.state, payment.reason);
        }
        let Some(accepted) = accepted else { return Known::NotFound { is_final: false } };
        // It may have been received up to the tolerance before it was accepted.
        if self.may_have_forgotten() && accepted < self.at.time.minus(REMEMBERED).plus(TOLERANCE) {
            return Known::Forgotten;
        }
        Known::NotFound { is_final: accepted.plus(EXPIRY) <= self.at.time }
    }

    /// Nobody knows of what is not found on disk whether it was there, and is older than the window.
    fn may_have_forgotten(&self) -> bool {
        self.has_forgotten || self.floor > Sequence(0)
    }

    /// How many payments and requests are remembered.
    /// Payments on disk are remembered there.
    pub(crate) fn remembered(&self) -> (usize, usize) {
        (self.payments.range(self.floor.next()..).count(), self.answered.len())
    }

    /// A bank, and its number.
    pub(crate) fn bank(&self, bank: u8) -> Option<(u64, &Bank)> {
        (1..).zip(&self.banks).find(|(_, known)| known.bank == bank)
    }

    /// A customer's account in this currency.
    pub(crate) fn customer(&self, account: u8, currency: u8) -> Option<(u32, &Account)> {
        self.find(|known| known.is_customer(account) && known.currency == currency)
    }

    /// An account of a bank that is not a customer's.
    pub(crate) fn internal(&self, bank: Option<u8>, place: Place, currency: u8) -> Option<(u32, &Account)> {
        self.find(|known| known.bank == bank && known.place == place && known.currency == currency)
    }

    fn find(&self, is_it: impl Fn(&Account) -> bool) -> Option<(u32, &Account)> {
        self.accounts.iter().find(|(_, account)| is_it(account)).map(|(number, account)| (*number, account))
    }

    fn open(&mut self, bank: Option<u8>, place: Place, currency: u8, floor: Option<Decimal>) -> u32 {
        let number = u32::try_from(self.accounts.len() + 1).expect("accounts are few");
        let (status, balance) = (AccountStatus::Active, Decimal::ZERO);
        let (reserved, held, is_flagged) = (Decimal::ZERO, Decimal::ZERO, false);
        let (is_restricted, allowance) = (false, None);
        let (blocks, bounds) = (Blocks::NONE, [None; 2]);
        let account = Account {
            bank,
            place,
            currency,
            status,
            floor,
            balance,
            reserved,
            held,
            is_flagged,
            is_restricted,
            allowance,
            blocks,
            bounds,
        };
        self.accounts.insert(number, account);
        number
    }

    fn open_book(&mut self, bank: u8, currency: u8) {
        self.open(Some(bank), Place::Core, currency, None);
        self.open(Some(bank), Place::Clearing, currency, None);
    }

    fn has_book(&self, bank: u8, currency: u8) -> bool {
        self.internal(Some(bank), Place::Core, currency).is_some()
    }

    fn request(&mut self, id: u32, body: Request) -> Expected {
        if let Some(earlier) = self.answered.get(&id) {
            return match earlier.body.without_hints() == body.without_hints() {
                true => earlier.expected.repeated(earlier.sequence),
                false => self.expected(Err(Refusal::RequestIdReused)),
            };
        }
        let answer = match body {
            Request::Register { bank, mode, currency } => self.register(bank, mode, currency),
            Request::SetBankStatus { bank, status } => self.set_bank_status(bank, status),
            Request::Open { bank, account, currency, kind, floor } => {
                self.open_account(bank, account, currency, kind, money(floor))
            }
            Request::SetAccountStatus { account, currency, status } => {
                self.set_account_status(account, currency, status)
            }
            Request::SetFloor { account, currency, floor } => self.set_floor(account, currency, money(floor)),
            Request::Post { account, currency, direction, amount } => {
                self.post(account, currency, direction, money(amount))
            }
            Request::Move { bank, currency, direction, amount, reference } => {
                self.move_liquidity(bank, currency, direction, money(amount), reference)
            }
            Request::SetPolicy { bank, policy } => self.change_bank(bank, |known| known.policy = policy),
            Request::SetFlag { account, currency, is_flagged } => {
                self.set_flag(account, currency, is_flagged)
            }
            Request::Allow { account, currency, limits } => self.allow(account, currency, limits),
            Request::Restrict { account, currency, is_restricted } => {
                self.restrict(account, currency, is_restricted)
            }
            Request::SetFees { bank, currency, fees } => self.set_fees(bank, currency, fees),
            Request::SetZone { bank, zone } => self.set_zone(bank, zone),
            // Names are no part of the state.
            Request::SetHolders { account, currency, name: _ } => self
                .open_customer(account, currency)
                .map(|number| (u64::from(number), self.account(number).balance)),
            Request::SetVersion { version } => self.set_version(version),
            Request::SetLimit { bank, unanswered_max } => {
                self.change_bank(bank, |known| known.unanswered_max = unanswered_max)
            }
            Request::SetBounds { bank, currency, bounds } => self.set_bounds(bank, currency, bounds),
            Request::SetParty { bank, mode, host, currency, limit } => {
                self.set_party(bank, mode, host, currency, limit.map(money))
            }
            Request::SetBlock { target, blocks } => self.set_block(target, blocks),
            Request::MoveOwn { from, to, currency, amount } => {
                self.move_own(from, to, currency, money(amount))
            }
            Request::SetClosingDays(closing_days) => self.set_closing_days(closing_days),
            Request::Roll { date, due } => self.roll(date, due),
            Request::Recall { original, reason } => self.recall(original, reason),
            Request::AnswerRecall { recall, recalled, bank, answer, has_consent, is_elsewhere } => {
                self.answer_recall(recall, recalled, bank, answer, [has_consent, is_elsewhere])
            }
            Request::Place { bank, account, currency, amount, expires } => {
                self.place(bank, (account, currency), money(amount), expires)
            }
            Request::Capture { bank, hold, held_on, legs, is_final } => {
                self.capture(bank, hold, held_on, &legs, is_final)
            }
            Request::Release { bank, hold, amount } => self.release(bank, hold, amount.map(money)),
            Request::Put { name, expected, length, expires } => self.put(name, expected, length, expires),
            Request::Remove { name, expected } => self.remove(name, expected),
            Request::SetActivation { bank, range, is_active } => self.set_activation(bank, range, is_active),
            Request::SetMap { bank, currency, expected, from, account } => {
                self.set_map((bank, currency), expected, from, account)
            }
            Request::Exception(case) => self.case(case),
            Request::OpenPackage { bank, file, lines, sum } => self.open_package(bank, file, lines, sum),
            Request::ClosePackage { bank, package } => self.close_package(bank, package),
            Request::PlaceOrder(terms) => self.place_order(terms),
            Request::ChangeOrder { order, terms } => self.change_order(order, terms),
            Request::Cancel { bank, target, is_package } => self.cancel(bank, target, is_package),
            Request::AskToPay(asked) => self.ask_to_pay(asked),
            Request::PresentToPay { to_pay, banks } => self.present_to_pay(to_pay, banks),
            Request::AcceptToPay { to_pay, banks, terms } => self.accept_to_pay(to_pay, banks, terms),
            Request::RefuseToPay { to_pay, banks, reason } => self.refuse_to_pay(to_pay, banks, reason),
            Request::TakeBackToPay { to_pay, banks } => self.take_back_to_pay(to_pay, banks),
            Request::SetRecallPolicy { bank, is_silence_answered } => {
                self.change_bank(bank, |known| known.is_silence_answered = is_silence_answered)
            }
        };
        let expected = self.expected(answer);
        let (received, sequence) = (self.at.time, self.at.sequence);
        self.answered.insert(id, Answered { body, received, sequence, expected });
        expected
    }

    /// From the next frame on, and by one.
    fn set_version(&mut self, version: u32) -> Result<(u64, Decimal), Refusal> {
        if version != self.rules_version + 1 {
            return Err(Refusal::VersionNotNext);
        }
        self.rules_version = version;
        Ok((0, Decimal::ZERO))
    }

    fn expected(&self, answer: Result<(u64, Decimal), Refusal>) -> Expected {
        let (verdict, balance) = match answer {
            Ok((subject, balance)) => (Verdict::Done { subject, repeat_of: None }, balance),
            Err(refusal) => (Verdict::Refused { refusal, repeat_of: None }, Decimal::ZERO),
        };
        let zero = Decimal::ZERO;
        let balances = self.told.map_or([balance, self.beside, zero, zero], |told| self.balances(told));
        let decided_at = self.at.sequence;
        Expected { verdict, decided_at, balances, remark: Remark::None, alerts: self.alerts() }
    }

    fn account(&mut self, number: u32) -> &mut Account {
        self.accounts.get_mut(&number).expect("the number comes from the map")
    }

    fn book(&mut self, debit: u32, credit: u32, amount: Decimal) {
        self.account(debit).balance -= amount;
        self.account(credit).balance += amount;
    }
}

#[path = "model_activation.rs"]
mod activation;
#[path = "model_customer.rs"]
mod customer;
#[path = "model_exceptions.rs"]
mod exceptions;
#[path = "model_gateways.rs"]
mod gateways;
#[path = "model_ledgers.rs"]
mod ledgers;
#[path = "model_liquidity.rs"]
mod liquidity;
#[path = "model_masterdata.rs"]
mod masterdata;
#[path = "model_orders.rs"]
mod orders;
#[path = "model_payment.rs"]
mod payment;
#[path = "model_recall.rs"]
mod recall;
#[path = "model_requests_to_pay.rs"]
mod requests_to_pay;
#[path = "model_sealed.rs"]
mod sealed;
#[path = "model_waiting.rs"]
mod waiting;

pub(crate) use activation::Activation;
use customer::Allowance;
pub(crate) use exceptions::Exception;
use exceptions::Name;
pub(crate) use gateways::{Hold, Kept};
pub(crate) use ledgers::PostingMap;
pub(crate) use liquidity::{Crossed, Party};
pub(crate) use orders::{Order, Package};
pub(crate) use recall::Recall;
pub(crate) use requests_to_pay::ToPay;
use sealed::Run;
use waiting::Waits;

impl Account {
    fn is_customer(&self, account: u8) -> bool {
        matches!(self.place, Place::Customer(number, _) if number == account)
    }

    fn is_blocked_for(&self, direction: Direction) -> bool {
        self.status == AccountStatus::Blocked || self.blocks.covers(direction)
    }

    fn available(&self) -> Decimal {
        self.balance - self.reserved - self.held
    }

    fn covers(&self, amount: Decimal) -> bool {
        self.floor.is_none_or(|floor| self.available() - amount >= floor)
    }
}

impl Expected {
    fn repeated(self, of: Sequence) -> Self {
        let repeat_of = Some(of);
        let verdict = match self.verdict {
            Verdict::Payment { state, reason, .. } => Verdict::Payment { state, reason, repeat_of },
            Verdict::Done { subject, .. } => Verdict::Done { subject, repeat_of },
            Verdict::Refused { refusal, .. } => Verdict::Refused { refusal, repeat_of },
            Verdict::Answer { .. }
            | Verdict::AskAgain
            | Verdict::NotActive { .. }
            | Verdict::LegBooked { .. }
            | Verdict::RequestEnded { .. }
            | Verdict::HoldExpired { .. }
            | Verdict::NotExecuted { .. }
            | Verdict::OrderEnded { .. }
            | Verdict::PackageComplete { .. } => unreachable!("they are no requests"),
        };
        // What was crossed is told once.
        Self { verdict, alerts: [false; 4], ..self }
    }
}

/// Minor units of a currency with two decimals.
pub(crate) fn money(minor_units: i64) -> Decimal {
    Decimal::new(minor_units, 2)
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
