//! `mertscope heads` and `mertscope map` from outside: heads with known answers, and bad input.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mertscope_model::runtime;
use mertscope_music::{Key, Mode};
use mertscope_tests::{Said, mertscope, repository, said, wav};
use serde_json::Value;

const RATE_HZ: u32 = 16_000;

struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Runs the command with a data folder of its own.
    fn run(&self, arguments: &[&str]) -> Said {
        said(&mut self.command(arguments))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let found = runtime::candidates(None).unwrap();
        let library = found.into_iter().find(|path| path.is_file()).unwrap();
        let mut command = mertscope();
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("ORT_DYLIB_PATH", library)
            .env("XDG_DATA_HOME", self.path("data"));
        command
    }
}

/// Five seconds of a cadence, I IV V I with the chords of the mode, in a timbre of its own.
fn cadence(key: Key, timbre: usize) -> Vec<u8> {
    let minor = key.mode() == Mode::Minor;
    let third = if minor { 3.0 } else { 4.0 };
    // The dominant is major in minor keys too.
    let chords = [
        (0.0, third),
        (5.0, third),
        (7.0, 4.0),
        (0.0, third),
        (0.0, third),
    ];
    let frequency = |semitones: f64| {
        let from_c4 = key.tonic() as f64 + semitones;
        261.63 * 2f64.powf(from_c4 / 12.0)
    };
    let wave = |phase: f64| match timbre {
        0 => (1..=6)
            .map(|k| (f64::from(k) * phase).sin() / f64::from(k))
            .sum::<f64>(),
        1 => (1..=4)
            .map(|k| (f64::from(2 * k - 1) * phase).sin() / f64::from(k * k))
            .sum(),
        2 => phase.sin() + 0.5 * (2.0 * phase).sin() + 0.2 * (4.0 * phase).sin(),
        _ => (1..=8)
            .map(|k| (f64::from(k) * phase).sin() * 0.7f64.powi(k))
            .sum(),
    };
    let samples: Vec<f32> = (0..5 * RATE_HZ)
        .map(|n| {
            let t = f64::from(n) / f64::from(RATE_HZ);
            let (root, third) = chords[(t as usize).min(4)];
            let decay = if timbre == 1 {
                (-3.0 * t.fract()).exp()
            } else {
                1.0
            };
            let notes = [root - 24.0, root - 12.0, root, root + third, root + 7.0];
            let tone = |semitones: f64| wave(std::f64::consts::TAU * frequency(semitones) * t);
            (notes.map(tone).iter().sum::<f64>() * 0.05 * decay) as f32
        })
        .collect();
    wav(RATE_HZ, 1, &samples)
}

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

/// A key head learns from three timbres and is right in a fourth, in all 24 keys: whatever the
/// answer is, transposing the audio by n semitones moves it by n.
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

/// Files of two labels that differ by more than a hair, and ones that can't be used.
fn noise_and_tone(case: &Case, folder: &str, count: usize) {
    for n in 0..count {
        let tone = |k: u32| (f64::from(k) * 0.05 * (1.0 + n as f64 * 0.1)).sin() as f32 * 0.3;
        let tone: Vec<f32> = (0..5 * RATE_HZ).map(tone).collect();
        let mut state = n as u32 + 1;
        let noise: Vec<f32> = (0..5 * RATE_HZ)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / 5e7 - 0.16
            })
            .collect();
        // Rates may be mixed.
        let rate_hz = [RATE_HZ, 22_050][n % 2];
        case.write(&format!("{folder}/tone/{n}.wav"), &wav(rate_hz, 1, &tone));
        case.write(&format!("{folder}/noise/{n}.wav"), &wav(rate_hz, 1, &noise));
    }
}

