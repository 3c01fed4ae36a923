//! `cargo xtask screenshots`: the README's pictures of the window, taken of the real one. An example
//! of the tests crate takes them, as it takes a plugin host and a screen; here it only gets the
//! plugin.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};

use anyhow::Result;

use crate::process::{self, Progress};
use crate::setup;
use crate::workspace::Workspace;

/// What `--help` prints.
pub const HELP: &str = "\
Makes the pictures of the window in assets/pictures again: the plugin in a host, on a screen that nobody sees,
fed with a demo piece; in two sizes and two themes. Linux only. Run it by hand after a change of the editor, and
look at what it made.

Usage: cargo xtask screenshots
";

/// Gets what is missing, builds, and makes the pictures.
pub fn run(workspace: &Workspace) -> Result<()> {
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
