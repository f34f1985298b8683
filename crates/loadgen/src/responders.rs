//! The banks elsewhere of a load run: each is connected, accepts whatever it is asked unless it has fallen silent, and
//! counts what it hears.
//!
//! Invariant: a bank counts what the node says, and nothing else; whether that agrees with what the payers were told is
//! for the audit.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use client::limits::BATCH_ITEMS_MAX;
use client::{Client, ClientError, ConnectOptions, Outgoing, Resumable, RetryPolicy, TlsOptions, v1};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::LoadgenError;
use crate::banks::LOAD_REMOTE_BANKS;
use crate::connect_wire::{Answer, Answers, Event, Heard, LeanConnect, Question, Report, Said};

/// How long the node may take until every bank is connected.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// How often the banks' counts are looked at by whoever waits for them.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

/// Connected banks that accept every payment, but for those that are silent.
#[derive(Debug)]
pub struct Responders {
    /// Ends the connections when it is dropped.
    _connections: JoinSet<()>,
    counts: Arc<Counts>,
    /// Whether those that may be silent are.
    are_silent: Arc<AtomicBool>,
}

#[derive(Debug, Default)]
struct Counts {
    connections: AtomicU64,
    questions: AtomicU64,
    answers: AtomicU64,
    ineffective: AtomicU64,
    settled: AtomicU64,
    not_settled: AtomicU64,
    repeats: AtomicU64,
}

/// What the banks elsewhere were told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResponderCounts {
    /// How often a connection stood.
    pub connections: u64,
    /// Questions that came, repeats included.
    pub questions: u64,
    /// Answers that were handed to a connection.
    pub answers: u64,
    /// Answers that changed nothing.
    pub ineffective: u64,
    /// Reports of a settlement that are no possible repeats.
    pub settled: u64,
    /// Reports of a payment that came to nothing, likewise.
    pub not_settled: u64,
    /// Reports that may have come before.
    pub repeats: u64,
}

impl Responders {
    /// Connects these of the [`LOAD_REMOTE_BANKS`], which are registered, and returns when every connection stands. The
    /// silent ones hear their questions and do not answer, until they are told to ([`Responders::set_silent`]). Must be
    /// called within a tokio runtime.
    ///
    /// # Errors
    /// If there are no such banks, or the node does not take them.
    pub async fn start(
        address: &str,
        tls: Option<TlsOptions>,
        banks: Range<usize>,
        silent: Range<usize>,
    ) -> Result<Self, LoadgenError> {
        if banks.is_empty() || banks.end > LOAD_REMOTE_BANKS.len() {
            return Err(LoadgenError::Options("there are no such remote banks".to_owned()));
        }
        let connect = ConnectOptions {
            connections: banks.len(),
            retry: RetryPolicy::over_restarts(),
            tls,
            ..ConnectOptions::default()
        };
        let client = Client::connect(address, connect).await.map_err(LoadgenError::node("connecting"))?;
        let counts = Arc::<Counts>::default();
        let are_silent = Arc::new(AtomicBool::new(true));
        let mut connections = JoinSet::new();
        let (news, mut stands) = mpsc::channel(banks.len());
        for index in banks.clone() {
            let bic = LOAD_REMOTE_BANKS[index].bic_text();
            let bank = RespondingBank {
                call: Resumable::new(&client, LeanConnect { bic }, None, None),
                are_silent: silent.contains(&index).then(|| are_silent.clone()),
                counts: counts.clone(),
            };
            connections.spawn(bank.run(news.clone()));
        }
        drop(news);
        for _ in banks {
            let failed = LoadgenError::node("connecting a bank");
            match timeout(CONNECT_TIMEOUT, stands.recv()).await {
                Ok(Some(stands)) => stands.map_err(failed)?,
                Ok(None) | Err(_) => {
                    return Err(LoadgenError::Contract("a bank's connection does not stand"));
                }
            }
        }
        Ok(Self { _connections: connections, counts, are_silent })
    }

