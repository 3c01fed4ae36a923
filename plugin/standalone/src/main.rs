//! The standalone app: Mertscope without a host, the plugin's engine and editor with audio devices and a file
//! player. `--help` prints the command-line arguments.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::print_stdout,
        clippy::print_stderr
    )
)]

mod app;
mod arguments;
mod audio;
mod choice;
mod headless;
mod panel;
mod parameters;
mod player;
mod preferences;
mod session;
mod window;

use std::process::ExitCode;

fn main() -> ExitCode {
    app::run(
        std::env::args_os(),
        &mut std::io::stdout().lock(),
        &mut std::io::stderr(),
    )
}
