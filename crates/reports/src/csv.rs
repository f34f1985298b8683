//! Comma-separated values: statements for spreadsheets and for other systems, and what those give back.
//!
//! RFC 4180: a header line, CRLF, fields quoted where they need it. What others have chosen (names, references, remittance)
//! could be taken for a formula by a spreadsheet; such a field begins with an apostrophe, which reading takes away.

use std::io::{self, BufRead, BufWriter, Write};

use history::EntryKind;
use iso20022::{BookingCode, EntryDirection, EntryTotals};
use types::{Balance, Party, Remittance};

use crate::entries::{Entries, Full, Texts};
use crate::statement::{Prepared, StatementFault};

/// The columns of a statement, in their order; `docs/reports.md` says what stands in each.
pub const COLUMNS: [&str; 20] = [
    "account",
    "currency",
    "kind",
    "entry",
    "booked",
    "value_date",
    "direction",
    "amount",
    "balance",
    "payment_id",
    "transaction_id",
    "end_to_end_id",
    "counterpart_bank",
    "counterpart_name",
    "counterpart_account",
    "remittance",
    "booking_key",
    "reference",
    "acceptance_time",
    "erased",
];

/// Writes the opening balance, the entries and the closing balance.
pub(crate) fn write<T: Texts>(
    prepared: &Prepared,
    entries: Entries<'_, T>,
    output: impl Write,
) -> Result<EntryTotals, StatementFault<T::Failure>> {
    let mut output = BufWriter::with_capacity(64 << 10, output);
    write_line(&mut output, COLUMNS)?;
    let (opening, closing) = prepared.balances();
    write_balance(&mut output, prepared, "OPENING", opening)?;
    let (mut totals, mut reached) = (EntryTotals::default(), opening);
    for full in entries {
        let full = full?;
        totals = totals.with(&full.entry).ok_or(StatementFault::Digits)?;
        reached = reached.checked_add(full.row.change).ok_or(StatementFault::Digits)?;
        if reached != full.row.balance {
            return Err(StatementFault::Chain { expected: full.row.balance, found: reached });
        }
        write_entry(&mut output, prepared, &full)?;
    }
    if reached != closing {
        return Err(StatementFault::Chain { expected: closing, found: reached });
    }
    write_balance(&mut output, prepared, if prepared.is_over() { "CLOSING" } else { "INTERIM" }, closing)?;
    output.flush()?;
    Ok(totals)
}

fn decimal(minor_units: i64, prepared: &Prepared) -> String {
    let balance = Balance::from_minor_units(minor_units).unwrap_or_default();
    balance.to_decimal(prepared.asked().holder.currency)
}

fn write_balance(output: &mut impl Write, prepared: &Prepared, kind: &str, balance: i64) -> io::Result<()> {
    let mut fields = [const { String::new() }; COLUMNS.len()];
    let holder = &prepared.asked().holder;
    fields[0] = holder.id.as_str().to_owned();
    fields[1] = holder.currency.code().to_owned();
    fields[2] = kind.to_owned();
    fields[5] = prepared.asked().date.to_string();
    fields[8] = decimal(balance, prepared);
    write_line(output, fields.iter().map(String::as_str))
}

