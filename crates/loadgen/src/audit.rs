//! Compares the books after runs with what their replies said.
//!
//! Everything here is computed from replies alone; the node is only asked for the balances to compare with.
//! The comparison is exact, so nobody else may move money of the load banks, or settle payments, meanwhile.

use std::fmt;
use std::ops::Range;

use client::v1;
use serde_json::{Value, json};

use crate::accounts::LoadAccount;
use crate::balances::Snapshot;
use crate::banks::LOAD_BANKS;
use crate::confirmed::Confirmed;
use crate::plan::Payee;
use crate::responders::ResponderCounts;
use crate::text::grouped;

/// One comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What should hold.
    pub name: &'static str,
    /// Whether it does.
    pub passed: bool,
    /// What was compared, and the first difference.
    pub detail: String,
}

/// The comparisons after one or several runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditReport {
    /// All that were made.
    pub checks: Vec<Check>,
}

impl AuditReport {
    /// Whether everything holds.
    pub fn passed(&self) -> bool {
        self.checks.iter().all(|check| check.passed)
    }

    /// The form for programs.
    pub fn to_json(&self) -> Value {
        let checks = self
            .checks
            .iter()
            .map(|check| json!({ "name": check.name, "passed": check.passed, "detail": check.detail }));
        json!({ "passed": self.passed(), "checks": checks.collect::<Vec<_>>() })
    }
}

impl fmt::Display for AuditReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "audit: {}", if self.passed() { "passed" } else { "FAILED" })?;
        for check in &self.checks {
            let mark = if check.passed { "ok" } else { "DIFFERS" };
            writeln!(formatter, "  {mark:<8}{}: {}", check.name, check.detail)?;
        }
        Ok(())
    }
}

/// What the runs themselves left open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenEnds {
    /// Payments whose fate the log could not tell.
    pub(crate) unknown: u64,
    /// Replies to what was not asked, or was answered before.
    pub(crate) unasked: u64,
}

/// Makes all comparisons.
pub(crate) fn audit(
    before: &Snapshot,
    after: &Snapshot,
    accounts: u32,
    remote: Range<usize>,
    confirmed: &[Confirmed],
    open_ends: OpenEnds,
) -> AuditReport {
    let moved = Moved::by(confirmed, accounts, remote);
    let checks = vec![
        every_payment_is_answered(open_ends),
        every_book_sums_to_zero(&after.books),
        nothing_stays_reserved(&after.books),
        accounts_have_their_balances(before, after, &moved, accounts),
        positions_have_their_balances(before, after, &moved),
        settled_payments_are_counted(before, after, confirmed),
    ];
    AuditReport { checks }
}

/// What the confirmed payments moved, in cents.
struct Moved {
    accounts: Vec<i64>,
    /// Of the banks here, then of the remote ones.
    positions: Vec<i64>,
}

impl Moved {
    fn by(confirmed: &[Confirmed], accounts: u32, remote: Range<usize>) -> Self {
        let positions = vec![0; LOAD_BANKS.len() + remote.len()];
        let mut moved = Self { accounts: vec![0; index(accounts)], positions };
        for payment in confirmed.iter().flat_map(Confirmed::payments) {
            let cents = i64::from(payment.cents);
            moved.accounts[index(payment.payer)] -= cents;
            let payee_bank = match payment.payee {
                Payee::Hosted(payee) => {
                    moved.accounts[index(payee)] += cents;
                    LoadAccount::at(payee).bank
                }
                Payee::Remote { bank, .. } => LOAD_BANKS.len() + bank - remote.start,
            };
            // Within one bank the two cancel each other out, and its position is not touched either.
            moved.positions[LoadAccount::at(payment.payer).bank] -= cents;
            moved.positions[payee_bank] += cents;
        }
        moved
    }
}

fn index(number: u32) -> usize {
    usize::try_from(number).expect("32 bits")
}

fn every_payment_is_answered(open_ends: OpenEnds) -> Check {
    let OpenEnds { unknown, unasked } = open_ends;
    let detail = match (unknown, unasked) {
        (0, 0) => "nothing is open".to_owned(),
        _ => format!("{} without an answer, {} answers to nothing", grouped(unknown), grouped(unasked)),
    };
    Check { name: "every payment has one answer", passed: unknown == 0 && unasked == 0, detail }
}

