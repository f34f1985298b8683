//! Steps as the ledger's records, and questions as the engine's.
//!
//! Invariant: a record's bytes, but for the marks of connections, tell its step, so that whoever reads a log can look up
//! what each record asks.

use engine::{PaymentName, Question};
use journal::Identity;
use ledger::layout;
use ledger::{
    AccountRange, AccountSelector, AnswerPayment, Command, Connected, OpenAccount, PostEntry, RecordWriter,
    Records, RefusedBody, RefusedPayment, RegisterParticipant, RequestId, SetAccountFlag, SetAccountFloor,
    SetAccountHolders, SetAccountStatus, SetActivation, SetCustomerLimit, SetDecisionPolicy, SetFees,
    SetParticipantStatus, SetReservationLimit, SetRestricted, SetVersion, SetZone, TransferLiquidity,
};
use types::{
    AccountNumber, Amount, Balance, Bic, Channel, ClusterId, Currency, Date, DigestKey, Iban, Incarnation,
    MandatoryParts, Party, PaymentOrder, PrincipalNumber, Remittance, Sequence, Shard, StatusReason, Text,
    Timestamp,
};

use crate::step::{CURRENCIES, Pay, Request, Step};

#[path = "words_exceptions.rs"]
mod exceptions;
#[path = "words_gateways.rs"]
mod gateways;
#[path = "words_ledgers.rs"]
mod ledgers;
#[path = "words_orders.rs"]
mod orders;
#[path = "words_rulebook.rs"]
mod rulebook;

pub(crate) use exceptions::owner_of;
pub(crate) use gateways::named;

/// What a client may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Query {
    /// What became of the payment at this position?
    At(Sequence),
    /// What became of the payment with this key, accepted at this time if it is known?
    Key(u8, u32, Option<Timestamp>),
    /// What became of the payment with this key in the end?
    Final(u8, u32, Option<Timestamp>),
    /// What is on this account in this currency?
    Account(u8, u8),
    /// What is in this bank's position in this currency?
    Position(u8, u8),
    /// Who is this bank?
    Bank(u8),
    /// Does every book sum to zero?
    Books,
}

/// The log of every simulation.
pub(crate) const IDENTITY: Identity =
    Identity { cluster: ClusterId([0x5A; 16]), shard: Shard(0), incarnation: Incarnation(77) };

/// The key of its digests.
pub(crate) const fn digest_key() -> DigestKey {
    DigestKey::new(*b"simulated digest")
}

/// The code of a bank.
pub(crate) fn bic(bank: u8) -> Bic {
    let letter = char::from(b'A' + bank);
    Bic::parse(&format!("SIMUDEF{letter}")).expect("eight capital letters are a code")
}

/// The number of an account.
pub(crate) fn iban(account: u8) -> Iban {
    Iban::with_check_digits("DE", &format!("{:018}", 100 + u32::from(account)))
        .expect("eighteen digits are a German account")
}

/// A currency by its number here.
pub(crate) fn currency(number: u8) -> Currency {
    Currency::parse(CURRENCIES[usize::from(number)]).expect("all of them are known")
}

/// An empty list of commands.
pub(crate) const fn commands() -> RecordWriter {
    RecordWriter::new(digest_key(), PrincipalNumber(1))
}

/// The record of a step, which stands for it in [`split`].
pub(crate) fn record_of(step: &Step) -> Vec<u8> {
    let mut writer = commands();
    write(&mut writer, step);
    writer.records().to_vec()
}

/// What a record has come to hold after it was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    /// Which of its banks were connected when its frame was sealed.
    pub(crate) connected: Connected,
    /// Up to where evidence on disk was searched.
    pub(crate) searched: Sequence,
    /// By which table of the accounts that take part it was looked up.
    pub(crate) table: u32,
}

