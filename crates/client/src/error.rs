//! How a call ends when it is not done, in the forms in which it travels.
//!
//! One refusal has two forms on the wire: the status of a unary call, with `google.rpc` details, and
//! `NotTaken` as a result within a stream. Both are made from and read into a [`Refusal`] here, so that they
//! can't drift apart.

use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::v1;

/// The domain of every `google.rpc.ErrorInfo` that Solvo sends.
pub const ERROR_DOMAIN: &str = "solvo";

const REASON_PREFIX: &str = "ERROR_REASON_";

/// Why a call has no reply, split by what the caller does next.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ClientError {
    /// The address can't be connected to by anyone: correct it.
    #[error(
        "{0:?} is no address of a node, such as http://127.0.0.1:7400, or https://settle.example:7400 with TLS"
    )]
    Address(String),
    /// Certificates or key are not in order: correct them.
    #[error("no TLS: {0}")]
    Tls(String),
    /// Nothing was done. Correct the request, or make it again later.
    #[error("not done: {0}")]
    NotDone(Refusal),
    /// It may have been done or not. Ask (for payments with `GetPayment`), or make the *same* request again;
    /// never answer it as rejected. A call that only reads has just not been answered.
    #[error("unknown after {attempts} attempts: {last}")]
    Unknown {
        /// How often the request was made.
        attempts: u32,
        /// How the last attempt ended.
        last: Refusal,
    },
}

/// Why a request was not done. Shown with each field that breaks its rule.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message} ({code:?}){}", fields(field_violations))]
pub struct Refusal {
    /// The gRPC status code.
    pub code: Code,
    /// One sentence for a person.
    pub message: String,
    /// What a program can act on.
    pub reason: v1::ErrorReason,
    /// Each field that breaks its rule.
    pub field_violations: Vec<v1::FieldViolation>,
    /// After which time the same request may succeed.
    pub retry_delay: Option<Duration>,
}

impl Refusal {
    /// A refusal with a code, a reason and one sentence.
    pub fn new(code: Code, reason: v1::ErrorReason, message: impl Into<String>) -> Self {
        assert!(code != Code::Ok, "a refusal is not OK");
        Self { code, message: message.into(), reason, field_violations: Vec::new(), retry_delay: None }
    }

    /// `INVALID_ARGUMENT`, naming each field that breaks its rule.
    pub fn invalid(field_violations: Vec<v1::FieldViolation>) -> Self {
        assert!(!field_violations.is_empty(), "an invalid request has a field that is at fault");
        let message = "fields of the request break their rules";
        let refusal = Self::new(Code::InvalidArgument, v1::ErrorReason::Unspecified, message);
        Self { field_violations, ..refusal }
    }

    /// The same refusal with a time after which to try again.
    pub fn retry_after(self, delay: Duration) -> Self {
        Self { retry_delay: Some(delay), ..self }
    }

    /// Reads the error of a unary call. Details that can't be read are passed over.
    pub fn from_status(status: &Status) -> Self {
        let details = status.get_error_details();
        let reason = match details.error_info() {
            Some(info) if info.domain == ERROR_DOMAIN => reason_from_name(&info.reason),
            _ => v1::ErrorReason::Unspecified,
        };
        let violation = |violation: &tonic_types::FieldViolation| v1::FieldViolation {
            field: violation.field.clone(),
            description: violation.description.clone(),
        };
        Self {
            code: status.code(),
            message: status.message().to_owned(),
            reason,
            field_violations: details
                .bad_request()
                .map(|request| request.field_violations.iter().map(violation).collect())
                .unwrap_or_default(),
            retry_delay: details.retry_info().and_then(|info| info.retry_delay),
        }
    }

