//! What clients may send, in small numbers: banks 0 to 4, accounts 0 to 9, five currencies.
//!
//! The model decides steps; `words` writes them as the ledger's records. Two steps that differ in nothing but
//! what is no part of a body (message id, hints, a time that Solvo stamps) are the same request.

use ledger::{
    AccountKind, AccountMode, AccountStatus, Answer, Blocks, Connected, DecisionPolicy, Direction,
    ExceptionAction, ExceptionKind, ExpectedVersion, Fees, LiquidityDirection, OwnAccount, ParticipantStatus,
    RecallAnswer, Stage, Zone,
};
use types::{ClosingDays, Date, PaymentState, ReasonCode, RecallReason, Sequence, Timestamp};

/// How many banks there are to register.
pub(crate) const BANKS: u8 = 5;
/// The same as the length of a list.
pub(crate) const BANK_COUNT: usize = 5;
/// How many account numbers there are to open.
pub(crate) const ACCOUNTS: u8 = 10;
/// The currencies by their number here; the first is the scheme's. One more than a participant may keep.
pub(crate) const CURRENCIES: [&str; 5] = ["EUR", "SEK", "CHF", "GBP", "NOK"];

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A command with a request id.
    Request {
        /// The caller's name for it.
        id: u32,
        /// Its body.
        body: Request,
    },
    /// A payment.
    Pay(Pay),
    /// A bank's answer to the question about a payment.
    Answer {
        /// The payment's position.
        payment: Sequence,
        /// The bank that answers.
        bank: u8,
        /// Which question it answers.
        stage: Stage,
        /// What it says.
        answer: Answer,
    },
    /// A payment that was refused on reading.
    Refuse {
        /// The payment as far as it could be read.
        payment: Pay,
        /// Whether the whole order could be read, so that its body is the same as a good one's.
        whole: bool,
    },
    /// A payment whose sender may not act for the payer's bank.
    NotEntitled(Pay),
    /// A line of a package.
    Line(Line),
}

/// A line of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// The package's position.
    pub(crate) package: Sequence,
    /// Its number, from 1.
    pub(crate) number: u32,
    /// What it says.
    pub(crate) terms: Terms,
    /// Whether it was refused on reading. Then only its amount is known.
    pub(crate) is_refused: bool,
}

/// What a payee asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AskToPay {
    /// The payer's bank.
    pub(crate) payer_bank: u8,
    /// The payer's account as the edge sees it.
    pub(crate) hint: u32,
    /// The payment. It names no acceptance time.
    pub(crate) body: Body,
    /// From when on it can't be accepted.
    pub(crate) expires: Timestamp,
    /// Until when the payment may be put off, in nanoseconds since 1970 of the payer's bank's clock; 0 for not at all.
    pub(crate) pay_by: i64,
}

/// What an order says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// The payer's bank.
    pub(crate) bank: u8,
    /// Its payment. It names no acceptance time.
    pub(crate) body: Body,
    /// When it is due, in nanoseconds since 1970 of its bank's clock; 0 for at once.
    pub(crate) due: i64,
    /// From when on a lack of funds is final, on that clock; 0 for the end of the day.
    pub(crate) give_up: i64,
    /// Every so many weeks; 0 for once.
    pub(crate) weeks: u8,
    /// The last day of those; 0 for without end.
    pub(crate) last: i32,
}

impl Terms {
    /// Of nothing.
    pub(crate) const EMPTY: Self = Self { bank: 0, body: Body::EMPTY, due: 0, give_up: 0, weeks: 0, last: 0 };
}

