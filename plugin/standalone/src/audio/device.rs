//! A device that audio comes from or goes to.

use crate::choice::Backend;

/// One device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Device {
    /// What it is remembered by: stable across starts and reconnections where the system allows.
    pub id: String,
    /// What a person calls it.
    pub name: String,
    /// The way to it.
    pub backend: Backend,
    /// It only brings another one into another shape: usable, but not worth a line in a list.
    pub(crate) is_shape: bool,
}
