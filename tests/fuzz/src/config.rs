//! Target `config`: `config.json` of a checkpoint, and the same bytes as its
//! `preprocessor_config.json`.

use mertscope_model::Model;
use mertscope_model::checkpoint::{self, Checkpoint};

use crate::scratch::Folder;
use crate::seeds;
use crate::target::{Memory, Target};

/// The target.
pub const TARGET: Target = Target {
    name: "config",
    run,
    seeds: || {
        seeds::of(
            "config",
            &[
                CONFIG,
                PREPROCESSOR,
                "tests/fixtures/checkpoints/data2vec/config.json",
                "tests/fixtures/checkpoints/data2vec-bias/config.json",
                "tests/fixtures/checkpoints/mert2/config.json",
                "tests/fixtures/checkpoints/muq/config.json",
                "tests/fixtures/checkpoints/post-group/config.json",
                "tests/fixtures/checkpoints/pre-layer-bias/config.json",
            ],
        )
    },
    tokens: &[
        "\"model_type\":",
        "\"mert_model\"",
        "\"hubert\"",
        "\"data2vec-audio\"",
        "\"mert2\"",
        "\"w2v2_config\":",
        "\"subsampling_channels\":",
        "\"subsampling_depths\":",
        "\"hop_length\":",
        "\"n_fft\":",
        "\"encoder_depth\":",
        "\"num_hidden_layers\":",
        "\"hidden_size\":",
        "\"num_attention_heads\":",
        "\"intermediate_size\":",
        "\"conv_dim\":",
        "\"conv_kernel\":",
        "\"conv_stride\":",
        "\"conv_bias\":",
        "\"feat_extract_norm\":",
        "\"feat_proj_layer_norm\":",
        "\"do_stable_layer_norm\":",
        "\"num_conv_pos_embeddings\":",
        "\"num_conv_pos_embedding_groups\":",
        "\"conv_pos_kernel_size\":",
        "\"layer_norm_eps\":",
        "\"hidden_act\":",
        "\"sampling_rate\":",
        "\"do_normalize\":",
        "\"layer\"",
        "\"group\"",
        "\"gelu\"",
        "128",
        "8192",
        "1024",
        "true",
        "false",
        "{",
        "}",
        "[",
        "]",
        ",",
    ],
    // The names of the tensors of a network at its limits, 128 layers, and the fixture's weights.
    memory: Memory {
        fixed_bytes: 4 << 20,
        per_input_byte: 16,
    },
    missing: Target::never_missing,
};

const WEIGHTS: &str = "tests/fixtures/checkpoints/post-layer-half/model.safetensors";
const CONFIG: &str = "tests/fixtures/checkpoints/post-layer-half/config.json";
const PREPROCESSOR: &str = "tests/fixtures/checkpoints/post-layer-half/preprocessor_config.json";

/// Opens a checkpoint's folder with this configuration.
pub fn run(bytes: &[u8]) {
    let folder = Folder::new();
    let weights = folder.write("model.safetensors", &seeds::file(WEIGHTS));
    let config = folder.write("config.json", bytes);
    folder.write("preprocessor_config.json", &seeds::file(PREPROCESSOR));
    if let Ok(network) = checkpoint::network(&config) {
        assert!(network.min_samples() > 0);
        assert!(!network.tensors().is_empty());
        if let Ok(checkpoint) = Checkpoint::open(network.clone(), &weights) {
            for (name, _) in network.tensors() {
                drop(checkpoint.floats(&name));
            }
        }
    }
    open(&folder);
    folder.write("config.json", &seeds::file(CONFIG));
    let preprocessor = folder.write("preprocessor_config.json", bytes);
    drop(checkpoint::preprocessor(&preprocessor));
    open(&folder);
}

/// Opens the model, and asks its manifest for what follows from it.
fn open(folder: &Folder) {
    if let Ok(model) = Model::open(folder.path()) {
        let manifest = &model.manifest;
        assert!(manifest.window_s() > 0.0 && manifest.frame_s() > 0.0);
        assert!(manifest.hop_samples(1.0) > 0);
        for window_s in manifest.windows_s() {
            drop(model.clone().with_window_s(window_s));
        }
    }
}
