//! The entries of an account or position one by one, with what stands behind each.
//!
//! Memory holds one page of them, however many there are.

use history::{EntryKind, EntryRow, Order, Owner, PaymentRow, Place, StoreError, View};
use iso20022::{BookingCode, EntryDirection, EntryTransaction, Moment, StatementEntry};
use ledger::{CaptureText, EntryText, LegText, RecallText};
use types::{Amount, Bic, Date, PaymentId, PaymentOrder, ReasonCode, Remittance, Sequence, Text};

use crate::days::{Days, Passed};
use crate::statement::StatementFault;

/// The bytes of a command's texts.
pub type StoredText = Box<[u8]>;

/// The texts of commands, which stand in the log and nowhere else. What has been erased, or is not in the log any more,
/// is `None`, and is no fault.
pub trait Texts {
    /// Why the log could not be read.
    type Failure;

    /// The orders of the payments at these positions, in the order of the question.
    ///
    /// # Errors
    /// If the log can't be read.
    fn orders(&self, positions: &[Sequence]) -> Result<Vec<Option<PaymentOrder>>, Self::Failure>;

    /// The texts of the commands at these positions, in the order of the question.
    ///
    /// # Errors
    /// If the log can't be read.
    fn texts(&self, positions: &[Sequence]) -> Result<Vec<Option<StoredText>>, Self::Failure>;

    /// What the commands at these positions say beside their texts, in the order of the question. Nothing of those to which
    /// the log does not reach back.
    ///
    /// # Errors
    /// If the log can't be read.
    fn facts(&self, positions: &[Sequence]) -> Result<Vec<Facts>, Self::Failure>;

    /// The id of the payment at a position.
    fn payment_id(&self, position: Sequence) -> PaymentId;
}

/// What a command that is no payment says of its entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// From which day on a posting counts.
    pub value_date: Option<Date>,
    /// The payment that goes back.
    pub original: Option<Sequence>,
}

/// So many entries are read at a time.
const PAGE: usize = 500;

/// An entry with all that is known of it.
#[derive(Clone, Debug)]
pub(crate) struct Full {
    pub(crate) row: EntryRow,
    pub(crate) payment: Option<PaymentRow>,
    pub(crate) entry: StatementEntry,
    /// The texts of what moved the balance are not there any more.
    pub(crate) is_erased: bool,
}

/// Whose entries, and which.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) owner: Owner,
    pub(crate) bank: Bic,
    pub(crate) passed: Passed,
    /// Only those behind this place.
    pub(crate) after: Option<Place>,
}

/// The rows alone, page by page.
pub(crate) fn for_each_row(
    view: &View,
    wanted: &Wanted,
    mut visit: impl FnMut(&EntryRow),
) -> Result<(), StoreError> {
    let mut after = wanted.after;
    loop {
        let page = page(view, wanted, after)?;
        page.rows.iter().for_each(&mut visit);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}

fn page(view: &View, wanted: &Wanted, after: Option<Place>) -> Result<history::Page<EntryRow>, StoreError> {
    let (from, until) = wanted.passed.times();
    let after = after.max(Some(Place::last_at(wanted.passed.from.behind)));
    let mut page = view.entries(wanted.owner, (Some(from), Some(until)), Order::OldestFirst, after, PAGE)?;
    page.rows.retain(|row| wanted.passed.holds(row.time, row.place.at));
    Ok(page)
}

/// The entries with what stands behind them.
pub(crate) struct Entries<'view, T> {
    view: &'view View,
    texts: &'view T,
    wanted: Wanted,
    days: &'view Days,
    after: Option<Place>,
    page: std::vec::IntoIter<Full>,
    has_ended: bool,
}

impl<'view, T: Texts> Entries<'view, T> {
    pub(crate) fn new(view: &'view View, texts: &'view T, wanted: Wanted, days: &'view Days) -> Self {
        Self {
            view,
            texts,
            wanted,
            days,
            after: wanted.after,
            page: Vec::new().into_iter(),
            has_ended: false,
        }
    }

    fn read(&mut self) -> Result<(), StatementFault<T::Failure>> {
        let page = page(self.view, &self.wanted, self.after)?;
        self.has_ended = page.next.is_none();
        self.after = page.next;
        self.page = self.complete(&page.rows)?.into_iter();
        Ok(())
    }

