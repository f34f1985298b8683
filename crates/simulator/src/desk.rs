//! What customers with files and standing orders think of under the newest rules, and a naive runner beside them: it takes up
//! what the log has told to be due, and remembers nothing.
//!
//! Invariants:
//! - The generator is one of its own, and draws nothing under older rules.
//! - The runner tries as well what is not due, was changed, cancelled or executed: the node has to say no.

use ledger::{HAS_ORDERS, OrderState};
use types::{Sequence, StatusReason, Timestamp};

use crate::model::{Model, Order, ToPay};
use crate::random::Random;
use crate::step::{ACCOUNTS, AskToPay, BANKS, Body, Line, Pay, Request, Step, Terms};

/// The request ids of these clients begin here, and the payments' ids of the runner.
const IDS: u32 = 5_000_000;
const PAYMENT_IDS: u32 = 0x8000_0000;
const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;

/// What such wishes are drawn from.
#[derive(Debug)]
pub(crate) struct Desk {
    random: Random,
    /// Thousandths of a client's turns.
    share: u64,
    ids: u64,
}

impl Desk {
    /// The choices of this seed.
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed.rotate_left(16) ^ 0x0DE5C);
        let share = *random.one_of(&[0, 300, 800]);
        let ids = *random.one_of(&[1_000, 100_000]);
        Self { random, share, ids }
    }

    /// A few commands, at some of the turns of a log that has come to these rules.
    pub(crate) fn steps(&mut self, model: &Model, now: Timestamp) -> Vec<Step> {
        if model.rules_version < HAS_ORDERS || !self.random.happens(self.share) {
            return Vec::new();
        }
        let count = self.random.index(4) + 1;
        (0..count).map(|_| self.draw(model, now)).collect()
    }

    /// A command.
    pub(crate) fn draw(&mut self, model: &Model, now: Timestamp) -> Step {
        let body = match self.random.below(34) {
            24..=33 => self.about_to_pay(model, now),
            0 | 1 => self.open(),
            2..=8 => return self.line(model, now),
            9 | 10 => self.close(model),
            11..=13 => Request::PlaceOrder(self.terms(model, now, false)),
            14 => Request::ChangeOrder { order: self.order(model).0, terms: self.terms(model, now, false) },
            15 => self.cancel(model),
            _ => return self.execute(model, now),
        };
        let id = IDS + u32::try_from(self.random.below(self.ids)).expect("there are fewer ids");
        Step::Request { id, body }
    }

    fn small(&mut self, bound: u8) -> u8 {
        u8::try_from(self.random.below(u64::from(bound))).expect("it is below 256")
    }

    fn open(&mut self) -> Request {
        let bank = if self.random.happens(950) { self.small(2) } else { self.small(BANKS) };
        let file = (self.small(30), u8::from(self.random.happens(50)));
        let lines = 1 + u32::from(self.small(4));
        // Hardly any states a sum, because few would be right.
        let sum = self.random.happens(100).then(|| self.random.between(1, 900));
        Request::OpenPackage { bank, file, lines, sum }
    }

    /// A package that takes lines, mostly; else any position.
    fn package(&mut self, model: &Model) -> (Sequence, u8, u32) {
        let open: Vec<_> = model.packages.iter().filter(|(_, package)| package.is_open()).collect();
        if open.is_empty() || self.random.happens(50) {
            let known: Vec<_> = model.packages.keys().copied().collect();
            let any = Sequence(self.random.below(model.at.sequence.0 + 5) + 1);
            let package = if known.is_empty() { any } else { *self.random.one_of(&known) };
            return (package, self.small(BANKS), u32::from(self.small(3)));
        }
        let (sequence, package) = *self.random.one_of(&open);
        (*sequence, package.bank, package.logged)
    }

    fn body(&mut self, bank: u8) -> Body {
        let usual = self.random.happens(900);
        let debtor = if usual { bank % 2 + 2 * self.small(3) } else { self.small(ACCOUNTS) };
        let creditor = self.small(if usual { 6 } else { ACCOUNTS });
        let creditor_bank = match self.random.below(10) {
            0..=6 => creditor % 2,
            7 | 8 => 2 + creditor % 2,
            _ => self.small(BANKS),
        };
        let (amount, remittance) = (self.random.between(1, 2_500), self.small(3));
        Body { creditor_bank, debtor, creditor, amount, currency: 0, remittance, accepted: None }
    }

    /// Mostly due soon. Some give up soon, and some stand for weeks.
    fn terms(&mut self, model: &Model, now: Timestamp, is_line: bool) -> Terms {
        let bank = if self.random.happens(950) { self.small(2) } else { self.small(BANKS) };
        let body = self.body(bank);
        let local = model.local(bank, now);
        let due = match self.random.below(20) {
            0..=9 if is_line => 0,
            0 => local - self.random.between(0, 2 * DAY),
            1 => (local / DAY + 400) * DAY + self.random.between(DAY - 2, DAY + 2),
            2..=4 => local + self.random.between(0, 20 * DAY),
            _ => local + self.random.between(-SECOND, 20 * SECOND),
        }
        .max(i64::from(!is_line));
        let weeks = if !is_line && self.random.happens(300) { 1 + self.small(2) } else { 0 };
        let last = match self.random.below(3) {
            _ if weeks == 0 => 0,
            0 => 0,
            _ => {
                i32::try_from(due / DAY + self.random.between(-1, 30)).expect("a day of this century").max(1)
            }
        };
        let gives_up = weeks == 0 && self.random.happens(300);
        let give_up = if gives_up { due.max(local) + self.random.between(1, 30 * SECOND) } else { 0 };
        Terms { bank, body, due, give_up, weeks, last }
    }

    /// Mostly the next line of a package that takes some.
    fn line(&mut self, model: &Model, now: Timestamp) -> Step {
        let (package, bank, logged) = self.package(model);
        let mut terms = self.terms(model, now, true);
        if self.random.happens(970) {
            terms.bank = bank;
            terms.body.debtor = bank % 2 + 2 * self.small(3);
        }
        let number = match self.random.below(10) {
            0 => u32::from(self.small(5)) + 1,
            _ => logged + 1,
        };
        let is_refused = self.random.happens(100);
        if is_refused {
            // Nothing else is known of it.
            let amount = terms.body.amount;
            terms = Terms { body: Body { amount, ..Body::EMPTY }, ..Terms::EMPTY };
        }
        Step::Line(Line { package, number, terms, is_refused })
    }

    fn close(&mut self, model: &Model) -> Request {
        let whole: Vec<_> = model
            .packages
            .iter()
            .filter(|(_, known)| known.is_open() && known.logged == known.lines)
            .collect();
        if whole.is_empty() || self.random.happens(100) {
            let (package, bank, _) = self.package(model);
            return Request::ClosePackage { bank, package };
        }
        let (package, known) = *self.random.one_of(&whole);
        Request::ClosePackage { bank: known.bank, package: *package }
    }

    /// An order that waits, mostly; else any that is known, or any position.
    fn order(&mut self, model: &Model) -> (Sequence, Option<Order>) {
        let waits = |order: &&Order| order.state.waits();
        let waiting: Vec<_> = model.orders.iter().filter(|(_, order)| waits(order)).collect();
        let known: Vec<_> = model.orders.iter().collect();
        let among = match self.random.below(10) {
            0..=7 if !waiting.is_empty() => &waiting,
            _ if !known.is_empty() => &known,
            _ => return (Sequence(self.random.below(model.at.sequence.0 + 5) + 1), None),
        };
        let (sequence, order) = *self.random.one_of(among);
        (*sequence, Some(*order))
    }

    /// A request to pay that is open, mostly; else any that is known, or any position.
    fn known_to_pay(&mut self, model: &Model) -> (Sequence, Option<ToPay>) {
        let open: Vec<_> = model.to_pay.iter().filter(|(_, known)| known.is_open()).collect();
        let known: Vec<_> = model.to_pay.iter().collect();
        let among = match self.random.below(10) {
            0..=6 if !open.is_empty() => &open,
            _ if !known.is_empty() => &known,
            _ => return (Sequence(self.random.below(model.at.sequence.0 + 5) + 1), None),
        };
        let (sequence, known) = *self.random.one_of(among);
        (*sequence, Some(*known))
    }

    /// Payees ask, and payers answer; some only once it is too late.
    fn about_to_pay(&mut self, model: &Model, now: Timestamp) -> Request {
        let choice = self.random.below(10);
        if choice < 4 {
            return self.ask_to_pay(model, now);
        }
        let (to_pay, known) = self.known_to_pay(model);
        let mut banks = match known {
            Some(known) => [known.asked.payer_bank, known.asked.body.creditor_bank],
            None => [self.small(BANKS), self.small(BANKS)],
        };
        if self.random.happens(30) {
            banks[usize::from(self.small(2))] = self.small(BANKS);
        }
        match choice {
            4 => Request::PresentToPay { to_pay, banks },
            5 => Request::TakeBackToPay { to_pay, banks },
            6 if self.random.happens(500) => {
                let reason = StatusReason::NotSpecified.code();
                Request::RefuseToPay { to_pay, banks, reason }
            }
            _ => {
                let mut terms = self.terms(model, now, true);
                if let Some(known) = known {
                    let usual = self.random.happens(950);
                    (terms.bank, terms.body) = (known.asked.payer_bank, known.asked.body);
                    terms.body.amount += i64::from(!usual);
                    let last = known.asked.pay_by;
                    let later = last > 0 && self.random.happens(500);
                    let early = model.local(terms.bank, now) + self.random.between(0, 5 * SECOND);
                    terms.due = if later { last.min(early) } else { 0 };
                    if self.random.happens(30) {
                        terms.due = last + DAY;
                    }
                }
                // A record names the payer's bank once.
                terms.bank = banks[0];
                (terms.give_up, terms.weeks, terms.last) = (0, 0, 0);
                Request::AcceptToPay { to_pay, banks, terms }
            }
        }
    }

    fn ask_to_pay(&mut self, model: &Model, now: Timestamp) -> Request {
        let payer_bank = if self.random.happens(950) { self.small(2) } else { self.small(BANKS) };
        let body = self.body(payer_bank);
        let found = model.customer(body.debtor, body.currency).map_or(0, |(number, _)| number);
        let hint = if self.random.happens(980) { found } else { 0 };
        let ahead = match self.random.below(20) {
            0 => -self.random.between(0, SECOND),
            1 => 180 * DAY + self.random.between(-SECOND, SECOND),
            2..=5 => self.random.between(1, DAY),
            _ => self.random.between(1, 20 * SECOND),
        };
        let expires = Timestamp::from_nanoseconds(now.nanoseconds() + ahead).expect("a time of this century");
        let local = model.local(payer_bank, now);
        let pay_by = match self.random.below(10) {
            0..=4 => 0,
            5..=7 => local + self.random.between(1, 20 * SECOND),
            8 => (local / DAY + 181) * DAY + self.random.between(-1, 1),
            _ => (local + self.random.between(-SECOND, SECOND)).max(1),
        };
        Request::AskToPay(AskToPay { payer_bank, hint, body, expires, pay_by })
    }

    fn cancel(&mut self, model: &Model) -> Request {
        let usual = self.random.happens(950);
        if self.random.happens(300) {
            let (target, bank, _) = self.package(model);
            return Request::Cancel { bank, target, is_package: true };
        }
        let (target, order) = self.order(model);
        let bank = order.filter(|_| usual).map_or_else(|| self.small(BANKS), |order| order.terms.bank);
        Request::Cancel { bank, target, is_package: false }
    }

    /// What the runner does: mostly what is due, under the id that follows from the order; else what it should not.
    fn execute(&mut self, model: &Model, now: Timestamp) -> Step {
        let due = model.due_at(now);
        let ended: Vec<_> = model.orders.iter().filter(|(_, order)| order.state.is_final()).collect();
        let (order, found) = match self.random.below(10) {
            0..=6 if !due.is_empty() => {
                let (sequence, order) = *self.random.one_of(&due);
                (sequence, Some(order))
            }
            7 | 8 if !ended.is_empty() => {
                let (sequence, order) = *self.random.one_of(&ended);
                (*sequence, Some(*order))
            }
            _ => self.order(model),
        };
        let terms = match found.filter(|order| order.state != OrderState::Refused) {
            Some(order) => order.terms,
            None => self.terms(model, now, true),
        };
        let mut body = terms.body;
        if self.random.happens(30) {
            body.remittance ^= 1;
        }
        let occurrence = found.map_or(0, |order| order.occurrence);
        // A runner that has forgotten under which id it tried would do harm if the order did not know.
        let occurrence = if self.random.happens(100) { occurrence + 8 } else { occurrence };
        let place = u32::try_from(order.0).expect("simulated logs are short");
        let id = PAYMENT_IDS | (place << 4) | (occurrence & 15);
        Step::Pay(Pay { debtor_bank: terms.bank, id, body, stamped: now, order, ..Pay::EMPTY })
    }
}
