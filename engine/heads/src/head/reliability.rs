//! Whether what is shown is as right as it says: calibration, what is named, first labels and calm, for music whose
//! files have one true label each, with bootstrap intervals over groups of files.
//!
//! Deliberately not here: what is shown; it comes from the interpreter and the summary, as people see it.

use super::metrics::calibration_error;

/// Resamplings of the groups behind an interval.
const RESAMPLINGS: usize = 400;
/// Points of a risk–coverage curve.
const CURVE_POINTS: usize = 50;

/// An answer as it is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShownAnswer {
    /// Seconds of audio heard before it.
    pub heard_s: f64,
    /// Index of the most probable label.
    pub best: usize,
    /// The figure shown beside it.
    pub probability: f32,
    /// Whether the label is named.
    pub is_named: bool,
}

/// What is shown of one labeled file.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownFile {
    /// Its group, such as its artist.
    pub group: String,
    /// Index of its label.
    pub truth: usize,
    /// The answers while it plays, in order.
    pub live: Vec<ShownAnswer>,
    /// The answer of its summary.
    pub whole: ShownAnswer,
}

/// A figure with its 95 % interval; NaN when there is nothing to judge.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    /// The figure.
    pub value: f64,
    /// The 2.5th percentile of resampled groups.
    pub low: f64,
    /// The 97.5th percentile.
    pub high: f64,
}

/// The reliability of answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Answers {
    /// Number of judged answers.
    pub count: usize,
    /// The expected calibration error of the figure shown, over ten bins of equal counts.
    pub calibration_error: Figure,
    /// The mean of that error if every figure were true and every answer independent.
    pub by_chance: f64,
    /// Share of all answers whose most probable label is right.
    pub exact: Figure,
    /// Share of the named labels that are right.
    pub right_where_named: Figure,
    /// Share of the answers that name a label.
    pub named: Figure,
    /// Share named, and share right of these, for falling limits.
    pub curve: Vec<(f64, f64)>,
}

/// The first named labels, and the changes of the named label.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stability {
    /// Share of first named labels that are wrong, of the files with one.
    pub first_wrong: Figure,
    /// Median seconds of audio until the right label is named for the first time, of the files where it is.
    pub first_right_s: Figure,
    /// Changes from one named label to another, per minute of audio.
    pub changes_per_minute: Figure,
}

/// The reliability of what is shown live and of whole files.
#[derive(Debug, Clone, PartialEq)]
pub struct Reliability {
    /// Number of files.
    pub files: usize,
    /// Number of groups.
    pub groups: usize,
    /// While the music plays, each window.
    pub live: Answers,
    /// Each file's summary.
    pub whole: Answers,
    /// First labels and changes.
    pub stability: Stability,
}

impl Reliability {
    /// Judges `files`. Equal data give equal figures.
    #[must_use]
    pub fn of(files: &[ShownFile]) -> Self {
        let mut groups: Vec<Vec<&ShownFile>> = Vec::new();
        let mut sorted: Vec<&ShownFile> = files.iter().collect();
        sorted.sort_by(|a, b| a.group.cmp(&b.group));
        for file in sorted {
            match groups.last_mut() {
                Some(group) if group[0].group == file.group => group.push(file),
                _ => groups.push(vec![file]),
            }
        }
        Self {
            files: files.len(),
            groups: groups.len(),
            live: Answers::of(&groups, live),
            whole: Answers::of(&groups, whole),
            stability: Stability {
                first_wrong: figure(&groups, first_wrong),
                first_right_s: figure(&groups, first_right_s),
                changes_per_minute: figure(&groups, changes_per_minute),
            },
        }
    }
}

/// The answers of files, each with whether it is right.
type Judged = Vec<(ShownAnswer, bool)>;

