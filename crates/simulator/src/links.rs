//! Banks in a simulation: they connect, hear, answer in their manner, and go away.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use engine::{Answer as Found, Answered, Banks, Event, LogError, LogView, Notice, Question, Taken};
use journal::{Journal, ReadError};
use ledger::{Answer, OpenQuestion, Stage};
use types::{Sequence, StatusReason};

use super::troubles::{Ambush, is_off};
use super::{Happening, MILLISECOND, Phase, SECOND, Simulation, Stop, Waiting};
use crate::banks::{Behaviour, Link, Open, RemoteBank};
use crate::step::Step;
use crate::traffic::Wish;
use crate::words::bic;

/// A payment's reservation ends at its deadline, or so many nanoseconds later.
const EXPIRED_WITHIN: i64 = 200 * MILLISECOND;

impl Simulation {
    /// All banks are on their way.
    pub(super) fn banks_arrive(&mut self) {
        for bank in 0..self.banks.len() {
            let pause = self.pause(SECOND);
            self.at(pause, Happening::Connect(bank));
        }
    }

    /// A bank connects, and says up to where it has processed what it heard.
    pub(super) fn connect(&mut self, bank: usize) -> Result<(), Stop> {
        if self.banks[bank].link.is_some() || self.phase == Phase::Stopping {
            return Ok(());
        }
        if self.node.is_none() {
            let pause = self.pause(500 * MILLISECOND);
            self.at(pause, Happening::Connect(bank));
            return Ok(());
        }
        self.links += 1;
        let (id, number) = (self.links, self.banks[bank].bank);
        if self.random.happens(self.plan.bank_forgets) {
            let forgotten = self.random.below(20);
            let processed = self.banks[bank].processed.0.saturating_sub(forgotten);
            self.banks[bank].processed = Sequence(processed);
        }
        let (outbox, is_woken) = Link::outbox(id, number, self.plan.notices_max);
        self.auditor.connected(number);
        self.step(Event::Subscribed(Arc::clone(&outbox)))?;
        let starts_after = outbox.starts_after().unwrap_or_default();
        let ear = self.auditor.begins(number, starts_after)?;
        let processed = self.banks[bank].processed;
        if processed > starts_after {
            let what =
                format!("promise 2: bank {number} knows of {processed}, and the node of {starts_after}");
            return Err(Stop::Wrong(what));
        }
        self.note(&format!(
            "bank {number} connects by {id} after {processed}; it hears all after {starts_after}"
        ));
        self.banks[bank].link = Some(Link::new(outbox, is_woken, ear, starts_after, processed));
        let pause = self.pause(MILLISECOND);
        self.at(pause, Happening::Collect(bank, id));
        if self.banks[bank].behaviour == Behaviour::Flap {
            let pause = self.pause(600 * MILLISECOND);
            self.at(pause, Happening::Disconnect(bank, id));
        }
        Ok(())
    }

    /// A bank's connection ends, and it stays away for a while.
    pub(super) fn disconnect(&mut self, bank: usize, away: i64) -> Result<(), Stop> {
        let now = self.now();
        let Some(link) = self.banks[bank].link.take() else { return Ok(()) };
        let number = self.banks[bank].bank;
        self.note(&format!("bank {number} disconnects"));
        if let Some(node) = &self.node {
            self.auditor.disconnected(number, node.core.clock().clone().read(now));
        }
        self.step(Event::Unsubscribed(link.outbox.id()))?;
        let pause = self.pause(away);
        self.at(pause, Happening::Connect(bank));
        Ok(())
    }

    /// A bank that flaps disconnects, in half of the cases with answers in its hands, while there are troubles.
    pub(super) fn flap(&mut self, bank: usize, id: u64) -> Result<(), Stop> {
        if self.phase != Phase::Trouble || !self.banks[bank].is_linked_by(id) {
            return Ok(());
        }
        if self.random.happens(500) {
            self.banks[bank].taken_up.clear();
            self.banks[bank].hand += 1;
        }
        self.disconnect(bank, self.plan.reconnect_max)
    }

    /// The node has gone, and with it all connections.
    pub(super) fn links_end(&mut self) {
        for bank in 0..self.banks.len() {
            if self.banks[bank].link.take().is_some() {
                let most = if self.phase == Phase::Trouble { self.plan.reconnect_max } else { MILLISECOND };
                let pause = self.pause(most);
                self.at(pause, Happening::Connect(bank));
            }
        }
    }

