//! `solvo package` and `solvo order`: a salary file is checked, brought, paid line by line and reported on, once however often it
//! is given; a folder is watched; orders are placed for days to come.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;
use std::process::Child;

use client::v1;
use iso20022::{GroupStatus, LineStatus, PackageReportPart, PackageReportReader};
use serde_json::Value;
use tests::{ALFA, BETA, PackageFile, World, belgian, file_lines, german, until};

use crate::process::{Served, errors, run, spawn, text, told};

const LINES: u32 = 300;

/// A file of salaries of 1.00 from customer 1 of ALFA to customer 1 of BETA, but for line 7 (nobody has the account) and line 8
/// (its number is wrong).
fn salaries(message_id: &str) -> String {
    let mut lines = file_lines(usize::try_from(LINES).unwrap(), &german(1), BETA, 100);
    lines[6].account = german(9);
    lines[7].account = german(1).replacen("DE", "DK", 1);
    PackageFile::new(message_id).part("2026-11-20", &belgian(1), lines).xml()
}

fn lines_of(report: &Path) -> (Option<GroupStatus>, Vec<(LineStatus, String)>) {
    let mut parts = PackageReportReader::open(BufReader::new(File::open(report).unwrap())).unwrap();
    let status = parts.report().status;
    let mut lines = Vec::new();
    for part in &mut parts {
        if let PackageReportPart::Line(line) = part.unwrap() {
            let code = line.reason.as_ref().map(|detail| detail.reason.to_string());
            lines.push((line.status, code.unwrap_or_default()));
        }
    }
    (status, lines)
}

#[tokio::test]
async fn a_salary_file_is_paid_once_and_reported_line_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let [data, file, report] = ["data", "salaries.xml", "report.xml"].map(|name| folder.path().join(name));
    fs::write(&file, salaries("SALARIES-11")).unwrap();
    let checked = told(&["package", "check", text(&file), "--json"]);
    assert_eq!((&checked["lines"], &checked["refused"]), (&Value::from(LINES), &Value::from(1)));
    assert_eq!(checked["faults"][0]["line"], 8);
    let served = Served::start(&data);
    let api = served.api().await;
    World::set_up(&api, 1).await;
    let to = served.address().to_string();
    let pay =
        ["package", "pay", text(&file), "--bank", ALFA, "--report", text(&report), "--to", &to, "--json"];
    let mut package = String::new();
    for _ in 0..2 {
        let paid = run(&pay);
        assert_eq!(paid.status.code(), Some(3), "{}", errors(&paid));
        let paid: Value = serde_json::from_slice(&paid.stdout).unwrap();
        assert_eq!((&paid["paid"], &paid["refused"]), (&Value::from(LINES - 2), &Value::from(1)));
        assert_eq!((&paid["rejected"], &paid["state"]), (&Value::from(1), &Value::from("complete")));
        assert_eq!(api.balance(&german(1)).await, format!("{}.00", 1000 + LINES - 2));
        package = paid["package_id"].as_str().unwrap().to_owned();
    }
    let (status, lines) = lines_of(&report);
    assert_eq!((status, lines.len()), (Some(GroupStatus::PartlyAccepted), usize::try_from(LINES).unwrap()));
    assert_eq!(lines[0], (LineStatus::Settled, String::new()));
    assert_eq!(lines[6], (LineStatus::Rejected, "AC01".to_owned()));
    assert_eq!(lines[7], (LineStatus::Rejected, "AC01".to_owned()));

    let again = folder.path().join("again.xml");
    let fetched = told(&["package", "report", &package, "--out", text(&again), "--to", &to, "--json"]);
    assert_eq!(fetched["message_id"], "SALARIES-11");
    assert_eq!(lines_of(&again).1, lines);
    let listed = told(&["package", "list", "--bank", ALFA, "--to", &to, "--json"]);
    assert_eq!(listed["package_id"], Value::from(package.as_str()));
    let watched = run(&["package", "watch", &package, "--to", &to]);
    assert_eq!(watched.status.code(), Some(3));
    let shown = String::from_utf8(watched.stdout).unwrap();
    assert!(
        shown.contains("state     complete\n") && shown.contains("paid      298 (298.00 EUR)\n"),
        "{shown}"
    );
    let refused = run(&["package", "cancel", &package, "--to", &to]);
    assert_eq!(refused.status.code(), Some(1));
    api.trial_balance().await;
}

