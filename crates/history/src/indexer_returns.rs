//! The entries of payments that went back after a recall.

use types::Sequence;

use super::{IndexError, Indexer, When};
use crate::keys::Series;
use crate::rows::{EntryKind, EntryRow, Place};
use crate::window::Return;

impl Indexer {
    /// Adds the entries of a payment that went back: from the payee to the payer, and the fee behind it.
    pub(super) fn give_back(
        &mut self,
        returned: &Return,
        command: Sequence,
        [payee, payer, payee_position, payer_position]: [i64; 4],
        when: When,
    ) -> Result<(), IndexError> {
        let Return { amount, fee, .. } = *returned;
        let mut add = |series, kind, change, balance, turn| {
            let place = Place { turn, ..when.place };
            self.pending.entry(series, EntryRow { place, time: when.time, kind, command, change, balance });
        };
        let turn = when.place.turn;
        if let Some(account) = returned.creditor_account.map(Series::account) {
            // The balance that was told is the one after both.
            add(account, EntryKind::Return, -amount, payee + fee, turn);
            if fee > 0 {
                add(account, EntryKind::ReturnFee, -fee, payee, turn + 1);
            }
        }
        if let Some(account) = returned.debtor_account.map(Series::account) {
            add(account, EntryKind::Return, amount, payer, turn);
        }
        if returned.debtor_agent == returned.creditor_agent {
            return Ok(());
        }
        let unknown = IndexError::Unknown { sequence: command, what: "bank" };
        let [from, to] = [returned.creditor_agent, returned.debtor_agent]
            .map(|bank| self.banks.find(bank).map(|it| it.number));
        let (Some(from), Some(to)) = (from, to) else { return Err(unknown) };
        add(Series::position(from), EntryKind::Return, -amount, payee_position, turn);
        add(Series::position(to), EntryKind::Return, amount, payer_position, turn);
        Ok(())
    }
}
