//! Closing days and the business date over gRPC, and what the node does of it by itself.

use client::v1;
use tests::{Api, Node, until};
use tonic::Code;
use types::{ClosingDays, Date};

use crate::recalls::reason_of;

/// Today, as the node's clock has it.
pub(crate) fn today() -> Date {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Date::from_days(i32::try_from(now.as_secs() / 86_400).unwrap()).unwrap()
}

fn this_year() -> u16 {
    u16::try_from(today().civil().0).unwrap()
}

/// The banking days of last year, this one and the next.
pub(crate) fn banking_days() -> Vec<Date> {
    let years = (this_year() - 1..=this_year() + 1).map(|year| ClosingDays::target(year).unwrap());
    let days = years.flat_map(|closing| {
        let begin = Date::from_civil(i32::from(closing.year()), 1, 1).unwrap();
        let days = (0..366).filter_map(move |days| begin.plus_days(days));
        let of_year = days.filter(move |day| day.civil().0 == i32::from(closing.year()));
        of_year.filter(move |day| !day.is_weekend() && !closing.lists(*day)).collect::<Vec<_>>()
    });
    days.collect()
}

/// Sets the closing days of TARGET of last year, this one and the next. Says which the last two are.
pub(crate) async fn set_years(api: &Api) -> [u32; 2] {
    let year = u32::from(this_year());
    for year in [year - 1, year, year + 1] {
        let request_id = format!("closing-{year}");
        let request = v1::SetClosingDaysRequest { request_id, year, target: true, ..Default::default() };
        api.calendar().set_closing_days(request).await.unwrap();
    }
    [year, year + 1]
}

async fn calendar(api: &Api) -> v1::GetCalendarResponse {
    api.calendar().get_calendar(v1::GetCalendarRequest {}).await.unwrap().into_inner()
}

fn roll(id: &str, date: Date) -> v1::RollBusinessDateRequest {
    v1::RollBusinessDateRequest { request_id: id.to_owned(), date: date.to_string() }
}

#[tokio::test(flavor = "multi_thread")]
async fn calendar_is_told_as_it_is_set() {
    let node = Node::start().await;
    let api = node.api().await;
    let [year, next] = set_years(&api).await;
    let told = calendar(&api).await;
    assert_eq!(told.business_date, "");
    let years: Vec<_> = told.closing_years.iter().map(|year| year.year).collect();
    assert_eq!(years, [year - 1, year, next]);
    assert!(told.closing_years[2].days.contains(&format!("{next}-12-25")));
    let own = v1::SetClosingDaysRequest {
        request_id: "own".to_owned(),
        year: next,
        days: vec![format!("{next}-01-01"), format!("{next}-02-03")],
        target: false,
    };
    api.calendar().set_closing_days(own.clone()).await.unwrap();
    let told = calendar(&api).await;
    assert_eq!(told.closing_years[2].days, own.days);
    let far = v1::SetClosingDaysRequest {
        request_id: "far".to_owned(),
        year: year + 11,
        target: true,
        days: Vec::new(),
    };
    assert_eq!(api.calendar().set_closing_days(far).await.unwrap_err().code(), Code::FailedPrecondition);
    let far = v1::RollBusinessDateRequest { request_id: "far".to_owned(), date: format!("{next}-12-25") };
    assert_eq!(api.calendar().roll_business_date(far).await.unwrap_err().code(), Code::FailedPrecondition);
}

/// The first is due at once; it never stands still on a closed day, goes back, or runs ahead.
#[tokio::test(flavor = "multi_thread")]
async fn business_date_goes_from_banking_day_to_banking_day() {
    let node = Node::start().await;
    let api = node.api().await;
    let days = banking_days();
    let next = days.iter().position(|day| *day > today()).unwrap();
    let current = days[next - 1];
    let unset = api.calendar().roll_business_date(roll("unset", current)).await.unwrap_err();
    assert_eq!(reason_of(&unset), (Code::FailedPrecondition, "CALENDAR_UNKNOWN".to_owned()));
    set_years(&api).await;
    let weekend = (0..7).filter_map(|days| today().plus_days(-days)).find(|day| day.is_weekend()).unwrap();
    for (id, date) in [("far", days[next + 1]), ("weekend", weekend)] {
        let refused = api.calendar().roll_business_date(roll(id, date)).await.unwrap_err();
        assert_eq!(reason_of(&refused), (Code::FailedPrecondition, "BUSINESS_DATE_NOT_NEXT".to_owned()));
    }
    api.calendar().roll_business_date(roll("first", days[next - 2])).await.unwrap();
    // Its evening was that of the day before, so it is due; and it may be rolled late.
    api.calendar().roll_business_date(roll("second", current)).await.unwrap();
    let repeated = api.calendar().roll_business_date(roll("second", current)).await.unwrap().into_inner();
    assert!(repeated.confirmation.unwrap().repeat);
    let told = calendar(&api).await;
    let dates = (told.business_date.as_str(), told.business_date_before.as_str());
    assert_eq!(dates, (current.to_string().as_str(), days[next - 2].to_string().as_str()));
    let back = api.calendar().roll_business_date(roll("back", days[next - 2])).await.unwrap_err();
    assert_eq!(reason_of(&back).1, "BUSINESS_DATE_NOT_NEXT");
    let node = node.restart().await;
    assert_eq!(calendar(&node.api().await).await.business_date, current.to_string());
}

/// A node sets what nobody has set, and leaves alone what somebody has.
#[tokio::test(flavor = "multi_thread")]
async fn node_keeps_the_calendar_by_itself() {
    let node = Node::start().await;
    let api = node.api().await;
    let year = u32::from(this_year());
    let own = v1::SetClosingDaysRequest {
        request_id: "own".to_owned(),
        year: year + 2,
        days: vec![format!("{}-02-03", year + 2)],
        target: false,
    };
    api.calendar().set_closing_days(own).await.unwrap();
    let keeping = node.keep_calendar();
    let told = until("the calendar is set and the business date begins", async || {
        let told = calendar(&api).await;
        (told.closing_years.len() == 4 && !told.business_date.is_empty()).then_some(told)
    })
    .await;
    keeping.abort();
    let years: Vec<_> = told.closing_years.iter().map(|closing| closing.year).collect();
    assert_eq!(years, [year - 1, year, year + 1, year + 2]);
    assert_eq!(told.closing_years[3].days, [format!("{}-02-03", year + 2)]);
    let date = Date::parse(&told.business_date).unwrap();
    let days = banking_days();
    let next = days.iter().position(|day| *day > today()).unwrap();
    assert!(days[next - 1..=next].contains(&date), "{date} is not the banking day whose evening comes next");
}
