//! The journal: one line of JSON per key that was written, so that it can be taken back.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use mertscope_model::runtime::data_folder;
use serde_json::{Value, json};

use crate::files;

/// A key that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Names the run that wrote it.
    run: String,
    /// The file.
    pub(super) file: PathBuf,
    /// The key before; `None` when there was none.
    pub(super) before: Option<String>,
    /// The key that was written.
    pub(super) after: String,
}

/// The list of keys that were written.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    run: String,
}

impl Journal {
    /// The journal at `path`, or the user's own.
    ///
    /// # Errors
    /// When the user has no data folder.
    pub(super) fn new(path: Option<&Path>) -> anyhow::Result<Self> {
        let path = match path {
            Some(path) => path.to_owned(),
            None => data_folder()
                .context("There is no folder for the journal of tags: set HOME, or name a file with --journal")?
                .join("tags.jsonl"),
        };
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Ok(Self {
            path,
            run: format!("{}-{}", now.as_secs(), std::process::id()),
        })
    }

    /// Adds a key that is about to be written to `file`.
    ///
    /// # Errors
    /// When the line can't be written.
    pub(super) fn add(&self, file: &Path, before: Option<&str>, after: &str) -> io::Result<()> {
        let file = file.to_str().ok_or_else(|| {
            io::Error::other("its path is no Unicode text, which the journal can't hold")
        })?;
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let line = json!({"run": self.run, "file": file, "before": before, "after": after});
        let mut journal = File::options().create(true).append(true).open(&self.path)?;
        // One write, so that two commands at once keep their lines apart.
        journal.write_all(format!("{line}\n").as_bytes())?;
        journal.sync_all()
    }

    /// All entries, the oldest first. A last line that a crash cut short is passed over.
    ///
    /// # Errors
    /// When it can't be read.
    pub(super) fn entries(&self) -> anyhow::Result<Vec<Entry>> {
        match fs::read_to_string(&self.path) {
            Ok(text) => Ok(text.lines().filter_map(entry).collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error).with_context(|| {
                let path = self.path.display();
                format!("The journal {path} can't be read; check its permissions")
            }),
        }
    }

    /// Replaces the entries.
    ///
    /// # Errors
    /// When it can't be written.
    pub(super) fn keep(&self, entries: &[Entry]) -> anyhow::Result<()> {
        let lines: String = entries
            .iter()
            .map(|entry| format!("{}\n", entry.line()))
            .collect();
        files::write("journal", &self.path, lines.as_bytes())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Entry {
    fn line(&self) -> Value {
        json!({
            "run": self.run,
            "file": self.file.to_string_lossy(),
            "before": self.before,
            "after": self.after,
        })
    }

    /// Whether both are of one run.
    pub(super) fn is_of_run_of(&self, other: &Self) -> bool {
        self.run == other.run
    }
}

fn entry(line: &str) -> Option<Entry> {
    let value: Value = serde_json::from_str(line).ok()?;
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    Some(Entry {
        run: text("run")?,
        file: PathBuf::from(text("file")?),
        before: text("before"),
        after: text("after")?,
    })
}
