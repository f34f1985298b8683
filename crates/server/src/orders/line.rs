//! Lines of a file of orders as the log has them.

use engine::Handle;
use iso20022::{LineCompletion, LineRefusal, Moment, PackageLine, PaymentTerms};
use ledger::Zone;
use types::{Bic, Currency, PaymentOrder, StatusReason, Text, Timestamp};

use super::day;

/// What lines are read with.
pub(super) struct Reading<'node> {
    pub(super) handle: &'node Handle,
    /// The payers' bank.
    pub(super) bank: Bic,
    /// Its clock, by which its customers' days begin.
    pub(super) zone: Zone,
}

/// A line that can be paid.
#[derive(Debug)]
pub(super) struct Payable {
    pub(super) order: PaymentOrder,
    /// From when on; the beginning of time if its day has come.
    pub(super) due: Timestamp,
}

impl Reading<'_> {
    /// What is to be paid, or why that can't be. The payment has no transaction id yet: that of an order is made of the
    /// order's own id when it is sent. Its message is its payment information, under which it is reported on.
    pub(super) fn line(&self, line: PackageLine) -> Result<Payable, LineRefusal> {
        let terms = line.payment.terms.as_ref().map_err(LineRefusal::clone)?;
        if terms.debtor_agent.is_some_and(|said| said != self.bank) {
            return Err(refusal(StatusReason::InvalidDebtorAccountNumber, "PmtInf/DbtrAgt"));
        }
        let due = self.due(terms)?;
        let part = line.payment.id.clone();
        let creditor_agent = match line.order.as_ref().map_err(LineRefusal::clone)?.creditor_agent {
            Some(bank) => bank,
            None => self.bank_of(&line)?,
        };
        let transaction_id = Text::parse_identifier(PLACE_OF_ID).expect("five letters");
        let completion = LineCompletion { transaction_id, debtor_agent: self.bank, creditor_agent };
        let order = line.into_payment_order(completion)?;
        Ok(Payable { order: PaymentOrder { message_id: Some(part), ..order }, due })
    }

    /// From when on the lines of a payment information are due.
    fn due(&self, terms: &PaymentTerms) -> Result<Timestamp, LineRefusal> {
        let due = match terms.execution {
            Moment::Date(date) => day::begins(self.zone, date),
            Moment::Time(time) | Moment::Clock { time, .. } => Some(time),
        };
        let due = due.ok_or_else(|| refusal(StatusReason::InvalidDate, "PmtInf/ReqdExctnDt"))?;
        Ok(if due <= self.handle.now() { Timestamp::default() } else { due })
    }

    /// The bank of a payee whose account is kept here. Where others are, nobody guesses.
    fn bank_of(&self, line: &PackageLine) -> Result<Bic, LineRefusal> {
        let account = line.order.as_ref().map(|order| order.creditor_account);
        let digest = account.map(|iban| self.handle.digest_key().iban(iban.as_str()));
        let found = digest.ok().and_then(|digest| {
            self.handle.directory().open_account(digest, Currency::EUR)
        });
        let missing = || refusal(StatusReason::InvalidFileFormat, "PmtInf/CdtTrfTxInf/CdtrAgt/FinInstnId/BICFI");
        found.map(|(_, bank)| bank).ok_or_else(missing)
    }
}

/// Stands where the transaction id will be.
pub(super) const PLACE_OF_ID: &str = "ORDER";

fn refusal(reason: StatusReason, path: &str) -> LineRefusal {
    LineRefusal { reason, path: path.to_owned() }
}
