//! `CustomerService`: what banks set about their customers and their own house.

use client::convert::{FieldReader, Path, timestamp};
use client::v1;
use client::v1::customer_service_server::CustomerService;
use engine::{Answer, CustomerAnswer, Question};
use ledger::{
    AccountSelector, Fees, RecordWriter, SetCustomerLimit, SetFees, SetRestricted, SetZone, Zone, ZoneChange,
    ZoneOffset,
};
use tonic::{Request, Response, Status};
use types::{Amount, Bic, Currency};

use crate::accounts::{account_unknown, read_selector};
use crate::caller::Caller;
use crate::node::Node;
use crate::participants::ask_participant;
use crate::refusals::{bank_not_yours, invalid};
use crate::values::{confirmation, decimal, request_id};

#[derive(Debug)]
pub(crate) struct Customers(pub(crate) Node);

#[tonic::async_trait]
impl CustomerService for Customers {
    async fn set_customer_limit(
        &self,
        request: Request<v1::SetCustomerLimitRequest>,
    ) -> Result<Response<v1::SetCustomerLimitResponse>, Status> {
        let caller = Caller::of(&request)?;
        let command = read_set_limit(request.get_ref())?;
        self.check_owner(&caller, command.account).await?;
        let confirmation = self.decided(&caller, |commands| commands.set_customer_limit(&command)).await?;
        Ok(Response::new(v1::SetCustomerLimitResponse { confirmation: Some(confirmation) }))
    }

    async fn get_customer_limit(
        &self,
        request: Request<v1::GetCustomerLimitRequest>,
    ) -> Result<Response<v1::GetCustomerLimitResponse>, Status> {
        let caller = Caller::of(&request)?;
        let wire = request.get_ref();
        let mut reader = FieldReader::new();
        let selector = read_selector(&mut reader, &wire.iban, &wire.currency_code);
        let selector = reader.finish(selector).map_err(invalid)?;
        let (found, as_of_sequence) = self.customer(selector).await?;
        if !caller.may_see(found.bank) {
            return Err(account_unknown());
        }
        let currency = selector.currency;
        let limit =
            |limit: Option<Amount>| limit.map_or_else(String::new, |limit| limit.to_decimal(currency));
        Ok(Response::new(v1::GetCustomerLimitResponse {
            per_payment: limit(found.limit.and_then(|limit| limit.per_payment())),
            per_day: limit(found.limit.and_then(|limit| limit.per_day())),
            used_today: found.used_today.map_or_else(String::new, |used| decimal(used, currency)),
            restricted: found.is_restricted,
            as_of_sequence,
        }))
    }

    async fn set_restriction(
        &self,
        request: Request<v1::SetRestrictionRequest>,
    ) -> Result<Response<v1::SetRestrictionResponse>, Status> {
        let caller = Caller::of(&request)?;
        let command = read_set_restriction(request.get_ref())?;
        self.check_owner(&caller, command.account).await?;
        let confirmation = self.decided(&caller, |commands| commands.set_restricted(&command)).await?;
        Ok(Response::new(v1::SetRestrictionResponse { confirmation: Some(confirmation) }))
    }

    async fn set_fees(
        &self,
        request: Request<v1::SetFeesRequest>,
    ) -> Result<Response<v1::SetFeesResponse>, Status> {
        let caller = Caller::of(&request)?;
        let command = read_set_fees(request.get_ref())?;
        check_bank(&caller, command.bic)?;
        let confirmation = self.decided(&caller, |commands| commands.set_fees(&command)).await?;
        Ok(Response::new(v1::SetFeesResponse { confirmation: Some(confirmation) }))
    }

    async fn set_clock(
        &self,
        request: Request<v1::SetClockRequest>,
    ) -> Result<Response<v1::SetClockResponse>, Status> {
        let caller = Caller::of(&request)?;
        let command = read_set_clock(request.get_ref())?;
        check_bank(&caller, command.bic)?;
        let confirmation = self.decided(&caller, |commands| commands.set_zone(&command)).await?;
        Ok(Response::new(v1::SetClockResponse { confirmation: Some(confirmation) }))
    }

    async fn get_terms(
        &self,
        request: Request<v1::GetTermsRequest>,
    ) -> Result<Response<v1::GetTermsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let (found, as_of) = ask_participant(&self.0, &caller, &request.get_ref().bic).await?;
        let fees = found.participant.books().map(|book| v1::Fees {
            currency_code: book.currency.code().to_owned(),
            ordinary: decimal(book.fees.ordinary().into(), book.currency),
            instant: decimal(book.fees.instant().into(), book.currency),
        });
        Ok(Response::new(v1::GetTermsResponse {
            fees: fees.collect(),
            clock: Some(wire_clock(found.participant.zone())),
            as_of_sequence: as_of.0,
        }))
    }
}

impl Customers {
    /// What is known of a customer's account, and as of which position.
    async fn customer(&self, account: AccountSelector) -> Result<(CustomerAnswer, u64), Status> {
        let AccountSelector { iban, currency } = account;
        let answered = self.0.ask(Question::Customer { iban, currency }).await?;
        let Answer::Customer(Some(found)) = answered.answer else { return Err(account_unknown()) };
        Ok((found, answered.as_of.sequence.0))
    }

