//! The model's requests to pay, by the rules of docs/requests.md.

use ledger::{
    AccountMode, AccountStatus, Direction, OrderState, Refusal, RequestEnd, RequestToPayStatus, Verdict,
};
use rust_decimal::Decimal;
use types::{Duration, PaymentState, ReasonCode, Sequence, Timestamp};

use super::{Model, Order};
use crate::step::{AskToPay, Terms};

const DAY: i64 = 86_400_000_000_000;
const AHEAD: Duration = Duration::from_seconds(180 * 24 * 3600);
const KEPT: Duration = Duration::from_seconds(5 * 24 * 3600);

/// A payee asks a payer for money.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ToPay {
    /// What it says.
    pub(crate) asked: AskToPay,
    /// Where it stands.
    pub(crate) status: RequestToPayStatus,
    /// The order that was placed when it was accepted last.
    pub(crate) order: Sequence,
    /// The payment that was last made for it.
    pub(crate) payment: Option<Sequence>,
    /// Why it was refused, or not paid.
    pub(crate) reason: Option<ReasonCode>,
    changed: Timestamp,
}

impl ToPay {
    /// Whether the payer may answer it.
    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.status, RequestToPayStatus::Created | RequestToPayStatus::Presented)
    }

    /// Where it stands at this time: one that comes back to its payer too late is over at once, and told so with the next frame.
    pub(crate) fn status_at(&self, now: Timestamp) -> RequestToPayStatus {
        let is_over = self.is_open() && self.asked.expires <= now;
        if is_over { RequestToPayStatus::Expired } else { self.status }
    }

    /// When time alone changes it.
    pub(super) fn changes(&self) -> Option<Timestamp> {
        let forgotten = || (self.status != RequestToPayStatus::Accepted).then(|| self.changed.plus(KEPT));
        if self.is_open() { Some(self.asked.expires) } else { forgotten() }
    }
}

type Answer = Result<(u64, Decimal), Refusal>;

impl Model {
    pub(super) fn ask_to_pay(&mut self, asked: AskToPay) -> Answer {
        let AskToPay { payer_bank, hint, body, expires, pay_by } = asked;
        self.bank(body.creditor_bank).ok_or(Refusal::ParticipantUnknown)?;
        let found = self.customer(body.debtor, body.currency).filter(|(number, _)| *number == hint);
        let (_, payer) = found.ok_or(Refusal::AccountUnknown)?;
        if payer.bank != Some(payer_bank) {
            return Err(Refusal::AccountUnknown);
        }
        let status = payer.status;
        if self.is_closed_for(body.creditor_bank, body.currency, Direction::Credit)
            || self.is_closed_for(payer_bank, body.currency, Direction::Debit)
        {
            return Err(Refusal::ParticipantSuspended);
        }
        if status == AccountStatus::Closed {
            return Err(Refusal::AccountClosed);
        }
        self.can_be_paid(body.creditor_bank, body.creditor, body.currency)?;
        if body.creditor == body.debtor {
            return Err(Refusal::PayeeIsPayer);
        }
        let (now, local) = (self.at.time, self.local(payer_bank, self.at.time));
        let is_reached = pay_by == 0 || (pay_by > local && pay_by <= (local / DAY + 181) * DAY);
        if expires <= now || expires > now.plus(AHEAD) || !is_reached {
            return Err(Refusal::RequestToPayTimesNotAllowed);
        }
        let status = RequestToPayStatus::Created;
        let to_pay =
            ToPay { asked, status, order: Sequence(0), payment: None, reason: None, changed: self.at.time };
        self.to_pay.insert(self.at.sequence, to_pay);
        Ok((self.at.sequence.0, Decimal::ZERO))
    }

    fn can_be_paid(&self, bank: u8, account: u8, currency: u8) -> Result<(), Refusal> {
        let mode = self.bank(bank).expect("it was found").1.mode;
        if mode == AccountMode::Remote {
            return Ok(());
        }
        if let Some((_, known)) = self.customer(account, currency) {
            if known.bank != Some(bank) {
                return Err(Refusal::AccountUnknown);
            }
            let is_closed = known.status == AccountStatus::Closed;
            return if is_closed { Err(Refusal::AccountClosed) } else { Ok(()) };
        }
        let is_elsewhere = self.accounts.values().any(|known| known.is_customer(account));
        let may_be_outside = mode == AccountMode::Mixed && !is_elsewhere;
        if may_be_outside { Ok(()) } else { Err(Refusal::AccountUnknown) }
    }

    /// The request between these banks, if it waits for the payer.
    fn open_to_pay(&self, speaker: u8, sequence: Sequence, banks: [u8; 2]) -> Result<ToPay, Refusal> {
        self.bank(speaker).ok_or(Refusal::ParticipantUnknown)?;
        let known = self.to_pay.get(&sequence);
        let known = known.filter(|known| [known.asked.payer_bank, known.asked.body.creditor_bank] == banks);
        let known = *known.ok_or(Refusal::RequestToPayUnknown)?;
        if known.status_at(self.at.time) == RequestToPayStatus::Expired {
            return Err(Refusal::RequestToPayExpired);
        }
        if known.is_open() { Ok(known) } else { Err(Refusal::RequestToPayNotOpen) }
    }

    fn set_to_pay(&mut self, sequence: Sequence, status: RequestToPayStatus, reason: Option<ReasonCode>) {
        let now = self.at.time;
        let known = self.to_pay.get_mut(&sequence).expect("it was found");
        (known.status, known.reason, known.changed) = (status, reason, now);
    }

