//! The task behind a stream: keeps what is in flight, and reconnects.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tonic::{Status, Streaming};

use crate::exchange::{self, Exchange};
use crate::limits::BATCH_ITEMS_MAX;
use crate::retry::Verdict;
use crate::stream::{Received, split};
use crate::{Client, ClientError, Refusal};

/// An item without answer.
struct InFlight<Kind: Exchange> {
    batch: Arc<Kind::Batch>,
    index: usize,
    /// The order in which items were sent, and are sent again.
    serial: u64,
    submissions: u32,
}

/// How a connection's time ends.
enum End {
    /// The caller is done, and has everything.
    Finished,
    /// The connection broke.
    Broken(Status),
}

/// What is in flight, and what is to be sent next.
pub(crate) struct Driver<Kind: Exchange> {
    client: Client,
    queue: mpsc::Receiver<Kind::Batch>,
    deliver: mpsc::Sender<Received<Kind>>,
    in_flight: HashMap<Kind::Key, InFlight<Kind>>,
    /// Messages to send next.
    pending: VecDeque<Arc<Kind::Batch>>,
    /// Items that were refused after an earlier submission was lost, to submit once more at the time.
    doubtful: Vec<Kind::Key>,
    doubtful_at: Option<Instant>,
    serial_next: u64,
    /// Connections that failed since the last answer.
    failures: u32,
    caller_done: bool,
    /// When the server is given up as silent, if something is in flight.
    silent_at: Instant,
}

impl<Kind: Exchange> Driver<Kind> {
    pub(crate) fn new(
        client: Client,
        queue: mpsc::Receiver<Kind::Batch>,
        deliver: mpsc::Sender<Received<Kind>>,
    ) -> Self {
        let silent_at = Instant::now() + client.retry().attempt_timeout;
        Self {
            client,
            queue,
            deliver,
            in_flight: HashMap::new(),
            pending: VecDeque::new(),
            doubtful: Vec::new(),
            doubtful_at: None,
            serial_next: 0,
            failures: 0,
            caller_done: false,
            silent_at,
        }
    }

    /// Runs until the caller is done and has everything, or the attempts are used up.
    pub(crate) async fn run(mut self) {
        loop {
            let status = match self.connection().await {
                End::Finished => return,
                End::Broken(status) => status,
            };
            let last = Refusal::from_status(&status);
            self.failures += 1;
            let retry = self.client.retry();
            let hopeless = match Verdict::of_status(&status, &last) {
                Verdict::Final | Verdict::Refused => true,
                Verdict::NotTaken | Verdict::Uncertain => self.failures >= retry.attempts_max,
            };
            let delay = retry.delay(self.failures, last.retry_delay, self.client.jitter());
            let Some(delay) = delay.filter(|_| !hopeless) else { return self.fail(last).await };
            tracing::debug!(failures = self.failures, code = ?last.code, ?delay, "stream broke, will reconnect");
            sleep(delay).await;
            self.pending.clear();
            self.doubtful.clear();
            self.doubtful_at = None;
            let keys = self.in_flight.keys().cloned().collect();
            self.submit_again(keys);
        }
    }

    /// Works with one connection until it breaks.
    async fn connection(&mut self) -> End {
        // One message of room: what waits shall wait in `pending`, where a broken connection does not lose it.
        let (outbound, requests) = mpsc::channel(1);
        let mut opening = pin!(exchange::open::<Kind>(self.client.channel(), requests));
        let mut inbound: Option<Streaming<Kind::Answers>> = None;
        let mut outbound_open = true;
        self.heard();
        loop {
            if self.caller_done && self.in_flight.is_empty() {
                drop(outbound);
                finish(inbound).await;
                return End::Finished;
            }
            let doubtful_at = self.doubtful_at;
            tokio::select! {
                opened = &mut opening, if inbound.is_none() => match opened {
                    Ok(stream) => inbound = Some(stream),
                    Err(status) => return End::Broken(status),
                },
                message = next(&mut inbound) => match message {
                    Ok(Some(message)) => self.answered(message).await,
                    Ok(None) => return End::Broken(Status::unavailable("the server ended the stream")),
                    Err(status) => return End::Broken(status),
                },
                slot = outbound.reserve(), if outbound_open && !self.pending.is_empty() => match slot {
                    Ok(slot) => slot.send(self.pending.pop_front().expect("the branch's condition")),
                    // The other direction has the reason, or silence will tell.
                    Err(_) => outbound_open = false,
                },
                batch = self.queue.recv(), if !self.caller_done && self.pending.is_empty() => match batch {
                    Some(batch) => self.take(batch).await,
                    None => self.caller_done = true,
                },
                () = at(doubtful_at) => {
                    self.doubtful_at = None;
                    let keys = std::mem::take(&mut self.doubtful);
                    self.submit_again(keys);
                }
                () = sleep_until(self.silent_at), if !self.in_flight.is_empty() => {
                    return End::Broken(Status::deadline_exceeded("no answer within the time of one attempt"));
                }
            }
        }
    }

