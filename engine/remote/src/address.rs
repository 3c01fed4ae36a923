//! Addresses: https, or plain http to this machine and to private networks. A name is judged by the addresses that it
//! resolves to, at the moment of the connection.

use std::net::IpAddr;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use crate::ServerError;

/// A server's address.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    uri: Uri,
    /// With its path, without a slash at its end.
    base: String,
}

/// Checks that `url` is the address of a server that may be used.
///
/// # Errors
/// [`ServerError::NoAddress`], [`ServerError::Address`] and [`ServerError::PlainHttp`].
pub fn check(url: &str) -> Result<(), ServerError> {
    Address::parse(url).map(|_| ())
}

impl Address {
    pub(crate) fn parse(text: &str) -> Result<Self, ServerError> {
        let text = text.trim();
        let invalid = |url: &str, reason: &str| ServerError::Address {
            url: url.to_owned(),
            reason: reason.to_owned(),
        };
        if text.is_empty() {
            return Err(ServerError::NoAddress);
        }
        if text.contains('@') {
            // A user name and a password would end up in messages.
            return Err(invalid(
                "…@…",
                "it holds a user name; use MERTSCOPE_SERVER_TOKEN",
            ));
        }
        if text.contains(['?', '#']) {
            return Err(invalid(text, "it holds a query"));
        }
        let uri: Uri = text
            .parse()
            .map_err(|_| invalid(text, "it can't be parsed"))?;
        let host = uri.host().unwrap_or_default().to_owned();
        let base = text.trim_end_matches('/').to_owned();
        let address = Self { uri, base };
        match address.uri.scheme_str() {
            _ if host.is_empty() => Err(invalid(text, "it names no host")),
            Some("https") => Ok(address),
            Some("http") => match bare(&host).parse::<IpAddr>() {
                Ok(ip) if !is_near(ip) => Err(ServerError::PlainHttp { host }),
                _ => Ok(address),
            },
            _ => Err(invalid(text, "it is neither https nor http")),
        }
    }

    /// Whether it is reached without encryption.
    pub(crate) fn is_plain(&self) -> bool {
        self.uri.scheme_str() == Some("http")
    }

    /// Scheme, host and port, for messages.
    pub(crate) fn shown(&self) -> &str {
        &self.base
    }

    /// The address of a path there.
    pub(crate) fn of(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }
}

fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

/// Whether an address is this machine's, or of a private network.
fn is_near(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(ip) => is_near(IpAddr::V4(ip)),
            None => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
        },
    }
}

/// Resolves names as usual; for a server that is reached without encryption it refuses those that lead to the internet.
/// The proxy on the way to an https server is resolved by it too, and may be anywhere: it sees only encrypted bytes.
#[derive(Debug)]
pub(crate) struct NearResolver {
    /// Whether the server is reached without encryption.
    pub(crate) is_plain: bool,
}

/// The message of a refused name, as [`is_refusal`] finds it again.
const FAR: &str = "plain HTTP to the internet";

/// Whether an error of the client's is a name that [`NearResolver`] refused.
pub(crate) fn is_refusal(error: &ureq::Error) -> bool {
    matches!(error, ureq::Error::Io(io) if io.to_string() == FAR)
}

impl Resolver for NearResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = DefaultResolver::default().resolve(uri, config, timeout)?;
        let is_far = found.iter().any(|address| !is_near(address.ip()));
        if is_far && self.is_plain {
            return Err(ureq::Error::Io(std::io::Error::other(FAR)));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_and_private_networks() {
        for allowed in [
            "http://127.0.0.1:8000",
            "http://localhost:8000/",
            "http://10.1.2.3:8000",
            "http://172.16.0.1",
            "http://192.168.1.20:8000/path",
            "http://[::1]:8000",
            "http://[fd00::7]:8000",
            "https://gpu.example",
            "https://8.8.8.8:8000",
        ] {
            assert!(Address::parse(allowed).is_ok(), "{allowed}");
        }
        for plain in [
            "http://8.8.8.8:8000",
            "http://172.32.0.1",
            "http://[2001:db8::1]",
        ] {
            let refused = Address::parse(plain).unwrap_err();
            assert!(
                matches!(refused, ServerError::PlainHttp { .. }),
                "{plain}: {refused}"
            );
        }
        let missing = Address::parse(" ").unwrap_err();
        assert!(matches!(missing, ServerError::NoAddress), "{missing}");
        for invalid in [
            "gpu",
            "ftp://gpu",
            "https://",
            "http://a b",
            "http://gpu/?x=1",
        ] {
            let refused = Address::parse(invalid).unwrap_err();
            assert!(
                matches!(refused, ServerError::Address { .. }),
                "{invalid}: {refused}"
            );
        }
        let secret = Address::parse("http://me:word@127.0.0.1").unwrap_err();
        assert!(!secret.to_string().contains("word"), "{secret}");
    }

    #[test]
    fn a_proxy_on_the_way_to_an_encrypted_server_may_be_anywhere() {
        let proxy: Uri = "http://8.8.8.8:3128".parse().unwrap();
        let resolved = |is_plain: bool| {
            let timeout = NextTimeout {
                after: std::time::Duration::from_secs(1).into(),
                reason: ureq::Timeout::Resolve,
                ..NextTimeout::default()
            };
            NearResolver { is_plain }.resolve(&proxy, &Config::default(), timeout)
        };
        assert!(resolved(false).is_ok());
        assert!(is_refusal(&resolved(true).unwrap_err()));
    }

    #[test]
    fn a_path_follows_the_address_with_one_slash() {
        let address = Address::parse("http://127.0.0.1:8000/models/").unwrap();
        assert_eq!(address.of("v2"), "http://127.0.0.1:8000/models/v2");
    }
}
