//! A bank moves here from another system, by the commands of docs/migration.md: a node runs beside that system, the two are
//! compared, and accounts are switched over and back.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use client::v1::ErrorReason;
use client::{Refusal, v1};
use rustix::process::Signal;
use serde_json::Value;
use tests::{ALFA, Api, GAMMA, World, belgian, french, payment};
use tonic::{Code, Status};

use crate::process::{Served, errors, run, solvo, text, told};

const PARALLEL: [&str; 3] = ["--listen", "127.0.0.1:0", "--parallel"];

/// Ten customers of ALFA with 100.00 each, as the old system hands them over.
fn write_accounts(folder: &Path) -> [String; 2] {
    let mut file = "iban,currency,balance,holder_1\n".to_owned();
    for number in 1..=10 {
        writeln!(file, "{},EUR,100.00,Anna Peeters", belgian(number)).unwrap();
    }
    let [accounts, totals] = ["accounts.csv", "totals.json"].map(|name| folder.join(name));
    fs::write(&accounts, file).unwrap();
    fs::write(&totals, told(&["migrate", "totals", text(&accounts), "--json"]).to_string()).unwrap();
    [text(&accounts).to_owned(), text(&totals).to_owned()]
}

fn load(files: &[String; 2], to: &str) {
    let [accounts, totals] = files;
    told(&["migrate", "load", accounts, "--participant", ALFA, "--totals", totals, "--to", to, "--json"]);
}

async fn banks(api: &Api) {
    let world = World::of(api.clone());
    world.register(ALFA, v1::AccountMode::Hosted).await;
    world.register(GAMMA, v1::AccountMode::Remote).await;
    world.fund(ALFA, "5000.00").await;
}

const HEAD: &str = "transaction_id,debtor_agent,debtor_account,debtor_name,creditor_agent,creditor_account,creditor_name,\
                    amount,currency,status,reason,branch\n";

/// A line of the old system's file: a payment of a customer of ALFA, and what became of it there.
fn line(id: &str, from: u32, to: (&str, &str), amount: &str, became: &str) -> String {
    let (bank, account) = to;
    format!(
        "{id},{ALFA},{},Anna Peeters,{bank},{account},Paul Brandt,{amount},EUR,{became},Main Street\n",
        belgian(from)
    )
}

async fn refusal(api: &Api, id: &str) -> (Code, ErrorReason) {
    reason(&api.submit(&own(id)).await.unwrap_err())
}

fn reason(status: &Status) -> (Code, ErrorReason) {
    (status.code(), Refusal::from_status(status).reason)
}

