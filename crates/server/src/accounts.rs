//! `AccountService`: customers' accounts, one by one and in bulk.

use client::convert::{FieldReader, Path};
use client::v1::account_service_server::AccountService;
use client::{Refusal, v1};
use engine::{Answer, Question};
use ledger::{
    AccountKind, AccountSelector, AccountStatus, Direction, OpenAccount, Outcome, PostEntry, SetAccountFlag,
    SetAccountFloor, SetAccountStatus,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};
use types::{Balance, Currency, Iban};

use crate::account_holders::{read_names, read_set_holders};
use crate::account_streams::{Entries, Openings, serve};
use crate::caller::Caller;
use crate::node::Node;
use crate::refusals::{bank_not_yours, invalid, refused};
use crate::values::{account_status, account_type, confirmation, decimal, request_id, wire_block};

#[derive(Debug)]
pub(crate) struct Accounts(pub(crate) Node);

#[tonic::async_trait]
impl AccountService for Accounts {
    async fn open_account(
        &self,
        request: Request<v1::OpenAccountRequest>,
    ) -> Result<Response<v1::OpenAccountResponse>, Status> {
        let caller = Caller::of(&request)?;
        let wire = request.into_inner();
        let command = read_opening(&wire.request_id, wire.account.as_ref());
        let command = command.and_then(|command| own(&caller, command)).map_err(Refusal::into_status)?;
        let mut commands = self.0.handle.commands(caller.principal);
        commands.open_account(&command);
        let outcome = self.0.carry_out(commands).await?;
        Ok(Response::new(v1::OpenAccountResponse { confirmation: Some(confirmation(&outcome)) }))
    }

    type OpenAccountsStream = ReceiverStream<Result<v1::OpenAccountsResponse, Status>>;

    async fn open_accounts(
        &self,
        request: Request<Streaming<v1::OpenAccountsRequest>>,
    ) -> Result<Response<Self::OpenAccountsStream>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(serve::<Openings>(&self.0, caller, request.into_inner())))
    }

    async fn get_account(
        &self,
        request: Request<v1::GetAccountRequest>,
    ) -> Result<Response<v1::GetAccountResponse>, Status> {
        let caller = Caller::of(&request)?;
        let wire = request.get_ref();
        let mut reader = FieldReader::new();
        let selector = read_selector(&mut reader, &wire.iban, &wire.currency_code);
        let AccountSelector { iban, currency } = reader.finish(selector).map_err(invalid)?;
        let answered = self.0.ask(Question::Account { iban, currency }).await?;
        let Answer::Account(Some((_, account, participant))) = answered.answer else {
            return Err(account_unknown());
        };
        if !caller.may_see(participant) {
            return Err(account_unknown());
        }
        let account = v1::Account {
            iban: iban.as_str().to_owned(),
            currency_code: currency.code().to_owned(),
            participant: participant.to_string(),
            r#type: account_type(account.kind()).into(),
            status: account_status(account.status()).into(),
            balance: decimal(account.balance(), currency),
            reserved: decimal(account.reserved(), currency),
            held: decimal(account.held(), currency),
            available: decimal(account.available(), currency),
            floor: decimal(account.floor(), currency),
            flagged: account.is_flagged(),
            block: wire_block(account.blocks()).into(),
        };
        let as_of_sequence = answered.as_of.sequence.0;
        Ok(Response::new(v1::GetAccountResponse { account: Some(account), as_of_sequence }))
    }

    async fn post_entry(
        &self,
        request: Request<v1::PostEntryRequest>,
    ) -> Result<Response<v1::PostEntryResponse>, Status> {
        let caller = Caller::of(&request)?;
        let command = read_post_entry(request.get_ref()).map_err(Refusal::into_status)?;
        self.check_owner(&caller, command.account).await?;
        let mut commands = self.0.handle.commands(caller.principal);
        commands.post_entry(&command);
        let outcome = self.0.carry_out(commands).await?;
        Ok(Response::new(booked(&outcome, command.account.currency)))
    }

    type PostEntriesStream = ReceiverStream<Result<v1::PostEntriesResponse, Status>>;

    async fn post_entries(
        &self,
        request: Request<Streaming<v1::PostEntriesRequest>>,
    ) -> Result<Response<Self::PostEntriesStream>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(serve::<Entries>(&self.0, caller, request.into_inner())))
    }

    async fn set_account_status(
        &self,
        request: Request<v1::SetAccountStatusRequest>,
    ) -> Result<Response<v1::SetAccountStatusResponse>, Status> {
        let caller = Caller::of(&request)?;
        let command = read_set_status(request.get_ref())?;
        self.check_owner(&caller, command.account).await?;
        let mut commands = self.0.handle.commands(caller.principal);
        commands.set_account_status(&command);
        let outcome = self.0.carry_out(commands).await?;
        Ok(Response::new(v1::SetAccountStatusResponse { confirmation: Some(confirmation(&outcome)) }))
    }

    async fn set_account_floor(
        &self,
        request: Request<v1::SetAccountFloorRequest>,
    ) -> Result<Response<v1::SetAccountFloorResponse>, Status> {
        let caller = Caller::of(&request)?;
        let command = read_set_floor(request.get_ref())?;
        self.check_owner(&caller, command.account).await?;
        let mut commands = self.0.handle.commands(caller.principal);
        commands.set_account_floor(&command);
        let outcome = self.0.carry_out(commands).await?;
        Ok(Response::new(v1::SetAccountFloorResponse { confirmation: Some(confirmation(&outcome)) }))
    }

    async fn set_account_flag(
        &self,
        request: Request<v1::SetAccountFlagRequest>,
    ) -> Result<Response<v1::SetAccountFlagResponse>, Status> {
        let caller = Caller::of(&request)?;
        let command = read_set_flag(request.get_ref())?;
        self.check_owner(&caller, command.account).await?;
        let mut commands = self.0.handle.commands(caller.principal);
        commands.set_account_flag(&command);
        let outcome = self.0.carry_out(commands).await?;
        Ok(Response::new(v1::SetAccountFlagResponse { confirmation: Some(confirmation(&outcome)) }))
    }

    async fn set_account_holders(
        &self,
        request: Request<v1::SetAccountHoldersRequest>,
    ) -> Result<Response<v1::SetAccountHoldersResponse>, Status> {
        let caller = Caller::of(&request)?;
        let command = read_set_holders(request.get_ref())?;
        self.check_owner(&caller, command.account).await?;
        let mut commands = self.0.handle.commands(caller.principal);
        commands.set_account_holders(&command);
        let outcome = self.0.carry_out(commands).await?;
        Ok(Response::new(v1::SetAccountHoldersResponse { confirmation: Some(confirmation(&outcome)) }))
    }
}

