//! What came of a command, and how that is stored.

use types::{
    Amount, Currency, ParticipantNumber, PaymentState, ReasonCode, Sequence, StatusReason, Timestamp,
};
use zerocopy::FromBytes;
use zerocopy::IntoBytes;

use crate::alerts::Alerts;
use crate::layout;
use crate::{Fees, Kind, OrderState, Remark, Stage};

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
    /// Which bounds of positions and limits the command's bookings crossed. A repeat tells none again.
    pub alerts: Alerts,
    /// Whether a settlement was confirmed after the last moment that the scheme allows. The one thing here that the
    /// rules do not decide: the engine's clock tells it when the confirmation leaves.
    pub late: bool,
    /// What the payer's side is told of a payment beside the verdict.
    pub remark: Remark,
    /// Balances afterwards, in minor units: payer's and payee's account, payer's and payee's bank's position.
    /// Zero where the command touched none. A command on one account or position uses the first of its pair. Of a command
    /// about a hold the second is what is held then: on the account, or by that hold; of a hold whose time was over, what it
    /// gave back. Of an action on an exception the second is what the bank has in suspense then.
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
    /// Of a bank's answer to the question about a payment: what it did, and what is true of the payment now.
    Answer {
        /// The payment's position, as the answer names it.
        payment: Sequence,
        /// What the answer did.
        effect: AnswerEffect,
        /// Where the payment stands now; `None` if the answer is none of this bank's business.
        state: Option<PaymentState>,
        /// Why the payment was not settled, in the code for the bank that answers; AG09 if there is no such payment.
        reason: Option<ReasonCode>,
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
    /// Of a request to pay, at the position of the tick, payment or answer that decided: it was paid, its payment failed, or
    /// its time was over.
    RequestEnded {
        /// The payer's bank.
        payer: ParticipantNumber,
        /// The payee's bank.
        payee: ParticipantNumber,
        /// What became of it.
        end: RequestEnd,
    },
    /// Of a capture: one of its legs was booked, before the capture's own outcome is told. Its balances are those of a
    /// payment.
    LegBooked {
        /// The position of the hold.
        hold: Sequence,
        /// Which leg, from 0.
        leg: u8,
    },
    /// Of a hold, at the position of a frame's tick: its time was over. Beside the account's balance it tells how much was
    /// given back.
    HoldExpired {
        /// The bank that keeps the account.
        bank: ParticipantNumber,
        /// The account's currency.
        currency: Currency,
    },
    /// Of a payment that would execute an order: it was not taken. Nothing is remembered of it, and its key stays free.
    NotExecuted {
        /// The position of the order, as the payment names it.
        order: Sequence,
        /// Why.
        why: NotExecuted,
    },
    /// Of an order that stands alone: its payment is final. Its balances are the amount and the payment's position.
    OrderEnded {
        /// The payer's bank.
        bank: ParticipantNumber,
        /// The order's currency.
        currency: Currency,
        /// What became of it.
        state: OrderState,
        /// Why, if it was not settled.
        reason: Option<ReasonCode>,
    },
    /// Of a package: everything has become of it. Its balances are the sum that was settled, and how many of its lines were
    /// settled, rejected, and neither.
    PackageComplete {
        /// Its bank.
        bank: ParticipantNumber,
        /// Its currency.
        currency: Currency,
    },
    /// Of a payment or a bank's answer: nothing was decided, because the evidence that the record carries does not
    /// reach as far as payments have left the core's table. The engine looks it up again and submits the command anew;
    /// nobody outside is told.
    AskAgain,
    /// Of a payment: it is not taken, because an account of it takes no part here. Nothing was decided, and its key is
    /// unused.
    NotActive {
        /// On which side; the payer's, if neither account takes part.
        stage: Stage,
    },
}

impl Verdict {
    /// Whether nothing was decided about a payment or an answer, so that there is nothing to remember.
    pub const fn decides_nothing(&self) -> bool {
        matches!(self, Self::AskAgain | Self::NotActive { .. } | Self::NotExecuted { .. })
    }
}

/// Why a payment does not execute an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotExecuted {
    /// There is no such order, or not any more.
    Unknown,
    /// Its package is not closed.
    NotOpen,
    /// It has been sent, has ended or was cancelled.
    NotPending,
    /// Its time has not come.
    NotDue,
    /// The payment is another one: the order was changed.
    Differs,
    /// The payment would be rejected for this reason, and the order goes on waiting: it is to be tried again.
    Waits(ReasonCode),
}

impl NotExecuted {
    /// Those without a reason, in the order of their stored numbers from 1.
    const PLAIN: [Self; 5] = [Self::Unknown, Self::NotOpen, Self::NotPending, Self::NotDue, Self::Differs];

    /// The stored form: the reason, or a number, which begins no reason.
    fn code(self) -> [u8; 4] {
        match self {
            Self::Waits(reason) => *reason.as_bytes(),
            Self::Unknown => [1, 0, 0, 0],
            Self::NotOpen => [2, 0, 0, 0],
            Self::NotPending => [3, 0, 0, 0],
            Self::NotDue => [4, 0, 0, 0],
            Self::Differs => [5, 0, 0, 0],
        }
    }

    /// What is stored as this.
    fn from_code(code: [u8; 4]) -> Option<Self> {
        let plain = Self::PLAIN.into_iter().find(|why| why.code() == code);
        plain.or_else(|| ReasonCode::from_bytes(code).map(Self::Waits))
    }
}

/// What became of a request to pay without a word about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestEnd {
    /// Its time was over before the payer had accepted it.
    Expired,
    /// The payment at this position is settled.
    Paid(Sequence),
    /// It was accepted and not paid, and waits for the payer again.
    Failed {
        /// The position of the payment; `None` if none was made.
        payment: Option<Sequence>,
        /// Why it was not settled, or not made.
        reason: ReasonCode,
    },
}

impl RequestEnd {
    /// The payment's position where an entry has a balance; 0 if there is none.
    fn payment_stored(self) -> i64 {
        let payment = match self {
            Self::Expired => None,
            Self::Paid(payment) => Some(payment),
            Self::Failed { payment, .. } => payment,
        };
        i64::try_from(payment.unwrap_or_default().0).expect("a log has fewer than 2^63 positions")
    }
}

/// What a bank's answer did. Only the first changes anything. Stored; numbers are never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AnswerEffect {
    /// It was taken: it settled or rejected the payment, or passed it on to the payee's bank.
    Applied,
    /// It came at the end of its time or after it.
    Late,
    /// The bank had given the same answer before.
    Double,
    /// The bank had given another answer before.
    Contrary,
    /// The bank was not asked this about this payment, or not yet.
    NotAsked,
    /// There is no such payment.
    PaymentUnknown,
}

