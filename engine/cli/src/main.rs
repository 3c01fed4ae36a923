//! The `mertscope` command: the engine without a window.
//!
//! Results go to standard output, everything else to standard error. Exit codes: 0 for success, 1 when
//! something failed, 2 when the command line is wrong.

#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]

mod analyze;
mod arguments;
mod arrays;
mod batch;
mod doctor;
mod embed;
mod files;
mod heads;
mod inputs;
mod interrupt;
mod labeled;
mod map;
mod merge;
mod models;
mod output;
mod progress;
mod recipe;
mod tag;

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::{CommandFactory, Parser};

use arguments::{Command, CommandLine, ModelArguments};
use mertscope_export::printable::printable;
use mertscope_heads::package::ModelPackage;
use mertscope_model::device::{self, LibraryError, Report};
use mertscope_model::{Precision, Runtime, runtime};
use output::{PrintableOutput, StandardOutput};

fn main() -> ExitCode {
    let outcome = match parse().command {
        Command::Analyze(arguments) => analyze::run(&arguments),
        Command::Embed(arguments) => embed::run(&arguments),
        Command::Merge(arguments) => merge::run(&arguments),
        Command::Tag(arguments) => tag::run(&arguments),
        Command::Heads { command } => heads::run(&command),
        Command::Map { command } => map::run(&command),
        Command::Models { command } => models::run(&command),
        Command::Doctor { device_limit } => doctor::run(Duration::from_secs(device_limit)),
        Command::Completions { shell } => completions(shell),
        Command::Man { folder } => man(&folder),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // The reader of our output closed it, which is no failure.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            log(&error_text(&error));
            if error.is::<UsageError>() {
                ExitCode::from(2)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

/// The command line; ends the program with an explanation when it is wrong.
fn parse() -> CommandLine {
    CommandLine::try_parse().unwrap_or_else(|error| {
        // The same mistake again, with escapes for what would steer a terminal.
        let shown =
            std::env::args_os().map(|argument| printable(&argument.to_string_lossy()).into_owned());
        let error = CommandLine::try_parse_from(shown).err().unwrap_or(error);
        error.exit()
    })
}

/// An error of the command line that shows only when the command runs.
#[derive(Debug)]
struct UsageError(String);

impl std::fmt::Display for UsageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// Writes the manual pages of the command and its subcommands into `folder`.
fn man(folder: &std::path::Path) -> anyhow::Result<bool> {
    clap_mangen::generate_to(CommandLine::command(), folder).with_context(|| {
        let folder = folder.display();
        format!("The manual pages can't be written to {folder}; name an existing, writable folder")
    })?;
    log(&format!("The manual pages are in {}.", folder.display()));
    Ok(true)
}

fn completions(shell: clap_complete::Shell) -> anyhow::Result<bool> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut CommandLine::command(), "mertscope", &mut script);
    write_data(|out| Ok(out.write_all(&script)?))
}

/// Runs `body` on standard output, for text that people read; `true`, a command's success, unless it fails.
fn write_out(body: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>) -> anyhow::Result<bool> {
    write_data(|out| body(&mut PrintableOutput(out)))
}

/// Writes one JSON document to standard output.
fn write_json(document: &serde_json::Value) -> anyhow::Result<bool> {
    write_data(|out| Ok(writeln!(out, "{document:#}")?))
}

/// Runs `body` on standard output, for data that programs read.
fn write_data(body: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>) -> anyhow::Result<bool> {
    let mut out = StandardOutput::new();
    body(&mut out)?;
    out.flush()?;
    Ok(true)
}

/// Logs the devices that were not used, unless that is expected, and the notice on a rebuilt graph.
fn report_fallbacks(device: &Report) {
    for fallback in device.notable_fallbacks() {
        log(&format!("Not used: {fallback}"));
    }
    if let Some(notice) = &device.notice {
        log(&notice.text);
    }
}

/// An error with its causes in one sentence. A cause that the message already contains is not repeated.
fn error_text(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// Writes a line to standard error, with escapes for what would steer a terminal; all text but results goes through
/// here.
fn log(message: &str) {
    // A closed standard error is no failure.
    let _ = writeln!(io::stderr(), "{}", printable(message));
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// The runtime, and the model that the user chose.
fn load(arguments: &ModelArguments) -> anyhow::Result<(&'static Runtime, Arc<ModelPackage>)> {
    load_named(arguments.model.as_deref(), arguments)
}

/// The runtime, and the model of this name with the other options of `arguments`.
fn load_named(
    name: Option<&str>,
    arguments: &ModelArguments,
) -> anyhow::Result<(&'static Runtime, Arc<ModelPackage>)> {
    arguments.check_server()?;
    let mut package = ModelPackage::find(name)?;
    if let Some(window_s) = arguments.window {
        package = package.with_window_s(window_s)?;
    }
    if let Some(folder) = &arguments.calibration {
        anyhow::ensure!(
            arguments.precision().is_some_and(Precision::is_quantized),
            "--calibration is for 8-bit arithmetic: add --precision int8, or omit it."
        );
        package = package.with_calibration(folder)?;
    }
    let runtime = runtime::load(own_folder().as_deref())?;
    if let Some(library) = &arguments.provider_library {
        match device::library::register(runtime, library) {
            Err(error @ LibraryError::NoDevice { .. }) => log(&error.to_string()),
            registered => registered?,
        }
    }
    Ok((runtime, Arc::new(package)))
}

/// The folder of this program, which in a bundle also holds its libraries.
fn own_folder() -> Option<std::path::PathBuf> {
    let program = dunce::canonicalize(std::env::current_exe().ok()?).ok()?;
    Some(program.parent()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_appears_once() {
        let denied = io::Error::other("no permission");
        assert_eq!(
            error_text(&anyhow::Error::new(denied).context("a.txt can't be read")),
            "a.txt can't be read: no permission"
        );
        let path = "weights.bin".into();
        let source = io::Error::other("no permission");
        let error = mertscope_model::ModelError::Unreadable { path, source };
        let text = error_text(&error.into());
        assert_eq!(text.matches("no permission").count(), 1, "{text}");
    }
}
