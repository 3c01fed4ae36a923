//! A missing, broken, old or lying ONNX Runtime, and models that contradict their manifest: each gives
//! a sentence with the remedy and a failing exit code, never a crash.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use mertscope_live::{Controls, Live, Settings};
use mertscope_tests::{CommandOutput, chord, mertscope, output_of, repository, wav};

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

    fn song(&self) -> PathBuf {
        let path = self.path("song.wav");
        fs::write(&path, wav(16_000, 1, &chord(16_000, 6.0))).unwrap();
        path
    }

    /// Analyzes a song with ONNX Runtime at `library`.
    fn with_runtime(&self, library: &Path) -> CommandOutput {
        let mut command = mertscope();
        output_of(
            command
                .arg("analyze")
                .arg(self.song())
                .env("ORT_DYLIB_PATH", library),
        )
    }

    /// Compiles a shared library from C.
    #[cfg(unix)]
    fn library(&self, source: &str) -> PathBuf {
        let (code, library) = (self.path("fake.c"), self.path("libfake.so"));
        fs::write(&code, source).unwrap();
        let mut compiler = Command::new("cc");
        compiler
            .args(["-shared", "-fPIC", "-o"])
            .arg(&library)
            .arg(&code);
        assert!(compiler.status().unwrap().success());
        library
    }

    fn model(&self) -> PathBuf {
        let model = self.path("model");
        fs::create_dir_all(&model).unwrap();
        for name in [
            "manifest.toml",
            "encoder.onnx",
            "frames.onnx",
            "styles.safetensors",
            "genre.safetensors",
            "key.safetensors",
            "tags-msd.safetensors",
            "tags-mtt.safetensors",
            "tuning.safetensors",
            "map.safetensors",
        ] {
            fs::copy(repository("assets/embedded").join(name), model.join(name)).unwrap();
        }
        model
    }

    fn with_model(&self, model: &Path) -> CommandOutput {
        output_of(
            mertscope()
                .arg("analyze")
                .arg(self.song())
                .arg("--model")
                .arg(model),
        )
    }
}

fn fails_with(output: &CommandOutput, words: &[&str]) {
    assert_eq!(output.code, 1, "{output:?}");
    assert!(
        output.out.is_empty() && !output.err.contains("panicked"),
        "{output:?}"
    );
    for word in words {
        assert!(
            output.err.contains(word),
            "“{word}” is missing in: {}",
            output.err
        );
    }
}

#[test]
fn a_missing_library_is_named_with_the_remedy() {
    let case = Case::new();
    let gone = case.path("libonnxruntime.so");
    fails_with(
        &case.with_runtime(&gone),
        &["libonnxruntime.so", "cargo xtask setup"],
    );
}

/// Windows asks the system for a user's folders, and no variable names others.
#[cfg(unix)]
#[test]
fn a_home_without_an_installation_is_told_with_the_remedy() {
    let case = Case::new();
    let mut command = mertscope();
    command
        .arg("analyze")
        .arg(case.song())
        .env_remove("ORT_DYLIB_PATH");
    command
        .env("HOME", case.folder.path())
        .env("XDG_DATA_HOME", case.folder.path());
    fails_with(
        &output_of(&mut command),
        &["not installed", "cargo xtask setup"],
    );
}

#[test]
fn a_file_that_is_not_a_library_is_named() {
    let case = Case::new();
    let text = case.path("libonnxruntime.so");
    fs::write(&text, "hello").unwrap();
    fails_with(
        &case.with_runtime(&text),
        &["libonnxruntime.so", "can't be loaded", "no shared library"],
    );
    let folder = case.path("folder");
    fs::create_dir(&folder).unwrap();
    fails_with(&case.with_runtime(&folder), &["folder", "can't be loaded"]);
}

