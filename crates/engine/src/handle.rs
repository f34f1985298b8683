//! What callers hold: a way to submit and to ask, with every limit checked before anything is queued.
//!
//! Invariant: what a caller is told was not taken has changed nothing and never will.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crossbeam::channel::{Sender, TrySendError};
use journal::FrameSource;
use ledger::{Needs, Outcome, RecordWriter};
use types::{ClusterId, DigestKey, Lives, Located, PaymentId, PrincipalNumber, Sequence, Shard, Timestamp};

use crate::activations::Activations;
use crate::archive_readers::{ArchiveReaders, TakenIn};
use crate::deliveries::{Collector, Deliveries};
use crate::directory::Directory;
use crate::driver::monotonic;
use crate::duplicates::Duplicates;
use crate::event::{Event, Submission};
use crate::finals::Waiting;
use crate::follower_status::{FollowerStatus, FollowerView};
use crate::key_orders::KeyOrder;
use crate::log_view::LogView;
use crate::looking::Looking;
use crate::pace::Admitted;
use crate::place::Place;
use crate::question::{Answered, Question};
use crate::sealing::Sealing;
use crate::stages::{Stage, StageTimes, Stages};
use crate::subscription::{Interest, Listeners, Subscription};
use crate::ticket::Ticket;

/// Takes the outcomes of one submission, in the order of its commands. Called once, on the core thread: it must
/// not block.
pub trait OutcomeSink: Send {
    /// Takes them. A payment that is reserved is told as it is; whoever wants its final outcome registers with
    /// `waiting` in this call.
    fn take(self: Box<Self>, outcomes: &[Outcome], waiting: &mut Waiting<'_>);
}

impl<Function: FnOnce(&[Outcome], &mut Waiting<'_>) + Send> OutcomeSink for Function {
    fn take(self: Box<Self>, outcomes: &[Outcome], waiting: &mut Waiting<'_>) {
        self(outcomes, waiting);
    }
}

/// Takes the answer to one question. Called once, on the core thread: it must not block.
pub trait AnswerSink: Send {
    /// Takes it.
    fn take(self: Box<Self>, answered: Answered);

    /// Whether anybody still wants the answer. A question to which nobody does is forgotten when there are many that
    /// wait for the end of a payment, without a call of [`Self::take`].
    fn is_wanted(&self) -> bool {
        true
    }
}

impl<Function: FnOnce(Answered) + Send> AnswerSink for Function {
    fn take(self: Box<Self>, answered: Answered) {
        self(answered);
    }
}

/// Why something was not taken. Nothing has been logged; the same request may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// More is under way than the node can answer in time.
    #[error("more is under way than can be answered in time; try again shortly")]
    Overloaded,
    /// The ledger holds as many accounts, payments or requests as it was given room for.
    #[error("the ledger holds as much as it was given room for")]
    Full,
    /// The machine's clock is not where log time is.
    #[error("the machine's clock has jumped; mend it, or restart the node if it is right now")]
    ClockApart,
    /// There is no room on the disk for more of the log.
    #[error("the log's disk is full; no payments are taken until there is room")]
    NoSpace,
    /// A run of older payments on disk can't be read, so nobody knows what is a duplicate.
    #[error(
        "duplicates can't be looked up; the node's log says which file is damaged, which a backup brings back"
    )]
    DuplicatesUnreadable,
    /// The node is about to stop.
    #[error("the node is stopping")]
    Stopping,
    /// The log goes on under an older version of the rules.
    #[error(
        "the log goes on under an older version of the rules, which does not know this command; raise it with \
         `solvo set-version`"
    )]
    OlderRules,
    /// More commands in one submission than fit a frame.
    #[error("more commands in one submission than fit one frame")]
    TooLarge,
}

impl<T> From<TrySendError<T>> for NotTaken {
    fn from(error: TrySendError<T>) -> Self {
        match error {
            TrySendError::Full(_) => Self::Overloaded,
            TrySendError::Disconnected(_) => Self::Stopping,
        }
    }
}

