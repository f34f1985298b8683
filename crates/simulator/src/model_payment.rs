//! The model's payments: the table of docs/errors.md from top to bottom.

use ledger::{AccountKind, AccountMode, AccountStatus, Direction, QuestionState, Remark, Verdict};
use rust_decimal::Decimal;
use types::{PaymentState, ReasonCode, Sequence, StatusReason};

use super::customer::Refused;
use super::waiting::Waits;
use super::{Compared, EURO, EXPIRY, Expected, Model, Payment, Place, TOLERANCE, money};
use crate::step::Pay;

/// Where one side's account is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Here(u32),
    InOtherCurrency(u32),
    AtItsBank,
    Nowhere,
}

impl Side {
    const fn here(self) -> Option<u32> {
        match self {
            Self::Here(number) | Self::InOtherCurrency(number) => Some(number),
            Self::AtItsBank | Self::Nowhere => None,
        }
    }
}

impl Model {
    pub(super) fn held(&self, key: (u8, u32)) -> Option<(Sequence, &Payment)> {
        let mut payments = self.payments.iter();
        payments.find(|(_, known)| known.holds_key && known.key == key).map(|(at, known)| (*at, known))
    }

    pub(super) fn payment(
        &mut self,
        payment: &Pay,
        compared: Compared,
        refused: Option<StatusReason>,
    ) -> Expected {
        let key = (payment.debtor_bank, payment.id);
        if self.bank(payment.debtor_bank).is_none() {
            return self.rejected(key, compared, StatusReason::DebtorBankNotRegistered, false);
        }
        if let Some((sequence, earlier)) = self.held(key) {
            if earlier.compared != compared {
                return self.rejected(key, compared, StatusReason::Duplication, false);
            }
            let (state, reason, repeat_of) = (earlier.state, earlier.reason, Some(sequence));
            let verdict = Verdict::Payment { state, reason, repeat_of };
            let (decided_at, remark) = (earlier.decided_at, earlier.remark);
            let balances = [Decimal::ZERO; 4];
            return Expected { verdict, decided_at, balances, remark, alerts: [false; 4] };
        }
        if let Some(reason) = refused {
            return self.rejected(key, compared, reason, true);
        }
        let tried = self.try_payment(payment, compared);
        tried.unwrap_or_else(|refused| self.refused(key, compared, refused, true))
    }

    /// Books or reserves a payment whose key is free, unless something is against it.
    pub(super) fn try_payment(&mut self, payment: &Pay, compared: Compared) -> Result<Expected, Refused> {
        let key = (payment.debtor_bank, payment.id);
        Ok(match self.judge(payment)? {
            Judged::Settled(told, fee) => {
                let settled = self.decided(key, compared, None, true, told);
                Expected { remark: fee_of(fee), ..settled }
            }
            Judged::Waits(waits) => self.reserve(key, compared, waits),
        })
    }

    /// A stranger's attempt: refused, whatever the key has been through.
    pub(super) fn not_entitled(&mut self, payment: &Pay) -> Expected {
        let key = (payment.debtor_bank, payment.id);
        self.rejected(key, Compared::Order(payment.body), StatusReason::SenderNotEntitled, false)
    }

    fn rejected(
        &mut self,
        key: (u8, u32),
        compared: Compared,
        reason: StatusReason,
        holds_key: bool,
    ) -> Expected {
        self.refused(key, compared, reason.into(), holds_key)
    }

    pub(super) fn refused(
        &mut self,
        key: (u8, u32),
        compared: Compared,
        refused: Refused,
        holds_key: bool,
    ) -> Expected {
        let expected = self.decided(key, compared, Some(refused.reason.code()), holds_key, [None; 4]);
        let at = self.at.sequence;
        self.payments.get_mut(&at).expect("it was just decided").remark = refused.remark;
        Expected { remark: refused.remark, ..expected }
    }

