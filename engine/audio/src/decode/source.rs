//! The source of bytes: a file, which can seek, or a pipe, which can't.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use symphonia::core::io::MediaSource;

use super::{
    error::DecodeError,
    flac::{self, FlacHead},
    mp4::{self, Mp4Track},
    ogg,
    section::Section,
    sniff::{HEAD_BYTES, SniffedKind, describe, sniff},
    tags,
};

/// The end of a pipe that is held back until it is known not to be a tag: more than tags without
/// pictures have.
const HELD_BYTES: usize = 64 * 1024;

/// An opened source at its first byte behind tags, and the format that its first bytes announce.
pub(super) struct OpenedSource {
    pub source: Box<dyn MediaSource>,
    pub kind: SniffedKind,
    /// A name for the bytes in case nothing recognizes them.
    pub(crate) looks_like: String,
    /// What symphonia is not told, or does not tell.
    pub(crate) facts: SourceFacts,
}

/// Facts from a header that symphonia's readers leave out.
#[derive(Debug, Default)]
pub(super) struct SourceFacts {
    /// The rewritten head of a FLAC file.
    pub(crate) flac: Option<FlacHead>,
    /// The track of an MP4 file that is meant to be played.
    pub(crate) mp4_track: Option<Mp4Track>,
    /// Whether it is a file that is read forward because seeking met damage.
    pub(crate) is_damaged: bool,
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
        let mut opened = open_pipe(file, name)?;
        opened.facts.is_damaged = metadata.is_file();
        return Ok(opened);
    }
    let (head, mut start) = read_head(&mut file, name)?;
    let kind = sniff(&head);
    let end = tags::start_of_tail(&mut file, start).map_err(unreadable)?;
    let mut facts = SourceFacts::default();
    let mut rewritten = Vec::new();
    if kind == SniffedKind::Flac {
        file.seek(SeekFrom::Start(start)).map_err(unreadable)?;
        let flac = flac::read(&mut file).map_err(|error| error.named(name))?;
        start += flac.replaced_bytes;
        rewritten.clone_from(&flac.bytes);
        facts.flac = Some(flac);
    }
    if kind == SniffedKind::OggOpus {
        file.seek(SeekFrom::Start(start)).map_err(unreadable)?;
        let replaced_bytes;
        (rewritten, replaced_bytes) = ogg::without_comments(&mut file).map_err(unreadable)?;
        start += replaced_bytes;
    }
    let mut source = Section::new(file, rewritten, start, end).map_err(unreadable)?;
    if matches!(kind, SniffedKind::Mp4 { .. }) {
        // A damaged index is symphonia's to report.
        facts.mp4_track = mp4::default_track(&mut source).unwrap_or_default();
        source.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    }
    Ok(OpenedSource {
        source: Box::new(source),
        kind,
        looks_like: describe(&head),
        facts,
    })
}

/// Wraps a reader that can't seek.
pub(super) fn open_pipe(
    mut reader: impl Read + Send + Sync + 'static,
    name: &str,
) -> Result<OpenedSource, DecodeError> {
    let unreadable = |source| DecodeError::Unreadable {
        name: name.to_owned(),
        source,
    };
    let (mut head, _) = read_head(&mut reader, name)?;
    let (kind, looks_like) = (sniff(&head), describe(&head));
    let mut facts = SourceFacts::default();
    if kind == (SniffedKind::Mp4 { index_last: false }) {
        mp4::read_index(&mut reader, &mut head).map_err(unreadable)?;
        facts.mp4_track = mp4::default_track(&mut io::Cursor::new(&head)).unwrap_or_default();
    }
    let mut rest = io::Cursor::new(head).chain(reader);
    let source: Box<dyn MediaSource> = if kind == SniffedKind::Flac {
        let flac = flac::read(&mut rest).map_err(|error| error.named(name))?;
        let rewritten = io::Cursor::new(flac.bytes.clone()).chain(rest);
        facts.flac = Some(flac);
        Box::new(Pipe(WithoutTail::new(rewritten)))
    } else if kind == SniffedKind::OggOpus {
        let (rewritten, _) = ogg::without_comments(&mut rest).map_err(unreadable)?;
        Box::new(Pipe(io::Cursor::new(rewritten).chain(rest)))
    } else {
        Box::new(Pipe(rest))
    };
    Ok(OpenedSource {
        source,
        kind,
        looks_like,
        facts,
    })
}

/// The first bytes behind tags, and the length of the tags.
fn read_head(reader: &mut impl Read, name: &str) -> Result<(Vec<u8>, u64), DecodeError> {
    let unreadable = |source| DecodeError::Unreadable {
        name: name.to_owned(),
        source,
    };
    let mut head = Vec::with_capacity(HEAD_BYTES);
    fill(reader, &mut head).map_err(unreadable)?;
    if head.is_empty() {
        return Err(DecodeError::Empty {
            name: name.to_owned(),
        });
    }
    let mut start = 0_u64;
    while let Some(bytes) = tags::head_bytes(&head) {
        start = start.saturating_add(bytes);
        let here = head.len().min(usize::try_from(bytes).unwrap_or(usize::MAX));
        head.drain(..here);
        let rest = &mut reader.by_ref().take(bytes - here as u64);
        io::copy(rest, &mut io::sink()).map_err(unreadable)?;
        fill(reader, &mut head).map_err(unreadable)?;
    }
    if head.is_empty() {
        return Err(DecodeError::NoSamples {
            name: name.to_owned(),
        });
    }
    Ok((head, start))
}

/// Reads until `head` has [`HEAD_BYTES`] or the reader has no more.
fn fill(reader: &mut impl Read, head: &mut Vec<u8>) -> io::Result<()> {
    let room = HEAD_BYTES.saturating_sub(head.len());
    reader.take(room as u64).read_to_end(head).map(drop)
}

/// A reader without the tags at its end, which it holds back until it knows that they are some.
struct WithoutTail<R> {
    reader: R,
    held: Vec<u8>,
    /// Bytes of `held` that were handed out.
    given: usize,
    has_ended: bool,
}

impl<R: Read> WithoutTail<R> {
    fn new(reader: R) -> Self {
        Self {
            reader,
            held: Vec::new(),
            given: 0,
            has_ended: false,
        }
    }

    /// Reads on until more than [`HELD_BYTES`] are held, or to the end.
    fn advance(&mut self) -> io::Result<()> {
        self.held.drain(..self.given);
        self.given = 0;
        while !self.has_ended && self.held.len() <= HELD_BYTES {
            let mut more = self.reader.by_ref().take(HELD_BYTES as u64);
            if more.read_to_end(&mut self.held)? == 0 {
                self.has_ended = true;
                let end = tags::start_of_tail(&mut io::Cursor::new(&self.held), 0)?;
                let end = end.and_then(|end| usize::try_from(end).ok());
                self.held.truncate(end.unwrap_or(usize::MAX));
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for WithoutTail<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let ready = |this: &Self| {
            let held = if this.has_ended { 0 } else { HELD_BYTES };
            this.held.len().saturating_sub(this.given + held)
        };
        if ready(self) == 0 {
            self.advance()?;
        }
        let read = ready(self).min(buffer.len());
        buffer[..read].copy_from_slice(&self.held[self.given..self.given + read]);
        self.given += read;
        Ok(read)
    }
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
