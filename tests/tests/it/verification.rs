//! Verification of payee over gRPC: names of accounts that are kept here, who is told what, and other banks.

use std::sync::{Arc, Mutex};

use client::v1;
use client::v1::verify_request::Given;
use client::v1::{ErrorReason, VerificationObstacle as Obstacle, VerificationOutcome as Outcome};
use server::{Asked, Awaited, NoAnswer, OtherBanks, ServerLimits, Told};
use tests::certificates::Authority;
use tests::secured::Secured;
use tests::verifier;
use tests::{ALFA, Api, BETA, GAMMA, MIXED, Node, World, account, belgian, german, until};
use tonic::{Code, Status};
use types::Text;

fn question(iban: &str, name: &str) -> v1::VerifyRequest {
    v1::VerifyRequest {
        request_id: "question-1".to_owned(),
        requesting_agent: ALFA.to_owned(),
        iban: iban.to_owned(),
        given: Some(Given::Name(name.to_owned())),
        ..Default::default()
    }
}

async fn verify(api: &Api, request: v1::VerifyRequest) -> Result<v1::VerifyResponse, Status> {
    Ok(api.verification().verify(request).await?.into_inner())
}

/// Waits until the names of this account have been read from the log.
async fn ready(api: &Api, iban: &str) {
    let is_early = |told: &v1::VerifyResponse| {
        matches!(told.obstacle(), Obstacle::NamesNotReady | Obstacle::NothingToCompare)
    };
    until("the names have been read", async || {
        // Asking again and again may be more than the quota has.
        let told = verify(api, question(iban, "Anna Peeters")).await.ok()?;
        (!is_early(&told)).then_some(())
    })
    .await;
}

async fn told(api: &Api, iban: &str, name: &str) -> (Outcome, String, Obstacle) {
    let told = verify(api, question(iban, name)).await.unwrap();
    assert!(told.answered_time.is_some());
    let code = match told.outcome() {
        Outcome::Match => "MTCH",
        Outcome::CloseMatch => "CMTC",
        Outcome::NoMatch => "NMTC",
        Outcome::NotPossible => "NOAP",
        Outcome::Unspecified => panic!("an answer has an outcome"),
    };
    assert_eq!(told.code, code);
    (told.outcome(), told.matched_name.clone(), told.obstacle())
}

const NONE: Obstacle = Obstacle::Unspecified;

fn held(bank: &str, iban: &str, names: &[&str], code: &str) -> v1::NewAccount {
    v1::NewAccount {
        holder_names: names.iter().map(|name| (*name).to_owned()).collect(),
        identification_code: code.to_owned(),
        ..account(bank, iban)
    }
}

