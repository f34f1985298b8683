//! The way into the engine and back, for all services.
//!
//! What is submitted lives in the engine from then on. The future that waits for it may be dropped at any time;
//! the outcome is then told to nobody, and stands.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use engine::{Answer, AnswerSink, Answered, Handle, NotTaken, PaymentName, Question, Waiting};
use history::holders::HoldersView;
use ledger::{Outcome, RecordWriter};
use tokio::sync::{Notify, Semaphore, oneshot, watch};
use tokio::time::{Instant, timeout_at};
use tonic::{Status, Streaming};
use types::{AccountNumber, Bic, Currency, Iban, Sequence};

use crate::caller::Caller;
use crate::history::Past;
use crate::iso::{AskedOrders, Keeper};
use crate::keys::NewMasterKey;
use crate::limits::{ENQUIRIES_PER_CALLER, ServerLimits};
use crate::lives::Restores;
use crate::log::LogReads;
use crate::mailbox::{Last, Letter, Mailbox, Progress, reserved};
use crate::orders::OrderDesk;
use crate::per_caller::PerCaller;
use crate::quota::Quota;
use crate::receipts::ReceiptDesk;
use crate::refusals;
use crate::serve::Served;
use crate::session::Sessions;
use crate::verification::{OtherBanks, VerificationQuota};
use crate::watchers::Watchers;

/// What the services of one thread share.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) handle: Handle,
    pub(crate) quota: Arc<Quota>,
    pub(crate) enquiries: Arc<PerCaller>,
    pub(crate) keeper: Arc<Keeper>,
    pub(crate) asked: Arc<AskedOrders>,
    pub(crate) limits: ServerLimits,
    /// Becomes true when the node begins to stop.
    pub(crate) stopping: watch::Receiver<bool>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) watchers: Arc<Watchers>,
    pub(crate) log_reads: Arc<LogReads>,
    pub(crate) past: Arc<Past>,
    pub(crate) restores: Arc<Restores>,
    /// What receipts are given from, if this node keeps any.
    pub(crate) receipts: Option<ReceiptDesk>,
    /// Where the next master key is found, if this node is told.
    pub(crate) new_master_key: Option<Arc<NewMasterKey>>,
    /// Who holds the accounts that are kept here, if this node keeps names.
    pub(crate) holders: Option<HoldersView>,
    /// How other banks are asked about their customers, if they can be.
    pub(crate) other_banks: Option<Arc<dyn OtherBanks>>,
    pub(crate) verifications: Arc<VerificationQuota>,
    /// Places for images that are being read.
    pub(crate) image_readings: Arc<Semaphore>,
    pub(crate) orders: Arc<OrderDesk>,
    pub(crate) mailbox: Mailbox,
}

/// What all threads share.
#[derive(Clone, Debug)]
pub(crate) struct SharedNode {
    handle: Handle,
    quota: Arc<Quota>,
    enquiries: Arc<PerCaller>,
    keeper: Arc<Keeper>,
    asked: Arc<AskedOrders>,
    limits: ServerLimits,
    stopping: watch::Receiver<bool>,
    sessions: Arc<Sessions>,
    watchers: Arc<Watchers>,
    log_reads: Arc<LogReads>,
    past: Arc<Past>,
    restores: Arc<Restores>,
    receipts: Option<ReceiptDesk>,
    new_master_key: Option<Arc<NewMasterKey>>,
    holders: Option<HoldersView>,
    other_banks: Option<Arc<dyn OtherBanks>>,
    verifications: Arc<VerificationQuota>,
    image_readings: Arc<Semaphore>,
    orders: Arc<OrderDesk>,
}

impl SharedNode {
    pub(crate) fn new(
        Served { handle, history, receipts, new_master_key, holders, other_banks, .. }: Served,
        restores: Restores,
        limits: ServerLimits,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        Self {
            handle,
            quota: Arc::new(Quota::new(limits.payments_per_bank)),
            enquiries: Arc::new(PerCaller::new(ENQUIRIES_PER_CALLER)),
            keeper: Arc::default(),
            asked: Arc::default(),
            limits,
            stopping,
            sessions: Arc::default(),
            watchers: Arc::default(),
            log_reads: Arc::default(),
            past: Arc::new(Past::new(history)),
            restores: Arc::new(restores),
            receipts,
            new_master_key,
            holders,
            other_banks,
            verifications: Arc::new(VerificationQuota::new(limits.verifications_per_caller_second)),
            image_readings: Arc::new(Semaphore::new(limits.images_at_once)),
            orders: Arc::default(),
        }
    }

