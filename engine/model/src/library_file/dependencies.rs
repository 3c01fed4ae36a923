//! The libraries that a library needs, searched on Linux as the system's loader does, without loading
//! any. The loader itself names only the first one that it misses.

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

/// Checks every library that is found among those that `library` needs, and that these need.
pub(super) fn check(library: &Path, file: &LibraryFile) -> Result<(), String> {
    walk(library, file).map(|_| ())
}

/// The names of the libraries that `library` or one of its dependencies needs, and that this search does
/// not find; none on other systems than Linux.
pub(crate) fn missing(library: &Path) -> Vec<String> {
    let file = LibraryFile::read(library);
    file.and_then(|file| walk(library, &file))
        .unwrap_or_default()
}

/// Follows all dependencies, and returns the missing ones. The error is a phrase on one that is
/// broken.
fn walk(library: &Path, file: &LibraryFile) -> Result<Vec<String>, String> {
    let mut missing = Vec::new();
    if !cfg!(target_os = "linux") {
        return Ok(missing);
    }
    let general = general_folders();
    // A library may have loaded others from its own folder before.
    let own = library.parent().map(Path::to_owned);
    let mut seen = HashSet::new();
    let mut waiting = vec![(file.needed.clone(), file.folders.clone())];
    while let Some((needed, folders)) = waiting.pop() {
        for name in needed {
            if !seen.insert(name.clone()) {
                continue;
            }
            let places = folders.iter().chain(&general).chain(&own);
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

/// The folders in which the loader searches every library.
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
