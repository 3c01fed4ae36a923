//! A timeline thinned to the resolution of a page: neighboring windows are averaged.

use mertscope_heads::timeline::{Timeline, WindowResult};
use mertscope_music::Key;

use super::super::segments::{shown_genre, tile_end_s};
use super::super::units::finite;

/// The means of a few neighboring windows, over those that were analyzed.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Sample {
    /// Its beginning, in seconds of audio.
    pub(crate) start_s: f64,
    /// Its end, in seconds of audio.
    pub(crate) end_s: f64,
    /// The windows' own key probabilities.
    pub(crate) key: Option<Vec<f32>>,
    /// The smoothed key probabilities, if any.
    pub(crate) key_smoothed: Option<Vec<f32>>,
    /// The smoothed genre probabilities, or else the windows' own.
    pub(crate) genre: Option<Vec<f32>>,
}

impl Sample {
    /// Its center, in seconds of audio.
    pub(crate) fn center_s(&self) -> f64 {
        0.5 * (self.start_s + self.end_s)
    }
}

/// The timeline in at most `most` samples, without gaps between them.
pub(crate) fn thinned(timeline: &Timeline, most: usize) -> Vec<Sample> {
    let results = &timeline.results;
    let each = results.len().div_ceil(most.max(1)).max(1);
    let mut start_s = results.first().map_or(0.0, |r| r.start_s);
    let mut samples = Vec::new();
    for first in (0..results.len()).step_by(each) {
        let last = (first + each).min(results.len()) - 1;
        let result: Vec<&WindowResult> = results[first..=last]
            .iter()
            .filter_map(|r| r.result.as_ref())
            .collect();
        let end_s = tile_end_s(results, last);
        samples.push(Sample {
            start_s,
            end_s,
            key: mean(result.iter().filter_map(|h| own_key(h))),
            key_smoothed: mean(
                result
                    .iter()
                    .filter_map(|h| finite(h.key_smoothed.as_ref()?)),
            ),
            genre: mean(result.iter().filter_map(|h| shown_genre(h))),
        });
        start_s = end_s;
    }
    samples
}

fn own_key(result: &WindowResult) -> Option<&[f32]> {
    let key: &[f32; Key::COUNT] = result.key.as_ref()?;
    finite(key)
}

/// Mean of equally long rows, element by element; `None` without a row.
fn mean<'a>(rows: impl Iterator<Item = &'a [f32]>) -> Option<Vec<f32>> {
    let mut sum: Vec<f32> = Vec::new();
    let mut count = 0.0;
    for row in rows {
        sum.resize(row.len(), 0.0);
        sum.iter_mut().zip(row).for_each(|(sum, p)| *sum += p);
        count += 1.0;
    }
    (count > 0.0).then(|| sum.into_iter().map(|sum| sum / count).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn thinning_keeps_the_duration_and_the_sum_of_probabilities() {
        let report = sample::modulating();
        let timeline = report.outcome.unwrap();
        for most in [1, 3, 10, 28, 1000] {
            let samples = thinned(&timeline, most);
            assert!(samples.len() <= most);
            assert_eq!(samples[0].start_s, 0.0);
            assert_eq!(samples.last().unwrap().end_s, 32.0);
            assert!(
                samples
                    .windows(2)
                    .all(|pair| pair[0].end_s == pair[1].start_s)
            );
            for values in samples.iter().flat_map(|s| [&s.key, &s.genre]) {
                let total: f32 = values.as_ref().unwrap().iter().sum();
                assert!((total - 1.0).abs() < 1e-4);
            }
        }
        assert_eq!(thinned(&timeline, 1000).len(), timeline.results.len());
    }

    #[test]
    fn what_was_not_analyzed_has_no_values() {
        let timeline = sample::silent().outcome.unwrap();
        assert!(thinned(&timeline, 100).iter().all(|s| s.key.is_none()));
        assert!(thinned(&Timeline::default(), 100).is_empty());
    }
}
