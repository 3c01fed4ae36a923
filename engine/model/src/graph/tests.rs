//! Tiny networks of every kind against the hidden states of transformers with the same weights;
//! `tests/fixtures/checkpoints/make.py` made both.

use std::path::{Path, PathBuf};

use ort::value::TensorRef;
use safetensors::SafeTensors;

use super::*;
use crate::checkpoint::{self, CONFIG, Checkpoint, PREPROCESSOR, WEIGHTS, config_of};
use crate::runtime;

const KINDS: [&str; 7] = [
    "post-group",
    "post-group-bias",
    "pre-group",
    "pre-layer-bias",
    "post-layer-half",
    "data2vec",
    "data2vec-bias",
];

pub(in crate::graph) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/checkpoints")
        .join(name)
}

/// The network's input, and the hidden states that it should give.
struct Expected {
    audio: Vec<f32>,
    states: Vec<Vec<f32>>,
}

fn expected(name: &str) -> Expected {
    let folder = fixture(name);
    let bytes = std::fs::read(folder.join("expected.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let floats = |name: &str| -> Option<Vec<f32>> {
        let (chunks, _) = tensors.tensor(name).ok()?.data().as_chunks::<4>();
        Some(
            chunks
                .iter()
                .map(|bytes| f32::from_le_bytes(*bytes))
                .collect(),
        )
    };
    let mut audio = floats("audio").unwrap();
    // MuQ has none, and takes audio as it is.
    let path = folder.join(PREPROCESSOR);
    if path.is_file() && checkpoint::preprocessor(&path).unwrap().do_normalize {
        crate::session::normalize(&mut audio);
    }
    let states = (0..).map_while(|n| floats(&format!("hidden_states_{n}")));
    Expected {
        audio,
        states: states.collect(),
    }
}

/// The outputs of a variant's graph, in the order of its layers.
fn run(name: &str, variant: &Variant, audio: &[f32]) -> Vec<Vec<f32>> {
    outputs(&mut session(name, variant), variant, audio)
}

/// A network in the tests' fixtures, opened with its weights.
pub(in crate::graph) fn opened(name: &str) -> Checkpoint {
    let folder = fixture(name);
    let weights = WEIGHTS.iter().find(|name| folder.join(name).is_file());
    let weights = weights.unwrap();
    let mut network = checkpoint::network(&folder.join(config_of(weights))).unwrap();
    if name == "musicfm" {
        // Its statistics name no sizes: all published ones have the same.
        let Network::MusicFm(musicfm) = &mut network else {
            panic!("this is no MusicFM: {network:?}");
        };
        (musicfm.layers, musicfm.width, musicfm.heads) = (2, 16, 2);
        (musicfm.feed_forward_width, musicfm.channels, musicfm.bands) = (32, 4, 16);
    }
    Checkpoint::open(network, &folder.join(weights)).unwrap()
}

/// A variant's graph in ONNX Runtime.
pub(in crate::graph) fn session(name: &str, variant: &Variant) -> ort::session::Session {
    session_of(&opened(name), variant)
}

/// The same of a checkpoint that is open.
pub(in crate::graph) fn session_of(
    checkpoint: &Checkpoint,
    variant: &Variant,
) -> ort::session::Session {
    let mut onnx = Vec::new();
    build(&checkpoint.network, variant)
        .write(checkpoint, &mut onnx, None)
        .unwrap();
    let runtime = runtime::load(None).unwrap();
    ort::session::Session::builder(&runtime.environment)
        .unwrap()
        .commit_from_memory(&onnx)
        .unwrap()
}

pub(in crate::graph) fn outputs(
    session: &mut ort::session::Session,
    variant: &Variant,
    audio: &[f32],
) -> Vec<Vec<f32>> {
    let input = TensorRef::from_array_view(([1, audio.len()], audio)).unwrap();
    let outputs = session.run(ort::inputs![INPUT => input]).unwrap();
    // Only `All` needs the number.
    let layers = variant.layers.indices(outputs.len());
    assert_eq!(outputs.len(), layers.len());
    let values = layers.iter().map(|layer| {
        let output = &outputs[output_name(variant.frames, *layer).as_str()];
        output.try_extract_tensor::<f32>().unwrap().1.to_vec()
    });
    values.collect()
}

pub(in crate::graph) fn variant() -> Variant {
    Variant {
        precision: Precision::Fp32,
        operators: Operators::Fused,
        frames: true,
        layers: LayerSet::All,
        smoothing: Smoothing::default(),
    }
}

pub(in crate::graph) fn rms(values: &[f32]) -> f64 {
    let sum: f64 = values.iter().map(|x| f64::from(*x).powi(2)).sum();
    (sum / values.len() as f64).sqrt()
}

pub(in crate::graph) fn largest_difference(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    let differences = a.iter().zip(b).map(|(a, b)| f64::from((a - b).abs()));
    differences.fold(0.0, f64::max)
}

pub(in crate::graph) fn cosine(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    let products = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b));
    products.sum::<f64>() / (rms(a) * rms(b) * a.len() as f64)
}

