//! What camt.052, camt.053 and camt.054 say: how an account came from one balance to another, entry by entry.
//!
//! Statements can have a million entries, so a [`Statement`] is what stands before them, and the entries pass one by
//! one: [`write_statement`](crate::write_statement) takes them from an iterator.

use types::{
    Amount, Balance, Bic, Currency, Date, Party, PaymentOrder, ReasonCode, Remittance, Text, Timestamp,
};

use crate::date_time::shown;
use crate::{CAMT052_NAMESPACE, CAMT053_NAMESPACE, CAMT054_NAMESPACE};

/// Which of the three messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StatementKind {
    /// camt.053.001.08: a whole period, from its opening to its closing balance.
    Statement,
    /// camt.052.001.08: within a day. Its balances may be absent.
    Report,
    /// camt.054.001.08: single entries as they come, without balances.
    Notification,
}

impl StatementKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Statement, Self::Report, Self::Notification];

    /// The namespace of the message.
    pub const fn namespace(self) -> &'static str {
        match self {
            Self::Statement => CAMT053_NAMESPACE,
            Self::Report => CAMT052_NAMESPACE,
            Self::Notification => CAMT054_NAMESPACE,
        }
    }

    /// The message's name with its version, such as `camt.053.001.08`.
    pub fn name(self) -> &'static str {
        self.namespace().rsplit(':').next().expect("a split has at least one part")
    }

    /// The names of the message element, of what it has inside, and of the number of its page.
    pub(crate) const fn elements(self) -> [&'static str; 3] {
        match self {
            Self::Statement => ["BkToCstmrStmt", "Stmt", "StmtPgntn"],
            Self::Report => ["BkToCstmrAcctRpt", "Rpt", "RptPgntn"],
            Self::Notification => ["BkToCstmrDbtCdtNtfctn", "Ntfctn", "NtfctnPgntn"],
        }
    }
}

/// What stands before the entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Which message it is.
    pub kind: StatementKind,
    /// `GrpHdr/MsgId`.
    pub message_id: Text<35>,
    /// `GrpHdr/CreDtTm`.
    pub created_at: Timestamp,
    /// `Id` of the statement. All pages of one statement have the same.
    pub id: Text<35>,
    /// `StmtPgntn` and its like: which part of the statement this is.
    pub page: Option<Page>,
    /// `ElctrncSeqNb`: counts the statements of an account.
    pub sequence_number: Option<u32>,
    /// `FrToDt`: the time that the statement is about.
    pub period: Option<Period>,
    /// `Acct`.
    pub account: StatementAccount,
    /// The balances that the entries connect. A statement has them, a notification does not.
    pub chain: Option<BalanceChain>,
    /// Other balances, such as what is available.
    pub further_balances: Vec<StatementBalance>,
    /// `TxsSummry`: what the entries come to, if it is known before.
    pub totals: Option<EntryTotals>,
}

/// One of several parts of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// `PgNb`, from 1 to 99999.
    pub number: u32,
    /// `LastPgInd`.
    pub is_last: bool,
}

/// A span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// `FrDtTm`.
    pub from: Timestamp,
    /// `ToDtTm`.
    pub to: Timestamp,
}

/// Whose account it is, and who keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementAccount {
    /// `Id`: an IBAN, or another identification such as a position's.
    pub id: Text<34>,
    /// `Ccy`: the currency of the account and of everything on it.
    pub currency: Currency,
    /// `Ownr/Nm`. Personal data.
    pub owner_name: Option<Text<140>>,
    /// `Ownr/Id/OrgId/AnyBIC`.
    pub owner_bic: Option<Bic>,
    /// `Svcr`: the bank that keeps the account.
    pub servicer: Option<Bic>,
}

/// Two booked balances, of which the second is the first with all entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BalanceChain {
    /// `OPBD`, or `ITBD` on a page that is not the first.
    pub opening: StatementBalance,
    /// `CLBD`, or `ITBD` on a page that is not the last and where the period has not ended.
    pub closing: StatementBalance,
}

/// A balance at a moment. Positive is a credit: what the account's owner has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatementBalance {
    /// `Tp/CdOrPrtry/Cd`.
    pub kind: BalanceKind,
    /// `Amt` and `CdtDbtInd`.
    pub amount: Balance,
    /// `Dt`.
    pub moment: Moment,
}

/// What a balance is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BalanceKind {
    /// `OPBD`: booked, at the beginning of the period.
    OpeningBooked,
    /// `CLBD`: booked, at its end.
    ClosingBooked,
    /// `ITBD`: booked, in between.
    InterimBooked,
    /// `OPAV`: available, at the beginning.
    OpeningAvailable,
    /// `CLAV`: available, at the end.
    ClosingAvailable,
    /// `ITAV`: available, in between.
    InterimAvailable,
}

