//! Questions about the past, from the wire.

use client::convert::{FieldReader, Path};
use client::limits::{PAGE_SIZE_MAX, PAGE_SIZE_USUAL};
use client::v1::ErrorReason;
use client::{Refusal, v1};
use history::{Moment, Order, PaymentQuery, Place, Side, StoreError, View};
use prost::Message;
use tonic::{Code, Status};
use types::{Amount, Bic, Currency, Date, Digest, Iban, PaymentState, Text, Timestamp};

use super::{not_taken_in, token};
use crate::caller::Caller;
use crate::node::Node;
use crate::refusals::{bank_not_yours, invalid, refused};

/// Which page of a list.
pub(super) struct PageAsked {
    pub(super) after: Option<Place>,
    pub(super) size: usize,
    /// All of the request but the page.
    pub(super) question: Vec<u8>,
}

/// A list of payments.
pub(super) struct ListAsked {
    pub(super) query: PaymentQuery,
    pub(super) account: Option<Digest>,
    pub(super) page: PageAsked,
}

/// Payments with a reference.
pub(super) struct FindAsked {
    pub(super) end_to_end_id: Text<35>,
    pub(super) bank: Option<Bic>,
    pub(super) days: (Date, Date),
    pub(super) page: PageAsked,
}

/// Entries of an account, position or technical account.
pub(super) struct EntriesAsked {
    pub(super) whose: Whose,
    pub(super) time: (Option<Timestamp>, Option<Timestamp>),
    pub(super) order: Order,
    pub(super) page: PageAsked,
}

/// An account, position or technical account as it is asked for.
#[derive(Clone, Copy)]
pub(super) enum Whose {
    Account(Digest, Currency),
    Position(Bic, Currency),
    Technical(Bic, Currency),
}

/// The same before the digest is known.
pub(super) enum Named {
    Account(Iban, Currency),
    Position(Bic, Currency),
    Technical(Bic, Currency),
}

impl Named {
    pub(super) fn on(&self, node: &Node) -> Whose {
        match self {
            Self::Account(iban, currency) => {
                Whose::Account(node.handle.digest_key().iban(iban.as_str()), *currency)
            }
            Self::Position(bic, currency) => Whose::Position(*bic, *currency),
            Self::Technical(bic, currency) => Whose::Technical(*bic, *currency),
        }
    }
}

impl Whose {
    pub(super) const fn currency(&self) -> Currency {
        match self {
            Self::Account(_, currency) | Self::Position(_, currency) | Self::Technical(_, currency) => {
                *currency
            }
        }
    }

    /// What is asked for, if there is such a thing and the caller may know of it. Accounts of others do not exist for
    /// it.
    pub(super) fn find(
        &self,
        node: &Node,
        view: &View,
        caller: &Caller,
    ) -> Result<Result<history::Found, Status>, StoreError> {
        Ok(match self {
            Self::Account(digest, currency) => {
                let found = view.account(*digest, *currency)?;
                found.filter(|found| caller.may_see(found.bank)).ok_or_else(|| self.unknown())
            }
            Self::Position(bic, _) | Self::Technical(bic, _) if !caller.may_see(*bic) => {
                Err(bank_not_yours().into_status())
            }
            Self::Position(bic, _) | Self::Technical(bic, _) if !view.is_registered(*bic) => {
                Err(not_taken_in(node, *bic))
            }
            Self::Position(bic, currency) => view.position(*bic, *currency).ok_or_else(|| self.unknown()),
            Self::Technical(bic, currency) => {
                view.technical_account(*bic, *currency)?.ok_or_else(|| self.unknown())
            }
        })
    }

    /// The bank whose it is, whoever asks; `None` if there is no such thing.
    pub(super) fn bank(&self, view: &View) -> Result<Option<Bic>, StoreError> {
        Ok(match self {
            Self::Account(digest, currency) => view.account(*digest, *currency)?.map(|found| found.bank),
            Self::Position(bic, currency) => view.position(*bic, *currency).map(|found| found.bank),
            Self::Technical(bic, currency) => {
                view.technical_account(*bic, *currency)?.map(|found| found.bank)
            }
        })
    }

