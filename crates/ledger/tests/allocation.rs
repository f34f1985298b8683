//! Applying a command allocates nothing: a counting allocator watches while commands of every kind are applied.
//!
//! All room is made in `reserve_for_frame`, before a frame's first command. The ledger starts with hardly any
//! room, so that every table has to grow there.

#![allow(clippy::unwrap_used, reason = "a test fails where it is wrong")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use ledger::{
    AccountKind, AccountMode, AccountRange, AccountSelector, AccountStatus, Answer, AnswerEffect,
    AnswerPayment, AnswerRecall, AnswerRequestToPay, AssignException, BlockTarget, Blocks, Bounds,
    CancelOrders, CancelRequestToPay, CancelTarget, CaptureHold, ChangeOrder, ClosePackage, Command,
    CreateRequestToPay, DecisionPolicy, DecisionScope, Direction, ExceptionAction, ExceptionKind,
    ExceptionOwner, ExceptionSubject, ExpectedVersion, Fees, GlAccount, HoldLeg, Ledger, Limits, LineContent,
    LiquidityDirection, LocalTime, OpenAccount, OpenPackage, OrderContent, Original, Outcome, OwnAccount,
    OwnedAccount, PackageLine, PackageText, ParticipantStatus, PartyLimit, PlaceHold, PlaceOrder, Position,
    PostEntry, PostingClass, PostingLine, PostingSubject, PresentRequestToPay, Profile, PutRecord,
    RaiseException, RecallAnswer, RecallText, Record, RecordKey, RecordOwner, RecordSpace, RecordWriter,
    Records, Refusal, RefusedBody, RefusedPayment, RegisterParticipant, ReleaseHold, RemoveRecord,
    RequestAnswer, RequestDetails, RequestId, RequestRecall, ResolveException, RollBusinessDate,
    SetAccountFlag, SetAccountFloor, SetAccountHolders, SetAccountStatus, SetActivation, SetBlock,
    SetClosingDays, SetCustomerLimit, SetDecisionPolicy, SetFees, SetParticipantStatus, SetPositionAlert,
    SetPostingMap, SetReachableParty, SetRecallPolicy, SetReservationLimit, SetRestricted, SetZone, Silence,
    Stage, StagePolicy, StoredTerms, TransferLiquidity, TransferOwnFunds, Verdict, Zone, ZoneOffset,
    order_transaction_id,
};
use types::{
    AccountNumber, Amount, Balance, Bic, Channel, ClosingDays, ClusterId, Currency, Date, DigestKey,
    Duration, Iban, Incarnation, MandatoryParts, Party, PaymentOrder, PaymentState, PrincipalNumber,
    ReasonCode, RecallReason, RecallRefusal, Sequence, Text, Timestamp,
};

thread_local! {
    /// Allocations of this thread. The test harness has threads of its own.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

fn count() {
    // The counter is gone while a thread ends, and nothing is measured then.
    let _ = ALLOCATIONS.try_with(|allocations| allocations.set(allocations.get() + 1));
}

// SAFETY: every call goes to the system's allocator unchanged; counting needs no memory.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc`, which is the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as above; `pointer` came from the system's allocator.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above; `pointer` came from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const KEY: DigestKey = DigestKey::new(*b"allocation's key");

/// A ledger, its clock, and what the last frame came to.
struct Node {
    ledger: Ledger,
    at: Position,
    outcomes: Vec<Outcome>,
    requests: u32,
}

impl Node {
    fn new() -> Self {
        let limits = Limits { accounts_max: 1, payments_max: 1, requests_max: 1 };
        let at = Position { sequence: Sequence(1), time: start() };
        let mut node =
            Self { ledger: Ledger::new(limits), at, outcomes: Vec::with_capacity(10_000), requests: 0 };
        let mut writer = RecordWriter::new(KEY, PrincipalNumber(0));
        writer.genesis(ClusterId([1; 16]), Incarnation(1));
        node.frame("genesis", &writer);
        node
    }

    /// Applies one frame of one kind of command and requires that it allocates nothing.
    #[track_caller]
    fn frame(&mut self, what: &str, writer: &RecordWriter) {
        let count = usize::try_from(writer.count()).unwrap();
        self.outcomes.clear();
        self.ledger.reserve_for_frame(count);
        let before = ALLOCATIONS.get();
        self.ledger.tick(self.at);
        for record in Records::new(writer.records(), writer.texts()) {
            self.at.sequence = self.at.sequence.next();
            self.outcomes.push(self.ledger.apply(self.at, &record.unwrap()).unwrap());
        }
        let allocations = ALLOCATIONS.get() - before;
        self.at.sequence = self.at.sequence.next();
        assert_eq!(allocations, 0, "{count} times {what}");
        assert_eq!(self.outcomes.len(), count);
    }

    /// Applies `count` commands of one kind, the same way, once more.
    #[track_caller]
    fn each(
        &mut self,
        what: &str,
        count: u32,
        expected: fn(Verdict) -> bool,
        write: impl Fn(&mut RecordWriter, RequestId, u32),
    ) -> RecordWriter {
        let mut writer = RecordWriter::new(KEY, PrincipalNumber(1));
        for number in 0..count {
            self.requests += 1;
            let request_id = RequestId::parse(&format!("request-{}", self.requests)).unwrap();
            write(&mut writer, request_id, number);
        }
        self.frame(what, &writer);
        for outcome in &self.outcomes {
            assert!(expected(outcome.verdict), "{what}: {:?}", outcome.verdict);
        }
        writer
    }
}

fn start() -> Timestamp {
    Timestamp::from_civil(Date::parse("2026-01-05").unwrap(), 10, 0, 0, 0).unwrap()
}

fn done(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Done { repeat_of: None, .. })
}

