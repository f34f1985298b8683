//! Writing maps of postings.

use zerocopy::FromZeros;

use super::RecordWriter;
use crate::layout::POSTING_LINES_MAX;
use crate::{Kind, SetPostingMap, layout};

impl RecordWriter {
    /// A bank says what its general ledger calls its accounts.
    ///
    /// # Panics
    /// If there is no line, or there are more than 64.
    pub fn set_posting_map(&mut self, command: &SetPostingMap) {
        assert!((1..=POSTING_LINES_MAX).contains(&command.lines.len()), "lines are counted on reading");
        let mut lines = command.lines.clone();
        lines.sort_unstable_by_key(|line| line.subject.stored());
        let mut record = layout::SetPostingMap::new_zeroed();
        record.request = self.request(&command.request_id);
        record.bic = *command.bank.as_bytes();
        record.currency = command.currency.number().into();
        let (has_expected, expected) = command.expected.stored();
        (record.has_expected, record.expected) = (has_expected, expected.into());
        record.from = command.from.map_or(0, |from| from.days()).into();
        record.line_count = u8::try_from(lines.len()).expect("it has been checked");
        for (stored, line) in record.lines.iter_mut().zip(&lines) {
            let (class, account) = line.subject.stored();
            (stored.class, stored.account) = (class, account.into());
            stored.gl_account = *line.gl_account.as_bytes();
        }
        record.request.body_digest = self.body(Kind::SetPostingMap, &record, &[]);
        self.push(Kind::SetPostingMap, &record, &[]);
    }
}
