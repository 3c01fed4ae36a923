//! The schedule: the hop between windows, and the stream whose window runs next. Pure arithmetic.

use std::time::Instant;

use super::{Hop, MAX_HOP_S, MIN_HOP_S};

/// The automatic hop of an exact bounce: the default of `mertscope analyze`, and the same on every
/// machine.
const EXACT_HOP_S: f64 = 1.0;

/// The largest share of a core. The single encoder thread can't use more than one core, and above this
/// share windows would be late.
const MAX_SHARE: f64 = 0.9;

/// The smallest share; below it the hop is the longest one anyway.
const MIN_SHARE: f64 = 0.001;

/// The load of all streams together.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Load {
    /// Inference time of one window of each active stream, in seconds.
    pub(super) round_s: f64,
    /// The worker's own share of a core: resampling, heads, snapshots.
    pub(super) worker_share: f64,
}

/// The hop in seconds under a load, when analysis may take `cpu_share` of one core. `exact` means an
/// offline bounce that waits for the analysis.
pub(super) fn hop_s(asked: Hop, load: Load, cpu_share: f32, exact: bool) -> f64 {
    let asked_s = match asked {
        Hop::Auto if exact => EXACT_HOP_S,
        Hop::Auto => MIN_HOP_S,
        Hop::Seconds(seconds) if seconds.is_finite() => seconds.clamp(0.02, MAX_HOP_S),
        Hop::Seconds(_) => MIN_HOP_S,
    };
    if exact {
        return asked_s;
    }
    let share = f64::from(cpu_share).clamp(MIN_SHARE, MAX_SHARE);
    // A longer hop does not reduce the worker's part, so at least half is left to the encoder.
    let left = (share - load.worker_share).max(share / 2.0);
    // A NaN share has no effect: the larger of a number and NaN is the number.
    asked_s.max(load.round_s / left).min(MAX_HOP_S)
}

/// The usual duration of a run, which slowly follows the measured ones: one slow window must not triple
/// the hop, but a slower machine must.
pub(super) fn follow(usual_s: f64, measured_s: f64) -> f64 {
    const GAIN: f64 = 0.25;
    usual_s + GAIN * (measured_s - usual_s)
}

/// The streams whose waiting windows run next, of `(stream, deadline, session)`: the one with the earliest
/// deadline, and the next ones of its session, as many as that runs at once.
pub(super) fn together<S: Copy + PartialEq>(
    mut waiting: Vec<(u64, Instant, S)>,
    at_once: impl Fn(S) -> usize,
) -> Vec<u64> {
    waiting.sort_by_key(|(_, due, _)| *due);
    let Some((_, _, session)) = waiting.first().copied() else {
        return Vec::new();
    };
    let same = waiting.into_iter().filter(|(.., other)| *other == session);
    let most = at_once(session).max(1);
    same.map(|(id, ..)| id).take(most).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_hop_is_the_requested_one_until_the_share_is_used_up() {
        let load = |round_s| Load {
            round_s,
            worker_share: 0.0,
        };
        let auto = |round_s, share| hop_s(Hop::Auto, load(round_s), share, false);
        assert_eq!(auto(0.05, 0.5), MIN_HOP_S);
        assert!((auto(0.5, 0.5) - 1.0).abs() < 1e-9);
        assert_eq!(auto(1e3, 0.5), MAX_HOP_S);
        assert_eq!(hop_s(Hop::Seconds(2.0), load(0.5), 0.5, false), 2.0);
        assert_eq!(hop_s(Hop::Seconds(2.0), load(4.0), 0.5, false), 8.0);
        // No share exceeds what one thread can use; invalid values have no effect.
        assert!(auto(1.0, 64.0) > 1.0);
        assert_eq!(auto(1.0, 0.0), MAX_HOP_S);
        assert_eq!(
            hop_s(Hop::Seconds(f64::NAN), load(0.0), 0.5, false),
            MIN_HOP_S
        );
        assert_eq!(auto(0.05, f32::NAN), MIN_HOP_S);
    }

    #[test]
    fn an_exact_bounce_takes_its_time_and_keeps_its_hop() {
        let load = Load {
            round_s: 10.0,
            worker_share: 0.5,
        };
        assert_eq!(hop_s(Hop::Auto, load, 0.1, true), EXACT_HOP_S);
        assert_eq!(hop_s(Hop::Seconds(3.0), load, 0.1, true), 3.0);
    }

    #[test]
    fn the_workers_own_share_counts_but_leaves_the_encoder_half() {
        let hop = |worker_share| {
            let load = Load {
                round_s: 0.5,
                worker_share,
            };
            hop_s(Hop::Auto, load, 0.5, false)
        };
        assert!((hop(0.1) - 0.5 / 0.4).abs() < 1e-9);
        assert!((hop(9.0) - 0.5 / 0.25).abs() < 1e-9);
    }

    #[test]
    fn the_earliest_deadline_goes_first_and_takes_its_session_along() {
        let now = Instant::now();
        let in_ms = |ms| now + Duration::from_millis(ms);
        let waiting = vec![
            (0, in_ms(30), 'a'),
            (3, in_ms(10), 'a'),
            (4, in_ms(15), 'b'),
            (5, in_ms(20), 'a'),
        ];
        for (at_once, expected) in [(0, &[3][..]), (1, &[3]), (2, &[3, 5]), (8, &[3, 5, 0])] {
            assert_eq!(together(waiting.clone(), |_| at_once), expected);
        }
        assert!(together(Vec::<(u64, Instant, char)>::new(), |_| 8).is_empty());
    }

    #[test]
    fn the_usual_duration_follows_a_change_but_not_one_window() {
        let mut usual_s = 0.1;
        usual_s = follow(usual_s, 1.0);
        assert!(usual_s < 0.35, "{usual_s}");
        for _ in 0..20 {
            usual_s = follow(usual_s, 1.0);
        }
        assert!(usual_s > 0.99, "{usual_s}");
    }
}
