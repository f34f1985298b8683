//! The point that a log is restored to: after a whole frame.

use std::path::Path;

use anyhow::{Context, bail};
use journal::{FileStorage, FrameHeader, Identity, Reader, Storage, Tail};
use types::{Date, Sequence, Timestamp};

use crate::backup::catalogue::Catalogue;
use crate::backup::check::damaged;
use crate::backup::only;

/// Up to where to restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// All that there is.
    End,
    /// Frames whose last position is this one or comes before it.
    Sequence(Sequence),
    /// Frames of this time or earlier.
    Time(Timestamp),
}

/// Where the restored log ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    /// How many of the backup's segments are kept.
    pub(crate) segments: usize,
    /// The first byte of the last of them that is not kept; `None` if all are.
    pub(crate) cut: Option<u64>,
    /// How the log stands there.
    pub(crate) tail: Tail,
    /// Whose the last frame is that is kept.
    pub(crate) identity: Identity,
}

/// Reads what `--until` says: a position, or an instant such as `2026-11-21T10:00:00Z`.
pub(crate) fn parse(text: &str) -> Result<Until, String> {
    if let Ok(sequence) = text.parse() {
        return Ok(Until::Sequence(Sequence(sequence)));
    }
    let wrong = || "give a position, or an instant in UTC such as 2026-11-21T10:00:00Z".to_owned();
    instant(text).map(Until::Time).ok_or_else(wrong)
}

/// `YYYY-MM-DDThh:mm:ssZ`, with up to nine decimals of a second.
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    if clock.len() != 8 || fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    let digits =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    let mut parts = clock.split(':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    let nanosecond = digits(&format!("{fraction:0<9}"))?;
    Timestamp::from_civil(
        Date::parse(date).ok()?,
        digits(hour)?,
        digits(minute)?,
        digits(second)?,
        nanosecond,
    )
}

impl Until {
    fn reaches(self, tail: &Tail) -> bool {
        match self {
            Self::End => true,
            Self::Sequence(sequence) => tail.last_sequence() <= sequence,
            Self::Time(time) => tail.time <= time,
        }
    }
}

/// Finds the last frame of a backup that is kept. Reads the one segment that it lies in.
pub(crate) fn find(catalogue: &Catalogue, storage: &FileStorage, until: Until) -> anyhow::Result<Point> {
    let mut whole = catalogue.segments.iter().take_while(|segment| until.reaches(&segment.end())).count();
    let mut before = match whole {
        0 => catalogue.anchor(),
        count => catalogue.segments[count - 1].end(),
    };
    let mut point = None;
    if let Some(middle) = catalogue.segments.get(whole) {
        let contents = only(&catalogue.contents(), middle.number, &before);
        let (mut last, mut cut): (Option<FrameHeader>, _) = (None, None);
        let reader = Reader::of_contents(storage.clone(), &contents);
        reader
            .read(before.batch, &mut |frame, location| {
                let tail = Tail::after(frame.header(), frame.hash());
                if cut.is_none() && until.reaches(&tail) {
                    (before, last) = (tail, Some(*frame.header()));
                } else {
                    cut = cut.or(Some(location.offset));
                }
                Ok(())
            })
            .with_context(|| damaged(&Path::new(&storage.place()).join(middle.name())))?;
        if let Some(last) = last {
            point = Some(Point { segments: whole + 1, cut, tail: before, identity: last.identity });
        }
    }
    if let Some(point) = point {
        return Ok(point);
    }
    // Segments at the end that hold no frame say nothing about whose the last frame is.
    while whole > 0 {
        let segment = &catalogue.segments[whole - 1];
        let from = whole.checked_sub(2).map_or_else(|| catalogue.anchor(), |at| catalogue.segments[at].end());
        let contents = only(&catalogue.contents(), segment.number, &from);
        let mut identity = None;
        Reader::of_contents(storage.clone(), &contents)
            .read(from.batch, &mut |frame, _| {
                identity = Some(frame.header().identity);
                Ok(())
            })
            .with_context(|| damaged(&Path::new(&storage.place()).join(segment.name())))?;
        if let Some(identity) = identity {
            return Ok(Point { segments: whole, cut: None, tail: before, identity });
        }
        whole -= 1;
    }
    bail!("the backup begins later than that")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn until_is_a_position_or_an_instant() {
        assert_eq!(parse("17"), Ok(Until::Sequence(Sequence(17))));
        for text in ["2026-11-21T10:00:00Z", "2026-11-21T10:00:00.5Z"] {
            let Ok(Until::Time(time)) = parse(text) else { panic!("{text}") };
            assert_eq!(time.to_string(), text);
        }
        let Ok(Until::Time(exact)) = parse("2026-11-21T10:00:00.123456789Z") else { panic!("an instant") };
        assert_eq!(exact.nanoseconds() % 1_000_000_000, 123_456_789);
        let wrong = [
            "",
            "-1",
            "now",
            "2026-11-21",
            "2026-11-21T10:00Z",
            "2026-11-21T10:00:00",
            "2026-11-21T25:00:00Z",
            "2026-11-21T10:00:00+01:00",
            "2026-11-21T10:00:00.Z",
            "2026-11-21T+1:00:00Z",
            "2026-11-21T10:00:00.1234567890Z",
        ];
        for text in wrong {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
