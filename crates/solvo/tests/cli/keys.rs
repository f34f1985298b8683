//! Personal data and its keys, as an operator meets them: master keys, rotation, loss, and what may not be erased.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use tests::{World, belgian, payment, settled, until};

use crate::process::{Served, errors, run, solvo, text, verify};

fn key_file(folder: &Path, name: &str, digit: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, format!("{}\n", digit.repeat(64))).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path
}

fn shown(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{}", errors(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn refused(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    errors(&output)
}

/// A node under a master key, on `data`, that has settled a payment and was stopped.
async fn settled_under(data: &Path, master: &Path) {
    let served = Served::start_with(data, &["--listen", "127.0.0.1:0", "--master-key", text(master)]);
    let api = served.api().await;
    World::set_up(&api, 1).await;
    settled(api.submit(&payment("TX-1", "1.00")).await.unwrap());
    assert_eq!(served.stop(Signal::TERM).code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_key_opens_the_log_until_it_is_rotated() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (old, new) = (key_file(folder.path(), "old", "a"), key_file(folder.path(), "new", "b"));
    settled_under(&data, &old).await;
    assert!(!data.join("MASTER").exists());
    let (data, old, new) = (text(&data), text(&old), text(&new));
    let inspect = |options: &[&str]| shown(&[&["inspect", data, "--personal"], options].concat());
    assert!(inspect(&["--master-key", old]).contains(&belgian(1)));
    let without = inspect(&[]);
    assert!(without.contains("texts=erased") && !without.contains(&belgian(1)));
    // Nothing of the log needs a key.
    assert!(shown(&["verify", data]).contains("are erased, or their keys are not at hand"));
    assert!(refused(&["verify", data, "--master-key", new]).contains("another master key"));
    let start = ["serve", "--data", data, "--listen", "127.0.0.1:0"];
    assert!(refused(&[&start[..], &["--master-key", new]].concat()).contains("another master key"));

    let rotate = ["keys", "rotate", "--data", data, "--master-key", old, "--new-master-key", new];
    assert!(shown(&rotate).contains("are wrapped by the new master key"));
    let command = format!("cat {new}");
    assert!(inspect(&["--master-key-command", &command]).contains(&belgian(1)));
    assert!(refused(&["inspect", data, "--master-key", old]).contains("another master key"));
    let served =
        Served::start_with(Path::new(data), &["--listen", "127.0.0.1:0", "--master-key-command", &command]);
    settled(served.api().await.submit(&payment("TX-2", "1.00")).await.unwrap());
    assert_eq!(served.stop(Signal::TERM).code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_does_not_start_without_the_keys_of_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let master = key_file(folder.path(), "master", "c");
    settled_under(&data, &master).await;
    let start = ["serve", "--data", text(&data), "--listen", "127.0.0.1:0", "--master-key", text(&master)];
    let keys = fs::read(data.join("KEYS")).unwrap();
    fs::remove_file(data.join("KEYS")).unwrap();
    assert!(refused(&start).contains("holds no KEYS"));
    verify(&data);
    let mut damaged = keys.clone();
    damaged[100] ^= 1;
    fs::write(data.join("KEYS"), damaged).unwrap();
    assert!(refused(&start).contains("KEYS in"));
    fs::write(data.join("KEYS"), keys).unwrap();
    fs::set_permissions(&master, Permissions::from_mode(0o644)).unwrap();
    assert!(refused(&start).contains("chmod 600"));
    fs::set_permissions(&master, Permissions::from_mode(0o600)).unwrap();
    let served = Served::start_with(&data, &["--listen", "127.0.0.1:0", "--master-key", text(&master)]);
    // Nobody takes the keys from under a node that runs.
    let running = refused(&["erase", "--data", text(&data), "--yes"]);
    assert!(running.contains("give --server"), "{running}");
    assert_eq!(served.stop(Signal::TERM).code(), Some(0));
}

/// The log does not hold the key of its digests, by which history finds accounts: whoever makes it anew brings it.
#[tokio::test(flavor = "multi_thread")]
async fn history_is_made_anew_with_the_key_of_the_digests() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (master, other) = (key_file(folder.path(), "master", "d"), key_file(folder.path(), "other", "e"));
    settled_under(&data, &master).await;
    let (data, master) = (text(&data), text(&master));
    let rebuild = ["history", "rebuild", "--data", data];
    assert!(refused(&rebuild).contains("the key of the log's digests is not at hand"));
    assert!(
        refused(&[&rebuild[..], &["--master-key", text(&other)]].concat()).contains("another master key")
    );
    let command = format!("cat {master}");
    for key in [["--master-key", master], ["--master-key-command", &command]] {
        fs::remove_dir_all(Path::new(data).join("history")).unwrap();
        assert!(shown(&[&rebuild[..], &key].concat()).contains("is made anew"));
    }
    let served = Served::start_with(Path::new(data), &["--listen", "127.0.0.1:0", "--master-key", master]);
    let to = served.address().to_string();
    let entries = until("history answers for the account", async || {
        let listed = run(&["history", "entries", "--to", &to, "--account", &belgian(1)]);
        listed.status.success().then(|| String::from_utf8(listed.stdout).unwrap())
    })
    .await;
    assert!(entries.lines().count() == 2 && entries.contains("999.00"), "{entries}");
    assert_eq!(served.stop(Signal::TERM).code(), Some(0));
}

#[test]
fn what_is_too_recent_is_not_erased() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(Served::start(folder.path()).stop(Signal::TERM).code(), Some(0));
    let mode = fs::metadata(folder.path().join("MASTER")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "the master key in the folder is its owner's alone");
    let data = text(folder.path());
    let recent = solvo(["erase", "--before", "2199-01-01", "--data", data, "--yes"]);
    assert_eq!(recent.status.code(), Some(1));
    assert!(errors(&recent).contains("13 months"), "{}", errors(&recent));
    let done = shown(&["erase", "--data", data, "--yes", "--json"]);
    assert!(done.contains("\"days\":0"), "{done}");
    assert_eq!(Served::start(folder.path()).stop(Signal::TERM).code(), Some(0));
}

