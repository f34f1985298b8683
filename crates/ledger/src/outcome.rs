//! What came of a command, and how that is stored.

use types::{PaymentState, ReasonCode, Sequence, Timestamp};
use zerocopy::FromBytes;
use zerocopy::IntoBytes;

use crate::Kind;
use crate::layout;

/// What came of one command. It is the same on every replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The command's position.
    pub sequence: Sequence,
    /// The position that decided.
    pub decided_at: Sequence,
    /// The log time of the decision.
    pub decided_time: Timestamp,
    /// When the clock of a payment started; 1970 for other commands, and where a refused payment did not say.
    pub accepted: Timestamp,
    /// Which command.
    pub kind: Kind,
    /// The decision.
    pub verdict: Verdict,
    /// Whether a settlement was confirmed after the last moment that the scheme allows. The one thing here that the
    /// rules do not decide: the engine's clock tells it when the confirmation leaves.
    pub late: bool,
    /// Balances afterwards, in minor units: payer's and payee's account, payer's and payee's bank's position.
    /// Zero where the command touched none. A command on one account or position uses the first of its pair.
    pub balances: [i64; 4],
}

/// A decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Of a payment.
    Payment {
        /// Where it stands.
        state: PaymentState,
        /// Why, if it was not settled.
        reason: Option<ReasonCode>,
        /// The position of the earlier attempt with the same key and body whose answer this repeats.
        repeat_of: Option<Sequence>,
    },
    /// Of another command: it was carried out.
    Done {
        /// The account or participant that was made or changed; 0 if none.
        subject: u64,
        /// The position of the earlier request with the same id and body whose answer this repeats.
        repeat_of: Option<Sequence>,
    },
    /// Of another command: it was not carried out.
    Refused {
        /// Why.
        refusal: Refusal,
        /// The position of the earlier request with the same id and body whose answer this repeats.
        repeat_of: Option<Sequence>,
    },
}

/// Why a command other than a payment was not carried out. Stored; numbers are never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// The request id was used before with another body.
    RequestIdReused,
    /// No participant has this BIC.
    ParticipantUnknown,
    /// A participant with this BIC exists.
    ParticipantExists,
    /// The participant's accounts do not live here.
    AccountsNotHosted,
    /// No account has this number and currency.
    AccountUnknown,
    /// An account with this number and currency exists.
    AccountExists,
    /// The account is closed, for good.
    AccountClosed,
    /// The account is blocked.
    AccountBlocked,
    /// The account holds or reserves money and can't be closed.
    AccountNotEmpty,
    /// The floor is above the available funds.
    FloorAboveAvailable,
    /// The available funds do not suffice.
    InsufficientFunds,
    /// A balance would leave the range that Solvo keeps.
    BalanceLimit,
    /// The participant has no position in this currency.
    PositionUnknown,
    /// The external reference was used before.
    ReferenceReused,
    /// The participant keeps as many currencies as it may.
    CurrencyLimit,
}

impl Refusal {
    const ALL: [Self; 15] = [
        Self::RequestIdReused,
        Self::ParticipantUnknown,
        Self::ParticipantExists,
        Self::AccountsNotHosted,
        Self::AccountUnknown,
        Self::AccountExists,
        Self::AccountClosed,
        Self::AccountBlocked,
        Self::AccountNotEmpty,
        Self::FloorAboveAvailable,
        Self::InsufficientFunds,
        Self::BalanceLimit,
        Self::PositionUnknown,
        Self::ReferenceReused,
        Self::CurrencyLimit,
    ];

    /// The stored number.
    pub const fn number(self) -> u8 {
        match self {
            Self::RequestIdReused => 1,
            Self::ParticipantUnknown => 2,
            Self::ParticipantExists => 3,
            Self::AccountsNotHosted => 4,
            Self::AccountUnknown => 5,
            Self::AccountExists => 6,
            Self::AccountClosed => 7,
            Self::AccountBlocked => 8,
            Self::AccountNotEmpty => 9,
            Self::FloorAboveAvailable => 10,
            Self::InsufficientFunds => 11,
            Self::BalanceLimit => 12,
            Self::PositionUnknown => 13,
            Self::ReferenceReused => 14,
            Self::CurrencyLimit => 15,
        }
    }

