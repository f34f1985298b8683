//! A log of long ago in which payments were asked back, and nobody has answered.

use std::path::Path;
use std::time::Duration as Span;

use journal::FrameKind;
use ledger::{
    AccountMode, Answer, AnswerPayment, Original, RULES_VERSION, RecallText, RegisterParticipant, RequestId,
    RequestRecall, SetClosingDays, Stage,
};
use types::{
    AccountNumber, Bic, Channel, ClosingDays, Currency, Iban, PaymentOrder, RecallReason, Sequence, Text,
    Timestamp,
};

use crate::old_log::{KEY, OldLog, Texts, enter, order, writer};
use crate::{ALFA, BETA, GAMMA, ago, belgian, french, german, nanoseconds};

/// Writes a log in which, so long ago, customer 1 of ALFA paid 1.00 three times: `OLD-1` and `OLD-3` to customer 1 of
/// BETA, `OLD-2` to customer 1 of GAMMA, which keeps its accounts itself. The first two ALFA asked back for fraud at once.
/// Says when they were accepted.
///
/// # Panics
/// If the folder can't be written, or the time was before 1970.
pub fn write_log_with_recalls(folder: &Path, age: Span) -> Timestamp {
    let begin = i64::try_from(nanoseconds(&ago(age))).expect("it is after 1970 and before 2262");
    let begin = Timestamp::from_nanoseconds(begin).expect("it is after 1970");
    let mut log = OldLog::create(folder, begin, Texts::Clear, RULES_VERSION);
    log.begin();
    let mut commands = writer();
    enter(&mut commands, ALFA, &belgian(1));
    enter(&mut commands, BETA, &german(1));
    commands.register_participant(&RegisterParticipant {
        request_id: request("gamma"),
        bic: bic(GAMMA),
        name: Text::parse("A bank elsewhere").expect("a name"),
        mode: AccountMode::Remote,
        currency: Currency::EUR,
    });
    let (this_year, ..) = begin.date().civil();
    let this_year = u16::try_from(this_year).expect("it is after 1970");
    for year in [this_year, this_year + 1] {
        let closing_days = ClosingDays::target(year).expect("a year of this century");
        commands.set_closing_days(&SetClosingDays { request_id: request(&format!("{year}")), closing_days });
    }
    log.append(FrameKind::Commands, &commands);
    let first = pay(&mut log, "OLD-1", begin, BETA, &german(1));
    let second = pay(&mut log, "OLD-2", begin, GAMMA, &french(1));
    let mut commands = writer();
    let (bic, stage, answer) = (bic(GAMMA), Stage::Credit, Answer::Accept);
    commands.answer(&AnswerPayment { payment: second, bic, stage, answer });
    log.append(FrameKind::Commands, &commands);
    pay(&mut log, "OLD-3", begin, BETA, &german(1));
    let mut commands = writer();
    for (payment, bank, account) in [(first, BETA, german(1)), (second, GAMMA, french(1))] {
        let original = original(&log, payment, bank, &account);
        let reference = Text::parse_identifier("RECALL-1").expect("an identifier");
        commands.request_recall(&RequestRecall {
            request_id: request(&format!("recall-{bank}")),
            original,
            reason: RecallReason::Fraud,
            text: RecallText { reference, originator: None, information: Vec::new(), settlement_date: None },
        });
    }
    log.append(FrameKind::Commands, &commands);
    log.append(FrameKind::Marker, &writer());
    assert_eq!(log.ledger.open_recall_count(), 2, "both were settled");
    begin
}

/// Pays, and says where the payment stands.
fn pay(log: &mut OldLog, id: &str, accepted: Timestamp, bank: &str, account: &str) -> Sequence {
    let order =
        PaymentOrder { creditor_agent: bic(bank), creditor_account: iban(account), ..order(id, accepted) };
    let mut commands = writer();
    commands.payment(&order, accepted, Channel::Grpc, |_, _| AccountNumber(0));
    commands.mark_last_connected(|_| true);
    log.append(FrameKind::Commands, &commands);
    log.ledger.position().sequence
}

/// What the log tells of a payment.
fn original(log: &OldLog, payment: Sequence, bank: &str, account: &str) -> Original {
    let known = log.ledger.payment(payment).expect("it was just made");
    let order = order("OLD", log.time);
    Original {
        payment,
        incarnation: log.incarnation(),
        state: known.state(),
        decided_at: known.decided_at(),
        decided_time: known.decided_time(),
        amount: order.amount,
        currency: order.currency,
        debtor_agent: order.debtor_agent,
        creditor_agent: bic(bank),
        debtor_account: KEY.iban(order.debtor_account.as_str()),
        creditor_account: KEY.iban(iban(account).as_str()),
    }
}

fn request(what: &str) -> RequestId {
    RequestId::parse(&format!("old-{what}")).expect("printable characters")
}

fn bic(text: &str) -> Bic {
    Bic::parse(text).expect("a BIC")
}

fn iban(text: &str) -> Iban {
    Iban::parse(text).expect("an IBAN")
}
