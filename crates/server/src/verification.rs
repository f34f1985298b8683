//! `VerificationService`: whether a name or a code is that of an account's holder.
//!
//! For an account that is kept here, the engine's directory says whose it is and the table of holders says who holds it;
//! the comparison is the crate `verification`. The core is asked only where these two don't know the account as an open
//! one: an answer from the core waits behind all the payments that came before the question. For any other account, the
//! payee's bank is asked ([`OtherBanks`]).
//!
//! Invariants:
//! - Names and codes enter no log, no error and no `{:?}`. What is logged of a question is who asked it when, and the outcome.
//! - The step that decided is told only to those who act for the bank that keeps the account.
//! - An answer comes in time or is NOT_POSSIBLE; nothing is tried twice.

mod other_banks;
mod other_banks_file;
mod other_banks_http;
mod other_banks_message;
mod quota;
mod renewal;

use client::convert::{FieldReader, Path, timestamp};
use client::v1;
use client::v1::verification_service_server::VerificationService;
use engine::{Answer, ParticipantView, Question};
use history::holders::{HoldersOf, NotComplete};
use ledger::{AccountMode, AccountStatus};
use tonic::{Request, Response, Status};
use types::{AccountNumber, Bic, Currency, Iban, Sequence, Text, Timestamp};
use verification::{Finding, Outcome, verify_code, verify_name};

use crate::caller::Caller;
use crate::node::Node;
use crate::refusals::{bank_not_yours, invalid, too_many_verifications};

pub use other_banks::{Asked, Awaited, Given, NoAnswer, OtherBanks, Told};
pub use other_banks_file::{OtherBanksError, OtherBanksFiles};
pub use other_banks_http::HttpBanks;
pub(crate) use quota::VerificationQuota;
pub(crate) use renewal::renew_holders;

#[derive(Debug)]
pub(crate) struct Verifications(pub(crate) Node);

#[tonic::async_trait]
impl VerificationService for Verifications {
    async fn verify(
        &self,
        request: Request<v1::VerifyRequest>,
    ) -> Result<Response<v1::VerifyResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked_time = self.0.handle.now();
        let wire = request.into_inner();
        let asked = Payee::read(&wire)?;
        if !caller.may_act_for(asked.requesting_agent) {
            return Err(bank_not_yours().into_status());
        }
        if !self.0.verifications.take(caller.principal) {
            return Err(too_many_verifications().into_status());
        }
        let told = self.verified(&caller, &asked).await?;
        let answered_time = self.0.handle.now();
        // What an auditor needs later, and what leads from here to the payment that follows; no name and no account number.
        tracing::info!(
            target: "solvo::verification",
            principal = caller.principal.0,
            requesting_agent = %asked.requesting_agent,
            request_id = asked.request_id,
            asked_time = %asked_time,
            answered_time = %answered_time,
            code = told.code,
            obstacle = told.obstacle.as_str_name(),
            step = told.step.unwrap_or_default(),
            "a payee was verified"
        );
        Ok(Response::new(told.into_wire(answered_time)))
    }
}

/// A question about a payee, checked.
struct Payee<'wire> {
    request_id: &'wire str,
    requesting_agent: Bic,
    iban: Iban,
    currency: Currency,
    payee_agent: Option<Bic>,
    given: Given,
}

impl<'wire> Payee<'wire> {
    fn read(wire: &'wire v1::VerifyRequest) -> Result<Self, Status> {
        let mut reader = FieldReader::new();
        let request_id = reader.request_id(&Path::root("request_id"), &wire.request_id);
        let requesting_agent = reader.bic(&Path::root("requesting_agent"), &wire.requesting_agent);
        let iban = reader.iban(&Path::root("iban"), &wire.iban);
        let currency = match wire.currency_code.as_str() {
            "" => Some(Currency::EUR),
            code => reader.currency(&Path::root("currency_code"), code),
        };
        let payee_agent = reader.optional_bic(&Path::root("payee_agent"), &wire.payee_agent);
        let given = match &wire.given {
            Some(v1::verify_request::Given::Name(name)) => {
                reader.text(&Path::root("name"), name).map(Given::Name)
            }
            Some(v1::verify_request::Given::IdentificationCode(code)) => {
                reader.text(&Path::root("identification_code"), code).map(Given::Code)
            }
            None => {
                reader.missing(&Path::root("name"));
                None
            }
        };
        let payee = (|| {
            Some(Self {
                request_id: request_id?,
                requesting_agent: requesting_agent?,
                iban: iban?,
                currency: currency?,
                payee_agent,
                given: given?,
            })
        })();
        reader.finish(payee).map_err(invalid)
    }
}

/// An answer, before it is told.
struct Verified {
    outcome: v1::VerificationOutcome,
    code: &'static str,
    matched_name: Option<Text<140>>,
    obstacle: v1::VerificationObstacle,
    step: Option<&'static str>,
}

impl Verified {
    const fn impossible(obstacle: v1::VerificationObstacle) -> Self {
        let (outcome, code) = (v1::VerificationOutcome::NotPossible, Outcome::NotPossible.code());
        Self { outcome, code, matched_name: None, obstacle, step: None }
    }

    /// What the rule found among these names.
    fn found(finding: Finding, names: &[Text<140>], tells_step: bool) -> Self {
        let (outcome, matched_name, obstacle) = match finding.outcome {
            Outcome::Match => (v1::VerificationOutcome::Match, None, NONE),
            Outcome::CloseMatch { holder } => {
                (v1::VerificationOutcome::CloseMatch, Some(names[holder].clone()), NONE)
            }
            Outcome::NoMatch => (v1::VerificationOutcome::NoMatch, None, NONE),
            Outcome::NotPossible => {
                (v1::VerificationOutcome::NotPossible, None, v1::VerificationObstacle::NothingToCompare)
            }
        };
        let step = tells_step.then(|| finding.step.name());
        Self { outcome, code: finding.outcome.code(), matched_name, obstacle, step }
    }

