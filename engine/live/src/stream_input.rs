//! A stream's input: drains the tap's ring, replaces invalid samples, resamples, and cuts windows with
//! their positions on the host's timeline. Runs on the worker.
//!
//! A mark comes before the audio that follows it. A start, stop, jump, loss, reset or the user's wish begins a new
//! window; a repeated loop does not, since the user hears it without a break, and a short loss is bridged. While
//! the transport runs, windows lie on the host's timeline; while it stands, on the stream's own clock.

use std::time::{Duration, Instant};

use super::bridge::{self, Bridges};
use super::host_timeline::{AudioSpan, HostTimeline};
use super::pace::Pace;
use mertscope_audio::Status;
use mertscope_audio::downmix::sanitize;
use mertscope_audio::model_rate_source::{CANCELLING_S, SMEAR_S};
use mertscope_audio::resample::{ResampleError, Resampler};
use mertscope_audio::tap::{Mark, TapReader, Transport};
use mertscope_audio::windower::{Window, Windower, is_silent};

/// Samples taken from the ring at a time.
const CHUNK_SAMPLES: usize = 8192;

/// The last part of a window that tells whether it rings out, as a divisor: 1 s of 5 s.
const RINGS_OUT_SHARE: usize = 5;

/// An event from [`StreamInput::next`].
#[derive(Debug)]
pub(super) enum InputEvent {
    /// Audio was processed, or dropped because no model runs; there may be more.
    Audio,
    /// The stream is not contiguous here.
    Cut {
        /// The cause.
        cause: CutCause,
        /// The span of lost audio, if some was lost.
        gap: Option<AudioSpan>,
    },
    /// A window is full.
    Window(PositionedWindow),
}

/// Why a stream is not contiguous.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CutCause {
    /// The transport started, or the stream began.
    Start,
    /// The transport stopped.
    Stop,
    /// The transport jumped, or looped for the first time.
    Jump,
    /// Samples were lost, too many to bridge.
    Loss,
    /// The host asked for a reset.
    Reset,
    /// The user starts again, as at a change of track.
    Again,
}

/// A window with its position on audio time.
#[derive(Debug)]
pub(super) struct PositionedWindow {
    pub(super) window: Window,
    pub(super) span: AudioSpan,
    /// Frames in it that were lost and are bridged.
    pub(super) bridged_frames: u64,
    /// The estimated arrival of its last sample.
    pub(super) arrived: Instant,
}

impl PositionedWindow {
    /// Whether nothing sounds at its end: the rest of it is the end of what was played before.
    pub(super) fn rings_out(&self) -> bool {
        let samples = &self.window.samples;
        is_silent(&samples[samples.len() - samples.len() / RINGS_OUT_SHARE..])
    }
}

/// The steps from samples to windows for a known model.
#[derive(Debug)]
struct WindowChain {
    resampler: Resampler,
    windower: Windower,
    window_samples: usize,
}

/// A stream's tap reader with the steps from samples to windows.
#[derive(Debug)]
pub(super) struct StreamInput {
    reader: TapReader,
    chain: Option<WindowChain>,
    transport: Option<Transport>,
    pace: Pace,
    /// Frames that had arrived when the pace was last measured.
    arrived: u64,
    /// Samples in the ring of which that measurement knew: only those are taken until the next one.
    known: usize,
    /// Whether audio comes faster than the clock goes.
    outruns_the_clock: bool,
    /// Whether audio is passed over while the transport stands.
    follows_transport: bool,
    /// Frames since the ring was made, including lost ones.
    clock: u64,
    /// The moment on the clock at which the present windows begin.
    restart: u64,
    timeline: HostTimeline,
    bridges: Bridges,
    /// Gaps that were bridged so far.
    bridged_gaps: u64,
    last_sample: f32,
    mono: Vec<f32>,
    resampled: Vec<f32>,
    /// Sum of squares and number of samples since the level was last read.
    power: (f64, usize),
    last_audio: Instant,
}

impl StreamInput {
    pub(super) fn new(reader: TapReader, now: Instant) -> Self {
        Self {
            timeline: HostTimeline::new(reader.rate_hz()),
            reader,
            chain: None,
            transport: None,
            pace: Pace::new(now),
            arrived: 0,
            known: 0,
            outruns_the_clock: false,
            follows_transport: false,
            clock: 0,
            restart: 0,
            bridges: Bridges::default(),
            bridged_gaps: 0,
            last_sample: 0.0,
            mono: Vec::new(),
            resampled: Vec::new(),
            power: (0.0, 0),
            last_audio: now,
        }
    }

