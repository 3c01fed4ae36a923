//! `cargo xtask test`: everything that must hold before a change lands; `.ci/run` calls it.

pub(crate) mod python;

use std::fs::{self, OpenOptions};
use std::io::Write;
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
The steps: formatting; lints; text and workflows (spelling, the schemas and security of .github, the
Python pipeline); tests; documentation.

It first gets what is missing (see `cargo xtask setup --help`), with real plugin hosts and the tools
that check text. The tests of a missing host are skipped, and so is the step of a missing tool; the
summary lists both with the reason.

Tests that take long (soak tests, parity at full size, long fuzzing, Ardour, installing packages)
are shown as ignored without --full. Both --full and --hosts get Ardour, and run each of the
field's validators that is named by CLAP_VALIDATOR, PLUGINVAL or VST3_VALIDATOR.

A failed step does not keep the next from running. The last line is the verdict; the exit code is 0
only when all that ran passed.

Examples:
  cargo xtask test
  cargo xtask test resample
  cargo xtask test --full
  cargo xtask test --hosts ardour
  cargo xtask test --python";

/// The name of the step that runs the checks of [`lint`].
pub(crate) const TEXT: &str = "Text and workflows";

/// Names the file to which a test that can't run on this machine appends a line with the test's name
/// and the reason.
const SKIPPED_VARIABLE: &str = "MERTSCOPE_SKIPPED";

/// The tests to run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Suite {
    /// All but those that take long.
    Quick,
    /// All.
    Full,
    /// Those in plugin hosts, the long ones too.
    Hosts,
    /// Those of the Python package.
    Python,
}

impl Suite {
    pub(crate) fn from_options(full: bool, hosts: bool, python: bool) -> Self {
        match (full, hosts, python) {
            (.., true) => Self::Python,
            (_, true, false) => Self::Hosts,
            (true, false, false) => Self::Full,
            (false, false, false) => Self::Quick,
        }
    }
}

/// A command and the heading that is printed before it.
type Named = (String, Command);

struct Step {
    what: &'static str,
    /// The commands, or the reason why they can't run on this machine.
    commands: Result<Vec<Named>, String>,
}

struct Outcome {
    what: &'static str,
    passed: bool,
    elapsed: Duration,
}

