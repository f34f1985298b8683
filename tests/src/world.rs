//! A small world: four banks, and customers with money.
//!
//! Every writing call names itself by what it does, so a world can be set up again without harm.

use client::v1;
use tonic::Status;
use types::Iban;

use crate::Api;

/// A hosted bank in Belgium.
pub const ALFA: &str = "ALFABEBBXXX";
/// A hosted bank in Germany.
pub const BETA: &str = "BETADEFFXXX";
/// A French bank that keeps its accounts in its own system.
pub const GAMMA: &str = "GAMAFRPPXXX";
/// A Dutch bank with some accounts here and some in its own system.
pub const MIXED: &str = "MIXDNL2AXXX";

/// What every customer of the world starts with.
pub const OPENING_BALANCE: &str = "1000.00";

/// Sets up banks and customers.
#[derive(Clone, Debug)]
pub struct World {
    api: Api,
}

impl World {
    /// The world as these clients may change it.
    pub const fn of(api: Api) -> Self {
        Self { api }
    }

    /// The banks ALFA and BETA with a position of 1,000,000.00 each, and the customers 1 to `customers` of both
    /// with [`OPENING_BALANCE`].
    pub async fn set_up(api: &Api, customers: u32) -> Self {
        let world = Self { api: api.clone() };
        for bank in [ALFA, BETA] {
            world.register(bank, v1::AccountMode::Hosted).await;
            world.fund(bank, "1000000.00").await;
        }
        for number in 1..=customers {
            world.customer(ALFA, &belgian(number)).await;
            world.customer(BETA, &german(number)).await;
        }
        world
    }

    /// Registers a bank.
    pub async fn register(&self, bic: &str, mode: v1::AccountMode) {
        let request = v1::RegisterParticipantRequest {
            request_id: format!("register-{bic}"),
            bic: bic.to_owned(),
            name: format!("Bank {bic}"),
            account_mode: mode.into(),
            currency_code: "EUR".to_owned(),
        };
        self.api.participants().register_participant(request).await.expect("the bank is new");
    }

    /// Raises a bank's position.
    pub async fn fund(&self, bic: &str, amount: &str) {
        let request = v1::FundRequest {
            request_id: format!("fund-{bic}-{amount}"),
            bic: bic.to_owned(),
            amount: Some(money(amount)),
            external_reference: format!("FUND-{amount}"),
        };
        self.api.liquidity().fund(request).await.expect("the bank is registered");
    }

    /// Opens a current account with [`OPENING_BALANCE`].
    pub async fn customer(&self, bic: &str, iban: &str) {
        self.open(account(bic, iban)).await.expect("the account is new");
        self.post(iban, v1::EntryDirection::Credit, OPENING_BALANCE).await.expect("the account is active");
    }

    /// Opens an account.
    pub async fn open(&self, account: v1::NewAccount) -> Result<v1::Confirmation, Status> {
        let request = v1::OpenAccountRequest {
            request_id: format!("open-{}-{}", account.iban, account.currency_code),
            account: Some(account),
        };
        let reply = self.api.accounts().open_account(request).await?.into_inner();
        Ok(reply.confirmation.expect("a reply has its confirmation"))
    }

    /// Books an entry of the bank's own system and tells the balance afterwards.
    pub async fn post(
        &self,
        iban: &str,
        direction: v1::EntryDirection,
        amount: &str,
    ) -> Result<String, Status> {
        let request = v1::PostEntryRequest {
            request_id: format!("post-{iban}-{amount}-{}", direction.as_str_name()),
            iban: iban.to_owned(),
            amount: Some(money(amount)),
            direction: direction.into(),
            value_date: "2026-11-23".to_owned(),
            booking_key: "SALARY".to_owned(),
            core_reference: "CORE-1".to_owned(),
        };
        Ok(self.api.accounts().post_entry(request).await?.into_inner().balance)
    }

