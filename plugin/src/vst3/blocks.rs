//! A host's block as the framework can take it: as many channels as were arranged, none of them null.
//!
//! Runs in the audio callback, on memory that an activation has reserved.

use std::ptr::null_mut;

use super::sdk::Steinberg::Vst::{AudioBusBuffers, AudioBusBuffers__type0, ProcessData};
use super::sdk::Steinberg::{int32, kResultOk, tresult};
use crate::process::MAX_CHANNELS;

/// Channels of a bus.
type Channels = [*mut f32; MAX_CHANNELS];

/// What stands in for channels that a host does not give, for one arrangement.
pub(super) struct Blocks {
    main_width: usize,
    side_chain_width: usize,
    most_frames: usize,
    /// Zeros, for inputs.
    silence: Vec<f32>,
    /// For outputs, a part per channel.
    nowhere: Vec<f32>,
    /// The mean of a side-chain that is not as wide as the main bus.
    folded: Vec<f32>,
}

impl Blocks {
    /// For blocks of at most `most_frames`; a side-chain of 0 channels is none.
    pub(super) fn new(main_width: usize, side_chain_width: usize, most_frames: usize) -> Self {
        let folds = side_chain_width > 1 && side_chain_width != main_width;
        Self {
            main_width,
            side_chain_width,
            most_frames,
            silence: vec![0.0; most_frames],
            nowhere: vec![0.0; main_width * most_frames],
            folded: vec![0.0; if folds { most_frames } else { 0 }],
        }
    }

    /// Whether a block of this length can be played.
    pub(super) fn can_play(&self, frames: usize) -> bool {
        frames <= self.most_frames
    }

    /// Hands a block of 32-bit samples to `next`, without parameters. A block without an output has nothing else.
    ///
    /// # Safety
    /// The buses of `data` are as they describe themselves, and [`Blocks::can_play`] its frames, which are not
    /// negative.
    pub(super) unsafe fn play(
        &mut self,
        data: &ProcessData,
        next: impl FnOnce(&mut ProcessData) -> tresult,
    ) -> tresult {
        let frames = data.numSamples as usize;
        // SAFETY: the caller's promise, for these three.
        let (input, side_chain, output) = unsafe {
            (
                host_channels(data.inputs, data.numInputs, 0),
                host_channels(data.inputs, data.numInputs, 1),
                host_channels(data.outputs, data.numOutputs, 0),
            )
        };
        if output.is_empty() {
            return kResultOk;
        }
        let width = self.main_width;
        // SAFETY: the channels of both buses have this many frames.
        unsafe { pass(input, output, width.., frames) };
        let silence = self.silence.as_mut_ptr();
        let nowhere = self.nowhere.chunks_exact_mut(self.most_frames.max(1));
        let (mut ins, mut outs): (Channels, Channels) = ([null_mut(); _], [null_mut(); _]);
        for (index, nowhere) in nowhere.enumerate() {
            ins[index] = channel(input, index).unwrap_or(silence);
            outs[index] = channel(output, index).unwrap_or(nowhere.as_mut_ptr());
        }
        // SAFETY: its channels have this many frames.
        let mut sides = unsafe { self.side_channels(side_chain, frames) };
        let bus = |channels: &mut Channels| AudioBusBuffers {
            numChannels: width as int32,
            silenceFlags: 0,
            __field0: AudioBusBuffers__type0 {
                channelBuffers32: channels.as_mut_ptr(),
            },
        };
        let mut inputs = [bus(&mut ins), bus(&mut sides)];
        let mut outputs = [bus(&mut outs)];
        next(&mut ProcessData {
            numSamples: if output.is_empty() {
                0
            } else {
                frames as int32
            },
            numInputs: if self.side_chain_width > 0 { 2 } else { 1 },
            numOutputs: 1,
            inputs: inputs.as_mut_ptr(),
            outputs: outputs.as_mut_ptr(),
            inputParameterChanges: null_mut(),
            ..*data
        })
    }

    /// The side-chain in as many channels as the main bus has, with the same mean.
    ///
    /// # Safety
    /// Each channel that is not null has `frames` samples.
    unsafe fn side_channels(&mut self, host: &[*mut f32], frames: usize) -> Channels {
        let host = &host[..host.len().min(self.side_chain_width)];
        let mut given: Channels = [null_mut(); _];
        let there = host.iter().filter(|channel| !channel.is_null());
        let count = given
            .iter_mut()
            .zip(there)
            .map(|(place, channel)| *place = *channel)
            .count();
        match count {
            0 => [self.silence.as_mut_ptr(); _],
            1 => [given[0]; _],
            _ if count == self.main_width => given,
            _ => {
                let folded = &mut self.folded[..frames];
                folded.fill(0.0);
                for channel in &given[..count] {
                    // SAFETY: the caller's promise.
                    let samples = unsafe { std::slice::from_raw_parts(*channel, frames) };
                    for (sum, sample) in folded.iter_mut().zip(samples) {
                        *sum += sample;
                    }
                }
                for sum in folded.iter_mut() {
                    *sum /= count as f32;
                }
                [folded.as_mut_ptr(); _]
            }
        }
    }
}

/// Passes a block on as it is, while nothing can be heard.
///
/// # Safety
/// The buses of `data` are as they describe themselves, and its frames are not negative.
pub(super) unsafe fn pass_block(data: &ProcessData) {
    // SAFETY: the caller's promise.
    unsafe {
        let input = host_channels(data.inputs, data.numInputs, 0);
        let output = host_channels(data.outputs, data.numOutputs, 0);
        pass(input, output, 0.., data.numSamples as usize);
    }
}

/// Copies these channels from the input to the output, or silence where the input has none.
///
/// # Safety
/// Each channel that is not null has `frames` samples.
unsafe fn pass(
    input: &[*mut f32],
    output: &[*mut f32],
    which: std::ops::RangeFrom<usize>,
    frames: usize,
) {
    for index in which.take_while(|index| *index < output.len()) {
        match (channel(input, index), channel(output, index)) {
            // SAFETY: the caller's promise; they may overlap.
            (Some(from), Some(to)) => unsafe { std::ptr::copy(from, to, frames) },
            // SAFETY: the caller's promise; zero bytes are zeros.
            (None, Some(to)) => unsafe { std::ptr::write_bytes(to, 0, frames) },
            _ => {}
        }
    }
}

/// The channel `index`, unless it is missing or null.
fn channel(channels: &[*mut f32], index: usize) -> Option<*mut f32> {
    let channel = channels.get(index).copied();
    channel.filter(|channel| !channel.is_null())
}

/// The channels of the bus `index`, of which each may be null; none if there is no such bus.
///
/// # Safety
/// `buses` is null or has `count` buses, which are as they describe themselves.
unsafe fn host_channels<'a>(
    buses: *mut AudioBusBuffers,
    count: int32,
    index: int32,
) -> &'a [*mut f32] {
    if buses.is_null() || index >= count {
        return &[];
    }
    // SAFETY: the bus is one of `count`; 32-bit samples were agreed on.
    let (channels, width) = unsafe {
        let bus = &*buses.add(index as usize);
        (bus.__field0.channelBuffers32, bus.numChannels)
    };
    if channels.is_null() || width <= 0 {
        return &[];
    }
    // SAFETY: the bus has this many pointers.
    unsafe { std::slice::from_raw_parts(channels, width as usize) }
}
