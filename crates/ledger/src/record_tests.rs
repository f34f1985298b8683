//! Stored records: golden bytes of every kind, and damage of every sort.

use proptest::prelude::*;
use types::{
    AccountNumber, Amount, Balance, BatchNumber, Bic, Channel, ClusterId, Currency, Date, DigestKey,
    Incarnation, Life, ParticipantNumber, PaymentOrder, PaymentState, PrincipalNumber, ReasonCode,
    RecallReason, Remittance, Sequence, Text, Timestamp,
};

use zerocopy::IntoBytes;

use super::*;
use crate::testing::{LIMITS, apply_frame, genesis, golden};
use crate::testing_words::{bank, iban, key, order, start};
use crate::{
    AccountSelector, AccountText, Answer, AnswerEffect, AnswerPayment, AnswerRecall, Connected,
    DecisionPolicy, DecisionScope, EntryText, Evidence, Fees, Ledger, LiquidityDirection, NotExecuted,
    OpenAccount, OrderState, Original, Outcome, OutcomeEntry, Payment, Position, PostEntry, Profile,
    QuestionState, RecallAnswer, RecallText, Recalled, RecordWriter, Refusal, RefusedBody, RefusedPayment,
    RegisterParticipant, Remark, RequestEnd, RequestId, RequestRecall, RollBusinessDate, SealedRun,
    SetAccountFlag, SetAccountFloor, SetAccountHolders, SetAccountStatus, SetClosingDays, SetCustomerLimit,
    SetDecisionPolicy, SetFees, SetParticipantStatus, SetRecallPolicy, SetReservationLimit, SetRestricted,
    SetVersion, SetZone, Silence, Stage, StagePolicy, TransferLiquidity, Verdict, Void, Zone, ZoneChange,
    ZoneOffset,
};

const GOLDEN: &str = "records-v1.txt";
const PRINCIPAL: PrincipalNumber = PrincipalNumber(0x0102_0304);

fn request_id() -> RequestId {
    RequestId::parse("request-1").unwrap()
}

fn account() -> AccountSelector {
    AccountSelector { iban: iban("A1"), currency: Currency::EUR }
}

fn payment_order() -> PaymentOrder {
    let mut order = order("TX-0001", iban("A1"), iban("B2"));
    order.amount = Amount::from_minor_units(1234).unwrap();
    order.creditor_agent = bank("B");
    order.instruction_id = Some(Text::parse("INSTR-1").unwrap());
    order.remittance = Some(Remittance::Unstructured(Text::parse("Invoice 7").unwrap()));
    order
}

fn post_entry(writer: &mut RecordWriter) {
    writer.post_entry(&PostEntry {
        request_id: request_id(),
        account: account(),
        direction: Direction::Debit,
        amount: Amount::from_minor_units(1234).unwrap(),
        value_date: Date::parse("2026-01-06").unwrap(),
        booking_key: Text::parse("CARD").unwrap(),
        core_reference: Text::parse("CORE-1").unwrap(),
    });
}

fn open_account(writer: &mut RecordWriter) {
    writer.open_account(&OpenAccount {
        request_id: request_id(),
        participant: bank("A"),
        iban: iban("A1"),
        currency: Currency::EUR,
        kind: AccountKind::Savings,
        floor: Balance::from_minor_units(-5000).unwrap(),
        holder_names: vec![Text::parse("Anna Peeters").unwrap(), Text::parse("Jürg Müller").unwrap()],
        identification: Some(Text::parse("529900T8BM49AURSDO55").unwrap()),
    });
}

fn refused_payment(writer: &mut RecordWriter) {
    writer.refused_payment(&refusal());
}

fn refusal() -> RefusedPayment {
    RefusedPayment {
        debtor_agent: bank("A"),
        creditor_agent: Some(bank("B")),
        transaction_id: Text::parse_identifier("TX-0002").unwrap(),
        acceptance_time: Some(start()),
        reason: ReasonCode::parse("FF01").unwrap(),
        path: "CdtTrfTxInf/ChrgBr".into(),
        body: RefusedBody::Parts(b"<ChrgBr>SHAR</ChrgBr>".to_vec()),
        channel: Channel::Iso20022,
        not_entitled: false,
    }
}

fn evidence(writer: &mut RecordWriter) {
    writer.evidence(&Evidence {
        about: About::Payment(Sequence(0x0102_0304_0506)),
        passage: Passage::Sent,
        message_name: MessageName::parse("pacs.002.001.10").unwrap(),
        counterpart: Some(bank("B")),
        document_length: 1234,
        compressed: b"compressed".to_vec(),
    });
}