impl AnswerEffect {
    /// Every effect, in the order of their numbers.
    pub const ALL: [Self; 6] =
        [Self::Applied, Self::Late, Self::Double, Self::Contrary, Self::NotAsked, Self::PaymentUnknown];

    /// The stored number.
    pub const fn number(self) -> u8 {
        match self {
            Self::Applied => 0,
            Self::Late => 1,
            Self::Double => 2,
            Self::Contrary => 3,
            Self::NotAsked => 4,
            Self::PaymentUnknown => 5,
        }
    }

    /// The effect with this stored number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|effect| effect.number() == number)
    }

    /// Whether the bank that answered is told where the payment stands.
    const fn tells(self) -> bool {
        match self {
            Self::Applied | Self::Late | Self::Double | Self::Contrary => true,
            Self::NotAsked | Self::PaymentUnknown => false,
        }
    }
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
    /// A run of payments on disk does not follow those that there are, or covers one that is not final.
    RunMisplaced,
    /// The command made every replay fail, and the operator had it passed over. It did nothing.
    Voided,
    /// The version of the rules is not the one after the one in force.
    VersionNotNext,
    /// The fee of an instant payment would be above that of an ordinary one.
    InstantFeeAboveOrdinary,
    /// The participant keeps no accounts in this currency.
    BookUnknown,
    /// The closing days of a year that has to be looked up are not set.
    CalendarUnknown,
    /// Closing days are set of years around the log's time only.
    CalendarYear,
    /// The business date does not go there.
    BusinessDateNotNext,
    /// What time brings is not due yet, or not at all.
    NotDue,
    /// The payment has been asked back before.
    RecallExists,
    /// The payment is too old to be asked back for this reason.
    RecallWindowOver,
    /// The payment was not settled.
    OriginalNotSettled,
    /// What is said of the payment is not what is known of it.
    OriginalDiffers,
    /// There is no such recall.
    RecallUnknown,
    /// The recall has been answered.
    RecallAnswered,
    /// Another bank has to answer.
    RecallOfAnotherBank,
    /// The payee has to agree first.
    ConsentMissing,
    /// More would go back than was paid.
    AboveOriginal,
    /// The answer is not true of the account.
    AnswerNotTrue,
    /// As many recalls are kept as may be.
    RecallLimit,
    /// A bank that would have to take part is suspended.
    ParticipantSuspended,
    /// The two accounts are not one participant's own position and its own technical account.
    PairNotAllowed,
    /// The position takes no such booking at present.
    PositionBlocked,
    /// The bank has a position of its own in this currency.
    PositionExists,
    /// The reachable party is known, with another account mode or host.
    PartyDiffers,
    /// The bank is no reachable party in this currency.
    LimitUnknown,
    /// Another version of the record is there than was expected.
    VersionConflict,
    /// There is no such record, or its time is over.
    RecordUnknown,
    /// The record would end in the past, or too far ahead.
    RecordExpiryNotAllowed,
    /// The owner keeps as many records, or bytes, as it may.
    RecordLimit,
    /// The bank keeps records in as many name spaces as it may.
    RecordSpaceLimit,
    /// As many records are kept as may be.
    RecordRoom,
    /// There is no such request to pay between these banks, or it is not kept any more.
    RequestToPayUnknown,
    /// The request to pay does not wait for the payer any more.
    RequestToPayNotOpen,
    /// The request to pay has been presented before.
    RequestToPayPresented,
    /// The request to pay would end in the past, or it or its payment too far ahead.
    RequestToPayTimesNotAllowed,
    /// The payee does not allow the payment to be put off that long.
    RequestToPayLaterNotAllowed,
    /// There are as many requests to pay as may be: to the account, of the bank, or of all.
    RequestToPayLimit,
    /// The time of the request to pay is over.
    RequestToPayExpired,
    /// The payment is not the one that is asked for.
    RequestToPayDiffers,
    /// There is no such hold, or not any more.
    HoldUnknown,
    /// The hold would end in the past, or too far ahead.
    HoldExpiryNotAllowed,
    /// The account has as many holds as it may, or there are as many as may be.
    HoldLimit,
    /// More would be taken from a hold than it holds.
    AboveHeld,
    /// The payer would pay itself.
    PayeeIsPayer,
    /// The account takes no part in payments, for a regulatory reason.
    AccountRestricted,
    /// The account's type does not permit it.
    AccountKindNotAllowed,
    /// The position of the payer's bank, or its limit, does not suffice.
    PositionInsufficient,
    /// As many ranges of the bank's accounts are told apart as may be.
    ActivationLimit,
    /// Another map of postings was set last than was expected.
    PostingMapChanged,
    /// The map would count from a day that has passed, or too far ahead.
    PostingDateNotAllowed,
    /// A line of the map is about an account that is none of the book's customers'.
    PostingAccountUnknown,
    /// As many maps were set for the book as may be.
    PostingMapLimit,
    /// There is no such exception of this bank, or not any more.
    ExceptionUnknown,
    /// The same thing has been raised as an exception before.
    ExceptionExists,
    /// The exception is resolved.
    ExceptionResolved,
    /// The action is not legal for exceptions of this kind.
    ActionNotLegal,
    /// As many exceptions are open as may be.
    ExceptionLimit,
    /// The money of the exception is in suspense.
    ExceptionInSuspense,
    /// The money of the exception is not in suspense.
    ExceptionNotInSuspense,
    /// There is no recall, or no answer to it, that the action needs.
    RecallMissing,
    /// The payment was settled, so its acceptance was not late.
    OriginalSettled,
    /// There is no such package of the bank.
    PackageUnknown,
    /// Another file of the same name came before.
    PackageExists,
    /// The bank has as many packages on their way as it may, or as many are kept as may be.
    PackageLimit,
    /// The package is closed, complete or cancelled.
    PackageNotOpen,
    /// A line of the package is missing before this one.
    LineNotNext,
    /// What is logged of the package is not what its file states.
    PackageDiffers,
    /// There is no such order, or not of this bank and account.
    OrderUnknown,
    /// The order has been sent or has ended, or is a package's and can't be changed.
    OrderNotPending,
    /// The order would be due in the past or too far ahead, or never.
    OrderDateNotAllowed,
    /// The account has as many orders as it may, or as many are kept as may be.
    OrderLimit,
}

