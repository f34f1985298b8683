//! Events in messages that are not too large.
//!
//! Invariant: the position that a message names as told is told by it and those before it as a whole. Where the events
//! of one position do not fit into a message, the next one is named only with the last of them.

use client::v1;
use prost::Message;
use types::Sequence;

/// Events of one message.
const EVENTS_MAX: usize = 256;

/// Bytes of the events of one message. One event is far smaller.
const BYTES_MAX: usize = 256 * 1024;

/// Events in the order of the log that are still to be sent.
pub(super) struct Parts(Vec<v1::Event>);

impl Parts {
    pub(super) const fn of(events: Vec<v1::Event>) -> Self {
        Self(events)
    }

    /// The events of the next message, and the last position before those that follow; `None` if none do.
    pub(super) fn next(&mut self) -> (Vec<v1::Event>, Option<Sequence>) {
        let mut bytes = 0;
        let fitting = self.0.iter().take(EVENTS_MAX).take_while(|event| {
            bytes += event.encoded_len();
            bytes <= BYTES_MAX
        });
        let mut count = fitting.count().max(1).min(self.0.len());
        let Some(next) = self.0.get(count).map(|event| event.sequence) else {
            return (std::mem::take(&mut self.0), None);
        };
        // The events of a position stay together if they can.
        let whole = self.0[..count].partition_point(|event| event.sequence < next);
        if whole > 0 {
            count = whole;
        }
        let rest = self.0.split_off(count);
        (std::mem::replace(&mut self.0, rest), Some(Sequence(next - 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(sequences: impl IntoIterator<Item = u64>, text: &str) -> Vec<(Vec<u64>, Option<u64>)> {
        let event = |sequence| v1::Event { sequence, participant: text.to_owned(), ..v1::Event::default() };
        let mut parts = Parts::of(sequences.into_iter().map(event).collect());
        let mut all = Vec::new();
        loop {
            let (events, before) = parts.next();
            all.push((events.iter().map(|event| event.sequence).collect(), before.map(|before| before.0)));
            if before.is_none() {
                return all;
            }
        }
    }

    #[test]
    fn nothing_is_one_message() {
        assert_eq!(parts([], ""), [(vec![], None)]);
    }

    #[test]
    fn messages_end_between_positions() {
        assert_eq!(parts(1..=256, ""), [((1..=256).collect(), None)]);
        assert_eq!(parts(1..=257, ""), [((1..=256).collect(), Some(256)), (vec![257], None)]);
        let twice = (1..=256).chain([256, 300]);
        assert_eq!(parts(twice, ""), [((1..=255).collect(), Some(255)), (vec![256, 256, 300], None)]);
    }

    #[test]
    fn a_position_that_does_not_fit_is_told_with_its_last_event() {
        let found = parts(std::iter::repeat_n(7, 600).chain([8]), "");
        let found: Vec<_> = found.into_iter().map(|(events, before)| (events.len(), before)).collect();
        assert_eq!(found, [(256, Some(6)), (256, Some(6)), (89, None)]);
    }

    #[test]
    fn bytes_count_as_well() {
        let found = parts(1..=3, &"x".repeat(BYTES_MAX / 2));
        assert_eq!(found.into_iter().map(|(events, _)| events.len()).collect::<Vec<_>>(), [1, 1, 1]);
    }
}