/// One record of each kind, with every field that a caller can set.
fn write(kind: Kind, writer: &mut RecordWriter) {
    match kind {
        Kind::Genesis => writer.genesis(ClusterId(*b"golden cluster 1"), Incarnation(0x1122_3344_5566_7788)),
        Kind::SetProfile => writer.set_profile(&Profile::sct_inst_2025()),
        Kind::RegisterParticipant => writer.register_participant(&RegisterParticipant {
            request_id: request_id(),
            bic: bank("A"),
            name: Text::parse("Banque Émile").unwrap(),
            mode: AccountMode::Mixed,
            currency: Currency::EUR,
        }),
        Kind::SetParticipantStatus => writer.set_participant_status(&SetParticipantStatus {
            request_id: request_id(),
            bic: bank("A"),
            status: ParticipantStatus::Suspended,
        }),
        Kind::OpenAccount => open_account(writer),
        Kind::SetAccountStatus => writer.set_account_status(&SetAccountStatus {
            request_id: request_id(),
            account: account(),
            status: AccountStatus::Blocked,
        }),
        Kind::SetAccountFloor => writer.set_account_floor(&SetAccountFloor {
            request_id: request_id(),
            account: account(),
            floor: Balance::from_minor_units(-5000).unwrap(),
        }),
        Kind::PostEntry => post_entry(writer),
        Kind::TransferLiquidity => writer.transfer_liquidity(&TransferLiquidity {
            request_id: request_id(),
            bic: bank("A"),
            direction: LiquidityDirection::Defund,
            amount: Amount::from_minor_units(1234).unwrap(),
            currency: Currency::EUR,
            external_reference: Text::parse("TARGET-1").unwrap(),
        }),
        Kind::Payment => {
            let hints = |_, _| AccountNumber(7);
            writer.payment(&payment_order(), start(), Channel::Grpc, hints);
        }
        Kind::RefusedPayment => refused_payment(writer),
        Kind::Evidence => evidence(writer),
        Kind::BeginIncarnation => writer.begin_incarnation(
            ClusterId(*b"golden cluster 1"),
            Life { incarnation: Incarnation(0x1122_3344_5566_7789), first: Sequence(0x0102_0304_0507) },
            Incarnation(0x1122_3344_5566_7788),
        ),
        Kind::Void => writer.void(&Void {
            sequence: Sequence(0x0102_0304_0506),
            batch: BatchNumber(0x0102_0304),
            kind: Kind::Payment.number(),
            frame_hash: [0xF4; 32],
        }),
        Kind::SealDuplicates => writer.seal_duplicates(&SealedRun {
            number: 3,
            after: Sequence(0x0102_0304),
            upto: Sequence(0x0102_0304_0506),
            newest_time: start(),
            payments: 0x0010_0000,
            hash: [0xAB; 32],
        }),
        Kind::Answer => writer.answer(&AnswerPayment {
            payment: Sequence(0x0102_0304_0506),
            bic: bank("B"),
            stage: Stage::Credit,
            answer: Answer::Reject(ReasonCode::parse("AC06").unwrap()),
        }),
        Kind::SetVersion => {
            writer.set_version(&SetVersion::new(request_id(), 2).unwrap());
        }
        Kind::SetDecisionPolicy => writer.set_decision_policy(&SetDecisionPolicy {
            request_id: request_id(),
            bic: bank("A"),
            policy: DecisionPolicy {
                debits: StagePolicy {
                    scope: DecisionScope::Above(Amount::from_minor_units(1234).unwrap()),
                    silence: Silence::Accept,
                },
                credits: StagePolicy { scope: DecisionScope::All, silence: Silence::Reject },
            },
        }),
        Kind::SetAccountFlag => writer.set_account_flag(&SetAccountFlag {
            request_id: request_id(),
            account: account(),
            is_flagged: true,
        }),
        Kind::SetReservationLimit => writer.set_reservation_limit(&SetReservationLimit {
            request_id: request_id(),
            bic: bank("A"),
            unanswered_max: 100_000,
        }),
        Kind::SetCustomerLimit => writer.set_customer_limit(&SetCustomerLimit {
            request_id: request_id(),
            account: account(),
            per_payment: Amount::from_minor_units(1234),
            per_day: Amount::from_minor_units(56_789),
        }),
        Kind::SetRestricted => writer.set_restricted(&SetRestricted {
            request_id: request_id(),
            account: account(),
            is_restricted: true,
        }),
        Kind::SetFees => writer.set_fees(&SetFees {
            request_id: request_id(),
            bic: bank("A"),
            currency: Currency::EUR,
            fees: Fees::from_minor_units(25, 20).unwrap(),
        }),
        Kind::SetZone => writer.set_zone(&SetZone {
            request_id: request_id(),
            bic: bank("A"),
            zone: Zone {
                offset: ZoneOffset::from_minutes(-300).unwrap(),
                change: Some(ZoneChange { at: start(), offset: ZoneOffset::from_minutes(-240).unwrap() }),
            },
        }),
        Kind::SetClosingDays => writer.set_closing_days(&SetClosingDays {
            request_id: request_id(),
            closing_days: types::ClosingDays::target(2026).unwrap(),
        }),
        Kind::RollBusinessDate => writer.roll_business_date(&RollBusinessDate {
            request_id: request_id(),
            date: Date::parse("2026-01-06").unwrap(),
            due: start(),
        }),
        Kind::RequestRecall => writer.request_recall(&recall()),
        Kind::AnswerRecall => writer.answer_recall(&AnswerRecall {
            request_id: request_id(),
            recall: Sequence(0x0102_0304_0708),
            recalled: Recalled {
                payment: Sequence(0x0102_0304_0506),
                debtor_agent: bank("A"),
                debtor_account: AccountNumber(0x0102_0304),
                creditor_account: AccountNumber(0x0506_0708),
                currency: Currency::EUR,
            },
            bic: bank("B"),
            answer: RecallAnswer::Return {
                amount: Amount::from_minor_units(1200).unwrap(),
                fee: Balance::from_minor_units(34).unwrap(),
            },
            has_consent: true,
            is_elsewhere: true,
            text: RecallText { reference: Text::parse("RETURN-1").unwrap(), ..recall().text },
        }),
        Kind::SetRecallPolicy => writer.set_recall_policy(&SetRecallPolicy {
            request_id: request_id(),
            bic: bank("A"),
            is_silence_answered: true,
        }),
        Kind::SetAccountHolders => writer.set_account_holders(&SetAccountHolders {
            request_id: request_id(),
            account: account(),
            holder_names: vec![Text::parse("Anna Peeters").unwrap(), Text::parse("Jürg Müller").unwrap()],
            identification: Some(Text::parse("529900T8BM49AURSDO55").unwrap()),
            repeats: Some(Sequence(0x0102_0304_0506)),
        }),
        Kind::SetPositionAlert | Kind::SetReachableParty | Kind::SetBlock | Kind::TransferOwnFunds => {
            liquidity::write(kind, request_id(), writer)
        }
        Kind::PlaceHold | Kind::CaptureHold | Kind::ReleaseHold | Kind::PutRecord | Kind::RemoveRecord => {
            holds::write(kind, request_id(), writer)
        }
        Kind::SetActivation => activation::write(request_id(), writer),
        Kind::SetPostingMap => postings::write(request_id(), writer),
        Kind::RaiseException | Kind::AssignException | Kind::ResolveException => {
            exceptions::write(kind, request_id(), writer)
        }
        Kind::CreateRequestToPay
        | Kind::PresentRequestToPay
        | Kind::AnswerRequestToPay
        | Kind::CancelRequestToPay => requests_to_pay::write(kind, request_id(), writer),
        Kind::OpenPackage
        | Kind::PackageLine
        | Kind::ClosePackage
        | Kind::PlaceOrder
        | Kind::ChangeOrder
        | Kind::CancelOrders => orders::write(kind, request_id(), writer),
    }
}

fn recall() -> RequestRecall {
    RequestRecall {
        request_id: request_id(),
        original: Original {
            payment: Sequence(0x0102_0304_0506),
            incarnation: Incarnation(0x1122_3344_5566_7788),
            state: PaymentState::Settled,
            decided_at: Sequence(0x0102_0304_0607),
            decided_time: start(),
            amount: Amount::from_minor_units(1234).unwrap(),
            currency: Currency::EUR,
            debtor_agent: bank("A"),
            creditor_agent: bank("B"),
            debtor_account: key().iban(iban("A1").as_str()),
            creditor_account: key().iban(iban("B2").as_str()),
        },
        reason: RecallReason::Fraud,
        text: RecallText {
            reference: Text::parse("RECALL-1").unwrap(),
            originator: Some(Text::parse("Anna Peeters").unwrap()),
            information: vec![Text::parse("Sent twice").unwrap(), Text::parse("By a fault").unwrap()],
            settlement_date: None,
        },
    }
}