    /// Takes a message of the caller's.
    async fn take(&mut self, batch: Kind::Batch) {
        if self.in_flight.is_empty() {
            self.heard();
        }
        let batch = Arc::new(batch);
        let items = Kind::items(&batch);
        let (mut taken, mut not_sent) = (Vec::new(), Vec::new());
        for (index, item) in items.iter().enumerate() {
            let Entry::Vacant(vacant) = self.in_flight.entry(Kind::item_key(item)) else {
                not_sent.push(index);
                continue;
            };
            vacant.insert(InFlight { batch: batch.clone(), index, serial: self.serial_next, submissions: 1 });
            self.serial_next += 1;
            taken.push(index);
        }
        if not_sent.is_empty() {
            return self.pending.push_back(batch);
        }
        let pick = |indices: Vec<usize>| indices.into_iter().map(|index| items[index].clone()).collect();
        if !taken.is_empty() {
            self.pending.push_back(Arc::new(Kind::batch(pick(taken))));
        }
        self.give(Received::NotSent(pick(not_sent))).await;
    }

    /// Takes a message of the server's.
    async fn answered(&mut self, message: Kind::Answers) {
        self.heard();
        self.failures = 0;
        let answers = Kind::answers(message);
        let mut delivered = Vec::with_capacity(answers.len());
        let mut unknown = Vec::new();
        for answer in answers {
            let key = Kind::answer_key(&answer);
            let Some(entry) = self.in_flight.get(&key) else {
                tracing::warn!("the server answered what was not asked");
                continue;
            };
            let doubt = if entry.submissions > 1 { Kind::refusal(&answer) } else { None };
            match doubt.filter(|refusal| Verdict::of_refusal(refusal) != Verdict::Final) {
                None => {
                    self.in_flight.remove(&key);
                    delivered.push(answer);
                }
                Some(refusal) => {
                    if !self.ask_later(&key, &refusal) {
                        unknown.extend(self.in_flight.remove(&key).map(InFlight::into_item));
                    }
                }
            }
        }
        if !delivered.is_empty() {
            self.give(Received::Answers(delivered)).await;
        }
        if !unknown.is_empty() {
            self.give(Received::Unknown(unknown)).await;
        }
    }

    /// Plans one more submission of an item in doubt; `false` if its attempts are used up.
    fn ask_later(&mut self, key: &Kind::Key, refusal: &Refusal) -> bool {
        let retry = self.client.retry();
        let submissions = self.in_flight.get(key).map_or(0, |entry| entry.submissions);
        if submissions >= retry.attempts_max {
            return false;
        }
        let Some(delay) = retry.delay(submissions, refusal.retry_delay, self.client.jitter()) else {
            return false;
        };
        let at = Instant::now() + delay;
        self.doubtful.push(key.clone());
        // One time for all of them: the latest that anyone of them asks for.
        self.doubtful_at = Some(self.doubtful_at.map_or(at, |planned| planned.max(at)));
        // The wait is not the server's silence.
        self.silent_at = self.silent_at.max(at + retry.attempt_timeout);
        true
    }

    /// Puts items in flight into messages again, in the order in which they were first sent.
    fn submit_again(&mut self, mut keys: Vec<Kind::Key>) {
        keys.retain(|key| self.in_flight.contains_key(key));
        keys.sort_by_key(|key| self.in_flight[key].serial);
        let mut items = Vec::with_capacity(keys.len());
        for key in keys {
            let entry = self.in_flight.get_mut(&key).expect("retained above");
            entry.submissions += 1;
            items.push(entry.item());
        }
        let batches =
            split::<Kind>(items, BATCH_ITEMS_MAX).expect("each of them was within the limits before");
        self.pending.extend(batches.into_iter().map(Arc::new));
    }

    /// Ends the stream with everything that is still in flight.
    async fn fail(mut self, last: Refusal) {
        self.queue.close();
        let mut not_sent = Vec::new();
        while let Some(batch) = self.queue.recv().await {
            not_sent.extend(Kind::items(&batch).iter().cloned());
        }
        let mut left: Vec<_> = self.in_flight.drain().map(|(_, entry)| entry).collect();
        left.sort_by_key(|entry| entry.serial);
        let unknown: Vec<_> = left.into_iter().map(InFlight::into_item).collect();
        let cause = match unknown.is_empty() {
            true => ClientError::NotDone(last),
            false => ClientError::Unknown { attempts: self.failures, last },
        };
        self.give(Received::Ended { unknown, not_sent, cause }).await;
    }

    /// A caller that has dropped its receiver does not want to know.
    async fn give(&mut self, received: Received<Kind>) {
        let _ = self.deliver.send(received).await;
    }

    fn heard(&mut self) {
        self.silent_at = Instant::now() + self.client.retry().attempt_timeout;
    }
}

impl<Kind: Exchange> InFlight<Kind> {
    fn item(&self) -> Kind::Item {
        Kind::items(&self.batch)[self.index].clone()
    }

    fn into_item(self) -> Kind::Item {
        self.item()
    }
}

/// Lets the server end the stream, which is kinder than a reset. Nothing depends on it, so it has a second.
async fn finish<Answers>(inbound: Option<Streaming<Answers>>) {
    if let Some(mut stream) = inbound {
        let _ = timeout(Duration::from_secs(1), stream.message()).await;
    }
}

/// The next message; never, while the stream is not open.
async fn next<Answers>(inbound: &mut Option<Streaming<Answers>>) -> Result<Option<Answers>, Status> {
    match inbound {
        Some(stream) => stream.message().await,
        None => std::future::pending().await,
    }
}

/// Waits until a time; for ever without one.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
