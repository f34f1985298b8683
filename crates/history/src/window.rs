//! The last few frames: commands whose outcomes are still to be told, and the times of positions.
//!
//! What a frame's commands came to stands in the frames after it, in the order of decision. So the window is short: a
//! frame leaves it when something is told of a later one.

use std::collections::VecDeque;

use journal::FrameView;
use ledger::{
    AccountKind, AccountStatus, Command, Direction, ExceptionAction, LiquidityDirection, OwnAccount,
    PostingLine, Record, RecordError, Records, Stage, Zone, layout,
};
use types::fields::FieldReader;
use types::{
    AccountNumber, Amount, Bic, Channel, Currency, Date, Digest, DigestKey, ReasonCode, Sequence, Text,
    Timestamp,
};

use crate::keys::Name;

/// What is needed of a command when its outcome is told.
#[derive(Debug)]
pub(crate) enum Awaited {
    /// A payment, refused on reading or not.
    Payment(Box<Order>),
    /// A bank's answer.
    Answer {
        stage: Stage,
        is_accepted: bool,
    },
    OpenAccount {
        digest: Digest,
        currency: Currency,
        bank: Bic,
        is_savings: bool,
    },
    RegisterParticipant {
        bank: Bic,
        currency: Currency,
    },
    SetProfile {
        number: u16,
        timeout_to_beneficiary: ReasonCode,
    },
    PostEntry {
        /// In minor units.
        change: i64,
        value_date: Date,
    },
    TransferLiquidity {
        bank: Bic,
        currency: Currency,
        change: i64,
    },
    /// A payment goes back.
    Return(Box<Return>),
    /// What is held on an account is paid out.
    Capture(Box<Capture>),
    /// Something is booked about an exception.
    Exception(ExceptionBooked),
    /// A bank settles on another's position.
    SetReachableParty {
        bank: Bic,
        host: Bic,
        currency: Currency,
    },
    /// The change of the position; its technical account changes the other way.
    TransferOwnFunds {
        bank: Bic,
        currency: Currency,
        change: i64,
    },
    /// Who holds an account is said anew.
    SetAccountHolders {
        digest: Digest,
        currency: Currency,
        /// It counts only if the holders were named there last; 0: in any case.
        repeats: Sequence,
    },
    CloseAccount,
    /// The business date moves on.
    RollBusinessDate(Date),
    /// A bank says what its clock shows.
    SetZone {
        bank: Bic,
        zone: Zone,
    },
    /// A bank says what its general ledger calls its accounts.
    SetPostingMap(Box<SetPostingMap>),
    /// Nothing that history keeps.
    Other,
}

/// What is needed of a map of postings.
#[derive(Clone, Debug)]
pub(crate) struct SetPostingMap {
    pub(crate) bank: Bic,
    pub(crate) currency: Currency,
    pub(crate) from: Option<Date>,
    pub(crate) lines: Vec<PostingLine>,
}

/// What is needed of what is booked about an exception.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExceptionBooked {
    pub(crate) bank: Bic,
    pub(crate) currency: Currency,
    pub(crate) action: ExceptionAction,
    /// The customer's account, if it is booked there.
    pub(crate) account: Option<AccountNumber>,
    /// In minor units: above zero if the money is the customer's.
    pub(crate) change: i64,
}

/// What is needed of a payment that goes back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Return {
    /// The payment.
    pub(crate) payment: Sequence,
    pub(crate) debtor_agent: Bic,
    pub(crate) creditor_agent: Bic,
    /// The payer's account, if it is kept here and takes bookings.
    pub(crate) debtor_account: Option<AccountNumber>,
    /// The payee's account, if it is kept here.
    pub(crate) creditor_account: Option<AccountNumber>,
    /// The payer's account is kept here and takes no bookings, so that its bank gets the money.
    pub(crate) is_elsewhere: bool,
    pub(crate) currency: Currency,
    /// In minor units.
    pub(crate) amount: i64,
    /// In minor units.
    pub(crate) fee: i64,
}

/// What is needed of a capture.
#[derive(Clone, Debug)]
pub(crate) struct Capture {
    pub(crate) debtor_agent: Bic,
    pub(crate) debtor_account: AccountNumber,
    pub(crate) currency: Currency,
    pub(crate) legs: Vec<Leg>,
}