    /// The refusal with this stored number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|refusal| refusal.number() == number)
    }

    /// A name for machines, as it travels in `google.rpc.ErrorInfo`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RequestIdReused => "REQUEST_ID_REUSED",
            Self::ParticipantUnknown => "PARTICIPANT_UNKNOWN",
            Self::ParticipantExists => "PARTICIPANT_EXISTS",
            Self::AccountsNotHosted => "ACCOUNTS_NOT_HOSTED",
            Self::AccountUnknown => "ACCOUNT_UNKNOWN",
            Self::AccountExists => "ACCOUNT_EXISTS",
            Self::AccountClosed => "ACCOUNT_CLOSED",
            Self::AccountBlocked => "ACCOUNT_BLOCKED",
            Self::AccountNotEmpty => "ACCOUNT_NOT_EMPTY",
            Self::FloorAboveAvailable => "FLOOR_ABOVE_AVAILABLE",
            Self::InsufficientFunds => "INSUFFICIENT_FUNDS",
            Self::BalanceLimit => "BALANCE_LIMIT",
            Self::PositionUnknown => "POSITION_UNKNOWN",
            Self::ReferenceReused => "REFERENCE_REUSED",
            Self::CurrencyLimit => "CURRENCY_LIMIT",
        }
    }

    /// One sentence for a person, with what to do.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::RequestIdReused => "this request id was used with another body; choose a new one",
            Self::ParticipantUnknown => "no participant has this BIC; register it first",
            Self::ParticipantExists => "a participant with this BIC is registered already",
            Self::AccountsNotHosted => "this participant's accounts live in its own core, not here",
            Self::AccountUnknown => "no account has this number and currency; open it first",
            Self::AccountExists => "an account with this number and currency exists already",
            Self::AccountClosed => "the account is closed, for good",
            Self::AccountBlocked => "the account is blocked; set its status to active first",
            Self::AccountNotEmpty => "the account holds or reserves money; empty it first",
            Self::FloorAboveAvailable => "the floor is above the account's available funds",
            Self::InsufficientFunds => "the available funds do not suffice",
            Self::BalanceLimit => "a balance would leave the range that Solvo keeps",
            Self::PositionUnknown => "the participant has no position in this currency",
            Self::ReferenceReused => {
                "this external reference was used before; each booking outside counts once"
            }
            Self::CurrencyLimit => "a participant keeps accounts in at most four currencies",
        }
    }
}

impl Outcome {
    /// Whether this repeats the answer to an earlier command.
    pub const fn repeat_of(&self) -> Option<Sequence> {
        match self.verdict {
            Verdict::Payment { repeat_of, .. }
            | Verdict::Done { repeat_of, .. }
            | Verdict::Refused { repeat_of, .. } => repeat_of,
        }
    }

    /// The stored form.
    ///
    /// Status is 1 to 5 for the states of a payment, 16 for "done" and 17 for "refused", plus 128 if the answer
    /// is a repeat; `subject` is then the position of what it repeats.
    pub fn to_entry(&self) -> OutcomeEntry {
        let (status, code, subject) = match self.verdict {
            Verdict::Payment { state, reason, .. } => {
                (state.number(), reason.map_or([0; 4], |code| *code.as_bytes()), 0)
            }
            Verdict::Done { subject, .. } => (DONE, [0; 4], subject),
            Verdict::Refused { refusal, .. } => (REFUSED, [refusal.number(), 0, 0, 0], 0),
        };
        let (status, subject) = match self.repeat_of() {
            Some(sequence) => (status | REPEAT, sequence.0),
            None => (status, subject),
        };
        let [debtor_balance, creditor_balance, debtor_position, creditor_position] = self.balances;
        OutcomeEntry(layout::OutcomeEntry {
            sequence: self.sequence.0.into(),
            decided_at: self.decided_at.0.into(),
            kind: self.kind.number().into(),
            status,
            flags: if self.late { layout::OUTCOME_LATE } else { 0 },
            code,
            subject: subject.into(),
            debtor_balance: debtor_balance.into(),
            creditor_balance: creditor_balance.into(),
            debtor_position: debtor_position.into(),
            creditor_position: creditor_position.into(),
        })
    }
}

