//! A model: its manifest and its graph, found, verified and ready to run.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mertscope_assets::EMBEDDED;

use crate::calibration::{Calibration, CalibrationError};
use crate::catalogue::{self, CatalogueEntry};
use crate::checkpoint;
use crate::error::ModelError;
use crate::graph::{GraphError, InputRanges};
use crate::hash::{sha256, sha256_of_parts};
use crate::manifest::{MANIFEST, Manifest, PartFile};
use crate::published::{self, Published};
use crate::store::{self, Installed};
use crate::variant::{GraphSource, LayerSet, Operators, Precision};

/// A model that is ready to run: its manifest and its graph, both verified.
///
/// Its heads are not here: `ModelPackage` of the crate `mertscope-heads` joins them.
///
/// # Examples
/// ```
/// use mertscope_model::Model;
///
/// let model = Model::embedded()?;
/// assert_eq!(Model::find(Some(&model.manifest.id))?.sha256(), model.sha256());
/// // Any other model is named by its id, or by its folder.
/// assert!(Model::find(Some("/no/such/folder")).is_err());
/// # Ok::<(), mertscope_model::ModelError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Model {
    /// The model's identity and its graph's contract.
    pub manifest: Manifest,
    files: ModelFiles,
    graph: GraphOrigin,
}

/// The origin of a model's graph.
#[derive(Debug, Clone)]
enum GraphOrigin {
    /// An ONNX file: its bytes, and those of its fragment for frames.
    Onnx {
        graph: Arc<Cow<'static, [u8]>>,
        fragment: Option<Arc<Cow<'static, [u8]>>>,
    },
    /// A published checkpoint, from which graphs are made.
    Published(Published),
}

/// The place of the files that a model's manifest names.
#[derive(Debug, Clone)]
enum ModelFiles {
    /// Compiled in.
    Embedded,
    /// In a folder.
    Folder(PathBuf),
}

impl Model {
    /// The embedded model, which needs no file and no network.
    ///
    /// # Errors
    /// Only when the build contains files that don't belong together.
    pub fn embedded() -> Result<Self, ModelError> {
        Self::assemble(ModelFiles::Embedded)
    }

    /// The embedded model's manifest alone: parses its text and hashes nothing, so that a saved state
    /// can name the model without loading it.
    ///
    /// # Errors
    /// Only when the build contains files that don't belong together.
    pub fn embedded_manifest() -> Result<Manifest, ModelError> {
        let text = EMBEDDED
            .iter()
            .find(|(file, _)| *file == MANIFEST)
            .map_or(&[][..], |(_, bytes)| bytes);
        Manifest::parse(text).map_err(|reason| ModelError::Manifest {
            path: Path::new("(embedded)").join(MANIFEST),
            reason,
        })
    }

    /// The model in `folder`, which holds a `manifest.toml` and the files it names, or a published
    /// checkpoint: `config.json` and the weights.
    ///
    /// # Errors
    /// [`ModelError`], when a file is missing, does not match the manifest, or is not valid.
    pub fn open(folder: &Path) -> Result<Self, ModelError> {
        if !folder.join(MANIFEST).exists() && checkpoint::is_in(folder) {
            let (manifest, published) = published::open(folder)?;
            return Ok(Self::of_checkpoint(folder, manifest, published));
        }
        Self::assemble(ModelFiles::Folder(folder.to_owned()))
    }

    /// The model with this id or in this folder; the embedded one for `None`. An id of the catalogue
    /// means the model that is installed under it.
    ///
    /// # Errors
    /// [`ModelError::NotInstalled`] for an id of the catalogue that isn't installed,
    /// [`ModelError::Unknown`] for a name that is neither id nor folder, and those of [`Model::open`].
    pub fn find(name: Option<&str>) -> Result<Self, ModelError> {
        let Some(name) = name else {
            return Self::embedded();
        };
        if Self::embedded_manifest()?.id == name {
            return Self::embedded();
        }
        // The catalogue is compiled in: a broken one counts as empty here.
        if let Ok(Some(entry)) = catalogue::find(name) {
            return match store::installed(&entry.id)? {
                Some(installed) => Self::installed(entry, &installed),
                None => Err(ModelError::NotInstalled {
                    id: entry.id.clone(),
                }),
            };
        }
        let folder = Path::new(name);
        if folder.join(MANIFEST).is_file() || checkpoint::is_in(folder) {
            return Self::open(folder);
        }
        Err(ModelError::Unknown {
            name: name.to_owned(),
        })
    }

    /// The model that is installed as `entry`. Its small files are checked against the receipt now, its
    /// weights when a graph is made of them.
    ///
    /// # Errors
    /// [`ModelError`], when a file is missing, has changed, or is not valid.
    pub fn installed(entry: &CatalogueEntry, installed: &Installed) -> Result<Self, ModelError> {
        let (manifest, published) = published::installed(entry, installed)?;
        Ok(Self::of_checkpoint(&installed.folder, manifest, published))
    }

    fn of_checkpoint(folder: &Path, manifest: Manifest, published: Published) -> Self {
        Self {
            manifest,
            files: ModelFiles::Folder(folder.to_owned()),
            graph: GraphOrigin::Published(published),
        }
    }

