//! The suites of tests that run on another platform, and the failures that are the emulator's.
//!
//! All are compiled by one call of cargo: each call with other packages would compile most dependencies
//! anew, with other features.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::emulator::Emulator;
use super::table::{Outcome, Verdict};
use crate::platform::{Platform, System};
use crate::process::{self, Progress};
use crate::workspace::Workspace;

/// Seconds after which a program of tests is ended: several times what the slowest takes under an emulator.
const LONGEST_S: u32 = 1800;

/// The package of the whole-product tests.
const WHOLE: &str = "mertscope-tests";

/// Crates with unit tests that run everywhere.
const ENGINE: [&str; 10] = [
    "mertscope-audio",
    "mertscope-music",
    "mertscope-model",
    "mertscope-heads",
    "mertscope-hub",
    "mertscope-live",
    "mertscope-export",
    "mertscope-parts",
    "mertscope-engine",
    "mertscope-cli",
];

/// Crates with unit tests that need what only a cross build for Windows has.
const WINDOW: [&str; 4] = ["mertscope-ui", "mertscope", "mertscope-standalone", "xtask"];

/// Whole-product tests for Windows. Left out: those of X11, JACK, ALSA, Linux's traces and terminals,
/// and of hosts that are Linux programs.
const WHOLE_WINDOWS: [&str; 16] = [
    "analyze_demo",
    "bad_input",
    "command",
    "devices",
    "embed",
    "export",
    "heads",
    "host_clap",
    "hub",
    "osc",
    "passthrough",
    "plugin_demo",
    "published_heads",
    "runtime",
    "standalone",
    "state",
];

/// Whole-product tests of the command, with the golden results.
const WHOLE_ARM64: [&str; 3] = ["analyze_demo", "bad_input", "embed"];

/// Tests that fail for a reason of the emulator: a part of the name, and the reason.
const KNOWN_WINDOWS: &[(&str, &str)] = &[
    (
        "json_goes_through_jq_unchanged",
        "it calls jq, which Wine's folder has not",
    ),
    (
        "the_compiler_has_the_standard_library_of_a_target_or_not",
        "it calls rustc, which Wine's folder has not",
    ),
];

/// As [`KNOWN_WINDOWS`], for qemu-user.
const KNOWN_ARM64: &[(&str, &str)] = &[];

/// Tests that each begin with a new user. Where an emulator has one user for all, they run one after another.
const SHARED_USER: [&str; 4] = ["heads", "hub", "published_heads", "standalone"];

/// Crates with tests of the window, in a file `editor`.
const EDITOR: [&str; 2] = ["mertscope-ui", "mertscope"];

/// A suite that runs in part under qemu, the tests that do, and the reason.
const SHORT_ARM64: [(&str, Part); 1] = [(
    "analyze_demo",
    Part {
        tests: "alone",
        reason: "one window each of two pieces: a window takes 13 s under qemu",
    },
)];

/// The part of a suite that an emulator has time for.
#[derive(Clone, Copy)]
struct Part {
    /// A word in the names of its tests.
    tests: &'static str,
    reason: &'static str,
}

/// A suite of tests: a crate's own, or one file of whole-product tests.
#[derive(Clone, Copy)]
struct Suite {
    package: &'static str,
    /// The file of tests; none for those inside the crate.
    test: Option<&'static str>,
    only: Option<Part>,
}

impl Suite {
    /// The name in the table.
    fn name(&self) -> String {
        match self.test {
            None => format!("{}, unit", self.package),
            Some(test) if self.package == WHOLE => test.to_owned(),
            Some(test) => format!("{}, {test}", self.package),
        }
    }
}

fn suites(platform: &Platform) -> Vec<Suite> {
    let unit = |package: &&'static str| Suite {
        package,
        test: None,
        only: None,
    };
    let whole = |test: &&'static str| Suite {
        package: WHOLE,
        test: Some(test),
        only: match platform.system {
            System::Windows => None,
            System::Linux | System::MacOs => SHORT_ARM64
                .iter()
                .find(|(suite, _)| suite == test)
                .map(|(_, part)| *part),
        },
    };
    match platform.system {
        System::Windows => {
            let units = ENGINE.iter().chain(&WINDOW).map(unit);
            let whole = WHOLE_WINDOWS.iter().map(whole);
            let editors = EDITOR.iter().map(|package| Suite {
                test: Some("editor"),
                ..unit(package)
            });
            units.chain(whole).chain(editors).collect()
        }
        System::Linux | System::MacOs => {
            let units = ENGINE.iter().map(unit);
            units.chain(WHOLE_ARM64.iter().map(whole)).collect()
        }
    }
}

