//! The limits of the edge. Those of the contract (message and batch sizes) are in `client::limits`.

use std::num::NonZeroUsize;
use std::time::Duration;

use types::Bic;

/// What one node takes from its callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerLimits {
    /// Payees that one caller may verify a second.
    pub verifications_per_caller_second: u32,
    /// Images that may be searched for payment codes at once. Each takes a core for up to seconds.
    pub images_at_once: usize,
    /// Payments of orders that may be under way at once.
    pub orders_under_way: usize,
    /// Threads that serve connections.
    pub threads: NonZeroUsize,
    /// Connections that may be open at once.
    pub connections: usize,
    /// Connections that one principal may have open at once. Those whose certificates stand for nobody count as one.
    pub connections_per_principal: usize,
    /// Handshakes that may be under way at once. With one more the oldest is given up: honest ones take milliseconds.
    pub handshakes: usize,
    /// How long a handshake may take.
    pub handshake: Duration,
    /// How long a new connection may say nothing, once it is secured. Clients of HTTP/2 speak first.
    pub first_word: Duration,
    /// How long the rest of a message is waited for once it has begun, and the whole of a call that is one message.
    pub message_patience: Duration,
    /// Calls under way on one connection. hyper's own default becomes unlimited under tonic.
    pub streams_per_connection: u32,
    /// Payments of one bank that may be under way at once.
    pub payments_per_bank: u32,
    /// Reply messages that may wait for the reader of one stream.
    pub replies_per_stream: usize,
    /// How long a stream's reader may leave them waiting.
    pub reader_patience: Duration,
    /// Payments of one stream that may wait for a bank at once.
    pub waiting_per_stream: usize,
    /// Connections that one bank may have at once.
    pub connections_per_bank: usize,
    /// Watchers that one caller may have at once.
    pub watchers_per_caller: usize,
    /// Events that may wait for one watcher, or notices for one bank's connections.
    pub notices_waiting: usize,
    /// Bytes of orders that they may have with them.
    pub notice_bytes_waiting: usize,
    /// How often a watcher hears something, be it that nothing happened.
    pub heartbeat: Duration,
    /// How documents of ISO 20022 are read and signed.
    pub iso: IsoSettings,
    /// How long a stopping node waits for calls under way.
    pub drain: Duration,
}

/// How documents of ISO 20022 are read and signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IsoSettings {
    /// What becomes of elements that the scheme leaves out.
    pub profile: iso20022::Profile,
    /// What stands for this node in business application headers. Without one it signs with the receiver's own code.
    pub bic: Option<Bic>,
}

impl Default for IsoSettings {
    fn default() -> Self {
        Self { profile: iso20022::Profile::SctInst2025, bic: None }
    }
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            verifications_per_caller_second: 4000,
            images_at_once: 2,
            orders_under_way: 1024,
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            connections: 4096,
            connections_per_principal: 256,
            handshakes: 512,
            handshake: Duration::from_secs(3),
            first_word: Duration::from_secs(10),
            message_patience: Duration::from_secs(10),
            streams_per_connection: 1024,
            payments_per_bank: 1 << 16,
            replies_per_stream: 64,
            reader_patience: Duration::from_secs(10),
            waiting_per_stream: 1 << 18,
            connections_per_bank: 16,
            watchers_per_caller: 16,
            notices_waiting: 1 << 16,
            notice_bytes_waiting: 32 << 20,
            heartbeat: Duration::from_secs(10),
            iso: IsoSettings::default(),
            drain: Duration::from_secs(10),
        }
    }
}

/// Names of account holders are written again after nine years at the latest: those of ten years ago may be erased.
pub const HOLDERS_RENEWED_AFTER_DAYS: i32 = 9 * 365;

/// Bytes of records that gateways keep are written again after so many days at the latest: those of 13 months ago may be
/// erased.
pub(crate) const RECORDS_RENEWED_AFTER_DAYS: i32 = 300;

/// After this time a shed request is worth another attempt.
pub(crate) const RETRY_AFTER: Duration = Duration::from_millis(100);

/// The longest header list of a call, in bytes.
pub(crate) const HEADER_LIST_BYTES_MAX: u32 = 16 * 1024;

/// Resets of calls that a connection may have pending before it is closed. Deadline storms reset hundreds at a
/// time, and hyper's default of 20 would cost them their connection.
pub(crate) const PENDING_RESETS_MAX: usize = 2048;

/// Resets that the node itself may send for faults of one connection's calls before the connection is closed.
pub(crate) const FAULT_RESETS_MAX: usize = 1024;

/// What one call, and what all calls of a connection together, may send before the node has read it. So much memory an
/// unread connection costs, and a message of the largest size still flows in a few round trips.
pub(crate) const WINDOW_BYTES: u32 = 1024 * 1024;

/// The longest frame of a connection.
pub(crate) const FRAME_BYTES_MAX: u32 = 16 * 1024;

/// After so long a silence a connection is asked whether it is still there. A bank has 7 s for a question, and one that
/// went to a peer that is gone must be told to another in time.
pub(crate) const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(2);

/// A connection that does not answer that in this time is closed: one that never reads can't, either.
pub(crate) const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(2);

/// Calls of one caller that may wait for the end of a payment at once, apart from those that submitted it.
pub(crate) const ENQUIRIES_PER_CALLER: u32 = 1024;

/// Orders of questions that are remembered for their answers, and their bytes.
pub(crate) const ASKED_ORDERS_MAX: usize = 1 << 16;
pub(crate) const ASKED_BYTES_MAX: usize = 32 << 20;

/// Documents of one caller that may be on their way into the log at once, apart from those that go with a payment.
pub(crate) const EVIDENCE_PER_CALLER: u32 = 4096;

/// So many of them may wait for a node that is overloaded.
pub(crate) const EVIDENCE_WAITING_PER_CALLER: u32 = 256;

/// Documents that are remembered as kept, so that their repeats are not kept again.
pub(crate) const EVIDENCE_REMEMBERED: usize = 1 << 16;

/// The longest message of a call that has nothing long to say.
pub(crate) const SMALL_MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// Bytes of half-sent messages that one connection may have with the node: sixteen of the longest.
pub(crate) const HALF_SENT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How often the files of identity are looked at.
pub(crate) const IDENTITY_INTERVAL: Duration = Duration::from_secs(1);

/// Calls that one connection may begin in vain at once before it is closed.
pub(crate) const WASTED_CALLS_MAX: u32 = 2048;

/// So many of them are forgiven each second.
pub(crate) const WASTED_CALLS_PER_SECOND: u64 = 100;
