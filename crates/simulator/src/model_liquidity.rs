//! The model's positions beside payments: who hears of them, who settles on them, and what they do not take.

use ledger::{AccountMode, Blocks, Direction, OwnAccount, ParticipantStatus, Refusal};
use rust_decimal::Decimal;
use types::Sequence;

use super::payment::Sides;
use super::{CURRENCIES_MAX, EURO, Model, Place, money};
use crate::step::Target;

/// A bank that settles on another's position.
#[derive(Clone, Debug)]
pub(crate) struct Party {
    /// On whose.
    pub(crate) host: u8,
    /// How much it may spend beyond what it received; none if that has no end.
    pub(crate) limit: Option<Decimal>,
    /// What it has spent beyond what it received.
    pub(crate) utilisation: Decimal,
    /// What is set aside for payments that wait.
    pub(crate) reserved: Decimal,
    /// Which payments it does not take.
    pub(crate) blocks: Blocks,
    /// It hears when what is left falls below the first or rises above the second.
    pub(crate) bounds: [Option<Decimal>; 2],
}

impl Party {
    /// What is left of the limit.
    pub(crate) fn headroom(&self) -> Option<Decimal> {
        self.limit.map(|limit| limit - self.utilisation)
    }
}

/// A bound that was crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Crossed {
    /// The position that decided.
    pub(crate) at: Sequence,
    /// Which of a position's floor and ceiling, a limit's floor and ceiling.
    pub(crate) which: usize,
    /// Whose.
    pub(crate) bank: u8,
    /// What is in the position; none of a limit.
    pub(crate) balance: Option<Decimal>,
}

/// The place of a bound among the bounds of a position, or of a limit.
const fn place(side: Direction) -> usize {
    match side {
        Direction::Debit => 0,
        Direction::Credit => 1,
    }
}

/// Whether a booking on this side led from below or above a bound to beyond it.
fn is_crossed(bounds: [Option<Decimal>; 2], side: Direction, after: Decimal, amount: Decimal) -> bool {
    match (side, bounds[place(side)]) {
        (_, None) => false,
        (Direction::Debit, Some(floor)) => after < floor && after + amount >= floor,
        (Direction::Credit, Some(ceiling)) => after > ceiling && after - amount <= ceiling,
    }
}

impl Model {
    /// Which bounds the decision at hand crossed.
    pub(super) fn alerts(&self) -> [bool; 4] {
        let crossed = &self.crossings[self.crossings_before..];
        [0, 1, 2, 3].map(|which| crossed.iter().any(|it| it.which == which))
    }

    pub(super) fn cross_position(&mut self, position: u32, side: Direction, amount: Decimal) {
        let known = &self.accounts[&position];
        if is_crossed(known.bounds, side, known.balance, amount) {
            let (bank, balance) = (known.bank.expect("positions are of banks"), Some(known.balance));
            let (at, which) = (self.at.sequence, place(side));
            self.crossings.push(Crossed { at, which, bank, balance });
        }
    }

    /// Where and how a bank settles on another's position.
    pub(crate) fn party(&self, bank: u8, currency: u8) -> Option<&Party> {
        self.bank(bank)?.1.parties.get(&currency)
    }

    fn change_party(&mut self, bank: u8, currency: u8, change: impl FnOnce(&mut Party)) {
        let bank = self.banks.iter_mut().find(|known| known.bank == bank);
        let party = bank.and_then(|known| known.parties.get_mut(&currency));
        change(party.expect("it has just been found"));
    }

    /// Whether a bank, or the one on whose position it settles, takes no part in payments this way.
    pub(super) fn is_closed_for(&self, bank: u8, currency: u8, direction: Direction) -> bool {
        let host = self.party(bank, currency).map(|party| party.host);
        let mut banks = [Some(bank), host].into_iter().flatten().filter_map(|bank| self.bank(bank));
        banks.any(|(_, bank)| bank.status == ParticipantStatus::Suspended || bank.blocks.covers(direction))
    }

    /// Minor units in a bank's position, or what is left of its limit.
    pub(crate) fn left(&self, bank: u8) -> i64 {
        let party = self.party(bank, EURO).and_then(Party::headroom);
        let position = || self.internal(Some(bank), Place::Position, EURO).map(|(_, known)| known.balance);
        let left = party.or_else(position).unwrap_or_default() * Decimal::ONE_HUNDRED;
        i64::try_from(left).expect("simulated banks are not rich")
    }

