//! The ledger's state and the one way in which it changes.

use types::{AccountNumber, ClusterId, Digest, DigestKey, Incarnation, Lives, Sequence, Timestamp};

use crate::accounts::Accounts;
use crate::activation::Activations;
use crate::alerts::{Alerts, Crossing, Watched};
use crate::calendar::{BusinessDate, Calendar};
use crate::customer_limits::CustomerLimits;
use crate::exceptions::Exceptions;
use crate::holds::Holds;
use crate::index::Index;
use crate::kept_records::KeptRecords;
use crate::limits::{
    DROPPED_PER_TICK_MAX, DUPLICATE_WINDOW, ENDED_PER_TICK_MAX, FORGOTTEN_PER_TICK_MAX,
    KEPT_RECORDS_REMOVED_PER_TICK_MAX, ORDERS_FORGOTTEN_PER_TICK_MAX, RECALLS_MAX, RECORDS_PER_FRAME_MAX,
};
use crate::orders::Orders;
use crate::participants::Participants;
use crate::payments::Payments;
use crate::posting_maps::PostingMaps;
use crate::queries_lifecycle::{AnswerTotals, OpenQuestion};
use crate::reachable::Reachable;
use crate::recalls::Recalls;
use crate::requests::Requests;
use crate::requests_to_pay::RequestsToPay;
use crate::reservations::Reservations;
use crate::rules_version::{self, Rules};
use crate::{
    About, Command, Kind, Limits, Outcome, Profile, Record, Remark, Verdict, layout, rules_answer,
    rules_duplicates, rules_exceptions, rules_holds, rules_incarnation, rules_masterdata, rules_packages,
    rules_payment, rules_requests_to_pay, rules_void,
};

#[path = "state.rs"]
mod state;

/// A place in the log and the time that holds there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Position {
    /// The place.
    pub sequence: Sequence,
    /// The time of the frame.
    pub time: Timestamp,
}

/// What the log's first record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// The cluster.
    pub cluster: ClusterId,
    /// The first life of the log.
    pub incarnation: Incarnation,
    /// The key of the log's digests; zeros if it stands outside the log and was not given
    /// ([`Ledger::set_digest_key`]). No decision needs it.
    pub digest_key: DigestKey,
    /// The number of that key outside the log; 0 if the log holds it.
    pub digest_key_id: u32,
    /// Whether the log is of a node beside another system, which decides: such a log never becomes one that does.
    pub is_parallel: bool,
}

/// A record that can't stand where it stands. The log is not one that Solvo wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The first record is not a genesis, or another one is.
    #[error("the log's first record is its genesis, and only that one")]
    Genesis,
    /// A payment names a profile that was never set.
    #[error("a payment names scheme profile {0}, which was never set")]
    Profile(u16),
    /// A command stands in a frame of an older version of the rules than its kind came with.
    #[error(
        "a command of kind {kind} needs version {first} of the rules, and version {in_force} is in force"
    )]
    TooEarly {
        /// The number of its kind.
        kind: u16,
        /// The version that brought it.
        first: u32,
        /// The version of its frame.
        in_force: u32,
    },
    /// The rules are raised to a version that this program does not know.
    #[error("the rules are raised to version {0}: use the newer program that wrote it")]
    VersionUnknown(u32),
    /// A document is about a payment that does not come before it.
    #[error("a document is about a payment that does not stand before it")]
    Evidence,
    /// A new life of the log does not go on from the one before.
    #[error("a new incarnation of the log does not go on from the one before it")]
    Incarnation,
    /// A command is voided that does not come before.
    #[error("a command is voided that does not stand before it")]
    Void,
}

