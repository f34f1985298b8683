//! The file of a day's postings: comma-separated values, with control totals at the end and a hash of everything before it.

use std::io::{self, Write};

use aws_lc_rs::digest::{Context, SHA256};
use history::{EntryKind, Heap, StoreError};
use ledger::PostingClass;
use types::{Amount, Lives, Sequence, Shard};

use super::{Posting, PostingBook, PostingDay, PostingSum, PostingTotals};
use crate::csv::write_line;
use crate::settlement::decimal;

/// The columns of a day's postings, in their order; `docs/postings.md` says what stands in each.
pub const POSTING_COLUMNS: [&str; 20] = [
    "record",
    "bank",
    "currency",
    "booking_date",
    "number",
    "sequence",
    "turn",
    "booked",
    "value_date",
    "kind",
    "class",
    "gl_account",
    "account",
    "direction",
    "amount",
    "payment_id",
    "count",
    "debit",
    "credit",
    "sha256",
];

/// Why a day's postings could not be told to their end.
#[derive(Debug, thiserror::Error)]
pub enum PostingFault {
    /// History can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// They could not be written to where they were to go.
    #[error(transparent)]
    Write(#[from] io::Error),
    /// A posting is not the next one.
    #[error("a posting follows number {number}, and the one before it has number {expected}")]
    Gap {
        /// Behind which number it stands.
        number: u64,
        /// The number of the one before it.
        expected: u64,
    },
    /// Debits are not credits.
    #[error("the postings do not balance; make history anew with `solvo history rebuild`")]
    Uneven,
    /// The postings lead to another position than its own entries.
    #[error(
        "the postings lead to a position of {mirrored} minor units, and its entries to {balance}; make history anew with \
         `solvo history rebuild`"
    )]
    Position {
        /// What the postings lead to.
        mirrored: i64,
        /// What the entries lead to.
        balance: i64,
    },
}

impl PostingDay<'_> {
    /// Writes the file, and says what the postings came to. `lives` names the log's lives, for the ids of payments.
    ///
    /// # Errors
    /// A [`PostingFault`]. What has been written by then is not a whole file.
    pub fn write(mut self, lives: &Lives, output: impl Write) -> Result<PostingTotals, PostingFault> {
        let mut output =
            Hashed { output, context: Context::new(&SHA256), waiting: Vec::with_capacity(WAITING) };
        write_line(&mut output, POSTING_COLUMNS)?;
        let totals = self.for_each_page(|postings, book| {
            postings.iter().try_for_each(|posting| write_posting(&mut output, book, posting, lives))
        })?;
        let head = self.head();
        let currency = self.book.currency;
        for (heap, sum) in Heap::ALL.into_iter().zip(totals.closing) {
            let [debit, credit] =
                [sum.min(0), sum.max(0)].map(|sum| decimal(i128::from(sum).abs(), currency));
            write_line(
                &mut output,
                head.line("BALANCE", &[(CLASS, heap_name(heap)), (DEBIT, &debit), (CREDIT, &credit)]),
            )?;
        }
        for (gl_account, sum) in &totals.by_gl_account {
            let gl_account = gl_account.map_or_else(String::new, |gl_account| gl_account.to_string());
            let [count, debit, credit] = told(sum, currency);
            let fields =
                [(GL_ACCOUNT, gl_account.as_str()), (COUNT, &count), (DEBIT, &debit), (CREDIT, &credit)];
            write_line(&mut output, head.line("TOTAL", &fields))?;
        }
        let (hash, last) = (output.hash()?, totals.number_last.to_string());
        let [count, debit, credit] = told(&totals.whole, currency);
        let fields =
            [(NUMBER, last.as_str()), (COUNT, &count), (DEBIT, &debit), (CREDIT, &credit), (HASH, &hash)];
        write_line(&mut output, head.line("END", &fields))?;
        output.flush()?;
        Ok(totals)
    }

    fn head(&self) -> Head {
        let PostingBook { bank, currency, .. } = &self.book;
        Head { bank: bank.to_string(), currency: currency.code(), date: self.date.to_string() }
    }
}