/// ONNX Runtime's telemetry would start with an identifier in the user's cache folder.
#[cfg(target_os = "linux")]
#[test]
fn onnx_runtime_sends_no_telemetry() {
    let case = Case::new();
    let cache = case.path("cache");
    let mut command = mertscope();
    command.arg("analyze").arg(case.song());
    // ONNX Runtime disables its telemetry itself on machines that it takes for test machines.
    for name in ["CI", "TF_BUILD", "GITHUB_ACTIONS", "JENKINS_URL"] {
        command.env_remove(name);
    }
    command.env_remove("ORT_DISABLE_TELEMETRY");
    let analyzed = output_of(command.env("XDG_CACHE_HOME", &cache));
    assert_eq!(analyzed.code, 0, "{analyzed:?}");
    assert!(
        !cache.exists(),
        "{:?}",
        fs::read_dir(&cache).unwrap().next()
    );
}

#[cfg(unix)]
#[test]
fn a_library_in_a_folder_that_anyone_may_change_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let case = Case::new();
    let library = case.path("libonnxruntime.so");
    fs::write(&library, "hello").unwrap();
    fs::set_permissions(case.folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    fails_with(&case.with_runtime(&library), &["every user", "chmod o-w"]);
}

/// The ONNX Runtime of this machine.
fn real_library() -> PathBuf {
    let all = mertscope_model::runtime::candidates(None).unwrap();
    let found = all.into_iter().find(|path| path.exists());
    found.expect("ONNX Runtime is installed")
}

/// Each would end the process with a signal, or give the sentence of another fault, if the system's
/// loader got it.
#[test]
fn a_damaged_library_is_refused_before_it_is_loaded() {
    let case = Case::new();
    let whole = fs::read(real_library()).unwrap();
    let library = case.path("libonnxruntime.so");
    let mut others = whole.clone();
    // Another processor: in a header of Windows, whose place stands at 60, or in one of ELF.
    if cfg!(windows) {
        let header = usize::from(whole[60]) + (usize::from(whole[61]) << 8);
        others[header + 4..header + 6].copy_from_slice(&0xaa64u16.to_le_bytes());
    } else {
        others[18] = 0xb7;
    }
    let native = cfg!(all(not(target_os = "macos"), target_arch = "x86_64"));
    for (bytes, words) in [
        (&whole[..whole.len() * 2 / 3], "truncated"),
        (&whole[..4096], "truncated"),
        // The first bytes of a library for Windows are a program for DOS, which says nothing of the rest.
        (
            &whole[..if cfg!(windows) { 1024 } else { 100 }],
            "truncated",
        ),
        (&b"<html><body>Sign in"[..], "a web page"),
        (&b""[..], "empty"),
        (&others[..], if native { "aarch64" } else { "" }),
    ] {
        fs::write(&library, bytes).unwrap();
        fails_with(
            &case.with_runtime(&library),
            &["libonnxruntime.so", words, "xtask setup"],
        );
        let ill = output_of(mertscope().arg("doctor").env("ORT_DYLIB_PATH", &library));
        assert_eq!(ill.code, 1, "{ill:?}");
        assert!(
            ill.out.contains(words) && ill.out.contains("missing"),
            "{ill:?}"
        );
    }
}

/// The engine of the plugin and of the app, in a process of its own.
#[test]
fn a_damaged_library_is_a_sentence_in_the_live_engine() {
    const CHILD: &str = "MERTSCOPE_TEST_DAMAGED_LIBRARY";
    if env::var_os(CHILD).is_some() {
        let stream = Live::acquire().open(Settings::default(), Arc::new(Controls::default));
        // Only a deadlock exceeds this limit.
        let end = Instant::now() + Duration::from_secs(120);
        let error = loop {
            if let Some(error) = stream.snapshot().error.clone() {
                break error;
            }
            assert!(Instant::now() < end, "no error came");
            thread::sleep(Duration::from_millis(5));
        };
        assert!(error.contains("libonnxruntime.so"), "{error}");
        assert!(error.contains("truncated"), "{error}");
        return;
    }
    let case = Case::new();
    let whole = fs::read(real_library()).unwrap();
    let library = case.path("libonnxruntime.so");
    fs::write(&library, &whole[..whole.len() * 2 / 3]).unwrap();
    let mut child = Command::new(env::current_exe().unwrap());
    child.args([
        "--exact",
        "a_damaged_library_is_a_sentence_in_the_live_engine",
    ]);
    let ran = output_of(child.env(CHILD, "1").env("ORT_DYLIB_PATH", &library));
    assert!(ran.code == 0 && ran.out.contains("1 passed"), "{ran:?}");
}

