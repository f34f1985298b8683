//! The words of test scripts about holds and the records of gateways, and what scripts ask about them.

use types::{Amount, Currency, PrincipalNumber, Sequence, Text};

use super::{Run, decimal};
use crate::testing_words::{Words, bank, iban, key, span, start};
use crate::{
    AccountSelector, CaptureHold, ExpectedVersion, HoldLeg, PlaceHold, PutRecord, RecordKey, RecordOwner,
    RecordSpace, RecordWriter, ReleaseHold, RemoveRecord, RequestId, Verdict,
};

fn amount(text: &str) -> Amount {
    Amount::parse(text, Currency::EUR).unwrap()
}

impl Run {
    pub(super) fn request(&self, count: usize, words: &mut Words<'_>) -> (RecordWriter, RequestId, String) {
        let id = words.option("id").map_or_else(|| format!("request-{count}"), str::to_owned);
        (RecordWriter::new(key(), PrincipalNumber(1)), RequestId::parse(&id).unwrap(), id)
    }

    /// `place A1 9.00 for 5d`, `capture H1 A B1 1.00 B2 2.00 final`, `release H1 A 1.00`. Accounts are where the edge
    /// finds them: in the ledger.
    pub(super) fn hold_command(
        &self,
        verb: &str,
        count: usize,
        words: &mut Words<'_>,
    ) -> (RecordWriter, String) {
        let (mut writer, request_id, id) = self.request(count, words);
        let currency = Currency::EUR;
        if verb == "place" {
            let expires = words.option("for").map_or(self.now, |ahead| self.now.plus(span(ahead)));
            let at_bank = words.option("at");
            let name = words.word();
            writer.place_hold(&PlaceHold {
                request_id,
                bank: bank(at_bank.unwrap_or(&name[..1])),
                account: AccountSelector { iban: iban(name), currency },
                amount: amount(words.word()),
                expires,
                reference: Text::parse("HOLD").unwrap(),
                note: None,
            });
            return (writer, id);
        }
        let is_final = words.flag("final");
        let (hold, bank) = (self.original(words.word()), bank(words.word()));
        if verb == "release" {
            let amount = words.next().map(amount);
            writer.release_hold(&ReleaseHold { request_id, bank, hold, amount });
            return (writer, id);
        }
        let held_on = self.ledger.hold(hold).map(|(hold, _)| (hold.account(), currency));
        let mut legs = Vec::new();
        while let Some(name) = words.next() {
            let iban = iban(name);
            let found = self.ledger.account(&key(), iban.as_str(), currency);
            let kept_at = found
                .map(|(number, account)| (number, self.ledger.participant_by_number(account.owner()).bic()));
            let (amount, reference) = (amount(words.word()), Text::parse("LEG").unwrap());
            legs.push(HoldLeg { iban, kept_at, amount, reference, remittance: None });
        }
        writer.capture_hold(&CaptureHold { request_id, bank, hold, held_on, legs, is_final });
        (writer, id)
    }

    /// `put A space key bytes expect R1 until 5d`, `remove A space key expect R1`; `again A space key bytes at R1` repeats
    /// what stands there.
    pub(super) fn record_command(
        &self,
        verb: &str,
        count: usize,
        words: &mut Words<'_>,
    ) -> (RecordWriter, String) {
        let (mut writer, request_id, id) = self.request(count, words);
        let expected = words.option("expect");
        let expires = words.option("until").map(|until| start().plus(span(until)));
        let repeats = words.option("at").map(|at| self.original(at));
        let (owner, key) = (owner(words), RecordKey::parse(words.word()).unwrap());
        if verb == "remove" {
            let expected = expected.map(|version| self.original(version));
            writer.remove_record(&RemoveRecord { request_id, owner, key, expected });
            return (writer, id);
        }
        let expected = match expected {
            None => ExpectedVersion::Any,
            Some("none") => ExpectedVersion::Absent,
            Some(version) => ExpectedVersion::Exactly(self.original(version)),
        };
        let bytes = words.word().as_bytes().to_vec();
        writer.put_record(&PutRecord { request_id, owner, key, expected, bytes, expires, repeats });
        (writer, id)
    }

    pub(super) fn ask_holds(&self, verb: &str, words: &mut Words<'_>) -> String {
        match verb {
            "held" => decimal(self.ledger.account_by_number(self.number(words.word())).held()),
            "hold-of" => match self.ledger.hold(self.original(words.word())) {
                Some((hold, _)) => format!("{} of {}", decimal(hold.held()), decimal(hold.amount())),
                None => "none".to_owned(),
            },
            "holds" => {
                let account = self.number(words.word());
                let holds = self.ledger.holds_of(account, Sequence(0));
                joined(holds.map(|hold| self.label(hold.sequence()).to_owned()))
            }
            "ended" => joined(self.last.holds.iter().map(|told| match told.verdict {
                Verdict::HoldExpired { .. } => {
                    format!("{} gave back {}", self.label(told.sequence), decimal(told.balances[1]))
                }
                Verdict::LegBooked { hold, leg } => {
                    let balances = told.balances.map(decimal).join(" ");
                    format!("{} leg {leg}: {balances}", self.label(hold))
                }
                Verdict::RequestEnded { end, .. } => self.request_ended(told.sequence, end),
                verdict @ (Verdict::Payment { .. }
                | Verdict::Answer { .. }
                | Verdict::Done { .. }
                | Verdict::Refused { .. }
                | Verdict::NotActive { .. }
                | Verdict::NotExecuted { .. }
                | Verdict::OrderEnded { .. }
                | Verdict::PackageComplete { .. }
                | Verdict::AskAgain) => panic!("not of a hold: {verdict:?}"),
            })),
            "record" => {
                let owner = owner(words);
                let key = RecordKey::parse(words.word()).unwrap();
                match self.ledger.kept_record(&owner, &key) {
                    None => "none".to_owned(),
                    Some(record) => {
                        let stands_at = self.label(record.stands_at());
                        let (version, length) = (self.label(record.version()), record.length());
                        format!("{version} at {stands_at}, {length} bytes")
                    }
                }
            }
            _ => {
                let owner = owner(words);
                let prefix = words.next().unwrap_or_default();
                let records = self.ledger.kept_records(&owner, prefix, None);
                joined(records.map(|record| record.key().as_str().to_owned()))
            }
        }
    }
}

fn owner(words: &mut Words<'_>) -> RecordOwner {
    RecordOwner { bank: bank(words.word()), space: RecordSpace::parse(words.word()).unwrap() }
}

fn joined(items: impl Iterator<Item = String>) -> String {
    let items: Vec<_> = items.collect();
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}
