//! One stream of a command that sends many things, and what each of them is about.
//!
//! Invariant: whatever is put on a lane comes back with its answer, or stands in `again` to be sent once more: requests are
//! named so that doing them twice is doing them once.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::bail;
use client::{Client, Exchange, ItemReceiver, ItemSender, ItemStream, Received, StreamOptions};

/// After what the node had no room for, so long nothing is sent again.
pub(crate) const PAUSE: Duration = Duration::from_millis(50);

/// A stream whose items are about something.
pub(crate) struct Lane<Kind: Exchange, About> {
    sender: ItemSender<Kind>,
    receiver: ItemReceiver<Kind>,
    under_way: BTreeMap<Kind::Key, About>,
    /// What the node had no room for, or has said nothing of.
    pub(crate) again: Vec<About>,
}

impl<Kind: Exchange<Key: Ord>, About> Lane<Kind, About> {
    pub(crate) fn open(client: &Client, options: StreamOptions) -> Self {
        let ItemStream { sender, receiver } = ItemStream::open(client, options);
        Self { sender, receiver, under_way: BTreeMap::new(), again: Vec::new() }
    }

    /// How many are under way, or are to be sent once more. As long as its owner lets no more than the stream has room for be
    /// counted here, sending never waits: nothing is received while it does.
    pub(crate) fn count(&self) -> usize {
        self.under_way.len() + self.again.len()
    }

    pub(crate) fn is_busy(&self) -> bool {
        !self.under_way.is_empty() || !self.again.is_empty()
    }

    /// Whether something is to be sent once more.
    pub(crate) fn waits(&self) -> bool {
        !self.again.is_empty()
    }

    /// Sends items. The stream has room for as many as its owner lets be under way.
    pub(crate) async fn send(&mut self, abouts: Vec<About>, item: impl Fn(&About) -> Kind::Item) {
        if abouts.is_empty() {
            return;
        }
        let items: Vec<Kind::Item> = abouts.iter().map(item).collect();
        let keys = items.iter().map(Kind::item_key);
        self.under_way.extend(keys.zip(abouts));
        // Why a stream has ended is what its receiver says next.
        let _ = self.sender.send(items).await;
    }

    /// The next answers, each with what it is about. Never ready while nothing is under way.
    ///
    /// # Errors
    /// If the stream has ended.
    pub(crate) async fn receive(&mut self) -> anyhow::Result<Vec<(About, Kind::Answer)>> {
        if self.under_way.is_empty() {
            return std::future::pending().await;
        }
        let under_way = &mut self.under_way;
        let mut take = |key: &Kind::Key| under_way.remove(key);
        match self.receiver.receive().await {
            Some(Received::Answers(answers)) => {
                let of = |answer: Kind::Answer| take(&Kind::answer_key(&answer)).map(|about| (about, answer));
                Ok(answers.into_iter().filter_map(of).collect())
            }
            Some(Received::NotSent(items) | Received::Unknown(items)) => {
                self.again.extend(items.iter().map(Kind::item_key).filter_map(|key| take(&key)));
                Ok(Vec::new())
            }
            Some(Received::Ended { cause, .. }) => Err(cause.into()),
            None => bail!("the node has ended the stream"),
        }
    }
}
