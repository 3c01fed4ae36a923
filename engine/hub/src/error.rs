//! Errors of the library: each a sentence with the remedy.

use std::path::PathBuf;

use mertscope_model::ModelError;
use mertscope_model::catalogue::CatalogueError;
use mertscope_model::store::StoreError;

/// Why a model can't be fetched, imported or listed.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The catalogue lacks the model.
    #[error("There is no published model “{id}”. `mertscope models list` shows all of them.")]
    Unknown {
        /// The unknown id.
        id: String,
    },
    /// The user has not agreed to the license.
    #[error(
        "{id} is under the license {license} ({url}), which has to be agreed to first: use --yes, \
         or --accept-licence {license}."
    )]
    Consent {
        /// The model.
        id: String,
        /// Its license.
        license: String,
        /// The license's address.
        url: String,
    },
    /// The user has not agreed to the terms of the model's published heads.
    #[error(
        "The published heads of {id} have {license} ({url}), which has to be agreed to first: use --yes, or \
         --no-heads to leave them."
    )]
    HeadsConsent {
        /// The model.
        id: String,
        /// Their license.
        license: String,
        /// The license's address.
        url: String,
    },
    /// Some of the published heads could not be had.
    #[error(
        "Not all published heads of {id} are here: {reasons} The model works without them; `mertscope models \
         fetch {id}` tries again, and --no-heads leaves them."
    )]
    Heads {
        /// The model.
        id: String,
        /// The reasons, sentences.
        reasons: String,
    },
    /// The model has a job already.
    #[error("{id} is being worked on already; wait for that to end, or cancel it.")]
    Busy {
        /// The model.
        id: String,
    },
    /// Another process is changing the model.
    #[error("Another Mertscope on this machine is working on {id}; wait for it to end.")]
    Locked {
        /// The model.
        id: String,
    },
    /// The user stopped the job.
    #[error("The job was stopped; downloaded bytes are kept, and another fetch resumes from them.")]
    Stopped,
    /// `HF_HUB_OFFLINE` forbids the network.
    #[error(
        "{id} is not in the hub's cache, and HF_HUB_OFFLINE forbids the network. Unset it, or copy \
         the model's files to this machine and use `mertscope models import FOLDER`."
    )]
    Offline {
        /// The model.
        id: String,
    },
    /// The address is invalid.
    #[error(
        "“{url}” is not a hub's address ({reason}); set HF_ENDPOINT to one like https://huggingface.co, or unset it."
    )]
    Address {
        /// The address.
        url: String,
        /// The reason, a phrase.
        reason: String,
    },
    /// Plain HTTP would let others read and change what is sent.
    #[error(
        "{host} gets no request, because the connection would not be encrypted: plain http is used \
         only to this machine itself. Use an https address."
    )]
    PlainHttp {
        /// The host.
        host: String,
    },
    /// The connection fails, or breaks again and again.
    #[error(
        "{host} can't be reached ({reason}). Check the network and the proxy (HTTPS_PROXY) and try \
         again; a download resumes where it stopped. Without a network, copy the model's files to \
         this machine and use `mertscope models import FOLDER`."
    )]
    Network {
        /// The host.
        host: String,
        /// The last failure, a phrase.
        reason: String,
    },
    /// The hub requires a token, or refuses this user.
    #[error("{}", denied(repo, *status, *gated, *token))]
    Denied {
        /// The repository.
        repo: String,
        /// 401 or 403.
        status: u16,
        /// Whether the repository is gated: its page asks users for an agreement.
        gated: bool,
        /// Whether a token was sent.
        token: bool,
    },
    /// The hub lacks the file.
    #[error(
        "The hub has no {url} (404). The model may have moved, or its commit may be gone: check the \
         repository's page, and HF_ENDPOINT if it is set. After `mertscope models remove`, a fetch \
         takes the newest commit."
    )]
    NotFound {
        /// The file's address, without secrets.
        url: String,
    },
    /// Too many requests.
    #[error(
        "{host} answers that there were too many requests (429). Wait some minutes and try again; HF_TOKEN raises the limit."
    )]
    TooMany {
        /// The host.
        host: String,
    },
    /// Any other answer without the file.
    #[error("{host} answers with status {status} instead of the file; try again later.")]
    Status {
        /// The host.
        host: String,
        /// The status.
        status: u16,
    },
    /// There are too many redirects.
    #[error("{host} redirects again and again; check HF_ENDPOINT and the proxy.")]
    Redirects {
        /// The host of the first request.
        host: String,
    },
    /// The answer does not follow the hub's protocol.
    #[error("{host} does not speak the hub's protocol: {reason}. Check HF_ENDPOINT and the proxy.")]
    Protocol {
        /// The host.
        host: String,
        /// The missing or wrong part, a phrase.
        reason: String,
    },
    /// The hub passes requests on to another server.
    #[error(
        "{host} passes requests on to {target}, which is trusted only for files whose hashes are known \
         already. To fetch from there, set HF_ENDPOINT to {target}."
    )]
    Elsewhere {
        /// The host of HF_ENDPOINT.
        host: String,
        /// The address of the other server.
        target: String,
    },
    /// The content is not the expected one.
    #[error(
        "{name} of {id} is not the expected file: its SHA-256 is {actual} instead of {expected}. It was thrown \
         away; try again, and if the hash stays wrong, do not use that source."
    )]
    Hash {
        /// The model.
        id: String,
        /// The file.
        name: String,
        /// The expected hash.
        expected: String,
        /// The actual hash.
        actual: String,
    },
    /// The hub offers another file than the pinned one.
    #[error(
        "The hub's {name} of {id} has changed: {difference}. It is not fetched. To accept the file \
         that is published now, unless Mertscope itself pins it, use `mertscope models remove {id}` \
         first."
    )]
    Changed {
        /// The model.
        id: String,
        /// The file.
        name: String,
        /// The difference, a phrase.
        difference: String,
    },
    /// There is too little space.
    #[error(
        "{} has too little free space: {needed_mb} MB are needed and {free_mb} MB are free. Make \
         space and try again; downloaded bytes are kept.", folder.display()
    )]
    DiskFull {
        /// The folder.
        folder: PathBuf,
        /// Needed space in MB.
        needed_mb: u64,
        /// Free space in MB.
        free_mb: u64,
    },
    /// A folder to import is not a model's.
    #[error("{} can't be imported: {reason}.", path.display())]
    Import {
        /// The folder or file.
        path: PathBuf,
        /// The reason with the remedy, a phrase.
        reason: String,
    },
    /// The model is installed already.
    #[error("{id} is installed already; use `mertscope models remove {id}` first.")]
    Installed {
        /// The model.
        id: String,
    },
    /// The files to import are not those of the model.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The store of models failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The catalogue is invalid.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// A panic in a job was contained.
    #[error("Something went wrong inside Mertscope ({reason}); please report it.")]
    Panic {
        /// The panic's message.
        reason: String,
    },
}

fn denied(repo: &str, status: u16, gated: bool, token: bool) -> String {
    match (gated, token) {
        (true, false) => format!(
            "The hub requires an agreement for {repo} ({status}): agree to its terms on its page, \
             create a token, and set HF_TOKEN to it."
        ),
        (true, true) => format!(
            "The hub requires an agreement for {repo} ({status}), and the account of the token in \
             HF_TOKEN has no access: agree to the terms on its page."
        ),
        (false, true) => format!(
            "The hub refuses the token in HF_TOKEN, or its account may not read {repo} ({status}): \
             renew the token, or unset it if the repository needs none."
        ),
        (false, false) => format!(
            "Not everyone may read {repo}, or it does not exist ({status}): set HF_TOKEN to the token \
             of an account that may."
        ),
    }
}