    /// The positions on which a payment settles, if it leaves its bank; none if a bank has no place to settle.
    pub(super) fn positions(&self, debtor_bank: u8, creditor_bank: u8) -> Option<[Option<u32>; 2]> {
        if debtor_bank == creditor_bank {
            return Some([None; 2]);
        }
        let position = |bank| {
            let owner = self.party(bank, EURO).map_or(bank, |party| party.host);
            self.internal(Some(owner), Place::Position, EURO).map(|(number, _)| number)
        };
        Some([Some(position(debtor_bank)?), Some(position(creditor_bank)?)])
    }

    /// The banks of a payment that leaves its bank, each with its way.
    fn leaving(sides: Sides) -> Vec<(usize, u8, Direction)> {
        let banks = [(0, sides.debtor_bank, Direction::Debit), (1, sides.creditor_bank, Direction::Credit)];
        if sides.positions == [None; 2] { Vec::new() } else { banks.to_vec() }
    }

    /// Whether a position or a limit does not take the payment.
    pub(super) fn is_blocked(&self, sides: Sides) -> bool {
        Self::leaving(sides).into_iter().any(|(place, bank, direction)| {
            let position = sides.positions[place].expect("it settles on two positions");
            let party = self.party(bank, EURO);
            self.accounts[&position].blocks.covers(direction)
                || party.is_some_and(|party| party.blocks.covers(direction))
        })
    }

    /// Whether the position and the limit of the payer's bank hold the amount.
    pub(super) fn positions_cover(&self, sides: Sides) -> bool {
        let [Some(debtor), Some(creditor)] = sides.positions else { return true };
        let left = self.party(sides.debtor_bank, EURO).and_then(|party| {
            let headroom = party.headroom()?;
            Some(headroom - party.reserved)
        });
        (debtor == creditor || self.accounts[&debtor].covers(sides.amount))
            && left.is_none_or(|left| left >= sides.amount)
    }

    /// Sets aside what a payment takes of the position and of the limit, or gives it back, by the sign.
    pub(super) fn set_position_aside(&mut self, sides: Sides, sign: Decimal) {
        let [Some(debtor), Some(creditor)] = sides.positions else { return };
        let amount = sign * sides.amount;
        if debtor != creditor {
            self.account(debtor).reserved += amount;
        }
        if self.party(sides.debtor_bank, EURO).is_some() {
            self.change_party(sides.debtor_bank, EURO, |party| party.reserved += amount);
        }
    }

    /// Moves money between positions, and limits.
    pub(super) fn book_positions(&mut self, sides: Sides, [debtor, creditor]: [u32; 2]) {
        if debtor != creditor {
            self.book(debtor, creditor, sides.amount);
            self.cross_position(debtor, Direction::Debit, sides.amount);
            self.cross_position(creditor, Direction::Credit, sides.amount);
        }
        for (_, bank, side) in Self::leaving(sides) {
            if self.party(bank, EURO).is_none() {
                continue;
            }
            let sign = if side == Direction::Debit { Decimal::ONE } else { Decimal::NEGATIVE_ONE };
            self.change_party(bank, EURO, |party| party.utilisation += sign * sides.amount);
            let party = self.party(bank, EURO).expect("it is there");
            let crossed =
                party.headroom().is_some_and(|after| is_crossed(party.bounds, side, after, sides.amount));
            if crossed {
                let (at, which) = (self.at.sequence, 2 + place(side));
                self.crossings.push(Crossed { at, which, bank, balance: None });
            }
        }
    }

    pub(super) fn set_bounds(
        &mut self,
        bank: u8,
        currency: u8,
        bounds: [Option<i64>; 2],
    ) -> Result<(u64, Decimal), Refusal> {
        let number = self.bank(bank).ok_or(Refusal::ParticipantUnknown)?.0;
        let bounds = bounds.map(|bound| bound.map(money));
        if let Some(party) = self.party(bank, currency) {
            let left = party.headroom().unwrap_or_default();
            self.change_party(bank, currency, |party| party.bounds = bounds);
            return Ok((number, left));
        }
        let position = self.internal(Some(bank), Place::Position, currency);
        let position = position.ok_or(Refusal::PositionUnknown)?.0;
        self.account(position).bounds = bounds;
        Ok((u64::from(position), self.account(position).balance))
    }

