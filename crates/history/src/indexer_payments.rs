//! The rows of payments: what came of them, in whose lists they stand, and what they booked.

use ledger::{OutcomeEntry, Remark, Stage};
use types::{Bic, Currency, ParticipantNumber, PaymentState, ReasonCode, Sequence, StatusReason};

use super::bookings::Passage;
use super::{IndexError, Indexer, When};
use crate::bookings::BookSide;
use crate::keys::{self, Name, Series};
use crate::rows::{AccountOf, Decided, EntryKind, EntryRow, ListedRow, PaymentRow};
use crate::store::StoreError;
use crate::walk;
use crate::window::{self, Order};

impl Indexer {
    /// Takes in the first outcome of a payment.
    pub(super) fn payment(
        &mut self,
        order: &Order,
        entry: &OutcomeEntry,
        when: When,
    ) -> Result<(), IndexError> {
        let key = self.key.ok_or(IndexError::NoKey)?;
        let sequence = entry.sequence();
        let state = entry.payment_state().ok_or(IndexError::Unknown { sequence, what: "state" })?;
        let reason = entry.reason();
        let accounts = match (order.accounts, order.amount, order.creditor_agent) {
            (Some([debtor, creditor]), Some((_, currency)), Some(creditor_agent)) => [
                self.account_of(debtor, currency, order.debtor_agent)?,
                self.account_of(creditor, currency, creditor_agent)?,
            ],
            _ => [AccountOf::NotRead; 2],
        };
        let row = PaymentRow {
            sequence,
            received_time: when.time,
            decided_at: sequence,
            decided_time: when.time,
            acceptance_time: order.acceptance_time,
            state,
            reason,
            // What it will be told if the payment expires: it is not shown before.
            reason_to_creditor: self
                .profiles
                .get(&order.profile)
                .filter(|_| state == PaymentState::Reserved)
                .copied(),
            debtor_agent: order.debtor_agent,
            creditor_agent: order.creditor_agent,
            debtor_account: accounts[0],
            creditor_account: accounts[1],
            amount: order.amount,
            transaction_id: order.transaction_id.clone(),
            channel: order.channel,
            is_not_entitled: order.is_not_entitled,
            is_late: entry.is_late(),
            is_told_to_creditor: state == PaymentState::Settled,
            is_debtor_asked: false,
            is_creditor_asked: false,
            remark: if state == PaymentState::Settled { Remark::None } else { entry.remark() },
        };
        let day = keys::day(when.time);
        if holds_key(order, reason) {
            let name = Name::transaction_id(&key, row.debtor_agent, row.transaction_id.as_str());
            self.pending.names.push((name.on(day), sequence));
        }
        if let Some(name) = order.end_to_end {
            self.pending.references.push(name.of_payment(day, sequence));
        }
        self.list(&row, when, true);
        if state == PaymentState::Settled {
            self.book(&row, entry, when)?;
        }
        if !state.is_final() {
            self.open.insert(sequence, row.clone());
        }
        self.pending.payment(row);
        Ok(())
    }

