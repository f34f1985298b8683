//! `OrderService`: files of orders, and orders in time.
//!
//! Invariants:
//! - Nothing about an order is kept here: what is due, sent and done says the core, and its texts the log.
//! - Whoever asks about the packages of other banks, or the orders of their accounts, learns nothing, not even whether there
//!   are any.

mod arriving;
mod desk;
mod holding;
mod line;
mod logging;
mod renewal;
mod report;
mod runner;
mod sent;
mod unpack;
mod upload;
mod watch;
mod wire;

pub(crate) use self::desk::OrderDesk;
pub(crate) use self::renewal::older_than;
pub(crate) use self::runner::run_orders;

use client::v1;
use client::v1::order_service_server::OrderService;
use engine::{
    Answer, Answered, ORDERS_ASKED_MAX, OrderFound, OrdersAsked, PackageFound, PackagesAsked, Question,
};
use ledger::{
    CancelOrders, CancelTarget, ChangeOrder, PackageText, PlaceOrder, RecordWriter, Refusal, RequestId,
    Verdict,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};
use types::{AccountNumber, Bic, Currency, Digest, Iban, Sequence};

use crate::caller::Caller;
use crate::history::{Pieces, make_in_pieces};
use crate::log::{terms_left, texts_left};
use crate::node::Node;
use crate::refusals::{bank_not_yours, refused, unanswered};
use crate::values::confirmation;

#[derive(Debug)]
pub(crate) struct Orders(pub(crate) Node);

/// Packages or orders on a page if the caller does not say, and at the most.
const PAGE: (usize, usize) = (100, 256);

#[tonic::async_trait]
impl OrderService for Orders {
    type WatchPackageStream = ReceiverStream<Result<v1::WatchPackageResponse, Status>>;
    type GetPackageReportStream = Pieces<v1::GetPackageReportResponse>;

    async fn submit_package(
        &self,
        request: Request<Streaming<v1::SubmitPackageRequest>>,
    ) -> Result<Response<v1::SubmitPackageResponse>, Status> {
        let caller = Caller::of(&request)?;
        let unpacked = upload::take(&self.0, &caller, request.into_inner()).await?;
        self.0.orders.nudge();
        let (found, _) = self.package(unpacked.package).await?;
        let package = self.told(vec![found.ok_or_else(unanswered)?]).await?.pop();
        let (repeat, refused_lines) = (unpacked.is_repeat, unpacked.refused_lines);
        Ok(Response::new(v1::SubmitPackageResponse { package, repeat, refused_lines }))
    }

    async fn get_package(
        &self,
        request: Request<v1::GetPackageRequest>,
    ) -> Result<Response<v1::GetPackageResponse>, Status> {
        let caller = Caller::of(&request)?;
        let (found, as_of) = self.package_seen(&caller, &request.get_ref().package_id).await?;
        let package = self.told(vec![found]).await?.pop();
        Ok(Response::new(v1::GetPackageResponse { package, as_of_sequence: as_of.0 }))
    }

    async fn list_packages(
        &self,
        request: Request<v1::ListPackagesRequest>,
    ) -> Result<Response<v1::ListPackagesResponse>, Status> {
        let caller = Caller::of(&request)?;
        let wire::ListedPackages { bank, after, page_size } =
            wire::read_list_packages(&self.0.handle, &caller, request.get_ref())?;
        if !caller.may_see(bank) {
            return Err(bank_not_yours().into_status());
        }
        let asked = PackagesAsked::OfBank { bank, after, count_max: page(page_size) };
        let Answered { answer, as_of } = self.0.ask(Question::Packages(asked)).await?;
        let Answer::Packages(found) = answer else { return Err(unanswered()) };
        let packages = self.told(found).await?;
        Ok(Response::new(v1::ListPackagesResponse { packages, as_of_sequence: as_of.sequence.0 }))
    }

    async fn watch_package(
        &self,
        request: Request<v1::WatchPackageRequest>,
    ) -> Result<Response<Self::WatchPackageStream>, Status> {
        let caller = Caller::of(&request)?;
        let (found, _) = self.package_seen(&caller, &request.get_ref().package_id).await?;
        watch::begin(&self.0, &caller, found.package.sequence).map(Response::new)
    }

    async fn get_package_report(
        &self,
        request: Request<v1::GetPackageReportRequest>,
    ) -> Result<Response<Self::GetPackageReportStream>, Status> {
        let caller = Caller::of(&request)?;
        let (found, _) = self.package_seen(&caller, &request.get_ref().package_id).await?;
        let place = self.0.orders.reports.enter(caller.principal).await;
        let node = self.0.clone();
        let made = make_in_pieces(&self.0, place, move |sender| report::write(&node, &found, sender));
        Ok(Response::new(made))
    }