/// No key is part of the call, and a restart at any moment of the rotation finds the right one.
#[tokio::test(flavor = "multi_thread")]
async fn a_serving_node_takes_its_next_master_key_from_where_it_was_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (master, next) = (key_file(folder.path(), "master", "a"), folder.path().join("next"));
    let options = ["--listen", "127.0.0.1:0", "--master-key", text(&master), "--new-master-key", text(&next)];
    let served = Served::start_with(&data, &options);
    let api = served.api().await;
    World::set_up(&api, 1).await;
    let rotate = |server: &str| run(&["keys", "rotate", "--server", server]);
    let server = served.address().to_string();
    let absent = rotate(&server);
    assert!(errors(&absent).contains("the new master key can't be had"), "{}", errors(&absent));
    key_file(folder.path(), "next", "b");
    for told in ["are wrapped by the new master key", "were wrapped by this master key before"] {
        let rotated = rotate(&server);
        assert!(rotated.status.success(), "{}", errors(&rotated));
        let words = String::from_utf8(rotated.stdout).unwrap();
        assert!(words.contains("32 keys in") && words.contains(told), "{words}");
    }
    settled(api.submit(&payment("TX-1", "1.00")).await.unwrap());
    let inspect = |master: &Path| run(&["inspect", text(&data), "--personal", "--master-key", text(master)]);
    assert!(errors(&inspect(&master)).contains("another master key"));
    assert!(String::from_utf8(inspect(&next).stdout).unwrap().contains(&belgian(1)));

    served.kill();
    let served = Served::start_with(&data, &options);
    settled(served.api().await.submit(&payment("TX-2", "1.00")).await.unwrap());
    assert_eq!(served.stop(Signal::TERM).code(), Some(0));
    // The new one takes the place of the old, and the place of the next is empty again.
    fs::rename(&next, &master).unwrap();
    let served = Served::start_with(&data, &options);
    settled(served.api().await.submit(&payment("TX-3", "1.00")).await.unwrap());
    assert_eq!(served.stop(Signal::TERM).code(), Some(0));
    verify(&data);
}

/// A master key in the folder of the log gives way to one that lies elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn a_serving_node_moves_its_master_key_out_of_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let untold = Served::start(&data);
    let refused = refused(&["keys", "rotate", "--server", &untold.address().to_string()]);
    assert!(refused.contains("started without --new-master-key"), "{refused}");
    assert_eq!(untold.stop(Signal::TERM).code(), Some(0));
    let command = format!("cat {}", text(&key_file(folder.path(), "next", "b")));
    let options = ["--listen", "127.0.0.1:0", "--new-master-key-command", &command];
    let served = Served::start_with(&data, &options);
    let server = served.address().to_string();
    let told = shown(&["keys", "rotate", "--server", &server, "--json"]);
    assert!(told.contains("\"keys\":32"), "{told}");
    assert!(!data.join("MASTER").exists());
    served.kill();
    assert_eq!(Served::start_with(&data, &options).stop(Signal::TERM).code(), Some(0));
    assert!(!data.join("MASTER").exists(), "none is made in its place");
    let options = ["--listen", "127.0.0.1:0", "--master-key-command", &command];
    assert_eq!(Served::start_with(&data, &options).stop(Signal::TERM).code(), Some(0));
}
