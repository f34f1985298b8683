//! What can be asked. Questions wait until everything received before them has been applied, so an answer is
//! consistent and fresh; it says of which position it is.

use ledger::{
    Account, AccountSelector, AnswerTotals, BookTotals, Bounds, CustomerLimit, Ledger, OpenQuestion,
    OrderGroup, Participant, Payment, PaymentAnswer, PaymentTotals, Position, QuestionCursor, ReachableParty,
};
use types::{AccountNumber, Bic, Currency, Iban, Sequence, Text, Timestamp};

use crate::question_exceptions::{ExceptionsAnswer, ExceptionsAsked};
use crate::question_holds::{HoldFound, HoldsAsked, KeptAsked, KeptFound};
use crate::question_orders::{self, GROUPS_ASKED_MAX, OrdersAsked, OrdersFound, PackageFound, PackagesAsked};
use crate::question_recalls::{self, CalendarAnswer, RecallFound, RecallsAsked};
use crate::question_requests::{RequestsAsked, RequestsFound};

/// A question.
#[derive(Clone, Debug)]
pub enum Question {
    /// What became of the payment at this position?
    PaymentAt(Sequence),
    /// What became of the payment with this key?
    PaymentByKey {
        /// The payer's bank.
        debtor_agent: Bic,
        /// Its transaction id.
        transaction_id: Text<35>,
        /// The acceptance time, if the asker gave one with the payment.
        acceptance_time: Option<Timestamp>,
    },
    /// What is on this account?
    Account {
        /// Its number.
        iban: Iban,
        /// Its currency.
        currency: Currency,
    },
    /// Which banks keep these accounts? At most [`PAYMENTS_ASKED_MAX`] of them.
    Owners(Vec<AccountSelector>),
    /// What does this account's customer allow?
    Customer {
        /// The account's number.
        iban: Iban,
        /// Its currency.
        currency: Currency,
    },
    /// Who is this participant?
    Participant(Bic),
    /// What is in this position?
    Position {
        /// The participant.
        bic: Bic,
        /// The currency.
        currency: Currency,
    },
    /// What stands beside this bank's position, or limit?
    Liquidity {
        /// The bank.
        bic: Bic,
        /// The currency.
        currency: Currency,
    },
    /// What became of this payment in the end? Answered at once if it is final or not known, else when it is
    /// decided. A node that stops answers with where it stands.
    Final(PaymentName),
    /// What became of the payments at these positions? At most [`PAYMENTS_ASKED_MAX`].
    Payments(Vec<Sequence>),
    /// Which questions has this bank yet to answer?
    OpenQuestions {
        /// The bank.
        bank: Bic,
        /// Where an earlier list ended; `None` from the first.
        from: Option<QuestionCursor>,
        /// How many at the most; above [`PAYMENTS_ASKED_MAX`] means that many.
        count_max: usize,
    },
    /// How many payments wait, and what came of the answers?
    Lifecycle,
    /// Does every book sum to zero?
    TrialBalance,
    /// Which days are closed, and which is the business date?
    Calendar,
    /// Which recalls are there?
    Recalls(RecallsAsked),
    /// Which holds are open?
    Holds(HoldsAsked),
    /// Which records do gateways keep?
    Kept(KeptAsked),
    /// Was a command with this request id, as its digest, answered before? See [`ledger::RecordWriter::first_request`].
    Request([u8; 16]),
    /// Which exceptions are there, and what is to become one?
    Exceptions(ExceptionsAsked),
    /// Which requests to pay are there?
    Requests(RequestsAsked),
    /// Which orders are there?
    Orders(OrdersAsked),
    /// Which packages are there?
    Packages(PackagesAsked),
    /// Of which groups of orders behind this one is something due now? Banks come before packages, each in the order of
    /// their numbers; at most [`crate::GROUPS_ASKED_MAX`].
    DueGroups(Option<OrderGroup>),
}

