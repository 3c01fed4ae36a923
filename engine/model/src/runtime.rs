//! ONNX Runtime: finds and loads the shared library, and holds the process's one environment.
//!
//! The library is searched in this order, and the first one found is used:
//!
//! 1. the file that the environment variable `ORT_DYLIB_PATH` names;
//! 2. the user's data folder, `mertscope/onnxruntime/<version>-gpu/`: a user who installed
//!    the GPU build wants it, also instead of the CPU build in a bundle;
//! 3. the folder of the program or plugin itself (the build in a bundle), then the folder `Mertscope`
//!    in it: a CLAP plugin is a single file, whose other files lie in that folder;
//! 4. the user's data folder, `mertscope/onnxruntime/<version>-cpu/` (the build of the set-up).
//!
//! A GPU build that can't be loaded is passed over, and the reason is kept. Any other library that is
//! found but can't be used is an error that names it; the search does not continue silently. Nothing
//! here panics, and a failed attempt can be repeated.
//!
//! The file is always loaded by its absolute path (`library`): Windows has an ONNX Runtime of its own
//! among the system's files, and finds that by its bare name.
//!
//! `ort` allows one environment per process, ever, and its own logger would outlive a plugin's
//! code: so one environment without callbacks is made, and leaked on purpose.

mod library;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ort::environment::Environment;
use serde::Deserialize;

use crate::library_file;
use crate::lock::lock;

/// A loaded ONNX Runtime.
#[derive(Debug)]
pub struct Runtime {
    /// The library's absolute path.
    pub library: PathBuf,
    /// The version that it states, such as `1.31.1`.
    pub version: String,
    /// The error of a GPU build that was found first and passed over.
    pub passed_over: Option<RuntimeError>,
    pub(super) environment: Environment,
}

/// Why ONNX Runtime can't be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RuntimeError {
    /// It is at none of the places.
    #[error(
        "ONNX Runtime is not installed: there is no {}. Install Mertscope again, which brings it, or in \
         a checkout run `cargo xtask setup`, or point ORT_DYLIB_PATH at the library.",
        list(searched)
    )]
    Missing {
        /// The files that were searched for.
        searched: Vec<PathBuf>,
    },
    /// The file can't be loaded on this machine.
    #[error(
        "{} can't be loaded as ONNX Runtime: {reason}. Install Mertscope again, which brings it, or in a \
         checkout run `cargo xtask setup`, or point ORT_DYLIB_PATH at a working library.",
        library.display()
    )]
    Broken {
        /// The file.
        library: PathBuf,
        /// The system's or the library's error.
        reason: String,
    },
    /// It needs libraries that are not there.
    #[error(
        "{} can't be loaded, because it needs {}, which the system does not find ({reason}). {}.",
        library.display(), missing.join(", "), library_file::remedy(missing)
    )]
    Dependencies {
        /// The file.
        library: PathBuf,
        /// The names of the libraries.
        missing: Vec<String>,
        /// The system's error.
        reason: String,
    },
    /// The library lacks functions that are called here.
    #[error(
        "{} is ONNX Runtime {version}, but {oldest} or newer is needed. Install Mertscope again, which \
         brings it, or in a checkout run `cargo xtask setup`, or point ORT_DYLIB_PATH at a newer library.",
        library.display()
    )]
    TooOld {
        /// The file.
        library: PathBuf,
        /// Its version.
        version: String,
        /// The oldest version that can be used.
        oldest: String,
    },
    /// Every user of this machine can replace it.
    #[error(
        "{} is not loaded, because every user of this machine may change it or its folder. Remove \
         the write permission of others (chmod o-w).", library.display()
    )]
    WorldWritable {
        /// The file.
        library: PathBuf,
    },
}

/// The function of ONNX Runtime through which all others are reached.
const ENTRY: &str = "OrtGetApiBase";

fn list(paths: &[PathBuf]) -> String {
    let paths: Vec<_> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    paths.join(", no ")
}

/// The fields of `assets/onnxruntime.toml` that are used at run time; the set-up reads the others.
#[derive(Deserialize)]
struct Pins {
    version: String,
    oldest: String,
    build: Vec<PinnedBuild>,
}

#[derive(Deserialize)]
struct PinnedBuild {
    os: String,
    arch: String,
    library: String,
}

