//! A window's result in words, for tooltips and text equivalents.

use mertscope_audio::Status;
use mertscope_live::Entry;

use crate::key_answer;
use crate::text;
use crate::tuning;
use crate::view_context::{ViewContext, best_label, distance_to};

/// A window's result, one line per statement: key, tuning, genre, distances; or why there is none.
pub(crate) fn entry_words(context: &ViewContext<'_>, entry: &Entry) -> String {
    let timed = &entry.timed;
    let Some(result) = &timed.result else {
        return match timed.status {
            Status::Silent => "Silence: not analyzed",
            Status::Gap => "Audio is missing: not analyzed",
            Status::Invalid => "NaN or infinite samples: not analyzed",
            Status::Failed => "The model failed on this window",
            Status::Ok => "Not analyzed",
        }
        .to_owned();
    };
    let mut lines = Vec::new();
    if let Some(answer) = &result.key_answer {
        lines.push(key_answer::line(context, answer));
    }
    if let Some(tuning) = result.tuning_smoothed.and_then(tuning::notable) {
        lines.push(format!("Tuning {}", tuning::spoken(tuning)));
    }
    if let Some((index, p)) = best_label(context.genre_labels(), entry) {
        let best = format!(
            "{} {}",
            text::label(&context.genre_labels()[index]),
            text::percent(p)
        );
        lines.push(if context.genre_is_clear(p) {
            best
        } else {
            format!("No clear genre ({best})")
        });
    }
    for reference in context.compared() {
        if let Some(distance) = distance_to(result, reference) {
            lines.push(format!("{}: distance {distance:.2}", reference.name));
        }
    }
    let bridged_s = entry.bridged_frames as f64 / f64::from(context.snapshot.rate_hz.max(1));
    if entry.bridged_frames > 0 {
        lines.push(format!("{:.0} ms lost and bridged", bridged_s * 1000.0));
    }
    let mut all = context.snapshot.history.iter();
    if entry.host_samples.is_none() && all.any(|other| other.host_samples.is_some()) {
        lines.push("Heard while the transport stood: elapsed time".to_owned());
    }
    lines.join("\n")
}
