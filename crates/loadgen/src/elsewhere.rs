//! Payments of the demo's customers to banks elsewhere: one that does everything right, and one that does not.
//!
//! Invariant: what the payers' banks were told is compared with what the payees' banks were told, payment by payment.

use std::collections::BTreeMap;
use std::fmt;

use client::convert::timestamp;
use client::{Client, v1};
use types::{Bic, Duration};

use crate::banks::{Bank, DEMO_REMOTE_BANKS};
use crate::clock::now;
use crate::counterpart::{BehaviourMix, CounterpartOptions, CounterpartReport, Counterparts};
use crate::parallel::{CALLS_MAX, for_each};
use crate::world::{BANKS, customer_iban};
use crate::{LoadgenError, RunId};

/// Payments to each bank.
const PAYMENTS: u32 = 40;

/// The fixtures count on what the first customers have.
const FIRST_CUSTOMER: u32 = 100;

/// How long ago the payments were received, by their banks' word: their time is over soon, and so is the demo.
const RECEIVED_BEFORE: Duration = Duration::from_milliseconds(5_500);

/// How the two banks behave.
const BEHAVIOURS: [&[&str]; 2] = [&["accept"], &["reject:AC04=20%", "late=15%", "double=20%", "accept"]];

/// What the payments came to.
#[derive(Clone, Debug)]
pub struct Elsewhere {
    /// What the payers' banks were told, by the payee's bank.
    pub outcomes: Vec<(Bic, v1::PaymentOutcome)>,
    /// What became of each bank, with its behaviour.
    pub banks: Vec<(String, CounterpartReport)>,
    /// What payers' and payees' banks were told differently, each as a sentence.
    pub differences: Vec<String>,
    /// Why connections ended for good.
    pub failures: Vec<String>,
}

impl Elsewhere {
    /// Whether both sides were told the same, and everything fits together.
    pub fn passed(&self) -> bool {
        let fits = self.banks.iter().all(|(_, bank)| bank.passed());
        fits && self.differences.is_empty() && self.failures.is_empty()
    }
}

/// Connects the demo's banks elsewhere, pays to their customers, and disconnects. The world has to be set up. Which
/// payments the second bank treats badly follows from the seed. Must be called within a tokio runtime.
///
/// # Errors
/// If the node can't be reached, or does not take the connections or the payments.
pub async fn pay_elsewhere(client: &Client, run: &RunId, seed: u64) -> Result<Elsewhere, LoadgenError> {
    let mut counterparts = Vec::new();
    for (bank, behaviours) in DEMO_REMOTE_BANKS.iter().zip(BEHAVIOURS) {
        let mix = BehaviourMix::parse(behaviours, seed)?;
        let options = CounterpartOptions { mix, ..CounterpartOptions::new(vec![bank.bic()]) };
        counterparts.push((bank.bic(), Counterparts::start(client, options).await?));
    }
    let outcomes = pay(client, run).await?;
    let mut elsewhere =
        Elsewhere { outcomes, banks: Vec::new(), differences: Vec::new(), failures: Vec::new() };
    for (bic, mut counterparts) in counterparts {
        // The last reports may still be on their way.
        counterparts.drain().await;
        for (_, outcome) in elsewhere.outcomes.iter().filter(|(bank, _)| *bank == bic) {
            let told = counterparts.told(&bic, &outcome.payment_id).map(|(status, _)| status);
            elsewhere.differences.extend(difference(bic, outcome, told));
        }
        let report = counterparts.finish().await?;
        elsewhere.failures.extend(report.failures);
        elsewhere.banks.extend(report.banks.into_iter().map(|bank| (report.behaviour.clone(), bank)));
    }
    Ok(elsewhere)
}

/// Makes all payments at once, and waits until each is final.
async fn pay(client: &Client, run: &RunId) -> Result<Vec<(Bic, v1::PaymentOutcome)>, LoadgenError> {
    let mut outcomes = Vec::new();
    let payments = DEMO_REMOTE_BANKS.iter().flat_map(|bank| (1..=PAYMENTS).map(move |number| (bank, number)));
    let submit = |(bank, number): (&'static Bank, u32)| {
        let (client, payment) = (client.clone(), payment(run, bank, number));
        async move {
            let request = v1::SubmitPaymentRequest { payment: Some(payment), wait_ms: None };
            let reply =
                client.submit_payment(request).await.map_err(LoadgenError::node("paying elsewhere"))?;
            let outcome = reply.outcome.ok_or(LoadgenError::Contract("a reply without an outcome"))?;
            Ok((bank.bic(), outcome))
        }
    };
    for_each(payments, CALLS_MAX, submit, |outcome| outcomes.push(outcome)).await?;
    Ok(outcomes)
}

