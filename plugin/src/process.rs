//! The audio callback: hands each block to the engine's [`Tap`], and changes no sample.
//!
//! The framework has already copied the input to the output, so passing audio through bit for bit
//! means leaving the buffer alone. Nothing here allocates, locks, logs, waits or makes a system
//! call; the one exception is a render for which the user asked that it wait.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use mertscope_audio::tap::{Tap, Transport};
use nih_plug::prelude::{Buffer, Transport as HostTransport};

use crate::params::{MertscopeParams, SourceParam};
use crate::trigger::Presses;

/// How long an exact render waits for room before it goes on with a gap: longer than any inference takes,
/// shorter than what a user would call a hang.
const OFFLINE_PATIENCE: Duration = Duration::from_secs(10);

/// The most channels of an input: those of the widest layout.
pub(crate) const MAX_CHANNELS: usize = 8;

/// The state of an instance in the audio callback.
#[derive(Default)]
pub(crate) struct Callback {
    tap: Option<Tap>,
    rate_hz: u32,
    offline: bool,
    /// The input of the last block; `None` before the first.
    last_source: Option<SourceParam>,
    presses: Presses,
}

impl Callback {
    /// Whether there is a tap for this rate already. Like the next two functions, not for the audio
    /// callback.
    pub(crate) fn taps_at(&self, rate_hz: u32) -> bool {
        self.tap.is_some() && self.rate_hz == rate_hz
    }

    /// Replaces the tap.
    pub(crate) fn put(&mut self, tap: Tap, rate_hz: u32) {
        self.tap = Some(tap);
        self.rate_hz = rate_hz;
        self.last_source = None;
    }

    /// Sets whether the host renders offline, as far as the framework tells.
    pub(crate) fn set_offline(&mut self, offline: bool) {
        self.offline = offline;
    }

    /// Handles a reset by the host: the next block does not continue the last one.
    pub(crate) fn reset(&mut self) {
        if let Some(tap) = &mut self.tap {
            tap.reset();
        }
    }

    /// Captures one block of the chosen input. A panic would take the host down, so it is caught,
    /// and capture rests until the next activation.
    pub(crate) fn process(
        &mut self,
        params: &MertscopeParams,
        main: &Buffer,
        side_chains: &[Buffer],
        transport: &HostTransport,
    ) {
        let captured = catch_unwind(AssertUnwindSafe(|| {
            let source = params.source.value();
            let input = match (source, side_chains.first()) {
                (SourceParam::SideChain, Some(side_chain)) => side_chain,
                _ => main,
            };
            let mut channels: [&[f32]; MAX_CHANNELS] = [&[]; MAX_CHANNELS];
            let count = connected(input.as_slice_immutable(), main.samples(), &mut channels);
            let starts_again = self
                .presses
                .begins(params.presses(), main.samples(), self.rate_hz);
            self.capture(source, starts_again, &channels[..count], transport);
        }));
        if let Err(panic) = captured {
            // Freeing either would call the allocator.
            std::mem::forget((panic, self.tap.take()));
        }
    }

    fn capture(
        &mut self,
        source: SourceParam,
        starts_again: bool,
        channels: &[&[f32]],
        transport: &HostTransport,
    ) {
        let at = transport_from_host(transport, self.offline);
        let Some(tap) = &mut self.tap else {
            return;
        };
        let last = self.last_source.replace(source);
        if last.is_some_and(|last| last != source) {
            tap.reset();
        }
        if starts_again {
            tap.start_again();
        }
        tap.push_exact(channels, at, OFFLINE_PATIENCE);
    }
}

/// Collects the channels of an input that have samples, at most `frames` each, and returns their count. A
/// host may connect fewer channels than there are, and the framework leaves a side-chain that is not
/// connected at any length.
fn connected<'a>(
    input: &'a [&mut [f32]],
    frames: usize,
    channels: &mut [&'a [f32]; MAX_CHANNELS],
) -> usize {
    let with_samples = input.iter().filter(|channel| !channel.is_empty());
    let mut count = 0;
    for (place, channel) in channels.iter_mut().zip(with_samples) {
        *place = &channel[..frames.min(channel.len())];
        count += 1;
    }
    count
}

/// The host's transport at a block, as the engine's.
fn transport_from_host(transport: &HostTransport, offline: bool) -> Transport {
    // Hosts without a transport give nothing but a constant position. Some never start theirs, but an
    // offline render is meant to be analyzed.
    let no_tempo = transport.tempo.is_none() && transport.pos_beats.is_none();
    let live = !transport.playing && (offline || no_tempo);
    if live {
        return Transport {
            offline,
            ..Transport::LIVE_INPUT
        };
    }
    // A position computed from beats would move with every change of the tempo.
    let timed = transport.pos_samples.is_some() || transport.pos_seconds.is_some();
    Transport {
        playing: transport.playing,
        position: transport.pos_samples().filter(|_| timed),
        offline,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_a_transport_is_a_live_input() {
        let mut transport = HostTransport::new(48_000.0);
        assert_eq!(
            transport_from_host(&transport, false),
            Transport::LIVE_INPUT
        );
        transport.pos_samples = Some(0);
        assert_eq!(
            transport_from_host(&transport, false),
            Transport::LIVE_INPUT
        );
        transport.tempo = Some(120.0);
        assert!(!transport_from_host(&transport, false).playing);
        let offline = transport_from_host(&transport, true);
        assert!(offline.playing && offline.offline && offline.position.is_none());
    }

    #[test]
    fn only_connected_channels_are_heard_and_no_more_than_the_block() {
        let (mut long, mut left, mut right) = ([1.0; 9], [2.0; 4], [3.0; 4]);
        let mut channels: [&[f32]; MAX_CHANNELS] = [&[]; MAX_CHANNELS];
        let input: [&mut [f32]; 4] = [&mut left, &mut [], &mut right, &mut long];
        let count = connected(&input, 4, &mut channels);
        assert_eq!(&channels[..count], [&[2.0; 4][..], &[3.0; 4], &[1.0; 4]]);
        assert_eq!(connected(&[], 4, &mut channels), 0);
    }

    #[test]
    fn the_position_comes_from_samples_or_seconds_and_never_from_beats() {
        let mut transport = HostTransport::new(44_100.0);
        transport.playing = true;
        transport.tempo = Some(90.0);
        transport.pos_beats = Some(16.0);
        assert_eq!(transport_from_host(&transport, true).position, None);
        transport.pos_seconds = Some(2.0);
        assert_eq!(transport_from_host(&transport, true).position, Some(88_200));
        transport.pos_samples = Some(-7);
        assert_eq!(transport_from_host(&transport, true).position, Some(-7));
        assert!(transport_from_host(&transport, true).offline);
    }
}
