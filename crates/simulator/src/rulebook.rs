//! What clients think of under the newest rules: customers' limits and fees, positions and their parties, the calendar,
//! recalls and returns.
//!
//! Invariants:
//! - The generator is one of its own, and draws nothing under older rules.
//! - What a client says of a payment or an account is what the log has told; few lie, and of what the core always knows.

use ledger::{
    AccountKind, AccountMode, Blocks, Connected, Direction, Fees, HAS_RULEBOOK, OwnAccount, RecallAnswer,
    Zone, ZoneChange, ZoneOffset,
};
use types::{Amount, Balance, ClosingDays, PaymentState, RecallReason, RecallRefusal, Sequence, Timestamp};

use crate::model::Model;
use crate::random::Random;
use crate::step::{ACCOUNTS, BANKS, Body, Pay, Request, Step, Target};
use crate::traffic::later;

/// The bank that settles on the positions of others, as a rule, and the first of its accounts.
const PARTY: u8 = 4;
const PARTY_ACCOUNT: u8 = 8;
/// The request ids and payment ids of these clients begin here.
const IDS: u32 = 3_000_000;
const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;

/// What such wishes are drawn from.
#[derive(Debug)]
pub(crate) struct Rulebook {
    random: Random,
    /// Thousandths of a client's turns.
    share: u64,
    ids: u64,
}