    /// That there is no such thing, or was none then.
    pub(super) fn unknown(&self) -> Status {
        let reason = match self {
            Self::Account(..) => ledger::Refusal::AccountUnknown,
            Self::Position(..) | Self::Technical(..) => ledger::Refusal::PositionUnknown,
        };
        refused(reason).into_status()
    }

    /// That it was opened later.
    pub(super) fn opened_later(&self) -> Status {
        let (what, reason) = match self {
            Self::Account(..) => ("account", ErrorReason::AccountUnknown),
            Self::Position(..) => ("position", ErrorReason::PositionUnknown),
            Self::Technical(..) => ("technical account", ErrorReason::PositionUnknown),
        };
        let message = format!("the {what} was opened later; ask for a later day");
        Refusal::new(Code::NotFound, reason, message).into_status()
    }
}

pub(super) fn read_list(
    node: &Node,
    caller: &Caller,
    wire: &v1::ListPaymentsRequest,
) -> Result<ListAsked, Status> {
    let mut reader = FieldReader::new();
    let bank = reader.optional_bic(&Path::root("participant"), &wire.participant);
    let from = reader.optional_timestamp(&Path::root("from_time"), wire.from_time.as_ref());
    let until = reader.optional_timestamp(&Path::root("until_time"), wire.until_time.as_ref());
    let states = read_states(&mut reader, &wire.statuses);
    let currency =
        match wire.currency_code.is_empty() && wire.amount_min.is_empty() && wire.amount_max.is_empty() {
            true => None,
            false => reader.currency(&Path::root("currency_code"), &wire.currency_code),
        };
    let [amount_min, amount_max] = [("amount_min", &wire.amount_min), ("amount_max", &wire.amount_max)]
        .map(|(name, text)| read_amount(&mut reader, &Path::root(name), text, currency));
    let counterpart = reader.optional_bic(&Path::root("counterpart"), &wire.counterpart);
    let account_path = Path::root("account");
    let account = match wire.account.is_empty() {
        true => None,
        false => reader.iban(&account_path, &wire.account),
    };
    let side = match wire.side() {
        v1::PaymentSide::Debtor => Some(Side::Debtor),
        v1::PaymentSide::Creditor => Some(Side::Creditor),
        v1::PaymentSide::Unspecified => None,
    };
    if side.is_some() && wire.participant.is_empty() {
        reader.violation(&Path::root("side"), "it is a side of the participant, so name one");
    }
    let bank = bank_asked(&mut reader, caller, bank);
    let bare = v1::ListPaymentsRequest { page_size: 0, page_token: String::new(), ..wire.clone() };
    let page = read_page(&mut reader, node, bare.encode_to_vec(), wire.page_size, &wire.page_token);
    let order = order(wire.oldest_first);
    let query = PaymentQuery {
        side,
        from,
        until,
        states,
        currency,
        amount_min,
        amount_max,
        counterpart,
        ..PaymentQuery::all(bank, order)
    };
    let account = account.map(|account| node.handle.digest_key().iban(account.as_str()));
    let asked = page.map(|page| ListAsked { query, account, page });
    let asked = reader.finish(asked).map_err(invalid)?;
    check_bank(caller, bank)?;
    Ok(asked)
}