/// Runs the suites whose name contains `filter`, and makes the table.
///
/// # Errors
/// When the tests can't be compiled, and when no suite has such a name.
pub(super) fn run(
    workspace: &Workspace,
    platform: &Platform,
    emulator: &Emulator,
    filter: Option<&str>,
) -> Result<Verdict> {
    let logs = platform.target(workspace).join("logs");
    fs::create_dir_all(&logs)
        .with_context(|| format!("the folder {} cannot be made", logs.display()))?;
    let all = suites(platform);
    let mut chosen = all.clone();
    chosen.retain(|suite| filter.is_none_or(|filter| suite.name().contains(filter)));
    if chosen.is_empty() {
        let names: Vec<String> = all.iter().map(Suite::name).collect();
        bail!(
            "no suite has {:?} in its name; there are: {}",
            filter.unwrap_or_default(),
            names.join("; ")
        );
    }
    let programs = compile(workspace, platform, &all, &chosen)?;
    let mut outcomes = Vec::new();
    for suite in &chosen {
        let name = suite.name();
        let log = logs.join(format!("{name}.log"));
        let key = (suite.package.to_owned(), suite.test.map(str::to_owned));
        let own = programs.get(&key).map_or(&[][..], Vec::as_slice);
        let took = run_suite(suite, own, emulator, &log)?;
        let output = fs::read(&log).with_context(|| format!("{} cannot be read", log.display()))?;
        let output = String::from_utf8_lossy(&output);
        let part = suite.only.map(|part| part.reason);
        let outcome = Outcome::read(name, &output, own.len(), took, part);
        eprintln!("    {}", outcome.summary());
        outcomes.push(outcome);
    }
    let known = match platform.system {
        System::Windows => KNOWN_WINDOWS,
        System::Linux | System::MacOs => KNOWN_ARM64,
    };
    Ok(Verdict::of(&outcomes, known))
}

/// A compiled program of tests.
#[derive(Debug, PartialEq, Eq)]
struct Program {
    file: PathBuf,
    /// The folder of its package, in which cargo starts tests.
    folder: PathBuf,
}

/// The programs by their package and file of tests, as in [`Suite`].
type Programs = HashMap<(String, Option<String>), Vec<Program>>;

/// Compiles the chosen suites. The packages of all are named, so that features are the same for every choice.
fn compile(
    workspace: &Workspace,
    platform: &Platform,
    all: &[Suite],
    chosen: &[Suite],
) -> Result<Programs> {
    // The profile that is released, so that what is tested is what is given out.
    if chosen.iter().any(|suite| suite.test == Some("devices")) {
        let mut cargo = platform.cargo(workspace, "build");
        cargo.arg("--release").args(packages(all));
        cargo.args(["--example", "onnxruntime_providers_fixture"]);
        let what = "Building the provider library that the tests of devices load";
        process::run(what, Progress::Talks, &mut cargo)?;
    }
    let mut cargo = platform.cargo(workspace, "test");
    cargo.args(["--release", "--no-run"]);
    cargo.arg("--message-format=json-render-diagnostics");
    cargo.args(packages(all)).args(targets(chosen));
    process::heading("Compiling the tests");
    let told = cargo
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| process::could_not_start(&cargo))?;
    if !told.status.success() {
        bail!("the tests can't be compiled for this system");
    }
    Ok(programs(&String::from_utf8_lossy(&told.stdout)))
}

/// The arguments that name the packages of all suites.
fn packages(all: &[Suite]) -> Vec<&'static str> {
    let mut packages: Vec<&str> = all.iter().map(|suite| suite.package).collect();
    packages.sort_unstable();
    packages.dedup();
    let packages = packages.into_iter();
    packages
        .flat_map(|package| ["--package", package])
        .collect()
}

/// The arguments that name the tests of the chosen suites.
fn targets(chosen: &[Suite]) -> Vec<&'static str> {
    let mut words = Vec::new();
    if chosen.iter().any(|suite| suite.test.is_none()) {
        words.extend(["--lib", "--bins"]);
    }
    let tests = chosen.iter().filter_map(|suite| suite.test);
    words.extend(tests.flat_map(|test| ["--test", test]));
    words
}

/// The programs of tests in cargo's messages.
fn programs(messages: &str) -> Programs {
    let mut programs = Programs::new();
    for message in messages.lines() {
        let Ok(message) = serde_json::from_str::<Value>(message) else {
            continue;
        };
        if message["profile"]["test"] != true {
            continue;
        }
        let (Some(file), Some(manifest), Some(id)) = (
            message["executable"].as_str(),
            message["manifest_path"].as_str(),
            message["package_id"].as_str(),
        ) else {
            continue;
        };
        let target = &message["target"];
        let is_whole = target["kind"][0] == "test";
        let test = target["name"].as_str().filter(|_| is_whole);
        let program = Program {
            file: file.into(),
            folder: Path::new(manifest).parent().unwrap_or(Path::new("")).into(),
        };
        let key = (package(id).to_owned(), test.map(str::to_owned));
        programs.entry(key).or_default().push(program);
    }
    programs
}

