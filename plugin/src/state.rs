//! What a project remembers beside the parameters, as the framework saves and loads it.

use std::ops::Deref;

use mertscope_ui::state::{Memory, Saved};
use nih_plug::params::persist::PersistentField;

/// The memory as a field of the parameters.
#[derive(Debug, Default)]
pub struct PersistentMemory(Memory);

impl Deref for PersistentMemory {
    type Target = Memory;

    fn deref(&self) -> &Memory {
        &self.0
    }
}

impl PersistentField<'_, Saved> for PersistentMemory {
    fn set(&self, new_value: Saved) {
        self.0.load(new_value);
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&Saved) -> R,
    {
        self.0.read(f)
    }
}
