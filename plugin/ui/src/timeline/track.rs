//! The history laid out in a row: seconds of audio in the order in which they arrived, whatever jumps
//! the host made. Pure arithmetic, done once per history.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use mertscope_live::Entry;

/// One entry's share of the row: from the end of the one before it to its own.
#[derive(Debug, Clone)]
pub(super) struct Span {
    /// Where it begins, in seconds of audio.
    pub from: f64,
    /// Where it ends, in seconds of audio.
    pub to: f64,
    /// The window, with its result or its status.
    pub entry: Arc<Entry>,
}

/// Audio without a jump in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stretch {
    /// Where it begins, in seconds of audio.
    pub from: f64,
    /// Where it ends, in seconds of audio.
    pub to: f64,
    /// The host's time where it begins, in seconds.
    pub(crate) host_s: f64,
    /// The time of day where it ends, in seconds since 1970.
    pub(crate) wall_end_s: f64,
    /// Whether the user started again where it begins.
    pub(super) starts_again: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Track {
    history: Arc<Vec<Arc<Entry>>>,
    /// In order, without overlaps; between two of them there may be a hole that no entry covers.
    pub spans: Vec<Span>,
    /// In order, each as long as its spans.
    pub stretches: Vec<Stretch>,
    /// The number of histories laid out so far.
    pub version: u64,
}

impl Track {
    /// Lays out a history unless it is the present one. Entries that both have stay in their places, so that
    /// a view of the past keeps still while new entries come and old ones go.
    pub(super) fn follow(&mut self, history: &Arc<Vec<Arc<Entry>>>) {
        if Arc::ptr_eq(history, &self.history) {
            return;
        }
        let anchor = history.first().and_then(|first| {
            let same = |span: &&Span| Arc::ptr_eq(&span.entry, first);
            let timed = &first.timed;
            // Its span was one hop; as the first of the row it becomes a whole window with the same end.
            let span = self.spans.iter().find(same)?;
            Some(span.to - (timed.end_s - timed.start_s))
        });
        self.history = Arc::clone(history);
        self.version += 1;
        self.spans.clear();
        self.stretches.clear();
        let mut end = anchor.unwrap_or(0.0);
        for entry in history.iter() {
            end = self.append(entry, end);
        }
    }

    fn append(&mut self, entry: &Arc<Entry>, end: f64) -> f64 {
        let (start_s, end_s) = (entry.timed.start_s, entry.timed.end_s);
        if !(start_s.is_finite() && end_s.is_finite() && end_s > start_s) {
            return end;
        }
        let wall_end_s = wall_s(entry.published);
        let length = end_s - start_s;
        let last = self
            .spans
            .last()
            .filter(|last| last.entry.generation == entry.generation);
        let step = last
            .map(|last| end_s - last.entry.timed.end_s)
            .filter(|step| *step >= 0.0);
        let (from, to) = match (step, self.stretches.last_mut()) {
            (Some(step), Some(stretch)) => {
                stretch.to = end + step;
                stretch.wall_end_s = wall_end_s;
                (end + (step - length).max(0.0), end + step)
            }
            _ => {
                let before = self.spans.last().map(|span| span.entry.restarts);
                let stretch = Stretch {
                    starts_again: before.is_some_and(|before| before != entry.restarts),
                    from: end,
                    to: end + length,
                    host_s: start_s,
                    wall_end_s,
                };
                self.stretches.push(stretch);
                (end, end + length)
            }
        };
        self.spans.push(Span {
            from,
            to,
            entry: Arc::clone(entry),
        });
        to
    }

    /// Begin and end of the row, in seconds of audio.
    pub(super) fn extent(&self) -> (f64, f64) {
        let begin = self.spans.first().map_or(0.0, |span| span.from);
        (begin, self.spans.last().map_or(begin, |span| span.to))
    }

    /// The spans that overlap a stretch of the row.
    pub(super) fn within(&self, from: f64, to: f64) -> &[Span] {
        let begin = self.spans.partition_point(|span| span.to <= from);
        let end = self.spans.partition_point(|span| span.from < to);
        self.spans.get(begin..end).unwrap_or(&[])
    }

    /// The span at a moment of the row.
    pub(super) fn at(&self, moment: f64) -> Option<&Span> {
        let index = self.spans.partition_point(|span| span.to < moment);
        self.spans.get(index).filter(|span| span.from <= moment)
    }

    /// The stretch at a moment of the row.
    pub(super) fn stretch_at(&self, moment: f64) -> Option<&Stretch> {
        let index = self
            .stretches
            .partition_point(|stretch| stretch.to < moment);
        self.stretches.get(index).or(self.stretches.last())
    }
}

fn wall_s(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use mertscope_audio::Status;
    use mertscope_heads::timeline::TimedResult;

    fn entry(start_s: f64, end_s: f64, generation: u64) -> Arc<Entry> {
        Arc::new(Entry {
            timed: TimedResult {
                start_s,
                end_s,
                status: Status::Silent,
                result: None,
            },
            host_samples: None,
            generation,
            restarts: 0,
            bridged_frames: 0,
            published: UNIX_EPOCH,
        })
    }

    fn places(track: &Track) -> Vec<(f64, f64)> {
        track
            .spans
            .iter()
            .map(|span| (span.from, span.to))
            .collect()
    }

    #[test]
    fn windows_take_one_hop_and_a_jump_starts_a_stretch() {
        let mut track = Track::default();
        let history = Arc::new(vec![
            entry(0.0, 5.0, 1),
            entry(1.0, 6.0, 1),
            entry(100.0, 105.0, 2),
            entry(108.0, 113.0, 2),
        ]);
        track.follow(&history);
        // The second stretch has a hole of three seconds.
        assert_eq!(
            places(&track),
            [(0.0, 5.0), (5.0, 6.0), (6.0, 11.0), (14.0, 19.0)]
        );
        assert_eq!(track.stretches.len(), 2);
        assert_eq!(
            (
                track.stretches[1].from,
                track.stretches[1].to,
                track.stretches[1].host_s
            ),
            (6.0, 19.0, 100.0)
        );
        assert!(track.at(12.0).is_none() && track.at(15.0).is_some());
        assert_eq!(track.within(5.5, 14.5).len(), 3);
    }

    #[test]
    fn entries_keep_their_places_when_the_oldest_go() {
        let mut track = Track::default();
        let all: Vec<_> = (0..10)
            .map(|i| entry(f64::from(i), f64::from(i) + 5.0, 1))
            .collect();
        track.follow(&Arc::new(all[..8].to_vec()));
        let before = places(&track);
        track.follow(&Arc::new(all[2..].to_vec()));
        let after = places(&track);
        assert_eq!(after[1..6], before[3..8]);
        assert!((track.extent().1 - 14.0).abs() < 1e-9);
    }

    #[test]
    fn entries_with_impossible_times_are_left_out() {
        let mut track = Track::default();
        track.follow(&Arc::new(vec![
            entry(f64::NAN, 5.0, 1),
            entry(5.0, 1.0, 1),
            entry(0.0, f64::INFINITY, 2),
        ]));
        assert_eq!((track.spans.len(), track.extent()), (0, (0.0, 0.0)));
    }
}
