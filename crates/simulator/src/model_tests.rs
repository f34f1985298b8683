//! The model against the ledger: random commands, every verdict and balance, sequences that shrink.

use std::collections::BTreeSet;

use ledger::{
    AccountKind, AccountMode, AccountStatus, Answer, Connected, DecisionPolicy, DecisionScope, Direction,
    Fees, Ledger, Limits, LiquidityDirection, NotExecuted, ParticipantStatus, Position, Profile,
    RecordWriter, Records, RequestEnd, Silence, Stage, StagePolicy, Verdict, Zone, ZoneChange, ZoneOffset,
};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use types::{Amount, PrincipalNumber, ReasonCode, Sequence, Timestamp};

use crate::casework::Casework;
use crate::compare;
use crate::desk::Desk;
use crate::gateways::Gateways;
use crate::ledgers::Ledgers;
use crate::model::Model;
use crate::random::Random;
use crate::rulebook::Rulebook;
use crate::step::{ACCOUNTS, BANKS, Body, Pay, Request, Step};
use crate::words::{IDENTITY, digest_key, write};

const SECOND: i64 = 1_000_000_000;
const START: i64 = 1_700_000_000 * SECOND;

/// One command of a sequence: how long after the one before, whether in a new frame, and what.
#[derive(Clone, Debug)]
struct Play {
    pause: i64,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    /// A command; a payment's acceptance lies this far from log time, if it names one.
    New(Step, Option<i64>),
    /// The same as an earlier one once more.
    Again(prop::sample::Index),
    /// The same key or id as an earlier one with the body of this one.
    Changed(prop::sample::Index, Step),
    /// An answer to one of the payments that waited at some time.
    Answer(prop::sample::Index, By, Answer),
    /// What clients of newer rules think of with these choices.
    Rulebook(u64),
    /// What gateways think of with these choices.
    Gateways(u64),
    /// What banks' general ledgers think of with these choices.
    Ledgers(u64),
    /// What people do about exceptions with these choices.
    Casework(u64),
    /// What customers with files and orders, and their runner, think of with these choices.
    Desk(u64),
}

/// Whose answer.
#[derive(Clone, Copy, Debug)]
enum By {
    /// Of the bank that is asked now.
    Asked,
    /// Of the bank that was asked one of the last questions, answered or not.
    Lately,
    /// Of this bank about this.
    Any(u8, Stage),
}

fn stages() -> impl Strategy<Value = Stage> {
    select(vec![Stage::Debit, Stage::Credit])
}

fn answers() -> impl Strategy<Value = Answer> {
    let code = |code| Answer::Reject(ReasonCode::parse(code).unwrap());
    select(vec![Answer::Accept, Answer::Accept, code("AC04"), code("XYZ9")])
}

fn policies() -> impl Strategy<Value = DecisionPolicy> {
    let above = DecisionScope::Above(Amount::from_minor_units(100).unwrap());
    let scopes = vec![DecisionScope::Nothing, DecisionScope::Flagged, above, DecisionScope::All];
    let stage = || {
        (select(scopes.clone()), select(vec![Silence::Reject, Silence::Accept]))
            .prop_map(|(scope, silence)| StagePolicy { scope, silence })
    };
    (stage(), stage()).prop_map(|(debits, credits)| DecisionPolicy { debits, credits })
}