#[path = "record_activation_tests.rs"]
mod activation;
#[path = "record_exceptions_tests.rs"]
mod exceptions;
#[path = "record_holds_tests.rs"]
mod holds;
#[path = "record_liquidity_tests.rs"]
mod liquidity;
#[path = "record_orders_tests.rs"]
mod orders;
#[path = "record_postings_tests.rs"]
mod postings;
#[path = "record_requests_to_pay_tests.rs"]
mod requests_to_pay;

fn kinds() -> impl Iterator<Item = Kind> {
    (0..100).filter_map(Kind::from_number)
}

/// The writer of one record of this kind.
fn written(kind: Kind) -> RecordWriter {
    let mut writer = RecordWriter::new(key(), PRINCIPAL);
    write(kind, &mut writer);
    writer
}

/// The record of this kind in its first version, and its text. Participants are no longer written so.
fn first_version(kind: Kind) -> (Vec<u8>, Vec<u8>) {
    let writer = written(kind);
    if kind != Kind::RegisterParticipant {
        return (writer.records().to_vec(), writer.texts().to_vec());
    }
    let record = Records::erased(writer.records()).next().unwrap().unwrap();
    let name = record.text.to_vec();
    let mut records = writer.records()[..size_of::<layout::Header>() + 48].to_vec();
    records[2] = 1;
    records[4..8].copy_from_slice(&64_u32.to_le_bytes());
    records[12..16].copy_from_slice(&u32::try_from(name.len()).unwrap().to_le_bytes());
    (records, name)
}

fn payment_key(id: &str) -> layout::PaymentKey {
    let mut transaction_id = [0; 35];
    transaction_id[..id.len()].copy_from_slice(id.as_bytes());
    let transaction_id_length = id.len().try_into().unwrap();
    let debtor_agent = *bank("A").as_bytes();
    layout::PaymentKey { debtor_agent, transaction_id_length, transaction_id, reserved: 0 }
}

/// The writer of one record of this kind, for which a payment was found on disk.
fn with_evidence(kind: Kind) -> RecordWriter {
    let mut writer = written(kind);
    let id = if kind == Kind::RefusedPayment { "TX-0002" } else { "TX-0001" };
    let stored = layout::StoredPayment {
        key: payment_key(id),
        body_digest: [0xCD; 16],
        sequence: 0x0102_0304_0506.into(),
        decided_at: 0x0102_0304_0607.into(),
        received_time: start().nanoseconds().into(),
        decided_time: (start().nanoseconds() + 5).into(),
        acceptance_time: (start().nanoseconds() - 7).into(),
        creditor_bank: 9.into(),
        reason: *b"AB05",
        reason_to_creditor: *b"TM01",
        state: 4,
        marks: 3,
        questions: [0, 3],
        reserved: [0; 8],
    };
    let payment = Payment::from_stored(stored.as_bytes()).unwrap();
    assert_eq!(payment.to_stored(), stored.as_bytes());
    writer.set_evidence(Sequence(0x0102_0304_0708), &[(0, payment)]);
    writer
}

/// One outcome of each verdict, and one repeat.
fn outcomes() -> Vec<(&'static str, Outcome)> {
    let (payer, payee) = (ParticipantNumber(7), ParticipantNumber(8));
    let ended = |end| Verdict::RequestEnded { payer, payee, end };
    let payment = |state, reason: Option<&str>, repeat_of| Verdict::Payment {
        state,
        reason: reason.map(|code| ReasonCode::parse(code).unwrap()),
        repeat_of,
    };
    let refused = |refusal| Verdict::Refused { refusal, repeat_of: None };
    let answer = |effect, state, reason: Option<&str>| Verdict::Answer {
        payment: Sequence(99),
        effect,
        state,
        reason: reason.map(|code| ReasonCode::parse(code).unwrap()),
    };
    let verdicts = [
        ("settled", Kind::Payment, payment(PaymentState::Settled, None, None)),
        ("rejected", Kind::Payment, payment(PaymentState::Rejected, Some("AM04"), None)),
        ("reserved", Kind::Payment, payment(PaymentState::Reserved, None, None)),
        ("expired", Kind::Payment, payment(PaymentState::Expired, Some("AB05"), None)),
        ("unresolved", Kind::Payment, payment(PaymentState::Unresolved, None, None)),
        ("repeat", Kind::Payment, payment(PaymentState::Settled, None, Some(Sequence(99)))),
        ("refused on reading", Kind::RefusedPayment, payment(PaymentState::Rejected, Some("FF01"), None)),
        ("done", Kind::OpenAccount, Verdict::Done { subject: 12, repeat_of: None }),
        ("document kept", Kind::Evidence, Verdict::Done { subject: 0, repeat_of: None }),
        ("refused", Kind::TransferLiquidity, refused(Refusal::ReferenceReused)),
        ("voided", Kind::PostEntry, refused(Refusal::Voided)),
        (
            "answer that settles",
            Kind::Answer,
            answer(AnswerEffect::Applied, Some(PaymentState::Settled), None),
        ),
        ("late answer", Kind::Answer, answer(AnswerEffect::Late, Some(PaymentState::Expired), Some("TM01"))),
        ("answer unasked", Kind::Answer, answer(AnswerEffect::NotAsked, None, None)),
        ("asked again", Kind::Payment, Verdict::AskAgain),
        ("answer to nothing", Kind::Answer, answer(AnswerEffect::PaymentUnknown, None, Some("AG09"))),
        ("settled with a fee", Kind::Payment, payment(PaymentState::Settled, None, None)),
        ("above a payment's limit", Kind::Payment, payment(PaymentState::Rejected, Some("AM14"), None)),
        ("above a day's limit", Kind::Payment, payment(PaymentState::Rejected, Some("AM14"), None)),
        ("leg booked", Kind::CaptureHold, Verdict::LegBooked { hold: Sequence(99), leg: 15 }),
        (
            "hold expired",
            Kind::PlaceHold,
            Verdict::HoldExpired { bank: ParticipantNumber(7), currency: Currency::EUR },
        ),
        ("payer takes no part", Kind::Payment, Verdict::NotActive { stage: Stage::Debit }),
        ("payee takes no part", Kind::Payment, Verdict::NotActive { stage: Stage::Credit }),
        ("request expired", Kind::CreateRequestToPay, ended(RequestEnd::Expired)),
        ("request paid", Kind::CreateRequestToPay, ended(RequestEnd::Paid(Sequence(99)))),
        (
            "request failed",
            Kind::CreateRequestToPay,
            ended(RequestEnd::Failed {
                payment: Some(Sequence(99)),
                reason: StatusReason::InsufficientFunds.code(),
            }),
        ),
        (
            "order ended",
            Kind::PlaceOrder,
            Verdict::OrderEnded {
                bank: ParticipantNumber(7),
                currency: Currency::EUR,
                state: OrderState::Rejected,
                reason: ReasonCode::parse("AM04").ok(),
            },
        ),
        (
            "package complete",
            Kind::OpenPackage,
            Verdict::PackageComplete { bank: ParticipantNumber(7), currency: Currency::EUR },
        ),
        (
            "not executed",
            Kind::Payment,
            Verdict::NotExecuted { order: Sequence(99), why: NotExecuted::NotDue },
        ),
        (
            "order waits",
            Kind::Payment,
            Verdict::NotExecuted {
                order: Sequence(99),
                why: NotExecuted::Waits(ReasonCode::parse("AM04").unwrap()),
            },
        ),
    ];
    let outcome = |(name, kind, verdict)| {
        let is_told_aside = ["hold expired", "order ended", "package complete"].contains(&name);
        let balances = if is_told_aside { [1234, 5678, 0, 0] } else { [1234, -5678, 90, 0] };
        let remark = match name {
            "settled with a fee" => Remark::fee_of(0x0001_0203),
            "above a payment's limit" => Remark::LimitPerPayment,
            "above a day's limit" => Remark::LimitPerDay,
            _ => Remark::None,
        };
        let (sequence, decided_at) = (Sequence(0x0102_0304_0506), Sequence(0x0102_0304_0507));
        (
            name,
            Outcome {
                sequence,
                decided_at,
                decided_time: start(),
                accepted: start(),
                alerts: crate::Alerts::NONE,
                late: false,
                remark,
                kind,
                verdict,
                balances,
            },
        )
    };
    verdicts.map(outcome).to_vec()
}

