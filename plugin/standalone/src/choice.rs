//! The user's choice of audio: source, device and rate.
//!
//! A choice is what the user wants, available or not; a device that stands in for it
//! never changes it. Plain data, no audio.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Sample rates that can be chosen and analyzed, in hertz.
pub(crate) const RATES_HZ: RangeInclusive<u32> = 8_000..=768_000;

/// Highest channel number that can be chosen; JACK and sound cards have fewer.
const LAST_CHANNEL: u16 = 256;

/// The user's choice of audio.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct AudioChoice {
    /// The source that is analyzed.
    pub source: AudioSource,
    /// The backend for devices; `None` for JACK while its server runs, otherwise the system's own.
    pub backend: Option<Backend>,
    /// The id of the input device; `None` for the default one.
    pub input: Option<String>,
    /// The id of the output device that a file is played through; `None` for the default one.
    pub output: Option<String>,
    /// The channels of the input device.
    pub channels: Channels,
    /// Samples per second; `None` for the rate of the device or the file.
    pub rate_hz: Option<u32>,
    /// Frames per block; `None` for the device's own.
    pub(crate) buffer_frames: Option<u32>,
    /// The audio file that is played.
    pub file: Option<PathBuf>,
    /// Whether the file starts again at its end.
    pub repeat: bool,
    /// The volume of the file at the output, 0 to 1. The analysis does not depend on it.
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

/// The source that is analyzed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AudioSource {
    /// An input device.
    Input,
    /// A file.
    File,
}

/// The system that reaches audio devices.
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
    /// The least number of channels that a device must have.
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
                "'{text}' is neither one channel, for example 1, nor a pair of neighbors, for example 1-2"
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
    fn known_fields_of_older_and_newer_versions_are_read() {
        let choice: AudioChoice =
            serde_json::from_str(r#"{"channels":"3-4","repeat":true,"future":1}"#).unwrap();
        assert_eq!(choice.channels, Channels { first: 2, count: 2 });
        assert!(choice.repeat && choice.input.is_none());
        let text = serde_json::to_string(&choice).unwrap();
        assert_eq!(serde_json::from_str::<AudioChoice>(&text).unwrap(), choice);
    }
}