/// A record as it was written, and what was marked in it since.
pub(crate) fn unmarked(record: Vec<u8>) -> (Vec<u8>, Marks) {
    let command = Records::erased(&record).next().and_then(Result::ok).map(|read| read.command);
    let table = if let Some(Command::Payment(payment)) = command { payment.activation.get() } else { 0 };
    let (connected, searched) = match command {
        Some(Command::Payment(payment)) => (payment.connected(), payment.evidence_upto),
        Some(Command::RefusedPayment(refused)) if refused.is_entitled() => {
            (Connected::default(), refused.evidence_upto)
        }
        Some(Command::Answer(answer)) => (Connected::default(), answer.evidence_upto),
        _ => return (record, Marks::default()),
    };
    let marks = Marks { connected, searched: Sequence(searched.get()), table };
    let written = RecordWriter::again(digest_key(), [(record.as_slice(), [].as_slice())]);
    (written.records().to_vec(), marks)
}

/// The numbers of accounts from one to another.
pub(crate) fn account_range((first, last): (u8, u8)) -> AccountRange {
    let [first, last] = [first, last].map(iban);
    let range = AccountRange::new("DE", &first.as_str()[4..], &last.as_str()[4..]);
    range.expect("the last is behind the first")
}

/// The run that a record names, if it names one.
pub(crate) fn named_run(record: &[u8]) -> Option<layout::SealDuplicates> {
    let command = Records::erased(record).next().and_then(Result::ok).map(|read| read.command);
    if let Some(Command::SealDuplicates(run)) = command { Some(*run) } else { None }
}

/// Up to where the log was restored, and the number of the life that begins then, if a record says so.
pub(crate) fn begun_life(record: &[u8]) -> Option<(Sequence, u64)> {
    let command = Records::erased(record).next().and_then(Result::ok).map(|read| read.command);
    let Some(Command::BeginIncarnation(begun)) = command else { return None };
    Some((Sequence(begun.restored_upto.get()), begun.incarnation.get()))
}

/// The records of a frame, one by one. They are of a frame that has been checked.
pub(crate) fn split(mut records: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    while let Some(length) = records.get(4..8) {
        let length = u32::from_le_bytes(length.try_into().expect("four bytes"));
        let (record, rest) = records.split_at(usize::try_from(length).expect("32 bits"));
        all.push(record.to_vec());
        records = rest;
    }
    all
}

/// Appends a step's record.
pub(crate) fn write(writer: &mut RecordWriter, step: &Step) {
    match step {
        Step::Request { id, body } => write_request(writer, *id, body),
        Step::Pay(payment) => {
            let (debtor, creditor) = (digest_key().iban(iban(payment.body.debtor).as_str()), payment.hints);
            match payment.order {
                Sequence(0) => {
                    writer.payment(&order(payment), payment.stamped, Channel::Grpc, |digest, _| {
                        AccountNumber(if digest == debtor { creditor[0] } else { creditor[1] })
                    })
                }
                _ => orders::write_execution(writer, payment),
            }
            // Both may be one bank, which is connected or not.
            let is = |bank: u8, code: &[u8; 11]| bic(bank).as_bytes() == code;
            writer.mark_last_connected(|code| match is(payment.debtor_bank, code) {
                true => payment.connected.debtor,
                false => payment.connected.creditor && is(payment.body.creditor_bank, code),
            });
        }
        Step::Answer { payment, bank, stage, answer } => writer.answer(&AnswerPayment {
            payment: *payment,
            bic: bic(*bank),
            stage: *stage,
            answer: *answer,
        }),
        Step::Refuse { payment, whole } => writer.refused_payment(&refused(payment, *whole)),
        Step::Line(line) => orders::write_line(writer, line),
        Step::NotEntitled(payment) => {
            writer.refused_payment(&RefusedPayment { not_entitled: true, ..refused(payment, true) });
        }
    }
}

fn refused(payment: &Pay, whole: bool) -> RefusedPayment {
    RefusedPayment {
        debtor_agent: bic(payment.debtor_bank),
        creditor_agent: whole.then(|| bic(payment.body.creditor_bank)),
        transaction_id: transaction_id(payment.id),
        acceptance_time: payment.body.accepted,
        reason: StatusReason::InvalidFileFormat.code(),
        path: "/Document".into(),
        body: match whole {
            true => RefusedBody::Order(Box::new(order(payment))),
            false => RefusedBody::Parts(format!("{:?}", payment.body).into_bytes()),
        },
        channel: Channel::Iso20022,
        not_entitled: false,
    }
}

