//! Receipts over gRPC: a payment's proof, who may have it, and what comes instead where there is none.

use client::v1;
use client::v1::ErrorReason;
use client::v1::get_checkpoint_request::Choice;
use history::receipts::{Facts, PublicKey, Receipt};
use tests::secured::Secured;
use tests::{
    ALFA, Api, BETA, Bank, GAMMA, Node, World, belgian, german, payment, payment_to_remote, settled, trim_log,
};
use tonic::{Code, Status};
use types::{PaymentId, Sequence};

/// Long enough for a checkpoint of a second, however busy the machine.
const WAIT_MS: u32 = 30_000;

async fn get(api: &Api, payment_id: &str, wait_ms: u32) -> Result<v1::GetReceiptResponse, Status> {
    let request = v1::GetReceiptRequest { payment_id: payment_id.to_owned(), wait_ms: Some(wait_ms) };
    Ok(api.receipts().get_receipt(request).await?.into_inner())
}

async fn key(api: &Api) -> PublicKey {
    let reply = api.receipts().get_receipt_key(v1::GetReceiptKeyRequest {}).await.unwrap().into_inner();
    let key = PublicKey::parse(&reply.text).unwrap();
    assert_eq!(reply.public_key, key.0);
    key
}

fn proved(reply: &v1::GetReceiptResponse, key: &PublicKey) -> Facts {
    Receipt::parse(&reply.receipt).unwrap().verify(key).unwrap()
}

