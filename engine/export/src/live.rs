//! A live history in the form of an analyzed file.
//!
//! A host's transport stops, jumps and loops, so there are two forms: `as_played`, every window in
//! the order in which it was played, for data; and `on_the_timeline`, in the order of the host's
//! timeline, with the newest window of a place that was played more than once, for pictures and MIDI.
//!
//! ```
//! use mertscope_export::live::{self, LiveError};
//!
//! let nothing = mertscope_live::Snapshot::default();
//! assert_eq!(live::run(&nothing).unwrap_err(), LiveError::Nothing);
//! ```

use std::sync::Arc;

use super::{AnalysisRun, FileReport, HeadRef, ReferenceRef};
use mertscope_audio::Status;
use mertscope_heads::head::HeadInfo;
use mertscope_heads::timeline::{HeadConfidence, TimedResult, Timeline};
use mertscope_live::{Entry, Snapshot};
use mertscope_model::runtime;

/// The name of a live history, in the place of a file's.
const NAME: &str = "Heard live";

/// Holes that are shorter than this, in seconds, are rounding, not silence of the host.
const SMALLEST_HOLE_S: f64 = 0.01;

/// Why a live history can't be exported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LiveError {
    /// It is empty, or no model runs.
    #[error("There is nothing to export yet; play some seconds of music first.")]
    Nothing,
}

/// The run of the whole history: the model that runs, its heads and its device.
///
/// # Errors
/// [`LiveError::Nothing`] while no model runs or the history is empty.
pub fn run(snapshot: &Snapshot) -> Result<AnalysisRun, LiveError> {
    let running = snapshot.model.running.as_ref();
    let running = running.filter(|_| !snapshot.history.is_empty());
    let running = running.ok_or(LiveError::Nothing)?;
    Ok(AnalysisRun {
        model_id: running.id.clone(),
        model_sha256: running.sha256.clone(),
        heads: [&running.genre_head, &running.key_head]
            .into_iter()
            .flatten()
            .map(HeadRef::from)
            .collect(),
        further: running.heads.iter().map(HeadRef::from).collect(),
        references: snapshot
            .study
            .references
            .iter()
            .filter(|reference| reference.encoder_sha256 == running.sha256)
            .map(|reference| ReferenceRef::from(&**reference))
            .collect(),
        device: running.device.name.clone(),
        precision: running.device.precision.id().to_owned(),
        onnxruntime: runtime::loaded().map_or_else(String::new, |r| r.version.clone()),
        window_s: running.window_s,
        hop_s: snapshot.hop_s,
    })
}

/// All windows in the order in which they were played; times jump when the transport does.
#[must_use]
pub(crate) fn as_played(snapshot: &Snapshot) -> FileReport {
    let results = snapshot.history.iter().map(|entry| entry.timed.clone());
    report(snapshot, results.collect())
}

/// The windows along the host's timeline, the newest at each place; stretches between them that were
/// never played are marked as gaps. What was heard while the transport stood has no place there; without
/// a host's timeline the stream's own clock takes its place.
#[must_use]
pub(crate) fn on_the_timeline(snapshot: &Snapshot) -> FileReport {
    let entries = snapshot.history.iter();
    let timed: Vec<Arc<Entry>> = entries
        .filter(|entry| entry.host_samples.is_some())
        .cloned()
        .collect();
    let has_timeline = !timed.is_empty();
    let placed = if has_timeline {
        &timed
    } else {
        &*snapshot.history
    };
    report(snapshot, laid_out(placed))
}

fn report(snapshot: &Snapshot, results: Vec<TimedResult>) -> FileReport {
    let running = snapshot.model.running.as_ref();
    let start_s = results.iter().map(|r| r.start_s).reduce(f64::min);
    let end_s = results.iter().map(|r| r.end_s).reduce(f64::max);
    FileReport {
        file: NAME.to_owned(),
        duration_s: start_s.zip(end_s).map(|(start, end)| end - start),
        notices: Vec::new(),
        outcome: Ok(Timeline {
            genre_labels: running.map_or_else(Vec::new, |r| r.genre_labels.to_vec()),
            confidence: confidence(snapshot),
            results,
        }),
    }
}

/// The constants of the running genre and key heads.
fn confidence(snapshot: &Snapshot) -> HeadConfidence {
    let unfitted = HeadConfidence::default();
    let Some(running) = &snapshot.model.running else {
        return unfitted;
    };
    let of = |head: &Option<HeadInfo>| head.as_ref().map(|head| head.confidence);
    HeadConfidence {
        genre: of(&running.genre_head).unwrap_or(unfitted.genre),
        key: of(&running.key_head).unwrap_or(unfitted.key),
    }
}

/// A pass: windows that follow each other on the timeline.
type Pass<'a> = &'a [Arc<Entry>];

/// Whether the second continues the first.
fn follows(first: &Arc<Entry>, second: &Arc<Entry>) -> bool {
    let forwards = second.timed.start_s >= first.timed.start_s;
    let near = second.timed.start_s <= first.timed.end_s + SMALLEST_HOLE_S;
    forwards && near
}

