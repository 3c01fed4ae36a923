//! The table of one file for people: its summary and timeline.
//!
//! On a terminal it has rules and, unless `NO_COLOR` is set, color; piped, it has the same words in
//! columns aligned with spaces, one line per row: enough for `less` and `grep`. Programs read `--json`
//! or `--csv`. The timeline merges windows that agree; when it would fill the screen, it folds the
//! shortest stretches into their neighbors and says so. Notices and errors are not here: they go to
//! stderr.
//!
//! Windows come one by one, and memory grows with the changes of key and genre only.
//!
//! ```
//! use mertscope_export::{AnalysisRun, FileEnd, table::{FileTable, Style}};
//!
//! let table = FileTable::default();
//! // table.add(&timed) for each window
//! let end = FileEnd {
//!     duration_s: None,
//!     notices: Vec::new(),
//!     outcome: Err("text.wav is not audio.".to_owned()),
//! };
//! let text = table.render(&AnalysisRun::default(), "text.wav", &end, Style::default());
//! assert_eq!(text, "text.wav\n  not analyzed\n\n");
//! ```

use std::io::IsTerminal;

use comfy_table::{Attribute, Cell, Color, LineStyle, Table, TableStyle};
use mertscope_audio::Status;
use mertscope_heads::timeline::{KeySummary, Summary, TimedResult};
use mertscope_music::{Key, KeyAnswer, Mode, Standing};

use super::printable::printable;
use super::segments::{Merger, Segment, fold, shown_genre};
use super::units::{
    clock, clock_tenths, finite_summary, key_and_camelot, percent, tentative, top, tuning_text,
};
use super::{AnalysisRun, FileEnd};

/// The most rows of a timeline.
const MOST_ROWS: usize = 40;
/// Genres that the summary names.
const TOP_GENRES: usize = 3;
/// Modulations that the summary lists.
const MOST_MODULATIONS: usize = 6;

/// ANSI sequences for the heading, which is outside the tables.
const BOLD: &str = "\u{1b}[1m";
const RESET: &str = "\u{1b}[0m";

/// Rules and colors of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// With a rule under the timeline's header.
    pub rules: bool,
    /// With ANSI colors.
    pub color: bool,
}

impl Style {
    /// The style for stdout: plain unless it is a terminal; without color when the user asks for none
    /// (`NO_COLOR`, see no-color.org) or the terminal has none.
    #[must_use]
    pub fn for_stdout() -> Self {
        let asks_for_none = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        let rules = std::io::stdout().is_terminal();
        Self {
            rules,
            color: rules && !asks_for_none && !is_dumb && reads_sequences(),
        }
    }
}

/// Whether the terminal reads ANSI sequences: Windows' own only when it is told to, and never before
/// Windows 10.
fn reads_sequences() -> bool {
    anstyle_query::windows::enable_ansi_colors().unwrap_or(true)
}

/// The table of one file in the making.
#[derive(Debug, Default)]
pub struct FileTable {
    stretches: Merger<RowContent>,
    /// The genres of each stretch.
    genres: Vec<GenreSum>,
    /// The end of the last window, in seconds of audio.
    end_s: f64,
}

/// The shown genre probabilities of a stretch's windows, summed.
#[derive(Debug, Default)]
struct GenreSum {
    sum: Vec<f64>,
    windows: f64,
}

impl FileTable {
    /// Adds the next window.
    pub fn add(&mut self, timed: &TimedResult) {
        if self.stretches.add(timed, row_content(timed)) {
            self.genres.push(GenreSum::default());
        }
        self.end_s = timed.end_s;
        let genre = timed.result.as_ref().and_then(shown_genre);
        if let Some((genre, sums)) = genre.zip(self.genres.last_mut()) {
            sums.sum.resize(genre.len(), 0.0);
            for (sum, probability) in sums.sum.iter_mut().zip(genre) {
                *sum += f64::from(*probability);
            }
            sums.windows += 1.0;
        }
    }

