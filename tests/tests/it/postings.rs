//! Postings for general ledgers: both sides of everything that is booked, under the names that a bank has given, as a stream
//! and as the files of days, which say the same.

use std::collections::BTreeMap;
use std::time::Duration;

use client::v1;
use client::v1::posting_line::Subject;
use client::v1::{EntryDirection, EntryType, PostingClass};
use tests::secured::Secured;
use tests::{
    ALFA, Api, BETA, Bank, GAMMA, Node, World, ahead, belgian, german, money, payment, payment_to_remote,
    settled,
};
use tonic::{Code, Status};

use crate::calendar::set_years;
use crate::recalls::reason_of;
use crate::statements::{clock, day, day_of, node_of_days, today, until_told};

/// So long is waited for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

fn watch(bic: &str, after_number: Option<u64>) -> v1::PostingServiceWatchRequest {
    let (participant, currency_code) = (bic.to_owned(), "EUR".to_owned());
    v1::PostingServiceWatchRequest { participant, currency_code, after_number, incarnation: None }
}

/// The postings of a book behind a number, up to what is booked at a position.
async fn postings(api: &Api, bic: &str, after: u64, upto_sequence: u64) -> Vec<v1::Posting> {
    let mut stream = api.postings().watch(watch(bic, Some(after))).await.unwrap().into_inner();
    let mut told = Vec::new();
    let all = async {
        while let Some(message) = stream.message().await.unwrap() {
            told.extend(message.postings);
            assert_eq!(message.last_number, told.last().map_or(after, |last: &v1::Posting| last.number));
            let as_of = message.as_of.unwrap();
            // What is told is up to where history went, and the next message has what came behind it.
            if as_of.sequence >= upto_sequence {
                let totals = totals(api, bic, &today().to_string()).await.unwrap();
                if totals.number_last == message.last_number {
                    break;
                }
            }
        }
    };
    tokio::time::timeout(PATIENCE, all).await.expect("all postings are told in time");
    assert!(told.iter().map(|posting| posting.number).eq(after + 1..=after + told.len() as u64), "no gap");
    told
}

async fn totals(api: &Api, bic: &str, date: &str) -> Result<v1::PostingTotals, Status> {
    let request = v1::GetTotalsRequest {
        participant: bic.to_owned(),
        currency_code: "EUR".to_owned(),
        date: date.to_owned(),
    };
    let mut replies = api.postings().get_totals(request).await?.into_inner();
    let mut totals = None;
    while let Some(reply) = replies.message().await? {
        assert!(totals.is_none(), "nothing follows the totals");
        totals = reply.totals;
    }
    Ok(totals.expect("the last message has the totals"))
}

/// The file of a day, its name, and what it came to.
async fn file(api: &Api, bic: &str, date: &str) -> Result<(Vec<u8>, String, v1::PostingTotals), Status> {
    let request = v1::ExportDayRequest {
        participant: bic.to_owned(),
        currency_code: "EUR".to_owned(),
        date: date.to_owned(),
    };
    let mut pieces = api.postings().export_day(request).await?.into_inner();
    let (mut content, mut name, mut totals) = (Vec::new(), String::new(), None);
    while let Some(piece) = pieces.message().await? {
        assert!(totals.is_none(), "nothing follows the last piece");
        content.extend(piece.content);
        name.push_str(&piece.file_name);
        assert_eq!(piece.totals.is_some(), piece.complete);
        totals = piece.totals;
    }
    Ok((content, name, totals.expect("a call without an error gives the whole")))
}

fn cents(amount: &str) -> i64 {
    amount.replace('.', "").parse().unwrap()
}

/// Credits less debits, in cents, by class.
fn sums(postings: &[v1::Posting]) -> BTreeMap<&'static str, i64> {
    let mut sums = BTreeMap::new();
    for posting in postings {
        let sign = if posting.direction() == EntryDirection::Debit { -1 } else { 1 };
        let class = posting.class().as_str_name().trim_start_matches("POSTING_CLASS_");
        *sums.entry(class).or_insert(0) += sign * cents(&posting.amount);
    }
    sums
}

