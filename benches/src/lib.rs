//! What the benchmarks work on: a small world of two banks, made anew for each. [`compare`] measures whole nodes.

pub mod compare;

use iso20022::{Envelope, write_pacs008};
use journal::{FrameBuilder, FrameKind, Identity, SealInput, Tail};
use ledger::{
    AccountKind, AccountMode, Ledger, Limits, LiquidityDirection, OpenAccount, Position, Profile,
    RecordWriter, Records, RegisterParticipant, RequestId, TransferLiquidity,
};
use types::{
    AccountNumber, Amount, Balance, BatchNumber, Bic, Channel, ClusterId, Currency, Date, Digest, DigestKey,
    Epoch, Iban, Incarnation, MandatoryParts, Party, PaymentOrder, PrincipalNumber, Remittance, Sequence,
    Shard, Text, Timestamp,
};

/// Two hosted banks with as many customers each as asked for, and payments between them.
pub struct World {
    /// The ledger, with every account open.
    pub ledger: Ledger,
    position: Position,
    key: DigestKey,
    customers: u32,
    payments: u64,
}

const KEY: DigestKey = DigestKey::new([7; 16]);

/// When everything here happens: long after 1970, so that no time is before it.
const START: i64 = 1_790_000_000_000_000_000;

impl World {
    /// Opens the banks and their customers' accounts.
    pub fn new(customers: u32) -> Self {
        // Each account was opened by a request of its own.
        let accounts_max = (1 << 22).max(usize::try_from(customers).expect("32 bits") * 2 + (1 << 10));
        let limits = Limits { accounts_max, payments_max: 1 << 22, requests_max: accounts_max };
        let time = Timestamp::from_nanoseconds(START).expect("after 1970");
        let mut world = Self {
            ledger: Ledger::new(limits),
            position: Position { sequence: Sequence(0), time },
            key: KEY,
            customers,
            payments: 0,
        };
        let mut commands = world.commands();
        commands.genesis(ClusterId([1; 16]), Incarnation(1));
        commands.set_profile(&Profile::sct_inst_2025());
        for bank in [0, 1] {
            commands.register_participant(&RegisterParticipant {
                request_id: request(&format!("bank-{bank}")),
                bic: bic(bank),
                name: text("A bank"),
                mode: AccountMode::Hosted,
                currency: Currency::EUR,
            });
            commands.transfer_liquidity(&TransferLiquidity {
                request_id: request(&format!("fund-{bank}")),
                bic: bic(bank),
                direction: LiquidityDirection::Fund,
                amount: Amount::from_minor_units(Amount::MINOR_UNITS_MAX).expect("the maximum is an amount"),
                currency: Currency::EUR,
                external_reference: text("F1"),
            });
        }
        world.apply(&commands);
        for bank in [0, 1] {
            for customer in 0..customers {
                let mut commands = world.commands();
                commands.open_account(&OpenAccount {
                    request_id: request(&format!("open-{bank}-{customer}")),
                    participant: bic(bank),
                    iban: iban(bank, customer),
                    currency: Currency::EUR,
                    kind: AccountKind::Current,
                    floor: Balance::from_minor_units(-1_000_000_000).expect("within the limit"),
                    holder_names: vec![text("Anna Peeters")],
                    identification: None,
                });
                world.apply(&commands);
            }
        }
        world
    }

    /// An empty list of commands.
    pub fn commands(&self) -> RecordWriter {
        RecordWriter::new(self.key, PrincipalNumber(1))
    }

    /// A payment that has not been made before, between customers that no pattern connects.
    pub fn order(&mut self) -> PaymentOrder {
        self.payments += 1;
        let spread = |salt: u64| {
            let mixed = (self.payments + salt).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33;
            u32::try_from(mixed % u64::from(self.customers)).expect("a customer's number has 32 bits")
        };
        order(&format!("T{}", self.payments), iban(0, spread(0)), iban(1, spread(1)), self.position.time)
    }

