//! The programs in `examples/`, run as a stranger runs them: what they print, and their exit codes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// One run of an example.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

/// Runs an example, whose caches and temporary files go into `scratch`. Cargo builds examples before it runs all tests
/// of a package; with `--test examples` alone it does not.
fn run(name: &str, arguments: &[&Path], scratch: &Path) -> Ran {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let program = profile
        .join("examples")
        .join(name)
        .with_extension(std::env::consts::EXE_EXTENSION);
    assert!(
        program.exists(),
        "{} is not built; run `cargo build --package mertscope-engine --examples`",
        program.display()
    );
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(program)
        .args(arguments)
        .env("XDG_CACHE_HOME", scratch)
        .env("TMPDIR", scratch)
        .output()
        .unwrap();
    Ran {
        code: status.code(),
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
    }
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Mono at 16 kHz, 16 bits a sample.
fn write_wav(path: &Path, samples: impl Iterator<Item = f64>) {
    const RATE_HZ: u32 = 16_000;
    let pcm: Vec<u8> = samples
        .flat_map(|sample| ((sample * 32_767.0) as i16).to_le_bytes())
        .collect();
    let size = pcm.len() as u32;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + size).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16u32.to_le_bytes());
    bytes.extend([1u16, 1].map(u16::to_le_bytes).as_flattened());
    bytes.extend([RATE_HZ, RATE_HZ * 2].map(u32::to_le_bytes).as_flattened());
    bytes.extend([2u16, 16].map(u16::to_le_bytes).as_flattened());
    bytes.extend(b"data");
    bytes.extend(size.to_le_bytes());
    bytes.extend(pcm);
    fs::write(path, bytes).unwrap();
}

/// `seconds` of a tone at 16 kHz.
fn tone(hz: f64, seconds: usize) -> impl Iterator<Item = f64> {
    (0..16_000 * seconds).map(move |n| 0.4 * (std::f64::consts::TAU * hz * n as f64 / 16e3).sin())
}

#[test]
fn a_file_has_a_key_a_genre_and_windows() {
    let scratch = tempfile::tempdir().unwrap();
    let song = repository("assets/demo/two-rooms.ogg");
    let ran = run("analyze_file", &[&song], scratch.path());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let lines = |start: &str| {
        ran.out
            .lines()
            .filter(|line| line.starts_with(start))
            .count()
    };
    assert_eq!((lines("key: "), lines("genre: ")), (1, 3), "{ran:?}");
    let windows: Vec<&str> = ran
        .out
        .lines()
        .filter(|line| line.contains(" s to "))
        .collect();
    assert!(windows.len() > 20, "{ran:?}");
    assert!(windows.iter().any(|line| line.ends_with("or")), "{ran:?}");
}

#[test]
fn a_file_has_hidden_states_of_every_layer() {
    let scratch = tempfile::tempdir().unwrap();
    let song = scratch.path().join("tone.wav");
    write_wav(&song, tone(220.0, 6));
    let ran = run("embed_file", &[&song], scratch.path());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let layers = ran.out.lines().filter(|line| line.starts_with("layer "));
    let shape = format!("hidden states: [{}, ", layers.count());
    assert!(ran.out.starts_with(&shape), "{ran:?}");

    let checkpoint = repository("tests/fixtures/checkpoints/post-group");
    let ran = run("embed_file", &[&song, &checkpoint], scratch.path());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.starts_with("hidden states: [3, 24]\n"), "{ran:?}");
}

#[test]
fn a_stream_answers_every_second() {
    let scratch = tempfile::tempdir().unwrap();
    let song = scratch.path().join("tone.wav");
    write_wav(&song, tone(220.0, 8));
    let ran = run("live_stream", &[&song], scratch.path());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for end in ["   5.0 s: ", "   6.0 s: ", "   7.0 s: ", "   8.0 s: "] {
        assert!(ran.out.contains(end), "{end}: {ran:?}");
    }
}

#[test]
fn a_head_is_fitted_and_written() {
    let scratch = tempfile::tempdir().unwrap();
    let music = scratch.path().join("music");
    for (label, hz) in [("high", 1_760.0), ("low", 110.0)] {
        fs::create_dir_all(music.join(label)).unwrap();
        for n in 0..4 {
            let file = music.join(label).join(format!("{n}.wav"));
            write_wav(&file, tone(hz * (1.0 + 0.02 * f64::from(n)), 5));
        }
    }
    // Not a file of music: it is passed over.
    fs::write(music.join("low").join("notes.txt"), "low tones").unwrap();
    let head = scratch.path().join("pitch.safetensors");
    let ran = run("train_head", &[&music, &head], scratch.path());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for line in [
        "labels: high, low",
        "files: 8",
        "accuracy on held-out files: 1.00",
    ] {
        assert!(ran.out.contains(line), "{line}: {ran:?}");
    }
    let bytes = fs::read(&head).unwrap();
    let head = mertscope_engine::Head::parse(&bytes, &head).unwrap();
    assert_eq!(head.labels, ["high", "low"]);
}

#[test]
fn a_checkpoint_has_layers_and_hidden_states() {
    let scratch = tempfile::tempdir().unwrap();
    let checkpoint = repository("tests/fixtures/checkpoints/post-group");
    let ran = run("import_checkpoint", &[&checkpoint], scratch.path());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let layers = ran.out.lines().filter(|line| line.starts_with("layer "));
    assert_eq!(layers.count(), 3, "{ran:?}");
    let shape = ran.out.lines().last().unwrap();
    let shape = shape
        .strip_prefix("hidden states [layers, frames, width]: [3, ")
        .unwrap();
    let frames: usize = shape.strip_suffix(", 24]").unwrap().parse().unwrap();
    assert!(frames > 100, "{ran:?}");
}

#[test]
fn bad_arguments_are_answered_with_a_sentence_and_a_code() {
    let scratch = tempfile::tempdir().unwrap();
    let absent = scratch.path().join("absent");
    let text = scratch.path().join("text.wav");
    fs::write(&text, "no music").unwrap();
    let good: &[&Path] = &[&absent, &text];
    for (name, takes) in [
        ("analyze_file", 1),
        ("embed_file", 1),
        ("live_stream", 1),
        ("train_head", 2),
        ("import_checkpoint", 1),
    ] {
        for wrong in [&[][..], &[&*absent; 3]] {
            let ran = run(name, wrong, scratch.path());
            assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{ran:?}");
            assert!(ran.err.starts_with(&format!("usage: {name} ")), "{ran:?}");
        }
        for file in good {
            let ran = run(name, &[*file, *file][..takes], scratch.path());
            assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{ran:?}");
            assert!(ran.err.starts_with("error: "), "{ran:?}");
            assert!(!ran.err.contains("panicked"), "{ran:?}");
        }
    }
}
