//! Data that others wrote, in the folder that `SOLVO_TEST_DATA` names. Without it these tests say so and pass.

use std::path::{Path, PathBuf};

use types::Iban;

use super::{date, rules};
use crate::{PACS008_NAMESPACE, Restamper, message_id_of, read_pacs002, read_pacs008};

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("SOLVO_TEST_DATA").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: SOLVO_TEST_DATA names no folder");
    }
    folder
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "xml") {
            found.push(path);
        }
    }
}

#[test]
fn samples_of_others_are_read_without_panic() {
    let Some(folder) = folder() else { return };
    let mut paths = Vec::new();
    files(&folder.join("samples"), &mut paths);
    assert!(!paths.is_empty(), "there are samples");
    let mut transfers = 0;
    for path in paths {
        let document = std::fs::read(&path).unwrap();
        let read = read_pacs008(&document, &rules());
        let _ = (read_pacs002(&document), message_id_of(&document));
        Restamper::new("X").unwrap().restamp(&document, types::Timestamp::default());
        let text = String::from_utf8_lossy(&document);
        if text.contains(&format!("<Document xmlns=\"{PACS008_NAMESPACE}\"")) {
            transfers += 1;
            assert!(read.is_ok(), "{}: {:?}", path.display(), read);
        }
    }
    assert!(transfers > 0, "there is a pacs.008.001.08 among the samples");
    assert!(rules().settlement_dates.contains(&date("2026-11-21")));
}

fn json(path: PathBuf) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn the_registrys_examples_are_valid() {
    let Some(folder) = folder() else { return };
    let structures = json(folder.join("iban/iban-structures.json"));
    for row in structures.as_array().unwrap() {
        let (country, example) = (row["country"].as_str().unwrap(), row["example"].as_str().unwrap());
        // Territories are listed under codes of their own but have their state's accounts.
        if example.starts_with(country) {
            let iban = Iban::parse(example);
            let sepa = row["sepa"].as_bool().unwrap();
            assert_eq!(iban.map(|iban| iban.is_sepa()), Ok(sepa), "{country}");
        }
    }
}

#[test]
fn vectors_of_others_are_judged_alike() {
    let Some(folder) = folder() else { return };
    let known: Vec<String> = json(folder.join("iban/iban-structures.json"))
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["country"].as_str().unwrap().to_owned())
        .collect();
    let vectors = json(folder.join("iban/symfony-iban-vectors.json"));
    for (group, rows) in vectors["vectors"].as_object().unwrap() {
        for row in rows.as_array().unwrap() {
            // The vectors are in print form, in groups of four, some in lower case.
            let printed = row["iban"].as_str().unwrap();
            let electronic: String = printed.chars().filter(|character| !character.is_whitespace()).collect();
            let read = Iban::parse(&electronic);
            let country = electronic.get(..2).unwrap_or_default();
            match group.as_str() {
                "getValidIbans" if known.iter().any(|known| known == country) => {
                    assert!(read.is_ok(), "{printed} is valid: {read:?}");
                }
                "getValidIbans" => {}
                _ => assert!(read.is_err(), "{printed} is not valid ({group})"),
            }
        }
    }
}
