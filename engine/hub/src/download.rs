//! One file from the hub: resumed where it stopped, checked, and put in place at once.
//!
//! Bytes go to `NAME.part`; beside it `NAME.part.toml` says of which content they are the
//! beginning, so that a part is never continued with another file's bytes. Attempts are bounded:
//! they end after some in a row that brought nothing.

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

/// Bytes that are read at once.
const PIECE: usize = 128 << 10;
/// Attempts in all, for a connection that breaks every few bytes.
const MOST_ATTEMPTS: usize = 100;

/// What is fetched and where to.
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
            part.hash_what_is_there(progress)?;
        }
        loop {
            progress.stage(Stage::Downloading, part.len(), file.size);
            self.complete(file, &mut part, progress)?;
            let actual = part.finish()?;
            match &file.sha256 {
                Some(expected) if *expected != actual => {
                    part.restart()?;
                    // The disk may have lost something since the last time: once more, in full.
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

    /// Goes on until the part is as long as the file.
    fn complete(
        &self,
        file: &RemoteFile,
        part: &mut Part,
        progress: &mut Progress,
    ) -> Result<(), HubError> {
        let mut fruitless = 0;
        for _ in 0..MOST_ATTEMPTS {
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
                Some(pause) if failure.again => {
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
            // Should the content have changed, the server sends all of the new one.
            headers.extend(part.tag().map(|tag| ("if-range", tag.to_owned())));
        }
        let asked = self.client.get(self.repo, &file.address, &headers);
        let mut answer = match asked {
            // There is nothing after our part: it is not the beginning of this content.
            Err(failure) if is_unsatisfiable(&failure) && part.len() > 0 => {
                part.restart()?;
                return Ok(());
            }
            answer => answer?,
        };
        if answer.status == 206 {
            check_range(&answer, part.len(), file.size)?;
        } else if part.len() > 0 {
            // A server without ranges, or other content: from the beginning.
            part.restart()?;
        }
        if progress.set(part.len()).is_break() {
            return Err(HubError::Stopped.into());
        }
        let left = file.size - part.len();
        if number(&answer.headers, "content-length").is_some_and(|length| length != left) {
            return Err(protocol(&answer, "the length is not the one it named before").into());
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
            again: true,
            after: None,
        };
        let mut piece = vec![0; PIECE];
        let mut body = answer.body.as_reader();
        loop {
            let count = match body.read(&mut piece) {
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
                let whole = part.len() == file.size;
                let short = || broken("the connection broke off".to_owned());
                return if whole { Ok(()) } else { Err(short()) };
            }
            let left = file.size - part.len();
            if count as u64 > left {
                let host = answer.host.clone();
                let reason = "it sends more than it said".to_owned();
                return Err(HubError::Protocol { host, reason }.into());
            }
            part.append(&piece[..count])
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

/// A part of a file must be the one that was asked for.
fn check_range(answer: &Answer, from: u64, size: u64) -> Result<(), HubError> {
    let range = text(&answer.headers, "content-range").unwrap_or_default();
    let right = format!("bytes {from}-{}/{size}", size - 1);
    if range == right {
        Ok(())
    } else {
        Err(protocol(
            answer,
            "it sends another part than it was asked for",
        ))
    }
}

fn protocol(answer: &Answer, reason: &str) -> HubError {
    HubError::Protocol {
        host: answer.host.clone(),
        reason: reason.to_owned(),
    }
}
