//! Frames, records and outcome entries as fields, named as in their byte tables.

use std::fmt::Debug;

use journal::{FrameHash, FrameHeader, FrameKind, FrameView, Location, segment_name};
use ledger::{
    About, AccountKind, AccountMode, AccountRange, AccountStatus, Command, DecisionScope, Direction, Kind,
    LiquidityDirection, MessageName, NotExecuted, OutcomeEntry, ParticipantStatus, Passage, Record, Silence,
    Stage, layout,
};
use types::{
    Amount, Balance, Bic, Channel, ClusterId, Currency, Date, Digest, Duration, Incarnation, Lives,
    PaymentState, ReasonCode, Sequence, Timestamp,
};

use crate::inspect::fields::Fields;

mod exceptions;
mod holds;
#[path = "rows_liquidity.rs"]
mod liquidity;
mod orders;
mod postings;
mod recalls;
mod requests_to_pay;

/// A frame's place, header and hash.
pub(crate) fn frame(frame: &FrameView<'_>, location: Location) -> Fields {
    let header = frame.header();
    Fields::default()
        .with("kind", frame_kind(header.kind))
        .with("time", instant(header.time))
        .with("file", segment_name(location.segment))
        .with("offset", location.offset)
        .with("epoch", header.epoch.0)
        .with("first_sequence", header.first_sequence.0)
        .with("records", header.record_count)
        .with("outcomes", header.outcome_count)
        .with("length", frame.bytes().len())
        .with("rules_version", header.rules_version)
        .with("durable_mark", header.durable_mark.0)
        .with("personal_length", header.personal_length)
        .with("personal_key", header.personal_key)
        .with("hash", frame.hash().to_string())
        .with("previous_hash", header.previous_hash.to_string())
}

