//! `cargo xtask test`: everything that must hold before a change lands; `.ci/run` calls it.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::lint;
use crate::process::{self, Progress};
use crate::setup::{self, Goal};
use crate::workspace::Workspace;

/// The part of `--help` after the options.
pub(crate) const HELP: &str = "\
It first gets what is missing (see `cargo xtask setup --help`), with real plugin hosts: a Python
environment with pedalboard and dawdreamer in target/venv/hosts, and Debian's qtractor. The tests of
a host that is not available are skipped, and listed as such.

Tests that take long (soak tests, parity at full size, long fuzzing) are shown as ignored without
--full.

A failed step does not keep the next from running. The last line is the verdict; the exit code is 0
only when all that ran passed.

Examples:
  cargo xtask test
  cargo xtask test resample
  cargo xtask test --full";

/// Names the file to which a test that can't run on this machine appends a line with the test's name
/// and the reason.
const SKIPPED_VARIABLE: &str = "MERTSCOPE_SKIPPED";

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
pub(crate) fn run(workspace: &Workspace, full: bool, filter: Option<&str>) -> Result<ExitCode> {
    setup::run(workspace, Goal::Test)?;
    setup::hosts(workspace);
    let skipped = workspace.target.join("skipped-tests");
    fs::write(&skipped, "").with_context(|| format!("{} cannot be written", skipped.display()))?;
    let mut outcomes = Vec::new();
    if filter.is_none()
        && let Some((passed, elapsed)) = lint::run(workspace, &skipped)?
    {
        outcomes.push(Outcome {
            what: lint::WHAT,
            passed,
            elapsed,
        });
    }
    for Step { what, mut command } in steps(workspace, full, filter, &skipped) {
        let (status, elapsed) = process::status(what, Progress::Talks, &mut command)?;
        outcomes.push(Outcome {
            what,
            passed: status.success(),
            elapsed,
        });
    }
    let skipped = fs::read_to_string(&skipped)
        .with_context(|| format!("{} cannot be read", skipped.display()))?;
    let (report, passed) = report(&outcomes, &skipped);
    println!("{report}");
    Ok(if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn steps(workspace: &Workspace, full: bool, filter: Option<&str>, skipped: &Path) -> Vec<Step> {
    let mut tests = workspace.cargo(["test", "--workspace", "--no-fail-fast"]);
    tests.args(filter);
    if full {
        // Tests that take long are marked with `#[ignore]`.
        tests.args(["--", "--include-ignored"]);
    }
    tests.env(SKIPPED_VARIABLE, skipped);
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
        "--",
        "--deny",
        "warnings",
    ]);
    let mut pages = workspace.cargo(["doc", "--workspace", "--no-deps"]);
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
fn report(outcomes: &[Outcome], skipped: &str) -> (String, bool) {
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
    let skipped: Vec<&str> = skipped.lines().collect();
    lines.extend(skipped.iter().map(|line| format!("skipped: {line}")));
    lines.push(match (failed.is_empty(), skipped.len()) {
        (true, 0) => "All passed.".into(),
        (true, count) => format!("All that ran passed; {count} tests were skipped."),
        (false, _) => format!("FAILED: {}.", failed.join("; ")),
    });
    (lines.join("\n"), failed.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_full_includes_the_long_tests_and_a_filter_leaves_out_the_other_steps() {
        let workspace = Workspace {
            root: ".".into(),
            target: "target".into(),
        };
        let line = |full, filter| {
            let steps = steps(&workspace, full, filter, Path::new("skipped"));
            let tests = steps
                .iter()
                .find(|step| step.what.starts_with("Tests"))
                .unwrap();
            let words = tests.command.get_args().map(|word| word.to_str().unwrap());
            (steps.len(), words.collect::<Vec<_>>().join(" "))
        };
        let all = "test --workspace --no-fail-fast";
        assert_eq!(line(false, None), (4, all.to_owned()));
        assert_eq!(line(false, Some("key")), (1, format!("{all} key")));
        let long = format!("{all} -- --include-ignored");
        assert_eq!(line(true, None), (4, long));
        let long = format!("{all} key -- --include-ignored");
        assert_eq!(line(true, Some("key")), (1, long));
    }

    #[test]
    fn one_failed_step_is_named_in_the_last_line_and_fails_the_whole() {
        let outcome = |what, passed| Outcome {
            what,
            passed,
            elapsed: Duration::from_millis(1500),
        };
        let (text, passed) = report(
            &[
                outcome("Formatting", true),
                outcome("Lints", false),
                outcome("Tests", true),
            ],
            "",
        );
        assert!(!passed);
        assert_eq!(text.lines().last(), Some("FAILED: Lints."));
        assert!(text.contains("Formatting  passed      1.5 s"), "{text}");

        let (text, passed) = report(&[outcome("Formatting", true)], "");
        assert!(passed);
        assert_eq!(text.lines().last(), Some("All passed."));
    }

    #[test]
    fn skipped_tests_are_listed_and_not_counted_as_passed() {
        let outcome = Outcome {
            what: "Tests",
            passed: true,
            elapsed: Duration::from_millis(1500),
        };
        let (text, passed) = report(&[outcome], "one: no Python\ntwo: no Python\n");
        assert!(passed);
        assert!(text.contains("skipped: two: no Python"), "{text}");
        let verdict = "All that ran passed; 2 tests were skipped.";
        assert_eq!(text.lines().last(), Some(verdict));
    }
}
