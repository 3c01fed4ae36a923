//! The app without a window: prints one line per window of audio, as results come. Runs on the main
//! thread.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use mertscope_audio::Notice;
use mertscope_export::printable::printable;
use mertscope_live::{Entry, ModelState, ModelStatus, Snapshot};
use mertscope_music::Notation;

use crate::player::FilePlayer;
use crate::session::{Event, Session};
use mertscope::log::{self, Line};

/// Time between two checks for the file's end.
const TICK: Duration = Duration::from_millis(100);

/// The longest wait for the last window after a file's end.
const LAST_RESULT: Duration = Duration::from_secs(2);
/// The same for a file's only window.
const ONLY_RESULT: Duration = Duration::from_secs(6);

/// The longest wait for the embedded model, when the chosen one is missing.
const STAND_IN: Duration = Duration::from_secs(8);

/// Prints results until the file ends, `seconds` are over, or the app is ended. Returns
/// whether all went well.
///
/// # Errors
/// When `out` or `err` can't be written.
pub(crate) fn run(
    session: &Session,
    events: &Receiver<Event>,
    json: bool,
    seconds: Option<f64>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<bool> {
    let end = seconds.map(|seconds| Instant::now() + Duration::from_secs_f64(seconds));
    let mut printer = Printer {
        json,
        notation: session.params.notation.value().into(),
        last: None,
        printed: [None, None],
    };
    let mut quiet_since: Option<Instant> = None;
    let mut without_model_since: Option<Instant> = None;
    loop {
        match events.recv_timeout(TICK) {
            Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => return Ok(true),
            Ok(Event::New) | Err(RecvTimeoutError::Timeout) => {}
        }
        let state = session.audio.state();
        let snapshot = session.connection.snapshot();
        let printed = printer.print(&snapshot, out)?;
        printer.notice(0, state.notice.as_ref().map(|notice| &notice.text), err)?;
        printer.notice(1, snapshot.error.as_ref(), err)?;
        if has_model(&snapshot.model) {
            without_model_since = None;
        } else if is_over(&mut without_model_since, STAND_IN) {
            return Ok(false);
        }
        if end.is_some_and(|end| Instant::now() >= end) {
            return Ok(true);
        }
        let file_player = state.file_player.as_ref();
        let Some(file_player) = file_player.filter(|file_player| file_player.has_ended()) else {
            continue;
        };
        if printed {
            quiet_since = None;
        }
        let patience = match printer.last {
            Some(_) => LAST_RESULT,
            None => ONLY_RESULT,
        };
        if is_over(&mut quiet_since, patience) {
            return end_of_file(file_player, printer.last.is_some(), err);
        }
    }
}

fn has_model(model: &ModelStatus) -> bool {
    model.state != ModelState::Missing || model.running.is_some()
}

/// Whether more than `patience` has passed since the first call that found `since` empty.
fn is_over(since: &mut Option<Instant>, patience: Duration) -> bool {
    since.get_or_insert_with(Instant::now).elapsed() > patience
}

/// Reports damage in the file, and a file shorter than a window; returns whether it had a result.
fn end_of_file(
    file_player: &FilePlayer,
    has_result: bool,
    err: &mut dyn Write,
) -> io::Result<bool> {
    let path = file_player.path().display().to_string();
    let path = printable(&path);
    if let Some(Notice { text, .. }) = file_player.notice() {
        writeln!(err, "{path}: {}", printable(&text))?;
    }
    if !has_result {
        writeln!(
            err,
            "{path} ended before one whole window was complete; `mertscope analyze` takes \
             short files."
        )?;
    }
    Ok(has_result)
}

struct Printer {
    json: bool,
    notation: Notation,
    last: Option<Arc<Entry>>,
    /// The last notices, of the audio and of the engine.
    printed: [Option<String>; 2],
}

impl Printer {
    /// Prints new windows; returns whether there were any.
    fn print(&mut self, snapshot: &Snapshot, out: &mut dyn Write) -> io::Result<bool> {
        let running = snapshot.model.running.as_ref();
        let labels = running.map_or(&[][..], |running| &running.genre_labels);
        let new = snapshot.entries_since(self.last.as_ref());
        if let Some(newest) = new.last() {
            self.last = Some(Arc::clone(newest));
        }
        for entry in new {
            if self.json {
                serde_json::to_writer(&mut *out, &Line::new(entry, running))?;
                writeln!(out)?;
            } else {
                writeln!(out, "{}", text(entry, labels, self.notation))?;
            }
        }
        out.flush()?;
        Ok(!new.is_empty())
    }

    /// Prints a notice once for as long as it holds.
    fn notice(
        &mut self,
        source: usize,
        sentence: Option<&String>,
        err: &mut dyn Write,
    ) -> io::Result<()> {
        if self.printed[source].as_ref() != sentence {
            self.printed[source] = sentence.cloned();
            if let Some(sentence) = sentence {
                writeln!(err, "{}", printable(sentence))?;
            }
        }
        Ok(())
    }
}

/// One window as a line: its end, key and genre with their probabilities.
fn text(entry: &Entry, labels: &[String], notation: Notation) -> String {
    let timed = &entry.timed;
    let minutes = (timed.end_s / 60.0).floor();
    let time = format!("{minutes:.0}:{:04.1}", timed.end_s - minutes * 60.0);
    let Some(result) = &timed.result else {
        return format!("{time:>8}  {}", timed.status.as_str());
    };
    let percent = |probability: f32| format!("{:3.0} %", probability * 100.0);
    let key = match result.key_label().zip(result.key_smoothed) {
        Some((key, keys)) => format!(
            "{:18} {}",
            key.to_text(notation),
            percent(keys[key.index()])
        ),
        None => format!("{:18}      ", "no clear key"),
    };
    let genre = log::genre(result, labels)
        .map(|(label, probability)| format!("{label} {}", percent(probability)));
    format!("{time:>8}  {key}  {}", genre.unwrap_or_default())
        .trim_end()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mertscope_audio::Status;
    use mertscope_heads::timeline::TimedResult;

    #[test]
    fn a_window_without_a_result_says_why() {
        let entry = Entry {
            timed: TimedResult {
                start_s: 60.5,
                end_s: 65.5,
                status: Status::Silent,
                result: None,
            },
            host_samples: None,
            generation: 1,
            restarts: 0,
            bridged_frames: 0,
            published: std::time::SystemTime::UNIX_EPOCH,
        };
        let line = text(&entry, &[], Notation::Traditional);
        assert_eq!(line.trim_start(), "1:05.5  silent");
    }

    #[test]
    fn a_name_with_control_characters_does_not_steer_the_terminal() {
        let mut printer = Printer {
            json: false,
            notation: Notation::Traditional,
            last: None,
            printed: [None, None],
        };
        let mut err = Vec::new();
        let sentence = "a\u{1b}[2J.wav has no samples.".to_owned();
        printer.notice(0, Some(&sentence), &mut err).unwrap();
        assert_eq!(err, b"a\\u{1b}[2J.wav has no samples.\n");
    }
}
