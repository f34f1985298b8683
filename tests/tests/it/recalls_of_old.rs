//! Recalls for which time matters: windows that are over, payments that only history knows, silence, and late returns.

use std::path::Path;
use std::time::Duration;

use client::v1;
use client::v1::answer_recall_request::Answer;
use tests::{
    ALFA, Api, BETA, GAMMA, Node, World, archive_log, belgian, german, outcome_of, payment, settled, until,
};
use tonic::Code;
use types::Timestamp;

use crate::history::until_told;
use crate::recalls::{answer, back, reason_of, recall_of, request, work_list};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The id of a payment of long ago, which only history knows, as soon as it has taken in what is new.
async fn old_payment(api: &Api, id: &str, accepted: Timestamp) -> String {
    let recent = settled(api.submit(&payment(&format!("NEW-{id}"), "1.00")).await.unwrap());
    until_told(api, recent.sequence).await;
    let acceptance_time = Some(client::convert::timestamp(accepted));
    let old = v1::Payment { acceptance_time, ..payment(id, "1.00") };
    outcome_of(api.by_key(&old).await.unwrap()).payment_id
}

async fn set_rules_version(api: &Api, version: u32) {
    let request = v1::SetRulesVersionRequest { request_id: format!("version-{version}"), version };
    api.node().set_rules_version(request).await.unwrap();
}

/// What was refused did not use the recall up.
#[tokio::test(flavor = "multi_thread")]
async fn fault_of_a_bank_counts_for_ten_banking_days_and_fraud_for_longer() {
    let folder = tempfile::tempdir().unwrap();
    let accepted = tests::write_log_with_recalls(folder.path(), 40 * DAY);
    let node = Node::with_history_on(folder).await;
    let api = node.api().await;
    crate::calendar::set_years(&api).await;
    let payment_id = old_payment(&api, "OLD-3", accepted).await;
    for reason in ["DUPL", "TECH"] {
        let refused = api.recalls().request_recall(request(reason, &payment_id, reason)).await.unwrap_err();
        assert_eq!(reason_of(&refused), (Code::FailedPrecondition, "RECALL_WINDOW_OVER".to_owned()));
    }
    let asked =
        api.recalls().request_recall(request("FRAD", &payment_id, "FRAD")).await.unwrap().into_inner();
    let open = recall_of(&api, &payment_id).await.unwrap();
    assert_eq!((&open.recall_id, open.state()), (&asked.recall_id, v1::RecallState::Open));
    api.recalls().answer_recall(answer("back", &asked.recall_id, back("1.00", ""))).await.unwrap();
    api.trial_balance().await;
}

/// Thirteen months are over. And a log of an older program knows no recalls until its rules are raised.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_back_after_thirteen_months() {
    let folder = tempfile::tempdir().unwrap();
    let accepted = tests::write_old_log(folder.path(), 400 * DAY, 1);
    let node = Node::with_history_on(folder).await;
    let api = node.api().await;
    let payment_id = old_payment(&api, "OLD-1", accepted).await;
    let early = api.recalls().request_recall(request("early", &payment_id, "FRAD")).await.unwrap_err();
    assert_eq!(reason_of(&early), (Code::FailedPrecondition, "VERSION_NOT_NEXT".to_owned()));
    set_rules_version(&api, 2).await;
    set_rules_version(&api, 3).await;
    crate::calendar::set_years(&api).await;
    for reason in ["DUPL", "FRAD", "AC03", "AM09", "CUST"] {
        let refused = api.recalls().request_recall(request(reason, &payment_id, reason)).await.unwrap_err();
        assert_eq!(reason_of(&refused), (Code::FailedPrecondition, "RECALL_WINDOW_OVER".to_owned()));
    }
}

/// What became of a payment of more than five days ago only history says.
#[tokio::test(flavor = "multi_thread")]
async fn without_history_old_payments_are_not_asked_back() {
    let folder = tempfile::tempdir().unwrap();
    tests::write_log_with_recalls(folder.path(), 40 * DAY);
    let node = Node::on(folder).await;
    let api = node.api().await;
    // The core forgets what is old with the frames that follow.
    settled(api.submit(&payment("NEW", "1.00")).await.unwrap());
    let recall = work_list(&api, BETA).await.remove(0);
    let refused = api.recalls().request_recall(request("ask", &recall.payment_id, "FRAD")).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
}

