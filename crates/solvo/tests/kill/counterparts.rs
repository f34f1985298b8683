//! The banks of both sides: they are `solvo bank`'s, connect again by themselves, and audit what they hear.

use std::net::SocketAddr;
use std::time::Duration;

use client::v1::PaymentStatus;
use client::{Client, ConnectOptions, RetryPolicy, v1};
use loadgen::{BehaviourMix, CounterpartOptions, CounterpartReport, Counterparts};
use tests::{ALFA, BETA, GAMMA};
use types::Bic;

use crate::elsewhere::decided;
use crate::payers::DELTA;
use crate::record::Entry;

/// What the banks that are asked do. What is late shows that an answer after the deadline changes nothing.
const BEHAVIOURS: [&str; 5] = ["reject:AC04=15%", "slow:300=15%", "double=15%", "late=10%", "accept"];

/// What the payee's bank is told at a time-out.
const TIMED_OUT: &str = "TM01";

/// Connections that are tried again until the node is back.
const RETRY: RetryPolicy = RetryPolicy {
    attempts_max: 1_000,
    attempt_timeout: Duration::from_secs(5),
    delay_first: Duration::from_millis(10),
    delay_max: Duration::from_millis(200),
    retry_delay_max: Duration::from_secs(1),
};

/// Banks that are connected for as long as the test lasts.
#[derive(Debug)]
pub(crate) struct Banks {
    /// The payers': they only listen.
    payers: Counterparts,
    /// One that speaks in messages.
    gamma: Counterparts,
    /// One that speaks in documents.
    delta: Counterparts,
}

impl Banks {
    /// Connects all of them.
    pub(crate) async fn connect(address: SocketAddr, seed: u64) -> Self {
        let connect = ConnectOptions { connections: 4, retry: RETRY, ..ConnectOptions::default() };
        let client = Client::connect(&format!("http://{address}"), connect).await.unwrap();
        let options = |banks: &[&str]| {
            CounterpartOptions::new(banks.iter().map(|bank| Bic::parse(bank).unwrap()).collect())
        };
        let asked = |bank: &str, iso: bool| {
            let mix = BehaviourMix::parse(&BEHAVIOURS.map(str::to_owned), seed).unwrap();
            CounterpartOptions { iso, mix, ..options(&[bank]) }
        };
        Self {
            payers: Counterparts::start(&client, options(&[ALFA, BETA])).await.unwrap(),
            // Several connections share the work; what one has not answered when it breaks goes to another.
            gamma: Counterparts::start(&client, CounterpartOptions { connections: 2, ..asked(GAMMA, false) })
                .await
                .unwrap(),
            delta: Counterparts::start(&client, asked(DELTA, true)).await.unwrap(),
        }
    }

    /// Waits until everything has been reported that they wait for.
    pub(crate) async fn drain(&mut self) {
        tokio::join!(self.payers.drain(), self.gamma.drain(), self.delta.drain());
    }

    /// Expects that the banks of both sides were told what the payers were told.
    pub(crate) fn were_told(&self, entries: &[Entry]) {
        for (payment, outcome) in entries.iter().map(decided) {
            let name = &payment.transaction_id;
            let told = (outcome.status(), outcome.reason_code.clone());
            let payer = Bic::parse(&payment.debtor_agent).unwrap();
            assert_eq!(self.payers.told(&payer, &outcome.payment_id), Some(told.clone()), "{name}");
            let heard = self.payee(payment, outcome);
            match told.0 {
                PaymentStatus::Settled => assert_eq!(heard, Some(told), "{name}"),
                PaymentStatus::Expired => {
                    assert_eq!(heard, Some((PaymentStatus::Expired, TIMED_OUT.to_owned())), "{name}");
                }
                // Before it was forwarded nobody else heard of it; and who has rejected it knows, and is told the same
                // if it says so twice.
                PaymentStatus::Rejected => assert!(heard.is_none_or(|heard| heard == told), "{name}"),
                PaymentStatus::Reserved | PaymentStatus::Unresolved | PaymentStatus::Unspecified => {
                    panic!("{name} is not final: {outcome:?}")
                }
            }
        }
    }

    /// What the payee's bank was told. Documents name a payment by its key.
    fn payee(&self, payment: &v1::Payment, outcome: &v1::PaymentOutcome) -> Option<(PaymentStatus, String)> {
        let bank = Bic::parse(&payment.creditor_agent).unwrap();
        let key = format!("{}/{}", payment.debtor_agent, payment.transaction_id);
        match payment.creditor_agent.as_str() {
            DELTA => self.delta.told(&bank, &key),
            _ => self.gamma.told(&bank, &outcome.payment_id),
        }
    }

    /// Expects that nothing in the banks' own books contradicts what was told, and that nothing has been told since.
    /// Returns what each bank went through.
    pub(crate) async fn fit(mut self, entries: &[Entry]) -> Vec<CounterpartReport> {
        self.drain().await;
        self.were_told(entries);
        let mut reports = Vec::new();
        for banks in [self.payers, self.gamma, self.delta] {
            let report = banks.finish().await.unwrap();
            assert!(report.passed(), "{report}");
            reports.extend(report.banks);
        }
        reports
    }
}
