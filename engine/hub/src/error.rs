//! Why a model can't be got: each a sentence with the remedy.

use std::path::PathBuf;

use mertscope_model::catalogue::CatalogueError;
use mertscope_model::store::StoreError;

/// Why a model can't be fetched, imported or listed.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The catalogue has no such model.
    #[error(
        "There is no published model “{id}”. `mertscope models list` shows the ones there are."
    )]
    Unknown {
        /// What was asked for.
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
        /// Where that can be read.
        url: String,
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
    /// The user stopped it.
    #[error("It was stopped; what is there already is kept, and fetching again goes on from it.")]
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
    /// The address is no address.
    #[error(
        "“{url}” is no address of a hub ({reason}); set HF_ENDPOINT to one such as https://huggingface.co, or unset it."
    )]
    Address {
        /// The address.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Plain HTTP would let others read and change what is sent.
    #[error(
        "{host} is not asked, because the connection would not be encrypted: plain http is used \
         only to this machine itself. Use an https address."
    )]
    PlainHttp {
        /// The host.
        host: String,
    },
    /// No connection comes about, or it breaks again and again.
    #[error(
        "{host} can't be reached ({reason}). Check the network and the proxy (HTTPS_PROXY) and try \
         again; a download goes on where it stopped. Without a network, copy the model's files to \
         this machine and use `mertscope models import FOLDER`."
    )]
    Network {
        /// The host.
        host: String,
        /// What happened last.
        reason: String,
    },
    /// The hub wants to know who asks, or does not let this user.
    #[error("{}", denied(repo, *status, *gated, *token))]
    Denied {
        /// The repository.
        repo: String,
        /// 401 or 403.
        status: u16,
        /// Whether the hub says that the repository has to be asked for.
        gated: bool,
        /// Whether a token was sent.
        token: bool,
    },
    /// The hub has no such file.
    #[error(
        "The hub has no {url} (404). The model may have moved or its commit may be gone: look at \
         the repository's page, and at HF_ENDPOINT if it is set. After `mertscope models remove`, \
         a fetch takes the newest commit."
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
    /// Any other answer that is no file.
    #[error("{host} answers with status {status} instead of the file; try again later.")]
    Status {
        /// The host.
        host: String,
        /// The status.
        status: u16,
    },
    /// It goes from one address to the next.
    #[error("{host} redirects again and again; check HF_ENDPOINT and the proxy.")]
    Redirects {
        /// The host that was asked first.
        host: String,
    },
    /// What answers is no hub.
    #[error("{host} does not speak the hub's protocol: {reason}. Check HF_ENDPOINT and the proxy.")]
    Protocol {
        /// The host.
        host: String,
        /// What is missing or wrong.
        reason: String,
    },
    /// The content is not the expected one.
    #[error(
        "{name} of {id} is not the file that was expected: its SHA-256 is {actual} instead of \
         {expected}. It was thrown away; try again, and if it stays so, do not use that source."
    )]
    Hash {
        /// The model.
        id: String,
        /// The file.
        name: String,
        /// The expected hash.
        expected: String,
        /// The real one.
        actual: String,
    },
    /// The hub offers something else than what is pinned.
    #[error(
        "The hub's {name} of {id} has changed: {what}. It is not fetched. To accept what is \
         published now, where that is not pinned by Mertscope itself, use `mertscope models remove \
         {id}` first."
    )]
    Changed {
        /// The model.
        id: String,
        /// The file.
        name: String,
        /// What differs.
        what: String,
    },
    /// There is too little space.
    #[error(
        "{} has too little free space: {needed_mb} MB are needed and {free_mb} MB are free. Make \
         space and try again; what is there already is kept.", folder.display()
    )]
    DiskFull {
        /// The folder.
        folder: PathBuf,
        /// What is needed, in MB.
        needed_mb: u64,
        /// What is free, in MB.
        free_mb: u64,
    },
    /// A folder to import is not a model.
    #[error("{} can't be imported: {reason}.", path.display())]
    Import {
        /// The folder or file.
        path: PathBuf,
        /// What is wrong, with the remedy.
        reason: String,
    },
    /// It is there already.
    #[error("{id} is installed already; use `mertscope models remove {id}` first.")]
    Installed {
        /// The model.
        id: String,
    },
    /// The store refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The catalogue is broken.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// A panic in a job was contained.
    #[error("Something went wrong inside Mertscope ({reason}); please report it.")]
    Panic {
        /// What it said.
        reason: String,
    },
}

fn denied(repo: &str, status: u16, gated: bool, token: bool) -> String {
    match (gated, token) {
        (true, false) => format!(
            "{repo} has to be asked for on the hub ({status}): agree to its terms on its page, make \
             a token, and set HF_TOKEN to it."
        ),
        (true, true) => format!(
            "{repo} has to be asked for on the hub ({status}), and the account of this token \
             (HF_TOKEN) has not been let in: agree to its terms on its page."
        ),
        (false, true) => format!(
            "The hub refuses the token in HF_TOKEN, or its account may not read {repo} ({status}): \
             renew the token, or unset it if the repository needs none."
        ),
        (false, false) => format!(
            "The hub does not let everyone read {repo}, or it does not exist ({status}): set \
             HF_TOKEN to a token of an account that may."
        ),
    }
}