fn done_again(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Done { repeat_of: Some(_), .. })
}

fn refused(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Refused { .. })
}

fn settled(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Payment { state: PaymentState::Settled, repeat_of: None, .. })
}

fn rejected(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Payment { state: PaymentState::Rejected, repeat_of: None, .. })
}

fn reserved(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Payment { state: PaymentState::Reserved, repeat_of: None, .. })
}

fn applied(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Answer { effect: AnswerEffect::Applied, .. })
}

fn ignored(verdict: Verdict) -> bool {
    !applied(verdict)
}

fn repeated(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Payment { repeat_of: Some(_), .. })
}

fn bank(number: u32) -> Bic {
    Bic::parse(&format!("BANKBE{:02}", number % 100)).unwrap()
}

fn iban(number: u32) -> Iban {
    Iban::with_check_digits("BE", &format!("{number:012}")).unwrap()
}

fn account(number: u32) -> AccountSelector {
    AccountSelector { iban: iban(number), currency: Currency::EUR }
}

fn cents(minor_units: i64) -> Amount {
    Amount::from_minor_units(minor_units).unwrap()
}

fn register(writer: &mut RecordWriter, request_id: RequestId, number: u32) {
    writer.register_participant(&RegisterParticipant {
        request_id,
        bic: bank(number),
        name: Text::parse("Bank").unwrap(),
        mode: AccountMode::Hosted,
        currency: Currency::EUR,
    });
}

fn open(writer: &mut RecordWriter, request_id: RequestId, number: u32, currency: Currency) {
    writer.open_account(&OpenAccount {
        request_id,
        participant: bank(number % 2),
        iban: iban(number),
        currency,
        kind: AccountKind::Current,
        floor: Balance::ZERO,
        holder_names: vec![Text::parse("Holder").unwrap()],
        identification: None,
    });
}

fn post(writer: &mut RecordWriter, request_id: RequestId, number: u32, amount: i64) {
    writer.post_entry(&PostEntry {
        request_id,
        account: account(number),
        direction: Direction::Credit,
        amount: cents(amount),
        value_date: start().date(),
        booking_key: Text::parse("SALA").unwrap(),
        core_reference: Text::parse("CORE").unwrap(),
    });
}

fn fund(writer: &mut RecordWriter, request_id: RequestId, number: u32) {
    let external_reference = Text::parse(request_id.as_str()).unwrap();
    writer.transfer_liquidity(&TransferLiquidity {
        request_id,
        bic: bank(number),
        direction: LiquidityDirection::Fund,
        amount: cents(1_000_000),
        currency: Currency::EUR,
        external_reference,
    });
}

fn pay(writer: &mut RecordWriter, id: u32, payer: u32, payee: u32, amount: i64) {
    let party = Party { name: Some(Text::parse("Party").unwrap()), ..Party::default() };
    let mandatory = MandatoryParts {
        end_to_end_id: Text::parse("NOTPROVIDED").unwrap(),
        transaction_id: Text::parse(&format!("T{id}")).unwrap(),
        amount: cents(amount),
        currency: Currency::EUR,
        debtor: party.clone(),
        debtor_account: iban(payer),
        debtor_agent: bank(payer % 2),
        creditor_agent: bank(payee % 2),
        creditor: party,
        creditor_account: iban(payee),
    };
    let order = PaymentOrder { acceptance_time: Some(start()), ..mandatory.into_order() };
    writer.payment(&order, start(), Channel::Grpc, |_, _| AccountNumber(0));
}

fn refuse(writer: &mut RecordWriter, id: u32) {
    writer.refused_payment(&RefusedPayment {
        debtor_agent: bank(0),
        creditor_agent: None,
        transaction_id: Text::parse(&format!("R{id}")).unwrap(),
        acceptance_time: None,
        reason: ReasonCode::parse("FF01").unwrap(),
        path: "GrpHdr".into(),
        body: RefusedBody::Parts(Vec::new()),
        channel: Channel::Iso20022,
        not_entitled: false,
    });
}