/// Limits, restrictions, fees and clocks.
fn customers() -> impl Strategy<Value = Request> {
    let (bank, account) = (0..BANKS - 1, || 0..ACCOUNTS);
    let currency = || prop_oneof![8 => Just(0_u8), 1 => Just(1)];
    let limit = || prop::option::weighted(0.6, 1_i64..400);
    let fee = || prop_oneof![2 => Just(0_u32), 3 => 1_u32..30];
    let offset =
        || select(vec![-720_i16, -60, 0, 60, 120, 840]).prop_map(|it| ZoneOffset::from_minutes(it).unwrap());
    let change = (0_i64..400_000, offset())
        .prop_map(|(seconds, offset)| ZoneChange { at: time(START + seconds * SECOND), offset });
    prop_oneof![
        4 => (account(), currency(), [limit(), limit()])
            .prop_map(|(account, currency, limits)| Request::Allow { account, currency, limits }),
        1 => (account(), currency(), any::<bool>())
            .prop_map(|(account, currency, is_restricted)| Request::Restrict { account, currency, is_restricted }),
        2 => (bank.clone(), currency(), fee(), fee()).prop_map(|(bank, currency, ordinary, instant)| {
            Request::SetFees { bank, currency, fees: Fees::from_minor_units(ordinary, instant).unwrap() }
        }),
        1 => (bank, offset(), prop::option::of(change))
            .prop_map(|(bank, offset, change)| Request::SetZone { bank, zone: Zone { offset, change } }),
    ]
    .boxed()
}

fn requests() -> impl Strategy<Value = Request> {
    let bank = 0..BANKS - 1;
    let mode =
        select(vec![AccountMode::Hosted, AccountMode::Hosted, AccountMode::Remote, AccountMode::Mixed]);
    let currency = || prop_oneof![8 => Just(0_u8), 1 => Just(1), 1 => 2_u8..5];
    let account = || 0..ACCOUNTS;
    let amount = || prop_oneof![1_i64..1000, Just(99_999_999_999)];
    let floor = || prop_oneof![4 => Just(0_i64), 2 => -500_i64..0, 1 => 1_i64..50];
    prop_oneof![
        3 => (bank.clone(), mode, currency())
            .prop_map(|(bank, mode, currency)| Request::Register { bank, mode, currency }),
        1 => (bank.clone(), select(vec![ParticipantStatus::Active, ParticipantStatus::Suspended]))
            .prop_map(|(bank, status)| Request::SetBankStatus { bank, status }),
        5 => (bank.clone(), account(), currency(),
              prop_oneof![5 => Just(AccountKind::Current), 1 => Just(AccountKind::Savings)], floor())
            .prop_map(|(bank, account, currency, kind, floor)| {
                Request::Open { bank, account, currency, kind, floor }
            }),
        3 => (account(), currency(),
              select(vec![AccountStatus::Active, AccountStatus::Blocked, AccountStatus::Closed]))
            .prop_map(|(account, currency, status)| Request::SetAccountStatus { account, currency, status }),
        3 => (account(), currency(), floor())
            .prop_map(|(account, currency, floor)| Request::SetFloor { account, currency, floor }),
        2 => (bank.clone(), policies()).prop_map(|(bank, policy)| Request::SetPolicy { bank, policy }),
        1 => (account(), currency(), any::<bool>())
            .prop_map(|(account, currency, is_flagged)| Request::SetFlag { account, currency, is_flagged }),
        1 => prop_oneof![
            (bank.clone(), prop_oneof![0_u32..3, Just(100)])
                .prop_map(|(bank, unanswered_max)| Request::SetLimit { bank, unanswered_max }),
            (account(), currency(), 0_u8..3)
                .prop_map(|(account, currency, name)| Request::SetHolders { account, currency, name }),
            (1..=ledger::RULES_VERSION).prop_map(|version| Request::SetVersion { version }),
        ].boxed(),
        3 => customers(),
        4 => (account(), currency(), select(vec![Direction::Credit, Direction::Credit, Direction::Debit]),
              amount())
            .prop_map(|(account, currency, direction, amount)| {
                Request::Post { account, currency, direction, amount }
            }),
        4 => (bank, currency(), select(vec![
                LiquidityDirection::Fund, LiquidityDirection::Fund, LiquidityDirection::Defund,
              ]), amount(), 0_u32..12)
            .prop_map(|(bank, currency, direction, amount, reference)| {
                Request::Move { bank, currency, direction, amount, reference }
            }),
    ]
    // One strategy within another takes a test's whole stack.
    .boxed()
}

