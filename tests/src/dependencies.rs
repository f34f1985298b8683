//! The allowed edges between the crates of the workspace, and what the crates of the core must never reach.
//!
//! A crate exists to forbid a dependency, so this table is what the crates are for. Only normal dependencies
//! count: tests and build scripts may use what they like.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// Each crate, and the crates that it may depend on.
pub const ALLOWED: [(&str, &[&str]); 14] = [
    ("types", &[]),
    ("ledger", &["types"]),
    ("journal", &["types"]),
    ("engine", &["journal", "ledger", "types"]),
    ("simulator", &["engine", "journal", "ledger", "types"]),
    ("history", &["journal", "ledger", "types"]),
    ("iso20022", &["types"]),
    ("reports", &["history", "iso20022", "ledger", "types"]),
    ("client", &["types"]),
    ("verification", &["types"]),
    ("qr", &["types"]),
    (
        "server",
        &["client", "engine", "history", "iso20022", "ledger", "qr", "reports", "types", "verification"],
    ),
    ("loadgen", &["client", "iso20022", "types"]),
    (
        "solvo",
        &[
            "client", "engine", "history", "iso20022", "journal", "ledger", "loadgen", "qr", "reports",
            "server", "types",
        ],
    ),
];

/// The deterministic core and what drives it in virtual time: these crates never reach one of [`BANNED`], not even
/// through others.
pub const CORE: [&str; 5] = ["types", "ledger", "journal", "engine", "simulator"];

/// Runtimes, transports, formats and random sources.
pub const BANNED: [&str; 6] = ["tokio", "tonic", "hyper", "prost", "serde", "rand"];

/// What is built when the whole workspace is: every package with the features that are really on.
///
/// This comes from `cargo tree`. `cargo metadata` also lists optional packages that a weak feature
/// (`serde?/std`) names without turning them on, so by its account `types` would reach serde.
#[derive(Debug)]
pub struct Workspace {
    members: BTreeSet<String>,
    /// Each package by name and version, and its normal dependencies.
    dependencies: BTreeMap<String, BTreeSet<String>>,
}

impl Workspace {
    /// Asks cargo, without the network.
    ///
    /// # Panics
    /// If cargo can't be asked.
    pub fn read() -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let asked = Command::new(cargo)
            .args(["tree", "--workspace", "--edges", "normal", "--prefix", "depth", "--offline"])
            .current_dir(Self::root())
            .output()
            .expect("cargo can be run");
        assert!(asked.status.success(), "cargo tree: {}", String::from_utf8_lossy(&asked.stderr));
        Self::from_tree(&String::from_utf8(asked.stdout).expect("cargo answers in UTF-8"))
    }

    /// The workspace's folder.
    pub fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this package lies in the workspace")
    }

    /// Each member, and the members that it depends on.
    pub fn edges(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let inside = |package: &String| {
            let members = self.dependencies[package].iter().filter(|name| self.members.contains(*name));
            members.map(|member| name(member)).collect()
        };
        self.members.iter().map(|member| (name(member), inside(member))).collect()
    }

    /// The names of all packages that a member reaches, itself excluded.
    pub fn reached_from(&self, member: &str) -> BTreeSet<&str> {
        let mut open: Vec<&String> = self.members.iter().filter(|package| name(package) == member).collect();
        assert!(!open.is_empty(), "{member} is a member of the workspace");
        let mut reached = BTreeSet::new();
        while let Some(package) = open.pop() {
            open.extend(self.dependencies[package].iter().filter(|dependency| reached.insert(*dependency)));
        }
        reached.into_iter().map(|package| name(package)).collect()
    }

    /// Reads lines such as `2serde v1.0.0 (*)`: how deep a package lies below a member, which stands at 0.
    /// What lies below a package is listed once, wherever that is.
    fn from_tree(tree: &str) -> Self {
        let mut workspace = Self { members: BTreeSet::new(), dependencies: BTreeMap::new() };
        let mut path: Vec<String> = Vec::new();
        for line in tree.lines().filter(|line| !line.is_empty()) {
            let digits = line.bytes().take_while(u8::is_ascii_digit).count();
            let depth = line[..digits].parse().expect("a line starts with its depth");
            let words: Vec<&str> = line[digits..].split(' ').take(2).collect();
            let package = words.join(" ");
            path.truncate(depth);
            assert_eq!(path.len(), depth, "the tree grows by one level at a time");
            match path.last() {
                Some(parent) => {
                    let siblings = workspace.dependencies.entry(parent.clone()).or_default();
                    siblings.insert(package.clone());
                }
                None => {
                    workspace.members.insert(package.clone());
                }
            }
            workspace.dependencies.entry(package.clone()).or_default();
            path.push(package);
        }
        workspace
    }
}

/// `serde` of `serde v1.0.0`.
fn name(package: &str) -> &str {
    package.split_once(' ').map_or(package, |(name, _)| name)
}
