//! What became of payments, told to one connection: all of it, from its own position on.
//!
//! First comes what the connection missed, read from the log by a task of its own, so that questions do not wait for
//! the disk; then what its subscription collects. What the subscription loses, because nobody takes it, is read from
//! the log in the same way.
//!
//! Invariant: reports come in the order of the log, and none after the connection's position is left out.

use std::collections::VecDeque;
use std::sync::Arc;

use engine::{Banks, Decision, Interest, Notice, Outcomes, Subscription, Taken};
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{Notify, Semaphore, mpsc};
use tonic::Status;
use types::{Bic, Sequence};

use super::heard::{Crossed, News, Recalled, news_of, reports};
use crate::log::{decisions, payments};
use crate::node::Node;
use crate::refusals::{log_unreadable, not_taken, position_too_old, stopping_connection};

/// The reports of one connection.
#[derive(Debug)]
pub(super) struct Reports {
    bank: Bic,
    subscription: Subscription,
    source: Source,
    notices: Vec<Notice>,
    held: VecDeque<News>,
    /// Whether crossings of bounds and recalls are told as well.
    tells_other_news: bool,
    /// Up to where reports have been collected for the connection.
    collected_upto: Sequence,
    notify: Arc<Notify>,
    catch_ups: Arc<Semaphore>,
}

/// Where the next reports come from.
#[derive(Debug)]
enum Source {
    /// From the log, as soon as it is known up to where.
    Beginning(Missed),
    /// From the task that reads the log.
    Log(mpsc::Receiver<Result<Part, Status>>),
    /// From the subscription.
    Live,
}

/// What a connection missed.
#[derive(Clone, Copy, Debug)]
struct Missed {
    /// After this position; nothing if there is none.
    after: Option<Sequence>,
    /// Whether it may have been told before.
    are_repeats: bool,
    /// Whether what has been forgotten is left out, instead of ending the connection.
    skips_forgotten: bool,
}

/// Some of what was missed.
#[derive(Debug)]
struct Part {
    reports: Vec<News>,
    is_last: bool,
}

/// So much less than its questions may the reports of each of a bank's connections take up while they wait.
const SHARE: usize = 4;

impl Reports {
    /// Reports from the position on that the bank has processed: that position may be shared with others.
    pub(super) fn begin(
        node: &Node,
        bank: Bic,
        last: Option<Sequence>,
        tells_other_news: bool,
        notify: &Arc<Notify>,
        catch_ups: &Arc<Semaphore>,
    ) -> Result<Self, Status> {
        let interest = Interest {
            banks: Banks::Listed(Box::new([bank])),
            questions: engine::Questions::NONE,
            outcomes: Outcomes::All,
            notices_max: node.limits.notices_waiting.div_ceil(SHARE),
            bytes_max: node.limits.notice_bytes_waiting.div_ceil(SHARE),
        };
        let wake = Arc::clone(notify);
        let subscription = node.handle.subscribe(interest, Box::new(move || wake.notify_one()));
        let missed = Missed {
            after: last.map(|last| Sequence(last.0.saturating_sub(1))),
            are_repeats: true,
            skips_forgotten: last == Some(Sequence(0)),
        };
        Ok(Self {
            bank,
            subscription: subscription.map_err(|reason| not_taken(reason).into_status())?,
            source: Source::Beginning(missed),
            notices: Vec::new(),
            held: VecDeque::new(),
            tells_other_news,
            collected_upto: Sequence(0),
            notify: Arc::clone(notify),
            catch_ups: Arc::clone(catch_ups),
        })
    }

    /// Waits until the core thread has taken the subscription up.
    pub(super) async fn started(&self, node: &Node) -> Result<(), Status> {
        while self.subscription.starts_after().is_none() {
            tokio::select! {
                () = self.notify.notified() => {}
                () = node.stops() => return Err(stopping_connection()),
            }
        }
        Ok(())
    }