/// A question.
pub(crate) fn question(query: Query) -> Question {
    match query {
        Query::At(sequence) => Question::PaymentAt(sequence),
        Query::Key(bank, id, acceptance_time) => Question::PaymentByKey {
            debtor_agent: bic(bank),
            transaction_id: transaction_id(id),
            acceptance_time,
        },
        Query::Final(bank, id, acceptance_time) => Question::Final(PaymentName::Key {
            debtor_agent: bic(bank),
            transaction_id: transaction_id(id),
            acceptance_time,
        }),
        Query::Account(account, number) => {
            Question::Account { iban: iban(account), currency: currency(number) }
        }
        Query::Position(bank, number) => Question::Position { bic: bic(bank), currency: currency(number) },
        Query::Bank(bank) => Question::Participant(bic(bank)),
        Query::Books => Question::TrialBalance,
    }
}

fn write_request(writer: &mut RecordWriter, id: u32, body: &Request) {
    let request_id = RequestId::parse(&format!("request-{id}")).expect("printable and short");
    let amount = |minor| Amount::from_minor_units(minor).expect("steps have amounts in range");
    let balance = |minor| Balance::from_minor_units(minor).expect("steps have floors in range");
    let selector = |account, number| AccountSelector { iban: iban(account), currency: currency(number) };
    match *body {
        Request::Register { bank, mode, currency: number } => {
            let name = Text::parse("A simulated bank").expect("plain letters");
            let (bic, currency) = (bic(bank), currency(number));
            writer.register_participant(&RegisterParticipant { request_id, bic, name, mode, currency });
        }
        Request::SetBankStatus { bank, status } => {
            writer.set_participant_status(&SetParticipantStatus { request_id, bic: bic(bank), status });
        }
        Request::Open { bank, account, currency: number, kind, floor } => {
            writer.open_account(&OpenAccount {
                request_id,
                participant: bic(bank),
                iban: iban(account),
                currency: currency(number),
                kind,
                floor: balance(floor),
                holder_names: vec![Text::parse("A simulated customer").expect("plain letters")],
                identification: None,
            });
        }
        Request::SetAccountStatus { account, currency, status } => {
            let account = selector(account, currency);
            writer.set_account_status(&SetAccountStatus { request_id, account, status });
        }
        Request::SetFloor { account, currency, floor } => {
            let account = selector(account, currency);
            writer.set_account_floor(&SetAccountFloor { request_id, account, floor: balance(floor) });
        }
        Request::Post { account, currency, direction, amount: minor } => writer.post_entry(&PostEntry {
            request_id,
            account: selector(account, currency),
            direction,
            amount: amount(minor),
            value_date: Date::from_days(20_000).expect("a day of this century"),
            booking_key: Text::parse("SALA").expect("plain letters"),
            core_reference: Text::parse_identifier("CORE-1").expect("plain letters"),
        }),
        Request::Move { bank, currency: number, direction, amount: minor, reference } => {
            writer.transfer_liquidity(&TransferLiquidity {
                request_id,
                bic: bic(bank),
                direction,
                amount: amount(minor),
                currency: currency(number),
                external_reference: Text::parse_identifier(&format!("BOOKING-{reference}"))
                    .expect("plain letters"),
            });
        }
        Request::SetPolicy { bank, policy } => {
            writer.set_decision_policy(&SetDecisionPolicy { request_id, bic: bic(bank), policy });
        }
        Request::SetFlag { account, currency, is_flagged } => {
            let account = selector(account, currency);
            writer.set_account_flag(&SetAccountFlag { request_id, account, is_flagged });
        }
        Request::Allow { account, currency, limits } => {
            let [per_payment, per_day] = limits.map(|limit| limit.map(amount));
            let account = selector(account, currency);
            writer.set_customer_limit(&SetCustomerLimit { request_id, account, per_payment, per_day });
        }
        Request::Restrict { account, currency, is_restricted } => {
            let account = selector(account, currency);
            writer.set_restricted(&SetRestricted { request_id, account, is_restricted });
        }
        Request::SetFees { bank, currency: number, fees } => {
            let (bic, currency) = (bic(bank), currency(number));
            writer.set_fees(&SetFees { request_id, bic, currency, fees });
        }
        Request::SetZone { bank, zone } => writer.set_zone(&SetZone { request_id, bic: bic(bank), zone }),
        Request::SetHolders { account, currency, name } => {
            let account = selector(account, currency);
            let name = Text::parse(&format!("Simulated customer {name}")).expect("plain letters");
            writer.set_account_holders(&SetAccountHolders {
                request_id,
                account,
                holder_names: vec![name],
                identification: None,
                repeats: None,
            });
        }
        Request::SetVersion { version } => {
            let command = SetVersion::new(request_id, version).expect("steps have versions that are known");
            writer.set_version(&command);
        }
        Request::SetLimit { bank, unanswered_max } => {
            let bic = bic(bank);
            writer.set_reservation_limit(&SetReservationLimit { request_id, bic, unanswered_max });
        }
        Request::SetActivation { bank, range, is_active } => {
            let (bank, range) = (bic(bank), range.map(account_range));
            let reason = Text::parse("It moves").expect("plain letters");
            writer.set_activation(&SetActivation { request_id, bank, range, is_active, reason });
        }
        Request::Place { .. }
        | Request::Capture { .. }
        | Request::Release { .. }
        | Request::Put { .. }
        | Request::Remove { .. } => gateways::write(writer, request_id, body),
        Request::SetMap { .. } => ledgers::write(writer, request_id, body),
        Request::Exception(case) => exceptions::write(writer, request_id, &case),
        Request::OpenPackage { .. }
        | Request::ClosePackage { .. }
        | Request::PlaceOrder(_)
        | Request::ChangeOrder { .. }
        | Request::Cancel { .. }
        | Request::AskToPay(_)
        | Request::PresentToPay { .. }
        | Request::AcceptToPay { .. }
        | Request::RefuseToPay { .. }
        | Request::TakeBackToPay { .. } => orders::write(writer, request_id, body),
        Request::SetBounds { .. }
        | Request::SetParty { .. }
        | Request::SetBlock { .. }
        | Request::MoveOwn { .. }
        | Request::SetClosingDays(_)
        | Request::Roll { .. }
        | Request::Recall { .. }
        | Request::AnswerRecall { .. }
        | Request::SetRecallPolicy { .. } => rulebook::write(writer, request_id, body),
    }
}

pub(crate) fn transaction_id(id: u32) -> Text<35> {
    Text::parse_identifier(&format!("T{id}")).expect("plain letters")
}

fn order(payment: &Pay) -> PaymentOrder {
    let party = |name| Party { name: Some(Text::parse(name).expect("plain letters")), ..Party::default() };
    let body = &payment.body;
    let mandatory = MandatoryParts {
        end_to_end_id: Text::parse("NOTPROVIDED").expect("plain letters"),
        transaction_id: transaction_id(payment.id),
        amount: Amount::from_minor_units(body.amount).expect("steps have amounts in range"),
        currency: currency(body.currency),
        debtor: party("A payer"),
        debtor_account: iban(body.debtor),
        debtor_agent: bic(payment.debtor_bank),
        creditor_agent: bic(body.creditor_bank),
        creditor: party("A payee"),
        creditor_account: iban(body.creditor),
    };
    PaymentOrder {
        message_id: Some(Text::parse(&format!("M{}", payment.message)).expect("plain letters")),
        acceptance_time: body.accepted,
        remittance: Some(Remittance::Unstructured(
            Text::parse(&format!("Invoice {}", body.remittance)).expect("plain letters"),
        )),
        ..mandatory.into_order()
    }
}
