//! Payments to banks that keep their customers' accounts themselves, while the node is killed and stopped: whoever is told
//! of a payment is told the same, at any time, on either side, in messages, in documents and in the log.
//!
//! The banks are those of `solvo bank`: they behave and misbehave as told, connect again by themselves with the last
//! position that they have processed, and keep books that believe an outcome once. The payers' banks listen as well, so that
//! both sides are heard.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use client::v1;
use client::v1::connect_event::Event;
use tests::{
    ALFA, Api, BETA, Bank, GAMMA, OPENING_BALANCE, World, ago, answer, belgian, french, nanoseconds, payment,
};
use tokio::time::timeout;

use crate::STOPPED;
use crate::books::{cents, decimal};
use crate::check::every_payment_is_found;
use crate::counterparts::Banks;
use crate::node::{self, Node};
use crate::payers::{CUSTOMERS, DELTA, Payers};
use crate::plan::customers;
use crate::random::{self, Random};
use crate::record::{Entry, Record, Request, Told};
use crate::told_in_log::ToldInLog;

/// How often the node is killed under load.
const KILLS: u64 = 8;

/// Settlements of a round before its kill, at most.
const SETTLED_MAX: u64 = 200;

/// What a bank that gets no money for its payments begins with, in cents.
const OPENING_POSITION: i64 = 100_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn both_banks_are_told_the_same_over_kills() {
    let seed = random::seed();
    println!("to repeat this run: SOLVO_SEED={seed} cargo test -p solvo --test kill both_banks");
    let mut random = Random::new(seed);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let port = node::own_port(&mut random);
    let mut node = Node::start_at(folder, port);
    set_up(&node.api().await).await;
    let record = Arc::new(Record::default());
    let mut banks = Banks::connect(node.address(), seed).await;
    for round in 0..KILLS {
        // Often before the first answer, when questions have just gone out.
        let settled = if random.one_in(4) { random.below(4) } else { random.below(SETTLED_MAX) };
        let mut payers = Payers::start(&node, &format!("K{round}"), &mut random, &record).await;
        payers.settle(settled).await;
        node.kill();
        payers.end().await;
        if random.one_in(4) {
            node::kill_while_starting(folder, 1 + random.below(8));
        }
        node = Node::start_at(folder, port);
    }
    Payers::resolve(&node, &mut random, &record).await;
    banks.drain().await;
    let entries = record.entries();
    banks.were_told(&entries);
    every_payment_is_found(&node, &record).await;
    books_are_what_was_settled(&node.api().await, &entries).await;
    node.kill();

    let node = Node::start_at(folder, port);
    every_payment_is_found(&node, &record).await;
    books_are_what_was_settled(&node.api().await, &entries).await;
    node::verify(folder);
    log_says(folder, &entries);
    for bank in banks.fit(&entries).await.iter().filter(|bank| bank.tally.questions > 0) {
        assert!(bank.tally.repeated_questions > 0, "no question outlived the node: {bank}");
    }
    covers_everything(&entries);
}