const DONE: u8 = 16;
const REFUSED: u8 = 17;
const REPEAT: u8 = 128;

/// An outcome as it stands in the log, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutcomeEntry(layout::OutcomeEntry);

/// Stored bytes that are not an outcome entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an outcome entry holds an impossible value")]
pub struct OutcomeError;

impl OutcomeEntry {
    /// Bytes an entry takes.
    pub const SIZE: usize = size_of::<layout::OutcomeEntry>();

    /// The bytes as they stand in a frame.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Reads the entries of a frame's outcome section.
    pub fn read_all(section: &[u8]) -> Result<Vec<Self>, OutcomeError> {
        let entries = section.chunks(Self::SIZE).map(|bytes| {
            let entry = layout::OutcomeEntry::read_from_bytes(bytes).map_err(|_| OutcomeError)?;
            let entry = Self(entry);
            if entry.is_possible() { Ok(entry) } else { Err(OutcomeError) }
        });
        entries.collect()
    }

    /// Whether the settlement was confirmed late.
    pub const fn is_late(&self) -> bool {
        self.0.flags & layout::OUTCOME_LATE != 0
    }

    /// Whether both tell the same decision.
    pub fn agrees_with(&self, other: &Self) -> bool {
        let decision = |entry: &Self| layout::OutcomeEntry { flags: 0, ..entry.0 };
        decision(self) == decision(other)
    }

    /// The position of the command.
    pub const fn sequence(&self) -> Sequence {
        Sequence(self.0.sequence.get())
    }

    /// The position that decided.
    pub const fn decided_at(&self) -> Sequence {
        Sequence(self.0.decided_at.get())
    }

    /// The kind of the command.
    pub fn kind(&self) -> Option<Kind> {
        Kind::from_number(self.0.kind.get())
    }

    /// Where the payment stands, if the command is one.
    pub const fn payment_state(&self) -> Option<PaymentState> {
        PaymentState::from_number(self.0.status & !REPEAT)
    }

    /// Why a payment was not settled.
    pub fn reason(&self) -> Option<ReasonCode> {
        self.payment_state().and_then(|_| ReasonCode::from_bytes(self.0.code))
    }

    /// Why another command was not carried out.
    pub fn refusal(&self) -> Option<Refusal> {
        (self.0.status & !REPEAT == REFUSED).then(|| Refusal::from_number(self.0.code[0])).flatten()
    }

    /// The position of the command whose answer this repeats.
    pub fn repeat_of(&self) -> Option<Sequence> {
        (self.0.status & REPEAT != 0).then(|| Sequence(self.0.subject.get()))
    }

    /// Balances afterwards, as in [`Outcome::balances`].
    pub fn balances(&self) -> [i64; 4] {
        [
            self.0.debtor_balance.get(),
            self.0.creditor_balance.get(),
            self.0.debtor_position.get(),
            self.0.creditor_position.get(),
        ]
    }

    /// Whether each field holds what it can: a status of the command's kind, and the code that it takes.
    fn is_possible(&self) -> bool {
        let (status, code) = (self.0.status & !REPEAT, self.0.code);
        let is_payment = match self.kind() {
            Some(Kind::Payment | Kind::RefusedPayment) => true,
            Some(
                Kind::Genesis
                | Kind::SetProfile
                | Kind::RegisterParticipant
                | Kind::SetParticipantStatus
                | Kind::OpenAccount
                | Kind::SetAccountStatus
                | Kind::SetAccountFloor
                | Kind::PostEntry
                | Kind::TransferLiquidity,
            ) => false,
            None => return false,
        };
        let has_its_code = match self.payment_state() {
            Some(PaymentState::Rejected | PaymentState::Expired) => ReasonCode::from_bytes(code).is_some(),
            Some(PaymentState::Settled | PaymentState::Reserved | PaymentState::Unresolved) => code == [0; 4],
            None if status == DONE => code == [0; 4],
            None if status == REFUSED => self.refusal().is_some() && code[1..] == [0; 3],
            None => false,
        };
        let may_be_flagged = match self.0.flags {
            0 => true,
            layout::OUTCOME_LATE => self.payment_state() == Some(PaymentState::Settled),
            _ => false,
        };
        is_payment == self.payment_state().is_some() && has_its_code && may_be_flagged
    }
}