#[test]
fn a_head_is_trained_listed_given_out_taken_in_and_removed() {
    let case = Case::new();
    noise_and_tone(&case, "sounds", 4);
    case.write("sounds/noise/broken.wav", b"no audio at all");
    case.write("sounds/alone/1.wav", &cadence(Key::new(0, Mode::Major), 0));
    case.write(
        "sounds/tone/same.wav",
        &fs::read(case.path("sounds/noise/1.wav")).unwrap(),
    );
    let train = [
        "heads", "train", "--data", "sounds", "--task", "sound", "--layers", "1,4", "--quiet",
    ];
    let trained = case.run(&[&train[..], &["--picture", "confusion.svg"]].concat());
    let picture = fs::read_to_string(case.path("confusion.svg")).unwrap();
    assert!(
        picture.contains("7 files") && picture.contains(">tone<"),
        "{picture}"
    );
    // The good files are used, each bad one is told.
    assert_eq!(trained.code, 1, "{}", trained.err);
    for told in ["broken.wav", "alone", "same.wav", "noise/1.wav"] {
        assert!(trained.err.contains(told), "{told}: {}", trained.err);
    }
    assert!(trained.out.contains("layer 4"), "{}", trained.out);
    let list = case.run(&["heads", "list"]).out;
    assert!(list.contains("sound") && list.contains("yours"), "{list}");
    let info = case.run(&["heads", "info", "sound"]).out;
    for said in [
        "noise, tone",
        "accuracy 1.000",
        "sounds (7 files)",
        "threshold",
    ] {
        assert!(info.contains(said), "{said}: {info}");
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
    for (arguments, told) in [
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
            "there are genre, key, tags-msd, tags-mtt, other",
        ),
    ] {
        let refused = case.run(arguments);
        assert_eq!(refused.code, 1, "{arguments:?}");
        assert!(refused.err.contains(told), "{arguments:?}: {}", refused.err);
    }
    // The same data and seed give the same head.
    let mut bytes = Vec::new();
    for out in ["a.safetensors", "b.safetensors"] {
        case.run(&[&train[..], &["--out", out]].concat());
        bytes.push(fs::read(case.path(out)).unwrap());
    }
    assert_eq!(bytes[0], bytes[1]);
}

#[test]
fn what_can_not_be_trained_on_is_refused_with_a_sentence() {
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
    for (data, told) in [
        ("few", "one file or group only"),
        ("one", "at least two labels"),
        ("empty", "no audio"),
        ("gone.csv", "there.wav"),
        ("column.csv", "no column “label”"),
        ("nowhere", "neither a folder nor"),
    ] {
        let refused = case.run(&["heads", "train", "--data", data, "--task", "x", "--quiet"]);
        assert_eq!(refused.code, 1, "{data}");
        assert!(refused.err.contains(told), "{data}: {}", refused.err);
    }
    assert!(
        !case.path("data/mertscope/heads").exists(),
        "nothing was written"
    );
}

/// The embedded model in a folder of its own, without its frames.
fn pooled_only(case: &Case) -> String {
    let embedded = repository("assets/embedded");
    for entry in fs::read_dir(&embedded).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            let name = format!("pooled/{}", entry.file_name().to_str().unwrap());
            case.write(&name, &fs::read(entry.path()).unwrap());
        }
    }
    let text = fs::read_to_string(embedded.join("manifest.toml")).unwrap();
    let (before, rest) = text.split_once("[graph.fragment]").unwrap();
    let (_, after) = rest.split_once("\n\n").unwrap();
    let text = format!("{before}{after}").replace("frames = [\"frames\"]\n", "");
    case.write("pooled/manifest.toml", text.as_bytes());
    case.path("pooled").to_str().unwrap().to_owned()
}

/// A head of the embedded model's frames hears two sounds apart that take turns within a window, and
/// what comes with the model says of windows what it says without.
#[test]
fn a_head_of_the_embedded_models_frames_follows_what_sounds_when() {
    let case = Case::new();
    noise_and_tone(&case, "sounds", 4);
    let mut samples = Vec::new();
    for name in ["noise", "tone"] {
        let bytes = fs::read(case.path(&format!("sounds/{name}/2.wav"))).unwrap();
        let one: Vec<f32> = bytes[bytes.len() - 4 * 5 * RATE_HZ as usize..]
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
            .collect();
        samples.push(one);
    }
    // Changes every 2.5 s: noise, tone, noise, tone.
    let half = 5 * RATE_HZ as usize / 2;
    let turns = [
        &samples[0][..half],
        &samples[1][..half],
        &samples[0][half..],
        &samples[1][half..],
    ];
    case.write("turns.wav", &wav(RATE_HZ, 1, &turns.concat()));
    let analyze = ["analyze", "turns.wav", "--hop", "5", "--json", "--quiet"];
    let before: Value = serde_json::from_str(&case.run(&analyze).out).unwrap();

    let trained = case.run(&[
        "heads", "train", "--data", "sounds", "--task", "sound", "--frames", "--quiet",
    ]);
    assert_eq!(trained.code, 0, "{}", trained.err);
    let result: Value = serde_json::from_str(&case.run(&analyze).out).unwrap();
    for (window, before) in [0, 1].map(|n| {
        let of = |all: &Value| all["files"][0]["timeline"][n].clone();
        (of(&result), of(&before))
    }) {
        let ribbon = &window["ribbons"]["sound"];
        assert_eq!(ribbon["step_s"], 0.25);
        let steps = ribbon["answers"].as_array().unwrap();
        assert_eq!(steps.len(), 20);
        for (n, step) in steps.iter().enumerate() {
            // Within half a second of the change both are heard.
            if !(8..12).contains(&n) {
                let tone = step["tone"].as_f64().unwrap();
                assert_eq!(tone > 0.5, n >= 10, "step {n} of {steps:?}");
            }
        }
        assert_eq!(window["genre"], before["genre"]);
        assert_eq!(window["key"], before["key"]);
    }
}

