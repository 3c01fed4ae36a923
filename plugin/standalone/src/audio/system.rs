//! The system's own audio, through `cpal`: ALSA (and PipeWire through it), `CoreAudio`, WASAPI.
//!
//! Runs on the audio thread, which owns the streams; the callbacks are in [`super::callback`].

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{
    BufferSize, ErrorKind, FromSample, I24, SampleFormat, SizedSample, StreamConfig,
    SupportedStreamConfigRange, U24,
};
use mertscope_audio::tap;

use super::callback::{InputCallback, OutputCallback};
use super::device::Device;
use super::error::{AudioError, Direction, reason};
use super::running::Running;
use super::stream_health::StreamHealth;
use crate::choice::{AudioChoice, Backend};
use crate::player::{self, FilePlayer};

/// Rates that the engine takes in, and that a file can be brought to, in hertz.
const INPUT_RATES_HZ: std::ops::RangeInclusive<u32> = 8_000..=768_000;
const OUTPUT_RATES_HZ: std::ops::RangeInclusive<u32> = 8_000..=192_000;

/// The formats that are understood, best first.
const FORMATS: [SampleFormat; 10] = [
    SampleFormat::F32,
    SampleFormat::I32,
    SampleFormat::I24,
    SampleFormat::I16,
    SampleFormat::F64,
    SampleFormat::U32,
    SampleFormat::U24,
    SampleFormat::U16,
    SampleFormat::I8,
    SampleFormat::U8,
];