fn hexadecimal(title: &str, bytes: &[u8]) -> String {
    let mut text = format!("{title}\n");
    for line in bytes.chunks(32) {
        let groups: Vec<String> =
            line.chunks(8).map(|group| group.iter().map(|byte| format!("{byte:02x}")).collect()).collect();
        text += &format!("  {}\n", groups.join(" "));
    }
    text
}

/// A record of every kind in each of its versions, and an outcome entry of every sort.
fn all_as_text() -> String {
    let mut text = "Records and outcome entries, version 1. Hexadecimal, 32 bytes a line.\n\n".to_owned();
    for kind in kinds() {
        let (records, texts) = first_version(kind);
        text += &hexadecimal(&format!("record {} {kind:?}", kind.number()), &records);
        if !texts.is_empty() {
            text += &hexadecimal(&format!("text of {kind:?}"), &texts);
        }
    }
    let mut writer = written(Kind::Payment);
    writer.mark_last_connected(|bic| bic == bank("B").as_bytes());
    text += &hexadecimal("record 10 Payment, version 2", writer.records());
    let mut writer = RecordWriter::new(key(), PRINCIPAL);
    writer.refused_payment(&RefusedPayment { not_entitled: true, ..refusal() });
    text += &hexadecimal("record 11 RefusedPayment, version 2", writer.records());
    let mut writer = RecordWriter::new(key(), PRINCIPAL);
    writer.genesis_without_key(ClusterId(*b"golden cluster 1"), Incarnation(0x1122_3344_5566_7788), 1);
    text += &hexadecimal("record 1 Genesis, key elsewhere", writer.records());
    text +=
        &hexadecimal("record 3 RegisterParticipant, version 2", written(Kind::RegisterParticipant).records());
    for (kind, version) in [(Kind::Payment, 3), (Kind::RefusedPayment, 3), (Kind::Answer, 2)] {
        let name = format!("record {} {kind:?}, version {version}", kind.number());
        text += &hexadecimal(&name, with_evidence(kind).records());
    }
    for (name, outcome) in outcomes() {
        text += &hexadecimal(&format!("outcome entry, {name}"), outcome.to_entry().as_bytes());
    }
    text
}

fn golden_text() -> String {
    String::from_utf8(golden(GOLDEN, || all_as_text().into_bytes())).unwrap()
}

/// Bytes of logs that exist can't change: what differs here needs a new version of its structure.
#[test]
fn golden_bytes_of_every_kind_and_verdict() {
    let (text, golden) = (all_as_text(), golden_text());
    for (number, (found, expected)) in text.lines().zip(golden.lines()).enumerate() {
        assert_eq!(found, expected, "line {} of {GOLDEN}", number + 1);
    }
    assert_eq!(text.len(), golden.len());
}

/// Reads the bytes of the golden file itself, not what is written today.
#[test]
fn golden_bytes_read_back() {
    let golden = golden_text();
    let mut blocks: Vec<(&str, Vec<u8>)> = Vec::new();
    for line in golden.lines().skip(2) {
        match line.strip_prefix("  ") {
            None => blocks.push((line, Vec::new())),
            Some(digits) => {
                let digits = digits.replace(' ', "");
                let pairs = (0..digits.len()).step_by(2);
                let bytes = pairs.map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap());
                blocks.last_mut().unwrap().1.extend(bytes);
            }
        }
    }
    let block = |title: &str| blocks.iter().find(|block| block.0 == title).map(|block| block.1.as_slice());
    for kind in kinds() {
        let records = block(&format!("record {} {kind:?}", kind.number())).unwrap();
        let texts = block(&format!("text of {kind:?}")).unwrap_or_default();
        let read: Vec<_> = Records::new(records, texts).map(Result::unwrap).collect();
        let [record] = read[..] else { panic!("one record of {kind:?}") };
        assert_eq!((record.command.kind(), record.principal, record.text), (kind, PRINCIPAL, texts));
    }
    // A name outlasts the texts from version 2 on.
    let named = Records::erased(block("record 3 RegisterParticipant, version 2").unwrap());
    let named = named.map(Result::unwrap).next().unwrap();
    assert_eq!((named.text, named.is_erased()), ("Banque Émile".as_bytes(), false));
    let unnamed = Records::erased(block("record 3 RegisterParticipant").unwrap());
    let unnamed = unnamed.map(Result::unwrap).next().unwrap();
    assert_eq!((unnamed.text, unnamed.is_erased()), (&[][..], true));
    let (Command::RegisterParticipant(named), Command::RegisterParticipant(unnamed)) =
        (named.command, unnamed.command)
    else {
        panic!("participants")
    };
    assert_eq!(named, unnamed);
    let without = Records::erased(block("record 1 Genesis, key elsewhere").unwrap()).next().unwrap().unwrap();
    let Command::Genesis(genesis) = without.command else { panic!("a genesis") };
    assert_eq!((genesis.digest_key_id.get(), genesis.digest_key.0), (1, [0; 16]));
    let connected = Records::erased(block("record 10 Payment, version 2").unwrap()).next().unwrap().unwrap();
    let Command::Payment(payment) = connected.command else { panic!("a payment") };
    assert_eq!(payment.connected(), Connected { debtor: false, creditor: true });
    for title in
        ["record 10 Payment, version 3", "record 11 RefusedPayment, version 3", "record 20 Answer, version 2"]
    {
        let record = Records::erased(block(title).unwrap()).next().unwrap().unwrap();
        let found = Payment::of_stored(record.found.unwrap());
        assert_eq!(found.sequence(), Sequence(0x0102_0304_0506), "{title}");
        assert_eq!(
            (found.state(), found.question(Stage::Credit)),
            (PaymentState::Expired, QuestionState::Silent)
        );
    }
    for (name, outcome) in outcomes() {
        let entries = OutcomeEntry::read_all(block(&format!("outcome entry, {name}")).unwrap()).unwrap();
        assert_eq!(entries, [outcome.to_entry()], "{name}");
        assert_eq!(entries[0].remark(), outcome.remark, "{name}");
    }
}