    /// The file's summary and timeline, with an empty line at the end.
    #[must_use]
    pub fn render(&self, run: &AnalysisRun, file: &str, end: &FileEnd, style: Style) -> String {
        let length = end.duration_s.map(|s| format!("  {}", clock(s)));
        let heading = printable(file).into_owned() + &length.unwrap_or_default();
        let heading = if style.color {
            format!("{BOLD}{heading}{RESET}")
        } else {
            heading
        };
        let mut text = heading + "\n";
        match (&end.outcome, self.genres.is_empty()) {
            (Err(_), true) => text += "  not analyzed\n",
            (Ok(_), true) => text += "  no window to analyze\n",
            (Err(_), false) => {
                text += &format!("  not analyzed beyond {}\n\n", clock(self.end_s));
                text += &self.timeline(run, end.duration_s, style);
            }
            (Ok(found), false) => {
                text += &summary(run, found.clone(), style);
                text.push('\n');
                text += &self.timeline(run, end.duration_s, style);
            }
        }
        text.push('\n');
        text
    }

    fn timeline(&self, run: &AnalysisRun, duration_s: Option<f64>, style: Style) -> String {
        let all = self.stretches.segments();
        let shown = fold(all.to_vec(), MOST_ROWS);
        let columns = Columns {
            key: run.head("key").is_some(),
            genre: run.head("genre").is_some(),
            // The only window of a short file reaches beyond the file's end.
            end_s: duration_s.unwrap_or(f64::INFINITY),
            time: if shown.iter().any(|s| s.duration_s() < 1.0) {
                clock_tenths
            } else {
                clock
            },
        };
        let mut table = table(style, true);
        table.set_header(columns.titles());
        for segment in &shown {
            table.add_row(columns.row(segment, |genre| self.genre_text(run, segment, genre)));
        }
        let mut text = lines(&table);
        if shown.len() < all.len() {
            text += &format!(
                "  {} short stretches are folded into their neighbors; --csv has every window.\n",
                all.len() - shown.len()
            );
        }
        text
    }

    /// The genre with its mean probability over the segment's windows, of which some may be folded into it.
    fn genre_text(
        &self,
        run: &AnalysisRun,
        segment: &Segment<RowContent>,
        genre: Option<usize>,
    ) -> String {
        let label = genre.and_then(|index| run.labels("genre").get(index));
        let (Some(index), Some(label)) = (genre, label) else {
            return String::new();
        };
        let stretches = self.stretches.segments().iter().zip(&self.genres);
        let (sum, windows) = stretches
            .filter(|(stretch, _)| segment.windows.contains(&stretch.windows.start))
            .filter_map(|(_, genres)| Some((genres.sum.get(index)?, genres.windows)))
            .fold((0.0, 0.0), |(sum, count), (p, n)| (sum + p, count + n));
        format!("{label} {}", percent((sum / windows) as f32))
    }
}

fn summary(run: &AnalysisRun, found: Option<Summary>, style: Style) -> String {
    let Some(summary) = found.map(finite_summary) else {
        return "  nothing was loud and whole enough to analyze\n".to_owned();
    };
    let mut table = table(style, false);
    let mut row = |name: &str, value: Cell| {
        table.add_row([dim(name), value]);
    };
    if let Some(key) = &summary.key {
        let text = key_text(&key.answer) + uncalibrated(run, "key");
        row("Key", key_cell(key.answer.named(), &text));
        // A pair has it already.
        if key.answer.standing != Standing::Pair {
            let (second, probability) = key.answer.runner_up;
            let second = format!("{}  {}", key_and_camelot(second), percent(probability));
            row("Runner-up", Cell::new(second));
        }
        if !key.modulations.is_empty() {
            row("Modulations", Cell::new(modulations_text(key)));
        }
    }
    if let Some(tuning) = summary.tuning {
        let text = tuning_text(tuning);
        let cell = if tuning.is_clear() {
            Cell::new(text)
        } else {
            dim(&text)
        };
        row("Tuning", cell);
    }
    if !summary.genre.is_empty() {
        let genres: Vec<_> = summary
            .genre
            .iter()
            .take(TOP_GENRES)
            .map(|(label, probability)| format!("{label} {}", percent(*probability)))
            .collect();
        let unsure = if summary.genre_is_named {
            ""
        } else {
            "unsure: "
        };
        let text = format!(
            "{unsure}{}{}",
            genres.join(", "),
            uncalibrated(run, "genre")
        );
        row("Genre", Cell::new(text));
    }
    if summary.key.is_none() && summary.genre.is_empty() {
        row(
            "No head",
            Cell::new(
                "this model has neither a key nor a genre head; `mertscope heads train` fits one to labeled files",
            ),
        );
    }
    lines(&table)
}

