//! The accounts and balances that another ledger hands over: a file of comma-separated values, and its control totals.
//!
//! Invariant: an [`Account`] has been checked by every rule that needs no node.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, bail};
use aws_lc_rs::digest::{SHA256, digest};
use reports::{CsvReader, decimal};
use serde::{Deserialize, Serialize};
use types::{Amount, Balance, Currency, Iban, Text};

/// An account as it is handed over.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Account {
    /// Its line in the file, from 1.
    pub(crate) line: u64,
    pub(crate) iban: Iban,
    pub(crate) currency: Currency,
    pub(crate) is_savings: bool,
    pub(crate) floor: Balance,
    pub(crate) balance: Balance,
    pub(crate) holder_names: Vec<Text<140>>,
    pub(crate) identification: Option<Text<35>>,
}

impl Account {
    /// What names it among all.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.iban.as_str(), self.currency.code())
    }
}

/// What is wrong with a line. Shows neither names nor account numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) line: u64,
    pub(crate) what: String,
}

/// Count, sums and hash of accounts.
///
/// The hash is the sum, modulo 2^64, of the first eight bytes (most significant first) of SHA-256 over
/// `IBAN;CURRENCY;BALANCE` of each account, with all decimals of the currency, in 16 hexadecimal digits. The order of
/// accounts does not count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Totals {
    pub(crate) accounts: u64,
    /// The sum of the balances of each currency, as a decimal.
    pub(crate) sums: BTreeMap<String, String>,
    pub(crate) hash: String,
}

/// Totals that grow.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sum {
    accounts: u64,
    sums: BTreeMap<Currency, i128>,
    hash: u64,
}

impl Sum {
    pub(crate) fn add(&mut self, account: &Account) {
        let Account { iban, currency, balance, .. } = account;
        self.accounts += 1;
        *self.sums.entry(*currency).or_default() += i128::from(balance.minor_units());
        let text = format!("{};{};{}", iban.as_str(), currency.code(), balance.to_decimal(*currency));
        let hashed = digest(&SHA256, text.as_bytes());
        let first = hashed.as_ref().first_chunk().expect("a digest of SHA-256 has 32 bytes");
        self.hash = self.hash.wrapping_add(u64::from_be_bytes(*first));
    }

    pub(crate) fn totals(&self) -> Totals {
        let sums =
            self.sums.iter().map(|(currency, sum)| (currency.code().to_owned(), decimal(*sum, *currency)));
        Totals { accounts: self.accounts, sums: sums.collect(), hash: format!("{:016x}", self.hash) }
    }
}

/// Reads control totals.
pub(crate) fn read_totals(path: &Path) -> anyhow::Result<Totals> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} can't be read", path.display()))?;
    serde_json::from_str(&text).with_context(|| {
        format!("{} is no control totals such as `solvo migrate totals FILE --json` prints", path.display())
    })
}

/// The accounts of a file, line by line.
pub(crate) struct Accounts<Input> {
    reader: CsvReader<Input>,
    columns: Columns,
}

/// Where each value stands.
struct Columns {
    iban: usize,
    currency: usize,
    balance: usize,
    holders: Vec<usize>,
    kind: Option<usize>,
    floor: Option<usize>,
    identification: Option<usize>,
    count: usize,
}

/// Holders that an account may have.
const HOLDERS_MAX: usize = 4;

impl Columns {
    fn read(names: &[String]) -> anyhow::Result<Self> {
        let mut known: BTreeSet<&str> = BTreeSet::new();
        let mut find = |name: &'static str| {
            known.insert(name);
            names.iter().position(|column| column == name)
        };
        const HOLDERS: [&str; HOLDERS_MAX] = ["holder_1", "holder_2", "holder_3", "holder_4"];
        let holders: Vec<usize> = HOLDERS.into_iter().filter_map(&mut find).collect();
        let [iban, currency, balance] = ["iban", "currency", "balance"].map(&mut find);
        let [kind, floor, identification] = ["type", "floor", "identification"].map(&mut find);
        let (Some(iban), Some(currency), Some(balance), false) =
            (iban, currency, balance, holders.is_empty())
        else {
            bail!("the first line has to name the columns iban, currency, balance and holder_1");
        };
        if let Some(other) = names.iter().find(|name| !known.contains(name.as_str())) {
            bail!("no column is called {other:?}: there are {}", Vec::from_iter(known).join(", "));
        }
        Ok(Self { iban, currency, balance, holders, kind, floor, identification, count: names.len() })
    }
}

impl Accounts<BufReader<File>> {
    /// Opens a file and reads its first line, which names the columns.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("{} can't be read", path.display()))?;
        Self::new(BufReader::with_capacity(1 << 20, file))
            .with_context(|| format!("{} is no file of accounts", path.display()))
    }
}

impl<Input: BufRead> Accounts<Input> {
    fn new(input: Input) -> anyhow::Result<Self> {
        let mut reader = CsvReader::new(input);
        let names = reader.next()?.context("it is empty")?;
        Ok(Self { reader, columns: Columns::read(&names)? })
    }

    /// The next account, or what is wrong with its line; `None` at the end.
    pub(crate) fn next(&mut self) -> anyhow::Result<Option<Result<Account, Fault>>> {
        let Some(fields) = self.reader.next()? else { return Ok(None) };
        let line = self.reader.line();
        let account = account(line, &self.columns, &fields);
        Ok(Some(account.map_err(|what| Fault { line, what })))
    }
}