impl Accounts {
    /// The accounts of other banks do not exist for a caller. An account stays with its bank for ever, so the answer
    /// still holds when the command is decided.
    async fn check_owner(&self, caller: &Caller, account: AccountSelector) -> Result<(), Status> {
        if caller.acts_for_all() {
            return Ok(());
        }
        let AccountSelector { iban, currency } = account;
        let answered = self.0.ask(Question::Account { iban, currency }).await?;
        let Answer::Account(Some((_, _, bank))) = answered.answer else { return Err(account_unknown()) };
        if caller.may_act_for(bank) { Ok(()) } else { Err(account_unknown()) }
    }
}

/// That an entry is booked.
pub(crate) fn booked(outcome: &Outcome, currency: Currency) -> v1::PostEntryResponse {
    let balance = decimal(outcome.balances[0], currency);
    v1::PostEntryResponse { confirmation: Some(confirmation(outcome)), balance }
}

pub(crate) fn account_unknown() -> Status {
    refused(ledger::Refusal::AccountUnknown).into_status()
}

/// An account is opened by its bank.
pub(crate) fn own(caller: &Caller, command: OpenAccount) -> Result<OpenAccount, Refusal> {
    if caller.may_act_for(command.participant) { Ok(command) } else { Err(bank_not_yours()) }
}

