//! The plugin's parameters without a host: set by the editor, saved as text.
//!
//! Takes the place of a host's wrapper for the editor. Parameters are atomics, so a change counts
//! from their next reading; no automation records it.

use std::collections::BTreeMap;
use std::sync::Arc;

use nih_plug::context::PluginApi;
use nih_plug::context::gui::GuiContextInner;
use nih_plug::params::Params;
use nih_plug::params::internals::ParamPtr;
use nih_plug::plugin::{ParamValue, PluginState as HostState};

use mertscope::params::{MertscopeParams, migrate};

/// See the module.
pub(crate) struct Parameters(Arc<MertscopeParams>);

impl Parameters {
    /// The parameters of the app's only instance.
    #[must_use]
    pub(crate) fn new(params: Arc<MertscopeParams>) -> Self {
        Self(params)
    }

    /// The parameters as shown text, and the state's fields, by their ids.
    #[must_use]
    pub(crate) fn state(&self) -> HostState {
        let params = self.0.param_map().into_iter().map(|(id, param, _)| {
            // SAFETY: the pointer points into the parameters that `self` holds.
            let text = unsafe {
                param.normalized_value_to_string(param.unmodulated_normalized_value(), true)
            };
            (id, ParamValue::String(text))
        });
        HostState {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            params: params.collect(),
            fields: self.0.serialize_fields(),
        }
    }

    /// Applies a state; parameters that are unknown or can't be read are ignored.
    pub(crate) fn apply(&self, mut state: HostState) {
        migrate(&mut state);
        let known: BTreeMap<String, ParamPtr> = self
            .0
            .param_map()
            .into_iter()
            .map(|(id, param, _)| (id, param))
            .collect();
        for (id, value) in &state.params {
            if let (Some(param), ParamValue::String(text)) = (known.get(id), value) {
                // SAFETY: the pointer points into the parameters that `self` holds.
                unsafe {
                    if let Some(normalized) = param.string_to_normalized_value(text) {
                        param._internal_set_normalized_value(normalized);
                    }
                }
            }
        }
        self.0.deserialize_fields(&state.fields);
    }

    fn has(&self, param: ParamPtr) -> bool {
        self.0
            .param_map()
            .iter()
            .any(|(_, known, _)| *known == param)
    }
}

impl GuiContextInner for Parameters {
    fn plugin_api(&self) -> PluginApi {
        PluginApi::Standalone
    }

    unsafe fn raw_begin_set_parameter(&self, _param: ParamPtr) {}

    unsafe fn raw_set_parameter_normalized(&self, param: ParamPtr, normalized: f32) {
        if self.has(param) {
            // SAFETY: the pointer is one of the parameters that `self` holds.
            unsafe { param._internal_set_normalized_value(normalized) };
        }
    }

    unsafe fn raw_end_set_parameter(&self, _param: ParamPtr) {}

    fn get_state(&self) -> HostState {
        self.state()
    }

    fn set_state(&self, state: HostState) {
        self.apply(state);
    }

    fn request_restart(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use mertscope::params::NotationParam;
    use mertscope_live::Hop;
    use mertscope_ui::state::WindowSize;
    use nih_plug::context::gui::ParamSetter;

    #[test]
    fn parameters_set_by_the_editor_are_saved_and_restored() {
        let params = Arc::new(MertscopeParams::default());
        let parameters = Parameters::new(Arc::clone(&params));
        let setter = ParamSetter::new(&parameters);
        setter.set_parameter(&params.notation, NotationParam::OpenKey);
        setter.set_parameter(&params.hold, true);
        let size = WindowSize {
            width: 700,
            height: 500,
        };
        params.state.set(&size);
        let text = serde_json::to_string(&parameters.get_state()).unwrap();

        let other = Arc::new(MertscopeParams::default());
        let mut state: HostState = serde_json::from_str(&text).unwrap();
        let nonsense = ParamValue::String("never".to_owned());
        state.params.insert("unknown".to_owned(), nonsense.clone());
        state.params.insert("hop".to_owned(), nonsense);
        Parameters::new(Arc::clone(&other)).set_state(state);
        assert_eq!(other.notation.value(), NotationParam::OpenKey);
        assert!(other.hold.value() && other.hop() == Hop::Auto);
        assert_eq!(other.state.get(), Some(size));
    }

    #[test]
    fn parameters_of_another_instance_are_not_changed() {
        let ours = Parameters::new(Arc::new(MertscopeParams::default()));
        let theirs = MertscopeParams::default();
        ParamSetter::new(&ours).set_parameter(&theirs.hold, true);
        assert!(!theirs.hold.value());
    }
}