#[test]
fn applying_a_command_allocates_nothing() {
    let mut node = Node::new();
    node.each("a profile", 30, done, |writer, _, number| {
        let number = u16::try_from(number + 1).unwrap();
        writer.set_profile(&Profile { number, ..Profile::sct_inst_2025() });
    });
    participants_and_accounts(&mut node);
    money(&mut node);
    positions(&mut node);
    payments(&mut node);
    recalls(&mut node);
    orders(&mut node);
    requests_to_pay(&mut node);
    waiting_payments(&mut node);
    holds(&mut node);
    switches(&mut node);
    exceptions(&mut node);
    node.at.time = start().plus(Duration::from_seconds(6 * 86_400));
    // More than one tick forgets.
    for _ in 0..2 {
        node.frame("a tick that forgets", &RecordWriter::new(KEY, PrincipalNumber(0)));
    }
    assert_eq!(node.ledger.payment_count(), 0);
    node.ledger.validate();
}

fn participants_and_accounts(node: &mut Node) {
    let banks = node.each("a participant", 50, done, register);
    node.frame("a repeated request", &banks);
    assert!(node.outcomes.iter().all(|outcome| done_again(outcome.verdict)));
    node.each("a participant that exists", 50, refused, register);
    for status in [ParticipantStatus::Suspended, ParticipantStatus::Active] {
        node.each("a participant's status", 50, done, |writer, request_id, number| {
            writer.set_participant_status(&SetParticipantStatus { request_id, bic: bank(number), status });
        });
    }
    node.each("an account", 3000, done, |writer, request_id, number| {
        open(writer, request_id, number, Currency::EUR);
    });
    // The first account in another currency opens a book beside itself.
    node.each("an account in a new book", 2, done, |writer, request_id, number| {
        open(writer, request_id, number, Currency::parse("USD").unwrap());
    });
    for status in [AccountStatus::Blocked, AccountStatus::Active] {
        node.each("an account's status", 100, done, |writer, request_id, number| {
            writer.set_account_status(&SetAccountStatus { request_id, account: account(number), status });
        });
    }
    node.each("an account's floor", 100, done, |writer, request_id, number| {
        let floor = Balance::from_minor_units(-100).unwrap();
        writer.set_account_floor(&SetAccountFloor { request_id, account: account(number), floor });
    });
}

fn money(node: &mut Node) {
    node.each("a posting", 3000, done, |writer, request_id, number| post(writer, request_id, number, 100));
    node.each("a posting that is refused", 10, refused, |writer, request_id, number| {
        post(writer, request_id, 5000 + number, 100);
    });
    node.each("a liquidity transfer", 2000, done, |writer, request_id, number| {
        fund(writer, request_id, number % 50);
    });
}

/// Banks move their own money and bound it, and let others settle on their positions.
fn positions(node: &mut Node) {
    let owned = |number, account| OwnedAccount { bic: bank(number), account };
    node.each("a transfer of own funds", 100, done, |writer, request_id, number| {
        writer.transfer_own_funds(&TransferOwnFunds {
            request_id,
            from: owned(number % 50, OwnAccount::Position),
            to: owned(number % 50, OwnAccount::Technical),
            amount: cents(10),
            currency: Currency::EUR,
            reference: Text::parse("OWN").unwrap(),
        });
    });
    // The two banks whose customers pay hear of each booking.
    node.each("a position's bounds", 50, done, |writer, request_id, number| {
        let bound = |minor_units| Some(Balance::from_minor_units(minor_units).unwrap());
        let bounds = Bounds::new(bound(39_999_900), bound(40_000_100)).unwrap();
        let (bic, currency) = (bank(number), Currency::EUR);
        writer.set_position_alert(&SetPositionAlert { request_id, bic, currency, bounds });
    });
    node.each("a reachable party", 40, done, |writer, request_id, number| {
        writer.set_reachable_party(&SetReachableParty {
            request_id,
            bic: bank(50 + number),
            name: Text::parse("Party").unwrap(),
            mode: AccountMode::Hosted,
            host: bank(number),
            currency: Currency::EUR,
            limit: PartyLimit::upto(cents(1000)),
        });
    });
    for blocks in [Blocks::new(true, true), Blocks::NONE] {
        node.each("a block", 120, done, |writer, request_id, number| {
            let bic = bank(number % 40);
            let target = match number / 40 {
                0 => BlockTarget::Participant(bic),
                1 => BlockTarget::Position(bic, Currency::EUR),
                _ => BlockTarget::Account(account(number)),
            };
            writer.set_block(&SetBlock { request_id, target, blocks });
        });
    }
}

