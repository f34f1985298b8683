//! Bounds that bookings crossed, as the log tells them: from the commands and what stands in their outcome entries.
//!
//! Invariant: what is read here is what the core's step told live ([`ledger::Ledger::crossings`]).

use dashmap::DashMap;
use ledger::{Alerts, Command, Crossing, OutcomeEntry, Record};
use types::{Bic, Currency, ParticipantNumber, Sequence, Timestamp};

use crate::stored_order::StoredOrder;
use crate::subscription::Banks;

/// On whose position a reachable party settles, and the ledger's numbers of all banks. Neither changes once it is said.
#[derive(Debug, Default)]
pub struct Hosts {
    by_party: DashMap<(Bic, Currency), Bic>,
    banks: DashMap<u32, Bic>,
}

impl Hosts {
    pub(crate) fn set(&self, party: Bic, currency: Currency, host: Bic) {
        self.by_party.insert((party, currency), host);
    }

    pub(crate) fn set_bank(&self, number: ParticipantNumber, bic: Bic) {
        self.banks.insert(number.0, bic);
    }

    /// The bank with this number, if it is known here.
    pub(crate) fn bank(&self, number: ParticipantNumber) -> Option<Bic> {
        self.banks.get(&number.0).map(|bic| *bic)
    }

    /// The bank on whose position another one settles; itself if it is no reachable party.
    pub fn of(&self, bank: Bic, currency: Currency) -> Bic {
        self.by_party.get(&(bank, currency)).map_or(bank, |host| *host)
    }
}

/// Whose positions and limits a command books.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Booking {
    debited: Bic,
    credited: Bic,
    currency: Currency,
    /// Which of the balances of an outcome are the debited position's and the credited one's.
    balances: [usize; 2],
}

impl Booking {
    const PAYMENT: [usize; 2] = [2, 3];
    const TRANSFER: [usize; 2] = [0, 0];

    /// Those of a command, each with the number of its leg: the legs of a capture are told apart, and any other command has
    /// none or one.
    pub(crate) fn each_of(record: &Record<'_>) -> Vec<(u8, Self)> {
        let Command::CaptureHold(capture) = record.command else {
            return Self::of(record).map(|booking| (0, booking)).into_iter().collect();
        };
        let legs = (0..).zip(capture.legs());
        legs.filter_map(|(number, leg)| {
            let currency = Currency::from_number(capture.currency.get()).ok()?;
            let (debited, credited) = (Bic::from_bytes(capture.bic)?, Bic::from_bytes(leg.bic)?);
            Some((number, Self { debited, credited, currency, balances: Self::PAYMENT }))
        })
        .collect()
    }

    /// `None` if the command books no position.
    fn of(record: &Record<'_>) -> Option<Self> {
        let currency = |number| Currency::from_number(number).expect(CHECKED);
        let bank = |bytes| Bic::from_bytes(bytes).expect(CHECKED);
        if let Command::Payment(payment) = record.command {
            let (debited, credited) = (payment.key.bank(), bank(payment.creditor_agent));
            let currency = currency(payment.currency.get());
            return Some(Self { debited, credited, currency, balances: Self::PAYMENT });
        }
        // A return is a payment the other way.
        if let Command::AnswerRecall(answer) = record.command {
            let (debited, credited) = (bank(answer.bic), bank(answer.debtor_agent));
            let currency = currency(answer.currency.get());
            return Some(Self { debited, credited, currency, balances: Self::PAYMENT });
        }
        // Which way a transfer went is told by the alert itself: either is of the one position.
        let (bic, number) = if let Command::TransferLiquidity(transfer) = record.command {
            (transfer.bic, transfer.currency)
        } else if let Command::TransferOwnFunds(transfer) = record.command {
            (transfer.from_bic, transfer.currency)
        } else {
            return None;
        };
        let bank = bank(bic);
        let currency = currency(number.get());
        Some(Self { debited: bank, credited: bank, currency, balances: Self::TRANSFER })
    }

    /// Of a payment that was copied out of the log.
    pub(crate) fn of_order(order: &StoredOrder) -> Option<Self> {
        let (_, currency) = order.amount()?;
        let (debited, credited) = (order.debtor_agent(), order.creditor_agent()?);
        Some(Self { debited, credited, currency, balances: Self::PAYMENT })
    }

    /// Whether it may cross a bound of one of these banks.
    pub(crate) fn concerns(&self, banks: &Banks, hosts: &Hosts) -> bool {
        let concerns = |bank| banks.include(bank) || banks.include(hosts.of(bank, self.currency));
        concerns(self.debited) || concerns(self.credited)
    }

    /// The bounds that it crossed, as its outcome tells.
    pub(crate) fn crossings(
        self,
        entry: &OutcomeEntry,
        decided_time: Timestamp,
        hosts: &Hosts,
    ) -> impl Iterator<Item = Crossing> {
        let Self { debited, credited, currency, balances: [of_debited, of_credited] } = self;
        let (told, balances, decided_at) = (entry.alerts(), entry.balances(), entry.decided_at());
        let alerts = Alerts::EACH.into_iter().filter(move |alert| told.has(*alert));
        let crossings: Vec<_> = alerts
            .map(|alert| {
                let (bank, balance) = match alert {
                    Alerts::POSITION_FELL => (hosts.of(debited, currency), Some(balances[of_debited])),
                    Alerts::POSITION_ROSE => (hosts.of(credited, currency), Some(balances[of_credited])),
                    Alerts::HEADROOM_FELL => (debited, None),
                    _ => (credited, None),
                };
                Crossing { decided_at, decided_time, bank, currency, alert, balance }
            })
            .collect();
        crossings.into_iter()
    }
}

const CHECKED: &str = "records are checked when they are read";

/// An outcome that tells of crossings, until it is known whose they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    /// The command that books: the payment, also where an answer or time decided it.
    pub(crate) command: Sequence,
    /// Which leg of a capture; 0 of any other command.
    pub(crate) leg: u8,
    pub(crate) entry: OutcomeEntry,
    pub(crate) time: Timestamp,
}