fn key_text(answer: &KeyAnswer) -> String {
    let (best, probability) = answer.best;
    let (best, probability) = (key_and_camelot(best), percent(probability));
    match answer.standing {
        Standing::Named => format!("{best}  {probability}"),
        Standing::Pair => {
            let (second, of_second) = answer.runner_up;
            let (second, of_second) = (key_and_camelot(second), percent(of_second));
            format!("{best} or {second}?  {probability}, {of_second}")
        }
        Standing::Unclear => format!("no clear key (best guess {best} {probability})"),
    }
}

/// Words beside the figure of a head whose figures were not fitted to be true.
fn uncalibrated(run: &AnalysisRun, task: &str) -> &'static str {
    match run.head(task) {
        Some(head) if !head.calibrated => "  not calibrated",
        _ => "",
    }
}

/// The keys with the times at which they begin: `A minor, C minor from 0:20`.
fn modulations_text(key: &KeySummary) -> String {
    let first = key
        .modulations
        .first()
        .map(|change| change.from.to_string());
    let changes = key.modulations.iter().take(MOST_MODULATIONS);
    let mut parts: Vec<String> = first.into_iter().collect();
    parts.extend(changes.map(|change| format!("{} from {}", change.to, clock(change.at_s))));
    let rest = key.modulations.len().saturating_sub(MOST_MODULATIONS);
    if rest > 0 {
        parts.push(format!("and {rest} more"));
    }
    parts.join(", ")
}

/// The content of a row of the timeline; windows with the same one share a row.
#[derive(Debug, Clone, Copy, PartialEq)]
enum RowContent {
    /// Nothing was analyzed, for this reason.
    Skipped(Status),
    /// The window has a result.
    Analyzed {
        /// The key that is named, if any.
        key: Option<Key>,
        /// The tentative pair, in the order of [`Key::index`].
        pair: Option<[Key; 2]>,
        /// Index of the most probable genre, if any.
        genre: Option<usize>,
    },
}

fn row_content(timed: &TimedResult) -> RowContent {
    match &timed.result {
        None => RowContent::Skipped(timed.status),
        Some(result) => RowContent::Analyzed {
            key: result.key_label(),
            pair: tentative(result),
            genre: shown_genre(result).and_then(top).map(|(index, _)| index),
        },
    }
}

/// The columns of a timeline, and the format and the end of its times.
struct Columns {
    key: bool,
    genre: bool,
    end_s: f64,
    time: fn(f64) -> String,
}

impl Columns {
    fn titles(&self) -> Vec<Cell> {
        let titles = [("Time", true), ("Key", self.key), ("Genre", self.genre)];
        let titles = titles.into_iter().filter(|(_, is_shown)| *is_shown);
        titles.map(|(title, _)| dim(title)).collect()
    }

