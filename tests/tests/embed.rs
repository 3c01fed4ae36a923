//! `mertscope embed`: shapes and values, of the embedded model and of a tiny model with frames whose
//! hidden states follow simple rules.

use std::fs;
use std::path::{Path, PathBuf};

use mertscope_model::Model;
use mertscope_tests::{CommandOutput, chord, demo, mertscope, output_of, repository, wav};

/// The shape and values of a `.npy` file of float32.
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

    fn embed(&self, file: &Path, flags: &[&str]) -> CommandOutput {
        output_of(
            mertscope()
                .arg("embed")
                .arg(file)
                .arg("--out")
                .arg(self.out())
                .args(flags),
        )
    }

    /// Embeds with the model that has frames.
    fn tiny(&self, samples: &[f32], flags: &[&str]) -> CommandOutput {
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
    let output = case.embed(&demo()[0].path, &[]);
    assert_eq!(output.code, 0, "{}", output.err);
    let manifest = Model::embedded().unwrap().manifest;
    let (shape, all) = npy(&case.out());
    assert_eq!(shape, [manifest.layers.len(), manifest.width]);
    assert!(all.iter().all(|x| x.is_finite()) && all.iter().any(|x| *x != 0.0));
    let output = case.embed(&demo()[0].path, &["--layers", "4,2"]);
    assert_eq!(output.code, 0, "{}", output.err);
    let (shape, two) = npy(&case.out());
    assert_eq!(shape, [2, manifest.width]);
    let layer = |n: usize| &all[n * manifest.width..(n + 1) * manifest.width];
    assert_eq!(two, [layer(4), layer(2)].concat());
}

#[test]
fn frames_come_layer_by_layer_and_window_after_window() {
    let case = Case::new();
    // Two windows of 5 s and a last one of 1 s, each encoded at its own length.
    let samples = chord(24_000, 11.0);
    let output = case.tiny(&samples, &["--pool", "none"]);
    assert_eq!(output.code, 0, "{}", output.err);
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

/// Copies the embedded model into the case's folder, with a manifest that `change` has edited.
fn copy_of_the_embedded(case: &Case, change: impl Fn(String) -> String) -> PathBuf {
    let folder = case.folder.path().join("model");
    fs::create_dir_all(&folder).unwrap();
    for entry in fs::read_dir(repository("assets/embedded")).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
        }
    }
    let manifest = folder.join("manifest.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, change(text)).unwrap();
    folder
}

#[test]
fn the_embedded_model_gives_frames_on_request() {
    let case = Case::new();
    let manifest = Model::embedded().unwrap().manifest;
    let per_window = manifest.window_samples / manifest.graph.frame_samples;
    // Two windows of 5 s and a last one of 1 s: 2.2 times the frames of a window.
    let samples = chord(manifest.sample_rate_hz, 11.0);
    let file = case.folder.path().join("audio.wav");
    fs::write(&file, wav(manifest.sample_rate_hz, 1, &samples)).unwrap();
    let output = case.embed(&file, &["--pool", "none"]);
    assert_eq!(output.code, 0, "{}", output.err);
    assert!(output.err.contains("4 frames per second"), "{}", output.err);
    let (shape, frames) = npy(&case.out());
    let count = 2 * per_window + per_window / 5;
    assert_eq!(shape, [manifest.layers.len(), count, manifest.width]);
    assert!(frames.iter().all(|x| x.is_finite()));

    // A layer that is a mean over time equals the mean of its frames.
    let five = case.folder.path().join("five.wav");
    fs::write(
        &five,
        wav(
            manifest.sample_rate_hz,
            1,
            &samples[..manifest.window_samples],
        ),
    )
    .unwrap();
    assert_eq!(case.embed(&five, &[]).code, 0);
    let (_, window) = npy(&case.out());
    for (layer, width) in [(0, 252), (1, 96)] {
        for n in 0..width {
            let of_frame = |frame: usize| frames[(layer * count + frame) * manifest.width + n];
            let mean = (0..per_window).map(of_frame).sum::<f32>() / per_window as f32;
            let expected = window[layer * manifest.width + n];
            assert!(
                (mean - expected).abs() < 0.1,
                "layer {layer}, {n}: {mean} {expected}"
            );
        }
    }
    let out = case.folder.path().join("out.safetensors");
    let out_flags = ["--pool", "none", "--out"];
    let written = output_of(
        mertscope()
            .arg("embed")
            .arg(&five)
            .args(out_flags)
            .arg(&out),
    );
    assert_eq!(written.code, 0, "{}", written.err);
    let bytes = fs::read(&out).unwrap();
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!(header.metadata().as_ref().unwrap()["frame_rate_hz"], "4");
}

