//! The libraries that a library needs, searched on Linux and Windows as the system's loader does, without
//! loading any. The loader itself names only the first one that it misses, on Windows none.

use std::collections::HashSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use object::elf;
use object::read::ReadRef;

use super::LibraryFile;

/// The folders of the loader's own list. On a system that keeps its libraries elsewhere, its
/// configuration names them.
const USUAL: [&str; 4] = ["/lib64", "/usr/lib64", "/lib", "/usr/lib"];

/// The environment variable with the folders in which the system searches libraries.
const SEARCH_VARIABLE: &str = if cfg!(target_os = "macos") {
    "DYLD_LIBRARY_PATH"
} else {
    "LD_LIBRARY_PATH"
};

/// The loading code, on which Windows' search for what a library needs depends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loader {
    /// Ours, which leaves the `PATH` alone.
    Mertscope,
    /// That of ONNX Runtime, for the libraries of its providers.
    OnnxRuntime,
}

/// What to do about libraries that are missing, without a full stop.
pub(crate) fn remedy(missing: &[String]) -> String {
    let is_visual_cpp = |name: &String| {
        let name = name.to_lowercase();
        ["msvcp140", "vcruntime140", "concrt140"]
            .iter()
            .any(|start| name.starts_with(start))
    };
    if missing.iter().any(is_visual_cpp) {
        return "Install Microsoft's Visual C++ Redistributable for x64".to_owned();
    }
    let is_nvidia = |name: &String| {
        [
            "libcu", "libnv", "cudart", "cublas", "cudnn", "cufft", "nvinfer",
        ]
        .iter()
        .any(|start| name.starts_with(start))
    };
    let holder = if missing.iter().any(is_nvidia) {
        "what holds that (CUDA 13 and cuDNN 9, for TensorRT also TensorRT 10)"
    } else {
        "what holds that"
    };
    if cfg!(windows) {
        format!("Install {holder}, or put it into the library's folder")
    } else {
        format!("Install {holder}, or name its folder in {SEARCH_VARIABLE}")
    }
}

/// Checks every library that is found among those that `library` needs, and that these need.
pub(super) fn check(library: &Path, file: &LibraryFile) -> Result<(), String> {
    walk(library, file, Loader::Mertscope).map(|_| ())
}

/// The names of the libraries that `library` or one of its dependencies needs, and that this search does
/// not find; none on macOS.
pub(crate) fn missing(library: &Path, loader: Loader) -> Vec<String> {
    let file = LibraryFile::read(library);
    file.and_then(|file| walk(library, &file, loader))
        .unwrap_or_default()
}

/// Follows all dependencies, and returns the missing ones. The error is a phrase on one that is
/// broken.
fn walk(library: &Path, file: &LibraryFile, loader: Loader) -> Result<Vec<String>, String> {
    let mut missing = Vec::new();
    let own = library.parent().map(Path::to_owned);
    let general: Vec<PathBuf> = if cfg!(windows) {
        own.into_iter().chain(windows_folders(loader)).collect()
    } else if cfg!(target_os = "linux") {
        // A library may have loaded others from its own folder before.
        general_folders().into_iter().chain(own).collect()
    } else {
        return Ok(missing);
    };
    let mut seen = HashSet::new();
    let mut waiting = vec![(file.needed.clone(), file.folders.clone())];
    while let Some((needed, folders)) = waiting.pop() {
        for name in needed {
            if is_api_set(&name) || !seen.insert(name.to_lowercase()) {
                continue;
            }
            let places = folders.iter().chain(&general);
            match find(&name, places)? {
                Some(found) => waiting.push((found.needed, found.folders)),
                None => missing.push(name),
            }
        }
    }
    missing.sort();
    Ok(missing)
}

/// The first library of this name that can be loaded; the error is that of a broken one without another.
fn find<'a>(
    name: &str,
    places: impl Iterator<Item = &'a PathBuf>,
) -> Result<Option<LibraryFile>, String> {
    let mut broken = None;
    for path in places.map(|folder| folder.join(name)) {
        if !path.is_file() {
            continue;
        }
        if cfg!(windows) && path.parent() == system_folder().as_deref() {
            // The system's own, whole by its own care.
            return Ok(Some(LibraryFile::default()));
        }
        match LibraryFile::read(&path) {
            Ok(file) => return Ok(Some(file)),
            // As the loader does with those for another processor.
            Err(reason) => broken = broken.or(Some((path, reason))),
        }
    }
    broken.map_or(Ok(None), |(path, reason)| {
        Err(format!("it needs {}, of which {reason}", path.display()))
    })
}

/// The folders that an ELF file names for its own dependencies (`DT_RUNPATH`, `DT_RPATH`).
pub(super) fn folders<'data, R: ReadRef<'data>>(
    path: &Path,
    file: &object::File<'data, R>,
) -> Vec<PathBuf> {
    let object::File::Elf64(file) = file else {
        return Vec::new();
    };
    let Ok(table) = file.elf_dynamic_table() else {
        return Vec::new();
    };
    let origin = path.parent().unwrap_or(Path::new("")).to_string_lossy();
    let lists = table
        .iter()
        .filter(|entry| [elf::DT_RUNPATH, elf::DT_RPATH].contains(&entry.tag));
    lists
        .filter_map(|entry| table.string(entry).ok())
        .flat_map(|list| {
            let list = String::from_utf8_lossy(list);
            let list = list.replace("${ORIGIN}", &origin);
            let list = list.replace("$ORIGIN", &origin);
            list.split(':').map(PathBuf::from).collect::<Vec<_>>()
        })
        .collect()
}

/// Whether a name stands for functions of Windows, and for no file.
fn is_api_set(name: &str) -> bool {
    let name = name.to_lowercase();
    name.starts_with("api-ms-") || name.starts_with("ext-ms-")
}

/// Windows' folder with the libraries of the system.
fn system_folder() -> Option<PathBuf> {
    Some(PathBuf::from(env::var_os("SystemRoot")?).join("System32"))
}

/// The folders in which Windows searches after the library's own.
fn windows_folders(loader: Loader) -> Vec<PathBuf> {
    let program = env::current_exe().ok();
    let program = program.and_then(|program| Some(program.parent()?.to_owned()));
    let path = env::var_os("PATH").filter(|_| loader == Loader::OnnxRuntime);
    let named = path.iter().flat_map(env::split_paths);
    program
        .into_iter()
        .chain(system_folder())
        .chain(named)
        .collect()
}

/// The folders in which Linux' loader searches every library.
fn general_folders() -> Vec<PathBuf> {
    let named = env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let mut all: Vec<PathBuf> = env::split_paths(&named)
        .filter(|path| !path.as_os_str().is_empty())
        .collect();
    let lists = fs::read_dir("/etc/ld.so.conf.d").into_iter().flatten();
    let lists = lists.flatten().map(|entry| entry.path());
    for list in lists.chain([PathBuf::from("/etc/ld.so.conf")]) {
        let text = fs::read_to_string(list).unwrap_or_default();
        let folders = text.lines().map(str::trim);
        all.extend(
            folders
                .filter(|line| line.starts_with('/'))
                .map(PathBuf::from),
        );
    }
    all.extend(USUAL.map(PathBuf::from));
    let architecture = env::consts::ARCH;
    all.extend(USUAL.map(|folder| Path::new(folder).join(format!("{architecture}-linux-gnu"))));
    all
}
