//! The ledger's state as a stream of bytes.
//!
//! Invariants:
//! - The stream is canonical: two ledgers are equal exactly if their streams are. It holds what the log has made, and
//!   nothing of how large a table is, where an entry stands in it, or which slot a reservation was given.
//! - Everything that can change a later decision or answer is in it. What the last command decided beside its own outcome
//!   ([`Ledger::decided`], [`Ledger::holds_told`], [`Ledger::asked`]) is no state: it has been taken notice of before a state is written.
//! - Reading refuses whatever would break an invariant of the ledger, whoever wrote it, and never panics. Large tables
//!   are made once, in the room that the limits say.

use std::io::{self, Read, Write};

use types::{ClusterId, Digest, DigestKey, Incarnation, Lives, Sequence, Timestamp};
use zerocopy::FromZeros;
use zerocopy::little_endian::U64;

use super::{References, Setup};
use crate::accounts::{Accounts, Told};
use crate::activation::Activations;
use crate::calendar::{BusinessDate, Calendar};
use crate::customer_limits::CustomerLimits;
use crate::exceptions::Exceptions;
use crate::holds::Holds;
use crate::index::{Filling, Twice};
use crate::kept_records::KeptRecords;
use crate::limits::{ROOM_BEYOND, SLOTS_MAX};
use crate::liquidity_state::{self, Liquidity};
use crate::orders::Orders;
use crate::participants::Participants;
use crate::payments::{Known, Payments};
use crate::posting_maps::PostingMaps;
use crate::profile::Profile;
use crate::recalls::Recalls;
use crate::requests::Requests;
use crate::requests_to_pay::RequestsToPay;
use crate::reservations::Reservations;
use crate::rules_version::{HAS_HOLDS, HAS_ORDERS, HAS_RULEBOOK, Rules};
use crate::sealed::Sealed;
use crate::sections::{Impossible, Section, SectionReader, SectionWriter, StateError, holds, value, zero};
use crate::state_layout::{
    ACCOUNTS, ACTIVATIONS, BUSINESS_DATE, CALENDAR, CUSTOMER_LIMITS, EXCEPTIONS, FEES, FUNDING, HEAD, HOLDS,
    Head, KEPT_RECORDS, LIVES, Life, NAMES, NOTICED, ORDERS, OVERLOOKED, PACKAGES, PARTICIPANTS, PAYMENTS,
    POSTING_MAPS, PROFILES, RECALL_POLICIES, RECALLS, REFERENCES, REQUESTS, REQUESTS_TO_PAY, RESERVATIONS,
    RESERVATIONS_WITH_FEES, RUNS, Reference, SEALED, ZONES,
};
use crate::{Kind, Ledger, Limits, Position, RequestToPayStatus, layout, record};

