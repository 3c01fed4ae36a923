//! Version, time and processor that all packages of a release share.

use super::time::Epoch;
use crate::platform::System;

/// The release that is packed.
pub(super) struct Release {
    pub version: &'static str,
    pub epoch: Epoch,
    /// Rust's name of the processor.
    pub arch: &'static str,
    /// Whether to compress little: debug builds are large and go nowhere.
    pub quick: bool,
}

impl Release {
    /// The name of the archives, and of the one folder in them.
    pub(super) fn name(&self, system: System) -> String {
        format!("mertscope-{}-{}-{}", self.version, system.os(), self.arch)
    }
}
