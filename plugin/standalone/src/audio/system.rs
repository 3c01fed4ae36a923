//! The system's own audio, through `cpal`: ALSA (and PipeWire through it), `CoreAudio`, WASAPI.
//!
//! Runs on the audio thread, which owns the stream; the callbacks are in [`super::callback`].

mod build;
mod format_wish;

use std::ops::RangeInclusive;
use std::panic;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{BufferSize, ErrorKind, StreamConfig};
use mertscope_audio::tap;

use super::callback::{InputCallback, OutputCallback};
use super::device::Device;
use super::error::{AudioError, Direction, reason};
use super::running_stream::RunningStream;
use super::stream_health::StreamHealth;
use crate::choice::{AudioChoice, Backend, RATES_HZ};
use crate::player::{self, FilePlayer};
use build::{build_input, build_output};
use format_wish::FormatWish;

/// Rates that the engine analyzes, in hertz.
const INPUT_RATES_HZ: RangeInclusive<u32> = RATES_HZ;
/// Rates that a file can be resampled to, in hertz.
const OUTPUT_RATES_HZ: RangeInclusive<u32> = 8_000..=192_000;

/// First words in the names of ALSA devices that only convert for, or share, another one.
const ADAPTERS: [&str; 14] = [
    "null",
    "lavrate",
    "samplerate",
    "speexrate",
    "speex",
    "upmix",
    "vdownmix",
    "oss",
    "surround",
    "front",
    "dmix",
    "dsnoop",
    "usbstream",
    "iec958",
];

/// The system's own host; `cpal::default_host` would panic without one.
fn host() -> Result<cpal::Host, cpal::Error> {
    let first = cpal::available_hosts().into_iter().next();
    let host = cpal::host_from_id(first.ok_or(ErrorKind::HostUnavailable)?)?;
    // On Windows without its service for sound, as in containers, `cpal` panics at the first question. A
    // panic would end the audio thread, which answers nothing then.
    if cfg!(windows) && panic::catch_unwind(|| host.devices().is_ok()).is_err() {
        return Err(ErrorKind::HostUnavailable.into());
    }
    Ok(host)
}

/// The system's devices for one direction.
pub(super) fn devices(direction: Direction) -> Vec<Device> {
    let found = host().and_then(|host| host.devices());
    let found = found
        .into_iter()
        .flatten()
        .filter(|device| match direction {
            Direction::Input => device.supports_input(),
            Direction::Output => device.supports_output(),
        });
    found
        .filter_map(|device| {
            let id = device.id().ok()?;
            let stem = id.id().split([':', ',']).next().unwrap_or_default();
            Some(Device {
                id: id.to_string(),
                name: name_of(&device),
                backend: Backend::System,
                is_adapter: cfg!(target_os = "linux")
                    && ADAPTERS.iter().any(|adapter| stem.starts_with(adapter)),
            })
        })
        .collect()
}

fn name_of(device: &cpal::Device) -> String {
    let name = device
        .description()
        .map(|description| description.name().to_owned());
    name.unwrap_or_else(|_| "The device".to_owned())
}

/// The device with this id, or the default one.
fn find(id: Option<&str>, direction: Direction) -> Result<cpal::Device, AudioError> {
    let host =
        host().map_err(|error| no_device(direction, &format!("none ({})", reason(error))))?;
    let Some(id) = id else {
        let device = match direction {
            Direction::Input => host.default_input_device(),
            Direction::Output => host.default_output_device(),
        };
        return device.ok_or_else(|| no_device(direction, "none"));
    };
    let unknown = || AudioError::Unknown {
        name: id.to_owned(),
        direction,
    };
    let wanted = id.parse().map_err(|_| unknown())?;
    host.device_by_id(&wanted).ok_or_else(unknown)
}

fn no_device(direction: Direction, why: &str) -> AudioError {
    AudioError::NoDevice {
        backend: Backend::System,
        direction,
        reason: why.to_owned(),
    }
}

