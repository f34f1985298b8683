//! What a restore to the middle of a log means to those outside: banks that come back, payments that were lost, receipts.

use std::fs;

use client::convert::{timestamp, timestamp_from_wire};
use client::v1;
use client::v1::get_payment_response::Result as Answer;
use iso20022::{Message, Rules, StatusRequest, read_message, write_pacs028};
use rustix::process::Signal;
use tests::{ALFA, Api, BETA, Bank, Exchange, World, belgian, now, payment, settled, start, trim_log, until};
use tonic::{Code, Status};
use types::{Bic, Duration, Text, Timestamp};

use crate::backup::Folders;
use crate::process::{Served, errors, run, solvo, text};

/// A node whose log was cut off behind its middle and has gone on beyond where it ended before.
struct Restored {
    served: Served,
    folders: Folders,
    api: Api,
    /// What was settled in the first life, in its order.
    outcomes: Vec<v1::PaymentOutcome>,
    /// How many of those were kept.
    kept: usize,
    /// Of the first life and of the second.
    incarnations: [u64; 2],
    upto: u64,
    /// The last position that the first life told.
    lost: u64,
    /// Where a page of history ended in the first life.
    page_token: String,
}

const PAYMENTS: usize = 12;

const SERVE: [&str; 4] = ["--listen", "127.0.0.1:0", "--receipt-interval", "1"];

async fn pay(api: &Api, round: &str, count: usize) -> Vec<v1::PaymentOutcome> {
    let mut outcomes = Vec::new();
    for number in 0..count {
        let payment = payment(&format!("TX-{round}-{number}"), "0.01");
        outcomes.push(settled(api.submit(&payment).await.unwrap()));
    }
    outcomes
}

/// The oldest payment of all, or the one after the place of a token.
fn first_page(page_token: &str) -> v1::ListPaymentsRequest {
    let page_token = page_token.to_owned();
    v1::ListPaymentsRequest { oldest_first: true, page_size: 1, page_token, ..Default::default() }
}

impl Restored {
    async fn new() -> Self {
        let folders = Folders::new();
        let served = Served::start_with(&folders.data, &SERVE);
        let api = served.api().await;
        World::set_up(&api, 1).await;
        let first = Bank::connect(&api, BETA).await.started().incarnation.unwrap();
        let outcomes = pay(&api, "OLD", PAYMENTS).await;
        let page_token = until("history has two payments", async || {
            let page = api.history().list_payments(first_page("")).await.ok()?.into_inner();
            Some(page.next_page_token).filter(|token| !token.is_empty())
        })
        .await;
        assert_eq!(served.stop(Signal::TERM).code(), Some(0));
        folders.back_up();
        let until = outcomes[PAYMENTS / 2].sequence.to_string();
        let told = folders.restore(&["--until", &until]);
        let upto = told["restored_upto_sequence"].as_u64().unwrap();
        let kept = outcomes.iter().filter(|outcome| outcome.sequence <= upto).count();
        assert!((1..PAYMENTS).contains(&kept));
        let served = Served::start_with(&folders.restored, &SERVE);
        let api = served.api().await;
        let lost = outcomes.last().unwrap().decided_sequence;
        // The new life passes the end of the old one.
        let mut round = 0;
        while pay(&api, &format!("NEW-{round}"), PAYMENTS).await.pop().unwrap().sequence <= lost {
            round += 1;
        }
        let started = Bank::connect(&api, BETA).await.started().incarnation.unwrap();
        let incarnations = [first, started];
        assert_ne!(first, started);
        Self { served, folders, api, outcomes, kept, incarnations, upto, lost, page_token }
    }
}

