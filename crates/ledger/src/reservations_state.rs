//! Payments that wait for a bank's answer, as they stand in a stored state: by the bank that is asked, and then in the
//! order of asking. Slots, deadlines and indexes follow from that and are made anew.
//!
//! Reading checks what the rules rely on: each reservation is of a payment whose question is open, its bookings can
//! still be planned, and what is set aside on accounts is set aside for reservations.

use types::{
    AccountNumber, Amount, Currency, Duration, ParticipantNumber, PaymentState, ReasonCode, Sequence,
    Timestamp,
};

use super::{Due, Queue, Reservation, Reservations, index};
use crate::bookings::{Bookings, Sides};
use crate::mutants::{Mutant, is_on};
use crate::rules_version::HAS_RULEBOOK;
use crate::sections::{Impossible, SectionReader, StateError, holds, value, zero};
use crate::state_layout::{self, RESERVATIONS, RESERVATIONS_WITH_FEES};
use crate::{Fees, Ledger, QuestionState, Silence, Stage};

impl Reservation {
    /// The stored form of a reservation whose question has this number, and whose payment this many came before. The fee
    /// is apart.
    fn to_state(self, number: u64, payment: u64) -> state_layout::Reservation {
        let [debit_silence, credit_silence] = self.silences.map(Silence::number);
        state_layout::Reservation {
            sequence: self.sequence.0.into(),
            payment: payment.into(),
            asked_at: self.asked_at.0.into(),
            number: number.into(),
            deadline: self.deadline.nanoseconds().into(),
            target: self.target.nanoseconds().into(),
            due: self.due.nanoseconds().into(),
            amount: self.amount.into(),
            debtor_account: self.debtor_account.0.into(),
            creditor_account: self.creditor_account.0.into(),
            debtor_bank: self.debtor_bank.0.into(),
            creditor_bank: self.creditor_bank.0.into(),
            timeout_to_originator: self.timeout_to_originator,
            timeout_to_beneficiary: self.timeout_to_beneficiary,
            currency: self.currency.number().into(),
            stage: self.stage.number(),
            credit_follows: u8::from(self.credit_follows),
            debit_silence,
            credit_silence,
            reserved: [0; 2],
        }
    }

    /// A stored reservation whose payment is in this slot, and its fee.
    fn from_state(stored: &state_layout::Reservation, fee: u32, payment: u32) -> Result<Self, Impossible> {
        let time = |nanoseconds, field| value(Timestamp::from_nanoseconds(nanoseconds), field);
        let silence = |number, field| value(Silence::from_number(number), field);
        let is_code = |code, field| value(ReasonCode::from_bytes(code), field).map(|_| code);
        holds(Amount::from_minor_units(stored.amount.get()).is_some(), "amount")?;
        holds(Fees::from_minor_units(fee, fee).is_some(), "fee")?;
        holds(stored.credit_follows <= 1, "credit_follows")?;
        zero(&stored.reserved)?;
        Ok(Self {
            sequence: Sequence(stored.sequence.get()),
            asked_at: Sequence(stored.asked_at.get()),
            deadline: time(stored.deadline.get(), "deadline")?,
            target: time(stored.target.get(), "target")?,
            due: time(stored.due.get(), "due")?,
            amount: stored.amount.get(),
            fee,
            payment,
            debtor_account: AccountNumber(stored.debtor_account.get()),
            creditor_account: AccountNumber(stored.creditor_account.get()),
            debtor_bank: ParticipantNumber(stored.debtor_bank.get()),
            creditor_bank: ParticipantNumber(stored.creditor_bank.get()),
            currency: value(Currency::from_number(stored.currency.get()).ok(), "currency")?,
            stage: value(Stage::from_number(stored.stage), "stage")?,
            credit_follows: stored.credit_follows == 1,
            silences: [
                silence(stored.debit_silence, "debit_silence")?,
                silence(stored.credit_silence, "credit_silence")?,
            ],
            timeout_to_originator: is_code(stored.timeout_to_originator, "timeout_to_originator")?,
            timeout_to_beneficiary: is_code(stored.timeout_to_beneficiary, "timeout_to_beneficiary")?,
        })
    }
}

