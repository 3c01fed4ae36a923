//! The manifest of a published checkpoint: put together from its configuration files, and from
//! the catalogue where that knows the model.

use super::{FORMAT, FRAME_SAMPLES, Graph, Layer, Length, Manifest, ShortInput};
use crate::catalogue::CatalogueEntry;
use crate::checkpoint::{Network, Preprocessor};
use crate::graph::{INPUT, output_name};

/// The window of a model that the catalogue doesn't know: MERT was trained on 5-s excerpts.
const WINDOW_S: f64 = 5.0;

impl Manifest {
    /// The manifest of the weights `sha256` in the file called `weights`. What the checkpoint's own
    /// files say goes before the catalogue's `entry`. The error is a phrase.
    pub(crate) fn of_checkpoint(
        id: &str,
        network: &Network,
        preprocessor: Option<Preprocessor>,
        entry: Option<&CatalogueEntry>,
        weights: &str,
        sha256: &str,
    ) -> Result<Self, String> {
        let sample_rate_hz = preprocessor
            .map(|preprocessor| preprocessor.sampling_rate)
            .or(entry.map(|entry| entry.sample_rate_hz))
            .ok_or("it has no preprocessor_config.json, so that its sample rate is not known")?;
        let normalize = preprocessor
            .map(|preprocessor| preprocessor.do_normalize)
            .or(entry.map(|entry| entry.normalize))
            .unwrap_or(false);
        if let Some(entry) = entry
            && (entry.layers, entry.width) != (network.layers, network.width)
        {
            return Err(format!(
                "it has {} layers of {} values instead of the {} of {} that {} has",
                network.layers, network.width, entry.layers, entry.width, entry.id
            ));
        }
        let window_s = entry.map_or(WINDOW_S, |entry| entry.window_s);
        let names = |frames| {
            (0..=network.layers)
                .map(|n| output_name(frames, n))
                .collect()
        };
        let manifest = Self {
            format: FORMAT,
            id: id.to_owned(),
            version: sha256.chars().take(12).collect(),
            title: entry.map_or_else(|| format!("Checkpoint {id}"), |entry| entry.title.clone()),
            license: entry.map_or_else(
                || "not known: see where the checkpoint came from".to_owned(),
                |entry| entry.license.clone(),
            ),
            sample_rate_hz,
            window_samples: (window_s * f64::from(sample_rate_hz)).round() as usize,
            other_windows_s: entry.map_or_else(Vec::new, |entry| entry.other_window_s.clone()),
            width: network.width,
            normalize,
            graph: Graph {
                file: weights.to_owned(),
                sha256: sha256.to_owned(),
                input: INPUT.to_owned(),
                pooled: names(false),
                frames: names(true),
                frame_samples: FRAME_SAMPLES,
                fragment: None,
                length: Length::Dynamic,
                short_input: ShortInput::TrueLength,
                min_samples: network.min_samples(),
                layers_mixable: true,
            },
            layers: (0..=network.layers).map(|n| layer(network, n)).collect(),
            heads: Vec::new(),
            map: None,
        };
        manifest.check()?;
        Ok(manifest)
    }
}

fn layer(network: &Network, n: usize) -> Layer {
    let meaning = if n == 0 {
        "features with positions, the input of the first layer".to_owned()
    } else if n == network.layers && network.pre_norm {
        format!("output of transformer layer {n}, normalized")
    } else {
        format!("output of transformer layer {n}")
    };
    Layer {
        name: n.to_string(),
        meaning,
    }
}
