//! What a bank hears: questions, and what became of payments.

use engine::{Notice, StoredOrder};
use ledger::{OpenQuestion, Payment, Stage, Told, Verdict};
use tonic::Status;
use types::{Bic, PaymentState, Sequence};

use crate::log::orders;
use crate::node::Node;

/// One thing that a bank hears.
// Boxes would cost each of them an allocation.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
pub(crate) enum Heard {
    /// It is asked.
    Asked(Asked),
    /// A payment is final.
    Report(Report),
}

/// A question to a bank.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) question: OpenQuestion,
    pub(crate) payment: Payment,
    pub(crate) order: StoredOrder,
    /// Whether it may have been asked before.
    pub(crate) is_repeat: bool,
}

/// The final outcome of a payment, as one of its banks is told it.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) payment: Payment,
    /// Which side the bank is on.
    pub(crate) side: Stage,
    pub(crate) told: Told,
    /// Whether the settlement was confirmed late.
    pub(crate) is_late: bool,
    /// The order, if it was at hand. Reports in ISO 20022 are made from it.
    #[allow(dead_code)]
    pub(crate) order: Option<StoredOrder>,
    /// Whether it may have been told before.
    pub(crate) is_repeat: bool,
}

impl Heard {
    /// The position at which it happened.
    pub(crate) const fn position(&self) -> Sequence {
        match self {
            Self::Asked(asked) => asked.question.asked_at,
            Self::Report(report) => report.payment.decided_at(),
        }
    }
}

/// Puts notices into what the bank hears, in their order, and empties them. What happened up to `repeats_upto` is
/// marked.
pub(super) async fn told(
    node: &Node,
    bank: Bic,
    notices: &mut Vec<Notice>,
    repeats_upto: Sequence,
) -> Result<Vec<Heard>, Status> {
    let without = notices.iter().filter_map(|notice| match notice {
        Notice::Asked { question, order: None, .. } => Some(question.payment),
        Notice::Asked { .. } | Notice::Outcome { .. } | Notice::Changed { .. } => None,
    });
    let missing: Vec<Sequence> = without.collect();
    let found = orders(node, missing).await?;
    let mut heard = Vec::with_capacity(notices.len());
    for notice in notices.drain(..) {
        let is_repeat = notice.position() <= repeats_upto;
        match notice {
            Notice::Asked { question, payment, order, .. } => {
                let order = order.or_else(|| found.get(&question.payment).cloned());
                let Some(order) = order else { return Err(crate::refusals::log_unreadable()) };
                heard.push(Heard::Asked(Asked { question, payment, order, is_repeat }));
            }
            Notice::Outcome { outcome, payment, creditor_agent, order } => {
                let is_final = match outcome.verdict {
                    Verdict::Payment { state, .. } => state.is_final(),
                    Verdict::Answer { .. } | Verdict::Done { .. } | Verdict::Refused { .. } => false,
                };
                if is_final {
                    let is_late = outcome.late || payment.is_late();
                    let is_creditor = creditor_agent == Some(bank);
                    reports(&payment, bank, is_creditor, is_late, order.as_ref(), is_repeat, |report| {
                        heard.push(Heard::Report(report));
                    });
                }
            }
            Notice::Changed { .. } => {}
        }
    }
    Ok(heard)
}

/// What a bank is told of a payment that is final: one report for each of the sides that it is on.
pub(super) fn reports(
    payment: &Payment,
    bank: Bic,
    is_creditor: bool,
    is_late: bool,
    order: Option<&StoredOrder>,
    is_repeat: bool,
    mut tell: impl FnMut(Report),
) {
    assert!(payment.state() != PaymentState::Reserved, "only what is final is reported");
    let sides = [(Stage::Debit, payment.debtor_agent() == bank), (Stage::Credit, is_creditor)];
    for (side, _) in sides.into_iter().filter(|(_, is_on)| *is_on) {
        if let Some(told) = payment.told_to(side) {
            let (payment, order) = (*payment, order.cloned());
            tell(Report { payment, side, told, is_late, order, is_repeat });
        }
    }
}
