//! The machine that the figures are from, and its load.

use std::env::consts;
use std::fs;
use std::thread;

/// One line; facts that the system does not provide are left out.
pub(super) fn describe() -> String {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let mut parts = vec![
        format!("{cores} cores"),
        format!("{} {}", consts::OS, consts::ARCH),
    ];
    if let Ok(text) = fs::read_to_string("/proc/cpuinfo") {
        parts.extend(processor(&text).map(str::to_owned));
    }
    if let Ok(text) = fs::read_to_string("/proc/loadavg") {
        let load: Vec<&str> = text.split(' ').take(3).collect();
        parts.push(format!("load at the start {}", load.join(" ")));
    }
    parts.join(", ")
}

fn processor(cpuinfo: &str) -> Option<&str> {
    let line = cpuinfo
        .lines()
        .find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_named_once() {
        let text = "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nprocessor\t: 1\nmodel name\t: Some CPU @ 2 GHz\n";
        assert_eq!(processor(text), Some("Some CPU @ 2 GHz"));
        assert_eq!(processor("processor: 0"), None);
    }
}