    /// The step has let some banks know that there is something for them.
    pub(super) fn wake_banks(&mut self) {
        for bank in 0..self.banks.len() {
            let Some(link) = self.banks[bank].link.as_ref().filter(|link| link.wakes()) else { continue };
            let id = link.outbox.id().0;
            let is_prompt = self.random.happens(500);
            let pause = if is_prompt { 0 } else { self.pause(self.plan.collect_max) };
            self.at(pause, Happening::Collect(bank, id));
        }
    }

    /// A bank looks at what there is for it: first what was before its connection, in the log and among the open
    /// questions, then what has come since.
    pub(super) fn collect(&mut self, bank: usize, id: u64) -> Result<(), Stop> {
        if self.node.is_none() || !self.banks[bank].is_linked_by(id) {
            return Ok(());
        }
        let Some(link) = &self.banks[bank].link else { return Ok(()) };
        if link.read_upto < link.starts_after {
            return self.read_back(bank, id);
        }
        match link.open {
            Open::Ask(from) => self.ask_open(bank, id, from),
            Open::Asked => Ok(()),
            Open::Known => self.take(bank, id),
        }
    }

    /// A page of the log.
    fn read_back(&mut self, bank: usize, id: u64) -> Result<(), Stop> {
        let (Some(node), Some(link)) = (&self.node, &self.banks[bank].link) else { return Ok(()) };
        let (after, upto) = (link.read_upto, link.starts_after);
        let told = Arc::new(AtomicU64::new(node.core.told().0));
        let log = LogView::new(node.journal.frame_source(), told).with_banks_of(node.core.ledger());
        let number = self.banks[bank].bank;
        // Now and then somebody watches all banks.
        let only = (!self.random.happens(100)).then_some(number);
        let banks = only.map_or(Banks::All, |number| Banks::Listed([bic(number)].into()));
        let found = match log.decisions_after(after, upto, &banks, self.plan.page) {
            Ok(found) => found,
            Err(error) => return self.unreadable(bank, &error),
        };
        if found.reached < after || found.reached > upto {
            return Err(Stop::Wrong(format!(
                "the log is read from {after} to {upto}, and comes to {found:?}"
            )));
        }
        self.auditor.reads_back(only, after, &found)?;
        let ledger = node.core.ledger();
        for decision in &found.decisions {
            if let Some(payment) = ledger.payment(decision.payment) {
                self.auditor.tells(number, payment)?;
            }
        }
        let count = found.decisions.len();
        self.heard += u64::try_from(count).expect("64 bits");
        self.note(&format!("bank {number} reads {count} decisions up to {} of {upto}", found.reached));
        self.banks[bank].processed = found.reached;
        if let Some(link) = &mut self.banks[bank].link {
            link.read_upto = found.reached;
        }
        // The newest stand in a frame that is still to come.
        let pause = if found.reached < upto && count == 0 { 5 * MILLISECOND } else { 0 };
        self.at(pause, Happening::Collect(bank, id));
        Ok(())
    }

    /// The log can't be read: that ends the connection, and is right only if the disk is off or harmed.
    fn unreadable(&mut self, bank: usize, error: &LogError) -> Result<(), Stop> {
        if is_off(&self.storage) {
            return self.lose_power();
        }
        if !matches!(error, LogError::Read(ReadError::Damage(_))) || !self.media_harmed {
            return Err(Stop::Wrong(format!("promise 5: bank {bank} can't read the log: {error}")));
        }
        self.note(&format!("bank {bank} can't read the log: {error}"));
        self.is_unreadable = true;
        self.disconnect(bank, SECOND)
    }

    fn ask_open(&mut self, bank: usize, id: u64, from: Option<ledger::QuestionCursor>) -> Result<(), Stop> {
        let is_ready = self.node.as_ref().is_some_and(|node| node.core.takes_submissions());
        if !is_ready {
            let pause = self.pause(5 * MILLISECOND);
            self.at(pause, Happening::Collect(bank, id));
            return Ok(());
        }
        if let Some(link) = &mut self.banks[bank].link {
            link.open = Open::Asked;
        }
        self.ticket += 1;
        self.waiting.insert(self.ticket, Waiting::Open(bank, id));
        let (number, count_max) = (self.banks[bank].bank, self.plan.page);
        self.note(&format!("ticket {} asks what bank {number} has yet to answer", self.ticket));
        self.step(Event::Ask(Question::OpenQuestions { bank: bic(number), from, count_max }, self.ticket))
    }