/// Names of the system's devices that only bring one of the others into another shape.
const SHAPES: [&str; 14] = [
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

/// The system's own host; `cpal`'s own short cut to it panics where there is none.
fn host() -> Result<cpal::Host, cpal::Error> {
    let first = cpal::available_hosts().into_iter().next();
    cpal::host_from_id(first.ok_or(ErrorKind::HostUnavailable)?)
}

/// The devices there are, for one direction.
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
                is_shape: cfg!(target_os = "linux")
                    && SHAPES.iter().any(|shape| stem.starts_with(shape)),
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
pub(super) fn hear(id: Option<&str>, choice: &AudioChoice) -> Result<Running, AudioError> {
    let device = find(id, Direction::Input)?;
    let refused = |error| refusal(&device, id, Direction::Input, &error);
    let offered: Vec<_> = device.supported_input_configs().map_err(refused)?.collect();
    let default = device.default_input_config().map_err(refused)?;
    let wish = Wish {
        rate_hz: choice.rate_hz,
        otherwise_hz: default.sample_rate(),
        channels: choice.channels.needed(),
        usual_channels: default.channels(),
    };
    let (format, config) = wish
        .choose(&offered, INPUT_RATES_HZ)
        .map_err(|unmet| unmet.error_for(&device, choice, &offered))?;
    let config = StreamConfig {
        buffer_size: buffer_size(choice),
        ..config
    };
    let health = Arc::new(StreamHealth::default());
    let (tap, drain) = tap::tap(config.sample_rate);
    let callback = InputCallback::new(tap, Arc::clone(&health), choice.channels);
    let stream = build_input(&device, format, config, callback, &health).map_err(refused)?;
    stream.play().map_err(refused)?;
    let buffer_frames = stream.buffer_size().ok();
    Ok(Running {
        stream: Box::new(stream),
        drain: Some(drain),
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
) -> Result<Running, AudioError> {
    let device = find(id, Direction::Output)?;
    let refused = |error| refusal(&device, id, Direction::Output, &error);
    let offered: Vec<_> = device
        .supported_output_configs()
        .map_err(refused)?
        .collect();
    let default = device.default_output_config().map_err(refused)?;
    let mut wish = Wish {
        rate_hz: Some(choice.rate_hz.unwrap_or_else(|| file_player.rate_hz())),
        otherwise_hz: default.sample_rate(),
        channels: 1,
        usual_channels: default.channels(),
    };
    let mut chosen = wish.choose(&offered, OUTPUT_RATES_HZ);
    if choice.rate_hz.is_none() && chosen.is_err() {
        // The file's own rate was only the best that could be.
        wish.rate_hz = None;
        chosen = wish.choose(&offered, OUTPUT_RATES_HZ);
    }
    let (format, config) = chosen.map_err(|unmet| unmet.error_for(&device, choice, &offered))?;
    let config = StreamConfig {
        buffer_size: buffer_size(choice),
        ..config
    };
    let health = Arc::new(StreamHealth::default());
    let (tap, drain) = tap::tap(config.sample_rate);
    let (player_callback, reader) =
        player::thread(file_player, config.sample_rate).map_err(AudioError::File)?;
    let callback = OutputCallback::new(
        tap,
        Arc::clone(&health),
        player_callback,
        Arc::clone(volume),
    );
    let stream = build_output(&device, format, config, callback, &health).map_err(refused)?;
    stream.play().map_err(refused)?;
    let buffer_frames = stream.buffer_size().ok();
    Ok(Running {
        stream: Box::new((stream, reader)),
        drain: Some(drain),
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
    // The default device of a system without any is there by name only.
    if id.is_none() && error.kind() == ErrorKind::DeviceNotAvailable {
        return no_device(direction, "none that is connected");
    }
    AudioError::Refused {
        device: name_of(device),
        reason: reason(error),
    }
}

/// What a stream should be like.
struct Wish {
    /// The rate, if one was asked for, and the one that is taken otherwise.
    rate_hz: Option<u32>,
    otherwise_hz: u32,
    /// Channels there must be, and as many as the device has by default.
    channels: u16,
    usual_channels: u16,
}

/// The part of a wish that a device can't meet.
#[derive(Debug, PartialEq, Eq)]
enum UnmetWish {
    Channels,
    Rate,
    Format,
}

impl UnmetWish {
    fn error_for(
        self,
        device: &cpal::Device,
        choice: &AudioChoice,
        offered: &[SupportedStreamConfigRange],
    ) -> AudioError {
        let device = name_of(device);
        match self {
            Self::Channels => AudioError::Channels {
                device,
                channels: choice.channels,
                has: offered.iter().map(|c| c.channels()).max().unwrap_or(0),
            },
            Self::Rate => AudioError::Rate {
                device,
                rate_hz: choice.rate_hz.unwrap_or_default(),
                offered: rates_text(offered),
            },
            Self::Format => AudioError::Refused {
                device,
                reason: "it delivers no format that is understood here".to_owned(),
            },
        }
    }
}

impl Wish {
    /// The best of what a device offers.
    fn choose(
        &self,
        offered: &[SupportedStreamConfigRange],
        usable_hz: std::ops::RangeInclusive<u32>,
    ) -> Result<(SampleFormat, StreamConfig), UnmetWish> {
        let channels: Vec<_> = offered
            .iter()
            .filter(|range| range.channels() >= self.channels)
            .collect();
        if channels.is_empty() {
            return Err(UnmetWish::Channels);
        }
        let rates = channels.iter().filter_map(|range| {
            let (lowest, highest) = (range.min_sample_rate(), range.max_sample_rate());
            let has = |rate_hz: &u32| (lowest..=highest).contains(rate_hz);
            let rate_hz = match self.rate_hz {
                Some(asked) => Some(asked).filter(has),
                None => [self.otherwise_hz, 48_000, 44_100]
                    .into_iter()
                    .find(|rate_hz| has(rate_hz) && usable_hz.contains(rate_hz))
                    .or(Some(highest.min(*usable_hz.end())).filter(has)),
            };
            Some((
                range,
                rate_hz.filter(|rate_hz| usable_hz.contains(rate_hz))?,
            ))
        });
        let mut fitting: Vec<_> = rates.collect();
        if fitting.is_empty() {
            return Err(UnmetWish::Rate);
        }
        let rank = |format| FORMATS.iter().position(|known| *known == format);
        fitting.retain(|(range, _)| rank(range.sample_format()).is_some());
        let best = fitting.iter().min_by_key(|(range, rate_hz)| {
            (
                // The usual number of channels, or the fewest that do.
                range.channels() != self.usual_channels,
                range.channels(),
                *rate_hz != self.otherwise_hz,
                rank(range.sample_format()),
            )
        });
        let (range, rate_hz) = best.ok_or(UnmetWish::Format)?;
        let config = StreamConfig {
            channels: range.channels(),
            sample_rate: *rate_hz,
            buffer_size: BufferSize::Default,
        };
        Ok((range.sample_format(), config))
    }
}

fn rates_text(offered: &[SupportedStreamConfigRange]) -> String {
    let mut rates: Vec<_> = offered
        .iter()
        .map(|range| (range.min_sample_rate(), range.max_sample_rate()))
        .collect();
    rates.sort_unstable();
    rates.dedup();
    let texts: Vec<_> = rates
        .iter()
        .map(|(lowest, highest)| match lowest == highest {
            true => format!("{lowest} Hz"),
            false => format!("{lowest} to {highest} Hz"),
        })
        .collect();
    texts.join(", ")
}

fn build_input(
    device: &cpal::Device,
    format: SampleFormat,
    config: StreamConfig,
    callback: InputCallback,
    health: &Arc<StreamHealth>,
) -> Result<cpal::Stream, cpal::Error> {
    fn build<T: SizedSample>(
        device: &cpal::Device,
        config: StreamConfig,
        mut callback: InputCallback,
        health: Arc<StreamHealth>,
    ) -> Result<cpal::Stream, cpal::Error>
    where
        f32: FromSample<T>,
    {
        let stride = usize::from(config.channels);
        let hear = move |samples: &[T], _: &_| callback.hear_interleaved(samples, stride);
        device.build_input_stream(config, hear, move |error| failed(&health, &error), None)
    }
    let health = Arc::clone(health);
    match format {
        SampleFormat::F32 => build::<f32>(device, config, callback, health),
        SampleFormat::F64 => build::<f64>(device, config, callback, health),
        SampleFormat::I8 => build::<i8>(device, config, callback, health),
        SampleFormat::I16 => build::<i16>(device, config, callback, health),
        SampleFormat::I24 => build::<I24>(device, config, callback, health),
        SampleFormat::I32 => build::<i32>(device, config, callback, health),
        SampleFormat::U8 => build::<u8>(device, config, callback, health),
        SampleFormat::U16 => build::<u16>(device, config, callback, health),
        SampleFormat::U24 => build::<U24>(device, config, callback, health),
        SampleFormat::U32 => build::<u32>(device, config, callback, health),
        _ => Err(ErrorKind::UnsupportedConfig.into()),
    }
}

fn build_output(
    device: &cpal::Device,
    format: SampleFormat,
    config: StreamConfig,
    callback: OutputCallback,
    health: &Arc<StreamHealth>,
) -> Result<cpal::Stream, cpal::Error> {
    fn build<T: SizedSample + FromSample<f32>>(
        device: &cpal::Device,
        config: StreamConfig,
        mut callback: OutputCallback,
        health: Arc<StreamHealth>,
    ) -> Result<cpal::Stream, cpal::Error> {
        let stride = usize::from(config.channels);
        let play = move |out: &mut [T], _: &_| callback.play_interleaved(out, stride);
        device.build_output_stream(config, play, move |error| failed(&health, &error), None)
    }
    let health = Arc::clone(health);
    match format {
        SampleFormat::F32 => build::<f32>(device, config, callback, health),
        SampleFormat::F64 => build::<f64>(device, config, callback, health),
        SampleFormat::I8 => build::<i8>(device, config, callback, health),
        SampleFormat::I16 => build::<i16>(device, config, callback, health),
        SampleFormat::I24 => build::<I24>(device, config, callback, health),
        SampleFormat::I32 => build::<i32>(device, config, callback, health),
        SampleFormat::U8 => build::<u8>(device, config, callback, health),
        SampleFormat::U16 => build::<u16>(device, config, callback, health),
        SampleFormat::U24 => build::<U24>(device, config, callback, health),
        SampleFormat::U32 => build::<u32>(device, config, callback, health),
        _ => Err(ErrorKind::UnsupportedConfig.into()),
    }
}

/// A stream reports something, on a thread of its backend.
fn failed(health: &StreamHealth, error: &cpal::Error) {
    match error.kind() {
        // The stream goes on.
        ErrorKind::Xrun | ErrorKind::RealtimeDenied | ErrorKind::DeviceChanged => {}
        _ => health.lose(reason(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cpal::SupportedBufferSize;

    fn range(
        channels: u16,
        lowest: u32,
        highest: u32,
        format: SampleFormat,
    ) -> SupportedStreamConfigRange {
        SupportedStreamConfigRange::new(
            channels,
            lowest,
            highest,
            SupportedBufferSize::Unknown,
            format,
        )
    }

    #[test]
    fn the_best_of_what_a_device_offers_is_chosen() {
        use SampleFormat::{F32, I16};
        let card = [
            range(2, 44_100, 96_000, I16),
            range(2, 44_100, 96_000, F32),
            range(8, 44_100, 192_000, F32),
        ];
        for (rate_hz, channels, expected) in [
            (None, 2, Ok((F32, 2, 48_000))),
            (None, 4, Ok((F32, 8, 48_000))),
            (Some(96_000), 1, Ok((F32, 2, 96_000))),
            (Some(192_000), 2, Ok((F32, 8, 192_000))),
            (Some(22_050), 2, Err(UnmetWish::Rate)),
            (None, 9, Err(UnmetWish::Channels)),
        ] {
            let wish = Wish {
                rate_hz,
                otherwise_hz: 48_000,
                channels,
                usual_channels: 2,
            };
            let chosen = wish.choose(&card, INPUT_RATES_HZ);
            let chosen = chosen.map(|(format, c)| (format, c.channels, c.sample_rate));
            assert_eq!(chosen, expected, "{rate_hz:?}, {channels} channels");
        }
    }

    #[test]
    fn rates_that_can_not_be_used_are_not_chosen() {
        let wish = |otherwise_hz| Wish {
            rate_hz: None,
            otherwise_hz,
            channels: 1,
            usual_channels: 2,
        };
        let any = [range(2, 4_000, u32::MAX, SampleFormat::I16)];
        let chosen = wish(384_000).choose(&any, OUTPUT_RATES_HZ).unwrap();
        assert_eq!(chosen.1.sample_rate, 48_000);
        let high = [range(2, 352_800, 384_000, SampleFormat::I32)];
        assert_eq!(
            wish(384_000).choose(&high, OUTPUT_RATES_HZ),
            Err(UnmetWish::Rate)
        );
        let odd = [range(2, 48_000, 48_000, SampleFormat::DsdU8)];
        assert_eq!(
            wish(48_000).choose(&odd, INPUT_RATES_HZ),
            Err(UnmetWish::Format)
        );
    }
}
