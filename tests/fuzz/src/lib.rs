//! Fuzz targets for the code that reads untrusted bytes, and a driver that runs them on the stable
//! toolchain.
//!
//! A target reads a file's bytes as the product does. It may refuse them; it may not panic, hang,
//! or allocate more than the file's size lets expect ([`Memory`]). The program `mertscope-fuzz`
//! mutates kept seeds, one target after the other; with the feature `libfuzzer` the same targets
//! are programs of cargo-fuzz.
//!
//! Deliberately not here: coverage, which the stable toolchain does not measure; cargo-fuzz does.

mod allocator;
mod arguments;
pub mod config;
mod corpus;
pub mod decode;
mod driver;
mod execute;
pub mod heads;
pub mod manifest;
mod mutate;
pub mod onnx;
pub mod pickle;
mod scratch;
mod seeds;
pub mod state;
mod target;
mod worker;

use std::process::ExitCode;

use clap::Parser;

use allocator::Counting;
use arguments::Arguments;
pub use target::{Memory, Target};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// All targets, in the order in which the driver runs them.
pub const TARGETS: [Target; 7] = [
    decode::TARGET,
    pickle::TARGET,
    heads::TARGET,
    manifest::TARGET,
    config::TARGET,
    state::TARGET,
    onnx::TARGET,
];

/// The driver's program for these targets, with the process's command-line arguments. The exit
/// code is 0 when nothing was found, 1 for a failing input, 2 for a wrong command line.
#[must_use]
pub fn main(targets: &[Target]) -> ExitCode {
    driver::run(targets, &Arguments::parse())
}

/// Runs the target of this name once, for cargo-fuzz; ends the process when it fails.
pub fn check(target: &str, bytes: &[u8]) {
    let found = TARGETS.iter().find(|known| known.name == target);
    let result = found.map_or_else(
        || Err(format!("there is no target {target}")),
        |target| execute::execute(target, bytes).map_err(|failure| failure.to_string()),
    );
    if let Err(failure) = result {
        eprintln!("{failure}");
        std::process::abort();
    }
}

/// Runs every seed of a target once, and returns how many there are.
///
/// # Errors
/// What failed, with the seed's number.
pub fn run_seeds(target: &Target) -> Result<usize, String> {
    let seeds = (target.seeds)();
    for (number, seed) in seeds.iter().enumerate() {
        execute::execute(target, seed)
            .map_err(|failure| format!("{}, seed {number}: {failure}", target.name))?;
    }
    Ok(seeds.len())
}
