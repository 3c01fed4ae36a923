//! Target `pickle`: weights from PyTorch, as a checkpoint's and as a training checkpoint, with
//! every tensor's numbers, and as a head of MARBLE's.

use std::sync::OnceLock;

use mertscope_heads::head::Outputs;
use mertscope_heads::head::marble::{self, HeadDescription, Labels};
use mertscope_model::Manifest;
use mertscope_model::checkpoint::Weights;

use crate::manifest::small;
use crate::scratch::Folder;
use crate::seeds;
use crate::target::{Memory, Target};

/// The target.
pub const TARGET: Target = Target {
    name: "pickle",
    run,
    seeds: || {
        seeds::of(
            "pickle",
            &[
                "tests/fixtures/checkpoints/training.ckpt",
                "tests/fixtures/checkpoints/post-group/pytorch_model.bin",
                "tests/fixtures/checkpoints/data2vec/pytorch_model.bin",
                "tests/fixtures/marble/one.ckpt",
                "tests/fixtures/marble/mixed.ckpt",
            ],
        )
    },
    tokens: &[
        "PK\x03\x04",
        "PK\x01\x02",
        "PK\x05\x06",
        "PK\x06\x06",
        "PK\x06\x07",
        "/data.pkl",
        "/data/0",
        "/byteorder",
        "little",
        "big",
        "version",
        "state_dict",
        "ctorch._utils\n_rebuild_tensor_v2\n",
        "ctorch\nFloatStorage\n",
        "ctorch\nHalfStorage\n",
        "ctorch\nBFloat16Storage\n",
        "ctorch\nLongStorage\n",
        "ccollections\nOrderedDict\n",
        "storage",
        "cpu",
        "(",
        ")",
        "}",
        "]",
        "R",
        "Q",
        "b",
        "s",
        "u",
        "t",
        "q",
        "r",
        "h",
        "j",
        "X",
        "K",
        "M",
        "J",
        ".",
    ],
    memory: Memory {
        fixed_bytes: 1 << 20,
        per_input_byte: 16,
    },
    missing: Target::never_missing,
};

/// Opens a file of weights as an import does.
pub fn run(bytes: &[u8]) {
    let folder = Folder::new();
    let path = folder.write("pytorch_model.bin", bytes);
    for weights in [Weights::open(&path), Weights::open_training(&path)] {
        let Ok(weights) = weights else { continue };
        for name in weights.tensors().keys() {
            if let Ok(values) = weights.floats(name) {
                assert!(
                    values.len() <= bytes.len() && values.iter().all(|value| value.is_finite())
                );
            }
        }
    }
    let described = HeadDescription {
        task: "mood",
        labels: labels(),
        outputs: Outputs::Multiclass,
        layer: Some(1),
        usual_layer: None,
        license: "",
    };
    drop(marble::import(&path, &described, manifest()));
}

/// Three labels, as the fixtures have outputs.
fn labels() -> &'static Labels {
    static LABELS: OnceLock<Labels> = OnceLock::new();
    LABELS.get_or_init(|| Labels::parse("a\nb\nc", "mood").expect("three labels"))
}

/// A model of the width that the fixtures' heads read.
fn manifest() -> &'static Manifest {
    static MANIFEST: OnceLock<Manifest> = OnceLock::new();
    MANIFEST.get_or_init(|| small(6))
}
