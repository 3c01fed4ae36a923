//! The project state in the form that the framework saves and loads.

use std::ops::Deref;

use mertscope_ui::state::{PluginState, RawState};
use nih_plug::params::persist::PersistentField;

/// The project state as a field of the parameters.
#[derive(Debug, Default)]
pub struct PersistentState(PluginState);

impl Deref for PersistentState {
    type Target = PluginState;

    fn deref(&self) -> &PluginState {
        &self.0
    }
}

impl PersistentField<'_, RawState> for PersistentState {
    fn set(&self, new_value: RawState) {
        self.0.load(new_value);
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&RawState) -> R,
    {
        self.0.read(f)
    }
}
