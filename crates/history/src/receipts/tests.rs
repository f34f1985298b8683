//! Receipts of a whole log: every settled payment has one that verifies, whatever was restarted, lost or made again.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use journal::{FrameSource, Journal as _, ReadError, Tail, VisitFrame};
use ledger::Outcome;
use proptest::prelude::*;
use types::{BatchNumber, Incarnation, Life, Lives, PaymentState, Sequence};

use super::testing::{IDENTITY, KEY, Log, bank, commands, milliseconds, start};
use super::*;

const INTERVAL: types::Duration = types::Duration::from_seconds(1);

fn log_of(cluster: types::ClusterId) -> LogOf {
    LogOf { cluster, digest_key: KEY, lives: types::Lives::first(IDENTITY.incarnation) }
}

fn keeper(log: &Log, folder: &Path) -> Arc<Keeper> {
    let key = SigningKey::load_or_make(&folder.join("key")).unwrap();
    let opened = Keeper::open(folder, key, log_of(IDENTITY.cluster), INTERVAL, log.source());
    Arc::new(opened.unwrap())
}

/// Makes all checkpoints that can be made.
fn catch_up(keeper: &Arc<Keeper>) -> Option<types::Timestamp> {
    let mut worker = Worker::new(Arc::clone(keeper));
    loop {
        if let Progress::UpToDate(open_until) = worker.step().unwrap() {
            return open_until;
        }
    }
}

fn settled_at(keeper: &Keeper, payment: Sequence) -> Facts {
    let receipt = keeper.receipt(payment, Sides::BOTH).unwrap();
    let text = receipt.to_text().unwrap();
    let facts = Receipt::parse(&text).unwrap().verify(&keeper.public_key()).unwrap();
    assert_eq!(facts.payment.sequence, payment);
    facts
}

fn refused(keeper: &Keeper, payment: Sequence) -> ReceiptError {
    keeper.receipt(payment, Sides::BOTH).unwrap_err()
}

/// One payment of every sort, told in several intervals: what became of each.
struct Story {
    log: Log,
    /// Between two hosted banks.
    hosted: Sequence,
    /// A repeat of it.
    repeat: Sequence,
    /// To bank C, which accepted, rejected, and said nothing.
    accepted: Sequence,
    rejected: Sequence,
    expired: Sequence,
    /// To bank D, which said nothing and so accepted.
    silent: Sequence,
    /// More than there is.
    poor: Sequence,
    /// An answer.
    answer: Sequence,
}

fn story() -> Story {
    let mut log = Log::new();
    let sequence = |outcomes: Vec<Outcome>| outcomes[0].sequence;
    let one = |log: &mut Log, id: &str, to: &str, cents| {
        let mut writer = commands();
        log.pay(&mut writer, id, to, cents);
        log.frame(&writer)[0].sequence
    };
    log.advance(milliseconds(100));
    let mut first = commands();
    log.pay(&mut first, "HOSTED", "B1", 1234);
    let hosted = sequence(log.frame(&first));
    let repeat = sequence(log.frame(&first));
    let poor = one(&mut log, "POOR", "B1", 9_000_000);
    let accepted = one(&mut log, "ACCEPTED", "C1", 100);
    let rejected = one(&mut log, "REJECTED", "C1", 200);
    let expired = one(&mut log, "EXPIRED", "C1", 300);
    let silent = one(&mut log, "SILENT", "D1", 400);
    log.advance(milliseconds(2500));
    let mut answers = commands();
    Log::answer(&mut answers, accepted, None);
    Log::answer(&mut answers, rejected, Some("AC04"));
    let answer = sequence(log.frame(&answers));
    log.tell();
    // Past the target, and before the deadline: bank D's silence accepts.
    log.advance(milliseconds(3500));
    log.tell();
    log.tell();
    log.advance(milliseconds(20_000));
    log.tell();
    log.tell();
    log.advance(milliseconds(2000));
    log.tell();
    Story { log, hosted, repeat, accepted, rejected, expired, silent, poor, answer }
}

