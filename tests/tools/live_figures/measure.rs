//! Figures of the engine's library: the cost of a push, the latency of a result, and the cost of
//! instances.

use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::unbounded;
use mertscope_audio::tap::{Tap, Transport, tap};
use mertscope_live::{Controls, Hop, Live, ModelState, Settings, Stream};
use mertscope_model::device::Choice;
use mertscope_model::{Encoder, Job, Model, SessionOptions, runtime};

pub(crate) const RATE_HZ: u32 = 48_000;
pub(crate) const BLOCK: usize = 64;
const BUDGET: Duration = Duration::from_nanos(BLOCK as u64 * 1_000_000_000 / RATE_HZ as u64);

fn processor_time(clock: libc::clockid_t) -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is to a local that outlives the call, which only writes to it.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

pub(crate) fn music(seconds: f64) -> Vec<f32> {
    (0..(seconds * f64::from(RATE_HZ)) as usize)
        .map(|n| {
            let t = std::f64::consts::TAU * n as f64 / f64::from(RATE_HZ);
            (0.2 * ((t * 220.0).sin() + (t * 277.18).sin() + (t * 329.63).sin())) as f32
        })
        .collect()
}

/// Calls `block` for each block of `seconds`, in real time.
fn in_real_time(seconds: f64, mut block: impl FnMut(i64)) {
    let start = Instant::now();
    for n in 0..(seconds / BUDGET.as_secs_f64()) as u32 {
        if let Some(early) = (start + BUDGET * n).checked_duration_since(Instant::now()) {
            thread::sleep(early);
        }
        block(i64::from(n) * BLOCK as i64);
    }
}

fn at(position: i64) -> Transport {
    Transport {
        playing: true,
        position: Some(position),
        offline: false,
    }
}

fn stream(controls: Controls) -> (Stream, Tap) {
    let stream = Live::acquire().open(Settings::default(), Arc::new(move || controls));
    while stream.snapshot().model.state == ModelState::Loading {
        thread::sleep(Duration::from_millis(5));
    }
    let (tap, reader) = tap(RATE_HZ);
    stream.attach(reader);
    (stream, tap)
}

/// The quantile `share` of sorted values.
pub(crate) fn quantile(sorted: &[Duration], share: f64) -> Duration {
    let at = (share * sorted.len() as f64) as usize;
    sorted
        .get(at.min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or_default()
}

/// Costs as shares of a block's time.
fn shares(costs: &[Duration]) -> String {
    let mut costs = costs.to_vec();
    costs.sort();
    let percent = |share| {
        let cost = quantile(&costs, share);
        format!(
            "{:.4} % ({cost:.2?})",
            cost.as_secs_f64() / BUDGET.as_secs_f64() * 100.0
        )
    };
    format!(
        "p50 {}, p99.9 {}, worst {}",
        percent(0.5),
        percent(0.999),
        percent(1.0)
    )
}

/// The cost of [`Tap::push`] as a share of a stereo block's time, beside an encoder at full load.
pub(crate) fn push_cost(seconds: f64) -> Result<(), Box<dyn Error>> {
    println!(
        "Tap::push, stereo blocks of {BLOCK} at {RATE_HZ} Hz ({BUDGET:.2?}), encoder at full load:"
    );
    beside_a_busy_encoder(|| {
        let (stream, tap) = stream(Controls::default());
        measure_push("drained", tap, seconds);
        drop(stream);
        let (tap, _drain) = mertscope_audio::tap::tap(RATE_HZ);
        measure_push("full", fill(tap), seconds);
    })
}

/// Runs `body` while an encoder of this process runs without a pause.
pub(crate) fn beside_a_busy_encoder(body: impl FnOnce()) -> Result<(), Box<dyn Error>> {
    let model = Arc::new(Model::embedded()?);
    let options = SessionOptions {
        threads: 1,
        device: Choice::Cpu,
        ..SessionOptions::default()
    };
    let window = music(1.7)[..model.manifest.window_samples].to_vec();
    let encoder = Encoder::start(runtime::load(None)?, model, options)?;
    let busy = AtomicBool::new(true);
    thread::scope(|scope| {
        scope.spawn(|| {
            let (reply, replies) = unbounded();
            while busy.load(Ordering::Relaxed) {
                let (samples, reply) = (window.clone(), reply.clone());
                encoder.submit(Job { samples, reply });
                while replies.try_recv().is_ok() {}
            }
        });
        body();
        busy.store(false, Ordering::Relaxed);
    });
    Ok(())
}

fn fill(mut tap: Tap) -> Tap {
    let block = [[0.1f32; BLOCK]; 2];
    while tap.lost_frames() == 0 {
        tap.push(&block, Transport::LIVE_INPUT);
    }
    tap
}

fn measure_push(ring: &str, mut tap: Tap, seconds: f64) {
    let audio = music(1.0);
    let costs = costs(seconds, |position| {
        let from = position as usize % (audio.len() - BLOCK);
        let block = &audio[from..from + BLOCK];
        tap.push(&[block, block], at(position));
    });
    println!("  ring {ring}, {} frames lost, {costs}", tap.lost_frames());
}

/// The costs of calls in the audio callback.
pub(crate) struct Costs {
    clock: Vec<Duration>,
    processor: Vec<Duration>,
    wall: Vec<Duration>,
}

/// Calls `block` for each block of `seconds`, in real time, and measures each call.
pub(crate) fn costs(seconds: f64, mut block: impl FnMut(i64)) -> Costs {
    let mut costs = Costs {
        clock: Vec::new(),
        processor: Vec::new(),
        wall: Vec::new(),
    };
    in_real_time(seconds, |position| {
        let before = processor_time(libc::CLOCK_THREAD_CPUTIME_ID);
        costs
            .clock
            .push(processor_time(libc::CLOCK_THREAD_CPUTIME_ID) - before);
        let wall = Instant::now();
        let processor = processor_time(libc::CLOCK_THREAD_CPUTIME_ID);
        block(position);
        costs
            .processor
            .push(processor_time(libc::CLOCK_THREAD_CPUTIME_ID) - processor);
        costs.wall.push(wall.elapsed());
    });
    costs
}

impl fmt::Display for Costs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} blocks", self.wall.len())?;
        writeln!(
            f,
            "    processor time, the clock's own included: {}",
            shares(&self.processor)
        )?;
        writeln!(f, "    of that, reading the clock: {}", shares(&self.clock))?;
        write!(f, "    wall time: {}", shares(&self.wall))
    }
}

