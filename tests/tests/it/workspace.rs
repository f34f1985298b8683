//! The workspace's own rules: which crate may depend on which, and a code map that names every crate.

use std::collections::BTreeSet;
use std::fs;

use tests::{ALLOWED, BANNED, CORE, Workspace};

#[test]
fn crates_depend_only_on_what_the_table_allows() {
    let workspace = Workspace::read();
    let edges = workspace.edges();
    for (member, dependencies) in &edges {
        if matches!(*member, "benches" | "tests") {
            continue;
        }
        let (_, allowed) = ALLOWED.iter().find(|(name, _)| name == member).unwrap_or_else(|| {
            panic!("{member} is a new crate: say in tests/src/dependencies.rs what it may depend on")
        });
        for dependency in dependencies {
            assert!(allowed.contains(dependency), "{member} must not depend on {dependency}");
        }
    }
    for (name, _) in ALLOWED {
        assert!(edges.contains_key(name), "{name} is in the table and not in the workspace");
    }
}

#[test]
fn the_core_reaches_no_runtime_transport_format_or_random_source() {
    let workspace = Workspace::read();
    for member in CORE {
        let reached = workspace.reached_from(member);
        for banned in BANNED {
            assert!(!reached.contains(banned), "{member} reaches {banned}");
        }
    }
    // The walk finds what is there: otherwise the lines above would prove nothing.
    assert!(
        workspace.reached_from("server").is_superset(&BTreeSet::from(["tokio", "tonic", "hyper", "prost"]))
    );
}

/// Every folder of `crates/` has an entry in the code map, and every entry has its folder.
#[test]
fn the_code_map_names_the_crates() {
    let architecture = fs::read_to_string(Workspace::root().join("ARCHITECTURE.md")).unwrap();
    let map = architecture.split("\n## ").find(|section| section.starts_with("Code map\n"));
    let entries = map.expect("ARCHITECTURE.md has a code map").lines();
    let named: BTreeSet<&str> = entries
        .filter_map(|line| line.trim_start_matches(['-', '#', ' ']).strip_prefix("`crates/"))
        .filter_map(|rest| rest.split_once('`'))
        .map(|(name, _)| name)
        .collect();
    let folders: BTreeSet<String> = fs::read_dir(Workspace::root().join("crates"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(named, folders.iter().map(String::as_str).collect());
}