    pub(super) fn present_to_pay(&mut self, sequence: Sequence, banks: [u8; 2]) -> Answer {
        let known = self.open_to_pay(banks[0], sequence, banks)?;
        if known.status == RequestToPayStatus::Presented {
            return Err(Refusal::RequestToPayPresented);
        }
        self.set_to_pay(sequence, RequestToPayStatus::Presented, known.reason);
        Ok((sequence.0, Decimal::ZERO))
    }

    pub(super) fn refuse_to_pay(&mut self, sequence: Sequence, banks: [u8; 2], reason: ReasonCode) -> Answer {
        self.open_to_pay(banks[0], sequence, banks)?;
        self.set_to_pay(sequence, RequestToPayStatus::Refused, Some(reason));
        Ok((sequence.0, Decimal::ZERO))
    }

    pub(super) fn take_back_to_pay(&mut self, sequence: Sequence, banks: [u8; 2]) -> Answer {
        let known = self.open_to_pay(banks[1], sequence, banks)?;
        self.set_to_pay(sequence, RequestToPayStatus::Cancelled, known.reason);
        Ok((sequence.0, Decimal::ZERO))
    }

    /// Its order is placed, due at once or on a later day.
    pub(super) fn accept_to_pay(&mut self, sequence: Sequence, banks: [u8; 2], terms: Terms) -> Answer {
        let known = self.open_to_pay(banks[0], sequence, banks)?;
        let AskToPay { payer_bank, body, pay_by, .. } = known.asked;
        if self.is_closed_for(payer_bank, body.currency, Direction::Debit) {
            return Err(Refusal::ParticipantSuspended);
        }
        let account = self.customer(body.debtor, body.currency).expect("accounts never leave").0;
        self.takes_part(account, Direction::Debit)?;
        let of = |body: crate::step::Body| {
            (body.creditor_bank, body.debtor, body.creditor, body.amount, body.currency)
        };
        if (terms.bank, of(terms.body)) != (payer_bank, of(body)) {
            return Err(Refusal::RequestToPayDiffers);
        }
        if terms.due > pay_by {
            return Err(Refusal::RequestToPayLaterNotAllowed);
        }
        let order = Order {
            line: None,
            terms,
            due: terms.due.max(self.local(payer_bank, self.at.time)),
            state: OrderState::Pending,
            reason: None,
            payment: None,
            occurrence: 0,
            ended: None,
        };
        self.orders.insert(self.at.sequence, order);
        self.set_to_pay(sequence, RequestToPayStatus::Accepted, None);
        let at = self.at.sequence;
        let known = self.to_pay.get_mut(&sequence).expect("it was found");
        (known.order, known.payment) = (at, None);
        Ok((sequence.0, Decimal::ZERO))
    }

    fn accepted_by(&self, order: Sequence) -> Option<Sequence> {
        let is_it = |known: &ToPay| known.status == RequestToPayStatus::Accepted && known.order == order;
        self.to_pay.iter().find(|(_, known)| is_it(known)).map(|(sequence, _)| *sequence)
    }

    /// Whether an order is one by which a request is paid.
    pub(super) fn is_asked_for(&self, order: Sequence) -> bool {
        self.accepted_by(order).is_some()
    }

    /// The order of a request has ended in a payment.
    pub(super) fn paid_or_not(
        &mut self,
        order: Sequence,
        payment: Sequence,
        state: PaymentState,
        reason: Option<ReasonCode>,
    ) {
        let end = match (state, reason) {
            (PaymentState::Settled, _) => RequestEnd::Paid(payment),
            (_, reason) => {
                let reason = reason.expect("what is not settled has a reason");
                RequestEnd::Failed { payment: Some(payment), reason }
            }
        };
        self.order_ends(order, end);
    }

    /// The order of a request has been cancelled.
    pub(super) fn not_paid(&mut self, order: Sequence) {
        let reason = ReasonCode::parse("CUST").expect("four capital letters");
        self.order_ends(order, RequestEnd::Failed { payment: None, reason });
    }

    fn order_ends(&mut self, order: Sequence, end: RequestEnd) {
        let Some(sequence) = self.accepted_by(order) else { return };
        let (status, payment, reason) = match end {
            RequestEnd::Paid(payment) => (RequestToPayStatus::Paid, Some(payment), None),
            RequestEnd::Failed { payment, reason } => (RequestToPayStatus::Presented, payment, Some(reason)),
            RequestEnd::Expired => unreachable!("an order is no request"),
        };
        self.set_to_pay(sequence, status, reason);
        self.to_pay.get_mut(&sequence).expect("it was found").payment = payment;
        self.tell_to_pay(sequence, end);
    }

    fn tell_to_pay(&mut self, sequence: Sequence, end: RequestEnd) {
        let AskToPay { payer_bank, body, .. } = self.to_pay[&sequence].asked;
        let [payer, payee] = [payer_bank, body.creditor_bank].map(|bank| self.number_of(bank));
        self.tell_aside(sequence, Verdict::RequestEnded { payer, payee, end }, [Decimal::ZERO; 4]);
    }

    /// A frame begins: what is over has expired, and what ended long ago is forgotten.
    pub(super) fn end_to_pay(&mut self) {
        let now = self.at.time;
        self.to_pay.retain(|_, known| {
            let is_final = !known.is_open() && known.status != RequestToPayStatus::Accepted;
            !(is_final && known.changed.plus(KEPT) <= now)
        });
        let over = self.to_pay.iter().filter(|(_, known)| known.is_open() && known.asked.expires <= now);
        let mut over: Vec<_> = over.map(|(sequence, known)| (known.asked.expires, *sequence)).collect();
        over.sort_unstable();
        for (_, sequence) in over {
            let reason = self.to_pay[&sequence].reason;
            self.set_to_pay(sequence, RequestToPayStatus::Expired, reason);
            self.tell_to_pay(sequence, RequestEnd::Expired);
        }
    }
}
