//! Runs that end in the middle: whatever stands there is told, and nothing that was erased is left.

use super::*;
use crate::backup::check;
use crate::verify::sample_log;

const NOTE: &str = "NOTE";

fn begin(data: &Path, to: &Path) -> Run {
    let source = Source::open(data);
    let contents = source.contents().unwrap();
    let target = FileStorage::create(to).unwrap();
    Run::begin(source, target, to, &contents, Copier::new(None)).unwrap()
}

#[test]
fn a_run_that_ends_while_it_replaces_files_leaves_a_whole_backup() {
    let all = tempfile::tempdir().unwrap();
    let [data, to] = ["data", "backup"].map(|name| all.path().join(name));
    sample_log::written(&data);
    fs::write(data.join(NOTE), "one").unwrap();
    super::run(&data, &to, None).unwrap();
    for (round, note) in ["another", "and", "the last of them"].into_iter().enumerate() {
        let before = fs::read(to.join(NOTE)).unwrap();
        fs::write(data.join(NOTE), note).unwrap();
        let mut run = begin(&data, &to);
        run.copy().unwrap();
        assert_eq!(fs::read(to.join(NOTE)).unwrap(), before, "round {round}: not before BACKUP knows");
        check::check(&to).unwrap();
        run.replace().unwrap();
        assert_eq!(fs::read(to.join(NOTE)).unwrap(), note.as_bytes());
        check::check(&to).unwrap();
    }
    fs::write(to.join(NOTE), "x").unwrap();
    assert!(check::check(&to).is_err(), "this was never backed up");
    super::run(&data, &to, None).unwrap();
    check::check(&to).unwrap();
    let listed = Catalogue::read(&to).unwrap().unwrap();
    assert!(listed.files.iter().all(|file| file.replaced_by.is_empty()));
}

#[test]
fn keys_that_an_interrupted_run_has_left_are_overwritten() {
    let all = tempfile::tempdir().unwrap();
    let [data, to, aside] = ["data", "backup", "aside"].map(|name| all.path().join(name));
    sample_log::written(&data);
    super::run(&data, &to, None).unwrap();
    let left = to.join(INCOMING).join("KEYS");
    let leave = || {
        fs::create_dir_all(to.join(INCOMING)).unwrap();
        fs::write(&left, [7; 5000]).unwrap();
        let _ = fs::remove_file(&aside);
        // What its blocks hold shows under another name.
        fs::hard_link(&left, &aside).unwrap();
    };
    leave();
    super::run(&data, &to, None).unwrap();
    assert_eq!(fs::read(&aside).unwrap(), [0; 5000]);
    leave();
    wipe_unfinished(&to).unwrap();
    assert!(!left.exists());
    assert_eq!(fs::read(&aside).unwrap(), [0; 5000]);
}