/// The body of a command with a request id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// A bank enters.
    Register {
        /// Which.
        bank: u8,
        /// Where its accounts live.
        mode: AccountMode,
        /// The currency of its position.
        currency: u8,
    },
    /// A bank is suspended or takes part again.
    SetBankStatus {
        /// Which.
        bank: u8,
        /// Its status from now on.
        status: ParticipantStatus,
    },
    /// An account is opened.
    Open {
        /// Where.
        bank: u8,
        /// Its number.
        account: u8,
        /// In which currency.
        currency: u8,
        /// What it permits.
        kind: AccountKind,
        /// Minor units.
        floor: i64,
    },
    /// An account is blocked, freed or closed.
    SetAccountStatus {
        /// Its number.
        account: u8,
        /// In which currency.
        currency: u8,
        /// Its status from now on.
        status: AccountStatus,
    },
    /// An account's floor is set.
    SetFloor {
        /// Its number.
        account: u8,
        /// In which currency.
        currency: u8,
        /// Minor units.
        floor: i64,
    },
    /// The bank's own systems move money.
    Post {
        /// The account's number.
        account: u8,
        /// In which currency.
        currency: u8,
        /// Up or down.
        direction: Direction,
        /// Minor units.
        amount: i64,
    },
    /// Money enters or leaves a position.
    Move {
        /// Whose.
        bank: u8,
        /// In which currency.
        currency: u8,
        /// In or out.
        direction: LiquidityDirection,
        /// Minor units.
        amount: i64,
        /// The booking outside.
        reference: u32,
    },
    /// A bank says about which payments it wants to decide.
    SetPolicy {
        /// Which.
        bank: u8,
        /// Its wish.
        policy: DecisionPolicy,
    },
    /// An account is flagged, or not any more.
    SetFlag {
        /// Its number.
        account: u8,
        /// In which currency.
        currency: u8,
        /// Whether it is.
        is_flagged: bool,
    },
    /// Who holds an account is said anew.
    SetHolders {
        /// Its number.
        account: u8,
        /// In which currency.
        currency: u8,
        /// Which name.
        name: u8,
    },
    /// The version of the rules is raised.
    SetVersion {
        /// To this one.
        version: u32,
    },
    /// A customer limits what leaves an account.
    Allow {
        /// Its number.
        account: u8,
        /// In which currency.
        currency: u8,
        /// Minor units for one payment, and for a day.
        limits: [Option<i64>; 2],
    },
    /// An account takes no part in payments, or takes part again.
    Restrict {
        /// Its number.
        account: u8,
        /// In which currency.
        currency: u8,
        /// Whether it is.
        is_restricted: bool,
    },
    /// A bank sets its fees.
    SetFees {
        /// Which.
        bank: u8,
        /// For accounts in this currency.
        currency: u8,
        /// So much.
        fees: Fees,
    },
    /// A bank sets its clock.
    SetZone {
        /// Which.
        bank: u8,
        /// Its clock.
        zone: Zone,
    },
    /// How many questions a bank may have unanswered.
    SetLimit {
        /// Which.
        bank: u8,
        /// So many.
        unanswered_max: u32,
    },
    /// A bank hears when its position, or what is left of its limit, leaves these bounds.
    SetBounds {
        /// Which.
        bank: u8,
        /// In which currency.
        currency: u8,
        /// Minor units: the floor, and the ceiling above it.
        bounds: [Option<i64>; 2],
    },
    /// A bank settles on another's position, or its limit there is set.
    SetParty {
        /// Which.
        bank: u8,
        /// Where its accounts live.
        mode: AccountMode,
        /// On whose position.
        host: u8,
        /// In which currency.
        currency: u8,
        /// Minor units; none if it has no end.
        limit: Option<i64>,
    },
    /// Something takes no debits or credits.
    SetBlock {
        /// What.
        target: Target,
        /// What it does not take.
        blocks: Blocks,
    },
    /// A bank moves its own money.
    MoveOwn {
        /// Out of this account of this bank.
        from: (u8, OwnAccount),
        /// Into this one.
        to: (u8, OwnAccount),
        /// In which currency.
        currency: u8,
        /// Minor units.
        amount: i64,
    },
    /// The closing days of a year are set.
    SetClosingDays(ClosingDays),
    /// The business date goes on.
    Roll {
        /// To this day.
        date: Date,
        /// Not before this time.
        due: Timestamp,
    },
    /// A payment is asked back.
    Recall {
        /// What the payer's bank says of it.
        original: Original,
        /// Why.
        reason: RecallReason,
    },
    /// A recall is answered.
    AnswerRecall {
        /// The recall's position.
        recall: Sequence,
        /// What is said of the payment.
        recalled: Recalled,
        /// Who answers.
        bank: u8,
        /// What.
        answer: RecallAnswer,
        /// Whether the payee has agreed.
        has_consent: bool,
        /// Whether the edge believes that the payer's account takes no bookings; no part of the body.
        is_elsewhere: bool,
    },
    /// Money of an account is set aside.
    Place {
        /// At this bank.
        bank: u8,
        /// The account's number.
        account: u8,
        /// In which currency.
        currency: u8,
        /// Minor units.
        amount: i64,
        /// Until then.
        expires: Timestamp,
    },
    /// What is held is paid out.
    Capture {
        /// The bank that keeps the account.
        bank: u8,
        /// The hold's position.
        hold: Sequence,
        /// The number of its account and the currency, as the edge sees them; no part of the body.
        held_on: Option<(u32, u8)>,
        /// The payees; none behind the last.
        legs: [Option<Leg>; LEGS_MAX],
        /// Whether what is left is released.
        is_final: bool,
    },
    /// What is held is given back.
    Release {
        /// The bank that keeps the account.
        bank: u8,
        /// The hold's position.
        hold: Sequence,
        /// Minor units; none for all of it.
        amount: Option<i64>,
    },
    /// A gateway's record is put there.
    Put {
        /// Whose, and which.
        name: RecordName,
        /// What has to be there.
        expected: ExpectedVersion,
        /// How many bytes it has.
        length: u8,
        /// Until then, if it ends.
        expires: Option<Timestamp>,
    },
    /// A gateway's record is removed.
    Remove {
        /// Whose, and which.
        name: RecordName,
        /// The version that has to be there.
        expected: Option<Sequence>,
    },
    /// Accounts of a bank take part in payments, or do not.
    SetActivation {
        /// Which bank.
        bank: u8,
        /// Which account numbers, both included; all if none is said.
        range: Option<(u8, u8)>,
        /// Whether they take part.
        is_active: bool,
    },
    /// A bank says what its general ledger calls its accounts.
    SetMap {
        /// Which.
        bank: u8,
        /// In which currency.
        currency: u8,
        /// The map that has to be the last one.
        expected: ExpectedVersion,
        /// The first booking date for which it counts, in days since 1970, if it names one.
        from: Option<i32>,
        /// The number of an account that has a line of its own.
        account: Option<u32>,
    },
    /// What is said about an exception.
    Exception(Case),
    /// Whether a bank's silence about recalls is answered for it.
    SetRecallPolicy {
        /// Which.
        bank: u8,
        /// Whether it is.
        is_silence_answered: bool,
    },
    /// A file of orders is about to be logged.
    OpenPackage {
        /// At this bank.
        bank: u8,
        /// Its name and its content.
        file: (u8, u8),
        /// How many lines it has.
        lines: u32,
        /// What it states that they are together, in minor units.
        sum: Option<i64>,
    },
    /// All of its lines are logged.
    ClosePackage {
        /// Its bank.
        bank: u8,
        /// Its position.
        package: Sequence,
    },
    /// An order is executed on a day to come.
    PlaceOrder(Terms),
    /// It is another one.
    ChangeOrder {
        /// Its position.
        order: Sequence,
        /// What it says from now on.
        terms: Terms,
    },
    /// A payee asks a payer for money.
    AskToPay(AskToPay),
    /// The payer has seen it.
    PresentToPay {
        /// Its position.
        to_pay: Sequence,
        /// The payer's bank, which says so, and the payee's.
        banks: [u8; 2],
    },
    /// The payer accepts it.
    AcceptToPay {
        /// Its position.
        to_pay: Sequence,
        /// The payer's bank, which says so, and the payee's.
        banks: [u8; 2],
        /// The order that pays it.
        terms: Terms,
    },
    /// The payer refuses it.
    RefuseToPay {
        /// Its position.
        to_pay: Sequence,
        /// The payer's bank, which says so, and the payee's.
        banks: [u8; 2],
        /// Why.
        reason: ReasonCode,
    },
    /// The payee takes it back.
    TakeBackToPay {
        /// Its position.
        to_pay: Sequence,
        /// The payer's bank, and the payee's, which says so.
        banks: [u8; 2],
    },
    /// What has not been sent is not executed any more.
    Cancel {
        /// The bank.
        bank: u8,
        /// The position of a package or of an order.
        target: Sequence,
        /// Which of both.
        is_package: bool,
    },
}

