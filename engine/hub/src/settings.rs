//! Settings from the hub's environment variables; Mertscope adds none of its own.
//!
//! The variables are those of the `huggingface_hub` library, so that a user's setup for other programs
//! holds here too: `HF_ENDPOINT`, `HF_TOKEN`, `HF_HOME`, `HF_HUB_CACHE`, `HF_HUB_OFFLINE`,
//! `HF_HUB_DOWNLOAD_TIMEOUT`, `HF_HUB_ETAG_TIMEOUT`. Proxies come from `HTTPS_PROXY`, `ALL_PROXY` and
//! `NO_PROXY`.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// The hub when `HF_ENDPOINT` is not set.
const HUB: &str = "https://huggingface.co";
/// Seconds of silence after which a connection counts as dead; the default of `huggingface_hub`.
const TIMEOUT_S: u64 = 10;

/// The way to reach the hub.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Scheme, host and port of the hub, and a path if it has one, without a slash at the end.
    pub endpoint: String,
    /// The user's token, for repositories that require one.
    pub token: Option<Token>,
    /// The hub's cache, with the files that other programs fetched; only read.
    pub cache: Option<PathBuf>,
    /// Whether the network must not be used.
    pub offline: bool,
    /// The longest time for a connection and for the first answer.
    pub(crate) connect_timeout: Duration,
    /// The longest time that a download may stand still.
    pub read_timeout: Duration,
}

/// A secret that never appears in messages, logs or files.
#[derive(Clone)]
pub struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    /// The token in `text`; `None` when it is empty or not allowed in a header.
    #[must_use]
    pub(crate) fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_valid = !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic());
        is_valid.then(|| Self(text.to_owned()))
    }

    /// The value of an `Authorization` header.
    pub(super) fn bearer(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl Settings {
    /// The settings from this process's environment.
    #[must_use]
    pub fn from_environment() -> Self {
        Self::from_variables(|name| env::var_os(name).filter(|value| !value.is_empty()))
    }

    fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let text = |name: &str| variable(name)?.into_string().ok();
        let seconds = |name: &str| {
            let seconds = text(name).and_then(|value| value.trim().parse().ok());
            let sensible = seconds.filter(|s: &u64| (1..=3600).contains(s));
            Duration::from_secs(sensible.unwrap_or(TIMEOUT_S))
        };
        let home = variable("HF_HOME").map(PathBuf::from).or_else(|| {
            let caches = variable("XDG_CACHE_HOME").map(PathBuf::from);
            let caches = caches.or_else(|| Some(dirs::home_dir()?.join(".cache")));
            Some(caches?.join("huggingface"))
        });
        let token_file = variable("HF_TOKEN_PATH")
            .map(PathBuf::from)
            .or_else(|| Some(home.as_ref()?.join("token")));
        let endpoint = text("HF_ENDPOINT").unwrap_or_else(|| HUB.to_owned());
        Self {
            endpoint: endpoint.trim().trim_end_matches('/').to_owned(),
            token: text("HF_TOKEN")
                .and_then(|token| Token::new(&token))
                .or_else(|| Token::new(&fs::read_to_string(token_file?).ok()?)),
            cache: variable("HF_HUB_CACHE")
                .map(PathBuf::from)
                .or_else(|| Some(home?.join("hub"))),
            offline: text("HF_HUB_OFFLINE").is_some_and(|value| is_true(&value)),
            connect_timeout: seconds("HF_HUB_ETAG_TIMEOUT"),
            read_timeout: seconds("HF_HUB_DOWNLOAD_TIMEOUT"),
        }
    }
}

/// The values that `huggingface_hub` accepts as true.
fn is_true(value: &str) -> bool {
    ["1", "on", "yes", "true"]
        .iter()
        .any(|yes| value.trim().eq_ignore_ascii_case(yes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Settings {
        Settings::from_variables(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn the_hubs_own_variables_are_followed() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("token"), "hf_from_file\n").unwrap();
        let home = folder.path().to_str().unwrap();
        let given = settings(&[
            ("HF_ENDPOINT", "http://127.0.0.1:9/"),
            ("HF_HOME", home),
            ("HF_HUB_OFFLINE", "True"),
            ("HF_HUB_DOWNLOAD_TIMEOUT", "3"),
            ("HF_HUB_ETAG_TIMEOUT", "nonsense"),
        ]);
        assert_eq!(given.endpoint, "http://127.0.0.1:9");
        assert_eq!(given.cache, Some(folder.path().join("hub")));
        assert!(given.offline);
        assert_eq!(given.read_timeout.as_secs(), 3);
        assert_eq!(given.connect_timeout.as_secs(), TIMEOUT_S);
        assert_eq!(given.token.unwrap().bearer(), "Bearer hf_from_file");
        let nearer = settings(&[("HF_HOME", home), ("HF_HUB_CACHE", "/c"), ("HF_TOKEN", "t")]);
        assert_eq!(nearer.cache, Some("/c".into()));
        assert_eq!(nearer.token.unwrap().bearer(), "Bearer t");
        let bare = settings(&[("XDG_CACHE_HOME", "/x"), ("HF_HUB_OFFLINE", "0")]);
        assert_eq!(bare.endpoint, HUB);
        assert_eq!(bare.cache, Some("/x/huggingface/hub".into()));
        assert!(!bare.offline && bare.token.is_none());
    }

    #[test]
    fn a_token_is_never_printed_and_can_not_break_a_header() {
        let given = settings(&[("HF_TOKEN", "hf_secret"), ("HF_HOME", "/nonexistent")]);
        assert!(!format!("{given:?}").contains("hf_secret"));
        for bad in ["", "  ", "a b", "a\r\nHost: evil", "é"] {
            assert!(Token::new(bad).is_none(), "{bad:?}");
        }
    }
}
