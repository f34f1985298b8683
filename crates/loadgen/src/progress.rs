//! Telling people how far a run is.

use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressStyle};

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Banks are registered, accounts opened and given money.
    SettingUp,
    /// Payments are sent.
    Sending,
    /// Payments without an answer are asked about.
    Resolving,
    /// Balances are compared.
    Auditing,
}

impl Stage {
    /// How a progress bar calls it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::SettingUp => "setting up",
            Self::Sending => "payments",
            Self::Resolving => "resolving",
            Self::Auditing => "auditing",
        }
    }
}

/// Is told how far a run is. Called often, and must not block.
pub trait Progress: Send + Sync {
    /// So much of this stage is done. `total` is absent where a time ends it, not a number.
    fn update(&self, stage: Stage, done: u64, total: Option<u64>);

    /// Nothing more comes.
    fn finish(&self);
}

/// Tells nobody.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Progress for Silent {
    fn update(&self, _: Stage, _: u64, _: Option<u64>) {}

    fn finish(&self) {}
}

/// Draws a bar on standard error, if that is a terminal.
#[derive(Debug, Default)]
pub struct TerminalProgress {
    bar: Mutex<Option<(Stage, ProgressBar)>>,
}

impl TerminalProgress {
    /// Nothing drawn yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Progress for TerminalProgress {
    fn update(&self, stage: Stage, done: u64, total: Option<u64>) {
        // A bar left behind by a panic is still a bar.
        let mut bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((previous, old)) = bar.as_ref()
            && *previous != stage
        {
            old.finish_and_clear();
            *bar = None;
        }
        let (_, bar) = bar.get_or_insert_with(|| (stage, new_bar(stage, total)));
        bar.set_position(done);
    }

    fn finish(&self) {
        if let Some((_, bar)) = self.bar.lock().unwrap_or_else(PoisonError::into_inner).take() {
            bar.finish_and_clear();
        }
    }
}

fn new_bar(stage: Stage, total: Option<u64>) -> ProgressBar {
    // Both draw nothing where standard error is no terminal.
    let (bar, template) = match total {
        Some(total) => {
            (ProgressBar::new(total), "{msg:>11} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}")
        }
        None => (ProgressBar::new_spinner(), "{msg:>11} {spinner} {human_pos} {per_sec} {elapsed}"),
    };
    let style = ProgressStyle::with_template(template).expect("the templates of this file are valid");
    bar.with_style(style).with_message(stage.label())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_follow_each_other() {
        let progress = TerminalProgress::new();
        progress.update(Stage::SettingUp, 1, Some(2));
        progress.update(Stage::Sending, 10, None);
        progress.update(Stage::Sending, 20, None);
        let current = progress.bar.lock().unwrap().as_ref().map(|(stage, bar)| (*stage, bar.position()));
        assert_eq!(current, Some((Stage::Sending, 20)));
        progress.finish();
        assert!(progress.bar.lock().unwrap().is_none());
    }
}
