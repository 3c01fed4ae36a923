//! `cargo xtask test`: everything that must hold before a change lands; `.ci/run` calls it.

use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::Result;

use crate::process::{self, Progress};
use crate::setup::{self, Goal};
use crate::workspace::Workspace;

/// What `--help` prints.
pub const HELP: &str = "\
Checks formatting and lints, runs unit, documentation and whole-product tests, builds the documentation.

Usage: cargo xtask test [--full] [FILTER]

Arguments:
  FILTER   Run only tests whose name contains this, and none of the other steps

Options:
  --full   Also run what takes long: soak, full-size parity, hours of fuzzing

It first gets what is missing (see `cargo xtask setup --help`). A failed step does not keep the next from running;
the last line is the verdict, and the exit code is 0 only if all passed.

Examples:
  cargo xtask test
  cargo xtask test resample
  cargo xtask test --full
";

/// Tests that take long run only where this is set to 1.
const FULL_VARIABLE: &str = "MERTSCOPE_FULL";

struct Step {
    what: &'static str,
    command: Command,
}

struct Outcome {
    what: &'static str,
    passed: bool,
    elapsed: Duration,
}

/// Sets up, runs the steps, prints a summary; the exit code is the verdict.
pub fn run(workspace: &Workspace, full: bool, filter: Option<&str>) -> Result<ExitCode> {
    setup::run(workspace, Goal::Test)?;
    let mut outcomes = Vec::new();
    for Step { what, mut command } in steps(workspace, full, filter) {
        let (status, elapsed) = process::status(what, Progress::Talks, &mut command)?;
        outcomes.push(Outcome {
            what,
            passed: status.success(),
            elapsed,
        });
    }
    let (report, passed) = report(&outcomes);
    println!("{report}");
    Ok(if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn steps(workspace: &Workspace, full: bool, filter: Option<&str>) -> Vec<Step> {
    let mut tests = workspace.cargo(["test", "--workspace", "--all-features", "--no-fail-fast"]);
    tests.args(filter);
    if full {
        tests.env(FULL_VARIABLE, "1");
    }
    let tests = Step {
        what: if full {
            "Tests, the long ones too"
        } else {
            "Tests"
        },
        command: tests,
    };
    if filter.is_some() {
        return vec![tests];
    }
    let formatting = workspace.cargo(["fmt", "--all", "--check"]);
    let lints = workspace.cargo([
        "clippy",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "--deny",
        "warnings",
    ]);
    let mut pages = workspace.cargo(["doc", "--workspace", "--all-features", "--no-deps"]);
    pages.env("RUSTDOCFLAGS", "--deny warnings");
    vec![
        Step {
            what: "Formatting",
            command: formatting,
        },
        Step {
            what: "Lints",
            command: lints,
        },
        tests,
        Step {
            what: "Documentation",
            command: pages,
        },
    ]
}

/// The summary with the verdict as its last line, and the verdict itself.
fn report(outcomes: &[Outcome]) -> (String, bool) {
    let width = outcomes
        .iter()
        .map(|outcome| outcome.what.len())
        .max()
        .unwrap_or(0);
    let mut lines = vec![String::new()];
    for Outcome {
        what,
        passed,
        elapsed,
    } in outcomes
    {
        let verdict = if *passed { "passed" } else { "FAILED" };
        lines.push(format!(
            "{what:width$}  {verdict}  {:7.1} s",
            elapsed.as_secs_f64()
        ));
    }
    let failed: Vec<&str> = outcomes
        .iter()
        .filter(|outcome| !outcome.passed)
        .map(|outcome| outcome.what)
        .collect();
    lines.push(if failed.is_empty() {
        "All passed.".into()
    } else {
        format!("FAILED: {}.", failed.join("; "))
    });
    (lines.join("\n"), failed.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failed_step_is_named_in_the_last_line_and_fails_the_whole() {
        let outcome = |what, passed| Outcome {
            what,
            passed,
            elapsed: Duration::from_millis(1500),
        };
        let (text, passed) = report(&[
            outcome("Formatting", true),
            outcome("Lints", false),
            outcome("Tests", true),
        ]);
        assert!(!passed);
        assert_eq!(text.lines().last(), Some("FAILED: Lints."));
        assert!(text.contains("Formatting  passed      1.5 s"), "{text}");

        let (text, passed) = report(&[outcome("Formatting", true)]);
        assert!(passed);
        assert_eq!(text.lines().last(), Some("All passed."));
    }
}