/// One payee of a capture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leg {
    pub(crate) creditor_agent: Bic,
    pub(crate) creditor_account: AccountNumber,
    /// In minor units.
    pub(crate) amount: i64,
}

/// What is needed of a payment.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) debtor_agent: Bic,
    pub(crate) creditor_agent: Option<Bic>,
    pub(crate) transaction_id: Text<35>,
    pub(crate) amount: Option<(Amount, Currency)>,
    pub(crate) acceptance_time: Option<Timestamp>,
    pub(crate) channel: Channel,
    /// Payer's and payee's account; `None` if the payment was refused on reading.
    pub(crate) accounts: Option<[AccountOf; 2]>,
    /// `None` if it is erased, or says that there is none.
    pub(crate) end_to_end: Option<Name>,
    pub(crate) profile: u16,
    pub(crate) is_not_entitled: bool,
}

/// An account as a payment names it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AccountOf {
    pub(crate) digest: Digest,
    /// What the edge took its number for.
    pub(crate) hint: AccountNumber,
}

#[derive(Debug)]
struct Frame {
    first: Sequence,
    time: Timestamp,
}

/// The window.
#[derive(Debug, Default)]
pub(crate) struct Window {
    frames: VecDeque<Frame>,
    commands: VecDeque<(Sequence, Awaited)>,
}

/// Frames without commands, of which nothing may ever be told, do not pile up beyond this.
const FRAMES_MAX: usize = 4096;

impl Window {
    /// Takes in a frame's commands after a position.
    pub(crate) fn push(
        &mut self,
        frame: &FrameView<'_>,
        after: Sequence,
        key: Option<&DigestKey>,
    ) -> Result<(), RecordError> {
        let header = frame.header();
        if self.frames.len() >= FRAMES_MAX
            && self.commands.front().is_none_or(|(at, _)| *at > self.frames[1].first)
        {
            self.frames.pop_front();
        }
        self.frames.push_back(Frame { first: header.first_sequence, time: header.time });
        let mut at = header.first_sequence;
        for record in Records::with_texts(frame.records(), frame.texts()) {
            at = at.next();
            let record = record?;
            if at > after {
                self.commands.push_back((at, Awaited::of(&record, key)));
            }
        }
        Ok(())
    }

    /// The command at a position. Those before it, of which nothing was told, go: nothing will be.
    pub(crate) fn take(&mut self, at: Sequence) -> Option<Awaited> {
        while self.commands.front().is_some_and(|(earlier, _)| *earlier < at) {
            self.commands.pop_front();
        }
        self.commands.pop_front_if(|(first, _)| *first == at).map(|(_, command)| command)
    }

    /// The same without taking it, because more is told of it.
    pub(crate) fn get(&mut self, at: Sequence) -> Option<&Awaited> {
        while self.commands.front().is_some_and(|(earlier, _)| *earlier < at) {
            self.commands.pop_front();
        }
        self.commands.front().filter(|(first, _)| *first == at).map(|(_, command)| command)
    }

    /// The time of a position, of which or of a later one something is told now.
    pub(crate) fn time_at(&mut self, at: Sequence) -> Option<Timestamp> {
        while self.frames.get(1).is_some_and(|next| next.first <= at) {
            self.frames.pop_front();
        }
        self.frames.front().filter(|frame| frame.first <= at).map(|frame| frame.time)
    }

    /// After which position reading has to begin to fill the window again.
    pub(crate) fn resume_after(&self) -> Option<Sequence> {
        self.frames.front().map(|frame| Sequence(frame.first.0 - 1))
    }
}

const CHECKED: &str = "records are checked when they are read";

