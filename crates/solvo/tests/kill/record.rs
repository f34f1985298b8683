//! What callers sent and what they were told: a plain record, kept apart from the node.
//!
//! Invariants, checked whenever something is told:
//! - A request has one answer; a later one is the same, and says that it is a repeat.
//! - What was sent once is no repeat.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use client::{Refusal, v1};
use tests::Api;
use tokio::sync::watch;
use tonic::{Code, Status};

use crate::random::Random;

/// How long a caller waits for the answer to one call.
const PATIENCE: Duration = Duration::from_secs(2);

/// One request.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    Pay(Box<v1::Payment>),
    Post(v1::PostEntryRequest),
    Fund(v1::FundRequest),
    Defund(v1::DefundRequest),
    Open(v1::OpenAccountRequest),
}

/// What a caller was told, apart from whether it is a repeat.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    /// The outcome of a payment. Whether the reply that carried it left late is no part of it.
    Outcome(v1::PaymentOutcome),
    /// Another command is done, and this is the balance afterwards where there is one.
    Done { confirmation: v1::Confirmation, balance: Option<String> },
    /// The rules refuse it.
    Refused(Code, v1::ErrorReason),
}

/// How one attempt ended.
#[derive(Clone, Debug)]
pub(crate) enum Heard {
    /// With an answer. Refusals do not say whether they are repeats.
    Told(Box<Told>, Option<bool>),
    /// Not done by this attempt; another may be.
    NotTaken,
    /// Without an answer in time.
    GivenUp,
    /// With the connection.
    Lost,
}

impl Told {
    /// The stored part of an outcome.
    pub(crate) fn outcome(outcome: v1::PaymentOutcome) -> Self {
        Self::Outcome(v1::PaymentOutcome { repeat: false, late: false, ..outcome })
    }

    fn done(confirmation: Option<v1::Confirmation>, balance: Option<String>) -> Heard {
        let confirmation = confirmation.unwrap();
        let told = Self::Done { confirmation: v1::Confirmation { repeat: false, ..confirmation }, balance };
        Heard::Told(Box::new(told), Some(confirmation.repeat))
    }
}

impl Heard {
    /// The outcome of a payment.
    pub(crate) fn outcome(outcome: v1::PaymentOutcome) -> Self {
        let repeat = outcome.repeat;
        Self::Told(Box::new(Told::outcome(outcome)), Some(repeat))
    }

    /// What an error says about the request.
    pub(crate) fn error(refusal: &Refusal) -> Self {
        let is_transport = refusal.reason == v1::ErrorReason::Unspecified;
        match refusal.code {
            Code::NotFound | Code::AlreadyExists | Code::FailedPrecondition => {
                Self::Told(Box::new(Told::Refused(refusal.code, refusal.reason)), None)
            }
            Code::ResourceExhausted | Code::Unavailable if !is_transport => Self::NotTaken,
            Code::DeadlineExceeded | Code::Cancelled => Self::GivenUp,
            Code::Unavailable | Code::Unknown | Code::Internal if is_transport => Self::Lost,
            Code::Ok
            | Code::Unknown
            | Code::InvalidArgument
            | Code::PermissionDenied
            | Code::ResourceExhausted
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
            | Code::Unauthenticated => panic!("no request here may come to this: {refusal:?}"),
        }
    }
}

impl Request {
    /// Makes the call once.
    pub(crate) async fn call(&self, api: &Api) -> Heard {
        match self.reply(api).await {
            Ok(heard) => heard,
            Err(status) => Heard::error(&Refusal::from_status(&status)),
        }
    }

    async fn reply(&self, api: &Api) -> Result<Heard, Status> {
        Ok(match self.clone() {
            Self::Pay(payment) => {
                let request = v1::SubmitPaymentRequest { payment: Some(*payment), wait_ms: None };
                let reply = api.payments().submit_payment(within(PATIENCE, request)).await?;
                Heard::outcome(reply.into_inner().outcome.unwrap())
            }
            Self::Post(request) => {
                let reply = api.accounts().post_entry(within(PATIENCE, request)).await?.into_inner();
                Told::done(reply.confirmation, Some(reply.balance))
            }
            Self::Fund(request) => {
                let reply = api.liquidity().fund(within(PATIENCE, request)).await?.into_inner();
                Told::done(reply.confirmation, Some(reply.balance))
            }
            Self::Defund(request) => {
                let reply = api.liquidity().defund(within(PATIENCE, request)).await?.into_inner();
                Told::done(reply.confirmation, Some(reply.balance))
            }
            Self::Open(request) => {
                let reply = api.accounts().open_account(within(PATIENCE, request)).await?.into_inner();
                Told::done(reply.confirmation, None)
            }
        })
    }
}

/// A request whose caller goes away after some time.
pub(crate) fn within<Message>(patience: Duration, message: Message) -> tonic::Request<Message> {
    let mut request = tonic::Request::new(message);
    request.set_timeout(patience);
    request
}

/// One request with what is known of it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) request: Arc<Request>,
    pub(crate) told: Option<Told>,
    /// How often it was sent.
    sent_count: u32,
    /// Whether the node, when asked, has named this answer.
    found: bool,
}

impl Entry {
    pub(crate) const fn is_found(&self) -> bool {
        self.found
    }
}

