//! `solvo recall` and `solvo calendar` against a node that keeps its calendar by itself, and the demo that shows both.

use client::v1;
use rustix::process::Signal;
use serde_json::Value;
use tests::{BETA, World, belgian, german, payment, settled, until};

use crate::process::{Served, errors, run, solvo, text, told, verify};

fn printed(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{}", errors(&output));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_are_asked_back_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let served = Served::start(&data);
    let api = served.api().await;
    World::set_up(&api, 1).await;
    let to = served.address().to_string();
    let calendar = until("the node has set its calendar", async || {
        let calendar = told(&["calendar", "--json", "--to", &to]);
        (calendar["business_date"] != "").then_some(calendar)
    })
    .await;
    assert_eq!(calendar["closing_years"].as_array().unwrap().len(), 4);
    let shown = printed(&["calendar", "--to", &to]);
    assert!(shown.starts_with(&format!("business date {}\n", calendar["business_date"].as_str().unwrap())));

    let mut ids = Vec::new();
    for (id, amount) in [("TX-1", "10.00"), ("TX-2", "20.00"), ("TX-3", "1.00")] {
        ids.push(settled(api.submit(&payment(id, amount)).await.unwrap()).payment_id);
    }
    let request = |payment: &str, reason: &str| {
        told(&["recall", "request", payment, reason, "--reference", "R-1", "--json", "--to", &to])
    };
    let (first, second) = (request(&ids[0], "DUPL"), request(&ids[1], "CUST"));
    assert_eq!((&first["state"], &first["payment_id"]), (&Value::from("open"), &Value::from(&*ids[0])));
    let again = run(&["recall", "request", &ids[0], "FRAD", "--reference", "R-2", "--to", &to]);
    assert_eq!(again.status.code(), Some(1));
    assert!(errors(&again).contains("asked back once"), "{}", errors(&again));
    let list = || printed(&["recall", "list", "--bank", BETA, "--to", &to]);
    assert_eq!(list().lines().count(), 2);

    let id = |recall: &Value| recall["recall_id"].as_str().unwrap().to_owned();
    let (first, second) = (id(&first), id(&second));
    let back = ["recall", "return", &first, "9.50", "--fee", "0.50", "--reference", "A-1", "--to", &to];
    assert!(printed(&back).contains(": returned, 9.50 with a fee of 0.50"));
    let without_consent = run(&["recall", "return", &second, "20.00", "--reference", "A-2", "--to", &to]);
    assert!(errors(&without_consent).contains("the payee has to agree"), "{}", errors(&without_consent));
    let refuse = ["recall", "refuse", &second, "CUST", "--reference", "A-3", "--to", &to];
    assert!(printed(&refuse).contains(": refused, CUST"));
    assert_eq!(list(), "");
    let shown = told(&["recall", "show", &first, "--json", "--to", &to]);
    assert_eq!((&shown["returned_amount"], &shown["late"]), (&Value::from("9.50"), &Value::from(false)));
    assert_eq!(shown["returned_to_bank"], Value::from(false));

    // A blocked account gets nothing: its bank sees that it owes the money.
    let third = id(&request(&ids[2], "TECH"));
    World::of(api.clone()).set_account_status(&belgian(1), v1::AccountStatus::Blocked).await.unwrap();
    let back = ["recall", "return", &third, "1.00", "--reference", "A-4", "--to", &to];
    assert!(
        printed(&back)
            .contains(": returned, 1.00 with a fee of 0.00, to the payer's bank and not its customer")
    );
    assert_eq!(
        told(&["recall", "show", &third, "--json", "--to", &to])["returned_to_bank"],
        Value::from(true)
    );
    assert_eq!(
        (api.balance(&belgian(1)).await, api.balance(&german(1)).await),
        ("978.50".into(), "1020.00".into())
    );
    assert!(served.stop(Signal::TERM).success());
    verify(&data);
}

/// Everything that it shows it also checks.
#[test]
fn demo_shows_recalls_and_a_statement() {
    let folder = tempfile::tempdir().unwrap();
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/pacs008");
    let data = folder.path().join("data");
    let demo = solvo([
        "demo",
        "--payments",
        "100",
        "--salaries",
        "200",
        "--data",
        text(&data),
        "--fixtures",
        fixtures,
    ]);
    let shown = String::from_utf8(demo.stdout.clone()).unwrap();
    assert!(demo.status.success(), "{shown}{}", errors(&demo));
    for line in [
        "58.50 came back, 1.50 kept as a fee",
        "refused with CUST",
        "its balances chain, and end with the ledger's",
        "200 of 200 paid, 200.00 EUR",
        "the file given once more pays nothing",
        "3 of 3 recalls found, with the same answer",
        "all is as it should be",
    ] {
        assert!(shown.contains(line), "{line:?} is missing in {shown}");
    }
    verify(&data);
}