fn write_entry(output: &mut impl Write, prepared: &Prepared, full: &Full) -> io::Result<()> {
    let (holder, entry) = (&prepared.asked().holder, &full.entry);
    let transaction = entry.transaction.clone().unwrap_or_default();
    let (party, account) = match entry.direction {
        EntryDirection::Debit => (&transaction.creditor, &transaction.creditor_account),
        EntryDirection::Credit => (&transaction.debtor, &transaction.debtor_account),
    };
    let counterpart =
        full.payment.as_ref().and_then(|payment| prepared.wanted().counterpart(&full.row, payment));
    let (kind, booking_key) = match &entry.code {
        _ if full.row.kind == EntryKind::HoldCapture => ("HOLD_CAPTURE", ""),
        _ if full.row.kind == EntryKind::Exception => ("EXCEPTION", ""),
        BookingCode::Own(key) => ("POSTING", key.as_str()),
        BookingCode::Liquidity => ("LIQUIDITY", ""),
        BookingCode::TransferSent | BookingCode::TransferReceived => ("PAYMENT", ""),
        BookingCode::SentReturned | BookingCode::ReceivedReturned => ("RETURN", ""),
        BookingCode::Fee | BookingCode::FeeRefund => ("FEE", ""),
        BookingCode::Other { .. } => ("OTHER", ""),
    };
    let own = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let given = |text: Option<&str>| guarded(text.unwrap_or_default());
    let servicer_reference = entry.servicer_reference.as_ref().map(|text| text.as_str());
    let is_payment = matches!(full.row.kind, EntryKind::Payment | EntryKind::Fee);
    let fields = [
        holder.id.as_str().to_owned(),
        holder.currency.code().to_owned(),
        kind.to_owned(),
        own(entry.reference.as_ref().map(|text| text.as_str())),
        full.row.time.to_string(),
        entry.value_date.to_string(),
        entry.direction.code().to_owned(),
        entry.amount.to_decimal(holder.currency),
        decimal(full.row.balance, prepared),
        own(servicer_reference.filter(|_| is_payment)),
        given(transaction.transaction_id.as_ref().map(|text| text.as_str())),
        given(transaction.end_to_end_id.as_ref().map(|text| text.as_str())),
        counterpart.map_or_else(String::new, |bank| bank.to_string()),
        given(party.as_ref().and_then(|party: &Party| party.name.as_ref()).map(|name| name.as_str())),
        own(account.as_ref().map(|account| account.as_str())),
        guarded(&remittance(transaction.remittance.as_ref())),
        guarded(booking_key),
        given(servicer_reference.filter(|_| !is_payment)),
        transaction.acceptance_time.map_or_else(String::new, |time| time.to_string()),
        if full.is_erased { "true" } else { "false" }.to_owned(),
    ];
    write_line(output, fields.iter().map(String::as_str))
}

fn remittance(remittance: Option<&Remittance>) -> String {
    match remittance {
        None => String::new(),
        Some(Remittance::Unstructured(text)) => text.as_str().to_owned(),
        Some(Remittance::Structured { reference, .. }) => reference.as_str().to_owned(),
    }
}

/// What spreadsheets take for the beginning of a formula.
const FORMULAS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A text that somebody else has chosen, as it may stand in a cell.
pub fn guarded(text: &str) -> String {
    // An apostrophe of one's own is guarded as well, so that what reading takes away is always a guard.
    let needs_guard = text.starts_with(FORMULAS) || text.starts_with('\'');
    if needs_guard { format!("'{text}") } else { text.to_owned() }
}

/// The text that was guarded.
fn unguarded(text: String) -> String {
    match text.strip_prefix('\'') {
        Some(rest) if rest.starts_with(FORMULAS) || rest.starts_with('\'') => rest.to_owned(),
        Some(_) | None => text,
    }
}

/// Writes a line of fields, in quotes where one needs them. What could be taken for a formula is the caller's to guard
/// ([`guarded`]).
///
/// # Errors
/// If the output fails.
pub fn write_line<'field>(
    output: &mut impl Write,
    fields: impl IntoIterator<Item = &'field str>,
) -> io::Result<()> {
    for (index, field) in fields.into_iter().enumerate() {
        if index > 0 {
            output.write_all(b",")?;
        }
        if field.contains(['"', ',', '\r', '\n']) {
            write!(output, "\"{}\"", field.replace('"', "\"\""))?;
        } else {
            output.write_all(field.as_bytes())?;
        }
    }
    output.write_all(b"\r\n")
}

/// Why a file of comma-separated values can't be read on.
#[derive(Debug, thiserror::Error)]
pub enum CsvError {
    /// It could not be read.
    #[error("the file could not be read: {0}")]
    Read(#[from] io::Error),
    /// A line is longer than a statement's can be, or a quote is never closed.
    #[error("line {line} is longer than {LINE_MAX} bytes, or a quote in it is never closed")]
    Long {
        /// Which line, from 1.
        line: u64,
    },
    /// A quote stands where none may.
    #[error("in line {line} a quote stands inside a field")]
    Quote {
        /// Which line, from 1.
        line: u64,
    },
    /// Not UTF-8.
    #[error("line {line} is not UTF-8")]
    Encoding {
        /// Which line, from 1.
        line: u64,
    },
}

/// No line of a statement is near this.
const LINE_MAX: u64 = 64 << 10;

/// Reads lines of fields, one by one. A field that was guarded against spreadsheets is given without its guard.
#[derive(Debug)]
pub struct CsvReader<Input> {
    input: Input,
    line: u64,
}

impl<Input: BufRead> CsvReader<Input> {
    /// A reader from the first line on.
    pub const fn new(input: Input) -> Self {
        Self { input, line: 0 }
    }

    /// The line that was read last, from 1. A field with line breaks counts as one.
    pub const fn line(&self) -> u64 {
        self.line
    }