impl Awaited {
    fn of(record: &Record<'_>, key: Option<&DigestKey>) -> Self {
        let bank = |bic| Bic::from_bytes(bic).expect(CHECKED);
        let currency = |number| Currency::from_number(number).expect(CHECKED);
        // Kinds that are not named here move no money and name no account.
        if let Command::Payment(payment) = record.command {
            Self::Payment(Box::new(Order::of(payment, record.text, key)))
        } else if let Command::RefusedPayment(refused) = record.command {
            Self::Payment(Box::new(Order::of_refused(refused)))
        } else if let Command::Answer(answer) = record.command {
            let stage = Stage::from_number(answer.stage).expect(CHECKED);
            Self::Answer { stage, is_accepted: answer.code == [0; 4] }
        } else if let Command::OpenAccount(open) = record.command {
            let (digest, currency) = (Digest(open.iban_digest), currency(open.currency.get()));
            let is_savings = AccountKind::from_number(open.kind) == Some(AccountKind::Savings);
            Self::OpenAccount { digest, currency, bank: bank(open.bic), is_savings }
        } else if let Command::RegisterParticipant(register) = record.command {
            Self::RegisterParticipant {
                bank: bank(register.bic),
                currency: currency(register.currency.get()),
            }
        } else if let Command::SetProfile(profile) = record.command {
            let timeout_to_beneficiary =
                ReasonCode::from_bytes(profile.timeout_to_beneficiary).expect(CHECKED);
            Self::SetProfile { number: profile.number.get(), timeout_to_beneficiary }
        } else if let Command::PostEntry(post) = record.command {
            let is_debit = Direction::from_number(post.direction) == Some(Direction::Debit);
            let value_date = Date::from_days(post.value_date.get()).expect(CHECKED);
            Self::PostEntry { change: signed(post.amount.get(), is_debit), value_date }
        } else if let Command::TransferLiquidity(transfer) = record.command {
            let is_out =
                LiquidityDirection::from_number(transfer.direction) == Some(LiquidityDirection::Defund);
            let change = signed(transfer.amount.get(), is_out);
            let currency = currency(transfer.currency.get());
            Self::TransferLiquidity { bank: bank(transfer.bic), currency, change }
        } else if let Command::AnswerRecall(answer) = record.command
            && answer.amount.get() > 0
        {
            Self::Return(Box::new(Return::of(answer)))
        } else if let Command::CaptureHold(capture) = record.command {
            // One that names no hold, or an account that is not there, is refused.
            Capture::of(capture).map_or(Self::Other, |capture| Self::Capture(Box::new(capture)))
        } else if let Command::ResolveException(resolve) = record.command {
            // One that names no currency saw no exception, and is refused.
            ExceptionBooked::of(resolve).map_or(Self::Other, Self::Exception)
        } else if let Command::SetReachableParty(set) = record.command {
            let currency = currency(set.currency.get());
            Self::SetReachableParty { bank: bank(set.bic), host: bank(set.host), currency }
        } else if let Command::TransferOwnFunds(transfer) = record.command {
            let is_out = transfer.from_account == OwnAccount::Position.number();
            let change = signed(transfer.amount.get(), is_out);
            let currency = currency(transfer.currency.get());
            Self::TransferOwnFunds { bank: bank(transfer.from_bic), currency, change }
        } else if let Command::SetAccountHolders(set) = record.command {
            let (digest, currency) = (Digest(set.iban_digest), currency(set.currency.get()));
            Self::SetAccountHolders { digest, currency, repeats: Sequence(set.repeats.get()) }
        } else if let Command::SetAccountStatus(set) = record.command
            && AccountStatus::from_number(set.status) == Some(AccountStatus::Closed)
        {
            Self::CloseAccount
        } else if let Command::RollBusinessDate(roll) = record.command {
            Self::RollBusinessDate(Date::from_days(roll.date.get()).expect(CHECKED))
        } else if let Command::SetZone(set) = record.command {
            Self::SetZone { bank: bank(set.bic), zone: set.zone() }
        } else if let Command::SetPostingMap(set) = record.command {
            Self::SetPostingMap(Box::new(SetPostingMap {
                bank: bank(set.bic),
                currency: currency(set.currency.get()),
                from: set.from_date(),
                lines: set.posting_lines().collect(),
            }))
        } else {
            Self::Other
        }
    }
}

impl ExceptionBooked {
    /// `None` if the action books nothing.
    fn of(resolve: &layout::ResolveException) -> Option<Self> {
        let action = ExceptionAction::from_number(resolve.action).expect(CHECKED);
        let account = match action {
            ExceptionAction::BookToCustomer => Some(AccountNumber(resolve.account.get())),
            ExceptionAction::ToSuspense | ExceptionAction::WriteOff => None,
            ExceptionAction::Return | ExceptionAction::Close | ExceptionAction::AskAgain => return None,
        };
        let is_debit = Direction::from_number(resolve.direction) == Some(Direction::Debit);
        Some(Self {
            bank: Bic::from_bytes(resolve.bic).expect(CHECKED),
            currency: Currency::from_number(resolve.currency.get()).ok()?,
            action,
            account,
            change: signed(resolve.amount.get(), is_debit),
        })
    }
}