#[test]
fn fields_and_texts_come_back_as_they_were_written() {
    let writer = written(Kind::Payment);
    let record = Records::new(writer.records(), writer.texts()).next().unwrap().unwrap();
    let Command::Payment(payment) = record.command else { panic!("a payment") };
    let fixed = types::FixedParts {
        debtor_agent: payment.key.bank(),
        creditor_agent: Bic::from_bytes(payment.creditor_agent).unwrap(),
        transaction_id: payment.key.transaction_id_text(),
        amount: Amount::from_minor_units(payment.amount.get()).unwrap(),
        currency: Currency::from_number(payment.currency.get()).unwrap(),
        acceptance_time: Timestamp::from_nanoseconds(payment.acceptance_time.get()),
    };
    assert_eq!(types::OrderText::decode(record.text, fixed).unwrap(), payment_order());
    assert_eq!(payment.flags.get(), 0);
    assert_eq!((payment.debtor_account_hint.get(), payment.creditor_account_hint.get()), (7, 7));
    assert_eq!(payment.debtor_account_digest, key().iban(iban("A1").as_str()).0);

    let writer = written(Kind::OpenAccount);
    let text = AccountText::decode(writer.texts()).unwrap();
    assert_eq!((text.iban, text.holder_names.len()), (iban("A1"), 2));
    let text = EntryText::decode(written(Kind::PostEntry).texts()).unwrap();
    assert_eq!((text.booking_key.as_str(), text.core_reference.as_str()), ("CARD", "CORE-1"));
}

/// An acceptance time that Solvo stamps is marked as such and is no part of the body.
#[test]
fn stamped_payment_is_marked() {
    let mut order = payment_order();
    order.acceptance_time = None;
    let digest = |stamp: Timestamp| {
        let mut writer = RecordWriter::new(key(), PRINCIPAL);
        writer.payment(&order, stamp, Channel::Iso20022, |_, _| AccountNumber(0));
        let record = Records::new(writer.records(), writer.texts()).next().unwrap().unwrap();
        let Command::Payment(payment) = record.command else { panic!("a payment") };
        assert_eq!(payment.flags.get(), layout::PAYMENT_STAMPED);
        assert_eq!(payment.acceptance_time.get(), stamp.nanoseconds());
        payment.body_digest
    };
    assert_eq!(digest(start()), digest(start().plus(types::Duration::from_seconds(1))));
}

/// The records of every kind, one after the other, as in a frame.
fn all_kinds() -> (Vec<u8>, Vec<u8>) {
    let mut writer = RecordWriter::new(key(), PRINCIPAL);
    kinds().for_each(|kind| write(kind, &mut writer));
    (writer.records().to_vec(), writer.texts().to_vec())
}

#[test]
fn texts_stand_in_the_records_order_and_may_be_erased() {
    let (records, texts) = all_kinds();
    let read: Vec<_> = Records::new(&records, &texts).map(Result::unwrap).collect();
    assert_eq!(read.len(), kinds().count());
    let in_section = read.iter().filter(|record| record.personal_length > 0);
    assert_eq!(in_section.flat_map(|record| record.text).copied().collect::<Vec<_>>(), texts);
    let erased: Vec<_> = Records::erased(&records).map(Result::unwrap).collect();
    for (record, erased) in read.iter().zip(&erased) {
        // A bank's name is no personal data, and stands in its record.
        assert_eq!(erased.text.is_empty(), erased.command.kind() != Kind::RegisterParticipant);
        assert_eq!(erased.is_erased(), record.personal_length > 0);
        assert_eq!(erased.command.kind(), record.command.kind());
    }
}

#[test]
fn text_and_body_are_not_shown() {
    let (records, texts) = all_kinds();
    let shown = format!("{:?}", Records::new(&records, &texts).collect::<Vec<_>>());
    let record = &shown[shown.find("Record(OpenAccount").unwrap()..][..40];
    assert_eq!(record, "Record(OpenAccount of principal 16909060");
    let writer = written(Kind::OpenAccount);
    assert_eq!(
        format!("{writer:?}"),
        format!("RecordWriter(1 records, {} bytes of text)", texts_of(&writer))
    );
    assert!(!shown.contains("Anna"));
    assert!(!shown.contains("65, 110, 110, 97"), "nor as numbers");
}

fn texts_of(writer: &RecordWriter) -> usize {
    writer.texts().len()
}

#[test]
fn every_truncation_is_an_error_and_nothing_follows_it() {
    let (records, texts) = all_kinds();
    let whole = Records::new(&records, &texts).count();
    for length in 1..records.len() {
        let read: Vec<_> = Records::new(&records[..length], &texts).collect();
        let bad = read.iter().filter(|record| record.is_err()).count();
        let at_boundary = read.iter().all(Result::is_ok);
        assert!(at_boundary || (bad == 1 && read.last().unwrap().is_err()), "{length}");
        assert!(read.len() <= whole);
    }
    for length in 0..texts.len() {
        let last = Records::new(&records, &texts[..length]).last().unwrap();
        assert!(matches!(last, Err(RecordError::Cut)), "{length}");
    }
}

