//! `solvo postings`: maps, totals, the stream, and the file of a day, which nothing changes once the day is over.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use client::v1;
use rustix::process::Signal;
use serde_json::{Value, json};
use tests::{ALFA, Api, World, belgian, payment, settled, until, write_sealed_old_log};
use types::Date;

use crate::process::{Served, errors, run, text, told};

/// Longer ago than what has to be kept.
const TWO_YEARS: Duration = Duration::from_secs(2 * 365 * 24 * 3600);

async fn until_told(api: &Api, sequence: u64) {
    until("history has come so far", async || {
        let status = api.history().get_history_status(v1::GetHistoryStatusRequest {}).await.ok()?;
        status.into_inner().as_of.filter(|as_of| as_of.sequence >= sequence)
    })
    .await;
}

/// The file of a day, from a node or a folder.
fn export(whose: &[&str], date: &str, file: &Path) -> (Vec<u8>, Value) {
    let common = ["postings", "export", "--bank", ALFA, "--date", date, "--output", text(file), "--json"];
    let about = told(&[&common[..], whose].concat());
    assert!(!file.with_extension("csv.part").exists());
    (fs::read(file).unwrap(), about)
}

#[tokio::test(flavor = "multi_thread")]
async fn file_of_a_day_outlasts_what_is_erased() {
    let all = tempfile::tempdir().unwrap();
    let data = all.path().join("data");
    let accepted = write_sealed_old_log(&data, TWO_YEARS, 3);
    let file = |name: &str| -> PathBuf { all.path().join(name).with_extension("csv") };
    let served = Served::start(&data);
    let (api, address) = (served.api().await, served.address().to_string());
    until_told(&api, 1).await;
    let date = accepted.date().to_string();
    let (before, about) = export(&["--to", &address], &date, &file("before"));
    assert!(about["postings"].as_u64().unwrap() > 0, "{about}");
    assert_eq!(about["first_number"], 1);

    let erased_before = Date::from_days(accepted.date().days() + 2).unwrap().to_string();
    let erase = ["erase", "--before", &erased_before, "--server", &address, "--yes", "--forget-holders"];
    told(&[&erase[..], &["--json"]].concat());
    let (erased, _) = export(&["--to", &address], &date, &file("erased"));
    assert!(erased == before, "nothing of it can be erased");

    let output = run(&["postings", "export", "--bank", ALFA, "--to", &address, "--date", "2199-01-01"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(errors(&output).contains("the day begins at"), "{}", errors(&output));
    assert!(served.stop(Signal::TERM).success());
    let (offline, again) = export(&["--data", text(&data)], &date, &file("offline"));
    assert!(offline == before, "a stopped node's folder gives the same");
    assert_eq!(again["postings"], about["postings"]);
    let rebuilt = run(&["history", "rebuild", "--data", text(&data)]);
    assert!(rebuilt.status.success(), "{}", errors(&rebuilt));
    assert!(export(&["--data", text(&data)], &date, &file("rebuilt")).0 == before);
    let reconciled = told(&["report", "reconcile", "--data", text(&data), "--json"]);
    assert_eq!((&reconciled["ok"], reconciled["books"].as_u64() > Some(0)), (&true.into(), true));
}

#[tokio::test(flavor = "multi_thread")]
async fn maps_are_set_and_totals_and_postings_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path());
    let (api, address) = (served.api().await, served.address().to_string());
    World::set_up(&api, 1).await;
    let command = |command: &str, further: &[&str]| -> Vec<String> {
        let common = ["postings", command, "--bank", ALFA, "--to", &address, "--json"];
        common.iter().chain(further).map(|word| (*word).to_owned()).collect()
    };
    let tell = |name: &str, further: &[&str]| -> Value {
        let words = command(name, further);
        told(&words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let account = format!("{}=2100.1", belgian(1));
    let lines = ["--line", "rest=9999", "--line", "position=1010", "--line", &account];
    let set = tell("map", &[&lines[..], &["--expected", "0"]].concat());
    let outcome = settled(api.submit(&payment("TX-1", "5.00")).await.unwrap());
    until_told(&api, outcome.sequence).await;
    let maps = tell("map", &[]);
    assert_eq!(maps["maps"][0]["map_id"], set["map_id"]);
    assert_eq!(maps["maps"][0]["lines"][0], json!({ "what": "rest", "gl_account": "9999" }));
    let refused = command("map", &["--line", "rest=1", "--expected", "0"]);
    let refused = run(&refused.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(errors(&refused).contains("another map was set"), "{}", errors(&refused));

    let today = tests::now().date().to_string();
    let totals = tell("totals", &["--date", &today]);
    let sum = |name: &str| {
        let sums = totals["sums"].as_array().unwrap();
        sums.iter().find(|sum| sum["gl_account"] == name).cloned().unwrap()
    };
    assert_eq!(
        sum("2100.1"),
        json!({ "gl_account": "2100.1", "count": 1, "debit": "5.00", "credit": "0.00" })
    );
    assert_eq!(sum("1010")["credit"], "5.00");
    assert_eq!(totals["whole"]["debit"], totals["whole"]["credit"]);
    let last = totals["number_last"].as_u64().unwrap();
    let shown = run(&["postings", "totals", "--bank", ALFA, "--to", &address, "--date", &today]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("2100.1") && shown.contains("CUSTOMERS") && shown.contains("so far"), "{shown}");

    let after = (last - 4).to_string();
    let watched = command("watch", &["--after", &after, "--count", "4"]);
    let watched = run(&watched.iter().map(String::as_str).collect::<Vec<_>>());
    let watched = String::from_utf8(watched.stdout).unwrap();
    let postings: Vec<Value> = watched.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<_> = postings.iter().map(|posting| posting["gl_account"].as_str().unwrap()).collect();
    assert_eq!(names, ["2100.1", "9999", "9999", "1010"]);
    assert!(postings.iter().all(|posting| posting["payment_id"] == outcome.payment_id));
}
