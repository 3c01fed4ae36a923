//! Many files: lists, shards, Parquet parts that survive kills, and merging. Beside the command, because the crates that
//! read Parquet take long to build; readers of other makers are in `tests/tests/tables.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

/// The time limit for a part to appear: only a hang exceeds it.
const LIMIT: Duration = Duration::from_secs(600);

/// The built command.
fn mertscope() -> Command {
    Command::new(env!("CARGO_BIN_EXE_mertscope"))
}

/// What a command printed, and its exit code.
struct CommandOutput {
    code: i32,
    out: String,
    err: String,
}

fn output_of(command: &mut Command) -> CommandOutput {
    output_with_input(command, b"")
}

fn output_with_input(command: &mut Command, input: &[u8]) -> CommandOutput {
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
fn chord(gain: f64) -> Vec<u8> {
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
fn music(count: usize) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..count {
        let inside = folder.path().join(format!("music/{}", n % 3));
        fs::create_dir_all(&inside).unwrap();
        let gain = 1.0 - n as f64 / (2 * count) as f64;
        fs::write(inside.join(format!("{n:04}.wav")), chord(gain)).unwrap();
    }
    folder
}

/// `mertscope analyze` of the folder into parts of two files.
fn analyze(folder: &Path, parts: &str, flags: &[&str]) -> Command {
    let mut command = mertscope();
    command
        .current_dir(folder)
        .args(["analyze", "music", "--threads", "1"]);
    command
        .args(["--out", parts, "--part-files", "2"])
        .args(flags);
    command
}

fn merged(folder: &Path, parts: &str) -> PathBuf {
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
fn rows(path: &Path) -> BTreeMap<String, Vec<String>> {
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

fn batches(path: &Path) -> Vec<RecordBatch> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(path).unwrap()).unwrap();
    builder.build().unwrap().map(Result::unwrap).collect()
}

fn text(batch: &RecordBatch, column: &str, row: usize) -> String {
    batch
        .column_by_name(column)
        .unwrap()
        .as_string::<i32>()
        .value(row)
        .to_owned()
}

/// The parts in a folder.
fn parts(folder: &Path) -> BTreeSet<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return BTreeSet::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|end| end == "parquet"))
        .collect()
}

