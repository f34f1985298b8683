//! What the books have to be by the replies alone: everything that was told is replayed in the order of the log
//! in plain maps, and each answer is compared with the one that follows from those before it.

use std::collections::BTreeMap;

use client::v1;
use tests::{ALFA, BETA, OPENING_BALANCE, nanoseconds};

use crate::plan::{CUSTOMERS, customers};
use crate::record::{Entry, Request, Told};

/// What a bank's position begins with, in cents.
const OPENING_POSITION: i64 = 100_000_000;

/// From the time of receipt to the end of the time in which a payment can be settled.
const DEADLINE_NANOSECONDS: i128 = 7_000_000_000;

/// Balances in cents.
#[derive(Debug)]
pub(crate) struct Books {
    /// By account number; what is not open is not there.
    pub(crate) accounts: BTreeMap<String, i64>,
    /// By bank.
    pub(crate) positions: BTreeMap<String, i64>,
    pub(crate) settled_count: u64,
}

impl Books {
    /// The books after everything that was told.
    pub(crate) fn after(entries: &[Entry]) -> Self {
        let mut in_log_order = BTreeMap::new();
        for entry in entries {
            let sequence = match entry.told.as_ref().expect("nothing is unknown any more") {
                Told::Outcome(outcome) => outcome.decided_sequence,
                Told::Done { confirmation, .. } => confirmation.sequence,
                // It has no effect, and says nothing of its place.
                Told::Refused(..) => continue,
            };
            let other = in_log_order.insert(sequence, entry);
            assert!(other.is_none(), "{} and {} are at {sequence}", entry.name, other.unwrap().name);
        }
        let mut books = Self {
            accounts: customers(1..=CUSTOMERS)
                .into_iter()
                .map(|(_, iban)| (iban, cents(OPENING_BALANCE)))
                .collect(),
            positions: [ALFA, BETA].map(|bic| (bic.to_owned(), OPENING_POSITION)).into(),
            settled_count: 0,
        };
        for entry in in_log_order.into_values() {
            match entry.told.as_ref().unwrap() {
                Told::Outcome(outcome) => books.payment(&entry.request, outcome),
                Told::Done { balance, .. } => books.done(&entry.name, &entry.request, balance.as_deref()),
                Told::Refused(..) => unreachable!("refusals were left out"),
            }
        }
        books
    }

    fn payment(&mut self, request: &Request, outcome: &v1::PaymentOutcome) {
        let Request::Pay(payment) = request else { panic!("{outcome:?} answers {request:?}") };
        let name = &payment.transaction_id;
        let (expected_status, expected_reason) = match self.reason_against(payment, outcome) {
            Some(reason) => (v1::PaymentStatus::Rejected, reason),
            None => (v1::PaymentStatus::Settled, ""),
        };
        assert_eq!(outcome.status(), expected_status, "{name}: {}", outcome.reason_code);
        assert_eq!(outcome.reason_code, expected_reason, "{name}");
        assert_eq!(outcome.durability(), v1::Durability::Local);
        if expected_status == v1::PaymentStatus::Settled {
            let amount = amount_of(payment.amount.as_ref());
            *self.accounts.get_mut(&payment.debtor_account).unwrap() -= amount;
            *self.accounts.get_mut(&payment.creditor_account).unwrap() += amount;
            // Within one bank these two lines undo each other.
            *self.positions.get_mut(&payment.debtor_agent).unwrap() -= amount;
            *self.positions.get_mut(&payment.creditor_agent).unwrap() += amount;
            self.settled_count += 1;
        }
    }

    /// Why a payment has to be rejected as the books stand, in the scheme's order of reasons.
    fn reason_against(&self, payment: &v1::Payment, outcome: &v1::PaymentOutcome) -> Option<&'static str> {
        let time = |time: &Option<_>| nanoseconds(time.as_ref().unwrap());
        let amount = amount_of(payment.amount.as_ref());
        if time(&outcome.decided_time) >= time(&outcome.acceptance_time) + DEADLINE_NANOSECONDS {
            return Some("AB05");
        }
        if !self.accounts.contains_key(&payment.creditor_account) {
            return Some("AC01");
        }
        if self.accounts[&payment.debtor_account] < amount {
            return Some("AM04");
        }
        let leaves = payment.debtor_agent != payment.creditor_agent;
        (leaves && self.positions[&payment.debtor_agent] < amount).then_some("AM23")
    }

    fn done(&mut self, name: &str, request: &Request, told: Option<&str>) {
        let balance = match request {
            Request::Pay(_) => panic!("{name} is a payment"),
            Request::Open(open) => {
                let iban = &open.account.as_ref().unwrap().iban;
                let earlier = self.accounts.insert(iban.clone(), 0);
                assert!(earlier.is_none(), "{name} opened an account that was open");
                None
            }
            Request::Post(post) => {
                let amount = amount_of(post.amount.as_ref());
                let is_credit = post.direction() == v1::EntryDirection::Credit;
                let balance = self.accounts.get_mut(&post.iban).expect("entries are booked on open accounts");
                *balance += if is_credit { amount } else { -amount };
                assert!(*balance >= 0, "{name} overdrew an account");
                Some(*balance)
            }
            Request::Fund(fund) => Some(self.move_position(&fund.bic, amount_of(fund.amount.as_ref()))),
            Request::Defund(defund) => {
                Some(self.move_position(&defund.bic, -amount_of(defund.amount.as_ref())))
            }
        };
        assert_eq!(told, balance.map(decimal).as_deref(), "{name}");
    }

    fn move_position(&mut self, bic: &str, amount: i64) -> i64 {
        let balance = self.positions.get_mut(bic).unwrap();
        *balance += amount;
        *balance
    }
}

fn amount_of(amount: Option<&v1::Money>) -> i64 {
    cents(&amount.unwrap().amount)
}

/// The cents of a decimal with two decimals.
pub(crate) fn cents(text: &str) -> i64 {
    let (whole, fraction) = text.split_once('.').unwrap();
    assert_eq!(fraction.len(), 2, "{text}");
    format!("{whole}{fraction}").parse().unwrap()
}

/// A decimal of cents, which are not negative.
pub(crate) fn decimal(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}
