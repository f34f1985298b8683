//! A payment's command as it stands in the log, copied out of its frame.
//!
//! Invariant: the bytes are of a record that was checked when it was read, so its fields can be taken as they are.

use std::fmt;
use std::sync::Arc;

use ledger::layout;
use ledger::{Command, Kind, Record};
use types::{
    Amount, Bic, Channel, Currency, Digest, FixedParts, OrderText, PaymentOrder, PlainOrder, PlainParts,
    PrincipalNumber, ReasonCode, Text, TextRef, Timestamp,
};
use zerocopy::{FromBytes, IntoBytes};

/// A payment order, or a payment that was refused on reading, with its texts. Cheap to clone.
#[derive(Clone)]
pub struct StoredOrder {
    principal: PrincipalNumber,
    is_refused: bool,
    /// The fixed record, and behind it the texts.
    bytes: Arc<[u8]>,
}

/// The texts are personal data: only their length is shown.
impl fmt::Debug for StoredOrder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "StoredOrder({:?}, {} bytes)", self.kind(), self.bytes.len())
    }
}

impl StoredOrder {
    /// Copies a record; `None` if it is of another kind.
    pub(crate) fn of(record: &Record<'_>) -> Option<Self> {
        let (fixed, is_refused) = if let Command::Payment(payment) = record.command {
            (payment.as_bytes(), false)
        } else if let Command::RefusedPayment(refused) = record.command {
            (refused.as_bytes(), true)
        } else {
            return None;
        };
        let mut bytes = Vec::with_capacity(fixed.len() + record.text.len());
        bytes.extend_from_slice(fixed);
        bytes.extend_from_slice(record.text);
        Some(Self { principal: record.principal, is_refused, bytes: bytes.into() })
    }

    /// [`Kind::Payment`] or [`Kind::RefusedPayment`].
    pub const fn kind(&self) -> Kind {
        if self.is_refused { Kind::RefusedPayment } else { Kind::Payment }
    }

    /// Who sent it.
    pub const fn principal(&self) -> PrincipalNumber {
        self.principal
    }

    /// How much memory it takes, in bytes.
    pub fn length(&self) -> usize {
        self.bytes.len()
    }

    /// The order. `None` if its texts have been erased, or if the payment was refused on reading.
    pub fn order(&self) -> Option<PaymentOrder> {
        let payment = self.payment()?;
        OrderText::decode(self.text(), fixed_parts(payment)).ok()
    }

    /// The order where it lies, if there is nothing uncommon in it. What this does not give, [`Self::order`] may.
    pub fn plain_order(&self) -> Option<PlainOrder<'_>> {
        let payment = self.payment()?;
        let fixed = fixed_parts(payment);
        let parts = PlainParts {
            debtor_agent: fixed.debtor_agent,
            creditor_agent: fixed.creditor_agent,
            transaction_id: TextRef::parse(std::str::from_utf8(payment.key.id()).ok()?).ok()?,
            amount: fixed.amount,
            currency: fixed.currency,
            acceptance_time: fixed.acceptance_time,
        };
        PlainOrder::from_text(self.text(), parts)
    }

    /// What the payment's document has beyond its order, if it came in one that has more.
    pub fn surplus(&self) -> Option<&[u8]> {
        self.payment()?;
        OrderText::surplus(self.text()).ok().flatten()
    }

    /// The path of the element at fault and the reason, if the payment was refused on reading. The path is empty if
    /// it has been erased.
    pub fn fault(&self) -> Option<(&str, ReasonCode)> {
        let refused = self.refused()?;
        let reason = ReasonCode::from_bytes(refused.reason).expect("records are checked when they are read");
        Some((std::str::from_utf8(self.text()).unwrap_or_default(), reason))
    }

    /// The payer's bank.
    pub fn debtor_agent(&self) -> Bic {
        self.key().bank()
    }

    /// The payee's bank; `None` if the payment was refused on reading before that was known.
    pub fn creditor_agent(&self) -> Option<Bic> {
        let bank = self.payment().map(|payment| payment.creditor_agent);
        bank.or_else(|| self.refused().map(|refused| refused.creditor_agent)).and_then(Bic::from_bytes)
    }

    /// The payer's bank's reference.
    pub fn transaction_id(&self) -> Text<35> {
        self.key().transaction_id_text()
    }

    /// The amount and its currency; `None` if the payment was refused on reading.
    pub fn amount(&self) -> Option<(Amount, Currency)> {
        let payment = self.payment()?;
        let amount = Amount::from_minor_units(payment.amount.get());
        let currency = Currency::from_number(payment.currency.get());
        Some((amount.expect(CHECKED), currency.expect(CHECKED)))
    }

    /// The digests of the payer's and the payee's account number; `None` if the payment was refused on reading.
    pub fn account_digests(&self) -> Option<[Digest; 2]> {
        let payment = self.payment()?;
        Some([payment.debtor_account_digest, payment.creditor_account_digest].map(Digest))
    }

    /// How it came in.
    pub fn channel(&self) -> Channel {
        let number = self.payment().map(|payment| payment.channel);
        let number = number.or_else(|| self.refused().map(|refused| refused.channel));
        if number == Some(Channel::Iso20022.number()) { Channel::Iso20022 } else { Channel::Grpc }
    }

    /// The texts as they stand in the frame's personal section; nothing if they have been erased.
    pub fn text(&self) -> &[u8] {
        let fixed = match self.is_refused {
            true => size_of::<layout::RefusedPayment>(),
            false => size_of::<layout::Payment>(),
        };
        &self.bytes[fixed..]
    }

    fn payment(&self) -> Option<&layout::Payment> {
        let read = || layout::Payment::ref_from_prefix(&self.bytes).expect(CHECKED).0;
        (!self.is_refused).then(read)
    }

    fn refused(&self) -> Option<&layout::RefusedPayment> {
        let read = || layout::RefusedPayment::ref_from_prefix(&self.bytes).expect(CHECKED).0;
        self.is_refused.then(read)
    }

    fn key(&self) -> &layout::PaymentKey {
        layout::PaymentKey::ref_from_prefix(&self.bytes).expect("both kinds of record begin with the key").0
    }
}

const CHECKED: &str = "records are checked when they are read";

fn fixed_parts(payment: &layout::Payment) -> FixedParts {
    let is_stamped = payment.flags.get() & layout::PAYMENT_STAMPED != 0;
    let accepted = Timestamp::from_nanoseconds(payment.acceptance_time.get()).expect(CHECKED);
    FixedParts {
        debtor_agent: payment.key.bank(),
        creditor_agent: Bic::from_bytes(payment.creditor_agent).expect(CHECKED),
        transaction_id: payment.key.transaction_id_text(),
        amount: Amount::from_minor_units(payment.amount.get()).expect(CHECKED),
        currency: Currency::from_number(payment.currency.get()).expect(CHECKED),
        acceptance_time: (!is_stamped).then_some(accepted),
    }
}