    /// Cuts windows of `window_samples` at `target_hz` from now on.
    pub(super) fn start_windows(
        &mut self,
        target_hz: u32,
        window_samples: usize,
    ) -> Result<(), ResampleError> {
        let resampler = Resampler::new(self.reader.rate_hz(), target_hz)?;
        self.chain = Some(WindowChain {
            resampler,
            windower: Windower::new(window_samples, window_samples),
            window_samples,
        });
        self.restart = self.clock;
        Ok(())
    }

    /// Drops all audio from now on.
    pub(super) fn stop_windows(&mut self) {
        self.chain = None;
    }

    /// Whether it cuts windows.
    pub(super) fn cuts_windows(&self) -> bool {
        self.chain.is_some()
    }

    /// Whether the first mark has come.
    pub(super) fn has_begun(&self) -> bool {
        self.transport.is_some()
    }

    pub(super) fn rate_hz(&self) -> u32 {
        self.reader.rate_hz()
    }

    pub(super) fn lost_frames(&self) -> u64 {
        self.reader.lost_frames()
    }

    /// Short gaps so far that windows span.
    pub(super) fn bridged_gaps(&self) -> u64 {
        self.bridged_gaps
    }

    /// A sentence for the user while the input's channels cancel each other.
    pub(super) fn cancelling(&self) -> Option<String> {
        let alone_s = self.reader.alone_frames() as f64 / f64::from(self.rate_hz());
        (alone_s >= CANCELLING_S).then(|| {
            "The input's channels cancel each other, so that a mono mix is silent: one of them is \
             analyzed alone. Check the polarity of the tracks."
                .to_owned()
        })
    }

    /// Whether the transport stands.
    pub(super) fn is_stopped(&self) -> bool {
        self.transport.is_some_and(|transport| !transport.playing)
    }

    /// Whether audio goes into windows now.
    pub(super) fn is_listening(&self) -> bool {
        self.transport
            .is_some_and(|transport| self.listens(transport))
    }

    fn listens(&self, transport: Transport) -> bool {
        transport.playing || !self.follows_transport
    }

    /// The host's position where audio under this transport begins; `None` on the stream's own clock.
    fn host_position(&self, transport: Transport) -> Option<i64> {
        // A transport that stands has one position for all that sounds meanwhile.
        let is_timed = transport.playing || !self.listens(transport);
        transport.position.filter(|_| is_timed)
    }

    /// Sets whether audio is passed over while the transport stands.
    pub(super) fn follow_transport(&mut self, follows: bool) -> Result<(), ResampleError> {
        let before = std::mem::replace(&mut self.follows_transport, follows);
        let Some(transport) = self.transport.filter(|_| before != follows) else {
            return Ok(());
        };
        if !transport.playing {
            self.restart()?;
            let host = self.host_position(transport);
            self.timeline.anchor(self.clock, host, true);
        }
        Ok(())
    }

    /// Measures the pace of the audio, and tells the audio callback whether renders are to wait. `holds`
    /// tells that audio waits for the analysis. [`Self::next`] takes the audio that is there now: what a
    /// render adds meanwhile would pass before it is known to be one.
    pub(super) fn follow_pace(&mut self, now: Instant, exact: bool, holds: bool) {
        self.reader.set_exact(exact);
        // Before the count, so that it is a part of what is counted.
        self.known = self.reader.waiting_samples();
        let arrived = self.reader.arrived_frames();
        let new = arrived - std::mem::replace(&mut self.arrived, arrived);
        let arrived_s = new as f64 / f64::from(self.rate_hz());
        let is_held = self.reader.take_waited() || holds;
        self.outruns_the_clock = self.pace.follow(now, arrived_s, is_held);
        self.reader.set_rendering(self.outruns_the_clock);
    }

    /// Whether the next sample is part of a render: the host says so, or audio outruns the clock.
    pub(super) fn is_render(&self) -> bool {
        if self.outruns_the_clock {
            return true;
        }
        let ahead = self.reader.mark_ahead().map(|mark| mark.transport);
        ahead
            .or(self.transport)
            .is_some_and(|transport| transport.offline)
    }

    /// Seconds of audio that wait in the ring.
    pub(super) fn waiting_s(&self) -> f64 {
        self.reader.waiting_samples() as f64 / f64::from(self.rate_hz())
    }

