//! The beginning of a file on disk, with the identity of its content.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::HubError;
use crate::disk::{self, write_failed};
use crate::progress::Progress;
use crate::remote::RemoteFile;
use mertscope_model::hexadecimal;
use mertscope_model::store::{StoreError, write_text};

/// A file that is not whole yet.
pub(super) struct Part {
    path: PathBuf,
    file: File,
    len: u64,
    hash: Sha256,
    content: ContentId,
}

/// The identity of the content that a part begins.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq)]
struct ContentId {
    size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    /// The server's strong `ETag` of the content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
}

impl Part {
    /// Opens the existing part of `file`, or starts over when it belongs to other content.
    pub(crate) fn open(path: &Path, file: &RemoteFile) -> Result<Self, HubError> {
        let path = beside(path, ".part");
        let noted = fs::read_to_string(beside(&path, ".toml")).unwrap_or_default();
        let noted = toml::from_str::<ContentId>(&noted).ok();
        let is_same = |content: &ContentId| {
            content.size == file.size && content.sha256 == file.sha256
                // Without a hash only the server's tag identifies the content.
                && (content.sha256.is_some() || content.tag.is_some())
        };
        let noted = noted.filter(is_same);
        let keep = noted.is_some();
        let fresh = ContentId {
            size: file.size,
            sha256: file.sha256.clone(),
            tag: None,
        };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(!keep);
        let opened = options.open(&path).and_then(|file| {
            let len = file.metadata()?.len();
            Ok((file, len))
        });
        let (opened, len) = opened.map_err(StoreError::system("written", &path))?;
        let mut part = Self {
            path,
            file: opened,
            len,
            hash: Sha256::new(),
            content: noted.unwrap_or(fresh),
        };
        if part.len > file.size {
            part.restart()?;
        }
        part.write_note()?;
        Ok(part)
    }

    /// Number of bytes on disk.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The server's strong `ETag` of the content, if it gave one.
    pub(crate) fn tag(&self) -> Option<&str> {
        self.content.tag.as_deref()
    }

    /// Remembers the server's `ETag`, unless it is weak: a weak one does not promise equal bytes.
    pub(crate) fn keep_tag(&mut self, tag: Option<String>) -> Result<(), HubError> {
        let tag = tag.filter(|tag| tag.starts_with('"'));
        if self.content.tag != tag {
            self.content.tag = tag;
            self.write_note()?;
        }
        Ok(())
    }

    fn write_note(&self) -> Result<(), HubError> {
        let path = beside(&self.path, ".toml");
        let text = toml::to_string(&self.content).map_err(|error| StoreError::Receipt {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        Ok(write_text(&path, &text)?)
    }

    /// Hashes the bytes that an earlier run left.
    pub(crate) fn hash_existing(&mut self, progress: &mut Progress) -> Result<(), HubError> {
        let read = StoreError::system("read", &self.path);
        let mut hash = || -> io::Result<bool> {
            self.file.seek(SeekFrom::Start(0))?;
            let mut chunk = vec![0; 1 << 20];
            loop {
                let count = self.file.read(&mut chunk)?;
                if count == 0 {
                    return Ok(true);
                }
                self.hash.update(&chunk[..count]);
                if progress.advance(count as u64).is_break() {
                    return Ok(false);
                }
            }
        };
        if hash().map_err(read)? {
            Ok(())
        } else {
            Err(HubError::Stopped)
        }
    }

    /// Appends bytes.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.len))?;
        self.file.write_all(bytes)?;
        self.hash.update(bytes);
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Drops all bytes.
    pub(crate) fn restart(&mut self) -> Result<(), HubError> {
        self.file
            .set_len(0)
            .map_err(StoreError::system("written", &self.path))?;
        self.len = 0;
        self.hash = Sha256::new();
        Ok(())
    }

    /// Flushes all bytes to the disk and returns their SHA-256.
    pub(crate) fn finish(&mut self) -> Result<String, HubError> {
        self.file.sync_all().map_err(write_failed(&self.path, 0))?;
        Ok(hexadecimal(&self.hash.clone().finalize()))
    }

    /// Makes the part the file at `path`.
    pub(crate) fn put(self, path: &Path) -> Result<(), HubError> {
        let Self { path: part, .. } = &self;
        disk::put(part, path)?;
        self.remove_note();
        Ok(())
    }

    /// Deletes the part.
    pub(crate) fn discard(self) {
        // A part that can't be removed does no harm later: its hash is wrong.
        let _ = fs::remove_file(&self.path);
        self.remove_note();
    }

    fn remove_note(&self) {
        // A note without a part is harmless.
        let _ = fs::remove_file(beside(&self.path, ".toml"));
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
