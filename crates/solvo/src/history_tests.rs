use ::history::{Moment, Owner, Store, View};
use types::{Bic, Currency};

use super::*;
use crate::verify::sample_log::written_with_snapshots;

fn rebuild_in(folder: &std::path::Path) -> anyhow::Result<ExitCode> {
    let arguments = RebuildArgs { data: folder.to_owned(), master_key: MasterKeyArgs::default(), json: true };
    rebuild(&arguments)
}

/// What is on a bank's position in the end, and where that history begins.
fn told(store: &std::path::Path) -> (i64, Sequence) {
    let view = View::new(&Store::open(store).unwrap()).unwrap().unwrap();
    let position = view.position(Bic::parse("SLVOBEBB").unwrap(), Currency::EUR).unwrap();
    assert!(matches!(position.owner, Owner::Position(_)));
    let last = Moment::Position(view.watermark().told);
    (view.balance(&position, last).unwrap().unwrap().balance, view.watermark().begins)
}

#[test]
fn a_rebuild_without_the_logs_beginning_starts_with_a_snapshot_and_puts_the_old_store_aside() {
    let folder = tempfile::tempdir().unwrap();
    written_with_snapshots(folder.path());
    let store = folder.path().join(FOLDER);
    rebuild_in(folder.path()).unwrap();
    rebuild_in(folder.path()).unwrap();
    let whole = told(&store);
    assert_eq!(whole.1, Sequence(0));
    let aside = folder.path().join("history.old-1");
    assert!(!aside.exists(), "all of it was made again");

    std::fs::remove_dir_all(folder.path().join("archive")).unwrap();
    rebuild_in(folder.path()).unwrap();
    let begun = told(&store);
    assert!(begun.1 > Sequence(0));
    assert_eq!(begun.0, whole.0);
    assert_eq!(told(&aside), whole, "the old one is as it was");

    // Without a snapshot there is nothing to begin with, and what is there stays.
    for name in std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()) {
        if name.file_name().is_some_and(|name| name.to_string_lossy().starts_with("snapshot-")) {
            std::fs::remove_file(name).unwrap();
        }
    }
    let error = format!("{:#}", rebuild_in(folder.path()).unwrap_err());
    assert!(error.contains("as it was") && error.contains("the file is missing"), "{error}");
    assert_eq!(told(&store), begun);
}
