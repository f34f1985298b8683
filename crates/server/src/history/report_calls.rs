//! `ReportService`: what a participant settled on a day, and how fast and dependable the service was.
//!
//! Invariant: a caller is told of the banks that it may see, and of no other.

use client::convert::{FieldReader, Path, timestamp};
use client::v1;
use client::v1::report_service_server::ReportService;
use history::View;
use reports::{BankService, Days, Flow, Latency, PositionFlows, ServiceReport, SettlementReport};
use tonic::{Request, Response, Status};
use types::{Bic, Currency, Date};

use super::asked::{bank_asked, check_bank};
use super::not_taken_in;
use super::pieces::{Pieces, tell_in_pieces, until_over};
use super::statement_calls::not_now;
use super::told::as_of;
use crate::caller::Caller;
use crate::node::Node;
use crate::refusals::invalid;

#[derive(Debug)]
pub(crate) struct ReportCalls(pub(crate) Node);

#[tonic::async_trait]
impl ReportService for ReportCalls {
    type GetSettlementReportStream = Pieces<v1::GetSettlementReportResponse>;
    type GetServiceReportStream = Pieces<v1::GetServiceReportResponse>;

    async fn get_settlement_report(
        &self,
        request: Request<v1::GetSettlementReportRequest>,
    ) -> Result<Response<Self::GetSettlementReportStream>, Status> {
        let caller = Caller::of(&request)?;
        let (bank, currency, date) = read_settlement(&caller, request.get_ref())?;
        until_over(&self.0, date, |view| Days::of_positions(view).map(Some)).await?;
        let node = self.0.clone();
        let told = tell_in_pieces(&self.0, caller.principal, move |view, _, sender| {
            let passed = match Days::of_positions(view)?.passed(date, view.watermark()) {
                Ok(passed) => passed,
                Err(why) => {
                    sender.send(Err(not_now(why)));
                    return Ok(());
                }
            };
            if !view.is_registered(bank) {
                sender.send(Err(not_taken_in(&node, bank)));
                return Ok(());
            }
            let position = view.position(bank, currency);
            let go_on = |counted| sender.send(Ok(v1::GetSettlementReportResponse { counted, report: None }));
            if let Some(report) = SettlementReport::make(view, bank, position.as_ref(), passed, go_on)? {
                let counted = report.payments.values().map(|flow| flow.count).sum();
                let report = Some(settlement(&node, view, &report, currency, date));
                sender.send(Ok(v1::GetSettlementReportResponse { counted, report }));
            }
            Ok(())
        });
        Ok(Response::new(told.await?))
    }

    async fn get_service_report(
        &self,
        request: Request<v1::GetServiceReportRequest>,
    ) -> Result<Response<Self::GetServiceReportStream>, Status> {
        let caller = Caller::of(&request)?;
        let (bank, from, until) = read_service(&caller, request.get_ref())?;
        until_over(&self.0, until, |_| Ok(Some(Days::Frankfurt))).await?;
        let node = self.0.clone();
        let told = tell_in_pieces(&self.0, caller.principal, move |view, _, sender| {
            for day in from.days()..=until.days() {
                let Some(date) = Date::from_days(day) else { break };
                let passed = match Days::Frankfurt.passed(date, view.watermark()) {
                    Ok(passed) => passed,
                    Err(why) => {
                        // Days to come are left out.
                        if date == from {
                            sender.send(Err(not_now(why)));
                        }
                        break;
                    }
                };
                let date = date.to_string();
                let counting = |counted| v1::GetServiceReportResponse {
                    date: date.clone(),
                    counted,
                    ..Default::default()
                };
                let mut last = 0;
                let made = ServiceReport::make(view, passed, bank, |counted| {
                    last = counted;
                    sender.send(Ok(counting(counted)))
                })?;
                let Some(made) = made else { break };
                let banks = made.banks.iter().map(|(bank, service)| service_of(*bank, service)).collect();
                let as_of = Some(as_of(&node, view.watermark()));
                let whole = v1::GetServiceReportResponse { complete: true, banks, as_of, ..counting(last) };
                if !sender.send(Ok(whole)) {
                    break;
                }
            }
            Ok(())
        });
        Ok(Response::new(told.await?))
    }
}

/// Days of one service report.
const SERVICE_DAYS_MAX: i32 = 31;

fn read_day(reader: &mut FieldReader, name: &'static str, text: &str) -> Option<Date> {
    let path = Path::root(name);
    if text.is_empty() {
        reader.missing(&path);
    }
    reader.optional_date(&path, text)
}

