//! What the edges look up without asking the core: where accounts are, and who takes part.
//!
//! Everything here is a hint. The core checks it against its own state and looks again if it is wrong, so a
//! stale entry costs time and never money. The core updates the directory before it answers the command that
//! made the change.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use dashmap::DashMap;
use ledger::{AccountMode, AccountStatus, Command, Ledger, Outcome, ParticipantStatus, Record, Verdict};
use types::{AccountNumber, Bic, Currency, Digest, ParticipantNumber};

use crate::accounts_table::{AccountEntry, AccountLines, AccountsTable};
use crate::activations::Activations;
use crate::crossings::Hosts;

/// Accounts by number's digest and currency, participants by code.
#[derive(Debug, Default)]
pub struct Directory {
    accounts: AccountsTable,
    banks: RwLock<Banks>,
    participants: DashMap<Bic, ParticipantView>,
    hosts: Arc<Hosts>,
    activations: Arc<Activations>,
}

/// What an edge knows of a participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParticipantView {
    /// Where its customers' accounts live.
    pub mode: AccountMode,
    /// Whether it takes part at present.
    pub status: ParticipantStatus,
}

/// The banks that keep accounts, by short numbers of their own, from 1.
#[derive(Debug, Default)]
struct Banks {
    bics: Vec<Bic>,
    numbers: BTreeMap<Bic, u16>,
}

impl Banks {
    /// The number of a bank; 0 if there are more banks than numbers.
    fn number(&mut self, bic: Bic) -> u16 {
        if let Some(number) = self.numbers.get(&bic) {
            return *number;
        }
        let Ok(number) = u16::try_from(self.bics.len() + 1) else { return 0 };
        self.bics.push(bic);
        self.numbers.insert(bic, number);
        number
    }

    fn bic(&self, number: u16) -> Option<Bic> {
        usize::from(number).checked_sub(1).and_then(|index| self.bics.get(index)).copied()
    }
}

impl Directory {
    /// The accounts, for a few look-ups.
    pub fn accounts(&self) -> AccountLines {
        self.accounts.lines()
    }

    /// The account with this number's digest and currency, or 0.
    pub fn account(&self, digest: Digest, currency: Currency) -> AccountNumber {
        self.accounts().find(digest, currency)
    }

    /// The number of an open account, and the bank that keeps it. `None` if that is not known here: the core knows.
    pub fn open_account(&self, digest: Digest, currency: Currency) -> Option<(AccountNumber, Bic)> {
        let account = self.accounts().entry(digest, currency).filter(|account| !account.is_closed)?;
        let bank = self.banks.read().unwrap_or_else(PoisonError::into_inner).bic(account.bank)?;
        Some((account.number, bank))
    }

    fn bank_number(&self, bic: Bic) -> u16 {
        self.banks.write().unwrap_or_else(PoisonError::into_inner).number(bic)
    }

    /// A participant.
    pub fn participant(&self, bic: Bic) -> Option<ParticipantView> {
        self.participants.get(&bic).map(|entry| *entry.value())
    }

    /// The codes of all participants, in no order.
    pub fn bank_codes(&self) -> Vec<Bic> {
        self.participants.iter().map(|entry| *entry.key()).collect()
    }

    /// On whose positions reachable parties settle, and the numbers of all banks.
    pub const fn hosts(&self) -> &Arc<Hosts> {
        &self.hosts
    }

    /// Which accounts take part.
    pub const fn activations(&self) -> &Arc<Activations> {
        &self.activations
    }

    /// Takes over everything that a recovered ledger holds.
    pub fn fill(&self, ledger: &Ledger) {
        self.activations.set(ledger.activation_table());
        // Once each, since the accounts may be millions: banks by their numbers in the ledger, which count from 1.
        let banks: Vec<u16> = ledger.participants().map(|(_, bank)| self.bank_number(bank.bic())).collect();
        for (number, account) in ledger.accounts().filter(|(_, account)| account.kind().is_customer()) {
            let owner = usize::try_from(account.owner().0).expect("32 bits");
            let bank = banks[owner - 1];
            let is_closed = account.status() == AccountStatus::Closed;
            let entry = AccountEntry { number, bank, is_closed };
            self.accounts.add(account.digest(), account.currency(), entry);
        }
        for (number, participant) in ledger.participants() {
            self.hosts.set_bank(number, participant.bic());
            let view = ParticipantView { mode: participant.mode(), status: participant.status() };
            self.participants.insert(participant.bic(), view);
        }
        for party in ledger.reachable_parties() {
            let [party_bic, host] =
                [party.party(), party.host()].map(|bank| ledger.participant_by_number(bank).bic());
            self.hosts.set(party_bic, party.currency(), host);
        }
    }

