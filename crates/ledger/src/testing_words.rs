//! The words of test scripts (see [`crate::testing`]): names, amounts, times, and how a line becomes a record.

use types::{
    AccountNumber, Amount, Balance, Bic, Channel, Currency, Date, Digest, DigestKey, Duration, Iban,
    MandatoryParts, Party, PaymentOrder, PrincipalNumber, ReasonCode, Remittance, Text, Timestamp,
};

use crate::{
    AccountKind, AccountMode, AccountSelector, AccountStatus, Direction, LiquidityDirection, OpenAccount,
    ParticipantStatus, PostEntry, RecordWriter, RefusedBody, RefusedPayment, RegisterParticipant, RequestId,
    SetAccountFloor, SetAccountStatus, SetParticipantStatus, TransferLiquidity,
};

#[path = "testing_words_customer.rs"]
mod customer;
#[path = "testing_words_lifecycle.rs"]
mod lifecycle;
#[path = "testing_words_liquidity.rs"]
mod liquidity;

#[path = "testing_words_recall.rs"]
mod recall;
pub(crate) use recall::Fate;

pub(crate) use liquidity::alerts_told;

/// The key of every script's log.
pub(crate) const fn key() -> DigestKey {
    DigestKey::new(*b"a script's  key.")
}

/// When every script starts.
pub(crate) fn start() -> Timestamp {
    Timestamp::from_civil(Date::parse("2026-01-05").unwrap(), 10, 0, 0, 0).unwrap()
}

/// The bank with this letter.
pub(crate) fn bank(letter: &str) -> Bic {
    assert_eq!(letter.len(), 1, "a bank is one letter: {letter}");
    Bic::parse(&format!("BANKBEB{letter}")).unwrap()
}

/// The number of an account such as `A1`, whether open or not.
pub(crate) fn iban(name: &str) -> Iban {
    let (letter, digits) = name.split_at(1);
    let number = digits.parse::<u32>().unwrap_or_else(|_| panic!("not an account: {name}"));
    let bank = u32::from(letter.as_bytes()[0]);
    Iban::with_check_digits("BE", &format!("{bank:03}{number:07}00")).unwrap()
}

/// `5d+1ns`: days, seconds, milliseconds, nanoseconds.
pub(crate) fn span(text: &str) -> Duration {
    let part = |part: &str| {
        let digits = part.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
        let unit = match &part[digits.len()..] {
            "d" => 86_400_000_000_000,
            "s" => 1_000_000_000,
            "ms" => 1_000_000,
            "ns" => 1,
            unit => panic!("not a unit of time: {unit}"),
        };
        digits.parse::<i64>().unwrap() * unit
    };
    Duration::from_nanoseconds(text.split('+').map(part).sum()).unwrap()
}

/// `12.34`, `-12.34`, `max`, `max-12.34`: minor units of a balance.
pub(crate) fn minor_units(text: &str) -> i64 {
    let parse = |text| Balance::parse(text, Currency::EUR).unwrap().minor_units();
    match text.strip_prefix("max") {
        None if text == "-max" => -Balance::MINOR_UNITS_MAX,
        Some("") => Balance::MINOR_UNITS_MAX,
        Some(rest) => Balance::MINOR_UNITS_MAX + parse(rest),
        None => parse(text),
    }
}

/// Acceptance time of each payment of a script, by bank and transaction id.
type Accepted = (String, Option<Timestamp>);

/// A line's words, taken one by one.
pub(crate) struct Words<'line> {
    words: Vec<&'line str>,
    /// What the line says about a payment that has not occurred before.
    pub(crate) accepted: Option<Accepted>,
}

impl<'line> Words<'line> {
    pub(crate) fn new(line: &'line str) -> Self {
        Self { words: line.split_whitespace().collect(), accepted: None }
    }