#[test]
fn every_kind_of_network_gives_the_hidden_states_of_the_reference() {
    for name in KINDS {
        let expected = expected(name);
        assert_eq!(expected.states.len(), 3);
        let found = run(name, &variant(), &expected.audio);
        for (layer, (found, expected)) in found.iter().zip(&expected.states).enumerate() {
            let difference = largest_difference(found, expected);
            let limit = 1e-4 * rms(expected).max(1.0);
            assert!(difference <= limit, "{name}, layer {layer}: {difference}");
        }
    }
}

#[test]
fn plain_operators_give_the_same_as_fused_ones() {
    for name in KINDS {
        let expected = expected(name);
        let fused = run(name, &variant(), &expected.audio);
        let operators = Operators::Plain;
        let plain = run(
            name,
            &Variant {
                operators,
                ..variant()
            },
            &expected.audio,
        );
        for (layer, (fused, plain)) in fused.iter().zip(&plain).enumerate() {
            let difference = largest_difference(fused, plain);
            assert!(
                difference <= 1e-5 * rms(fused).max(1.0),
                "{name}, layer {layer}: {difference}"
            );
        }
    }
}

#[test]
fn any_selection_of_hidden_states_is_given_averaged_over_time() {
    for name in ["post-group", "pre-group", "data2vec"] {
        let expected = expected(name);
        for layers in [vec![0], vec![1], vec![0, 2]] {
            let variant = Variant {
                frames: false,
                layers: LayerSet::of(layers.iter().copied(), 3),
                ..variant()
            };
            let found = run(name, &variant, &expected.audio);
            for (layer, found) in layers.iter().zip(&found) {
                let frames = &expected.states[*layer];
                let count = (frames.len() / found.len()) as f32;
                let mut mean = vec![0.0; found.len()];
                for frame in frames.chunks_exact(found.len()) {
                    mean.iter_mut()
                        .zip(frame)
                        .for_each(|(sum, x)| *sum += x / count);
                }
                let difference = largest_difference(found, &mean);
                assert!(difference <= 1e-4, "{name}, layer {layer}: {difference}");
            }
        }
    }
}

#[test]
fn lower_precisions_stay_close() {
    for (precision, closest) in [(Precision::Int8, 0.999), (Precision::Fp16, 0.99999)] {
        for name in KINDS {
            let expected = expected(name);
            for operators in [Operators::Fused, Operators::Plain] {
                let found = run(
                    name,
                    &Variant {
                        precision,
                        operators,
                        ..variant()
                    },
                    &expected.audio,
                );
                for (layer, (found, expected)) in found.iter().zip(&expected.states).enumerate() {
                    let cosine = cosine(found, expected);
                    assert!(
                        cosine >= closest,
                        "{precision:?} {operators:?} {name}, layer {layer}: {cosine}"
                    );
                }
            }
        }
    }
}

