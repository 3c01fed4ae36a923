//! The bytes of the files that other crates compile in. Cargo packages no file from outside a crate, so the folder of
//! these files is a crate of its own.
//!
//! Deliberately not here: any reading of them. Their types are in the crates that use them.

/// The files of the embedded model, by name: its `manifest.toml` first, then every file that the manifest names.
pub static EMBEDDED: &[(&str, &[u8])] = &[
    ("manifest.toml", EMBEDDED_MANIFEST.as_bytes()),
    ("encoder.onnx", include_bytes!("../embedded/encoder.onnx")),
    ("frames.onnx", include_bytes!("../embedded/frames.onnx")),
    (
        "styles.safetensors",
        include_bytes!("../embedded/styles.safetensors"),
    ),
    (
        "genre.safetensors",
        include_bytes!("../embedded/genre.safetensors"),
    ),
    (
        "key.safetensors",
        include_bytes!("../embedded/key.safetensors"),
    ),
    (
        "tags-msd.safetensors",
        include_bytes!("../embedded/tags-msd.safetensors"),
    ),
    (
        "tags-mtt.safetensors",
        include_bytes!("../embedded/tags-mtt.safetensors"),
    ),
    (
        "tuning.safetensors",
        include_bytes!("../embedded/tuning.safetensors"),
    ),
    (
        "map.safetensors",
        include_bytes!("../embedded/map.safetensors"),
    ),
];

/// `embedded/manifest.toml`, the manifest of the embedded model.
pub static EMBEDDED_MANIFEST: &str = include_str!("../embedded/manifest.toml");

/// Music on which 8-bit graphs are calibrated, by file name: the demo pieces but for the one without lossy
/// compression, which alone is as long as the others together.
pub static CALIBRATION: &[(&str, &[u8])] = &[
    (
        "corner-table.ogg",
        include_bytes!("../demo/corner-table.ogg"),
    ),
    ("headwind.ogg", include_bytes!("../demo/headwind.ogg")),
    (
        "mirrorball-street.mp3",
        include_bytes!("../demo/mirrorball-street.mp3"),
    ),
    ("two-rooms.ogg", include_bytes!("../demo/two-rooms.ogg")),
];

/// `models.toml`, the catalogue of published models.
pub static MODELS: &str = include_str!("../models.toml");

/// `onnxruntime.toml`, the versions and builds of ONNX Runtime.
pub static ONNX_RUNTIME: &str = include_str!("../onnxruntime.toml");

/// `schema/analyze.schema.json`, the JSON Schema of analysis results.
pub static ANALYZE_SCHEMA: &str = include_str!("../schema/analyze.schema.json");

/// Inter in weight 400, an OpenType file.
pub static INTER_REGULAR: &[u8] = include_bytes!("../fonts/Inter-Regular.otf");

/// Inter in weight 600, an OpenType file.
pub static INTER_SEMI_BOLD: &[u8] = include_bytes!("../fonts/Inter-SemiBold.otf");
