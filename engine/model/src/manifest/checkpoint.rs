//! The manifest of a published checkpoint, made from its configuration files and, for a model of the
//! catalogue, from its entry.

use super::{FORMAT, GraphContract, InputLength, LayerInfo, Manifest, ShortInput};
use crate::catalogue::CatalogueEntry;
use crate::checkpoint::{Network, Preprocessor};
use crate::graph::{INPUT, output_name};
use crate::hash::sha256_of_parts;

/// The window of a model that is not in the catalogue: MERT was trained on 5-s excerpts.
const WINDOW_S: f64 = 5.0;

impl Manifest {
    /// The manifest of the weights with the hash `weights_sha256` in the file called `weights`. The
    /// checkpoint's own files take precedence over the catalogue's `entry`. The error is a phrase.
    pub(crate) fn of_checkpoint(
        id: &str,
        network: &Network,
        preprocessor: Option<Preprocessor>,
        entry: Option<&CatalogueEntry>,
        weights: &str,
        weights_sha256: &str,
    ) -> Result<Self, String> {
        let sample_rate_hz = preprocessor
            .map(|preprocessor| preprocessor.sampling_rate)
            .or(network.sample_rate_hz())
            .or(entry.map(|entry| entry.sample_rate_hz))
            .ok_or("it has no preprocessor_config.json, so its sample rate is unknown")?;
        if let Some(needed_hz) = network.sample_rate_hz().filter(|hz| *hz != sample_rate_hz) {
            return Err(format!(
                "its sampling_rate is {needed_hz} Hz, but that of the preprocessor_config.json beside it is \
                 {sample_rate_hz} Hz"
            ));
        }
        let normalize = preprocessor
            .map(|preprocessor| preprocessor.do_normalize)
            .or(entry.map(|entry| entry.normalize))
            .unwrap_or(false);
        let is_published = entry.is_some_and(|entry| {
            (sample_rate_hz, normalize) == (entry.sample_rate_hz, entry.normalize)
                && network.is_published(entry)
        });
        let sha256 = if is_published {
            weights_sha256.to_owned()
        } else {
            let parts = (weights_sha256, network, sample_rate_hz, normalize);
            sha256_of_parts(&parts)
        };
        let window_s = entry.map_or(WINDOW_S, |entry| entry.window_s);
        let manifest = Self {
            format: FORMAT,
            id: id.to_owned(),
            version: sha256.chars().take(12).collect(),
            title: entry.map_or_else(|| format!("Checkpoint {id}"), |entry| entry.title.clone()),
            license: entry.map_or_else(
                || "unknown: see the source of the checkpoint".to_owned(),
                |entry| entry.license.clone(),
            ),
            sample_rate_hz,
            window_samples: (window_s * f64::from(sample_rate_hz)).round() as usize,
            other_windows_s: entry.map_or_else(Vec::new, |entry| entry.other_window_s.clone()),
            context_s: network.context_s(),
            width: network.width(),
            normalize,
            graph: graph_contract(network, weights, &sha256),
            layers: (0..network.hidden_states())
                .map(|index| LayerInfo {
                    name: index.to_string(),
                    meaning: network.meaning(index),
                })
                .collect(),
            heads: Vec::new(),
            map: None,
        };
        manifest.check()?;
        Ok(manifest)
    }
}

/// The contract of the graphs that are made of a checkpoint.
fn graph_contract(network: &Network, weights: &str, sha256: &str) -> GraphContract {
    let names = |frames| {
        (0..network.hidden_states())
            .map(|n| output_name(frames, n))
            .collect()
    };
    GraphContract {
        file: weights.to_owned(),
        sha256: sha256.to_owned(),
        input: INPUT.to_owned(),
        pooled: names(false),
        frames: names(true),
        frame_samples: network.frame_samples(),
        fragment: None,
        length: InputLength::Dynamic,
        short_input: ShortInput::TrueLength,
        min_samples: network.min_samples(),
        layers_mixable: true,
    }
}
