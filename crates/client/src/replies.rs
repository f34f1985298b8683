//! Calls that are answered in many replies: statements, reports and postings. They only read, so nothing is made again behind the
//! caller's back: whoever wants it asks anew.

use tonic::{Response, Status, Streaming};

use crate::v1::posting_service_client::PostingServiceClient;
use crate::v1::report_service_client::ReportServiceClient;
use crate::v1::statement_service_client::StatementServiceClient;
use crate::{Client, ClientError, Refusal, v1};

/// The replies of a call, in their order.
#[derive(Debug)]
pub struct Replies<Reply>(Streaming<Reply>);

impl<Reply> Replies<Reply> {
    pub(crate) fn of(replies: Response<Streaming<Reply>>) -> Self {
        Self(replies.into_inner())
    }

    /// The next reply; `None` if the call has ended as it should.
    ///
    /// # Errors
    /// If the call ends early: what came of it by then is not whole.
    pub async fn next(&mut self) -> Result<Option<Reply>, ClientError> {
        self.0.message().await.map_err(refused)
    }
}

pub(crate) fn refused(status: Status) -> ClientError {
    ClientError::NotDone(Refusal::from_status(&status))
}

impl Client {
    /// Asks for a statement of an account or position, in pieces: it is whole if the last one says `complete`.
    ///
    /// # Errors
    /// If the node refuses.
    pub async fn get_statement(
        &self,
        request: v1::GetStatementRequest,
    ) -> Result<Replies<v1::GetStatementResponse>, ClientError> {
        let replies = StatementServiceClient::new(self.channel()).get_statement(request).await;
        Ok(Replies::of(replies.map_err(refused)?))
    }

    /// Asks for a bank's statements of a day, in pieces: they are all there if the last piece has the totals.
    ///
    /// # Errors
    /// If the node refuses.
    pub async fn get_day_end(
        &self,
        request: v1::GetDayEndRequest,
    ) -> Result<Replies<v1::GetDayEndResponse>, ClientError> {
        let replies = StatementServiceClient::new(self.channel()).get_day_end(request).await;
        Ok(Replies::of(replies.map_err(refused)?))
    }

    /// Asks what a participant settled on a day: the last reply has the report.
    ///
    /// # Errors
    /// If the node refuses.
    pub async fn get_settlement_report(
        &self,
        request: v1::GetSettlementReportRequest,
    ) -> Result<Replies<v1::GetSettlementReportResponse>, ClientError> {
        let replies = ReportServiceClient::new(self.channel()).get_settlement_report(request).await;
        Ok(Replies::of(replies.map_err(refused)?))
    }

    /// Asks how the service was on some days: each day ends with a reply that says `complete`.
    ///
    /// # Errors
    /// If the node refuses.
    pub async fn get_service_report(
        &self,
        request: v1::GetServiceReportRequest,
    ) -> Result<Replies<v1::GetServiceReportResponse>, ClientError> {
        let replies = ReportServiceClient::new(self.channel()).get_service_report(request).await;
        Ok(Replies::of(replies.map_err(refused)?))
    }

    /// Asks what the postings of a day come to: the last reply has the totals.
    ///
    /// # Errors
    /// If the node refuses.
    pub async fn get_posting_totals(
        &self,
        request: v1::GetTotalsRequest,
    ) -> Result<Replies<v1::GetTotalsResponse>, ClientError> {
        let replies = PostingServiceClient::new(self.channel()).get_totals(request).await;
        Ok(Replies(replies.map_err(refused)?.into_inner()))
    }

    /// Asks for the file of a day's postings, in pieces: it is whole if the last one says `complete`.
    ///
    /// # Errors
    /// If the node refuses.
    pub async fn export_posting_day(
        &self,
        request: v1::ExportDayRequest,
    ) -> Result<Replies<v1::ExportDayResponse>, ClientError> {
        let replies = PostingServiceClient::new(self.channel()).export_day(request).await;
        Ok(Replies(replies.map_err(refused)?.into_inner()))
    }
}
