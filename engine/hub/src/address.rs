//! Addresses: which ones may be requested, and which ones belong to the hub itself.

use std::net::IpAddr;

use ureq::http::Uri;

use super::HubError;

/// An address that may be requested: https, or plain http to this machine itself.
#[derive(Debug, Clone)]
pub(super) struct Address(Uri);

impl Address {
    pub(crate) fn parse(text: &str) -> Result<Self, HubError> {
        let invalid = |reason: &str| HubError::Address {
            url: without_query(text).to_owned(),
            reason: reason.to_owned(),
        };
        let uri: Uri = text.parse().map_err(|_| invalid("it can't be parsed"))?;
        let authority = uri.authority().ok_or_else(|| invalid("it names no host"))?;
        if authority.as_str().contains('@') {
            // The user name and its password would end up in messages.
            return Err(HubError::Address {
                url: "…@…".to_owned(),
                reason: "it holds a user name; use HF_TOKEN".to_owned(),
            });
        }
        let address = Self(uri);
        match address.0.scheme_str() {
            Some("https") => Ok(address),
            Some("http") if address.is_loopback() => Ok(address),
            Some("http") => Err(HubError::PlainHttp {
                host: address.host(),
            }),
            _ => Err(invalid("it is neither https nor http")),
        }
    }

    /// The target of a `Location` header in this address's answer.
    pub(crate) fn redirect(&self, location: &str) -> Result<Self, HubError> {
        let scheme = self.0.scheme_str().unwrap_or_default();
        let base = || self.server();
        let target = if location.contains("://") {
            Self::parse(location)?
        } else if let Some(rest) = location.strip_prefix("//") {
            Self::parse(&format!("{scheme}://{rest}"))?
        } else if location.starts_with('/') {
            Self::parse(&format!("{}{location}", base()))?
        } else {
            let folder = self
                .0
                .path()
                .rsplit_once('/')
                .map_or("", |(folder, _)| folder);
            Self::parse(&format!("{}{folder}/{location}", base()))?
        };
        // A hub elsewhere must not send requests to programs on this machine.
        if target.is_loopback() && !self.is_loopback() {
            return Err(HubError::PlainHttp {
                host: target.host(),
            });
        }
        Ok(target)
    }

    /// Whether both are the same server: scheme, host and port.
    pub(crate) fn same_server(&self, other: &Self) -> bool {
        self.0.scheme() == other.0.scheme()
            && self.host().eq_ignore_ascii_case(&other.host())
            && self.port() == other.port()
    }

    fn port(&self) -> u16 {
        let default = if self.0.scheme_str() == Some("https") {
            443
        } else {
            80
        };
        self.0.port_u16().unwrap_or(default)
    }

    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.host();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost")
            || bare.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    }

    /// The host alone, for messages.
    pub(crate) fn host(&self) -> String {
        self.0.host().unwrap_or_default().to_owned()
    }

    /// The server alone: scheme, host and port.
    pub(crate) fn server(&self) -> String {
        let scheme = self.0.scheme_str().unwrap_or_default();
        format!("{scheme}://{}", self.authority())
    }

    fn authority(&self) -> &str {
        self.0
            .authority()
            .map_or("", |authority| authority.as_str())
    }

    /// The whole address, for the request.
    pub(crate) fn uri(&self) -> &Uri {
        &self.0
    }

    /// The address for messages, without its query, which may be a signature.
    pub(crate) fn shown(&self) -> String {
        without_query(&self.0.to_string()).to_owned()
    }
}

fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for allowed in [
            "https://hub.example/x",
            "http://127.0.0.1:80",
            "http://127.9.9.9/",
            "http://localhost:1",
            "http://[::1]:1/x",
        ] {
            assert!(Address::parse(allowed).is_ok(), "{allowed}");
        }
        for plain in [
            "http://hub.example",
            "http://127.0.0.1.evil.example/",
            "http://localhost.evil.example/",
            "http://10.0.0.1/",
        ] {
            let refused = Address::parse(plain);
            assert!(
                matches!(refused, Err(HubError::PlainHttp { .. })),
                "{plain}"
            );
        }
        for invalid in ["", "hub", "ftp://hub/", "https://", "file:///etc/passwd"] {
            assert!(
                matches!(Address::parse(invalid), Err(HubError::Address { .. })),
                "{invalid}"
            );
        }
        let secret = Address::parse("https://me:hf_secret@hub/").unwrap_err();
        assert!(!secret.to_string().contains("hf_secret"), "{secret}");
    }

    #[test]
    fn redirects_are_resolved_and_never_lead_to_this_machine_from_elsewhere() {
        let base = parse("https://hub.example:8443/a/b?x=1");
        for (location, target) in [
            ("/c?d", "https://hub.example:8443/c?d"),
            ("c", "https://hub.example:8443/a/c"),
            ("//cdn.example/c", "https://cdn.example/c"),
            ("https://cdn.example/c", "https://cdn.example/c"),
        ] {
            assert_eq!(base.redirect(location).unwrap().uri(), target);
        }
        for evil in [
            "http://127.0.0.1/",
            "https://localhost/",
            "http://cdn.example/",
        ] {
            assert!(base.redirect(evil).is_err(), "{evil}");
        }
        assert!(
            parse("http://127.0.0.1:1/")
                .redirect("http://127.0.0.1:2/")
                .is_ok()
        );
    }

    #[test]
    fn a_server_is_scheme_host_and_port() {
        let hub = parse("https://hub.example/api");
        assert!(hub.same_server(&parse("https://HUB.example:443/x")));
        for other in [
            "https://hub.example:444/",
            "https://cdn.hub.example/",
            "https://hub.exampl/",
        ] {
            assert!(!hub.same_server(&parse(other)), "{other}");
        }
        assert_eq!(parse("https://cdn/x?signature=1").shown(), "https://cdn/x");
    }
}