/// What is under way, and whether more may come. Shared by the handles and the engine's threads.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    pub(crate) records_under_way: AtomicU64,
    pub(crate) bytes_under_way: AtomicU64,
    pub(crate) questions_under_way: AtomicU64,
    /// Questions for the end of a payment. They may wait for seconds, so they take no place of the others.
    pub(crate) final_questions_under_way: AtomicU64,
    /// Walking all accounts takes the core thread's time, so one such question is enough.
    pub(crate) trial_balances_under_way: AtomicU64,
    pub(crate) clock_offset: AtomicI64,
    pub(crate) clock_apart: AtomicBool,
    pub(crate) no_space: AtomicBool,
    pub(crate) accounts_full: AtomicBool,
    pub(crate) payments_full: AtomicBool,
    pub(crate) requests_full: AtomicBool,
    pub(crate) stopping: AtomicBool,
    pub(crate) late_confirmations: AtomicU64,
    /// Commands that may be under way at once, so that what is admitted is answered soon.
    pub(crate) records_admitted_max: AtomicU64,
    /// Those who wait for the final outcome of a payment.
    pub(crate) finals_awaited: AtomicU64,
    pub(crate) answers_under_way: AtomicU64,
    /// There is so little room for the log that not even answers are taken.
    pub(crate) no_space_for_answers: AtomicBool,
    pub(crate) stages: Stages,
    pub(crate) deliveries: Deliveries,
    pub(crate) listeners: Arc<Listeners>,
    /// Up to where everything that was decided is told by durable frames.
    pub(crate) told: Arc<AtomicU64>,
    pub(crate) duplicates: Arc<Duplicates>,
    pub(crate) sealing: Sealing,
    pub(crate) looking: Looking,
    /// Looks on disk that submissions wait for.
    pub(crate) looks_under_way: AtomicU64,
    /// Nothing is taken any more but what has a place already: when that has been answered, the core thread ends.
    pub(crate) is_closed: AtomicBool,
    /// The version of the rules in force.
    pub(crate) rules_version: AtomicU32,
    pub(crate) follower: Arc<FollowerStatus>,
    /// To the thread that keeps keys; set when the threads start.
    pub(crate) key_orders: OnceLock<Sender<KeyOrder>>,
    pub(crate) archive_readers: Arc<ArchiveReaders>,
    /// The directory's.
    pub(crate) activations: Arc<Activations>,
}

impl Shared {
    /// Commands that were under way have been answered, or never will be.
    pub(crate) fn give_back(&self, is_answers: bool, count: u64, length: u64) {
        self.bytes_under_way.fetch_sub(length, Ordering::Relaxed);
        let under_way = if is_answers { &self.answers_under_way } else { &self.records_under_way };
        under_way.fetch_sub(count, Ordering::Relaxed);
    }

    /// Lets nobody take a place any more, and says whether nobody has one: nothing is on its way to the core thread then,
    /// and nothing will be.
    pub(crate) fn is_done(&self) -> bool {
        self.is_closed.store(true, Ordering::SeqCst);
        let under_way = [
            &self.records_under_way,
            &self.answers_under_way,
            &self.questions_under_way,
            &self.final_questions_under_way,
        ];
        under_way.into_iter().all(|count| count.load(Ordering::SeqCst) == 0)
    }
}

/// Commands that may be under way at once, however fast they are answered.
pub(crate) const RECORDS_UNDER_WAY_MAX: u64 = 1 << 17;
/// Answers of banks that may be under way at once. They have a bound of their own: a payment that was reserved shall
/// be decided, however many others come.
pub(crate) const ANSWERS_UNDER_WAY_MAX: u64 = 1 << 17;
/// Callers that may wait for the final outcome of a payment at once. With so many, no more payments are taken: each may
/// bring another, if it repeats one that is open.
pub(crate) const FINALS_AWAITED_MAX: u64 = 1 << 21;
/// Bytes of commands that may be under way at once: less than a segment, so that a disk that is full still has
/// room for what was taken in.
pub(crate) const BYTES_UNDER_WAY_MAX: u64 = 32 << 20;
/// The same with answers of banks, which payments and evidence must not keep out.
pub(crate) const BYTES_WITH_ANSWERS_MAX: u64 = 2 * BYTES_UNDER_WAY_MAX;
/// Bytes of evidence that may come with answers of banks: the documents that the answers came in. With more, they are
/// taken only as payments are.
pub const EVIDENCE_WITH_ANSWERS_MAX: usize = 128 << 10;
/// Questions that may be under way at once, by their weight.
pub(crate) const QUESTIONS_UNDER_WAY_MAX: u64 = 1 << 14;
/// Questions for the end of a payment that may be under way at once, waiting ones included.
pub(crate) const FINAL_QUESTIONS_UNDER_WAY_MAX: u64 = 1 << 16;
/// Looks on disk that submissions may wait for at once: a second's work of a slow disk. Answers of banks are not
/// counted in.
pub(crate) const LOOKS_UNDER_WAY_MAX: u64 = 1 << 12;
/// What one look may add to a record.
const RUN_ENTRY_BYTES: u64 = 128;
const _: () = assert!(journal::RUN_ENTRY_LENGTH == 128);
/// [`Submission::LENGTH_FOUND_MAX`] as it is counted here.
const BYTES_FOUND_MAX: u64 = 256 << 10;
const _: () = assert!(Submission::<Ticket>::LENGTH_FOUND_MAX == 256 << 10);
/// Submissions and questions that may be queued: every one of them could be of a single command.
pub(crate) const QUEUE_LENGTH: usize = 1 << 15;