#[track_caller]
fn assert_cut_off<Opened>(opened: Result<Opened, Status>, words: &str) {
    let refused = opened.map(|_| "it was opened").unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange, "{refused:?}");
    let refusal = client::Refusal::from_status(&refused);
    assert_eq!(refusal.reason, v1::ErrorReason::PositionTooOld);
    assert!(refusal.message.contains(words), "{}", refusal.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_goes_on_from_a_position_of_the_lost_part() {
    let restored = Restored::new().await;
    let Restored { api, incarnations: [old, new], upto, lost, .. } = &restored;
    let go_on = format!("go on from position {upto}");
    let connect = async |sequence: u64, incarnation: Option<u64>| {
        let begin = v1::ConnectStart { last_sequence: Some(sequence), incarnation, ..start(BETA) };
        Bank::try_connect(api, begin).await
    };
    assert_cut_off(connect(*lost, Some(*old)).await, &go_on);
    assert_cut_off(connect(*lost, None).await, &go_on);
    assert_cut_off(connect(*upto, Some(old ^ new)).await, "a life of the log");
    connect(0, Some(old ^ new)).await.unwrap();
    connect(*lost, Some(*new)).await.unwrap();
    for incarnation in [None, Some(*old), Some(*new)] {
        let mut bank = connect(*upto, incarnation).await.unwrap();
        // Everything after the point, and nothing but the new life's.
        loop {
            let outcome = bank.report().await.outcome.unwrap();
            if outcome.decided_sequence > *upto {
                assert!(outcome.transaction_id.starts_with("TX-NEW-0"), "{outcome:?}");
                break;
            }
        }
    }

    let exchange = async |sequence: u64, incarnation: Option<u64>| {
        let begin = v1::Iso20022ServiceExchangeStart {
            bic: BETA.to_owned(),
            last_sequence: Some(sequence),
            incarnation,
            with_header: false,
        };
        Exchange::try_connect(api, begin).await
    };
    assert_cut_off(exchange(*lost, Some(*old)).await, &go_on);
    assert_cut_off(exchange(*lost, None).await, &go_on);
    let mut documents = exchange(*upto, Some(*old)).await.unwrap();
    let told = documents.next().await;
    assert!(told.sequence >= *upto && told.incarnation == Some(*new), "{told:?}");

    let watch = async |after: u64, incarnation: Option<u64>| {
        let request = v1::WatchRequest { after_sequence: Some(after), incarnation, ..Default::default() };
        let mut told = api.events().watch(request).await?.into_inner();
        Ok::<_, Status>(told.message().await?.unwrap())
    };
    assert_cut_off(watch(*lost, Some(*old)).await, &go_on);
    assert_cut_off(watch(*lost, None).await, &go_on);
    assert_eq!(watch(*upto, Some(*old)).await.unwrap().incarnation, Some(*new));

    until("history is open", async || api.history().list_payments(first_page("")).await.ok()).await;
    let page = api.history().list_payments(first_page(&restored.page_token)).await.unwrap_err();
    assert_eq!(page.code(), Code::InvalidArgument, "places of pages were given anew");

    let owner = v1::AccountName { iban: belgian(1), currency_code: "EUR".to_owned() };
    let balance = async |sequence: u64, incarnation: Option<u64>| {
        let request = v1::GetBalanceRequest {
            owner: Some(v1::get_balance_request::Owner::Account(owner.clone())),
            moment: Some(v1::get_balance_request::Moment::Sequence(sequence)),
            incarnation,
        };
        Ok::<_, Status>(api.history().get_balance(request).await?.into_inner())
    };
    assert_cut_off(balance(*lost, Some(*old)).await, &go_on);
    let told = until("history has come so far", async || balance(*upto, Some(*old)).await.ok()).await;
    assert_eq!(told.as_of.unwrap().incarnation, Some(*new));
}

/// A time so long before that of a position, by what the log told of it.
fn before(outcome: &v1::PaymentOutcome, seconds: u32) -> Timestamp {
    let decided = timestamp_from_wire(outcome.decided_time.as_ref().unwrap()).unwrap();
    decided.minus(Duration::from_seconds(seconds))
}

async fn by_key(api: &Api, transaction_id: &str, accepted: Option<Timestamp>) -> v1::PaymentNotFound {
    let payment = v1::Payment { acceptance_time: accepted.map(timestamp), ..payment(transaction_id, "0.01") };
    match api.by_key(&payment).await.unwrap() {
        Answer::NotFound(not_found) => not_found,
        Answer::Outcome(outcome) => panic!("found: {outcome:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_been_settled_in_the_lost_part_is_never_final() {
    let restored = Restored::new().await;
    let Restored { api, outcomes, kept, upto, .. } = &restored;
    let last = &outcomes[*kept - 1];
    let lost = &outcomes[*kept].transaction_id;
    // Its deadline is over, and the log that is left has never heard of it.
    let answer = by_key(api, lost, Some(before(last, 10))).await;
    assert_eq!((answer.r#final, answer.restored_upto_sequence), (false, Some(*upto)), "{answer:?}");
    let answer = by_key(api, lost, None).await;
    assert_eq!((answer.r#final, answer.restored_upto_sequence), (false, Some(*upto)), "{answer:?}");
    // What was accepted long before the point would be there.
    let answer = by_key(api, "TX-NEVER", Some(before(last, 120))).await;
    assert_eq!((answer.r#final, answer.restored_upto_sequence), (true, None), "{answer:?}");

    let enquire = async |accepted: Timestamp| {
        let request = StatusRequest {
            message_id: Text::parse("ASK-1").unwrap(),
            created_at: now(),
            instructing_agent: None,
            instructed_agent: None,
            original_message_id: Text::parse("M-1").unwrap(),
            request_id: None,
            original_instruction_id: None,
            original_end_to_end_id: None,
            original_transaction_id: Text::parse(lost).unwrap(),
            original_uetr: None,
            acceptance_time: Some(accepted),
            category_purpose: None,
            debtor_agent: Bic::parse(ALFA).unwrap(),
        };
        let document = write_pacs028(&request).into_bytes();
        let request = v1::Iso20022ServiceSubmitRequest { document, wait_ms: None };
        let answer = api.iso20022().submit(request).await.unwrap().into_inner();
        let rules = Rules::sct_inst_2025(Vec::new());
        match read_message(&answer.document, &rules).unwrap().message {
            Message::Rejection(rejection) => rejection.reason.as_str().to_owned(),
            Message::StatusReport(report) => format!("{:?}", report.status),
            other
            @ (Message::CreditTransfer(_) | Message::RefusedTransfer(_) | Message::StatusRequest(_)) => {
                panic!("{other:?}")
            }
        }
    };
    let told = enquire(before(last, 10)).await;
    assert!(told.contains("PAYMENT_MAY_BE_LOST"), "{told}");
    let told = enquire(before(last, 120)).await;
    assert!(told.contains("AG09"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_name_the_ids_that_were_given_in_whichever_life() {
    let restored = Restored::new().await;
    let Restored { folders, served, api, outcomes, kept, .. } = restored;
    let server = served.address().to_string();
    let printed = |arguments: &[&str]| {
        let output = run(arguments);
        assert!(output.status.success(), "{}", errors(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let key = printed(&["receipt", "key", "--server", &server]);
    let new = pay(&api, "LAST", 1).await.pop().unwrap();
    // What the last frame of the point decided has been told in the new life only.
    for outcome in [&outcomes[0], &outcomes[kept - 1], &new] {
        let id = &outcome.payment_id;
        let receipt = printed(&["receipt", "get", id, "--server", &server]);
        assert!(receipt.contains(id), "{receipt}");
        assert_eq!(printed(&["receipt", "get", id, "--data", text(&folders.restored)]), receipt);
        let file = folders.data.with_file_name("receipt.json");
        fs::write(&file, &receipt).unwrap();
        let checked = solvo(["receipt", "verify", text(&file), "--key", key.trim()]);
        assert!(checked.status.success(), "{}", errors(&checked));
    }
    let lost = &outcomes[kept].payment_id;
    let refused = run(&["receipt", "get", lost, "--data", text(&folders.restored)]);
    assert!(errors(&refused).contains("was lost"), "{}", errors(&refused));
    let refused = run(&["receipt", "get", lost, "--server", &server]);
    assert!(errors(&refused).contains("no such payment"), "{}", errors(&refused));
}

#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_are_kept_where_they_can_not_be_made_again() {
    let folders = Folders::new();
    for round in 0..2 {
        let served = Served::start_with(&folders.data, &SERVE);
        let api = served.api().await;
        if round == 0 {
            World::set_up(&api, 1).await;
        }
        let outcome = pay(&api, &format!("{round}"), 1).await.pop().unwrap();
        let server = served.address().to_string();
        let got = run(&["receipt", "get", &outcome.payment_id, "--server", &server]);
        assert!(got.status.success(), "{}", errors(&got));
        assert_eq!(served.stop(Signal::TERM).code(), Some(0));
    }
    let file = folders.data.join("receipts/checkpoints");
    let checkpoints = fs::read(&file).unwrap();
    let rebuild = ["receipt", "rebuild", "--data", text(&folders.data), "--receipt-interval", "1"];
    assert!(run(&rebuild).status.success(), "the log has it all");
    let rebuilt = fs::read(&file).unwrap();
    assert!(rebuilt.starts_with(&checkpoints), "the node may have been stopped before the last of them");
    trim_log(&folders.data);
    let refused = run(&rebuild);
    assert_eq!(refused.status.code(), Some(1));
    assert!(errors(&refused).contains("the log begins at batch"), "{}", errors(&refused));
    assert_eq!(fs::read(&file).unwrap(), rebuilt);
}
