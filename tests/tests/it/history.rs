//! What was, through the contract: lists, entries, balances and references of the past, to those who may know.

use std::time::Duration;

use client::v1;
use tests::secured::Secured;
use tests::{ALFA, Api, BETA, GAMMA, Node, World, belgian, german, outcome_of, payment, settled, until};
use tonic::{Code, Status};

/// Waits until history has come to a position.
pub(crate) async fn until_told(api: &Api, sequence: u64) -> v1::HistoryAsOf {
    until("history has come so far", async || {
        let status = api.history().get_history_status(v1::GetHistoryStatusRequest {}).await.ok()?;
        status.into_inner().as_of.filter(|as_of| as_of.sequence >= sequence)
    })
    .await
}

fn of_bank(participant: &str) -> v1::ListPaymentsRequest {
    v1::ListPaymentsRequest { participant: participant.to_owned(), oldest_first: true, ..Default::default() }
}

async fn list(api: &Api, request: v1::ListPaymentsRequest) -> Result<v1::ListPaymentsResponse, Status> {
    Ok(api.history().list_payments(request).await?.into_inner())
}

fn ids(page: &v1::ListPaymentsResponse) -> Vec<&str> {
    let outcomes = page.payments.iter().map(|payment| payment.outcome.as_ref().unwrap());
    outcomes.map(|outcome| outcome.transaction_id.as_str()).collect()
}

fn account(iban: &str) -> v1::AccountName {
    v1::AccountName { iban: iban.to_owned(), currency_code: "EUR".to_owned() }
}

fn position(bic: &str) -> v1::PositionName {
    v1::PositionName { bic: bic.to_owned(), currency_code: "EUR".to_owned() }
}

fn entries_of(iban: &str) -> v1::ListEntriesRequest {
    v1::ListEntriesRequest {
        owner: Some(v1::list_entries_request::Owner::Account(account(iban))),
        oldest_first: true,
        ..Default::default()
    }
}

async fn balance(api: &Api, iban: &str, sequence: u64) -> Result<String, Status> {
    let request = v1::GetBalanceRequest {
        owner: Some(v1::get_balance_request::Owner::Account(account(iban))),
        moment: Some(v1::get_balance_request::Moment::Sequence(sequence)),
        incarnation: None,
    };
    Ok(api.history().get_balance(request).await?.into_inner().balance)
}

