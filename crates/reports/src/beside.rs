//! A day of payments as two systems decided them: the one that decides, by its file, and a node beside it.
//!
//! Payments are found by their key, the payer's bank and its transaction id. Where only one of them knows a payment, or both
//! say otherwise of it, that is a difference.
//!
//! Invariant: each payment of either side is counted once, as the same or as one difference.

use std::collections::BTreeMap;

use types::{Bic, Currency, ReasonCode};

/// What a payment came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Became {
    /// It was settled.
    Settled,
    /// It was rejected.
    Rejected,
    /// It expired.
    Expired,
    /// It waits.
    Open,
}

impl Became {
    /// Its name in files and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Settled => "SETTLED",
            Self::Rejected => "REJECTED",
            Self::Expired => "EXPIRED",
            Self::Open => "RESERVED",
        }
    }

    /// What has this name, in capital or small letters.
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Settled, Self::Rejected, Self::Expired, Self::Open];
        all.into_iter().find(|became| became.name().eq_ignore_ascii_case(name))
    }
}

/// The key of a payment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PaymentName {
    /// The payer's bank.
    pub debtor_agent: Bic,
    /// Its transaction id.
    pub transaction_id: Box<str>,
}

/// What one side says of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decided {
    /// What it came to.
    pub became: Became,
    /// Why it was not settled, if that is said.
    pub reason: Option<ReasonCode>,
    /// Minor units and their currency; `None` where the side does not know it.
    pub amount: Option<(i64, Currency)>,
    /// Whether a bank was asked before it was decided. Of the node only, which has asked none and said yes for it.
    pub was_asked: bool,
}

/// Why two sides do not say the same of a payment. The first that holds is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Only the system that decides knows it.
    OnlyThere,
    /// Only the node knows it.
    OnlyHere,
    /// They say other amounts.
    Amount,
    /// A bank that was asked said no there; the node has said yes for it. It is no fault of either.
    BankAnswer,
    /// It came to something else.
    Outcome,
    /// It was not settled, for another reason.
    Reason,
}

impl Kind {
    /// All of them, in the order in which they are reported.
    pub const ALL: [Self; 6] =
        [Self::OnlyThere, Self::OnlyHere, Self::Amount, Self::BankAnswer, Self::Outcome, Self::Reason];

    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OnlyThere => "only_there",
            Self::OnlyHere => "only_here",
            Self::Amount => "amount",
            Self::BankAnswer => "bank_answer",
            Self::Outcome => "outcome",
            Self::Reason => "reason",
        }
    }

    /// Whether it says that the two systems decide otherwise.
    pub const fn is_a_fault(self) -> bool {
        !matches!(self, Self::BankAnswer)
    }
}

/// One payment of which two sides do not say the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentDifference {
    /// Which.
    pub name: PaymentName,
    /// Why.
    pub kind: Kind,
    /// What the system that decides says.
    pub there: Option<Decided>,
    /// What the node says.
    pub here: Option<Decided>,
}

/// How many payments a side has, and what was settled of them, by currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SideTotals {
    /// All of them.
    pub payments: u64,
    /// Those that were settled.
    pub settled: u64,
    /// What was settled, in minor units.
    pub sums: BTreeMap<Currency, i128>,
}

impl SideTotals {
    fn add(&mut self, decided: &Decided) {
        self.payments += 1;
        if let (Became::Settled, Some((minor_units, currency))) = (decided.became, decided.amount) {
            self.settled += 1;
            *self.sums.entry(currency).or_default() += i128::from(minor_units);
        }
    }
}

/// A payment stands in a side's list a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the payment was named before")]
pub struct Twice;

/// Two sides that are being compared: first what the system that decides says, then what the node says.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    there: BTreeMap<PaymentName, (Decided, bool)>,
    totals_there: SideTotals,
    totals_here: SideTotals,
    same: u64,
    differences: Vec<PaymentDifference>,
}

impl Beside {
    /// How many payments of the system that decides are known.
    pub fn count_there(&self) -> usize {
        self.there.len()
    }

    /// Takes in a payment of the system that decides.
    ///
    /// # Errors
    /// If it was taken in before.
    pub fn add_there(&mut self, name: PaymentName, decided: Decided) -> Result<(), Twice> {
        if self.there.contains_key(&name) {
            return Err(Twice);
        }
        self.totals_there.add(&decided);
        self.there.insert(name, (decided, false));
        Ok(())
    }

    /// Takes in a payment of the node.
    ///
    /// # Errors
    /// If it was taken in before.
    pub fn add_here(&mut self, name: PaymentName, decided: Decided) -> Result<(), Twice> {
        let Some((there, is_met)) = self.there.get_mut(&name) else {
            self.totals_here.add(&decided);
            self.note(name, Kind::OnlyHere, None, Some(decided));
            return Ok(());
        };
        if std::mem::replace(is_met, true) {
            return Err(Twice);
        }
        let there = *there;
        self.totals_here.add(&decided);
        match difference(&there, &decided) {
            None => self.same += 1,
            Some(kind) => self.note(name, kind, Some(there), Some(decided)),
        }
        Ok(())
    }

    fn note(&mut self, name: PaymentName, kind: Kind, there: Option<Decided>, here: Option<Decided>) {
        self.differences.push(PaymentDifference { name, kind, there, here });
    }

