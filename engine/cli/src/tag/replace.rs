//! Writes a key into a copy of a file, checks the copy, and puts it in the file's place.

use std::fs::{self, File, TryLockError};
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};

use mertscope_audio::decode::{Block, Decoder};

use super::field::Tag;

/// A file whose key can be written.
pub(super) struct Target {
    /// The file behind any link.
    pub(super) path: PathBuf,
    tag: Tag,
    /// Locked until the end, where the system lets us, so that two programs do not write at once.
    _lock: File,
}

impl Target {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// A sentence that names it, when it can't be written, is in use, or has a tag that can't be read.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let name = path.display();
        let tag = Tag::read(path)?;
        let failed =
            |error| format!("{name} can't be opened ({error}); check its name and permissions.");
        let path = dunce::canonicalize(path).map_err(failed)?;
        let lock = File::open(&path).map_err(failed)?;
        if lock.metadata().map_err(failed)?.permissions().readonly() {
            return Err(format!(
                "{name} was left alone: it is read-only. Allow writing, or tag a copy."
            ));
        }
        if let Err(TryLockError::WouldBlock) = lock.try_lock() {
            return Err(format!(
                "{name} was left alone: another program is using it. Close it there and run the command again."
            ));
        }
        Ok(Self {
            path,
            tag,
            _lock: lock,
        })
    }

    /// The key in its tag.
    pub(super) fn key(&self) -> Option<String> {
        self.tag.key()
    }

    /// Writes `key`, or removes the one that is there. The file is replaced by a copy with the same audio and the same
    /// rest of the tag, or stays as it was; `before` runs when the copy is on disk.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub(super) fn write(
        mut self,
        key: Option<&str>,
        before: impl FnOnce() -> Result<(), String>,
    ) -> Result<(), String> {
        let name = self.path.display().to_string();
        let failed = |error: std::io::Error| {
            format!(
                "{name} is as it was: its new copy can't be written ({error}). Free some space on its disk, or check the \
                 permissions of its folder."
            )
        };
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut copy = tempfile::Builder::new()
            .prefix(".mertscope-")
            .tempfile_in(folder)
            .map_err(failed)?;
        let mut original = File::open(&self.path).map_err(failed)?;
        std::io::copy(&mut original, copy.as_file_mut()).map_err(failed)?;
        let rest = self.tag.rest();
        self.tag.set_key(key);
        let not_kept = |why: &str| {
            format!("{name} is as it was: {why}. Please report it, with the file if you may.")
        };
        self.tag.save(copy.path()).map_err(|error| {
            format!("{name} is as it was: its tag can't be written ({error}). Free some space, or mend the tag first.")
        })?;
        let written = Tag::read(copy.path())?;
        if written.key().as_deref() != key || written.rest() != rest {
            return Err(not_kept(
                "writing the key would change other parts of its tag",
            ));
        }
        if audio_digest(&self.path) != audio_digest(copy.path()) {
            return Err(not_kept("writing the key would change its audio"));
        }
        let permissions = fs::metadata(&self.path).map_err(failed)?.permissions();
        copy.as_file()
            .set_permissions(permissions)
            .map_err(failed)?;
        copy.as_file().sync_all().map_err(failed)?;
        before()?;
        copy.persist(&self.path)
            .map_err(|error| failed(error.error))?;
        Ok(())
    }
}

/// The number of samples and a hash of them, or the decoder's error: equal for files with equal audio.
fn audio_digest(path: &Path) -> Result<(u64, u64), ()> {
    let mut decoder = Decoder::open(path).map_err(drop)?;
    let (mut count, mut hash) = (0, DefaultHasher::new());
    hash.write_u32(decoder.rate_hz());
    while let Some(block) = decoder.next_block().map_err(drop)? {
        match block {
            Block::Samples(samples) => {
                count += samples.len() as u64;
                for sample in samples {
                    hash.write_u32(sample.to_bits());
                }
            }
            Block::Gap { frames } => hash.write_u64(frames),
            Block::NewFormat { rate_hz, channels } => {
                hash.write_u64(u64::from(rate_hz) + channels as u64)
            }
        }
    }
    Ok((count, hash.finish()))
}
