//! Windows that run together: one batch on a device that takes batches, one after the other elsewhere.
//!
//! A batch is bounded in windows and in seconds of audio, because memory grows with both. A batch that
//! fails is run again in halves, and a window that fails alone goes to the CPU, so that no window is lost
//! when a device runs out of memory in the middle of a batch.

use std::time::{Duration, Instant};

use mertscope_audio::Notice;

use super::{Session, prepared};
use crate::{EncodeError, HiddenStates};

/// The most windows of a batch: beyond it a GPU is busy, and waiting costs more than it saves.
const MOST_WINDOWS: usize = 8;

/// The most audio of a batch in seconds. The largest activations of the MERT family take about 60 MB for a
/// second of audio (1.7 GB for 30 s of music2vec): 2.4 GB in all.
const MOST_S: f64 = 40.0;

/// A window's hidden states with the duration of its inference.
type Answer = (Result<HiddenStates, EncodeError>, Duration);

/// Number of windows of `window_s` seconds that run at once on a device that takes batches.
pub(super) fn at_once(window_s: f64) -> usize {
    ((MOST_S / window_s) as usize).clamp(1, MOST_WINDOWS)
}

impl Session {
    /// Runs the model on several stretches of audio, each as [`Session::run`] does, and returns their results
    /// in order, with the share of each in the time that they took. Those of equal length run at once, as far
    /// as the device takes them.
    pub(crate) fn run_together(
        &mut self,
        windows: &[Vec<f32>],
        limit: Option<Duration>,
    ) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(windows.len());
        while let [first, ..] = &windows[answers.len()..] {
            self.follow_server();
            let rest = &windows[answers.len()..];
            let alike = rest
                .iter()
                .take(self.at_once)
                .take_while(|it| it.len() == first.len());
            let count = alike.count().max(1);
            if count == 1 {
                answers.push(self.run_within(first, limit));
                continue;
            }
            if self.remote.is_some() {
                let start = Instant::now();
                let ran = self.on_server(&rest[..count], limit);
                let each = start.elapsed() / count as u32;
                match ran {
                    Some(Ok(all)) => {
                        answers.extend(all.into_iter().map(|hidden| (Ok(hidden), each)))
                    }
                    Some(Err(error)) => {
                        answers.extend((0..count).map(|_| (Err(error.clone()), each)))
                    }
                    // This machine's model runs them one after the other.
                    None => {}
                }
                continue;
            }
            match self.run_batch(&rest[..count], limit) {
                Ok(batch) => answers.extend(batch),
                Err(EncodeError::Run { reason, .. }) if self.may_move() => {
                    self.at_once = count / 2;
                    self.tell_smaller(count, &reason);
                }
                Err(error @ EncodeError::Overlong { .. }) if self.may_move() => {
                    // Each window gets the error or the CPU's answer, as if it had been alone.
                    let moved = self.move_to_cpu("it gave no answer to several windows in time");
                    let error = moved.err().or(limit.is_some().then_some(error));
                    if let Some(error) = error {
                        let each = (0..count).map(|_| (Err(error.clone()), Duration::ZERO));
                        answers.extend(each);
                    }
                }
                Err(error) => {
                    let each = (0..count).map(|_| (Err(error.clone()), Duration::ZERO));
                    answers.extend(each);
                }
            }
        }
        answers
    }

    /// Runs windows of equal length at once.
    fn run_batch(
        &mut self,
        windows: &[Vec<f32>],
        limit: Option<Duration>,
    ) -> Result<Vec<Answer>, EncodeError> {
        let start = Instant::now();
        let mut audio = Vec::new();
        for window in windows {
            audio.extend_from_slice(&prepared(&self.model.manifest, window)?);
        }
        let all = self.ask_device(audio, windows.len(), limit)?;
        let each = start.elapsed() / windows.len() as u32;
        Ok(all.into_iter().map(|hidden| (Ok(hidden), each)).collect())
    }

    /// Records in the report that the device could not run `count` windows at once.
    fn tell_smaller(&mut self, count: usize, reason: &str) {
        let report = std::sync::Arc::make_mut(&mut self.device);
        let (name, reason) = (&report.name, crate::device::phrase(reason));
        let now = self.at_once;
        report.notice = Some(Notice::warning(format!(
            "{name} could not run {count} windows at once ({reason}); it runs {now} at once from now on."
        )));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_bounded_in_windows_and_in_seconds() {
        assert_eq!(at_once(1.0), 8);
        assert_eq!(at_once(5.0), 8);
        assert_eq!(at_once(30.0), 1);
        assert_eq!(at_once(10.0), 4);
        assert_eq!(at_once(120.0), 1);
    }
}