pub(super) fn read_find(
    node: &Node,
    caller: &Caller,
    wire: &v1::FindPaymentsRequest,
) -> Result<FindAsked, Status> {
    let mut reader = FieldReader::new();
    let end_to_end_id = reader.text(&Path::root("end_to_end_id"), &wire.end_to_end_id);
    let bank = reader.optional_bic(&Path::root("participant"), &wire.participant);
    let from = reader.optional_date(&Path::root("from_date"), &wire.from_date);
    let until = reader.optional_date(&Path::root("until_date"), &wire.until_date);
    let bank = bank_asked(&mut reader, caller, bank);
    if !wire.page_token.is_empty() {
        // Else the days would be others after midnight.
        for (name, text) in [("from_date", &wire.from_date), ("until_date", &wire.until_date)] {
            if text.is_empty() {
                reader.missing(&Path::root(name));
            }
        }
    }
    let until = until.unwrap_or_else(|| node.handle.now().date());
    let before = |date: Date, days: i32| Date::from_days((date.days() - days).max(0)).unwrap_or_default();
    let from = from.unwrap_or_else(|| before(until, DAYS_USUAL));
    if until.days() - from.days() > i32::from(history::DAYS_MAX) {
        let limit = history::DAYS_MAX;
        reader.violation(
            &Path::root("from_date"),
            format_args!("it lies at most {limit} days before until_date"),
        );
    }
    let (from_date, until_date) = (from.to_string(), until.to_string());
    let bare = v1::FindPaymentsRequest {
        from_date,
        until_date,
        page_size: 0,
        page_token: String::new(),
        ..wire.clone()
    };
    let page = read_page(&mut reader, node, bare.encode_to_vec(), wire.page_size, &wire.page_token);
    let asked =
        (|| Some(FindAsked { end_to_end_id: end_to_end_id?, bank, days: (from, until), page: page? }))();
    let asked = reader.finish(asked).map_err(invalid)?;
    check_bank(caller, bank)?;
    Ok(asked)
}

/// How far back a reference is looked for if the request does not say.
const DAYS_USUAL: i32 = 31;

pub(super) fn read_entries(node: &Node, wire: &v1::ListEntriesRequest) -> Result<EntriesAsked, Status> {
    use v1::list_entries_request::Owner;
    let mut reader = FieldReader::new();
    let named = match &wire.owner {
        Some(Owner::Account(account)) => read_account(&mut reader, account),
        Some(Owner::Position(position)) => read_position(&mut reader, position),
        Some(Owner::TechnicalAccount(position)) => read_technical_account(&mut reader, position),
        None => {
            reader.missing(&Path::root("owner"));
            None
        }
    };
    let from = reader.optional_timestamp(&Path::root("from_time"), wire.from_time.as_ref());
    let until = reader.optional_timestamp(&Path::root("until_time"), wire.until_time.as_ref());
    let bare = v1::ListEntriesRequest { page_size: 0, page_token: String::new(), ..wire.clone() };
    let page = read_page(&mut reader, node, bare.encode_to_vec(), wire.page_size, &wire.page_token);
    let asked = (|| {
        let (whose, page) = (named?.on(node), page?);
        Some(EntriesAsked { whose, time: (from, until), order: order(wire.oldest_first), page })
    })();
    reader.finish(asked).map_err(invalid)
}

pub(super) fn read_balance(wire: &v1::GetBalanceRequest) -> Result<(Named, Moment), Status> {
    use v1::get_balance_request::{Moment as WireMoment, Owner};
    let mut reader = FieldReader::new();
    let named = match &wire.owner {
        Some(Owner::Account(account)) => read_account(&mut reader, account),
        Some(Owner::Position(position)) => read_position(&mut reader, position),
        Some(Owner::TechnicalAccount(position)) => read_technical_account(&mut reader, position),
        None => {
            reader.missing(&Path::root("owner"));
            None
        }
    };
    let moment = match &wire.moment {
        Some(WireMoment::Time(time)) => {
            reader.optional_timestamp(&Path::root("time"), Some(time)).map(Moment::Time)
        }
        Some(WireMoment::Sequence(sequence)) => Some(Moment::Position(types::Sequence(*sequence))),
        None => {
            reader.missing(&Path::root("moment"));
            None
        }
    };
    reader.finish((|| Some((named?, moment?)))()).map_err(invalid)
}

