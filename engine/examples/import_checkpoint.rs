//! A published checkpoint as a model: its layers, and the shape of the hidden states of one window.
//!
//! `cargo run --release -p mertscope-engine --example import_checkpoint -- FOLDER`
//!
//! FOLDER holds `config.json`, `preprocessor_config.json` and the weights. The graph that is made of them is kept in the
//! user's cache folder.

use std::error::Error;
use std::f32::consts::TAU;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::{env, iter};

use mertscope_engine::{Model, Session, SessionOptions, runtime};

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [folder] = arguments.as_slice() else {
        eprintln!("usage: import_checkpoint FOLDER");
        return ExitCode::from(2);
    };
    if let Err(error) = import(folder) {
        eprintln!("error: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn import(folder: &Path) -> Result<(), Box<dyn Error>> {
    let model = Arc::new(Model::open(folder)?);
    let manifest = &model.manifest;
    println!("model: {}", manifest.title);
    println!(
        "input: windows of {} s at {} Hz",
        manifest.window_s(),
        manifest.sample_rate_hz
    );
    for (number, layer) in manifest.layers.iter().enumerate() {
        println!("layer {number}: {}", layer.meaning);
    }

    let options = SessionOptions {
        threads: 1,
        frames: true,
        ..SessionOptions::default()
    };
    let mut session = Session::new(runtime::load(None)?, Arc::clone(&model), options)?;
    let step = TAU * 220.0 / manifest.sample_rate_hz as f32;
    let phases = iter::successors(Some(0.0f32), |phase| Some((phase + step) % TAU));
    let tone = phases.map(|phase| 0.5 * phase.sin());
    let window: Vec<f32> = tone.take(manifest.window_samples).collect();
    let hidden = session.run(&window)?;
    println!(
        "hidden states [layers, frames, width]: [{}, {}, {}]",
        hidden.layers,
        hidden.frames.unwrap_or(1),
        hidden.width
    );
    Ok(())
}
