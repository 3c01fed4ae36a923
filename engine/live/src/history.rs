//! A stream's history: its last windows, bounded, in the order of the audio.

use std::sync::Arc;
use std::time::SystemTime;

use super::host_timeline::AudioSpan;
use super::snapshot::Entry;
use mertscope_audio::Status;
use mertscope_heads::timeline::{TimedResult, WindowResult};

/// The most entries: 17 minutes at the shortest automatic hop.
const MAX_ENTRIES: usize = 2048;

/// An entry for a window or stretch at `span`, before the user ever starts again; only [`Status::Ok`] has a
/// `result`.
pub(super) fn entry(
    span: &AudioSpan,
    status: Status,
    result: Option<WindowResult>,
    generation: u64,
) -> Entry {
    Entry {
        timed: TimedResult {
            start_s: span.seconds.start,
            end_s: span.seconds.end,
            status,
            result,
        },
        host_samples: span.host_samples.clone(),
        generation,
        restarts: 0,
        bridged_frames: 0,
        published: SystemTime::now(),
    }
}

/// Appends a stretch without a result; adjacent stretches with the same status become one.
pub(super) fn mark(history: &mut Arc<Vec<Arc<Entry>>>, mut entry: Entry) {
    if let Some(last) = history.last()
        && last.timed.status == entry.timed.status
        && last.generation == entry.generation
    {
        entry.timed.start_s = last.timed.start_s;
        if let (Some(samples), Some(before)) = (&mut entry.host_samples, &last.host_samples) {
            samples.start = before.start;
        }
        Arc::make_mut(history).pop();
    }
    push(history, Arc::new(entry));
}

/// Adds an entry; the oldest one is dropped when the history is full.
pub(super) fn push(history: &mut Arc<Vec<Arc<Entry>>>, entry: Arc<Entry>) {
    // A snapshot may still show the old list: this copies pointers, a few microseconds per result.
    let history = Arc::make_mut(history);
    let surplus = (history.len() + 1).saturating_sub(MAX_ENTRIES);
    history.drain(..surplus);
    // A skipped window is known at once, the result of an earlier window only after its inference.
    let goes_before = |last: &Arc<Entry>| {
        last.generation == entry.generation
            && last.timed.result.is_none()
            && last.timed.start_s > entry.timed.start_s
    };
    let at = history.iter().rposition(|last| !goes_before(last));
    history.insert(at.map_or(0, |before| before + 1), entry);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: i64, status: Status) -> Entry {
        let span = AudioSpan {
            seconds: start as f64..start as f64 + 5.0,
            host_samples: Some(start..start + 5),
            clock_s: 0.0,
        };
        let result = (status == Status::Ok).then(WindowResult::default);
        entry(&span, status, result, 1)
    }

    fn stretches(history: &[Arc<Entry>]) -> Vec<(i64, i64, Status)> {
        history
            .iter()
            .filter_map(|entry| {
                let samples = entry.host_samples.clone()?;
                Some((samples.start, samples.end, entry.timed.status))
            })
            .collect()
    }

    #[test]
    fn skipped_stretches_merge_and_late_results_go_before_them() {
        let mut history = Arc::default();
        push(&mut history, Arc::new(at(0, Status::Ok)));
        for start in 2..6 {
            mark(&mut history, at(start, Status::Silent));
        }
        let shown = Arc::clone(&history);
        push(&mut history, Arc::new(at(1, Status::Ok)));
        mark(&mut history, at(6, Status::Invalid));
        let expected = [
            (0, 5, Status::Ok),
            (1, 6, Status::Ok),
            (2, 10, Status::Silent),
            (6, 11, Status::Invalid),
        ];
        assert_eq!(stretches(&history), expected);
        // A snapshot's list does not change.
        assert_eq!(shown.len(), 2);
    }

    #[test]
    fn the_oldest_entries_are_dropped() {
        let mut history = Arc::default();
        for start in 0..3_000 {
            push(&mut history, Arc::new(at(start, Status::Ok)));
        }
        let stored = stretches(&history);
        let oldest = 3_000 - MAX_ENTRIES as i64;
        assert_eq!((stored.len(), stored[0].0), (MAX_ENTRIES, oldest));
    }
}
