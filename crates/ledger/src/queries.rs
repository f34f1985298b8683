//! What can be read from the ledger. Every answer is of the last position applied.

use types::{
    AccountNumber, Bic, Currency, DigestKey, Duration, ParticipantNumber, PaymentState, Sequence, Timestamp,
};

use crate::{Account, Ledger, Participant, Payment, layout};

/// The answer to the question what became of a payment.
#[derive(Clone, Copy, Debug)]
pub enum PaymentAnswer {
    /// It is known.
    Found(Payment),
    /// It is not known.
    NotFound {
        /// Whether it can still arrive and be decided: no, once its deadline has passed in log time.
        is_final: bool,
    },
    /// It is older than what is kept, so nothing can be said.
    Forgotten,
}

/// One book's totals, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookTotals {
    /// Whose book; `None` is the settlement book.
    pub owner: Option<Bic>,
    /// Its currency.
    pub currency: Currency,
    /// How many accounts it has.
    pub accounts: u64,
    /// The sum of the balances above zero.
    pub credit_balances: i128,
    /// The sum of the balances below zero, as a positive number.
    pub debit_balances: i128,
    /// What is reserved.
    pub reserved: i128,
    /// What is held.
    pub held: i128,
}

impl BookTotals {
    /// What the balances sum to: zero, always.
    pub const fn sum(&self) -> i128 {
        self.credit_balances - self.debit_balances
    }
}

/// How many payments have ended in each state since the log began, and how many wait; repeats are not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentTotals {
    /// Waiting for an answer now.
    pub reserved: u64,
    /// Booked.
    pub settled: u64,
    /// Refused.
    pub rejected: u64,
    /// Without an answer in time.
    pub expired: u64,
}

impl Ledger {
    /// Whether a request with this id, as its digest, is remembered, whatever came of it.
    pub fn knows_request(&self, id_digest: [u8; 16]) -> bool {
        self.requests.find(&layout::Request { id_digest, body_digest: [0; 16] }).is_some()
    }

    /// A customer's account.
    pub fn account(
        &self,
        key: &DigestKey,
        iban: &str,
        currency: Currency,
    ) -> Option<(AccountNumber, &Account)> {
        let number = self.accounts.find(AccountNumber(0), key.iban(iban), currency)?;
        Some((number, self.accounts.get(number)))
    }

    /// The account with this number.
    pub fn account_by_number(&self, number: AccountNumber) -> &Account {
        self.accounts.get(number)
    }

    /// A participant.
    pub fn participant(&self, bic: Bic) -> Option<(ParticipantNumber, &Participant)> {
        let number = self.participants.find(bic)?;
        Some((number, self.participants.get(number)))
    }

    /// The participant with this number.
    pub fn participant_by_number(&self, number: ParticipantNumber) -> &Participant {
        self.participants.get(number)
    }

    /// All participants in the order of registration.
    pub fn participants(&self) -> impl Iterator<Item = (ParticipantNumber, &Participant)> {
        self.participants.iter()
    }

    /// All accounts in the order of their numbers.
    pub fn accounts(&self) -> impl Iterator<Item = (AccountNumber, &Account)> {
        (1..).map(AccountNumber).zip(self.accounts.iter())
    }

    /// How many accounts there are, internal ones included.
    pub fn account_count(&self) -> usize {
        self.accounts.count()
    }

    /// How many payments are kept.
    pub fn payment_count(&self) -> usize {
        self.payments.count()
    }

    /// How many other requests are kept.
    pub fn request_count(&self) -> usize {
        self.requests.count()
    }

    /// The payment at this position, if it is kept.
    pub fn payment(&self, sequence: Sequence) -> Option<&Payment> {
        self.payments.at(sequence)
    }

    /// What became of the payment at this position.
    pub fn payment_at(&self, sequence: Sequence) -> PaymentAnswer {
        match self.payments.at(sequence) {
            Some(payment) => PaymentAnswer::Found(*payment),
            None if sequence > self.position().sequence => PaymentAnswer::NotFound { is_final: false },
            None if self.payments.floor().is_some_and(|floor| sequence < floor) => PaymentAnswer::Forgotten,
            None => PaymentAnswer::NotFound { is_final: true },
        }
    }

