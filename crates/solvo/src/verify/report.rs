//! What a good log holds: counted while it is read, told as text or JSON.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use journal::{End, FrameHeader, FrameKind, FrameView, Identity, segment_name, snapshot_name};
use ledger::{BookTotals, Ledger, OutcomeEntry, Record};
use reports::decimal;
use types::{ReasonCode, Sequence, Timestamp};

use crate::inspect::fields::{Fields, Value};
use crate::inspect::rows::{frame_kind, instant, kind};
use crate::verify::snapshots::SnapshotChecks;

/// A log of which all is right.
#[derive(Debug)]
pub(crate) struct Report {
    /// Whose log it is.
    pub(crate) identity: Identity,
    /// The state at its end.
    pub(crate) ledger: Ledger,
    /// Every book; each sums to zero.
    pub(crate) books: Vec<BookTotals>,
    /// What was counted.
    pub(crate) tally: Tally,
    /// Outcome entries that agreed with the replay.
    pub(crate) outcomes_checked: u64,
    /// Outcomes that no frame tells yet: those of the last frame with commands, if nothing came after it.
    pub(crate) outcomes_untold: usize,
    /// Where the log ends.
    pub(crate) end: End,
    /// The snapshots, each read back and compared with the log.
    pub(crate) snapshots: SnapshotChecks,
}

/// What is counted frame by frame.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    frames: BTreeMap<FrameKind, u64>,
    /// By the stored number of the kind.
    records: BTreeMap<u16, (&'static str, u64)>,
    reasons: BTreeMap<ReasonCode, u64>,
    /// Records whose texts are erased, or can't be read without a key.
    erased: u64,
    repeats: u64,
    bytes: u64,
    first_time: Option<Timestamp>,
}

impl Tally {
    /// Counts a frame.
    pub(crate) fn frame(&mut self, frame: &FrameView<'_>) {
        let FrameHeader { kind, time, .. } = *frame.header();
        *self.frames.entry(kind).or_default() += 1;
        self.bytes += u64::try_from(frame.bytes().len()).expect("a length in memory fits 64 bits");
        self.first_time.get_or_insert(time);
    }

    /// Counts a record.
    pub(crate) fn record(&mut self, record: &Record<'_>) {
        self.erased += u64::from(record.is_erased());
        let of_kind = record.command.kind();
        self.records.entry(of_kind.number()).or_insert((kind(of_kind), 0)).1 += 1;
    }

    /// Counts an outcome. One that repeats an earlier answer is no payment of its own.
    pub(crate) fn outcome(&mut self, entry: &OutcomeEntry) {
        match (entry.repeat_of(), entry.reason()) {
            (Some(_), _) => self.repeats += 1,
            (None, Some(reason)) => *self.reasons.entry(reason).or_default() += 1,
            (None, None) => {}
        }
    }
}

impl Report {
    /// The last position in the log.
    pub(crate) const fn last_sequence(&self) -> Sequence {
        Sequence(self.end.tail.next_sequence.0 - 1)
    }

    /// For machines.
    pub(crate) fn fields(&self, folder: &Path) -> Fields {
        let payments = self.ledger.payment_totals();
        let reasons = self.tally.reasons.iter();
        let end = &self.end;
        let torn = end.torn.map(|torn| {
            Fields::default().with("file", segment_name(torn.segment)).with("offset", torn.offset)
        });
        Fields::default()
            .with("ok", true)
            .with("folder", folder.display().to_string())
            .with("cluster", self.identity.cluster.to_string())
            .with("shard", self.identity.shard.0)
            .with("incarnation", self.identity.incarnation.to_string())
            .with("frames", self.frame_count())
            .with("frames_by_kind", self.frames_by_kind())
            .with("epoch", end.tail.epoch.0)
            .with("bytes", self.tally.bytes)
            .with("first_time", self.tally.first_time.map_or(Value::Null, |time| instant(time).into()))
            .with("last_time", self.tally.first_time.map_or(Value::Null, |_| instant(end.tail.time).into()))
            .with("last_batch", end.tail.batch.0)
            .with("last_sequence", self.last_sequence().0)
            .with("records", self.record_count())
            .with("records_by_kind", self.records_by_kind())
            .with("records_erased", self.tally.erased)
            .with("outcomes_checked", self.outcomes_checked)
            .with("outcomes_untold", self.outcomes_untold)
            .with("settled", payments.settled)
            .with("rejected", payments.rejected)
            .with("expired", payments.expired)
            .with("reserved", payments.reserved)
            .with(
                "reasons",
                reasons.fold(Fields::default(), |all, (it, count)| all.with(it.to_string(), *count)),
            )
            .with("repeats", self.tally.repeats)
            .with("participants", self.ledger.participants().count())
            .with("accounts", self.ledger.account_count())
            .with("books", self.books.iter().map(|it| Value::from(book(it))).collect::<Vec<_>>())
            .with("began_with_snapshot", self.snapshots.began_with.map_or(Value::Null, |it| it.number.into()))
            .with(
                "snapshots",
                self.snapshots.agreed.iter().map(|it| it.number.into()).collect::<Vec<Value>>(),
            )
            .with("end_file", segment_name(end.location.segment))
            .with("end_offset", end.location.offset)
            .with("torn", torn.map_or(Value::Null, Value::from))
    }

