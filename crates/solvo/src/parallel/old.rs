//! The files of the system that decides: its payments of a day, and its balances at the end of it.
//!
//! Columns are named by the first line, stand in any order, and may be more than are known here: the system writes what it
//! has.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, bail};
use reports::{Became, CsvReader, Decided, PaymentName};
use types::{Amount, Balance, Bic, Currency, Iban, ReasonCode, Text};

/// A file of lines with named columns.
pub(super) struct Table<Input> {
    reader: CsvReader<Input>,
    columns: Vec<String>,
}

/// One line of it.
pub(super) struct Row<'table> {
    columns: &'table [String],
    fields: Vec<String>,
    /// Its line in the file, from 1.
    pub(super) line: u64,
}

/// Opens a file, or standard input where it is called `-`, and reads the names of its columns.
pub(super) fn open(path: &Path, needed: &[&str]) -> anyhow::Result<Table<Box<dyn BufRead + Send>>> {
    let input: Box<dyn BufRead + Send> = match path.to_str() {
        Some("-") => Box::new(BufReader::new(std::io::stdin())),
        _ => {
            let file = File::open(path).with_context(|| format!("{} can't be read", path.display()))?;
            Box::new(BufReader::with_capacity(1 << 20, file))
        }
    };
    Table::new(input, needed).with_context(|| format!("{} is no such file", path.display()))
}

impl<Input: BufRead> Table<Input> {
    fn new(input: Input, needed: &[&str]) -> anyhow::Result<Self> {
        let mut reader = CsvReader::new(input);
        let columns = reader.next()?.context("it is empty")?;
        let missing: Vec<&str> =
            needed.iter().copied().filter(|name| !columns.iter().any(|column| column == name)).collect();
        if !missing.is_empty() {
            bail!("its first line does not name the columns {}", missing.join(", "));
        }
        Ok(Self { reader, columns })
    }

    /// The next line; `None` at the end.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<Row<'_>>> {
        let Some(fields) = self.reader.next()? else { return Ok(None) };
        let line = self.reader.line();
        if fields.len() != self.columns.len() {
            bail!("line {line}: it has {} fields, and the first line {}", fields.len(), self.columns.len());
        }
        Ok(Some(Row { columns: &self.columns, fields, line }))
    }
}

impl Row<'_> {
    /// What stands in this column; empty if there is none.
    pub(super) fn field(&self, name: &str) -> &str {
        let place = self.columns.iter().position(|column| column == name);
        place.map_or("", |place| self.fields[place].as_str())
    }

    /// Says in which line and column something is wrong, without what stands there: it may be an account's number.
    fn wrong(&self, name: &str, rule: &str) -> anyhow::Error {
        anyhow::anyhow!("line {}: {name} {rule}", self.line)
    }

    fn currency(&self) -> anyhow::Result<Currency> {
        Currency::parse(self.field("currency")).map_err(|_| self.wrong("currency", "is no currency code"))
    }

    /// A payment and what became of it.
    pub(super) fn payment(&self) -> anyhow::Result<(PaymentName, Decided)> {
        let debtor_agent = Bic::parse(self.field("debtor_agent"));
        let debtor_agent = debtor_agent.map_err(|_| self.wrong("debtor_agent", "is no BIC"))?;
        let id: Result<Text<35>, _> = Text::parse_identifier(self.field("transaction_id"));
        let id = id.map_err(|_| self.wrong("transaction_id", "is no identifier of 1 to 35 characters"))?;
        let became = Became::from_name(self.field("status"));
        let became = became
            .ok_or_else(|| self.wrong("status", "is none of SETTLED, REJECTED, EXPIRED and RESERVED"))?;
        let reason = match self.field("reason") {
            "" => None,
            reason => Some(
                ReasonCode::parse(reason)
                    .map_err(|_| self.wrong("reason", "is no code of four capital letters or digits"))?,
            ),
        };
        let currency = self.currency()?;
        let amount = Amount::parse(self.field("amount"), currency);
        let amount = amount.map_err(|_| self.wrong("amount", "is no decimal above zero"))?;
        let name = PaymentName { debtor_agent, transaction_id: id.as_str().into() };
        let amount = Some((amount.minor_units(), currency));
        Ok((name, Decided { became, reason, amount, was_asked: false }))
    }

    /// An account and what was on it.
    pub(super) fn balance(&self) -> anyhow::Result<(Iban, Currency, Balance)> {
        let iban = Iban::parse(self.field("iban")).map_err(|_| self.wrong("iban", "is no IBAN"))?;
        let currency = self.currency()?;
        let balance = Balance::parse(self.field("balance"), currency);
        Ok((iban, currency, balance.map_err(|_| self.wrong("balance", "is no decimal"))?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str, needed: &[&str]) -> anyhow::Result<Table<std::io::Cursor<Vec<u8>>>> {
        Table::new(std::io::Cursor::new(text.as_bytes().to_vec()), needed)
    }

    #[test]
    fn columns_are_found_by_their_names_and_faults_by_their_lines() {
        let head = "more,status,amount,currency,transaction_id,debtor_agent,reason\n";
        let text = format!(
            "{head}x,settled,1.25,EUR,TX-1,ALFABEBB,\ny,REJECTED,2.00,EUR,TX-2,ALFABEBB,AM04\nz,PAID,2.00,EUR,TX-3,ALFABEBB,\n"
        );
        let mut table = table(&text, &["status", "transaction_id"]).unwrap();
        let (name, decided) = table.next().unwrap().unwrap().payment().unwrap();
        assert_eq!((&*name.transaction_id, decided.became), ("TX-1", Became::Settled));
        assert_eq!(decided.amount, Some((125, Currency::EUR)));
        let (_, decided) = table.next().unwrap().unwrap().payment().unwrap();
        assert_eq!(decided.reason.map(|reason| reason.to_string()).as_deref(), Some("AM04"));
        let fault = table.next().unwrap().unwrap().payment().unwrap_err().to_string();
        assert!(fault.starts_with("line 4: status is none of"), "{fault}");
        assert!(table.next().unwrap().is_none());
    }

    #[test]
    fn columns_that_are_needed_have_to_be_there() {
        let fault = table("iban,currency\n", &["iban", "currency", "balance"]).err().unwrap().to_string();
        assert_eq!(fault, "its first line does not name the columns balance");
        let mut short = table("iban,currency,balance\nBE68539007547034,EUR\n", &["iban"]).unwrap();
        assert!(short.next().err().unwrap().to_string().starts_with("line 2: it has 2 fields"));
    }
}
