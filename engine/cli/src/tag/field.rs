//! The key in a file's tag: read, set, and saved with the rest of the tag as it was.
//!
//! ID3's `TKEY` in MP3, WAV and AIFF, `INITIALKEY` in Vorbis comments, `----:com.apple.iTunes:initialkey` in MP4.

use std::borrow::Cow;
use std::fs::File;
use std::io::Cursor;
use std::path::Path;

use lofty::TextEncoding;
use lofty::config::{ParseOptions, ParsingMode, WriteOptions};
use lofty::file::{AudioFile, FileType};
use lofty::flac::FlacFile;
use lofty::id3::v2::{Frame, FrameId, Id3v2Tag, Id3v2Version, TextInformationFrame};
use lofty::iff::aiff::AiffFile;
use lofty::iff::wav::WavFile;
use lofty::mp4::{Atom, AtomData, AtomIdent, Ilst, Mp4File};
use lofty::mpeg::MpegFile;
use lofty::ogg::tag::VorbisComments;
use lofty::ogg::{OpusFile, VorbisFile};
use lofty::probe::Probe;
use lofty::tag::TagExt;

use crate::error_text;

const TKEY: FrameId<'static> = FrameId::Valid(Cow::Borrowed("TKEY"));
const INITIALKEY: &str = "INITIALKEY";
const ITUNES_KEY: AtomIdent<'static> = AtomIdent::Freeform {
    mean: Cow::Borrowed("com.apple.iTunes"),
    name: Cow::Borrowed("initialkey"),
};

/// The tag of a file that can hold a key.
pub(super) enum Tag {
    Id3v2(Id3v2Tag),
    /// With the file, which keeps pictures beside its comments.
    Flac(Box<FlacFile>),
    Vorbis(VorbisComments),
    Mp4(Ilst),
}