/// All state: a pure function of the commands applied so far.
#[derive(Debug)]
pub struct Ledger {
    pub(crate) setup: Option<Setup>,
    /// From the log's first record on.
    pub(crate) lives: Lives,
    /// The key of digests, for a log that does not hold it itself.
    given_key: Option<DigestKey>,
    pub(crate) profiles: Vec<Profile>,
    pub(crate) accounts: Accounts,
    pub(crate) customer_limits: CustomerLimits,
    pub(crate) participants: Participants,
    pub(crate) reachable: Reachable,
    pub(crate) watched: Watched,
    pub(crate) payments: Payments,
    pub(crate) requests: Requests,
    pub(crate) references: References,
    pub(crate) reservations: Reservations,
    pub(crate) answers: AnswerTotals,
    pub(crate) calendar: Calendar,
    pub(crate) business_date: BusinessDate,
    pub(crate) recalls: Recalls,
    pub(crate) requests_to_pay: RequestsToPay,
    pub(crate) holds: Holds,
    pub(crate) kept: KeptRecords,
    pub(crate) activations: Activations,
    pub(crate) posting_maps: PostingMaps,
    pub(crate) exceptions: Exceptions,
    pub(crate) orders: Orders,
    /// For so many records there is room in the tables that few commands fill. No part of the state.
    rare_room: usize,
    /// Payments that the last tick or command decided beside its own outcome: those whose time was over.
    pub(crate) decided: Vec<Outcome>,
    /// Their slots among the payments.
    pub(crate) decided_slots: Vec<u32>,
    /// What the last tick or command did to holds, requests to pay, orders and packages beside its own outcome.
    pub(crate) holds_told: Vec<Outcome>,
    /// Questions that the last tick or command asked.
    pub(crate) asked: Vec<OpenQuestion>,
    /// Bounds that bookings of the last tick or command crossed.
    pub(crate) crossings: Vec<Crossing>,
    /// By which version of the rules frames are decided.
    pub(crate) rules: Rules,
    /// The position of the last tick, which decides what time alone decides.
    pub(crate) ticked: Sequence,
    position: Position,
    /// The kind of the last command, none right after a tick.
    last_kind: Option<Kind>,
}

/// Room for what few commands bring is made for so many records at once.
const RARE_AT_ONCE: usize = 4096;

impl Ledger {
    /// An empty ledger, before the log's first record.
    pub fn new(limits: Limits) -> Self {
        Self {
            setup: None,
            lives: Lives::first(Incarnation(0)),
            given_key: None,
            profiles: Vec::new(),
            accounts: Accounts::new(limits.accounts_max),
            customer_limits: CustomerLimits::new(limits.accounts_max),
            participants: Participants::default(),
            reachable: Reachable::default(),
            watched: Watched::default(),
            payments: Payments::new(limits.payments_max),
            requests: Requests::new(limits.requests_max),
            references: References::default(),
            reservations: Reservations::new(limits.payments_max),
            answers: AnswerTotals::default(),
            calendar: Calendar::default(),
            business_date: BusinessDate::default(),
            recalls: Recalls::new(RECALLS_MAX),
            requests_to_pay: RequestsToPay::new(),
            holds: Holds::new(),
            kept: KeptRecords::new(),
            activations: Activations::default(),
            posting_maps: PostingMaps::default(),
            exceptions: Exceptions::new(),
            orders: Orders::new(),
            rare_room: 0,
            decided: Vec::with_capacity(ENDED_PER_TICK_MAX),
            decided_slots: Vec::with_capacity(ENDED_PER_TICK_MAX),
            // Beside the payment that it ends, a tick or a command tells of its order.
            holds_told: Vec::with_capacity(ENDED_PER_TICK_MAX + 2),
            asked: Vec::with_capacity(ENDED_PER_TICK_MAX),
            // A payment crosses a bound of two positions and two limits at the most.
            crossings: Vec::with_capacity(4 * ENDED_PER_TICK_MAX),
            rules: Rules::default(),
            ticked: Sequence(0),
            position: Position::default(),
            last_kind: None,
        }
    }

    /// The last position applied, and its time.
    pub const fn position(&self) -> Position {
        self.position
    }

