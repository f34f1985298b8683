//! Data that others wrote, in the folder that `SOLVO_TEST_DATA` names. Without it these tests say so and pass.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use types::Iban;

use super::{date, package_stream, request_to_pay, rules};
use crate::walk::Walker;
use crate::{
    MessageKind, PACS008_NAMESPACE, PackageReadError, PackageReader, Restamper, Rules, SchemaFault,
    StatementReadError, StatementReader, Violation, Wrapper, message_id_of, read_message, read_pacs002,
    read_pacs008, wrapper,
};

/// The messages that are read in pieces.
const PACKAGES: [&str; 2] = ["pain.001.001.09", "pain.002.001.10"];

/// The messages about requests to pay.
const REQUESTS: [&str; 2] = ["pain.013.001.07", "pain.014.001.07"];

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
        let passed = read_message(&document, &Rules::pass_through(rules().settlement_dates));
        let _ = (read_pacs002(&document), message_id_of(&document), Wrapper::of(&document));
        Restamper::new("X").unwrap().restamp(&document, types::Timestamp::default());
        let text = String::from_utf8_lossy(&document);
        if text.contains(&format!("<Document xmlns=\"{PACS008_NAMESPACE}\"")) {
            transfers += 1;
            assert!(read.is_ok(), "{}: {:?}", path.display(), read);
            assert!(passed.is_ok(), "{}: {:?}", path.display(), passed);
        }
    }
    assert!(transfers > 0, "there is a pacs.008.001.08 among the samples");
    assert!(rules().settlement_dates.contains(&date("2026-11-21")));
}

/// Statements of 2019 that others wrote are read to their end, or say what they have that is not compared here.
#[test]
fn statements_of_others_are_read_without_panic() {
    let Some(folder) = folder() else { return };
    let mut paths = Vec::new();
    files(&folder.join("samples"), &mut paths);
    let mut statements = 0;
    for path in paths {
        let document = std::fs::read(&path).unwrap();
        let Ok(reader) = StatementReader::open(document.as_slice()) else { continue };
        statements += 1;
        for entry in reader {
            if let Err(StatementReadError::Fault(fault)) = entry {
                let known = [Violation::Amount, Violation::Repeated, Violation::Lexical, Violation::Missing];
                assert!(known.contains(&fault.what), "{}: {fault}", path.display());
            }
        }
    }
    assert!(statements >= 5, "{statements} statements among the samples");
}

/// Files of orders that others wrote are read, or say what they have that is no order or does not follow its schema.
#[test]
fn packages_of_others_are_read_without_panic() {
    let Some(folder) = folder() else { return };
    let mut paths = Vec::new();
    files(&folder.join("samples"), &mut paths);
    let (mut lines, mut faults) = (Vec::new(), Vec::new());
    for path in paths {
        let document = std::fs::read(&path).unwrap();
        let Ok(reader) = PackageReader::open(document.as_slice()) else { continue };
        for line in reader {
            match line {
                Ok(line) => lines.push(line),
                Err(PackageReadError::Fault(fault)) => faults.push(fault),
                Err(PackageReadError::Read(error)) => panic!("memory is always read: {error}"),
            }
        }
    }
    // One has charges that the scheme does not, and five lines where it states two; the other pays by cheque, and
    // the envelope of its supplement is empty.
    let mut paths: Vec<_> = lines.iter().map(|line| &line.order.as_ref().unwrap_err().path).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["PmtInf/ChrgBr", "PmtInf/ChrgBr", "PmtInf/PmtMtd", "PmtInf/PmtMtd"]);
    let found: Vec<_> = faults.iter().map(|fault| (fault.what, fault.path.as_str())).collect();
    let expected = [(Violation::Totals, "GrpHdr/NbOfTxs"), (Violation::Missing, "SplmtryData/Envlp")];
    assert!(expected.iter().all(|fault| found.contains(fault)), "{faults:?}");
}

