//! Models from published checkpoints: installed ones, and folders as they come from the hub.

use std::fs;
use std::path::{Path, PathBuf};

use crate::calibration::Calibration;
use crate::catalogue::{self, CatalogueEntry};
use crate::checkpoint::{
    self, CONFIG, Checkpoint, CheckpointError, Network, PREPROCESSOR, WEIGHTS, config_of, shards,
};
use crate::error::ModelError;
use crate::graph::{self, Calibrator, CheckpointSource, GraphError, InputRanges};
use crate::hash::sha256;
use crate::manifest::Manifest;
use crate::store::{Installed, InstalledFile, StoreError};
use crate::variant::{GraphSource, LayerSet, Operators, Precision};

/// A published checkpoint: its network, and the place and hash of its weights.
#[derive(Debug, Clone)]
pub(super) struct Published {
    network: Network,
    weights: PathBuf,
    sha256: String,
    bytes: u64,
    /// The folder of its graphs; `None` means the user's cache.
    graphs: Option<PathBuf>,
    /// The music on which its 8-bit graphs are calibrated.
    pub(super) calibration: Calibration,
}

impl Published {
    /// Bytes of the weights.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Everything that its graphs are made of.
    pub(super) fn key(&self) -> impl std::fmt::Debug {
        let calibration = self.calibration.key();
        (&self.sha256, &self.network, graph::REVISION, calibration)
    }

    /// The layers of a graph that gives the hidden states `layers`, and those of the network.
    pub(super) fn depth(&self, layers: &LayerSet) -> (usize, usize) {
        let (states, all) = (self.network.hidden_states(), self.network.layers());
        let highest = layers.indices(states).last().copied().unwrap_or(0);
        // In some families hidden state 0 is the input of the first layer.
        (highest + 1 - (states - all), all)
    }

    /// See [`Network::least_run_bytes`].
    pub(super) fn least_run_bytes(&self, samples: usize) -> u64 {
        self.network.least_run_bytes(samples)
    }

    /// Keeps graphs in another folder than the user's cache.
    pub(super) fn keep_graphs_in(&mut self, folder: PathBuf) {
        self.graphs = Some(folder);
    }

    /// The graph of a variant that gives at least the hidden states `layers`: from the user's
    /// cache, or made now; `measure` calibrates an 8-bit graph.
    ///
    /// # Errors
    /// [`GraphError`].
    pub(super) fn graph(
        &self,
        operators: Operators,
        precision: Precision,
        frames: bool,
        layers: &LayerSet,
        measure: &dyn Fn(&Path) -> Result<InputRanges, String>,
    ) -> Result<GraphSource<'_>, GraphError> {
        let count = self.network.hidden_states();
        // All layers up to the highest cost no more than that one, and serve more requests.
        let highest = layers.indices(count).last().copied().unwrap_or(0);
        let layers = LayerSet::of(0..=highest, count);
        let variant = graph::Variant::new(precision, operators, frames, layers);
        let source = CheckpointSource {
            network: &self.network,
            weights: &self.weights,
            sha256: &self.sha256,
        };
        let root = self.graphs.clone().map_or_else(graph::user_folder, Ok);
        let calibrator = Calibrator {
            key: self.calibration.key(),
            measure,
        };
        root.and_then(|root| graph::file(&root, source, &variant, &calibrator))
    }
}

/// The model in a folder as it comes from the hub: `config.json`, the weights, and usually
/// `preprocessor_config.json`. Its id is the folder's name.
pub(super) fn open(folder: &Path) -> Result<(Manifest, Published), ModelError> {
    let name = WEIGHTS
        .into_iter()
        .find(|name| {
            [name, config_of(name)]
                .iter()
                .all(|file| folder.join(file).is_file())
        })
        .ok_or_else(|| ModelError::NoWeights {
            folder: folder.to_owned(),
        })?;
    let weights = folder.join(name);
    let sha256 = shards::hash(&weights)?;
    // A name that can be shown, also for `.` and links.
    let canonical = dunce::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let id = canonical.file_name().map_or_else(
        || "checkpoint".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    );
    let preprocessor = Some(folder.join(PREPROCESSOR)).filter(|path| path.is_file());
    model(
        &id,
        &folder.join(config_of(name)),
        preprocessor.as_deref(),
        weights,
        sha256,
        None,
    )
}

/// An installed model. Its small files are checked against the receipt now, its weights when a
/// graph is made of them.
pub(super) fn installed(
    entry: &CatalogueEntry,
    installed: &Installed,
) -> Result<(Manifest, Published), ModelError> {
    let missing = |name: &str| ModelError::Unreadable {
        path: installed.folder.join(name),
        source: std::io::ErrorKind::NotFound.into(),
    };
    let weights = WEIGHTS
        .iter()
        .find_map(|name| installed.file(name))
        .ok_or_else(|| missing(entry.weights()))?;
    let config = config_of(&weights.name);
    let config = installed.file(config).ok_or_else(|| missing(config))?;
    let preprocessor = installed.file(PREPROCESSOR);
    for file in [Some(config), preprocessor].into_iter().flatten() {
        verify(&entry.id, file)?;
    }
    model(
        &entry.id,
        &config.path,
        preprocessor.map(|file| file.path.as_path()),
        weights.path.clone(),
        weights_hash(installed).ok_or_else(|| missing(entry.weights()))?,
        Some(entry),
    )
}