/// How many payees a capture has here.
pub(crate) const LEGS_MAX: usize = 3;

/// One payee of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leg {
    /// Its account.
    pub(crate) account: u8,
    /// That account's number and its bank, as the edge sees them; no part of the body.
    pub(crate) kept_at: Option<(u32, u8)>,
    /// Minor units.
    pub(crate) amount: i64,
}

/// What is said about an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    /// It is raised.
    Raise {
        /// The bank that has to look after it.
        bank: u8,
        /// What is out of order.
        kind: ExceptionKind,
        /// What it is about.
        subject: Subject,
    },
    /// It gets an owner.
    Assign {
        /// The bank that has to look after it.
        bank: u8,
        /// Its position.
        exception: Sequence,
        /// Who.
        owner: u8,
    },
    /// Something is done about it.
    Resolve {
        /// The bank that has to look after it.
        bank: u8,
        /// Its position.
        exception: Sequence,
        /// What.
        action: ExceptionAction,
        /// The customer's account, with its number as the edge sees it; that is no part of the body.
        account: Option<(u8, u32)>,
        /// What the edge sees of it; no part of the body.
        seen: Option<Seen>,
    },
}

/// What an exception is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A payment.
    Payment(Original),
    /// A recall.
    Recall {
        /// Its position.
        recall: Sequence,
        /// Minor units that were paid.
        amount: i64,
    },
    /// An account.
    Account(u8),
    /// What a comparison found.
    Reference {
        /// The bank's reference.
        name: u8,
        /// Minor units.
        amount: i64,
        /// Whether the customer is to get it.
        direction: Direction,
    },
}

