//! Voided commands: what they leave alone, what they are told, and the record that keeps the trail.

use types::{
    AccountNumber, Amount, Channel, ClusterId, Currency, Incarnation, PaymentState, PrincipalNumber,
    ReasonCode, Text,
};

use super::*;
use crate::testing::LIMITS;
use crate::testing_words::{bank, iban, key, order, start};
use crate::{
    AccountMode, LiquidityDirection, OutcomeEntry, PaymentAnswer, Profile, Records, RegisterParticipant,
    RequestId, TransferLiquidity,
};

/// A ledger, and the positions of what is applied to it.
struct Log {
    ledger: Ledger,
    at: u64,
}

impl Log {
    /// With one hosted bank and one account in it.
    fn new() -> Self {
        let mut log = Self { ledger: Ledger::new(LIMITS), at: 0 };
        let mut writer = commands();
        writer.genesis(ClusterId([1; 16]), Incarnation(2));
        writer.set_profile(&Profile::sct_inst_2025());
        log.apply(&writer);
        log
    }

    fn each(&mut self, writer: &RecordWriter, voided: bool) -> Vec<Result<Outcome, ReplayError>> {
        let records = Records::new(writer.records(), writer.texts());
        let apply = |record: Result<crate::Record<'_>, _>| {
            self.at += 1;
            let at = Position { sequence: Sequence(self.at), time: start() };
            let record = record.unwrap();
            if voided { self.ledger.apply_voided(at, &record) } else { self.ledger.apply(at, &record) }
        };
        records.map(apply).collect()
    }

    fn apply(&mut self, writer: &RecordWriter) -> Vec<Outcome> {
        self.each(writer, false).into_iter().map(Result::unwrap).collect()
    }

    fn pass_over(&mut self, writer: &RecordWriter) -> Outcome {
        self.each(writer, true).remove(0).unwrap()
    }
}

fn commands() -> RecordWriter {
    RecordWriter::new(key(), PrincipalNumber(1))
}

fn register() -> RecordWriter {
    let mut writer = commands();
    writer.register_participant(&RegisterParticipant {
        request_id: RequestId::parse("register").unwrap(),
        bic: bank("A"),
        name: Text::parse("A bank").unwrap(),
        mode: AccountMode::Remote,
        currency: Currency::EUR,
    });
    writer
}

fn fund() -> RecordWriter {
    let mut writer = commands();
    writer.transfer_liquidity(&TransferLiquidity {
        request_id: RequestId::parse("fund").unwrap(),
        bic: bank("A"),
        direction: LiquidityDirection::Fund,
        amount: Amount::from_minor_units(1000).unwrap(),
        currency: Currency::EUR,
        external_reference: Text::parse_identifier("BOOKING").unwrap(),
    });
    writer
}

fn payment() -> RecordWriter {
    let mut writer = commands();
    writer.payment(&order("T1", iban("A1"), iban("A2")), start(), Channel::Grpc, |_, _| AccountNumber(0));
    writer
}

fn void(sequence: u64, kind: Kind) -> Void {
    Void { sequence: Sequence(sequence), batch: BatchNumber(3), kind: kind.number(), frame_hash: [7; 32] }
}

#[test]
fn a_voided_request_did_nothing_and_its_id_is_free() {
    let mut log = Log::new();
    log.apply(&register());
    let told = log.pass_over(&fund());
    assert_eq!(told.verdict, Verdict::Refused { refusal: Refusal::Voided, repeat_of: None });
    let entry = told.to_entry();
    assert_eq!(OutcomeEntry::read_all(entry.as_bytes()).unwrap(), [entry], "it can be read back");
    let again = log.apply(&fund()).remove(0);
    assert_eq!(again.repeat_of(), None, "decided anew");
    assert!(matches!(again.verdict, Verdict::Done { .. }), "{again:?}");
    assert_eq!(log.apply(&fund()).remove(0).repeat_of(), Some(again.sequence));
    log.ledger.validate();
}

#[test]
fn a_voided_payment_is_rejected_under_its_own_id_and_its_key_is_free() {
    let mut log = Log::new();
    log.apply(&register());
    let told = log.pass_over(&payment());
    let reason = Some(ReasonCode::parse("MS03").unwrap());
    let rejected = Verdict::Payment { state: PaymentState::Rejected, reason, repeat_of: None };
    assert_eq!(told.verdict, rejected);
    let PaymentAnswer::Found(known) = log.ledger.payment_at(told.sequence) else {
        panic!("it has an answer")
    };
    assert_eq!((known.state(), known.reason()), (PaymentState::Rejected, reason));
    let again = log.apply(&payment()).remove(0);
    assert_eq!(again.repeat_of(), None, "decided anew");
    assert_eq!(log.apply(&payment()).remove(0).repeat_of(), Some(again.sequence));
    log.ledger.validate();
}

#[test]
fn a_genesis_is_never_passed_over() {
    let mut genesis = commands();
    genesis.genesis(ClusterId([1; 16]), Incarnation(2));
    let mut empty = Log { ledger: Ledger::new(LIMITS), at: 0 };
    assert_eq!(empty.each(&genesis, true), [Err(ReplayError::Genesis)]);
    assert_eq!(
        empty.each(&register(), true),
        [Err(ReplayError::Genesis)],
        "nor does a log begin without one"
    );
    assert_eq!(Log::new().each(&genesis, true), [Err(ReplayError::Genesis)]);
}

#[test]
fn the_record_of_a_void_changes_nothing_and_names_what_stands_before_it() {
    let mut log = Log::new();
    log.apply(&register());
    let before = log.ledger.trial_balance();
    let mut writer = commands();
    writer.void(&void(3, Kind::RegisterParticipant));
    let told = log.apply(&writer).remove(0);
    assert_eq!(told.verdict, Verdict::Done { subject: 0, repeat_of: None });
    assert_eq!(log.ledger.trial_balance(), before);
    for ahead in [log.at + 1, log.at + 2] {
        let mut writer = commands();
        writer.void(&void(ahead, Kind::Payment));
        let applied = log.each(&writer, false).remove(0);
        assert_eq!(applied.is_err(), ahead >= log.at, "{ahead}: {applied:?}");
    }
}

#[test]
fn what_a_void_says_comes_back() {
    let mut writer = commands();
    let void = void(9, Kind::Answer);
    writer.void(&void);
    let record = Records::new(writer.records(), &[]).next().unwrap().unwrap();
    let Command::Void(read) = record.command else { panic!("{record:?}") };
    assert_eq!(read.void(), void);
}
