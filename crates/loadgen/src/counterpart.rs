//! Banks to test with: they connect like any bank, behave as told, and audit what they hear.
//!
//! - [`Behaviour`] is what a bank does with a question, [`BehaviourMix`] a share of each.
//! - [`Counterparts`] are banks that run until they are finished, and then report.
//!
//! Invariants:
//! - What a bank does with a question follows from the seed and the payment alone, so that it does the same when it is
//!   asked again.
//! - A bank believes what it is told only as far as it fits what it was told before, and what it said itself.
//! - Personal data is neither kept nor written.

mod behaviour;
mod book;
mod iso_line;
mod journal;
mod line;
mod report;
mod session;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use client::{BankConnection, BankOptions, Client, ClientError, ExchangeOptions, IsoExchange, Refusal, v1};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use types::Bic;

pub use behaviour::{Behaviour, BehaviourMix};
pub use report::{CounterpartReport, CounterpartsReport};

use crate::parallel::joined;
use crate::{Extent, LoadgenError};
use book::Book;
use iso_line::IsoLine;
use journal::Journal;
use line::Line;
use session::{Session, Shared};

/// How long a node may take until every connection stands.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// How long after the end of its time a question's outcome may be reported.
const REPORT_GRACE: Duration = Duration::from_secs(3);

/// How long a bank goes on listening at least: what it has rejected must not be reported as settled.
const LINGER: Duration = Duration::from_millis(500);

/// How often the books are looked at by whoever waits for them.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// The most banks of one run.
const BANKS_MAX: usize = 64;

/// The most connections of one bank: what a node allows.
const CONNECTIONS_MAX: usize = 16;

/// Which banks there are, and how they behave.
#[derive(Clone, Debug)]
pub struct CounterpartOptions {
    /// The banks.
    pub banks: Vec<Bic>,
    /// Connections of each.
    pub connections: usize,
    /// Whether they exchange ISO 20022 documents instead of messages.
    pub iso: bool,
    /// What they do with questions.
    pub mix: BehaviourMix,
    /// The file to which they add everything that they hear and say, as lines of JSON, if any.
    pub journal: Option<PathBuf>,
}

/// Banks that are connected.
#[derive(Debug)]
pub struct Counterparts {
    banks: Vec<(Bic, Arc<Shared>)>,
    sessions: JoinSet<Result<(), ClientError>>,
    stop: watch::Sender<bool>,
    journal: Option<Arc<Journal>>,
    options: CounterpartOptions,
}

impl Counterparts {
    /// Connects the banks, and returns when every connection stands. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// If the options break a limit, the journal can't be used, or the node does not take the connections.
    pub async fn start(client: &Client, options: CounterpartOptions) -> Result<Self, LoadgenError> {
        options.validate()?;
        let mut banks = Vec::new();
        for bic in &options.banks {
            // A caller that may not ask how the bank is registered is audited without what only that tells.
            let silence_accepts = silence_accepts(client, *bic).await.unwrap_or(true);
            banks.push((*bic, Book::new(*bic, silence_accepts)));
        }
        let journal = options.journal.as_deref().map(Journal::open).transpose()?.map(Arc::new);
        let strangers = Arc::<Mutex<Vec<String>>>::default();
        let (stop, stopped) = watch::channel(false);
        let (news, mut stands) = mpsc::channel(options.banks.len() * options.connections);
        let mut counterparts =
            Self { banks: Vec::new(), sessions: JoinSet::new(), stop, journal, options: options.clone() };
        for (bic, book) in banks {
            let shared = Arc::new(Shared::new(bic, book, counterparts.journal.clone(), strangers.clone()));
            for number in 0..options.connections {
                let line = options.line(client, bic, number);
                let session = Session::new(line, options.mix.clone(), shared.clone(), stopped.clone());
                counterparts.sessions.spawn(session.run(news.clone()));
            }
            counterparts.banks.push((bic, shared));
        }
        drop(news);
        for _ in 0..options.banks.len() * options.connections {
            match timeout(CONNECT_TIMEOUT, stands.recv()).await {
                Ok(Some(())) => {}
                Ok(None) | Err(_) => return Err(counterparts.why_not_connected().await),
            }
        }
        Ok(counterparts)
    }

