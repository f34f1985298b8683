//! Banks elsewhere against a real node: those of load runs, and those to test with.

use std::time::Duration;

use client::v1;
use loadgen::{
    BehaviourMix, Books, CounterpartOptions, CounterpartReport, Counterparts, Extent, LOAD_REMOTE_BANKS,
    LoadOptions, Mode, Rate, RemotePayees, Responders, Silent, drive, load,
};

use crate::node::Node;
use crate::options;

const STREAM: Mode = Mode::Stream { payments_per_message: 64, messages_in_flight: 4 };
const UNARY: Mode = Mode::Unary { calls_in_flight: 64 };

fn remote(name: &str, percent: u32) -> LoadOptions {
    LoadOptions { remote: Some(RemotePayees { percent, banks: 0..2 }), mode: STREAM, ..options(name) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_with_payees_elsewhere_settles_and_passes_its_audit() {
    let node = Node::start().await;
    for options in
        [remote("ALL", 100), remote("SOME", 30), LoadOptions { mode: UNARY, ..remote("UNARY", 50) }]
    {
        let report = load(&node.address, &options, &Silent).await.unwrap();
        assert!(report.passed(), "{report}");
        assert_eq!(report.driven.counts.settled, crate::PAYMENTS, "{report}");
        let banks = report.banks.unwrap();
        assert_eq!(banks.settled, report.confirmed.remote_count(), "{report}");
        assert!(banks.settled > 0, "{report}");
    }
    node.stop().await;
}

/// Banks of a behaviour under a load of payments that all go to them, and what they and the payers were told.
struct Course {
    settled: u64,
    rejected: u64,
    expired: u64,
    banks: Vec<CounterpartReport>,
}

async fn course(node: &Node, run: &str, behaviours: &[&str], iso: bool) -> Course {
    let options = LoadOptions { extent: Extent::Payments(200), mode: UNARY, ..remote(run, 100) };
    // The books register the banks.
    let mut books = Books::open(&node.address, &options, &Silent).await.unwrap();
    let client = node.client().await;
    let mix = BehaviourMix::parse(behaviours, 7).unwrap();
    let bics = LOAD_REMOTE_BANKS[..2].iter().map(|bank| bank.bic()).collect();
    let banks = CounterpartOptions { connections: 2, iso, mix, ..CounterpartOptions::new(bics) };
    let banks = Counterparts::start(&client, banks).await.unwrap();
    let (driven, confirmed) = drive(&node.address, &options, &Silent).await.unwrap();
    books.note(&driven, confirmed);
    let report = banks.finish().await.unwrap();
    assert!(report.passed(), "{report}");
    let audit = books.audit(&node.address, &options, &Silent).await.unwrap();
    assert!(audit.passed(), "{audit}");
    let counts = driven.counts;
    assert_eq!(counts.decided(), 200, "{counts:?}");
    let rejected = counts.rejected.values().sum();
    let (settled, expired) = (counts.settled, counts.expired);
    let told: u64 = report.banks.iter().map(|bank| bank.tally.settled).sum();
    assert_eq!(told, settled, "payers' and payees' banks were told the same\n{report}");
    Course { settled, rejected, expired, banks: report.banks }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn banks_that_answer_in_time_decide_whatever_else_they_say() {
    let node = Node::start().await;
    for (run, behaviours, settled) in [
        ("ACCEPT", ["accept"].as_slice(), Some(200)),
        ("REJECT", &["reject:AC04"], Some(0)),
        ("SLOW", &["slow:50"], Some(200)),
        ("DOUBLE", &["double"], Some(200)),
        ("CONTRARY", &["contrary"], None),
        ("WRONG", &["wrong"], Some(200)),
        ("FLAP", &["flap=10%"], Some(200)),
        ("MIXED", &["reject:AM02=20%", "double=20%", "slow:20=20%", "flap=5%", "wrong=5%"], None),
    ] {
        let course = course(&node, run, behaviours, false).await;
        assert_eq!((course.settled + course.rejected, course.expired), (200, 0), "{run}");
        if let Some(settled) = settled {
            assert_eq!(course.settled, settled, "{run}");
        }
        let effects = course.banks.iter().flat_map(|bank| bank.tally.effects.keys().copied());
        let effects: std::collections::BTreeSet<v1::AnswerEffect> = effects.collect();
        match run {
            "DOUBLE" => assert!(effects.contains(&v1::AnswerEffect::Double)),
            "CONTRARY" => assert!(effects.contains(&v1::AnswerEffect::Contrary)),
            "WRONG" => assert!(
                effects.contains(&v1::AnswerEffect::NotAsked)
                    && effects.contains(&v1::AnswerEffect::PaymentUnknown)
            ),
            _ => {}
        }
    }
    node.stop().await;
}

/// The others neither wait for it nor lose a payment, and what was set aside for it is given back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_bank_costs_the_others_nothing() {
    let node = Node::start().await;
    let all =
        LoadOptions { remote: Some(RemotePayees { percent: 100, banks: 0..3 }), ..remote("BOOKS", 100) };
    let mut books = Books::open(&node.address, &all, &Silent).await.unwrap();
    let banks = Responders::start(&node.address, None, 0..3, 2..3).await.unwrap();
    let silent = LoadOptions {
        remote: Some(RemotePayees { percent: 100, banks: 2..3 }),
        extent: Extent::Payments(200),
        rate: Rate::PerSecond(1_000),
        mode: Mode::Stream { payments_per_message: 20, messages_in_flight: 1024 },
        connections: 1,
        ..remote("SILENT", 100)
    };
    let others = remote("OTHERS", 100);
    let runs = tokio::join!(drive(&node.address, &silent, &Silent), drive(&node.address, &others, &Silent));
    let ((silent, silent_confirmed), (others, others_confirmed)) = (runs.0.unwrap(), runs.1.unwrap());
    assert_eq!((silent.counts.expired, silent.counts.settled), (200, 0), "{silent}");
    assert_eq!(others.counts.settled, crate::PAYMENTS, "{others}");
    assert!(others.elapsed < Duration::from_secs(7), "nobody waited for the silent bank");
    books.note(&silent, silent_confirmed);
    books.note(&others, others_confirmed);
    let audit = books.audit(&node.address, &all, &Silent).await.unwrap();
    assert!(audit.passed(), "{audit}");
    let counts = banks.counts();
    assert_eq!((counts.questions, counts.answers), (crate::PAYMENTS + 200, crate::PAYMENTS));
    drop(banks);
    node.stop().await;
}

/// Takes the seven seconds that the scheme gives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payments_to_banks_that_are_late_or_silent_expire() {
    let node = Node::start().await;
    let started = std::time::Instant::now();
    let course = course(&node, "LATE", &["late=20%", "silent=20%", "accept"], false).await;
    assert!(course.expired > 0 && course.settled > 0);
    assert_eq!(course.expired + course.settled, 200);
    let late =
        course.banks.iter().filter_map(|bank| bank.tally.effects.get(&v1::AnswerEffect::Late)).sum::<u64>();
    // A question that stays open is asked again, so a bank may be late with one payment more than once.
    assert!(late > 0, "{late}");
    assert!(started.elapsed() < Duration::from_secs(60));
    node.stop().await;
}
