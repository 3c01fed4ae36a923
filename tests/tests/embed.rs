//! `mertscope embed`: shapes and values, on the embedded model and on a tiny model with frames
//! whose hidden states can be worked out by hand.

use std::fs;
use std::path::{Path, PathBuf};

use mertscope_engine::model::Model;
use mertscope_tests::{Said, chord, demo, mertscope, repository, said, wav};

/// A `.npy` file of float32: its shape and values.
fn npy(path: &Path) -> (Vec<usize>, Vec<f32>) {
    let bytes = fs::read(path).unwrap();
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let end = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = std::str::from_utf8(&bytes[10..end]).unwrap();
    let shape = header.split_once('(').unwrap().1.split_once(')').unwrap().0;
    let shape = shape
        .split(',')
        .filter_map(|n| n.trim().parse().ok())
        .collect();
    let value = |b: &[u8]| f32::from_le_bytes(b.try_into().unwrap());
    (shape, bytes[end..].chunks_exact(4).map(value).collect())
}

struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out.npy")
    }

    fn embed(&self, file: &Path, flags: &[&str]) -> Said {
        said(
            mertscope()
                .arg("embed")
                .arg(file)
                .arg("--out")
                .arg(self.out())
                .args(flags),
        )
    }

    /// Embeds with the model that has frames.
    fn tiny(&self, samples: &[f32], flags: &[&str]) -> Said {
        let file = self.folder.path().join("audio.wav");
        fs::write(&file, wav(24_000, 1, samples)).unwrap();
        let model = repository("tests/fixtures/tiny");
        let model = ["--model", model.to_str().unwrap()];
        self.embed(&file, &[&model, flags].concat())
    }
}

fn frames_of(samples: usize) -> usize {
    (samples - 400) / 320 + 1
}

/// Layer 0 of the tiny model as `tests/fixtures/tiny/make.py` defines it.
fn expected_frame(samples: &[f32], frame: usize) -> [f32; 4] {
    let part = &samples[frame * 320..frame * 320 + 400];
    let mean = part.iter().sum::<f32>() / 400.0;
    [mean, part[0], part[399], -part[200]]
}

