//! `solvo bank` and loads with payees elsewhere, against a served node.

use std::fs;

use rustix::process::Signal;

use crate::identity::options;
use crate::process::{Served, errors, run, solvo, text, verify};

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

/// A bank shows who it is, and is heard as nobody else; so are those of a load run.
#[test]
fn banks_connect_with_certificates() {
    let folder = tempfile::tempdir().unwrap();
    let certs = folder.path().join("certs");
    let made = solvo(["dev-certs", "--out", text(&certs), "--bank", "LOADATWW001"]);
    assert!(made.status.success(), "{}", errors(&made));
    let options = options(&certs, "127.0.0.1:0");
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let served = Served::start_with(&folder.path().join("data"), &options);
    let address = served.address().to_string();
    let call = |name: &str, arguments: &[&str]| {
        let file = |name: String| text(&certs.join(name)).to_owned();
        let tls = [
            ["--ca".to_owned(), file("ca.pem".to_owned())],
            ["--certificate".to_owned(), file(format!("{name}.pem"))],
            ["--key".to_owned(), file(format!("{name}.key"))],
        ];
        let tls = tls.concat();
        let to = ["--to", address.as_str(), "--json"].into_iter().chain(tls.iter().map(String::as_str));
        run(&arguments.iter().copied().chain(to).collect::<Vec<_>>())
    };
    let share = ["load", "--remote-share", "60", "--banks", "2", "--rate", "500", "--duration", "500ms"];
    let load = call("tester", &share);
    assert!(load.status.success(), "{}", errors(&load));
    let report: serde_json::Value = serde_json::from_slice(&load.stdout).unwrap();
    assert!(report["banks"]["settled"].as_u64().unwrap() > 0, "{report}");

    for form in [&[][..], &["--iso"]] {
        let bank = ["bank", "--bic", "LOADATWW001", "--for", "200ms"];
        let bank = call("loadatww001", &[&bank[..], form].concat());
        assert!(bank.status.success(), "{}", errors(&bank));
        let report: serde_json::Value = serde_json::from_slice(&bank.stdout).unwrap();
        assert_eq!(report["banks"][0]["connections"], 1, "{report}");
    }
    for (name, bic) in [("loadatww001", "LOADATWW002"), ("auditor", "LOADATWW001")] {
        let refused = call(name, &["bank", "--bic", bic, "--for", "200ms"]);
        assert_eq!(refused.status.code(), Some(1), "{name} is not {bic}");
        assert!(errors(&refused).contains("PermissionDenied"), "{}", errors(&refused));
    }
    assert_eq!(served.stop(Signal::TERM).code(), Some(0));
}