impl Ledger {
    /// Writes the state. The bytes go out in pieces of at most 256 KiB, and no more than that is held.
    pub fn write_state(&self, sink: &mut dyn Write) -> io::Result<()> {
        let mut writer = SectionWriter::new(sink);
        let asked = |bank| self.reservations.asked_count(bank);
        let ordinal = |slot| self.payments.ordinal(slot);
        let participants = self.participants.count();
        writer.section(HEAD, 1, std::iter::once(self.head()))?;
        writer.section(
            PROFILES,
            self.profiles.len(),
            self.profiles.iter().map(|profile| profile.to_record()),
        )?;
        writer.section(PARTICIPANTS, participants, self.participants.to_state(asked))?;
        writer.section(NAMES, participants, self.participants.names_to_state())?;
        writer.section(FUNDING, self.participants.funding_count(), self.participants.funding_to_state())?;
        writer.section(
            ACCOUNTS,
            self.accounts.count(),
            self.accounts.iter().map(|account| account.to_state()),
        )?;
        self.write_liquidity(&mut writer)?;
        writer.section(PAYMENTS, self.payments.count_kept(), self.payments.to_state())?;
        writer.section(REQUESTS, self.requests.count(), self.requests.to_state())?;
        let references = self.references.used.iter().map(|digest| Reference { digest: digest.0 });
        writer.section(REFERENCES, self.references.used.len(), references)?;
        let waiting = self.reservations.count();
        match self.has_later_sections() {
            true => {
                let items = self.reservations.to_state_with_fees(ordinal);
                writer.section(RESERVATIONS_WITH_FEES, waiting, items)?;
            }
            false => writer.section(RESERVATIONS, waiting, self.reservations.to_state(ordinal))?,
        }
        let later = self.lives.iter().skip(1);
        let later =
            later.map(|life| Life { incarnation: life.incarnation.0.into(), first: life.first.0.into() });
        writer.section(LIVES, self.lives.count() - 1, later)?;
        self.payments.sealed.write_state(&mut writer)?;
        if !self.has_later_sections() {
            return Ok(());
        }
        self.calendar.write_state(&mut writer)?;
        self.business_date.write_state(&mut writer)?;
        self.recalls.write_state(&mut writer)?;
        writer.section(CUSTOMER_LIMITS, self.customer_limits.count(), self.customer_limits.to_state())?;
        self.participants.write_houses(&mut writer)?;
        self.recalls.write_policies(&mut writer)?;
        if !self.has_holds() {
            return Ok(());
        }
        self.holds.write_state(&mut writer)?;
        self.kept.write_state(&mut writer)?;
        if !self.has_orders() {
            return Ok(());
        }
        self.orders.write_state(&mut writer)?;
        self.posting_maps.write_state(&mut writer)?;
        self.requests_to_pay.write_state(&mut writer)?;
        self.activations.write_state(&mut writer)?;
        self.exceptions.write_state(&mut writer)
    }

    /// Whether the state is one of the rules that brought what replaces a bank's batch.
    fn has_orders(&self) -> bool {
        self.rules_version() >= HAS_ORDERS
    }

    /// Whether the state is one of the rules that brought holds and the records of gateways.
    fn has_holds(&self) -> bool {
        self.rules_version() >= HAS_HOLDS
    }

    /// Whether the state is one of the rules that brought the sections behind [`RUNS`]. Those of older rules stay as they
    /// are, so that older programs read them.
    fn has_later_sections(&self) -> bool {
        self.rules_version() >= HAS_RULEBOOK
    }

    /// How many bytes [`Self::write_state`] writes.
    pub fn state_length(&self) -> u64 {
        let reservations = if self.has_later_sections() { RESERVATIONS_WITH_FEES } else { RESERVATIONS };
        let sections: [(Section, usize); 13] = [
            (HEAD, 1),
            (PROFILES, self.profiles.len()),
            (PARTICIPANTS, self.participants.count()),
            (NAMES, self.participants.count()),
            (FUNDING, self.participants.funding_count()),
            (ACCOUNTS, self.accounts.count()),
            (PAYMENTS, self.payments.count_kept()),
            (REQUESTS, self.requests.count()),
            (REFERENCES, self.references.used.len()),
            (reservations, self.reservations.count()),
            (LIVES, self.lives.count() - 1),
            (SEALED, 1),
            (RUNS, self.payments.sealed.runs().len()),
        ];
        let later: [(Section, usize); 7] = [
            (CALENDAR, self.calendar.years().len()),
            (BUSINESS_DATE, 1),
            (RECALLS, self.recalls.count()),
            (CUSTOMER_LIMITS, self.customer_limits.count()),
            (FEES, self.participants.fees_to_state().count()),
            (ZONES, self.participants.zones_to_state().count()),
            (RECALL_POLICIES, self.recalls.policy_count()),
        ];
        let later = later.iter().filter(|_| self.has_later_sections());
        let latest = [(HOLDS, self.holds.count()), (KEPT_RECORDS, self.kept.count())];
        let later = later.chain(latest.iter().filter(|_| self.has_holds()));
        let newest = [
            (PACKAGES, self.orders.packages.count()),
            (ORDERS, self.orders.count()),
            (POSTING_MAPS, self.posting_maps.count()),
            (REQUESTS_TO_PAY, self.requests_to_pay.count()),
            (ACTIVATIONS, self.activations.items()),
            (EXCEPTIONS, self.exceptions.count()),
            (NOTICED, self.exceptions.noticed_count()),
            (OVERLOOKED, 1),
        ];
        let later = later.chain(newest.iter().filter(|_| self.has_orders()));
        let sections = sections.iter().chain(later).copied().chain(self.liquidity_sections());
        sections.map(|(section, items)| section.length(items)).sum()
    }