    fn row(
        &self,
        segment: &Segment<RowContent>,
        genre_text: impl Fn(Option<usize>) -> String,
    ) -> Vec<Cell> {
        let start = (self.time)(segment.start_s);
        let end = (self.time)(segment.end_s.min(self.end_s));
        let mut row = vec![Cell::new(format!("{start}–{end}"))];
        match segment.label {
            RowContent::Skipped(status) => row.push(status_cell(status)),
            RowContent::Analyzed { key, pair, genre } => {
                if self.key {
                    let text = match (key, pair) {
                        (Some(key), _) => key_and_camelot(key),
                        (None, Some([one, other])) => format!("{one} or {other}?"),
                        (None, None) => "no clear key".to_owned(),
                    };
                    row.push(key_cell(key, &text));
                }
                if self.genre {
                    row.push(Cell::new(genre_text(genre)));
                }
            }
        }
        row
    }
}

fn key_cell(key: Option<Key>, text: &str) -> Cell {
    match key.map(Key::mode) {
        Some(Mode::Major) => Cell::new(text).fg(Color::Yellow),
        Some(Mode::Minor) => Cell::new(text).fg(Color::Cyan),
        None => dim(text),
    }
}

fn status_cell(status: Status) -> Cell {
    match status {
        Status::Ok => Cell::new(""),
        Status::Silent => dim("silence"),
        Status::Gap => Cell::new("audio missing").fg(Color::Red),
        Status::Invalid => Cell::new("invalid samples").fg(Color::Red),
        Status::Failed => Cell::new("model failed").fg(Color::Red),
    }
}

/// Text fainter than the rest; a gray would vanish on the background of some terminals.
fn dim(text: &str) -> Cell {
    Cell::new(text).add_attribute(Attribute::Dim)
}

/// An empty borderless table; with `has_header` and rules, a line under its header.
fn table(style: Style, has_header: bool) -> Table {
    let mut look = TableStyle::new();
    if style.rules && has_header {
        look = look.header_separator(LineStyle::none().fill('─').junction('─'));
    }
    let mut table = Table::new();
    table.load_style(look).force_no_tty();
    if style.color {
        table.enforce_styling().style_text_only();
    }
    table
}

