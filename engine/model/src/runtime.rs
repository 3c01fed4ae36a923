//! Finding and loading ONNX Runtime: one shared library, one environment per process.
//!
//! The library is looked for in this order, and the first that is there is taken:
//!
//! 1. the file that the environment variable `ORT_DYLIB_PATH` names;
//! 2. the user's data folder, `mertscope/onnxruntime/<version>-gpu/`: whoever installed the GPU
//!    build wants it, also in place of the CPU build that a bundle carries;
//! 3. the folder of the program or plugin itself (what a bundle carries), then the folder
//!    `Mertscope` in it: a CLAP plugin is a single file, whose belongings lie in that folder;
//! 4. the user's data folder, `mertscope/onnxruntime/<version>-cpu/` (what the set-up installs).
//!
//! A GPU build that can't be loaded is passed over, with the reason kept. Any other library that is
//! there but can't be used is an error that names it; the search does not go on silently to
//! another. Nothing here panics, and a failed attempt can be made again.
//!
//! `ort` allows one environment per process, ever, and its own logger would outlive a plugin's
//! code: so one environment without callbacks is made and leaked on purpose.

use std::ffi::CStr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::environment::Environment;
use serde::Deserialize;

/// A loaded ONNX Runtime.
#[derive(Debug)]
pub struct Runtime {
    /// The library's absolute path.
    pub library: PathBuf,
    /// What it says its version is, such as `1.31.1`.
    pub version: String,
    /// The GPU build that was found first, and why it is not used.
    pub passed_over: Option<RuntimeError>,
    pub(super) environment: Environment,
}

/// Why ONNX Runtime can't be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RuntimeError {
    /// There is none at any of the places.
    #[error(
        "ONNX Runtime is not installed: there is no {}. Install it with `cargo xtask setup`, or \
         point ORT_DYLIB_PATH at the library.",
        list(searched)
    )]
    Missing {
        /// The files that were looked for.
        searched: Vec<PathBuf>,
    },
    /// The file is no library for this machine.
    #[error(
        "{} can't be loaded as ONNX Runtime: {reason}. Install it again with `cargo xtask setup`, \
         or point ORT_DYLIB_PATH at a working library.", library.display()
    )]
    Broken {
        /// The file.
        library: PathBuf,
        /// What the system or the library said.
        reason: String,
    },
    /// The library is older than the functions we call.
    #[error(
        "{} is ONNX Runtime {version}, but {oldest} or newer is needed. Install it with \
         `cargo xtask setup`, or point ORT_DYLIB_PATH at a newer library.", library.display()
    )]
    TooOld {
        /// The file.
        library: PathBuf,
        /// Its version.
        version: String,
        /// The oldest that would do.
        oldest: String,
    },
    /// Anyone on this machine could have put it there.
    #[error(
        "{} is not loaded, because every user of this machine may change it or its folder. Take \
         the write permission of others away (chmod o-w).", library.display()
    )]
    WorldWritable {
        /// The file.
        library: PathBuf,
    },
}

fn list(paths: &[PathBuf]) -> String {
    let paths: Vec<_> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    paths.join(", no ")
}

/// The part of `assets/onnxruntime.toml` that matters at run time; the set-up reads the rest.
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

    /// The folder in which the set-up puts a build of this kind.
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

/// The user's folder for what Mertscope keeps: `~/.local/share/mertscope` on Linux.
#[must_use]
pub fn data_folder() -> Option<PathBuf> {
    Some(dirs::data_local_dir()?.join("mertscope"))
}

/// The folder beside a CLAP plugin with what it needs; `cargo xtask bundle` makes it.
const BELONGINGS: &str = "Mertscope";

/// The files that are looked for, in this order. `beside` is the folder of the program or plugin.
///
/// # Errors
/// Only if the build's own list of pinned versions can't be read.
pub fn candidates(beside: Option<&Path>) -> Result<Vec<PathBuf>, RuntimeError> {
    if let Some(path) = std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()) {
        // Asked for by name: nothing else will do.
        return Ok(vec![PathBuf::from(path)]);
    }
    let pins = Pins::read()?;
    let beside = beside
        .into_iter()
        .flat_map(|folder| [folder.to_owned(), folder.join(BELONGINGS)]);
    let folders = pins
        .installed("gpu")
        .into_iter()
        .chain(beside)
        .chain(pins.installed("cpu"));
    Ok(folders.map(|folder| folder.join(pins.library())).collect())
}

