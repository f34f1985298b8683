//! `solvo report`: statements into files, reports as JSON, and books that agree or do not.

use std::fs;
use std::path::Path;
use std::time::Duration;

use client::v1;
use reports::Days;
use rustix::process::Signal;
use serde_json::Value;
use tests::{ALFA, Api, BETA, World, belgian, payment, settled, until};
use types::{Date, Sequence};

use crate::process::{Served, errors, run, solvo, text, told};

const HOUR: u64 = 3600;

async fn until_told(api: &Api, sequence: u64) {
    until("history has come so far", async || {
        let status = api.history().get_history_status(v1::GetHistoryStatusRequest {}).await.ok()?;
        status.into_inner().as_of.filter(|as_of| as_of.sequence >= sequence)
    })
    .await;
}

/// The present day on the clocks of banks that have said nothing of them.
fn today() -> Date {
    Days::offset(0).unwrap().of(tests::now(), Sequence(0))
}

/// Waits until a fresh node has its first business date.
async fn business_date(api: &Api) -> String {
    until("the node has its first business date", async || {
        let calendar = api.calendar().get_calendar(v1::GetCalendarRequest {}).await.ok()?.into_inner();
        Some(calendar.business_date).filter(|date| !date.is_empty())
    })
    .await
}

/// A node with three payments from customer 1 of ALFA, all on its first business date.
async fn served(folder: &Path) -> Served {
    let served = Served::start(folder);
    let api = served.api().await;
    business_date(&api).await;
    World::set_up(&api, 1).await;
    let mut last = 0;
    for (id, amount) in [("TX-1", "1.00"), ("TX-2", "2.00"), ("TX-3", "3.00")] {
        last = settled(api.submit(&payment(id, amount)).await.unwrap()).sequence;
    }
    until_told(&api, last).await;
    served
}

/// What differs between the node's books of customer 1 of ALFA and a file.
fn compared(address: &str, file: &Path, further: &[&str]) -> (bool, Value) {
    let (account, date) = (belgian(1), today().to_string());
    let mut arguments =
        vec!["report", "reconcile", "--json", "--to", address, "--account", &account, "--date", &date];
    arguments.extend(["--external", text(file)]);
    arguments.extend(further);
    let output = run(&arguments);
    let told = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", errors(&output)));
    (output.status.success(), told)
}

#[tokio::test]
async fn somebody_elses_books_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let served = served(&folder.path().join("data")).await;
    let (address, account, date) = (served.address().to_string(), belgian(1), today().to_string());
    let write = |form: &str, name: &str| {
        let file = folder.path().join(name);
        let output = run(&[
            "report",
            "statement",
            "--to",
            &address,
            "--account",
            &account,
            "--date",
            &date,
            "--form",
            form,
            "--output",
            text(&file),
        ]);
        assert!(output.status.success(), "{}", errors(&output));
        assert!(!folder.path().join(format!("{name}.part")).exists());
        file
    };
    let (csv, camt) = (write("csv", "own.csv"), write("camt052", "own.xml"));
    for file in [&csv, &camt] {
        let (agrees, told) = compared(&address, file, &[]);
        assert!(agrees, "{told}");
        assert_eq!((&told["same"], &told["ok"]), (&4.into(), &true.into()));
    }
    let core = folder.path().join("core.csv");
    fs::write(&core, "reference,direction,amount\nCORE-1,D,1000.00\nTX-1,C,1.00\nTX-2,C,2.50\nTX-9,C,9.00\n")
        .unwrap();
    let (agrees, told) = compared(&address, &core, &["--mirrored"]);
    assert!(!agrees);
    assert_eq!(told["same"], 2);
    let kinds: Vec<&str> =
        told["differences"].as_array().unwrap().iter().map(|one| one["what"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["different", "only_here", "only_there"]);
    assert_eq!(told["differences"][0]["there"]["amount"], "2.50");
    let wrong = folder.path().join("wrong.csv");
    fs::write(&wrong, "reference,amount\nTX-1,one\n").unwrap();
    let refused = run(&[
        "report",
        "reconcile",
        "--to",
        &address,
        "--account",
        &account,
        "--date",
        &date,
        "--external",
        text(&wrong),
    ]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(errors(&refused).contains("line 2"), "{}", errors(&refused));
}

#[tokio::test]
async fn reports_are_told_as_text_and_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let served = served(folder.path()).await;
    let (address, date) = (served.address().to_string(), business_date(&served.api().await).await);
    let settlement = ["report", "settlement", "--to", &address, "--participant", ALFA, "--date", &date];
    let report = told(&[&settlement[..], &["--json"]].concat());
    assert_eq!(report["position"]["sent"], serde_json::json!({ "count": 3, "sum": "6.00" }));
    assert_eq!(report["position"]["closing"], "999994.00");
    let shown = String::from_utf8(run(&settlement).stdout).unwrap();
    assert!(shown.contains("999994.00") && shown.contains("SETTLED"), "{shown}");

    let today = Days::Frankfurt.of(tests::now(), Sequence(0)).to_string();
    let service = ["report", "service", "--to", &address, "--month", &today[..7]];
    let report = told(&[&service[..], &["--json"]].concat());
    assert_eq!(report["all"]["hops"]["whole"]["within_5s"], 3);
    assert_eq!(report["banks"][0]["bic"], ALFA);
    let shown = String::from_utf8(run(&service).stdout).unwrap();
    assert!(shown.contains("100.00") && shown.contains("way in"), "{shown}");

    let early = run(&["report", "statement", "--to", &address, "--position", ALFA, "--date", &date]);
    assert_eq!(early.status.code(), Some(1));
    assert!(errors(&early).contains("has not moved on"), "{}", errors(&early));
}