/// The loader's own text, and all the libraries that are missing, of which it names one.
#[cfg(target_os = "linux")]
#[test]
fn the_missing_dependencies_of_a_library_are_named() {
    let case = Case::new();
    let compile = |name: &str, code: &str, with: &[&str]| {
        let (source, library) = (case.path("code.c"), case.path(name));
        fs::write(&source, code).unwrap();
        let mut compiler = Command::new("cc");
        compiler.args([
            "-shared",
            "-fPIC",
            "-Wl,--no-as-needed",
            "-Wl,-rpath,$ORIGIN",
            "-o",
        ]);
        compiler.arg(&library).arg(&source).args(with);
        compiler.arg(format!("-L{}", case.folder.path().display()));
        assert!(compiler.status().unwrap().success());
        library
    };
    let entry = "const void *OrtGetApiBase(void) { return 0; }";
    for name in ["libgone1.so", "libgone2.so", "libhere.so"] {
        let with: &[&str] = if name == "libhere.so" {
            &["-lgone2"]
        } else {
            &[]
        };
        compile(name, "", with);
    }
    let library = compile("libonnxruntime.so", entry, &["-lgone1", "-lhere"]);
    fails_with(&case.with_runtime(&library), &["it offers no functions"]);

    // A dependency that is there and truncated ends the process just the same.
    let whole = fs::read(case.path("libgone1.so")).unwrap();
    fs::write(case.path("libgone1.so"), &whole[..whole.len() / 2]).unwrap();
    fails_with(
        &case.with_runtime(&library),
        &["it needs", "libgone1.so", "truncated"],
    );

    fs::remove_file(case.path("libgone1.so")).unwrap();
    fs::remove_file(case.path("libgone2.so")).unwrap();
    let words = [
        "libgone1.so, libgone2.so",
        "cannot open shared object file",
        "LD_LIBRARY_PATH",
    ];
    fails_with(&case.with_runtime(&library), &words);
    let ill = output_of(mertscope().arg("doctor").env("ORT_DYLIB_PATH", &library));
    assert_eq!(ill.code, 1, "{ill:?}");
    assert!(
        words.iter().all(|word| ill.out.contains(word)),
        "{}",
        ill.out
    );

    // A provider's library, which ONNX Runtime loads itself.
    let provider = compile("libonnxruntime_mine.so", "", &["-L.", "-lhere"]);
    let mut doctor = mertscope();
    let told = output_of(
        doctor
            .arg("doctor")
            .env("MERTSCOPE_PROVIDER_LIBRARY", &provider),
    );
    let words = [
        "libonnxruntime_mine.so",
        "it needs libgone2.so",
        "LD_LIBRARY_PATH",
    ];
    assert!(
        words.iter().all(|word| told.out.contains(word)),
        "{}",
        told.out
    );
    let whole = fs::read(&provider).unwrap();
    fs::write(&provider, &whole[..whole.len() / 2]).unwrap();
    let mut doctor = mertscope();
    let told = output_of(
        doctor
            .arg("doctor")
            .env("MERTSCOPE_PROVIDER_LIBRARY", &provider),
    );
    let words = ["libonnxruntime_mine.so is not loaded", "truncated"];
    assert!(
        words.iter().all(|word| told.out.contains(word)),
        "{}",
        told.out
    );
}

