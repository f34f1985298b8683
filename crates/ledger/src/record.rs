//! Reading the commands of a frame from their stored form.
//!
//! Bytes from a disk may be anything. What leaves this module as a [`Command`] has been checked field by
//! field, so that the rules never meet a number that stands for nothing.

use std::fmt;

use types::{
    Amount, Balance, Bic, Channel, Currency, Date, DigestKey, PrincipalNumber, ReasonCode, StatusReason,
    Text, TextRef, Timestamp,
};
use zerocopy::{FromBytes, IntoBytes};

use crate::limits::DOCUMENT_BYTES_MAX;
use crate::rules_version;
use crate::{
    About, AccountKind, AccountMode, AccountStatus, Direction, LiquidityDirection, MessageName,
    ParticipantStatus, Passage,
};
use crate::{layout, rules_incarnation};

/// Which command a record holds. Stored; numbers are never reused.
///
/// 20 to 29 are kept for payments that another bank decides, 30 to 39 for recalls and returns, 40 to 49 for
/// orders and holds, 50 to 59 for records that gateways keep, 60 to 63 for positions, 64 to 69 for customers, fees and
/// clocks; 78 is for which accounts take part.
/// clocks, 74 to 77 for requests to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// [`layout::Genesis`].
    Genesis,
    /// [`layout::SetProfile`].
    SetProfile,
    /// [`layout::RegisterParticipant`].
    RegisterParticipant,
    /// [`layout::SetParticipantStatus`].
    SetParticipantStatus,
    /// [`layout::OpenAccount`].
    OpenAccount,
    /// [`layout::SetAccountStatus`].
    SetAccountStatus,
    /// [`layout::SetAccountFloor`].
    SetAccountFloor,
    /// [`layout::PostEntry`].
    PostEntry,
    /// [`layout::TransferLiquidity`].
    TransferLiquidity,
    /// [`layout::Payment`].
    Payment,
    /// [`layout::RefusedPayment`].
    RefusedPayment,
    /// [`layout::Evidence`].
    Evidence,
    /// [`layout::BeginIncarnation`].
    BeginIncarnation,
    /// [`layout::SealDuplicates`].
    SealDuplicates,
    /// [`layout::Void`].
    Void,
    /// [`layout::SetVersion`].
    SetVersion,
    /// [`layout::Answer`].
    Answer,
    /// [`layout::SetDecisionPolicy`].
    SetDecisionPolicy,
    /// [`layout::SetAccountFlag`].
    SetAccountFlag,
    /// [`layout::SetReservationLimit`].
    SetReservationLimit,
    /// [`layout::SetCustomerLimit`].
    SetCustomerLimit,
    /// [`layout::SetRestricted`].
    SetRestricted,
    /// [`layout::SetFees`].
    SetFees,
    /// [`layout::SetZone`].
    SetZone,
    /// [`layout::SetClosingDays`].
    SetClosingDays,
    /// [`layout::RollBusinessDate`].
    RollBusinessDate,
    /// [`layout::RequestRecall`].
    RequestRecall,
    /// [`layout::AnswerRecall`].
    AnswerRecall,
    /// [`layout::SetRecallPolicy`].
    SetRecallPolicy,
    /// [`layout::SetPositionAlert`].
    SetPositionAlert,
    /// [`layout::SetReachableParty`].
    SetReachableParty,
    /// [`layout::SetBlock`].
    SetBlock,
    /// [`layout::TransferOwnFunds`].
    TransferOwnFunds,
    /// [`layout::SetAccountHolders`].
    SetAccountHolders,
    /// [`layout::CreateRequestToPay`].
    CreateRequestToPay,
    /// [`layout::PresentRequestToPay`].
    PresentRequestToPay,
    /// [`layout::AnswerRequestToPay`].
    AnswerRequestToPay,
    /// [`layout::CancelRequestToPay`].
    CancelRequestToPay,
    /// [`layout::PlaceHold`].
    PlaceHold,
    /// [`layout::CaptureHold`].
    CaptureHold,
    /// [`layout::ReleaseHold`].
    ReleaseHold,
    /// [`layout::PutRecord`].
    PutRecord,
    /// [`layout::RemoveRecord`].
    RemoveRecord,
    /// [`layout::SetActivation`].
    SetActivation,
    /// [`layout::SetPostingMap`].
    SetPostingMap,
    /// [`layout::RaiseException`].
    RaiseException,
    /// [`layout::AssignException`].
    AssignException,
    /// [`layout::ResolveException`].
    ResolveException,
    /// [`layout::OpenPackage`].
    OpenPackage,
    /// [`layout::PackageLine`].
    PackageLine,
    /// [`layout::ClosePackage`].
    ClosePackage,
    /// [`layout::PlaceOrder`].
    PlaceOrder,
    /// [`layout::ChangeOrder`].
    ChangeOrder,
    /// [`layout::CancelOrders`].
    CancelOrders,
}

