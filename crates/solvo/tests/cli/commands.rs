//! What the commands print, and with what they exit.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use tests::{ALFA, World, belgian, payment, settled, until};

use crate::process::{Served, errors, run, solvo, text, verify};

#[test]
fn every_command_shows_an_example() {
    let top = String::from_utf8(solvo(["--help"]).stdout).unwrap();
    assert!(top.contains("Example"), "{top}");
    for command in [
        "serve",
        "demo",
        "submit",
        "load",
        "bank",
        "verify",
        "inspect",
        "evidence",
        "backup",
        "restore",
        "receipt",
        "erase",
        "keys",
        "dev-certs",
        "set-version",
        "terms",
        "liquidity",
        "calendar",
        "recall",
        "history",
        "report",
        "migrate",
        "package",
        "order",
        "qr",
    ] {
        assert!(top.contains(command), "{top}");
        let help = solvo([command, "--help"]);
        assert!(help.status.success());
        let help = String::from_utf8(help.stdout).unwrap();
        let has_example = ["Example", "Examples"].map(|word| format!("{word}:\n  solvo {command} "));
        assert!(has_example.iter().any(|example| help.contains(example)), "{help}");
    }
}

#[test]
fn serve_refuses_addresses_other_than_loopback() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:7400"] {
        let refused = solvo(["serve", "--data", text(&data), "--listen", address]);
        assert_eq!(refused.status.code(), Some(1));
        let sentence = errors(&refused);
        assert!(sentence.contains("is not a loopback address: without TLS"), "{sentence}");
    }
    assert!(!data.exists(), "a wrong address leaves the folder alone");
}

/// A new log has nothing to be raised; what would lower it or leave the node behind is refused.
#[test]
fn set_version_shows_the_version_and_refuses_what_is_not_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path());
    let address = served.address().to_string();
    let set = |version: Option<&str>| {
        let arguments = ["set-version", "--json", "--to", &address];
        run(&arguments.into_iter().chain(version).collect::<Vec<_>>())
    };
    let shown: serde_json::Value = serde_json::from_slice(&set(None).stdout).unwrap();
    let newest = shown["known"].as_u64().unwrap();
    assert_eq!(shown["rules_version"], newest);
    assert!(set(Some(&newest.to_string())).status.success(), "it is in force already");
    for version in [newest - 1, newest + 1] {
        let refused = set(Some(&version.to_string()));
        assert_eq!(refused.status.code(), Some(1));
        assert!(errors(&refused).contains("one version at a time"), "{}", errors(&refused));
    }
    assert_eq!(served.stop(Signal::TERM).code(), Some(0));
}

#[test]
fn a_second_node_on_a_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path());
    let refused = solvo(["serve", "--data", text(folder.path()), "--listen", "127.0.0.1:0"]);
    assert_eq!(refused.status.code(), Some(1));
    let sentence = errors(&refused);
    assert!(sentence.contains("another") || sentence.contains("in use"), "{sentence}");
    assert_eq!(served.stop(Signal::TERM).code(), Some(0));
}

/// A folder with the log of a node that settled one payment and was stopped.
async fn settled_and_stopped() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path());
    let api = served.api().await;
    World::set_up(&api, 1).await;
    settled(api.submit(&payment("TX-1", "1.00")).await.unwrap());
    // `verify` takes no lock: it works beside a node.
    verify(folder.path());
    assert_eq!(served.stop(Signal::TERM).code(), Some(0));
    folder
}

/// What a node has made of its log while it ran, and what is made of it anew, is the same; a node has its store alone.
#[tokio::test(flavor = "multi_thread")]
async fn history_is_made_anew_and_asked() {
    let folder = settled_and_stopped().await;
    let rebuilt = solvo(["history", "rebuild", "--data", text(folder.path()), "--json"]);
    assert!(rebuilt.status.success(), "{}", errors(&rebuilt));
    let told = String::from_utf8(rebuilt.stdout).unwrap();
    assert!(told.contains("\"ok\":true"), "{told}");
    let served = Served::start(folder.path());
    let to = served.address().to_string();
    let listed = until("the payment is in history", async || {
        let listed = solvo(["history", "payments", "--to", &to, "--participant", ALFA, "--json"]);
        let listed = String::from_utf8(listed.stdout).unwrap();
        listed.contains("TX-1").then_some(listed)
    })
    .await;
    assert!(listed.contains("SETTLED") && !listed.contains(&belgian(1)), "{listed}");
    let entries = solvo(["history", "entries", "--to", &to, "--account", &belgian(1)]);
    let entries = String::from_utf8(entries.stdout).unwrap();
    assert_eq!(entries.lines().count(), 2, "{entries}");
    assert!(entries.starts_with("20") && entries.contains("999.00"), "{entries}");
    let status = solvo(["history", "status", "--to", &to]);
    assert!(status.status.success(), "{}", errors(&status));
    let refused = solvo(["history", "rebuild", "--data", text(folder.path())]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(errors(&refused).contains("another process"), "{}", errors(&refused));
    assert_eq!(served.stop(Signal::TERM).code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_names_the_place_of_damage() {
    let folder = settled_and_stopped().await;
    verify(folder.path());
    let segment = first_segment(folder.path());
    let mut bytes = fs::read(&segment).unwrap();
    // Frames start on blocks of 4 KiB behind the segment's own; this is within the third of them.
    const DAMAGED_FRAME: usize = 3 * 4096;
    bytes[DAMAGED_FRAME + 300] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let damaged = solvo(["verify", text(folder.path())]);
    assert_eq!(damaged.status.code(), Some(1));
    let told = errors(&damaged);
    assert!(told.contains(segment.file_name().unwrap().to_str().unwrap()), "{told}");
    assert!(told.contains(&DAMAGED_FRAME.to_string()), "{told}");
    // Nor does a node serve from it.
    let refused = solvo(["serve", "--data", text(folder.path()), "--listen", "127.0.0.1:0"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(!errors(&refused).is_empty());
}

#[test]
fn verify_and_inspect_want_a_log() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["verify", "inspect"] {
        let refused = solvo([command, text(folder.path())]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(!errors(&refused).is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn inspect_masks_personal_data_unless_asked() {
    let folder = settled_and_stopped().await;
    let inspect = |arguments: [&str; 3]| {
        let shown = solvo(arguments);
        assert!(shown.status.success(), "{}", errors(&shown));
        String::from_utf8(shown.stdout).unwrap()
    };
    let personal = ["Ines Aerts", "Paul Brandt", &belgian(1)];
    let folder = text(folder.path());
    let masked = inspect(["inspect", folder, "--json"]);
    assert!(masked.lines().count() > 5);
    let open = inspect(["inspect", folder, "--personal"]);
    for word in personal {
        assert!(!masked.contains(word), "{word} is masked");
        assert!(open.contains(word), "{word} is shown to whom asks");
    }
}

fn first_segment(folder: &Path) -> PathBuf {
    let mut segments: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    segments.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    segments.sort();
    segments.swap_remove(0)
}