impl Reservations {
    /// How many questions a bank was ever asked.
    pub(crate) fn asked_count(&self, bank: ParticipantNumber) -> u64 {
        self.queues.get(index(bank.0)).map_or(0, |queue| queue.asked)
    }

    /// The items of [`RESERVATIONS`], given how many payments came before the one in a slot.
    pub(crate) fn to_state(
        &self,
        ordinal: impl Fn(u32) -> u64,
    ) -> impl Iterator<Item = state_layout::Reservation> {
        self.to_state_with_fees(ordinal).map(|item| item.reservation)
    }

    /// The items of [`RESERVATIONS_WITH_FEES`].
    pub(crate) fn to_state_with_fees(
        &self,
        ordinal: impl Fn(u32) -> u64,
    ) -> impl Iterator<Item = state_layout::ReservationWithFee> {
        let banks = 0..u32::try_from(self.queues.len()).expect("banks are few");
        let open = banks.map(ParticipantNumber).flat_map(|bank| self.asked_of(bank, None));
        open.map(move |(slot, reservation)| state_layout::ReservationWithFee {
            reservation: reservation.to_state(self.slots[index(slot)].number, ordinal(reservation.payment)),
            fee: reservation.fee.into(),
            reserved: [0; 4],
        })
    }

    /// Reads the reservations of a ledger of which everything else has been read. The banks were asked so many
    /// questions, and this much is set aside on all accounts together.
    pub(crate) fn read_state(
        reader: &mut SectionReader<'_>,
        ledger: &mut Ledger,
        asked: &[u64],
        reserved_total: i128,
    ) -> Result<(), StateError> {
        let waiting = ledger.payment_totals().reserved;
        let has_fees = ledger.rules_version() >= HAS_RULEBOOK;
        let section = if has_fees { RESERVATIONS_WITH_FEES } else { RESERVATIONS };
        let count = reader.begin_exactly(section, waiting)?;
        let reservations = usize::try_from(count).expect("there are as many payments in memory");
        ledger.reservations.reserve(reservations, ledger.participants.count());
        let mut matched = 0_i128;
        let mut last = (ParticipantNumber(0), Sequence(0));
        let mut read = |ledger: &mut Ledger, stored: &state_layout::Reservation, fee| {
            let slot = ledger.payments.slot_of_ordinal(stored.payment.get());
            let reservation = Reservation::from_state(stored, fee, value(slot, "payment")?)?;
            let bookings = check(ledger, &reservation)?;
            for (account, amount) in bookings.paying(&ledger.accounts).into_iter().flatten() {
                holds(ledger.accounts.match_reserved(account, amount), "amount")?;
                matched += i128::from(amount);
            }
            let limits = bookings.limits();
            holds(ledger.reachable.match_reserved(limits, reservation.amount), "amount")?;
            let bank = reservation.asked();
            holds(last <= (bank, reservation.asked_at), "asked_at")?;
            last = (bank, reservation.asked_at);
            let queue = &mut ledger.reservations.queues[index(bank.0)];
            holds((queue.asked..asked[index(bank.0 - 1)]).contains(&stored.number.get()), "number")?;
            queue.asked = stored.number.get();
            ledger.reservations.add(reservation);
            Ok(())
        };
        if has_fees {
            reader.items(section, count, |stored: &state_layout::ReservationWithFee| {
                zero(&stored.reserved)?;
                read(ledger, &stored.reservation, stored.fee.get())
            })?;
        } else {
            reader.items(section, count, |stored| read(ledger, stored, 0))?;
        }
        // Each account had what was matched, so if the sums agree, nothing is left on any of them.
        let sound = holds(matched == reserved_total && ledger.reachable.is_all_matched(), "amount");
        sound.map_err(|impossible| section.impossible(count.saturating_sub(1), impossible))?;
        put_back(ledger);
        ledger.reservations.set_asked(asked);
        Ok(())
    }

