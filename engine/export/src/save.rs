//! Exports of a live history as files, in the format and folder that the user chose.
//!
//! A file is written under a temporary name beside its place and then renamed, so it is whole or absent,
//! and never replaces another. For a job thread: it may take a second, or as long as a slow disk needs.
//!
//! ```
//! use mertscope_export::save::{ExportKind, export};
//! use mertscope_live::Snapshot;
//!
//! let folder = tempfile::tempdir()?;
//! let error = export(&Snapshot::default(), ExportKind::Csv, Some(folder.path())).unwrap_err();
//! assert!(error.to_string().contains("play some seconds of music first"));
//! # Ok::<(), std::io::Error>(())
//! ```

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use time::OffsetDateTime;

use super::csv::CsvWriter;
use super::json::JsonWriter;
use super::live::{self, LiveError};
use super::midi::{KeyChanges, midi};
use super::plot::{self, PlotError};
use mertscope_live::Snapshot;

/// The most exports of one kind in one folder on one day.
const MOST_NAMES: u32 = 9_999;

/// A format of exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportKind {
    /// A row of comma-separated values per window; see [`super::csv`].
    Csv,
    /// One document; see [`super::json`].
    Json,
    /// A picture of the timeline; see [`super::plot`].
    Png,
    /// Key changes as a MIDI file; see [`super::midi`].
    Midi,
}

impl ExportKind {
    /// All of them, in the order of the settings.
    pub const ALL: [Self; 4] = [Self::Csv, Self::Json, Self::Png, Self::Midi];

    /// Its name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Json => "JSON",
            Self::Png => "PNG",
            Self::Midi => "MIDI",
        }
    }

    const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Png => "png",
            Self::Midi => "mid",
        }
    }
}

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The live history can't be exported.
    #[error(transparent)]
    Live(#[from] LiveError),
    /// The picture could not be drawn.
    #[error(transparent)]
    Plot(#[from] PlotError),
    /// There is no default folder.
    #[error("Nothing was exported: this user has no home folder. Name a folder for exports.")]
    NoFolder,
    /// The folder does not exist, or is a file.
    #[error(
        "Nothing was exported: there is no folder {}. Make it, or choose another one.",
        folder.display()
    )]
    Missing {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder can't be written.
    #[error(
        "Nothing was exported: you may not write into {}. Choose a folder of yours.",
        folder.display()
    )]
    ReadOnly {
        /// The folder.
        folder: PathBuf,
    },
    /// The disk is full.
    #[error(
        "Nothing was exported: there is no space left in {}. Free some, or choose a folder on \
         another disk.",
        folder.display()
    )]
    Full {
        /// The folder.
        folder: PathBuf,
    },
    /// Every name of today is taken.
    #[error(
        "Nothing was exported: {} holds {MOST_NAMES} exports of today. Choose another folder.",
        folder.display()
    )]
    Crowded {
        /// The folder.
        folder: PathBuf,
    },
    /// The system reported another error.
    #[error(
        "Nothing was exported: {} can't be written ({error}). Choose another folder.",
        folder.display()
    )]
    Other {
        /// The folder.
        folder: PathBuf,
        /// The system's error.
        error: io::Error,
    },
}

impl ExportError {
    fn new(folder: &Path, error: io::Error) -> Self {
        let folder = folder.to_owned();
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => Self::Missing { folder },
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                Self::ReadOnly { folder }
            }
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full { folder },
            _ => Self::Other { folder, error },
        }
    }
}

/// The folder of exports unless the user names one: `Mertscope` among the user's documents, or in the
/// home folder when there are none.
#[must_use]
pub(crate) fn default_folder() -> Option<PathBuf> {
    let above = dirs::document_dir().or_else(dirs::home_dir)?;
    Some(above.join("Mertscope"))
}

/// Exports the history of `snapshot` into `folder`, which must exist; without one, into `Mertscope`
/// among the user's documents, which is created. Returns the new file's path.
///
/// # Errors
/// [`ExportError`]; no file is left behind.
pub fn export(
    snapshot: &Snapshot,
    kind: ExportKind,
    folder: Option<&Path>,
) -> Result<PathBuf, ExportError> {
    let bytes = bytes(snapshot, kind)?;
    match folder {
        Some(folder) => save(folder, kind, &bytes),
        None => {
            let folder = default_folder().ok_or(ExportError::NoFolder)?;
            fs::create_dir_all(&folder).map_err(|error| ExportError::new(&folder, error))?;
            save(&folder, kind, &bytes)
        }
    }
}

