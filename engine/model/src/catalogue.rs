//! The catalogue of published models that can be fetched: architecture, place and license of each.
//!
//! The facts are in `assets/models.toml`, which is compiled in; this file gives them types.
//! Deliberately not here: which models are installed (`store`).

mod heads;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

pub use heads::{PublishedHead, PublishedHeads};

/// A published model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogueEntry {
    /// Short unique name, as in `--model`.
    pub id: String,
    /// A one-line title for users.
    pub title: String,
    /// The repository on the hub, `owner/name`.
    pub repo: String,
    /// The commit to fetch; without one, the first verified download pins it.
    #[serde(default)]
    pub revision: Option<String>,
    /// The weights' license, an SPDX identifier.
    #[serde(rename = "licence")]
    pub license: String,
    /// Address of the license's text.
    #[serde(rename = "licence_url")]
    pub license_url: String,
    /// The family of the network.
    pub architecture: Architecture,
    /// Sample rate of the input in Hz.
    pub sample_rate_hz: u32,
    /// Frames of a hidden state per second.
    pub frame_rate_hz: u32,
    /// Number of transformer layers; [`CatalogueEntry::hidden_states`] says how many hidden states there are.
    pub layers: usize,
    /// Values per hidden state.
    pub width: usize,
    /// Number of attention heads (`num_attention_heads`), which the weights do not show.
    pub attention_heads: usize,
    /// Whether layers normalize their input (`do_stable_layer_norm`), which the weights do not show.
    pub pre_norm: bool,
    /// The stretch of audio for which it was made, in seconds, when its configuration says so
    /// (`context_seconds`).
    #[serde(default)]
    pub context_s: Option<f64>,
    /// Length of a window, in seconds.
    pub window_s: f64,
    /// Other useful lengths of a window, in seconds.
    #[serde(default)]
    pub other_window_s: Vec<f64>,
    /// Whether its input is normalized to zero mean and unit variance (`do_normalize`), as far as is
    /// known; the checkpoint's own `preprocessor_config.json` takes precedence.
    #[serde(rename = "normalise")]
    pub normalize: bool,
    /// Approximate bytes of all its files: for users, and for a first check of the free space.
    pub about_bytes: u64,
    /// Its files, the weights last.
    pub files: Vec<CatalogueFile>,
    /// The hidden state that MARBLE's configurations use for a task, by task.
    pub best_layers: BTreeMap<String, usize>,
    /// The hidden state that is shown when no head selects one.
    pub default_layer: usize,
    /// Published results of the model.
    pub published: Vec<PublishedResult>,
    /// The heads that were published for it.
    #[serde(default)]
    pub heads: Option<PublishedHeads>,
}

/// A family of networks, by its name in `config.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Architecture {
    /// HuBERT, including all MERT models.
    Hubert,
    /// data2vec-audio, including music2vec.
    Data2vecAudio,
    /// MERT-v2.
    Mert2,
    /// MuQ and MusicFM.
    Musicfm,
}

impl Architecture {
    /// Its name in `config.json` and in the catalogue.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Hubert => "hubert",
            Self::Data2vecAudio => "data2vec-audio",
            Self::Mert2 => "mert2",
            Self::Musicfm => "musicfm",
        }
    }

    /// Number of hidden states of a network with so many transformer layers.
    #[must_use]
    pub fn hidden_states(self, layers: usize) -> usize {
        match self {
            Self::Hubert | Self::Data2vecAudio | Self::Musicfm => layers + 1,
            Self::Mert2 => layers,
        }
    }

    /// The meaning of hidden state 0, a phrase.
    #[must_use]
    pub fn first_state(self) -> &'static str {
        match self {
            Self::Hubert | Self::Data2vecAudio | Self::Musicfm => "the input of the first layer",
            Self::Mert2 => "the output of block 1",
        }
    }
}

/// A file of a published model.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogueFile {
    /// Its name in the repository.
    pub name: String,
    /// Its exact length in bytes, if known.
    #[serde(default)]
    pub size: Option<u64>,
    /// Its SHA-256, hexadecimal, if known.
    #[serde(default)]
    pub sha256: Option<String>,
    /// Whether the model can do without it.
    #[serde(default)]
    pub optional: bool,
}