    /// Takes over what one applied command changed.
    pub(crate) fn follow(&self, record: &Record<'_>, outcome: &Outcome) {
        let Verdict::Done { subject, repeat_of: None } = outcome.verdict else { return };
        match record.command {
            Command::OpenAccount(open) => {
                let currency = Currency::from_number(open.currency.get());
                let currency = currency.expect("records are checked when they are read");
                let number = u32::try_from(subject).expect("account numbers have 32 bits");
                let bank = self.bank_number(checked_bic(open.bic));
                let entry = AccountEntry { number: AccountNumber(number), bank, is_closed: false };
                self.accounts.add(Digest(open.iban_digest), currency, entry);
            }
            Command::SetAccountStatus(set) => {
                if AccountStatus::from_number(set.status) == Some(AccountStatus::Closed) {
                    let currency = Currency::from_number(set.currency.get());
                    let currency = currency.expect("records are checked when they are read");
                    self.accounts.close(Digest(set.iban_digest), currency);
                }
            }
            Command::RegisterParticipant(register) => {
                let mode = AccountMode::from_number(register.mode);
                let mode = mode.expect("records are checked when they are read");
                let view = ParticipantView { mode, status: ParticipantStatus::Active };
                self.participants.insert(checked_bic(register.bic), view);
                self.hosts.set_bank(number_of(subject), checked_bic(register.bic));
            }
            Command::SetReachableParty(set) => {
                let mode =
                    AccountMode::from_number(set.mode).expect("records are checked when they are read");
                // One that is known may be suspended.
                let view = ParticipantView { mode, status: ParticipantStatus::Active };
                self.participants.entry(checked_bic(set.bic)).or_insert(view);
                let currency = Currency::from_number(set.currency.get());
                let currency = currency.expect("records are checked when they are read");
                self.hosts.set(checked_bic(set.bic), currency, checked_bic(set.host));
                self.hosts.set_bank(number_of(subject), checked_bic(set.bic));
            }
            Command::SetParticipantStatus(set) => {
                let status = ParticipantStatus::from_number(set.status);
                let status = status.expect("records are checked when they are read");
                if let Some(mut view) = self.participants.get_mut(&checked_bic(set.bic)) {
                    view.status = status;
                }
            }
            Command::Genesis(_)
            | Command::SetProfile(_)
            | Command::SetAccountFloor(_)
            | Command::PostEntry(_)
            | Command::TransferLiquidity(_)
            | Command::Payment(_)
            | Command::RefusedPayment(_)
            | Command::Evidence(_)
            | Command::BeginIncarnation(_)
            | Command::SealDuplicates(_)
            | Command::Void(_)
            | Command::Answer(_)
            | Command::SetVersion(_)
            | Command::SetDecisionPolicy(_)
            | Command::SetAccountFlag(_)
            | Command::SetAccountHolders(_)
            | Command::SetReservationLimit(_)
            | Command::SetCustomerLimit(_)
            | Command::SetRestricted(_)
            | Command::SetFees(_)
            | Command::SetZone(_)
            | Command::SetClosingDays(_)
            | Command::RollBusinessDate(_)
            | Command::RequestRecall(_)
            | Command::AnswerRecall(_)
            | Command::SetRecallPolicy(_)
            | Command::SetPositionAlert(_)
            | Command::SetBlock(_)
            | Command::TransferOwnFunds(_)
            | Command::PlaceHold(_)
            | Command::CaptureHold(_)
            | Command::ReleaseHold(_)
            | Command::PutRecord(_)
            | Command::RemoveRecord(_)
            | Command::SetActivation(_)
            | Command::SetPostingMap(_)
            | Command::RaiseException(_)
            | Command::AssignException(_)
            | Command::ResolveException(_)
            | Command::CreateRequestToPay(_)
            | Command::PresentRequestToPay(_)
            | Command::AnswerRequestToPay(_)
            | Command::CancelRequestToPay(_)
            | Command::OpenPackage(_)
            | Command::PackageLine(_)
            | Command::ClosePackage(_)
            | Command::PlaceOrder(_)
            | Command::ChangeOrder(_)
            | Command::CancelOrders(_) => {}
        }
    }
}

fn number_of(subject: u64) -> ParticipantNumber {
    ParticipantNumber(u32::try_from(subject).expect("participants' numbers have 32 bits"))
}

fn checked_bic(bytes: [u8; 11]) -> Bic {
    Bic::from_bytes(bytes).expect("records are checked when they are read")
}
