//! What a caller asks for: requests of every kind between a few accounts, so that they meet each other.

use std::time::Duration;

use client::v1;
use tests::{ALFA, BETA, account, ago, belgian, german, money, payment};

use crate::books::{cents, decimal};
use crate::random::Random;
use crate::record::Request;

/// Customers of each bank that have money from the beginning, numbered from 1.
pub(crate) const CUSTOMERS: u32 = 6;

/// The highest number of a customer whose account callers open at some time.
pub(crate) const CUSTOMERS_LATER: u32 = 24;

/// The age of a payment whose deadline has passed before it is sent.
const TOO_OLD: Duration = Duration::from_secs(8);

/// More than any account comes to have, unless it is credited as much.
const TOO_MUCH: &str = "5000.00";

/// The customers of both banks: their banks and account numbers.
pub(crate) fn customers(numbers: std::ops::RangeInclusive<u32>) -> Vec<(&'static str, String)> {
    numbers.flat_map(|number| [(ALFA, belgian(number)), (BETA, german(number))]).collect()
}

/// The requests of one caller, each under a name of its own that serves as request or transaction id.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) random: Random,
    prefix: String,
    next: u32,
}

impl Plan {
    /// A plan whose names start with `prefix`.
    pub(crate) const fn new(prefix: String, random: Random) -> Self {
        Self { random, prefix, next: 0 }
    }

    /// The next payment.
    pub(crate) fn payment(&mut self) -> (String, Request) {
        let name = self.name();
        let (debtor_agent, debtor_account) = self.customer(CUSTOMERS);
        // Some payees are customers only once their account is opened, which another caller does meanwhile.
        let later = if self.random.one_in(6) { CUSTOMERS_LATER } else { CUSTOMERS };
        let (mut creditor_agent, mut creditor_account) = self.customer(later);
        if creditor_account == debtor_account {
            (creditor_agent, creditor_account) = self.other_bank(debtor_agent);
        }
        let age = match self.random.below(50) {
            0 => Some(TOO_OLD),
            1..10 => Some(Duration::ZERO),
            // Solvo stamps the others.
            _ => None,
        };
        let payment = v1::Payment {
            debtor_agent: debtor_agent.to_owned(),
            debtor_account,
            creditor_agent: creditor_agent.to_owned(),
            creditor_account,
            acceptance_time: age.map(ago),
            ..payment(&name, &self.amount())
        };
        (name, Request::Pay(Box::new(payment)))
    }

    /// The next request that is no payment.
    pub(crate) fn booking(&mut self) -> (String, Request) {
        match self.random.below(5) {
            0 => self.opening(),
            1 => self.fund(),
            2 => self.defund(),
            _ => self.entry(),
        }
    }

    fn entry(&mut self) -> (String, Request) {
        let (name, (_, iban)) = (self.name(), self.customer(CUSTOMERS + 2));
        let credit = self.random.one_in(2);
        // More than an account has, at times: the refusal has to stay as well.
        let amount = if self.random.one_in(4) { TOO_MUCH.to_owned() } else { self.amount() };
        let direction = if credit { v1::EntryDirection::Credit } else { v1::EntryDirection::Debit };
        let entry = v1::PostEntryRequest {
            request_id: name.clone(),
            iban,
            amount: Some(money(&amount)),
            direction: direction.into(),
            value_date: "2026-11-23".to_owned(),
            booking_key: "CARD".to_owned(),
            core_reference: name.clone(),
        };
        (name, Request::Post(entry))
    }

    fn fund(&mut self) -> (String, Request) {
        let (name, (bic, _)) = (self.name(), self.customer(1));
        let fund = v1::FundRequest {
            request_id: name.clone(),
            bic: bic.to_owned(),
            amount: Some(money(&self.amount())),
            external_reference: name.clone(),
        };
        (name, Request::Fund(fund))
    }

    fn defund(&mut self) -> (String, Request) {
        let (name, (bic, _)) = (self.name(), self.customer(1));
        let defund = v1::DefundRequest {
            request_id: name.clone(),
            bic: bic.to_owned(),
            amount: Some(money(&self.amount())),
            external_reference: name.clone(),
        };
        (name, Request::Defund(defund))
    }

    fn opening(&mut self) -> (String, Request) {
        let (name, (bic, iban)) = (self.name(), self.customer(CUSTOMERS_LATER));
        let opening = v1::OpenAccountRequest { request_id: name.clone(), account: Some(account(bic, &iban)) };
        (name, Request::Open(opening))
    }

    fn name(&mut self) -> String {
        self.next += 1;
        format!("{}-{}", self.prefix, self.next)
    }

    fn customer(&mut self, number_max: u32) -> (&'static str, String) {
        let number = 1 + u32::try_from(self.random.below(number_max.into())).unwrap();
        if self.random.one_in(2) { (ALFA, belgian(number)) } else { (BETA, german(number)) }
    }

    fn other_bank(&mut self, bic: &str) -> (&'static str, String) {
        if bic == ALFA { (BETA, german(1)) } else { (ALFA, belgian(1)) }
    }

    /// Mostly small; at times more than an account that began with 1000.00 is likely to have.
    fn amount(&mut self) -> String {
        let amount_max = if self.random.one_in(10) { 150_000 } else { 5_000 };
        decimal(1 + i64::try_from(self.random.below(amount_max)).unwrap())
    }
}

/// The same request with a body that differs in one place.
pub(crate) fn changed(request: &Request) -> Request {
    let more = |amount: &Option<v1::Money>| {
        let amount = amount.as_ref().unwrap();
        Some(money(&decimal(cents(&amount.amount) + 1)))
    };
    match request {
        Request::Pay(pay) => {
            Request::Pay(Box::new(v1::Payment { amount: more(&pay.amount), ..*pay.clone() }))
        }
        Request::Post(post) => {
            Request::Post(v1::PostEntryRequest { amount: more(&post.amount), ..post.clone() })
        }
        Request::Fund(fund) => Request::Fund(v1::FundRequest { amount: more(&fund.amount), ..fund.clone() }),
        Request::Defund(defund) => {
            Request::Defund(v1::DefundRequest { amount: more(&defund.amount), ..defund.clone() })
        }
        Request::Open(open) => {
            let account = open.account.clone().unwrap();
            let account = v1::NewAccount { holder_names: vec!["Somebody Else".to_owned()], ..account };
            Request::Open(v1::OpenAccountRequest { account: Some(account), ..open.clone() })
        }
    }
}
