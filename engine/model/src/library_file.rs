//! The file of a shared library, looked at before the system's loader maps it into this process. The
//! loader trusts the file's own table of extents: a file that ends before them ends the process at the
//! first touch of a missing page, with a signal and without a sentence.
//!
//! Only headers and tables are read. Deliberately not here: loading (`runtime`, `device/library`).

mod dependencies;

use std::collections::HashSet;
use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use object::read::macho::{FatArch, MachOFatFile32, MachOFatFile64};
use object::read::{FileKind, NameOrOrdinal, ReadCache, ReadRef};
use object::{Architecture, BinaryFormat, Object, ObjectKind, ObjectSegment};

pub(crate) use dependencies::{Loader, missing, remedy};

use crate::stand_in;

/// What a library's tables say about loading it.
#[derive(Debug, Default)]
struct LibraryFile {
    /// The names of the libraries that it needs.
    needed: Vec<String>,
    /// The folders in which it wants them searched.
    folders: Vec<PathBuf>,
    /// The names of its functions; empty when it has no table of them.
    exports: HashSet<Vec<u8>>,
}

/// Checks that the file at `path` is a whole library for this system and processor, and so are the
/// libraries that it needs, as far as they are found. The error is a phrase.
pub(crate) fn check(path: &Path) -> Result<(), String> {
    let file = LibraryFile::read(path)?;
    dependencies::check(path, &file)
}

/// Whether the library has a function of this name, as far as it says.
pub(crate) fn may_have(path: &Path, function: &str) -> bool {
    LibraryFile::read(path)
        .is_ok_and(|file| file.exports.is_empty() || file.exports.contains(function.as_bytes()))
}

/// The system loader's own text about `path`, which the error holds as its source.
pub(crate) fn loader_text(path: &Path, error: &libloading::Error) -> String {
    let text = error
        .source()
        .map_or_else(|| error.to_string(), ToString::to_string);
    let own_name = format!("{}: ", path.display());
    text.trim_start_matches(&own_name).to_owned()
}

impl LibraryFile {
    fn read(path: &Path) -> Result<Self, String> {
        // Windows can't open a folder as a file, and says only that access is denied.
        if path.is_dir() {
            return Err("it is not a file".to_owned());
        }
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
        let (metadata, file) = opened.map_err(|error| format!("it can't be read ({error})"))?;
        if !metadata.is_file() {
            return Err("it is not a file".to_owned());
        }
        let cache = ReadCache::new(file);
        let kind = FileKind::parse(&cache);
        match kind {
            Ok(FileKind::MachOFat32) => {
                let fat = MachOFatFile32::parse(&cache).map_err(damaged)?;
                Self::of_slices(path, &cache, fat.arches(), metadata.len())
            }
            Ok(FileKind::MachOFat64) => {
                let fat = MachOFatFile64::parse(&cache).map_err(damaged)?;
                Self::of_slices(path, &cache, fat.arches(), metadata.len())
            }
            Ok(FileKind::Elf32 | FileKind::Elf64 | FileKind::MachO32 | FileKind::MachO64)
            | Ok(FileKind::Pe32 | FileKind::Pe64) => Self::parse(path, &cache, metadata.len()),
            _ => Err(no_library(path)),
        }
    }

    /// The part for this processor of a file for several.
    fn of_slices<A: FatArch>(
        path: &Path,
        cache: &ReadCache<File>,
        slices: &[A],
        length: u64,
    ) -> Result<Self, String> {
        let own = slices
            .iter()
            .find(|slice| Some(slice.architecture()) == own_architecture());
        let slice = own.ok_or("it is for other processors than this one")?;
        let (start, size) = slice.file_range();
        if start.checked_add(size).is_none_or(|end| end > length) {
            return Err(truncated(length));
        }
        Self::parse(path, cache.range(start, size), size)
    }

    fn parse<'data, R: ReadRef<'data>>(path: &Path, data: R, length: u64) -> Result<Self, String> {
        let file = object::File::parse(data).map_err(damaged)?;
        let format = file.format();
        if format != own_format() {
            let system = match format {
                BinaryFormat::Elf => "Linux",
                BinaryFormat::MachO => "macOS",
                _ => "Windows",
            };
            return Err(format!("it is a file for {system}, not for this system"));
        }
        let architecture = file.architecture();
        if own_architecture().is_some_and(|own| own != architecture) {
            return Err(format!(
                "it is for {} processors, and this Mertscope is for {}",
                format!("{architecture:?}").to_lowercase(),
                std::env::consts::ARCH
            ));
        }
        if file.kind() != ObjectKind::Dynamic {
            return Err("it is no shared library, but another kind of program file".to_owned());
        }
        for segment in file.segments() {
            let (start, size) = segment.file_range();
            if start.checked_add(size).is_none_or(|end| end > length) {
                return Err(truncated(length));
            }
        }
        let libraries = file.import_libraries().map_err(damaged)?;
        let needed = libraries
            .flatten()
            .map(|library| String::from_utf8_lossy(library.name()).into_owned());
        let exports = file.exports().map_err(damaged)?;
        Ok(Self {
            needed: needed.collect(),
            folders: dependencies::folders(path, &file),
            exports: exports
                .flatten()
                .filter_map(|export| match export.name() {
                    // On macOS the names of C functions begin with an underscore.
                    NameOrOrdinal::Name(name) => {
                        Some(name.strip_prefix(b"_").unwrap_or(name).to_vec())
                    }
                    NameOrOrdinal::Ordinal(_) => None,
                })
                .collect(),
        })
    }
}

/// The format of this system's libraries.
fn own_format() -> BinaryFormat {
    if cfg!(windows) {
        BinaryFormat::Pe
    } else {
        BinaryFormat::native_object()
    }
}

/// This program's processor; `None` for one that is not told apart here.
fn own_architecture() -> Option<Architecture> {
    match std::env::consts::ARCH {
        "x86_64" => Some(Architecture::X86_64),
        "aarch64" => Some(Architecture::Aarch64),
        _ => None,
    }
}

fn truncated(length: u64) -> String {
    format!("it is truncated: it ends after {length} bytes, and its own tables name more")
}

fn damaged(error: object::Error) -> String {
    format!("it is truncated or damaged ({error})")
}

/// The phrase for a file that is none of the formats.
fn no_library(path: &Path) -> String {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(512).read_to_end(&mut start));
    let is = |magic: &[u8]| start.starts_with(magic);
    let what = match (read, stand_in::of(&start)) {
        (Ok(0), _) => "empty",
        (_, Some(stand_in)) => return format!("it is {stand_in} instead of a library"),
        _ if is(b"PK\x03\x04") || is(b"\x1f\x8b") || is(b"\xfd7zXZ") => {
            "an archive, which has to be unpacked first"
        }
        _ if is(b"!<arch>") => "a static library, and a shared one is needed",
        _ => "no shared library",
    };
    format!("it is {what}")
}

#[cfg(test)]
mod tests;