    /// Collects what there is until so many are held. What happened up to `repeats_upto` is marked.
    pub(super) fn collect(
        &mut self,
        node: &Node,
        count_max: usize,
        repeats_upto: Sequence,
    ) -> Result<usize, Status> {
        while self.held.len() < count_max {
            match &mut self.source {
                Source::Beginning(missed) => {
                    let Some(upto) = self.subscription.starts_after() else { break };
                    let missed = *missed;
                    self.source = match missed.after.filter(|after| *after < upto) {
                        Some(after) => self.read(node, after, upto, missed),
                        None => Source::Live,
                    };
                }
                Source::Log(parts) => match parts.try_recv() {
                    Ok(part) => {
                        let Part { reports, is_last } = part?;
                        self.hold(reports);
                        if is_last {
                            self.source = Source::Live;
                        }
                    }
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return Err(log_unreadable()),
                },
                Source::Live => {
                    let room = count_max - self.held.len();
                    let taken = self.subscription.take(room, &mut self.notices);
                    let mut told = Vec::new();
                    for notice in self.notices.drain(..) {
                        news_of(&notice, self.bank, repeats_upto, |news| told.push(news));
                    }
                    self.hold(told);
                    match taken {
                        Taken::Given { more: true, .. } => {}
                        Taken::Given { more: false, .. } => break,
                        Taken::Lost { after } => {
                            self.subscription.restart();
                            let missed =
                                Missed { after: Some(after), are_repeats: false, skips_forgotten: false };
                            self.source = Source::Beginning(missed);
                        }
                    }
                }
            }
        }
        Ok(self.held.len())
    }

    /// The next of those that are held, if it is not after this position.
    pub(super) fn next(&mut self, upto: Option<Sequence>) -> Option<News> {
        self.held.pop_front_if(|report| upto.is_none_or(|upto| report.position() <= upto))
    }

    /// Holds reports until they are told. What comes again although it should not is marked at least.
    fn hold(&mut self, mut reports: Vec<News>) {
        reports.retain(|news| self.tells_other_news || matches!(news, News::Report(_)));
        let Some(last) = reports.last().map(News::position) else { return };
        let collected_upto = self.collected_upto;
        self.held.extend(reports.into_iter().map(|mut report| {
            if report.position() < collected_upto {
                report.mark_repeat();
            }
            report
        }));
        self.collected_upto = collected_upto.max(last);
    }

    /// Begins to read what was missed.
    fn read(&self, node: &Node, after: Sequence, upto: Sequence, missed: Missed) -> Source {
        // One part waits while the next one is read: more would only be older when it leaves.
        let (sender, receiver) = mpsc::channel(1);
        let reading = Reading { node: node.clone(), bank: self.bank, after, upto, missed };
        let (notify, catch_ups) = (Arc::clone(&self.notify), Arc::clone(&self.catch_ups));
        tokio::spawn(async move {
            let gone = sender.clone();
            tokio::select! {
                () = reading.tell(&catch_ups, sender, &notify) => {}
                // A reading under way is given up.
                () = gone.closed() => {}
            }
        });
        Source::Log(receiver)
    }
}

/// Reads what a connection missed.
struct Reading {
    node: Node,
    bank: Bic,
    after: Sequence,
    upto: Sequence,
    missed: Missed,
}

impl Reading {
    /// Sends it part by part.
    async fn tell(
        mut self,
        catch_ups: &Arc<Semaphore>,
        sender: mpsc::Sender<Result<Part, Status>>,
        notify: &Notify,
    ) {
        loop {
            let part = self.part(catch_ups).await;
            let is_last = part.as_ref().map_or(true, |part| part.is_last);
            let is_gone = sender.send(part).await.is_err();
            notify.notify_one();
            if is_last || is_gone {
                return;
            }
        }
    }

    async fn part(&mut self, catch_ups: &Arc<Semaphore>) -> Result<Part, Status> {
        let banks = Banks::Listed(Box::new([self.bank]));
        let found = decisions(&self.node, catch_ups, self.after, self.upto, &banks).await?;
        self.after = found.reached;
        let mut decisions = found.decisions;
        decisions.retain(|decision| decision.state.is_final());
        let positions: Vec<Sequence> = decisions.iter().map(|decision| decision.payment).collect();
        let known = payments(&self.node, &positions).await?;
        if !self.missed.skips_forgotten && known.iter().any(Option::is_none) {
            return Err(position_too_old());
        }
        let mut told = Vec::new();
        for (Decision { order, .. }, payment) in decisions.into_iter().zip(known) {
            let Some(payment) = payment else { continue };
            let is_creditor = order.creditor_agent() == Some(self.bank);
            let (is_late, is_repeat) = (payment.is_late(), self.missed.are_repeats);
            reports(&payment, self.bank, is_creditor, is_late, Some(&order), is_repeat, |report| {
                told.push(News::Report(report));
            });
        }
        let is_repeat = self.missed.are_repeats;
        let crossings = found.crossings.into_iter().filter(|crossing| crossing.bank == self.bank);
        told.extend(crossings.map(|crossing| News::Crossed(Crossed { crossing, is_repeat })));
        let recalls = found.recalls.iter().filter_map(|said| Recalled::to(self.bank, said, is_repeat));
        told.extend(recalls.map(News::Recalled));
        // Behind the report on the payment that crossed, as it is live.
        told.sort_by_key(News::position);
        Ok(Part { reports: told, is_last: self.after >= self.upto })
    }
}
