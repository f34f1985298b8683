//! The model's master data and money from outside: banks, accounts, postings and liquidity.

use std::collections::BTreeMap;

use ledger::{
    AccountKind, AccountMode, AccountStatus, Blocks, DecisionPolicy, Direction, LiquidityDirection,
    ParticipantStatus, Refusal, Zone,
};
use rust_decimal::Decimal;

use super::{Account, Bank, CURRENCIES_MAX, Model, Place, UNANSWERED_MAX};

impl Model {
    pub(super) fn register(
        &mut self,
        bank: u8,
        mode: AccountMode,
        currency: u8,
    ) -> Result<(u64, Decimal), Refusal> {
        if self.bank(bank).is_some() {
            return Err(Refusal::ParticipantExists);
        }
        if self.internal(None, Place::Funding, currency).is_none() {
            self.open(None, Place::Funding, currency, None);
        }
        self.open_book(bank, currency);
        self.open(Some(bank), Place::Position, currency, Some(Decimal::ZERO));
        Ok((self.enter(bank, mode), Decimal::ZERO))
    }

    /// A bank is known from now on, by this number.
    pub(super) fn enter(&mut self, bank: u8, mode: AccountMode) -> u64 {
        self.banks.push(Bank {
            bank,
            mode,
            status: ParticipantStatus::Active,
            policy: DecisionPolicy::NONE,
            unanswered_max: UNANSWERED_MAX,
            fees: BTreeMap::new(),
            zone: Zone::default(),
            blocks: Blocks::NONE,
            parties: BTreeMap::new(),
            is_silence_answered: false,
        });
        self.bank(bank).expect("it has just entered").0
    }

    pub(super) fn set_bank_status(
        &mut self,
        bank: u8,
        status: ParticipantStatus,
    ) -> Result<(u64, Decimal), Refusal> {
        self.change_bank(bank, |known| known.status = status)
    }

    pub(super) fn change_bank(
        &mut self,
        bank: u8,
        change: impl Fn(&mut Bank),
    ) -> Result<(u64, Decimal), Refusal> {
        let number = self.bank(bank).ok_or(Refusal::ParticipantUnknown)?.0;
        self.banks.iter_mut().filter(|known| known.bank == bank).for_each(change);
        Ok((number, Decimal::ZERO))
    }

    pub(super) fn set_flag(
        &mut self,
        account: u8,
        currency: u8,
        is_flagged: bool,
    ) -> Result<(u64, Decimal), Refusal> {
        let number = self.open_customer(account, currency)?;
        let known = self.account(number);
        known.is_flagged = is_flagged;
        Ok((u64::from(number), known.balance))
    }

    pub(super) fn open_account(
        &mut self,
        bank: u8,
        account: u8,
        currency: u8,
        kind: AccountKind,
        floor: Decimal,
    ) -> Result<(u64, Decimal), Refusal> {
        let (_, keeper) = self.bank(bank).ok_or(Refusal::ParticipantUnknown)?;
        if keeper.mode == AccountMode::Remote {
            return Err(Refusal::AccountsNotHosted);
        }
        let elsewhere = |known: &Account| known.is_customer(account) && known.bank != Some(bank);
        if self.customer(account, currency).is_some() || self.find(elsewhere).is_some() {
            return Err(Refusal::AccountExists);
        }
        if floor > Decimal::ZERO {
            return Err(Refusal::FloorAboveAvailable);
        }
        if !self.has_book(bank, currency) {
            let is_core = |known: &&Account| known.bank == Some(bank) && known.place == Place::Core;
            if self.accounts.values().filter(is_core).count() == CURRENCIES_MAX {
                return Err(Refusal::CurrencyLimit);
            }
            self.open_book(bank, currency);
        }
        let number = self.open(Some(bank), Place::Customer(account, kind), currency, Some(floor));
        Ok((u64::from(number), Decimal::ZERO))
    }

    pub(super) fn open_customer(&self, account: u8, currency: u8) -> Result<u32, Refusal> {
        let (number, known) = self.customer(account, currency).ok_or(Refusal::AccountUnknown)?;
        match known.status {
            AccountStatus::Closed => Err(Refusal::AccountClosed),
            AccountStatus::Active | AccountStatus::Blocked => Ok(number),
        }
    }

    pub(super) fn set_account_status(
        &mut self,
        account: u8,
        currency: u8,
        status: AccountStatus,
    ) -> Result<(u64, Decimal), Refusal> {
        let number = self.open_customer(account, currency)?;
        let known = self.account(number);
        if status == AccountStatus::Closed
            && !(known.balance.is_zero() && known.reserved.is_zero() && known.held.is_zero())
        {
            return Err(Refusal::AccountNotEmpty);
        }
        known.status = status;
        Ok((u64::from(number), known.balance))
    }

    pub(super) fn set_floor(
        &mut self,
        account: u8,
        currency: u8,
        floor: Decimal,
    ) -> Result<(u64, Decimal), Refusal> {
        let number = self.open_customer(account, currency)?;
        let known = self.account(number);
        if floor > known.available() {
            return Err(Refusal::FloorAboveAvailable);
        }
        known.floor = Some(floor);
        Ok((u64::from(number), known.balance))
    }

    pub(super) fn post(
        &mut self,
        account: u8,
        currency: u8,
        direction: Direction,
        amount: Decimal,
    ) -> Result<(u64, Decimal), Refusal> {
        let number = self.open_customer(account, currency)?;
        if self.account(number).is_blocked_for(direction) {
            return Err(Refusal::AccountBlocked);
        }
        let bank = self.account(number).bank;
        let core = self.internal(bank, Place::Core, currency).expect("a customer's bank has a book").0;
        match direction {
            Direction::Credit => self.book(core, number, amount),
            Direction::Debit if !self.account(number).covers(amount) => {
                return Err(Refusal::InsufficientFunds);
            }
            Direction::Debit => self.book(number, core, amount),
        }
        Ok((u64::from(number), self.account(number).balance))
    }

    pub(super) fn move_liquidity(
        &mut self,
        bank: u8,
        currency: u8,
        direction: LiquidityDirection,
        amount: Decimal,
        reference: u32,
    ) -> Result<(u64, Decimal), Refusal> {
        self.bank(bank).ok_or(Refusal::ParticipantUnknown)?;
        let position = self.internal(Some(bank), Place::Position, currency);
        let position = position.ok_or(Refusal::PositionUnknown)?.0;
        if self.references.contains(&(bank, reference)) {
            return Err(Refusal::ReferenceReused);
        }
        let funding = self.internal(None, Place::Funding, currency).expect("positions have one").0;
        let side = match direction {
            LiquidityDirection::Fund => Direction::Credit,
            LiquidityDirection::Defund => Direction::Debit,
        };
        if self.account(position).is_blocked_for(side) {
            return Err(Refusal::PositionBlocked);
        }
        match direction {
            LiquidityDirection::Fund => self.book(funding, position, amount),
            LiquidityDirection::Defund if !self.account(position).covers(amount) => {
                return Err(Refusal::InsufficientFunds);
            }
            LiquidityDirection::Defund => self.book(position, funding, amount),
        }
        self.cross_position(position, side, amount);
        self.references.insert((bank, reference));
        Ok((u64::from(position), self.account(position).balance))
    }
}
