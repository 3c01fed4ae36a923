//! Settings from environment variables: `MERTSCOPE_SERVER`, `MERTSCOPE_SERVER_TOKEN`, `MERTSCOPE_SERVER_TIMEOUT` and
//! `MERTSCOPE_SERVER_FLOAT16`.

use std::env;
use std::fmt;
use std::time::Duration;

/// Seconds for one request when `MERTSCOPE_SERVER_TIMEOUT` is not set: a batch on a busy GPU takes far less.
const TIMEOUT_S: f64 = 30.0;

/// The way to reach a server.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Scheme, host and port, and a path if it has one.
    pub url: String,
    /// The longest time for one request.
    pub timeout: Duration,
    /// Whether half precision may be on the wire, where the server takes it.
    pub float16: bool,
    pub(crate) token: Option<Token>,
}

impl Settings {
    /// The settings of the environment, for the server at `url`, or else the one in `MERTSCOPE_SERVER`.
    #[must_use]
    pub fn of_environment(url: Option<&str>) -> Self {
        let text = |name: &str| env::var(name).ok();
        let timeout_s = text("MERTSCOPE_SERVER_TIMEOUT").and_then(|text| text.trim().parse().ok());
        let timeout_s = timeout_s.filter(|s: &f64| (0.1..=3600.0).contains(s));
        Self {
            url: url.map_or_else(
                || text("MERTSCOPE_SERVER").unwrap_or_default(),
                str::to_owned,
            ),
            timeout: Duration::from_secs_f64(timeout_s.unwrap_or(TIMEOUT_S)),
            float16: text("MERTSCOPE_SERVER_FLOAT16").is_some_and(|text| text.trim() == "1"),
            token: text("MERTSCOPE_SERVER_TOKEN").and_then(|text| Token::new(&text)),
        }
    }

    /// The same settings with this token.
    #[must_use]
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Token::new(token);
        self
    }
}

/// A secret that never appears in messages, logs or files.
#[derive(Clone)]
pub(crate) struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    /// The token in `text`; `None` when it is empty or not allowed in a header.
    fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_valid = !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic());
        is_valid.then(|| Self(text.to_owned()))
    }

    /// The value of an `Authorization` header.
    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_never_shown() {
        let settings = Settings::of_environment(Some("http://127.0.0.1:1")).with_token("secret-7");
        assert!(!format!("{settings:?}").contains("secret"));
        assert_eq!(settings.token.unwrap().bearer(), "Bearer secret-7");
        assert!(Token::new("a\r\nX: b").is_none() && Token::new(" ").is_none());
    }
}
