//! The published models that can be fetched: what each is, where it is and under which license.
//!
//! The facts are in `assets/models.toml`, which is compiled in; this file only gives them types.
//! Nothing here says what is installed: that is the store's business.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// A published model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogueEntry {
    /// Short unique name, as in `--model`.
    pub id: String,
    /// A line for people.
    pub title: String,
    /// The repository on the hub, `owner/name`.
    pub repo: String,
    /// The commit to fetch; without one, the first verified download pins it.
    #[serde(default)]
    pub revision: Option<String>,
    /// The weights' license, an SPDX identifier.
    #[serde(rename = "licence")]
    pub license: String,
    /// Where the license can be read.
    #[serde(rename = "licence_url")]
    pub license_url: String,
    /// The family of the network.
    pub architecture: Architecture,
    /// Sample rate of the input in Hz.
    pub sample_rate_hz: u32,
    /// Frames of a hidden state per second.
    pub frame_rate_hz: u32,
    /// Transformer layers; there is one hidden state more than that.
    pub layers: usize,
    /// Values per hidden state.
    pub width: usize,
    /// Length of the window it is meant for, in seconds.
    pub window_s: f64,
    /// Other lengths that make sense, in seconds.
    #[serde(default)]
    pub other_window_s: Vec<f64>,
    /// Whether its input is brought to zero mean and unit variance (`do_normalize`), as far as is
    /// known; the checkpoint's own `preprocessor_config.json` decides.
    #[serde(rename = "normalise")]
    pub normalize: bool,
    /// Bytes of all its files, roughly; for people and for a first look at the free space.
    pub about_bytes: u64,
    /// Its files, the weights last.
    pub files: Vec<CatalogueFile>,
    /// The hidden state that MARBLE's configurations use for a task, by task.
    pub best_layers: BTreeMap<String, usize>,
    /// The hidden state to show when no head says which.
    pub default_layer: usize,
    /// Results that were published for it.
    pub published: Vec<PublishedResult>,
}

/// A family of networks, as `config.json` calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Architecture {
    /// HuBERT; all MERT models are.
    Hubert,
    /// data2vec for audio; music2vec is.
    Data2vecAudio,
}

/// A file of a published model.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogueFile {
    /// Its name in the repository.
    pub name: String,
    /// Its exact length in bytes, where that is known.
    #[serde(default)]
    pub size: Option<u64>,
    /// Its SHA-256, hexadecimal, where that is known.
    #[serde(default)]
    pub sha256: Option<String>,
    /// Whether the model may be without it.
    #[serde(default)]
    pub optional: bool,
}

/// A result that was published for a model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedResult {
    /// The data set or task, as MARBLE calls it.
    pub task: String,
    /// What was measured.
    pub metric: String,
    /// In percent.
    pub value: f64,
    /// Where it is said to stand.
    pub source: String,
    /// How sure that is.
    pub certainty: Certainty,
}

/// How sure a published figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// More than one source gives it.
    Corroborated,
    /// Not checked against the publication.
    Unverified,
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

/// All published models, in the order in which they are shown.
///
/// # Errors
/// [`CatalogueError`], only if the build put a broken catalogue in.
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

/// The published model with this id; upper and lower case are the same.
///
/// # Errors
/// [`CatalogueError`], only if the build put a broken catalogue in.
pub fn find(id: &str) -> Result<Option<&'static CatalogueEntry>, CatalogueError> {
    Ok(all()?
        .iter()
        .find(|entry| entry.id.eq_ignore_ascii_case(id)))
}

impl CatalogueEntry {
    /// The samples of a window of `window_s` seconds.
    #[must_use]
    pub fn window_samples(&self, window_s: f64) -> usize {
        (window_s * f64::from(self.sample_rate_hz)).round() as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_five_models_of_the_family_are_there_and_make_sense() {
        let ids: Vec<_> = all().unwrap().iter().map(|entry| &*entry.id).collect();
        let family = [
            "MERT-v0-public",
            "MERT-v0",
            "MERT-v1-95M",
            "MERT-v1-330M",
            "music2vec-v1",
        ];
        assert_eq!(ids, family);
        for entry in all().unwrap() {
            // Seven convolutions with strides 5 and six times 2: a frame is 320 samples.
            assert_eq!(
                entry.sample_rate_hz,
                entry.frame_rate_hz * 320,
                "{}",
                entry.id
            );
            let layers = entry.best_layers.values().chain([&entry.default_layer]);
            assert!(layers.max() <= Some(&entry.layers), "{}", entry.id);
            assert!(entry.files.iter().all(|file| !file.name.contains('/')));
            let weights = entry.files.last().unwrap();
            assert!(weights.name == "pytorch_model.bin" && !weights.optional);
            let hashes = entry.files.iter().filter_map(|file| file.sha256.as_ref());
            assert!(hashes.into_iter().all(|hash| hash.len() == 64));
            assert_eq!(entry.license, "CC-BY-NC-4.0");
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