    /// Has the silent banks answer from now on, or fall silent again. What they were asked before stays as it is.
    pub fn set_silent(&self, silent: bool) {
        self.are_silent.store(silent, Ordering::Relaxed);
    }

    /// What they were told so far.
    pub fn counts(&self) -> ResponderCounts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let counts = &self.counts;
        ResponderCounts {
            connections: read(&counts.connections),
            questions: read(&counts.questions),
            answers: read(&counts.answers),
            ineffective: read(&counts.ineffective),
            settled: read(&counts.settled),
            not_settled: read(&counts.not_settled),
            repeats: read(&counts.repeats),
        }
    }

    /// What they were told when so many settlements have been reported, or nothing more came for some time.
    pub(crate) async fn counts_with(&self, settled: u64, patience: Duration) -> ResponderCounts {
        let started = Instant::now();
        loop {
            let counts = self.counts();
            if counts.settled >= settled || started.elapsed() > patience {
                return counts;
            }
            sleep(LOOK_INTERVAL).await;
        }
    }
}

impl ResponderCounts {
    /// The form for programs.
    pub fn to_json(self) -> Value {
        json!({
            "connections": self.connections,
            "questions": self.questions,
            "answers": self.answers,
            "ineffective": self.ineffective,
            "settled": self.settled,
            "not_settled": self.not_settled,
            "repeats": self.repeats,
        })
    }
}

/// One bank, over one connection.
struct RespondingBank {
    call: Resumable<LeanConnect>,
    /// Of a bank that may be silent: whether it is.
    are_silent: Option<Arc<AtomicBool>>,
    counts: Arc<Counts>,
}

impl RespondingBank {
    /// Runs until the node refuses the connection or the task is dropped; `news` hears when it first stands.
    async fn run(mut self, news: mpsc::Sender<Result<(), ClientError>>) {
        let outgoing = self.call.outgoing();
        let mut news = Some(news);
        loop {
            match self.call.next().await {
                Ok(heard) => {
                    // Whoever started this may no longer want to know.
                    if let Some(news) = news.take() {
                        let _ = news.send(Ok(())).await;
                    }
                    self.take(heard, &outgoing).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "a bank's connection has ended");
                    if let Some(news) = news.take() {
                        let _ = news.send(Err(error)).await;
                    }
                    return;
                }
            }
        }
    }

    async fn take(&self, heard: Heard, outgoing: &Outgoing<Said>) {
        let is_silent = self.are_silent.as_ref().is_some_and(|silent| silent.load(Ordering::Relaxed));
        let mut answers = Vec::with_capacity(heard.events.len());
        for event in heard.events {
            answers.extend(self.count(event).filter(|_| !is_silent).map(Question::accept));
        }
        while !answers.is_empty() {
            let rest = answers.split_off(answers.len().min(BATCH_ITEMS_MAX));
            let batch: Vec<Answer> = std::mem::replace(&mut answers, rest);
            let count = u64::try_from(batch.len()).expect("a batch");
            if outgoing.send(Said { start: None, answers: Some(Answers { answers: batch }) }).await {
                self.counts.answers.fetch_add(count, Ordering::Relaxed);
            }
        }
    }

    /// Counts an event, and gives back the question that is to be answered, if it is one.
    fn count(&self, event: Event) -> Option<Question> {
        let one_more = |count: &AtomicU64| {
            count.fetch_add(1, Ordering::Relaxed);
        };
        let counts = &self.counts;
        match event {
            Event { question: Some(question), .. } => {
                one_more(&counts.questions);
                return Some(question);
            }
            Event { report: Some(Report { possible_repeat: true, .. }), .. } => one_more(&counts.repeats),
            Event { report: Some(Report { outcome: Some(outcome), .. }), .. } => {
                let settled = outcome.status() == v1::PaymentStatus::Settled;
                one_more(if settled { &counts.settled } else { &counts.not_settled });
            }
            Event { answer_result: Some(_), .. } => one_more(&counts.ineffective),
            Event { started: Some(_), .. } => one_more(&counts.connections),
            Event { .. } => {}
        }
        None
    }
}
