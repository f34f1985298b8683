//! What clients think of: commands, retries, changed bodies, reused ids, questions.

use ledger::{
    AccountKind, AccountMode, AccountStatus, Answer, Connected, DecisionPolicy, DecisionScope, Direction,
    LiquidityDirection, ParticipantStatus, RULES_VERSION, Silence, Stage, StagePolicy,
};
use types::{Sequence, StatusReason, Timestamp};

use crate::random::Random;
use crate::step::{ACCOUNTS, BANKS, Body, Pay, Request, Step};
use crate::words::Query;

/// What a client wants.
#[derive(Clone, Debug)]
pub(crate) enum Wish {
    /// A command.
    Do(Step),
    /// A question.
    Ask(Query),
}

/// What wishes are drawn from.
pub(crate) struct Traffic<'parts> {
    pub(crate) random: &'parts mut Random,
    /// Commands that were thought of before.
    pub(crate) earlier: &'parts [Step],
    /// Payments that waited lately, the bank that was asked, and about what.
    pub(crate) reserved: &'parts [(Sequence, u8, Stage)],
    /// The clock of the clients.
    pub(crate) now: Timestamp,
    /// The last position that anybody was told.
    pub(crate) last: Sequence,
    /// How many ids there are.
    pub(crate) ids: u64,
    /// Of ten commands, how many are payments.
    pub(crate) payments: u64,
    /// Of a thousand payments, how many go to banks 2 and 3.
    pub(crate) remote: u64,
}

const SECOND: i64 = 1_000_000_000;

/// Four banks and six accounts with money on most of them: what the first submission asks for.
pub(crate) fn world(random: &mut Random) -> Vec<Step> {
    let mut bodies = Vec::new();
    for bank in 0..4 {
        let mode = match bank {
            2 => *random.one_of(&[AccountMode::Remote, AccountMode::Remote, AccountMode::Hosted]),
            3 => *random.one_of(&[AccountMode::Mixed, AccountMode::Hosted]),
            _ => AccountMode::Hosted,
        };
        bodies.push(Request::Register { bank, mode, currency: 0 });
        let (direction, amount) = (LiquidityDirection::Fund, random.between(100, 20_000));
        bodies.push(Request::Move { bank, currency: 0, direction, amount, reference: 0 });
    }
    for account in 0..6 {
        let (bank, kind, floor) = (account % 2, AccountKind::Current, 0);
        bodies.push(Request::Open { bank, account, currency: 0, kind, floor });
        let (direction, amount) = (Direction::Credit, random.between(100, 20_000));
        bodies.push(Request::Post { account, currency: 0, direction, amount });
    }
    let ids = 1_000_000..;
    ids.zip(bodies).map(|(id, body)| Step::Request { id, body }).collect()
}