fn account(line: u64, columns: &Columns, fields: &[String]) -> Result<Account, String> {
    if fields.len() != columns.count {
        return Err(format!("it has {} fields, and the first line {}", fields.len(), columns.count));
    }
    let said = |name: &'static str| move |error: &dyn std::fmt::Display| format!("{name}: {error}");
    let optional = |column: Option<usize>| {
        column.map(|column| fields[column].as_str()).filter(|field| !field.is_empty())
    };
    let iban = Iban::parse(&fields[columns.iban]).map_err(|error| said("iban")(&error))?;
    let currency = Currency::parse(&fields[columns.currency]).map_err(|error| said("currency")(&error))?;
    let balance = Balance::parse(&fields[columns.balance], currency);
    let balance = balance.map_err(|error| said("balance")(&error))?;
    let floor = optional(columns.floor).map(|text| Balance::parse(text, currency)).transpose();
    let floor = floor.map_err(|error| said("floor")(&error))?.unwrap_or(Balance::ZERO);
    if floor > Balance::ZERO || floor > balance {
        return Err("floor: it is above zero, or above the balance".to_owned());
    }
    if balance != Balance::ZERO && Amount::from_minor_units(balance.minor_units().abs()).is_none() {
        return Err(
            "balance: one entry books no such amount; hand a part of it over, and book the rest".to_owned()
        );
    }
    let is_savings = match optional(columns.kind) {
        None | Some("current") => false,
        Some("savings") => true,
        Some(_) => return Err("type: it is neither current nor savings".to_owned()),
    };
    let names = columns.holders.iter().map(|column| fields[*column].as_str()).filter(|name| !name.is_empty());
    let holder_names: Result<Vec<_>, _> = names.map(Text::parse).collect();
    let holder_names = holder_names.map_err(|error| said("holder")(&error))?;
    if holder_names.is_empty() {
        return Err("holder_1: an account has a holder".to_owned());
    }
    let identification = optional(columns.identification).map(Text::parse_identifier).transpose();
    let identification = identification.map_err(|error| said("identification")(&error))?;
    Ok(Account { line, iban, currency, is_savings, floor, balance, holder_names, identification })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "iban,currency,balance,holder_1,holder_2,type,floor,identification\n";

    fn read(lines: &str) -> Vec<Result<Account, Fault>> {
        let text = format!("{HEAD}{lines}");
        let mut accounts = Accounts::new(text.as_bytes()).unwrap();
        std::iter::from_fn(|| accounts.next().unwrap()).collect()
    }

    fn totals(lines: &str) -> Totals {
        let mut sum = Sum::default();
        read(lines).into_iter().for_each(|account| sum.add(&account.unwrap()));
        sum.totals()
    }

    #[test]
    fn an_account_has_all_that_its_line_says() {
        let read = read("BE68539007547034,EUR,-12.50,\"Peeters, Anna\",Jan Maes,savings,-100.00,\n");
        let account = read[0].as_ref().unwrap();
        assert_eq!((account.line, account.is_savings), (2, true));
        assert_eq!([account.balance, account.floor].map(Balance::minor_units), [-1_250, -10_000]);
        let names: Vec<&str> = account.holder_names.iter().map(Text::as_str).collect();
        assert_eq!(names, ["Peeters, Anna", "Jan Maes"]);
    }

    #[test]
    fn each_line_is_refused_by_its_field() {
        for (line, field) in [
            ("BE68539007547035,EUR,1.00,A,,,,", "iban"),
            ("BE68539007547034,EURO,1.00,A,,,,", "currency"),
            ("BE68539007547034,EUR,1.001,A,,,,", "balance"),
            ("BE68539007547034,EUR,10000000000.00,A,,,,", "balance"),
            ("BE68539007547034,EUR,-1.00,A,,,,", "floor"),
            ("BE68539007547034,EUR,1.00,A,,,0.50,", "floor"),
            ("BE68539007547034,EUR,1.00,A,,loan,,", "type"),
            ("BE68539007547034,EUR,1.00,,,,,", "holder"),
            ("BE68539007547034,EUR,1.00,A", "it has 4 fields"),
        ] {
            let read = read(line);
            let fault = read[0].as_ref().err().unwrap();
            assert!(fault.line == 2 && fault.what.starts_with(field), "{line}: {fault:?}");
            assert!(!fault.what.contains("BE68"), "no account number is shown");
        }
        assert!(Accounts::new("iban,currency,balance\n".as_bytes()).is_err(), "nobody holds them");
        assert!(Accounts::new("iban,currency,balance,holder_1,colour\n".as_bytes()).is_err());
    }

    /// The hash is what the pages say: anybody can work it out.
    #[test]
    fn totals_do_not_depend_on_the_order() {
        let [one, other] =
            ["BE68539007547034,EUR,12.50,A,,,,\n", "DE89370400440532013000,SEK,-3,B,,,-5.00,\n"];
        let both = totals(&format!("{one}{other}"));
        assert_eq!(both, totals(&format!("{other}{one}")));
        assert_eq!(
            (both.accounts, both.sums["EUR"].as_str(), both.sums["SEK"].as_str()),
            (2, "12.50", "-3.00")
        );
        let first = |text: &str| {
            let hashed = digest(&SHA256, text.as_bytes());
            u64::from_be_bytes(*hashed.as_ref().first_chunk().unwrap())
        };
        let hash =
            first("BE68539007547034;EUR;12.50").wrapping_add(first("DE89370400440532013000;SEK;-3.00"));
        assert_eq!(both.hash, format!("{hash:016x}"));
        assert_eq!(both.hash, "c2f3c8f061111ff2", "as docs/migration.md has it");
        assert_ne!(both.hash, totals(one).hash);
    }
}