/// Listens to the device with this id, or to the default one.
///
/// # Errors
/// [`AudioError`]
pub(super) fn listen(id: Option<&str>, choice: &AudioChoice) -> Result<RunningStream, AudioError> {
    let device = find(id, Direction::Input)?;
    let refused = |error| refusal(&device, id, Direction::Input, &error);
    let offered: Vec<_> = device.supported_input_configs().map_err(refused)?.collect();
    let default = device.default_input_config().map_err(refused)?;
    let wish = FormatWish {
        rate_hz: choice.rate_hz,
        otherwise_hz: default.sample_rate(),
        channels: choice.channels.needed(),
        usual_channels: default.channels(),
    };
    let (format, config) = wish
        .choose(&offered, INPUT_RATES_HZ)
        .map_err(|unmet| unmet.error_for(name_of(&device), choice, &offered))?;
    let config = StreamConfig {
        buffer_size: buffer_size(choice),
        ..config
    };
    let health = Arc::new(StreamHealth::default());
    let (tap, tap_reader) = tap::tap(config.sample_rate);
    let callback = InputCallback::new(tap, Arc::clone(&health), choice.channels);
    let stream = build_input(&device, format, config, callback, &health).map_err(refused)?;
    stream.play().map_err(refused)?;
    let buffer_frames = stream.buffer_size().ok();
    Ok(RunningStream {
        stream: Box::new(stream),
        tap_reader: Some(tap_reader),
        device: name_of(&device),
        backend: Backend::System,
        rate_hz: config.sample_rate,
        buffer_frames,
        health,
    })
}

/// Plays the file player through the device with this id, or the default one.
///
/// # Errors
/// [`AudioError`]
pub(super) fn play(
    id: Option<&str>,
    choice: &AudioChoice,
    file_player: &Arc<FilePlayer>,
    volume: &Arc<AtomicU32>,
) -> Result<RunningStream, AudioError> {
    let device = find(id, Direction::Output)?;
    let refused = |error| refusal(&device, id, Direction::Output, &error);
    let offered: Vec<_> = device
        .supported_output_configs()
        .map_err(refused)?
        .collect();
    let default = device.default_output_config().map_err(refused)?;
    let mut wish = FormatWish {
        rate_hz: Some(choice.rate_hz.unwrap_or_else(|| file_player.rate_hz())),
        otherwise_hz: default.sample_rate(),
        channels: 1,
        usual_channels: default.channels(),
    };
    let mut chosen = wish.choose(&offered, OUTPUT_RATES_HZ);
    if choice.rate_hz.is_none() && chosen.is_err() {
        // The file's own rate was only a preference.
        wish.rate_hz = None;
        chosen = wish.choose(&offered, OUTPUT_RATES_HZ);
    }
    let (format, config) =
        chosen.map_err(|unmet| unmet.error_for(name_of(&device), choice, &offered))?;
    let config = StreamConfig {
        buffer_size: buffer_size(choice),
        ..config
    };
    let health = Arc::new(StreamHealth::default());
    let (tap, tap_reader) = tap::tap(config.sample_rate);
    let (player_callback, reader) =
        player::start(file_player, config.sample_rate).map_err(AudioError::File)?;
    let callback = OutputCallback::new(
        tap,
        Arc::clone(&health),
        player_callback,
        Arc::clone(volume),
    );
    let stream = build_output(&device, format, config, callback, &health).map_err(refused)?;
    stream.play().map_err(refused)?;
    let buffer_frames = stream.buffer_size().ok();
    Ok(RunningStream {
        stream: Box::new((stream, reader)),
        tap_reader: Some(tap_reader),
        device: name_of(&device),
        backend: Backend::System,
        rate_hz: config.sample_rate,
        buffer_frames,
        health,
    })
}

fn buffer_size(choice: &AudioChoice) -> BufferSize {
    choice
        .buffer_frames
        .map_or(BufferSize::Default, BufferSize::Fixed)
}

fn refusal(
    device: &cpal::Device,
    id: Option<&str>,
    direction: Direction,
    error: &cpal::Error,
) -> AudioError {
    // On a system without devices the default device is only a name.
    if id.is_none() && error.kind() == ErrorKind::DeviceNotAvailable {
        return no_device(direction, "none that is connected");
    }
    AudioError::Refused {
        device: name_of(device),
        reason: reason(error),
    }
}
