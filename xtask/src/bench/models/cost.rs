//! The cost of a child, from Linux's `/proc` (proc(5)).

use std::fs;

use anyhow::{Context, Result};

use crate::bench::peer::Peer;

/// The cost of one window.
#[derive(Clone, Copy)]
pub(super) struct Cost {
    pub wall_ms: f64,
    /// Of all threads together, to a hundredth of a second.
    pub processor_ms: f64,
}

/// Runs one window in a child.
pub(super) fn window(side: &mut Peer) -> Result<Cost> {
    let before = processor_ms(side.id())?;
    let wall_ms = side.window_ms()?;
    Ok(Cost {
        wall_ms,
        processor_ms: processor_ms(side.id())? - before,
    })
}

/// The peak resident memory, in bytes.
pub(super) fn peak_bytes(process: u32) -> Result<u64> {
    let path = format!("/proc/{process}/status");
    let text = fs::read_to_string(&path).with_context(|| format!("{path} cannot be read"))?;
    let kilobytes = text
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    Ok(kilobytes.with_context(|| format!("{path} has no VmHWM"))? * 1024)
}

/// Processor time that a process has used so far.
fn processor_ms(process: u32) -> Result<f64> {
    /// Linux's USER_HZ, the same on every machine that we build for.
    const TICKS_A_SECOND: f64 = 100.0;
    let path = format!("/proc/{process}/stat");
    let text = fs::read_to_string(&path).with_context(|| format!("{path} cannot be read"))?;
    let ticks = ticks(&text).with_context(|| format!("{path} is not as it should be"))?;
    Ok(ticks * 1000.0 / TICKS_A_SECOND)
}

/// User and system time, the 14th and 15th field; the name before them may hold anything.
fn ticks(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ').skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_read_past_any_name() {
        let stat = "7 (a) b (c) R 1 2 3 4 5 6 7 8 9 10 120 30 0 0 20 0 1 0";
        assert_eq!(ticks(stat), Some(150.0));
        assert_eq!(ticks("7 (x) R 1"), None);
    }
}
