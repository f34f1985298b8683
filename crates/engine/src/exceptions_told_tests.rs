//! Exceptions: what the log tells of them, against what was told live.

use super::*;
use crate::testing_exceptions::except;
use crate::{ExceptionStep, ExceptionTold};

fn told_live(outbox: &Outbox) -> Vec<ExceptionTold> {
    let told = |notice| if let Notice::Exception(told) = notice { Some(told) } else { None };
    take_all(outbox).into_iter().filter_map(told).collect()
}

/// What was refused is told nobody, and what was done is told to its bank alone, live as from the log.
#[test]
fn the_log_tells_the_exceptions_that_were_told_live() {
    let mut node = node();
    let all = [Banks::All, banks(&["A"]), banks(&["B"])];
    let outboxes: Vec<_> = (0..).zip(&all).map(|(id, banks)| listen(&mut node, id, banks.clone())).collect();
    let after = outboxes[0].starts_after().unwrap();
    except(&mut node, 60, "told");
    quiet(&mut node);
    let upto = node.core.ledger().position().sequence;
    let view = view(&node).with_banks_of(node.core.ledger());
    for ((banks, outbox), count) in all.iter().zip(&outboxes).zip([10, 10, 0]) {
        let live = told_live(outbox);
        assert_eq!(live.len(), count);
        assert_eq!(
            live.iter().filter(|told| matches!(told.step, ExceptionStep::Raised { .. })).count(),
            count.min(3)
        );
        let (mut from, mut logged) = (after, Vec::new());
        while from < upto {
            let read = view.decisions_after(from, upto, banks, 5).unwrap();
            logged.extend(read.exceptions);
            from = read.reached;
        }
        assert_eq!(logged, live);
    }
    node.check_log();
}
