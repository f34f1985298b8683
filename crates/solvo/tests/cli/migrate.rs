//! `solvo migrate`: a file of accounts becomes accounts of a node, once, whole, and as its totals say.

use std::fmt::Write;
use std::fs;

use client::v1;
use serde_json::Value;
use tests::{ALFA, World, belgian, german};

use crate::process::{Served, errors, run, text, told};

const ACCOUNTS: u32 = 3_000;

/// Customers of ALFA: each owns as many euro as its number, every tenth one owes 5.00 instead, every hundredth has nothing.
fn file_of_accounts() -> String {
    let mut file = "iban,currency,balance,floor,type,holder_1,holder_2\n".to_owned();
    for number in 1..=ACCOUNTS {
        let (balance, floor) = match number {
            _ if number % 100 == 0 => ("0.00".to_owned(), ""),
            _ if number % 10 == 0 => ("-5.00".to_owned(), "-50.00"),
            _ => (format!("{number}.00"), ""),
        };
        let kind = if number % 7 == 0 { "savings" } else { "current" };
        writeln!(file, "{},EUR,{balance},{floor},{kind},\"Peeters, Anna\",", belgian(number)).unwrap();
    }
    file
}

#[tokio::test]
async fn accounts_are_taken_over_once_and_as_their_totals_say() {
    let folder = tempfile::tempdir().unwrap();
    let [data, file, totals] = ["data", "accounts.csv", "totals.json"].map(|name| folder.path().join(name));
    fs::write(&file, file_of_accounts()).unwrap();
    let counted = told(&["migrate", "totals", text(&file), "--json"]);
    assert_eq!(counted["accounts"], ACCOUNTS);
    fs::write(&totals, counted.to_string()).unwrap();
    let served = Served::start(&data);
    let api = served.api().await;
    let to = served.address().to_string();
    let load =
        ["migrate", "load", text(&file), "--participant", ALFA, "--totals", text(&totals), "--to", &to];
    let early = run(&load);
    assert_eq!(early.status.code(), Some(1));
    assert!(errors(&early).contains("nothing was sent"), "{}", errors(&early));

    World::of(api.clone()).register(ALFA, v1::AccountMode::Hosted).await;
    for _ in 0..2 {
        let loaded = told(&[&load[..], &["--json"]].concat());
        assert_eq!((&loaded["complete"], &loaded["refused"]), (&Value::from(true), &Value::from(0)));
        assert_eq!(loaded["taken_over"], counted);
        for (number, balance) in [(1, "1.00"), (7, "7.00"), (10, "-5.00"), (100, "0.00"), (2_999, "2999.00")]
        {
            assert_eq!(api.balance(&belgian(number)).await, balance, "{number}");
        }
    }
    // Every book sums to zero: what the customers have came from the bank's own core.
    api.trial_balance().await;
}

#[tokio::test]
async fn nothing_is_sent_of_a_file_that_is_not_the_one_counted() {
    let folder = tempfile::tempdir().unwrap();
    let [data, file, totals] = ["data", "accounts.csv", "totals.json"].map(|name| folder.path().join(name));
    fs::write(&file, file_of_accounts()).unwrap();
    let counted = told(&["migrate", "totals", text(&file), "--json"]);
    let served = Served::start(&data);
    let api = served.api().await;
    World::of(api.clone()).register(ALFA, v1::AccountMode::Hosted).await;
    let to = served.address().to_string();
    let load =
        ["migrate", "load", text(&file), "--participant", ALFA, "--totals", text(&totals), "--to", &to];
    for (part, other) in [("accounts", Value::from(1)), ("hash", "0000000000000000".into())] {
        let mut wrong = counted.clone();
        wrong[part] = other;
        fs::write(&totals, wrong.to_string()).unwrap();
        let refused = run(&load);
        assert_eq!(refused.status.code(), Some(1));
        assert!(errors(&refused).contains("nothing was sent"), "{}", errors(&refused));
    }
    fs::write(&totals, counted.to_string()).unwrap();
    let twice = format!("{}{},EUR,1.00,,,A,\n", file_of_accounts(), belgian(7));
    for (content, told) in [
        (twice, "line 3002: it is the account of line 8"),
        (file_of_accounts().replace("7.00", "7,00"), "line 8: it has 8 fields, and the first line 7"),
    ] {
        fs::write(&file, content).unwrap();
        let refused = run(&load);
        assert_eq!(refused.status.code(), Some(1));
        assert!(errors(&refused).contains(told), "{}", errors(&refused));
    }
    let asked = v1::GetAccountRequest { iban: belgian(1), currency_code: "EUR".to_owned() };
    assert_eq!(api.accounts().get_account(asked).await.unwrap_err().code(), tonic::Code::NotFound);
}

/// A balance is booked for the accounts that this file opened, and for no other.
#[tokio::test]
async fn what_is_there_already_is_refused_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let [data, file, totals] = ["data", "accounts.csv", "totals.json"].map(|name| folder.path().join(name));
    let head = "iban,currency,balance,holder_1\n";
    fs::write(&file, format!("{head}{},EUR,1.00,A\n{},EUR,2.00,B\n", belgian(1), german(2))).unwrap();
    let counted = told(&["migrate", "totals", text(&file), "--json"]);
    fs::write(&totals, counted.to_string()).unwrap();
    let served = Served::start(&data);
    let api = served.api().await;
    World::set_up(&api, 1).await;
    let before = api.balance(&belgian(1)).await;
    let to = served.address().to_string();
    let load =
        ["migrate", "load", text(&file), "--participant", ALFA, "--totals", text(&totals), "--to", &to];
    let loaded = run(&load);
    assert_eq!(loaded.status.code(), Some(1));
    assert!(errors(&loaded).contains("line 2: "), "{}", errors(&loaded));
    let shown = String::from_utf8(loaded.stdout).unwrap();
    assert!(shown.contains("refused   1") && shown.contains("are NOT those of the totals"), "{shown}");
    assert_eq!((api.balance(&belgian(1)).await, api.balance(&german(2)).await), (before, "2.00".to_owned()));
    // A balance that was put right comes too late: the first one has been booked.
    fs::write(&file, format!("{head}{},EUR,3.00,B\n", german(2))).unwrap();
    fs::write(&totals, told(&["migrate", "totals", text(&file), "--json"]).to_string()).unwrap();
    let again = run(&load);
    assert_eq!(again.status.code(), Some(1));
    assert!(errors(&again).contains("line 2: "), "{}", errors(&again));
    assert_eq!(api.balance(&german(2)).await, "2.00");
}
