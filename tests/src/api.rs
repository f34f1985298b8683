//! Clients of every service on one connection, and the calls that nearly every test makes.
//!
//! These are the plain generated clients: nothing is repeated behind a test's back.

use std::net::SocketAddr;

use client::v1;
use client::v1::account_service_client::AccountServiceClient;
use client::v1::audit_service_client::AuditServiceClient;
use client::v1::calendar_service_client::CalendarServiceClient;
use client::v1::customer_service_client::CustomerServiceClient;
use client::v1::event_service_client::EventServiceClient;
use client::v1::history_service_client::HistoryServiceClient;
use client::v1::hold_service_client::HoldServiceClient;
use client::v1::iso20022_service_client::Iso20022ServiceClient;
use client::v1::liquidity_service_client::LiquidityServiceClient;
use client::v1::node_service_client::NodeServiceClient;
use client::v1::order_service_client::OrderServiceClient;
use client::v1::participant_service_client::ParticipantServiceClient;
use client::v1::payment_code_service_client::PaymentCodeServiceClient;
use client::v1::payment_service_client::PaymentServiceClient;
use client::v1::recall_service_client::RecallServiceClient;
use client::v1::receipt_service_client::ReceiptServiceClient;
use client::v1::record_service_client::RecordServiceClient;
use client::v1::report_service_client::ReportServiceClient;
use client::v1::request_service_client::RequestServiceClient;
use client::v1::statement_service_client::StatementServiceClient;
use client::v1::verification_service_client::VerificationServiceClient;
use tokio::task::JoinHandle;
use tonic::Status;
use tonic::transport::{Channel, Endpoint};

/// Clients of a node.
#[derive(Clone, Debug)]
pub struct Api {
    channel: Channel,
}

impl Api {
    /// Connects to a node.
    pub async fn connect(address: SocketAddr) -> Self {
        Self::connect_with(address, |endpoint| endpoint).await
    }

