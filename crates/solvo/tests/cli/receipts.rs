//! `solvo receipt`, and `serve --void` where there is nothing to void.

use std::fs;
use std::path::Path;
use std::process::Output;

use rustix::process::Signal;
use tests::{Api, World, payment, settled, trim_log};

use crate::backup::Folders;
use crate::process::{Served, errors, run, solvo, text, verify};

const SERVE: [&str; 4] = ["--listen", "127.0.0.1:0", "--receipt-interval", "1"];

#[track_caller]
fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", errors(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn checked(file: &Path, key: &str) -> Output {
    solvo(["receipt", "verify", text(file), "--key", key])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_got_from_a_node_or_its_folder_and_checked_without_them() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let served = Served::start_with(&data, &SERVE);
    let api = served.api().await;
    World::set_up(&api, 1).await;
    let outcome = settled(api.submit(&payment("TX-1", "12.34")).await.unwrap());
    let server = served.address().to_string();
    let receipt = printed(&run(&["receipt", "get", &outcome.payment_id, "--server", &server]));
    let key = printed(&run(&["receipt", "key", "--server", &server]));
    let rejected = api.submit(&payment("TX-2", "5000.00")).await.unwrap();
    let refused = run(&["receipt", "get", &rejected.payment_id, "--server", &server]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(errors(&refused).contains("settled payments only"), "{}", errors(&refused));
    // Beside the node, and after it.
    let from_folder = ["receipt", "get", &outcome.payment_id, "--data", text(&data)];
    assert_eq!(printed(&run(&from_folder)), receipt);
    assert_eq!(served.stop(Signal::TERM).code(), Some(0));
    assert_eq!(printed(&run(&from_folder)), receipt);
    assert_eq!(printed(&run(&["receipt", "key", "--data", text(&data)])), key);
    verify(&data);

    let file = folder.path().join("receipt.json");
    fs::write(&file, &receipt).unwrap();
    let key_file = folder.path().join("key");
    fs::write(&key_file, &key).unwrap();
    fs::remove_dir_all(&data).unwrap();
    for key in [key.trim(), text(&key_file)] {
        let told = printed(&checked(&file, key));
        for word in ["The receipt is good", "12.34 EUR", "TX-1", outcome.payment_id.as_str()] {
            assert!(told.contains(word), "{word}: {told}");
        }
    }
    let json = printed(&solvo(["receipt", "verify", text(&file), "--key", text(&key_file), "--json"]));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["ok"], &json["amount"]), (&true.into(), &"12.34".into()));
    fs::write(&file, receipt.replace("12.34", "99.34")).unwrap();
    let refused = checked(&file, text(&key_file));
    assert_eq!(refused.status.code(), Some(1));
    assert!(errors(&refused).contains("has been changed"), "{}", errors(&refused));
    fs::write(&file, &receipt).unwrap();
    let refused = checked(&file, &"ab".repeat(32));
    assert_eq!(refused.status.code(), Some(1));
    assert!(errors(&refused).contains("this key has not signed"), "{}", errors(&refused));
}

#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_are_made_again_on_a_folder_that_nobody_uses() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let served = Served::start_with(data, &SERVE);
    let api = served.api().await;
    World::set_up(&api, 1).await;
    let outcome = settled(api.submit(&payment("TX-1", "12.34")).await.unwrap());
    let server = served.address().to_string();
    let receipt = printed(&run(&["receipt", "get", &outcome.payment_id, "--server", &server]));
    let rebuild = ["receipt", "rebuild", "--data", text(data), "--receipt-interval", "1"];
    let refused = run(&rebuild);
    assert_eq!(refused.status.code(), Some(1));
    assert!(errors(&refused).contains("another node uses"), "{}", errors(&refused));
    assert_eq!(served.stop(Signal::TERM).code(), Some(0));
    fs::remove_dir_all(data.join("receipts")).unwrap();
    let from_folder = ["receipt", "get", &outcome.payment_id, "--data", text(data)];
    let refused = run(&from_folder);
    assert!(errors(&refused).contains("holds no checkpoints"), "{}", errors(&refused));
    assert!(printed(&run(&rebuild)).contains("checkpoints up to batch"));
    assert_eq!(printed(&run(&from_folder)), receipt);
}

