//! Text tables for the ledger's tests: a script of commands, and behind `=>` what must come of each.
//!
//! Every script runs three times, with no account hints, right ones and wrong ones; all invariants are checked
//! after every command, and the records are replayed into a second ledger whose tables grew otherwise, and into a
//! third one without their texts, and into a fourth one that is written and read again after every frame. All of them
//! must give the same outcome entries, byte for byte.
//!
//! ```text
//! bank A hosted|remote|mixed     suspend A          resume A
//! open A1 savings floor -50.00   close A1           block A1         unblock A1         floor A1 -5.00
//! post A1 +500.00                post A1 -20.00     fund A 90.00     defund A 10.00 ref F1
//! pay T1 A1 B2 10.00             refuse T1 A FF01
//! online C                       offline C          answer T1 C yes|no AC04 [debit]
//! decide A debits|credits nothing|flagged|above|all [1.00] [accept]              flag A1 | unflag A1 | limit C 3
//! allow A1 [payment 5.00] [day 9.00]                restrict A1 | unrestrict A1
//! fees A 0.20 0.10               zone A 60 [change 9s 120]                       used A1
//! balance A1                     balance A.core|A.clearing|A.position|funding    reserved A1    available A1
//! payment A T1                   sequence T1        books            count payments     totals
//! decided    asked    due    answers    questions C    unanswered C
//! place A1 9.00 for 5d           capture H1 A B1 1.00 B2 2.00 [final]   release H1 A [1.00]
//! put A space key bytes [expect none|R1] [until 5d]                      remove A space key [expect R1]
//! activate A [1 5]               deactivate A [1 5]               ranges A
//! map A rest=9999 [current=2100] [A1=2100.1] [expect none|M1] [from 2026-01-06]              map-of A
//! held A1    hold H1    holds A1    ended    record A space key    records A space [prefix]
//! demand B1 A1 9.00 for 5d [later 9d]   present R1 A   accept R1 A [later 3d]   decline R1 A MS02   withdraw R1 B
//! to-pay R1    asked-of A1    to-pays
//! package F1 A 3 [sum 9.00] [file 7]    line F1 1 A1 B2 1.00 [due 3d] | line F1 2 refused AC01 [1.00]    shut F1 A
//! order O1 A1 B2 5.00 due 3d [every 1 months|weeks] [closed after|before] [until 90d] [give-up 4d]
//! change O1 A1 B2 6.00 due 4d    renew O1    cancel O1 A | cancel F1 A    execute O1 [as X] [time 1] [accepted -9s]
//! order-of O1    package-of F1    lines F1 [2]    orders A1    packages A    groups    due-now A|F1 [after O1]    told
//! ```
//!
//! - A letter is a bank, a letter with digits one of its accounts. A currency follows amount or account; without
//!   one it is the euro. Commands divided by `|` have one expectation; without one, they must be carried out.
//! - Each command is a frame of its own, except between `frame {` and `}`. `at 12s+5ms` sets the frames' time from
//!   here on, counted from the script's start; `tick` is an empty frame.
//! - `id X` names the request, `by 7` its sender, `ref F1` the external reference of a liquidity transfer.
//! - A payment's acceptance time is the time of the frame in which its id first occurs, or as said: `accepted -8s`
//!   and `accepted +1s` from the frame's time, `accepted @3s` from the script's start, `accepted none`. `from C`
//!   and `to D` name other banks than those of the accounts, `text x` is the remittance, `refused FF01` says that
//!   the edge refused the order on reading; `stranger` sends it without a right to.
//! - `deactivate A 1 5` is about the numbers from `A1` to `A5`. A payment is looked up by the table as it is, or by an
//!   earlier one: `pay … table 1`, the table as it was after its first change.
//! - No bank is connected unless a line says `online`. `decided` and `asked` are what the last frame decided by time
//!   alone, and which questions it asked.
//! - `load DEBIT CREDIT AMOUNT` moves any amount inside a book past all records, to reach the ends of the range;
//!   `max` and `-max` are the ends.

