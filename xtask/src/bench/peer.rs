//! Children that take turns: each has one session.
//!
//! A child prints `ready MEAN` (the mean of the model's output for the test window), and may add the
//! milliseconds that it took to make the session. Then it answers each line on its stdin with the
//! nanoseconds that one window took, and ends when stdin ends. Ours is
//! `engine/benches/window_latency.rs`.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process;
use crate::workspace::Workspace;

/// Builds one of the engine's programs for benchmarks; returns its path, which cargo chooses.
pub(super) fn build(workspace: &Workspace, name: &str) -> Result<PathBuf> {
    let mut cargo = workspace.cargo(["build", "--release", "--package", "mertscope-engine"]);
    cargo.args(["--bench", name]);
    cargo.arg("--message-format=json-render-diagnostics");
    process::heading(&format!("Building {name}"));
    let output = cargo
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| process::could_not_start(&cargo))?;
    if !output.status.success() {
        bail!("{name} can't be built, see above");
    }
    let messages = str::from_utf8(&output.stdout)?.lines();
    let mut programs = messages.filter_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let is_ours = message["target"]["name"] == name;
        message["executable"]
            .as_str()
            .filter(|_| is_ours)
            .map(PathBuf::from)
    });
    programs
        .next()
        .with_context(|| format!("cargo named no program of {name}"))
}

/// A child that runs one window per line on its stdin.
pub(super) struct Peer {
    name: String,
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    /// The mean of the model's output for the test window.
    pub mean: f64,
    /// The time to make the session; NaN when the child does not print it.
    pub made_ms: f64,
}

impl Peer {
    /// Starts a child and waits until it is ready.
    pub(super) fn start(mut command: Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| process::could_not_start(&command))?;
        let stdin = child.stdin.take().context("the child has no stdin")?;
        let stdout = BufReader::new(child.stdout.take().context("the child has no stdout")?);
        let mut peer = Self {
            name,
            child,
            stdin,
            stdout,
            mean: f64::NAN,
            made_ms: f64::NAN,
        };
        let line = peer.line()?;
        let mut numbers = line
            .strip_prefix("ready ")
            .unwrap_or_default()
            .split(' ')
            .map(str::parse);
        let Some(Ok(mean)) = numbers.next() else {
            bail!("{} said '{line}' where 'ready MEAN' was due", peer.name);
        };
        peer.mean = mean;
        if let Some(Ok(made_ms)) = numbers.next() {
            peer.made_ms = made_ms;
        }
        Ok(peer)
    }

    /// Runs one window; returns the time that it took.
    pub(super) fn window_ms(&mut self) -> Result<f64> {
        writeln!(self.stdin, "window").with_context(|| format!("{} is gone", self.name))?;
        let line = self.line()?;
        let nanoseconds: f64 = line
            .parse()
            .with_context(|| format!("{} said '{line}'", self.name))?;
        Ok(nanoseconds / 1e6)
    }

    /// The id of its process.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stdout.read_line(&mut line)? == 0 {
            bail!("{} ended early, see above", self.name);
        }
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It only computes: nothing is lost. An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
