//! A hub on this machine: it serves the part of the model hub's protocol that a fetch uses, over plain
//! HTTP on loopback, and redirects large files to a second server.
//!
//! `HEAD` and `GET /OWNER/NAME/resolve/REVISION/FILE` answer with `X-Repo-Commit`; a large file
//! with `X-Linked-Size` and `X-Linked-Etag` (its SHA-256) and a redirect to the second server, a
//! small one with a redirect to a path of the same server. The second server has ranges, `ETag`
//! and `If-Range`. The hub keeps every request, and makes faults on demand.

mod serve;

use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use mertscope_model::sha256;

/// The commit that every repository is at.
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A running hub; it serves until the test program ends.
#[derive(Clone)]
pub struct Hub {
    port: u16,
    shared: Arc<Shared>,
}

/// A request that a server has received.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Whether the second server has received it.
    pub second: bool,
    /// `GET`, `HEAD` or `CONNECT`.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers, with names in lower case.
    pub headers: HashMap<String, String>,
}

/// Deviations from a healthy hub. Counts go down with each fault that is made.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    /// The hub answers with this status and error code.
    pub status: Option<(u16, &'static str)>,
    /// The number of the hub's answers that are 503.
    pub busy: usize,
    /// The number of bodies that end early, and the bytes after which they end.
    pub cut: Option<(usize, usize)>,
    /// The number of bodies that stall, and the bytes after which they stall.
    pub stall: Option<(usize, usize)>,
    /// The bytes per piece of a body, and the pause after each piece.
    pub slow: Option<(usize, Duration)>,
    /// The second server sends bytes whose hash differs from the hub's.
    pub wrong_bytes: bool,
    /// The second server has no ranges.
    pub no_ranges: bool,
    /// The second server answers a range with another one.
    pub wrong_range: bool,
    /// Large files are redirected here.
    pub redirect: Option<String>,
    /// The hub is a mirror that redirects every request to this server (308).
    pub mirror_of: Option<String>,
    /// The hub redirects to itself without end.
    pub redirect_loop: bool,
    /// The hub names no commit.
    pub no_commit: bool,
    /// The size that the hub reports for large files, instead of the true one.
    pub reported_size: Option<u64>,
    /// The number of signed addresses that have expired.
    pub expired: usize,
}

struct Shared {
    second: u16,
    files: Mutex<HashMap<String, Vec<u8>>>,
    commit: Mutex<String>,
    faults: Mutex<Faults>,
    asked: Mutex<Vec<Asked>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    /// Starts both servers, with no repository.
    ///
    /// # Panics
    /// If this machine has no loopback.
    #[must_use]
    pub fn start() -> Self {
        let bind = || TcpListener::bind("127.0.0.1:0").expect("loopback");
        let (first, second) = (bind(), bind());
        let port = |listener: &TcpListener| listener.local_addr().expect("an address").port();
        let hub = Self {
            port: port(&first),
            shared: Arc::new(Shared {
                second: port(&second),
                files: Mutex::default(),
                commit: Mutex::new(COMMIT.to_owned()),
                faults: Mutex::default(),
                asked: Mutex::default(),
            }),
        };
        for (listener, is_second) in [(first, false), (second, true)] {
            let shared = Arc::clone(&hub.shared);
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let shared = Arc::clone(&shared);
                    thread::spawn(move || serve::connection(stream, &shared, is_second));
                }
            });
        }
        hub
    }

    /// The address for `HF_ENDPOINT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The address of the second server.
    #[must_use]
    pub fn second(&self) -> String {
        format!("http://127.0.0.1:{}", self.shared.second)
    }

    /// Publishes a file of a repository; a file of weights is large.
    pub fn publish(&self, repo: &str, name: &str, bytes: impl Into<Vec<u8>>) {
        locked(&self.shared.files).insert(format!("{repo}/{name}"), bytes.into());
    }

    /// Withdraws a file of a repository.
    pub fn withdraw(&self, repo: &str, name: &str) {
        locked(&self.shared.files).remove(&format!("{repo}/{name}"));
    }

    /// Moves every repository to another commit; the commit before is gone.
    pub fn move_to(&self, commit: &str) {
        commit.clone_into(&mut locked(&self.shared.commit));
    }

    /// Makes these faults from now on.
    pub fn fault(&self, faults: Faults) {
        *locked(&self.shared.faults) = faults;
    }

    /// The requests so far, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        locked(&self.shared.asked).clone()
    }

    /// Forgets the requests.
    pub fn forget(&self) {
        locked(&self.shared.asked).clear();
    }

    /// The requests to the second server.
    #[must_use]
    pub fn asked_second(&self) -> Vec<Asked> {
        self.asked()
            .into_iter()
            .filter(|asked| asked.second)
            .collect()
    }
}

impl Asked {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

impl Shared {
    fn is_large(name: &str) -> bool {
        let large = [".bin", ".safetensors", ".ckpt"];
        large.iter().any(|ending| name.ends_with(ending))
    }

    /// The file at a path such as `OWNER/NAME/resolve/REVISION/FILE`.
    fn resolve(&self, path: &str) -> Option<(String, Vec<u8>)> {
        let (repo, rest) = path.trim_start_matches('/').split_once("/resolve/")?;
        let (revision, name) = rest.split_once('/')?;
        if revision != "main" && revision != *locked(&self.commit) {
            return None;
        }
        let bytes = locked(&self.files).get(&format!("{repo}/{name}"))?.clone();
        Some((name.to_owned(), bytes))
    }

    /// The content with this SHA-256.
    fn content(&self, hash: &str) -> Option<Vec<u8>> {
        let files = locked(&self.files);
        files.values().find(|bytes| sha256(bytes) == hash).cloned()
    }
}
