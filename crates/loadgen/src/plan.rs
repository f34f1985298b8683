//! What each payment of a run is, as a function of its number.
//!
//! Invariant: the number says everything. A reply names the number, so nothing has to be remembered about a
//! payment but whether it was answered, and a payment whose answer was lost can be made again, byte for byte.

use crate::banks::Bank;
use crate::options::{LoadOptions, PAYMENTS_MAX, RemotePayees, RunId, Workload};
use crate::random::{below, halves, random};

/// The digits of a payment's number in its transaction id.
pub(crate) const NUMBER_DIGITS: usize = 10;

const _: () = assert!(PAYMENTS_MAX <= 10_u64.pow(9), "the share of each connection is rounded up");

/// The largest amount, in cents: small, so that funds outlast any run.
const CENTS_MAX: u32 = 99;

/// The payments of a run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    run: RunId,
    workload: Workload,
    remote: Option<RemotePayees>,
    accounts: u32,
    seed: u64,
}

/// One payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Planned {
    /// The index of the account.
    pub(crate) payer: u32,
    pub(crate) payee: Payee,
    /// 1 to 99.
    pub(crate) cents: u32,
}

/// Where a payee has its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Payee {
    /// Here; the index of the account.
    Hosted(u32),
    /// At one of the remote banks.
    Remote {
        /// Its place among them.
        bank: usize,
        /// The number of the customer there.
        customer: u32,
    },
}

/// Customers of each remote bank.
const REMOTE_CUSTOMERS: u32 = 1_000_000;

const _: () = assert!((REMOTE_CUSTOMERS as u64) <= Bank::CUSTOMERS_MAX);

impl Plan {
    pub(crate) fn new(options: &LoadOptions) -> Self {
        Self {
            run: options.run.clone(),
            workload: options.workload,
            remote: options.remote.clone(),
            accounts: options.accounts,
            seed: options.seed,
        }
    }

    /// The payment with this number.
    pub(crate) fn payment(&self, number: u64) -> Planned {
        let (first, second) = halves(random(self.seed, 2 * number));
        let (third, fourth) = halves(random(self.seed, 2 * number + 1));
        let others = self.accounts - 1;
        let (payer, payee) = match self.workload {
            Workload::Uniform => {
                let payer = below(first, self.accounts);
                (payer, (payer + 1 + below(second, others)) % self.accounts)
            }
            Workload::Hot => (1 + below(first, others), 0),
        };
        assert_ne!(payer, payee, "nobody pays itself");
        let payee = match &self.remote {
            Some(remote) if below(fourth, 100) < remote.percent => {
                // The payee's own bits are free again.
                let (bank, customer) = halves(random(u64::from(second), number));
                let banks = u32::try_from(remote.banks.len()).expect("a few banks");
                let place = usize::try_from(below(bank, banks)).expect("32 bits");
                Payee::Remote {
                    bank: remote.banks.start + place,
                    customer: 1 + below(customer, REMOTE_CUSTOMERS),
                }
            }
            Some(_) | None => Payee::Hosted(payee),
        };
        Planned { payer, payee, cents: 1 + below(third, CENTS_MAX) }
    }

    /// The transaction id of the payment with this number.
    pub(crate) fn transaction_id(&self, number: u64) -> String {
        format!("{}-{number:0NUMBER_DIGITS$}", self.run)
    }

    /// The number of the payment with this transaction id, if it can be one of this run.
    pub(crate) fn number(&self, transaction_id: &str) -> Option<u64> {
        let digits = transaction_id.strip_prefix(self.run.as_str())?.strip_prefix('-')?;
        let plain = digits.len() == NUMBER_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
        if plain { digits.parse().ok() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(workload: Workload, accounts: u32) -> Plan {
        let options = LoadOptions::new("RUN1".parse().unwrap());
        Plan::new(&LoadOptions { workload, accounts, ..options })
    }

    #[test]
    fn a_number_is_always_the_same_payment() {
        let plan = plan(Workload::Uniform, 1_000);
        assert_eq!(plan.payment(77), plan.clone().payment(77));
        assert_ne!(plan.payment(77), plan.payment(78));
    }

    #[test]
    fn uniform_payments_touch_every_account_on_both_sides() {
        let plan = plan(Workload::Uniform, 10);
        let (mut paid, mut received) = ([0; 10], [0; 10]);
        for number in 0..10_000 {
            let payment = plan.payment(number);
            assert!((1..=CENTS_MAX).contains(&payment.cents));
            let Payee::Hosted(payee) = payment.payee else { panic!("{payment:?}") };
            paid[usize::try_from(payment.payer).unwrap()] += 1;
            received[usize::try_from(payee).unwrap()] += 1;
        }
        assert!(paid.iter().chain(&received).all(|count| (800..1_200).contains(count)));
    }

    #[test]
    fn hot_payments_have_one_payee() {
        let plan = plan(Workload::Hot, 2);
        let hot = |payment: Planned| payment.payee == Payee::Hosted(0) && payment.payer == 1;
        assert!((0..100).all(|number| hot(plan.payment(number))));
    }

    #[test]
    fn a_share_of_the_payees_is_elsewhere_and_the_others_stay() {
        let here = plan(Workload::Uniform, 10);
        let remote = Some(RemotePayees { percent: 25, banks: 3..5 });
        let mixed = Plan { remote, ..here.clone() };
        let mut elsewhere = [0; 2];
        for number in 0..10_000 {
            let (was, is) = (here.payment(number), mixed.payment(number));
            match is.payee {
                Payee::Hosted(_) => assert_eq!(was, is),
                Payee::Remote { bank, customer } => {
                    assert_eq!((was.payer, was.cents), (is.payer, is.cents));
                    assert!((1..=REMOTE_CUSTOMERS).contains(&customer));
                    elsewhere[bank - 3] += 1;
                }
            }
        }
        assert!(elsewhere.iter().all(|count| (1_100..1_400).contains(count)), "{elsewhere:?}");
    }

    #[test]
    fn transaction_ids_lead_back_to_numbers() {
        let plan = plan(Workload::Uniform, 2);
        assert_eq!(plan.transaction_id(42), "RUN1-0000000042");
        assert_eq!(plan.number("RUN1-0000000042"), Some(42));
        for other in ["RUN2-0000000042", "RUN10000000042", "RUN1-42", "RUN1-+000000042", "RUN1-00000000042"] {
            assert_eq!(plan.number(other), None, "{other}");
        }
    }
}
