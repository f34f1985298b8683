//! What the node does by itself when its time has come: the closing days of the years around it, the business date, and the end
//! of recalls that nobody answers.
//!
//! Each is a command like any other, under the engine's own principal: it is logged, the core decides whether it is due, and
//! a node that does it twice does it once. Nobody waits for it, and a node without it settles payments all the same. It begins
//! in an empty log, so that what a participant is funded with is booked on a business date.

use std::time::Duration;

use engine::{Answer, CalendarAnswer, Handle, Question, RecallFound, RecallsAsked};
use ledger::{
    AnswerRecall, RecallAnswer, RecallText, RecordWriter, RequestId, RollBusinessDate, SetClosingDays,
};
use types::{ClosingDays, Date, Text, Timestamp};

use crate::own_work::NODE;
use crate::{frankfurt, own_work};

/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Of how many years before the present one closing days are proposed: windows begin in it,
const YEARS_BEHIND: u16 = 1;
/// and of how many after it.
const YEARS_AHEAD: u16 = 2;

/// Recalls that are ended in one look.
const ENDED_PER_LOOK_MAX: usize = 64;

/// Every so many looks it is seen to that log time has moved on, so that a day ends also where nothing happens.
const LOOKS_PER_TICK: u32 = 600;

/// What a node does by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keeping {
    /// Whether it moves the business date on; if not, its operators do.
    pub business_date: bool,
}

/// Does so until the future is dropped.
pub async fn keep_calendar(handle: Handle, keeping: Keeping) {
    let mut interval = tokio::time::interval(LOOK_EVERY);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for look in 0_u32.. {
        interval.tick().await;
        if handle.rules_version() < ledger::Kind::SetClosingDays.first_version() {
            continue;
        }
        if look.is_multiple_of(LOOKS_PER_TICK) {
            handle.tick();
        }
        for commands in proposals(&handle, keeping).await {
            // What is not taken now is proposed again.
            let refusal = own_work::submit(&handle, commands, |outcomes| outcomes[0].refusal()).await;
            if let Ok(Some(Some(refusal))) = refusal {
                tracing::warn!(refusal = refusal.name(), "what the node proposed was refused");
            }
        }
    }
}

/// What is due now.
async fn proposals(handle: &Handle, keeping: Keeping) -> Vec<RecordWriter> {
    let now = handle.now();
    let mut all = Vec::new();
    let write = || handle.commands(NODE);
    if let Some(Answer::Calendar(calendar)) = ask(handle, Question::Calendar).await {
        for command in closing_days(&calendar, now) {
            let mut commands = write();
            commands.set_closing_days(&command);
            all.push(commands);
        }
        if let Some(command) = roll(&calendar, now).filter(|_| keeping.business_date) {
            let mut commands = write();
            commands.roll_business_date(&command);
            all.push(commands);
        }
    }
    let ending = Question::Recalls(RecallsAsked::Ending { count_max: ENDED_PER_LOOK_MAX });
    if let Some(Answer::Recalls(ending)) = ask(handle, ending).await {
        for command in ending.iter().filter_map(|found| end(found, now)) {
            let mut commands = write();
            commands.answer_recall(&command);
            all.push(commands);
        }
    }
    all
}

/// The closing days of the years around this one, as far as nobody has set them.
fn closing_days(calendar: &CalendarAnswer, now: Timestamp) -> Vec<SetClosingDays> {
    let (this_year, ..) = now.date().civil();
    let this_year = u16::try_from(this_year).unwrap_or_default();
    let is_missing = |year: &u16| calendar.closing_days.iter().all(|known| known.year() != *year);
    let years = this_year.saturating_sub(YEARS_BEHIND)..=this_year.saturating_add(YEARS_AHEAD);
    let years = years.filter(is_missing);
    years.filter_map(|year| set_target(year, now)).collect()
}

fn set_target(year: u16, now: Timestamp) -> Option<SetClosingDays> {
    let request_id = request_id(&format!("closing-days-{year}"), now)?;
    Some(SetClosingDays { request_id, closing_days: ClosingDays::target(year)? })
}

