//! Mertscope without a host; `--help` says what it takes.

use std::process::ExitCode;

fn main() -> ExitCode {
    mertscope::standalone::run(
        std::env::args_os(),
        &mut std::io::stdout().lock(),
        &mut std::io::stderr(),
    )
}
