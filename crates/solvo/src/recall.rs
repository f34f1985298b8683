//! `solvo recall`: settled payments that are asked back.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use client::v1::answer_recall_request::Answer;
use client::v1::get_recall_request::Choice;
use client::{Client, v1};
use serde_json::{Value, json};

use crate::remote::{self, TlsArgs};
use crate::submit::run_id;

/// Asks a settled payment back, answers a recall, or shows the recalls that a bank has to answer.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  solvo recall request PAYMENT-ID DUPL --reference RECALL-1\n  solvo recall list --bank BETADEFFXXX\n  solvo recall return RECALL-ID 98.00 --fee 2.00 --reference RETURN-1\n  solvo recall refuse RECALL-ID LEGL --reference ANSWER-1\n  solvo recall show RECALL-ID --json"
)]
pub(crate) struct RecallArgs {
    #[command(subcommand)]
    action: Action,
    /// The node.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7400", global = true)]
    to: String,
    #[command(flatten)]
    tls: TlsArgs,
    /// Print one JSON object for each recall.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Asks a settled payment back.
    Request {
        /// The payment's id.
        payment: String,
        /// Why: DUPL, TECH, FRAD, AC03, AM09 or CUST.
        reason: String,
        /// The bank's reference of the request.
        #[arg(long)]
        reference: String,
    },
    /// Gives the money back.
    Return {
        /// The recall's id.
        recall: String,
        /// What goes back, in euro.
        amount: String,
        /// What the bank keeps for itself.
        #[arg(long, default_value = "")]
        fee: String,
        /// The payee has agreed.
        #[arg(long)]
        payee_agrees: bool,
        /// The bank's reference of the return.
        #[arg(long)]
        reference: String,
    },
    /// Says why the money does not go back.
    Refuse {
        /// The recall's id.
        recall: String,
        /// Why: AC04, AM04, ARDT, CUST, LEGL, NOAS or NOOR.
        code: String,
        /// The bank's reference of the answer.
        #[arg(long)]
        reference: String,
    },
    /// Shows where a recall stands.
    Show {
        /// The recall's id.
        recall: String,
    },
    /// Lists the recalls that a bank has to answer, the oldest first.
    List {
        /// The bank's BIC.
        #[arg(long, value_name = "BIC")]
        bank: String,
    },
}

