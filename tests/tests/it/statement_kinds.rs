//! Every kind of entry in every form of a statement, and the dates that they bear: positions the business date, accounts the
//! day of their bank's clock.

use client::v1;
use client::v1::StatementForm::{Camt052, Camt053, Camt054, Csv};
use iso20022::{BookingCode, StatementEntry};
use reports::{By, External, compare};
use tests::{ALFA, Api, BETA, Node, World, belgian, german, payment, settled};
use tonic::Code;
use types::{ClosingDays, Currency, Date};

use crate::statements::{
    account, asked, check_schema, clock, day, day_of, position, read, settlement, statement, today,
    until_told,
};

/// The last two days by now on which banks settled with each other.
async fn banking_days(api: &Api) -> [Date; 2] {
    let (year, ..) = today().civil();
    for year in [year - 1, year, year + 1] {
        let request_id = format!("closing-{year}");
        let year = u32::try_from(year).unwrap();
        let request = v1::SetClosingDaysRequest { request_id, year, target: true, ..Default::default() };
        api.calendar().set_closing_days(request).await.unwrap();
    }
    let is_open = |date: &Date| {
        let year = u16::try_from(date.civil().0).unwrap();
        !date.is_weekend() && !ClosingDays::target(year).unwrap().lists(*date)
    };
    let mut open = (0..30).map(|back| day(today(), -back)).filter(is_open);
    let last = open.next().unwrap();
    [open.next().unwrap(), last]
}

async fn roll(api: &Api, date: Date) -> u64 {
    let request = v1::RollBusinessDateRequest { request_id: format!("roll-{date}"), date: date.to_string() };
    let reply = api.calendar().roll_business_date(request).await.unwrap().into_inner();
    reply.confirmation.unwrap().sequence
}

/// A payment of 100.00 with a fee of 0.20, of which 98.00 comes back and 2.00 is kept; and 50.00 that ALFA puts aside.
async fn book_every_kind(api: &Api) -> u64 {
    let world = World::set_up(api, 1).await;
    world.set_fees(ALFA, ["0.50", "0.20"], 1).await.unwrap();
    let paid = settled(api.submit(&payment("TX-1", "100.00")).await.unwrap());
    world.give_back(paid.payment_id).await.unwrap();
    world.put_aside(ALFA).await.unwrap().sequence
}

/// Code, change in cents and transaction id of each entry.
fn told(entries: &[StatementEntry]) -> Vec<(String, i64, Option<&str>)> {
    let tell = |entry: &StatementEntry| {
        let code = match &entry.code {
            BookingCode::Own(key) => key.as_str().to_owned(),
            code @ (BookingCode::TransferSent
            | BookingCode::TransferReceived
            | BookingCode::SentReturned
            | BookingCode::ReceivedReturned
            | BookingCode::Fee
            | BookingCode::FeeRefund
            | BookingCode::Liquidity
            | BookingCode::Other { .. }) => format!("{code:?}"),
        };
        let change = match entry.direction {
            iso20022::EntryDirection::Credit => entry.amount.minor_units(),
            iso20022::EntryDirection::Debit => -entry.amount.minor_units(),
        };
        let id = |entry: &StatementEntry| entry.transaction.as_ref()?.transaction_id.clone();
        (code, change, id(entry).map(|id| if id.as_str() == "TX-1" { "TX-1" } else { "another" }))
    };
    entries.iter().map(tell).collect()
}

/// Customers' entries: what was sent and what it cost, what came back, and what was kept of it.
#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_entry_stands_on_accounts() {
    let node = Node::with_history().await;
    let api = node.api().await;
    // A recall is answered within banking days, so there has to be a calendar.
    banking_days(&api).await;
    until_told(&api, book_every_kind(&api).await).await;
    let payer: &[(&str, i64, Option<&str>)] = &[
        ("SALARY", 100_000, None),
        ("TransferSent", -10_000, Some("TX-1")),
        ("Fee", -20, None),
        ("SentReturned", 9_800, Some("TX-1")),
    ];
    let payee: &[(&str, i64, Option<&str>)] = &[
        ("SALARY", 100_000, None),
        ("TransferReceived", 10_000, Some("TX-1")),
        ("ReceivedReturned", -9_800, Some("TX-1")),
        ("Fee", -200, Some("TX-1")),
    ];
    for (iban, expected) in [(belgian(1), payer), (german(1), payee)] {
        let ask = async |form| statement(&api, asked(account(&iban), today(), form)).await.unwrap();
        let document = ask(Camt052).await;
        check_schema("camt.052.001.08", &document);
        let (balances, entries) = read(&document);
        assert_eq!(balances.unwrap().1, expected.iter().map(|(_, change, _)| change).sum::<i64>());
        let expected: Vec<_> =
            expected.iter().map(|(code, change, id)| ((*code).to_owned(), *change, *id)).collect();
        assert_eq!(told(&entries), expected);
        let notified = ask(Camt054).await;
        check_schema("camt.054.001.08", &notified);
        assert_eq!(told(&read(&notified).1), expected);
        let csv = ask(Csv).await;
        let text = String::from_utf8(csv.clone()).unwrap();
        assert!(text.contains(",FEE,") && text.contains(",RETURN,"), "{text}");
        for by in [By::First, By::ServicerReference, By::EntryReference] {
            let books = |document: &[u8]| External::read(document, Currency::EUR, by).unwrap();
            let compared = compare(&books(&csv), &books(&document), true);
            assert_eq!((compared.differences, compared.same_count), (Vec::new(), 4), "{by:?}");
        }
    }
}

