//! Training: heads with known answers, the life of a stored head, and unusable data.

use std::fs;
use std::path::Path;

use mertscope_music::{Key, Mode};
use serde_json::Value;

use super::case::{Case, cadence, noise_and_tone};

/// Writes a cadence in each key and timbre, and returns a table of the files.
fn table(case: &Case, timbres: &[usize]) -> String {
    let mut text = "file,label,timbre\n".to_owned();
    for timbre in timbres {
        for key in Key::all() {
            let name = format!("{timbre}-{}.wav", key.index());
            case.write(&name, &cadence(key, *timbre));
            text += &format!("{name},{key},timbre {timbre}\n");
        }
    }
    text
}

/// A key head learns from three timbres and is right in a fourth, in all 24 keys: transposing the
/// audio by n semitones moves its answer by n.
#[test]
fn a_key_head_learns_24_keys_and_follows_transposition() {
    let case = Case::new();
    case.write("known.csv", table(&case, &[0, 1, 2]).as_bytes());
    case.write("new.csv", table(&case, &[3]).as_bytes());
    let trained = case.run(&[
        "heads",
        "train",
        "--data",
        "known.csv",
        "--group-column",
        "timbre",
        "--task",
        "key",
        "--layers",
        "2",
        "--json",
        "--quiet",
    ]);
    assert_eq!(trained.code, 0, "{}", trained.err);
    let trained: Value = serde_json::from_str(&trained.out).unwrap();
    let accuracy = trained["files"]["accuracy"].as_f64().unwrap();
    assert!(accuracy >= 0.9, "{trained:#}");

    let judged = case.run(&[
        "heads", "eval", "key-own", "--data", "new.csv", "--json", "--quiet",
    ]);
    assert_eq!(judged.code, 0, "{}", judged.err);
    let judged: Value = serde_json::from_str(&judged.out).unwrap();
    assert_eq!(judged["files"]["count"], 24);
    let exact = judged["files"]["key"]["exact"].as_f64().unwrap();
    assert!(exact >= 0.95, "{judged:#}");
}

/// The options of a training on `sounds`.
const TRAIN: [&str; 9] = [
    "heads", "train", "--data", "sounds", "--task", "sound", "--layers", "1,4", "--quiet",
];

#[test]
fn a_head_is_trained_listed_exported_imported_and_removed() {
    let case = Case::new();
    noise_and_tone(&case, "sounds", 4);
    case.write("sounds/noise/broken.wav", b"no audio at all");
    case.write("sounds/alone/1.wav", &cadence(Key::new(0, Mode::Major), 0));
    case.write(
        "sounds/tone/same.wav",
        &fs::read(case.path("sounds/noise/1.wav")).unwrap(),
    );
    let trained = case.run(&[&TRAIN[..], &["--picture", "confusion.svg"]].concat());
    let picture = fs::read_to_string(case.path("confusion.svg")).unwrap();
    assert!(
        picture.contains("7 files") && picture.contains(">tone<"),
        "{picture}"
    );
    // The usable files are used; each other file is reported.
    assert_eq!(trained.code, 1, "{}", trained.err);
    let same = Path::new("noise").join("1.wav");
    for expected in ["broken.wav", "alone", "same.wav", same.to_str().unwrap()] {
        assert!(
            trained.err.contains(expected),
            "{expected}: {}",
            trained.err
        );
    }
    assert!(trained.out.contains("layer 4"), "{}", trained.out);
    is_listed_exported_imported_and_removed(&case);
    wrong_heads_are_refused(&case);
    the_same_data_and_seed_give_the_same_head(&case);
}

fn is_listed_exported_imported_and_removed(case: &Case) {
    let list = case.run(&["heads", "list"]).out;
    assert!(list.contains("sound") && list.contains("yours"), "{list}");
    let info = case.run(&["heads", "info", "sound"]).out;
    for expected in [
        "noise, tone",
        "accuracy 1.000",
        "sounds (7 files)",
        "threshold",
    ] {
        assert!(info.contains(expected), "{expected}: {info}");
    }
    assert_eq!(
        case.run(&["heads", "export", "sound", "--out", "out.safetensors"])
            .code,
        0
    );
    let again = case.run(&["heads", "import", "out.safetensors", "--name", "other"]);
    assert_eq!(again.code, 0, "{}", again.err);
    assert_eq!(case.run(&["heads", "remove", "sound"]).code, 0);
    let list = case.run(&["heads", "list"]).out;
    assert!(
        list.contains("other") && !list.contains("sound  "),
        "{list}"
    );
}

