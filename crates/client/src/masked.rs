//! `Debug` for wire messages with personal data.
//!
//! Invariant: no name, address, account number or remittance text is ever printed, whatever message it is
//! nested in. The list is the same as in `build.rs`: a message that is missing here does not compile.

use std::fmt;

use crate::v1;

/// Prints the named fields, and that there are others.
macro_rules! masked {
    ($($message:ident { $($shown:ident),* })*) => {$(
        impl fmt::Debug for v1::$message {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter
                    .debug_struct(stringify!($message))
                    $(.field(stringify!($shown), &self.$shown))*
                    .finish_non_exhaustive()
            }
        }
    )*};
}

masked! {
    Payment { debtor_agent, transaction_id, creditor_agent, amount, acceptance_time }
    Party {}
    Address {}
    OrganisationIdentification {}
    PersonOrigin {}
    OtherIdentification {}
    Proxy {}
    CreditorReference {}
    NewAccount { participant, currency_code, r#type }
    Account { participant, currency_code, r#type, status }
    GetAccountRequest { currency_code }
    PostEntryRequest { request_id, direction, value_date }
    SetAccountStatusRequest { request_id, currency_code, status }
    SetAccountFloorRequest { request_id, currency_code }
    Iso20022ServiceSubmitRequest { wait_ms }
    Iso20022ServiceSubmitResponse { message_name, outcome }
    SetAccountFlagRequest { request_id, currency_code, flagged }
    Iso20022ServiceExchangeRequest {}
    Iso20022ServiceExchangeResponse { message_name, sequence, possible_repeat, incarnation }
    WatchRequest { participants, after_sequence, incarnation, types }
    Event { sequence, r#type, time, outcome, alert, participant, currency_code, balance }
    PaymentSummary { creditor_agent, amount }
    ListPaymentsRequest { participant, from_time, until_time, statuses, counterpart, page_size }
    FindPaymentsRequest { participant, from_date, until_date, page_size }
    AccountName { currency_code }
    Entry { sequence, time, r#type, payment_id }
    GetBalanceResponse { since_sequence, as_of }
    SetBlockRequest { request_id, block }
    SetAccountHoldersRequest { request_id, currency_code }
    VerifyRequest { request_id, requesting_agent, currency_code, payee_agent }
    VerifyResponse { outcome, obstacle, answered_time }
    PaymentCode { version, character_set, instant, creditor_agent, amount, purpose }
    WritePaymentCodeResponse { character_set, symbol_version }
    ReadPaymentCodeRequest {}
    GetStatementResponse { file_name, as_of, complete, entry_count }
    GetDayEndResponse { participant, date, number, totals }
    RequestToPay { request_to_pay_id, status, created_time, expiry_time, pay_by_date, changed_time, order_id, payment_id, reason, erased }
    CreateRequestToPayRequest { request_id, expiry_time, pay_by_date }
    SubmitRequestsToPayRequest { request_id }
    SubmitRequestsToPayResponse { request_to_pay_ids }
    ListRequestsToPayRequest { currency_code, bic, side, status, page_size, page_token }
    HoldRequest { request_id, amount, expiry_time }
    CaptureLeg { amount }
    AccountHold { hold_id, bic, amount, held, placed_time, expiry_time, erased }
    ListHoldsRequest { currency_code, page_size, after_hold_id }
    Record { space, version, put_time, expiry_time, length }
    PutRecordRequest { request_id, expected_version, expiry_time }
    PostingLine { gl_account }
    Exception { exception_id, kind, bic, other_bic, state, payment_id, recall_id, amount, owner, last_action }
    RaiseExceptionRequest { request_id, bic, kind, payment_id, recall_id, currency_code, amount, direction }
    AssignExceptionRequest { request_id, exception_id, owner }
    ResolveExceptionRequest { request_id, exception_id, action }
    GetPackageReportResponse { complete }
    PlaceOrderRequest { request_id, execution_date, schedule }
    ChangeOrderRequest { request_id, order_id, execution_date, schedule }
    Order { order_id, state, bic, execution_date, schedule, package_id, line_number, payment_id }
    ListOrdersRequest { currency_code, page_size, after_order_id }
    SubmitPackageRequest {}
}

impl fmt::Debug for v1::submit_package_request::Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(header) => header.fmt(formatter),
            Self::Chunk(_) => formatter.write_str("Chunk(…)"),
        }
    }
}

impl fmt::Debug for v1::payment::Remittance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Unstructured(_) => "Unstructured(…)",
            Self::CreditorReference(_) => "CreditorReference(…)",
        })
    }
}