/// Positions' entries, in the statement of a business day that is over.
#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_entry_stands_on_positions_under_their_business_date() {
    let node = Node::with_history().await;
    let api = node.api().await;
    let [first, second] = banking_days(&api).await;
    roll(&api, first).await;
    until_told(&api, book_every_kind(&api).await).await;
    let open = statement(&api, asked(position(ALFA), first, Camt053)).await.unwrap_err();
    assert_eq!(open.code(), Code::OutOfRange);
    assert!(open.message().contains("has not moved on"), "{open:?}");
    roll(&api, second).await;
    let later = settled(api.submit(&payment("TX-2", "1.00")).await.unwrap());
    until_told(&api, later.sequence).await;

    let alfa: &[(&str, i64)] = &[
        ("Liquidity", 100_000_000),
        ("TransferSent", -10_000),
        ("SentReturned", 9_800),
        ("Liquidity", -5_000),
    ];
    let beta: &[(&str, i64)] =
        &[("Liquidity", 100_000_000), ("TransferReceived", 10_000), ("ReceivedReturned", -9_800)];
    for (bic, expected, news) in [(ALFA, alfa, -100), (BETA, beta, 100)] {
        let document = statement(&api, asked(position(bic), first, Camt053)).await.unwrap();
        check_schema("camt.053.001.08", &document);
        let (balances, entries) = read(&document);
        let (opening, closing) = balances.unwrap();
        assert_eq!((opening, closing), (0, expected.iter().map(|(_, change)| change).sum()));
        let found: Vec<_> = told(&entries).into_iter().map(|(code, change, _)| (code, change)).collect();
        assert_eq!(
            found,
            expected.iter().map(|(code, change)| ((*code).to_owned(), *change)).collect::<Vec<_>>()
        );
        assert!(entries.iter().all(|entry| entry.value_date == first));
        let next = statement(&api, asked(position(bic), second, Camt052)).await.unwrap();
        let (balances, entries) = read(&next);
        assert_eq!(balances, Some((closing, closing + news)));
        let [entry] = &entries[..] else { panic!("one payment came after the business date had moved on") };
        assert_eq!(entry.value_date, second);
    }
    let report = settlement(&api, ALFA, first).await.unwrap();
    let flows = report.position.unwrap();
    assert!(report.day_over);
    assert_eq!((flows.sent_count, flows.returns_received_count), (1, 1));
    assert_eq!((flows.liquidity_out_sum.as_str(), flows.returns_received_sum.as_str()), ("50.00", "98.00"));
    assert_eq!(report.payments.iter().map(|row| row.count).sum::<u64>(), 1, "the second is the next day's");
    let report = settlement(&api, ALFA, second).await.unwrap();
    assert!(!report.day_over);
    assert_eq!(report.payments.iter().map(|row| row.count).sum::<u64>(), 1);
    let holiday = day(second, 15);
    assert_eq!(settlement(&api, ALFA, holiday).await.unwrap_err().code(), Code::OutOfRange);
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_follow_the_logged_clock_of_their_bank() {
    let node = Node::with_history().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let set = v1::SetClockRequest {
        request_id: "clock".to_owned(),
        bic: BETA.to_owned(),
        clock: Some(v1::BankClock { minutes_ahead: 840, change: None }),
    };
    api.customers().set_clock(set).await.unwrap();
    let paid = settled(api.submit(&payment("TX-1", "1.00")).await.unwrap());
    until_told(&api, paid.sequence).await;
    // The clock of one bank is the other's no more.
    let ahead = reports::Days::offset(840).unwrap();
    for (iban, days) in [(belgian(1), clock()), (german(1), ahead.clone())] {
        let date = day_of(&days, tests::now());
        let document = statement(&api, asked(account(&iban), date, Camt052)).await.unwrap();
        let (_, entries) = read(&document);
        let entry = entries.last().unwrap();
        let booked = entry.booked.instant().expect("a booking has its time");
        assert_eq!((entry.value_date, entry.booked.date(), day_of(&days, booked)), (date, date, date));
    }
    // Another clock than the bank's is used where the question says so.
    let date = day_of(&clock(), tests::now());
    let utc =
        v1::GetStatementRequest { utc_offset_minutes: Some(0), ..asked(account(&german(1)), date, Camt052) };
    let (_, entries) = read(&statement(&api, utc).await.unwrap());
    assert_eq!(entries.last().unwrap().value_date, date);
}
