//! The app without a window: a line for each window of audio, as it is heard.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use mertscope_audio::Notice;
use mertscope_live::{Entry, ModelState, Snapshot};
use mertscope_music::Notation;

use crate::session::{Event, Session};
use mertscope::log::{self, Line};

/// How often the file's end is looked for.
const TICK: Duration = Duration::from_millis(100);

/// How long after a file's end its last window may still be on its way, and its only one.
const LAST_ANSWER: Duration = Duration::from_secs(2);
const ONLY_ANSWER: Duration = Duration::from_secs(6);

/// How long a model that is missing may take to give way to the embedded one.
const STAND_IN: Duration = Duration::from_secs(8);

/// Prints what is heard until the file ends, `seconds` are over, or someone ends the app. Returns
/// whether all went well.
///
/// # Errors
/// When `out` can't be written.
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
        printer.tell(0, state.notice.as_ref().map(|notice| &notice.text), err)?;
        printer.tell(1, snapshot.error.as_ref(), err)?;
        let model = &snapshot.model;
        if model.state != ModelState::Missing || model.running.is_some() {
            without_model_since = None;
        } else if without_model_since
            .get_or_insert_with(Instant::now)
            .elapsed()
            > STAND_IN
        {
            return Ok(false);
        }
        if end.is_some_and(|end| Instant::now() >= end) {
            return Ok(true);
        }
        let Some(file_player) = state
            .file_player
            .as_ref()
            .filter(|file_player| file_player.has_ended())
        else {
            continue;
        };
        if printed || quiet_since.is_none() {
            quiet_since = Some(Instant::now());
        }
        let patience = match printer.last {
            Some(_) => LAST_ANSWER,
            None => ONLY_ANSWER,
        };
        if quiet_since.is_some_and(|since| since.elapsed() > patience) {
            let path = file_player.path().display();
            if let Some(Notice { text, .. }) = file_player.notice() {
                writeln!(err, "{path}: {text}")?;
            }
            if printer.last.is_none() {
                writeln!(
                    err,
                    "{path} ended before one whole window was heard; `mertscope analyze` takes \
                     short files."
                )?;
            }
            return Ok(printer.last.is_some());
        }
    }
}

struct Printer {
    json: bool,
    notation: Notation,
    last: Option<Arc<Entry>>,
    /// The sentences that were printed last, of the audio and of the engine.
    printed: [Option<String>; 2],
}

impl Printer {
    /// Prints what is new; returns whether anything was.
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

    /// Tells a sentence once for as long as it holds.
    fn tell(
        &mut self,
        about: usize,
        sentence: Option<&String>,
        err: &mut dyn Write,
    ) -> io::Result<()> {
        if self.printed[about].as_ref() != sentence {
            self.printed[about] = sentence.cloned();
            if let Some(sentence) = sentence {
                writeln!(err, "{sentence}")?;
            }
        }
        Ok(())
    }
}

/// One window as a line: where it ends, key and genre with their probabilities.
fn text(entry: &Entry, labels: &[String], notation: Notation) -> String {
    let timed = &entry.timed;
    let minutes = (timed.end_s / 60.0).floor();
    let time = format!("{minutes:.0}:{:04.1}", timed.end_s - minutes * 60.0);
    let Some(result) = &timed.result else {
        return format!("{time:>8}  {}", timed.status.as_str());
    };
    let percent = |probability: f32| format!("{:3.0} %", probability * 100.0);
    let key = match result.key_label.zip(result.key_smoothed) {
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
    fn a_window_without_an_answer_says_why() {
        let entry = Entry {
            timed: TimedResult {
                start_s: 60.5,
                end_s: 65.5,
                status: Status::Silent,
                result: None,
            },
            host_samples: None,
            generation: 1,
            published: std::time::SystemTime::UNIX_EPOCH,
        };
        let line = text(&entry, &[], Notation::Traditional);
        assert_eq!(line.trim_start(), "1:05.5  silent");
    }
}