fn is_zero(decimal: &str) -> bool {
    !decimal.is_empty() && decimal.bytes().all(|byte| matches!(byte, b'0' | b'.'))
}

fn book_name(book: &v1::BookTotal) -> &str {
    if book.participant.is_empty() { "settlement" } else { &book.participant }
}

fn every_book_sums_to_zero(books: &[v1::BookTotal]) -> Check {
    let sums = |book: &&v1::BookTotal| is_zero(&book.balance_total) && book.debit_total == book.credit_total;
    let detail = match books.iter().find(|book| !sums(book)) {
        None => format!("{} books", books.len()),
        Some(book) => {
            let (name, currency) = (book_name(book), &book.currency_code);
            format!("the book {name} in {currency} is off by {}", book.balance_total)
        }
    };
    // A node without books has nothing that could be wrong, and nothing that a run could have used.
    let passed = !books.is_empty() && books.iter().all(|book| sums(&book));
    Check { name: "every book sums to zero", passed, detail }
}

/// Whatever was set aside has been settled or given back.
fn nothing_stays_reserved(books: &[v1::BookTotal]) -> Check {
    let reserved = books.iter().find(|book| !is_zero(&book.reserved_total));
    let detail = match reserved {
        None => format!("{} books", books.len()),
        Some(book) => {
            let (name, currency) = (book_name(book), &book.currency_code);
            format!("{} stay set aside in the book {name} in {currency}", book.reserved_total)
        }
    };
    Check { name: "nothing stays reserved", passed: reserved.is_none(), detail }
}

fn accounts_have_their_balances(before: &Snapshot, after: &Snapshot, moved: &Moved, accounts: u32) -> Check {
    let pairs = || before.accounts.iter().zip(&after.accounts);
    let differing = pairs().filter(|((account, was), (same, is))| {
        account != same || was + moved.accounts[index(*account)] != *is
    });
    let (asked, differing) = (after.accounts.len(), differing.collect::<Vec<_>>());
    let detail = match differing.first() {
        None => format!("{asked} of {} accounts compared", grouped(accounts.into())),
        Some(((account, was), (_, is))) => {
            let expected = was + moved.accounts[index(*account)];
            let masked = LoadAccount::at(*account).iban().masked();
            format!("{} of {asked} differ; {masked} has {is} cents instead of {expected}", differing.len())
        }
    };
    let passed = differing.is_empty() && before.accounts.len() == asked && asked > 0;
    Check { name: "accounts hold what the replies add up to", passed, detail }
}

fn positions_have_their_balances(before: &Snapshot, after: &Snapshot, moved: &Moved) -> Check {
    let expected: Vec<_> =
        before.positions.iter().zip(&moved.positions).map(|(was, moved)| was + moved).collect();
    let detail = match expected == after.positions {
        true => format!("{} banks", expected.len()),
        false => format!("{:?} cents instead of {expected:?}", after.positions),
    };
    Check { name: "positions hold what the replies add up to", passed: expected == after.positions, detail }
}

fn settled_payments_are_counted(before: &Snapshot, after: &Snapshot, confirmed: &[Confirmed]) -> Check {
    let (counted, told) =
        (after.settled.saturating_sub(before.settled), confirmed.iter().map(Confirmed::count).sum());
    let detail = match counted == told {
        true => grouped(told),
        false => format!("the log has {}, replies confirmed {}", grouped(counted), grouped(told)),
    };
    Check { name: "the log settled what was confirmed", passed: counted == told, detail }
}

/// The payees' banks were told of exactly the payments that the payers' banks were.
pub(crate) fn banks_heard_what_was_confirmed(heard: ResponderCounts, confirmed: u64) -> Check {
    let ResponderCounts { settled, repeats, .. } = heard;
    let detail = match settled == confirmed {
        true => grouped(settled),
        false => format!(
            "payers' banks heard of {} settlements, payees' banks of {} and {} possible repeats",
            grouped(confirmed),
            grouped(settled),
            grouped(repeats)
        ),
    };
    // After a connection broke, only the bank's own books could tell what is a repeat, and runs keep none.
    let passed = (settled..=settled + repeats).contains(&confirmed);
    Check { name: "the payees' banks heard what was confirmed", passed, detail }
}

#[cfg(test)]
#[path = "audit_tests.rs"]
mod tests;
