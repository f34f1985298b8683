//! The words of test scripts about orders and packages, and what scripts ask about them.

use types::{
    Amount, Channel, Currency, Date, Incarnation, OrderText, PrincipalNumber, ReasonCode, Remittance,
    Sequence, Text,
};

use super::{Run, Step, decimal};
use crate::testing_words::{Words, bank, iban, key, minor_units, order, span, start};
use crate::{
    CancelOrders, CancelTarget, ChangeOrder, ClosePackage, Command, Every, LineContent, LocalTime,
    NotExecuted, OnClosedDay, OpenPackage, Order, OrderContent, OrderGroup, OrderState, PackageLine,
    PackageText, PlaceOrder, RecordWriter, Records, RepeatOrderText, RequestId, Schedule, StoredTerms,
    Verdict, order_transaction_id,
};

/// The first day of every script.
fn first_day() -> Date {
    start().date()
}

/// `3d`, `3d+9s`: so much after the beginning of the first day, on the bank's clock.
pub(super) fn local(text: &str) -> LocalTime {
    let day = LocalTime::of_day(first_day()).nanoseconds();
    LocalTime::from_nanoseconds(day + span(text).nanoseconds()).unwrap()
}

/// The other way round, to the second.
fn told_local(local: LocalTime) -> String {
    if local == LocalTime::AT_ONCE {
        return "at once".to_owned();
    }
    let days = local.date().days() - first_day().days();
    match (local.nanoseconds() - LocalTime::of_day(local.date()).nanoseconds()) / 1_000_000_000 {
        0 => format!("{days}d"),
        seconds => format!("{days}d+{seconds}s"),
    }
}

fn content(words: &mut Words<'_>, is_line: bool) -> OrderContent {
    let (due, give_up, text) = (words.option("due"), words.option("give-up"), words.option("text"));
    let (payer, payee, amount) = (words.word(), words.word(), words.word());
    let mut order = order("NOTPROVIDED", iban(payer), iban(payee));
    order.amount = Amount::parse(amount, Currency::EUR).unwrap();
    order.acceptance_time = None;
    order.debtor_agent = bank(words.option("from").unwrap_or(&payer[..1]));
    order.creditor_agent = bank(&payee[..1]);
    order.remittance = text.map(|text| Remittance::Unstructured(Text::parse(text).unwrap()));
    let at_once = if is_line { LocalTime::AT_ONCE } else { LocalTime::of_day(first_day()) };
    let (due, give_up) = (due.map_or(at_once, local), give_up.map(local));
    OrderContent { order, channel: Channel::Iso20022, due, give_up }
}

/// `every 2 weeks`, `every 1 months`, with `closed before|after` and `until 90d`.
fn schedule(words: &mut Words<'_>) -> Option<Schedule> {
    let until = words.option("until").map(|until| local(until).date());
    let on_closed_day = match words.option("closed") {
        None => OnClosedDay::Same,
        Some("before") => OnClosedDay::Before,
        Some(_) => OnClosedDay::After,
    };
    let interval = words.option("every")?.parse().unwrap();
    let every = if words.flag("weeks") { Every::Week } else { Every::Month };
    words.flag("months");
    Some(Schedule { every, interval, last: until, on_closed_day })
}