    /// Reads a state into tables with room for `limits`. The source stands behind the state then: nothing is read from
    /// beyond it.
    ///
    /// A log that does not hold its key of digests goes without one then, which is enough for all but asking by account
    /// numbers; [`Self::read_state_with_key`] takes it.
    pub fn read_state(source: &mut dyn Read, limits: Limits) -> Result<Self, StateError> {
        Self::read_state_with_key(source, limits, None)
    }

    /// The same with the key of digests of a log that does not hold it itself. A log that does needs no other.
    pub fn read_state_with_key(
        source: &mut dyn Read,
        limits: Limits,
        given: Option<DigestKey>,
    ) -> Result<Self, StateError> {
        let mut reader = SectionReader::new(source);
        let mut head = read_head(&mut reader)?;
        if let (Some(setup), Some(given)) = (&mut head.setup, given)
            && setup.digest_key_id != 0
        {
            setup.digest_key = given;
        }
        let profiles = read_profiles(&mut reader)?;
        // A participant has accounts of its own, so there are fewer participants than accounts.
        let participants_max = limits.accounts_max.saturating_add(ROOM_BEYOND);
        let (mut participants, asked) = Participants::read_state(&mut reader, participants_max)?;
        check_asked(&asked, &head)?;
        let last = head.position;
        let (mut accounts, told) =
            Accounts::read_state(&mut reader, &participants, last.sequence, limits.accounts_max)?;
        let version = head.rules.next();
        let Liquidity { reachable, watched } =
            liquidity_state::read(&mut reader, &mut accounts, &mut participants, version)?;
        let known = Known {
            last,
            key: head.setup.map_or(DigestKey::new([0; 16]), |setup| setup.digest_key),
            forgotten: head.payments_forgotten,
            counts: head.payments,
            participants: participants.count(),
        };
        let payments = Payments::read_state(&mut reader, &known, limits.payments_max)?;
        let requests = Requests::read_state(&mut reader, last, head.requests_forgotten, limits.requests_max)?;
        let references = References::read_state(&mut reader)?;
        // Only what has been read is made: tables are large.
        let small = Limits { accounts_max: 0, payments_max: 0, requests_max: 0 };
        let mut ledger = Self {
            setup: head.setup,
            profiles,
            accounts,
            participants,
            reachable,
            watched,
            payments,
            requests,
            references,
            reservations: Reservations::new(limits.payments_max),
            ticked: head.ticked,
            position: last,
            last_kind: head.last_kind,
            rules: head.rules,
            ..Self::new(small)
        };
        ledger.answers.counts = head.answers;
        Reservations::read_state(&mut reader, &mut ledger, &asked, told.reserved)?;
        ledger.lives = read_lives(&mut reader, ledger.setup.as_ref(), head.lives, last.sequence)?;
        let sealed = Sealed::read_state(&mut reader, last)?;
        ledger.payments.take_sealed(sealed).map_err(|impossible| SEALED.impossible(0, impossible))?;
        if ledger.has_later_sections() {
            ledger.calendar = Calendar::read_state(&mut reader)?;
            ledger.business_date = BusinessDate::read_state(&mut reader, last)?;
            ledger.recalls = Recalls::read_state(&mut reader, last, &ledger.participants, &ledger.accounts)?;
            ledger.read_customers(&mut reader, told, limits.accounts_max)?;
            ledger.recalls.read_policies(&mut reader, ledger.participants.count())?;
            ledger.read_holds(&mut reader, told)?;
            ledger.read_exceptions(&mut reader)?;
        } else {
            ledger.customer_limits = CustomerLimits::new(limits.accounts_max);
            let has_none = holds(told.limited == 0 && told.restricted == 0, "standing")
                .and_then(|()| holds(told.held == 0, "held"));
            has_none.map_err(|impossible| ACCOUNTS.impossible(0, impossible))?;
        }
        Ok(ledger)
    }

