//! Command-line arguments.

use std::path::PathBuf;

use clap::Parser;

use crate::audio::{AudioError, Devices, Direction};
use crate::choice::{AudioChoice, AudioSource, Backend, Channels};

const AFTER_HELP: &str = "\
Examples:
  mertscope-standalone                                       the window, with what was chosen last
  mertscope-standalone --file set.flac                       plays a file
  mertscope-standalone --input 'USB Audio' --channels 3-4    two channels of a sound card
  mertscope-standalone --headless --file set.flac --json     a line of JSON for each window

What is chosen in the window is remembered; what is typed here counts for this session only.
Results of --headless go to standard output, everything else to standard error. Ctrl-C and SIGTERM
close the app as its window's button does.

Exit codes: 0 all went well, 1 something failed, 2 the command line is wrong.";

/// Shows live what a music model hears: genre, key and the path of its embedding.
#[derive(Debug, Parser)]
#[command(name = "mertscope-standalone", version, about, long_about = None, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    /// Print the audio devices and end
    #[arg(long)]
    pub(crate) list_devices: bool,
    /// Listen to this input device, by its name or id
    #[arg(long, value_name = "DEVICE", conflicts_with = "file")]
    pub input: Option<String>,
    /// Play a file through this output device, by its name or id
    #[arg(long, value_name = "DEVICE")]
    pub output: Option<String>,
    /// The way to devices [default: JACK while its server runs, else the system's own]
    #[arg(long, value_enum)]
    pub backend: Option<Backend>,
    /// Channels of the input device: one, or two neighbors [default: 1-2]
    #[arg(long, value_name = "N|N-M")]
    pub channels: Option<Channels>,
    /// Samples per second [default: what the device or the file has]
    #[arg(long, value_name = "HZ", value_parser = clap::value_parser!(u32).range(8_000..=768_000))]
    pub rate: Option<u32>,
    /// Frames in a block [default: the device's]
    #[arg(long, value_name = "FRAMES", value_parser = clap::value_parser!(u32).range(16..=65_536))]
    pub buffer: Option<u32>,
    /// Play this audio file and listen to it
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Begin the file anew at its end
    #[arg(long = "loop", requires = "file")]
    pub repeat: bool,
    /// Model id, or a folder with a manifest.toml [default: the one chosen last]
    #[arg(long, value_name = "ID|FOLDER")]
    pub model: Option<String>,
    /// Print results as lines instead of opening a window
    #[arg(long)]
    pub headless: bool,
    /// With --headless: print a line of JSON for each window
    #[arg(long, requires = "headless")]
    pub json: bool,
    /// End after this many seconds
    #[arg(long, value_name = "N", value_parser = seconds)]
    pub seconds: Option<f64>,
}

impl Arguments {
    /// What was chosen last, with what was typed in its place.
    ///
    /// # Errors
    /// [`AudioError::Unknown`] for a device that is not there.
    pub(crate) fn over(&self, mut choice: AudioChoice) -> Result<AudioChoice, AudioError> {
        let looked = [&self.input, &self.output]
            .iter()
            .any(|name| name.is_some());
        let devices = if looked {
            Devices::list()
        } else {
            Devices::default()
        };
        if let Some(backend) = self.backend {
            choice.backend = Some(backend);
            // A device of another way is not meant.
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

fn seconds(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|s: &f64| *s > 0.0 && *s <= 1.0e7)
        .ok_or_else(|| "give seconds above 0".to_owned())
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
    fn what_is_typed_counts_before_what_is_remembered() {
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
    fn what_makes_no_sense_is_refused() {
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
