//! Requests to the hub, with redirects followed here, so that the token goes to the hub alone.

use std::sync::Arc;
use std::time::Duration;

use ureq::http::{HeaderMap, Method, Request, Response};
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Body};

use super::address::Address;
use super::progress::Stop;
use super::{HubError, Settings};

/// The most redirects per request; the hub's own library allows the same number.
const MAX_REDIRECTS: usize = 10;
/// Pauses between attempts; after the last one a request has failed.
pub(super) const PAUSES: [Duration; 4] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];
/// The longest pause that a server may ask for.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// Sends requests to the hub and to the servers of its redirects.
pub(super) struct Client {
    agent: Agent,
    endpoint: Address,
    settings: Settings,
    stop: Stop,
}

/// An answer with a status of success, or a redirect whose headers hold the wanted facts.
pub(super) struct Answer {
    /// 200 or 206; a redirect's status such as 302 for [`Client::head`].
    pub status: u16,
    pub headers: HeaderMap,
    /// The commit that the hub itself named on the way.
    pub commit: Option<String>,
    /// The commit that another server named, to which the hub redirected.
    pub foreign_commit: Option<String>,
    pub body: Body,
    /// The host that answered, for messages.
    pub host: String,
    /// The address of its server, without a path.
    pub server: String,
}

/// A failed request.
pub(super) struct Failure {
    pub error: HubError,
    /// Whether another attempt may succeed.
    pub retry: bool,
    /// The pause that the server asks for.
    pub after: Option<Duration>,
}

impl From<HubError> for Failure {
    fn from(error: HubError) -> Self {
        Self {
            error,
            retry: false,
            after: None,
        }
    }
}