    /// Reads exceptions, if the version of the rules has them. Without them nothing is in suspense.
    fn read_exceptions(&mut self, reader: &mut SectionReader<'_>) -> Result<(), StateError> {
        if !self.has_orders() {
            let has_none = holds(self.accounts.suspense_balances().is_empty(), "kind");
            return has_none.map_err(|impossible| ACCOUNTS.impossible(0, impossible));
        }
        let (last, participants) = (self.position, self.participants.count());
        self.exceptions = Exceptions::read_state(reader, last, participants, &self.accounts)?;
        Ok(())
    }

    /// Reads holds and what gateways keep, if the version of the rules has them.
    fn read_holds(&mut self, reader: &mut SectionReader<'_>, told: Told) -> Result<(), StateError> {
        if !self.has_holds() {
            let has_none = holds(told.held == 0, "held");
            return has_none.map_err(|impossible| ACCOUNTS.impossible(0, impossible));
        }
        let last = self.position;
        self.holds = Holds::read_state(reader, last, &mut self.accounts, told.held)?;
        self.kept = KeptRecords::read_state(reader, last, self.participants.count())?;
        self.read_orders(reader)
    }

    /// Reads what replaces a bank's batch, if the version of the rules has it.
    fn read_orders(&mut self, reader: &mut SectionReader<'_>) -> Result<(), StateError> {
        if !self.has_orders() {
            return Ok(());
        }
        let (last, participants) = (self.position, self.participants.count());
        self.orders = Orders::read_state(reader, last, participants, &self.accounts, &self.payments)?;
        self.posting_maps = PostingMaps::read_state(reader, last.sequence, &self.participants)?;
        self.read_requests_to_pay(reader)?;
        self.activations = Activations::read_state(reader, participants)?;
        Ok(())
    }

    /// Reads requests to pay. One that is accepted has its order.
    fn read_requests_to_pay(&mut self, reader: &mut SectionReader<'_>) -> Result<(), StateError> {
        let (last, participants) = (self.position, self.participants.count());
        self.requests_to_pay = RequestsToPay::read_state(reader, last, &self.accounts, participants)?;
        let all = self.requests_to_pay.after(Sequence(0)).zip(0_u64..);
        for (request, item) in all.filter(|(request, _)| request.status() == RequestToPayStatus::Accepted) {
            let has_order = holds(self.has_order(request), "accepted_at");
            has_order.map_err(|impossible| REQUESTS_TO_PAY.impossible(item, impossible))?;
        }
        Ok(())
    }

    /// Reads what banks have set about customers, fees and clocks.
    fn read_customers(
        &mut self,
        reader: &mut SectionReader<'_>,
        told: Told,
        accounts_max: usize,
    ) -> Result<(), StateError> {
        let last = self.position.sequence;
        self.customer_limits =
            CustomerLimits::read_state(reader, &self.accounts, told.limited, last, accounts_max)?;
        self.participants.read_houses(reader)
    }