fn read_settlement(
    caller: &Caller,
    wire: &v1::GetSettlementReportRequest,
) -> Result<(Bic, Currency, Date), Status> {
    let mut reader = FieldReader::new();
    let path = Path::root("participant");
    let named = reader.optional_bic(&path, &wire.participant);
    let bank = named.or_else(|| caller.only_bank());
    if bank.is_none() && wire.participant.is_empty() {
        reader.missing(&path);
    }
    let currency = reader.currency(&Path::root("currency_code"), &wire.currency_code);
    let date = read_day(&mut reader, "date", &wire.date);
    let read = (|| Some((bank?, currency?, date?)))();
    let read = reader.finish(read).map_err(invalid)?;
    check_bank(caller, Some(read.0))?;
    Ok(read)
}

fn read_service(
    caller: &Caller,
    wire: &v1::GetServiceReportRequest,
) -> Result<(Option<Bic>, Date, Date), Status> {
    let mut reader = FieldReader::new();
    let named = reader.optional_bic(&Path::root("participant"), &wire.participant);
    let bank = bank_asked(&mut reader, caller, named);
    let from = read_day(&mut reader, "from_date", &wire.from_date);
    let path = Path::root("until_date");
    let until = match wire.until_date.is_empty() {
        true => from,
        false => reader.optional_date(&path, &wire.until_date),
    };
    if let (Some(from), Some(until)) = (from, until)
        && !(0..SERVICE_DAYS_MAX).contains(&(until.days() - from.days()))
    {
        reader.violation(
            &path,
            format_args!("it is from_date or later, and the days are at most {SERVICE_DAYS_MAX}"),
        );
    }
    let days = reader.finish(from.zip(until)).map_err(invalid)?;
    check_bank(caller, bank)?;
    Ok((bank, days.0, days.1))
}

fn settlement(
    node: &Node,
    view: &View,
    report: &SettlementReport,
    currency: Currency,
    date: Date,
) -> v1::SettlementReport {
    let payments = report.payments.iter().map(|(counted, flow)| {
        let side = if counted.is_sent { v1::PaymentSide::Debtor } else { v1::PaymentSide::Creditor };
        let paid_in = counted.currency();
        v1::PaymentCount {
            side: side.into(),
            status: client::convert::payment_status(counted.state()).into(),
            reason_code: counted.reason().map_or_else(String::new, |reason| reason.to_string()),
            currency_code: paid_in.map_or_else(String::new, |currency| currency.to_string()),
            count: flow.count,
            sum: paid_in.map_or_else(String::new, |currency| sum(flow, currency)),
        }
    });
    v1::SettlementReport {
        participant: report.bank.to_string(),
        date: date.to_string(),
        from_time: Some(timestamp(report.passed.from.time)),
        until_time: Some(timestamp(report.passed.until.time)),
        day_over: report.passed.is_over,
        position: report.position.as_ref().map(|flows| position(flows, currency)),
        payments: payments.collect(),
        as_of: Some(as_of(node, view.watermark())),
    }
}

fn position(flows: &PositionFlows, currency: Currency) -> v1::PositionFlows {
    let balance = |balance| crate::values::decimal(balance, currency);
    v1::PositionFlows {
        currency_code: currency.to_string(),
        opening_balance: balance(flows.opening),
        closing_balance: balance(flows.closing),
        received_count: flows.received.count,
        received_sum: sum(&flows.received, currency),
        sent_count: flows.sent.count,
        sent_sum: sum(&flows.sent, currency),
        liquidity_in_count: flows.liquidity_in.count,
        liquidity_in_sum: sum(&flows.liquidity_in, currency),
        liquidity_out_count: flows.liquidity_out.count,
        liquidity_out_sum: sum(&flows.liquidity_out, currency),
        returns_received_count: flows.returns_received.count,
        returns_received_sum: sum(&flows.returns_received, currency),
        returns_sent_count: flows.returns_sent.count,
        returns_sent_sum: sum(&flows.returns_sent, currency),
    }
}

/// What payments come to: it may be more than any account can hold.
fn sum(flow: &Flow, currency: Currency) -> String {
    reports::decimal(flow.sum, currency)
}

fn service_of(bank: Bic, service: &BankService) -> v1::BankService {
    let [way_in, answer, whole] = &service.hops;
    let rejected = service.rejected.iter();
    v1::BankService {
        bic: bank.to_string(),
        way_in: Some(latency(way_in)),
        answer: Some(latency(answer)),
        whole: Some(latency(whole)),
        answers_needed: service.availability.needed,
        answers_missed: service.availability.missed,
        sent: service.sent,
        settled: service.settled,
        late: service.late,
        rejected: rejected
            .map(|(code, count)| (String::from_utf8_lossy(code).into_owned(), *count))
            .collect(),
    }
}

fn latency(latency: &Latency) -> v1::ServiceLatency {
    let [within_5s, within_7s, within_9s, within_10s] = latency.within;
    let longest_ms = latency.longest.to_standard().as_nanos().div_ceil(1_000_000);
    v1::ServiceLatency {
        count: latency.count,
        within_5s,
        within_7s,
        within_9s,
        within_10s,
        longest_ms: u64::try_from(longest_ms).unwrap_or(u64::MAX),
    }
}