impl Refusal {
    const ALL: [Self; 87] = [
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
        Self::RunMisplaced,
        Self::Voided,
        Self::VersionNotNext,
        Self::InstantFeeAboveOrdinary,
        Self::BookUnknown,
        Self::CalendarUnknown,
        Self::CalendarYear,
        Self::BusinessDateNotNext,
        Self::NotDue,
        Self::RecallExists,
        Self::RecallWindowOver,
        Self::OriginalNotSettled,
        Self::OriginalDiffers,
        Self::RecallUnknown,
        Self::RecallAnswered,
        Self::RecallOfAnotherBank,
        Self::ConsentMissing,
        Self::AboveOriginal,
        Self::AnswerNotTrue,
        Self::RecallLimit,
        Self::ParticipantSuspended,
        Self::PairNotAllowed,
        Self::PositionBlocked,
        Self::PositionExists,
        Self::PartyDiffers,
        Self::LimitUnknown,
        Self::VersionConflict,
        Self::RecordUnknown,
        Self::RecordExpiryNotAllowed,
        Self::RecordLimit,
        Self::RecordSpaceLimit,
        Self::RecordRoom,
        Self::RequestToPayUnknown,
        Self::RequestToPayNotOpen,
        Self::RequestToPayPresented,
        Self::RequestToPayTimesNotAllowed,
        Self::RequestToPayLaterNotAllowed,
        Self::RequestToPayLimit,
        Self::RequestToPayExpired,
        Self::RequestToPayDiffers,
        Self::HoldUnknown,
        Self::HoldExpiryNotAllowed,
        Self::HoldLimit,
        Self::AboveHeld,
        Self::PayeeIsPayer,
        Self::AccountRestricted,
        Self::AccountKindNotAllowed,
        Self::PositionInsufficient,
        Self::ActivationLimit,
        Self::PostingMapChanged,
        Self::PostingDateNotAllowed,
        Self::PostingAccountUnknown,
        Self::PostingMapLimit,
        Self::ExceptionUnknown,
        Self::ExceptionExists,
        Self::ExceptionResolved,
        Self::ActionNotLegal,
        Self::ExceptionLimit,
        Self::ExceptionInSuspense,
        Self::ExceptionNotInSuspense,
        Self::RecallMissing,
        Self::OriginalSettled,
        Self::PackageUnknown,
        Self::PackageExists,
        Self::PackageLimit,
        Self::PackageNotOpen,
        Self::LineNotNext,
        Self::PackageDiffers,
        Self::OrderUnknown,
        Self::OrderNotPending,
        Self::OrderDateNotAllowed,
        Self::OrderLimit,
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
            Self::RunMisplaced => 16,
            Self::Voided => 18,
            Self::VersionNotNext => 17,
            Self::InstantFeeAboveOrdinary => 64,
            Self::BookUnknown => 65,
            Self::CalendarUnknown => 32,
            Self::CalendarYear => 33,
            Self::BusinessDateNotNext => 34,
            Self::NotDue => 35,
            Self::RecallExists => 36,
            Self::RecallWindowOver => 37,
            Self::OriginalNotSettled => 38,
            Self::OriginalDiffers => 39,
            Self::RecallUnknown => 40,
            Self::RecallAnswered => 41,
            Self::RecallOfAnotherBank => 42,
            Self::ConsentMissing => 43,
            Self::AboveOriginal => 44,
            Self::AnswerNotTrue => 45,
            Self::RecallLimit => 46,
            Self::ParticipantSuspended => 47,
            Self::PairNotAllowed => 48,
            Self::PositionBlocked => 49,
            Self::PositionExists => 50,
            Self::PartyDiffers => 51,
            Self::LimitUnknown => 52,
            Self::VersionConflict => 110,
            Self::RecordUnknown => 111,
            Self::RecordExpiryNotAllowed => 112,
            Self::RecordLimit => 113,
            Self::RecordSpaceLimit => 114,
            Self::RecordRoom => 115,
            Self::RequestToPayUnknown => 175,
            Self::RequestToPayNotOpen => 176,
            Self::RequestToPayPresented => 177,
            Self::RequestToPayTimesNotAllowed => 178,
            Self::RequestToPayLaterNotAllowed => 179,
            Self::RequestToPayLimit => 180,
            Self::RequestToPayExpired => 181,
            Self::RequestToPayDiffers => 182,
            Self::HoldUnknown => 120,
            Self::HoldExpiryNotAllowed => 121,
            Self::HoldLimit => 122,
            Self::AboveHeld => 123,
            Self::PayeeIsPayer => 124,
            Self::AccountRestricted => 125,
            Self::AccountKindNotAllowed => 126,
            Self::PositionInsufficient => 127,
            Self::ActivationLimit => 185,
            Self::PostingMapChanged => 170,
            Self::PostingDateNotAllowed => 171,
            Self::PostingAccountUnknown => 172,
            Self::PostingMapLimit => 173,
            Self::ExceptionUnknown => 195,
            Self::ExceptionExists => 196,
            Self::ExceptionResolved => 197,
            Self::ActionNotLegal => 198,
            Self::ExceptionLimit => 199,
            Self::ExceptionInSuspense => 200,
            Self::ExceptionNotInSuspense => 201,
            Self::RecallMissing => 202,
            Self::OriginalSettled => 203,
            Self::PackageUnknown => 140,
            Self::PackageExists => 141,
            Self::PackageLimit => 142,
            Self::PackageNotOpen => 143,
            Self::LineNotNext => 144,
            Self::PackageDiffers => 145,
            Self::OrderUnknown => 146,
            Self::OrderNotPending => 147,
            Self::OrderDateNotAllowed => 148,
            Self::OrderLimit => 149,
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
            Self::RunMisplaced => "RUN_MISPLACED",
            Self::Voided => "VOIDED",
            Self::VersionNotNext => "VERSION_NOT_NEXT",
            Self::InstantFeeAboveOrdinary => "INSTANT_FEE_ABOVE_ORDINARY",
            Self::BookUnknown => "BOOK_UNKNOWN",
            Self::CalendarUnknown => "CALENDAR_UNKNOWN",
            Self::CalendarYear => "CALENDAR_YEAR",
            Self::BusinessDateNotNext => "BUSINESS_DATE_NOT_NEXT",
            Self::NotDue => "NOT_DUE",
            Self::RecallExists => "RECALL_EXISTS",
            Self::RecallWindowOver => "RECALL_WINDOW_OVER",
            Self::OriginalNotSettled => "ORIGINAL_NOT_SETTLED",
            Self::OriginalDiffers => "ORIGINAL_DIFFERS",
            Self::RecallUnknown => "RECALL_UNKNOWN",
            Self::RecallAnswered => "RECALL_ANSWERED",
            Self::RecallOfAnotherBank => "RECALL_OF_ANOTHER_BANK",
            Self::ConsentMissing => "CONSENT_MISSING",
            Self::AboveOriginal => "ABOVE_ORIGINAL",
            Self::AnswerNotTrue => "ANSWER_NOT_TRUE",
            Self::RecallLimit => "RECALL_LIMIT",
            Self::ParticipantSuspended => "PARTICIPANT_SUSPENDED",
            Self::PairNotAllowed => "PAIR_NOT_ALLOWED",
            Self::PositionBlocked => "POSITION_BLOCKED",
            Self::PositionExists => "POSITION_EXISTS",
            Self::PartyDiffers => "PARTY_DIFFERS",
            Self::LimitUnknown => "LIMIT_UNKNOWN",
            Self::VersionConflict => "VERSION_CONFLICT",
            Self::RecordUnknown => "RECORD_UNKNOWN",
            Self::RecordExpiryNotAllowed => "RECORD_EXPIRY_NOT_ALLOWED",
            Self::RecordLimit => "RECORD_LIMIT",
            Self::RecordSpaceLimit => "RECORD_SPACE_LIMIT",
            Self::RecordRoom => "RECORD_ROOM",
            Self::RequestToPayUnknown => "REQUEST_TO_PAY_UNKNOWN",
            Self::RequestToPayNotOpen => "REQUEST_TO_PAY_NOT_OPEN",
            Self::RequestToPayPresented => "REQUEST_TO_PAY_PRESENTED",
            Self::RequestToPayTimesNotAllowed => "REQUEST_TO_PAY_TIMES_NOT_ALLOWED",
            Self::RequestToPayLaterNotAllowed => "REQUEST_TO_PAY_LATER_NOT_ALLOWED",
            Self::RequestToPayLimit => "REQUEST_TO_PAY_LIMIT",
            Self::RequestToPayExpired => "REQUEST_TO_PAY_EXPIRED",
            Self::RequestToPayDiffers => "REQUEST_TO_PAY_DIFFERS",
            Self::HoldUnknown => "HOLD_UNKNOWN",
            Self::HoldExpiryNotAllowed => "HOLD_EXPIRY_NOT_ALLOWED",
            Self::HoldLimit => "HOLD_LIMIT",
            Self::AboveHeld => "ABOVE_HELD",
            Self::PayeeIsPayer => "PAYEE_IS_PAYER",
            Self::AccountRestricted => "ACCOUNT_RESTRICTED",
            Self::AccountKindNotAllowed => "ACCOUNT_KIND_NOT_ALLOWED",
            Self::PositionInsufficient => "POSITION_INSUFFICIENT",
            Self::ActivationLimit => "ACTIVATION_LIMIT",
            Self::PostingMapChanged => "POSTING_MAP_CHANGED",
            Self::PostingDateNotAllowed => "POSTING_DATE_NOT_ALLOWED",
            Self::PostingAccountUnknown => "POSTING_ACCOUNT_UNKNOWN",
            Self::PostingMapLimit => "POSTING_MAP_LIMIT",
            Self::ExceptionUnknown => "EXCEPTION_UNKNOWN",
            Self::ExceptionExists => "EXCEPTION_EXISTS",
            Self::ExceptionResolved => "EXCEPTION_RESOLVED",
            Self::ActionNotLegal => "ACTION_NOT_LEGAL",
            Self::ExceptionLimit => "EXCEPTION_LIMIT",
            Self::ExceptionInSuspense => "EXCEPTION_IN_SUSPENSE",
            Self::ExceptionNotInSuspense => "EXCEPTION_NOT_IN_SUSPENSE",
            Self::RecallMissing => "RECALL_MISSING",
            Self::OriginalSettled => "ORIGINAL_SETTLED",
            Self::PackageUnknown => "PACKAGE_UNKNOWN",
            Self::PackageExists => "PACKAGE_EXISTS",
            Self::PackageLimit => "PACKAGE_LIMIT",
            Self::PackageNotOpen => "PACKAGE_NOT_OPEN",
            Self::LineNotNext => "LINE_NOT_NEXT",
            Self::PackageDiffers => "PACKAGE_DIFFERS",
            Self::OrderUnknown => "ORDER_UNKNOWN",
            Self::OrderNotPending => "ORDER_NOT_PENDING",
            Self::OrderDateNotAllowed => "ORDER_DATE_NOT_ALLOWED",
            Self::OrderLimit => "ORDER_LIMIT",
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
            Self::RunMisplaced => "the run of payments on disk does not fit those that there are",
            Self::Voided => "the command could not be decided and was voided; send it again",
            Self::VersionNotNext => {
                "the rules are raised one version at a time, and never lowered; ask the node which one is in force"
            }
            Self::InstantFeeAboveOrdinary => {
                "an instant payment may not cost more than an ordinary one; lower the instant fee"
            }
            Self::BookUnknown => {
                "the participant keeps no accounts in this currency; open the first one, then set the fees"
            }
            Self::CalendarUnknown => {
                "the closing days of a year that has to be looked up are not set; set them first"
            }
            Self::CalendarYear => {
                "closing days are set from two years before the present one to ten years after it"
            }
            Self::BusinessDateNotNext => {
                "the business date goes forward to a banking day, and no further than the one after today"
            }
            Self::NotDue => "the time for this has not come; wait until it is due",
            Self::RecallExists => {
                "a payment is asked back once, and this one has been; ask for that recall instead"
            }
            Self::RecallWindowOver => {
                "the payment is older than may be asked back for this reason: 10 banking days for DUPL and TECH, else 13 months"
            }
            Self::OriginalNotSettled => "only a payment that was settled is asked back",
            Self::OriginalDiffers => {
                "what is said of the payment is not what the ledger knows of it; read the payment again"
            }
            Self::RecallUnknown => "there is no such recall, or it is older than recalls are kept",
            Self::RecallAnswered => "the recall has been answered, and an answer stands",
            Self::RecallOfAnotherBank => "only the bank of the payment's payee answers a recall",
            Self::ConsentMissing => "the payer asks, so the payee has to agree first; say that it has",
            Self::AboveOriginal => "what goes back and the fee are more than was paid",
            Self::AnswerNotTrue => {
                "the answer says something of an account here that is not so; look at the account again"
            }
            Self::RecallLimit => {
                "as many recalls are kept as may be; the oldest are forgotten 430 days after they were requested"
            }
            Self::ParticipantSuspended => "a bank of the payment is suspended or blocked; end that first",
            Self::PairNotAllowed => {
                "money moves only between a participant's own position and its own technical account"
            }
            Self::PositionBlocked => "the position is blocked for this; lift the block first",
            Self::PositionExists => {
                "the bank has a position of its own in this currency, so it needs no limit on another's"
            }
            Self::PartyDiffers => {
                "the party is known with another account mode or on another participant's position; both stay as they are"
            }
            Self::LimitUnknown => "the bank is no reachable party in this currency",
            Self::VersionConflict => {
                "another version of the record is there than was expected; read it again and decide anew"
            }
            Self::RecordUnknown => "there is no such record, or its time is over",
            Self::RecordExpiryNotAllowed => "a record ends in the future, at most 400 days ahead",
            Self::RecordLimit => "a name space keeps at most 10,000 records and 16 MiB; remove some first",
            Self::RecordSpaceLimit => "a bank keeps records in at most 8 name spaces; empty one first",
            Self::RecordRoom => {
                "as many records are kept as may be, of all banks together; remove some first"
            }
            Self::RequestToPayUnknown => {
                "there is no such request to pay at this bank, or it ended more than 5 days ago"
            }
            Self::RequestToPayNotOpen => {
                "the request to pay has been accepted, refused, cancelled or paid; ask for it"
            }
            Self::RequestToPayPresented => {
                "the request to pay has been presented before; the payer may answer it"
            }
            Self::RequestToPayTimesNotAllowed => {
                "a request to pay ends in the future, and is paid, at most 180 days ahead"
            }
            Self::RequestToPayLaterNotAllowed => {
                "the payee does not allow the payment to be put off that long; choose a sooner day, or pay now"
            }
            Self::RequestToPayLimit => {
                "the account has 1,000 requests to pay, the bank has 262,144, or there are as many as may be; they go 5 days after they ended"
            }
            Self::RequestToPayExpired => {
                "the time of the request to pay is over; the payee may make a new one"
            }
            Self::RequestToPayDiffers => {
                "the payment is not the one that is asked for; ask for the request again"
            }
            Self::HoldUnknown => {
                "there is no such hold at this bank, or it has been captured or released to the end, or its time is over"
            }
            Self::HoldExpiryNotAllowed => "a hold ends in the future, at most 400 days ahead",
            Self::HoldLimit => {
                "the account has 1,000 holds, or there are as many as may be; release some first"
            }
            Self::AboveHeld => "more would be taken than the hold still holds; ask for the hold",
            Self::PayeeIsPayer => "payer and payee are the same account; of a hold, release it instead",
            Self::AccountRestricted => "the account takes no part in payments, for a regulatory reason",
            Self::AccountKindNotAllowed => "only current accounts pay and are paid; this is another kind",
            Self::PositionInsufficient => {
                "the position of the payer's bank, or its limit, does not suffice for all payees; fund it first"
            }
            Self::ActivationLimit => {
                "as many ranges of the bank's accounts are told apart as may be; join some of them"
            }
            Self::PostingMapChanged => {
                "another map was set last than was expected; list the maps and decide anew"
            }
            Self::PostingDateNotAllowed => {
                "a map counts from today by the bank's clock or from a day at most 400 days ahead; choose a later date, or none"
            }
            Self::PostingAccountUnknown => {
                "a line is about an account that is none of this book's customers'; correct the line"
            }
            Self::PostingMapLimit => "10,000 maps were set for this book, which is as many as may be",
            Self::ExceptionUnknown => "there is no such exception of this bank, or it is forgotten",
            Self::ExceptionExists => {
                "this has been raised as an exception before; list the exceptions of the bank to find it"
            }
            Self::ExceptionResolved => "the exception is resolved, and nothing is done about it any more",
            Self::ActionNotLegal => {
                "this action is not legal for an exception of its kind; ask for the exception to see which are"
            }
            Self::ExceptionLimit => "100,000 exceptions are open; resolve some first",
            Self::ExceptionInSuspense => {
                "the money of this exception is in suspense; book it to the customer or write it off"
            }
            Self::ExceptionNotInSuspense => "only what is in suspense is written off; move it there first",
            Self::RecallMissing => {
                "the recall that this action needs was not requested or not answered so; use RecallService first"
            }
            Self::OriginalSettled => "the payment was settled, so that nothing is wrong with its acceptance",
            Self::PackageUnknown => {
                "there is no such package of this bank, or it is older than packages are kept, 400 days"
            }
            Self::PackageExists => {
                "another file with this message id came before; each file needs a message id of its own"
            }
            Self::PackageLimit => {
                "the bank has 100 packages that are not complete, or as many are kept as may be; wait for some, or cancel them"
            }
            Self::PackageNotOpen => {
                "the package has been closed or cancelled, or is complete, so this can't be done to it any more"
            }
            Self::LineNotNext => {
                "a line of the package is missing before this one; ask how many are logged and go on behind them"
            }
            Self::PackageDiffers => {
                "the lines are not those that the file states, by number, sum, currency, bank or content; cancel the package and send a sound file"
            }
            Self::OrderUnknown => {
                "there is no such order at this bank and on this account, or it ended more than five days ago"
            }
            Self::OrderNotPending => {
                "the order has been sent, has ended or was cancelled; a line of a package is cancelled and not changed"
            }
            Self::OrderDateNotAllowed => {
                "an order is due today or later, at most 400 days ahead, and not after the last day of its schedule"
            }
            Self::OrderLimit => {
                "the account has 1,000 orders, or as many are kept as may be; cancel some or wait"
            }
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
            Verdict::Answer { .. }
            | Verdict::LegBooked { .. }
            | Verdict::RequestEnded { .. }
            | Verdict::HoldExpired { .. }
            | Verdict::NotActive { .. }
            | Verdict::NotExecuted { .. }
            | Verdict::OrderEnded { .. }
            | Verdict::PackageComplete { .. }
            | Verdict::AskAgain => None,
        }
    }

    /// Why the command was not carried out.
    pub const fn refusal(&self) -> Option<Refusal> {
        if let Verdict::Refused { refusal, .. } = self.verdict { Some(refusal) } else { None }
    }

    /// What became of a request to pay, if this tells it.
    pub const fn request_end(&self) -> Option<RequestEnd> {
        if let Verdict::RequestEnded { end, .. } = self.verdict { Some(end) } else { None }
    }

    /// The outcome of the payment that this answer decided, if it decided one: for those who wait for the payment.
    pub fn decides(&self) -> Option<Self> {
        let Verdict::Answer { payment, effect: AnswerEffect::Applied, state: Some(state), reason } =
            self.verdict
        else {
            return None;
        };
        let verdict = Verdict::Payment { state, reason, repeat_of: None };
        state.is_final().then_some(Self { sequence: payment, kind: Kind::Payment, verdict, ..*self })
    }

    /// The stored form.
    ///
    /// Status 23 is for what became of a request to pay: the numbers of its banks are the `subject`, the payee's above the
    /// payer's; the payment's position stands where the first balance does, and the `code` says why it failed; neither means
    /// that its time was over.
    ///
    /// Status is 1 to 5 for the states of a payment, 16 for "done", 17 for "refused", 18 for a leg that was booked (its
    /// number is the `code`, and the hold's position the `subject`), 19 for a hold that has expired (the number of its
    /// currency is the `code`, and that of the bank the `subject`), 24 for "ask again" and 25 for a payment with an account
    /// that takes no part (on which side is the `code`),
    /// currency is the `code`, and that of the bank the `subject`), 20 for an order that has ended (its reason is the `code`, the
    /// number of the bank, 2^32 times that of its state and 2^40 times that of its currency together the `subject`), 21 for a package that is complete (as 19), 24 for
    /// "ask again" and 25 for a payment that did not execute its order (the reason for which the order waits or the number of
    /// why is the `code`, the order's position the `subject`),
    /// plus 128 if the answer is a repeat; `subject` is then the position of what it repeats. A bank's answer has 32, eight for each number
    /// of its effect, and the state of the payment, whose position is the `subject`.
    pub fn to_entry(&self) -> OutcomeEntry {
        let (status, code, subject) = match self.verdict {
            Verdict::Payment { state, reason, .. } => (state.number(), self.code(Some(state), reason), 0),
            Verdict::Answer { payment, effect, state, reason } => (
                ANSWER + ANSWER_STEP * effect.number() + state.map_or(0, PaymentState::number),
                self.code(state, reason),
                payment.0,
            ),
            Verdict::Done { subject, .. } => (DONE, [0; 4], subject),
            Verdict::Refused { refusal, .. } => (REFUSED, [refusal.number(), 0, 0, 0], 0),
            Verdict::RequestEnded { payer, payee, end } => {
                let code = match end {
                    RequestEnd::Expired | RequestEnd::Paid(_) => [0; 4],
                    RequestEnd::Failed { reason, .. } => *reason.as_bytes(),
                };
                (REQUEST_ENDED, code, u64::from(payee.0) << 32 | u64::from(payer.0))
            }
            Verdict::LegBooked { hold, leg } => (LEG_BOOKED, [leg, 0, 0, 0], hold.0),
            Verdict::HoldExpired { bank, currency } => {
                let [low, high] = currency.number().to_le_bytes();
                (HOLD_EXPIRED, [low, high, 0, 0], bank.0.into())
            }
            Verdict::NotExecuted { order, why } => (NOT_EXECUTED, why.code(), order.0),
            Verdict::OrderEnded { bank, currency, state, reason } => {
                let beside = u64::from(state.number()) | u64::from(currency.number()) << 8;
                let subject = u64::from(bank.0) | beside << 32;
                (ORDER_ENDED, reason.map_or([0; 4], |code| *code.as_bytes()), subject)
            }
            Verdict::PackageComplete { bank, currency } => {
                let [low, high] = currency.number().to_le_bytes();
                (PACKAGE_COMPLETE, [low, high, 0, 0], bank.0.into())
            }
            Verdict::AskAgain => (ASK_AGAIN, [0; 4], 0),
            Verdict::NotActive { stage } => (NOT_ACTIVE, [stage.number(), 0, 0, 0], 0),
        };
        let (status, subject) = match self.repeat_of() {
            Some(sequence) => (status | REPEAT, sequence.0),
            None => (status, subject),
        };
        let balances = match self.request_end() {
            Some(end) => [end.payment_stored(), 0, 0, 0],
            None => self.balances,
        };
        let [debtor_balance, creditor_balance, debtor_position, creditor_position] = balances;
        OutcomeEntry(layout::OutcomeEntry {
            sequence: self.sequence.0.into(),
            decided_at: self.decided_at.0.into(),
            kind: self.kind.number().into(),
            status,
            flags: self.alerts.flags()
                | self.remark.flag()
                | if self.late { layout::OUTCOME_LATE } else { 0 },
            code,
            subject: subject.into(),
            debtor_balance: debtor_balance.into(),
            creditor_balance: creditor_balance.into(),
            debtor_position: debtor_position.into(),
            creditor_position: creditor_position.into(),
        })
    }
}