    /// Connects to a node with options of one's own.
    pub async fn connect_with(address: SocketAddr, options: impl FnOnce(Endpoint) -> Endpoint) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address makes a URI");
        let channel = options(endpoint).connect().await.expect("a node listens there");
        Self { channel }
    }

    /// Clients on a connection that is there.
    pub const fn over(channel: Channel) -> Self {
        Self { channel }
    }

    /// The connection, for clients of other services.
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// The client of `PaymentService`.
    pub fn payments(&self) -> PaymentServiceClient<Channel> {
        PaymentServiceClient::new(self.channel())
    }

    /// The client of `AccountService`.
    pub fn accounts(&self) -> AccountServiceClient<Channel> {
        AccountServiceClient::new(self.channel())
    }

    /// The client of `ParticipantService`.
    pub fn participants(&self) -> ParticipantServiceClient<Channel> {
        ParticipantServiceClient::new(self.channel())
    }

    /// The client of `CustomerService`.
    pub fn customers(&self) -> CustomerServiceClient<Channel> {
        CustomerServiceClient::new(self.channel())
    }

    /// The client of `CalendarService`.
    pub fn calendar(&self) -> CalendarServiceClient<Channel> {
        CalendarServiceClient::new(self.channel())
    }

    /// The client of `RecallService`.
    pub fn recalls(&self) -> RecallServiceClient<Channel> {
        RecallServiceClient::new(self.channel())
    }

    /// The client of `RequestService`.
    pub fn requests(&self) -> RequestServiceClient<Channel> {
        RequestServiceClient::new(self.channel())
    }

    /// The client of `HoldService`.
    pub fn holds(&self) -> HoldServiceClient<Channel> {
        HoldServiceClient::new(self.channel())
    }

    /// The client of `RecordService`.
    pub fn records(&self) -> RecordServiceClient<Channel> {
        RecordServiceClient::new(self.channel())
    }

    /// The client of `OrderService`.
    pub fn orders(&self) -> OrderServiceClient<Channel> {
        OrderServiceClient::new(self.channel())
    }

    /// The client of `LiquidityService`.
    pub fn liquidity(&self) -> LiquidityServiceClient<Channel> {
        LiquidityServiceClient::new(self.channel())
    }

    /// The client of `Iso20022Service`.
    pub fn iso20022(&self) -> Iso20022ServiceClient<Channel> {
        Iso20022ServiceClient::new(self.channel())
    }

    /// The client of `AuditService`.
    pub fn audit(&self) -> AuditServiceClient<Channel> {
        AuditServiceClient::new(self.channel())
    }

    /// The client of `ReceiptService`.
    pub fn receipts(&self) -> ReceiptServiceClient<Channel> {
        ReceiptServiceClient::new(self.channel())
    }

    /// The client of `VerificationService`.
    pub fn verification(&self) -> VerificationServiceClient<Channel> {
        VerificationServiceClient::new(self.channel())
    }

    /// The client of `PaymentCodeService`.
    pub fn payment_codes(&self) -> PaymentCodeServiceClient<Channel> {
        PaymentCodeServiceClient::new(self.channel())
    }

    /// The client of `EventService`.
    pub fn events(&self) -> EventServiceClient<Channel> {
        EventServiceClient::new(self.channel())
    }

    /// The client of `HistoryService`.
    pub fn history(&self) -> HistoryServiceClient<Channel> {
        HistoryServiceClient::new(self.channel())
    }

    /// The client of `StatementService`.
    pub fn statements(&self) -> StatementServiceClient<Channel> {
        StatementServiceClient::new(self.channel())
    }

    /// The client of `ReportService`.
    pub fn reports(&self) -> ReportServiceClient<Channel> {
        ReportServiceClient::new(self.channel())
    }

    /// The client of `NodeService`.
    pub fn node(&self) -> NodeServiceClient<Channel> {
        NodeServiceClient::new(self.channel())
    }

    /// Submits a payment and waits for its outcome.
    pub async fn submit(&self, payment: &v1::Payment) -> Result<v1::PaymentOutcome, Status> {
        let request = v1::SubmitPaymentRequest { payment: Some(payment.clone()), wait_ms: None };
        let reply = self.payments().submit_payment(request).await?.into_inner();
        Ok(reply.outcome.expect("a reply has its outcome"))
    }

    /// Submits a payment and waits so long for a final outcome.
    pub async fn submit_within(
        &self,
        payment: &v1::Payment,
        wait_ms: u32,
    ) -> Result<v1::PaymentOutcome, Status> {
        let request = v1::SubmitPaymentRequest { payment: Some(payment.clone()), wait_ms: Some(wait_ms) };
        let reply = self.payments().submit_payment(request).await?.into_inner();
        Ok(reply.outcome.expect("a reply has its outcome"))
    }

    /// Submits a payment and waits for its outcome, beside the test.
    pub fn submit_aside(&self, payment: &v1::Payment) -> JoinHandle<Result<v1::PaymentOutcome, Status>> {
        let (api, payment) = (self.clone(), payment.clone());
        tokio::spawn(async move { api.submit(&payment).await })
    }

    /// What the node says about itself.
    pub async fn node_status(&self) -> v1::GetNodeStatusResponse {
        let reply = self.node().get_node_status(v1::GetNodeStatusRequest {}).await;
        reply.expect("a node always tells its status").into_inner()
    }

    /// Asks what became of a payment, by its id.
    pub async fn by_id(&self, payment_id: &str) -> Result<v1::get_payment_response::Result, Status> {
        self.ask(v1::get_payment_request::Reference::PaymentId(payment_id.to_owned())).await
    }

    /// Asks what became of a payment, by what the payer's bank knows of it.
    pub async fn by_key(&self, payment: &v1::Payment) -> Result<v1::get_payment_response::Result, Status> {
        let key = v1::PaymentKey {
            debtor_agent: payment.debtor_agent.clone(),
            transaction_id: payment.transaction_id.clone(),
            acceptance_time: payment.acceptance_time,
        };
        self.ask(v1::get_payment_request::Reference::Key(key)).await
    }

    async fn ask(
        &self,
        reference: v1::get_payment_request::Reference,
    ) -> Result<v1::get_payment_response::Result, Status> {
        let request = v1::GetPaymentRequest { reference: Some(reference), wait_ms: None };
        let reply = self.payments().get_payment(request).await?.into_inner();
        Ok(reply.result.expect("an answer has its result"))
    }

    /// An account in euro.
    pub async fn account(&self, iban: &str) -> v1::Account {
        let request = v1::GetAccountRequest { iban: iban.to_owned(), currency_code: "EUR".to_owned() };
        let reply = self.accounts().get_account(request).await.expect("the account is open").into_inner();
        reply.account.expect("a reply has its account")
    }

    /// What is booked on an account in euro.
    pub async fn balance(&self, iban: &str) -> String {
        self.account(iban).await.balance
    }

    /// What is booked in a bank's position in euro.
    pub async fn position(&self, bic: &str) -> String {
        let request = v1::GetPositionRequest { bic: bic.to_owned(), currency_code: "EUR".to_owned() };
        let reply = self.liquidity().get_position(request).await.expect("the bank has a position");
        reply.into_inner().position.expect("a reply has its position").balance
    }

    /// Adds up every book and checks that money is conserved in each.
    pub async fn trial_balance(&self) -> v1::GetTrialBalanceResponse {
        let reply = self.audit().get_trial_balance(v1::GetTrialBalanceRequest {}).await;
        let reply = reply.expect("the books can be added up").into_inner();
        for book in &reply.books {
            assert_eq!(book.debit_total, book.credit_total, "{} {}", book.participant, book.currency_code);
            assert!(book.balance_total.bytes().all(|byte| matches!(byte, b'0' | b'.')), "{book:?}");
        }
        reply
    }

    /// How many payments have been settled since the log began.
    pub async fn settled_count(&self) -> u64 {
        let books = self.trial_balance().await;
        let settled = books.payments.iter().filter(|total| total.status() == v1::PaymentStatus::Settled);
        settled.map(|total| total.payment_count).sum()
    }
}

/// The outcome in an answer to a question.
///
/// # Panics
/// If the payment was not found.
pub fn outcome_of(answer: v1::get_payment_response::Result) -> v1::PaymentOutcome {
    match answer {
        v1::get_payment_response::Result::Outcome(outcome) => outcome,
        v1::get_payment_response::Result::NotFound(not_found) => panic!("not found: {not_found:?}"),
    }
}

/// The outcome of a settled payment as its first attempt got it: not marked as a repeat.
///
/// # Panics
/// If the payment was not settled.
pub fn settled(outcome: v1::PaymentOutcome) -> v1::PaymentOutcome {
    assert_eq!(outcome.status(), v1::PaymentStatus::Settled, "{}", outcome.reason_code);
    v1::PaymentOutcome { repeat: false, ..outcome }
}