impl Rulebook {
    /// The choices of this seed.
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(!seed);
        let share = *random.one_of(&[0, 400, 1000]);
        let ids = *random.one_of(&[1_000, 100_000]);
        Self { random, share, ids }
    }

    /// A few commands, at some of the turns of a log that has come to the newest rules.
    pub(crate) fn steps(&mut self, model: &Model, now: Timestamp) -> Vec<Step> {
        if model.rules_version < HAS_RULEBOOK || !self.random.happens(self.share) {
            return Vec::new();
        }
        let count = self.random.index(3) + 1;
        (0..count).map(|_| self.draw(model, now)).collect()
    }

    /// A command.
    pub(crate) fn draw(&mut self, model: &Model, now: Timestamp) -> Step {
        let id = self.id();
        if self.random.happens(500)
            && let Some(body) = self.missing(model, now)
        {
            return Step::Request { id, body };
        }
        let body = match self.random.below(30) {
            0..=4 => return self.payment(now),
            5..=9 => self.recall(model),
            10..=15 => self.answer(model),
            16 | 17 => self.customer(),
            18 | 19 => self.house(now),
            20 => self.party(),
            21 | 22 => self.block(),
            23 => self.own_funds(),
            24 | 25 => self.bounds(model),
            26 => self.calendar(now),
            27 => Request::SetRecallPolicy {
                bank: self.small(BANKS),
                is_silence_answered: self.random.happens(500),
            },
            _ => self.account(),
        };
        Step::Request { id, body }
    }

    fn id(&mut self) -> u32 {
        IDS + u32::try_from(self.random.below(self.ids)).expect("there are fewer ids")
    }

    fn small(&mut self, bound: u8) -> u8 {
        u8::try_from(self.random.below(u64::from(bound))).expect("it is below 256")
    }

    /// What there has to be before much can happen: closing days, and for the party a position to settle on, an account,
    /// and money.
    fn missing(&mut self, model: &Model, now: Timestamp) -> Option<Request> {
        let (account, currency) = (PARTY_ACCOUNT, 0);
        if let Some(year) = next_years(now).into_iter().find(|year| !model.closing.contains_key(year)) {
            return Some(target(year));
        }
        if model.party(PARTY, currency).is_none() {
            let limit = Some(self.random.between(0, 3_000));
            return Some(Request::SetParty {
                bank: PARTY,
                mode: AccountMode::Hosted,
                host: 0,
                currency,
                limit,
            });
        }
        let Some((_, known)) = model.customer(account, currency) else {
            let (bank, kind) = (PARTY, AccountKind::Current);
            return Some(Request::Open { bank, account, currency, kind, floor: 0 });
        };
        let (direction, amount) = (Direction::Credit, self.random.between(1_000, 9_000));
        known.balance.is_zero().then_some(Request::Post { account, currency, direction, amount })
    }

    /// Between an account of the party and one of the first two banks, or of the host's own.
    fn payment(&mut self, now: Timestamp) -> Step {
        let (account, other) = (PARTY_ACCOUNT + self.small(2), self.small(6));
        let of_party = (PARTY, account);
        let of_other = (other % 2, other);
        let is_out = self.random.happens(500);
        let (debtor, creditor) = if is_out { (of_party, of_other) } else { (of_other, of_party) };
        let body = Body {
            creditor_bank: creditor.0,
            debtor: debtor.1,
            creditor: creditor.1,
            amount: self.random.between(1, 900),
            currency: 0,
            remittance: 0,
            accepted: None,
        };
        let (id, connected) = (self.id(), Connected::default());
        Step::Pay(Pay {
            debtor_bank: debtor.0,
            id,
            body,
            stamped: now,
            message: 0,
            connected,
            hints: [0; 2],
            order: Sequence(0),
        })
    }

    /// An account of the party, with money.
    fn account(&mut self) -> Request {
        let (account, currency) = (PARTY_ACCOUNT + self.small(2), 0);
        match self.random.happens(500) {
            true => Request::Open { bank: PARTY, account, currency, kind: AccountKind::Current, floor: 0 },
            false => {
                let (direction, amount) = (Direction::Credit, self.random.between(1, 5_000));
                Request::Post { account, currency, direction, amount }
            }
        }
    }

    fn customer(&mut self) -> Request {
        let (account, currency) = (self.small(ACCOUNTS), 0);
        match self.random.below(6) {
            0 => Request::Restrict { account, currency, is_restricted: self.random.happens(300) },
            1 => Request::SetHolders { account, currency, name: self.small(3) },
            _ => {
                let mut limit = |most| self.random.happens(700).then(|| self.random.between(most / 4, most));
                Request::Allow { account, currency, limits: [limit(1_200), limit(3_000)] }
            }
        }
    }

    /// Fees, mostly as the law has it, and a clock.
    fn house(&mut self, now: Timestamp) -> Request {
        let bank = self.small(BANKS);
        if self.random.happens(700) {
            let ordinary = u32::try_from(self.random.below(40)).expect("it is small");
            let instant = if self.random.happens(900) { ordinary / 2 } else { ordinary + 1 };
            let fees = Fees::from_minor_units(ordinary, instant).expect("small fees");
            return Request::SetFees { bank, currency: 0, fees };
        }
        let mut offset = || {
            let minutes = *self.random.one_of(&[-720, -60, 0, 60, 120, 840]);
            ZoneOffset::from_minutes(minutes).expect("offsets of clocks")
        };
        let (before, after) = (offset(), offset());
        let at = later(now, self.random.between(-SECOND, 60 * SECOND));
        let change = self.random.happens(500).then_some(ZoneChange { at, offset: after });
        Request::SetZone { bank, zone: Zone { offset: before, change } }
    }

    /// Mostly the one party on one of two positions, in the mode that it has.
    fn party(&mut self) -> Request {
        let bank = if self.random.happens(900) { PARTY } else { self.small(BANKS) };
        let mode = if self.random.happens(950) { AccountMode::Hosted } else { AccountMode::Mixed };
        let host = if self.random.happens(900) { 0 } else { self.small(BANKS) };
        let currency = if self.random.happens(950) { 0 } else { 1 };
        let limit = self.random.happens(850).then(|| self.random.between(0, 3_000));
        Request::SetParty { bank, mode, host, currency, limit }
    }

    /// Mostly none, or nothing would ever move.
    fn block(&mut self) -> Request {
        let (bank, account, currency) = (self.small(BANKS), self.small(ACCOUNTS), 0);
        let target = *self.random.one_of(&[
            Target::Bank(bank),
            Target::Position(bank, currency),
            Target::Limit(if account > 2 { PARTY } else { bank }, currency),
            Target::Account(account, currency),
        ]);
        let mut is_blocked = || self.random.happens(250);
        let blocks = Blocks::new(is_blocked(), is_blocked());
        Request::SetBlock { target, blocks }
    }

    fn own_funds(&mut self) -> Request {
        let bank = self.small(BANKS);
        let mut account =
            || *self.random.one_of(&[OwnAccount::Position, OwnAccount::Technical, OwnAccount::Technical]);
        let (from, to) = (account(), account());
        let other = if self.random.happens(950) { bank } else { self.small(BANKS) };
        let to = if from == OwnAccount::Technical { OwnAccount::Position } else { to };
        Request::MoveOwn {
            from: (bank, from),
            to: (other, to),
            currency: 0,
            amount: self.random.between(1, 2_000),
        }
    }

    /// Around what there is, so that they are crossed.
    fn bounds(&mut self, model: &Model) -> Request {
        let bank = if self.random.happens(400) { PARTY } else { self.small(BANKS) };
        let left = model.left(bank);
        let mut bound = |from, to| self.random.happens(800).then(|| left + self.random.between(from, to));
        let bounds = [bound(-200, -1), bound(0, 200)];
        Request::SetBounds { bank, currency: 0, bounds }
    }

    fn calendar(&mut self, now: Timestamp) -> Request {
        if self.random.happens(300) {
            return target(*self.random.one_of(&next_years(now)));
        }
        let date = later(now, self.random.between(-DAY, 3 * DAY)).date();
        Request::Roll { date, due: later(now, self.random.between(-DAY, DAY / 10)) }
    }

    /// A payment that was settled lately, or one that was not, or one that nobody sent like this.
    fn recall(&mut self, model: &Model) -> Request {
        let mut originals = model.originals();
        if self.random.happens(900) {
            originals.retain(|original| original.state == PaymentState::Settled);
        }
        if self.random.happens(900) {
            let is_recalled = |payment| model.recalls.values().any(|it| it.original.payment == payment);
            originals.retain(|original| !is_recalled(original.payment));
        }
        if originals.is_empty() {
            return self.account();
        }
        let newest = originals.len().saturating_sub(30);
        let mut original = *self.random.one_of(&originals[newest..]);
        if self.random.happens(30) {
            original.incarnation += 1;
        }
        Request::Recall { original, reason: *self.random.one_of(&RecallReason::ALL) }
    }

    /// An answer to one of the last recalls, mostly of the bank that was asked, and also where it has answered.
    fn answer(&mut self, model: &Model) -> Request {
        let recalls: Vec<_> = model.recalls.iter().rev().take(12).collect();
        if recalls.is_empty() {
            return self.recall(model);
        }
        let (sequence, recall) = *self.random.one_of(&recalls);
        let mut recalled = model.recalled(recall);
        if self.random.happens(30) {
            recalled.accounts[0] += 1;
        }
        let bank = if self.random.happens(950) { recall.original.banks[1] } else { self.small(BANKS) };
        let answer = match self.random.below(20) {
            0 => RecallAnswer::TimeOver(RecallRefusal::NoAnswer),
            1 => RecallAnswer::TimeOver(RecallRefusal::AccountClosed),
            2..=6 => RecallAnswer::Refuse(*self.random.one_of(&RecallRefusal::ALL)),
            _ => {
                let paid = recall.original.amount;
                let fee = self.random.between(0, paid / 4);
                let least = if self.random.happens(800) { paid - fee } else { 1 };
                let most = if self.random.happens(900) { paid - fee } else { paid + 1 };
                let amount = self.random.between(least, most.max(least));
                RecallAnswer::Return {
                    amount: Amount::from_minor_units(amount).expect("some of it comes back"),
                    fee: Balance::from_minor_units(fee).expect("a fee is small"),
                }
            }
        };
        let has_consent = self.random.happens(850);
        let is_elsewhere = model.is_elsewhere(recall) != self.random.happens(20);
        Request::AnswerRecall { recall: *sequence, recalled, bank, answer, has_consent, is_elsewhere }
    }
}

/// The year of this time and the one after it, up to which recalls count.
fn next_years(now: Timestamp) -> [u16; 2] {
    let year = u16::try_from(now.date().civil().0).expect("simulations are of this century");
    [year, year + 1]
}

fn target(year: u16) -> Request {
    Request::SetClosingDays(ClosingDays::target(year).expect("a year of this century"))
}