/// The hash that names an installed model's weights and the folder of their graphs, from its receipt;
/// `None` for a receipt without weights.
#[must_use]
pub fn weights_hash(installed: &Installed) -> Option<String> {
    let first = WEIGHTS.iter().find_map(|name| installed.file(name))?;
    if !shards::is_index(&first.name) {
        return Some(first.sha256.clone());
    }
    let is_shard = |file: &&InstalledFile| {
        file.name != first.name && ![CONFIG, PREPROCESSOR].contains(&file.name.as_str())
    };
    let mut shards: Vec<_> = installed.files.iter().filter(is_shard).collect();
    shards.sort_by(|a, b| a.name.cmp(&b.name));
    let all = [first].into_iter().chain(shards);
    let hashes: Vec<_> = all.map(|file| file.sha256.clone()).collect();
    Some(shards::joined_hash(&hashes))
}

/// Checks that the files in `folder` are those of the catalogue's `entry`, as far as that can be seen
/// before they are used: the network's sizes, the sample rate, and the tensors in the file `weights`.
///
/// # Errors
/// [`ModelError::Misfit`] for another model's files; [`ModelError::Checkpoint`] for files that can't be
/// read or used.
pub fn check_fits(entry: &CatalogueEntry, folder: &Path, weights: &str) -> Result<(), ModelError> {
    let config = folder.join(config_of(weights));
    let network = checkpoint::network(&config)?;
    check_sizes(&network, entry, &config)?;
    let path = folder.join(PREPROCESSOR);
    if path.is_file() {
        let rate_hz = checkpoint::preprocessor(&path)?.sampling_rate;
        if rate_hz != entry.sample_rate_hz {
            return Err(ModelError::Misfit {
                config: path,
                id: entry.id.clone(),
                difference: format!(
                    "its sampling_rate is {rate_hz} Hz, but {} takes {} Hz",
                    entry.id, entry.sample_rate_hz
                ),
            });
        }
    }
    Checkpoint::open(network, &folder.join(weights))?;
    Ok(())
}

/// Refuses a network of another family, other sizes or another context than those of its catalogue entry.
fn check_sizes(network: &Network, entry: &CatalogueEntry, config: &Path) -> Result<(), ModelError> {
    let id = &entry.id;
    let difference = if network.architecture() != entry.architecture {
        format!(
            "it describes a network of the family {}, but {id} is one of {}",
            network.architecture().id(),
            entry.architecture.id()
        )
    } else if (entry.layers, entry.width) != (network.layers(), network.width()) {
        format!(
            "it has {} layers of {} values, but {id} has {} layers of {}",
            network.layers(),
            network.width(),
            entry.layers,
            entry.width
        )
    } else if let Some(other) = same_sizes_other_context(network, entry) {
        format!(
            "it is that of {other}, whose context_seconds is {}",
            network.context_s().unwrap_or_default()
        )
    } else {
        return Ok(());
    };
    Err(ModelError::Misfit {
        config: config.to_owned(),
        id: id.clone(),
        difference,
    })
}

/// The other model of the catalogue whose context the network has. A context that no model has passes: it
/// changes no result.
fn same_sizes_other_context(network: &Network, entry: &CatalogueEntry) -> Option<&'static str> {
    let context_s = network
        .context_s()
        .filter(|it| entry.context_s != Some(*it))?;
    let mut others = catalogue::all().unwrap_or_default().iter();
    let other = others.find(|other| {
        other.architecture == entry.architecture && other.context_s == Some(context_s)
    });
    other.map(|other| other.id.as_str())
}

fn verify(id: &str, file: &InstalledFile) -> Result<(), ModelError> {
    let path = || file.path.clone();
    let bytes = fs::read(&file.path).map_err(|source| ModelError::Unreadable {
        path: path(),
        source,
    })?;
    let actual = sha256(&bytes);
    if actual == file.sha256 {
        return Ok(());
    }
    Err(StoreError::changed(id, file, &actual).into())
}

fn model(
    id: &str,
    config: &Path,
    preprocessor: Option<&Path>,
    weights: PathBuf,
    sha256: String,
    entry: Option<&CatalogueEntry>,
) -> Result<(Manifest, Published), ModelError> {
    let network = checkpoint::network(config)?;
    if let Some(entry) = entry {
        check_sizes(&network, entry, config)?;
    }
    let preprocessor = preprocessor.map(checkpoint::preprocessor).transpose()?;
    // The entry with the same weights, by their hash, or with the same id and sizes.
    let catalogued = catalogue::all().unwrap_or_default().iter().find(|entry| {
        let mut files = entry.files.iter();
        let same_weights = files.any(|file| file.sha256.as_deref() == Some(sha256.as_str()));
        let same_network = (entry.architecture, entry.layers, entry.width)
            == (network.architecture(), network.layers(), network.width());
        let same_rate = preprocessor.is_none_or(|it| it.sampling_rate == entry.sample_rate_hz);
        same_weights || (entry.id == id && same_network && same_rate)
    });
    let name = weights
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let manifest = Manifest::of_checkpoint(
        id,
        &network,
        preprocessor,
        entry.or(catalogued),
        &name,
        &sha256,
    )
    .map_err(|reason| CheckpointError::Invalid {
        path: config.to_owned(),
        reason,
    })?;
    let mut bytes = 0;
    for path in shards::files(&weights)? {
        let metadata = fs::metadata(&path);
        bytes += metadata
            .map_err(|source| ModelError::Unreadable { path, source })?
            .len();
    }
    let published = Published {
        network,
        weights,
        sha256,
        bytes,
        graphs: None,
        calibration: Calibration::default(),
    };
    Ok((manifest, published))
}
