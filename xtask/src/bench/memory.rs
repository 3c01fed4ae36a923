//! Peak memory of a short and a long analysis: audio of any length is to be analysed in the same
//! memory.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::Bench;
use super::table::Row;
use super::wave;
use crate::process::{self, Clock, Progress};

const HOP_S: u32 = 5;
const MINUTES: [u32; 2] = [1, 60];

/// A row for each length, and their ratio.
pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let path = bench.scratch.join("chords.wav");
    let mut peaks_mb = Vec::new();
    let mut rows = Vec::new();
    for minutes in MINUTES {
        process::heading(&format!("Analysing {minutes} min of audio"));
        let _clock = Clock::start(Progress::Silent);
        let peak = written_and_analysed(bench, &path, minutes);
        // 635 MB are not left behind, whatever happened.
        fs::remove_file(&path).with_context(|| format!("{} cannot be removed", path.display()))?;
        let peak_mb = peak? as f64 / 1e6;
        peaks_mb.push(peak_mb);
        rows.push(Row {
            what: format!("peak memory, {minutes} min, hop {HOP_S} s"),
            figure: format!("{peak_mb:.1} MB"),
            spread: "resident".into(),
            aim: "",
        });
    }
    rows.push(Row {
        what: "peak memory, long to short".into(),
        figure: format!("{:.3} ×", peaks_mb[1] / peaks_mb[0]),
        spread: String::new(),
        aim: "≤ 1.05 ×",
    });
    Ok(rows)
}

fn written_and_analysed(bench: &Bench, path: &Path, minutes: u32) -> Result<u64> {
    wave::write(path, minutes).with_context(|| format!("{} cannot be written", path.display()))?;
    peak_bytes(
        bench
            .mertscope
            .analyze_with_hop(path, HOP_S)
            .stdout(Stdio::null()),
    )
}

/// Runs a child to its end and asks the system for the most memory that was resident at once.
#[cfg(unix)]
pub fn peak_bytes(command: &mut Command) -> Result<u64> {
    use std::io;
    use std::mem::MaybeUninit;

    // `ru_maxrss` is in kilobytes, except on Apple's systems (getrusage(2)).
    const UNIT: u64 = if cfg!(target_vendor = "apple") {
        1
    } else {
        1024
    };

    let child = command
        .spawn()
        .with_context(|| process::could_not_start(command))?;
    let pid = libc::pid_t::try_from(child.id())?;
    let (mut status, mut usage) = (0, MaybeUninit::<libc::rusage>::zeroed());
    // SAFETY: both pointers are to live values of the types that wait4(2) writes, and `pid` is our
    // own child, which nobody has waited for: `child` is only dropped from here on, and dropping
    // does not wait.
    let waited = unsafe { libc::wait4(pid, &raw mut status, 0, usage.as_mut_ptr()) };
    if waited != pid {
        return Err(io::Error::last_os_error()).context("the child's memory is unknown");
    }
    if status != 0 {
        anyhow::bail!("the child failed (wait status {status})");
    }
    // SAFETY: zeroed is a valid `rusage`, whose fields are integers, and wait4 has filled it.
    let usage = unsafe { usage.assume_init() };
    Ok(u64::try_from(usage.ru_maxrss)? * UNIT)
}

#[cfg(not(unix))]
pub fn peak_bytes(_: &mut Command) -> Result<u64> {
    anyhow::bail!("peak memory is measured on Unix only")
}