    async fn cancel_package(
        &self,
        request: Request<v1::CancelPackageRequest>,
    ) -> Result<Response<v1::CancelPackageResponse>, Status> {
        let caller = Caller::of(&request)?;
        let v1::CancelPackageRequest { request_id, package_id } = request.get_ref();
        let (request_id, package) = wire::read_cancel(&self.0.handle, request_id, "package_id", package_id)?;
        let found = self.package(package).await?.0.filter(|found| caller.may_act_for(found.bank));
        let bank = found.ok_or_else(|| refused(Refusal::PackageUnknown).into_status())?.bank;
        let outcome = self.cancel(&caller, request_id, bank, CancelTarget::Package(package)).await?;
        let (found, _) = self.package(package).await?;
        let package = self.told(found.into_iter().collect()).await?.pop();
        Ok(Response::new(v1::CancelPackageResponse { confirmation: Some(confirmation(&outcome)), package }))
    }

    async fn place_order(
        &self,
        request: Request<v1::PlaceOrderRequest>,
    ) -> Result<Response<v1::PlaceOrderResponse>, Status> {
        let caller = Caller::of(&request)?;
        let command: PlaceOrder = wire::read_place(request.get_ref())?;
        self.check_payer(&caller, &command.content.order).await?;
        let mut commands = self.0.handle.commands(caller.principal);
        commands.place_order(&command, self.look_up());
        let outcome = self.carried_out(commands).await?;
        let Verdict::Done { subject, .. } = outcome.verdict else { return Err(unanswered()) };
        let order_id = self.0.handle.payment_id(Sequence(subject)).to_string();
        Ok(Response::new(v1::PlaceOrderResponse { confirmation: Some(confirmation(&outcome)), order_id }))
    }

    async fn change_order(
        &self,
        request: Request<v1::ChangeOrderRequest>,
    ) -> Result<Response<v1::ChangeOrderResponse>, Status> {
        let caller = Caller::of(&request)?;
        let command: ChangeOrder = wire::read_change(&self.0.handle, request.get_ref())?;
        self.order_of(&caller, command.order).await?;
        self.check_payer(&caller, &command.content.order).await?;
        let mut commands = self.0.handle.commands(caller.principal);
        commands.change_order(&command, self.look_up());
        let outcome = self.carried_out(commands).await?;
        Ok(Response::new(v1::ChangeOrderResponse { confirmation: Some(confirmation(&outcome)) }))
    }

    async fn cancel_order(
        &self,
        request: Request<v1::CancelOrderRequest>,
    ) -> Result<Response<v1::CancelOrderResponse>, Status> {
        let caller = Caller::of(&request)?;
        let v1::CancelOrderRequest { request_id, order_id } = request.get_ref();
        let (request_id, order) = wire::read_cancel(&self.0.handle, request_id, "order_id", order_id)?;
        let bank = self.order_of(&caller, order).await?.bank;
        let outcome = self.cancel(&caller, request_id, bank, CancelTarget::Order(order)).await?;
        Ok(Response::new(v1::CancelOrderResponse { confirmation: Some(confirmation(&outcome)) }))
    }

    async fn get_order(
        &self,
        request: Request<v1::GetOrderRequest>,
    ) -> Result<Response<v1::GetOrderResponse>, Status> {
        let caller = Caller::of(&request)?;
        let order = wire::read_id(&self.0.handle, "order_id", &request.get_ref().order_id)?;
        let (found, as_of) = self.order(order).await?;
        let found = found.filter(|found| caller.may_see(found.bank));
        let found = found.ok_or_else(|| refused(Refusal::OrderUnknown).into_status())?;
        let order = self.told_orders(vec![found]).await?.pop();
        Ok(Response::new(v1::GetOrderResponse { order, as_of_sequence: as_of.0 }))
    }

    async fn list_orders(
        &self,
        request: Request<v1::ListOrdersRequest>,
    ) -> Result<Response<v1::ListOrdersResponse>, Status> {
        let caller = Caller::of(&request)?;
        let wire::ListedOrders { iban, currency, after, page_size } =
            wire::read_list_orders(&self.0.handle, request.get_ref())?;
        if !self.bank_of(iban, currency).await?.is_some_and(|bank| caller.may_see(bank)) {
            return Err(account_unknown());
        }
        let asked = OrdersAsked::OfAccount { iban, currency, after, count_max: page(page_size) };
        let Answered { answer, as_of } = self.0.ask(Question::Orders(asked)).await?;
        let Answer::Orders(found) = answer else { return Err(unanswered()) };
        let orders = self.told_orders(found.orders).await?;
        Ok(Response::new(v1::ListOrdersResponse { orders, as_of_sequence: as_of.sequence.0 }))
    }
}

