//! What a bank does with a question.
//!
//! Invariant: the plan for a question is a function of the behaviour, the question and whether it came before.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use client::v1;
use types::{PaymentId, ReasonCode};

use crate::LoadgenError;
use crate::random::{below, halves, random};

/// How long after the end of its time a late answer is given.
const LATE_BY: Duration = Duration::from_millis(300);

/// Why a contrary bank rejects: it gives no reason (MS03).
const NO_REASON: &str = "MS03";

/// The longest time that a slow bank takes.
const SLOW_MAX: Duration = Duration::from_secs(60);

/// What a bank does with a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Accepts at once.
    Accept,
    /// Rejects at once, for this reason.
    Reject(ReasonCode),
    /// Never answers.
    Silent,
    /// Accepts after so long, whether or not that is in time.
    Slow(Duration),
    /// Accepts when the time for the answer is over.
    Late,
    /// Accepts twice.
    Double,
    /// Accepts and then rejects, or the other way round.
    Contrary,
    /// Answers what it was not asked: another decision, an unknown payment, another bank's payment. Then it accepts.
    Wrong,
    /// Breaks its connection off with the question open, and accepts when it is asked again.
    Flap,
}

/// What is to be done about a question.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Plan {
    /// What is said, each after so long.
    pub(super) answers: Vec<(Duration, v1::PaymentAnswer)>,
    /// Whether the connection is to be broken off.
    pub(super) flap: bool,
}

impl Behaviour {
    /// Every behaviour by its name, with what belongs behind a colon.
    pub const NAMES: [&str; 9] =
        ["accept", "reject:CODE", "silent", "slow:MS", "late", "double", "contrary", "wrong", "flap"];

    /// What to do about a question. `stranger` is a payment that another bank was asked about, if one is known.
    pub(super) fn plan(
        self,
        question: &v1::PaymentQuestion,
        now: SystemTime,
        heard_before: bool,
        stranger: Option<&str>,
    ) -> Plan {
        let at_once =
            |answers: Vec<v1::PaymentAnswer>| answers.into_iter().map(|answer| (Duration::ZERO, answer));
        let after = |wait, answer| Plan { answers: vec![(wait, answer)], flap: false };
        let (accept, reject) = (question.accept(), |reason: &str| question.reject(reason));
        let answers = match self {
            Self::Accept => vec![accept],
            Self::Reject(reason) => vec![reject(reason.as_str())],
            Self::Silent => Vec::new(),
            Self::Slow(wait) => return after(wait, accept),
            Self::Late => return after(question.time_left(now).unwrap_or_default() + LATE_BY, accept),
            Self::Double => vec![accept.clone(), accept],
            Self::Contrary if number(&question.payment_id) % 2 == 0 => vec![accept, reject(NO_REASON)],
            Self::Contrary => vec![reject(NO_REASON), accept],
            Self::Wrong => wrong_answers(&accept, stranger).chain([accept.clone()]).collect(),
            Self::Flap if heard_before => vec![accept],
            Self::Flap => return Plan { answers: Vec::new(), flap: true },
        };
        Plan { answers: at_once(answers).collect(), flap: false }
    }
}

/// The right answer with something wrong about it, in three ways.
fn wrong_answers(
    right: &v1::PaymentAnswer,
    stranger: Option<&str>,
) -> impl Iterator<Item = v1::PaymentAnswer> + use<> {
    let stage = match right.stage() {
        v1::DecisionStage::Credit => v1::DecisionStage::Debit,
        v1::DecisionStage::Debit | v1::DecisionStage::Unspecified => v1::DecisionStage::Credit,
    };
    let wrong_stage = v1::PaymentAnswer { stage: stage.into(), ..right.clone() };
    let of = |payment_id: String| v1::PaymentAnswer { payment_id, ..right.clone() };
    let unknown = of(unknown_payment(&right.payment_id));
    let strangers = stranger.map(|stranger| of(stranger.to_owned()));
    [wrong_stage, unknown].into_iter().chain(strangers)
}

/// The name of a payment that is not there, but could be by its form.
fn unknown_payment(payment: &str) -> String {
    match PaymentId::parse(payment) {
        // Positions that far ahead are never given out.
        Ok(id) => PaymentId { sequence: types::Sequence(u64::MAX - id.sequence.0), ..id }.to_string(),
        Err(_) => format!("{payment}0"),
    }
}

