//! The unary calls of every service.

use crate::v1::account_service_client::AccountServiceClient;
use crate::v1::activation_service_client::ActivationServiceClient;
use crate::v1::audit_service_client::AuditServiceClient;
use crate::v1::calendar_service_client::CalendarServiceClient;
use crate::v1::customer_service_client::CustomerServiceClient;
use crate::v1::exception_service_client::ExceptionServiceClient;
use crate::v1::history_service_client::HistoryServiceClient;
use crate::v1::hold_service_client::HoldServiceClient;
use crate::v1::iso20022_service_client::Iso20022ServiceClient;
use crate::v1::liquidity_service_client::LiquidityServiceClient;
use crate::v1::node_service_client::NodeServiceClient;
use crate::v1::order_service_client::OrderServiceClient;
use crate::v1::participant_service_client::ParticipantServiceClient;
use crate::v1::payment_code_service_client::PaymentCodeServiceClient;
use crate::v1::payment_service_client::PaymentServiceClient;
use crate::v1::posting_service_client::PostingServiceClient;
use crate::v1::recall_service_client::RecallServiceClient;
use crate::v1::receipt_service_client::ReceiptServiceClient;
use crate::v1::record_service_client::RecordServiceClient;
use crate::v1::request_service_client::RequestServiceClient;
use crate::v1::verification_service_client::VerificationServiceClient;
use crate::{Client, ClientError, v1};