/// What a record's structure says. Its texts come from elsewhere.
pub(crate) fn record(lives: &Lives, header: &FrameHeader, sequence: Sequence, record: &Record<'_>) -> Fields {
    let fields = Fields::default()
        .with("sequence", sequence.0)
        .with("kind", kind(record.command.kind()))
        .with("principal", record.principal.0);
    match record.command {
        Command::Genesis(it) => genesis(fields, it),
        Command::SetProfile(it) => profile(fields, it),
        Command::RegisterParticipant(it) => request(fields, &it.request)
            .with("bic", bic(it.bic))
            .with("mode", named(AccountMode::from_number(it.mode)))
            .with("currency", currency(it.currency.get()).code()),
        Command::SetParticipantStatus(it) => request(fields, &it.request)
            .with("bic", bic(it.bic))
            .with("status", named(ParticipantStatus::from_number(it.status))),
        Command::OpenAccount(it) => request(fields, &it.request)
            .with("bic", bic(it.bic))
            .with("kind_of_account", named(AccountKind::from_number(it.kind)))
            .with("floor", balance(it.floor.get(), it.currency.get()))
            .with("currency", currency(it.currency.get()).code())
            .with("iban_digest", digest(it.iban_digest)),
        Command::SetAccountStatus(it) => request(fields, &it.request)
            .with("status", named(AccountStatus::from_number(it.status)))
            .with("currency", currency(it.currency.get()).code())
            .with("iban_digest", digest(it.iban_digest)),
        Command::SetAccountFloor(it) => request(fields, &it.request)
            .with("floor", balance(it.floor.get(), it.currency.get()))
            .with("currency", currency(it.currency.get()).code())
            .with("iban_digest", digest(it.iban_digest)),
        Command::PostEntry(it) => request(fields, &it.request)
            .with("direction", named(Direction::from_number(it.direction)))
            .with("amount", amount(it.amount.get(), it.currency.get()))
            .with("currency", currency(it.currency.get()).code())
            .with("value_date", Date::from_days(it.value_date.get()).expect(CHECKED).to_string())
            .with("iban_digest", digest(it.iban_digest)),
        Command::TransferLiquidity(it) => request(fields, &it.request)
            .with("bic", bic(it.bic))
            .with("direction", named(LiquidityDirection::from_number(it.direction)))
            .with("amount", amount(it.amount.get(), it.currency.get()))
            .with("currency", currency(it.currency.get()).code())
            .with("reference_digest", digest(it.reference_digest)),
        Command::Payment(it) => payment(fields.with("payment_id", payment_id(lives, header, sequence)), it),
        Command::RefusedPayment(it) => {
            refused(fields.with("payment_id", payment_id(lives, header, sequence)), it)
        }
        Command::Evidence(it) => evidence(fields, lives, header, it),
        Command::BeginIncarnation(it) => fields
            .with("cluster", ClusterId(it.cluster).to_string())
            .with("incarnation", Incarnation(it.incarnation.get()).to_string())
            .with("previous", Incarnation(it.previous.get()).to_string())
            .with("restored_upto", it.restored_upto.get()),
        Command::SealDuplicates(it) => fields
            .with("run", it.run.get())
            .with("after", it.after.get())
            .with("upto", it.upto.get())
            .with("newest_time", time(it.newest_time.get()))
            .with("payments", it.payments.get())
            .with("hash", FrameHash(it.hash).to_string()),
        Command::Void(it) => fields
            .with("voided", it.sequence.get())
            .with("voided_batch", it.batch.get())
            .with("voided_kind", Kind::from_number(it.kind.get()).map_or("unknown", kind))
            .with("frame_hash", FrameHash(it.frame_hash).to_string()),
        Command::Answer(it) => fields
            .with("payment_id", payment_id(lives, header, Sequence(it.payment.get())))
            .with("bic", bic(it.bic))
            .with("stage", named(Stage::from_number(it.stage)))
            .with(
                "answer",
                ReasonCode::from_bytes(it.code).map_or("accepted".to_owned(), |code| code.to_string()),
            ),
        Command::SetDecisionPolicy(it) => request(fields, &it.request)
            .with("bic", bic(it.bic))
            .with("debit_scope", named(DecisionScope::from_stored(it.debit_scope, it.debit_above.get())))
            .with("debit_silence", named(Silence::from_number(it.debit_silence)))
            .with("credit_scope", named(DecisionScope::from_stored(it.credit_scope, it.credit_above.get())))
            .with("credit_silence", named(Silence::from_number(it.credit_silence))),
        Command::SetAccountHolders(it) => request(fields, &it.request)
            .with_some("repeats", Some(it.repeats.get()).filter(|position| *position != 0))
            .with("currency", currency(it.currency.get()).code())
            .with("iban_digest", digest(it.iban_digest)),
        Command::SetAccountFlag(it) => request(fields, &it.request)
            .with("is_flagged", it.is_flagged == 1)
            .with("currency", currency(it.currency.get()).code())
            .with("iban_digest", digest(it.iban_digest)),
        Command::SetReservationLimit(it) => request(fields, &it.request)
            .with("bic", bic(it.bic))
            .with("unanswered_max", it.unanswered_max.get()),
        Command::SetCustomerLimit(it) => customer_limit(request(fields, &it.request), it),
        Command::SetRestricted(it) => request(fields, &it.request)
            .with("is_restricted", it.is_restricted == 1)
            .with("currency", currency(it.currency.get()).code())
            .with("iban_digest", digest(it.iban_digest)),
        Command::SetFees(it) => request(fields, &it.request)
            .with("bic", bic(it.bic))
            .with("ordinary", balance(it.ordinary.get().into(), it.currency.get()))
            .with("instant", balance(it.instant.get().into(), it.currency.get()))
            .with("currency", currency(it.currency.get()).code()),
        Command::SetZone(it) => zone(request(fields, &it.request).with("bic", bic(it.bic)), it),
        Command::SetClosingDays(it) => recalls::closing_days(request(fields, &it.request), it),
        Command::RollBusinessDate(it) => request(fields, &it.request)
            .with("date", Date::from_days(it.date.get()).expect(CHECKED).to_string())
            .with("due", time(it.due.get())),
        Command::RequestRecall(it) => recalls::recall(request(fields, &it.request), it, lives, header),
        Command::AnswerRecall(it) => recalls::answer(request(fields, &it.request), it, lives, header),
        Command::SetRecallPolicy(it) => request(fields, &it.request)
            .with("bic", bic(it.bic))
            .with("is_silence_answered", it.is_silence_answered == 1),
        Command::SetVersion(it) => request(fields, &it.request).with("version", it.version.get()),
        Command::SetPositionAlert(_)
        | Command::SetReachableParty(_)
        | Command::SetBlock(_)
        | Command::TransferOwnFunds(_) => liquidity::record(fields, record.command),
        Command::CreateRequestToPay(it) => requests_to_pay::create(request(fields, &it.request), it),
        Command::PresentRequestToPay(it) => requests_to_pay::present(request(fields, &it.request), it),
        Command::AnswerRequestToPay(it) => requests_to_pay::answer(request(fields, &it.request), it),
        Command::CancelRequestToPay(it) => requests_to_pay::cancel(request(fields, &it.request), it),
        Command::PlaceHold(it) => holds::place(request(fields, &it.request), it),
        Command::CaptureHold(it) => holds::capture(request(fields, &it.request), it),
        Command::ReleaseHold(it) => holds::release(request(fields, &it.request), it),
        Command::PutRecord(it) => holds::put(request(fields, &it.request), it),
        Command::RemoveRecord(it) => holds::remove(request(fields, &it.request), it),
        Command::SetActivation(it) => activation(request(fields, &it.request), it),
        Command::SetPostingMap(it) => postings::map(request(fields, &it.request), it),
        Command::RaiseException(it) => exceptions::raise(request(fields, &it.request), it),
        Command::AssignException(it) => exceptions::assign(request(fields, &it.request), it),
        Command::ResolveException(it) => exceptions::resolve(request(fields, &it.request), it),
        Command::OpenPackage(it) => orders::open(request(fields, &it.request), it),
        Command::PackageLine(it) => orders::line(fields, it),
        Command::ClosePackage(it) => orders::close(request(fields, &it.request), it),
        Command::PlaceOrder(it) => orders::place(request(fields, &it.request), it),
        Command::ChangeOrder(it) => orders::change(request(fields, &it.request), it),
        Command::CancelOrders(it) => orders::cancel(request(fields, &it.request), it),
    }
}

