//! The words of test scripts about positions: alerts, reachable parties, blocks, transfers of own funds.
//!
//! ```text
//! party P remote over A 100.00|unlimited     alert A floor 5.00 ceiling 90.00     alert A
//! stop A|A.position|P.limit|A1 debit|credit|both|none
//! move A.position A.technical 10.00
//! headroom P      utilisation P      set-aside P
//! ```

use types::{Amount, Balance, Currency, Text};

use super::{Words, bank, iban, minor_units};
use crate::{
    AccountMode, AccountSelector, Alerts, BlockTarget, Blocks, Bounds, Ledger, OwnAccount, OwnedAccount,
    PartyLimit, RecordWriter, RequestId, SetBlock, SetPositionAlert, SetReachableParty, TransferOwnFunds,
};

impl Words<'_> {
    pub(super) fn position(&mut self, verb: &str, request_id: RequestId, writer: &mut RecordWriter) {
        let currency = self.currency();
        match verb {
            "party" => self.party(request_id, currency, writer),
            "alert" => {
                let bound = |text| Balance::from_minor_units(minor_units(text)).unwrap();
                let [floor, ceiling] = ["floor", "ceiling"].map(|name| self.option(name).map(bound));
                let bounds = Bounds::new(floor, ceiling).unwrap();
                let bic = bank(self.word());
                writer.set_position_alert(&SetPositionAlert { request_id, bic, currency, bounds });
            }
            "stop" => {
                let target = self.target(currency);
                let (debit, credit) = match self.word() {
                    "debit" => (true, false),
                    "credit" => (false, true),
                    "both" => (true, true),
                    _ => (false, false),
                };
                writer.set_block(&SetBlock { request_id, target, blocks: Blocks::new(debit, credit) });
            }
            _ => {
                let (from, to) = (self.owned(), self.owned());
                let amount = Amount::parse(self.word(), currency).unwrap();
                let reference = Text::parse_identifier(request_id.as_str()).unwrap();
                let transfer = TransferOwnFunds { request_id, from, to, amount, currency, reference };
                writer.transfer_own_funds(&transfer);
            }
        }
    }

    fn party(&mut self, request_id: RequestId, currency: Currency, writer: &mut RecordWriter) {
        let host = bank(self.option("over").expect("a party settles over another bank"));
        let bic = bank(self.word());
        let mode = match self.word() {
            "hosted" => AccountMode::Hosted,
            "remote" => AccountMode::Remote,
            mode => panic!("not a mode: {mode}"),
        };
        let limit = match self.word() {
            "unlimited" => PartyLimit::Unlimited,
            amount => PartyLimit::Upto(minor_units(amount)),
        };
        let name = Text::parse("Party").unwrap();
        writer.set_reachable_party(&SetReachableParty { request_id, bic, name, mode, host, currency, limit });
    }

    fn target(&mut self, currency: Currency) -> BlockTarget {
        let name = self.word();
        match name.split_once('.') {
            Some((name, "position")) => BlockTarget::Position(bank(name), currency),
            Some((name, _)) => BlockTarget::PartyLimit(bank(name), currency),
            None if name.len() == 1 => BlockTarget::Participant(bank(name)),
            None => BlockTarget::Account(AccountSelector { iban: iban(name), currency }),
        }
    }

    fn owned(&mut self) -> OwnedAccount {
        let (name, account) = self.word().split_once('.').expect("an account of a bank");
        let account = if account == "position" { OwnAccount::Position } else { OwnAccount::Technical };
        OwnedAccount { bic: bank(name), account }
    }

    /// What a script asks about a reachable party.
    pub(crate) fn about_party(&mut self, ledger: &Ledger, verb: &str) -> Option<i64> {
        let currency = self.currency();
        let party = ledger.reachable_party(bank(self.word()), currency).expect("a reachable party");
        match verb {
            "headroom" => party.headroom(),
            "utilisation" => Some(party.utilisation()),
            _ => Some(party.reserved()),
        }
    }
}

/// How a script says which bounds were crossed.
pub(crate) fn alerts_told(alerts: Alerts) -> String {
    let names = [
        (Alerts::POSITION_FELL, ", position fell"),
        (Alerts::POSITION_ROSE, ", position rose"),
        (Alerts::HEADROOM_FELL, ", headroom fell"),
        (Alerts::HEADROOM_ROSE, ", headroom rose"),
    ];
    names.into_iter().filter(|(alert, _)| alerts.has(*alert)).map(|(_, name)| name).collect()
}
