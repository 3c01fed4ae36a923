//! Command-line arguments.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::Parser;

use crate::audio::{AudioError, Devices, Direction};
use crate::choice::{AudioChoice, AudioSource, Backend, Channels, RATES_HZ};

const AFTER_HELP: &str = "\
Examples:
  mertscope-standalone                                       opens the window with the last choices
  mertscope-standalone --file set.flac                       plays a file
  mertscope-standalone --input 'USB Audio' --channels 3-4    listens to two channels
  mertscope-standalone --headless --file set.flac --json     prints one line of JSON per window

The app remembers choices in the window; arguments count for this session only. With --headless
results go to standard output, everything else to standard error. Ctrl-C and SIGTERM close the app
as the button of its window does.

Exit codes: 0 success, 1 failure, 2 wrong arguments.";

/// Shows live what a music model hears: genre, key and the path of its embedding.
#[derive(Debug, Parser)]
#[command(name = "mertscope-standalone", version, about, long_about = None, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    /// Print the audio devices and exit
    #[arg(long)]
    pub(crate) list_devices: bool,
    /// Listen to this input device, by its name or id
    #[arg(long, value_name = "DEVICE", conflicts_with = "file")]
    pub input: Option<String>,
    /// Play a file through this output device, by its name or id
    #[arg(long, value_name = "DEVICE")]
    pub output: Option<String>,
    /// Backend for devices [default: JACK while its server runs, otherwise the system's own]
    #[arg(long, value_enum)]
    pub backend: Option<Backend>,
    /// Channels of the input device: one, or two neighbors [default: 1-2]
    #[arg(long, value_name = "N|N-M")]
    pub channels: Option<Channels>,
    /// Samples per second [default: the rate of the device or the file]
    #[arg(long, value_name = "HZ", value_parser = clap::value_parser!(u32).range(rates()))]
    pub rate: Option<u32>,
    /// Frames per block [default: the device's]
    #[arg(long, value_name = "FRAMES", value_parser = clap::value_parser!(u32).range(16..=65_536))]
    pub buffer: Option<u32>,
    /// Play this audio file and listen to it
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Start the file again at its end
    #[arg(long = "loop", requires = "file")]
    pub repeat: bool,
    /// Model id, or a folder with a manifest.toml [default: the one chosen last]
    #[arg(long, value_name = "ID|FOLDER")]
    pub model: Option<String>,
    /// Print one line per window of audio instead of opening the app's window
    #[arg(long)]
    pub headless: bool,
    /// With --headless: print one line of JSON per window of audio
    #[arg(long, requires = "headless")]
    pub json: bool,
    /// Exit after this many seconds
    #[arg(long, value_name = "N", value_parser = seconds)]
    pub seconds: Option<f64>,
}

impl Arguments {
    /// The last choice, with the arguments in place of its values.
    ///
    /// # Errors
    /// [`AudioError::Unknown`], for a device that does not exist.
    pub(crate) fn over(&self, mut choice: AudioChoice) -> Result<AudioChoice, AudioError> {
        let names_device = self.input.is_some() || self.output.is_some();
        let devices = if names_device {
            Devices::list()
        } else {
            Devices::default()
        };
        if let Some(backend) = self.backend {
            choice.backend = Some(backend);
            // The remembered devices belong to another backend.
            (choice.input, choice.output) = (None, None);
        }
        if let Some(name) = &self.input {
            choice.source = AudioSource::Input;
            choice.input = Some(devices.find(name, Direction::Input)?);
        }
        if let Some(name) = &self.output {
            choice.output = Some(devices.find(name, Direction::Output)?);
        }
        if let Some(file) = &self.file {
            choice.source = AudioSource::File;
            choice.file = Some(file.clone());
            choice.repeat = self.repeat;
        }
        choice.channels = self.channels.unwrap_or(choice.channels);
        choice.rate_hz = self.rate.or(choice.rate_hz);
        choice.buffer_frames = self.buffer.or(choice.buffer_frames);
        Ok(choice)
    }
}

/// [`RATES_HZ`] as the parser wants it.
fn rates() -> RangeInclusive<i64> {
    i64::from(*RATES_HZ.start())..=i64::from(*RATES_HZ.end())
}

fn seconds(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|s: &f64| *s > 0.0 && *s <= 1.0e7)
        .ok_or_else(|| "give a number of seconds above 0".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parsed(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(["mertscope-standalone"].into_iter().chain(line.split(' ')))
    }

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn arguments_override_the_remembered_choice() {
        let remembered = AudioChoice {
            rate_hz: Some(96_000),
            backend: Some(Backend::System),
            output: Some("alsa:hw:1".to_owned()),
            ..AudioChoice::default()
        };
        let typed = parsed("--file a.flac --loop --backend none --channels 3").unwrap();
        let choice = typed.over(remembered).unwrap();
        assert_eq!(choice.source, AudioSource::File);
        assert_eq!(choice.file, Some(PathBuf::from("a.flac")));
        assert!(choice.repeat && choice.output.is_none());
        assert_eq!(choice.backend, Some(Backend::None));
        assert_eq!(choice.rate_hz, Some(96_000));
        assert_eq!(choice.channels.to_string(), "3");
    }

    #[test]
    fn wrong_arguments_are_refused() {
        for line in [
            "--rate 1",
            "--buffer 0",
            "--channels 1-9",
            "--backend moon",
            "--json",
            "--loop",
            "--seconds -1",
            "--seconds nan",
            "--input a --file b",
            "file.wav",
        ] {
            assert_eq!(parsed(line).unwrap_err().exit_code(), 2, "{line}");
        }
    }
}