    fn decided(
        &mut self,
        key: (u8, u32),
        compared: Compared,
        reason: Option<ReasonCode>,
        holds_key: bool,
        told: [Option<u32>; 4],
    ) -> Expected {
        let state = if reason.is_some() { PaymentState::Rejected } else { PaymentState::Settled };
        self.totals[usize::from(reason.is_some())] += 1;
        let received = self.at.time;
        let payment = Payment {
            key,
            holds_key,
            compared,
            received,
            state,
            reason,
            remark: Remark::None,
            decided_at: self.at.sequence,
            decided_time: received,
            questions: [QuestionState::NotAsked; 2],
            creditor_bank: 0,
            waits: None,
        };
        self.payments.insert(self.at.sequence, payment);
        let verdict = Verdict::Payment { state, reason, repeat_of: None };
        let (decided_at, balances) = (self.at.sequence, self.balances(told));
        Expected { verdict, decided_at, balances, remark: Remark::None, alerts: self.alerts() }
    }

    pub(super) fn balances(&self, told: [Option<u32>; 4]) -> [Decimal; 4] {
        told.map(|number| number.map_or(Decimal::ZERO, |number| self.accounts[&number].balance))
    }

    /// The table from CNOR on. Books the payment if nothing is against it; says whose balances are told.
    fn judge(&mut self, payment: &Pay) -> Result<Judged, Refused> {
        let (debtor_bank, creditor_bank) = (payment.debtor_bank, payment.body.creditor_bank);
        if self.bank(creditor_bank).is_none() {
            return Err(StatusReason::CreditorBankNotRegistered.into());
        }
        if self.is_closed_for(debtor_bank, payment.body.currency, Direction::Debit) {
            return Err(StatusReason::AgentSuspended.into());
        }
        if self.is_closed_for(creditor_bank, payment.body.currency, Direction::Credit) {
            return Err(StatusReason::CreditorAgentSuspended.into());
        }
        let accepted = payment.acceptance_time();
        if accepted.plus(EXPIRY) <= self.at.time {
            return Err(StatusReason::TimeoutCreditorAgent.into());
        }
        if accepted > self.at.time.plus(TOLERANCE) {
            return Err(StatusReason::InvalidDate.into());
        }
        let body = &payment.body;
        let creditor = self.side(creditor_bank, body.creditor, body.currency);
        let debtor = self.side(debtor_bank, body.debtor, body.currency);
        if creditor == Side::Nowhere {
            return Err(StatusReason::IncorrectAccountNumber.into());
        }
        if debtor == Side::Nowhere {
            return Err(StatusReason::InvalidDebtorAccountNumber.into());
        }
        self.check_accounts(debtor, creditor)?;
        if body.debtor == body.creditor {
            return Err(StatusReason::TransactionForbidden.into());
        }
        let elsewhere = |side| matches!(side, Side::InOtherCurrency(_));
        if body.currency != EURO || elsewhere(debtor) || elsewhere(creditor) {
            return Err(StatusReason::NotAllowedCurrency.into());
        }
        self.check_allowance(debtor.here(), money(body.amount))?;
        self.pay(payment, debtor.here(), creditor.here())
    }

    fn side(&self, bank: u8, account: u8, currency: u8) -> Side {
        let mode = self.bank(bank).expect("both banks are known by now").1.mode;
        let kept = |wanted: Option<u8>| {
            self.find(|known| {
                known.is_customer(account)
                    && known.bank == Some(bank)
                    && wanted.is_none_or(|currency| known.currency == currency)
            })
        };
        match mode {
            AccountMode::Remote => Side::AtItsBank,
            AccountMode::Hosted | AccountMode::Mixed => match (kept(Some(currency)), kept(None)) {
                (Some((number, _)), _) => Side::Here(number),
                (None, Some((number, _))) => Side::InOtherCurrency(number),
                (None, None) if mode == AccountMode::Mixed => Side::AtItsBank,
                (None, None) => Side::Nowhere,
            },
        }
    }