fn payments() -> impl Strategy<Value = Pay> {
    let currency = prop_oneof![12 => Just(0_u8), 1 => 1_u8..3];
    // Half of them between accounts of the world, or to one that its remote bank keeps.
    let usual = (0_u8..6, 0_u8..6, any::<bool>()).prop_map(|(debtor, creditor, to_remote)| {
        (debtor % 2, if to_remote { 2 } else { creditor % 2 }, debtor, creditor)
    });
    let parties = prop_oneof![usual, (0..BANKS, 0..BANKS - 1, 0..ACCOUNTS, 0..ACCOUNTS)];
    let parties = (parties, 0..8_u8);
    let rest = (0_u32..40, 1_i64..200, currency, 0_u8..2, 0_u8..3, [0_u32..20, 0_u32..20]);
    (parties, rest).prop_map(|(parties, (id, amount, currency, remittance, message, hints))| {
        let ((debtor_bank, creditor_bank, debtor, creditor), offline) = parties;
        let connected = Connected { debtor: offline != 0, creditor: offline > 1 };
        let accepted = None;
        let body = Body { creditor_bank, debtor, creditor, amount, currency, remittance, accepted };
        Pay {
            debtor_bank,
            id,
            body,
            stamped: Timestamp::default(),
            message,
            connected,
            hints,
            order: Sequence(0),
        }
    })
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_u32..200, requests()).prop_map(|(id, body)| Step::Request { id, body }),
        6 => payments().prop_map(Step::Pay),
        // To whatever may stand there; answers to questions are drawn when it is known which are open.
        1 => (1_u64..60, 0..BANKS, stages(), answers()).prop_map(|(payment, bank, stage, answer)| {
            Step::Answer { payment: Sequence(payment), bank, stage, answer }
        }),
        1 => (payments(), any::<bool>()).prop_map(|(payment, whole)| Step::Refuse { payment, whole }),
        1 => payments().prop_map(Step::NotEntitled),
    ]
}

/// A version of the rules, and what is played under it.
fn games() -> impl Strategy<Value = (u32, Vec<Play>)> {
    (select(vec![1, ledger::RULES_VERSION, ledger::RULES_VERSION]), plays())
}

fn plays() -> impl Strategy<Value = Vec<Play>> {
    let offset = || {
        let edges = select(vec![-7 * SECOND - 1, -7 * SECOND, -7 * SECOND + 1, SECOND, SECOND + 1]);
        prop_oneof![4 => Just(None), 4 => (-7 * SECOND..SECOND).prop_map(Some), 1 => edges.prop_map(Some)]
    };
    let any_bank = (0..BANKS, stages()).prop_map(|(bank, stage)| By::Any(bank, stage));
    let by = prop_oneof![6 => Just(By::Asked), 3 => Just(By::Lately), 1 => any_bank];
    let what = prop_oneof![
        8 => (steps(), offset()).prop_map(|(step, offset)| What::New(step, offset)),
        2 => any::<prop::sample::Index>().prop_map(What::Again),
        6 => (any::<prop::sample::Index>(), by, answers()).prop_map(|(index, by, answer)| What::Answer(index, by, answer)),
        1 => (any::<prop::sample::Index>(), steps()).prop_map(|(index, step)| What::Changed(index, step)),
        4 => any::<u64>().prop_map(What::Rulebook),
        3 => any::<u64>().prop_map(What::Gateways),
        1 => any::<u64>().prop_map(What::Ledgers),
        3 => any::<u64>().prop_map(What::Casework),
        8 => any::<u64>().prop_map(What::Desk),
        5 => any::<u64>().prop_map(What::Desk),
    ];
    let pause = prop_oneof![
        6 => Just(0),
        6 => 1_i64..SECOND,
        2 => SECOND..20 * SECOND,
        1 => select(vec![5 * 86_400 * SECOND - 1, 5 * 86_400 * SECOND, 5 * 86_400 * SECOND + 1]),
        1 => prop_oneof![
            5 => 86_400 * SECOND..3 * 86_400 * SECOND,
            1 => 20 * 86_400 * SECOND..30 * 86_400 * SECOND,
        ],
    ];
    let played = prop::collection::vec((pause, what).prop_map(|(pause, what)| Play { pause, what }), 1..120);
    // Three in four begin with banks, accounts and money, and some of those banks want to decide.
    let wish = || prop::option::of(policies());
    let world = prop_oneof![1 => Just(None), 3 => (0_u64..8, [wish(), wish()]).prop_map(Some)];
    (world, played).prop_map(|(world, mut plays)| {
        if let Some((seed, wishes)) = world {
            let mut world = crate::traffic::world(&mut Random::new(seed));
            for (bank, policy) in (0_u8..).zip(wishes) {
                let id = 2_000_000 + u32::from(bank);
                let set = |policy| Step::Request { id, body: Request::SetPolicy { bank, policy } };
                world.extend(policy.map(set));
            }
            plays.splice(..0, world.into_iter().map(|step| Play { pause: 0, what: What::New(step, None) }));
        }
        plays
    })
}

