//! `cargo xtask screenshots`: takes the README's pictures of the real window.
//!
//! A tool of the tests crate takes them (`tests/tools/screenshots.rs`), because that crate has a plugin
//! host and a screen. This module builds the plugin and starts the tool.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};

use anyhow::Result;

use crate::process::{self, Progress};
use crate::setup;
use crate::workspace::Workspace;

/// The part of `--help` after the options.
pub(crate) const HELP: &str = "\
The pictures show the plugin's window in a host, on a virtual screen, while it plays a demo piece,
in two sizes and two themes. Linux only. Run it by hand after a change to the editor, and look at
the pictures.";

/// Gets what is missing, builds, and makes the pictures.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    setup::run(workspace, setup::Goal::Screen)?;
    let mut plugin = workspace.cargo(["build", "--package", "mertscope", "--lib"]);
    process::run("Building the plugin", Progress::Talks, &mut plugin)?;
    // A picture is the same in every profile, and this one is what the tests build.
    let library = format!("debug/{DLL_PREFIX}mertscope{DLL_SUFFIX}");
    let mut pictures = workspace.cargo(["run", "--quiet", "--package", "mertscope-tests"]);
    pictures.args(["--example", "screenshots", "--"]);
    pictures.arg(workspace.target.join(library));
    pictures.arg(workspace.file("assets/pictures"));
    process::run(
        "Playing a demo piece for each picture",
        Progress::Talks,
        &mut pictures,
    )?;
    Ok(())
}