/// The tables of this crate and a schema processor that nobody here wrote agree on documents with one thing
/// changed, whatever the scheme thinks of it.
#[test]
fn the_schema_processor_agrees() {
    let Some(folder) = folder() else { return };
    if Command::new("xmllint").arg("--version").output().is_err() {
        println!("skipped: there is no xmllint");
        return;
    }
    let work = tempfile::tempdir().unwrap();
    let mut counts = [0_usize; 2];
    for (name, documents) in variants() {
        let mut command = Command::new("xmllint");
        let schema = folder.join("iso20022-xsd").join(format!("{name}.xsd"));
        command.arg("--noout").arg("--schema").arg(schema);
        for (number, document) in documents.iter().enumerate() {
            let path = work.path().join(format!("{number:05}.xml"));
            std::fs::write(&path, document).unwrap();
            command.arg(path);
        }
        let output = command.output().unwrap();
        // It cuts values that it repeats, in the middle of characters too.
        let verdicts = String::from_utf8_lossy(&output.stderr);
        let valid: BTreeSet<usize> = verdicts
            .lines()
            .filter_map(|line| line.strip_suffix(".xml validates"))
            .map(|path| path[path.len() - 5..].parse().unwrap())
            .collect();
        for (number, document) in documents.iter().enumerate() {
            let read = follows_schema(name, document.as_bytes());
            assert_eq!(read.is_ok(), valid.contains(&number), "{name} {read:?}\n{document}");
            counts[usize::from(read.is_ok())] += 1;
        }
    }
    assert!(counts.iter().all(|count| *count > 500), "{counts:?} documents that are not and that are valid");
}

/// Reads a document by its table alone.
fn follows_schema(name: &str, document: &[u8]) -> Result<(), SchemaFault> {
    if PACKAGES.contains(&name) {
        return package_stream::follows_schema(name, document);
    }
    if REQUESTS.contains(&name) {
        return request_to_pay::follows_schema(name, document);
    }
    let mut walker = Walker::new(document)?;
    let mut opened = wrapper::open(&mut walker)?;
    while let Some(message) = walker.next(&mut opened.children)? {
        walker.skip(message)?;
    }
    wrapper::close(walker, opened.wrapper)
}

/// Documents of each message with an element removed, repeated, moved, renamed, emptied or given another value.
fn variants() -> Vec<(&'static str, Vec<String>)> {
    let mut state = 1_u64;
    // Knuth's multiplier; the high bits are the random ones.
    let mut pick = |count: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % count
    };
    MessageKind::ALL
        .into_iter()
        .map(MessageKind::name)
        .chain(PACKAGES)
        .chain(REQUESTS)
        .map(|name| {
            let suffix = format!(".{name}.xml");
            let samples: Vec<String> = super::samples::samples()
                .into_iter()
                .filter_map(|(file, document)| file.ends_with(&suffix).then_some(document))
                .collect();
            let documents = (0..1200).map(|_| variant(&samples[pick(samples.len())], &mut pick)).collect();
            (name, documents)
        })
        .collect()
}

const VALUES: [&str; 22] = [
    "",
    "A",
    "0",
    "1",
    "-1",
    "12.345",
    "1e5",
    "2026-11-21",
    "2026-11-21T10:00:00Z",
    "2026-11-21T10:00:00.123+01:00",
    "10:00:00",
    "EUR",
    "SEPA",
    "true",
    "ABCDEF12",
    "BE68539007547034",
    "9845SOLVOTESTACKER55",
    "+32-2",
    " x ",
    "123456789012345678",
    "12345678901234567890",
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
];

fn variant(document: &str, pick: &mut impl FnMut(usize) -> usize) -> String {
    let tags: Vec<usize> = document
        .match_indices('<')
        .map(|(at, _)| at)
        .filter(|at| !document[at + 1..].starts_with(['/', '!', '?']))
        .collect();
    let element = |number: usize| {
        let open = tags[number];
        let name: String = document[open + 1..].chars().take_while(|next| !" />".contains(*next)).collect();
        let close = format!("</{name}>");
        let end = document[open..].find(&close).map_or(open, |end| open + end + close.len());
        (open, end, name)
    };
    let (open, end, name) = element(pick(tags.len()));
    let (other, _, _) = element(pick(tags.len()));
    let inside = document[open..].find('>').map_or(open, |at| open + at + 1);
    let content_end = end.saturating_sub(name.len() + 3).max(inside);
    let text = &document[open..end.max(open)];
    match pick(7) {
        0 => format!("{}{}", &document[..open], &document[end..]),
        1 => format!("{}{text}{}", &document[..end], &document[end..]),
        2 => format!("{}{text}{}", &document[..other], &document[other..]),
        3 => document.replace(&name, ["Nm", "Id", "Cd", "Prtry", "Othr", "AddtlInf"][pick(6)]),
        4 => document.replacen("Ccy=\"EUR\"", ["", "Ccy=\"eur\"", "Ccy=\"USD\" x=\"1\""][pick(3)], 1),
        _ if document[inside..content_end].contains('<') => {
            format!("{}{}{}", &document[..inside], VALUES[pick(VALUES.len())], &document[inside..])
        }
        _ => format!("{}{}{}", &document[..inside], VALUES[pick(VALUES.len())], &document[content_end..]),
    }
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
