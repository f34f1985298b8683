//! Recalls and the answers to them: what the log tells of them, against what was told live.

use ledger::{AnswerRecall, Original, RecallAnswer, RecallText, RequestRecall, SetClosingDays};
use types::{Balance, ClosingDays, Currency, RecallReason, RecallRefusal, Text};

use super::*;
use crate::recalls_told::RecallStep;
use crate::testing::{euro_cents, iban, identity, key, request, told_in_log};

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    Happens(Happens),
    /// A payment is asked back, often one that was not settled or that was asked back before.
    Request {
        which: usize,
        id: u32,
    },
    /// A recall is answered, often one that was answered before.
    Answer {
        which: usize,
        id: u32,
        returns: bool,
    },
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => happens().prop_map(Step::Happens),
        3 => (0_usize..12, 0_u32..40).prop_map(|(which, id)| Step::Request { which, id }),
        2 => (0_usize..6, 0_u32..20, any::<bool>())
            .prop_map(|(which, id, returns)| Step::Answer { which, id, returns }),
    ]
}

fn set_calendar(node: &mut MemoryNode) {
    let year = u16::try_from(node.now.wall.date().civil().0).unwrap();
    let mut writer = commands();
    for year in [year, year + 1] {
        let request_id = request(&format!("target-{year}"));
        writer.set_closing_days(&SetClosingDays {
            request_id,
            closing_days: ClosingDays::target(year).unwrap(),
        });
    }
    node.submit(0, writer);
    assert!(node.write_all());
}

fn text() -> RecallText {
    let reference = Text::parse_identifier("REFERENCE").unwrap();
    RecallText { reference, originator: None, information: Vec::new(), settlement_date: None }
}

/// Asks a payment back as the log tells it.
fn ask_back(node: &MemoryNode, writer: &mut RecordWriter, payment: Sequence, id: u32) {
    let Some(known) = node.core.ledger().payment(payment).copied() else { return };
    let Some(order) = view(node).orders_at(&[payment]).unwrap().remove(0) else { return };
    let (amount, currency) = order.amount().unwrap();
    let to = order.creditor_agent().unwrap();
    let account = |name| key().iban(iban(name).as_str());
    writer.request_recall(&RequestRecall {
        request_id: request(&format!("ask-{id}")),
        original: Original {
            payment,
            incarnation: identity().incarnation,
            state: known.state(),
            decided_at: known.decided_at(),
            decided_time: known.decided_time(),
            amount,
            currency,
            debtor_agent: order.debtor_agent(),
            creditor_agent: to,
            debtor_account: account("A1"),
            creditor_account: account(if to == bank("C") { "C1" } else { "B1" }),
        },
        reason: RecallReason::Duplicate,
        text: text(),
    });
}

fn answer_recall(node: &MemoryNode, writer: &mut RecordWriter, recall: Sequence, id: u32, returns: bool) {
    let ledger = node.core.ledger();
    let Some(found) = ledger.recall(recall) else { return };
    let nothing = Balance::from_minor_units(0).unwrap();
    writer.answer_recall(&AnswerRecall {
        request_id: request(&format!("answer-{id}")),
        recall,
        recalled: ledger.recalled(found),
        bic: ledger.participant_by_number(found.creditor_bank()).bic(),
        answer: match returns {
            true => RecallAnswer::Return { amount: euro_cents(40), fee: nothing },
            false => RecallAnswer::Refuse(RecallRefusal::Customer),
        },
        has_consent: false,
        is_elsewhere: false,
        text: text(),
    });
}

fn step(node: &mut MemoryNode, what: &Step, ticket: u32, accepted: Timestamp, payments: &[Sequence]) {
    let mut writer = commands();
    match *what {
        Step::Happens(ref what) => return happen(node, what, ticket, accepted),
        Step::Request { which, id } => {
            let Some(payment) = payments.get(which) else { return };
            ask_back(node, &mut writer, *payment, id);
        }
        Step::Answer { which, id, returns } => {
            let Some(recall) = node.core.ledger().recalls().nth(which).map(ledger::Recall::sequence) else {
                return;
            };
            answer_recall(node, &mut writer, recall, id, returns);
        }
    }
    if !writer.records().is_empty() {
        node.submit(ticket, writer);
    }
}

fn recalls_live(outbox: &Outbox) -> Vec<RecallTold> {
    let told = |notice| if let Notice::Recall(told) = notice { Some(told) } else { None };
    take_all(outbox).into_iter().filter_map(told).collect()
}

