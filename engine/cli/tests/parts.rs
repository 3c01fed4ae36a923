//! Many files: lists, shards, Parquet parts that survive kills, and merging. Beside the command, because the crates that
//! read Parquet take long to build; readers of other makers are in `tests/tests/tables.rs`.

#[cfg(unix)]
#[path = "parts/recipes.rs"]
mod recipes;
#[path = "parts/refused.rs"]
mod refused;
#[path = "parts/scene.rs"]
mod scene;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use arrow_array::Array;
use arrow_array::cast::AsArray;

use scene::{
    analyze, batches, embed, merged, mertscope, music, output_of, output_with_input, parts, rows,
    text,
};

/// The time limit for a part to appear: only a hang exceeds it.
const LIMIT: Duration = Duration::from_secs(600);

/// An end of a run before its work is done.
#[derive(Clone, Copy)]
enum End {
    #[cfg(unix)]
    Signal(i32),
    Kill,
}

/// Waits until a run has written `more` parts, and ends it; it must not have ended before.
fn end_after(mut child: Child, folder: &Path, more: usize, end: End) {
    let wanted = parts(folder).len() + more;
    let begun = Instant::now();
    while parts(folder).len() < wanted {
        assert!(begun.elapsed() < LIMIT, "no part appeared");
        let ended = child.try_wait().unwrap();
        assert_eq!(ended, None, "the run ended before it could be stopped");
        thread::sleep(Duration::from_millis(2));
    }
    match end {
        End::Kill => child.kill().unwrap(),
        #[cfg(unix)]
        End::Signal(signal) => send(&child, signal),
    }
    assert!(
        !child.wait().unwrap().success(),
        "the run ended before it could be stopped"
    );
}

#[cfg(unix)]
fn send(child: &Child, signal: i32) {
    // SAFETY: the process is a child that was not waited for, so its number is not another one's.
    let sent = unsafe { libc::kill(child.id().cast_signed(), signal) };
    assert_eq!(sent, 0, "the run can't be signaled");
}

#[cfg(unix)]
const ENDS: [End; 3] = [
    End::Signal(libc::SIGINT),
    End::Kill,
    End::Signal(libc::SIGTERM),
];

#[cfg(not(unix))]
const ENDS: [End; 3] = [End::Kill; 3];

/// A batch of `begin` that is stopped three times and resumed has the rows of one that was not, which runs beside it.
fn stopped_three_times(
    begin: fn(&Path, &str, &[&str]) -> Command,
    files: usize,
    part_files: usize,
) {
    let folder = music(files);
    let folder = folder.path();
    let part_files_option = part_files.to_string();
    let options = ["--quiet", "--part-files", &part_files_option];
    let whole = thread::scope(|scope| {
        let whole = scope.spawn(|| output_of(&mut begin(folder, "whole", &options)));
        for end in ENDS {
            let mut command = begin(folder, "stopped", &options);
            let child = command.arg("--resume").stdin(Stdio::null()).spawn();
            let quarter = (files / part_files / 4).max(1);
            end_after(child.unwrap(), &folder.join("stopped"), quarter, end);
        }
        whole.join().unwrap()
    });
    assert_eq!(whole.code, 0, "{}", whole.err);
    let before = parts(&folder.join("stopped"));
    let last = output_of(&mut begin(folder, "stopped", &["--resume"]));
    assert_eq!(last.code, 0, "{}", last.err);
    assert!(
        before.is_subset(&parts(&folder.join("stopped"))),
        "finished parts stay"
    );
    let (whole, stopped) = (
        rows(&merged(folder, "whole")),
        rows(&merged(folder, "stopped")),
    );
    assert_eq!(whole.len(), files);
    assert!(whole == stopped, "the rows differ");
    // Nothing is left to do, and nothing is left over.
    let again = output_of(&mut begin(folder, "stopped", &["--resume"]));
    assert!(again.err.contains("0 files done"), "{}", again.err);
    let hidden = fs::read_dir(folder.join("stopped"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    assert!(
        !hidden
            .map(|name| name.to_string_lossy().into_owned())
            .any(|name| name.ends_with(".tmp"))
    );
}

#[test]
fn a_batch_that_is_stopped_three_times_equals_one_that_was_not() {
    stopped_three_times(analyze, 18, 2);
}

#[test]
#[ignore = "long: embeds 5,000 files twice"]
fn a_batch_of_5000_files_that_is_stopped_three_times_equals_one_that_was_not() {
    stopped_three_times(embed, 5_000, 50);
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
    let demo = dunce::canonicalize(demo).unwrap();
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