/// The order is read from the archive. Without that nobody can say what it was.
#[tokio::test(flavor = "multi_thread")]
async fn payments_are_asked_back_from_the_archive() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    crate::calendar::set_years(&api).await;
    let mut ids = Vec::new();
    for id in ["TX-1", "TX-2"] {
        ids.push(settled(api.submit(&payment(id, "1.00")).await.unwrap()).payment_id);
    }
    drop(api);
    // Each start begins a segment, and the newest one stays.
    let node = node.restart().await.restart_after(archive_log).await;
    let api = node.api().await;
    api.recalls().request_recall(request("first", &ids[0], "FRAD")).await.unwrap();
    let open = recall_of(&api, &ids[0]).await.unwrap();
    assert_eq!(open.state(), v1::RecallState::Open);
    api.recalls().answer_recall(answer("back", &open.recall_id, back("1.00", ""))).await.unwrap();
    assert_eq!([api.balance(&belgian(1)).await, api.balance(&german(1)).await], ["999.00", "1001.00"]);
    drop(api);
    let remove = |folder: &Path| std::fs::remove_dir_all(folder.join("archive")).unwrap();
    let node = node.restart_after(remove).await;
    let api = node.api().await;
    let refused = api.recalls().request_recall(request("second", &ids[1], "FRAD")).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
}

/// The node says NOAS at the end of the time, where the payee's account is kept here or the bank wants it so. The bank may
/// still return, and that is marked as late.
#[tokio::test(flavor = "multi_thread")]
async fn silence_is_answered_and_a_return_still_counts() {
    let folder = tempfile::tempdir().unwrap();
    tests::write_log_with_recalls(folder.path(), 40 * DAY);
    let node = Node::on(folder).await;
    let api = node.api().await;
    let [hosted] = &work_list(&api, BETA).await[..] else { panic!("one recall of BETA") };
    let [remote] = &work_list(&api, GAMMA).await[..] else { panic!("one recall of GAMMA") };
    let keeping = node.keep_calendar();
    let is_over = async |recall: &v1::Recall| {
        let told = recall_of(&api, &recall.payment_id).await.unwrap();
        (told.state() == v1::RecallState::Unanswered).then_some(told)
    };
    let over = until("the node has answered for BETA", async || is_over(hosted).await).await;
    assert_eq!((over.refusal_code.as_str(), over.late), ("NOAS", true));
    assert_eq!(recall_of(&api, &remote.payment_id).await.unwrap().state(), v1::RecallState::Open);
    assert!(work_list(&api, BETA).await.is_empty());
    let policy = v1::SetRecallPolicyRequest {
        request_id: "policy".to_owned(),
        bic: GAMMA.to_owned(),
        answer_silence: true,
    };
    api.recalls().set_recall_policy(policy).await.unwrap();
    let over = until("the node has answered for GAMMA", async || is_over(remote).await).await;
    assert_eq!(over.refusal_code, "NOAS");
    keeping.abort();

    let refusal = answer("no", &hosted.recall_id, Answer::RefusalCode("CUST".to_owned()));
    let refused = api.recalls().answer_recall(refusal).await.unwrap_err();
    assert_eq!(reason_of(&refused), (Code::FailedPrecondition, "RECALL_ANSWERED".to_owned()));
    let before = [api.balance(&belgian(1)).await, api.balance(&german(1)).await, api.position(ALFA).await];
    assert_eq!(before, ["997.00", "1002.00", "9997.00"]);
    for (id, recall) in [("hosted", hosted), ("remote", remote)] {
        let said = answer(id, &recall.recall_id, back("0.90", "0.10"));
        let returned = api.recalls().answer_recall(said).await.unwrap().into_inner().recall.unwrap();
        assert_eq!((returned.state(), returned.late), (v1::RecallState::Returned, true));
    }
    let after = [api.balance(&belgian(1)).await, api.balance(&german(1)).await, api.position(ALFA).await];
    assert_eq!(after, ["998.80", "1001.00", "9998.80"]);
    api.trial_balance().await;
}

/// The node says AC04 instead where the payee's account has been closed meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn silence_about_a_closed_account_is_answered_with_its_closing() {
    let folder = tempfile::tempdir().unwrap();
    tests::write_log_with_recalls(folder.path(), 40 * DAY);
    let node = Node::on(folder).await;
    let api = node.api().await;
    let world = World::of(api.clone());
    let [recall] = &work_list(&api, BETA).await[..] else { panic!("one recall of BETA") };
    world.post(&german(1), v1::EntryDirection::Debit, "1002.00").await.unwrap();
    world.set_account_status(&german(1), v1::AccountStatus::Closed).await.unwrap();
    let keeping = node.keep_calendar();
    let over = until("the node has answered", async || {
        let told = recall_of(&api, &recall.payment_id).await.unwrap();
        (told.state() == v1::RecallState::Unanswered).then_some(told)
    })
    .await;
    keeping.abort();
    assert_eq!((over.refusal_code.as_str(), over.late), ("AC04", true));
    // A return has no account any more from which the money could go.
    let said = answer("back", &recall.recall_id, back("1.00", ""));
    let refused = api.recalls().answer_recall(said).await.unwrap_err();
    assert_eq!(reason_of(&refused), (Code::FailedPrecondition, "ACCOUNT_CLOSED".to_owned()));
}