/// The node stands still while payments wait for their bank, which answers some of them meanwhile. All of them are over
/// when it goes on: they end in the order of their deadlines, and each of both banks hears so.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_open_during_a_stop_expires_in_order_afterwards() {
    const PAYMENTS: u32 = 40;
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let api = node.api().await;
    let world = World::set_up(&api, 1).await;
    world.remote_bank().await;
    let (mut payer, mut payee) = (Bank::connect(&api, ALFA).await, Bank::connect(&api, GAMMA).await);

    let mut waiting = Vec::new();
    let mut questions = Vec::new();
    for number in 0..PAYMENTS {
        // Deadlines in another order than that of the log, each of them shared by a few payments.
        let age = Duration::from_millis(u64::from(number * 7 % 10) * 100);
        let payment = v1::Payment {
            acceptance_time: Some(ago(age)),
            creditor_agent: GAMMA.to_owned(),
            creditor_account: french(1),
            ..payment(&format!("STOP-{number}"), "1.00")
        };
        waiting.push(api.submit_aside(&payment));
        questions.push(payee.question().await);
    }
    assert_eq!(api.account(&belgian(1)).await.reserved, decimal(i64::from(PAYMENTS) * 100));
    node.stop();
    for question in questions.iter().step_by(2) {
        payee.accept(question).await;
    }
    // Real time has to pass here, and nobody may hear anything meanwhile.
    let early = timeout(STOPPED, payee.next()).await;
    assert!(early.is_err(), "a stopped node says nothing: {early:?}");
    node.go_on();

    let mut expected = BTreeMap::new();
    for (call, question) in waiting.into_iter().zip(&questions) {
        let outcome = call.await.unwrap().unwrap();
        assert_eq!((outcome.status(), outcome.reason_code.as_str()), (v1::PaymentStatus::Expired, "AB05"));
        let deadline = nanoseconds(question.answer_by.as_ref().unwrap());
        assert!(nanoseconds(outcome.decided_time.as_ref().unwrap()) >= deadline);
        expected.insert((deadline, outcome.sequence), outcome.payment_id);
    }
    let expected: Vec<_> = expected.into_values().collect();
    assert_eq!(ends(&mut payer, PAYMENTS, "AB05").await.0, expected);
    let (ended, late) = ends(&mut payee, PAYMENTS, "TM01").await;
    assert_eq!(ended, expected);
    let answered: Vec<_> = questions.iter().step_by(2).map(|question| question.payment_id.clone()).collect();
    assert_eq!(late, answered, "each answer came too late and is told so");

    assert_eq!(api.account(&belgian(1)).await.reserved, "0.00");
    assert_eq!(api.balance(&belgian(1)).await, OPENING_BALANCE);
    nothing_is_set_aside(&api).await;
    // Life goes on, and what has ended stays so.
    let again = questions.first().unwrap();
    payee.answer(answer(again, v1::Decision::Accept, "")).await;
    assert_eq!(payee.answer_result().await.outcome.unwrap().status(), v1::PaymentStatus::Expired);
    let next = api.submit_aside(&tests::payment_to_remote("STOP-NEXT", "1.00"));
    let question = payee.question().await;
    payee.accept(&question).await;
    tests::settled(next.await.unwrap().unwrap());
    node.kill();
    node::verify(folder.path());
}

/// What a bank hears of so many payments that expired, and of answers that came too late: their ids, in that order.
async fn ends(bank: &mut Bank, reports: u32, reason: &str) -> (Vec<String>, Vec<String>) {
    let (mut ended, mut late) = (Vec::new(), Vec::new());
    // Answers that changed nothing come beside reports, and only to the bank that was asked.
    let results = if reason == "TM01" { reports.div_ceil(2) } else { 0 };
    for _ in 0..reports + results {
        let outcome = match bank.next().await {
            Event::Report(report) => {
                let outcome = report.outcome.unwrap();
                ended.push(outcome.payment_id.clone());
                outcome
            }
            Event::AnswerResult(result) => {
                assert_eq!(result.effect(), v1::AnswerEffect::Late);
                late.push(result.payment_id);
                result.outcome.unwrap()
            }
            event @ (Event::Started(_) | Event::Question(_)) => panic!("nothing of that sort: {event:?}"),
        };
        assert_eq!((outcome.status(), outcome.reason_code.as_str()), (v1::PaymentStatus::Expired, reason));
    }
    (ended, late)
}

/// Two banks with customers here, and two that are asked.
pub(crate) async fn set_up(api: &Api) {
    let world = World::set_up(api, CUSTOMERS).await;
    world.remote_bank().await;
    world.register(DELTA, v1::AccountMode::Remote).await;
}