    /// The fields of the next line that is not empty; `None` at the end.
    ///
    /// # Errors
    /// A [`CsvError`] with its line; nothing is read behind one.
    #[allow(clippy::should_implement_trait, reason = "an error ends it, and `?` at each line reads best")]
    pub fn next(&mut self) -> Result<Option<Vec<String>>, CsvError> {
        loop {
            self.line += 1;
            let line = self.line;
            let mut bytes = Vec::new();
            // A quoted field may hold line breaks: the line ends where every quote is closed.
            loop {
                let room = LINE_MAX - u64::try_from(bytes.len()).expect("64 bits");
                let read = io::Read::take(&mut self.input, room).read_until(b'\n', &mut bytes)?;
                let is_open = bytes.iter().filter(|byte| **byte == b'"').count() % 2 == 1;
                let is_full = !bytes.ends_with(b"\n") && u64::try_from(bytes.len()) == Ok(LINE_MAX);
                if is_full || is_open && read == 0 {
                    return Err(CsvError::Long { line });
                }
                if bytes.is_empty() {
                    return Ok(None);
                }
                if !is_open {
                    break;
                }
            }
            let text = String::from_utf8(bytes).map_err(|_| CsvError::Encoding { line })?;
            let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
            let text = text.trim_end_matches(['\r', '\n']);
            if !text.is_empty() {
                return Ok(Some(fields(text).ok_or(CsvError::Quote { line })?));
            }
        }
    }
}

/// The fields of a line; `None` if a quote stands inside one.
fn fields(line: &str) -> Option<Vec<String>> {
    let mut found = Vec::new();
    let mut rest = line;
    loop {
        let (field, behind) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                let field = rest[..end].to_owned();
                if field.contains('"') {
                    return None;
                }
                (field, &rest[end..])
            }
        };
        found.push(unguarded(field));
        match behind.strip_prefix(',') {
            Some(behind) => rest = behind,
            None if behind.is_empty() => return Some(found),
            None => return None,
        }
    }
}

/// A field behind its opening quote, and what stands behind its closing one.
fn quoted_field(text: &str) -> Option<(String, &str)> {
    let (mut field, mut rest) = (String::new(), text);
    loop {
        let end = rest.find('"')?;
        field.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(behind) => {
                field.push('"');
                rest = behind;
            }
            None => return Some((field, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &[u8]) -> Result<Vec<Vec<String>>, CsvError> {
        let mut reader = CsvReader::new(text);
        let mut lines = Vec::new();
        while let Some(line) = reader.next()? {
            lines.push(line);
        }
        Ok(lines)
    }

    #[test]
    fn what_others_have_chosen_is_no_formula() {
        for text in ["=1+1", "+49 30", "-5", "@SUM(A1)", "\tx", "\rx", "'quoted"] {
            let cell = guarded(text);
            assert!(cell.starts_with('\''), "{cell}");
            assert_eq!(unguarded(cell), text);
        }
        for text in ["", "Rent", "O'Neil", "1=1", "RF18 5390"] {
            assert_eq!(guarded(text), text);
            assert_eq!(unguarded(text.to_owned()), text);
        }
        // What was never guarded stays.
        assert_eq!(unguarded("'tis".to_owned()), "'tis");
    }

    #[test]
    fn faults_name_their_line() {
        let told = |text: &[u8]| read(text).unwrap_err().to_string();
        assert_eq!(told(b"a,b\nc\"d\"\n"), "in line 2 a quote stands inside a field");
        assert_eq!(told(b"a\n\xff\n"), "line 2 is not UTF-8");
        assert!(told(b"a\n\"b\nc\n").starts_with("line 2 is longer"));
        assert!(told(&vec![b'x'; 70_000]).starts_with("line 1 is longer"));
    }

    #[test]
    fn files_of_other_systems_are_read() {
        let text = b"\xef\xbb\xbfreference,amount\r\n\r\nA-1,1.00\nA-2,\"2\n00\"";
        let lines = read(text).unwrap();
        assert_eq!(lines, [vec!["reference", "amount"], vec!["A-1", "1.00"], vec!["A-2", "2\n00"]]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(lines in prop::collection::vec(prop::collection::vec("[ -~\r\n\téß]{0,20}", 2..6), 1..5)) {
            let mut bytes = Vec::new();
            for line in &lines {
                let guarded: Vec<String> = line.iter().map(|field| guarded(field)).collect();
                write_line(&mut bytes, guarded.iter().map(String::as_str)).unwrap();
            }
            prop_assert_eq!(read(&bytes).unwrap(), lines);
        }
    }
}