impl Pins {
    fn read() -> Result<Self, RuntimeError> {
        toml::from_str(mertscope_assets::ONNX_RUNTIME).map_err(|error| RuntimeError::Broken {
            library: "assets/onnxruntime.toml".into(),
            reason: error.message().to_owned(),
        })
    }

    /// The folder of the set-up for a build of this kind.
    fn installed(&self, kind: &str) -> Option<PathBuf> {
        let folder = format!("{}-{kind}", self.version);
        Some(data_folder()?.join("onnxruntime").join(folder))
    }

    /// The library's file name on this machine.
    fn library(&self) -> &str {
        let here = (std::env::consts::OS, std::env::consts::ARCH);
        self.build
            .iter()
            .find(|build| (build.os.as_str(), build.arch.as_str()) == here)
            .map_or("libonnxruntime.so", |build| &build.library)
    }
}

/// The user's folder for Mertscope's data: `~/.local/share/mertscope` on Linux.
#[must_use]
pub fn data_folder() -> Option<PathBuf> {
    Some(dirs::data_local_dir()?.join("mertscope"))
}

/// The folder beside a CLAP plugin with its other files; `cargo xtask bundle` makes it.
const BUNDLE_FOLDER: &str = "Mertscope";

/// The files that are searched for, in order. `beside` is the folder of the program or plugin.
///
/// # Errors
/// Only when the build's own list of pinned versions can't be read.
pub fn candidates(beside: Option<&Path>) -> Result<Vec<PathBuf>, RuntimeError> {
    if let Some(path) = std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()) {
        // Requested by name: no other library is used.
        return Ok(vec![PathBuf::from(path)]);
    }
    let pins = Pins::read()?;
    let beside = beside
        .into_iter()
        .flat_map(|folder| [folder.to_owned(), folder.join(BUNDLE_FOLDER)]);
    let folders = pins
        .installed("gpu")
        .into_iter()
        .chain(beside)
        .chain(pins.installed("cpu"));
    Ok(folders.map(|folder| folder.join(pins.library())).collect())
}

static LOADED: Mutex<Option<&'static Runtime>> = Mutex::new(None);

/// The process's ONNX Runtime, if it is loaded.
#[must_use]
pub fn loaded() -> Option<&'static Runtime> {
    *lock(&LOADED)
}

/// The process's ONNX Runtime, loaded on the first call. `beside` is the folder of the program
/// or plugin.
///
/// # Errors
/// [`RuntimeError`]; the next call tries again.
pub fn load(beside: Option<&Path>) -> Result<&'static Runtime, RuntimeError> {
    let mut loaded = lock(&LOADED);
    if let Some(runtime) = *loaded {
        return Ok(runtime);
    }
    let runtime: &'static Runtime = Box::leak(Box::new(first(candidates(beside)?)?));
    *loaded = Some(runtime);
    Ok(runtime)
}

/// The process's ONNX Runtime, loaded on the first call from the file `library`, for programs that bring one: the
/// Python package runs that of the package `onnxruntime`. Once one is loaded, that one is returned.
///
/// # Errors
/// [`RuntimeError`]; the next call tries again.
pub fn load_file(library: &Path) -> Result<&'static Runtime, RuntimeError> {
    let mut loaded = lock(&LOADED);
    if let Some(runtime) = *loaded {
        return Ok(runtime);
    }
    let runtime: &'static Runtime = Box::leak(Box::new(first(vec![library.to_owned()])?));
    *loaded = Some(runtime);
    Ok(runtime)
}

/// The first of these libraries that exists; a GPU build only when it can be used.
fn first(searched: Vec<PathBuf>) -> Result<Runtime, RuntimeError> {
    let gpu = Pins::read()?.installed("gpu");
    let mut passed_over = None;
    for library in searched.iter().filter(|path| path.exists()) {
        match open(library) {
            Err(error) if gpu.is_some() && library.parent() == gpu.as_deref() => {
                passed_over = Some(error);
            }
            opened => {
                return opened.map(|runtime| Runtime {
                    passed_over,
                    ..runtime
                });
            }
        }
    }
    Err(passed_over.unwrap_or(RuntimeError::Missing { searched }))
}

