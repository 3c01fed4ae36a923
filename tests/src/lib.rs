//! The shared part of the whole-product tests: the built programs, synthetic audio, the demo pieces.
//!
//! The tests use the product from outside, as its users do; they reach its inside only through the
//! engine's public functions.

pub mod bundles;
pub mod home;
pub mod host;
pub mod hub;
pub mod random;
pub mod traced;
#[cfg(target_os = "linux")]
pub mod vst3_host;
#[cfg(target_os = "linux")]
pub mod window;
#[cfg(target_os = "linux")]
pub mod xdnd;

mod wav;

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use mertscope_audio::decode::{Block, Decoder};
use mertscope_music::Key;
use serde_json::Value;

use wav::WavFormat;

/// The path of a file of the repository, with the system's own separators: some programs compare them.
#[must_use]
pub fn repository(path: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new(""));
    root.join(path.split('/').collect::<PathBuf>())
}

/// Cargo's target folder, which holds the running test program.
///
/// # Panics
/// If the program lies elsewhere.
#[must_use]
pub fn target() -> PathBuf {
    let program = env::current_exe().expect("a test program has a path");
    let target = program.ancestors().nth(3);
    target.expect("a target folder").to_owned()
}

/// Reports that a test can't run on this machine, with the reason.
///
/// Rust's test harness counts the test as passed, so `cargo xtask test` names a file in
/// `MERTSCOPE_SKIPPED`, to which this appends a line; the summary lists and counts those lines.
///
/// # Panics
/// If that file can't be written.
pub fn skipped(test: &str, reason: &str) {
    eprintln!("skipped: {test}: {reason}");
    if let Some(list) = env::var_os("MERTSCOPE_SKIPPED") {
        let opened = fs::OpenOptions::new().create(true).append(true).open(list);
        let written = opened.and_then(|mut list| writeln!(list, "{test}: {reason}"));
        written.expect("the list of skipped tests can be written");
    }
}

