//! Writing packages of orders, orders that wait for their time, and the payments that execute them.

use types::{AccountNumber, Currency, Digest, Incarnation, OrderText, Sequence, Text, Timestamp};
use zerocopy::FromZeros;

use super::{PaymentFacts, RecordWriter, payment_key};
use crate::command_orders::{
    CancelOrders, CancelTarget, ChangeOrder, ClosePackage, LineContent, LineText, OpenPackage, OrderContent,
    PACKAGE_LINES_MAX, PackageLine, PlaceOrder, RefusedLineText, RepeatOrderText, Schedule, StoredTerms,
};
use crate::zone::LocalTime;
use crate::{Kind, TextsError, layout};

/// What stands in place of the acceptance time in the body of a payment that executes an order, so that no other payment has
/// the same body.
const BODY_OF_ORDER: i64 = -2;

/// The transaction id of the payment that executes an order for the so-manyth time, from 0. It names the life of the log as
/// well, because positions may come again in another.
pub fn order_transaction_id(life: Incarnation, order: Sequence, occurrence: u32) -> Text<35> {
    let id = format!("O{:016x}{:x}-{occurrence:x}", life.0, order.0);
    // 1, 16, at most 9 for what a log of years comes to, 1 and 8; a longer one would lose the end of the life.
    let id = if id.len() <= 35 { id } else { format!("O{:x}-{occurrence:x}", order.0) };
    Text::parse_identifier(&id).expect("letters, digits and a hyphen")
}

impl RecordWriter {
    /// A customer's file of orders is about to be logged.
    ///
    /// # Panics
    /// If it states no line or more than there may be, or a sum that no lines can have.
    pub fn open_package(&mut self, command: &OpenPackage) {
        assert!((1..=PACKAGE_LINES_MAX).contains(&command.lines), "lines are counted on reading");
        let control_sum = command.control_sum.map_or(-1, |sum| {
            i64::try_from(sum).expect("a million of the largest amounts are far below 63 bits")
        });
        let text = command.text.encode();
        let message_id = command.text.message_id.as_str();
        let mut record = layout::OpenPackage {
            request: self.request(&command.request_id),
            file_digest: command.file_digest,
            name_digest: self.key.reference(command.bank.as_bytes(), message_id).0,
            control_sum: control_sum.into(),
            lines: command.lines.into(),
            bic: *command.bank.as_bytes(),
            reserved: 0,
            currency: command.currency.number().into(),
            reserved_end: [0; 6],
        };
        record.request.body_digest = self.body(Kind::OpenPackage, &record, &text);
        self.push(Kind::OpenPackage, &record, &text);
    }

    /// One line of a package. `look_up` is the edge's directory.
    pub fn package_line(
        &mut self,
        command: &PackageLine,
        look_up: impl Fn(Digest, Currency) -> AccountNumber,
    ) {
        let start = self.texts.len();
        LineText::begin(command.group.as_ref(), &mut self.texts);
        let (reason, terms) = match &command.content {
            LineContent::Order(content) => ([0; 4], self.terms_of(content, look_up)),
            LineContent::Refused { reason, amount, instruction_id, end_to_end_id } => {
                let text = RefusedLineText {
                    instruction_id: instruction_id.clone(),
                    end_to_end_id: end_to_end_id.clone(),
                };
                self.texts.extend_from_slice(&text.encode());
                let mut terms = layout::OrderTerms::new_zeroed();
                terms.body_digest = self.key.body(&[reason.as_bytes(), &self.texts[start..]]).0;
                terms.amount = amount.map_or(0, |amount| amount.minor_units()).into();
                (*reason.as_bytes(), terms)
            }
        };
        let record = layout::PackageLine {
            package: command.package.0.into(),
            line: command.line.into(),
            reason,
            terms,
        };
        self.push_record(Kind::PackageLine, &record, self.texts.len() - start);
    }

    /// All lines of a package are logged.
    pub fn close_package(&mut self, command: &ClosePackage) {
        let mut record = layout::ClosePackage {
            request: self.request(&command.request_id),
            package: command.package.0.into(),
            bic: *command.bank.as_bytes(),
            reserved: [0; 5],
        };
        record.request.body_digest = self.body(Kind::ClosePackage, &record, &[]);
        self.push(Kind::ClosePackage, &record, &[]);
    }

    /// An order is executed on a day to come, or on many.
    pub fn place_order(&mut self, command: &PlaceOrder, look_up: impl Fn(Digest, Currency) -> AccountNumber) {
        let start = self.texts.len();
        LineText::begin(None, &mut self.texts);
        let terms = self.terms_of(&command.content, look_up);
        let schedule = command.schedule.map_or_else(FromZeros::new_zeroed, Schedule::to_record);
        let request = self.request(&command.request_id);
        let mut record = layout::PlaceOrder { request, terms: unseen(terms), schedule };
        record.request.body_digest = self.body(Kind::PlaceOrder, &record, &self.texts[start..]);
        record.terms = terms;
        self.push_record(Kind::PlaceOrder, &record, self.texts.len() - start);
    }

