//! The steps of packages and orders as the ledger's records.

use ledger::{
    AnswerRequestToPay, CancelOrders, CancelRequestToPay, CancelTarget, ChangeOrder, ClosePackage, Command,
    CreateRequestToPay, Every, LineContent, LocalTime, OnClosedDay, OpenPackage, OrderContent, PackageLine,
    PackageText, PlaceOrder, PresentRequestToPay, RecordWriter, Records, RequestAnswer, RequestDetails,
    RequestId, Schedule, StoredTerms,
};
use types::{AccountNumber, Amount, Channel, Currency, Date, Sequence, StatusReason, Text};

use super::{bic, commands, currency, order, transaction_id};
use crate::step::{Line, Pay, Request, Terms};

/// Where accounts are must change nothing.
const fn unseen(_: types::Digest, _: Currency) -> AccountNumber {
    AccountNumber(0)
}

fn content(terms: &Terms) -> OrderContent {
    let local = |nanoseconds| LocalTime::from_nanoseconds(nanoseconds).expect("steps have times in range");
    let payment = Pay { debtor_bank: terms.bank, body: terms.body, ..Pay::EMPTY };
    OrderContent {
        order: order(&payment),
        channel: Channel::Iso20022,
        due: local(terms.due),
        give_up: (terms.give_up != 0).then(|| local(terms.give_up)),
    }
}

fn schedule(terms: &Terms) -> Option<Schedule> {
    let last = Date::from_days(terms.last).filter(|last| last.days() > 0);
    let on_closed_day = OnClosedDay::Same;
    (terms.weeks > 0).then_some(Schedule { every: Every::Week, interval: terms.weeks, last, on_closed_day })
}

/// Appends the record of a line.
pub(super) fn write_line(writer: &mut RecordWriter, line: &Line) {
    let content = match line.is_refused {
        false => LineContent::Order(Box::new(content(&line.terms))),
        true => LineContent::Refused {
            reason: StatusReason::IncorrectAccountNumber.code(),
            amount: Amount::from_minor_units(line.terms.body.amount),
            instruction_id: None,
            end_to_end_id: None,
        },
    };
    let (package, line) = (line.package, line.number);
    writer.package_line(&PackageLine { package, line, group: None, content }, unseen);
}

/// Appends the record of a payment that executes an order, with the terms that its record would have.
pub(super) fn write_execution(writer: &mut RecordWriter, payment: &Pay) {
    let mut terms = commands();
    let (bank, body) = (payment.debtor_bank, payment.body);
    let terms_of = Terms { bank, body, due: 0, give_up: 0, weeks: 0, last: 0 };
    let line = Line { package: Sequence(1), number: 1, terms: terms_of, is_refused: false };
    write_line(&mut terms, &line);
    let record = Records::new(terms.records(), terms.texts()).next().and_then(Result::ok);
    let record = record.expect("a line was written");
    let Command::PackageLine(line) = record.command else { unreachable!("a line was written") };
    let stored = StoredTerms { terms: line.terms, text: record.text.into() };
    let id = transaction_id(payment.id);
    let written = writer.execute_order(payment.order, &id, &stored, payment.stamped, unseen);
    written.expect("the texts are of an order");
}