impl Kind {
    /// The stored number.
    pub const fn number(self) -> u16 {
        match self {
            Self::Genesis => 1,
            Self::SetProfile => 2,
            Self::RegisterParticipant => 3,
            Self::SetParticipantStatus => 4,
            Self::OpenAccount => 5,
            Self::SetAccountStatus => 6,
            Self::SetAccountFloor => 7,
            Self::PostEntry => 8,
            Self::TransferLiquidity => 9,
            Self::Payment => 10,
            Self::RefusedPayment => 11,
            Self::Evidence => 12,
            Self::BeginIncarnation => 14,
            Self::SealDuplicates => 13,
            Self::Void => 15,
            Self::SetVersion => 16,
            Self::Answer => 20,
            Self::SetDecisionPolicy => 21,
            Self::SetAccountFlag => 22,
            Self::SetReservationLimit => 23,
            Self::SetCustomerLimit => 64,
            Self::SetRestricted => 65,
            Self::SetFees => 66,
            Self::SetZone => 67,
            Self::SetClosingDays => 30,
            Self::RollBusinessDate => 31,
            Self::RequestRecall => 32,
            Self::AnswerRecall => 33,
            Self::SetRecallPolicy => 34,
            Self::SetPositionAlert => 60,
            Self::SetReachableParty => 61,
            Self::SetBlock => 62,
            Self::TransferOwnFunds => 63,
            Self::SetAccountHolders => 28,
            Self::CreateRequestToPay => 74,
            Self::PresentRequestToPay => 77,
            Self::AnswerRequestToPay => 75,
            Self::CancelRequestToPay => 76,
            Self::PlaceHold => 45,
            Self::CaptureHold => 46,
            Self::ReleaseHold => 47,
            Self::PutRecord => 50,
            Self::RemoveRecord => 51,
            Self::SetActivation => 78,
            Self::SetPostingMap => 73,
            Self::RaiseException => 80,
            Self::AssignException => 81,
            Self::ResolveException => 82,
            Self::OpenPackage => 40,
            Self::PackageLine => 41,
            Self::ClosePackage => 42,
            Self::PlaceOrder => 43,
            Self::ChangeOrder => 44,
            Self::CancelOrders => 48,
        }
    }

    /// The kind with this stored number.
    pub const fn from_number(number: u16) -> Option<Self> {
        Some(match number {
            1 => Self::Genesis,
            2 => Self::SetProfile,
            3 => Self::RegisterParticipant,
            4 => Self::SetParticipantStatus,
            5 => Self::OpenAccount,
            6 => Self::SetAccountStatus,
            7 => Self::SetAccountFloor,
            8 => Self::PostEntry,
            9 => Self::TransferLiquidity,
            10 => Self::Payment,
            11 => Self::RefusedPayment,
            12 => Self::Evidence,
            14 => Self::BeginIncarnation,
            13 => Self::SealDuplicates,
            15 => Self::Void,
            16 => Self::SetVersion,
            20 => Self::Answer,
            21 => Self::SetDecisionPolicy,
            22 => Self::SetAccountFlag,
            23 => Self::SetReservationLimit,
            64 => Self::SetCustomerLimit,
            65 => Self::SetRestricted,
            66 => Self::SetFees,
            67 => Self::SetZone,
            30 => Self::SetClosingDays,
            31 => Self::RollBusinessDate,
            32 => Self::RequestRecall,
            33 => Self::AnswerRecall,
            34 => Self::SetRecallPolicy,
            60 => Self::SetPositionAlert,
            61 => Self::SetReachableParty,
            62 => Self::SetBlock,
            63 => Self::TransferOwnFunds,
            28 => Self::SetAccountHolders,
            74 => Self::CreateRequestToPay,
            77 => Self::PresentRequestToPay,
            75 => Self::AnswerRequestToPay,
            76 => Self::CancelRequestToPay,
            45 => Self::PlaceHold,
            46 => Self::CaptureHold,
            47 => Self::ReleaseHold,
            50 => Self::PutRecord,
            51 => Self::RemoveRecord,
            78 => Self::SetActivation,
            73 => Self::SetPostingMap,
            80 => Self::RaiseException,
            81 => Self::AssignException,
            82 => Self::ResolveException,
            40 => Self::OpenPackage,
            41 => Self::PackageLine,
            42 => Self::ClosePackage,
            43 => Self::PlaceOrder,
            44 => Self::ChangeOrder,
            48 => Self::CancelOrders,
            _ => return None,
        })
    }

    /// Whether such a command carries a request id.
    pub(crate) const fn has_request(self) -> bool {
        match self {
            Self::RegisterParticipant
            | Self::SetParticipantStatus
            | Self::OpenAccount
            | Self::SetAccountStatus
            | Self::SetAccountFloor
            | Self::PostEntry
            | Self::TransferLiquidity
            | Self::SetDecisionPolicy
            | Self::SetAccountFlag
            | Self::SetVersion
            | Self::SetAccountHolders
            | Self::SetReservationLimit
            | Self::SetCustomerLimit
            | Self::SetRestricted
            | Self::SetFees
            | Self::SetZone
            | Self::SetClosingDays
            | Self::RollBusinessDate
            | Self::RequestRecall
            | Self::AnswerRecall
            | Self::SetRecallPolicy
            | Self::SetPositionAlert
            | Self::SetReachableParty
            | Self::SetBlock
            | Self::TransferOwnFunds
            | Self::CreateRequestToPay
            | Self::PresentRequestToPay
            | Self::AnswerRequestToPay
            | Self::CancelRequestToPay
            | Self::PlaceHold
            | Self::CaptureHold
            | Self::ReleaseHold
            | Self::PutRecord
            | Self::RemoveRecord
            | Self::SetActivation
            | Self::SetPostingMap
            | Self::RaiseException
            | Self::AssignException
            | Self::ResolveException
            | Self::OpenPackage
            | Self::ClosePackage
            | Self::PlaceOrder
            | Self::ChangeOrder
            | Self::CancelOrders => true,
            Self::PackageLine
            | Self::Genesis
            | Self::SetProfile
            | Self::Payment
            | Self::RefusedPayment
            | Self::Evidence
            | Self::BeginIncarnation
            | Self::SealDuplicates
            | Self::Void
            | Self::Answer => false,
        }
    }

    /// Whether such a command is a payment or a bank's answer about one, which a document can have brought.
    pub(crate) const fn is_about_a_payment(self) -> bool {
        matches!(self, Self::Payment | Self::RefusedPayment | Self::Answer)
    }
}

