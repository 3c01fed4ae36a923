//! A missing, broken, old or lying ONNX Runtime, and models that contradict their manifest: each gives
//! a sentence with the remedy and a failing exit code, never a crash.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

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
            "genre.safetensors",
            "key.safetensors",
            "tags-msd.safetensors",
            "tags-mtt.safetensors",
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
    // Without the variable, in a home without an installation.
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
        &["libonnxruntime.so", "can't be loaded"],
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