fn payment(run: &RunId, bank: &Bank, number: u32) -> v1::Payment {
    let customer = FIRST_CUSTOMER + number;
    let payer = &BANKS[usize::try_from(number).expect("32 bits") % BANKS.len()];
    v1::Payment {
        debtor_agent: payer.bic_text().to_owned(),
        transaction_id: format!("{run}-{}-{number}", bank.bic_text()),
        creditor_agent: bank.bic_text().to_owned(),
        debtor_account: customer_iban(payer, customer).as_str().to_owned(),
        creditor_account: customer_iban(bank, customer).as_str().to_owned(),
        amount: Some(v1::Money { amount: format!("{number}.50"), currency_code: "EUR".to_owned() }),
        acceptance_time: Some(timestamp(now().minus(RECEIVED_BEFORE))),
        end_to_end_id: "NOTPROVIDED".to_owned(),
        debtor: Some(v1::Party { name: "Demo Customer".to_owned(), ..Default::default() }),
        creditor: Some(v1::Party { name: "Customer Elsewhere".to_owned(), ..Default::default() }),
        ..Default::default()
    }
}

/// What the two sides were told differently, if anything. A bank hears nothing of what it has rejected itself, and of a
/// time-out with a reason of its own.
fn difference(bic: Bic, outcome: &v1::PaymentOutcome, told: Option<v1::PaymentStatus>) -> Option<String> {
    let same = match told {
        Some(told) => told == outcome.status(),
        None => outcome.status() == v1::PaymentStatus::Rejected,
    };
    let name = |status: v1::PaymentStatus| status.as_str_name();
    let told = told.map_or("nothing", name);
    (!same).then(|| {
        let (id, outcome) = (&outcome.payment_id, name(outcome.status()));
        format!("{id}: the payer's bank was told {outcome}, {bic} {told}")
    })
}

/// A few lines for people.
impl fmt::Display for Elsewhere {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (behaviour, bank) in &self.banks {
            let mut counts = BTreeMap::<String, u32>::new();
            for (_, outcome) in self.outcomes.iter().filter(|(bic, _)| *bic == bank.bic) {
                let status = outcome.status().as_str_name().trim_start_matches("PAYMENT_STATUS_");
                let state = format!("{} {}", status.to_lowercase(), outcome.reason_code);
                *counts.entry(state.trim_end().to_owned()).or_default() += 1;
            }
            let counts = counts.iter().map(|(state, count)| format!("{count} {state}"));
            let counts = counts.collect::<Vec<_>>().join(", ");
            writeln!(formatter, "  {} ({behaviour}): {counts}", bank.bic)?;
            let ineffective: u64 = bank.tally.effects.values().sum();
            if ineffective > 0 {
                writeln!(formatter, "    {ineffective} late and double answers changed nothing")?;
            }
            bank.violations.iter().try_for_each(|fault| writeln!(formatter, "    DOES NOT FIT: {fault}"))?;
        }
        for difference in self.differences.iter().chain(&self.failures) {
            writeln!(formatter, "  DIFFERS: {difference}")?;
        }
        if self.passed() {
            writeln!(formatter, "  both were told the same as the payers' banks")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_have_to_be_told_the_same() {
        use v1::PaymentStatus::{Expired, Rejected, Settled};
        let bic = DEMO_REMOTE_BANKS[0].bic();
        let outcome =
            |status: v1::PaymentStatus| v1::PaymentOutcome { status: status.into(), ..Default::default() };
        for (payer, payee, same) in [
            (Settled, Some(Settled), true),
            (Expired, Some(Expired), true),
            (Rejected, None, true),
            (Settled, None, false),
            (Expired, None, false),
            (Settled, Some(Expired), false),
        ] {
            assert_eq!(difference(bic, &outcome(payer), payee).is_none(), same, "{payer:?} {payee:?}");
        }
    }

    #[test]
    fn payments_are_sound() {
        let run = RunId::from_time(1_795_298_400_000_000_000);
        for bank in &DEMO_REMOTE_BANKS {
            for number in 1..=PAYMENTS {
                assert!(client::convert::order_from_payment(&payment(&run, bank, number)).is_ok());
            }
        }
    }
}