/// Every balance is what the settlements add up to, and nothing is set aside any more.
pub(crate) async fn books_are_what_was_settled(api: &Api, entries: &[Entry]) {
    let mut accounts = BTreeMap::new();
    let mut positions =
        BTreeMap::from([(ALFA, OPENING_POSITION), (BETA, OPENING_POSITION), (GAMMA, 100_000), (DELTA, 0)]);
    for (_, iban) in customers(1..=CUSTOMERS) {
        accounts.insert(iban, cents(OPENING_BALANCE));
    }
    let mut settled_count = 0;
    for (payment, outcome) in entries.iter().map(decided) {
        if outcome.status() == v1::PaymentStatus::Settled {
            let amount = cents(&payment.amount.as_ref().unwrap().amount);
            *accounts.get_mut(&payment.debtor_account).unwrap() -= amount;
            *positions.get_mut(payment.debtor_agent.as_str()).unwrap() -= amount;
            *positions.get_mut(payment.creditor_agent.as_str()).unwrap() += amount;
            settled_count += 1;
        }
    }
    for (iban, balance) in accounts {
        let account = api.account(&iban).await;
        let told = [account.balance, account.reserved, account.held];
        assert_eq!(told, [decimal(balance), decimal(0), decimal(0)], "{iban}");
    }
    for (bic, balance) in positions {
        let request = v1::GetPositionRequest { bic: bic.to_owned(), currency_code: "EUR".to_owned() };
        let position = api.liquidity().get_position(request).await.unwrap().into_inner().position.unwrap();
        assert_eq!([position.balance, position.reserved], [decimal(balance), decimal(0)], "{bic}");
    }
    nothing_is_set_aside(api).await;
    assert_eq!(api.settled_count().await, settled_count);
}

async fn nothing_is_set_aside(api: &Api) {
    // It checks that every book sums to zero.
    for book in api.trial_balance().await.books {
        assert_eq!([&book.reserved_total, &book.held_total], ["0.00"; 2], "{book:?}");
    }
}

/// The log has one final outcome of each payment, which is the one that was told.
pub(crate) fn log_says(folder: &Path, entries: &[Entry]) {
    let log = ToldInLog::read(&node::inspect(folder));
    for (payment, outcome) in entries.iter().map(decided) {
        let name = &payment.transaction_id;
        let status = outcome.status().as_str_name().trim_start_matches("PAYMENT_STATUS_").to_lowercase();
        let told = (status, outcome.reason_code.clone(), outcome.decided_sequence);
        assert_eq!(log.payment_id(outcome.sequence), Some(outcome.payment_id.as_str()), "{name}");
        assert_eq!(log.outcomes(outcome.sequence), [told], "{name}");
    }
}

/// A payment of this test, and what was told of it.
pub(crate) fn decided(entry: &Entry) -> (&v1::Payment, &v1::PaymentOutcome) {
    match (&*entry.request, &entry.told) {
        (Request::Pay(payment), Some(Told::Outcome(outcome))) => (payment, outcome),
        _ => panic!("{} is no payment, or has no outcome", entry.name),
    }
}

/// Expects that every end has been met, at both banks that are asked.
fn covers_everything(entries: &[Entry]) {
    let mut met = BTreeMap::<String, u32>::new();
    for (payment, outcome) in entries.iter().map(decided) {
        let (bank, status, reason) = (&payment.creditor_agent, outcome.status(), &outcome.reason_code);
        *met.entry(format!("{bank} {} {reason}", status.as_str_name())).or_default() += 1;
    }
    println!("{} payments: {met:?}", entries.len());
    for bank in [GAMMA, DELTA] {
        for end in ["PAYMENT_STATUS_SETTLED ", "PAYMENT_STATUS_REJECTED AC04", "PAYMENT_STATUS_EXPIRED AB05"]
        {
            assert!(met.contains_key(&format!("{bank} {end}")), "no {bank} {end} among {met:?}");
        }
    }
}
