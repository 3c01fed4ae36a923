//! The built plugin's library.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use clack_host::prelude::*;

use crate::built;

/// The path of the plugin's library; the first test that asks for it builds it.
///
/// # Panics
/// If it can't be built.
#[must_use]
pub fn library() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let (prefix, suffix) = (env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
        let name = format!("{prefix}mertscope{suffix}");
        built(&["--package", "mertscope", "--lib"], &name)
    })
}

/// Loads the library as a host does when it scans plugins.
///
/// # Panics
/// If it is not a CLAP library.
#[must_use]
pub fn entry() -> PluginEntry {
    load(library())
}

/// Loads a build of the plugin.
///
/// # Panics
/// If it is not a CLAP library.
#[must_use]
pub fn load(library: &Path) -> PluginEntry {
    // SAFETY: the library is a build of our own plugin.
    unsafe { PluginEntry::load(library) }.expect("a CLAP library")
}
