//! Writing commands into their stored form. The edges do this, so that the core thread only copies bytes.
//!
//! A writer collects records and, apart from them, their texts; the engine appends both to the frame it fills.

use std::fmt;

use types::{
    AccountNumber, Amount, Bic, Channel, ClusterId, Currency, Digest, DigestKey, Incarnation, Life,
    OrderText, PaymentOrder, PlainOrder, PrincipalNumber, StatusReason, Timestamp,
};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::command::{
    About, Evidence, OpenAccount, PostEntry, RefusedBody, RefusedPayment, RegisterParticipant, RequestId,
    SetAccountFloor, SetAccountStatus, SetParticipantStatus, TransferLiquidity,
};
use crate::limits::DOCUMENT_BYTES_MAX;
use crate::{AccountText, EntryText, HAS_ORDERS, Kind, Profile, SetVersion, layout};

#[path = "record_writer_activation.rs"]
mod activation;
#[path = "record_writer_calendar.rs"]
mod calendar;

#[path = "record_writer_lifecycle.rs"]
mod lifecycle;

#[path = "record_writer_customer.rs"]
mod customer;
#[path = "record_writer_exceptions.rs"]
mod exceptions;
#[path = "record_writer_holders.rs"]
mod holders;
#[path = "record_writer_holds.rs"]
mod holds;
#[path = "record_writer_orders.rs"]
mod orders;
#[path = "record_writer_postings.rs"]
mod postings;
#[path = "record_writer_recall.rs"]
mod recall;
#[path = "record_writer_records.rs"]
mod records;
#[path = "record_writer_requests_to_pay.rs"]
mod requests_to_pay;

#[path = "record_writer_duplicates.rs"]
mod duplicates;

#[path = "record_writer_liquidity.rs"]
mod liquidity;

pub use duplicates::AskedFor;
pub use lifecycle::{mark_connected, mark_each_connected};
pub use orders::order_transaction_id;

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

/// An account as an edge knows it: the digest of its number, and the number in the ledger, or 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct AccountHint {
    /// Digest of the account number.
    pub digest: Digest,
    /// The account, if the edge's directory has it.
    pub number: AccountNumber,
}

/// What a payment's fixed record holds of its order.
struct PaymentFacts<'order> {
    debtor_agent: Bic,
    transaction_id: &'order str,
    creditor_agent: Bic,
    amount: Amount,
    currency: Currency,
    acceptance_time: Option<Timestamp>,
}