impl BalanceKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::OpeningBooked,
        Self::ClosingBooked,
        Self::InterimBooked,
        Self::OpeningAvailable,
        Self::ClosingAvailable,
        Self::InterimAvailable,
    ];

    /// The ISO 20022 code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::OpeningBooked => "OPBD",
            Self::ClosingBooked => "CLBD",
            Self::InterimBooked => "ITBD",
            Self::OpeningAvailable => "OPAV",
            Self::ClosingAvailable => "CLAV",
            Self::InterimAvailable => "ITAV",
        }
    }
}

/// A day, or a time within one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// `Dt`.
    Date(Date),
    /// `DtTm`. Written in milliseconds and in UTC.
    Time(Timestamp),
    /// `DtTm`, as a clock shows it that is so many minutes ahead of UTC: its day is that of the clock.
    Clock {
        /// The instant.
        time: Timestamp,
        /// At most 14 hours, either way, and never 0.
        minutes_ahead: i32,
    },
}

impl Moment {
    /// A time as a clock shows it that is so many minutes ahead of UTC.
    pub const fn on_clock(time: Timestamp, minutes_ahead: i32) -> Self {
        if minutes_ahead == 0 { Self::Time(time) } else { Self::Clock { time, minutes_ahead } }
    }

    /// The day, as it is written.
    pub fn date(self) -> Date {
        match self {
            Self::Date(date) => date,
            Self::Time(time) => time.date(),
            Self::Clock { time, minutes_ahead } => shown(time, minutes_ahead).date(),
        }
    }

    /// The instant; `None` of a whole day.
    pub const fn instant(self) -> Option<Timestamp> {
        match self {
            Self::Date(_) => None,
            Self::Time(time) | Self::Clock { time, .. } => Some(time),
        }
    }
}

/// What entries come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct EntryTotals {
    /// How many entries raised the balance.
    pub credit_count: u64,
    /// By how much they did together.
    pub credit_sum: Balance,
    /// How many entries lowered it.
    pub debit_count: u64,
    /// By how much they did together; not negative.
    pub debit_sum: Balance,
}

impl EntryTotals {
    /// With one more entry; `None` if the sum leaves the range of a balance.
    pub fn with(self, entry: &StatementEntry) -> Option<Self> {
        let add = |sum: Balance| {
            Balance::from_minor_units(sum.minor_units().checked_add(entry.amount.minor_units())?)
        };
        Some(match entry.direction {
            EntryDirection::Credit => {
                let credit_sum = add(self.credit_sum)?;
                Self { credit_count: self.credit_count + 1, credit_sum, ..self }
            }
            EntryDirection::Debit => {
                let debit_sum = add(self.debit_sum)?;
                Self { debit_count: self.debit_count + 1, debit_sum, ..self }
            }
        })
    }

    /// What the entries change the balance by; `None` outside the range of a balance.
    pub fn net(&self) -> Option<Balance> {
        Balance::from_minor_units(self.credit_sum.minor_units() - self.debit_sum.minor_units())
    }
}

/// Whether an entry raises or lowers the balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryDirection {
    /// `CRDT`.
    Credit,
    /// `DBIT`.
    Debit,
}

impl EntryDirection {
    /// The ISO 20022 code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Credit => "CRDT",
            Self::Debit => "DBIT",
        }
    }
}

/// A booking on the account. It is always a final one (`BOOK`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementEntry {
    /// `NtryRef`: tells the entries of one account apart.
    pub reference: Option<Text<35>>,
    /// `Amt`.
    pub amount: Amount,
    /// `CdtDbtInd`.
    pub direction: EntryDirection,
    /// `BookgDt`.
    pub booked: Moment,
    /// `ValDt`.
    pub value_date: Date,
    /// `AcctSvcrRef`: the bank's own reference, such as the payment id.
    pub servicer_reference: Option<Text<35>>,
    /// `BkTxCd`: what kind of booking it is.
    pub code: BookingCode,
    /// `NtryDtls/TxDtls`: the payment behind the booking.
    pub transaction: Option<EntryTransaction>,
    /// `AddtlNtryInf`, for persons.
    pub information: Option<Text<500>>,
}

/// What kind of booking an entry is: a code of ISO 20022 for bank transactions, or one's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BookingCode {
    /// `PMNT/IRCT/ESCT`: an instant credit transfer sent.
    TransferSent,
    /// `PMNT/RRCT/ESCT`: an instant credit transfer received.
    TransferReceived,
    /// `PMNT/IRCT/RRTN`: one that was sent came back.
    SentReturned,
    /// `PMNT/RRCT/RRTN`: one that was received has been given back.
    ReceivedReturned,
    /// `ACMT/MDOP/CHRG`: a fee.
    Fee,
    /// `ACMT/MCOP/CHRG`: a fee that is given back.
    FeeRefund,
    /// `CAMT/ACCB/OTHR`: liquidity moved between accounts of one owner.
    Liquidity,
    /// `XTND/NTAV/NTAV` and this code in `Prtry/Cd`: a booking of the bank's own core system.
    Own(Text<35>),
    /// Any other code of ISO 20022.
    Other {
        /// `Domn/Cd`.
        domain: Text<4>,
        /// `Fmly/Cd`.
        family: Text<4>,
        /// `Fmly/SubFmlyCd`.
        sub_family: Text<4>,
    },
}