impl fmt::Debug for v1::party::Identification {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Organisation(_) => "Organisation(…)",
            Self::Person(_) => "Person(…)",
        })
    }
}

impl fmt::Debug for v1::iso20022_service_exchange_request::Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(start) => start.fmt(formatter),
            Self::Document(_) => formatter.write_str("Document(…)"),
        }
    }
}

impl fmt::Debug for v1::verify_request::Given {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Name(_) => "Name(…)",
            Self::IdentificationCode(_) => "IdentificationCode(…)",
        })
    }
}

impl fmt::Debug for v1::payment_code::Remittance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Unstructured(_) => "Unstructured(…)",
            Self::CreditorReference(_) => "CreditorReference(…)",
        })
    }
}

impl fmt::Debug for v1::read_payment_code_request::Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Text(_) => "Text(…)",
            Self::Payload(_) => "Payload(…)",
            Self::Png(_) => "Png(…)",
        })
    }
}

impl fmt::Debug for v1::posting_line::Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Class(class) => write!(formatter, "Class({class})"),
            Self::Iban(_) => formatter.write_str("Iban(…)"),
            Self::AccountNumber(number) => write!(formatter, "AccountNumber({number})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_personal_is_printed() {
        let secret = || "Secret".to_owned();
        let party = v1::Party {
            name: secret(),
            address: Some(v1::Address { lines: vec![secret()], ..Default::default() }),
            identification: Some(v1::party::Identification::Person(v1::PersonIdentification {
                identification: Some(v1::person_identification::Identification::Birth(v1::PersonOrigin {
                    city: secret(),
                    ..Default::default()
                })),
            })),
        };
        let payment = v1::Payment {
            transaction_id: "T-1".to_owned(),
            debtor_account: secret(),
            debtor: Some(party),
            remittance: Some(v1::payment::Remittance::Unstructured(secret())),
            debtor_proxy: Some(v1::Proxy { kind: None, id: secret() }),
            ..Default::default()
        };
        let request = v1::SubmitPaymentRequest { payment: Some(payment.clone()), wait_ms: None };
        let printed = format!(
            "{request:?} {:?} {:?} {:?}",
            payment.debtor,
            payment.remittance,
            v1::AccountOpening {
                request_id: "R-1".to_owned(),
                account: Some(v1::NewAccount { iban: secret(), ..Default::default() }),
            },
        );
        let verified = v1::VerifyRequest {
            iban: secret(),
            given: Some(v1::verify_request::Given::Name(secret())),
            ..Default::default()
        };
        let close = v1::VerifyResponse { matched_name: secret(), step: secret(), ..Default::default() };
        let holders = v1::SetAccountHoldersRequest { holder_names: vec![secret()], ..Default::default() };
        let code = v1::PaymentCode {
            creditor_name: secret(),
            creditor_account: secret(),
            remittance: Some(v1::payment_code::Remittance::Unstructured(secret())),
            information: secret(),
            ..Default::default()
        };
        let written = v1::WritePaymentCodeResponse { text: secret(), ..Default::default() };
        let source = v1::read_payment_code_request::Source::Text(secret());
        let codes = format!("{code:?} {:?} {written:?} {source:?}", code.remittance);
        assert!(!codes.contains("Secret"), "{codes}");
        let kept = v1::PutRecordRequest { content: secret().into_bytes(), ..Default::default() };
        let leg = v1::CaptureLeg { remittance: secret(), iban: secret(), ..Default::default() };
        let resolved = v1::ResolveExceptionRequest { iban: secret(), note: secret(), ..Default::default() };
        let exception = v1::Exception { reference: secret(), note: secret(), ..Default::default() };
        let exceptions = format!("{resolved:?} {exception:?}");
        assert!(!exceptions.contains("Secret"), "{exceptions}");
        let verified = format!("{verified:?} {:?} {close:?} {holders:?} {kept:?} {leg:?}", verified.given);
        assert!(!verified.contains("Secret"), "{verified}");
        assert!(printed.contains("T-1"));
        assert!(printed.contains("R-1"));
        assert!(!printed.contains("Secret"), "{printed}");
    }
}