/// Some of the payments that were settled last are asked back, and returned or not.
fn recalls(node: &mut Node) {
    node.each("closing days", 2, done, |writer, request_id, number| {
        let year = u16::try_from(2026 + number).unwrap();
        let closing_days = ClosingDays::target(year).unwrap();
        writer.set_closing_days(&SetClosingDays { request_id, closing_days });
    });
    node.each("a business date", 1, done, |writer, request_id, _| {
        writer.roll_business_date(&RollBusinessDate { request_id, date: start().date(), due: start() });
    });
    node.each("a policy of recalls", 50, done, |writer, request_id, number| {
        let bic = bank(number);
        writer.set_recall_policy(&SetRecallPolicy { request_id, bic, is_silence_answered: true });
    });
    node.each("a posting for what goes back", 301, done, |writer, request_id, number| {
        post(writer, request_id, number, 100);
    });
    node.each("a payment that is asked back", 300, settled, |writer, _, number| {
        pay(writer, 40_000 + number, number, number + 1, 10);
    });
    let payments: Vec<Sequence> = node.outcomes.iter().map(|outcome| outcome.sequence).collect();
    let text = RecallText {
        reference: Text::parse("RECALL").unwrap(),
        originator: None,
        information: vec![],
        settlement_date: None,
    };
    let ask = |writer: &mut RecordWriter, request_id, number: u32| {
        let payment = payments[usize::try_from(number).unwrap()];
        let original = Original {
            payment,
            incarnation: Incarnation(1),
            state: PaymentState::Settled,
            decided_at: payment,
            decided_time: start(),
            amount: cents(10),
            currency: Currency::EUR,
            debtor_agent: bank(number % 2),
            creditor_agent: bank((number + 1) % 2),
            debtor_account: KEY.iban(iban(number).as_str()),
            creditor_account: KEY.iban(iban(number + 1).as_str()),
        };
        let (reason, text) = (RecallReason::Fraud, text.clone());
        writer.request_recall(&RequestRecall { request_id, original, reason, text });
    };
    node.each("a recall", 300, done, ask);
    let found: Vec<_> =
        node.ledger.recalls().map(|recall| (recall.sequence(), node.ledger.recalled(recall))).collect();
    node.each("a recall of what is asked back", 300, refused, ask);
    let answer = |answer: RecallAnswer| {
        let (found, text) = (&found, &text);
        move |writer: &mut RecordWriter, request_id: RequestId, number: u32| {
            let (recall, recalled) = found[usize::try_from(number).unwrap()];
            writer.answer_recall(&AnswerRecall {
                request_id,
                recall,
                recalled,
                bic: bank((number + 1) % 2),
                answer,
                has_consent: false,
                is_elsewhere: false,
                text: text.clone(),
            });
        }
    };
    let fee = Balance::from_minor_units(2).unwrap();
    let given_back = RecallAnswer::Return { amount: cents(8), fee };
    node.each("a return", 200, done, answer(given_back));
    node.each("a second return", 200, refused, answer(given_back));
    let refusal = RecallAnswer::Refuse(RecallRefusal::Legal);
    node.each("a refusal to return", 300, |_| true, answer(refusal));
    assert_eq!(node.ledger.open_recall_count(), 0);
}

/// Holds are placed, paid out to payees here and at the other bank, given back, and end; records come and go.
fn holds(node: &mut Node) {
    let end = node.at.time.plus(Duration::from_seconds(60));
    node.each("a posting for what is held", 1000, done, |writer, request_id, number| {
        post(writer, request_id, number, 100);
    });
    node.each("a hold", 1000, done, |writer, request_id, number| {
        writer.place_hold(&PlaceHold {
            request_id,
            bank: bank(number % 2),
            account: account(number),
            amount: cents(50),
            expires: end,
            reference: Text::parse("HOLD").unwrap(),
            note: None,
        });
    });
    let placed: Vec<Sequence> = node.outcomes.iter().map(|outcome| outcome.sequence).collect();
    let places: Vec<_> = (0..1100)
        .map(|number| node.ledger.account(&KEY, iban(number).as_str(), Currency::EUR).unwrap().0)
        .collect();
    let at = |number: u32| usize::try_from(number).unwrap();
    node.each("a capture", 600, done, |writer, request_id, number| {
        let leg = |payee: u32| HoldLeg {
            iban: iban(payee),
            kept_at: Some((places[at(payee)], bank(payee % 2))),
            amount: cents(2),
            reference: Text::parse("LEG").unwrap(),
            remittance: None,
        };
        writer.capture_hold(&CaptureHold {
            request_id,
            bank: bank(number % 2),
            hold: placed[at(number)],
            held_on: Some((places[at(number)], Currency::EUR)),
            legs: (1..=16).map(|ahead| leg(number + ahead)).collect(),
            is_final: number.is_multiple_of(2),
        });
    });
    node.each("a release", 200, done, |writer, request_id, number| {
        let (bank, hold) = (bank((600 + number) % 2), placed[at(600 + number)]);
        writer.release_hold(&ReleaseHold { request_id, bank, hold, amount: None });
    });
    for length in [10, 20] {
        node.each("a record", 600, done, |writer, request_id, number| {
            writer.put_record(&PutRecord {
                request_id,
                owner: owner_of(number),
                key: RecordKey::parse(&format!("key-{}", number * 7919 % 600)).unwrap(),
                expected: ExpectedVersion::Any,
                bytes: vec![1; length],
                expires: number.is_multiple_of(2).then_some(end),
                repeats: None,
            });
        });
    }
    node.each("a record that is removed", 100, done, |writer, request_id, number| {
        let (owner, key) = (owner_of(number), format!("key-{}", number * 7919 % 600));
        let key = RecordKey::parse(&key).unwrap();
        writer.remove_record(&RemoveRecord { request_id, owner, key, expected: None });
    });
    node.at.time = end;
    node.frame("a tick at which holds and records end", &RecordWriter::new(KEY, PrincipalNumber(0)));
    assert_eq!(node.ledger.holds_told().len(), 500);
    assert_eq!((node.ledger.hold_count(), node.ledger.kept_record_count()), (0, 250));
    node.ledger.validate();
}

