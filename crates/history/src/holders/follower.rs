//! From frames to the table: what commands say of holders, once the log tells that they were carried out.

use std::collections::VecDeque;

use journal::FrameView;
use ledger::{AccountStatus, AccountText, Command, Kind, OutcomeEntry, Record, Records};
use types::{AccountNumber, Currency, Date, Sequence};

use super::table::{Naming, Table};
use crate::indexer::IndexError;

/// Waits for outcomes. It holds no thread.
pub(super) struct Follower<'table> {
    table: &'table Table,
    /// Commands of which nothing has been told, in order.
    awaited: VecDeque<(Sequence, Awaited)>,
}

enum Awaited {
    Named(Naming),
    Closed,
}

const CHECKED: &str = "records are checked when they are read";

impl<'table> Follower<'table> {
    pub(super) const fn new(table: &'table Table) -> Self {
        Self { table, awaited: VecDeque::new() }
    }

    /// Takes in a frame.
    ///
    /// # Errors
    /// If it can't be read.
    pub(super) fn step(&mut self, frame: &FrameView<'_>) -> Result<(), IndexError> {
        for entry in OutcomeEntry::read_all(frame.outcomes())? {
            self.told(&entry)?;
        }
        let header = frame.header();
        let mut at = header.first_sequence;
        for record in Records::with_texts(frame.records(), frame.texts()) {
            at = at.next();
            if let Some(awaited) = awaited(&record?, at, header.time.date()) {
                self.awaited.push_back((at, awaited));
            }
        }
        Ok(())
    }

    fn told(&mut self, entry: &OutcomeEntry) -> Result<(), IndexError> {
        let Some(Kind::OpenAccount | Kind::SetAccountHolders | Kind::SetAccountStatus) = entry.kind() else {
            return Ok(());
        };
        let sequence = entry.sequence();
        // Of those before it everything was told in frames that were read before this began.
        while self.awaited.front().is_some_and(|(at, _)| *at < sequence) {
            self.awaited.pop_front();
        }
        let Some((_, awaited)) = self.awaited.pop_front_if(|(at, _)| *at == sequence) else { return Ok(()) };
        if entry.refusal().is_some() || entry.repeat_of().is_some() {
            return Ok(());
        }
        let account = u32::try_from(entry.subject());
        let account = account.map_err(|_| IndexError::Unknown { sequence, what: "subject" })?;
        match awaited {
            Awaited::Named(naming) => self.table.name(AccountNumber(account), &naming),
            Awaited::Closed => self.table.close(AccountNumber(account)),
        }
        Ok(())
    }
}

fn awaited(record: &Record<'_>, position: Sequence, date: Date) -> Option<Awaited> {
    if let Command::SetAccountStatus(set) = record.command {
        return (AccountStatus::from_number(set.status) == Some(AccountStatus::Closed))
            .then_some(Awaited::Closed);
    }
    naming(record, position, date).map(Awaited::Named)
}

/// What a record says of an account's holders, if it is one that does.
pub(super) fn naming(record: &Record<'_>, position: Sequence, date: Date) -> Option<Naming> {
    let (currency, repeats) = if let Command::OpenAccount(open) = record.command {
        (open.currency.get(), 0)
    } else if let Command::SetAccountHolders(set) = record.command {
        (set.currency.get(), set.repeats.get())
    } else {
        return None;
    };
    let currency = Currency::from_number(currency).expect(CHECKED);
    // Texts that can't be read are as good as erased: a name that is not known verifies nobody.
    let text = if record.is_erased() { None } else { AccountText::decode(record.text).ok() };
    Some(Naming { position, date, currency, text, repeats: Sequence(repeats) })
}
