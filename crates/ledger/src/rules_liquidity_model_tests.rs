//! Random mixes of payments, answers, transfers, limits, blocks and alerts against a naive model.
//!
//! The model knows nothing of books and records: it keeps a number for each position, technical account and limit, and
//! decides each command by the sentences of the rules. Customers are rich, so that only the banks' side can refuse.

use std::collections::BTreeMap;
use std::fmt::Write;

use proptest::prelude::*;

use crate::testing::check;

/// Two participants with positions, and two parties over the first one.
const BANKS: [char; 4] = ['A', 'B', 'P', 'Q'];

#[derive(Clone, Debug)]
enum Step {
    Pay { from: usize, to: usize, amount: i64, waits: bool },
    Answer { which: usize, accepts: bool },
    Move { bank: usize, is_outward: bool, amount: i64 },
    Fund { bank: usize, is_inward: bool, amount: i64 },
    Limit { party: usize, limit: Option<i64> },
    Bounds { bank: usize, floor: Option<i64>, ceiling: Option<i64> },
    Block { bank: usize, of_limit_or_position: bool, blocks: usize },
}

const BLOCKS: [&str; 4] = ["none", "debit", "credit", "both"];

fn step() -> impl Strategy<Value = Step> {
    let amount = || 1_i64..60;
    let bank = || 0_usize..4;
    prop_oneof![
        8 => (bank(), bank(), amount(), any::<bool>())
            .prop_map(|(from, to, amount, waits)| Step::Pay { from, to, amount, waits }),
        4 => (0_usize..8, any::<bool>()).prop_map(|(which, accepts)| Step::Answer { which, accepts }),
        2 => (0_usize..2, any::<bool>(), amount())
            .prop_map(|(bank, is_outward, amount)| Step::Move { bank, is_outward, amount }),
        2 => (0_usize..2, any::<bool>(), amount())
            .prop_map(|(bank, is_inward, amount)| Step::Fund { bank, is_inward, amount }),
        2 => (2_usize..4, prop::option::of(0_i64..80)).prop_map(|(party, limit)| Step::Limit { party, limit }),
        2 => (bank(), prop::option::of(0_i64..50), prop::option::of(50_i64..150))
            .prop_map(|(bank, floor, ceiling)| Step::Bounds { bank, floor, ceiling }),
        1 => (bank(), any::<bool>(), 0_usize..8)
            .prop_map(|(bank, of_limit_or_position, blocks)| Step::Block {
                bank,
                of_limit_or_position,
                // Mostly none, or nothing would ever move.
                blocks: blocks.saturating_sub(4),
            }),
    ]
}

/// What has a balance, a reservation, bounds and a block: a position or a limit's headroom.
#[derive(Clone, Debug, Default)]
struct Purse {
    /// Of a limit the headroom; `None` if it has no end.
    left: Option<i64>,
    reserved: i64,
    floor: Option<i64>,
    ceiling: Option<i64>,
    blocks: usize,
}

impl Purse {
    fn blocks(&self, bit: usize) -> bool {
        self.blocks & bit != 0
    }

    fn covers(&self, amount: i64) -> bool {
        self.left.is_none_or(|left| left - self.reserved >= amount)
    }

    /// Changes what is left; says whether that crossed the floor, or the ceiling.
    fn change(&mut self, by: i64) -> (bool, bool) {
        let Some(left) = &mut self.left else { return (false, false) };
        let before = *left;
        *left += by;
        let after = *left;
        let fell = self.floor.is_some_and(|floor| before >= floor && after < floor);
        let rose = self.ceiling.is_some_and(|ceiling| before <= ceiling && after > ceiling);
        (fell, rose)
    }
}

#[derive(Default)]
struct Model {
    /// By the bank: of A and B the position, of P and Q the limit.
    purses: [Purse; 4],
    limits: [Option<i64>; 4],
    used: [i64; 4],
    technical: BTreeMap<usize, i64>,
    blocked: [usize; 4],
    waiting: Vec<(usize, usize, usize, i64)>,
    payments: usize,
    script: String,
}

/// On whose position a bank settles.
const fn host(bank: usize) -> usize {
    if bank >= 2 { 0 } else { bank }
}

const fn is_party(bank: usize) -> bool {
    bank >= 2
}

