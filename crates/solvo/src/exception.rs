//! `solvo exception`: what is out of order at a bank, who looks after it, and what is done about it.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, bail};
use client::{Client, v1};
use serde_json::{Value, json};

use crate::remote::{self, TlsArgs};
use crate::submit::run_id;

/// Lists what is out of order at a bank, gives it to somebody, and resolves it by actions that are legal.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  solvo exception list --bank BETADEFFXXX\n  solvo exception list --kind late-positive --older-than 3600\n  solvo exception show EXCEPTION-ID --json\n  solvo exception raise reconciliation-break --bank ALFABEBBXXX --reference DAY-41 --amount 12.50 --direction credit\n  solvo exception assign EXCEPTION-ID back-office\n  solvo exception resolve EXCEPTION-ID to-suspense\n  solvo exception resolve EXCEPTION-ID book-to-customer --iban BE45510000000100\n  solvo exception resolve EXCEPTION-ID return --reference RETURN-1"
)]
pub(crate) struct ExceptionArgs {
    #[command(subcommand)]
    action: Action,
    /// The node.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7400", global = true)]
    to: String,
    #[command(flatten)]
    tls: TlsArgs,
    /// Print one JSON object for each exception.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Lists exceptions, the oldest first.
    List {
        /// The bank's BIC; all banks that the caller may see without it.
        #[arg(long, value_name = "BIC")]
        bank: Option<String>,
        /// Only of this kind: late-positive, credit-not-acknowledged, late-confirmation, stale-mirror,
        /// reconciliation-break or recall-due.
        #[arg(long)]
        kind: Option<String>,
        /// Only those that this team or queue looks after.
        #[arg(long)]
        owner: Option<String>,
        /// Only those that were raised so many seconds ago or earlier.
        #[arg(long, value_name = "SECONDS", default_value_t = 0)]
        older_than: u64,
        /// Resolved ones as well.
        #[arg(long)]
        all: bool,
    },
    /// Shows an exception.
    Show {
        /// Its id.
        exception: String,
    },
    /// Raises an exception.
    Raise {
        /// Of which kind, as in `list`.
        kind: String,
        /// The bank's BIC.
        #[arg(long, value_name = "BIC")]
        bank: String,
        /// The payment's id.
        #[arg(long, default_value = "")]
        payment: String,
        /// The recall's id.
        #[arg(long, default_value = "")]
        recall: String,
        /// The account's IBAN.
        #[arg(long, default_value = "")]
        iban: String,
        /// The bank's reference of what a comparison found.
        #[arg(long, default_value = "")]
        reference: String,
        /// How much the books differ by, in euro.
        #[arg(long)]
        amount: Option<String>,
        /// Whether the customer is to get it (credit) or to give it (debit).
        #[arg(long)]
        direction: Option<String>,
        /// Words beside it.
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Says who looks after an exception.
    Assign {
        /// Its id.
        exception: String,
        /// The label of a team or a queue, without blanks.
        owner: String,
    },
    /// Does something about an exception.
    Resolve {
        /// Its id.
        exception: String,
        /// What: book-to-customer, to-suspense, return, ask-again, write-off or close.
        action: String,
        /// The customer's account, for book-to-customer.
        #[arg(long, default_value = "")]
        iban: String,
        /// The bank's reference of the recall or return that `return` makes.
        #[arg(long)]
        reference: Option<String>,
        /// The payee has agreed to the return.
        #[arg(long)]
        payee_agrees: bool,
        /// Words beside it.
        #[arg(long, default_value = "")]
        note: String,
    },
}

/// Does what is asked for and shows the exceptions that it is about.
pub(crate) async fn run(arguments: &ExceptionArgs) -> anyhow::Result<ExitCode> {
    let client = remote::connect(&arguments.to, &arguments.tls).await?;
    let exceptions = act(&client, &arguments.action).await?;
    let mut out = std::io::stdout().lock();
    if arguments.json {
        for exception in &exceptions {
            writeln!(out, "{}", as_json(exception))?;
        }
    } else {
        write!(out, "{}", as_table(&exceptions))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn act(client: &Client, action: &Action) -> anyhow::Result<Vec<v1::Exception>> {
    let request_id = || format!("exception-{}", run_id().as_str());
    match action {
        Action::List { bank, kind, owner, older_than, all } => {
            let kinds = kind.as_deref().map(kind_of).transpose()?.into_iter().map(i32::from).collect();
            let states = match all {
                true => {
                    [v1::ExceptionState::Open, v1::ExceptionState::Assigned, v1::ExceptionState::Resolved]
                        .map(i32::from)
                        .to_vec()
                }
                false => Vec::new(),
            };
            let request = v1::ListExceptionsRequest {
                bic: bank.clone().unwrap_or_default(),
                kinds,
                states,
                owner: owner.clone().unwrap_or_default(),
                age_seconds_min: *older_than,
                ..Default::default()
            };
            list(client, request).await
        }
        Action::Show { exception } => show(client, exception.clone()).await,
        Action::Raise { kind, bank, payment, recall, iban, reference, amount, direction, note } => {
            let request = v1::RaiseExceptionRequest {
                request_id: request_id(),
                bic: bank.clone(),
                kind: kind_of(kind)?.into(),
                payment_id: payment.clone(),
                recall_id: recall.clone(),
                iban: iban.clone(),
                currency_code: String::new(),
                reference: reference.clone(),
                amount: amount.clone().map(|amount| v1::Money { amount, currency_code: "EUR".to_owned() }),
                direction: direction.as_deref().map_or(Ok(0), direction_of)?,
                note: note.clone(),
            };
            let raised = client.raise_exception(request).await.context("the exception was not raised")?;
            show(client, raised.exception_id).await
        }
        Action::Assign { exception, owner } => {
            let request = v1::AssignExceptionRequest {
                request_id: request_id(),
                exception_id: exception.clone(),
                owner: owner.clone(),
                note: String::new(),
            };
            client.assign_exception(request).await.context("the exception was not assigned")?;
            show(client, exception.clone()).await
        }
        Action::Resolve { exception, action, iban, reference, payee_agrees, note } => {
            let returned = reference.clone().map(|reference| v1::ExceptionReturn {
                reference,
                money: None,
                payee_consent: *payee_agrees,
            });
            let request = v1::ResolveExceptionRequest {
                request_id: request_id(),
                exception_id: exception.clone(),
                action: action_of(action)?.into(),
                iban: iban.clone(),
                returned,
                note: note.clone(),
            };
            let resolved = client.resolve_exception(request).await.context("nothing was done about it")?;
            Ok(resolved.exception.into_iter().collect())
        }
    }
}

async fn show(client: &Client, exception_id: String) -> anyhow::Result<Vec<v1::Exception>> {
    let request = v1::GetExceptionRequest { exception_id };
    let found = client.get_exception(request).await.context("the node did not tell the exception")?;
    Ok(found.exception.into_iter().collect())
}

async fn list(client: &Client, wanted: v1::ListExceptionsRequest) -> anyhow::Result<Vec<v1::Exception>> {
    const PAGE: u32 = 256;
    let mut all: Vec<v1::Exception> = Vec::new();
    loop {
        let after_exception_id = all.last().map_or_else(String::new, |last| last.exception_id.clone());
        let request = v1::ListExceptionsRequest { page_size: PAGE, after_exception_id, ..wanted.clone() };
        let page = client.list_exceptions(request).await.context("the node did not list the exceptions")?;
        let is_last = u32::try_from(page.exceptions.len()).is_ok_and(|count| count < PAGE);
        all.extend(page.exceptions);
        if is_last {
            return Ok(all);
        }
    }
}

/// The word of an enumeration's value: `EXCEPTION_KIND_LATE_POSITIVE` is `late-positive`.
fn word(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_lowercase().replace('_', "-")
}

fn named(text: &str, prefix: &str) -> String {
    format!("{prefix}{}", text.to_uppercase().replace('-', "_"))
}

fn kind_of(text: &str) -> anyhow::Result<v1::ExceptionKind> {
    match v1::ExceptionKind::from_str_name(&named(text, "EXCEPTION_KIND_")) {
        Some(kind) if kind != v1::ExceptionKind::Unspecified => Ok(kind),
        _ => bail!("`{text}` is no kind of exception; `solvo exception list --help` names them"),
    }
}

fn action_of(text: &str) -> anyhow::Result<v1::ExceptionAction> {
    match v1::ExceptionAction::from_str_name(&named(text, "EXCEPTION_ACTION_")) {
        Some(action) if action != v1::ExceptionAction::Unspecified => Ok(action),
        _ => bail!("`{text}` is no action; `solvo exception resolve --help` names them"),
    }
}

fn direction_of(text: &str) -> anyhow::Result<i32> {
    match v1::EntryDirection::from_str_name(&named(text, "ENTRY_DIRECTION_")) {
        Some(direction) if direction != v1::EntryDirection::Unspecified => Ok(direction.into()),
        _ => bail!("a direction is credit or debit, and not `{text}`"),
    }
}

fn kind(exception: &v1::Exception) -> String {
    word(exception.kind().as_str_name(), "EXCEPTION_KIND_")
}

fn action(action: v1::ExceptionAction) -> String {
    word(action.as_str_name(), "EXCEPTION_ACTION_")
}

/// Where it stands, and what was done last.
fn standing(exception: &v1::Exception) -> String {
    let mut text = word(exception.state().as_str_name(), "EXCEPTION_STATE_");
    if exception.last_action() != v1::ExceptionAction::Unspecified {
        text = format!("{text}: {}", action(exception.last_action()));
    }
    if exception.in_suspense {
        text += ", in suspense";
    }
    text
}

fn age(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

const HEADINGS: [&str; 8] = ["id", "bank", "kind", "amount", "age", "owner", "state", "legal"];

/// A table with one line for each, drawn with plain characters.
fn as_table(exceptions: &[v1::Exception]) -> String {
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    for exception in exceptions {
        let amount = exception.amount.as_ref();
        rows.push([
            exception.exception_id.clone(),
            exception.bic.clone(),
            kind(exception),
            amount.map_or_else(String::new, |money| format!("{} {}", money.amount, money.currency_code)),
            age(exception.age_seconds),
            exception.owner.clone(),
            standing(exception),
            exception.legal_actions().map(action).collect::<Vec<_>>().join(" "),
        ]);
    }
    let widths: [usize; HEADINGS.len()] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or_default());
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let rule = format!("+{}+\n", widths.map(|width| "-".repeat(width + 2)).join("+"));
    let mut text = rule.clone();
    for (index, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        text += &line(cells.collect());
        if index == 0 {
            text += &rule;
        }
    }
    text + &rule
}

fn as_json(exception: &v1::Exception) -> Value {
    let amount = exception.amount.as_ref();
    json!({
        "exception_id": exception.exception_id,
        "kind": kind(exception),
        "bic": exception.bic,
        "other_bic": exception.other_bic,
        "state": word(exception.state().as_str_name(), "EXCEPTION_STATE_"),
        "payment_id": exception.payment_id,
        "recall_id": exception.recall_id,
        "iban": exception.iban,
        "reference": exception.reference,
        "amount": amount.map(|money| money.amount.clone()),
        "currency": amount.map(|money| money.currency_code.clone()),
        "direction": word(exception.direction().as_str_name(), "ENTRY_DIRECTION_"),
        "age_seconds": exception.age_seconds,
        "owner": exception.owner,
        "in_suspense": exception.in_suspense,
        "last_action": action(exception.last_action()),
        "acted_sequence": exception.acted_sequence,
        "asked_count": exception.asked_count,
        "legal_actions": exception.legal_actions().map(action).collect::<Vec<_>>(),
        "note": exception.note,
        "erased": exception.erased,
        "suspense_balance": exception.suspense_balance,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_lines_are_of_one_length() {
        let exceptions = [
            v1::Exception {
                exception_id: "ID-1".to_owned(),
                kind: v1::ExceptionKind::LatePositive.into(),
                state: v1::ExceptionState::Open.into(),
                age_seconds: 7_199,
                legal_actions: vec![
                    v1::ExceptionAction::ToSuspense.into(),
                    v1::ExceptionAction::Close.into(),
                ],
                ..Default::default()
            },
            v1::Exception { exception_id: "ID-22".to_owned(), ..Default::default() },
        ];
        let table = as_table(&exceptions);
        let lengths: Vec<usize> = table.lines().map(str::len).collect();
        assert_eq!(lengths.len(), 6);
        assert!(lengths.windows(2).all(|pair| pair[0] == pair[1]), "{table}");
        assert!(table.contains("| late-positive |"), "{table}");
        assert!(table.contains("to-suspense close"), "{table}");
        assert!(table.contains("119 min"), "{table}");
    }

    #[test]
    fn words_are_the_names_of_the_contract() {
        assert_eq!(kind_of("recall-due").unwrap(), v1::ExceptionKind::RecallDue);
        assert_eq!(action_of("book-to-customer").unwrap(), v1::ExceptionAction::BookToCustomer);
        assert!(kind_of("unspecified").is_err() && action_of("delete").is_err());
    }
}