    /// What the log's first record says, once that has been applied.
    pub const fn setup(&self) -> Option<&Setup> {
        self.setup.as_ref()
    }

    /// The lives of the log, once its first record has been applied.
    pub const fn lives(&self) -> &Lives {
        &self.lives
    }

    /// Gives the key of digests for a log whose first record does not hold it. It is not part of the state.
    ///
    /// # Panics
    /// If the log's first record has been applied.
    pub fn set_digest_key(&mut self, key: DigestKey) {
        assert!(self.setup.is_none(), "the key comes before the log's first record");
        self.given_key = Some(key);
    }

    /// Has the operating system back the memory of so many more payments now, as far as there is room for them.
    /// Where it is asked for memory page by page as payments come, that takes longer than the payments do.
    pub fn make_ready(&mut self, payments: usize) {
        self.payments.make_ready(payments);
    }

    /// Makes room for one frame, so that applying its records needs no memory.
    pub fn reserve_for_frame(&mut self, records: usize) {
        let records = records.min(RECORDS_PER_FRAME_MAX);
        // The first account in a new currency opens a book of two accounts beside itself, a participant four.
        self.accounts.reserve(4 * records);
        self.payments.reserve(records);
        self.requests.reserve(records);
        self.reservations.reserve(records, self.participants.count() + records);
        self.lives.reserve();
        if self.rare_room < records {
            self.rare_room = records.max(RARE_AT_ONCE);
            self.reserve_rare(self.rare_room);
        }
        self.rare_room -= records;
    }

    /// Makes room for so many of what few commands bring. It is looked at once for many frames, because most have none.
    fn reserve_rare(&mut self, records: usize) {
        self.customer_limits.reserve(records);
        self.participants.reserve(records);
        self.reachable.reserve(records);
        self.watched.reserve(records);
        self.references.reserve(records);
        self.recalls.reserve(records);
        self.requests_to_pay.reserve(records, self.participants.count() + records);
        self.holds.reserve(records);
        self.kept.reserve(records);
        self.activations.reserve(records);
        self.posting_maps.reserve(records);
        self.exceptions.reserve(records);
        self.orders.reserve(records, self.participants.count() + records);
        self.profiles.reserve(records);
    }

    /// A frame's own event: its time passes. Payments and holds whose time is over end ([`Self::decided`],
    /// [`Self::holds_told`]), and what is older than the duplicate window is forgotten; payments that are on disk leave the
    /// table.
    pub fn tick(&mut self, at: Position) {
        self.advance(at);
        self.rules.begin_frame();
        self.ticked = at.sequence;
        self.last_kind = None;
        // First, so that what this tick decides is still there for those who are told, however late it comes.
        let limit = at.time.minus(DUPLICATE_WINDOW);
        self.payments.forget(limit, FORGOTTEN_PER_TICK_MAX, DROPPED_PER_TICK_MAX);
        if limit > Timestamp::default() {
            self.requests.forget(limit, FORGOTTEN_PER_TICK_MAX);
            self.payments.sealed.forget(limit);
        }
        self.recalls.forget(at.time);
        self.payments.watch(FORGOTTEN_PER_TICK_MAX);
        rules_answer::end_due(self, at);
        rules_holds::end_due(self, at);
        rules_requests_to_pay::end_due(self, at);
        self.kept.forget(at.time, KEPT_RECORDS_REMOVED_PER_TICK_MAX);
        self.exceptions.forget(at.time);
        self.orders.forget(at.time, ORDERS_FORGOTTEN_PER_TICK_MAX);
    }

    /// Asks for the memory that applying this command will touch. Worth it some commands ahead.
    pub fn prefetch(&self, record: &Record<'_>) {
        if let Command::Payment(payment) = record.command {
            self.payments.prefetch(payment.key.bank(), payment.key.id());
            let accounts = [
                (payment.debtor_account_hint, payment.debtor_account_digest),
                (payment.creditor_account_hint, payment.creditor_account_digest),
            ];
            for (hint, digest) in accounts {
                self.accounts.prefetch(AccountNumber(hint.get()), Digest(digest));
            }
        }
    }

