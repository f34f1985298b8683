//! Asking other banks about their customers' names: what is asked and what may come back, whatever the way.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use types::{Bic, Iban, Text, Timestamp};

/// What is to be verified. `{:?}` shows neither.
#[derive(Clone, PartialEq, Eq)]
pub enum Given {
    /// A name.
    Name(Text<140>),
    /// A code of a legal person.
    Code(Text<35>),
}

/// The kind only: both are personal data.
impl fmt::Debug for Given {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Name(_) => "a name",
            Self::Code(_) => "a code",
        })
    }
}

/// A question to the payee's bank.
#[derive(Clone)]
pub struct Asked {
    /// The requesting bank's name for it.
    pub request_id: String,
    /// When it was asked here.
    pub requested_time: Timestamp,
    /// The payer's bank.
    pub requesting_agent: Bic,
    /// The payee's bank.
    pub payee_agent: Bic,
    /// The payee's account.
    pub iban: Iban,
    /// What is to be verified.
    pub given: Given,
}

/// Account number and name are personal data.
impl fmt::Debug for Asked {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { requesting_agent, payee_agent, given, .. } = self;
        write!(formatter, "Asked({requesting_agent} of {payee_agent} about {given:?})")
    }
}

/// What the payee's bank answered.
#[derive(Clone, PartialEq, Eq)]
pub enum Told {
    /// It is the holder's.
    Match,
    /// It is nearly the name of the holder, which is this.
    CloseMatch(Text<140>),
    /// It is not the holder's.
    NoMatch,
    /// The bank can't say.
    NotPossible,
}

/// The outcome only: a name is personal data.
impl fmt::Debug for Told {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Match => "Match",
            Self::CloseMatch(_) => "CloseMatch(…)",
            Self::NoMatch => "NoMatch",
            Self::NotPossible => "NotPossible",
        })
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// Nobody has said where this bank is asked.
    NotConfigured,
    /// As many questions to it are under way as there may be.
    Busy,
    /// None came in time.
    Late,
    /// It could not be reached, or what it said is no answer.
    Failed,
}

/// An answer that is on its way. Whoever drops it gives up the question.
pub type Awaited<'asked> = Pin<Box<dyn Future<Output = Result<Told, NoAnswer>> + Send + 'asked>>;

/// A way to ask the banks that keep their customers' accounts elsewhere.
///
/// Whoever implements it asks once, answers within five seconds, and has a limit on what is under way.
pub trait OtherBanks: Send + Sync + fmt::Debug {
    /// Asks the payee's bank.
    fn ask(&self, asked: Asked) -> Awaited<'_>;
}
