//! Segments: stretches of a timeline whose windows share a label.
//!
//! Windows overlap; each moment belongs to the window whose center is nearest.

use std::ops::Range;

use mertscope_heads::timeline::{TimedResult, WindowResult};

use super::units::finite;

/// A stretch of audio time over which neighboring windows share a label.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Segment<T> {
    /// Its beginning, in seconds of audio.
    pub(crate) start_s: f64,
    /// Its end, in seconds of audio.
    pub(crate) end_s: f64,
    /// Indices of its windows.
    pub(crate) windows: Range<usize>,
    /// Their label.
    pub(crate) label: T,
}

impl<T> Segment<T> {
    /// Its duration, in seconds.
    pub(crate) fn duration_s(&self) -> f64 {
        self.end_s - self.start_s
    }
}

/// The time from which moments belong to the window after `index`, in seconds: half-way between their
/// centers. The last window keeps its own end.
pub(crate) fn tile_end_s(results: &[TimedResult], index: usize) -> f64 {
    match results.get(index + 1) {
        Some(next) => half_way_s(center_s(&results[index]), center_s(next)),
        None => results[index].end_s,
    }
}

fn center_s(timed: &TimedResult) -> f64 {
    0.5 * (timed.start_s + timed.end_s)
}

fn half_way_s(one_s: f64, other_s: f64) -> f64 {
    0.5 * (one_s + other_s)
}

/// Merges windows that come one by one into the fewest segments of one label each, without gaps between
/// them.
#[derive(Debug)]
pub(crate) struct Merger<T> {
    segments: Vec<Segment<T>>,
    /// The number of windows, and the center of the last one.
    windows: usize,
    center_s: f64,
}

impl<T> Default for Merger<T> {
    fn default() -> Self {
        Self {
            segments: Vec::new(),
            windows: 0,
            center_s: 0.0,
        }
    }
}

impl<T: PartialEq> Merger<T> {
    /// Adds the next window; `true` when it begins a segment.
    pub(crate) fn add(&mut self, timed: &TimedResult, label: T) -> bool {
        let center_s = center_s(timed);
        let mut start_s = timed.start_s;
        if let Some(last) = self.segments.last_mut() {
            start_s = half_way_s(self.center_s, center_s);
            last.end_s = start_s;
        }
        self.center_s = center_s;
        let windows = self.windows..self.windows + 1;
        self.windows += 1;
        // Until the next window comes, this one keeps its own end.
        let end_s = timed.end_s;
        match self.segments.last_mut() {
            Some(last) if last.label == label => {
                last.end_s = end_s;
                last.windows.end = windows.end;
                false
            }
            _ => {
                self.segments.push(Segment {
                    start_s,
                    end_s,
                    windows,
                    label,
                });
                true
            }
        }
    }

    /// The segments so far.
    pub(crate) fn segments(&self) -> &[Segment<T>] {
        &self.segments
    }
}

/// The timeline as the fewest segments of one label each, without gaps between them.
pub(crate) fn merge<T: PartialEq>(
    results: &[TimedResult],
    label: impl Fn(&TimedResult) -> T,
) -> Vec<Segment<T>> {
    let mut merger = Merger::default();
    for timed in results {
        merger.add(timed, label(timed));
    }
    merger.segments
}

/// At most `most` segments: the shortest is folded into its longer neighbor until they are few enough.
pub(crate) fn fold<T: PartialEq>(mut segments: Vec<Segment<T>>, most: usize) -> Vec<Segment<T>> {
    while segments.len() > most.max(1) {
        let duration_s = |i: usize| {
            segments
                .get(i)
                .map_or(f64::NEG_INFINITY, Segment::duration_s)
        };
        let Some(shortest) =
            (0..segments.len()).min_by(|&a, &b| duration_s(a).total_cmp(&duration_s(b)))
        else {
            break;
        };
        let keep_previous = shortest > 0 && duration_s(shortest - 1) >= duration_s(shortest + 1);
        let folded = segments.remove(shortest);
        if keep_previous {
            extend(&mut segments[shortest - 1], &folded);
        } else {
            let next = &mut segments[shortest];
            next.start_s = folded.start_s;
            next.windows.start = folded.windows.start;
        }
        // The neighbors of the folded one may share a label.
        if shortest > 0
            && shortest < segments.len()
            && segments[shortest - 1].label == segments[shortest].label
        {
            let same = segments.remove(shortest);
            extend(&mut segments[shortest - 1], &same);
        }
    }
    segments
}

fn extend<T>(segment: &mut Segment<T>, following: &Segment<T>) {
    segment.end_s = following.end_s;
    segment.windows.end = following.windows.end;
}

/// The genre probabilities to show: the smoothed ones, or else the window's own.
pub(crate) fn shown_genre(result: &WindowResult) -> Option<&[f32]> {
    let smoothed = result.genre_smoothed.as_deref();
    finite(smoothed.or(result.genre.as_deref())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::timed;
    use mertscope_audio::Status;

    /// Windows of 4 s, one per second, labeled by what they start with.
    fn merged(labels: &str) -> Vec<Segment<char>> {
        let results: Vec<_> = (0..labels.len())
            .map(|i| timed(i as f64, 4.0, Status::Silent))
            .collect();
        merge(&results, |r| labels.as_bytes()[r.start_s as usize] as char)
    }

    fn spans(segments: &[Segment<char>]) -> Vec<(char, f64, f64)> {
        segments
            .iter()
            .map(|s| (s.label, s.start_s, s.end_s))
            .collect()
    }

    #[test]
    fn equal_neighbors_merge_and_leave_no_holes() {
        let segments = merged("aaabba");
        assert_eq!(
            spans(&segments),
            [('a', 0.0, 4.5), ('b', 4.5, 6.5), ('a', 6.5, 9.0)]
        );
        assert_eq!(segments[1].windows, 3..5);
        assert!(merge(&[], |_| 'a').is_empty());
    }

    #[test]
    fn folding_drops_the_shortest_first_and_rejoins_its_neighbors() {
        let segments = merged("aaaabaaaacccc");
        assert_eq!(segments.len(), 4);
        let folded = fold(segments.clone(), 3);
        assert_eq!(spans(&folded), [('a', 0.0, 10.5), ('c', 10.5, 16.0)]);
        assert_eq!(folded[0].windows, 0..9);
        assert_eq!(fold(segments.clone(), 4), segments);
        let one = fold(segments, 1);
        assert_eq!((one[0].start_s, one[0].end_s), (0.0, 16.0));
    }

    #[test]
    fn folding_at_the_edges_keeps_the_whole_duration() {
        for labels in ["baaa", "aaab"] {
            let folded = fold(merged(labels), 1);
            assert_eq!((folded[0].start_s, folded[0].end_s), (0.0, 7.0));
        }
    }
}