use types::{AccountNumber, Balance, Bic, Currency, Digest, PrincipalNumber, Sequence, Timestamp};

use crate::accounts::Transfer;
use crate::testing_words::{Fate, Words, alerts_told, bank, iban, key, minor_units, span, start};
use crate::{
    ActivationTable, Alerts, Kind, Ledger, Limits, OpenQuestion, Outcome, OutcomeEntry, PaymentAnswer,
    Position, RecordWriter, Records, Remark, Stage, Verdict,
};

/// Runs a script and checks everything that it says.
#[track_caller]
pub(crate) fn check(script: &str) {
    let runs = [Hints::None, Hints::Right, Hints::Wrong].map(|hints| {
        let mut run = Run::new(hints);
        run.script(script);
        run.replay(true);
        run.replay(false);
        run
    });
    let [run, ..] = &runs;
    run.replay_over_states();
    for run in &runs {
        assert_eq!(run.entries, runs[0].entries, "hints {:?} change outcomes", run.hints);
    }
}

/// Two hosted banks, a remote and a mixed one, each with a position of 1000.00 and accounts of every sort:
/// 1 holds money (in A and M), 2 is empty, 3 is a savings account, 4 is in US dollars, 5 may be overdrawn,
/// 6 is closed, 7 is blocked, 9 does not exist.
const WORLD: &str = "
    bank A hosted | bank B hosted | bank C remote | bank M mixed
    fund A 1000.00 | fund B 1000.00 | fund C 1000.00 | fund M 1000.00
    open A1 | open A2 | open A3 savings | open A4 USD | open A5 floor -50.00 | open A6 | open A7 | close A6 | block A7
    open B1 | open B2 | open B3 savings | open B4 USD | open B5 floor -50.00 | open B6 | open B7 | close B6 | block B7
    open M1 | open M2
    post A1 +500.00 | post M1 +500.00
";

/// Runs a script behind [`WORLD`].
#[track_caller]
pub(crate) fn check_in_world(script: &str) {
    check(&format!("{WORLD}\n{script}\nbooks => all zero"));
}

/// What the sections of the newest rules take in a state in which they are empty. Those of the rules before have none.
pub(crate) fn length_of_empty_sections() -> usize {
    let [older, newer] =
        [4, 5].map(|version| state(&ledger_after_under(version, "bank A hosted | open A1")).len());
    newer - older
}

/// The ledger that a script comes to.
pub(crate) fn ledger_after(script: &str) -> Ledger {
    ledger_after_under(crate::RULES_VERSION, script)
}

/// The same under an earlier version of the rules.
pub(crate) fn ledger_after_under(version: u32, script: &str) -> Ledger {
    let mut ledger = Ledger::new(LIMITS);
    ledger.begin_under(version);
    let mut run = Run::begin(Hints::None, ledger);
    run.script(script);
    run.ledger
}

/// The golden file of this name. `SOLVO_UPDATE_GOLDEN=1` writes it anew, with what is written today.
#[expect(
    clippy::disallowed_methods,
    reason = "a test may read its environment and its own files, and write them"
)]
pub(crate) fn golden(name: &str, written: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name);
    if std::env::var_os("SOLVO_UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, written()).unwrap();
    }
    std::fs::read(path).unwrap()
}

/// What the edge's directory says about the accounts of a payment.
#[derive(Clone, Copy, Debug)]
enum Hints {
    None,
    Right,
    Wrong,
}

/// What a second ledger has to be given to come to the same state.
enum Step {
    Frame { first: Position, records: Vec<u8>, texts: Vec<u8> },
    Load { transfer: Transfer, amount: i64, at: Sequence },
}

/// A frame that is being filled, and which line each of its commands comes from.
#[derive(Default)]
struct OpenFrame {
    records: Vec<u8>,
    texts: Vec<u8>,
    lines: Vec<Line>,
}