/// Offset from the record's start, the byte put there, and what the reader says.
#[test]
fn impossible_fields_are_named() {
    let field = RecordError::Field;
    for (kind, offset, byte, expected) in [
        (Kind::Payment, 0, 99, RecordError::Unknown { kind: 99, version: 1 }),
        (Kind::Payment, 2, 3, RecordError::Length),
        (Kind::Payment, 2, 5, RecordError::Unknown { kind: 10, version: 5 }),
        (Kind::Answer, 2, 3, RecordError::Unknown { kind: 20, version: 3 }),
        (Kind::Payment, 4, 15, RecordError::Length),
        (Kind::Payment, 4, 184, RecordError::Length),
        (Kind::Payment, 4, 200, RecordError::Cut),
        (Kind::Payment, 12, 255, RecordError::Cut),
        (Kind::Payment, 16, b'a', field("bic")),
        (Kind::Payment, 16 + 11, 0, field("transaction_id")),
        (Kind::Payment, 16 + 11, 36, field("transaction_id_length")),
        (Kind::Payment, 16 + 11, 6, field("reserved")),
        (Kind::Payment, 16 + 12, b' ', field("transaction_id")),
        (Kind::Payment, 16 + 12, 0xFF, field("transaction_id")),
        (Kind::Payment, 16 + 47, 1, field("reserved")),
        (Kind::Payment, 16 + 59, 3, field("channel")),
        (Kind::Payment, 16 + 60, 0, field("currency")),
        // Connections are told from version 2 on.
        (Kind::Payment, 16 + 62, 2, field("flags")),
        (Kind::Payment, 16 + 62, 4, field("flags")),
        (Kind::Payment, 16 + 119, 0x80, field("amount")),
        (Kind::Payment, 16 + 127, 0x80, field("acceptance_time")),
        (Kind::Payment, 16 + 152, 0, field("profile")),
        (Kind::Payment, 16 + 154, 2, field("digest_version")),
        (Kind::Payment, 16 + 175, 1, field("reserved")),
        // A key that stands elsewhere does not stand here.
        (Kind::Genesis, 16 + 24, 1, field("digest_key")),
        (Kind::SetProfile, 16, 0, field("number")),
        (Kind::SetProfile, 16 + 15, 0x80, field("target")),
        (Kind::SetProfile, 16 + 23, 0x01, field("expiry")),
        (Kind::SetProfile, 16 + 47, 0x80, field("future_tolerance")),
        (Kind::SetProfile, 16 + 56, b'a', field("reason code")),
        (Kind::RegisterParticipant, 16 + 43, 4, field("mode")),
        (Kind::RegisterParticipant, 2, 1, RecordError::Length),
        (Kind::RegisterParticipant, 2, 3, RecordError::Unknown { kind: 3, version: 3 }),
        (Kind::RegisterParticipant, 16 + 48, 0, field("name_length")),
        (Kind::RegisterParticipant, 16 + 49, 3, field("name_length")),
        (Kind::RegisterParticipant, 16 + 50, 1, field("reserved")),
        (Kind::RegisterParticipant, 16 + 56, 0xFF, field("name")),
        (Kind::RegisterParticipant, 16 + 615, b'x', field("reserved")),
        (Kind::SetParticipantStatus, 16 + 43, 0, field("status")),
        // An internal account is never opened by a caller.
        (Kind::OpenAccount, 16 + 59, AccountKind::Position.number(), field("kind")),
        (Kind::OpenAccount, 16 + 71, 0x7F, field("floor")),
        (Kind::SetAccountStatus, 16 + 50, 4, field("status")),
        (Kind::SetAccountFloor, 16 + 55, 0x7F, field("floor")),
        (Kind::PostEntry, 16 + 59, 0x80, field("value_date")),
        (Kind::PostEntry, 16 + 62, 3, field("direction")),
        (Kind::TransferLiquidity, 16 + 67, 0, field("direction")),
        (Kind::RefusedPayment, 16 + 104, b'f', field("reason")),
        (Kind::SetCustomerLimit, 16 + 55, 0x80, field("per_payment")),
        (Kind::SetCustomerLimit, 16 + 63, 0x80, field("per_day")),
        (Kind::SetCustomerLimit, 16 + 66, 1, field("reserved")),
        (Kind::SetRestricted, 16 + 50, 2, field("is_restricted")),
        (Kind::SetFees, 16 + 49, 0x7F, field("instant")),
        (Kind::SetFees, 16 + 53, 0x7F, field("instant")),
        (Kind::SetFees, 16 + 43, 1, field("reserved")),
        (Kind::SetZone, 16 + 43, 2, field("offset")),
        (Kind::SetZone, 16 + 43, 0, field("offset")),
        (Kind::SetZone, 16 + 45, 0x7F, field("offset")),
        (Kind::SetZone, 16 + 63, 1, field("reserved")),
        // Only version 2 has a flag.
        (Kind::RefusedPayment, 16 + 61, 1, field("flags")),
        (Kind::RefusedPayment, 2, 2, field("flags")),
        (Kind::RefusedPayment, 2, 3, RecordError::Length),
        (Kind::RefusedPayment, 2, 4, RecordError::Unknown { kind: 11, version: 4 }),
        (Kind::Evidence, 16 + 8, 0, field("about")),
        (Kind::Evidence, 16 + 8, 1, field("about")),
        (Kind::Evidence, 16 + 8, 3, field("about")),
        (Kind::Evidence, 16 + 9, 3, field("passage")),
        (Kind::Evidence, 16 + 10, b'P', field("message_name")),
        (Kind::Evidence, 16 + 12, 0, field("message_name")),
        (Kind::Evidence, 16 + 26, b'a', field("counterpart")),
        (Kind::Evidence, 16 + 37, 1, field("reserved")),
        (Kind::Evidence, 16 + 42, 1, field("document_length")),
        (Kind::Evidence, 16 + 44, 1, field("reserved")),
        (Kind::Answer, 16 + 8, b'a', field("bic")),
        (Kind::Answer, 16 + 19, 3, field("stage")),
        (Kind::Answer, 16 + 20, b'a', field("code")),
        (Kind::Answer, 16 + 24, 1, field("evidence_upto")),
        (Kind::Answer, 2, 2, field("evidence_upto")),
        (Kind::Answer, 16 + 32, 1, field("reserved")),
        (Kind::SealDuplicates, 16, 0, field("run")),
        (Kind::SealDuplicates, 16 + 15, 1, field("upto")),
        (Kind::SealDuplicates, 16 + 31, 0x80, field("newest_time")),
        (Kind::SealDuplicates, 16 + 34, 0, field("payments")),
        (Kind::SealDuplicates, 16 + 72, 1, field("reserved")),
        (Kind::SetDecisionPolicy, 16 + 43, 5, field("debit_scope")),
        (Kind::SetDecisionPolicy, 16 + 44, 0, field("debit_silence")),
        (Kind::SetDecisionPolicy, 16 + 45, 3, field("credit_scope")),
        (Kind::SetDecisionPolicy, 16 + 46, 3, field("credit_silence")),
        (Kind::SetDecisionPolicy, 16 + 63, 0x80, field("credit_scope")),
        (Kind::SetAccountFlag, 16 + 50, 2, field("is_flagged")),
        (Kind::SetVersion, 16 + 32, 0, field("version")),
        (Kind::SetVersion, 16 + 36, 1, field("reserved")),
        (Kind::SetReservationLimit, 16 + 43, 1, field("reserved")),
        (Kind::SetClosingDays, 16 + 33, 0, field("days")),
        (Kind::SetClosingDays, 16 + 34, 1, field("reserved")),
        (Kind::SetClosingDays, 16 + 40 + 45, 0x20, field("days")),
        (Kind::SetClosingDays, 16 + 87, 1, field("days")),
        (Kind::RollBusinessDate, 16 + 35, 0x80, field("date")),
        (Kind::RollBusinessDate, 16 + 36, 1, field("reserved")),
        (Kind::RollBusinessDate, 16 + 47, 0x80, field("due")),
        (Kind::RequestRecall, 16 + 32 + 7, 1, field("decided_at")),
        (Kind::RequestRecall, 16 + 32 + 31, 0x80, field("decided_time")),
        (Kind::RequestRecall, 16 + 32 + 39, 0x80, field("amount")),
        (Kind::RequestRecall, 16 + 32 + 72, b'a', field("bic")),
        (Kind::RequestRecall, 16 + 32 + 83, b'a', field("bic")),
        (Kind::RequestRecall, 16 + 32 + 95, 0xFF, field("currency")),
        (Kind::RequestRecall, 16 + 32 + 96, 6, field("state")),
        (Kind::RequestRecall, 16 + 32 + 97, 1, field("reserved")),
        (Kind::RequestRecall, 16 + 136, b'X', field("reason")),
        (Kind::RequestRecall, 16 + 140, 1, field("reserved")),
        (Kind::AnswerRecall, 16 + 47, 1, field("recall")),
        (Kind::AnswerRecall, 16 + 55, 0x80, field("answer")),
        (Kind::AnswerRecall, 16 + 63, 0x80, field("answer")),
        (Kind::AnswerRecall, 16 + 72, b'a', field("bic")),
        (Kind::AnswerRecall, 16 + 83, b'a', field("bic")),
        (Kind::AnswerRecall, 16 + 95, 0xFF, field("currency")),
        (Kind::AnswerRecall, 16 + 96, 2, field("answer")),
        (Kind::AnswerRecall, 16 + 97, b'X', field("answer")),
        (Kind::AnswerRecall, 16 + 101, 2, field("consent")),
        (Kind::AnswerRecall, 16 + 102, 2, field("elsewhere")),
        (Kind::AnswerRecall, 16 + 103, 1, field("reserved")),
        (Kind::SetRecallPolicy, 16 + 43, 2, field("is_silence_answered")),
        (Kind::SetRecallPolicy, 16 + 44, 1, field("reserved")),
    ] {
        let found = fault_with(&written(kind), offset, byte);
        assert_eq!(found, Some(expected), "{kind:?} with {byte} at {offset}");
    }
}

