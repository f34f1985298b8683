//! The demo world: three banks with a thousand customers each, and two banks elsewhere.
//!
//! Customers 1 to 1000 have 10,000.00 EUR on a current account, but for these: 991 has no money, 992 is
//! closed, 993 blocked, 994 a savings account, 995 kept in US dollars and empty, 996 has 900,000,000.00 EUR.
//! The fixtures under `tests/fixtures` count on it.
//!
//! Invariant: setting the world up again changes nothing.

use std::sync::Arc;

use client::{Client, v1};
use types::Iban;

use crate::banks::{Bank, DEMO_BANKS, DEMO_REMOTE_BANKS};
use crate::parallel::{CALLS_MAX, for_each};
use crate::setup::{Registration, fund, open_accounts, register};
use crate::{LoadgenError, Progress, Stage};

/// The banks: Belgian, German, French.
pub const BANKS: [Bank; 3] = DEMO_BANKS;

/// The banks that keep their customers' accounts in systems of their own: Austrian both.
pub const REMOTE_BANKS: [Bank; 2] = DEMO_REMOTE_BANKS;

/// Customers of each bank.
pub const CUSTOMERS: u32 = 1_000;

/// What each bank can spend towards others.
const POSITION: &str = "100000000.00";

/// The value date of opening balances. It is part of the request, so it must not follow the calendar.
const OPENING_DATE: &str = "2026-01-01";

/// Streams over which accounts are opened.
const STREAMS: usize = 2;

/// Progress is told every so many entries.
const PROGRESS_STEP: u64 = 64;

/// What a customer's account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Customer {
    account_type: v1::AccountType,
    currency: &'static str,
    /// What is paid in at first.
    money: Option<&'static str>,
    /// The status that the account has in the end, if it is not active.
    status: Option<v1::AccountStatus>,
}

impl Customer {
    const ORDINARY: Self = Self {
        account_type: v1::AccountType::Current,
        currency: "EUR",
        money: Some("10000.00"),
        status: None,
    };

    const fn numbered(customer: u32) -> Self {
        let ordinary = Self::ORDINARY;
        match customer {
            991 => Self { money: None, ..ordinary },
            // Only an empty account can be closed.
            992 => Self { money: None, status: Some(v1::AccountStatus::Closed), ..ordinary },
            993 => Self { status: Some(v1::AccountStatus::Blocked), ..ordinary },
            994 => Self { account_type: v1::AccountType::Savings, ..ordinary },
            995 => Self { money: None, currency: "USD", ..ordinary },
            996 => Self { money: Some("900000000.00"), ..ordinary },
            _ => ordinary,
        }
    }
}

/// The account number of a customer, who are numbered from 1.
pub fn customer_iban(bank: &Bank, customer: u32) -> Iban {
    bank.customer_iban(u64::from(customer))
}

/// Registers the banks, funds their positions, opens the accounts and pays money in.
///
/// # Errors
/// If the node can't be reached or refuses a step, for instance because it holds another world with
/// these banks.
pub async fn set_up(client: &Client, progress: &dyn Progress) -> Result<(), LoadgenError> {
    for bank in &BANKS {
        let country = bank.country();
        // Long after it was set up the requests are forgotten, and would pay in once more.
        let registered =
            register(client, request_id("register", country), bank, v1::AccountMode::Hosted).await?;
        if registered == Registration::Existing {
            continue;
        }
        fund(client, request_id("fund", country), bank, POSITION, format!("DEMO-OPENING-{country}")).await?;
        let opening = move |customer: u32| opening(bank, customer);
        open_accounts(client, (1..=CUSTOMERS).collect(), STREAMS, Arc::new(opening), progress).await?;
        pay_in(client, bank, progress).await?;
        for customer in 1..=CUSTOMERS {
            if let Some(status) = Customer::numbered(customer).status {
                set_status(client, bank, customer, status).await?;
            }
        }
    }
    for bank in &REMOTE_BANKS {
        register(client, request_id("register", bank.bic_text()), bank, v1::AccountMode::Remote).await?;
    }
    progress.finish();
    Ok(())
}

fn request_id(step: &str, subject: &str) -> String {
    format!("solvo-demo-1-{step}-{subject}")
}

fn opening(bank: &Bank, number: u32) -> v1::AccountOpening {
    let customer = Customer::numbered(number);
    v1::AccountOpening {
        request_id: request_id("open", &format!("{}-{number}", bank.country())),
        account: Some(v1::NewAccount {
            participant: bank.bic_text().to_owned(),
            iban: customer_iban(bank, number).as_str().to_owned(),
            currency_code: customer.currency.to_owned(),
            r#type: customer.account_type.into(),
            floor: String::new(),
            holder_names: vec![holder_name(bank, number)],
            identification_code: String::new(),
        }),
    }
}

