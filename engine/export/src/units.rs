//! Formatting of values: clock times and percentages for people, rounded numbers for files.

use mertscope_audio::Status;
use mertscope_heads::timeline::{Summary, WindowResult};
use mertscope_music::{Key, Notation, Tuning};

use super::ReferenceRef;

/// Seconds as `m:ss`, from an hour on as `h:mm:ss`; rounded to the nearest second.
pub(crate) fn clock(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

/// Seconds as `m:ss.t`, for times that need tenths.
pub(crate) fn clock_tenths(seconds: f64) -> String {
    let tenths = (seconds.max(0.0) * 10.0).round() as u64;
    let whole = clock((tenths / 10) as f64);
    format!("{whole}.{}", tenths % 10)
}

/// A probability as a whole percentage; `0 %` and `100 %` only for exactly these.
pub(crate) fn percent(probability: f32) -> String {
    let rounded = (probability * 100.0).round();
    if probability > 0.0 && rounded < 1.0 {
        "<1 %".to_owned()
    } else if probability < 1.0 && rounded > 99.0 {
        ">99 %".to_owned()
    } else {
        format!("{rounded} %")
    }
}

/// A key with its place on the Camelot wheel: `A minor (8A)`.
pub(crate) fn key_and_camelot(key: Key) -> String {
    format!("{key} ({})", key.to_text(Notation::Camelot))
}

/// Names of the reason why a window was not analyzed, from the longest to the shortest.
pub(crate) fn skipped_names(status: Status) -> &'static [&'static str] {
    match status {
        Status::Ok => &[],
        Status::Silent => &["silence"],
        Status::Gap => &["audio missing", "gap"],
        Status::Invalid => &["invalid samples", "invalid"],
        Status::Failed => &["model failed", "failed"],
    }
}

/// A time for files, in seconds: rounded to the millisecond.
pub(crate) fn to_millisecond(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}

/// A probability for files: rounded to six decimals.
pub(crate) fn to_millionth(probability: f32) -> f64 {
    (f64::from(probability) * 1e6).round() / 1e6
}

/// `probabilities`, unless one of them is NaN or infinite: no answer is better than a wrong one.
pub(crate) fn finite(probabilities: &[f32]) -> Option<&[f32]> {
    probabilities
        .iter()
        .all(|p| p.is_finite())
        .then_some(probabilities)
}

/// A window's place on the map for files.
pub(crate) fn place(result: &WindowResult) -> Option<[f64; 2]> {
    let place = result.point.filter(|at| at.iter().all(|x| x.is_finite()))?;
    Some(place.map(to_millionth))
}

/// The tentative pair in the order of [`Key::index`], whichever of both leads.
pub(crate) fn tentative(result: &WindowResult) -> Option<[Key; 2]> {
    let mut pair = result.key_answer?.pair()?;
    pair.sort_by_key(|key| key.index());
    Some(pair)
}

/// Cents for files: rounded to a tenth.
pub(crate) fn to_cent_tenth(cents: f32) -> f64 {
    (f64::from(cents) * 10.0).round() / 10.0
}

/// `tuning`, unless one of its values is NaN or infinite.
pub(crate) fn finite_tuning(tuning: Tuning) -> Option<Tuning> {
    (tuning.cents.is_finite() && tuning.certainty.is_finite()).then_some(tuning)
}

/// A tuning as people read it: `+32 cents (A = 448.2 Hz)`.
pub(crate) fn tuning_text(tuning: Tuning) -> String {
    if tuning.is_clear() {
        format!("{tuning} (A = {:.1} Hz)", tuning.reference_hz())
    } else {
        "no clear tuning".to_owned()
    }
}

/// A window's distance to a reference.
pub(crate) fn distance_to(result: &WindowResult, reference: &ReferenceRef) -> Option<f32> {
    let mut all = result.distances.iter();
    let (_, distance) = all.find(|(id, _)| **id == *reference.id)?;
    Some(*distance).filter(|distance| distance.is_finite())
}

/// A summary without NaN and infinite probabilities.
pub(crate) fn finite_summary(mut summary: Summary) -> Summary {
    summary
        .genre
        .retain(|(_, probability)| probability.is_finite());
    summary.key = summary
        .key
        .filter(|key| key.answer.best.1.is_finite() && key.answer.runner_up.1.is_finite());
    summary.tuning = summary.tuning.and_then(finite_tuning);
    summary
}

/// Index and value of the largest of `probabilities`; `None` when it is empty or has a NaN.
pub(crate) fn top(probabilities: &[f32]) -> Option<(usize, f32)> {
    finite(probabilities)?
        .iter()
        .copied()
        .enumerate()
        .max_by(|a, b| a.1.total_cmp(&b.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_times_carry_over_at_every_place() {
        for (seconds, text) in [
            (0.0, "0:00"),
            (-1.0, "0:00"),
            (59.4, "0:59"),
            (59.6, "1:00"),
            (3599.6, "1:00:00"),
            (7322.0, "2:02:02"),
        ] {
            assert_eq!(clock(seconds), text);
        }
        assert_eq!(clock_tenths(0.25), "0:00.3");
        assert_eq!(clock_tenths(59.96), "1:00.0");
    }

    #[test]
    fn percentages_never_claim_certainty_that_is_not_there() {
        for (probability, text) in [
            (0.0, "0 %"),
            (0.001, "<1 %"),
            (0.314, "31 %"),
            (0.996, ">99 %"),
            (1.0, "100 %"),
        ] {
            assert_eq!(percent(probability), text);
        }
    }

    #[test]
    fn values_are_kept_in_their_shortest_spelling() {
        assert_eq!(to_millionth(0.1).to_string(), "0.1");
        assert_eq!(to_millionth(0.123_456_79).to_string(), "0.123457");
        assert_eq!(to_millisecond(1.0 / 3.0).to_string(), "0.333");
    }

    #[test]
    fn a_nan_among_probabilities_is_no_answer() {
        assert_eq!(top(&[0.2, 0.7, 0.1]), Some((1, 0.7)));
        assert_eq!(top(&[]), None);
        assert_eq!(top(&[0.2, f32::NAN]), None);
        assert_eq!(finite(&[0.5, f32::INFINITY]), None);
    }
}