/// What an outcome entry says. Balances are minor units; 0 where the command touched none.
pub(crate) fn outcome(entry: &OutcomeEntry) -> Fields {
    let [debtor_balance, creditor_balance, debtor_position, creditor_position] = entry.balances();
    Fields::default()
        .with("sequence", entry.sequence().0)
        .with("kind", entry.kind().map_or("unknown", kind))
        .with("verdict", verdict(entry))
        .with_some("reason", entry.reason().map(|reason| reason.to_string()))
        .with_some("remark", entry.remark().meaning())
        .with_some("fee", (entry.remark().fee() > 0).then(|| entry.remark().fee()))
        .with_some("refusal", entry.refusal().map(|refusal| refusal.name()))
        .with_some("inactive", entry.inactive_side().map(|stage| named(Some(stage))))
        .with_some("leg", entry.leg_booked().map(|(leg, _)| u64::from(leg)))
        .with_some("order", entry.not_executed().map(|(order, _)| order.0))
        .with_some("why", entry.not_executed().map(|(_, why)| not_executed(why)))
        .with_some("effect", entry.effect().map(|effect| named(Some(effect))))
        .with_some("payment", entry.effect().and_then(|_| entry.payment()).map(|payment| payment.0))
        .with_some("repeat_of", entry.repeat_of().map(|sequence| sequence.0))
        .with("decided_at", entry.decided_at().0)
        .with_some("late", entry.is_late().then_some("yes"))
        .with_some("crossed", liquidity::crossed(entry))
        .with("debtor_balance", debtor_balance)
        .with("creditor_balance", creditor_balance)
        .with("debtor_position", debtor_position)
        .with("creditor_position", creditor_position)
}

/// Which accounts of a bank take part.
fn activation(fields: Fields, it: &layout::SetActivation) -> Fields {
    let range = it.range();
    let end = |number: fn(&AccountRange) -> &str| range.as_ref().map(|range| number(range).to_owned());
    fields
        .with("bic", bic(it.bic))
        .with("is_active", it.is_active == 1)
        .with_some("country", end(AccountRange::country))
        .with_some("first", end(AccountRange::first))
        .with_some("last", end(AccountRange::last))
}

