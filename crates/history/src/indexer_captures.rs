//! The entries of captures: what was held on an account, paid out to its payees.

use ledger::OutcomeEntry;

use super::bookings::Passage;
use super::{IndexError, Indexer, When};
use crate::bookings::BookSide;
use crate::keys::Series;
use crate::rows::{EntryKind, EntryRow};
use crate::window::{Awaited, Capture, Leg};

impl Indexer {
    /// Adds the entries of one leg. Its number is the turn of its place, by which its texts are found again.
    pub(super) fn captured(
        &mut self,
        number: u8,
        entry: &OutcomeEntry,
        when: When,
    ) -> Result<(), IndexError> {
        let command = entry.sequence();
        let unknown = |what| IndexError::Unknown { sequence: command, what };
        let (place, time, kind) = (when.place, when.time, EntryKind::HoldCapture);
        if place.turn != u16::from(number) {
            return Err(unknown("leg at this place"));
        }
        let Some(Awaited::Capture(capture)) = self.window.get(command) else {
            return Err(unknown("capture"));
        };
        let Capture { debtor_agent, debtor_account, currency, ref legs } = **capture;
        let leg = legs.get(usize::from(number)).ok_or_else(|| unknown("leg"))?;
        let Leg { creditor_agent, creditor_account, amount } = *leg;
        let passage = Passage {
            kind,
            command,
            currency,
            payment: None,
            amount,
            from: (debtor_agent, Some(BookSide::Customer(debtor_account))),
            to: (creditor_agent, Some(BookSide::Customer(creditor_account))),
        };
        let positions = self.banks.positions([Some(debtor_agent), Some(creditor_agent)], currency);
        let [debited, credited] = positions.map(|position| position.map(Series::position));
        let accounts = [debtor_account, creditor_account].map(|account| Some(Series::account(account)));
        let series = [accounts[0], accounts[1], debited, credited];
        let changes = [-amount, amount, -amount, amount];
        for ((series, change), balance) in series.into_iter().zip(changes).zip(entry.balances()) {
            if let Some(series) = series {
                let row = EntryRow { place, time, kind, command, change, balance };
                self.pending.entry(series, row);
            }
        }
        self.pass(passage, when)
    }
}