fn recalls_logged(view: &LogView, after: Sequence, upto: Sequence, banks: &Banks) -> Vec<RecallTold> {
    told_in_log(view, (after, upto), banks, |read| read.recalls)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Nothing is lost, nothing is told twice, and each says the same, for whoever listens to whichever bank.
    #[test]
    fn the_log_tells_the_recalls_that_were_told_live(
        what in proptest::collection::vec(steps(), 1..120),
        skipped in 0_usize..10,
    ) {
        let mut node = node();
        set_calendar(&mut node);
        let all = [Banks::All, banks(&["A"]), banks(&["B"]), banks(&["C"]), banks(&["B", "A"])];
        let outboxes: Vec<_> = (0..).zip(&all).map(|(id, banks)| listen(&mut node, id, banks.clone())).collect();
        let payers = node.subscribe(9, interest("A", false, Outcomes::All));
        let after = outboxes[0].starts_after().unwrap();
        let accepted = node.now.wall;
        let mut payments = Vec::new();
        for (ticket, what) in (1..).zip(&what) {
            step(&mut node, what, ticket, accepted, &payments);
            payments.extend(take_all(&payers).iter().filter_map(|notice| match notice {
                Notice::Outcome { payment, .. } => Some(payment.sequence()),
                Notice::Asked { .. }
                | Notice::Changed { .. }
                | Notice::Crossed(_)
                | Notice::Recall(_)
                | Notice::HoldExpired(_)
                | Notice::Exception(_)
                | Notice::Orders(_)
                | Notice::Request(_) => None,
            }));
        }
        if node.held.is_some() {
            assert!(node.write());
        }
        quiet(&mut node);
        let upto = node.core.ledger().position().sequence;
        let view = view(&node);
        for (banks, outbox) in all.iter().zip(&outboxes) {
            let heard = recalls_live(outbox);
            prop_assert_eq!(&recalls_logged(&view, after, upto, banks), &heard);
            if let Some(told) = heard.get(skipped) {
                let rest: Vec<_> = heard.iter().filter(|next| next.decided_at > told.decided_at).copied().collect();
                prop_assert_eq!(recalls_logged(&view, told.decided_at, upto, banks), rest);
            }
        }
        node.check_log();
    }
}

/// Both banks hear of it, once, and a third does not; a repeat and a refusal are no news.
#[test]
fn a_recall_and_its_answer_are_told_to_both_banks() {
    let mut node = node();
    set_calendar(&mut node);
    let [payer, payee, other] = ["A", "B", "C"]
        .map(|letter| listen(&mut node, 1 + u64::from(letter.as_bytes()[0]), banks(&[letter])));
    let mut writer = commands();
    pay(&mut writer, "T1", 100, node.now.wall);
    node.submit(1, writer);
    quiet(&mut node);
    let payment = node.outcomes_of(1)[0].sequence;
    for (ticket, id) in [(2, 1), (3, 1), (4, 2)] {
        let mut writer = commands();
        ask_back(&node, &mut writer, payment, id);
        node.submit(ticket, writer);
        quiet(&mut node);
    }
    let recall = node.outcomes_of(2)[0].sequence;
    for (ticket, id) in [(5, 1), (6, 1), (7, 2)] {
        let mut writer = commands();
        answer_recall(&node, &mut writer, recall, id, true);
        node.submit(ticket, writer);
        quiet(&mut node);
    }
    let told = recalls_live(&payer);
    let [asked, answered] = told[..] else { panic!("{told:?}") };
    assert_eq!((asked.recall, asked.payment, asked.decided_at), (recall, payment, recall));
    assert_eq!((asked.debtor_agent, asked.creditor_agent), (bank("A"), bank("B")));
    let RecallStep::Requested { reason, amount, answer_by } = asked.step else { panic!("{asked:?}") };
    assert_eq!((reason, amount, asked.currency), (RecallReason::Duplicate, euro_cents(100), Currency::EUR));
    assert_eq!(Some(answer_by), node.core.ledger().recall(recall).map(ledger::Recall::answer_by));
    assert_eq!((answered.recall, answered.payment), (recall, payment));
    let nothing = Balance::from_minor_units(0).unwrap();
    let returned = RecallAnswer::Return { amount: euro_cents(40), fee: nothing };
    assert_eq!(answered.step, RecallStep::Answered(returned));
    assert_eq!(recalls_live(&payee), told);
    assert_eq!(recalls_live(&other), []);
    node.check_log();
}
