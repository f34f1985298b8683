//! What a watcher wants to hear.

use client::convert::{FieldReader, Path};
use client::v1;
use engine::Banks;
use tonic::Status;
use types::{Bic, Iban, PaymentOrder, Remittance, Text};

use crate::caller::Caller;
use crate::lives::Named;
use crate::refusals::{bank_not_yours, invalid};

/// What a watcher wants to hear. Each part narrows the others.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    pub(super) banks: Banks,
    /// The banks that the watcher may know about, wanted or not.
    seen: Banks,
    pub(super) types: Types,
    account: Option<Iban>,
    end_to_end_id: Option<Text<35>>,
    creditor_reference: Option<Text<35>>,
}

/// Types of events.
#[derive(Clone, Copy, Debug)]
pub(super) struct Types {
    pub(super) reservations: bool,
    pub(super) outcomes: bool,
    pub(super) alerts: bool,
    pub(super) recalls: bool,
    pub(super) holds: bool,
    pub(super) exceptions: bool,
    pub(super) requests: bool,
    pub(super) packages: bool,
    pub(super) orders: bool,
}

/// Participants that one watcher may name.
const PARTICIPANTS_MAX: usize = 64;

impl Filter {
    /// Whether only payments that say something in particular are wanted.
    pub(super) const fn looks_into_orders(&self) -> bool {
        self.account.is_some() || self.end_to_end_id.is_some() || self.creditor_reference.is_some()
    }

    /// Whether a payment of these banks is wanted.
    pub(super) fn covers(&self, debtor_agent: Bic, creditor_agent: Option<Bic>) -> bool {
        match &self.banks {
            Banks::All => true,
            Banks::Listed(banks) => {
                banks.contains(&debtor_agent) || creditor_agent.is_some_and(|bank| banks.contains(&bank))
            }
        }
    }

    /// Whether the watcher may know what there is of this bank.
    pub(super) fn sees(&self, bank: Bic) -> bool {
        match &self.seen {
            Banks::All => true,
            Banks::Listed(banks) => banks.contains(&bank),
        }
    }

    /// Whether a payment with this order is wanted, as far as its order says. Whoever sees the payee's side alone can't
    /// look for the payer's account.
    pub(super) fn matches(&self, order: Option<&PaymentOrder>) -> bool {
        if !self.looks_into_orders() {
            return true;
        }
        let Some(order) = order else { return false };
        let of_account = |account: Iban| {
            order.creditor_account == account
                || order.debtor_account == account && self.sees(order.debtor_agent)
        };
        let reference = match &order.remittance {
            Some(Remittance::Structured { reference, .. }) => Some(reference),
            Some(Remittance::Unstructured(_)) | None => None,
        };
        self.account.is_none_or(of_account)
            && self.end_to_end_id.as_ref().is_none_or(|id| *id == order.end_to_end_id)
            && self.creditor_reference.as_ref().is_none_or(|wanted| reference == Some(wanted))
    }
}

/// Reads what to watch, and from where on.
pub(super) fn read_watch(
    caller: &Caller,
    wire: &v1::WatchRequest,
) -> Result<(Filter, Option<Named>), Status> {
    let mut reader = FieldReader::new();
    if wire.participants.len() > PARTICIPANTS_MAX {
        reader.violation(&Path::root("participants"), format_args!("at most {PARTICIPANTS_MAX}"));
    }
    let listed = wire.participants.iter().take(PARTICIPANTS_MAX).enumerate();
    let listed: Option<Vec<Bic>> =
        listed.map(|(index, bic)| reader.bic(&Path::root("participants").element(index), bic)).collect();
    let types = read_types(&mut reader, wire);
    let account = match wire.account.as_str() {
        "" => None,
        account => reader.iban(&Path::root("account"), account),
    };
    let end_to_end_id = reader.optional_identifier(&Path::root("end_to_end_id"), &wire.end_to_end_id);
    let creditor_reference =
        reader.optional_identifier(&Path::root("creditor_reference"), &wire.creditor_reference);
    let (listed, types) = reader.finish(listed.zip(types)).map_err(invalid)?;
    let banks = match (listed.as_slice(), caller.banks_seen()) {
        ([], None) => Banks::All,
        ([], Some(own)) => Banks::Listed(own.into()),
        (listed, _) if listed.iter().all(|bank| caller.may_see(*bank)) => Banks::Listed(listed.into()),
        _ => return Err(bank_not_yours().into_status()),
    };
    let seen = caller.banks_seen().map_or(Banks::All, |own| Banks::Listed(own.into()));
    let filter = Filter { banks, seen, types, account, end_to_end_id, creditor_reference };
    Ok((filter, Named::read(wire.after_sequence, wire.incarnation)))
}

fn read_types(reader: &mut FieldReader, wire: &v1::WatchRequest) -> Option<Types> {
    let all = wire.types.is_empty();
    let mut types = Types {
        reservations: all,
        outcomes: all,
        alerts: all,
        recalls: all,
        holds: all,
        exceptions: all,
        requests: all,
        packages: all,
        orders: all,
    };
    for (index, number) in wire.types.iter().enumerate() {
        match v1::EventType::try_from(*number) {
            Ok(v1::EventType::Reservation) => types.reservations = true,
            Ok(v1::EventType::Outcome) => types.outcomes = true,
            Ok(v1::EventType::Alert) => types.alerts = true,
            Ok(v1::EventType::Recall) => types.recalls = true,
            Ok(v1::EventType::HoldExpired) => types.holds = true,
            Ok(v1::EventType::Exception) => types.exceptions = true,
            Ok(v1::EventType::RequestToPay) => types.requests = true,
            Ok(v1::EventType::PackageComplete) => types.packages = true,
            Ok(v1::EventType::OrderEnded) => types.orders = true,
            Ok(v1::EventType::Unspecified) | Err(_) => {
                reader.violation(&Path::root("types").element(index), "a type of event");
                return None;
            }
        }
    }
    Some(types)
}
