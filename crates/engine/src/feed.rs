//! From applied frames to those who listen.
//!
//! Invariants:
//! - What a frame brings to a subscription is added at once and in the order of positions: a command may meet a payment
//!   whose time is over, which the frame's tick has decided then, before the commands in front of it.
//! - Without subscriptions a record costs one branch.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ledger::{Command, Ledger, OpenQuestion, Outcome, ParticipantStatus, Payment, Record, Stage, Verdict};
use types::{Amount, Bic, Sequence};

use crate::exceptions_told::ExceptionTold;
use crate::holds_told::HoldExpired;
use crate::orders_told::OrdersTold;
use crate::recalls_told::RecallTold;
use crate::requests_told::{RequestStep, RequestTold};
use crate::stored_order::StoredOrder;
use crate::subscription::{BankChange, Banks, Interest, Notice, Outbox, Outcomes, Questions, SubscriptionId};

/// The subscriptions, and what the frame that is being applied brings to each.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    /// In places that are used again. A listener whose outbox has overflowed is not routed to.
    listeners: Vec<Option<Listener>>,
    /// The questions about debits, and those about credits.
    questions: [Routes; 2],
    outcomes: Routes,
    /// Up to where everything has been added to the outboxes.
    collected: Arc<AtomicU64>,
    /// Those that the notice at hand goes to. Who listens to both of a payment's banks may be in it twice.
    chosen: Vec<usize>,
    /// Counts the notices.
    given: u64,
    /// Those that have notices of the frame at hand.
    touched: Vec<usize>,
}

#[derive(Debug)]
struct Listener {
    outbox: Arc<Outbox>,
    /// The questions that it takes at present.
    questions: Questions,
    notices: Vec<Arc<Notice>>,
    /// The last notice that it was given.
    given: u64,
}

/// Who listens to which bank.
#[derive(Debug, Default)]
struct Routes {
    by_bank: BTreeMap<Bic, Vec<usize>>,
    to_all: Vec<usize>,
}

impl Routes {
    fn add(&mut self, banks: &Banks, listener: usize) {
        match banks {
            Banks::All => self.to_all.push(listener),
            Banks::Listed(banks) => {
                for bank in banks {
                    let listeners = self.by_bank.entry(*bank).or_default();
                    if !listeners.contains(&listener) {
                        listeners.push(listener);
                    }
                }
            }
        }
    }