/// Ranges of accounts stop taking part, are cut and joined, and take part again.
fn switches(node: &mut Node) {
    let range = |first: u32, more: u32| {
        let number = |number| format!("{number:012}");
        AccountRange::new("BE", &number(first), &number(first + more)).unwrap()
    };
    for (is_active, first, more) in [(false, 0, 5), (true, 2, 1), (false, 1, 30)] {
        node.each("a switch of a range", 400, done, |writer, request_id, number| {
            writer.set_activation(&SetActivation {
                request_id,
                bank: bank(number % 2),
                range: Some(range(10 * number + first, more)),
                is_active,
                reason: Text::parse("It moves").unwrap(),
            });
        });
    }
    node.each("a switch of a bank", 50, done, |writer, request_id, number| {
        let (bank, is_active) = (bank(number % 2), number >= 48);
        let reason = Text::parse("It moves").unwrap();
        writer.set_activation(&SetActivation { request_id, bank, range: None, is_active, reason });
    });
    assert_eq!(node.ledger.activation_table().number(), 1250);
}

/// A bank names its accounts, in one book after the other, and again.
#[test]
fn maps_of_postings_allocate_nothing() {
    let mut node = Node::new();
    node.each("a participant", 100, done, register);
    let line = |subject, name| PostingLine { subject, gl_account: GlAccount::parse(name).unwrap() };
    let lines = vec![
        line(PostingSubject::Default, "9999"),
        line(PostingSubject::Class(PostingClass::Current), "2100"),
    ];
    for expected in [ExpectedVersion::Absent, ExpectedVersion::Any] {
        node.each("a map of postings", 100, done, |writer, request_id, number| {
            let (bank, currency, lines) = (bank(number * 37), Currency::EUR, lines.clone());
            writer.set_posting_map(&SetPostingMap {
                request_id,
                bank,
                currency,
                expected,
                from: None,
                lines,
            });
        });
    }
    assert_eq!(node.ledger.posting_map_count(), 100);
    node.ledger.validate();
}

/// Exceptions are raised, assigned, kept in suspense and booked.
fn exceptions(node: &mut Node) {
    node.each("an exception", 1000, done, |writer, request_id, number| {
        writer.raise_exception(&RaiseException {
            request_id,
            bank: bank(number % 2),
            kind: ExceptionKind::ReconciliationBreak,
            subject: ExceptionSubject::Reference {
                reference: Text::parse(&format!("REF-{number}")).unwrap(),
                amount: cents(3),
                currency: Currency::EUR,
                direction: Direction::Credit,
            },
            note: None,
        });
    });
    let raised: Vec<Sequence> = node.outcomes.iter().map(|outcome| outcome.sequence).collect();
    let at = |number: u32| usize::try_from(number).unwrap();
    node.each("an owner", 500, done, |writer, request_id, number| {
        let (bank, exception) = (bank(number % 2), raised[at(number)]);
        let owner = ExceptionOwner::parse("back-office").unwrap();
        writer.assign_exception(&AssignException { request_id, bank, exception, owner, note: None });
    });
    let places: Vec<_> = (0..1000)
        .map(|number| node.ledger.account(&KEY, iban(number).as_str(), Currency::EUR).unwrap().0)
        .collect();
    for (what, action) in
        [("money in suspense", ExceptionAction::ToSuspense), ("a booking", ExceptionAction::BookToCustomer)]
    {
        let seen: Vec<_> = raised
            .iter()
            .map(|at| node.ledger.exception(*at).map(|found| node.ledger.exception_seen(found)))
            .collect();
        node.each(what, 1000, done, |writer, request_id, number| {
            let is_booked = action == ExceptionAction::BookToCustomer;
            writer.resolve_exception(&ResolveException {
                request_id,
                bank: bank(number % 2),
                exception: raised[at(number)],
                action,
                account: is_booked.then(|| (iban(number), places[at(number)])),
                seen: seen[at(number)],
                note: None,
            });
        });
    }
    assert_eq!(node.ledger.open_exception_count(), 0);
}

