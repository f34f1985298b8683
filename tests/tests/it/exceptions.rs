//! Exceptions: what the node raises, who looks after it, and that only legal actions are carried out, each booked once.

use std::time::Duration;

use client::v1;
use client::v1::{ExceptionAction, ExceptionKind, ExceptionState};
use tests::{
    ALFA, Api, BETA, Bank, GAMMA, Node, World, ago, belgian, german, money, payment, payment_to_remote,
    settled,
};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::calendar::set_years;
use crate::recalls::{reason_of, request};
use crate::statements::until_told;
use crate::watch::Watcher;

async fn world() -> (Node, Api, World) {
    let node = Node::with_history().await;
    let api = node.api().await;
    let world = World::set_up(&api, 2).await;
    (node, api, world)
}

fn raise(id: &str, kind: ExceptionKind, bic: &str) -> v1::RaiseExceptionRequest {
    v1::RaiseExceptionRequest {
        request_id: id.to_owned(),
        bic: bic.to_owned(),
        kind: kind.into(),
        ..Default::default()
    }
}

fn difference(id: &str, amount: &str, direction: v1::EntryDirection) -> v1::RaiseExceptionRequest {
    v1::RaiseExceptionRequest {
        reference: format!("REF-{id}"),
        amount: Some(money(amount)),
        direction: direction.into(),
        note: "Till 4".to_owned(),
        ..raise(id, ExceptionKind::ReconciliationBreak, ALFA)
    }
}

async fn raised(api: &Api, request: v1::RaiseExceptionRequest) -> String {
    api.exceptions().raise_exception(request).await.unwrap().into_inner().exception_id
}

async fn refused(api: &Api, request: v1::RaiseExceptionRequest) -> (Code, String) {
    reason_of(&api.exceptions().raise_exception(request).await.unwrap_err())
}

fn resolve(id: &str, exception_id: &str, action: ExceptionAction) -> v1::ResolveExceptionRequest {
    v1::ResolveExceptionRequest {
        request_id: id.to_owned(),
        exception_id: exception_id.to_owned(),
        action: action.into(),
        ..Default::default()
    }
}

async fn resolved(api: &Api, request: v1::ResolveExceptionRequest) -> Result<v1::Exception, Status> {
    Ok(api.exceptions().resolve_exception(request).await?.into_inner().exception.unwrap())
}

async fn get(api: &Api, exception_id: &str) -> v1::Exception {
    let request = v1::GetExceptionRequest { exception_id: exception_id.to_owned() };
    api.exceptions().get_exception(request).await.unwrap().into_inner().exception.unwrap()
}

async fn listed(api: &Api, request: v1::ListExceptionsRequest) -> Vec<v1::Exception> {
    api.exceptions().list_exceptions(request).await.unwrap().into_inner().exceptions
}

async fn next_exception(watcher: &mut Watcher) -> v1::Event {
    loop {
        let event = watcher.next().await;
        if event.r#type() == v1::EventType::Exception {
            return event;
        }
    }
}

fn only_exceptions() -> v1::WatchRequest {
    v1::WatchRequest { types: vec![v1::EventType::Exception.into()], ..Default::default() }
}

/// The node raises it by itself, once, and says so to those who watch, also after a restart.
#[tokio::test(flavor = "multi_thread")]
async fn late_positive_answer_becomes_an_exception() {
    let (node, api, world) = world().await;
    world.remote_bank().await;
    let mut watcher = Watcher::start(&api, only_exceptions()).await;
    let begin = watcher.upto;
    let mut gamma = Bank::connect(&api, GAMMA).await;
    let expiring = v1::Payment {
        acceptance_time: Some(ago(Duration::from_millis(6500))),
        ..payment_to_remote("TX-1", "12.00")
    };
    let paying = api.submit_aside(&expiring);
    let question = gamma.question().await;
    let expired = paying.await.unwrap().unwrap();
    assert_eq!(expired.reason_code, "AB05");
    gamma.accept(&question).await;
    gamma.accept(&question).await;
    let event = next_exception(&mut watcher).await;
    let told = event.exception.clone().unwrap();
    assert_eq!((event.participant.as_str(), told.kind()), (GAMMA, ExceptionKind::LatePositive));
    assert_eq!(told.amount, Some(money("12.00")));

    let found = get(&api, &told.exception_id).await;
    assert_eq!((found.bic.as_str(), found.other_bic.as_str()), (GAMMA, ALFA));
    assert_eq!((&found.payment_id, found.state()), (&expired.payment_id, ExceptionState::Open));
    assert_eq!(found.direction(), v1::EntryDirection::Debit);
    let legal: Vec<_> = v1::Exception::legal_actions(&get(&api, &told.exception_id).await).collect();
    use ExceptionAction::{BookToCustomer, Close, ToSuspense};
    assert_eq!(legal, [BookToCustomer, ToSuspense, Close]);
    let again =
        v1::RaiseExceptionRequest { payment_id: expired.payment_id, ..raise("again", told.kind(), GAMMA) };
    assert_eq!(refused(&api, again).await, (Code::AlreadyExists, "EXCEPTION_EXISTS".to_owned()));

    let mut illegal = resolve("ask", &told.exception_id, ExceptionAction::AskAgain);
    let status = resolved(&api, illegal.clone()).await.unwrap_err();
    assert_eq!(reason_of(&status).1, "ACTION_NOT_LEGAL");
    assert!(status.message().contains("BOOK_TO_CUSTOMER, TO_SUSPENSE, WRITE_OFF, CLOSE"), "{status:?}");
    illegal.returned = Some(v1::ExceptionReturn::default());
    assert_eq!(resolved(&api, illegal).await.unwrap_err().code(), Code::InvalidArgument);
    resolved(&api, resolve("close", &told.exception_id, Close)).await.unwrap();
    let closed = next_exception(&mut watcher).await;
    assert_eq!(closed.exception.as_ref().unwrap().action(), Close);
    drop((gamma, watcher));

    let node = node.restart().await;
    let api = node.api().await;
    let found = get(&api, &told.exception_id).await;
    assert_eq!((found.state(), found.last_action()), (ExceptionState::Resolved, Close));
    let mut after =
        Watcher::start(&api, v1::WatchRequest { after_sequence: Some(begin), ..only_exceptions() }).await;
    assert_eq!([after.next().await, after.next().await], [event, closed]);
    api.trial_balance().await;
}