/// Sets up, runs the steps, prints a summary; the exit code is the verdict.
pub(crate) fn run(workspace: &Workspace, suite: Suite, filter: Option<&str>) -> Result<ExitCode> {
    setup::run(workspace, Goal::Test)?;
    if suite != Suite::Python {
        setup::hosts(workspace, suite != Suite::Quick);
    }
    if suite == Suite::Full {
        setup::package_tests();
        setup::readers(workspace);
        setup::servers_for_tests(workspace);
    }
    let skipped = workspace.target.join("skipped-tests");
    fs::write(&skipped, "").with_context(|| format!("{} cannot be written", skipped.display()))?;
    let steps = steps(workspace, suite, filter, &skipped)?;
    let mut outcomes = Vec::new();
    for step in steps {
        outcomes.extend(run_step(step, &skipped)?);
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

/// The steps of a suite; with a filter only the tests.
fn steps(
    workspace: &Workspace,
    suite: Suite,
    filter: Option<&str>,
    skipped: &Path,
) -> Result<Vec<Step>> {
    if suite == Suite::Python {
        return Ok(vec![python::step(workspace, suite, skipped)]);
    }
    let tests = tests(workspace, suite, filter, skipped);
    if filter.is_some() || suite == Suite::Hosts {
        return Ok(vec![tests]);
    }
    let mut steps = all_steps(workspace, text(workspace)?, tests);
    if suite == Suite::Full {
        steps.push(python::step(workspace, suite, skipped));
    }
    Ok(steps)
}

/// Runs the commands of a step, all of them whatever fails. Without commands it appends the reason to
/// the list `skipped` and returns `None`.
fn run_step(Step { what, commands }: Step, skipped: &Path) -> Result<Option<Outcome>> {
    let commands = match commands {
        Ok(commands) => commands,
        Err(reason) => {
            let list = OpenOptions::new().append(true).create(true).open(skipped);
            list.and_then(|mut list| writeln!(list, "{what}: {reason}"))
                .with_context(|| format!("{} cannot be written", skipped.display()))?;
            return Ok(None);
        }
    };
    let (mut passed, mut elapsed) = (true, Duration::ZERO);
    for (heading, mut command) in commands {
        let (status, took) = process::status(&heading, Progress::Talks, &mut command)?;
        passed &= status.success();
        elapsed += took;
    }
    Ok(Some(Outcome {
        what,
        passed,
        elapsed,
    }))
}

/// The checks of text, workflows and Python, or the reason why their tools are missing.
fn text(workspace: &Workspace) -> Result<Result<Vec<Named>, String>> {
    let python = match setup::lint_tools(workspace) {
        Ok(python) => python,
        // One line of the list of skipped tests.
        Err(error) => return Ok(Err(format!("{error:#}").replace('\n', " "))),
    };
    let checks = lint::checks(workspace, &python)?.into_iter();
    let named = checks.map(|(what, command)| (format!("{TEXT}: {what}"), command));
    Ok(Ok(named.collect()))
}

/// All steps in their order.
fn all_steps(workspace: &Workspace, text: Result<Vec<Named>, String>, tests: Step) -> Vec<Step> {
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
    let text = Step {
        what: TEXT,
        commands: text,
    };
    vec![
        Step::of("Formatting", formatting),
        Step::of("Lints", lints),
        text,
        tests,
        Step::of("Documentation", pages),
    ]
}

fn tests(workspace: &Workspace, suite: Suite, filter: Option<&str>, skipped: &Path) -> Step {
    let scope: &[&str] = match suite {
        Suite::Quick | Suite::Full | Suite::Python => &["--workspace"],
        Suite::Hosts => &["--package", "mertscope-tests", "--test", "host*"],
    };
    let mut tests = workspace.cargo(["test", "--no-fail-fast"]);
    tests.args(scope).args(filter);
    if suite != Suite::Quick {
        // Tests that take long are marked with `#[ignore]`.
        tests.args(["--", "--include-ignored"]);
    }
    tests.env(SKIPPED_VARIABLE, skipped);
    let what = match suite {
        Suite::Quick | Suite::Python => "Tests",
        Suite::Full => "Tests, the long ones too",
        Suite::Hosts => "Tests in hosts",
    };
    Step::of(what, tests)
}

impl Step {
    fn of(what: &'static str, command: Command) -> Self {
        Self {
            what,
            commands: Ok(vec![(what.to_owned(), command)]),
        }
    }
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
        (true, count) => format!("All that ran passed; {count} skipped."),
        (false, _) => format!("FAILED: {}.", failed.join("; ")),
    });
    (lines.join("\n"), failed.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> Workspace {
        Workspace {
            root: ".".into(),
            target: "target".into(),
        }
    }

    #[test]
    fn full_and_hosts_include_the_long_tests() {
        let line = |suite, filter| {
            let step = tests(&workspace(), suite, filter, Path::new("skipped"));
            let (_, command) = &step.commands.unwrap()[0];
            let words = command.get_args().map(|word| word.to_str().unwrap());
            words.collect::<Vec<_>>().join(" ")
        };
        let all = "test --no-fail-fast --workspace";
        assert_eq!(line(Suite::Quick, None), all);
        assert_eq!(line(Suite::Quick, Some("key")), format!("{all} key"));
        assert_eq!(
            line(Suite::Full, None),
            format!("{all} -- --include-ignored")
        );
        let long = format!("{all} key -- --include-ignored");
        assert_eq!(line(Suite::Full, Some("key")), long);
        let hosts =
            "test --no-fail-fast --package mertscope-tests --test host* -- --include-ignored";
        assert_eq!(line(Suite::Hosts, None), hosts);
    }

    #[test]
    fn the_steps_have_their_order_and_one_without_its_tools_is_listed_as_skipped() {
        let workspace = workspace();
        let tests = tests(&workspace, Suite::Quick, None, Path::new("skipped"));
        let steps = all_steps(&workspace, Err("no Python".into()), tests);
        let names: Vec<&str> = steps.iter().map(|step| step.what).collect();
        let expected = ["Formatting", "Lints", TEXT, "Tests", "Documentation"];
        assert_eq!(names, expected);
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("skipped");
        let text = steps.into_iter().nth(2).unwrap();
        assert!(run_step(text, &list).unwrap().is_none());
        let line = format!("{TEXT}: no Python\n");
        assert_eq!(fs::read_to_string(&list).unwrap(), line);
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
        let verdict = "All that ran passed; 2 skipped.";
        assert_eq!(text.lines().last(), Some(verdict));
    }
}