#[tokio::test]
async fn nothing_is_paid_of_a_file_that_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let [data, file] = ["data", "salaries.xml"].map(|name| folder.path().join(name));
    let served = Served::start(&data);
    let api = served.api().await;
    World::set_up(&api, 1).await;
    let to = served.address().to_string();
    let right = salaries("SALARIES-11");
    for (faulty, said) in [
        (right.replace("<NbOfTxs>300", "<NbOfTxs>301"), "NbOfTxs"),
        (right.replace("</CstmrCdtTrfInitn>", ""), "is refused"),
        (right.replace("<CtrlSum>3", "<CtrlSum>4"), "CtrlSum"),
    ] {
        fs::write(&file, faulty).unwrap();
        let refused = run(&["package", "pay", text(&file), "--bank", ALFA, "--to", &to]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(errors(&refused).contains(said), "{}", errors(&refused));
    }
    assert_eq!(api.balance(&german(1)).await, "1000.00");
}

/// What a file was paid in is not lost with the process, neither while it comes nor while it is paid.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_pays_each_line_of_a_file_once() {
    let folder = tempfile::tempdir().unwrap();
    let [data, file] = ["data", "salaries.xml"].map(|name| folder.path().join(name));
    let count = 20_000;
    let lines = file_lines(count, &german(1), BETA, 1);
    fs::write(&file, PackageFile::new("CENTS").part("2026-11-20", &belgian(1), lines).xml()).unwrap();
    // One at a time, so that there is a middle.
    let serve = ["--listen", "127.0.0.1:0", "--orders-under-way", "1"];
    let mut served = Served::start_with(&data, &serve);
    World::set_up(&served.api().await, 1).await;
    let packages = async |served: &Served| {
        let request = v1::ListPackagesRequest { bic: ALFA.to_owned(), ..Default::default() };
        served.api().await.orders().list_packages(request).await.unwrap().into_inner().packages
    };
    let to = served.address().to_string();
    let bringing = Watched(spawn(&["package", "submit", text(&file), "--bank", ALFA, "--to", &to]));
    until("some lines are logged", async || {
        packages(&served).await.pop().filter(|package| package.logged_count > 0)
    })
    .await;
    served.kill();
    drop(bringing);
    served = Served::start_with(&data, &serve);
    let to = served.address().to_string();
    let taken = told(&["package", "submit", text(&file), "--bank", ALFA, "--to", &to, "--json"]);
    let id = taken["package_id"].as_str().unwrap();
    for part in 1..3 {
        until("some more lines are paid", async || {
            packages(&served).await.pop().filter(|package| package.settled_count > 30 * part)
        })
        .await;
        served.kill();
        served = Served::start_with(&data, &serve);
    }
    served.kill();
    served = Served::start(&data);
    let api = served.api().await;
    assert_eq!(api.until_complete(id).await.settled_count, u32::try_from(count).unwrap());
    assert_eq!([api.balance(&belgian(1)).await, api.balance(&german(1)).await], ["800.00", "1200.00"]);
    api.trial_balance().await;
}

/// A watched folder. It is ended when this is dropped.
struct Watched(Child);