/// There is one shard so far.
const SHARD: Shard = Shard(0);

/// Whether the node takes new work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Why it does not, if so.
    pub not_ready: Option<NotTaken>,
    /// Settlements whose confirmation left later than the scheme allows, since the node started.
    pub late_confirmations: u64,
}

/// A way to submit and to ask. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Handle {
    pub(crate) events: Sender<Event<Ticket>>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) digest_key: DigestKey,
    pub(crate) lives: Arc<Lives>,
    pub(crate) cluster: ClusterId,
    pub(crate) log: LogView,
    is_parallel: bool,
}

impl Shared {
    /// Log time as it stands now.
    pub(crate) fn log_time(&self) -> Timestamp {
        let offset = self.clock_offset.load(Ordering::Relaxed);
        Timestamp::from_nanoseconds(monotonic() + offset).expect("log time starts after 1970")
    }
}

impl Handle {
    pub(crate) fn new(
        events: Sender<Event<Ticket>>,
        directory: Arc<Directory>,
        digest_key: DigestKey,
        lives: Lives,
        cluster: ClusterId,
        log: Arc<dyn FrameSource>,
    ) -> Self {
        let shared = Shared { activations: Arc::clone(directory.activations()), ..Shared::default() };
        let log = LogView::new(log, Arc::clone(&shared.told)).with_hosts(Arc::clone(directory.hosts()));
        shared.records_admitted_max.store(Admitted::default().limit(), Ordering::Relaxed);
        shared.rules_version.store(1, Ordering::Relaxed);
        Self {
            events,
            shared: Arc::new(shared),
            directory,
            digest_key,
            lives: Arc::new(lives),
            cluster,
            log,
            is_parallel: false,
        }
    }

    /// The same, of a node that runs beside another system or of one that decides.
    pub(crate) fn running_parallel(self, is_parallel: bool) -> Self {
        Self { is_parallel, ..self }
    }

    /// Whether the node runs beside another system, which decides: what happens here is told to no bank.
    pub const fn is_parallel(&self) -> bool {
        self.is_parallel
    }

    /// Starts an empty list of commands of one principal.
    pub const fn commands(&self, principal: PrincipalNumber) -> RecordWriter {
        RecordWriter::new(self.digest_key, principal)
    }

    /// Submits commands. They enter one frame together and are applied in order; `sink` is called once, when
    /// that frame is durable and applied, whether or not anybody still waits.
    ///
    /// Answers of banks, with nothing else among the commands than up to [`EVIDENCE_WITH_ANSWERS_MAX`] bytes of
    /// evidence, are taken also when the node is overloaded, full or without room for new payments. Should they be
    /// refused as [`NotTaken::Overloaded`], keep them and try again. Evidence alone is taken as payments are.
    ///
    /// What was taken is answered, also while the engine stops. A sink is dropped without a call only where a run of
    /// older payments can't be read ([`NotTaken::DuplicatesUnreadable`]): then nobody can say what came of the commands,
    /// some of which may have been decided, and they are to be sent again once that is mended.
    pub fn submit(&self, mut commands: RecordWriter, sink: Box<dyn OutcomeSink>) -> Result<(), NotTaken> {
        let needs = commands.needs();
        let is_answers = commands.is_answers(EVIDENCE_WITH_ANSWERS_MAX);
        let shared = &self.shared;
        if is_answers {
            self.check_ready_for_answers()?;
        } else if let Some(reason) = self.status().not_ready {
            return Err(reason);
        }
        if commands.rules_version() > self.rules_version() {
            return Err(NotTaken::OlderRules);
        }
        self.check_room(needs)?;
        if needs.payments && shared.finals_awaited.load(Ordering::Relaxed) >= FINALS_AWAITED_MAX {
            return Err(NotTaken::Overloaded);
        }
        let length = u64::try_from(commands.length()).expect("64 bits");
        let count = u64::from(commands.count());
        let (of_count, bytes_max, looks_max) = match is_answers {
            true => {
                let answers = Place::take(&shared.answers_under_way, count, ANSWERS_UNDER_WAY_MAX)?;
                (answers, BYTES_WITH_ANSWERS_MAX, u64::MAX)
            }
            false => {
                let admitted_max = shared.records_admitted_max.load(Ordering::Relaxed);
                let admitted_max = admitted_max.min(shared.follower.admitted_max());
                let records = Place::take(&shared.records_under_way, count, admitted_max)?;
                (records, BYTES_UNDER_WAY_MAX, LOOKS_UNDER_WAY_MAX)
            }
        };
        let bytes = Place::take(&shared.bytes_under_way, length, bytes_max)?;
        self.check_open()?;
        shared.activations.stamp(&mut commands);
        let on_disk = shared.duplicates.look(&mut commands);
        // What is found there will be written into the records.
        let more = on_disk * RUN_ENTRY_BYTES;
        let length = length + more;
        if length > BYTES_FOUND_MAX {
            return Err(NotTaken::TooLarge);
        }
        let ticket = Ticket::Outcomes { sink, is_answers, length, received: monotonic() };
        let submission = Submission::new(commands, ticket).map_err(|_| NotTaken::TooLarge)?;
        if on_disk == 0 {
            return self.enqueue(Event::Submit(submission), [of_count, bytes]);
        }
        let more = Place::take(&shared.bytes_under_way, more, bytes_max)?;
        let looks = Place::take(&shared.looks_under_way, on_disk, looks_max)?;
        shared.looking.look_up(submission, on_disk);
        [of_count, bytes, more, looks].into_iter().for_each(Place::keep);
        Ok(())
    }

