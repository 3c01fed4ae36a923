//! The target `heads` for cargo-fuzz.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mertscope_fuzz::check("heads", bytes));