/// What an edge sees of an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// What is out of order.
    pub(crate) kind: ExceptionKind,
    /// Minor units, if money is in question.
    pub(crate) amount: Option<i64>,
    /// Which way it goes on the customer's account.
    pub(crate) direction: Option<Direction>,
    /// The bank on the other side.
    pub(crate) other: Option<u8>,
}

/// Whose record of a gateway, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RecordName {
    /// The bank.
    pub(crate) bank: u8,
    /// The name space.
    pub(crate) space: u8,
    /// The key.
    pub(crate) key: u8,
}

/// What can be blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A bank.
    Bank(u8),
    /// A bank's position in a currency.
    Position(u8, u8),
    /// A bank's limit on another's position, in a currency.
    Limit(u8, u8),
    /// An account in a currency.
    Account(u8, u8),
}

/// What the payer's bank says of a payment that it asks back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Original {
    /// Its position.
    pub(crate) payment: Sequence,
    /// The life of the log in which it came.
    pub(crate) incarnation: u64,
    /// What became of it.
    pub(crate) state: PaymentState,
    /// Where that was decided.
    pub(crate) decided_at: Sequence,
    /// And when.
    pub(crate) decided_time: Timestamp,
    /// Minor units.
    pub(crate) amount: i64,
    /// In which currency.
    pub(crate) currency: u8,
    /// The payer's bank and the payee's.
    pub(crate) banks: [u8; 2],
    /// The payer's account and the payee's.
    pub(crate) accounts: [u8; 2],
}

/// What an answer says of the payment that was asked back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Recalled {
    /// Its position.
    pub(crate) payment: Sequence,
    /// The payer's bank.
    pub(crate) debtor_bank: u8,
    /// The numbers of the payer's account and the payee's, 0 where they are kept elsewhere.
    pub(crate) accounts: [u32; 2],
    /// In which currency.
    pub(crate) currency: u8,
}

impl Request {
    /// The body itself, without what an edge only believes.
    pub(crate) fn without_hints(mut self) -> Self {
        if let Self::AnswerRecall { is_elsewhere, .. } = &mut self {
            *is_elsewhere = false;
        }
        if let Self::Capture { held_on, legs, .. } = &mut self {
            *held_on = None;
            legs.iter_mut().flatten().for_each(|leg| leg.kept_at = None);
        }
        if let Self::Exception(Case::Resolve { account, seen, .. }) = &mut self {
            *account = account.map(|(account, _)| (account, 0));
            *seen = None;
        }
        if let Self::AskToPay(asked) = &mut self {
            asked.hint = 0;
        }
        if let Self::PresentToPay { banks, .. }
        | Self::AcceptToPay { banks, .. }
        | Self::RefuseToPay { banks, .. } = &mut self
        {
            banks[1] = 0;
        }
        if let Self::TakeBackToPay { banks, .. } = &mut self {
            banks[0] = 0;
        }
        self
    }
}

/// A payment order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pay {
    /// The payer's bank.
    pub(crate) debtor_bank: u8,
    /// The payer's bank's reference; with the bank it is the key.
    pub(crate) id: u32,
    /// Everything over which duplicates are compared.
    pub(crate) body: Body,
    /// When Solvo received it. It counts if the body names no acceptance time, and is no part of the body.
    pub(crate) stamped: Timestamp,
    /// The message's own number, no part of the body.
    pub(crate) message: u8,
    /// Whether the payer's bank and the payee's were connected when its frame was sealed: neither, as clients send it.
    pub(crate) connected: Connected,
    /// What the edge believed the account numbers to be; they must change nothing.
    pub(crate) hints: [u32; 2],
    /// The order that it executes; 0 if it executes none.
    pub(crate) order: Sequence,
}