    /// Reads what stands behind the entries of a page, all at once.
    fn complete(&self, rows: &[EntryRow]) -> Result<Vec<Full>, StatementFault<T::Failure>> {
        let commands = |is_wanted: fn(EntryKind) -> bool| -> Vec<Sequence> {
            rows.iter().filter(|row| is_wanted(row.kind)).map(|row| row.command).collect()
        };
        let payments = commands(|kind| kind == EntryKind::Payment);
        let others = commands(|kind| kind != EntryKind::Payment && kind != EntryKind::Fee);
        let mut orders = self.texts.orders(&payments).map_err(StatementFault::Log)?.into_iter();
        let texts = self.texts.texts(&others).map_err(StatementFault::Log)?;
        let facts = self.texts.facts(&others).map_err(StatementFault::Log)?;
        let mut texts = texts.into_iter().zip(facts);
        let mut full = Vec::with_capacity(rows.len());
        for row in rows {
            full.push(match row.kind {
                EntryKind::Payment => {
                    let payment = self.view.payment(row.command)?;
                    let payment = payment.ok_or(StatementFault::Payment(row.command))?;
                    self.of_payment(row, payment, orders.next().flatten())?
                }
                EntryKind::Fee => {
                    let servicer_reference =
                        Text::parse(&self.texts.payment_id(row.command).to_string()).ok();
                    let entry = StatementEntry { servicer_reference, ..self.plain(row, BookingCode::Fee)? };
                    Full { row: *row, payment: None, entry, is_erased: false }
                }
                EntryKind::Posting
                | EntryKind::Liquidity
                | EntryKind::OwnFunds
                | EntryKind::HoldCapture
                | EntryKind::Exception
                | EntryKind::Return
                | EntryKind::ReturnFee => {
                    let (text, facts) = texts.next().unwrap_or_default();
                    let mut full = self.of_text(row, text)?;
                    full.entry.value_date = facts.value_date.unwrap_or(full.entry.value_date);
                    if let Some(original) = facts.original {
                        full.payment = self.view.payment(original)?;
                        full.entry.transaction = full.payment.as_ref().map(returned);
                    }
                    full
                }
            });
        }
        Ok(full)
    }

    fn plain(&self, row: &EntryRow, code: BookingCode) -> Result<StatementEntry, StatementFault<T::Failure>> {
        let amount = Amount::from_minor_units(row.change.saturating_abs());
        Ok(StatementEntry {
            reference: Some(reference(row.place)),
            amount: amount.ok_or(StatementFault::Amount(row.place.at))?,
            direction: if row.change < 0 { EntryDirection::Debit } else { EntryDirection::Credit },
            booked: Moment::on_clock(row.time, self.days.minutes_ahead(row.time)),
            value_date: self.days.of(row.time, row.place.at),
            servicer_reference: None,
            code,
            transaction: None,
            information: None,
        })
    }

    fn of_payment(
        &self,
        row: &EntryRow,
        payment: PaymentRow,
        order: Option<PaymentOrder>,
    ) -> Result<Full, StatementFault<T::Failure>> {
        let code = if row.change < 0 { BookingCode::TransferSent } else { BookingCode::TransferReceived };
        let mut entry = self.plain(row, code)?;
        let is_erased = order.is_none();
        // On a host's position stand the payments of its parties too, whose texts are none of its business.
        let bank = Some(self.wanted.bank);
        let is_own = [Some(payment.debtor_agent), payment.creditor_agent].contains(&bank);
        let mut transaction = match order.filter(|_| is_own) {
            Some(order) => EntryTransaction::of(&order, entry.direction),
            None => EntryTransaction {
                transaction_id: Some(payment.transaction_id.clone()),
                acceptance_time: payment.acceptance_time,
                ..EntryTransaction::default()
            },
        };
        // Which bank is on the other side is no personal data, and a position's owner is to see both.
        let is_position = matches!(self.wanted.owner, Owner::Position(_) | Owner::Technical(_));
        if is_position || row.change > 0 {
            transaction.debtor_agent = Some(payment.debtor_agent);
        }
        if is_position || row.change < 0 {
            transaction.creditor_agent = payment.creditor_agent;
        }
        entry.transaction = Some(transaction);
        entry.servicer_reference = Text::parse(&self.texts.payment_id(row.command).to_string()).ok();
        Ok(Full { row: *row, payment: Some(payment), entry, is_erased })
    }

