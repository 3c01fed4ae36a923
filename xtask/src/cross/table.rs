//! The table of the test suites' results: passed, failed, and failed for a reason of the emulator.

use std::time::Duration;

/// The outcome of a suite.
pub(super) struct Outcome {
    suite: String,
    passed: usize,
    ignored: usize,
    /// The names of the tests that failed.
    failed: Vec<String>,
    /// Whether the suite said how it ended.
    ended: bool,
    took: Duration,
    /// Why only a part of the suite ran.
    part: Option<&'static str>,
}

impl Outcome {
    /// Reads the output of Rust's test harness: one result per program, of which there are `programs`.
    pub(super) fn read(
        suite: String,
        output: &str,
        programs: usize,
        took: Duration,
        part: Option<&'static str>,
    ) -> Self {
        let mut outcome = Self {
            suite,
            passed: 0,
            ignored: 0,
            failed: Vec::new(),
            ended: false,
            took,
            part,
        };
        let mut ended = 0;
        for line in output.lines().map(str::trim) {
            if let Some(counts) = line.strip_prefix("test result: ") {
                let count = |what: &str| count_before(counts, what);
                outcome.passed += count(" passed");
                outcome.ignored += count(" ignored");
                ended += 1;
            } else if let Some(name) = line
                .strip_prefix("test ")
                .and_then(|line| line.strip_suffix(" ... FAILED"))
            {
                outcome.failed.push(name.to_owned());
            }
        }
        outcome.ended = ended > 0 && ended == programs;
        outcome
    }

    /// What is told as soon as the suite has run.
    pub(super) fn summary(&self) -> String {
        let end = if self.ended { "" } else { ", did not end" };
        format!(
            "{} passed, {} failed{end}, {:.0} s",
            self.passed,
            self.failed.len(),
            self.took.as_secs_f64()
        )
    }
}

/// The number that stands before a word.
fn count_before(text: &str, word: &str) -> usize {
    let before = text.split(word).next().unwrap_or_default();
    let number = before.rsplit(|c: char| !c.is_ascii_digit()).next();
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// The table, and whether all that failed is known.
pub(super) struct Verdict {
    pub table: String,
    pub passed: bool,
}

impl Verdict {
    /// Makes the table. `known` has parts of names of tests, and reasons.
    pub(super) fn of(outcomes: &[Outcome], known: &[(&str, &str)]) -> Self {
        let reason = |test: &str| {
            let fitting = known.iter().find(|(part, _)| test.contains(part));
            fitting.map(|(_, reason)| *reason)
        };
        let width = outcomes.iter().map(|outcome| outcome.suite.len()).max();
        let width = width.unwrap_or(0).max("suite".len());
        let mut lines = vec![format!(
            "{:width$}  run  passed  failed  emulator's  ignored  seconds",
            "suite"
        )];
        let mut notes = Vec::new();
        let mut passed = true;
        for outcome in outcomes {
            let (theirs, ours): (Vec<_>, Vec<_>) = outcome
                .failed
                .iter()
                .partition(|test| reason(test).is_some());
            let end = if outcome.ended { "" } else { "  did not end" };
            lines.push(format!(
                "{:width$}  {:3}  {:6}  {:6}  {:10}  {:7}  {:7.0}{end}",
                outcome.suite,
                outcome.passed + outcome.failed.len(),
                outcome.passed,
                ours.len(),
                theirs.len(),
                outcome.ignored,
                outcome.took.as_secs_f64(),
            ));
            notes.extend(
                outcome
                    .part
                    .map(|part| format!("in part: {}: {part}", outcome.suite)),
            );
            passed &= ours.is_empty() && outcome.ended;
            notes.extend(ours.iter().map(|test| format!("FAILED: {test}")));
            for test in theirs {
                let reason = reason(test).unwrap_or_default();
                notes.push(format!("for the emulator's reason: {test}: {reason}"));
            }
        }
        lines.extend(notes);
        Self {
            table: lines.join("\n"),
            passed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "
test one ... ok
test two::three ... FAILED
test four ... FAILED

test result: FAILED. 12 passed; 2 failed; 3 ignored; 0 measured; 0 filtered out; finished in 0.1s
";

    fn outcome(output: &str, programs: usize) -> Outcome {
        let took = Duration::from_secs(12);
        Outcome::read("suite one".into(), output, programs, took, Some("slow"))
    }

    #[test]
    fn a_failure_for_the_emulators_reason_is_told_and_counts_apart() {
        let verdict = Verdict::of(&[outcome(OUTPUT, 1)], &[("two::", "no such call")]);
        assert!(!verdict.passed);
        let row = "suite one   14      12       1           1        3       12";
        assert!(verdict.table.contains(row), "{}", verdict.table);
        for note in [
            "FAILED: four",
            "reason: two::three: no such call",
            "in part: suite one: slow",
        ] {
            assert!(verdict.table.contains(note), "{}", verdict.table);
        }
        let verdict = Verdict::of(&[outcome(OUTPUT, 1)], &[("two::", "a"), ("four", "b")]);
        assert!(verdict.passed, "{}", verdict.table);
    }

    #[test]
    fn a_suite_without_a_result_did_not_end() {
        let cut = OUTPUT.split("test result").next().unwrap();
        // Of two programs the second wrote nothing.
        for (output, programs) in [("", 1), (cut, 1), (OUTPUT, 2)] {
            let summary = outcome(output, programs).summary();
            assert!(summary.ends_with("did not end, 12 s"), "{summary}");
            let verdict = Verdict::of(&[outcome(output, programs)], &[("", "known")]);
            assert!(!verdict.passed);
            assert!(verdict.table.contains("did not end"), "{}", verdict.table);
        }
    }
}