/// A payment, as its position or its key names it.
#[derive(Clone, Debug)]
pub enum PaymentName {
    /// By its position.
    At(Sequence),
    /// By its key, as in [`Question::PaymentByKey`].
    Key {
        /// The payer's bank.
        debtor_agent: Bic,
        /// Its transaction id.
        transaction_id: Text<35>,
        /// The acceptance time, if the asker gave one with the payment.
        acceptance_time: Option<Timestamp>,
    },
}

/// How many payments one question may be about.
pub const PAYMENTS_ASKED_MAX: usize = 1024;

/// An answer, and the position it is of.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The answer.
    pub answer: Answer,
    /// The last position that had been applied.
    pub as_of: Position,
}

/// A participant, and what is open with it.
#[derive(Clone, Debug)]
pub struct ParticipantAnswer {
    /// Who it is, with its policy and its limit of unanswered questions.
    pub participant: Participant,
    /// How many questions it has yet to answer, those included that follow once another bank has accepted.
    pub unanswered: u32,
}

/// What stands beside a bank's position, or its limit if it is a reachable party.
#[derive(Clone, Copy, Debug)]
pub struct LiquidityAnswer {
    /// Its position, if it has one of its own.
    pub position: Option<Account>,
    /// What is in its technical account; `None` until money has gone there.
    pub technical: Option<Account>,
    /// Of which crossings it wants to hear.
    pub bounds: Bounds,
    /// Its limit and on whose position it settles, if it is a reachable party.
    pub party: Option<(ReachableParty, Bic)>,
}

/// Some of a bank's open questions, in the order in which they were asked, each with its payment.
#[derive(Clone, Debug)]
pub struct QuestionsOfBank {
    /// The questions.
    pub questions: Vec<(OpenQuestion, Payment)>,
    /// Where to go on; `None` if these were the last.
    pub next: Option<QuestionCursor>,
}

/// What a bank and its customer have set about an account.
#[derive(Clone, Copy, Debug)]
pub struct CustomerAnswer {
    /// The bank.
    pub bank: Bic,
    /// Whether payments from it and to it are refused.
    pub is_restricted: bool,
    /// What the customer allows; `None` if that was never said.
    pub limit: Option<CustomerLimit>,
    /// What has left the account by payments today, in minor units; `None` if nothing is counted.
    pub used_today: Option<i64>,
}

/// An answer.
#[derive(Clone, Debug)]
pub enum Answer {
    /// To [`Question::PaymentAt`], [`Question::PaymentByKey`] and [`Question::Final`].
    Payment(PaymentAnswer),
    /// To [`Question::Payments`], in the order of the question; `None` where there is none, or none any more.
    Payments(Vec<Option<Payment>>),
    /// To [`Question::OpenQuestions`]: each with its payment; `None` if there is no such bank.
    OpenQuestions(Option<QuestionsOfBank>),
    /// To [`Question::Lifecycle`].
    Lifecycle {
        /// How many payments wait for an answer.
        reservations: usize,
        /// What came of the answers since the log began.
        answers: AnswerTotals,
    },
    /// To [`Question::Account`] and [`Question::Position`]: the account, and the bank whose it is.
    Account(Option<(AccountNumber, Account, Bic)>),
    /// To [`Question::Owners`]: each account's bank, `None` where there is no such account.
    Owners(Vec<Option<Bic>>),
    /// To [`Question::Customer`].
    Customer(Option<CustomerAnswer>),
    /// To [`Question::Liquidity`]; `None` if there is neither position nor limit.
    Liquidity(Option<LiquidityAnswer>),
    /// To [`Question::Participant`].
    Participant(Option<Box<ParticipantAnswer>>),
    /// To [`Question::TrialBalance`].
    TrialBalance {
        /// Every book.
        books: Vec<BookTotals>,
        /// Payments by state.
        payments: PaymentTotals,
    },
    /// To [`Question::Calendar`].
    Calendar(Box<CalendarAnswer>),
    /// To [`Question::Recalls`], in order.
    Recalls(Vec<RecallFound>),
    /// To [`Question::Holds`], in order.
    Holds(Vec<HoldFound>),
    /// To [`Question::Kept`], in order.
    Kept(Vec<KeptFound>),
    /// To [`Question::Request`].
    Request {
        /// Whether it is remembered.
        is_known: bool,
    },
    /// To [`Question::Exceptions`].
    Exceptions(Box<ExceptionsAnswer>),
    /// To [`Question::Requests`], in order.
    Requests(RequestsFound),
    /// To [`Question::Orders`], in order.
    Orders(OrdersFound),
    /// To [`Question::Packages`], in order.
    Packages(Vec<PackageFound>),
    /// To [`Question::DueGroups`], in order.
    DueGroups(Vec<OrderGroup>),
}