    fn head(&self) -> Head {
        let mut head = Head::new_zeroed();
        head.sequence = self.position.sequence.0.into();
        head.time = self.position.time.nanoseconds().into();
        head.ticked = self.ticked.0.into();
        head.last_kind = self.last_kind.map_or(0, Kind::number).into();
        if let Some(setup) = &self.setup {
            head.is_set_up = 1;
            head.cluster = setup.cluster.0;
            head.incarnation = setup.incarnation.0.into();
            head.digest_key_id = setup.digest_key_id.into();
            head.is_parallel = setup.is_parallel.into();
            // A key that stands outside the log is no part of the state either.
            if setup.digest_key_id == 0 {
                head.digest_key = layout::Secret(*setup.digest_key.as_bytes());
            }
        }
        head.payments = self.payments.counts().map(Into::into);
        head.answers = self.answers.counts.map(Into::into);
        head.payments_forgotten = self.payments.forgotten().into();
        head.requests_forgotten = self.requests.forgotten().into();
        head.lives = u32::try_from(self.lives.count() - 1).expect("restores are few").into();
        head.rules_version = self.rules_version().into();
        head
    }
}

/// A head that has been read.
struct HeadRead {
    position: Position,
    ticked: Sequence,
    last_kind: Option<Kind>,
    setup: Option<Setup>,
    payments: [u64; 5],
    answers: [u64; 6],
    payments_forgotten: u64,
    requests_forgotten: u64,
    lives: u64,
    rules: Rules,
}

fn read_head(reader: &mut SectionReader<'_>) -> Result<HeadRead, StateError> {
    reader.begin_exactly(HEAD, 1)?;
    let mut read = None;
    reader.items(HEAD, 1, |head: &Head| {
        read = Some(HeadRead::from_state(head)?);
        Ok(())
    })?;
    Ok(read.expect("there is one item"))
}

impl HeadRead {
    fn from_state(head: &Head) -> Result<Self, Impossible> {
        holds(head.is_parallel <= head.is_set_up, "is_parallel")?;
        holds(head.is_parallel == 0 || head.rules_version.get() >= HAS_ORDERS, "is_parallel")?;
        zero(&head.reserved_end)?;
        let sequence = Sequence(head.sequence.get());
        let time = value(Timestamp::from_nanoseconds(head.time.get()), "time")?;
        let last_kind = match head.last_kind.get() {
            0 => None,
            number => Some(value(Kind::from_number(number), "last_kind")?),
        };
        let setup = Setup {
            cluster: ClusterId(head.cluster),
            incarnation: Incarnation(head.incarnation.get()),
            digest_key: DigestKey::new(head.digest_key.0),
            digest_key_id: head.digest_key_id.get(),
            is_parallel: head.is_parallel == 1,
        };
        let stands_elsewhere = setup.digest_key_id != 0;
        holds(!stands_elsewhere || head.digest_key.0 == [0; 16], "digest_key")?;
        holds(head.is_set_up <= 1, "is_set_up")?;
        if head.is_set_up == 0 {
            holds(head.digest_key_id.get() == 0, "digest_key_id")?;
            zero(&head.cluster)?;
            holds(head.incarnation.get() == 0, "incarnation")?;
            zero(&head.digest_key.0)?;
        }
        let read = Self {
            position: Position { sequence, time },
            ticked: Sequence(head.ticked.get()),
            last_kind,
            setup: (head.is_set_up == 1).then_some(setup),
            payments: head.payments.map(U64::get),
            answers: head.answers.map(U64::get),
            payments_forgotten: head.payments_forgotten.get(),
            requests_forgotten: head.requests_forgotten.get(),
            lives: head.lives.get().into(),
            rules: value(Rules::before_a_frame(head.rules_version.get()), "rules_version")?,
        };
        // Everything that is counted stands at a position of its own, so no count can overflow.
        let is_counted = |counts: &[u64]| {
            let sum = counts.iter().try_fold(0_u64, |sum, count| sum.checked_add(*count));
            sum.is_some_and(|sum| sum <= sequence.0)
        };
        holds(read.lives == 0 || read.setup.is_some(), "lives")?;
        holds(read.ticked <= sequence, "ticked")?;
        holds(is_counted(&read.payments), "payments")?;
        holds(is_counted(&read.answers), "answers")?;
        holds(is_counted(&[read.payments_forgotten]), "payments_forgotten")?;
        holds(is_counted(&[read.requests_forgotten]), "requests_forgotten")?;
        Ok(read)
    }
}

