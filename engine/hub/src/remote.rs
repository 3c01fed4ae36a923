//! A model's files on the hub before any is fetched: commit, lengths, hashes.

use super::HubError;
use super::address::Address;
use super::client::{Answer, Client, Failure, number, text};
use super::progress::{Progress, Stage};
use super::wanted::Wanted;
use mertscope_model::catalogue::CatalogueFile;
use mertscope_model::store::Installed;

/// A model's files on the hub, all of one commit.
pub(super) struct Remote {
    pub commit: String,
    pub files: Vec<RemoteFile>,
}

/// A file on the hub.
pub(super) struct RemoteFile {
    pub name: String,
    pub address: Address,
    pub size: u64,
    /// Known for a large file and for a pinned file.
    pub sha256: Option<String>,
}

/// Asks the hub about each file of `wanted` at `revision`. Its answers must match the pins of the
/// catalogue and of an earlier receipt.
pub(super) fn ask(
    client: &Client,
    wanted: &Wanted<'_>,
    revision: &str,
    pinned: Option<&Installed>,
    progress: &mut Progress,
) -> Result<Remote, HubError> {
    progress.stage(Stage::Asking, 0, 0);
    let mut commit: Option<String> = None;
    let mut files = Vec::new();
    for file in wanted.files.iter().copied() {
        let path = wanted.path(&file.name);
        progress.check()?;
        // The first answer names the commit; all other files are those of this commit.
        let at = commit.as_deref().unwrap_or(revision);
        let address = client.address(wanted.repo, at, &path)?;
        let answer = match client.with_retries(|| client.head(wanted.repo, &address)) {
            Err(HubError::NotFound { .. }) if file.optional => continue,
            answer => answer?,
        };
        let pin = pinned.and_then(|pinned| pinned.file(&file.name));
        let known = (file.sha256.as_ref()).or(pin.map(|pin| &pin.sha256));
        let is_pinned = known.is_some() && (file.size.is_some() || pin.is_some());
        let found = named_commit(client, &answer, is_pinned)?;
        if commit.as_ref().is_some_and(|commit| *commit != found) {
            return Err(protocol(&answer, "it names two commits for one revision"));
        }
        let mut remote = RemoteFile {
            address: client.address(wanted.repo, &found, &path)?,
            name: file.name.clone(),
            size: size(&answer)?,
            sha256: linked_hash(&answer),
        };
        compare(wanted.id, file, &remote, pin.map(|pin| pin.size), known)?;
        if let Some(known) = known {
            remote.sha256 = Some(known.to_ascii_lowercase());
        }
        files.push(remote);
        commit = Some(found);
    }
    let commit = commit.ok_or_else(|| HubError::Protocol {
        host: client.host(),
        reason: "it has none of the model's files".to_owned(),
    })?;
    Ok(Remote { commit, files })
}

/// Checks that the offered file matches its pins.
fn compare(
    id: &str,
    file: &CatalogueFile,
    remote: &RemoteFile,
    pinned_size: Option<u64>,
    known: Option<&String>,
) -> Result<(), HubError> {
    let changed = |difference: String| HubError::Changed {
        id: id.to_owned(),
        name: file.name.clone(),
        difference,
    };
    if let Some(size) = file
        .size
        .or(pinned_size)
        .filter(|size| *size != remote.size)
    {
        let found = remote.size;
        return Err(changed(format!("it has {found} bytes instead of {size}")));
    }
    match (known, &remote.sha256) {
        (Some(known), Some(offered)) if !known.eq_ignore_ascii_case(offered) => Err(changed(
            format!("its SHA-256 is {offered} instead of {known}"),
        )),
        _ => Ok(()),
    }
}

/// The commit that the hub names. That of a server to which the hub redirects, as a mirror does, counts
/// for a file that is pinned: its content is known without trust in that server.
fn named_commit(client: &Client, answer: &Answer, is_pinned: bool) -> Result<String, HubError> {
    let is_valid = |c: &&String| c.len() == 40 && c.chars().all(|c| c.is_ascii_hexdigit());
    let commit = answer.commit.as_ref().filter(is_valid);
    let foreign = answer.foreign_commit.as_ref().filter(is_valid);
    match (commit, foreign) {
        (Some(commit), _) => Ok(commit.clone()),
        (None, Some(commit)) if is_pinned => Ok(commit.clone()),
        (None, Some(_)) => Err(HubError::Elsewhere {
            host: client.host(),
            target: answer.server.clone(),
        }),
        (None, None) => Err(protocol(answer, "it names no commit (X-Repo-Commit)")),
    }
}

fn size(answer: &Answer) -> Result<u64, HubError> {
    let headers = &answer.headers;
    number(headers, "x-linked-size")
        .or_else(|| number(headers, "content-length"))
        .ok_or_else(|| protocol(answer, "it does not give the file's length"))
}

/// The SHA-256 of a large file, which the hub uses as its tag; small files have other tags.
fn linked_hash(answer: &Answer) -> Option<String> {
    let tag = text(&answer.headers, "x-linked-etag")?;
    let tag = tag.trim_start_matches("W/").trim_matches('"');
    let is_hash = tag.len() == 64 && tag.chars().all(|c| c.is_ascii_hexdigit());
    is_hash.then(|| tag.to_ascii_lowercase())
}

fn protocol(answer: &Answer, reason: &str) -> HubError {
    HubError::Protocol {
        host: answer.host.clone(),
        reason: reason.to_owned(),
    }
}

impl From<Failure> for HubError {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}