impl Tag {
    /// Reads the file's tag; an empty one when it has none.
    ///
    /// # Errors
    /// A sentence that names the file, when its format has no place for a key or the tag can't be read whole.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let name = path.display();
        let unreadable = |error: &dyn std::fmt::Display| {
            format!("{name} can't be read ({error}); check its name and permissions.")
        };
        let mut file = File::open(path).map_err(|error| unreadable(&error))?;
        let probe = Probe::new(std::io::BufReader::new(&mut file));
        let kind = probe
            .guess_file_type()
            .map_err(|error| unreadable(&error))?
            .file_type();
        // Strict, because what a lenient reader passes over would be lost when the tag is written.
        let mut options = ParseOptions::new();
        options.parsing_mode(ParsingMode::Strict);
        options.read_properties(false);
        options.implicit_conversions(false);
        let file =
            &mut std::io::BufReader::new(File::open(path).map_err(|error| unreadable(&error))?);
        let read = match kind {
            Some(FileType::Mpeg) => {
                let mut bytes = without_id3v1(path).map_err(|error| unreadable(&error))?;
                MpegFile::read_from(&mut bytes, options).map(|file| Self::id3v2(file.id3v2()))
            }
            Some(FileType::Wav) => {
                WavFile::read_from(file, options).map(|file| Self::id3v2(file.id3v2()))
            }
            Some(FileType::Aiff) => {
                AiffFile::read_from(file, options).map(|file| Self::id3v2(file.id3v2()))
            }
            Some(FileType::Flac) => {
                FlacFile::read_from(file, options).map(|file| Self::Flac(Box::new(file)))
            }
            Some(FileType::Vorbis) => VorbisFile::read_from(file, options)
                .map(|file| Self::Vorbis(file.vorbis_comments().clone())),
            Some(FileType::Opus) => OpusFile::read_from(file, options)
                .map(|file| Self::Vorbis(file.vorbis_comments().clone())),
            Some(FileType::Mp4) => Mp4File::read_from(file, options)
                .map(|file| Self::Mp4(file.ilst().cloned().unwrap_or_default())),
            _ => {
                return Err(format!(
                    "{name} was left alone: its format has no place for a key that we know. MP3, FLAC, Ogg Vorbis, Opus, \
                     M4A, AIFF and WAV have."
                ));
            }
        };
        read.map_err(|error| {
            let causes = error_text(&error.into());
            format!(
                "{name} was left alone: its tag can't be read whole ({causes}), so writing it could lose something. \
                 Mend the tag with a tag editor."
            )
        })
    }

    fn id3v2(tag: Option<&Id3v2Tag>) -> Self {
        Self::Id3v2(tag.cloned().unwrap_or_default())
    }

    /// The key that is there.
    pub(super) fn key(&self) -> Option<String> {
        let text = match self {
            Self::Id3v2(tag) => tag.get_text(&TKEY),
            Self::Flac(file) => file.vorbis_comments().and_then(|tag| tag.get(INITIALKEY)),
            Self::Vorbis(tag) => tag.get(INITIALKEY),
            Self::Mp4(tag) => tag.get(&ITUNES_KEY).and_then(|atom| {
                atom.data().find_map(|data| match data {
                    AtomData::UTF8(text) | AtomData::UTF16(text) => Some(text.as_str()),
                    _ => None,
                })
            }),
        };
        text.filter(|text| !text.trim().is_empty())
            .map(str::to_owned)
    }

    /// Sets the key, or removes it.
    pub(super) fn set_key(&mut self, key: Option<&str>) {
        match self {
            Self::Id3v2(tag) => {
                drop(tag.remove(&TKEY));
                if let Some(key) = key {
                    let frame =
                        TextInformationFrame::new(TKEY, TextEncoding::Latin1, key.to_owned());
                    tag.insert(Frame::Text(frame));
                }
            }
            Self::Flac(file) => {
                if file.vorbis_comments().is_none() {
                    file.set_vorbis_comments(VorbisComments::new());
                }
                if let Some(tag) = file.vorbis_comments_mut() {
                    set_comment(tag, key);
                }
            }
            Self::Vorbis(tag) => set_comment(tag, key),
            Self::Mp4(tag) => {
                drop(tag.remove(&ITUNES_KEY));
                if let Some(key) = key {
                    tag.insert(Atom::new(ITUNES_KEY, AtomData::UTF8(key.to_owned())));
                }
            }
        }
    }

    /// Writes the tag into the file at `path`, in the version of ID3 that it had.
    ///
    /// # Errors
    /// The library's words.
    pub(super) fn save(&self, path: &Path) -> Result<(), String> {
        let mut options = WriteOptions::new();
        let saved = match self {
            Self::Id3v2(tag) => {
                let old = tag.original_version() != Id3v2Version::V4;
                tag.save_to_path(path, options.use_id3v23(old))
            }
            Self::Flac(file) => file.save_to_path(path, options),
            Self::Vorbis(tag) => tag.save_to_path(path, options),
            Self::Mp4(tag) => tag.save_to_path(path, options),
        };
        saved.map_err(|error| error.to_string())
    }

    /// Everything but the key, for a comparison.
    pub(super) fn rest(&self) -> String {
        match self {
            Self::Id3v2(tag) => {
                let mut rest = tag.clone();
                drop(rest.remove(&TKEY));
                let mut frames: Vec<String> =
                    rest.into_iter().map(|frame| format!("{frame:?}")).collect();
                frames.sort();
                frames.join("\n")
            }
            Self::Flac(file) => {
                use lofty::ogg::OggPictureStorage;
                let comments = file.vorbis_comments().map(comments_without_key);
                format!("{:?} {:?}", comments.unwrap_or_default(), file.pictures())
            }
            Self::Vorbis(tag) => {
                use lofty::ogg::OggPictureStorage;
                format!("{:?} {:?}", comments_without_key(tag), tag.pictures())
            }
            Self::Mp4(tag) => {
                let mut rest = tag.clone();
                drop(rest.remove(&ITUNES_KEY));
                let mut atoms: Vec<String> =
                    rest.into_iter().map(|atom| format!("{atom:?}")).collect();
                atoms.sort();
                atoms.join("\n")
            }
        }
    }
}

/// The file without an ID3v1 tag at its end, which is not written and need not be flawless.
fn without_id3v1(path: &Path) -> std::io::Result<Cursor<Vec<u8>>> {
    const LENGTH: usize = 128;
    let mut bytes = std::fs::read(path)?;
    let start = bytes.len().saturating_sub(LENGTH);
    if bytes[start..].starts_with(b"TAG") {
        bytes.truncate(start);
    }
    Ok(Cursor::new(bytes))
}

/// Sets the comment; the others keep their order, which tells the first of several artists.
fn set_comment(tag: &mut VorbisComments, key: Option<&str>) {
    let comments: Vec<(String, String)> = tag.take_items().collect();
    for (name, value) in comments {
        if !name.eq_ignore_ascii_case(INITIALKEY) {
            tag.push(name, value);
        }
    }
    if let Some(key) = key {
        tag.push(INITIALKEY.to_owned(), key.to_owned());
    }
}

fn comments_without_key(tag: &VorbisComments) -> Vec<(&str, &str)> {
    let items = tag.items();
    items
        .filter(|(name, _)| !name.eq_ignore_ascii_case(INITIALKEY))
        .collect()
}
