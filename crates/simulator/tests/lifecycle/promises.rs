//! What must always hold, and what must be possible.

use stateright::Property;

use crate::ledger::{Final, Ledger, Payment, Question};
use crate::world::{Action, Lifecycle, Message, Node, State};

pub(crate) const ONE_END: &str = "a payment ends once, and for ever";
pub(crate) const SAME_END: &str = "both banks are told the same";
pub(crate) const IN_TIME: &str = "nothing settles at or past its deadline";
pub(crate) const ASKED_WHEN_DURABLE: &str = "a bank is asked only about what is durable";
pub(crate) const TOLD_WHEN_DURABLE: &str = "a bank is told only what is durable";
pub(crate) const GIVEN_BACK: &str = "money is set aside while a payment waits, and no longer";
pub(crate) const ASKED_BANK_DECIDES: &str = "nothing settles that the payee's bank has not accepted";
pub(crate) const MEMORY_IS_LOG: &str = "what the node knows is what its log says";
pub(crate) const HEARD_IF_ASKED: &str = "a payee's bank that was not asked hears nothing";
pub(crate) const ANSWERED: &str = "whatever has happened, both banks can still learn the end";

/// All properties.
pub(crate) fn all() -> Vec<Property<Lifecycle>> {
    vec![
        Property::always(ONE_END, |_, state: &State| {
            state.first_end.is_none_or(|first| state.durable.payment == Payment::Ended(first))
        }),
        Property::always(SAME_END, |_, state: &State| told(state).count() <= 1),
        Property::always(IN_TIME, |_, state: &State| state.durable.settled_in_time != Some(false)),
        Property::always(ASKED_WHEN_DURABLE, |_, state: &State| {
            !state.said.has(Message::Ask) || state.durable.question != Question::NotAsked
        }),
        Property::always(TOLD_WHEN_DURABLE, |_, state: &State| {
            told(state).all(|how| state.durable.payment == Payment::Ended(how))
        }),
        Property::always(GIVEN_BACK, |_, state: &State| {
            ledgers(state).all(|ledger| {
                let waits = u8::from(ledger.payment == Payment::Reserved);
                let has_settled = u8::from(ledger.payment == Payment::Ended(Final::Settled));
                (ledger.reserved, ledger.payee) == (waits, has_settled) && ledger.payer + ledger.payee == 1
            })
        }),
        Property::always(ASKED_BANK_DECIDES, |_, state: &State| {
            state.durable.payment != Payment::Ended(Final::Settled)
                || state.said.has(Message::Answer { accepts: true })
        }),
        Property::always(MEMORY_IS_LOG, |model: &Lifecycle, state: &State| {
            state.node.is_none_or(|node| {
                let mut known = node.ledger;
                node.written.iter().for_each(|frame| drop(known.apply(frame, model.flaw)));
                known == state.durable
            })
        }),
        Property::always(HEARD_IF_ASKED, |_, state: &State| {
            let is_told = Final::ALL.iter().any(|how| {
                [Message::ToPayee(*how), Message::Report(*how)].iter().any(|told| state.said.has(*told))
            });
            !is_told || state.durable.question != Question::NotAsked
        }),
        Property::always(ANSWERED, can_be_answered),
        Property::sometimes("settled, and both banks told", |_, state: &State| {
            let told = [Message::ToPayer(Final::Settled), Message::ToPayee(Final::Settled)];
            told.iter().all(|told| state.said.has(*told))
        }),
        Property::sometimes("rejected by the payee's bank", |_, state: &State| {
            state.durable.question == Question::Rejected && state.said.has(Message::ToPayer(Final::Rejected))
        }),
        Property::sometimes("refused before it is forwarded", |_, state: &State| {
            state.durable.question == Question::NotAsked && state.said.has(Message::ToPayer(Final::Rejected))
        }),
        Property::sometimes("expired, and both banks told", |_, state: &State| {
            let told = [Message::ToPayer(Final::Expired), Message::ToPayee(Final::Expired)];
            told.iter().all(|told| state.said.has(*told))
        }),
        Property::sometimes("a late answer is told that the payment has expired", |_, state: &State| {
            state.said.has(Message::Report(Final::Expired))
        }),
        Property::sometimes("a second thought is told that the payment has settled", |_, state: &State| {
            state.said.has(Message::Report(Final::Settled))
                && state.said.has(Message::Answer { accepts: false })
        }),
        Property::sometimes("a second thought is told that the payment was rejected", |_, state: &State| {
            state.said.has(Message::Report(Final::Rejected))
                && state.said.has(Message::Answer { accepts: true })
        }),
        Property::sometimes("a crash between forwarding and answer", |_, state: &State| {
            let is_open = state.durable.question == Question::Open;
            state.node.is_none() && is_open && state.said.has(Message::Ask)
        }),
        Property::sometimes("a crash between the decision and telling it", |_, state: &State| {
            let has_settled = state.durable.payment == Payment::Ended(Final::Settled);
            state.node.is_none() && has_settled && told(state).next().is_none()
        }),
        Property::sometimes(
            "a settlement that is confirmed after its deadline stands",
            |_, state: &State| {
                let writes = state.node.is_some_and(|node| node.writing.is_some_and(|frame| !frame.is_late));
                writes && state.deadline_has_passed && state.durable.question == Question::Open
            },
        ),
    ]
}

fn ledgers(state: &State) -> impl Iterator<Item = Ledger> {
    [Some(state.durable), state.node.map(|node| node.ledger)].into_iter().flatten()
}

/// The ends that any bank was ever told.
fn told(state: &State) -> impl Iterator<Item = Final> {
    let is_told = |how: Final| {
        [Message::ToPayer(how), Message::ToPayee(how), Message::Report(how)]
            .iter()
            .any(|message| state.said.has(*message))
    };
    Final::ALL.into_iter().filter(move |how| is_told(*how))
}

/// From here on nothing goes wrong any more: the node runs, the payee's bank is connected, the payer's bank sends its
/// payment again. Then an open question is heard while there is time, and in the end both banks know.
///
/// Tried where the node runs and has finished all that it had begun: every other state leads to one of those.
fn can_be_answered(model: &Lifecycle, state: &State) -> bool {
    let mut state = *state;
    if state.node.is_none_or(|node| next_duty(&node).is_some()) {
        return true;
    }
    let step = |state: &mut State, action| *state = state.after(action, model.flaw);
    step(&mut state, Action::Connect);
    settle_down(model, &mut state);
    if state.durable.question == Question::Open && !state.said.has(Message::Ask) {
        return false;
    }
    step(&mut state, Action::PassDeadline);
    for _ in 0..2 {
        step(&mut state, Action::Arrive(Message::Pay));
        settle_down(model, &mut state);
    }
    let Payment::Ended(how) = state.durable.payment else { return false };
    let payee_knows = match state.durable.told_to_payee() {
        Some(how) => state.said.has(Message::ToPayee(how)),
        None => true,
    };
    state.said.has(Message::ToPayer(how)) && payee_knows
}

/// The node does all that it has begun.
fn settle_down(model: &Lifecycle, state: &mut State) {
    while let Some(duty) = state.node.as_ref().and_then(next_duty) {
        *state = state.after(duty, model.flaw);
    }
}

fn next_duty(node: &Node) -> Option<Action> {
    if node.writing.is_some() {
        Some(Action::Write)
    } else if node.written.is_some() {
        Some(Action::Apply)
    } else if let Some(message) = node.outbox.iter().next() {
        Some(Action::Tell(message))
    } else if node.filling[0].is_some() {
        Some(Action::Seal { sweeps: false })
    } else {
        None
    }
}
