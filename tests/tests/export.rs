//! Exports of a live history from the engine: every kind, hours of history, writable and unwritable
//! folders.

use std::fs;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use mertscope_audio::tap::{Transport, tap};
use mertscope_export::save::{ExportKind, export};
use mertscope_live::{Controls, Entry, Hop, Live, Settings, Snapshot};
use mertscope_model::Model;
use mertscope_tests::demo;
use serde_json::Value;

#[cfg(target_os = "linux")]
use {
    mertscope_tests::skipped,
    std::env,
    std::path::PathBuf,
    std::process::{Command, Stdio},
};

/// The seconds of the piece before it leaves its first key.
const PIECE: (&str, f64) = ("two-rooms.ogg", 17.0);

/// The time limit for a result: only a hang exceeds it.
const PATIENCE: Duration = Duration::from_secs(120);

/// Names the folder in the environment of a test's second run.
#[cfg(target_os = "linux")]
const FOLDER: &str = "MERTSCOPE_EXPORT_FOLDER";

/// The live history of a piece in A minor.
fn result() -> Arc<Snapshot> {
    static ANALYZED: OnceLock<Arc<Snapshot>> = OnceLock::new();
    let listen = || {
        let settings = Settings {
            exact_offline: true,
            ..Settings::default()
        };
        let controls = Controls {
            hop: Hop::Seconds(1.0),
            ..Controls::default()
        };
        let stream = Live::acquire().open(settings, Arc::new(move || controls));
        let pieces = demo();
        let piece = pieces.iter().find(|piece| piece.path.ends_with(PIECE.0));
        let (rate_hz, channels) = piece.unwrap().decoded();
        let audio = &channels[0][..(PIECE.1 * f64::from(rate_hz)) as usize];
        let (mut tap, reader) = tap(rate_hz);
        stream.attach(reader);
        let begun = Instant::now();
        for (n, block) in audio.chunks(1024).enumerate() {
            let at = Transport {
                playing: true,
                position: Some((n * 1024) as i64),
                offline: true,
            };
            tap.push_exact(&[block], at, PATIENCE);
        }
        loop {
            let snapshot = stream.snapshot();
            if snapshot.analyzed_windows >= 10 {
                return snapshot;
            }
            assert!(begun.elapsed() < PATIENCE, "{snapshot:#?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    Arc::clone(ANALYZED.get_or_init(listen))
}

/// That history repeated to the engine's limit of windows, over three hours, with labels of 200
/// characters.
fn hours() -> Snapshot {
    let mut hours = Snapshot::clone(&result());
    let windows: Vec<Arc<Entry>> = hours.history.iter().cycle().take(2048).cloned().collect();
    let moved = windows.iter().enumerate().map(|(n, entry)| {
        let mut entry = Entry::clone(entry);
        entry.timed.start_s = n as f64 * 5.5;
        entry.timed.end_s = entry.timed.start_s + 5.0;
        Arc::new(entry)
    });
    hours.history = Arc::new(moved.collect());
    let running = hours.model.running.as_mut().unwrap();
    let long = |n| format!("{n} {}", "ä\"<,>".repeat(40));
    let labels = 0..running.genre_labels.len();
    running.genre_labels = labels.map(long).collect();
    hours
}

fn exported(snapshot: &Snapshot, kind: ExportKind, folder: &Path) -> Vec<u8> {
    let path = export(snapshot, kind, Some(folder)).unwrap();
    assert_eq!(path.parent(), Some(folder));
    fs::read(path).unwrap()
}

/// Each kind holds the history: a row or an object per window, a picture, the key's marker.
#[test]
fn a_live_history_is_in_every_kind_of_export() {
    let folder = tempfile::tempdir().unwrap();
    for snapshot in [result(), Arc::new(hours())] {
        let windows = snapshot.history.len();
        let csv = String::from_utf8(exported(&snapshot, ExportKind::Csv, folder.path())).unwrap();
        assert_eq!(csv.lines().count(), 1 + windows);
        assert!(csv.contains("A minor"), "{csv}");

        let json: Value =
            serde_json::from_slice(&exported(&snapshot, ExportKind::Json, folder.path())).unwrap();
        let timeline = json["files"][0]["timeline"].as_array().unwrap();
        assert_eq!(timeline.len(), windows);
        assert_eq!(json["files"][0]["summary"]["key"]["best"], "A minor");
        let embedded = Model::embedded().unwrap().manifest.id;
        assert_eq!(json["model"]["id"], embedded);
        assert_eq!(json["heads"].as_array().unwrap().len(), 2);
        assert_eq!(timeline[3]["map"].as_array().unwrap().len(), 2);
        assert!(csv.lines().next().unwrap().contains(",map_x,map_y"));

        let png = exported(&snapshot, ExportKind::Png, folder.path());
        assert!(png.starts_with(b"\x89PNG\r\n") && png.len() > 20_000);

        let midi = exported(&snapshot, ExportKind::Midi, folder.path());
        let name = b"A minor (8A)";
        assert!(midi.starts_with(b"MThd") && midi.windows(name.len()).any(|at| at == name));
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 8);
}

/// A history without music gives a sentence and no file.
#[test]
fn an_empty_history_writes_no_file() {
    let folder = tempfile::tempdir().unwrap();
    for kind in ExportKind::ALL {
        let error = export(&Snapshot::default(), kind, Some(folder.path())).unwrap_err();
        assert!(error.to_string().contains("play some seconds"), "{error}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Runs the test `test` again in a name space of its own, with a folder that `mount` mounts; reports
/// it as skipped when the system allows no name space.
#[cfg(target_os = "linux")]
fn rerun_in_a_mounted_folder(test: &str, mount: &str) {
    let folder = tempfile::tempdir().unwrap();
    let apart = |arguments: &[&str]| {
        let mut unshare = Command::new("unshare");
        unshare.args(["--user", "--map-root-user", "--mount"]);
        unshare.args(arguments).stdin(Stdio::null());
        unshare
    };
    let works = apart(&["true"]).output();
    if !works.is_ok_and(|output| output.status.success()) {
        skipped(
            test,
            "this system gives no name spaces to mount a folder in",
        );
        return;
    }
    let script = format!("set -e; {mount}; exec \"$0\" --exact {test}");
    let output = apart(&["sh", "-c", &script])
        .arg(env::current_exe().unwrap())
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}");
    assert!(printed.contains("1 passed"), "{printed}");
}

#[cfg(target_os = "linux")]
fn folder() -> Option<PathBuf> {
    env::var_os(FOLDER).map(PathBuf::from)
}

/// The error names the full disk.
#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_reported_and_no_partial_file_is_left() {
    let Some(folder) = folder() else {
        return rerun_in_a_mounted_folder(
            "a_full_disk_is_reported_and_no_partial_file_is_left",
            "mount -t tmpfs -o size=16k none \"$MERTSCOPE_EXPORT_FOLDER\"",
        );
    };
    let error = export(&result(), ExportKind::Png, Some(&folder)).unwrap_err();
    assert!(error.to_string().contains("no space left"), "{error}");
    assert!(error.to_string().contains(folder.to_str().unwrap()));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    // A file that fits is still written.
    assert!(export(&result(), ExportKind::Midi, Some(&folder)).is_ok());
}

/// A folder that can't be written is named.
#[test]
#[cfg(target_os = "linux")]
fn a_read_only_folder_is_named() {
    let Some(folder) = folder() else {
        return rerun_in_a_mounted_folder(
            "a_read_only_folder_is_named",
            "mount -t tmpfs -o ro none \"$MERTSCOPE_EXPORT_FOLDER\"",
        );
    };
    for kind in ExportKind::ALL {
        let error = export(&result(), kind, Some(&folder)).unwrap_err();
        assert!(error.to_string().contains("may not write"), "{error}");
    }
}