/// The business date moves on: to the banking day whose evening comes next.
fn roll(calendar: &CalendarAnswer, now: Timestamp) -> Option<RollBusinessDate> {
    let is_open = |day: Date| {
        let closing = calendar.closing_days.iter().find(|year| i32::from(year.year()) == day.civil().0)?;
        Some(!day.is_weekend() && !closing.lists(day))
    };
    let today = now.date();
    let mut date = today;
    // Banks are never closed for so long; a year that is not set ends the search.
    for _ in 0..15 {
        if is_open(date)? && frankfurt::evening(date)? > now {
            break;
        }
        date = date.plus_days(1)?;
    }
    let current = calendar.business_date.map(|current| current.date());
    if current.is_some_and(|current| current >= date) {
        return None;
    }
    // The first is due at once, and so is one that was missed.
    let due = if current.is_some() && date > today {
        let before =
            (0..15).filter_map(|days| today.plus_days(-days)).find(|day| is_open(*day) == Some(true));
        before.and_then(frankfurt::evening).filter(|evening| *evening <= now).unwrap_or_default()
    } else {
        Timestamp::default()
    };
    let request_id = request_id(&format!("business-date-{date}"), now)?;
    Some(RollBusinessDate { request_id, date, due })
}

/// The time for an answer to this recall is over.
fn end(found: &RecallFound, now: Timestamp) -> Option<AnswerRecall> {
    let reference = format!("OVER-{}", found.recall.sequence().0);
    Some(AnswerRecall {
        request_id: request_id(&reference, now)?,
        recall: found.recall.sequence(),
        recalled: found.recalled,
        bic: found.creditor_agent,
        answer: RecallAnswer::TimeOver(found.at_the_end?),
        has_consent: false,
        is_elsewhere: false,
        text: RecallText {
            reference: Text::parse_identifier(&reference).ok()?,
            originator: None,
            information: Vec::new(),
            settlement_date: None,
        },
    })
}

/// A refusal is remembered under its request id, so that of the next minute is another one.
fn request_id(what: &str, now: Timestamp) -> Option<RequestId> {
    RequestId::parse(&format!("{what}-{}", now.nanoseconds() / 60_000_000_000))
}

async fn ask(handle: &Handle, question: Question) -> Option<Answer> {
    Some(own_work::ask(handle, question).await.ok()??.answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, hour: u32) -> Timestamp {
        Timestamp::from_civil(Date::parse(text).unwrap(), hour, 0, 0, 0).unwrap()
    }

    fn calendar() -> CalendarAnswer {
        let closing_days = vec![ClosingDays::target(2026).unwrap(), ClosingDays::target(2027).unwrap()];
        CalendarAnswer { business_date: None, closing_days }
    }

    #[test]
    fn business_date_is_the_banking_day_whose_evening_comes_next() {
        for (day, hour, expected) in [
            ("2026-11-20", 16, "2026-11-20"),
            // A Friday, 18:00 in Frankfurt.
            ("2026-11-20", 17, "2026-11-23"),
            ("2026-11-21", 0, "2026-11-23"),
            ("2026-11-23", 16, "2026-11-23"),
            ("2026-07-01", 16, "2026-07-02"),
            ("2026-12-24", 17, "2026-12-28"),
            ("2026-12-31", 17, "2027-01-04"),
            ("2026-04-02", 16, "2026-04-07"),
        ] {
            let rolled = roll(&calendar(), at(day, hour)).unwrap();
            assert_eq!(rolled.date.to_string(), expected, "{day} {hour}");
        }
        assert!(roll(&calendar(), at("2027-12-31", 17)).is_none(), "the year after is not set");
    }

    #[test]
    fn years_around_this_one_are_proposed_once() {
        let years = |calendar: &CalendarAnswer| -> Vec<_> {
            let commands = closing_days(calendar, at("2026-11-20", 16));
            commands.iter().map(|command| command.closing_days.year()).collect()
        };
        assert_eq!(
            years(&CalendarAnswer { closing_days: Vec::new(), ..calendar() }),
            [2025, 2026, 2027, 2028]
        );
        assert_eq!(years(&calendar()), [2025, 2028]);
    }
}
