//! What a load run shall do, and the limits of that.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use client::TlsOptions;
use client::limits::BATCH_ITEMS_MAX;

use crate::LoadgenError;
use crate::banks::{Bank, LOAD_BANKS};

/// The most payments of one run: their numbers have ten digits in transaction ids.
pub(crate) const PAYMENTS_MAX: u64 = 1_000_000_000;

/// The most connections of one run.
const CONNECTIONS_MAX: usize = 256;

/// The most calls or messages in flight on one connection.
const IN_FLIGHT_MAX: usize = 1024;

/// The longest run.
const DURATION_MAX: Duration = Duration::from_secs(24 * 3600);

/// The highest fixed rate, in payments a second.
const RATE_MAX: u64 = 10_000_000;

/// How payments are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One payment a call.
    Unary {
        /// Calls under way on each connection.
        calls_in_flight: usize,
    },
    /// One stream on each connection, many payments a message.
    Stream {
        /// Payments in each message. At a fixed rate a full message leaves whenever the time of so many
        /// payments has passed: large messages at a low rate are bursts.
        payments_per_message: usize,
        /// Messages of each connection that are not fully answered.
        messages_in_flight: usize,
    },
}

impl Mode {
    /// Unary calls as the design's measurements have them.
    pub const UNARY: Self = Self::Unary { calls_in_flight: 64 };
    /// Streams as the design's measurements have them.
    pub const STREAM: Self = Self::Stream { payments_per_message: 256, messages_in_flight: 8 };

    /// `unary` or `stream`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unary { .. } => "unary",
            Self::Stream { .. } => "stream",
        }
    }

    /// How many payments are sent at one time.
    pub(crate) fn payments_per_event(self) -> u64 {
        match self {
            Self::Unary { .. } => 1,
            Self::Stream { payments_per_message, .. } => {
                u64::try_from(payments_per_message).expect("at most a batch")
            }
        }
    }
}

/// How fast payments are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// Open loop: so many payments a second are meant to be sent, whether or not earlier ones are answered.
    PerSecond(u64),
    /// Closed loop: as fast as answers make room in flight. Shows capacity; its latency says little.
    Max,
}

/// How send times are spread at a fixed rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// At equal distances.
    Constant,
    /// Independently of each other, as customers come: exponential distances.
    Poisson,
}

/// When a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// After so long. What could not be sent by then is reported.
    Duration(Duration),
    /// After so many payments.
    Payments(u64),
}

/// Who pays whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// Anyone pays anyone.
    Uniform,
    /// Anyone pays one and the same payee.
    Hot,
}

/// What distinguishes the transaction ids of one run from those of any other: 1 to 12 capital letters and
/// digits.
#[derive(Clone, PartialEq, Eq)]
pub struct RunId(String);

/// A load run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadOptions {
    /// Part of every transaction id. A run with the id of an earlier one would only get its answers again.
    pub run: RunId,
    /// How payments are sent.
    pub mode: Mode,
    /// How fast.
    pub rate: Rate,
    /// How send times are spread, if the rate is fixed.
    pub arrivals: Arrivals,
    /// When it ends.
    pub extent: Extent,
    /// Who pays whom.
    pub workload: Workload,
    /// How many accounts take part; half of them at each of two banks. They are opened if they are not there.
    pub accounts: u32,
    /// How many connections.
    pub connections: usize,
    /// What payers, payees, amounts and distances in time follow from.
    pub seed: u64,
    /// Identity and trust, if the node is not a plain one on loopback.
    pub tls: Option<TlsOptions>,
}

impl LoadOptions {
    /// Ten seconds of streams over 1,000 accounts on four connections, as fast as answers come.
    pub const fn new(run: RunId) -> Self {
        Self {
            run,
            mode: Mode::STREAM,
            rate: Rate::Max,
            arrivals: Arrivals::Poisson,
            extent: Extent::Duration(Duration::from_secs(10)),
            workload: Workload::Uniform,
            accounts: 1_000,
            connections: 4,
            seed: 1,
            tls: None,
        }
    }

    /// Checks every limit.
    pub(crate) fn validate(&self) -> Result<(), LoadgenError> {
        within("accounts", self.accounts.into(), 2, Bank::CUSTOMERS_MAX * count(LOAD_BANKS.len()))?;
        within("connections", count(self.connections), 1, count(CONNECTIONS_MAX))?;
        match self.mode {
            Mode::Unary { calls_in_flight } => {
                within("calls in flight", count(calls_in_flight), 1, count(IN_FLIGHT_MAX))?;
            }
            Mode::Stream { payments_per_message, messages_in_flight } => {
                within("payments a message", count(payments_per_message), 1, count(BATCH_ITEMS_MAX))?;
                within("messages in flight", count(messages_in_flight), 1, count(IN_FLIGHT_MAX))?;
            }
        }
        let payments = match (self.extent, self.rate) {
            (Extent::Payments(payments), _) => payments,
            (Extent::Duration(duration), Rate::PerSecond(rate)) => offered(rate, duration),
            (Extent::Duration(_), Rate::Max) => 1,
        };
        within("payments", payments, 1, PAYMENTS_MAX)?;
        if let Rate::PerSecond(rate) = self.rate {
            within("payments a second", rate, 1, RATE_MAX)?;
        }
        if let Extent::Duration(duration) = self.extent
            && (duration.is_zero() || duration > DURATION_MAX)
        {
            return Err(LoadgenError::Options(
                "a run takes longer than nothing and at most a day".to_owned(),
            ));
        }
        Ok(())
    }