    /// Where the runner of orders hears that something may have become due.
    pub(crate) fn order_nudges(&self) -> Arc<Notify> {
        self.orders.nudges()
    }

    /// The node for the services of the thread that calls this, within its runtime.
    pub(crate) fn on_this_thread(self) -> Node {
        let Self { handle, quota, enquiries, keeper, asked, limits, stopping, .. } = self;
        let Self { sessions, watchers, log_reads, past, restores, receipts, new_master_key, .. } = self;
        let Self { holders, other_banks, verifications, image_readings, orders, .. } = self;
        let mailbox = Mailbox::open(&handle);
        Node {
            handle,
            quota,
            enquiries,
            keeper,
            asked,
            limits,
            stopping,
            sessions,
            watchers,
            log_reads,
            past,
            restores,
            receipts,
            new_master_key,
            holders,
            other_banks,
            verifications,
            image_readings,
            orders,
            mailbox,
        }
    }
}

impl Node {
    /// The next message of a stream, or nothing if the caller has ended its side. A node that stops ends its
    /// streams, because a caller may hold one open for ever.
    pub(crate) async fn next<Message>(
        &mut self,
        stream: &mut Streaming<Message>,
    ) -> Result<Option<Message>, Status> {
        tokio::select! {
            message = stream.message() => message,
            _ = self.stopping.wait_for(|stopping| *stopping) => Err(refusals::stopping()),
        }
    }

    /// Done when the node begins to stop.
    pub(crate) async fn stops(&self) {
        // A sender that is dropped means the same as one that sends.
        let _ = self.stopping.clone().wait_for(|stopping| *stopping).await;
    }

    /// Submits one command. `held` is given back when the outcome is known, not when the caller goes away.
    pub(crate) fn submit(
        &self,
        commands: RecordWriter,
        held: impl Send + 'static,
    ) -> Result<Awaited<Outcome>, Status> {
        assert!(commands.count() >= 1, "a unary call is one command, and perhaps its document");
        let (sender, receiver) = oneshot::channel();
        let mailbox = self.mailbox.clone();
        let sink = move |outcomes: &[Outcome], _: &mut Waiting<'_>| {
            drop(held);
            mailbox.put(Letter::Outcome(sender, outcomes[0]));
        };
        self.handle.submit(commands, Box::new(sink)).map_err(not_taken)?;
        Ok(Awaited(receiver))
    }

    /// The outcome of one command, if the ledger carried it out.
    pub(crate) async fn carry_out(&self, commands: RecordWriter) -> Result<Outcome, Status> {
        let outcome = self.submit(commands, ())?.await?;
        outcome.refusal().map_or(Ok(outcome), |refusal| Err(refusals::refused(refusal).into_status()))
    }

    /// Submits one payment. Where a bank has to decide and `to_the_end` is wanted, what is told first brings the
    /// means to wait for the rest.
    pub(crate) fn submit_payment(
        &self,
        commands: RecordWriter,
        held: impl Send + 'static,
        to_the_end: bool,
    ) -> Result<Awaited<Progress>, Status> {
        assert!(commands.count() >= 1, "a unary call is one payment, and perhaps its document");
        let (sender, receiver) = oneshot::channel();
        let mailbox = self.mailbox.clone();
        let sink = move |outcomes: &[Outcome], waiting: &mut Waiting<'_>| {
            drop(held);
            let outcome = outcomes[0];
            let last = reserved(&outcome).filter(|_| to_the_end).map(|payment| {
                let (sender, receiver) = oneshot::channel();
                let is_repeat = outcome.repeat_of().is_some();
                let last = Last { mailbox: mailbox.clone(), waiting: Mutex::new(Some(sender)), is_repeat };
                waiting.wait(payment, Arc::new(last), 0);
                receiver
            });
            mailbox.put(Letter::Progress(sender, Progress { outcome, last }));
        };
        self.handle.submit(commands, Box::new(sink)).map_err(not_taken)?;
        Ok(Awaited(receiver))
    }

    /// Asks a question and waits for the answer.
    pub(crate) async fn ask(&self, question: Question) -> Result<Answered, Status> {
        let (sender, receiver) = oneshot::channel();
        let mailbox = self.mailbox.clone();
        let sink = move |answered: Answered| mailbox.put(Letter::Answer(sender, answered));
        self.handle.ask(question, Box::new(sink)).map_err(not_taken)?;
        Awaited(receiver).await
    }

    /// The number of an account that is kept here, open or closed, and its bank. The directory knows open ones.
    pub(crate) async fn place_of(
        &self,
        iban: Iban,
        currency: Currency,
    ) -> Result<Option<(AccountNumber, Bic)>, Status> {
        let digest = self.handle.digest_key().iban(iban.as_str());
        if let Some(found) = self.handle.directory().open_account(digest, currency) {
            return Ok(Some(found));
        }
        let Answer::Account(found) = self.ask(Question::Account { iban, currency }).await?.answer else {
            return Err(refusals::unanswered());
        };
        Ok(found.map(|(number, _, bank)| (number, bank)))
    }

    /// Asks what became of a payment in the end and waits for that, if the caller has not too much waiting already.
    /// Whoever goes away gives its place back at once.
    pub(crate) async fn ask_at_the_end(
        &self,
        caller: &Caller,
        payment: Sequence,
    ) -> Result<Answered, Status> {
        let place = self.enquiries.enter(caller.principal);
        let _place = place.ok_or_else(|| refusals::too_many_enquiries().into_status())?;
        let (sender, receiver) = oneshot::channel();
        let sink = AtTheEnd { sender, mailbox: self.mailbox.clone() };
        let question = Question::Final(PaymentName::At(payment));
        self.handle.ask(question, Box::new(sink)).map_err(not_taken)?;
        Awaited(receiver).await
    }

    /// Adds a command to the last part of a batch, or starts a new part when that one is as large as a
    /// submission may be. `waiting` goes with the command.
    pub(crate) fn append<Waiting>(
        &self,
        parts: &mut Vec<(RecordWriter, Vec<Waiting>)>,
        caller: &Caller,
        waiting: Waiting,
        write: impl FnOnce(&mut RecordWriter),
    ) {
        if parts.last().is_none_or(|(commands, _)| commands.length() > PART_BYTES_MAX) {
            parts.push((self.handle.commands(caller.principal), Vec::new()));
        }
        let (commands, all) = parts.last_mut().expect("a part was added if there was none");
        write(commands);
        all.push(waiting);
    }
}