static LOADED: Mutex<Option<&'static Runtime>> = Mutex::new(None);

/// The process's ONNX Runtime, if it has been loaded.
#[must_use]
pub fn loaded() -> Option<&'static Runtime> {
    *LOADED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The process's ONNX Runtime, loaded on the first call. `beside` is the folder of the program
/// or plugin.
///
/// # Errors
/// [`RuntimeError`]; the next call tries again.
pub fn load(beside: Option<&Path>) -> Result<&'static Runtime, RuntimeError> {
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = *loaded {
        return Ok(runtime);
    }
    let runtime: &'static Runtime = Box::leak(Box::new(first(candidates(beside)?)?));
    *loaded = Some(runtime);
    Ok(runtime)
}

/// The first of these libraries that is there; a GPU build only if it can be used.
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
    let library = library
        .canonicalize()
        .map_err(|error| broken(error.to_string()))?;
    if world_writable(&library) {
        return Err(RuntimeError::WorldWritable { library });
    }
    refuse_telemetry();
    let version = version(&library).map_err(&broken)?;
    let oldest = Pins::read()?.oldest;
    if numbers(&version) < numbers(&oldest) {
        return Err(RuntimeError::TooOld {
            library,
            version,
            oldest,
        });
    }
    // A library may promise a version and still break the promise; `ort` panics on that.
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
    // What it logs as an error it also returns, and that is shown once, where it belongs.
    environment.set_log_level(ort::logging::LogLevel::Fatal);
    Ok(Runtime {
        library,
        version,
        passed_over: None,
        environment,
    })
}

/// Has ONNX Runtime send nothing about this machine. Its published builds report each process to their
/// maker, and keep an identifier and a queue in the user's cache folder, unless this variable is there
/// before they start (its `docs/Privacy.md`, since 1.29); what `with_telemetry` does comes too late for
/// the first report.
fn refuse_telemetry() {
    const SWITCH: &str = "ORT_DISABLE_TELEMETRY";
    if std::env::var_os(SWITCH).is_none_or(|value| value != "1") {
        // SAFETY: this happens once in a process, under the lock of `load`, and no other code of ours
        // changes the environment. What a host's threads read at the same moment through C is safe on
        // Windows and macOS, which lock; elsewhere C libraries keep the old list whole unless someone
        // had added to it, and then the list is copied within microseconds. A report to a stranger
        // about each of a musician's sessions is the greater harm, and there is no other switch.
        unsafe { std::env::set_var(SWITCH, "1") };
    }
}

/// Asks the library for its version before anything else in it is used.
fn version(library: &Path) -> Result<String, String> {
    // SAFETY: loading runs the library's initialisers; it is the file that the user or the set-up
    // chose, and that nobody else can change. It is unloaded only after the version was copied.
    let library =
        unsafe { libloading::Library::new(library) }.map_err(|error| error.to_string())?;
    // SAFETY: `OrtGetApiBase` has this signature in every release of ONNX Runtime.
    let base: libloading::Symbol<unsafe extern "C" fn() -> *const ort::sys::OrtApiBase> =
        unsafe { library.get(b"OrtGetApiBase") }
            .map_err(|_| "it is a library, but not ONNX Runtime".to_owned())?;
    // SAFETY: the function takes nothing and returns a pointer to a static table, or null.
    let base = unsafe { base().as_ref() }.ok_or("it offers no functions")?;
    // SAFETY: the returned text is static, null-terminated, and copied before the library goes.
    let version = unsafe { CStr::from_ptr((base.GetVersionString)()) };
    Ok(version.to_string_lossy().into_owned())
}

/// `1.31.1` as numbers that compare; what is no number counts as zero.
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
    fn a_gpu_build_that_was_installed_comes_before_what_a_bundle_carries() {
        if std::env::var_os("ORT_DYLIB_PATH").is_some() {
            return;
        }
        let paths = candidates(Some(Path::new("/bundle"))).unwrap();
        let folders: Vec<_> = paths
            .iter()
            .map(|path| path.parent().unwrap().to_string_lossy())
            .collect();
        let [gpu, beside, belongings, cpu] = &folders[..] else {
            panic!("{folders:?}");
        };
        assert!(
            gpu.ends_with("-gpu") && cpu.ends_with("-cpu"),
            "{folders:?}"
        );
        assert_eq!((&**beside, &**belongings), ("/bundle", "/bundle/Mertscope"));
    }

    #[test]
    fn what_is_no_library_is_named() {
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
