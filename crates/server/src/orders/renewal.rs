//! Texts of orders that wait are written into the log again before the key of their day may be destroyed, or the segment in
//! which they stand is removed: a standing order may wait for years.
//!
//! Invariants:
//! - A renewal never undoes what a bank has changed meanwhile: it names where the texts stood that it repeats, and counts
//!   only if they still stand there.
//! - It goes slowly, because nothing depends on a day.

use engine::{Answer, Handle, OrderFound, OrdersAsked, OrdersFound, Question};
use ledger::{HAS_ORDERS, RepeatOrderText, RequestId};
use types::{Date, Sequence, Timestamp};

use crate::history::left_of;
use crate::own_work::{NODE, Renewed, ask, is_written};

impl Renewed for OrderFound {
    const RULES_VERSION_MIN: u32 = HAS_ORDERS;

    /// With the time between, a hundred a second.
    const SOME: usize = 100;

    async fn older_than(handle: &Handle, before: Date) -> Option<Vec<Self>> {
        older_than(handle, before).await
    }

    async fn renew(handle: &Handle, some: Vec<Self>) -> bool {
        renew(handle, some).await
    }
}

/// The orders that wait and whose texts were written before a day. `None` if the engine did not say.
pub(crate) async fn older_than(handle: &Handle, before: Date) -> Option<Vec<OrderFound>> {
    let before = Timestamp::from_civil(before, 0, 0, 0, 0)?;
    let mut older = Vec::new();
    let mut from_slot = Some(0);
    while let Some(slot) = from_slot {
        let asked = OrdersAsked::OldTexts { from_slot: slot, before };
        let answered = ask(handle, Question::Orders(asked)).await.ok()??;
        let Answer::Orders(OrdersFound { orders, next_slot }) = answered.answer else { return None };
        older.extend(orders);
        from_slot = next_slot;
    }
    Some(older)
}

/// Writes some texts again. Says whether that was done.
async fn renew(handle: &Handle, some: Vec<OrderFound>) -> bool {
    let positions: Vec<Sequence> = some.iter().map(|found| found.order.stands_at).collect();
    let log = handle.log();
    // A panic in there is told by its own message.
    let terms = tokio::task::spawn_blocking(move || left_of(&positions, |left| log.terms_at(left))).await;
    let Ok(Ok(terms)) = terms else { return false };
    let mut commands = handle.commands(NODE);
    for (found, terms) in some.iter().zip(terms) {
        // What is erased already stays so; it is shown.
        let Some(terms) = terms else { continue };
        let (order, stood_at) = (found.order.sequence, found.order.stands_at);
        let request_id = RequestId::parse(&format!("order-text-at-{stood_at}")).expect("digits and letters");
        commands.repeat_order_text(&RepeatOrderText { request_id, order, stood_at, terms });
    }
    is_written(handle, commands).await
}

#[cfg(test)]
mod tests {
    use ledger::{
        AccountKind, AccountMode, Limits, LocalTime, OpenAccount, OrderContent, Outcome, PlaceOrder,
        RecordWriter, RegisterParticipant,
    };
    use types::{AccountNumber, Amount, Balance, Bic, Channel, Currency, Iban, MandatoryParts, Party, Text};

    use super::*;
    use crate::own_work::submit;

    const IBANS: [&str; 2] = ["BE68539007547034", "DE89370400440532013000"];

    fn id(text: &str) -> RequestId {
        RequestId::parse(text).unwrap()
    }

    fn bank() -> Bic {
        Bic::parse("SLVOBEBB").unwrap()
    }

    /// A bank, an account, and an order that debits it in a week.
    fn write(commands: &mut RecordWriter, today: Date) {
        let [payer, payee] = IBANS.map(|iban| Iban::parse(iban).unwrap());
        commands.register_participant(&RegisterParticipant {
            request_id: id("bank"),
            bic: bank(),
            name: Text::parse("Bank").unwrap(),
            mode: AccountMode::Hosted,
            currency: Currency::EUR,
        });
        commands.open_account(&OpenAccount {
            request_id: id("account"),
            participant: bank(),
            iban: payer,
            currency: Currency::EUR,
            kind: AccountKind::Current,
            floor: Balance::from_minor_units(0).unwrap(),
            holder_names: vec![Text::parse("Ines Aerts").unwrap()],
            identification: None,
        });
        let party = |name: &str| Party { name: Some(Text::parse(name).unwrap()), ..Party::default() };
        let parts = MandatoryParts {
            debtor_agent: bank(),
            transaction_id: super::super::line::no_id(),
            creditor_agent: bank(),
            debtor_account: payer,
            creditor_account: payee,
            amount: Amount::from_minor_units(100).unwrap(),
            currency: Currency::EUR,
            end_to_end_id: Text::parse("RENT").unwrap(),
            debtor: party("Ines Aerts"),
            creditor: party("Paul Brandt"),
        };
        let due = LocalTime::of_day(today.plus_days(7).unwrap());
        let content = OrderContent { order: parts.into_order(), channel: Channel::Grpc, due, give_up: None };
        let place = PlaceOrder { request_id: id("order"), content, schedule: None };
        commands.place_order(&place, |_, _| AccountNumber(0));
    }

    #[tokio::test]
    async fn texts_that_are_renewed_stand_in_two_places_and_count_at_the_second() {
        let folder = tempfile::tempdir().unwrap();
        let config = engine::Config {
            folder: folder.path().to_owned(),
            segment_size: journal::SegmentSize::new(1 << 20).unwrap(),
            limits: Limits { accounts_max: 64, payments_max: 64, requests_max: 64 },
            payments_ready: 0,
            commands_per_second_max: None,
            master_key: None,
            follower: engine::FollowerSettings::default(),
            is_parallel: false,
        };
        let engine = engine::start(&config).unwrap();
        let handle = engine.handle();
        let today = handle.now().date();
        let mut commands = handle.commands(NODE);
        write(&mut commands, today);
        let refusal = |outcomes: &[Outcome]| outcomes.iter().find_map(Outcome::refusal);
        assert_eq!(submit(&handle, commands, refusal).await.unwrap(), Some(None));

        assert!(older_than(&handle, today).await.unwrap().is_empty());
        let tomorrow = today.plus_days(1).unwrap();
        let first = older_than(&handle, tomorrow).await.unwrap();
        let [found] = first.as_slice() else { panic!("{} orders", first.len()) };
        assert_eq!(found.order.stands_at, found.order.sequence);
        assert!(renew(&handle, first.clone()).await);
        let second = older_than(&handle, tomorrow).await.unwrap();
        assert!(second[0].order.stands_at > found.order.sequence);
        let positions = [found.order.stands_at, second[0].order.stands_at];
        let terms = handle.log().terms_at(&positions).unwrap();
        let [Some(before), Some(after)] = terms.as_slice() else { panic!("both are in the log") };
        assert_eq!((before.terms, &before.text), (after.terms, &after.text));
        // Who comes with the old place changes nothing.
        assert!(renew(&handle, first).await);
        let third = older_than(&handle, tomorrow).await.unwrap();
        assert_eq!(third[0].order.stands_at, second[0].order.stands_at);
        engine.stop();
    }
}
