//! The driver: one process per target, so that an input that ends its process is found as well as
//! one that panics.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};

use mertscope_model::sha256;
use tempfile::TempDir;

use crate::arguments::Arguments;
use crate::corpus::Corpus;
use crate::execute::execute;
use crate::seeds;
use crate::target::Target;
use crate::worker::{self, Watchdog};

/// Exit code for a wrong command line, as clap has it.
const WRONG: u8 = 2;

/// Does what the arguments ask for.
pub(crate) fn run(targets: &[Target], arguments: &Arguments) -> ExitCode {
    let chosen = match chosen(targets, &arguments.targets) {
        Ok(chosen) => chosen,
        Err(sentence) => return wrong(&sentence),
    };
    if let Some(input) = &arguments.input {
        return match chosen[..] {
            [target] => run_input(target, input),
            _ => wrong("An input goes through one target; name it."),
        };
    }
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..));
    if let (Some(progress), [target]) = (&arguments.progress, &chosen[..]) {
        return match worker::work(target, seed, arguments.seconds, progress) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                eprintln!("{failure}.");
                ExitCode::FAILURE
            }
        };
    }
    match fuzz(&chosen, arguments, seed) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("The fuzz driver can't go on: {error}.");
            ExitCode::FAILURE
        }
    }
}

fn wrong(sentence: &str) -> ExitCode {
    eprintln!("{sentence}");
    ExitCode::from(WRONG)
}

/// The targets of these names, all without any.
fn chosen<'a>(targets: &'a [Target], names: &[String]) -> Result<Vec<&'a Target>, String> {
    if names.is_empty() {
        return Ok(targets.iter().collect());
    }
    let find = |name: &String| {
        let found = targets.iter().find(|target| target.name == name);
        found.ok_or_else(|| {
            let all: Vec<&str> = targets.iter().map(|target| target.name).collect();
            format!("There is no target {name}; there are {}.", all.join(", "))
        })
    };
    names.iter().map(find).collect()
}

/// Runs one file through one target.
fn run_input(target: &Target, input: &Path) -> ExitCode {
    let bytes = match fs::read(input) {
        Ok(bytes) => bytes,
        Err(error) => return wrong(&format!("{}: {error}", input.display())),
    };
    if let Some(reason) = (target.missing)() {
        return wrong(&format!("{} can't run here: {reason}", target.name));
    }
    match Watchdog::start().watch(|| execute(target, &bytes)) {
        Ok(most) => {
            println!(
                "{}: fine; at most {} KiB were allocated.",
                target.name,
                most >> 10
            );
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("{failure}.");
            ExitCode::FAILURE
        }
    }
}

/// Fuzzes target after target, up to the first input that fails.
fn fuzz(targets: &[&Target], arguments: &Arguments, seed: u64) -> io::Result<ExitCode> {
    println!("All changes follow from --seed {seed}.");
    let mut total = 0;
    for target in targets {
        if let Some(reason) = (target.missing)() {
            println!("{}: skipped: {reason}", target.name);
            continue;
        }
        let folder = work_folder()?;
        let progress = folder.path().join("progress");
        let status = Command::new(env::current_exe()?)
            .arg(target.name)
            .args(["--seed", &seed.to_string()])
            .args(["--seconds", &arguments.seconds.to_string()])
            .arg("--progress")
            .arg(&progress)
            // What a target leaves behind when it ends its process goes with the folder.
            .envs(["TMPDIR", "TMP", "TEMP"].map(|name| (name, folder.path())))
            .status()?;
        let number = worker::number(&progress);
        if !status.success() {
            return failed(target, arguments, seed, number, status);
        }
        total += number.unwrap_or(0);
    }
    println!("{total} executions in all.");
    Ok(ExitCode::SUCCESS)
}

/// A folder for what targets write: in memory on Linux, where that is several times faster than on a
/// disk.
fn work_folder() -> io::Result<TempDir> {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())
}

/// Keeps the input that a worker failed on, and says how to run it again.
fn failed(
    target: &Target,
    arguments: &Arguments,
    seed: u64,
    number: Option<u64>,
    status: ExitStatus,
) -> io::Result<ExitCode> {
    let name = target.name;
    let Some(number) = number else {
        return Err(io::Error::other(format!("{name} did not begin ({status})")));
    };
    let input = Corpus::new(target).input(seed, number);
    let artifacts = &arguments.artifacts;
    let folder = artifacts
        .clone()
        .unwrap_or_else(|| seeds::of_crate("artifacts"));
    let folder: PathBuf = folder.join(name);
    fs::create_dir_all(&folder)?;
    let file = folder.join(&sha256(&input)[..16]);
    fs::write(&file, &input)?;
    let file = file.display();
    println!("{name}: execution {number} failed ({status}); its input is kept as {file}.");
    println!("Run it again: mertscope-fuzz {name} --input {file}");
    println!("From cargo: cargo run --release --package mertscope-fuzz -- {name} --input {file}");
    Ok(ExitCode::FAILURE)
}