    /// What another bank answered.
    fn told(told: Result<Told, NoAnswer>) -> Self {
        let (outcome, code, matched_name) = match told {
            Ok(Told::Match) => (v1::VerificationOutcome::Match, Outcome::Match.code(), None),
            Ok(Told::CloseMatch(name)) => {
                (v1::VerificationOutcome::CloseMatch, Outcome::CloseMatch { holder: 0 }.code(), Some(name))
            }
            Ok(Told::NoMatch) => (v1::VerificationOutcome::NoMatch, Outcome::NoMatch.code(), None),
            Ok(Told::NotPossible) => return Self::impossible(v1::VerificationObstacle::BankDeclined),
            Err(NoAnswer::NotConfigured) => {
                return Self::impossible(v1::VerificationObstacle::BankNotConfigured);
            }
            Err(NoAnswer::Busy) => return Self::impossible(v1::VerificationObstacle::BankBusy),
            Err(NoAnswer::Late) => return Self::impossible(v1::VerificationObstacle::BankLate),
            Err(NoAnswer::Failed) => return Self::impossible(v1::VerificationObstacle::BankFailed),
        };
        Self { outcome, code, matched_name, obstacle: NONE, step: None }
    }

    fn into_wire(self, answered_time: Timestamp) -> v1::VerifyResponse {
        v1::VerifyResponse {
            outcome: self.outcome.into(),
            code: self.code.to_owned(),
            matched_name: self.matched_name.map_or_else(String::new, |name| name.as_str().to_owned()),
            obstacle: self.obstacle.into(),
            step: self.step.unwrap_or_default().to_owned(),
            answered_time: Some(timestamp(answered_time)),
        }
    }
}

const NONE: v1::VerificationObstacle = v1::VerificationObstacle::Unspecified;

impl Verifications {
    async fn verified(&self, caller: &Caller, payee: &Payee<'_>) -> Result<Verified, Status> {
        let (iban, currency) = (payee.iban, payee.currency);
        let unknown = Verified::impossible(v1::VerificationObstacle::AccountUnknown);
        let is_elsewhere = |bank: Bic| payee.payee_agent.is_some_and(|agent| agent != bank);
        if let Some((holders, bank)) = self.known(iban, currency) {
            return Ok(if is_elsewhere(bank) { unknown } else { compared(caller, payee, &holders, bank) });
        }
        let answered = self.0.ask(Question::Account { iban, currency }).await?;
        if let Answer::Account(Some((number, account, bank))) = answered.answer {
            if is_elsewhere(bank) || account.status() == AccountStatus::Closed {
                return Ok(unknown);
            }
            return Ok(match self.holders(number) {
                Ok(holders) => compared(caller, payee, &holders, bank),
                // What was opened just now has its holders as soon as the log has been read so far.
                Err(v1::VerificationObstacle::NothingToCompare) if self.is_behind(account.changed_at()) => {
                    Verified::impossible(v1::VerificationObstacle::NamesNotReady)
                }
                Err(obstacle) => Verified::impossible(obstacle),
            });
        }
        let Some(bank) = payee.payee_agent else { return Ok(unknown) };
        if let Some(ParticipantView { mode: AccountMode::Hosted, .. }) =
            self.0.handle.directory().participant(bank)
        {
            return Ok(unknown);
        }
        let Some(banks) = &self.0.other_banks else {
            return Ok(Verified::told(Err(NoAnswer::NotConfigured)));
        };
        let asked = Asked {
            request_id: payee.request_id.to_owned(),
            requested_time: self.0.handle.now(),
            requesting_agent: payee.requesting_agent,
            payee_agent: bank,
            iban,
            given: payee.given.clone(),
        };
        Ok(Verified::told(banks.ask(asked).await))
    }

    /// Who holds an open account, and the bank that keeps it, if that is known without the core.
    fn known(&self, iban: Iban, currency: Currency) -> Option<(HoldersOf, Bic)> {
        let handle = &self.0.handle;
        let digest = handle.digest_key().iban(iban.as_str());
        let (number, bank) = handle.directory().open_account(digest, currency)?;
        // The directory knows but half of the digest, and the number itself stands with the names.
        let holders = self.holders(number).ok().filter(|holders| holders.iban == Some(iban))?;
        Some((holders, bank))
    }

    /// Whether the names have yet to be read up to a position.
    fn is_behind(&self, position: Sequence) -> bool {
        self.0.holders.as_ref().is_some_and(|holders| holders.taken_in() < position)
    }

    fn holders(&self, number: AccountNumber) -> Result<HoldersOf, v1::VerificationObstacle> {
        let Some(holders) = &self.0.holders else { return Err(v1::VerificationObstacle::NamesNotKept) };
        match holders.of(number) {
            Ok(holders) => holders.ok_or(v1::VerificationObstacle::NothingToCompare),
            Err(NotComplete::Reading) => Err(v1::VerificationObstacle::NamesNotReady),
            Err(NotComplete::Stopped(_)) => Err(v1::VerificationObstacle::NamesNotKept),
        }
    }
}

/// Compares with the holders of an open account.
fn compared(caller: &Caller, payee: &Payee<'_>, holders: &HoldersOf, bank: Bic) -> Verified {
    let finding = match &payee.given {
        Given::Name(name) => verify_name(name, &holders.names),
        Given::Code(code) => verify_code(code, holders.identification.as_ref()),
    };
    Verified::found(finding, &holders.names, caller.may_act_for(bank))
}