/// All requests of a run.
#[derive(Debug)]
pub(crate) struct Record {
    entries: Mutex<Entries>,
    replies: watch::Sender<u64>,
    settled: watch::Sender<u64>,
    given_up: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Entries {
    by_name: BTreeMap<String, Entry>,
    /// Names of what has an answer, in the order of the answers.
    answered: Vec<String>,
}

impl Default for Record {
    fn default() -> Self {
        let [replies, settled, given_up] = [0; 3].map(watch::Sender::new);
        Self { entries: Mutex::default(), replies, settled, given_up }
    }
}

impl Record {
    /// The entries. A caller that finds a fault ends the test; the others need not report that it did.
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a call and records both sides of it.
    pub(crate) async fn call(&self, api: &Api, name: &str, request: &Request) -> Heard {
        self.sending(name, request);
        let heard = request.call(api).await;
        self.heard(name, &heard);
        heard
    }

    /// A request is about to be sent. It is recorded first, so that nothing is unknown to the record.
    pub(crate) fn sending(&self, name: &str, request: &Request) {
        let mut entries = self.lock();
        let entry = entries.by_name.entry(name.to_owned()).or_insert_with(|| Entry {
            name: name.to_owned(),
            request: Arc::new(request.clone()),
            told: None,
            sent_count: 0,
            found: false,
        });
        entry.sent_count += 1;
    }

    /// An attempt has ended.
    pub(crate) fn heard(&self, name: &str, heard: &Heard) {
        match heard {
            Heard::Told(told, repeat) => {
                self.told(name, told, *repeat);
                self.replies.send_modify(|count| *count += 1);
            }
            Heard::GivenUp => self.given_up.send_modify(|count| *count += 1),
            Heard::NotTaken | Heard::Lost => {}
        }
    }

    fn told(&self, name: &str, told: &Told, repeat: Option<bool>) {
        let mut entries = self.lock();
        let entry = entries.by_name.get_mut(name).expect("what is answered was sent");
        if let Some(earlier) = &entry.told {
            assert_eq!(earlier, told, "{name} has a second answer");
            assert_ne!(repeat, Some(false), "{name} was decided a second time");
            return;
        }
        assert!(
            entry.sent_count > 1 || repeat != Some(true),
            "{name} was sent once, and is said to be a repeat"
        );
        entry.told = Some(told.clone());
        entries.answered.push(name.to_owned());
        if matches!(told, Told::Outcome(outcome) if outcome.status() == v1::PaymentStatus::Settled) {
            self.settled.send_modify(|count| *count += 1);
        }
    }

    /// A question about a payment is answered by this outcome.
    pub(crate) fn found(&self, name: &str, found: v1::PaymentOutcome) {
        let mut entries = self.lock();
        let entry = entries.by_name.get_mut(name).unwrap();
        let found = Told::outcome(found);
        assert_eq!(entry.told.as_ref(), Some(&found), "{name}");
        entry.found = true;
    }

    /// Everything so far.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.lock().by_name.values().cloned().collect()
    }

    /// A payment that was sent.
    pub(crate) fn payment(&self, name: &str) -> v1::Payment {
        let request = Arc::clone(&self.lock().by_name[name].request);
        let Request::Pay(payment) = &*request else { panic!("{name} is no payment") };
        *payment.clone()
    }

    /// Some request that has an answer.
    pub(crate) fn any_answered(&self, random: &mut Random) -> Option<(String, Arc<Request>)> {
        let entries = self.lock();
        let count = u64::try_from(entries.answered.len()).unwrap();
        if count == 0 {
            return None;
        }
        let name = &entries.answered[usize::try_from(random.below(count)).unwrap()];
        Some((name.clone(), Arc::clone(&entries.by_name[name].request)))
    }

    /// How many replies have come so far, and to come.
    pub(crate) fn replies(&self) -> watch::Receiver<u64> {
        self.replies.subscribe()
    }

    /// How many payments have been told to be settled so far, and to come.
    pub(crate) fn settled(&self) -> watch::Receiver<u64> {
        self.settled.subscribe()
    }

    /// How many calls had no answer in time.
    pub(crate) fn given_up_count(&self) -> u64 {
        *self.given_up.borrow()
    }

    /// Expects that the run has met what it is meant to: every kind of request and of answer.
    pub(crate) fn covers_everything(&self) {
        let mut met = BTreeSet::new();
        for entry in self.entries() {
            let kind = match *entry.request {
                Request::Pay(_) => "payment",
                Request::Post(_) => "entry",
                Request::Fund(_) => "fund",
                Request::Defund(_) => "defund",
                Request::Open(_) => "opening",
            };
            let answer = match entry.told.expect("everything is resolved") {
                Told::Outcome(outcome) if outcome.status() == v1::PaymentStatus::Settled => {
                    "settled".to_owned()
                }
                Told::Outcome(outcome) => outcome.reason_code,
                Told::Done { .. } => "done".to_owned(),
                Told::Refused(code, _) => format!("{code:?}"),
            };
            met.insert(format!("{kind} {answer}"));
        }
        let expected = [
            "payment settled",
            "payment AM04",
            "payment AC01",
            "payment AB05",
            "entry done",
            "entry FailedPrecondition",
            "fund done",
            "defund done",
            "opening done",
            "opening AlreadyExists",
        ];
        for expected in expected {
            assert!(met.contains(expected), "no {expected} among {met:?}");
        }
    }
}