fn read_profiles(reader: &mut SectionReader<'_>) -> Result<Vec<Profile>, StateError> {
    let count = reader.begin_within(PROFILES, usize::from(u16::MAX))?;
    let mut profiles: Vec<Profile> = Vec::with_capacity(count);
    reader.items(PROFILES, u64::try_from(count).expect("64 bits"), |stored: &layout::SetProfile| {
        record::check_profile(stored).map_err(|_| Impossible("profile"))?;
        let profile = Profile::from_record(stored);
        holds(profiles.iter().all(|known| known.number != profile.number), "number")?;
        profiles.push(profile);
        Ok(())
    })?;
    Ok(profiles)
}

/// Each life begins after the one before, and has begun.
fn read_lives(
    reader: &mut SectionReader<'_>,
    setup: Option<&Setup>,
    count: u64,
    last: Sequence,
) -> Result<Lives, StateError> {
    let mut lives = Lives::first(setup.map_or(Incarnation(0), |setup| setup.incarnation));
    let count = reader.begin_exactly(LIVES, count)?;
    reader.items(LIVES, count, |stored: &Life| {
        let life = types::Life {
            incarnation: Incarnation(stored.incarnation.get()),
            first: Sequence(stored.first.get()),
        };
        holds(life.first <= last && lives.begin(life), "life")
    })?;
    Ok(lives)
}

/// A payment asks one bank, or two, or one twice.
fn check_asked(asked: &[u64], head: &HeadRead) -> Result<(), StateError> {
    let asked_max = head.position.sequence.0.saturating_mul(2);
    let wrong = asked.iter().zip(0..).find(|(asked, _)| **asked > asked_max);
    wrong.map_or(Ok(()), |(_, item)| Err(PARTICIPANTS.impossible(item, Impossible("asked"))))
}

impl References {
    fn read_state(reader: &mut SectionReader<'_>) -> Result<Self, StateError> {
        let count = reader.begin_within(REFERENCES, SLOTS_MAX)?;
        // A count in a file proves nothing, and no limit says how many there may be.
        let mut used = Vec::with_capacity(count.min(ROOM_BEYOND));
        reader.items(REFERENCES, u64::try_from(count).expect("64 bits"), |stored: &Reference| {
            used.push(Digest(stored.digest));
            Ok(())
        })?;
        let digest = |slot: u32| used[usize::try_from(slot).expect("32 bits")];
        let is_same = |left, right| digest(left) == digest(right);
        let mut filling = Filling::new(count);
        let mut hashes = used.iter().zip(0..);
        let filled = hashes.try_for_each(|(digest, slot)| filling.push(digest.table_hash(), slot, is_same));
        let filled = filled.and_then(|()| filling.finish(is_same));
        let twice = |Twice(slot)| REFERENCES.impossible(slot.into(), Impossible("digest"));
        let by_digest = filled.map_err(twice)?;
        Ok(Self { used, by_digest })
    }
}

#[cfg(test)]
#[path = "state_activation_tests.rs"]
mod activation_tests;

#[cfg(test)]
#[path = "state_customer_tests.rs"]
mod customer_tests;
#[cfg(test)]
#[path = "state_exceptions_tests.rs"]
mod exceptions_tests;
#[cfg(test)]
#[path = "state_holds_tests.rs"]
mod holds_tests;
#[cfg(test)]
#[path = "state_later_tests.rs"]
mod later_tests;
#[cfg(test)]
#[path = "state_orders_tests.rs"]
mod orders_tests;
#[cfg(test)]
#[path = "state_postings_tests.rs"]
mod postings_tests;

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