/// A payment's business fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Body {
    /// The payee's bank.
    pub(crate) creditor_bank: u8,
    /// The payer's account.
    pub(crate) debtor: u8,
    /// The payee's account.
    pub(crate) creditor: u8,
    /// Minor units.
    pub(crate) amount: i64,
    /// In which currency.
    pub(crate) currency: u8,
    /// What it is for.
    pub(crate) remittance: u8,
    /// When it was accepted, if the sender says so.
    pub(crate) accepted: Option<Timestamp>,
}

/// 1970, which stands for no time.
const EPOCH: Timestamp = match Timestamp::from_nanoseconds(0) {
    Some(epoch) => epoch,
    None => unreachable!(),
};

impl Body {
    /// Of nothing.
    pub(crate) const EMPTY: Self = Self {
        creditor_bank: 0,
        debtor: 0,
        creditor: 0,
        amount: 0,
        currency: 0,
        remittance: 0,
        accepted: None,
    };
}

impl Pay {
    /// Of nothing.
    pub(crate) const EMPTY: Self = Self {
        debtor_bank: 0,
        id: 0,
        body: Body::EMPTY,
        stamped: EPOCH,
        message: 0,
        connected: Connected { debtor: false, creditor: false },
        hints: [0; 2],
        order: Sequence(0),
    };

    /// Whether the payee's bank is connected: a bank that pays itself is one bank.
    pub(crate) fn reaches_creditor_bank(&self) -> bool {
        match self.debtor_bank == self.body.creditor_bank {
            true => self.connected.debtor,
            false => self.connected.creditor,
        }
    }

    /// The acceptance time by which it is judged.
    pub(crate) fn acceptance_time(&self) -> Timestamp {
        self.body.accepted.unwrap_or(self.stamped)
    }
}

impl Step {
    /// The version of the rules that brought such commands.
    pub(crate) const fn first_version(&self) -> u32 {
        let body = match self {
            Self::Request { body, .. } => body,
            Self::Line(_) => return 5,
            Self::Pay(payment) => return if payment.order.0 > 0 { 5 } else { 1 },
            Self::Answer { .. } | Self::Refuse { .. } | Self::NotEntitled(_) => return 1,
        };
        match body {
            Request::SetHolders { .. }
            | Request::Allow { .. }
            | Request::Restrict { .. }
            | Request::SetFees { .. }
            | Request::SetZone { .. }
            | Request::SetBounds { .. }
            | Request::SetParty { .. }
            | Request::SetBlock { .. }
            | Request::MoveOwn { .. }
            | Request::SetClosingDays(_)
            | Request::Roll { .. }
            | Request::Recall { .. }
            | Request::AnswerRecall { .. }
            | Request::SetRecallPolicy { .. } => 3,
            Request::Place { .. }
            | Request::Capture { .. }
            | Request::Release { .. }
            | Request::Put { .. }
            | Request::Remove { .. } => 4,
            Request::SetActivation { .. } | Request::SetMap { .. } => 5,
            Request::Exception(_) => 5,
            Request::OpenPackage { .. }
            | Request::ClosePackage { .. }
            | Request::PlaceOrder(_)
            | Request::ChangeOrder { .. }
            | Request::Cancel { .. }
            | Request::AskToPay(_)
            | Request::PresentToPay { .. }
            | Request::AcceptToPay { .. }
            | Request::RefuseToPay { .. }
            | Request::TakeBackToPay { .. } => 5,
            Request::Register { .. }
            | Request::SetBankStatus { .. }
            | Request::Open { .. }
            | Request::SetAccountStatus { .. }
            | Request::SetFloor { .. }
            | Request::Post { .. }
            | Request::Move { .. }
            | Request::SetPolicy { .. }
            | Request::SetFlag { .. }
            | Request::SetVersion { .. }
            | Request::SetLimit { .. } => 1,
        }
    }
}

#[cfg(test)]
impl Step {
    /// The payment's key, if it is one.
    pub(crate) const fn key(&self) -> Option<(u8, u32)> {
        match self {
            Self::Request { .. } | Self::Answer { .. } | Self::Line(_) => None,
            Self::Pay(payment) | Self::NotEntitled(payment) | Self::Refuse { payment, .. } => {
                Some((payment.debtor_bank, payment.id))
            }
        }
    }
}
