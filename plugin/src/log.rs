//! The results log: while it is switched on, one line of JSON per window, in a file of its own in
//! the user's data folder. It records the results of a set or a session.
//!
//! The engine's worker hands over new windows and never waits; a thread of the log formats
//! and writes them. The path is fixed, so that no project can make a host write elsewhere.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{SystemTime, UNIX_EPOCH};

use mertscope_heads::timeline::WindowResult;
use mertscope_live::{Entry, RunningModel, Snapshot};
use mertscope_model::lock;
use serde::Serialize;

/// Windows that may wait for a slow disk: two minutes of them at the shortest hop.
const WAITING: usize = 256;

/// One instance's log.
#[derive(Default)]
pub(crate) struct Log(Mutex<LogState>);

#[derive(Default)]
struct LogState {
    last: Option<Arc<Entry>>,
    writer: Option<Writer>,
    closed: bool,
}

struct Writer {
    windows: SyncSender<LoggedWindow>,
    thread: JoinHandle<()>,
}

struct LoggedWindow {
    entry: Arc<Entry>,
    running: Option<Arc<RunningModel>>,
}

/// The line of a window.
#[derive(Serialize)]
pub struct Line<'a> {
    start_s: f64,
    end_s: f64,
    status: &'static str,
    /// How often the user had started again before.
    restarts: u64,
    key: Option<String>,
    key_probability: Option<f32>,
    genre: Option<&'a str>,
    genre_probability: Option<f32>,
    /// The running model, and its device.
    model: Option<&'a str>,
    device: Option<&'a str>,
}

impl Log {
    /// Writes the windows that are new in `snapshot`; while the log is off it only takes note of them.
    /// Skipped windows are written together with the next analyzed one. Called on the engine's worker.
    pub(crate) fn follow(&self, snapshot: &Snapshot, on: bool) {
        let mut inner = lock(&self.0);
        let new = snapshot.entries_since(inner.last.as_ref());
        let Some(newest) = new.last() else {
            return;
        };
        inner.last = Some(Arc::clone(newest));
        if !on || inner.closed {
            return;
        }
        let running = snapshot.model.running.clone().map(Arc::new);
        let Some(writer) = inner.writer() else {
            return;
        };
        for entry in new {
            // The channel is full when the disk has not written for minutes: the log then has a hole.
            let _ = writer.windows.try_send(LoggedWindow {
                entry: Arc::clone(entry),
                running: running.clone(),
            });
        }
    }

    /// Writes the waiting windows and ends the thread, for good.
    pub(crate) fn close(&self) {
        let mut inner = lock(&self.0);
        inner.closed = true;
        if let Some(Writer { windows, thread }) = inner.writer.take() {
            drop(windows);
            // A panic there loses the log, nothing else.
            let _ = thread.join();
        }
    }
}

impl LogState {
    fn writer(&mut self) -> Option<&Writer> {
        if self.writer.is_none() {
            let (windows, waiting) = sync_channel(WAITING);
            let thread = thread::Builder::new()
                .name("mertscope-log".to_owned())
                .spawn(move || write(&waiting))
                .ok()?;
            self.writer = Some(Writer { windows, thread });
        }
        self.writer.as_ref()
    }
}

/// Writes windows until the other end is dropped or the disk fails; each line whole and at once.
fn write(windows: &Receiver<LoggedWindow>) {
    let Some(mut file) = create() else {
        return;
    };
    for window in windows {
        let running = window.running.as_deref();
        let Ok(mut line) = serde_json::to_vec(&Line::new(&window.entry, running)) else {
            continue;
        };
        line.push(b'\n');
        if file.write_all(&line).is_err() {
            return;
        }
    }
}

/// Creates a file whose name has the time, the process, and a number within the process.
fn create() -> Option<File> {
    static FILES: AtomicU32 = AtomicU32::new(0);
    let folder = folder()?;
    fs::create_dir_all(&folder).ok()?;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let name = format!(
        "{}-{}-{}.jsonl",
        since.as_secs(),
        process::id(),
        FILES.fetch_add(1, Ordering::Relaxed)
    );
    File::create_new(folder.join(name)).ok()
}

/// The folder of all logs.
fn folder() -> Option<PathBuf> {
    Some(dirs::data_local_dir()?.join("mertscope").join("logs"))
}

impl<'a> Line<'a> {
    /// The line of `entry`, a window of this model.
    pub fn new(entry: &Entry, running: Option<&'a RunningModel>) -> Self {
        let genre_labels = running.map_or(&[][..], |running| &running.genre_labels);
        let timed = &entry.timed;
        let result = timed.result.as_ref();
        let genre = result.and_then(|result| genre(result, genre_labels));
        let key = result.and_then(|result| result.key_label());
        let keys = result.and_then(|result| result.key_smoothed);
        Self {
            start_s: timed.start_s,
            end_s: timed.end_s,
            status: timed.status.as_str(),
            restarts: entry.restarts,
            key: key.map(|key| key.label()),
            key_probability: key.zip(keys).map(|(key, keys)| keys[key.index()]),
            genre: genre.map(|(label, _)| label),
            genre_probability: genre.map(|(_, probability)| probability),
            model: running.map(|running| running.id.as_str()),
            device: running.map(|running| running.device.name.as_str()),
        }
    }
}

/// The most probable genre and its smoothed probability.
pub fn genre<'a>(result: &WindowResult, labels: &'a [String]) -> Option<(&'a str, f32)> {
    labels
        .iter()
        .map(String::as_str)
        .zip(result.genre_smoothed.iter().flatten().copied())
        .max_by(|a, b| a.1.total_cmp(&b.1))
}