/// What an order says.
fn content(number: u32) -> OrderContent {
    let party = Party { name: Some(Text::parse("Party").unwrap()), ..Party::default() };
    let mandatory = MandatoryParts {
        end_to_end_id: Text::parse("NOTPROVIDED").unwrap(),
        transaction_id: Text::parse("NOTPROVIDED").unwrap(),
        amount: cents(1),
        currency: Currency::EUR,
        debtor: party.clone(),
        debtor_account: iban(number),
        debtor_agent: bank(number % 2),
        creditor_agent: bank((number + 1) % 2),
        creditor: party,
        creditor_account: iban(number + 1),
    };
    let due = LocalTime::of_day(start().date());
    OrderContent { order: mandatory.into_order(), channel: Channel::Iso20022, due, give_up: None }
}

/// What a frame's records hold of orders.
fn terms(writer: &RecordWriter) -> Vec<StoredTerms> {
    let records = Records::new(writer.records(), writer.texts());
    let of = |record: Record<'_>| {
        let terms = if let Command::AnswerRequestToPay(answer) = record.command {
            answer.terms
        } else if let Command::PackageLine(line) = record.command {
            line.terms
        } else {
            panic!("no order: {record:?}")
        };
        StoredTerms { terms, text: record.text.into() }
    };
    records.map(|record| of(record.unwrap())).collect()
}

/// Packages are logged, closed, executed and cancelled, and orders that stand alone are placed, changed and executed.
fn orders(node: &mut Node) {
    let look_up = |_, _| AccountNumber(0);
    node.each("a posting for orders", 3000, done, |writer, request_id, number| {
        post(writer, request_id, number, 100);
    });
    node.each("a package", 50, done, |writer, request_id, number| {
        let message_id = Text::parse(request_id.as_str()).unwrap();
        writer.open_package(&OpenPackage {
            request_id,
            bank: bank(number % 2),
            file_digest: [1; 32],
            lines: 50,
            control_sum: Some(50),
            currency: Currency::EUR,
            text: PackageText { message_id, initiating_party: None },
        });
    });
    let at = |number: u32| usize::try_from(number).unwrap();
    let packages: Vec<Sequence> = node.outcomes.iter().map(|outcome| outcome.sequence).collect();
    let lines = node.each("a line", 2500, done, |writer, _, number| {
        let (package, line) = (number / 50, number % 50 + 1);
        let payer = (package % 2) + 2 * (number % 1400);
        let content = OrderContent { due: LocalTime::AT_ONCE, ..content(payer) };
        let content = LineContent::Order(Box::new(content));
        writer.package_line(
            &PackageLine { package: packages[at(package)], line, group: None, content },
            look_up,
        );
    });
    let logged: Vec<Sequence> = node.outcomes.iter().map(|outcome| outcome.sequence).collect();
    let close = |writer: &mut RecordWriter, request_id, number: u32| {
        let package = packages[at(number)];
        writer.close_package(&ClosePackage { request_id, bank: bank(number % 2), package });
    };
    node.each("a package that is closed", 50, done, close);
    let now = node.at.time;
    let execute = |writer: &mut RecordWriter, order: Sequence, stored: &StoredTerms| {
        let id = order_transaction_id(Incarnation(1), order, 0);
        writer.execute_order(order, &id, stored, now, look_up).unwrap();
    };
    let stored = terms(&lines);
    let mut executed = |what, range: std::ops::Range<usize>, expected: fn(Verdict) -> bool| {
        let mut writer = RecordWriter::new(KEY, PrincipalNumber(1));
        range.for_each(|place| execute(&mut writer, logged[place], &stored[place]));
        writer.stamp_activation(&node.ledger.activation_table());
        node.frame(what, &writer);
        let wrong = node.outcomes.iter().find(|outcome| !expected(outcome.verdict));
        assert!(wrong.is_none(), "{what}: {wrong:?}");
    };
    executed("an order that is executed", 0..1500, settled);
    executed("an order that is executed again", 0..100, repeated);
    node.each("a package that is cancelled", 20, done, |writer, request_id, number| {
        let target = CancelTarget::Package(packages[at(30 + number)]);
        writer.cancel_orders(&CancelOrders { request_id, bank: bank(number % 2), target });
    });
    for what in ["an order", "a change"] {
        let is_change = what == "a change";
        let first = node.outcomes.first().map(|outcome| outcome.sequence.0);
        node.each(what, 1000, done, |writer, request_id, number| {
            let (content, schedule) = (content(number), None);
            match is_change {
                false => writer.place_order(&PlaceOrder { request_id, content, schedule }, look_up),
                true => {
                    let order = Sequence(first.unwrap() + u64::from(number));
                    writer.change_order(&ChangeOrder { request_id, order, content, schedule }, look_up);
                }
            }
        });
    }
    node.ledger.validate();
}