impl BookingCode {
    /// Those that stand for one code each.
    pub(crate) const FIXED: [Self; 7] = [
        Self::TransferSent,
        Self::TransferReceived,
        Self::SentReturned,
        Self::ReceivedReturned,
        Self::Fee,
        Self::FeeRefund,
        Self::Liquidity,
    ];

    /// Domain, family and sub-family.
    pub(crate) fn codes(&self) -> [&str; 3] {
        match self {
            Self::TransferSent => ["PMNT", "IRCT", "ESCT"],
            Self::TransferReceived => ["PMNT", "RRCT", "ESCT"],
            Self::SentReturned => ["PMNT", "IRCT", "RRTN"],
            Self::ReceivedReturned => ["PMNT", "RRCT", "RRTN"],
            Self::Fee => ["ACMT", "MDOP", "CHRG"],
            Self::FeeRefund => ["ACMT", "MCOP", "CHRG"],
            Self::Liquidity => ["CAMT", "ACCB", "OTHR"],
            Self::Own(_) => ["XTND", "NTAV", "NTAV"],
            Self::Other { domain, family, sub_family } => {
                [domain.as_str(), family.as_str(), sub_family.as_str()]
            }
        }
    }
}

/// The payment behind a booking. All of it may be absent, as where its texts have been erased.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct EntryTransaction {
    /// `Refs/MsgId`: the message in which the payment came.
    pub message_id: Option<Text<35>>,
    /// `Refs/InstrId`.
    pub instruction_id: Option<Text<35>>,
    /// `Refs/EndToEndId`.
    pub end_to_end_id: Option<Text<35>>,
    /// `Refs/UETR`.
    pub uetr: Option<Text<36>>,
    /// `Refs/TxId`.
    pub transaction_id: Option<Text<35>>,
    /// `RltdPties/Dbtr`: the payer.
    pub debtor: Option<Party>,
    /// `RltdPties/DbtrAcct`: an IBAN or another identification.
    pub debtor_account: Option<Text<34>>,
    /// `RltdPties/UltmtDbtr`.
    pub ultimate_debtor: Option<Party>,
    /// `RltdPties/Cdtr`: the payee.
    pub creditor: Option<Party>,
    /// `RltdPties/CdtrAcct`: an IBAN or another identification.
    pub creditor_account: Option<Text<34>>,
    /// `RltdPties/UltmtCdtr`.
    pub ultimate_creditor: Option<Party>,
    /// `RltdAgts/DbtrAgt`.
    pub debtor_agent: Option<Bic>,
    /// `RltdAgts/CdtrAgt`.
    pub creditor_agent: Option<Bic>,
    /// `Purp/Cd`.
    pub purpose: Option<Text<4>>,
    /// `RmtInf`.
    pub remittance: Option<Remittance>,
    /// `RltdDts/AccptncDtTm`: when the payer's bank received the order.
    pub acceptance_time: Option<Timestamp>,
    /// `RltdDts/IntrBkSttlmDt`.
    pub settlement_date: Option<Date>,
    /// `RtrInf/Rsn/Cd`: why the money came back.
    pub return_reason: Option<ReasonCode>,
}

impl EntryTransaction {
    /// A payment as the owner of one side's account is to see it: its references, and who was on the other side.
    pub fn of(order: &PaymentOrder, direction: EntryDirection) -> Self {
        let account = |iban: &types::Iban| Text::parse(iban.as_str()).ok();
        let common = Self {
            message_id: order.message_id.clone(),
            instruction_id: order.instruction_id.clone(),
            end_to_end_id: Some(order.end_to_end_id.clone()),
            uetr: order.uetr.clone(),
            transaction_id: Some(order.transaction_id.clone()),
            ultimate_debtor: order.ultimate_debtor.clone(),
            ultimate_creditor: order.ultimate_creditor.clone(),
            purpose: order.purpose.clone(),
            remittance: order.remittance.clone(),
            acceptance_time: order.acceptance_time,
            settlement_date: order.settlement_date,
            ..Self::default()
        };
        match direction {
            EntryDirection::Credit => Self {
                debtor: Some(order.debtor.clone()),
                debtor_account: account(&order.debtor_account),
                debtor_agent: Some(order.debtor_agent),
                ..common
            },
            EntryDirection::Debit => Self {
                creditor: Some(order.creditor.clone()),
                creditor_account: account(&order.creditor_account),
                creditor_agent: Some(order.creditor_agent),
                ..common
            },
        }
    }
}