fn wrong_heads_are_refused(case: &Case) {
    for (arguments, expected) in [
        (&["heads", "remove", "sound"][..], "no head"),
        (&["heads", "remove", "genre"], "came with the model"),
        (
            &["heads", "import", "out.safetensors", "--name", "genre"],
            "another name",
        ),
        (
            &["heads", "import", "out.safetensors", "--name", "../x"],
            "can't be a name",
        ),
        (
            &["heads", "import", "sounds/noise/1.wav"],
            "not a usable head",
        ),
        (
            &["heads", "info", "gone"],
            "there are styles, genre, key, tags-msd, tags-mtt, tuning, other",
        ),
    ] {
        let refused = case.run(arguments);
        assert_eq!(refused.code, 1, "{arguments:?}");
        assert!(
            refused.err.contains(expected),
            "{arguments:?}: {}",
            refused.err
        );
    }
}

fn the_same_data_and_seed_give_the_same_head(case: &Case) {
    let mut bytes = Vec::new();
    for out in ["a.safetensors", "b.safetensors"] {
        case.run(&[&TRAIN[..], &["--out", out]].concat());
        bytes.push(fs::read(case.path(out)).unwrap());
    }
    assert_eq!(bytes[0], bytes[1]);
}

#[test]
fn unusable_training_data_is_refused_with_a_sentence() {
    let case = Case::new();
    noise_and_tone(&case, "few", 1);
    fs::create_dir_all(case.path("empty")).unwrap();
    let one = cadence(Key::new(3, Mode::Minor), 0);
    for n in 0..3 {
        let name = format!("one/only/{n}.wav");
        case.write(&name, &[&one[..], &vec![0; 2 * n]].concat());
    }
    case.write(
        "gone.csv",
        "\u{feff}file,label\nnot/there.wav,x\n".as_bytes(),
    );
    case.write("column.csv", b"file,genre\na.wav,x\n");
    for (data, expected) in [
        ("few", "one file or group only"),
        ("one", "at least two labels"),
        ("empty", "no audio"),
        ("gone.csv", "there.wav"),
        ("column.csv", "no column “label”"),
        ("nowhere", "neither a folder nor"),
    ] {
        let refused = case.run(&["heads", "train", "--data", data, "--task", "x", "--quiet"]);
        assert_eq!(refused.code, 1, "{data}");
        assert!(refused.err.contains(expected), "{data}: {}", refused.err);
    }
    assert!(
        !case.path("data/mertscope/heads").exists(),
        "nothing was written"
    );
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_between_files_and_keeps_the_embeddings() {
    use std::os::unix::process::CommandExt;

    let case = Case::new();
    noise_and_tone(&case, "sounds", 40);
    let train = [
        "heads", "train", "--data", "sounds", "--task", "sound", "--quiet",
    ];
    let mut command = case.command(&train);
    let default_ctrl_c = || {
        // SAFETY: restoring a signal's default is safe between fork and exec.
        unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) };
        Ok(())
    };
    // SAFETY: the closure allocates nothing and touches no lock.
    unsafe { command.pre_exec(default_ctrl_c) };
    let child = command
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let kept = || {
        let folders = fs::read_dir(case.path("data/mertscope/embeddings"));
        let files = folders
            .into_iter()
            .flatten()
            .map(|folder| folder.unwrap().path());
        files
            .map(|folder| fs::read_dir(folder).unwrap().count())
            .sum::<usize>()
    };
    while kept() == 0 {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    // SAFETY: the child is ours and has not been waited for.
    unsafe { libc::kill(child.id() as i32, libc::SIGINT) };
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(
        errors.contains("Stopped") && errors.contains("kept"),
        "{errors}"
    );
    assert!((1..80).contains(&kept()), "{}", kept());
    assert!(!case.path("data/mertscope/heads").exists(), "{errors}");
}