/// Books every opening balance against the bank's own system.
async fn pay_in(client: &Client, bank: &'static Bank, progress: &dyn Progress) -> Result<(), LoadgenError> {
    let entries = (1..=CUSTOMERS).filter_map(|number| {
        let customer = Customer::numbered(number);
        customer.money.map(|money| v1::PostEntryRequest {
            request_id: request_id("pay-in", &format!("{}-{number}", bank.country())),
            iban: customer_iban(bank, number).as_str().to_owned(),
            amount: Some(v1::Money { amount: money.to_owned(), currency_code: customer.currency.to_owned() }),
            direction: v1::EntryDirection::Credit.into(),
            value_date: OPENING_DATE.to_owned(),
            booking_key: "OPENING".to_owned(),
            core_reference: format!("OPENING-{}-{number}", bank.country()),
        })
    });
    let post = |request: v1::PostEntryRequest| {
        let client = client.clone();
        async move { client.post_entry(request).await.map_err(LoadgenError::node("paying money in")) }
    };
    let mut done = 0;
    for_each(entries, CALLS_MAX, post, |_| {
        done += 1;
        if done % PROGRESS_STEP == 0 {
            progress.update(Stage::SettingUp, done, Some(u64::from(CUSTOMERS)));
        }
    })
    .await
}

async fn set_status(
    client: &Client,
    bank: &Bank,
    number: u32,
    status: v1::AccountStatus,
) -> Result<(), LoadgenError> {
    let request = v1::SetAccountStatusRequest {
        request_id: request_id("status", &format!("{}-{number}", bank.country())),
        iban: customer_iban(bank, number).as_str().to_owned(),
        currency_code: Customer::numbered(number).currency.to_owned(),
        status: status.into(),
    };
    let reply = client.set_account_status(request).await;
    reply.map(|_| ()).map_err(LoadgenError::node("setting an account's status"))
}

/// A name of the bank's country; invented, and the same every time.
fn holder_name(bank: &Bank, number: u32) -> String {
    let (first, last): ([&str; 10], [&str; 10]) = match bank.country() {
        "BE" => (
            ["An", "Bram", "Celine", "Dries", "Elise", "Femke", "Gilles", "Hanne", "Ilse", "Joris"],
            [
                "Peeters", "Janssens", "Maes", "Jacobs", "Mertens", "Willems", "Claes", "Goossens",
                "Wouters", "Dubois",
            ],
        ),
        "DE" => (
            ["Anke", "Bernd", "Clara", "Dirk", "Eva", "Frank", "Greta", "Heiko", "Ines", "Jonas"],
            [
                "Müller", "Schmidt", "Fischer", "Weber", "Krüger", "Becker", "Schäfer", "Koch", "Richter",
                "Wolf",
            ],
        ),
        _ => (
            ["Alice", "Benoît", "Chloé", "Denis", "Émilie", "Fabien", "Gaëlle", "Hugo", "Inès", "Jules"],
            [
                "Martin", "Bernard", "Dubois", "Durand", "Moreau", "Laurent", "Lefèvre", "Michel", "Garcia",
                "Roux",
            ],
        ),
    };
    let place = |number: u32| usize::try_from(number % 10).expect("a digit");
    format!("{} {}", first[place(number)], last[place(number / 10)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_customers_are_what_the_fixtures_count_on() {
        let special = (1..=CUSTOMERS).filter(|number| Customer::numbered(*number) != Customer::ORDINARY);
        assert_eq!(special.collect::<Vec<_>>(), [991, 992, 993, 994, 995, 996]);
        assert_eq!(Customer::numbered(992).status, Some(v1::AccountStatus::Closed));
        assert_eq!(Customer::numbered(992).money, None);
        assert_eq!(Customer::numbered(995).currency, "USD");
    }

    #[test]
    fn accounts_have_their_numbers() {
        assert_eq!(customer_iban(&BANKS[0], 1).as_str(), "BE04539000000131");
        let opening = opening(&BANKS[2], 994);
        assert_eq!(opening.request_id, "solvo-demo-1-open-FR-994");
        let account = opening.account.unwrap();
        assert_eq!(account.participant, "SLVOFRPPXXX");
        assert_eq!(account.r#type(), v1::AccountType::Savings);
        assert_eq!(account.iban.len(), 27);
        assert_eq!(account.holder_names, ["Émilie Roux"]);
    }
}