fn laid_out(history: &[Arc<Entry>]) -> Vec<TimedResult> {
    let passes: Vec<Pass<'_>> = history.chunk_by(follows).collect();
    let mut covered: Vec<(f64, f64)> = Vec::new();
    let mut results: Vec<TimedResult> = Vec::new();
    for pass in passes.into_iter().rev() {
        let stretch = pass.iter().map(|entry| &entry.timed);
        let uncovered = stretch.clone().filter(|timed| {
            let center_s = 0.5 * (timed.start_s + timed.end_s);
            let covers = |(start, end): &(f64, f64)| (*start..=*end).contains(&center_s);
            !covered.iter().any(covers)
        });
        results.extend(uncovered.cloned());
        let start_s = stretch.clone().map(|r| r.start_s).fold(f64::MAX, f64::min);
        let end_s = stretch.map(|r| r.end_s).fold(f64::MIN, f64::max);
        covered.push((start_s, end_s));
    }
    results.sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
    with_holes_marked(results)
}

fn with_holes_marked(results: Vec<TimedResult>) -> Vec<TimedResult> {
    let mut marked: Vec<TimedResult> = Vec::with_capacity(results.len());
    let mut end_s = f64::INFINITY;
    for timed in results {
        if timed.start_s > end_s + SMALLEST_HOLE_S {
            marked.push(TimedResult {
                start_s: end_s,
                end_s: timed.start_s,
                status: Status::Gap,
                result: None,
            });
        }
        end_s = if end_s.is_finite() {
            end_s.max(timed.end_s)
        } else {
            timed.end_s
        };
        marked.push(timed);
    }
    marked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    /// Windows of 5 s, one per second, from each start for some windows.
    fn snapshot(passes: &[(f64, usize)]) -> Snapshot {
        let timed = sample::modulating().outcome.unwrap().results[0].clone();
        let entries = passes
            .iter()
            .enumerate()
            .flat_map(|(pass, &(from, count))| {
                let timed = timed.clone();
                (0..count).map(move |n| {
                    Arc::new(Entry {
                        timed: TimedResult {
                            start_s: from + n as f64,
                            end_s: from + n as f64 + 5.0,
                            ..timed.clone()
                        },
                        host_samples: None,
                        generation: pass as u64,
                        restarts: 0,
                        bridged_frames: 0,
                        published: std::time::UNIX_EPOCH,
                    })
                })
            });
        Snapshot {
            history: Arc::new(entries.collect()),
            ..Snapshot::default()
        }
    }

    fn starts(report: &FileReport) -> Vec<(f64, Status)> {
        let results = &report.outcome.as_ref().unwrap().results;
        results.iter().map(|r| (r.start_s, r.status)).collect()
    }

    #[test]
    fn data_keeps_the_order_of_playing_and_pictures_that_of_the_timeline() {
        // A song from 20 s, then its beginning, then elsewhere.
        let snapshot = snapshot(&[(20.0, 4), (0.0, 3), (40.0, 2)]);
        let result = as_played(&snapshot);
        let times: Vec<f64> = starts(&result).iter().map(|(s, _)| *s).collect();
        assert_eq!(times, [20.0, 21.0, 22.0, 23.0, 0.0, 1.0, 2.0, 40.0, 41.0]);
        let laid_out = on_the_timeline(&snapshot);
        let gaps: Vec<_> = starts(&laid_out)
            .into_iter()
            .filter(|(_, status)| *status == Status::Gap)
            .collect();
        assert_eq!(gaps, [(7.0, Status::Gap), (28.0, Status::Gap)]);
        assert_eq!(laid_out.duration_s, Some(46.0));
        let results = laid_out.outcome.unwrap().results;
        assert!(results.is_sorted_by(|a, b| a.start_s <= b.start_s));
    }

    #[test]
    fn what_was_heard_beside_the_timeline_is_data_and_has_no_place_on_it() {
        let mut snapshot = snapshot(&[(100.0, 3), (7.0, 2), (103.0, 2)]);
        for entry in Arc::make_mut(&mut snapshot.history) {
            let entry = Arc::make_mut(entry);
            entry.host_samples = (entry.generation != 1).then_some(0..5);
        }
        let times = |report: &FileReport| {
            let starts = starts(report);
            starts.iter().map(|(s, _)| *s).collect::<Vec<_>>()
        };
        let played = [100.0, 101.0, 102.0, 7.0, 8.0, 103.0, 104.0];
        assert_eq!(times(&as_played(&snapshot)), played);
        let placed = [100.0, 101.0, 102.0, 103.0, 104.0];
        assert_eq!(times(&on_the_timeline(&snapshot)), placed);
    }

    #[test]
    fn a_loop_counts_as_it_was_played_last() {
        let snapshot = snapshot(&[(0.0, 10), (3.0, 4), (3.0, 4)]);
        let starts = starts(&on_the_timeline(&snapshot));
        // The last pass covers 3 s to 11 s: of the first, windows centered before and after stay.
        let times: Vec<f64> = starts.iter().map(|(s, _)| *s).collect();
        assert_eq!(times, [0.0, 3.0, 4.0, 5.0, 6.0, 9.0]);
    }

    #[test]
    fn without_a_model_or_a_window_there_is_nothing() {
        assert_eq!(run(&snapshot(&[(0.0, 3)])).unwrap_err(), LiveError::Nothing);
        assert_eq!(run(&Snapshot::default()).unwrap_err(), LiveError::Nothing);
    }
}
