//! The source of bytes: a file, which can seek, or a pipe, which can't.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use symphonia::core::io::MediaSource;

use super::{
    error::DecodeError,
    sniff::{HEAD_BYTES, SniffedKind, describe, sniff},
};

/// An opened source at its first byte, and the format that its first bytes announce.
pub(super) struct OpenedSource {
    pub source: Box<dyn MediaSource>,
    pub kind: SniffedKind,
    /// A name for the bytes in case nothing recognizes them.
    pub(crate) looks_like: String,
}

/// How a file may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// With seeking, which finds lengths and an index at the end.
    Seeking,
    /// From start to end only.
    Forward,
}

/// Opens the file at `path`; a named pipe or a device is always read forward.
pub(super) fn open_path(
    path: &Path,
    name: &str,
    access: Access,
) -> Result<OpenedSource, DecodeError> {
    let unreadable = |source| DecodeError::Unreadable {
        name: name.to_owned(),
        source,
    };
    let metadata = fs::metadata(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => DecodeError::Missing {
            path: path.to_owned(),
        },
        _ => unreadable(source),
    })?;
    if metadata.is_dir() {
        return Err(DecodeError::IsFolder {
            path: path.to_owned(),
        });
    }
    let mut file = File::open(path).map_err(unreadable)?;
    if access == Access::Forward || !metadata.is_file() {
        return open_pipe(file, name);
    }
    let head = read_head(&mut file, name)?;
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    Ok(OpenedSource {
        source: Box::new(file),
        kind: sniff(&head),
        looks_like: describe(&head),
    })
}

/// Wraps a reader that can't seek.
pub(super) fn open_pipe(
    mut reader: impl Read + Send + Sync + 'static,
    name: &str,
) -> Result<OpenedSource, DecodeError> {
    let head = read_head(&mut reader, name)?;
    let (kind, looks_like) = (sniff(&head), describe(&head));
    let pipe = Pipe(io::Cursor::new(head).chain(reader));
    Ok(OpenedSource {
        source: Box::new(pipe),
        kind,
        looks_like,
    })
}

fn read_head(reader: &mut impl Read, name: &str) -> Result<Vec<u8>, DecodeError> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    reader
        .take(HEAD_BYTES as u64)
        .read_to_end(&mut head)
        .map_err(|source| DecodeError::Unreadable {
            name: name.to_owned(),
            source,
        })?;
    if head.is_empty() {
        return Err(DecodeError::Empty {
            name: name.to_owned(),
        });
    }
    Ok(head)
}

/// A reader that can only go forward.
struct Pipe<R>(R);

impl<R: Read> Read for Pipe<R> {
    /// Reads again after a signal, which symphonia would treat as a failure.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }
}

impl<R> Seek for Pipe<R> {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Err(io::Error::from(io::ErrorKind::NotSeekable))
    }
}

impl<R: Read + Send + Sync> MediaSource for Pipe<R> {
    fn is_seekable(&self) -> bool {
        false
    }

    fn byte_len(&self) -> Option<u64> {
        None
    }
}