/// One method per call, all alike: the contract's comments say what each does and how it fails.
macro_rules! calls {
    ($($service:ident { $($(#[$doc:meta])* $call:ident($request:ident) -> $reply:ident;)* })*) => {
        impl Client {$($(
            $(#[$doc])*
            pub async fn $call(&self, request: v1::$request) -> Result<v1::$reply, ClientError> {
                self.call(request, |channel, request| async move {
                    $service::new(channel).$call(request).await
                })
                .await
            }
        )*)*}
    };
}

calls! {
    PaymentServiceClient {
        /// Submits one payment and waits for its outcome.
        submit_payment(SubmitPaymentRequest) -> SubmitPaymentResponse;
        /// Tells what became of a payment.
        get_payment(GetPaymentRequest) -> GetPaymentResponse;
    }
    AccountServiceClient {
        /// Opens an account.
        open_account(OpenAccountRequest) -> OpenAccountResponse;
        /// Tells an account's balances and status.
        get_account(GetAccountRequest) -> GetAccountResponse;
        /// Moves money between an account and the core account of its book.
        post_entry(PostEntryRequest) -> PostEntryResponse;
        /// Changes whether an account takes part in payments.
        set_account_status(SetAccountStatusRequest) -> SetAccountStatusResponse;
        /// Changes how far an account may be drawn.
        set_account_floor(SetAccountFloorRequest) -> SetAccountFloorResponse;
        /// Flags an account, or takes the flag away.
        set_account_flag(SetAccountFlagRequest) -> SetAccountFlagResponse;
        /// Says anew who holds an account.
        set_account_holders(SetAccountHoldersRequest) -> SetAccountHoldersResponse;
    }
    ParticipantServiceClient {
        /// Registers a participant.
        register_participant(RegisterParticipantRequest) -> RegisterParticipantResponse;
        /// Tells how a participant is registered.
        get_participant(GetParticipantRequest) -> GetParticipantResponse;
        /// Suspends a participant or lets it take part again.
        set_participant_status(SetParticipantStatusRequest) -> SetParticipantStatusResponse;
        /// Sets about which payments a bank decides itself.
        set_decision_policy(SetDecisionPolicyRequest) -> SetDecisionPolicyResponse;
        /// Sets how many questions a bank may have unanswered.
        set_reservation_limit(SetReservationLimitRequest) -> SetReservationLimitResponse;
    }
    CustomerServiceClient {
        /// Sets what a customer allows to leave an account.
        set_customer_limit(SetCustomerLimitRequest) -> SetCustomerLimitResponse;
        /// Tells what a customer allows, and how much of it is used.
        get_customer_limit(GetCustomerLimitRequest) -> GetCustomerLimitResponse;
        /// Restricts an account, or frees it.
        set_restriction(SetRestrictionRequest) -> SetRestrictionResponse;
        /// Sets a bank's fees.
        set_fees(SetFeesRequest) -> SetFeesResponse;
        /// Sets a bank's clock.
        set_clock(SetClockRequest) -> SetClockResponse;
        /// Tells a bank's fees and clock.
        get_terms(GetTermsRequest) -> GetTermsResponse;
    }
    CalendarServiceClient {
        /// Sets the closing days of a year.
        set_closing_days(SetClosingDaysRequest) -> SetClosingDaysResponse;
        /// Moves the business date on.
        roll_business_date(RollBusinessDateRequest) -> RollBusinessDateResponse;
        /// Tells the business date and the closing days.
        get_calendar(GetCalendarRequest) -> GetCalendarResponse;
    }
    RecallServiceClient {
        /// Asks a settled payment back.
        request_recall(RequestRecallRequest) -> RequestRecallResponse;
        /// Answers a recall.
        answer_recall(AnswerRecallRequest) -> AnswerRecallResponse;
        /// Tells where a recall stands.
        get_recall(GetRecallRequest) -> GetRecallResponse;
        /// Lists the recalls that a bank has to answer.
        list_open_recalls(ListOpenRecallsRequest) -> ListOpenRecallsResponse;
        /// Sets whether a bank's silence is answered for it.
        set_recall_policy(SetRecallPolicyRequest) -> SetRecallPolicyResponse;
    }
    LiquidityServiceClient {
        /// Raises a position.
        fund(FundRequest) -> FundResponse;
        /// Lowers a position.
        defund(DefundRequest) -> DefundResponse;
        /// Tells a position.
        get_position(GetPositionRequest) -> GetPositionResponse;
        /// Moves money between a participant's own position and its own technical account.
        transfer_own_funds(TransferOwnFundsRequest) -> TransferOwnFundsResponse;
        /// Says from when on a bank hears of its position or limit.
        set_position_alert(SetPositionAlertRequest) -> SetPositionAlertResponse;
        /// Makes a bank reachable over a participant's position, or replaces its limit.
        set_reachable_party(SetReachablePartyRequest) -> SetReachablePartyResponse;
        /// Tells a reachable party's limit.
        get_reachable_party(GetReachablePartyRequest) -> GetReachablePartyResponse;
        /// Stops debits or credits of something, or lets them through again.
        set_block(SetBlockRequest) -> SetBlockResponse;
    }
    HoldServiceClient {
        /// Sets money of an account aside.
        hold(HoldRequest) -> HoldResponse;
        /// Pays what is held to one or more payees, all or none.
        capture(CaptureRequest) -> CaptureResponse;
        /// Gives back what is held.
        release(ReleaseRequest) -> ReleaseResponse;
        /// Tells an open hold.
        get_hold(GetHoldRequest) -> GetHoldResponse;
        /// Lists the open holds of an account.
        list_holds(ListHoldsRequest) -> ListHoldsResponse;
    }
    ExceptionServiceClient {
        /// Raises an exception.
        raise_exception(RaiseExceptionRequest) -> RaiseExceptionResponse;
        /// Says who looks after an exception.
        assign_exception(AssignExceptionRequest) -> AssignExceptionResponse;
        /// Does something about an exception.
        resolve_exception(ResolveExceptionRequest) -> ResolveExceptionResponse;
        /// Tells an exception.
        get_exception(GetExceptionRequest) -> GetExceptionResponse;
        /// Lists exceptions.
        list_exceptions(ListExceptionsRequest) -> ListExceptionsResponse;
    }
    RecordServiceClient {
        /// Puts a gateway's record.
        put_record(PutRecordRequest) -> PutRecordResponse;
        /// Tells a gateway's record.
        get_record(GetRecordRequest) -> GetRecordResponse;
        /// Lists the records of a name space.
        list_records(ListRecordsRequest) -> ListRecordsResponse;
        /// Removes a gateway's record.
        remove_record(RemoveRecordRequest) -> RemoveRecordResponse;
    }
    ActivationServiceClient {
        /// Lets accounts of a bank take part in payments, or ends that.
        set_activation(SetActivationRequest) -> SetActivationResponse;
        /// Tells which accounts of a bank take part.
        get_activation(GetActivationRequest) -> GetActivationResponse;
    }
    PostingServiceClient {
        /// Says what a bank's general ledger calls its accounts.
        set_posting_map(SetPostingMapRequest) -> SetPostingMapResponse;
        /// Lists the maps that were set.
        list_posting_maps(ListPostingMapsRequest) -> ListPostingMapsResponse;
    }
    RequestServiceClient {
        /// Asks a payer for money.
        create_request_to_pay(CreateRequestToPayRequest) -> CreateRequestToPayResponse;
        /// Asks payers for money, by a document.
        submit_requests_to_pay(SubmitRequestsToPayRequest) -> SubmitRequestsToPayResponse;
        /// Notes that the payer has seen a request to pay.
        present_request_to_pay(PresentRequestToPayRequest) -> PresentRequestToPayResponse;
        /// Accepts a request to pay for the payer.
        accept_request_to_pay(AcceptRequestToPayRequest) -> AcceptRequestToPayResponse;
        /// Refuses a request to pay for the payer.
        refuse_request_to_pay(RefuseRequestToPayRequest) -> RefuseRequestToPayResponse;
        /// Takes a request to pay back for the payee.
        cancel_request_to_pay(CancelRequestToPayRequest) -> CancelRequestToPayResponse;
        /// Tells a request to pay.
        get_request_to_pay(GetRequestToPayRequest) -> GetRequestToPayResponse;
        /// Lists requests to pay.
        list_requests_to_pay(ListRequestsToPayRequest) -> ListRequestsToPayResponse;
        /// Tells where a request to pay stands, as a document.
        get_request_to_pay_report(GetRequestToPayReportRequest) -> GetRequestToPayReportResponse;
    }
    OrderServiceClient {
        /// Tells a file of orders.
        get_package(GetPackageRequest) -> GetPackageResponse;
        /// Lists a bank's files of orders.
        list_packages(ListPackagesRequest) -> ListPackagesResponse;
        /// Cancels what has not been sent of a file of orders.
        cancel_package(CancelPackageRequest) -> CancelPackageResponse;
        /// Takes an order for a day to come, or a standing one.
        place_order(PlaceOrderRequest) -> PlaceOrderResponse;
        /// Changes an order.
        change_order(ChangeOrderRequest) -> ChangeOrderResponse;
        /// Cancels an order.
        cancel_order(CancelOrderRequest) -> CancelOrderResponse;
        /// Tells an order.
        get_order(GetOrderRequest) -> GetOrderResponse;
        /// Lists the orders of an account.
        list_orders(ListOrdersRequest) -> ListOrdersResponse;
    }
    Iso20022ServiceClient {
        /// Submits one ISO 20022 document and waits for the one that answers it.
        submit(Iso20022ServiceSubmitRequest) -> Iso20022ServiceSubmitResponse;
    }
    AuditServiceClient {
        /// Adds up every book at one position of the log.
        get_trial_balance(GetTrialBalanceRequest) -> GetTrialBalanceResponse;
    }
    VerificationServiceClient {
        /// Says whether a name or a code is that of an account's holder.
        verify(VerifyRequest) -> VerifyResponse;
    }
    PaymentCodeServiceClient {
        /// Writes a payment code.
        write_payment_code(WritePaymentCodeRequest) -> WritePaymentCodeResponse;
        /// Reads a payment code from its text or from an image.
        read_payment_code(ReadPaymentCodeRequest) -> ReadPaymentCodeResponse;
    }
    ReceiptServiceClient {
        /// Gives the receipt of a settled payment.
        get_receipt(GetReceiptRequest) -> GetReceiptResponse;
        /// Gives one checkpoint.
        get_checkpoint(GetCheckpointRequest) -> GetCheckpointResponse;
        /// Lists checkpoints in their order.
        list_checkpoints(ListCheckpointsRequest) -> ListCheckpointsResponse;
        /// Tells the key by which receipts are checked.
        get_receipt_key(GetReceiptKeyRequest) -> GetReceiptKeyResponse;
    }
    HistoryServiceClient {
        /// Lists payments of the past.
        list_payments(ListPaymentsRequest) -> ListPaymentsResponse;
        /// Finds payments by the payer's reference.
        find_payments(FindPaymentsRequest) -> FindPaymentsResponse;
        /// Lists what moved the balance of an account or position.
        list_entries(ListEntriesRequest) -> ListEntriesResponse;
        /// Tells what was on an account or position at a time or position of the log.
        get_balance(GetBalanceRequest) -> GetBalanceResponse;
        /// Tells how far history has come.
        get_history_status(GetHistoryStatusRequest) -> GetHistoryStatusResponse;
    }
    NodeServiceClient {
        /// Tells whether the node takes work, and where the time of a payment goes.
        get_node_status(GetNodeStatusRequest) -> GetNodeStatusResponse;
        /// Raises the version of the rules.
        set_rules_version(SetRulesVersionRequest) -> SetRulesVersionResponse;
        /// Destroys the keys of personal data from before a day.
        erase_personal_data(ErasePersonalDataRequest) -> ErasePersonalDataResponse;
        /// Wraps the keys of personal data by the master key that the node is to have next.
        rotate_master_key(RotateMasterKeyRequest) -> RotateMasterKeyResponse;
    }
}
