//! The model's accounts that take part in payments: everything that was ever said, the last of which counts.

use ledger::{Refusal, Stage, Verdict};
use rust_decimal::Decimal;

use super::{Expected, Model};
use crate::step::Pay;

/// Accounts of a bank take part, or do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Activation {
    /// The bank.
    pub(crate) bank: u8,
    /// Which account numbers, both included; all if none is said.
    pub(crate) range: Option<(u8, u8)>,
    /// Whether they take part.
    pub(crate) is_active: bool,
}

impl Model {
    pub(super) fn set_activation(
        &mut self,
        bank: u8,
        range: Option<(u8, u8)>,
        is_active: bool,
    ) -> Result<(u64, Decimal), Refusal> {
        let (number, _) = self.bank(bank).ok_or(Refusal::ParticipantUnknown)?;
        self.activations.push(Activation { bank, range, is_active });
        Ok((number, Decimal::ZERO))
    }

    /// Whether an account of a bank takes part.
    pub(crate) fn is_active(&self, bank: u8, account: u8) -> bool {
        let is_about = |said: &&Activation| {
            said.bank == bank && said.range.is_none_or(|(first, last)| (first..=last).contains(&account))
        };
        self.activations.iter().rev().find(is_about).is_none_or(|said| said.is_active)
    }

    /// What comes of a payment that was looked up by an older table, or with an account that takes no part.
    pub(super) fn not_active(&self, payment: &Pay) -> Option<Expected> {
        if self.is_outdated() {
            return Some(self.nothing_told(Verdict::AskAgain));
        }
        let stage = self.inactive_side(payment)?;
        Some(self.nothing_told(Verdict::NotActive { stage }))
    }

    /// Whether payments are looked up by another table than this one.
    pub(super) fn is_outdated(&self) -> bool {
        usize::try_from(self.looked_up_by).expect("32 bits") != self.activations.len()
    }

    /// On which side of a payment an account takes no part, the payer's first.
    pub(super) fn inactive_side(&self, payment: &Pay) -> Option<Stage> {
        let sides = [
            (Stage::Debit, payment.debtor_bank, payment.body.debtor),
            (Stage::Credit, payment.body.creditor_bank, payment.body.creditor),
        ];
        let inactive = sides.into_iter().find(|(_, bank, account)| !self.is_active(*bank, *account));
        inactive.map(|(stage, ..)| stage)
    }
}
