//! Reads an entry of a statement: which value of the vocabulary each path is.

use types::{Amount, Bic, Currency, Date, Party, ReasonCode, Remittance, Text, Timestamp};

use crate::date_time::DateTime;
use crate::fault::Violation;
use crate::statement::{BookingCode, EntryDirection, EntryTransaction, Moment, Statement, StatementEntry};

/// What has been read of an entry so far.
#[derive(Default)]
pub(crate) struct Entry {
    reference: Option<Text<35>>,
    amount: Option<Amount>,
    direction: Option<EntryDirection>,
    is_booked: bool,
    booked: Option<Moment>,
    value_date: Option<Date>,
    servicer_reference: Option<Text<35>>,
    codes: [Option<Text<4>>; 3],
    own_code: Option<Text<35>>,
    pub(crate) transaction: Option<Box<EntryTransaction>>,
    remittance_issuer: Option<Text<35>>,
    information: Option<Text<500>>,
}

impl Entry {
    pub(crate) fn leaf(
        &mut self,
        names: &[&str],
        value: &str,
        currency: Option<&str>,
        statement: &Statement,
    ) -> Result<(), Violation> {
        let account_currency = statement.account.currency;
        match names {
            ["NtryDtls", "TxDtls", below @ ..] => return self.transaction(below, value),
            ["NtryRef"] => self.reference = Some(text(value)?),
            ["Amt"] if currency == Some(account_currency.code()) => {
                let amount = Amount::parse(without_zeros(value, account_currency), account_currency);
                self.amount = Some(amount.map_err(|_| Violation::Amount)?);
            }
            ["Amt"] => return Err(Violation::Amount),
            ["CdtDbtInd"] => {
                self.direction = Some(match value {
                    "CRDT" => EntryDirection::Credit,
                    "DBIT" => EntryDirection::Debit,
                    _ => return Err(Violation::Lexical),
                });
            }
            ["Sts", "Cd"] => self.is_booked = value == "BOOK",
            ["BookgDt", "Dt"] => self.booked = Some(Moment::Date(date(value)?)),
            ["BookgDt", "DtTm"] => self.booked = Some(moment(value)?),
            ["ValDt", "Dt"] => self.value_date = Some(date(value)?),
            ["ValDt", "DtTm"] => self.value_date = Some(date(value)?),
            ["AcctSvcrRef"] => self.servicer_reference = Some(text(value)?),
            ["BkTxCd", "Domn", "Cd"] => self.codes[0] = Some(text(value)?),
            ["BkTxCd", "Domn", "Fmly", "Cd"] => self.codes[1] = Some(text(value)?),
            ["BkTxCd", "Domn", "Fmly", "SubFmlyCd"] => self.codes[2] = Some(text(value)?),
            ["BkTxCd", "Prtry", "Cd"] => self.own_code = Some(text(value)?),
            ["AddtlNtryInf"] => self.information = Some(text(value)?),
            _ => {}
        }
        Ok(())
    }

    fn transaction(&mut self, names: &[&str], value: &str) -> Result<(), Violation> {
        let transaction = self.transaction.get_or_insert_default();
        match names {
            ["Refs", "MsgId"] => transaction.message_id = Some(text(value)?),
            ["Refs", "InstrId"] => transaction.instruction_id = Some(text(value)?),
            ["Refs", "EndToEndId"] => transaction.end_to_end_id = Some(text(value)?),
            ["Refs", "UETR"] => transaction.uetr = Some(text(value)?),
            ["Refs", "TxId"] => transaction.transaction_id = Some(text(value)?),
            ["RltdPties", below @ ..] => parties(transaction, below, value)?,
            ["RltdAgts", "DbtrAgt", "FinInstnId", "BICFI"] => transaction.debtor_agent = Some(bic(value)?),
            ["RltdAgts", "CdtrAgt", "FinInstnId", "BICFI"] => transaction.creditor_agent = Some(bic(value)?),
            ["Purp", "Cd"] => transaction.purpose = Some(text(value)?),
            ["RmtInf", "Ustrd"] if transaction.remittance.is_none() => {
                transaction.remittance = Some(Remittance::Unstructured(text(value)?));
            }
            ["RmtInf", "Strd", "CdtrRefInf", "Tp", "Issr"] => self.remittance_issuer = Some(text(value)?),
            ["RmtInf", "Strd", "CdtrRefInf", "Ref"] if transaction.remittance.is_none() => {
                let issuer = self.remittance_issuer.take();
                transaction.remittance = Some(Remittance::Structured { reference: text(value)?, issuer });
            }
            ["RltdDts", "AccptncDtTm"] => transaction.acceptance_time = Some(time(value)?),
            ["RltdDts", "IntrBkSttlmDt"] => transaction.settlement_date = Some(date(value)?),
            ["RtrInf", "Rsn", "Cd"] => transaction.return_reason = Some(reason(value)?),
            _ => {}
        }
        Ok(())
    }