    /// Suspends a bank or lets it take part again. `attempt` keeps one change apart from the next.
    pub async fn set_bank_status(&self, bic: &str, status: v1::ParticipantStatus, attempt: u32) {
        let request = v1::SetParticipantStatusRequest {
            request_id: format!("status-{bic}-{attempt}"),
            bic: bic.to_owned(),
            status: status.into(),
        };
        self.api.participants().set_participant_status(request).await.expect("the bank is registered");
    }

    /// Registers [`GAMMA`], a bank that keeps its accounts itself.
    pub async fn remote_bank(&self) {
        self.register(GAMMA, v1::AccountMode::Remote).await;
        self.fund(GAMMA, "1000.00").await;
    }

    /// Says about which payments of its accounts here a bank decides itself. `attempt` keeps one change apart from the
    /// next.
    pub async fn set_policy(&self, bic: &str, policy: v1::DecisionPolicy, attempt: u32) {
        let request = v1::SetDecisionPolicyRequest {
            request_id: format!("policy-{bic}-{attempt}"),
            bic: bic.to_owned(),
            policy: Some(policy),
        };
        self.api.participants().set_decision_policy(request).await.expect("the bank is registered");
    }

    /// Says how many questions a bank may have unanswered.
    pub async fn set_reservation_limit(&self, bic: &str, unanswered_max: u32) {
        let request = v1::SetReservationLimitRequest {
            request_id: format!("limit-{bic}-{unanswered_max}"),
            bic: bic.to_owned(),
            unanswered_max,
        };
        self.api.participants().set_reservation_limit(request).await.expect("the bank is registered");
    }

    /// Flags an account.
    pub async fn flag(&self, iban: &str) {
        let request = v1::SetAccountFlagRequest {
            request_id: format!("flag-{iban}"),
            iban: iban.to_owned(),
            currency_code: "EUR".to_owned(),
            flagged: true,
        };
        self.api.accounts().set_account_flag(request).await.expect("the account is open");
    }

    /// Sets what a customer allows for one payment and for a day; empty is no limit. `attempt` keeps one change apart from
    /// the next.
    pub async fn allow(&self, iban: &str, [per_payment, per_day]: [&str; 2], attempt: u32) {
        let request = v1::SetCustomerLimitRequest {
            request_id: format!("allow-{iban}-{attempt}"),
            iban: iban.to_owned(),
            currency_code: "EUR".to_owned(),
            per_payment: per_payment.to_owned(),
            per_day: per_day.to_owned(),
        };
        self.api.customers().set_customer_limit(request).await.expect("the account is open");
    }

    /// Restricts an account or frees it.
    pub async fn restrict(&self, iban: &str, restricted: bool, attempt: u32) {
        let request = v1::SetRestrictionRequest {
            request_id: format!("restrict-{iban}-{attempt}"),
            iban: iban.to_owned(),
            currency_code: "EUR".to_owned(),
            restricted,
        };
        self.api.customers().set_restriction(request).await.expect("the account is open");
    }

    /// Sets a bank's fees for ordinary and instant payments in euro.
    pub async fn set_fees(
        &self,
        bic: &str,
        [ordinary, instant]: [&str; 2],
        attempt: u32,
    ) -> Result<(), Status> {
        let (ordinary, instant) = (ordinary.to_owned(), instant.to_owned());
        let request = v1::SetFeesRequest {
            request_id: format!("fees-{bic}-{attempt}"),
            bic: bic.to_owned(),
            fees: Some(v1::Fees { currency_code: "EUR".to_owned(), ordinary, instant }),
        };
        self.api.customers().set_fees(request).await.map(|_| ())
    }

    /// A payment of 100.00 is asked back as a duplicate: 98.00 of it comes back, and 2.00 is kept for that.
    pub async fn give_back(&self, payment_id: String) -> Result<(), Status> {
        let asked = v1::RequestRecallRequest {
            request_id: "ask".to_owned(),
            payment_id,
            reason_code: "DUPL".to_owned(),
            reference: "RECALL-1".to_owned(),
            ..Default::default()
        };
        let recall_id = self.api.recalls().request_recall(asked).await?.into_inner().recall_id;
        let back = v1::RecallReturn { amount: Some(money("98.00")), fee: "2.00".to_owned() };
        let answered = v1::AnswerRecallRequest {
            request_id: "back".to_owned(),
            recall_id,
            answer: Some(v1::answer_recall_request::Answer::Returned(back)),
            reference: "RETURN-1".to_owned(),
            ..Default::default()
        };
        self.api.recalls().answer_recall(answered).await.map(|_| ())
    }