#[test]
fn every_settled_payment_has_a_receipt_and_no_other_has_one() {
    let story = story();
    let folder = tempfile::tempdir().unwrap();
    let keeper = keeper(&story.log, folder.path());
    assert!(matches!(refused(&keeper, story.hosted), ReceiptError::NotYet { .. }));
    catch_up(&keeper);
    for (payment, id, payee, cents) in [
        (story.hosted, "HOSTED", "B", 1234),
        (story.accepted, "ACCEPTED", "C", 100),
        (story.silent, "SILENT", "D", 400),
    ] {
        let facts = settled_at(&keeper, payment);
        assert_eq!((facts.transaction_id.as_str(), facts.amount.minor_units()), (id, cents));
        assert_eq!((facts.debtor_agent, facts.creditor_agent), (bank("A"), bank(payee)));
        assert_eq!(facts.cluster, IDENTITY.cluster);
    }
    let facts = settled_at(&keeper, story.hosted);
    assert_eq!(facts.balances.map(|side| side.unwrap().account), [500_000 - 1234, 1234]);
    for (payment, state) in [
        (story.poor, Some(PaymentState::Rejected)),
        (story.rejected, Some(PaymentState::Rejected)),
        (story.expired, Some(PaymentState::Expired)),
        (story.answer, None),
        (Sequence(3), None),
    ] {
        let error = refused(&keeper, payment);
        let found = matches!(error, ReceiptError::NotSettled(found) if state.is_none() || found == state);
        assert!(found, "{payment}: {error:?}");
    }
    let repeated = refused(&keeper, story.repeat);
    assert!(matches!(repeated, ReceiptError::Repeat(original) if original == story.hosted), "{repeated:?}");
    // A frame's own tick, and what the log has not come to.
    assert!(matches!(refused(&keeper, Sequence(story.hosted.0 - 1)), ReceiptError::Unknown));
    assert!(matches!(refused(&keeper, Sequence(1 << 40)), ReceiptError::NotYet { .. }));
}

#[test]
fn an_interval_without_an_end_has_no_receipts_and_says_when_it_may_have() {
    let mut log = Log::new();
    let folder = tempfile::tempdir().unwrap();
    let keeper = keeper(&log, folder.path());
    let mut writer = commands();
    log.pay(&mut writer, "OPEN", "B1", 100);
    let payment = log.frame(&writer)[0].sequence;
    log.tell();
    let end = start().plus(INTERVAL);
    assert_eq!(catch_up(&keeper), Some(end));
    assert!(matches!(refused(&keeper, payment), ReceiptError::NotYet { until: Some(until) } if until == end));
    log.advance(INTERVAL);
    log.tell();
    assert_eq!(catch_up(&keeper), None, "nothing was told in the new interval");
    let facts = settled_at(&keeper, payment);
    assert_eq!((facts.checkpoint.start, facts.checkpoint.end), (start(), end));
    assert_eq!(facts.checkpoint.number, 1);
}

fn all(keeper: &Keeper) -> Vec<SignedCheckpoint> {
    keeper.from_number(1, 1 << 20).unwrap()
}

#[test]
fn restarts_and_rebuilding_give_the_same_checkpoints() {
    let story = story();
    let folder = tempfile::tempdir().unwrap();
    let whole = keeper(&story.log, folder.path());
    catch_up(&whole);
    let expected = all(&whole);
    assert!(expected.len() > 3, "{}", expected.len());
    let read: Vec<Checkpoint> = expected.iter().map(|it| it.verified(&whole.public_key()).unwrap()).collect();
    assert_eq!(read[0].previous, [0; 32]);
    for pair in read.windows(2) {
        assert_eq!((pair[1].number, pair[1].previous), (pair[0].number + 1, pair[0].hash()));
        assert!(pair[0].end <= pair[1].start && pair[0].last_batch < pair[1].first_batch);
    }
    drop(whole);
    // The file ends anywhere: what is left of it is gone on from.
    let path = folder.path().join("checkpoints");
    let bytes = fs::read(&path).unwrap();
    for length in (64..=bytes.len()).step_by(37) {
        fs::write(&path, &bytes[..length]).unwrap();
        let keeper = keeper(&story.log, folder.path());
        catch_up(&keeper);
        assert_eq!(all(&keeper), expected, "from {length} bytes");
        settled_at(&keeper, story.silent);
    }
    fs::remove_file(&path).unwrap();
    let rebuilt = keeper(&story.log, folder.path());
    catch_up(&rebuilt);
    assert_eq!(all(&rebuilt), expected);
    assert_eq!(rebuilt.latest(), expected.last().copied());
    for checkpoint in &read {
        let found = rebuilt.reaching(checkpoint.upto).unwrap().unwrap().read().unwrap();
        assert_eq!(found, *checkpoint);
    }
}

