//! What the start is doing, for whoever waits in front of a terminal.

use std::{borrow::Cow, time::Duration};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The steps of a start. On a terminal the current one moves; elsewhere each is a line of the log.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Shows nothing until the first step.
    #[must_use]
    pub fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        Self { bar }
    }

    /// Says what is being done now.
    pub fn step(&self, text: impl Into<Cow<'static, str>>) {
        let text = text.into();
        if self.bar.is_hidden() {
            tracing::info!("{text}");
            return;
        }
        self.bar.set_style(ProgressStyle::default_spinner());
        self.bar.enable_steady_tick(Duration::from_millis(100));
        self.bar.set_message(text);
    }

    /// Says how far a long step is.
    pub fn advance(&self, what: &str, done: u64, total: u64) {
        if !self.bar.is_hidden() {
            self.bar.set_message(format!("{what}: {done} of {total}"));
        }
    }

    /// Clears the line.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}