/// Payees ask, and payers see it, accept and pay, refuse, or leave it until it is over.
fn requests_to_pay(node: &mut Node) {
    let look_up = |_, _| AccountNumber(0);
    let hint = |node: &Node, number: u32| {
        node.ledger.account(&KEY, iban(number).as_str(), Currency::EUR).map(|(account, _)| account)
    };
    let payers: Vec<_> = (0..2000).map(|number| hint(node, number)).collect();
    let expires = node.at.time.plus(Duration::from_seconds(2));
    let at = |number: u32| usize::try_from(number).unwrap();
    node.each("a request to pay", 2000, done, |writer, request_id, number| {
        let (order, payer) = (content(number).order, payers[at(number)]);
        let details = RequestDetails::default();
        writer.create_request_to_pay(&CreateRequestToPay {
            request_id,
            order,
            payer,
            expires,
            pay_by: None,
            details,
        });
    });
    let asked: Vec<Sequence> = node.outcomes.iter().map(|outcome| outcome.sequence).collect();
    let banks = |number: u32| (bank(number % 2), bank((number + 1) % 2));
    node.each("a request that is seen", 1000, done, |writer, request_id, number| {
        let (payer_bank, payee_bank) = (banks(number).0, Some(banks(number).1));
        let to_pay = asked[at(number)];
        writer.present_request_to_pay(&PresentRequestToPay { request_id, to_pay, payer_bank, payee_bank });
    });
    let answer = |writer: &mut RecordWriter, request_id, number: u32, answer| {
        let (payer_bank, payee_bank) = (banks(number).0, Some(banks(number).1));
        let to_pay = asked[at(number)];
        let command = AnswerRequestToPay { request_id, to_pay, payer_bank, payee_bank, answer };
        writer.answer_request_to_pay(&command, look_up);
    };
    let accepted = node.each("a request that is accepted", 1000, done, |writer, request_id, number| {
        let content = OrderContent { due: LocalTime::AT_ONCE, ..content(number) };
        answer(writer, request_id, number, RequestAnswer::Accept(Box::new(content)));
    });
    let placed: Vec<Sequence> = node.outcomes.iter().map(|outcome| outcome.sequence).collect();
    let stored = terms(&accepted);
    node.at.time = node.at.time.plus(Duration::from_seconds(1));
    let mut writer = RecordWriter::new(KEY, PrincipalNumber(1));
    for (order, stored) in placed.iter().zip(&stored) {
        let id = order_transaction_id(Incarnation(1), *order, 0);
        writer.execute_order(*order, &id, stored, node.at.time, look_up).unwrap();
    }
    node.frame("a request that is paid", &writer);
    assert!(node.outcomes.iter().all(|outcome| settled(outcome.verdict)));
    node.each("a request that is refused", 400, done, |writer, request_id, number| {
        let reason = ReasonCode::parse("MS02").unwrap();
        answer(writer, request_id, 1000 + number, RequestAnswer::Refuse(reason));
    });
    node.each("a request that is taken back", 400, done, |writer, request_id, number| {
        let number = 1400 + number;
        let (payer_bank, payee_bank) = (Some(banks(number).0), banks(number).1);
        let to_pay = asked[at(number)];
        writer.cancel_request_to_pay(&CancelRequestToPay { request_id, to_pay, payer_bank, payee_bank });
    });
    // The others are over.
    node.at.time = expires;
    node.each("a request that is late", 100, late, |writer, request_id, number| {
        let reason = ReasonCode::parse("MS02").unwrap();
        answer(writer, request_id, 1800 + number, RequestAnswer::Refuse(reason));
    });
    node.ledger.validate();
}

fn late(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Refused { refusal: Refusal::RequestToPayExpired, .. })
}

fn owner_of(number: u32) -> RecordOwner {
    RecordOwner { bank: bank(number % 2), space: RecordSpace::parse("space").unwrap() }
}

/// Everybody limits payments, and the banks charge for them.
fn customers(node: &mut Node) {
    node.each("a customer's limit", 3000, done, |writer, request_id, number| {
        let (per_payment, per_day) = (None, Amount::from_minor_units(1000));
        writer.set_customer_limit(&SetCustomerLimit {
            request_id,
            account: account(number),
            per_payment,
            per_day,
        });
    });
    for is_restricted in [true, false] {
        node.each("a restriction", 100, done, |writer, request_id, number| {
            writer.set_restricted(&SetRestricted { request_id, account: account(number), is_restricted });
        });
    }
    node.each("a bank's fees", 50, done, |writer, request_id, number| {
        let (bic, currency) = (bank(number), Currency::EUR);
        let fees = Fees::from_minor_units(2, 1).unwrap();
        writer.set_fees(&SetFees { request_id, bic, currency, fees });
    });
    node.each("a bank's clock", 50, done, |writer, request_id, number| {
        let zone = Zone { offset: ZoneOffset::from_minutes(60).unwrap(), change: None };
        writer.set_zone(&SetZone { request_id, bic: bank(number), zone });
    });
}

