//! One window of the embedded model per line of standard input, timed: our side of
//! `cargo xtask bench latency`, which runs Python's onnxruntime on the same graph in lock step.
//!
//! Prints `ready <mean of all hidden values>`, then the nanoseconds of each window.

use std::error::Error;
use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::time::Instant;

use mertscope_engine::model::device::Choice;
use mertscope_engine::model::{Model, Session, SessionOptions, runtime};

fn main() -> Result<(), Box<dyn Error>> {
    let threads = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [flag, number] if flag == "--threads" => number.parse()?,
        _ => return Err("usage: window_latency --threads N".into()),
    };
    let model = Arc::new(Model::embedded()?);
    let options = SessionOptions {
        threads,
        frames: false,
        device: Choice::Cpu,
    };
    let mut session = Session::new(runtime::load(None)?, Arc::clone(&model), options)?;
    // The same tone as the peer's, so that the two results can be compared.
    let window: Vec<f32> = (0..model.manifest.window_samples)
        .map(|n| (0.5 * (std::f64::consts::TAU * n as f64 / 73.0).sin()) as f32)
        .collect();
    let hidden = session.run(&window)?.data;
    let mean = hidden.iter().map(|x| f64::from(*x)).sum::<f64>() / hidden.len() as f64;

    let mut out = io::stdout().lock();
    writeln!(out, "ready {mean}")?;
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
