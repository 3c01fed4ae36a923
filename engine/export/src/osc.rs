//! Results as Open Sound Control messages over UDP, for lights, visuals and other programs.
//!
//! Messages go only to this machine or the user's own network, one datagram each, from a socket that
//! never blocks; a message that can't be sent is counted and dropped. `docs/osc.md` describes the
//! messages. For the engine's worker, never for the audio callback.
//!
//! ```
//! use mertscope_export::osc::{self, Sender};
//! use mertscope_live::Snapshot;
//!
//! let to = osc::parse("127.0.0.1:9000")?;
//! assert!(osc::parse("8.8.8.8:53").is_err());
//! let snapshot = Snapshot::default();
//! let mut sender = Sender::open(to, "guitar", &snapshot)?;
//! assert!(sender.follow(&snapshot)); // The state, once.
//! assert!(!sender.follow(&snapshot));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod messages;

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;

use rosc::{OscPacket, encoder};

use mertscope_live::{Entry, ModelState, Snapshot, State};

pub use address::{AddressError, DEFAULT, parse};

/// Counts of the messages of one sender, and its last error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sent {
    /// Messages that the system accepted.
    pub messages: u64,
    /// Messages that it refused.
    pub failed: u64,
    /// Why the newest message was refused; `None` when it was accepted.
    pub error: Option<String>,
}

/// Sends one stream's results to one receiver.
#[derive(Debug)]
pub struct Sender {
    socket: UdpSocket,
    to: SocketAddr,
    instance: String,
    last: Option<Arc<Entry>>,
    shown: Option<(State, ModelState, u64)>,
    sent: Sent,
}

impl Sender {
    /// A sender to `to`, an address from [`parse`], in the name of `instance`. Results that are in
    /// `snapshot` already are not sent.
    ///
    /// # Errors
    /// When the system gives no socket.
    pub fn open(to: SocketAddr, instance: &str, snapshot: &Snapshot) -> io::Result<Self> {
        let from = match to {
            SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
        };
        let socket = UdpSocket::bind(from)?;
        socket.set_nonblocking(true)?;
        // A connected socket learns that nobody listens. This sends nothing.
        socket.connect(to)?;
        Ok(Self {
            socket,
            to,
            instance: instance.to_owned(),
            last: snapshot.entries_since(None).last().cloned(),
            shown: None,
            sent: Sent::default(),
        })
    }

    /// The receiver's address.
    #[must_use]
    pub const fn to(&self) -> SocketAddr {
        self.to
    }

    /// The counts so far.
    #[must_use]
    pub const fn sent(&self) -> &Sent {
        &self.sent
    }

    /// Sends the news of `snapshot` since the last one: the state, and the messages of each window that
    /// was analyzed since. Returns whether there was any news.
    pub fn follow(&mut self, snapshot: &Snapshot) -> bool {
        let new = snapshot.entries_since(self.last.as_ref());
        let state = (snapshot.state, snapshot.model.state, snapshot.restarts);
        if new.is_empty() && self.shown == Some(state) {
            return false;
        }
        self.shown = Some(state);
        let mut packets = vec![messages::state(&self.instance, snapshot)];
        for entry in new {
            packets.extend(messages::window(&self.instance, snapshot, &entry.timed));
        }
        if let Some(last) = new.last() {
            self.last = Some(Arc::clone(last));
        }
        for packet in &packets {
            self.send(packet);
        }
        true
    }

    fn send(&mut self, packet: &OscPacket) {
        let sent = encoder::encode(packet)
            .map_err(|error| error.to_string())
            .and_then(|bytes| {
                let sent = self.socket.send(&bytes);
                sent.map_err(|error| self.reason(&error))
            });
        match sent {
            Ok(_) => {
                self.sent.messages += 1;
                self.sent.error = None;
            }
            Err(error) => {
                self.sent.failed += 1;
                self.sent.error = Some(error);
            }
        }
    }

    fn reason(&self, error: &io::Error) -> String {
        let to = self.to;
        match error.kind() {
            ErrorKind::ConnectionRefused => {
                format!("OSC: nobody listens at {to}. Start the receiver, or change the address.")
            }
            ErrorKind::WouldBlock => {
                format!("OSC: the network could not keep up, so a message to {to} was left out.")
            }
            ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable => {
                format!("OSC: there is no way to {to}. Check the network, or change the address.")
            }
            ErrorKind::PermissionDenied => format!(
                "OSC: the system does not let messages out to {to}; it may be a broadcast address. \
                 Change the address."
            ),
            _ => format!("OSC: a message to {to} could not be sent ({error})."),
        }
    }
}

#[cfg(test)]
mod tests;
