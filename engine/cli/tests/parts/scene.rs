//! The built command, short files for it, and what it has written.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

/// The built command.
pub(crate) fn mertscope() -> Command {
    Command::new(env!("CARGO_BIN_EXE_mertscope"))
}

/// What a command printed, and its exit code.
pub(crate) struct CommandOutput {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn output_of(command: &mut Command) -> CommandOutput {
    output_with_input(command, b"")
}

pub(crate) fn output_with_input(command: &mut Command, input: &[u8]) -> CommandOutput {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let output = thread::scope(|scope| {
        // A command may end without reading.
        scope.spawn(move || stdin.write_all(input).is_ok());
        child.wait_with_output().unwrap()
    });
    CommandOutput {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A WAV file of a C major chord, mono, 16 bits, 8 kHz, 0.6 s, at this gain.
pub(crate) fn chord(gain: f64) -> Vec<u8> {
    const RATE_HZ: u32 = 8_000;
    let samples = (0..RATE_HZ * 6 / 10).flat_map(|n| {
        let t = f64::from(n) / f64::from(RATE_HZ);
        let voices = [130.81, 261.63, 329.63, 392.0];
        let sum: f64 = voices
            .iter()
            .map(|f| (std::f64::consts::TAU * f * t).sin())
            .sum();
        ((sum * gain * 8_000.0) as i16).to_le_bytes()
    });
    let data: Vec<u8> = samples.collect();
    let mut file = b"RIFF".to_vec();
    file.extend((36 + data.len() as u32).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend(RATE_HZ.to_le_bytes());
    file.extend((2 * RATE_HZ).to_le_bytes());
    file.extend(b"\x02\0\x10\0data");
    file.extend((data.len() as u32).to_le_bytes());
    file.extend(data);
    file
}

/// Short files, no two alike, in a few folders.
pub(crate) fn music(count: usize) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..count {
        let inside = folder.path().join(format!("music/{}", n % 3));
        fs::create_dir_all(&inside).unwrap();
        let gain = 1.0 - n as f64 / (2 * count) as f64;
        fs::write(inside.join(format!("{n:04}.wav")), chord(gain)).unwrap();
    }
    folder
}

/// `mertscope analyze` of the folder into parts of two files, unless `flags` name another number.
pub(crate) fn analyze(folder: &Path, parts: &str, flags: &[&str]) -> Command {
    into_parts("analyze", folder, parts, flags)
}

/// `mertscope embed` likewise, with a tiny model: what it costs is what parts cost.
pub(crate) fn embed(folder: &Path, parts: &str, flags: &[&str]) -> Command {
    let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/tiny");
    let mut command = into_parts("embed", folder, parts, flags);
    command.arg("--model").arg(tiny);
    command
}

fn into_parts(verb: &str, folder: &Path, parts: &str, flags: &[&str]) -> Command {
    let mut command = mertscope();
    command
        .current_dir(folder)
        .args([verb, "music", "--threads", "1"]);
    command.args(["--out", parts]).args(flags);
    if !flags.contains(&"--part-files") {
        command.args(["--part-files", "2"]);
    }
    command
}

pub(crate) fn merged(folder: &Path, parts: &str) -> PathBuf {
    let out = folder.join(format!("{parts}.parquet"));
    let output = output_of(
        mertscope()
            .current_dir(folder)
            .args(["merge", parts, "--out"])
            .arg(&out),
    );
    assert_eq!(output.code, 0, "{}", output.err);
    out
}

/// Each row as text, by the path of its file; the rows of one file in their order.
pub(crate) fn rows(path: &Path) -> BTreeMap<String, Vec<String>> {
    let mut rows: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for batch in batches(path) {
        for row in 0..batch.num_rows() {
            let file = text(&batch, "path", row);
            rows.entry(file)
                .or_default()
                .push(format!("{:?}", batch.slice(row, 1)));
        }
    }
    rows
}

pub(crate) fn batches(path: &Path) -> Vec<RecordBatch> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(path).unwrap()).unwrap();
    builder.build().unwrap().map(Result::unwrap).collect()
}

pub(crate) fn text(batch: &RecordBatch, column: &str, row: usize) -> String {
    batch
        .column_by_name(column)
        .unwrap()
        .as_string::<i32>()
        .value(row)
        .to_owned()
}

/// The parts in a folder.
pub(crate) fn parts(folder: &Path) -> BTreeSet<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return BTreeSet::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|end| end == "parquet"))
        .collect()
}