    fn of_text(&self, row: &EntryRow, text: Option<StoredText>) -> Result<Full, StatementFault<T::Failure>> {
        let text = text.as_deref();
        let mut transaction = None;
        let (code, servicer_reference) = match row.kind {
            EntryKind::Return | EntryKind::ReturnFee => {
                let code = match (row.kind, row.change < 0) {
                    (EntryKind::ReturnFee, _) => BookingCode::Fee,
                    (_, true) => BookingCode::ReceivedReturned,
                    (_, false) => BookingCode::SentReturned,
                };
                let text = text.and_then(|text| RecallText::decode(text).ok());
                (code, text.map(|text| text.reference))
            }
            EntryKind::HoldCapture => {
                let leg = text.and_then(|text| leg_of(text, row.place.turn));
                transaction = leg.as_ref().map(|leg| captured(leg, row.change < 0));
                (book_transfer(row.change < 0), leg.map(|leg| leg.reference))
            }
            EntryKind::Exception => (book_transfer(row.change < 0), None),
            EntryKind::Liquidity | EntryKind::OwnFunds => {
                let reference = text.and_then(|text| std::str::from_utf8(text).ok());
                (BookingCode::Liquidity, reference.and_then(|reference| Text::parse(reference).ok()))
            }
            EntryKind::Payment | EntryKind::Fee | EntryKind::Posting => {
                match text.and_then(|text| EntryText::decode(text).ok()) {
                    Some(text) => (BookingCode::Own(text.booking_key), Some(text.core_reference)),
                    None => (BookingCode::Own(Text::parse(ERASED).expect("it is short")), None),
                }
            }
        };
        let entry = StatementEntry { servicer_reference, transaction, ..self.plain(row, code)? };
        Ok(Full { row: *row, payment: None, entry, is_erased: text.is_none() })
    }
}

/// `PMNT/ICDT/BOOK` and `PMNT/RCDT/BOOK`: a transfer between two accounts of the books, sent or received.
fn book_transfer(is_sent: bool) -> BookingCode {
    let code = |text| Text::parse(text).expect("a code is four letters");
    let family = code(if is_sent { "ICDT" } else { "RCDT" });
    BookingCode::Other { domain: code("PMNT"), family, sub_family: code("BOOK") }
}

/// The texts of one leg of a capture.
fn leg_of(text: &[u8], number: u16) -> Option<LegText> {
    CaptureText::decode(text).ok()?.legs.into_iter().nth(usize::from(number))
}

/// What either side is to see of a leg.
fn captured(leg: &LegText, is_sent: bool) -> EntryTransaction {
    let creditor_account = if is_sent { Text::parse(leg.iban.as_str()).ok() } else { None };
    let remittance = leg.remittance.clone().map(Remittance::Unstructured);
    EntryTransaction { creditor_account, remittance, ..EntryTransaction::default() }
}

/// Nobody returns what was not asked back.
const AFTER_RECALL: &str = "FOCR";

/// Which payment came back, for whoever had sent or received it. What else there is to say of it stands in its own entry.
fn returned(payment: &PaymentRow) -> EntryTransaction {
    EntryTransaction {
        transaction_id: Some(payment.transaction_id.clone()),
        debtor_agent: Some(payment.debtor_agent),
        creditor_agent: payment.creditor_agent,
        return_reason: ReasonCode::parse(AFTER_RECALL).ok(),
        ..EntryTransaction::default()
    }
}

/// The booking key of a posting whose texts are not there any more.
const ERASED: &str = "ERASED";

/// Tells the entries of one account apart, for ever.
fn reference(place: Place) -> Text<35> {
    let text = match place.turn {
        0 => place.at.to_string(),
        turn => format!("{}.{turn}", place.at),
    };
    Text::parse(&text).expect("two numbers are short")
}

impl<T: Texts> Iterator for Entries<'_, T> {
    type Item = Result<Full, StatementFault<T::Failure>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(full) = self.page.next() {
                return Some(Ok(full));
            }
            if self.has_ended {
                return None;
            }
            if let Err(fault) = self.read() {
                self.has_ended = true;
                return Some(Err(fault));
            }
        }
    }
}

impl Wanted {
    /// The bank on the other side of a payment.
    pub(crate) fn counterpart(&self, row: &EntryRow, payment: &PaymentRow) -> Option<Bic> {
        let is_back = matches!(row.kind, EntryKind::Return | EntryKind::ReturnFee);
        match (row.change < 0) != is_back {
            true => payment.creditor_agent,
            false => Some(payment.debtor_agent),
        }
    }
}
