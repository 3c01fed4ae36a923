//! The devices that hang, which are not tried again in this process: a thread that waits in their driver
//! can't be ended, and each new trial would leave another one behind.

use std::sync::Mutex;

use crate::lock::lock;

static AVOIDED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// The reason for not trying a device again, a sentence without its full stop.
pub(super) const REASON: &str = "It gave no answer earlier, and is not tried again until this program starts anew. Update its driver, \
     or restart the machine";

/// Records that the device with this name hangs.
pub(crate) fn avoid(name: &str) {
    let mut avoided = lock(&AVOIDED);
    if !avoided.iter().any(|other| other == name) {
        avoided.push(name.to_owned());
    }
}

/// Whether the device with this name hung.
pub(super) fn is_avoided(name: &str) -> bool {
    lock(&AVOIDED).iter().any(|other| other == name)
}