fn time(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanoseconds(nanoseconds).unwrap()
}

/// Gives a step its times.
fn timed(step: &Step, now: i64, offset: Option<i64>) -> Step {
    let set = |payment: &Pay| {
        let body = Body { accepted: offset.map(|offset| time(now + offset)), ..payment.body };
        Pay { stamped: time(now), body, ..*payment }
    };
    match step {
        Step::Request { .. } | Step::Answer { .. } | Step::Line(_) => step.clone(),
        Step::Pay(payment) => Step::Pay(set(payment)),
        Step::NotEntitled(payment) => Step::NotEntitled(set(payment)),
        Step::Refuse { payment, whole } => Step::Refuse { payment: set(payment), whole: *whole },
    }
}

/// A retry: the same body, received now.
fn again(step: &Step, now: i64) -> Step {
    match step {
        Step::Pay(payment) => Step::Pay(Pay { stamped: time(now), message: 9, ..*payment }),
        Step::Request { .. }
        | Step::Refuse { .. }
        | Step::NotEntitled(_)
        | Step::Answer { .. }
        | Step::Line(_) => step.clone(),
    }
}

/// Another body under an earlier key or id.
fn changed(earlier: &Step, other: &Step, now: i64) -> Step {
    match (earlier, timed(other, now, None)) {
        (Step::Request { id, .. }, Step::Request { body, .. }) => Step::Request { id: *id, body },
        (
            Step::Pay(payment) | Step::Refuse { payment, .. } | Step::NotEntitled(payment),
            Step::Pay(other) | Step::Refuse { payment: other, .. },
        ) => Step::Pay(Pay { debtor_bank: payment.debtor_bank, id: payment.id, ..other }),
        (_, other) => other,
    }
}

fn begun(version: u32) -> Ledger {
    let limits = Limits { accounts_max: 64, payments_max: 64, requests_max: 64 };
    let mut ledger = Ledger::new(limits);
    ledger.begin_under(version);
    let mut writer = RecordWriter::new(digest_key(), PrincipalNumber(0));
    writer.genesis(IDENTITY.cluster, IDENTITY.incarnation);
    writer.set_profile(&Profile::sct_inst_2025());
    let mut at = Position { sequence: Sequence(1), time: time(START) };
    ledger.tick(at);
    for record in Records::new(writer.records(), writer.texts()) {
        at.sequence = at.sequence.next();
        ledger.apply(at, &record.unwrap()).unwrap();
    }
    ledger
}

