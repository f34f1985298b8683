//! A short life of sealed texts: keys are kept ahead, frames sealed, and the keys of a period destroyed while the power
//! fails. The auditor here is one sentence: what was erased can be read in no file, and everything else in all.

use std::collections::BTreeMap;

use journal::{
    Append, Fate, Fault, FrameBuilder, FrameKind, FrameView, Journal, LocalJournal, MasterKey, MemoryStorage,
    SealInput, SegmentSize, Settings, Storage, Tail, Writer, destroy_keys, key_of,
};
use types::{BatchNumber, Timestamp};

use crate::random::Random;
use crate::words::IDENTITY;

const NANOSECONDS_A_DAY: i64 = 86_400_000_000_000;

/// 2026-11-22.
const FIRST_DAY: u32 = 20_779;

/// Texts by the frames that hold them, and the days of these.
type Texts = BTreeMap<BatchNumber, (u32, Vec<u8>)>;

/// Lets one life of this seed pass.
pub(crate) fn erasure(seed: u64) -> Result<(), String> {
    let mut random = Random::new(seed ^ 0xE7A5);
    let storage = MemoryStorage::new();
    let days = 2 + days_of(random.bits() % 6);
    let texts = write(&storage, &mut random, days)?;
    let before = FIRST_DAY + days_of(random.bits()) % (days + 1);
    let wrapped = wrapped_keys(&storage, before);
    let mut found = storage.after_power_loss(&mut |_| Fate::Keep);
    // The power fails a few times while somebody tries.
    for _ in 0..random.bits() % 4 {
        let operation = usize::try_from(random.bits() % 16).expect("a small number");
        found.inject(operation, Fault::PowerLoss);
        if destroy_keys(&found, before).is_ok() {
            break;
        }
        found = found.after_power_loss(&mut |_| match random.bits() % 3 {
            0 => Fate::Keep,
            1 => Fate::Lose,
            _ => Fate::Tear(random.bits().to_le_bytes()[0]),
        });
    }
    let found = found.after_exit(&mut |_| Fate::Keep);
    destroy_keys(&found, before).map_err(|error| format!("keys can't be destroyed: {error}"))?;
    check(&found, &texts, before, &wrapped)
}

fn days_of(number: u64) -> u32 {
    u32::try_from(number % 1_000).expect("a small number")
}

fn master() -> MasterKey {
    MasterKey::parse(&[0x5E; 32]).expect("32 bytes are a key")
}

fn open(storage: &MemoryStorage, random: &mut Random) -> Result<LocalJournal<MemoryStorage>, String> {
    let segment_size = SegmentSize::new(64 * 1024).expect("whole blocks");
    let mut tags = Random::new(random.bits());
    let settings = Settings { segment_size, entropy: Box::new(move || tags.bits()) };
    let made = match storage.list().is_ok_and(|names| names.is_empty()) {
        true => LocalJournal::create(storage.clone(), IDENTITY, settings),
        false => LocalJournal::open(storage.clone(), None, settings),
    };
    made.map_err(|error| error.to_string())
}

/// Writes a frame or more on each day, with texts of its own.
fn write(storage: &MemoryStorage, random: &mut Random, days: u32) -> Result<Texts, String> {
    let mut journal = open(storage, random)?;
    let mut entropy = Random::new(random.bits());
    let keys = journal.create_keys(master(), None, &mut || entropy.bits());
    let mut keys = keys.map_err(|error| error.to_string())?;
    let mut entropy = Random::new(random.bits());
    keys.keep(FIRST_DAY..=FIRST_DAY + days, &mut || entropy.bits()).map_err(|error| error.to_string())?;
    let tail = journal.read(BatchNumber(0), &mut |_, _| Ok(())).map_err(|error| error.to_string())?;
    let mut builder = FrameBuilder::sealing(1, journal.keyring());
    let start = i64::from(FIRST_DAY) * NANOSECONDS_A_DAY;
    let mut epoch_start = seal(&mut builder, FrameKind::EpochStart, tail, start);
    let mut writer = journal.claim(&tail, &mut epoch_start).map_err(|error| error.to_string())?;
    let mut texts = Texts::new();
    for day in 0..days {
        for frame in 1..=1 + i64::from(days_of(random.bits() % 2)) {
            let text = format!("text {:016x} of day {day}", random.bits()).into_bytes();
            builder.push_record(b"a record");
            builder.push_personal(&text);
            let time = start + i64::from(day) * NANOSECONDS_A_DAY + frame;
            let mut frame = seal(&mut builder, FrameKind::Commands, *writer.tail(), time);
            texts.insert(frame.header().batch, (FIRST_DAY + day, text));
            let append = writer.append(&mut frame);
            if !matches!(append, Append::Durable) {
                return Err(format!("{append:?} on a disk that works"));
            }
            builder.recycle(frame);
        }
    }
    Ok(texts)
}

fn seal(
    builder: &mut FrameBuilder,
    kind: FrameKind,
    previous: Tail,
    nanoseconds: i64,
) -> journal::SealedFrame {
    let time = Timestamp::from_nanoseconds(nanoseconds).expect("after 1970");
    let input = SealInput {
        kind,
        identity: IDENTITY,
        previous,
        time,
        rules_version: 1,
        durable_mark: previous.batch,
        personal_key: key_of(time),
    };
    builder.seal(&input)
}

/// The keys of the days below this, as they are wrapped in the table (FORMAT.md, "KEYS").
fn wrapped_keys(storage: &MemoryStorage, before: u32) -> Vec<Vec<u8>> {
    let keys = storage.bytes("KEYS").unwrap_or_default();
    let entries = keys.get(64..).unwrap_or_default().chunks_exact(72);
    let is_destroyed = |entry: &&[u8]| {
        let day = u32::from_le_bytes([entry[4], entry[5], entry[6], entry[7]]);
        entry[0] == 1 && day < before
    };
    entries.filter(is_destroyed).map(|entry| entry[24..].to_vec()).collect()
}

fn check(storage: &MemoryStorage, texts: &Texts, before: u32, wrapped: &[Vec<u8>]) -> Result<(), String> {
    for name in storage.list().map_err(|error| error.to_string())? {
        let bytes = storage.bytes(&name).unwrap_or_default();
        let holds = |what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
        if wrapped.iter().any(|key| holds(key)) {
            return Err(format!("{name} holds a key that was destroyed"));
        }
        if texts.values().any(|(_, text)| holds(text)) {
            return Err(format!("{name} holds a text in clear"));
        }
    }
    let mut journal = open(storage, &mut Random::new(1))?;
    let keys = journal.open_keys(master()).map_err(|error| error.to_string())?;
    if keys.and_then(|keys| keys.digest_key()).is_none() {
        return Err("the key of digests is gone".to_owned());
    }
    let mut seen = 0;
    let visit = &mut |frame: &FrameView<'_>, _| {
        let Some((day, text)) = texts.get(&frame.header().batch) else { return Ok(()) };
        seen += 1;
        let expected = (*day >= before).then_some(text.as_slice());
        if frame.texts() == expected {
            Ok(())
        } else {
            Err(format!("texts of day {day}, erased before {before}").into())
        }
    };
    journal.read(BatchNumber(0), visit).map_err(|error| error.to_string())?;
    if seen == texts.len() { Ok(()) } else { Err(format!("{seen} of {} frames are left", texts.len())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_erased_is_in_no_file_and_what_is_not_stays() {
        for seed in 0..300 {
            erasure(seed).unwrap_or_else(|violation| panic!("seed {seed}: {violation}"));
        }
    }
}
