//! One window per line of standard input, timed: our side of `cargo xtask bench latency` (the
//! embedded model against Python's onnxruntime on the same graph), both sides of `bench server`
//! (an inference server and this CPU), and our side of `bench --models` (a checkpoint against
//! PyTorch), in lock step with the other.
//!
//! Prints `ready MEAN MS`, where MS is how long it took to make the session, then the nanoseconds
//! of each window. Measures nothing without arguments, as `cargo test` and `cargo bench` run it. MEAN is that of all
//! hidden values of the embedded model; of a checkpoint, the mean magnitude of one hidden state, averaged over time.

use std::error::Error;
use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use mertscope_engine::{
    DeviceChoice, LayerSet, Model, Precision, Session, SessionOptions, runtime,
};

const USAGE: &str = "usage: window_latency --threads N [--model FOLDER --seconds S --probe LAYER] \
                     [--precision NAME] [--cut LAYERS] [--server URL]";

/// What is measured.
#[derive(Default)]
struct Arguments {
    threads: usize,
    /// A checkpoint, and the length of its window.
    model: Option<PathBuf>,
    seconds: f64,
    /// The hidden state by which the two sides of a checkpoint are compared.
    probe: usize,
    precision: Option<Precision>,
    /// The hidden states that are asked for; none for all.
    cut: Vec<usize>,
    /// The inference server that runs the windows; none for this CPU.
    server: Option<String>,
}

impl Arguments {
    fn read() -> Result<Self, Box<dyn Error>> {
        let mut arguments = Self::default();
        let mut given = std::env::args().skip(1);
        while let Some(name) = given.next() {
            let mut value = || given.next().ok_or(USAGE);
            match name.as_str() {
                "--threads" => arguments.threads = value()?.parse()?,
                "--model" => arguments.model = Some(value()?.into()),
                "--seconds" => arguments.seconds = value()?.parse()?,
                "--precision" => {
                    let name = value()?;
                    let all = [Precision::Fp32, Precision::Int8, Precision::Int8Fast];
                    let known = all.into_iter().find(|known| known.id() == name);
                    arguments.precision = Some(known.ok_or(USAGE)?);
                }
                "--probe" => arguments.probe = value()?.parse()?,
                "--cut" => {
                    let layers = value()?;
                    let layers = layers.split(',').map(str::parse);
                    arguments.cut = layers.collect::<Result<_, _>>()?;
                }
                "--server" => arguments.server = Some(value()?),
                _ => return Err(USAGE.into()),
            }
        }
        if arguments.threads == 0 {
            return Err(USAGE.into());
        }
        Ok(arguments)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args()
        .skip(1)
        .all(|argument| argument == "--bench")
    {
        return Ok(());
    }
    let arguments = Arguments::read()?;
    let model = Arc::new(match &arguments.model {
        None => Model::embedded()?,
        Some(folder) => Model::open(folder)?,
    });
    let manifest = &model.manifest;
    let samples = match arguments.model {
        None => manifest.window_samples,
        Some(_) => (arguments.seconds * f64::from(manifest.sample_rate_hz)) as usize,
    };
    let layers = manifest.layers.len();
    let options = SessionOptions {
        threads: arguments.threads,
        device: match &arguments.server {
            None => DeviceChoice::Cpu,
            Some(url) => DeviceChoice::remote(url),
        },
        layers: LayerSet::of(arguments.cut, layers),
        precision: arguments.precision,
        ..SessionOptions::default()
    };
    let runtime = runtime::load(None)?;
    let start = Instant::now();
    let mut session = Session::new(runtime, Arc::clone(&model), options)?;
    if let Some(reason) = session.device().server_gave_way() {
        return Err(format!("the server is not used: {reason}").into());
    }
    let made = start.elapsed();
    // The same tone as the peer's, so that the two results can be compared.
    let window: Vec<f32> = (0..samples)
        .map(|n| (0.5 * (std::f64::consts::TAU * n as f64 / 73.0).sin()) as f32)
        .collect();
    let hidden = session.run(&window)?;
    let values: Vec<f64> = match arguments.model {
        None => hidden.data.iter().map(|x| f64::from(*x)).collect(),
        Some(_) => hidden
            .layer(arguments.probe)
            .iter()
            .map(|x| f64::from(x.abs()))
            .collect(),
    };
    let mean = values.iter().sum::<f64>() / values.len() as f64;

    let mut out = io::stdout().lock();
    writeln!(out, "ready {mean} {}", made.as_secs_f64() * 1000.0)?;
    out.flush()?;
    for line in io::stdin().lock().lines() {
        line?;
        let start = Instant::now();
        std::hint::black_box(session.run(&window)?);
        writeln!(out, "{}", start.elapsed().as_nanos())?;
        out.flush()?;
    }
    Ok(())
}
