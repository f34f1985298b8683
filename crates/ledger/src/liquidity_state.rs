//! Positions beside their balances, as they stand in a stored state: bounds, reachable parties, and blocks of
//! participants. Those of accounts stand with the accounts.
//!
//! The sections are there from version 3 of the rules on: a program that knows only those before reads the state of a
//! log that is still decided by them.

use types::{AccountNumber, Balance, Currency, ParticipantNumber};

use crate::accounts::Accounts;
use crate::alerts::{Bounds, Watched};
use crate::blocks::Blocks;
use crate::participants::Participants;
use crate::reachable::{LimitNumber, PartyLimit, Reachable, ReachableParty, Sides};
use crate::rules_version::HAS_RULEBOOK;
use crate::sections::{Impossible, Section, SectionReader, SectionWriter, StateError, holds, value, zero};
use crate::state_layout::{self, ALERTS, BLOCKS, REACHABLE};
use crate::{AccountKind, Ledger};

/// What is read of them.
#[derive(Default)]
pub(crate) struct Liquidity {
    pub(crate) reachable: Reachable,
    pub(crate) watched: Watched,
}

impl Ledger {
    pub(crate) fn write_liquidity(&self, writer: &mut SectionWriter<'_>) -> std::io::Result<()> {
        if self.rules_version() < HAS_RULEBOOK {
            return Ok(());
        }
        writer.section(ALERTS, self.watched.count(), self.watched.iter().map(alert_to_state))?;
        writer.section(REACHABLE, self.reachable.count(), self.reachable.iter().map(party_to_state))?;
        writer.section(BLOCKS, self.blocked().count(), self.blocked())
    }

    pub(crate) fn liquidity_sections(&self) -> impl Iterator<Item = (Section, usize)> {
        let sections = [
            (ALERTS, self.watched.count()),
            (REACHABLE, self.reachable.count()),
            (BLOCKS, self.blocked().count()),
        ];
        sections.into_iter().filter(|_| self.rules_version() >= HAS_RULEBOOK)
    }

    fn blocked(&self) -> impl Iterator<Item = state_layout::Block> {
        let blocked = self.participants.iter().filter(|(_, bank)| bank.blocks() != Blocks::NONE);
        blocked.map(|(number, bank)| state_layout::Block {
            participant: number.0.into(),
            blocks: bank.blocks().number(),
            reserved: [0; 3],
        })
    }
}

fn alert_to_state((position, bounds): (AccountNumber, Bounds)) -> state_layout::Alert {
    let (present, floor, ceiling) = bounds.stored();
    state_layout::Alert {
        position: position.0.into(),
        present,
        reserved: [0; 3],
        floor: floor.into(),
        ceiling: ceiling.into(),
    }
}

fn party_to_state(party: &ReachableParty) -> state_layout::ReachableParty {
    let (limit_kind, limit) = party.limit.stored();
    let (present, floor, ceiling) = party.bounds.stored();
    state_layout::ReachableParty {
        party: party.party.0.into(),
        host: party.host.0.into(),
        currency: party.currency.number().into(),
        limit_kind,
        blocks: party.blocks.number(),
        present,
        reserved_bytes: [0; 3],
        limit: limit.into(),
        utilisation: party.utilisation.into(),
        reserved: party.reserved.into(),
        floor: floor.into(),
        ceiling: ceiling.into(),
    }
}

/// Reads them into accounts and participants that have been read, if the version of the rules has them.
pub(crate) fn read(
    reader: &mut SectionReader<'_>,
    accounts: &mut Accounts,
    participants: &mut Participants,
    rules_version: u32,
) -> Result<Liquidity, StateError> {
    let mut read = Liquidity::default();
    if rules_version < HAS_RULEBOOK {
        return Ok(read);
    }
    let most = participants.count().saturating_mul(crate::participants::BOOKS_MAX);
    let count = count_within(reader, ALERTS, most)?;
    read.watched.reserve(usize::try_from(count).expect("it fits the limit"));
    let mut last = AccountNumber(0);
    reader.items(ALERTS, count, |stored: &state_layout::Alert| {
        zero(&stored.reserved)?;
        let position = AccountNumber(stored.position.get());
        holds(position.0 > last.0 && accounts.is_position(position), "position")?;
        last = position;
        let bounds = Bounds::from_stored(stored.present, stored.floor.get(), stored.ceiling.get());
        let bounds = value(bounds, "present")?;
        holds(bounds != Bounds::NONE, "present")?;
        read.watched.set(position, bounds);
        accounts.set_watched(position, true);
        Ok(())
    })?;
    let count = count_within(reader, REACHABLE, most)?;
    read.reachable.reserve(usize::try_from(count).expect("it fits the limit"));
    reader.items(REACHABLE, count, |stored| {
        let party = party_from_state(stored, participants)?;
        let number = read.reachable.add(party);
        let books = &mut participants.get_mut(party.party).books;
        books.set_limit(party.currency, number, party.host_position);
        Ok(())
    })?;
    read_blocks(reader, participants)?;
    Ok(read)
}

