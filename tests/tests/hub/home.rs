//! A user with nothing installed, and a hub with the models.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mertscope_tests::hub::Hub;
use mertscope_tests::random::Random;
use mertscope_tests::{Said, mertscope, said};
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
    /// A new home, and a hub that has [`ID`] with weights of so many bytes.
    pub(crate) fn with_weights(bytes: usize) -> Self {
        let mut random = Random::new(bytes as u64);
        let weights: Vec<u8> = (0..bytes).map(|_| random.bits() as u8).collect();
        let home = Self {
            folder: tempfile::tempdir().unwrap(),
            hub: Hub::start(),
            weights,
        };
        home.publish(REPO);
        home
    }

    pub(crate) fn new() -> Self {
        Self::with_weights(300_000)
    }

    /// Has the hub offer the same files as another repository too.
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
        self.folder.path().join(name)
    }

    /// The folder of installed models.
    pub(crate) fn models(&self) -> PathBuf {
        // As the command sees it in this home.
        let data = if cfg!(target_os = "macos") {
            self.path("Library/Application Support")
        } else {
            self.path("data")
        };
        data.join("mertscope/models")
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

    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        said(&mut self.models_command(arguments))
    }

    pub(crate) fn fetch(&self) -> Said {
        self.run(&["fetch", ID, "--yes"])
    }

    /// Checks that the model is installed whole, and returns its receipt.
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

    /// What an interrupted fetch left.
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

/// Checks that a command failed with a sentence that holds these words, and nothing else.
pub(crate) fn fails_with(said: &Said, code: i32, words: &[&str]) {
    assert_eq!(said.code, code, "{said:?}");
    assert!(
        said.out.is_empty() && !said.err.contains("panicked"),
        "{said:?}"
    );
    for word in words {
        assert!(
            said.err.contains(word),
            "“{word}” is missing in: {}",
            said.err
        );
    }
}

pub(crate) fn succeeds(said: &Said) {
    assert_eq!(said.code, 0, "{said:?}");
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

/// Has a command end on Ctrl-C: whoever started the tests in the background had it ignored, which is
/// inherited.
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