/// One word for what an outcome entry says.
pub(crate) fn verdict(entry: &OutcomeEntry) -> &'static str {
    match (entry.payment_state(), entry.refusal()) {
        (Some(state), _) => payment_state(state),
        (None, Some(_)) => "refused",
        (None, None) if entry.effect().is_some() => "refused",
        (None, None) if entry.is_asked_again() => "asked_again",
        (None, None) if entry.inactive_side().is_some() => "not_active",
        (None, None) if entry.leg_booked().is_some() => "leg_booked",
        (None, None) if entry.request_ended().is_some() => "request_to_pay_ended",
        (None, None) if entry.hold_expired().is_some() => "hold_expired",
        (None, None) if entry.not_executed().is_some() => "not_executed",
        (None, None) if entry.order_ended().is_some() => "order_ended",
        (None, None) if entry.package_complete().is_some() => "package_complete",
        (None, None) => "done",
    }
}

/// Why an order was not executed: a word, or the reason for which it goes on waiting.
fn not_executed(why: NotExecuted) -> String {
    match why {
        NotExecuted::Waits(reason) => reason.to_string(),
        NotExecuted::Unknown => "unknown".to_owned(),
        NotExecuted::NotOpen => "not_closed".to_owned(),
        NotExecuted::NotPending => "not_pending".to_owned(),
        NotExecuted::NotDue => "not_due".to_owned(),
        NotExecuted::Differs => "differs".to_owned(),
    }
}

/// The name of a state.
pub(crate) const fn payment_state(state: PaymentState) -> &'static str {
    match state {
        PaymentState::Reserved => "reserved",
        PaymentState::Settled => "settled",
        PaymentState::Rejected => "rejected",
        PaymentState::Expired => "expired",
        PaymentState::Unresolved => "unresolved",
    }
}

/// The name of a kind of frame.
pub(crate) const fn frame_kind(kind: FrameKind) -> &'static str {
    match kind {
        FrameKind::Commands => "commands",
        FrameKind::Marker => "marker",
        FrameKind::EpochStart => "epoch_start",
    }
}

/// The name of a kind of record.
pub(crate) const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Genesis => "genesis",
        Kind::SetProfile => "set_profile",
        Kind::RegisterParticipant => "register_participant",
        Kind::SetParticipantStatus => "set_participant_status",
        Kind::OpenAccount => "open_account",
        Kind::SetAccountStatus => "set_account_status",
        Kind::SetAccountFloor => "set_account_floor",
        Kind::PostEntry => "post_entry",
        Kind::TransferLiquidity => "transfer_liquidity",
        Kind::Payment => "payment",
        Kind::RefusedPayment => "refused_payment",
        Kind::Evidence => "evidence",
        Kind::BeginIncarnation => "begin_incarnation",
        Kind::SealDuplicates => "seal_duplicates",
        Kind::Void => "void",
        Kind::Answer => "answer",
        Kind::SetDecisionPolicy => "set_decision_policy",
        Kind::SetAccountFlag => "set_account_flag",
        Kind::SetReservationLimit => "set_reservation_limit",
        Kind::SetCustomerLimit => "set_customer_limit",
        Kind::SetRestricted => "set_restricted",
        Kind::SetFees => "set_fees",
        Kind::SetZone => "set_zone",
        Kind::SetClosingDays => "set_closing_days",
        Kind::RollBusinessDate => "roll_business_date",
        Kind::RequestRecall => "request_recall",
        Kind::AnswerRecall => "answer_recall",
        Kind::SetRecallPolicy => "set_recall_policy",
        Kind::SetVersion => "set_version",
        Kind::SetPositionAlert => "set_position_alert",
        Kind::SetReachableParty => "set_reachable_party",
        Kind::SetBlock => "set_block",
        Kind::TransferOwnFunds => "transfer_own_funds",
        Kind::SetAccountHolders => "set_account_holders",
        Kind::CreateRequestToPay => "create_request_to_pay",
        Kind::PresentRequestToPay => "present_request_to_pay",
        Kind::AnswerRequestToPay => "answer_request_to_pay",
        Kind::CancelRequestToPay => "cancel_request_to_pay",
        Kind::PlaceHold => "place_hold",
        Kind::CaptureHold => "capture_hold",
        Kind::ReleaseHold => "release_hold",
        Kind::PutRecord => "put_record",
        Kind::RemoveRecord => "remove_record",
        Kind::SetActivation => "set_activation",
        Kind::SetPostingMap => "set_posting_map",
        Kind::RaiseException => "raise_exception",
        Kind::AssignException => "assign_exception",
        Kind::ResolveException => "resolve_exception",
        Kind::OpenPackage => "open_package",
        Kind::PackageLine => "package_line",
        Kind::ClosePackage => "close_package",
        Kind::PlaceOrder => "place_order",
        Kind::ChangeOrder => "change_order",
        Kind::CancelOrders => "cancel_orders",
    }
}

