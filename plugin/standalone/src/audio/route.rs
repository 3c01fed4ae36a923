//! Which devices a choice leads to, and which can stand in for them.

use super::error::AudioError;
use super::jack;
use crate::choice::{AudioChoice, AudioSource, Backend, Channels};

/// A device: the way to it and its id; without one the default device of that way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    pub backend: Backend,
    pub id: Option<String>,
}

impl Route {
    fn default_of(backend: Backend) -> Self {
        Self { backend, id: None }
    }

    /// Where a choice leads, best first: more than one place only where the user left it open.
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

    /// What can stand in while none of `wanted` is to be had, best first.
    pub(super) fn instead(choice: &AudioChoice, wanted: &[Self], error: &AudioError) -> Vec<Self> {
        let mut instead = Vec::new();
        // The device is there, only not with these settings.
        if error.is_about_settings() {
            instead.extend(wanted.first().cloned());
        }
        let mut ways = vec![Backend::Jack, Backend::System];
        if choice.source == AudioSource::File {
            ways.push(Backend::None);
        }
        let defaults = ways.into_iter().map(Self::default_of);
        instead.extend(defaults.filter(|route| !wanted.contains(route)));
        instead
    }

    /// The choice without what only suits the device it was made for.
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

    fn ways(routes: &[Route]) -> Vec<(Backend, Option<&str>)> {
        routes
            .iter()
            .map(|route| (route.backend, route.id.as_deref()))
            .collect()
    }

    #[test]
    fn only_an_open_choice_leads_to_several_places() {
        let mut choice = AudioChoice::default();
        let jack = (Backend::Jack, None);
        let system = (Backend::System, None);
        assert_eq!(ways(&Route::wanted(&choice)), [jack, system]);
        choice.source = AudioSource::File;
        let unheard = (Backend::None, None);
        assert_eq!(ways(&Route::wanted(&choice)), [jack, system, unheard]);
        choice.output = Some("alsa:hw:1".to_owned());
        let card = (Backend::System, Some("alsa:hw:1"));
        assert_eq!(ways(&Route::wanted(&choice)), [card]);
        choice.backend = Some(Backend::None);
        assert_eq!(ways(&Route::wanted(&choice)), [unheard]);
    }

    #[test]
    fn what_stands_in_is_something_else_or_the_same_with_other_settings() {
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
        assert_eq!(ways(&Route::instead(&choice, &wanted, &gone)), defaults);
        let rate = AudioError::Rate {
            device: "mixer".to_owned(),
            rate_hz: 1,
            offered: String::new(),
        };
        let first = &Route::instead(&choice, &wanted, &rate)[0];
        assert_eq!(first, &wanted[0]);
    }
}