/// A log that ends early, as after a restore to its middle.
struct UpTo(Arc<dyn FrameSource>, Sequence);

impl FrameSource for UpTo {
    fn end(&self) -> Tail {
        self.0.end()
    }

    fn read_after(&self, after: Sequence, visit: &mut VisitFrame<'_>) -> Result<(), ReadError> {
        self.0.read_after(after, &mut |frame| match frame.header().next_sequence() <= self.1.next() {
            true => visit(frame),
            false => ControlFlow::Break(()),
        })
    }

    fn read_at(&self, positions: &[Sequence], visit: &mut VisitFrame<'_>) -> Result<(), ReadError> {
        let held: Vec<_> = positions.iter().copied().filter(|position| *position <= self.1).collect();
        self.0.read_at(&held, visit)
    }
}

/// A restored folder has the checkpoints of its backup: those of frames that the log does not have count for nothing.
#[test]
fn checkpoints_of_what_was_cut_off_are_dropped() {
    let story = story();
    let folder = tempfile::tempdir().unwrap();
    let whole = keeper(&story.log, folder.path());
    catch_up(&whole);
    let expected = all(&whole);
    let last = expected.iter().map(|checkpoint| checkpoint.read().unwrap().upto);
    let before: Vec<Sequence> = [Sequence(0)].into_iter().chain(last).collect();
    let path = folder.path().join("checkpoints");
    let bytes = fs::read(&path).unwrap();
    for (held, upto) in before.into_iter().enumerate() {
        // Right at the end of a checkpoint's last frame, and in the middle of the next interval.
        for upto in [upto, upto.next()] {
            fs::write(&path, &bytes).unwrap();
            let key = SigningKey::load_or_make(&folder.path().join("key")).unwrap();
            let source = Arc::new(UpTo(story.log.source(), upto));
            let cut = Keeper::open(folder.path(), key, log_of(IDENTITY.cluster), INTERVAL, source).unwrap();
            assert_eq!(all(&cut), expected[..held]);
            assert_eq!(fs::read(&path).unwrap(), bytes[..64 + held * 332]);
        }
        // What is missing is made again.
        let again = keeper(&story.log, folder.path());
        catch_up(&again);
        assert_eq!(all(&again), expected);
    }
}

#[test]
fn a_payment_keeps_its_id_in_later_lives() {
    let mut lives = Lives::first(Incarnation(1));
    for (incarnation, first) in [(2, 101), (3, 102), (4, 200), (5, 300)] {
        assert!(lives.begin(Life { incarnation: Incarnation(incarnation), first: Sequence(first) }));
    }
    let story = story();
    let folder = tempfile::tempdir().unwrap();
    let keeper = keeper(&story.log, folder.path());
    catch_up(&keeper);
    let checkpoint = keeper.latest().unwrap().read().unwrap();
    assert_eq!(checkpoint.earlier, [None; 3], "the first life");
    for last in lives.iter() {
        let identity = journal::Identity { incarnation: last.incarnation, ..IDENTITY };
        let earlier = checkpoint::earlier_than(last.incarnation, &lives);
        let checkpoint = Checkpoint { identity, earlier, ..checkpoint };
        assert_eq!(Checkpoint::decode(&checkpoint.encode()), Some(checkpoint));
        for position in [101, 102, 150, 199, 200, 299, 300, 1000].map(Sequence) {
            let given = lives.payment_id(IDENTITY.shard, position);
            if position >= last.first || given.incarnation.0 + 3 >= last.incarnation.0 {
                let expected = given.incarnation.min(last.incarnation);
                assert_eq!(checkpoint.payment_id(position).incarnation, expected, "{position} in {last:?}");
            }
        }
    }
    let mut bytes = checkpoint.encode();
    bytes[208 + 16] = 1;
    assert_eq!(Checkpoint::decode(&bytes), None, "an earlier life behind none");
}

