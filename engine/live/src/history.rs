//! The last windows of a stream, bounded, in the order of the audio.

use std::sync::Arc;
use std::time::SystemTime;

use super::host_timeline::AudioSpan;
use super::snapshot::Entry;
use mertscope_audio::Status;
use mertscope_heads::timeline::{TimedResult, WindowResult};

/// Windows that are remembered: 17 minutes at the shortest automatic hop.
const LENGTH: usize = 2048;

/// An entry for a window or stretch at `place`; `result` goes with [`Status::Ok`] alone.
pub(super) fn entry(
    place: &AudioSpan,
    status: Status,
    result: Option<WindowResult>,
    generation: u64,
) -> Entry {
    Entry {
        timed: TimedResult {
            start_s: place.seconds.start,
            end_s: place.seconds.end,
            status,
            result,
        },
        host_samples: place.host_samples.clone(),
        generation,
        published: SystemTime::now(),
    }
}

/// Appends a stretch without an answer; neighbors of the same kind become one.
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

/// Appends an entry; the oldest gives way.
pub(super) fn push(history: &mut Arc<Vec<Arc<Entry>>>, entry: Arc<Entry>) {
    // A snapshot may still show the old list: this copies pointers, a few microseconds a result.
    let history = Arc::make_mut(history);
    let surplus = (history.len() + 1).saturating_sub(LENGTH);
    history.drain(..surplus);
    // A window that was only marked is known at once, the answer of one before it later.
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
        let place = AudioSpan {
            seconds: start as f64..start as f64 + 5.0,
            host_samples: Some(start..start + 5),
            clock_s: 0.0,
        };
        let result = (status == Status::Ok).then_some(WindowResult {
            genre: None,
            key: None,
            genre_smoothed: None,
            key_smoothed: None,
            key_label: None,
            point: None,
            others: Vec::new(),
            ribbons: Vec::new(),
            distances: Vec::new(),
        });
        entry(&place, status, result, 1)
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
    fn marks_grow_together_and_late_answers_go_before_them() {
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
        // What a snapshot shows does not change under it.
        assert_eq!(shown.len(), 2);
    }

    #[test]
    fn the_oldest_give_way() {
        let mut history = Arc::default();
        for start in 0..3_000 {
            push(&mut history, Arc::new(at(start, Status::Ok)));
        }
        let stored = stretches(&history);
        assert_eq!((stored.len(), stored[0].0), (LENGTH, 3_000 - LENGTH as i64));
    }
}