/// Through suspense to the customer: each step is booked once, whatever is repeated.
#[tokio::test(flavor = "multi_thread")]
async fn money_goes_through_suspense_to_the_customer() {
    use ExceptionAction::{AskAgain, BookToCustomer, Close, ToSuspense, WriteOff};
    let (node, api, _world) = world().await;
    let id = raised(&api, difference("one", "30.00", v1::EntryDirection::Credit)).await;
    assert_eq!(raised(&api, difference("one", "30.00", v1::EntryDirection::Credit)).await, id);
    let owner = v1::AssignExceptionRequest {
        request_id: "owner".to_owned(),
        exception_id: id.clone(),
        owner: "back-office".to_owned(),
        note: String::new(),
    };
    api.exceptions().assign_exception(owner).await.unwrap();
    let no = reason_of(&resolved(&api, resolve("no", &id, WriteOff)).await.unwrap_err());
    assert_eq!(no, (Code::FailedPrecondition, "EXCEPTION_NOT_IN_SUSPENSE".to_owned()));
    let apart = resolved(&api, resolve("apart", &id, ToSuspense)).await.unwrap();
    assert_eq!((apart.in_suspense, apart.suspense_balance.as_str()), (true, "30.00"));
    resolved(&api, resolve("apart", &id, ToSuspense)).await.unwrap();
    let twice = reason_of(&resolved(&api, resolve("twice", &id, ToSuspense)).await.unwrap_err());
    assert_eq!(twice.1, "EXCEPTION_IN_SUSPENSE");
    let early = reason_of(&resolved(&api, resolve("early", &id, Close)).await.unwrap_err());
    assert_eq!(early.1, "EXCEPTION_IN_SUSPENSE");
    let asked = resolved(&api, resolve("ask", &id, AskAgain)).await.unwrap();
    assert_eq!((asked.asked_count, asked.state()), (1, ExceptionState::Assigned));

    let elsewhere =
        v1::ResolveExceptionRequest { iban: german(1), ..resolve("elsewhere", &id, BookToCustomer) };
    assert_eq!(reason_of(&resolved(&api, elsewhere).await.unwrap_err()).1, "ACCOUNT_UNKNOWN");
    let book = v1::ResolveExceptionRequest {
        iban: belgian(1),
        note: "Found the payer".to_owned(),
        ..resolve("book", &id, BookToCustomer)
    };
    let booked = resolved(&api, book.clone()).await.unwrap();
    assert_eq!((booked.state(), booked.suspense_balance.as_str()), (ExceptionState::Resolved, "0.00"));
    assert!(booked.legal_actions.is_empty());
    resolved(&api, book).await.unwrap();
    assert_eq!(api.balance(&belgian(1)).await, "1030.00");
    assert_eq!(
        reason_of(&resolved(&api, resolve("late", &id, Close)).await.unwrap_err()).1,
        "EXCEPTION_RESOLVED"
    );

    let back = raised(&api, difference("two", "5.00", v1::EntryDirection::Debit)).await;
    let book = v1::ResolveExceptionRequest { iban: belgian(1), ..resolve("back", &back, BookToCustomer) };
    let acted = resolved(&api, book).await.unwrap().acted_sequence;
    assert_eq!(api.balance(&belgian(1)).await, "1025.00");
    let lost = raised(&api, difference("three", "1.50", v1::EntryDirection::Debit)).await;
    assert_eq!(resolved(&api, resolve("lose", &lost, ToSuspense)).await.unwrap().suspense_balance, "-1.50");
    assert_eq!(resolved(&api, resolve("off", &lost, WriteOff)).await.unwrap().suspense_balance, "0.00");
    api.trial_balance().await;

    until_told(&api, acted).await;
    let account = v1::AccountName { iban: belgian(1), currency_code: "EUR".to_owned() };
    let entries = v1::ListEntriesRequest {
        owner: Some(v1::list_entries_request::Owner::Account(account)),
        ..Default::default()
    };
    let entries = api.history().list_entries(entries).await.unwrap().into_inner().entries;
    let entries: Vec<_> =
        entries.into_iter().filter(|entry| entry.r#type() == v1::EntryType::Exception).collect();
    let mut told: Vec<_> = entries
        .iter()
        .map(|entry| (entry.amount.clone().unwrap().amount, entry.remittance.as_str()))
        .collect();
    told.sort_unstable();
    assert_eq!(told, [("30.00".to_owned(), "Found the payer"), ("5.00".to_owned(), "")]);

    let node = node.restart().await;
    let api = node.api().await;
    assert_eq!(get(&api, &id).await.note, "Till 4");
    assert_eq!(api.balance(&belgian(1)).await, "1025.00");
    api.trial_balance().await;
}

/// A return is a recall, or the answer to one, that is made where it has not been.
#[tokio::test(flavor = "multi_thread")]
async fn payment_goes_back_by_a_recall() {
    use ExceptionAction::Return;
    let (_node, api, _world) = world().await;
    set_years(&api).await;
    let paid = settled(api.submit(&payment("TX-1", "100.00")).await.unwrap());
    let about = |id, kind, bic| v1::RaiseExceptionRequest {
        payment_id: paid.payment_id.clone(),
        ..raise(id, kind, bic)
    };
    let positive = about("positive", ExceptionKind::LatePositive, BETA);
    assert_eq!(refused(&api, positive).await.1, "ORIGINAL_SETTLED");
    let foreign = about("foreign", ExceptionKind::CreditNotAcknowledged, ALFA);
    assert_eq!(refused(&api, foreign).await, (Code::PermissionDenied, "BANK_NOT_YOURS".to_owned()));
    let late = raised(&api, about("late", ExceptionKind::LateConfirmation, ALFA)).await;
    let unheard = raised(&api, about("unheard", ExceptionKind::CreditNotAcknowledged, BETA)).await;

    let bare = resolved(&api, resolve("bare", &late, Return)).await.unwrap_err();
    assert_eq!(reason_of(&bare).1, "RECALL_MISSING");
    let returned = |id, exception: &str| v1::ResolveExceptionRequest {
        returned: Some(v1::ExceptionReturn {
            reference: "BACK-1".to_owned(),
            money: None,
            payee_consent: true,
        }),
        ..resolve(id, exception, Return)
    };
    assert_eq!(resolved(&api, returned("ask", &late)).await.unwrap().state(), ExceptionState::Resolved);
    let [recall] = &crate::recalls::work_list(&api, BETA).await[..] else { panic!("it is asked back") };
    assert_eq!(recall.reason_code, "TECH");
    let again = api.recalls().request_recall(request("again", &paid.payment_id, "DUPL")).await.unwrap_err();
    assert_eq!(again.code(), Code::AlreadyExists);
    let due = v1::RaiseExceptionRequest {
        recall_id: recall.recall_id.clone(),
        ..raise("due", ExceptionKind::RecallDue, BETA)
    };
    assert_eq!(refused(&api, due).await.1, "NOT_DUE");
    let back = resolved(&api, returned("back", &unheard)).await.unwrap();
    assert_eq!((back.state(), back.last_action()), (ExceptionState::Resolved, Return));
    assert_eq!(api.balance(&belgian(1)).await, "1000.00");
    assert_eq!(api.balance(&german(1)).await, "1000.00");
    resolved(&api, returned("back", &unheard)).await.unwrap();
    api.trial_balance().await;
}

/// A bank that accepts once more has heard that the payment was settled: the node closes what was open about it.
#[tokio::test(flavor = "multi_thread")]
async fn credit_that_is_acknowledged_is_closed() {
    let (_node, api, world) = world().await;
    world.remote_bank().await;
    let mut watcher = Watcher::start(&api, only_exceptions()).await;
    let mut gamma = Bank::connect(&api, GAMMA).await;
    let paying = api.submit_aside(&payment_to_remote("TX-1", "12.00"));
    let question = gamma.question().await;
    gamma.accept(&question).await;
    let paid = settled(paying.await.unwrap().unwrap());
    let unheard = v1::RaiseExceptionRequest {
        payment_id: paid.payment_id,
        ..raise("unheard", ExceptionKind::CreditNotAcknowledged, GAMMA)
    };
    let id = raised(&api, unheard).await;
    next_exception(&mut watcher).await;
    let asked = resolved(&api, resolve("ask", &id, ExceptionAction::AskAgain)).await.unwrap();
    assert_eq!(asked.asked_count, 1);
    let told = next_exception(&mut watcher).await.exception.unwrap();
    assert_eq!(told.action(), ExceptionAction::AskAgain);
    gamma.accept(&question).await;
    let told = next_exception(&mut watcher).await.exception.unwrap();
    assert_eq!((&told.exception_id, told.action()), (&id, ExceptionAction::Close));
    assert_eq!(get(&api, &id).await.state(), ExceptionState::Resolved);
}

#[tokio::test(flavor = "multi_thread")]
async fn exceptions_are_listed_by_what_is_asked_for() {
    let (_node, api, _world) = world().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(raised(&api, difference(&format!("d{number}"), "1.00", v1::EntryDirection::Credit)).await);
    }
    let stale =
        v1::RaiseExceptionRequest { iban: belgian(2), ..raise("stale", ExceptionKind::StaleMirror, ALFA) };
    let stale = raised(&api, stale).await;
    let owner = v1::AssignExceptionRequest {
        request_id: "owner".to_owned(),
        exception_id: ids[1].clone(),
        owner: "tills".to_owned(),
        note: String::new(),
    };
    api.exceptions().assign_exception(owner).await.unwrap();
    resolved(&api, resolve("close", &ids[0], ExceptionAction::Close)).await.unwrap();
    let of = |exceptions: Vec<v1::Exception>| -> Vec<String> {
        exceptions.into_iter().map(|exception| exception.exception_id).collect()
    };
    let all = v1::ListExceptionsRequest::default();
    assert_eq!(of(listed(&api, all.clone()).await), [&ids[1..], std::slice::from_ref(&stale)].concat());
    let page = v1::ListExceptionsRequest { page_size: 2, after_exception_id: ids[1].clone(), ..all.clone() };
    assert_eq!(of(listed(&api, page).await), ids[2..4]);
    let mirrors = v1::ListExceptionsRequest { kinds: vec![ExceptionKind::StaleMirror.into()], ..all.clone() };
    let mirrors = listed(&api, mirrors).await;
    assert_eq!((mirrors[0].iban.clone(), mirrors[0].amount.clone()), (belgian(2), None));
    assert_eq!(of(mirrors), [stale]);
    let owned = v1::ListExceptionsRequest { owner: "tills".to_owned(), ..all.clone() };
    assert_eq!(of(listed(&api, owned).await), ids[1..2]);
    let states = vec![ExceptionState::Resolved.into()];
    let done = v1::ListExceptionsRequest { states, bic: ALFA.to_owned(), ..all.clone() };
    assert_eq!(of(listed(&api, done).await), ids[..1]);
    let old = v1::ListExceptionsRequest { age_seconds_min: 3600, ..all.clone() };
    assert!(listed(&api, old).await.is_empty());
    assert!(listed(&api, v1::ListExceptionsRequest { bic: BETA.to_owned(), ..all }).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_named() {
    let (_node, api, _world) = world().await;
    let kind = ExceptionKind::ReconciliationBreak;
    for (request, field) in [
        (raise("1", ExceptionKind::Unspecified, ALFA), "kind"),
        (raise("2", kind, ALFA), "reference"),
        (v1::RaiseExceptionRequest { payment_id: "X".to_owned(), ..raise("3", kind, ALFA) }, "payment_id"),
        (raise("4", ExceptionKind::RecallDue, ALFA), "recall_id"),
        (raise("5", ExceptionKind::StaleMirror, ALFA), "iban"),
        (raise("6", ExceptionKind::LatePositive, ALFA), "payment_id"),
    ] {
        let status = api.exceptions().raise_exception(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        let fields = status.get_details_bad_request().unwrap().field_violations;
        assert!(fields.iter().any(|found| found.field == field), "{field}: {fields:?}");
    }
    let id = raised(&api, difference("one", "1.00", v1::EntryDirection::Credit)).await;
    let unbooked = resolve("book", &id, ExceptionAction::BookToCustomer);
    assert_eq!(resolved(&api, unbooked).await.unwrap_err().code(), Code::InvalidArgument);
    let paid = settled(api.submit(&payment("TX-1", "1.00")).await.unwrap());
    let unknown = v1::GetExceptionRequest { exception_id: paid.payment_id };
    let unknown = api.exceptions().get_exception(unknown).await.unwrap_err();
    assert_eq!(reason_of(&unknown), (Code::NotFound, "EXCEPTION_UNKNOWN".to_owned()));
}
