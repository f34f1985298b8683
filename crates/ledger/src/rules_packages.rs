//! The rules of packages: a customer's file of orders, logged line by line.
//!
//! Of a package that is opened, in order of precedence: bank known, the file not known (else the earlier package is told, or
//! that another file has its name), room among those of its bank and of all.
//!
//! Of a line: the package known, its number not beyond the next one; if it is logged already, the same content; the package
//! still open, of its bank and currency, due within 400 days, room among all orders. Of a package that is closed: known, of
//! this bank, open, and number and sum of its lines as the file states them.
//!
//! Invariants:
//! - No line of a package is executed before the package is closed, so of a file that is damaged at its end nothing is paid.
//! - A line is logged once, whoever sends it again after whichever restart.
//! - Cancelling a package takes as long for a million lines as for one.

use types::{AccountNumber, Digest, ParticipantNumber, ReasonCode, Sequence, Timestamp};

use crate::alerts::Alerts;
use crate::ledger::done;
use crate::limits::{ORDERS_MAX, PACKAGES_INCOMPLETE_MAX, PACKAGES_MAX, PACKAGES_PER_BANK_INCOMPLETE_MAX};
use crate::mutants::{Mutant, is_on};
use crate::orders::{Order, OrderState};
use crate::packages::NewPackage;
use crate::rules_masterdata::{Answer, checked_currency, participant};
use crate::zone::LocalTime;
use crate::{
    Command, Kind, Ledger, Outcome, Package, Position, Refusal, Remark, Verdict, layout, rules_orders,
};

const CHECKED: &str = "records are checked when they are read";

/// Tells the package: this one, or the earlier one of the same file.
pub(crate) fn open(ledger: &mut Ledger, at: Position, record: &layout::OpenPackage) -> Answer {
    let bank = participant(ledger, record.bic)?;
    let packages = &mut ledger.orders.packages;
    if let Some(known) = packages.named(record.name_digest) {
        let same = (known.bank, known.file_digest) == (bank, record.file_digest);
        return if same { Ok((known.sequence.0, 0)) } else { Err(Refusal::PackageExists) };
    }
    if packages.count() >= PACKAGES_MAX
        || packages.incomplete_count() >= PACKAGES_INCOMPLETE_MAX
        || packages.incomplete_of(bank) >= PACKAGES_PER_BANK_INCOMPLETE_MAX
    {
        return Err(Refusal::PackageLimit);
    }
    packages.add(Package::new(NewPackage {
        sequence: at.sequence,
        time: at.time,
        bank,
        currency: checked_currency(record.currency.get()),
        file_digest: record.file_digest,
        name_digest: record.name_digest,
        lines: record.lines.get(),
        control_sum: record.control_sum.get(),
    }));
    Ok((at.sequence.0, 0))
}

/// A line carries no request id, and its answer is remembered as the line itself.
pub(crate) fn line(ledger: &mut Ledger, at: Position, record: &layout::PackageLine) -> Outcome {
    let verdict = match judge_line(ledger, at, record) {
        Ok(Some(earlier)) => Verdict::Done { subject: record.line.get().into(), repeat_of: Some(earlier) },
        Ok(None) => {
            log_line(ledger, at, record);
            Verdict::Done { subject: record.line.get().into(), repeat_of: None }
        }
        Err(refusal) => Verdict::Refused { refusal, repeat_of: None },
    };
    Outcome { verdict, ..done(at, Command::PackageLine(record)) }
}

/// The position at which the line is logged already; `None` if it is the next one.
fn judge_line(
    ledger: &Ledger,
    at: Position,
    record: &layout::PackageLine,
) -> Result<Option<Sequence>, Refusal> {
    let (sequence, line) = (Sequence(record.package.get()), record.line.get());
    let package = ledger.orders.packages.at(sequence).ok_or(Refusal::PackageUnknown)?;
    if line <= package.logged {
        let logged = ledger.orders.line(sequence, line).ok_or(Refusal::PackageNotOpen)?;
        let logged = ledger.orders.get(logged);
        return if is_same(logged, record) {
            Ok(Some(logged.sequence))
        } else {
            Err(Refusal::PackageDiffers)
        };
    }
    if !package.is_open() {
        return Err(Refusal::PackageNotOpen);
    }
    if line > package.lines {
        return Err(Refusal::PackageDiffers);
    }
    if line != package.logged + 1 {
        return if is_on(Mutant::LineSkipped) { Ok(Some(at.sequence)) } else { Err(Refusal::LineNotNext) };
    }
    if record.reason == [0; 4] {
        let terms = &record.terms;
        let bank = ledger.participants.get(package.bank);
        let is_of_package =
            (terms.debtor_agent, terms.currency.get()) == (*bank.bic().as_bytes(), package.currency.number());
        if !is_of_package {
            return Err(Refusal::PackageDiffers);
        }
        let due = LocalTime::from_nanoseconds(terms.due.get()).expect(CHECKED);
        if due >= rules_orders::too_far(bank.zone().local(at.time)) {
            return Err(Refusal::OrderDateNotAllowed);
        }
    }
    if ledger.orders.count() >= ORDERS_MAX {
        return Err(Refusal::OrderLimit);
    }
    Ok(None)
}