/// One command of the script.
#[derive(Clone)]
struct Line {
    number: usize,
    text: String,
    expected: Option<String>,
    /// The transaction or request id, by which a repeat is told.
    label: String,
}

pub(crate) struct Run {
    hints: Hints,
    pub(crate) ledger: Ledger,
    pub(crate) now: Timestamp,
    steps: Vec<Step>,
    entries: Vec<OutcomeEntry>,
    labels: Vec<(Sequence, String)>,
    /// Acceptance time of each payment that has occurred.
    pub(crate) accepted: Vec<(String, Option<Timestamp>)>,
    frame: Option<OpenFrame>,
    /// What became of each payment.
    fates: Vec<(Sequence, Fate)>,
    /// The banks that are connected.
    online: Vec<Bic>,
    /// What the last frame did beside its commands' outcomes.
    last: Applied,
    /// The tables of which accounts take part, one after the other.
    tables: Vec<ActivationTable>,
    /// How many commands there were, so that each has a request id of its own.
    commands: usize,
}

pub(crate) const LIMITS: Limits = Limits { accounts_max: 64, payments_max: 64, requests_max: 64 };

impl Run {
    fn new(hints: Hints) -> Self {
        Self::begin(hints, Ledger::new(LIMITS))
    }

    fn begin(hints: Hints, ledger: Ledger) -> Self {
        let mut run = Self {
            hints,
            ledger,
            now: start(),
            steps: Vec::new(),
            entries: Vec::new(),
            labels: Vec::new(),
            accepted: Vec::new(),
            frame: None,
            fates: Vec::new(),
            online: Vec::new(),
            last: Applied::default(),
            tables: vec![ActivationTable::default()],
            commands: 0,
        };
        let writer = genesis();
        run.seal(writer.records().to_vec(), writer.texts().to_vec());
        run
    }

    fn script(&mut self, script: &str) {
        for (index, text) in script.lines().enumerate() {
            let text = text.split('#').next().unwrap_or_default().trim();
            let (commands, expected) = match text.split_once("=>") {
                Some((commands, expected)) => (commands, Some(expected.trim().to_owned())),
                None => (text, None),
            };
            for command in commands.split('|').map(str::trim).filter(|command| !command.is_empty()) {
                let expected = expected.clone();
                let line =
                    Line { number: index + 1, text: command.to_owned(), expected, label: String::new() };
                self.line(line);
            }
        }
        assert!(self.frame.is_none(), "a frame is closed before the script ends");
    }

