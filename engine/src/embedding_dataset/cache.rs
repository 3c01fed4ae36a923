//! Embeddings on disk, one file for each file of music.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::DatasetError;
use mertscope_heads::head::Reads;
use mertscope_model::tensors::{TensorFile, serialize};
use mertscope_model::{HiddenStates, LayerSet, Model, write_whole};

/// The cache of one model, number of windows and what is kept of them.
pub(super) struct Cache {
    folder: PathBuf,
    encoder_sha256: String,
    layers: usize,
    width: usize,
}

impl Cache {
    pub(super) fn new(root: &Path, model: &Model, reads: Reads, windows: usize) -> Self {
        let encoder_sha256 = model.sha256().to_owned();
        // The file holds the whole hash.
        let short = encoder_sha256.get(..16).unwrap_or(&encoder_sha256);
        // Frames of a file of their own can change without the rest.
        let frames = model
            .manifest
            .frames_sha256()
            .map_or_else(String::new, |frames| {
                format!("-{}", frames.get(..8).unwrap_or(frames))
            });
        Self {
            folder: root.join(match reads {
                Reads::Window => format!("{short}-{windows}"),
                Reads::Frames => format!("{short}-{windows}-frames{frames}"),
            }),
            layers: model.manifest.layers.len(),
            width: model.manifest.width,
            encoder_sha256,
        }
    }

    fn path(&self, sha256: &str) -> PathBuf {
        self.folder.join(format!("{sha256}.safetensors"))
    }

    /// The windows of the file with this hash; `None` when they are missing or damaged.
    pub(super) fn get(&self, sha256: &str) -> Option<Vec<HiddenStates>> {
        let bytes = fs::read(self.path(sha256)).ok()?;
        let file = TensorFile::parse(&bytes).ok()?;
        let ours = file.text("encoder_sha256") == Ok(&self.encoder_sha256)
            && file.text("file_sha256") == Ok(sha256);
        let (shape, values) = file.floats("windows").ok()??;
        let size = self.layers * self.width;
        if !ours || values.is_empty() || shape[1..] != [self.layers, self.width] {
            return None;
        }
        let windows = values.chunks_exact(size).map(|data| HiddenStates {
            layers: self.layers,
            which: LayerSet::All,
            frames: None,
            window: None,
            width: self.width,
            data: data.to_vec(),
        });
        Some(windows.collect())
    }

    /// Keeps the windows of a file; whole or not at all.
    pub(super) fn put(&self, sha256: &str, windows: &[HiddenStates]) -> Result<(), DatasetError> {
        let metadata: BTreeMap<String, String> = [
            ("encoder_sha256", self.encoder_sha256.as_str()),
            ("file_sha256", sha256),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let values: Vec<f32> = windows.iter().flat_map(|w| &w.data).copied().collect();
        let shape = [windows.len(), self.layers, self.width];
        let bytes = serialize(&metadata, &[("windows", &shape, &values)]);
        write_whole(&self.path(sha256), &bytes).map_err(|source| DatasetError::Cache {
            folder: self.folder.clone(),
            source,
        })
    }
}