impl Traffic<'_> {
    /// A new wish.
    pub(crate) fn wish(&mut self) -> Wish {
        match self.random.below(100) {
            0..=11 => Wish::Ask(self.query()),
            12..=21 if !self.earlier.is_empty() => Wish::Do(self.random.one_of(self.earlier).clone()),
            22..=28 if !self.earlier.is_empty() => Wish::Do(self.changed()),
            _ => Wish::Do(self.step()),
        }
    }

    /// A question about the payment with this key.
    pub(crate) fn about(&mut self, payment: &Pay) -> Query {
        Query::Key(payment.debtor_bank, payment.id, payment.body.accepted)
    }

    fn id(&mut self) -> u32 {
        u32::try_from(self.random.below(self.ids)).expect("there are fewer ids")
    }

    fn small(&mut self, bound: u8) -> u8 {
        u8::try_from(self.random.below(u64::from(bound))).expect("it is below 256")
    }

    fn query(&mut self) -> Query {
        match self.random.below(9) {
            0 => Query::At(Sequence(self.random.below(self.last.0 + 10))),
            1 => Query::Account(self.small(ACCOUNTS), 0),
            2 => Query::Position(self.small(BANKS), 0),
            3 => Query::Bank(self.small(BANKS)),
            4 => Query::Books,
            _ => {
                let payment = match self.random.happens(700) && !self.earlier.is_empty() {
                    true => match self.random.one_of(self.earlier) {
                        Step::Pay(payment) | Step::NotEntitled(payment) | Step::Refuse { payment, .. } => {
                            *payment
                        }
                        Step::Request { .. } | Step::Answer { .. } | Step::Line(_) => self.payment(),
                    },
                    false => self.payment(),
                };
                match self.random.happens(200) {
                    true => Query::Final(payment.debtor_bank, payment.id, payment.body.accepted),
                    false => self.about(&payment),
                }
            }
        }
    }

    /// An earlier key or id with another body.
    fn changed(&mut self) -> Step {
        match self.random.one_of(self.earlier).clone() {
            Step::Request { id, .. } => Step::Request { id, body: self.request() },
            // Another content under the same number.
            Step::Line(mut line) => {
                line.terms.body.amount += 1;
                Step::Line(line)
            }
            // An answer has no key but itself: another one is a contrary one.
            Step::Answer { payment, bank, stage, .. } => {
                Step::Answer { payment, bank, stage, answer: self.answer() }
            }
            Step::Pay(earlier) | Step::NotEntitled(earlier) | Step::Refuse { payment: earlier, .. } => {
                let mut payment = earlier;
                match self.random.below(4) {
                    0 => payment.body.amount += 1,
                    1 => payment.body.remittance ^= 1,
                    2 => payment.body.creditor = self.small(ACCOUNTS),
                    // What executes an order names no time.
                    _ if payment.order.0 > 0 => payment.body.remittance ^= 2,
                    _ => payment.body.accepted = Some(self.now),
                }
                // A stranger may send under an earlier key too.
                if self.random.happens(100) { Step::NotEntitled(payment) } else { Step::Pay(payment) }
            }
        }
    }

    fn answer(&mut self) -> Answer {
        match self.random.happens(700) {
            true => Answer::Accept,
            false => Answer::Reject(StatusReason::BlockedAccount.code()),
        }
    }

    /// An answer to one of the payments that waited lately, mostly by the bank that was asked.
    fn answers(&mut self) -> Step {
        let asked = *self.random.one_of(self.reserved);
        let bank = if self.random.happens(900) { asked.1 } else { self.small(BANKS) };
        let stage = if self.random.happens(950) { asked.2 } else { Stage::Debit };
        Step::Answer { payment: asked.0, bank, stage, answer: self.answer() }
    }

    fn step(&mut self) -> Step {
        if self.random.happens(150) && !self.reserved.is_empty() {
            return self.answers();
        }
        if self.random.below(10) >= self.payments {
            return Step::Request { id: self.id(), body: self.request() };
        }
        let payment = self.payment();
        match self.random.below(100) {
            0..=4 => Step::Refuse { payment, whole: self.random.happens(500) },
            5 => Step::NotEntitled(payment),
            _ => Step::Pay(payment),
        }
    }

    fn payment(&mut self) -> Pay {
        let usual = self.random.happens(850);
        let (banks, accounts) = if usual { (2, 6) } else { (BANKS, ACCOUNTS) };
        let (debtor, creditor) = (self.small(accounts), self.small(accounts));
        let (debtor_bank, creditor_bank) = match usual {
            true if self.random.happens(self.remote) => (debtor % 2, 2 + creditor % 2),
            true => (debtor % 2, creditor % 2),
            false => (self.small(banks), self.small(banks)),
        };
        let offset = match self.random.below(10) {
            0..=3 => None,
            4..=7 => Some(self.random.between(-SECOND / 5, SECOND / 5)),
            8 => Some(self.random.between(-8 * SECOND, -6 * SECOND)),
            _ => Some(self.random.between(SECOND / 2, 2 * SECOND)),
        };
        let accepted = offset.map(|offset| later(self.now, offset));
        let currency = if self.random.happens(980) { 0 } else { 1 };
        let (amount, remittance) = (self.random.between(1, 900), self.small(3));
        let body = Body { creditor_bank, debtor, creditor, amount, currency, remittance, accepted };
        let hints = [self.id() % 40, self.id() % 40];
        let connected = Connected::default();
        Pay {
            debtor_bank,
            id: self.id(),
            body,
            stamped: self.now,
            message: 0,
            connected,
            hints,
            order: Sequence(0),
        }
    }

    fn request(&mut self) -> Request {
        let (bank, account) = (self.small(BANKS), self.small(ACCOUNTS));
        let currency = if self.random.happens(900) { 0 } else { self.small(5) };
        let amount = self.random.between(1, 5_000);
        match self.random.below(23) {
            20 | 21 => {
                let silence = if self.random.happens(500) { Silence::Reject } else { Silence::Accept };
                let scopes = [DecisionScope::Nothing, DecisionScope::Flagged, DecisionScope::All];
                let mut wish = || StagePolicy { scope: *self.random.one_of(&scopes), silence };
                let policy = DecisionPolicy { debits: wish(), credits: wish() };
                Request::SetPolicy { bank, policy }
            }
            22 if self.random.happens(700) => {
                Request::SetFlag { account, currency, is_flagged: self.random.happens(700) }
            }
            22 => Request::SetLimit { bank, unanswered_max: self.id() % 20 },
            0 => {
                let modes = [AccountMode::Hosted, AccountMode::Remote, AccountMode::Mixed];
                Request::Register { bank, mode: *self.random.one_of(&modes), currency }
            }
            // A log may have begun under any of those before.
            1 if self.random.happens(250) => {
                Request::SetVersion { version: *self.random.one_of(&[2, 3, 4, RULES_VERSION]) }
            }
            1 => {
                let statuses =
                    [ParticipantStatus::Active, ParticipantStatus::Active, ParticipantStatus::Suspended];
                Request::SetBankStatus { bank, status: *self.random.one_of(&statuses) }
            }
            2..=4 => {
                let kind = if self.random.happens(800) { AccountKind::Current } else { AccountKind::Savings };
                Request::Open { bank, account, currency, kind, floor: self.random.between(-300, 20) }
            }
            5 => {
                let statuses = [AccountStatus::Active, AccountStatus::Active, AccountStatus::Blocked];
                Request::SetAccountStatus { account, currency, status: *self.random.one_of(&statuses) }
            }
            6 => {
                // Accounts that nobody gave money at the start, so that they can be closed.
                let account = 6 + self.small(ACCOUNTS - 6);
                Request::SetAccountStatus { account, currency, status: AccountStatus::Closed }
            }
            7 => Request::SetFloor { account, currency, floor: self.random.between(-500, 100) },
            8..=13 => {
                let direction = if self.random.happens(650) { Direction::Credit } else { Direction::Debit };
                Request::Post { account, currency, direction, amount }
            }
            _ => {
                let fund = self.random.happens(650);
                let direction = if fund { LiquidityDirection::Fund } else { LiquidityDirection::Defund };
                let reference = self.id() % 200;
                Request::Move { bank, currency, direction, amount, reference }
            }
        }
    }
}

/// This time and so many nanoseconds.
pub(crate) fn later(time: Timestamp, nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanoseconds(time.nanoseconds() + nanoseconds).expect("simulations are of this century")
}
