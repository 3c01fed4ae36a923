//! Shared by the live tests: a stream with its tap, generated audio, and waiting.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use mertscope_audio::Status;
use mertscope_audio::tap::{Tap, Transport, tap};
use mertscope_live::{Controls, Hop, Live, ModelState, Settings, Snapshot, Stream};

/// So long that only a deadlock reaches it.
const FOREVER: Duration = Duration::from_secs(120);

/// One instance: a host that pushes, and a user who turns knobs.
pub(crate) struct Stage {
    pub stream: Stream,
    pub tap: Tap,
    pub controls: Arc<Mutex<Controls>>,
    pub transport: Transport,
    rate_hz: u32,
}

impl Stage {
    /// A stream at `rate_hz` with a ring, whose model is loaded. It is on a timeline, and bounces
    /// offline without skipping a window, so that what it hears does not depend on the machine.
    pub(crate) fn exact(rate_hz: u32, hop_s: f64, settings: Settings) -> Self {
        let controls = Controls {
            hop: Hop::Seconds(hop_s),
            ..Controls::default()
        };
        let settings = Settings {
            exact_offline: true,
            ..settings
        };
        let stage = Self::loading(rate_hz, controls, settings);
        stage.wait("the model", |s| s.model.state != ModelState::Loading);
        stage
    }

    /// The same with anything in it, and without waiting.
    pub(crate) fn loading(rate_hz: u32, controls: Controls, settings: Settings) -> Self {
        let controls = Arc::new(Mutex::new(controls));
        let knobs = Arc::clone(&controls);
        let source = Arc::new(move || *knobs.lock().unwrap());
        let stream = Live::acquire().open(settings, source);
        let (tap, reader) = tap(rate_hz);
        stream.attach(reader);
        Self {
            stream,
            tap,
            controls,
            transport: Transport {
                playing: true,
                position: Some(0),
                offline: true,
            },
            rate_hz,
        }
    }

    /// Pushes `mono` in blocks of 512 from the transport's position on, which moves on if it plays.
    pub(crate) fn play(&mut self, mono: &[f32]) {
        for block in mono.chunks(512) {
            self.push(&[block]);
        }
    }

    /// Pushes one block, `[channels][frames]`, alike.
    pub(crate) fn push(&mut self, channels: &[&[f32]]) {
        self.tap.push_exact(channels, self.transport, FOREVER);
        if let (true, Some(position)) = (self.transport.playing, &mut self.transport.position) {
            *position += channels[0].len() as i64;
        }
    }

    /// Pushes so much of a chord.
    pub(crate) fn play_chord(&mut self, seconds: f64) {
        self.play(&chord(self.rate_hz, seconds));
    }

    /// Waits for a snapshot.
    pub(crate) fn wait(&self, what: &str, is_there: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        let start = Instant::now();
        loop {
            let snapshot = self.stream.snapshot();
            if is_there(&snapshot) {
                return snapshot;
            }
            assert!(
                start.elapsed() < FOREVER,
                "{what} never came: {snapshot:#?}"
            );
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits until all that was pushed is taken in and answered, up to `end_s` on the timeline.
    pub(crate) fn wait_for_answer(&self, end_s: f64) -> Arc<Snapshot> {
        self.wait("an answer", |s| {
            let latest = s.latest.as_ref();
            latest.is_some_and(|entry| (entry.timed.end_s - end_s).abs() < 1e-6)
        })
    }
}

/// `seconds` of a C major chord with some harmonics at −14 dBFS or so.
pub(crate) fn chord(rate_hz: u32, seconds: f64) -> Vec<f32> {
    let voices = [130.81, 261.63, 329.63, 392.0, 523.25, 784.0];
    (0..(seconds * f64::from(rate_hz)) as usize)
        .map(|n| {
            let t = n as f64 / f64::from(rate_hz);
            let sum: f64 = voices
                .iter()
                .map(|f| (std::f64::consts::TAU * f * t).sin())
                .sum();
            (sum * 0.06) as f32
        })
        .collect()
}

/// How many windows of the history had this fate.
pub(crate) fn count(snapshot: &Snapshot, status: Status) -> usize {
    let history = snapshot.history.iter();
    history.filter(|entry| entry.timed.status == status).count()
}

/// Settings for the model that fails on request.
pub(crate) fn faulty() -> Settings {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/faulty");
    Settings {
        model: Some(folder.to_str().unwrap().to_owned()),
        ..Settings::default()
    }
}
