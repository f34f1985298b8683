//! What a bank hears: questions, and what became of payments.

use engine::{Notice, RecallStep, RecallTold, StoredOrder};
use ledger::{Crossing, OpenQuestion, Payment, Stage, Told, Verdict};
use tonic::Status;
use types::{Bic, PaymentState, Sequence};

use crate::log::orders;
use crate::node::Node;
use crate::refusals::log_unreadable;

/// One thing that a bank hears.
// Boxes would cost each of them an allocation.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
pub(crate) enum Heard {
    /// It is asked.
    Asked(Asked),
    /// A payment is final.
    Report(Report),
    /// A booking took its position or limit across a bound.
    Crossed(Crossed),
    /// It is asked to give a payment back, or what it asked back was answered.
    Recalled(Recalled),
}

/// That a payment was asked back, or that this was answered, as the bank is told it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recalled {
    pub(crate) said: RecallTold,
    /// Whether it may have been told before.
    pub(crate) is_repeat: bool,
}

impl Recalled {
    /// What of this a bank is told: the payee's that it is asked, the payer's what was answered.
    pub(super) fn to(bank: Bic, said: &RecallTold, is_repeat: bool) -> Option<Self> {
        let hears = match said.step {
            RecallStep::Requested { .. } => said.creditor_agent,
            RecallStep::Answered(_) => said.debtor_agent,
        };
        (hears == bank).then_some(Self { said: *said, is_repeat })
    }
}

/// That a bound was crossed, as the bank is told it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crossed {
    pub(crate) crossing: Crossing,
    /// Whether it may have been told before.
    pub(crate) is_repeat: bool,
}

/// What a bank hears beside questions, in the order of the log.
// Boxes would cost each of them an allocation.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
pub(super) enum News {
    Report(Report),
    Crossed(Crossed),
    Recalled(Recalled),
}

impl News {
    /// The position that decided.
    pub(super) const fn position(&self) -> Sequence {
        match self {
            Self::Report(report) => report.position(),
            Self::Crossed(crossed) => crossed.crossing.decided_at,
            Self::Recalled(recalled) => recalled.said.decided_at,
        }
    }

    /// Marks that it may have been told before.
    pub(super) const fn mark_repeat(&mut self) {
        match self {
            Self::Report(report) => report.is_repeat = true,
            Self::Crossed(crossed) => crossed.is_repeat = true,
            Self::Recalled(recalled) => recalled.is_repeat = true,
        }
    }

    pub(super) fn into_heard(self) -> Heard {
        match self {
            Self::Report(report) => Heard::Report(report),
            Self::Crossed(crossed) => Heard::Crossed(crossed),
            Self::Recalled(recalled) => Heard::Recalled(recalled),
        }
    }
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

impl Report {
    /// The position that decided.
    pub(crate) const fn position(&self) -> Sequence {
        self.payment.decided_at()
    }
}

/// The questions among notices, in their order; the notices are emptied. What was asked up to `repeats_upto` is marked.
pub(super) async fn asked(
    node: &Node,
    notices: &mut Vec<Notice>,
    repeats_upto: Sequence,
) -> Result<Vec<Asked>, Status> {
    let without = notices.iter().filter_map(|notice| match notice {
        Notice::Asked { question, order: None, .. } => Some(question.payment),
        Notice::Asked { .. }
        | Notice::Outcome { .. }
        | Notice::Changed { .. }
        | Notice::Crossed(_)
        | Notice::Recall(_)
        | Notice::HoldExpired(_)
        | Notice::Exception(_)
        | Notice::Request(_)
        | Notice::Orders(_) => None,
    });
    let missing: Vec<Sequence> = without.collect();
    let found = orders(node, missing).await?;
    let mut asked = Vec::with_capacity(notices.len());
    for notice in notices.drain(..) {
        if let Notice::Asked { question, payment, order, .. } = notice {
            let order = order.or_else(|| found.get(&question.payment).cloned());
            let order = order.ok_or_else(log_unreadable)?;
            asked.push(Asked { question, payment, order, is_repeat: question.asked_at <= repeats_upto });
        }
    }
    Ok(asked)
}

/// What a notice tells a bank. What happened up to `repeats_upto` is marked.
pub(super) fn news_of(notice: &Notice, bank: Bic, repeats_upto: Sequence, mut tell: impl FnMut(News)) {
    if let Notice::Crossed(crossing) = notice
        && crossing.bank == bank
    {
        let is_repeat = notice.position() <= repeats_upto;
        return tell(News::Crossed(Crossed { crossing: *crossing, is_repeat }));
    }
    if let Notice::Recall(said) = notice {
        let recalled = Recalled::to(bank, said, notice.position() <= repeats_upto);
        return recalled.into_iter().for_each(|recalled| tell(News::Recalled(recalled)));
    }
    let Notice::Outcome { outcome, payment, creditor_agent, order } = notice else { return };
    let is_final = matches!(outcome.verdict, Verdict::Payment { state, .. } if state.is_final());
    if is_final {
        let is_late = outcome.late || payment.is_late();
        let is_creditor = *creditor_agent == Some(bank);
        let is_repeat = notice.position() <= repeats_upto;
        reports(payment, bank, is_creditor, is_late, order.as_ref(), is_repeat, |report| {
            tell(News::Report(report));
        });
    }
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
