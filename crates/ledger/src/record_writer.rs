//! Writing commands into their stored form. The edges do this, so that the core thread only copies bytes.
//!
//! A writer collects records and, apart from them, their texts; the engine appends both to the frame it fills.

use std::fmt;

use types::{
    AccountNumber, Channel, ClusterId, Currency, Digest, DigestKey, Incarnation, OrderText, PaymentOrder,
    PrincipalNumber, Text, Timestamp,
};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::command::{
    OpenAccount, PostEntry, RefusedBody, RefusedPayment, RegisterParticipant, RequestId, SetAccountFloor,
    SetAccountStatus, SetParticipantStatus, TransferLiquidity,
};
use crate::{AccountText, EntryText, Kind, Profile, layout};

#[path = "record_writer_lifecycle.rs"]
mod lifecycle;

pub use lifecycle::mark_connected;

/// What applying commands takes of the room that is set aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Whether accounts may be opened.
    pub accounts: bool,
    /// Whether payments are to be remembered.
    pub payments: bool,
    /// Whether requests are to be remembered.
    pub requests: bool,
    /// Whether a record of the log's own is among them, which only the engine writes.
    pub log: bool,
}

impl Needs {
    const NONE: Self = Self { accounts: false, payments: false, requests: false, log: false };
}

/// Collects records and their texts.
#[derive(Clone)]
pub struct RecordWriter {
    key: DigestKey,
    principal: PrincipalNumber,
    records: Vec<u8>,
    texts: Vec<u8>,
    count: u32,
    needs: Needs,
}

/// The texts are personal data: only their length is shown.
impl fmt::Debug for RecordWriter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RecordWriter({} records, {} bytes of text)", self.count, self.texts.len())
    }
}

impl RecordWriter {
    /// Starts an empty list of commands of one principal.
    pub const fn new(key: DigestKey, principal: PrincipalNumber) -> Self {
        Self { key, principal, records: Vec::new(), texts: Vec::new(), count: 0, needs: Needs::NONE }
    }

    /// The records, one after the other.
    pub fn records(&self) -> &[u8] {
        &self.records
    }

    /// The records, one by one.
    pub fn split(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.records.as_slice();
        std::iter::from_fn(move || {
            let (header, _) = layout::Header::ref_from_prefix(rest).ok()?;
            let length = usize::try_from(header.length.get()).expect("records are small");
            let (record, behind) = rest.split_at(length);
            rest = behind;
            Some(record)
        })
    }

    /// Their texts, in the same order.
    pub fn texts(&self) -> &[u8] {
        &self.texts
    }

    /// How many bytes records and texts take in a frame.
    pub fn length(&self) -> usize {
        self.records.len() + self.texts.len()
    }

    /// What applying them takes.
    pub const fn needs(&self) -> Needs {
        self.needs
    }

    /// How many records there are.
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// The log's first record.
    pub fn genesis(&mut self, cluster: ClusterId, incarnation: Incarnation) {
        let genesis = layout::Genesis {
            cluster: cluster.0,
            incarnation: incarnation.0.into(),
            digest_key_id: 0.into(),
            digest_version: DigestKey::VERSION,
            reserved: [0; 3],
            digest_key: layout::Secret(*self.key.as_bytes()),
            reserved_end: [0; 8],
        };
        self.push(Kind::Genesis, &genesis, &[]);
    }

    /// A scheme profile.
    pub fn set_profile(&mut self, profile: &Profile) {
        let record = layout::SetProfile {
            number: profile.number.into(),
            currency: profile.currency.number().into(),
            reserved: [0; 4],
            target: profile.target.nanoseconds().into(),
            expiry: profile.expiry.nanoseconds().into(),
            confirmation: profile.confirmation.nanoseconds().into(),
            legal_limit: profile.legal_limit.nanoseconds().into(),
            future_tolerance: profile.future_tolerance.nanoseconds().into(),
            offline_grace: profile.offline_grace.nanoseconds().into(),
            late_on_arrival: *profile.late_on_arrival.as_bytes(),
            timeout_to_originator: *profile.timeout_to_originator.as_bytes(),
            timeout_to_beneficiary: *profile.timeout_to_beneficiary.as_bytes(),
            no_connection: *profile.no_connection.as_bytes(),
            reserved_end: [0; 8],
        };
        self.push(Kind::SetProfile, &record, &[]);
    }

    /// A bank enters.
    pub fn register_participant(&mut self, command: &RegisterParticipant) {
        let text = command.name.as_str().as_bytes();
        let mut record = layout::RegisterParticipant {
            request: self.request(&command.request_id),
            bic: *command.bic.as_bytes(),
            mode: command.mode.number(),
            currency: command.currency.number().into(),
            reserved: [0; 2],
        };
        record.request.body_digest = self.body(Kind::RegisterParticipant, &record, text);
        self.push(Kind::RegisterParticipant, &record, text);
    }

