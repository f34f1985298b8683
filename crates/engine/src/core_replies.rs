//! Telling outcomes to those who wait, and submitting again what could not be decided.
//!
//! Nothing is decided about a payment whose evidence of duplicates reaches less far than payments have left the core's
//! table. It is looked up and submitted again, and whoever waits for its submission hears of all of it together, once.
//!
//! The same where a payment was looked up by an older table of which accounts take part. Apart from that, a command is
//! submitted again once at the most: whoever looks it up again submits the commands that name runs as well,
//! so the next of those comes behind it.

use journal::SealedFrame;
use ledger::{Kind, Outcome, RecordWriter, Verdict, layout};
use zerocopy::FromBytes;

use super::{Core, Waits};
use crate::event::{Action, Held, Submission};

impl<Ticket> Core<Ticket> {
    /// Replies to everyone who waited for this frame.
    pub(super) fn reply(&mut self, frame: &SealedFrame, actions: &mut Vec<Action<Ticket>>) {
        let mut start = 0;
        let count = self.outcomes.len();
        for waits in std::mem::take(&mut self.writing) {
            let end = start + usize::try_from(waits.count).expect("32 bits");
            let is_undecided = |outcome: &Outcome| outcome.verdict == Verdict::AskAgain;
            if self.asks_again && self.outcomes[start..end].iter().any(is_undecided) {
                actions.push(Action::AskAgain(self.again(frame, start..end, waits)));
            } else if let Some(held) = waits.held {
                let outcomes = held.with(&self.outcomes[start..end]);
                let whole = self.outcomes.len();
                self.outcomes.extend(outcomes);
                actions.push(Action::Reply(waits.ticket, whole..self.outcomes.len()));
            } else {
                actions.push(Action::Reply(waits.ticket, start..end));
            }
            start = end;
        }
        assert!(start == count, "every outcome has someone who waits for it");
    }

    /// The commands of a submission that were not decided, and the documents that came with them.
    fn again(
        &self,
        frame: &SealedFrame,
        range: std::ops::Range<usize>,
        waits: Waits<Ticket>,
    ) -> Submission<Ticket> {
        let mut outcomes = self.outcomes[range.clone()].to_vec();
        let mut places = Vec::new();
        let mut commands = Vec::new();
        let mut before = false;
        let view = frame.view();
        let records = split(view.records(), view.texts().unwrap_or_default());
        for (place, (record, text)) in records.skip(range.start).take(outcomes.len()).enumerate() {
            let outcome = &outcomes[place];
            before = outcome.verdict == Verdict::AskAgain || (before && outcome.kind == Kind::Evidence);
            if before {
                places.push(place);
                commands.push((record, text));
            }
        }
        if let Some(held) = waits.held {
            places = places.into_iter().map(|place| held.places[place]).collect();
            outcomes = held.with(&outcomes);
        }
        let key = self.ledger.setup().expect("the log has begun").digest_key;
        let commands = RecordWriter::again(key, commands);
        Submission { commands, ticket: waits.ticket, held: Some(Box::new(Held { outcomes, places })) }
    }
}

/// The records of a frame as they stand there, each with its text.
fn split<'frame>(
    mut records: &'frame [u8],
    mut texts: &'frame [u8],
) -> impl Iterator<Item = (&'frame [u8], &'frame [u8])> {
    const OWN: &str = "a frame of this node has been applied";
    std::iter::from_fn(move || {
        let (header, _) = layout::Header::ref_from_prefix(records).ok()?;
        let length = usize::try_from(header.length.get()).expect(OWN);
        let text_length = usize::try_from(header.text_length.get()).expect(OWN);
        let (record, text) = (records.get(..length).expect(OWN), texts.get(..text_length).expect(OWN));
        (records, texts) = (&records[length..], &texts[text_length..]);
        Some((record, text))
    })
}
