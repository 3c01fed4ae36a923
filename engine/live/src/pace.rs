//! The pace of the audio against the clock: a render shows by outrunning it, whatever the host calls it.
//!
//! Some hosts tell a plugin of a render block by block, where the plugin's framework does not read it, and
//! some never. The worker measures, and the audio callback reads its finding.

use std::time::{Duration, Instant};

/// Seconds of audio ahead of the clock from which audio is a render: more than a host's largest block and
/// its reading ahead.
const AHEAD_S: f64 = 2.0;

/// The part of the clock's time by which the lead shrinks, so that a sound card that is a little fast never
/// makes a render in hours.
const LEAK: f64 = 0.01;

/// A render has ended when audio kept the clock's pace for this long.
const CALM: Duration = Duration::from_secs(1);

/// Seconds of audio above the clock's that are no haste: one large block.
const BLOCK_S: f64 = 0.25;

/// See the module.
#[derive(Debug)]
pub(super) struct Pace {
    at: Instant,
    ahead_s: f64,
    is_render: bool,
    /// Since when a render seems calm, and the audio since then.
    calm: (Instant, f64),
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            at: now,
            ahead_s: 0.0,
            is_render: false,
            calm: (now, 0.0),
        }
    }

    /// Takes in the audio that arrived since the last call; `is_held` tells that the host waited for the
    /// analysis meanwhile, or that audio waits. Returns whether this is a render.
    pub(super) fn follow(&mut self, now: Instant, arrived_s: f64, is_held: bool) -> bool {
        let elapsed_s = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now;
        self.ahead_s = (self.ahead_s + arrived_s - elapsed_s * (1.0 + LEAK)).max(0.0);
        if !self.is_render {
            self.is_render = self.ahead_s > AHEAD_S;
            self.calm = (now, 0.0);
            return self.is_render;
        }
        let (since, audio_s) = self.calm;
        self.calm.1 = audio_s + arrived_s;
        let calm = now.saturating_duration_since(since);
        if is_held || self.calm.1 > calm.as_secs_f64() + BLOCK_S {
            self.calm = (now, 0.0);
        } else if calm >= CALM {
            self.is_render = false;
            self.ahead_s = 0.0;
        }
        self.is_render
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock, and a pace that follows it in steps.
    struct Clock {
        now: Instant,
        pace: Pace,
    }

    impl Clock {
        fn new() -> Self {
            let now = Instant::now();
            let pace = Pace::new(now);
            Self { now, pace }
        }

        /// Lets `ms` pass, in which `arrived_s` come.
        fn step(&mut self, ms: u64, arrived_s: f64, is_held: bool) -> bool {
            self.now += Duration::from_millis(ms);
            self.pace.follow(self.now, arrived_s, is_held)
        }
    }

    #[test]
    fn real_time_is_no_render_however_uneven() {
        let mut clock = Clock::new();
        // Blocks of a second, a worker that was late for eight, a sound card that is 0.5 % fast, a pause.
        for n in 0..4_000 {
            let arrived_s = if n % 10 == 0 { 1.005 } else { 0.0 };
            assert!(!clock.step(100, arrived_s, false));
        }
        assert!(!clock.step(8_000, 8.9, true));
        for _ in 0..100 {
            assert!(!clock.step(10, 0.01, true));
        }
        assert!(!clock.step(60_000, 0.0, false));
        assert!(!clock.step(100, 1.0, false));
    }

    #[test]
    fn a_render_shows_within_two_seconds_of_audio_and_lasts_until_real_time_returns() {
        let mut clock = Clock::new();
        assert!(clock.step(50, 2.5, false));
        // Held by the analysis: slower than real time, and still a render.
        for _ in 0..100 {
            assert!(clock.step(100, 0.05, true));
        }
        // What waits in the ring is still analyzed.
        assert!(clock.step(2_000, 0.0, true));
        let calm = (0..30).map(|_| clock.step(50, 0.05, false));
        assert_eq!(calm.filter(|is_render| *is_render).count(), 19);
    }
}
