//! Streams of any sample format, with the app's callbacks in them.

use std::sync::Arc;

use cpal::traits::DeviceTrait;
use cpal::{ErrorKind, FromSample, I24, SampleFormat, SizedSample, StreamConfig, U24};

use crate::audio::callback::{InputCallback, OutputCallback};
use crate::audio::error::reason;
use crate::audio::stream_health::StreamHealth;

/// Calls a function with the sample type of a format; a format that is not known here is refused.
macro_rules! of_format {
    ($format:expr, $build:ident($($argument:expr),*)) => {
        match $format {
            SampleFormat::F32 => $build::<f32>($($argument),*),
            SampleFormat::F64 => $build::<f64>($($argument),*),
            SampleFormat::I8 => $build::<i8>($($argument),*),
            SampleFormat::I16 => $build::<i16>($($argument),*),
            SampleFormat::I24 => $build::<I24>($($argument),*),
            SampleFormat::I32 => $build::<i32>($($argument),*),
            SampleFormat::U8 => $build::<u8>($($argument),*),
            SampleFormat::U16 => $build::<u16>($($argument),*),
            SampleFormat::U24 => $build::<U24>($($argument),*),
            SampleFormat::U32 => $build::<u32>($($argument),*),
            _ => Err(ErrorKind::UnsupportedConfig.into()),
        }
    };
}

/// Builds a stream that passes its samples to `callback`.
///
/// # Errors
/// [`cpal::Error`], when the device refuses.
pub(super) fn build_input(
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
        let listen = move |samples: &[T], _: &_| callback.push_interleaved(samples, stride);
        device.build_input_stream(config, listen, move |error| failed(&health, &error), None)
    }
    let health = Arc::clone(health);
    of_format!(format, build(device, config, callback, health))
}

/// Builds a stream that takes its samples from `callback`.
///
/// # Errors
/// [`cpal::Error`], when the device refuses.
pub(super) fn build_output(
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
    of_format!(format, build(device, config, callback, health))
}

/// Handles an error that a stream reports, on a thread of its backend.
fn failed(health: &StreamHealth, error: &cpal::Error) {
    match error.kind() {
        // The stream goes on.
        ErrorKind::Xrun | ErrorKind::RealtimeDenied | ErrorKind::DeviceChanged => {}
        _ => health.lose(reason(error)),
    }
}