    fn assemble(files: ModelFiles) -> Result<Self, ModelError> {
        let manifest = Manifest::parse(&files.read(MANIFEST)?).map_err(|reason| {
            let path = files.path(MANIFEST);
            ModelError::Manifest { path, reason }
        })?;
        let graph = files.read_verified(&manifest.graph.file, &manifest.graph.sha256)?;
        let fragment = manifest.graph.fragment.as_ref();
        let fragment = fragment
            .map(|file| files.read_verified(&file.file, &file.sha256))
            .transpose()?;
        Ok(Self {
            manifest,
            files,
            graph: GraphOrigin::Onnx {
                graph: Arc::new(graph),
                fragment: fragment.map(Arc::new),
            },
        })
    }

    /// Reads a file that the model's manifest names, such as a head: its path, for messages, and its
    /// bytes.
    ///
    /// # Errors
    /// [`ModelError::Unreadable`] and [`ModelError::Hash`], when the file is missing or changed.
    pub fn part(&self, file: &PartFile) -> Result<(PathBuf, Cow<'static, [u8]>), ModelError> {
        let bytes = self.files.read_verified(&file.file, &file.sha256)?;
        Ok((self.files.path(&file.file), bytes))
    }

    /// The SHA-256 that names the model, hexadecimal, see [`Manifest::sha256`]. Heads and saved projects
    /// identify a model by it.
    #[must_use]
    pub fn sha256(&self) -> &str {
        self.manifest.sha256()
    }

    /// The SHA-256 of everything that shapes its hidden states, hexadecimal: weights, network, input and
    /// window, and the way in which this version builds graphs. Sessions and embeddings are shared only
    /// between equal ones.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let network = match &self.graph {
            // The manifest holds the hashes of the ONNX files.
            GraphOrigin::Onnx { .. } => None,
            GraphOrigin::Published(published) => Some(published.key()),
        };
        sha256_of_parts(&(self.manifest.computation(), network))
    }

    /// The same model with windows of another length in seconds: music2vec was trained on 30 s, and
    /// gives results sooner with 5.
    ///
    /// # Errors
    /// [`ModelError::Window`] for a length that the model does not take.
    pub fn with_window_s(mut self, window_s: f64) -> Result<Self, ModelError> {
        let manifest = &mut self.manifest;
        let own_s = manifest.window_s();
        if (window_s - own_s).abs() < 1e-9 {
            return Ok(self);
        }
        if !manifest.takes_window_s(window_s) {
            return Err(ModelError::Window {
                id: manifest.id.clone(),
                own_s,
                window_s,
            });
        }
        let samples = (window_s * f64::from(manifest.sample_rate_hz)).round();
        manifest.window_samples = samples as usize;
        // The former length is one of the others now.
        let others = &mut manifest.other_windows_s;
        others.retain(|other_s| (other_s - window_s).abs() > 1e-9);
        others.push(own_s);
        Ok(self)
    }

    /// The same model, with 8-bit graphs calibrated on the music in `folder` instead of the demo pieces.
    ///
    /// # Errors
    /// [`CalibrationError`], when the folder holds no audio with sound, or the model comes as ONNX.
    pub fn with_calibration(mut self, folder: &Path) -> Result<Self, CalibrationError> {
        let GraphOrigin::Published(published) = &mut self.graph else {
            let model = self.manifest.id;
            return Err(CalibrationError::Model { model });
        };
        published.calibration = Calibration::of_folder(folder, &self.manifest)?;
        Ok(self)
    }

    /// The music on which 8-bit graphs are calibrated; the error is a phrase.
    pub(crate) fn calibration_windows(&self) -> Result<Vec<Vec<f32>>, String> {
        match &self.graph {
            GraphOrigin::Onnx { .. } => Ok(Vec::new()),
            GraphOrigin::Published(published) => published.calibration.windows(&self.manifest),
        }
    }

    /// The same model, with the graphs of its checkpoint kept in `folder` instead of the user's cache.
    #[must_use]
    pub fn with_graphs_in(mut self, folder: &Path) -> Self {
        if let GraphOrigin::Published(published) = &mut self.graph {
            published.keep_graphs_in(folder.to_owned());
        }
        self
    }

    /// Bytes of its graph, or of the weights from which its graphs are made.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match &self.graph {
            GraphOrigin::Onnx { graph, fragment } => {
                let fragment = fragment.as_ref().map_or(0, |bytes| bytes.len());
                (graph.len() + fragment) as u64
            }
            GraphOrigin::Published(published) => published.bytes(),
        }
    }

    /// The layers that its graph for the hidden states `layers` has, and those of the network; `None` for a model
    /// that comes as ONNX, whose graph is never cut.
    #[must_use]
    pub fn depth(&self, layers: &LayerSet) -> Option<(usize, usize)> {
        let GraphOrigin::Published(published) = &self.graph else {
            return None;
        };
        Some(published.depth(layers))
    }

    /// Bytes that a run on so many samples takes at least, beside the weights, as far as that is known.
    pub(crate) fn least_run_bytes(&self, samples: usize) -> u64 {
        match &self.graph {
            GraphOrigin::Onnx { .. } => 0,
            GraphOrigin::Published(published) => published.least_run_bytes(samples),
        }
    }

    /// The precision in use, given the requested one and the device's default: a model that comes as
    /// ONNX has only its own.
    pub(crate) fn precision(&self, requested: Option<Precision>, device: Precision) -> Precision {
        match &self.graph {
            GraphOrigin::Onnx { .. } => Precision::Fp32,
            GraphOrigin::Published(_) => requested.unwrap_or(device),
        }
    }

    /// Whether its graphs are made of a published checkpoint.
    pub(crate) fn is_checkpoint(&self) -> bool {
        matches!(self.graph, GraphOrigin::Published(_))
    }

    /// Whether the graph with frames also gives the window as a whole; a graph that is made of a
    /// checkpoint gives only one of them.
    pub(crate) fn gives_both(&self) -> bool {
        let graph = &self.manifest.graph;
        let both = !graph.pooled.is_empty() && !graph.frames.is_empty();
        both && matches!(self.graph, GraphOrigin::Onnx { .. })
    }

    /// The graph with these operators and this precision, with at least the hidden states `layers`. A
    /// model that comes as ONNX has one graph for all, to which a fragment may add frames. `measure` calibrates.
    ///
    /// # Errors
    /// [`GraphError`].
    pub(crate) fn graph(
        &self,
        operators: Operators,
        precision: Precision,
        frames: bool,
        layers: &LayerSet,
        measure: &dyn Fn(&Path) -> Result<InputRanges, String>,
    ) -> Result<GraphSource<'_>, GraphError> {
        match &self.graph {
            GraphOrigin::Onnx { graph, fragment } => Ok(GraphSource::Memory {
                bytes: match fragment {
                    // Concatenation merges protobuf messages; see `GraphContract::fragment`.
                    Some(fragment) if frames => Cow::Owned([&graph[..], &fragment[..]].concat()),
                    _ => Cow::Borrowed(&graph[..]),
                },
                notice: None,
            }),
            GraphOrigin::Published(published) => {
                published.graph(operators, precision, frames, layers, measure)
            }
        }
    }
}