    /// A bank is suspended or takes part again.
    pub fn set_participant_status(&mut self, command: &SetParticipantStatus) {
        let mut record = layout::SetParticipantStatus {
            request: self.request(&command.request_id),
            bic: *command.bic.as_bytes(),
            status: command.status.number(),
            reserved: [0; 4],
        };
        record.request.body_digest = self.body(Kind::SetParticipantStatus, &record, &[]);
        self.push(Kind::SetParticipantStatus, &record, &[]);
    }

    /// An account is opened.
    pub fn open_account(&mut self, command: &OpenAccount) {
        let text = AccountText {
            iban: command.iban,
            holder_names: command.holder_names.clone(),
            identification: command.identification.clone(),
        };
        let text = text.encode();
        let mut record = layout::OpenAccount {
            request: self.request(&command.request_id),
            iban_digest: self.key.iban(command.iban.as_str()).0,
            bic: *command.participant.as_bytes(),
            kind: command.kind.number(),
            currency: command.currency.number().into(),
            reserved: [0; 2],
            floor: command.floor.minor_units().into(),
        };
        record.request.body_digest = self.body(Kind::OpenAccount, &record, &text);
        self.push(Kind::OpenAccount, &record, &text);
    }

    /// An account is blocked, freed or closed.
    pub fn set_account_status(&mut self, command: &SetAccountStatus) {
        let mut record = layout::SetAccountStatus {
            request: self.request(&command.request_id),
            iban_digest: self.key.iban(command.account.iban.as_str()).0,
            currency: command.account.currency.number().into(),
            status: command.status.number(),
            reserved: [0; 5],
        };
        record.request.body_digest = self.body(Kind::SetAccountStatus, &record, &[]);
        self.push(Kind::SetAccountStatus, &record, &[]);
    }

    /// An account's floor is set.
    pub fn set_account_floor(&mut self, command: &SetAccountFloor) {
        let mut record = layout::SetAccountFloor {
            request: self.request(&command.request_id),
            iban_digest: self.key.iban(command.account.iban.as_str()).0,
            floor: command.floor.minor_units().into(),
            currency: command.account.currency.number().into(),
            reserved: [0; 6],
        };
        record.request.body_digest = self.body(Kind::SetAccountFloor, &record, &[]);
        self.push(Kind::SetAccountFloor, &record, &[]);
    }

    /// The bank's own systems move money on an account.
    pub fn post_entry(&mut self, command: &PostEntry) {
        let text = EntryText {
            booking_key: command.booking_key.clone(),
            core_reference: command.core_reference.clone(),
        };
        let text = text.encode();
        let mut record = layout::PostEntry {
            request: self.request(&command.request_id),
            iban_digest: self.key.iban(command.account.iban.as_str()).0,
            amount: command.amount.minor_units().into(),
            value_date: command.value_date.days().into(),
            currency: command.account.currency.number().into(),
            direction: command.direction.number(),
            reserved: 0,
        };
        record.request.body_digest = self.body(Kind::PostEntry, &record, &text);
        self.push(Kind::PostEntry, &record, &text);
    }

    /// Money enters or leaves a position.
    pub fn transfer_liquidity(&mut self, command: &TransferLiquidity) {
        let text = command.external_reference.as_str();
        let mut record = layout::TransferLiquidity {
            request: self.request(&command.request_id),
            reference_digest: self.key.reference(command.bic.as_bytes(), text).0,
            amount: command.amount.minor_units().into(),
            bic: *command.bic.as_bytes(),
            direction: command.direction.number(),
            currency: command.currency.number().into(),
            reserved: [0; 2],
        };
        record.request.body_digest = self.body(Kind::TransferLiquidity, &record, text.as_bytes());
        self.push(Kind::TransferLiquidity, &record, text.as_bytes());
    }

    /// A payment order. `stamped` is the time at which Solvo received it and counts only if the order names no
    /// acceptance time; `look_up` is the edge's directory.
    pub fn payment(
        &mut self,
        order: &PaymentOrder,
        stamped: Timestamp,
        channel: Channel,
        look_up: impl Fn(Digest, Currency) -> AccountNumber,
    ) {
        let text = OrderText::encode(order);
        let debtor = self.key.iban(order.debtor_account.as_str());
        let creditor = self.key.iban(order.creditor_account.as_str());
        let body_digest = self.order_digest(order, &text);
        let flags = if order.acceptance_time.is_none() { layout::PAYMENT_STAMPED } else { 0 };
        let record = layout::Payment {
            key: payment_key(order.debtor_agent.as_bytes(), &order.transaction_id),
            creditor_agent: *order.creditor_agent.as_bytes(),
            channel: channel.number(),
            currency: order.currency.number().into(),
            flags: flags.into(),
            body_digest: body_digest.0,
            debtor_account_digest: debtor.0,
            creditor_account_digest: creditor.0,
            amount: order.amount.minor_units().into(),
            acceptance_time: order.acceptance_time.unwrap_or(stamped).nanoseconds().into(),
            debtor_account_hint: look_up(debtor, order.currency).0.into(),
            creditor_account_hint: look_up(creditor, order.currency).0.into(),
            evidence_upto: 0.into(),
            evidence_found: 0.into(),
            profile: 1.into(),
            digest_version: DigestKey::VERSION,
            reserved: [0; 21],
        };
        self.push(Kind::Payment, &record, &text.bytes);
    }

