//! Customers' files of orders: taken in once, paid line by line, reported on, whatever happens in between.

use client::v1;
use client::v1::connect_event::Event;
use client::v1::submit_package_request::Part;
use iso20022::{GroupStatus, LineReport, LineStatus, PackageReport, PackageReportPart, PackageReportReader};
use server::ServerLimits;
use tests::secured::Secured;
use tests::{
    ALFA, Api, BETA, Bank, FileLine, GAMMA, Node, PackageFile, World, belgian, file_lines, french, german,
    package_header, package_messages, until,
};
use tonic::Code;

use crate::recalls::reason_of;

const LONG_AGO: &str = "2026-11-02";

async fn world() -> (Node, Api, World) {
    let node = Node::start().await;
    let api = node.api().await;
    let world = World::set_up(&api, 2).await;
    (node, api, world)
}

/// A file of so many salaries from customer 1 of ALFA to customer 1 of BETA.
fn salaries(message_id: &str, count: usize, cents: u64) -> String {
    let lines = file_lines(count, &german(1), BETA, cents);
    PackageFile::new(message_id).part(LONG_AGO, &belgian(1), lines).xml()
}

async fn report(api: &Api, package_id: &str) -> (PackageReport, Vec<LineReport>) {
    let document = api.package_report(package_id).await.unwrap();
    let mut reader = PackageReportReader::open(document.as_slice()).unwrap();
    let report = reader.report().clone();
    let mut lines = Vec::new();
    for part in &mut reader {
        if let PackageReportPart::Line(line) = part.unwrap() {
            lines.push(line);
        }
    }
    (report, lines)
}

fn status(line: &LineReport) -> (LineStatus, String) {
    let code = line.reason.as_ref().map(|detail| detail.reason.to_string());
    (line.status, code.unwrap_or_default())
}