    /// Takes in the final outcome of a payment that was reserved: by time, or by a bank's answer.
    pub(super) fn decided(
        &mut self,
        payment: Sequence,
        entry: &OutcomeEntry,
        when: When,
        by: Option<(Stage, bool)>,
    ) -> Result<(), IndexError> {
        let unknown = |what| IndexError::Unknown { sequence: payment, what };
        let state = entry.payment_state().ok_or_else(|| unknown("state"))?;
        let mut row = self.take_open(payment)?;
        // In one batch a row has one value.
        self.pending.asked_on.remove(&payment);
        let reason = entry.reason();
        let last_asked = match (by, state) {
            (Some((stage, _)), _) => Some(stage),
            (None, PaymentState::Expired) if reason == Some(StatusReason::TimeoutDebtorAgent.code()) => {
                Some(Stage::Debit)
            }
            (None, PaymentState::Expired) => Some(Stage::Credit),
            // Somebody's silence was taken for a yes; the log does not say whose.
            (
                None,
                PaymentState::Reserved
                | PaymentState::Settled
                | PaymentState::Rejected
                | PaymentState::Unresolved,
            ) => None,
        };
        let is_told_to_creditor = match state {
            PaymentState::Settled => true,
            // Everyone had agreed, and it could not be booked any more.
            PaymentState::Rejected => by == Some((Stage::Credit, true)),
            PaymentState::Expired => reason != Some(StatusReason::TimeoutDebtorAgent.code()),
            PaymentState::Reserved | PaymentState::Unresolved => false,
        };
        let is_expired = state == PaymentState::Expired && is_told_to_creditor;
        let decided = Decided {
            decided_at: entry.decided_at(),
            decided_time: when.time,
            state,
            reason,
            reason_to_creditor: row.reason_to_creditor.filter(|_| is_expired),
            is_late: entry.is_late(),
            is_told_to_creditor,
            is_debtor_asked: row.is_debtor_asked || last_asked == Some(Stage::Debit),
            is_creditor_asked: last_asked == Some(Stage::Credit),
        };
        row.decide(&decided);
        self.pending.decisions.push((payment, decided));
        self.pending.items += 1;
        self.list(&row, when, false);
        if state == PaymentState::Settled {
            self.book(&row, entry, when)?;
        }
        Ok(())
    }

    /// Takes in that the payer's bank has agreed, and that the payee's is asked now.
    pub(super) fn asked_on(&mut self, payment: Sequence) -> Result<(), IndexError> {
        let mut row = self.take_open(payment)?;
        let decided = Decided {
            decided_at: row.decided_at,
            decided_time: row.decided_time,
            state: row.state,
            reason: row.reason,
            reason_to_creditor: row.reason_to_creditor,
            is_late: row.is_late,
            is_told_to_creditor: row.is_told_to_creditor,
            is_debtor_asked: true,
            is_creditor_asked: false,
        };
        row.decide(&decided);
        self.open.insert(payment, row);
        self.pending.asked_on.insert(payment, decided);
        self.pending.items += 1;
        Ok(())
    }

    /// Takes a payment out of those that wait.
    fn take_open(&mut self, payment: Sequence) -> Result<PaymentRow, IndexError> {
        let unknown = IndexError::Unknown { sequence: payment, what: "payment" };
        match self.open.remove(&payment) {
            Some(row) => Ok(row),
            // Reserved before the last start, or long ago.
            None => walk::payment(&self.store.reading(), payment)?.ok_or(unknown),
        }
    }

    /// Adds a payment to the lists of its banks: of the payer's when it comes in, of the payee's when that is told.
    fn list(&mut self, row: &PaymentRow, when: When, is_first: bool) {
        let debtor = self.banks.number(Some(row.debtor_agent));
        let creditor = self.banks.number(row.creditor_agent);
        let is_inside = debtor != 0 && debtor == creditor;
        let is_debtor_side = is_first && debtor != 0 && !row.is_not_entitled;
        let is_creditor_side = creditor != 0 && !is_inside && row.is_told_to_creditor;
        let listed = |counterpart, is_debtor_side, is_creditor_side| ListedRow {
            place: when.place,
            time: when.time,
            payment: row.sequence,
            is_debtor_side,
            is_creditor_side,
            state: row.state,
            amount: row.amount.map_or(0, |(amount, _)| amount.minor_units()),
            currency: row.amount.map_or(0, |(_, currency)| currency.number()),
            counterpart,
        };
        if is_debtor_side {
            // A payment inside a bank stands in its list once.
            self.pending.listed(ParticipantNumber(debtor), listed(creditor, true, is_inside));
        }
        if is_creditor_side {
            self.pending.listed(ParticipantNumber(creditor), listed(debtor, false, true));
        }
    }