/// Plays a sequence; says what its commands came to.
fn play(version: u32, plays: &[Play]) -> Result<BTreeSet<String>, String> {
    let mut reached = BTreeSet::new();
    let (mut model, mut ledger) = (Model::begun_under(version), begun(version));
    let mut in_force = version;
    let mut played: Vec<Step> = Vec::new();
    let mut asked: Vec<(Sequence, u8, Stage)> = Vec::new();
    let mut now = START;
    for Play { pause, what } in plays {
        now += pause;
        let step = match what {
            What::New(step, offset) => timed(step, now, *offset),
            What::Again(index) if !played.is_empty() => again(index.get(&played), now),
            What::Changed(index, step) if !played.is_empty() => changed(index.get(&played), step, now),
            What::Answer(index, by, answer) if !asked.is_empty() => {
                let open = model.open_questions();
                let known = match by {
                    By::Asked if !open.is_empty() => &open,
                    By::Lately => &asked[asked.len().saturating_sub(4)..],
                    By::Asked | By::Any(..) => asked.as_slice(),
                };
                let (payment, bank, stage) = *index.get(known);
                let (bank, stage) =
                    if let By::Any(bank, stage) = *by { (bank, stage) } else { (bank, stage) };
                Step::Answer { payment, bank, stage, answer: *answer }
            }
            What::Rulebook(choices) => Rulebook::new(*choices).draw(&model, time(now)),
            What::Gateways(choices) => Gateways::new(*choices).draw(&model, time(now)),
            What::Ledgers(choices) => Ledgers::new(*choices).draw(&model, time(now)),
            What::Casework(choices) => Casework::new(*choices).draw(&model),
            What::Desk(choices) => Desk::new(*choices).draw(&model, time(now)),
            What::Again(_) | What::Changed(..) | What::Answer(..) => continue,
        };
        // What was left out between may have been the first of a frame.
        let begins_frame = now > ledger.position().time.nanoseconds();
        let known = if begins_frame { model.rules_version } else { in_force };
        if step.first_version() > known {
            continue;
        }
        let mut at = Position { sequence: ledger.position().sequence.next(), time: time(now) };
        if begins_frame {
            ledger.tick(at);
            in_force = model.rules_version;
            let expected = model.tick(at);
            compare::same("what time decides", &expected.len(), &ledger.decided().len())?;
            for ((sequence, expected), found) in expected.iter().zip(ledger.decided()) {
                compare::same("which payment time decides", sequence, &found.sequence)?;
                compare::outcome(expected, found)?;
                reached.insert(format!("by time: {}", said(found.verdict)));
            }
            crossings(&model, &ledger, &mut reached)?;
            holds(&model, &ledger, &mut reached)?;
            at.sequence = at.sequence.next();
        }
        let mut writer = crate::words::commands();
        write(&mut writer, &step);
        ledger.reserve_for_frame(1);
        let record = Records::new(writer.records(), writer.texts()).next().unwrap().unwrap();
        let found = ledger.apply(at, &record).unwrap();
        let expected = model.apply(at, &step);
        reached.insert(said(found.verdict));
        compare::outcome(&expected, &found).map_err(|difference| format!("{step:?}: {difference}"))?;
        crossings(&model, &ledger, &mut reached)?;
        holds(&model, &ledger, &mut reached)?;
        ledger.validate();
        compare::ledger(&model, &ledger).map_err(|difference| format!("after {step:?}: {difference}"))?;
        if let Some(key) = step.key() {
            let accepted = time(now - 8 * SECOND);
            for accepted in [None, Some(accepted), Some(time(START))] {
                let id = format!("T{}", key.1);
                let found = ledger.payment_by_key(crate::words::bic(key.0), &id, accepted);
                compare::payment(model.known(key, accepted), &found)?;
            }
            compare::payment(model.known_at(at.sequence), &ledger.payment_at(at.sequence))?;
        }
        asked.extend(model.open_questions().iter().filter(|open| !asked.contains(open)).collect::<Vec<_>>());
        played.push(step);
    }
    Ok(reached)
}