    /// Returns when so many questions have come or so much time has passed, or a connection has ended for good.
    pub async fn wait(&mut self, extent: Option<Extent>) {
        let until = match extent {
            Some(Extent::Duration(span)) => Some(Instant::now() + span),
            Some(Extent::Payments(_)) | None => None,
        };
        loop {
            if let Some(Extent::Payments(questions)) = extent
                && self.books(|book| book.counts().questions).into_iter().sum::<u64>() >= questions
            {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_INTERVAL) => {}
                () = at(until) => return,
                _ = self.sessions.join_next() => return,
            }
        }
    }

    /// What a bank was told of a payment: its state, and the reason if there is one.
    pub fn told(&self, bic: &Bic, payment: &str) -> Option<(v1::PaymentStatus, String)> {
        let (_, shared) = self.banks.iter().find(|(bank, _)| bank == bic)?;
        lock(&shared.book).told(payment)
    }

    /// Goes on until every payment that was asked about has been reported, or its time for that is over.
    pub async fn drain(&mut self) {
        let now = Instant::now();
        let known = self.books(Book::close);
        let left = known.into_iter().max().unwrap_or_default();
        let until = now + left + REPORT_GRACE;
        let is_open = |books: &Self| books.books(Book::unreported).into_iter().any(|open| open > 0);
        while Instant::now() < now + LINGER || is_open(self) && Instant::now() < until {
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    /// Drains, disconnects, and says what the books come to.
    ///
    /// # Errors
    /// If the journal could not be written to its end. Whatever is wrong with the node is part of the report.
    pub async fn finish(mut self) -> Result<CounterpartsReport, LoadgenError> {
        self.drain().await;
        // Nobody listens any more if every connection has ended by itself.
        let _ = self.stop.send(true);
        let mut failures = Vec::new();
        while let Some(ended) = self.sessions.join_next().await {
            failures.extend(joined(ended).err().map(|error| error.to_string()));
        }
        if let Some(journal) = &self.journal {
            journal.finish()?;
        }
        let mut reports = Vec::new();
        for (_, shared) in &self.banks {
            reports.push(lock(&shared.book).report());
        }
        let behaviour = self.options.mix.to_string();
        Ok(CounterpartsReport { behaviour, iso: self.options.iso, banks: reports, failures })
    }

    fn books<Answer>(&self, ask: impl Fn(&mut Book) -> Answer) -> Vec<Answer> {
        self.banks.iter().map(|(_, shared)| ask(&mut lock(&shared.book))).collect()
    }

    async fn why_not_connected(mut self) -> LoadgenError {
        let _ = self.stop.send(true);
        let failed = LoadgenError::node("connecting a bank");
        match self.sessions.join_next().await {
            Some(Ok(Err(error))) => failed(error),
            Some(_) | None => {
                let silent = v1::ErrorReason::Unspecified;
                let text = "a connection does not stand in time";
                failed(ClientError::NotDone(Refusal::new(tonic::Code::DeadlineExceeded, silent, text)))
            }
        }
    }
}

impl CounterpartOptions {
    /// Accepting banks with one connection each.
    pub fn new(banks: Vec<Bic>) -> Self {
        Self { banks, connections: 1, iso: false, mix: BehaviourMix::accepting(), journal: None }
    }

    fn validate(&self) -> Result<(), LoadgenError> {
        let within = |what: &str, count: usize, most: usize| match (1..=most).contains(&count) {
            true => Ok(()),
            false => Err(LoadgenError::Options(format!("{what}: {count} is not between 1 and {most}"))),
        };
        within("banks", self.banks.len(), BANKS_MAX)?;
        within("connections", self.connections, CONNECTIONS_MAX)?;
        let mut sorted = self.banks.clone();
        sorted.sort_unstable_by_key(|bic| *bic.as_bytes());
        sorted.dedup();
        match sorted.len() == self.banks.len() {
            true => Ok(()),
            false => Err(LoadgenError::Options("a bank is named twice".to_owned())),
        }
    }

    /// A connection of a bank. Only the first hears of outcomes, so that the bank has one position; documents know no
    /// such difference, and there each connection keeps its own.
    fn line(&self, client: &Client, bic: Bic, number: usize) -> Line {
        if self.iso {
            let exchange = IsoExchange::open(client, ExchangeOptions::new(bic.to_string()));
            return Line::Iso(Box::new(IsoLine::new(bic, number, exchange)));
        }
        let questions_only = number > 0;
        let options = BankOptions { questions_only, ..BankOptions::new(bic.to_string()) };
        Line::Messages(Box::new(BankConnection::open(client, options)))
    }
}

/// Whether a payment may be settled without an answer of the bank; `None` if the caller may not ask.
async fn silence_accepts(client: &Client, bic: Bic) -> Option<bool> {
    let reply = client.get_participant(v1::GetParticipantRequest { bic: bic.to_string() }).await.ok()?;
    let participant = reply.participant?;
    // Accounts that are kept here are paid without a question, unless the bank wants to decide.
    let policy = participant.decision_policy.unwrap_or_default();
    let accepts = [policy.debits, policy.credits].into_iter().flatten();
    let accepts = accepts.map(|stage| stage.silence()).any(|silence| silence == v1::SilenceMeaning::Accept);
    Some(accepts)
}

/// A book is only read and added to; one that somebody left in the middle is as good as before.
fn lock<Content>(mutex: &Mutex<Content>) -> std::sync::MutexGuard<'_, Content> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until a time; for ever without one.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
#[path = "counterpart/tests.rs"]
mod tests;
