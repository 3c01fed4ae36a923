//! Routes: the devices that a choice leads to, and those that can stand in for them.

use super::error::AudioError;
use super::jack;
use crate::choice::{AudioChoice, AudioSource, Backend, Channels};

/// A backend and the id of a device; without an id the backend's default device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    pub backend: Backend,
    pub id: Option<String>,
}

impl Route {
    fn default_of(backend: Backend) -> Self {
        Self { backend, id: None }
    }

    /// The routes of a choice, best first; more than one only when the user left the backend open.
    pub(super) fn wanted(choice: &AudioChoice) -> Vec<Self> {
        let id = match choice.source {
            AudioSource::Input => &choice.input,
            AudioSource::File => &choice.output,
        };
        match (choice.backend, id) {
            (Some(Backend::None), _) => vec![Self::default_of(Backend::None)],
            (_, Some(id)) => {
                let is_jack = id.starts_with(jack::ID_PREFIX);
                vec![Self {
                    backend: if is_jack {
                        Backend::Jack
                    } else {
                        Backend::System
                    },
                    id: Some(id.clone()),
                }]
            }
            (Some(backend), None) => vec![Self::default_of(backend)],
            (None, None) => {
                let mut open = vec![Backend::Jack, Backend::System];
                if choice.source == AudioSource::File {
                    open.push(Backend::None);
                }
                open.into_iter().map(Self::default_of).collect()
            }
        }
    }

    /// The routes that can stand in while none of `wanted` can be opened, best first.
    pub(super) fn instead(choice: &AudioChoice, wanted: &[Self], error: &AudioError) -> Vec<Self> {
        let mut instead = Vec::new();
        // The device exists, but not with these settings.
        if error.is_about_settings() {
            instead.extend(wanted.first().cloned());
        }
        let mut backends = vec![Backend::Jack, Backend::System];
        if choice.source == AudioSource::File {
            backends.push(Backend::None);
        }
        let defaults = backends.into_iter().map(Self::default_of);
        instead.extend(defaults.filter(|route| !wanted.contains(route)));
        instead
    }

    /// The choice without the settings that only suit its own device.
    pub(super) fn relaxed(choice: &AudioChoice) -> AudioChoice {
        AudioChoice {
            channels: Channels::default(),
            rate_hz: None,
            buffer_frames: None,
            ..choice.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::Direction;
    use super::*;

    fn pairs(routes: &[Route]) -> Vec<(Backend, Option<&str>)> {
        routes
            .iter()
            .map(|route| (route.backend, route.id.as_deref()))
            .collect()
    }

    #[test]
    fn only_a_choice_without_backend_and_device_has_several_routes() {
        let mut choice = AudioChoice::default();
        let jack = (Backend::Jack, None);
        let system = (Backend::System, None);
        assert_eq!(pairs(&Route::wanted(&choice)), [jack, system]);
        choice.source = AudioSource::File;
        let unheard = (Backend::None, None);
        assert_eq!(pairs(&Route::wanted(&choice)), [jack, system, unheard]);
        choice.output = Some("alsa:hw:1".to_owned());
        let card = (Backend::System, Some("alsa:hw:1"));
        assert_eq!(pairs(&Route::wanted(&choice)), [card]);
        choice.backend = Some(Backend::None);
        assert_eq!(pairs(&Route::wanted(&choice)), [unheard]);
    }

    #[test]
    fn another_device_stands_in_or_the_same_with_other_settings() {
        let choice = AudioChoice {
            input: Some("jack:mixer".to_owned()),
            ..AudioChoice::default()
        };
        let wanted = Route::wanted(&choice);
        let gone = AudioError::Unknown {
            name: "jack:mixer".to_owned(),
            direction: Direction::Input,
        };
        let defaults = [(Backend::Jack, None), (Backend::System, None)];
        assert_eq!(pairs(&Route::instead(&choice, &wanted, &gone)), defaults);
        let rate = AudioError::Rate {
            device: "mixer".to_owned(),
            rate_hz: 1,
            offered: String::new(),
        };
        let first = &Route::instead(&choice, &wanted, &rate)[0];
        assert_eq!(first, &wanted[0]);
    }
}
