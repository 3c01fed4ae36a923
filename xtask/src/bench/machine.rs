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
        let sets = instruction_sets(&text);
        if !sets.is_empty() {
            parts.push(format!("with {}", sets.join(" ")));
        }
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

/// The instruction sets that decide how fast matrix products are, by Linux's names.
fn instruction_sets(cpuinfo: &str) -> Vec<&str> {
    const DECISIVE: [&str; 12] = [
        "avx2",
        "fma",
        "avx512f",
        "avx_vnni",
        "avx512_vnni",
        "avx512_bf16",
        "amx_bf16",
        "amx_int8",
        "asimddp",
        "i8mm",
        "bf16",
        "sve",
    ];
    let line = cpuinfo
        .lines()
        .find(|line| line.starts_with("flags") || line.starts_with("Features"));
    let flags = line.and_then(|line| Some(line.split_once(':')?.1));
    let flags = flags.unwrap_or_default().split_whitespace();
    flags.filter(|flag| DECISIVE.contains(flag)).collect()
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

    #[test]
    fn instruction_sets_for_matrix_products_are_named() {
        let text = "flags\t\t: fpu sse2 fma avx2 avx2x\nflags\t\t: fpu sse2 fma avx2 avx2x\n";
        assert_eq!(instruction_sets(text), ["fma", "avx2"]);
        assert_eq!(instruction_sets("Features\t: fp asimddp\n"), ["asimddp"]);
        assert!(instruction_sets("").is_empty());
    }
}