/// A folder for `XDG_CONFIG_HOME`, of a user who has read the first run's note and has no other
/// settings.
///
/// # Panics
/// If it can't be made.
#[must_use]
pub fn welcomed_user() -> tempfile::TempDir {
    let user = tempfile::tempdir().expect("a temporary folder");
    let ours = user.path().join("mertscope");
    fs::create_dir(&ours)
        .and_then(|()| fs::write(ours.join("user.json"), r#"{"welcomed":true}"#))
        .expect("a configuration folder");
    user
}

/// The `mertscope` command; the first test that asks for it builds it.
///
/// # Panics
/// If it can't be built.
#[must_use]
pub fn mertscope() -> Command {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let program = BUILT.get_or_init(|| {
        let name = format!("mertscope{}", env::consts::EXE_SUFFIX);
        built(&["--package", "mertscope-cli", "--bin", "mertscope"], &name)
    });
    started(program)
}

/// Starts one of our programs. `cargo xtask cross` names in `MERTSCOPE_EMULATOR` the emulator for another
/// processor's programs, which this system may not know of.
fn started(program: &Path) -> Command {
    let Some(emulator) = env::var_os("MERTSCOPE_EMULATOR") else {
        return Command::new(program);
    };
    let mut command = Command::new(emulator);
    command.arg(program);
    command
}

/// The program behind `cargo xtask`; the first test that asks for it builds it.
///
/// # Panics
/// If it can't be built.
#[must_use]
pub fn xtask() -> Command {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let program = BUILT.get_or_init(|| {
        let name = format!("xtask{}", env::consts::EXE_SUFFIX);
        built(&["--package", "xtask", "--bin", "xtask"], &name)
    });
    without_package(Command::new(program))
}

/// The provider library of the tests (`tests/fixtures/onnxruntime_providers`); the first test that
/// asks for it builds it.
///
/// # Panics
/// If it can't be built.
#[must_use]
pub fn provider_library() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let library = BUILT.get_or_init(|| {
        let (prefix, suffix) = (env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
        let name = "onnxruntime_providers_fixture";
        built(
            &["--package", "mertscope-tests", "--example", name],
            &format!("examples/{prefix}{name}{suffix}"),
        )
    });
    library.clone()
}

/// The standalone app, without the machine's sound cards and without a display. It finds only the
/// JACK server `jack_server`, and its settings are in the folder `config`. The first test that asks
/// for the app builds it.
///
/// # Panics
/// If it can't be built.
#[must_use]
pub fn standalone(config: &Path, jack_server: &str) -> Command {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let program = BUILT.get_or_init(|| {
        let name = format!("mertscope-standalone{}", env::consts::EXE_SUFFIX);
        let package = "mertscope-standalone";
        built(&["--package", package, "--bin", package], &name)
    });
    let mut command = Command::new(program);
    command
        .env("XDG_CONFIG_HOME", config)
        .env("ALSA_CONFIG_PATH", "/dev/null")
        .env("JACK_DEFAULT_SERVER", jack_server)
        .env_remove("DISPLAY");
    command
}

/// Cargo, for a build that a test starts.
pub(crate) fn cargo() -> Command {
    without_package(Command::new(
        env::var_os("CARGO").unwrap_or_else(|| "cargo".into()),
    ))
}

/// A command that builds, without the variables in which cargo tells a test its own package: `ring` is built anew
/// whenever they differ, and half of the program with it.
fn without_package(mut command: Command) -> Command {
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Builds something in the profile of the tests, and returns the path of `product`.
///
/// # Panics
/// If it can't be built.
fn built(what: &[&str], product: &str) -> PathBuf {
    let status = cargo()
        .args(["build", "--quiet"])
        .args(what)
        .current_dir(repository(""))
        .status()
        .expect("cargo runs");
    assert!(status.success(), "{product} can't be built");
    // Test programs are in target/PROFILE/deps, products in target/PROFILE.
    let tests = env::current_exe().expect("a test program has a path");
    let profile = tests.parent().and_then(Path::parent);
    profile.expect("a target folder").join(product)
}

/// The exit code and output of a finished command.
#[derive(Debug)]
pub struct CommandOutput {
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl CommandOutput {
    fn new(output: Output) -> Self {
        Self {
            code: output.status.code().expect("it ended by itself"),
            out: String::from_utf8(output.stdout).expect("output is UTF-8"),
            err: String::from_utf8(output.stderr).expect("errors are UTF-8"),
        }
    }

    /// Standard output as one JSON document.
    ///
    /// # Panics
    /// If it is anything else.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Runs a command to its end, with an empty standard input.
///
/// # Panics
/// If it can't be started or dies of a signal.
#[must_use]
pub fn output_of(command: &mut Command) -> CommandOutput {
    CommandOutput::new(
        command
            .stdin(Stdio::null())
            .output()
            .expect("the command starts"),
    )
}

/// Runs a command with `input` on its standard input.
///
/// # Panics
/// If it can't be started or dies of a signal.
#[must_use]
pub fn output_with_input(command: &mut Command, input: &[u8]) -> CommandOutput {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    std::thread::scope(|scope| {
        // A command may stop reading early.
        scope.spawn(move || stdin.write_all(input).is_ok());
        CommandOutput::new(child.wait_with_output().expect("the command ends"))
    })
}

/// Runs `mertscope` with these arguments.
#[must_use]
pub fn run(arguments: &[impl AsRef<OsStr>]) -> CommandOutput {
    output_of(mertscope().args(arguments))
}

/// A demo piece and what is known about it.
#[derive(Debug)]
pub struct Piece {
    /// The audio.
    pub path: PathBuf,
    /// Its genre.
    pub genre: String,
    /// Its keys, and where each begins in seconds.
    pub keys: Vec<(f64, Key)>,
}

impl Piece {
    /// Its sample rate in hertz, and its first two channels at most.
    ///
    /// # Panics
    /// If it can't be decoded.
    #[must_use]
    pub fn decoded(&self) -> (u32, Vec<Vec<f32>>) {
        let mut decoder = Decoder::open(&self.path).expect("a piece");
        let count = decoder.channels();
        let mut channels = vec![Vec::new(); count.min(2)];
        while let Some(block) = decoder.next_block().expect("a whole piece") {
            let Block::Samples(samples) = block else {
                panic!("{} has a gap", self.path.display());
            };
            for frame in samples.chunks_exact(count) {
                for (channel, sample) in channels.iter_mut().zip(frame) {
                    channel.push(*sample);
                }
            }
        }
        (decoder.rate_hz(), channels)
    }
}

/// The demo pieces, from `assets/demo/demo.toml`.
///
/// # Panics
/// If that file misses a field.
#[must_use]
pub fn demo() -> Vec<Piece> {
    let text = fs::read_to_string(repository("assets/demo/demo.toml")).expect("demo.toml");
    let list: toml::Table = text.parse().expect("demo.toml is TOML");
    let pieces = list["piece"].as_array().expect("a list of pieces");
    pieces
        .iter()
        .map(|piece| Piece {
            path: repository("assets/demo").join(piece["file"].as_str().expect("a file")),
            genre: piece["genre"].as_str().expect("a genre").to_owned(),
            keys: piece["keys"]
                .as_array()
                .expect("keys")
                .iter()
                .map(|key| {
                    let name = key["key"].as_str().expect("a key");
                    let from_s = key["from_s"].as_float().expect("a time");
                    (from_s, name.parse().expect("a key's name"))
                })
                .collect(),
        })
        .collect()
}

/// The bytes of a 32-bit float WAV file, `samples` interleaved.
#[must_use]
pub fn wav(rate_hz: u32, channels: u16, samples: &[f32]) -> Vec<u8> {
    let format = WavFormat {
        tag: 3, // IEEE float
        bits: 32,
        channels,
        rate_hz,
    };
    let mut bytes = format.header((samples.len() * 4) as u32);
    bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    bytes
}

/// `seconds` of a C major chord, three harmonics per note, mono.
#[must_use]
pub fn chord(rate_hz: u32, seconds: f64) -> Vec<f32> {
    let count = (seconds * f64::from(rate_hz)) as usize;
    (0..count)
        .map(|n| {
            let t = n as f64 / f64::from(rate_hz);
            let voices = [130.81, 261.63, 329.63, 392.0];
            let sum: f64 = voices
                .iter()
                .flat_map(|f| {
                    (1..=3).map(move |h| {
                        (std::f64::consts::TAU * f * f64::from(h) * t).sin() / f64::from(h)
                    })
                })
                .sum();
            (sum * 0.08) as f32
        })
        .collect()
}
