//! Requests to the server over one kept connection. No redirect is followed, so that the token goes nowhere else.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use ureq::http::{HeaderMap, Request};
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, AsSendBody};

use crate::ServerError;
use crate::address::{Address, NearResolver, is_refusal};
use crate::settings::Settings;

/// The header with the length of the JSON before binary tensors.
pub(crate) const JSON_LENGTH: &str = "inference-header-content-length";

/// The most bytes of an answer: thirteen layers of frames for eight windows, in JSON, take a quarter of it.
const MOST_BYTES: u64 = 1 << 30;

/// The most bytes of a description.
const MOST_DESCRIPTION_BYTES: u64 = 1 << 22;

/// The characters of a server's own words that a message repeats.
const MOST_WORDS: usize = 200;

pub(crate) struct Client {
    agent: Agent,
    address: Address,
    settings: Settings,
}

/// An answer with a status of success.
pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn new(settings: Settings) -> Result<Self, ServerError> {
        let address = Address::parse(&settings.url)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(RootCerts::PlatformVerifier)
            .unversioned_rustls_crypto_provider(provider)
            .build();
        let mut config = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(1)
            .user_agent(concat!("mertscope/", env!("CARGO_PKG_VERSION")));
        if address.is_plain() {
            // A proxy would be another machine, reached unencrypted.
            config = config.proxy(None);
        }
        let resolver = NearResolver {
            is_plain: address.is_plain(),
        };
        let agent = Agent::with_parts(config.build(), DefaultConnector::default(), resolver);
        Ok(Self {
            agent,
            address,
            settings,
        })
    }

    /// The server's address, for messages.
    pub(crate) fn shown(&self) -> &str {
        self.address.shown()
    }

    /// A description in JSON; its status and words when the server refuses it.
    pub(crate) fn describe(&self, path: &str, limit: Duration) -> Result<Value, ServerError> {
        let request = Request::get(self.address.of(path));
        let request = self.with_token(request).body(());
        let answer = self.send(request, limit, MOST_DESCRIPTION_BYTES)?;
        serde_json::from_slice(&answer.body).map_err(|error| ServerError::Nonsense {
            reason: format!("{path} is no JSON ({error})"),
        })
    }

    /// Sends `body`, with the length of its JSON when tensors follow it.
    pub(crate) fn post(
        &self,
        path: &str,
        body: &[u8],
        json_length: Option<usize>,
        limit: Duration,
    ) -> Result<Answer, ServerError> {
        let mut request = Request::post(self.address.of(path));
        request = match json_length {
            Some(length) => request
                .header(JSON_LENGTH, length)
                .header("content-type", "application/octet-stream"),
            None => request.header("content-type", "application/json"),
        };
        let request = self.with_token(request).body(body);
        self.send(request, limit, MOST_BYTES)
    }

    fn with_token(&self, request: ureq::http::request::Builder) -> ureq::http::request::Builder {
        match &self.settings.token {
            Some(token) => request.header("authorization", token.bearer()),
            None => request,
        }
    }

    fn send<B: AsSendBody>(
        &self,
        request: Result<Request<B>, ureq::http::Error>,
        limit: Duration,
        most_bytes: u64,
    ) -> Result<Answer, ServerError> {
        let failed = |error: ureq::Error| self.failed(&error, limit);
        let request = request.map_err(|error| failed(error.into()))?;
        let request = self.agent.configure_request(request);
        let request = request.timeout_global(Some(limit)).build();
        let (parts, mut body) = self.agent.run(request).map_err(failed)?.into_parts();
        let body = body
            .with_config()
            .limit(most_bytes)
            .read_to_vec()
            .map_err(failed)?;
        let status = parts.status.as_u16();
        match status {
            200..=299 => Ok(Answer {
                headers: parts.headers,
                body,
            }),
            401 | 403 => Err(ServerError::Denied { status }),
            _ => Err(ServerError::Status {
                status,
                said: words(&body),
            }),
        }
    }

    /// The failure of a request without a whole answer.
    fn failed(&self, error: &ureq::Error, limit: Duration) -> ServerError {
        use ureq::Error;
        match error {
            Error::Timeout(_) => ServerError::Slow {
                limit_s: limit.as_secs_f64().ceil() as u64,
            },
            error if is_refusal(error) => ServerError::PlainHttp {
                host: self.shown().to_owned(),
            },
            Error::HostNotFound => unreachable("there is no such host, or no network"),
            Error::BodyExceedsLimit(bytes) => ServerError::Nonsense {
                reason: format!("its answer is longer than {bytes} bytes"),
            },
            Error::Protocol(error) => ServerError::Nonsense {
                reason: format!("its answer is not HTTP ({error})"),
            },
            other => unreachable(&other.to_string()),
        }
    }
}

fn unreachable(reason: &str) -> ServerError {
    ServerError::Unreachable {
        reason: reason.trim_end_matches('.').to_owned(),
    }
}

/// The beginning of a server's own words, on one line.
fn words(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line
        .chars()
        .filter(|c| !c.is_control())
        .take(MOST_WORDS)
        .collect();
    if line.is_empty() {
        return "without a word".to_owned();
    }
    line.trim_end_matches('.').to_owned()
}
