//! `solvo request`: a payee asks, a payer sees, accepts or refuses, and both are told where it stands.

use std::fs;

use iso20022::{ActivationStatus, read_pain014};
use serde_json::Value;
use tests::{ALFA, BETA, World, belgian, german, until};

use crate::process::{Served, errors, run, text, told};

#[tokio::test]
async fn a_request_is_made_shown_and_paid_and_others_are_refused_and_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("status.xml");
    let served = Served::start(&folder.path().join("data"));
    let api = served.api().await;
    World::set_up(&api, 1).await;
    let to = served.address().to_string();
    let asked = |arguments: &[&str]| told(&[&["request", "--to", &to, "--json"], arguments].concat());
    let [payer, payee] = [belgian(1), german(1)];
    let create = |amount: &'static str| {
        let made = asked(&[
            "create",
            "--payer-account",
            &payer,
            "--payer",
            "Ines Aerts",
            "--payee-bank",
            BETA,
            "--payee-account",
            &payee,
            "--payee",
            "Paul Brandt",
            "--amount",
            amount,
            "--reference",
            "INVOICE-117",
            "--text",
            "Invoice 117",
            "--days",
            "14",
        ]);
        assert_eq!(made["status"], "created");
        made["request_to_pay_id"].as_str().unwrap().to_owned()
    };
    let [paid, refused, back] = ["45.90", "1.00", "2.00"].map(create);
    let drawn = run(&["request", "show", &paid, "--code", "--to", &to]);
    assert!(drawn.status.success() && drawn.stdout.len() > 500, "{}", errors(&drawn));
    assert_eq!(asked(&["present", &paid])["status"], "presented");
    asked(&["accept", &paid]);
    until("it is paid", async || (asked(&["show", &paid])["status"] == "paid").then_some(())).await;
    assert_eq!(api.balance(&payee).await, "1045.90");
    assert_eq!(asked(&["refuse", &refused, "--reason", "MS02"])["reason"], "MS02");
    assert_eq!(asked(&["cancel", &back])["status"], "cancelled");
    let late = run(&["request", "accept", &back, "--to", &to]);
    assert!(errors(&late).contains("has been accepted, refused, cancelled or paid"), "{}", errors(&late));
    let listed = run(&["request", "list", "--side", "payer", "--bank", ALFA, "--to", &to]);
    let lines = String::from_utf8(listed.stdout).unwrap();
    assert!(["paid", "refused", "cancelled"].iter().all(|status| lines.contains(status)), "{lines}");
    let shown: Value = asked(&["show", &paid, "--report", text(&report)]);
    assert_eq!(shown["request_to_pay_id"], paid);
    let read = read_pain014(&fs::read(&report).unwrap()).unwrap();
    assert_eq!(read.requests[0].status, ActivationStatus::Settled);
}
