//! A file of orders becomes a package in the log, in one pass and while it still comes.
//!
//! Invariants:
//! - Memory does not grow with the file: lines go into the log as they are read, and whoever sends faster waits.
//! - Lines count once the package is closed, and it is closed only if the file has come whole and is the one that its header
//!   states. Else it is abandoned; or left open if the call broke off, so that the same file goes on with it.

use client::Refusal;
use client::v1::{self, ErrorReason};
use engine::{Answer, PackageFound, PackagesAsked, Question};
use iso20022::{ControlSum, PackageHeader, PackageReadError, PackageReader};
use ledger::{
    CancelOrders, CancelTarget, ClosePackage, OpenPackage, PackageLine, PackageText, RequestId, Verdict,
};
use tonic::{Code, Status};
use types::{Bic, Currency, PrincipalNumber, Sequence};

use super::arriving::{Arriving, NotTheFile};
use super::line::{ReadLine, Reading};
use super::logging::Logging;
use crate::node::Node;
use crate::refusals::{
    not_the_file, package_abandoned, package_not_readable, participant_unknown, unanswered,
};

/// What is known of a file before it comes.
pub(super) struct Announced {
    pub(super) request_id: RequestId,
    pub(super) bank: Bic,
    pub(super) digest: [u8; 32],
}

/// What became of it.
pub(super) struct Unpacked {
    pub(super) package: Sequence,
    /// It was known, and nothing was logged.
    pub(super) is_repeat: bool,
    pub(super) refused_lines: Vec<v1::RefusedLine>,
}

/// Refused lines of which each is told; of others only the number.
const REFUSED_TOLD_MAX: usize = 100;

/// Takes a file in. Waits for the file and for the log, so it is for a thread that may.
///
/// # Errors
/// If the file or the node is at fault. Nothing of the file is paid then.
pub(super) fn unpack(
    node: &Node,
    principal: PrincipalNumber,
    announced: &Announced,
    file: Arriving,
) -> Result<Unpacked, Status> {
    let mut logging = Logging::new(&node.handle, principal);
    let mut lines = PackageReader::open(file).map_err(unreadable)?;
    let package = open(&logging, announced, lines.header())?;
    let found = find(&logging, package)?;
    if found.package.is_closed() {
        return Ok(Unpacked { package, is_repeat: true, refused_lines: Vec::new() });
    }
    if !found.package.is_open() {
        return Err(package_abandoned());
    }
    let logged = found.package.logged;
    let unpacked =
        log_lines(node, &mut logging, announced, package, logged, &mut lines).and_then(|refused_lines| {
            let checked = lines.into_input().check(&announced.digest);
            checked.map_err(|error| unreadable(error.into()))?.map_err(|why| not_the_file(why.words()))?;
            close(&logging, announced, package)?;
            Ok(refused_lines)
        });
    match unpacked {
        Ok(refused_lines) => Ok(Unpacked { package, is_repeat: false, refused_lines }),
        // Another call has brought the same file meanwhile.
        Err(_) if find(&logging, package).is_ok_and(|found| found.package.is_closed()) => {
            Ok(Unpacked { package, is_repeat: true, refused_lines: Vec::new() })
        }
        Err(status) => {
            // What the file is at fault for it is at fault for at the next attempt as well.
            if [Code::InvalidArgument, Code::FailedPrecondition].contains(&status.code()) {
                abandon(&logging, announced, package);
            }
            Err(status)
        }
    }
}

/// Logs the head of a package; where it stands, also if it was logged before.
fn open(logging: &Logging<'_>, announced: &Announced, header: &PackageHeader) -> Result<Sequence, Status> {
    let control_sum = header.control_sum.and_then(|sum| sum.minor_units(Currency::EUR));
    let command = OpenPackage {
        request_id: announced.request_id.clone(),
        bank: announced.bank,
        file_digest: announced.digest,
        lines: header.transactions,
        control_sum: control_sum.and_then(|sum| u64::try_from(sum).ok()),
        currency: Currency::EUR,
        text: PackageText {
            message_id: header.message_id.clone(),
            initiating_party: header.initiating_party.clone(),
        },
    };
    let outcome = logging.one(|commands| commands.open_package(&command))?;
    let Verdict::Done { subject, .. } = outcome.verdict else { return Err(unanswered()) };
    Ok(Sequence(subject))
}