/// Does what is asked for and shows the recalls that it is about.
pub(crate) async fn run(arguments: &RecallArgs) -> anyhow::Result<ExitCode> {
    let client = remote::connect(&arguments.to, &arguments.tls).await?;
    let recalls = act(&client, &arguments.action).await?;
    let mut out = std::io::stdout().lock();
    for recall in &recalls {
        match arguments.json {
            true => writeln!(out, "{}", as_json(recall))?,
            false => writeln!(out, "{}", as_text(recall))?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn act(client: &Client, action: &Action) -> anyhow::Result<Vec<v1::Recall>> {
    let request_id = || format!("recall-{}", run_id().as_str());
    match action {
        Action::Request { payment, reason, reference } => {
            let request = v1::RequestRecallRequest {
                request_id: request_id(),
                payment_id: payment.clone(),
                reason_code: reason.clone(),
                reference: reference.clone(),
                ..Default::default()
            };
            let asked = client.request_recall(request).await.context("the payment was not asked back")?;
            show(client, asked.recall_id).await
        }
        Action::Return { recall, amount, fee, payee_agrees, reference } => {
            let amount = Some(v1::Money { amount: amount.clone(), currency_code: "EUR".to_owned() });
            let returned = v1::RecallReturn { amount, fee: fee.clone() };
            let request = v1::AnswerRecallRequest {
                request_id: request_id(),
                recall_id: recall.clone(),
                answer: Some(Answer::Returned(returned)),
                payee_consent: *payee_agrees,
                reference: reference.clone(),
                ..Default::default()
            };
            let answered = client.answer_recall(request).await.context("the money was not given back")?;
            Ok(answered.recall.into_iter().collect())
        }
        Action::Refuse { recall, code, reference } => {
            let request = v1::AnswerRecallRequest {
                request_id: request_id(),
                recall_id: recall.clone(),
                answer: Some(Answer::RefusalCode(code.clone())),
                reference: reference.clone(),
                ..Default::default()
            };
            let answered = client.answer_recall(request).await.context("the recall was not answered")?;
            Ok(answered.recall.into_iter().collect())
        }
        Action::Show { recall } => show(client, recall.clone()).await,
        Action::List { bank } => list(client, bank).await,
    }
}

async fn show(client: &Client, recall: String) -> anyhow::Result<Vec<v1::Recall>> {
    let request = v1::GetRecallRequest { choice: Some(Choice::RecallId(recall)) };
    let found = client.get_recall(request).await.context("the node did not tell where the recall stands")?;
    Ok(found.recall.into_iter().collect())
}

async fn list(client: &Client, bank: &str) -> anyhow::Result<Vec<v1::Recall>> {
    const PAGE: u32 = 256;
    let mut all: Vec<v1::Recall> = Vec::new();
    loop {
        let after_recall_id = all.last().map_or_else(String::new, |last| last.recall_id.clone());
        let request = v1::ListOpenRecallsRequest { bic: bank.to_owned(), page_size: PAGE, after_recall_id };
        let page = client.list_open_recalls(request).await.context("the node did not list the recalls")?;
        let is_last = u32::try_from(page.recalls.len()).is_ok_and(|count| count < PAGE);
        all.extend(page.recalls);
        if is_last {
            return Ok(all);
        }
    }
}

fn state(recall: &v1::Recall) -> &'static str {
    match recall.state() {
        v1::RecallState::Unspecified => "unknown",
        v1::RecallState::Open => "open",
        v1::RecallState::Returned => "returned",
        v1::RecallState::Refused => "refused",
        v1::RecallState::Unanswered => "unanswered",
    }
}

fn as_text(recall: &v1::Recall) -> String {
    let amount = |money: Option<&v1::Money>| money.map_or_else(String::new, |money| money.amount.clone());
    let late = if recall.late { ", late" } else { "" };
    let told = match recall.state() {
        v1::RecallState::Returned => {
            let whose =
                if recall.returned_to_bank { ", to the payer's bank and not its customer" } else { "" };
            format!("{} with a fee of {}{whose}{late}", amount(recall.returned_amount.as_ref()), recall.fee)
        }
        v1::RecallState::Refused | v1::RecallState::Unanswered => format!("{}{late}", recall.refusal_code),
        v1::RecallState::Open | v1::RecallState::Unspecified => format!("answer by {}", recall.answer_by),
    };
    format!(
        "{} {} of payment {} over {} from {} to {}: {}, {told}",
        recall.recall_id,
        recall.reason_code,
        recall.payment_id,
        amount(recall.amount.as_ref()),
        recall.debtor_agent,
        recall.creditor_agent,
        state(recall)
    )
}

fn as_json(recall: &v1::Recall) -> Value {
    let amount = |money: Option<&v1::Money>| money.map(|money| money.amount.clone());
    json!({
        "recall_id": recall.recall_id,
        "payment_id": recall.payment_id,
        "reason": recall.reason_code,
        "amount": amount(recall.amount.as_ref()),
        "currency": recall.amount.as_ref().map(|money| money.currency_code.clone()),
        "debtor_agent": recall.debtor_agent,
        "creditor_agent": recall.creditor_agent,
        "answer_by": recall.answer_by,
        "state": state(recall),
        "refusal": recall.refusal_code,
        "returned_amount": amount(recall.returned_amount.as_ref()),
        "fee": recall.fee,
        "late": recall.late,
        "answered_sequence": recall.answered_sequence,
        "returned_to_bank": recall.returned_to_bank,
    })
}
