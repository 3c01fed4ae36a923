//! Target `manifest`: `manifest.toml` of a model's folder, beside a graph, a fragment, a head and a
//! map that fit what the seeds say.

use std::collections::BTreeMap;

use mertscope_heads::package::ModelPackage;
use mertscope_model::tensors::serialize;
use mertscope_model::{Manifest, Model, sha256};

use crate::scratch::Folder;
use crate::seeds;
use crate::target::{Memory, Target};

/// The target.
pub const TARGET: Target = Target {
    name: "manifest",
    run,
    seeds: || {
        let mut all = seeds::of(
            "manifest",
            &[
                "tests/fixtures/tiny/manifest.toml",
                "tests/fixtures/faulty/manifest.toml",
                "assets/embedded/manifest.toml",
            ],
        );
        all.push(whole().into_bytes());
        all
    },
    tokens: &[
        "format = ",
        "id = ",
        "version = ",
        "title = ",
        "licence = ", // spelling as stored
        "sample_rate_hz = ",
        "window_samples = ",
        "other_windows_s = ",
        "width = ",
        "normalise = ", // spelling as stored
        "[graph]",
        "[graph.fragment]",
        "[[layers]]",
        "[[heads]]",
        "[map]",
        "file = ",
        "sha256 = ",
        "input = ",
        "pooled = ",
        "frames = ",
        "frame_samples = ",
        "length = ",
        "short_input = ",
        "min_samples = ",
        "layers_mixable = ",
        "\"dynamic\"",
        "\"fixed\"",
        "\"loop\"",
        "\"true-length\"",
        "\"refuse\"",
        "\"\"\"",
        "'''",
        "[[",
        "]]",
        "{",
        "}",
        "inf",
        "-nan",
        "..",
    ],
    // The files that it names are read whole; they are this folder's, not the input.
    memory: Memory {
        fixed_bytes: 1 << 20,
        per_input_byte: 64,
    },
    missing: Target::never_missing,
};

/// Opens a model's folder with this manifest, and asks it for all that follows from it.
pub fn run(bytes: &[u8]) {
    let folder = Folder::new();
    for (name, bytes) in parts() {
        folder.write(name, &bytes);
    }
    folder.write("manifest.toml", bytes);
    let Ok(package) = ModelPackage::open(folder.path()) else {
        return;
    };
    let manifest = &package.model.manifest;
    assert!(manifest.window_s() > 0.0 && manifest.frame_s() > 0.0);
    for asked_s in [0.0, 0.25, 1e9, f64::NAN, f64::INFINITY] {
        assert!(manifest.hop_samples(asked_s) > 0);
    }
    drop((package.layers_in_use(), package.frames_in_use()));
    for window_s in manifest.windows_s() {
        let other = package
            .clone()
            .with_window_s(window_s)
            .expect("one of its windows");
        assert!(other.model.manifest.window_samples > 0);
    }
}

/// The files beside the manifest.
fn parts() -> [(&'static str, Vec<u8>); 4] {
    [
        ("tiny.onnx", seeds::file("tests/fixtures/tiny/tiny.onnx")),
        ("part.onnx", b"a fragment".to_vec()),
        ("head.safetensors", head()),
        ("map.safetensors", map()),
    ]
}

/// SHA-256 of the fixture's graph.
fn encoder_sha256() -> String {
    sha256(&seeds::file("tests/fixtures/tiny/tiny.onnx"))
}

/// A head of the fixture: two labels, one hidden layer, a mixture of two layers of 4 values.
pub(crate) fn head() -> Vec<u8> {
    let metadata: BTreeMap<String, String> = [
        ("task", "mood"),
        ("labels", r#"["calm", "tense"]"#),
        ("layers", "[0, 2]"),
        ("temperature", "1.5"),
        ("threshold", "0.6"),
        ("outputs", "multilabel"),
        ("reads", "frames"),
        ("metrics", r#"{"accuracy": 0.5}"#),
        ("encoder_sha256", &encoder_sha256()),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let values = [0.5; 12];
    serialize(
        &metadata,
        &[
            ("weight", &[2, 3], &values[..6]),
            ("bias", &[2], &values[..2]),
            ("hidden.weight", &[3, 4], &values),
            ("hidden.bias", &[3], &values[..3]),
            ("mean", &[4], &values[..4]),
            ("std", &[4], &values[..4]),
            ("layer_weights", &[2], &values[..2]),
        ],
    )
}

/// A map of the fixture.
pub(crate) fn map() -> Vec<u8> {
    let metadata: BTreeMap<String, String> = [
        ("map", "1"),
        ("layer", "1"),
        ("labels", r#"["here"]"#),
        ("fitted_on", "nothing"),
        ("encoder_sha256", &encoder_sha256()),
        ("directions", "labels"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let values = [0.5; 8];
    serialize(
        &metadata,
        &[
            ("mean", &[4], &values[..4]),
            ("components", &[2, 4], &values),
            ("scale", &[1], &values[..1]),
            ("explained_variance", &[2], &values[..2]),
            ("extent", &[2, 2], &[0.0, 0.0, 1.0, 1.0]),
            ("landmarks", &[1, 2], &values[..2]),
            ("reach", &[1], &values[..1]),
            ("density", &[2, 2], &values[..4]),
        ],
    )
}

/// The fixture's manifest with every part that a manifest may have.
fn whole() -> String {
    let text = String::from_utf8(seeds::file("tests/fixtures/tiny/manifest.toml")).expect("text");
    let [_, fragment, head, map] = parts().map(|(name, bytes)| {
        let hash = sha256(&bytes);
        format!("file = \"{name}\"\nsha256 = \"{hash}\"\n")
    });
    let text = text.replace("width = 4", "other_windows_s = [2.5, 10]\nwidth = 4");
    let text = text.replace(
        "min_samples",
        "pooled = [\"hidden\"]\nframe_samples = 400\nmin_samples",
    );
    format!("{text}\n[graph.fragment]\n{fragment}[[heads]]\n{head}[map]\n{map}")
}

/// The manifest of the fixture with hidden states of another width.
///
/// # Panics
/// If the fixture is not as it should be.
pub(crate) fn small(width: usize) -> Manifest {
    let path = seeds::of_crate("../fixtures/tiny");
    let mut manifest = Model::open(&path).expect("the fixture").manifest;
    manifest.width = width;
    manifest
}
