//! Addresses of OSC receivers: on this machine or in the user's own network, and nowhere else.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The receiver unless the user chooses another: this machine, at the port that most OSC receivers
/// suggest.
pub const DEFAULT: &str = "127.0.0.1:9000";

/// The longest text of an address, in bytes.
const LONGEST: usize = 64;

/// Why a text is not the address of a receiver.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is not an address.
    #[error("OSC: “{0}” is not an address; write it like {DEFAULT} or [::1]:9000.")]
    Unreadable(String),
    /// It has no port, or port 0.
    #[error("OSC: “{0}” has no port to send to; write it like {DEFAULT}.")]
    NoPort(String),
    /// It is the unspecified address.
    #[error("OSC: “{0}” is no receiver; this machine is {DEFAULT}.")]
    Unspecified(String),
    /// It stands for many receivers.
    #[error("OSC: “{0}” is an address of many receivers; name one of them.")]
    Many(String),
    /// It is on the internet.
    #[error(
        "OSC: “{0}” is on the internet; results go to this machine or your own network only, such \
         as {DEFAULT} or 192.168.1.20:9000."
    )]
    Foreign(String),
}

/// Reads an address: an IP address or `localhost`, and a port. No name is ever looked up.
///
/// ```
/// use mertscope_export::osc::{AddressError, parse};
///
/// assert_eq!(parse("localhost:57120")?.port(), 57120);
/// assert!(matches!(parse("127.0.0.1"), Err(AddressError::NoPort(_))));
/// # Ok::<(), AddressError>(())
/// ```
///
/// # Errors
/// [`AddressError`], unless it is one receiver on this machine or in a private network.
pub fn parse(text: &str) -> Result<SocketAddr, AddressError> {
    let text = text.trim();
    let shown = || -> String { text.chars().take(LONGEST).collect() };
    if text.len() > LONGEST {
        return Err(AddressError::Unreadable(shown()));
    }
    let local = text
        .strip_prefix("localhost:")
        .map(|port| format!("127.0.0.1:{port}"));
    let numbers = local.as_deref().unwrap_or(text);
    let Ok(address) = numbers.parse::<SocketAddr>() else {
        let no_port = text == "localhost" || text.parse::<IpAddr>().is_ok();
        return Err(if no_port {
            AddressError::NoPort(shown())
        } else {
            AddressError::Unreadable(shown())
        });
    };
    if address.port() == 0 {
        return Err(AddressError::NoPort(shown()));
    }
    let ip = address.ip().to_canonical();
    if ip.is_unspecified() {
        return Err(AddressError::Unspecified(shown()));
    }
    if ip.is_multicast() || ip == IpAddr::V4(Ipv4Addr::BROADCAST) {
        return Err(AddressError::Many(shown()));
    }
    let near = match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local() || shared(ip),
        IpAddr::V6(ip) => ip.is_loopback() || unique_local(ip) || ip.is_unicast_link_local(),
    };
    if near {
        Ok(address)
    } else {
        Err(AddressError::Foreign(shown()))
    }
}

/// RFC 6598, 100.64.0.0/10: addresses of providers' and private overlay networks.
fn shared(ip: Ipv4Addr) -> bool {
    let [first, second, ..] = ip.octets();
    first == 100 && second & 0xC0 == 64
}

/// RFC 4193, fc00::/7.
fn unique_local(ip: Ipv6Addr) -> bool {
    ip.segments()[0] & 0xFE00 == 0xFC00
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_and_the_users_network_are_taken() {
        for text in [
            DEFAULT,
            " 127.0.0.1:9000 ",
            "localhost:57120",
            "[::1]:9000",
            "10.0.0.7:8000",
            "172.16.4.4:1",
            "192.168.1.20:65535",
            "169.254.3.4:9000",
            "100.100.1.1:9000",
            "[fd00::5]:9000",
            "[fe80::1]:9000",
        ] {
            assert!(parse(text).is_ok(), "{text}: {:?}", parse(text));
        }
    }

    #[test]
    fn everything_else_gets_a_sentence() {
        let long = "9".repeat(10_000);
        for (text, words) in [
            ("", "not an address"),
            ("studio.local:9000", "not an address"),
            ("127.0.0.1:99999", "not an address"),
            ("127.0.0.1:-1", "not an address"),
            ("http://127.0.0.1:9000", "not an address"),
            ("127.0.0.1:9000\u{0}", "not an address"),
            (&long, "not an address"),
            ("127.0.0.1", "no port"),
            ("localhost", "no port"),
            ("127.0.0.1:0", "no port"),
            ("0.0.0.0:9000", "no receiver"),
            ("[::]:9000", "no receiver"),
            ("255.255.255.255:9000", "many receivers"),
            ("224.0.0.1:9000", "many receivers"),
            ("[ff02::1]:9000", "many receivers"),
            ("[::ffff:224.0.0.1]:9000", "many receivers"),
            ("8.8.8.8:53", "internet"),
            ("[2606:4700::1]:9000", "internet"),
            ("[::ffff:8.8.8.8]:9000", "internet"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
            assert!(error.len() < 300, "{error}");
        }
    }
}