fn open(library: &Path) -> Result<Runtime, RuntimeError> {
    let broken = |reason: String| RuntimeError::Broken {
        library: library.to_owned(),
        reason,
    };
    let library = dunce::canonicalize(library).map_err(|error| broken(error.to_string()))?;
    if world_writable(&library) {
        return Err(RuntimeError::WorldWritable { library });
    }
    library_file::check(&library).map_err(&broken)?;
    if !library_file::may_have(&library, ENTRY) {
        return Err(broken(library::NOT_ONNX_RUNTIME.to_owned()));
    }
    refuse_telemetry();
    let version = library::version(&library)?;
    let oldest = Pins::read()?.oldest;
    if numbers(&version) < numbers(&oldest) {
        return Err(RuntimeError::TooOld {
            library,
            version,
            oldest,
        });
    }
    // A library may state a version and lack its functions, on which `ort` panics.
    let environment = catch_unwind(AssertUnwindSafe(|| {
        ort::init_from(&library)
            .map_err(|error| error.to_string())?
            .with_name("mertscope")
            .with_telemetry(false)
            .build()
            .map_err(|error| error.to_string())
    }))
    .unwrap_or_else(|_| Err("it does not offer the functions of its version".to_owned()))
    .map_err(&broken)?;
    // Every error that it logs it also returns, and the returned one is shown once.
    environment.set_log_level(ort::logging::LogLevel::Fatal);
    Ok(Runtime {
        library,
        version,
        passed_over: None,
        environment,
    })
}

/// Keeps ONNX Runtime from sending anything about this machine. Its published builds report each
/// process to their maker, and keep an identifier and a queue in the user's cache folder, unless this
/// variable is set before they start (its `docs/Privacy.md`, since 1.29); `with_telemetry` comes too
/// late for the first report.
fn refuse_telemetry() {
    const SWITCH: &str = "ORT_DISABLE_TELEMETRY";
    if std::env::var_os(SWITCH).is_none_or(|value| value != "1") {
        // SAFETY: this happens once per process, under the lock of `load`, and no other code of ours
        // changes the environment. Reads by a host's threads at the same moment through C are safe on
        // Windows and macOS, which lock; elsewhere C libraries keep the old list whole unless someone
        // had added to it, and then the list is copied within microseconds. A report to a stranger
        // about each of a musician's sessions is the greater harm, and there is no other switch.
        unsafe { std::env::set_var(SWITCH, "1") };
    }
}

/// `1.31.1` as numbers that compare; a part that is no number counts as zero.
fn numbers(version: &str) -> Vec<u32> {
    version
        .split('.')
        .map(|part| part.parse().unwrap_or(0))
        .collect()
}

#[cfg(unix)]
pub(super) fn world_writable(library: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    [Some(library), library.parent()]
        .into_iter()
        .flatten()
        .filter_map(|path| path.metadata().ok())
        .any(|metadata| metadata.permissions().mode() & 0o002 != 0)
}

#[cfg(not(unix))]
pub(super) fn world_writable(_library: &Path) -> bool {
    // Windows keeps its program and user folders closed to other users by default.
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert!(numbers("1.9.0") < numbers("1.24.0"));
        assert!(numbers("1.31.1") > numbers("1.24.0"));
        assert!(numbers("nonsense") < numbers("1.0.0"));
    }

    #[test]
    fn an_installed_gpu_build_comes_before_a_bundles_build() {
        if std::env::var_os("ORT_DYLIB_PATH").is_some() {
            return;
        }
        let paths = candidates(Some(Path::new("/bundle"))).unwrap();
        let folders: Vec<_> = paths.iter().map(|path| path.parent().unwrap()).collect();
        let [gpu, beside, bundle_folder, cpu] = &folders[..] else {
            panic!("{folders:?}");
        };
        let is_kind = |folder: &Path, kind| folder.to_string_lossy().ends_with(kind);
        assert!(is_kind(gpu, "-gpu") && is_kind(cpu, "-cpu"), "{folders:?}");
        let bundle = Path::new("/bundle");
        assert_eq!(
            (*beside, *bundle_folder),
            (bundle, &*bundle.join(BUNDLE_FOLDER))
        );
    }

    #[test]
    fn a_file_that_is_no_library_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("libonnxruntime.so");
        std::fs::write(&library, "not a library").unwrap();
        let error = open(&library).unwrap_err();
        assert!(matches!(error, RuntimeError::Broken { .. }));
        let text = error.to_string();
        assert!(
            text.contains("libonnxruntime.so") && text.contains("xtask setup"),
            "{text}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_library_that_anyone_may_change_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("libonnxruntime.so");
        std::fs::write(&library, "not a library").unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        let error = open(&library).unwrap_err();
        assert!(matches!(error, RuntimeError::WorldWritable { .. }));
    }
}