impl Return {
    fn of(answer: &layout::AnswerRecall) -> Self {
        let bank = |bic| Bic::from_bytes(bic).expect(CHECKED);
        let kept = |number| (number != 0).then_some(AccountNumber(number));
        Self {
            payment: Sequence(answer.payment.get()),
            debtor_agent: bank(answer.debtor_agent),
            creditor_agent: bank(answer.bic),
            debtor_account: kept(answer.debtor_account.get()).filter(|_| answer.elsewhere == 0),
            creditor_account: kept(answer.creditor_account.get()),
            is_elsewhere: answer.elsewhere != 0,
            currency: Currency::from_number(answer.currency.get()).expect(CHECKED),
            amount: answer.amount.get(),
            fee: answer.fee.get(),
        }
    }
}

impl Capture {
    fn of(capture: &layout::CaptureHold) -> Option<Self> {
        let leg = |leg: &layout::HoldLeg| {
            let creditor_account = AccountNumber(leg.account.get());
            let (creditor_agent, amount) = (Bic::from_bytes(leg.bic)?, leg.amount.get());
            Some(Leg { creditor_agent, creditor_account, amount })
        };
        Some(Self {
            debtor_agent: Bic::from_bytes(capture.bic)?,
            debtor_account: AccountNumber(capture.debtor_account.get()),
            currency: Currency::from_number(capture.currency.get()).ok()?,
            legs: capture.legs().iter().map(leg).collect::<Option<_>>()?,
        })
    }
}

const fn signed(amount: i64, is_negative: bool) -> i64 {
    if is_negative { -amount } else { amount }
}

impl Order {
    fn of(payment: &layout::Payment, text: &[u8], key: Option<&DigestKey>) -> Self {
        let amount = Amount::from_minor_units(payment.amount.get()).expect(CHECKED);
        let currency = Currency::from_number(payment.currency.get()).expect(CHECKED);
        let accounts = [
            (payment.debtor_account_digest, payment.debtor_account_hint),
            (payment.creditor_account_digest, payment.creditor_account_hint),
        ];
        let accounts = accounts
            .map(|(digest, hint)| AccountOf { digest: Digest(digest), hint: AccountNumber(hint.get()) });
        Self {
            debtor_agent: payment.key.bank(),
            creditor_agent: Bic::from_bytes(payment.creditor_agent),
            transaction_id: payment.key.transaction_id_text(),
            amount: Some((amount, currency)),
            acceptance_time: accepted(payment.acceptance_time.get()),
            channel: channel(payment.channel),
            accounts: Some(accounts),
            end_to_end: end_to_end_id(text).zip(key).map(|(id, key)| Name::end_to_end_id(key, id)),
            profile: payment.profile.get(),
            is_not_entitled: false,
        }
    }

    fn of_refused(refused: &layout::RefusedPayment) -> Self {
        Self {
            debtor_agent: refused.key.bank(),
            creditor_agent: Bic::from_bytes(refused.creditor_agent),
            transaction_id: refused.key.transaction_id_text(),
            amount: None,
            acceptance_time: accepted(refused.acceptance_time.get()),
            channel: channel(refused.channel),
            accounts: None,
            end_to_end: None,
            profile: 0,
            is_not_entitled: !refused.is_entitled(),
        }
    }
}

fn channel(number: u8) -> Channel {
    if number == Channel::Iso20022.number() { Channel::Iso20022 } else { Channel::Grpc }
}

/// 0 stands for a time that could not be read.
fn accepted(nanoseconds: i64) -> Option<Timestamp> {
    Timestamp::from_nanoseconds(nanoseconds).filter(|time| *time != Timestamp::default())
}

/// The tag of the payer's reference among the fields of an order, and what stands there if the payer gave none.
const END_TO_END_ID: u8 = 34;
const NOT_PROVIDED: &str = "NOTPROVIDED";

/// The payer's reference in the texts of an order: the 34th field of which none before it repeats.
fn end_to_end_id(text: &[u8]) -> Option<&str> {
    let mut fields = FieldReader::new(text, |_| true).ok()?;
    for tag in 1..END_TO_END_ID {
        fields.take(tag).ok()?;
    }
    fields.utf8(END_TO_END_ID).ok()?.filter(|id| *id != NOT_PROVIDED)
}
