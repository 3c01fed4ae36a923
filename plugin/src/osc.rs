//! One instance's OSC messages: off until the user or a project switches them on, sent by the
//! engine's worker after each new snapshot.
//!
//! Loading a project opens no socket; the worker opens it once the instance is active.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

use mertscope_audio::Notice;
use mertscope_export::osc::{self, AddressError, Sender};
use mertscope_live::Snapshot;
use mertscope_model::lock;
use mertscope_ui::host::OscStatus;
use mertscope_ui::state::OscChoice;

/// See the module.
#[derive(Default)]
pub(crate) struct Osc {
    inner: Mutex<OscState>,
    number: OnceLock<u32>,
}

#[derive(Default)]
struct OscState {
    choice: OscChoice,
    sender: Option<Sender>,
    error: Option<String>,
    closed: bool,
}

impl Osc {
    /// Applies a choice, from the next snapshot on.
    ///
    /// # Errors
    /// [`AddressError`], when messages can't be sent to the address; nothing is sent then.
    pub(crate) fn set(&self, choice: OscChoice) -> Result<(), AddressError> {
        let checked = osc::parse(&choice.address).map(|_| ());
        let mut inner = lock(&self.inner);
        if inner.choice != choice {
            inner.sender = None;
            inner.error = checked.as_ref().err().map(ToString::to_string);
            inner.choice = choice;
        }
        checked
    }

    /// Sends the new results in `snapshot`, if OSC is on. Called on the engine's worker; never waits.
    pub(crate) fn follow(&self, snapshot: &Snapshot) {
        let mut inner = lock(&self.inner);
        if inner.closed || !inner.choice.enabled {
            return;
        }
        if inner.sender.is_none() && inner.error.is_none() {
            let instance = self.instance(&inner.choice);
            inner.open(&instance, snapshot);
        }
        if let Some(sender) = &mut inner.sender {
            sender.follow(snapshot);
        }
    }

    /// The counts of messages, and the last error.
    pub(crate) fn status(&self) -> OscStatus {
        let inner = lock(&self.inner);
        if !inner.choice.enabled {
            return OscStatus::default();
        }
        let sent = inner.sender.as_ref().map(Sender::sent);
        OscStatus {
            messages: sent.map_or(0, |sent| sent.messages),
            failed: sent.map_or(0, |sent| sent.failed),
            notice: inner
                .error
                .clone()
                .or_else(|| sent.and_then(|sent| sent.error.clone()))
                .map(Notice::error),
        }
    }

    /// Stops sending for good.
    pub(crate) fn close(&self) {
        let mut inner = lock(&self.inner);
        inner.closed = true;
        inner.sender = None;
    }

    /// The name from the user, or a number: sending instances are counted in this process.
    fn instance(&self, choice: &OscChoice) -> String {
        static NUMBERS: AtomicU32 = AtomicU32::new(1);
        let name = choice.name.trim();
        if name.is_empty() {
            let next = || NUMBERS.fetch_add(1, Ordering::Relaxed);
            self.number.get_or_init(next).to_string()
        } else {
            name.to_owned()
        }
    }
}

impl OscState {
    fn open(&mut self, instance: &str, snapshot: &Snapshot) {
        let opened = osc::parse(&self.choice.address)
            .map_err(|error| error.to_string())
            .and_then(|to| {
                Sender::open(to, instance, snapshot).map_err(|error| {
                    format!(
                        "OSC: the system can't send to {to} ({error}). Change the address, or \
                         switch OSC off."
                    )
                })
            });
        match opened {
            Ok(sender) => self.sender = Some(sender),
            Err(error) => self.error = Some(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(enabled: bool, address: &str) -> OscChoice {
        OscChoice {
            enabled,
            address: address.to_owned(),
            ..OscChoice::default()
        }
    }

    #[test]
    fn a_wrong_address_gives_a_notice_and_sends_nothing_until_it_is_corrected() {
        let osc = Osc::default();
        assert!(osc.set(choice(true, "everywhere")).is_err());
        osc.follow(&Snapshot::default());
        let status = osc.status();
        assert!(status.notice.unwrap().text.contains("everywhere"));
        assert_eq!((status.messages, status.failed), (0, 0));

        let receiver = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = receiver.local_addr().unwrap().to_string();
        osc.set(choice(true, &address)).unwrap();
        osc.follow(&Snapshot::default());
        assert_eq!(osc.status().messages, 1);
        assert!(receiver.recv(&mut [0; 512]).unwrap() > 0);

        osc.set(choice(false, &address)).unwrap();
        osc.follow(&Snapshot::default());
        assert_eq!(osc.status(), OscStatus::default());
    }
}
