//! A fuzz target as the driver sees it: its body, seeds, tokens and memory limit.

/// A reader of untrusted bytes.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name on the command line and of its folder of seeds.
    pub name: &'static str,
    /// Reads the bytes of a file; fails by a panic.
    pub run: fn(&[u8]),
    /// Whole inputs, from which the driver makes others.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Words of the format: they are inserted, and changes are made near them.
    pub tokens: &'static [&'static str],
    /// The most that it may allocate.
    pub memory: Memory,
    /// Why it can't run on this machine; `None` when it can.
    pub missing: fn() -> Option<String>,
}

impl Target {
    /// The `missing` of a target that runs on every machine.
    #[must_use]
    pub fn never_missing() -> Option<String> {
        None
    }
}

/// The most that a target may have allocated at any time while it reads an input: a fixed part,
/// and a part in proportion to the input. Only memory from Rust's allocator counts.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// Bytes for any input, for tables and buffers.
    pub fixed_bytes: usize,
    /// Bytes per byte of the input.
    pub per_input_byte: usize,
}

impl Memory {
    /// The limit for an input of this size.
    #[must_use]
    pub fn limit_bytes(&self, input_bytes: usize) -> usize {
        self.fixed_bytes + self.per_input_byte * input_bytes
    }
}
