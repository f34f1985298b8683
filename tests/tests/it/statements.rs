//! Statements and reports, through the contract: their balances chain, their documents follow the schema, and nobody reads
//! what is not his.

use std::io::Write;
use std::process::Command;
use std::time::Duration;

use client::v1;
use iso20022::{BookingCode, EntryDirection, StatementEntry, StatementReader};
use reports::{By, Days, External, compare};
use tests::secured::Secured;
use tests::{ALFA, Api, BETA, Bank, GAMMA, Node, World, belgian, german, payment, settled, until};
use tonic::{Code, Status};
use types::{Currency, Date, Sequence, Timestamp};

const HOUR: u64 = 3600;

pub(crate) fn account(iban: &str) -> v1::get_statement_request::Owner {
    let currency_code = "EUR".to_owned();
    v1::get_statement_request::Owner::Account(v1::AccountName { iban: iban.to_owned(), currency_code })
}

pub(crate) fn position(bic: &str) -> v1::get_statement_request::Owner {
    let currency_code = "EUR".to_owned();
    v1::get_statement_request::Owner::Position(v1::PositionName { bic: bic.to_owned(), currency_code })
}

pub(crate) fn asked(
    owner: v1::get_statement_request::Owner,
    date: Date,
    form: v1::StatementForm,
) -> v1::GetStatementRequest {
    v1::GetStatementRequest {
        owner: Some(owner),
        date: date.to_string(),
        form: form.into(),
        utc_offset_minutes: None,
        after_sequence: None,
    }
}

/// The whole of a statement.
pub(crate) async fn statement(api: &Api, request: v1::GetStatementRequest) -> Result<Vec<u8>, Status> {
    let mut pieces = api.statements().get_statement(request).await?.into_inner();
    let (mut document, mut is_whole) = (Vec::new(), false);
    while let Some(piece) = pieces.message().await? {
        assert!(!is_whole, "nothing follows the last piece");
        assert_eq!(
            piece.as_of.is_some(),
            document.is_empty(),
            "the first piece says up to where history goes"
        );
        document.extend_from_slice(&piece.content);
        is_whole = piece.complete;
    }
    assert!(is_whole, "a call without an error gives the whole");
    Ok(document)
}

/// Opening and closing balance in cents, and the entries.
pub(crate) fn read(document: &[u8]) -> (Option<(i64, i64)>, Vec<StatementEntry>) {
    let mut reader = StatementReader::open(document).unwrap();
    let chain = reader.statement().chain;
    let entries: Vec<_> = reader.by_ref().map(Result::unwrap).collect();
    let balances =
        chain.map(|chain| (chain.opening.amount.minor_units(), chain.closing.amount.minor_units()));
    if let Some((opening, closing)) = balances {
        assert_eq!(opening + reader.totals().net().unwrap().minor_units(), closing);
    }
    (balances, entries)
}