    pub(super) fn set_party(
        &mut self,
        bank: u8,
        mode: AccountMode,
        host: u8,
        currency: u8,
        limit: Option<Decimal>,
    ) -> Result<(u64, Decimal), Refusal> {
        self.bank(host).ok_or(Refusal::ParticipantUnknown)?;
        let position = |bank| self.internal(Some(bank), Place::Position, currency);
        position(host).ok_or(Refusal::PositionUnknown)?;
        if let Some((_, known)) = self.bank(bank) {
            if known.mode != mode {
                return Err(Refusal::PartyDiffers);
            }
            if position(bank).is_some() {
                return Err(Refusal::PositionExists);
            }
            if self.party(bank, currency).is_some_and(|party| party.host != host) {
                return Err(Refusal::PartyDiffers);
            }
        }
        let is_core = |known: &&super::Account| known.bank == Some(bank) && known.place == Place::Core;
        if !self.has_book(bank, currency) {
            if self.accounts.values().filter(is_core).count() == CURRENCIES_MAX {
                return Err(Refusal::CurrencyLimit);
            }
            self.open_book(bank, currency);
        }
        if self.bank(bank).is_none() {
            self.enter(bank, mode);
        }
        let fresh = Party {
            host,
            limit,
            utilisation: Decimal::ZERO,
            reserved: Decimal::ZERO,
            blocks: Blocks::NONE,
            bounds: [None; 2],
        };
        let known = self.banks.iter_mut().find(|known| known.bank == bank).expect("it is known");
        let party = known.parties.entry(currency).or_insert(fresh);
        party.limit = limit;
        let left = party.headroom().unwrap_or_default();
        Ok((self.bank(bank).expect("it is known").0, left))
    }

    pub(super) fn set_block(&mut self, target: Target, blocks: Blocks) -> Result<(u64, Decimal), Refusal> {
        let number = match target {
            Target::Account(account, currency) => self.open_customer(account, currency)?,
            Target::Bank(bank) => return self.change_bank(bank, |known| known.blocks = blocks),
            Target::Limit(bank, currency) => {
                let number = self.bank(bank).ok_or(Refusal::ParticipantUnknown)?.0;
                self.party(bank, currency).ok_or(Refusal::LimitUnknown)?;
                self.change_party(bank, currency, |party| party.blocks = blocks);
                return Ok((number, Decimal::ZERO));
            }
            Target::Position(bank, currency) => {
                self.bank(bank).ok_or(Refusal::ParticipantUnknown)?;
                let position = self.internal(Some(bank), Place::Position, currency);
                position.ok_or(Refusal::PositionUnknown)?.0
            }
        };
        let known = self.account(number);
        known.blocks = blocks;
        Ok((u64::from(number), known.balance))
    }

    pub(super) fn move_own(
        &mut self,
        from: (u8, OwnAccount),
        to: (u8, OwnAccount),
        currency: u8,
        amount: Decimal,
    ) -> Result<(u64, Decimal), Refusal> {
        self.bank(from.0).ok_or(Refusal::ParticipantUnknown)?;
        self.bank(to.0).ok_or(Refusal::ParticipantUnknown)?;
        if from.0 != to.0 || from.1 == to.1 {
            return Err(Refusal::PairNotAllowed);
        }
        let bank = Some(from.0);
        let position = self.internal(bank, Place::Position, currency).ok_or(Refusal::PositionUnknown)?.0;
        let side = match from.1 {
            OwnAccount::Position => Direction::Debit,
            OwnAccount::Technical => Direction::Credit,
        };
        if self.account(position).is_blocked_for(side) {
            return Err(Refusal::PositionBlocked);
        }
        let technical = self.internal(bank, Place::Technical, currency).map(|(number, _)| number);
        let payer = if side == Direction::Debit { Some(position) } else { technical };
        if !payer.is_some_and(|number| self.account(number).covers(amount)) {
            return Err(Refusal::InsufficientFunds);
        }
        let technical =
            technical.unwrap_or_else(|| self.open(bank, Place::Technical, currency, Some(Decimal::ZERO)));
        match side {
            Direction::Debit => self.book(position, technical, amount),
            Direction::Credit => self.book(technical, position, amount),
        }
        self.cross_position(position, side, amount);
        self.told = Some([Some(position), Some(technical), None, None]);
        Ok((u64::from(position), self.account(position).balance))
    }
}
