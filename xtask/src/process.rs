//! Child processes, run so that the user can follow: a heading before, the elapsed time during, a
//! sentence on failure.
//!
//! All of this goes to stderr: stdout is for the command's results.

use std::io::{self, IsTerminal, Read, Write};
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// The output of a child while it works.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It prints as it goes, on a terminal and elsewhere (cargo).
    Talks,
    /// It draws progress on a terminal and little elsewhere (pip, apt-get).
    OnTerminal,
    /// It prints nothing until it is done.
    Silent,
}

/// Announces a step.
pub(crate) fn heading(what: &str) {
    eprintln!("==> {what}");
}

/// Runs a child with its output shown, and returns the time that it took.
///
/// # Errors
/// When it can't be started, and when it fails.
pub(crate) fn run(what: &str, progress: Progress, command: &mut Command) -> Result<Duration> {
    let (status, elapsed) = status(what, progress, command)?;
    if !status.success() {
        bail!("this step failed ({status}): {what}");
    }
    Ok(elapsed)
}

/// Like [`run`], but returns the child's status, also when it failed.
pub(crate) fn status(
    what: &str,
    progress: Progress,
    command: &mut Command,
) -> Result<(ExitStatus, Duration)> {
    heading(what);
    let start = Instant::now();
    let _clock = Clock::start(progress);
    let status = command.status().with_context(|| could_not_start(command))?;
    Ok((status, start.elapsed()))
}

/// A child's status as our own exit code; a child that a signal ended has none, and failed.
pub(crate) fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or(1))
}

/// Runs a child with all its output on stderr, and returns its status and what it wrote to its own
/// stderr, which tells why it failed.
pub(crate) fn run_and_capture(
    what: &str,
    progress: Progress,
    command: &mut Command,
) -> Result<(ExitStatus, String)> {
    heading(what);
    let _clock = Clock::start(progress);
    let mut child = command
        .stdout(io::stderr())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| could_not_start(command))?;
    let mut captured = Vec::new();
    if let Some(mut pipe) = child.stderr.take() {
        let mut chunk = [0; 4096];
        loop {
            let count = pipe.read(&mut chunk)?;
            if count == 0 {
                break;
            }
            io::stderr().write_all(&chunk[..count])?;
            captured.extend_from_slice(&chunk[..count]);
        }
    }
    Ok((
        child.wait()?,
        String::from_utf8_lossy(&captured).into_owned(),
    ))
}

/// Whether a child can be started and succeeds; prints nothing.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The sentence for a program that is missing.
pub(crate) fn could_not_start(command: &Command) -> String {
    format!(
        "'{}' could not be started",
        command.get_program().to_string_lossy()
    )
}

/// Prints the elapsed time, on a thread of its own, until it is dropped.
pub(crate) struct Clock(Option<(Sender<()>, JoinHandle<()>)>);

impl Clock {
    /// Steps that end earlier print no line.
    const FIRST: Duration = Duration::from_secs(2);
    const INTERVAL: Duration = Duration::from_secs(10);

    /// Starts, unless the child shows progress itself.
    pub(crate) fn start(progress: Progress) -> Self {
        let needed = match progress {
            Progress::Talks => false,
            Progress::OnTerminal => !io::stderr().is_terminal(),
            Progress::Silent => true,
        };
        Self(needed.then(|| {
            let (stop, stopped) = mpsc::channel();
            let start = Instant::now();
            let thread = thread::spawn(move || {
                let mut pause = Self::FIRST;
                while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                    eprintln!("    … {:.0} s", start.elapsed().as_secs_f64());
                    pause = Self::INTERVAL;
                }
            });
            (stop, thread)
        }))
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.0.take() {
            drop(stop);
            // It only prints: a failure needs no handling.
            let _ = thread.join();
        }
    }
}