/// The package's name in cargo's id of it: `path+file:///a/b#name@1.0.0`, or `path+file:///a/name#1.0.0`.
fn package(id: &str) -> &str {
    let (path, name) = id.rsplit_once('#').unwrap_or((id, ""));
    match name.split_once('@') {
        Some((name, _)) => name,
        None => path.rsplit('/').next().unwrap_or(path),
    }
}

/// Runs the programs of a suite one after another, with their output in `log`.
fn run_suite(
    suite: &Suite,
    programs: &[Program],
    emulator: &Emulator,
    log: &Path,
) -> Result<Duration> {
    emulator.forget()?;
    let mut took = Duration::ZERO;
    let file = File::create(log).with_context(|| format!("{} cannot be written", log.display()))?;
    for program in programs {
        let mut command = limited(program, emulator);
        command.args(suite.only.map(|part| part.tests));
        if emulator.user.is_some() && suite.test.is_some_and(|test| SHARED_USER.contains(&test)) {
            command.arg("--test-threads=1");
        }
        command
            .stdin(Stdio::null())
            .stderr(file.try_clone()?)
            .stdout(file.try_clone()?);
        let what = format!("Running the tests {}", suite.name());
        took += process::status(&what, Progress::Silent, &mut command)?.1;
    }
    Ok(took)
}

/// A program in the emulator, which is ended with all that it started after [`LONGEST_S`].
fn limited(program: &Program, emulator: &Emulator) -> Command {
    let mut limited = Command::new("timeout");
    limited.args(["--kill-after=10", &LONGEST_S.to_string()]);
    limited.args(&emulator.words).arg(&program.file);
    limited.current_dir(&program.folder);
    limited.envs(emulator.variables.iter().map(|(name, value)| (name, value)));
    limited
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_suite_is_a_crate_or_a_test_that_exists() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for test in WHOLE_WINDOWS.iter().chain(&WHOLE_ARM64) {
            let file = root.join("tests/tests").join(format!("{test}.rs"));
            assert!(file.is_file(), "{}", file.display());
        }
        let lock = fs::read_to_string(root.join("Cargo.lock")).unwrap();
        for package in ENGINE.iter().chain(&WINDOW).chain([&WHOLE]) {
            assert!(lock.contains(&format!("name = \"{package}\"")), "{package}");
        }
        for folder in ["plugin", "plugin/ui"] {
            assert!(root.join(folder).join("tests/editor/main.rs").is_file());
        }
        assert_eq!(suites(&Platform::WINDOWS).len(), 32);
        assert_eq!(suites(&Platform::ARM64).len(), 13);
    }

    #[test]
    fn the_suites_packages_are_named_once_and_the_chosen_tests() {
        let all = suites(&Platform::WINDOWS);
        assert_eq!(packages(&all).len(), 2 * 15);
        assert_eq!(targets(&all)[..2], ["--lib", "--bins"]);
        assert_eq!(targets(&all[14..15]), ["--test", "analyze_demo"]);
    }

    #[test]
    fn programs_are_found_by_package_and_test() {
        let message = |id: &str, kind: &str, name: &str, file: &str| {
            json!({
                "profile": {"test": true}, "executable": file, "manifest_path": "/a/tests/Cargo.toml",
                "package_id": id, "target": {"kind": [kind], "name": name},
            })
        };
        let messages = [
            message("path+file:///a/xtask#0.1.0", "bin", "xtask", "x.exe"),
            message("path+file:///a/tests#b@0.1.0", "test", "state", "s.exe"),
            json!({"reason": "build-finished", "success": true}),
        ];
        let messages = messages.map(|message| message.to_string()).join("\n");
        let programs = programs(&messages);
        let program = |file: &str| Program {
            file: file.into(),
            folder: "/a/tests".into(),
        };
        assert_eq!(programs[&("xtask".into(), None)], [program("x.exe")]);
        let state = &programs[&("b".into(), Some("state".into()))];
        assert_eq!(state, &[program("s.exe")]);
    }

    #[test]
    fn a_program_runs_in_the_emulator_and_for_a_limited_time() {
        let emulator = Emulator {
            words: vec!["env".into(), r"TMP=Z:\a b".into(), "wine".into()],
            variables: vec![("WINEDEBUG", "-all".into())],
            user: None,
        };
        let program = Program {
            file: "x.exe".into(),
            folder: "/a".into(),
        };
        let command = limited(&program, &emulator);
        let words: Vec<_> = command
            .get_args()
            .map(|word| word.to_str().unwrap())
            .collect();
        let expected = [
            "--kill-after=10",
            "1800",
            "env",
            r"TMP=Z:\a b",
            "wine",
            "x.exe",
        ];
        assert_eq!(words, expected);
        assert_eq!(command.get_current_dir(), Some(Path::new("/a")));
        let quiet = ("WINEDEBUG".as_ref(), Some("-all".as_ref()));
        assert!(command.get_envs().any(|pair| pair == quiet));
    }
}