    fn line(&mut self, mut line: Line) {
        let mut words = Words::new(&line.text);
        match words.word() {
            "at" => self.now = start().plus(span(words.word())),
            "frame" => self.frame = Some(OpenFrame::default()),
            "}" => {
                let frame = self.frame.take().expect("a frame is open");
                self.apply(frame);
            }
            "tick" => {
                self.seal(Vec::new(), Vec::new());
            }
            "load" => self.load(words.word(), words.word(), words.word()),
            "online" => self.online.push(bank(words.word())),
            "offline" => {
                let bank = bank(words.word());
                self.online.retain(|online| *online != bank);
            }
            verb @ ("balance" | "payment" | "sequence" | "books" | "count" | "totals" | "reserved"
            | "available" | "decided" | "asked" | "due" | "answers" | "questions" | "unanswered"
            | "heard" | "used" | "date" | "accepts" | "open-day" | "years" | "recalls" | "ending"
            | "recalled" | "headroom" | "utilisation" | "set-aside" | "held" | "hold-of"
            | "to-pay" | "asked-of" | "to-pays" | "holds" | "ended" | "record" | "records"
            | "order-of" | "package-of" | "lines" | "orders" | "packages" | "groups" | "due-now"
            | "told" | "ranges" | "map-of" | "exception" | "exceptions" | "noticed" | "right"
            | "suspense") => {
                let answer = self.ask(verb, &mut words);
                words.finish();
                line.meets(&answer);
            }
            verb => {
                self.commands += 1;
                let count = self.commands;
                let look_up = |digest, currency| self.hint(digest, currency);
                let (mut writer, label) = match verb {
                    "answer" => words.answer(&|label| self.original(label)),
                    "place" | "capture" | "release" => self.hold_command(verb, count, &mut words),
                    "raise" | "assign" | "resolve" => self.exception_command(verb, count, &mut words),
                    "package" | "line" | "shut" | "order" | "change" | "renew" | "cancel" | "execute" => {
                        self.order_command(verb, count, &mut words)
                    }
                    "put" | "remove" | "again" => self.record_command(verb, count, &mut words),
                    "activate" | "deactivate" => words.activation(verb, count),
                    "map" => self.map_command(count, &mut words),
                    "demand" | "present" | "accept" | "decline" | "withdraw" => {
                        self.to_pay_command(verb, count, &mut words)
                    }
                    "closing" | "roll" | "silence" => words.calendar(verb, count, self.now),
                    "recall" => {
                        words.recall(count, &|label| self.original(label), &|payment| self.fate(payment))
                    }
                    "return" | "keep" | "over" => {
                        let recalled =
                            |recall| self.ledger.recall(recall).map(|recall| self.ledger.recalled(recall));
                        words.answer_recall(verb, count, &|label| self.original(label), &recalled)
                    }
                    _ => words.command(verb, count, self.now, &self.accepted, &look_up),
                };
                let old_table = words.option("table");
                writer.stamp_activation(&self.table(old_table));
                writer.mark_last_connected(|bic| self.online.iter().any(|online| online.as_bytes() == bic));
                let accepted = words.accepted.take();
                words.finish();
                self.accepted.extend(accepted);
                line.label = label;
                let is_open = self.frame.is_some();
                let frame = self.frame.get_or_insert_default();
                frame.records.extend_from_slice(writer.records());
                frame.texts.extend_from_slice(writer.texts());
                frame.lines.push(line);
                if !is_open {
                    let frame = self.frame.take().expect("it was just made");
                    self.apply(frame);
                }
            }
        }
    }

    fn apply(&mut self, frame: OpenFrame) {
        let outcomes = self.seal(frame.records, frame.texts);
        assert_eq!(outcomes.len(), frame.lines.len());
        for (outcome, line) in outcomes.iter().zip(&frame.lines) {
            if outcome.repeat_of().is_none() {
                self.labels.push((outcome.sequence, line.label.clone()));
            }
            let told = line.expected.as_ref().is_some_and(|expected| expected.contains("told"));
            line.meets(&self.tell(outcome, told));
        }
    }

    /// Seals a frame and applies it, as the engine would.
    fn seal(&mut self, records: Vec<u8>, texts: Vec<u8>) -> Vec<Outcome> {
        let first = Position { sequence: self.ledger.position().sequence.next(), time: self.now };
        self.last = apply_records(&mut self.ledger, first, &Records::new(&records, &texts));
        self.entries.extend(self.last.entries.iter());
        self.steps.push(Step::Frame { first, records, texts });
        self.keep_fates(&self.last.decided.clone());
        self.keep_fates(&self.last.outcomes.clone());
        let table = self.ledger.activation_table();
        if self.tables.last().is_some_and(|last| last.number() < table.number()) {
            self.tables.push(table);
        }
        self.last.outcomes.clone()
    }

    fn load(&mut self, debit: &str, credit: &str, amount: &str) {
        let transfer = Transfer { debit: self.number(debit), credit: self.number(credit) };
        let (amount, at) = (minor_units(amount), self.ledger.position().sequence);
        self.ledger.accounts.transfer(transfer, amount, at);
        self.ledger.validate();
        self.steps.push(Step::Load { transfer, amount, at });
    }

