//! Who may call what: one table, and nothing that is not in it may be called.
//!
//! What a caller sees of a call's answer, and for which banks it may write, follows from its BICs
//! ([`Caller::may_act_for`](crate::Caller::may_act_for), [`Caller::may_see`](crate::Caller::may_see)); `bound` says in
//! words how each call is bound to them. `docs/identity.md` shows this table, and a test holds the two together.

use crate::caller::{Role, Roles};

/// One call, and who may make it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Right {
    /// The call's full path.
    pub path: &'static str,
    /// Whether messages flow in either direction for as long as the call is open.
    pub streams: bool,
    /// Whoever has one of these roles may make it.
    pub roles: Roles,
    /// How participants and instructing parties are bound to their BICs.
    pub bound: &'static str,
}

/// The row of a path.
pub fn right_to(path: &str) -> Option<&'static Right> {
    // Most rows differ from the path in length, and the busiest stand first.
    RIGHTS.iter().find(|right| right.path == path)
}

const BANKS: Roles = Roles::NONE.and(Role::Participant);
const SENDERS: Roles = BANKS.and(Role::InstructingParty);
const OPERATORS: Roles = Roles::NONE.and(Role::Operator);
const OVERSEERS: Roles = OPERATORS.and(Role::Auditor);

const PAYER: &str = "the payer's bank is an own one";
const PAYEE: &str = "the payee's bank is an own one";
const PARTY: &str = "payments of own banks";
const OWNER: &str = "own accounts; others do not exist for it";
const ITSELF: &str = "own BICs";
const HOST: &str = "own BICs, and parties on own positions";
const REQUESTER: &str = "the requesting bank is an own one";
const EACH: &str = "—";

const fn call(path: &'static str, roles: Roles, bound: &'static str) -> Right {
    Right { path, streams: false, roles, bound }
}

const fn stream(path: &'static str, roles: Roles, bound: &'static str) -> Right {
    Right { path, streams: true, roles, bound }
}

