//! Positions on audio time: from a stream's own clock, which never jumps, to the host's timeline.

use std::ops::Range;

/// A position that differs by less is a correction of the host's clock, not a cut in the music.
const CORRECTION_S: f64 = 0.02;

/// A stretch of audio on the timelines.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AudioSpan {
    /// Start and end in seconds, on the host's timeline or else on the stream's own clock.
    pub(super) seconds: Range<f64>,
    /// The same in samples at the host's rate; `None` without a host timeline.
    pub(super) host_samples: Option<Range<i64>>,
    /// Its end on the stream's own clock, in seconds.
    pub(super) clock_s: f64,
}

/// A position of the host at a moment of the stream's clock, in frames each.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    clock: u64,
    host: Option<i64>,
}

/// The host's timeline, as known from the marks so far.
#[derive(Debug)]
pub(super) struct HostTimeline {
    rate_hz: u32,
    anchors: Vec<Anchor>,
    last_jump: Option<(i64, i64)>,
}

impl HostTimeline {
    pub(super) fn new(rate_hz: u32) -> Self {
        Self {
            rate_hz,
            anchors: Vec::new(),
            last_jump: None,
        }
    }

    /// At `clock` the host is at `host` and goes on from there. With `cut`, no window that ends later
    /// reaches back before `clock`.
    pub(super) fn anchor(&mut self, clock: u64, host: Option<i64>, cut: bool) {
        // One older anchor is kept, for a window that ends before this anchor but is cut after it.
        let keep = usize::from(!cut).min(self.anchors.len());
        let keep_from = self.anchors.len() - keep;
        self.anchors.drain(..keep_from);
        self.anchors.push(Anchor { clock, host });
    }

    /// The last anchor's moment on the clock.
    pub(super) fn last_anchor(&self) -> Option<u64> {
        self.anchors.last().map(|anchor| anchor.clock)
    }

    /// Whether the host jumped to `host` at this moment of the clock; repeating the same loop does not
    /// count.
    pub(super) fn jumps(&mut self, clock: u64, host: Option<i64>) -> bool {
        let (Some(expected), Some(host)) = (self.host(clock), host) else {
            return self.host(clock).is_some() != host.is_some();
        };
        if expected.abs_diff(host) as f64 <= CORRECTION_S * f64::from(self.rate_hz) {
            return false;
        }
        let same_loop = host < expected && self.last_jump == Some((expected, host));
        self.last_jump = Some((expected, host));
        !same_loop
    }

    /// Frames that the host passed over, in a block that it did not hand out: more than a correction, and
    /// at most `longest`. 0 if it is elsewhere.
    pub(super) fn skipped(&self, clock: u64, host: Option<i64>, longest: u64) -> u64 {
        let (Some(expected), Some(host)) = (self.host(clock), host) else {
            return 0;
        };
        let correction = (CORRECTION_S * f64::from(self.rate_hz)) as u64;
        let ahead = u64::try_from(host.saturating_sub(expected)).unwrap_or(0);
        match ahead > correction && ahead <= longest {
            true => ahead,
            false => 0,
        }
    }

    /// The host's position at a moment of the clock; exactly at an anchor, the position before it.
    fn host(&self, clock: u64) -> Option<i64> {
        let before = |anchor: &&Anchor| anchor.clock < clock;
        let anchor = self.anchors.iter().rev().find(before);
        let anchor = anchor.or(self.anchors.first())?;
        Some(anchor.host? + (clock as i64 - anchor.clock as i64))
    }

    /// The span of the `length` frames before a moment of the clock.
    pub(super) fn span(&self, end: u64, length: u64) -> AudioSpan {
        let rate_hz = f64::from(self.rate_hz);
        let host_samples = self.host(end).map(|host| host - length as i64..host);
        let clock_s = end as f64 / rate_hz;
        let seconds = match &host_samples {
            Some(host) => host.start as f64 / rate_hz..host.end as f64 / rate_hz,
            None => (clock_s - length as f64 / rate_hz)..clock_s,
        };
        AudioSpan {
            seconds,
            host_samples,
            clock_s,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_counts_from_the_anchor_before_its_end() {
        let mut timeline = HostTimeline::new(1_000);
        timeline.anchor(0, Some(5_000), true);
        timeline.anchor(2_000, Some(5_000), false); // a loop of two seconds
        let at = |end| timeline.span(end, 500).host_samples;
        assert_eq!(at(1_500), Some(6_000..6_500));
        assert_eq!(at(2_000), Some(6_500..7_000)); // the loop's end, not its start
        assert_eq!(at(2_100), Some(4_600..5_100));
        assert_eq!(timeline.span(2_100, 500).seconds, 4.6..5.1);
        timeline.anchor(3_000, None, true);
        let span = timeline.span(3_500, 500);
        assert_eq!((span.host_samples, span.seconds), (None, 3.0..3.5));
    }

    #[test]
    fn a_loop_is_a_jump_once_and_a_correction_never() {
        let mut timeline = HostTimeline::new(1_000);
        timeline.anchor(0, Some(0), true);
        assert!(!timeline.jumps(1_000, Some(1_015)));
        assert!(timeline.jumps(1_000, Some(0)));
        timeline.anchor(1_000, Some(0), true);
        assert!(!timeline.jumps(2_000, Some(0)));
        timeline.anchor(2_000, Some(0), false);
        // Elsewhere, forwards, or off the timeline: a jump each time.
        assert!(timeline.jumps(2_500, Some(100)));
        assert!(timeline.jumps(3_000, Some(9_000)));
        assert!(timeline.jumps(3_000, Some(9_000)));
        assert!(timeline.jumps(3_000, None));
    }

    #[test]
    fn a_block_that_the_host_passed_over_is_told_from_a_jump() {
        let mut timeline = HostTimeline::new(1_000);
        timeline.anchor(0, Some(5_000), true);
        let skipped = |host| timeline.skipped(2_000, host, 50);
        let hosts = [7_000, 7_020, 7_021, 7_050, 7_051, 6_970];
        assert_eq!(hosts.map(|host| skipped(Some(host))), [0, 0, 21, 50, 0, 0]);
        assert_eq!(skipped(None), 0);
    }
}