/// From customer 1 to customer 2.
fn own(id: &str) -> v1::Payment {
    v1::Payment { creditor_agent: ALFA.to_owned(), creditor_account: belgian(2), ..payment(id, "1.00") }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_runs_in_parallel_is_compared_and_switched_over() {
    let folder = tempfile::tempdir().unwrap();
    let files = write_accounts(folder.path());
    let [beside, live] = ["beside", "live"].map(|name| folder.path().join(name));

    // Beside the old system.
    let node = Served::start_with(&beside, &PARALLEL);
    let (api, to) = (node.api().await, node.address().to_string());
    assert!(api.node_status().await.parallel);
    banks(&api).await;
    load(&files, &to);
    let elsewhere = (GAMMA, &french(1)[..]);
    let (two, three) = (belgian(2), belgian(3));
    let fed = [
        line("SAME", 1, (ALFA, &two), "10.00", "SETTLED,"),
        line("SAME-NO", 1, (ALFA, &two), "500.00", "REJECTED,AM04"),
        line("TO-BANK", 1, elsewhere, "20.00", "SETTLED,"),
        line("EXTRA", 2, (ALFA, &three), "1.00", "SETTLED,"),
        line("FUNDS", 3, (ALFA, &two), "700.00", "SETTLED,"),
        line("CODE", 3, (ALFA, &two), "800.00", "REJECTED,AC06"),
        line("CENTS", 4, (ALFA, &two), "5.00", "SETTLED,"),
        line("BANK-NO", 5, elsewhere, "30.00", "REJECTED,AC04"),
    ];
    let file = folder.path().join("payments.csv");
    fs::write(&file, HEAD.to_owned() + &fed.concat()).unwrap();
    for repeats in [0, 8] {
        let counted = told(&["parallel", "feed", text(&file), "--to", &to, "--json"]);
        assert_eq!((&counted["settled"], &counted["rejected"]), (&Value::from(5), &Value::from(3)));
        assert_eq!(counted["repeats"], repeats);
    }
    assert_eq!(api.balance(&belgian(5)).await, "70.00", "the node says yes for a bank that it does not ask");
    tell_nobody(&api).await;

    // What the old system made of the day.
    let old = fed.concat().replace(",5.00,EUR", ",5.01,EUR");
    let old =
        HEAD.to_owned() + &old.replace(&fed[3], "") + &line("LOST", 6, (ALFA, &two), "2.00", "SETTLED,");
    let [old_file, balances, differences] =
        ["old.csv", "balances.csv", "differences.csv"].map(|name| folder.path().join(name));
    fs::write(&old_file, old).unwrap();
    let of = |number, balance: &str| format!("{},EUR,{balance}\n", belgian(number));
    let told_there = [of(1, "70.00"), of(5, "100.00"), of(7, "100.00"), of(99, "1.00")].concat();
    fs::write(&balances, format!("iban,currency,balance\n{told_there}")).unwrap();
    compare(&to, [&old_file, &balances, &differences]);

    // A day on which both say the same.
    let agreed = folder.path().join("agreed.csv");
    fs::write(&agreed, HEAD.to_owned() + &agreed_lines(&fed)).unwrap();
    let same = compared(&to, &["--old", text(&agreed)]);
    assert_eq!((&same["ok"], &same["same"]), (&Value::from(true), &Value::from(7)));
    assert_eq!(same["counts"]["bank_answer"], 1);

    // Neither folder becomes the other kind.
    assert!(node.stop(Signal::TERM).success());
    let refused = run(&["serve", "--data", text(&beside), "--listen", "127.0.0.1:0"]);
    assert!(errors(&refused).contains("beside another system"), "{}", errors(&refused));
    let node = Served::start_with(&beside, &PARALLEL);
    assert!(node.api().await.node_status().await.parallel);
    node.kill();

    switch_over(&live, &files, &file).await;
}

/// The lines as the node has decided them, but for what a bank said.
fn agreed_lines(fed: &[String]) -> String {
    let lines = fed.iter().map(|line| match line.split_once(',').unwrap().0 {
        "FUNDS" => line.replace("SETTLED,", "REJECTED,AM04"),
        "CODE" => line.replace("AC06", "AM04"),
        _ => line.clone(),
    });
    lines.collect()
}

async fn tell_nobody(api: &Api) {
    let refused = tests::Bank::try_connect(api, tests::start(GAMMA)).await.err().unwrap();
    assert_eq!(reason(&refused), (Code::FailedPrecondition, ErrorReason::ParallelNode));
    let start = v1::Iso20022ServiceExchangeStart { bic: GAMMA.to_owned(), ..Default::default() };
    let refused = tests::Exchange::try_connect(api, start).await.err().unwrap();
    assert_eq!(reason(&refused), (Code::FailedPrecondition, ErrorReason::ParallelNode));
}

/// Compares the day on which this test runs; one that runs over midnight is compared with the day before.
fn compared(to: &str, arguments: &[&str]) -> Value {
    let date = tests::now().date().to_string();
    let all = [&["parallel", "compare", "--date", &date, "--to", to, "--json"], arguments].concat();
    let output = run(&all);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", errors(&output)))
}

fn compare(to: &str, [old, balances, differences]: [&Path; 3]) {
    let files = ["--old", text(old), "--old-balances", text(balances), "--csv", text(differences)];
    let report = compared(to, &files);
    assert_eq!((&report["ok"], &report["same"]), (&Value::from(false), &Value::from(3)), "{report}");
    let counts = &report["counts"];
    for kind in ["only_there", "only_here", "amount", "bank_answer", "outcome", "reason"] {
        assert_eq!(counts[kind], 1, "{kind}: {report}");
    }
    assert_eq!(report["day_is_over"], false);
    assert_eq!(report["there"]["sums"]["EUR"], "737.01");
    assert_eq!(report["here"]["sums"]["EUR"], "66.00");
    assert_eq!((&report["balances"], &report["balance_differences"]), (&Value::from(4), &Value::from(2)));
    let written = fs::read_to_string(differences).unwrap();
    assert_eq!(written.lines().count(), 1 + 6 + 2);
    assert!(written.contains(&format!("outcome,{ALFA},FUNDS,,,SETTLED 700.00 EUR,REJECTED AM04 700.00 EUR")));
    assert!(written.contains(&format!("balance,,,{},EUR,100.00,70.00", belgian(5))));
}

/// The node that is to decide: loaded while its accounts take no part, then switched, back, and switched for good.
async fn switch_over(folder: &Path, files: &[String; 2], payments: &Path) {
    let node = Served::start(folder);
    let (api, to) = (node.api().await, node.address().to_string());
    banks(&api).await;
    let refused = run(&["parallel", "feed", text(payments), "--to", &to]);
    assert!(errors(&refused).contains("this node decides"), "{}", errors(&refused));
    let to_it = ["--to", &to, "--json"];
    let switch = |words: &[&str]| told(&[words, &["--reason", "The bank moves"], &to_it].concat());
    assert_eq!(switch(&["deactivate", ALFA])["active"], false);
    load(files, &to);
    let not_active = (Code::FailedPrecondition, ErrorReason::AccountNotActive);
    assert_eq!(refusal(&api, "TX-1").await, not_active);
    let (first, last) = (belgian(1), belgian(5));
    let [first, last] = [&first, &last].map(|iban| format!("BE{}", &iban[4..]));
    let range = ["--first", &first, "--last", &last];
    let shown = switch(&[&["activate", ALFA][..], &range].concat());
    assert_eq!(shown["exceptions"][0]["first"], first[2..]);
    tests::settled(api.submit(&own("TX-1")).await.unwrap());
    switch(&[&["deactivate", ALFA][..], &range].concat());
    assert_eq!(refusal(&api, "TX-2").await, not_active);
    assert_eq!(switch(&["activate", ALFA])["active"], true);
    tests::settled(api.submit(&own("TX-2")).await.unwrap());
    let shown = solvo(["activation", ALFA, "--to", &to]);
    assert_eq!(String::from_utf8(shown.stdout).unwrap(), format!("{ALFA}: its accounts take part\n"));
    assert!(node.stop(Signal::TERM).success());
    let refused = run(&["serve", "--data", text(folder), "--listen", "127.0.0.1:0", "--parallel"]);
    assert!(errors(&refused).contains("a node that decides"), "{}", errors(&refused));
}