/// Whether a schema processor that nobody here wrote takes the document, where there are schemas and a processor.
pub(crate) fn check_schema(name: &str, document: &[u8]) {
    let Some(folder) = std::env::var_os("SOLVO_TEST_DATA") else { return };
    let schema = std::path::Path::new(&folder).join("iso20022-xsd").join(format!("{name}.xsd"));
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(document).unwrap();
    let mut processor = Command::new("xmllint");
    let checked = processor.arg("--noout").arg("--schema").arg(schema).arg(file.path()).output();
    let Ok(checked) = checked else { return };
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

/// The present day on the clocks of banks that have said nothing of them.
pub(crate) fn today() -> Date {
    day_of(&clock(), tests::now())
}

/// The present day of reports, and of positions as long as no business date is set.
pub(crate) fn today_in_frankfurt() -> Date {
    day_of(&Days::Frankfurt, tests::now())
}

pub(crate) fn clock() -> Days {
    Days::offset(0).unwrap()
}

pub(crate) fn day_of(days: &Days, time: Timestamp) -> Date {
    days.of(time, Sequence(0))
}

pub(crate) fn day(date: Date, later: i32) -> Date {
    Date::from_days(date.days() + later).unwrap()
}

/// Waits until history has come to a position.
pub(crate) async fn until_told(api: &Api, sequence: u64) {
    until("history has come so far", async || {
        let status = api.history().get_history_status(v1::GetHistoryStatusRequest {}).await.ok()?;
        status.into_inner().as_of.filter(|as_of| as_of.sequence >= sequence)
    })
    .await;
}

/// A node whose log has a payment of 1.00 every seven hours for six days, since eight days ago; and when it begins.
pub(crate) async fn node_of_days() -> (Node, Timestamp) {
    let folder = tempfile::tempdir().unwrap();
    let (age, apart) = (Duration::from_secs(8 * 24 * HOUR), Duration::from_secs(7 * HOUR));
    let begin = tests::write_log_of_days(folder.path(), age, 20, apart);
    let node = Node::with_history_on(folder).await;
    until_told(&node.api().await, 1).await;
    (node, begin)
}

#[tokio::test(flavor = "multi_thread")]
async fn balances_lead_from_day_to_day() {
    let (node, begin) = node_of_days().await;
    let api = node.api().await;
    for (owner, days, per_payment) in [
        (account(&belgian(1)), clock(), -100),
        (account(&german(1)), clock(), 100),
        (position(ALFA), Days::Frankfurt, -100),
    ] {
        let (mut reached, mut payments, mut date) = (0, 0, day_of(&days, begin));
        while date < day_of(&days, tests::now()) {
            let request = asked(owner.clone(), date, v1::StatementForm::Camt053);
            let document = statement(&api, request.clone()).await.unwrap();
            check_schema("camt.053.001.08", &document);
            let (balances, entries) = read(&document);
            let (opening, closing) = balances.unwrap();
            assert_eq!(opening, reached, "{date} opens with what the day before closed with");
            reached = closing;
            let of_payments = entries.iter().filter(|entry| {
                matches!(entry.code, BookingCode::TransferSent | BookingCode::TransferReceived)
            });
            payments += of_payments.clone().count();
            for entry in of_payments {
                let transaction = entry.transaction.as_ref().unwrap();
                assert!(transaction.transaction_id.as_ref().unwrap().as_str().starts_with("OLD-"));
                assert_eq!(entry.value_date, date);
                let is_credit = entry.direction == EntryDirection::Credit;
                assert_eq!(is_credit, per_payment > 0);
            }
            // A statement is the same whenever it is asked for, apart from when it was made.
            let (again, entries_again) = read(&statement(&api, request).await.unwrap());
            assert_eq!((again, entries_again), (balances, entries));
            date = day(date, 1);
        }
        assert_eq!(payments, 20);
        let opened =
            if matches!(owner, v1::get_statement_request::Owner::Account(_)) { 100_000 } else { 1_000_000 };
        assert_eq!(reached, opened + 20 * per_payment);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn days_follow_the_clock_of_the_bank() {
    let (node, begin) = node_of_days().await;
    let (api, first) = (node.api().await, day_of(&clock(), begin));
    for offset in [-840, 0, 840] {
        let mut count = 0;
        // In the afternoon of UTC, the last payment is of the eighth day on the clock that is ahead.
        for later in -1..=7 {
            let request = v1::GetStatementRequest {
                utc_offset_minutes: Some(offset),
                ..asked(account(&german(1)), day(first, later), v1::StatementForm::Camt054)
            };
            let document = match statement(&api, request).await {
                Err(status) if status.code() == Code::NotFound => continue, // it was not open yet
                answered => answered.unwrap(),
            };
            check_schema("camt.054.001.08", &document);
            let (_, entries) = read(&document);
            let days = Days::offset(offset).unwrap();
            for entry in &entries {
                let booked = entry.booked.instant().expect("a booking has its time");
                assert_eq!(day_of(&days, booked), day(first, later));
                assert_eq!(entry.booked.date(), day(first, later), "as the clock shows it");
            }
            count += entries.len();
        }
        assert_eq!(count, 21, "{offset}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_day_so_far_and_what_is_new() {
    let node = Node::with_history().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let first = settled(api.submit(&payment("TX-1", "10.00")).await.unwrap());
    until_told(&api, first.sequence).await;
    let over = statement(&api, asked(account(&belgian(1)), today(), v1::StatementForm::Camt053)).await;
    assert_eq!(over.unwrap_err().code(), Code::OutOfRange);
    let report = asked(account(&belgian(1)), today(), v1::StatementForm::Camt052);
    let document = statement(&api, report.clone()).await.unwrap();
    check_schema("camt.052.001.08", &document);
    let (balances, entries) = read(&document);
    assert_eq!((balances, entries.len()), (Some((0, 99_000)), 2));
    let transaction = entries[1].transaction.as_ref().unwrap();
    assert_eq!(transaction.creditor.as_ref().unwrap().name.as_ref().unwrap().as_str(), "Paul Brandt");
    assert_eq!(entries[1].servicer_reference.as_ref().unwrap().as_str(), first.payment_id);
    assert_eq!(entries[0].code, BookingCode::Own(types::Text::parse("SALARY").unwrap()));

    let second = settled(api.submit(&payment("TX-2", "5.00")).await.unwrap());
    until_told(&api, second.sequence).await;
    let news = v1::GetStatementRequest {
        after_sequence: Some(first.decided_sequence),
        ..asked(account(&belgian(1)), today(), v1::StatementForm::Camt054)
    };
    let document = statement(&api, news).await.unwrap();
    check_schema("camt.054.001.08", &document);
    let (balances, entries) = read(&document);
    assert_eq!(balances, None);
    let ids = entries.iter().map(|entry| entry.transaction.clone().unwrap().transaction_id.unwrap());
    assert_eq!(ids.map(|id| id.as_str().to_owned()).collect::<Vec<_>>(), ["TX-2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn comma_separated_values_say_what_the_document_says() {
    let node = Node::with_history().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let mut formula = payment("TX-1", "10.00");
    formula.end_to_end_id = "+HYPERLINK(1)".to_owned();
    formula.creditor = Some(tests::party("=Brandt, \"Paul\""));
    let last = settled(api.submit(&formula).await.unwrap());
    until_told(&api, last.sequence).await;
    let ask = async |form| statement(&api, asked(account(&belgian(1)), today(), form)).await.unwrap();
    let (csv, camt) = (ask(v1::StatementForm::Csv).await, ask(v1::StatementForm::Camt052).await);
    let text = String::from_utf8(csv.clone()).unwrap();
    assert!(text.starts_with(&reports::COLUMNS.join(",")), "{text}");
    assert!(text.contains(",'+HYPERLINK(1),") && text.contains("\"'=Brandt, \"\"Paul\"\"\""), "{text}");
    for by in [By::First, By::EndToEndId, By::ServicerReference, By::EntryReference] {
        let read = |document: &[u8]| External::read(document, Currency::EUR, by).unwrap();
        let compared = compare(&read(&csv), &read(&camt), true);
        assert_eq!(compared.differences, [], "{by:?}");
        assert_eq!(compared.same_count, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_are_of_ones_own_money_only() {
    let secured = Secured::start().await;
    let (operator, alfa, beta) =
        (secured.api("operator").await, secured.api("alfa").await, secured.api("beta").await);
    for bank in [ALFA, BETA] {
        World::of(operator.clone()).register(bank, v1::AccountMode::Hosted).await;
        World::of(operator.clone()).fund(bank, "1000.00").await;
    }
    World::of(alfa.clone()).customer(ALFA, &belgian(1)).await;
    World::of(beta.clone()).customer(BETA, &german(1)).await;
    let paid = settled(alfa.submit(&payment("TX-1", "10.00")).await.unwrap());
    until_told(&operator, paid.sequence).await;
    let report = |owner, today| asked(owner, today, v1::StatementForm::Camt052);
    statement(&beta, report(account(&german(1)), today())).await.unwrap();
    statement(&beta, report(position(BETA), today_in_frankfurt())).await.unwrap();
    let foreign = statement(&beta, report(account(&belgian(1)), today())).await.unwrap_err();
    assert_eq!(foreign.code(), Code::NotFound);
    let foreign = statement(&beta, report(position(ALFA), today_in_frankfurt())).await.unwrap_err();
    assert_eq!(foreign.code(), Code::PermissionDenied);
    let foreign = settlement(&beta, ALFA, today_in_frankfurt()).await.unwrap_err();
    assert_eq!(foreign.code(), Code::PermissionDenied);
    let foreign = service(&beta, ALFA, today_in_frankfurt()).await.unwrap_err();
    assert_eq!(foreign.code(), Code::PermissionDenied);
    let days = service(&alfa, "", today_in_frankfurt()).await.unwrap();
    let told = days.iter().flat_map(|day| &day.banks).map(|bank| bank.bic.as_str());
    assert_eq!(told.collect::<Vec<_>>(), [ALFA]);
    assert_eq!(
        service(&operator, "", today_in_frankfurt()).await.unwrap()[0].banks.len(),
        1,
        "BETA has sent nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_questions_are_refused() {
    let (node, begin) = node_of_days().await;
    let (api, first) = (node.api().await, day_of(&clock(), begin));
    let asks = async |change: &dyn Fn(&mut v1::GetStatementRequest)| {
        let mut request = asked(account(&belgian(1)), first, v1::StatementForm::Camt053);
        change(&mut request);
        statement(&api, request).await.unwrap_err().code()
    };
    assert_eq!(asks(&|request| request.owner = None).await, Code::InvalidArgument);
    assert_eq!(asks(&|request| request.date = "yesterday".to_owned()).await, Code::InvalidArgument);
    assert_eq!(asks(&|request| request.form = 0).await, Code::InvalidArgument);
    assert_eq!(asks(&|request| request.utc_offset_minutes = Some(841)).await, Code::InvalidArgument);
    assert_eq!(asks(&|request| request.after_sequence = Some(1)).await, Code::InvalidArgument);
    assert_eq!(asks(&|request| request.date = day(today(), 1).to_string()).await, Code::OutOfRange);
    assert_eq!(asks(&|request| request.date = day(first, -2).to_string()).await, Code::NotFound);
    assert_eq!(asks(&|request| request.owner = Some(account(&german(9)))).await, Code::NotFound);
    assert_eq!(asks(&|request| request.owner = Some(position(GAMMA))).await, Code::NotFound);
    assert_eq!(settlement(&api, GAMMA, first).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(
        settlement(&api, ALFA, day(today_in_frankfurt(), 1)).await.unwrap_err().code(),
        Code::OutOfRange
    );
    assert_eq!(service(&api, "", day(today_in_frankfurt(), 1)).await.unwrap_err().code(), Code::OutOfRange);
}

pub(crate) async fn settlement(api: &Api, bic: &str, date: Date) -> Result<v1::SettlementReport, Status> {
    let request = v1::GetSettlementReportRequest {
        participant: bic.to_owned(),
        currency_code: "EUR".to_owned(),
        date: date.to_string(),
    };
    let mut replies = api.reports().get_settlement_report(request).await?.into_inner();
    let mut report = None;
    while let Some(reply) = replies.message().await? {
        report = reply.report;
    }
    Ok(report.expect("the last reply has the report"))
}

/// A participant that history has not taken in yet is not said to be none.
#[tokio::test(flavor = "multi_thread")]
async fn new_participant_is_known_before_history_has_it() {
    let node = Node::with_history().await;
    let api = node.api().await;
    let world = World::set_up(&api, 1).await;
    let last = settled(api.submit(&payment("TX-1", "10.00")).await.unwrap());
    until_told(&api, last.sequence).await;
    let today = today_in_frankfurt();
    for letter in 'A'..='H' {
        let bic = format!("NEWBBEB{letter}XXX");
        world.register(&bic, v1::AccountMode::Hosted).await;
        until("history has it", async || {
            let list = v1::ListPaymentsRequest { participant: bic.clone(), ..Default::default() };
            let statement = asked(position(&bic), today, v1::StatementForm::Camt052);
            let told = match letter {
                'A' | 'D' | 'G' => settlement(&api, &bic, today).await.map(drop),
                'B' | 'E' | 'H' => self::statement(&api, statement).await.map(drop),
                _ => api.history().list_payments(list).await.map(drop),
            };
            if let Err(status) = &told {
                assert_eq!(status.code(), Code::Unavailable, "{letter}: {status:?}");
            }
            told.ok()
        })
        .await;
    }
    let unknown = settlement(&api, GAMMA, today).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
}

/// The days of a service report.
async fn service(
    api: &Api,
    participant: &str,
    date: Date,
) -> Result<Vec<v1::GetServiceReportResponse>, Status> {
    let request = v1::GetServiceReportRequest {
        participant: participant.to_owned(),
        from_date: date.to_string(),
        until_date: String::new(),
    };
    let mut replies = api.reports().get_service_report(request).await?.into_inner();
    let mut days = Vec::new();
    while let Some(reply) = replies.message().await? {
        days.extend(Some(reply).filter(|reply| reply.complete));
    }
    Ok(days)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settlement_report_leads_from_opening_to_closing() {
    let node = Node::with_history().await;
    let api = node.api().await;
    World::set_up(&api, 2).await;
    settled(api.submit(&payment("TX-1", "10.00")).await.unwrap());
    settled(api.submit(&payment("TX-2", "2.50")).await.unwrap());
    let mut inside = payment("TX-3", "1.00");
    (inside.creditor_agent, inside.creditor_account) = (ALFA.to_owned(), belgian(2));
    settled(api.submit(&inside).await.unwrap());
    let poor = api.submit(&payment("TX-4", "999999.00")).await.unwrap();
    assert_eq!(poor.reason_code, "AM04");
    until_told(&api, poor.sequence).await;

    let report = settlement(&api, ALFA, today_in_frankfurt()).await.unwrap();
    let flows = report.position.unwrap();
    assert_eq!((flows.opening_balance.as_str(), flows.closing_balance.as_str()), ("0.00", "999987.50"));
    assert_eq!((flows.sent_count, flows.sent_sum.as_str()), (2, "12.50"));
    assert_eq!((flows.liquidity_in_count, flows.liquidity_in_sum.as_str()), (1, "1000000.00"));
    assert_eq!(flows.received_count + flows.liquidity_out_count, 0);
    assert!(!report.day_over);
    let told: Vec<_> = report
        .payments
        .iter()
        .map(|row| (row.side(), row.status(), row.reason_code.as_str(), row.count, row.sum.as_str()))
        .collect();
    let (debtor, creditor) = (v1::PaymentSide::Debtor, v1::PaymentSide::Creditor);
    let (done, rejected) = (v1::PaymentStatus::Settled, v1::PaymentStatus::Rejected);
    assert_eq!(told.len(), 3, "{told:?}");
    for row in [
        (debtor, done, "", 3, "13.50"),
        (debtor, rejected, "AM04", 1, "999999.00"),
        (creditor, done, "", 1, "1.00"),
    ] {
        assert!(told.contains(&row), "{row:?} is missing in {told:?}");
    }
    let other = settlement(&api, BETA, today_in_frankfurt()).await.unwrap();
    assert_eq!(other.position.unwrap().received_sum, "12.50");
    assert_eq!(other.payments.len(), 1, "a payment that was refused at once is not told to the payee's bank");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_report_counts_each_part_of_the_way() {
    let node = Node::with_history().await;
    let api = node.api().await;
    let world = World::set_up(&api, 1).await;
    world.remote_bank().await;
    node.until_grace_is_over().await;
    settled(api.submit(&payment("TX-1", "10.00")).await.unwrap());
    // Its bank is not there.
    let missed = api.submit(&tests::payment_to_remote("TX-2", "1.00")).await.unwrap();
    assert_eq!(missed.reason_code, "AB08");
    until_told(&api, missed.sequence).await;

    let days = service(&api, "", today_in_frankfurt()).await.unwrap();
    let [day] = days.as_slice() else { panic!("one day was asked for") };
    let of = |bic: &str| day.banks.iter().find(|bank| bank.bic == bic).unwrap();
    let alfa = of(ALFA);
    assert_eq!((alfa.sent, alfa.settled, alfa.late), (2, 1, 0));
    assert_eq!(alfa.rejected.get("AB08"), Some(&1));
    let whole = alfa.whole.as_ref().unwrap();
    assert_eq!((whole.count, whole.within_5s, whole.within_10s), (2, 2, 2));
    assert_eq!(alfa.way_in.as_ref().unwrap().count, 2);
    let gamma = of(GAMMA);
    assert_eq!((gamma.answers_needed, gamma.answers_missed, gamma.sent), (1, 1, 0));
}

/// Each bank answers for the questions that it was asked, and for no other's.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_report_tells_apart_who_was_asked() {
    let node = Node::with_history().await;
    let api = node.api().await;
    let world = World::set_up(&api, 1).await;
    world.remote_bank().await;
    let all = v1::StagePolicy {
        scope: v1::DecisionScope::All.into(),
        above: None,
        silence: v1::SilenceMeaning::Reject.into(),
    };
    world.set_policy(ALFA, v1::DecisionPolicy { debits: Some(all), credits: None }, 1).await;
    let [mut alfa, mut gamma] = [Bank::connect(&api, ALFA).await, Bank::connect(&api, GAMMA).await];
    for (id, is_remote) in [("TX-1", false), ("TX-2", true)] {
        let order = if is_remote { tests::payment_to_remote(id, "1.00") } else { payment(id, "1.00") };
        let paying = api.submit_aside(&order);
        let debit = alfa.question().await;
        alfa.accept(&debit).await;
        if is_remote {
            let credit = gamma.question().await;
            gamma.accept(&credit).await;
        }
        settled(paying.await.unwrap().unwrap());
        alfa.report().await;
    }
    let late = v1::Payment {
        acceptance_time: Some(tests::ago(Duration::from_millis(6500))),
        ..payment("TX-3", "1.00")
    };
    let silent = api.submit(&late).await.unwrap();
    assert_eq!(silent.reason_code, "AB11");
    until_told(&api, silent.decided_sequence).await;

    let days = service(&api, "", today_in_frankfurt()).await.unwrap();
    let told: Vec<_> = days[0]
        .banks
        .iter()
        .map(|bank| {
            let asked = (bank.answers_needed, bank.answers_missed);
            (bank.bic.as_str(), asked, bank.answer.as_ref().unwrap().count)
        })
        .collect();
    assert_eq!(told, [(ALFA, (3, 1), 0), (GAMMA, (1, 0), 1)], "BETA was asked nothing, and has sent nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_without_anything_is_told_once_it_is_over() {
    let folder = tempfile::tempdir().unwrap();
    tests::write_old_log(folder.path(), Duration::from_secs(3 * 24 * HOUR), 1);
    let node = Node::with_history_on(folder).await;
    let api = node.api().await;
    until_told(&api, 1).await;
    // Nothing was booked since, and nothing else moves the log on.
    let request = asked(account(&belgian(1)), day(today(), -1), v1::StatementForm::Camt053);
    let (balances, entries) = read(&statement(&api, request).await.unwrap());
    assert_eq!((balances, entries.len()), (Some((99_900, 99_900)), 0));
}