fn bytes(snapshot: &Snapshot, kind: ExportKind) -> Result<Vec<u8>, ExportError> {
    let run = live::run(snapshot)?;
    let in_memory = |written: io::Result<()>, bytes: Vec<u8>| {
        // A vector refuses nothing.
        debug_assert!(written.is_ok());
        bytes
    };
    let mut bytes = Vec::new();
    Ok(match kind {
        ExportKind::Csv => {
            let written = CsvWriter::new(&mut bytes, &run)
                .and_then(|mut csv| csv.write(&live::as_played(snapshot)));
            in_memory(written, bytes)
        }
        ExportKind::Json => {
            let written = JsonWriter::new(&mut bytes, &run).and_then(|mut json| {
                json.write(&live::as_played(snapshot))?;
                json.finish()
            });
            in_memory(written, bytes)
        }
        ExportKind::Png => plot::png(&run, &live::on_the_timeline(snapshot))?,
        ExportKind::Midi => {
            let report = live::on_the_timeline(snapshot);
            let mut changes = KeyChanges::default();
            report.windows().iter().for_each(|timed| changes.add(timed));
            midi(&report.file, &changes)
        }
    })
}

/// Writes `bytes` into `folder` under the first free name of today, such as
/// `mertscope-2026-11-25-1.csv` (the date is that of UTC), and returns its path.
fn save(folder: &Path, kind: ExportKind, bytes: &[u8]) -> Result<PathBuf, ExportError> {
    let failed = |error| ExportError::new(folder, error);
    if !folder.is_dir() {
        return Err(failed(ErrorKind::NotFound.into()));
    }
    let today = OffsetDateTime::now_utc().date();
    let (year, month, day) = (today.year(), u8::from(today.month()), today.day());
    let mut file = temporary(folder).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    for count in 1..=MOST_NAMES {
        let extension = kind.extension();
        let name = format!("mertscope-{year}-{month:02}-{day:02}-{count}.{extension}");
        let path = folder.join(name);
        match file.persist_noclobber(&path) {
            Ok(_) => return Ok(path),
            Err(refused) if refused.error.kind() == ErrorKind::AlreadyExists => {
                file = refused.file;
            }
            Err(refused) => return Err(failed(refused.error)),
        }
    }
    Err(ExportError::Crowded {
        folder: folder.to_owned(),
    })
}

/// Replaces a file as a whole, or leaves the old one. A pipe or a device is written to instead.
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("plot.svg");
/// mertscope_export::save::replace(&path, b"<svg/>")?;
/// assert_eq!(std::fs::read(&path)?, b"<svg/>");
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// The system's error.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return fs::write(path, bytes);
    }
    // A link stays one.
    let path = dunce::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut file = temporary(folder.unwrap_or(Path::new(".")))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|refused| refused.error)?;
    Ok(())
}

/// A file that is gone unless it gets a name, readable by whom the user's new files are.
fn temporary(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".mertscope-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The system removes the permissions that the user's mask denies.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.svg");
        for bytes in [&b"first"[..], b"second"] {
            replace(&path, bytes).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes);
        }
        assert_eq!(names(folder.path()), ["a.svg"]);
        assert!(replace(folder.path(), b"").is_err());
        assert!(replace(&folder.path().join("gone/a.svg"), b"").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_written_to_and_links_stay() {
        replace(Path::new("/dev/null"), b"x").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        replace(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn names_count_up_and_nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<PathBuf> = [b"one", b"two"]
            .iter()
            .map(|bytes| save(folder.path(), ExportKind::Csv, *bytes).unwrap())
            .collect();
        assert_eq!(fs::read(&paths[0]).unwrap(), b"one");
        assert_eq!(fs::read(&paths[1]).unwrap(), b"two");
        let found = names(folder.path());
        assert_eq!(found.len(), 2, "{found:?}");
        let pattern = |name: &str, count: &str| {
            name.len() == "mertscope-2026-11-25-1.csv".len()
                && name.starts_with("mertscope-2")
                && name.ends_with(&format!("-{count}.csv"))
        };
        assert!(
            pattern(&found[0], "1") && pattern(&found[1], "2"),
            "{found:?}"
        );
        // Another kind counts by itself.
        let midi = save(folder.path(), ExportKind::Midi, b"three").unwrap();
        assert!(midi.to_string_lossy().ends_with("-1.mid"));
    }

    #[test]
    fn a_folder_that_is_none_is_named_in_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone");
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        for path in [gone, file] {
            let error = save(&path, ExportKind::Png, b"x").unwrap_err();
            assert!(matches!(error, ExportError::Missing { .. }), "{error:?}");
            assert!(error.to_string().contains(path.to_str().unwrap()));
        }
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn what_the_system_refuses_is_told_apart() {
        for (kind, words) in [
            (ErrorKind::ReadOnlyFilesystem, "may not write"),
            (ErrorKind::PermissionDenied, "may not write"),
            (ErrorKind::StorageFull, "no space left"),
            (ErrorKind::QuotaExceeded, "no space left"),
            (ErrorKind::TimedOut, "can't be written"),
        ] {
            let error = ExportError::new(Path::new("/exports"), kind.into()).to_string();
            assert!(
                error.contains(words) && error.contains("/exports"),
                "{error}"
            );
        }
    }

    #[test]
    fn an_empty_history_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        for kind in ExportKind::ALL {
            let error = export(&Snapshot::default(), kind, Some(folder.path())).unwrap_err();
            assert!(error.to_string().contains("nothing to export"), "{error}");
        }
        assert_eq!(names(folder.path()), [""; 0]);
    }
}