fn crossings(model: &Model, ledger: &Ledger, reached: &mut BTreeSet<String>) -> Result<(), String> {
    let number = |code| (0..BANKS).find(|bank| crate::words::bic(*bank) == code).unwrap();
    let found = ledger.crossings().iter().map(|crossing| compare::crossed(crossing, number).unwrap());
    reached.extend(model.crossings.iter().map(|crossed| format!("crossed {}", crossed.which)));
    compare::same("bounds that are crossed", &model.crossings, &found.collect())
}

/// What was done to holds beside what was decided.
fn holds(model: &Model, ledger: &Ledger, reached: &mut BTreeSet<String>) -> Result<(), String> {
    compare::same("what holds come to", &model.holds_told.len(), &ledger.holds_told().len())?;
    for ((sequence, expected), found) in model.holds_told.iter().zip(ledger.holds_told()) {
        compare::same("what is told of holds", sequence, &found.sequence)?;
        compare::outcome(expected, found)?;
        reached.insert(said(found.verdict));
    }
    Ok(())
}

fn said(verdict: Verdict) -> String {
    match verdict {
        Verdict::Payment { state, reason, .. } => {
            reason.map_or_else(|| format!("{state:?}"), |reason| reason.to_string())
        }
        Verdict::Answer { effect, state, .. } => {
            state.map_or_else(|| format!("{effect:?}"), |state| format!("{effect:?} {state:?}"))
        }
        Verdict::Done { .. } => "done".to_owned(),
        Verdict::Refused { refusal, .. } => refusal.name().to_owned(),
        Verdict::AskAgain => "ask again".to_owned(),
        Verdict::NotActive { stage } => format!("not active {stage:?}"),
        Verdict::LegBooked { leg, .. } => format!("leg {leg}"),
        Verdict::HoldExpired { .. } => "hold expired".to_owned(),
        Verdict::RequestEnded { end: RequestEnd::Expired, .. } => "request expired".to_owned(),
        Verdict::RequestEnded { end: RequestEnd::Paid(_), .. } => "request paid".to_owned(),
        Verdict::RequestEnded { end: RequestEnd::Failed { .. }, .. } => "request failed".to_owned(),
        Verdict::NotExecuted { why: NotExecuted::Waits(reason), .. } => format!("waits {reason}"),
        Verdict::NotExecuted { why, .. } => format!("not executed {why:?}"),
        Verdict::OrderEnded { state, .. } => format!("order {state:?}").to_lowercase(),
        Verdict::PackageComplete { .. } => "package complete".to_owned(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_ledger_does_what_the_model_says((version, plays) in games()) {
        let played = play(version, &plays);
        prop_assert!(played.is_ok(), "{}", played.unwrap_err());
    }
}

/// Random commands are worth what they reach: everything but a balance that leaves its range.
#[test]
fn the_sequences_reach_every_answer() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut reached = BTreeSet::new();
    for _ in 0..8000 {
        let (version, plays) = games().new_tree(&mut runner).unwrap().current();
        reached.extend(play(version, &plays).unwrap());
    }
    let reasons = "Settled RC01 DNOR AM05 FF01 CNOR AG10 AG11 AB05 DT01 AC01 AC02 AC04 AC06 RR04 AG01 AM03 AM14 AM04 AM23 AB08 AB07 AB10 \
         Reserved";
    let waiting = "by time: Settled,by time: AB05,by time: AB11,Applied Reserved,Applied Settled,Applied Rejected,\
                   Late Expired,Late Settled,Late Reserved,Late Rejected,Double Settled,Double Reserved,\
                   Double Rejected,Double Expired,Contrary Settled,Contrary Reserved,Contrary Rejected,\
                   Contrary Expired,NotAsked,PaymentUnknown";
    let others = "done REQUEST_ID_REUSED PARTICIPANT_UNKNOWN PARTICIPANT_EXISTS ACCOUNTS_NOT_HOSTED ACCOUNT_UNKNOWN \
                  ACCOUNT_EXISTS ACCOUNT_CLOSED ACCOUNT_BLOCKED ACCOUNT_NOT_EMPTY FLOOR_ABOVE_AVAILABLE \
                  INSUFFICIENT_FUNDS POSITION_UNKNOWN REFERENCE_REUSED VERSION_NOT_NEXT INSTANT_FEE_ABOVE_ORDINARY BOOK_UNKNOWN";
    let rulebook = "ED05 ABOVE_ORIGINAL ANSWER_NOT_TRUE BUSINESS_DATE_NOT_NEXT CALENDAR_UNKNOWN CONSENT_MISSING NOT_DUE \
                    ORIGINAL_DIFFERS ORIGINAL_NOT_SETTLED PAIR_NOT_ALLOWED PARTICIPANT_SUSPENDED PARTY_DIFFERS \
                    POSITION_BLOCKED POSITION_EXISTS RECALL_ANSWERED RECALL_EXISTS RECALL_OF_ANOTHER_BANK \
                    RECALL_WINDOW_OVER LIMIT_UNKNOWN";
    let gateways = "HOLD_UNKNOWN ABOVE_HELD PAYEE_IS_PAYER ACCOUNT_RESTRICTED ACCOUNT_KIND_NOT_ALLOWED POSITION_INSUFFICIENT \
                    HOLD_EXPIRY_NOT_ALLOWED VERSION_CONFLICT RECORD_UNKNOWN RECORD_EXPIRY_NOT_ALLOWED";
    let ledgers = "POSTING_MAP_CHANGED POSTING_DATE_NOT_ALLOWED POSTING_ACCOUNT_UNKNOWN";
    let exceptions = "EXCEPTION_UNKNOWN EXCEPTION_EXISTS EXCEPTION_RESOLVED ACTION_NOT_LEGAL EXCEPTION_IN_SUSPENSE \
                      EXCEPTION_NOT_IN_SUSPENSE RECALL_MISSING ORIGINAL_SETTLED";
    let crossed = "crossed 0,crossed 1,crossed 2,crossed 3,leg 0,leg 1,leg 2,hold expired";
    let mut wanted: BTreeSet<String> = [reasons, others, rulebook, gateways, ledgers, exceptions]
        .join(" ")
        .split(' ')
        .map(str::to_owned)
        .collect();
    wanted.extend([waiting, crossed].join(",").split(',').map(str::to_owned));
    let orders = "PACKAGE_UNKNOWN PACKAGE_EXISTS PACKAGE_NOT_OPEN LINE_NOT_NEXT PACKAGE_DIFFERS ORDER_UNKNOWN \
                  ORDER_NOT_PENDING ORDER_DATE_NOT_ALLOWED REQUEST_TO_PAY_UNKNOWN REQUEST_TO_PAY_NOT_OPEN \
                  REQUEST_TO_PAY_PRESENTED REQUEST_TO_PAY_TIMES_NOT_ALLOWED REQUEST_TO_PAY_LATER_NOT_ALLOWED \
                  REQUEST_TO_PAY_EXPIRED REQUEST_TO_PAY_DIFFERS";
    let executed = "not executed Unknown,not executed NotOpen,not executed NotPending,not executed NotDue,\
                    not executed Differs,waits AM04,waits AM23,order settled,order rejected,request expired,request paid,request failed,package complete";
    let crossed = "crossed 0,crossed 1,crossed 2,crossed 3,leg 0,leg 1,leg 2,hold expired";
    let mut wanted: BTreeSet<String> =
        [reasons, others, rulebook, gateways, orders].join(" ").split(' ').map(str::to_owned).collect();
    wanted.extend([waiting, crossed, executed].join(",").split(',').map(str::to_owned));
    let missed: Vec<_> = wanted.difference(&reached).collect();
    assert!(missed.is_empty(), "never reached: {missed:?}");
}
