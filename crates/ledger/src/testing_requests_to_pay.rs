//! The words of test scripts about requests to pay, and what scripts ask about them.

use types::{
    Amount, Bic, Currency, FixedParts, MandatoryParts, Party, PaymentOrder, PrincipalNumber, ReasonCode,
    Sequence, Text,
};

use super::orders::local;
use super::{Run, Step, decimal};
use crate::testing_words::{Words, bank, iban, key, span};
use crate::{
    AnswerRequestToPay, CancelRequestToPay, Command, CreateRequestToPay, LocalTime, OrderContent,
    PresentRequestToPay, RecordWriter, Records, RequestAnswer, RequestDetails, RequestEnd, RequestId,
    RequestToPay, RequestToPayText,
};

/// The payment of a request, from one account to another.
fn order(payer: &str, payee: &str, amount: &str) -> PaymentOrder {
    let party = |name: &str| Party { name: Some(Text::parse(name).unwrap()), ..Party::default() };
    let parts = MandatoryParts {
        debtor_agent: bank(&payer[..1]),
        transaction_id: Text::parse("RRTP").unwrap(),
        creditor_agent: bank(&payee[..1]),
        debtor_account: iban(payer),
        creditor_account: iban(payee),
        amount: Amount::parse(amount, Currency::EUR).unwrap(),
        currency: Currency::EUR,
        end_to_end_id: Text::parse("INVOICE-1").unwrap(),
        debtor: party("Payer"),
        creditor: party("Payee"),
    };
    PaymentOrder { purpose: Some(Text::parse("RRTP").unwrap()), ..parts.into_order() }
}

impl Run {
    /// `demand B1 A1 9.00 for 5d [later 9d] [at A] [by-bank B]` asks A1 for money that goes to B1; `present R1 A`,
    /// `accept R1 A [later 3d]`, `decline R1 A AC04` are the payer's bank's, `withdraw R1 B` the payee's bank's. The other
    /// bank is the one that the edge finds: in the ledger.
    pub(super) fn to_pay_command(
        &self,
        verb: &str,
        count: usize,
        words: &mut Words<'_>,
    ) -> (RecordWriter, String) {
        let id = words.option("id").map_or_else(|| format!("request-{count}"), str::to_owned);
        let (mut writer, request_id) =
            (RecordWriter::new(key(), PrincipalNumber(1)), RequestId::parse(&id).unwrap());
        let later = words.option("later").map(local);
        if verb == "demand" {
            let expires = words.option("for").map_or(self.now, |ahead| self.now.plus(span(ahead)));
            let (at_bank, by_bank) = (words.option("at").map(bank), words.option("by-bank").map(bank));
            let (payee, payer) = (words.word(), words.word());
            let mut order = order(payer, payee, words.word());
            order.debtor_agent = at_bank.unwrap_or(order.debtor_agent);
            order.creditor_agent = by_bank.unwrap_or(order.creditor_agent);
            let found = self.ledger.account(&key(), iban(payer).as_str(), Currency::EUR);
            writer.create_request_to_pay(&CreateRequestToPay {
                request_id,
                order,
                payer: found.map(|(number, _)| number),
                expires,
                pay_by: later,
                details: RequestDetails::default(),
            });
            return (writer, id);
        }
        let (to_pay, acting) = (self.original(words.word()), bank(words.word()));
        let found = self.ledger.request_to_pay(to_pay).map(|request| self.ledger.banks_of(&request));
        let (payer_bank, payee_bank) = (found.map(|banks| banks.0), found.map(|banks| banks.1));
        match verb {
            "present" => writer.present_request_to_pay(&PresentRequestToPay {
                request_id,
                to_pay,
                payer_bank: acting,
                payee_bank,
            }),
            "withdraw" => writer.cancel_request_to_pay(&CancelRequestToPay {
                request_id,
                to_pay,
                payee_bank: acting,
                payer_bank,
            }),
            verb => {
                let answer = match verb {
                    "accept" => {
                        let amount = words.option("amount");
                        let mut order = self.demanded(to_pay);
                        order.amount =
                            amount.map_or(order.amount, |it| Amount::parse(it, Currency::EUR).unwrap());
                        // Whoever answers for another bank says so in the order as well.
                        order.debtor_agent = acting;
                        let due = later.unwrap_or(LocalTime::AT_ONCE);
                        let channel = types::Channel::Grpc;
                        RequestAnswer::Accept(Box::new(OrderContent { order, channel, due, give_up: None }))
                    }
                    _ => RequestAnswer::Refuse(ReasonCode::parse(words.word()).unwrap()),
                };
                let command =
                    AnswerRequestToPay { request_id, to_pay, payer_bank: acting, payee_bank, answer };
                writer.answer_request_to_pay(&command, |digest, currency| self.hint(digest, currency));
            }
        }
        (writer, id)
    }

    /// The payment that a request asks for, from the frames of the script.
    fn demanded(&self, position: Sequence) -> PaymentOrder {
        for step in &self.steps {
            let Step::Frame { first, records, texts } = step else { continue };
            let mut at = first.sequence;
            for record in Records::new(records, texts) {
                let record = record.unwrap();
                at = at.next();
                let Command::CreateRequestToPay(create) = record.command else { continue };
                if at == position {
                    let fixed = FixedParts {
                        debtor_agent: Bic::from_bytes(create.debtor_agent).unwrap(),
                        creditor_agent: Bic::from_bytes(create.creditor_agent).unwrap(),
                        transaction_id: Text::parse("RRTP").unwrap(),
                        amount: Amount::from_minor_units(create.amount.get()).unwrap(),
                        currency: Currency::EUR,
                        acceptance_time: None,
                    };
                    return RequestToPayText::decode(record.text).unwrap().order(fixed).unwrap();
                }
            }
        }
        panic!("no request stands at {position}")
    }

    pub(super) fn ask_to_pay(&self, verb: &str, words: &mut Words<'_>) -> String {
        let names = |requests: Vec<RequestToPay>| match requests.as_slice() {
            [] => "none".to_owned(),
            requests => {
                let names = requests.iter().map(|request| self.label(request.sequence()));
                names.collect::<Vec<_>>().join(", ")
            }
        };
        match verb {
            "to-pay" => match self.ledger.request_to_pay(self.original(words.word())) {
                None => "none".to_owned(),
                Some(request) => {
                    let reason = request.reason().map_or_else(String::new, |reason| format!(" {reason}"));
                    format!("{:?} {}{reason}", request.status(), decimal(request.amount())).to_lowercase()
                }
            },
            "asked-of" => {
                let account = self.number(words.word());
                names(self.ledger.requests_to_account(account, Sequence(0)).collect())
            }
            _ => names(self.ledger.requests_to_pay(Sequence(0)).collect()),
        }
    }

    /// What is told of a request that nobody said anything about.
    pub(super) fn request_ended(&self, sequence: Sequence, end: RequestEnd) -> String {
        let label = self.label(sequence);
        match end {
            RequestEnd::Expired => format!("{label} expired"),
            RequestEnd::Paid(_) => format!("{label} paid"),
            RequestEnd::Failed { reason, .. } => format!("{label} failed {reason}"),
        }
    }
}
