//! Reads pain.001.001.09 line by line.
//!
//! Invariants:
//! - Memory does not grow with the file.
//! - The iterator ends without an error only if the file is well-formed to its last byte, follows its schema and has as
//!   many lines, and as much in them, as it states.

use std::io::BufRead;
use std::sync::Arc;

use crate::fault::{SchemaFault, Violation};
use crate::limits::PACKAGE_PAYMENTS_MAX;
use crate::pain001::{PackageHeader, PackageLine, PackageTotals, PaymentInformation};
use crate::pain001_line::read_line;
use crate::pain001_payment::{read_header, read_payment};
use crate::pieces::{Layout, PackageReadError, Piece, Pieces};
use crate::{PAIN001_NAMESPACE, Rules, pain001_schema};

pub(crate) static LAYOUT: Layout = Layout {
    namespace: PAIN001_NAMESPACE,
    part: "PmtInf",
    line: "CdtTrfTxInf",
    gap: &pain001_schema::GAP,
    part_end: &pain001_schema::PAYMENT_END,
    tail: &pain001_schema::TAIL,
};

/// A file of orders being read: first its header, then each line as an iterator.
///
/// A line that breaks a rule of the scheme, or its schema, is a line that can't be paid, and the others can. What makes
/// the file as a whole doubtful ends it with an error: it is not well-formed, is another message, exceeds a limit, or
/// does not have the lines that it states. That shows only at the end. So nobody may pay a line before the iterator has
/// ended without an error: a file is read through once, and then again for its payments, or its lines are kept till then.
///
/// The header that business messages have is not read: customers send none.
pub struct PackageReader<Input> {
    pieces: Pieces<Input>,
    rules: Rules,
    header: PackageHeader,
    payment: Option<Arc<PaymentInformation>>,
    payment_totals: PackageTotals,
    totals: PackageTotals,
    has_ended: bool,
}

impl<Input: BufRead> PackageReader<Input> {
    /// Reads up to the first payment information.
    ///
    /// # Errors
    /// A [`PackageReadError`] if it is no pain.001.001.09, or states more lines than a file may have.
    pub fn open(input: Input) -> Result<Self, PackageReadError> {
        let mut pieces = Pieces::new(input, &LAYOUT);
        let piece = pieces.next()?;
        assert!(matches!(piece, Some(Piece::Head { .. })), "a document begins with its head");
        let header = read_header(&pieces).map_err(|fault| pieces.located(fault))?;
        Ok(Self {
            pieces,
            // Addresses are judged by the date of each payment information, and no settlement date is asked for.
            rules: Rules::sct_inst_2025(Vec::new()),
            header,
            payment: None,
            payment_totals: PackageTotals::default(),
            totals: PackageTotals::default(),
            has_ended: false,
        })
    }

    /// What the file says of itself.
    pub fn header(&self) -> &PackageHeader {
        &self.header
    }

    /// What the lines that have been read come to. After the iterator has ended without an error, it is what the
    /// header states.
    pub fn totals(&self) -> PackageTotals {
        self.totals
    }

    /// How many bytes of the file have been read.
    pub fn bytes_read(&self) -> u64 {
        self.pieces.bytes_read()
    }

    /// What it is read from, of which it may not have taken everything.
    pub fn into_input(self) -> Input {
        self.pieces.into_input()
    }

    fn line(&mut self) -> Result<Option<PackageLine>, PackageReadError> {
        loop {
            match self.pieces.next()? {
                Some(Piece::Head { .. }) => unreachable!("a document has one head, which `open` has read"),
                Some(Piece::Part) => {
                    self.end_payment()?;
                    self.begin_payment()?;
                }
                Some(Piece::Line) => return self.inside_line().map(Some),
                None => {
                    self.end_payment()?;
                    self.end()?;
                    return Ok(None);
                }
            }
        }
    }

    fn begin_payment(&mut self) -> Result<(), PackageReadError> {
        let number = self.payment.as_ref().map_or(0, |payment| payment.number) + 1;
        if number > PACKAGE_PAYMENTS_MAX {
            return Err(self.pieces.fault("PmtInf", Violation::Limit).into());
        }
        let payment = read_payment(&self.pieces, &self.rules, number);
        self.payment = Some(Arc::new(payment.map_err(|fault| self.pieces.located(fault))?));
        self.payment_totals = PackageTotals::default();
        Ok(())
    }

    fn inside_line(&mut self) -> Result<PackageLine, PackageReadError> {
        let payment = Arc::clone(self.payment.as_ref().expect("a line stands in a payment information"));
        let read = read_line(&self.pieces, &self.rules, &payment);
        let read = read.map_err(|fault| self.pieces.located(fault))?;
        let amount = read.stated_amount.unwrap_or_default();
        let (Some(totals), Some(payment_totals)) =
            (self.totals.with(amount), self.payment_totals.with(amount))
        else {
            return Err(self.pieces.fault("PmtInf/CdtTrfTxInf/Amt", Violation::Totals).into());
        };
        (self.totals, self.payment_totals) = (totals, payment_totals);
        if totals.transactions > self.header.transactions {
            return Err(self.pieces.fault("GrpHdr/NbOfTxs", Violation::Totals).into());
        }
        let refused = payment.terms.as_ref().err().cloned();
        Ok(PackageLine {
            number: totals.transactions,
            payment,
            instruction_id: read.instruction_id,
            end_to_end_id: read.end_to_end_id,
            uetr: read.uetr,
            order: refused.map_or(read.order, Err),
        })
    }

    /// Holds the payment information that has ended, if one has, against what it states.
    fn end_payment(&self) -> Result<(), SchemaFault> {
        let Some(payment) = &self.payment else { return Ok(()) };
        if self.payment_totals.transactions == 0 {
            return Err(self.pieces.fault("PmtInf/CdtTrfTxInf", Violation::Missing));
        }
        match self.payment_totals.fault(payment.transactions, payment.control_sum) {
            Some(name) => Err(self.pieces.fault(&format!("PmtInf/{name}"), Violation::Totals)),
            None => Ok(()),
        }
    }

    /// Holds the file against what it states.
    fn end(&self) -> Result<(), SchemaFault> {
        if self.payment.is_none() {
            return Err(self.pieces.fault("PmtInf", Violation::Missing));
        }
        match self.totals.fault(Some(self.header.transactions), self.header.control_sum) {
            Some(name) => Err(self.pieces.fault(&format!("GrpHdr/{name}"), Violation::Totals)),
            None => Ok(()),
        }
    }
}

/// Ends with the file, or with the first error.
impl<Input: BufRead> Iterator for PackageReader<Input> {
    type Item = Result<PackageLine, PackageReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_ended {
            return None;
        }
        let line = self.line().transpose();
        self.has_ended = !matches!(line, Some(Ok(_)));
        line
    }
}
