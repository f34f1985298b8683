//! Writes camt.052, camt.053 and camt.054, entry by entry.
//!
//! Invariants:
//! - Memory does not grow with the number of entries.
//! - A document is complete only if its entries lead from its opening to its closing balance and come to its totals.
//!   Otherwise it ends in the middle, so that no reader can take it for a statement.

use std::io;

use types::{Balance, Currency};

use crate::camt004::unsigned;
use crate::date_time::on_clock;
use crate::original::write_choice;
use crate::pacs008_write::write_remittance;
use crate::statement::{
    BookingCode, EntryTotals, EntryTransaction, Moment, Statement, StatementAccount, StatementBalance,
    StatementEntry, StatementKind,
};
use crate::xml_write::XmlWriter;

/// Why a statement could not be written to its end.
#[derive(Debug, thiserror::Error)]
pub enum StatementError<Failure> {
    /// The entries could not be read to their end.
    #[error("the entries of the statement end early: {0}")]
    Entry(Failure),
    /// The document could not be written.
    #[error("the statement could not be written: {0}")]
    Write(#[from] io::Error),
    /// The entries do not lead from the opening to the closing balance.
    #[error("after its entries the account has {found:?} where the statement closes with {expected:?}")]
    Chain {
        /// The closing balance.
        expected: Balance,
        /// The opening balance with all entries.
        found: Balance,
    },
    /// The entries do not come to the totals that stand before them.
    #[error("the entries come to {found:?} where the statement has {expected:?}")]
    Totals {
        /// The totals that stand before the entries.
        expected: EntryTotals,
        /// The totals of the entries.
        found: EntryTotals,
    },
    /// A balance or sum has more than the 18 digits for which ISO 20022 has room.
    #[error("a balance or sum of the statement has more than 18 digits")]
    Digits,
}

/// How much is written at once. An entry has about 1 KiB.
const BUFFER_BYTES: usize = 64 * 1024;

/// Writes a statement with its entries, and says what they come to.
///
/// # Errors
/// A [`StatementError`]. What has been written by then is not a whole document.
///
/// # Panics
/// If a statement has no balances or a notification has some, if those of a chain are not booked ones in their order,
/// or if the number of a page is not from 1 to 99999.
pub fn write_statement<Failure>(
    statement: &Statement,
    entries: impl IntoIterator<Item = Result<StatementEntry, Failure>>,
    mut output: impl io::Write,
) -> Result<EntryTotals, StatementError<Failure>> {
    statement.check();
    let mut xml = XmlWriter::document(statement.kind.namespace());
    let [message, inner, _] = statement.kind.elements();
    xml.open(message);
    xml.open("GrpHdr");
    xml.text("MsgId", &statement.message_id);
    xml.leaf("CreDtTm", &statement.created_at.to_string());
    xml.close();
    xml.open(inner);
    write_head(&mut xml, statement).ok_or(StatementError::Digits)?;
    let mut totals = EntryTotals::default();
    for entry in entries {
        let entry = entry.map_err(StatementError::Entry)?;
        totals = totals.with(&entry).ok_or(StatementError::Digits)?;
        write_entry(&mut xml, &entry, statement.account.currency);
        if xml.len() >= BUFFER_BYTES {
            xml.drain_into(&mut output)?;
        }
    }
    check_end(statement, totals)?;
    xml.close();
    xml.close();
    output.write_all(xml.finish().as_bytes())?;
    output.flush()?;
    Ok(totals)
}

/// Whether the entries come to what stands before them.
fn check_end<Failure>(statement: &Statement, found: EntryTotals) -> Result<(), StatementError<Failure>> {
    if let Some(expected) = statement.totals.filter(|expected| *expected != found) {
        return Err(StatementError::Totals { expected, found });
    }
    let Some(chain) = statement.chain else { return Ok(()) };
    let opening = chain.opening.amount.minor_units();
    let net = found.net().ok_or(StatementError::Digits)?;
    let found = Balance::from_minor_units(opening + net.minor_units()).ok_or(StatementError::Digits)?;
    let expected = chain.closing.amount;
    match found == expected {
        true => Ok(()),
        false => Err(StatementError::Chain { expected, found }),
    }
}

impl Statement {
    fn check(&self) {
        use crate::statement::BalanceKind::{ClosingBooked, InterimBooked, OpeningBooked};
        match self.kind {
            StatementKind::Statement => assert!(self.chain.is_some(), "a statement has balances"),
            StatementKind::Report => {}
            StatementKind::Notification => {
                assert!(self.chain.is_none(), "a notification has no balances");
                assert!(self.further_balances.is_empty(), "a notification has no balances");
            }
        }
        if let Some(chain) = self.chain {
            let (opening, closing) = (chain.opening.kind, chain.closing.kind);
            assert!(matches!(opening, OpeningBooked | InterimBooked), "a chain begins with a booked balance");
            assert!(matches!(closing, ClosingBooked | InterimBooked), "a chain ends with a booked balance");
        }
        if let Some(page) = self.page {
            assert!((1..=99_999).contains(&page.number), "the number of a page has up to five digits");
        }
    }
}

/// What stands before the entries; `None` if a balance has too many digits.
fn write_head(xml: &mut XmlWriter, statement: &Statement) -> Option<()> {
    let [_, _, pagination] = statement.kind.elements();
    xml.text("Id", &statement.id);
    if let Some(page) = statement.page {
        xml.open(pagination);
        xml.leaf("PgNb", &page.number.to_string());
        xml.leaf("LastPgInd", if page.is_last { "true" } else { "false" });
        xml.close();
    }
    if let Some(number) = statement.sequence_number {
        xml.leaf("ElctrncSeqNb", &number.to_string());
    }
    xml.leaf("CreDtTm", &statement.created_at.to_string());
    if let Some(period) = statement.period {
        xml.open("FrToDt");
        xml.leaf("FrDtTm", &period.from.to_string());
        xml.leaf("ToDtTm", &period.to.to_string());
        xml.close();
    }
    write_account(xml, &statement.account);
    let currency = statement.account.currency;
    if let Some(chain) = &statement.chain {
        write_balance(xml, &chain.opening, currency)?;
        write_balance(xml, &chain.closing, currency)?;
    }
    for balance in &statement.further_balances {
        write_balance(xml, balance, currency)?;
    }
    match &statement.totals {
        Some(totals) => write_totals(xml, totals, currency),
        None => Some(()),
    }
}

fn write_account(xml: &mut XmlWriter, account: &StatementAccount) {
    xml.open("Acct");
    xml.account_id("Id", &account.id);
    xml.leaf("Ccy", account.currency.code());
    if account.owner_name.is_some() || account.owner_bic.is_some() {
        xml.open("Ownr");
        xml.optional_text("Nm", account.owner_name.as_ref());
        if let Some(bic) = account.owner_bic {
            xml.open("Id");
            xml.open("OrgId");
            xml.leaf("AnyBIC", bic.as_str());
            xml.close();
            xml.close();
        }
        xml.close();
    }
    xml.agent("Svcr", account.servicer);
    xml.close();
}

fn write_balance(xml: &mut XmlWriter, balance: &StatementBalance, currency: Currency) -> Option<()> {
    let (amount, direction) = unsigned(balance.amount, currency)?;
    xml.open("Bal");
    xml.open("Tp");
    xml.open("CdOrPrtry");
    xml.leaf("Cd", balance.kind.code());
    xml.close();
    xml.close();
    xml.amount("Amt", currency.code(), &amount);
    xml.leaf("CdtDbtInd", direction);
    write_moment(xml, "Dt", balance.moment);
    xml.close();
    Some(())
}

/// Writes a day, or an instant in milliseconds.
pub(crate) fn write_moment(xml: &mut XmlWriter, name: &'static str, moment: Moment) {
    xml.open(name);
    match moment {
        Moment::Date(date) => xml.leaf("Dt", &date.to_string()),
        Moment::Time(time) => xml.leaf("DtTm", &time.to_string()),
        Moment::Clock { time, minutes_ahead } => xml.leaf("DtTm", &on_clock(time, minutes_ahead)),
    }
    xml.close();
}

fn write_totals(xml: &mut XmlWriter, totals: &EntryTotals, currency: Currency) -> Option<()> {
    let all = totals.credit_sum.minor_units().checked_add(totals.debit_sum.minor_units())?;
    let (all, _) = unsigned(Balance::from_minor_units(all)?, currency)?;
    let (net, direction) = unsigned(totals.net()?, currency)?;
    xml.open("TxsSummry");
    xml.open("TtlNtries");
    xml.leaf("NbOfNtries", &(totals.credit_count + totals.debit_count).to_string());
    xml.leaf("Sum", &all);
    xml.open("TtlNetNtry");
    xml.leaf("Amt", &net);
    xml.leaf("CdtDbtInd", direction);
    xml.close();
    xml.close();
    for (name, count, sum) in [
        ("TtlCdtNtries", totals.credit_count, totals.credit_sum),
        ("TtlDbtNtries", totals.debit_count, totals.debit_sum),
    ] {
        xml.open(name);
        xml.leaf("NbOfNtries", &count.to_string());
        xml.leaf("Sum", &unsigned(sum, currency)?.0);
        xml.close();
    }
    xml.close();
    Some(())
}

fn write_entry(xml: &mut XmlWriter, entry: &StatementEntry, currency: Currency) {
    let amount = entry.amount.to_decimal(currency);
    xml.open("Ntry");
    xml.optional_text("NtryRef", entry.reference.as_ref());
    xml.amount("Amt", currency.code(), &amount);
    xml.leaf("CdtDbtInd", entry.direction.code());
    xml.open("Sts");
    xml.leaf("Cd", "BOOK");
    xml.close();
    write_moment(xml, "BookgDt", entry.booked);
    write_moment(xml, "ValDt", Moment::Date(entry.value_date));
    xml.optional_text("AcctSvcrRef", entry.servicer_reference.as_ref());
    write_code(xml, &entry.code);
    if let Some(transaction) = &entry.transaction {
        xml.open("NtryDtls");
        xml.open("TxDtls");
        write_references(xml, entry, transaction);
        xml.amount("Amt", currency.code(), &amount);
        xml.leaf("CdtDbtInd", entry.direction.code());
        write_transaction(xml, transaction);
        xml.close();
        xml.close();
    }
    xml.optional_text("AddtlNtryInf", entry.information.as_ref());
    xml.close();
}

fn write_code(xml: &mut XmlWriter, code: &BookingCode) {
    let [domain, family, sub_family] = code.codes();
    xml.open("BkTxCd");
    xml.open("Domn");
    xml.leaf("Cd", domain);
    xml.open("Fmly");
    xml.leaf("Cd", family);
    xml.leaf("SubFmlyCd", sub_family);
    xml.close();
    xml.close();
    if let BookingCode::Own(own) = code {
        xml.open("Prtry");
        xml.text("Cd", own);
        xml.close();
    }
    xml.close();
}

fn write_references(xml: &mut XmlWriter, entry: &StatementEntry, transaction: &EntryTransaction) {
    xml.open("Refs");
    xml.optional_text("MsgId", transaction.message_id.as_ref());
    xml.optional_text("AcctSvcrRef", entry.servicer_reference.as_ref());
    xml.optional_text("InstrId", transaction.instruction_id.as_ref());
    xml.optional_text("EndToEndId", transaction.end_to_end_id.as_ref());
    xml.optional_text("UETR", transaction.uetr.as_ref());
    xml.optional_text("TxId", transaction.transaction_id.as_ref());
    xml.close_or_drop();
}

fn write_transaction(xml: &mut XmlWriter, transaction: &EntryTransaction) {
    xml.open("RltdPties");
    write_choice(xml, "Dbtr", transaction.debtor.as_ref());
    xml.optional_account("DbtrAcct", transaction.debtor_account.as_ref());
    write_choice(xml, "UltmtDbtr", transaction.ultimate_debtor.as_ref());
    write_choice(xml, "Cdtr", transaction.creditor.as_ref());
    xml.optional_account("CdtrAcct", transaction.creditor_account.as_ref());
    write_choice(xml, "UltmtCdtr", transaction.ultimate_creditor.as_ref());
    xml.close_or_drop();
    xml.open("RltdAgts");
    xml.agent("DbtrAgt", transaction.debtor_agent);
    xml.agent("CdtrAgt", transaction.creditor_agent);
    xml.close_or_drop();
    if let Some(purpose) = &transaction.purpose {
        xml.open("Purp");
        xml.text("Cd", purpose);
        xml.close();
    }
    write_remittance(xml, transaction.remittance.as_ref());
    xml.open("RltdDts");
    xml.optional_instant("AccptncDtTm", transaction.acceptance_time);
    if let Some(date) = transaction.settlement_date {
        xml.leaf("IntrBkSttlmDt", &date.to_string());
    }
    xml.close_or_drop();
    if let Some(reason) = transaction.return_reason {
        xml.open("RtrInf");
        xml.open("Rsn");
        xml.leaf("Cd", reason.as_str());
        xml.close();
        xml.close();
    }
}
