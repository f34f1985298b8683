//! The corpus: hundreds of pairs, each with the outcome and the step that the published rule gives it.

use std::collections::BTreeSet;

use types::Text;
use verification::{Finding, Outcome, Step, verify_name};

const CORPUS: &str = include_str!("corpus.txt");
const RULE: &str = include_str!("../../../docs/verification.md");

/// One line of the corpus.
struct Pair<'a> {
    line: usize,
    section: &'a str,
    expected: String,
    given: &'a str,
    holders: Vec<&'a str>,
}

fn pairs() -> impl Iterator<Item = Pair<'static>> {
    let mut section = "";
    let lines = CORPUS.lines().enumerate().map(move |(number, line)| {
        section = line.strip_prefix("## ").unwrap_or(section);
        (number, section, line)
    });
    lines.filter(|(_, _, line)| !line.is_empty() && !line.starts_with('#')).map(|(number, section, line)| {
        let parts: Vec<_> = line.split('|').map(str::trim).collect();
        let [outcome, step, given, holders] = parts[..] else { panic!("line {}: four columns", number + 1) };
        let holders = holders.split("//").map(str::trim).filter(|holder| !holder.is_empty()).collect();
        Pair { line: number + 1, section, expected: format!("{outcome} | {step}"), given, holders }
    })
}

fn verify(given: &str, holders: &[&str]) -> Finding {
    let holders: Vec<_> = holders.iter().map(|holder| Text::parse(holder).expect("a text")).collect();
    verify_name(&Text::parse(given).expect("a text"), &holders)
}

fn told(finding: Finding) -> String {
    let outcome = match finding.outcome {
        Outcome::Match => "match".to_owned(),
        Outcome::CloseMatch { holder: 0 } => "close".to_owned(),
        Outcome::CloseMatch { holder } => format!("close:{}", holder + 1),
        Outcome::NoMatch => "no".to_owned(),
        Outcome::NotPossible => "impossible".to_owned(),
    };
    format!("{outcome} | {}", finding.step.name())
}

#[test]
fn every_pair_is_told_what_the_rule_says() {
    let differences: Vec<_> = pairs()
        .filter_map(|Pair { line, expected, given, holders, .. }| {
            let found = told(verify(given, &holders));
            let is_other = found != expected;
            is_other.then(|| {
                format!(
                    "line {line}: {given} | {}\n  expected {expected}\n  found    {found}",
                    holders.join(" // ")
                )
            })
        })
        .collect();
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

/// Who asks and who is asked may change places: the rule knows no direction.
#[test]
fn a_pair_is_as_near_from_either_side() {
    // Except for those who are several persons, or a trade with its owner.
    let single = pairs().filter(|pair| {
        let is_one = !["Joint", "Trades"].iter().any(|several| pair.section.starts_with(several));
        pair.holders.len() == 1 && is_one
    });
    let differences: Vec<_> = single
        .filter_map(|pair| {
            let there = verify(pair.given, &pair.holders);
            let back = verify(pair.holders[0], &[pair.given]);
            let is_other = there.outcome != back.outcome
                && there.outcome != Outcome::NotPossible
                && back.outcome != Outcome::NotPossible;
            is_other.then(|| format!("line {}: {} / {}", pair.line, told(there), told(back)))
        })
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Each step is published, and each that a name can lead to has pairs.
#[test]
fn every_step_is_in_the_documentation_and_in_the_corpus() {
    let found: BTreeSet<_> = pairs().map(|pair| pair.expected).collect();
    for step in Step::ALL.map(Step::name) {
        assert!(RULE.contains(&format!("| `{step}` |")), "{step} is not in docs/verification.md");
        let is_of_codes = step.contains("code");
        let has_pairs = found.iter().any(|expected| expected.ends_with(&format!("| {step}")));
        assert!(is_of_codes || has_pairs, "{step} has no pair");
    }
}

#[test]
fn the_corpus_is_large_and_each_pair_stands_once() {
    let all: Vec<_> = pairs().map(|pair| (pair.given, pair.holders)).collect();
    assert!(all.len() > 500, "{} pairs", all.len());
    let mut seen = BTreeSet::new();
    let twice: Vec<_> = all.iter().filter(|pair| !seen.insert(*pair)).collect();
    assert!(twice.is_empty(), "{twice:?}");
}