    fn remove(&mut self, banks: &Banks, listener: usize) {
        let is_other = |known: &usize| *known != listener;
        match banks {
            Banks::All => self.to_all.retain(is_other),
            Banks::Listed(banks) => {
                for bank in banks {
                    let Some(listeners) = self.by_bank.get_mut(bank) else { continue };
                    listeners.retain(is_other);
                    if listeners.is_empty() {
                        self.by_bank.remove(bank);
                    }
                }
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.by_bank.is_empty() && self.to_all.is_empty()
    }

    /// Adds those who listen to this bank, or to all.
    fn choose(&self, bank: Bic, chosen: &mut Vec<usize>) {
        self.choose_listed(bank, chosen);
        chosen.extend_from_slice(&self.to_all);
    }

    /// Adds those who listen to this bank by its name.
    fn choose_listed(&self, bank: Bic, chosen: &mut Vec<usize>) {
        if let Some(listeners) = self.by_bank.get(&bank) {
            chosen.extend_from_slice(listeners);
        }
    }
}

impl Feed {
    /// Takes a subscription up, or takes it up anew: it hears everything after this position.
    pub(crate) fn begin(&mut self, outbox: Arc<Outbox>, after: Sequence) {
        let known = self.place(outbox.id());
        let place = known.unwrap_or_else(|| {
            let free = self.listeners.iter().position(Option::is_none);
            free.unwrap_or_else(|| {
                self.listeners.push(None);
                self.listeners.len() - 1
            })
        });
        self.collected.store(after.0, Ordering::Release);
        outbox.begin(after, &self.collected);
        outbox.wake();
        let interest = outbox.interest().clone();
        let before = self.listeners[place].take();
        let questions = before.map_or(interest.questions, |before| before.questions);
        self.listeners[place] = Some(Listener { outbox, questions, notices: Vec::new(), given: 0 });
        self.unroute(&interest, place);
        self.route_questions(&interest.banks, questions, place);
        if interest.outcomes == Outcomes::All {
            self.outcomes.add(&interest.banks, place);
        }
    }

    /// From now on a subscription takes these questions. Returns its outbox and those it took before, if it is there.
    pub(crate) fn set_questions(
        &mut self,
        id: SubscriptionId,
        questions: Questions,
    ) -> Option<(Arc<Outbox>, Questions)> {
        let place = self.place(id)?;
        let listener = self.listeners[place].as_mut()?;
        let before = std::mem::replace(&mut listener.questions, questions);
        let outbox = Arc::clone(&listener.outbox);
        let banks = &outbox.interest().banks;
        // One that has lost something stays unrouted until it begins anew.
        if outbox.is_collecting() {
            self.questions.iter_mut().for_each(|routes| routes.remove(banks, place));
            self.route_questions(banks, questions, place);
        }
        Some((outbox, before))
    }

    fn route_questions(&mut self, banks: &Banks, questions: Questions, place: usize) {
        let [debits, credits] = &mut self.questions;
        if questions.debits {
            debits.add(banks, place);
        }
        if questions.credits {
            credits.add(banks, place);
        }
    }

    /// Ends a subscription. Returns its outbox and the questions it took, if it was there.
    pub(crate) fn end(&mut self, id: SubscriptionId) -> Option<(Arc<Outbox>, Questions)> {
        let place = self.place(id)?;
        let Listener { outbox, questions, .. } = self.listeners[place].take()?;
        self.unroute(outbox.interest(), place);
        Some((outbox, questions))
    }

    /// Whether it has been taken up and has not ended.
    pub(crate) fn knows(&self, id: SubscriptionId) -> bool {
        self.place(id).is_some()
    }

    /// Whether anybody listens to anything.
    pub(crate) fn is_idle(&self) -> bool {
        self.takes_no_questions() && self.outcomes.is_empty()
    }

    fn takes_no_questions(&self) -> bool {
        self.questions.iter().all(Routes::is_empty)
    }

    /// A tick has been applied.
    pub(crate) fn ticked(&mut self, ledger: &Ledger) {
        self.decided(ledger);
        self.told(ledger);
        self.requests_ended(ledger);
        self.crossed(ledger);
        self.asked(ledger, None);
    }

    /// A command has been applied.
    pub(crate) fn applied(&mut self, ledger: &Ledger, record: &Record<'_>, outcome: &Outcome) {
        self.decided(ledger);
        self.told(ledger);
        let mut order = None;
        match record.command {
            Command::Payment(payment) => {
                let creditor_agent = Bic::from_bytes(payment.creditor_agent);
                self.of_payment(ledger, record, *outcome, creditor_agent, &mut order);
            }
            // A stranger's attempt is none of the bank's in whose name it came.
            Command::RefusedPayment(refused) if !refused.is_entitled() => {}
            Command::RefusedPayment(refused) => {
                let creditor_agent = Bic::from_bytes(refused.creditor_agent);
                self.of_payment(ledger, record, *outcome, creditor_agent, &mut order);
            }
            Command::Answer(_) => {
                let outcome = outcome.decides().filter(|_| !self.outcomes.is_empty());
                if let Some(outcome) = outcome {
                    self.of_decided(ledger, outcome, known(ledger, outcome.sequence));
                }
            }
            Command::SetParticipantStatus(set) => {
                let status = ParticipantStatus::from_number(set.status).expect(CHECKED);
                self.of_bank(*outcome, set.bic, BankChange::Status(status));
            }
            Command::SetActivation(set) => {
                let (range, is_active) = (set.range(), set.is_active == 1);
                self.of_bank(*outcome, set.bic, BankChange::Activation { range, is_active });
            }
            Command::RequestRecall(_) | Command::AnswerRecall(_) => self.of_recall(record, *outcome),
            Command::RaiseException(_) | Command::AssignException(_) | Command::ResolveException(_) => {
                self.of_exception(record, *outcome);
            }
            Command::CreateRequestToPay(_)
            | Command::PresentRequestToPay(_)
            | Command::AnswerRequestToPay(_)
            | Command::CancelRequestToPay(_) => self.of_request(record, *outcome),
            Command::Genesis(_)
            | Command::SetProfile(_)
            | Command::RegisterParticipant(_)
            | Command::OpenAccount(_)
            | Command::SetAccountStatus(_)
            | Command::SetAccountFloor(_)
            | Command::PostEntry(_)
            | Command::TransferLiquidity(_)
            | Command::Evidence(_)
            | Command::BeginIncarnation(_)
            | Command::SealDuplicates(_)
            | Command::SetVersion(_)
            | Command::SetDecisionPolicy(_)
            | Command::SetAccountFlag(_)
            | Command::SetAccountHolders(_)
            | Command::Void(_)
            | Command::SetReservationLimit(_)
            | Command::SetCustomerLimit(_)
            | Command::SetRestricted(_)
            | Command::SetFees(_)
            | Command::SetZone(_)
            | Command::SetClosingDays(_)
            | Command::RollBusinessDate(_)
            | Command::SetRecallPolicy(_)
            | Command::SetPositionAlert(_)
            | Command::SetReachableParty(_)
            | Command::SetBlock(_)
            | Command::TransferOwnFunds(_)
            | Command::PlaceHold(_)
            | Command::CaptureHold(_)
            | Command::ReleaseHold(_)
            | Command::PutRecord(_)
            | Command::RemoveRecord(_)
            | Command::SetPostingMap(_)
            | Command::OpenPackage(_)
            | Command::PackageLine(_)
            | Command::ClosePackage(_)
            | Command::PlaceOrder(_)
            | Command::ChangeOrder(_)
            | Command::CancelOrders(_) => {}
        }
        self.requests_ended(ledger);
        self.crossed(ledger);
        self.asked(ledger, Some((record, outcome.sequence, order)));
    }

    /// The frame has been applied, whose last position is `upto` and before which was `after`: adds what it brings to
    /// the outboxes, and wakes those who listen.
    pub(crate) fn deliver(&mut self, after: Sequence, upto: Sequence) {
        for place in std::mem::take(&mut self.touched) {
            let Some(listener) = &mut self.listeners[place] else { continue };
            // Already sorted but for what a command found decided by the tick.
            listener.notices.sort_by_key(|notice| notice.position());
            let has_room = listener.outbox.add(&mut listener.notices, after);
            let outbox = Arc::clone(&listener.outbox);
            if !has_room {
                self.unroute(outbox.interest(), place);
            }
            self.chosen.push(place);
        }
        // Before anybody is woken, so that they find it.
        self.collected.store(upto.0, Ordering::Release);
        for place in self.chosen.drain(..) {
            if let Some(listener) = &self.listeners[place] {
                listener.outbox.wake();
            }
        }
    }

    fn of_payment(
        &mut self,
        ledger: &Ledger,
        record: &Record<'_>,
        outcome: Outcome,
        creditor_agent: Option<Bic>,
        order: &mut Option<StoredOrder>,
    ) {
        let is_repeat = outcome.repeat_of().is_some();
        if is_repeat || outcome.verdict.decides_nothing() || self.outcomes.is_empty() {
            return;
        }
        let payment = known(ledger, outcome.sequence);
        self.choose_by_payment(payment, creditor_agent);
        if !self.chosen.is_empty() {
            *order = StoredOrder::of(record);
            let (payment, order) = (*payment, order.clone());
            self.give(Notice::Outcome { outcome, payment, creditor_agent, order });
        }
    }

    /// The payments whose time was over.
    fn decided(&mut self, ledger: &Ledger) {
        if self.outcomes.is_empty() {
            return;
        }
        for (place, outcome) in ledger.decided().iter().enumerate() {
            self.of_decided(ledger, *outcome, ledger.decided_payment(place));
        }
    }

    /// The holds whose time was over, the orders that ended, and the packages that were complete.
    fn told(&mut self, ledger: &Ledger) {
        if self.outcomes.is_empty() {
            return;
        }
        for outcome in ledger.holds_told() {
            if let Verdict::OrderEnded { bank, .. } | Verdict::PackageComplete { bank, .. } = outcome.verdict
            {
                let bank = ledger.participant_by_number(bank).bic();
                self.outcomes.choose(bank, &mut self.chosen);
                self.give(Notice::Orders(OrdersTold::of_outcome(outcome, bank)));
                continue;
            }
            let Verdict::HoldExpired { bank, currency } = outcome.verdict else { continue };
            let Outcome { sequence: hold, decided_at, decided_time, balances: [_, released, ..], .. } =
                *outcome;
            let bank = ledger.participant_by_number(bank).bic();
            let released = Amount::from_minor_units(released).expect("a hold holds something");
            self.outcomes.choose(bank, &mut self.chosen);
            let expired = HoldExpired { decided_at, decided_time, hold, bank, released, currency };
            self.give(Notice::HoldExpired(expired));
        }
    }

    /// What requests to pay came to in the last step without a word about them.
    fn requests_ended(&mut self, ledger: &Ledger) {
        if self.outcomes.is_empty() {
            return;
        }
        for outcome in ledger.holds_told() {
            let Verdict::RequestEnded { payer, payee, end } = outcome.verdict else { continue };
            let bank = |number| ledger.participant_by_number(number).bic();
            self.give_request(RequestTold {
                decided_at: outcome.decided_at,
                decided_time: outcome.decided_time,
                to_pay: outcome.sequence,
                payer_bank: bank(payer),
                payee_bank: bank(payee),
                step: RequestStep::Ended(end),
            });
        }
    }

    /// A command about a request to pay.
    fn of_request(&mut self, record: &Record<'_>, outcome: Outcome) {
        let is_done = matches!(outcome.verdict, Verdict::Done { repeat_of: None, .. });
        if is_done && !self.outcomes.is_empty() {
            let told = RequestTold::of(outcome.decided_at, outcome.decided_time, record);
            self.give_request(told.expect("what was carried out names both banks"));
        }
    }

    fn give_request(&mut self, told: RequestTold) {
        self.outcomes.choose(told.payer_bank, &mut self.chosen);
        if told.payer_bank != told.payee_bank {
            self.outcomes.choose(told.payee_bank, &mut self.chosen);
        }
        self.give(Notice::Request(told));
    }

    /// The bounds that bookings of the last step crossed.
    fn crossed(&mut self, ledger: &Ledger) {
        for crossing in ledger.crossings() {
            self.outcomes.choose(crossing.bank, &mut self.chosen);
            self.give(Notice::Crossed(*crossing));
        }
    }

    /// A payment that was reserved before.
    fn of_decided(&mut self, ledger: &Ledger, mut outcome: Outcome, payment: &Payment) {
        outcome.late = payment.is_late();
        let creditor_bank = payment.creditor_bank().expect("a payment that waited has a payee's bank");
        let creditor_agent = Some(ledger.participant_by_number(creditor_bank).bic());
        self.choose_by_payment(payment, creditor_agent);
        if !self.chosen.is_empty() {
            self.give(Notice::Outcome { outcome, payment: *payment, creditor_agent, order: None });
        }
    }

    /// The questions that the last step asked. `at_hand` is its record, if that is one, its position, and its order if
    /// that has been copied.
    fn asked(&mut self, ledger: &Ledger, at_hand: Option<(&Record<'_>, Sequence, Option<StoredOrder>)>) {
        if self.takes_no_questions() {
            return;
        }
        let (record, position, mut order) = match at_hand {
            Some((record, position, order)) => (Some(record), position, order),
            None => (None, Sequence(0), None),
        };
        for question in ledger.asked() {
            let question: OpenQuestion = *question;
            let bank = ledger.participant_by_number(question.bank).bic();
            let [debits, credits] = &self.questions;
            let routes = match question.stage {
                Stage::Debit => debits,
                Stage::Credit => credits,
            };
            routes.choose(bank, &mut self.chosen);
            if self.chosen.is_empty() {
                continue;
            }
            let is_at_hand = question.payment == position;
            if is_at_hand && order.is_none() {
                order = record.and_then(StoredOrder::of);
            }
            let order = order.as_ref().filter(|_| is_at_hand).cloned();
            let payment = *known(ledger, question.payment);
            self.give(Notice::Asked { question, bank, payment, order });
        }
    }

    fn of_bank(&mut self, outcome: Outcome, bank: [u8; 11], change: BankChange) {
        let Verdict::Done { repeat_of: None, .. } = outcome.verdict else { return };
        let bank = Bic::from_bytes(bank).expect(CHECKED);
        self.outcomes.choose(bank, &mut self.chosen);
        self.give(Notice::Changed { outcome, bank, change });
    }

    /// An exception was raised, or something was done about it.
    fn of_exception(&mut self, record: &Record<'_>, outcome: Outcome) {
        let is_done = matches!(outcome.verdict, Verdict::Done { repeat_of: None, .. });
        if !is_done || self.outcomes.is_empty() {
            return;
        }
        let told = ExceptionTold::of(outcome.decided_at, outcome.decided_time, record);
        let told = told.expect("what was carried out is about an exception that is known");
        self.outcomes.choose(told.bank, &mut self.chosen);
        if let Some(other) = told.other_bank.filter(|other| *other != told.bank) {
            self.outcomes.choose_listed(other, &mut self.chosen);
        }
        self.give(Notice::Exception(told));
    }

    fn of_recall(&mut self, record: &Record<'_>, outcome: Outcome) {
        let Verdict::Done { subject, repeat_of: None } = outcome.verdict else { return };
        if self.outcomes.is_empty() {
            return;
        }
        let Outcome { decided_at, decided_time, .. } = outcome;
        let told = RecallTold::of(decided_at, decided_time, record).expect("it is a command about a recall");
        self.outcomes.choose(told.debtor_agent, &mut self.chosen);
        self.outcomes.choose_listed(told.creditor_agent, &mut self.chosen);
        self.give(Notice::Recall(told.with_subject(subject)));
    }

    /// Chooses who listens to the outcomes of this payment.
    fn choose_by_payment(&mut self, payment: &Payment, creditor_agent: Option<Bic>) {
        let debtor_agent = payment.debtor_agent();
        self.outcomes.choose(debtor_agent, &mut self.chosen);
        if let Some(creditor_agent) = creditor_agent.filter(|agent| *agent != debtor_agent) {
            self.outcomes.choose_listed(creditor_agent, &mut self.chosen);
        }
    }

    /// Gives a notice to those that were chosen, to each once.
    fn give(&mut self, notice: Notice) {
        if self.chosen.is_empty() {
            return;
        }
        self.given += 1;
        let notice = Arc::new(notice);
        for place in self.chosen.drain(..) {
            let listener = self.listeners[place].as_mut().expect("only those who listen are routed to");
            if std::mem::replace(&mut listener.given, self.given) == self.given {
                continue;
            }
            if listener.notices.is_empty() {
                self.touched.push(place);
            }
            listener.notices.push(Arc::clone(&notice));
        }
    }

    fn unroute(&mut self, interest: &Interest, place: usize) {
        self.questions.iter_mut().for_each(|routes| routes.remove(&interest.banks, place));
        self.outcomes.remove(&interest.banks, place);
    }

    fn place(&self, id: SubscriptionId) -> Option<usize> {
        self.listeners.iter().position(|known| known.as_ref().is_some_and(|known| known.outbox.id() == id))
    }
}

const CHECKED: &str = "records are checked when they are read";

fn known(ledger: &Ledger, payment: Sequence) -> &Payment {
    ledger.payment(payment).expect("a payment is kept when it is decided")
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