    /// Applies one command: decides by the state, then changes the state. The second half can't fail.
    pub fn apply(&mut self, at: Position, record: &Record<'_>) -> Result<Outcome, ReplayError> {
        if self.setup.is_some() == matches!(record.command, Command::Genesis(_)) {
            return Err(ReplayError::Genesis);
        }
        self.rules.permit(record.command)?;
        self.advance(at);
        let outcome = match record.command {
            Command::Genesis(genesis) => self.begin(at, genesis),
            Command::SetProfile(profile) => {
                self.set_profile(profile);
                done(at, record.command)
            }
            Command::Payment(payment) => rules_payment::apply(self, at, payment, record.found)?,
            Command::RefusedPayment(refused) => rules_payment::apply_refused(self, at, refused, record.found),
            Command::Evidence(evidence) => {
                self.check_evidence(at, evidence)?;
                done(at, record.command)
            }
            Command::BeginIncarnation(begin) => rules_incarnation::apply(self, at, begin)?,
            Command::SealDuplicates(seal) => rules_duplicates::apply(self, at, seal),
            Command::Void(void) => {
                rules_void::check_order(at, void)?;
                done(at, record.command)
            }
            Command::Answer(answer) => rules_answer::apply(self, at, answer, record.found),
            Command::PackageLine(line) => rules_packages::line(self, at, line),
            Command::SetVersion(set) => {
                rules_version::check_known(set)?;
                rules_masterdata::apply(self, at, record)
            }
            Command::RegisterParticipant(_)
            | Command::SetParticipantStatus(_)
            | Command::OpenAccount(_)
            | Command::SetAccountStatus(_)
            | Command::SetAccountFloor(_)
            | Command::PostEntry(_)
            | Command::TransferLiquidity(_)
            | Command::SetDecisionPolicy(_)
            | Command::SetAccountFlag(_)
            | Command::SetAccountHolders(_)
            | Command::SetReservationLimit(_)
            | Command::SetCustomerLimit(_)
            | Command::SetRestricted(_)
            | Command::SetFees(_)
            | Command::SetZone(_)
            | Command::SetClosingDays(_)
            | Command::RollBusinessDate(_)
            | Command::RequestRecall(_)
            | Command::AnswerRecall(_)
            | Command::SetRecallPolicy(_)
            | Command::SetPositionAlert(_)
            | Command::SetReachableParty(_)
            | Command::SetBlock(_)
            | Command::TransferOwnFunds(_)
            | Command::CreateRequestToPay(_)
            | Command::PresentRequestToPay(_)
            | Command::AnswerRequestToPay(_)
            | Command::CancelRequestToPay(_)
            | Command::PlaceHold(_)
            | Command::CaptureHold(_)
            | Command::ReleaseHold(_)
            | Command::PutRecord(_)
            | Command::RemoveRecord(_)
            | Command::SetActivation(_)
            | Command::SetPostingMap(_)
            | Command::RaiseException(_)
            | Command::AssignException(_)
            | Command::ResolveException(_)
            | Command::OpenPackage(_)
            | Command::ClosePackage(_)
            | Command::PlaceOrder(_)
            | Command::ChangeOrder(_)
            | Command::CancelOrders(_) => rules_masterdata::apply(self, at, record),
        };
        assert!(outcome.sequence == at.sequence, "an outcome answers its own command");
        self.last_kind = Some(outcome.kind);
        Ok(outcome)
    }

    /// Passes over a command that the operator has voided: it is told that it did nothing, and its key stays free.
    ///
    /// # Errors
    /// If it is the genesis, without which there is no log.
    pub fn apply_voided(&mut self, at: Position, record: &Record<'_>) -> Result<Outcome, ReplayError> {
        if self.setup.is_none() || matches!(record.command, Command::Genesis(_)) {
            return Err(ReplayError::Genesis);
        }
        self.advance(at);
        let outcome = rules_void::pass_over(self, at, record.command);
        self.last_kind = Some(outcome.kind);
        Ok(outcome)
    }