    /// What became of the payment with this key. Without its acceptance time nobody can say that it will never
    /// come, because Solvo may yet stamp it.
    pub fn payment_by_key(
        &self,
        bank: Bic,
        transaction_id: &str,
        accepted: Option<Timestamp>,
    ) -> PaymentAnswer {
        if let Some(payment) = self.payments.find(bank, transaction_id.as_bytes()) {
            return PaymentAnswer::Found(*payment);
        }
        // A payment may be accepted ahead of its frame's time, so what was received before the window, and may be
        // forgotten, was accepted up to the tolerance inside it.
        let window_start = self.position().time.minus(crate::limits::DUPLICATE_WINDOW);
        let tolerance =
            self.profiles.iter().map(|profile| profile.future_tolerance).max().unwrap_or_default();
        match accepted {
            Some(accepted) if accepted < window_start.plus(tolerance) && self.payments.floor().is_some() => {
                PaymentAnswer::Forgotten
            }
            Some(accepted) => {
                PaymentAnswer::NotFound { is_final: self.deadline(accepted) <= self.position().time }
            }
            None => PaymentAnswer::NotFound { is_final: false },
        }
    }

    /// From when on no payment accepted at this time can be taken any more, under any profile.
    pub fn deadline(&self, accepted: Timestamp) -> Timestamp {
        let deadlines = self.profiles.iter().map(|profile| profile.deadline(accepted));
        deadlines.max().expect("a log sets a profile before anything is asked")
    }

    /// By when a payment accepted at this time is confirmed at the latest, under any profile.
    pub fn confirmation_due(&self, accepted: Timestamp) -> Timestamp {
        let due = self.profiles.iter().map(|profile| accepted.plus(profile.confirmation));
        due.max().expect("a log sets a profile before anything is asked")
    }

    /// For how long a bank still counts as connected after its last connection has ended: the longest of all profiles.
    pub fn offline_grace(&self) -> Duration {
        self.profiles.iter().map(|profile| profile.offline_grace).max().unwrap_or_default()
    }

    /// How many payments have ended in each state, and how many wait.
    pub const fn payment_totals(&self) -> PaymentTotals {
        let [reserved, settled, rejected, expired, _] = self.payments.counts();
        PaymentTotals { reserved, settled, rejected, expired }
    }

    /// The totals of every book. This walks all accounts.
    pub fn trial_balance(&self) -> Vec<BookTotals> {
        let empty = |owner, currency| BookTotals {
            owner,
            currency,
            accounts: 0,
            credit_balances: 0,
            debit_balances: 0,
            reserved: 0,
            held: 0,
        };
        let mut books: Vec<BookTotals> =
            self.participants.funding_accounts().map(|(currency, _)| empty(None, currency)).collect();
        let mut first_book = Vec::new();
        for (_, participant) in self.participants.iter() {
            first_book.push(books.len());
            books.extend(participant.books.iter().map(|book| empty(Some(participant.bic()), book.currency)));
        }
        for account in self.accounts.iter() {
            let start = match account.is_in_settlement_book() {
                true => 0,
                false => first_book[usize::try_from(account.owner().0 - 1).expect("32 bits")],
            };
            let book = books[start..].iter_mut().find(|book| book.currency == account.currency());
            let book = book.expect("an account has a book in its currency");
            book.accounts += 1;
            let balance = i128::from(account.balance());
            book.credit_balances += balance.max(0);
            book.debit_balances += (-balance).max(0);
            book.reserved += i128::from(account.reserved());
            book.held += i128::from(account.held());
        }
        books
    }

    /// Walks everything and checks what must always hold. For tests, simulation and `verify`.
    ///
    /// # Panics
    /// If an invariant does not hold.
    pub fn validate(&self) {
        for book in self.trial_balance() {
            assert!(book.sum() == 0, "a book sums to zero");
            assert!(book.reserved >= 0, "what is reserved is never negative");
        }
        for account in self.accounts.iter() {
            assert!(account.available() >= account.floor(), "available funds stay at or above the floor");
            assert!(account.reserved() >= 0, "what is reserved is never negative");
            assert!(account.held() >= 0, "what is held is never negative");
        }
        let counted: u64 = self.payments.counts().iter().sum();
        let kept = u64::try_from(self.payments.count()).expect("64 bits");
        assert!(kept <= counted, "every payment that is kept was counted once");
        self.payments.sealed.validate();
        self.recalls.validate();
        self.validate_holds();
        self.validate_orders();
        self.kept.validate();
        self.activations.validate();
        self.posting_maps.validate();
        self.validate_exceptions();
        self.validate_requests_to_pay();
        let unsealed = self.reservations.iter().all(|waits| waits.sequence > self.sealed_upto());
        assert!(unsealed, "what waits for an answer is not sealed");
        self.validate_reservations();
        self.validate_customers();
        self.validate_limits();
    }
}

impl PaymentTotals {
    /// The number of payments in this state.
    pub const fn of(&self, state: PaymentState) -> u64 {
        match state {
            PaymentState::Reserved => self.reserved,
            PaymentState::Settled => self.settled,
            PaymentState::Rejected => self.rejected,
            PaymentState::Expired => self.expired,
            PaymentState::Unresolved => 0,
        }
    }
}

#[cfg(test)]
#[path = "queries_tests.rs"]
mod tests;
