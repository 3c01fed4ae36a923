//! Progress on standard error, only on a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use mertscope_export::printable::printable;

/// A progress bar, for one file after another in seconds of audio, or for steps. Clones show the same bar.
#[derive(Clone)]
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// A bar that is visible on a terminal, unless `quiet`.
    pub(crate) fn new(quiet: bool) -> Self {
        let target = if quiet {
            ProgressDrawTarget::hidden()
        } else {
            // Draws nothing when standard error is not a terminal.
            ProgressDrawTarget::stderr()
        };
        Self(ProgressBar::with_draw_target(None, target))
    }

    /// Begins the next file, `number` of `count`.
    pub(crate) fn file(&self, name: &str, number: usize, count: usize) {
        self.0.reset();
        self.0.unset_length();
        self.0
            .set_style(style("{spinner} {prefix}{wide_msg} {elapsed_precise}"));
        self.0.set_message(printable(name).into_owned());
        if count > 1 {
            self.0.set_prefix(format!("{number}/{count} "));
        }
        self.0.enable_steady_tick(Duration::from_millis(200));
    }

    /// Shows `done_s` finished seconds of audio; `promised_s` is the file's length from its header.
    pub(crate) fn position(&self, done_s: f64, promised_s: Option<f64>) {
        if let Some(promised_s) = promised_s
            && self.0.length().is_none()
        {
            self.0.set_length(promised_s.ceil() as u64);
            let template = "{spinner} {prefix}{wide_msg} [{bar:30}] {percent:>3} %, {eta} left";
            self.0.set_style(style(template));
        }
        self.0.set_position(done_s as u64);
    }

    /// Begins `count` steps of one kind.
    pub(crate) fn steps(&self, count: usize, doing: &str) {
        self.0.reset();
        self.0.set_length(count as u64);
        self.0.set_style(style(STEPS));
        self.0.set_message(doing.to_owned());
        self.0.enable_steady_tick(Duration::from_millis(200));
    }

    /// Counts one finished step.
    pub(crate) fn step(&self) {
        self.0.inc(1);
    }

    /// Shows `done` of `total` steps of one kind.
    pub(crate) fn at(&self, done: usize, total: usize, doing: &str) {
        if self.0.length() != Some(total as u64) {
            self.steps(total, doing);
        }
        self.0.set_position(done as u64);
    }

    /// Hides the bar while `body` writes.
    pub(crate) fn pause<T>(&self, body: impl FnOnce() -> T) -> T {
        self.0.suspend(body)
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

const STEPS: &str = "{spinner} {msg} {pos}/{len} [{bar:30}] {eta} left";

fn style(template: &str) -> ProgressStyle {
    // The templates are valid (a test checks them); a bar is no reason to fail.
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸ ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_valid() {
        for template in [
            "{spinner} {prefix}{wide_msg} {elapsed_precise}",
            "{spinner} {prefix}{wide_msg} [{bar:30}] {percent:>3} %, {eta} left",
            STEPS,
        ] {
            assert!(ProgressStyle::with_template(template).is_ok());
        }
    }
}
