//! The rules of positions beside payments: what a bank wants to hear of them, reachable parties, blocks, and transfers
//! of own funds.
//!
//! A transfer of own funds is booked at once or refused; what is reserved for payments is not there for it.

use types::{AccountNumber, Bic, Currency, Digest, ParticipantNumber, Sequence};

use crate::accounts::Transfer;
use crate::alerts::{Alerts, Bounds, Crossing};
use crate::blocks::Blocks;
use crate::bookings::Bookings;
use crate::command::Direction;
use crate::participants::{Books, Name, Participant};
use crate::reachable::{LimitNumber, PartyLimit, ReachableParty};
use crate::rules_masterdata::{self, Answer, checked_bic, checked_currency};
use crate::{
    AccountKind, AccountMode, AccountStatus, DecisionPolicy, Ledger, Outcome, OwnAccount, ParticipantStatus,
    Position, Refusal, Zone, bookings, layout,
};

const CHECKED: &str = "records are checked when they are read";

/// Whether a bank takes no part in payments that it sends, or receives. A reachable party goes with its host, on whose
/// position it settles.
pub(crate) fn is_closed_for(
    ledger: &Ledger,
    bank: &Participant,
    currency: Currency,
    direction: Direction,
) -> bool {
    if bank.is_closed_for(direction) {
        return true;
    }
    let limit = bank.book(currency).map_or(LimitNumber::NONE, |book| book.limit);
    limit != LimitNumber::NONE && {
        let host = ledger.reachable.get(limit).host;
        ledger.participants.get(host).is_closed_for(direction)
    }
}

/// Takes down which bounds the bookings of a payment crossed, for those who are told. Hardly any crosses one.
#[cold]
pub(crate) fn note(ledger: &mut Ledger, at: Position, bookings: &Bookings, alerts: Alerts) {
    let ([debited, credited], [debtor, creditor]) = (bookings.positions(), bookings.limits());
    for alert in Alerts::EACH.into_iter().filter(|alert| alerts.has(*alert)) {
        let (bank, currency, balance) = match alert {
            Alerts::POSITION_FELL => of_position(ledger, debited),
            Alerts::POSITION_ROSE => of_position(ledger, credited),
            Alerts::HEADROOM_FELL => of_limit(ledger, debtor),
            _ => of_limit(ledger, creditor),
        };
        let Position { sequence: decided_at, time: decided_time } = at;
        ledger.crossings.push(Crossing { decided_at, decided_time, bank, currency, alert, balance });
    }
}

/// The bounds that a transfer between a position and another account crossed, taken down as well.
pub(crate) fn alerts_of(ledger: &mut Ledger, at: Position, transfer: Transfer, amount: i64) -> Alerts {
    let alerts = bookings::crossed(&ledger.accounts, &ledger.watched, transfer, amount);
    if !alerts.is_none() {
        note(ledger, at, &Bookings::one(transfer, amount), alerts);
    }
    alerts
}

fn of_position(ledger: &Ledger, position: AccountNumber) -> (Bic, Currency, Option<i64>) {
    let account = ledger.accounts.get(position);
    (ledger.participants.get(account.owner()).bic(), account.currency(), Some(account.balance()))
}

fn of_limit(ledger: &Ledger, limit: LimitNumber) -> (Bic, Currency, Option<i64>) {
    let party = ledger.reachable.get(limit);
    (ledger.participants.get(party.party).bic(), party.currency, None)
}

/// The limit of a reachable party.
fn limit_of(ledger: &Ledger, bank: ParticipantNumber, currency: Currency) -> Option<LimitNumber> {
    let limit = ledger.participants.get(bank).book(currency)?.limit;
    (limit != LimitNumber::NONE).then_some(limit)
}

/// Nothing is told when bounds are set, wherever the balance stands.
pub(crate) fn set_position_alert(ledger: &mut Ledger, record: &layout::SetPositionAlert) -> Answer {
    let bank = rules_masterdata::participant(ledger, record.bic)?;
    let currency = checked_currency(record.currency.get());
    let bounds = Bounds::from_stored(record.present, record.floor.get(), record.ceiling.get());
    let bounds = bounds.expect(CHECKED);
    if let Some(limit) = limit_of(ledger, bank, currency) {
        let party = ledger.reachable.get_mut(limit);
        party.bounds = bounds;
        return Ok((u64::from(bank.0), party.headroom().unwrap_or_default()));
    }
    let position = ledger.participants.get(bank).position(currency).ok_or(Refusal::PositionUnknown)?;
    ledger.watched.set(position, bounds);
    ledger.accounts.set_watched(position, bounds != Bounds::NONE);
    Ok((u64::from(position.0), ledger.accounts.get(position).balance()))
}

pub(crate) fn set_reachable_party(
    ledger: &mut Ledger,
    at: Sequence,
    record: &layout::SetReachableParty,
) -> Answer {
    let host = rules_masterdata::participant(ledger, record.host)?;
    let currency = checked_currency(record.currency.get());
    let host_position = ledger.participants.get(host).position(currency).ok_or(Refusal::PositionUnknown)?;
    let bic = checked_bic(record.bic);
    let party = match ledger.participants.find(bic) {
        Some(party) => party,
        None => enter(ledger, at, bic, currency, record),
    };
    let number = attach(ledger, at, party, currency, (host, host_position), record)?;
    let limit = PartyLimit::from_stored(record.limit_kind, record.limit.get()).expect(CHECKED);
    ledger.reachable.get_mut(number).limit = limit;
    ledger.participants.get_mut(party).name = name_of(record);
    Ok((u64::from(party.0), ledger.reachable.get(number).headroom().unwrap_or_default()))
}

