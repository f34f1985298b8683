//! `solvo bank` and loads with payees elsewhere, against a served node.

use std::fs;

use rustix::process::Signal;

use crate::process::{Served, errors, solvo, text, verify};

#[test]
fn loads_with_payees_elsewhere_pass_and_banks_audit_what_they_hear() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&folder.path().join("data"));
    let address = served.address.to_string();
    // The run registers its banks, and their own connections end with it.
    let load = solvo([
        "load",
        "--to",
        &address,
        "--remote-share",
        "60",
        "--banks",
        "2",
        "--rate",
        "2000",
        "--mode",
        "unary",
        "--duration",
        "500ms",
        "--json",
    ]);
    assert!(load.status.success(), "{}", errors(&load));
    let report: serde_json::Value = serde_json::from_slice(&load.stdout).unwrap();
    assert_eq!((&report["passed"], &report["remote_banks"]), (&true.into(), &2.into()), "{report}");
    assert_eq!(report["counts"]["settled"], report["counts"]["sent"]);
    assert!(report["banks"]["settled"].as_u64().unwrap() > 0);

    let journal = folder.path().join("bank.jsonl");
    let bank = solvo([
        "bank",
        "--bic",
        "LOADATWW001,LOADATWW002",
        "--to",
        &address,
        "--behaviour",
        "late=5%,double",
        "--connections",
        "2",
        "--for",
        "300ms",
        "--json",
        "--journal",
        text(&journal),
    ]);
    assert!(bank.status.success(), "{}", errors(&bank));
    let report: serde_json::Value = serde_json::from_slice(&bank.stdout).unwrap();
    assert_eq!(report["passed"], true);
    assert_eq!(report["behaviour"], "late=5%,double=95%");
    assert_eq!(report["banks"].as_array().unwrap().len(), 2);
    assert_eq!(fs::read_to_string(&journal).unwrap().lines().count(), 4, "each connection stood once");

    for [bic, behaviour] in [["NOBOBEBB", "accept"], ["LOADATWW001", "asleep"]] {
        let refused = solvo(["bank", "--to", &address, "--bic", bic, "--behaviour", behaviour]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(!errors(&refused).is_empty());
    }
    assert_eq!(served.stop(Signal::TERM).code(), Some(0));
    verify(&folder.path().join("data"));
}