/// The table's lines, indented under the heading.
fn lines(table: &Table) -> String {
    table
        .lines()
        .map(|line| format!(" {}\n", line.trim_end()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FileReport, sample};
    use mertscope_music::Tuning;

    fn render(run: &AnalysisRun, report: &FileReport) -> String {
        let mut table = FileTable::default();
        report.windows().iter().for_each(|timed| table.add(timed));
        table.render(run, &report.file, &report.end(), Style::default())
    }

    fn plain(report: &FileReport) -> String {
        render(&sample::run(), report)
    }

    #[test]
    fn a_modulation_is_two_stretches_and_the_summary_names_one_key() {
        let text = plain(&sample::modulating());
        assert!(text.starts_with("modulating.flac  0:32\n"), "{text}");
        assert!(text.contains("Runner-up"), "{text}");
        assert!(text.contains("A minor (8A)  classical"), "{text}");
        assert!(text.contains("C minor (5A)  classical"), "{text}");
        assert!(text.contains("–0:32"), "{text}");
    }

    #[test]
    fn every_status_is_named() {
        let text = plain(&sample::mixed());
        for words in [
            "silence",
            "audio missing",
            "invalid samples",
            "model failed",
            "no clear key",
            "G major",
        ] {
            assert!(text.contains(words), "{words} in {text}");
        }
    }

    #[test]
    fn modulations_are_listed_with_their_times() {
        let text = plain(&sample::modulating());
        assert!(
            text.contains("Modulations  A minor, C minor from 0:"),
            "{text}"
        );
        assert!(!plain(&sample::one_window()).contains("Modulations"));
    }

    #[test]
    fn figures_of_a_head_that_was_not_calibrated_say_so() {
        let mut run = sample::run();
        assert!(!render(&run, &sample::modulating()).contains("not calibrated"));
        run.heads
            .iter_mut()
            .for_each(|head| head.calibrated = false);
        let text = render(&run, &sample::modulating());
        assert_eq!(text.matches("not calibrated").count(), 2, "{text}");
    }

    #[test]
    fn keys_are_spelled_as_musicians_do() {
        let report = sample::file("sharp.wav", 20, |_| (Status::Ok, "Gb minor", 0, 1.4));
        let text = plain(&report);
        assert!(text.contains("F# minor (11A)"), "{text}");
        assert!(!text.contains("Gb minor"), "{text}");
    }

    #[test]
    fn the_tuning_is_in_the_summary_when_it_is_clear() {
        let mut report = sample::modulating();
        let text = plain(&report);
        assert!(
            text.contains("  Tuning       +32 cents (A = 448.3 Hz)\n"),
            "{text}"
        );
        let windows = &mut report.outcome.as_mut().unwrap().results;
        for result in windows.iter_mut().filter_map(|timed| timed.result.as_mut()) {
            result.tuning = Tuning::from_vector([0.1, 0.0]);
        }
        assert!(plain(&report).contains("  Tuning       no clear tuning\n"));
        let bare = plain(&sample::without_heads());
        assert!(!bare.contains("Tuning"), "{bare}");
    }

    #[test]
    fn a_pair_has_both_figures_and_no_runner_up_beside_it() {
        let text = plain(&sample::doubtful());
        let key = text.lines().find(|line| line.starts_with("  Key  "));
        let key = key.unwrap_or_default();
        assert!(key.contains("(8B)") && key.contains("(8A)?  "), "{text}");
        assert_eq!(key.matches(" %").count(), 2, "{text}");
        assert!(!text.contains("Runner-up"), "{text}");
    }

    #[test]
    fn an_unclear_key_is_only_a_best_guess() {
        let text = plain(&sample::unclear());
        assert!(
            text.contains("no clear key (best guess E minor (9A) "),
            "{text}"
        );
    }

    #[test]
    fn files_without_a_result_say_so_in_a_line() {
        assert_eq!(plain(&sample::failed()), "text.wav\n  not analyzed\n\n");
        assert_eq!(
            plain(&sample::empty()),
            "text.wav\n  no window to analyze\n\n"
        );
        assert!(plain(&sample::silent()).contains("  nothing was loud"));
        let bare = AnalysisRun {
            heads: Vec::new(),
            ..sample::run()
        };
        let text = render(&bare, &sample::without_heads());
        assert!(text.contains("neither a key nor a genre head"), "{text}");
    }

    #[test]
    fn a_file_that_ends_in_an_error_has_its_stretches_up_to_there() {
        let report = sample::modulating();
        let mut table = FileTable::default();
        report.windows().iter().for_each(|timed| table.add(timed));
        let end = sample::failed().end();
        let text = table.render(&sample::run(), &report.file, &end, Style::default());
        assert!(text.contains("  not analyzed beyond 0:32\n"), "{text}");
        assert!(text.contains("A minor (8A)  classical"), "{text}");
        assert!(!text.contains("Runner-up"), "{text}");
    }

    #[test]
    fn plain_text_has_no_escapes_and_no_trailing_spaces() {
        let mut report = sample::mixed();
        report.file = "evil\u{1b}[2J\n.wav".to_owned();
        let text = plain(&report);
        assert!(!text.contains('\u{1b}'));
        assert!(text.starts_with(r"evil\u{1b}[2J\n.wav  "), "{text}");
        assert!(text.lines().all(|line| line.trim_end() == line));
    }

    #[test]
    fn a_restless_file_stays_on_one_screen_and_says_what_was_folded() {
        let restless = sample::file("restless.wav", 600, |s| {
            let is_loud = (s as usize).is_multiple_of(3);
            let status = if is_loud { Status::Ok } else { Status::Silent };
            (status, "D minor", s as usize % 10, 1.0)
        });
        let text = plain(&restless);
        assert!(text.lines().count() < MOST_ROWS + 10, "{text}");
        assert!(text.contains("--csv has every window"), "{text}");
    }
}
