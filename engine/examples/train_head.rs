//! Fits a head on labeled music. Each folder in FOLDER is a label and holds the files of that label; the head is written
//! to HEAD, a safetensors file.
//!
//! `cargo run --release -p mertscope-engine --example train_head -- music/ mood.safetensors`

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::{env, fs, io};

use mertscope_engine::audio::decode::is_audio_path;
use mertscope_engine::{EmbeddingDataset, Example, FitOptions, Model, Reads, fit, runtime};

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [folder, head] = arguments.as_slice() else {
        eprintln!("usage: train_head FOLDER HEAD");
        return ExitCode::from(2);
    };
    if let Err(error) = train(folder, head) {
        eprintln!("error: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn train(folder: &Path, head: &Path) -> Result<(), Box<dyn Error>> {
    let model = Arc::new(Model::embedded()?);
    let runtime = runtime::load(None)?;
    let cache = env::temp_dir().join("mertscope-embeddings");
    // At most 6 windows of each file, on one thread.
    let dataset = EmbeddingDataset::new(runtime, Arc::clone(&model), Reads::Window, &cache, 6, 1);
    let (mut labels, mut examples) = (Vec::new(), Vec::new());
    for folder in inside(folder)?.into_iter().filter(|path| path.is_dir()) {
        for file in inside(&folder)?.iter().filter(|path| is_audio_path(path)) {
            examples.push(Example {
                label: labels.len(),
                // Files of one group, such as an album, are never on both sides of a test.
                group: examples.len(),
                windows: dataset.of(file)?.windows,
            });
        }
        let name = folder.file_name().unwrap_or_default();
        labels.push(name.display().to_string());
    }
    let options = FitOptions {
        task: "label".to_owned(),
        labels,
        layers: (0..model.manifest.layers.len()).collect(),
        mix: model.manifest.graph.layers_mixable,
        hidden: None,
        reads: Reads::Window,
        seed: 1,
        threads: 2,
        training_data: folder.display().to_string(),
        license: String::new(),
    };
    let cancelled = AtomicBool::new(false);
    let fitted = fit(&examples, &options, &model.manifest, &|_, _| {}, &cancelled)?;
    println!("labels: {}", options.labels.join(", "));
    println!("files: {}", examples.len());
    println!("accuracy on held-out files: {:.2}", fitted.files.accuracy);
    fs::write(head, &fitted.bytes)?;
    println!("written: {}", head.display());
    Ok(())
}

/// What a folder holds, sorted by name.
fn inside(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut paths = entries.collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