/// A number that a name always leads to (FNV-1a).
fn number(name: &str) -> u64 {
    name.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

impl FromStr for Behaviour {
    type Err = LoadgenError;

    fn from_str(text: &str) -> Result<Self, LoadgenError> {
        let (name, parameter) = match text.split_once(':') {
            Some((name, parameter)) => (name, Some(parameter)),
            None => (text, None),
        };
        let behaviour = match (name, parameter) {
            ("accept", None) => Some(Self::Accept),
            ("reject", Some(code)) => ReasonCode::parse(code).ok().map(Self::Reject),
            ("silent", None) => Some(Self::Silent),
            ("slow", Some(milliseconds)) => {
                let wait = milliseconds.parse().ok().map(Duration::from_millis);
                wait.filter(|wait| *wait <= SLOW_MAX).map(Self::Slow)
            }
            ("late", None) => Some(Self::Late),
            ("double", None) => Some(Self::Double),
            ("contrary", None) => Some(Self::Contrary),
            ("wrong", None) => Some(Self::Wrong),
            ("flap", None) => Some(Self::Flap),
            _ => None,
        };
        behaviour.ok_or_else(|| {
            let names = Self::NAMES.join(", ");
            LoadgenError::Options(format!("{text:?} is no behaviour; there are {names} (MS at most 60000)"))
        })
    }
}

impl fmt::Display for Behaviour {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accept => formatter.write_str("accept"),
            Self::Reject(reason) => write!(formatter, "reject:{reason}"),
            Self::Silent => formatter.write_str("silent"),
            Self::Slow(wait) => write!(formatter, "slow:{}", wait.as_millis()),
            Self::Late => formatter.write_str("late"),
            Self::Double => formatter.write_str("double"),
            Self::Contrary => formatter.write_str("contrary"),
            Self::Wrong => formatter.write_str("wrong"),
            Self::Flap => formatter.write_str("flap"),
        }
    }
}

/// Several behaviours, each for a share of the payments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BehaviourMix {
    /// With percentages that add up to 100.
    shares: Vec<(Behaviour, u32)>,
    seed: u64,
}

impl BehaviourMix {
    /// Accepts everything.
    pub fn accepting() -> Self {
        Self { shares: vec![(Behaviour::Accept, 100)], seed: 1 }
    }

    /// Reads behaviours such as `late=5%` or `silent`. What has no share gets what the others leave, in equal parts; if
    /// all have one, the rest is accepted. The seed says which payments are whose.
    ///
    /// # Errors
    /// If one is no behaviour, or the shares are more than the whole.
    pub fn parse(behaviours: &[impl AsRef<str>], seed: u64) -> Result<Self, LoadgenError> {
        let mut shares = Vec::with_capacity(behaviours.len() + 1);
        let mut without = Vec::new();
        for text in behaviours.iter().map(AsRef::as_ref) {
            match text.split_once('=') {
                Some((behaviour, share)) => shares.push((behaviour.parse()?, percent(text, share)?)),
                None => without.push(text.parse()?),
            }
        }
        let taken: u32 = shares.iter().map(|(_, percent)| percent).sum();
        let left = 100_u32.checked_sub(taken);
        let left = left.ok_or_else(|| LoadgenError::Options("the shares are more than 100 %".to_owned()))?;
        if without.is_empty() {
            without.push(Behaviour::Accept);
        }
        let parts = u32::try_from(without.len()).unwrap_or(u32::MAX);
        for (behaviour, part) in without.into_iter().zip(0..) {
            // What does not divide goes to the first.
            shares.push((behaviour, left / parts + u32::from(part < left % parts)));
        }
        Ok(Self { shares, seed })
    }

    /// What to do about a payment; always the same.
    pub(super) fn of(&self, payment: &str) -> Behaviour {
        let (bits, _) = halves(random(self.seed, number(payment)));
        let mut place = below(bits, 100);
        for (behaviour, percent) in &self.shares {
            match place.checked_sub(*percent) {
                Some(rest) => place = rest,
                None => return *behaviour,
            }
        }
        unreachable!("the shares add up to 100")
    }
}

fn percent(text: &str, share: &str) -> Result<u32, LoadgenError> {
    let percent = share.strip_suffix('%').unwrap_or(share).parse().ok();
    percent.filter(|percent| (0..=100).contains(percent)).ok_or_else(|| {
        LoadgenError::Options(format!("{text:?} has no share in whole per cent, such as late=5%"))
    })
}