    /// The filled part of the present window, 0 to 1.
    pub(super) fn fill(&self) -> f32 {
        self.chain
            .as_ref()
            .map_or(0.0, |chain| chain.windower.fill())
    }

    /// The earliest time at which the next window can be full, if audio keeps coming.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let chain = self.chain.as_ref().filter(|_| self.is_listening())?;
        let missing_s = chain.windower.missing() as f64 / f64::from(chain.resampler.target_hz());
        Some(self.last_audio + Duration::from_secs_f64(missing_s))
    }

    /// The time of the last audio.
    pub(super) fn last_audio(&self) -> Instant {
        self.last_audio
    }

    /// The stream's present position, in seconds on its timeline.
    pub(super) fn position_s(&self) -> f64 {
        let at = match self.timeline.last_anchor() {
            // A transport that stands keeps its position, though samples keep coming.
            Some(stop) if !self.is_listening() => stop,
            _ => self.clock,
        };
        self.timeline.span(at, 0).seconds.end
    }

    /// RMS level in dBFS of the audio since the last call; `None` without audio.
    pub(super) fn take_level_dbfs(&mut self) -> Option<f32> {
        let (sum, count) = std::mem::take(&mut self.power);
        (count > 0).then(|| (10.0 * (sum / count as f64).log10()) as f32)
    }

    /// Begins a new window here.
    fn restart(&mut self) -> Result<(), ResampleError> {
        self.restart = self.clock;
        self.bridges.clear();
        if let Some(chain) = &mut self.chain {
            chain.resampler.reset()?;
            chain.windower = Windower::new(chain.window_samples, chain.window_samples);
        }
        Ok(())
    }

    /// Processes one step; `None` when all audio is processed that was there when the pace was measured.
    /// `hop_samples` is at the model's rate.
    pub(super) fn next(
        &mut self,
        now: Instant,
        hop_samples: usize,
    ) -> Result<Option<InputEvent>, ResampleError> {
        if let Some(chain) = &mut self.chain {
            chain.windower.set_hop(hop_samples);
            if let Some(window) = chain.windower.next_window() {
                let target_hz = chain.resampler.target_hz();
                let positioned = self.positioned(window, target_hz, now);
                return Ok(Some(InputEvent::Window(positioned)));
            }
        }
        if self.known == 0 {
            return Ok(None);
        }
        self.mono.clear();
        let mark = self
            .reader
            .take(CHUNK_SAMPLES.min(self.known), &mut self.mono);
        self.known -= self.mono.len();
        let event = match mark {
            Some(mark) => self.apply(mark)?,
            None => None,
        };
        if self.mono.is_empty() {
            return Ok(event.or(mark.map(|_| InputEvent::Audio)));
        }
        self.last_audio = now;
        self.process_chunk()?;
        Ok(event.or(Some(InputEvent::Audio)))
    }

    /// Passes the samples in `mono` on to the window chain.
    fn process_chunk(&mut self) -> Result<(), ResampleError> {
        let invalid = sanitize(&mut self.mono);
        let squares = self.mono.iter().map(|x| f64::from(*x).powi(2));
        self.power.0 += squares.sum::<f64>();
        self.power.1 += self.mono.len();
        let from = self.clock;
        self.clock += self.mono.len() as u64;
        self.last_sample = self.mono.last().copied().unwrap_or(0.0);
        if !self.is_listening() {
            return Ok(());
        }
        let Some(chain) = &mut self.chain else {
            return Ok(());
        };
        if let Some(invalid) = invalid {
            let (source, target) = (
                f64::from(chain.resampler.source_hz()),
                f64::from(chain.resampler.target_hz()),
            );
            let sample = |at: usize, shift_s: f64| {
                let seconds = (from - self.restart + at as u64) as f64 / source + shift_s;
                (seconds.max(0.0) * target).round() as u64
            };
            let stretch = sample(invalid.range.start, -SMEAR_S)..sample(invalid.range.end, SMEAR_S);
            chain.windower.mark(stretch, Status::Invalid);
        }
        self.resampled.clear();
        chain.resampler.push(&self.mono, &mut self.resampled)?;
        chain.windower.push(&self.resampled);
        Ok(())
    }

    fn apply(&mut self, mark: Mark) -> Result<Option<InputEvent>, ResampleError> {
        let before = self.transport.replace(mark.transport);
        let was_playing = before.map(|transport| transport.playing);
        let playing = mark.transport.playing;
        let host = self.host_position(mark.transport);
        let listens = self.listens(mark.transport);
        let is_asked = mark.reset || mark.start_again;
        let goes_on = listens && was_playing == Some(playing) && !is_asked;
        let mut missing = mark.lost_frames;
        if goes_on {
            let longest = self.longest_bridge();
            missing += self.timeline.skipped(self.clock + missing, host, longest);
        }
        let jumps = goes_on && self.timeline.jumps(self.clock + missing, host);
        if goes_on && !jumps && (1..=self.longest_bridge()).contains(&missing) {
            self.bridge(missing)?;
            self.timeline.anchor(self.clock, host, false);
            return Ok(None);
        }
        self.clock += mark.lost_frames;
        let gap = (mark.lost_frames > 0).then(|| self.timeline.span(self.clock, mark.lost_frames));
        let cause = if mark.reset {
            Some(CutCause::Reset)
        } else if mark.start_again {
            Some(CutCause::Again)
        } else if was_playing == Some(true) && !playing {
            Some(CutCause::Stop)
        } else if !listens {
            None
        } else if was_playing != Some(playing) {
            Some(CutCause::Start)
        } else if jumps {
            Some(CutCause::Jump)
        } else if gap.is_some() {
            Some(CutCause::Loss)
        } else {
            None
        };
        if cause.is_some() {
            self.restart()?;
        }
        self.timeline.anchor(self.clock, host, cause.is_some());
        Ok(cause.map(|cause| InputEvent::Cut { cause, gap }))
    }

    /// The longest gap that is bridged, in frames.
    fn longest_bridge(&self) -> u64 {
        (bridge::LONGEST_S * f64::from(self.rate_hz())) as u64
    }

    /// Puts `frames` in the place of lost ones; `mono` holds what comes after them.
    fn bridge(&mut self, frames: u64) -> Result<(), ResampleError> {
        let start = self.clock;
        self.clock += frames;
        self.bridged_gaps += 1;
        let Some(chain) = &mut self.chain else {
            return Ok(());
        };
        self.bridges.add(start..self.clock);
        let next = self.mono.first().copied().filter(|next| next.is_finite());
        let (from, to) = (self.last_sample, next.unwrap_or(0.0));
        let mut filling = Vec::new();
        let rate_hz = chain.resampler.source_hz();
        bridge::fill(from, to, frames as usize, rate_hz, &mut filling);
        self.resampled.clear();
        chain.resampler.push(&filling, &mut self.resampled)?;
        chain.windower.push(&self.resampled);
        Ok(())
    }

    fn positioned(&mut self, mut window: Window, target_hz: u32, now: Instant) -> PositionedWindow {
        let rate_hz = self.rate_hz();
        let frames = |samples: u64| {
            (samples as f64 * f64::from(rate_hz) / f64::from(target_hz)).round() as u64
        };
        let length = window.samples.len() as u64;
        let end = self.restart + frames(window.start + length);
        let start = self.restart + frames(window.start);
        let bridged_frames = self.bridges.frames_in(&(start..end));
        if bridge::is_too_much(bridged_frames, end - start) {
            window.status = Status::Gap;
        }
        let since = self.clock.saturating_sub(end) + self.reader.waiting_samples() as u64;
        let since = Duration::from_secs_f64(since as f64 / f64::from(rate_hz));
        PositionedWindow {
            span: self.timeline.span(end, frames(length)),
            window,
            bridged_frames,
            arrived: now.checked_sub(since).unwrap_or(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mertscope_audio::tap::tap;

    /// A host renders while the worker empties the ring, without a word that it does.
    #[test]
    fn audio_that_comes_after_the_measurement_waits_for_the_next() {
        const RATE_HZ: u32 = 24_000;
        let mut now = Instant::now();
        let (mut tap, reader) = tap(RATE_HZ);
        let mut input = StreamInput::new(reader, now);
        input.start_windows(RATE_HZ, 24_000).unwrap();
        let second = vec![0.5; RATE_HZ as usize];
        let mut windows = 0;
        for measured in 1..=8 {
            now += Duration::from_millis(10);
            tap.push(&[&second], Transport::LIVE_INPUT);
            input.follow_pace(now, true, false);
            // Not measured yet.
            tap.push(&[&second], Transport::LIVE_INPUT);
            while let Some(event) = input.next(now, 24_000).unwrap() {
                windows += usize::from(matches!(event, InputEvent::Window(_)));
            }
            assert!(windows < 2 * measured, "{windows} after {measured}");
            if windows > 2 {
                assert!(input.is_render(), "{windows} after {measured}");
            }
        }
    }
}
