//! Orders that are executed later: packages of them that customers hand in as files, and single or standing orders.
//!
//! When an order is due is said on the clock of the payer's bank and not as an instant: the difference between the two may
//! change before the day comes, and what has been logged of the bank's clock by then counts.

use std::fmt;

use types::fields::{FieldError, FieldReader, FieldWriter};
use types::{Amount, Bic, Channel, Currency, Date, PaymentOrder, ReasonCode, Sequence, Text};

use crate::command::stored_enum;
use crate::zone::LocalTime;
use crate::{RequestId, TextsError};

/// How many lines a package may have.
pub const PACKAGE_LINES_MAX: u32 = 1_000_000;

/// A customer's file of orders is about to be logged, line by line.
///
/// The same file again is told the earlier package. Another one with the same message id is refused.
#[derive(Clone, Debug)]
pub struct OpenPackage {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The bank that keeps the payers' accounts.
    pub bank: Bic,
    /// SHA-256 of the file.
    pub file_digest: [u8; 32],
    /// How many lines there are as the file states it: 1 to [`PACKAGE_LINES_MAX`].
    pub lines: u32,
    /// What the amounts of all lines are together as the file states it, in minor units; `None` if it does not.
    pub control_sum: Option<u64>,
    /// The currency of all lines.
    pub currency: Currency,
    /// The file's message id, and who made it.
    pub text: PackageText,
}

/// The texts of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageText {
    /// The file's message id (`GrpHdr/MsgId`).
    pub message_id: Text<35>,
    /// Who made it (`GrpHdr/InitgPty/Nm`).
    pub initiating_party: Option<Text<140>>,
}

/// One line of a package is logged. It carries no request id: its number is known again.
#[derive(Clone, Debug)]
pub struct PackageLine {
    /// The package's position.
    pub package: Sequence,
    /// The line's number, from 1: one more than that of the line before.
    pub line: u32,
    /// The name of the group in which it stands (`PmtInfId`).
    pub group: Option<Text<35>>,
    /// What it is.
    pub content: LineContent,
}

/// What a line is.
#[derive(Clone, Debug)]
pub enum LineContent {
    /// An order.
    Order(Box<OrderContent>),
    /// A line that was refused on reading.
    Refused {
        /// Why.
        reason: ReasonCode,
        /// Its amount, as far as it could be read: it counts for the control sum.
        amount: Option<Amount>,
        /// The payer's reference between customer and bank (`InstrId`).
        instruction_id: Option<Text<35>>,
        /// The payer's reference (`EndToEndId`).
        end_to_end_id: Option<Text<35>>,
    },
}

/// An order, and when it is executed.
#[derive(Clone, Debug)]
pub struct OrderContent {
    /// The payment. Its transaction id and acceptance time do not count: they are given when it is executed.
    pub order: PaymentOrder,
    /// How it came in.
    pub channel: Channel,
    /// From when on it is executed; [`LocalTime::AT_ONCE`] for as soon as its package is closed.
    pub due: LocalTime,
    /// From when on a lack of funds is final; `None` for the end of the day of its execution.
    pub give_up: Option<LocalTime>,
}

/// All lines of a package are logged: from now on they count.
#[derive(Clone, Debug)]
pub struct ClosePackage {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The package's bank.
    pub bank: Bic,
    /// The package's position.
    pub package: Sequence,
}

/// An order is executed on a day to come, or on many.
#[derive(Clone, Debug)]
pub struct PlaceOrder {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The order, due today or later. The payer's account is kept here.
    pub content: OrderContent,
    /// On which days it is executed again; `None` for once. There is no `give_up` beside it.
    pub schedule: Option<Schedule>,
}

/// On which days a standing order is executed. The first is that on which it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Weeks or months.
    pub every: Every,
    /// So many of them lie between two days: 1 to 12.
    pub interval: u8,
    /// The last day on which it may be due; `None` for without end.
    pub last: Option<Date>,
    /// What becomes of a day on which banks do not settle with each other.
    pub on_closed_day: OnClosedDay,
}

stored_enum! {
    /// The unit of a standing order's interval.
    Every {
        /// On the same day of the week.
        Week = 1,
        /// On the same day of the month, or its last if it has none.
        Month = 2,
    }
}

stored_enum! {
    /// When a standing order is executed whose day is no banking day.
    OnClosedDay {
        /// On the banking day before.
        Before = 1,
        /// On the banking day after.
        After = 2,
        /// On the day itself.
        Same = 3,
    }
}

/// An order that waits for its time, and is in no package, is another one from now on. The payer's account stays.
#[derive(Clone, Debug)]
pub struct ChangeOrder {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The order's position.
    pub order: Sequence,
    /// The order from now on, due today or later.
    pub content: OrderContent,
    /// On which days it is executed again; `None` for once.
    pub schedule: Option<Schedule>,
}