    /// A payment that was refused on reading.
    pub fn refused_payment(&mut self, command: &RefusedPayment) {
        let body_digest = match &command.body {
            RefusedBody::Order(order) => self.order_digest(order, &OrderText::encode(order)),
            RefusedBody::Parts(body) => self.key.body(&[command.debtor_agent.as_bytes(), body]),
        };
        let record = layout::RefusedPayment {
            key: payment_key(command.debtor_agent.as_bytes(), &command.transaction_id),
            creditor_agent: command.creditor_agent.map_or([0; 11], |bic| *bic.as_bytes()),
            channel: command.channel.number(),
            digest_version: DigestKey::VERSION,
            reserved: [0; 3],
            body_digest: body_digest.0,
            acceptance_time: command.acceptance_time.map_or(0, Timestamp::nanoseconds).into(),
            evidence_upto: 0.into(),
            evidence_found: 0.into(),
            reason: *command.reason.as_bytes(),
            reserved_end: [0; 4],
        };
        let text = &command.path[..command.path.floor_char_boundary(PATH_LENGTH_MAX)];
        self.push(Kind::RefusedPayment, &record, text.as_bytes());
    }

    /// The digest is of what the caller sent: a time stamped by Solvo would make every retry a changed body.
    fn order_digest(&self, order: &PaymentOrder, text: &OrderText) -> Digest {
        self.key.body(&[
            order.debtor_agent.as_bytes(),
            order.creditor_agent.as_bytes(),
            &order.amount.minor_units().to_le_bytes(),
            &order.currency.number().to_le_bytes(),
            &order.acceptance_time.map_or(-1, Timestamp::nanoseconds).to_le_bytes(),
            text.body(),
        ])
    }

    fn request(&self, id: &RequestId) -> layout::Request {
        let id_digest = self.key.request(self.principal.0, id.as_str());
        layout::Request { id_digest: id_digest.0, body_digest: [0; 16] }
    }

    /// The digest of a command's fields behind the request, which `structure` still holds without a body digest.
    fn body(&self, kind: Kind, structure: &(impl IntoBytes + Immutable), text: &[u8]) -> [u8; 16] {
        let fields = &structure.as_bytes()[size_of::<layout::Request>()..];
        self.key.body(&[&kind.number().to_le_bytes(), fields, text]).0
    }

    fn push(&mut self, kind: Kind, structure: &(impl IntoBytes + Immutable), text: &[u8]) {
        let structure = structure.as_bytes();
        let length = u32::try_from(size_of::<layout::Header>() + structure.len()).expect("records are small");
        let header = layout::Header {
            kind: kind.number().into(),
            version: 1.into(),
            length: length.into(),
            principal: self.principal.0.into(),
            text_length: u32::try_from(text.len()).expect("texts are bounded by their elements").into(),
        };
        match kind {
            Kind::Genesis | Kind::SetProfile => self.needs.log = true,
            Kind::Payment | Kind::RefusedPayment => self.needs.payments = true,
            // Its room was set aside when its payment was reserved.
            Kind::Answer => {}
            Kind::RegisterParticipant | Kind::OpenAccount => {
                self.needs.accounts = true;
                self.needs.requests = true;
            }
            Kind::SetParticipantStatus
            | Kind::SetAccountStatus
            | Kind::SetAccountFloor
            | Kind::PostEntry
            | Kind::TransferLiquidity
            | Kind::SetDecisionPolicy
            | Kind::SetAccountFlag
            | Kind::SetReservationLimit => self.needs.requests = true,
        }
        self.records.extend_from_slice(header.as_bytes());
        self.records.extend_from_slice(structure);
        self.texts.extend_from_slice(text);
        self.count += 1;
    }
}

/// A path is written for people; a longer one is cut.
const PATH_LENGTH_MAX: usize = 512;

fn payment_key(bank: &[u8; 11], id: &Text<35>) -> layout::PaymentKey {
    let id = id.as_str().as_bytes();
    let mut transaction_id = [0; 35];
    transaction_id[..id.len()].copy_from_slice(id);
    layout::PaymentKey {
        debtor_agent: *bank,
        transaction_id_length: u8::try_from(id.len()).expect("a transaction id has at most 35 characters"),
        transaction_id,
        reserved: 0,
    }
}