    fn hint(&self, digest: Digest, currency: Currency) -> AccountNumber {
        let right = || self.ledger.accounts.find(AccountNumber(0), digest, currency).unwrap_or_default();
        match self.hints {
            Hints::None => AccountNumber(0),
            Hints::Right => right(),
            // Another account, one that does not exist, or an internal one.
            Hints::Wrong => match digest.0[0] % 3 {
                0 => AccountNumber(right().0 + 1),
                1 => AccountNumber(u32::MAX),
                _ => AccountNumber(1),
            },
        }
    }

    /// `A1`, `A1/USD`, `A.core`, `A.clearing`, `A.position`, `funding`.
    fn number(&self, name: &str) -> AccountNumber {
        let (name, currency) = match name.split_once('/') {
            Some((name, currency)) => (name, Currency::parse(currency).unwrap()),
            None => (name, Currency::EUR),
        };
        let Some((owner, part)) = name.split_once('.') else {
            if name == "funding" {
                return self.ledger.participants.funding(currency).expect("a bank is registered");
            }
            return self.ledger.account(&key(), iban(name).as_str(), currency).expect("it is open").0;
        };
        let (_, owner) = self.ledger.participant(bank(owner)).expect("it is registered");
        let book = owner.book(currency).expect("it has a book in this currency");
        match part {
            "core" => book.core,
            "clearing" => book.clearing,
            "position" => book.position,
            "technical" => self.ledger.technical_account(owner.bic(), currency).expect("money went there").0,
            part => panic!("no such part of a book: {part}"),
        }
    }

    fn tell(&self, outcome: &Outcome, told: bool) -> String {
        let mut text = match outcome.verdict {
            Verdict::Payment { state, reason: None, .. } => format!("{state:?}").to_lowercase(),
            Verdict::Payment { state, reason: Some(reason), .. } => format!("{state:?} {reason}")
                .replace(&format!("{state:?}"), &format!("{state:?}").to_lowercase()),
            Verdict::Done { .. }
                if [Kind::PostEntry, Kind::TransferLiquidity, Kind::TransferOwnFunds]
                    .contains(&outcome.kind) =>
            {
                format!("balance {}", decimal(outcome.balances[0]))
            }
            Verdict::Done { .. } => "done".to_owned(),
            Verdict::Refused { refusal, .. } => format!("refused {}", refusal.name()),
            Verdict::Answer { effect, state, reason, .. } => answered(effect, state, reason),
            Verdict::AskAgain => "ask again".to_owned(),
            Verdict::NotActive { stage: Stage::Debit } => "not taken: payer".to_owned(),
            Verdict::NotActive { stage: Stage::Credit } => "not taken: payee".to_owned(),
            Verdict::NotExecuted { why, .. } => orders::not_executed(why),
            Verdict::LegBooked { .. }
            | Verdict::RequestEnded { .. }
            | Verdict::HoldExpired { .. }
            | Verdict::OrderEnded { .. }
            | Verdict::PackageComplete { .. } => {
                unreachable!("no command comes to that alone")
            }
        };
        if let Some(sequence) = outcome.repeat_of() {
            let label =
                self.labels.iter().find(|label| label.0 == sequence).expect("a repeat is of something");
            text += &format!(", repeat of {}", label.1);
        }
        text += match outcome.remark {
            Remark::None => "",
            Remark::LimitPerPayment => ", limit for one payment",
            Remark::LimitPerDay => ", limit for a day",
            Remark::Fee(_) => ", fee ",
        };
        if let Remark::Fee(fee) = outcome.remark {
            text += &decimal(fee.get().into());
        }
        text += &alerts_told(outcome.alerts);
        if told {
            text += &format!(", told {}", outcome.balances.map(decimal).join(" "));
        }
        text
    }