/// Frames are what a head reads whose answers change within a window.
#[test]
fn a_head_reads_frames_where_the_model_has_some() {
    let case = Case::new();
    noise_and_tone(&case, "sounds", 4);
    let checkpoint = repository("tests/fixtures/checkpoints/post-group");
    let model = checkpoint.to_str().unwrap();
    let train = [
        "heads", "train", "--data", "sounds", "--task", "sound", "--frames", "--quiet",
    ];
    let folder = pooled_only(&case);
    let refused = case.run(&[&train[..], &["--model", &folder]].concat());
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("no frames"), "{}", refused.err);
    let trained = case.run(&[&train[..], &["--model", model]].concat());
    assert_eq!(trained.code, 0, "{}", trained.err);
    // Eight frames of each of the eight windows.
    assert!(trained.out.contains("frames"), "{}", trained.out);
    let info = case.run(&["heads", "info", "sound", "--model", model]).out;
    assert!(info.contains("frame by frame"), "{info}");
    let judged = case.run(&[
        "heads", "eval", "sound", "--data", "sounds", "--model", model, "--json", "--quiet",
    ]);
    let judged: Value = serde_json::from_str(&judged.out).unwrap();
    assert_eq!(judged["files"]["count"], 8);
    assert_eq!(judged["windows"]["count"], 64);
    let result = case.run(&[
        "analyze",
        "sounds/tone/0.wav",
        "--model",
        model,
        "--json",
        "--quiet",
    ]);
    let result: Value = serde_json::from_str(&result.out).unwrap();
    let ribbon = &result["files"][0]["timeline"][0]["ribbons"]["sound"];
    // Eight frames a step of the 374 frames of a window, 75 frames a second.
    assert_eq!(ribbon["step_s"], 8.0 / 75.0);
    let steps = ribbon["answers"].as_array().unwrap();
    let right = |step: &&Value| step["tone"].as_f64() > Some(0.5);
    assert_eq!(steps.len(), 46);
    assert!(steps.iter().filter(right).count() > 23, "{ribbon:#}");
    assert!(
        judged["files"]["accuracy"].as_f64().unwrap() > 0.9,
        "{judged:#}"
    );
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_between_files_and_what_was_embedded_is_kept() {
    use std::os::unix::process::CommandExt;

    let case = Case::new();
    noise_and_tone(&case, "sounds", 40);
    let train = [
        "heads", "train", "--data", "sounds", "--task", "sound", "--quiet",
    ];
    let mut command = case.command(&train);
    let heeds_ctrl_c = || {
        // SAFETY: restoring a signal's default is safe between fork and exec.
        unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) };
        Ok(())
    };
    // SAFETY: the closure allocates nothing and touches no lock.
    unsafe { command.pre_exec(heeds_ctrl_c) };
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
    let said = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&said.stderr).into_owned();
    assert_eq!(said.status.code(), Some(1), "{told}");
    assert!(told.contains("Stopped") && told.contains("kept"), "{told}");
    assert!((1..80).contains(&kept()), "{}", kept());
    assert!(!case.path("data/mertscope/heads").exists(), "{told}");
}

#[test]
fn a_map_is_fitted_used_and_removed() {
    let case = Case::new();
    noise_and_tone(&case, "sounds", 5);
    let built_in = case.run(&["map", "info"]).out;
    assert!(
        built_in.contains("jazz") && built_in.contains("of the variance"),
        "{built_in}"
    );
    let fitted = case.run(&["map", "fit", "--data", "sounds", "--quiet"]);
    assert_eq!(fitted.code, 0, "{}", fitted.err);
    assert_eq!(case.run(&["map", "info"]).out, fitted.out);
    assert!(
        fitted.out.contains("noise") && !fitted.out.contains("jazz"),
        "{}",
        fitted.out
    );
    assert_eq!(case.run(&["map", "remove"]).code, 0);
    assert_eq!(case.run(&["map", "info"]).out, built_in);
    assert_eq!(case.run(&["map", "remove"]).code, 1);
    // A model without one says how to get it.
    let tiny = repository("tests/fixtures/tiny");
    let none = case.run(&["map", "info", "--model", tiny.to_str().unwrap()]);
    assert!(
        none.code == 1 && none.err.contains("mertscope map fit"),
        "{}",
        none.err
    );
    assert!(Path::new(&case.path("data/mertscope/embeddings")).is_dir());
}
