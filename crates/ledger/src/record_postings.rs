//! What the fields of a map of postings may hold.

use types::Date;
use zerocopy::FromZeros;

use super::{Check, bic, currency, holds, zero};
use crate::layout::{self, POSTING_LINES_MAX};
use crate::{ExpectedVersion, GlAccount, PostingLine, PostingSubject};

pub(super) fn check_map(set: &layout::SetPostingMap) -> Check {
    bic(set.bic)?;
    currency(set.currency.get())?;
    holds(ExpectedVersion::from_stored(set.has_expected, set.expected.get()).is_some(), "expected")?;
    holds(set.from.get() >= 0 && Date::from_days(set.from.get()).is_some(), "from")?;
    holds((1..=POSTING_LINES_MAX).contains(&usize::from(set.line_count)), "line_count")?;
    let mut before = None;
    for stored in set.lines() {
        let line = line(stored).ok_or(super::RecordError::Field("lines"))?;
        // The first is the one about everything else, because no other stands before it.
        let is_next =
            before.map_or(line.subject == PostingSubject::Default, |before| before < line.subject.stored());
        holds(is_next, "lines")?;
        before = Some(line.subject.stored());
        zero(&[stored.reserved])?;
    }
    let behind = &set.lines[usize::from(set.line_count)..];
    holds(behind.iter().all(|line| *line == layout::PostingLine::new_zeroed()), "lines")?;
    zero(&[set.reserved])?;
    zero(&set.reserved_end)
}

fn line(stored: &layout::PostingLine) -> Option<PostingLine> {
    Some(PostingLine {
        subject: PostingSubject::from_stored(stored.class, stored.account.get())?,
        gl_account: GlAccount::from_bytes(stored.gl_account)?,
    })
}

const CHECKED: &str = "records are checked when they are read";

impl layout::SetPostingMap {
    /// The lines, in their order. The record has been checked.
    pub fn posting_lines(&self) -> impl Iterator<Item = PostingLine> {
        self.lines().iter().map(|stored| line(stored).expect(CHECKED))
    }

    /// From which booking date on it counts, if not from its own position on. The record has been checked.
    pub fn from_date(&self) -> Option<Date> {
        let date = Date::from_days(self.from.get()).expect(CHECKED);
        (date.days() != 0).then_some(date)
    }
}