impl Run {
    /// `package F1 A 3 [sum 30.00] [file 7]`, `line F1 1 A1 B2 10.00 [due 3d]`, `line F1 2 refused AC01 [10.00]`,
    /// `shut F1 A`, `order O1 A1 B2 5.00 due 3d [every 1 months]`, `change O1 A1 B2 6.00 due 4d`, `renew O1`,
    /// `cancel F1 A`, `execute O1 [as X]`.
    pub(super) fn order_command(
        &self,
        verb: &str,
        count: usize,
        words: &mut Words<'_>,
    ) -> (RecordWriter, String) {
        let mut writer = RecordWriter::new(key(), PrincipalNumber(1));
        let id = words.option("id").map_or_else(|| format!("request-{count}"), str::to_owned);
        let request_id = RequestId::parse(&id).unwrap();
        let look_up = |digest, currency| self.hint(digest, currency);
        let name = words.word();
        let order = self.original(name);
        match verb {
            "package" => writer.open_package(&OpenPackage {
                request_id,
                bank: bank(words.word()),
                file_digest: [words.option("file").map_or(1, |file| file.parse().unwrap()); 32],
                control_sum: words.option("sum").map(|sum| u64::try_from(minor_units(sum)).unwrap()),
                lines: words.word().parse().unwrap(),
                currency: Currency::EUR,
                text: PackageText { message_id: Text::parse(name).unwrap(), initiating_party: None },
            }),
            "line" => {
                let (package, line) = (order, words.word().parse().unwrap());
                let content = match words.option("refused") {
                    Some(reason) => LineContent::Refused {
                        reason: ReasonCode::parse(reason).unwrap(),
                        amount: words.next().map(|amount| Amount::parse(amount, Currency::EUR).unwrap()),
                        instruction_id: None,
                        end_to_end_id: Some(Text::parse("E1").unwrap()),
                    },
                    None => LineContent::Order(Box::new(content(words, true))),
                };
                let group = Some(Text::parse("G1").unwrap());
                writer.package_line(&PackageLine { package, line, group, content }, look_up);
                return (writer, format!("{name}.{line}"));
            }
            "shut" => {
                writer.close_package(&ClosePackage { request_id, bank: bank(words.word()), package: order });
            }
            "order" => {
                let schedule = schedule(words);
                let content = content(words, false);
                writer.place_order(&PlaceOrder { request_id, content, schedule }, look_up);
            }
            "change" => {
                let schedule = schedule(words);
                let content = content(words, false);
                writer.change_order(&ChangeOrder { request_id, order, content, schedule }, look_up);
            }
            "renew" => {
                let stood_at =
                    words.option("at").map_or_else(|| self.stands_at(order), |at| self.original(at));
                let terms = self.terms_at(stood_at);
                writer.repeat_order_text(&RepeatOrderText { request_id, order, stood_at, terms });
            }
            "cancel" => {
                let is_package = self.ledger.package(order).is_some();
                let target =
                    if is_package { CancelTarget::Package(order) } else { CancelTarget::Order(order) };
                writer.cancel_orders(&CancelOrders { request_id, bank: bank(words.word()), target });
            }
            _ => {
                let id = words.option("as").map(str::to_owned);
                let writer = self.execution(name, order, id.as_deref(), words);
                return (writer, id.unwrap_or_else(|| name.to_owned()));
            }
        }
        let is_named = ["package", "order"].contains(&verb);
        (writer, if is_named { name.to_owned() } else { id })
    }

    /// The payment that executes an order, under the id that it has or under another one.
    fn execution(
        &self,
        name: &str,
        order: Sequence,
        id: Option<&str>,
        words: &mut Words<'_>,
    ) -> RecordWriter {
        let mut writer = RecordWriter::new(key(), PrincipalNumber(9));
        let found = self.ledger.orders.at(order);
        let (stands_at, occurrence) = found.map_or((order, 0), |order| (order.stands_at, order.occurrence));
        let occurrence = words.option("time").map_or(occurrence, |time| time.parse().unwrap());
        let id = match id {
            Some(id) => Text::parse_identifier(id).unwrap(),
            None => order_transaction_id(Incarnation(7), order, occurrence),
        };
        let stands_at = words.option("at").map_or(stands_at, |at| self.original(at));
        let ago = words.option("accepted").map_or(self.now, |ago| self.now.minus(span(&ago[1..])));
        let terms = self.terms_at(stands_at);
        let look_up = |digest, currency| self.hint(digest, currency);
        writer
            .execute_order(order, &id, &terms, ago, look_up)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        writer
    }

    fn stands_at(&self, order: Sequence) -> Sequence {
        self.ledger.orders.at(order).map_or(order, |order| order.stands_at)
    }

    /// The terms and texts of the command at this position, from the frames of the script.
    fn terms_at(&self, position: Sequence) -> StoredTerms {
        for step in &self.steps {
            let Step::Frame { first, records, texts } = step else { continue };
            let mut at = first.sequence;
            for record in Records::new(records, texts) {
                let record = record.unwrap();
                at = at.next();
                let terms = if let Command::PackageLine(line) = record.command {
                    line.terms
                } else if let Command::PlaceOrder(place) = record.command {
                    place.terms
                } else if let Command::ChangeOrder(change) = record.command {
                    change.terms
                } else if let Command::AnswerRequestToPay(answer) = record.command {
                    answer.terms
                } else {
                    continue;
                };
                if at == position {
                    return StoredTerms { terms, text: record.text.into() };
                }
            }
        }
        panic!("no order stands at {position}")
    }