    /// An order is another one from now on.
    pub fn change_order(
        &mut self,
        command: &ChangeOrder,
        look_up: impl Fn(Digest, Currency) -> AccountNumber,
    ) {
        let start = self.texts.len();
        LineText::begin(None, &mut self.texts);
        let terms = self.terms_of(&command.content, look_up);
        let schedule = command.schedule.map_or_else(FromZeros::new_zeroed, Schedule::to_record);
        let mut record = layout::ChangeOrder {
            request: self.request(&command.request_id),
            order: command.order.0.into(),
            repeats: 0.into(),
            terms: unseen(terms),
            schedule,
        };
        record.request.body_digest = self.body(Kind::ChangeOrder, &record, &self.texts[start..]);
        record.terms = terms;
        self.push_record(Kind::ChangeOrder, &record, self.texts.len() - start);
    }

    /// The texts of an order stand here as well from now on.
    pub fn repeat_order_text(&mut self, command: &RepeatOrderText) {
        let mut record = layout::ChangeOrder {
            request: self.request(&command.request_id),
            order: command.order.0.into(),
            repeats: command.stood_at.0.into(),
            terms: command.terms.terms,
            schedule: layout::Schedule::new_zeroed(),
        };
        record.request.body_digest = self.body(Kind::ChangeOrder, &record, &command.terms.text);
        self.push(Kind::ChangeOrder, &record, &command.terms.text);
    }

    /// Orders that have not been sent are not executed any more.
    pub fn cancel_orders(&mut self, command: &CancelOrders) {
        let (package, order) = match command.target {
            CancelTarget::Package(package) => (package.0, 0),
            CancelTarget::Order(order) => (0, order.0),
        };
        let mut record = layout::CancelOrders {
            request: self.request(&command.request_id),
            package: package.into(),
            order: order.into(),
            bic: *command.bank.as_bytes(),
            reserved: [0; 5],
        };
        record.request.body_digest = self.body(Kind::CancelOrders, &record, &[]);
        self.push(Kind::CancelOrders, &record, &[]);
    }

    /// The payment that executes an order, with the terms and texts that the log has of it. `stamped` is the time of
    /// receipt: the moment at which the order is taken up.
    ///
    /// # Errors
    /// If the texts are none of an order.
    pub fn execute_order(
        &mut self,
        order: Sequence,
        transaction_id: &Text<35>,
        stored: &StoredTerms,
        stamped: Timestamp,
        look_up: impl Fn(Digest, Currency) -> AccountNumber,
    ) -> Result<(), TextsError> {
        let text = LineText::read(&stored.text)?.rest;
        let terms = &stored.terms;
        let seen = |digest| {
            let currency = Currency::from_number(terms.currency.get());
            currency.map_or(AccountNumber(0), |currency| look_up(Digest(digest), currency))
        };
        let record = layout::Payment {
            key: payment_key(&terms.debtor_agent, transaction_id.as_str()),
            creditor_agent: terms.creditor_agent,
            channel: terms.channel,
            currency: terms.currency,
            flags: layout::PAYMENT_STAMPED.into(),
            body_digest: terms.body_digest,
            debtor_account_digest: terms.debtor_account_digest,
            creditor_account_digest: terms.creditor_account_digest,
            amount: terms.amount,
            acceptance_time: stamped.nanoseconds().into(),
            debtor_account_hint: seen(terms.debtor_account_digest).0.into(),
            creditor_account_hint: seen(terms.creditor_account_digest).0.into(),
            evidence_upto: 0.into(),
            evidence_found: 0.into(),
            profile: 1.into(),
            digest_version: types::DigestKey::VERSION,
            order: order.0.into(),
            reserved: [0; 13],
        };
        self.texts.extend_from_slice(text);
        self.push_version(Kind::Payment, layout::PAYMENT_VERSION_ORDER, &record, text.len());
        Ok(())
    }

    /// Appends the texts of an order's payment, and says what its record holds.
    pub(super) fn terms_of(
        &mut self,
        content: &OrderContent,
        look_up: impl Fn(Digest, Currency) -> AccountNumber,
    ) -> layout::OrderTerms {
        let order = &content.order;
        let text = OrderText::encode(order);
        self.texts.extend_from_slice(&text.bytes);
        let facts = PaymentFacts::of(order);
        let [debtor, creditor] =
            [order.debtor_account, order.creditor_account].map(|account| self.key.iban(account.as_str()));
        layout::OrderTerms {
            body_digest: self.digest_of(&facts, BODY_OF_ORDER, text.body()).0,
            debtor_account_digest: debtor.0,
            creditor_account_digest: creditor.0,
            amount: order.amount.minor_units().into(),
            due: content.due.nanoseconds().into(),
            give_up: content.give_up.map_or(0, LocalTime::nanoseconds).into(),
            debtor_account_hint: look_up(debtor, order.currency).0.into(),
            debtor_agent: *order.debtor_agent.as_bytes(),
            creditor_agent: *order.creditor_agent.as_bytes(),
            channel: content.channel.number(),
            currency: order.currency.number().into(),
            reserved: [0; 3],
        }
    }
}

/// Where an account is, is nothing that the caller says.
pub(super) fn unseen(terms: layout::OrderTerms) -> layout::OrderTerms {
    layout::OrderTerms { debtor_account_hint: 0.into(), ..terms }
}
