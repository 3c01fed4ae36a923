//! An audio device: an input or an output.

use crate::choice::Backend;

/// One device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Device {
    /// Its id in the preferences: stable across starts and reconnections if the system allows.
    pub id: String,
    /// Its name, for users.
    pub name: String,
    /// The backend that reaches it.
    pub backend: Backend,
    /// Whether it only converts for, or shares, another device: usable, but not listed.
    pub(crate) is_adapter: bool,
}