/// From the push of a window's last sample to the snapshot with its answer.
pub(crate) fn latency(seconds: f64) {
    let controls = Controls {
        hop: Hop::Seconds(0.5),
        ..Controls::default()
    };
    let (stream, mut tap) = stream(controls);
    let answers = Arc::new(Mutex::new(Vec::<(i64, Instant, Duration)>::new()));
    let (sink, reader) = (Arc::clone(&answers), stream.watcher());
    stream.on_update(Arc::new(move || {
        let now = Instant::now();
        let snapshot = reader.read();
        let end = snapshot
            .latest
            .as_ref()
            .and_then(|entry| Some(entry.host_samples.clone()?.end));
        if let (Some(end), Some(inference_s), Ok(mut sink)) =
            (end, snapshot.inference_s, sink.lock())
            && sink.last().is_none_or(|(last, ..)| *last != end)
        {
            sink.push((end, now, Duration::from_secs_f64(inference_s)));
        }
    }));
    let audio = music(1.0);
    let mut pushed = Vec::new();
    in_real_time(seconds + 6.0, |position| {
        let from = position as usize % (audio.len() - BLOCK);
        tap.push(&[&audio[from..from + BLOCK]], at(position));
        pushed.push(Instant::now());
    });
    let answers = answers
        .lock()
        .map(|answers| answers.clone())
        .unwrap_or_default();
    let mut latencies: Vec<Duration> = answers
        .iter()
        .map(|(end, seen, _)| *seen - pushed[(*end as usize - 1) / BLOCK])
        .collect();
    let mut inferences: Vec<Duration> = answers.iter().map(|(.., took)| *took).collect();
    let mut beyond: Vec<Duration> = latencies
        .iter()
        .zip(&inferences)
        .map(|(latency, inference)| latency.saturating_sub(*inference))
        .collect();
    println!(
        "audio in to snapshot out, one instance, hop 0.5 s, {} windows:",
        answers.len()
    );
    for (what, values) in [
        ("latency", &mut latencies),
        ("one inference", &mut inferences),
        ("latency beyond its inference", &mut beyond),
    ] {
        values.sort();
        let (p50, p95) = (quantile(values, 0.5), quantile(values, 0.95));
        println!("  {what}: p50 {p50:.1?}, p95 {p95:.1?}");
    }
}

/// The cost of a number of instances.
pub(crate) struct Taken {
    pub resident_mib: f64,
    pub share: f64,
}

/// Measures `count` instances with automatic hop and the default CPU share.
pub(crate) fn instances(count: usize, seconds: f64) -> Result<Taken, Box<dyn Error>> {
    let mut all: Vec<_> = (0..count).map(|_| stream(Controls::default())).collect();
    let audio = music(1.0);
    let mut play = |seconds: f64, from: i64| {
        in_real_time(seconds, |position| {
            let from_sample = position as usize % (audio.len() - BLOCK);
            for (_, tap) in &mut all {
                let block = &audio[from_sample..from_sample + BLOCK];
                tap.push(&[block, block], at(from + position));
            }
        });
    };
    // The first window fills before anything is measured.
    let settle_s = 6.0;
    play(settle_s, 0);
    // The pushing thread belongs to the host, and its blocks are measured above.
    let engine = || {
        processor_time(libc::CLOCK_PROCESS_CPUTIME_ID)
            - processor_time(libc::CLOCK_THREAD_CPUTIME_ID)
    };
    let before = engine();
    let blocks = (settle_s / BUDGET.as_secs_f64()) as i64;
    play(seconds, blocks * BLOCK as i64);
    let taken = engine() - before;
    let share = taken.as_secs_f64() / seconds;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let resident = status
        .lines()
        .find_map(|line| {
            line.strip_prefix("VmRSS:")?
                .split_whitespace()
                .next()?
                .parse::<f64>()
                .ok()
        })
        .ok_or("no VmRSS in /proc/self/status")?;
    let resident_mib = resident / 1024.0;
    let (mut windows, mut lost, mut hop_s) = (0, 0, 0.0f64);
    for (stream, tap) in &all {
        let snapshot = stream.snapshot();
        windows += snapshot.analyzed_windows;
        lost += tap.lost_frames();
        hop_s = hop_s.max(snapshot.hop_s);
    }
    println!(
        "{count} instance(s): {resident_mib:.0} MiB resident, {:.1} % of a core (aim: 50 %), {windows} windows, \
         hop {hop_s:.2} s, {lost} frames lost",
        share * 100.0
    );
    Ok(Taken {
        resident_mib,
        share,
    })
}
