//! Lines of a file of orders as the log has them.

use engine::Handle;
use iso20022::{ControlSum, LineCompletion, LineRefusal, Moment, PackageLine, PaymentTerms};
use ledger::{LineContent, LineText, LocalTime, OrderContent, StoredTerms, Zone};
use types::{Amount, Bic, Channel, Currency, FixedParts, OrderText, PaymentOrder, StatusReason, Text};

/// So far ahead orders are taken, in days.
const DAYS_AHEAD_MAX: i32 = 400;

/// What lines are read with.
pub(super) struct Reading<'node> {
    pub(super) handle: &'node Handle,
    /// The payers' bank.
    pub(super) bank: Bic,
    /// Its clock, by which its customers' days begin.
    pub(super) zone: Zone,
}

/// A line, and why it can't be paid if it can't.
pub(super) struct ReadLine {
    /// The payment information in which it stands.
    pub(super) group: Text<35>,
    pub(super) content: LineContent,
    pub(super) refusal: Option<LineRefusal>,
}

/// The amount of a line is larger than any that is counted, or has more decimals.
#[derive(Clone, Copy, Debug)]
pub(super) struct NotCounted;

impl Reading<'_> {
    /// A line as it is logged. `stated` are the sums of the file's lines before this one and with it.
    pub(super) fn line(&self, line: PackageLine, stated: [ControlSum; 2]) -> Result<ReadLine, NotCounted> {
        let group = line.payment.id.clone();
        let [instruction_id, end_to_end_id] = [line.instruction_id.clone(), line.end_to_end_id.clone()];
        let (content, refusal) = match self.order(line) {
            Ok(order) => (LineContent::Order(Box::new(order)), None),
            Err(refusal) => {
                let (reason, amount) = (refusal.reason.code(), amount(stated)?);
                (LineContent::Refused { reason, amount, instruction_id, end_to_end_id }, Some(refusal))
            }
        };
        Ok(ReadLine { group, content, refusal })
    }

    /// What is to be paid, or why that can't be.
    fn order(&self, line: PackageLine) -> Result<OrderContent, LineRefusal> {
        let terms = line.payment.terms.as_ref().map_err(LineRefusal::clone)?;
        if terms.debtor_agent.is_some_and(|said| said != self.bank) {
            return Err(refusal(StatusReason::InvalidDebtorAccountNumber, "PmtInf/DbtrAgt"));
        }
        let due = self.due(terms)?;
        let creditor_agent = match line.order.as_ref().map_err(LineRefusal::clone)?.creditor_agent {
            Some(bank) => bank,
            None => self.bank_of_payee(&line)?,
        };
        let completion = LineCompletion { transaction_id: no_id(), debtor_agent: self.bank, creditor_agent };
        let order = line.into_payment_order(completion)?;
        Ok(OrderContent { order, channel: Channel::Iso20022, due, give_up: None })
    }

    /// From when on the lines of a payment information are due.
    fn due(&self, terms: &PaymentTerms) -> Result<LocalTime, LineRefusal> {
        let due = match terms.execution {
            Moment::Date(date) => LocalTime::of_day(date),
            Moment::Time(time) | Moment::Clock { time, .. } => self.zone.local(time),
        };
        let now = self.zone.local(self.handle.now());
        if due.date().days() > now.date().days() + DAYS_AHEAD_MAX {
            return Err(refusal(StatusReason::InvalidDate, "PmtInf/ReqdExctnDt"));
        }
        Ok(if due <= now { LocalTime::AT_ONCE } else { due })
    }

    /// The bank of a payee whose account is kept here. Where others are, nobody guesses.
    fn bank_of_payee(&self, line: &PackageLine) -> Result<Bic, LineRefusal> {
        let path = "PmtInf/CdtTrfTxInf/CdtrAgt/FinInstnId/BICFI";
        let account = line.order.as_ref().map_err(LineRefusal::clone)?.creditor_account;
        let digest = self.handle.digest_key().iban(account.as_str());
        let found = self.handle.directory().open_account(digest, Currency::EUR);
        found.map(|(_, bank)| bank).ok_or_else(|| refusal(StatusReason::InvalidFileFormat, path))
    }
}

/// What a line adds to the sum of its file, if that can be read.
fn amount([before, with]: [ControlSum; 2]) -> Result<Option<Amount>, NotCounted> {
    let minor_units = |sum: ControlSum| sum.minor_units(Currency::EUR).ok_or(NotCounted);
    match minor_units(with)? - minor_units(before)? {
        0 => Ok(None),
        added => Amount::from_minor_units(added).map(Some).ok_or(NotCounted),
    }
}

/// The order that stands in the log, but for its transaction id; `None` if its texts can't be read.
pub(super) fn order_of(stored: &StoredTerms) -> Option<PaymentOrder> {
    let terms = &stored.terms;
    let fixed = FixedParts {
        debtor_agent: Bic::from_bytes(terms.debtor_agent)?,
        creditor_agent: Bic::from_bytes(terms.creditor_agent)?,
        transaction_id: no_id(),
        amount: Amount::from_minor_units(terms.amount.get())?,
        currency: Currency::from_number(terms.currency.get()).ok()?,
        acceptance_time: None,
    };
    OrderText::decode(LineText::read(&stored.text).ok()?.rest, fixed).ok()
}

/// Stands where the transaction id will be: it is made when the order is sent.
pub(super) fn no_id() -> Text<35> {
    Text::parse_identifier("ORDER").expect("five letters")
}

fn refusal(reason: StatusReason, path: &str) -> LineRefusal {
    LineRefusal { reason, path: path.to_owned() }
}