    /// Once a place has been taken: whether the engine still waits for who has one.
    fn check_open(&self) -> Result<(), NotTaken> {
        if self.shared.is_closed.load(Ordering::SeqCst) { Err(NotTaken::Stopping) } else { Ok(()) }
    }

    /// Whether the ledger has the room that commands need.
    fn check_room(&self, needs: Needs) -> Result<(), NotTaken> {
        let shared = &self.shared;
        let rooms = [
            (needs.accounts, &shared.accounts_full),
            (needs.payments, &shared.payments_full),
            (needs.requests, &shared.requests_full),
        ];
        let is_full = rooms.into_iter().any(|(needed, full)| needed && full.load(Ordering::Relaxed));
        if is_full { Err(NotTaken::Full) } else { Ok(()) }
    }

    fn check_ready_for_answers(&self) -> Result<(), NotTaken> {
        let shared = &self.shared;
        let reasons = [
            (&shared.stopping, NotTaken::Stopping),
            (&shared.clock_apart, NotTaken::ClockApart),
            (&shared.no_space_for_answers, NotTaken::NoSpace),
        ];
        let reason = reasons.into_iter().find(|(flag, _)| flag.load(Ordering::Relaxed));
        reason.map_or(Ok(()), |(_, reason)| Err(reason))
    }

    /// Lets log time move on, soon, also where nothing else does: an empty frame follows.
    pub fn tick(&self) {
        // If the queue is full, frames follow anyway.
        let _ = self.events.try_send(Event::Tick);
    }

    /// Asks a question; `sink` is called once with the answer. It is answered after everything that was submitted before,
    /// but for submissions that wait for a look on disk.
    pub fn ask(&self, question: Question, sink: Box<dyn AnswerSink>) -> Result<(), NotTaken> {
        let shared = &self.shared;
        let walks = u64::from(matches!(question, Question::TrialBalance));
        let walks_place = Place::take(&shared.trial_balances_under_way, walks, 1)?;
        let is_final = matches!(question, Question::Final(_));
        let weight = question.weight();
        let place = match is_final {
            true => Place::take(&shared.final_questions_under_way, weight, FINAL_QUESTIONS_UNDER_WAY_MAX)?,
            false => Place::take(&shared.questions_under_way, weight, QUESTIONS_UNDER_WAY_MAX)?,
        };
        self.check_open()?;
        let event = Event::Ask(question, Ticket::Answer { sink, walks, weight, is_final });
        self.enqueue(event, [place, walks_place])
    }

    /// Whether new work is taken.
    pub fn status(&self) -> Status {
        let shared = &self.shared;
        let reasons = [
            (&shared.stopping, NotTaken::Stopping),
            (&shared.clock_apart, NotTaken::ClockApart),
            (&shared.no_space, NotTaken::NoSpace),
        ];
        let not_ready = reasons.into_iter().find(|(flag, _)| flag.load(Ordering::Relaxed));
        let unreadable = shared.duplicates.is_unreadable().then_some(NotTaken::DuplicatesUnreadable);
        Status {
            not_ready: not_ready.map(|(_, reason)| reason).or(unreadable),
            late_confirmations: shared.late_confirmations.load(Ordering::Relaxed),
        }
    }