    /// A page of a bank's open questions.
    pub(super) fn open_questions(&mut self, bank: usize, id: u64, answered: Answered) -> Result<(), Stop> {
        if !self.banks[bank].is_linked_by(id) {
            return Ok(());
        }
        crate::compare::same("the position of an answer", &self.auditor.at(), &answered.as_of)?;
        let Found::OpenQuestions(found) = answered.answer else {
            return Err(Stop::Wrong(format!("a bank's open questions are {:?}", answered.answer)));
        };
        let Some(link) = &mut self.banks[bank].link else { return Ok(()) };
        self.auditor.asks_again(&mut link.ear, found.as_ref())?;
        let next = found.as_ref().and_then(|found| found.next);
        link.open = if next.is_some() { Open::Ask(next) } else { Open::Known };
        let questions = found.map(|found| found.questions).unwrap_or_default();
        self.heard += u64::try_from(questions.len()).expect("64 bits");
        self.note(&format!(
            "bank {bank} is asked again: {} questions, more: {}",
            questions.len(),
            next.is_some()
        ));
        for (question, _) in &questions {
            self.consider(bank, question);
        }
        self.at(0, Happening::Collect(bank, id));
        Ok(())
    }

    /// What has come since the connection began.
    fn take(&mut self, bank: usize, id: u64) -> Result<(), Stop> {
        let Some(link) = &mut self.banks[bank].link else { return Ok(()) };
        let mut notices = Vec::new();
        let taken = link.outbox.take(self.plan.page, &mut notices);
        for notice in &notices {
            self.auditor.hears(&mut link.ear, notice)?;
        }
        self.heard += u64::try_from(notices.len()).expect("64 bits");
        let (upto, more) = match taken {
            Taken::Given { upto, more } => (upto, more),
            Taken::Lost { after } => (Some(after), false),
        };
        if let Some(upto) = upto {
            self.auditor.heard_upto(&mut link.ear, upto)?;
            self.banks[bank].processed = self.banks[bank].processed.max(upto);
        }
        self.note(&format!("bank {bank} hears {} things: {taken:?}", notices.len()));
        let mut is_asked = false;
        for notice in &notices {
            if let Notice::Asked { question, .. } = notice {
                is_asked = true;
                self.consider(bank, question);
            }
        }
        if is_asked && self.ambush == Some(Ambush::Forwarded) {
            self.ambush = None;
            self.note("the node has asked, and goes before it is answered");
            if self.random.happens(500) {
                return self.lose_power();
            }
            self.exit();
            return Ok(());
        }
        if let Taken::Lost { after } = taken {
            return self.begin_anew(bank, id, after);
        }
        if more {
            self.at(0, Happening::Collect(bank, id));
        } else if let Some(link) = &self.banks[bank].link {
            self.auditor.has_heard_all(&link.ear)?;
        }
        Ok(())
    }

    /// The outbox has overflowed: the connection begins anew, and what was lost comes from the log.
    fn begin_anew(&mut self, bank: usize, id: u64, after: Sequence) -> Result<(), Stop> {
        let Some(link) = &self.banks[bank].link else { return Ok(()) };
        let (outbox, number) = (Arc::clone(&link.outbox), self.banks[bank].bank);
        self.step(Event::Subscribed(Arc::clone(&outbox)))?;
        let starts_after = outbox.starts_after().unwrap_or_default();
        let ear = self.auditor.begins(number, starts_after)?;
        if let Some(link) = &mut self.banks[bank].link {
            (link.read_upto, link.starts_after) = (after, starts_after);
            (link.ear, link.open) = (ear, Open::Ask(None));
        }
        self.at(0, Happening::Collect(bank, id));
        Ok(())
    }

