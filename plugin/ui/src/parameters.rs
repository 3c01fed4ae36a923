//! The parameters as the views know them: their names, defaults and bounds, their values, and a
//! change of one. The plugin makes a host's parameters from the same constants.

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
/// Name of [`ParameterValues::log`].
pub const LOG: &str = "Log";

/// Longest hop that can be asked for, in seconds.
pub const LONGEST_HOP_S: f32 = MAX_HOP_S as f32;

/// Hops are chosen in steps of this many seconds.
pub const HOP_STEP_S: f32 = 0.5;

/// The input that is analyzed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputSource {
    /// What passes through.
    Main,
    /// The side-chain input; what passes through in a layout that has none.
    SideChain,
}

/// The values of all parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ParameterValues {
    /// Whether anything is analyzed; audio passes either way.
    pub analyze: bool,
    /// Time from one window to the next.
    pub hop: Hop,
    /// Whether results are smoothed over audio time or each window stands for itself.
    pub smoothing: bool,
    /// Which input is analyzed.
    pub source: InputSource,
    /// Whether the display stays as it is; analysis goes on.
    pub hold: bool,
    /// How keys are written.
    pub notation: Notation,
    /// Whether results are written to a file.
    pub log: bool,
}

impl ParameterValues {
    /// What a new instance has.
    pub const DEFAULT: Self = Self {
        analyze: true,
        hop: Hop::Auto,
        smoothing: true,
        source: InputSource::Main,
        hold: false,
        notation: Notation::Traditional,
        log: false,
    };

    /// The changes that lead to these values, one per parameter.
    #[must_use]
    pub const fn changes(self) -> [ParameterChange; 7] {
        [
            ParameterChange::Analyze(self.analyze),
            ParameterChange::Hop(self.hop),
            ParameterChange::Smoothing(self.smoothing),
            ParameterChange::Source(self.source),
            ParameterChange::Hold(self.hold),
            ParameterChange::Notation(self.notation),
            ParameterChange::Log(self.log),
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
    /// Whether anything is analyzed.
    Analyze(bool),
    /// Time from one window to the next.
    Hop(Hop),
    /// Whether results are smoothed.
    Smoothing(bool),
    /// Which input is analyzed.
    Source(InputSource),
    /// Whether the display stays as it is.
    Hold(bool),
    /// How keys are written.
    Notation(Notation),
    /// Whether results are written to a file.
    Log(bool),
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
        Hop::Auto => 0.0,
        Hop::Seconds(seconds) => seconds as f32,
    }
}

/// The nearest number of seconds that can be chosen.
#[must_use]
pub(crate) fn stepped_hop_s(hop_s: f32) -> f32 {
    ((hop_s / HOP_STEP_S).round() * HOP_STEP_S).clamp(0.0, LONGEST_HOP_S)
}

/// Writes a number of seconds as a hop: `Auto` or `1.5 s`.
#[must_use]
pub fn text_from_hop_s(hop_s: f32) -> String {
    match hop_from_s(hop_s) {
        Hop::Auto => "Auto".to_owned(),
        Hop::Seconds(seconds) => format!("{seconds:.1} s"),
    }
}

/// Reads what [`text_from_hop_s`] writes, in upper or lower case, with or without the unit.
#[must_use]
pub fn hop_s_from_text(text: &str) -> Option<f32> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("auto") {
        return Some(s_from_hop(Hop::Auto));
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