impl Drop for Watched {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_a_folder_are_paid_and_reported_on_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let [data, files, done, reports] = ["data", "in", "done", "reports"].map(|name| folder.path().join(name));
    let served = Served::start(&data);
    let api = served.api().await;
    World::set_up(&api, 1).await;
    let to = served.address().to_string();
    let watch = || {
        let folders = ["package", "folder", text(&files), "--done", text(&done), "--reports", text(&reports)];
        let rest = ["--bank", ALFA, "--look-every-ms", "20", "--report-every", "1", "--to", &to];
        Watched(spawn(&[&folders[..], &rest[..]].concat()))
    };
    fs::create_dir_all(&files).unwrap();
    let put = |name: &str, content: String| {
        let hidden = files.join(format!(".{name}"));
        fs::write(&hidden, content).unwrap();
        fs::rename(hidden, files.join(name)).unwrap();
    };
    let reported = async |name: &str| {
        let [report, mark] =
            [format!("{name}.report.xml"), format!("{name}.package")].map(|name| reports.join(name));
        until("the file is done", async || (report.exists() && !mark.exists()).then_some(())).await;
        lines_of(&report)
    };
    let first = watch();
    put("one.xml", salaries("ONE"));
    let (status, lines) = reported("one.xml").await;
    assert_eq!((status, lines.len()), (Some(GroupStatus::PartlyAccepted), usize::try_from(LINES).unwrap()));
    assert!(done.join("one.xml").exists() && !files.join("one.xml").exists());
    drop(first);
    put("two.xml", salaries("TWO"));
    put("damaged.xml", salaries("THREE").replace("</CstmrCdtTrfInitn>", ""));
    // The same file under another name is known.
    put("three.xml", salaries("ONE"));
    let _second = watch();
    assert_eq!(reported("two.xml").await.0, Some(GroupStatus::PartlyAccepted));
    assert_eq!(reported("damaged.xml").await.0, Some(GroupStatus::Rejected));
    assert_eq!(reported("three.xml").await.0, Some(GroupStatus::PartlyAccepted));
    assert_eq!(api.balance(&german(1)).await, format!("{}.00", 1000 + 2 * (LINES - 2)));
}

#[test]
fn a_file_to_try_this_out_is_sound() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("salaries.xml");
    let written = run(&["package", "example", text(&file), "--lines", "70"]);
    assert!(written.status.success(), "{}", errors(&written));
    let checked = told(&["package", "check", text(&file), "--json"]);
    assert_eq!((&checked["lines"], &checked["refused"]), (&Value::from(70), &Value::from(0)));
    assert_eq!(checked["sum"], "70.00");
}

#[tokio::test]
async fn an_order_is_placed_changed_listed_and_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&folder.path().join("data"));
    let api = served.api().await;
    World::set_up(&api, 1).await;
    let to = served.address().to_string();
    let [from, payee] = [belgian(1), german(1)];
    let day = |days| tests::now().date().plus_days(days).unwrap().to_string();
    let [soon, later] = [day(3), day(5)];
    let place = [
        "order",
        "place",
        "--bank",
        ALFA,
        "--from",
        &from,
        "--name",
        "Ines Aerts",
        "--payee-bank",
        BETA,
        "--to-account",
        &payee,
        "--payee",
        "Paul Brandt",
        "--amount",
        "750.00",
        "--on",
        &soon,
        "--every",
        "month",
        "--text",
        "Rent",
        "--to",
        &to,
        "--json",
    ];
    let placed = told(&place);
    let id = placed["order_id"].as_str().unwrap();
    assert_eq!(
        (&placed["state"], &placed["execution_date"]),
        (&Value::from("pending"), &Value::from(soon.as_str()))
    );
    let changed = told(&["order", "change", id, "--amount", "780.00", "--on", &later, "--to", &to, "--json"]);
    assert_eq!(
        (&changed["amount"], &changed["execution_date"]),
        (&Value::from("780.00"), &Value::from(later.as_str()))
    );
    assert_eq!(changed["schedule"]["unit"], "SCHEDULE_UNIT_MONTH");
    let listed = told(&["order", "list", &from, "--to", &to, "--json"]);
    assert_eq!(listed["order_id"], id);
    let cancelled = run(&["order", "cancel", id, "--to", &to]);
    let shown = String::from_utf8(cancelled.stdout.clone()).unwrap();
    assert!(shown.contains(" cancelled: 780.00 EUR from "), "{shown}{}", errors(&cancelled));
    let again = run(&["order", "cancel", id, "--to", &to]);
    assert_eq!(again.status.code(), Some(1));
    assert!(errors(&again).contains("was not cancelled"), "{}", errors(&again));
    let got = told(&["order", "get", id, "--to", &to, "--json"]);
    assert_eq!(got["state"], "cancelled");
}