    /// Adds the entries of a settlement. The balances were told after all of them, and the fee is the last.
    fn book(&mut self, row: &PaymentRow, entry: &OutcomeEntry, when: When) -> Result<(), IndexError> {
        let Some((amount, currency)) = row.amount else { return Ok(()) };
        let amount = amount.minor_units();
        let positions = self.banks.positions([Some(row.debtor_agent), row.creditor_agent], currency);
        let [debited, credited] = positions.map(|position| position.map(Series::position));
        let account = |account| match account {
            AccountOf::Here(number) => Some(Series::account(number)),
            AccountOf::Elsewhere(_) | AccountOf::NotRead => None,
        };
        let series = [account(row.debtor_account), account(row.creditor_account), debited, credited];
        let fee = i64::from(entry.remark().fee());
        let mut balances = entry.balances();
        let after_fee = balances[0];
        balances[0] += fee;
        let changes = [-amount, amount, -amount, amount];
        for ((series, change), balance) in series.into_iter().zip(changes).zip(balances) {
            let Some(series) = series else { continue };
            let (place, time, kind) = (when.place, when.time, EntryKind::Payment);
            self.pending
                .entry(series, EntryRow { place, time, kind, command: row.sequence, change, balance });
        }
        if let ([Some(payer), ..], 1..) = (series, fee) {
            let (place, time, kind) = (when.place.next(), when.time, EntryKind::Fee);
            let (command, change, balance) = (row.sequence, -fee, after_fee);
            self.pending.entry(payer, EntryRow { place, time, kind, command, change, balance });
        }
        self.book_sides(row, (amount, currency, fee), when)
    }

    /// Adds what a settlement booked in the books of its banks, and the fee behind it.
    fn book_sides(
        &mut self,
        row: &PaymentRow,
        (amount, currency, fee): (i64, Currency, i64),
        when: When,
    ) -> Result<(), IndexError> {
        let Some(creditor_agent) = row.creditor_agent else { return Ok(()) };
        let side = |account| match account {
            AccountOf::Here(number) => Some(BookSide::Customer(number)),
            AccountOf::Elsewhere(_) | AccountOf::NotRead => None,
        };
        let (kind, command) = (EntryKind::Payment, row.sequence);
        let from = (row.debtor_agent, side(row.debtor_account));
        let to = (creditor_agent, side(row.creditor_account));
        let payment = Some(command);
        self.pass(Passage { kind, command, currency, payment, amount, from, to }, when)?;
        match row.debtor_account {
            AccountOf::Here(payer) if fee > 0 => self.charge(
                EntryKind::Fee,
                (command, command),
                (row.debtor_agent, currency, payer),
                fee,
                when,
            ),
            AccountOf::Here(_) | AccountOf::Elsewhere(_) | AccountOf::NotRead => Ok(()),
        }
    }

    /// Which account a payment means: the bank's own of that number and currency, if there is one here.
    fn account_of(
        &self,
        named: window::AccountOf,
        currency: Currency,
        bank: Bic,
    ) -> Result<AccountOf, StoreError> {
        let owner = ParticipantNumber(self.banks.number(Some(bank)));
        if self.accounts.is_hint_right(named, currency, owner) {
            return Ok(AccountOf::Here(named.hint));
        }
        let found = match self.accounts.fresh.get(&(named.digest, currency.number())) {
            Some(account) => Some(*account),
            None => self.store.reading().account(named.digest, currency)?,
        };
        let half = *named.digest.0.first_chunk().expect("a digest has 16 bytes");
        Ok(found
            .filter(|account| account.owner == owner)
            .map_or(AccountOf::Elsewhere(half), |account| AccountOf::Here(account.number)))
    }
}

/// Whether a payment is the one that its key names: not an attempt with another body, nor one that was refused before
/// its key was looked at, nor one that was voided and is to be sent again.
fn holds_key(order: &Order, reason: Option<ReasonCode>) -> bool {
    // Nobody but a void says so of a payment that has just come in: a bank's own code comes with its answer.
    let voided = StatusReason::NotSpecified;
    let without = [StatusReason::Duplication, StatusReason::DebtorBankNotRegistered, voided];
    let without = without.map(|reason| reason.code());
    !order.is_not_entitled && reason.is_none_or(|reason| !without.contains(&reason))
}
