//! The one time that stands in a package.

use std::env;
use std::process::Command;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};

use crate::workspace::Workspace;

/// The variable by which a build is told its time: <https://reproducible-builds.org/specs/source-date-epoch/>.
pub(super) const VARIABLE: &str = "SOURCE_DATE_EPOCH";

/// Seconds since 1970, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Epoch(pub u64);

impl Epoch {
    /// The time in the environment, else that of the last commit.
    ///
    /// # Errors
    /// When there is neither.
    pub(super) fn of(workspace: &Workspace) -> Result<Self> {
        if let Ok(told) = env::var(VARIABLE) {
            return Self::parse(&told);
        }
        let git = Command::new("git")
            .args(["log", "-1", "--format=%ct"])
            .current_dir(&workspace.root)
            .output();
        let told = git.map(|git| git.stdout).unwrap_or_default();
        Self::parse(&String::from_utf8_lossy(&told)).with_context(|| {
            format!("git does not know the last commit here; set {VARIABLE} to the release's time")
        })
    }

    fn parse(text: &str) -> Result<Self> {
        let seconds = text.trim().parse().with_context(|| {
            format!(
                "{VARIABLE} has to be whole seconds since 1970, and is '{}'",
                text.trim()
            )
        })?;
        Ok(Self(seconds))
    }

    /// As a time of a file.
    pub(super) fn system_time(self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.0)
    }

    /// Year, month, day, hour, minute, second, and the day of the week (0 is Sunday).
    fn parts(self) -> [u64; 7] {
        let (days, rest) = (self.0 / 86_400, self.0 % 86_400);
        // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`: years begin
        // in March, eras have 400 of them.
        let shifted = days + 719_468;
        let (era, of_era) = (shifted / 146_097, shifted % 146_097);
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year + era * 400 + u64::from(month <= 2);
        [
            year,
            month,
            day,
            rest / 3_600,
            rest / 60 % 60,
            rest % 60,
            (days + 4) % 7,
        ]
    }

    /// As ISO 8601 has it: `2026-11-30T17:06:29Z`.
    pub(super) fn iso(self) -> String {
        let [year, month, day, hour, minute, second, _] = self.parts();
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }

    /// As RFC 5322 has it, and Debian's changelogs: `Mon, 30 Nov 2026 17:06:29 +0000`.
    pub(super) fn rfc(self) -> String {
        const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
        const MONTHS: [&str; 12] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ];
        let [year, month, day, hour, minute, second, weekday] = self.parts();
        let name = |names: &[&'static str], index: u64| {
            names
                .get(usize::try_from(index).unwrap_or(0))
                .copied()
                .unwrap_or_default()
        };
        format!(
            "{}, {day:02} {} {year:04} {hour:02}:{minute:02}:{second:02} +0000",
            name(&DAYS, weekday),
            name(&MONTHS, month - 1),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_the_standards_have_them() {
        for (seconds, iso, rfc) in [
            (0, "1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 +0000"),
            (
                951_782_400,
                "2000-02-29T00:00:00Z",
                "Tue, 29 Feb 2000 00:00:00 +0000",
            ),
            (
                1_796_058_389,
                "2026-11-30T17:06:29Z",
                "Mon, 30 Nov 2026 17:06:29 +0000",
            ),
        ] {
            assert_eq!(Epoch(seconds).iso(), iso);
            assert_eq!(Epoch(seconds).rfc(), rfc);
        }
    }

    #[test]
    fn a_time_that_is_none_is_refused_by_name() {
        let error = format!("{:#}", Epoch::parse("today").unwrap_err());
        assert!(
            error.contains(VARIABLE) && error.contains("today"),
            "{error}"
        );
        assert_eq!(Epoch::parse("12\n").unwrap(), Epoch(12));
    }
}