/// A command in its stored form, checked.
#[derive(Clone, Copy, Debug)]
pub enum Command<'frame> {
    /// The log's first record.
    Genesis(&'frame layout::Genesis),
    /// A scheme profile is set.
    SetProfile(&'frame layout::SetProfile),
    /// A bank enters.
    RegisterParticipant(&'frame layout::RegisterParticipant),
    /// A bank is suspended or takes part again.
    SetParticipantStatus(&'frame layout::SetParticipantStatus),
    /// An account is opened.
    OpenAccount(&'frame layout::OpenAccount),
    /// An account is blocked, freed or closed.
    SetAccountStatus(&'frame layout::SetAccountStatus),
    /// An account's floor is set.
    SetAccountFloor(&'frame layout::SetAccountFloor),
    /// The bank's own systems move money on an account.
    PostEntry(&'frame layout::PostEntry),
    /// Money enters or leaves a position.
    TransferLiquidity(&'frame layout::TransferLiquidity),
    /// A payment order.
    Payment(&'frame layout::Payment),
    /// A payment that was refused on reading.
    RefusedPayment(&'frame layout::RefusedPayment),
    /// A document is kept.
    Evidence(&'frame layout::Evidence),
    /// The log goes on in a new life, after a restore.
    BeginIncarnation(&'frame layout::BeginIncarnation),
    /// Payments are on disk and leave the core's table.
    SealDuplicates(&'frame layout::SealDuplicates),
    /// The operator had an earlier command passed over.
    Void(&'frame layout::Void),
    /// The version of the rules is raised.
    SetVersion(&'frame layout::SetVersion),
    /// A bank answers the question about a payment.
    Answer(&'frame layout::Answer),
    /// A bank says about which payments it wants to decide.
    SetDecisionPolicy(&'frame layout::SetDecisionPolicy),
    /// An account is flagged, or not any more.
    SetAccountFlag(&'frame layout::SetAccountFlag),
    /// How many questions a bank may have unanswered is set.
    SetReservationLimit(&'frame layout::SetReservationLimit),
    /// A customer limits what leaves an account.
    SetCustomerLimit(&'frame layout::SetCustomerLimit),
    /// An account takes no part in payments, or takes part again.
    SetRestricted(&'frame layout::SetRestricted),
    /// A bank sets its fees.
    SetFees(&'frame layout::SetFees),
    /// A bank sets its clock.
    SetZone(&'frame layout::SetZone),
    /// The closing days of a year are set.
    SetClosingDays(&'frame layout::SetClosingDays),
    /// The business date goes on.
    RollBusinessDate(&'frame layout::RollBusinessDate),
    /// A settled payment is asked back.
    RequestRecall(&'frame layout::RequestRecall),
    /// The payee's bank answers a recall.
    AnswerRecall(&'frame layout::AnswerRecall),
    /// A bank says whether its silence about recalls is answered for it.
    SetRecallPolicy(&'frame layout::SetRecallPolicy),
    /// From when on a bank hears of its position is set.
    SetPositionAlert(&'frame layout::SetPositionAlert),
    /// A bank becomes reachable over a participant's position, or its limit there is changed.
    SetReachableParty(&'frame layout::SetReachableParty),
    /// Something takes no debits or no credits, or takes them again.
    SetBlock(&'frame layout::SetBlock),
    /// A participant moves money between two of its own accounts.
    TransferOwnFunds(&'frame layout::TransferOwnFunds),
    /// Who holds an account is said anew.
    SetAccountHolders(&'frame layout::SetAccountHolders),
    /// A payee asks a payer for money.
    CreateRequestToPay(&'frame layout::CreateRequestToPay),
    /// The payer has seen a request to pay.
    PresentRequestToPay(&'frame layout::PresentRequestToPay),
    /// The payer answers a request to pay.
    AnswerRequestToPay(&'frame layout::AnswerRequestToPay),
    /// The payee takes a request to pay back.
    CancelRequestToPay(&'frame layout::CancelRequestToPay),
    /// Money is set aside on a customer's account.
    PlaceHold(&'frame layout::PlaceHold),
    /// What is held is paid out.
    CaptureHold(&'frame layout::CaptureHold),
    /// What is held is given back.
    ReleaseHold(&'frame layout::ReleaseHold),
    /// A record of a gateway is put there.
    PutRecord(&'frame layout::PutRecord),
    /// A record of a gateway is removed.
    RemoveRecord(&'frame layout::RemoveRecord),
    /// Accounts of a bank take part in payments, or do not.
    SetActivation(&'frame layout::SetActivation),
    /// A bank says what its general ledger calls its accounts.
    SetPostingMap(&'frame layout::SetPostingMap),
    /// An exception is raised.
    RaiseException(&'frame layout::RaiseException),
    /// An exception gets an owner.
    AssignException(&'frame layout::AssignException),
    /// Something is done about an exception.
    ResolveException(&'frame layout::ResolveException),
    /// A customer's file of orders is about to be logged.
    OpenPackage(&'frame layout::OpenPackage),
    /// One line of it is logged.
    PackageLine(&'frame layout::PackageLine),
    /// All of its lines are logged.
    ClosePackage(&'frame layout::ClosePackage),
    /// An order is executed on a day to come, or on many.
    PlaceOrder(&'frame layout::PlaceOrder),
    /// Such an order is another one from now on.
    ChangeOrder(&'frame layout::ChangeOrder),
    /// Orders that have not been sent are not executed any more.
    CancelOrders(&'frame layout::CancelOrders),
}

impl<'frame> Command<'frame> {
    /// The key of the payment that it submits, refused on reading or not; `None` if it submits none.
    pub const fn payment_key(&self) -> Option<&'frame layout::PaymentKey> {
        if let Self::Payment(payment) = self {
            Some(&payment.key)
        } else if let Self::RefusedPayment(refused) = self {
            Some(&refused.key)
        } else {
            None
        }
    }

    /// Which command it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Genesis(_) => Kind::Genesis,
            Self::SetProfile(_) => Kind::SetProfile,
            Self::RegisterParticipant(_) => Kind::RegisterParticipant,
            Self::SetParticipantStatus(_) => Kind::SetParticipantStatus,
            Self::OpenAccount(_) => Kind::OpenAccount,
            Self::SetAccountStatus(_) => Kind::SetAccountStatus,
            Self::SetAccountFloor(_) => Kind::SetAccountFloor,
            Self::PostEntry(_) => Kind::PostEntry,
            Self::TransferLiquidity(_) => Kind::TransferLiquidity,
            Self::Payment(_) => Kind::Payment,
            Self::RefusedPayment(_) => Kind::RefusedPayment,
            Self::Evidence(_) => Kind::Evidence,
            Self::BeginIncarnation(_) => Kind::BeginIncarnation,
            Self::SealDuplicates(_) => Kind::SealDuplicates,
            Self::Void(_) => Kind::Void,
            Self::SetVersion(_) => Kind::SetVersion,
            Self::Answer(_) => Kind::Answer,
            Self::SetDecisionPolicy(_) => Kind::SetDecisionPolicy,
            Self::SetAccountFlag(_) => Kind::SetAccountFlag,
            Self::SetReservationLimit(_) => Kind::SetReservationLimit,
            Self::SetCustomerLimit(_) => Kind::SetCustomerLimit,
            Self::SetRestricted(_) => Kind::SetRestricted,
            Self::SetFees(_) => Kind::SetFees,
            Self::SetZone(_) => Kind::SetZone,
            Self::SetClosingDays(_) => Kind::SetClosingDays,
            Self::RollBusinessDate(_) => Kind::RollBusinessDate,
            Self::RequestRecall(_) => Kind::RequestRecall,
            Self::AnswerRecall(_) => Kind::AnswerRecall,
            Self::SetRecallPolicy(_) => Kind::SetRecallPolicy,
            Self::SetPositionAlert(_) => Kind::SetPositionAlert,
            Self::SetReachableParty(_) => Kind::SetReachableParty,
            Self::SetBlock(_) => Kind::SetBlock,
            Self::TransferOwnFunds(_) => Kind::TransferOwnFunds,
            Self::SetAccountHolders(_) => Kind::SetAccountHolders,
            Self::CreateRequestToPay(_) => Kind::CreateRequestToPay,
            Self::PresentRequestToPay(_) => Kind::PresentRequestToPay,
            Self::AnswerRequestToPay(_) => Kind::AnswerRequestToPay,
            Self::CancelRequestToPay(_) => Kind::CancelRequestToPay,
            Self::PlaceHold(_) => Kind::PlaceHold,
            Self::CaptureHold(_) => Kind::CaptureHold,
            Self::ReleaseHold(_) => Kind::ReleaseHold,
            Self::PutRecord(_) => Kind::PutRecord,
            Self::RemoveRecord(_) => Kind::RemoveRecord,
            Self::SetActivation(_) => Kind::SetActivation,
            Self::SetPostingMap(_) => Kind::SetPostingMap,
            Self::RaiseException(_) => Kind::RaiseException,
            Self::AssignException(_) => Kind::AssignException,
            Self::ResolveException(_) => Kind::ResolveException,
            Self::OpenPackage(_) => Kind::OpenPackage,
            Self::PackageLine(_) => Kind::PackageLine,
            Self::ClosePackage(_) => Kind::ClosePackage,
            Self::PlaceOrder(_) => Kind::PlaceOrder,
            Self::ChangeOrder(_) => Kind::ChangeOrder,
            Self::CancelOrders(_) => Kind::CancelOrders,
        }
    }
}

/// One command of a frame, with its sender and texts.
#[derive(Clone, Copy)]
pub struct Record<'frame> {
    /// Who sent it.
    pub principal: PrincipalNumber,
    /// The command.
    pub command: Command<'frame>,
    /// The earlier payment that evidence on disk holds: of the same key, or the one that a bank answers about.
    pub found: Option<&'frame layout::StoredPayment>,
    /// Its texts. Empty if they stood in the frame's personal section, and that has been erased.
    pub text: &'frame [u8],
    /// How many bytes of the frame's personal section are its texts, erased or not.
    pub personal_length: usize,
}

impl Record<'_> {
    /// Whether it has texts that can't be read any more.
    pub const fn is_erased(&self) -> bool {
        self.personal_length > self.text.len()
    }
}

/// The texts are personal data: only their length is shown.
impl fmt::Debug for Record<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (principal, length) = (self.principal, self.text.len());
        write!(
            formatter,
            "Record({:?} of principal {principal}, {length} bytes of text)",
            self.command.kind()
        )
    }
}

/// Stored bytes that are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A record runs past the end of its section.
    #[error("a record is cut short")]
    Cut,
    /// A kind or version that this program does not know.
    #[error("record kind {kind} version {version} is not known to this version of Solvo")]
    Unknown {
        /// The kind's number.
        kind: u16,
        /// The version of its structure.
        version: u16,
    },
    /// A structure whose length is not its kind's.
    #[error("a record has the wrong length for its kind")]
    Length,
    /// A field that holds what it can't.
    #[error("field `{0}` of a record holds an impossible value")]
    Field(&'static str),
}

/// How many records are read, and their memory asked for, before the first of them is applied.
const AHEAD: usize = 16;

/// Walks the records of a frame a little ahead of those that are applied, so that memory comes in time.
#[derive(Debug)]
pub struct ReadAhead<'frame> {
    records: Records<'frame>,
    ready: [Option<Result<Record<'frame>, RecordError>>; AHEAD],
    next: usize,
}

impl<'frame> ReadAhead<'frame> {
    /// Takes the records of a frame.
    pub const fn new(records: Records<'frame>) -> Self {
        Self { records, ready: [None; AHEAD], next: AHEAD }
    }

    /// The next record. `prefetch` is told of each record some time before it is returned.
    pub fn next(
        &mut self,
        prefetch: impl Fn(&Record<'frame>),
    ) -> Option<Result<Record<'frame>, RecordError>> {
        if self.next == AHEAD {
            for place in &mut self.ready {
                *place = self.records.next();
                if let Some(Ok(record)) = place {
                    prefetch(record);
                }
            }
            self.next = 0;
        }
        let record = self.ready[self.next].take();
        self.next += 1;
        record
    }
}

/// Walks the records of a frame.
#[derive(Clone)]
pub struct Records<'frame> {
    records: &'frame [u8],
    texts: &'frame [u8],
    erased: bool,
}

impl fmt::Debug for Records<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Records({} and {} bytes left)", self.records.len(), self.texts.len())
    }
}

impl<'frame> Records<'frame> {
    /// Takes a frame's record section and personal section.
    pub const fn new(records: &'frame [u8], texts: &'frame [u8]) -> Self {
        Self { records, texts, erased: false }
    }

    /// Takes a frame's record section alone, where the personal section can't be read any more.
    pub const fn erased(records: &'frame [u8]) -> Self {
        Self { records, texts: &[], erased: true }
    }

    /// Takes a frame's record section, and its personal section if that can be read.
    pub fn with_texts(records: &'frame [u8], texts: Option<&'frame [u8]>) -> Self {
        texts.map_or_else(|| Self::erased(records), |texts| Self::new(records, texts))
    }

    fn next_record(&mut self) -> Result<Record<'frame>, RecordError> {
        let (header, rest) = layout::Header::ref_from_prefix(self.records).map_err(|_| RecordError::Cut)?;
        let length = usize::try_from(header.length.get()).map_err(|_| RecordError::Cut)?;
        let structure_length = length.checked_sub(size_of::<layout::Header>()).ok_or(RecordError::Length)?;
        let structure = rest.get(..structure_length).ok_or(RecordError::Cut)?;
        let text_length = usize::try_from(header.text_length.get()).map_err(|_| RecordError::Cut)?;
        let text = match self.erased {
            true => &[],
            false => self.texts.get(..text_length).ok_or(RecordError::Cut)?,
        };
        let (command, found) = match duplicates::has_room_for_evidence(header) {
            true => duplicates::read_with_evidence(header, structure)?,
            false => (read_command(header, structure)?, None),
        };
        self.records = &rest[structure_length..];
        self.texts = &self.texts[text.len()..];
        let text = match (command, header.version.get()) {
            (Command::RegisterParticipant(_), layout::PARTICIPANT_VERSION_NAMED) => {
                holds(text_length == 0, "text_length")?;
                name_of(checked(structure, check_named)?)
            }
            (Command::PutRecord(put), _) => {
                holds(put.length == header.text_length, "length")?;
                text
            }
            _ => text,
        };
        let principal = PrincipalNumber(header.principal.get());
        Ok(Record { principal, command, found, text, personal_length: text_length })
    }
}

impl<'frame> Iterator for Records<'frame> {
    type Item = Result<Record<'frame>, RecordError>;

    /// After an error nothing follows, because nothing tells where the next record would start.
    fn next(&mut self) -> Option<Self::Item> {
        if self.records.is_empty() {
            return None;
        }
        let record = self.next_record();
        if record.is_err() {
            self.records = &[];
        }
        Some(record)
    }
}

fn read_command<'frame>(
    header: &layout::Header,
    structure: &'frame [u8],
) -> Result<Command<'frame>, RecordError> {
    let (kind, version) = (header.kind.get(), header.version.get());
    let unknown = RecordError::Unknown { kind, version };
    let kind = Kind::from_number(kind).ok_or(unknown)?;
    match (kind, version) {
        (_, 1) => {}
        (Kind::Genesis, layout::GENESIS_VERSION_PARALLEL) => {
            return Ok(Command::Genesis(checked(structure, check_parallel_genesis)?));
        }
        (Kind::Payment, layout::PAYMENT_VERSION_CONNECTED) => {
            return Ok(Command::Payment(checked(structure, check_connected_payment)?));
        }
        (Kind::RefusedPayment, layout::REFUSED_VERSION_NOT_ENTITLED) => {
            return Ok(Command::RefusedPayment(checked(structure, check_not_entitled)?));
        }
        (Kind::RegisterParticipant, layout::PARTICIPANT_VERSION_NAMED) => {
            return Ok(Command::RegisterParticipant(&checked(structure, check_named)?.participant));
        }
        _ => return Err(unknown),
    }
    Ok(match kind {
        Kind::Genesis => Command::Genesis(checked(structure, check_genesis)?),
        Kind::SetProfile => Command::SetProfile(checked(structure, check_profile)?),
        Kind::RegisterParticipant => Command::RegisterParticipant(checked(structure, check_register)?),
        Kind::SetParticipantStatus => {
            Command::SetParticipantStatus(checked(structure, check_participant_status)?)
        }
        Kind::OpenAccount => Command::OpenAccount(checked(structure, check_open_account)?),
        Kind::SetAccountStatus => Command::SetAccountStatus(checked(structure, check_account_status)?),
        Kind::SetAccountFloor => Command::SetAccountFloor(checked(structure, check_account_floor)?),
        Kind::PostEntry => Command::PostEntry(checked(structure, check_post_entry)?),
        Kind::TransferLiquidity => Command::TransferLiquidity(checked(structure, check_liquidity)?),
        Kind::Payment => Command::Payment(checked(structure, check_payment)?),
        Kind::RefusedPayment => Command::RefusedPayment(checked(structure, check_refused)?),
        Kind::Evidence => Command::Evidence(checked(structure, check_evidence)?),
        Kind::BeginIncarnation => {
            Command::BeginIncarnation(checked(structure, rules_incarnation::check_record)?)
        }
        Kind::SealDuplicates => Command::SealDuplicates(checked(structure, duplicates::check_seal)?),
        Kind::Void => Command::Void(checked(structure, crate::rules_void::check)?),
        Kind::SetVersion => Command::SetVersion(checked(structure, rules_version::check_record)?),
        Kind::Answer => Command::Answer(checked(structure, check_answer)?),
        Kind::SetDecisionPolicy => Command::SetDecisionPolicy(checked(structure, check_policy)?),
        Kind::SetAccountFlag => Command::SetAccountFlag(checked(structure, check_account_flag)?),
        Kind::SetReservationLimit => {
            Command::SetReservationLimit(checked(structure, check_reservation_limit)?)
        }
        Kind::SetCustomerLimit => {
            Command::SetCustomerLimit(checked(structure, customer::check_customer_limit)?)
        }
        Kind::SetRestricted => Command::SetRestricted(checked(structure, customer::check_restricted)?),
        Kind::SetFees => Command::SetFees(checked(structure, customer::check_fees)?),
        Kind::SetZone => Command::SetZone(checked(structure, customer::check_zone)?),
        Kind::SetClosingDays => Command::SetClosingDays(checked(structure, calendar::check_closing_days)?),
        Kind::RollBusinessDate => Command::RollBusinessDate(checked(structure, calendar::check_roll)?),
        Kind::RequestRecall => Command::RequestRecall(checked(structure, recall::check_request)?),
        Kind::AnswerRecall => Command::AnswerRecall(checked(structure, recall::check_answer)?),
        Kind::SetRecallPolicy => Command::SetRecallPolicy(checked(structure, recall::check_policy)?),
        Kind::SetPositionAlert => {
            Command::SetPositionAlert(checked(structure, liquidity::check_position_alert)?)
        }
        Kind::SetReachableParty => {
            Command::SetReachableParty(checked(structure, liquidity::check_reachable_party)?)
        }
        Kind::SetBlock => Command::SetBlock(checked(structure, liquidity::check_block)?),
        Kind::TransferOwnFunds => Command::TransferOwnFunds(checked(structure, liquidity::check_own_funds)?),
        Kind::SetAccountHolders => {
            Command::SetAccountHolders(checked(structure, holders::check_account_holders)?)
        }
        Kind::CreateRequestToPay => {
            Command::CreateRequestToPay(checked(structure, requests_to_pay::check_create)?)
        }
        Kind::PresentRequestToPay => {
            Command::PresentRequestToPay(checked(structure, requests_to_pay::check_present)?)
        }
        Kind::AnswerRequestToPay => {
            Command::AnswerRequestToPay(checked(structure, requests_to_pay::check_answer)?)
        }
        Kind::CancelRequestToPay => {
            Command::CancelRequestToPay(checked(structure, requests_to_pay::check_cancel)?)
        }
        Kind::PlaceHold => Command::PlaceHold(checked(structure, kept::check_place)?),
        Kind::CaptureHold => Command::CaptureHold(checked(structure, kept::check_capture)?),
        Kind::ReleaseHold => Command::ReleaseHold(checked(structure, kept::check_release)?),
        Kind::PutRecord => Command::PutRecord(checked(structure, records::check_put)?),
        Kind::RemoveRecord => Command::RemoveRecord(checked(structure, records::check_remove)?),
        Kind::SetActivation => Command::SetActivation(checked(structure, activation::check_activation)?),
        Kind::SetPostingMap => Command::SetPostingMap(checked(structure, postings::check_map)?),
        Kind::RaiseException => Command::RaiseException(checked(structure, exceptions::check_raise)?),
        Kind::AssignException => Command::AssignException(checked(structure, exceptions::check_assign)?),
        Kind::ResolveException => Command::ResolveException(checked(structure, exceptions::check_resolve)?),
        Kind::OpenPackage => Command::OpenPackage(checked(structure, orders::check_open)?),
        Kind::PackageLine => Command::PackageLine(checked(structure, orders::check_line)?),
        Kind::ClosePackage => Command::ClosePackage(checked(structure, orders::check_close)?),
        Kind::PlaceOrder => Command::PlaceOrder(checked(structure, orders::check_place)?),
        Kind::ChangeOrder => Command::ChangeOrder(checked(structure, orders::check_change)?),
        Kind::CancelOrders => Command::CancelOrders(checked(structure, orders::check_cancel)?),
    })
}

#[path = "record_activation.rs"]
mod activation;
#[path = "record_calendar.rs"]
mod calendar;
#[path = "record_customer.rs"]
mod customer;
#[path = "record_duplicates.rs"]
mod duplicates;
#[path = "record_exceptions.rs"]
mod exceptions;
#[path = "record_holders.rs"]
mod holders;
#[path = "record_holds.rs"]
mod kept;
#[path = "record_lifecycle.rs"]
mod lifecycle;
#[path = "record_liquidity.rs"]
mod liquidity;
#[path = "record_orders.rs"]
mod orders;
#[path = "record_postings.rs"]
mod postings;
#[path = "record_recall.rs"]
mod recall;
#[path = "record_records.rs"]
mod records;
#[path = "record_requests_to_pay.rs"]
mod requests_to_pay;

pub(crate) use duplicates::{check_seal, check_stored};
use lifecycle::{check_account_flag, check_answer, check_policy, check_reservation_limit};

pub(crate) type Check = Result<(), RecordError>;

fn checked<Structure>(bytes: &[u8], check: impl Fn(&Structure) -> Check) -> Result<&Structure, RecordError>
where
    Structure: FromBytes + zerocopy::KnownLayout + zerocopy::Immutable + zerocopy::Unaligned,
{
    let structure = Structure::ref_from_bytes(bytes).map_err(|_| RecordError::Length)?;
    check(structure)?;
    Ok(structure)
}

pub(crate) fn holds(condition: bool, field: &'static str) -> Check {
    if condition { Ok(()) } else { Err(RecordError::Field(field)) }
}

pub(crate) fn zero(bytes: &[u8]) -> Check {
    holds(bytes.iter().all(|byte| *byte == 0), "reserved")
}

fn bic(bytes: [u8; 11]) -> Check {
    holds(Bic::from_bytes(bytes).is_some(), "bic")
}

fn currency(number: u16) -> Check {
    holds(Currency::from_number(number).is_ok(), "currency")
}

fn amount(minor_units: i64) -> Check {
    holds(Amount::from_minor_units(minor_units).is_some(), "amount")
}

pub(crate) fn check_key(key: &layout::PaymentKey) -> Check {
    bic(key.debtor_agent)?;
    zero(&[key.reserved])?;
    let length = usize::from(key.transaction_id_length);
    let id = key.transaction_id.get(..length).ok_or(RecordError::Field("transaction_id_length"))?;
    let id = std::str::from_utf8(id).map_err(|_| RecordError::Field("transaction_id"))?;
    holds(TextRef::<35>::parse_identifier(id).is_ok(), "transaction_id")?;
    zero(&key.transaction_id[length..])
}

fn check_genesis(genesis: &layout::Genesis) -> Check {
    holds(genesis.is_parallel == 0, "is_parallel")?;
    check_any_genesis(genesis)
}

fn check_parallel_genesis(genesis: &layout::Genesis) -> Check {
    holds(genesis.is_parallel == 1, "is_parallel")?;
    check_any_genesis(genesis)
}

fn check_any_genesis(genesis: &layout::Genesis) -> Check {
    holds(genesis.digest_version == DigestKey::VERSION, "digest_version")?;
    let stands_elsewhere = genesis.digest_key_id.get() != 0;
    holds(!stands_elsewhere || genesis.digest_key.0 == [0; 16], "digest_key")?;
    zero(&genesis.reserved)?;
    zero(&genesis.reserved_end)
}

pub(crate) fn check_profile(profile: &layout::SetProfile) -> Check {
    holds(profile.number.get() != 0, "number")?;
    currency(profile.currency.get())?;
    let times = [profile.target, profile.expiry, profile.confirmation, profile.legal_limit];
    holds(times.is_sorted_by_key(|time| time.get()), "expiry")?;
    holds(profile.target.get() > 0, "target")?;
    holds(profile.future_tolerance.get() >= 0, "future_tolerance")?;
    holds(profile.offline_grace.get() >= 0, "offline_grace")?;
    for code in [
        profile.late_on_arrival,
        profile.timeout_to_originator,
        profile.timeout_to_beneficiary,
        profile.no_connection,
    ] {
        holds(ReasonCode::from_bytes(code).is_some(), "reason code")?;
    }
    zero(&profile.reserved)?;
    zero(&profile.reserved_end)
}

fn check_register(register: &layout::RegisterParticipant) -> Check {
    bic(register.bic)?;
    holds(AccountMode::from_number(register.mode).is_some(), "mode")?;
    currency(register.currency.get())?;
    zero(&register.reserved)
}

fn check_named(named: &layout::NamedParticipant) -> Check {
    check_register(&named.participant)?;
    zero(&named.reserved)?;
    let length = usize::from(named.name_length.get());
    holds((1..=named.name.len()).contains(&length), "name_length")?;
    holds(std::str::from_utf8(&named.name[..length]).is_ok(), "name")?;
    zero(&named.name[length..])
}

/// The name in a structure that has been checked.
fn name_of(named: &layout::NamedParticipant) -> &[u8] {
    &named.name[..usize::from(named.name_length.get())]
}

fn check_participant_status(set: &layout::SetParticipantStatus) -> Check {
    bic(set.bic)?;
    holds(ParticipantStatus::from_number(set.status).is_some(), "status")?;
    zero(&set.reserved)
}

fn check_open_account(open: &layout::OpenAccount) -> Check {
    bic(open.bic)?;
    holds(AccountKind::from_number(open.kind).is_some_and(AccountKind::is_customer), "kind")?;
    currency(open.currency.get())?;
    holds(Balance::from_minor_units(open.floor.get()).is_some(), "floor")?;
    zero(&open.reserved)
}

fn check_account_status(set: &layout::SetAccountStatus) -> Check {
    holds(AccountStatus::from_number(set.status).is_some(), "status")?;
    currency(set.currency.get())?;
    zero(&set.reserved)
}

fn check_account_floor(set: &layout::SetAccountFloor) -> Check {
    holds(Balance::from_minor_units(set.floor.get()).is_some(), "floor")?;
    currency(set.currency.get())?;
    zero(&set.reserved)
}

fn check_post_entry(post: &layout::PostEntry) -> Check {
    amount(post.amount.get())?;
    holds(Date::from_days(post.value_date.get()).is_some(), "value_date")?;
    holds(Direction::from_number(post.direction).is_some(), "direction")?;
    currency(post.currency.get())?;
    zero(&[post.reserved])
}

fn check_liquidity(transfer: &layout::TransferLiquidity) -> Check {
    amount(transfer.amount.get())?;
    bic(transfer.bic)?;
    holds(LiquidityDirection::from_number(transfer.direction).is_some(), "direction")?;
    currency(transfer.currency.get())?;
    zero(&transfer.reserved)
}

fn check_channel(channel: u8) -> Check {
    holds([Channel::Grpc.number(), Channel::Iso20022.number()].contains(&channel), "channel")
}

fn check_payment(payment: &layout::Payment) -> Check {
    check_unordered(payment)?;
    check_order(payment, layout::PAYMENT_STAMPED)
}

const CONNECTIONS: u16 = layout::PAYMENT_CONNECTED | layout::PAYMENT_DEBTOR_CONNECTED;

fn check_connected_payment(payment: &layout::Payment) -> Check {
    check_unordered(payment)?;
    check_order(payment, layout::PAYMENT_STAMPED | CONNECTIONS)
}

fn check_order(payment: &layout::Payment, flags: u16) -> Check {
    check_key(&payment.key)?;
    bic(payment.creditor_agent)?;
    check_channel(payment.channel)?;
    currency(payment.currency.get())?;
    holds(payment.flags.get() & !flags == 0, "flags")?;
    amount(payment.amount.get())?;
    holds(Timestamp::from_nanoseconds(payment.acceptance_time.get()).is_some(), "acceptance_time")?;
    holds(payment.digest_version == DigestKey::VERSION, "digest_version")?;
    holds(payment.profile.get() != 0, "profile")?;
    zero(&payment.reserved)
}

/// Which order it executes, and whether its accounts take part, is said from version 4 on.
fn check_unordered(payment: &layout::Payment) -> Check {
    holds(payment.order.get() == 0, "order")?;
    zero(payment.activation.as_bytes())?;
    zero(&[payment.inactive])
}

fn check_ordered_payment(payment: &layout::Payment) -> Check {
    check_order(payment, layout::PAYMENT_STAMPED | CONNECTIONS)?;
    let sides = layout::PAYMENT_DEBTOR_INACTIVE | layout::PAYMENT_CREDITOR_INACTIVE;
    holds(payment.inactive & !sides == 0, "inactive")?;
    holds(payment.inactive == 0 || payment.activation.get() != 0, "activation")?;
    holds(payment.order.get() != 0 || payment.activation.get() != 0, "order")
}

fn check_refused(refused: &layout::RefusedPayment) -> Check {
    holds(refused.flags == 0, "flags")?;
    check_refusal(refused)
}

fn check_not_entitled(refused: &layout::RefusedPayment) -> Check {
    holds(refused.flags == layout::REFUSED_NOT_ENTITLED, "flags")?;
    holds(refused.reason == *StatusReason::SenderNotEntitled.code().as_bytes(), "reason")?;
    check_refusal(refused)
}

fn check_refusal(refused: &layout::RefusedPayment) -> Check {
    check_key(&refused.key)?;
    holds(refused.creditor_agent == [0; 11] || bic(refused.creditor_agent).is_ok(), "creditor_agent")?;
    check_channel(refused.channel)?;
    holds(refused.digest_version == DigestKey::VERSION, "digest_version")?;
    holds(Timestamp::from_nanoseconds(refused.acceptance_time.get()).is_some(), "acceptance_time")?;
    holds(ReasonCode::from_bytes(refused.reason).is_some(), "reason")?;
    zero(&refused.reserved)?;
    zero(&refused.reserved_end)
}

fn check_evidence(evidence: &layout::Evidence) -> Check {
    holds(About::from_stored(evidence.about, evidence.payment.get()).is_some(), "about")?;
    holds(Passage::from_number(evidence.passage).is_some(), "passage")?;
    holds(MessageName::from_bytes(evidence.message_name).is_some(), "message_name")?;
    holds(evidence.counterpart == [0; 11] || bic(evidence.counterpart).is_ok(), "counterpart")?;
    holds((1..=DOCUMENT_BYTES_MAX).contains(&evidence.document_length.get()), "document_length")?;
    zero(&evidence.reserved)?;
    zero(&evidence.reserved_end)
}

impl layout::RefusedPayment {
    /// Whether the sender may act for the payer's bank.
    pub const fn is_entitled(&self) -> bool {
        self.flags & layout::REFUSED_NOT_ENTITLED == 0
    }
}

impl layout::Evidence {
    /// Which payment the document is about. The record has been checked, so it says so.
    pub fn about(&self) -> About {
        About::from_stored(self.about, self.payment.get()).expect("records are checked when they are read")
    }
}

impl layout::Payment {
    /// The payee's bank. The record has been checked, so there is one.
    pub fn creditor_bank(&self) -> Bic {
        Bic::from_bytes(self.creditor_agent).expect("records are checked when they are read")
    }
}

impl layout::PaymentKey {
    /// The payer's bank. The record has been checked, so there is one.
    pub fn bank(&self) -> Bic {
        Bic::from_bytes(self.debtor_agent).expect("records are checked when they are read")
    }

    /// The transaction id's bytes.
    pub fn id(&self) -> &[u8] {
        &self.transaction_id[..usize::from(self.transaction_id_length)]
    }

    /// The transaction id as a text of the vocabulary.
    pub fn transaction_id_text(&self) -> Text<35> {
        let text = std::str::from_utf8(self.id()).expect("records are checked when they are read");
        Text::parse_identifier(text).expect("records are checked when they are read")
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