/// An instant with all its nanoseconds: frames are told apart by them.
pub(crate) fn instant(time: Timestamp) -> String {
    let nanoseconds = time.nanoseconds() % 1_000_000_000;
    let whole =
        time.minus(Duration::from_nanoseconds(nanoseconds).expect("a remainder of a positive number"));
    format!("{}.{nanoseconds:09}Z", whole.to_string().trim_end_matches('Z'))
}

const CHECKED: &str = "records are checked when they are read";

fn genesis(fields: Fields, genesis: &layout::Genesis) -> Fields {
    // With the key, digests of all account numbers could be tried out.
    fields
        .with("cluster", ClusterId(genesis.cluster).to_string())
        .with("incarnation", Incarnation(genesis.incarnation.get()).to_string())
        .with("digest_version", genesis.digest_version)
        .with("digest_key_id", genesis.digest_key_id.get())
        .with("digest_key", "not shown")
}

fn profile(fields: Fields, profile: &layout::SetProfile) -> Fields {
    let span = |nanoseconds| format!("{:?}", Duration::from_nanoseconds(nanoseconds).expect(CHECKED));
    let code = |bytes| ReasonCode::from_bytes(bytes).expect(CHECKED).to_string();
    fields
        .with("number", profile.number.get())
        .with("currency", currency(profile.currency.get()).code())
        .with("target", span(profile.target.get()))
        .with("expiry", span(profile.expiry.get()))
        .with("confirmation", span(profile.confirmation.get()))
        .with("legal_limit", span(profile.legal_limit.get()))
        .with("future_tolerance", span(profile.future_tolerance.get()))
        .with("offline_grace", span(profile.offline_grace.get()))
        .with("late_on_arrival", code(profile.late_on_arrival))
        .with("timeout_to_originator", code(profile.timeout_to_originator))
        .with("timeout_to_beneficiary", code(profile.timeout_to_beneficiary))
        .with("no_connection", code(profile.no_connection))
}

fn customer_limit(fields: Fields, set: &layout::SetCustomerLimit) -> Fields {
    let (per_payment, per_day) = set.limits();
    let limit =
        |limit: Option<types::Amount>| limit.map(|limit| amount(limit.minor_units(), set.currency.get()));
    fields
        .with_some("per_payment", limit(per_payment))
        .with_some("per_day", limit(per_day))
        .with("currency", currency(set.currency.get()).code())
        .with("iban_digest", digest(set.iban_digest))
}

fn zone(fields: Fields, set: &layout::SetZone) -> Fields {
    let zone = set.zone();
    fields
        .with("minutes_ahead", i64::from(zone.offset.minutes()))
        .with_some("change_at", zone.change.map(|change| change.at.to_string()))
        .with_some("minutes_ahead_then", zone.change.map(|change| i64::from(change.offset.minutes())))
}

