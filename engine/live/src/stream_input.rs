//! One stream's way from the ring to windows: drained, made safe, resampled, cut, each window with
//! its place on the host's timeline. Runs on the worker.
//!
//! Marks are told before the audio behind them. A start, jump, loss or reset begins a new window;
//! a loop that comes round again does not, since what it repeats is what the user hears.

use std::time::{Duration, Instant};

use super::host_timeline::{HostTimeline, AudioSpan};
use mertscope_audio::Status;
use mertscope_audio::downmix::sanitize;
use mertscope_audio::model_rate_source::SMEAR_S;
use mertscope_audio::resample::{ResampleError, Resampler};
use mertscope_audio::tap::{Mark, TapReader, Transport};
use mertscope_audio::windower::{Window, Windower};

/// Samples taken from the ring at a time.
const CHUNK_SAMPLES: usize = 8192;

/// What [`StreamInput::next`] found.
#[derive(Debug)]
pub(super) enum Event {
    /// Audio was taken in, or dropped because nobody listens; there may be more.
    Audio,
    /// The stream is not contiguous here.
    Cut {
        /// Why.
        cause: Cause,
        /// Where audio is missing, if it is.
        gap: Option<AudioSpan>,
    },
    /// The transport stopped.
    Stopped,
    /// A window is full.
    Window(PlacedWindow),
}

/// Why a stream is not contiguous.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// The transport started, or the stream began.
    Start,
    /// The transport was moved, or looped for the first time.
    Jump,
    /// Samples found no room.
    Loss,
    /// The host asked to forget.
    Reset,
}

/// A window and its place.
#[derive(Debug)]
pub(super) struct PlacedWindow {
    pub(super) window: Window,
    pub(super) place: AudioSpan,
    /// When its last sample came, as near as can be told.
    pub(super) arrived: Instant,
}

/// What turns samples into windows once the model is known.
#[derive(Debug)]
struct Chain {
    resampler: Resampler,
    windower: Windower,
    window_samples: usize,
}

