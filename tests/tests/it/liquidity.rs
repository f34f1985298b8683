//! Positions beside payments: own funds, alerts, reachable parties and blocks, as banks and operators see them.

use client::v1;
use client::v1::AlertKind::{HeadroomBelowFloor, PositionAboveCeiling, PositionBelowFloor};
use client::v1::set_block_request::Target;
use iso20022::{
    AlertBound, AlertSubject, EntryDirection, LiquidityTransfer, StatementReader, read_camt004, read_camt025,
    write_camt050,
};
use reports::Days;
use tests::secured::Secured;
use tests::{
    ALFA, Api, BETA, Bank, Exchange, GAMMA, Node, World, belgian, german, money, payment, payment_to_remote,
    settled, until,
};
use tonic::{Code, Status};
use tonic_types::StatusExt;
use types::{Amount, Balance, Currency, Sequence, Text};

use crate::history::until_told;
use crate::statements::{settlement, today_in_frankfurt};
use crate::watch::Watcher;

const PARTY: &str = "PRTYBEBBXXX";

fn own(bic: &str, r#type: v1::OwnAccountType) -> Option<v1::OwnAccount> {
    Some(v1::OwnAccount { bic: bic.to_owned(), r#type: r#type.into() })
}

fn transfer(
    id: &str,
    from: Option<v1::OwnAccount>,
    to: Option<v1::OwnAccount>,
    amount: &str,
) -> v1::TransferOwnFundsRequest {
    v1::TransferOwnFundsRequest {
        request_id: id.to_owned(),
        from,
        to,
        amount: Some(money(amount)),
        reference: id.to_owned(),
    }
}

fn position_name(bic: &str) -> v1::PositionName {
    v1::PositionName { bic: bic.to_owned(), currency_code: "EUR".to_owned() }
}

async fn position(api: &Api, bic: &str) -> v1::Position {
    let request = v1::GetPositionRequest { bic: bic.to_owned(), currency_code: "EUR".to_owned() };
    api.liquidity().get_position(request).await.unwrap().into_inner().position.unwrap()
}

async fn party(api: &Api) -> v1::ReachableParty {
    let request = v1::GetReachablePartyRequest { bic: PARTY.to_owned(), currency_code: "EUR".to_owned() };
    api.liquidity().get_reachable_party(request).await.unwrap().into_inner().party.unwrap()
}

fn reason_of(status: &Status) -> (Code, String) {
    (status.code(), status.get_details_error_info().unwrap().reason)
}

async fn set_alert(api: &Api, id: &str, bic: &str, floor: Option<&str>, ceiling: Option<&str>) {
    let bounds = v1::AlertBounds { floor: floor.map(str::to_owned), ceiling: ceiling.map(str::to_owned) };
    let request = v1::SetPositionAlertRequest {
        request_id: id.to_owned(),
        bic: bic.to_owned(),
        currency_code: "EUR".to_owned(),
        bounds: Some(bounds),
    };
    api.liquidity().set_position_alert(request).await.unwrap();
}

fn party_request(id: &str, limit: Option<&str>) -> v1::SetReachablePartyRequest {
    v1::SetReachablePartyRequest {
        request_id: id.to_owned(),
        bic: PARTY.to_owned(),
        name: "A party".to_owned(),
        account_mode: v1::AccountMode::Hosted.into(),
        host: ALFA.to_owned(),
        currency_code: "EUR".to_owned(),
        limit: limit.map(str::to_owned),
    }
}

async fn block(api: &Api, id: &str, target: Target, block: v1::Block) {
    let request =
        v1::SetBlockRequest { request_id: id.to_owned(), target: Some(target), block: block.into() };
    api.liquidity().set_block(request).await.unwrap();
}

/// The codes with which two payments, one each way, are refused; "" if settled.
async fn both_ways(api: &Api, attempt: u32) -> [String; 2] {
    let there = payment(&format!("THERE-{attempt}"), "1.00");
    let mut back = payment(&format!("BACK-{attempt}"), "1.00");
    std::mem::swap(&mut back.debtor_account, &mut back.creditor_account);
    std::mem::swap(&mut back.debtor_agent, &mut back.creditor_agent);
    [api.submit(&there).await.unwrap().reason_code, api.submit(&back).await.unwrap().reason_code]
}

#[tokio::test(flavor = "multi_thread")]
async fn own_funds_move_and_other_pairs_are_refused() {
    use v1::OwnAccountType::{Position, Technical};
    let node = Node::with_history().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let out = transfer("M-1", own(ALFA, Position), own(ALFA, Technical), "400.00");
    let moved = api.liquidity().transfer_own_funds(out.clone()).await.unwrap().into_inner();
    assert_eq!(moved.position_balance, "999600.00");
    assert_eq!(moved.technical_balance, "400.00");
    let again = api.liquidity().transfer_own_funds(out).await.unwrap().into_inner();
    assert!(again.confirmation.unwrap().repeat);
    let back = transfer("M-2", own(ALFA, Technical), own(ALFA, Position), "150.00");
    api.liquidity().transfer_own_funds(back).await.unwrap();
    let found = position(&api, ALFA).await;
    assert_eq!((found.balance.as_str(), found.technical_balance.as_str()), ("999750.00", "250.00"));
    assert_eq!(position(&api, BETA).await.technical_balance, "");

    let pairs = [
        (own(ALFA, Position), own(BETA, Technical)),
        (own(ALFA, Position), own(BETA, Position)),
        (own(ALFA, Technical), own(BETA, Technical)),
        (own(ALFA, Position), own(ALFA, Position)),
    ];
    for (place, (from, to)) in pairs.into_iter().enumerate() {
        let request = transfer(&format!("PAIR-{place}"), from, to, "1.00");
        let refused = api.liquidity().transfer_own_funds(request).await.unwrap_err();
        assert_eq!(reason_of(&refused), (Code::FailedPrecondition, "PAIR_NOT_ALLOWED".to_owned()));
    }
    let too_much = transfer("M-3", own(ALFA, Technical), own(ALFA, Position), "250.01");
    let refused = api.liquidity().transfer_own_funds(too_much).await.unwrap_err();
    assert_eq!(reason_of(&refused).1, "INSUFFICIENT_FUNDS");
    api.trial_balance().await;
}

/// Crossings come as they happen, again from the log, and again after a restart: the same events, each once.
#[tokio::test(flavor = "multi_thread")]
async fn crossings_are_told_once_and_again_from_the_log() {
    let node = Node::start().await;
    let api = node.api().await;
    let world = World::set_up(&api, 2).await;
    world.remote_bank().await;
    set_alert(&api, "A-1", ALFA, Some("999990.00"), None).await;
    set_alert(&api, "A-2", BETA, None, Some("1000010.00")).await;
    set_alert(&api, "A-3", GAMMA, Some("0.00"), Some("1005.00")).await;
    let alerts = |after| v1::WatchRequest {
        types: vec![v1::EventType::Alert.into()],
        after_sequence: after,
        ..Default::default()
    };
    let mut live = Watcher::start(&api, alerts(None)).await;
    let begin = live.upto;
    settled(api.submit(&payment("TX-1", "10.00")).await.unwrap());
    let crossing = settled(api.submit(&payment("TX-2", "0.50")).await.unwrap());
    settled(api.submit(&payment("TX-3", "0.50")).await.unwrap());
    let mut gamma = Bank::connect(&api, GAMMA).await;
    let paying = api.submit_aside(&payment_to_remote("TX-4", "7.00"));
    let question = gamma.question().await;
    gamma.accept(&question).await;
    let answered = settled(paying.await.unwrap().unwrap());
    let events = [live.next().await, live.next().await, live.next().await];
    let told =
        events.each_ref().map(|event| (event.alert(), event.participant.as_str(), event.balance.as_str()));
    assert_eq!(
        told,
        [
            (PositionBelowFloor, ALFA, "999989.50"),
            (PositionAboveCeiling, BETA, "1000010.50"),
            (PositionAboveCeiling, GAMMA, "1007.00"),
        ]
    );
    assert_eq!(events[0].sequence, crossing.decided_sequence);
    assert_eq!(events[2].sequence, answered.decided_sequence);
    assert!(events.iter().all(|event| event.currency_code == "EUR"));

    // Another crossing ends each list.
    let fund = v1::FundRequest {
        request_id: "fund".to_owned(),
        bic: GAMMA.to_owned(),
        amount: Some(money("1.00")),
        external_reference: "F-9".to_owned(),
    };
    set_alert(&api, "A-4", GAMMA, None, Some("1007.50")).await;
    api.liquidity().fund(fund).await.unwrap();
    let last = live.next().await;
    assert_eq!((last.participant.as_str(), last.balance.as_str()), (GAMMA, "1008.00"));
    let all: Vec<_> = events.into_iter().chain([last]).collect();
    let mut again = Watcher::start(&api, alerts(Some(begin))).await;
    for event in &all {
        assert_eq!(&again.next().await, event);
    }
    drop((gamma, live, again));
    let node = node.restart().await;
    let api = node.api().await;
    let mut after = Watcher::start(&api, alerts(Some(begin))).await;
    for event in &all {
        assert_eq!(&after.next().await, event);
    }
    // Whoever watches one bank hears of that one.
    let of_beta = v1::WatchRequest { participants: vec![BETA.to_owned()], ..alerts(Some(begin)) };
    assert_eq!(Watcher::start(&api, of_beta).await.next().await, all[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reachable_party_spends_within_its_limit() {
    let node = Node::start().await;
    let api = node.api().await;
    let world = World::set_up(&api, 1).await;
    api.liquidity().set_reachable_party(party_request("P-1", Some("100.00"))).await.unwrap();
    world.customer(PARTY, &belgian(90)).await;
    let paid = |id: &str, amount: &str| {
        let mut order = payment(id, amount);
        order.debtor_agent = PARTY.to_owned();
        order.debtor_account = belgian(90);
        order
    };
    set_alert(&api, "A-1", PARTY, Some("45.00"), None).await;
    set_alert(&api, "A-2", ALFA, Some("999945.00"), None).await;
    let request = |participants: &[&str], after| v1::WatchRequest {
        participants: participants.iter().map(|bic| (*bic).to_owned()).collect(),
        types: vec![v1::EventType::Alert.into()],
        after_sequence: after,
        ..Default::default()
    };
    let mut live = Watcher::start(&api, request(&[], None)).await;
    let begin = live.upto;
    settled(api.submit(&paid("TX-1", "60.00")).await.unwrap());
    assert_eq!(position(&api, ALFA).await.balance, "999940.00", "it is the host's position");
    let found = party(&api).await;
    assert_eq!(
        (found.limit.as_deref(), found.utilisation.as_str(), found.headroom.as_deref()),
        (Some("100.00"), "60.00", Some("40.00"))
    );
    let told = [live.next().await, live.next().await];
    let brief =
        told.each_ref().map(|event| (event.alert(), event.participant.as_str(), event.balance.as_str()));
    assert_eq!(brief, [(PositionBelowFloor, ALFA, "999940.00"), (HeadroomBelowFloor, PARTY, "")]);
    // The host hears of its position although the payment names it nowhere, live and from the log.
    let mut host = Watcher::start(&api, request(&[ALFA], Some(begin))).await;
    assert_eq!(host.next().await, told[0]);
    let mut both = Watcher::start(&api, request(&[], Some(begin))).await;
    assert_eq!([both.next().await, both.next().await], told);

    assert_eq!(api.submit(&paid("TX-2", "40.01")).await.unwrap().reason_code, "AM23");
    api.liquidity().set_reachable_party(party_request("P-2", Some("50.00"))).await.unwrap();
    assert_eq!(party(&api).await.headroom.as_deref(), Some("-10.00"));
    assert_eq!(api.submit(&paid("TX-3", "0.01")).await.unwrap().reason_code, "AM23");
    let mut credit = payment("TX-4", "15.00");
    credit.debtor_agent = BETA.to_owned();
    credit.debtor_account = german(1);
    credit.creditor_agent = PARTY.to_owned();
    credit.creditor_account = belgian(90);
    settled(api.submit(&credit).await.unwrap());
    settled(api.submit(&paid("TX-5", "5.00")).await.unwrap());
    api.liquidity().set_reachable_party(party_request("P-3", None)).await.unwrap();
    settled(api.submit(&paid("TX-6", "500.00")).await.unwrap());
    assert_eq!(party(&api).await.headroom, None);

    let nobody = v1::GetReachablePartyRequest { bic: ALFA.to_owned(), currency_code: "EUR".to_owned() };
    let refused = api.liquidity().get_reachable_party(nobody).await.unwrap_err();
    assert_eq!(reason_of(&refused), (Code::NotFound, "LIMIT_UNKNOWN".to_owned()));
    let mut differs = party_request("P-4", None);
    differs.host = BETA.to_owned();
    let refused = api.liquidity().set_reachable_party(differs).await.unwrap_err();
    assert_eq!(reason_of(&refused).1, "PARTY_DIFFERS");
    let mut has_position = party_request("P-5", None);
    has_position.bic = BETA.to_owned();
    let refused = api.liquidity().set_reachable_party(has_position).await.unwrap_err();
    assert_eq!(reason_of(&refused).1, "POSITION_EXISTS");
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_stop_one_way_and_say_why() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let name = || position_name(ALFA);
    let iban = || v1::AccountName { iban: belgian(1), currency_code: "EUR".to_owned() };
    let cases = [
        (Target::Participant(ALFA.to_owned()), v1::Block::Debit, ["AG10", ""]),
        (Target::Participant(ALFA.to_owned()), v1::Block::Credit, ["", "AG11"]),
        (Target::Participant(ALFA.to_owned()), v1::Block::Unspecified, ["", ""]),
        (Target::Position(name()), v1::Block::Debit, ["ED05", ""]),
        (Target::Position(name()), v1::Block::Both, ["ED05", "ED05"]),
        (Target::Position(name()), v1::Block::Unspecified, ["", ""]),
        (Target::Account(iban()), v1::Block::Credit, ["", "AC06"]),
        (Target::Account(iban()), v1::Block::Both, ["AC06", "AC06"]),
        (Target::Account(iban()), v1::Block::Unspecified, ["", ""]),
    ];
    for (attempt, (target, blocks, expected)) in (0..).zip(cases) {
        block(&api, &format!("B-{attempt}"), target, blocks).await;
        assert_eq!(both_ways(&api, attempt).await, expected.map(str::to_owned), "{attempt}: {blocks:?}");
    }
    block(&api, "B-A", Target::Position(name()), v1::Block::Debit).await;
    block(&api, "B-B", Target::Account(iban()), v1::Block::Credit).await;
    assert_eq!(position(&api, ALFA).await.block(), v1::Block::Debit);
    assert_eq!(api.account(&belgian(1)).await.block(), v1::Block::Credit);
    use v1::OwnAccountType::{Position, Technical};
    let request = transfer("M-1", own(ALFA, Position), own(ALFA, Technical), "1.00");
    let refused = api.liquidity().transfer_own_funds(request).await.unwrap_err();
    assert_eq!(reason_of(&refused).1, "POSITION_BLOCKED");
    let request = v1::SetBlockRequest { request_id: "B-C".to_owned(), target: None, block: 0 };
    let refused = api.liquidity().set_block(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread")]
async fn bounds_that_can_not_be_are_named() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 0).await;
    let bounds = v1::AlertBounds { floor: Some("5.00".to_owned()), ceiling: Some("5.00".to_owned()) };
    let request = v1::SetPositionAlertRequest {
        request_id: "A-1".to_owned(),
        bic: ALFA.to_owned(),
        currency_code: "EUR".to_owned(),
        bounds: Some(bounds),
    };
    let refused = api.liquidity().set_position_alert(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let violations = refused.get_details_bad_request().unwrap().field_violations;
    assert_eq!(violations[0].field, "bounds.ceiling");
}

fn camt050(id: &str, from: &str, to: &str, amount: &str) -> LiquidityTransfer {
    LiquidityTransfer {
        message_id: Text::parse(id).unwrap(),
        created_at: None,
        instruction_id: None,
        end_to_end_id: Text::parse(id).unwrap(),
        transaction_id: None,
        uetr: None,
        creditor: None,
        creditor_account: Text::parse(to).unwrap(),
        amount: Amount::parse(amount, Currency::EUR).unwrap(),
        debtor: None,
        debtor_account: Text::parse(from).unwrap(),
        settlement_date: None,
    }
}

/// The status and the sentence of the receipt for a document.
async fn receipt(api: &Api, transfer: &LiquidityTransfer) -> (String, String) {
    let document = write_camt050(transfer).into_bytes();
    let request = v1::Iso20022ServiceSubmitRequest { document, ..Default::default() };
    let reply = api.iso20022().submit(request).await.unwrap().into_inner();
    assert_eq!(reply.message_name, "camt.025.001.05", "{}", String::from_utf8_lossy(&reply.document));
    let receipt = read_camt025(&reply.document).unwrap();
    assert_eq!(receipt.original_message_id, transfer.message_id);
    let description = receipt.description.map_or_else(String::new, |text| text.as_str().to_owned());
    (receipt.status.to_string(), description)
}

#[tokio::test(flavor = "multi_thread")]
async fn own_funds_move_by_document_and_the_receipt_says_what_became_of_it() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let (position_of, technical_of) = ("PBEEURALFABEBBXXX", "TBEEURALFABEBBXXX");
    let out = camt050("LQ-1", position_of, technical_of, "400.00");
    assert_eq!(receipt(&api, &out).await.0, "SSET");
    assert_eq!(receipt(&api, &out).await.0, "SSET", "the same document moves nothing again");
    let found = position(&api, ALFA).await;
    assert_eq!((found.balance.as_str(), found.technical_balance.as_str()), ("999600.00", "400.00"));
    let changed = camt050("LQ-1", position_of, technical_of, "500.00");
    assert_eq!(receipt(&api, &changed).await.0, "AM05");
    for (id, from, to, amount, status) in [
        ("LQ-2", technical_of, position_of, "400.01", "AM04"),
        ("LQ-3", position_of, "TDEEURBETADEFFXXX", "1.00", "AG01"),
        ("LQ-4", position_of, "PDEEURBETADEFFXXX", "1.00", "AG01"),
        ("LQ-5", position_of, "TBEEURNBDYBEBBXXX", "1.00", "AC01"),
        ("LQ-6", position_of, "BE71096123456769", "1.00", "AC01"),
        ("LQ-7", "X", technical_of, "1.00", "AC02"),
        ("LQ-12", "PBEEURNBDYBEBBXXX", "TBEEURNBDYBEBBXXX", "1.00", "AC02"),
    ] {
        let (found, sentence) = receipt(&api, &camt050(id, from, to, amount)).await;
        assert_eq!(found, status, "{id}");
        assert!(!sentence.is_empty(), "{id}");
    }
    // Another bank's reference is another order, whoever sends both.
    let other = camt050("LQ-1", "PDEEURBETADEFFXXX", "TDEEURBETADEFFXXX", "7.00");
    assert_eq!(receipt(&api, &other).await.0, "SSET");
    assert_eq!(position(&api, BETA).await.technical_balance, "7.00");
    // What is ordered for another day does not move today.
    let today = crate::statements::today();
    for (id, later, status) in [("LQ-9", 0, "SSET"), ("LQ-10", 15, "DT01"), ("LQ-11", -6, "DT01")] {
        let settlement_date = Some(crate::statements::day(today, later));
        let dated = LiquidityTransfer { settlement_date, ..camt050(id, position_of, technical_of, "1.00") };
        assert_eq!(receipt(&api, &dated).await.0, status, "{id}");
    }
    assert_eq!(position(&api, ALFA).await.technical_balance, "401.00");
    block(&api, "B-1", Target::Position(position_name(ALFA)), v1::Block::Debit).await;
    let blocked = camt050("LQ-8", position_of, technical_of, "1.00");
    assert_eq!(receipt(&api, &blocked).await.0, "AC06");
    api.trial_balance().await;
}

/// A bank that exchanges documents hears of crossings among its reports, and again when it comes back.
#[tokio::test(flavor = "multi_thread")]
async fn crossings_come_as_documents() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    set_alert(&api, "A-1", BETA, None, Some("1000010.00")).await;
    let mut beta = Exchange::connect(&api, BETA).await;
    settled(api.submit(&payment("TX-1", "10.00")).await.unwrap());
    let crossing = settled(api.submit(&payment("TX-2", "0.50")).await.unwrap());
    let mut told = Vec::new();
    while told.len() < 3 {
        told.push(beta.next().await);
    }
    let names: Vec<_> = told.iter().map(|told| told.message_name.as_str()).collect();
    assert_eq!(names, ["pacs.002.001.10", "pacs.002.001.10", "camt.004.001.08"]);
    let alert = read_camt004(&told[2].document).unwrap();
    assert_eq!((alert.bound, alert.subject), (AlertBound::Ceiling, AlertSubject::Account));
    assert_eq!(alert.account.as_str(), "PDEEURBETADEFFXXX");
    let balance = |text| Balance::parse(text, Currency::EUR).unwrap();
    assert_eq!((alert.available, alert.threshold), (balance("1000010.50"), balance("1000010.00")));
    assert_eq!(told[2].sequence, crossing.decided_sequence);
    beta.hang_up();
    let start = v1::Iso20022ServiceExchangeStart {
        bic: BETA.to_owned(),
        last_sequence: Some(crossing.decided_sequence),
        incarnation: told[2].incarnation,
        ..Default::default()
    };
    let mut again = Exchange::try_connect(&api, start).await.unwrap();
    let repeated = [again.next().await, again.next().await];
    assert_eq!(repeated[1].document, told[2].document);
    assert!(repeated[1].possible_repeat);
}

/// Own funds stand among the entries of a position, and a party's payments among those of its host's, without their texts.
#[tokio::test(flavor = "multi_thread")]
async fn history_shows_what_moved_a_position() {
    use v1::OwnAccountType::{Position, Technical};
    let node = Node::with_history().await;
    let api = node.api().await;
    let world = World::set_up(&api, 1).await;
    let out = transfer("M-1", own(ALFA, Position), own(ALFA, Technical), "400.00");
    api.liquidity().transfer_own_funds(out).await.unwrap();
    api.liquidity().set_reachable_party(party_request("P-1", Some("100.00"))).await.unwrap();
    world.customer(PARTY, &belgian(90)).await;
    let mut order = payment("TX-1", "60.00");
    (order.debtor_agent, order.debtor_account) = (PARTY.to_owned(), belgian(90));
    settled(api.submit(&order).await.unwrap());
    // Inside the host's position nothing moves.
    let mut inside = payment("TX-2", "5.00");
    (inside.creditor_agent, inside.creditor_account) = (PARTY.to_owned(), belgian(90));
    settled(api.submit(&inside).await.unwrap());
    let last = settled(api.submit(&payment("TX-3", "1.00")).await.unwrap());
    until_told(&api, last.sequence).await;
    let request = v1::ListEntriesRequest {
        owner: Some(v1::list_entries_request::Owner::Position(position_name(ALFA))),
        oldest_first: true,
        ..Default::default()
    };
    let entries = api.history().list_entries(request).await.unwrap().into_inner().entries;
    let told: Vec<_> = entries.iter().map(|entry| (entry.r#type(), entry.balance.as_str())).collect();
    use v1::EntryType::{Liquidity, OwnFunds, Payment};
    assert_eq!(
        told,
        [(Liquidity, "1000000.00"), (OwnFunds, "999600.00"), (Payment, "999540.00"), (Payment, "999539.00")]
    );
    assert_eq!(entries[1].reference, "M-1");
    assert_eq!(
        (entries[2].counterpart.as_str(), entries[2].payment.is_none(), entries[2].erased),
        (BETA, true, false)
    );
    assert!(entries[3].payment.is_some());

    // A host's report: how its position moved, its party's payments included, and what came of its own payments.
    let counted = |report: &v1::SettlementReport| -> Vec<(v1::PaymentSide, u64, String)> {
        let payments = report.payments.iter();
        payments.map(|payments| (payments.side(), payments.count, payments.sum.clone())).collect()
    };
    use v1::PaymentSide::{Creditor, Debtor};
    let host = settlement(&api, ALFA, today_in_frankfurt()).await.unwrap();
    assert_eq!(counted(&host), [(Debtor, 2, "6.00".to_owned())]);
    let flows = host.position.unwrap();
    assert_eq!((flows.sent_count, flows.sent_sum.as_str(), flows.received_count), (2, "61.00", 0));
    let party = settlement(&api, PARTY, today_in_frankfurt()).await.unwrap();
    assert_eq!(counted(&party), [(Creditor, 1, "5.00".to_owned()), (Debtor, 1, "60.00".to_owned())]);
    assert_eq!(party.position, None);
}

/// The whole of a statement of today.
async fn statement_of_today(
    api: &Api,
    owner: v1::get_statement_request::Owner,
    form: v1::StatementForm,
) -> Result<Vec<u8>, Status> {
    // Nothing has moved the business date on.
    let date = Days::Frankfurt.of(tests::now(), Sequence(0)).to_string();
    let request =
        v1::GetStatementRequest { owner: Some(owner), date, form: form.into(), ..Default::default() };
    let mut pieces = api.statements().get_statement(request).await?.into_inner();
    let mut document = Vec::new();
    while let Some(piece) = pieces.message().await? {
        document.extend_from_slice(&piece.content);
    }
    Ok(document)
}

/// The names by which a camt.050 moves money between two accounts are those of their statements.
#[tokio::test(flavor = "multi_thread")]
async fn technical_accounts_have_entries_balances_and_statements() {
    use v1::OwnAccountType::{Position, Technical};
    use v1::get_statement_request::Owner;
    let node = Node::with_history().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let out = transfer("M-1", own(ALFA, Position), own(ALFA, Technical), "400.00");
    api.liquidity().transfer_own_funds(out).await.unwrap();
    let back = transfer("M-2", own(ALFA, Technical), own(ALFA, Position), "150.00");
    api.liquidity().transfer_own_funds(back).await.unwrap();
    let last = settled(api.submit(&payment("TX-1", "1.00")).await.unwrap());
    until_told(&api, last.sequence).await;

    let request = v1::ListEntriesRequest {
        owner: Some(v1::list_entries_request::Owner::TechnicalAccount(position_name(ALFA))),
        oldest_first: true,
        ..Default::default()
    };
    let entries = api.history().list_entries(request).await.unwrap().into_inner().entries;
    let told: Vec<_> = entries
        .iter()
        .map(|entry| (entry.r#type(), entry.direction(), entry.balance.as_str(), entry.reference.as_str()))
        .collect();
    use v1::EntryDirection::{Credit, Debit};
    use v1::EntryType::OwnFunds;
    assert_eq!(told, [(OwnFunds, Credit, "400.00", "M-1"), (OwnFunds, Debit, "250.00", "M-2")]);
    let balance = async |bic: &str, sequence| {
        let request = v1::GetBalanceRequest {
            owner: Some(v1::get_balance_request::Owner::TechnicalAccount(position_name(bic))),
            moment: Some(v1::get_balance_request::Moment::Sequence(sequence)),
            incarnation: None,
        };
        api.history().get_balance(request).await.map(|reply| reply.into_inner().balance)
    };
    assert_eq!(balance(ALFA, entries[0].sequence - 1).await.unwrap(), "0.00");
    assert_eq!(balance(ALFA, entries[0].sequence).await.unwrap(), "400.00");
    assert_eq!(balance(ALFA, last.sequence).await.unwrap(), "250.00");
    assert_eq!(balance(BETA, last.sequence).await.unwrap(), "0.00", "nothing ever went there");
    let unknown = reason_of(&balance(GAMMA, last.sequence).await.unwrap_err());
    assert_eq!(unknown, (Code::NotFound, "PARTICIPANT_UNKNOWN".to_owned()));

    let technical = || Owner::TechnicalAccount(position_name(ALFA));
    let document = statement_of_today(&api, technical(), v1::StatementForm::Camt054).await.unwrap();
    let mut reader = StatementReader::open(&document[..]).unwrap();
    let head = reader.statement();
    assert_eq!(head.account.id.as_str(), "TBEEURALFABEBBXXX");
    assert!(head.chain.is_none(), "a notification has no balances");
    let entries: Vec<_> = reader.by_ref().map(Result::unwrap).collect();
    let told: Vec<_> = entries
        .iter()
        .map(|entry| {
            (entry.direction, entry.amount.minor_units(), entry.servicer_reference.as_ref().unwrap())
        })
        .map(|(direction, amount, reference)| (direction, amount, reference.as_str().to_owned()))
        .collect();
    let [first, second] = ["M-1", "M-2"].map(str::to_owned);
    assert_eq!(told, [(EntryDirection::Credit, 40_000, first), (EntryDirection::Debit, 15_000, second)]);

    // The position's shows the same from the other side, and what its payments moved.
    let position = Owner::Position(position_name(ALFA));
    let document = statement_of_today(&api, position, v1::StatementForm::Camt052).await.unwrap();
    let mut reader = StatementReader::open(&document[..]).unwrap();
    assert_eq!(reader.statement().account.id.as_str(), "PBEEURALFABEBBXXX");
    let closing = reader.statement().chain.unwrap().closing.amount;
    assert_eq!(closing, Balance::parse("999749.00", Currency::EUR).unwrap());
    assert_eq!(reader.by_ref().count(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn technical_accounts_are_their_owners_alone() {
    use v1::get_statement_request::Owner;
    let secured = Secured::start().await;
    let (operator, alfa) = (secured.api("operator").await, secured.api("alfa").await);
    for bank in [ALFA, BETA] {
        World::of(operator.clone()).register(bank, v1::AccountMode::Hosted).await;
        World::of(operator.clone()).fund(bank, "1000.00").await;
    }
    let form = v1::StatementForm::Camt054;
    until("history knows the bank", async || {
        let request = v1::GetBalanceRequest {
            owner: Some(v1::get_balance_request::Owner::TechnicalAccount(position_name(BETA))),
            moment: Some(v1::get_balance_request::Moment::Sequence(0)),
            incarnation: None,
        };
        let refused = operator.history().get_balance(request).await.unwrap_err();
        (reason_of(&refused).1 == "POSITION_UNKNOWN").then_some(())
    })
    .await;
    statement_of_today(&alfa, Owner::TechnicalAccount(position_name(ALFA)), form).await.unwrap();
    let foreign = Owner::TechnicalAccount(position_name(BETA));
    let refused = statement_of_today(&alfa, foreign, form).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

/// A return takes the way of a payment, back: what stops the one stops the other.
#[tokio::test(flavor = "multi_thread")]
async fn returns_respect_blocks_and_limits() {
    let node = Node::start().await;
    let api = node.api().await;
    let world = World::set_up(&api, 1).await;
    crate::calendar::set_years(&api).await;
    api.liquidity().set_reachable_party(party_request("P-1", Some("0.00"))).await.unwrap();
    world.customer(PARTY, &belgian(90)).await;
    let ask_back = async |payment: &v1::PaymentOutcome| {
        let request = v1::RequestRecallRequest {
            request_id: format!("ask-{}", payment.transaction_id),
            payment_id: payment.payment_id.clone(),
            reason_code: "DUPL".to_owned(),
            reference: "RECALL".to_owned(),
            ..Default::default()
        };
        api.recalls().request_recall(request).await.unwrap().into_inner().recall_id
    };
    let give_back = async |id: &str, recall_id: &str, amount: &str| {
        let back = v1::RecallReturn { amount: Some(money(amount)), fee: String::new() };
        let request = v1::AnswerRecallRequest {
            request_id: id.to_owned(),
            recall_id: recall_id.to_owned(),
            answer: Some(v1::answer_recall_request::Answer::Returned(back)),
            reference: "RETURN".to_owned(),
            ..Default::default()
        };
        api.recalls().answer_recall(request).await.map(drop)
    };
    let paid = settled(api.submit(&payment("TX-1", "100.00")).await.unwrap());
    let recall = ask_back(&paid).await;
    let iban = || v1::AccountName { iban: german(1), currency_code: "EUR".to_owned() };
    for (number, target, blocks, reason) in [
        (1, Target::Participant(BETA.to_owned()), v1::Block::Debit, "PARTICIPANT_SUSPENDED"),
        (2, Target::Participant(ALFA.to_owned()), v1::Block::Credit, "PARTICIPANT_SUSPENDED"),
        (3, Target::Position(position_name(BETA)), v1::Block::Debit, "POSITION_BLOCKED"),
        (4, Target::Position(position_name(ALFA)), v1::Block::Both, "POSITION_BLOCKED"),
        (5, Target::Account(iban()), v1::Block::Debit, "ACCOUNT_BLOCKED"),
    ] {
        block(&api, &format!("B-{number}"), target.clone(), blocks).await;
        let refused = give_back(&format!("R-{number}"), &recall, "100.00").await.unwrap_err();
        assert_eq!(reason_of(&refused), (Code::FailedPrecondition, reason.to_owned()), "{number}");
        block(&api, &format!("F-{number}"), target, v1::Block::Unspecified).await;
    }
    give_back("R-6", &recall, "100.00").await.unwrap();

    // A party that may spend what it received gives no more back than that.
    let mut order = payment("TX-2", "50.00");
    (order.creditor_agent, order.creditor_account) = (PARTY.to_owned(), belgian(90));
    (order.debtor_agent, order.debtor_account) = (BETA.to_owned(), german(1));
    let received = settled(api.submit(&order).await.unwrap());
    let recall = ask_back(&received).await;
    let mut spent = payment("TX-3", "20.00");
    (spent.debtor_agent, spent.debtor_account) = (PARTY.to_owned(), belgian(90));
    settled(api.submit(&spent).await.unwrap());
    let refused = give_back("R-7", &recall, "30.01").await.unwrap_err();
    assert_eq!(reason_of(&refused).1, "INSUFFICIENT_FUNDS");
    set_alert(&api, "A-1", PARTY, Some("5.00"), None).await;
    let alerts = v1::WatchRequest { types: vec![v1::EventType::Alert.into()], ..Default::default() };
    let mut live = Watcher::start(&api, alerts).await;
    give_back("R-8", &recall, "30.00").await.unwrap();
    assert_eq!(party(&api).await.headroom.as_deref(), Some("0.00"));
    let told = live.next().await;
    assert_eq!((told.alert(), told.participant.as_str()), (HeadroomBelowFloor, PARTY));
    api.trial_balance().await;
}
