//! Target `heads`: safetensors files, as a head, as a map and as a checkpoint's weights. A head or
//! map that fits one of two models is applied.

use std::path::Path;
use std::sync::OnceLock;

use mertscope_heads::head::{Head, HeadInfo};
use mertscope_heads::map::Map;
use mertscope_model::checkpoint::Weights;
use mertscope_model::{HiddenStates, LayerSet, Manifest, Model};

use crate::manifest;
use crate::scratch::Folder;
use crate::seeds;
use crate::target::{Memory, Target};

/// The target.
pub const TARGET: Target = Target {
    name: "heads",
    run,
    seeds: || {
        let mut all = seeds::of(
            "heads",
            &[
                "assets/embedded/genre.safetensors",
                "assets/embedded/key.safetensors",
                "assets/embedded/map.safetensors",
                "tests/fixtures/checkpoints/post-layer-half/model.safetensors",
            ],
        );
        all.extend([manifest::head(), manifest::map()]);
        all
    },
    tokens: &[
        "__metadata__",
        "dtype",
        "shape",
        "data_offsets",
        "F32",
        "F16",
        "BF16",
        "I64",
        "F64",
        "U8",
        "BOOL",
        "task",
        "labels",
        "layers",
        "reads",
        "outputs",
        "temperature",
        "threshold",
        "encoder_sha256",
        "frames_sha256",
        "metrics",
        "weight",
        "bias",
        "mean",
        "std",
        "hidden.weight",
        "hidden.bias",
        "layer_weights",
        "genre",
        "key",
        "window",
        "frames",
        "multiclass",
        "multilabel",
        "regression",
        "map",
        "layer",
        "components",
        "scale",
        "explained_variance",
        "reach",
        "density",
        "extent",
        "landmarks",
        "\\\"",
        "[",
        "]",
        "{",
        "}",
    ],
    memory: Memory {
        fixed_bytes: 1 << 20,
        per_input_byte: 16,
    },
    missing: Target::never_missing,
};

/// Frames of the hidden states that heads are applied to.
const FRAMES: usize = 3;

/// Reads a file as a head, a map and weights.
pub fn run(bytes: &[u8]) {
    let path = Path::new("head.safetensors");
    if let Ok(head) = Head::parse(bytes, path) {
        let info = HeadInfo::from(&head);
        for (manifest, hidden) in models() {
            if head.check(manifest).is_ok() {
                let answers = head.predict(hidden);
                assert_eq!(answers.len(), head.labels.len());
                drop(info.foremost(&answers));
            }
        }
    }
    for (manifest, hidden) in models() {
        if let Ok(map) = Map::parse(bytes, path, manifest) {
            assert!(map.place(hidden).is_some());
            assert!(Map::parse(&map.to_bytes(), path, manifest).is_ok());
        }
    }
    let folder = Folder::new();
    if let Ok(weights) = Weights::open(&folder.write("model.safetensors", bytes)) {
        for name in weights.tensors().keys() {
            if let Ok(values) = weights.floats(name) {
                assert!(values.len() <= bytes.len());
            }
        }
    }
}

/// The embedded model and the fixture, with hidden states as each gives them.
fn models() -> &'static [(Manifest, HiddenStates); 2] {
    static MODELS: OnceLock<[(Manifest, HiddenStates); 2]> = OnceLock::new();
    MODELS.get_or_init(|| {
        let embedded = Model::embedded_manifest().expect("the embedded model");
        [embedded, manifest::small(4)].map(|manifest| {
            let layers = manifest.layers.len();
            let hidden = HiddenStates {
                layers,
                which: LayerSet::All,
                frames: Some(FRAMES),
                window: None,
                width: manifest.width,
                data: vec![0.25; layers * FRAMES * manifest.width],
            };
            (manifest, hidden)
        })
    })
}
