//! What can be asked about requests to pay.

use ledger::{Ledger, RequestToPay};
use types::{Bic, Currency, Iban, Sequence};

/// Which requests to pay.
#[derive(Clone, Copy, Debug)]
pub enum RequestsAsked {
    /// The one at this position.
    At(Sequence),
    /// Those to an account, in the order in which they were made.
    ToAccount {
        /// The account's number.
        iban: Iban,
        /// Its currency.
        currency: Currency,
        /// Only those behind this position.
        after: Sequence,
        /// So many at the most; above [`REQUESTS_ASKED_MAX`] means that many.
        count_max: usize,
    },
    /// Those of a bank, in the order in which they were made.
    OfBank {
        /// The bank.
        bank: Bic,
        /// Whose it is in them.
        side: RequestSide,
        /// Only those behind this position.
        after: Sequence,
        /// So many at the most; above [`REQUESTS_ASKED_MAX`] means that many.
        count_max: usize,
    },
}

/// Whose bank somebody is in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestSide {
    /// The payee's, which asks.
    Payee,
    /// The payer's, which answers.
    Payer,
}

/// How many requests to pay one answer may tell.
pub const REQUESTS_ASKED_MAX: usize = 256;

/// How many requests one question about a bank's looks at: less than a tenth of a millisecond.
const LOOKED_AT_MAX: usize = 2048;

/// A request to pay, and between whom it is.
#[derive(Clone, Copy, Debug)]
pub struct RequestFound {
    /// The request.
    pub request: RequestToPay,
    /// The payer's bank.
    pub payer_bank: Bic,
    /// The payee's bank.
    pub payee_bank: Bic,
    /// In which currency it is.
    pub currency: Currency,
}

/// Requests to pay, in order.
#[derive(Clone, Debug, Default)]
pub struct RequestsFound {
    /// The requests. There may be fewer than asked for although more follow.
    pub requests: Vec<RequestFound>,
    /// Behind which position more may follow; `None` if these were the last.
    pub more_after: Option<Sequence>,
}

impl RequestsAsked {
    pub(crate) const fn count_max(&self) -> usize {
        match self {
            Self::At(_) => 1,
            Self::ToAccount { count_max, .. } | Self::OfBank { count_max, .. } => *count_max,
        }
    }

    pub(crate) fn answer(&self, ledger: &Ledger) -> RequestsFound {
        match *self {
            Self::At(sequence) => {
                let request = ledger.request_to_pay(sequence);
                let requests = request.map(|request| found(ledger, request)).into_iter().collect();
                RequestsFound { requests, more_after: None }
            }
            Self::ToAccount { iban, currency, after, count_max } => {
                let setup = ledger.setup().expect("questions are taken after the log's first record");
                let account = ledger.account(&setup.digest_key, iban.as_str(), currency);
                let Some((number, _)) = account else { return RequestsFound::default() };
                collect(ledger, ledger.requests_to_account(number, after), count_max, |_| true)
            }
            Self::OfBank { bank, side, after, count_max } => {
                let all = ledger.requests_to_pay(after);
                collect(ledger, all, count_max, |found| match side {
                    RequestSide::Payee => found.payee_bank == bank,
                    RequestSide::Payer => found.payer_bank == bank,
                })
            }
        }
    }
}

fn found(ledger: &Ledger, request: RequestToPay) -> RequestFound {
    let (payer_bank, payee_bank) = ledger.banks_of(&request);
    let currency = ledger.account_by_number(request.payer()).currency();
    RequestFound { request, payer_bank, payee_bank, currency }
}

fn collect(
    ledger: &Ledger,
    mut requests: impl Iterator<Item = RequestToPay>,
    count_max: usize,
    is_wanted: impl Fn(&RequestFound) -> bool,
) -> RequestsFound {
    let count_max = count_max.clamp(1, REQUESTS_ASKED_MAX);
    let mut listed = Vec::new();
    let mut last = None;
    for request in requests.by_ref().take(LOOKED_AT_MAX) {
        last = Some(request.sequence());
        listed.extend(Some(found(ledger, request)).filter(&is_wanted));
        if listed.len() == count_max {
            break;
        }
    }
    let more_after = last.filter(|_| requests.next().is_some());
    RequestsFound { requests: listed, more_after }
}
