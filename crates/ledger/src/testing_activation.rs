//! The words of test scripts about which accounts take part in payments.

use types::{PrincipalNumber, Text};

use super::Run;
use crate::testing_words::{Words, bank, iban, key};
use crate::{AccountRange, ActivationTable, RecordWriter, RequestId, SetActivation};

/// The numbers of a bank's accounts from one to another.
fn range(bank: &str, first: &str, last: &str) -> AccountRange {
    let number = |name| iban(&format!("{bank}{name}")).as_str()[4..].to_owned();
    AccountRange::new("BE", &number(first), &number(last)).unwrap()
}

impl Words<'_> {
    /// `activate A`, `deactivate A 1 5`.
    pub(super) fn activation(&mut self, verb: &str, count: usize) -> (RecordWriter, String) {
        let id = self.option("id").map_or_else(|| format!("request-{count}"), str::to_owned);
        let name = self.word();
        let range = self.next().map(|first| range(name, first, self.word()));
        let mut writer = RecordWriter::new(key(), PrincipalNumber(1));
        writer.set_activation(&SetActivation {
            request_id: RequestId::parse(&id).unwrap(),
            bank: bank(name),
            range,
            is_active: verb == "activate",
            reason: Text::parse("Moved here").unwrap(),
        });
        (writer, id)
    }
}

impl Run {
    /// The table by which a payment is looked up: the newest, or the one with this number.
    pub(super) fn table(&self, number: Option<&str>) -> ActivationTable {
        let table = match number {
            None => self.tables.last(),
            Some(number) => self.tables.get(number.parse::<usize>().unwrap()),
        };
        table.expect("there was such a table").clone()
    }

    /// `ranges A`: what is said of the bank as a whole, and the numbers of which the opposite holds.
    pub(super) fn ask_ranges(&self, words: &mut Words<'_>) -> String {
        let (name, table) = (words.word(), self.table(None));
        let whole = if table.is_active_as_a_whole(bank(name)) { "active" } else { "inactive" };
        // Behind the bank's three digits, and before two zeros.
        let number =
            |text: &str| text[3..10].trim_start_matches('0').to_owned() + text[10..].trim_end_matches('0');
        let ranges = table
            .ranges(bank(name))
            .map(|range| format!("{}-{}", number(range.first()), number(range.last())));
        std::iter::once(whole.to_owned()).chain(ranges).collect::<Vec<_>>().join(" ")
    }
}
