//! How far a verification has come, shown on a terminal and nowhere else.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use journal::{ARCHIVE_NAME, FrameHeader, Location, SEGMENTS_READY, segment_number};

use crate::verify::Observer;

/// A progress bar on standard error.
pub(crate) struct Bar {
    bar: ProgressBar,
    /// Where each segment starts, counted in bytes of all segments.
    starts: BTreeMap<u64, u64>,
}

impl Bar {
    /// A bar for the log in a folder; it draws nothing where no terminal is.
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        let bar = match io::stderr().is_terminal() {
            true => ProgressBar::new(0),
            false => ProgressBar::hidden(),
        };
        let style =
            ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, batch {msg}, {eta} left");
        bar.set_style(style.expect("the template is right"));
        bar.enable_steady_tick(Duration::from_millis(200));
        let mut lengths = BTreeMap::new();
        // Of a folder without an archive there is nothing to list.
        let archived = std::fs::read_dir(folder.join(ARCHIVE_NAME)).into_iter().flatten();
        for entry in std::fs::read_dir(folder)?.chain(archived) {
            let entry = entry?;
            if let Some(number) = entry.file_name().to_str().and_then(segment_number) {
                lengths.insert(number, entry.metadata()?.len());
            }
        }
        // The last segments are only made ready; nothing is in them yet.
        let in_use = lengths.len().saturating_sub(SEGMENTS_READY);
        bar.set_length(lengths.values().take(in_use).sum());
        let mut end = 0;
        let starts = lengths.into_iter().map(|(number, length)| (number, (end, end += length).0));
        Ok(Self { starts: starts.collect(), bar })
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Observer for Bar {
    fn frame(&mut self, header: &FrameHeader, location: Location) {
        let start = self.starts.get(&location.segment).copied().unwrap_or(0);
        self.bar.set_position(start + location.offset);
        self.bar.set_message(header.batch.to_string());
    }
}
