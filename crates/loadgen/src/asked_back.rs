//! Payments of the demo's customers that are asked back: sent twice and returned, kept by a payee who does not agree, and
//! returned less a fee.
//!
//! Invariant: what each recall came to, and what both customers have in the end, is compared with what it should be.

use std::fmt;
use std::time::Duration;

use client::v1::ErrorReason;
use client::v1::answer_recall_request::Answer;
use client::{Client, ClientError, v1};
use types::Iban;

use crate::world::{BANKS, customer_iban};
use crate::{Bank, LoadgenError, RunId};

/// The payer's bank and the payee's.
const PAYER_BANK: &Bank = &BANKS[0];
const PAYEE_BANK: &Bank = &BANKS[1];

/// Of both banks. The other parts of the demo leave them alone.
const CUSTOMER: u32 = 900;

/// How often it is asked whether the node has set its calendar, and how long is waited in between.
const CALENDAR_ASKED_MAX: u32 = 100;
const CALENDAR_PAUSE: Duration = Duration::from_millis(100);

/// What both customers have in the end: each began with 10,000.00.
const PAYER_HAS: &str = "9958.50";
const PAYEE_HAS: &str = "10040.00";

/// A payment, why it is asked back, and what is answered.
struct Case {
    amount: &'static str,
    reason: &'static str,
    /// What goes back and the fee, or why nothing does.
    answer: Result<(&'static str, &'static str), &'static str>,
    has_consent: bool,
}

const CASES: [Case; 3] = [
    Case { amount: "25.00", reason: "DUPL", answer: Ok(("25.00", "")), has_consent: false },
    Case { amount: "40.00", reason: "CUST", answer: Err("CUST"), has_consent: false },
    Case { amount: "60.00", reason: "AC03", answer: Ok(("58.50", "1.50")), has_consent: true },
];

/// What the recalls came to.
#[derive(Clone, Debug)]
pub struct AskedBack {
    /// The recalls with their answers.
    pub recalls: Vec<v1::Recall>,
    /// The payee of all of them.
    pub payee: Iban,
    /// What the payee has in the end, in euro.
    pub payee_balance: String,
    /// What is not as it should be, each as a sentence.
    pub differences: Vec<String>,
}

impl AskedBack {
    /// Whether everything came to what it should.
    pub fn passed(&self) -> bool {
        self.differences.is_empty()
    }
}

/// Makes the payments, asks each back, and answers as the payee's bank does: from its work list. The world has to be set up,
/// and the node to keep its calendar. Must be called within a tokio runtime.
///
/// # Errors
/// If the node can't be reached, does not set its calendar within ten seconds, or refuses a step.
pub async fn ask_back(client: &Client, run: &RunId) -> Result<AskedBack, LoadgenError> {
    until_calendar(client).await?;
    let payee = customer_iban(PAYEE_BANK, CUSTOMER);
    let mut told =
        AskedBack { recalls: Vec::new(), payee, payee_balance: String::new(), differences: Vec::new() };
    for case in &CASES {
        let payment_id = pay(client, run, case).await?;
        request(client, format!("{run}-ask-{}", case.reason), &payment_id, case.reason)
            .await
            .map_err(LoadgenError::node("asking a payment back"))?;
        let again = request(client, format!("{run}-again-{}", case.reason), &payment_id, "FRAD").await;
        if !matches!(&again, Err(ClientError::NotDone(refusal)) if refusal.reason == ErrorReason::RecallExists)
        {
            told.differences.push(format!("payment {payment_id} was asked back a second time"));
        }
        let open = work_list(client).await?;
        let Some(recall) = open.into_iter().find(|recall| recall.payment_id == payment_id) else {
            return Err(LoadgenError::Contract("a recall that is on no work list"));
        };
        let recall = answer(client, run, case, recall.recall_id).await?;
        if let Some(difference) = difference(case, &recall) {
            told.differences.push(difference);
        }
        told.recalls.push(recall);
    }
    // The payee is the last.
    for (bank, expected) in [(PAYER_BANK, PAYER_HAS), (PAYEE_BANK, PAYEE_HAS)] {
        let has = balance(client, &customer_iban(bank, CUSTOMER)).await?;
        if has != expected {
            let bank = bank.bic_text();
            told.differences.push(format!("the customer of {bank} has {has} and should have {expected}"));
        }
        told.payee_balance = has;
    }
    Ok(told)
}

/// Waits until the node has set the closing days, which it does as soon as it serves.
async fn until_calendar(client: &Client) -> Result<(), LoadgenError> {
    for _ in 0..CALENDAR_ASKED_MAX {
        let calendar = client.get_calendar(v1::GetCalendarRequest {}).await;
        let calendar = calendar.map_err(LoadgenError::node("reading the calendar"))?;
        if !calendar.business_date.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(CALENDAR_PAUSE).await;
    }
    Err(LoadgenError::Contract("a node that keeps its calendar sets no closing days"))
}