fn count_within(reader: &mut SectionReader<'_>, section: Section, most: usize) -> Result<u64, StateError> {
    reader.begin_within(section, most).map(|count| u64::try_from(count).expect("64 bits"))
}

fn read_blocks(reader: &mut SectionReader<'_>, participants: &mut Participants) -> Result<(), StateError> {
    let count = count_within(reader, BLOCKS, participants.count())?;
    let mut last = 0;
    reader.items(BLOCKS, count, |stored: &state_layout::Block| {
        zero(&stored.reserved)?;
        let number = known(participants, stored.participant.get(), "participant")?;
        holds(number.0 > last, "participant")?;
        last = number.0;
        let blocks = value(Blocks::from_number(stored.blocks), "blocks")?;
        holds(blocks != Blocks::NONE, "blocks")?;
        participants.get_mut(number).blocks = blocks;
        Ok(())
    })
}

fn known(
    participants: &Participants,
    number: u32,
    field: &'static str,
) -> Result<ParticipantNumber, Impossible> {
    let is_known = usize::try_from(number).is_ok_and(|number| (1..=participants.count()).contains(&number));
    holds(is_known, field).map(|()| ParticipantNumber(number))
}

/// A party has a book and no position in its currency, and no second limit there; its host has a position.
fn party_from_state(
    stored: &state_layout::ReachableParty,
    participants: &Participants,
) -> Result<ReachableParty, Impossible> {
    zero(&stored.reserved_bytes)?;
    let balance = |minor_units, field| value(Balance::from_minor_units(minor_units), field);
    let party = known(participants, stored.party.get(), "party")?;
    let host = known(participants, stored.host.get(), "host")?;
    let currency = value(Currency::from_number(stored.currency.get()).ok(), "currency")?;
    let book = value(participants.get(party).book(currency), "currency")?;
    holds(book.position.0 == 0 && book.limit == LimitNumber::NONE, "party")?;
    let host_position = value(participants.get(host).position(currency), "host")?;
    let utilisation = balance(stored.utilisation.get(), "utilisation")?.minor_units();
    let reserved = balance(stored.reserved.get(), "reserved")?.minor_units();
    holds(reserved >= 0 && utilisation + reserved <= Balance::MINOR_UNITS_MAX, "reserved")?;
    let bounds = Bounds::from_stored(stored.present, stored.floor.get(), stored.ceiling.get());
    Ok(ReachableParty {
        party,
        host,
        host_position,
        currency,
        limit: value(PartyLimit::from_stored(stored.limit_kind, stored.limit.get()), "limit")?,
        utilisation,
        reserved,
        blocks: value(Blocks::from_number(stored.blocks), "blocks")?,
        bounds: value(bounds, "present")?,
    })
}

impl Accounts {
    /// Whether this is a position.
    fn is_position(&self, number: AccountNumber) -> bool {
        let count = u32::try_from(self.count()).expect("account numbers have 32 bits");
        (1..=count).contains(&number.0) && self.get(number).kind() == AccountKind::Position
    }
}

impl Reachable {
    /// Counts so much less as set aside of a limit, if so much is. For reading, where each reservation is matched with
    /// what is set aside for it; reserving it anew undoes it.
    pub(crate) fn match_reserved(&mut self, sides: Sides, amount: i64) -> bool {
        let [debtor, _] = sides;
        let is_there = debtor == LimitNumber::NONE || self.get(debtor).reserved >= amount;
        if is_there {
            self.release_headroom(sides, amount);
        }
        is_there
    }

    /// Whether nothing is set aside any more.
    pub(crate) fn is_all_matched(&self) -> bool {
        self.iter().all(|party| party.reserved == 0)
    }
}

#[cfg(test)]
#[path = "liquidity_state_tests.rs"]
mod tests;