fn find(logging: &Logging<'_>, package: Sequence) -> Result<PackageFound, Status> {
    let answered = logging.ask(Question::Packages(PackagesAsked::At(package)))?;
    let Answer::Packages(mut found) = answered.answer else { return Err(unanswered()) };
    found.pop().ok_or_else(unanswered)
}

/// Logs the lines behind the first so many, which are in the log; those that were refused.
fn log_lines(
    node: &Node,
    logging: &mut Logging<'_>,
    announced: &Announced,
    package: Sequence,
    logged: u32,
    lines: &mut PackageReader<Arriving>,
) -> Result<Vec<v1::RefusedLine>, Status> {
    let bank = announced.bank;
    let zone = zone(logging, bank)?;
    let reading = Reading { handle: &node.handle, bank, zone };
    let accounts = node.handle.directory().accounts();
    let mut refused_lines = Vec::new();
    let mut before = ControlSum::ZERO;
    while let Some(line) = lines.next() {
        let line = line.map_err(unreadable)?;
        let with = lines.totals().sum;
        let number = line.number;
        let read = reading.line(line, [before, with]);
        let ReadLine { group, content, refusal } = read.map_err(|_| not_counted(number))?;
        before = with;
        if let Some(refusal) = refusal.filter(|_| refused_lines.len() < REFUSED_TOLD_MAX) {
            let reason_code = refusal.reason.code().to_string();
            refused_lines.push(v1::RefusedLine { number, reason_code, path: refusal.path });
        }
        if number > logged {
            let line = PackageLine { package, line: number, group: Some(group), content };
            logging.add(|commands| {
                commands.package_line(&line, |digest, currency| accounts.find(digest, currency));
            })?;
        }
    }
    logging.finish()?;
    Ok(refused_lines)
}

/// The payers' bank's clock.
fn zone(logging: &Logging<'_>, bank: Bic) -> Result<ledger::Zone, Status> {
    let answered = logging.ask(Question::Participant(bank))?;
    let Answer::Participant(found) = answered.answer else { return Err(unanswered()) };
    found.map(|found| *found.participant.zone()).ok_or_else(participant_unknown)
}

/// All lines are logged: from now on they count.
fn close(logging: &Logging<'_>, announced: &Announced, package: Sequence) -> Result<(), Status> {
    let request_id = request_id("close", package);
    let command = ClosePackage { request_id, bank: announced.bank, package };
    logging.one(|commands| commands.close_package(&command)).map(|_| ())
}

/// Nothing of the file will ever be paid. If that can't be logged now, the package stays open, and nothing is paid either.
fn abandon(logging: &Logging<'_>, announced: &Announced, package: Sequence) {
    let request_id = request_id("abandon", package);
    let target = CancelTarget::Package(package);
    let command = CancelOrders { request_id, bank: announced.bank, target };
    if let Err(status) = logging.one(|commands| commands.cancel_orders(&command)) {
        tracing::warn!(%package, message = status.message(), "a package could not be abandoned");
    }
}

/// The same at each attempt.
fn request_id(what: &str, package: Sequence) -> RequestId {
    RequestId::parse(&format!("{what}-package-{package}")).expect("letters, digits and hyphens")
}

/// Why the file can't be taken in.
fn unreadable(error: PackageReadError) -> Status {
    match error {
        // The file is longer than stated, or the call broke off.
        PackageReadError::Read(error) if error.kind() == std::io::ErrorKind::FileTooLarge => {
            not_the_file(NotTheFile::Length.words())
        }
        PackageReadError::Read(_) => Status::unavailable("the file did not come whole; send it again"),
        PackageReadError::Fault(fault) => package_not_readable(&fault),
    }
}

fn not_counted(number: u32) -> Status {
    let message = format!(
        "line {number} has an amount that is not counted: more than 999999999.99, or parts of a cent"
    );
    Refusal::new(Code::InvalidArgument, ErrorReason::PackageNotReadable, message).into_status()
}
