//! The hidden states of a file, averaged over time, one line per layer.
//!
//! `cargo run --release -p mertscope-engine --example embed_file -- song.flac`
//!
//! With a second argument it runs that model instead of the embedded one: an installed model's id, or a folder.

use std::env;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use mertscope_engine::{Decoder, Embedder, HiddenStates, Model, Pool, SessionOptions, runtime};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (file, model) = match arguments.as_slice() {
        [file] => (file, None),
        [file, model] => (file, Some(model.as_str())),
        _ => {
            eprintln!("usage: embed_file FILE [MODEL]");
            return ExitCode::from(2);
        }
    };
    if let Err(error) = embed(file, model) {
        eprintln!("error: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn embed(file: &str, model: Option<&str>) -> Result<(), Box<dyn Error>> {
    let decoder = Decoder::open(Path::new(file))?;
    let model = Arc::new(Model::find(model)?);
    let options = SessionOptions {
        threads: 1,
        ..SessionOptions::default()
    };
    let runtime = runtime::load(None)?;
    let embedder = Embedder::new(runtime, Arc::clone(&model), None, Pool::Mean, options)?;
    // `Pool::Mean` calls this once, at the end; `Pool::None` calls it for each window.
    let mut print = |hidden: HiddenStates| {
        println!("hidden states: [{}, {}]", hidden.layers, hidden.width);
        for (number, layer) in model.manifest.layers.iter().enumerate() {
            let values = hidden.layer(number);
            let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
            println!("layer {number} ({}): length {length:.3}", layer.name);
        }
        Ok(())
    };
    embedder.windows(decoder, file, &mut print, &mut |_done_s, _promised_s| {})?;
    Ok(())
}
