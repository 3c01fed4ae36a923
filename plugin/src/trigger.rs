//! A parameter that is pressed rather than switched: a host's "on" is one press, and its value is off again at
//! once.
//!
//! So no project stores it as on, and loading one presses nothing. Hosts that send a value again and again while
//! it lasts press it once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use nih_plug::prelude::{BoolParam, Param};

/// Presses with less than this many seconds of audio between them are one.
const ONE_PRESS_S: f64 = 0.5;

/// A host parameter that counts its presses in `presses`, on any thread.
pub(crate) fn trigger(name: &str, presses: &Arc<AtomicU64>) -> Arc<BoolParam> {
    let presses = Arc::clone(presses);
    Arc::new_cyclic(|this: &Weak<BoolParam>| {
        let this = Weak::clone(this);
        let pressed = move |on: bool| {
            if on && let Some(param) = this.upgrade() {
                presses.fetch_add(1, Ordering::Relaxed);
                // SAFETY: a parameter's value is an atomic. `upgrade` keeps the parameter, and whoever sets it
                // holds it too, so that nothing is freed here.
                unsafe { param.as_ptr()._internal_set_normalized_value(0.0) };
            }
        };
        BoolParam::new(name, false).with_callback(Arc::new(pressed))
    })
}

/// Tells presses apart, in the audio callback.
#[derive(Debug)]
pub(crate) struct Presses {
    seen: u64,
    /// Frames since the last one.
    quiet_frames: u64,
}

impl Default for Presses {
    fn default() -> Self {
        Self {
            seen: 0,
            quiet_frames: u64::MAX,
        }
    }
}

impl Presses {
    /// Whether a new press begins with a block of so many frames; `count` is the trigger's.
    pub(crate) fn begins(&mut self, count: u64, frames: usize, rate_hz: u32) -> bool {
        let is_pressed = std::mem::replace(&mut self.seen, count) != count;
        let begins = is_pressed && self.quiet_frames as f64 >= ONE_PRESS_S * f64::from(rate_hz);
        if is_pressed {
            self.quiet_frames = 0;
        }
        self.quiet_frames = self.quiet_frames.saturating_add(frames as u64);
        begins
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_on_is_counted_and_the_value_is_off_again() {
        let presses = Arc::new(AtomicU64::new(0));
        let param = trigger("Again", &presses);
        for (value, count) in [(1.0, 1), (1.0, 2), (0.0, 2), (0.7, 3), (0.2, 3)] {
            // SAFETY: the parameter is alive.
            unsafe { param.as_ptr()._internal_set_normalized_value(value) };
            assert_eq!(presses.load(Ordering::Relaxed), count, "{value}");
            assert!(!param.value());
            assert_eq!(param.unmodulated_normalized_value(), 0.0);
        }
        // Modulation holds it for as long as it lasts, and is one press.
        for _ in 0..3 {
            // SAFETY: the parameter is alive.
            unsafe { param.as_ptr()._internal_modulate_value(1.0) };
        }
        assert_eq!(presses.load(Ordering::Relaxed), 4);
        assert!(!param.unmodulated_plain_value());
    }

    #[test]
    fn a_value_that_is_sent_again_and_again_is_one_press() {
        let mut presses = Presses::default();
        let mut begun = Vec::new();
        // Blocks of 0.1 s: a host holds the switch for a second, and presses it again half a second later.
        for block in 0..30 {
            let count = match block {
                0..3 => 0,
                3..13 => block - 2,
                13..18 => 10,
                _ => 11,
            };
            if presses.begins(count, 4_800, 48_000) {
                begun.push(block);
            }
        }
        assert_eq!(begun, [3, 18]);
    }
}