    /// A document changes nothing, but what it is about must stand before it.
    fn check_evidence(&self, at: Position, evidence: &layout::Evidence) -> Result<(), ReplayError> {
        let stands_there = match evidence.about() {
            About::NoPayment => true,
            About::Payment(payment) => payment < at.sequence,
            About::RecordBefore => self.last_kind.is_some_and(Kind::is_about_a_payment),
        };
        if stands_there { Ok(()) } else { Err(ReplayError::Evidence) }
    }

    /// Remembers that a settlement was confirmed late: told by the engine, or by the log on a replay.
    pub fn mark_late(&mut self, sequence: Sequence) {
        if let Some(payment) = self.payments.mark_late(sequence) {
            rules_exceptions::confirmed_late(self, &payment);
        }
    }

    /// The profile with this number.
    pub(crate) fn profile(&self, number: u16) -> Result<&Profile, ReplayError> {
        let mut profiles = self.profiles.iter();
        profiles.find(|profile| profile.number == number).ok_or(ReplayError::Profile(number))
    }

    fn advance(&mut self, at: Position) {
        assert!(at.sequence > self.position.sequence, "positions ascend");
        assert!(at.time >= self.position.time, "time never runs backwards");
        self.position = at;
        self.decided.clear();
        self.decided_slots.clear();
        self.holds_told.clear();
        self.asked.clear();
        self.crossings.clear();
    }

    fn begin(&mut self, at: Position, genesis: &layout::Genesis) -> Outcome {
        let digest_key_id = genesis.digest_key_id.get();
        let digest_key = match (digest_key_id, self.given_key) {
            (0, _) | (_, None) => DigestKey::new(genesis.digest_key.0),
            (_, Some(given)) => given,
        };
        self.payments.set_key(digest_key);
        let incarnation = Incarnation(genesis.incarnation.get());
        self.lives = Lives::first(incarnation);
        self.setup = Some(Setup {
            cluster: ClusterId(genesis.cluster),
            incarnation,
            digest_key,
            digest_key_id,
            is_parallel: genesis.is_parallel == 1,
        });
        done(at, Command::Genesis(genesis))
    }

    fn set_profile(&mut self, record: &layout::SetProfile) {
        let profile = Profile::from_record(record);
        self.profiles.retain(|known| known.number != profile.number);
        self.profiles.push(profile);
    }
}

pub(crate) fn done(at: Position, command: Command<'_>) -> Outcome {
    Outcome {
        sequence: at.sequence,
        decided_at: at.sequence,
        decided_time: at.time,
        accepted: Timestamp::default(),
        kind: command.kind(),
        verdict: Verdict::Done { subject: 0, repeat_of: None },
        alerts: Alerts::NONE,
        late: false,
        remark: Remark::None,
        balances: [0; 4],
    }
}

/// External references of liquidity transfers. They are few, and each counts once for ever.
#[derive(Debug)]
pub(crate) struct References {
    used: Vec<Digest>,
    by_digest: Index,
}

impl Default for References {
    fn default() -> Self {
        Self { used: Vec::new(), by_digest: Index::new() }
    }
}

impl References {
    fn reserve(&mut self, references: usize) {
        self.used.reserve(references);
        self.by_digest.reserve(references);
    }

    pub(crate) fn is_used(&self, digest: Digest) -> bool {
        let is_it = |slot| self.used[usize::try_from(slot).expect("32 bits")] == digest;
        self.by_digest.find(digest.table_hash(), is_it).is_some()
    }

    pub(crate) fn set_used(&mut self, digest: Digest) {
        let slot = u32::try_from(self.used.len()).expect("references are few");
        self.by_digest.insert(digest.table_hash(), slot);
        self.used.push(digest);
    }
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