    fn check_accounts(&self, debtor: Side, creditor: Side) -> Result<(), StatusReason> {
        let here = [debtor, creditor].map(|side| side.here().map(|number| &self.accounts[&number]));
        let known = || here.iter().flatten();
        if known().any(|account| account.status == AccountStatus::Closed) {
            return Err(StatusReason::ClosedAccountNumber);
        }
        let directions = [Direction::Debit, Direction::Credit];
        let mut sides = here.iter().zip(directions).filter_map(|(account, way)| Some(((*account)?, way)));
        if sides.any(|(account, direction)| account.is_blocked_for(direction)) {
            return Err(StatusReason::BlockedAccount);
        }
        if known().any(|account| account.is_restricted) {
            return Err(StatusReason::RegulatoryReason);
        }
        if known().any(|account| matches!(account.place, Place::Customer(_, AccountKind::Savings))) {
            return Err(StatusReason::TransactionForbidden);
        }
        Ok(())
    }

    /// Funds, positions and the banks that have to be asked; then the bookings, or what is set aside for them.
    fn pay(&mut self, payment: &Pay, debtor: Option<u32>, creditor: Option<u32>) -> Result<Judged, Refused> {
        let amount = money(payment.body.amount);
        let (debtor_bank, creditor_bank) = (payment.debtor_bank, payment.body.creditor_bank);
        let internal = |bank, place| self.internal(Some(bank), place, EURO).map(|(number, _)| number);
        let no_euro = StatusReason::NotAllowedCurrency;
        internal(debtor_bank, Place::Core).ok_or(no_euro)?;
        internal(creditor_bank, Place::Core).ok_or(no_euro)?;
        let positions = self.positions(debtor_bank, creditor_bank).ok_or(no_euro)?;
        let fee = self.fee(debtor_bank, debtor);
        let sides = Sides { debtor_bank, creditor_bank, debtor, creditor, positions, amount, fee };
        if self.is_blocked(sides) {
            return Err(StatusReason::SettlementFailed.into());
        }
        if debtor.is_some_and(|number| !self.accounts[&number].covers(amount + fee)) {
            return Err(StatusReason::InsufficientFunds.into());
        }
        if !self.positions_cover(sides) {
            return Err(StatusReason::AmountExceedsSettlementLimit.into());
        }
        match self.questions(payment, sides)? {
            [None, None] => {
                self.book_sides(sides);
                self.spend(debtor, amount);
                Ok(Judged::Settled(sides.told(), fee))
            }
            questions => Ok(Judged::Waits(Waits::new(payment, sides, questions, self.at.time))),
        }
    }

    /// The bookings of one of the rows of the design's table.
    pub(super) fn book_sides(&mut self, sides: Sides) {
        let internal =
            |model: &Self, bank, place| model.internal(Some(bank), place, EURO).expect("a bank has a book").0;
        let Sides { debtor_bank, creditor_bank, debtor, creditor, positions, amount, fee } = sides;
        if let Some(payer) = debtor {
            self.book(payer, internal(self, debtor_bank, Place::Core), fee);
        }
        let [Some(debtor_position), Some(creditor_position)] = positions else {
            let core = internal(self, debtor_bank, Place::Core);
            return self.book(debtor.unwrap_or(core), creditor.unwrap_or(core), amount);
        };
        if let Some(payer) = debtor {
            self.book(payer, internal(self, debtor_bank, Place::Clearing), amount);
        }
        if let Some(payee) = creditor {
            self.book(internal(self, creditor_bank, Place::Clearing), payee, amount);
        }
        self.book_positions(sides, [debtor_position, creditor_position]);
    }
}

/// What nothing is against.
enum Judged {
    /// Whose balances are told, and the fee.
    Settled([Option<u32>; 4], Decimal),
    Waits(Waits),
}

/// The two sides of a payment, with the accounts that are here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sides {
    pub(super) debtor_bank: u8,
    pub(super) creditor_bank: u8,
    pub(super) debtor: Option<u32>,
    pub(super) creditor: Option<u32>,
    pub(super) positions: [Option<u32>; 2],
    pub(super) amount: Decimal,
    pub(super) fee: Decimal,
}

/// A fee as it is told.
pub(super) fn fee_of(fee: Decimal) -> Remark {
    let minor_units = fee * Decimal::ONE_HUNDRED;
    Remark::fee_of(u32::try_from(minor_units).expect("a fee is a small number of minor units"))
}

impl Sides {
    pub(super) fn told(&self) -> [Option<u32>; 4] {
        [self.debtor, self.creditor, self.positions[0], self.positions[1]]
    }
}