impl Client {
    /// A client that shuts down when the job is stopped.
    pub(crate) fn new(settings: &Settings, stop: &Stop) -> Result<Self, HubError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(RootCerts::PlatformVerifier)
            .unversioned_rustls_crypto_provider(provider)
            .build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(concat!("mertscope/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(settings.connect_timeout))
            .timeout_recv_response(Some(settings.connect_timeout))
            .timeout_per_read(Some(settings.read_timeout))
            .timeout_per_write(Some(settings.read_timeout))
            .build()
            .new_agent();
        stop.watch(&agent);
        Ok(Self {
            agent,
            endpoint: Address::parse(&settings.endpoint)?,
            settings: settings.clone(),
            stop: stop.clone(),
        })
    }

    /// The address of a repository's file.
    pub(crate) fn address(
        &self,
        repo: &str,
        revision: &str,
        file: &str,
    ) -> Result<Address, HubError> {
        let endpoint = &self.settings.endpoint;
        Address::parse(&format!("{endpoint}/{repo}/resolve/{revision}/{file}"))
    }

    /// The hub's host, for messages.
    pub(crate) fn host(&self) -> String {
        self.endpoint.host()
    }

    /// The headers of a file, without its content.
    pub(crate) fn head(&self, repo: &str, address: &Address) -> Result<Answer, Failure> {
        self.follow(Method::HEAD, repo, address, &[])
    }

    /// A file's content, or a part of it with a `Range` header.
    pub(crate) fn get(
        &self,
        repo: &str,
        address: &Address,
        headers: &[(&str, String)],
    ) -> Result<Answer, Failure> {
        self.follow(Method::GET, repo, address, headers)
    }

    fn follow(
        &self,
        method: Method,
        repo: &str,
        address: &Address,
        headers: &[(&str, String)],
    ) -> Result<Answer, Failure> {
        let mut address = address.clone();
        let (mut commit, mut foreign_commit) = (None, None);
        for _ in 0..=MAX_REDIRECTS {
            let is_hub = address.same_server(&self.endpoint);
            let response = self.once(method.clone(), &address, is_hub, headers)?;
            let (parts, body) = response.into_parts();
            let status = parts.status.as_u16();
            let named = text(&parts.headers, "x-repo-commit");
            if is_hub {
                commit = commit.or(named);
            } else {
                foreign_commit = foreign_commit.or(named);
            }
            let has_facts = method == Method::HEAD && parts.headers.contains_key("x-linked-etag");
            let answer = Answer {
                status,
                headers: parts.headers,
                commit: commit.clone(),
                foreign_commit: foreign_commit.clone(),
                body,
                host: address.host(),
                server: address.server(),
            };
            if parts.status.is_redirection() && !has_facts {
                let location = text(&answer.headers, "location").unwrap_or_default();
                address = address.redirect(&location)?;
                continue;
            }
            if parts.status.is_success() || parts.status.is_redirection() {
                return Ok(answer);
            }
            return Err(self.refused(repo, &address, is_hub, &answer));
        }
        let host = self.host();
        Err(HubError::Redirects { host }.into())
    }

    fn once(
        &self,
        method: Method,
        address: &Address,
        is_hub: bool,
        headers: &[(&str, String)],
    ) -> Result<Response<Body>, Failure> {
        let mut request = Request::builder()
            .method(method)
            .uri(address.uri())
            // Lengths and hashes are those of the file itself.
            .header("accept-encoding", "identity");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        if let Some(token) = self.settings.token.as_ref().filter(|_| is_hub) {
            request = request.header("authorization", token.bearer());
        }
        let failed = |error| self.failed(address, &error);
        let request = request.body(()).map_err(|error| failed(error.into()))?;
        if address.is_loopback() {
            // Without a proxy, which would be another machine, reached unencrypted.
            let request = self.agent.configure_request(request).proxy(None).build();
            return self.agent.run(request).map_err(failed);
        }
        self.agent.run(request).map_err(failed)
    }

    /// The failure of a request without an answer.
    fn failed(&self, address: &Address, error: &ureq::Error) -> Failure {
        use ureq::Error;
        if self.stop.is_stopped() {
            return HubError::Stopped.into();
        }
        let retry = matches!(
            error,
            Error::Io(_) | Error::Timeout(_) | Error::HostNotFound | Error::ConnectionFailed
        );
        let reason = match error {
            Error::Timeout(_) => "it does not answer in time".to_owned(),
            Error::HostNotFound => "there is no such host, or no network".to_owned(),
            other => other.to_string(),
        };
        let host = address.host();
        Failure {
            error: HubError::Network { host, reason },
            retry,
            after: None,
        }
    }

    /// The failure of a request that a server refused.
    fn refused(&self, repo: &str, address: &Address, is_hub: bool, answer: &Answer) -> Failure {
        let (status, host) = (answer.status, address.host());
        let code = text(&answer.headers, "x-error-code").unwrap_or_default();
        let seconds = text(&answer.headers, "retry-after").and_then(|s| s.parse().ok());
        let after = seconds.map(|s| Duration::from_secs(s).min(MAX_PAUSE));
        let url = address.shown();
        let (error, retry) = match status {
            401 | 403 if is_hub => {
                let denied = HubError::Denied {
                    repo: repo.to_owned(),
                    status,
                    gated: code == "GatedRepo",
                    token: self.settings.token.is_some(),
                };
                (denied, false)
            }
            404 | 410 => (HubError::NotFound { url }, false),
            429 => (HubError::TooMany { host }, true),
            // On other servers a signed address may have expired; the next attempt gets a new one.
            401 | 403 => (HubError::Status { host, status }, true),
            _ => (HubError::Status { host, status }, status >= 500),
        };
        Failure {
            error,
            retry,
            after,
        }
    }

    /// Repeats `request` until it succeeds, fails for good, or has failed once per pause.
    pub(crate) fn with_retries<T>(
        &self,
        mut request: impl FnMut() -> Result<T, Failure>,
    ) -> Result<T, HubError> {
        let mut pauses = PAUSES.iter();
        loop {
            match request() {
                Ok(answer) => return Ok(answer),
                Err(failure) => match pauses.next() {
                    Some(pause) if failure.retry => {
                        self.stop.pause(failure.after.unwrap_or(*pause))?;
                    }
                    _ => return Err(failure.error),
                },
            }
        }
    }
}

/// A header's value, if it is present and text.
pub(super) fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.trim().to_owned())
}

/// A header's value as a number.
pub(super) fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    text(headers, name)?.parse().ok()
}