async fn package_id(api: &Api, file: &str) -> String {
    api.bring(ALFA, "bring", file).await.unwrap().package.unwrap().package_id
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_is_settled_or_refused_and_reported() {
    let (_node, api, _world) = world().await;
    let mut lines = file_lines(400, &german(1), BETA, 100);
    lines[6].account = german(9);
    lines[7].account = german(1).replacen("DE", "DK", 1);
    // The bank of an account that is kept here is known.
    lines[8].bank = String::new();
    let file = PackageFile::new("SALARIES-11").part(LONG_AGO, &belgian(1), lines).xml();
    let taken = api.bring(ALFA, "bring", &file).await.unwrap();
    let package = taken.package.unwrap();
    assert!(!taken.repeat);
    assert_eq!((package.message_id.as_str(), package.bic.as_str()), ("SALARIES-11", ALFA));
    assert_eq!((package.stated_count, package.stated_sum.as_str()), (400, "400.00"));
    assert_eq!((package.logged_count, package.refused_count), (400, 1));
    let [refused] = taken.refused_lines.as_slice() else { panic!("{:?}", taken.refused_lines) };
    assert_eq!((refused.number, refused.reason_code.as_str()), (8, "AC01"));
    let done = api.until_complete(&package.package_id).await;
    assert_eq!((done.settled_count, done.rejected_count, done.refused_count), (398, 1, 1));
    assert_eq!((done.settled_sum.as_str(), done.pending_count), ("398.00", 0));
    assert_eq!([api.balance(&belgian(1)).await, api.balance(&german(1)).await], ["602.00", "1398.00"]);

    let (report, lines) = report(&api, &package.package_id).await;
    assert_eq!(report.status, Some(GroupStatus::PartlyAccepted));
    assert_eq!(
        (report.original_message_id.as_str(), report.original_transactions),
        ("SALARIES-11", Some(400))
    );
    assert_eq!(lines.len(), 400);
    assert_eq!(status(&lines[0]), (LineStatus::Settled, String::new()));
    assert_eq!(status(&lines[6]), (LineStatus::Rejected, "AC01".to_owned()));
    assert_eq!(status(&lines[7]), (LineStatus::Rejected, "AC01".to_owned()));
    assert_eq!(status(&lines[8]), (LineStatus::Settled, String::new()));
    for (number, line) in (1..).zip(&lines) {
        assert_eq!(line.original_end_to_end_id.as_ref().unwrap().as_str(), format!("SALARY-{number}"));
    }
    assert!(lines[0].acceptance_time.is_some());
    // A line's payment can be asked for like any other.
    let paid = api.by_id(lines[399].servicer_reference.as_ref().unwrap().as_str()).await.unwrap();
    assert_eq!(tests::outcome_of(paid).status(), v1::PaymentStatus::Settled);
    api.trial_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_file_again_is_told_the_earlier_package_and_pays_nothing() {
    let (node, api, _world) = world().await;
    let file = salaries("FILE-1", 50, 100);
    let first = package_id(&api, &file).await;
    api.until_complete(&first).await;
    for attempt in ["bring", "again"] {
        let again = api.bring(ALFA, attempt, &file).await.unwrap();
        assert!(again.repeat);
        assert_eq!(again.package.unwrap().package_id, first);
    }
    let changed = salaries("FILE-1", 50, 101);
    let refused = api.bring(ALFA, "changed", &changed).await.unwrap_err();
    assert_eq!(reason_of(&refused), (Code::AlreadyExists, "PACKAGE_EXISTS".to_owned()));
    let node = node.restart().await;
    let api = node.api().await;
    let again = api.bring(ALFA, "after", &file).await.unwrap();
    assert!(again.repeat);
    assert_eq!(api.balance(&german(1)).await, "1050.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_paid_of_a_file_that_is_not_what_it_states_and_the_right_one_may_follow() {
    let (_node, api, _world) = world().await;
    let file = salaries("FILE-1", 30, 100);
    for (attempt, faulty, reason) in [
        ("lines", file.replace("<NbOfTxs>30<", "<NbOfTxs>31<"), "PACKAGE_TOTALS"),
        ("sum", file.replace("<CtrlSum>30.00", "<CtrlSum>31.00"), "PACKAGE_TOTALS"),
        ("end", file.replace("</CstmrCdtTrfInitn>", ""), "PACKAGE_NOT_READABLE"),
        ("behind", format!("{file}<More/>"), "PACKAGE_NOT_READABLE"),
        ("other", "<Document/>".to_owned(), "PACKAGE_NOT_READABLE"),
    ] {
        let refused = api.bring(ALFA, attempt, &faulty).await.unwrap_err();
        assert_eq!(reason_of(&refused), (Code::InvalidArgument, reason.to_owned()), "{attempt}: {refused:?}");
    }
    for (attempt, length, sha256) in [("digest", 0, vec![7; 32]), ("long", 1, vec![]), ("short", -1, vec![])]
    {
        let header = package_header(ALFA, attempt, &file);
        let length = header.length.checked_add_signed(length).unwrap();
        let sha256 = if sha256.is_empty() { header.sha256 } else { sha256 };
        let header = v1::PackageHeader { length, sha256, ..header };
        let refused = api.bring_as(header, &file).await.unwrap_err();
        assert_eq!(reason_of(&refused), (Code::InvalidArgument, "DIGEST_DIFFERS".to_owned()), "{attempt}");
    }
    assert_eq!(api.balance(&german(1)).await, "1000.00");
    let listed = v1::ListPackagesRequest { bic: ALFA.to_owned(), ..Default::default() };
    let listed = api.orders().list_packages(listed).await.unwrap().into_inner().packages;
    assert!(listed.iter().all(|package| package.state() == v1::PackageState::Abandoned));
    let right = package_id(&api, &file).await;
    api.until_complete(&right).await;
    assert_eq!(api.balance(&german(1)).await, "1030.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_breaks_off_goes_on_with_the_same_file_after_a_restart() {
    let (node, api, _world) = world().await;
    let file = salaries("FILE-1", 3000, 10);
    let messages = package_messages(package_header(ALFA, "bring", &file), &file);
    let (sender, stream) = tokio::sync::mpsc::channel(1);
    let broken = tokio::spawn({
        let mut orders = api.orders();
        async move { orders.submit_package(tokio_stream::wrappers::ReceiverStream::new(stream)).await }
    });
    for message in messages.into_iter().take(60) {
        sender.send(message).await.unwrap();
    }
    let listed = || v1::ListPackagesRequest { bic: ALFA.to_owned(), ..Default::default() };
    let open = until("some lines are logged", async || {
        let packages = api.orders().list_packages(listed()).await.unwrap().into_inner().packages;
        packages.into_iter().find(|package| package.logged_count > 0)
    })
    .await;
    assert_eq!((open.state(), open.pending_count), (v1::PackageState::Open, open.logged_count));
    broken.abort();
    let node = node.restart().await;
    let api = node.api().await;
    let taken = api.bring(ALFA, "bring", &file).await.unwrap();
    assert!(!taken.repeat);
    assert_eq!(taken.package.unwrap().package_id, open.package_id);
    let done = api.until_complete(&open.package_id).await;
    assert_eq!((done.settled_count, done.logged_count), (3000, 3000));
    // More than a connection's window: it is answered before it has come.
    assert!(api.bring(ALFA, "again", &file).await.unwrap().repeat);
    assert_eq!(api.balance(&german(1)).await, "1300.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_the_middle_pays_no_line_twice_and_misses_none() {
    // One at a time, so that there is a middle.
    let slow = ServerLimits { orders_under_way: 1, ..ServerLimits::default() };
    let mut node = Node::with_limits(slow).await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let id = package_id(&api, &salaries("FILE-1", 5000, 1)).await;
    for part in 1..4 {
        let api = node.api().await;
        until("some more are paid", async || {
            let package = api.package(&id).await.unwrap();
            assert_eq!(package.state(), v1::PackageState::Running);
            (package.settled_count >= 20 * part).then_some(())
        })
        .await;
        node = node.restart().await;
    }
    let node = node.restart_with(ServerLimits::default()).await;
    let api = node.api().await;
    let done = api.until_complete(&id).await;
    assert_eq!((done.settled_count, done.settled_sum.as_str()), (5000, "50.00"));
    assert_eq!([api.balance(&belgian(1)).await, api.balance(&german(1)).await], ["950.00", "1050.00"]);
    api.trial_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_wait_for_their_payer_s_money_and_others_do_not() {
    let (_node, api, world) = world().await;
    let poor = file_lines(15, &german(1), BETA, 10_000);
    let rich = file_lines(3, &german(2), BETA, 10_000);
    let file = PackageFile::new("FILE-1").part(LONG_AGO, &belgian(1), poor).part(LONG_AGO, &belgian(2), rich);
    let id = package_id(&api, &file.xml()).await;
    let waiting = until("all that can be paid is paid", async || {
        let package = api.package(&id).await.unwrap();
        (package.settled_count == 13).then_some(package)
    })
    .await;
    assert_eq!((waiting.state(), waiting.pending_count), (v1::PackageState::Running, 5));
    let (so_far, lines) = report(&api, &id).await;
    assert_eq!(so_far.status, Some(GroupStatus::PartlyAccepted));
    assert_eq!(lines.iter().filter(|line| line.status == LineStatus::Pending).count(), 5);
    world.post(&belgian(1), v1::EntryDirection::Credit, "500.00").await.unwrap();
    let done = api.until_complete(&id).await;
    assert_eq!(done.settled_count, 18);
    assert_eq!(api.balance(&belgian(1)).await, "0.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_wait_for_their_bank_s_position() {
    let node = Node::start().await;
    let api = node.api().await;
    let world = World::of(api.clone());
    for bank in [ALFA, BETA] {
        world.register(bank, v1::AccountMode::Hosted).await;
    }
    world.fund(ALFA, "2.00").await;
    world.fund(BETA, "1.00").await;
    world.customer(ALFA, &belgian(1)).await;
    world.customer(BETA, &german(1)).await;
    let id = package_id(&api, &salaries("FILE-1", 5, 100)).await;
    until("the position is used up", async || {
        let package = api.package(&id).await.unwrap();
        (package.settled_count == 2 && package.awaiting_count > 0).then_some(())
    })
    .await;
    world.fund(ALFA, "100.00").await;
    assert_eq!(api.until_complete(&id).await.settled_count, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_to_a_bank_elsewhere_are_what_it_says() {
    // Two at a time: those that wait for the bank count.
    let limits = ServerLimits { orders_under_way: 2, ..ServerLimits::default() };
    let node = Node::with_limits(limits).await;
    let api = node.api().await;
    World::set_up(&api, 1).await.remote_bank().await;
    let mut gamma = Bank::connect(&api, GAMMA).await;
    let lines = file_lines(6, &french(1), GAMMA, 100);
    let file = PackageFile::new("FILE-1").part(LONG_AGO, &belgian(1), lines).xml();
    let id = package_id(&api, &file).await;
    for number in 0..6 {
        // Between the questions it hears what became of those before.
        let question = loop {
            if let Event::Question(question) = gamma.next().await {
                break question;
            }
        };
        let sent = api.package(&id).await.unwrap().sent_count;
        assert!((1..=2).contains(&sent), "{sent} are under way");
        match number {
            2 => gamma.reject(&question, "AC04").await,
            _ => gamma.accept(&question).await,
        }
    }
    let done = api.until_complete(&id).await;
    assert_eq!((done.settled_count, done.rejected_count), (5, 1));
    let (_, lines) = report(&api, &id).await;
    let rejected: Vec<_> =
        lines.iter().map(status).filter(|(status, _)| *status == LineStatus::Rejected).collect();
    assert_eq!(rejected, [(LineStatus::Rejected, "AC04".to_owned())]);
    assert_eq!(api.balance(&belgian(1)).await, "995.00");
}

/// A bank's clock may be set, and with it the day of its customers.
pub(crate) async fn set_clock(api: &Api, minutes_ahead: i32) {
    let request = v1::SetClockRequest {
        request_id: format!("clock-{minutes_ahead}"),
        bic: ALFA.to_owned(),
        clock: Some(v1::BankClock { minutes_ahead, change: None }),
    };
    api.customers().set_clock(request).await.unwrap();
}

/// As far back as clocks go, and as far ahead: 28 hours between them.
pub(crate) const EARLY: i32 = -14 * 60;
pub(crate) const LATE: i32 = 14 * 60;

/// The day on ALFA's clock when that is [`EARLY`], and so many days later.
pub(crate) fn early_day(days: i32) -> String {
    let now = tests::now().minus(types::Duration::from_seconds(14 * 3600));
    now.date().plus_days(days).unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_for_another_day_wait_for_it() {
    let (_node, api, _world) = world().await;
    set_clock(&api, EARLY).await;
    let [now, later] = [3, 2].map(|count| file_lines(count, &german(1), BETA, 100));
    let file = PackageFile::new("FILE-1").part(&early_day(0), &belgian(1), now);
    let id = package_id(&api, &file.part(&early_day(1), &belgian(1), later).xml()).await;
    until("the lines of the day are paid", async || {
        let package = api.package(&id).await.unwrap();
        (package.settled_count == 3).then_some(())
    })
    .await;
    let (_, lines) = report(&api, &id).await;
    assert_eq!(status(&lines[4]), (LineStatus::Pending, String::new()));
    set_clock(&api, LATE).await;
    assert_eq!(api.until_complete(&id).await.settled_count, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_too_far_ahead_is_refused_alone() {
    let (_node, api, _world) = world().await;
    let line = || file_lines(1, &german(1), BETA, 100);
    let file = PackageFile::new("FILE-1").part(LONG_AGO, &belgian(1), line());
    let taken = api.bring(ALFA, "bring", &file.part("2099-12-31", &belgian(1), line()).xml()).await.unwrap();
    assert_eq!(taken.refused_lines[0].reason_code, "DT01");
    let done = api.until_complete(&taken.package.unwrap().package_id).await;
    assert_eq!((done.settled_count, done.refused_count), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_sent_can_be_cancelled() {
    let (_node, api, world) = world().await;
    let id = package_id(&api, &salaries("FILE-1", 15, 10_000)).await;
    until("the money is used up", async || {
        let package = api.package(&id).await.unwrap();
        (package.settled_count == 10).then_some(())
    })
    .await;
    let cancel = |request_id: &str| v1::CancelPackageRequest {
        request_id: request_id.to_owned(),
        package_id: id.clone(),
    };
    let cancelled = api.orders().cancel_package(cancel("cancel")).await.unwrap().into_inner();
    assert_eq!(cancelled.package.unwrap().cancelled_count, 5);
    let again = api.orders().cancel_package(cancel("cancel")).await.unwrap().into_inner();
    assert!(again.confirmation.unwrap().repeat);
    let refused = api.orders().cancel_package(cancel("twice")).await.unwrap_err();
    assert_eq!(reason_of(&refused), (Code::FailedPrecondition, "PACKAGE_NOT_OPEN".to_owned()));
    world.post(&belgian(1), v1::EntryDirection::Credit, "500.00").await.unwrap();
    let done = api.until_complete(&id).await;
    assert_eq!((done.settled_count, done.cancelled_count), (10, 5));
    let (report, lines) = report(&api, &id).await;
    assert_eq!(report.status, Some(GroupStatus::PartlyAccepted));
    assert_eq!(status(&lines[14]), (LineStatus::Cancelled, String::new()));
    assert_eq!(api.balance(&belgian(1)).await, "500.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_can_t_be_are_refused_with_what_is_wrong() {
    let (_node, api, world) = world().await;
    let file = salaries("FILE-1", 1, 100);
    let unknown = api.package("0400131ZF8F55M4VCG00000000000T8").await.unwrap_err();
    assert_eq!(reason_of(&unknown), (Code::NotFound, "PACKAGE_UNKNOWN".to_owned()));
    assert_eq!(api.package("nonsense").await.unwrap_err().code(), Code::InvalidArgument);
    let stranger = api.bring("NOBODEFFXXX", "stranger", &file).await.unwrap_err();
    assert_eq!(reason_of(&stranger), (Code::NotFound, "PARTICIPANT_UNKNOWN".to_owned()));
    world.remote_bank().await;
    let remote = api.bring(GAMMA, "remote", &file).await.unwrap_err();
    assert_eq!(reason_of(&remote), (Code::FailedPrecondition, "ACCOUNTS_NOT_HOSTED".to_owned()));
    let chunk = |bytes: usize| v1::SubmitPackageRequest { part: Some(Part::Chunk(vec![b' '; bytes])) };
    let header = |header| v1::SubmitPackageRequest { part: Some(Part::Header(header)) };
    let right = package_header(ALFA, "bring", &file);
    for messages in [
        vec![],
        vec![chunk(3)],
        vec![header(right.clone()), header(right.clone())],
        vec![header(right.clone()), chunk((1 << 20) + 1)],
        vec![header(v1::PackageHeader { sha256: vec![1; 31], ..right.clone() })],
        vec![header(v1::PackageHeader { length: 0, ..right.clone() })],
        vec![header(v1::PackageHeader { bic: "ALFA".to_owned(), ..right.clone() })],
        vec![header(v1::PackageHeader { request_id: String::new(), ..right })],
    ] {
        let refused = api.orders().submit_package(tokio_stream::iter(messages)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
    }
    let lines = vec![FileLine { account: german(1), bank: String::new(), cents: 100_000_000_000 }];
    let large = PackageFile::new("LARGE").part(LONG_AGO, &belgian(1), lines).xml();
    let refused = api.bring(ALFA, "large", &large).await.unwrap_err();
    assert_eq!(reason_of(&refused), (Code::InvalidArgument, "PACKAGE_NOT_READABLE".to_owned()));
    assert_eq!(api.balance(&german(1)).await, "1000.00");
}

/// Other banks learn nothing of a bank's packages and orders, not even that there are any.
#[tokio::test(flavor = "multi_thread")]
async fn packages_and_orders_of_other_banks_do_not_exist() {
    let secured = Secured::start().await;
    let [alfa, beta] = crate::identity::world(&secured).await;
    // Who acts for one bank alone need not name it.
    let file = salaries("FILE-1", 2, 100);
    let taken = alfa.bring("", "bring", &file).await.unwrap();
    let id = alfa.until_complete(&taken.package.unwrap().package_id).await.package_id;
    let refused = beta.bring(ALFA, "bring", &file).await.unwrap_err();
    assert_eq!(reason_of(&refused), (Code::PermissionDenied, "BANK_NOT_YOURS".to_owned()));
    let unknown = (Code::NotFound, "PACKAGE_UNKNOWN".to_owned());
    assert_eq!(reason_of(&beta.package(&id).await.unwrap_err()), unknown);
    assert_eq!(reason_of(&beta.package_report(&id).await.unwrap_err()), unknown);
    let cancel = v1::CancelPackageRequest { request_id: "cancel".to_owned(), package_id: id.clone() };
    assert_eq!(reason_of(&beta.orders().cancel_package(cancel).await.unwrap_err()), unknown);
    let list = |bic: &str| v1::ListPackagesRequest { bic: bic.to_owned(), ..Default::default() };
    assert_eq!(alfa.orders().list_packages(list("")).await.unwrap().into_inner().packages.len(), 1);
    assert!(beta.orders().list_packages(list("")).await.unwrap().into_inner().packages.is_empty());
    let refused = beta.orders().list_packages(list(ALFA)).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let auditor = secured.api("auditor").await;
    assert_eq!(auditor.package(&id).await.unwrap().settled_count, 2);
    let orders =
        v1::ListOrdersRequest { iban: belgian(1), currency_code: "EUR".to_owned(), ..Default::default() };
    let refused = beta.orders().list_orders(orders).await.unwrap_err();
    assert_eq!(reason_of(&refused), (Code::NotFound, "ACCOUNT_UNKNOWN".to_owned()));
}