    fn ask(&self, verb: &str, words: &mut Words<'_>) -> String {
        match verb {
            "balance" => {
                let account = self.ledger.account_by_number(self.number(words.word()));
                decimal(account.balance())
            }
            "used" => {
                let account = self.number(words.word());
                let used = self.ledger.used_today(account);
                used.map_or("nothing is counted".to_owned(), decimal)
            }
            "reserved" => decimal(self.ledger.account_by_number(self.number(words.word())).reserved()),
            "headroom" | "utilisation" | "set-aside" => {
                words.about_party(&self.ledger, verb).map_or("without end".to_owned(), decimal)
            }
            "available" => decimal(self.ledger.account_by_number(self.number(words.word())).available()),
            "payment" => {
                let (bank, id) = (bank(words.word()), words.word());
                let accepted = words.option("accepted").map(|time| start().plus(span(&time[1..])));
                self.tell_answer(self.ledger.payment_by_key(bank, id, accepted))
            }
            "sequence" => {
                let sequence = self.labelled(words.word());
                self.tell_answer(self.ledger.payment_at(sequence))
            }
            "books" => {
                let books = self.ledger.trial_balance();
                let zero = books.iter().all(|book| book.sum() == 0 && book.reserved == 0);
                if zero { "all zero".to_owned() } else { format!("{books:?}") }
            }
            "count" => match words.word() {
                "payments" => self.ledger.payment_count().to_string(),
                _ => self.ledger.request_count().to_string(),
            },
            "totals" => {
                let totals = self.ledger.payment_totals();
                let mut text = format!("{} settled, {} rejected", totals.settled, totals.rejected);
                if (totals.expired, totals.reserved) != (0, 0) {
                    text += &format!(", {} expired, {} reserved", totals.expired, totals.reserved);
                }
                text
            }
            "date" | "accepts" | "open-day" | "years" | "recalls" | "ending" | "recalled" => {
                self.ask_recall(verb, words)
            }
            "held" | "hold-of" | "holds" | "ended" | "record" | "records" => self.ask_holds(verb, words),
            "ranges" => self.ask_ranges(words),
            "map-of" => self.ask_map(words),
            "exception" | "exceptions" | "noticed" | "right" | "suspense" => self.ask_exceptions(verb, words),
            "to-pay" | "asked-of" | "to-pays" => self.ask_to_pay(verb, words),
            "order-of" | "package-of" | "lines" | "orders" | "packages" | "groups" | "due-now" | "told" => {
                self.ask_orders(verb, words)
            }
            verb => self.ask_lifecycle(verb, words),
        }
    }

    /// The position of what a name stands for; of one that stands for nothing, its number ahead of the last.
    fn labelled(&self, name: &str) -> Sequence {
        match self.labels.iter().rev().find(|label| label.1 == name) {
            Some(label) => label.0,
            None => Sequence(
                self.ledger.position().sequence.0
                    + name
                        .trim_start_matches(|letter: char| letter.is_ascii_alphabetic())
                        .parse::<u64>()
                        .unwrap(),
            ),
        }
    }

    /// The same, but the first command of this name, whatever was tried under it later.
    fn original(&self, name: &str) -> Sequence {
        self.labels.iter().find(|label| label.1 == name).map_or_else(|| self.labelled(name), |label| label.0)
    }

    fn label(&self, sequence: Sequence) -> &str {
        &self.labels.iter().find(|label| label.0 == sequence).expect("every command has a name").1
    }

    fn tell_answer(&self, answer: PaymentAnswer) -> String {
        match answer {
            PaymentAnswer::Found(payment) => {
                let state = format!("{:?}", payment.state()).to_lowercase();
                payment.reason().map_or(state.clone(), |reason| format!("{state} {reason}"))
            }
            PaymentAnswer::NotFound { is_final: true } => "not found, final".to_owned(),
            PaymentAnswer::NotFound { is_final: false } => "not found".to_owned(),
            PaymentAnswer::Forgotten => "forgotten".to_owned(),
        }
    }

