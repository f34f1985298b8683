//! Which payments of a run the node confirmed as settled.

use crate::lane::Share;
use crate::plan::{Payee, Plan, Planned};
use crate::tally::NumberSet;

/// The payments of a run that replies called settled, at one bit each. Whoever reads the journal can ask here
/// whether a payment in it was confirmed, and count that none is missing.
#[derive(Debug)]
pub struct Confirmed {
    plan: Plan,
    /// By lane.
    settled: Vec<(Share, NumberSet)>,
}

impl Confirmed {
    pub(crate) const fn new(plan: Plan, settled: Vec<(Share, NumberSet)>) -> Self {
        Self { plan, settled }
    }

    /// Whether the payment with this transaction id is one of this run and was confirmed.
    pub fn contains(&self, transaction_id: &str) -> bool {
        let Some(number) = self.plan.number(transaction_id) else { return false };
        self.settled
            .iter()
            .any(|(share, places)| share.place(number).is_some_and(|place| places.contains(place)))
    }

    /// How many were confirmed.
    pub fn count(&self) -> u64 {
        self.settled.iter().map(|(_, places)| places.count()).sum()
    }

    /// The transaction ids of all of them, in no particular order.
    pub fn transaction_ids(&self) -> impl Iterator<Item = String> {
        self.numbers().map(|number| self.plan.transaction_id(number))
    }

    /// What was paid.
    pub(crate) fn payments(&self) -> impl Iterator<Item = Planned> {
        self.numbers().map(|number| self.plan.payment(number))
    }

    /// How many of them went to banks elsewhere.
    pub fn remote_count(&self) -> u64 {
        let remote = self.payments().filter(|payment| matches!(payment.payee, Payee::Remote { .. }));
        u64::try_from(remote.count()).expect("a run has at most 10^9 payments")
    }

    fn numbers(&self) -> impl Iterator<Item = u64> {
        self.settled.iter().flat_map(|(share, places)| places.iter().map(|place| share.number(place)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::LoadOptions;

    #[test]
    fn confirmed_payments_are_found_by_their_ids() {
        let plan = Plan::new(&LoadOptions::new("RUN1".parse().unwrap()));
        let mut places = NumberSet::default();
        places.insert(3);
        let shares = [0, 1].map(|lane| Share { lane, lanes: 2 });
        let confirmed = Confirmed::new(plan, vec![(shares[0], NumberSet::default()), (shares[1], places)]);
        assert_eq!(confirmed.count(), 1);
        assert_eq!(confirmed.transaction_ids().collect::<Vec<_>>(), ["RUN1-0000000007"]);
        assert!(confirmed.contains("RUN1-0000000007"));
        for other in ["RUN1-0000000006", "RUN2-0000000007", "RUN1-0000000003"] {
            assert!(!confirmed.contains(other), "{other}");
        }
    }
}
