//! The memory that is free, so that a model that cannot fit is refused in a sentence before the system ends
//! the program for it.
//!
//! Deliberately not here: limits on groups of processes, and other systems than Linux, where the answer is
//! unknown and nothing is refused.

/// Bytes that programs can get without swapping, if the system tells.
pub(crate) fn available_bytes() -> Option<u64> {
    available(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

/// The line `MemAvailable:  123 kB` of Linux's `/proc/meminfo` (proc_meminfo(5)), in bytes.
fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_linux_is_read_and_anything_else_is_unknown() {
        let text = "MemTotal:       24000000 kB\nMemAvailable:    3000000 kB\n";
        assert_eq!(available(text), Some(3_072_000_000));
        for text in [
            "",
            "MemAvailable: x kB",
            "MemAvailable: 18446744073709551615 kB",
        ] {
            assert_eq!(available(text), None, "{text}");
        }
    }
}
