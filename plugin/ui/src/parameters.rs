//! The parameters: names, defaults, bounds, values, and a change of one. The plugin makes a host's
//! parameters, and the views their controls, from the same constants; the bounds of the CPU share stand here too.

use std::ops::RangeInclusive;

use mertscope_live::{Hop, MAX_HOP_S};
use mertscope_music::Notation;

/// Name of [`ParameterValues::analyze`].
pub const ANALYZE: &str = "Analyze";
/// Name of [`ParameterValues::hop`].
pub const HOP: &str = "Hop";
/// Name of [`ParameterValues::smoothing`].
pub const SMOOTHING: &str = "Smoothing";
/// Name of [`ParameterValues::source`].
pub const SOURCE: &str = "Source";
/// Name of [`ParameterValues::hold`].
pub const HOLD: &str = "Hold";
/// Name of [`ParameterValues::notation`].
pub const NOTATION: &str = "Notation";

/// Name of the host's trigger that starts again, as at a change of track.
pub const START_AGAIN: &str = "Start again";

/// The number of seconds that stands for [`Hop::Auto`] in a host and in a slider.
const AUTO_HOP_S: f32 = 0.0;
/// [`Hop::Auto`] in words.
const AUTO: &str = "Auto";

/// Hops are chosen in steps of this many seconds; one step is the shortest.
pub const HOP_STEP_S: f32 = 0.5;

/// The hops that can be chosen, in seconds, from Auto to the engine's longest.
pub const HOPS_S: RangeInclusive<f32> = AUTO_HOP_S..=MAX_HOP_S as f32;

/// The shares of one processor core that can be chosen, in percent.
pub(crate) const CPU_SHARES_PERCENT: RangeInclusive<f32> = 5.0..=100.0;
/// CPU shares are chosen in steps of this many percent.
pub(crate) const CPU_SHARE_STEP_PERCENT: f64 = 5.0;
/// Share of one processor core that a new instance may take, 0 to 1.
pub(crate) const DEFAULT_CPU_SHARE: f32 = 0.5;

/// The most err of an 8-bit form: the values that its slider offers, and their step.
pub(crate) const MOST_ERRS: std::ops::RangeInclusive<f32> = 0.0..=0.5;
pub(crate) const MOST_ERR_STEP: f64 = 0.01;

/// The input that is analyzed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputSource {
    /// The audio that passes through.
    Main,
    /// The side-chain input; in a layout without one, the audio that passes through.
    SideChain,
}

/// The values of all parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ParameterValues {
    /// Whether audio is analyzed; it passes either way.
    pub analyze: bool,
    /// Time from one window to the next.
    pub hop: Hop,
    /// Whether results are smoothed over audio time, or shown window by window.
    pub smoothing: bool,
    /// The input that is analyzed.
    pub source: InputSource,
    /// Whether the display is frozen; analysis goes on.
    pub hold: bool,
    /// The notation of keys.
    pub notation: Notation,
}

impl ParameterValues {
    /// The values of a new instance.
    pub const DEFAULT: Self = Self {
        analyze: true,
        hop: Hop::Auto,
        smoothing: true,
        source: InputSource::Main,
        hold: false,
        notation: Notation::Traditional,
    };

    /// The changes that set these values, one per parameter.
    #[must_use]
    pub const fn changes(self) -> [ParameterChange; 6] {
        [
            ParameterChange::Analyze(self.analyze),
            ParameterChange::Hop(self.hop),
            ParameterChange::Smoothing(self.smoothing),
            ParameterChange::Source(self.source),
            ParameterChange::Hold(self.hold),
            ParameterChange::Notation(self.notation),
        ]
    }
}

impl Default for ParameterValues {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A new value for one parameter; see [`ParameterValues`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ParameterChange {
    /// Whether audio is analyzed.
    Analyze(bool),
    /// Time from one window to the next.
    Hop(Hop),
    /// Whether results are smoothed.
    Smoothing(bool),
    /// The input that is analyzed.
    Source(InputSource),
    /// Whether the display is frozen.
    Hold(bool),
    /// The notation of keys.
    Notation(Notation),
}

/// A hop from the number of seconds that a host or a slider holds, in which 0 stands for Auto.
#[must_use]
pub fn hop_from_s(hop_s: f32) -> Hop {
    if hop_s >= HOP_STEP_S {
        Hop::Seconds(f64::from(hop_s))
    } else {
        Hop::Auto
    }
}

/// The number of seconds that a host or a slider holds for a hop; 0 for Auto.
#[must_use]
pub const fn s_from_hop(hop: Hop) -> f32 {
    match hop {
        Hop::Auto => AUTO_HOP_S,
        Hop::Seconds(seconds) => seconds as f32,
    }
}

/// The nearest number of seconds that can be chosen.
#[must_use]
pub(crate) fn stepped_hop_s(hop_s: f32) -> f32 {
    ((hop_s / HOP_STEP_S).round() * HOP_STEP_S).clamp(*HOPS_S.start(), *HOPS_S.end())
}

/// Writes a number of seconds as a hop: `Auto` or `1.5 s`.
#[must_use]
pub fn text_from_hop_s(hop_s: f32) -> String {
    match hop_from_s(hop_s) {
        Hop::Auto => AUTO.to_owned(),
        Hop::Seconds(seconds) => format!("{seconds:.1} s"),
    }
}

/// Reads what [`text_from_hop_s`] writes, in upper or lower case, with or without the unit.
#[must_use]
pub fn hop_s_from_text(text: &str) -> Option<f32> {
    let text = text.trim();
    if text.eq_ignore_ascii_case(AUTO) {
        return Some(AUTO_HOP_S);
    }
    let number = text.strip_suffix(['s', 'S']).unwrap_or(text).trim_end();
    number.parse().ok().filter(|hop_s: &f32| hop_s.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hops_read_back_as_they_are_written() {
        for step in 0..=60u8 {
            let hop_s = f32::from(step) * HOP_STEP_S;
            assert_eq!(hop_s_from_text(&text_from_hop_s(hop_s)), Some(hop_s));
            assert_eq!(s_from_hop(hop_from_s(hop_s)), hop_s);
            assert_eq!(stepped_hop_s(hop_s + 0.2), hop_s);
        }
        assert_eq!(hop_s_from_text(" AUTO "), Some(0.0));
        for nonsense in ["", "s", "fast", "inf", "NaN s"] {
            assert_eq!(hop_s_from_text(nonsense), None, "{nonsense}");
        }
    }
}