    /// The entry, or `None` if it is not booked.
    ///
    /// # Errors
    /// The element that is missing.
    pub(crate) fn finish(self) -> Result<Option<StatementEntry>, &'static str> {
        if !self.is_booked {
            return Ok(None);
        }
        let booked = self.booked.ok_or("BookgDt")?;
        Ok(Some(StatementEntry {
            reference: self.reference,
            amount: self.amount.ok_or("Amt")?,
            direction: self.direction.ok_or("CdtDbtInd")?,
            booked,
            value_date: self.value_date.unwrap_or(booked.date()),
            servicer_reference: self.servicer_reference,
            code: booking_code(self.codes, self.own_code).ok_or("BkTxCd")?,
            transaction: self.transaction.map(|transaction| *transaction),
            information: self.information,
        }))
    }
}

/// The bank's own code, else the one of ISO 20022.
fn booking_code(codes: [Option<Text<4>>; 3], own: Option<Text<35>>) -> Option<BookingCode> {
    if let Some(own) = own {
        return Some(BookingCode::Own(own));
    }
    let [Some(domain), Some(family), Some(sub_family)] = codes else { return None };
    let found = [domain.as_str(), family.as_str(), sub_family.as_str()];
    let fixed = BookingCode::FIXED.into_iter().find(|code| code.codes() == found);
    Some(fixed.unwrap_or(BookingCode::Other { domain, family, sub_family }))
}

/// Names and accounts. A party stands in `Pty` since the versions of 2019.
fn parties(transaction: &mut EntryTransaction, names: &[&str], value: &str) -> Result<(), Violation> {
    let named =
        || -> Result<_, Violation> { Ok(Some(Party { name: Some(text(value)?), ..Party::default() })) };
    match names {
        ["Dbtr", "Pty", "Nm"] => transaction.debtor = named()?,
        ["UltmtDbtr", "Pty", "Nm"] => transaction.ultimate_debtor = named()?,
        ["Cdtr", "Pty", "Nm"] => transaction.creditor = named()?,
        ["UltmtCdtr", "Pty", "Nm"] => transaction.ultimate_creditor = named()?,
        ["DbtrAcct", "Id", "IBAN"] | ["DbtrAcct", "Id", "Othr", "Id"] => {
            transaction.debtor_account = Some(text(value)?);
        }
        ["CdtrAcct", "Id", "IBAN"] | ["CdtrAcct", "Id", "Othr", "Id"] => {
            transaction.creditor_account = Some(text(value)?);
        }
        _ => {}
    }
    Ok(())
}

/// A text, or a fault.
pub(crate) fn text<const MAX: usize>(value: &str) -> Result<Text<MAX>, Violation> {
    Text::parse(value).map_err(|_| Violation::Lexical)
}

pub(crate) fn date(value: &str) -> Result<Date, Violation> {
    // A zone says nothing about a day on which something was booked.
    Date::parse(value.get(..10).unwrap_or(value)).map_err(|_| Violation::Lexical)
}

pub(crate) fn time(value: &str) -> Result<Timestamp, Violation> {
    DateTime::parse(value).and_then(|time| time.instant()).ok_or(Violation::Lexical)
}

/// A time as it is written: its day is that of the clock of whoever has written it.
fn moment(value: &str) -> Result<Moment, Violation> {
    let written = DateTime::parse(value).ok_or(Violation::Lexical)?;
    let time = written.instant().ok_or(Violation::Lexical)?;
    Ok(Moment::on_clock(time, written.zone.minutes_ahead()))
}

/// A decimal without the zeros behind the currency's own decimals.
pub(crate) fn without_zeros(value: &str, currency: Currency) -> &str {
    let decimals = usize::try_from(currency.decimals()).expect("currencies have few decimals");
    let Some(point) = value.find('.') else { return value };
    let (kept, rest) = value.split_at((point + 1 + decimals).min(value.len()));
    match rest.bytes().all(|digit| digit == b'0') {
        true => kept.strip_suffix('.').unwrap_or(kept),
        false => value,
    }
}

pub(crate) fn bic(value: &str) -> Result<Bic, Violation> {
    Bic::parse(value).map_err(|_| Violation::Lexical)
}

fn reason(value: &str) -> Result<ReasonCode, Violation> {
    ReasonCode::parse(value).map_err(|_| Violation::Lexical)
}
