//! Provider libraries, each with an execution provider of its own: found in the user's data folder or
//! named by the user, and registered with ONNX Runtime once per process.
//!
//! They are searched in this order:
//!
//! 1. the files that the environment variable `MERTSCOPE_PROVIDER_LIBRARY` names, separated as in
//!    `PATH`;
//! 2. `mertscope/providers/` in the user's data folder, and the folders in it: files named
//!    `libonnxruntime_….so` (`.dylib`, `.dll`).
//!
//! As with ONNX Runtime itself, a library that every user of the machine may change is not loaded. A
//! library stays registered: `ort` can't undo it, and there is no need to.

use std::env::consts::{DLL_EXTENSION, DLL_PREFIX};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::library_file::{self, Loader};
use crate::lock::lock;
use crate::runtime::{Runtime, data_folder, world_writable};

/// Why a provider's library is not used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LibraryError {
    /// There is no such file.
    #[error("There is no provider library {}. Name an existing file, or remove the name from MERTSCOPE_PROVIDER_LIBRARY.", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// Every user of this machine can replace it.
    #[error(
        "{} is not loaded, because every user of this machine may change it or its folder. Remove the write permission of \
         others (chmod o-w).", path.display()
    )]
    WorldWritable {
        /// The file.
        path: PathBuf,
    },
    /// It works, but not with the hardware of this machine.
    #[error("{} finds no hardware here that it would use.", path.display())]
    NoDevice {
        /// The file.
        path: PathBuf,
    },
    /// It can't be loaded as it is.
    #[error("{} is not loaded: {reason}. Install it again.", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// The fault, a phrase.
        reason: String,
    },
    /// ONNX Runtime can't use it.
    #[error(
        "{} can't be used as a provider library: {reason}. Get one made for this version of ONNX Runtime and this machine.",
        path.display()
    )]
    Refused {
        /// The file.
        path: PathBuf,
        /// ONNX Runtime's error.
        reason: String,
    },
}

/// A registered file, its name in ONNX Runtime, and the number of devices that it lists.
struct Registered {
    path: PathBuf,
    name: String,
    devices: usize,
}

static REGISTERED: Mutex<Vec<Registered>> = Mutex::new(Vec::new());

/// Registers the library at `path`, unless it is registered already.
///
/// # Errors
/// [`LibraryError`].
pub fn register(runtime: &Runtime, path: &Path) -> Result<(), LibraryError> {
    let Ok(path) = dunce::canonicalize(path) else {
        return Err(LibraryError::Missing {
            path: path.to_owned(),
        });
    };
    let mut registered = lock(&REGISTERED);
    let devices = match registered.iter().find(|library| library.path == path) {
        Some(library) => library.devices,
        None => {
            let new = load(runtime, &path, &registered)?;
            let devices = new.devices;
            registered.push(new);
            devices
        }
    };
    if devices == 0 {
        return Err(LibraryError::NoDevice { path });
    }
    Ok(())
}

fn load(runtime: &Runtime, path: &Path, others: &[Registered]) -> Result<Registered, LibraryError> {
    let path = path.to_owned();
    if world_writable(&path) {
        return Err(LibraryError::WorldWritable { path });
    }
    library_file::check(&path).map_err(|reason| LibraryError::Broken {
        path: path.clone(),
        reason,
    })?;
    let wanted = name(&path);
    let mut name = wanted.clone();
    let mut number = 1;
    while others.iter().any(|library| library.name == name) {
        number += 1;
        name = format!("{wanted}-{number}");
    }
    let environment = &runtime.environment;
    let before = environment.devices().count();
    environment
        .register_ep_library(name.as_str(), &path)
        .map_err(|error| LibraryError::Refused {
            path: path.clone(),
            reason: with_missing(&path, super::phrase(&error.to_string())),
        })?;
    Ok(Registered {
        devices: environment.devices().count().saturating_sub(before),
        path,
        name,
    })
}

/// The reason why a library can't be used, with the libraries that it needs and the system does not find.
fn with_missing(path: &Path, reason: String) -> String {
    let missing = library_file::missing(path, Loader::OnnxRuntime);
    if missing.is_empty() {
        return reason;
    }
    let remedy = library_file::remedy(&missing);
    let missing = missing.join(", ");
    format!("it needs {missing}, which the system does not find ({reason}). {remedy}")
}

/// Calls `add` to start a provider whose library lies beside ONNX Runtime, once the library is known to
/// be whole. The error is a phrase, with the libraries that are missing.
pub(super) fn built_in<T>(
    runtime: &Runtime,
    provider: &str,
    add: impl FnOnce() -> Result<T, String>,
) -> Result<T, String> {
    let library = beside(runtime, provider);
    // A provider may also be a part of ONNX Runtime's own library.
    for path in [beside(runtime, "shared"), library.clone()] {
        if path.exists() {
            library_file::check(&path)
                .map_err(|reason| format!("{} is not loaded: {reason}", path.display()))?;
        }
    }
    // Short enough that the names of what is missing are not lost with a beginning that is cut.
    add().map_err(|reason| with_missing(&library, super::phrase_within(&reason, 250)))
}