fn live(files: &[&ShownFile]) -> Judged {
    let of = |file: &&ShownFile| {
        let truth = file.truth;
        let judged = move |answer: &ShownAnswer| (*answer, answer.best == truth);
        file.live.iter().map(judged).collect::<Vec<_>>()
    };
    files.iter().flat_map(of).collect()
}

fn whole(files: &[&ShownFile]) -> Judged {
    let judged = |file: &&ShownFile| (file.whole, file.whole.best == file.truth);
    files.iter().map(judged).collect()
}

impl Answers {
    fn of(groups: &[Vec<&ShownFile>], answers: fn(&[&ShownFile]) -> Judged) -> Self {
        let all = answers(&groups.concat());
        Self {
            count: all.len(),
            calibration_error: figure(groups, |files| calibration(&answers(files)).0),
            by_chance: calibration(&all).1,
            exact: figure(groups, |files| share_right(&answers(files))),
            right_where_named: figure(groups, |files| {
                let mut judged = answers(files);
                judged.retain(|(answer, _)| answer.is_named);
                share_right(&judged)
            }),
            named: figure(groups, |files| {
                let judged = answers(files);
                let named = judged.iter().filter(|(answer, _)| answer.is_named);
                named.count() as f64 / judged.len() as f64
            }),
            curve: curve(all),
        }
    }
}

fn calibration(judged: &Judged) -> (f64, f64) {
    let pairs = judged.iter();
    calibration_error(
        pairs
            .map(|(answer, right)| (f64::from(answer.probability), *right))
            .collect(),
    )
}

fn share_right(judged: &Judged) -> f64 {
    judged.iter().filter(|(_, right)| *right).count() as f64 / judged.len() as f64
}

/// Share named, and share right of these, when the most probable answers are named first.
fn curve(mut judged: Judged) -> Vec<(f64, f64)> {
    judged.sort_by(|a, b| b.0.probability.total_cmp(&a.0.probability));
    let count = judged.len();
    let points = CURVE_POINTS.min(count);
    let point = |n: usize| {
        let named = (n * count).div_ceil(points.max(1));
        let right = judged[..named].iter().filter(|(_, right)| *right).count();
        (named as f64 / count as f64, right as f64 / named as f64)
    };
    (1..=points).map(point).collect()
}

fn first_wrong(files: &[&ShownFile]) -> f64 {
    let first = |file: &&ShownFile| {
        let answer = file.live.iter().find(|answer| answer.is_named)?;
        Some(answer.best != file.truth)
    };
    let firsts: Vec<bool> = files.iter().filter_map(first).collect();
    firsts.iter().filter(|wrong| **wrong).count() as f64 / firsts.len() as f64
}