/// The texts of an order stand here as well from now on, so that they outlast the key of the day on which they were
/// logged. It counts only if the order's texts stand there still, and changes nothing of the order.
#[derive(Clone, Debug)]
pub struct RepeatOrderText {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The order's position.
    pub order: Sequence,
    /// Where the texts stood.
    pub stood_at: Sequence,
    /// The terms and texts, as the log has them there.
    pub terms: StoredTerms,
}

/// Orders that have not been sent are not executed any more.
#[derive(Clone, Debug)]
pub struct CancelOrders {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The bank.
    pub bank: Bic,
    /// Which.
    pub target: CancelTarget,
}

/// What is cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelTarget {
    /// All orders of the package at this position that have not been sent. A package that is not closed is abandoned: its
    /// file may come again.
    Package(Sequence),
    /// The order at this position.
    Order(Sequence),
}

/// The terms of an order as they stand in the log, with their texts.
#[derive(Clone)]
pub struct StoredTerms {
    /// What the record says.
    pub terms: crate::layout::OrderTerms,
    /// The texts, which are a [`LineText`].
    pub text: Box<[u8]>,
}

/// The texts are personal data: only their length is shown.
impl fmt::Debug for StoredTerms {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "StoredTerms({} bytes of text)", self.text.len())
    }
}

/// The texts of an order or of a line, where they lie: the name of its group, and behind it what its payment's texts will be,
/// or [`RefusedLineText`].
#[derive(Clone, Copy)]
pub struct LineText<'bytes> {
    /// The name of the group in which it stands; empty if there is none.
    pub group: &'bytes str,
    /// The texts of the payment (`types::OrderText`), or of the refused line.
    pub rest: &'bytes [u8],
}

/// Personal data: only the length is shown.
impl fmt::Debug for LineText<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "LineText({} bytes)", self.rest.len())
    }
}

/// How many bytes the name of a group may have.
const GROUP_LENGTH_MAX: usize = 35 * 4;

impl<'bytes> LineText<'bytes> {
    /// Reads the stored form.
    ///
    /// # Errors
    /// If these bytes are none.
    pub fn read(bytes: &'bytes [u8]) -> Result<Self, TextsError> {
        let (length, rest) = bytes.split_first().ok_or(FieldError::Cut)?;
        let (group, rest) = rest.split_at_checked(usize::from(*length)).ok_or(FieldError::Cut)?;
        let group = std::str::from_utf8(group).map_err(|_| FieldError::Value(0))?;
        if !group.is_empty() && Text::<35>::parse(group).is_err() {
            return Err(FieldError::Value(0));
        }
        Ok(Self { group, rest })
    }

    /// Appends the name of a group, behind which the rest follows.
    pub(crate) fn begin(group: Option<&Text<35>>, bytes: &mut Vec<u8>) {
        let group = group.map_or("", Text::as_str);
        assert!(group.len() <= GROUP_LENGTH_MAX, "a text has at most 35 characters");
        bytes.push(u8::try_from(group.len()).expect("it has just been checked"));
        bytes.extend_from_slice(group.as_bytes());
    }
}

/// The texts of a line that was refused on reading.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct RefusedLineText {
    /// The payer's reference between customer and bank.
    pub instruction_id: Option<Text<35>>,
    /// The payer's reference.
    pub end_to_end_id: Option<Text<35>>,
}

// Tags are stored and never reused.
const MESSAGE_ID: u8 = 1;
const INITIATING_PARTY: u8 = 2;
const INSTRUCTION_ID: u8 = 1;
const END_TO_END_ID: u8 = 2;

impl PackageText {
    /// Writes the stored form.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = FieldWriter::default();
        writer.field(MESSAGE_ID, self.message_id.as_str().as_bytes());
        if let Some(party) = &self.initiating_party {
            writer.field(INITIATING_PARTY, party.as_str().as_bytes());
        }
        writer.bytes
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// If these bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, TextsError> {
        let mut reader = FieldReader::new(bytes, |_| false)?;
        let message_id = text(&mut reader, MESSAGE_ID)?.ok_or(FieldError::Missing(MESSAGE_ID))?;
        let initiating_party = text(&mut reader, INITIATING_PARTY)?;
        reader.finish()?;
        Ok(Self { message_id, initiating_party })
    }
}

impl RefusedLineText {
    /// Writes the stored form.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = FieldWriter::default();
        for (tag, value) in [(INSTRUCTION_ID, &self.instruction_id), (END_TO_END_ID, &self.end_to_end_id)] {
            if let Some(value) = value {
                writer.field(tag, value.as_str().as_bytes());
            }
        }
        writer.bytes
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// If these bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, TextsError> {
        let mut reader = FieldReader::new(bytes, |_| false)?;
        let instruction_id = text(&mut reader, INSTRUCTION_ID)?;
        let end_to_end_id = text(&mut reader, END_TO_END_ID)?;
        reader.finish()?;
        Ok(Self { instruction_id, end_to_end_id })
    }
}

fn text<const MAX: usize>(reader: &mut FieldReader<'_>, tag: u8) -> Result<Option<Text<MAX>>, FieldError> {
    reader.utf8(tag)?.map(|value| Text::parse(value).map_err(|_| FieldError::Value(tag))).transpose()
}