    /// The record of a payment, as an edge without hints writes it.
    pub fn payment(&mut self) -> RecordWriter {
        let order = self.order();
        let mut commands = self.commands();
        commands.payment(&order, self.position.time, Channel::Grpc, |_: Digest, _| AccountNumber(0));
        commands
    }

    /// Applies commands, each at the next position.
    pub fn apply(&mut self, commands: &RecordWriter) {
        self.ledger.reserve_for_frame(1);
        for record in Records::new(commands.records(), commands.texts()) {
            self.position.sequence = self.position.sequence.next();
            let record = record.expect("the writer's own records can be read");
            self.ledger.apply(self.position, &record).expect("the log has begun");
        }
    }
}

/// An order of about 220 bytes on the wire.
pub fn order(transaction_id: &str, debtor: Iban, creditor: Iban, accepted: Timestamp) -> PaymentOrder {
    let party = |name| Party { name: Some(text(name)), ..Party::default() };
    let mandatory = MandatoryParts {
        end_to_end_id: text("NOTPROVIDED"),
        transaction_id: text(transaction_id),
        amount: Amount::from_minor_units(1234).expect("positive"),
        currency: Currency::EUR,
        debtor: party("Anna Peeters"),
        debtor_account: debtor,
        debtor_agent: bic(0),
        creditor_agent: bic(1),
        creditor: party("Jürgen Weber"),
        creditor_account: creditor,
    };
    PaymentOrder {
        message_id: Some(text("M1")),
        created_at: Some(accepted),
        settlement_date: Some(Date::parse("2026-09-21").expect("a day")),
        acceptance_time: Some(accepted),
        remittance: Some(Remittance::Unstructured(text("Invoice 2026-11-0042, thank you all"))),
        ..mandatory.into_order()
    }
}

/// The document of an order.
pub fn document(order: &PaymentOrder) -> String {
    write_pacs008(order, &Envelope::of(order).expect("the order came in an envelope"))
}

/// A builder that has been filled with payments as far as a frame has room, and how many there are.
pub fn full_builder(world: &mut World) -> (FrameBuilder, u32) {
    let mut builder = FrameBuilder::new(1);
    let commands = world.payment();
    while builder.has_room(commands.records().len(), 0, commands.texts().len()) {
        builder.push_record(commands.records());
        builder.push_personal(commands.texts());
    }
    let count = builder.record_count();
    (builder, count)
}

/// What sealing a log's first frame of commands takes.
pub fn seal_input() -> SealInput {
    let time = |nanoseconds| Timestamp::from_nanoseconds(nanoseconds).expect("after 1970");
    SealInput {
        kind: FrameKind::Commands,
        identity: Identity { cluster: ClusterId([1; 16]), shard: Shard(0), incarnation: Incarnation(1) },
        previous: Tail {
            batch: BatchNumber(1),
            next_sequence: Sequence(2),
            time: time(START),
            epoch: Epoch(1),
            kind: Some(FrameKind::EpochStart),
            ..Tail::EMPTY
        },
        time: time(START + 1),
        rules_version: ledger::RULES_VERSION,
        durable_mark: BatchNumber(1),
        personal_key: 0,
    }
}

fn request(id: &str) -> RequestId {
    RequestId::parse(id).expect("printable and short")
}

fn text<const MAX: usize>(value: &str) -> Text<MAX> {
    Text::parse(value).expect("short and without control characters")
}

fn bic(bank: u32) -> Bic {
    Bic::parse(if bank == 0 { "BENCBEBB" } else { "BENCDEFF" }).expect("a BIC")
}

fn iban(bank: u32, customer: u32) -> Iban {
    let made = match bank {
        0 => Iban::with_check_digits("BE", &format!("539{customer:09}")),
        _ => Iban::with_check_digits("DE", &format!("50099900{customer:010}")),
    };
    made.expect("the structure is the country's")
}
