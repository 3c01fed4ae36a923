//! Published checkpoints through the public interface: opened as models, run in sessions.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mertscope_model::device::Choice;
use mertscope_model::{LayerSet, Model, ModelError, Precision, Session, SessionOptions, runtime};
use safetensors::SafeTensors;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/checkpoints")
        .join(name)
}

/// A tensor of the reference's results.
fn expected(name: &str, tensor: &str) -> Vec<f32> {
    let bytes = fs::read(fixture(name).join("expected.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let (chunks, _) = tensors.tensor(tensor).unwrap().data().as_chunks::<4>();
    chunks
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect()
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max)
}

#[test]
fn sessions_normalize_as_configured_and_give_the_requested_layers() {
    let runtime = runtime::load(None).unwrap();
    let graphs = tempfile::tempdir().unwrap();
    for (name, rate_hz, normalizes) in [
        ("post-group", 24_000, false),
        ("post-group-bias", 16_000, true),
        ("pre-layer-bias", 24_000, true),
        ("data2vec", 16_000, true),
    ] {
        let model = Model::open(&fixture(name))
            .unwrap()
            .with_graphs_in(graphs.path());
        assert_eq!(model.manifest.id, name);
        assert_eq!(model.manifest.sample_rate_hz, rate_hz);
        assert_eq!(model.manifest.normalize, normalizes, "{name}");
        assert_eq!(model.manifest.layers.len(), 3);
        let model = Arc::new(model);
        let audio = expected(name, "audio");
        for wanted in [vec![0, 1, 2], vec![1]] {
            let options = SessionOptions {
                frames: true,
                layers: LayerSet::of(wanted.iter().copied(), 3),
                precision: Some(Precision::Fp32),
                device: Choice::Cpu,
                ..SessionOptions::default()
            };
            let mut session = Session::new(runtime, Arc::clone(&model), options).unwrap();
            let hidden = session.run(&audio).unwrap();
            assert_eq!((hidden.layers, hidden.width), (wanted.len(), 24));
            for layer in 0..3 {
                if !wanted.contains(&layer) {
                    assert!(hidden.layer(layer).is_empty());
                    continue;
                }
                let expected = expected(name, &format!("hidden_states_{layer}"));
                let difference = largest_difference(hidden.layer(layer), &expected);
                assert!(difference < 1e-4, "{name}, layer {layer}: {difference}");
            }
        }
    }
}

#[test]
fn a_graph_that_can_not_be_made_is_not_blamed_on_the_runtime() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("no folder");
    fs::write(&file, "").unwrap();
    let model = Model::open(&fixture("post-group"))
        .unwrap()
        .with_graphs_in(&file);
    let runtime = runtime::load(None).unwrap();
    let error = Session::new(runtime, Arc::new(model), SessionOptions::default()).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("free some space") && !error.contains("ONNX Runtime"),
        "{error}"
    );
}

#[test]
fn an_incomplete_folder_is_an_error_that_names_the_missing_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap().to_owned();
    let copy = |file: &str| {
        fs::copy(fixture("post-group").join(file), folder.path().join(file)).unwrap();
    };
    let find = || Model::find(Some(&path));
    assert!(matches!(find(), Err(ModelError::Unknown { .. })));
    copy("config.json");
    assert!(matches!(find(), Err(ModelError::NoWeights { .. })));
    copy("pytorch_model.bin");
    let error = find().unwrap_err().to_string();
    assert!(error.contains("preprocessor_config.json"), "{error}");
    copy("preprocessor_config.json");
    let model = find().unwrap();
    assert_eq!(model.manifest.graph.min_samples, 400);
    assert!((model.manifest.window_s() - 5.0).abs() < 1e-9);
    let short = find().unwrap().with_window_s(2.5).unwrap();
    assert_eq!(short.manifest.window_samples, 60_000);
    for wrong in [0.001, 1e6, f64::NAN] {
        assert!(matches!(
            find().unwrap().with_window_s(wrong),
            Err(ModelError::Window { .. })
        ));
    }
    let fixed = Model::embedded().unwrap().with_window_s(2.5);
    assert!(matches!(fixed, Err(ModelError::Window { .. })));
    // The weights are its identity, whatever the folder's name.
    assert_eq!(
        model.sha256(),
        Model::open(&fixture("post-group")).unwrap().sha256()
    );
}