/// What is wrong with the first record once this byte stands in it.
fn fault_with(writer: &RecordWriter, offset: usize, byte: u8) -> Option<RecordError> {
    let mut records = writer.records().to_vec();
    records[offset] = byte;
    Records::new(&records, writer.texts()).next().unwrap().err()
}

#[test]
fn impossible_outcome_entries_are_refused() {
    let good = outcomes();
    let bytes: Vec<u8> = good.iter().flat_map(|row| row.1.to_entry().as_bytes().to_vec()).collect();
    assert_eq!(OutcomeEntry::read_all(&bytes).unwrap().len(), good.len());
    assert!(OutcomeEntry::read_all(&bytes[..bytes.len() - 1]).is_err());
    for (name, offset, byte) in [
        ("settled", 16, 99),                // kind
        ("settled", 18, 0),                 // status
        ("settled", 18, 16),                // a payment is not "done"
        ("settled", 19, 2),                 // no such flag of a settlement
        ("settled", 19, 128),               // no such flag
        ("rejected", 19, 1),                // only settlements are late
        ("rejected", 19, 8),                // it books nothing
        ("repeat", 19, 8),                  // that was told before
        ("done", 19, 16),                   // it touches no position
        ("refused", 19, 16),                // it books nothing
        ("settled", 23, 0x7F),              // a fee beyond all limits
        ("repeat", 20, 1),                  // its fee was told before
        ("reserved", 20, b'A'),             // a reason without cause
        ("rejected", 19, 2),                // funds are no limit
        ("above a payment's limit", 19, 6), // one limit decides
        ("above a payment's limit", 19, 8), // it books nothing
        ("rejected", 20, b'a'),             // no reason code
        ("done", 18, 2),                    // only payments are settled
        ("done", 20, 1),
        ("answer that settles", 18, 1),    // a payment's status
        ("answer that settles", 18, 32),   // no state
        ("answer that settles", 18, 80),   // no such effect
        ("answer that settles", 23, 0x7F), // a fee beyond all limits
        ("late answer", 18, 128 + 44),     // an answer is never a repeat
        ("late answer", 20, b'a'),         // no reason code
        ("answer unasked", 18, 65),        // a state that is none of the bank's business
        ("answer to nothing", 20, b'X'),   // another reason
        ("done", 18, 34),                  // only answers have effects
        ("document kept", 18, 17),         // it is never refused
        ("refused", 20, 99),               // no such refusal
        ("refused", 21, 1),
        ("leg booked", 20, 16),         // no such leg
        ("leg booked", 21, 1),          // a leg is one byte
        ("leg booked", 18, 128 + 18),   // it is never a repeat
        ("leg booked", 16, 45),         // only captures have legs
        ("hold expired", 20, 0),        // no such currency
        ("hold expired", 22, 1),        // a currency is two bytes
        ("hold expired", 24, 0),        // no bank
        ("hold expired", 47, 0x80),     // less than nothing
        ("hold expired", 16, 46),       // only holds expire
        ("hold expired", 19, 8),        // it books nothing
        ("request paid", 24, 0),        // no payer's bank
        ("request paid", 28, 0),        // no payee's bank
        ("request paid", 39, 0x80),     // no position
        ("request paid", 40, 1),        // it tells no balance
        ("request paid", 19, 8),        // it books nothing
        ("request paid", 16, 75),       // it is told of what was made
        ("request paid", 18, 128 + 23), // it is never a repeat
        ("request failed", 20, b'a'),   // no reason code
    ] {
        let outcome = good.iter().find(|row| row.0 == name).unwrap().1;
        let mut bytes = outcome.to_entry().as_bytes().to_vec();
        bytes[offset] = byte;
        assert!(OutcomeEntry::read_all(&bytes).is_err(), "{name} with {byte} at {offset}");
    }
}