#[test]
fn another_key_signs_the_same_roots_and_the_same_chain() {
    let story = story();
    let [one, other] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [one, other] = [keeper(&story.log, one.path()), keeper(&story.log, other.path())];
    catch_up(&one);
    catch_up(&other);
    for (one_signed, other_signed) in all(&one).into_iter().zip(all(&other)) {
        let (read, same) = (one_signed.read().unwrap(), other_signed.read().unwrap());
        assert_eq!((read.root, read.hash()), (same.root, same.hash()));
        assert_eq!(other_signed.verified(&one.public_key()), None);
    }
    let receipt = other.receipt(story.hosted, Sides::BOTH).unwrap();
    assert_eq!(receipt.verify(&one.public_key()), Err(ReceiptFault::Signature));
}

#[test]
fn a_log_that_begins_late_has_receipts_of_what_it_holds() {
    let mut story = story();
    let folder = tempfile::tempdir().unwrap();
    let whole = keeper(&story.log, folder.path());
    catch_up(&whole);
    let batch = settled_at(&whole, story.accepted).checkpoint.first_batch;
    let text = whole.receipt(story.silent, Sides::BOTH).unwrap().to_text().unwrap();
    story.log.journal.trim(BatchNumber(batch.0 - 1)).unwrap();
    assert!(matches!(refused(&whole, story.hosted), ReceiptError::Gone));
    assert!(matches!(refused(&whole, story.silent), ReceiptError::Gone), "its record is gone");
    Receipt::parse(&text).unwrap().verify(&whole.public_key()).unwrap();
    let anew = tempfile::tempdir().unwrap();
    let anew = keeper(&story.log, anew.path());
    catch_up(&anew);
    assert!(all(&anew).len() < all(&whole).len(), "what can't be made again is left out");
    assert!(matches!(refused(&anew, story.hosted), ReceiptError::Gone | ReceiptError::NotYet { .. }));
}

#[test]
fn a_file_of_another_log_or_interval_is_refused() {
    let log = Log::new();
    let folder = tempfile::tempdir().unwrap();
    drop(keeper(&log, folder.path()));
    let open = |cluster, interval| {
        let key = SigningKey::load_or_make(&folder.path().join("key")).unwrap();
        Keeper::open(folder.path(), key, log_of(cluster), interval, log.source())
    };
    let other = open(types::ClusterId([1; 16]), INTERVAL).unwrap_err();
    assert!(matches!(other, OpenError::Store(StoreError::Foreign(_))), "{other}");
    let other = open(IDENTITY.cluster, milliseconds(500)).unwrap_err();
    assert!(matches!(other, OpenError::Store(StoreError::Interval { .. })), "{other}");
    open(IDENTITY.cluster, INTERVAL).unwrap();
}

#[test]
fn a_side_sees_its_own_balances_and_the_proof_is_the_same() {
    let story = story();
    let folder = tempfile::tempdir().unwrap();
    let keeper = keeper(&story.log, folder.path());
    catch_up(&keeper);
    let both = keeper.receipt(story.hosted, Sides::BOTH).unwrap();
    let [payer, payee] = both.verify(&keeper.public_key()).unwrap().balances;
    for (sides, expected) in [
        (Sides { payer: true, payee: false }, [payer, None]),
        (Sides { payer: false, payee: true }, [None, payee]),
        (Sides { payer: false, payee: false }, [None, None]),
    ] {
        let receipt = keeper.receipt(story.hosted, sides).unwrap();
        assert_eq!(receipt, both.clone().shown_to(sides));
        let text = receipt.to_text().unwrap();
        let facts = Receipt::parse(&text).unwrap().verify(&keeper.public_key()).unwrap();
        assert_eq!(facts.balances, expected);
        if !sides.payer {
            assert!(!text.contains("498766"), "the payer's balance");
        }
    }
}