fn payment(fields: Fields, payment: &layout::Payment) -> Fields {
    let flags = payment.flags.get();
    key(fields, &payment.key)
        .with("creditor_agent", bic(payment.creditor_agent))
        .with("amount", amount(payment.amount.get(), payment.currency.get()))
        .with("currency", currency(payment.currency.get()).code())
        .with("channel", channel(payment.channel))
        .with("acceptance_time", time(payment.acceptance_time.get()))
        .with("stamped", flags & layout::PAYMENT_STAMPED != 0)
        .with("connected", flags & layout::PAYMENT_CONNECTED != 0)
        .with_some("order", Some(payment.order.get()).filter(|order| *order != 0))
        .with_some("debtor_connected", (flags & layout::PAYMENT_DEBTOR_CONNECTED != 0).then_some("yes"))
        .with_some("activation", Some(payment.activation.get()).filter(|number| *number != 0))
        .with_some("inactive", payment.inactive_side().map(|stage| named(Some(stage))))
        .with("profile", payment.profile.get())
        .with("debtor_account_hint", payment.debtor_account_hint.get())
        .with("creditor_account_hint", payment.creditor_account_hint.get())
        .with("evidence_upto", payment.evidence_upto.get())
        .with("evidence_found", payment.evidence_found.get())
        .with("digest_version", payment.digest_version)
        .with("body_digest", digest(payment.body_digest))
        .with("debtor_account_digest", digest(payment.debtor_account_digest))
        .with("creditor_account_digest", digest(payment.creditor_account_digest))
}

fn refused(fields: Fields, refused: &layout::RefusedPayment) -> Fields {
    let accepted = refused.acceptance_time.get();
    key(fields, &refused.key)
        .with_some("creditor_agent", Bic::from_bytes(refused.creditor_agent).map(|bic| bic.to_string()))
        .with("reason", ReasonCode::from_bytes(refused.reason).expect(CHECKED).to_string())
        .with_some("entitled", (!refused.is_entitled()).then_some("no"))
        .with("channel", channel(refused.channel))
        .with_some("acceptance_time", (accepted != 0).then(|| time(accepted)))
        .with("evidence_upto", refused.evidence_upto.get())
        .with("evidence_found", refused.evidence_found.get())
        .with("digest_version", refused.digest_version)
        .with("body_digest", digest(refused.body_digest))
}

fn evidence(fields: Fields, lives: &Lives, header: &FrameHeader, evidence: &layout::Evidence) -> Fields {
    let about = match evidence.about() {
        About::NoPayment => "no payment".to_owned(),
        About::Payment(payment) => payment_id(lives, header, payment),
        About::RecordBefore => "the record before".to_owned(),
    };
    fields
        .with("about", about)
        .with("passage", named(Passage::from_number(evidence.passage)))
        .with("message", MessageName::from_bytes(evidence.message_name).expect(CHECKED).as_str())
        .with_some("counterpart", Bic::from_bytes(evidence.counterpart).map(|bic| bic.to_string()))
        .with("document_length", evidence.document_length.get())
}

fn key(fields: Fields, key: &layout::PaymentKey) -> Fields {
    fields
        .with("debtor_agent", key.bank().to_string())
        .with("transaction_id", key.transaction_id_text().as_str())
}

fn request(fields: Fields, request: &layout::Request) -> Fields {
    fields.with("request_digest", digest(request.id_digest)).with("body_digest", digest(request.body_digest))
}

pub(crate) fn payment_id(lives: &Lives, header: &FrameHeader, sequence: Sequence) -> String {
    lives.payment_id(header.identity.shard, sequence).to_string()
}

/// The variant's name as it stands in the code, which is the field's own term.
fn named(value: Option<impl Debug>) -> String {
    format!("{:?}", value.expect(CHECKED)).to_lowercase()
}

fn channel(number: u8) -> &'static str {
    match number == Channel::Iso20022.number() {
        true => "iso20022",
        false => "grpc",
    }
}

fn bic(bytes: [u8; 11]) -> String {
    Bic::from_bytes(bytes).expect(CHECKED).to_string()
}

fn currency(number: u16) -> Currency {
    Currency::from_number(number).expect(CHECKED)
}

fn amount(minor_units: i64, number: u16) -> String {
    Amount::from_minor_units(minor_units).expect(CHECKED).to_decimal(currency(number))
}

fn balance(minor_units: i64, number: u16) -> String {
    Balance::from_minor_units(minor_units).expect(CHECKED).to_decimal(currency(number))
}

fn time(nanoseconds: i64) -> String {
    instant(Timestamp::from_nanoseconds(nanoseconds).expect(CHECKED))
}

fn digest(bytes: [u8; 16]) -> String {
    format!("{:?}", Digest(bytes))
}
