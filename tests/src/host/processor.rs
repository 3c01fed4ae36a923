//! The audio thread's side of an instance: it plays blocks through the plugin.

use std::ptr::null_mut;

use clack_extensions::tail::{PluginTail, TailLength};
use clack_host::events::event_types::{ParamValueEvent, TransportEvent, TransportFlags};
use clack_host::prelude::*;
use clap_sys::audio_buffer::clap_audio_buffer;

use super::callbacks::Host;

/// The audio buffers of all ports, one after another, and the C structures that describe them.
struct Buffers {
    samples: Vec<Vec<f32>>,
    // Never rebuilt: the vectors above don't move their samples.
    _channels: Vec<Vec<*mut f32>>,
    ports: Vec<clap_audio_buffer>,
}

// SAFETY: the pointers point into `samples`, which move with the rest.
unsafe impl Send for Buffers {}

impl Buffers {
    fn new(ports: &[usize], max_frames: usize) -> Self {
        let count = ports.iter().sum();
        let mut samples = vec![vec![0.0f32; max_frames]; count];
        let mut pointers = samples.iter_mut().map(|channel| channel.as_mut_ptr());
        let mut channels: Vec<Vec<*mut f32>> = ports
            .iter()
            .map(|count| pointers.by_ref().take(*count).collect())
            .collect();
        let ports = channels
            .iter_mut()
            .map(|port| clap_audio_buffer {
                data32: port.as_mut_ptr(),
                data64: null_mut(),
                channel_count: port.len() as u32,
                latency: 0,
                constant_mask: 0,
            })
            .collect();
        Self {
            samples,
            _channels: channels,
            ports,
        }
    }
}

/// An active instance on the audio thread, with its buffers and the host's clock. Playing a block
/// allocates nothing and makes no system call.
pub struct AudioProcessor {
    started: StartedPluginAudioProcessor<Host>,
    inputs: Buffers,
    outputs: Buffers,
    aliased: Vec<clap_audio_buffer>,
    events: EventBuffer,
    /// The rate it was activated with.
    pub rate_hz: u32,
    /// The next block's position on the host's timeline, in samples.
    pub position: u64,
    /// Whether the transport runs.
    pub playing: bool,
    /// Whether the plugin writes into the buffers that it reads.
    pub in_place: bool,
}

impl AudioProcessor {
    pub(super) fn new(
        started: StartedPluginAudioProcessor<Host>,
        inputs: &[usize],
        outputs: &[usize],
        rate_hz: u32,
        max_frames: usize,
    ) -> Self {
        let inputs = Buffers::new(inputs, max_frames);
        let outputs = Buffers::new(outputs, max_frames);
        Self {
            started,
            aliased: inputs.ports[..outputs.ports.len()].to_vec(),
            inputs,
            outputs,
            events: EventBuffer::with_capacity(64),
            rate_hz,
            position: 0,
            playing: true,
            in_place: false,
        }
    }

    /// Stops processing, so that the instance can be deactivated.
    pub(super) fn stop(self) -> StoppedPluginAudioProcessor<Host> {
        self.started.stop_processing()
    }

    /// The samples of all input channels, main input first, for writing.
    pub fn input(&mut self) -> &mut [Vec<f32>] {
        &mut self.inputs.samples
    }

    /// The samples that came out, one slice per channel; in place they replace the input.
    #[must_use]
    pub fn output(&self) -> &[Vec<f32>] {
        let count = self.outputs.samples.len();
        if self.in_place {
            &self.inputs.samples[..count]
        } else {
            &self.outputs.samples
        }
    }

    /// Sets a parameter at the start of the next block.
    pub fn set(&mut self, id: ClapId, value: f64) {
        self.events
            .push(&ParamValueEvent::new(0, id, Pckn::match_all(), value));
    }

    /// The length of the plugin's sound after its input has ended.
    pub fn tail(&mut self, tail: PluginTail) -> TailLength {
        tail.get(&self.started.plugin_handle())
    }

    /// Resets the plugin, as hosts do after a jump on their timeline.
    pub fn reset(&mut self) {
        self.started.reset();
    }

    /// Processes `frames` frames of the input buffers at the current position, and advances the
    /// position while the transport runs.
    ///
    /// # Panics
    /// If the plugin reports an error.
    pub fn play(&mut self, frames: usize) {
        let transport = transport(self.position, self.rate_hz, self.playing);
        self.play_at(frames, Some(&transport));
        if self.playing {
            self.position += frames as u64;
        }
    }

    /// Processes `frames` frames under any transport.
    ///
    /// # Panics
    /// If the plugin reports an error, or the buffers have fewer frames.
    pub fn play_at(&mut self, frames: usize, transport: Option<&TransportEvent>) {
        assert!(
            self.inputs
                .samples
                .iter()
                .all(|samples| samples.len() >= frames)
        );
        let outputs = if self.in_place {
            &mut self.aliased
        } else {
            &mut self.outputs.ports
        };
        // SAFETY: each pointer leads to a vector of at least `frames` samples that lives in this
        // structure; CLAP allows outputs to be the inputs.
        let (input, mut output) = unsafe {
            (
                InputAudioBuffers::from_raw_buffers(&self.inputs.ports, frames as u32),
                OutputAudioBuffers::from_raw_buffers(outputs, frames as u32),
            )
        };
        self.started
            .process(
                &input,
                &mut output,
                &self.events.as_input(),
                &mut OutputEvents::void(),
                None,
                transport,
            )
            .expect("the block is processed");
        self.events.clear();
    }
}

/// A host's transport at `position` samples and 120 beats per minute, running or stopped.
#[must_use]
pub fn transport(position: u64, rate_hz: u32, playing: bool) -> TransportEvent {
    let mut flags = TransportFlags::HAS_SECONDS_TIMELINE | TransportFlags::HAS_TEMPO;
    flags.set(TransportFlags::IS_PLAYING, playing);
    TransportEvent {
        header: EventHeader::new_core(0, clack_host::events::EventFlags::empty()),
        flags,
        song_pos_beats: 0.0.into(),
        song_pos_seconds: (position as f64 / f64::from(rate_hz)).into(),
        tempo: 120.0,
        tempo_inc: 0.0,
        loop_start_beats: 0.0.into(),
        loop_end_beats: 0.0.into(),
        loop_start_seconds: 0.0.into(),
        loop_end_seconds: 0.0.into(),
        bar_start: 0.0.into(),
        bar_number: 0,
        time_signature_numerator: 4,
        time_signature_denominator: 4,
    }
}
