//! The operator's page names every message with which a node stops or does not start.

use std::fs;
use std::path::Path;

use tests::Workspace;

/// Where the messages of a node come from.
const CRATES: [&str; 4] = ["journal", "ledger", "engine", "server"];

/// Each message of an error has a row, with `…` for what differs.
#[test]
fn every_message_has_a_row_in_the_operators_page() {
    let page = fs::read_to_string(Workspace::root().join("docs/operations.md")).unwrap();
    let rows: Vec<&str> = page.lines().filter_map(first_cell).collect();
    let mut count = 0;
    for name in CRATES {
        for (file, message) in messages(&Workspace::root().join("crates").join(name).join("src")) {
            assert!(
                rows.contains(&message.as_str()),
                "docs/operations.md has no row for {message:?} of {file}"
            );
            count += 1;
        }
    }
    assert!(count > 80, "the messages are found: {count}");
}

/// The message of a row. One that has backticks itself stands between two of them.
fn first_cell(line: &str) -> Option<&str> {
    let (cell, _) = line.strip_prefix("| ")?.split_once(" | ")?;
    let of_two = cell.strip_prefix("`` ").and_then(|rest| rest.strip_suffix(" ``"));
    of_two.or_else(|| cell.strip_prefix('`')?.strip_suffix('`'))
}

/// The messages in a folder of source, with the names of their files.
fn messages(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(messages(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path).unwrap();
            let attributes = source.split("#[error(").skip(1).map(str::trim_start);
            let texts = attributes.filter_map(|attribute| attribute.strip_prefix('"'));
            found.extend(texts.map(|text| (path.display().to_string(), message(text))));
        }
    }
    found
}

/// A string literal up to its end, as it is shown.
fn message(literal: &str) -> String {
    let (mut message, mut characters) = (String::new(), literal.chars().peekable());
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            // A line that goes on, or a character that is not meant as itself.
            '\\' => match characters.next() {
                Some('\n') => while characters.next_if(|next| next.is_whitespace()).is_some() {},
                Some(meant) => message.push(meant),
                None => {}
            },
            '{' => {
                characters.by_ref().find(|within| *within == '}');
                message.push('…');
            }
            character => message.push(character),
        }
    }
    message
}