/// What tells one build of a provider from another: the version of ONNX Runtime with size and time of the
/// library of a provider that it has built in, or of all that are registered.
pub(super) fn identity(runtime: &Runtime, built_in: Option<&str>) -> String {
    let paths = match built_in {
        Some(provider) => vec![runtime.library.clone(), beside(runtime, provider)],
        None => {
            let registered = lock(&REGISTERED);
            registered
                .iter()
                .map(|library| library.path.clone())
                .collect()
        }
    };
    let state = |path: &PathBuf| {
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.len(), metadata.modified().ok()?))
    };
    let states: Vec<_> = paths.iter().map(|path| (path, state(path))).collect();
    format!("{} {states:?}", runtime.version)
}

/// The library of a provider that lies beside ONNX Runtime.
fn beside(runtime: &Runtime, name: &str) -> PathBuf {
    let folder = runtime.library.parent().unwrap_or(Path::new(""));
    folder.join(format!(
        "{DLL_PREFIX}onnxruntime_providers_{name}.{DLL_EXTENSION}"
    ))
}

/// Registers all libraries that are found; returns the errors, with the short name of each library.
pub fn register_found(runtime: &Runtime) -> Vec<(String, LibraryError)> {
    let named = named();
    let installed = data_folder().map(|data| installed(&data.join("providers")));
    named
        .into_iter()
        .chain(installed.into_iter().flatten())
        .filter_map(|path| {
            let error = register(runtime, &path).err()?;
            Some((name(&path), error))
        })
        .collect()
}

fn named() -> Vec<PathBuf> {
    let paths = std::env::var_os("MERTSCOPE_PROVIDER_LIBRARY").unwrap_or_default();
    std::env::split_paths(&paths)
        .filter(|path| !path.as_os_str().is_empty())
        .collect()
}

/// The libraries in `folder` and in its folders, in the order of their paths.
fn installed(folder: &Path) -> Vec<PathBuf> {
    let entries = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten();
        entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect()
    };
    let mut libraries: Vec<_> = entries(folder)
        .into_iter()
        .flat_map(|path| {
            if path.is_dir() {
                entries(&path)
            } else {
                vec![path]
            }
        })
        .filter(|path| is_provider(path))
        .collect();
    libraries.sort();
    libraries
}

fn is_provider(path: &Path) -> bool {
    let prefix = format!("{DLL_PREFIX}onnxruntime_");
    let suffix = format!(".{DLL_EXTENSION}");
    path.file_name()
        .and_then(|name| name.to_str())
        .and_then(|name| name.strip_prefix(&prefix)?.strip_suffix(&suffix))
        // The library that built-in providers share is no provider.
        .is_some_and(|name| name != "providers_shared")
}

/// A short name for the provider in a library, such as `openvino` for
/// `libonnxruntime_providers_openvino_plugin.so`.
fn name(path: &Path) -> String {
    let stem = path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    let words = stem
        .split('_')
        .map(|word| {
            word.strip_prefix(DLL_PREFIX)
                .filter(|rest| *rest == "onnxruntime")
                .unwrap_or(word)
        })
        .filter(|word| {
            !matches!(
                *word,
                "" | "onnxruntime" | "providers" | "provider" | "plugin" | "ep"
            )
        });
    let name = words.collect::<Vec<_>>().join("-");
    if name.is_empty() { stem } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_known_by_their_file_names() {
        let file = |stem: &str| PathBuf::from(format!("/x/{DLL_PREFIX}{stem}.{DLL_EXTENSION}"));
        for (stem, named) in [
            ("onnxruntime_providers_openvino_plugin", "openvino"),
            ("onnxruntime_providers_webgpu", "webgpu"),
            ("onnxruntime_ggml", "ggml"),
            ("onnxruntime_providers_nv_tensorrt_rtx", "nv-tensorrt-rtx"),
        ] {
            assert!(is_provider(&file(stem)), "{stem}");
            assert_eq!(name(&file(stem)), named);
        }
        for stem in [
            "onnxruntime_providers_shared",
            "onnxruntime",
            "openvino",
            "tbb",
        ] {
            assert!(!is_provider(&file(stem)), "{stem}");
        }
    }

    #[test]
    fn libraries_are_found_one_folder_deep_and_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| format!("{DLL_PREFIX}onnxruntime_{name}.{DLL_EXTENSION}");
        for path in [
            file("b"),
            format!("a/{}", file("a")),
            format!("a/deep/{}", file("c")),
            "a/notes.txt".to_owned(),
        ] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let found = installed(folder.path());
        let expected = [
            folder.path().join("a").join(file("a")),
            folder.path().join(file("b")),
        ];
        assert_eq!(found, expected);
        assert!(installed(&folder.path().join("gone")).is_empty());
    }

    #[test]
    fn missing_invalid_and_world_writable_libraries_are_refused_by_name() {
        let runtime = crate::runtime::load(None).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("libonnxruntime_nothing.so");
        let error = register(runtime, &path).unwrap_err();
        assert!(matches!(error, LibraryError::Missing { .. }), "{error}");
        fs::write(&path, "no library").unwrap();
        let error = register(runtime, &path).unwrap_err();
        assert!(matches!(error, LibraryError::Broken { .. }), "{error}");
        assert!(
            error.to_string().contains("libonnxruntime_nothing.so"),
            "{error}"
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
            let error = register(runtime, &path).unwrap_err();
            assert!(
                matches!(error, LibraryError::WorldWritable { .. }),
                "{error}"
            );
        }
    }
}