async fn rename(api: &Api, iban: &str, name: &str, request_id: &str) -> Result<v1::Confirmation, Status> {
    let request = v1::SetAccountHoldersRequest {
        request_id: request_id.to_owned(),
        iban: iban.to_owned(),
        currency_code: "EUR".to_owned(),
        holder_names: vec![name.to_owned()],
        identification_code: String::new(),
    };
    let reply = api.accounts().set_account_holders(request).await?.into_inner();
    Ok(reply.confirmation.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_a_match_nearly_one_or_none() {
    let node = Node::start().await;
    let api = node.api().await;
    let world = World::set_up(&api, 0).await;
    world.open(held(BETA, &german(1), &["Anna Peeters", "Jürg Müller"], "")).await.unwrap();
    ready(&api, &german(1)).await;
    let empty = String::new;
    assert_eq!(told(&api, &german(1), "anna PEETERS").await, (Outcome::Match, empty(), NONE));
    assert_eq!(told(&api, &german(1), "Müller, Juerg").await, (Outcome::Match, empty(), NONE));
    let close = (Outcome::CloseMatch, "Anna Peeters".to_owned(), NONE);
    assert_eq!(told(&api, &german(1), "Anna Peters").await, close, "only the holder that is close is shown");
    assert_eq!(told(&api, &german(1), "Berta Maes").await, (Outcome::NoMatch, empty(), NONE));
    // Its step is told to whoever acts for the bank.
    let step = verify(&api, question(&german(1), "Anna Peters")).await.unwrap().step;
    assert_eq!(step, "other-spelling");
    let unknown = (Outcome::NotPossible, empty(), Obstacle::AccountUnknown);
    assert_eq!(told(&api, &german(2), "Anna Peeters").await, unknown);
    let at_another =
        v1::VerifyRequest { payee_agent: ALFA.to_owned(), ..question(&german(1), "Anna Peeters") };
    assert_eq!(verify(&api, at_another).await.unwrap().obstacle(), Obstacle::AccountUnknown);
    world.set_account_status(&german(1), v1::AccountStatus::Closed).await.unwrap();
    assert_eq!(told(&api, &german(1), "Anna Peeters").await, unknown, "it is closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_that_of_the_account_or_not() {
    let node = Node::start().await;
    let api = node.api().await;
    let world = World::set_up(&api, 0).await;
    world.open(held(BETA, &german(1), &["Blumen Meier GmbH"], "529900T8BM49AURSDO55")).await.unwrap();
    ready(&api, &german(1)).await;
    let asked = |code: &str| v1::VerifyRequest {
        given: Some(Given::IdentificationCode(code.to_owned())),
        ..question(&german(1), "")
    };
    let outcome = async |code: &str| verify(&api, asked(code)).await.unwrap().outcome();
    assert_eq!(outcome("5299 00T8 BM49 AURS DO55").await, Outcome::Match);
    assert_eq!(outcome("213800WAVVOPS85N2205").await, Outcome::NoMatch);
    assert_eq!(verify(&api, asked("DE136695976")).await.unwrap().obstacle(), Obstacle::NothingToCompare);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_changed_and_outlast_a_restart() {
    let node = Node::with_history().await;
    let api = node.api().await;
    let world = World::set_up(&api, 0).await;
    for number in [1, 2] {
        world.open(held(BETA, &german(number), &["Anna Peeters"], "")).await.unwrap();
    }
    ready(&api, &german(1)).await;
    let first = rename(&api, &german(1), "Anna Maes", "rename-1").await.unwrap();
    let again = rename(&api, &german(1), "Anna Maes", "rename-1").await.unwrap();
    assert_eq!((again.sequence, again.repeat), (first.sequence, true));
    let other = rename(&api, &german(1), "Berta Maes", "rename-1").await.unwrap_err();
    assert_eq!(client::Refusal::from_status(&other).reason, ErrorReason::RequestIdReused);
    let unknown = rename(&api, &german(9), "Anna Maes", "rename-9").await.unwrap_err();
    assert_eq!(client::Refusal::from_status(&unknown).reason, ErrorReason::AccountUnknown);
    until("the new name counts", async || {
        let told = verify(&api, question(&german(1), "Anna Maes")).await.ok()?;
        (told.outcome() == Outcome::Match).then_some(())
    })
    .await;
    assert_eq!(told(&api, &german(1), "Anna Peeters").await.0, Outcome::NoMatch);
    drop(api);
    let node = node.restart().await;
    let api = node.api().await;
    ready(&api, &german(1)).await;
    assert_eq!(told(&api, &german(1), "Anna Maes").await.0, Outcome::Match);
    assert_eq!(told(&api, &german(2), "Anna Peeters").await.0, Outcome::Match);
    World::of(api.clone()).set_account_status(&german(1), v1::AccountStatus::Closed).await.unwrap();
    let closed = rename(&api, &german(1), "Anna Maes", "rename-2").await.unwrap_err();
    assert_eq!(client::Refusal::from_status(&closed).reason, ErrorReason::AccountClosed);
}

#[tokio::test(flavor = "multi_thread")]
async fn faulty_questions_are_named_field_by_field() {
    let node = Node::start().await;
    let api = node.api().await;
    let refused = verify(&api, v1::VerifyRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let fields: Vec<String> = client::Refusal::from_status(&refused)
        .field_violations
        .into_iter()
        .map(|violation| violation.field)
        .collect();
    assert_eq!(fields, ["request_id", "requesting_agent", "iban", "name"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_asks_for_itself_and_hears_no_steps_of_others() {
    let secured = Secured::start().await;
    let operator = secured.api("operator").await;
    for bank in [ALFA, BETA] {
        World::of(operator.clone()).register(bank, v1::AccountMode::Hosted).await;
    }
    let [alfa, beta] = [secured.api("alfa").await, secured.api("beta").await];
    World::of(beta.clone()).open(held(BETA, &german(1), &["Anna Peeters"], "")).await.unwrap();
    ready(&alfa, &german(1)).await;
    let close = verify(&alfa, question(&german(1), "Anna Peters")).await.unwrap();
    assert_eq!((close.matched_name.as_str(), close.step.as_str()), ("Anna Peeters", ""));
    let own = v1::VerifyRequest { requesting_agent: BETA.to_owned(), ..question(&german(1), "Anna Peters") };
    assert_eq!(verify(&beta, own.clone()).await.unwrap().step, "other-spelling");
    let foreign = verify(&alfa, own).await.unwrap_err();
    assert_eq!(client::Refusal::from_status(&foreign).reason, ErrorReason::BankNotYours);
    let foreign = rename(&alfa, &german(1), "Somebody Else", "rename-1").await.unwrap_err();
    assert_eq!(foreign.code(), Code::NotFound, "accounts of others do not exist for it");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_too_often_has_to_wait() {
    let limits = ServerLimits { verifications_per_caller_second: 1, ..ServerLimits::default() };
    let node = Node::with_limits(limits).await;
    let api = node.api().await;
    let refused = until("a question is refused", async || {
        verify(&api, question(&belgian(1), "Anna Peeters")).await.err()
    })
    .await;
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(client::Refusal::from_status(&refused).reason, ErrorReason::QuotaExceeded);
}

/// A bank that answers what the name says, and notes what it was asked.
#[derive(Debug, Default)]
struct Elsewhere(Mutex<Vec<Asked>>);

impl OtherBanks for Elsewhere {
    fn ask(&self, asked: Asked) -> Awaited<'_> {
        let server::Given::Name(name) = &asked.given else { panic!("a name") };
        let told = match name.as_str() {
            "Match" => Ok(Told::Match),
            "Close" => Ok(Told::CloseMatch(Text::parse("Nearly").unwrap())),
            "None" => Ok(Told::NoMatch),
            "Declined" => Ok(Told::NotPossible),
            "Busy" => Err(NoAnswer::Busy),
            "Late" => Err(NoAnswer::Late),
            "Unconfigured" => Err(NoAnswer::NotConfigured),
            _ => Err(NoAnswer::Failed),
        };
        self.0.lock().unwrap().push(asked);
        Box::pin(async move { told })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn banks_that_keep_their_accounts_elsewhere_are_asked() {
    let elsewhere = Arc::new(Elsewhere::default());
    let node = Node::with_other_banks(Arc::clone(&elsewhere) as Arc<dyn OtherBanks>).await;
    let api = node.api().await;
    let world = World::set_up(&api, 1).await;
    world.remote_bank().await;
    world.register(MIXED, v1::AccountMode::Mixed).await;
    let asked = |bank: &str, name: &str| v1::VerifyRequest {
        payee_agent: bank.to_owned(),
        ..question(&german(77), name)
    };
    for (name, outcome, obstacle) in [
        ("Match", Outcome::Match, NONE),
        ("Close", Outcome::CloseMatch, NONE),
        ("None", Outcome::NoMatch, NONE),
        ("Declined", Outcome::NotPossible, Obstacle::BankDeclined),
        ("Busy", Outcome::NotPossible, Obstacle::BankBusy),
        ("Late", Outcome::NotPossible, Obstacle::BankLate),
        ("Unconfigured", Outcome::NotPossible, Obstacle::BankNotConfigured),
        ("Fault", Outcome::NotPossible, Obstacle::BankFailed),
    ] {
        let told = verify(&api, asked(GAMMA, name)).await.unwrap();
        assert_eq!((told.outcome(), told.obstacle()), (outcome, obstacle), "{name}");
        assert_eq!(told.matched_name.as_str(), if name == "Close" { "Nearly" } else { "" });
        assert_eq!(told.step, "", "what decides elsewhere is not known");
    }
    // A bank of which nobody here knows, and one with some accounts here.
    for bank in ["DELTDEFFXXX", MIXED] {
        assert_eq!(verify(&api, asked(bank, "Match")).await.unwrap().outcome(), Outcome::Match, "{bank}");
    }
    // A bank all of whose accounts are here is not asked about one that is not.
    assert_eq!(verify(&api, asked(BETA, "Match")).await.unwrap().obstacle(), Obstacle::AccountUnknown);
    let heard = std::mem::take(&mut *elsewhere.0.lock().unwrap());
    assert_eq!(heard.len(), 10);
    assert_eq!(heard[0].payee_agent.to_string(), GAMMA);
    assert_eq!(
        (heard[0].request_id.as_str(), heard[0].requesting_agent.to_string()),
        ("question-1", ALFA.into())
    );
    assert!(!format!("{:?}", heard[1]).contains("Close"), "no name is shown");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_way_to_ask_it_is_not_possible() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 0).await;
    let asked = v1::VerifyRequest { payee_agent: GAMMA.to_owned(), ..question(&german(77), "Anna") };
    assert_eq!(verify(&api, asked).await.unwrap().obstacle(), Obstacle::BankNotConfigured);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_bank_is_asked_over_mutual_tls() {
    let authority = Authority::new();
    let body = r#"{"partyNameMatch":"CMTC","matchedName":"Anna Pieters"}"#;
    let address = verifier::start(&authority, body).await;
    let folder = tempfile::tempdir().unwrap();
    let known = authority.client("alfa");
    let stranger = Authority::new().client("alfa");
    let asked = v1::VerifyRequest { payee_agent: GAMMA.to_owned(), ..question(&german(77), "Anna Peeters") };
    for (identity, trusted, expected) in [
        (&known, &authority, (Outcome::CloseMatch, NONE)),
        (&stranger, &authority, (Outcome::NotPossible, Obstacle::BankFailed)),
        (&known, &Authority::new(), (Outcome::NotPossible, Obstacle::BankFailed)),
    ] {
        let banks = verifier::asked_by(folder.path(), (GAMMA, address), identity, trusted);
        let node = Node::with_other_banks(banks).await;
        let told = verify(&node.api().await, asked.clone()).await.unwrap();
        assert_eq!((told.outcome(), told.obstacle()), expected);
        assert_eq!(told.matched_name.as_str(), if expected.1 == NONE { "Anna Pieters" } else { "" });
    }
}