const NUMBER: usize = 4;
const CLASS: usize = 10;
const GL_ACCOUNT: usize = 11;
const COUNT: usize = 16;
const DEBIT: usize = 17;
const CREDIT: usize = 18;
const HASH: usize = 19;

/// What every line of a file begins with.
struct Head {
    bank: String,
    currency: &'static str,
    date: String,
}

impl Head {
    fn line<'line>(
        &'line self,
        record: &'static str,
        fields: &[(usize, &'line str)],
    ) -> [&'line str; POSTING_COLUMNS.len()] {
        let mut line = [""; POSTING_COLUMNS.len()];
        line[..4].copy_from_slice(&[record, &self.bank, self.currency, &self.date]);
        fields.iter().for_each(|(place, field)| line[*place] = field);
        line
    }
}

fn told(sum: &PostingSum, currency: types::Currency) -> [String; 3] {
    [sum.count.to_string(), decimal(sum.debit, currency), decimal(sum.credit, currency)]
}

fn write_posting(
    output: &mut impl Write,
    book: &PostingBook<'_>,
    posting: &Posting,
    lives: &Lives,
) -> io::Result<()> {
    let id = |payment: Sequence| lives.payment_id(Shard(0), payment).to_string();
    let amount = Amount::from_minor_units(posting.amount).ok_or(io::ErrorKind::InvalidData)?;
    let fields = [
        "POSTING".to_owned(),
        book.bank.to_string(),
        book.currency.code().to_owned(),
        posting.booking_date.to_string(),
        posting.number.to_string(),
        posting.place.at.to_string(),
        posting.place.turn.to_string(),
        posting.time.to_string(),
        posting.value_date.to_string(),
        kind_name(posting.kind).to_owned(),
        class_name(posting.class).to_owned(),
        posting.gl_account.map_or_else(String::new, |gl_account| gl_account.to_string()),
        posting.account.map_or_else(String::new, |account| account.to_string()),
        if posting.is_debit { "DBIT" } else { "CRDT" }.to_owned(),
        amount.to_decimal(book.currency),
        posting.payment.map_or_else(String::new, id),
    ];
    let empty = [""; POSTING_COLUMNS.len() - 16];
    write_line(output, fields.iter().map(String::as_str).chain(empty))
}

const fn kind_name(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Payment => "PAYMENT",
        EntryKind::Fee => "FEE",
        EntryKind::Posting => "POSTING",
        EntryKind::Liquidity => "LIQUIDITY",
        EntryKind::Return => "RETURN",
        EntryKind::ReturnFee => "RETURN_FEE",
        EntryKind::OwnFunds => "OWN_FUNDS",
        EntryKind::HoldCapture => "HOLD_CAPTURE",
        EntryKind::Exception => "EXCEPTION",
    }
}

const fn class_name(class: PostingClass) -> &'static str {
    match class {
        PostingClass::Current => "CURRENT",
        PostingClass::Savings => "SAVINGS",
        PostingClass::Core => "CORE",
        PostingClass::Fees => "FEES",
        PostingClass::Clearing => "CLEARING",
        PostingClass::Position => "POSITION",
        PostingClass::Transit => "TRANSIT",
        PostingClass::Funding => "FUNDING",
        PostingClass::Technical => "TECHNICAL",
        PostingClass::Suspense => "SUSPENSE",
    }
}

/// Customers' accounts are of more than one class.
fn heap_name(heap: Heap) -> &'static str {
    heap.class().map_or("CUSTOMERS", class_name)
}

/// Bytes go out in large pieces, and are hashed on their way.
struct Hashed<Output> {
    output: Output,
    context: Context,
    waiting: Vec<u8>,
}

const WAITING: usize = 64 << 10;

impl<Output: Write> Hashed<Output> {
    /// The hash of everything that was written, in hexadecimal digits.
    fn hash(&mut self) -> io::Result<String> {
        self.flush()?;
        let digest = self.context.clone().finish();
        Ok(digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl<Output: Write> Write for Hashed<Output> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.waiting.len() + bytes.len() > WAITING {
            self.flush()?;
        }
        self.waiting.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.context.update(&self.waiting);
        self.output.write_all(&self.waiting)?;
        self.waiting.clear();
        self.output.flush()
    }
}
