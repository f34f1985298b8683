//! What can be asked about holds, and about the records that gateways keep.

use ledger::{Hold, KeptRecord, Ledger, RecordKey, RecordOwner};
use types::{Bic, Currency, Iban, Sequence};

/// Which holds.
#[derive(Clone, Copy, Debug)]
pub enum HoldsAsked {
    /// The open one at this position.
    At(Sequence),
    /// The open ones of an account, in the order in which they were placed.
    OfAccount {
        /// The account's number.
        iban: Iban,
        /// Its currency.
        currency: Currency,
        /// Only those behind this position.
        after: Sequence,
        /// So many at the most; above [`HOLDS_ASKED_MAX`] means that many.
        count_max: usize,
    },
}

/// How many holds, or records of gateways, one answer may tell.
pub const HOLDS_ASKED_MAX: usize = 256;

/// A hold, and where it is.
#[derive(Clone, Copy, Debug)]
pub struct HoldFound {
    /// The hold.
    pub hold: Hold,
    /// The bank that keeps its account.
    pub bank: Bic,
    /// The account's currency.
    pub currency: Currency,
}

/// Which records.
#[derive(Clone, Debug)]
pub enum KeptAsked {
    /// The one with this key.
    One {
        /// Whose.
        owner: RecordOwner,
        /// Its key.
        key: RecordKey,
    },
    /// Those whose keys begin so, in the order of their keys.
    Listed {
        /// Whose.
        owner: RecordOwner,
        /// With these characters.
        prefix: Box<str>,
        /// Only those behind this key.
        after: Option<RecordKey>,
        /// So many at the most; above [`HOLDS_ASKED_MAX`] means that many.
        count_max: usize,
    },
    /// Everybody's, in the order of banks, name spaces and keys, at most [`RECORDS_LOOKED_AT_MAX`].
    All {
        /// Only those behind this one.
        after: Option<Box<KeptRecord>>,
    },
}

/// How many of everybody's records one question looks at: less than a tenth of a millisecond.
pub const RECORDS_LOOKED_AT_MAX: usize = 512;

/// A record of a gateway, and whose it is.
#[derive(Clone, Copy, Debug)]
pub struct KeptFound {
    /// What is known of it. Its bytes stand in the log.
    pub record: KeptRecord,
    /// The bank.
    pub bank: Bic,
}

impl HoldsAsked {
    pub(crate) const fn count_max(&self) -> usize {
        match self {
            Self::At(_) => 1,
            Self::OfAccount { count_max, .. } => *count_max,
        }
    }

    pub(crate) fn answer(&self, ledger: &Ledger) -> Vec<HoldFound> {
        let found = |hold: &Hold, bank| {
            let currency = ledger.account_by_number(hold.account()).currency();
            HoldFound { hold: *hold, bank, currency }
        };
        match *self {
            Self::At(sequence) => {
                let hold = ledger.hold(sequence);
                hold.map(|(hold, bank)| found(hold, bank)).into_iter().collect()
            }
            Self::OfAccount { iban, currency, after, count_max } => {
                let setup = ledger.setup().expect("questions are taken after the log's first record");
                let account = ledger.account(&setup.digest_key, iban.as_str(), currency);
                let Some((number, account)) = account else { return Vec::new() };
                let bank = ledger.participant_by_number(account.owner()).bic();
                let holds = ledger.holds_of(number, after).take(count_max.min(HOLDS_ASKED_MAX));
                holds.map(|hold| found(hold, bank)).collect()
            }
        }
    }
}

impl KeptAsked {
    pub(crate) const fn count_max(&self) -> usize {
        match self {
            Self::One { .. } => 1,
            Self::Listed { count_max, .. } => *count_max,
            Self::All { .. } => RECORDS_LOOKED_AT_MAX,
        }
    }

    pub(crate) fn answer(&self, ledger: &Ledger) -> Vec<KeptFound> {
        let found = |record: &KeptRecord| {
            let bank = ledger.participant_by_number(record.bank()).bic();
            KeptFound { record: *record, bank }
        };
        match self {
            Self::One { owner, key } => ledger.kept_record(owner, key).map(found).into_iter().collect(),
            Self::Listed { owner, prefix, after, count_max } => {
                let listed = ledger.kept_records(owner, prefix, *after);
                listed.take((*count_max).min(HOLDS_ASKED_MAX)).map(found).collect()
            }
            Self::All { after } => {
                let all = ledger.all_kept_records(after.as_deref());
                all.take(RECORDS_LOOKED_AT_MAX).map(found).collect()
            }
        }
    }
}
