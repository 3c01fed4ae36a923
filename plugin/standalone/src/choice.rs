//! The user's choice of audio: source, device and rate.
//!
//! A choice is what is wanted, whether or not it is to be had: what is used in its place meanwhile
//! never gets into it. Plain data, no audio.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Highest channel number that can be chosen; JACK and sound cards have fewer.
const LAST_CHANNEL: u16 = 256;

/// Everything about the audio that is chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct AudioChoice {
    /// What is listened to.
    pub source: AudioSource,
    /// The way to the devices; `None` is JACK while its server runs, else the system's own.
    pub backend: Option<Backend>,
    /// The input device by its id; `None` is the default one.
    pub input: Option<String>,
    /// The output device that a file is heard through, by its id; `None` is the default one.
    pub output: Option<String>,
    /// Which channels of the input device.
    pub channels: Channels,
    /// Samples per second; `None` is what the device, or the file, has.
    pub rate_hz: Option<u32>,
    /// Frames in a block; `None` leaves it to the device.
    pub(crate) buffer_frames: Option<u32>,
    /// The audio file that is played.
    pub file: Option<PathBuf>,
    /// Whether the file begins anew at its end.
    pub repeat: bool,
    /// How loud the file is played, 0 to 1. What is analyzed doesn't change with it.
    pub(crate) volume: f32,
}

impl Default for AudioChoice {
    fn default() -> Self {
        Self {
            source: AudioSource::Input,
            backend: None,
            input: None,
            output: None,
            channels: Channels::default(),
            rate_hz: None,
            buffer_frames: None,
            file: None,
            repeat: false,
            volume: 1.0,
        }
    }
}

/// What is listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AudioSource {
    /// An input device.
    Input,
    /// A file.
    File,
}

/// A way to audio devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Backend {
    /// A JACK server, PipeWire's among them.
    Jack,
    /// The system's own: ALSA on Linux, `CoreAudio` on macOS, WASAPI on Windows.
    System,
    /// No device: a file plays unheard, on the computer's clock.
    None,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jack => "JACK",
            Self::System if cfg!(target_os = "macos") => "CoreAudio",
            Self::System if cfg!(windows) => "WASAPI",
            Self::System => "ALSA",
            Self::None => "no device",
        })
    }
}

/// One channel of a device, or two neighbors; written `3` or `1-2`, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Channels {
    /// Index of the first, from 0.
    pub first: u16,
    /// 1 or 2.
    pub count: u16,
}

impl Default for Channels {
    fn default() -> Self {
        Self { first: 0, count: 2 }
    }
}

impl Channels {
    /// Channels that a device must have at least.
    #[must_use]
    pub(crate) fn needed(self) -> u16 {
        self.first + self.count
    }
}

impl fmt::Display for Channels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.first + 1;
        match self.count {
            1 => write!(f, "{first}"),
            _ => write!(f, "{first}-{}", first + 1),
        }
    }
}

impl FromStr for Channels {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.trim().parse::<u16>().ok();
        let (first, last) = match text.split_once('-') {
            Some((first, last)) => (number(first), number(last)),
            None => (number(text), number(text)),
        };
        match (first, last) {
            (Some(first @ 1..), Some(last))
                if last <= LAST_CHANNEL && (last == first || last == first + 1) =>
            {
                Ok(Self {
                    first: first - 1,
                    count: last - first + 1,
                })
            }
            _ => Err(format!(
                "'{text}' is neither one channel, such as 1, nor a pair of neighbors, such as 1-2"
            )),
        }
    }
}

impl Serialize for Channels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Channels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_one_or_two_neighbors() {
        for (text, first, count) in [("1-2", 0, 2), ("1", 0, 1), ("7-8", 6, 2), (" 3 ", 2, 1)] {
            let channels: Channels = text.parse().unwrap();
            assert_eq!((channels.first, channels.count), (first, count), "{text}");
            assert_eq!(channels.to_string(), text.trim());
            assert_eq!(channels.needed(), first + count);
        }
        for nonsense in [
            "",
            "0",
            "0-1",
            "1-3",
            "2-1",
            "a",
            "1-",
            "65535-65536",
            "999",
        ] {
            assert!(nonsense.parse::<Channels>().is_err(), "{nonsense}");
        }
    }

    #[test]
    fn a_choice_of_an_older_or_newer_version_keeps_what_is_understood() {
        let choice: AudioChoice =
            serde_json::from_str(r#"{"channels":"3-4","repeat":true,"future":1}"#).unwrap();
        assert_eq!(choice.channels, Channels { first: 2, count: 2 });
        assert!(choice.repeat && choice.input.is_none());
        let text = serde_json::to_string(&choice).unwrap();
        assert_eq!(serde_json::from_str::<AudioChoice>(&text).unwrap(), choice);
    }
}