#[tokio::test]
async fn ledger_history_and_statements_of_a_folder_agree() {
    let folder = tempfile::tempdir().unwrap();
    let (age, apart) = (Duration::from_secs(6 * 24 * HOUR), Duration::from_secs(7 * HOUR));
    tests::write_log_of_days(folder.path(), age, 20, apart);
    let data = text(folder.path());
    let none = solvo(["report", "reconcile", "--data", data]);
    assert_eq!(none.status.code(), Some(1));
    assert!(errors(&none).contains("solvo history rebuild"), "{}", errors(&none));
    told(&["history", "rebuild", "--data", data, "--json"]);
    let served = Served::start(folder.path());
    let locked = solvo(["report", "reconcile", "--data", data]);
    assert!(errors(&locked).contains("stop it first"), "{}", errors(&locked));
    settled(served.api().await.submit(&payment("TX-1", "1.00")).await.unwrap());
    assert_eq!(served.stop(Signal::TERM).code(), Some(0));
    let report = told(&["report", "reconcile", "--data", data, "--json"]);
    assert_eq!((&report["accounts"], &report["positions"]), (&2.into(), &2.into()));
    // Of each account and position: what it began with, and 21 payments.
    assert_eq!((&report["entries"], &report["ok"]), (&88.into(), &true.into()));
    assert!(report["statements"].as_u64().unwrap() >= 4 * 6, "{report}");
}

#[tokio::test]
async fn books_of_every_kind_agree() {
    let folder = tempfile::tempdir().unwrap();
    let served = served(folder.path()).await;
    let api = served.api().await;
    let world = World::of(api.clone());
    world.set_fees(ALFA, ["0.50", "0.20"], 1).await.unwrap();
    let paid = settled(api.submit(&payment("TX-4", "100.00")).await.unwrap());
    world.give_back(paid.payment_id).await.unwrap();
    world.put_aside(ALFA).await.unwrap();
    let clock = v1::BankClock { minutes_ahead: 60, change: None };
    let set =
        v1::SetClockRequest { request_id: "clock".to_owned(), bic: BETA.to_owned(), clock: Some(clock) };
    let set = api.customers().set_clock(set).await.unwrap().into_inner().confirmation.unwrap();
    until_told(&api, set.sequence).await;
    let address = served.address().to_string();
    let aside = told(&["history", "entries", "--to", &address, "--technical", ALFA, "--json"]);
    assert_eq!((&aside["type"], &aside["balance"]), (&"OWN_FUNDS".into(), &"50.00".into()));
    let date = business_date(&api).await;
    let aside = ["report", "statement", "--to", &address, "--technical", ALFA, "--date", &date];
    let notified = run(&[&aside[..], &["--form", "camt054"]].concat());
    let document = String::from_utf8(notified.stdout).unwrap();
    assert!(document.contains("TBEEURALFABEBBXXX") && document.contains("ASIDE-1"), "{document}");
    assert_eq!(served.stop(Signal::TERM).code(), Some(0));
    let report = told(&["report", "reconcile", "--data", text(folder.path()), "--json"]);
    assert_eq!((&report["accounts"], &report["positions"]), (&2.into(), &2.into()));
    assert_eq!(report["technical_accounts"], 1);
    // On the accounts what they began with, four payments, the return and a fee on each side; on the positions what they
    // began with, four payments and the return, and on one of them its own funds, which are on the technical account too.
    assert_eq!((&report["entries"], &report["ok"]), (&(2 * 7 + 2 * 6 + 2).into(), &true.into()));
}

#[tokio::test]
async fn a_days_end_is_a_folder_that_is_there_once_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (folder.path().join("data"), folder.path().join("out"));
    let (age, apart) = (Duration::from_secs(6 * 24 * HOUR), Duration::from_secs(7 * HOUR));
    tests::write_log_of_days(&data, age, 20, apart);
    let served = Served::start(&data);
    until_told(&served.api().await, 1).await;
    let address = served.address().to_string();
    let day_end = ["report", "day-end", "--to", &address, "--participant", ALFA, "--out", text(&out)];
    let made = run(&day_end);
    assert!(made.status.success(), "{}", errors(&made));
    let yesterday = Date::from_days(today().days() - 1).unwrap();
    let whole = out.join(format!("{ALFA}-{yesterday}"));
    let names = || {
        let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<String> = fs::read_dir(&whole).unwrap().map(name).collect();
        names.sort();
        names
    };
    let [customer, position, technical] = &names()[..] else { panic!("{:?}", names()) };
    assert!(customer.starts_with('A') && position.starts_with('P') && technical.starts_with('T'));
    let document = fs::read_to_string(whole.join(customer)).unwrap();
    assert!(
        document.contains("camt.053.001.08") && document.trim_end().ends_with("</Document>"),
        "{document}"
    );
    fs::remove_file(whole.join(customer)).unwrap();
    let again = run(&day_end);
    assert!(again.status.success() && errors(&again).contains("is there already"), "{}", errors(&again));
    assert_eq!(names().len(), 2, "a folder that is whole is left alone");
    let today = today().to_string();
    let early = run(&[&day_end[..], &["--date", &today]].concat());
    assert_eq!(early.status.code(), Some(1));
    assert!(errors(&early).contains("the day ends at"), "{}", errors(&early));
}