/// A stream's ring and what follows it.
#[derive(Debug)]
pub(super) struct StreamInput {
    reader: TapReader,
    chain: Option<Chain>,
    transport: Option<Transport>,
    /// Frames since the ring was made, lost ones among them.
    clock: u64,
    /// Where the present window's first sample stands on the clock.
    restart: u64,
    timeline: HostTimeline,
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
            clock: 0,
            restart: 0,
            mono: Vec::new(),
            resampled: Vec::new(),
            power: (0.0, 0),
            last_audio: now,
        }
    }

    /// Cuts windows of `window_samples` at `target_hz` from now on.
    pub(super) fn listen(
        &mut self,
        target_hz: u32,
        window_samples: usize,
    ) -> Result<(), ResampleError> {
        let resampler = Resampler::new(self.reader.rate_hz(), target_hz)?;
        self.chain = Some(Chain {
            resampler,
            windower: Windower::new(window_samples, window_samples),
            window_samples,
        });
        self.restart = self.clock;
        Ok(())
    }

    /// Drops audio unheard from now on.
    pub(super) fn ignore(&mut self) {
        self.chain = None;
    }

    /// Whether it cuts windows.
    pub(super) fn listens(&self) -> bool {
        self.chain.is_some()
    }

    /// Whether the host said anything yet.
    pub(super) fn has_begun(&self) -> bool {
        self.transport.is_some()
    }

    pub(super) fn rate_hz(&self) -> u32 {
        self.reader.rate_hz()
    }

    pub(super) fn lost_frames(&self) -> u64 {
        self.reader.lost_frames()
    }

    pub(super) fn is_playing(&self) -> bool {
        self.transport.is_some_and(|transport| transport.playing)
    }

    /// Whether the host renders the next sample offline.
    pub(super) fn is_offline(&self) -> bool {
        let ahead = self.reader.mark_ahead().map(|mark| mark.transport);
        ahead
            .or(self.transport)
            .is_some_and(|transport| transport.offline)
    }

    /// How much audio waits in the ring, in seconds.
    pub(super) fn waiting_s(&self) -> f64 {
        self.reader.waiting_samples() as f64 / f64::from(self.rate_hz())
    }

    /// How much of a window there is, 0 to 1.
    pub(super) fn fill(&self) -> f32 {
        self.chain
            .as_ref()
            .map_or(0.0, |chain| chain.windower.fill())
    }

    /// When the next window can be due, if audio keeps coming.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let chain = self.chain.as_ref().filter(|_| self.is_playing())?;
        let missing_s = chain.windower.missing() as f64 / f64::from(chain.resampler.target_hz());
        Some(self.last_audio + Duration::from_secs_f64(missing_s))
    }

    /// When audio last came.
    pub(super) fn last_audio(&self) -> Instant {
        self.last_audio
    }

    /// Where the stream is now, in seconds of its timeline.
    pub(super) fn position_s(&self) -> f64 {
        let at = match self.timeline.last_anchor() {
            // A stopped transport stays where it was stopped, though samples keep coming.
            Some(stop) if !self.is_playing() => stop,
            _ => self.clock,
        };
        self.timeline.place(at, 0).seconds.end
    }

    /// RMS level in dBFS of what came since the last call; `None` when nothing did.
    pub(super) fn take_level_dbfs(&mut self) -> Option<f32> {
        let (sum, count) = std::mem::take(&mut self.power);
        (count > 0).then(|| (10.0 * (sum / count as f64).log10()) as f32)
    }

    /// Begins a new window here.
    fn restart(&mut self) -> Result<(), ResampleError> {
        self.restart = self.clock;
        if let Some(chain) = &mut self.chain {
            chain.resampler.reset()?;
            chain.windower = Windower::new(chain.window_samples, chain.window_samples);
        }
        Ok(())
    }

    /// Goes on by one step; `None` when the ring is empty. `hop_samples` is in model samples.
    pub(super) fn next(
        &mut self,
        now: Instant,
        hop_samples: usize,
    ) -> Result<Option<Event>, ResampleError> {
        if let Some(chain) = &mut self.chain {
            chain.windower.set_hop(hop_samples);
            if let Some(window) = chain.windower.next_window() {
                return Ok(Some(Event::Window(self.placed(window, now))));
            }
        }
        self.mono.clear();
        let mark = self.reader.take(CHUNK_SAMPLES, &mut self.mono);
        let event = match mark {
            Some(mark) => self.apply(mark)?,
            None => None,
        };
        if self.mono.is_empty() {
            return Ok(event.or(mark.map(|_| Event::Audio)));
        }
        self.last_audio = now;
        self.take_in()?;
        Ok(event.or(Some(Event::Audio)))
    }

    fn take_in(&mut self) -> Result<(), ResampleError> {
        let bad = sanitize(&mut self.mono);
        let squares = self.mono.iter().map(|x| f64::from(*x).powi(2));
        self.power.0 += squares.sum::<f64>();
        self.power.1 += self.mono.len();
        let from = self.clock;
        self.clock += self.mono.len() as u64;
        if !self.is_playing() {
            return Ok(());
        }
        let Some(chain) = &mut self.chain else {
            return Ok(());
        };
        if let Some(bad) = bad {
            let (source, target) = (
                f64::from(chain.resampler.source_hz()),
                f64::from(chain.resampler.target_hz()),
            );
            let sample = |at: usize, shift_s: f64| {
                let seconds = (from - self.restart + at as u64) as f64 / source + shift_s;
                (seconds.max(0.0) * target).round() as u64
            };
            let stretch = sample(bad.range.start, -SMEAR_S)..sample(bad.range.end, SMEAR_S);
            chain.windower.mark(stretch, Status::Invalid);
        }
        self.resampled.clear();
        chain.resampler.push(&self.mono, &mut self.resampled)?;
        chain.windower.push(&self.resampled);
        Ok(())
    }

    fn apply(&mut self, mark: Mark) -> Result<Option<Event>, ResampleError> {
        let before = self.transport.replace(mark.transport);
        let was_playing = before.is_some_and(|transport| transport.playing);
        self.clock += mark.lost_frames;
        let gap = (mark.lost_frames > 0).then(|| self.timeline.place(self.clock, mark.lost_frames));
        let host = mark.transport.position;
        let cause = if mark.reset {
            Some(Cause::Reset)
        } else if !mark.transport.playing {
            None
        } else if !was_playing {
            Some(Cause::Start)
        } else if self.timeline.jumps(self.clock, host) {
            Some(Cause::Jump)
        } else if gap.is_some() {
            Some(Cause::Loss)
        } else {
            None
        };
        if cause.is_some() {
            self.restart()?;
        }
        self.timeline.anchor(self.clock, host, cause.is_some());
        Ok(match cause {
            Some(cause) => Some(Event::Cut { cause, gap }),
            None if was_playing && !mark.transport.playing => Some(Event::Stopped),
            None => None,
        })
    }

    fn placed(&self, window: Window, now: Instant) -> PlacedWindow {
        let target_hz = self
            .chain
            .as_ref()
            .map_or(self.rate_hz(), |chain| chain.resampler.target_hz());
        let frames = |samples: u64| {
            (samples as f64 * f64::from(self.rate_hz()) / f64::from(target_hz)).round() as u64
        };
        let length = window.samples.len() as u64;
        let end = self.restart + frames(window.start + length);
        let since = self.clock.saturating_sub(end) + self.reader.waiting_samples() as u64;
        let since = Duration::from_secs_f64(since as f64 / f64::from(self.rate_hz()));
        PlacedWindow {
            place: self.timeline.place(end, frames(length)),
            window,
            arrived: now.checked_sub(since).unwrap_or(now),
        }
    }
}