    /// The accounts of other banks do not exist for a caller.
    async fn check_owner(&self, caller: &Caller, account: AccountSelector) -> Result<(), Status> {
        if caller.acts_for_all() {
            return Ok(());
        }
        let (found, _) = self.customer(account).await?;
        if caller.may_act_for(found.bank) { Ok(()) } else { Err(account_unknown()) }
    }

    /// That one command was carried out.
    async fn decided(
        &self,
        caller: &Caller,
        write: impl FnOnce(&mut RecordWriter),
    ) -> Result<v1::Confirmation, Status> {
        let mut commands = self.0.handle.commands(caller.principal);
        write(&mut commands);
        Ok(confirmation(&self.0.carry_out(commands).await?))
    }
}

fn check_bank(caller: &Caller, bic: Bic) -> Result<(), Status> {
    if caller.may_act_for(bic) { Ok(()) } else { Err(bank_not_yours().into_status()) }
}

fn read_set_limit(wire: &v1::SetCustomerLimitRequest) -> Result<SetCustomerLimit, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let account = read_selector(&mut reader, &wire.iban, &wire.currency_code);
    let currency = account.map_or(Currency::EUR, |account| account.currency);
    let mut limit = |field: &'static str, text: &str| match text {
        "" => None,
        text => {
            Amount::parse(text, currency).map_err(|error| reader.violation(&Path::root(field), error)).ok()
        }
    };
    let (per_payment, per_day) = (limit("per_payment", &wire.per_payment), limit("per_day", &wire.per_day));
    let command =
        (|| Some(SetCustomerLimit { request_id: request_id?, account: account?, per_payment, per_day }))();
    reader.finish(command).map_err(invalid)
}

fn read_set_restriction(wire: &v1::SetRestrictionRequest) -> Result<SetRestricted, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let account = read_selector(&mut reader, &wire.iban, &wire.currency_code);
    let is_restricted = wire.restricted;
    let command = (|| Some(SetRestricted { request_id: request_id?, account: account?, is_restricted }))();
    reader.finish(command).map_err(invalid)
}

fn read_set_fees(wire: &v1::SetFeesRequest) -> Result<SetFees, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let bic = reader.bic(&Path::root("bic"), &wire.bic);
    let path = Path::root("fees");
    let terms = reader.message(&path, wire.fees.as_ref()).and_then(|wire| {
        let currency = reader.currency(&path.field("currency_code"), &wire.currency_code)?;
        let mut fee = |field: &'static str, text: &str| {
            let path = path.field(field);
            let minor_units =
                reader.optional_balance(&path, text, currency).map_or(0, |fee| fee.minor_units());
            let fee = u32::try_from(minor_units).ok().filter(|fee| *fee <= Fees::MINOR_UNITS_MAX);
            if fee.is_none() {
                reader.violation(&path, "a fee is from 0 to a million");
            }
            fee
        };
        let (ordinary, instant) = (fee("ordinary", &wire.ordinary), fee("instant", &wire.instant));
        Some((currency, Fees::from_minor_units(ordinary?, instant?)?))
    });
    let command = (|| {
        let (currency, fees) = terms?;
        Some(SetFees { request_id: request_id?, bic: bic?, currency, fees })
    })();
    reader.finish(command).map_err(invalid)
}

fn read_set_clock(wire: &v1::SetClockRequest) -> Result<SetZone, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let bic = reader.bic(&Path::root("bic"), &wire.bic);
    let path = Path::root("clock");
    let zone = reader.message(&path, wire.clock.as_ref()).and_then(|wire| {
        let offset = read_offset(&mut reader, &path.field("minutes_ahead"), wire.minutes_ahead);
        let change = wire.change.as_ref().map(|wire| {
            let path = path.field("change");
            if wire.time.is_none() {
                reader.missing(&path.field("time"));
            }
            let at = reader.optional_timestamp(&path.field("time"), wire.time.as_ref());
            let offset = read_offset(&mut reader, &path.field("minutes_ahead"), wire.minutes_ahead);
            Some(ZoneChange { at: at?, offset: offset? })
        });
        match change {
            None => Some(Zone { offset: offset?, change: None }),
            Some(change) => Some(Zone { offset: offset?, change: Some(change?) }),
        }
    });
    let command = (|| Some(SetZone { request_id: request_id?, bic: bic?, zone: zone? }))();
    reader.finish(command).map_err(invalid)
}

fn read_offset(reader: &mut FieldReader, path: &Path<'_>, minutes: i32) -> Option<ZoneOffset> {
    let offset = i16::try_from(minutes).ok().and_then(ZoneOffset::from_minutes);
    if offset.is_none() {
        reader.violation(path, "a clock is at most 840 minutes away from UTC");
    }
    offset
}

fn wire_clock(zone: &Zone) -> v1::BankClock {
    v1::BankClock {
        minutes_ahead: zone.offset.minutes().into(),
        change: zone.change.map(|change| v1::ClockChange {
            time: Some(timestamp(change.at)),
            minutes_ahead: change.offset.minutes().into(),
        }),
    }
}