/// Pays a cent and waits for the receipt.
async fn proven(api: &Api, served: &Served, transaction_id: &str) -> (String, String) {
    let outcome = settled(api.submit(&payment(transaction_id, "0.01")).await.unwrap());
    let server = served.address().to_string();
    let receipt = printed(&run(&["receipt", "get", &outcome.payment_id, "--server", &server]));
    (outcome.payment_id, receipt)
}

/// The number of the checkpoint that a receipt leads to.
fn number(receipt: &str) -> u64 {
    let receipt: serde_json::Value = serde_json::from_str(receipt).unwrap();
    let checkpoint = receipt["proof"]["checkpoint"].as_str().unwrap();
    u64::from_str_radix(&checkpoint[80..96], 16).unwrap().swap_bytes()
}

/// The log does not begin with its first frame any more, so nothing but the backup has what was signed.
#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_come_back_from_a_backup_and_go_on() {
    let folders = Folders::new();
    for start in 0..2 {
        let served = Served::start_with(&folders.data, &SERVE);
        let api = served.api().await;
        if start == 0 {
            World::set_up(&api, 1).await;
        }
        proven(&api, &served, &format!("EARLY-{start}")).await;
        assert_eq!(served.stop(Signal::TERM).code(), Some(0));
    }
    trim_log(&folders.data);
    let served = Served::start_with(&folders.data, &SERVE);
    let api = served.api().await;
    let (kept, receipt) = proven(&api, &served, "KEPT").await;
    folders.back_up();
    let middle = settled(api.submit(&payment("MIDDLE", "0.01")).await.unwrap());
    let (_, last) = proven(&api, &served, "LOST").await;
    assert!(number(&receipt) > 2 && number(&last) > number(&receipt), "{receipt}{last}");
    folders.back_up();
    assert_eq!(served.stop(Signal::TERM).code(), Some(0));
    folders.back_up();
    let whole = run(&["backup", "--check", text(&folders.backup)]);
    assert!(whole.status.success(), "{}", errors(&whole));
    folders.restore(&["--until", &middle.sequence.to_string()]);

    let from_folder = ["receipt", "get", &kept, "--data", text(&folders.restored)];
    assert_eq!(printed(&run(&from_folder)), receipt);
    let served = Served::start_with(&folders.restored, &SERVE);
    let api = served.api().await;
    let (_, new) = proven(&api, &served, "NEW").await;
    let server = served.address().to_string();
    assert_eq!(printed(&run(&["receipt", "get", &kept, "--server", &server])), receipt);
    assert!(number(&new) > number(&receipt), "{receipt}{new}");
    let file = folders.data.with_file_name("receipt.json");
    fs::write(&file, &new).unwrap();
    let key = printed(&run(&["receipt", "key", "--data", text(&folders.data)]));
    assert!(checked(&file, key.trim()).status.success());
    assert_eq!(served.stop(Signal::TERM).code(), Some(0));
    // One chain: what was signed up to the point stands unchanged, and the new life's is behind it.
    let [before, after] = [&folders.data, &folders.restored]
        .map(|folder| fs::read(folder.join("receipts/checkpoints")).unwrap());
    let signed = 64 + 332 * usize::try_from(number(&receipt)).unwrap();
    assert!(after.len() > signed);
    assert_eq!(before[..signed], after[..signed]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_harms_nobody_is_not_voided() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path());
    let api = served.api().await;
    World::set_up(&api, 1).await;
    let outcome = settled(api.submit(&payment("TX-1", "1.00")).await.unwrap());
    assert_eq!(served.stop(Signal::TERM).code(), Some(0));
    let void = |sequence: u64| {
        let sequence = sequence.to_string();
        let data = text(folder.path());
        run(&["serve", "--data", data, "--listen", "127.0.0.1:0", "--void", &sequence])
    };
    for (sequence, why) in [(outcome.sequence, "replays without a fault"), (1 << 40, "the log ends at")] {
        let refused = void(sequence);
        assert_eq!(refused.status.code(), Some(1));
        assert!(errors(&refused).contains(why), "{}", errors(&refused));
    }
    let list = folder.path().join("VOIDS");
    assert!(!list.exists());
    verify(folder.path());
    // A list that can't be read stops every replay before it begins.
    fs::write(&list, [0; 4096]).unwrap();
    let data = text(folder.path());
    for stopped in
        [run(&["verify", data]), run(&["serve", "--data", data, "--listen", "127.0.0.1:0"]), void(2)]
    {
        assert_eq!(stopped.status.code(), Some(1));
        assert!(errors(&stopped).contains("VOIDS does not verify"), "{}", errors(&stopped));
    }
}