impl Outcome {
    /// A payment's reason, or the fee of one that is settled.
    fn code(&self, state: Option<PaymentState>, reason: Option<ReasonCode>) -> [u8; 4] {
        match state {
            Some(PaymentState::Settled) => self.remark.fee().to_le_bytes(),
            _ => reason.map_or([0; 4], |code| *code.as_bytes()),
        }
    }
}

const DONE: u8 = 16;
const REFUSED: u8 = 17;
const REQUEST_ENDED: u8 = 23;
const LEG_BOOKED: u8 = 18;
const HOLD_EXPIRED: u8 = 19;
const ORDER_ENDED: u8 = 20;
const PACKAGE_COMPLETE: u8 = 21;
const ASK_AGAIN: u8 = 24;
const NOT_ACTIVE: u8 = 25;
const NOT_EXECUTED: u8 = 26;
const ANSWER: u8 = 32;
const ANSWER_STEP: u8 = 8;
const REPEAT: u8 = 128;

/// An outcome as it stands in the log, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutcomeEntry(layout::OutcomeEntry);

/// An order that has ended, as its entry tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedOrder {
    /// The payer's bank.
    pub bank: ParticipantNumber,
    /// Its currency.
    pub currency: Currency,
    /// What became of it.
    pub state: OrderState,
    /// Why, if it was not settled.
    pub reason: Option<ReasonCode>,
    /// How much.
    pub amount: Amount,
    /// The position of its payment.
    pub payment: Sequence,
}

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
            Self::from_stored(layout::OutcomeEntry::read_from_bytes(bytes).map_err(|_| OutcomeError)?)
        });
        entries.collect()
    }

    /// The entry that is stored like this.
    pub fn from_stored(stored: layout::OutcomeEntry) -> Result<Self, OutcomeError> {
        let entry = Self(stored);
        if entry.is_possible() { Ok(entry) } else { Err(OutcomeError) }
    }

    /// The stored form.
    pub const fn stored(&self) -> &layout::OutcomeEntry {
        &self.0
    }

    /// Whether the settlement was confirmed late.
    pub const fn is_late(&self) -> bool {
        self.0.flags & layout::OUTCOME_LATE != 0
    }

    /// Which bounds the command's bookings crossed.
    pub const fn alerts(&self) -> Alerts {
        Alerts::of_flags(self.0.flags)
    }

    /// Whether both tell the same decision.
    pub fn agrees_with(&self, other: &Self) -> bool {
        let flags = |entry: &Self| entry.0.flags & !layout::OUTCOME_LATE;
        let decision = |entry: &Self| layout::OutcomeEntry { flags: flags(entry), ..entry.0 };
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

    /// The payer's bank and the payee's of a request to pay, and what became of it, if this is told of one.
    pub fn request_ended(&self) -> Option<(ParticipantNumber, ParticipantNumber, RequestEnd)> {
        let subject = Some(self.0.subject.get()).filter(|_| self.0.status == REQUEST_ENDED)?;
        let payer = u32::try_from(subject & u64::from(u32::MAX)).ok()?;
        let payee = u32::try_from(subject >> 32).ok()?;
        let payment = u64::try_from(self.0.debtor_balance.get()).ok()?;
        let payment = (payment != 0).then_some(Sequence(payment));
        let end = match (self.0.code, payment) {
            ([0, 0, 0, 0], None) => RequestEnd::Expired,
            ([0, 0, 0, 0], Some(payment)) => RequestEnd::Paid(payment),
            (code, payment) => RequestEnd::Failed { payment, reason: ReasonCode::from_bytes(code)? },
        };
        Some((ParticipantNumber(payer), ParticipantNumber(payee), end))
    }

    /// Which leg of a capture was booked, from 0, and the position of its hold, if it is told of one.
    pub fn leg_booked(&self) -> Option<(u8, Sequence)> {
        let [leg, ..] = self.0.code;
        (self.0.status == LEG_BOOKED).then(|| (leg, Sequence(self.0.subject.get())))
    }

    /// The bank of a hold whose time was over, and how much it gave back, if it is told of one.
    pub fn hold_expired(&self) -> Option<(ParticipantNumber, Amount, Currency)> {
        let bank = u32::try_from(self.0.subject.get()).ok().filter(|_| self.0.status == HOLD_EXPIRED)?;
        let [low, high, ..] = self.0.code;
        let currency = Currency::from_number(u16::from_le_bytes([low, high])).ok()?;
        let released = Amount::from_minor_units(self.0.creditor_balance.get())?;
        Some((ParticipantNumber(bank), released, currency))
    }

    /// The bank of an order that has ended, where the order stands then, why, the amount and the payment, if it is told of
    /// one.
    pub fn order_ended(&self) -> Option<EndedOrder> {
        let subject = Some(self.0.subject.get()).filter(|_| self.0.status == ORDER_ENDED)?;
        let state = u8::try_from(subject >> 32 & 0xFF).ok().and_then(OrderState::from_number)?;
        let currency = Currency::from_number(u16::try_from(subject >> 40).ok()?).ok()?;
        Some(EndedOrder {
            bank: ParticipantNumber(u32::try_from(subject & 0xFFFF_FFFF).ok()?),
            currency,
            state,
            reason: ReasonCode::from_bytes(self.0.code),
            amount: Amount::from_minor_units(self.0.debtor_balance.get())?,
            payment: Sequence(u64::try_from(self.0.creditor_balance.get()).ok()?),
        })
    }

    /// The bank of a package that is complete, and its currency, if it is told of one.
    pub fn package_complete(&self) -> Option<(ParticipantNumber, Currency)> {
        let bank = u32::try_from(self.0.subject.get()).ok().filter(|_| self.0.status == PACKAGE_COMPLETE)?;
        let [low, high, ..] = self.0.code;
        let currency = Currency::from_number(u16::from_le_bytes([low, high])).ok()?;
        Some((ParticipantNumber(bank), currency))
    }

    /// The order that a payment did not execute, and why, if it is told of one.
    pub fn not_executed(&self) -> Option<(Sequence, NotExecuted)> {
        let code = Some(self.0.code).filter(|_| self.0.status == NOT_EXECUTED)?;
        Some((Sequence(self.0.subject.get()), NotExecuted::from_code(code)?))
    }

    /// Whether nothing was decided: the command was submitted anew, with later evidence.
    pub const fn is_asked_again(&self) -> bool {
        self.0.status == ASK_AGAIN
    }

    /// Whether nothing was decided, so that there is nothing to remember: the command was submitted anew, was not taken, or did
    /// not execute its order.
    pub const fn decides_nothing(&self) -> bool {
        matches!(self.0.status, ASK_AGAIN | NOT_ACTIVE | NOT_EXECUTED)
    }

    /// On which side an account takes no part, if the payment was not taken for that.
    pub fn inactive_side(&self) -> Option<Stage> {
        (self.0.status == NOT_ACTIVE).then(|| Stage::from_number(self.0.code[0])).flatten()
    }

    /// Where the payment stands, if the command is one or a bank's answer about one.
    pub const fn payment_state(&self) -> Option<PaymentState> {
        match self.0.status & !REPEAT {
            status if status < ANSWER => PaymentState::from_number(status),
            status => PaymentState::from_number(status % ANSWER_STEP),
        }
    }

    /// Why a payment was not settled, or why an answer found none.
    pub fn reason(&self) -> Option<ReasonCode> {
        let has_code = match self.payment_state() {
            Some(state) => state != PaymentState::Settled,
            None => self.effect().is_some(),
        };
        if has_code { ReasonCode::from_bytes(self.0.code) } else { None }
    }

    /// What the payer's side was told of a payment beside state and reason.
    pub fn remark(&self) -> Remark {
        match self.payment_state() {
            Some(PaymentState::Settled) => Remark::fee_of(u32::from_le_bytes(self.0.code)),
            Some(PaymentState::Rejected) => Remark::of_flags(self.0.flags),
            Some(PaymentState::Reserved | PaymentState::Expired | PaymentState::Unresolved) | None => {
                Remark::None
            }
        }
    }

    /// What a bank's answer did, if the command is one.
    pub fn effect(&self) -> Option<AnswerEffect> {
        let status = self.0.status.checked_sub(ANSWER).filter(|_| self.kind() == Some(Kind::Answer))?;
        AnswerEffect::from_number(status / ANSWER_STEP)
    }

    /// The position of the payment that this is about: the command itself, or the one that a bank's answer names.
    pub fn payment(&self) -> Option<Sequence> {
        match self.effect() {
            Some(_) => Some(Sequence(self.0.subject.get())),
            None => self.payment_state().map(|_| self.sequence()),
        }
    }

    /// Why another command was not carried out.
    pub fn refusal(&self) -> Option<Refusal> {
        (self.0.status & !REPEAT == REFUSED).then(|| Refusal::from_number(self.0.code[0])).flatten()
    }

    /// Number of the account or participant that another command made or changed, 0 if none or if this is no such
    /// outcome.
    pub fn subject(&self) -> u64 {
        if self.0.status == DONE { self.0.subject.get() } else { 0 }
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
        let is_voided = status == REFUSED && self.refusal() == Some(Refusal::Voided);
        let has_its_status = match self.kind() {
            // Whatever it was: it did nothing.
            Some(kind) if is_voided => !matches!(kind, Kind::Payment | Kind::RefusedPayment),
            Some(Kind::Payment | Kind::RefusedPayment | Kind::Answer) if status == ASK_AGAIN => {
                self.repeat_of().is_none()
            }
            Some(Kind::Payment) if status == NOT_ACTIVE => self.0.status == NOT_ACTIVE,
            Some(Kind::Payment) if status == NOT_EXECUTED => {
                self.not_executed().is_some_and(|(order, _)| order.0 > 0)
            }
            Some(Kind::PlaceOrder) if status == ORDER_ENDED => {
                let ends = |ended: &EndedOrder| match ended.state {
                    OrderState::Settled => ended.reason.is_none() && code == [0; 4],
                    OrderState::Rejected | OrderState::Expired => ended.reason.is_some(),
                    OrderState::Pending
                    | OrderState::Awaiting
                    | OrderState::Sent
                    | OrderState::Cancelled
                    | OrderState::Refused => false,
                };
                self.order_ended().is_some_and(|ended| ended.bank.0 > 0 && ends(&ended))
            }
            Some(Kind::OpenPackage) if status == PACKAGE_COMPLETE => {
                self.package_complete().is_some_and(|(bank, _)| bank.0 > 0) && code[2..] == [0; 2]
            }
            Some(Kind::Payment | Kind::RefusedPayment) => status < DONE && self.payment_state().is_some(),
            Some(Kind::Evidence | Kind::BeginIncarnation | Kind::Void) => status == DONE,
            Some(Kind::Answer) => self.effect().is_some_and(|effect| self.tells_as(effect)),
            Some(Kind::CreateRequestToPay) if status == REQUEST_ENDED => {
                let told = self.request_ended().filter(|(payer, payee, _)| payer.0 != 0 && payee.0 != 0);
                self.0.status == REQUEST_ENDED && told.is_some() && self.balances()[1..] == [0; 3]
            }
            Some(Kind::CaptureHold) if status == LEG_BOOKED => self.0.status == LEG_BOOKED,
            Some(Kind::PlaceHold) if status == HOLD_EXPIRED => {
                self.hold_expired().is_some_and(|(bank, ..)| bank.0 != 0) && code[2..] == [0; 2]
            }
            Some(
                Kind::Genesis
                | Kind::SetProfile
                | Kind::RegisterParticipant
                | Kind::SetParticipantStatus
                | Kind::OpenAccount
                | Kind::SetAccountStatus
                | Kind::SetAccountFloor
                | Kind::PostEntry
                | Kind::TransferLiquidity
                | Kind::SealDuplicates
                | Kind::SetVersion
                | Kind::SetDecisionPolicy
                | Kind::SetAccountFlag
                | Kind::SetAccountHolders
                | Kind::SetReservationLimit
                | Kind::SetCustomerLimit
                | Kind::SetRestricted
                | Kind::SetFees
                | Kind::SetZone
                | Kind::SetClosingDays
                | Kind::RollBusinessDate
                | Kind::RequestRecall
                | Kind::AnswerRecall
                | Kind::SetRecallPolicy
                | Kind::SetPositionAlert
                | Kind::SetReachableParty
                | Kind::SetBlock
                | Kind::TransferOwnFunds
                | Kind::CreateRequestToPay
                | Kind::PresentRequestToPay
                | Kind::AnswerRequestToPay
                | Kind::CancelRequestToPay
                | Kind::PlaceHold
                | Kind::CaptureHold
                | Kind::ReleaseHold
                | Kind::PutRecord
                | Kind::RemoveRecord
                | Kind::SetActivation
                | Kind::SetPostingMap
                | Kind::RaiseException
                | Kind::AssignException
                | Kind::ResolveException
                | Kind::OpenPackage
                | Kind::PackageLine
                | Kind::ClosePackage
                | Kind::PlaceOrder
                | Kind::ChangeOrder
                | Kind::CancelOrders,
            ) => [DONE, REFUSED].contains(&status),
            None => return false,
        };
        let has_its_code = match self.payment_state() {
            Some(PaymentState::Rejected | PaymentState::Expired) => ReasonCode::from_bytes(code).is_some(),
            // A repeat tells no balances, and so no fee that has led to them.
            Some(PaymentState::Settled) => {
                let fee = u32::from_le_bytes(code);
                fee <= Fees::MINOR_UNITS_MAX && (fee == 0 || self.repeat_of().is_none())
            }
            Some(PaymentState::Reserved | PaymentState::Unresolved) => code == [0; 4],
            None if status == REQUEST_ENDED => true,
            None if status == LEG_BOOKED => {
                usize::from(code[0]) < layout::HOLD_LEGS_MAX && code[1..] == [0; 3]
            }
            None if status == HOLD_EXPIRED => true,
            None if status == NOT_ACTIVE => self.inactive_side().is_some() && code[1..] == [0; 3],
            // Looked at with the status.
            None if [HOLD_EXPIRED, ORDER_ENDED, PACKAGE_COMPLETE, NOT_EXECUTED].contains(&status) => true,
            None if status == REFUSED => self.refusal().is_some() && code[1..] == [0; 3],
            None if self.effect() == Some(AnswerEffect::PaymentUnknown) => {
                code == *StatusReason::PaymentNotReceived.code().as_bytes()
            }
            None => code == [0; 4],
        };
        let limit = self.0.flags & (layout::OUTCOME_LIMIT_PER_PAYMENT | layout::OUTCOME_LIMIT_PER_DAY);
        let is_refused_for_limit = self.payment_state() == Some(PaymentState::Rejected)
            && self.effect().is_none()
            && code == *StatusReason::CustomerLimit.code().as_bytes();
        let has_its_limit = match limit {
            0 => true,
            layout::OUTCOME_LIMIT_PER_PAYMENT | layout::OUTCOME_LIMIT_PER_DAY => is_refused_for_limit,
            _ => false,
        };
        let is_settled = self.payment_state() == Some(PaymentState::Settled);
        let books = is_settled
            || status == LEG_BOOKED
            || matches!(
                self.kind(),
                Some(Kind::TransferLiquidity | Kind::TransferOwnFunds | Kind::AnswerRecall)
            );
        let may_be_flagged = (!self.is_late() || is_settled)
            && has_its_limit
            && (self.alerts().is_none() || books && status != REFUSED && self.repeat_of().is_none())
            && self.0.flags & !(layout::OUTCOME_LATE | self.alerts().flags() | limit) == 0;
        has_its_status && has_its_code && may_be_flagged
    }

    /// Whether an answer tells the payment's state just where it may. An answer is never a repeat.
    fn tells_as(&self, effect: AnswerEffect) -> bool {
        let state = self.0.status % ANSWER_STEP;
        let told = if effect.tells() { self.payment_state().is_some() } else { state == 0 };
        told && self.0.status & REPEAT == 0
    }
}
