//! Loading of ONNX Runtime's library by its absolute path, and the question for its version, before
//! anything else in it is used.

use std::ffi::CStr;
use std::path::Path;

use libloading::Library;

use super::{ENTRY, RuntimeError};
use crate::library_file::{self, Loader};

/// The phrase for another library.
pub(super) const NOT_ONNX_RUNTIME: &str = "it is a library, but not ONNX Runtime";

/// Asks the library at an absolute path for its version.
pub(super) fn version(path: &Path) -> Result<String, RuntimeError> {
    let broken = |reason: &str| RuntimeError::Broken {
        library: path.to_owned(),
        reason: reason.to_owned(),
    };
    let library = load(path).map_err(|error| not_loaded(path, &error))?;
    // SAFETY: `OrtGetApiBase` has this signature in every release of ONNX Runtime.
    let base: libloading::Symbol<unsafe extern "C" fn() -> *const ort::sys::OrtApiBase> =
        unsafe { library.get(ENTRY) }.map_err(|_| broken(NOT_ONNX_RUNTIME))?;
    // SAFETY: the function takes nothing and returns a pointer to a static table, or null.
    let base = unsafe { base().as_ref() }.ok_or_else(|| broken("it offers no functions"))?;
    // SAFETY: the returned text is static, null-terminated, and copied before the library is unloaded.
    let version = unsafe { CStr::from_ptr((base.GetVersionString)()) };
    let version = version.to_string_lossy().into_owned();
    if cfg!(windows) {
        // `ort` loads it again, and would search what it needs elsewhere: it gets this one, as long as it
        // stays loaded.
        std::mem::forget(library);
    }
    Ok(version)
}

#[cfg(not(windows))]
fn load(path: &Path) -> Result<Library, libloading::Error> {
    // SAFETY: loading runs the library's initializers; the user or the set-up chose the file, and
    // nobody else can change it. It is unloaded only after the version was copied.
    unsafe { Library::new(path) }
}

/// The libraries that it needs are searched beside it, beside the program, and among the system's; not
/// in the current folder and on the `PATH`, where any file may lie.
#[cfg(windows)]
fn load(path: &Path) -> Result<Library, libloading::Error> {
    use libloading::os::windows;
    let places =
        windows::LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | windows::LOAD_LIBRARY_SEARCH_DEFAULT_DIRS;
    // SAFETY: as on other systems; the flags are those for an absolute path.
    unsafe { windows::Library::load_with_flags(path, places) }.map(Library::from)
}

/// The error for a library that the system's loader refuses.
fn not_loaded(path: &Path, error: &libloading::Error) -> RuntimeError {
    let (library, reason) = (path.to_owned(), library_file::loader_text(path, error));
    let missing = library_file::missing(path, Loader::Mertscope);
    if missing.is_empty() {
        RuntimeError::Broken { library, reason }
    } else {
        RuntimeError::Dependencies {
            library,
            missing,
            reason,
        }
    }
}