/// Both banks decide about everything: reservations, answers to both questions, silence, and who comes late.
fn waiting_payments(node: &mut Node) {
    let wish = |silence| StagePolicy { scope: DecisionScope::All, silence };
    let policy = DecisionPolicy { debits: wish(Silence::Accept), credits: wish(Silence::Reject) };
    node.each("a decision policy", 50, done, |writer, request_id, number| {
        writer.set_decision_policy(&SetDecisionPolicy { request_id, bic: bank(number), policy });
    });
    node.each("an account's flag", 100, done, |writer, request_id, number| {
        writer.set_account_flag(&SetAccountFlag { request_id, account: account(number), is_flagged: true });
    });
    node.each("an account's holders", 100, done, |writer, request_id, number| {
        writer.set_account_holders(&SetAccountHolders {
            request_id,
            account: account(number),
            holder_names: vec![Text::parse("Holder").unwrap()],
            identification: None,
            repeats: None,
        });
    });
    node.each("a limit of reservations", 50, done, |writer, request_id, number| {
        let (bic, unanswered_max) = (bank(number), 10_000 + number);
        writer.set_reservation_limit(&SetReservationLimit { request_id, bic, unanswered_max });
    });
    customers(node);
    node.each("a posting for what is reserved", 3000, done, |writer, request_id, number| {
        post(writer, request_id, number, 100);
    });
    let reserved_payments = node.each("a payment that is reserved", 2900, reserved, |writer, _, number| {
        pay(writer, 30_000 + number, number, number + 1, 10);
        writer.mark_last_connected(|_| true);
    });
    let payments: Vec<Sequence> = node.outcomes.iter().map(|outcome| outcome.sequence).collect();
    node.frame("a reserved payment that comes again", &reserved_payments);
    assert!(node.outcomes.iter().all(|outcome| repeated(outcome.verdict)));
    let answer = |stage, answer| {
        let payments = &payments;
        move |writer: &mut RecordWriter, _: RequestId, number: u32| {
            let payment = payments[usize::try_from(number).unwrap()];
            let bic = bank(if stage == Stage::Debit { number % 2 } else { (number + 1) % 2 });
            writer.answer(&AnswerPayment { payment, bic, stage, answer });
        }
    };
    let reject = Answer::Reject(ReasonCode::parse("AC04").unwrap());
    node.each("an answer that another bank's follows", 2000, applied, answer(Stage::Debit, Answer::Accept));
    node.each("an answer that settles", 1000, applied, answer(Stage::Credit, Answer::Accept));
    node.each("an answer that comes again", 1000, ignored, answer(Stage::Credit, Answer::Accept));
    node.each("an answer that rejects", 1500, |_| true, answer(Stage::Credit, reject));
    node.at.time = start().plus(Duration::from_seconds(5));
    node.frame("a tick that takes silence for an answer", &RecordWriter::new(KEY, PrincipalNumber(0)));
    assert_eq!(node.ledger.asked().len(), 900);
    node.at.time = start().plus(Duration::from_seconds(7));
    node.frame("a tick at which payments expire", &RecordWriter::new(KEY, PrincipalNumber(0)));
    assert_eq!(node.ledger.decided().len(), 1400);
    node.each("an answer that comes too late", 2900, ignored, answer(Stage::Credit, Answer::Accept));
    assert_eq!(node.ledger.reservation_count(), 0);
    node.ledger.validate();
}

fn payments(node: &mut Node) {
    let write = |writer: &mut RecordWriter, _: RequestId, number: u32| {
        // Odd accounts are at one bank, even ones at the other; every third payment stays inside one bank.
        let payee = if number.is_multiple_of(3) { number + 2 } else { number + 1 };
        pay(writer, number, number, payee % 3000, 100);
    };
    let settled_payments = node.each("a payment that is settled", 2900, settled, write);
    node.frame("a payment that comes again", &settled_payments);
    assert!(node.outcomes.iter().all(|outcome| repeated(outcome.verdict)));
    node.each("a payment with a changed body", 500, rejected, |writer, _, number| {
        pay(writer, number, number, number + 1, 99);
    });
    node.each("a payment without funds", 2000, rejected, |writer, _, number| {
        pay(writer, 10_000 + number, number, number + 1, 90_000);
    });
    node.each("a payment to nobody", 500, rejected, |writer, _, number| {
        pay(writer, 20_000 + number, number, 9_000, 1);
    });
    let refusals = node.each("a payment refused on reading", 500, rejected, |writer, _, number| {
        refuse(writer, number);
    });
    node.frame("a refused payment that comes again", &refusals);
    assert!(node.outcomes.iter().all(|outcome| repeated(outcome.verdict)));
}

/// What an edge does for payments that can't be on disk needs no memory either.
#[test]
fn asking_what_to_look_up_allocates_nothing() {
    let mut writer = RecordWriter::new(DigestKey::new([7; 16]), PrincipalNumber(1));
    (0..40).for_each(|id| pay(&mut writer, id, 1, 2, 100));
    let before = ALLOCATIONS.get();
    let asked = writer.asked_for(Sequence(9)).count();
    writer.set_evidence(Sequence(9), &[]);
    assert_eq!((asked, ALLOCATIONS.get()), (40, before));
}