/// One graph may have both kinds of outputs; a fragment's file that is not a fragment is refused.
#[test]
fn frames_of_a_folder_come_from_its_own_files() {
    let case = Case::new();
    let file = &demo()[0].path;
    let embed = |model: &Path| {
        let model = model.to_str().unwrap();
        case.embed(file, &["--model", model, "--pool", "none"])
    };
    assert_eq!(case.embed(file, &["--pool", "none"]).code, 0);
    let expected = npy(&case.out());

    let graph = fs::read(repository("assets/embedded/encoder.onnx")).unwrap();
    let added = fs::read(repository("assets/embedded/frames.onnx")).unwrap();
    let one = [&graph[..], &added[..]].concat();
    let hash = |bytes: &[u8]| mertscope_model::sha256(bytes);
    // Heads and map name their graph by its hash: they are removed too.
    let folder = copy_of_the_embedded(&case, |text| {
        let (text, _) = text.split_once("[[heads]]").unwrap();
        let (before, rest) = text.split_once("[graph.fragment]").unwrap();
        let (_, after) = rest.split_once("\n\n").unwrap();
        format!("{before}{after}").replace(&hash(&graph), &hash(&one))
    });
    fs::write(folder.join("encoder.onnx"), &one).unwrap();
    let output = embed(&folder);
    assert_eq!(output.code, 0, "{}", output.err);
    assert_eq!(npy(&case.out()), expected);

    let folder = copy_of_the_embedded(&case, |text| text);
    fs::write(folder.join("encoder.onnx"), &graph).unwrap();
    fs::write(folder.join("frames.onnx"), &added[1..]).unwrap();
    let output = embed(&folder);
    assert_eq!(output.code, 1);
    let words = ["frames.onnx", "SHA-256", "swapped"];
    assert!(
        words.iter().all(|w| output.err.contains(w)),
        "{}",
        output.err
    );
    fs::remove_file(folder.join("frames.onnx")).unwrap();
    let output = embed(&folder);
    assert!(
        output.code == 1
            && output.err.contains("frames.onnx")
            && output.err.contains("can't be read"),
        "{}",
        output.err
    );
    // A file that is not a fragment is reported when the graph is loaded.
    let other = b"no fragment";
    let folder = copy_of_the_embedded(&case, |text| text.replace(&hash(&added), &hash(other)));
    fs::write(folder.join("frames.onnx"), other).unwrap();
    let output = embed(&folder);
    assert!(
        output.code == 1 && output.err.contains("can't be loaded by ONNX Runtime"),
        "{}",
        output.err
    );
    // Means per window need no fragment.
    let model = ["--model", folder.to_str().unwrap()];
    assert_eq!(case.embed(file, &model).code, 0);
}