    /// For people.
    pub(crate) fn write_text(&self, folder: &Path, out: &mut dyn Write) -> io::Result<()> {
        let Identity { cluster, shard, incarnation } = self.identity;
        let tail = &self.end.tail;
        writeln!(out, "all is well: {}", folder.display())?;
        writeln!(out, "  log         cluster {cluster}, shard {shard}, incarnation {incarnation}")?;
        writeln!(
            out,
            "  frames      {}, chained and whole, {} bytes{}",
            self.frame_count(),
            self.tally.bytes,
            listed(&self.frames_by_kind())
        )?;
        if let Some(snapshot) = &self.snapshots.began_with {
            writeln!(
                out,
                "  began with  {}, at sequence {}: what came before it is not in the archive any more",
                snapshot_name(snapshot.number),
                snapshot.tail.last_sequence()
            )?;
        }
        for snapshot in &self.snapshots.agreed {
            writeln!(
                out,
                "  snapshot    {}, at sequence {}: the state that the log gives",
                snapshot_name(snapshot.number),
                snapshot.tail.last_sequence()
            )?;
        }
        if let Some(first) = self.tally.first_time {
            writeln!(out, "  time        {} to {}", instant(first), instant(tail.time))?;
        }
        writeln!(out, "  records     {}{}", self.record_count(), listed(&self.records_by_kind()))?;
        if self.tally.erased > 0 {
            writeln!(
                out,
                "  texts       of {} records are erased, or their keys are not at hand",
                self.tally.erased
            )?;
        }
        writeln!(
            out,
            "  outcomes    {} told and confirmed by replay, {} not told yet",
            self.outcomes_checked, self.outcomes_untold
        )?;
        self.write_ledger(out)?;
        let Self { end, .. } = self;
        writeln!(
            out,
            "  end         epoch {}, batch {}, sequence {}, at {}",
            tail.epoch,
            tail.batch,
            self.last_sequence(),
            end.location
        )?;
        if let Some(torn) = end.torn {
            writeln!(
                out,
                "  torn        a frame at {torn} is unfinished: it was never acknowledged, or a node is writing \
                 it. This is no fault"
            )?;
        }
        Ok(())
    }

    fn write_ledger(&self, out: &mut dyn Write) -> io::Result<()> {
        let payments = self.ledger.payment_totals();
        let reasons: Vec<String> =
            self.tally.reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        let reasons = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) };
        writeln!(
            out,
            "  payments    {} settled, {} rejected, {} expired, {} reserved{reasons}; {} answers repeated",
            payments.settled, payments.rejected, payments.expired, payments.reserved, self.tally.repeats
        )?;
        let participants = self.ledger.participants().count();
        writeln!(out, "  ledger      {participants} participants, {} accounts", self.ledger.account_count())?;
        for book in &self.books {
            writeln!(
                out,
                "  book        {} {}: {} accounts, credit {}, debit {}, sum {}",
                owner(book),
                book.currency,
                book.accounts,
                decimal(book.credit_balances, book.currency),
                decimal(book.debit_balances, book.currency),
                decimal(book.sum(), book.currency)
            )?;
        }
        Ok(())
    }

    fn frame_count(&self) -> u64 {
        self.tally.frames.values().sum()
    }

    fn record_count(&self) -> u64 {
        self.tally.records.values().map(|(_, count)| count).sum()
    }

    fn frames_by_kind(&self) -> Fields {
        let frames = self.tally.frames.iter();
        frames.fold(Fields::default(), |all, (it, count)| all.with(frame_kind(*it), *count))
    }

    fn records_by_kind(&self) -> Fields {
        let records = self.tally.records.values();
        records.fold(Fields::default(), |all, (name, count)| all.with(*name, *count))
    }
}

fn listed(counts: &Fields) -> String {
    let counts: Vec<String> = counts.numbers().map(|(name, count)| format!("{count} {name}")).collect();
    if counts.is_empty() { String::new() } else { format!(": {}", counts.join(", ")) }
}

fn owner(book: &BookTotals) -> String {
    book.owner.map_or("settlement".to_owned(), |bic| bic.to_string())
}

fn book(totals: &BookTotals) -> Fields {
    let money = |minor_units| decimal(minor_units, totals.currency);
    Fields::default()
        .with("owner", owner(totals))
        .with("currency", totals.currency.code())
        .with("accounts", totals.accounts)
        .with("credit_balances", money(totals.credit_balances))
        .with("debit_balances", money(totals.debit_balances))
        .with("sum", money(totals.sum()))
        .with("reserved", money(totals.reserved))
        .with("held", money(totals.held))
}

#[cfg(test)]
mod tests {
    use types::Currency;

    use super::*;

    #[test]
    fn sums_keep_the_currencys_decimals() {
        let yen = Currency::parse("JPY").unwrap();
        assert_eq!(decimal(-5, Currency::EUR), "-0.05");
        assert_eq!(decimal(0, Currency::EUR), "0.00");
        assert_eq!(decimal(123_456, Currency::EUR), "1234.56");
        assert_eq!(decimal(-1200, yen), "-1200");
        assert_eq!(decimal(i128::from(i64::MAX) * 100, Currency::EUR), "9223372036854775807.00");
    }
}