impl Answered {
    /// Whether the answer may be another one where payments have left the core's table: it lacks one.
    pub(crate) fn may_stand_on_disk(&self) -> bool {
        match &self.answer {
            Answer::Payment(PaymentAnswer::NotFound { .. } | PaymentAnswer::Forgotten) => true,
            Answer::Payments(payments) => payments.iter().any(Option::is_none),
            Answer::Payment(PaymentAnswer::Found(_))
            | Answer::OpenQuestions(_)
            | Answer::Lifecycle { .. }
            | Answer::Account(_)
            | Answer::Owners(_)
            | Answer::Customer(_)
            | Answer::Liquidity(_)
            | Answer::Participant(_)
            | Answer::TrialBalance { .. }
            | Answer::Calendar(_)
            | Answer::Recalls(_)
            | Answer::Holds(_)
            | Answer::Kept(_)
            | Answer::Request { .. } => false,
            Answer::Exceptions(_) => false,
            Answer::Requests(_) | Answer::Orders(_) | Answer::Packages(_) | Answer::DueGroups(_) => false,
        }
    }

    /// Leaves out the questions asked up to this position: a mistake that the simulator must find.
    pub(crate) fn forget_questions(&mut self, upto: Sequence) {
        if let Answer::OpenQuestions(Some(open)) = &mut self.answer {
            open.questions.retain(|(question, _)| question.asked_at > upto);
        }
    }
}

impl Question {
    /// What answering takes, where looking for one payment takes 1. What is listed is found faster than that.
    pub(crate) fn weight(&self) -> u64 {
        let listed = match self {
            Self::Payments(positions) => positions.len(),
            Self::Owners(accounts) => accounts.len(),
            Self::OpenQuestions { count_max, .. } => *count_max,
            Self::Recalls(asked) => asked.count_max(),
            Self::Holds(asked) => asked.count_max(),
            Self::Kept(asked) => asked.count_max(),
            Self::Exceptions(asked) => asked.count_max(),
            Self::Requests(asked) => asked.count_max(),
            Self::Orders(asked) => asked.count_max(),
            Self::Packages(asked) => asked.count_max(),
            Self::DueGroups(_) => GROUPS_ASKED_MAX,
            Self::PaymentAt(_)
            | Self::PaymentByKey { .. }
            | Self::Final(_)
            | Self::Request(_)
            | Self::Lifecycle
            | Self::Account { .. }
            | Self::Customer { .. }
            | Self::Participant(_)
            | Self::Position { .. }
            | Self::Liquidity { .. }
            | Self::TrialBalance
            | Self::Calendar => 0,
        };
        1 + u64::try_from(listed.min(PAYMENTS_ASKED_MAX)).expect("64 bits") / 8
    }