#[track_caller]
fn assert_refused<T: std::fmt::Debug>(refused: Result<T, Status>, code: Code, reason: ErrorReason) {
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), code, "{refused:?}");
    assert_eq!(client::Refusal::from_status(&refused).reason, reason, "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settled_payment_has_a_receipt_that_outlives_restarts() {
    let node = Node::with_receipts().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let outcome = settled(api.submit(&payment("TX-1", "12.34")).await.unwrap());
    // Nothing follows: the node itself ends the interval.
    let reply = get(&api, &outcome.payment_id, WAIT_MS).await.unwrap();
    let key = key(&api).await;
    let facts = proved(&reply, &key);
    assert_eq!(facts.payment.to_string(), outcome.payment_id);
    assert_eq!((facts.transaction_id.as_str(), facts.amount.minor_units()), ("TX-1", 1234));
    assert_eq!(
        (facts.debtor_agent.to_string(), facts.creditor_agent.to_string()),
        (ALFA.into(), BETA.into())
    );
    assert!(facts.balances.iter().all(Option::is_some), "whoever sees everything sees both sides");
    let checkpoint = reply.checkpoint.clone().unwrap();
    assert_eq!(checkpoint.signed_bytes, facts.checkpoint.encode());

    let node = node.restart().await;
    let api = node.api().await;
    assert_eq!(get(&api, &outcome.payment_id, 0).await.unwrap(), reply);
    // What is derived is lost, and made again.
    let folder = node.folder().join("receipts");
    let folder_gone = async |node: Node| {
        let folder_of_log = node.stop().await;
        std::fs::remove_dir_all(&folder).unwrap();
        folder_of_log
    };
    let kept = folder_gone(node).await;
    let node = Node::with_receipts_on(kept).await;
    let api = node.api().await;
    assert_eq!(get(&api, &outcome.payment_id, WAIT_MS).await.unwrap(), reply);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_a_bank_decided_has_one_and_those_that_came_to_nothing_have_none() {
    let node = Node::with_receipts().await;
    let api = node.api().await;
    let world = World::set_up(&api, 1).await;
    world.remote_bank().await;
    let mut gamma = Bank::connect(&api, GAMMA).await;
    let paying = api.submit_aside(&payment_to_remote("TX-1", "1.00"));
    let question = gamma.question().await;
    assert_refused(
        get(&api, &question.payment_id, WAIT_MS).await,
        Code::FailedPrecondition,
        ErrorReason::NotSettled,
    );
    gamma.accept(&question).await;
    let accepted = settled(paying.await.unwrap().unwrap());
    let rejected = api.submit(&payment("TX-2", "5000.00")).await.unwrap();
    assert_eq!(rejected.reason_code, "AM04");
    let reply = get(&api, &accepted.payment_id, WAIT_MS).await.unwrap();
    let facts = proved(&reply, &key(&api).await);
    assert_eq!(facts.payment.to_string(), accepted.payment_id);
    assert!(facts.decided_at > facts.payment.sequence, "by the bank's answer");
    // At once, and as well from the log.
    for _ in 0..2 {
        let refused = get(&api, &rejected.payment_id, WAIT_MS).await;
        assert_refused(refused, Code::FailedPrecondition, ErrorReason::NotSettled);
    }
    let id = PaymentId::parse(&accepted.payment_id).unwrap();
    for unknown in [
        PaymentId { sequence: Sequence(1 << 40), ..id },
        PaymentId { incarnation: types::Incarnation(id.incarnation.0 ^ 1), ..id },
    ] {
        let refused = get(&api, &unknown.to_string(), WAIT_MS).await;
        assert_refused(refused, Code::NotFound, ErrorReason::ReceiptUnknown);
    }
    let refused = get(&api, "no id", 0).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_checkpoint_says_when_to_ask_again() {
    let node = Node::with_receipts().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let mut number = 0;
    // The interval may end between the two calls; then the next payment is tried.
    let refused = loop {
        number += 1;
        let outcome = settled(api.submit(&payment(&format!("TX-{number}"), "1.00")).await.unwrap());
        if let Err(refused) = get(&api, &outcome.payment_id, 0).await {
            break refused;
        }
    };
    let refusal = client::Refusal::from_status(&refused);
    assert_eq!((refusal.code, refusal.reason), (Code::Unavailable, ErrorReason::CheckpointOpen));
    assert!(
        refusal.retry_delay.is_some_and(|delay| !delay.is_zero() && delay.as_secs() <= 10),
        "{refusal:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_are_listed_and_found_and_form_a_chain() {
    let node = Node::with_receipts().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    for id in ["TX-1", "TX-2", "TX-3"] {
        let outcome = settled(api.submit(&payment(id, "1.00")).await.unwrap());
        get(&api, &outcome.payment_id, WAIT_MS).await.unwrap();
    }
    let list = async |first_number, page_size| {
        let request = v1::ListCheckpointsRequest { first_number, page_size };
        api.receipts().list_checkpoints(request).await.unwrap().into_inner()
    };
    let all = list(0, 0).await;
    let count = u64::try_from(all.checkpoints.len()).unwrap();
    assert!(count >= 3, "{all:?}");
    assert_eq!(all.next_number, count + 1);
    let key = key(&api).await;
    let mut previous = [0; 32];
    for (found, number) in all.checkpoints.iter().zip(1..) {
        let signed = history::receipts::SignedCheckpoint {
            bytes: found.signed_bytes.clone().try_into().unwrap(),
            signature: found.signature.clone().try_into().unwrap(),
        };
        let checkpoint = signed.verified(&key).unwrap();
        assert_eq!((checkpoint.number, found.number, checkpoint.previous), (number, number, previous));
        assert_eq!(found.root, checkpoint.root);
        previous = checkpoint.hash();
    }
    let second = list(2, 1).await;
    assert_eq!((second.checkpoints[..].as_ref(), second.next_number), (&all.checkpoints[1..2], 3));
    let beyond = list(1000, 10).await;
    assert_eq!((beyond.checkpoints.len(), beyond.next_number), (0, 1000));
    let one = async |choice| {
        let reply = api.receipts().get_checkpoint(v1::GetCheckpointRequest { choice }).await;
        Ok::<_, Status>(reply?.into_inner().checkpoint.unwrap())
    };
    let upto = all.checkpoints[1].upto_sequence;
    assert_eq!(one(Some(Choice::Number(2))).await.unwrap(), all.checkpoints[1]);
    assert_eq!(one(Some(Choice::ReachingSequence(upto))).await.unwrap(), all.checkpoints[1]);
    assert_eq!(one(Some(Choice::ReachingSequence(upto + 1))).await.unwrap(), all.checkpoints[2]);
    assert!(one(None).await.unwrap().number >= count);
    for none in [Choice::Number(0), Choice::Number(1000), Choice::ReachingSequence(1 << 40)] {
        assert_refused(one(Some(none)).await, Code::NotFound, ErrorReason::ReceiptUnknown);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_receipts_says_so() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let outcome = settled(api.submit(&payment("TX-1", "1.00")).await.unwrap());
    let refused = get(&api, &outcome.payment_id, 0).await;
    assert_refused(refused, Code::Unavailable, ErrorReason::NoReceipts);
    let refused = api.receipts().get_receipt_key(v1::GetReceiptKeyRequest {}).await;
    assert_refused(refused, Code::Unavailable, ErrorReason::NoReceipts);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_bank_gets_its_own_side_and_strangers_nothing() {
    let secured = Secured::start().await;
    let operator = World::of(secured.api("operator").await);
    for bic in [ALFA, BETA, GAMMA] {
        operator.register(bic, v1::AccountMode::Hosted).await;
        operator.fund(bic, "1000.00").await;
    }
    let [alfa, beta] = [secured.api("alfa").await, secured.api("beta").await];
    World::of(alfa.clone()).customer(ALFA, &belgian(1)).await;
    World::of(beta.clone()).customer(BETA, &german(1)).await;
    World::of(alfa.clone()).customer(ALFA, &belgian(2)).await;
    let between = settled(alfa.submit(&payment("TX-1", "1.00")).await.unwrap());
    let mut own = payment("TX-2", "1.00");
    own.creditor_agent = ALFA.to_owned();
    own.creditor_account.clone_from(&belgian(2));
    let own = settled(alfa.submit(&own).await.unwrap());

    let key = key(&alfa).await;
    for (name, shows) in [
        ("alfa", [true, false]),
        ("instructing", [true, false]),
        ("beta", [false, true]),
        ("operator", [true, true]),
        ("auditor", [true, true]),
    ] {
        let api = secured.api(name).await;
        let facts = proved(&get(&api, &between.payment_id, WAIT_MS).await.unwrap(), &key);
        assert_eq!(facts.balances.map(|side| side.is_some()), shows, "{name}");
    }
    let facts = proved(&get(&alfa, &own.payment_id, WAIT_MS).await.unwrap(), &key);
    assert!(facts.balances.iter().all(Option::is_some), "both sides are its own");
    let id = PaymentId::parse(&own.payment_id).unwrap();
    let nowhere = PaymentId { sequence: Sequence(1 << 40), ..id };
    for payment in [own.payment_id, nowhere.to_string()] {
        let refused = get(&beta, &payment, WAIT_MS).await;
        assert_refused(refused, Code::PermissionDenied, ErrorReason::BankNotYours);
    }
}

/// The payee's bank hears no more than GetPayment tells it: of payments that came to nothing before it was asked, nothing.
#[tokio::test(flavor = "multi_thread")]
async fn the_payees_bank_learns_nothing_of_what_was_refused_before() {
    let secured = Secured::start().await;
    let operator = World::of(secured.api("operator").await);
    for bic in [ALFA, BETA] {
        operator.register(bic, v1::AccountMode::Hosted).await;
        operator.fund(bic, "1000.00").await;
    }
    let [alfa, beta] = [secured.api("alfa").await, secured.api("beta").await];
    World::of(alfa.clone()).customer(ALFA, &belgian(1)).await;
    World::of(beta.clone()).customer(BETA, &german(1)).await;
    let poor = alfa.submit(&payment("TX-1", "5000.00")).await.unwrap();
    assert_eq!(poor.reason_code, "AM04");
    let good = settled(alfa.submit(&payment("TX-2", "1.00")).await.unwrap());
    let repeat = alfa.submit(&payment("TX-2", "1.00")).await.unwrap();
    assert!(repeat.repeat);
    let asked = async || {
        let refused = get(&beta, &poor.payment_id, 0).await;
        assert_refused(refused, Code::PermissionDenied, ErrorReason::BankNotYours);
        let refused = beta.by_id(&poor.payment_id).await;
        assert_refused(refused, Code::PermissionDenied, ErrorReason::BankNotYours);
        let refused = get(&alfa, &poor.payment_id, 0).await;
        assert_refused(refused, Code::FailedPrecondition, ErrorReason::NotSettled);
    };
    // While its checkpoint is open or is made, and from the log.
    asked().await;
    get(&beta, &good.payment_id, WAIT_MS).await.unwrap();
    asked().await;
    let attempts = (1..=good.decided_sequence + 8).map(Sequence);
    let id = PaymentId::parse(&good.payment_id).unwrap();
    for sequence in attempts.filter(|sequence| *sequence != id.sequence) {
        let refused = get(&beta, &PaymentId { sequence, ..id }.to_string(), 0).await;
        assert_refused(refused, Code::PermissionDenied, ErrorReason::BankNotYours);
    }
}

/// Where the log does not reach back to a payment, a bank hears the same as an operator, and nothing is wrong with the node.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_log_has_let_go_of_has_no_receipt_for_anybody() {
    let secured = Secured::start().await;
    let operator = World::of(secured.api("operator").await);
    for bic in [ALFA, BETA] {
        operator.register(bic, v1::AccountMode::Hosted).await;
        operator.fund(bic, "1000.00").await;
    }
    let [alfa, beta] = [secured.api("alfa").await, secured.api("beta").await];
    World::of(alfa.clone()).customer(ALFA, &belgian(1)).await;
    World::of(beta.clone()).customer(BETA, &german(1)).await;
    let outcome = settled(alfa.submit(&payment("TX-1", "1.00")).await.unwrap());
    get(&alfa, &outcome.payment_id, WAIT_MS).await.unwrap();
    let secured = secured.restart_after(|_| ()).await.restart_after(trim_log).await;
    for name in ["alfa", "beta", "operator"] {
        let refused = get(&secured.api(name).await, &outcome.payment_id, 0).await;
        assert_refused(refused, Code::NotFound, ErrorReason::ReceiptUnknown);
    }
}
