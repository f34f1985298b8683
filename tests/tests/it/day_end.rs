//! All statements of a bank's day in one call.

use std::collections::BTreeMap;

use client::v1;
use tests::secured::Secured;
use tests::{ALFA, Api, BETA, GAMMA, World, belgian};
use tonic::{Code, Status};
use types::Date;

use crate::statements::{
    account, asked, check_schema, clock, day, day_of, node_of_days, read, statement, today,
};

fn request(bic: &str, date: Option<Date>) -> v1::GetDayEndRequest {
    v1::GetDayEndRequest {
        participant: bic.to_owned(),
        date: date.map_or_else(String::new, |date| date.to_string()),
        form: v1::StatementForm::Camt053.into(),
        after_number: 0,
        moved_only: false,
    }
}

/// A day's end: its day, its statements by the names of their files and with the numbers of their accounts, and its totals.
#[derive(Default)]
struct Told {
    date: String,
    statements: BTreeMap<String, (u32, Vec<u8>)>,
    totals: v1::DayEndTotals,
}

async fn day_end(api: &Api, request: v1::GetDayEndRequest) -> Result<Told, Status> {
    let mut pieces = api.statements().get_day_end(request).await?.into_inner();
    let (mut told, mut totals, mut open) = (Told::default(), None, None);
    while let Some(piece) = pieces.message().await? {
        assert!(totals.is_none(), "nothing follows the totals");
        totals = piece.totals;
        if !piece.date.is_empty() {
            told.date = piece.date;
        }
        let Some(statement) = piece.statement else { continue };
        let (name, (number, mut document)) =
            open.take().unwrap_or((statement.file_name, (piece.number, Vec::new())));
        document.extend(statement.content);
        match statement.complete {
            true => assert!(told.statements.insert(name, (number, document)).is_none()),
            false => open = Some((name, (number, document))),
        }
    }
    told.totals = totals.expect("the last piece has the totals");
    Ok(told)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_days_end_has_each_statement_of_the_bank() {
    let (node, begin) = node_of_days().await;
    let api = node.api().await;
    // A day later than the first, whose first hour may be of the next day on the clock of the positions.
    let date = day(day_of(&clock(), begin), 1);
    let told = day_end(&api, request(ALFA, Some(date))).await.unwrap();
    assert_eq!((told.totals.statements, told.totals.unmoved, told.totals.unnamed), (3, 0, 0));
    let names: Vec<&str> = told.statements.keys().map(String::as_str).collect();
    let digits = date.to_string().replace('-', "");
    let [customer, position, technical] = names[..] else { panic!("{names:?}") };
    assert!(
        customer.starts_with('A') && position.starts_with('P') && technical.starts_with('T'),
        "{names:?}"
    );
    assert!(names.iter().all(|name| name.ends_with(&format!("-{digits}.camt053.xml"))), "{names:?}");
    for (_, document) in told.statements.values() {
        check_schema("camt.053.001.08", document);
        assert!(read(document).0.is_some());
    }
    // Each is what the single call says.
    let (number, document) = &told.statements[customer];
    let single = asked(account(&belgian(1)), date, v1::StatementForm::Camt053);
    assert_eq!(read(document), read(&statement(&api, single).await.unwrap()));

    // It goes on where one that ended was.
    let rest = v1::GetDayEndRequest { after_number: *number, ..request(ALFA, Some(date)) };
    assert_eq!(day_end(&api, rest).await.unwrap().statements.len(), 0);
    let rest = v1::GetDayEndRequest { after_number: *number - 1, ..request(ALFA, Some(date)) };
    assert_eq!(day_end(&api, rest).await.unwrap().statements.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn days_without_a_booking_can_be_left_out() {
    let (node, _) = node_of_days().await;
    let api = node.api().await;
    let told = day_end(&api, request(BETA, None)).await.unwrap();
    assert_eq!(told.date, day(today(), -1).to_string(), "the last day that is over");
    assert_eq!(told.totals.statements, 3);
    let moved = v1::GetDayEndRequest { moved_only: true, ..request(BETA, None) };
    let told = day_end(&api, moved).await.unwrap();
    assert_eq!((told.totals.statements, told.totals.unmoved), (0, 3), "the last payment is of two days ago");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_questions_are_refused() {
    let (node, begin) = node_of_days().await;
    let api = node.api().await;
    let code = async |request| day_end(&api, request).await.err().map(|status| status.code());
    let first = day_of(&clock(), begin);
    assert_eq!(code(request(GAMMA, Some(first))).await, Some(Code::NotFound));
    assert_eq!(code(request("", Some(first))).await, Some(Code::InvalidArgument));
    assert_eq!(code(request(ALFA, Some(today()))).await, Some(Code::OutOfRange));
    assert_eq!(code(request(ALFA, Some(day(today(), 1)))).await, Some(Code::OutOfRange));
    let form = v1::StatementForm::Camt052.into();
    assert_eq!(code(v1::GetDayEndRequest { form, ..request(ALFA, None) }).await, Some(Code::InvalidArgument));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_days_end_is_of_ones_own_bank_only() {
    let secured = Secured::start().await;
    let (operator, beta) = (secured.api("operator").await, secured.api("beta").await);
    for bank in [ALFA, BETA] {
        World::of(operator.clone()).register(bank, v1::AccountMode::Hosted).await;
    }
    let foreign = day_end(&beta, request(ALFA, None)).await.err().unwrap();
    assert_eq!(foreign.code(), Code::PermissionDenied);
}