    /// What came of it, the differences by their kinds and then by the payments' keys.
    pub fn finish(mut self) -> BesideReport {
        for (name, (decided, is_met)) in std::mem::take(&mut self.there) {
            if !is_met {
                self.note(name, Kind::OnlyThere, Some(decided), None);
            }
        }
        self.differences.sort_by(|left, right| (left.kind, &left.name).cmp(&(right.kind, &right.name)));
        let Self { totals_there, totals_here, same, differences, .. } = self;
        BesideReport { there: totals_there, here: totals_here, same, differences }
    }
}

/// The first thing in which two sides do not agree about a payment that both know.
fn difference(there: &Decided, here: &Decided) -> Option<Kind> {
    if there.amount.zip(here.amount).is_some_and(|(there, here)| there != here) {
        return Some(Kind::Amount);
    }
    if there.became != here.became {
        let bank_said_no = here.was_asked
            && here.became == Became::Settled
            && matches!(there.became, Became::Rejected | Became::Expired);
        return Some(if bank_said_no { Kind::BankAnswer } else { Kind::Outcome });
    }
    let is_other = there.reason.zip(here.reason).is_some_and(|(there, here)| there != here);
    is_other.then_some(Kind::Reason)
}

/// How two systems decided the same day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BesideReport {
    /// Of the system that decides.
    pub there: SideTotals,
    /// Of the node.
    pub here: SideTotals,
    /// Payments of which both say the same.
    pub same: u64,
    /// The others.
    pub differences: Vec<PaymentDifference>,
}

impl BesideReport {
    /// How many differences are of a kind.
    pub fn count(&self, kind: Kind) -> usize {
        self.differences.iter().filter(|difference| difference.kind == kind).count()
    }

    /// Whether the two decide alike.
    pub fn agrees(&self) -> bool {
        !self.differences.iter().any(|difference| difference.kind.is_a_fault())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(id: &str) -> PaymentName {
        PaymentName { debtor_agent: Bic::parse("ALFABEBB").unwrap(), transaction_id: id.into() }
    }

    fn decided(became: Became, reason: &str, cents: i64) -> Decided {
        let reason = ReasonCode::parse(reason).ok();
        Decided { became, reason, amount: Some((cents, Currency::EUR)), was_asked: false }
    }

    #[test]
    fn each_kind_of_difference_is_found_once() {
        use Became::{Expired, Rejected, Settled};
        let mut beside = Beside::default();
        for (id, there) in [
            ("SAME", decided(Settled, "", 100)),
            ("SAME-NO", decided(Rejected, "AM04", 100)),
            ("NO-REASON", decided(Rejected, "", 100)),
            ("LOST", decided(Settled, "", 200)),
            ("CENTS", decided(Settled, "", 100)),
            ("FUNDS", decided(Settled, "", 100)),
            ("CODE", decided(Rejected, "AC04", 100)),
            ("BANK", decided(Rejected, "AC06", 100)),
            ("SILENT", decided(Expired, "AB05", 100)),
        ] {
            beside.add_there(name(id), there).unwrap();
        }
        assert_eq!(beside.add_there(name("SAME"), decided(Settled, "", 100)), Err(Twice));
        let asked = Decided { was_asked: true, ..decided(Settled, "", 100) };
        for (id, here) in [
            ("SAME", decided(Settled, "", 100)),
            ("SAME-NO", decided(Rejected, "AM04", 100)),
            ("NO-REASON", decided(Rejected, "AM04", 100)),
            ("EXTRA", decided(Settled, "", 300)),
            ("CENTS", decided(Settled, "", 101)),
            ("FUNDS", decided(Rejected, "AM04", 100)),
            ("CODE", decided(Rejected, "AC06", 100)),
            ("BANK", asked),
            ("SILENT", asked),
        ] {
            beside.add_here(name(id), here).unwrap();
        }
        assert_eq!(beside.add_here(name("SAME"), decided(Settled, "", 100)), Err(Twice));
        let report = beside.finish();
        let found: Vec<_> = report
            .differences
            .iter()
            .map(|difference| (difference.kind.name(), &*difference.name.transaction_id))
            .collect();
        assert_eq!(
            found,
            [
                ("only_there", "LOST"),
                ("only_here", "EXTRA"),
                ("amount", "CENTS"),
                ("bank_answer", "BANK"),
                ("bank_answer", "SILENT"),
                ("outcome", "FUNDS"),
                ("reason", "CODE"),
            ]
        );
        assert_eq!((report.same, report.there.payments, report.here.payments), (3, 9, 9));
        assert_eq!((report.there.settled, report.here.settled), (4, 5));
        assert_eq!(report.there.sums[&Currency::EUR], 500);
        assert!(!report.agrees());
    }

    #[test]
    fn what_other_banks_said_is_no_fault() {
        let mut beside = Beside::default();
        beside.add_there(name("BANK"), decided(Became::Rejected, "AC06", 1)).unwrap();
        let here = Decided { was_asked: true, ..decided(Became::Settled, "", 1) };
        beside.add_here(name("BANK"), here).unwrap();
        let report = beside.finish();
        assert!(report.agrees());
        assert_eq!(report.count(Kind::BankAnswer), 1);
    }

    #[test]
    fn outcomes_have_the_names_of_the_contract() {
        for became in [Became::Settled, Became::Rejected, Became::Expired, Became::Open] {
            assert_eq!(Became::from_name(&became.name().to_lowercase()), Some(became));
        }
        assert_eq!(Became::from_name("PAID"), None);
    }
}
