//! Peak memory of a child process.

use std::process::Command;

#[cfg(unix)]
use anyhow::Context;
use anyhow::Result;

#[cfg(unix)]
use crate::process;

/// Runs a child to its end; returns its peak resident memory.
#[cfg(unix)]
pub(crate) fn peak_bytes(command: &mut Command) -> Result<u64> {
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
pub(crate) fn peak_bytes(_: &mut Command) -> Result<u64> {
    anyhow::bail!("peak memory is measured on Unix only")
}
