//! Who may do what, over real TLS: one test for each cell of the table, own banks and others, and files that change.

use std::fs;
use std::time::{Duration, SystemTime};

use bytes::Buf;
use client::v1;
use client::v1::ErrorReason;
use iso20022::Restamper;
use server::{RIGHTS, Role, ServerLimits};
use tests::certificates::Authority;
use tests::secured::{Secured, principal, principals};
use tests::{
    ALFA, Api, BETA, Bank, Workspace, World, account, belgian, german, money, outcome_of, payment, settled,
    until,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use types::Timestamp;

/// Sends empty messages, and reads none.
#[derive(Clone, Copy, Default)]
struct Empty;

impl Codec for Empty {
    type Encode = ();
    type Decode = ();
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Empty {
    type Item = ();
    type Error = Status;

    fn encode(&mut self, (): (), _: &mut EncodeBuf<'_>) -> Result<(), Status> {
        Ok(())
    }
}

impl Decoder for Empty {
    type Item = ();
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<()>, Status> {
        buffer.advance(buffer.remaining());
        Ok(Some(()))
    }
}

/// Makes a call with nothing in it.
async fn call(channel: Channel, path: &str, streams: bool) -> Result<(), Status> {
    let mut grpc = Grpc::new(channel);
    grpc.ready().await.expect("the connection stands");
    let path: PathAndQuery = path.parse().unwrap();
    if streams {
        let messages = tokio_stream::once(());
        grpc.streaming(Request::new(messages), path, Empty).await.map(drop)
    } else {
        grpc.unary(Request::new(()), path, Empty).await.map(drop)
    }
}

/// Whether the gate let the call pass; what a handler says to an empty message does not matter.
async fn passes(channel: Channel, path: &str, streams: bool) -> bool {
    let called = tokio::time::timeout(Duration::from_secs(10), call(channel, path, streams)).await;
    match called.expect("an answer comes") {
        Err(status) if status.code() == Code::PermissionDenied => {
            assert_eq!(status.message(), "no role of the caller's may make this call", "{path}");
            false
        }
        Err(status) => {
            assert_ne!(status.code(), Code::Unauthenticated, "{path}");
            true
        }
        Ok(()) => true,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_may_call_what_the_table_says() {
    let secured = Secured::start().await;
    for (role, name) in [
        (Role::Participant, "alfa"),
        (Role::InstructingParty, "instructing"),
        (Role::Operator, "operator"),
        (Role::Auditor, "auditor"),
    ] {
        let api = secured.api(name).await;
        for right in RIGHTS {
            let passes = passes(api.channel(), right.path, right.streams).await;
            assert_eq!(passes, right.roles.has(role), "{} calls {}", role.name(), right.path);
        }
        for path in ["/solvo.v1.PaymentService/Undo", "/solvo.v1.Nothing/At", "/"] {
            let refused = call(api.channel(), path, false).await.unwrap_err();
            assert_eq!(refused.code(), Code::Unimplemented, "{path}");
        }
    }
}

/// The table as `docs/identity.md` has it.
fn table() -> String {
    let mut table = "| call | participant | instructing party | operator | auditor | bound to |\n".to_owned();
    table.push_str("|---|---|---|---|---|---|\n");
    for right in RIGHTS {
        let path = right.path.trim_start_matches("/solvo.v1.").trim_start_matches('/');
        let cells = Role::ALL.map(|role| if right.roles.has(role) { "yes" } else { "" });
        table.push_str(&format!("| {path} | {} | {} |\n", cells.join(" | "), right.bound));
    }
    table
}

#[test]
fn the_document_has_the_table() {
    let document = fs::read_to_string(Workspace::root().join("docs/identity.md")).unwrap();
    assert!(document.contains(&table()), "docs/identity.md must have this table:\n{}", table());
}

fn reason(status: &Status) -> ErrorReason {
    client::Refusal::from_status(status).reason
}

#[track_caller]
fn not_yours<Reply: std::fmt::Debug>(result: Result<Reply, Status>) {
    let status = result.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::PermissionDenied, ErrorReason::BankNotYours),
        "{status:?}"
    );
}

#[track_caller]
fn not_entitled(outcome: v1::PaymentOutcome) -> v1::PaymentOutcome {
    assert_eq!((outcome.status(), outcome.reason_code.as_str()), (v1::PaymentStatus::Rejected, "RC01"));
    outcome
}

#[track_caller]
fn no_account<Reply: std::fmt::Debug>(result: Result<Reply, Status>) {
    let status = result.unwrap_err();
    assert_eq!((status.code(), reason(&status)), (Code::NotFound, ErrorReason::AccountUnknown), "{status:?}");
}

/// The banks ALFA and BETA, registered by the operator, with one customer each, opened by themselves.
pub(crate) async fn world(secured: &Secured) -> [Api; 2] {
    let operator = World::of(secured.api("operator").await);
    let mut banks = Vec::new();
    for (name, bic, iban) in [("alfa", ALFA, belgian(1)), ("beta", BETA, german(1))] {
        operator.register(bic, v1::AccountMode::Hosted).await;
        operator.fund(bic, "1000000.00").await;
        let api = secured.api(name).await;
        World::of(api.clone()).customer(bic, &iban).await;
        banks.push(api);
    }
    banks.try_into().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_pays_for_its_own_customers_only() {
    let secured = Secured::start().await;
    let [alfa, beta] = world(&secured).await;
    let order = payment("TX-1", "1.00");
    let forged = not_entitled(beta.submit(&order).await.unwrap());
    assert_eq!(forged.reason_code, "RC01");
    // It was logged, and the key is free.
    let paid = settled(alfa.submit(&order).await.unwrap());
    assert_ne!(paid.payment_id, forged.payment_id);
    // The bank that sends for ALFA gets the same answer, and BETA still none.
    let instructing = secured.api("instructing").await;
    assert_eq!(settled(instructing.submit(&order).await.unwrap()), paid);
    let forged_again = not_entitled(beta.submit(&order).await.unwrap());
    assert!(!forged_again.repeat && forged_again.payment_id != paid.payment_id);
    assert_eq!(outcome_of(alfa.by_key(&order).await.unwrap()), paid);

    // On a stream it is the result of the item.
    let submission = |caller_id, id| v1::PaymentSubmission { caller_id, payment: Some(payment(id, "1.00")) };
    let message = v1::SubmitPaymentsRequest { payments: vec![submission(7, "TX-2")] };
    let replies = beta.payments().submit_payments(tokio_stream::once(message)).await.unwrap();
    let results = replies.into_inner().message().await.unwrap().unwrap().results;
    let Some(v1::payment_result::Result::Outcome(outcome)) = &results[0].result else {
        panic!("{results:?}")
    };
    assert_eq!(results[0].caller_id, 7);
    not_entitled(outcome.clone());
    assert_eq!(secured.api("auditor").await.settled_count().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_a_payment_is_told_to_its_banks_and_to_those_who_see_everything() {
    let secured = Secured::start().await;
    let [alfa, beta] = world(&secured).await;
    let order = payment("TX-1", "1.00");
    let paid = settled(alfa.submit(&order).await.unwrap());
    for name in ["alfa", "beta", "instructing", "operator", "auditor"] {
        let api = secured.api(name).await;
        assert_eq!(outcome_of(api.by_id(&paid.payment_id).await.unwrap()), paid, "{name}");
        assert_eq!(outcome_of(api.by_key(&order).await.unwrap()), paid, "{name}");
    }
    // What was refused before the payee's bank had to do with it is the payer's bank's affair.
    let refused = alfa.submit(&payment("TX-2", "999999.00")).await.unwrap();
    assert_eq!(refused.reason_code, "AM04");
    assert_eq!(outcome_of(alfa.by_id(&refused.payment_id).await.unwrap()).reason_code, "AM04");
    not_yours(beta.by_id(&refused.payment_id).await);
    // So is what stays within it.
    World::of(alfa.clone()).customer(ALFA, &belgian(2)).await;
    let within = v1::Payment {
        creditor_agent: ALFA.to_owned(),
        creditor_account: belgian(2),
        ..payment("TX-3", "1.00")
    };
    let within_paid = settled(alfa.submit(&within).await.unwrap());
    not_yours(beta.by_id(&within_paid.payment_id).await);
    not_yours(beta.by_key(&within).await);
    // No answer tells others whether there is such a payment.
    let unknown = payment("TX-9", "1.00");
    not_yours(beta.by_key(&unknown).await);
    let found = alfa.by_key(&unknown).await.unwrap();
    assert!(matches!(found, v1::get_payment_response::Result::NotFound(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_accounts_of_others_do_not_exist() {
    let secured = Secured::start().await;
    let [alfa, beta] = world(&secured).await;
    let get = |iban: String| v1::GetAccountRequest { iban, currency_code: "EUR".to_owned() };
    for iban in [belgian(1), belgian(9)] {
        no_account(beta.accounts().get_account(get(iban.clone())).await);
        let world = World::of(beta.clone());
        no_account(world.post(&iban, v1::EntryDirection::Credit, "5.00").await);
        no_account(world.set_account_status(&iban, v1::AccountStatus::Blocked).await);
        let floor = v1::SetAccountFloorRequest {
            request_id: "floor".to_owned(),
            iban,
            currency_code: "EUR".to_owned(),
            floor: "-1.00".to_owned(),
        };
        no_account(beta.accounts().set_account_floor(floor).await);
    }
    for name in ["alfa", "instructing", "operator", "auditor"] {
        assert_eq!(secured.api(name).await.balance(&belgian(1)).await, "1000.00");
    }
    not_yours(World::of(beta.clone()).open(account(ALFA, &belgian(2))).await);
    let opening =
        v1::AccountOpening { request_id: "o".to_owned(), account: Some(account(ALFA, &belgian(3))) };
    let message = v1::OpenAccountsRequest { openings: vec![opening] };
    let replies = beta.accounts().open_accounts(tokio_stream::once(message)).await.unwrap();
    let results = replies.into_inner().message().await.unwrap().unwrap().results;
    let Some(v1::account_opening_result::Result::NotTaken(not_taken)) = &results[0].result else {
        panic!("{results:?}")
    };
    assert_eq!(not_taken.reason(), ErrorReason::BankNotYours);
    World::of(alfa.clone()).set_account_status(&belgian(1), v1::AccountStatus::Blocked).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn banks_see_themselves() {
    let secured = Secured::start().await;
    let [alfa, beta] = world(&secured).await;
    let bank = |bic: &str| v1::GetParticipantRequest { bic: bic.to_owned() };
    let position =
        |bic: &str| v1::GetPositionRequest { bic: bic.to_owned(), currency_code: "EUR".to_owned() };
    alfa.participants().get_participant(bank(ALFA)).await.unwrap();
    alfa.liquidity().get_position(position(ALFA)).await.unwrap();
    for bic in [ALFA, "NOBODEFF"] {
        not_yours(beta.participants().get_participant(bank(bic)).await);
        not_yours(beta.liquidity().get_position(position(bic)).await);
    }
    for name in ["operator", "auditor"] {
        let api = secured.api(name).await;
        api.participants().get_participant(bank(BETA)).await.unwrap();
        api.liquidity().get_position(position(BETA)).await.unwrap();
        api.trial_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_its_senders_as_well() {
    let secured = Secured::start().await;
    let [_, beta] = world(&secured).await;
    let order = document();
    let request = |document: Vec<u8>| v1::Iso20022ServiceSubmitRequest { document, wait_ms: None };
    // A document that breaks a rule of the scheme is told no differently.
    let broken = String::from_utf8(order.clone()).unwrap().replace("<ChrgBr>SLEV", "<ChrgBr>SHAR");
    for document in [order, broken.into_bytes()] {
        let answered = beta.iso20022().submit(request(document)).await.unwrap().into_inner();
        assert_eq!(answered.message_name, "pacs.002.001.10");
        assert!(String::from_utf8(answered.document).unwrap().contains("<Cd>RC01</Cd>"));
        not_entitled(answered.outcome.unwrap());
    }
}

/// The first fixture, as if it had been sent just now.
fn document() -> Vec<u8> {
    let path = Workspace::root().join("tests/fixtures/pacs008/01-default-namespace.xml");
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let now = Timestamp::from_nanoseconds(i64::try_from(since_1970.as_nanos()).unwrap()).unwrap();
    Restamper::new("IDENTITY").unwrap().restamp(&fs::read(path).unwrap(), now)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_known_by_its_alternative_names_and_its_subject() {
    let secured = Secured::start().await;
    let others = "[[principal]]\nnumber = 20\nname = \"By host\"\nroles = [\"auditor\"]\n\
                  certificates = [\"dns:Core.Alfa.Example\"]\n\
                  [[principal]]\nnumber = 21\nname = \"By subject\"\nroles = [\"auditor\"]\n\
                  certificates = [\"subject:CN=somebody,O=Solvo\"]\n";
    secured.set_principals(&format!("{}{others}", principals())).await;
    let authority = &secured.authority;
    secured.api_with(&authority.client_at("x", "core.alfa.example")).await.trial_balance().await;
    secured.api_with(&authority.client_of("somebody")).await.trial_balance().await;
    // Two principals at once are nobody.
    let both = secured.api_with(&authority.client_at("somebody", "core.alfa.example")).await;
    let refused = status_of(&both).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
}

/// Asks what any role may ask.
async fn status_of(api: &Api) -> Result<(), Status> {
    let mut health = tonic_health::pb::health_client::HealthClient::new(api.channel());
    let request = tonic_health::pb::HealthCheckRequest { service: String::new() };
    match health.check(request).await {
        // A node that has just started has not told its health yet.
        Err(status) if status.code() == Code::NotFound => Ok(()),
        other => other.map(drop),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_known_gets_nothing() {
    let secured = Secured::start().await;
    // A good certificate that stands for nobody: the call says so.
    let stranger = secured.api("stranger").await;
    let refused = status_of(&stranger).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert!(refused.message().contains("principals file"), "{refused:?}");
    // No certificate, another authority's, or no TLS: no call gets through.
    let foreign = Authority::new().client("operator");
    for tls in [secured.authority.trusted(), secured.authority.trusted_by(&foreign)] {
        // With TLS 1.3 the client's side may be through before the node has looked at its certificate.
        let refused = match secured.connect(tls).await {
            Err(status) => status,
            Ok(channel) => status_of(&Api::over(channel)).await.unwrap_err(),
        };
        assert_ne!(refused.code(), Code::Ok);
    }
    let plain = tonic::transport::Endpoint::from_shared(format!("http://{}", secured.address())).unwrap();
    if let Ok(channel) = plain.connect().await {
        status_of(&Api::over(channel)).await.unwrap_err();
    }
    status_of(&secured.api("operator").await).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_principal_has_only_so_many_connections() {
    let limits = ServerLimits { connections_per_principal: 2, ..ServerLimits::default() };
    let secured = Secured::with_limits(limits).await;
    let first = secured.api("alfa").await;
    let second = secured.api("alfa").await;
    for api in [&first, &second] {
        status_of(api).await.unwrap();
    }
    let tls = secured.authority.trusted_by(&secured.authority.client("alfa"));
    if let Ok(third) = secured.connect(tls).await {
        status_of(&Api::over(third)).await.unwrap_err();
    }
    status_of(&secured.api("beta").await).await.unwrap();
    drop(second);
    until("the place is free again", async || {
        let tls = secured.authority.trusted_by(&secured.authority.client("alfa"));
        let channel = secured.connect(tls).await.ok()?;
        status_of(&Api::over(channel)).await.ok()
    })
    .await;
}

/// A stream of payments that stays open, and its results.
async fn open_stream(
    api: &Api,
) -> (mpsc::Sender<v1::SubmitPaymentsRequest>, tonic::Streaming<v1::SubmitPaymentsResponse>) {
    let (sender, messages) = mpsc::channel(4);
    let replies = api.payments().submit_payments(ReceiverStream::new(messages)).await.unwrap();
    (sender, replies.into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_change_while_connections_stand() {
    let secured = Secured::start().await;
    let [alfa, beta] = world(&secured).await;
    let (_alfa_sender, mut alfa_stream) = open_stream(&alfa).await;
    let (beta_sender, mut beta_stream) = open_stream(&beta).await;
    not_entitled(beta.submit(&payment("TX-1", "1.00")).await.unwrap());
    // BETA acts for ALFA as well, and ALFA is gone.
    let rest =
        [principal(11, "auditor", "auditor", &[]), principal(13, "beta", "participant", &[BETA, ALFA])];
    secured.set_principals(&rest.concat()).await;
    settled(beta.submit(&payment("TX-1", "1.00")).await.unwrap());
    assert_eq!(alfa.submit(&payment("TX-2", "1.00")).await.unwrap_err().code(), Code::Unauthenticated);
    assert_eq!(alfa_stream.message().await.unwrap_err().code(), Code::Unauthenticated);
    assert_eq!(beta_stream.message().await.unwrap_err().code(), Code::Aborted);
    // Nothing that is sent on it afterwards is taken.
    let submission = v1::PaymentSubmission { caller_id: 1, payment: Some(payment("TX-3", "1.00")) };
    let _ = beta_sender.send(v1::SubmitPaymentsRequest { payments: vec![submission] }).await;
    assert_eq!(secured.api("auditor").await.settled_count().await, 1);
    // A new stream has the new rights; one that concerns nobody's rights goes on through a change.
    let (sender, mut stream) = open_stream(&beta).await;
    secured.set_principals(&format!("{}# nothing new\n", rest.concat())).await;
    let submission = v1::PaymentSubmission { caller_id: 1, payment: Some(payment("TX-4", "1.00")) };
    sender.send(v1::SubmitPaymentsRequest { payments: vec![submission] }).await.unwrap();
    assert_eq!(stream.message().await.unwrap().unwrap().results[0].caller_id, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_principals_file_that_is_not_in_order_changes_nothing() {
    let secured = Secured::start().await;
    let auditor = secured.api("auditor").await;
    secured.set_principals("[[principal]]\nnumber = 1\n").await;
    auditor.trial_balance().await;
    // By itself the node notices within a second or so.
    secured.put("principals.toml", &principal(13, "beta", "auditor", &[]));
    until("the auditor is not known any more", async || {
        let refused = status_of(&auditor).await.err()?;
        (refused.code() == Code::Unauthenticated).then_some(())
    })
    .await;
    secured.api("beta").await.trial_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_and_authorities_change_without_a_restart() {
    let secured = Secured::start().await;
    let old = secured.api("auditor").await;
    let authority = Authority::new();
    let tls = authority.trusted_by(&authority.client("auditor"));
    // Certificate and key that do not go together change nothing.
    secured.put("server.pem", &authority.server().certificate);
    secured.reload().await;
    secured.api("auditor").await.trial_balance().await;
    assert!(secured.connect(tls.clone()).await.is_err(), "the node still shows its old certificate");
    secured.set_server(&authority.pem, &authority.server()).await;
    let new = Api::over(secured.connect(tls).await.unwrap());
    new.trial_balance().await;
    // Whoever is connected stays; nobody else comes in with the old authority's certificates.
    old.trial_balance().await;
    let tls = secured.authority.trusted_by(&secured.authority.client("auditor"));
    assert!(secured.connect(tls).await.is_err());
}

/// The balances are those of the calls that were allowed.
#[tokio::test(flavor = "multi_thread")]
async fn money_moves_as_ever() {
    let secured = Secured::start().await;
    let [alfa, _] = world(&secured).await;
    let mut order = payment("TX-1", "2.50");
    order.amount = Some(money("2.50"));
    settled(alfa.submit(&order).await.unwrap());
    let auditor = secured.api("auditor").await;
    assert_eq!(auditor.balance(&german(1)).await, "1002.50");
    auditor.trial_balance().await;
}

/// The events that a caller may still hear of the payments up to the one with this id, from the log.
async fn watched(api: &Api, request: v1::WatchRequest, last: &str) -> Vec<v1::Event> {
    let request = v1::WatchRequest { after_sequence: Some(0), ..request };
    let mut responses = api.events().watch(request).await.unwrap().into_inner();
    let mut events = Vec::new();
    loop {
        events.extend(responses.message().await.unwrap().unwrap().events);
        let id = |event: &v1::Event| event.outcome.as_ref().map(|outcome| outcome.payment_id.clone());
        if events.iter().any(|event| id(event).as_deref() == Some(last)) {
            return events;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_payees_side_hears_nothing_of_what_the_payers_bank_decided() {
    let secured = Secured::start().await;
    let operator = secured.api("operator").await;
    let world = World::set_up(&operator, 0).await;
    let (alfa, beta) = (secured.api("alfa").await, secured.api("beta").await);
    World::of(alfa.clone()).customer(ALFA, &belgian(1)).await;
    World::of(beta.clone()).customer(BETA, &german(1)).await;
    let no_funds = alfa.submit(&payment("TX-POOR", "5000.00")).await.unwrap();
    assert_eq!(no_funds.reason_code, "AM04");
    let debits = Some(v1::StagePolicy {
        scope: v1::DecisionScope::Above.into(),
        above: Some(money("50.00")),
        silence: v1::SilenceMeaning::Reject.into(),
    });
    world.set_policy(ALFA, v1::DecisionPolicy { debits, credits: None }, 1).await;
    let mut bank = Bank::connect(&alfa, ALFA).await;
    let paying = alfa.submit_aside(&payment("TX-FRAUD", "60.00"));
    let question = bank.question().await;
    bank.reject(&question, "FRAD").await;
    assert_eq!(paying.await.unwrap().unwrap().reason_code, "FRAD");
    let paid = settled(alfa.submit(&payment("TX-PAID", "1.00")).await.unwrap());

    let brief = |events: Vec<v1::Event>| -> Vec<(String, String, String)> {
        let outcomes = events.into_iter().filter(|event| event.r#type() == v1::EventType::Outcome);
        let brief = |event: v1::Event| {
            let (outcome, summary) = (event.outcome.unwrap(), event.summary.unwrap());
            (outcome.transaction_id, outcome.reason_code, summary.debtor_account)
        };
        outcomes.map(brief).collect()
    };
    let told = |id: &str, reason: &str, account: &str| (id.to_owned(), reason.to_owned(), account.to_owned());
    let payer = belgian(1);
    let all = v1::WatchRequest::default();
    let whole =
        [told("TX-POOR", "AM04", &payer), told("TX-FRAUD", "FRAD", &payer), told("TX-PAID", "", &payer)];
    for api in [&alfa, &operator] {
        assert_eq!(brief(watched(api, all.clone(), &paid.payment_id).await), whole);
    }
    let events = watched(&beta, all, &paid.payment_id).await;
    assert_eq!(events.len(), 1, "not even that a payment waited: {events:?}");
    assert_eq!(brief(events), [told("TX-PAID", "", &payer)]);
    // A till looks for its own bill.
    let till = v1::WatchRequest { account: german(1), ..Default::default() };
    let heard = brief(watched(&beta, till, &paid.payment_id).await);
    assert_eq!(
        heard,
        [told("TX-POOR", "AM04", ""), told("TX-FRAUD", "MS03", ""), told("TX-PAID", "", &payer)]
    );
}