/// A bank enters without a position.
fn enter(
    ledger: &mut Ledger,
    at: Sequence,
    bic: Bic,
    currency: Currency,
    record: &layout::SetReachableParty,
) -> ParticipantNumber {
    let number = ledger.participants.next_number();
    let book = rules_masterdata::open_book(ledger, number, currency, at);
    ledger.participants.register(Participant {
        bic,
        name: name_of(record),
        mode: AccountMode::from_number(record.mode).expect(CHECKED),
        status: ParticipantStatus::Active,
        blocks: Blocks::NONE,
        books: Books::one(book),
        policy: DecisionPolicy::NONE,
        unanswered_max: crate::limits::UNANSWERED_MAX,
        zone: Zone::default(),
    });
    number
}

/// The party's limit on this position: the one that it has, or a new one.
fn attach(
    ledger: &mut Ledger,
    at: Sequence,
    party: ParticipantNumber,
    currency: Currency,
    (host, host_position): (ParticipantNumber, AccountNumber),
    record: &layout::SetReachableParty,
) -> Result<LimitNumber, Refusal> {
    let known = ledger.participants.get(party);
    if known.mode().number() != record.mode {
        return Err(Refusal::PartyDiffers);
    }
    if known.position(currency).is_some() {
        return Err(Refusal::PositionExists);
    }
    if let Some(number) = limit_of(ledger, party, currency) {
        return match ledger.reachable.get(number).host == host {
            true => Ok(number),
            false => Err(Refusal::PartyDiffers),
        };
    }
    if known.book(currency).is_none() {
        if known.books.is_full() {
            return Err(Refusal::CurrencyLimit);
        }
        let book = rules_masterdata::open_book(ledger, party, currency, at);
        ledger.participants.get_mut(party).books.add(book);
    }
    let number = ledger.reachable.add(ReachableParty {
        party,
        host,
        host_position,
        currency,
        limit: PartyLimit::ZERO,
        utilisation: 0,
        reserved: 0,
        blocks: Blocks::NONE,
        bounds: Bounds::NONE,
    });
    ledger.participants.get_mut(party).books.set_limit(currency, number, host_position);
    Ok(number)
}

fn name_of(record: &layout::SetReachableParty) -> Name {
    Name::new(&record.name[..usize::from(record.name_length.get())])
}

/// Payments that are reserved are carried through.
pub(crate) fn set_block(ledger: &mut Ledger, at: Sequence, record: &layout::SetBlock) -> Answer {
    let blocks = Blocks::from_number(record.blocks).expect(CHECKED);
    if record.target == layout::BLOCK_ACCOUNT {
        let digest = Digest(record.iban_digest);
        let number = rules_masterdata::customer_account(ledger, digest.0, record.currency.get())?;
        if ledger.accounts.get(number).status() == AccountStatus::Closed {
            return Err(Refusal::AccountClosed);
        }
        ledger.accounts.set_blocks(number, blocks, at);
        return Ok((u64::from(number.0), ledger.accounts.get(number).balance()));
    }
    let bank = rules_masterdata::participant(ledger, record.bic)?;
    if record.target == layout::BLOCK_PARTICIPANT {
        ledger.participants.get_mut(bank).blocks = blocks;
        return Ok((u64::from(bank.0), 0));
    }
    let currency = checked_currency(record.currency.get());
    if record.target == layout::BLOCK_LIMIT {
        let limit = limit_of(ledger, bank, currency).ok_or(Refusal::LimitUnknown)?;
        ledger.reachable.get_mut(limit).blocks = blocks;
        return Ok((u64::from(bank.0), 0));
    }
    let position = ledger.participants.get(bank).position(currency).ok_or(Refusal::PositionUnknown)?;
    ledger.accounts.set_blocks(position, blocks, at);
    Ok((u64::from(position.0), ledger.accounts.get(position).balance()))
}

/// Tells both balances: the position's first, then the technical account's.
pub(crate) fn transfer_own_funds(
    ledger: &mut Ledger,
    at: Position,
    record: &layout::TransferOwnFunds,
    outcome: &mut Outcome,
) -> Answer {
    let owner = rules_masterdata::participant(ledger, record.from_bic)?;
    rules_masterdata::participant(ledger, record.to_bic)?;
    if record.from_bic != record.to_bic || record.from_account == record.to_account {
        return Err(Refusal::PairNotAllowed);
    }
    let currency = checked_currency(record.currency.get());
    let position = ledger.participants.get(owner).position(currency).ok_or(Refusal::PositionUnknown)?;
    let is_outward = record.from_account == OwnAccount::Position.number();
    let side = if is_outward { Direction::Debit } else { Direction::Credit };
    if ledger.accounts.get(position).is_blocked_for(side) {
        return Err(Refusal::PositionBlocked);
    }
    // It begins with the first money that goes there.
    let technical = match ledger.accounts.technical(owner, currency) {
        Some(technical) => technical,
        None if !is_outward => return Err(Refusal::InsufficientFunds),
        None if !ledger.accounts.get(position).covers(record.amount.get()) => {
            return Err(Refusal::InsufficientFunds);
        }
        None => rules_masterdata::open_internal(ledger, owner, currency, AccountKind::Technical, at.sequence),
    };
    let transfer = match is_outward {
        true => Transfer { debit: position, credit: technical },
        false => Transfer { debit: technical, credit: position },
    };
    rules_masterdata::book_transfer(ledger, transfer, record.amount.get(), at.sequence)?;
    outcome.alerts = alerts_of(ledger, at, transfer, record.amount.get());
    outcome.balances[1] = ledger.accounts.get(technical).balance();
    Ok((u64::from(position.0), ledger.accounts.get(position).balance()))
}

#[cfg(test)]
#[path = "rules_liquidity_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "rules_liquidity_model_tests.rs"]
mod model_tests;