    pub(super) fn ask_orders(&self, verb: &str, words: &mut Words<'_>) -> String {
        match verb {
            "order-of" => {
                let found = self.ledger.order(self.original(words.word()));
                found.map_or("none".to_owned(), |(order, state)| told(order, state))
            }
            "package-of" => self.told_package(self.original(words.word())),
            "lines" => {
                let package = self.original(words.word());
                let from = words.next().map_or(1, |from| from.parse().unwrap());
                let lines = self.ledger.lines_of(package, from);
                joined(lines.map(|(order, state)| format!("{} {}", order.line, short(order, state))))
            }
            "orders" => {
                let account = self.number(words.word());
                let orders = self.ledger.orders_of(account, Sequence(0));
                joined(orders.map(|(order, _)| self.label(order.sequence).to_owned()))
            }
            "packages" => {
                let (bank, _) = self.ledger.participant(bank(words.word())).expect("it is registered");
                let packages = self.ledger.packages_of(bank, Sequence(0));
                joined(packages.map(|package| self.label(package.sequence).to_owned()))
            }
            "groups" => joined(self.ledger.due_groups(None, self.now).map(|group| match group {
                OrderGroup::Bank(bank) => {
                    self.ledger.participant_by_number(bank).bic().to_string()[7..8].to_owned()
                }
                OrderGroup::Package(package) => self.label(package).to_owned(),
            })),
            "due-now" => {
                let name = words.word();
                let group = match name.len() {
                    1 => OrderGroup::Bank(self.ledger.participant(bank(name)).expect("it is registered").0),
                    _ => OrderGroup::Package(self.original(name)),
                };
                let after = words.option("after").map(|after| {
                    let order = self.ledger.orders.at(self.original(after)).expect("it is there");
                    (order.due, order.sequence)
                });
                let due = self.ledger.due_orders(group, after, self.now);
                joined(due.map(|order| self.label(order.sequence).to_owned()))
            }
            _ => joined(self.last.holds.iter().map(|outcome| {
                let name = self.label(outcome.sequence);
                if let Verdict::OrderEnded { state, reason, .. } = outcome.verdict {
                    let reason = reason.map_or(String::new(), |reason| format!(" {reason}"));
                    return format!("{name} {}{reason}", format!("{state:?}").to_lowercase());
                }
                if let Verdict::RequestEnded { end, .. } = outcome.verdict {
                    return self.request_ended(outcome.sequence, end);
                }
                assert!(matches!(outcome.verdict, Verdict::PackageComplete { .. }), "{outcome:?}");
                let [sum, settled, rejected, neither] = outcome.balances;
                let sum = decimal(sum);
                format!("{name} complete: {settled} settled {sum}, {rejected} rejected, {neither} neither")
            })),
        }
    }

    fn told_package(&self, sequence: Sequence) -> String {
        let Some(package) = self.ledger.package(sequence) else { return "none".to_owned() };
        let standing = match (package.is_complete(), package.is_cancelled, package.is_closed()) {
            (true, true, false) => "abandoned",
            (true, ..) => "complete",
            (_, true, _) => "cancelled",
            (_, _, true) => "closed",
            _ => "open",
        };
        let counts = [
            ("refused", package.refused),
            ("pending", package.pending),
            ("awaiting", package.awaiting),
            ("sent", package.sent),
            ("settled", package.settled),
            ("rejected", package.rejected),
            ("cancelled", package.cancelled),
        ];
        let counts =
            counts.iter().filter(|count| count.1 > 0).map(|(name, count)| format!(", {count} {name}"));
        let counts: String = counts.collect();
        let sum =
            if package.settled > 0 { format!(" {}", decimal(package.sum_settled)) } else { String::new() };
        format!("{standing}, {} of {}{counts}{sum}", package.logged, package.lines)
    }
}

fn short(order: &Order, state: OrderState) -> String {
    let reason = order.reason.map_or(String::new(), |reason| format!(" {reason}"));
    format!("{}{reason}", format!("{state:?}").to_lowercase())
}

fn told(order: &Order, state: OrderState) -> String {
    let times =
        if order.occurrence > 0 { format!(", sent {} times", order.occurrence) } else { String::new() };
    let due = if state.is_final() { String::new() } else { format!(", due {}", told_local(order.due)) };
    format!("{} of {}{due}{times}", short(order, state), decimal(order.amount))
}

/// Why a payment executed nothing.
pub(super) fn not_executed(why: NotExecuted) -> String {
    if let NotExecuted::Waits(reason) = why {
        format!("waits {reason}")
    } else {
        format!("not executed: {why:?}")
    }
}

fn joined(items: impl Iterator<Item = String>) -> String {
    let items: Vec<_> = items.collect();
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}

/// The texts of an order are those of its payment.
#[test]
fn texts_of_an_order_are_those_of_its_payment() {
    let mut run = Run::new(super::Hints::None);
    run.script("bank A hosted | open A1 | open A2 | post A1 +9.00 | order O1 A1 A2 1.00 text rent");
    let order = run.original("O1");
    let writer = run.execution("O1", order, None, &mut Words::new(""));
    let text = OrderText::encode(&{
        let mut order = crate::testing_words::order("NOTPROVIDED", iban("A1"), iban("A2"));
        order.amount = Amount::from_minor_units(100).unwrap();
        order.remittance = Some(Remittance::Unstructured(Text::parse("rent").unwrap()));
        order
    });
    assert_eq!(writer.texts(), text.bytes);
    assert_eq!(writer.rules_version(), crate::HAS_ORDERS);
}
