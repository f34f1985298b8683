//! Compiles the contract under `proto/` to Rust, without protoc.
//!
//! Server traits are generated beside the clients, so that the whole project has one set of wire types. The
//! descriptors go into the crate as well: server reflection answers with them.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use prost::Message;

/// Messages with personal data get their `Debug` by hand, in `src/masked.rs`. A name covers what is nested in it.
const MASKED: [&str; 58] = [
    "Payment",
    "Party",
    "Address",
    "OrganisationIdentification",
    "PersonOrigin",
    "OtherIdentification",
    "Proxy",
    "CreditorReference",
    "NewAccount",
    "Account",
    "GetAccountRequest",
    "PostEntryRequest",
    "SetAccountStatusRequest",
    "SetAccountFloorRequest",
    "Iso20022ServiceSubmitRequest",
    "Iso20022ServiceSubmitResponse",
    "SetAccountFlagRequest",
    "Iso20022ServiceExchangeRequest",
    "Iso20022ServiceExchangeResponse",
    "WatchRequest",
    "Event",
    "PaymentSummary",
    "ListPaymentsRequest",
    "FindPaymentsRequest",
    "AccountName",
    "Entry",
    "GetBalanceResponse",
    "SetBlockRequest",
    "SetAccountHoldersRequest",
    "VerifyRequest",
    "VerifyResponse",
    "PaymentCode",
    "WritePaymentCodeResponse",
    "ReadPaymentCodeRequest",
    "GetDayEndResponse",
    "GetStatementResponse",
    "RequestToPay",
    "CreateRequestToPayRequest",
    "SubmitRequestsToPayRequest",
    "SubmitRequestsToPayResponse",
    "ListRequestsToPayRequest",
    "HoldRequest",
    "CaptureLeg",
    "AccountHold",
    "ListHoldsRequest",
    "Record",
    "PutRecordRequest",
    "PostingLine",
    "Exception",
    "RaiseExceptionRequest",
    "AssignExceptionRequest",
    "ResolveExceptionRequest",
    "SubmitPackageRequest",
    "GetPackageReportResponse",
    "PlaceOrderRequest",
    "ChangeOrderRequest",
    "Order",
    "ListOrdersRequest",
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());

    let mut files = Vec::new();
    for entry in fs::read_dir(root.join("solvo/v1"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    // A folder is listed in no particular order; the generated code shall not depend on it.
    files.sort();

    let descriptors = protox::compile(files, [root])?;
    let output = env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
    fs::write(Path::new(&output).join("descriptors.bin"), descriptors.encode_to_vec())?;

    let masked = MASKED.map(|name| format!(".solvo.v1.{name}"));
    // Clients are made from channels; the generated `connect` would take the name of `ParticipantService.Connect`.
    tonic_prost_build::configure().build_transport(false).skip_debug(masked).compile_fds(descriptors)?;
    Ok(())
}
