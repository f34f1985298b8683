//! The recovery table: complete, unambiguous, and as FORMAT.md prints it.

use super::*;

fn observations() -> Vec<Observation> {
    let mut all = Vec::new();
    for place in [Place::Unreadable, Place::Misplaced, Place::Contradicting] {
        for written in WRITTEN_ANY {
            for after in AFTER_ANY {
                for later in LATER_ANY {
                    all.push(Observation { place, written: *written, after: *after, later: *later });
                }
            }
        }
    }
    all
}

#[test]
fn exactly_one_row_matches_every_observation() {
    let all = observations();
    assert_eq!(all.len(), 72);
    for observation in all {
        let rows: Vec<_> = TABLE.iter().filter(|row| row.matches(&observation)).map(|row| row.name).collect();
        assert_eq!(rows.len(), 1, "{observation:?}: {rows:?}");
    }
}

#[test]
fn every_row_matches_something() {
    for row in &TABLE {
        assert!(observations().iter().any(|observation| row.matches(observation)), "{}", row.name);
    }
}

/// Whatever shows that a frame stood here forbids to go on.
#[test]
fn evidence_of_a_durable_frame_always_stops() {
    for observation in observations() {
        let evidence = observation.place != Place::Unreadable
            || observation.after == After::Envelope
            || observation.later == Later::Elsewhere
            || observation.written == Written::Beyond;
        if evidence {
            assert!(matches!(decide(&observation).decision, Decision::Stop(_)), "{observation:?}");
        }
    }
}

#[test]
fn format_md_prints_the_table() {
    let format = include_str!("../FORMAT.md");
    for row in &TABLE {
        let line = format.lines().find(|line| line.starts_with(&format!("| {} |", row.name)));
        let line = line.unwrap_or_else(|| panic!("FORMAT.md lacks the row {:?}", row.name));
        let decision = match row.decision {
            Decision::End => "the segment ends here",
            Decision::EndTorn => "the segment ends here, the torn frame stays",
            Decision::Stop(_) => "stop",
        };
        assert!(line.ends_with(&format!("| {decision} |")), "{line}");
    }
}