impl ModelFiles {
    fn path(&self, name: &str) -> PathBuf {
        match self {
            Self::Embedded => Path::new("(embedded)").join(name),
            Self::Folder(folder) => folder.join(name),
        }
    }

    fn read(&self, name: &str) -> Result<Cow<'static, [u8]>, ModelError> {
        let read = match self {
            Self::Embedded => EMBEDDED
                .iter()
                .find(|(file, _)| *file == name)
                .map(|(_, bytes)| Cow::Borrowed(*bytes))
                .ok_or_else(|| std::io::ErrorKind::NotFound.into()),
            Self::Folder(folder) => fs::read(folder.join(name)).map(Cow::Owned),
        };
        read.map_err(|source| ModelError::Unreadable {
            path: self.path(name),
            source,
        })
    }

    fn read_verified(&self, name: &str, expected: &str) -> Result<Cow<'static, [u8]>, ModelError> {
        let bytes = self.read(name)?;
        let actual = sha256(&bytes);
        if actual == expected {
            return Ok(bytes);
        }
        Err(ModelError::Hash {
            path: self.path(name),
            expected: expected.to_owned(),
            actual,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_model_is_complete() {
        let model = Model::embedded().unwrap();
        let onnx = EMBEDDED
            .iter()
            .find(|(file, _)| *file == model.manifest.graph.file);
        assert_eq!(sha256(onnx.unwrap().1), model.sha256());
        assert_eq!(Model::embedded_manifest().unwrap(), model.manifest);
        assert_eq!(
            Model::find(Some(&model.manifest.id)).unwrap().manifest.id,
            model.manifest.id
        );
    }

    #[test]
    fn an_unknown_model_is_named() {
        let error = Model::find(Some("MERT-v9")).unwrap_err().to_string();
        assert!(
            error.contains("MERT-v9") && error.contains("models list"),
            "{error}"
        );
    }

    #[test]
    fn a_swapped_truncated_or_missing_file_is_named_and_never_parsed() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
        for (name, bytes) in EMBEDDED {
            write(name, bytes);
        }
        assert!(Model::open(folder.path()).is_ok());
        for name in ["encoder.onnx", "frames.onnx"] {
            let bytes = EMBEDDED.iter().find(|(file, _)| *file == name).unwrap().1;
            write(name, &bytes[..bytes.len() / 2]);
            let error = Model::open(folder.path()).unwrap_err();
            assert!(matches!(error, ModelError::Hash { .. }), "{error}");
            assert!(error.to_string().contains(name), "{error}");
            fs::remove_file(folder.path().join(name)).unwrap();
            let error = Model::open(folder.path()).unwrap_err();
            assert!(matches!(error, ModelError::Unreadable { .. }), "{error}");
            write(name, bytes);
        }
        write(MANIFEST, b"id = 3");
        let error = Model::open(folder.path()).unwrap_err();
        assert!(matches!(error, ModelError::Manifest { .. }), "{error}");
    }
}
