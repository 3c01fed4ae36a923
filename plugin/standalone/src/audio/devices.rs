//! The list of devices that the user chooses from.

use super::device::Device;
use super::error::{AudioError, Direction};
use super::{jack, system};

/// All devices.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Devices {
    /// Devices that audio comes from.
    pub inputs: Vec<Device>,
    /// Devices that a file can be played through.
    pub outputs: Vec<Device>,
}

impl Devices {
    /// Asks the system and a JACK server for their devices; too slow for a thread that draws.
    #[must_use]
    pub(crate) fn list() -> Self {
        let all = |direction| {
            let mut devices = jack::devices(direction);
            devices.extend(system::devices(direction));
            devices
        };
        Self {
            inputs: all(Direction::Input),
            outputs: all(Direction::Output),
        }
    }

    /// The devices for one direction.
    #[must_use]
    pub(crate) fn of(&self, direction: Direction) -> &[Device] {
        match direction {
            Direction::Input => &self.inputs,
            Direction::Output => &self.outputs,
        }
    }

    /// The id of the device with this id, with this id of the system's, or with this name in upper or lower
    /// case.
    ///
    /// # Errors
    /// [`AudioError::Unknown`], when there is none.
    pub(crate) fn find(&self, name: &str, direction: Direction) -> Result<String, AudioError> {
        let devices = self.of(direction);
        let bare_id = |device: &Device| {
            let id = device.id.split_once(':').map_or("", |(_, id)| id);
            id == name
        };
        let by_id = devices.iter().find(|device| device.id == name);
        let found = by_id
            .or_else(|| devices.iter().find(|device| bare_id(device)))
            .or_else(|| {
                let same_name = |device: &&Device| device.name.eq_ignore_ascii_case(name);
                devices.iter().find(same_name)
            });
        found
            .map(|device| device.id.clone())
            .ok_or_else(|| AudioError::Unknown {
                name: name.to_owned(),
                direction,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::Backend;

    #[test]
    fn a_device_is_found_by_id_by_the_systems_id_and_by_name() {
        let device = |id: &str, name: &str| Device {
            id: id.to_owned(),
            name: name.to_owned(),
            backend: Backend::System,
            is_adapter: false,
        };
        let devices = Devices {
            inputs: vec![
                device("jack:system", "JACK's sound card"),
                device("alsa:hw:CARD=USB,DEV=0", "USB Audio"),
                device("alsa:default", "Default"),
            ],
            outputs: Vec::new(),
        };
        for (name, id) in [
            ("alsa:default", "alsa:default"),
            ("hw:CARD=USB,DEV=0", "alsa:hw:CARD=USB,DEV=0"),
            ("usb audio", "alsa:hw:CARD=USB,DEV=0"),
            ("system", "jack:system"),
        ] {
            assert_eq!(devices.find(name, Direction::Input).as_deref(), Ok(id));
        }
        let error = devices
            .find("Moon", Direction::Input)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("'Moon'") && error.contains("--list-devices"),
            "{error}"
        );
        assert!(devices.find("default", Direction::Output).is_err());
    }
}