impl Model {
    fn new() -> Self {
        let mut model = Self::default();
        model.purses[0].left = Some(100);
        model.purses[1].left = Some(100);
        model.purses[2].left = Some(50);
        model.limits[2] = Some(50);
        model.script = "bank A hosted | bank B hosted | fund A 1.00 | fund B 1.00
            party P hosted 0.50 over A | party Q hosted unlimited over A
            open A1 | open B1 | open P1 | open Q1
            post A1 +900.00 | post B1 +900.00 | post P1 +900.00 | post Q1 +900.00
            open A2 | open B2 | open P2 | open Q2
            flag A2 | flag B2 | flag P2 | flag Q2
            decide A credits flagged | decide B credits flagged | decide P credits flagged | decide Q credits flagged
            online A | online B | online P | online Q\n"
            .to_owned();
        model
    }

    fn line(&mut self, command: &str, expected: &str) {
        writeln!(self.script, "{command} => {expected}").unwrap();
    }

    fn refusal(&self, from: usize, to: usize, amount: i64) -> Option<&'static str> {
        if self.blocked[from] & 1 != 0 || is_party(from) && self.blocked[host(from)] & 1 != 0 {
            return Some("AG10");
        }
        if self.blocked[to] & 2 != 0 || is_party(to) && self.blocked[host(to)] & 2 != 0 {
            return Some("AG11");
        }
        if from == to {
            return None;
        }
        let (debit, credit) = (&self.purses[host(from)], &self.purses[host(to)]);
        if debit.blocks(1) || credit.blocks(2) || self.purses[from].blocks(1) || self.purses[to].blocks(2) {
            return Some("ED05");
        }
        let position_covers = host(from) == host(to) || debit.covers(amount);
        let limit_covers = !is_party(from) || self.purses[from].covers(amount);
        (!position_covers || !limit_covers).then_some("AM23")
    }

    /// Moves money and limits; says what is told of that.
    fn settle(&mut self, from: usize, to: usize, amount: i64) -> String {
        let mut told = String::new();
        if from == to {
            return told;
        }
        if host(from) != host(to) {
            if self.purses[host(from)].change(-amount).0 {
                told += ", position fell";
            }
            if self.purses[host(to)].change(amount).1 {
                told += ", position rose";
            }
        }
        if is_party(from) {
            self.used[from] += amount;
            if self.purses[from].change(-amount).0 {
                told += ", headroom fell";
            }
        }
        if is_party(to) {
            self.used[to] -= amount;
            if self.purses[to].change(amount).1 {
                told += ", headroom rose";
            }
        }
        told
    }

    fn set_aside(&mut self, from: usize, to: usize, amount: i64) {
        if from != to && host(from) != host(to) {
            self.purses[host(from)].reserved += amount;
        }
        if from != to && is_party(from) {
            self.purses[from].reserved += amount;
        }
    }

    fn apply(&mut self, step: &Step) {
        match *step {
            Step::Pay { from, to, amount, waits } => self.pay(from, to, amount, waits),
            Step::Answer { which, accepts } => self.answer(which, accepts),
            Step::Move { bank, is_outward, amount } => self.own_funds(bank, is_outward, amount),
            Step::Fund { bank, is_inward, amount } => self.fund(bank, is_inward, amount),
            Step::Limit { party, limit } => {
                self.limits[party] = limit;
                self.purses[party].left = limit.map(|limit| limit - self.used[party]);
                let limit = limit.map_or("unlimited".to_owned(), euro);
                self.line(&format!("party {} hosted {limit} over A", BANKS[party]), "done");
            }
            Step::Bounds { bank, floor, ceiling } => {
                let purse = &mut self.purses[bank];
                (purse.floor, purse.ceiling) = (floor, ceiling);
                let part = |name, bound: Option<i64>| {
                    bound.map_or(String::new(), |bound| format!(" {name} {}", euro(bound)))
                };
                let (floor, ceiling) = (part("floor", floor), part("ceiling", ceiling));
                self.line(&format!("alert {}{floor}{ceiling}", BANKS[bank]), "done");
            }
            Step::Block { bank, of_limit_or_position: false, blocks } => {
                self.blocked[bank] = blocks;
                self.line(&format!("stop {} {}", BANKS[bank], BLOCKS[blocks]), "done");
            }
            Step::Block { bank, blocks, .. } => {
                self.purses[bank].blocks = blocks;
                let part = if is_party(bank) { "limit" } else { "position" };
                self.line(&format!("stop {}.{part} {}", BANKS[bank], BLOCKS[blocks]), "done");
            }
        }
    }

    fn pay(&mut self, from: usize, to: usize, amount: i64, waits: bool) {
        self.payments += 1;
        let number = self.payments;
        let payee = if waits { 2 } else { 1 };
        // A bank's account can't pay itself.
        let payer = 1;
        let (debtor, creditor) = (BANKS[from], BANKS[to]);
        if from == to && payee == payer {
            return;
        }
        let command = format!("pay T{number} {debtor}{payer} {creditor}{payee} {}", euro(amount));
        let expected = match self.refusal(from, to, amount) {
            Some(reason) => format!("rejected {reason}"),
            None if waits => {
                self.set_aside(from, to, amount);
                self.waiting.push((number, from, to, amount));
                "reserved".to_owned()
            }
            None => format!("settled{}", self.settle(from, to, amount)),
        };
        self.line(&command, &expected);
    }

    fn answer(&mut self, which: usize, accepts: bool) {
        if self.waiting.is_empty() {
            return;
        }
        let (number, from, to, amount) = self.waiting.remove(which % self.waiting.len());
        self.set_aside(from, to, -amount);
        let bank = BANKS[to];
        match accepts {
            true => {
                let told = self.settle(from, to, amount);
                self.line(&format!("answer T{number} {bank} yes"), &format!("applied settled{told}"));
            }
            false => self.line(&format!("answer T{number} {bank} no AC04"), "applied rejected AC04"),
        }
    }

    fn own_funds(&mut self, bank: usize, is_outward: bool, amount: i64) {
        let name = BANKS[bank];
        let held = self.technical.get(&bank).copied();
        let purse = &self.purses[bank];
        let expected = if purse.blocks(if is_outward { 1 } else { 2 }) {
            "refused POSITION_BLOCKED".to_owned()
        } else if !is_outward && held.unwrap_or_default() < amount || is_outward && !purse.covers(amount) {
            "refused INSUFFICIENT_FUNDS".to_owned()
        } else {
            let signed = if is_outward { -amount } else { amount };
            *self.technical.entry(bank).or_default() -= signed;
            self.moved(bank, signed)
        };
        let (from, to) = if is_outward { ("position", "technical") } else { ("technical", "position") };
        self.line(&format!("move {name}.{from} {name}.{to} {}", euro(amount)), &expected);
    }

    fn fund(&mut self, bank: usize, is_inward: bool, amount: i64) {
        let purse = &self.purses[bank];
        let expected = if purse.blocks(if is_inward { 2 } else { 1 }) {
            "refused POSITION_BLOCKED".to_owned()
        } else if !is_inward && !purse.covers(amount) {
            "refused INSUFFICIENT_FUNDS".to_owned()
        } else {
            self.moved(bank, if is_inward { amount } else { -amount })
        };
        let verb = if is_inward { "fund" } else { "defund" };
        self.line(&format!("{verb} {} {}", BANKS[bank], euro(amount)), &expected);
    }

    fn moved(&mut self, bank: usize, by: i64) -> String {
        let (fell, rose) = self.purses[bank].change(by);
        let told = if fell { ", position fell" } else { "" };
        let told = if rose { ", position rose" } else { told };
        format!("balance {}{told}", euro(self.purses[bank].left.expect("a position has an end")))
    }

    fn finish(mut self) -> String {
        while !self.waiting.is_empty() {
            self.answer(0, true);
        }
        for (bank, name) in [(0, 'A'), (1, 'B')] {
            let left = self.purses[bank].left.expect("a position has an end");
            self.line(&format!("balance {name}.position"), &euro(left));
            self.line(&format!("reserved {name}.position"), "0.00");
            if let Some(held) = self.technical.get(&bank).copied() {
                self.line(&format!("balance {name}.technical"), &euro(held));
            }
        }
        for (party, name) in [(2, 'P'), (3, 'Q')] {
            self.line(&format!("utilisation {name}"), &euro(self.used[party]));
            self.line(&format!("set-aside {name}"), "0.00");
            let headroom = self.purses[party].left.map_or("without end".to_owned(), euro);
            self.line(&format!("headroom {name}"), &headroom);
        }
        self.script + "books => all zero\n"
    }
}

fn euro(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Every script also runs with other hints, replayed, and over stored states; all invariants hold after each command.
    #[test]
    fn random_mixes_come_to_what_the_rules_say(steps in prop::collection::vec(step(), 1..40)) {
        let mut model = Model::new();
        for step in &steps {
            model.apply(step);
        }
        check(&model.finish());
    }
}
