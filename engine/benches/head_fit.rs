//! The time to fit heads: 1,000 files with 13 × 768 embeddings by the whole procedure, and
//! 200 marked moments at once. Prints a line for each; `cargo xtask bench heads` runs it.
//!
//! Measures nothing without `--bench`, which `cargo bench` adds and `cargo test` does not.

use std::error::Error;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Instant;

use mertscope_engine::heads::head::fit::{QuickExample, fit_quick};
use mertscope_engine::{Example, FitOptions, HiddenStates, LayerSet, Manifest, Model, Reads, fit};

const FILES: usize = 1_000;
const LABELS: usize = 10;
const LAYERS: usize = 13;
const WIDTH: usize = 768;
const MARKED: usize = 200;
/// Windows of a file: its mean, and as many as `mertscope heads train` takes.
const WINDOWS: [usize; 2] = [1, 6];

fn main() -> Result<(), Box<dyn Error>> {
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let manifest = manifest()?;
    let threads = thread::available_parallelism()?.get();
    for windows in WINDOWS {
        let examples = files(windows);
        let start = Instant::now();
        let fitted = fit(
            &examples,
            &options(threads),
            &manifest,
            &|_, _| {},
            &AtomicBool::new(false),
        )?;
        let elapsed_s = start.elapsed().as_secs_f64();
        println!(
            "{FILES} files of {windows} windows, {LAYERS} × {WIDTH}: {:.2} s a layer, {elapsed_s:.1} s in all on {threads} \
             threads, held-out accuracy {:.2} (aim: ≤ 10 s a layer)",
            elapsed_s / LAYERS as f64,
            fitted.files.accuracy
        );
    }
    let marked: Vec<QuickExample> = files(1)
        .into_iter()
        .take(MARKED)
        .map(|file| QuickExample {
            label: file.label,
            values: file.windows[0].layer(0).to_vec(),
        })
        .collect();
    let start = Instant::now();
    fit_quick("taught", &labels(), 0, &marked, &manifest)?;
    let elapsed_s = start.elapsed().as_secs_f64();
    println!("{MARKED} marked moments of {WIDTH}: {elapsed_s:.2} s (aim: ≤ 1 s)");
    Ok(())
}

/// The embedded model's, in the shape of MERT-v1-95M.
fn manifest() -> Result<Manifest, Box<dyn Error>> {
    let mut manifest = Model::embedded_manifest()?;
    let layer = manifest.layers.first().cloned();
    manifest.layers = vec![layer.ok_or("the embedded model has no layer")?; LAYERS];
    manifest.width = WIDTH;
    Ok(manifest)
}

fn labels() -> Vec<String> {
    (0..LABELS).map(|n| format!("label {n}")).collect()
}

fn options(threads: usize) -> FitOptions {
    FitOptions {
        task: "made up".to_owned(),
        labels: labels(),
        layers: (0..LAYERS).collect(),
        mix: false,
        hidden: None,
        reads: Reads::Window,
        seed: 1,
        threads,
        training_data: "noise".to_owned(),
        license: String::new(),
    }
}

/// Noise around a center a label, so that some files are taken for another.
fn files(windows: usize) -> Vec<Example> {
    let mut random = fastrand::Rng::with_seed(1);
    let mut noise = |count: usize| -> Vec<f32> {
        let pairs = (0..count).map(|_| random.f32() + random.f32() - 1.0);
        pairs.collect()
    };
    let centers: Vec<Vec<f32>> = (0..LABELS).map(|_| noise(LAYERS * WIDTH)).collect();
    (0..FILES)
        .map(|file| {
            let label = file % LABELS;
            let of_file = noise(LAYERS * WIDTH);
            let windows = (0..windows).map(|_| {
                let parts = noise(LAYERS * WIDTH);
                let parts = parts.iter().zip(&of_file).zip(&centers[label]);
                HiddenStates {
                    layers: LAYERS,
                    which: LayerSet::All,
                    frames: None,
                    window: None,
                    width: WIDTH,
                    data: parts.map(|((w, f), c)| 0.5 * w + f + 0.12 * c).collect(),
                }
            });
            Example {
                label,
                group: file,
                windows: windows.collect(),
            }
        })
        .collect()
}