#[cfg(unix)]
#[test]
fn a_foreign_old_or_lying_library_is_refused() {
    let case = Case::new();
    let other = case.library("int answer(void) { return 42; }");
    fails_with(
        &case.with_runtime(&other),
        &["libfake.so", "not ONNX Runtime"],
    );
    let runtime = |version: &str| {
        format!(
            "struct base {{ const void *(*api)(unsigned); const char *(*version)(void); }};
             static const void *api(unsigned v) {{ return 0; }}
             static const char *version(void) {{ return \"{version}\"; }}
             static struct base base = {{ api, version }};
             const struct base *OrtGetApiBase(void) {{ return &base; }}"
        )
    };
    let old = case.library(&runtime("1.20.1"));
    fails_with(
        &case.with_runtime(&old),
        &["1.20.1", "1.24", "cargo xtask setup"],
    );
    let lying = case.library(&runtime("1.31.1"));
    let output = case.with_runtime(&lying);
    assert_eq!(output.code, 1, "{output:?}");
    assert!(output.err.contains("libfake.so"), "{}", output.err);
}

#[test]
fn doctor_lists_missing_and_present_parts() {
    let healthy = output_of(mertscope().arg("doctor"));
    assert_eq!(healthy.code, 0, "{healthy:?}");
    for word in ["is used", "embedded", "genre", "key", "Everything"] {
        assert!(
            healthy.out.contains(word),
            "“{word}” is missing in: {}",
            healthy.out
        );
    }
    let ill = output_of(
        mertscope()
            .arg("doctor")
            .env("ORT_DYLIB_PATH", "/nonexistent.so"),
    );
    assert_eq!(ill.code, 1);
    assert!(
        ill.out.contains("/nonexistent.so") && ill.out.contains("missing"),
        "{}",
        ill.out
    );
}

#[test]
fn a_swapped_or_truncated_model_is_refused() {
    let case = Case::new();
    let model = case.model();
    assert_eq!(case.with_model(&model).code, 0);
    let onnx = model.join("encoder.onnx");
    let bytes = fs::read(&onnx).unwrap();
    fs::write(&onnx, &bytes[..bytes.len() / 2]).unwrap();
    fails_with(&case.with_model(&model), &["encoder.onnx", "SHA-256"]);
    fs::copy(repository("tests/fixtures/tiny/tiny.onnx"), &onnx).unwrap();
    fails_with(&case.with_model(&model), &["encoder.onnx", "SHA-256"]);
    fs::remove_file(&onnx).unwrap();
    fails_with(&case.with_model(&model), &["encoder.onnx", "can't be read"]);
    fails_with(
        &case.with_model(&case.path("gone")),
        &["gone", "models list"],
    );
}

#[test]
fn a_graph_that_contradicts_its_manifest_is_refused() {
    let case = Case::new();
    let model = case.model();
    let manifest = fs::read_to_string(model.join("manifest.toml")).unwrap();
    for (from, to, named) in [
        ("input = \"waveform\"", "input = \"audio\"", "audio"),
        ("pooled = [\"hidden\"]", "pooled = [\"states\"]", "states"),
        (
            "window_samples = 80000",
            "window_samples = 81000",
            "ONNX Runtime",
        ),
    ] {
        assert!(manifest.contains(from));
        fs::write(model.join("manifest.toml"), manifest.replace(from, to)).unwrap();
        fails_with(&case.with_model(&model), &["embedded", named]);
    }
    // A file that is not a graph, with the right hash.
    let onnx = b"this is no graph";
    fs::write(model.join("encoder.onnx"), onnx).unwrap();
    let hash = mertscope_model::sha256(onnx);
    let original = mertscope_model::Model::embedded()
        .unwrap()
        .manifest
        .graph
        .sha256;
    let (encoder, heads) = manifest.split_once("[[heads]]").unwrap();
    assert!(!heads.is_empty());
    fs::write(
        model.join("manifest.toml"),
        encoder.replace(&original, &hash),
    )
    .unwrap();
    fails_with(&case.with_model(&model), &["can't be loaded"]);
}

#[test]
fn models_are_listed() {
    let list = output_of(mertscope().args(["models", "list"]));
    assert_eq!(list.code, 0);
    for word in [
        "embedded",
        "16000 Hz",
        "7 layers",
        "ISC",
        "genre: 10 labels",
        "key: 24 labels",
    ] {
        assert!(
            list.out.contains(word),
            "“{word}” is missing in: {}",
            list.out
        );
    }
}

/// A message that holds the system's error is not followed by that error again.
#[test]
fn the_system_s_error_is_printed_once() {
    let case = Case::new();
    let model = case.model();
    fs::remove_file(model.join("encoder.onnx")).unwrap();
    let missing = case.with_model(&model);
    fails_with(&missing, &["encoder.onnx", "fetch or copy the model again"]);
    assert_eq!(missing.err.matches("os error 2").count(), 1, "{missing:?}");
}