impl<'order> PaymentFacts<'order> {
    fn of(order: &'order PaymentOrder) -> Self {
        Self {
            debtor_agent: order.debtor_agent,
            transaction_id: order.transaction_id.as_str(),
            creditor_agent: order.creditor_agent,
            amount: order.amount,
            currency: order.currency,
            acceptance_time: order.acceptance_time,
        }
    }
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
    /// Answers of banks among them.
    answers: u32,
    /// Bytes of evidence among them.
    evidence_length: usize,
    /// The oldest version of the rules that knows all of them.
    rules_version: u32,
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
        Self {
            key,
            principal,
            records: Vec::new(),
            texts: Vec::new(),
            count: 0,
            needs: Needs::NONE,
            answers: 0,
            evidence_length: 0,
            rules_version: 1,
        }
    }

    /// Makes room for so many payments of ordinary length.
    pub fn reserve_payments(&mut self, count: usize) {
        self.records.reserve(count * (size_of::<layout::Header>() + size_of::<layout::Payment>()));
        self.texts.reserve(count * TEXT_LENGTH_USUAL);
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

    /// The digest of the first command's request id, if it has one.
    pub fn first_request(&self) -> Option<[u8; 16]> {
        let (header, structure) = layout::Header::ref_from_prefix(&self.records).ok()?;
        Kind::from_number(header.kind.get()).filter(|kind| kind.has_request())?;
        layout::Request::ref_from_prefix(structure).ok().map(|(request, _)| request.id_digest)
    }

    /// How many bytes records and texts take in a frame.
    pub fn length(&self) -> usize {
        self.records.len() + self.texts.len()
    }

    /// What applying them takes.
    pub const fn needs(&self) -> Needs {
        self.needs
    }

    /// Whether they are answers of banks: one or more, and beside them nothing but evidence of at most so many bytes.
    pub fn is_answers(&self, evidence_length_max: usize) -> bool {
        self.answers > 0 && self.needs == Needs::NONE && self.evidence_length <= evidence_length_max
    }

    /// The oldest version of the rules that knows all these commands.
    pub const fn rules_version(&self) -> u32 {
        self.rules_version
    }

    /// How many records there are.
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// The log's first record, with the key of digests in it.
    pub fn genesis(&mut self, cluster: ClusterId, incarnation: Incarnation) {
        self.push_genesis(cluster, incarnation, 0, *self.key.as_bytes());
    }

    /// The log's first record, where the key of digests stands elsewhere under this number.
    ///
    /// # Panics
    /// If the number is 0.
    pub fn genesis_without_key(&mut self, cluster: ClusterId, incarnation: Incarnation, key_id: u32) {
        assert!(key_id != 0, "0 says that the key stands here");
        self.push_genesis(cluster, incarnation, key_id, [0; 16]);
    }

    /// The same of a log that never decides: its node runs beside another system.
    ///
    /// # Panics
    /// If the number is 0.
    pub fn parallel_genesis(&mut self, cluster: ClusterId, incarnation: Incarnation, key_id: u32) {
        assert!(key_id != 0, "such logs are younger than keys in the log");
        let genesis = Self::genesis_record(cluster, incarnation, key_id, [0; 16]);
        let genesis = layout::Genesis { is_parallel: 1, ..genesis };
        self.push_version(Kind::Genesis, layout::GENESIS_VERSION_PARALLEL, &genesis, 0);
    }

    fn push_genesis(&mut self, cluster: ClusterId, incarnation: Incarnation, key_id: u32, key: [u8; 16]) {
        let genesis = Self::genesis_record(cluster, incarnation, key_id, key);
        self.push(Kind::Genesis, &genesis, &[]);
    }

    fn genesis_record(
        cluster: ClusterId,
        incarnation: Incarnation,
        key_id: u32,
        key: [u8; 16],
    ) -> layout::Genesis {
        layout::Genesis {
            cluster: cluster.0,
            incarnation: incarnation.0.into(),
            digest_key_id: key_id.into(),
            digest_version: DigestKey::VERSION,
            is_parallel: 0,
            reserved: [0; 2],
            digest_key: layout::Secret(key),
            reserved_end: [0; 8],
        }
    }

    /// The log goes on in a new life, after a restore.
    pub fn begin_incarnation(&mut self, cluster: ClusterId, life: Life, previous: Incarnation) {
        let restored_upto = life.first.0.checked_sub(1).expect("a restore keeps something");
        let begin = layout::BeginIncarnation {
            cluster: cluster.0,
            incarnation: life.incarnation.0.into(),
            previous: previous.0.into(),
            restored_upto: restored_upto.into(),
            reserved: [0; 8],
        };
        self.push(Kind::BeginIncarnation, &begin, &[]);
    }

    /// A scheme profile.
    pub fn set_profile(&mut self, profile: &Profile) {
        self.push(Kind::SetProfile, &profile.to_record(), &[]);
    }

    /// A bank enters.
    pub fn register_participant(&mut self, command: &RegisterParticipant) {
        let text = command.name.as_str().as_bytes();
        let mut participant = layout::RegisterParticipant {
            request: self.request(&command.request_id),
            bic: *command.bic.as_bytes(),
            mode: command.mode.number(),
            currency: command.currency.number().into(),
            reserved: [0; 2],
        };
        // The same in both versions: a request is known again whichever was written first.
        participant.request.body_digest = self.body(Kind::RegisterParticipant, &participant, text);
        let mut name = [0; 560];
        name[..text.len()].copy_from_slice(text);
        let name_length = u16::try_from(text.len()).expect("a name has at most 560 bytes");
        let record =
            layout::NamedParticipant { participant, name_length: name_length.into(), reserved: [0; 6], name };
        self.push_version(Kind::RegisterParticipant, layout::PARTICIPANT_VERSION_NAMED, &record, 0);
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
        self.payment_with_surplus(order, None, stamped, channel, look_up);
    }

    /// A payment order whose document has more than the order, which belongs to the body too.
    pub fn payment_with_surplus(
        &mut self,
        order: &PaymentOrder,
        surplus: Option<&[u8]>,
        stamped: Timestamp,
        channel: Channel,
        look_up: impl Fn(Digest, Currency) -> AccountNumber,
    ) {
        let mut text = OrderText::encode(order);
        if let Some(surplus) = surplus {
            text.add_surplus(surplus);
        }
        let facts = PaymentFacts::of(order);
        let accounts = [order.debtor_account, order.creditor_account].map(|account| {
            let digest = self.key.iban(account.as_str());
            AccountHint { digest, number: look_up(digest, order.currency) }
        });
        let record = self.payment_record(&facts, text.body(), accounts, stamped, channel);
        self.push(Kind::Payment, &record, &text.bytes);
    }

    /// A plain payment order, whose accounts the edge has looked up.
    pub fn plain_payment(
        &mut self,
        order: &PlainOrder<'_>,
        accounts: [AccountHint; 2],
        stamped: Timestamp,
        channel: Channel,
    ) {
        let start = self.texts.len();
        order.append_text(&mut self.texts);
        let facts = PaymentFacts {
            debtor_agent: order.debtor_agent,
            transaction_id: order.transaction_id.as_str(),
            creditor_agent: order.creditor_agent,
            amount: order.amount,
            currency: order.currency,
            acceptance_time: order.acceptance_time,
        };
        let record = self.payment_record(&facts, &self.texts[start..], accounts, stamped, channel);
        self.push_record(Kind::Payment, &record, self.texts.len() - start);
    }

    fn payment_record(
        &self,
        facts: &PaymentFacts<'_>,
        body: &[u8],
        [debtor, creditor]: [AccountHint; 2],
        stamped: Timestamp,
        channel: Channel,
    ) -> layout::Payment {
        let flags = if facts.acceptance_time.is_none() { layout::PAYMENT_STAMPED } else { 0 };
        layout::Payment {
            key: payment_key(facts.debtor_agent.as_bytes(), facts.transaction_id),
            creditor_agent: *facts.creditor_agent.as_bytes(),
            channel: channel.number(),
            currency: facts.currency.number().into(),
            flags: flags.into(),
            body_digest: self.order_digest(facts, body).0,
            debtor_account_digest: debtor.digest.0,
            creditor_account_digest: creditor.digest.0,
            amount: facts.amount.minor_units().into(),
            acceptance_time: facts.acceptance_time.unwrap_or(stamped).nanoseconds().into(),
            debtor_account_hint: debtor.number.0.into(),
            creditor_account_hint: creditor.number.0.into(),
            evidence_upto: 0.into(),
            evidence_found: 0.into(),
            profile: 1.into(),
            digest_version: DigestKey::VERSION,
            order: 0.into(),
            activation: 0.into(),
            inactive: 0,
            reserved: [0; 8],
        }
    }

    /// A payment that was refused on reading, or whose sender may not act for the payer's bank.
    pub fn refused_payment(&mut self, command: &RefusedPayment) {
        let body_digest = match &command.body {
            RefusedBody::Order(order) => {
                self.order_digest(&PaymentFacts::of(order), OrderText::encode(order).body())
            }
            RefusedBody::OrderWithSurplus(order, surplus) => {
                let mut text = OrderText::encode(order);
                text.add_surplus(surplus);
                self.order_digest(&PaymentFacts::of(order), text.body())
            }
            RefusedBody::Parts(body) => self.key.body(&[command.debtor_agent.as_bytes(), body]),
        };
        let (version, flags, reason) = match command.not_entitled {
            false => (1, 0, command.reason),
            true => (
                layout::REFUSED_VERSION_NOT_ENTITLED,
                layout::REFUSED_NOT_ENTITLED,
                StatusReason::SenderNotEntitled.code(),
            ),
        };
        let record = layout::RefusedPayment {
            key: payment_key(command.debtor_agent.as_bytes(), command.transaction_id.as_str()),
            creditor_agent: command.creditor_agent.map_or([0; 11], |bic| *bic.as_bytes()),
            channel: command.channel.number(),
            digest_version: DigestKey::VERSION,
            flags,
            reserved: [0; 2],
            body_digest: body_digest.0,
            acceptance_time: command.acceptance_time.map_or(0, Timestamp::nanoseconds).into(),
            evidence_upto: 0.into(),
            evidence_found: 0.into(),
            reason: *reason.as_bytes(),
            reserved_end: [0; 4],
        };
        let text = &command.path[..command.path.floor_char_boundary(PATH_LENGTH_MAX)];
        self.texts.extend_from_slice(text.as_bytes());
        self.push_version(Kind::RefusedPayment, version, &record, text.len());
    }

    /// A document is kept beside its payment.
    ///
    /// # Panics
    /// If it is about the record before it and that is neither a payment nor an answer, and if it is empty or longer
    /// than 64 KiB.
    pub fn evidence(&mut self, command: &Evidence) {
        let (about, payment) = command.about.stored();
        if command.about == About::RecordBefore {
            let before = self.split().last().and_then(|record| layout::Header::read_from_prefix(record).ok());
            let kind = before.and_then(|(header, _)| Kind::from_number(header.kind.get()));
            assert!(
                kind.is_some_and(Kind::is_about_a_payment),
                "a document follows the command that it brought"
            );
        }
        assert!(
            (1..=DOCUMENT_BYTES_MAX).contains(&command.document_length),
            "documents are bounded on reading"
        );
        let record = layout::Evidence {
            payment: payment.into(),
            about,
            passage: command.passage.number(),
            message_name: *command.message_name.as_bytes(),
            counterpart: command.counterpart.map_or([0; 11], |bic| *bic.as_bytes()),
            reserved: [0; 3],
            document_length: command.document_length.into(),
            reserved_end: [0; 4],
        };
        self.push(Kind::Evidence, &record, &command.compressed);
    }

    /// The digest is of what the caller sent: a time stamped by Solvo would make every retry a changed body.
    fn order_digest(&self, facts: &PaymentFacts<'_>, body: &[u8]) -> Digest {
        self.digest_of(facts, facts.acceptance_time.map_or(-1, Timestamp::nanoseconds), body)
    }

    /// The same with what stands in place of the acceptance time.
    fn digest_of(&self, facts: &PaymentFacts<'_>, acceptance_time: i64, body: &[u8]) -> Digest {
        self.key.body(&[
            facts.debtor_agent.as_bytes(),
            facts.creditor_agent.as_bytes(),
            &facts.amount.minor_units().to_le_bytes(),
            &facts.currency.number().to_le_bytes(),
            &acceptance_time.to_le_bytes(),
            body,
        ])
    }

    /// The version of the rules is raised.
    pub fn set_version(&mut self, command: &SetVersion) {
        let mut record = layout::SetVersion {
            request: self.request(command.request_id()),
            version: command.version().into(),
            reserved: [0; 4],
        };
        record.request.body_digest = self.body(Kind::SetVersion, &record, &[]);
        self.push(Kind::SetVersion, &record, &[]);
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

    pub(crate) fn push(&mut self, kind: Kind, structure: &(impl IntoBytes + Immutable), text: &[u8]) {
        self.texts.extend_from_slice(text);
        self.push_record(kind, structure, text.len());
    }

    /// Appends a record whose text stands at the end of the texts already.
    fn push_record(&mut self, kind: Kind, structure: &(impl IntoBytes + Immutable), text_length: usize) {
        self.push_version(kind, 1, structure, text_length);
    }

    fn push_version(
        &mut self,
        kind: Kind,
        version: u16,
        structure: &(impl IntoBytes + Immutable),
        text_length: usize,
    ) {
        let structure = structure.as_bytes();
        let length = u32::try_from(size_of::<layout::Header>() + structure.len()).expect("records are small");
        let header = layout::Header {
            kind: kind.number().into(),
            version: version.into(),
            length: length.into(),
            principal: self.principal.0.into(),
            text_length: u32::try_from(text_length).expect("texts are bounded by their elements").into(),
        };
        self.count_record(kind, header.as_bytes().len() + structure.len() + text_length);
        if kind == Kind::Payment && version == layout::PAYMENT_VERSION_ORDER {
            self.rules_version = self.rules_version.max(HAS_ORDERS);
        }
        self.records.extend_from_slice(header.as_bytes());
        self.records.extend_from_slice(structure);
    }

    /// Notes what a record of this kind and length, its text included, takes.
    fn count_record(&mut self, kind: Kind, length: usize) {
        match kind {
            Kind::Genesis | Kind::SetProfile | Kind::BeginIncarnation | Kind::SealDuplicates | Kind::Void => {
                self.needs.log = true;
            }
            Kind::Payment | Kind::RefusedPayment => self.needs.payments = true,
            // The room of an answer was set aside when its payment was reserved, and evidence is kept on disk alone.
            Kind::Answer => self.answers += 1,
            // Its room is that of orders, which the rules look at.
            Kind::PackageLine => {}
            Kind::Evidence => self.evidence_length += length,
            Kind::RegisterParticipant
            | Kind::OpenAccount
            | Kind::SetReachableParty
            | Kind::TransferOwnFunds => {
                self.needs.accounts = true;
                self.needs.requests = true;
            }
            Kind::SetParticipantStatus
            | Kind::SetAccountStatus
            | Kind::SetAccountFloor
            | Kind::PostEntry
            | Kind::TransferLiquidity
            | Kind::SetVersion
            | Kind::SetDecisionPolicy
            | Kind::SetAccountFlag
            | Kind::SetAccountHolders
            | Kind::SetReservationLimit
            | Kind::SetCustomerLimit
            | Kind::SetRestricted
            | Kind::SetFees
            | Kind::SetZone
            | Kind::SetClosingDays
            | Kind::RollBusinessDate
            | Kind::RequestRecall
            | Kind::AnswerRecall
            | Kind::SetRecallPolicy
            | Kind::SetPositionAlert
            | Kind::SetBlock
            | Kind::CreateRequestToPay
            | Kind::PresentRequestToPay
            | Kind::AnswerRequestToPay
            | Kind::CancelRequestToPay
            | Kind::PlaceHold
            | Kind::CaptureHold
            | Kind::ReleaseHold
            | Kind::PutRecord
            | Kind::RemoveRecord
            | Kind::SetActivation
            | Kind::SetPostingMap => self.needs.requests = true,
            Kind::RaiseException | Kind::AssignException => self.needs.requests = true,
            // The first money of a bank in suspense opens an account.
            Kind::ResolveException => {
                self.needs.accounts = true;
                self.needs.requests = true;
            }
            Kind::OpenPackage
            | Kind::ClosePackage
            | Kind::PlaceOrder
            | Kind::ChangeOrder
            | Kind::CancelOrders => self.needs.requests = true,
        }
        self.rules_version = self.rules_version.max(kind.first_version());
        self.count += 1;
    }
}

/// About what the texts of a payment take: two account numbers, two names and a line of remittance.
const TEXT_LENGTH_USUAL: usize = 192;

/// A path is written for people; a longer one is cut.
const PATH_LENGTH_MAX: usize = 512;

/// A payment's key in stored form.
pub fn payment_key(bank: &[u8; 11], id: &str) -> layout::PaymentKey {
    let id = id.as_bytes();
    let mut transaction_id = [0; 35];
    transaction_id[..id.len()].copy_from_slice(id);
    layout::PaymentKey {
        debtor_agent: *bank,
        transaction_id_length: u8::try_from(id.len()).expect("a transaction id has at most 35 characters"),
        transaction_id,
        reserved: 0,
    }
}