/// Every call that may be made.
pub const RIGHTS: [Right; 109] = [
    call("/solvo.v1.PaymentService/SubmitPayment", SENDERS, PAYER),
    stream("/solvo.v1.PaymentService/SubmitPayments", SENDERS, PAYER),
    call("/solvo.v1.PaymentService/GetPayment", Roles::ALL, PARTY),
    call("/solvo.v1.Iso20022Service/Submit", SENDERS, PAYER),
    stream("/solvo.v1.Iso20022Service/Exchange", SENDERS, ITSELF),
    stream("/solvo.v1.ParticipantService/Connect", SENDERS, ITSELF),
    stream("/solvo.v1.EventService/Watch", Roles::ALL, PARTY),
    call("/solvo.v1.AccountService/OpenAccount", BANKS, ITSELF),
    stream("/solvo.v1.AccountService/OpenAccounts", BANKS, ITSELF),
    call("/solvo.v1.AccountService/GetAccount", Roles::ALL, OWNER),
    call("/solvo.v1.AccountService/PostEntry", BANKS, OWNER),
    stream("/solvo.v1.AccountService/PostEntries", BANKS, OWNER),
    call("/solvo.v1.AccountService/SetAccountStatus", BANKS, OWNER),
    call("/solvo.v1.AccountService/SetAccountFloor", BANKS, OWNER),
    call("/solvo.v1.AccountService/SetAccountFlag", BANKS, OWNER),
    call("/solvo.v1.AccountService/SetAccountHolders", BANKS, OWNER),
    call("/solvo.v1.CustomerService/SetCustomerLimit", BANKS, OWNER),
    call("/solvo.v1.CustomerService/GetCustomerLimit", Roles::ALL, OWNER),
    call("/solvo.v1.CustomerService/SetRestriction", BANKS, OWNER),
    call("/solvo.v1.CustomerService/SetFees", BANKS, ITSELF),
    call("/solvo.v1.CustomerService/SetClock", BANKS, ITSELF),
    call("/solvo.v1.CustomerService/GetTerms", Roles::ALL, ITSELF),
    call("/solvo.v1.VerificationService/Verify", SENDERS, REQUESTER),
    call("/solvo.v1.PaymentCodeService/WritePaymentCode", SENDERS, EACH),
    call("/solvo.v1.PaymentCodeService/ReadPaymentCode", SENDERS, EACH),
    call("/solvo.v1.ParticipantService/RegisterParticipant", OPERATORS, EACH),
    call("/solvo.v1.ParticipantService/GetParticipant", Roles::ALL, ITSELF),
    call("/solvo.v1.ParticipantService/SetParticipantStatus", OPERATORS, EACH),
    call("/solvo.v1.ParticipantService/SetDecisionPolicy", OPERATORS, EACH),
    call("/solvo.v1.ParticipantService/SetReservationLimit", OPERATORS, EACH),
    call("/solvo.v1.LiquidityService/Fund", OPERATORS, EACH),
    call("/solvo.v1.LiquidityService/Defund", OPERATORS, EACH),
    call("/solvo.v1.LiquidityService/GetPosition", Roles::ALL, ITSELF),
    call("/solvo.v1.LiquidityService/TransferOwnFunds", BANKS, ITSELF),
    call("/solvo.v1.LiquidityService/SetPositionAlert", BANKS, ITSELF),
    call("/solvo.v1.LiquidityService/SetReachableParty", OPERATORS, EACH),
    call("/solvo.v1.LiquidityService/GetReachableParty", Roles::ALL, HOST),
    call("/solvo.v1.LiquidityService/SetBlock", OPERATORS, EACH),
    call("/solvo.v1.HistoryService/ListPayments", Roles::ALL, PARTY),
    call("/solvo.v1.HistoryService/FindPayments", Roles::ALL, PARTY),
    call("/solvo.v1.HistoryService/ListEntries", Roles::ALL, OWNER),
    call("/solvo.v1.HistoryService/GetBalance", Roles::ALL, OWNER),
    call("/solvo.v1.HistoryService/GetHistoryStatus", OVERSEERS, EACH),
    stream("/solvo.v1.StatementService/GetStatement", Roles::ALL, OWNER),
    stream("/solvo.v1.StatementService/GetDayEnd", Roles::ALL, ITSELF),
    stream("/solvo.v1.ReportService/GetSettlementReport", Roles::ALL, ITSELF),
    stream("/solvo.v1.ReportService/GetServiceReport", Roles::ALL, ITSELF),
    call("/solvo.v1.AuditService/GetTrialBalance", OVERSEERS, EACH),
    call("/solvo.v1.NodeService/GetNodeStatus", OVERSEERS, EACH),
    call("/solvo.v1.ReceiptService/GetReceipt", Roles::ALL, PARTY),
    call("/solvo.v1.ReceiptService/GetCheckpoint", Roles::ALL, EACH),
    call("/solvo.v1.ReceiptService/ListCheckpoints", Roles::ALL, EACH),
    call("/solvo.v1.ReceiptService/GetReceiptKey", Roles::ALL, EACH),
    call("/solvo.v1.NodeService/SetRulesVersion", OPERATORS, EACH),
    call("/solvo.v1.NodeService/ErasePersonalData", OPERATORS, EACH),
    call("/solvo.v1.NodeService/RotateMasterKey", OPERATORS, EACH),
    call("/solvo.v1.CalendarService/SetClosingDays", OPERATORS, EACH),
    call("/solvo.v1.CalendarService/RollBusinessDate", OPERATORS, EACH),
    call("/solvo.v1.CalendarService/GetCalendar", Roles::ALL, EACH),
    call("/solvo.v1.RecallService/RequestRecall", SENDERS, PAYER),
    call("/solvo.v1.RecallService/AnswerRecall", SENDERS, PAYEE),
    call("/solvo.v1.RecallService/GetRecall", Roles::ALL, PARTY),
    call("/solvo.v1.RecallService/ListOpenRecalls", Roles::ALL, ITSELF),
    call("/solvo.v1.RecallService/SetRecallPolicy", OPERATORS, EACH),
    call("/solvo.v1.RequestService/CreateRequestToPay", SENDERS, PAYEE),
    call("/solvo.v1.RequestService/SubmitRequestsToPay", SENDERS, PAYEE),
    call("/solvo.v1.RequestService/PresentRequestToPay", SENDERS, PAYER),
    call("/solvo.v1.RequestService/AcceptRequestToPay", SENDERS, PAYER),
    call("/solvo.v1.RequestService/RefuseRequestToPay", SENDERS, PAYER),
    call("/solvo.v1.RequestService/CancelRequestToPay", SENDERS, PAYEE),
    call("/solvo.v1.RequestService/GetRequestToPay", Roles::ALL, PARTY),
    call("/solvo.v1.RequestService/ListRequestsToPay", Roles::ALL, PARTY),
    call("/solvo.v1.RequestService/GetRequestToPayReport", Roles::ALL, PARTY),
    call("/solvo.v1.HoldService/Hold", BANKS, OWNER),
    call("/solvo.v1.HoldService/Capture", BANKS, OWNER),
    call("/solvo.v1.HoldService/Release", BANKS, OWNER),
    call("/solvo.v1.HoldService/GetHold", Roles::ALL, OWNER),
    call("/solvo.v1.HoldService/ListHolds", Roles::ALL, OWNER),
    call("/solvo.v1.ExceptionService/RaiseException", BANKS, ITSELF),
    call("/solvo.v1.ExceptionService/AssignException", BANKS, ITSELF),
    call("/solvo.v1.ExceptionService/ResolveException", BANKS, ITSELF),
    call("/solvo.v1.ExceptionService/GetException", Roles::ALL, ITSELF),
    call("/solvo.v1.ExceptionService/ListExceptions", Roles::ALL, ITSELF),
    call("/solvo.v1.RecordService/PutRecord", SENDERS, ITSELF),
    call("/solvo.v1.RecordService/GetRecord", Roles::ALL, ITSELF),
    call("/solvo.v1.RecordService/ListRecords", Roles::ALL, ITSELF),
    call("/solvo.v1.RecordService/RemoveRecord", SENDERS, ITSELF),
    call("/solvo.v1.ActivationService/SetActivation", OPERATORS, EACH),
    call("/solvo.v1.ActivationService/GetActivation", Roles::ALL, ITSELF),
    call("/solvo.v1.PostingService/SetPostingMap", BANKS, ITSELF),
    call("/solvo.v1.PostingService/ListPostingMaps", Roles::ALL, ITSELF),
    stream("/solvo.v1.PostingService/Watch", Roles::ALL, ITSELF),
    stream("/solvo.v1.PostingService/GetTotals", Roles::ALL, ITSELF),
    stream("/solvo.v1.PostingService/ExportDay", Roles::ALL, ITSELF),
    stream("/solvo.v1.OrderService/SubmitPackage", BANKS, ITSELF),
    call("/solvo.v1.OrderService/GetPackage", Roles::ALL, ITSELF),
    call("/solvo.v1.OrderService/ListPackages", Roles::ALL, ITSELF),
    stream("/solvo.v1.OrderService/WatchPackage", Roles::ALL, ITSELF),
    stream("/solvo.v1.OrderService/GetPackageReport", Roles::ALL, ITSELF),
    call("/solvo.v1.OrderService/CancelPackage", BANKS, ITSELF),
    call("/solvo.v1.OrderService/PlaceOrder", BANKS, OWNER),
    call("/solvo.v1.OrderService/ChangeOrder", BANKS, OWNER),
    call("/solvo.v1.OrderService/CancelOrder", BANKS, OWNER),
    call("/solvo.v1.OrderService/GetOrder", Roles::ALL, OWNER),
    call("/solvo.v1.OrderService/ListOrders", Roles::ALL, OWNER),
    call("/grpc.health.v1.Health/Check", Roles::ALL, EACH),
    stream("/grpc.health.v1.Health/Watch", Roles::ALL, EACH),
    stream("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", Roles::ALL, EACH),
    stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", Roles::ALL, EACH),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use prost_types::FileDescriptorSet;

    use super::*;

    /// Every call of the contract, of health and of reflection has its row, and every row its call.
    #[test]
    fn the_table_is_complete() {
        use prost::Message;
        let sets = [
            client::FILE_DESCRIPTOR_SET,
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
        ];
        let mut calls = BTreeMap::new();
        for file in
            sets.map(|set| FileDescriptorSet::decode(set).unwrap()).into_iter().flat_map(|set| set.file)
        {
            for service in &file.service {
                for method in &service.method {
                    let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                    calls.insert(path, method.client_streaming() || method.server_streaming());
                }
            }
        }
        for (path, streams) in &calls {
            let right = right_to(path).unwrap_or_else(|| panic!("{path} has no row: say who may call it"));
            assert_eq!(right.streams, *streams, "{path}");
        }
        for right in RIGHTS {
            assert!(calls.contains_key(right.path), "{} is no call", right.path);
            let rows = RIGHTS.iter().filter(|row| row.path == right.path).count();
            assert_eq!(rows, 1, "{}", right.path);
        }
    }

    #[test]
    fn an_auditor_reads_and_nobody_else_runs_the_node() {
        for right in RIGHTS {
            let (_, method) = right.path.rsplit_once('/').unwrap();
            let reads = ["Get", "List", "Find", "Watch", "Export", "Check", "ServerReflection"];
            assert_eq!(
                right.roles.has(Role::Auditor),
                reads.iter().any(|verb| method.starts_with(verb)),
                "{}",
                right.path
            );
        }
    }
}