/// Waits until a run has written `more` parts, and kills it; it must not have ended before.
fn kill_after(mut child: Child, folder: &Path, more: usize) {
    let wanted = parts(folder).len() + more;
    let begun = Instant::now();
    while parts(folder).len() < wanted {
        assert!(begun.elapsed() < LIMIT, "no part appeared");
        let ended = child.try_wait().unwrap();
        assert_eq!(ended, None, "the run ended before it could be killed");
        thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    assert!(
        !child.wait().unwrap().success(),
        "the run ended before it could be killed"
    );
}

/// A batch that is killed three times and resumed has the rows of one that was not.
fn killed_three_times(files: usize) {
    let folder = music(files);
    let folder = folder.path();
    let whole = output_of(&mut analyze(folder, "whole", &["--quiet"]));
    assert_eq!(whole.code, 0, "{}", whole.err);
    for kill in 0..3 {
        let mut command = analyze(folder, "killed", &["--resume", "--quiet"]);
        let child = command.stdin(Stdio::null()).spawn().unwrap();
        kill_after(child, &folder.join("killed"), 1 + kill);
    }
    let before = parts(&folder.join("killed"));
    let last = output_of(&mut analyze(folder, "killed", &["--resume"]));
    assert_eq!(last.code, 0, "{}", last.err);
    assert!(
        before.is_subset(&parts(&folder.join("killed"))),
        "finished parts stay"
    );
    let (whole, killed) = (
        rows(&merged(folder, "whole")),
        rows(&merged(folder, "killed")),
    );
    assert_eq!(whole.len(), files);
    assert!(whole == killed, "the rows differ");
    // Nothing is left to do, and nothing is left over.
    let again = output_of(&mut analyze(folder, "killed", &["--resume"]));
    assert!(again.err.contains("0 files done"), "{}", again.err);
    let hidden = fs::read_dir(folder.join("killed"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    assert!(
        !hidden
            .map(|name| name.to_string_lossy().into_owned())
            .any(|name| name.ends_with(".tmp"))
    );
}

#[test]
fn a_batch_that_is_killed_three_times_equals_one_that_was_not() {
    killed_three_times(18);
}

#[test]
#[ignore = "long: analyzes 5,000 files twice"]
fn a_batch_of_5000_files_that_is_killed_three_times_equals_one_that_was_not() {
    killed_three_times(5_000);
}

#[test]
fn shards_share_the_files_and_merge_to_the_whole() {
    let folder = music(7);
    let folder = folder.path();
    assert_eq!(output_of(&mut analyze(folder, "one", &["--quiet"])).code, 0);
    for shard in ["0/3", "1/3", "2/3"] {
        let output = output_of(&mut analyze(
            folder,
            "three",
            &["--shard", shard, "--quiet"],
        ));
        assert_eq!(output.code, 0, "{}", output.err);
    }
    assert_eq!(rows(&merged(folder, "one")), rows(&merged(folder, "three")));
    // Another number of shards would do some files twice.
    let output = output_of(&mut analyze(
        folder,
        "three",
        &["--shard", "0/2", "--resume"],
    ));
    assert_eq!(output.code, 1);
    assert!(
        output.err.contains("of 3 shards, not of 2"),
        "{}",
        output.err
    );
    // Standard output can be sharded as well.
    let lines: usize = ["0/3", "1/3", "2/3"]
        .map(|shard| {
            let mut command = mertscope();
            command
                .current_dir(folder)
                .args(["analyze", "music", "--jsonl", "--quiet", "--shard", shard]);
            output_of(&mut command).out.lines().count()
        })
        .iter()
        .sum();
    assert_eq!(lines, 7);
}

/// The results of a part are those of the JSON.
#[test]
fn a_part_says_what_the_json_says() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/demo/two-rooms.ogg");
    let demo = demo.canonicalize().unwrap();
    let demo = demo.to_str().unwrap();
    let parts_folder = folder.path().join("parts");
    let output = output_of(
        mertscope()
            .args(["analyze", demo, "--root", "/", "--out"])
            .arg(&parts_folder),
    );
    assert_eq!(output.code, 0, "{}", output.err);
    let json = output_of(mertscope().args(["analyze", demo, "--json"])).out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let json = &json["files"][0];
    let path = parts(&parts_folder).pop_first().unwrap();
    let batch = batches(&path).remove(0);
    assert_eq!(text(&batch, "path", 0), demo.trim_start_matches('/'));
    assert_eq!(
        text(&batch, "sha256", 0),
        mertscope_model::sha256(&fs::read(demo).unwrap())
    );
    let summary = batch.column_by_name("summary").unwrap().as_struct();
    let named = summary
        .column_by_name("key")
        .unwrap()
        .as_string::<i32>()
        .value(0);
    assert_eq!(named, json["summary"]["key"]["label"]);
    let genre = summary
        .column_by_name("genre")
        .unwrap()
        .as_string::<i32>()
        .value(0);
    assert_eq!(genre, json["summary"]["genre_label"]);
    let windows = batch
        .column_by_name("timeline")
        .unwrap()
        .as_list::<i32>()
        .value(0);
    let windows = windows.as_struct();
    let timeline = json["timeline"].as_array().unwrap();
    assert_eq!(windows.len(), timeline.len());
    let keys = windows.column_by_name("key").unwrap().as_list::<i32>();
    let keys = keys.value(3);
    let keys = keys.as_primitive::<arrow_array::types::Float32Type>();
    let probabilities = timeline[3]["key"].as_object().unwrap();
    assert_eq!(keys.len(), probabilities.len());
    for (value, probability) in keys.values().iter().zip(probabilities.values()) {
        assert!((f64::from(*value) - probability.as_f64().unwrap()).abs() < 1e-6);
    }
}

/// The vectors of parts are those of the array.
#[test]
fn vectors_of_parts_are_those_of_the_array() {
    use arrow_array::types::{Float16Type, Float32Type, Int32Type};
    let folder = music(2);
    let folder = folder.path();
    let embed = |arguments: &[&str]| {
        let output = output_of(
            mertscope()
                .current_dir(folder)
                .args(["embed"])
                .args(arguments),
        );
        assert_eq!(output.code, 0, "{}", output.err);
    };
    embed(&["music", "--out", "wide"]);
    embed(&["music", "--layers", "1", "--float16", "--out", "narrow"]);
    embed(&["music/0/0000.wav", "--out", "one.npy"]);
    let bytes = fs::read(folder.join("one.npy")).unwrap();
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]])) + 10;
    let array: Vec<f32> = bytes[header..]
        .chunks_exact(4)
        .map(|value| f32::from_le_bytes(value.try_into().unwrap()))
        .collect();
    let batch = batches(&parts(&folder.join("wide")).pop_first().unwrap()).remove(0);
    let schema = batch.schema();
    let dim: usize = schema.field_with_name("vector").unwrap().metadata()["dim"]
        .parse()
        .unwrap();
    let layers = batch
        .column_by_name("layer")
        .unwrap()
        .as_primitive::<Int32Type>()
        .clone();
    let vectors = batch.column_by_name("vector").unwrap().as_list::<i32>();
    for (layer, expected) in array.chunks_exact(dim).enumerate() {
        assert_eq!(text(&batch, "path", layer), "0/0000.wav");
        assert_eq!(layers.value(layer), layer as i32);
        let vector = vectors.value(layer);
        assert_eq!(
            vector.as_primitive::<Float32Type>().values().as_ref(),
            expected
        );
    }
    let narrow = batches(&parts(&folder.join("narrow")).pop_first().unwrap()).remove(0);
    assert_eq!(narrow.num_rows(), 2);
    let vector = narrow
        .column_by_name("vector")
        .unwrap()
        .as_list::<i32>()
        .value(0);
    let layer = &array[dim..2 * dim];
    for (value, expected) in vector
        .as_primitive::<Float16Type>()
        .values()
        .iter()
        .zip(layer)
    {
        let most = expected.abs().max(1e-3) / 1024.0;
        assert!(
            (value.to_f32() - expected).abs() <= most,
            "{value} {expected}"
        );
    }
}

