//! The driver's program.

use std::process::ExitCode;

fn main() -> ExitCode {
    mertscope_fuzz::main(&mertscope_fuzz::TARGETS)
}