    fn set_asked(&mut self, asked: &[u64]) {
        self.queues.resize(asked.len() + 1, Queue::EMPTY);
        self.queues[1..].iter_mut().zip(asked).for_each(|(queue, asked)| queue.asked = *asked);
        if is_on(Mutant::LoseTimerInState) {
            self.lose_first_timer();
        }
    }

    /// The mistake of [`Mutant::LoseTimerInState`].
    pub(crate) fn lose_first_timer(&mut self) {
        if let Some(due) = self.first_due() {
            let never = Timestamp::default().plus(Duration::from_nanoseconds(i64::MAX).expect("a span"));
            self.deadlines.remove(due.slot);
            self.deadlines.insert(Due { time: never, ..due });
        }
    }
}

/// Checks a reservation against the rest of the ledger. Says what its settlement would book.
fn check(ledger: &Ledger, reservation: &Reservation) -> Result<Bookings, Impossible> {
    let payment = ledger.payments.at_slot(reservation.payment);
    holds(payment.sequence == reservation.sequence, "sequence")?;
    holds(payment.state == PaymentState::Reserved, "payment")?;
    holds(ledger.reservations.find(reservation.sequence).is_none(), "payment")?;
    holds(reservation.asked_at <= ledger.position().sequence, "asked_at")?;
    let other = match reservation.stage {
        Stage::Debit => Stage::Credit,
        Stage::Credit => Stage::Debit,
    };
    holds(payment.question(reservation.stage) == QuestionState::Open, "stage")?;
    holds(payment.question(other) != QuestionState::Open, "stage")?;
    holds(!reservation.credit_follows || reservation.stage == Stage::Debit, "credit_follows")?;
    // A question ends before the payment does only where silence accepts.
    holds(reservation.due <= reservation.deadline, "due")?;
    holds(reservation.silence() == Silence::Accept || reservation.due == reservation.deadline, "due")?;

    let banks = 1..=ledger.participants.count();
    let known = |bank: ParticipantNumber| banks.contains(&index(bank.0));
    holds(known(reservation.debtor_bank), "debtor_bank")?;
    holds(known(reservation.creditor_bank), "creditor_bank")?;
    let debtor_bank = ledger.participants.get(reservation.debtor_bank);
    let creditor_bank = ledger.participants.get(reservation.creditor_bank);
    holds(payment.debtor_agent == debtor_bank.bic(), "debtor_bank")?;
    holds(payment.creditor_bank == reservation.creditor_bank, "creditor_bank")?;
    let is_side = |account, bank| ledger.accounts.is_none_or_customers(account, bank, reservation.currency);
    holds(is_side(reservation.debtor_account, reservation.debtor_bank), "debtor_account")?;
    holds(is_side(reservation.creditor_account, reservation.creditor_bank), "creditor_account")?;
    let sides = Sides {
        debtor_bank,
        creditor_bank,
        debtor: reservation.debtor_account,
        creditor: reservation.creditor_account,
    };
    holds(reservation.fee == 0 || reservation.debtor_account.0 != 0, "fee")?;
    let bookings = Bookings::plan(sides, reservation.currency, reservation.amount, reservation.fee);
    bookings.map_err(|_| Impossible("currency"))
}

/// What was taken from accounts to match it with reservations is set aside again.
fn put_back(ledger: &mut Ledger) {
    let Ledger { accounts, participants, reservations, reachable, .. } = ledger;
    for reservation in reservations.iter() {
        let sides = Sides {
            debtor_bank: participants.get(reservation.debtor_bank),
            creditor_bank: participants.get(reservation.creditor_bank),
            debtor: reservation.debtor_account,
            creditor: reservation.creditor_account,
        };
        let bookings = Bookings::plan(sides, reservation.currency, reservation.amount, reservation.fee);
        let bookings = bookings.expect("it was planned when it was read");
        for (account, amount) in bookings.paying(accounts).into_iter().flatten() {
            accounts.put_back(account, amount);
        }
        reachable.reserve_headroom(bookings.limits(), reservation.amount);
    }
}
