//! Mutual TLS as users meet it: a trial set, a node that takes it, and commands that call the node.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::process::{Served, errors, solvo, text, verify};

/// A trial set in a folder.
fn trial_set() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made = solvo(["dev-certs", "--out", text(&folder.path().join("certs"))]);
    assert!(made.status.success(), "{}", errors(&made));
    folder
}

/// The options that turn TLS on.
pub(crate) fn options(certs: &Path, listen: &str) -> Vec<String> {
    let file = |name: &str| text(&certs.join(name)).to_owned();
    let option = |name: &str, value: String| [name.to_owned(), value];
    [
        option("--listen", listen.to_owned()),
        option("--tls-certificate", file("server.pem")),
        option("--tls-key", file("server.key")),
        option("--tls-client-ca", file("ca.pem")),
        option("--principals", file("principals.toml")),
    ]
    .concat()
}

fn serve(folder: &Path, listen: &str) -> Served {
    let options = options(&folder.join("certs"), listen);
    Served::start_with(&folder.join("data"), &options.iter().map(String::as_str).collect::<Vec<_>>())
}

/// A small load with the certificate of this name, and what came of it.
fn load(folder: &Path, port: u16, name: &str) -> std::process::Output {
    let file = |name: String| text(&folder.join("certs").join(name)).to_owned();
    let (address, ca) = (format!("127.0.0.1:{port}"), file("ca.pem".to_owned()));
    let (certificate, key) = (file(format!("{name}.pem")), file(format!("{name}.key")));
    solvo([
        "load",
        "--to",
        &address,
        "--ca",
        &ca,
        "--certificate",
        &certificate,
        "--key",
        &key,
        "--rate",
        "200",
        "--duration",
        "500ms",
        "--accounts",
        "10",
        "--connections",
        "1",
        "--json",
    ])
}

#[test]
fn a_trial_set_lets_its_principals_in_and_the_log_names_them() {
    let folder = trial_set();
    // Any address will do with TLS.
    let served = serve(folder.path(), "0.0.0.0:0");
    let port = served.address().port();
    let loaded = load(folder.path(), port, "tester");
    assert!(loaded.status.success(), "{}", errors(&loaded));
    let refused = load(folder.path(), port, "auditor");
    assert!(errors(&refused).contains("no role of the caller's may make this call"), "{}", errors(&refused));
    let plain = solvo(["load", "--to", &format!("127.0.0.1:{port}"), "--duration", "1s", "--accounts", "10"]);
    assert_eq!(plain.status.code(), Some(1), "a node with TLS takes no plain connections");
    assert_eq!(served.stop(Signal::TERM).code(), Some(0));

    let data = folder.path().join("data");
    verify(&data);
    let shown = solvo(["inspect", text(&data), "--json"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    let records: Vec<serde_json::Value> =
        shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let by = |kind: &str| -> Vec<u64> {
        let records = records.iter().filter(|row| row["type"] == "record" && row["kind"] == kind);
        records.map(|record| record["principal"].as_u64().unwrap()).collect()
    };
    let payments = by("payment");
    assert!(!payments.is_empty());
    for principals in [payments, by("register_participant"), by("open_account")] {
        assert!(principals.iter().all(|principal| *principal == 13), "{principals:?}");
    }
}

#[test]
fn a_hang_up_has_the_files_read_and_ends_nothing() {
    let folder = trial_set();
    let served = serve(folder.path(), "127.0.0.1:0");
    let port = served.address().port();
    assert!(load(folder.path(), port, "tester").status.success());
    let principals = folder.path().join("certs/principals.toml");
    let without =
        fs::read_to_string(&principals).unwrap().replace("urn:solvo:trial:tester", "urn:solvo:trial:gone");
    fs::write(&principals, without).unwrap();
    served.signal(Signal::HUP);
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let refused = load(folder.path(), port, "tester");
        if errors(&refused).contains("Unauthenticated") {
            break;
        }
        assert!(Instant::now() < until, "{}", errors(&refused));
    }
    assert_eq!(served.stop(Signal::TERM).code(), Some(0));
}

#[test]
fn files_that_are_not_in_order_leave_the_folder_alone() {
    let folder = trial_set();
    let certs = folder.path().join("certs");
    let data = folder.path().join("data");
    let start = || {
        let options = options(&certs, "127.0.0.1:0");
        let [listen, address, certificate, pem, key, pem_key, ca, pem_ca, principals, toml] =
            options.iter().map(String::as_str).collect::<Vec<_>>().try_into().unwrap();
        let refused = solvo([
            "serve",
            "--data",
            text(&data),
            listen,
            address,
            certificate,
            pem,
            key,
            pem_key,
            ca,
            pem_ca,
            principals,
            toml,
        ]);
        assert_eq!(refused.status.code(), Some(1));
        errors(&refused)
    };
    let principals = certs.join("principals.toml");
    let good = fs::read_to_string(&principals).unwrap();
    fs::write(&principals, good.replace("number = 11", "number = 10")).unwrap();
    let sentence = start();
    assert!(sentence.contains("principal 2 (Auditor): number 10 is another principal's"), "{sentence}");
    fs::write(&principals, good).unwrap();
    fs::copy(certs.join("ca.key"), certs.join("server.key")).unwrap();
    let sentence = start();
    assert!(sentence.contains("server.key do not go together"), "{sentence}");
    fs::write(certs.join("server.key"), "SECRET, and no PEM").unwrap();
    let sentence = start();
    assert!(sentence.contains("server.key") && !sentence.contains("SECRET"), "{sentence}");
    assert!(!data.exists(), "a wrong file leaves the folder alone");

    let incomplete = solvo(["serve", "--data", text(&data), "--tls-certificate", "server.pem"]);
    assert_eq!(incomplete.status.code(), Some(2));
    assert!(errors(&incomplete).contains("--tls-key"), "{}", errors(&incomplete));
}

#[test]
fn a_trial_set_is_its_owners_and_is_not_overwritten() {
    let folder = trial_set();
    let certs = folder.path().join("certs");
    for entry in fs::read_dir(&certs).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
    }
    let before = fs::read(certs.join("ca.pem")).unwrap();
    let refused = solvo(["dev-certs", "--out", text(&certs)]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(errors(&refused).contains("--force"), "{}", errors(&refused));
    assert_eq!(fs::read(certs.join("ca.pem")).unwrap(), before);
    let made = solvo(["dev-certs", "--out", text(&certs), "--bank", "ALFABEBB", "--force", "--json"]);
    let made: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    assert_ne!(fs::read(certs.join("ca.pem")).unwrap(), before);
    let bank = made["principals"].as_array().unwrap().last().unwrap();
    assert_eq!(bank["bics"], serde_json::json!(["ALFABEBBXXX"]));
    assert!(certs.join(bank["certificate"].as_str().unwrap()).exists());
    let twice =
        solvo(["dev-certs", "--out", text(&certs), "--bank", "ALFABEBB", "--bank", "ALFABEBBXXX", "--force"]);
    assert_eq!(twice.status.code(), Some(1));
}

#[test]
fn commands_keep_plain_connections_on_the_machine() {
    let refused = solvo(["load", "--to", "192.0.2.1:7400"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(errors(&refused).contains("--certificate"), "{}", errors(&refused));
}