    /// The version of the rules that decides what is submitted now, or a newer one.
    pub fn rules_version(&self) -> u32 {
        self.shared.rules_version.load(Ordering::Acquire)
    }

    /// Wakes this collector after the answers of each frame, for as long as it lives.
    pub fn collect(&self, collector: &Arc<impl Collector + 'static>) {
        self.shared.deliveries.add(collector);
    }

    /// Listens: to the questions to some banks, to what becomes of their payments, or both.
    ///
    /// `wake` is called on the core thread when there is something to take, at most once a frame: it must not block.
    /// What a bank heard before comes from the log ([`Self::log`]), up to [`Subscription::starts_after`]. A node that
    /// stops wakes nobody.
    pub fn subscribe(
        &self,
        interest: Interest,
        wake: Box<dyn Fn() + Send + Sync>,
    ) -> Result<Subscription, NotTaken> {
        let listeners = &self.shared.listeners;
        if self.shared.stopping.load(Ordering::Relaxed) {
            return Err(NotTaken::Stopping);
        }
        let outbox = listeners.enter(interest, wake).ok_or(NotTaken::Overloaded)?;
        let events = self.events.clone();
        // If the queue is full, the core thread is awake.
        let nudge = move || drop(events.try_send(Event::Nudge));
        Ok(Subscription::new(outbox, Arc::clone(listeners), Box::new(nudge)))
    }

    /// A way to read the log.
    pub fn log(&self) -> LogView {
        self.log.clone()
    }

    /// Names those who read the log beside the engine, each by what says how far it has come. If
    /// [`crate::FollowerSettings::archive_waits`] says so, no archived segment is removed that one of them has still to
    /// read, nor any before this is called.
    ///
    /// # Panics
    /// If they have been named before.
    pub fn archive_waits_for(&self, readers: Vec<TakenIn>) {
        self.shared.archive_readers.name(readers);
    }

    /// How many callers wait for the final outcome of a payment that was reserved.
    pub fn finals_awaited(&self) -> u64 {
        self.shared.finals_awaited.load(Ordering::Relaxed)
    }

    /// How the follower does, which writes snapshots.
    pub fn follower(&self) -> FollowerView {
        self.shared.follower.view(&self.log.end())
    }

    /// What the filters of runs of duplicates take in memory, in bytes, and how many runs there are.
    pub fn duplicates_memory(&self) -> (usize, usize) {
        self.shared.duplicates.memory()
    }

    /// How long commands have spent in each stage during the last ten to twenty seconds.
    pub fn stage_times(&self) -> [(Stage, StageTimes); 4] {
        self.shared.stages.recent(monotonic())
    }

    /// What can be looked up without asking.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The cluster whose log this is.
    pub const fn cluster(&self) -> ClusterId {
        self.cluster
    }

    /// The key of the log's digests.
    pub const fn digest_key(&self) -> &DigestKey {
        &self.digest_key
    }

    /// The lives of the log; the last of them lasts as long as this engine runs.
    pub fn lives(&self) -> &Lives {
        &self.lives
    }

    /// The id of the payment at a position.
    pub fn payment_id(&self, sequence: Sequence) -> PaymentId {
        self.lives.payment_id(SHARD, sequence)
    }

    /// Where the payment with an id would stand.
    pub fn locate(&self, id: PaymentId) -> Located {
        self.lives.locate(SHARD, id)
    }

    /// Log time, for stamping what has just been received.
    pub fn now(&self) -> Timestamp {
        self.shared.log_time()
    }

    fn enqueue<const COUNT: usize>(
        &self,
        event: Event<Ticket>,
        places: [Place<'_>; COUNT],
    ) -> Result<(), NotTaken> {
        if !event.is_answers() && is_nearly_full(&self.events) {
            return Err(NotTaken::Overloaded);
        }
        self.events.try_send(event)?;
        // The core thread gives the places back, with the answer.
        places.into_iter().for_each(Place::keep);
        Ok(())
    }
}

/// Whether what is free of the queue is kept for answers of banks: a quarter.
fn is_nearly_full<T>(queue: &Sender<T>) -> bool {
    let places = queue.capacity().expect("the queue is bounded");
    places - queue.len() < places / 4
}

#[cfg(test)]
#[path = "handle_tests.rs"]
pub(crate) mod tests;
