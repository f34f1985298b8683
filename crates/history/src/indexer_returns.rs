//! The entries of payments that went back after a recall.

use types::Sequence;

use super::{Indexer, When};
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
    ) {
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
        let banks = [Some(returned.creditor_agent), Some(returned.debtor_agent)];
        if let [Some(from), Some(to)] = self.banks.positions(banks, returned.currency) {
            add(Series::position(from), EntryKind::Return, -amount, payee_position, turn);
            add(Series::position(to), EntryKind::Return, amount, payer_position, turn);
        }
    }
}
