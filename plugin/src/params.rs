//! The parameters that a host shows, automates and saves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mertscope_live::Hop;
use mertscope_music as music;
use mertscope_ui::parameters::{
    self, HOP_STEP_S, HOPS_S, InputSource, ParameterValues, hop_from_s, hop_s_from_text,
    s_from_hop, text_from_hop_s,
};
use mertscope_ui::state::{LogChoice, RawState};
use nih_plug::plugin::{ParamValue, PluginState as HostState};
use nih_plug::prelude::*;

use crate::state::PersistentState;
use crate::trigger::trigger;

/// The name under which a host's project has [`MertscopeParams::state`].
const STATE_FIELD: &str = "mertscope";

/// The id of [`MertscopeParams::start_again`].
const START_AGAIN_ID: &str = "start-again";

/// All parameters. Values are atomics: any thread may read them at any time.
#[derive(Params)]
pub struct MertscopeParams {
    /// Whether audio is analyzed; it passes either way.
    #[id = "analyse"]
    pub analyze: BoolParam,

    /// Seconds from one window to the next; 0 for Auto.
    #[id = "hop"]
    pub hop_s: FloatParam,

    /// Whether results are smoothed over audio time, or shown window by window.
    #[id = "smoothing"]
    pub smoothing: BoolParam,

    /// The input that is analyzed.
    #[id = "source"]
    pub source: EnumParam<SourceParam>,

    /// Whether the display is frozen; analysis goes on.
    #[id = "hold"]
    pub hold: BoolParam,

    /// The notation of keys.
    #[id = "notation"]
    pub notation: EnumParam<NotationParam>,

    /// Whether the host bypasses the plugin: audio passes as always, and nothing is analyzed.
    #[id = "bypass"]
    pub bypass: BoolParam,

    /// Starts again when it goes on, as at a change of track, and goes off by itself.
    #[id = "start-again"]
    pub start_again: Arc<BoolParam>,

    /// How often that happened.
    presses: Arc<AtomicU64>,

    /// The state that the project keeps beside the parameters.
    #[persist = "mertscope"]
    pub state: PersistentState,
}

/// The input that is analyzed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum SourceParam {
    /// The audio that passes through.
    #[id = "main"]
    Main,
    /// The side-chain input; in a layout without one, the audio that passes through.
    #[id = "side-chain"]
    #[name = "Side-chain"]
    SideChain,
}

/// The notation of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum NotationParam {
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

impl From<NotationParam> for music::Notation {
    fn from(notation: NotationParam) -> Self {
        match notation {
            NotationParam::Traditional => Self::Traditional,
            NotationParam::Camelot => Self::Camelot,
            NotationParam::OpenKey => Self::OpenKey,
        }
    }
}

impl From<music::Notation> for NotationParam {
    fn from(notation: music::Notation) -> Self {
        match notation {
            music::Notation::Traditional => Self::Traditional,
            music::Notation::Camelot => Self::Camelot,
            music::Notation::OpenKey => Self::OpenKey,
        }
    }
}

impl From<SourceParam> for InputSource {
    fn from(source: SourceParam) -> Self {
        match source {
            SourceParam::Main => Self::Main,
            SourceParam::SideChain => Self::SideChain,
        }
    }
}

impl From<InputSource> for SourceParam {
    fn from(source: InputSource) -> Self {
        match source {
            InputSource::Main => Self::Main,
            InputSource::SideChain => Self::SideChain,
        }
    }
}

impl Default for MertscopeParams {
    fn default() -> Self {
        let first = ParameterValues::DEFAULT;
        let hop_range = FloatRange::Linear {
            min: *HOPS_S.start(),
            max: *HOPS_S.end(),
        };
        let presses = Arc::default();
        Self {
            analyze: BoolParam::new(parameters::ANALYZE, first.analyze),
            hop_s: FloatParam::new(parameters::HOP, s_from_hop(first.hop), hop_range)
                .with_step_size(HOP_STEP_S)
                .with_value_to_string(Arc::new(text_from_hop_s))
                .with_string_to_value(Arc::new(hop_s_from_text)),
            smoothing: BoolParam::new(parameters::SMOOTHING, first.smoothing),
            source: EnumParam::new(parameters::SOURCE, first.source.into()),
            hold: BoolParam::new(parameters::HOLD, first.hold),
            notation: EnumParam::new(parameters::NOTATION, first.notation.into()),
            bypass: BoolParam::new("Bypass", false).make_bypass(),
            start_again: trigger(parameters::START_AGAIN, &presses),
            presses,
            state: PersistentState::default(),
        }
    }
}

