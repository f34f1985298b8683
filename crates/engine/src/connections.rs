//! Which banks are connected, as it is written into the payments of a frame when that is sealed.
//!
//! A bank is connected for debits while a subscription takes its questions about debits, and for credits alike; and for
//! the profile's grace time after the last one has ended. When a node starts, every bank counts as having left at that
//! moment.
//!
//! Invariant: all of this is in log time, so the same events give the same log.

use ledger::{Stage, mark_each_connected};
use types::{Bic, Duration, Timestamp};

use crate::subscription::{Banks, Questions};

/// Who is connected.
#[derive(Debug)]
pub(crate) struct Connections {
    /// Sorted by bank. Those that have left stay until the grace time is over.
    banks: Vec<(u128, Connection)>,
    /// Subscriptions to the questions of all banks.
    to_all: Connection,
}

/// For debits, and for credits.
type Connection = [Link; 2];

/// A bank's connection for the questions of one stage.
#[derive(Clone, Copy, Debug, Default)]
struct Link {
    /// Subscriptions that take them.
    count: u32,
    /// It counts as connected before this time, also without one.
    until: Timestamp,
}

impl Link {
    fn is_up(&self, time: Timestamp) -> bool {
        self.count > 0 || time < self.until
    }
}

impl Connections {
    /// Starts with every bank having left now.
    pub(crate) fn new(now: Timestamp, grace: Duration) -> Self {
        Self { banks: Vec::new(), to_all: [Link { count: 0, until: now.plus(grace) }; 2] }
    }

    /// A subscription takes these questions to these banks from now on.
    pub(crate) fn begin(&mut self, banks: &Banks, questions: Questions) {
        self.each(banks, questions, |link| link.count += 1);
    }

    /// It does no more.
    pub(crate) fn end(&mut self, banks: &Banks, questions: Questions, now: Timestamp, grace: Duration) {
        let until = now.plus(grace);
        self.each(banks, questions, |link| {
            link.count -= 1;
            link.until = link.until.max(until);
        });
    }

    fn each(&mut self, banks: &Banks, questions: Questions, change: impl Fn(&mut Link)) {
        if questions == Questions::NONE {
            return;
        }
        let change = |connection: &mut Connection| {
            let links = connection.iter_mut().zip([questions.debits, questions.credits]);
            links.filter(|(_, is_taken)| *is_taken).for_each(|(link, _)| change(link));
        };
        match banks {
            Banks::All => change(&mut self.to_all),
            Banks::Listed(banks) => banks.iter().for_each(|bank| change(self.connection(*bank))),
        }
    }

    /// Marks the payments of a frame that is sealed at this time.
    pub(crate) fn mark(&mut self, records: &mut [u8], time: Timestamp) {
        self.banks.retain(|(_, connection)| connection.iter().any(|link| link.is_up(time)));
        let to_all = self.to_all.map(|link| link.is_up(time));
        if self.banks.is_empty() && to_all == [false; 2] {
            return;
        }
        mark_each_connected(records, |stage, bank| {
            let of_stage = of(stage);
            let place = || find(&self.banks, packed(bank));
            to_all[of_stage] || place().is_ok_and(|at| self.banks[at].1[of_stage].is_up(time))
        });
    }

    fn connection(&mut self, bank: Bic) -> &mut Connection {
        let bank = packed(bank.as_bytes());
        let at = find(&self.banks, bank).unwrap_or_else(|at| {
            self.banks.insert(at, (bank, Connection::default()));
            at
        });
        &mut self.banks[at].1
    }
}

const fn of(stage: Stage) -> usize {
    match stage {
        Stage::Debit => 0,
        Stage::Credit => 1,
    }
}

fn find(banks: &[(u128, Connection)], bank: u128) -> Result<usize, usize> {
    banks.binary_search_by(|(known, _)| known.cmp(&bank))
}

/// A bank's code as a number: one comparison instead of eleven.
fn packed(bank: &[u8; 11]) -> u128 {
    let mut bytes = [0; 16];
    bytes[..11].copy_from_slice(bank);
    u128::from_le_bytes(bytes)
}
