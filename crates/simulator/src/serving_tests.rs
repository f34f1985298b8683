//! What the node says while it ends.

use engine::{Action, Halt};
use types::Epoch;

use super::Simulation;

/// One thing that the node says ends it, and with it everybody who waits: the rest is told to nobody.
#[test]
fn nobody_hears_what_a_node_says_that_has_ended() {
    let mut simulation = Simulation::new(1, false);
    assert!(simulation.start().is_ok() && simulation.node.is_some());
    let actions = vec![Action::Halt(Halt::Fenced(Epoch(2))), Action::Reply(7, 0..0)];
    assert!(simulation.carry_out_all(actions, &[]).is_ok());
    assert!(simulation.node.is_none());
}