    /// A bank thinks about a question, in its manner. It may be asked more than once.
    fn consider(&mut self, bank: usize, question: &OpenQuestion) {
        let (payment, stage) = (question.payment, question.stage);
        let is_new = self.banks[bank].taken_up.insert((payment, stage.number()));
        if !is_new && self.random.happens(700) {
            return;
        }
        let answer = self.banks[bank].decides(self.plan.decisions, payment, stage);
        let short = self.pause(2 * MILLISECOND);
        match self.banks[bank].behaviour {
            Behaviour::Prompt | Behaviour::Flap => self.say_in(short, bank, payment, stage, answer),
            Behaviour::Slow(most) => {
                let pause = self.pause(most);
                self.say_in(pause, bank, payment, stage, answer);
            }
            Behaviour::Silent(share) => {
                if !self.random.happens(share) {
                    self.say_in(short, bank, payment, stage, answer);
                }
            }
            Behaviour::Late => {
                let now = self.now();
                let Some(node) = &self.node else { return };
                let left =
                    question.answer_by.nanoseconds() - node.core.clock().clone().read(now).nanoseconds();
                let after = match self.random.below(3) {
                    0 => self.random.between(-MILLISECOND, MILLISECOND),
                    1 => self.random.between(-300 * MILLISECOND, 0),
                    _ => self.random.between(0, 2 * SECOND),
                };
                self.say_in((left + after).max(0), bank, payment, stage, answer);
            }
            Behaviour::Double => {
                self.say_in(short, bank, payment, stage, answer);
                let pause = self.pause(SECOND);
                self.say_in(pause, bank, payment, stage, answer);
            }
            Behaviour::Contrary => {
                self.say_in(short, bank, payment, stage, answer);
                let contrary = match answer {
                    Answer::Accept => Answer::Reject(StatusReason::BlockedAccount.code()),
                    Answer::Reject(_) => Answer::Accept,
                };
                let pause = self.pause(SECOND);
                self.say_in(pause, bank, payment, stage, contrary);
            }
            Behaviour::Wrong => {
                let number = self.banks[bank].bank;
                let others: Vec<_> =
                    self.reserved.iter().copied().filter(|(_, asked, _)| *asked != number).collect();
                if !others.is_empty() {
                    let (payment, _, stage) = *self.random.one_of(&others);
                    self.say_in(short, bank, payment, stage, answer);
                }
                self.say_in(2 * short, bank, payment, stage, answer);
            }
        }
    }

    fn say_in(&mut self, pause: i64, bank: usize, payment: Sequence, stage: Stage, answer: Answer) {
        self.to_say += 1;
        let step = Step::Answer { payment, bank: self.banks[bank].bank, stage, answer };
        self.at(pause, Happening::Say(bank, self.banks[bank].hand, step));
    }

    /// A bank answers, over whatever connection; unless it has dropped what it had in its hands.
    pub(super) fn say(&mut self, bank: usize, hand: u64, step: Step) {
        if hand != self.banks[bank].hand {
            self.to_say -= 1;
        } else if self.jobs.iter().filter(|job| !job.is_answered).count() >= self.plan.open_max {
            // What is under way must fit a frame.
            let pause = self.pause(50 * MILLISECOND);
            self.at(pause, Happening::Say(bank, hand, step));
        } else {
            self.to_say -= 1;
            let job = self.job(Wish::Do(step));
            self.send(vec![job]);
        }
    }

    /// What waits ends soon after its time while the node has nothing else to do.
    pub(super) fn expires_in_time(&self) -> Result<(), Stop> {
        let Some(node) = self.node.as_ref().filter(|node| node.held.is_none() && node.written.is_none())
        else {
            return Ok(());
        };
        let log_time = node.core.clock().clone().read(self.now()).nanoseconds();
        match self.auditor.model.next_due() {
            Some(due)
                if due.nanoseconds() + EXPIRED_WITHIN < log_time
                    && self.quiet_since + EXPIRED_WITHIN < self.time =>
            {
                Err(Stop::Wrong(format!("promise 4: a payment is still reserved at {log_time}, due {due}")))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Whether every bank is connected, has heard everything, and has said what it had to say, and no payment waits.
    pub(super) fn banks_rest(&self) -> bool {
        let at = self.auditor.at().sequence;
        let has_heard =
            |link: &Link| link.has_caught_up() && self.auditor.heard_upto(&mut link.ear.clone(), at).is_ok();
        let is_heard = |bank: &RemoteBank| bank.link.as_ref().is_some_and(has_heard);
        let all_heard = self.is_unreadable || self.banks.iter().all(is_heard);
        all_heard && self.to_say == 0 && self.auditor.model.waiting_count() == 0
    }
}