pub(crate) fn read_opening(
    request_id_text: &str,
    account: Option<&v1::NewAccount>,
) -> Result<OpenAccount, Refusal> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, request_id_text);
    let path = Path::root("account");
    let Some(wire) = reader.message(&path, account) else {
        return reader.finish(None).map_err(Refusal::invalid);
    };
    let participant = reader.bic(&path.field("participant"), &wire.participant);
    let iban = reader.iban(&path.field("iban"), &wire.iban);
    let currency = reader.currency(&path.field("currency_code"), &wire.currency_code);
    let kind = match wire.r#type() {
        v1::AccountType::Current => Some(AccountKind::Current),
        v1::AccountType::Savings => Some(AccountKind::Savings),
        v1::AccountType::Unspecified => {
            reader.missing(&path.field("type"));
            None
        }
    };
    let floor_currency = currency.unwrap_or(Currency::EUR);
    let floor = reader.optional_balance(&path.field("floor"), &wire.floor, floor_currency);
    let holder_names = read_names(&mut reader, &path.field("holder_names"), &wire.holder_names);
    let identification =
        reader.optional_identifier(&path.field("identification_code"), &wire.identification_code);
    let command = (|| {
        Some(OpenAccount {
            request_id: request_id?,
            participant: participant?,
            iban: iban?,
            currency: currency?,
            kind: kind?,
            floor: floor.unwrap_or(Balance::ZERO),
            holder_names: holder_names?,
            identification,
        })
    })();
    reader.finish(command).map_err(Refusal::invalid)
}

pub(crate) fn read_selector(reader: &mut FieldReader, iban: &str, currency: &str) -> Option<AccountSelector> {
    let iban: Option<Iban> = reader.iban(&Path::root("iban"), iban);
    let currency = reader.currency(&Path::root("currency_code"), currency);
    Some(AccountSelector { iban: iban?, currency: currency? })
}

pub(crate) fn read_post_entry(wire: &v1::PostEntryRequest) -> Result<PostEntry, Refusal> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let iban = reader.iban(&Path::root("iban"), &wire.iban);
    let money = reader.money(&Path::root("amount"), wire.amount.as_ref());
    let direction = match wire.direction() {
        v1::EntryDirection::Credit => Some(Direction::Credit),
        v1::EntryDirection::Debit => Some(Direction::Debit),
        v1::EntryDirection::Unspecified => {
            reader.missing(&Path::root("direction"));
            None
        }
    };
    let value_date_path = Path::root("value_date");
    if wire.value_date.is_empty() {
        reader.missing(&value_date_path);
    }
    let value_date = reader.optional_date(&value_date_path, &wire.value_date);
    let booking_key = reader.identifier(&Path::root("booking_key"), &wire.booking_key);
    let core_reference = reader.identifier(&Path::root("core_reference"), &wire.core_reference);
    let command = (|| {
        let (amount, currency) = money?;
        Some(PostEntry {
            request_id: request_id?,
            account: AccountSelector { iban: iban?, currency },
            direction: direction?,
            amount,
            value_date: value_date?,
            booking_key: booking_key?,
            core_reference: core_reference?,
        })
    })();
    reader.finish(command).map_err(Refusal::invalid)
}

fn read_set_status(wire: &v1::SetAccountStatusRequest) -> Result<SetAccountStatus, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let account = read_selector(&mut reader, &wire.iban, &wire.currency_code);
    let status = match wire.status() {
        v1::AccountStatus::Active => Some(AccountStatus::Active),
        v1::AccountStatus::Blocked => Some(AccountStatus::Blocked),
        v1::AccountStatus::Closed => Some(AccountStatus::Closed),
        v1::AccountStatus::Unspecified => {
            reader.missing(&Path::root("status"));
            None
        }
    };
    let command =
        (|| Some(SetAccountStatus { request_id: request_id?, account: account?, status: status? }))();
    reader.finish(command).map_err(invalid)
}

fn read_set_floor(wire: &v1::SetAccountFloorRequest) -> Result<SetAccountFloor, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let account = read_selector(&mut reader, &wire.iban, &wire.currency_code);
    let currency = account.map_or(Currency::EUR, |account| account.currency);
    let path = Path::root("floor");
    if wire.floor.is_empty() {
        reader.missing(&path);
    }
    let floor = reader.optional_balance(&path, &wire.floor, currency);
    let command = (|| Some(SetAccountFloor { request_id: request_id?, account: account?, floor: floor? }))();
    reader.finish(command).map_err(invalid)
}

fn read_set_flag(wire: &v1::SetAccountFlagRequest) -> Result<SetAccountFlag, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let account = read_selector(&mut reader, &wire.iban, &wire.currency_code);
    let is_flagged = wire.flagged;
    let command = (|| Some(SetAccountFlag { request_id: request_id?, account: account?, is_flagged }))();
    reader.finish(command).map_err(invalid)
}