impl Orders {
    /// The package at a position, if there is one, and the position of the answer.
    async fn package(&self, package: Sequence) -> Result<(Option<PackageFound>, Sequence), Status> {
        watch::ask(&self.0, package).await
    }

    /// The package with this id, if the caller may see it.
    async fn package_seen(&self, caller: &Caller, id: &str) -> Result<(PackageFound, Sequence), Status> {
        let package = wire::read_id(&self.0.handle, "package_id", id)?;
        let (found, as_of) = self.package(package).await?;
        let found = found.filter(|found| caller.may_see(found.bank));
        Ok((found.ok_or_else(|| refused(Refusal::PackageUnknown).into_status())?, as_of))
    }

    /// Packages with their texts, which stand in the log.
    async fn told(&self, found: Vec<PackageFound>) -> Result<Vec<v1::Package>, Status> {
        let positions = found.iter().map(|found| found.package.sequence).collect();
        let texts = texts_left(&self.0, positions).await?;
        let told = found.iter().zip(texts).map(|(found, text)| {
            let text = text.and_then(|text| PackageText::decode(&text).ok());
            wire::package(&self.0.handle, found, text)
        });
        Ok(told.collect())
    }

    /// The order at a position, if there is one, and the position of the answer.
    async fn order(&self, order: Sequence) -> Result<(Option<OrderFound>, Sequence), Status> {
        let Answered { answer, as_of } = self.0.ask(Question::Orders(OrdersAsked::At(order))).await?;
        let Answer::Orders(mut found) = answer else { return Err(unanswered()) };
        Ok((found.orders.pop(), as_of.sequence))
    }

    /// The order at a position, if the caller acts for its bank.
    async fn order_of(&self, caller: &Caller, order: Sequence) -> Result<OrderFound, Status> {
        let found = self.order(order).await?.0.filter(|found| caller.may_act_for(found.bank));
        found.ok_or_else(|| refused(Refusal::OrderUnknown).into_status())
    }

    /// Orders with their texts, which stand in the log.
    async fn told_orders(&self, found: Vec<OrderFound>) -> Result<Vec<v1::Order>, Status> {
        let positions = found.iter().map(|found| found.order.stands_at).collect();
        let terms = terms_left(&self.0, positions).await?;
        let told = found.iter().zip(terms).map(|(found, terms)| wire::order(&self.0.handle, found, terms));
        Ok(told.collect())
    }

    /// Where accounts are, as far as this is known here; the core looks again.
    fn look_up(&self) -> impl Fn(Digest, Currency) -> AccountNumber {
        let accounts = self.0.handle.directory().accounts();
        move |digest, currency| accounts.find(digest, currency)
    }

    /// The bank that keeps an account here, open or closed.
    async fn bank_of(&self, iban: Iban, currency: Currency) -> Result<Option<Bic>, Status> {
        let Answer::Account(found) = self.0.ask(Question::Account { iban, currency }).await?.answer else {
            return Err(unanswered());
        };
        Ok(found.map(|(_, _, bank)| bank))
    }

    /// The accounts of other banks do not exist for a caller.
    async fn check_payer(&self, caller: &Caller, order: &types::PaymentOrder) -> Result<(), Status> {
        if !caller.may_act_for(order.debtor_agent) {
            return Err(bank_not_yours().into_status());
        }
        let bank = self.bank_of(order.debtor_account, order.currency).await?;
        if bank == Some(order.debtor_agent) { Ok(()) } else { Err(account_unknown()) }
    }

    async fn cancel(
        &self,
        caller: &Caller,
        request_id: RequestId,
        bank: Bic,
        target: CancelTarget,
    ) -> Result<ledger::Outcome, Status> {
        let mut commands = self.0.handle.commands(caller.principal);
        commands.cancel_orders(&CancelOrders { request_id, bank, target });
        self.0.carry_out(commands).await
    }

    /// What was carried out may be due already.
    async fn carried_out(&self, commands: RecordWriter) -> Result<ledger::Outcome, Status> {
        let outcome = self.0.carry_out(commands).await?;
        self.0.orders.nudge();
        Ok(outcome)
    }
}

fn account_unknown() -> Status {
    refused(Refusal::AccountUnknown).into_status()
}

fn page(asked: usize) -> usize {
    let (usual, max) = PAGE;
    const { assert!(PAGE.1 <= ORDERS_ASKED_MAX) };
    if asked == 0 { usual } else { asked.min(max) }
}
