//! Restamping: making a stored pacs.008 fit for sending today.
//!
//! Message and transaction ids become unique in this run, and times move so that the message was made just
//! now. Everything else stays byte for byte: prefixes, comments, faults. A document that is broken on
//! purpose stays broken in the same way, so values that are not usable ids or times are left alone.
//!
//! Invariants:
//! - An id that occurs again is replaced by the same new id, at the same time as before: a repeated document
//!   stays a repetition.
//! - The distances between the times of a document stay as they were, to the digits that they are given in.

use std::collections::BTreeMap;
use std::ops::Range;

use types::{Date, Text, TextError, Timestamp};

use crate::date_time::{DateTime, days_between, shifted};
use crate::limits::RESTAMPED_IDS_MAX;
use crate::scan::Leaves;

/// Gives stored documents new ids and times.
#[derive(Debug)]
pub struct Restamper {
    prefix: Text<16>,
    count: u64,
    message_ids: BTreeMap<String, String>,
    transactions: BTreeMap<String, Stamp>,
}

/// What a transaction id was replaced by, and when.
#[derive(Clone, Debug)]
struct Stamp {
    id: String,
    now: Timestamp,
}

/// The parts of a document that are replaced.
#[derive(Default)]
struct Parts {
    message_id: Option<Range<usize>>,
    transaction_ids: Vec<Range<usize>>,
    created_at: Option<Range<usize>>,
    times: Vec<Range<usize>>,
    dates: Vec<Range<usize>>,
}

impl Restamper {
    /// A restamper whose ids begin with this prefix, which no other run may use.
    ///
    /// # Errors
    /// If the prefix is no identifier of 1 to 16 characters.
    pub fn new(prefix: &str) -> Result<Self, TextError> {
        Ok(Self {
            prefix: Text::parse_identifier(prefix)?,
            count: 0,
            message_ids: BTreeMap::new(),
            transactions: BTreeMap::new(),
        })
    }

    /// The document as its sender would have made it at `now`.
    ///
    /// The settlement date moves by as many UTC days as the creation time does, so that a document made for
    /// its own day is one for today whatever its zone and the hour.
    pub fn restamp(&mut self, document: &[u8], now: Timestamp) -> Vec<u8> {
        let parts = Parts::find(document);
        let mut now = now;
        let mut edits: Vec<(Range<usize>, String)> = Vec::new();
        for range in parts.transaction_ids {
            if let Some(id) = identifier(document, &range) {
                let stamp = self.stamp(id, now);
                now = stamp.now;
                edits.push((range, stamp.id));
            }
        }
        if let Some(range) = parts.message_id
            && let Some(id) = identifier(document, &range)
        {
            let new = self.message_id(id);
            edits.push((range, new));
        }
        let created_at = parts.created_at.as_ref().and_then(|range| text(document, range));
        let created_at = created_at.and_then(DateTime::parse).and_then(|time| time.instant());
        if let Some(created_at) = created_at {
            let times = parts.times.into_iter().chain(parts.created_at);
            edits.extend(times.filter_map(|range| moved_time(document, range, created_at, now)));
            let dates = parts.dates.into_iter();
            edits.extend(dates.filter_map(|range| moved_date(document, range, created_at, now)));
        }
        apply(document, edits)
    }

    /// The stamp of a transaction: the one that it got before, or a new one.
    fn stamp(&mut self, id: &str, now: Timestamp) -> Stamp {
        if let Some(stamp) = self.transactions.get(id) {
            return stamp.clone();
        }
        let stamp = Stamp { id: self.fresh('T', id.len()), now };
        if self.transactions.len() < RESTAMPED_IDS_MAX {
            self.transactions.insert(id.to_owned(), stamp.clone());
        }
        stamp
    }

    fn message_id(&mut self, id: &str) -> String {
        if let Some(new) = self.message_ids.get(id) {
            return new.clone();
        }
        let new = self.fresh('M', id.len());
        if self.message_ids.len() < RESTAMPED_IDS_MAX {
            self.message_ids.insert(id.to_owned(), new.clone());
        }
        new
    }

    /// An id that this run has not used, as long as the one it replaces if the counter has room.
    fn fresh(&mut self, kind: char, length: usize) -> String {
        self.count += 1;
        let prefix = self.prefix.as_str();
        let digits = length.saturating_sub(prefix.len() + 1).clamp(6, 18);
        let id = format!("{prefix}{kind}{:0digits$}", self.count);
        assert!(id.len() <= 35, "16 characters, a letter and 18 digits");
        id
    }
}

impl Parts {
    fn find(document: &[u8]) -> Self {
        let mut parts = Self::default();
        for leaf in Leaves::new(document) {
            match leaf.name {
                b"MsgId" if parts.message_id.is_none() => parts.message_id = Some(leaf.text),
                b"CreDtTm" if parts.created_at.is_none() => {
                    parts.created_at = Some(without_blanks(document, leaf.text));
                }
                b"TxId" => parts.transaction_ids.push(leaf.text),
                b"AccptncDtTm" => parts.times.push(without_blanks(document, leaf.text)),
                b"IntrBkSttlmDt" => parts.dates.push(without_blanks(document, leaf.text)),
                _ => {}
            }
        }
        parts
    }
}