    /// The answer by the ledger's present state.
    pub(crate) fn answer(&self, ledger: &Ledger) -> Answered {
        let answer = match self {
            Self::PaymentAt(sequence) | Self::Final(PaymentName::At(sequence)) => {
                Answer::Payment(ledger.payment_at(*sequence))
            }
            Self::PaymentByKey { debtor_agent, transaction_id, acceptance_time }
            | Self::Final(PaymentName::Key { debtor_agent, transaction_id, acceptance_time }) => {
                Answer::Payment(ledger.payment_by_key(
                    *debtor_agent,
                    transaction_id.as_str(),
                    *acceptance_time,
                ))
            }
            Self::Payments(positions) => {
                let positions = positions.iter().take(PAYMENTS_ASKED_MAX);
                Answer::Payments(positions.map(|position| ledger.payment(*position).copied()).collect())
            }
            Self::OpenQuestions { bank, from, count_max } => {
                Answer::OpenQuestions(open_questions(ledger, *bank, *from, *count_max))
            }
            Self::Lifecycle => Answer::Lifecycle {
                reservations: ledger.reservation_count(),
                answers: *ledger.answer_totals(),
            },
            Self::Account { iban, currency } => {
                let setup = ledger.setup().expect("questions are taken after the log's first record");
                let found = ledger.account(&setup.digest_key, iban.as_str(), *currency);
                Answer::Account(found.map(|(number, account)| {
                    (number, *account, ledger.participant_by_number(account.owner()).bic())
                }))
            }
            Self::Owners(accounts) => {
                let setup = ledger.setup().expect("questions are taken after the log's first record");
                let owner = |AccountSelector { iban, currency }: &AccountSelector| {
                    let found = ledger.account(&setup.digest_key, iban.as_str(), *currency);
                    found.map(|(_, account)| ledger.participant_by_number(account.owner()).bic())
                };
                Answer::Owners(accounts.iter().take(PAYMENTS_ASKED_MAX).map(owner).collect())
            }
            Self::Customer { iban, currency } => {
                Answer::Customer(customer(ledger, iban, *currency, ledger.position().time))
            }
            Self::Participant(bic) => {
                let found = ledger.participant(*bic);
                Answer::Participant(found.map(|(number, found)| {
                    let (participant, unanswered) = (found.clone(), ledger.unanswered(number));
                    Box::new(ParticipantAnswer { participant, unanswered })
                }))
            }
            Self::Position { bic, currency } => {
                let position = ledger.participant(*bic).and_then(|(_, found)| found.position(*currency));
                Answer::Account(position.map(|number| (number, *ledger.account_by_number(number), *bic)))
            }
            Self::Calendar => Answer::Calendar(Box::new(question_recalls::calendar(ledger))),
            Self::Recalls(asked) => Answer::Recalls(asked.answer(ledger)),
            Self::Holds(asked) => Answer::Holds(asked.answer(ledger)),
            Self::Kept(asked) => Answer::Kept(asked.answer(ledger)),
            Self::Request(id_digest) => Answer::Request { is_known: ledger.knows_request(*id_digest) },
            Self::Exceptions(asked) => Answer::Exceptions(Box::new(asked.answer(ledger))),
            Self::Requests(asked) => Answer::Requests(asked.answer(ledger)),
            Self::Orders(asked) => Answer::Orders(asked.answer(ledger)),
            Self::Packages(asked) => Answer::Packages(asked.answer(ledger)),
            Self::DueGroups(after) => {
                Answer::DueGroups(question_orders::due_groups(ledger, *after, ledger.position().time))
            }
            Self::Liquidity { bic, currency } => Answer::Liquidity(liquidity(ledger, *bic, *currency)),
            Self::TrialBalance => {
                Answer::TrialBalance { books: ledger.trial_balance(), payments: ledger.payment_totals() }
            }
        };
        Answered { answer, as_of: ledger.position() }
    }

    /// The reserved payment that the asker wants to wait for, if this is the answer.
    pub(crate) fn waits_for(&self, answered: &Answered) -> Option<Sequence> {
        let (Self::Final(_), Answer::Payment(PaymentAnswer::Found(payment))) = (self, &answered.answer)
        else {
            return None;
        };
        (!payment.state().is_final()).then_some(payment.sequence())
    }