pub(super) fn read_account(reader: &mut FieldReader, wire: &v1::AccountName) -> Option<Named> {
    let path = Path::root("account");
    let iban = reader.iban(&path.field("iban"), &wire.iban);
    let currency = reader.currency(&path.field("currency_code"), &wire.currency_code);
    Some(Named::Account(iban?, currency?))
}

pub(super) fn read_position(reader: &mut FieldReader, wire: &v1::PositionName) -> Option<Named> {
    let (bic, currency) = read_position_name(reader, &Path::root("position"), wire)?;
    Some(Named::Position(bic, currency))
}

/// It is named by the position that it stands beside.
pub(super) fn read_technical_account(reader: &mut FieldReader, wire: &v1::PositionName) -> Option<Named> {
    let (bic, currency) = read_position_name(reader, &Path::root("technical_account"), wire)?;
    Some(Named::Technical(bic, currency))
}

fn read_position_name(
    reader: &mut FieldReader,
    path: &Path<'_>,
    wire: &v1::PositionName,
) -> Option<(Bic, Currency)> {
    let bic = reader.bic(&path.field("bic"), &wire.bic);
    let currency = reader.currency(&path.field("currency_code"), &wire.currency_code);
    Some((bic?, currency?))
}

fn read_states(reader: &mut FieldReader, wire: &[i32]) -> Vec<PaymentState> {
    let mut states = Vec::new();
    for status in wire.iter().take(STATES_MAX) {
        let state = v1::PaymentStatus::try_from(*status).ok().and_then(client::convert::payment_state);
        match state {
            Some(state) => states.push(state),
            None => reader.violation(&Path::root("statuses"), "one of them is no status of a payment"),
        }
    }
    if wire.len() > STATES_MAX {
        reader.violation(&Path::root("statuses"), "there are more of them than there are statuses");
    }
    states
}

/// There are so many.
const STATES_MAX: usize = 5;

fn read_amount(
    reader: &mut FieldReader,
    path: &Path<'_>,
    text: &str,
    currency: Option<Currency>,
) -> Option<Amount> {
    let currency = currency?;
    if text.is_empty() {
        return None;
    }
    Amount::parse(text, currency).map_err(|fault| reader.violation(path, fault)).ok()
}

/// The bank whose payments are asked for. Whoever acts for several has to say which.
pub(super) fn bank_asked(reader: &mut FieldReader, caller: &Caller, named: Option<Bic>) -> Option<Bic> {
    if named.is_some() || caller.sees_everything() {
        return named;
    }
    let only = caller.only_bank();
    if only.is_none() {
        reader.missing(&Path::root("participant"));
    }
    only
}

pub(super) fn check_bank(caller: &Caller, bank: Option<Bic>) -> Result<(), Status> {
    let is_own = bank.map_or_else(|| caller.sees_everything(), |bank| caller.may_see(bank));
    if is_own { Ok(()) } else { Err(bank_not_yours().into_status()) }
}

const fn order(oldest_first: bool) -> Order {
    if oldest_first { Order::OldestFirst } else { Order::NewestFirst }
}

fn read_page(
    reader: &mut FieldReader,
    node: &Node,
    question: Vec<u8>,
    size: u32,
    token: &str,
) -> Option<PageAsked> {
    if size > PAGE_SIZE_MAX {
        reader.violation(&Path::root("page_size"), format_args!("a page has at most {PAGE_SIZE_MAX} rows"));
    }
    let size = if size == 0 { PAGE_SIZE_USUAL } else { size };
    let size = usize::try_from(size).expect("it is small");
    // A restore gives positions anew, and with them the places of pages.
    let life = node.handle.lives().last().incarnation.0;
    let question: Vec<u8> = question.into_iter().chain(life.to_le_bytes()).collect();
    if token.is_empty() {
        return Some(PageAsked { after: None, size, question });
    }
    let after = token::read(node.handle.digest_key(), &question, token);
    if after.is_none() {
        reader.violation(&Path::root("page_token"), "it was not given out for this question");
    }
    after.map(|after| PageAsked { after: Some(after), size, question })
}
