//! How far a form of a model's graph is from single precision, on music: a part of `cargo xtask bench --models`.
//! Measures nothing without arguments, as `cargo test` and `cargo bench` run it.
//!
//! `model_error windows RATE OUT FILE...` writes a window of 5 s from the middle of each piece, float32 one after
//! another. Each file is two pieces: as it is, and slower and lower by a fifth, as a tape would be.
//!
//! `model_error compare FOLDER FORM HIGHEST WINDOWS` prints on one line, for the pooled hidden states up to
//! HIGHEST, a number or `last`:
//! - *err*: the error's rms as a part of the pieces' rms distance from their mean, the largest of
//!   the hidden states. Cosines of music are all near 1, so that they say little; err says how much of what tells
//!   music from music is wrong.
//! - *centered cosine*: after that mean was subtracted; mean over pieces, the smallest of the hidden states.
//! - *cosine*: the same without subtraction.
//! - *heads*: the part of answers that stay the same of linear heads with 24 labels whose rows are drawn at random, eight
//!   heads for each hidden state. A fitted head has labels that differ more.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use mertscope_engine::audio::decode::Decoder;
use mertscope_engine::audio::model_rate_source::ModelRateSource;
use mertscope_engine::model::err;
use mertscope_engine::{
    DeviceChoice, HiddenStates, LayerSet, Model, Precision, Session, SessionOptions, runtime,
};

const USAGE: &str =
    "usage: model_error windows RATE OUT FILE... | compare FOLDER FORM HIGHEST WINDOWS";

const SECONDS: f64 = 5.0;
/// The speeds at which each file is played.
const SPEEDS: [f64; 2] = [1.0, 0.8];
/// Heads drawn at random for each hidden state.
const HEADS: usize = 8;
/// Their labels, as many as keys.
const LABELS: usize = 24;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let given: Vec<&str> = given.iter().map(String::as_str).collect();
    match &given[..] {
        [] | ["--bench"] => Ok(()),
        ["windows", rate_hz, out, files @ ..] => write_windows(rate_hz.parse()?, out, files),
        ["compare", folder, form, highest, windows] => {
            let windows = floats(&fs::read(windows)?);
            compare(Path::new(folder), form, highest, &windows)
        }
        _ => Err(USAGE.into()),
    }
}

fn write_windows(rate_hz: u32, out: &str, files: &[&str]) -> Result<()> {
    let window = (SECONDS * f64::from(rate_hz)) as usize;
    let mut bytes = Vec::new();
    for file in files {
        for speed in SPEEDS {
            // More samples for the same music, played at the model's rate.
            let target_hz = (f64::from(rate_hz) / speed).round() as u32;
            let mut source =
                ModelRateSource::new(Decoder::open(Path::new(file))?, file, target_hz)?;
            let mut samples = Vec::new();
            while source.next(&mut samples)? {}
            let room = samples.len().checked_sub(window);
            let start = room.ok_or_else(|| format!("{file} is too short"))? / 2;
            let window = &samples[start..start + window];
            bytes.extend(window.iter().flat_map(|x| x.to_le_bytes()));
        }
    }
    Ok(fs::write(out, bytes)?)
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    let (chunks, _) = bytes.as_chunks::<4>();
    chunks
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect()
}

/// The pooled hidden states of each window.
fn states(
    model: &Arc<Model>,
    form: Precision,
    highest: usize,
    audio: &[f32],
) -> Result<Vec<HiddenStates>> {
    let manifest = &model.manifest;
    let options = SessionOptions {
        threads: 1,
        device: DeviceChoice::Cpu,
        layers: LayerSet::of(0..=highest, manifest.layers.len()),
        precision: Some(form),
        ..SessionOptions::default()
    };
    let mut session = Session::new(runtime::load(None)?, Arc::clone(model), options)?;
    let window = (SECONDS * f64::from(manifest.sample_rate_hz)) as usize;
    let windows = audio.chunks_exact(window);
    windows.map(|window| Ok(session.run(window)?)).collect()
}

/// One hidden state of each window, `[windows][width]`.
fn of_layer(all: &[HiddenStates], layer: usize) -> Vec<Vec<f64>> {
    let values = |one: &HiddenStates| one.layer(layer).iter().map(|x| f64::from(*x)).collect();
    all.iter().map(values).collect()
}

fn compare(folder: &Path, form: &str, highest: &str, audio: &[f32]) -> Result<()> {
    let forms = [Precision::Fp32, Precision::Int8, Precision::Int8Fast];
    let form = forms.into_iter().find(|known| known.id() == form);
    let model = Arc::new(Model::open(folder)?);
    let highest = match highest {
        "last" => model.manifest.layers.len() - 1,
        number => number.parse()?,
    };
    let exact = states(&model, Precision::Fp32, highest, audio)?;
    let found = states(&model, form.ok_or(USAGE)?, highest, audio)?;
    let err = err(&exact, &found);
    let (mut centered, mut cosine) = (1.0f64, 1.0f64);
    let (mut same, mut asked) = (0, 0);
    for layer in 0..=highest {
        let (exact, found) = (of_layer(&exact, layer), of_layer(&found, layer));
        let center = mean(&exact);
        let (away, far) = (minus(&exact, &center), minus(&found, &center));
        centered = centered.min(mean_cosine(&away, &far));
        cosine = cosine.min(mean_cosine(&exact, &found));
        for head in heads(&away, layer as u64) {
            let pairs = away.iter().zip(&far);
            let stays = |(a, b): &(&Vec<f64>, &Vec<f64>)| label(&head, a) == label(&head, b);
            same += pairs.filter(stays).count();
            asked += away.len();
        }
    }
    let heads = same as f64 / f64::from(asked as u32);
    println!("{err} {centered} {cosine} {heads}");
    Ok(())
}

fn mean(vectors: &[Vec<f64>]) -> Vec<f64> {
    let mut sum = vec![0.0; vectors[0].len()];
    for vector in vectors {
        sum.iter_mut().zip(vector).for_each(|(sum, x)| *sum += x);
    }
    sum.iter().map(|x| x / vectors.len() as f64).collect()
}

fn minus(vectors: &[Vec<f64>], center: &[f64]) -> Vec<Vec<f64>> {
    let one = |vector: &Vec<f64>| vector.iter().zip(center).map(|(a, b)| a - b).collect();
    vectors.iter().map(one).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn mean_cosine(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
    let cosine = |(a, b): (&Vec<f64>, &Vec<f64>)| dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
    a.iter().zip(b).map(cosine).sum::<f64>() / a.len() as f64
}

/// A linear head: a row for each label.
type Head = Vec<Vec<f64>>;

/// The label whose row has the largest product.
fn label(head: &Head, x: &[f64]) -> usize {
    let logits = head.iter().map(|row| dot(row, x)).enumerate();
    logits
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map_or(0, |best| best.0)
}

/// Heads of one hidden state, for its windows around their mean; each channel has the same say.
fn heads(windows: &[Vec<f64>], seed: u64) -> Vec<Head> {
    let mut random = fastrand::Rng::with_seed(seed);
    let spread = |channel: usize| {
        let power: f64 = windows.iter().map(|window| window[channel].powi(2)).sum();
        (power / windows.len() as f64).sqrt().max(1e-9)
    };
    let spreads: Vec<f64> = (0..windows[0].len()).map(spread).collect();
    let mut row = || spreads.iter().map(|x| (random.f64() - 0.5) / x).collect();
    (0..HEADS)
        .map(|_| (0..LABELS).map(|_| row()).collect())
        .collect()
}