    /// Whether the answer would be another one if log time had come as far as this.
    pub(crate) fn hinges_on_time(&self, answered: &Answered, ledger: &Ledger, time: Timestamp) -> bool {
        if let Answer::Payment(PaymentAnswer::Found(payment)) = &answered.answer {
            let question = ledger.open_question(payment.sequence());
            return question.is_some_and(|question| question.answer_by <= time);
        }
        if let (Self::Customer { iban, currency }, Answer::Customer(found)) = (self, &answered.answer) {
            // The bank's day may have turned since the log's last frame.
            let then = customer(ledger, iban, *currency, time).and_then(|then| then.used_today);
            return then != found.and_then(|found| found.used_today);
        }
        // What is due comes with time alone.
        if let (Self::Orders(asked), Answer::Orders(found)) = (self, &answered.answer) {
            return asked.hinges_on_time(found, ledger, time);
        }
        if let (Self::DueGroups(after), Answer::DueGroups(found)) = (self, &answered.answer) {
            return *found != question_orders::due_groups(ledger, *after, time);
        }
        let Answer::Payment(PaymentAnswer::NotFound { is_final: false }) = answered.answer else {
            return false;
        };
        match self {
            Self::PaymentByKey { acceptance_time: Some(accepted), .. }
            | Self::Final(PaymentName::Key { acceptance_time: Some(accepted), .. }) => {
                ledger.deadline(*accepted) <= time
            }
            Self::PaymentByKey { acceptance_time: None, .. }
            | Self::Final(PaymentName::Key { acceptance_time: None, .. } | PaymentName::At(_))
            | Self::PaymentAt(_)
            | Self::Payments(_)
            | Self::OpenQuestions { .. }
            | Self::Lifecycle
            | Self::Account { .. }
            | Self::Owners(_)
            | Self::Customer { .. }
            | Self::Participant(_)
            | Self::Position { .. }
            | Self::Liquidity { .. }
            | Self::TrialBalance
            | Self::Calendar
            | Self::Recalls(_)
            | Self::Holds(_)
            | Self::Kept(_)
            | Self::Request(_)
            | Self::Exceptions(_)
            | Self::Requests(_)
            | Self::Orders(_)
            | Self::Packages(_)
            | Self::DueGroups(_) => false,
        }
    }
}

/// What is set about an account, and what has been used of it on the day of this moment.
fn customer(ledger: &Ledger, iban: &Iban, currency: Currency, time: Timestamp) -> Option<CustomerAnswer> {
    let setup = ledger.setup().expect("questions are taken after the log's first record");
    let (number, account) = ledger.account(&setup.digest_key, iban.as_str(), currency)?;
    Some(CustomerAnswer {
        bank: ledger.participant_by_number(account.owner()).bic(),
        is_restricted: account.is_restricted(),
        limit: ledger.customer_limit(number).copied(),
        used_today: ledger.used_on_day_of(number, time),
    })
}

fn liquidity(ledger: &Ledger, bic: Bic, currency: Currency) -> Option<LiquidityAnswer> {
    let bounds = ledger.bounds(bic, currency)?;
    let position = ledger.participant(bic).and_then(|(_, found)| found.position(currency));
    let position = position.map(|number| *ledger.account_by_number(number));
    let technical = ledger.technical_account(bic, currency).map(|(_, account)| *account);
    let party = ledger.reachable_party(bic, currency);
    let party = party.map(|party| (*party, ledger.participant_by_number(party.host()).bic()));
    Some(LiquidityAnswer { position, technical, bounds, party })
}

fn open_questions(
    ledger: &Ledger,
    bank: Bic,
    from: Option<QuestionCursor>,
    count_max: usize,
) -> Option<QuestionsOfBank> {
    let found = ledger.open_questions(bank, from, count_max.min(PAYMENTS_ASKED_MAX))?;
    let with_payment = |question: OpenQuestion| {
        let payment = ledger.payment(question.payment).expect("a payment that waits is kept");
        (question, *payment)
    };
    Some(QuestionsOfBank {
        questions: found.questions.into_iter().map(with_payment).collect(),
        next: found.next,
    })
}