#[test]
fn a_list_may_name_missing_files_and_a_resumed_run_does_them_when_they_are_there() {
    let folder = music(2);
    let folder = folder.path();
    let list = "music/0/0000.wav\0music/gone.wav\0music/1/0001.wav\0";
    let run = |flags: &[&str]| {
        let mut command = mertscope();
        command.current_dir(folder).args([
            "analyze",
            "--files-from",
            "-",
            "--root",
            "music",
            "--out",
            "parts",
        ]);
        output_with_input(command.args(flags), list.as_bytes())
    };
    let first = run(&[]);
    assert_eq!(first.code, 1);
    assert!(
        first.err.contains("music/gone.wav can't be read"),
        "{}",
        first.err
    );
    assert!(
        first.err.contains("3 files done, 1 of them failed"),
        "{}",
        first.err
    );
    fs::copy(
        folder.join("music/0/0000.wav"),
        folder.join("music/gone.wav"),
    )
    .unwrap();
    let second = run(&["--resume"]);
    assert_eq!(second.code, 0, "{}", second.err);
    assert!(
        second.err.contains("1 file done; 2 files done earlier"),
        "{}",
        second.err
    );
    assert_eq!(rows(&merged(folder, "parts")).len(), 3);
}

fn refused(command: &mut Command, code: i32, words: &[&str]) {
    let output: CommandOutput = output_of(command);
    assert_eq!(output.code, code, "{}", output.err);
    for words in words {
        assert!(output.err.contains(words), "{words}: {}", output.err);
    }
}

#[test]
fn wrong_options_and_outputs_are_named() {
    let folder = music(1);
    let folder = folder.path();
    refused(
        &mut analyze(folder, "p", &["--shard", "4/4"]),
        2,
        &["0 to 3"],
    );
    refused(
        &mut analyze(folder, "p", &["--json"]),
        2,
        &["--json", "--out"],
    );
    refused(
        &mut analyze(folder, "p", &["--root", "elsewhere"]),
        2,
        &["is not inside elsewhere", "--root"],
    );
    refused(
        &mut analyze(folder, "music/0/0000.wav", &[]),
        1,
        &["0000.wav can't be used for parts"],
    );
    refused(
        &mut analyze(folder, "p", &["--files-from", "gone.txt"]),
        1,
        &["gone.txt can't be read"],
    );
    let mut standard = mertscope();
    refused(
        standard
            .current_dir(folder)
            .args(["analyze", "-", "--out", "p"]),
        2,
        &["Standard input has no path"],
    );
    assert_eq!(output_of(&mut analyze(folder, "p", &[])).code, 0);
    refused(
        &mut analyze(folder, "p", &[]),
        1,
        &["already holds parts", "--resume"],
    );
    refused(
        &mut analyze(folder, "p", &["--resume", "--hop", "2"]),
        1,
        &["hop_s = 1.0, not 2.0", "another folder"],
    );
    let mut embed = mertscope();
    let embed = embed
        .current_dir(folder)
        .args(["embed", "music", "--out", "p", "--resume"]);
    refused(embed, 1, &["analysis, not embedding"]);
    let mut array = mertscope();
    refused(
        array
            .current_dir(folder)
            .args(["embed", "music", "--out", "x.npy"]),
        1,
        &["is a folder"],
    );
}