#[test]
fn a_receipt_without_a_settled_payment_proves_nothing() {
    let story = story();
    let folder = tempfile::tempdir().unwrap();
    let keeper = keeper(&story.log, folder.path());
    catch_up(&keeper);
    let receipt = keeper.receipt(story.hosted, Sides::BOTH).unwrap();
    let mut other = receipt.clone();
    other.record = keeper.receipt(story.accepted, Sides::BOTH).unwrap().record;
    assert_eq!(other.verify(&keeper.public_key()), Err(ReceiptFault::Path));
    let mut other = receipt.clone();
    other.index += 1;
    assert_eq!(other.verify(&keeper.public_key()), Err(ReceiptFault::Path));
    let mut other = receipt.clone();
    other.checkpoint = keeper.latest().unwrap();
    assert_eq!(other.verify(&keeper.public_key()), Err(ReceiptFault::Path));
    let text = receipt.to_text().unwrap();
    for changed in [text.replace("12.34", "12.35"), text.replace("\n  ", "\n   "), text.trim_end().to_owned()]
    {
        assert_eq!(Receipt::parse(&changed), Err(ReceiptFault::Changed));
    }
    for broken in ["", "{}", "null", &text[..text.len() / 2], &text.replace("SETTLED", "\u{0}")] {
        assert_eq!(Receipt::parse(broken), Err(ReceiptFault::Text), "{broken}");
    }
}

#[test]
fn no_bit_of_a_receipt_can_change() {
    let story = story();
    let folder = tempfile::tempdir().unwrap();
    let keeper = keeper(&story.log, folder.path());
    catch_up(&keeper);
    let key = keeper.public_key();
    for sides in [Sides::BOTH, Sides { payer: false, payee: true }] {
        let text = keeper.receipt(story.accepted, sides).unwrap().to_text().unwrap();
        assert!(Receipt::parse(&text).unwrap().verify(&key).is_ok());
        for bit in 0..text.len() * 8 {
            let mut bytes = text.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let verified = str::from_utf8(&bytes)
                .is_ok_and(|text| Receipt::parse(text).is_ok_and(|receipt| receipt.verify(&key).is_ok()));
            assert!(!verified, "bit {bit}: {}", String::from_utf8_lossy(&bytes));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Frames of any size at any distance, workers that end at any frame: one chain of checkpoints, and a receipt for each
    /// payment that was settled.
    #[test]
    fn any_log_read_in_any_pieces_gives_one_chain(
        steps in prop::collection::vec((0_u32..4, 0_u32..1500, any::<bool>(), any::<bool>()), 1..24),
    ) {
        let mut log = Log::new();
        let [piecewise, at_once] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let mut pieces = keeper(&log, piecewise.path());
        let (mut settled, mut waiting, mut number) = (Vec::new(), Vec::new(), 0);
        for (payments, pause, answers, looks) in steps {
            log.advance(milliseconds(pause));
            let mut writer = commands();
            for _ in 0..payments {
                number += 1;
                let to = if number % 3 == 0 { "C1" } else { "B1" };
                log.pay(&mut writer, &format!("T{number}"), to, 10);
            }
            if answers {
                waiting.drain(..).for_each(|payment| Log::answer(&mut writer, payment, None));
            }
            for outcome in log.frame(&writer) {
                let decided = outcome.decides().unwrap_or(outcome);
                match decided.to_entry().payment_state() {
                    Some(PaymentState::Settled) => settled.push(decided.sequence),
                    Some(PaymentState::Reserved) => waiting.push(decided.sequence),
                    _ => {}
                }
            }
            if looks {
                pieces = keeper(&log, piecewise.path());
                catch_up(&pieces);
            }
        }
        log.tell();
        log.advance(INTERVAL);
        log.tell();
        catch_up(&pieces);
        let whole = keeper(&log, at_once.path());
        catch_up(&whole);
        let roots = |keeper: &Keeper| -> Vec<Hash> {
            all(keeper).iter().map(|signed| signed.read().unwrap().hash()).collect()
        };
        prop_assert_eq!(roots(&pieces), roots(&whole));
        for payment in settled {
            settled_at(&pieces, payment);
        }
    }
}
