//! The parameters that a host shows, automates and saves.

use std::sync::Arc;

use mertscope_engine::music;
use nih_plug::prelude::*;

use crate::state::Memory;

/// Longest hop that can be asked for, in seconds.
const MAX_HOP_S: f32 = 30.0;

/// Hops are chosen in steps of this many seconds.
const HOP_STEP_S: f32 = 0.5;

/// All of them. Values are atomics: any thread may read them at any time.
#[derive(Params)]
pub struct MertscopeParams {
    /// Whether anything is analysed; audio passes either way.
    #[id = "analyse"]
    pub analyse: BoolParam,

    /// Seconds from one window to the next; 0 leaves it to the engine.
    #[id = "hop"]
    pub hop_s: FloatParam,

    /// Whether results are smoothed over audio time or each window stands for itself.
    #[id = "smoothing"]
    pub smoothing: BoolParam,

    /// Which input is analysed.
    #[id = "source"]
    pub source: EnumParam<Source>,

    /// Whether the display stays as it is; analysis goes on.
    #[id = "hold"]
    pub hold: BoolParam,

    /// How keys are written.
    #[id = "notation"]
    pub notation: EnumParam<Notation>,

    /// Whether results are written to a file; see [`crate::log`].
    #[id = "log"]
    pub log: BoolParam,

    /// What the project remembers beside the parameters.
    #[persist = "mertscope"]
    pub memory: Memory,
}

/// The input that is analysed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum Source {
    /// What passes through.
    #[id = "main"]
    Main,
    /// The side-chain input; what passes through in a layout that has none.
    #[id = "side-chain"]
    #[name = "Side-chain"]
    SideChain,
}

/// How keys are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum Notation {
    /// `C minor`.
    #[id = "traditional"]
    Traditional,
    /// `5A`.
    #[id = "camelot"]
    Camelot,
    /// `10m`.
    #[id = "open-key"]
    #[name = "Open Key"]
    OpenKey,
}

impl From<Notation> for music::Notation {
    fn from(notation: Notation) -> Self {
        match notation {
            Notation::Traditional => Self::Traditional,
            Notation::Camelot => Self::Camelot,
            Notation::OpenKey => Self::OpenKey,
        }
    }
}

impl Default for MertscopeParams {
    fn default() -> Self {
        let hop_range = FloatRange::Linear {
            min: 0.0,
            max: MAX_HOP_S,
        };
        Self {
            analyse: BoolParam::new("Analyse", true),
            hop_s: FloatParam::new("Hop", 0.0, hop_range)
                .with_step_size(HOP_STEP_S)
                .with_value_to_string(Arc::new(text_from_hop_s))
                .with_string_to_value(Arc::new(hop_s_from_text)),
            smoothing: BoolParam::new("Smoothing", true),
            source: EnumParam::new("Source", Source::Main),
            hold: BoolParam::new("Hold", false),
            notation: EnumParam::new("Notation", Notation::Traditional),
            log: BoolParam::new("Log", false).non_automatable(),
            memory: Memory::default(),
        }
    }
}

impl MertscopeParams {
    /// Seconds from one window to the next; `None` leaves it to the engine.
    #[must_use]
    pub fn hop_s(&self) -> Option<f64> {
        let hop_s = self.hop_s.value();
        (hop_s >= HOP_STEP_S).then_some(f64::from(hop_s))
    }
}

fn text_from_hop_s(hop_s: f32) -> String {
    if hop_s < HOP_STEP_S {
        "Auto".to_owned()
    } else {
        format!("{hop_s:.1} s")
    }
}

fn hop_s_from_text(text: &str) -> Option<f32> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("auto") {
        return Some(0.0);
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
        }
        assert_eq!(hop_s_from_text(" AUTO "), Some(0.0));
        for nonsense in ["", "s", "fast", "inf", "NaN s"] {
            assert_eq!(hop_s_from_text(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn the_hop_is_automatic_until_one_is_chosen() {
        assert_eq!(MertscopeParams::default().hop_s(), None);
    }
}
