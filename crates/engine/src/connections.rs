//! Which banks are connected, as it is written into the payments of a frame when that is sealed.
//!
//! A bank is connected while a subscription takes its questions, and for the profile's grace time after the last one
//! has ended. When a node starts, every bank counts as having left at that moment.
//!
//! Invariant: all of this is in log time, so the same events give the same log.

use ledger::mark_each_connected;
use types::{Bic, Duration, Timestamp};

use crate::subscription::Banks;

/// Who is connected.
#[derive(Debug)]
pub(crate) struct Connections {
    /// Sorted by bank. Those that have left stay until the grace time is over.
    banks: Vec<Connection>,
    /// Subscriptions to the questions of all banks.
    to_all: u32,
    /// Every bank counts as connected before this time.
    all_until: Timestamp,
}

#[derive(Clone, Copy, Debug)]
struct Connection {
    bank: u128,
    /// Subscriptions that take its questions.
    count: u32,
    /// It counts as connected before this time, also without one.
    until: Timestamp,
}

impl Connections {
    /// Starts with every bank having left now.
    pub(crate) const fn new(now: Timestamp, grace: Duration) -> Self {
        Self { banks: Vec::new(), to_all: 0, all_until: now.plus(grace) }
    }

    /// A subscription takes the questions to these banks from now on.
    pub(crate) fn begin(&mut self, banks: &Banks) {
        match banks {
            Banks::All => self.to_all += 1,
            Banks::Listed(banks) => banks.iter().for_each(|bank| self.connection(*bank).count += 1),
        }
    }

    /// It does no more.
    pub(crate) fn end(&mut self, banks: &Banks, now: Timestamp, grace: Duration) {
        let until = now.plus(grace);
        match banks {
            Banks::All => {
                self.to_all -= 1;
                self.all_until = self.all_until.max(until);
            }
            Banks::Listed(banks) => {
                for bank in banks {
                    let connection = self.connection(*bank);
                    connection.count -= 1;
                    connection.until = connection.until.max(until);
                }
            }
        }
    }

    /// Marks the payments of a frame that is sealed at this time.
    pub(crate) fn mark(&mut self, records: &mut [u8], time: Timestamp) {
        if self.to_all > 0 || time < self.all_until {
            mark_each_connected(records, |_| true);
            return;
        }
        self.banks.retain(|connection| connection.count > 0 || time < connection.until);
        if self.banks.is_empty() {
            return;
        }
        mark_each_connected(records, |bank| {
            let bank = packed(bank);
            self.banks.binary_search_by(|connection| connection.bank.cmp(&bank)).is_ok()
        });
    }

    fn connection(&mut self, bank: Bic) -> &mut Connection {
        let bank = packed(bank.as_bytes());
        let place = self.banks.binary_search_by(|connection| connection.bank.cmp(&bank));
        let at = place.unwrap_or_else(|at| {
            self.banks.insert(at, Connection { bank, count: 0, until: Timestamp::default() });
            at
        });
        &mut self.banks[at]
    }
}

/// A bank's code as a number: one comparison instead of eleven.
fn packed(bank: &[u8; 11]) -> u128 {
    let mut bytes = [0; 16];
    bytes[..11].copy_from_slice(bank);
    u128::from_le_bytes(bytes)
}