    /// A bank puts 50.00 of its position aside, on its technical account.
    pub async fn put_aside(&self, bic: &str) -> Result<v1::Confirmation, Status> {
        let own =
            |r#type: v1::OwnAccountType| Some(v1::OwnAccount { bic: bic.to_owned(), r#type: r#type.into() });
        let moved = v1::TransferOwnFundsRequest {
            request_id: "aside".to_owned(),
            from: own(v1::OwnAccountType::Position),
            to: own(v1::OwnAccountType::Technical),
            amount: Some(money("50.00")),
            reference: "ASIDE-1".to_owned(),
        };
        let reply = self.api.liquidity().transfer_own_funds(moved).await?.into_inner();
        Ok(reply.confirmation.expect("what is done is confirmed"))
    }

    /// Blocks, frees or closes an account.
    pub async fn set_account_status(&self, iban: &str, status: v1::AccountStatus) -> Result<(), Status> {
        let request = v1::SetAccountStatusRequest {
            request_id: format!("status-{iban}-{}", status.as_str_name()),
            iban: iban.to_owned(),
            currency_code: "EUR".to_owned(),
            status: status.into(),
        };
        self.api.accounts().set_account_status(request).await.map(|_| ())
    }
}

/// The account of a customer of a Belgian bank.
pub fn belgian(number: u32) -> String {
    iban("BE", &format!("{number:012}"))
}

/// The account of a customer of a German bank.
pub fn german(number: u32) -> String {
    iban("DE", &format!("{number:018}"))
}

/// The account of a customer of a French bank.
pub fn french(number: u32) -> String {
    iban("FR", &format!("{number:023}"))
}

/// The account of a customer of a Dutch bank.
pub fn dutch(number: u32) -> String {
    iban("NL", &format!("MIXD{number:010}"))
}

fn iban(country: &str, account: &str) -> String {
    let iban = Iban::with_check_digits(country, account);
    iban.expect("the account follows its country's structure").as_str().to_owned()
}

/// An amount in euro.
pub fn money(amount: &str) -> v1::Money {
    v1::Money { amount: amount.to_owned(), currency_code: "EUR".to_owned() }
}

/// A current account in euro, to be opened.
pub fn account(bic: &str, iban: &str) -> v1::NewAccount {
    v1::NewAccount {
        participant: bic.to_owned(),
        iban: iban.to_owned(),
        currency_code: "EUR".to_owned(),
        r#type: v1::AccountType::Current.into(),
        floor: String::new(),
        holder_names: vec!["Ines Aerts".to_owned()],
        identification_code: String::new(),
    }
}

/// A person with a name.
pub fn party(name: &str) -> v1::Party {
    v1::Party { name: name.to_owned(), ..v1::Party::default() }
}

/// A payment from customer 1 of ALFA to a customer of [`GAMMA`], which is asked about it.
pub fn payment_to_remote(transaction_id: &str, amount: &str) -> v1::Payment {
    v1::Payment {
        creditor_agent: GAMMA.to_owned(),
        creditor_account: french(1),
        ..payment(transaction_id, amount)
    }
}

/// A payment from customer 1 of ALFA to customer 1 of BETA, whose time of receipt Solvo stamps.
pub fn payment(transaction_id: &str, amount: &str) -> v1::Payment {
    v1::Payment {
        debtor_agent: ALFA.to_owned(),
        transaction_id: transaction_id.to_owned(),
        creditor_agent: BETA.to_owned(),
        debtor_account: belgian(1),
        creditor_account: german(1),
        amount: Some(money(amount)),
        end_to_end_id: format!("E2E-{transaction_id}"),
        debtor: Some(party("Ines Aerts")),
        creditor: Some(party("Paul Brandt")),
        ..v1::Payment::default()
    }
}
