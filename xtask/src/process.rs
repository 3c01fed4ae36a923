//! Running children so that a person sees what goes on: a heading before, signs of life during, a
//! sentence on failure.
//!
//! All of it goes to stderr: stdout belongs to what the command was asked for.

use std::io::{self, IsTerminal, Read, Write};
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How a child lets one know that it is alive.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It prints as it goes, on a terminal and elsewhere (cargo).
    Talks,
    /// It draws progress on a terminal and little elsewhere (pip, apt-get).
    OnTerminal,
    /// It says nothing until it is done.
    Silent,
}

/// Announces a step.
pub fn heading(what: &str) {
    eprintln!("==> {what}");
}

/// Runs a child with its output shown; fails with a sentence if it does. Returns how long it took.
pub fn run(what: &str, progress: Progress, command: &mut Command) -> Result<Duration> {
    let (status, elapsed) = status(what, progress, command)?;
    if !status.success() {
        bail!("this step failed ({status}): {what}");
    }
    Ok(elapsed)
}

/// Like [`run`], and leaves it to the caller to judge how the child ended.
pub fn status(
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

/// How a child ended, as our own exit code; one that a signal ended has none, and failed.
pub fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or(1))
}

/// Runs a child with all its output on stderr, and returns what it wrote to its own stderr too, to
/// tell why it failed.
pub fn run_and_listen(
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
    let mut heard = Vec::new();
    if let Some(mut pipe) = child.stderr.take() {
        let mut chunk = [0; 4096];
        loop {
            let count = pipe.read(&mut chunk)?;
            if count == 0 {
                break;
            }
            io::stderr().write_all(&chunk[..count])?;
            heard.extend_from_slice(&chunk[..count]);
        }
    }
    Ok((child.wait()?, String::from_utf8_lossy(&heard).into_owned()))
}

/// Whether a child can be started and ends well; says nothing.
pub fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The sentence for a program that is not there.
pub fn could_not_start(command: &Command) -> String {
    format!(
        "'{}' could not be started",
        command.get_program().to_string_lossy()
    )
}

/// Prints the time gone by, on a thread of its own, as long as it lives.
pub struct Clock(Option<(Sender<()>, JoinHandle<()>)>);

impl Clock {
    /// Steps that end before this are not worth a line.
    const FIRST: Duration = Duration::from_secs(2);
    const INTERVAL: Duration = Duration::from_secs(10);

    /// Starts unless the child's own progress is to be seen.
    pub fn start(progress: Progress) -> Self {
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
            // It only prints; there is nothing to do if it failed.
            let _ = thread.join();
        }
    }
}
