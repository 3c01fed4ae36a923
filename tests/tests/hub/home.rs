//! A user with nothing installed, and a hub with the models.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mertscope_tests::home::{in_home, new_home};
use mertscope_tests::hub::Hub;
use mertscope_tests::random::Random;
use mertscope_tests::{CommandOutput, mertscope, output_of};
use tempfile::TempDir;

/// The model that the tests fetch: none of its lengths is pinned.
pub(crate) const ID: &str = "MERT-v0";
const REPO: &str = "m-a-p/MERT-v0";

pub(crate) struct Home {
    folder: TempDir,
    pub hub: Hub,
    pub weights: Vec<u8>,
}

impl Home {
    /// A new home, and a hub that has [`ID`] with weights of `bytes` bytes.
    pub(crate) fn with_weights(bytes: usize) -> Self {
        let mut random = Random::new(bytes as u64);
        Self::of((0..bytes).map(|_| random.bits() as u8).collect())
    }

    /// A new home, and a hub that has [`ID`] with these weights.
    pub(crate) fn of(weights: Vec<u8>) -> Self {
        let home = Self {
            folder: new_home(),
            hub: Hub::start(),
            weights,
        };
        home.publish(REPO);
        home
    }

    pub(crate) fn new() -> Self {
        Self::with_weights(300_000)
    }

    /// Publishes the same files as another repository of the hub.
    pub(crate) fn publish(&self, repo: &str) {
        let hub = &self.hub;
        hub.publish(repo, "config.json", "{\"model_type\": \"hubert\"}");
        hub.publish(
            repo,
            "preprocessor_config.json",
            "{\"do_normalize\": false}",
        );
        hub.publish(repo, "pytorch_model.bin", self.weights.clone());
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        in_home(self.folder.path(), name)
    }

    /// The folder of installed models.
    pub(crate) fn models(&self) -> PathBuf {
        // The command's data folder in this home.
        let data = if cfg!(target_os = "macos") {
            self.path("Library/Application Support")
        } else {
            self.path("data")
        };
        data.join("mertscope/models")
    }

    /// The files that the command keeps for this user beside ONNX Runtime.
    pub(crate) fn kept(&self) -> Vec<PathBuf> {
        let ours = self.models().with_file_name("");
        let mut files = files_below(&ours);
        files.retain(|file| !file.starts_with(ours.join("onnxruntime")));
        files
    }

    pub(crate) fn model(&self) -> PathBuf {
        self.models().join(ID)
    }

    /// `mertscope models …` in this home.
    pub(crate) fn models_command(&self, arguments: &[&str]) -> Command {
        let mut command = mertscope();
        command.arg("models").args(arguments);
        for name in ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"] {
            command.env_remove(name).env_remove(name.to_lowercase());
        }
        for name in [
            "HF_TOKEN",
            "HF_TOKEN_PATH",
            "HF_HUB_CACHE",
            "HF_HUB_OFFLINE",
        ] {
            command.env_remove(name);
        }
        command
            .env("HOME", self.folder.path())
            .env("XDG_DATA_HOME", self.path("data"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("HF_HOME", self.path("hf"))
            .env("HF_ENDPOINT", self.hub.endpoint())
            .env("HF_HUB_DOWNLOAD_TIMEOUT", "2");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> CommandOutput {
        output_of(&mut self.models_command(arguments))
    }

    pub(crate) fn fetch(&self) -> CommandOutput {
        self.run(&["fetch", ID, "--yes"])
    }

    /// Checks that every file of the model is installed, and returns its receipt.
    pub(crate) fn installed(&self) -> String {
        let bytes = fs::read(self.model().join("pytorch_model.bin")).unwrap();
        assert!(
            bytes == self.weights,
            "the weights are not those of the hub"
        );
        assert_eq!(self.parts(), Vec::<PathBuf>::new());
        let listed = self.run(&["list", "--json"]).json();
        let models = listed["models"].as_array().unwrap();
        let ours = models.iter().find(|model| model["id"] == ID).unwrap();
        assert_eq!(ours["state"], "installed", "{ours}");
        fs::read_to_string(self.model().join("installed.toml")).unwrap()
    }

    /// Checks that the model is not installed.
    pub(crate) fn not_installed(&self) {
        assert!(!self.model().join("installed.toml").exists());
        assert!(!self.model().join("pytorch_model.bin").exists());
    }

    /// The partial file of an interrupted fetch.
    pub(crate) fn parts(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.model()).into_iter().flatten().flatten();
        let paths = entries.map(|entry| entry.path());
        paths
            .filter(|path| path.to_string_lossy().contains(".part"))
            .collect()
    }

    pub(crate) fn part(&self) -> PathBuf {
        self.model().join("pytorch_model.bin.part")
    }
}

/// Checks that a command has printed nothing but a sentence with these words, and has this exit code.
pub(crate) fn fails_with(output: &CommandOutput, code: i32, words: &[&str]) {
    assert_eq!(output.code, code, "{output:?}");
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

pub(crate) fn succeeds(output: &CommandOutput) {
    assert_eq!(output.code, 0, "{output:?}");
}

/// Every file below a folder.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// Makes a command end on Ctrl-C: tests that run in the background ignore it, and children inherit that.
#[cfg(unix)]
pub(crate) fn heed_ctrl_c(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    let heed = || {
        // SAFETY: restoring a signal's default is safe between fork and exec.
        unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) };
        Ok(())
    };
    // SAFETY: the closure allocates nothing and touches no lock.
    unsafe { command.pre_exec(heed) };
}