async fn pay(client: &Client, run: &RunId, case: &Case) -> Result<String, LoadgenError> {
    let party = |name: &str| Some(v1::Party { name: name.to_owned(), ..Default::default() });
    let iban = |bank| customer_iban(bank, CUSTOMER).as_str().to_owned();
    let payment = v1::Payment {
        debtor_agent: PAYER_BANK.bic_text().to_owned(),
        transaction_id: format!("{run}-BACK-{}", case.reason),
        creditor_agent: PAYEE_BANK.bic_text().to_owned(),
        debtor_account: iban(PAYER_BANK),
        creditor_account: iban(PAYEE_BANK),
        amount: Some(money(case.amount)),
        end_to_end_id: "NOTPROVIDED".to_owned(),
        debtor: party("Demo Customer"),
        creditor: party("Demo Payee"),
        ..Default::default()
    };
    let request = v1::SubmitPaymentRequest { payment: Some(payment), wait_ms: None };
    let reply = client.submit_payment(request).await;
    let outcome = reply.map_err(LoadgenError::node("paying what is asked back"))?.outcome;
    let settled = outcome.filter(|outcome| outcome.status() == v1::PaymentStatus::Settled);
    Ok(settled.ok_or(LoadgenError::Contract("a customer with money who can't pay"))?.payment_id)
}

async fn request(
    client: &Client,
    request_id: String,
    payment_id: &str,
    reason: &str,
) -> Result<v1::RequestRecallResponse, ClientError> {
    let request = v1::RequestRecallRequest {
        request_id,
        payment_id: payment_id.to_owned(),
        reason_code: reason.to_owned(),
        reference: format!("DEMO-ASK-{reason}"),
        ..Default::default()
    };
    client.request_recall(request).await
}

async fn work_list(client: &Client) -> Result<Vec<v1::Recall>, LoadgenError> {
    let bic = PAYEE_BANK.bic_text().to_owned();
    let listed = client.list_open_recalls(v1::ListOpenRecallsRequest { bic, ..Default::default() }).await;
    Ok(listed.map_err(LoadgenError::node("reading a work list"))?.recalls)
}

async fn answer(
    client: &Client,
    run: &RunId,
    case: &Case,
    recall_id: String,
) -> Result<v1::Recall, LoadgenError> {
    let answer = match case.answer {
        Ok((amount, fee)) => {
            let amount = Some(money(amount));
            Answer::Returned(v1::RecallReturn { amount, fee: fee.to_owned() })
        }
        Err(code) => Answer::RefusalCode(code.to_owned()),
    };
    let request = v1::AnswerRecallRequest {
        request_id: format!("{run}-answer-{}", case.reason),
        recall_id,
        answer: Some(answer),
        payee_consent: case.has_consent,
        reference: format!("DEMO-ANSWER-{}", case.reason),
        ..Default::default()
    };
    let answered = client.answer_recall(request).await.map_err(LoadgenError::node("answering a recall"))?;
    answered.recall.ok_or(LoadgenError::Contract("an answered recall that is not told"))
}

async fn balance(client: &Client, iban: &Iban) -> Result<String, LoadgenError> {
    let (iban, currency_code) = (iban.as_str().to_owned(), "EUR".to_owned());
    let found = client.get_account(v1::GetAccountRequest { iban, currency_code }).await;
    let account = found.map_err(LoadgenError::node("reading an account"))?.account;
    Ok(account.ok_or(LoadgenError::Contract("an account that is not told"))?.balance)
}

/// What a recall came to that it should not have, if anything.
fn difference(case: &Case, recall: &v1::Recall) -> Option<String> {
    let amount = recall.returned_amount.as_ref().map_or("", |money| money.amount.as_str());
    let fits = match case.answer {
        Ok((returned, fee)) => {
            let fee = if fee.is_empty() { "0.00" } else { fee };
            recall.state() == v1::RecallState::Returned && (amount, recall.fee.as_str()) == (returned, fee)
        }
        Err(code) => recall.state() == v1::RecallState::Refused && recall.refusal_code == code,
    };
    (!fits).then(|| format!("recall {}: {}", recall.recall_id, Line(recall)))
}

fn money(amount: &str) -> v1::Money {
    v1::Money { amount: amount.to_owned(), currency_code: "EUR".to_owned() }
}

/// One recall in a few words.
struct Line<'a>(&'a v1::Recall);

impl fmt::Display for Line<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amount = |money: Option<&v1::Money>| money.map_or_else(String::new, |money| money.amount.clone());
        let Self(recall) = self;
        let paid = amount(recall.amount.as_ref());
        write!(
            formatter,
            "{}  {paid:>6} from {} to {}: ",
            recall.reason_code, recall.debtor_agent, recall.creditor_agent
        )?;
        match recall.state() {
            v1::RecallState::Returned => {
                write!(formatter, "{} came back", amount(recall.returned_amount.as_ref()))?;
                if recall.fee == "0.00" {
                    Ok(())
                } else {
                    write!(formatter, ", {} kept as a fee", recall.fee)
                }
            }
            v1::RecallState::Refused => write!(formatter, "refused with {}", recall.refusal_code),
            v1::RecallState::Open | v1::RecallState::Unanswered | v1::RecallState::Unspecified => {
                write!(formatter, "without an answer")
            }
        }
    }
}

/// A few lines for people.
impl fmt::Display for AskedBack {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for recall in &self.recalls {
            writeln!(formatter, "  {}", Line(recall))?;
        }
        for difference in &self.differences {
            writeln!(formatter, "  DIFFERS: {difference}")?;
        }
        if self.passed() {
            writeln!(formatter, "  each was asked back once, and a second request refused")?;
        }
        Ok(())
    }
}