fn first_right_s(files: &[&ShownFile]) -> f64 {
    let first = |file: &&ShownFile| {
        let is_right = |answer: &&ShownAnswer| answer.is_named && answer.best == file.truth;
        file.live.iter().find(is_right).map(|answer| answer.heard_s)
    };
    let mut times: Vec<f64> = files.iter().filter_map(first).collect();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

fn changes_per_minute(files: &[&ShownFile]) -> f64 {
    let (mut changes, mut minutes) = (0.0, 0.0);
    for file in files {
        let named = file.live.iter().filter(|answer| answer.is_named);
        let labels: Vec<usize> = named.map(|answer| answer.best).collect();
        changes += labels.windows(2).filter(|pair| pair[0] != pair[1]).count() as f64;
        minutes += file.live.last().map_or(0.0, |answer| answer.heard_s) / 60.0;
    }
    changes / minutes
}

/// A figure of all files, and its interval from resampled groups.
fn figure(groups: &[Vec<&ShownFile>], of: impl Fn(&[&ShownFile]) -> f64) -> Figure {
    let value = of(&groups.concat());
    let mut random = fastrand::Rng::with_seed(0);
    let mut resampled: Vec<f64> = (0..RESAMPLINGS)
        .map(|_| {
            let drawn = (0..groups.len()).flat_map(|_| &groups[random.usize(..groups.len())]);
            of(&drawn.copied().collect::<Vec<_>>())
        })
        .filter(|value| value.is_finite())
        .collect();
    resampled.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let last = resampled.len().saturating_sub(1) as f64;
        let found = resampled.get((share * last).round() as usize);
        found.copied().unwrap_or(f64::NAN)
    };
    Figure {
        value,
        low: at(0.025),
        high: at(0.975),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of ten windows, 1 s apart: `labels` has a digit for a named label and a letter for an unnamed one.
    fn file(group: &str, truth: usize, labels: &str, probability: f32) -> ShownFile {
        let answer = |(n, c): (usize, char)| ShownAnswer {
            heard_s: 5.0 + n as f64,
            best: c.to_digit(10).map_or(9, |digit| digit as usize),
            probability,
            is_named: c.is_ascii_digit(),
        };
        let live: Vec<ShownAnswer> = labels.chars().enumerate().map(answer).collect();
        ShownFile {
            group: group.to_owned(),
            truth,
            whole: *live.last().unwrap(),
            live,
        }
    }

    #[test]
    fn figures_of_a_small_table_match_those_computed_by_hand() {
        let files = [
            file("a", 1, "xx11111111", 0.8),
            file("a", 1, "xx22111111", 0.8),
            file("b", 3, "xxxxxxxx44", 0.8),
        ];
        let found = Reliability::of(&files);
        assert_eq!((found.files, found.groups), (3, 2));
        let live = &found.live;
        assert_eq!(live.count, 30);
        assert!((live.exact.value - 14.0 / 30.0).abs() < 1e-9);
        assert!((live.named.value - 18.0 / 30.0).abs() < 1e-9);
        assert!((live.right_where_named.value - 14.0 / 18.0).abs() < 1e-9);
        assert!((found.whole.exact.value - 2.0 / 3.0).abs() < 1e-9);
        let stability = found.stability;
        assert!((stability.first_wrong.value - 2.0 / 3.0).abs() < 1e-9);
        assert_eq!(stability.first_right_s.value, 9.0);
        // One change in three times 14 s.
        assert!((stability.changes_per_minute.value - 60.0 / 42.0).abs() < 1e-9);
    }

    #[test]
    fn intervals_hold_the_figure_and_narrow_with_more_groups() {
        let width = |groups: usize| {
            let files: Vec<ShownFile> = (0..groups)
                .map(|n| file(&n.to_string(), 1, if n % 3 == 0 { "2" } else { "1" }, 0.7))
                .collect();
            let exact = Reliability::of(&files).whole.exact;
            assert!(exact.low <= exact.value && exact.value <= exact.high);
            exact.high - exact.low
        };
        assert!(width(300) < 0.5 * width(30));
    }

    #[test]
    fn risk_falls_with_coverage_when_figures_are_true() {
        let mut files = Vec::new();
        for n in 0..200 {
            let sure = n % 2 == 0;
            let wrong = n % if sure { 20 } else { 3 } == 0;
            let label = if wrong { "2" } else { "1" };
            files.push(file(&n.to_string(), 1, label, if sure { 0.9 } else { 0.6 }));
        }
        let curve = Reliability::of(&files).whole.curve;
        let (half, last) = (curve[curve.len() / 2], curve[curve.len() - 1]);
        assert!(
            half.1 > last.1 + 0.05 && (last.0 - 1.0).abs() < 1e-9,
            "{curve:?}"
        );
    }

    #[test]
    fn nothing_to_judge_is_nan_and_no_panic() {
        let found = Reliability::of(&[]);
        assert!(found.live.exact.value.is_nan() && found.live.curve.is_empty());
        let unnamed = Reliability::of(&[file("a", 1, "xxx", 0.2)]);
        assert!(unnamed.stability.first_wrong.value.is_nan());
        assert_eq!(unnamed.live.named.value, 0.0);
    }
}