    /// Applies the same steps to a second ledger, whose tables were large from the start, with or without texts.
    fn replay(&self, with_texts: bool) {
        let mut ledger = Ledger::new(LIMITS);
        ledger.reserve_for_frame(8192);
        let mut entries = Vec::new();
        for step in &self.steps {
            match step {
                Step::Frame { first, records, texts } => {
                    let records =
                        if with_texts { Records::new(records, texts) } else { Records::erased(records) };
                    entries.extend(apply_records(&mut ledger, *first, &records).entries);
                }
                Step::Load { transfer, amount, at } => ledger.accounts.transfer(*transfer, *amount, *at),
            }
        }
        let bytes = |entries: &[OutcomeEntry]| -> Vec<u8> {
            entries.iter().flat_map(|entry| entry.as_bytes().to_vec()).collect()
        };
        assert_eq!(bytes(&entries), bytes(&self.entries), "a replay gives the same outcomes");
        assert_eq!(OutcomeEntry::read_all(&bytes(&entries)).unwrap(), entries);
        assert_eq!(ledger.trial_balance(), self.ledger.trial_balance());
        assert_eq!(ledger.position(), self.ledger.position());
        assert_eq!(ledger.payment_count(), self.ledger.payment_count());
        assert_eq!(ledger.request_count(), self.ledger.request_count());
        for (left, right) in ledger.accounts().zip(self.ledger.accounts()) {
            assert_eq!(format!("{left:?}"), format!("{right:?}"));
        }
        assert_eq!(ledger.next_due(), self.ledger.next_due());
        assert_eq!(ledger.answer_totals(), self.ledger.answer_totals());
        if with_texts {
            assert!(state(&ledger) == state(&self.ledger), "equal ledgers have one stream");
        }
    }

    /// Applies the same steps to a ledger that is written and read again after each of them.
    fn replay_over_states(&self) {
        let mut ledger = Ledger::new(LIMITS);
        let mut entries = Vec::new();
        for step in &self.steps {
            match step {
                Step::Frame { first, records, texts } => {
                    let records = Records::new(records, texts);
                    entries.extend(apply_records(&mut ledger, *first, &records).entries);
                }
                Step::Load { transfer, amount, at } => ledger.accounts.transfer(*transfer, *amount, *at),
            }
            ledger = read_again(&ledger);
        }
        assert!(entries == self.entries, "a ledger that was read goes on like the one that was written");
        assert!(state(&ledger) == state(&self.ledger), "and comes to the same state");
    }
}

/// The ledger's stream.
pub(crate) fn state(ledger: &Ledger) -> Vec<u8> {
    let mut bytes = Vec::new();
    ledger.write_state(&mut bytes).unwrap();
    assert_eq!(u64::try_from(bytes.len()), Ok(ledger.state_length()), "the length is known beforehand");
    bytes
}

/// The ledger as it is read from what it writes.
#[track_caller]
pub(crate) fn read_again(ledger: &Ledger) -> Ledger {
    let bytes = state(ledger);
    let mut source = bytes.as_slice();
    let read = Ledger::read_state(&mut source, LIMITS).unwrap();
    assert!(source.is_empty(), "all is read");
    assert!(state(&read) == bytes, "what was read is what was written");
    read.validate();
    read
}

/// The first commands of every log.
pub(crate) fn genesis() -> RecordWriter {
    let mut writer = RecordWriter::new(key(), PrincipalNumber(0));
    writer.genesis(types::ClusterId([1; 16]), types::Incarnation(7));
    writer.set_profile(&crate::Profile::sct_inst_2025());
    writer
}

/// Applies a frame and checks all invariants after each of its commands.
pub(crate) fn apply_frame(
    ledger: &mut Ledger,
    first: Position,
    records: &[u8],
    texts: &[u8],
) -> Vec<Outcome> {
    apply_records(ledger, first, &Records::new(records, texts)).outcomes
}