    pub(crate) fn word(&mut self) -> &'line str {
        assert!(!self.words.is_empty(), "a word is missing");
        self.words.remove(0)
    }

    /// The word behind this one.
    pub(crate) fn option(&mut self, name: &str) -> Option<&'line str> {
        let at = self.words.iter().position(|word| *word == name)?;
        self.words.remove(at);
        Some(self.words.remove(at))
    }

    /// The next word, if there is one.
    pub(crate) fn next(&mut self) -> Option<&'line str> {
        (!self.words.is_empty()).then(|| self.words.remove(0))
    }

    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let at = self.words.iter().position(|word| *word == name);
        at.map(|at| self.words.remove(at)).is_some()
    }

    pub(crate) fn currency(&mut self) -> Currency {
        let at = self.words.iter().position(|word| Currency::parse(word).is_ok());
        at.map_or(Currency::EUR, |at| Currency::parse(self.words.remove(at)).unwrap())
    }

    fn account(&mut self, currency: Currency) -> AccountSelector {
        AccountSelector { iban: iban(self.word()), currency }
    }

    pub(crate) fn finish(self) {
        assert!(self.words.is_empty(), "words too many: {:?}", self.words);
    }

    /// Writes the line's command, and returns the name by which a repeat of it is told.
    pub(crate) fn command(
        &mut self,
        verb: &str,
        count: usize,
        now: Timestamp,
        known: &[Accepted],
        look_up: &dyn Fn(Digest, Currency) -> AccountNumber,
    ) -> (RecordWriter, String) {
        let principal = self.option("by").map_or(1, |number| number.parse().unwrap());
        let id = self.option("id").map_or_else(|| format!("request-{count}"), str::to_owned);
        let request_id = RequestId::parse(&id).unwrap();
        let mut writer = RecordWriter::new(key(), PrincipalNumber(principal));
        match verb {
            "pay" => return self.pay(writer, now, known, look_up),
            "refuse" => return self.refuse(writer),
            "bank" | "suspend" | "resume" => self.participant(verb, request_id, &mut writer),
            "open" | "close" | "block" | "unblock" | "floor" => self.keep(verb, request_id, &mut writer),
            "post" | "fund" | "defund" => self.book(verb, request_id, &mut writer),
            "hold" => self.hold(request_id, &mut writer),
            "decide" | "flag" | "unflag" | "limit" => self.keep_lifecycle(verb, request_id, &mut writer),
            "allow" | "restrict" | "unrestrict" | "fees" | "zone" => {
                self.keep_customer(verb, request_id, &mut writer);
            }
            "party" | "alert" | "stop" | "move" => self.position(verb, request_id, &mut writer),
            verb => panic!("not a command: {verb}"),
        }
        (writer, id)
    }

    fn participant(&mut self, verb: &str, request_id: RequestId, writer: &mut RecordWriter) {
        let currency = self.currency();
        let bic = bank(self.word());
        let status = match verb {
            "suspend" => ParticipantStatus::Suspended,
            "resume" => ParticipantStatus::Active,
            _ => {
                let mode = match self.word() {
                    "hosted" => AccountMode::Hosted,
                    "remote" => AccountMode::Remote,
                    "mixed" => AccountMode::Mixed,
                    mode => panic!("not a mode: {mode}"),
                };
                let name = Text::parse(self.option("name").unwrap_or("Bank")).unwrap();
                writer.register_participant(&RegisterParticipant { request_id, bic, name, mode, currency });
                return;
            }
        };
        writer.set_participant_status(&SetParticipantStatus { request_id, bic, status });
    }

    fn keep(&mut self, verb: &str, request_id: RequestId, writer: &mut RecordWriter) {
        let currency = self.currency();
        let at_bank = self.option("at");
        let name = self.word();
        let account = AccountSelector { iban: iban(name), currency };
        let status = match verb {
            "close" => AccountStatus::Closed,
            "block" => AccountStatus::Blocked,
            "unblock" => AccountStatus::Active,
            "floor" => {
                let floor = Balance::from_minor_units(minor_units(self.word())).unwrap();
                writer.set_account_floor(&SetAccountFloor { request_id, account, floor });
                return;
            }
            _ => {
                let kind = if self.flag("savings") { AccountKind::Savings } else { AccountKind::Current };
                let floor = self.option("floor").map_or(0, minor_units);
                let holder = self.option("holder").unwrap_or("Holder");
                writer.open_account(&OpenAccount {
                    request_id,
                    participant: bank(at_bank.unwrap_or(&name[..1])),
                    iban: account.iban,
                    currency,
                    kind,
                    floor: Balance::from_minor_units(floor).unwrap(),
                    holder_names: vec![Text::parse(holder).unwrap()],
                    identification: None,
                });
                return;
            }
        };
        writer.set_account_status(&SetAccountStatus { request_id, account, status });
    }

    fn book(&mut self, verb: &str, request_id: RequestId, writer: &mut RecordWriter) {
        let currency = self.currency();
        let reference = self.option("ref").unwrap_or(request_id.as_str());
        let reference = Text::parse_identifier(reference).unwrap();
        if verb == "post" {
            let account = self.account(currency);
            let (direction, amount) = match self.word().split_at(1) {
                ("+", amount) => (Direction::Credit, amount),
                ("-", amount) => (Direction::Debit, amount),
                _ => panic!("a posting has a sign"),
            };
            writer.post_entry(&PostEntry {
                request_id,
                account,
                direction,
                amount: Amount::parse(amount, currency).unwrap(),
                value_date: start().date(),
                booking_key: Text::parse("SALA").unwrap(),
                core_reference: reference,
            });
            return;
        }
        let direction = if verb == "fund" { LiquidityDirection::Fund } else { LiquidityDirection::Defund };
        writer.transfer_liquidity(&TransferLiquidity {
            request_id: request_id.clone(),
            bic: bank(self.word()),
            direction,
            amount: Amount::parse(self.word(), currency).unwrap(),
            currency,
            external_reference: reference,
        });
    }

    fn pay(
        &mut self,
        mut writer: RecordWriter,
        now: Timestamp,
        known: &[Accepted],
        look_up: &dyn Fn(Digest, Currency) -> AccountNumber,
    ) -> (RecordWriter, String) {
        let currency = self.currency();
        // Whoever sends it may not act for the payer's bank.
        let not_entitled = self.flag("stranger");
        let (from, to, text) = (self.option("from"), self.option("to"), self.option("text"));
        let (said, refused) = (self.option("accepted"), self.option("refused"));
        let (id, payer, payee, amount) = (self.word(), self.word(), self.word(), self.word());
        let debtor_agent = bank(from.unwrap_or(&payer[..1]));
        let name = format!("{debtor_agent} {id}");
        let acceptance_time =
            match (said.map(|said| said.split_at(1)), known.iter().find(|row| row.0 == name)) {
                (Some(("-", said)), _) => Some(now.minus(span(said))),
                (Some(("+", said)), _) => Some(now.plus(span(said))),
                (Some(("@", said)), _) => Some(start().plus(span(said))),
                (Some(_), _) => None,
                (None, Some(row)) => row.1,
                (None, None) => Some(now),
            };
        self.accepted = Some((name, acceptance_time));
        let mut order = order(id, iban(payer), iban(payee));
        order.amount = Amount::parse(amount, currency).unwrap();
        order.currency = currency;
        order.acceptance_time = acceptance_time;
        order.debtor_agent = debtor_agent;
        order.creditor_agent = bank(to.unwrap_or(&payee[..1]));
        order.remittance = text.map(|text| Remittance::Unstructured(Text::parse(text).unwrap()));
        match refused.or(not_entitled.then_some("FF01")) {
            None => writer.payment(&order, now, Channel::Grpc, look_up),
            Some(reason) => writer.refused_payment(&RefusedPayment {
                debtor_agent: order.debtor_agent,
                creditor_agent: Some(order.creditor_agent),
                transaction_id: order.transaction_id.clone(),
                acceptance_time: order.acceptance_time,
                reason: ReasonCode::parse(reason).unwrap(),
                path: "FIToFICstmrCdtTrf/GrpHdr/IntrBkSttlmDt".into(),
                body: RefusedBody::Order(Box::new(order)),
                channel: Channel::Iso20022,
                not_entitled,
            }),
        }
        (writer, id.to_owned())
    }

    fn refuse(&mut self, mut writer: RecordWriter) -> (RecordWriter, String) {
        let to = self.option("to");
        let body = self.option("text").unwrap_or_default();
        let id = self.word();
        writer.refused_payment(&RefusedPayment {
            debtor_agent: bank(self.word()),
            creditor_agent: to.map(bank),
            transaction_id: Text::parse_identifier(id).unwrap(),
            acceptance_time: None,
            reason: ReasonCode::parse(self.word()).unwrap(),
            path: "/Document/FIToFICstmrCdtTrf/CdtTrfTxInf/ChrgBr".into(),
            body: RefusedBody::Parts(body.as_bytes().to_vec()),
            channel: Channel::Iso20022,
            not_entitled: false,
        });
        (writer, id.to_owned())
    }
}

/// An order of one cent between two accounts of bank A; a test changes what matters to it.
pub(crate) fn order(id: &str, debtor_account: Iban, creditor_account: Iban) -> PaymentOrder {
    let party = |name| Party { name: Some(Text::parse(name).unwrap()), ..Party::default() };
    let mandatory = MandatoryParts {
        end_to_end_id: Text::parse("NOTPROVIDED").unwrap(),
        transaction_id: Text::parse_identifier(id).unwrap(),
        amount: Amount::from_minor_units(1).unwrap(),
        currency: Currency::EUR,
        debtor: party("Payer"),
        debtor_account,
        debtor_agent: bank("A"),
        creditor_agent: bank("A"),
        creditor: party("Payee"),
        creditor_account,
    };
    PaymentOrder { acceptance_time: Some(start()), ..mandatory.into_order() }
}
