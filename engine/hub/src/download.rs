//! One file from the hub: resumed where it stopped, checked, and put in place at once.
//!
//! Bytes go to `NAME.part`; beside it `NAME.part.toml` identifies the content that they begin, so that
//! a part is never continued with another file's bytes. Attempts are bounded: several in a row
//! without new bytes end the download.

mod part;

use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;

use super::HubError;
use super::client::{Answer, Client, Failure, PAUSES, number, text};
use super::disk::{self, write_failed};
use super::progress::{Progress, Stage};
use super::remote::RemoteFile;
use mertscope_model::store::InstalledFile;
use part::Part;

/// Bytes per read.
const CHUNK_BYTES: usize = 128 << 10;
/// The most attempts in all, for a connection that breaks every few bytes.
const MAX_ATTEMPTS: usize = 100;

/// The download of one model's files into its folder.
pub(super) struct Download<'a> {
    pub client: &'a Client,
    pub id: &'a str,
    pub repo: &'a str,
    pub folder: &'a Path,
}

impl Download<'_> {
    /// Fetches `file`. The result's hash is that of the bytes on disk.
    pub(crate) fn fetch(
        &self,
        file: &RemoteFile,
        progress: &mut Progress,
    ) -> Result<InstalledFile, HubError> {
        let path = self.folder.join(&file.name);
        let mut part = Part::open(&path, file)?;
        let mut resumed = part.len() > 0;
        disk::check_space(self.folder, file.size - part.len())?;
        if resumed {
            progress.stage(Stage::Checking, 0, part.len());
            part.hash_existing(progress)?;
        }
        loop {
            progress.stage(Stage::Downloading, part.len(), file.size);
            self.complete(file, &mut part, progress)?;
            let actual = part.finish()?;
            match &file.sha256 {
                Some(expected) if *expected != actual => {
                    part.restart()?;
                    // The disk may have lost bytes of an earlier run: download once more, in full.
                    if std::mem::take(&mut resumed) {
                        continue;
                    }
                    part.discard();
                    return Err(HubError::Hash {
                        id: self.id.to_owned(),
                        name: file.name.clone(),
                        expected: expected.clone(),
                        actual,
                    });
                }
                _ => {}
            }
            part.put(&path)?;
            return Ok(InstalledFile {
                name: file.name.clone(),
                path,
                size: file.size,
                sha256: actual,
            });
        }
    }

    /// Continues until the part is as long as the file.
    fn complete(
        &self,
        file: &RemoteFile,
        part: &mut Part,
        progress: &mut Progress,
    ) -> Result<(), HubError> {
        let mut fruitless = 0;
        for _ in 0..MAX_ATTEMPTS {
            if part.len() == file.size {
                return Ok(());
            }
            let before = part.len();
            let Err(failure) = self.attempt(file, part, progress) else {
                continue;
            };
            progress.check()?;
            fruitless = if part.len() > before {
                0
            } else {
                fruitless + 1
            };
            match PAUSES.get(fruitless) {
                Some(pause) if failure.retry => {
                    progress.stop.pause(failure.after.unwrap_or(*pause))?;
                }
                _ => return Err(failure.error),
            }
        }
        Err(HubError::Network {
            host: self.client.host(),
            reason: "the connection breaks again and again".to_owned(),
        })
    }

    fn attempt(
        &self,
        file: &RemoteFile,
        part: &mut Part,
        progress: &mut Progress,
    ) -> Result<(), Failure> {
        let mut headers = Vec::new();
        if part.len() > 0 {
            headers.push(("range", format!("bytes={}-", part.len())));
            // If the content has changed, the server sends all of the new one.
            headers.extend(part.tag().map(|tag| ("if-range", tag.to_owned())));
        }
        let mut answer = match self.client.get(self.repo, &file.address, &headers) {
            // Nothing follows our part, so it is not the beginning of this content.
            Err(failure) if is_unsatisfiable(&failure) && part.len() > 0 => {
                part.restart()?;
                return Ok(());
            }
            answer => answer?,
        };
        if answer.status == 206 {
            check_range(&answer, part.len(), file.size)?;
        } else if part.len() > 0 {
            // The server ignores ranges or has other content: start over.
            part.restart()?;
        }
        if progress.set(part.len()).is_break() {
            return Err(HubError::Stopped.into());
        }
        let left = file.size - part.len();
        if number(&answer.headers, "content-length").is_some_and(|length| length != left) {
            return Err(protocol(&answer, "it gives another length than before").into());
        }
        part.keep_tag(text(&answer.headers, "etag"))?;
        self.receive(file, part, progress, &mut answer)
    }

    fn receive(
        &self,
        file: &RemoteFile,
        part: &mut Part,
        progress: &mut Progress,
        answer: &mut Answer,
    ) -> Result<(), Failure> {
        let broken = |reason: String| Failure {
            error: HubError::Network {
                host: answer.host.clone(),
                reason,
            },
            retry: true,
            after: None,
        };
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut body = answer.body.as_reader();
        loop {
            let count = match body.read(&mut chunk) {
                Ok(count) => count,
                Err(error) => {
                    let reason = match ureq::Error::from(error) {
                        ureq::Error::Timeout(_) => "the download stands still".to_owned(),
                        other => other.to_string(),
                    };
                    return Err(broken(reason));
                }
            };
            if count == 0 {
                let is_whole = part.len() == file.size;
                let cut_short = || broken("the connection broke off".to_owned());
                return if is_whole { Ok(()) } else { Err(cut_short()) };
            }
            let left = file.size - part.len();
            if count as u64 > left {
                let host = answer.host.clone();
                let reason = "it sends more bytes than it announced".to_owned();
                return Err(HubError::Protocol { host, reason }.into());
            }
            part.append(&chunk[..count])
                .map_err(write_failed(part.path(), left))?;
            if let ControlFlow::Break(()) = progress.set(part.len()) {
                return Err(HubError::Stopped.into());
            }
        }
    }
}

fn is_unsatisfiable(failure: &Failure) -> bool {
    matches!(failure.error, HubError::Status { status: 416, .. })
}

/// Checks that the answer holds the requested part of the file.
fn check_range(answer: &Answer, from: u64, size: u64) -> Result<(), HubError> {
    let range = text(&answer.headers, "content-range").unwrap_or_default();
    let expected = format!("bytes {from}-{}/{size}", size - 1);
    if range == expected {
        Ok(())
    } else {
        Err(protocol(
            answer,
            "it sends another part than the requested one",
        ))
    }
}

fn protocol(answer: &Answer, reason: &str) -> HubError {
    HubError::Protocol {
        host: answer.host.clone(),
        reason: reason.to_owned(),
    }
}