/// What a frame came to.
#[derive(Default)]
pub(crate) struct Applied {
    /// Of its commands.
    pub(crate) outcomes: Vec<Outcome>,
    /// What the log tells of it, in its order.
    pub(crate) entries: Vec<OutcomeEntry>,
    /// Of payments whose time was over.
    pub(crate) decided: Vec<Outcome>,
    /// What became of holds beside those.
    pub(crate) holds: Vec<Outcome>,
    /// The questions that were asked.
    pub(crate) asked: Vec<OpenQuestion>,
    /// How many bounds were crossed.
    pub(crate) crossings: usize,
}

impl Applied {
    fn follow(&mut self, ledger: &Ledger, tick: Position) {
        for outcome in ledger.decided() {
            assert_eq!((outcome.decided_at, outcome.decided_time), (tick.sequence, tick.time), "by the tick");
            self.entries.push(outcome.to_entry());
        }
        for outcome in ledger.holds_told() {
            let is_expired = matches!(outcome.verdict, Verdict::HoldExpired { .. })
                || outcome.request_end() == Some(crate::RequestEnd::Expired);
            // Orders, packages and requests to pay follow their payments, which either may decide.
            let is_of_payment = matches!(
                outcome.verdict,
                Verdict::OrderEnded { .. } | Verdict::PackageComplete { .. } | Verdict::RequestEnded { .. }
            );
            let is_by_tick = outcome.decided_at == tick.sequence;
            assert!(is_of_payment || is_expired == is_by_tick, "time is over by the tick");
            self.entries.push(outcome.to_entry());
        }
        self.holds.extend(ledger.holds_told());
        self.decided.extend(ledger.decided());
        self.asked.extend(ledger.asked());
        self.crossings += ledger.crossings().len();
        ledger.validate();
    }
}

pub(crate) fn apply_records(ledger: &mut Ledger, first: Position, records: &Records<'_>) -> Applied {
    ledger.reserve_for_frame(records.clone().count());
    ledger.tick(first);
    let mut applied = Applied::default();
    applied.follow(ledger, first);
    let mut at = first;
    for record in records.clone() {
        at.sequence = at.sequence.next();
        let outcome = ledger.apply(at, &record.unwrap()).unwrap();
        applied.follow(ledger, first);
        applied.entries.push(outcome.to_entry());
        applied.outcomes.push(outcome);
    }
    let told = |entry: &OutcomeEntry| Alerts::EACH.iter().filter(|alert| entry.alerts().has(**alert)).count();
    assert_eq!(applied.entries.iter().map(told).sum::<usize>(), applied.crossings, "entries tell crossings");
    applied
}

#[path = "testing_activation.rs"]
mod activation;
#[path = "testing_exceptions.rs"]
pub(crate) mod exceptions;
#[path = "testing_holds.rs"]
mod holds;
#[path = "testing_lifecycle.rs"]
mod lifecycle;
#[path = "testing_orders.rs"]
mod orders;
#[path = "testing_postings.rs"]
mod postings;
#[path = "testing_recall.rs"]
mod recall;
#[path = "testing_requests_to_pay.rs"]
mod requests_to_pay;
use lifecycle::answered;

impl Line {
    #[track_caller]
    fn meets(&self, answer: &str) {
        let met = match self.expected.as_deref() {
            Some("any") => true,
            Some(expected) => expected == answer,
            None => {
                let carried_out = ["balance ", "applied "].iter().any(|done| answer.starts_with(done));
                answer == "done" || answer == "settled" || carried_out
            }
        };
        let expected = self.expected.as_deref().unwrap_or("carried out");
        assert!(met, "line {}, `{}`:\n expected {expected}\n    found {answer}", self.number, self.text);
    }
}

fn decimal(minor_units: i64) -> String {
    Balance::from_minor_units(minor_units).expect("a balance keeps its range").to_decimal(Currency::EUR)
}