/// Internal accounts have zeros for a digest. A hint at one of them must not make it a customer's account.
#[test]
fn digest_of_zeros_finds_no_internal_account() {
    let mut ledger = Ledger::new(LIMITS);
    let first = genesis();
    apply_frame(&mut ledger, position(1), first.records(), first.texts());
    let mut writer = RecordWriter::new(key(), PRINCIPAL);
    write(Kind::RegisterParticipant, &mut writer);
    apply_frame(&mut ledger, position(10), writer.records(), writer.texts());
    let debtor_digest = 16 + 80..16 + 96;
    for hint in 0..6 {
        let mut order = order(&format!("T{hint}"), iban("A1"), iban("A2"));
        order.acceptance_time = Some(start());
        let mut writer = RecordWriter::new(key(), PRINCIPAL);
        writer.payment(&order, start(), Channel::Grpc, |_, _| AccountNumber(hint));
        let mut records = writer.records().to_vec();
        records[debtor_digest.clone()].fill(0);
        records[16 + 96..16 + 112].fill(0);
        let sequence = 100 + 10 * u64::from(hint);
        let outcome = apply_frame(&mut ledger, position(sequence), &records, writer.texts())[0];
        let reason = Some(ReasonCode::parse("AG01").unwrap());
        let verdict = Verdict::Payment { state: PaymentState::Rejected, reason, repeat_of: None };
        assert_eq!(outcome.verdict, verdict, "a mixed bank's account is remote, and the same on both sides");
    }
}

fn position(sequence: u64) -> Position {
    Position { sequence: Sequence(sequence), time: start() }
}

/// A ledger with a bank and an account, which damaged records may meet.
fn ledger() -> Ledger {
    let mut ledger = Ledger::new(LIMITS);
    let first = genesis();
    apply_frame(&mut ledger, position(1), first.records(), first.texts());
    let mut writer = RecordWriter::new(key(), PRINCIPAL);
    write(Kind::RegisterParticipant, &mut writer);
    write(Kind::OpenAccount, &mut writer);
    apply_frame(&mut ledger, position(10), writer.records(), writer.texts());
    ledger
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Damage is an error or another command, never a panic; and whatever reads as a command can be applied.
    #[test]
    fn damaged_records_never_panic(
        damage in proptest::collection::vec((0..2000_usize, any::<u8>()), 1..4),
        cut in prop_oneof![Just(usize::MAX), 0..2000_usize],
    ) {
        let (mut records, texts) = all_kinds();
        for (offset, byte) in damage {
            let length = records.len();
            records[offset % length] = byte;
        }
        records.truncate(cut);
        let mut ledger = ledger();
        let mut at = position(1000);
        ledger.reserve_for_frame(64);
        ledger.tick(at);
        for record in Records::new(&records, &texts) {
            let Ok(record) = record else { break };
            at.sequence = at.sequence.next();
            // A second genesis or an unknown profile is refused; everything else has an outcome.
            if let Ok(outcome) = ledger.apply(at, &record) {
                prop_assert_eq!(OutcomeEntry::read_all(outcome.to_entry().as_bytes()).unwrap().len(), 1);
            }
            ledger.validate();
        }
        prop_assert!(Records::erased(&records).count() <= 64);
    }

    #[test]
    fn noise_never_panics(records: Vec<u8>, texts: Vec<u8>, entries: Vec<u8>) {
        prop_assert!(Records::new(&records, &texts).count() <= records.len());
        let _ = OutcomeEntry::read_all(&entries);
    }

    /// One wrong byte in the texts is an error or another text, never a panic.
    #[test]
    fn damaged_texts_never_panic(offset in 0..4096_usize, byte: u8) {
        for kind in [Kind::OpenAccount, Kind::PostEntry, Kind::RequestRecall] {
            let mut texts = written(kind).texts().to_vec();
            let length = texts.len();
            texts[offset % length] = byte;
            let _ = AccountText::decode(&texts);
            let _ = EntryText::decode(&texts);
            let _ = RecallText::decode(&texts);
        }
    }
}

/// A document that was settled yesterday is refused for its date today, and is still the same body.
#[test]
fn a_refused_order_has_the_digest_of_the_order_with_its_surplus() {
    let digest = |write: &dyn Fn(&mut RecordWriter)| {
        let mut writer = RecordWriter::new(key(), PRINCIPAL);
        write(&mut writer);
        let command = Records::erased(writer.records()).next().unwrap().unwrap().command;
        if let Command::Payment(payment) = command {
            return payment.body_digest;
        }
        let Command::RefusedPayment(refused) = command else { panic!("{command:?}") };
        refused.body_digest
    };
    let order = || Box::new(payment_order());
    let refuse = |body| {
        digest(&|writer| {
            writer.refused_payment(&RefusedPayment { body: RefusedBody::clone(&body), ..refusal() })
        })
    };
    let pay = |surplus| {
        digest(&|writer| {
            let hints = |_, _| AccountNumber(0);
            writer.payment_with_surplus(&order(), surplus, start(), Channel::Iso20022, hints);
        })
    };
    assert_eq!(refuse(RefusedBody::Order(order())), pay(None));
    assert_eq!(refuse(RefusedBody::OrderWithSurplus(order(), b"more".to_vec())), pay(Some(b"more")));
    assert_ne!(pay(None), pay(Some(b"more")));
}

#[test]
fn digest_keys_of_two_logs_make_different_records() {
    let mut other = RecordWriter::new(DigestKey::new([1; 16]), PRINCIPAL);
    write(Kind::OpenAccount, &mut other);
    assert_ne!(other.records(), written(Kind::OpenAccount).records());
    assert_eq!(other.texts(), written(Kind::OpenAccount).texts());
}

/// What is submitted once more is as it was before anything was found out about it.
#[test]
fn commands_come_again_without_what_was_found_out() {
    for kind in [Kind::Payment, Kind::RefusedPayment, Kind::Answer, Kind::Evidence] {
        let before = written(kind);
        let mut writer = if kind == Kind::Evidence { written(kind) } else { with_evidence(kind) };
        writer.mark_last_connected(|_| true);
        let text = writer.texts();
        let again = RecordWriter::again(key(), writer.split().map(|record| (record, text)));
        assert_eq!((again.records(), again.texts()), (before.records(), before.texts()), "{kind:?}");
        assert_eq!((again.needs(), again.count()), (before.needs(), before.count()));
        assert_eq!(again.is_answers(0), before.is_answers(0));
    }
}

#[test]
fn a_payment_found_on_disk_is_the_one_of_the_record() {
    let damages: [(usize, &str); 4] = [
        (16 + 176 + 12, "found"),
        (16 + 176 + 116, "state"),
        (16 + 176 + 64, "evidence_found"),
        (16 + 176 + 127, "reserved"),
    ];
    for (at, field) in damages {
        let mut bytes = with_evidence(Kind::Payment).records().to_vec();
        bytes[at] ^= 1;
        let error = Records::erased(&bytes).next().unwrap().unwrap_err();
        assert_eq!(error, RecordError::Field(field), "{at}");
    }
    let mut short = with_evidence(Kind::Answer).records().to_vec();
    short[24 + 16] = 0;
    assert!(Records::erased(&short).next().unwrap().is_ok(), "only the code was changed");
}