    /// How many payments are to be sent, if that is known before.
    pub(crate) fn payments(&self) -> Option<u64> {
        match (self.extent, self.rate) {
            (Extent::Payments(payments), _) => Some(payments),
            (Extent::Duration(duration), Rate::PerSecond(rate)) => Some(offered(rate, duration)),
            (Extent::Duration(_), Rate::Max) => None,
        }
    }
}

impl RunId {
    const CHARACTERS_MAX: usize = 12;

    /// The id of a run that starts at this time, in nanoseconds since 1970: the time to the base of 36.
    pub fn from_time(nanoseconds: u64) -> Self {
        const DIGITS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        let mut text = [b'0'; Self::CHARACTERS_MAX];
        let mut left = nanoseconds;
        for place in text.iter_mut().rev() {
            *place = DIGITS[usize::try_from(left % 36).expect("less than 36")];
            left /= 36;
        }
        // Twelve such digits reach to the year 2120; after that the id is still one, only not the first of
        // its kind.
        Self(text.iter().copied().map(char::from).collect())
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RunId {
    type Err = LoadgenError;

    fn from_str(text: &str) -> Result<Self, LoadgenError> {
        let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        match (1..=Self::CHARACTERS_MAX).contains(&text.len()) && text.bytes().all(fits) {
            true => Ok(Self(text.to_owned())),
            false => Err(LoadgenError::Options("a run id is 1 to 12 capital letters and digits".to_owned())),
        }
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RunId({self})")
    }
}

impl Workload {
    /// `uniform` or `hot`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Hot => "hot",
        }
    }
}

/// How many payments a rate offers in a time.
fn offered(rate: u64, duration: Duration) -> u64 {
    u64::try_from(u128::from(rate) * duration.as_nanos() / 1_000_000_000).unwrap_or(u64::MAX)
}

fn within(what: &str, value: u64, least: u64, most: u64) -> Result<(), LoadgenError> {
    match (least..=most).contains(&value) {
        true => Ok(()),
        false => Err(LoadgenError::Options(format!("{what}: {value} is not between {least} and {most}"))),
    }
}

fn count(size: usize) -> u64 {
    u64::try_from(size).expect("sizes have at most 64 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> LoadOptions {
        LoadOptions::new("RUN1".parse().unwrap())
    }

    #[test]
    fn every_limit_is_checked() {
        options().validate().unwrap();
        let spoiled: [fn(&mut LoadOptions); 9] = [
            |options| options.accounts = 1,
            |options| options.accounts = u32::MAX,
            |options| options.connections = 0,
            |options| options.mode = Mode::Unary { calls_in_flight: 0 },
            |options| options.mode = Mode::Stream { payments_per_message: 1025, messages_in_flight: 1 },
            |options| options.mode = Mode::Stream { payments_per_message: 1, messages_in_flight: 0 },
            |options| options.rate = Rate::PerSecond(0),
            |options| options.extent = Extent::Payments(PAYMENTS_MAX + 1),
            |options| options.extent = Extent::Duration(Duration::ZERO),
        ];
        for (index, spoil) in spoiled.iter().enumerate() {
            let mut options = options();
            spoil(&mut options);
            assert!(options.validate().is_err(), "{index}");
        }
    }

    #[test]
    fn a_fixed_rate_says_how_many_payments_come() {
        let mut options = options();
        assert_eq!(options.payments(), None);
        options.rate = Rate::PerSecond(20_000);
        assert_eq!(options.payments(), Some(200_000));
        options.extent = Extent::Duration(DURATION_MAX);
        assert!(options.validate().is_err(), "more payments than a run may have");
    }

    #[test]
    fn run_ids_are_told_apart() {
        let (first, second) =
            (RunId::from_time(1_795_298_400_000_000_000), RunId::from_time(1_795_298_400_000_000_001));
        assert_ne!(first, second);
        assert_eq!(first.as_str().parse::<RunId>().unwrap(), first);
        for text in ["", "lower", "WITH-DASH", "1234567890123", "É"] {
            assert!(text.parse::<RunId>().is_err(), "{text}");
        }
    }
}
