//! `CalendarService`: closing days and the business date; and the task that moves both on by itself.
//!
//! Invariants:
//! - What the node proposes is a logged command like any other, and the core decides whether it is due.
//! - A node whose rules are older proposes nothing.

use client::convert::{FieldReader, Path, timestamp};
use client::v1;
use client::v1::calendar_service_server::CalendarService;
use engine::{Answer, CalendarAnswer, Question};
use ledger::{RollBusinessDate, SetClosingDays};
use tonic::{Request, Response, Status};
use types::{ClosingDays, Date, Timestamp};

use crate::caller::Caller;
use crate::frankfurt;
use crate::node::Node;
use crate::refusals::{invalid, unanswered};
use crate::values::{confirmation, request_id};

#[derive(Debug)]
pub(crate) struct Calendar(pub(crate) Node);

#[tonic::async_trait]
impl CalendarService for Calendar {
    async fn set_closing_days(
        &self,
        request: Request<v1::SetClosingDaysRequest>,
    ) -> Result<Response<v1::SetClosingDaysResponse>, Status> {
        let caller = Caller::of(&request)?;
        let command = read_closing_days(request.get_ref())?;
        let mut commands = self.0.handle.commands(caller.principal);
        commands.set_closing_days(&command);
        let outcome = self.0.carry_out(commands).await?;
        Ok(Response::new(v1::SetClosingDaysResponse { confirmation: Some(confirmation(&outcome)) }))
    }

    async fn roll_business_date(
        &self,
        request: Request<v1::RollBusinessDateRequest>,
    ) -> Result<Response<v1::RollBusinessDateResponse>, Status> {
        let caller = Caller::of(&request)?;
        let command = self.read_roll(request.get_ref()).await?;
        let mut commands = self.0.handle.commands(caller.principal);
        commands.roll_business_date(&command);
        let outcome = self.0.carry_out(commands).await?;
        Ok(Response::new(v1::RollBusinessDateResponse { confirmation: Some(confirmation(&outcome)) }))
    }

    async fn get_calendar(
        &self,
        request: Request<v1::GetCalendarRequest>,
    ) -> Result<Response<v1::GetCalendarResponse>, Status> {
        Caller::of(&request)?;
        let answered = self.0.ask(Question::Calendar).await?;
        let Answer::Calendar(calendar) = answered.answer else { return Err(unanswered()) };
        let CalendarAnswer { business_date, closing_days } = *calendar;
        let closing_years = closing_days.iter().map(|year| v1::ClosingYear {
            year: year.year().into(),
            days: year.days().map(|day| day.to_string()).collect(),
        });
        let text = |date: Option<Date>| date.map_or_else(String::new, |date| date.to_string());
        Ok(Response::new(v1::GetCalendarResponse {
            business_date: text(business_date.map(|date| date.date())),
            business_date_before: text(business_date.and_then(|date| date.before())),
            business_date_since: business_date.map(|date| timestamp(date.since_time())),
            business_date_since_sequence: business_date.map_or(0, |date| date.since().0),
            closing_years: closing_years.collect(),
            as_of_sequence: answered.as_of.sequence.0,
        }))
    }
}

impl Calendar {
    /// A change is due in the evening of the banking day before, which the calendar says; without one the core says so.
    async fn read_roll(&self, wire: &v1::RollBusinessDateRequest) -> Result<RollBusinessDate, Status> {
        let mut reader = FieldReader::new();
        let request_id = request_id(&mut reader, &wire.request_id);
        let date = mandatory_date(&mut reader, "date", &wire.date);
        let (request_id, date) = reader.finish(request_id.zip(date)).map_err(invalid)?;
        let answered = self.0.ask(Question::Calendar).await?;
        let Answer::Calendar(calendar) = answered.answer else { return Err(unanswered()) };
        Ok(RollBusinessDate { request_id, date, due: due(&calendar, date) })
    }
}

/// When the business date becomes this one: in the evening of the banking day before it. The first one is due at once.
fn due(calendar: &CalendarAnswer, date: Date) -> Timestamp {
    let is_open = |day: &Date| {
        let closing = calendar.closing_days.iter().find(|year| i32::from(year.year()) == day.civil().0);
        !day.is_weekend() && closing.is_none_or(|year| !year.lists(*day))
    };
    // Banks are never closed for so long.
    let before = (1..15).filter_map(|days| date.plus_days(-days)).find(is_open);
    let evening = before.filter(|_| calendar.business_date.is_some()).and_then(frankfurt::evening);
    evening.unwrap_or_default()
}

fn mandatory_date(reader: &mut FieldReader, field: &'static str, text: &str) -> Option<Date> {
    if text.is_empty() {
        reader.missing(&Path::root(field));
        return None;
    }
    reader.optional_date(&Path::root(field), text)
}

fn read_closing_days(wire: &v1::SetClosingDaysRequest) -> Result<SetClosingDays, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let year = u16::try_from(wire.year).ok();
    let closing_days = match (year.and_then(ClosingDays::none), wire.target) {
        (None, _) => {
            reader.violation(&Path::root("year"), "a year lies between 1970 and 2261");
            None
        }
        (Some(none), true) => ClosingDays::target(none.year()),
        (Some(none), false) => read_days(&mut reader, none, &wire.days),
    };
    let command = request_id.zip(closing_days);
    let command = command.map(|(request_id, closing_days)| SetClosingDays { request_id, closing_days });
    reader.finish(command).map_err(invalid)
}

fn read_days(reader: &mut FieldReader, none: ClosingDays, days: &[String]) -> Option<ClosingDays> {
    let path = Path::root("days");
    if days.len() > 366 {
        reader.violation(&path, "a year has at most 366 days");
        return None;
    }
    days.iter().try_fold(none, |closing_days, text| {
        let with = Date::parse(text).ok().and_then(|day| closing_days.with(day));
        if with.is_none() {
            reader.violation(&path, "each is a date of the year, of the form YYYY-MM-DD");
        }
        with
    })
}

#[cfg(test)]
mod tests {
    use ledger::BusinessDate;

    use super::*;

    #[test]
    fn business_date_is_due_in_the_evening_of_the_banking_day_before() {
        let set = |business_date| {
            let closing_days =
                [2026, 2027].map(|year| ClosingDays::target(year).expect("a year of this century"));
            CalendarAnswer { business_date, closing_days: closing_days.to_vec() }
        };
        let date = |text| Date::parse(text).expect("a date");
        for (day, expected) in [
            ("2026-11-24", "2026-11-23T17:00:00Z"),
            // A Monday, after the Friday before.
            ("2026-11-23", "2026-11-20T17:00:00Z"),
            ("2026-07-02", "2026-07-01T16:00:00Z"),
            ("2026-04-07", "2026-04-02T16:00:00Z"),
            ("2027-01-04", "2026-12-31T17:00:00Z"),
        ] {
            assert_eq!(due(&set(Some(BusinessDate::default())), date(day)).to_string(), expected, "{day}");
        }
        assert_eq!(due(&set(None), date("2026-11-24")), Timestamp::default(), "the first is due at once");
    }
}