    /// The error of a unary call.
    pub fn into_status(self) -> Status {
        let mut details = ErrorDetails::new();
        if self.reason != v1::ErrorReason::Unspecified {
            details.set_error_info(reason_name(self.reason), ERROR_DOMAIN, []);
        }
        if let Some(delay) = self.retry_delay {
            details.set_retry_info(Some(delay));
        }
        for violation in self.field_violations {
            details.add_bad_request_violation(violation.field, violation.description);
        }
        Status::with_error_details(self.code, self.message, details)
    }

    /// Reads a result within a stream.
    pub fn from_not_taken(not_taken: &v1::NotTaken) -> Self {
        Self {
            code: Code::from_i32(not_taken.code),
            message: not_taken.message.clone(),
            reason: not_taken.reason(),
            field_violations: not_taken.field_violations.clone(),
            // A negative delay is a fault of the sender; there is nothing to wait for.
            retry_delay: not_taken.retry_delay.and_then(|delay| Duration::try_from(delay).ok()),
        }
    }

    /// A result within a stream.
    pub fn into_not_taken(self) -> v1::NotTaken {
        v1::NotTaken {
            code: i32::from(self.code),
            message: self.message,
            reason: i32::from(self.reason),
            field_violations: self.field_violations,
            retry_delay: self.retry_delay.and_then(|delay| prost_types::Duration::try_from(delay).ok()),
        }
    }
}

/// The fields that are at fault, for a person.
fn fields(violations: &[v1::FieldViolation]) -> String {
    let told = violations.iter().map(|violation| format!("; {}: {}", violation.field, violation.description));
    told.collect()
}

/// The name of a reason in `ErrorInfo`, such as `REQUEST_ID_REUSED`.
fn reason_name(reason: v1::ErrorReason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix(REASON_PREFIX).expect("the style guide prefixes values with their enum's name")
}

/// A name that this version does not know is of a newer server, and has no reason to act on.
fn reason_from_name(name: &str) -> v1::ErrorReason {
    v1::ErrorReason::from_str_name(&format!("{REASON_PREFIX}{name}")).unwrap_or(v1::ErrorReason::Unspecified)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal() -> Refusal {
        let overloaded = v1::ErrorReason::Overloaded;
        Refusal::new(Code::ResourceExhausted, overloaded, "busy").retry_after(Duration::from_millis(250))
    }

    fn invalid() -> Refusal {
        let field = "payment.debtor.address.lines[2]".to_owned();
        Refusal::invalid(vec![v1::FieldViolation { field, description: "the text is empty".to_owned() }])
    }

    #[test]
    fn both_forms_carry_everything() {
        for refusal in [refusal(), invalid()] {
            assert_eq!(Refusal::from_status(&refusal.clone().into_status()), refusal);
            assert_eq!(Refusal::from_not_taken(&refusal.clone().into_not_taken()), refusal);
        }
    }

    #[test]
    fn fields_at_fault_are_shown() {
        let shown = ClientError::NotDone(invalid()).to_string();
        let told = "not done: fields of the request break their rules (InvalidArgument); \
                    payment.debtor.address.lines[2]: the text is empty";
        assert_eq!(shown, told);
        assert_eq!(ClientError::NotDone(refusal()).to_string(), "not done: busy (ResourceExhausted)");
    }

    #[test]
    fn reasons_of_others_and_of_the_future_are_none() {
        assert_eq!(reason_from_name("REQUEST_ID_REUSED"), v1::ErrorReason::RequestIdReused);
        assert_eq!(reason_from_name("LATER"), v1::ErrorReason::Unspecified);
        let mut details = ErrorDetails::new();
        details.set_error_info("OVERLOADED", "elsewhere", []);
        let status = Status::with_error_details(Code::ResourceExhausted, "busy", details);
        assert_eq!(Refusal::from_status(&status).reason, v1::ErrorReason::Unspecified);
    }

    #[test]
    fn details_that_are_garbage_are_passed_over() {
        let status = Status::with_details(Code::Internal, "odd", vec![0xff; 9].into());
        assert_eq!(Refusal::from_status(&status).code, Code::Internal);
    }
}