/// A part from another model, copied beside the others, keeps a merge from starting.
#[test]
fn a_part_of_another_model_is_not_merged() {
    let folder = music(3);
    let folder = folder.path();
    assert_eq!(
        output_of(&mut analyze(folder, "a", &["--shard", "0/2"])).code,
        0
    );
    assert_eq!(
        output_of(&mut analyze(
            folder,
            "b",
            &["--shard", "1/2", "--hop", "2.5"]
        ))
        .code,
        0
    );
    for part in parts(&folder.join("b")) {
        fs::copy(&part, folder.join("a").join(part.file_name().unwrap())).unwrap();
    }
    let mut merge = mertscope();
    let merge = merge
        .current_dir(folder)
        .args(["merge", "a", "--out", "all.parquet"]);
    refused(merge, 1, &["was made with hop_s = 2.5, not 1.0"]);
    assert!(!folder.join("all.parquet").exists());
}

/// A limit on the size of files stands in for a full disk.
#[cfg(unix)]
#[test]
fn a_full_disk_is_named_and_finished_parts_stay() {
    let folder = music(4);
    let folder = folder.path();
    let program = mertscope().get_program().to_owned();
    assert_eq!(
        output_of(&mut analyze(folder, "parts", &["--shard", "0/2"])).code,
        0
    );
    let finished = parts(&folder.join("parts"));
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "trap '' XFSZ; ulimit -f 2; exec \"$0\" \"$@\""])
        .arg(program);
    limited
        .args(["analyze", "music", "--out", "parts", "--shard", "1/2"])
        .current_dir(folder);
    refused(
        &mut limited,
        1,
        &["can't be written", "free some space", "are kept"],
    );
    assert_eq!(parts(&folder.join("parts")), finished);
    let names = fs::read_dir(folder.join("parts"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    assert!(
        names
            .map(|name| name.to_string_lossy().into_owned())
            .all(|name| !name.ends_with(".tmp"))
    );
}

/// The lines of the recipe in `docs/scale.md` that begins with `first`.
#[cfg(unix)]
fn recipe(first: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/scale.md");
    let page = fs::read_to_string(page).unwrap();
    let blocks = page.split("```sh\n").skip(1);
    let mut blocks = blocks.map(|block| block.split("```").next().unwrap());
    let block = blocks.find(|block| block.contains(first)).unwrap();
    block[block.find(first).unwrap()..].to_owned()
}

/// Runs a script with this command on its path.
#[cfg(unix)]
fn shell(script: &str, folder: &Path) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_mertscope"));
    let path = std::env::var("PATH").unwrap();
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(script).current_dir(folder);
    shell.env(
        "PATH",
        format!("{}:{path}", program.parent().unwrap().display()),
    );
    shell
}

/// Slurm's array is a loop here, and four jobs stand for its sixteen.
#[cfg(unix)]
#[test]
fn the_recipes_of_the_documents_do_all_files() {
    let folder = music(5);
    let folder = folder.path();
    let slurm = recipe("#!/bin/sh\n#SBATCH");
    assert!(slurm.contains("\"$SLURM_ARRAY_TASK_ID/16\"") && slurm.contains("--array=0-15"));
    let slurm = slurm.replace("/16\"", "/4\"").replace("/data/", "./");
    for task in 0..4 {
        let mut job = shell(&slurm, folder);
        job.env("SLURM_ARRAY_TASK_ID", task.to_string())
            .env("SLURM_CPUS_PER_TASK", "1");
        let output = output_of(&mut job);
        assert_eq!(output.code, 0, "{}", output.err);
    }
    let whole = rows(&merged(folder, "keys"));
    assert_eq!(whole.len(), 5);
    fs::remove_dir_all(folder.join("keys")).unwrap();
    let xargs = recipe("seq 0 3 |").replace("Music", "music");
    let output = output_of(&mut shell(&xargs, folder));
    assert_eq!(output.code, 0, "{}", output.err);
    assert_eq!(rows(&merged(folder, "keys")), whole);
}