#[test]
fn whole_runs_the_file_in_one_pass_up_to_a_limit() {
    let case = Case::new();
    let samples = chord(24_000, 11.0);
    let output = case.tiny(&samples, &["--pool", "none", "--whole"]);
    assert_eq!(output.code, 0, "{}", output.err);
    let (shape, values) = npy(&case.out());
    let frames = frames_of(samples.len());
    assert_eq!(shape, [3, frames, 4]);
    let last = expected_frame(&samples, frames - 1);
    assert!((values[(frames - 1) * 4 + 1] - last[1]).abs() < 1e-6);
    let output = case.tiny(&samples, &["--whole", "--max-seconds", "10"]);
    assert_eq!(output.code, 1);
    assert!(
        output.err.contains("10 s") && output.err.contains("--max-seconds"),
        "{}",
        output.err
    );
    let output = case.embed(&demo()[0].path, &["--whole"]);
    assert_eq!(output.code, 1);
    assert!(
        output.err.contains("5 s") && output.err.contains("--whole"),
        "{}",
        output.err
    );
}

#[test]
fn the_mean_weights_windows_by_their_length() {
    let case = Case::new();
    // 5 s at 0.2 and 2.5 s at −0.1: the mean over time is 0.1.
    let mut samples = vec![0.2; 120_000];
    samples.extend([-0.1; 60_000]);
    let output = case.tiny(&samples, &["--layers", "0"]);
    assert_eq!(output.code, 0, "{}", output.err);
    let (shape, values) = npy(&case.out());
    assert_eq!(shape, [1, 4]);
    assert!((values[0] - 0.1).abs() < 1e-5, "{values:?}");
}

#[test]
fn a_weighted_sum_takes_its_weights_from_the_head() {
    use safetensors::{Dtype, tensor::TensorView};
    let case = Case::new();
    let sha =
        mertscope_model::sha256(&fs::read(repository("tests/fixtures/tiny/tiny.onnx")).unwrap());
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
    let output = case.tiny(&vec![0.2; 120_000], &flags);
    assert_eq!(output.code, 0, "{}", output.err);
    let (shape, values) = npy(&case.out());
    assert_eq!(shape, [4]);
    // A quarter of 0.2 and three quarters of 2 · 0.2 + 1.
    assert!((values[0] - (0.05 + 0.75 * 1.4)).abs() < 1e-5, "{values:?}");
    // A head that reads one layer has no layer weights.
    let key = repository("assets/embedded/key.safetensors");
    let flags = ["--pool", "weighted", "--head", key.to_str().unwrap()];
    let output = case.embed(&demo()[0].path, &flags);
    assert_eq!(output.code, 1);
    assert!(
        output.err.contains("key.safetensors") && output.err.contains("one layer"),
        "{}",
        output.err
    );
}

#[test]
fn an_output_that_the_model_lacks_is_refused_and_no_file_is_left() {
    let case = Case::new();
    let path = &demo()[0].path;
    for (flags, words) in [
        (&["--layers", "0,7"][..], ["layer 7", "0 to 6"]),
        (&["--layers", "9", "--pool", "none"], ["layer 9", "0 to 6"]),
    ] {
        let output = case.embed(path, flags);
        assert_eq!(output.code, 1);
        assert!(
            words.iter().all(|word| output.err.contains(word)),
            "{}",
            output.err
        );
        assert!(!case.out().exists());
    }
    let output = case.tiny(&[0.1; 399], &["--pool", "none"]);
    assert_eq!(output.code, 1);
    assert!(
        output.err.contains("399") && output.err.contains("400"),
        "{}",
        output.err
    );
    assert!(!case.out().exists());
    assert_eq!(
        fs::read_dir(case.folder.path()).unwrap().count(),
        1,
        "only the audio is there"
    );
}

#[test]
fn safetensors_describe_their_content() {
    let case = Case::new();
    let out = case.folder.path().join("out.safetensors");
    let output = output_of(
        mertscope()
            .arg("embed")
            .arg(&demo()[4].path)
            .arg("--out")
            .arg(&out),
    );
    assert_eq!(output.code, 0, "{}", output.err);
    let bytes = fs::read(&out).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(tensors.tensor("hidden_states").unwrap().shape(), [7, 256]);
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let metadata = header.metadata().clone().unwrap();
    assert_eq!(metadata["model"], Model::embedded().unwrap().manifest.id);
}