/// Class, direction and amount of each posting of a type.
fn of_type(postings: &[v1::Posting], r#type: EntryType) -> Vec<(PostingClass, EntryDirection, &str)> {
    let of_type = postings.iter().filter(|posting| posting.r#type() == r#type);
    of_type.map(|posting| (posting.class(), posting.direction(), posting.amount.as_str())).collect()
}

fn line(subject: Option<Subject>, gl_account: &str) -> v1::PostingLine {
    v1::PostingLine { subject, gl_account: gl_account.to_owned() }
}

fn of_class(class: PostingClass, gl_account: &str) -> v1::PostingLine {
    line(Some(Subject::Class(class.into())), gl_account)
}

fn map(id: &str, bic: &str, lines: Vec<v1::PostingLine>) -> v1::SetPostingMapRequest {
    v1::SetPostingMapRequest {
        request_id: id.to_owned(),
        bic: bic.to_owned(),
        currency_code: "EUR".to_owned(),
        lines,
        ..Default::default()
    }
}

async fn set(api: &Api, request: v1::SetPostingMapRequest) -> Result<v1::SetPostingMapResponse, Status> {
    Ok(api.postings().set_posting_map(request).await?.into_inner())
}

/// Everything that is booked: payments within a bank, between banks, to a bank that answers for itself, fees, a return, a
/// capture, liquidity and own funds. Says up to which position.
async fn book_everything(api: &Api) -> u64 {
    let world = World::set_up(api, 2).await;
    set_years(api).await;
    world.remote_bank().await;
    world.set_fees(ALFA, ["0.50", "0.20"], 1).await.unwrap();
    let paid = settled(api.submit(&payment("TX-1", "100.00")).await.unwrap());
    let inside = v1::Payment {
        creditor_agent: ALFA.to_owned(),
        creditor_account: belgian(2),
        ..payment("TX-2", "7.00")
    };
    settled(api.submit(&inside).await.unwrap());
    let mut gamma = Bank::connect(api, GAMMA).await;
    let outside = api.submit_aside(&payment_to_remote("TX-3", "11.00"));
    let question = gamma.question().await;
    gamma.accept(&question).await;
    settled(outside.await.unwrap().unwrap());
    world.give_back(paid.payment_id).await.unwrap();
    let hold = v1::HoldRequest {
        request_id: "hold".to_owned(),
        iban: belgian(1),
        amount: Some(money("50.00")),
        expiry_time: Some(ahead(Duration::from_secs(3600))),
        reference: "CARD-1".to_owned(),
        note: String::new(),
    };
    let hold_id = api.holds().hold(hold).await.unwrap().into_inner().hold_id;
    let leg = |iban, amount| v1::CaptureLeg {
        iban,
        amount: Some(money(amount)),
        reference: "SHARE-1".to_owned(),
        remittance: String::new(),
    };
    let capture = v1::CaptureRequest {
        request_id: "capture".to_owned(),
        bic: ALFA.to_owned(),
        hold_id,
        legs: vec![leg(german(2), "30.00"), leg(belgian(2), "20.00")],
        r#final: true,
    };
    api.holds().capture(capture).await.unwrap();
    world.put_aside(ALFA).await.unwrap().sequence
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_booked_has_both_sides() {
    use EntryDirection::{Credit, Debit};
    use PostingClass::{Clearing, Core, Current, Fees, Funding, Position, Technical, Transit};
    let node = Node::with_history().await;
    let api = node.api().await;
    let last = book_everything(&api).await;
    until_told(&api, last).await;
    let alfa = postings(&api, ALFA, 0, last).await;
    for pair in alfa.chunks(2) {
        let [debit, credit] = pair else { panic!("postings come in pairs") };
        assert_eq!((debit.direction(), credit.direction()), (Debit, Credit));
        assert_eq!(
            (&debit.amount, debit.sequence, debit.turn),
            (&credit.amount, credit.sequence, credit.turn)
        );
        assert_eq!(debit.booking_date, credit.booking_date);
    }
    assert_eq!(
        of_type(&alfa, EntryType::Liquidity),
        [(Position, Debit, "1000000.00"), (Funding, Credit, "1000000.00")]
    );
    let core = (Core, Debit, "1000.00");
    assert_eq!(of_type(&alfa, EntryType::Posting)[..2], [core, (Current, Credit, "1000.00")]);
    let sent = |amount| {
        [
            (Current, Debit, amount),
            (Clearing, Credit, amount),
            (Transit, Debit, amount),
            (Position, Credit, amount),
        ]
    };
    let inside = [(Current, Debit, "7.00"), (Current, Credit, "7.00")];
    assert_eq!(of_type(&alfa, EntryType::Payment), [&sent("100.00")[..], &inside, &sent("11.00")].concat());
    let fee = [(Current, Debit, "0.20"), (Fees, Credit, "0.20")];
    assert_eq!(of_type(&alfa, EntryType::Fee), [fee, fee, fee].concat());
    assert_eq!(
        of_type(&alfa, EntryType::Return),
        [
            (Clearing, Debit, "98.00"),
            (Current, Credit, "98.00"),
            (Position, Debit, "98.00"),
            (Transit, Credit, "98.00")
        ]
    );
    let shared = [(Current, Debit, "20.00"), (Current, Credit, "20.00")];
    assert_eq!(of_type(&alfa, EntryType::HoldCapture), [&sent("30.00")[..], &shared].concat());
    assert_eq!(
        of_type(&alfa, EntryType::OwnFunds),
        [(Technical, Debit, "50.00"), (Position, Credit, "50.00")]
    );
    let beta = postings(&api, BETA, 0, last).await;
    assert_eq!(of_type(&beta, EntryType::ReturnFee), [(Current, Debit, "2.00"), (Fees, Credit, "2.00")]);
    let gamma = postings(&api, GAMMA, 0, last).await;
    let received = [(Position, Debit, "11.00"), (Transit, Credit, "11.00")];
    assert_eq!(of_type(&gamma, EntryType::Payment), received, "its own core books the payee's side");
    check_sums(&api, &alfa, &beta, &gamma).await;
}

/// The sums of postings against what the node says on its own of accounts, positions and books.
async fn check_sums(api: &Api, alfa: &[v1::Posting], beta: &[v1::Posting], gamma: &[v1::Posting]) {
    let books = api.trial_balance().await.books;
    for (bic, told, customers) in [
        (ALFA, alfa, vec![belgian(1), belgian(2)]),
        (BETA, beta, vec![german(1), german(2)]),
        (GAMMA, gamma, vec![]),
    ] {
        let sums = sums(told);
        let of = |class| sums.get(class).copied().unwrap_or(0);
        let mut balance = 0;
        for iban in customers {
            balance += cents(&api.balance(&iban).await);
        }
        assert_eq!(of("CURRENT"), balance, "{bic}");
        assert_eq!(-of("POSITION"), cents(&api.position(bic).await), "{bic}");
        let book = books.iter().find(|book| book.participant == bic).unwrap();
        let in_book = [of("CURRENT"), of("CORE") + of("FEES"), of("CLEARING")];
        let credits: i64 = in_book.iter().copied().filter(|sum| *sum > 0).sum();
        assert_eq!(credits, cents(&book.credit_total), "{bic}");
        assert_eq!(in_book.iter().sum::<i64>(), 0, "{bic}");

        let totals = totals(api, bic, &today().to_string()).await.unwrap();
        assert!(!totals.day_over);
        let whole = totals.whole.unwrap();
        assert_eq!((whole.count, &whole.debit_sum), (told.len() as u64, &whole.credit_sum));
        let debits = told.iter().filter(|posting| posting.direction() == EntryDirection::Debit);
        assert_eq!(cents(&whole.debit_sum), debits.map(|posting| cents(&posting.amount)).sum::<i64>());
        for balance in totals.balances {
            let class = balance.class().as_str_name().trim_start_matches("POSTING_CLASS_");
            assert_eq!(cents(&balance.balance), of(class), "{bic} {class}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn map_counts_for_what_is_booked_behind_it() {
    let node = Node::with_history().await;
    let api = node.api().await;
    let world = World::set_up(&api, 2).await;
    let before = settled(api.submit(&payment("TX-1", "1.00")).await.unwrap());
    let lines = vec![
        line(None, "9999"),
        of_class(PostingClass::Current, "2100"),
        of_class(PostingClass::Position, "1010"),
        line(Some(Subject::Iban(belgian(1))), "2100.1"),
    ];
    let first =
        set(&api, v1::SetPostingMapRequest { expected_map_id: Some(0), ..map("m1", ALFA, lines.clone()) });
    let first = first.await.unwrap();
    let again = set(&api, v1::SetPostingMapRequest { expected_map_id: Some(0), ..map("m1", ALFA, lines) });
    let again = again.await.unwrap();
    assert!(again.confirmation.unwrap().repeat && again.map_id == first.map_id);
    let between = settled(api.submit(&payment("TX-2", "2.00")).await.unwrap());
    // From tomorrow on; whatever is booked today goes on under the first.
    let tomorrow = v1::SetPostingMapRequest {
        expected_map_id: Some(first.map_id),
        from_date: day(today(), 1).to_string(),
        ..map("m2", ALFA, vec![line(None, "1")])
    };
    let second = set(&api, tomorrow).await.unwrap();
    let after = settled(api.submit(&payment("TX-3", "3.00")).await.unwrap());
    let last = world.post(&belgian(2), EntryDirection::Debit, "5.00").await.unwrap();
    assert_eq!(last, "995.00");
    until_told(&api, after.sequence + 1).await;
    let told = postings(&api, ALFA, 0, after.sequence + 1).await;
    let names = |payment: &v1::PaymentOutcome| -> Vec<&str> {
        let of_payment = told.iter().filter(|posting| posting.payment_id == payment.payment_id);
        of_payment.map(|posting| posting.gl_account.as_str()).collect()
    };
    assert_eq!(names(&before), ["", "", "", ""], "no map had been set");
    for payment in [&between, &after] {
        assert_eq!(names(payment), ["2100.1", "9999", "9999", "1010"]);
    }
    let posted: Vec<_> = told[told.len() - 2..].iter().map(|posting| posting.gl_account.as_str()).collect();
    assert_eq!(posted, ["2100", "9999"], "the other customer has no line of its own");
    let totals = totals(&api, ALFA, &today().to_string()).await.unwrap();
    let by_name: Vec<_> = totals.sums.iter().map(|sum| sum.gl_account.as_str()).collect();
    assert_eq!(by_name, ["", "1010", "2100", "2100.1", "9999"]);
    let listed = v1::ListPostingMapsRequest {
        bic: ALFA.to_owned(),
        currency_code: "EUR".to_owned(),
        before_map_id: 0,
    };
    let maps = api.postings().list_posting_maps(listed.clone()).await.unwrap().into_inner().maps;
    assert_eq!(maps.iter().map(|map| map.map_id).collect::<Vec<_>>(), [second.map_id, first.map_id]);
    assert_eq!(maps[0].from_date, day(today(), 1).to_string());
    let [rest, current, position, account] = &maps[1].lines[..] else { panic!("four lines") };
    assert_eq!((rest, current.gl_account.as_str()), (&line(None, "9999"), "2100"));
    assert_eq!(position, &of_class(PostingClass::Position, "1010"));
    let own = told.iter().find(|posting| posting.gl_account == "2100.1").unwrap();
    assert_eq!(account.subject, Some(Subject::AccountNumber(own.account_number)), "no IBAN is told");
    let older = v1::ListPostingMapsRequest { before_map_id: second.map_id, ..listed };
    assert_eq!(api.postings().list_posting_maps(older).await.unwrap().into_inner().maps.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn map_that_is_wrong_is_refused() {
    let node = Node::with_history().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let why = async |request| reason_of(&set(&api, request).await.unwrap_err());
    let rest = || line(None, "9999");
    for lines in [
        vec![],
        vec![rest(), rest()],
        vec![of_class(PostingClass::Current, "2100")],
        vec![rest(), of_class(PostingClass::Unspecified, "2100")],
        vec![line(None, "=9999")],
        vec![line(None, "")],
        vec![rest(), line(Some(Subject::AccountNumber(0)), "1")],
        vec![rest(), line(Some(Subject::Iban("BE00".to_owned())), "1")],
        (0..65).map(|number| line(Some(Subject::AccountNumber(number + 1)), "1")).collect(),
    ] {
        let refused = set(&api, map("wrong", ALFA, lines)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
    let foreign = vec![rest(), line(Some(Subject::Iban(german(1))), "1")];
    assert_eq!(why(map("foreign", ALFA, foreign)).await, (Code::NotFound, "ACCOUNT_UNKNOWN".into()));
    let none = vec![rest(), line(Some(Subject::AccountNumber(1)), "1")];
    let refused = (Code::FailedPrecondition, "POSTING_ACCOUNT_UNKNOWN".to_owned());
    assert_eq!(why(map("internal", ALFA, none)).await, refused);
    assert_eq!(why(map("nobody", GAMMA, vec![rest()])).await, (Code::NotFound, "PARTICIPANT_UNKNOWN".into()));
    let expected = v1::SetPostingMapRequest { expected_map_id: Some(7), ..map("m", ALFA, vec![rest()]) };
    assert_eq!(why(expected).await, (Code::FailedPrecondition, "POSTING_MAP_CHANGED".into()));
    let passed = day(today(), -1).to_string();
    let passed = v1::SetPostingMapRequest { from_date: passed, ..map("p", ALFA, vec![rest()]) };
    assert_eq!(why(passed).await, (Code::FailedPrecondition, "POSTING_DATE_NOT_ALLOWED".into()));
    let dollars =
        v1::SetPostingMapRequest { currency_code: "USD".to_owned(), ..map("d", ALFA, vec![rest()]) };
    assert_eq!(why(dollars).await, (Code::FailedPrecondition, "BOOK_UNKNOWN".into()));
}

/// The files of all days of ALFA that are over, from the first on.
async fn files(api: &Api, first: types::Date) -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    let mut date = first;
    while date < today() {
        files.push(file(api, ALFA, &date.to_string()).await.unwrap().0);
        date = day(date, 1);
    }
    files
}

/// What a file's lines say, by their columns.
fn lines(file: &[u8]) -> Vec<BTreeMap<String, String>> {
    let text = String::from_utf8(file.to_vec()).unwrap();
    let mut lines = text.split_terminator("\r\n");
    let columns: Vec<_> = lines.next().unwrap().split(',').map(str::to_owned).collect();
    let told = lines.map(|line| columns.iter().cloned().zip(line.split(',').map(str::to_owned)).collect());
    told.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn file_of_a_day_is_the_same_whenever_it_is_made() {
    let (node, begin) = node_of_days().await;
    let api = node.api().await;
    let first = day_of(&clock(), begin);
    let before = files(&api, first).await;
    let last = check_files(&api, &before, first).await;
    let node = node.restart().await;
    let api = node.api().await;
    until_told(&api, last).await;
    assert!(before == files(&api, first).await, "a restart changes nothing");
    let node = node.restart_after(|folder| std::fs::remove_dir_all(folder.join("history")).unwrap()).await;
    let api = node.api().await;
    until_told(&api, last).await;
    // A booking of today, and a map, change no day that is over.
    let posted = World::of(api.clone()).post(&belgian(1), EntryDirection::Credit, "1.00").await;
    assert!(posted.is_ok());
    let version = api.node_status().await.rules_version;
    for version in version + 1..=5 {
        let request_id = format!("raise-{version}");
        let request = v1::SetRulesVersionRequest { request_id, version };
        api.node().set_rules_version(request).await.unwrap();
    }
    set(&api, map("map", ALFA, vec![line(None, "9999")])).await.unwrap();
    assert!(before == files(&api, first).await, "history that is made again says the same");
    let refused = file(&api, ALFA, &today().to_string()).await.unwrap_err();
    assert_eq!(reason_of(&refused), (Code::OutOfRange, "POSITION_AHEAD".into()));
    let (last, name, _) = file(&api, ALFA, "").await.unwrap();
    assert!(Some(&last) == before.last(), "without a day it is the last that is over");
    let yesterday = day(today(), -1).to_string().replace('-', "");
    assert_eq!(name, format!("postings-{ALFA}-EUR-{yesterday}.csv"));
}

/// The files against the stream: the same postings, one file going on where the one before ended. Says where the last of
/// them was booked.
async fn check_files(api: &Api, files: &[Vec<u8>], first: types::Date) -> u64 {
    let told = postings(api, ALFA, 0, 1).await;
    let (mut number, mut streamed) = (0, told.iter());
    let mut moved = 0;
    for (index, file) in files.iter().enumerate() {
        let text = String::from_utf8(file.clone()).unwrap();
        assert!(!text.contains(&belgian(1)) && !text.contains("Aerts"), "no personal data");
        let lines = lines(file);
        let (end, lines) = lines.split_last().unwrap();
        let date = day(first, i32::try_from(index).unwrap()).to_string();
        assert!(lines.iter().chain([end]).all(|line| line["booking_date"] == date && line["bank"] == ALFA));
        let hashed = text.rfind("END,").unwrap();
        assert_eq!(end["sha256"], sha256(&file[..hashed]), "the hash is of everything before the last line");
        let (mut debit, mut credit, mut count) = (0, 0, 0);
        for line in lines.iter().filter(|line| line["record"] == "POSTING") {
            number += 1;
            let posting = streamed.next().unwrap();
            assert_eq!(line["number"], number.to_string());
            assert_eq!(posting.number, number);
            assert_eq!(line["sequence"], posting.sequence.to_string());
            assert_eq!((&line["amount"], &line["payment_id"]), (&posting.amount, &posting.payment_id));
            assert_eq!(
                (&line["booking_date"], &line["value_date"]),
                (&posting.booking_date, &posting.value_date)
            );
            let is_debit = posting.direction() == EntryDirection::Debit;
            assert_eq!(line["direction"], if is_debit { "DBIT" } else { "CRDT" });
            *(if is_debit { &mut debit } else { &mut credit }) += cents(&posting.amount);
            count += 1;
        }
        assert_eq!((end["record"].as_str(), &end["number"]), ("END", &number.to_string()));
        assert_eq!((end["count"].parse::<i64>().unwrap(), debit), (count, credit));
        assert_eq!([cents(&end["debit"]), cents(&end["credit"])], [debit, credit]);
        let balances = lines.iter().filter(|line| line["record"] == "BALANCE");
        let balance: i64 = balances.map(|line| cents(&line["credit"]) - cents(&line["debit"])).sum();
        assert_eq!(balance, 0, "the trial balance is even");
        moved += i32::from(count > 0);
    }
    assert!(moved > 2, "{moved} days have postings");
    told.last().unwrap().sequence
}

fn sha256(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn watcher_goes_on_from_a_number() {
    let node = Node::with_history().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let first = settled(api.submit(&payment("TX-1", "1.00")).await.unwrap());
    until_told(&api, first.sequence).await;
    let all = postings(&api, ALFA, 0, first.sequence).await;
    let count = all.len() as u64;
    for after in [1, 3, count] {
        let rest = postings(&api, ALFA, after, first.sequence).await;
        assert!(rest[..] == all[usize::try_from(after).unwrap()..], "also from between two sides");
    }
    let ahead = api.postings().watch(watch(ALFA, Some(count + 1))).await.unwrap_err();
    assert_eq!(reason_of(&ahead), (Code::OutOfRange, "POSITION_AHEAD".into()));
    // Without a number it begins with what comes, and goes on after a restart.
    let mut live = api.postings().watch(watch(ALFA, None)).await.unwrap().into_inner();
    let begun = live.message().await.unwrap().unwrap();
    assert_eq!((begun.postings.len(), begun.last_number), (0, count));
    settled(api.submit(&payment("TX-2", "2.00")).await.unwrap());
    let next = tokio::time::timeout(PATIENCE, live.message()).await.unwrap().unwrap().unwrap();
    assert_eq!(next.postings[0].number, count + 1);
    drop(live);
    let node = node.restart().await;
    let api = node.api().await;
    let incarnation = begun.as_of.unwrap().incarnation;
    until_told(&api, next.postings[0].sequence).await;
    let request = v1::PostingServiceWatchRequest { incarnation, ..watch(ALFA, Some(count)) };
    let mut stream = api.postings().watch(request).await.unwrap().into_inner();
    assert_eq!(stream.message().await.unwrap().unwrap().postings.len(), 0);
    assert_eq!(stream.message().await.unwrap().unwrap().postings, next.postings, "the same numbers for ever");
    let request = v1::PostingServiceWatchRequest { incarnation: Some(1), ..watch(ALFA, Some(count)) };
    let other = api.postings().watch(request).await.unwrap_err();
    assert_eq!(reason_of(&other), (Code::OutOfRange, "POSITION_TOO_OLD".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn books_are_those_of_ones_own_bank() {
    let secured = Secured::start().await;
    let (operator, beta) = (secured.api("operator").await, secured.api("beta").await);
    for bank in [ALFA, BETA] {
        World::of(operator.clone()).register(bank, v1::AccountMode::Hosted).await;
    }
    let denied = (Code::PermissionDenied, "BANK_NOT_YOURS".to_owned());
    assert_eq!(reason_of(&beta.postings().watch(watch(ALFA, None)).await.unwrap_err()), denied);
    assert_eq!(reason_of(&totals(&beta, ALFA, "2026-11-20").await.unwrap_err()), denied);
    assert_eq!(reason_of(&file(&beta, ALFA, "").await.unwrap_err()), denied);
    let rest = vec![line(None, "9999")];
    assert_eq!(reason_of(&set(&beta, map("m", ALFA, rest.clone())).await.unwrap_err()), denied);
    set(&beta, map("m", BETA, rest.clone())).await.unwrap();
    let by_operator = set(&operator, map("o", BETA, rest)).await.unwrap_err();
    assert_eq!(by_operator.code(), Code::PermissionDenied, "only the bank names its accounts");
}