/// Takes the answer to a question that may wait for seconds; nobody wants it once its asker has gone.
struct AtTheEnd {
    sender: oneshot::Sender<Answered>,
    mailbox: Mailbox,
}

impl AnswerSink for AtTheEnd {
    fn take(self: Box<Self>, answered: Answered) {
        let Self { sender, mailbox } = *self;
        mailbox.put(Letter::Answer(sender, answered));
    }

    fn is_wanted(&self) -> bool {
        !self.sender.is_closed()
    }
}

/// A part takes no further command from here on; the largest single command still fits behind it.
pub(crate) const PART_BYTES_MAX: usize = 128 * 1024;

/// An answer that the engine gives.
#[derive(Debug)]
pub(crate) struct Awaited<Answer>(oneshot::Receiver<Answer>);

impl<Answer> Future for Awaited<Answer> {
    type Output = Result<Answer, Status>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map_err(|_| refusals::unanswered())
    }
}

/// Until when a caller waits. What was submitted stands when the time is over.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Patience {
    /// Until what was submitted is in the log.
    Logged,
    /// Until it is final.
    Final,
    /// Until it is final, or this moment has come.
    Until(Instant),
}

impl Patience {
    /// As the contract has it: absent is until it is final, 0 until it is in the log.
    pub(crate) fn of(wait_ms: Option<u32>) -> Self {
        match wait_ms {
            None => Self::Final,
            Some(0) => Self::Logged,
            Some(wait_ms) => Self::Until(Instant::now() + Duration::from_millis(wait_ms.into())),
        }
    }

    /// Whether the final outcome is waited for.
    pub(crate) const fn to_the_end(self) -> bool {
        match self {
            Self::Logged => false,
            Self::Final | Self::Until(_) => true,
        }
    }

    /// Waits for the reply; `None` if the time is over first.
    pub(crate) async fn wait<Reply>(self, reply: impl Future<Output = Reply>) -> Option<Reply> {
        match self {
            Self::Logged | Self::Final => Some(reply.await),
            // A timer is large and seldom wanted.
            Self::Until(moment) => Box::pin(timeout_at(moment, reply)).await.ok(),
        }
    }
}

fn not_taken(reason: NotTaken) -> Status {
    refusals::not_taken(reason).into_status()
}