/// Networks with a front end of their own, on the signals of `tests/fixtures/checkpoints/signals.py`.
const CONFORMERS: [&str; 3] = ["mert2", "muq", "musicfm"];

#[test]
fn networks_with_a_front_end_give_the_hidden_states_of_the_reference_on_every_signal() {
    for name in CONFORMERS {
        for operators in [Operators::Fused, Operators::Plain] {
            let variant = Variant {
                operators,
                ..variant()
            };
            let mut session = session(name, &variant);
            for (signal, audio, states) in signals(name) {
                let found = outputs(&mut session, &variant, &audio);
                assert_eq!(found.len(), states.len());
                for (layer, (found, expected)) in found.iter().zip(&states).enumerate() {
                    let difference = largest_difference(found, expected);
                    let limit = 1e-4 * rms(expected).max(1.0);
                    assert!(
                        difference <= limit,
                        "{name}, {operators:?}, {signal}, layer {layer}: {difference}"
                    );
                }
            }
        }
    }
}

/// The signals with the hidden states of a network for each.
pub(in crate::graph) fn signals(name: &str) -> Vec<(String, Vec<f32>, Vec<Vec<f32>>)> {
    let bytes = std::fs::read(fixture(name).join("expected.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let floats = |name: &str| {
        let (chunks, _) = tensors.tensor(name).ok()?.data().as_chunks::<4>();
        let values = chunks.iter().map(|bytes| f32::from_le_bytes(*bytes));
        Some(values.collect::<Vec<f32>>())
    };
    let own = expected(name);
    let mut all = vec![("music".to_owned(), own.audio, own.states)];
    let mut names: Vec<_> = tensors.names().into_iter().collect();
    names.retain(|name| name.ends_with(".hidden_states_0"));
    names.sort();
    assert_eq!(names.len(), 6);
    for tensor in names {
        let signal = tensor.trim_end_matches(".hidden_states_0");
        let (kind, length) = signal.split_once('_').unwrap();
        let audio = made(kind, length.parse().unwrap());
        let states = (0..).map_while(|n| floats(&format!("{signal}.hidden_states_{n}")));
        all.push((signal.to_owned(), audio, states.collect()));
    }
    all
}

/// A signal as `signals.py` makes it.
pub(in crate::graph) fn made(kind: &str, length: usize) -> Vec<f32> {
    let noise = |n: usize| {
        let mut x = n as u32;
        for (shift, factor) in [(16, 0x7feb_352d_u32), (15, 0x846c_a68b)] {
            x = (x ^ (x >> shift)).wrapping_mul(factor);
        }
        x ^= x >> 16;
        (f64::from(x) / 2f64.powi(31) - 1.0) as f32
    };
    match kind {
        "noise" => (0..length).map(noise).collect(),
        "silence" => vec![0.0; length],
        _ => {
            let mut click: Vec<_> = (0..length).map(|n| 1e-4 * noise(n)).collect();
            click[length / 3] = 1.0;
            click
        }
    }
}

#[test]
fn frames_of_mert_v2_are_whole_spectra_halved_twice() {
    let network = checkpoint::network(&fixture("mert2").join(CONFIG)).unwrap();
    assert_eq!((network.hidden_states(), network.width()), (3, 16));
    let mut session = session("mert2", &variant());
    for samples in [1_025, 1_919, 1_920, 2_879, 2_880, 24_959, 24_960] {
        let found = outputs(&mut session, &variant(), &made("noise", samples));
        let frames = samples / 240 / 2 / 2;
        assert_eq!(found[0].len(), frames * 16, "{samples} samples");
    }
}

#[test]
fn lower_precisions_of_networks_with_a_front_end_stay_close() {
    for (precision, closest) in [(Precision::Int8, 0.999), (Precision::Fp16, 0.99999)] {
        for name in CONFORMERS {
            let variant = Variant {
                precision,
                ..variant()
            };
            let mut session = session(name, &variant);
            for (signal, audio, states) in signals(name) {
                let found = outputs(&mut session, &variant, &audio);
                for (layer, (found, expected)) in found.iter().zip(&states).enumerate() {
                    let cosine = cosine(found, expected);
                    let what = format!("{precision:?} {name}, {signal}, layer {layer}");
                    assert!(cosine >= closest, "{what}: {cosine}");
                }
            }
        }
    }
}

/// The way of graphs beyond 2 GiB, on a small one: its large tensors are in a second file.
#[test]
fn large_tensors_in_a_second_file_give_the_same() {
    let (name, variant) = ("mert2", variant());
    let checkpoint = opened(name);
    let folder = tempfile::tempdir().unwrap();
    let (mut graph, mut data) = (Vec::new(), Vec::new());
    let external = onnx::ExternalFile {
        name: "graph.data",
        out: &mut data,
    };
    build(&checkpoint.network, &variant)
        .write(&checkpoint, &mut graph, Some(external))
        .unwrap();
    assert!(
        graph.len() < data.len(),
        "{} and {}",
        graph.len(),
        data.len()
    );
    std::fs::write(folder.path().join("graph.onnx"), graph).unwrap();
    std::fs::write(folder.path().join("graph.data"), data).unwrap();
    let runtime = runtime::load(None).unwrap();
    let mut session = ort::session::Session::builder(&runtime.environment)
        .unwrap()
        .commit_from_file(folder.path().join("graph.onnx"))
        .unwrap();
    let audio = made("noise", 24_000);
    let found = outputs(&mut session, &variant, &audio);
    assert_eq!(found, run(name, &variant, &audio));
}

#[test]
fn relaxed_attention_changes_nothing() {
    // `pre-group` has 32, `post-group` -1; the reference computes both without it.
    let relaxed = std::fs::read_to_string(fixture("pre-group").join(CONFIG)).unwrap();
    assert!(relaxed.contains("\"attention_relax\": 32.0"));
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join(CONFIG);
    std::fs::write(&config, relaxed.replace("32.0", "-1.0")).unwrap();
    let network = checkpoint::network(&fixture("pre-group").join(CONFIG)).unwrap();
    assert_eq!(checkpoint::network(&config).unwrap(), network);
}

/// Windows of a batch do not know of one another, whatever the network: neither a scale nor a range nor a
/// normalization is shared.
#[test]
fn a_batch_of_three_windows_equals_three_single_runs() {
    for name in KINDS.into_iter().chain(CONFORMERS) {
        let own = expected(name).audio;
        let length = own.len();
        let quiet: Vec<f32> = own.iter().rev().map(|x| 0.01 * x).collect();
        let windows = [own, quiet, made("noise", length)];
        for (operators, frames) in [(Operators::Fused, true), (Operators::Plain, false)] {
            let variant = Variant {
                operators,
                frames,
                ..variant()
            };
            let mut session = session(name, &variant);
            let single = windows
                .each_ref()
                .map(|audio| outputs(&mut session, &variant, audio));
            let joined = windows.concat();
            let input = TensorRef::from_array_view(([3, length], &joined[..])).unwrap();
            let batch = session.run(ort::inputs![INPUT => input]).unwrap();
            for layer in 0..single[0].len() {
                let output = &batch[output_name(frames, layer).as_str()];
                let (shape, values) = output.try_extract_tensor::<f32>().unwrap();
                assert_eq!(shape[0], 3);
                for (n, found) in values.chunks_exact(values.len() / 3).enumerate() {
                    let expected = &single[n][layer];
                    let difference = largest_difference(found, expected);
                    assert!(
                        difference <= 1e-5 * rms(expected).max(1.0),
                        "{name}, {operators:?}, window {n}, layer {layer}: {difference}"
                    );
                }
            }
        }
    }
}
