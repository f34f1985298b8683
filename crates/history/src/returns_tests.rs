//! Payments that went back, on the accounts and positions that they moved.

use ledger::{
    AccountSelector, AccountStatus, AnswerRecall, Original, RecallAnswer, RecallText, RequestId,
    RequestRecall, SetAccountStatus, SetClosingDays,
};
use types::{Balance, ClosingDays, Currency, Incarnation, PaymentState, RecallReason, Sequence, Text};

use super::bookings_tests::{all, check_books};
use super::tests::index;
use super::*;
use crate::bookings::Heap;
use crate::rows::EntryKind;
use crate::testing::{KEY, Log, bank, euro_cents, iban, identity};

fn request_id(id: &str) -> RequestId {
    RequestId::parse(id).unwrap()
}

fn text(reference: &str) -> RecallText {
    RecallText {
        reference: Text::parse(reference).unwrap(),
        originator: None,
        information: Vec::new(),
        settlement_date: None,
    }
}

/// A payment of 5.00 from `payer` to `payee`, asked back, of which 4.00 goes back and 0.30 is kept.
fn returned(payer: &str, payee: &str) -> (Log, Sequence) {
    returned_to(payer, payee, false)
}

/// The same, where the payer's account may be blocked by then, so that its bank gets the money.
fn returned_to(payer: &str, payee: &str, is_elsewhere: bool) -> (Log, Sequence) {
    let mut log = Log::new();
    let mut writer = log.writer();
    for year in [2026, 2027] {
        let closing_days = ClosingDays::target(year).unwrap();
        let request_id = request_id(&format!("closing-{year}"));
        writer.set_closing_days(&SetClosingDays { request_id, closing_days });
    }
    log.pay(&mut writer, "TX-1", payer, payee, 500);
    log.commands(&writer);
    let settled = log.ledger.position();
    let mut writer = log.writer();
    let account = |name| KEY.iban(iban(name).as_str());
    writer.request_recall(&RequestRecall {
        request_id: request_id("recall"),
        original: Original {
            payment: settled.sequence,
            incarnation: Incarnation(identity().incarnation.0),
            state: PaymentState::Settled,
            decided_at: settled.sequence,
            decided_time: settled.time,
            amount: euro_cents(500),
            currency: Currency::EUR,
            debtor_agent: bank(&payer[..1]),
            creditor_agent: bank(&payee[..1]),
            debtor_account: account(payer),
            creditor_account: account(payee),
        },
        reason: RecallReason::Duplicate,
        text: text("RECALL-1"),
    });
    log.commands(&writer);
    let recall = *log.ledger.recall_of_payment(settled.sequence).expect("it is asked back");
    let mut writer = log.writer();
    if is_elsewhere {
        writer.set_account_status(&SetAccountStatus {
            request_id: request_id("block"),
            account: AccountSelector { iban: iban(payer), currency: Currency::EUR },
            status: AccountStatus::Blocked,
        });
    }
    let (amount, fee) = (euro_cents(400), Balance::from_minor_units(30).unwrap());
    writer.answer_recall(&AnswerRecall {
        request_id: request_id("return"),
        recall: recall.sequence(),
        recalled: log.ledger.recalled(&recall),
        bic: bank(&payee[..1]),
        answer: RecallAnswer::Return { amount, fee },
        has_consent: false,
        is_elsewhere,
        text: text("RETURN-1"),
    });
    log.commands(&writer);
    let command = log.ledger.position().sequence;
    log.marker();
    (log, command)
}

/// Kind, change and balance of the last entries, oldest first.
fn last(view: &View, owner: Owner, count: usize) -> Vec<(EntryKind, i64, i64)> {
    let rows = view.entries(owner, (None, None), Order::OldestFirst, None, 100).unwrap().rows;
    rows[rows.len() - count..].iter().map(|row| (row.kind, row.change, row.balance)).collect()
}

#[test]
fn return_and_fee_are_entries_of_their_own() {
    let (log, command) = returned("A1", "B1");
    let (_folder, store) = index(&log, true);
    let view = View::new(&store).unwrap().unwrap();
    let account =
        |name: &str| view.account(KEY.iban(iban(name).as_str()), Currency::EUR).unwrap().unwrap().owner;
    assert_eq!(
        last(&view, account("B1"), 3),
        [
            (EntryKind::Payment, 500, 50_500),
            (EntryKind::Return, -400, 50_100),
            (EntryKind::ReturnFee, -30, 50_070),
        ]
    );
    assert_eq!(last(&view, account("A1"), 1), [(EntryKind::Return, 400, 49_900)]);
    let rows = view.entries(account("A1"), (None, None), Order::NewestFirst, None, 1).unwrap().rows;
    assert_eq!(rows[0].command, command, "the entry is that of the answer");
    for (name, change, balance) in [("A", 400, 99_900), ("B", -400, 100_100)] {
        let position = view.position(bank(name), Currency::EUR).unwrap().owner;
        assert_eq!(last(&view, position, 1), [(EntryKind::Return, change, balance)], "{name}");
    }
}

#[test]
fn inside_a_bank_a_return_moves_no_position() {
    let (log, _) = returned("A1", "A2");
    let (_folder, store) = index(&log, true);
    let view = View::new(&store).unwrap().unwrap();
    let position = view.position(bank("A"), Currency::EUR).unwrap().owner;
    assert_eq!(last(&view, position, 1)[0].0, EntryKind::Liquidity);
}

#[test]
fn books_have_both_sides_of_returns() {
    let told = |view: &View, letter: &str, command: Sequence| -> Vec<(EntryKind, i64, Vec<Heap>)> {
        let rows = all(view, letter).into_iter().filter(|row| row.command == command);
        rows.map(|row| (row.kind, row.amount, row.sides().map(|side| side.heap).collect())).collect()
    };
    use Heap::{Clearing, Core, Customers, Fees, Position, Transit};
    for (payer, payee, is_elsewhere, payers, payees) in [
        (
            "A1",
            "B1",
            false,
            vec![Clearing, Customers, Position, Transit],
            vec![Customers, Clearing, Transit, Position],
        ),
        (
            "A1",
            "B1",
            true,
            vec![Clearing, Core, Position, Transit],
            vec![Customers, Clearing, Transit, Position],
        ),
        ("A1", "A2", true, vec![Customers, Core], vec![Customers, Core]),
    ] {
        let (log, command) = returned_to(payer, payee, is_elsewhere);
        let (_folder, store) = index(&log, true);
        let view = View::new(&store).unwrap().unwrap();
        check_books(&log, &view);
        assert_eq!(told(&view, &payer[..1], command)[0], (EntryKind::Return, 400, payers), "{payer} {payee}");
        let rows = told(&view, &payee[..1], command);
        assert_eq!(rows[0], (EntryKind::Return, 400, payees));
        assert_eq!(rows[1], (EntryKind::ReturnFee, 30, vec![Customers, Fees]));
        let payment = log.payments[0];
        let rows = all(&view, &payee[..1]);
        let about = rows.iter().filter(|row| row.command == command).map(|row| row.payment);
        assert!(about.eq([Some(payment), Some(payment)]), "the payment that went back");
    }
}
