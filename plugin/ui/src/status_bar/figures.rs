//! The figures of the status bar, and the bar in words.

use mertscope_live::{ModelState, RunningModel, Snapshot, State};

use crate::text;

/// One figure: its name, its value, its widest usual value, and its meaning.
pub(super) struct Figure {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) widest: &'static str,
    pub(super) about: &'static str,
}

/// The figures, the most wanted first.
pub(super) fn figures(snapshot: &Snapshot) -> Vec<Figure> {
    let figure = |name, value, widest, about| Figure {
        name,
        value,
        widest,
        about,
    };
    let running = snapshot.model.running.as_ref();
    let hop = match snapshot.hop_asked_s {
        None => format!("{:.1} s auto", snapshot.hop_s),
        Some(asked) if (asked - snapshot.hop_s).abs() < 0.05 => format!("{:.1} s", snapshot.hop_s),
        Some(asked) => format!("{:.1} s of {asked:.1} s", snapshot.hop_s),
    };
    vec![
        figure(
            "Device",
            running.map_or_else(dash, |r| r.device.name.clone()),
            "",
            "The device that the model runs on; the settings say why",
        ),
        figure(
            "Inference",
            ms(snapshot.inference_s),
            "0000 ms",
            "The time that the model took for the last window",
        ),
        figure(
            "Hop",
            hop,
            "00.0 s auto",
            "Time from one window to the next: the one in use, and the one asked for when that differs",
        ),
        figure(
            "Lag",
            ms(snapshot.latency_s),
            "0000 ms",
            "Time from the last sample of a window to its result",
        ),
        figure(
            "Lost",
            lost(snapshot),
            "0000",
            "Audio frames that could not be taken in, short gaps that were bridged, and windows that were skipped for newer ones",
        ),
        figure(
            "Next in",
            next_in(snapshot),
            "00.0 s",
            "Time until the next result is due",
        ),
        figure(
            "Model",
            running.map_or_else(dash, RunningModel::form),
            "",
            "The model that runs; of a published one also the layers in use, when they are not all, and the precision",
        ),
    ]
}

fn dash() -> String {
    "–".to_owned()
}

fn ms(seconds: Option<f64>) -> String {
    seconds.map_or_else(dash, |s| format!("{:.0} ms", s * 1000.0))
}

fn lost(snapshot: &Snapshot) -> String {
    let counts = [
        (snapshot.lost_frames, "frames"),
        (snapshot.bridged_gaps, "bridged"),
        (snapshot.skipped_windows, "windows"),
    ];
    let counted = counts.iter().filter(|(count, _)| *count > 0);
    let words: Vec<String> = counted
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    match words.is_empty() {
        true => "0".to_owned(),
        false => words.join(", "),
    }
}

/// Seconds until the next window is due.
fn next_in(snapshot: &Snapshot) -> String {
    // The one before a stop or a loss is no measure for the next.
    let latest = snapshot.latest.as_ref().filter(|latest| {
        snapshot.state == State::Analyzing && latest.generation == snapshot.generation
    });
    let due = latest.map(|entry| entry.timed.end_s + snapshot.hop_s - snapshot.position_s);
    match due.filter(|due| due.is_finite() && *due <= snapshot.hop_s + 1.0) {
        Some(due) => format!("{:.1} s", due.max(0.0)),
        None => dash(),
    }
}

/// The state in a word or two.
pub(super) fn state_words(snapshot: &Snapshot) -> &'static str {
    match (snapshot.model.state, snapshot.state) {
        (ModelState::Loading, _) => "Loading model",
        (_, State::Idle) => "Idle",
        (_, State::Stopped) => "Stopped",
        (_, State::Silent) => "Silence",
        (_, State::Analyzing) => "Analyzing",
    }
}

/// A level in decibels below full scale.
pub(super) fn level_text(level_dbfs: f32) -> String {
    if level_dbfs.is_finite() {
        format!("{level_dbfs:.1} dB").replace('-', "−")
    } else {
        "−∞ dB".to_owned()
    }
}

/// The status bar in words.
pub(super) fn description(snapshot: &Snapshot) -> String {
    let mut words = vec![
        format!("Status: {}", state_words(snapshot)),
        format!("level {}", level_text(snapshot.level_dbfs)),
        format!("window {} full", text::percent(snapshot.window_fill)),
    ];
    words.extend(
        figures(snapshot)
            .iter()
            .map(|figure| format!("{} {}", figure.name.to_lowercase(), figure.value)),
    );
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_without_a_value_are_dashes() {
        let snapshot = Snapshot {
            level_dbfs: f32::NAN,
            hop_s: f64::NAN,
            ..Snapshot::default()
        };
        assert!(
            figures(&snapshot)
                .iter()
                .all(|figure| !figure.value.is_empty())
        );
        assert_eq!(next_in(&snapshot), "–");
        assert_eq!(level_text(f32::NEG_INFINITY), "−∞ dB");
    }

    #[test]
    fn losses_are_counted_in_their_units() {
        let lost = |lost_frames, bridged_gaps, skipped_windows| {
            lost(&Snapshot {
                lost_frames,
                bridged_gaps,
                skipped_windows,
                ..Snapshot::default()
            })
        };
        assert_eq!(lost(0, 0, 0), "0");
        assert_eq!(lost(480, 0, 0), "480 frames");
        assert_eq!(lost(480, 1, 0), "480 frames, 1 bridged");
        assert_eq!(lost(0, 3, 2), "3 bridged, 2 windows");
    }
}