/// Appends the record of a request that is about one of them.
pub(super) fn write(writer: &mut RecordWriter, request_id: RequestId, body: &Request) {
    match *body {
        Request::OpenPackage { bank, file: (name, content), lines, sum } => {
            writer.open_package(&OpenPackage {
                request_id,
                bank: bic(bank),
                file_digest: [content; 32],
                lines,
                control_sum: sum.map(|sum| u64::try_from(sum).expect("steps have sums in range")),
                currency: currency(0),
                text: PackageText {
                    message_id: Text::parse(&format!("FILE-{name}")).expect("plain letters"),
                    initiating_party: None,
                },
            });
        }
        Request::ClosePackage { bank, package } => {
            writer.close_package(&ClosePackage { request_id, bank: bic(bank), package });
        }
        Request::PlaceOrder(terms) => {
            let (content, schedule) = (content(&terms), schedule(&terms));
            writer.place_order(&PlaceOrder { request_id, content, schedule }, unseen);
        }
        Request::ChangeOrder { order, terms } => {
            let (content, schedule) = (content(&terms), schedule(&terms));
            writer.change_order(&ChangeOrder { request_id, order, content, schedule }, unseen);
        }
        Request::Cancel { bank, target, is_package } => {
            let target = if is_package { CancelTarget::Package(target) } else { CancelTarget::Order(target) };
            writer.cancel_orders(&CancelOrders { request_id, bank: bic(bank), target });
        }
        Request::AskToPay(asked) => {
            let payment = Pay { debtor_bank: asked.payer_bank, body: asked.body, ..Pay::EMPTY };
            writer.create_request_to_pay(&CreateRequestToPay {
                request_id,
                order: order(&payment),
                payer: (asked.hint > 0).then_some(AccountNumber(asked.hint)),
                expires: asked.expires,
                pay_by: LocalTime::from_nanoseconds(asked.pay_by).filter(|_| asked.pay_by > 0),
                details: RequestDetails::default(),
            });
        }
        Request::PresentToPay { to_pay, banks: [payer, payee] } => {
            let (payer_bank, payee_bank) = (bic(payer), Some(bic(payee)));
            writer.present_request_to_pay(&PresentRequestToPay {
                request_id,
                to_pay,
                payer_bank,
                payee_bank,
            });
        }
        Request::AcceptToPay { to_pay, banks: [payer, payee], terms } => {
            let (payer_bank, payee_bank) = (bic(payer), Some(bic(payee)));
            let answer = RequestAnswer::Accept(Box::new(content(&terms)));
            let command = AnswerRequestToPay { request_id, to_pay, payer_bank, payee_bank, answer };
            writer.answer_request_to_pay(&command, unseen);
        }
        Request::RefuseToPay { to_pay, banks: [payer, payee], reason } => {
            let (payer_bank, payee_bank) = (bic(payer), Some(bic(payee)));
            let answer = RequestAnswer::Refuse(reason);
            let command = AnswerRequestToPay { request_id, to_pay, payer_bank, payee_bank, answer };
            writer.answer_request_to_pay(&command, unseen);
        }
        Request::TakeBackToPay { to_pay, banks: [payer, payee] } => {
            let (payer_bank, payee_bank) = (Some(bic(payer)), bic(payee));
            writer.cancel_request_to_pay(&CancelRequestToPay { request_id, to_pay, payer_bank, payee_bank });
        }
        Request::SetActivation { .. }
        | Request::SetMap { .. }
        | Request::Exception(_)
        | Request::Place { .. }
        | Request::Capture { .. }
        | Request::Release { .. }
        | Request::Put { .. }
        | Request::Remove { .. }
        | Request::Register { .. }
        | Request::SetBankStatus { .. }
        | Request::Open { .. }
        | Request::SetAccountStatus { .. }
        | Request::SetFloor { .. }
        | Request::Post { .. }
        | Request::Move { .. }
        | Request::SetPolicy { .. }
        | Request::SetFlag { .. }
        | Request::SetHolders { .. }
        | Request::SetVersion { .. }
        | Request::Allow { .. }
        | Request::Restrict { .. }
        | Request::SetFees { .. }
        | Request::SetZone { .. }
        | Request::SetLimit { .. }
        | Request::SetBounds { .. }
        | Request::SetParty { .. }
        | Request::SetBlock { .. }
        | Request::MoveOwn { .. }
        | Request::SetClosingDays(_)
        | Request::Roll { .. }
        | Request::Recall { .. }
        | Request::AnswerRecall { .. }
        | Request::SetRecallPolicy { .. } => unreachable!("other requests are written elsewhere"),
    }
}
