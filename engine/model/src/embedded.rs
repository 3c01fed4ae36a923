//! The files of the embedded model, compiled in.

use crate::manifest::MANIFEST;

/// The files of the embedded model, by name. No other code names them; the manifest describes each.
pub(crate) const EMBEDDED: &[(&str, &[u8])] = &[
    (
        MANIFEST,
        include_bytes!("../../../assets/embedded/manifest.toml"),
    ),
    (
        "encoder.onnx",
        include_bytes!("../../../assets/embedded/encoder.onnx"),
    ),
    (
        "frames.onnx",
        include_bytes!("../../../assets/embedded/frames.onnx"),
    ),
    (
        "genre.safetensors",
        include_bytes!("../../../assets/embedded/genre.safetensors"),
    ),
    (
        "key.safetensors",
        include_bytes!("../../../assets/embedded/key.safetensors"),
    ),
    (
        "tags-msd.safetensors",
        include_bytes!("../../../assets/embedded/tags-msd.safetensors"),
    ),
    (
        "tags-mtt.safetensors",
        include_bytes!("../../../assets/embedded/tags-mtt.safetensors"),
    ),
    (
        "map.safetensors",
        include_bytes!("../../../assets/embedded/map.safetensors"),
    ),
];