impl MertscopeParams {
    /// Time from one window to the next.
    #[must_use]
    pub fn hop(&self) -> Hop {
        hop_from_s(self.hop_s.value())
    }

    /// All values as they are now.
    #[must_use]
    pub fn values(&self) -> ParameterValues {
        ParameterValues {
            analyze: self.analyze.value(),
            hop: self.hop(),
            smoothing: self.smoothing.value(),
            source: self.source.value().into(),
            hold: self.hold.value(),
            notation: self.notation.value().into(),
        }
    }

    /// How often the host has set [`MertscopeParams::start_again`].
    #[must_use]
    pub fn presses(&self) -> u64 {
        self.presses.load(Ordering::Relaxed)
    }

    /// Whether audio is analyzed: the user's switch is on, and the host bypasses nothing.
    #[must_use]
    pub fn analyzes(&self) -> bool {
        self.analyze.value() && !self.bypass.value()
    }
}

/// Prepares a saved state for loading, which presses no trigger. What older versions kept among the
/// parameters moves into the fields: the switch of the log, which hosts hid and did not save, since it can't be
/// automated.
pub fn migrate(state: &mut HostState) {
    state.params.remove(START_AGAIN_ID);
    let enabled = match state.params.remove("log") {
        Some(ParamValue::Bool(on)) => on,
        Some(ParamValue::String(text)) => text.eq_ignore_ascii_case("on"),
        _ => return,
    };
    let field = state.fields.get(STATE_FIELD);
    let raw = field.map_or_else(
        || Ok(RawState::default()),
        |text| serde_json::from_str(text),
    );
    let Ok(mut raw) = raw else {
        return;
    };
    if raw.get::<LogChoice>().is_some() {
        return;
    }
    raw.set(&LogChoice { enabled });
    if let Ok(text) = serde_json::to_string(&raw) {
        state.fields.insert(STATE_FIELD.to_owned(), text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_instance_has_the_values_that_the_views_reset_to() {
        let params = MertscopeParams::default();
        assert_eq!(params.values(), ParameterValues::DEFAULT);
        assert_eq!(params.hop(), Hop::Auto);
        assert!(params.analyzes());
    }

    fn migrated(params: &str, field: Option<&str>) -> Option<RawState> {
        let params: std::collections::BTreeMap<_, _> = serde_json::from_str(params).unwrap();
        let field = field.map(|text| (STATE_FIELD.to_owned(), text.to_owned()));
        let mut state = HostState {
            version: String::new(),
            params,
            fields: field.into_iter().collect(),
        };
        migrate(&mut state);
        assert!(!state.params.contains_key("log"));
        let text = state.fields.get(STATE_FIELD)?;
        serde_json::from_str(text).ok()
    }

    #[test]
    fn the_log_of_an_older_project_stays_as_it_was() {
        let on = Some(LogChoice { enabled: true });
        let log = |state: Option<RawState>| state.unwrap().get::<LogChoice>();
        for switch in [r#"{"log":{"bool":true}}"#, r#"{"log":{"string":"On"}}"#] {
            assert_eq!(log(migrated(switch, None)), on);
            let kept = migrated(switch, Some(r#"{"later":[1e400],"version":9}"#)).unwrap();
            let text = serde_json::to_string(&kept).unwrap();
            assert!(text.contains("[1e400]"), "{text}");
            assert_eq!(log(Some(kept)), on);
        }
        let off = Some(LogChoice { enabled: false });
        let newer = Some(r#"{"log":{"enabled":false}}"#);
        assert_eq!(log(migrated(r#"{"log":{"bool":true}}"#, newer)), off);
        assert_eq!(log(migrated(r#"{"log":{"bool":false}}"#, None)), off);
        assert!(migrated(r#"{"hold":{"bool":true}}"#, None).is_none());
    }
}