#[test]
fn the_embedded_model_gives_one_vector_a_layer() {
    let case = Case::new();
    let said = case.embed(&demo()[0].path, &[]);
    assert_eq!(said.code, 0, "{}", said.err);
    let manifest = Model::embedded().unwrap().manifest;
    let (shape, all) = npy(&case.out());
    assert_eq!(shape, [manifest.layers.len(), manifest.width]);
    assert!(all.iter().all(|x| x.is_finite()) && all.iter().any(|x| *x != 0.0));
    let said = case.embed(&demo()[0].path, &["--layers", "4,2"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let (shape, two) = npy(&case.out());
    assert_eq!(shape, [2, manifest.width]);
    let layer = |n: usize| &all[n * manifest.width..(n + 1) * manifest.width];
    assert_eq!(two, [layer(4), layer(2)].concat());
}

#[test]
fn frames_come_layer_by_layer_and_window_after_window() {
    let case = Case::new();
    // Two windows of 5 s and a rest of 1 s, each encoded at its own length.
    let samples = chord(24_000, 11.0);
    let said = case.tiny(&samples, &["--pool", "none"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let (shape, values) = npy(&case.out());
    let per_window = frames_of(120_000);
    let frames = 2 * per_window + frames_of(24_000);
    assert_eq!(shape, [3, frames, 4]);
    for (window, frame) in [(0, 0), (0, 373), (1, 0), (1, 200), (2, 0), (2, 73)] {
        let place = (window * per_window + frame) * 4;
        let expected = expected_frame(&samples[window * 120_000..], frame);
        for (n, expected) in expected.into_iter().enumerate() {
            let layer = |layer: usize| values[layer * frames * 4 + place + n];
            assert!(
                (layer(0) - expected).abs() < 1e-6,
                "window {window}, frame {frame}"
            );
            assert!((layer(1) - (2.0 * expected + 1.0)).abs() < 1e-5);
            assert!((layer(2) - expected * expected).abs() < 1e-6);
        }
    }
}

#[test]
fn whole_is_one_pass_with_a_limit() {
    let case = Case::new();
    let samples = chord(24_000, 11.0);
    let said = case.tiny(&samples, &["--pool", "none", "--whole"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let (shape, values) = npy(&case.out());
    let frames = frames_of(samples.len());
    assert_eq!(shape, [3, frames, 4]);
    let last = expected_frame(&samples, frames - 1);
    assert!((values[(frames - 1) * 4 + 1] - last[1]).abs() < 1e-6);
    let said = case.tiny(&samples, &["--whole", "--max-seconds", "10"]);
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("10 s") && said.err.contains("--max-seconds"),
        "{}",
        said.err
    );
    let said = case.embed(&demo()[0].path, &["--whole"]);
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("5 s") && said.err.contains("--whole"),
        "{}",
        said.err
    );
}

#[test]
fn the_mean_weighs_audio_by_its_length() {
    let case = Case::new();
    // 5 s at 0.2 and 2.5 s at −0.1: the mean over time is 0.1.
    let mut samples = vec![0.2; 120_000];
    samples.extend([-0.1; 60_000]);
    let said = case.tiny(&samples, &["--layers", "0"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let (shape, values) = npy(&case.out());
    assert_eq!(shape, [1, 4]);
    assert!((values[0] - 0.1).abs() < 1e-5, "{values:?}");
}

#[test]
fn a_weighted_sum_takes_its_weights_from_the_head() {
    use safetensors::{Dtype, tensor::TensorView};
    let case = Case::new();
    let sha = mertscope_engine::model::sha256(
        &fs::read(repository("tests/fixtures/tiny/tiny.onnx")).unwrap(),
    );
    let metadata = [
        ("task", "mood"),
        ("labels", r#"["calm", "tense"]"#),
        ("layers", "[0, 1]"),
        ("temperature", "1"),
        ("encoder_sha256", &sha),
    ];
    let floats = |values: &[f32]| {
        values
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect::<Vec<u8>>()
    };
    let (zeros, weights) = (floats(&[0.0; 8]), floats(&[0.0, 3.0f32.ln()]));
    let view = |shape: &[usize], data| TensorView::new(Dtype::F32, shape.to_vec(), data).unwrap();
    let tensors = [
        ("weight", view(&[2, 4], &zeros)),
        ("bias", view(&[2], &zeros[..8])),
        ("layer_weights", view(&[2], &weights)),
    ];
    let metadata = metadata.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    let head = case.folder.path().join("mood.safetensors");
    fs::write(
        &head,
        safetensors::serialize(tensors, Some(metadata)).unwrap(),
    )
    .unwrap();
    let flags = ["--pool", "weighted", "--head", head.to_str().unwrap()];
    let said = case.tiny(&vec![0.2; 120_000], &flags);
    assert_eq!(said.code, 0, "{}", said.err);
    let (shape, values) = npy(&case.out());
    assert_eq!(shape, [4]);
    // A quarter of 0.2 and three quarters of 2 · 0.2 + 1.
    assert!((values[0] - (0.05 + 0.75 * 1.4)).abs() < 1e-5, "{values:?}");
    // A head of one layer has no weights to take.
    let key = repository("assets/embedded/key.safetensors");
    let flags = ["--pool", "weighted", "--head", key.to_str().unwrap()];
    let said = case.embed(&demo()[0].path, &flags);
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("key.safetensors") && said.err.contains("one layer"),
        "{}",
        said.err
    );
}

#[test]
fn what_a_model_lacks_is_said_and_nothing_is_left_behind() {
    let case = Case::new();
    let path = &demo()[0].path;
    for (flags, words) in [
        (&["--pool", "none"][..], ["no frames", "--pool mean"]),
        (&["--layers", "0,7"], ["layer 7", "0 to 6"]),
    ] {
        let said = case.embed(path, flags);
        assert_eq!(said.code, 1);
        assert!(
            words.iter().all(|word| said.err.contains(word)),
            "{}",
            said.err
        );
        assert!(!case.out().exists());
    }
    let said = case.tiny(&[0.1; 399], &["--pool", "none"]);
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("399") && said.err.contains("400"),
        "{}",
        said.err
    );
    assert!(!case.out().exists());
    assert_eq!(
        fs::read_dir(case.folder.path()).unwrap().count(),
        1,
        "only the audio is there"
    );
}

#[test]
fn safetensors_say_what_they_hold() {
    let case = Case::new();
    let out = case.folder.path().join("out.safetensors");
    let said = said(
        mertscope()
            .arg("embed")
            .arg(&demo()[4].path)
            .arg("--out")
            .arg(&out),
    );
    assert_eq!(said.code, 0, "{}", said.err);
    let bytes = fs::read(&out).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(tensors.tensor("hidden_states").unwrap().shape(), [7, 256]);
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let metadata = header.metadata().clone().unwrap();
    assert_eq!(metadata["model"], Model::embedded().unwrap().manifest.id);
}
