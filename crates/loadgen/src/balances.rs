//! What the books say, before and after a run.

use std::ops::Range;

use client::{Client, v1};
use types::{Balance, Currency};

use crate::accounts::LoadAccount;
use crate::banks::{Bank, LOAD_BANKS, LOAD_REMOTE_BANKS};
use crate::parallel::{CALLS_MAX, for_each};
use crate::{LoadgenError, Progress, Stage};

/// How many accounts are asked about at most. A larger world is sampled evenly.
const ACCOUNTS_ASKED_MAX: u32 = 10_000;

/// Progress is told every so many accounts.
const PROGRESS_STEP: u64 = 256;

/// Balances at about one time, in cents. Exact only while no payment is under way.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// By the index of the account, in order.
    pub(crate) accounts: Vec<(u32, i64)>,
    /// Of the banks of load runs, as [`banks`] has them.
    pub(crate) positions: Vec<i64>,
    pub(crate) books: Vec<v1::BookTotal>,
    /// Payments that the node has settled since its log began.
    pub(crate) settled: u64,
}

/// The banks of load runs: those here, and these of the remote ones.
pub(crate) fn banks(remote: Range<usize>) -> impl Iterator<Item = &'static Bank> {
    LOAD_BANKS.iter().chain(&LOAD_REMOTE_BANKS[remote])
}

/// The accounts that are asked about: all, or evenly spread ones. The hot payee is the first.
pub(crate) fn asked_about(accounts: u32) -> Vec<u32> {
    let step = accounts.div_ceil(ACCOUNTS_ASKED_MAX).max(1);
    // An even step would miss one of the two banks.
    let step = if step.is_multiple_of(2) { step + 1 } else { step };
    (0..accounts).step_by(usize::try_from(step).expect("32 bits")).collect()
}

impl Snapshot {
    /// Asks for everything.
    pub(crate) async fn take(
        client: &Client,
        accounts: &[u32],
        remote: Range<usize>,
        progress: &dyn Progress,
    ) -> Result<Self, LoadgenError> {
        let total = u64::try_from(accounts.len()).expect("at most 10,000");
        let mut balances = Vec::with_capacity(accounts.len());
        let ask = |index: u32| {
            let client = client.clone();
            async move { Ok((index, account_balance(&client, index).await?)) }
        };
        let mut done = 0;
        for_each(accounts.iter().copied(), CALLS_MAX, ask, |balance| {
            balances.push(balance);
            done += 1;
            if done % PROGRESS_STEP == 0 {
                progress.update(Stage::Auditing, done, Some(total));
            }
        })
        .await?;
        balances.sort_unstable();
        let mut positions = Vec::new();
        for bank in banks(remote) {
            positions.push(position_of(client, bank.bic_text()).await?);
        }
        let totals = client.get_trial_balance(v1::GetTrialBalanceRequest {}).await;
        let totals = totals.map_err(LoadgenError::node("asking for the trial balance"))?;
        let settled = totals.payments.iter().filter(|total| total.status() == v1::PaymentStatus::Settled);
        let settled = settled.map(|total| total.payment_count).sum();
        Ok(Self { accounts: balances, positions, books: totals.books, settled })
    }
}

/// What is available on a load bank's position, in cents.
pub(crate) async fn position_of(client: &Client, bic: &str) -> Result<i64, LoadgenError> {
    let request = v1::GetPositionRequest { bic: bic.to_owned(), currency_code: "EUR".to_owned() };
    let reply = client.get_position(request).await.map_err(LoadgenError::node("asking for a position"))?;
    cents(&reply.position.ok_or(LoadgenError::Contract("a position without content"))?.balance)
}

async fn account_balance(client: &Client, index: u32) -> Result<i64, LoadgenError> {
    let iban = LoadAccount::at(index).iban().as_str().to_owned();
    let request = v1::GetAccountRequest { iban, currency_code: "EUR".to_owned() };
    let reply = client.get_account(request).await.map_err(LoadgenError::node("asking for a balance"))?;
    cents(&reply.account.ok_or(LoadgenError::Contract("an account without content"))?.balance)
}

fn cents(decimal: &str) -> Result<i64, LoadgenError> {
    Balance::parse(decimal, Currency::EUR)
        .map(Balance::minor_units)
        .map_err(|_| LoadgenError::Contract("a balance that is no decimal"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_worlds_are_asked_about_entirely_and_large_ones_evenly() {
        assert_eq!(asked_about(2), [0, 1]);
        assert_eq!(asked_about(10_000).len(), 10_000);
        let sample = asked_about(1_000_000);
        assert!((9_000..=10_000).contains(&sample.len()));
        assert_eq!(sample[0], 0);
        assert!(sample.iter().any(|index| index % 2 == 1));
    }

    #[test]
    fn decimals_become_cents() {
        assert_eq!(cents("-12.34").unwrap(), -1_234);
        assert_eq!(cents("0.00").unwrap(), 0);
        assert!(cents("").is_err());
    }
}