/// Blanks around a time do not belong to it; those around an id do.
fn without_blanks(document: &[u8], range: Range<usize>) -> Range<usize> {
    let value = &document[range.clone()];
    let start = range.start + (value.len() - value.trim_ascii_start().len());
    start..start + value.trim_ascii().len()
}

fn text<'document>(document: &'document [u8], range: &Range<usize>) -> Option<&'document str> {
    std::str::from_utf8(&document[range.clone()]).ok()
}

/// A text that can be replaced by another id without mending what is wrong with it.
fn identifier<'document>(document: &'document [u8], range: &Range<usize>) -> Option<&'document str> {
    text(document, range).filter(|text| Text::<35>::parse_identifier(text).is_ok())
}

fn moved_time(
    document: &[u8],
    range: Range<usize>,
    created_at: Timestamp,
    now: Timestamp,
) -> Option<(Range<usize>, String)> {
    let time = DateTime::parse(text(document, &range)?)?;
    let moved = shifted(time.instant()?, created_at, now)?;
    Some((range, time.with_instant(moved)))
}

fn moved_date(
    document: &[u8],
    range: Range<usize>,
    created_at: Timestamp,
    now: Timestamp,
) -> Option<(Range<usize>, String)> {
    let date = Date::parse(text(document, &range)?).ok()?;
    let days = date.days().checked_add(days_between(created_at.date(), now.date()))?;
    Some((range, Date::from_days(days)?.to_string()))
}

/// The document with some ranges, which do not overlap, replaced.
fn apply(document: &[u8], mut edits: Vec<(Range<usize>, String)>) -> Vec<u8> {
    edits.sort_by_key(|(range, _)| range.start);
    let mut output = Vec::with_capacity(document.len() + 64);
    let mut copied = 0;
    for (range, replacement) in edits {
        output.extend_from_slice(&document[copied..range.start]);
        output.extend_from_slice(replacement.as_bytes());
        copied = range.end;
    }
    output.extend_from_slice(&document[copied..]);
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        DateTime::parse(text).unwrap().instant().unwrap()
    }

    const DOCUMENT: &str = "<a:D><a:MsgId>M-1</a:MsgId><a:CreDtTm> 2026-11-20T12:00:00.500+02:00\n</a:CreDtTm>\
        <a:IntrBkSttlmDt>2026-11-20</a:IntrBkSttlmDt><!-- <TxId>x</TxId> --><a:TxId><![CDATA[T-1]]></a:TxId>\
        <a:AccptncDtTm>2026-11-20T09:59:50Z</a:AccptncDtTm></a:D>";

    #[test]
    fn ids_and_times_move_and_nothing_else() {
        let mut restamper = Restamper::new("R7").unwrap();
        let output = restamper.restamp(DOCUMENT.as_bytes(), at("2027-01-01T00:00:05.250Z"));
        let expected = "<a:D><a:MsgId>R7M000002</a:MsgId><a:CreDtTm> 2027-01-01T02:00:05.250+02:00\n</a:CreDtTm>\
            <a:IntrBkSttlmDt>2027-01-01</a:IntrBkSttlmDt><!-- <TxId>x</TxId> --><a:TxId><![CDATA[R7T000001]]></a:TxId>\
            <a:AccptncDtTm>2026-12-31T23:59:54Z</a:AccptncDtTm></a:D>";
        assert_eq!(String::from_utf8(output).unwrap(), expected);
    }

    #[test]
    fn a_repetition_stays_one() {
        let mut restamper = Restamper::new("R7").unwrap();
        let first = restamper.restamp(DOCUMENT.as_bytes(), at("2027-01-01T00:00:05Z"));
        let again = restamper.restamp(DOCUMENT.as_bytes(), at("2027-01-02T00:00:00Z"));
        assert_eq!(first, again);
        let other = DOCUMENT.replace("T-1", "T-2");
        assert_ne!(first, restamper.restamp(other.as_bytes(), at("2027-01-01T00:00:05Z")));
    }

    #[test]
    fn faults_are_not_mended() {
        let broken =
            "<MsgId> M</MsgId><TxId>TÄ</TxId><CreDtTm>today</CreDtTm><AccptncDtTm>2026-11-20T10:00:00Z";
        let mut restamper = Restamper::new("R7").unwrap();
        assert_eq!(restamper.restamp(broken.as_bytes(), Timestamp::default()), broken.as_bytes());
        assert!(Restamper::new("").is_err());
        assert!(Restamper::new("12345678901234567").is_err());
    }

    #[test]
    fn long_ids_stay_long() {
        let id = "X".repeat(35);
        let document = format!("<TxId>{id}</TxId>");
        let mut restamper = Restamper::new("0123456789ABCDEF").unwrap();
        let output = restamper.restamp(document.as_bytes(), Timestamp::default());
        assert_eq!(output.len(), document.len());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_restamped_without_panic(
            document in "(<(MsgId|TxId|CreDtTm|AccptncDtTm|IntrBkSttlmDt|/a|!--)>|2026-11-20(T10:00:00Z)?|T1|<!\\[CDATA\\[|\\]\\]>){0,12}",
            now in 0..=i64::MAX,
        ) {
            let now = Timestamp::from_nanoseconds(now).unwrap();
            Restamper::new("R").unwrap().restamp(document.as_bytes(), now);
        }
    }
}