/// Ten payments of 1.00, 2.00 … 10.00 from the first Belgian to the first German, and one that is refused.
async fn ten_payments(api: &Api) -> Vec<v1::PaymentOutcome> {
    let mut outcomes = Vec::new();
    for number in 1..=10 {
        let order = v1::Payment {
            end_to_end_id: format!("BILL-{}", number % 3),
            ..payment(&format!("TX-{number}"), &format!("{number}.00"))
        };
        outcomes.push(settled(api.submit(&order).await.unwrap()));
    }
    let refused = api.submit(&payment("TX-99", "5000.00")).await.unwrap();
    assert_eq!(refused.reason_code, "AM04");
    outcomes.push(refused);
    outcomes
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_are_listed_and_read_back() {
    let node = Node::with_history().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let outcomes = ten_payments(&api).await;
    let last = outcomes.last().unwrap().sequence;
    let as_of = until_told(&api, last).await;
    assert!(as_of.sequence >= last && as_of.time.is_some());

    let all = list(&api, of_bank(ALFA)).await.unwrap();
    assert_eq!(all.payments.len(), 11);
    assert_eq!(all.next_page_token, "");
    for (listed, outcome) in all.payments.iter().zip(&outcomes) {
        assert_eq!(listed.outcome.as_ref(), Some(outcome));
        assert!(!listed.erased);
        let order = listed.payment.as_ref().unwrap();
        assert_eq!((&order.debtor_account, &order.creditor_account), (&belgian(1), &german(1)));
        assert_eq!(listed.creditor_agent, BETA);
    }
    let newest = list(&api, v1::ListPaymentsRequest { oldest_first: false, ..of_bank(ALFA) }).await.unwrap();
    assert!(newest.payments.iter().eq(all.payments.iter().rev()));
    // The payee's bank was told of settlements.
    assert_eq!(list(&api, of_bank(BETA)).await.unwrap().payments.len(), 10);
    assert_eq!(list(&api, v1::ListPaymentsRequest::default()).await.unwrap().payments.len(), 11);
    let unknown = list(&api, of_bank("NOBODYBE")).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_and_pages() {
    let node = Node::with_history().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let outcomes = ten_payments(&api).await;
    until_told(&api, outcomes.last().unwrap().sequence).await;
    let narrowed = v1::ListPaymentsRequest {
        statuses: vec![v1::PaymentStatus::Settled.into()],
        currency_code: "EUR".to_owned(),
        amount_min: "3.00".to_owned(),
        amount_max: "7.00".to_owned(),
        counterpart: BETA.to_owned(),
        account: german(1),
        ..of_bank(ALFA)
    };
    let found = list(&api, narrowed.clone()).await.unwrap();
    assert_eq!(ids(&found), ["TX-3", "TX-4", "TX-5", "TX-6", "TX-7"]);
    let times: Vec<_> = found.payments.iter().map(|payment| payment.received_time).collect();
    let in_time = v1::ListPaymentsRequest { from_time: times[1], until_time: times[3], ..narrowed.clone() };
    assert_eq!(ids(&list(&api, in_time).await.unwrap()), ["TX-4", "TX-5"]);

    let mut request = v1::ListPaymentsRequest { page_size: 2, ..narrowed.clone() };
    let mut paged: Vec<String> = Vec::new();
    let mut first_token = String::new();
    // A node that starts again knows the tokens that it gave out.
    let node = node.restart().await;
    let api = node.api().await;
    until_told(&api, outcomes.last().unwrap().sequence).await;
    loop {
        let page = list(&api, request.clone()).await.unwrap();
        paged.extend(ids(&page).into_iter().map(str::to_owned));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
        first_token = request.page_token.clone();
    }
    assert_eq!(paged, ["TX-3", "TX-4", "TX-5", "TX-6", "TX-7"]);

    // A token goes with its own question, and with no other text.
    let other = v1::ListPaymentsRequest { page_token: first_token.clone(), ..of_bank(BETA) };
    let broken = v1::ListPaymentsRequest { page_token: first_token.replace('0', "1"), ..narrowed.clone() };
    let large = v1::ListPaymentsRequest { page_size: 501, ..narrowed.clone() };
    let bare = v1::ListPaymentsRequest { currency_code: String::new(), ..narrowed };
    let sided = v1::ListPaymentsRequest { side: v1::PaymentSide::Debtor.into(), ..Default::default() };
    for wrong in [other, broken, large, bare, sided] {
        assert_eq!(list(&api, wrong).await.unwrap_err().code(), Code::InvalidArgument);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_and_balances_of_any_moment() {
    let node = Node::with_history().await;
    let api = node.api().await;
    let world = World::set_up(&api, 1).await;
    let outcomes = ten_payments(&api).await;
    world.post(&belgian(1), v1::EntryDirection::Debit, "45.00").await.unwrap();
    let marker = settled(api.submit(&payment("TX-11", "0.01")).await.unwrap());
    until_told(&api, marker.sequence).await;

    let entries = api.history().list_entries(entries_of(&belgian(1))).await.unwrap().into_inner().entries;
    let told: Vec<_> = entries.iter().map(|entry| (entry.r#type(), entry.balance.as_str())).collect();
    assert_eq!(told.len(), 13);
    assert_eq!(told[0], (v1::EntryType::Posting, "1000.00"));
    assert_eq!(told[3], (v1::EntryType::Payment, "994.00"));
    assert_eq!(told[11], (v1::EntryType::Posting, "900.00"));
    assert_eq!(told[12], (v1::EntryType::Payment, "899.99"));
    assert_eq!((entries[11].booking_key.as_str(), entries[11].reference.as_str()), ("SALARY", "CORE-1"));
    assert!(entries.iter().all(|entry| !entry.erased));
    let third = &entries[3];
    assert_eq!(
        (third.payment_id.as_str(), third.transaction_id.as_str()),
        (outcomes[2].payment_id.as_str(), "TX-3")
    );
    assert_eq!((third.direction(), third.counterpart.as_str()), (v1::EntryDirection::Debit, BETA));
    assert_eq!(third.amount.as_ref().unwrap().amount, "3.00");
    assert_eq!(third.payment.as_ref().unwrap().creditor_account, german(1));
    let funding = v1::ListEntriesRequest {
        owner: Some(v1::list_entries_request::Owner::Position(position(BETA))),
        oldest_first: true,
        ..Default::default()
    };
    let funded = api.history().list_entries(funding).await.unwrap().into_inner().entries;
    assert_eq!(
        (funded[0].r#type(), funded[0].reference.as_str()),
        (v1::EntryType::Liquidity, "FUND-1000000.00")
    );
    let of_position = v1::ListEntriesRequest {
        owner: Some(v1::list_entries_request::Owner::Position(position(BETA))),
        page_size: 1,
        ..Default::default()
    };
    let page = api.history().list_entries(of_position).await.unwrap().into_inner();
    assert_eq!((page.entries.len(), page.next_page_token.is_empty()), (1, false));
    assert_eq!(
        (page.entries[0].balance.as_str(), page.entries[0].counterpart.as_str()),
        ("1000055.01", ALFA)
    );

    assert_eq!(balance(&api, &belgian(1), outcomes[3].sequence).await.unwrap(), "990.00");
    assert_eq!(balance(&api, &german(1), outcomes[3].sequence).await.unwrap(), "1010.00");
    assert_eq!(balance(&api, &belgian(1), marker.sequence).await.unwrap(), api.balance(&belgian(1)).await);
    assert_eq!(balance(&api, &belgian(1), 1).await.unwrap_err().code(), Code::NotFound, "not opened yet");
    assert_eq!(balance(&api, &belgian(7), marker.sequence).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(balance(&api, &belgian(1), u64::MAX).await.unwrap_err().code(), Code::OutOfRange);
    let at_time = v1::GetBalanceRequest {
        owner: Some(v1::get_balance_request::Owner::Position(position(ALFA))),
        moment: Some(v1::get_balance_request::Moment::Time(outcomes[4].decided_time.unwrap())),
        incarnation: None,
    };
    let told = api.history().get_balance(at_time).await.unwrap().into_inner();
    assert_eq!((told.balance.as_str(), told.since_sequence), ("999985.00", outcomes[4].sequence));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_finds_its_payments() {
    let node = Node::with_history().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let outcomes = ten_payments(&api).await;
    until_told(&api, outcomes.last().unwrap().sequence).await;
    let request = v1::FindPaymentsRequest { end_to_end_id: "BILL-1".to_owned(), ..Default::default() };
    let find = async |request| api.history().find_payments(request).await.map(tonic::Response::into_inner);
    let found = find(request.clone()).await.unwrap();
    let ids: Vec<_> = found
        .payments
        .iter()
        .map(|payment| payment.outcome.as_ref().unwrap().transaction_id.as_str())
        .collect();
    assert_eq!(ids, ["TX-10", "TX-7", "TX-4", "TX-1"]);
    let nothing = v1::FindPaymentsRequest { end_to_end_id: "BILL-9".to_owned(), ..Default::default() };
    assert!(find(nothing).await.unwrap().payments.is_empty());
    let long_ago = v1::FindPaymentsRequest {
        from_date: "2020-01-01".to_owned(),
        until_date: "2020-12-31".to_owned(),
        ..request.clone()
    };
    assert!(find(long_ago).await.unwrap().payments.is_empty());
    let too_long = v1::FindPaymentsRequest { from_date: "2020-01-01".to_owned(), ..request };
    assert_eq!(find(too_long).await.unwrap_err().code(), Code::InvalidArgument);
}

/// A payment that a bank decides later stands where it stood, and is told to that bank when it is decided.
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_waits_is_told_as_it_ends() {
    let node = Node::with_history().await;
    let api = node.api().await;
    let world = World::set_up(&api, 1).await;
    world.remote_bank().await;
    node.until_grace_is_over().await;
    let mut bank = tests::Bank::connect(&api, GAMMA).await;
    let order = tests::payment_to_remote("TX-1", "10.00");
    let reserved = api.submit_within(&order, 0).await.unwrap();
    assert_eq!(reserved.status(), v1::PaymentStatus::Reserved);
    until_told(&api, reserved.sequence).await;
    let waiting = list(&api, of_bank(ALFA)).await.unwrap();
    assert_eq!(waiting.payments[0].outcome.as_ref(), Some(&reserved));
    assert!(list(&api, of_bank(GAMMA)).await.unwrap().payments.is_empty());
    let question = bank.question().await;
    bank.accept(&question).await;
    let decided = until("the payment is final", async || {
        let told = outcome_of(api.by_id(&reserved.payment_id).await.unwrap());
        (told.status() == v1::PaymentStatus::Settled).then_some(told)
    })
    .await;
    until_told(&api, decided.decided_sequence).await;
    for participant in [ALFA, GAMMA] {
        let listed = list(&api, of_bank(participant)).await.unwrap();
        assert_eq!(listed.payments.len(), 1);
        assert_eq!(listed.payments[0].outcome.as_ref(), Some(&decided), "{participant}");
    }
    let settled_only =
        v1::ListPaymentsRequest { statuses: vec![v1::PaymentStatus::Settled.into()], ..of_bank(ALFA) };
    assert_eq!(list(&api, settled_only).await.unwrap().payments.len(), 1);
}

/// Each sees its own side; operators and auditors see everything.
#[tokio::test(flavor = "multi_thread")]
async fn everyone_sees_what_is_its_own() {
    let secured = Secured::start().await;
    let (operator, alfa, beta) =
        (secured.api("operator").await, secured.api("alfa").await, secured.api("beta").await);
    let (auditor, instructing) = (secured.api("auditor").await, secured.api("instructing").await);
    for bank in [ALFA, BETA] {
        World::of(operator.clone()).register(bank, v1::AccountMode::Hosted).await;
        World::of(operator.clone()).fund(bank, "1000.00").await;
    }
    World::of(alfa.clone()).customer(ALFA, &belgian(1)).await;
    World::of(beta.clone()).customer(BETA, &german(1)).await;
    let paid = settled(alfa.submit(&payment("TX-1", "10.00")).await.unwrap());
    let refused = alfa.submit(&payment("TX-2", "5000.00")).await.unwrap();
    // An attempt in the name of a bank by somebody else.
    let stolen = beta.submit(&payment("TX-3", "1.00")).await.unwrap();
    assert_eq!((refused.reason_code.as_str(), stolen.reason_code.as_str()), ("AM04", "RC01"));
    until_told(&operator, stolen.sequence).await;

    let own = v1::ListPaymentsRequest { oldest_first: true, ..Default::default() };
    for (api, expected) in [
        (&alfa, vec!["TX-1", "TX-2"]),
        (&instructing, vec!["TX-1", "TX-2"]),
        (&beta, vec!["TX-1"]),
        (&operator, vec!["TX-1", "TX-2", "TX-3"]),
        (&auditor, vec!["TX-1", "TX-2", "TX-3"]),
    ] {
        assert_eq!(ids(&list(api, own.clone()).await.unwrap()), expected);
    }
    assert_eq!(list(&alfa, of_bank(BETA)).await.unwrap_err().code(), Code::PermissionDenied);
    let find = v1::FindPaymentsRequest { end_to_end_id: "E2E-TX-2".to_owned(), ..Default::default() };
    for (api, expected) in [(&alfa, 1), (&beta, 0), (&auditor, 1)] {
        let found = api.history().find_payments(find.clone()).await.unwrap().into_inner();
        assert_eq!(found.payments.len(), expected);
    }
    let theirs = v1::FindPaymentsRequest { participant: BETA.to_owned(), ..find };
    assert_eq!(alfa.history().find_payments(theirs).await.unwrap_err().code(), Code::PermissionDenied);

    assert_eq!(
        alfa.history().list_entries(entries_of(&belgian(1))).await.unwrap().into_inner().entries.len(),
        2
    );
    let foreign = beta.history().list_entries(entries_of(&belgian(1))).await.unwrap_err();
    assert_eq!(foreign.code(), Code::NotFound, "accounts of others do not exist");
    assert_eq!(balance(&auditor, &belgian(1), paid.sequence).await.unwrap(), "990.00");
    assert_eq!(balance(&beta, &belgian(1), paid.sequence).await.unwrap_err().code(), Code::NotFound);
    let of_position = v1::ListEntriesRequest {
        owner: Some(v1::list_entries_request::Owner::Position(position(BETA))),
        ..Default::default()
    };
    assert_eq!(alfa.history().list_entries(of_position).await.unwrap_err().code(), Code::PermissionDenied);
    let status = v1::GetHistoryStatusRequest {};
    assert_eq!(alfa.history().get_history_status(status).await.unwrap_err().code(), Code::PermissionDenied);
    assert!(auditor.history().get_history_status(status).await.unwrap().into_inner().available);
}

/// A node that keeps none says so, and goes on.
#[tokio::test(flavor = "multi_thread")]
async fn without_history_the_rest_goes_on() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let refused = list(&api, of_bank(ALFA)).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    let status = api.history().get_history_status(v1::GetHistoryStatusRequest {}).await.unwrap().into_inner();
    assert!(!status.available && !status.unavailable_description.is_empty());
    settled(api.submit(&payment("TX-1", "1.00")).await.unwrap());
}

/// A folder that is deleted is made again in the background.
#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_history_comes_back() {
    let node = Node::with_history().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let outcomes = ten_payments(&api).await;
    let last = outcomes.last().unwrap().sequence;
    until_told(&api, last).await;
    let before = list(&api, of_bank(ALFA)).await.unwrap().payments;
    let node = node.restart_after(|folder| std::fs::remove_dir_all(folder.join("history")).unwrap()).await;
    let api = node.api().await;
    until_told(&api, last).await;
    assert_eq!(list(&api, of_bank(ALFA)).await.unwrap().payments, before);
}

/// The engine forgets a payment after five days. History does not.
#[tokio::test(flavor = "multi_thread")]
async fn last_years_payment_is_answered_for() {
    let folder = tempfile::tempdir().unwrap();
    let accepted = tests::write_old_log(folder.path(), Duration::from_secs(370 * 24 * 3600), 3);
    let node = Node::with_history_on(folder).await;
    let api = node.api().await;
    let recent = settled(api.submit(&payment("TX-1", "1.00")).await.unwrap());
    until_told(&api, recent.sequence).await;

    let acceptance_time = Some(client::convert::timestamp(accepted));
    let old = |id: &str| v1::Payment { acceptance_time, ..payment(id, "1.00") };
    let found = outcome_of(api.by_key(&old("OLD-2")).await.unwrap());
    assert_eq!((found.status(), found.acceptance_time), (v1::PaymentStatus::Settled, acceptance_time));
    assert_eq!(outcome_of(api.by_id(&found.payment_id).await.unwrap()), found);
    // Who does not know when it was finds it as well.
    let sometime = v1::Payment { acceptance_time: None, ..old("OLD-2") };
    assert_eq!(outcome_of(api.by_key(&sometime).await.unwrap()), found);
    // What is nowhere in the log can't come any more if its time is over.
    let v1::get_payment_response::Result::NotFound(never) = api.by_key(&old("OLD-9")).await.unwrap() else {
        panic!("there was no such payment")
    };
    assert!(never.r#final && !never.forgotten);
    let v1::get_payment_response::Result::NotFound(unknown) =
        api.by_key(&v1::Payment { acceptance_time: None, ..old("OLD-9") }).await.unwrap()
    else {
        panic!("there was no such payment")
    };
    assert!(!unknown.r#final, "one that Solvo stamps may yet come");

    let request = v1::FindPaymentsRequest {
        end_to_end_id: "A BILL OF OLD".to_owned(),
        from_date: accepted.date().to_string(),
        until_date: accepted.date().to_string(),
        ..Default::default()
    };
    assert_eq!(api.history().find_payments(request).await.unwrap().into_inner().payments.len(), 3);
    let at_time = v1::GetBalanceRequest {
        owner: Some(v1::get_balance_request::Owner::Account(account(&german(1)))),
        moment: Some(v1::get_balance_request::Moment::Time(found.decided_time.unwrap())),
        incarnation: None,
    };
    let then = api.history().get_balance(at_time).await.unwrap().into_inner().balance;
    assert_eq!((then.as_str(), api.balance(&german(1)).await.as_str()), ("1002.00", "1004.00"));
}

/// A node that keeps none can only say that the payment may be older than what is at hand.
#[tokio::test(flavor = "multi_thread")]
async fn without_history_last_years_payment_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let accepted = tests::write_old_log(folder.path(), Duration::from_secs(10 * 24 * 3600), 1);
    let node = Node::on(folder).await;
    let api = node.api().await;
    settled(api.submit(&payment("TX-1", "1.00")).await.unwrap());
    let acceptance_time = Some(client::convert::timestamp(accepted));
    let old = v1::Payment { acceptance_time, ..payment("OLD-1", "1.00") };
    let v1::get_payment_response::Result::NotFound(told) = api.by_key(&old).await.unwrap() else {
        panic!("nothing can be said about it")
    };
    assert!(told.forgotten && !told.r#final);
}

/// The oldest segment of a log that has left for the archive goes for good, and history with it.
fn lose_the_beginning(folder: &std::path::Path) {
    let archive = std::fs::read_dir(folder.join("archive")).expect("segments have left");
    let oldest = archive.map(|entry| entry.unwrap().path()).min().expect("there is one");
    std::fs::remove_file(oldest).unwrap();
    std::fs::remove_dir_all(folder.join("history")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn history_of_a_log_that_has_lost_its_beginning_says_where_it_begins() {
    let node = Node::with_history_and_snapshots(512 << 10).await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let mut outcomes = Vec::new();
    // Each is a frame of its own, of 4 KiB or more; the second snapshot after a segment's end lets that leave.
    while !node.folder().join("archive").exists() {
        let number = outcomes.len();
        assert!(number < 5000, "no segment has left");
        outcomes.push(settled(api.submit(&payment(&format!("TX-{number}"), "0.01")).await.unwrap()));
    }
    let (first, last) = (outcomes[0].sequence, outcomes[outcomes.len() - 1].sequence);
    until_told(&api, last).await;
    let whole = balance(&api, &belgian(1), last).await.unwrap();

    let node = node.restart_after(lose_the_beginning).await;
    let api = node.api().await;
    let as_of = until_told(&api, last).await;
    let begins = as_of.begins_after_sequence;
    assert!(begins > first && begins <= last && as_of.begins_after_time.is_some(), "{as_of:?}");
    // What is known is as it was, what is not is refused, and lists say where they begin.
    assert_eq!(balance(&api, &belgian(1), last).await.unwrap(), whole);
    let before = balance(&api, &belgian(1), begins - 1).await.unwrap_err();
    assert_eq!(before.code(), Code::OutOfRange);
    assert!(before.message().contains(&begins.to_string()), "{before}");
    let since: Vec<_> = outcomes.iter().filter(|outcome| outcome.sequence > begins).collect();
    let mut listed = Vec::new();
    let mut request = v1::ListPaymentsRequest { page_size: 500, ..of_bank(ALFA) };
    loop {
        let page = list(&api, request.clone()).await.unwrap();
        assert_eq!(page.as_of.as_ref().unwrap().begins_after_sequence, begins);
        listed.extend(page.payments.into_iter().map(|payment| payment.outcome.unwrap()));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    assert!(listed.iter().eq(since));

    // And it is the same after a restart.
    let node = node.restart().await;
    assert_eq!(until_told(&node.api().await, last).await.begins_after_sequence, begins);
}
