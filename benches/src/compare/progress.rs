//! Tells people on standard error how far it is; the table goes to standard output.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::statistics::Unit;
use super::trial::Trial;

/// Says what is being done: as a bar where somebody watches, and as lines.
#[derive(Debug)]
pub(crate) struct Teller {
    bar: ProgressBar,
    lines: bool,
}

impl Teller {
    /// Tells on standard error.
    pub(crate) fn new() -> Self {
        // Draws nothing where standard error is no terminal.
        let bar = ProgressBar::new_spinner();
        let style = ProgressStyle::with_template("{spinner} {prefix}: {msg} ({elapsed})");
        bar.set_style(style.expect("the template is valid"));
        bar.enable_steady_tick(Duration::from_millis(250));
        Self { bar, lines: true }
    }

    /// Tells nobody.
    #[cfg(test)]
    pub(crate) fn silent() -> Self {
        Self { bar: ProgressBar::hidden(), lines: false }
    }

    /// Another experiment begins.
    pub(crate) fn begin(&self, name: &str) {
        self.bar.set_prefix(name.to_owned());
        self.bar.reset_elapsed();
        self.doing("starting");
    }

    /// Something takes a while.
    pub(crate) fn doing(&self, what: &str) {
        self.bar.set_message(what.to_owned());
    }

    /// A trial has ended.
    pub(crate) fn trial(&self, number: usize, trial: &Trial) {
        let mut line = format!("{} {number}:", self.bar.prefix());
        for figures in &trial.figures {
            let rate = Unit::PerSecond.text(figures.per_second);
            // Writing to a text does not fail.
            let _ = write!(line, " {} {rate}", figures.side);
            for (what, latency) in [("p99", figures.latency), ("refusals' p99", figures.refusal_latency)] {
                if latency.count > 0 {
                    let p99 = Unit::Milliseconds.text(latency.p99.as_secs_f64() * 1e3);
                    let _ = write!(line, ", {what} {p99}");
                }
            }
            line.push(';');
        }
        match trial.faults.as_slice() {
            [] => line.push_str(" counts"),
            faults => {
                let _ = write!(line, " void: {}", faults.join("; "));
            }
        }
        self.line(&line);
    }

    /// A line that stays.
    pub(crate) fn line(&self, line: &str) {
        if !self.lines {
            return;
        }
        if std::io::stderr().is_terminal() {
            self.bar.println(line);
        } else {
            // If nobody reads it, there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }

    /// Nothing more comes.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