/// Whether a line that is logged says the same as one that comes again. Where the edge saw the account counts for nothing.
fn is_same(logged: &Order, record: &layout::PackageLine) -> bool {
    let terms = &record.terms;
    let due = (logged.due.nanoseconds(), logged.give_up.nanoseconds());
    logged.body_digest == terms.body_digest
        && logged.amount == terms.amount.get()
        && due == (terms.due.get(), terms.give_up.get())
        && (logged.state == OrderState::Refused) == (record.reason != [0; 4])
}

fn log_line(ledger: &mut Ledger, at: Position, record: &layout::PackageLine) {
    let (sequence, terms) = (Sequence(record.package.get()), &record.terms);
    let package = *ledger.orders.packages.at(sequence).expect("the line has been judged");
    let reason = ReasonCode::from_bytes(record.reason);
    let mut order = rules_orders::order_of(at, terms, package.bank, package.currency);
    order.package = sequence;
    order.line = record.line.get();
    order.account = account_of(ledger, &package, terms);
    let amount = order.amount;
    if reason.is_some() {
        (order.state, order.reason, order.ended_time) = (OrderState::Refused, reason, at.time);
    }
    ledger.orders.packages.change(sequence, at.time, |package| {
        package.logged = record.line.get();
        package.sum_logged += amount;
        match reason {
            Some(_) => package.refused += 1,
            None => package.pending += 1,
        }
    });
    ledger.orders.add(order);
}

/// The payer's account, if the bank keeps it here: whether it covers the order can be told then.
fn account_of(ledger: &Ledger, package: &Package, terms: &layout::OrderTerms) -> AccountNumber {
    let hint = AccountNumber(terms.debtor_account_hint.get());
    let found = ledger.accounts.find(hint, Digest(terms.debtor_account_digest), package.currency);
    let owned = found.filter(|account| ledger.accounts.get(*account).owner() == package.bank);
    owned.unwrap_or_default()
}

/// The package at this position, of this bank.
fn package_of(ledger: &Ledger, bic: [u8; 11], package: u64) -> Result<Package, Refusal> {
    let bank = participant(ledger, bic)?;
    let package = ledger.orders.packages.at(Sequence(package));
    package.filter(|package| package.bank == bank).copied().ok_or(Refusal::PackageUnknown)
}

pub(crate) fn close(ledger: &mut Ledger, at: Position, record: &layout::ClosePackage) -> Answer {
    let package = package_of(ledger, record.bic, record.package.get())?;
    if !package.is_open() {
        return Err(Refusal::PackageNotOpen);
    }
    let is_sum = package.control_sum == -1 || package.sum_logged == package.control_sum;
    if package.logged != package.lines || !is_sum {
        return Err(Refusal::PackageDiffers);
    }
    change(ledger, at, package.sequence, |package| package.closed_time = at.time);
    Ok((package.sequence.0, 0))
}

/// All that waits is cancelled. What is under way goes on.
pub(crate) fn cancel(ledger: &mut Ledger, at: Position, record: &layout::CancelOrders) -> Answer {
    let package = package_of(ledger, record.bic, record.package.get())?;
    if package.is_cancelled || package.is_complete() {
        return Err(Refusal::PackageNotOpen);
    }
    change(ledger, at, package.sequence, |package| {
        package.is_cancelled = true;
        package.cancelled += package.pending;
        (package.pending, package.awaiting) = (0, 0);
    });
    Ok((package.sequence.0, 0))
}

/// Changes a package, and tells if everything has become of it by that.
pub(crate) fn change(
    ledger: &mut Ledger,
    at: Position,
    sequence: Sequence,
    change: impl FnOnce(&mut Package),
) {
    if !ledger.orders.packages.change(sequence, at.time, change) {
        return;
    }
    let package = ledger.orders.packages.at(sequence).expect("it has just been changed");
    let counts = [package.settled, package.rejected, package.cancelled].map(i64::from);
    let [settled, rejected, cancelled] = counts;
    ledger.holds_told.push(Outcome {
        sequence,
        decided_at: at.sequence,
        decided_time: at.time,
        accepted: Timestamp::default(),
        kind: Kind::OpenPackage,
        verdict: Verdict::PackageComplete { bank: package.bank, currency: package.currency },
        alerts: Alerts::NONE,
        late: false,
        remark: Remark::None,
        balances: [package.sum_settled, settled, rejected, cancelled + i64::from(package.refused)],
    });
}

impl Ledger {
    /// The package at this position, until 400 days after it was opened.
    pub fn package(&self, sequence: Sequence) -> Option<&Package> {
        self.orders.packages.at(sequence)
    }

    /// The packages of a bank behind a position, in the order in which they were opened.
    pub fn packages_of(&self, bank: ParticipantNumber, after: Sequence) -> impl Iterator<Item = &Package> {
        self.orders.packages.of_bank(bank, after)
    }

    /// The lines of a package from one on, with where they stand; none once they are no longer kept.
    pub fn lines_of(&self, package: Sequence, from: u32) -> impl Iterator<Item = (&Order, OrderState)> {
        let now = self.position().time;
        let found = self.package(package).filter(|package| package.has_lines(now));
        let logged = found.map_or(0, |package| package.logged);
        let slots = (from.max(1)..=logged).filter_map(move |line| self.orders.line(package, line));
        slots.map(|slot| {
            let order = self.orders.get(slot);
            (order, self.orders.state_of(order))
        })
    }

    /// How many packages are kept.
    pub const fn package_count(&self) -> usize {
        self.orders.packages.count()
    }
}

#[cfg(test)]
#[path = "rules_packages_tests.rs"]
mod tests;
