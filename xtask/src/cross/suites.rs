//! The suites of tests that run on another platform, and the failures that are the emulator's.

use std::fs::{self, File};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::emulator::Emulator;
use super::table::{Outcome, Verdict};
use crate::platform::{Platform, System};
use crate::process::{self, Progress};
use crate::workspace::Workspace;

/// Seconds after which a suite is ended: several times what the slowest takes under an emulator.
const LONGEST_S: u32 = 900;

/// Crates with unit tests that run everywhere.
const ENGINE: [&str; 9] = [
    "mertscope-audio",
    "mertscope-music",
    "mertscope-model",
    "mertscope-heads",
    "mertscope-hub",
    "mertscope-live",
    "mertscope-export",
    "mertscope-engine",
    "mertscope-cli",
];

/// Crates with unit tests that need what only a cross build for Windows has.
const WINDOW: [&str; 4] = ["mertscope-ui", "mertscope", "mertscope-standalone", "xtask"];

/// Whole-product tests for Windows. Left out: those of X11, JACK, ALSA, Linux's traces and terminals,
/// and of hosts that are Linux programs.
const WHOLE_WINDOWS: [&str; 13] = [
    "analyze_demo",
    "bad_input",
    "command",
    "embed",
    "export",
    "heads",
    "host_clap",
    "hub",
    "osc",
    "passthrough",
    "published_heads",
    "runtime",
    "state",
];

/// Whole-product tests of the command, with the golden results.
const WHOLE_ARM64: [&str; 3] = ["analyze_demo", "bad_input", "embed"];

/// Tests that fail for a reason of the emulator: a part of the name, and the reason.
const KNOWN_WINDOWS: &[(&str, &str)] = &[];

/// As [`KNOWN_WINDOWS`], for qemu-user.
const KNOWN_ARM64: &[(&str, &str)] = &[];

/// A suite of tests: its name in the table, and cargo's arguments.
struct Suite {
    name: String,
    arguments: Vec<String>,
}

fn suites(platform: &Platform) -> Vec<Suite> {
    let unit = |package: &&str| Suite {
        name: format!("{package}, unit"),
        arguments: ["--package", package, "--lib", "--bins"]
            .map(str::to_owned)
            .to_vec(),
    };
    let whole = |test: &&str| Suite {
        name: (*test).to_owned(),
        arguments: ["--package", "mertscope-tests", "--test", test]
            .map(str::to_owned)
            .to_vec(),
    };
    let (crates, tests): (Vec<&str>, &[&str]) = match platform.system {
        System::Windows => ([&ENGINE[..], &WINDOW].concat(), &WHOLE_WINDOWS),
        System::Linux | System::MacOs => (ENGINE.to_vec(), &WHOLE_ARM64),
    };
    let units = crates.iter().map(unit);
    units.chain(tests.iter().map(whole)).collect()
}

/// Runs the suites whose name contains `filter`, and makes the table.
///
/// # Errors
/// When the tests can't be compiled.
pub(super) fn run(
    workspace: &Workspace,
    platform: &Platform,
    emulator: &Emulator,
    filter: Option<&str>,
) -> Result<Verdict> {
    let logs = platform.target(workspace).join("logs");
    fs::create_dir_all(&logs)
        .with_context(|| format!("the folder {} cannot be made", logs.display()))?;
    let mut suites = suites(platform);
    suites.retain(|suite| filter.is_none_or(|filter| suite.name.contains(filter)));
    let mut outcomes = Vec::new();
    for suite in suites {
        let mut compile = cargo_test(workspace, platform, emulator, &suite);
        let what = format!("Compiling the tests {}", suite.name);
        process::run(&what, Progress::Talks, compile.arg("--no-run"))?;
        let log = logs.join(format!("{}.log", suite.name));
        let open =
            || File::create(&log).with_context(|| format!("{} cannot be written", log.display()));
        let file = open()?;
        let mut command = limited(&cargo_test(workspace, platform, emulator, &suite));
        command
            .stdin(Stdio::null())
            .stderr(file.try_clone()?)
            .stdout(file);
        let what = format!("Running the tests {}", suite.name);
        process::status(&what, Progress::Silent, &mut command)?;
        let output = fs::read(&log).with_context(|| format!("{} cannot be read", log.display()))?;
        let output = String::from_utf8_lossy(&output);
        outcomes.push(Outcome::read(suite.name, &output));
    }
    let known = match platform.system {
        System::Windows => KNOWN_WINDOWS,
        System::Linux | System::MacOs => KNOWN_ARM64,
    };
    Ok(Verdict::of(&outcomes, known))
}

fn cargo_test(
    workspace: &Workspace,
    platform: &Platform,
    emulator: &Emulator,
    suite: &Suite,
) -> Command {
    let mut cargo = platform.cargo(workspace, "test");
    // The profile that is released, so that what is tested is what is given out.
    cargo.args(["--release", "--no-fail-fast"]);
    let words: Vec<String> = emulator
        .words
        .iter()
        .map(|word| format!("{word:?}"))
        .collect();
    let triple = platform.triple.unwrap_or_default();
    cargo.arg("--config");
    cargo.arg(format!("target.{triple}.runner=[{}]", words.join(",")));
    cargo.args(&suite.arguments);
    cargo.envs(emulator.variables.iter().map(|(name, value)| (name, value)));
    cargo
}

/// The same command, which is ended with all that it started after [`LONGEST_S`].
fn limited(command: &Command) -> Command {
    let mut limited = Command::new("timeout");
    limited.args(["--kill-after=10", &LONGEST_S.to_string()]);
    limited.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        limited.current_dir(folder);
    }
    limited
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_suite_is_a_crate_or_a_test_that_exists() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for test in WHOLE_WINDOWS.iter().chain(&WHOLE_ARM64) {
            let file = root.join("tests/tests").join(format!("{test}.rs"));
            assert!(file.is_file(), "{}", file.display());
        }
        let lock = fs::read_to_string(root.join("Cargo.lock")).unwrap();
        for package in ENGINE.iter().chain(&WINDOW) {
            assert!(lock.contains(&format!("name = \"{package}\"")), "{package}");
        }
        assert_eq!(suites(&Platform::WINDOWS).len(), 26);
        assert_eq!(suites(&Platform::ARM64).len(), 12);
    }

    #[test]
    fn a_suite_runs_in_the_emulator_and_for_a_limited_time() {
        let workspace = Workspace {
            root: ".".into(),
            target: "target".into(),
        };
        let emulator = Emulator {
            words: vec!["env".into(), r"TMP=Z:\a b".into(), "wine".into()],
            variables: vec![("WINEDEBUG", "-all".into())],
        };
        let suite = suites(&Platform::WINDOWS).remove(0);
        let command = limited(&cargo_test(
            &workspace,
            &Platform::WINDOWS,
            &emulator,
            &suite,
        ));
        let words: Vec<_> = command
            .get_args()
            .map(|word| word.to_str().unwrap())
            .collect();
        assert_eq!(words[..2], ["--kill-after=10", "900"]);
        let runner = r#"target.x86_64-pc-windows-gnu.runner=["env","TMP=Z:\\a b","wine"]"#;
        assert!(words.contains(&runner), "{words:?}");
        assert!(words.contains(&"mertscope-audio"), "{words:?}");
        let quiet = ("WINEDEBUG".as_ref(), Some("-all".as_ref()));
        assert!(command.get_envs().any(|pair| pair == quiet));
    }
}
