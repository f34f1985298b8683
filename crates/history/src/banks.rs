//! The participants, by their numbers: rows name a bank by its number, in a byte or two.

use std::collections::HashMap;

use types::{Bic, Currency, ParticipantNumber, Sequence, Timestamp};

use crate::bytes::{RowReader, RowWriter};

/// A participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bank {
    pub(crate) bic: Bic,
    pub(crate) number: ParticipantNumber,
    /// The currency of its position.
    pub(crate) currency: Currency,
    /// Where and when it was registered, or where history begins if that was before.
    pub(crate) registered_at: Sequence,
    pub(crate) registered_time: Timestamp,
    /// What was on its position there, in minor units.
    pub(crate) opening_balance: i64,
    /// The participants on whose positions it settles, by currency, if it has none there itself.
    pub(crate) hosts: [Option<(Currency, ParticipantNumber)>; HOSTS_MAX],
}

/// As many currencies as a participant keeps.
pub(crate) const HOSTS_MAX: usize = 4;

/// All participants. There are few, so they are all in memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Banks {
    by_number: HashMap<u32, Bank>,
    by_bic: HashMap<Bic, u32>,
}

/// Stands in place of a number: no bank.
const NO_BANK: u64 = 0;
/// Stands in place of a number: a bank that is not registered, whose BIC follows.
const NOT_REGISTERED: u64 = 1;

impl Banks {
    pub(crate) fn add(&mut self, bank: Bank) {
        self.by_bic.insert(bank.bic, bank.number.0);
        self.by_number.insert(bank.number.0, bank);
    }

    pub(crate) fn find(&self, bic: Bic) -> Option<&Bank> {
        self.by_bic.get(&bic).and_then(|number| self.by_number.get(number))
    }

    pub(crate) fn by_number(&self, number: ParticipantNumber) -> Option<&Bank> {
        self.by_number.get(&number.0)
    }

    /// The number of a bank, 0 if it is not registered.
    pub(crate) fn number(&self, bic: Option<Bic>) -> u32 {
        bic.and_then(|bic| self.by_bic.get(&bic)).copied().unwrap_or(0)
    }

    /// The positions that a payment moves, of the payer's side and of the payee's; none inside a bank, and none where both
    /// banks settle on one.
    pub(crate) fn positions(
        &self,
        banks: [Option<Bic>; 2],
        currency: Currency,
    ) -> [Option<ParticipantNumber>; 2] {
        let [debited, credited] =
            banks.map(|bank| bank.and_then(|bank| self.find(bank)).map(|bank| bank.settles_on(currency)));
        if debited == credited { [None; 2] } else { [debited, credited] }
    }

    pub(crate) fn write(&self, bic: Option<Bic>, row: &mut RowWriter) {
        match (bic, self.number(bic)) {
            (None, _) => row.number(NO_BANK),
            (Some(bic), 0) => {
                row.number(NOT_REGISTERED);
                row.raw(bic.as_bytes());
            }
            (Some(_), number) => row.number(NOT_REGISTERED + u64::from(number)),
        }
    }

    pub(crate) fn read(&self, row: &mut RowReader<'_>) -> Option<Option<Bic>> {
        Some(match row.number()? {
            NO_BANK => None,
            NOT_REGISTERED => Some(Bic::from_bytes(row.array()?)?),
            number => {
                let number = u32::try_from(number - NOT_REGISTERED).ok()?;
                Some(self.by_number.get(&number)?.bic)
            }
        })
    }
}

impl Bank {
    /// The participant on whose position it settles a currency: itself, if it is no reachable party there.
    pub(crate) fn settles_on(&self, currency: Currency) -> ParticipantNumber {
        let mut hosts = self.hosts.iter().flatten();
        hosts.find(|host| host.0 == currency).map_or(self.number, |host| host.1)
    }

    /// From now on it settles a currency on another bank's position; `None` if it does so in too many currencies.
    pub(crate) fn set_host(&mut self, currency: Currency, host: ParticipantNumber) -> Option<()> {
        if self.settles_on(currency) != host {
            *self.hosts.iter_mut().find(|place| place.is_none())? = Some((currency, host));
        }
        Some(())
    }

    pub(crate) fn to_row(self) -> Vec<u8> {
        let mut row = RowWriter::default();
        row.raw(self.bic.as_bytes());
        row.raw(&self.currency.number().to_le_bytes());
        row.number(self.registered_at.0);
        row.time(Timestamp::default(), self.registered_time);
        row.signed(self.opening_balance);
        for (currency, host) in self.hosts.into_iter().flatten() {
            row.raw(&currency.number().to_le_bytes());
            row.number(host.0.into());
        }
        row.bytes
    }

    pub(crate) fn from_row(number: u32, row: &[u8]) -> Option<Self> {
        let mut row = RowReader::new(row);
        let mut bank = Self {
            bic: Bic::from_bytes(row.array()?)?,
            number: ParticipantNumber(number),
            currency: Currency::from_number(u16::from_le_bytes(row.array()?)).ok()?,
            registered_at: Sequence(row.number()?),
            registered_time: row.time(Timestamp::default())?,
            opening_balance: row.signed()?,
            hosts: [None; HOSTS_MAX],
        };
        for host in &mut bank.hosts {
            if row.is_empty() {
                break;
            }
            let currency = Currency::from_number(u16::from_le_bytes(row.array()?)).ok()?;
            *host = Some((currency, ParticipantNumber(u32::try_from(row.number()?).ok()?)));
        }
        Some(bank)
    }
}