/// As it is read.
impl fmt::Display for BehaviourMix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shares = self.shares.iter().filter(|(_, percent)| *percent > 0);
        let texts = shares.map(|(behaviour, percent)| format!("{behaviour}={percent}%"));
        formatter.write_str(&texts.collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text form of payment ids, which real ones have.
    fn payment_id(sequence: u64) -> String {
        let (incarnation, shard) = (types::Incarnation(77), types::Shard(0));
        PaymentId { incarnation, shard, sequence: types::Sequence(sequence) }.to_string()
    }

    fn question() -> v1::PaymentQuestion {
        let two_seconds = types::Timestamp::from_nanoseconds(2_000_000_000).unwrap();
        v1::PaymentQuestion {
            payment_id: payment_id(5),
            stage: v1::DecisionStage::Credit.into(),
            answer_by: Some(client::convert::timestamp(two_seconds)),
            ..Default::default()
        }
    }

    fn plan(behaviour: &str, heard_before: bool) -> Plan {
        let behaviour: Behaviour = behaviour.parse().unwrap();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        behaviour.plan(&question(), now, heard_before, Some("STRANGER"))
    }

    fn said(plan: &Plan) -> Vec<(u128, v1::Decision, &str)> {
        let said = |(wait, answer): &'_ (Duration, v1::PaymentAnswer)| (wait.as_millis(), answer.decision());
        let reasons = plan.answers.iter().map(|(_, answer)| answer.reason_code.as_str());
        plan.answers
            .iter()
            .map(said)
            .zip(reasons)
            .map(|((wait, said), reason)| (wait, said, reason))
            .collect()
    }

    #[test]
    fn each_behaviour_says_what_it_stands_for() {
        use v1::Decision::{Accept, Reject};
        assert_eq!(said(&plan("accept", false)), [(0, Accept, "")]);
        assert_eq!(said(&plan("reject:AC04", false)), [(0, Reject, "AC04")]);
        assert_eq!(plan("silent", false), Plan::default());
        assert_eq!(said(&plan("slow:200", false)), [(200, Accept, "")]);
        assert_eq!(said(&plan("late", false)), [(1_300, Accept, "")]);
        assert_eq!(said(&plan("double", false)), [(0, Accept, ""); 2]);
        let contrary = plan("contrary", false);
        assert_ne!(contrary.answers[0].1.decision, contrary.answers[1].1.decision);
        assert_eq!(contrary, plan("contrary", true), "and the same when it is asked again");
        assert_eq!(plan("flap", false), Plan { answers: Vec::new(), flap: true });
        assert_eq!(said(&plan("flap", true)), [(0, Accept, "")]);
    }

    #[test]
    fn wrong_answers_are_about_something_else_and_the_right_one_comes_last() {
        let plan = plan("wrong", false);
        let about: Vec<_> =
            plan.answers.iter().map(|(_, answer)| (answer.payment_id.as_str(), answer.stage())).collect();
        let right = payment_id(5);
        assert_eq!(about[0], (right.as_str(), v1::DecisionStage::Debit));
        assert_ne!(about[1].0, right);
        assert!(PaymentId::parse(about[1].0).is_ok());
        assert_eq!(about[2].0, "STRANGER");
        assert_eq!(about[3], (right.as_str(), v1::DecisionStage::Credit));
    }

    #[test]
    fn shares_are_kept_and_follow_the_seed() {
        let mix = BehaviourMix::parse(&["silent=20%", "late=5", "double"], 7).unwrap();
        assert_eq!(mix.to_string(), "silent=20%,late=5%,double=75%");
        let payments: Vec<_> = (0..10_000).map(payment_id).collect();
        let silent = payments.iter().filter(|payment| mix.of(payment) == Behaviour::Silent).count();
        assert!((1_850..=2_150).contains(&silent), "{silent}");
        let other = BehaviourMix { seed: 8, ..mix.clone() };
        assert!(payments.iter().any(|payment| mix.of(payment) != other.of(payment)));
        assert!(payments.iter().all(|payment| mix.of(payment) == mix.clone().of(payment)));
    }

    #[test]
    fn the_rest_is_accepted_or_shared() {
        let text = |behaviours: &[&str]| BehaviourMix::parse(behaviours, 1).unwrap().to_string();
        assert_eq!(text(&[]), "accept=100%");
        assert_eq!(text(&["slow:200=10%"]), "slow:200=10%,accept=90%");
        assert_eq!(text(&["silent", "late", "flap"]), "silent=34%,late=33%,flap=33%");
        for wrong in
            ["", "asleep", "slow", "slow:x", "slow:60001", "reject", "reject:no", "late=x", "late=101%"]
        {
            assert!(BehaviourMix::parse(&[wrong], 1).is_err(), "{wrong}");
        }
        assert!(BehaviourMix::parse(&["late=60%", "silent=60%"], 1).is_err());
    }
}
