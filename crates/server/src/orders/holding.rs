//! Which orders are not tried for a while, because others like them wait.
//!
//! A try that comes to nothing is logged, so a million lines whose payer has no money are not tried a million times a second:
//! one is, and when it is executed the others follow.

use std::collections::BTreeMap;
use std::time::Duration;

use ledger::StoredTerms;
use tokio::time::Instant;
use types::{Bic, ReasonCode};

/// How long nothing alike is tried.
const HELD_FOR: Duration = Duration::from_secs(1);

/// As many things hold orders back at once. With more, those are tried.
const HELD_MAX: usize = 1 << 16;

/// What an order has in common with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Keys([Key; 3]);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    /// The digest of the payer's account.
    Payer([u8; 16]),
    DebtorAgent([u8; 11]),
    CreditorAgent([u8; 11]),
}

impl Keys {
    pub(super) const fn of(terms: &StoredTerms) -> Self {
        let terms = &terms.terms;
        Self([
            Key::Payer(terms.debtor_account_digest),
            Key::DebtorAgent(terms.debtor_agent),
            Key::CreditorAgent(terms.creditor_agent),
        ])
    }
}

/// What holds orders back.
#[derive(Clone, Copy, Debug)]
struct Held {
    until: Instant,
    /// One is being tried.
    is_tried: bool,
}

/// What holds orders back at present.
#[derive(Debug, Default)]
pub(super) struct Holding(BTreeMap<Key, Held>);

impl Holding {
    /// Whether all orders of a bank are held back now.
    pub(super) fn holds_bank(&self, bank: Bic, now: Instant) -> bool {
        self.0.get(&Key::DebtorAgent(*bank.as_bytes())).is_some_and(|held| now < held.until || held.is_tried)
    }

    /// Whether an order may be tried now. If something held it back, it is the one that is tried.
    pub(super) fn lets_pass(&mut self, keys: &Keys, now: Instant) -> bool {
        if keys.0.iter().filter_map(|key| self.0.get(key)).any(|held| now < held.until || held.is_tried) {
            return false;
        }
        for key in &keys.0 {
            if let Some(held) = self.0.get_mut(key) {
                held.is_tried = true;
            }
        }
        true
    }

    /// An order was executed: nothing holds others like it back.
    pub(super) fn executed(&mut self, keys: &Keys) {
        if !self.0.is_empty() {
            for key in &keys.0 {
                self.0.remove(key);
            }
        }
    }

    /// An order waits, for this reason.
    pub(super) fn waits(&mut self, keys: &Keys, reason: ReasonCode, now: Instant) {
        self.not_sent(keys);
        let [payer, debtor_agent, creditor_agent] = keys.0;
        let key = match reason.as_str() {
            "AM04" => payer,
            "AM23" | "ED05" | "AG10" => debtor_agent,
            "AB10" => creditor_agent,
            // It came late, and nothing is wrong with others.
            _ => return,
        };
        if self.0.len() < HELD_MAX || self.0.contains_key(&key) {
            self.0.insert(key, Held { until: now + HELD_FOR, is_tried: false });
        }
    }

    /// An order that was to be tried was not.
    pub(super) fn not_sent(&mut self, keys: &Keys) {
        for key in &keys.0 {
            if let Some(held) = self.0.get_mut(key) {
                held.is_tried = false;
            }
        }
    }

    /// Drops what has held nothing back for long.
    pub(super) fn forget_old(&mut self) {
        let now = Instant::now();
        self.0.retain(|_, held| held.is_tried || now < held.until + 2 * HELD_FOR);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BANK: [u8; 11] = *b"ALFABEBBXXX";
    const FIRST: Keys = Keys([Key::Payer([1; 16]), Key::DebtorAgent(BANK), Key::CreditorAgent([b'B'; 11])]);
    const OF_SAME_BANK: Keys =
        Keys([Key::Payer([2; 16]), Key::DebtorAgent(BANK), Key::CreditorAgent([b'C'; 11])]);

    fn reason(code: &str) -> ReasonCode {
        ReasonCode::parse(code).unwrap()
    }

    #[test]
    fn one_order_of_a_payer_without_money_is_tried_and_others_pass() {
        let (mut holding, start) = (Holding::default(), Instant::now());
        assert!(holding.lets_pass(&FIRST, start) && holding.lets_pass(&FIRST, start));
        holding.waits(&FIRST, reason("AM04"), start);
        assert!(!holding.lets_pass(&FIRST, start));
        assert!(holding.lets_pass(&OF_SAME_BANK, start), "another payer's");
        let later = start + HELD_FOR;
        assert!(holding.lets_pass(&FIRST, later));
        assert!(!holding.lets_pass(&FIRST, later), "one is being tried");
        holding.executed(&FIRST);
        assert!(holding.lets_pass(&FIRST, later) && holding.lets_pass(&FIRST, later));
    }

    #[test]
    fn an_empty_position_holds_all_payers_of_its_bank() {
        let (mut holding, start) = (Holding::default(), Instant::now());
        holding.waits(&FIRST, reason("AM23"), start);
        assert!(!holding.lets_pass(&OF_SAME_BANK, start));
        assert!(holding.holds_bank(Bic::from_bytes(BANK).unwrap(), start));
    }

    #[test]
    fn what_came_late_holds_nothing_back() {
        let (mut holding, start) = (Holding::default(), Instant::now());
        holding.waits(&FIRST, reason("AB05"), start);
        assert!(holding.lets_pass(&FIRST, start));
    }
}
