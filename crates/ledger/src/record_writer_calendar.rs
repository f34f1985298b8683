//! Writing the commands of the calendar.

use super::RecordWriter;
use crate::{Kind, RollBusinessDate, SetClosingDays, layout};

impl RecordWriter {
    /// The closing days of a year are set.
    pub fn set_closing_days(&mut self, command: &SetClosingDays) {
        let mut record = layout::SetClosingDays {
            request: self.request(&command.request_id),
            year: command.closing_days.year().into(),
            reserved: [0; 6],
            days: *command.closing_days.as_bytes(),
        };
        record.request.body_digest = self.body(Kind::SetClosingDays, &record, &[]);
        self.push(Kind::SetClosingDays, &record, &[]);
    }

    /// The business date goes on.
    pub fn roll_business_date(&mut self, command: &RollBusinessDate) {
        let mut record = layout::RollBusinessDate {
            request: self.request(&command.request_id),
            date: command.date.days().into(),
            reserved: [0; 4],
            due: command.due.nanoseconds().into(),
        };
        record.request.body_digest = self.body(Kind::RollBusinessDate, &record, &[]);
        self.push(Kind::RollBusinessDate, &record, &[]);
    }
}