/// A published result of a model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedResult {
    /// The data set or task, by its name in MARBLE.
    pub task: String,
    /// The metric.
    pub metric: String,
    /// The value in percent.
    pub value: f64,
    /// The publication that is said to contain it.
    pub source: String,
}

/// Why the catalogue can't be used.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "The catalogue of models that this build carries is not valid: {reason}. Install Mertscope again."
)]
pub struct CatalogueError {
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalogue {
    model: Vec<CatalogueEntry>,
}

/// All published models, in display order.
///
/// # Errors
/// [`CatalogueError`], only when the build contains a broken catalogue.
pub fn all() -> Result<&'static [CatalogueEntry], CatalogueError> {
    static ALL: LazyLock<Result<Vec<CatalogueEntry>, CatalogueError>> = LazyLock::new(|| {
        toml::from_str::<Catalogue>(mertscope_assets::MODELS)
            .map(|catalogue| catalogue.model)
            .map_err(|error| CatalogueError {
                reason: error.message().trim().to_owned(),
            })
    });
    ALL.as_deref().map_err(Clone::clone)
}

/// The published model with this id, in upper or lower case.
///
/// # Errors
/// [`CatalogueError`], only when the build contains a broken catalogue.
pub fn find(id: &str) -> Result<Option<&'static CatalogueEntry>, CatalogueError> {
    Ok(all()?
        .iter()
        .find(|entry| entry.id.eq_ignore_ascii_case(id)))
}

impl CatalogueEntry {
    /// Number of hidden states.
    #[must_use]
    pub fn hidden_states(&self) -> usize {
        self.architecture.hidden_states(self.layers)
    }

    /// The name of its file of weights.
    #[must_use]
    pub fn weights(&self) -> &str {
        self.files.last().map_or("", |file| file.name.as_str())
    }

    /// Number of samples in a window of `window_s` seconds.
    #[must_use]
    pub fn window_samples(&self, window_s: f64) -> usize {
        (window_s * f64::from(self.sample_rate_hz)).round() as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::WEIGHTS;

    #[test]
    fn every_entry_is_consistent() {
        let ids: Vec<_> = all().unwrap().iter().map(|entry| &*entry.id).collect();
        let family = [
            "MERT-v0-public",
            "MERT-v0",
            "MERT-v1-95M",
            "MERT-v1-330M",
            "music2vec-v1",
            "MERT-v2-30s",
            "MERT-v2-FullSong",
            "MuQ-large-msd-iter",
            "MusicFM-MSD",
            "MusicFM-FMA",
        ];
        assert_eq!(ids, family);
        for entry in all().unwrap() {
            // Seven convolutions with strides 5 and six times 2: a frame is 320 samples. The others have a
            // spectrum every 240 samples, and halve twice.
            let frame_samples = match entry.architecture {
                Architecture::Hubert | Architecture::Data2vecAudio => 320,
                Architecture::Mert2 | Architecture::Musicfm => 960,
            };
            assert_eq!(
                entry.sample_rate_hz,
                entry.frame_rate_hz * frame_samples,
                "{}",
                entry.id
            );
            let layers = entry.best_layers.values().chain([&entry.default_layer]);
            assert!(layers.max() < Some(&entry.hidden_states()), "{}", entry.id);
            assert!(entry.files.iter().all(|file| !file.name.contains('/')));
            let weights = entry.files.last().unwrap();
            assert!(WEIGHTS.contains(&weights.name.as_str()) && !weights.optional);
            let hashes = entry.files.iter().filter_map(|file| file.sha256.as_ref());
            assert!(hashes.into_iter().all(|hash| hash.len() == 64));
            let is_free = entry.repo == "minzwon/MusicFM";
            let license = if is_free {
                "MIT OR Apache-2.0"
            } else {
                "CC-BY-NC-4.0"
            };
            assert_eq!(entry.license, license);
        }
    }

    #[test]
    fn a_model_is_found_by_its_id_in_any_case() {
        let found = find("mert-V1-95m").unwrap().unwrap();
        assert_eq!(found.id, "MERT-v1-95M");
        assert_eq!(found.window_samples(found.window_s), 120_000);
        assert_eq!(find("MERT-v9").unwrap(), None);
    }
}
